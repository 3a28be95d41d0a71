#include "api/token.h"
#include "base/fault.h"
#include "codec/json.h"
#include "graph/error.h"
#include "graph/graph.h"

#include <string.h>

/* The management service as clients of the ecosystem know it (contract section 4). */
static const char management_app[] = "0000000a-0000-0000-c000-000000000000";
/* Its object and its endpoints: the same in every tenant, as each tenant's directory would make up its own. */
static const char management_object[] = "0000000a-0000-4000-8000-00000000000a";

static const struct {
    const char *id, *name, *path;
} endpoints[] = {
    {"0000000a-0000-4000-8000-000000000e01", "WindowsEnrollment", "/EnrollmentServer/Enrollment.svc"},
};

void td_graph_error(const struct td_service *svc, struct td_http_request *req, struct td_http_reply *reply, int status,
                    const char *code, const char *message)
{
    struct td_jsonw w;
    char now[TD_TIME_TEXT];
    const char *id = td_uuid_arena(svc->env, req->arena);
    struct td_slice theirs = td_sub(td_http_header(req, "client-request-id"), 0, 128);
    td_buf_reset(&reply->body);
    td_jsonw_init(&w, &reply->body);
    td_jsonw_obj(&w);
    td_jsonw_key(&w, "error");
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "code", code);
    td_jsonw_kstr(&w, "message", message);
    td_jsonw_key(&w, "innerError");
    td_jsonw_obj(&w);
    td_time_text(td_now(svc->env), now);
    now[strlen(now) - 1] = '\0'; /* this member goes without Z */
    td_jsonw_kstr(&w, "date", now);
    td_jsonw_kstr(&w, "request-id", id);
    td_jsonw_kstr(&w, "client-request-id",
                  theirs.n != 0 && td_utf8_ok(theirs) ? td_arena_text(req->arena, theirs) : id);
    td_jsonw_end(&w);
    td_jsonw_end(&w);
    td_jsonw_end(&w);
    reply->status = status;
    reply->content_type = "application/json";
    td_reply_header(reply, "request-id", id);
}

struct reader {
    struct td_service *svc;
    struct td_http_request *req;
    struct td_claims claims;
};

static enum td_code check(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct reader *r = ctx;
    return td_token_check(r->svc, tx, td_http_bearer(r->req), TD_RESOURCE_GRAPH, r->req->arena, &r->claims, err);
}

static bool allowed(struct td_service *svc, struct td_http_request *req, struct td_http_reply *reply)
{
    struct reader r = {.svc = svc, .req = req};
    struct td_error err = {0};
    enum td_code rc = td_store_read(svc->store, check, &r, &err);
    if (rc == TD_OK || td_fault("graph-anyone"))
        return true;
    if (rc != TD_EAUTH && rc != TD_EEXPIRED && rc != TD_EDENIED) {
        td_graph_error(svc, req, reply, td_http_status_of(rc), "ServiceUnavailable", "Try again in a moment.");
        return false;
    }
    td_reply_header(reply, "WWW-Authenticate",
                    td_arena_printf(req->arena,
                                    "Bearer realm=\"\", authorization_uri=\"%s/common/oauth2/authorize\","
                                    " client_id=\"00000003-0000-0000-c000-000000000000\"",
                                    req->base));
    td_graph_error(svc, req, reply, 401, "InvalidAuthenticationToken", err.text);
    return false;
}

static void write_endpoint(struct td_jsonw *w, size_t i, struct td_http_request *req)
{
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "id", endpoints[i].id);
    td_jsonw_kstr(w, "capability", endpoints[i].name);
    td_jsonw_kstr(w, "providerId", management_app);
    td_jsonw_kstr(w, "providerName", endpoints[i].name);
    td_jsonw_kstr(w, "providerResourceId", NULL);
    td_jsonw_kstr(w, "uri", td_arena_printf(req->arena, "%s%s", td_http_device_base(req), endpoints[i].path));
    td_jsonw_end(w);
}

static void list_endpoints(struct td_http_request *req, struct td_http_reply *reply, const char *version)
{
    struct td_jsonw w;
    td_jsonw_init(&w, &reply->body);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "@odata.context",
                  td_arena_printf(req->arena, "%s/%s/$metadata#servicePrincipals('%s')/endpoints", req->base, version,
                                  management_object));
    td_jsonw_key(&w, "value");
    td_jsonw_arr(&w);
    for (size_t i = 0; i < TD_COUNTOF(endpoints); i++)
        write_endpoint(&w, i, req);
    td_jsonw_arr_end(&w);
    td_jsonw_end(&w);
    reply->status = 200;
    reply->content_type = "application/json; odata.metadata=minimal; charset=utf-8";
}

/* x/{id}, x/name=value and the same in quotes or parentheses are one form: the key without its dress. */
static struct td_slice bare(struct td_slice key)
{
    if (key.n >= 2 && key.p[0] == '(' && key.p[key.n - 1] == ')')
        key = td_sub(key, 1, key.n - 2);
    if (td_istarts(key, "appId="))
        key = td_sub(key, sizeof("appId=") - 1, key.n);
    if (key.n >= 2 && key.p[0] == '\'' && key.p[key.n - 1] == '\'')
        key = td_sub(key, 1, key.n - 2);
    return key;
}

/* "servicePrincipals/<key>" or "servicePrincipals(<key>)", then "/endpoints"; the key of which principal, or {"",0}. */
static struct td_slice principal_of(struct td_slice path)
{
    static const char name[] = "servicePrincipals", list[] = "/endpoints";
    if (td_istarts(path, "myorganization/"))
        path = td_sub(path, sizeof("myorganization/") - 1, path.n);
    if (td_ends(path, "/"))
        path = td_sub(path, 0, path.n - 1);
    if (!td_istarts(path, name) || path.n < sizeof(name) + sizeof(list))
        return TD_S("");
    struct td_slice key = td_sub(path, sizeof(name) - 1, path.n);
    size_t tail = key.n - (sizeof(list) - 1);
    if (!td_ieqs(td_sub(key, tail, key.n), list))
        return TD_S("");
    key = td_sub(key, 0, tail);
    return bare(key.p[0] == '/' ? td_sub(key, 1, key.n) : key);
}

static void get(struct td_service *svc, struct td_http_request *req, struct td_http_reply *reply, const char *version)
{
    struct td_slice key = principal_of(req->params[0]);
    if (key.n == 0) {
        td_graph_error(svc, req, reply, 501, "NotImplemented", "This resource is not offered yet.");
        return;
    }
    if (!allowed(svc, req, reply))
        return;
    if (td_ieqs(key, management_app) || td_ieqs(key, management_object))
        list_endpoints(req, reply, version);
    else
        td_graph_error(svc, req, reply, 404, "Request_ResourceNotFound", "There is no such service principal.");
}

static void get_v1(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    get(ctx, req, reply, "v1.0");
}

static void get_beta(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    get(ctx, req, reply, "beta");
}

static void not_offered(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    td_graph_error(ctx, req, reply, 501, "NotImplemented", "This operation is not offered yet.");
}

enum { MAX_BODY = 1 << 20, WRITES = TD_POST | TD_PUT | TD_PATCH | TD_DELETE };

const struct td_route td_graph_routes[] = {
    {TD_GET, "/v1.0/{path*}", get_v1, 0, 0},
    {TD_GET, "/beta/{path*}", get_beta, 0, 0},
    {TD_GET, "/myorganization/{path*}", get_v1, 0, 0},
    {WRITES, "/v1.0/{path*}", not_offered, 0, MAX_BODY},
    {WRITES, "/beta/{path*}", not_offered, 0, MAX_BODY},
    {WRITES, "/myorganization/{path*}", not_offered, 0, MAX_BODY},
};
const size_t td_graph_route_count = TD_COUNTOF(td_graph_routes);
