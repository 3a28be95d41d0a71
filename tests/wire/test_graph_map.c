/* graph-api.md 1.1 and 1.2: the map of paths, each with its methods and answers; actions as their table has them. */
#include "graph_world.h"

static const char *only_device(void)
{
    gw_machine(1, "KIOSK");
    get(DEVICES);
    counts(1);
    return gw_str("value/0/id");
}

static void lists(void **state TD_UNUSED)
{
    static const struct {
        const char *path;
        bool beta_only;
    } map[] = {
        {"deviceManagement/importedWindowsAutopilotDeviceIdentities", false},
        {"deviceManagement/windowsAutopilotDeviceIdentities", false},
        {"deviceManagement/windowsAutopilotDeploymentProfiles", true},
        {"deviceManagement/windowsAutopilotSettings", true},
        {"deviceManagement/autopilotEvents", true},
        {"deviceManagement/importedDeviceIdentities", true},
        {"deviceManagement/tenantAssociatedDevices", true},
        {"deviceManagement/deviceEnrollmentConfigurations", false},
        {"deviceManagement/managedDevices", false},
        {"deviceManagement/deviceConfigurations", false},
        {"deviceManagement/auditEvents", false},
        {"deviceManagement/roleDefinitions", false},
        {"deviceManagement/roleAssignments", false},
        {"deviceManagement/roleScopeTags", true},
        {"deviceManagement/deviceCategories", false},
        {"deviceManagement/assignmentFilters", true},
        {"deviceManagement/deviceManagementScripts", true},
        {"deviceManagement/deviceHealthScripts", true},
        {"deviceManagement/configurationPolicies", true},
        {"deviceAppManagement/mobileApps", false},
        {"groups", false},
        {"users", false},
        {"devices", false},
        {"organization", false},
        {"domains", false},
        {"subscribedSkus", false},
        {"auditLogs/directoryAudits", false},
    };
    for (size_t i = 0; i < TD_COUNTOF(map); i++) {
        askf(200, NULL, "GET /beta/%s", map[i].path);
        if (strstr(map[i].path, "Settings") == NULL)
            (void)gw_count();
        if (!map[i].beta_only)
            askf(200, NULL, "GET /v1.0/%s", map[i].path);
        askf(200, NULL, "GET /beta/%s?$top=5&$select=id", map[i].path);
    }
    gw_call_as(g.token, "GET /v1.0/deviceManagement/auditEvents/getAuditCategories()", NULL);
    assert_int_equal(g.status, 200);
    assert_true(gw_count() > 3);
    get("/v1.0/deviceManagement/auditEvents/getAuditActivityTypes(category='Enrollment')");
    assert_true(gw_count() > 3);
    get("/v1.0/servicePrincipals/appId=0000000a-0000-0000-c000-000000000000/endpoints");
    assert_string_not_equal(gw_find("providerName", "WindowsEnrollment"), "");
}

/* Every action answers 204 without a body; {deviceIds} of a profile too. */
static void actions(void **state TD_UNUSED)
{
    const char *id = only_device();
    static const struct {
        const char *name, *body;
    } all[] = {{"assignUserToDevice", "{\"userPrincipalName\":\"ada@contoso.test\",\"addressableUserName\":\"Ada\"}"},
               {"unassignUserFromDevice", NULL},
               {"updateDeviceProperties", "{\"groupTag\":\"\"}"},
               {"assignResourceAccountToDevice", "{\"userPrincipalName\":\"ada@contoso.test\",\"addressableUserName\":"
                                                 "\"Room\",\"resourceAccountName\":\"Room 1\"}"},
               {"unassignResourceAccountFromDevice", NULL},
               {"allowNextEnrollment", NULL}};
    for (size_t i = 0; i < TD_COUNTOF(all); i++)
        askf(204, all[i].body, "POST " DEVICES "/%s/%s", id, all[i].name);
    askf(204, NULL, "POST /v1.0/deviceManagement/windowsAutopilotDeviceIdentities/%s/unassignUserFromDevice", id);
    askf(200, NULL, "GET " DEVICES "/%s", id);
    is("groupTag", "\"\""); /* "" clears */
    is("userlessEnrollmentStatus", "\"allowed\"");
    ask(201, "POST " PROFILES,
        "{\"@odata.type\":\"#microsoft.graph.azureADWindowsAutopilotDeploymentProfile\",\"displayName\":\"P\"}");
    const char *profile = gw_str("id");
    askf(204, text("{\"deviceIds\":[\"%s\"]}", id), "POST " PROFILES "/%s/assign", profile);
    gw_work();
    askf(200, NULL, "GET " DEVICES "/%s/intendedDeploymentProfile", id);
    is_text("id", profile);
    askf(200, NULL, "GET " PROFILES "/%s/assignedDevices", profile);
    counts(1);
    is_text("value/0/id", id);
    askf(404, NULL, "POST " DEVICES "/" NO_GUID "/unassignUserFromDevice");
    askf(400, "{\"addressableUserName\":\"Nobody\"}", "POST " DEVICES "/%s/updateDeviceProperties", id);
}

/* Identities are made and changed by declarative tools too. */
static void identities(void **state TD_UNUSED)
{
    const char *id = only_device();
    gw_call_as(g.token, text("PATCH " DEVICES "/%s", id), "{\"groupTag\":\"TF\",\"displayName\":\"TF-1\"}");
    assert_true(g.status == 200 || g.status == 204);
    askf(200, NULL, "GET " DEVICES "/%s", id);
    is("groupTag", "\"TF\"");
    is("displayName", "\"TF-1\"");
}

/* Directory objects answer PATCH with 204; members come and go by $ref; a dynamic group's members are its rule's. */
static void directory(void **state TD_UNUSED)
{
    (void)only_device();
    get("/v1.0/devices");
    const char *device = gw_str("value/0/id");
    ask(201, "POST /v1.0/groups",
        "{\"displayName\":\"A\",\"mailEnabled\":false,\"mailNickname\":\"a\",\"securityEnabled\":true}");
    is("groupTypes", "[]");
    is("membershipRule", "null");
    const char *group = gw_str("id");
    askf(204, "{\"description\":\"changed\"}", "PATCH /v1.0/groups/%s", group);
    askf(204, text("{\"@odata.id\":\"" HOST "/v1.0/devices/%s\"}", device), "POST /v1.0/groups/%s/members/$ref", group);
    gw_call_as(
        g.token, text("POST /v1.0/groups/%s/members/$ref", group),
        text("{\"@odata.id\":\"" HOST "/v1.0/directoryObjects/%s\"}", device)); /* again: the real one says 400 */
    assert_true(g.status == 400 || g.status == 204);
    askf(200, NULL, "GET /v1.0/groups/%s/members/$count", group);
    askf(200, NULL, "GET /v1.0/directoryObjects/%s", device);
    is("@odata.type", "\"#microsoft.graph.device\"");
    askf(204, NULL, "DELETE /v1.0/groups/%s/members/%s/$ref", group, device);
    askf(200, NULL, "GET /v1.0/groups/%s/members", group);
    counts(0);
    askf(204,
         "{\"groupTypes\":[\"DynamicMembership\"],\"membershipRule\":\"(device.devicePhysicalIDs -any (_ -contains "
         "\\\"[ZTDID]\\\"))\",\"membershipRuleProcessingState\":\"On\"}",
         "PATCH /v1.0/groups/%s", group);
    gw_work();
    askf(200, NULL, "GET /beta/groups/%s", group);
    is("membershipRuleProcessingState", "\"On\"");
    is("groupTypes", "[\"DynamicMembership\"]");
    (void)gw_str("membershipRuleProcessingStatus/status");
    askf(200, NULL, "GET /v1.0/groups/%s/members", group);
    counts(1);
    askf(400, text("{\"@odata.id\":\"" HOST "/v1.0/directoryObjects/%s\"}", device),
         "POST /v1.0/groups/%s/members/$ref", group);
    askf(200, text("{\"memberId\":\"%s\"}", device), "POST /beta/groups/%s/evaluateDynamicMembership", group);
    is("membershipRuleEvaluationResult", "true");
    ask(200, "POST /beta/groups/evaluateDynamicMembership",
        text("{\"memberId\":\"%s\",\"membershipRule\":\"device.displayName -eq \\\"nobody\\\"\"}", device));
    is("membershipRuleEvaluationResult", "false");
    ask(400, "POST /v1.0/groups",
        "{\"displayName\":\"A\",\"mailEnabled\":false,\"mailNickname\":\"a\",\"securityEnabled\":true,"
        "\"groupTypes\":[\"DynamicMembership\"],\"membershipRule\":\"(device.displayName -sounds \\\"x\\\")\","
        "\"membershipRuleProcessingState\":\"On\"}");
    askf(204, NULL, "DELETE /v1.0/groups/%s", group);
    askf(404, NULL, "GET /v1.0/groups/%s", group);
    is_error("Request_ResourceNotFound");
}

/* 1.4: both ways of assigning enrolment configurations. */
static void both_ways_of_assigning(void **state TD_UNUSED)
{
    ask(201, "POST /v1.0/groups",
        "{\"displayName\":\"A\",\"mailEnabled\":false,\"mailNickname\":\"a\",\"securityEnabled\":true}");
    const char *group = gw_str("id");
    ask(201, "POST " ESP,
        "{\"@odata.type\":\"#microsoft.graph.windows10EnrollmentCompletionPageConfiguration\",\"displayName\":\"E\"}");
    const char *id = gw_str("id");
    askf(201,
         text("{\"target\":{\"@odata.type\":\"#microsoft.graph.groupAssignmentTarget\",\"groupId\":\"%s\"}}", group),
         "POST " ESP "/%s/assignments", id);
    const char *assignment = gw_str("id");
    askf(200, NULL, "GET " ESP "/%s/assignments", id);
    counts(1);
    is_text("value/0/id", assignment);
    askf(204, NULL, "DELETE " ESP "/%s/assignments/%s", id, assignment);
    askf(200, NULL, "GET " ESP "/%s/assignments", id);
    counts(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(lists), TEST(actions), TEST(identities), TEST(directory),
                                       TEST(both_ways_of_assigning)};
    return cmocka_run_group_tests_name("graph_map", tests, NULL, NULL);
}
