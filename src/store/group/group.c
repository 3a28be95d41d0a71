#include "store/group.h"

#include "base/fault.h"
#include "store/audit.h"
#include "store/group/room.h"
#include "store/sync/room.h"

#define COLUMNS                                                                                                   \
    "g.id, g.name, g.description, g.nickname, g.rule, g.kind, g.paused, g.spread_after, g.problem, g.created_at," \
    " g.modified_at, g.members_at, g.source, g.ad_domain"

static void read_group(struct td_rows *r, struct td_arena *a, struct td_group *ret)
{
    *ret = (struct td_group){.id = td_col_text0(r, 0, a),
                             .name = td_col_text0(r, 1, a),
                             .description = td_col_text0(r, 2, a),
                             .nickname = td_col_text0(r, 3, a),
                             .rule = td_col_text0(r, 4, a),
                             .kind = (enum td_group_kind)td_col_int(r, 5),
                             .paused = td_col_int(r, 6) != 0,
                             .pending = !td_col_null(r, 7),
                             .started = td_col_text0(r, 7, a)[0] != '\0',
                             .problem = td_col_text0(r, 8, a),
                             .created_at = td_col_int(r, 9),
                             .modified_at = td_col_int(r, 10),
                             .members_at = td_col_int(r, 11),
                             .source = td_col_text0(r, 12, a),
                             .ad_domain = td_col_text0(r, 13, a)};
}

static const struct td_group no_group = {
    .id = "", .name = "", .description = "", .nickname = "", .rule = "", .problem = "", .source = "", .ad_domain = ""};

static enum td_code read_list(struct td_rows *r, struct td_arena *a, struct td_group **ret, size_t *ret_count,
                              struct td_error *err)
{
    size_t n = 0, cap = 0;
    struct td_group *list = NULL;
    while (td_rows_next(r)) {
        list = td_arena_room(a, list, n, &cap, sizeof(*list));
        read_group(r, a, &list[n++]);
    }
    *ret = list;
    *ret_count = n;
    return td_rows_done(r, err);
}

const char *td_group_status(const struct td_group *g)
{
    if (g->paused)
        return "Paused";
    if (g->problem[0] != '\0')
        return "Failed";
    return !g->pending ? "Succeeded" : g->started ? "Running" : "NotStarted";
}

static char *key_of(struct td_arena *a, const char *name)
{
    char *key = td_arena_strdup(a, name);
    td_lower(key);
    return key;
}

/* --- checks --- */

static enum td_code check_text(const char *field, const char *value, size_t min, size_t max, struct td_error *err)
{
    size_t n = strlen(value);
    if (n < min || n > max || !td_utf8_ok(td_str(value)))
        return td_fail(err, TD_EINVAL, field, "must be text of %zu to %zu octets", min, max);
    return TD_OK;
}

static enum td_code check_texts(const struct td_group *g, struct td_error *err)
{
    td_try(check_text("displayName", g->name, 1, TD_GROUP_NAME_MAX, err));
    td_try(check_text("description", g->description, 0, TD_GROUP_ABOUT_MAX, err));
    return check_text("mailNickname", g->nickname, 0, TD_GROUP_NICKNAME_MAX, err);
}

static enum td_code kind_of_rule(const char *rule, struct td_arena *a, enum td_group_kind *ret, struct td_error *err)
{
    const struct td_rule *parsed;
    td_try(td_rule_parse(td_str(rule), a, &parsed, err));
    *ret = td_rule_kind_of(parsed) == TD_RULE_USERS ? TD_GROUP_OF_USERS : TD_GROUP_OF_DEVICES;
    return TD_OK;
}

static enum td_code check_count(struct td_tx *tx, const char *tenant, struct td_error *err)
{
    struct td_rows r;
    int64_t n = 0;
    td_try(td_sql_query(tx, &r, err, "SELECT count(*) FROM device_group WHERE tenant = $1 AND kind <> 0", "s", tenant));
    while (td_rows_next(&r))
        n = td_col_int(&r, 0);
    td_try(td_rows_done(&r, err));
    return n < TD_GROUPS_MAX
               ? TD_OK
               : td_remedy(err,
                           td_fail(err, TD_ELIMIT, "group", "the tenant has %d dynamic groups already", TD_GROUPS_MAX),
                           "remove those that nothing is assigned to");
}

static enum td_code refuse_same_name(struct td_tx *tx, const char *tenant, const char *name, struct td_arena *a,
                                     struct td_error *err)
{
    struct td_rows r;
    bool there = false;
    td_try(td_sql_query(tx, &r, err, "SELECT 1 FROM device_group WHERE tenant = $1 AND name_key = $2 LIMIT 1", "ss",
                        tenant, key_of(a, name)));
    while (td_rows_next(&r))
        there = true;
    td_try(td_rows_done(&r, err));
    return there ? td_fail(err, TD_EEXISTS, "name", "there is a group \"%.100s\" already", name) : TD_OK;
}

/* --- marks --- */

static enum td_code due(struct td_tx *tx, const char *tenant, struct td_error *err)
{
    return td_sql(tx, err,
                  "INSERT INTO group_work(tenant, due) VALUES ($1, 1) ON CONFLICT (tenant) DO UPDATE SET due = 1", "s",
                  tenant);
}

enum td_code td_group_mark(struct td_tx *tx, const char *tenant, const char *group_id, struct td_error *err)
{
    td_try(td_sql(tx, err, "UPDATE device_group SET spread_after = '', problem = '' WHERE tenant = $1 AND id = $2",
                  "ss", tenant, group_id));
    return due(tx, tenant, err);
}

enum td_code td_group_mark_profiles(struct td_tx *tx, const char *tenant, struct td_error *err)
{
    td_try(due(tx, tenant, err));
    return td_sql(tx, err, "UPDATE group_work SET told_after = '' WHERE tenant = $1", "s", tenant);
}

enum td_code td_group_mark_by_groups(struct td_tx *tx, const char *tenant, struct td_error *err)
{
    TD_CLEANUP(td_ruleset_drop) struct td_ruleset *set = NULL;
    size_t n = 0;
    td_try(td_ruleset_hold(tx, tenant, &set, err));
    const struct td_ruled *list = td_ruleset_list(set, &n);
    for (size_t i = 0; i < n; i++)
        if (list[i].by_groups && !list[i].paused)
            td_try(td_group_mark(tx, tenant, list[i].id, err));
    return TD_OK;
}

/* Members of a kind go in slices. */
static enum td_code leave_over(struct td_tx *tx, const char *tenant, const char *group_id, enum td_rule_kind kind,
                               struct td_error *err)
{
    td_try(td_sql(tx, err,
                  "INSERT INTO group_leftover(tenant, group_id, kind) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                  "ssi", tenant, group_id, (int64_t)kind));
    return due(tx, tenant, err);
}

/* --- create, change, remove --- */

static enum td_code tell(struct td_tx *tx, const char *tenant, const char *type, const struct td_group *before,
                         const struct td_group *after, const char *actor, struct td_error *err)
{
    static const struct td_group none;
    static const char *const kinds[] = {"Assigned", "DynamicDevice", "DynamicUser"};
    const struct td_group *b = before != NULL ? before : &none, *n = after != NULL ? after : &none;
    const struct td_change changes[] = {
        {"displayName", b->name, n->name},
        {"description", b->description, n->description},
        {"mailNickname", b->nickname, n->nickname},
        {"membershipType", before != NULL ? kinds[b->kind] : NULL, after != NULL ? kinds[n->kind] : NULL},
        {"membershipRule", b->rule, n->rule},
        {"membershipRuleProcessingState",
         before == NULL || b->kind == 0 ? NULL
         : b->paused                    ? "Paused"
                                        : "On",
         after == NULL || n->kind == 0 ? NULL
         : n->paused                   ? "Paused"
                                       : "On"}};
    const struct td_audit what = {.type = type,
                                  .actor = actor,
                                  .kind = "group",
                                  .id = after != NULL ? n->id : b->id,
                                  .name = after != NULL ? n->name : b->name,
                                  .changes = changes,
                                  .count = TD_COUNTOF(changes)};
    return td_audit_tell(tx, tenant, &what, err);
}

static enum td_code insert(struct td_tx *tx, const char *tenant, const struct td_group *g, struct td_arena *a,
                           struct td_error *err)
{
    return td_sql(tx, err,
                  "INSERT INTO device_group(tenant, id, name, name_key, rule, created_at, description, nickname, kind,"
                  " paused, members_at, modified_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $6, $6)",
                  "sssssissii", tenant, g->id, g->name, key_of(a, g->name), g->rule, g->created_at, g->description,
                  g->nickname, (int64_t)g->kind, (int64_t)g->paused);
}

enum td_code td_group_create(struct td_tx *tx, const char *tenant, const struct td_group_new *what, const char *actor,
                             struct td_arena *a, struct td_group *ret, struct td_error *err)
{
    struct td_group g = {.id = td_uuid_arena(td_tx_env(tx), a),
                         .name = what->name,
                         .description = what->description != NULL ? what->description : "",
                         .nickname = what->nickname != NULL ? what->nickname : "",
                         .rule = what->rule != NULL ? what->rule : "",
                         .problem = "",
                         .source = "",
                         .ad_domain = "",
                         .paused = what->paused,
                         .created_at = td_tx_now(tx),
                         .modified_at = td_tx_now(tx),
                         .members_at = td_tx_now(tx)};
    td_try(check_texts(&g, err));
    if (what->unique)
        td_try(refuse_same_name(tx, tenant, g.name, a, err));
    if (g.rule[0] != '\0') {
        td_try(kind_of_rule(g.rule, a, &g.kind, err));
        td_try(check_count(tx, tenant, err));
    }
    g.pending = g.kind != TD_GROUP_BY_HAND && !g.paused;
    td_try(insert(tx, tenant, &g, a, err));
    if (g.kind != TD_GROUP_BY_HAND)
        td_try(td_ruleset_touch(tx, tenant, err));
    if (g.pending)
        td_try(td_group_mark(tx, tenant, g.id, err));
    td_try(tell(tx, tenant, "group.added", NULL, &g, actor, err));
    *ret = g;
    return TD_OK;
}

enum td_code td_group_add(struct td_tx *tx, const char *tenant, const char *name, const char *rule, const char *actor,
                          struct td_arena *a, struct td_group *ret, struct td_error *err)
{
    const struct td_group_new what = {.name = name, .rule = rule, .unique = true};
    return td_group_create(tx, tenant, &what, actor, a, ret, err);
}

/* What becomes of the rule. */
static enum td_code settle_rule(struct td_group *g, const struct td_group_change *change, struct td_arena *a,
                                struct td_error *err)
{
    bool dynamic = change->dynamic != NULL ? *change->dynamic : g->kind != TD_GROUP_BY_HAND;
    if (change->rule != NULL)
        g->rule = change->rule;
    if (change->paused != NULL)
        g->paused = *change->paused;
    if (dynamic && g->rule[0] == '\0')
        return td_remedy(err, td_fail(err, TD_EINVAL, "membershipRule", "a dynamic group needs a rule"),
                         "send membershipRule, or groupTypes without DynamicMembership");
    if (dynamic)
        return kind_of_rule(g->rule, a, &g->kind, err);
    if (change->rule != NULL && change->rule[0] != '\0')
        return td_remedy(err, td_fail(err, TD_EINVAL, "membershipRule", "only a dynamic group has a rule"),
                         "send groupTypes with DynamicMembership as well");
    g->kind = TD_GROUP_BY_HAND;
    g->rule = "";
    g->paused = false;
    return TD_OK;
}

static enum td_code store_change(struct td_tx *tx, const char *tenant, const struct td_group *g, struct td_arena *a,
                                 struct td_error *err)
{
    return td_sql(tx, err,
                  "UPDATE device_group SET name = $3, name_key = $4, description = $5, nickname = $6, rule = $7,"
                  " kind = $8, paused = $9, modified_at = $10, problem = '',"
                  " spread_after = CASE WHEN $8 = 0 OR $9 = 1 THEN NULL ELSE spread_after END"
                  " WHERE tenant = $1 AND id = $2",
                  "sssssssiii", tenant, g->id, g->name, key_of(a, g->name), g->description, g->nickname, g->rule,
                  (int64_t)g->kind, (int64_t)g->paused, td_tx_now(tx));
}

/* Members of the other kind go; what a former change wanted to take away is this group's again. */
static enum td_code other_kind(struct td_tx *tx, const char *tenant, const struct td_group *g, struct td_error *err)
{
    td_try(td_sql(tx, err, "DELETE FROM group_leftover WHERE tenant = $1 AND group_id = $2", "ss", tenant, g->id));
    td_try(td_group_mark_by_groups(tx, tenant, err));
    if (g->kind == TD_GROUP_BY_HAND)
        return TD_OK;
    return leave_over(tx, tenant, g->id, g->kind == TD_GROUP_OF_USERS ? TD_RULE_DEVICES : TD_RULE_USERS, err);
}

/* Members follow another rule, another kind, and a rule that runs again. */
static enum td_code follow(struct td_tx *tx, const char *tenant, const struct td_group *before,
                           const struct td_group *after, struct td_error *err)
{
    bool other = before->kind != after->kind;
    if (!other && strcmp(before->rule, after->rule) == 0 && before->paused == after->paused)
        return TD_OK;
    td_try(td_ruleset_touch(tx, tenant, err));
    if (other)
        td_try(other_kind(tx, tenant, after, err));
    if (after->kind == TD_GROUP_BY_HAND || after->paused)
        return TD_OK;
    return td_group_mark(tx, tenant, after->id, err);
}

enum td_code td_group_change(struct td_tx *tx, const char *tenant, const char *id, const struct td_group_change *change,
                             const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_group before = no_group, g;
    td_try(td_group_find(tx, tenant, id, &a, &before, err));
    td_try(td_group_ours(tx, tenant, &before, err));
    g = before;
    g.name = change->name != NULL ? change->name : g.name;
    g.description = change->description != NULL ? change->description : g.description;
    g.nickname = change->nickname != NULL ? change->nickname : g.nickname;
    td_try(check_texts(&g, err));
    td_try(settle_rule(&g, change, &a, err));
    if (before.kind == TD_GROUP_BY_HAND && g.kind != TD_GROUP_BY_HAND)
        td_try(check_count(tx, tenant, err));
    td_try(store_change(tx, tenant, &g, &a, err));
    td_try(follow(tx, tenant, &before, &g, err));
    return tell(tx, tenant, "group.changed", &before, &g, actor, err);
}

/* Assignments of a group that goes: told one by one, so that the audit shows what was assigned. */
static enum td_code drop_assignments(struct td_tx *tx, const char *tenant, const struct td_group *g, const char *actor,
                                     struct td_arena *a, struct td_error *err)
{
    static const char *const gone[] = {
        "DELETE FROM profile_assignment WHERE tenant = $1 AND group_id = $2",
        "DELETE FROM configuration_assignment WHERE tenant = $1 AND group_id = $2",
        "DELETE FROM enrolment_configuration_assignment WHERE tenant = $1 AND target = $2",
    };
    struct td_rows r;
    size_t n = 0, room = 0;
    struct td_change *list = NULL;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT p.name FROM profile_assignment s JOIN profile p ON p.tenant = s.tenant"
                        " AND p.id = s.profile_id WHERE s.tenant = $1 AND s.group_id = $2 UNION ALL"
                        " SELECT c.name FROM configuration_assignment s JOIN configuration c ON c.tenant = s.tenant"
                        " AND c.id = s.configuration_id WHERE s.tenant = $1 AND s.group_id = $2 UNION ALL"
                        " SELECT c.name FROM enrolment_configuration_assignment s JOIN enrolment_configuration c"
                        " ON c.tenant = s.tenant AND c.id = s.configuration_id"
                        " WHERE s.tenant = $1 AND s.target = $2 ORDER BY 1",
                        "ss", tenant, g->id));
    while (td_rows_next(&r)) {
        list = td_arena_room(a, list, n, &room, sizeof(*list));
        list[n++] = (struct td_change){.name = "assignment", .before = td_col_text0(&r, 0, a)};
    }
    td_try(td_rows_done(&r, err));
    if (n == 0)
        return TD_OK;
    for (size_t i = 0; i < TD_COUNTOF(gone); i++)
        td_try(td_sql(tx, err, gone[i], "ss", tenant, g->id));
    const struct td_audit what = {.type = "group.unassigned",
                                  .actor = actor,
                                  .kind = "group",
                                  .id = g->id,
                                  .name = g->name,
                                  .changes = list,
                                  .count = n};
    return td_audit_tell(tx, tenant, &what, err);
}

enum td_code td_group_ours(struct td_tx *tx, const char *tenant, const struct td_group *g, struct td_error *err)
{
    bool owned = false;
    td_try(td_sync_owns(tx, tenant, g->ad_domain, &owned, err));
    if (!owned || td_fault("synced-group-by-hand"))
        return TD_OK;
    return td_remedy(
        err, td_fail(err, TD_ESTATE, "group", "\"%.100s\" is a group of the directory %.60s", g->name, g->ad_domain),
        "change it there: it is taken over within the sync interval");
}

enum td_code td_group_remove(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                             struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_group g = no_group;
    td_try(td_group_find(tx, tenant, id, &a, &g, err));
    td_try(td_group_ours(tx, tenant, &g, err));
    return td_group_drop(tx, tenant, &g, actor, err);
}

enum td_code td_group_drop(struct td_tx *tx, const char *tenant, const struct td_group *g, const char *actor,
                           struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    td_try(drop_assignments(tx, tenant, g, actor, &a, err));
    td_try(td_sql(tx, err, "DELETE FROM device_group WHERE tenant = $1 AND id = $2", "ss", tenant, g->id));
    td_try(leave_over(tx, tenant, g->id, TD_RULE_DEVICES, err));
    td_try(leave_over(tx, tenant, g->id, TD_RULE_USERS, err));
    td_try(td_ruleset_touch(tx, tenant, err));
    td_try(td_group_mark_by_groups(tx, tenant, err));
    return tell(tx, tenant, "group.removed", g, NULL, actor, err);
}

/* --- questions --- */

enum td_code td_group_find(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                           struct td_group *ret, struct td_error *err)
{
    struct td_rows r;
    size_t n = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS " FROM device_group g WHERE g.tenant = $1 AND g.id = $2 UNION ALL"
                        " SELECT " COLUMNS " FROM device_group g WHERE g.tenant = $1 AND g.name_key = $2 LIMIT 2",
                        "ss", tenant, key_of(a, key)));
    while (td_rows_next(&r)) {
        read_group(&r, a, ret);
        n++;
    }
    td_try(td_rows_done(&r, err));
    if (n > 1)
        return td_remedy(err, td_fail(err, TD_EINVAL, "group", "several groups are called \"%.100s\"", key),
                         "give the group's id");
    return n == 1 ? TD_OK : td_fail(err, TD_ENOTFOUND, "group", "there is no group \"%.100s\"", key);
}

enum td_code td_group_list(struct td_tx *tx, const char *tenant, struct td_arena *a, struct td_group **ret,
                           size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS " FROM device_group g WHERE g.tenant = $1 ORDER BY g.name_key, g.id", "s",
                        tenant));
    return read_list(&r, a, ret, ret_count, err);
}

enum td_code td_group_of_way(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                             struct td_group **ret, size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS " FROM device_group_member m"
                        " JOIN device_group g ON g.tenant = m.tenant AND g.id = m.group_id"
                        " WHERE m.tenant = $1 AND m.way_id = $2 ORDER BY g.name_key, g.id",
                        "ss", tenant, way_id));
    return read_list(&r, a, ret, ret_count, err);
}
