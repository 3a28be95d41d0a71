#include "store/configuration.h"

#include "base/fault.h"
#include "codec/json.h"
#include "store/audit.h"

#include <stdlib.h>

#define COLUMNS "c.id, c.name, c.kind, c.revision, c.body, c.sealed, c.created_at, c.modified_at, c.description"

static char *name_key(struct td_arena *a, const char *name)
{
    char *key = td_arena_strdup(a, name);
    td_lower(key);
    return key;
}

static void read_row(struct td_rows *r, struct td_arena *a, struct td_configuration *ret)
{
    ret->id = td_col_text0(r, 0, a);
    ret->name = td_col_text0(r, 1, a);
    ret->kind = td_col_text0(r, 2, a);
    ret->revision = td_col_int(r, 3);
    ret->body = td_col_text0(r, 4, a);
    ret->sealed = td_col_blob(r, 5, a);
    ret->created_at = td_col_int(r, 6);
    ret->modified_at = td_col_int(r, 7);
    ret->description = td_col_text0(r, 8, a);
}

static enum td_code read_list(struct td_rows *r, struct td_arena *a, struct td_configuration **ret, size_t *ret_count,
                              struct td_error *err)
{
    struct td_configuration *list = NULL;
    size_t n = 0, cap = 0;
    while (td_rows_next(r)) {
        list = td_arena_room(a, list, n, &cap, sizeof(*list));
        read_row(r, a, &list[n++]);
    }
    td_try(td_rows_done(r, err));
    *ret = list;
    *ret_count = n;
    return TD_OK;
}

/* Bodies may hold secrets (a passphrase, a product key): the audit tells that, never what. */
static enum td_code tell(struct td_tx *tx, const char *tenant, const char *type, const char *actor,
                         const struct td_configuration *c, const struct td_change *change, struct td_error *err)
{
    struct td_audit what = {.type = type,
                            .actor = actor,
                            .kind = "configuration",
                            .id = c->id,
                            .name = c->name,
                            .changes = change,
                            .count = 1};
    td_try(td_audit_tell(tx, tenant, &what, err));
    return td_store_touch(tx, err);
}

static enum td_code check_name(const char *name, struct td_error *err)
{
    if (name[0] == '\0' || strlen(name) > TD_CONFIGURATION_NAME_MAX || !td_utf8_ok(td_str(name)))
        return td_fail(err, TD_EINVAL, "name", "must have 1 to %d octets of UTF-8", TD_CONFIGURATION_NAME_MAX);
    return TD_OK;
}

enum td_code td_configuration_add(struct td_tx *tx, const char *tenant, const struct td_configuration *c,
                                  const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    int64_t now = td_tx_now(tx);
    td_try(check_name(c->name, err));
    enum td_code rc =
        td_sql(tx, err,
               "INSERT INTO configuration(tenant, id, name, name_key, kind, revision, body, sealed,"
               " created_at, modified_at) VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $8)",
               "ssssssbi", tenant, c->id, c->name, name_key(&a, c->name), c->kind, c->body, c->sealed, now);
    if (rc == TD_EEXISTS)
        return td_fail(err, TD_EEXISTS, "name", "an item of this name exists already");
    td_try(rc);
    const struct td_change change = {"kind", NULL, c->kind};
    return tell(tx, tenant, "configuration.added", actor, c, &change, err);
}

enum td_code td_configuration_change(struct td_tx *tx, const char *tenant, const struct td_configuration *c,
                                     const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_configuration old = {.id = ""};
    td_try(td_configuration_find(tx, tenant, c->id, &a, &old, err));
    td_try(td_sql(tx, err,
                  "UPDATE configuration SET kind = $3, body = $4, sealed = $5, revision = revision + 1,"
                  " modified_at = $6 WHERE tenant = $1 AND id = $2",
                  "ssssbi", tenant, c->id, c->kind, c->body, c->sealed, td_tx_now(tx)));
    if (td_sql_changes(tx) != 1)
        return td_fail(err, TD_ENOTFOUND, "item", "there is no such item");
    const struct td_change change = {"revision", td_arena_printf(&a, "%lld", (long long)old.revision),
                                     td_arena_printf(&a, "%lld", (long long)old.revision + 1)};
    return tell(tx, tenant, "configuration.changed", actor, &old, &change, err);
}

enum td_code td_configuration_rename(struct td_tx *tx, const char *tenant, const char *id, const char *name,
                                     const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_configuration old = {.id = ""};
    td_try(check_name(name, err));
    td_try(td_configuration_find(tx, tenant, id, &a, &old, err));
    enum td_code rc = td_sql(tx, err,
                             "UPDATE configuration SET name = $3, name_key = $4, modified_at = $5"
                             " WHERE tenant = $1 AND id = $2",
                             "ssssi", tenant, old.id, name, name_key(&a, name), td_tx_now(tx));
    if (rc == TD_EEXISTS)
        return td_fail(err, TD_EEXISTS, "name", "an item of this name exists already");
    td_try(rc);
    const struct td_change change = {"name", old.name, name};
    return tell(tx, tenant, "configuration.changed", actor, &old, &change, err);
}

enum td_code td_configuration_describe(struct td_tx *tx, const char *tenant, const char *id, const char *description,
                                       const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_configuration old = {.id = "", .description = ""};
    if (strlen(description) > TD_CONFIGURATION_DESCRIPTION_MAX || !td_utf8_ok(td_str(description)))
        return td_fail(err, TD_EINVAL, "description", "must have at most %d octets of UTF-8",
                       TD_CONFIGURATION_DESCRIPTION_MAX);
    td_try(td_configuration_find(tx, tenant, id, &a, &old, err));
    if (strcmp(old.description, description) == 0)
        return TD_OK;
    td_try(td_sql(tx, err, "UPDATE configuration SET description = $3, modified_at = $4 WHERE tenant = $1 AND id = $2",
                  "sssi", tenant, old.id, description, td_tx_now(tx)));
    const struct td_change change = {"description", old.description, description};
    return tell(tx, tenant, "configuration.changed", actor, &old, &change, err);
}

enum td_code td_configuration_find(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                                   struct td_configuration *ret, struct td_error *err)
{
    struct td_rows r;
    struct td_configuration *list;
    size_t n;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS " FROM configuration c WHERE c.tenant = $1 AND (c.id = $2 OR c.name_key = $2)"
                        " LIMIT 1",
                        "ss", tenant, name_key(a, key)));
    td_try(read_list(&r, a, &list, &n, err));
    if (n == 0)
        return td_fail(err, TD_ENOTFOUND, "item", "there is no configuration item of this name");
    *ret = list[0];
    return TD_OK;
}

enum td_code td_configuration_list(struct td_tx *tx, const char *tenant, struct td_arena *a,
                                   struct td_configuration **ret, size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS " FROM configuration c WHERE c.tenant = $1 ORDER BY c.name_key LIMIT $2",
                        "si", tenant, (int64_t)TD_CONFIGURATIONS_MAX));
    return read_list(&r, a, ret, ret_count, err);
}

enum td_code td_configuration_assign(struct td_tx *tx, const char *tenant, const char *id, const char *group_id,
                                     const char *actor, struct td_error *err)
{
    td_try(td_sql(tx, err,
                  "INSERT INTO configuration_assignment(tenant, configuration_id, group_id, created_at)"
                  " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                  "sssi", tenant, id, group_id, td_tx_now(tx)));
    if (td_sql_changes(tx) == 0)
        return TD_OK;
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_configuration item = {.id = ""};
    const struct td_change change = {"group", NULL, group_id};
    td_try(td_configuration_find(tx, tenant, id, &a, &item, err));
    return tell(tx, tenant, "configuration.assigned", actor, &item, &change, err);
}

enum td_code td_configuration_unassign(struct td_tx *tx, const char *tenant, const char *id, const char *group_id,
                                       const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_configuration item = {.id = ""};
    const struct td_change change = {"group", group_id, NULL};
    td_try(td_configuration_find(tx, tenant, id, &a, &item, err));
    td_try(td_sql(tx, err,
                  "DELETE FROM configuration_assignment WHERE tenant = $1 AND configuration_id = $2 AND group_id = $3",
                  "sss", tenant, id, group_id));
    if (td_sql_changes(tx) == 0)
        return td_remedy(err, td_fail(err, TD_ENOTFOUND, "assignment", "the item is not assigned so"),
                         "Look where it is assigned: touchdown policy list --json.");
    return tell(tx, tenant, "configuration.unassigned", actor, &item, &change, err);
}

enum td_code td_configuration_remove(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                                     struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_configuration item = {.id = ""};
    td_try(td_configuration_find(tx, tenant, id, &a, &item, err));
    const struct td_change change = {"kind", item.kind, NULL};
    td_try(td_sql(tx, err, "DELETE FROM configuration_assignment WHERE tenant = $1 AND configuration_id = $2", "ss",
                  tenant, item.id));
    td_try(td_sql(tx, err, "DELETE FROM configuration WHERE tenant = $1 AND id = $2", "ss", tenant, item.id));
    return tell(tx, tenant, "configuration.removed", actor, &item, &change, err);
}

enum td_code td_configuration_targets(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                                      const char ***ret, size_t *ret_count, struct td_error *err)
{
    enum { MAX_TARGETS = 1000 };
    struct td_rows r;
    const char **list = td_arena_array(a, const char *, MAX_TARGETS);
    size_t n = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT group_id FROM configuration_assignment WHERE tenant = $1 AND configuration_id = $2"
                        " ORDER BY group_id LIMIT $3",
                        "ssi", tenant, id, (int64_t)MAX_TARGETS));
    while (td_rows_next(&r) && n < MAX_TARGETS)
        list[n++] = td_col_text0(&r, 0, a);
    td_try(td_rows_done(&r, err));
    *ret = list;
    *ret_count = n;
    return TD_OK;
}

static int by_age(const void *a, const void *b)
{
    const struct td_configuration *x = a, *y = b;
    if (x->created_at != y->created_at)
        return x->created_at < y->created_at ? -1 : 1;
    return strcmp(x->id, y->id);
}

/* In order of age, each once. Here and not by UNION and ORDER BY, for which SQLite builds two tables and throws them
 * away with every message of a device. */
static struct td_configuration *joined(const struct td_configuration *x, size_t n, const struct td_configuration *y,
                                       size_t m, struct td_arena *a, size_t *ret_count)
{
    struct td_configuration *list = td_arena_array(a, struct td_configuration, n + m + 1);
    size_t kept = 0;
    if (n != 0)
        memcpy(list, x, n * sizeof(*list));
    if (m != 0)
        memcpy(list + n, y, m * sizeof(*list));
    qsort(list, n + m, sizeof(*list), by_age);
    for (size_t i = 0; i < n + m; i++)
        if (kept == 0 || strcmp(list[kept - 1].id, list[i].id) != 0)
            list[kept++] = list[i];
    *ret_count = kept;
    return list;
}

enum td_code td_configuration_of_way(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                                     struct td_configuration **ret, size_t *ret_count, struct td_error *err)
{
    static const char to_all[] = "SELECT " COLUMNS " FROM configuration_assignment x JOIN configuration c"
                                 " ON c.tenant = x.tenant AND c.id = x.configuration_id"
                                 " WHERE x.tenant = $1 AND x.group_id = ''";
    static const char to_groups[] = "SELECT " COLUMNS " FROM device_group_member g JOIN configuration_assignment x"
                                    " ON x.tenant = g.tenant AND x.group_id = g.group_id JOIN configuration c"
                                    " ON c.tenant = x.tenant AND c.id = x.configuration_id"
                                    " WHERE g.tenant = $1 AND g.way_id = $2";
    struct td_rows r;
    struct td_configuration *all, *more;
    size_t n, m;
    td_try(td_sql_query(tx, &r, err, to_all, "s", tenant));
    td_try(read_list(&r, a, &all, &n, err));
    td_try(td_sql_query(tx, &r, err, to_groups, "ss", tenant, way_id));
    td_try(read_list(&r, a, &more, &m, err));
    *ret = joined(all, n, more, m, a, ret_count);
    return TD_OK;
}

static size_t of_kind(struct td_configuration *list, size_t n, const char *kind)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (kind == NULL || strcmp(list[i].kind, kind) == 0)
            list[kept++] = list[i];
    return kept;
}

enum td_code td_configuration_wanted(struct td_tx *tx, const char *tenant, const char *way_id, const char *user_id,
                                     const char *kind, struct td_arena *a, struct td_configuration **ret,
                                     size_t *ret_count, struct td_error *err)
{
    static const char of_user[] = "SELECT " COLUMNS " FROM group_user u JOIN configuration_assignment x"
                                  " ON x.tenant = u.tenant AND x.group_id = u.group_id JOIN configuration c"
                                  " ON c.tenant = x.tenant AND c.id = x.configuration_id"
                                  " WHERE u.tenant = $1 AND u.user_id = $2";
    struct td_rows r;
    struct td_configuration *rows, *theirs;
    size_t n, m;
    td_try(td_configuration_of_way(tx, tenant, way_id, a, &rows, &n, err));
    *ret = rows;
    *ret_count = n;
    if (user_id[0] == '\0' || td_fault("items-of-users-forgotten"))
        return TD_OK;
    td_try(td_sql_query(tx, &r, err, of_user, "ss", tenant, user_id));
    td_try(read_list(&r, a, &theirs, &m, err));
    m = of_kind(theirs, m, kind);
    if (m != 0)
        *ret = joined(rows, n, theirs, m, a, ret_count);
    return TD_OK;
}
