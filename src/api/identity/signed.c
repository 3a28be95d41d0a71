/* Requests signed by a device's key or by a session key (join-and-tokens.md 4, 5, 10.2, 10.4 to 10.6, 10.8). */
#include "api/authority.h"
#include "api/identity/room.h"
#include "base/encode.h"
#include "base/fault.h"
#include "crypto/digest.h"
#include "crypto/jose.h"
#include "store/primary_user.h"

enum { SESSION_KEY = 32, ANSWER_CTX = 24, ANSWER_IV = 16, ANSWER_MAX = 65536 };

static const char seal_label[] = "prt", kdf_label[] = "AzureAD-SecureConversation";

/* A replaced primary refresh token serves on: answers are lost, and several processes of one device hold it. */
static const int64_t old_prt_life = TD_DAY;

struct signed_request {
    struct td_id *id;
    struct td_jws jws;
    struct td_slice cert; /* x5c */
    struct td_peer_identity peer;
    struct td_device_row device;
    struct td_issue issue;
    struct td_grant grant;
    unsigned char sha256[32]; /* of the refresh token inside */
    struct td_refresh_spec fresh;
    const char *user_id; /* who was proven by password, NULL if a refresh token proves */
    unsigned char session_key[SESSION_KEY];
    bool renewal;
};

static const char *claim(const struct signed_request *r, const char *name)
{
    const char *s = td_json_str(r->jws.claims, name);
    return s != NULL ? s : "";
}

static enum td_code not_valid(struct signed_request *r, const char *why)
{
    return td_id_refuse(r->id, TD_OA_ASSERTION, why);
}

/* An array as JOSE has it, or the bare string that several clients send. */
static enum td_code read_x5c(struct signed_request *r)
{
    const struct td_json *x5c = td_json_get(r->jws.header, "x5c");
    if (x5c != NULL && x5c->type == TD_JSON_ARRAY)
        x5c = x5c->child;
    if (x5c == NULL || x5c->type != TD_JSON_STRING ||
        td_b64_decode(r->id->a, td_str(x5c->str), TD_B64_STD | TD_B64_SPACES | TD_B64_NOPAD, &r->cert) != TD_OK)
        return not_valid(r, "x5c is no certificate.");
    return TD_OK;
}

static enum td_code whose_cert(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct signed_request *r = ctx;
    enum td_code rc = td_authority_cert(r->id->svc, tx, r->cert, TD_PURPOSE_DEVICE, r->id->a, &r->peer, err);
    if (rc == TD_EDENIED)
        return td_id_refuse(r->id, TD_OA_DEVICE_UNKNOWN, "The certificate opens nothing here or was revoked.");
    if (rc == TD_EAUTH || rc == TD_EEXPIRED || rc == TD_EFORMAT || rc == TD_ENOTFOUND)
        return not_valid(r, "The certificate is not one of ours or has expired.");
    return rc;
}

static enum td_code whose_device(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct signed_request *r = ctx;
    struct td_id *id = r->id;
    struct td_tenant theirs = {0};
    td_try(td_id_tenant(id, tx));
    td_try(td_tenant_find(tx, td_str(r->peer.tenant), id->a, &theirs, err));
    if (id->tenant.id != NULL && strcmp(id->tenant.id, theirs.id) != 0 && !td_fault("device-any-tenant"))
        return td_id_refuse(id, TD_OA_DEVICE_UNKNOWN, NULL);
    id->tenant = theirs;
    td_try(td_id_device(id, tx, theirs.id, r->peer.subject, INT64_MAX, &r->device));
    enum td_code rc = td_application_find(tx, theirs.id, td_str(claim(r, "client_id")), id->a, &r->issue.app, err);
    if (rc == TD_ENOTFOUND || (rc == TD_OK && (!r->issue.app.enabled || !r->issue.app.is_public)))
        return td_id_refuse(id, TD_OA_CLIENT, NULL);
    return rc;
}

static enum td_code fresh_nonce(struct signed_request *r)
{
    enum td_code rc = td_nonce_use(r->id->svc, td_str(claim(r, "request_nonce")), &r->id->err);
    if (rc == TD_EAUTH || rc == TD_EEXPIRED || rc == TD_ESTATE)
        return not_valid(r, "request_nonce is not one of ours, too old or used before.");
    return rc;
}

static enum td_code signed_by_device(struct signed_request *r)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    td_try(read_x5c(r));
    td_try(td_store_read(r->id->svc->store, whose_cert, r, &r->id->err));
    if (td_cert_public_key(r->cert, &key, NULL) != TD_OK ||
        !td_jws_verify(&r->jws, key, td_key_kind(key) == TD_KEY_RSA ? TD_RS256 : TD_ES256))
        return not_valid(r, "The signature is not that of the certificate's key.");
    td_try(fresh_nonce(r));
    return td_store_read(r->id->svc->store, whose_device, r, &r->id->err);
}

static enum td_code device_token(struct signed_request *r)
{
    struct td_id *id = r->id;
    td_try(td_id_asked(id, NULL, NULL, claim(r, "scope"), claim(r, "resource"), &r->issue.asked));
    r->issue.device_id = r->device.id;
    r->issue.access = true;
    return td_issue_reply(id, &r->issue);
}

/* The first-party clients are one family: 1b73... signs in, 29d9... goes on (10.1). What the tenant's own applications
 * hold was granted to them alone and does not grow into a token for everything. */
static enum td_code of_first_party(struct signed_request *r, struct td_tx *tx, struct td_error *err)
{
    struct td_application app = {0};
    enum td_code rc = td_application_find(tx, r->id->tenant.id, td_str(r->grant.app_id), r->id->a, &app, err);
    if ((rc == TD_OK && app.tenant[0] == '\0') || td_fault("prt-any-client"))
        return TD_OK;
    return rc == TD_OK || rc == TD_ENOTFOUND ? td_id_refuse(r->id, TD_OA_REFRESH, "It was made for another client.")
                                             : rc;
}

/* A refresh token proves its user to whoever holds the device's key; it stays as it is. */
static enum td_code user_of_refresh(struct signed_request *r, struct td_tx *tx, const char **ret_user, int64_t *ret_at,
                                    struct td_error *err)
{
    struct td_id *id = r->id;
    enum td_code rc = td_grant_find(tx, TD_GRANT_REFRESH, r->sha256, id->a, &r->grant, err);
    if (rc == TD_ENOTFOUND || (rc == TD_OK && r->grant.expires_at <= td_tx_now(tx)))
        return td_id_refuse(id, TD_OA_REFRESH, NULL);
    td_try(rc);
    if (strcmp(r->grant.tenant, id->tenant.id) != 0 && !td_fault("grant-any-tenant"))
        return td_id_refuse(id, TD_OA_FOREIGN_USER, NULL);
    td_try(of_first_party(r, tx, err));
    if (r->grant.device_id[0] != '\0' && strcmp(r->grant.device_id, r->device.id) != 0 &&
        !td_fault("refresh-any-device"))
        return td_id_refuse(id, TD_OA_REFRESH, "It belongs to another device.");
    *ret_user = r->grant.user_id;
    *ret_at = r->grant.created_at;
    r->fresh.family = r->grant.family;
    return TD_OK;
}

/* Who signs in on the device itself; what renews or extends an earlier sign-in proves nobody anew. */
static enum td_code first_prt(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct signed_request *r = ctx;
    struct td_id *id = r->id;
    struct td_device_row device;
    const char *user_id = r->user_id;
    int64_t at = td_tx_now(tx);
    id->error = (struct td_oauth_error){0};
    td_try(td_id_device(id, tx, id->tenant.id, r->device.id, INT64_MAX, &device));
    if (user_id == NULL)
        td_try(user_of_refresh(r, tx, &user_id, &at, err));
    td_try(td_id_user(id, tx, id->tenant.id, user_id, at, &r->issue.user));
    r->fresh.user_id = r->issue.user.id;
    td_try(td_id_management(id, tx, device.registration_id, &r->issue));
    td_try(td_primary_user_signed_in(tx, id->tenant.id, device.id, r->issue.user.id, r->issue.user.upn, err));
    return td_id_refresh_new(id, tx, &r->fresh, &r->issue.refresh);
}

static enum td_code make_session_key(struct signed_request *r)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *transport = NULL;
    unsigned char iv[12];
    char *jwe = NULL;
    struct td_id *id = r->id;
    td_try(td_key_from_public_der(r->device.transport_key, &transport, &id->err));
    td_random_fill(id->svc->env, r->session_key, sizeof(r->session_key));
    td_random_fill(id->svc->env, iv, sizeof(iv));
    td_try(td_jwe_session_key(transport, r->session_key, iv, id->a, &jwe, &id->err));
    r->issue.session_key_jwe = jwe;
    return td_seal(&id->svc->master, id->svc->env, seal_label, td_bytes(r->session_key, sizeof(r->session_key)), id->a,
                   &r->fresh.sealed);
}

static void describe_prt(struct signed_request *r)
{
    struct td_id *id = r->id;
    r->fresh.kind = TD_GRANT_PRT;
    r->fresh.tenant = id->tenant.id;
    r->fresh.app_id = r->issue.app.id;
    r->fresh.device_id = r->issue.device_id;
    r->issue.refresh_life = td_prt_life;
    r->issue.id_token = r->issue.prt = true;
}

static enum td_code prt(struct signed_request *r)
{
    struct td_id *id = r->id;
    td_try(td_id_asked(id, NULL, NULL, claim(r, "scope"), "", &r->issue.asked));
    r->issue.device_id = r->device.id;
    describe_prt(r);
    td_try(make_session_key(r));
    td_try(td_id_write(id, first_prt, r));
    return td_issue_reply(id, &r->issue);
}

static enum td_code prt_by_password(struct signed_request *r)
{
    struct td_id *id = r->id;
    struct td_signed_in who = {0};
    td_try(td_id_sign_in(id, td_str(claim(r, "username")), td_str(claim(r, "password")), &who));
    r->user_id = who.user_id;
    return prt(r);
}

static enum td_code prt_by_refresh(struct signed_request *r)
{
    if (claim(r, "refresh_token")[0] == '\0')
        return td_id_refuse(r->id, TD_OA_REQUEST, "refresh_token is missing in the signed request.");
    td_id_hash(claim(r, "refresh_token"), r->sha256);
    return prt(r);
}

static enum td_code by_device(struct signed_request *r)
{
    static const struct {
        const char *grant;
        enum td_code (*fn)(struct signed_request *r);
    } kinds[] = {{"password", prt_by_password}, {"refresh_token", prt_by_refresh}, {"device_token", device_token}};
    td_try(signed_by_device(r));
    for (size_t i = 0; i < TD_COUNTOF(kinds); i++)
        if (strcmp(claim(r, "grant_type"), kinds[i].grant) == 0)
            return kinds[i].fn(r);
    return td_id_refuse(r->id, TD_OA_GRANT_UNKNOWN, "In the signed request.");
}

static enum td_code find_prt(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct signed_request *r = ctx;
    enum td_code rc = td_grant_find(tx, TD_GRANT_PRT, r->sha256, r->id->a, &r->grant, err);
    if (rc == TD_ENOTFOUND || (rc == TD_OK && r->grant.expires_at <= td_tx_now(tx) && !td_fault("prt-any-age")))
        return td_id_refuse(r->id, TD_OA_REFRESH, NULL);
    return rc;
}

/* SP800-108; version 2 mixes in the payload as it was received (section 4, item 5). */
static enum td_code mac_holds(struct signed_request *r)
{
    struct td_buf mixed;
    struct td_slice ctx;
    unsigned char key[32], sum[32];
    const char *text = td_json_str(r->jws.header, "ctx");
    if (text == NULL || td_b64_decode(r->id->a, td_str(text), TD_B64_ANY, &ctx) != TD_OK || ctx.n == 0 || ctx.n > 64)
        return not_valid(r, "ctx is missing in the header.");
    if (td_json_int(r->jws.header, "kdf_ver", 1) == 2 && !td_fault("session-kdf-one")) {
        td_buf_init(&mixed, TD_JWS_MAX + 64);
        td_buf_add(&mixed, ctx);
        td_buf_add(&mixed, r->jws.payload);
        td_sha256(td_buf_slice(&mixed), sum);
        td_buf_wipe(&mixed);
        ctx = td_bytes(sum, sizeof(sum));
    }
    td_kdf_sp800_108(td_bytes(r->session_key, SESSION_KEY), td_str(kdf_label), ctx, key);
    bool holds = td_jws_verify_hs256(&r->jws, td_bytes(key, sizeof(key))) || td_fault("session-any-key");
    td_wipe(key, sizeof(key));
    return holds ? TD_OK : not_valid(r, "The signature is not that of the session key.");
}

/* Nothing in the payload is believed before the key that it leads to has been found right. */
static enum td_code signed_by_session(struct signed_request *r)
{
    struct td_id *id = r->id;
    struct td_slice key;
    td_id_hash(claim(r, "refresh_token"), r->sha256);
    td_try(td_store_read(id->svc->store, find_prt, r, &id->err));
    if (r->grant.sealed.n == 0) /* its device has left (store/life_end.h) */
        return td_id_refuse(id, TD_OA_DEVICE_UNKNOWN, NULL);
    td_try(td_unseal(&id->svc->master, seal_label, r->grant.sealed, id->a, &key, &id->err));
    if (key.n != SESSION_KEY)
        return td_fail(&id->err, TD_EINTERNAL, "session key", "has the wrong length");
    memcpy(r->session_key, key.p, SESSION_KEY);
    td_wipe((void *)(uintptr_t)key.p, key.n);
    td_try(mac_holds(r));
    return fresh_nonce(r);
}

static enum td_code session_asks(struct signed_request *r, struct td_tx *tx)
{
    struct td_id *id = r->id;
    struct td_asked *asked = &r->issue.asked;
    td_try(td_id_asked(id, tx, id->tenant.id, claim(r, "scope"), claim(r, "resource"), asked));
    r->renewal = asked->aza;
    r->issue.access = !r->renewal && asked->named;
    r->issue.id_token = r->renewal || asked->openid || !asked->named;
    td_try(td_id_management(id, tx, r->device.registration_id, &r->issue));
    return r->issue.access ? td_id_hand_over(id, tx, &r->issue) : TD_OK;
}

static enum td_code session_rows(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct signed_request *r = ctx;
    struct td_id *id = r->id;
    id->error = (struct td_oauth_error){0};
    td_try(find_prt(tx, r, err));
    td_try(td_id_tenant_is(id, tx, r->grant.tenant));
    td_try(td_id_device(id, tx, id->tenant.id, r->grant.device_id, r->grant.created_at, &r->device));
    td_try(td_id_user(id, tx, id->tenant.id, r->grant.user_id, r->grant.created_at, &r->issue.user));
    enum td_code rc = td_application_find(tx, id->tenant.id, td_str(claim(r, "client_id")), id->a, &r->issue.app, err);
    if (rc == TD_ENOTFOUND || (rc == TD_OK && (!r->issue.app.enabled || !r->issue.app.is_public)))
        return td_id_refuse(id, TD_OA_CLIENT, NULL);
    td_try(rc);
    r->issue.device_id = r->grant.device_id;
    td_try(session_asks(r, tx));
    r->fresh = (struct td_refresh_spec){.kind = TD_GRANT_REFRESH,
                                        .tenant = id->tenant.id,
                                        .user_id = r->issue.user.id,
                                        .app_id = r->issue.app.id,
                                        .device_id = r->grant.device_id,
                                        .family = r->grant.family,
                                        .resource = r->issue.asked.resource};
    r->issue.refresh_life = td_refresh_life;
    if (r->renewal) { /* the session key stays the same (10.5) */
        describe_prt(r);
        r->fresh.sealed = r->grant.sealed;
        td_try(td_grant_use(tx, &r->grant, td_tx_now(tx) + old_prt_life, err));
    }
    return td_id_refresh_new(id, tx, &r->fresh, &r->issue.refresh);
}

/* The answer is a JWE: a renewal is read in no other form (10.5). */
static enum td_code sealed_answer(struct signed_request *r)
{
    struct td_id *id = r->id;
    unsigned char ctx[ANSWER_CTX], iv[ANSWER_IV];
    struct td_buf plain;
    char *jwe = NULL;
    td_random_fill(id->svc->env, ctx, sizeof(ctx));
    td_random_fill(id->svc->env, iv, sizeof(iv));
    td_buf_init(&plain, ANSWER_MAX);
    enum td_code rc = td_issue_json(id, &r->issue, &plain);
    if (rc == TD_OK)
        rc = td_jwe_dir(r->session_key, ctx, iv, td_buf_slice(&plain), id->a, &jwe, &id->err);
    td_buf_wipe(&plain);
    td_try(rc);
    td_reply_text(id->reply, 200, "application/jose", td_str(jwe));
    td_reply_header(id->reply, "Cache-Control", "no-store");
    return TD_OK;
}

static enum td_code by_session(struct signed_request *r)
{
    struct td_id *id = r->id;
    td_try(signed_by_session(r));
    if (strcmp(claim(r, "grant_type"), "refresh_token") != 0)
        return td_id_refuse(id, TD_OA_GRANT_UNKNOWN, "In the signed request.");
    td_try(td_id_write(id, session_rows, r));
    return sealed_answer(r);
}

enum td_code td_id_grant_signed(struct td_id *id)
{
    struct signed_request r = {.id = id};
    struct td_slice request = td_http_form(id->req, "request");
    if (request.n == 0)
        return td_id_refuse(id, TD_OA_REQUEST, "request is missing.");
    if (td_jws_decode(request, id->a, &r.jws, &id->err) != TD_OK || r.jws.claims == NULL)
        return not_valid(&r, "request is no signed JSON object.");
    enum td_code rc = TD_OK;
    if (strcmp(r.jws.alg, "RS256") == 0 || strcmp(r.jws.alg, "ES256") == 0) /* a TPM's key may be P-256 */
        rc = by_device(&r);
    else if (strcmp(r.jws.alg, "HS256") == 0)
        rc = by_session(&r);
    else
        rc = not_valid(&r, "The algorithm is none of RS256, ES256 and HS256.");
    td_wipe(r.session_key, sizeof(r.session_key));
    return rc;
}
