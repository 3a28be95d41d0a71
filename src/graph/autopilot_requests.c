/* windowsAutopilotDeviceRequests: an administrator's word about devices that ask (docs/protocol/ztd.md 3.3). */
#include "api/approve.h"
#include "graph/autopilot.h"
#include "graph/types.h"
#include "store/views.h"

/* The code of the body, or the id of the path. */
static enum td_code key_of(const struct td_g_call *call, const char **ret, struct td_error *err)
{
    if ((call->action->flags & TD_G_ON_SET) == 0) {
        *ret = call->keys[0];
        return TD_OK;
    }
    td_try(td_g_action_text(call, "code", ret, err));
    return *ret != NULL ? TD_OK : td_fail(err, TD_EINVAL, "code", "is missing: the device shows it");
}

enum td_code td_g_request_prepare(struct td_g_call *call, struct td_error *err)
{
    struct td_approval *p = td_arena_new(call->arena, struct td_approval);
    call->prepared = p;
    td_try(key_of(call, &p->key, err));
    td_try(td_g_action_text(call, "groupTag", &p->group_tag, err));
    td_try(td_g_action_text(call, "userPrincipalName", &p->user, err));
    return td_approve_prepare(call->svc->store, call->tenant, p, call->arena, err);
}

static enum td_code answer(struct td_g_call *call, struct td_tx *tx, const char *id, struct td_error *err)
{
    struct td_jsonw w;
    struct td_view_row row;
    td_jsonw_init(&w, call->out);
    td_try(td_view_one(tx, call->tenant, &td_view_requests, id, call->arena, &row, err));
    call->answered = true;
    return td_g_write_entity(call, tx, call->set, &row, false, &w, err);
}

enum td_code td_g_request_approve(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_approval p = *(const struct td_approval *)call->prepared;
    td_try(td_approve_write(tx, call->tenant, &p, call->actor, call->arena, err));
    return answer(call, tx, p.request.id, err);
}

enum td_code td_g_request_reject(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    const char *key;
    struct td_device_request r;
    td_try(key_of(call, &key, err));
    td_try(td_reject_write(tx, call->tenant, key, call->actor, call->arena, &r, err));
    return answer(call, tx, r.id, err);
}
