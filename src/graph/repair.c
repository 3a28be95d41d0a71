/* windowsAutopilotDeviceIdentities/{id}: compareHardware(), acceptHardware, rejectHardware: an exchanged mainboard,
 * both sides and the administrator's word. Ours; the real service asks for the hash to be imported again
 * (autopilot.md 1.8). */
#include "api/repair.h"

#include "graph/autopilot.h"

static enum td_code answer(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_jsonw w;
    struct td_repair_view *v = td_arena_new(call->arena, struct td_repair_view);
    td_try(td_repair_look(tx, call->tenant, td_view_text(call->row, "id"), call->arena, v, err));
    td_jsonw_init(&w, call->out);
    td_jsonw_obj(&w);
    if (call->metadata != TD_G_NONE)
        td_jsonw_kstr(&w, "@odata.context",
                      td_arena_printf(call->arena, "%s/%s/$metadata#touchdown.hardwareComparison", call->req->base,
                                      call->version));
    td_repair_members(v, &w);
    td_jsonw_end(&w);
    call->answered = true;
    return TD_OK;
}

enum td_code td_g_compare_hardware(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    return answer(call, tx, err);
}

/* Nothing is open, or the hardware is somebody's: a conflict with how things stand. */
static enum td_code decided(struct td_g_call *call, struct td_tx *tx, enum td_code rc, struct td_error *err)
{
    if (rc == TD_ENOTFOUND || rc == TD_EEXISTS)
        call->status = 409;
    td_try(rc);
    return answer(call, tx, err);
}

enum td_code td_g_accept_hardware(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    return decided(call, tx, td_repair_accept(tx, call->tenant, td_view_text(call->row, "id"), call->actor, err), err);
}

enum td_code td_g_reject_hardware(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    const char *reason = NULL;
    td_try(td_g_action_text(call, "reason", &reason, err));
    if (reason != NULL && strlen(reason) > TD_REPAIR_REASON_MAX)
        return td_fail(err, TD_EINVAL, "reason", "is longer than %d octets", TD_REPAIR_REASON_MAX);
    return decided(call, tx,
                   td_repair_reject(tx, call->tenant, td_view_text(call->row, "id"), reason != NULL ? reason : "",
                                    call->actor, err),
                   err);
}
