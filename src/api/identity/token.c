/* The token endpoint: which grant, which client, and the grants of browsers and tools. */
#include "api/identity/room.h"
#include "base/encode.h"
#include "base/fault.h"
#include "crypto/digest.h"

static const struct {
    const char *name;
    enum td_code (*fn)(struct td_id *id);
} grants[] = {
    {"authorization_code", td_id_grant_code},
    {"refresh_token", td_id_grant_refresh},
    {"password", td_id_grant_password},
    {"client_credentials", td_id_grant_client},
    {"urn:ietf:params:oauth:grant-type:device_code", td_id_grant_device_code},
    {"device_code", td_id_grant_device_code},
    {"srv_challenge", td_id_grant_challenge},
    {"urn:ietf:params:oauth:grant-type:jwt-bearer", td_id_grant_signed},
};

static enum td_code dispatch(struct td_id *id)
{
    const char *name = td_id_form(id, "grant_type");
    td_try(td_id_assertion(id));
    if (name[0] == '\0')
        return td_id_refuse(id, TD_OA_REQUEST, "grant_type is missing.");
    for (size_t i = 0; i < TD_COUNTOF(grants); i++)
        if (strcmp(name, grants[i].name) == 0)
            return grants[i].fn(id);
    return td_id_refuse(id, TD_OA_GRANT_UNKNOWN, NULL);
}

static void token(struct td_service *svc, struct td_http_request *req, struct td_http_reply *reply, bool v2)
{
    struct td_id id;
    td_id_init(&id, svc, req, reply);
    id.v2 = v2;
    enum td_code rc = dispatch(&id);
    if (rc != TD_OK)
        td_oauth_reply(svc, &id.error, rc, id.a, reply);
}

void td_id_token_v1(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    token(ctx, req, reply, false);
}

void td_id_token_v2(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    token(ctx, req, reply, true);
}

/* Authorization: Basic base64(id:secret), both percent-encoded (RFC 6749, 2.3.1). */
static bool basic(const struct td_id *id, struct td_slice *ret_id, struct td_slice *ret_secret)
{
    struct td_slice h = td_http_header(id->req, "Authorization"), plain, name;
    if (!td_istarts(h, "basic ") || td_b64_decode(id->a, td_trim(td_sub(h, 6, h.n)), TD_B64_STD, &plain) != TD_OK)
        return false;
    struct td_slice secret = td_cut(plain, ':', &name);
    *ret_id = td_pct_decode(id->a, name, true);
    *ret_secret = td_pct_decode(id->a, secret, true);
    return true;
}

const char *td_id_client_id(const struct td_id *id)
{
    struct td_slice name, secret;
    const char *given = td_id_form(id, "client_id");
    if (given[0] == '\0' && id->assertion != NULL)
        return id->assertion;
    if (given[0] != '\0' || !basic(id, &name, &secret))
        return given;
    return td_arena_text(id->a, name);
}

static enum td_code prove_client(struct td_id *id, struct td_tx *tx, const char *tenant,
                                 const struct td_application *app)
{
    struct td_slice name, secret = td_http_form(id->req, "client_secret");
    unsigned char sum[32];
    if (secret.n == 0 && basic(id, &name, &secret) && !td_ieqs(name, app->id))
        return td_id_refuse(id, TD_OA_CLIENT, "The header names another client than the form.");
    if (id->assertion != NULL)
        return td_id_client_proven(id, tx, tenant, app);
    if (secret.n == 0)
        return td_id_refuse(id, TD_OA_SECRET_MISSING, NULL);
    td_sha256(secret, sum);
    enum td_code rc = td_application_secret_check(tx, tenant, app->id, sum, &id->err);
    if (rc == TD_EAUTH && td_fault("client-any-secret"))
        return TD_OK;
    if (rc == TD_EAUTH)
        return td_id_refuse(id, TD_OA_SECRET, NULL);
    return rc == TD_EEXPIRED ? td_id_refuse(id, TD_OA_SECRET_EXPIRED, NULL) : rc;
}

enum td_code td_id_client(struct td_id *id, struct td_tx *tx, const char *tenant, struct td_application *ret)
{
    const char *name = td_id_client_id(id);
    if (name[0] == '\0')
        return td_id_refuse(id, TD_OA_REQUEST, "client_id is missing.");
    enum td_code rc = td_application_find(tx, tenant, td_str(name), id->a, ret, &id->err);
    if (rc == TD_ENOTFOUND || (rc == TD_OK && !ret->enabled))
        return td_id_refuse(id, TD_OA_CLIENT, NULL);
    td_try(rc);
    return ret->is_public ? TD_OK : prove_client(id, tx, tenant, ret);
}

enum td_code td_id_grant_challenge(struct td_id *id)
{
    char *nonce = NULL;
    td_try(td_nonce_make(id->svc, id->a, &nonce, &id->err));
    td_reply_text(id->reply, 200, "application/json; charset=utf-8",
                  td_str(td_arena_printf(id->a, "{\"Nonce\":\"%s\"}", nonce)));
    td_reply_header(id->reply, "Cache-Control", "no-store");
    return TD_OK;
}

/* One run of a grant that ends in tokens for a user. */
struct run {
    struct td_id *id;
    struct td_issue issue;
    struct td_grant grant;
    unsigned char sha256[32];
    const struct td_json *body;
    struct td_signed_in who;
};

static enum td_code parse_body(struct run *r)
{
    struct td_json *v = NULL;
    td_try(td_json_parse(td_str(r->grant.body), 65536, r->id->a, &v, &r->id->err));
    r->body = v;
    return TD_OK;
}

static const char *body_text(const struct run *r, const char *name)
{
    const char *s = td_json_str(r->body, name);
    return s != NULL ? s : "";
}

/* v1 tells the resource once, at the start; v2 may repeat its scopes. */
static enum td_code asked(struct run *r, struct td_tx *tx)
{
    struct td_id *id = r->id;
    const char *tenant = id->tenant.id;
    const char *scope = td_id_form(id, "scope"), *resource = id->v2 ? "" : td_id_form(id, "resource");
    if (scope[0] == '\0')
        scope = body_text(r, "scope");
    td_try(td_id_asked(id, tx, tenant, scope, resource, &r->issue.asked));
    if (!r->issue.asked.named && body_text(r, "resource")[0] != '\0')
        td_try(td_id_asked(id, tx, tenant, scope, body_text(r, "resource"), &r->issue.asked));
    return TD_OK;
}

/* Rows for a user's reply: user, device, and the refresh token if there is to be one. */
static enum td_code user_reply(struct run *r, struct td_tx *tx, const char *user_id, const char *device_id, int64_t at,
                               const char *family, bool refresh)
{
    struct td_id *id = r->id;
    struct td_device_row device = {.registration_id = body_text(r, "registration")};
    td_try(td_id_user(id, tx, id->tenant.id, user_id, at, &r->issue.user));
    td_try(td_id_device(id, tx, id->tenant.id, device_id, at, &device));
    r->issue.device_id = device_id;
    td_try(td_id_management(id, tx, device.registration_id, &r->issue));
    td_try(td_id_hand_over(id, tx, &r->issue));
    r->issue.access = true;
    r->issue.id_token = !id->v2 || r->issue.asked.openid;
    if (!refresh)
        return TD_OK;
    struct td_refresh_spec s = {.kind = TD_GRANT_REFRESH,
                                .tenant = id->tenant.id,
                                .user_id = r->issue.user.id,
                                .app_id = r->issue.app.id,
                                .device_id = device_id,
                                .family = family,
                                .resource = r->issue.asked.resource,
                                .scope = id->v2 ? r->issue.asked.scope : ""};
    r->issue.refresh_life = td_refresh_life;
    return td_id_refresh_new(id, tx, &s, &r->issue.refresh);
}

static bool pkce_holds(const struct run *r)
{
    const char *challenge = body_text(r, "challenge"), *verifier = td_id_form(r->id, "code_verifier");
    unsigned char sum[32];
    if (td_fault("pkce-unchecked"))
        return true;
    if (challenge[0] == '\0') /* a proof of nothing: somebody took the challenge out on the way (RFC 9700, 2.1.1) */
        return verifier[0] == '\0' || td_fault("pkce-downgrade");
    td_sha256(td_str(verifier), sum);
    return strlen(verifier) >= 43 && strlen(verifier) <= 128 &&
           td_same_secret(td_str(td_b64url(r->id->a, td_bytes(sum, sizeof(sum)))), td_str(challenge));
}

/* A code that comes twice was stolen from one of the two: what the first got is void (RFC 6749, 4.1.2). */
static enum td_code code_twice(struct run *r, struct td_tx *tx)
{
    td_try(td_grant_end_family(tx, r->grant.tenant, r->grant.family, &r->id->err));
    td_ignore(td_id_refuse(r->id, TD_OA_CODE_USED, NULL));
    return TD_OK;
}

static enum td_code code_checks(struct run *r, struct td_tx *tx)
{
    struct td_id *id = r->id;
    if (r->grant.expires_at <= td_tx_now(tx) && !td_fault("code-any-age"))
        return td_id_refuse(id, TD_OA_CODE, NULL);
    td_try(td_id_tenant_is(id, tx, r->grant.tenant));
    td_try(td_id_client(id, tx, id->tenant.id, &r->issue.app));
    if (strcmp(r->issue.app.id, r->grant.app_id) != 0 && !td_fault("code-any-client"))
        return td_id_refuse(id, TD_OA_CODE, "It was made for another client.");
    td_try(parse_body(r));
    if (strcmp(td_id_form(id, "redirect_uri"), body_text(r, "redirect")) != 0 && !td_fault("code-any-redirect"))
        return td_id_refuse(id, TD_OA_CODE, "redirect_uri differs from that of the authorize request.");
    return asked(r, tx);
}

static enum td_code redeem(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct run *r = ctx;
    struct td_id *id = r->id;
    id->error = (struct td_oauth_error){0};
    enum td_code rc = td_grant_find(tx, TD_GRANT_CODE, r->sha256, id->a, &r->grant, err);
    if (rc == TD_ENOTFOUND)
        return td_id_refuse(id, TD_OA_CODE, NULL);
    td_try(rc);
    if (r->grant.used_at != 0 && !td_fault("code-twice"))
        return code_twice(r, tx);
    td_try(code_checks(r, tx));
    td_try(td_grant_use(tx, &r->grant, r->grant.expires_at, err));
    if (!pkce_holds(r)) { /* the code is burnt all the same */
        td_ignore(td_id_refuse(id, TD_OA_PKCE, NULL));
        return TD_OK;
    }
    r->issue.nonce = body_text(r, "nonce");
    bool refresh = !id->v2 || r->issue.asked.offline;
    return user_reply(r, tx, r->grant.user_id, "", r->grant.created_at, r->grant.family, refresh);
}

enum td_code td_id_grant_code(struct td_id *id)
{
    struct run r = {.id = id};
    const char *code = td_id_form(id, "code");
    if (code[0] == '\0')
        return td_id_refuse(id, TD_OA_REQUEST, "code is missing.");
    td_id_hash(code, r.sha256);
    td_try(td_id_write(id, redeem, &r));
    return td_issue_reply(id, &r.issue);
}

static enum td_code refresh_too_late(struct run *r, struct td_tx *tx)
{
    bool bound = r->grant.device_id[0] != '\0'; /* a device that lost its last steps may come with an old one */
    if (r->grant.used_at != 0 && !bound)        /* replaced long ago: somebody else holds it */
        td_try(td_grant_end_family(tx, r->grant.tenant, r->grant.family, &r->id->err));
    td_ignore(td_id_refuse(r->id, TD_OA_REFRESH, NULL));
    return TD_OK;
}

static enum td_code refresh(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct run *r = ctx;
    struct td_id *id = r->id;
    id->error = (struct td_oauth_error){0};
    enum td_code rc = td_grant_find(tx, TD_GRANT_REFRESH, r->sha256, id->a, &r->grant, err);
    if (rc == TD_ENOTFOUND)
        return td_id_refuse(id, TD_OA_REFRESH, NULL);
    td_try(rc);
    td_try(td_id_tenant_is(id, tx, r->grant.tenant));
    td_try(td_id_client(id, tx, id->tenant.id, &r->issue.app));
    if (strcmp(r->issue.app.id, r->grant.app_id) != 0 && !td_fault("refresh-any-client"))
        return td_id_refuse(id, TD_OA_REFRESH, "It was made for another client.");
    if (r->grant.expires_at <= td_tx_now(tx) && !td_fault("refresh-any-age"))
        return refresh_too_late(r, tx);
    td_try(parse_body(r));
    td_try(asked(r, tx));
    td_try(td_grant_use(tx, &r->grant, td_tx_now(tx) + td_old_refresh_life, err));
    return user_reply(r, tx, r->grant.user_id, r->grant.device_id, r->grant.created_at, r->grant.family, true);
}

enum td_code td_id_grant_refresh(struct td_id *id)
{
    struct run r = {.id = id};
    const char *token = td_id_form(id, "refresh_token");
    if (token[0] == '\0')
        return td_id_refuse(id, TD_OA_REQUEST, "refresh_token is missing.");
    td_id_hash(token, r.sha256);
    td_try(td_id_write(id, refresh, &r));
    return td_issue_reply(id, &r.issue);
}

/* Tenant of the path, else of the name's domain; may this tenant do it at all? */
static enum td_code password_allowed(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct run *r = ctx;
    struct td_id *id = r->id;
    struct td_slice local;
    const char *setting = "off";
    td_try(td_id_tenant(id, tx));
    struct td_slice domain = td_cut(td_http_form(id->req, "username"), '@', &local);
    enum td_code rc = id->tenant.id != NULL ? TD_OK : td_tenant_find(tx, domain, id->a, &id->tenant, err);
    if (rc == TD_ENOTFOUND)
        return td_id_refuse(id, TD_OA_PASSWORD, NULL);
    td_try(rc);
    td_try(td_id_client(id, tx, id->tenant.id, &r->issue.app));
    td_try(td_tenant_get(tx, id->tenant.id, "password-grant", id->a, &setting, err));
    return strcmp(setting, "on") != 0 && !td_fault("password-grant-always")
               ? td_id_refuse(id, TD_OA_PASSWORD_GRANT, NULL)
               : asked(r, tx);
}

static enum td_code password_tokens(struct td_tx *tx, void *ctx, struct td_error *err TD_UNUSED)
{
    struct run *r = ctx;
    r->id->error = (struct td_oauth_error){0};
    td_try(asked(r, tx)); /* what was known before the password was checked may be gone */
    return user_reply(r, tx, r->who.user_id, "", td_tx_now(tx), NULL, !r->id->v2 || r->issue.asked.offline);
}

enum td_code td_id_grant_password(struct td_id *id)
{
    struct run r = {.id = id};
    td_try(td_store_read(id->svc->store, password_allowed, &r, &id->err));
    td_try(td_id_sign_in(id, td_http_form(id->req, "username"), td_http_form(id->req, "password"), &r.who));
    td_try(td_id_write(id, password_tokens, &r));
    return td_issue_reply(id, &r.issue);
}

static enum td_code client_checks(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct run *r = ctx;
    struct td_id *id = r->id;
    td_try(td_id_tenant(id, tx));
    if (id->tenant.id == NULL)
        return td_id_refuse(id, TD_OA_TENANT_NEEDED, NULL);
    td_try(td_id_client(id, tx, id->tenant.id, &r->issue.app));
    if (r->issue.app.is_public)
        return td_id_refuse(id, TD_OA_CLIENT_PUBLIC, NULL);
    return td_application_roles(tx, id->tenant.id, r->issue.app.id, id->a, &r->issue.roles, err);
}

enum td_code td_id_grant_client(struct td_id *id)
{
    struct run r = {.id = id};
    r.issue.device_id = "";
    td_try(td_store_read(id->svc->store, client_checks, &r, &id->err));
    td_try(asked(&r, NULL)); /* a service of others is told of people and devices, not of applications */
    r.issue.access = r.issue.app_only = true;
    return td_issue_reply(id, &r.issue);
}

static enum td_code poll_checks(struct td_id *id, struct td_tx *tx, struct run *r, struct td_error *err)
{
    enum td_code rc = td_grant_find(tx, TD_GRANT_DEVICE_CODE, r->sha256, id->a, &r->grant, err);
    if (rc == TD_ENOTFOUND || (rc == TD_OK && r->grant.expires_at <= td_tx_now(tx)))
        return td_id_refuse(id, TD_OA_DEVICE_CODE, NULL);
    td_try(rc);
    if (!td_ieqs(td_str(td_id_client_id(id)), r->grant.app_id) && !td_fault("device-code-any-client"))
        return td_id_refuse(id, TD_OA_DEVICE_CODE, "It was made for another client.");
    return r->grant.user_id[0] == '\0' ? td_id_refuse(id, TD_OA_PENDING, NULL) : TD_OK;
}

static enum td_code still_pending(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct run *r = ctx;
    return poll_checks(r->id, tx, r, err);
}

static enum td_code device_code(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct run *r = ctx;
    struct td_id *id = r->id;
    id->error = (struct td_oauth_error){0};
    td_try(poll_checks(id, tx, r, err));
    td_try(td_id_tenant_is(id, tx, r->grant.tenant));
    td_try(td_id_client(id, tx, id->tenant.id, &r->issue.app));
    td_try(parse_body(r));
    td_try(asked(r, tx));
    td_try(td_grant_use(tx, &r->grant, td_tx_now(tx) + TD_MINUTE, err)); /* the answer may be lost once */
    bool refresh = !id->v2 || r->issue.asked.offline;
    return user_reply(r, tx, r->grant.user_id, "", r->grant.created_at, r->grant.family, refresh);
}

enum td_code td_id_grant_device_code(struct td_id *id)
{
    struct run r = {.id = id};
    const char *code = td_id_form(id, "device_code");
    if (code[0] == '\0')
        code = td_id_form(id, "code"); /* v1 */
    if (code[0] == '\0')
        return td_id_refuse(id, TD_OA_REQUEST, "device_code is missing.");
    td_id_hash(code, r.sha256);
    td_try(td_store_read(id->svc->store, still_pending, &r, &id->err)); /* waiting costs no write */
    td_try(td_id_write(id, device_code, &r));
    return td_issue_reply(id, &r.issue);
}
