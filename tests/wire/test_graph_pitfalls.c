/* graph-api.md section 0: the twelve things that break clients if missed, each as a test; then encodings, headers and
 * errors as 2.1, 2.3 and 2.4 have them. */
#include "graph_world.h"

#define AUTOPILOT "windowsAutopilotDeviceIdentities"

static const char *registered(unsigned number, const char *tag)
{
    gw_machine(number, tag);
    askf(200, NULL, "GET " DEVICES "?$filter=contains(serialNumber,'SN-%04u')", number);
    counts(1);
    return gw_str("value/0/id");
}

static const char *profile(const char *name)
{
    ask(201, "POST " PROFILES,
        text("{\"@odata.type\":\"#microsoft.graph.azureADWindowsAutopilotDeploymentProfile\",\"displayName\":\"%s\"}",
             name));
    return gw_str("id");
}

/* 0.1: tools use /beta for nearly everything; what v1.0 has answers there too. */
static void both_versions(void **state TD_UNUSED)
{
    static const char *const v1[] = {"importedWindowsAutopilotDeviceIdentities",
                                     AUTOPILOT,
                                     "deviceEnrollmentConfigurations",
                                     "managedDevices",
                                     "auditEvents",
                                     "roleDefinitions",
                                     "deviceConfigurations"};
    static const char *const beta[] = {"windowsAutopilotDeploymentProfiles", "windowsAutopilotSettings",
                                       "autopilotEvents", "importedDeviceIdentities"};
    for (size_t i = 0; i < TD_COUNTOF(v1); i++) {
        askf(200, NULL, "GET /v1.0/deviceManagement/%s", v1[i]);
        askf(200, NULL, "GET /beta/deviceManagement/%s", v1[i]);
    }
    for (size_t i = 0; i < TD_COUNTOF(beta); i++)
        askf(200, NULL, "GET /beta/deviceManagement/%s", beta[i]);
}

/* 0.2 */
static void any_case(void **state TD_UNUSED)
{
    const char *id = registered(1, "");
    askf(204, "{\"groupTag\":\"A\"}", "POST " DEVICES "/%s/UpdateDeviceProperties", id);
    askf(204, "{\"groupTag\":\"B\"}",
         "POST /BETA/devicemanagement/WINDOWSautopilotdeviceidentities/%s/updatedeviceproperties", id);
    get("/beta/devicemanagement/manageddevices");
    get("/v1.0/Organization");
    get(IMPORTED "/?$filter=contains(serialNumber,'SN-0001')");
    askf(200, NULL, "GET " DEVICES "('%s')", id);
    is("groupTag", "\"B\"");
    char upper[64];
    snprintf(upper, sizeof(upper), "%s", id);
    for (char *c = upper; *c != '\0'; c++)
        *c = (char)toupper((unsigned char)*c);
    askf(200, NULL, "GET " DEVICES "/%s", upper);
    is_text("id", id); /* GUIDs in lower case (2.3) */
}

/* 0.3: names and functions in any case, a blank behind the comma. */
static void any_case_in_filters(void **state TD_UNUSED)
{
    static const char *const found[] = {"contains(serialNumber,'SN-0001')",
                                        "startsWith(SerialNumber, 'sn-0001')",
                                        "STARTSWITH(serialnumber,'SN-0001')",
                                        "serialNumber eq 'SN-0001'",
                                        "SerialNumber EQ 'sn-0001'",
                                        "contains(tolower(serialNumber),'sn-0001')",
                                        "groupTag eq 'kiosk'",
                                        "enrollmentState eq 'notContacted' and groupTag eq 'KIOSK'",
                                        "manufacturer eq 'Contoso' and not (groupTag eq 'OFFICE')",
                                        "(model eq 'Book 1') and (contains(groupTag,'IOS') or displayName eq 'x')"};
    (void)registered(1, "KIOSK");
    (void)registered(2, "OFFICE");
    for (size_t i = 0; i < TD_COUNTOF(found); i++) {
        askf(200, NULL, "GET " DEVICES "?$filter=%s", found[i]);
        if (gw_count() != 1)
            fail_msg("%s: %s", found[i], g.body);
        is("value/0/serialNumber", "\"SN-0001\"");
    }
    get("/beta/devices?$filter=deviceID eq '" NO_GUID "'");
    counts(0);
    get(ESP "?$filter=DisplayName eq 'none of this name'");
    counts(0);
}

/* 0.4: names without quotes, Booleans and numbers as text, a comma before the brace, a hashtable's own JSON. */
static void lenient_bodies(void **state TD_UNUSED)
{
    const char *id = registered(1, "");
    askf(204, "{ groupTag: \"X\" }", "POST " DEVICES "/%s/UpdateDeviceProperties", id);
    askf(204, "{ displayName : \"PC-1\" , }", "POST " DEVICES "/%s/UpdateDeviceProperties", id);
    askf(204, "{\r\n    \"addressableUserName\":  \"Ada\",\r\n    \"userPrincipalName\":  \"ada@contoso.test\"\r\n}",
         "POST " DEVICES "/%s/UpdateDeviceProperties", id);
    askf(200, NULL, "GET " DEVICES "/%s", id);
    is("groupTag", "\"X\"");
    is("displayName", "\"PC-1\"");
    is("addressableUserName", "\"Ada\"");
    askf(400, "{\"groupTag\":", "POST " DEVICES "/%s/UpdateDeviceProperties", id);
    is_error("BadRequest");
    askf(400, "[]", "POST " DEVICES "/%s/UpdateDeviceProperties", id);
    askf(400, "{\"displayName\":\"A-NAME-OF-MORE-THAN-15\"}", "POST " DEVICES "/%s/UpdateDeviceProperties", id);
    assert_non_null(strstr(g.body, "displayName"));
    askf(200, NULL, "GET " DEVICES "/%s", id);
    is("displayName", "\"PC-1\"");
    ask(201, "POST " ESP,
        "{\"@odata.type\":\"#microsoft.graph.windows10EnrollmentCompletionPageConfiguration\",\"displayName\":\"E\","
        "\"showInstallationProgress\":\"true\",\"installProgressTimeoutInMinutes\":\"45\"}");
    is("showInstallationProgress", "true");
    is("installProgressTimeoutInMinutes", "45");
}

/* 0.5 and 0.6 */
static void import_states(void **state TD_UNUSED)
{
    ask(201, "POST " IMPORTED,
        text("{\"serialNumber\":\"SN-0001\",\"hardwareIdentifier\":\"%s\",\"state\":{\"deviceImportStatus\":"
             "\"pending\"}}",
             gw_hash(1)));
    const char *record = gw_str("id");
    is("state/deviceImportStatus", "\"unknown\"");
    askf(200, NULL, "GET " IMPORTED "/%s", record);
    is("state/deviceImportStatus", "\"unknown\"");
    gw_work();
    askf(200, NULL, "GET " IMPORTED "/%s", record);
    is("state/deviceImportStatus", "\"complete\"");
    askf(200, NULL, "GET " DEVICES "/%s", gw_str("state/deviceRegistrationId"));
}

/* 0.8: never null where the type says so. */
static void unset_dates(void **state TD_UNUSED)
{
    const char *id = registered(1, "");
    askf(200, NULL, "GET " DEVICES "/%s", id);
    is_text("lastContactedDateTime", NEVER);
    is_text("remediationStateLastModifiedDateTime", NEVER);
    is_text("deploymentProfileAssignedDateTime", NEVER);
    get(DM "windowsAutopilotSettings");
    is_text("lastManualSyncTriggerDateTime", NEVER);
}

/* 0.9: a DELETE whose id is empty touches nothing, however the emptiness is written. */
static void delete_with_an_empty_id(void **state TD_UNUSED)
{
    static const char *const sets[] = {DM "managedDevices",
                                       "/beta/devices",
                                       DEVICES,
                                       IMPORTED,
                                       PROFILES,
                                       ESP,
                                       "/beta/groups",
                                       "/beta/users",
                                       DM "importedDeviceIdentities",
                                       "/v1.0/devices",
                                       "/v1.0/deviceManagement/" AUTOPILOT};
    static const char *const ends[] = {"", "/", "//", "/%20", "('')", "()", "/?x=1", "/%00"};
    (void)registered(1, "");
    const char *id = profile("Lab");
    ask(201, "POST " IMPORTED, text("{\"serialNumber\":\"SN-0002\",\"hardwareIdentifier\":\"%s\"}", gw_hash(2)));
    get("/beta/devices");
    size_t devices = gw_count();
    for (size_t i = 0; i < TD_COUNTOF(sets); i++)
        for (size_t j = 0; j < TD_COUNTOF(ends); j++) {
            gw_call_as(g.token, text("DELETE %s%s", sets[i], ends[j]), NULL);
            if (g.status != 404 && g.status != 405 && g.status != 400)
                fail_msg("DELETE %s%s: %d %s", sets[i], ends[j], g.status, g.body);
            if (j < 3 && g.status == 400)
                fail_msg("DELETE %s%s must be 404 or 405: %s", sets[i], ends[j], g.body);
        }
    ask(405, "DELETE " PROFILES, NULL);
    gw_call_as(g.token, text("DELETE " PROFILES "/%s/assignments/", id), NULL);
    assert_true(g.status == 404 || g.status == 405);
    get(DEVICES);
    counts(1);
    get(PROFILES);
    counts(1);
    get(IMPORTED);
    counts(1);
    get("/beta/devices");
    counts(devices);
}

/* 0.10 */
static void actions_without_a_body(void **state TD_UNUSED)
{
    static const char *const types[] = {NULL,
                                        "Content-Type: text/plain",
                                        "Content-Type: application/x-www-form-urlencoded",
                                        "Content-Type: application/json; charset=utf-8",
                                        "Content-Type: application/octet-stream",
                                        "Content-Type: nonsense"};
    const char *id = registered(1, "");
    for (size_t i = 0; i < TD_COUNTOF(types); i++) {
        g.type = types[i];
        ask(204, "POST " DM "windowsAutopilotSettings/sync", NULL);
        ask(204, "POST " DM "windowsAutopilotSettings/sync", types[i] != NULL ? "" : NULL);
        askf(204, NULL, "POST " DEVICES "/%s/unassignUserFromDevice", id);
        askf(204, NULL, "POST " DEVICES "/%s/allowNextEnrollment", id);
        askf(204, "{\"groupTag\":\"T\"}", "POST " DEVICES "/%s/updateDeviceProperties", id);
    }
    g.type = NULL;
    askf(200, NULL, "GET " DEVICES "/%s", id);
    is("groupTag", "\"T\"");
}

/* 0.11: absolute, under the name that the client used, other options kept, names taken percent-encoded. */
static void next_links(void **state TD_UNUSED)
{
    for (unsigned i = 1; i <= 5; i++)
        fleet_machine(g.box, i, "T");
    gw_work();
    get(DEVICES "?$top=2&$select=id,serialNumber&$filter=groupTag eq 'T'");
    counts(2);
    const char *link = gw_str("@odata.nextLink");
    assert_int_equal(strncmp(link, HOST "/beta/deviceManagement/windowsAutopilotDeviceIdentities?", 77), 0);
    assert_non_null(strstr(link, "skiptoken"));
    size_t seen = 2;
    for (int page = 0; page < 2; page++) { /* as given, then with names as clients normalise them */
        const char *next = gw_str("@odata.nextLink");
        struct td_buf b;
        td_buf_init(&b, 8192);
        for (const char *p = next; *p != '\0'; p++)
            if (*p == '$' && page == 1)
                td_buf_adds(&b, "%24");
            else
                td_buf_addc(&b, *p);
        askf(200, NULL, "GET %s", td_arena_text(&g.box->arena, td_buf_slice(&b)));
        td_buf_done(&b);
        seen += gw_count();
        is("value/0/groupTag", "(missing)"); /* $select holds on every page */
    }
    assert_int_equal(seen, 5);
    is("@odata.nextLink", "(missing)");
    g.extra[0] = "Host: mdm.example.test:8443";
    get(DEVICES "?$top=2");
    assert_int_equal(strncmp(gw_str("@odata.nextLink"), "https://mdm.example.test:8443/beta/", 35), 0);
    assert_int_equal(strncmp(gw_str("@odata.context"), "https://mdm.example.test:8443/beta/$metadata", 44), 0);
    g.extra[0] = NULL;
}

/* 2.1: percent signs, plus, doubled quotes; and what tools send beside. */
static void encodings(void **state TD_UNUSED)
{
    static const char *const same[] = {
        "?$filter=displayName eq 'It''s a lab'",
        "?%24filter=displayName%20eq%20%27It%27%27s%20a%20lab%27",
        "?$filter=displayName+eq+'It''s+a+lab'",
        "?$FILTER=displayName eq 'It''s a lab'",
        "?filter=displayName eq 'It''s a lab'",
        "?$filter=displayName%20eq%20'It''s%20a%20lab'&$top=999&unknown=1&api-version=2"};
    const char *id = profile("It's a lab");
    (void)profile("Other");
    for (size_t i = 0; i < TD_COUNTOF(same); i++) {
        askf(200, NULL, "GET " PROFILES "%s", same[i]);
        if (gw_count() != 1)
            fail_msg("%s: %s", same[i], g.body);
        is_text("value/0/id", id);
    }
    get(PROFILES "?$select=id, displayName&$orderby=displayName desc&$count=true");
    counts(2);
    is("@odata.count", "2");
    is("value/0/displayName", "\"Other\"");
    is("value/0/description", "(missing)");
    gw_call_as(g.token, "GET " PROFILES "/$count", NULL);
    assert_int_equal(g.status, 200);
    assert_string_equal(g.body, "2");
}

/* 2.4 */
static void errors(void **state TD_UNUSED)
{
    gw_call_as(NULL, "GET " DEVICES, NULL);
    assert_int_equal(g.status, 401);
    is_error("InvalidAuthenticationToken");
    assert_non_null(strstr(gw_header("WWW-Authenticate"), "authorization_uri="));
    assert_non_null(strstr(gw_header("WWW-Authenticate"), "client_id=\"00000003-0000-0000-c000-000000000000\""));
    gw_call_as("not.a.token", "GET " DEVICES, NULL);
    assert_int_equal(g.status, 401);
    g.extra[0] = "client-request-id: 11111111-2222-3333-4444-555555555555";
    ask(404, "GET " DEVICES "/" NO_GUID, NULL);
    is_error("ResourceNotFound");
    is_text("error/innerError/client-request-id", "11111111-2222-3333-4444-555555555555");
    assert_string_equal(gw_header("client-request-id"), "11111111-2222-3333-4444-555555555555");
    assert_int_equal(strlen(gw_header("request-id")), 36);
    g.extra[0] = NULL;
    ask(404, "GET /beta/groups/" NO_GUID, NULL);
    is_error("Request_ResourceNotFound");
    ask(400, "GET " DEVICES "?$filter=noSuchName eq 'x'", NULL);
    is_error("BadRequest");
    assert_non_null(strstr(g.body, "noSuchName"));
    ask(400, "GET " DEVICES "?$filter=serialNumber eq", NULL);
    ask(400, "GET " DEVICES "?$orderby=noSuchName", NULL);
    ask(400, "GET " DM "thereIsNoSuchThing", NULL);
    assert_non_null(strstr(g.body, "Resource not found for the segment"));
    ask(400, "GET /beta/thereIsNoSuchThing", NULL);
    askf(400, NULL, "POST " DEVICES "/%s/danceForMe", registered(1, ""));
    assert_non_null(strstr(g.body, "Resource not found for the segment 'danceForMe'"));
    ask(405, "PATCH " DEVICES, "{}");
    ask(501, "GET /beta/sites", NULL);
    is_error("NotImplemented");
    ask(501, "POST " DM "configurationPolicies", "{}");
    is_error("NotImplemented");
}

/* Nobody sees another tenant, by whatever way he asks. */
static void strangers(void **state TD_UNUSED)
{
    const char *id = registered(1, "KIOSK"), *lab = profile("Lab");
    const char *const own[] = {text(DEVICES "/%s", id), text(PROFILES "/%s", lab)};
    const char *const empty[] = {DEVICES, PROFILES, "/beta/devices", DEVICES "?$filter=contains(serialNumber,'SN')",
                                 DEVICES "?$filter=serialNumber eq 'SN-0001' or 1 eq 1"};
    for (size_t i = 0; i < TD_COUNTOF(own); i++) {
        gw_call_as(g.foreign, text("GET %s", own[i]), NULL);
        assert_int_equal(g.status, 404);
        gw_call_as(g.foreign, text("DELETE %s", own[i]), NULL);
        assert_int_equal(g.status, 404);
        askf(200, NULL, "GET %s", own[i]);
    }
    for (size_t i = 0; i < TD_COUNTOF(empty); i++) {
        gw_call_as(g.foreign, text("GET %s", empty[i]), NULL);
        if (g.status == 200)
            counts(0);
        else
            assert_int_equal(g.status, 400);
    }
    gw_call_as(g.foreign, "POST " DEVICES "/deleteDevices", "{\"serialNumbers\":[\"SN-0001\"]}");
    askf(200, NULL, "GET " DEVICES "/%s", id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(both_versions),
                                       TEST(any_case),
                                       TEST(any_case_in_filters),
                                       TEST(lenient_bodies),
                                       TEST(import_states),
                                       TEST(unset_dates),
                                       TEST(delete_with_an_empty_id),
                                       TEST(actions_without_a_body),
                                       TEST(next_links),
                                       TEST(encodings),
                                       TEST(errors),
                                       TEST(strangers)};
    return cmocka_run_group_tests_name("graph_pitfalls", tests, NULL, NULL);
}
