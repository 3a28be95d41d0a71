/* Facts of a domain, and what all of connect/ad.h rests on. */
#include "connect/ad_room.h"

#include <stdio.h>

/* --- refusals ----------------------------------------------------------------------------------------------------- */

enum {
    LDAP_SAYS_ADMIN_LIMIT = 11,
    LDAP_SAYS_CONSTRAINT = 19,
    LDAP_SAYS_NO_OBJECT = 32,
    LDAP_SAYS_BAD_DN = 34,
    LDAP_SAYS_NO_ACCESS = 50,
    LDAP_SAYS_REFERRAL = 10,
    LDAP_SAYS_NAMING = 64,
    LDAP_SAYS_EXISTS = 68,
    /* [MS-ERREF] 2.2, behind a result of many meanings */
    MACHINE_QUOTA = 8557,
    OBJECT_QUOTA = 1816,
    ACCESS_DENIED = 5,
    SPN_TAKEN = 8647,
    UPN_TAKEN = 8648
};

static enum td_domain_reason reason_of(const struct td_ldap_result *r)
{
    if (r->code < 0)
        return TD_DJ_NO_DC;
    if (r->win32 == MACHINE_QUOTA || r->win32 == OBJECT_QUOTA || r->code == LDAP_SAYS_ADMIN_LIMIT)
        return TD_DJ_QUOTA;
    switch (r->code) {
    case LDAP_SAYS_NO_ACCESS:
        return TD_DJ_NO_RIGHT;
    case LDAP_SAYS_NO_OBJECT:
    case LDAP_SAYS_BAD_DN:
    case LDAP_SAYS_NAMING:
    case LDAP_SAYS_REFERRAL:
        return TD_DJ_NO_OU;
    case LDAP_SAYS_EXISTS:
        return TD_DJ_NAME_TAKEN;
    case LDAP_SAYS_CONSTRAINT:
        /* the same name elsewhere; the password policy and others answer 19 too */
        if (r->win32 == SPN_TAKEN || r->win32 == UPN_TAKEN || strstr(r->text, "would cause a conflict") != NULL)
            return TD_DJ_NAME_TAKEN;
        return TD_DJ_REFUSED;
    default:
        return r->win32 == ACCESS_DENIED ? TD_DJ_NO_RIGHT : TD_DJ_REFUSED;
    }
}

enum td_code td_ad_said_no(struct td_ldap *l, enum td_code code, struct td_error *err)
{
    char detail[sizeof(err->text)] = "";
    if (err != NULL)
        memcpy(detail, err->text, sizeof(detail));
    if (code == TD_EUNAVAILABLE)
        return td_domain_refuse(err, TD_DJ_NO_DC, detail);
    if (code == TD_ELIMIT && l->last.code != LDAP_SAYS_ADMIN_LIMIT)
        return td_domain_refuse(err, TD_DJ_REFUSED, detail);
    return td_domain_refuse(err, reason_of(&l->last), detail);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

struct keeping {
    struct td_ldap_entry *ret;
    size_t count;
};

static enum td_code keep(void *ctx, const struct td_ldap_entry *e, struct td_error *err)
{
    struct keeping *k = ctx;
    (void)err;
    if (k->count++ == 0)
        *k->ret = *e;
    return TD_OK;
}

enum td_code td_ad_one(struct td_ldap *l, const struct td_ldap_search *s, struct td_arena *a, struct td_ldap_entry *ret,
                       struct td_error *err)
{
    struct keeping k = {ret, 0};
    enum td_code code = l->ops->search(l, s, a, keep, &k, err);
    if (code == TD_ENOTFOUND || (code == TD_OK && k.count == 0))
        return TD_ENOTFOUND;
    return code == TD_OK ? TD_OK : td_ad_said_no(l, code, err);
}

uint64_t td_ad_number(const struct td_ldap_entry *e, const char *name)
{
    struct td_slice s = td_ldap_get(e, name);
    uint64_t u = 0;
    int64_t i = 0;
    if (td_parse_u64(s, &u))
        return u;
    return td_parse_i64(s, &i) ? (uint64_t)i : 0;
}

const char *td_ad_equals(struct td_arena *a, const char *name, struct td_slice value)
{
    return td_arena_printf(a, "(%s=%s)", name, td_ldap_escape(a, value));
}

const char *td_ad_text(const struct td_ldap_entry *e, const char *name, struct td_arena *a)
{
    const char *text = td_ldap_text(e, name, a);
    return text != NULL ? text : "";
}

bool td_ad_has_class(const struct td_ldap_entry *e, const char *name)
{
    const struct td_ldap_value *v = td_ldap_attr(e, "objectClass");
    for (size_t i = 0; v != NULL && i < v->count; i++)
        if (td_ieqs(v->values[i], name))
            return true;
    return false;
}

enum td_code td_ad_ids(const struct td_ldap_entry *e, struct td_sid *ret_sid, char ret_guid[37], struct td_error *err)
{
    struct td_error why = {0};
    if (td_sid_read(td_ldap_get(e, "objectSid"), ret_sid, NULL, &why) != TD_OK ||
        td_guid_text(td_ldap_get(e, "objectGUID"), ret_guid, &why) != TD_OK)
        return td_domain_refuse(err, TD_DJ_REFUSED, "an object came without objectSid or objectGUID");
    return TD_OK;
}

static enum td_code base_read(struct td_ldap *l, const char *dn, const char *const *attrs, struct td_arena *a,
                              struct td_ldap_entry *ret, struct td_error *err)
{
    struct td_ldap_search s = {.base = dn, .filter = "(objectClass=*)", .scope = TD_LDAP_BASE, .attrs = attrs};
    enum td_code code = td_ad_one(l, &s, a, ret, err);
    if (code != TD_ENOTFOUND)
        return code;
    return td_domain_refuse(err, TD_DJ_REFUSED,
                            td_arena_printf(a, "it does not show %s", dn[0] != '\0' ? dn : "itself"));
}

/* --- facts -------------------------------------------------------------------------------------------------------- */

/* "DC=corp,DC=test" to "corp.test". */
static const char *dns_of(const char *dn, struct td_arena *a)
{
    char *out = td_arena_alloc(a, strlen(dn) + 1), *p = out;
    struct td_slice rest = td_str(dn), part;
    while (rest.n != 0) {
        rest = td_cut(rest, ',', &part);
        part = td_trim(part);
        if (!td_istarts(part, "DC="))
            continue;
        if (p != out)
            *p++ = '.';
        memcpy(p, part.p + 3, part.n - 3);
        p += part.n - 3;
    }
    return out;
}

static const char *upper(const char *text, struct td_arena *a)
{
    char *out = td_arena_strdup(a, text);
    for (char *p = out; *p != '\0'; p++)
        *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
    return out;
}

/* "20261122161113.0Z" */
static bool clock_of(struct td_slice text, struct td_arena *a, int64_t *ret)
{
    if (text.n < 15)
        return false;
    const char *iso = td_arena_printf(a, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", text.p, text.p + 4, text.p + 6, text.p + 8,
                                      text.p + 10, text.p + 12);
    return td_time_parse(td_str(iso), ret);
}

static enum td_code root_read(struct td_ldap *l, struct td_arena *a, struct td_ad_domain *d, const char **ret_service,
                              struct td_error *err)
{
    static const char *const attrs[] = {"defaultNamingContext",
                                        "rootDomainNamingContext",
                                        "configurationNamingContext",
                                        "dnsHostName",
                                        "currentTime",
                                        "highestCommittedUSN",
                                        "dsServiceName",
                                        NULL};
    struct td_ldap_entry e = {0};
    td_try(base_read(l, "", attrs, a, &e, err));
    d->dn = td_ad_text(&e, "defaultNamingContext", a);
    d->forest = dns_of(td_ad_text(&e, "rootDomainNamingContext", a), a);
    d->config_dn = td_ad_text(&e, "configurationNamingContext", a);
    d->dc_name = td_ad_text(&e, "dnsHostName", a);
    d->highest_usn = td_ad_number(&e, "highestCommittedUSN");
    *ret_service = td_ad_text(&e, "dsServiceName", a);
    if (d->dn[0] == '\0' || d->config_dn[0] == '\0' || d->dc_name[0] == '\0')
        return td_domain_refuse(err, TD_DJ_REFUSED, "the server is no domain controller of an Active Directory");
    if (!clock_of(td_ldap_get(&e, "currentTime"), a, &d->clock))
        return td_domain_refuse(err, TD_DJ_REFUSED, "the server does not say what time it is");
    return TD_OK;
}

static enum td_code domain_read(struct td_ldap *l, struct td_arena *a, struct td_ad_domain *d, struct td_error *err)
{
    static const char *const attrs[] = {"objectSid", "objectGUID", NULL};
    struct td_ldap_entry e = {0};
    char guid[37];
    td_try(base_read(l, d->dn, attrs, a, &e, err));
    td_try(td_ad_ids(&e, &d->sid, guid, err));
    memcpy(d->guid, td_ldap_get(&e, "objectGUID").p, sizeof(d->guid));
    return TD_OK;
}

static enum td_code names_read(struct td_ldap *l, struct td_arena *a, struct td_ad_domain *d, struct td_error *err)
{
    static const char *const attrs[] = {"nETBIOSName", "dnsRoot", NULL};
    struct td_ldap_search s = {
        .base = td_arena_printf(a, "CN=Partitions,%s", d->config_dn),
        .filter = td_arena_printf(a, "(&(objectClass=crossRef)%s)", td_ad_equals(a, "nCName", td_str(d->dn))),
        .scope = TD_LDAP_ONE,
        .attrs = attrs};
    struct td_ldap_entry e = {0};
    enum td_code code = td_ad_one(l, &s, a, &e, err);
    if (code == TD_ENOTFOUND)
        return td_domain_refuse(err, TD_DJ_REFUSED, "the configuration does not name the domain");
    td_try(code);
    d->netbios = td_ad_text(&e, "nETBIOSName", a);
    d->dns = td_ad_text(&e, "dnsRoot", a);
    if (d->dns[0] == '\0')
        d->dns = dns_of(d->dn, a);
    d->realm = upper(d->dns, a);
    if (d->netbios[0] == '\0')
        return td_domain_refuse(err, TD_DJ_REFUSED, "the configuration does not name the domain's NetBIOS name");
    return TD_OK;
}

/* CN=NTDS Settings,CN=DC1,CN=Servers,CN=SITE,CN=Sites,...: the site of the server. That of a computer is known only
 * when it asks from its own subnet; until then it is told this one. */
static const char *site_of(const char *service, struct td_arena *a)
{
    struct td_slice rest = td_str(service), part = {NULL, 0};
    for (int i = 0; i < 4; i++)
        rest = td_cut(rest, ',', &part);
    return td_istarts(part, "CN=") ? td_arena_text(a, td_sub(part, 3, SIZE_MAX)) : "";
}

static enum td_code server_read(struct td_ldap *l, const char *service, struct td_arena *a, struct td_ad_domain *d,
                                struct td_error *err)
{
    static const char *const attrs[] = {"invocationId", NULL};
    struct td_ldap_entry e = {0};
    char guid[37] = "";
    d->dc_site = d->client_site = site_of(service, a);
    td_try(base_read(l, service, attrs, a, &e, err));
    if (td_guid_text(td_ldap_get(&e, "invocationId"), guid, err) != TD_OK)
        return td_domain_refuse(err, TD_DJ_REFUSED, "the server does not name its invocation id");
    d->invocation_id = td_arena_strdup(a, guid);
    return TD_OK;
}

enum td_code td_ad_facts(struct td_ldap *l, const char *dc_address, struct td_arena *a, struct td_ad_domain *ret,
                         struct td_error *err)
{
    struct td_ad_domain d = {.dc_address = td_arena_strdup(a, dc_address != NULL ? dc_address : "")};
    const char *service = "";
    td_try(root_read(l, a, &d, &service, err));
    td_try(domain_read(l, a, &d, err));
    td_try(names_read(l, a, &d, err));
    td_try(server_read(l, service, a, &d, err));
    *ret = d;
    return TD_OK;
}

enum td_code td_ad_clock(const struct td_ad_domain *d, int64_t now, struct td_error *err)
{
    char text[96];
    int64_t apart = d->clock > now ? d->clock - now : now - d->clock;
    if (apart <= TD_AD_CLOCK_SKEW)
        return TD_OK;
    snprintf(text, sizeof(text), "the domain's clock is %lld minutes %s", (long long)(apart / TD_MINUTE),
             d->clock > now ? "ahead" : "behind");
    return td_domain_refuse(err, TD_DJ_CLOCK_SKEW, text);
}
