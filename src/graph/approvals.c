/* operationApprovalRequests: the second pair of eyes on actions that destroy (store/action.h). A request has the id of
 * its action. */
#include "graph/autopilot.h"
#include "graph/managed_actions.h"
#include "graph/types.h"
#include "store/action_batch.h"
#include "store/views.h"

#include <string.h>

#define PATH "deviceManagement/operationApprovalRequests"

/* ---- values ---- */

static void write_identity(struct td_jsonw *w, const char *name, const char *id, const char *display)
{
    td_jsonw_key(w, name);
    if (display == NULL) {
        td_jsonw_null(w);
        return;
    }
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "id", id[0] != '\0' ? id : NULL);
    td_jsonw_kstr(w, "displayName", display);
    td_jsonw_end(w);
}

/* requestor or approver: a person by name, or a program. */
void td_g_approval_person(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop,
                          struct td_jsonw *w)
{
    const char *actor = td_view_text(row, td_arena_printf(call->arena, "~%s", prop->name));
    const char *user = td_view_text(row, td_arena_printf(call->arena, "~%sUser", prop->name));
    const char *app = td_view_text(row, td_arena_printf(call->arena, "~%sApp", prop->name));
    bool program = app[0] != '\0';
    if (actor[0] == '\0') {
        td_jsonw_null(w);
        return;
    }
    td_jsonw_obj(w);
    write_identity(w, "application", actor, program ? app : NULL);
    write_identity(w, "device", "", NULL);
    write_identity(w, "user", user, program ? NULL : actor);
    td_jsonw_end(w);
}

void td_g_approval_policies(struct td_g_call *call TD_UNUSED, const struct td_view_row *row,
                            const struct td_g_prop *prop TD_UNUSED, struct td_jsonw *w)
{
    static const struct {
        const char *graph, *word;
    } words[] = {{"wipe", "deviceWipe"}, {"retire", "deviceRetire"}, {"delete", "deviceDelete"}};
    const char *action = td_view_text(row, "actionName"), *word = "deviceAction";
    for (size_t i = 0; i < TD_COUNTOF(words); i++)
        if (strcmp(action, words[i].graph) == 0)
            word = words[i].word;
    td_jsonw_arr(w);
    td_jsonw_str(w, word);
    td_jsonw_arr_end(w);
}

/* ---- actions ---- */

/* What it has become meanwhile is told as a conflict. */
static enum td_code told(struct td_g_call *call, enum td_code rc)
{
    if (rc == TD_ESTATE)
        call->status = 409;
    return rc;
}

/* A bulk action is decided as a whole and names no device. */
static bool is_batch(const struct td_view_row *row)
{
    return td_view_text(row, "managedDeviceId")[0] == '\0';
}

static enum td_code cancel(struct td_g_call *call, struct td_tx *tx, const struct td_view_row *row,
                           struct td_error *err)
{
    const char *id = td_view_text(row, "id");
    call->poke = true;
    return told(call, is_batch(row) ? td_action_batch_cancel(tx, call->tenant, id, call->actor, err)
                                    : td_action_cancel(tx, call->tenant, id, call->actor, err));
}

static void answer_text(struct td_g_call *call, const char *text)
{
    struct td_jsonw w;
    td_jsonw_init(&w, call->out);
    td_jsonw_obj(&w);
    if (call->metadata != TD_G_NONE)
        td_jsonw_kstr(&w, "@odata.context",
                      td_arena_printf(call->arena, "%s/%s/$metadata#Edm.String", call->req->base, call->version));
    td_jsonw_kstr(&w, "value", text);
    td_jsonw_end(&w);
    call->answered = true;
}

static enum td_code decide(struct td_g_call *call, struct td_tx *tx, bool approve, struct td_error *err)
{
    const char *ignored = NULL;
    td_try(td_g_action_text(call, "justification", &ignored, err));
    const char *id = td_view_text(call->row, "id");
    td_try(told(call, is_batch(call->row) ? td_action_batch_decide(tx, call->tenant, id, approve, call->actor, err)
                                          : td_action_decide(tx, call->tenant, id, approve, call->actor, err)));
    call->poke = true;
    answer_text(call, approve ? "approved" : "rejected");
    return TD_OK;
}

static enum td_code approve(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    return decide(call, tx, true, err);
}

static enum td_code reject(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    return decide(call, tx, false, err);
}

/* What was approved and not delivered yet; of anybody who might have asked for it. */
static enum td_code cancel_approval(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    if (strcmp(td_view_text(call->row, "status"), "approved") != 0)
        return told(call, td_fail(err, TD_ESTATE, "status", "it is not approved, or its action is under way already"));
    td_try(cancel(call, tx, call->row, err));
    answer_text(call, "cancelled");
    return TD_OK;
}

static enum td_code cancel_mine(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    const char *id = NULL;
    struct td_view_row row = {.view = NULL};
    td_try(td_g_action_text(call, "id", &id, err));
    if (id == NULL || id[0] == '\0')
        return td_fail(err, TD_EINVAL, "id", "the member is missing");
    td_try(td_view_one(tx, call->tenant, &td_view_approval, id, call->arena, &row, err));
    if (strcmp(td_view_text(&row, "~requestor"), call->actor) != 0)
        return td_remedy(err, td_fail(err, TD_EDENIED, "id", "somebody else made this request"),
                         "who asked cancels it; others reject it");
    return cancel(call, tx, &row, err);
}

/* ---- functions ---- */

static enum td_code my_requests(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_view_ask ask = {.equals = {{"~requestor", call->actor}}, .equal_count = 1, .top = TD_VIEW_MAX_TOP};
    struct td_view_page page = {.count = 0};
    struct td_jsonw w;
    td_try(td_view_page(tx, call->tenant, &td_view_approval, &ask, call->arena, &page, err));
    td_g_open_collection(call, td_g_type_approval_request.name, &w);
    for (size_t i = 0; i < page.count; i++)
        td_try(td_g_write_entity(call, tx, call->set, &page.rows[i], true, &w, err));
    td_g_close_collection(call, &w);
    return td_buf_check(call->out, "answer", err);
}

#define DECISION(n, fn)                                                                                       \
    {                                                                                                         \
        .name = (n), .flags = TD_G_BETA_ONLY, .right = TD_RIGHT_WIPE, .access = TD_ACCESS_WRITE, .run = (fn), \
        .params = "justification:String?,approvalSource:String?", .returns = "String"                         \
    }
static const struct td_g_action actions[] = {
    DECISION("approve", approve),
    DECISION("reject", reject),
    DECISION("cancelApproval", cancel_approval),
    {.name = "cancelMyRequest",
     .flags = TD_G_BETA_ONLY | TD_G_ON_SET,
     .right = TD_RIGHT_WIPE,
     .access = TD_ACCESS_WRITE,
     .run = cancel_mine,
     .params = "id:String?"},
    {.name = "retrieveMyRequests",
     .flags = TD_G_BETA_ONLY | TD_G_ON_SET | TD_G_FUNCTION,
     .right = TD_RIGHT_MANAGED,
     .access = TD_ACCESS_READ,
     .run = my_requests,
     .returns = "Collection(operationApprovalRequest)"},
    {.name = "getMyRequests",
     .flags = TD_G_BETA_ONLY | TD_G_ON_SET | TD_G_FUNCTION,
     .right = TD_RIGHT_MANAGED,
     .access = TD_ACCESS_READ,
     .run = my_requests,
     .returns = "Collection(operationApprovalRequest)"},
};

static const struct td_g_set sets[] = {
    {.path = PATH,
     .type = &td_g_type_approval_request,
     .view = &td_view_approval,
     .flags = TD_G_BETA_SHAPE | TD_G_NOT_WRITTEN,
     .read = TD_RIGHT_MANAGED,
     .write = TD_RIGHT_WIPE,
     .newest = "requestDateTime",
     .actions = actions,
     .action_count = TD_COUNTOF(actions),
     .about = "Actions that destroy and wait, or waited, for a second administrator (`action-approval` of the tenant);"
              " the id is the action's. Who asked may not approve. managedDeviceId, managedDeviceName, serialNumber"
              " and actionName are ours."},
};
const struct td_g_family td_g_family_approvals = {
    .about = "Approvals by a second administrator", .sets = sets, .count = TD_COUNTOF(sets)};
