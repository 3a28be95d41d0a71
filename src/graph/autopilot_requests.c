/* windowsAutopilotDeviceRequests: an administrator's word about devices that ask (docs/protocol/ztd.md 3.3). */
#include "api/approve.h"
#include "base/fault.h"
#include "graph/autopilot.h"
#include "graph/types.h"
#include "store/user.h"
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

/* A code that belongs to nobody yet is claimed by whoever names it: it must not be found by trying. Wrong codes of a
 * tenant lock its codes as wrong passwords lock a name (store/user.h); ids are the tenant's own and are not counted. */
static const char codes[] = "codes of devices";

static enum td_code look_at_guard(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_g_call *call = ctx;
    bool locked = false;
    td_try(td_guard_locked(tx, call->tenant, codes, &locked, err));
    if (!locked)
        return TD_OK;
    call->status = 429;
    return td_remedy(err, td_fail(err, TD_ELIMIT, "code", "too many wrong codes were tried in this tenant"),
                     "wait, or name the device by its id");
}

static enum td_code count_wrong(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct td_g_call *call = ctx;
    return td_guard_failed(tx, call->tenant, codes, call->req->peer->address, err);
}

static enum td_code find(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct td_g_call *call = ctx;
    const char *key;
    struct td_device_request r;
    td_try(key_of(call, &key, err));
    return td_device_request_find(tx, call->tenant, key, call->arena, &r, err);
}

static enum td_code check_code(struct td_g_call *call, struct td_error *err)
{
    if ((call->action->flags & TD_G_ON_SET) == 0)
        return TD_OK;
    td_try(td_store_read(call->svc->store, look_at_guard, call, err));
    enum td_code rc = td_store_read(call->svc->store, find, call, err);
    if (rc == TD_ENOTFOUND && !td_fault("request-codes-uncounted"))
        td_try(td_store_write(call->svc->store, count_wrong, call, NULL));
    return rc;
}

enum td_code td_g_request_reject_prepare(struct td_g_call *call, struct td_error *err)
{
    return check_code(call, err);
}

enum td_code td_g_request_prepare(struct td_g_call *call, struct td_error *err)
{
    struct td_approval *p = td_arena_new(call->arena, struct td_approval);
    call->prepared = p;
    td_try(check_code(call, err));
    td_try(key_of(call, &p->key, err));
    td_try(td_g_action_text(call, "groupTag", &p->group_tag, err));
    td_try(td_g_action_text(call, "userPrincipalName", &p->user, err));
    return td_approve_prepare(call->svc->store, call->tenant, p, call->arena, err);
}

static enum td_code answer(struct td_g_call *call, struct td_tx *tx, const char *id, struct td_error *err)
{
    struct td_jsonw w;
    struct td_view_row row;
    if ((call->action->flags & TD_G_ON_SET) != 0)
        td_try(td_guard_passed(tx, call->tenant, codes, err));
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
