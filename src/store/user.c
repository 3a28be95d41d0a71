#include "store/user.h"

#include "base/fault.h"
#include "store/audit.h"
#include "store/group.h"
#include "store/sync/room.h"
#include "store/tenant.h"

static const struct td_user no_user;

#define OWN_COLUMNS "tenant, id, upn, name, phc, enabled, created_at, tokens_from"
#define COLUMNS OWN_COLUMNS ", source, ad_domain, ad_guid, ad_sid, sam, synced_at"

static bool local_part_ok(struct td_slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == '\0' || strchr("'.-_!#^~+$&", c) == NULL))
            return false;
    }
    return s.n != 0;
}

enum td_code td_upn_check(struct td_slice upn, struct td_error *err)
{
    struct td_slice local, domain = td_cut(upn, '@', &local);
    bool ok = upn.n <= TD_UPN_MAX && local_part_ok(local) && domain.n != 0 && td_find(domain, '.') != SIZE_MAX;
    for (size_t i = 0; ok && i < domain.n; i++) {
        char c = domain.p[i];
        ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    }
    if (ok)
        return TD_OK;
    return td_remedy(err, td_fail(err, TD_EINVAL, "upn", "this is no user name"), "give it as name@domain");
}

static struct td_slice domain_of(struct td_slice upn)
{
    struct td_slice local;
    return td_cut(upn, '@', &local);
}

static char *lower(struct td_arena *a, struct td_slice s)
{
    char *text = td_arena_text(a, td_sub(s, 0, TD_UPN_MAX + 1));
    td_lower(text);
    return text;
}

static void read_user(struct td_rows *r, struct td_arena *a, struct td_user *ret)
{
    *ret = (struct td_user){.tenant = td_col_text0(r, 0, a),
                            .id = td_col_text0(r, 1, a),
                            .upn = td_col_text0(r, 2, a),
                            .name = td_col_text0(r, 3, a),
                            .phc = td_col_text0(r, 4, a),
                            .enabled = td_col_int(r, 5) != 0,
                            .created_at = td_col_int(r, 6),
                            .tokens_from = td_col_int(r, 7),
                            .source = td_col_text0(r, 8, a),
                            .ad_domain = td_col_text0(r, 9, a),
                            .ad_guid = td_col_text0(r, 10, a),
                            .ad_sid = td_col_text0(r, 11, a),
                            .sam = td_col_text0(r, 12, a),
                            .synced_at = td_col_int(r, 13)};
}

static enum td_code tell(struct td_tx *tx, const struct td_user *u, const char *type, const char *actor,
                         const struct td_change *changes, size_t count, struct td_error *err)
{
    struct td_audit what = {
        .type = type, .actor = actor, .kind = "user", .id = u->id, .name = u->upn, .changes = changes, .count = count};
    return td_audit_tell(tx, u->tenant, &what, err);
}

static enum td_code domain_is_theirs(struct td_tx *tx, const char *tenant, struct td_slice domain, struct td_arena *a,
                                     struct td_error *err)
{
    struct td_tenant t = {0};
    enum td_code rc = td_tenant_find(tx, domain, a, &t, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    if (rc == TD_OK && strcmp(t.id, tenant) == 0)
        return TD_OK;
    return td_remedy(err, td_fail(err, TD_EINVAL, "upn", "\"%.*s\" is no domain of this tenant", TD_FMT(domain)),
                     "a user's name ends with a domain of its tenant");
}

enum td_code td_user_add(struct td_tx *tx, const char *tenant, const char *upn, const char *name, const char *phc,
                         const char *actor, struct td_arena *a, struct td_user *ret, struct td_error *err)
{
    struct td_slice local;
    td_try(td_upn_check(td_str(upn), err));
    td_try(domain_is_theirs(tx, tenant, td_cut(td_str(upn), '@', &local), a, err));
    bool named = name != NULL && name[0] != '\0';
    if (named && (!td_utf8_ok(td_str(name)) || strlen(name) > TD_USER_NAME_MAX))
        return td_fail(err, TD_EINVAL, "name", "is a text of at most %d octets", TD_USER_NAME_MAX);
    struct td_user u = {.tenant = tenant,
                        .id = td_uuid_arena(td_tx_env(tx), a),
                        .upn = upn,
                        .name = named ? name : td_arena_text(a, local),
                        .phc = phc != NULL ? phc : "",
                        .enabled = true,
                        .created_at = td_tx_now(tx),
                        .source = "",
                        .ad_domain = "",
                        .ad_guid = "",
                        .ad_sid = "",
                        .sam = ""};
    enum td_code rc =
        td_sql(tx, err, "INSERT INTO account(" OWN_COLUMNS ", upn_key) VALUES ($1, $2, $3, $4, $5, 1, $6, 0, $7)",
               "sssssis", tenant, u.id, upn, u.name, u.phc, u.created_at, lower(a, td_str(upn)));
    if (rc == TD_EEXISTS)
        return td_fail(err, TD_EEXISTS, "upn", "there is a user %s already", upn);
    td_try(rc);
    *ret = u;
    const struct td_change changes[] = {{"userPrincipalName", NULL, u.upn}, {"displayName", NULL, u.name}};
    td_try(tell(tx, &u, "user.added", actor, changes, TD_COUNTOF(changes), err));
    return td_group_user_moved(tx, tenant, u.id, err);
}

enum td_code td_user_find(struct td_tx *tx, const char *tenant, struct td_slice key, struct td_arena *a,
                          struct td_user *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err, "SELECT " COLUMNS " FROM account WHERE tenant = $1 AND (id = $2 OR upn_key = $2)",
                        "ss", tenant, lower(a, key)));
    bool found = td_rows_next(&r);
    if (found)
        read_user(&r, a, ret);
    td_try(td_rows_done(&r, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "user", "there is no such user");
}

enum td_code td_user_by_guid(struct td_tx *tx, const char *tenant, const char *guid, struct td_arena *a,
                             struct td_user *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS " FROM account WHERE tenant = $1 AND ad_guid = $2"
                        " AND ad_guid <> ''",
                        "ss", tenant, guid));
    bool found = td_rows_next(&r);
    if (found)
        read_user(&r, a, ret);
    td_try(td_rows_done(&r, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "user", "there is no such user");
}

enum td_code td_user_by_upn(struct td_tx *tx, struct td_slice upn, struct td_arena *a, struct td_user *ret,
                            struct td_error *err)
{
    struct td_tenant t = {0};
    *ret = no_user;
    td_try(td_tenant_find(tx, domain_of(upn), a, &t, err));
    ret->tenant = t.id;
    return td_user_find(tx, t.id, upn, a, ret, err);
}

enum td_code td_user_list(struct td_tx *tx, const char *tenant, struct td_arena *a, struct td_user **ret,
                          size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err, "SELECT COUNT(*) FROM account WHERE tenant = $1", "s", tenant));
    size_t max = td_rows_next(&r) ? (size_t)td_col_int(&r, 0) : 0, n = 0;
    td_try(td_rows_done(&r, err));
    struct td_user *list = td_arena_array(a, struct td_user, max + 1);
    td_try(
        td_sql_query(tx, &r, err, "SELECT " COLUMNS " FROM account WHERE tenant = $1 ORDER BY upn_key", "s", tenant));
    while (n < max && td_rows_next(&r))
        read_user(&r, a, &list[n++]);
    *ret = list;
    *ret_count = n;
    return td_rows_done(&r, err);
}

/* Who is to be changed, for the audit; TD_ENOTFOUND. The arena is the caller's. */
static enum td_code before(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                           struct td_user *ret, struct td_error *err)
{
    td_arena_init(a);
    return td_user_find(tx, tenant, td_str(id), a, ret, err);
}

enum td_code td_user_ours(struct td_tx *tx, const struct td_user *u, struct td_error *err)
{
    bool owned = false;
    td_try(td_sync_owns(tx, u->tenant, u->ad_domain, &owned, err));
    if (!owned || td_fault("synced-user-by-hand"))
        return TD_OK;
    return td_remedy(err,
                     td_fail(err, TD_ESTATE, "user", "%.120s is a person of the directory %.60s", u->upn, u->ad_domain),
                     "change it there: it is taken over within the sync interval");
}

enum td_code td_user_set_password(struct td_tx *tx, const char *tenant, const char *id, const char *phc,
                                  const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    struct td_user u = no_user;
    td_try(before(tx, tenant, id, &a, &u, err));
    td_try(td_user_ours(tx, &u, err));
    td_try(td_sql(tx, err,
                  "UPDATE account SET phc = $3, tokens_from = $4, source = '', ad_domain = '', ad_guid = '',"
                  " ad_sid = '', sam = '' WHERE tenant = $1 AND id = $2",
                  "sssi", tenant, u.id, phc, td_tx_now(tx)));
    return tell(tx, &u, "user.password-set", actor, NULL, 0, err);
}

enum td_code td_user_switch(struct td_tx *tx, const struct td_user *u, bool enabled, const char *actor,
                            struct td_error *err)
{
    static const char *const words[] = {"false", "true"};
    td_try(td_sql(tx, err, "UPDATE account SET enabled = $3, tokens_from = $4 WHERE tenant = $1 AND id = $2", "ssii",
                  u->tenant, u->id, (int64_t)enabled, td_tx_now(tx)));
    const struct td_change change = {"accountEnabled", words[u->enabled], words[enabled]};
    td_try(tell(tx, u, enabled ? "user.enabled" : "user.disabled", actor, &change, 1, err));
    td_try(td_group_user_moved(tx, u->tenant, u->id, err));
    return td_store_touch(tx, err);
}

enum td_code td_user_enable(struct td_tx *tx, const char *tenant, const char *id, bool enabled, const char *actor,
                            struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    struct td_user u = no_user;
    td_try(before(tx, tenant, id, &a, &u, err));
    td_try(td_user_ours(tx, &u, err));
    return td_user_switch(tx, &u, enabled, actor, err);
}

enum td_code td_user_drop(struct td_tx *tx, const struct td_user *u, const char *actor, struct td_error *err)
{
    static const char *const statements[] = {
        "DELETE FROM account_role WHERE tenant = $1 AND account = $2",
        "DELETE FROM token_grant WHERE tenant = $1 AND account = $2",
        "DELETE FROM account WHERE tenant = $1 AND id = $2",
    };
    for (size_t i = 0; i < TD_COUNTOF(statements); i++)
        td_try(td_sql(tx, err, statements[i], "ss", u->tenant, u->id));
    const struct td_change changes[] = {{"userPrincipalName", u->upn, NULL}, {"displayName", u->name, NULL}};
    td_try(tell(tx, u, "user.removed", actor, changes, TD_COUNTOF(changes), err));
    td_try(td_group_forget_user(tx, u->tenant, u->id, err));
    return td_store_touch(tx, err);
}

enum td_code td_user_remove(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                            struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    struct td_user u = no_user;
    td_try(before(tx, tenant, id, &a, &u, err));
    td_try(td_user_ours(tx, &u, err));
    return td_user_drop(tx, &u, actor, err);
}

static const char *const roles[] = {
    "Global Administrator",
    "Global Reader",
    "Intune Administrator",
    "Cloud Device Administrator",
    "User Administrator",
    "Helpdesk Administrator",
    "Security Reader",
    "Device Local Administrator",
    "Application Administrator",
    "Policy and Profile Manager",
    "Read Only Operator",
    "Enrollment Technician",
    "Partner Agent",
};

/* "global-administrator", "GlobalAdministrator" and "Global Administrator" are one name. */
static bool same_role(struct td_slice given, const char *role)
{
    size_t i = 0;
    for (; *role != '\0'; role++) {
        if (*role == ' ') {
            i += i < given.n && (given.p[i] == ' ' || given.p[i] == '-' || given.p[i] == '_');
            continue;
        }
        if (i == given.n || !td_ieq(td_sub(given, i, 1), td_bytes(role, 1)))
            return false;
        i++;
    }
    return i == given.n;
}

const char *td_role_known(struct td_slice name)
{
    for (size_t i = 0; i < TD_COUNTOF(roles); i++)
        if (same_role(name, roles[i]))
            return roles[i];
    return NULL;
}

static enum td_code role_known(const char *given, const char **ret, struct td_error *err)
{
    *ret = td_role_known(td_str(given));
    if (*ret != NULL)
        return TD_OK;
    return td_remedy(err, td_fail(err, TD_EINVAL, "role", "there is no directory role \"%.60s\"", given),
                     "for example: Global Administrator, Intune Administrator, Read Only Operator");
}

enum td_code td_user_role_add(struct td_tx *tx, const char *tenant, const char *id, const char *role, const char *actor,
                              struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    struct td_user u = no_user;
    const char *known = NULL;
    td_try(before(tx, tenant, id, &a, &u, err));
    td_try(role_known(role, &known, err));
    td_try(td_sql(tx, err,
                  "INSERT INTO account_role(tenant, account, role) VALUES ($1, $2, $3)"
                  " ON CONFLICT (tenant, account, role) DO NOTHING",
                  "sss", tenant, u.id, known));
    if (td_sql_changes(tx) == 0)
        return TD_OK;
    const struct td_change change = {"role", NULL, known};
    td_try(tell(tx, &u, "user.role-added", actor, &change, 1, err));
    return td_store_touch(tx, err);
}

enum td_code td_user_role_remove(struct td_tx *tx, const char *tenant, const char *id, const char *role,
                                 const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    struct td_user u = no_user;
    const char *known = NULL;
    td_try(before(tx, tenant, id, &a, &u, err));
    td_try(role_known(role, &known, err));
    td_try(td_sql(tx, err, "DELETE FROM account_role WHERE tenant = $1 AND account = $2 AND role = $3", "sss", tenant,
                  u.id, known));
    if (td_sql_changes(tx) == 0)
        return td_fail(err, TD_ENOTFOUND, "role", "%s does not have the role %s", u.upn, known);
    const struct td_change change = {"role", known, NULL};
    td_try(tell(tx, &u, "user.role-removed", actor, &change, 1, err));
    return td_store_touch(tx, err);
}

enum td_code td_user_roles(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                           const char *const **ret, struct td_error *err)
{
    const char **list = td_arena_array(a, const char *, TD_COUNTOF(roles) + 1);
    size_t n = 0;
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err, "SELECT role FROM account_role WHERE tenant = $1 AND account = $2 ORDER BY role",
                        "ss", tenant, id));
    while (n < TD_COUNTOF(roles) && td_rows_next(&r))
        list[n++] = td_col_text0(&r, 0, a);
    *ret = list;
    return td_rows_done(&r, err);
}

enum td_code td_user_role_holders(struct td_tx *tx, const char *tenant, struct td_arena *a, struct td_role_holder **ret,
                                  size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    struct td_role_holder *list = NULL;
    size_t n = 0, cap = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT r.role, a.id, a.upn FROM account_role r"
                        " JOIN account a ON a.tenant = r.tenant AND a.id = r.account"
                        " WHERE r.tenant = $1 ORDER BY r.role, a.upn_key",
                        "s", tenant));
    while (td_rows_next(&r)) {
        list = td_arena_room(a, list, n, &cap, sizeof(*list));
        list[n++] = (struct td_role_holder){td_col_text0(&r, 0, a), td_col_text0(&r, 1, a), td_col_text0(&r, 2, a)};
    }
    *ret = list;
    *ret_count = n;
    return td_rows_done(&r, err);
}
