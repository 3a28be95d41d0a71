#include "api/local_credential.h"

#include "api/authority.h"
#include "api/join/room.h"
#include "base/fault.h"
#include "codec/json.h"
#include "store/action.h"
#include "store/device.h"
#include "store/event.h"
#include "store/way.h"

struct backup {
    struct td_service *svc;
    struct td_http_request *req;
    struct td_arena *arena;
    struct td_peer_identity who;
    const char *password;
    struct td_local_credential row;
    bool quiet;
};

static char *label_of(struct td_arena *a, const char *tenant, const char *device_id, const char *id)
{
    return td_arena_printf(a, "local-credential/%s/%s/%s", tenant, device_id, id);
}

enum td_code td_local_credential_open(const struct td_master *master, const char *tenant, const char *device_id,
                                      const struct td_local_credential *c, struct td_arena *a, const char **ret,
                                      struct td_error *err)
{
    struct td_slice plain = {0};
    td_try(td_unseal(master, label_of(a, tenant, device_id, c->id), c->sealed, a, &plain, err));
    *ret = td_arena_text(a, plain);
    return TD_OK;
}

static enum td_code text_of(const struct td_json *body, const char *name, bool needed, const char **ret,
                            struct td_error *err)
{
    const struct td_json *v = td_json_get(body, name);
    *ret = "";
    if (v == NULL || v->type == TD_JSON_NULL)
        return needed ? td_fail(err, TD_EINVAL, name, "is missing") : TD_OK;
    if (v->type != TD_JSON_STRING || (needed && v->str[0] == '\0'))
        return td_fail(err, TD_EINVAL, name, "must be a text");
    if (strlen(v->str) > TD_LOCAL_CREDENTIAL_MAX)
        return td_fail(err, TD_ELIMIT, name, "longer than %d octets", TD_LOCAL_CREDENTIAL_MAX);
    for (const char *c = v->str; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return td_fail(err, TD_EINVAL, name, "holds a control character");
    *ret = v->str;
    return TD_OK;
}

static enum td_code parse(struct backup *b, struct td_error *err)
{
    struct td_json *body = NULL;
    const char *expires = "";
    td_try(td_json_parse(b->req->body, TD_LOCAL_CREDENTIAL_BODY, b->arena, &body, err));
    if (body->type != TD_JSON_OBJECT)
        return td_fail(err, TD_EFORMAT, "body", "must be a JSON object");
    td_try(text_of(body, "accountName", true, &b->row.account, err));
    td_try(text_of(body, "password", true, &b->password, err));
    td_try(text_of(body, "accountSid", false, &b->row.sid, err));
    td_try(text_of(body, "expirationTime", false, &expires, err));
    if (expires[0] != '\0' && !td_time_parse(td_str(expires), &b->row.expires_at))
        return td_fail(err, TD_EINVAL, "expirationTime", "must be a time like 2030-01-02T03:04:05Z");
    return TD_OK;
}

/* The certificate of the join, of this very device, which the directory still serves. */
static enum td_code check(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct backup *b = ctx;
    char id[TD_UUID_TEXT];
    struct td_device_row device;
    enum td_code rc = td_authority_peer(b->svc, tx, b->req->peer, TD_PURPOSE_DEVICE, b->arena, &b->who, err);
    if (rc == TD_EEXPIRED && err != NULL)
        err->code = TD_EAUTH;
    if (rc != TD_OK)
        return rc == TD_EEXPIRED ? TD_EAUTH : rc;
    if (!td_uuid_parse(b->req->params[0], id))
        return td_fail(err, TD_EINVAL, "device id", "is not a GUID");
    if (strcmp(id, b->who.subject) != 0 && !td_fault("laps-any-device"))
        return td_fail(err, TD_EDENIED, "device id", "the certificate is another device's");
    rc = td_device_serving(tx, b->who.tenant, b->who.subject, b->arena, &device, err);
    if (rc == TD_EDENIED && td_fault("laps-of-disabled"))
        return TD_OK;
    return rc == TD_ENOTFOUND ? td_fail(err, TD_EDENIED, "device", "the directory no longer knows it") : rc;
}

static enum td_code end_rotation(struct td_tx *tx, const struct backup *b, const char *enrolment, struct td_error *err)
{
    struct td_action *list = NULL;
    size_t count = 0;
    td_try(td_action_open_list(tx, b->who.tenant, enrolment, b->arena, &list, &count, err));
    for (size_t i = 0; i < count; i++)
        if (list[i].kind == TD_ACTION_ROTATE_LAPS && list[i].state == TD_ACT_ACTIVE)
            td_try(td_action_finish(tx, b->who.tenant, list[i].id, TD_ACT_DONE, NULL, err));
    return TD_OK;
}

/* More in an hour than are kept: the newest counts still, but the timeline does not grow with each. */
static enum td_code too_many(struct td_tx *tx, const struct backup *b, bool *ret, struct td_error *err)
{
    struct td_local_credential *rows = NULL;
    size_t n = 0;
    td_try(td_local_credential_list(tx, b->who.tenant, b->who.subject, b->arena, &rows, &n, err));
    *ret = n > TD_LOCAL_CREDENTIAL_HISTORY && rows[n - 1].backed_up_at > td_tx_now(tx) - TD_HOUR &&
           !td_fault("laps-floods");
    return TD_OK;
}

static enum td_code tell(struct td_tx *tx, const struct backup *b, const char *way_id, struct td_error *err)
{
    struct td_event e = {.subject = way_id, .type = "local-credential.backed-up", .actor = "device"};
    return b->quiet ? TD_OK : td_event_tell(tx, b->who.tenant, &e, err, "account", b->row.account, NULL);
}

static enum td_code keep(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct backup *b = ctx;
    struct td_way_row way;
    td_try(check(tx, b, err));
    td_try(too_many(tx, b, &b->quiet, err));
    td_try(td_local_credential_put(tx, b->who.tenant, b->who.subject, &b->row, err));
    enum td_code rc = td_way_find(tx, b->who.tenant, TD_WAY_DEVICE, b->who.subject, b->arena, &way, err);
    if (rc != TD_OK)
        return rc == TD_ENOTFOUND ? TD_OK : rc;
    td_try(tell(tx, b, way.id, err));
    return way.enrolment_id[0] != '\0' ? end_rotation(tx, b, way.enrolment_id, err) : TD_OK;
}

static enum td_code back_up(struct backup *b, struct td_error *err)
{
    td_try(td_store_read(b->svc->store, check, b, err));
    td_try(parse(b, err));
    b->row.id = td_uuid_rising(b->svc->env, b->arena);
    td_try(td_seal(&b->svc->master, b->svc->env, label_of(b->arena, b->who.tenant, b->who.subject, b->row.id),
                   td_str(b->password), b->arena, &b->row.sealed));
    return td_store_write(b->svc->store, keep, b, err);
}

void td_local_credential_post(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    struct backup b = {.svc = ctx, .req = req, .arena = req->arena};
    struct td_error err = {0};
    if (back_up(&b, &err) != TD_OK) {
        td_join_refuse(ctx, &err, req->arena, reply);
        return;
    }
    reply->status = 204;
}
