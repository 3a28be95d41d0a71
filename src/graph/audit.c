/* Both audits: what was changed by whom, newest first, read only (graph-api.md 1.8). */
#include "graph/audit.h"

#include "graph/types.h"
#include "store/views.h"

enum { MAX_DETAIL = 1 << 20 };

static const struct td_json *detail_of(struct td_g_call *call, const struct td_view_row *row)
{
    struct td_json *v = NULL;
    if (td_json_parse(td_str(td_view_text(row, "detail")), MAX_DETAIL, call->arena, &v, NULL) != TD_OK)
        return NULL;
    return v;
}

static void write_change(const char *name, const char *before, const char *after, struct td_jsonw *w)
{
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "displayName", name);
    td_jsonw_kstr(w, "oldValue", before);
    td_jsonw_kstr(w, "newValue", after);
    td_jsonw_end(w);
}

static void write_changes(const struct td_json *detail, struct td_jsonw *w)
{
    const struct td_json *list = td_json_get(detail, "changes");
    td_jsonw_key(w, "modifiedProperties");
    td_jsonw_arr(w);
    for (const struct td_json *c = list != NULL ? list->child : NULL; c != NULL; c = c->next)
        write_change(td_json_str(c, "name"), td_json_str(c, "before"), td_json_str(c, "after"), w);
    /* a step of a device's way says what came in by its members */
    for (const struct td_json *c = list == NULL && detail != NULL ? detail->child : NULL; c != NULL; c = c->next)
        if (c->type == TD_JSON_STRING)
            write_change(c->name, NULL, c->str, w);
    td_jsonw_arr_end(w);
}

void td_g_audit_resources(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop TD_UNUSED,
                          struct td_jsonw *w)
{
    td_jsonw_arr(w);
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "displayName", td_view_text(row, "targetName"));
    if (call->beta)
        td_jsonw_kstr(w, "type", td_view_text(row, "resource"));
    td_jsonw_kstr(w, "auditResourceType", td_view_text(row, "resource"));
    td_jsonw_kstr(w, "resourceId", td_view_text(row, "target"));
    write_changes(detail_of(call, row), w);
    td_jsonw_end(w);
    td_jsonw_arr_end(w);
}

void td_g_audit_targets(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop TD_UNUSED,
                        struct td_jsonw *w)
{
    const char *type = td_view_text(row, "resource"), *name = td_view_text(row, "targetName");
    bool is_user = td_ieqs(td_str(type), "User");
    td_jsonw_arr(w);
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "id", td_view_text(row, "target"));
    td_jsonw_kstr(w, "displayName", name);
    td_jsonw_kstr(w, "type", type);
    td_jsonw_kstr(w, "userPrincipalName", is_user ? name : NULL);
    td_jsonw_kstr(w, "groupType", td_ieqs(td_str(type), "Group") ? "unknownFutureValue" : NULL);
    write_changes(detail_of(call, row), w);
    td_jsonw_end(w);
    td_jsonw_arr_end(w);
}

static const char *text_or_null(const struct td_view_row *row, const char *column)
{
    const struct td_view_value *v = td_view_value(row, column);
    return v != NULL ? v->text : NULL;
}

/* A person, or else the program that acted for itself; the other is null. */
void td_g_audit_initiator(struct td_g_call *call TD_UNUSED, const struct td_view_row *row,
                          const struct td_g_prop *prop TD_UNUSED, struct td_jsonw *w)
{
    bool person = td_view_text(row, "initiatedBy/user/id")[0] != '\0';
    td_jsonw_obj(w);
    td_jsonw_key(w, "app");
    if (person)
        td_jsonw_null(w);
    else {
        td_jsonw_obj(w);
        td_jsonw_kstr(w, "appId", text_or_null(row, "initiatedBy/app/appId"));
        td_jsonw_kstr(w, "displayName", text_or_null(row, "initiatedBy/app/displayName"));
        td_jsonw_kstr(w, "servicePrincipalId", NULL);
        td_jsonw_kstr(w, "servicePrincipalName", NULL);
        td_jsonw_end(w);
    }
    td_jsonw_key(w, "user");
    if (!person)
        td_jsonw_null(w);
    else {
        td_jsonw_obj(w);
        td_jsonw_kstr(w, "id", text_or_null(row, "initiatedBy/user/id"));
        td_jsonw_kstr(w, "displayName", NULL);
        td_jsonw_kstr(w, "userPrincipalName", text_or_null(row, "initiatedBy/user/userPrincipalName"));
        td_jsonw_kstr(w, "ipAddress", text_or_null(row, "initiatedBy/user/ipAddress"));
        td_jsonw_end(w);
    }
    td_jsonw_end(w);
}

struct denied {
    const struct td_claims *who;
    struct td_origin origin;
    const char *actor, *what, *reason;
    bool often;
};

static enum td_code count_denied(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct denied *d = ctx;
    return td_audit_denied_often(tx, d->who->tenant, d->actor, &d->often, err);
}

static enum td_code tell_denied(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct denied *d = ctx;
    td_tx_set_origin(tx, &d->origin);
    return td_audit_denied(tx, d->who->tenant, d->actor, d->what, d->reason, err);
}

static const char *method_word(enum td_method method)
{
    return method == TD_POST ? "POST" : method == TD_PATCH ? "PATCH" : method == TD_PUT ? "PUT" : "DELETE";
}

void td_g_audit_denied(struct td_service *svc, const struct td_claims *who, const struct td_origin *origin,
                       const struct td_http_request *req, const struct td_error *why)
{
    bool person = who->upn[0] != '\0';
    struct td_slice path = td_sub(req->path, 0, 200);
    struct denied d = {.who = who,
                       .origin = {.request_id = origin->request_id,
                                  .application_id = who->app_id,
                                  .user_id = person ? who->oid : "",
                                  .upn = who->upn,
                                  .address = req->peer->address},
                       .actor = person             ? who->upn
                                : who->device_only ? who->device_id
                                                   : who->app_id,
                       .reason = why->text};
    d.what = td_arena_printf(req->arena, "%s %.*s", method_word(req->method), TD_FMT(path));
    if (!td_utf8_ok(td_str(d.what)))
        d.what = method_word(req->method);
    if (td_store_read(svc->store, count_denied, &d, NULL) == TD_OK && !d.often)
        td_ignore(td_store_write(svc->store, tell_denied, &d, NULL));
}

static enum td_code categories(struct td_g_call *call, struct td_tx *tx TD_UNUSED, struct td_error *err TD_UNUSED)
{
    struct td_jsonw w;
    td_g_open_collection(call, "Edm.String", &w);
    for (const char *const *c = td_audit_categories(); *c != NULL; c++)
        td_jsonw_str(&w, *c);
    td_g_close_collection(call, &w);
    return TD_OK;
}

static enum td_code activity_types(struct td_g_call *call, struct td_tx *tx TD_UNUSED, struct td_error *err)
{
    const char *category = td_g_argument(call, "category");
    struct td_audit_meaning m;
    struct td_jsonw w;
    if (category == NULL)
        return td_remedy(err, td_fail(err, TD_EINVAL, "category", "the argument is missing"),
                         "write getAuditActivityTypes(category='Enrollment')");
    td_g_open_collection(call, "Edm.String", &w);
    for (size_t i = 0; td_audit_activity(category, i, &m); i++)
        td_jsonw_str(&w, m.activity);
    td_g_close_collection(call, &w);
    return TD_OK;
}

static const struct td_g_action functions[] = {
    {.name = "getAuditCategories",
     .flags = TD_G_ON_SET | TD_G_FUNCTION,
     .right = TD_RIGHT_AUDIT,
     .access = TD_ACCESS_READ,
     .run = categories,
     .returns = "Collection(Edm.String)"},
    {.name = "getAuditActivityTypes",
     .flags = TD_G_ON_SET | TD_G_FUNCTION,
     .right = TD_RIGHT_AUDIT,
     .access = TD_ACCESS_READ,
     .run = activity_types,
     .params = "category:String",
     .returns = "Collection(Edm.String)"},
};

static const struct td_g_set sets[] = {
    {.path = "deviceManagement/auditEvents",
     .type = &td_g_type_audit_event,
     .view = &td_view_audit_events,
     .read = TD_RIGHT_AUDIT,
     .write = TD_RIGHT_AUDIT,
     .about = "What was changed in deployment and management: who, when, before and after; newest first. Refused"
              " changes are in it, with activityResult Failure.",
     .actions = functions,
     .action_count = TD_COUNTOF(functions)},
    {.path = "auditLogs/directoryAudits",
     .type = &td_g_type_directory_audit,
     .view = &td_view_directory_audits,
     .flags = TD_G_DIRECTORY,
     .read = TD_RIGHT_DIRECTORY_AUDIT,
     .write = TD_RIGHT_DIRECTORY_AUDIT,
     .about = "Every change of the tenant, those of device management too (loggedByService tells them apart); newest"
              " first."},
};

const struct td_g_family td_g_family_audit = {
    .about = "Audit: who changed what, with the values before and after.", .sets = sets, .count = TD_COUNTOF(sets)};
