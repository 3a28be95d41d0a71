/* What devices bring when they are asked: archives of logs and passwords of their local administrators, as clients read
 * them (logCollectionRequests, deviceLocalCredentials). */
#include "api/diagnostics.h"
#include "api/local_credential.h"
#include "managed_world.h"
#include "store/action.h"

#include <unistd.h>

#define LOGS MANAGED "/" FIRST "/logCollectionRequests"
#define CREDENTIALS "/v1.0/directory/deviceLocalCredentials"

/* The upload door stands beside the interface. */
static struct td_door doors[3];

static void open_upload(void)
{
    doors[0] = g.doors[0];
    doors[1] = g.doors[1];
    doors[2] = (struct td_door){td_diagnostics_routes, td_diagnostics_route_count, &g.box->svc};
    g.router = (struct td_router){doors, TD_COUNTOF(doors)};
}

static enum td_code deliver(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const char *id = ctx;
    td_try(td_action_delivered(tx, g.box->tenant, id, err));
    return td_action_answered(tx, g.box->tenant, id, 200, 0, err);
}

static void archive_comes(const char *request)
{
    const char *xml = NULL, *id = strrchr(request, '_') + 1;
    struct td_error err = {0};
    assert_ok(td_diagnostic_order(&g.box->svc, g.box->tenant, id, HOST, &g.box->arena, &xml, &err));
    const char *url = strstr(xml, HOST);
    assert_non_null(url);
    commit(deliver, td_arena_strdup(&g.box->arena, id));
    const char *end = strstr(url, strstr(url, "]]>") != NULL ? "]]>" : "<");
    g.extra[0] = "x-ms-blob-type: BlockBlob";
    g.type = "Content-Type: application/zip";
    gw_send("PUT", text("%.*s", (int)(end - url), url), "PK\005\006 an archive of logs", NULL);
    g.extra[0] = g.type = NULL;
    if (g.status != 201)
        fail_msg("upload: %d %s", g.status, g.body);
}

static void logs(void **state TD_UNUSED)
{
    (void)managed(1, FIRST);
    open_upload();
    get(LOGS);
    counts(0);
    ask(200, "POST " MANAGED "/" FIRST "/createDeviceLogCollectionRequest",
        "{\"templateType\":{\"@odata.type\":\"microsoft.graph.deviceLogCollectionRequest\",\"templateType\":"
        "\"predefined\"}}");
    const char *id = gw_str("id");
    assert_true(td_starts(td_str(id), text("%s_" FIRST "_", g.box->tenant)));
    is("status", "\"pending\"");
    is_text("managedDeviceId", FIRST);
    is_text("initiatedByUserPrincipalName", g.client);
    is("receivedDateTimeUTC", "null");
    is("enrolledByUser", "\"ada@contoso.test\"");
    get(MANAGED "/" FIRST);
    is("deviceActionResults/0/actionName", "\"createDeviceLogCollectionRequest\"");
    is("deviceActionResults/0/actionState", "\"pending\"");
    askf(409, NULL, "POST " LOGS "/%s/createDownloadUrl", id);
    is_error("Conflict");
    archive_comes(id);
    askf(200, NULL, "GET " LOGS "/%s", id);
    is("status", "\"completed\"");
    is("sizeInKB", "1");
    is("size", "23");
    assert_string_not_equal(gw_value(gw_at("receivedDateTimeUTC")), "null");
    get(MANAGED "/" FIRST);
    is("deviceActionResults/0/actionState", "\"done\"");
    askf(200, NULL, "POST " LOGS "/%s/createDownloadUrl", id);
    is_text("@odata.context", HOST "/beta/$metadata#Edm.String");
    const char *url = gw_str("value");
    get("/v1.0/deviceManagement/auditEvents?$orderby=activityDateTime desc&$top=1"); /* who read logs is known */
    is("value/0/activityType", "\"Read logs of ManagedDevice\"");
    is_text("value/0/resources/0/resourceId", FIRST);
    gw_send("GET", url, NULL, NULL); /* the address is the proof */
    assert_int_equal(g.status, 200);
    assert_int_equal(g.box->reply.file_length, 23);
    askf(204, NULL, "DELETE " LOGS "/%s", id);
    gw_send("GET", url, NULL, NULL);
    assert_int_not_equal(g.status, 200);
    char *file = td_diagnostic_path(g.box->dir, strrchr(id, '_') + 1, &g.box->arena);
    assert_int_equal(access(file, F_OK), 0);
    gw_work();
    assert_int_not_equal(access(file, F_OK), 0); /* the bytes go too */
    assert_int_equal(rmdir(text("%s/diagnostics", g.box->dir)), 0);
    get(LOGS);
    counts(0);
    askf(404, NULL, "GET " LOGS "/%s", id);
}

static enum td_code give_up(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_error why = {.code = TD_EUNAVAILABLE, .text = "no room", .remedy = "Free some space."};
    return td_action_finish(tx, g.box->tenant, ctx, TD_ACT_FAILED, &why, err);
}

static void logs_that_never_come(void **state TD_UNUSED)
{
    (void)managed(1, FIRST);
    ask(200, "POST /v1.0/deviceManagement/managedDevices/" FIRST "/createDeviceLogCollectionRequest", NULL);
    askf(204, NULL, "DELETE " LOGS "/%s", gw_str("id")); /* thinking better of it */
    get(LOGS "/$count");
    assert_string_equal(g.body, "0");
    g.box->world.now += TD_MINUTE;
    ask(200, "POST " MANAGED "/" FIRST "/createDeviceLogCollectionRequest", "{\"templateType\":null}");
    const char *id = gw_str("id");
    commit(give_up, strrchr(td_arena_strdup(&g.box->arena, id), '_') + 1);
    get(LOGS);
    is("value/0/status", "\"failed\"");
    askf(409, NULL, "DELETE " LOGS "/%s", id);
    ask(400, "POST " MANAGED "/" FIRST "/createDeviceLogCollectionRequest", "{\"templateType\":7}");
    ask(404, "POST " MANAGED "/" SECOND "/createDeviceLogCollectionRequest", NULL);
    gw_call_as(g.foreign, "GET " LOGS, NULL);
    assert_int_equal(g.status, 404);
}

/* ---- passwords ---- */

struct backup {
    const char *device, *password;
};

static enum td_code back_up(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct backup *b = ctx;
    struct td_arena *a = &g.box->arena;
    struct td_local_credential c = {.id = td_uuid_rising(td_tx_env(tx), a),
                                    .account = "Administrator",
                                    .sid = "S-1-5-21-1-2-3-500",
                                    .expires_at = td_tx_now(tx) + 30 * TD_DAY};
    td_try(td_seal(&g.box->svc.master, td_tx_env(tx), text("local-credential/%s/%s/%s", g.box->tenant, b->device, c.id),
                   td_str(b->password), a, &c.sealed));
    return td_local_credential_put(tx, g.box->tenant, b->device, &c, err);
}

/* How often somebody was told to have read a password. */
static size_t told(void)
{
    get("/v1.0/auditLogs/directoryAudits?$filter=activityDisplayName eq 'Read DeviceLocalCredential'");
    return gw_count();
}

static void passwords(void **state TD_UNUSED)
{
    struct backup first = {.device = managed(1, FIRST), .password = "aAbB12"}, second = first;
    commit(back_up, &first);
    second.password = "Q\xC3\xA9@d8f8gY";
    commit(back_up, &second);
    get(CREDENTIALS);
    counts(1);
    is_text("value/0/id", first.device);
    is("value/0/deviceName", "\"SN-0001\"");
    is("value/0/credentials", "(missing)");
    assert_null(strstr(g.body, "password"));
    size_t before = told();
    askf(200, NULL, "GET " CREDENTIALS "/%s", first.device);
    is("credentials", "(missing)");
    assert_int_equal(told(), before);
    askf(200, NULL, "GET " CREDENTIALS "/%s?$select=credentials", first.device);
    is_text("id", first.device); /* beside it stands all that tools read (deviceName, times) */
    is("deviceName", "\"SN-0001\"");
    assert_string_not_equal(gw_value(gw_at("refreshDateTime")), "null");
    is("credentials/0/accountName", "\"Administrator\"");
    is("credentials/0/accountSid", "\"S-1-5-21-1-2-3-500\"");
    is("credentials/0/passwordBase64", "\"UQDpAEAAZAA4AGYAOABnAFkA\""); /* UTF-16, little-endian, the newest first */
    is("credentials/1/passwordBase64", "\"YQBBAGIAQgAxADIA\"");
    is("credentials/2", "(missing)");
    assert_int_equal(told(), before + 1);
    askf(200, NULL, "GET /beta/deviceLocalCredentials/%s/credentials", first.device);
    is("value/0/accountName", "\"Administrator\"");
    assert_int_equal(told(), before + 2);
    get("/v1.0/directory/deviceLocalCredentials?$filter=deviceName eq 'SN-0001'");
    is_text("value/0/id", first.device);
    is("value/1", "(missing)");
    ask(400, "GET " CREDENTIALS "?$select=credentials", NULL); /* one device at a time */
    ask(404, "GET " CREDENTIALS "/" NO_GUID "?$select=credentials", NULL);
    is_error("Request_ResourceNotFound");
    gw_call_as(g.foreign, text("GET " CREDENTIALS "/%s?$select=credentials", first.device), NULL);
    assert_int_equal(g.status, 404);
}

static void who_may_read_passwords(void **state TD_UNUSED)
{
    struct backup b = {.device = managed(1, FIRST), .password = "aAbB12"};
    commit(back_up, &b);
    const char *basic = token_with("Basic", "DeviceLocalCredential.ReadBasic.All");
    const char *other = token_with("Other", "DeviceManagementManagedDevices.ReadWrite.All");
    gw_call_as(basic, "GET " CREDENTIALS, NULL);
    assert_int_equal(g.status, 200);
    gw_call_as(basic, text("GET " CREDENTIALS "/%s", b.device), NULL);
    assert_int_equal(g.status, 200);
    static const char *const forms[] = {"?$select=credentials", "?$select=id,Credentials", "/credentials"};
    for (size_t i = 0; i < TD_COUNTOF(forms); i++) {
        gw_call_as(basic, text("GET " CREDENTIALS "/%s%s", b.device, forms[i]), NULL);
        if (g.status != 403)
            fail_msg("%s: %d %s", forms[i], g.status, g.body);
        is_error("Authorization_RequestDenied");
        assert_null(strstr(g.body, "YQBBAGIAQgAxADIA"));
    }
    gw_call_as(other, "GET " CREDENTIALS, NULL);
    assert_int_equal(g.status, 403);
    get("/v1.0/auditLogs/directoryAudits?$filter=result eq 'failure'"); /* who tried is known */
    assert_true(gw_count() >= TD_COUNTOF(forms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(logs), TEST(logs_that_never_come), TEST(passwords),
                                       TEST(who_may_read_passwords)};
    return cmocka_run_group_tests_name("graph_collected", tests, NULL, NULL);
}
