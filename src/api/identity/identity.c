#include "api/identity/room.h"
#include "base/encode.h"
#include "base/fault.h"
#include "crypto/digest.h"

#include <stdio.h>

const int64_t td_refresh_life = 90 * TD_DAY;
const int64_t td_prt_life = 14 * TD_DAY;
const int64_t td_old_refresh_life = 10 * TD_MINUTE; /* after its first use: an answer may have been lost */

enum { FORM = 65536 };

/* The token endpoint is not limited by address: a fleet behind one address needs it, nothing there can be guessed (our
 * secrets have 256 random bits, passwords have the guard), and asking for a nonce touches nothing. */
#define ENDPOINTS(prefix, version)                                                              \
    {TD_GET | TD_POST, prefix "/authorize", td_id_authorize_##version, TD_ROUTE_LIMITED, FORM}, \
        {TD_POST, prefix "/token", td_id_token_##version, 0, FORM},                             \
        {TD_POST, prefix "/devicecode", td_id_devicecode_##version, TD_ROUTE_LIMITED, FORM},    \
    {                                                                                           \
        TD_GET | TD_POST, prefix "/logout", td_id_logout, 0, FORM                               \
    }

/* Fixed first segments stand before {tenant}: the first match wins. */
const struct td_route td_identity_routes[] = {
    ENDPOINTS("/oauth2/v2.0", v2),
    ENDPOINTS("/oauth2", v1),
    ENDPOINTS("/{tenant}/oauth2/v2.0", v2),
    ENDPOINTS("/{tenant}/oauth2", v1),
    {TD_GET, "/.well-known/openid-configuration", td_id_configuration_v2, 0, 0},
    {TD_GET, "/adfs/.well-known/openid-configuration", td_id_configuration_adfs, 0, 0},
    {TD_GET, "/{tenant}/.well-known/openid-configuration", td_id_configuration, 0, 0},
    {TD_GET, "/{tenant}/v2.0/.well-known/openid-configuration", td_id_configuration_v2, 0, 0},
    {TD_GET, "/common/discovery/instance", td_id_instance, 0, 0},
    {TD_GET, "/{tenant}/discovery/keys", td_id_keys, 0, 0},
    {TD_GET, "/{tenant}/discovery/v2.0/keys", td_id_keys, 0, 0},
    {TD_GET, "/common/userrealm/{upn}", td_id_realm, TD_ROUTE_LIMITED, 0},
    {TD_GET, "/common/userrealm", td_id_realm, TD_ROUTE_LIMITED, 0},
    {TD_GET | TD_POST, "/oidc/userinfo", td_id_userinfo, 0, FORM},
    {TD_GET | TD_POST, "/devicelogin", td_id_device_login, TD_ROUTE_LIMITED, FORM},
};
const size_t td_identity_route_count = TD_COUNTOF(td_identity_routes);

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

void td_id_hash(const char *secret, unsigned char out[32])
{
    td_sha256(td_str(secret), out);
}

enum td_code td_id_refresh_new(struct td_id *id, struct td_tx *tx, const struct td_refresh_spec *s, const char **ret)
{
    struct td_buf body;
    struct td_jsonw w;
    bool prt = s->kind == TD_GRANT_PRT;
    /* The dot matters: a client that sees none in a primary refresh token takes the text for base64 (10.4). */
    const char *secret = td_arena_printf(id->a, "1.%s", td_random_text(id->svc->env, id->a, 32));
    struct td_grant g = {.kind = s->kind,
                         .tenant = s->tenant,
                         .user_id = s->user_id,
                         .app_id = s->app_id,
                         .device_id = s->device_id,
                         .family = s->family != NULL ? s->family : td_uuid_arena(id->svc->env, id->a),
                         .expires_at = td_tx_now(tx) + (prt ? td_prt_life : td_refresh_life),
                         .sealed = s->sealed};
    td_id_hash(secret, g.sha256);
    td_buf_init(&body, 16384);
    td_jsonw_init(&w, &body);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "resource", s->resource != NULL ? s->resource : "");
    td_jsonw_kstr(&w, "scope", s->scope != NULL ? s->scope : "");
    td_jsonw_end(&w);
    g.body = td_arena_text(id->a, td_buf_slice(&body));
    td_buf_done(&body);
    *ret = secret;
    return td_grant_add(tx, &g, &id->err);
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

struct of_tenant {
    struct td_id *id;
    struct td_slice domain;
};

static enum td_code domain_of_tenant(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct of_tenant *o = ctx;
    struct td_tenant theirs = {0};
    enum td_code rc = td_tenant_find(tx, o->domain, o->id->a, &theirs, err);
    if (rc != TD_OK) /* nobody's domain: refused like a wrong password */
        return rc == TD_ENOTFOUND ? TD_OK : rc;
    bool ours = strcmp(theirs.id, o->id->tenant.id) == 0 || td_fault("prt-any-tenant");
    return ours ? TD_OK : td_id_refuse(o->id, TD_OA_FOREIGN_USER, NULL);
}

/* Asked before the password is: else one organization's door would tell which passwords of another's are right. */
static enum td_code user_of_tenant(struct td_id *id, struct td_slice upn)
{
    struct of_tenant o = {.id = id};
    struct td_slice local;
    o.domain = td_cut(td_trim(upn), '@', &local);
    return td_store_read(id->svc->store, domain_of_tenant, &o, &id->err);
}

/* What a directory has against somebody whose password is right (or whom it has locked). */
static enum td_code refused_there(struct td_id *id, enum td_domain_reason reason)
{
    static const struct {
        enum td_domain_reason reason;
        enum td_oauth what;
    } map[] = {{TD_DJ_DISABLED, TD_OA_DISABLED},
               {TD_DJ_ACCOUNT_EXPIRED, TD_OA_DISABLED},
               {TD_DJ_MUST_CHANGE, TD_OA_PASSWORD_EXPIRED},
               {TD_DJ_PASSWORD_EXPIRED, TD_OA_PASSWORD_EXPIRED},
               {TD_DJ_LOCKED, TD_OA_LOCKED},
               {TD_DJ_HOURS, TD_OA_HOURS}};
    const char *detail = td_arena_printf(id->a, "%s %s", id->err.text, id->err.remedy);
    for (size_t i = 0; i < TD_COUNTOF(map); i++)
        if (reason == map[i].reason)
            return td_id_refuse(id, map[i].what, detail);
    return td_id_refuse(id, TD_OA_PASSWORD, NULL);
}

enum td_code td_id_sign_in(struct td_id *id, struct td_slice upn, struct td_slice password, struct td_signed_in *ret)
{
    static const struct {
        enum td_code code;
        enum td_oauth what;
    } map[] = {{TD_EAUTH, TD_OA_PASSWORD}, {TD_ELIMIT, TD_OA_LOCKED}, {TD_EDENIED, TD_OA_DISABLED}};
    td_try(user_of_tenant(id, upn));
    enum td_code rc = td_sign_in(id->svc, upn, password, id->req->peer->address, id->a, ret, &id->err);
    enum td_domain_reason reason = rc != TD_OK ? td_sign_in_reason(&id->err) : TD_DJ_OK;
    if (reason != TD_DJ_OK)
        return refused_there(id, reason);
    if (rc == TD_EUNAVAILABLE && td_domain_reason_by_name(id->err.where) != NULL)
        return td_id_refuse(id, TD_OA_UNAVAILABLE, td_arena_printf(id->a, "%s %s", id->err.text, id->err.remedy));
    for (size_t i = 0; i < TD_COUNTOF(map); i++)
        if (rc == map[i].code)
            return td_id_refuse(id, map[i].what, NULL);
    return rc;
}
