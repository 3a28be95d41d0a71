/* Members by rule: of one device or user in the transaction of its change, of a device at the moment of a question. */
#include "base/fault.h"
#include "store/group/room.h"
#include "store/registration.h"

#include <stdlib.h>

/* Stored groups of one key; members that a group left over (group_leftover) are none. */
static enum td_code groups_of(struct td_tx *tx, enum td_rule_kind kind, const char *tenant, const char *key,
                              struct td_arena *a, struct td_membership **ret, size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    size_t n = 0, room = 0;
    struct td_membership *list = NULL;
    td_try(td_sql_query(tx, &r, err,
                        kind == TD_RULE_USERS
                            ? "SELECT m.group_id FROM group_user m JOIN device_group g ON g.tenant = m.tenant"
                              " AND g.id = m.group_id AND g.kind <> 1 WHERE m.tenant = $1 AND m.user_id = $2"
                              " ORDER BY m.group_id"
                            : "SELECT m.group_id FROM device_group_member m JOIN device_group g ON g.tenant = m.tenant"
                              " AND g.id = m.group_id AND g.kind <> 2 WHERE m.tenant = $1 AND m.way_id = $2"
                              " ORDER BY m.group_id",
                        "ss", tenant, key));
    while (td_rows_next(&r)) {
        list = td_arena_room(a, list, n, &room, sizeof(*list));
        list[n++] = (struct td_membership){.key = key, .group_id = td_col_text0(&r, 0, a)};
    }
    *ret = list;
    *ret_count = n;
    return td_rows_done(&r, err);
}

static const char **ids_of(const struct td_membership *list, size_t n, struct td_arena *a)
{
    const char **ids = td_arena_array(a, const char *, n + 1);
    for (size_t i = 0; i < n; i++)
        ids[i] = list[i].group_id;
    return ids;
}

enum td_code td_verdicts_store(struct td_tx *tx, const char *tenant, const struct td_verdicts *v, const char *key,
                               const struct td_membership *current, size_t count, size_t *ret_changes,
                               struct td_error *err)
{
    size_t all = 0;
    const struct td_ruled *list = td_ruleset_list(v->set, &all);
    for (size_t i = 0; i < count; i++) {
        int at = td_ruleset_at(v->set, current[i].group_id);
        if (at < 0 || list[at].kind != v->kind || list[at].paused || td_verdicts_has(v, (size_t)at) ||
            (v->wanted != NULL && !v->wanted[at] && !list[at].by_groups))
            continue;
        td_try(td_membership_put(tx, v->kind, tenant, current[i].group_id, key, false, err));
        ++*ret_changes;
    }
    for (size_t i = 0; i < v->found_count; i++) {
        bool there = false;
        for (size_t c = 0; c < count && !there; c++)
            there = strcmp(current[c].group_id, list[v->found[i]].id) == 0;
        if (there)
            continue;
        td_try(td_membership_put(tx, v->kind, tenant, list[v->found[i]].id, key, true, err));
        ++*ret_changes;
    }
    return TD_OK;
}

static enum td_code move(struct td_tx *tx, const char *tenant, enum td_rule_kind kind, const char *key,
                         const struct td_ruleset *set, struct td_arena *a, struct td_error *err)
{
    struct td_subject s;
    struct td_verdicts v;
    struct td_membership *current = NULL;
    size_t n = 0, changes = 0;
    enum td_code rc = td_subject_one(tx, tenant, kind, key, a, &s, err);
    if (rc == TD_ENOTFOUND) /* what is not in the directory is in no group */
        return kind == TD_RULE_USERS ? td_group_forget_user(tx, tenant, key, err)
                                     : td_group_forget_way(tx, tenant, key, err);
    td_try(rc);
    td_try(groups_of(tx, kind, tenant, key, a, &current, &n, err));
    td_verdicts_init(&v, set, kind, NULL, a);
    td_verdicts_of(&v, &s.rule, ids_of(current, n, a), n, a);
    return td_verdicts_store(tx, tenant, &v, key, current, n, &changes, err);
}

static enum td_code moved(struct td_tx *tx, const char *tenant, enum td_rule_kind kind, const char *key,
                          struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    TD_CLEANUP(td_ruleset_drop) struct td_ruleset *set = NULL;
    if (td_fault("group-late"))
        return TD_OK;
    td_try(td_ruleset_hold(tx, tenant, &set, err));
    return move(tx, tenant, kind, key, set, &a, err);
}

enum td_code td_group_way_moved(struct td_tx *tx, const char *tenant, const char *way_id, struct td_error *err)
{
    return moved(tx, tenant, TD_RULE_DEVICES, way_id, err);
}

enum td_code td_group_user_moved(struct td_tx *tx, const char *tenant, const char *user_id, struct td_error *err)
{
    return moved(tx, tenant, TD_RULE_USERS, user_id, err);
}

/* sql: a way's id and its registration's, by one id. */
static enum td_code moved_by(struct td_tx *tx, const char *tenant, const char *sql, const char *id, const char *actor,
                             struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_rows r;
    const char *way_id = "", *registration_id = "";
    td_try(td_sql_query(tx, &r, err, sql, "ss", tenant, id));
    while (td_rows_next(&r)) {
        way_id = td_col_text0(&r, 0, &a);
        registration_id = td_col_text0(&r, 1, &a);
    }
    td_try(td_rows_done(&r, err));
    if (way_id[0] == '\0')
        return TD_OK;
    enum td_code rc = TD_ENOTFOUND;
    if (registration_id[0] != '\0')
        rc = td_registration_evaluate(tx, tenant, registration_id, actor, err);
    return rc == TD_ENOTFOUND ? td_group_way_moved(tx, tenant, way_id, err) : rc;
}

enum td_code td_group_device_moved(struct td_tx *tx, const char *tenant, const char *device_id, const char *actor,
                                   struct td_error *err)
{
    return moved_by(tx, tenant, "SELECT id, registration_id FROM way WHERE tenant = $1 AND device_id = $2", device_id,
                    actor, err);
}

enum td_code td_group_enrolment_moved(struct td_tx *tx, const char *tenant, const char *enrolment_id, const char *actor,
                                      struct td_error *err)
{
    return moved_by(tx, tenant,
                    "SELECT w.id, w.registration_id FROM enrolment e JOIN way w ON w.tenant = e.tenant"
                    " AND w.id = e.way_id WHERE e.tenant = $1 AND e.id = $2",
                    enrolment_id, actor, err);
}

/* Which rules have a spread under way; NULL: none. */
static enum td_code spreading(struct td_tx *tx, const char *tenant, const struct td_ruleset *set, struct td_arena *a,
                              bool **ret, struct td_error *err)
{
    struct td_rows r;
    size_t n = 0;
    (void)td_ruleset_list(set, &n);
    *ret = NULL;
    td_try(td_sql_query(tx, &r, err, "SELECT id FROM device_group WHERE tenant = $1 AND spread_after IS NOT NULL", "s",
                        tenant));
    while (td_rows_next(&r)) {
        TD_CLEANUP(td_arena_done) struct td_arena text = {0};
        int at = td_ruleset_at(set, td_col_text0(&r, 0, &text));
        if (at < 0)
            continue;
        if (*ret == NULL)
            *ret = td_arena_array(a, bool, n);
        (*ret)[at] = true;
    }
    return td_rows_done(&r, err);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Stored groups without those that were asked, and what was found. */
static const char *const *merged(const struct td_verdicts *v, const struct td_membership *current, size_t count,
                                 struct td_arena *a)
{
    size_t all = 0, n = 0;
    const struct td_ruled *list = td_ruleset_list(v->set, &all);
    const char **ids = td_arena_array(a, const char *, count + v->found_count + 1);
    for (size_t i = 0; i < count; i++) {
        int at = td_ruleset_at(v->set, current[i].group_id);
        bool asked = at >= 0 && list[at].kind == v->kind && !list[at].paused &&
                     (v->wanted == NULL || v->wanted[at] || list[at].by_groups);
        if (!asked)
            ids[n++] = current[i].group_id;
    }
    for (size_t i = 0; i < v->found_count; i++)
        ids[n++] = list[v->found[i]].id;
    qsort(ids, n, sizeof(*ids), by_text);
    return ids;
}

enum td_code td_group_live(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                           const char *const **ret, struct td_error *err)
{
    TD_CLEANUP(td_ruleset_drop) struct td_ruleset *set = NULL;
    struct td_rows r;
    struct td_subject s;
    struct td_verdicts v;
    struct td_membership *current = NULL;
    bool *wanted = NULL, any = false;
    size_t n = 0;
    *ret = NULL;
    td_try(td_sql_query(
        tx, &r, err, "SELECT 1 FROM device_group WHERE tenant = $1 AND spread_after IS NOT NULL LIMIT 1", "s", tenant));
    while (td_rows_next(&r))
        any = true;
    td_try(td_rows_done(&r, err));
    if (!any || td_fault("group-live-stored"))
        return TD_OK;
    td_try(td_ruleset_hold(tx, tenant, &set, err));
    td_try(spreading(tx, tenant, set, a, &wanted, err));
    if (wanted == NULL)
        return TD_OK;
    enum td_code rc = td_subject_one(tx, tenant, TD_RULE_DEVICES, way_id, a, &s, err);
    if (rc == TD_ENOTFOUND)
        return TD_OK;
    td_try(rc);
    td_try(groups_of(tx, TD_RULE_DEVICES, tenant, way_id, a, &current, &n, err));
    td_verdicts_init(&v, set, TD_RULE_DEVICES, wanted, a);
    td_verdicts_of(&v, &s.rule, ids_of(current, n, a), n, a);
    /* ids of the set go with it: the asker's copy stays */
    const char *const *ids = merged(&v, current, n, a);
    size_t count = 0;
    while (ids[count] != NULL)
        count++;
    const char **out = td_arena_array(a, const char *, count + 1);
    for (size_t i = 0; i < count; i++)
        out[i] = td_arena_strdup(a, ids[i]);
    *ret = out;
    return TD_OK;
}

/* A device by its directory id, or a user, as a rule sees it with the groups that it is in. */
static enum td_code subject_of(struct td_tx *tx, const char *tenant, enum td_rule_kind kind, const char *object,
                               struct td_arena *a, struct td_subject *ret, struct td_error *err)
{
    const char *key = object;
    struct td_membership *current = NULL;
    size_t n = 0;
    if (kind == TD_RULE_DEVICES)
        td_try(td_way_of_device(tx, tenant, object, a, &key, err));
    td_try(td_subject_one(tx, tenant, kind, key, a, ret, err));
    td_try(groups_of(tx, kind, tenant, key, a, &current, &n, err));
    ret->rule.items[kind == TD_RULE_USERS ? (int)TD_RU_MEMBER_OF : (int)TD_RD_MEMBER_OF] = ids_of(current, n, a);
    return TD_OK;
}

enum td_code td_group_try(struct td_tx *tx, const char *tenant, const char *rule, const char *object,
                          struct td_arena *a, struct td_group_verdict *ret, struct td_error *err)
{
    const struct td_rule *parsed = NULL;
    struct td_subject s;
    char id[TD_UUID_TEXT];
    td_try(td_rule_parse(td_str(rule), a, &parsed, err));
    if (!td_uuid_parse(td_str(object), id))
        return td_fail(err, TD_EINVAL, "memberId", "must be the id of a directory device or of a user");
    enum td_rule_kind kind = td_rule_kind_of(parsed), other = kind == TD_RULE_USERS ? TD_RULE_DEVICES : TD_RULE_USERS;
    enum td_code rc = subject_of(tx, tenant, kind, id, a, &s, err);
    if (rc == TD_ENOTFOUND)
        td_try(subject_of(tx, tenant, other, id, a, &s, err)); /* a rule about the other kind never holds */
    else
        td_try(rc);
    ret->member = td_rule_matches(parsed, &s.rule);
    ret->name = s.name;
    ret->why = s.rule.kind == kind     ? td_rule_why(parsed, &s.rule, a)
               : kind == TD_RULE_USERS ? "the rule is about users, this is a device"
                                       : "the rule is about devices, this is a user";
    return TD_OK;
}

/* As memberOf sees them at this moment. */
static enum td_code held_groups(struct td_tx *tx, const char *tenant, const char *way_id,
                                const struct td_membership *current, size_t count, struct td_arena *a,
                                const char *const **ret, struct td_error *err)
{
    td_try(td_group_live(tx, tenant, way_id, a, ret, err));
    if (*ret == NULL)
        *ret = ids_of(current, count, a);
    return TD_OK;
}

enum td_code td_group_why(struct td_tx *tx, const char *tenant, const struct td_group *g, const char *way_id,
                          struct td_arena *a, struct td_group_verdict *ret, struct td_error *err)
{
    struct td_subject s;
    const struct td_rule *parsed = NULL;
    struct td_membership *current = NULL;
    size_t n = 0;
    td_try(td_subject_one(tx, tenant, TD_RULE_DEVICES, way_id, a, &s, err));
    td_try(groups_of(tx, TD_RULE_DEVICES, tenant, way_id, a, &current, &n, err));
    *ret = (struct td_group_verdict){.name = s.name};
    for (size_t i = 0; i < n; i++)
        ret->stored = ret->member = ret->member || strcmp(current[i].group_id, g->id) == 0;
    if (g->kind != TD_GROUP_OF_DEVICES) {
        ret->why = g->kind == TD_GROUP_OF_USERS ? "its rule is about users"
                   : ret->member                ? "it was put there by hand"
                                                : "its members are set by hand";
        return TD_OK;
    }
    td_try(held_groups(tx, tenant, way_id, current, n, a, &s.rule.items[TD_RD_MEMBER_OF], err));
    td_try(td_rule_parse(td_str(g->rule), a, &parsed, err));
    const char *why = td_rule_why(parsed, &s.rule, a);
    if (!g->paused)
        ret->member = td_rule_matches(parsed, &s.rule);
    ret->why = g->paused ? td_arena_printf(a, "its rule is paused (%s)", why) : why;
    return TD_OK;
}
