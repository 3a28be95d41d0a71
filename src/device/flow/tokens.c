#include "device/tokens.h"

#include "base/encode.h"
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "crypto/jose.h"
#include "device/web.h"

const char td_broker_client[] = "29d9ed98-a469-4536-ade2-f981bc1d605e";
const char td_windows_client[] = "38aa3b87-a06d-4817-b275-7a316988d93b";

static const char jwt_bearer[] = "urn:ietf:params:oauth:grant-type:jwt-bearer";
static const char form_type[] = "application/x-www-form-urlencoded";

enum { TOKENS_MAX_FORM = 64 << 10, SESSION_KEY = 32, CTX = 24 };

enum td_code td_sts_find(struct td_flow *f, struct td_arena *a, struct td_sts *ret, struct td_error *err)
{
    struct td_web w = {.flow = f, .arena = a, .what = "sign-in service"};
    const struct td_json *doc;
    const char *tenant = td_flow_get(f, "profile.tenant_id");
    td_try(td_web_get(&w, td_arena_printf(a, "%s/%s/.well-known/openid-configuration", f->dev->server, tenant), &doc,
                      err));
    ret->authorize = td_json_str(doc, "authorization_endpoint");
    ret->token = td_json_str(doc, "token_endpoint");
    ret->issuer = td_json_str(doc, "issuer");
    if (ret->authorize == NULL || ret->token == NULL || td_url_origin(ret->authorize, a)[0] == '\0' ||
        td_url_origin(ret->token, a)[0] == '\0')
        return td_fail(err, TD_EFORMAT, "sign-in service", "its discovery document names no https endpoints");
    td_state_set(f->dev->state, "sts.authorize", ret->authorize);
    td_state_set(f->dev->state, "sts.token", ret->token);
    return td_state_save(f->dev->state, err);
}

static const char *token_endpoint(const struct td_flow *f, struct td_arena *a)
{
    const char *known = td_flow_get(f, "sts.token");
    return known[0] != '\0' ? known : td_arena_printf(a, "%s/common/oauth2/token", f->dev->server);
}

static enum td_code get_nonce(struct td_flow *f, struct td_arena *a, const char **ret, struct td_error *err)
{
    struct td_web w = {.flow = f, .arena = a, .what = "nonce"};
    struct td_net_response r;
    const struct td_json *body;
    td_try(td_web_post(&w, token_endpoint(f, a), form_type, TD_S("grant_type=srv_challenge"), &r, err));
    td_try(td_web_json(&w, &r, &body, err));
    *ret = td_json_str(body, "Nonce");
    return *ret != NULL ? TD_OK : td_fail(err, TD_EFORMAT, "nonce", "the answer has no Nonce");
}

/* The form around a signed request. */
static enum td_code post_request(struct td_flow *f, const char *request, struct td_arena *a,
                                 struct td_net_response *ret, struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf form;
    td_buf_init(&form, TOKENS_MAX_FORM);
    td_form_add(&form, "windows_api_version", "2.2");
    td_form_add(&form, "grant_type", jwt_bearer);
    td_form_add(&form, "request", request);
    td_form_add(&form, "client_info", "1");
    td_try(td_buf_check(&form, "token request", err));
    struct td_web w = {.flow = f, .arena = a, .what = "token"};
    return td_web_post(&w, token_endpoint(f, a), form_type, td_buf_slice(&form), ret, err);
}

/* RS256 by the device key, its certificate in x5c: proves the device, carries the user's credential. */
static enum td_code sign_by_device(struct td_flow *f, struct td_slice payload, struct td_arena *a, char **ret,
                                   struct td_error *err)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    struct td_slice pem, der;
    td_try(td_flow_key(f, "device.key.pem", &key, err));
    td_try(td_flow_read(f, "device.crt.pem", a, &pem, err));
    td_try(td_cert_from_pem(pem, a, &der, err));
    const char *header =
        td_arena_printf(a, "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"x5c\":[\"%s\"],\"kdf_ver\":2}", td_b64(a, der));
    return td_jws_sign(key, TD_RS256, td_str(header), payload, a, ret, err);
}

struct credential { /* of one primary refresh token request */
    const char *client, *grant;
    const char *user, *password; /* grant "password" */
    const char *refresh_token;   /* grant "refresh_token" */
};

static void write_prt_payload(struct td_buf *out, const struct td_flow *f, const struct credential *c,
                              const char *nonce)
{
    struct td_jsonw w;
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "client_id", c->client);
    td_jsonw_kstr(&w, "request_nonce", nonce);
    td_jsonw_kstr(&w, "scope", "openid aza ugs");
    td_jsonw_key(&w, "group_sids");
    td_jsonw_arr(&w);
    td_jsonw_arr_end(&w);
    td_jsonw_kstr(&w, "win_ver", f->hw.os_version);
    td_jsonw_kstr(&w, "grant_type", c->grant);
    if (c->password != NULL) {
        td_jsonw_kstr(&w, "username", c->user);
        td_jsonw_kstr(&w, "password", c->password);
    } else {
        td_jsonw_kstr(&w, "refresh_token", c->refresh_token);
    }
    td_jsonw_end(&w);
}

static enum td_code keep_prt(struct td_flow *f, const struct td_json *reply, struct td_arena *a, struct td_error *err)
{
    const char *prt = td_json_str(reply, "refresh_token"), *jwe = td_json_str(reply, "session_key_jwe");
    unsigned char session_key[SESSION_KEY];
    TD_CLEANUP(td_key_cleanup) struct td_key *transport = NULL;
    if (prt == NULL || jwe == NULL)
        return td_fail(err, TD_EFORMAT, "token", "the answer has no refresh_token or no session_key_jwe");
    td_try(td_flow_key(f, "transport.key.pem", &transport, err));
    td_try(td_jwe_open_session_key(transport, td_str(jwe), a, session_key, err));
    td_wipe(session_key, sizeof(session_key));
    struct td_jws id;
    const char *id_token = td_json_str(reply, "id_token");
    const char *upn = NULL;
    if (id_token != NULL && td_jws_decode(td_str(id_token), a, &id, NULL) == TD_OK)
        upn = td_json_str(id.claims, "upn");
    char at[TD_TIME_TEXT];
    td_state_set(f->dev->state, "prt.token", prt);
    td_state_set(f->dev->state, "prt.session_key_jwe", jwe); /* useless without the transport key */
    td_state_set(f->dev->state, "prt.user", upn);
    td_state_set(f->dev->state, "prt.at", td_time_text(td_now(f->dev->env), at));
    return td_state_save(f->dev->state, err);
}

static enum td_code get_prt(struct td_flow *f, const struct credential *c, bool keep, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    TD_CLEANUP(td_buf_wipe) struct td_buf payload;
    td_buf_init(&payload, 16384);
    const char *nonce;
    char *request;
    td_try(get_nonce(f, &a, &nonce, err));
    write_prt_payload(&payload, f, c, nonce);
    td_try(td_buf_check(&payload, "token", err));
    td_try(sign_by_device(f, td_buf_slice(&payload), &a, &request, err));
    struct td_net_response r;
    const struct td_json *reply;
    td_try(post_request(f, request, &a, &r, err));
    td_wipe(request, strlen(request)); /* holds the password */
    struct td_web w = {.flow = f, .arena = &a, .what = "user sign-in"};
    td_try(td_web_json(&w, &r, &reply, err));
    return keep ? keep_prt(f, reply, &a, err) : TD_OK;
}

static enum td_code by_password(struct td_flow *f, const char *user, const char *password, bool keep,
                                struct td_error *err)
{
    const struct credential c = {.client = td_windows_client, .grant = "password", .user = user, .password = password};
    enum td_code rc = get_prt(f, &c, keep, err);
    if (rc != TD_EAUTH || err == NULL || err->remedy[0] != '\0')
        return rc;
    return td_remedy(err, rc,
                     "Type user name and password again; an administrator sets another password by"
                     " 'touchdown user password'.");
}

enum td_code td_prt_by_password(struct td_flow *f, const char *user, const char *password, struct td_error *err)
{
    return by_password(f, user, password, true, err);
}

enum td_code td_password_check(struct td_flow *f, const char *user, const char *password, struct td_error *err)
{
    return by_password(f, user, password, false, err);
}

enum td_code td_prt_by_refresh(struct td_flow *f, const char *refresh_token, struct td_error *err)
{
    const struct credential c = {.client = td_broker_client, .grant = "refresh_token", .refresh_token = refresh_token};
    return get_prt(f, &c, true, err);
}

bool td_prt_there(const struct td_flow *f)
{
    return td_flow_get(f, "prt.token")[0] != '\0' && td_flow_get(f, "prt.session_key_jwe")[0] != '\0';
}

static enum td_code open_session_key(struct td_flow *f, struct td_arena *a, unsigned char out[SESSION_KEY],
                                     struct td_error *err)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *transport = NULL;
    td_try(td_flow_key(f, "transport.key.pem", &transport, err));
    return td_jwe_open_session_key(transport, td_str(td_flow_get(f, "prt.session_key_jwe")), a, out, err);
}

/* HS256 under the key that ctx and payload derive from the session key (version 2 of 4.5). */
static char *sign_by_session(struct td_flow *f, const unsigned char session_key[SESSION_KEY], struct td_slice payload,
                             struct td_arena *a)
{
    unsigned char mixed[CTX], context[32], key[32];
    td_random_fill(f->dev->env, mixed, sizeof(mixed));
    TD_CLEANUP(td_buf_wipe) struct td_buf both;
    td_buf_init(&both, CTX + payload.n);
    td_buf_add(&both, td_bytes(mixed, sizeof(mixed)));
    td_buf_add(&both, payload);
    td_sha256(td_buf_slice(&both), context);
    td_kdf_sp800_108(td_bytes(session_key, SESSION_KEY), TD_S("AzureAD-SecureConversation"),
                     td_bytes(context, sizeof(context)), key);
    const char *ctx = td_b64(a, td_bytes(mixed, sizeof(mixed)));
    const char *header = td_arena_printf(a, "{\"alg\":\"HS256\",\"kdf_ver\":2,\"ctx\":\"%s\"}", ctx);
    char *jws = td_jws_sign_hs256(td_bytes(key, sizeof(key)), td_str(header), payload, a);
    td_wipe(key, sizeof(key));
    return jws;
}

static void write_broker_payload(struct td_buf *out, const struct td_flow *f, const char *resource, const char *nonce)
{
    int64_t now = td_now(f->dev->env) / TD_SECOND;
    struct td_jsonw w;
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "win_ver", f->hw.os_version);
    td_jsonw_kstr(&w, "scope", "openid");
    td_jsonw_kstr(&w, "resource", resource);
    td_jsonw_kstr(&w, "request_nonce", nonce);
    td_jsonw_kstr(&w, "refresh_token", td_flow_get(f, "prt.token"));
    td_jsonw_kstr(&w, "redirect_uri", "ms-aadj-redir://auth/mdm");
    td_jsonw_kstr(&w, "iss", "aad:brokerplugin");
    td_jsonw_kstr(&w, "grant_type", "refresh_token");
    td_jsonw_kstr(&w, "client_id", td_broker_client);
    td_jsonw_kint(&w, "iat", now);
    td_jsonw_kint(&w, "exp", now + 300);
    td_jsonw_end(&w);
}

/* Answers under the session key are JWE; a plain one begins with {" (10.3). */
static enum td_code open_answer(const unsigned char session_key[SESSION_KEY], struct td_net_response *r,
                                struct td_arena *a, struct td_error *err)
{
    struct td_slice plain;
    if (r->status != 200 || td_starts(td_trim(r->body), "{"))
        return TD_OK;
    td_try(td_jwe_open_dir(session_key, td_trim(r->body), a, &plain, err));
    r->body = plain;
    return TD_OK;
}

static enum td_code read_access(struct td_flow *f, const struct td_net_response *r, struct td_arena *a,
                                const char **ret, struct td_error *err)
{
    struct td_web w = {.flow = f, .arena = a, .what = "token"};
    const struct td_json *reply;
    td_try(td_web_json(&w, r, &reply, err));
    *ret = td_json_str(reply, "access_token");
    return *ret != NULL ? TD_OK : td_fail(err, TD_EFORMAT, "token", "the answer has no access_token");
}

static enum td_code token_by_session(struct td_flow *f, const char *resource, struct td_arena *a, const char **ret,
                                     struct td_error *err)
{
    unsigned char session_key[SESSION_KEY];
    TD_CLEANUP(td_buf_wipe) struct td_buf payload;
    td_buf_init(&payload, 16384);
    const char *nonce;
    struct td_net_response r;
    td_try(get_nonce(f, a, &nonce, err));
    write_broker_payload(&payload, f, resource, nonce);
    td_try(td_buf_check(&payload, "token", err));
    td_try(open_session_key(f, a, session_key, err));
    const char *request = sign_by_session(f, session_key, td_buf_slice(&payload), a);
    enum td_code rc = post_request(f, request, a, &r, err);
    if (rc == TD_OK)
        rc = open_answer(session_key, &r, a, err);
    td_wipe(session_key, sizeof(session_key));
    td_try(rc);
    return read_access(f, &r, a, ret, err);
}

/* join-and-tokens.md 5: the certificate alone is the credential. */
static void write_device_payload(struct td_buf *out, const struct td_flow *f, const char *resource, const char *nonce)
{
    struct td_jsonw w;
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "resource", resource);
    td_jsonw_kstr(&w, "client_id", td_broker_client);
    td_jsonw_kstr(&w, "request_nonce", nonce);
    td_jsonw_kstr(&w, "win_ver", f->hw.os_version);
    td_jsonw_kstr(&w, "grant_type", "device_token");
    td_jsonw_kstr(&w, "redirect_uri", "ms-aadj-redir://auth/mdm");
    td_jsonw_kstr(&w, "iss", "aad:brokerplugin");
    td_jsonw_end(&w);
}

static enum td_code token_by_device(struct td_flow *f, const char *resource, struct td_arena *a, const char **ret,
                                    struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf payload;
    td_buf_init(&payload, 16384);
    const char *nonce;
    char *request;
    struct td_net_response r;
    td_try(get_nonce(f, a, &nonce, err));
    write_device_payload(&payload, f, resource, nonce);
    td_try(td_buf_check(&payload, "token", err));
    td_try(sign_by_device(f, td_buf_slice(&payload), a, &request, err));
    td_try(post_request(f, request, a, &r, err));
    return read_access(f, &r, a, ret, err);
}

/* Of a device that is not in the directory yet: the sign-in alone, so that the token names no device (autopilot.md 3.2,
 * step 2). */
static enum td_code token_by_sign_in(struct td_flow *f, const char *resource, struct td_arena *a, const char **ret,
                                     struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf form;
    struct td_net_response r;
    if (f->secrets.refresh_token == NULL)
        return td_fail(err, TD_EAUTH, "token", "nobody has signed in");
    td_buf_init(&form, TOKENS_MAX_FORM);
    td_form_add(&form, "grant_type", "refresh_token");
    td_form_add(&form, "client_id", td_broker_client);
    td_form_add(&form, "resource", resource);
    td_form_add(&form, "refresh_token", f->secrets.refresh_token);
    td_try(td_buf_check(&form, "token", err));
    struct td_web w = {.flow = f, .arena = a, .what = "token"};
    td_try(td_web_post(&w, token_endpoint(f, a), form_type, td_buf_slice(&form), &r, err));
    return read_access(f, &r, a, ret, err);
}

enum td_code td_token_for(struct td_flow *f, const char *resource, struct td_arena *a, const char **ret,
                          struct td_error *err)
{
    if (td_flow_nobody(f))
        return token_by_device(f, resource, a, ret, err);
    if (td_flow_kind(f) == TD_FLOW_HYBRID && !td_prt_there(f))
        return token_by_sign_in(f, resource, a, ret, err);
    return token_by_session(f, resource, a, ret, err);
}
