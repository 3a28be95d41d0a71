#include "store/profile.h"

#include "store/event.h"

#include <stdio.h>

#define COLUMNS "p.id, p.name, p.settings, p.created_at, p.modified_at"

static enum td_code read_profile(struct td_rows *r, struct td_arena *a, struct td_profile_row *ret,
                                 struct td_error *err)
{
    struct td_profile_row p = {.id = td_col_text0(r, 0, a),
                               .name = td_col_text0(r, 1, a),
                               .created_at = td_col_int(r, 3),
                               .modified_at = td_col_int(r, 4)};
    td_try(td_profile_parse(td_col_blob(r, 2, a), a, &p.settings, err));
    *ret = p;
    return TD_OK;
}

/* The first row as a profile, TD_ENOTFOUND without one. */
static enum td_code first_profile(struct td_rows *r, struct td_arena *a, struct td_profile_row *ret,
                                  struct td_error *err)
{
    enum td_code rc = td_fail(err, TD_ENOTFOUND, "profile", "there is no such profile");
    if (td_rows_next(r))
        rc = read_profile(r, a, ret, err);
    td_try(td_rows_done(r, rc == TD_OK ? err : NULL));
    return rc;
}

static char *key_of(struct td_arena *a, const char *name)
{
    char *key = td_arena_strdup(a, name);
    td_lower(key);
    return key;
}

static enum td_code check_new(struct td_tx *tx, const char *tenant, const char *name, struct td_error *err)
{
    struct td_rows r;
    int64_t n = 0;
    if (name[0] == '\0' || strlen(name) > TD_PROFILE_NAME_MAX || !td_utf8_ok(td_str(name)))
        return td_fail(err, TD_EINVAL, "name", "must be text of 1 to %d octets", TD_PROFILE_NAME_MAX);
    td_try(td_sql_query(tx, &r, err, "SELECT count(*) FROM profile WHERE tenant = $1", "s", tenant));
    while (td_rows_next(&r))
        n = td_col_int(&r, 0);
    td_try(td_rows_done(&r, err));
    return n < TD_PROFILES_MAX
               ? TD_OK
               : td_fail(err, TD_ELIMIT, "profile", "the tenant has %d profiles already", TD_PROFILES_MAX);
}

static enum td_code tell(struct td_tx *tx, const char *tenant, const char *type, const char *profile_id,
                         const char *name, const char *group_id, const char *actor, struct td_error *err)
{
    struct td_event e = {.type = type, .actor = actor};
    return td_event_tell(tx, tenant, &e, err, "profileId", profile_id, "profile", name, "groupId", group_id, NULL);
}

enum td_code td_profile_add(struct td_tx *tx, const char *tenant, const char *name, const struct td_profile *settings,
                            const char *actor, struct td_arena *a, struct td_profile_row *ret, struct td_error *err)
{
    struct td_profile_row p = {.id = td_uuid_arena(td_tx_env(tx), a),
                               .name = name,
                               .settings = *settings,
                               .created_at = td_tx_now(tx),
                               .modified_at = td_tx_now(tx)};
    td_try(check_new(tx, tenant, name, err));
    struct td_jsonw w;
    TD_CLEANUP(td_buf_done) struct td_buf json;
    td_buf_init(&json, TD_PROFILE_MAX_JSON);
    td_jsonw_init(&w, &json);
    td_profile_write(settings, &w);
    td_try(td_buf_check(&json, "profile", err));
    enum td_code rc = td_sql(tx, err,
                             "INSERT INTO profile(tenant, id, name, name_key, settings, created_at, modified_at)"
                             " VALUES ($1, $2, $3, $4, $5, $6, $6)",
                             "ssssti", tenant, p.id, name, key_of(a, name), td_buf_slice(&json), p.created_at);
    if (rc == TD_EEXISTS)
        return td_fail(err, TD_EEXISTS, "name", "there is a profile \"%s\" already", name);
    td_try(rc);
    td_try(tell(tx, tenant, "profile.added", p.id, name, NULL, actor, err));
    td_try(td_store_touch(tx, err));
    *ret = p;
    return TD_OK;
}

enum td_code td_profile_find(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                             struct td_profile_row *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS " FROM profile p WHERE p.tenant = $1 AND (p.id = $2 OR p.name_key = $2)",
                        "ss", tenant, key_of(a, key)));
    enum td_code rc = first_profile(&r, a, ret, err);
    return rc == TD_ENOTFOUND ? td_fail(err, TD_ENOTFOUND, "profile", "there is no profile \"%.100s\"", key) : rc;
}

static enum td_code refuse_second_default(struct td_tx *tx, const char *tenant, const char *profile_id,
                                          struct td_arena *a, struct td_error *err)
{
    struct td_rows r;
    const char *other = NULL;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT p.name FROM profile_assignment s JOIN profile p"
                        " ON p.tenant = s.tenant AND p.id = s.profile_id"
                        " WHERE s.tenant = $1 AND s.group_id = '' AND s.profile_id <> $2",
                        "ss", tenant, profile_id));
    while (td_rows_next(&r))
        other = td_col_text0(&r, 0, a);
    td_try(td_rows_done(&r, err));
    if (other == NULL)
        return TD_OK;
    return td_remedy(
        err, td_fail(err, TD_EEXISTS, "all-devices", "profile \"%.100s\" is assigned to all devices already", other),
        "assign this one to a group");
}

enum td_code td_profile_assign(struct td_tx *tx, const char *tenant, const char *profile_id, const char *group_id,
                               const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    if (group_id[0] == '\0')
        td_try(refuse_second_default(tx, tenant, profile_id, &a, err));
    td_try(td_sql(tx, err,
                  "INSERT INTO profile_assignment(tenant, group_id, profile_id, excluded, created_at)"
                  " VALUES ($1, $2, $3, 0, $4) ON CONFLICT DO NOTHING",
                  "sssi", tenant, group_id, profile_id, td_tx_now(tx)));
    if (td_sql_changes(tx) == 0)
        return TD_OK;
    td_try(tell(tx, tenant, "profile.assigned", profile_id, NULL, group_id, actor, err));
    return td_store_touch(tx, err);
}

/* Oldest profile first; one that excludes a group of the device is out (autopilot.md 2.6). */
static const char by_group[] =
    "SELECT " COLUMNS " FROM device_group_member m"
    " JOIN profile_assignment s ON s.tenant = m.tenant AND s.group_id = m.group_id AND s.excluded = 0"
    " JOIN profile p ON p.tenant = s.tenant AND p.id = s.profile_id"
    " WHERE m.tenant = $1 AND m.way_id = $2 AND NOT EXISTS (SELECT 1 FROM profile_assignment x"
    " JOIN device_group_member xm ON xm.tenant = x.tenant AND xm.group_id = x.group_id"
    " WHERE x.tenant = $1 AND x.profile_id = p.id AND x.excluded = 1 AND xm.way_id = $2)"
    " ORDER BY p.created_at, p.id LIMIT 1";
static const char by_default[] = "SELECT " COLUMNS " FROM profile_assignment s"
                                 " JOIN profile p ON p.tenant = s.tenant AND p.id = s.profile_id"
                                 " WHERE s.tenant = $1 AND s.group_id = '' ORDER BY p.created_at, p.id LIMIT 1";

enum td_code td_profile_of_way(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                               struct td_profile_row *ret, bool *ret_explicit, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err, by_group, "ss", tenant, way_id));
    enum td_code rc = first_profile(&r, a, ret, err);
    *ret_explicit = rc == TD_OK;
    if (rc != TD_ENOTFOUND)
        return rc;
    td_try(td_sql_query(tx, &r, err, by_default, "s", tenant));
    rc = first_profile(&r, a, ret, err);
    if (rc != TD_ENOTFOUND)
        return rc;
    const struct td_ztd_error *none = td_ztd_error(TD_ZTD_NO_PROFILE);
    return td_remedy(err, td_fail(err, TD_ENOTFOUND, "profile", "%s", none->text), "%s", none->remedy);
}

enum td_code td_profile_for(struct td_tx *tx, const char *tenant, const char *registration_id, struct td_arena *a,
                            struct td_profile_row *ret, bool *ret_explicit, struct td_error *err)
{
    struct td_rows r;
    const char *way_id = NULL;
    td_try(td_sql_query(tx, &r, err, "SELECT way_id FROM registration WHERE tenant = $1 AND id = $2", "ss", tenant,
                        registration_id));
    while (td_rows_next(&r))
        way_id = td_col_text0(&r, 0, a);
    td_try(td_rows_done(&r, err));
    if (way_id == NULL)
        return td_fail(err, TD_ENOTFOUND, "registration", "there is no registration %.40s", registration_id);
    return td_profile_of_way(tx, tenant, way_id, a, ret, ret_explicit, err);
}

static const char candidates[] =
    "SELECT p.id, p.name, p.created_at, s.group_id, coalesce(g.name, ''), s.excluded,"
    " CASE WHEN s.group_id = '' THEN 1 WHEN m.way_id IS NULL THEN 0 ELSE 1 END"
    " FROM profile_assignment s JOIN profile p ON p.tenant = s.tenant AND p.id = s.profile_id"
    " LEFT JOIN device_group g ON g.tenant = s.tenant AND g.id = s.group_id"
    " LEFT JOIN device_group_member m ON m.tenant = s.tenant AND m.group_id = s.group_id AND m.way_id = $2"
    " WHERE s.tenant = $1 ORDER BY CASE WHEN s.group_id = '' THEN 1 ELSE 0 END, p.created_at, p.id, s.group_id"
    " LIMIT $3";

static const char *reason(struct td_profile_candidate *c, bool concerns, bool decided, struct td_arena *a)
{
    if (!concerns)
        return td_arena_printf(a, "the device is not in the group \"%s\"", c->group_name);
    if (c->excluded)
        return td_arena_printf(a, "the group \"%s\" is excluded", c->group_name);
    if (c->holds)
        return c->group_id[0] == '\0' ? "it is assigned to all devices, and no group brings another"
                                      : "it is the oldest profile of the device's groups";
    if (c->group_id[0] == '\0' && decided)
        return "a profile of one of the device's groups comes first";
    return decided ? "an older profile comes first" : "a group of the device is excluded from it";
}

enum td_code td_profile_explain(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                                struct td_profile_candidate **ret, size_t *ret_count, struct td_error *err)
{
    enum { MAX = 1000 };
    struct td_profile_row winner = {.id = ""};
    bool is_explicit = false, concerns[MAX];
    enum td_code rc = td_profile_of_way(tx, tenant, way_id, a, &winner, &is_explicit, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    struct td_rows r;
    struct td_profile_candidate *list = td_arena_array(a, struct td_profile_candidate, MAX);
    size_t n = 0;
    td_try(td_sql_query(tx, &r, err, candidates, "ssi", tenant, way_id, (int64_t)MAX));
    while (n < MAX && td_rows_next(&r)) {
        struct td_profile_candidate *c = &list[n];
        *c = (struct td_profile_candidate){.profile_id = td_col_text0(&r, 0, a),
                                           .profile_name = td_col_text0(&r, 1, a),
                                           .profile_created_at = td_col_int(&r, 2),
                                           .group_id = td_col_text0(&r, 3, a),
                                           .group_name = td_col_text0(&r, 4, a),
                                           .excluded = td_col_int(&r, 5) != 0};
        concerns[n] = td_col_int(&r, 6) != 0;
        c->holds = concerns[n] && !c->excluded && strcmp(c->profile_id, winner.id) == 0 &&
                   (c->group_id[0] != '\0') == is_explicit;
        n++;
    }
    td_try(td_rows_done(&r, err));
    for (size_t i = 0; i < n; i++)
        list[i].why = reason(&list[i], concerns[i], rc == TD_OK, a);
    for (size_t i = 1; i < n; i++)
        if (list[i].holds && !list[0].holds) {
            struct td_profile_candidate first = list[0];
            list[0] = list[i];
            list[i] = first;
        }
    *ret = list;
    *ret_count = n;
    return TD_OK;
}
