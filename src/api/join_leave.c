/* Un-join: the device's own certificate is the only credential (join-and-tokens.md 3.1, 10.8). */
#include "api/authority.h"
#include "api/join_room.h"
#include "base/fault.h"
#include "store/certificate.h"
#include "store/device.h"
#include "store/way.h"

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
    return TD_OK;
}

static enum td_code check_leaving(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return check_leaver(tx, ctx, err);
}

/* The way keeps the object that waits for the next join, if there is a registration. */
static enum td_code tell_left(struct td_tx *tx, const struct leaving *l, struct td_error *err)
{
    struct td_way_row way = {0};
    struct td_device_row waiting = {0};
    const char *tenant = l->who.tenant;
    enum td_code rc = td_way_find(tx, tenant, TD_WAY_DEVICE, l->who.subject, l->arena, &way, err);
    if (rc == TD_ENOTFOUND)
        return TD_OK;
    td_try(rc);
    const char *detail = td_arena_printf(l->arena, "{\"deviceId\":\"%s\"}", l->who.subject);
    td_try(td_way_happened(tx, tenant, way.id, TD_EV_UNJOINED, "device", detail, err));
    if (way.registration_id[0] == '\0')
        return TD_OK;
    rc = td_device_find_registration(tx, tenant, way.registration_id, l->arena, &waiting, err);
    if (rc != TD_OK)
        return rc == TD_ENOTFOUND ? TD_OK : rc;
    return td_way_link(tx, tenant, way.id, TD_WAY_DEVICE, waiting.id, err);
}

static enum td_code leave(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct leaving *l = ctx;
    td_try(check_leaver(tx, l, err));
    td_try(td_cert_revoke(tx, l->who.tenant, "device", l->who.subject, err));
    enum td_code rc = td_device_delete(tx, l->who.tenant, l->who.subject, err);
    if (rc == TD_ENOTFOUND)
        return td_fail(err, TD_EAUTH, "client certificate", "its device is deleted already");
    td_try(rc);
    return tell_left(tx, l, err);
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
