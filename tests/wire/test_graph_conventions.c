/* graph-api.md section 2: query options that tools really send, envelopes, headers, batches, rights. Written from the
 * document alone. */
#include "graph_world.h"

static const char *const kiosk_rule = "(device.devicePhysicalIds -any _ -eq \\\"[OrderID]:KIOSK\\\")";

static const char *dynamic_group(const char *name)
{
    ask(201, "POST /beta/groups",
        text("{\"displayName\":\"%s\",\"mailEnabled\":false,\"mailNickname\":\"x\",\"securityEnabled\":true,"
             "\"groupTypes\":[\"DynamicMembership\"],\"membershipRule\":\"%s\",\"membershipRuleProcessingState\":"
             "\"On\"}",
             name, kiosk_rule));
    return gw_str("id");
}

static const char *static_group(const char *name)
{
    ask(201, "POST /beta/groups",
        text("{\"displayName\":\"%s\",\"mailEnabled\":false,\"mailNickname\":\"x\",\"securityEnabled\":true}", name));
    return gw_str("id");
}

/* One of the table's filters finds this many. */
static void finds(size_t n, const char *set, const char *filter)
{
    askf(200, NULL, "GET %s?$filter=%s", set, filter);
    if (gw_count() != n)
        fail_msg("%s?$filter=%s: want %zu: %s", set, filter, n, g.body);
}

/* 2.1 */
static void directory_filters(void **state TD_UNUSED)
{
    gw_machine(1, "KIOSK");
    gw_machine(2, "SALES-1");
    const char *group = dynamic_group("Kiosks");
    (void)static_group("It's ours");
    gw_work();
    get(DEVICES "?$filter=contains(serialNumber,'SN-0001')");
    const char *id = gw_str("value/0/id"), *device = gw_str("value/0/azureActiveDirectoryDeviceId");
    finds(1, "/v1.0/devices", text("deviceId eq '%s'", device));
    finds(1, "/beta/devices", text("deviceID eq '%s'", device));
    finds(1, "/beta/devices", "displayName eq 'SN-0001'");
    finds(2, "/beta/devices", "startswith(displayName,'SN-')");
    g.extra[0] = "ConsistencyLevel: eventual";
    finds(1, "/beta/devices", "physicalIds/any(p:startsWith(p,'[OrderId]:KIOSK'))");
    finds(1, "/beta/devices", "physicalIds/any(p:startsWith(p,'[OrderId]:SALES-'))");
    finds(1, "/beta/devices", text("physicalIds/any(p:p eq '[ZTDID]:%s')", id));
    finds(1, "/v1.0/groups", "groupTypes/any(c:c eq 'DynamicMembership')");
    finds(1, "/v1.0/groups", "not groupTypes/any(c:c eq 'DynamicMembership')");
    get("/beta/groups?$search=\"displayName:kiosk\"&$count=true");
    counts(1);
    is("@odata.count", "1");
    gw_call_as(g.token, "GET /v1.0/groups/$count", NULL);
    assert_int_equal(g.status, 200);
    assert_string_equal(g.body, "2");
    assert_int_equal(strncmp(g.box->reply.content_type, "text/plain", 10), 0);
    g.extra[0] = NULL;
    ask(400, "GET /beta/groups?$search=\"displayName:kiosk\"", NULL); /* needs the header */
    finds(1, "/beta/groups", "displayName eq 'It''s ours'");
    finds(1, "/beta/groups", text("id eq '%s'", group));
    askf(200, NULL, "GET /beta/groups('%s')", group);
    askf(200, NULL, "GET /v1.0/groups/%s/members", group);
    counts(1);
    is_text("value/0/deviceId", device);
    is("value/0/@odata.type", "\"#microsoft.graph.device\"");
    askf(200, NULL, "GET /v1.0/groups/%s/transitiveMembers?$select=id", group);
    counts(1);
    ask(200, "GET /v1.0/users/ada@contoso.test", NULL);
    is("userPrincipalName", "\"ada@contoso.test\"");
}

static void management_filters(void **state TD_UNUSED)
{
    gw_machine(1, "KIOSK");
    ask(201, "POST " ESP,
        "{\"@odata.type\":\"#microsoft.graph.windows10EnrollmentCompletionPageConfiguration\",\"displayName\":"
        "\"ESP\"}");
    finds(1, ESP, "displayName eq 'esp'");
    askf(200, NULL, "GET " ESP "?$filter=endsWith(id,'_Windows10EnrollmentCompletionPageConfiguration')");
    counts(1);
    finds(1, ESP, "deviceEnrollmentConfigurationType eq 'windows10EnrollmentCompletionPageConfiguration'");
    finds(2, ESP, "isof('microsoft.graph.windows10EnrollmentCompletionPageConfiguration')");
    finds(0, DM "deviceConfigurations",
          "isof('microsoft.graph.windows10CustomConfiguration') or "
          "isof('microsoft.graph.editionUpgradeConfiguration')");
    finds(0, DM "deviceConfigurations", "displayName eq 'x'");
    finds(0, DM "roleDefinitions", "isBuiltIn eq false");
    get(DM "roleDefinitions?$filter=isBuiltIn eq true&$expand=roleAssignments");
    assert_true(gw_count() > 0);
    get(DM "roleScopeTags?$filter=isBuiltIn eq false");
    counts(0);
    get(DM "configurationPolicies?$expand=settings");
    get(DM "deviceConfigurations?$expand=microsoft.graph.windows10GeneralConfiguration/privacyAccessControls");
    get(PROFILES "?$expand=assignments,assignedDevices");
    get(DEVICES "?$expand=deploymentProfile,intendedDeploymentProfile&$select=id, serialNumber");
    is("value/0/deploymentProfile", "null");
    is("value/0/groupTag", "(missing)");
    for (int top = 5; top <= 1000; top = top == 5 ? 100 : top == 100 ? 999 : top + 1) {
        askf(200, NULL, "GET " DEVICES "?$top=%d", top);
        counts(1);
    }
    get(DEVICES "?$search=\"0001\"");
    counts(1);
    get(DEVICES "?$search=\"nowhere\"");
    counts(0);
    get(DEVICES "?$filter=serialNumber in ('SN-0001','SN-0002')&$count=true");
    is("@odata.count", "1");
    static const char *const bad[] = {"serialNumber ~ 'x'",
                                      "contains(serialNumber)",
                                      "contains('a','b','c')",
                                      "lastContactedDateTime eq 'yesterday'",
                                      "id eq",
                                      "((serialNumber eq 'x')",
                                      "enrollmentState eq 'asleep'"};
    for (size_t i = 0; i < TD_COUNTOF(bad); i++) {
        askf(400, NULL, "GET " DEVICES "?$filter=%s", bad[i]);
        is_error("BadRequest");
        assert_true(strlen(gw_str("error/message")) > 10);
    }
}

/* 2.3 */
static void envelopes(void **state TD_UNUSED)
{
    gw_machine(1, "KIOSK");
    get(DEVICES);
    const char *id = gw_str("value/0/id");
    assert_int_equal(strncmp(g.box->reply.content_type, "application/json", 16), 0);
    is_text("@odata.context", HOST "/beta/$metadata#deviceManagement/windowsAutopilotDeviceIdentities");
    askf(200, NULL, "GET /v1.0/deviceManagement/windowsAutopilotDeviceIdentities/%s", id);
    is_text("@odata.context", HOST "/v1.0/$metadata#deviceManagement/windowsAutopilotDeviceIdentities/$entity");
    get("/v1.0/groups");
    is_text("@odata.context", HOST "/v1.0/$metadata#groups");
    ask(200, "POST " DEVICES "/deleteDevices", "{\"serialNumbers\":[]}");
    assert_non_null(strstr(gw_str("@odata.context"), "$metadata#Collection("));
    get("/v1.0/myorganization/organization");
    counts(1);
    gw_call_as(g.token, "HEAD /v1.0/organization", NULL);
    assert_int_equal(g.status, 200);
}

/* 2.4: what comes along in requests is taken; Prefer says what the answer shall be. */
static void headers(void **state TD_UNUSED)
{
    static const char profile[] =
        "{\"@odata.type\":\"#microsoft.graph.azureADWindowsAutopilotDeploymentProfile\",\"displayName\":\"%s\"}";
    g.extra[0] = "SdkVersion: graph-powershell/2.34.0";
    g.extra[1] = "return-client-request-id: true";
    g.extra[2] = "Prefer: include-unknown-enum-members";
    g.accept = "Accept: */*";
    for (unsigned i = 1; i <= 3; i++)
        gw_machine(i, "");
    get(DEVICES);
    counts(3);
    g.extra[2] = "Prefer: odata.maxpagesize=2";
    get(DEVICES);
    counts(2);
    (void)gw_str("@odata.nextLink");
    g.extra[2] = "Prefer: return=representation";
    ask(201, "POST " PROFILES, text(profile, "One"));
    const char *id = gw_str("id");
    g.extra[2] = "If-Match: *";
    askf(200, "{\"description\":\"x\"}", "PATCH " PROFILES "/%s", id);
    g.type = "Content-Type: application/json; charset=utf-8; odata.metadata=minimal";
    askf(200, "{\"description\":\"y\"}", "PATCH " PROFILES "/%s", id);
    is("description", "\"y\"");
    g.type = NULL;
    askf(204, NULL, "DELETE " PROFILES "/%s", id);
    g.extra[2] = "Prefer: return=minimal";
    gw_call_as(g.token, "POST " PROFILES, text(profile, "Two"));
    assert_true(g.status == 201 || g.status == 204);
}

/* 2.6 */
static void batches(void **state TD_UNUSED)
{
    ask(200, "POST /v1.0/$batch",
        "{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/organization\"},{\"id\":\"two\",\"method\":\"GET\","
        "\"url\":\"/deviceManagement/windowsAutopilotDeviceIdentities/" NO_GUID "\"},{\"id\":\"3\",\"method\":\"GET\","
        "\"url\":\"/domains\",\"dependsOn\":[\"two\"]},{\"id\":\"4\",\"method\":\"POST\",\"url\":\"/"
        "groups\",\"headers\":"
        "{\"Content-Type\":\"application/json\"},\"body\":{\"displayName\":\"B\",\"mailEnabled\":false,"
        "\"mailNickname\":\"b\",\"securityEnabled\":true}},{\"id\":\"5\",\"method\":\"GET\",\"url\":"
        "\"/groups?$filter=displayName eq 'B'\",\"dependsOn\":[\"4\"]}]}");
    static const struct {
        const char *id;
        int status;
    } want[] = {{"1", 200}, {"two", 404}, {"3", 424}, {"4", 201}, {"5", 200}};
    const struct td_json *list = td_json_get(g.json, "responses");
    assert_int_equal(td_json_count(list), TD_COUNTOF(want));
    for (size_t i = 0; i < TD_COUNTOF(want); i++) {
        const struct td_json *r = list->child;
        while (r != NULL && strcmp(td_json_str(r, "id"), want[i].id) != 0)
            r = r->next;
        assert_non_null(r);
        assert_int_equal(td_json_int(r, "status", 0), want[i].status);
        assert_non_null(td_json_get(r, "body"));
        if (strcmp(want[i].id, "5") == 0)
            assert_int_equal(td_json_count(td_json_get(td_json_get(r, "body"), "value")), 1);
    }
    const char *many = "";
    for (int i = 0; i < 21; i++)
        many = text("%s%s{\"id\":\"%d\",\"method\":\"GET\",\"url\":\"/organization\"}", many, i == 0 ? "" : ",", i);
    ask(400, "POST /beta/$batch", text("{\"requests\":[%s]}", many));
    ask(400, "POST /beta/$batch",
        "{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/a\"},"
        "{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/b\"}]}");
    gw_call_as(NULL, "POST /beta/$batch", "{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/domains\"}]}");
    assert_int_equal(g.status, 401);
}

/* 2.7: the right is named, and only it opens. */
static enum td_code poor_app(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct gw_app *n = ctx;
    unsigned char sum[32];
    td_sha256(td_str(n->secret), sum);
    td_try(td_application_add(tx, n->tenant, "Reader", false, "test", &g.box->arena, &n->app, err));
    td_try(td_application_role_add(tx, &n->app, "DeviceManagementServiceConfig.Read.All", "test", err));
    return td_application_secret_add(tx, &n->app, sum, td_tx_now(tx) + TD_DAY, "test", err);
}

static void rights(void **state TD_UNUSED)
{
    struct gw_app n = {.tenant = g.box->tenant, .secret = "another-secret"};
    static const char *const allowed[] = {
        DEVICES, IMPORTED, PROFILES, ESP, DM "windowsAutopilotSettings", DM "importedDeviceIdentities"};
    static const char *const refused[] = {"GET " DM "managedDevices",
                                          "GET " DM "autopilotEvents",
                                          "GET /beta/groups",
                                          "GET /beta/devices",
                                          "GET " DM "deviceConfigurations",
                                          "GET /beta/deviceAppManagement/mobileApps",
                                          "GET " DM "auditEvents",
                                          "POST " DM "windowsAutopilotSettings/sync",
                                          "POST " PROFILES,
                                          "POST " IMPORTED,
                                          "DELETE " DEVICES "/" NO_GUID};
    gw_machine(1, "");
    assert_ok(td_store_write(g.box->svc.store, poor_app, &n, NULL));
    const char *token = gw_token_of(g.box->tenant, n.app.id, n.secret);
    for (size_t i = 0; i < TD_COUNTOF(allowed); i++) {
        gw_call_as(token, text("GET %s", allowed[i]), NULL);
        if (g.status != 200)
            fail_msg("%s: %d %s", allowed[i], g.status, g.body);
    }
    for (size_t i = 0; i < TD_COUNTOF(refused); i++) {
        gw_call_as(token, refused[i], refused[i][0] == 'P' ? "{}" : NULL);
        if (g.status != 403)
            fail_msg("%s: %d %s", refused[i], g.status, g.body);
        bool directory = strstr(refused[i], "/groups") != NULL || strstr(refused[i], "/beta/devices") != NULL;
        is_error(directory ? "Authorization_RequestDenied" : "Forbidden");
    }
    gw_call_as(token, "GET " DM "managedDevices", NULL);
    assert_non_null(strstr(g.body, "DeviceManagementManagedDevices.Read.All"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(directory_filters), TEST(management_filters), TEST(envelopes), TEST(headers), TEST(batches), TEST(rights)};
    return cmocka_run_group_tests_name("graph_conventions", tests, NULL, NULL);
}
