/* The administration interface as its clients use it: requests as the documents print them, answers looked into by
 * path.
 *
 * A service with the doors of sign-in, administration and enrolment, two tenants, an application of each right's widest
 * scope whose token comes from the token door, and the jobs that work behind the answers. Targets are written with
 * blanks and quotes as in the documents; blanks go percent-encoded as PowerShell sends them. */
#ifndef TD_TESTS_WIRE_GRAPH_WORLD_H
#define TD_TESTS_WIRE_GRAPH_WORLD_H

#include "api/identity.h"
#include "app/joblist.h"
#include "fleet.h"
#include "graph/graph.h"
#include "store/application.h"

#include <ctype.h>

#define HOST "https://localhost:8443"
#define DM "/beta/deviceManagement/"
#define DEVICES DM "windowsAutopilotDeviceIdentities"
#define IMPORTED DM "importedWindowsAutopilotDeviceIdentities"
#define PROFILES DM "windowsAutopilotDeploymentProfiles"
#define ESP DM "deviceEnrollmentConfigurations"
#define NEVER "0001-01-01T00:00:00Z"
#define NO_GUID "00000000-0000-0000-0000-000000000000"

struct graph_world {
    struct service_box *box;
    struct td_door doors[2];
    struct td_router router;
    const char *token, *foreign; /* of contoso's and of fabrikam's application */
    const char *client, *secret;
    const char *accept, *type; /* headers of the next requests, NULL: the usual ones */
    const char *extra[4];
    int status;
    const char *body;
    const struct td_json *json; /* NULL if the body is none */
};

static struct graph_world g;

/* ---- asking ---- */

static inline char *gw_encode(const char *target)
{
    struct td_buf b;
    td_buf_init(&b, 65536);
    for (; *target != '\0'; target++)
        if (*target == ' ' || *target == '"' || *target == '<' || *target == '>' || *target == '|')
            td_buf_printf(&b, "%%%02X", (unsigned char)*target);
        else
            td_buf_addc(&b, *target);
    char *text = td_arena_text(&g.box->arena, td_buf_slice(&b));
    td_buf_done(&b);
    return text;
}

static inline void gw_send(const char *method, const char *target, const char *body, const char *bearer)
{
    const char *headers[10] = {0};
    size_t n = 0;
    struct td_arena *a = &g.box->arena;
    if (strncmp(target, HOST, strlen(HOST)) == 0)
        target += strlen(HOST); /* a nextLink, verbatim */
    if (bearer != NULL)
        headers[n++] = td_arena_printf(a, "Authorization: Bearer %s", bearer);
    if (body != NULL)
        headers[n++] = g.type != NULL ? g.type : "Content-Type: application/json";
    else if (g.type != NULL)
        headers[n++] = g.type;
    if (g.accept != NULL)
        headers[n++] = g.accept;
    for (size_t i = 0; i < TD_COUNTOF(g.extra) && g.extra[i] != NULL; i++)
        headers[n++] = g.extra[i];
    td_reply_done(&g.box->reply);
    td_loopback(&g.router, method, gw_encode(target), headers, td_str(body != NULL ? body : ""), NULL, a,
                &g.box->reply);
    g.status = g.box->reply.status;
    g.body = td_arena_text(a, td_buf_slice(&g.box->reply.body));
    struct td_json *json = NULL;
    g.json = td_json_parse(td_str(g.body), 4 << 20, a, &json, NULL) == TD_OK ? json : NULL;
}

/* call: "GET /beta/groups?$filter=..." */
static inline void gw_call_as(const char *bearer, const char *call, const char *body)
{
    const char *blank = strchr(call, ' ');
    assert_non_null(blank);
    gw_send(td_arena_printf(&g.box->arena, "%.*s", (int)(blank - call), call), blank + 1, body, bearer);
}

static inline void gw_expect_at(int status, const char *call, const char *body, const char *file, int line)
{
    gw_call_as(g.token, call, body);
    if (g.status != status) {
        print_error("%s\n%s\nwant %d, got %d: %.2000s\n", call, body != NULL ? body : "", status, g.status, g.body);
        _fail(file, line);
    }
    if (g.status == 204 && g.body[0] != '\0') {
        print_error("%s: 204 with a body: %s\n", call, g.body);
        _fail(file, line);
    }
}
#define ask(status, call, body) gw_expect_at((status), (call), (body), __FILE__, __LINE__)
#define get(call) gw_expect_at(200, "GET " call, NULL, __FILE__, __LINE__)
#define text(...) td_arena_printf(&g.box->arena, __VA_ARGS__)
#define askf(status, body, ...) gw_expect_at((status), text(__VA_ARGS__), (body), __FILE__, __LINE__)

/* ---- looking into answers: "value/0/state/deviceImportStatus", names as they are ---- */

static inline const struct td_json *gw_at(const char *path)
{
    const struct td_json *j = g.json;
    struct td_slice rest = td_str(path), part;
    while (j != NULL && rest.n != 0) {
        rest = td_cut(rest, '/', &part);
        if (j->type == TD_JSON_ARRAY) {
            uint64_t i = 0;
            if (!td_parse_u64(part, &i))
                return NULL;
            for (j = j->child; j != NULL && i != 0; i--)
                j = j->next;
        } else {
            j = td_json_get(j, td_arena_text(&g.box->arena, part));
        }
    }
    return j;
}

/* A value as JSON text: "x", 5, true, null, {...}; "(missing)" if it is not there. */
static inline const char *gw_value(const struct td_json *j)
{
    struct td_buf b;
    struct td_jsonw w;
    if (j == NULL)
        return "(missing)";
    td_buf_init(&b, 1 << 20);
    td_jsonw_init(&w, &b);
    td_jsonw_tree(&w, j);
    char *all = td_arena_text(&g.box->arena, td_buf_slice(&b));
    td_buf_done(&b);
    if (j->name == NULL)
        return all;
    const char *colon = strstr(all, "\":"); /* a member may be written with its name */
    return all[0] == '"' && colon != NULL && strncmp(all + 1, j->name, strlen(j->name)) == 0 ? colon + 2 : all;
}

static inline const char *gw_str(const char *path)
{
    const struct td_json *j = gw_at(path);
    if (j == NULL || j->type != TD_JSON_STRING)
        fail_msg("no text at %s in %.2000s", path, g.body);
    return j->str;
}

static inline void gw_is_at(const char *path, const char *want, const char *file, int line)
{
    const char *have = gw_value(gw_at(path));
    if (strcmp(have, want) != 0) {
        print_error("%s: want %s, have %s in %.2000s\n", path, want, have, g.body);
        _fail(file, line);
    }
}
#define is(path, want) gw_is_at((path), (want), __FILE__, __LINE__)
#define is_text(path, want) gw_is_at((path), text("\"%s\"", (want)), __FILE__, __LINE__)

static inline size_t gw_count(void)
{
    const struct td_json *v = td_json_get(g.json, "value");
    if (v == NULL || v->type != TD_JSON_ARRAY)
        fail_msg("no collection: %.2000s", g.body);
    return td_json_count(v);
}
#define counts(n) assert_int_equal(gw_count(), (n))

/* The element of value whose member is this text, as "value/3"; "" if there is none. */
static inline const char *gw_find(const char *member, const char *value)
{
    size_t n = gw_count();
    for (size_t i = 0; i < n; i++) {
        const struct td_json *m = gw_at(text("value/%zu/%s", i, member));
        if (m != NULL && m->type == TD_JSON_STRING && strcmp(m->str, value) == 0)
            return text("value/%zu", i);
    }
    return "";
}

static inline const char *gw_header(const char *name)
{
    const char *v = td_loopback_header(&g.box->reply, name);
    return v != NULL ? v : "";
}

/* The error's shape in every answer (graph-api.md 2.4). */
static inline void gw_error_at(const char *code, const char *file, int line)
{
    const struct td_json *e = td_json_get(g.json, "error"), *inner = td_json_get(e, "innerError");
    bool whole = td_json_str(e, "message") != NULL && td_json_str(inner, "date") != NULL &&
                 td_json_str(inner, "request-id") != NULL && td_json_str(inner, "client-request-id") != NULL;
    if (!whole || strcmp(td_json_str(e, "code") != NULL ? td_json_str(e, "code") : "", code) != 0) {
        print_error("want error %s, have %d %s\n", code, g.status, g.body);
        _fail(file, line);
    }
}
#define is_error(code) gw_error_at((code), __FILE__, __LINE__)

/* Everything that was left for later is done. */
static inline void gw_work(void)
{
    struct td_error err = {0};
    if (td_jobs_run(&g.box->svc, td_job_list, td_job_count, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
}

/* ---- the world ---- */

static const char gw_scopes[] =
    "DeviceManagementServiceConfig.ReadWrite.All DeviceManagementManagedDevices.ReadWrite.All"
    " DeviceManagementManagedDevices.PrivilegedOperations.All DeviceManagementConfiguration.ReadWrite.All"
    " DeviceManagementApps.ReadWrite.All DeviceManagementScripts.ReadWrite.All DeviceManagementRBAC.ReadWrite.All"
    " Group.ReadWrite.All GroupMember.ReadWrite.All Device.ReadWrite.All User.ReadWrite.All Organization.Read.All"
    " Domain.Read.All AuditLog.Read.All DeviceLocalCredential.Read.All";

struct gw_app {
    const char *tenant, *secret;
    struct td_application app;
};

static enum td_code gw_add_app(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct gw_app *n = ctx;
    struct td_slice rest = td_str(gw_scopes), one;
    unsigned char sum[32];
    td_sha256(td_str(n->secret), sum);
    td_try(td_application_add(tx, n->tenant, "Lab script", false, "test", &g.box->arena, &n->app, err));
    while (rest.n != 0) {
        rest = td_cut(rest, ' ', &one);
        td_try(td_application_role_add(tx, &n->app, td_arena_text(&g.box->arena, one), "test", err));
    }
    return td_application_secret_add(tx, &n->app, sum, td_tx_now(tx) + 365 * TD_DAY, "test", err);
}

/* graph-api.md 3.1 (1): the script's own form. */
static inline const char *gw_token_of(const char *tenant, const char *client, const char *secret)
{
    const char *type = g.type;
    g.type = "Content-Type: application/x-www-form-urlencoded";
    gw_send("POST", text("/%s/oauth2/v2.0/token", tenant),
            text("grant_type=client_credentials&client_id=%s&client_secret=%s"
                 "&scope=https%%3A%%2F%%2Fgraph.microsoft.com%%2F.default",
                 client, secret),
            NULL);
    g.type = type;
    if (g.status != 200)
        fail_msg("token: %d %s", g.status, g.body);
    return gw_str("access_token");
}

static inline int gw_setup(void **state)
{
    box_setup(state);
    g = (struct graph_world){.box = *state, .secret = "an-apps-secret"};
    g.doors[0] = (struct td_door){td_identity_routes, td_identity_route_count, &g.box->svc};
    g.doors[1] = (struct td_door){td_graph_routes, td_graph_route_count, &g.box->svc};
    g.router = (struct td_router){g.doors, TD_COUNTOF(g.doors)};
    const char *tenants[] = {g.box->tenant, g.box->other};
    const char **tokens[] = {&g.token, &g.foreign};
    for (size_t i = 0; i < TD_COUNTOF(tenants); i++) {
        struct gw_app n = {.tenant = tenants[i], .secret = g.secret};
        struct td_error err = {0};
        if (td_store_write(g.box->svc.store, gw_add_app, &n, &err) != TD_OK)
            fail_msg("%s: %s", err.where, err.text);
        *tokens[i] = gw_token_of(tenants[i], n.app.id, g.secret);
        g.client = i == 0 ? n.app.id : g.client;
    }
    return 0;
}

/* A machine is registered as an administrator's command line does it. */
static inline void gw_machine(unsigned number, const char *tag)
{
    fleet_machine(g.box, number, tag);
    gw_work();
}

static inline const char *gw_hash(unsigned number)
{
    const struct machine m = {.number = number};
    return machine_hash(g.box, &m);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, gw_setup, box_teardown)

#endif
