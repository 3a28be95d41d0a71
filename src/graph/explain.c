/* windowsAutopilotDeviceIdentities/{id}/explainAssignment(): why this device has this profile. Ours; the real service
 * has nothing like it (graph-api.md 5.1). */
#include "api/explain.h"

#include "graph/directory.h"

enum td_code td_g_explain_assignment(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_explained e;
    struct td_jsonw w;
    td_try(td_explain(tx, call->tenant, td_view_text(call->row, "id"), call->arena, &e, err));
    td_jsonw_init(&w, call->out);
    td_jsonw_obj(&w);
    if (call->metadata != TD_G_NONE)
        td_jsonw_kstr(&w, "@odata.context",
                      td_arena_printf(call->arena, "%s/%s/$metadata#touchdown.assignmentExplanation", call->req->base,
                                      call->version));
    td_explain_members(&e, &w);
    td_jsonw_end(&w);
    call->answered = true;
    return TD_OK;
}
