#include "store/event.h"
#include "store/foreign_management.h"
#include "store/profile/room.h"

enum td_code td_profile_row_read(struct td_rows *r, struct td_arena *a, struct td_profile_row *ret,
                                 struct td_error *err)
{
    struct td_profile_row p = {.id = td_col_text0(r, 0, a),
                               .name = td_col_text0(r, 1, a),
                               .created_at = td_col_int(r, 3),
                               .modified_at = td_col_int(r, 4),
                               .revision = td_col_int(r, 5)};
    td_try(td_profile_parse(td_col_blob(r, 2, a), a, &p.settings, err));
    *ret = p;
    return TD_OK;
}

static enum td_code read_list(struct td_rows *r, struct td_arena *a, struct td_profile_row **ret, size_t *ret_count,
                              struct td_error *err)
{
    struct td_profile_row *list = NULL;
    size_t n = 0, cap = 0;
    enum td_code rc = TD_OK;
    while (rc == TD_OK && td_rows_next(r)) {
        list = td_arena_room(a, list, n, &cap, sizeof(*list));
        rc = td_profile_row_read(r, a, &list[n++], err);
    }
    td_try(td_rows_done(r, rc == TD_OK ? err : NULL));
    *ret = list;
    *ret_count = n;
    return rc;
}

enum td_code td_profile_of_id(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                              struct td_profile_row *ret, struct td_error *err)
{
    struct td_rows r;
    struct td_profile_row *list = NULL;
    size_t n = 0;
    td_try(td_sql_query(tx, &r, err, "SELECT " TD_PROFILE_COLUMNS " FROM profile p WHERE p.tenant = $1 AND p.id = $2",
                        "ss", tenant, id));
    td_try(read_list(&r, a, &list, &n, err));
    if (n == 0)
        return td_fail(err, TD_ENOTFOUND, "profile", "there is no profile \"%.100s\"", id);
    *ret = list[0];
    return TD_OK;
}

static char *key_of(struct td_arena *a, const char *name)
{
    char *key = td_arena_strdup(a, name);
    td_lower(key);
    return key;
}

enum td_code td_profile_find(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                             struct td_profile_row *ret, struct td_error *err)
{
    struct td_rows r;
    struct td_profile_row *list;
    size_t n = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " TD_PROFILE_COLUMNS " FROM profile p WHERE p.tenant = $1"
                        " AND (p.id = $2 OR p.name_key = $2) ORDER BY p.id = $2 DESC LIMIT 2",
                        "ss", tenant, key_of(a, key)));
    td_try(read_list(&r, a, &list, &n, err));
    if (n == 0)
        return td_fail(err, TD_ENOTFOUND, "profile", "there is no profile \"%.100s\"", key);
    if (n > 1 && !td_ieqs(td_str(key), list[0].id))
        return td_remedy(err, td_fail(err, TD_EINVAL, "profile", "several profiles have the name \"%.100s\"", key),
                         "name it by its id; touchdown profile list shows the ids");
    *ret = list[0];
    return TD_OK;
}

enum td_code td_profile_list(struct td_tx *tx, const char *tenant, struct td_arena *a, struct td_profile_row **ret,
                             size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " TD_PROFILE_COLUMNS " FROM profile p WHERE p.tenant = $1"
                        " ORDER BY p.created_at, p.id LIMIT $2",
                        "si", tenant, (int64_t)TD_PROFILES_MAX));
    return read_list(&r, a, ret, ret_count, err);
}

static enum td_code count_of(struct td_tx *tx, const char *sql, const char *tenant, const char *second, int64_t *ret,
                             struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err, sql, "ss", tenant, second));
    while (td_rows_next(&r))
        *ret = td_col_int(&r, 0);
    return td_rows_done(&r, err);
}

/* People name profiles by their names: for them each has one of its own. */
static enum td_code check_free(struct td_tx *tx, const char *tenant, const char *name, struct td_arena *a,
                               struct td_error *err)
{
    int64_t n = 0;
    td_try(count_of(tx, "SELECT count(*) FROM profile WHERE tenant = $1 AND name_key = $2", tenant, key_of(a, name), &n,
                    err));
    return n == 0 ? TD_OK : td_fail(err, TD_EEXISTS, "name", "there is a profile \"%s\" already", name);
}

static enum td_code check_room(struct td_tx *tx, const char *tenant, struct td_error *err)
{
    int64_t n = 0;
    td_try(count_of(tx, "SELECT count(*) FROM profile WHERE tenant = $1 AND '' = $2", tenant, "", &n, err));
    return n < TD_PROFILES_MAX
               ? TD_OK
               : td_fail(err, TD_ELIMIT, "profile", "the tenant has %d profiles already", TD_PROFILES_MAX);
}

/* Row X07: an unknown management service would send devices nowhere. */
static enum td_code check_management(struct td_tx *tx, const char *tenant, const struct td_profile *p,
                                     struct td_arena *a, struct td_error *err)
{
    struct td_foreign_management foreign;
    if (td_management_is_ours(p->management_app))
        return TD_OK;
    enum td_code rc = td_foreign_management_find(tx, tenant, p->management_app, a, &foreign, err);
    if (rc != TD_ENOTFOUND)
        return rc;
    return td_remedy(
        err,
        td_fail(err, TD_EINVAL, "managementServiceAppId", "no management service %s is known here", p->management_app),
        "add it first: touchdown management add NAME --app-id %s --enrolment-url URL", p->management_app);
}

static enum td_code settings_text(const struct td_profile *settings, struct td_arena *a, struct td_slice *ret,
                                  struct td_error *err)
{
    struct td_jsonw w;
    TD_CLEANUP(td_buf_done) struct td_buf json;
    td_buf_init(&json, TD_PROFILE_MAX_JSON);
    td_jsonw_init(&w, &json);
    td_profile_write(settings, &w);
    td_try(td_buf_check(&json, "profile", err));
    *ret = td_arena_copy(a, td_buf_slice(&json));
    return TD_OK;
}

/* Name and settings, before and after; either may be NULL. */
static enum td_code tell(struct td_tx *tx, const char *tenant, const char *type, const struct td_profile_row *before,
                         const struct td_profile_row *after, const char *actor, struct td_arena *a,
                         struct td_error *err)
{
    enum { MAX = 32 };
    const struct td_profile_row *any = after != NULL ? after : before;
    struct td_change changes[MAX] = {
        {"displayName", before != NULL ? before->name : NULL, after != NULL ? after->name : NULL}};
    size_t n = 1;
    for (size_t i = 0; n < MAX; i++) {
        const char *name = td_profile_setting(&any->settings, i, a, &changes[n].after);
        if (name == NULL)
            break;
        changes[n].name = name;
        if (after == NULL)
            changes[n].after = NULL;
        if (before != NULL)
            (void)td_profile_setting(&before->settings, i, a, &changes[n].before);
        n++;
    }
    struct td_audit what = {.type = type,
                            .actor = actor,
                            .kind = "profile",
                            .id = any->id,
                            .name = any->name,
                            .changes = changes,
                            .count = n};
    return td_audit_tell(tx, tenant, &what, err);
}

enum td_code td_profile_create(struct td_tx *tx, const char *tenant, const char *name,
                               const struct td_profile *settings, const char *actor, struct td_arena *a,
                               struct td_profile_row *ret, struct td_error *err)
{
    struct td_slice json;
    struct td_profile_row p = {.id = td_uuid_arena(td_tx_env(tx), a),
                               .name = name,
                               .settings = *settings,
                               .created_at = td_tx_now(tx),
                               .modified_at = td_tx_now(tx),
                               .revision = 1};
    td_try(td_profile_name_check(name, err));
    td_try(check_room(tx, tenant, err));
    td_try(check_management(tx, tenant, settings, a, err));
    td_try(settings_text(settings, a, &json, err));
    td_try(td_sql(tx, err,
                  "INSERT INTO profile(tenant, id, name, name_key, settings, created_at, modified_at, revision,"
                  " device_type, management_app) VALUES ($1, $2, $3, $4, $5, $6, $6, 1, $7, $8)",
                  "sssstiss", tenant, p.id, name, key_of(a, name), json, p.created_at, settings->device_type,
                  settings->management_app));
    td_try(tell(tx, tenant, "profile.added", NULL, &p, actor, a, err));
    td_try(td_store_touch(tx, err));
    *ret = p;
    return TD_OK;
}

enum td_code td_profile_add(struct td_tx *tx, const char *tenant, const char *name, const struct td_profile *settings,
                            const char *actor, struct td_arena *a, struct td_profile_row *ret, struct td_error *err)
{
    td_try(check_free(tx, tenant, name, a, err));
    return td_profile_create(tx, tenant, name, settings, actor, a, ret, err);
}

enum td_code td_profile_change(struct td_tx *tx, const char *tenant, struct td_profile_row *p, const char *actor,
                               struct td_arena *a, struct td_error *err)
{
    struct td_profile_row before = {.id = "", .name = "", .settings = p->settings};
    struct td_slice json;
    td_try(td_profile_find(tx, tenant, p->id, a, &before, err));
    p->id = before.id;
    p->created_at = before.created_at;
    p->modified_at = before.modified_at;
    p->revision = before.revision;
    td_try(td_profile_name_check(p->name, err));
    if (strcmp(before.name, p->name) == 0 && td_profile_same(&before.settings, &p->settings))
        return TD_OK;
    if (strcmp(before.settings.management_app, p->settings.management_app) != 0)
        td_try(check_management(tx, tenant, &p->settings, a, err));
    td_try(settings_text(&p->settings, a, &json, err));
    p->revision++;
    p->modified_at = td_tx_now(tx);
    td_try(td_sql(tx, err,
                  "UPDATE profile SET name = $3, name_key = $4, settings = $5, modified_at = $6, revision = $7,"
                  " device_type = $8, management_app = $9 WHERE tenant = $1 AND id = $2",
                  "sssstiiss", tenant, p->id, p->name, key_of(a, p->name), json, p->modified_at, p->revision,
                  p->settings.device_type, p->settings.management_app));
    td_try(tell(tx, tenant, "profile.changed", &before, p, actor, a, err));
    return td_store_touch(tx, err);
}

enum td_code td_profile_remove(struct td_tx *tx, const char *tenant, const char *id, bool force, const char *actor,
                               struct td_arena *a, struct td_error *err)
{
    struct td_profile_row p = {.id = ""};
    struct td_profile_target *targets;
    size_t n = 0;
    td_try(td_profile_find(tx, tenant, id, a, &p, err));
    td_try(td_profile_targets(tx, tenant, p.id, a, &targets, &n, err));
    if (n != 0 && !force && !td_fault("profile-removed-assigned"))
        return td_remedy(
            err,
            td_fail(err, TD_ESTATE, "assignments", "the profile \"%.100s\" is still assigned %zu time(s)", p.name, n),
            "take its assignments away first");
    for (size_t i = 0; i < n; i++)
        td_try(td_profile_target_drop(tx, tenant, p.id, targets[i].group_id, targets[i].excluded, actor, err));
    td_try(td_sql(tx, err, "DELETE FROM profile WHERE tenant = $1 AND id = $2", "ss", tenant, p.id));
    td_try(tell(tx, tenant, "profile.removed", &p, NULL, actor, a, err));
    return td_store_touch(tx, err);
}
