/* A request of this door: its tenant and form, whom its grants stand for, how it is refused. */
#include "api/identity/room.h"
#include "base/fault.h"

void td_id_init(struct td_id *id, struct td_service *svc, struct td_http_request *req, struct td_http_reply *reply)
{
    *id = (struct td_id){.svc = svc, .req = req, .reply = reply, .a = req->arena};
    char *segment = td_arena_text(id->a, td_sub(req->params[0], 0, 256));
    td_lower(segment);
    id->segment = segment;
    id->any_tenant = segment[0] == '\0' || strcmp(segment, "common") == 0 || strcmp(segment, "organizations") == 0;
}

enum td_code td_id_refuse(struct td_id *id, enum td_oauth what, const char *detail)
{
    return td_oauth_refuse(&id->error, what, detail);
}

enum td_code td_id_write(struct td_id *id, td_tx_fn *fn, void *ctx)
{
    enum td_code rc = td_store_write(id->svc->store, fn, ctx, &id->err);
    return rc == TD_OK && id->error.what != TD_OA_NONE ? TD_EDENIED : rc;
}

enum td_code td_id_tenant(struct td_id *id, struct td_tx *tx)
{
    if (id->any_tenant || id->tenant.id != NULL)
        return TD_OK;
    enum td_code rc = td_tenant_find(tx, td_str(id->segment), id->a, &id->tenant, &id->err);
    return rc == TD_ENOTFOUND ? td_id_refuse(id, TD_OA_TENANT, NULL) : rc;
}

enum td_code td_id_tenant_is(struct td_id *id, struct td_tx *tx, const char *tenant)
{
    td_try(td_id_tenant(id, tx));
    if (id->tenant.id == NULL)
        return td_tenant_find(tx, td_str(tenant), id->a, &id->tenant, &id->err);
    return strcmp(id->tenant.id, tenant) == 0 || td_fault("grant-any-tenant")
               ? TD_OK
               : td_id_refuse(id, TD_OA_FOREIGN_USER, NULL);
}

const char *td_id_form(const struct td_id *id, const char *name)
{
    struct td_slice v = td_http_form(id->req, name);
    return v.p != NULL && td_utf8_ok(v) ? td_arena_text(id->a, v) : "";
}

enum td_code td_id_user(struct td_id *id, struct td_tx *tx, const char *tenant, const char *user_id, int64_t granted_at,
                        struct td_user *ret)
{
    enum td_code rc = td_user_find(tx, tenant, td_str(user_id), id->a, ret, &id->err);
    if (rc == TD_ENOTFOUND || (rc == TD_OK && !ret->enabled))
        return td_id_refuse(id, TD_OA_DISABLED, NULL);
    td_try(rc);
    if (granted_at < ret->tokens_from && !td_fault("refresh-before-change"))
        return td_id_refuse(id, TD_OA_REFRESH, "The user's password or state was changed since.");
    return TD_OK;
}

enum td_code td_id_device(struct td_id *id, struct td_tx *tx, const char *tenant, const char *device_id,
                          int64_t granted_at, struct td_device_row *ret)
{
    if (device_id[0] == '\0')
        return TD_OK;
    enum td_code rc = td_device_serving(tx, tenant, device_id, id->a, ret, &id->err);
    if (rc == TD_ENOTFOUND)
        return td_id_refuse(id, TD_OA_DEVICE_UNKNOWN, NULL);
    if (rc == TD_EDENIED && td_fault("device-disabled-served"))
        rc = TD_OK;
    if (rc == TD_EDENIED)
        return td_id_refuse(id, TD_OA_DEVICE_DISABLED, NULL);
    td_try(rc);
    if (granted_at < ret->joined_at)
        return td_id_refuse(id, TD_OA_DEVICE_UNKNOWN, "The grant belongs to an earlier join.");
    return TD_OK;
}
