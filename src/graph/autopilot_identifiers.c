/* importedDeviceIdentities: corporate identifiers, one by one and as lists (graph-api.md 1.2). */
#include "graph/autopilot.h"
#include "graph/types.h"
#include "store/identifier.h"
#include "store/views.h"

enum { MAX_LIST = 500 };

static enum td_identifier_kind kind_of(const struct td_json *body)
{
    const struct td_json *m = td_json_iget(body, "importedDeviceIdentityType");
    return m != NULL && m->type == TD_JSON_STRING ? (enum td_identifier_kind)m->num : TD_ID_UNKNOWN;
}

static const char *text(const struct td_json *body, const char *name, const char *otherwise)
{
    const struct td_json *m = td_json_iget(body, name);
    return m != NULL && m->type == TD_JSON_STRING ? m->str : otherwise;
}

static struct td_identifier identifier(const struct td_json *body, const char *otherwise)
{
    return (struct td_identifier){.kind = kind_of(body),
                                  .text = text(body, "importedDeviceIdentifier", otherwise),
                                  .description = text(body, "description", otherwise)};
}

enum td_code td_g_identifier_create(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    bool is_new = false;
    struct td_identifier what = identifier(call->body, "");
    return td_identifier_put(tx, call->tenant, &what, true, call->actor, call->arena, &call->made_key, &is_new, err);
}

enum td_code td_g_identifier_update(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_identifier what = identifier(call->body, NULL);
    return td_identifier_change(tx, call->tenant, td_view_text(call->row, "id"), &what, call->actor, call->arena, err);
}

enum td_code td_g_identifier_remove(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    return td_identifier_remove(tx, call->tenant, td_view_text(call->row, "id"), call->actor, err);
}

/* The list of an action's body, each element read as an entity. */
static enum td_code read_list(struct td_g_call *call, struct td_identifier **ret, size_t *ret_count,
                              struct td_error *err)
{
    const struct td_json *list = td_json_iget(call->body, "importedDeviceIdentities");
    if (list == NULL || list->type != TD_JSON_ARRAY || td_json_count(list) > MAX_LIST)
        return td_fail(err, TD_EINVAL, "importedDeviceIdentities", "must be a list of at most %d devices", MAX_LIST);
    struct td_identifier *out = td_arena_array(call->arena, struct td_identifier, td_json_count(list) + 1);
    size_t n = 0;
    for (const struct td_json *one = list->child; one != NULL; one = one->next) {
        const struct td_g_type *type;
        const struct td_json *body;
        td_try(td_g_body(&td_g_type_device_identifier, one, TD_G_WRITE | TD_G_CREATE, call->arena, &type, &body, err));
        out[n++] = identifier(body, "");
    }
    *ret = out;
    *ret_count = n;
    return TD_OK;
}

/* The entity with status behind it: importedDeviceIdentityResult. */
static enum td_code write_result(struct td_g_call *call, struct td_tx *tx, const char *id, const bool *status,
                                 struct td_jsonw *w, struct td_error *err)
{
    struct td_g_set result = *call->set;
    struct td_view_row row;
    td_try(td_view_one(tx, call->tenant, &td_view_identifiers, id, call->arena, &row, err));
    if (status == NULL)
        return td_g_write_entity(call, tx, call->set, &row, true, w, err);
    static const struct td_view_column status_column = {.name = "status", .type = TD_V_BOOL};
    struct td_view *wide = td_arena_new(call->arena, struct td_view);
    struct td_view_column *columns = td_arena_array(call->arena, struct td_view_column, row.view->count + 1);
    struct td_view_value *values = td_arena_array(call->arena, struct td_view_value, row.view->count + 1);
    memcpy(columns, row.view->columns, row.view->count * sizeof(*columns));
    memcpy(values, row.values, row.view->count * sizeof(*values));
    columns[row.view->count] = status_column;
    values[row.view->count].num = *status;
    *wide = *row.view;
    wide->columns = columns;
    wide->count++;
    result.type = &td_g_type_device_identifier_result;
    result.view = wide;
    struct td_view_row told = {.view = wide, .values = values};
    return td_g_write_entity(call, tx, &result, &told, true, w, err);
}

enum td_code td_g_identifier_list(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_jsonw w;
    struct td_identifier *list;
    size_t n = 0;
    bool overwrite = false;
    td_try(td_g_body_bool(call, "overwriteImportedDeviceIdentities", false, &overwrite, err));
    td_try(read_list(call, &list, &n, err));
    td_jsonw_init(&w, call->out);
    td_g_open_collection(call, "importedDeviceIdentityResult", &w);
    for (size_t i = 0; i < n; i++) {
        const char *id;
        bool is_new = false;
        td_try(td_identifier_put(tx, call->tenant, &list[i], overwrite, call->actor, call->arena, &id, &is_new, err));
        bool status = is_new || overwrite;
        td_try(write_result(call, tx, id, &status, &w, err));
    }
    td_g_close_collection(call, &w);
    call->answered = true;
    return TD_OK;
}

enum td_code td_g_identifier_search(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_jsonw w;
    struct td_identifier *list;
    size_t n = 0;
    td_try(read_list(call, &list, &n, err));
    td_jsonw_init(&w, call->out);
    td_g_open_collection(call, "importedDeviceIdentity", &w);
    for (size_t i = 0; i < n; i++) {
        struct td_identifier found;
        enum td_code rc = td_identifier_find(tx, call->tenant, list[i].kind, list[i].text, call->arena, &found, err);
        if (rc == TD_ENOTFOUND)
            continue;
        td_try(rc);
        td_try(write_result(call, tx, found.id, NULL, &w, err));
    }
    td_g_close_collection(call, &w);
    call->answered = true;
    return TD_OK;
}
