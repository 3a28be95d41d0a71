/* The administration interface: hostile paths, queries and bodies against a whole service with two tenants. Input: a
 * letter for who calls (c contoso, f fabrikam, else nobody), "GET /beta/groups?query" to the line's end, then the body.
 * No answer is a 500 or has another tenant's mark in it, errors keep their shape, and nobody gets nothing. */
#include "api/identity.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "fuzz_service.h"
#include "graph/graph.h"
#include "store/action.h"
#include "store/application.h"
#include "store/certificate.h"
#include "store/enrolment.h"
#include "store/group.h"
#include "store/profile.h"
#include "store/tenant.h"
#include "store/user.h"
#include "store/way.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fuzz_service f;
static struct td_door doors[2];

struct side {
    const char *domain, *mark; /* in the names of everything that is the tenant's */
    const char *managed[2];    /* ids of its managed devices, for the seeds */
    char tenant[TD_UUID_TEXT], client[TD_UUID_TEXT];
    char *token;
} sides[] = {{.domain = "contoso.test",
              .mark = "QxContosoOnlyZ7",
              .managed = {"aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000002"}},
             {.domain = "fabrikam.test",
              .mark = "WvFabrikamOnlyK3",
              .managed = {"bbbbbbbb-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"}}};

static const char *const roles[] = {"DeviceManagementServiceConfig.ReadWrite.All",
                                    "DeviceManagementManagedDevices.ReadWrite.All",
                                    "DeviceManagementManagedDevices.PrivilegedOperations.All",
                                    "DeviceManagementConfiguration.ReadWrite.All",
                                    "DeviceManagementApps.ReadWrite.All",
                                    "DeviceManagementRBAC.ReadWrite.All",
                                    "DeviceManagementScripts.ReadWrite.All",
                                    "Group.ReadWrite.All",
                                    "GroupMember.ReadWrite.All",
                                    "Device.ReadWrite.All",
                                    "DeviceLocalCredential.Read.All",
                                    "User.ReadWrite.All",
                                    "Organization.Read.All",
                                    "Domain.Read.All",
                                    "AuditLog.Read.All"};

/* Under management; the second one has an action that waits for another administrator. */
static enum td_code add_managed(struct td_tx *tx, const struct side *s, const char *tenant, size_t i,
                                struct td_arena *a, struct td_error *err)
{
    const struct td_action_asking wipe = {.kind = TD_ACTION_WIPE, .reason = s->mark, .actor = s->mark};
    struct td_way_row way = {.id = ""};
    struct td_action x;
    struct td_cert_row cert = {.sha256 = {(unsigned char)s->managed[i][0], (unsigned char)i},
                               .tenant = tenant,
                               .purpose = "management",
                               .subject = s->managed[i],
                               .serial = td_arena_printf(a, "%c%zu", s->managed[i][0], i),
                               .not_after = td_tx_now(tx) + 36500 * TD_DAY};
    struct td_enrolment e = {.id = s->managed[i],
                             .tenant = tenant,
                             .device_id = "",
                             .registration_id = "",
                             .user_id = "",
                             .user_upn = "",
                             .type = "Device",
                             .provider = "Touchdown",
                             .dm_id = "dm",
                             .hw_dev_id = "",
                             .device_name = s->mark,
                             .device_type = "CIMClient_Windows",
                             .os_version = "10.0.22631.1",
                             .os_edition = "48",
                             .locale = "en-US",
                             .cert_not_after = cert.not_after,
                             .secrets = TD_S("")};
    memcpy(e.cert_sha256, cert.sha256, sizeof(e.cert_sha256));
    td_try(td_way_add(tx, tenant, TD_WAY_ENROLMENT, e.id, a, &way, err));
    e.way_id = way.id;
    td_try(td_cert_record(tx, &cert, err));
    td_try(td_enrolment_add(tx, &e, NULL, err));
    td_try(td_way_link(tx, tenant, way.id, TD_WAY_ENROLMENT, e.id, err));
    td_try(td_way_happened(tx, tenant, way.id, TD_EV_ENROLLED, "device", "{}", err));
    return i == 0 ? TD_OK : td_action_ask(tx, tenant, e.id, &wipe, a, &x, err);
}

static enum td_code fill_side(struct td_tx *tx, struct side *s, struct td_arena *a, struct td_error *err)
{
    struct td_tenant t = {0};
    struct td_user u = {0};
    struct td_application app = {0};
    struct td_group g = {0};
    struct td_profile settings;
    struct td_profile_row p = {0};
    unsigned char sum[32];
    td_sha256(td_str("a-secret-of-the-fuzzer"), sum);
    td_try(td_tenant_add(tx, s->domain, s->mark, a, &t, err));
    td_try(td_user_add(tx, t.id, td_arena_printf(a, "ada@%s", s->domain), s->mark, "", "fuzz", a, &u, err));
    td_try(td_application_add(tx, t.id, s->mark, false, "fuzz", a, &app, err));
    for (size_t i = 0; i < TD_COUNTOF(roles); i++)
        td_try(td_application_role_add(tx, &app, roles[i], "fuzz", err));
    td_try(td_application_secret_add(tx, &app, sum, td_tx_now(tx) + 36500 * TD_DAY, "fuzz", err));
    td_try(td_group_add(tx, t.id, s->mark, "(device.deviceOSType -eq \"Windows\")", "fuzz", a, &g, err));
    td_try(td_profile_parse(TD_S("{}"), a, &settings, err));
    td_try(td_profile_add(tx, t.id, s->mark, &settings, "fuzz", a, &p, err));
    td_try(td_tenant_set(tx, t.id, "action-approval", "on", "fuzz", err));
    for (size_t i = 0; i < TD_COUNTOF(s->managed); i++)
        td_try(add_managed(tx, s, t.id, i, a, err));
    (void)snprintf(s->tenant, sizeof(s->tenant), "%s", t.id);
    (void)snprintf(s->client, sizeof(s->client), "%s", app.id);
    return TD_OK;
}

static enum td_code fill(struct td_tx *tx, void *ctx, struct td_error *err)
{
    for (size_t i = 0; i < TD_COUNTOF(sides); i++)
        td_try(fill_side(tx, &sides[i], ctx, err));
    return TD_OK;
}

static void run(const char *method, struct td_slice path, struct td_slice query, struct td_slice body,
                const char *token, struct td_arena *a, struct td_http_reply *reply)
{
    static const struct td_peer peer = {.address = "192.0.2.1", .tls = true};
    static const struct {
        const char *name;
        enum td_method method;
    } methods[] = {{"GET", TD_GET}, {"POST", TD_POST},     {"PATCH", TD_PATCH},
                   {"PUT", TD_PUT}, {"DELETE", TD_DELETE}, {"HEAD", TD_HEAD}};
    const struct td_router router = {doors, TD_COUNTOF(doors)};
    struct td_http_header header = {.name = TD_S("Authorization"),
                                    .value = td_str(td_arena_printf(a, "Bearer %s", token != NULL ? token : ""))};
    struct td_http_request req = {.method = TD_GET,
                                  .path = td_arena_copy(a, path),
                                  .query = td_arena_copy(a, query),
                                  .host = TD_S("localhost:8443"),
                                  .base = f.svc.base,
                                  .headers = &header,
                                  .header_count = token != NULL ? 1 : 0,
                                  .peer = &peer,
                                  .arena = a};
    for (size_t i = 0; i < TD_COUNTOF(methods); i++)
        if (strcmp(method, methods[i].name) == 0)
            req.method = methods[i].method;
    if (req.method != TD_GET && req.method != TD_HEAD)
        req.body = td_arena_copy(a, body);
    td_reply_init(reply);
    td_router_run(&router, &req, reply);
}

static void sign_in(struct side *s)
{
    struct td_arena a;
    struct td_http_reply reply;
    struct td_json *json = NULL;
    td_arena_init(&a);
    td_free(s->token);
    run("POST", td_str(td_arena_printf(&a, "/%s/oauth2/v2.0/token", s->tenant)), TD_S(""),
        td_str(td_arena_printf(&a,
                               "grant_type=client_credentials&client_id=%s&client_secret=a-secret-of-the-fuzzer"
                               "&scope=https%%3A%%2F%%2Fgraph.microsoft.com%%2F.default",
                               s->client)),
        NULL, &a, &reply);
    if (td_json_parse(td_buf_slice(&reply.body), 1 << 20, &a, &json, NULL) != TD_OK ||
        td_json_str(json, "access_token") == NULL)
        abort();
    s->token = td_strdup(td_json_str(json, "access_token"));
    td_reply_done(&reply);
    td_arena_done(&a);
}

static void end(void)
{
    for (size_t i = 0; i < TD_COUNTOF(sides); i++)
        td_free(sides[i].token);
    fuzz_close(&f);
}

static void begin(void)
{
    fuzz_open(&f, fill);
    doors[0] = (struct td_door){td_graph_routes, td_graph_route_count, &f.svc};
    doors[1] = (struct td_door){td_identity_routes, td_identity_route_count, &f.svc};
    for (size_t i = 0; i < TD_COUNTOF(sides); i++)
        sign_in(&sides[i]);
    (void)atexit(end);
}

/* The fuzzer learns the marks from comparisons and would write the other's mark into its own tenant: nobody writes even
 * half of one. */
static bool brings_mark(struct td_slice input, struct td_arena *a)
{
    char *text = td_arena_text(a, input);
    for (size_t i = 0; i < input.n; i++)
        text[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i]);
    for (size_t i = 0; i < TD_COUNTOF(sides); i++) {
        char *mark = td_arena_strdup(a, sides[i].mark);
        td_lower(mark);
        size_t half = strlen(mark) / 2;
        if (td_search(td_bytes(text, input.n), td_bytes(mark, half)) != SIZE_MAX ||
            td_search(td_bytes(text, input.n), td_str(mark + half)) != SIZE_MAX)
            return true;
    }
    return false;
}

static void judge(const struct td_http_reply *r, const struct side *who, struct td_arena *a)
{
    struct td_slice body = td_buf_slice(&r->body);
    struct td_json *json = NULL;
    if (r->status < 200 || r->status == 500)
        __builtin_trap();
    for (size_t i = 0; i < TD_COUNTOF(sides); i++)
        if (who != &sides[i] && td_search(body, td_str(sides[i].mark)) != SIZE_MAX)
            __builtin_trap();
    if (who == NULL && r->status < 400 && body.n != 0 && !td_starts(body, "<?xml"))
        __builtin_trap();
    for (size_t i = 0; i < r->header_count; i++)
        if (strpbrk(r->headers[i].value, "\r\n") != NULL)
            __builtin_trap();
    bool is_json = r->content_type != NULL && td_istarts(td_str(r->content_type), "application/json");
    if (is_json && td_json_parse(body, 64 << 20, a, &json, NULL) != TD_OK)
        __builtin_trap();
    if (is_json && r->status >= 400 && td_json_str(td_json_get(json, "error"), "message") == NULL)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_arena a;
    struct td_slice line, method, target, all = td_bytes(data, size);
    struct td_http_reply reply;
    if (f.svc.store == NULL)
        begin();
    if (size < 8)
        return 0;
    const struct side *who = data[0] == 'c' ? &sides[0] : data[0] == 'f' ? &sides[1] : NULL;
    struct td_slice body = td_cut(td_sub(all, 1, all.n), '\n', &line);
    target = td_cut(line, ' ', &method);
    struct td_slice query = td_cut(target, '?', &target);
    if (!td_istarts(target, "/v1.0/") && !td_istarts(target, "/beta/") && !td_istarts(target, "/myorganization/"))
        return 0;
    td_arena_init(&a);
    if (brings_mark(all, &a)) {
        td_arena_done(&a);
        return 0;
    }
    run(td_arena_text(&a, method), target, query, body, who != NULL ? who->token : NULL, &a, &reply);
    judge(&reply, who, &a);
    td_reply_done(&reply);
    td_arena_done(&a);
    return 0;
}
