#include "store/group.h"

#include "store/event.h"

static void read_group(struct td_rows *r, struct td_arena *a, struct td_group *ret)
{
    *ret = (struct td_group){.id = td_col_text0(r, 0, a),
                             .name = td_col_text0(r, 1, a),
                             .rule = td_col_text0(r, 2, a),
                             .created_at = td_col_int(r, 3)};
}

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

static char *key_of(struct td_arena *a, const char *name)
{
    char *key = td_arena_strdup(a, name);
    td_lower(key);
    return key;
}

static enum td_code check_group(const char *name, const char *rule, struct td_arena *a, struct td_error *err)
{
    const struct td_rule *parsed;
    size_t n = strlen(name);
    if (n == 0 || n > TD_GROUP_NAME_MAX || !td_utf8_ok(td_str(name)))
        return td_fail(err, TD_EINVAL, "name", "must be text of 1 to %d octets", TD_GROUP_NAME_MAX);
    return rule[0] != '\0' ? td_rule_parse(td_str(rule), a, &parsed, err) : TD_OK;
}

static enum td_code check_count(struct td_tx *tx, const char *tenant, struct td_error *err)
{
    struct td_rows r;
    int64_t n = 0;
    td_try(td_sql_query(tx, &r, err, "SELECT count(*) FROM device_group WHERE tenant = $1", "s", tenant));
    while (td_rows_next(&r))
        n = td_col_int(&r, 0);
    td_try(td_rows_done(&r, err));
    return n < TD_GROUPS_MAX ? TD_OK
                             : td_fail(err, TD_ELIMIT, "group", "the tenant has %d groups already", TD_GROUPS_MAX);
}

static enum td_code tell(struct td_tx *tx, const char *tenant, const struct td_group *g, const char *actor,
                         struct td_error *err)
{
    struct td_event e = {.type = "group.added", .actor = actor};
    return td_event_tell(tx, tenant, &e, err, "groupId", g->id, "group", g->name, "rule", g->rule, NULL);
}

enum td_code td_group_add(struct td_tx *tx, const char *tenant, const char *name, const char *rule, const char *actor,
                          struct td_arena *a, struct td_group *ret, struct td_error *err)
{
    struct td_group g = {.id = td_uuid_arena(td_tx_env(tx), a),
                         .name = name,
                         .rule = rule != NULL ? rule : "",
                         .created_at = td_tx_now(tx)};
    td_try(check_group(g.name, g.rule, a, err));
    td_try(check_count(tx, tenant, err));
    enum td_code rc = td_sql(tx, err,
                             "INSERT INTO device_group(tenant, id, name, name_key, rule, created_at)"
                             " VALUES ($1, $2, $3, $4, $5, $6)",
                             "sssssi", tenant, g.id, g.name, key_of(a, name), g.rule, g.created_at);
    if (rc == TD_EEXISTS)
        return td_fail(err, TD_EEXISTS, "name", "there is a group \"%s\" already", name);
    td_try(rc);
    td_try(tell(tx, tenant, &g, actor, err));
    td_try(td_store_touch(tx, err));
    *ret = g;
    return TD_OK;
}

enum td_code td_group_find(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                           struct td_group *ret, struct td_error *err)
{
    struct td_rows r;
    bool found = false;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT id, name, rule, created_at FROM device_group"
                        " WHERE tenant = $1 AND (id = $2 OR name_key = $2)",
                        "ss", tenant, key_of(a, key)));
    while (td_rows_next(&r)) {
        read_group(&r, a, ret);
        found = true;
    }
    td_try(td_rows_done(&r, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "group", "there is no group \"%.100s\"", key);
}

enum td_code td_group_list(struct td_tx *tx, const char *tenant, struct td_arena *a, struct td_group **ret,
                           size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT id, name, rule, created_at FROM device_group WHERE tenant = $1 ORDER BY name_key", "s",
                        tenant));
    return read_list(&r, a, ret, ret_count, err);
}

enum td_code td_group_of_way(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                             struct td_group **ret, size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT g.id, g.name, g.rule, g.created_at FROM device_group_member m"
                        " JOIN device_group g ON g.tenant = m.tenant AND g.id = m.group_id"
                        " WHERE m.tenant = $1 AND m.way_id = $2 ORDER BY g.name_key",
                        "ss", tenant, way_id));
    return read_list(&r, a, ret, ret_count, err);
}

enum td_code td_group_rules_load(struct td_tx *tx, const char *tenant, struct td_arena *a, struct td_group_rules *ret,
                                 struct td_error *err)
{
    struct td_group_rules out = {0};
    struct td_group *all;
    size_t n = 0;
    td_try(td_group_list(tx, tenant, a, &all, &n, err));
    out.groups = td_arena_array(a, struct td_group, n);
    out.rules = td_arena_array(a, const struct td_rule *, n);
    for (size_t i = 0; i < n; i++) {
        if (all[i].rule[0] == '\0')
            continue;
        td_try(td_rule_parse(td_str(all[i].rule), a, &out.rules[out.count], err));
        out.groups[out.count++] = all[i];
    }
    *ret = out;
    return TD_OK;
}

static bool is_member(const struct td_group *list, size_t n, const char *id)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].id, id) == 0)
            return true;
    return false;
}

enum td_code td_group_evaluate(struct td_tx *tx, const char *tenant, const struct td_group_rules *rules,
                               const char *way_id, const struct td_rule_subject *device, struct td_arena *a,
                               struct td_error *err)
{
    struct td_group *now;
    size_t n = 0;
    td_try(td_group_of_way(tx, tenant, way_id, a, &now, &n, err));
    for (size_t i = 0; i < rules->count; i++) {
        bool is = is_member(now, n, rules->groups[i].id), should = td_rule_matches(rules->rules[i], device);
        if (should && !is)
            td_try(td_sql(tx, err,
                          "INSERT INTO device_group_member(tenant, group_id, way_id) VALUES ($1, $2, $3)"
                          " ON CONFLICT DO NOTHING",
                          "sss", tenant, rules->groups[i].id, way_id));
        if (is && !should)
            td_try(td_sql(tx, err,
                          "DELETE FROM device_group_member WHERE tenant = $1 AND group_id = $2 AND way_id = $3", "sss",
                          tenant, rules->groups[i].id, way_id));
    }
    return TD_OK;
}
