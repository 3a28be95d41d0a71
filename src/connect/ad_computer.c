/* Computer accounts: made, taken over, found, disabled, deleted. Source: domain-join-and-tpm.md 1.5. */
#include "base/fault.h"
#include "codec/utf16.h"
#include "connect/ad_room.h"

#include <ctype.h>

enum { NAME_MAX_CHARS = 15, PASSWORD_MAX = 256, SPNS = 4, NOT_ON_NONLEAF = 66, NO_SUCH_VALUE = 16, VALUE_EXISTS = 20 };

static const char *const computer_attrs[] = {
    "objectSid",          "objectGUID",  "sAMAccountName",  "dNSHostName",          "description",
    "userAccountControl", "objectClass", "userCertificate", "servicePrincipalName", NULL};

/* --- reading ------------------------------------------------------------------------------------------------------ */

static enum td_code computer_search(struct td_ldap *l, const struct td_ad_domain *d, const char *what,
                                    struct td_arena *a, struct td_ldap_entry *ret, struct td_error *err)
{
    struct td_ldap_search s = {.base = d->dn, .filter = what, .scope = TD_LDAP_SUBTREE, .attrs = computer_attrs};
    return td_ad_one(l, &s, a, ret, err);
}

/* Whatever has this account name in the domain, a computer or not. */
static enum td_code by_account(struct td_ldap *l, const struct td_ad_domain *d, const char *name, struct td_arena *a,
                               struct td_ldap_entry *ret, struct td_error *err)
{
    const char *account = td_arena_printf(a, "%s$", name);
    return computer_search(l, d, td_ad_equals(a, "sAMAccountName", td_str(account)), a, ret, err);
}

/* Accounts of domain controllers, services and trusts end in '$' too: they are never ours to touch. */
static bool is_workstation(const struct td_ldap_entry *e)
{
    uint64_t control = td_ad_number(e, "userAccountControl");
    return td_ad_has_class(e, "computer") && !td_ad_has_class(e, "msDS-GroupManagedServiceAccount") &&
           !td_ad_has_class(e, "msDS-ManagedServiceAccount") && (control & TD_AD_WORKSTATION) != 0 &&
           (control & (TD_AD_DC | TD_AD_RODC)) == 0;
}

static enum td_code computer_fill(const struct td_ldap_entry *e, struct td_arena *a, struct td_ad_computer *ret,
                                  struct td_error *err)
{
    const struct td_ldap_value *certificates = td_ldap_attr(e, "userCertificate");
    struct td_sid domain;
    char *name = td_arena_strdup(a, td_ad_text(e, "sAMAccountName", a));
    size_t n = strlen(name);
    if (n > 0 && name[n - 1] == '$')
        name[n - 1] = '\0';
    *ret = (struct td_ad_computer){.dn = e->dn, .name = name, .dns_name = td_ad_text(e, "dNSHostName", a)};
    td_try(td_ad_ids(e, &ret->sid, ret->guid, err));
    td_try(td_sid_split(&ret->sid, &domain, &ret->rid, err));
    ret->enabled = (td_ad_number(e, "userAccountControl") & TD_AD_DISABLED) == 0;
    ret->certificates = certificates != NULL ? certificates->values : NULL;
    ret->certificate_count = certificates != NULL ? certificates->count : 0;
    return TD_OK;
}

static enum td_code by_guid(struct td_ldap *l, const struct td_ad_domain *d, const char *guid, struct td_arena *a,
                            struct td_ldap_entry *ret, struct td_error *err)
{
    unsigned char octets[16];
    td_try(td_guid_bytes(td_str(guid), octets, err));
    const char *what = td_ad_equals(a, "objectGUID", td_bytes(octets, sizeof(octets)));
    enum td_code code = computer_search(l, d, what, a, ret, err);
    if (code == TD_ENOTFOUND || (code == TD_OK && !td_ad_has_class(ret, "computer")))
        return td_fail(err, TD_ENOTFOUND, "account", "the domain has no computer account %s", guid);
    return code;
}

enum td_code td_ad_computer_find(struct td_ldap *l, const struct td_ad_domain *d, const char *guid, struct td_arena *a,
                                 struct td_ad_computer *ret, struct td_error *err)
{
    struct td_ldap_entry e = {0};
    td_try(by_guid(l, d, guid, a, &e, err));
    return computer_fill(&e, a, ret, err);
}

/* --- what an account is made of ----------------------------------------------------------------------------------- */

struct making {
    struct td_ldap *l;
    const struct td_ad_domain *d;
    const struct td_ad_computer_wish *w;
    struct td_arena *a;       /* wiped by its owner: the password passes through it */
    const char *mark;         /* description */
    const char *fqdn;         /* lower case */
    struct td_slice password; /* as the directory takes it */
    struct td_slice spns[SPNS];
};

/* Quotes and UTF-16 ([MS-ADTS] 3.1.1.3.1.5.1). */
static enum td_code password_form(struct making *m, struct td_error *err)
{
    struct td_buf b TD_CLEANUP(td_buf_wipe) = {.max = 2 * PASSWORD_MAX + 4};
    struct td_slice plain = td_str(m->w->password);
    if (plain.n == 0 || plain.n > PASSWORD_MAX || !td_utf8_ok(plain))
        return td_fail(err, TD_EINVAL, "password", "a machine's password has 1 to %d octets", PASSWORD_MAX);
    td_utf8_add_utf16le(&b, TD_S("\""));
    td_utf8_add_utf16le(&b, plain);
    td_utf8_add_utf16le(&b, TD_S("\""));
    m->password = td_arena_copy(m->a, td_buf_slice(&b));
    return td_buf_check(&b, "password", err);
}

static enum td_code name_check(const char *name, struct td_error *err)
{
    struct td_slice s = td_str(name);
    bool digits = true;
    for (size_t i = 0; i < s.n; i++) {
        bool good = isalnum((unsigned char)s.p[i]) || s.p[i] == '-';
        if (!good)
            return td_domain_refuse(err, TD_DJ_NAME_INVALID, "it has characters that no computer's name may have");
        digits = digits && isdigit((unsigned char)s.p[i]);
    }
    if (s.n == 0 || s.n > NAME_MAX_CHARS || digits)
        return td_domain_refuse(err, TD_DJ_NAME_INVALID, "it has not 1 to 15 characters, or nothing but digits");
    return TD_OK;
}

static enum td_code making_init(struct making *m, struct td_error *err)
{
    static const char *const kinds[] = {"HOST", "RestrictedKrbHost"};
    td_try(name_check(m->w->name, err));
    char *fqdn = td_arena_printf(m->a, "%s.%s", m->w->name, m->d->dns);
    td_lower(fqdn);
    m->fqdn = fqdn;
    m->mark = td_arena_printf(m->a, "Touchdown %s %s %lld", m->w->registration, m->w->job, (long long)m->w->attempt);
    for (size_t i = 0; i < TD_COUNTOF(kinds); i++) {
        m->spns[2 * i] = td_str(td_arena_printf(m->a, "%s/%s", kinds[i], m->w->name));
        m->spns[2 * i + 1] = td_str(td_arena_printf(m->a, "%s/%s", kinds[i], fqdn));
    }
    return password_form(m, err);
}

/* --- where -------------------------------------------------------------------------------------------------------- */

/* The container that an administrator chose for new computers (redircmp), else CN=Computers: a value of the domain's
 * wellKnownObjects, B:32:AA312825768811D1ADED00C04FD8D5CD:DN ([MS-ADTS] 6.1.1.4). */
static enum td_code default_container(const struct making *m, const char **ret, struct td_error *err)
{
    static const char *const attrs[] = {"wellKnownObjects", NULL};
    static const char computers[] = "B:32:AA312825768811D1ADED00C04FD8D5CD:";
    struct td_ldap_search s = {.base = m->d->dn, .filter = "(objectClass=*)", .scope = TD_LDAP_BASE, .attrs = attrs};
    struct td_ldap_entry e = {0};
    enum td_code code = td_ad_one(m->l, &s, m->a, &e, err);
    if (code != TD_OK && code != TD_ENOTFOUND)
        return code;
    const struct td_ldap_value *v = code == TD_OK ? td_ldap_attr(&e, "wellKnownObjects") : NULL;
    for (size_t i = 0; v != NULL && i < v->count; i++)
        if (td_istarts(v->values[i], computers)) {
            *ret = td_arena_text(m->a, td_sub(v->values[i], sizeof(computers) - 1, SIZE_MAX));
            return TD_OK;
        }
    *ret = td_arena_printf(m->a, "CN=Computers,%s", m->d->dn);
    return TD_OK;
}

static enum td_code container(const struct making *m, const char **ret, struct td_error *err)
{
    static const char *const attrs[] = {"objectClass", NULL};
    struct td_slice ou = td_str(m->w->ou), dn = td_str(m->d->dn);
    if (ou.n == 0)
        return default_container(m, ret, err);
    if (ou.n <= dn.n || !td_ieq(td_sub(ou, ou.n - dn.n, dn.n), dn))
        return td_domain_refuse(err, TD_DJ_NO_OU,
                                td_arena_printf(m->a, "%s is not in the domain %s", m->w->ou, m->d->dn));
    struct td_ldap_search s = {.base = m->w->ou, .filter = "(objectClass=*)", .scope = TD_LDAP_BASE, .attrs = attrs};
    struct td_ldap_entry e = {0};
    enum td_code code = td_ad_one(m->l, &s, m->a, &e, err);
    if (code == TD_ENOTFOUND)
        return td_domain_refuse(err, TD_DJ_NO_OU, td_arena_printf(m->a, "there is no %s", m->w->ou));
    *ret = m->w->ou;
    return code;
}

/* --- making ------------------------------------------------------------------------------------------------------- */

static struct td_ldap_value one(struct td_arena *a, const char *name, struct td_slice value)
{
    struct td_slice *values = td_arena_new(a, struct td_slice);
    *values = value;
    return (struct td_ldap_value){name, values, 1};
}

static enum td_code account_add(const struct making *m, const char *where, struct td_error *err)
{
    struct td_arena *a = m->a;
    const struct td_ldap_value attrs[] = {
        one(a, "objectClass", TD_S("computer")),
        one(a, "sAMAccountName", td_str(td_arena_printf(a, "%s$", m->w->name))),
        one(a, "userAccountControl", TD_S("4096")),
        one(a, "dNSHostName", td_str(m->fqdn)),
        one(a, "description", td_str(m->mark)),
        {"servicePrincipalName", m->spns, SPNS},
        one(a, "unicodePwd", m->password),
    };
    const char *dn = td_arena_printf(a, "CN=%s,%s", m->w->name, where);
    return m->l->ops->add(m->l, dn, attrs, TD_COUNTOF(attrs), err);
}

/* What the description says of who made it: "Touchdown REGISTRATION JOB ATTEMPT". */
struct mark {
    struct td_slice registration, job;
    int64_t attempt;
};
static bool mark_read(struct td_slice text, struct mark *ret)
{
    struct td_slice word, attempt;
    struct td_slice rest = td_cut(text, ' ', &word);
    if (!td_eqs(word, "Touchdown"))
        return false;
    rest = td_cut(rest, ' ', &ret->registration);
    rest = td_cut(rest, ' ', &ret->job);
    (void)td_cut(rest, ' ', &attempt);
    return ret->registration.n != 0 && ret->job.n != 0 && td_parse_i64(attempt, &ret->attempt);
}

/* May this account be taken over? *ret_existed: it was there before this work. */
static enum td_code may_take(const struct making *m, const struct td_ldap_entry *e, bool *ret_existed,
                             struct td_error *err)
{
    struct mark mark = {0};
    bool marked = mark_read(td_ldap_get(e, "description"), &mark);
    bool same = marked && td_eqs(mark.registration, m->w->registration);
    *ret_existed = !(same && td_eqs(mark.job, m->w->job));
    if (!is_workstation(e))
        return td_domain_refuse(err, TD_DJ_NAME_TAKEN, "the account of this name is not one of a workstation");
    if (!*ret_existed && mark.attempt > m->w->attempt)
        return td_domain_refuse(err, TD_DJ_SUPERSEDED, NULL);
    if (!*ret_existed || m->w->reuse == TD_REUSE_ANY || (same && m->w->reuse == TD_REUSE_OWN) ||
        td_fault("ad-take-any"))
        return TD_OK;
    return td_domain_refuse(err, TD_DJ_NAME_TAKEN,
                            same ? "it is this device's own, and accounts are not reused" : e->dn);
}

static bool same_spns(const struct making *m, const struct td_ldap_entry *e)
{
    const struct td_ldap_value *v = td_ldap_attr(e, "servicePrincipalName");
    size_t found = 0;
    for (size_t i = 0; v != NULL && i < v->count; i++)
        for (size_t k = 0; k < SPNS; k++)
            found += td_ieq(v->values[i], m->spns[k]);
    return found == SPNS;
}

/* One modification, so that it happens whole or not at all; that the description still is the one that was read makes
 * it fail if another attempt came in between. */
static enum td_code take_over(const struct making *m, const struct td_ldap_entry *e, struct td_error *err)
{
    struct td_ldap_change c[6];
    size_t n = 0;
    struct td_slice old = td_ldap_get(e, "description");
    if (old.n != 0 && !td_fault("ad-no-compare"))
        c[n++] = (struct td_ldap_change){TD_LDAP_DELETE_VALUE, one(m->a, "description", old)};
    c[n] = (struct td_ldap_change){TD_LDAP_ADD_VALUE, one(m->a, "description", td_str(m->mark))};
    if (td_fault("ad-no-compare"))
        c[n].kind = TD_LDAP_REPLACE;
    n++;
    c[n++] = (struct td_ldap_change){TD_LDAP_REPLACE, one(m->a, "unicodePwd", m->password)};
    if (td_ad_number(e, "userAccountControl") != TD_AD_WORKSTATION)
        c[n++] = (struct td_ldap_change){TD_LDAP_REPLACE, one(m->a, "userAccountControl", TD_S("4096"))};
    if (!td_ieqs(td_ldap_get(e, "dNSHostName"), m->fqdn))
        c[n++] = (struct td_ldap_change){TD_LDAP_REPLACE, one(m->a, "dNSHostName", td_str(m->fqdn))};
    if (!same_spns(m, e))
        c[n++] = (struct td_ldap_change){TD_LDAP_REPLACE, {"servicePrincipalName", m->spns, SPNS}};
    enum td_code code = m->l->ops->modify(m->l, e->dn, c, n, err);
    if (code == TD_OK)
        return TD_OK;
    if (code != TD_EUNAVAILABLE && (m->l->last.code == NO_SUCH_VALUE || m->l->last.code == VALUE_EXISTS))
        return td_domain_refuse(err, TD_DJ_SUPERSEDED, NULL);
    return td_ad_said_no(m->l, code, err);
}

static enum td_code found_take(const struct making *m, const struct td_ldap_entry *e, bool *ret_existed,
                               struct td_error *err)
{
    td_try(may_take(m, e, ret_existed, err));
    td_try(take_over(m, e, err));
    if (!*ret_existed && !td_fault("ad-narrow-once")) /* whoever made it may have died before */
        td_ad_narrow(m->l, e->dn);
    return TD_OK;
}

/* Added by nobody, so far as the search said; if the directory then says that the name is there, somebody was quicker
 * (or it is something else that has this name in the unit). */
static enum td_code make_new(const struct making *m, struct td_ldap_entry *e, bool *ret_existed, struct td_error *err)
{
    const char *where = NULL;
    td_try(container(m, &where, err));
    enum td_code code = account_add(m, where, err);
    if (code == TD_OK) {
        td_ad_narrow(m->l, td_arena_printf(m->a, "CN=%s,%s", m->w->name, where));
        return TD_OK;
    }
    code = td_ad_said_no(m->l, code, err);
    if (code != TD_EEXISTS || by_account(m->l, m->d, m->w->name, m->a, e, NULL) != TD_OK)
        return code;
    return found_take(m, e, ret_existed, err);
}

enum td_code td_ad_computer_make(struct td_ldap *l, const struct td_ad_domain *d, const struct td_ad_computer_wish *w,
                                 struct td_arena *a, struct td_ad_computer *ret, struct td_error *err)
{
    struct making m = {.l = l, .d = d, .w = w, .a = a};
    struct td_ldap_entry e = {0};
    bool existed = false;
    td_try(making_init(&m, err));
    enum td_code code = by_account(l, d, w->name, a, &e, err);
    if (code == TD_ENOTFOUND)
        td_try(make_new(&m, &e, &existed, err));
    else if (code == TD_OK)
        td_try(found_take(&m, &e, &existed, err));
    else
        return code;
    code = by_account(l, d, w->name, a, &e, err);
    if (code == TD_ENOTFOUND)
        return td_domain_refuse(err, TD_DJ_REFUSED, "the account that was made can't be read");
    td_try(code);
    td_try(computer_fill(&e, a, ret, err));
    ret->existed = existed;
    return TD_OK;
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static enum td_code to_be_ended(struct td_ldap *l, const struct td_ad_domain *d, const char *guid, struct td_arena *a,
                                struct td_ldap_entry *ret, struct td_error *err)
{
    td_try(by_guid(l, d, guid, a, ret, err));
    if (!is_workstation(ret))
        return td_domain_refuse(err, TD_DJ_REFUSED, "the account is not one of a workstation");
    return TD_OK;
}

enum td_code td_ad_computer_disable(struct td_ldap *l, const struct td_ad_domain *d, const char *guid,
                                    struct td_error *err)
{
    struct td_arena a TD_CLEANUP(td_arena_done) = {NULL};
    struct td_ldap_entry e = {0};
    td_try(to_be_ended(l, d, guid, &a, &e, err));
    uint64_t control = td_ad_number(&e, "userAccountControl");
    if ((control & TD_AD_DISABLED) != 0)
        return TD_OK;
    const char *value = td_arena_printf(&a, "%llu", (unsigned long long)(control | TD_AD_DISABLED));
    struct td_ldap_change c = {TD_LDAP_REPLACE, one(&a, "userAccountControl", td_str(value))};
    enum td_code code = l->ops->modify(l, e.dn, &c, 1, err);
    return code == TD_OK || code == TD_ENOTFOUND ? code : td_ad_said_no(l, code, err);
}

/* Keys of disks and TPMs may hang below a computer: then the whole branch goes. */
enum td_code td_ad_computer_delete(struct td_ldap *l, const struct td_ad_domain *d, const char *guid,
                                   struct td_error *err)
{
    struct td_arena a TD_CLEANUP(td_arena_done) = {NULL};
    struct td_ldap_entry e = {0};
    td_try(to_be_ended(l, d, guid, &a, &e, err));
    enum td_code code = l->ops->remove(l, e.dn, false, err);
    if (code != TD_OK && l->last.code == NOT_ON_NONLEAF)
        code = l->ops->remove(l, e.dn, true, err);
    return code == TD_OK || code == TD_ENOTFOUND ? code : td_ad_said_no(l, code, err);
}

/* --- the blob ----------------------------------------------------------------------------------------------------- */

enum {
    BLOB_OPTIONS = 6, /* as Windows and Samba write them */
};
#define BLOB_DC_FLAGS UINT32_C(0xE00011BD)

enum td_code td_ad_blob(const struct td_ad_domain *d, const struct td_ad_computer *c, const char *password,
                        struct td_buf *out, struct td_error *err)
{
    struct td_arena a TD_CLEANUP(td_arena_done) = {NULL};
    const char *address = d->dc_address[0] != '\0' ? d->dc_address : d->dc_name;
    struct td_odj odj = {
        .domain = d->dns,
        .netbios = d->netbios,
        .forest = d->forest,
        .machine = c->name,
        .password = password,
        .domain_sid = d->sid,
        .rid = c->rid,
        .dc = {.name = td_arena_printf(&a, "\\\\%s", d->dc_name),
               .address = td_arena_printf(&a, "\\\\%s", address),
               .domain = d->dns,
               .forest = d->forest,
               .flags = BLOB_DC_FLAGS,
               .dc_site = d->dc_site,
               .client_site = d->client_site},
        .options = BLOB_OPTIONS,
    };
    memcpy(odj.domain_guid, d->guid, sizeof(odj.domain_guid));
    odj.extra_count = TD_MIN(d->part_count, (size_t)TD_ODJ_EXTRA_MAX);
    for (size_t i = 0; i < odj.extra_count; i++)
        odj.extra[i] = d->parts[i];
    return td_odj_write(&odj, out, err);
}
