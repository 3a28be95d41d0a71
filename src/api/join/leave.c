/* Un-join: the device's own certificate is the only credential (join-and-tokens.md 3.1, 10.8). */
#include "api/authority.h"
#include "api/join/room.h"
#include "base/fault.h"
#include "store/device.h"
#include "store/directory.h"

struct leaving {
    const struct td_service *svc;
    const struct td_peer *peer;
    struct td_arena *arena;
    struct td_slice id;
    struct td_peer_identity who;
};

/* Whatever is wrong with the certificate is 401 here; only another device's is 403 (join-and-tokens.md 3.1). */
static enum td_code check_leaver(struct td_tx *tx, struct leaving *l, struct td_error *err)
{
    char id[TD_UUID_TEXT];
    struct td_device_row device;
    enum td_code rc = td_authority_peer(l->svc, tx, l->peer, TD_PURPOSE_DEVICE, l->arena, &l->who, err);
    if (rc == TD_EDENIED || rc == TD_EEXPIRED) {
        if (err != NULL)
            err->code = TD_EAUTH;
        return TD_EAUTH;
    }
    td_try(rc);
    if (!td_uuid_parse(l->id, id))
        return td_fail(err, TD_EINVAL, "device id", "is not a GUID");
    if (strcmp(id, l->who.subject) != 0 && !td_fault("unjoin-any-device"))
        return td_fail(err, TD_EDENIED, "device id", "the certificate is another device's");
    if (td_fault("unjoin-any-device"))
        l->who.subject = td_arena_strdup(l->arena, id);
    /* a disabled device does not get another object by leaving */
    rc = td_device_serving(tx, l->who.tenant, l->who.subject, l->arena, &device, err);
    return rc == TD_EDENIED && !td_fault("unjoin-disabled") ? rc : TD_OK;
}

static enum td_code check_leaving(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return check_leaver(tx, ctx, err);
}

static enum td_code leave(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct leaving *l = ctx;
    td_try(check_leaver(tx, l, err));
    enum td_code rc = td_device_leave(tx, l->who.tenant, l->who.subject, "device", err);
    return rc == TD_ENOTFOUND ? td_fail(err, TD_EAUTH, "client certificate", "its device is deleted already") : rc;
}

void td_join_leave(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    struct td_service *svc = ctx;
    struct leaving l = {.svc = svc, .peer = req->peer, .arena = req->arena, .id = req->params[0]};
    struct td_error err = {0};
    /* the chain is judged in the read, so that the write makes no signature check */
    if (td_store_read(svc->store, check_leaving, &l, &err) != TD_OK ||
        td_store_write(svc->store, leave, &l, &err) != TD_OK) {
        td_join_refuse(svc, &err, req->arena, reply);
        return;
    }
    td_reply_text(reply, 200, "application/json", TD_S(""));
}
