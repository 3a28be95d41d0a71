/* People and groups: whose password is right, and what changed. Sources: domain-join-and-tpm.md 1.8; [MS-ADTS]
 * 3.1.1.3.1.3.3 (values by range), 3.1.1.3.4.1.5 (DNs with their GUID). */
#include "base/fault.h"
#include "connect/ad_room.h"

enum { PAGE = 500, ROWS = 2000000, RANGES = 2000, PIECE = 1500, GROUP_SECURITY = 31 };

static const char *const person_attrs[] = {
    "objectSid",          "objectGUID",     "userPrincipalName", "sAMAccountName", "displayName", "cn",         "mail",
    "userAccountControl", "accountExpires", "objectClass",       "groupType",      "isDeleted",   "uSNChanged", NULL};
static const char *const changed_attrs[] = {
    "objectSid", "objectGUID", "userPrincipalName",  "sAMAccountName",      "displayName",
    "cn",        "mail",       "userAccountControl", "accountExpires",      "objectClass",
    "groupType", "isDeleted",  "uSNChanged",         "member;range=0-1499", NULL};

/* 100 ns since 1601; 0 and the largest number mean never. */
static bool account_over(const struct td_ldap_entry *e, int64_t now)
{
    uint64_t at = td_ad_number(e, "accountExpires");
    if (at == 0 || at >= INT64_MAX)
        return false;
    return (int64_t)(at / 10) - INT64_C(11644473600) * TD_SECOND <= now;
}

static enum td_code object_fill(const struct td_ldap_entry *e, const struct td_ad_domain *d, struct td_arena *a,
                                struct td_ad_object *ret, struct td_error *err)
{
    static const char *const nobody[] = {NULL};
    struct td_sid sid;
    char text[TD_SID_TEXT];
    bool group = td_ad_has_class(e, "group");
    *ret = (struct td_ad_object){.kind = group ? "group" : "user", .members = nobody};
    td_try(td_ad_ids(e, &sid, ret->guid, err));
    ret->sid = td_arena_strdup(a, td_sid_text(&sid, text));
    ret->sam = td_ad_text(e, "sAMAccountName", a);
    ret->name = td_ad_text(e, "displayName", a);
    if (ret->name[0] == '\0')
        ret->name = td_ad_text(e, "cn", a);
    ret->mail = td_ad_text(e, "mail", a);
    ret->upn = td_ad_text(e, "userPrincipalName", a);
    if (ret->upn[0] == '\0' && !group)
        ret->upn = td_arena_printf(a, "%s@%s", ret->sam, d->dns);
    ret->deleted = td_ieqs(td_ldap_get(e, "isDeleted"), "TRUE");
    ret->usn = td_ad_number(e, "uSNChanged");
    ret->is_security = group && (td_ad_number(e, "groupType") >> GROUP_SECURITY & 1) != 0;
    ret->enabled =
        !ret->deleted &&
        (group || ((td_ad_number(e, "userAccountControl") & TD_AD_DISABLED) == 0 && !account_over(e, d->clock)));
    return TD_OK;
}

/* --- a password --------------------------------------------------------------------------------------------------- */

struct person {
    struct td_ldap_entry e;
    bool by_upn; /* by the name that was asked for, not by the account's */
    size_t count;
    struct td_slice upn;
};

/* One whose userPrincipalName this is comes before one who only has the account name. */
static enum td_code person_row(void *ctx, const struct td_ldap_entry *e, struct td_error *err)
{
    struct person *p = ctx;
    bool exact = td_ieq(td_ldap_get(e, "userPrincipalName"), p->upn);
    (void)err;
    if (exact && !p->by_upn)
        p->count = 0;
    if (exact == p->by_upn || exact) {
        p->e = *e;
        p->by_upn = exact;
        p->count++;
    }
    return TD_OK;
}

/* "ada@corp.test" by userPrincipalName, or by account name where the suffix is the domain's; CORP\ada by account name.
 */
static const char *person_filter(const struct td_ad_domain *d, struct td_slice name, struct td_arena *a)
{
    struct td_slice account, suffix, before;
    suffix = td_cut(name, '@', &account);
    if (td_find(name, '\\') != SIZE_MAX) {
        account = td_cut(name, '\\', &before);
        suffix = td_ieqs(before, d->netbios) ? td_str(d->dns) : before;
    }
    const char *upn = td_ad_equals(a, "userPrincipalName", name);
    if (account.n == 0 || !td_ieqs(suffix, d->dns))
        return td_arena_printf(a, "(&" TD_AD_PEOPLE "%s)", upn);
    return td_arena_printf(a, "(&" TD_AD_PEOPLE "(|%s%s))", upn, td_ad_equals(a, "sAMAccountName", account));
}

static enum td_code person_find(struct td_ldap *l, const struct td_ad_domain *d, const char *upn, struct td_arena *a,
                                struct person *p, struct td_error *err)
{
    struct td_ldap_search s = {.base = d->dn,
                               .filter = person_filter(d, td_str(upn), a),
                               .scope = TD_LDAP_SUBTREE,
                               .attrs = person_attrs,
                               .max_rows = 10};
    p->upn = td_str(upn);
    enum td_code code = l->ops->search(l, &s, a, person_row, p, err);
    if (code != TD_OK && code != TD_ENOTFOUND)
        return td_ad_said_no(l, code, err);
    if (p->count > 1)
        return td_domain_refuse(err, TD_DJ_REFUSED, "several accounts have this name");
    return TD_OK;
}

static enum td_code bind_judged(enum td_code code, const struct td_ldap_result *why, struct td_error *err)
{
    if (code == TD_OK || (err != NULL && td_domain_reason_by_name(err->where) != NULL))
        return code;
    char detail[sizeof(err->text)] = "";
    if (err != NULL)
        memcpy(detail, err->text, sizeof(detail));
    if (code == TD_EAUTH)
        return td_domain_refuse(err, td_domain_reason_of_bind(why->win32, false), NULL);
    return td_domain_refuse(err, code == TD_EDENIED ? TD_DJ_UNTRUSTED : TD_DJ_NO_DC, detail);
}

/* A name that nobody has takes as long as a wrong password: how long an answer takes is no list of the people. */
static enum td_code nobody(const struct td_ad_domain *d, td_ad_bind_fn *bind, void *bind_ctx, struct td_arena *a,
                           struct td_error *err)
{
    struct td_ldap_result why = {0};
    if (!td_fault("ad-nobody-at-once"))
        td_ignore(bind(bind_ctx, td_arena_printf(a, "CN=nobody at all,%s", d->dn), "nothing", &why, NULL));
    return td_domain_refuse(err, TD_DJ_WRONG, NULL);
}

enum td_code td_ad_password(struct td_ldap *l, const struct td_ad_domain *d, const char *upn, const char *password,
                            td_ad_bind_fn *bind, void *bind_ctx, struct td_arena *a, struct td_ad_object *ret,
                            struct td_error *err)
{
    struct person p = {.count = 0};
    struct td_ad_object who;
    struct td_ldap_result why = {0};
    struct td_error own = {0};
    err = err != NULL ? err : &own;
    if (password[0] == '\0' &&
        !td_fault("ad-empty-password")) /* an empty one would bind as nobody, and prove nothing */
        return td_domain_refuse(err, TD_DJ_WRONG, NULL);
    td_try(person_find(l, d, upn, a, &p, err));
    if (p.count == 0)
        return nobody(d, bind, bind_ctx, a, err);
    td_try(object_fill(&p.e, d, a, &who, err));
    /* by its DN: other forms of a name may stand for somebody else */
    td_try(bind_judged(bind(bind_ctx, p.e.dn, password, &why, err), &why, err));
    if ((td_ad_number(&p.e, "userAccountControl") & TD_AD_DISABLED) != 0)
        return td_domain_refuse(err, TD_DJ_DISABLED, NULL);
    if (account_over(&p.e, d->clock))
        return td_domain_refuse(err, TD_DJ_ACCOUNT_EXPIRED, NULL);
    *ret = who;
    return TD_OK;
}

/* --- members of a group ------------------------------------------------------------------------------------------- */

struct members {
    struct td_arena *a;
    const char **list;
    size_t n, cap;
};

/* "<GUID=...>;<SID=...>;CN=...": others (deleted, not shown) have none and are left out. */
static void members_add(struct members *m, const struct td_ldap_value *v)
{
    for (size_t i = 0; v != NULL && i < v->count; i++) {
        char guid[TD_UUID_TEXT];
        if (!td_istarts(v->values[i], "<GUID=") || !td_uuid_parse(td_sub(v->values[i], 6, TD_UUID_TEXT - 1), guid))
            continue;
        m->list = td_arena_room(m->a, (void *)m->list, m->n, &m->cap, sizeof(*m->list));
        m->list[m->n++] = td_arena_strdup(m->a, guid);
    }
}

/* The values of `member`, which a server gives in pieces: "member;range=0-1499". *ret_next: where the next piece
 * begins; 0 if this was the last. */
static void members_piece(struct members *m, const struct td_ldap_entry *e, uint64_t *ret_next)
{
    static const char ranged[] = "member;range=";
    *ret_next = 0;
    for (size_t i = 0; i < e->attr_count; i++) {
        struct td_slice from, name = td_str(e->attrs[i].name);
        uint64_t last = 0;
        if (td_ieqs(name, "member"))
            members_add(m, &e->attrs[i]);
        if (!td_istarts(name, ranged))
            continue;
        struct td_slice to = td_cut(td_sub(name, sizeof(ranged) - 1, SIZE_MAX), '-', &from);
        members_add(m, &e->attrs[i]);
        if (e->attrs[i].count != 0 && td_parse_u64(to, &last)) /* "*" ends the list */
            *ret_next = last + 1;
    }
}

static enum td_code members_read(struct td_ldap *l, const struct td_ldap_entry *e, struct td_arena *a,
                                 const char *const **ret, struct td_error *err)
{
    struct members m = {.a = a};
    uint64_t next = 0;
    members_piece(&m, e, &next);
    for (int i = 0; next != 0 && i < RANGES; i++) {
        uint64_t from = next;
        const char *attrs[] = {td_arena_printf(a, "member;range=%llu-%llu", (unsigned long long)from,
                                               (unsigned long long)from + PIECE - 1),
                               NULL};
        struct td_ldap_search s = {
            .base = e->dn, .filter = "(objectClass=*)", .scope = TD_LDAP_BASE, .attrs = attrs, .extended_dn = true};
        struct td_ldap_entry piece = {0};
        enum td_code code = td_ad_one(l, &s, a, &piece, err);
        if (code == TD_ENOTFOUND) /* gone meanwhile: its deletion comes with the next run */
            break;
        td_try(code);
        members_piece(&m, &piece, &next);
        if (next != 0 && next <= from)
            return td_domain_refuse(err, TD_DJ_REFUSED, "a group's members do not end");
    }
    m.list = td_arena_room(a, (void *)m.list, m.n, &m.cap, sizeof(*m.list));
    m.list[m.n] = NULL;
    *ret = m.list;
    return TD_OK;
}

/* --- changes ------------------------------------------------------------------------------------------------------ */

struct telling {
    struct td_ldap *l;
    const struct td_ad_domain *d;
    enum td_code (*each)(void *ctx, const struct td_ad_object *o, struct td_error *err);
    void *ctx;
    bool deleted;
    bool said; /* the caller's own refusal, which stays as it is */
};

static enum td_code tell(void *ctx, const struct td_ldap_entry *e, struct td_error *err)
{
    struct telling *t = ctx;
    struct td_arena a TD_CLEANUP(td_arena_done) = {NULL};
    struct td_ad_object o = {0};
    t->said = true;
    if (t->deleted && (td_ad_has_class(e, "computer") || !(td_ad_has_class(e, "user") || td_ad_has_class(e, "group"))))
        return TD_OK;
    if (object_fill(e, t->d, &a, &o, err) != TD_OK) {
        t->said = false; /* one that is half there, as some deleted ones are, is nobody's */
        return TD_OK;
    }
    if (strcmp(o.kind, "group") == 0 && !o.deleted)
        td_try(members_read(t->l, e, &a, &o.members, err));
    td_try(t->each(t->ctx, &o, err));
    t->said = false;
    return TD_OK;
}

static enum td_code run(struct telling *t, const char *base, const char *filter, struct td_error *err)
{
    struct td_ldap_search s = {.base = base,
                               .filter = filter,
                               .scope = TD_LDAP_SUBTREE,
                               .attrs = changed_attrs,
                               .deleted = t->deleted,
                               .extended_dn = true,
                               .page = PAGE,
                               .max_rows = ROWS};
    enum td_code code = t->l->ops->search(t->l, &s, NULL, tell, t, err);
    return code == TD_OK || code == TD_ENOTFOUND || t->said ? code : td_ad_said_no(t->l, code, err);
}

/* What lies in the bin of deleted objects, where the account may look into it; a full run finds them by their absence
 * in any case. */
static enum td_code run_deleted(struct telling *t, const char *since, struct td_arena *a, struct td_error *err)
{
    struct td_error why = {0};
    t->deleted = true;
    const char *bin = td_arena_printf(a, "CN=Deleted Objects,%s", t->d->dn);
    enum td_code code = run(t, bin, td_arena_printf(a, "(&(isDeleted=TRUE)%s)", since), &why);
    if (code == TD_OK || code == TD_ENOTFOUND || (!t->said && t->l->last.code > 0))
        return TD_OK;
    if (err != NULL)
        *err = why;
    return code;
}

/* An account that runs out changes nothing in the directory: those that did in the last two days are told each time. */
static enum td_code run_over(struct telling *t, const char *base, struct td_arena *a, struct td_error *err)
{
    long long now = (t->d->clock / TD_SECOND + INT64_C(11644473600)) * 10000000;
    long long before = now - INT64_C(2) * 86400 * 10000000;
    enum td_code code =
        run(t, base, td_arena_printf(a, "(&" TD_AD_PEOPLE "(accountExpires>=%lld)(accountExpires<=%lld))", before, now),
            err);
    return code == TD_ENOTFOUND ? TD_OK : code;
}

enum td_code td_ad_changed(struct td_ldap *l, const struct td_ad_domain *d, const struct td_ad_changes *c,
                           struct td_arena *a,
                           enum td_code (*each)(void *ctx, const struct td_ad_object *o, struct td_error *err),
                           void *ctx, uint64_t *ret_usn, struct td_error *err)
{
    struct telling t = {.l = l, .d = d, .each = each, .ctx = ctx};
    const char *base = c->base != NULL && c->base[0] != '\0' ? c->base : d->dn;
    const char *since = c->from == 0 ? "" : td_arena_printf(a, "(uSNChanged>=%llu)", (unsigned long long)c->from + 1);
    enum td_code code = run(&t, base, td_arena_printf(a, "(&" TD_AD_PEOPLE_AND_GROUPS "%s)", since), err);
    if (code == TD_ENOTFOUND)
        return td_domain_refuse(err, TD_DJ_NO_OU, td_arena_printf(a, "there is no %s to read people from", base));
    td_try(code);
    if (c->from != 0) {
        td_try(run_over(&t, base, a, err));
        td_try(run_deleted(&t, since, a, err));
    }
    *ret_usn = TD_MAX(d->highest_usn, c->from);
    return TD_OK;
}
