/* Who gets which status page. */
#include "store/audit.h"
#include "store/enrolment_configuration.h"
#include "store/group.h"
#include "store/profile.h"

static bool is_virtual(const char *id)
{
    return strcmp(id, TD_ALL_DEVICES) == 0 || strcmp(id, TD_ALL_USERS) == 0;
}

enum td_code td_ec_targets(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                           struct td_ec_target **ret, size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    struct td_ec_target *list = td_arena_array(a, struct td_ec_target, TD_EC_MAX_TARGETS);
    size_t n = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT s.target, coalesce(g.name, ''), s.excluded FROM enrolment_configuration_assignment s"
                        " LEFT JOIN device_group g ON g.tenant = s.tenant AND g.id = s.target"
                        " WHERE s.tenant = $1 AND s.configuration_id = $2 ORDER BY s.created_at, s.target LIMIT $3",
                        "ssi", tenant, id, (int64_t)TD_EC_MAX_TARGETS));
    while (n < TD_EC_MAX_TARGETS && td_rows_next(&r)) {
        const char *target = td_col_text0(&r, 0, a), *name = td_col_text0(&r, 1, a);
        if (is_virtual(target))
            name = strcmp(target, TD_ALL_DEVICES) == 0 ? "all devices" : "all users";
        list[n++] = (struct td_ec_target){target, name, td_col_int(&r, 2) != 0};
    }
    *ret = list;
    *ret_count = n;
    return td_rows_done(&r, err);
}

static enum td_code tell(struct td_tx *tx, const char *tenant, const char *type, const struct td_ec *c,
                         const struct td_ec_target *t, bool gone, const char *actor, struct td_arena *a,
                         struct td_error *err)
{
    const char *text = td_arena_printf(a, "%s%s", t->excluded ? "not " : "", t->id);
    const struct td_change change = {"assignment", gone ? text : NULL, gone ? NULL : text};
    struct td_audit what = {.type = type,
                            .actor = actor,
                            .kind = "status-page",
                            .id = c->id,
                            .name = c->name,
                            .changes = &change,
                            .count = 1};
    td_try(td_audit_tell(tx, tenant, &what, err));
    return td_store_touch(tx, err);
}

static enum td_code find_own(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                             struct td_ec *ret, struct td_error *err)
{
    td_try(td_ec_find(tx, tenant, id, a, ret, err));
    return ret->is_default
               ? td_fail(err, TD_EDENIED, "id", "a default configuration holds for all and cannot be assigned")
               : TD_OK;
}

static enum td_code check_target(struct td_tx *tx, const char *tenant, const struct td_ec_target *t, struct td_arena *a,
                                 struct td_error *err)
{
    struct td_group g;
    if (is_virtual(t->id))
        return t->excluded ? td_fail(err, TD_EINVAL, "target", "all devices and all users cannot be excluded") : TD_OK;
    td_try(td_group_find(tx, tenant, t->id, a, &g, err));
    return strcmp(g.id, t->id) == 0 ? TD_OK
                                    : td_fail(err, TD_ENOTFOUND, "group", "there is no group of this id: %.64s", t->id);
}

static enum td_code add(struct td_tx *tx, const char *tenant, const struct td_ec *c, const struct td_ec_target *t,
                        const char *actor, struct td_arena *a, struct td_error *err)
{
    struct td_ec_target *list;
    size_t n = 0;
    td_try(check_target(tx, tenant, t, a, err));
    td_try(td_ec_targets(tx, tenant, c->id, a, &list, &n, err));
    if (n >= TD_EC_MAX_TARGETS)
        return td_fail(err, TD_ELIMIT, "assignments", "it has %d assignments already", TD_EC_MAX_TARGETS);
    td_try(td_sql(tx, err,
                  "INSERT INTO enrolment_configuration_assignment(tenant, configuration_id, target, excluded,"
                  " created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                  "sssii", tenant, c->id, t->id, (int64_t)t->excluded, td_tx_now(tx)));
    return td_sql_changes(tx) == 0 ? TD_OK : tell(tx, tenant, "status-page.assigned", c, t, false, actor, a, err);
}

static enum td_code drop(struct td_tx *tx, const char *tenant, const struct td_ec *c, const struct td_ec_target *t,
                         const char *actor, struct td_arena *a, struct td_error *err)
{
    td_try(td_sql(tx, err,
                  "DELETE FROM enrolment_configuration_assignment WHERE tenant = $1 AND configuration_id = $2"
                  " AND target = $3 AND excluded = $4",
                  "sssi", tenant, c->id, t->id, (int64_t)t->excluded));
    if (td_sql_changes(tx) == 0)
        return td_fail(err, TD_ENOTFOUND, "assignment", "it has no such assignment");
    return tell(tx, tenant, "status-page.unassigned", c, t, true, actor, a, err);
}

enum td_code td_ec_target_add(struct td_tx *tx, const char *tenant, const char *id, const struct td_ec_target *t,
                              const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_ec c;
    td_try(find_own(tx, tenant, id, &a, &c, err));
    return add(tx, tenant, &c, t, actor, &a, err);
}

enum td_code td_ec_target_drop(struct td_tx *tx, const char *tenant, const char *id, const struct td_ec_target *t,
                               const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_ec c;
    td_try(find_own(tx, tenant, id, &a, &c, err));
    return drop(tx, tenant, &c, t, actor, &a, err);
}

static bool is_in(const struct td_ec_target *t, const struct td_ec_target *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (t->excluded == list[i].excluded && strcmp(t->id, list[i].id) == 0)
            return true;
    return false;
}

enum td_code td_ec_assign(struct td_tx *tx, const char *tenant, const char *id, const struct td_ec_target *list,
                          size_t count, const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_ec c;
    struct td_ec_target *now;
    size_t n = 0;
    td_try(find_own(tx, tenant, id, &a, &c, err));
    td_try(td_ec_targets(tx, tenant, c.id, &a, &now, &n, err));
    for (size_t i = 0; i < n; i++)
        if (!is_in(&now[i], list, count))
            td_try(drop(tx, tenant, &c, &now[i], actor, &a, err));
    for (size_t i = 0; i < count; i++)
        td_try(add(tx, tenant, &c, &list[i], actor, &a, err));
    return TD_OK;
}

/* --- which page holds --- */

struct who {
    struct td_group *groups; /* of the device */
    size_t count;
    const char *user_id;
};

static bool has_device(const struct who *w, const char *target)
{
    for (size_t i = 0; i < w->count; i++)
        if (strcmp(w->groups[i].id, target) == 0)
            return true;
    return strcmp(target, TD_ALL_DEVICES) == 0;
}

static enum td_code read_offers(struct td_tx *tx, const char *tenant, const struct who *w, struct td_arena *a,
                                struct td_page_offer **ret, size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    struct td_page_offer *list = NULL;
    size_t n = 0, cap = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT c.id, c.priority, s.excluded, s.target, CASE WHEN u.user_id IS NULL THEN 0 ELSE 1 END"
                        " FROM enrolment_configuration_assignment s"
                        " JOIN enrolment_configuration c ON c.tenant = s.tenant AND c.id = s.configuration_id"
                        " LEFT JOIN group_user u ON u.tenant = s.tenant AND u.group_id = s.target AND u.user_id = $2"
                        " WHERE s.tenant = $1",
                        "ss", tenant, w->user_id));
    while (td_rows_next(&r)) {
        const char *target = td_col_text0(&r, 3, a);
        bool all_users = w->user_id[0] != '\0' && strcmp(target, TD_ALL_USERS) == 0;
        list = td_arena_room(a, list, n, &cap, sizeof(*list));
        list[n++] = (struct td_page_offer){.id = td_col_text0(&r, 0, a),
                                           .priority = td_col_int(&r, 1),
                                           .excluded = td_col_int(&r, 2) != 0,
                                           .of_device = has_device(w, target),
                                           .of_user = all_users || td_col_int(&r, 4) != 0};
    }
    *ret = list;
    *ret_count = n;
    return td_rows_done(&r, err);
}

enum td_code td_ec_page_for(struct td_tx *tx, const char *tenant, const char *way_id, const char *user_id,
                            struct td_arena *a, struct td_ec *ret, struct td_error *err)
{
    struct who w = {.user_id = user_id};
    struct td_page_offer *offers = NULL;
    size_t n = 0;
    td_try(td_group_of_way(tx, tenant, way_id, a, &w.groups, &w.count, err));
    td_try(read_offers(tx, tenant, &w, a, &offers, &n, err));
    size_t best = td_status_page_choose(offers, n);
    return td_ec_page(tx, tenant, best < n ? offers[best].id : NULL, a, ret, err);
}

enum td_code td_status_page_give(struct td_tx *tx, const char *tenant, const char *enrolment_id, const struct td_ec *c,
                                 struct td_error *err)
{
    return td_sql(tx, err,
                  "INSERT INTO status_page_given(tenant, enrolment_id, configuration_id, name, version, at)"
                  " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, enrolment_id) DO UPDATE"
                  " SET configuration_id = $3, name = $4, version = $5, at = $6"
                  " WHERE status_page_given.configuration_id <> $3 OR status_page_given.version <> $5",
                  "ssssii", tenant, enrolment_id, c->id, c->name, c->version, td_tx_now(tx));
}
