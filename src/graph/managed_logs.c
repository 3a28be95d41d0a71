/* Logs that were asked for and have come: requests are actions, archives stand beside them (api/diagnostics.h). */
#include "api/diagnostics.h"
#include "base/fault.h"
#include "graph/managed_actions.h"
#include "graph/types.h"
#include "store/views.h"

#include <string.h>

/* templateType is an object with a word in it; there is one template, so that nothing else is read of it. */
static enum td_code check_template(const struct td_g_call *call, struct td_error *err)
{
    const struct td_json *t = td_json_iget(call->body, "templateType");
    if (t == NULL || t->type == TD_JSON_NULL || t->type == TD_JSON_OBJECT || t->type == TD_JSON_STRING)
        return TD_OK;
    return td_fail(err, TD_EINVAL, "templateType", "must be an object with the template's word");
}

enum td_code td_g_collect_logs(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_action made = {.id = ""};
    struct td_view_row row = {.view = NULL};
    struct td_jsonw w;
    td_try(check_template(call, err));
    td_try(td_g_ask_action(call, tx, TD_ACTION_DIAGNOSTICS, "", &made, err));
    const char *id = td_arena_printf(call->arena, "%s_%s_%s", call->tenant, made.enrolment_id, made.id);
    td_try(td_view_one(tx, call->tenant, &td_view_log_collection, id, call->arena, &row, err));
    td_jsonw_init(&w, call->out);
    td_try(td_g_write_entity(call, tx, td_g_log_set(), &row, false, &w, err));
    call->answered = true;
    return td_buf_check(call->out, "answer", err);
}

static enum td_code tell(struct td_g_call *call, struct td_tx *tx, const char *type, struct td_error *err)
{
    return td_diagnostic_told(tx, call->tenant, td_view_text(call->row, "managedDeviceId"), type, call->actor, err);
}

static enum td_code create_url(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    const char *url = NULL;
    struct td_jsonw w;
    if (strcmp(td_view_text(call->row, "status"), "completed") != 0) {
        call->status = 409;
        return td_remedy(err, td_fail(err, TD_ESTATE, "status", "no archive has come for this request"),
                         "read the request until its status is completed");
    }
    td_try(td_diagnostic_link(call->svc, call->tenant, td_view_text(call->row, "~action"), call->req->base, call->arena,
                              &url, err));
    if (!td_fault("graph-logs-untold"))
        td_try(tell(call, tx, "managed-device.logs-read", err));
    td_jsonw_init(&w, call->out);
    td_jsonw_obj(&w);
    if (call->metadata != TD_G_NONE)
        td_jsonw_kstr(&w, "@odata.context",
                      td_arena_printf(call->arena, "%s/%s/$metadata#Edm.String", call->req->base, call->version));
    td_jsonw_kstr(&w, "value", url);
    td_jsonw_end(&w);
    call->answered = true;
    return TD_OK;
}

const struct td_g_action td_g_log_actions[1] = {
    {.name = "createDownloadUrl",
     .right = TD_RIGHT_MANAGED,
     .access = TD_ACCESS_READ,
     .run = create_url,
     .returns = "String"},
};

/* What waits is cancelled; what has come is taken away; what failed is history and stays as long as that. */
enum td_code td_g_remove_logs(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    const char *status = td_view_text(call->row, "status"), *action = td_view_text(call->row, "~action");
    enum td_code rc = TD_OK;
    call->poke = true;
    if (strcmp(status, "pending") == 0) {
        rc = td_action_cancel(tx, call->tenant, action, call->actor, err);
    } else if (strcmp(status, "completed") == 0) {
        td_try(td_diagnostic_expire(tx, call->tenant, action, err));
        rc = tell(call, tx, "managed-device.logs-removed", err);
    } else {
        rc = td_fail(err, TD_ESTATE, "status", "a request that failed is part of the device's history");
    }
    if (rc == TD_ESTATE)
        call->status = 409;
    return rc;
}
