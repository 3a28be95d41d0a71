/* graph-api.md 3.7: diagnostics, monitors and export tools. */
#include "graph_world.h"

static void next_pages(void)
{
    while (gw_at("@odata.nextLink") != NULL)
        askf(200, NULL, "GET %s", gw_str("@odata.nextLink"));
}

/* Get-AutopilotDiagnosticsCommunity -Online, Get-AutopilotEvent: lists with all pages. */
static void diagnostics(void **state TD_UNUSED)
{
    static const char *const lists[] = {"/beta/deviceAppManagement/mobileApps", DM "configurationPolicies",
                                        DM "deviceManagementScripts", DM "autopilotEvents"};
    for (size_t i = 0; i < TD_COUNTOF(lists); i++) {
        askf(200, NULL, "GET %s", lists[i]);
        (void)gw_count();
        next_pages();
    }
}

/* AutopilotMonitor takes any answer but 2xx for a passing failure. */
static void monitor(void **state TD_UNUSED)
{
    gw_machine(1, "");
    gw_machine(2, "");
    get("/v1.0/deviceManagement/windowsAutopilotDeviceIdentities?$top=100&$filter=contains(serialNumber,'SN-0001')");
    counts(1);
    get("/v1.0/deviceManagement/windowsAutopilotDeviceIdentities?$top=100&$filter=contains(serialNumber,'1')");
    counts(1); /* one character: no index helps, but the answer is right */
    get(DM "importedDeviceIdentities?$top=100&$filter=contains(importedDeviceIdentifier,'SN0001')");
    counts(0);
    get(DM "tenantAssociatedDevices?$filter=contains(serialNumber,'SN-0001')&$orderby=preAssociationDateTime desc");
    counts(0);
}

static void assign_user(void **state TD_UNUSED)
{
    gw_machine(1, "");
    get(DEVICES);
    const char *id = gw_str("value/0/id");
    askf(204, "{\"userPrincipalName\":\"ada@contoso.test\",\"addressableUserName\":\"Ada\"}",
         "POST " DEVICES "/%s/AssignUserToDevice", id);
    askf(200, NULL, "GET " DEVICES "/%s", id);
    is("userPrincipalName", "\"ada@contoso.test\"");
    is("addressableUserName", "\"Ada\"");
    askf(204, NULL, "POST " DEVICES "/%s/unassignUserFromDevice", id);
    askf(200, NULL, "GET " DEVICES "/%s", id);
    is("userPrincipalName", "\"\"");
    gw_call_as(g.token, text("POST " DEVICES "/%s/assignUserToDevice", id),
               "{\"userPrincipalName\":\"nobody@contoso.test\"}"); /* the user is checked */
    assert_true(g.status == 400 || g.status == 404);
}

/* IntuneManagement asks for full metadata and decides by navigation links what to expand (0.12, 2.6). */
static void export_tool(void **state TD_UNUSED)
{
    g.accept = "Accept: application/json;odata.metadata=full";
    get("/beta/Organization");
    counts(1);
    is_text("value/0/id", g.box->tenant);
    gw_call_as(g.token, "GET /beta/me/photos/48x48/$value", NULL);
    assert_int_equal(g.status, 404);
    g.accept = NULL;
    get("/beta/$metadata");
    assert_non_null(strstr(g.body, "<edmx:Edmx"));
    assert_non_null(strstr(g.body, "windowsAutopilotDeploymentProfile"));
    ask(201, "POST " PROFILES,
        "{\"@odata.type\":\"#microsoft.graph.azureADWindowsAutopilotDeploymentProfile\",\"displayName\":\"Lab\"}");
    const char *id = gw_str("id");
    askf(201, "{\"target\":{\"@odata.type\":\"#microsoft.graph.allDevicesAssignmentTarget\"}}",
         "POST " PROFILES "/%s/assignments", id);
    g.accept = "Accept: application/json;odata.metadata=full";
    get(PROFILES);
    is("value/0/@odata.type", "\"#microsoft.graph.azureADWindowsAutopilotDeploymentProfile\"");
    assert_non_null(strstr(gw_str("value/0/@odata.id"), id));
    assert_non_null(strstr(gw_str("value/0/@odata.editLink"), id));
    const char *link = gw_str("value/0/assignments@odata.navigationLink");
    assert_int_equal(strncmp(link, HOST "/beta/deviceManagement/windowsAutopilotDeploymentProfiles", 68), 0);
    (void)gw_str("value/0/assignments@odata.associationLink");
    is("value/0/createdDateTime@odata.type", "\"#DateTimeOffset\"");
    askf(200, NULL, "GET %s", link); /* a link of the server's making leads somewhere */
    counts(1);
    is("value/0/source", "\"direct\"");
    askf(200, NULL, "GET " PROFILES "/%s?$expand=assignments", id);
    is("assignments/0/target/@odata.type", "\"#microsoft.graph.allDevicesAssignmentTarget\"");
    get(DM "deviceConfigurations");
    get(DM "roleDefinitions?$expand=roleAssignments&$filter=isBuiltIn eq false");
    get(DM "roleScopeTags");
    get(DM "assignmentFilters");
    get(DM "deviceHealthScripts?$filter=isGlobalScript eq false");
    counts(0);
    g.accept = "Accept: application/json;odata.metadata=none";
    get(PROFILES);
    is("@odata.context", "(missing)");
    is("value/0/@odata.type", "(missing)");
    is("value/0/displayName", "\"Lab\"");
    g.accept = "Accept: application/json;odata.metadata=minimal;odata.streaming=true";
    get(PROFILES);
    is("value/0/assignments@odata.navigationLink", "(missing)");
    is("value/0/@odata.type", "\"#microsoft.graph.azureADWindowsAutopilotDeploymentProfile\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(diagnostics), TEST(monitor), TEST(assign_user), TEST(export_tool)};
    return cmocka_run_group_tests_name("graph_replay_monitors", tests, NULL, NULL);
}
