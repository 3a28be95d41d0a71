/* What clients read before they sign in: discovery documents, keys, instances, realms; and userinfo after it. */
#include "api/identity/room.h"
#include "base/encode.h"

enum { DOCUMENT_MAX = 32768 };

static void write_list(struct td_jsonw *w, const char *name, const char *const *list, size_t n)
{
    td_jsonw_key(w, name);
    td_jsonw_arr(w);
    for (size_t i = 0; i < n; i++)
        td_jsonw_str(w, list[i]);
    td_jsonw_arr_end(w);
}

/* Lists that every document holds (clients.md 7, item 2). What is not offered does not stand in them. */
static void write_lists(struct td_jsonw *w)
{
    static const char *const types[] = {"code"}, *const modes[] = {"query", "fragment", "form_post"},
                             *const subjects[] = {"pairwise"}, *const algs[] = {"RS256"},
                             *const auth[] = {"client_secret_post", "private_key_jwt", "client_secret_basic"},
                             *const scopes[] = {"openid", "profile", "email", "offline_access"},
                             *const methods[] = {"S256"}, *const capabilities[] = {"kdf_ver2"},
                             *const grants[] = {"authorization_code",
                                                "refresh_token",
                                                "client_credentials",
                                                "urn:ietf:params:oauth:grant-type:device_code",
                                                "urn:ietf:params:oauth:grant-type:jwt-bearer",
                                                "password"},
                             *const claims[] = {"sub",   "iss", "aud", "exp", "iat",  "nbf",
                                                "nonce", "oid", "tid", "upn", "name", "preferred_username",
                                                "ver"};
    static const struct {
        const char *name;
        const char *const *list;
        size_t n;
    } lists[] = {
        {"response_types_supported", types, TD_COUNTOF(types)},
        {"response_modes_supported", modes, TD_COUNTOF(modes)},
        {"grant_types_supported", grants, TD_COUNTOF(grants)},
        {"subject_types_supported", subjects, TD_COUNTOF(subjects)},
        {"id_token_signing_alg_values_supported", algs, TD_COUNTOF(algs)},
        {"token_endpoint_auth_methods_supported", auth, TD_COUNTOF(auth)},
        {"scopes_supported", scopes, TD_COUNTOF(scopes)},
        {"claims_supported", claims, TD_COUNTOF(claims)},
        {"code_challenge_methods_supported", methods, TD_COUNTOF(methods)},
        {"capabilities", capabilities, TD_COUNTOF(capabilities)},
    };
    for (size_t i = 0; i < TD_COUNTOF(lists); i++)
        write_list(w, lists[i].name, lists[i].list, lists[i].n);
}

/* Ours even when the caller's Host header is not. */
static const char *host_of_links(const struct td_id *id)
{
    return id->req->base + strlen("https://");
}

struct document {
    const char *issuer;
    const char *where;   /* tenant part of the endpoints with '/' before it, "" for none */
    const char *version; /* "v2.0/" or "" */
    const char *keys;    /* "v2.0/" or "" */
};

static void write_endpoints(struct td_id *id, const struct document *d, struct td_jsonw *w)
{
    static const struct {
        const char *name, *last;
    } endpoints[] = {
        {"authorization_endpoint", "authorize"},
        {"token_endpoint", "token"},
        {"device_authorization_endpoint", "devicecode"},
        {"end_session_endpoint", "logout"},
    };
    for (size_t i = 0; i < TD_COUNTOF(endpoints); i++)
        td_jsonw_kstr(
            w, endpoints[i].name,
            td_arena_printf(id->a, "%s%s/oauth2/%s%s", id->req->base, d->where, d->version, endpoints[i].last));
    td_jsonw_kstr(w, "jwks_uri",
                  td_arena_printf(id->a, "%s%s/discovery/%skeys", id->req->base,
                                  d->where[0] != '\0' ? d->where : "/common", d->keys));
    td_jsonw_kstr(w, "userinfo_endpoint", td_arena_printf(id->a, "%s/oidc/userinfo", id->req->base));
}

static void reply_json(struct td_id *id, struct td_buf *b)
{
    if (b->failed)
        td_reply_text(id->reply, 500, "application/json; charset=utf-8", TD_S("{\"error\":\"server_error\"}"));
    else
        td_reply_text(id->reply, 200, "application/json; charset=utf-8", td_buf_slice(b));
    td_reply_header(id->reply, "Cache-Control", "max-age=300");
    td_reply_header(id->reply, "Access-Control-Allow-Origin", "*");
    td_buf_done(b);
}

static void reply_document(struct td_id *id, const struct document *d)
{
    struct td_buf b;
    struct td_jsonw w;
    td_buf_init(&b, DOCUMENT_MAX);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "issuer", d->issuer);
    write_endpoints(id, d, &w);
    write_lists(&w);
    td_jsonw_kbool(&w, "request_uri_parameter_supported", false);
    td_jsonw_kbool(&w, "claims_parameter_supported", false);
    td_jsonw_key(&w, "tenant_region_scope");
    td_jsonw_null(&w);
    td_jsonw_kstr(&w, "cloud_instance_name", host_of_links(id));
    td_jsonw_end(&w);
    reply_json(id, &b);
}

static enum td_code read_tenant(struct td_tx *tx, void *ctx, struct td_error *err TD_UNUSED)
{
    return td_id_tenant(ctx, tx);
}

/* issuer is the exact prefix that was asked (openid-client compares it); the endpoints name the tenant by its id, since
 * clients learn it from them (join-and-tokens.md 10.2). */
static void configuration(void *ctx, struct td_http_request *req, struct td_http_reply *reply, bool v2)
{
    struct td_id id;
    td_id_init(&id, ctx, req, reply);
    id.v2 = v2;
    enum td_code rc = td_store_read(id.svc->store, read_tenant, &id, &id.err);
    if (rc != TD_OK) {
        td_oauth_reply(id.svc, &id.error, rc, id.a, reply);
        return;
    }
    bool named = id.segment[0] != '\0';
    const char *who = id.tenant.id != NULL ? id.tenant.id : id.segment;
    struct document d = {.issuer = td_arena_printf(id.a, "%s%s%s%s", req->base, named ? "/" : "", id.segment,
                                                   v2 && named ? "/v2.0" : ""),
                         .where = td_arena_printf(id.a, "%s%s", named ? "/" : "", who),
                         .version = v2 ? "v2.0/" : "",
                         .keys = v2 ? "v2.0/" : ""};
    reply_document(&id, &d);
}

void td_id_configuration(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    configuration(ctx, req, reply, false);
}

void td_id_configuration_v2(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    configuration(ctx, req, reply, true);
}

void td_id_configuration_adfs(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    struct td_id id;
    td_id_init(&id, ctx, req, reply);
    struct document d = {
        .issuer = td_arena_printf(id.a, "%s/adfs", req->base), .where = "/common", .version = "", .keys = ""};
    reply_document(&id, &d);
}

void td_id_keys(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    struct td_id id;
    struct td_buf b;
    td_id_init(&id, ctx, req, reply);
    td_buf_init(&b, DOCUMENT_MAX);
    td_keyring_jwks(id.svc, &b);
    reply_json(&id, &b);
}

void td_id_instance(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    struct td_id id;
    struct td_buf b;
    struct td_jsonw w;
    td_id_init(&id, ctx, req, reply);
    const char *host = host_of_links(&id);
    td_buf_init(&b, DOCUMENT_MAX);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "tenant_discovery_endpoint",
                  td_arena_printf(id.a, "%s/common/v2.0/.well-known/openid-configuration", req->base));
    td_jsonw_kstr(&w, "api-version", "1.1");
    td_jsonw_key(&w, "metadata");
    td_jsonw_arr(&w);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "preferred_network", host);
    td_jsonw_kstr(&w, "preferred_cache", host);
    td_jsonw_key(&w, "aliases");
    td_jsonw_arr(&w);
    td_jsonw_str(&w, host);
    for (size_t i = 0; id.svc->names != NULL && id.svc->names[i] != NULL; i++)
        if (!td_ieqs(td_str(host), id.svc->names[i]))
            td_jsonw_str(&w, id.svc->names[i]);
    td_jsonw_arr_end(&w);
    td_jsonw_end(&w);
    td_jsonw_arr_end(&w);
    td_jsonw_end(&w);
    reply_json(&id, &b);
}

struct realm {
    struct td_id *id;
    struct td_slice domain;
    struct td_tenant tenant;
    bool known;
};

static enum td_code find_realm(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct realm *r = ctx;
    enum td_code rc = td_tenant_find(tx, r->domain, r->id->a, &r->tenant, err);
    r->known = rc == TD_OK;
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static void write_realm(struct td_id *id, const struct realm *r, const char *user, struct td_jsonw *w)
{
    const char *type = r->known ? "Managed" : "Unknown";
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "ver", "1.0");
    td_jsonw_kstr(w, "account_type", type);
    td_jsonw_kstr(w, "NameSpaceType", type);
    td_jsonw_kstr(w, "Login", user);
    if (r->known) {
        const char *domain = td_arena_text(id->a, r->domain);
        td_jsonw_kstr(w, "domain_name", domain);
        td_jsonw_kstr(w, "DomainName", domain);
        td_jsonw_kstr(w, "FederationBrandName", r->tenant.name);
        td_jsonw_kstr(w, "cloud_instance_name", host_of_links(id));
        td_jsonw_kstr(w, "cloud_audience_urn", "urn:federation:MicrosoftOnline");
    }
    td_jsonw_end(w);
}

/* Tells of the domain only, never of the user. */
void td_id_realm(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    struct td_id id;
    struct td_buf b;
    struct td_jsonw w;
    struct td_slice local, user = req->params[0].n != 0 ? req->params[0] : td_http_query(req, "user");
    td_id_init(&id, ctx, req, reply);
    user = td_trim(td_sub(user, 0, TD_UPN_MAX));
    struct realm r = {.id = &id, .domain = td_cut(user, '@', &local)};
    if (td_upn_check(user, NULL) != TD_OK) {
        td_id_refuse(&id, TD_OA_REQUEST, "user is no name of the form name@domain.");
        td_oauth_reply(id.svc, &id.error, TD_EDENIED, id.a, reply);
        return;
    }
    enum td_code rc = td_store_read(id.svc->store, find_realm, &r, &id.err);
    if (rc != TD_OK) {
        td_oauth_reply(id.svc, &id.error, rc, id.a, reply);
        return;
    }
    td_buf_init(&b, DOCUMENT_MAX);
    td_jsonw_init(&w, &b);
    write_realm(&id, &r, td_arena_text(id.a, user), &w);
    reply_json(&id, &b);
}

struct asker {
    struct td_id *id;
    struct td_claims claims;
};

static enum td_code check_bearer(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct asker *k = ctx;
    return td_token_check(k->id->svc, tx, td_http_bearer(k->id->req), TD_RESOURCE_GRAPH, k->id->a, &k->claims, err);
}

void td_id_userinfo(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    struct td_id id;
    struct td_buf b;
    struct td_jsonw w;
    td_id_init(&id, ctx, req, reply);
    struct asker k = {.id = &id};
    if (td_store_read(id.svc->store, check_bearer, &k, &id.err) != TD_OK || k.claims.oid[0] == '\0') {
        td_reply_text(reply, 401, "application/json; charset=utf-8", TD_S("{\"error\":\"invalid_token\"}"));
        td_reply_header(reply, "WWW-Authenticate", "Bearer error=\"invalid_token\"");
        return;
    }
    td_buf_init(&b, DOCUMENT_MAX);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "sub", td_id_pairwise(&id, k.claims.tenant, k.claims.app_id, k.claims.oid));
    td_jsonw_kstr(&w, "name", k.claims.name);
    td_jsonw_kstr(&w, "email", k.claims.upn);
    td_jsonw_kstr(&w, "preferred_username", k.claims.upn);
    td_jsonw_end(&w);
    td_reply_text(reply, 200, "application/json; charset=utf-8", td_buf_slice(&b));
    td_reply_header(reply, "Cache-Control", "no-store");
    td_buf_done(&b);
}
