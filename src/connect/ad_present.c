/* Who is there, by GUIDs alone: what is gone, or lies elsewhere now, tells nothing of itself to an account that may not
 * look into the bin of deleted objects ([MS-ADTS] 3.1.1.1.12), as one of little right may not. */
#include "connect/ad_room.h"

enum { GUIDS_A_PAGE = 1000, GUIDS = 2000000 };

struct listing {
    void (*each)(void *ctx, const unsigned char guid[16]);
    void *ctx;
};

static enum td_code row(void *ctx, const struct td_ldap_entry *e, struct td_error *err TD_UNUSED)
{
    const struct listing *t = ctx;
    struct td_slice guid = td_ldap_get(e, "objectGUID");
    if (guid.n == 16)
        t->each(t->ctx, (const unsigned char *)guid.p);
    return TD_OK;
}

enum td_code td_ad_present(struct td_ldap *l, const struct td_ad_domain *d, const char *base,
                           void (*each)(void *ctx, const unsigned char guid[16]), void *ctx, struct td_error *err)
{
    static const char *const attrs[] = {"objectGUID", NULL};
    struct listing t = {each, ctx};
    struct td_ldap_search s = {.base = base != NULL && base[0] != '\0' ? base : d->dn,
                               .filter = "(&" TD_AD_PEOPLE_AND_GROUPS ")",
                               .scope = TD_LDAP_SUBTREE,
                               .attrs = attrs,
                               .page = GUIDS_A_PAGE,
                               .max_rows = GUIDS};
    enum td_code code = l->ops->search(l, &s, NULL, row, &t, err);
    return code == TD_OK ? TD_OK : td_ad_said_no(l, code, err);
}
