/* Roots that a forest trusts, for the blobs of its computers: what its domain members would get by themselves once they
 * have reached a controller ([MS-ADTS] 6.1.1; CN=Certification Authorities). */
#include "connect/ad_room.h"

enum { ROOT_OCTETS = 8192, ROOTS_OCTETS = 24576 };

struct roots {
    struct td_slice list[TD_ODJ_ROOTS_MAX];
    size_t count, octets;
};

/* Places for certificates that nobody has put in hold one octet. What does not fit is left out: the computer gets it
 * from the directory later. */
static enum td_code take(void *ctx, const struct td_ldap_entry *e, struct td_error *err TD_UNUSED)
{
    struct roots *r = ctx;
    const struct td_ldap_value *v = td_ldap_attr(e, "cACertificate");
    for (size_t i = 0; v != NULL && i < v->count; i++) {
        struct td_slice der = v->values[i];
        if (der.n < 2 || der.p[0] != 0x30 || der.n > ROOT_OCTETS || r->octets + der.n > ROOTS_OCTETS ||
            r->count == TD_ODJ_ROOTS_MAX)
            continue;
        r->list[r->count++] = der;
        r->octets += der.n;
    }
    return TD_OK;
}

enum td_code td_ad_roots(struct td_ldap *l, const struct td_ad_domain *d, struct td_arena *a, struct td_odj_part *ret,
                         bool *ret_any, struct td_error *err)
{
    static const char *const attrs[] = {"cACertificate", NULL};
    struct roots r = {0};
    TD_CLEANUP(td_buf_done) struct td_buf part;
    const struct td_ldap_search s = {
        .base = td_arena_printf(a, "CN=Certification Authorities,CN=Public Key Services,CN=Services,%s", d->config_dn),
        .filter = "(cACertificate=*)",
        .scope = TD_LDAP_ONE,
        .attrs = attrs};
    td_buf_init(&part, TD_ODJ_MAX);
    *ret_any = false;
    enum td_code rc = l->ops->search(l, &s, a, take, &r, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return td_ad_said_no(l, rc, err);
    if (r.count == 0)
        return TD_OK;
    td_try(td_odj_roots_write(r.list, r.count, &part, err));
    *ret = (struct td_odj_part){.bytes = td_arena_copy(a, td_buf_slice(&part))};
    memcpy(ret->guid, td_odj_part_certificates, sizeof(ret->guid));
    *ret_any = true;
    return TD_OK;
}
