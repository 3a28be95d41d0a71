#include "store/enrolment_configuration.h"

#include "store/audit.h"

#define COLUMNS "c.id, c.name, c.description, c.priority, c.version, c.created_at, c.modified_at, c.settings"

static const char default_name[] = "All users and all devices";
static const char page_suffix[] = "_Windows10EnrollmentCompletionPageConfiguration";
static const char *const default_suffixes[TD_EC_KIND_COUNT] = {
    [TD_EC_PAGE] = "_DefaultWindows10EnrollmentCompletionPageConfiguration",
    [TD_EC_LIMIT] = "_DefaultLimit",
    [TD_EC_PLATFORM] = "_DefaultPlatformRestrictions",
    [TD_EC_HELLO] = "_DefaultWindowsHelloForBusiness",
};

static enum td_code make_default(struct td_tx *tx, const char *tenant, enum td_ec_kind kind, struct td_arena *a,
                                 struct td_ec *ret, struct td_error *err)
{
    struct td_rows r;
    struct td_ec c = {.id = td_arena_printf(a, "%s%s", tenant, default_suffixes[kind]),
                      .kind = kind,
                      .is_default = true,
                      .name = default_name,
                      .description = "",
                      .version = 0};
    td_status_page_defaults(false, &c.page);
    td_try(td_sql_query(tx, &r, err, "SELECT created_at FROM tenant WHERE id = $1", "s", tenant));
    while (td_rows_next(&r))
        c.created_at = c.modified_at = td_col_int(&r, 0);
    *ret = c;
    return td_rows_done(&r, err);
}

static enum td_code read_row(struct td_rows *r, struct td_arena *a, struct td_ec *ret, struct td_error *err)
{
    struct td_ec c = {.id = td_col_text0(r, 0, a),
                      .kind = TD_EC_PAGE,
                      .name = td_col_text0(r, 1, a),
                      .description = td_col_text0(r, 2, a),
                      .priority = td_col_int(r, 3),
                      .version = td_col_int(r, 4),
                      .created_at = td_col_int(r, 5),
                      .modified_at = td_col_int(r, 6)};
    c.is_default = c.priority == 0;
    td_try(td_status_page_parse(td_col_blob(r, 7, a), a, &c.page, err));
    *ret = c;
    return TD_OK;
}

enum td_code td_ec_list(struct td_tx *tx, const char *tenant, struct td_arena *a, struct td_ec **ret, size_t *ret_count,
                        struct td_error *err)
{
    struct td_rows r;
    enum td_code rc = TD_OK;
    struct td_ec *list = td_arena_array(a, struct td_ec, TD_EC_KIND_COUNT + TD_EC_MAX_PAGES + 1);
    size_t n = 0;
    for (unsigned kind = 0; kind < TD_EC_KIND_COUNT; kind++)
        td_try(make_default(tx, tenant, (enum td_ec_kind)kind, a, &list[n++], err));
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS " FROM enrolment_configuration c WHERE c.tenant = $1"
                        " ORDER BY c.priority, c.id LIMIT $2",
                        "si", tenant, (int64_t)TD_EC_MAX_PAGES + 1));
    while (rc == TD_OK && td_rows_next(&r)) {
        struct td_ec c;
        rc = read_row(&r, a, &c, err);
        if (rc == TD_OK)
            list[c.is_default ? TD_EC_PAGE : n++] = c;
    }
    td_try(td_rows_done(&r, rc == TD_OK ? err : NULL));
    *ret = list;
    *ret_count = n;
    return rc;
}

enum td_code td_ec_find(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a, struct td_ec *ret,
                        struct td_error *err)
{
    struct td_ec *list;
    const struct td_ec *named = NULL;
    size_t n = 0, names = 0;
    td_try(td_ec_list(tx, tenant, a, &list, &n, err));
    for (size_t i = 0; i < n; i++) {
        if (td_ieqs(td_str(key), list[i].id) || (i == TD_EC_PAGE && td_ieqs(td_str(key), "default"))) {
            *ret = list[i];
            return TD_OK;
        }
        if (list[i].is_default || !td_ieqs(td_str(key), list[i].name))
            continue;
        named = &list[i];
        names++;
    }
    if (names > 1)
        return td_fail(err, TD_EINVAL, "status-page", "several status pages have the name \"%.100s\": give the id",
                       key);
    if (named == NULL)
        return td_fail(err, TD_ENOTFOUND, "configuration", "there is no enrolment configuration \"%.120s\"", key);
    *ret = *named;
    return TD_OK;
}

enum td_code td_ec_page(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a, struct td_ec *ret,
                        struct td_error *err)
{
    struct td_rows r;
    struct td_ec c;
    enum td_code rc = TD_OK;
    td_try(make_default(tx, tenant, TD_EC_PAGE, a, &c, err));
    const char *ids[] = {id, c.id};
    bool found = false;
    for (size_t i = 0; i < TD_COUNTOF(ids) && !found; i++) {
        if (ids[i] == NULL)
            continue;
        td_try(td_sql_query(tx, &r, err,
                            "SELECT " COLUMNS " FROM enrolment_configuration c WHERE c.tenant = $1 AND c.id = $2", "ss",
                            tenant, ids[i]));
        while (rc == TD_OK && td_rows_next(&r)) {
            found = true;
            rc = read_row(&r, a, &c, err);
        }
        td_try(td_rows_done(&r, rc == TD_OK ? err : NULL));
        td_try(rc);
    }
    *ret = c;
    return TD_OK;
}

/* --- writing --- */

static enum td_code tell(struct td_tx *tx, const char *tenant, const char *type, const struct td_ec *before,
                         const struct td_ec *after, const char *actor, struct td_arena *a, struct td_error *err)
{
    enum { MAX = 24 };
    const struct td_ec *any = after != NULL ? after : before;
    struct td_change changes[MAX] = {
        {"displayName", before != NULL ? before->name : NULL, after != NULL ? after->name : NULL},
        {"description", before != NULL ? before->description : NULL, after != NULL ? after->description : NULL},
        {"priority", before != NULL ? td_arena_printf(a, "%lld", (long long)before->priority) : NULL,
         after != NULL ? td_arena_printf(a, "%lld", (long long)after->priority) : NULL},
    };
    size_t n = 3;
    for (size_t i = 0; n < MAX; i++, n++) {
        const char *old = NULL, *new = NULL, *name = td_status_page_setting(&any->page, i, a, &new);
        if (name == NULL)
            break;
        if (before != NULL)
            (void)td_status_page_setting(&before->page, i, a, &old);
        changes[n] = (struct td_change){name, old, after != NULL ? new : NULL};
    }
    struct td_audit what = {.type = type,
                            .actor = actor,
                            .kind = "status-page",
                            .id = any->id,
                            .name = any->name,
                            .changes = changes,
                            .count = n};
    td_try(td_audit_tell(tx, tenant, &what, err));
    return td_store_touch(tx, err);
}

static enum td_code check_texts(const struct td_ec *c, struct td_error *err)
{
    if (c->name[0] == '\0' || strlen(c->name) > (size_t)TD_EC_NAME_MAX * 4 || !td_utf8_ok(td_str(c->name)))
        return td_fail(err, TD_EINVAL, "displayName", "must have 1 to %d characters", TD_EC_NAME_MAX);
    if (strlen(c->description) > 6000 || !td_utf8_ok(td_str(c->description)))
        return td_fail(err, TD_EINVAL, "description", "must have at most 1500 characters");
    return TD_OK;
}

static enum td_code put_row(struct td_tx *tx, const char *tenant, const struct td_ec *c, struct td_error *err)
{
    struct td_jsonw w;
    TD_CLEANUP(td_buf_done) struct td_buf json;
    td_buf_init(&json, TD_STATUS_PAGE_MAX_JSON);
    td_jsonw_init(&w, &json);
    td_status_page_write(&c->page, &w);
    td_try(td_buf_check(&json, "status page", err));
    return td_sql(tx, err,
                  "INSERT INTO enrolment_configuration(tenant, id, kind, name, description, priority, settings,"
                  " version, created_at, modified_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
                  " ON CONFLICT (tenant, id) DO UPDATE SET name = $4, description = $5, settings = $7, version = $8,"
                  " modified_at = $10",
                  "ssissitiii", tenant, c->id, (int64_t)c->kind, c->name, c->description, c->priority,
                  td_buf_slice(&json), c->version, c->created_at, c->modified_at);
}

enum td_code td_ec_add(struct td_tx *tx, const char *tenant, const struct td_ec *c, const char *actor,
                       struct td_arena *a, struct td_ec *ret, struct td_error *err)
{
    struct td_ec *list, made = *c;
    size_t n = 0;
    td_try(check_texts(c, err));
    td_try(td_ec_list(tx, tenant, a, &list, &n, err));
    if (n - TD_EC_KIND_COUNT >= TD_EC_MAX_PAGES)
        return td_fail(err, TD_ELIMIT, "status page", "the tenant has %d status pages already", TD_EC_MAX_PAGES);
    made.id = td_arena_printf(a, "%s%s", td_uuid_arena(td_tx_env(tx), a), page_suffix);
    made.kind = TD_EC_PAGE;
    made.is_default = false;
    made.priority = (int64_t)(n - TD_EC_KIND_COUNT) + 1;
    made.version = 1;
    made.created_at = made.modified_at = td_tx_now(tx);
    td_try(put_row(tx, tenant, &made, err));
    td_try(tell(tx, tenant, "status-page.added", NULL, &made, actor, a, err));
    *ret = made;
    return TD_OK;
}

static bool same_page(const struct td_status_page *x, const struct td_status_page *y, struct td_arena *a)
{
    const char *one, *two;
    for (size_t i = 0; td_status_page_setting(x, i, a, &one) != NULL; i++) {
        (void)td_status_page_setting(y, i, a, &two);
        if (strcmp(one, two) != 0)
            return false;
    }
    return true;
}

enum td_code td_ec_change(struct td_tx *tx, const char *tenant, const struct td_ec *c, const char *actor,
                          struct td_arena *a, struct td_error *err)
{
    struct td_ec before, after;
    td_try(td_ec_find(tx, tenant, c->id, a, &before, err));
    if (before.kind != TD_EC_PAGE)
        return td_fail(err, TD_ENOTOFFERED, "configuration", "changing this configuration is not offered yet");
    after = before;
    after.name = before.is_default ? before.name : c->name;
    after.description = c->description;
    after.page = c->page;
    td_try(check_texts(&after, err));
    if (strcmp(before.name, after.name) == 0 && strcmp(before.description, after.description) == 0 &&
        same_page(&before.page, &after.page, a))
        return TD_OK;
    after.version++;
    after.modified_at = td_tx_now(tx);
    td_try(put_row(tx, tenant, &after, err));
    return tell(tx, tenant, "status-page.changed", &before, &after, actor, a, err);
}

static enum td_code find_own(struct td_tx *tx, const char *tenant, const char *id, const char *what, struct td_arena *a,
                             struct td_ec *ret, struct td_error *err)
{
    td_try(td_ec_find(tx, tenant, id, a, ret, err));
    return ret->is_default
               ? td_fail(err, TD_EDENIED, "id", "a default configuration holds for all and cannot be %s", what)
               : TD_OK;
}

enum td_code td_ec_remove(struct td_tx *tx, const char *tenant, const char *id, const char *actor, struct td_arena *a,
                          struct td_error *err)
{
    struct td_ec c = {.id = ""};
    td_try(find_own(tx, tenant, id, "deleted", a, &c, err));
    td_try(td_sql(tx, err, "DELETE FROM enrolment_configuration_assignment WHERE tenant = $1 AND configuration_id = $2",
                  "ss", tenant, c.id));
    td_try(td_sql(tx, err, "DELETE FROM enrolment_configuration WHERE tenant = $1 AND id = $2", "ss", tenant, c.id));
    td_try(td_sql(tx, err,
                  "UPDATE enrolment_configuration SET priority = priority - 1 WHERE tenant = $1 AND priority > $2",
                  "si", tenant, c.priority));
    return tell(tx, tenant, "status-page.removed", &c, NULL, actor, a, err);
}

enum td_code td_ec_set_priority(struct td_tx *tx, const char *tenant, const char *id, int64_t priority,
                                const char *actor, struct td_arena *a, struct td_error *err)
{
    struct td_ec before = {.id = ""}, after, *list;
    size_t n = 0;
    td_try(find_own(tx, tenant, id, "moved", a, &before, err));
    td_try(td_ec_list(tx, tenant, a, &list, &n, err));
    if (priority < 1)
        return td_fail(err, TD_EINVAL, "priority", "must be 1 (the highest) or more");
    after = before;
    after.priority = TD_MIN(priority, (int64_t)(n - TD_EC_KIND_COUNT));
    if (after.priority == before.priority)
        return TD_OK;
    bool up = after.priority < before.priority;
    td_try(td_sql(tx, err,
                  up ? "UPDATE enrolment_configuration SET priority = priority + 1"
                       " WHERE tenant = $1 AND priority >= $2 AND priority < $3"
                     : "UPDATE enrolment_configuration SET priority = priority - 1"
                       " WHERE tenant = $1 AND priority <= $2 AND priority > $3",
                  "sii", tenant, after.priority, before.priority));
    td_try(td_sql(tx, err, "UPDATE enrolment_configuration SET priority = $3 WHERE tenant = $1 AND id = $2", "ssi",
                  tenant, before.id, after.priority));
    return tell(tx, tenant, "status-page.changed", &before, &after, actor, a, err);
}
