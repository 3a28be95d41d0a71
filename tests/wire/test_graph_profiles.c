/* Deployment profiles and enrolment configurations through the administration interface (graph-api.md 1.3, 1.4). */
#include "graph_world.h"
#include "store/foreign_management.h"

#define AZURE "\"@odata.type\":\"#microsoft.graph.azureADWindowsAutopilotDeploymentProfile\""
#define HYBRID "\"@odata.type\":\"#microsoft.graph.activeDirectoryWindowsAutopilotDeploymentProfile\""
#define PAGE "\"@odata.type\":\"#microsoft.graph.windows10EnrollmentCompletionPageConfiguration\""
#define TO_GROUP "{\"target\":{\"@odata.type\":\"#microsoft.graph.groupAssignmentTarget\",\"groupId\":\"%s\"}}"
#define NOT_GROUP \
    "{\"target\":{\"@odata.type\":\"#microsoft.graph.exclusionGroupAssignmentTarget\",\"groupId\":\"%s\"}}"
#define TO_ALL "{\"target\":{\"@odata.type\":\"#microsoft.graph.allDevicesAssignmentTarget\"}}"
#define ALL_DEVICES "adadadad-808e-44e2-905a-0b7873a8a531"

/* ---- helpers ---- */

static const char *add_profile(const char *more)
{
    ask(201, "POST " PROFILES, text("{" AZURE ",\"displayName\":\"Lab\"%s}", more));
    return gw_str("id");
}

struct adding {
    const char *name, *rule;
    struct td_group group;
};

static enum td_code add_group_in(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct adding *n = ctx;
    return td_group_add(tx, g.box->tenant, n->name, n->rule, "test", &g.box->arena, &n->group, err);
}

static const char *add_group(const char *name, const char *rule)
{
    struct adding n = {.name = name, .rule = rule};
    struct td_error err = {0};
    if (td_store_write(g.box->svc.store, add_group_in, &n, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
    gw_work();
    return n.group.id;
}

static const char *tagged(const char *tag)
{
    return text("(device.devicePhysicalIds -any _ -eq \"[OrderID]:%s\")", tag);
}

static const char *device_at(unsigned number)
{
    askf(200, NULL, "GET " DEVICES "?$filter=contains(serialNumber,'SN-%04u')", number);
    counts(1);
    return gw_str("value/0/id");
}

static void is_refused(const char *body, const char *word)
{
    ask(400, "POST " PROFILES, body);
    is_error("BadRequest");
    if (strstr(gw_str("error/message"), word) == NULL)
        fail_msg("%s: %s", word, g.body);
}

/* ---- profiles ---- */

static void both_sets_of_names_in_every_answer(void **state TD_UNUSED)
{
    static const char *const same[][2] = {
        {"language", "locale"},
        {"extractHardwareHash", "hardwareHashExtractionEnabled"},
        {"enableWhiteGlove", "preprovisioningAllowed"},
        {"outOfBoxExperienceSettings/hidePrivacySettings", "outOfBoxExperienceSetting/privacySettingsHidden"},
        {"outOfBoxExperienceSettings/hideEULA", "outOfBoxExperienceSetting/eulaHidden"},
        {"outOfBoxExperienceSettings/userType", "outOfBoxExperienceSetting/userType"},
        {"outOfBoxExperienceSettings/deviceUsageType", "outOfBoxExperienceSetting/deviceUsageType"},
        {"outOfBoxExperienceSettings/skipKeyboardSelectionPage",
         "outOfBoxExperienceSetting/keyboardSelectionPageSkipped"},
        {"outOfBoxExperienceSettings/hideEscapeLink", "outOfBoxExperienceSetting/escapeLinkHidden"},
    };
    ask(201, "POST " PROFILES,
        "{" AZURE ",\"displayName\":\"Lab\",\"description\":\"d\",\"language\":\"en-US\",\"extractHardwareHash\":false,"
        "\"deviceNameTemplate\":\"LAB-%RAND:5%\",\"deviceType\":\"windowsPc\",\"enableWhiteGlove\":true,"
        "\"outOfBoxExperienceSettings\":{\"hidePrivacySettings\":true,\"hideEULA\":true,\"userType\":\"standard\","
        "\"deviceUsageType\":\"singleUser\",\"skipKeyboardSelectionPage\":true,\"hideEscapeLink\":true}}");
    for (size_t i = 0; i < TD_COUNTOF(same); i++)
        is(same[i][1], gw_value(gw_at(same[i][0])));
    is_text("locale", "en-US");
    is("preprovisioningAllowed", "true");
    is("outOfBoxExperienceSetting/eulaHidden", "true");
    is_text("outOfBoxExperienceSetting/userType", "standard");
    is("roleScopeTagIds", "[\"0\"]");
    is("enrollmentStatusScreenSettings", "null");
    is_text("managementServiceAppId", "");
    is_text("@odata.type", "#microsoft.graph.azureADWindowsAutopilotDeploymentProfile");
    const char *id = gw_str("id");
    ask(201, "POST " PROFILES,
        "{" HYBRID ",\"displayName\":\"Portal\",\"locale\":\"\",\"hardwareHashExtractionEnabled\":true,"
        "\"preprovisioningAllowed\":false,\"hybridAzureADJoinSkipConnectivityCheck\":true,\"roleScopeTagIds\":[\"0\","
        "\"4\"],\"outOfBoxExperienceSetting\":{\"eulaHidden\":true}}");
    is_text("language", "");
    is("extractHardwareHash", "true");
    is("hybridAzureADJoinSkipConnectivityCheck", "true");
    is("roleScopeTagIds", "[\"0\",\"4\"]");
    is("outOfBoxExperienceSettings/hideEULA", "true");
    is_text("outOfBoxExperienceSettings/userType", "administrator"); /* the type's default */
    get(PROFILES);
    counts(2);
    is_text(text("%s/id", gw_find("displayName", "Lab")), id);
    get(PROFILES "?$filter=startswith(displayName,'port')&$select=id,displayName");
    counts(1);
    get("/v1.0/deviceManagement/windowsAutopilotDeploymentProfiles");
    counts(2);
    is_text(text("%s/outOfBoxExperienceSettings/userType", gw_find("displayName", "Lab")), "standard");
}

/* Set-AutopilotProfile changes one old member and sends the whole object back. */
static void the_changed_one_of_a_pair_counts(void **state TD_UNUSED)
{
    const char *id = add_profile(",\"language\":\"en-US\"");
    askf(200,
         "{" AZURE ",\"displayName\":\"Lab\",\"language\":\"de-DE\",\"locale\":\"en-US\",\"enableWhiteGlove\":true,"
         "\"preprovisioningAllowed\":false,\"hybridAzureADJoinSkipConnectivityCheck\":true,"
         "\"assignments@odata.navigationLink\":\"x\",\"outOfBoxExperienceSettings\":{\"hideEULA\":true,"
         "\"userType\":\"standard\"},\"outOfBoxExperienceSetting\":{\"eulaHidden\":false,\"userType\":"
         "\"administrator\"}}",
         "PATCH " PROFILES "/%s", id);
    is_text("locale", "de-DE");
    is_text("language", "de-DE");
    is("preprovisioningAllowed", "true");
    is("outOfBoxExperienceSetting/eulaHidden", "true");
    is_text("outOfBoxExperienceSetting/userType", "standard");
    is("hybridAzureADJoinSkipConnectivityCheck", "(missing)");
    askf(200, "{\"language\":\"de-DE\",\"locale\":\"fr-FR\"}", "PATCH " PROFILES "('%s')", id);
    is_text("language", "fr-FR");
    is("outOfBoxExperienceSetting/eulaHidden", "true"); /* what was not sent stays */
}

static void refused_with_the_members_name(void **state TD_UNUSED)
{
    is_refused("{\"displayName\":\"x\"}", "@odata.type");
    is_refused("{" AZURE "}", "displayName");
    is_refused("{" AZURE ",\"displayName\":\"x\",\"deviceNameTemplate\":\"LAB %SERIAL%\"}", "deviceNameTemplate");
    is_refused("{" AZURE ",\"displayName\":\"x\",\"locale\":\"en_US\"}", "locale");
    is_refused("{" HYBRID ",\"displayName\":\"x\",\"outOfBoxExperienceSetting\":{\"deviceUsageType\":\"shared\"}}",
               "deviceUsageType");
    is_refused("{" AZURE ",\"displayName\":\"x\",\"managementServiceAppId\":\"11111111-2222-4333-8444-555555555555\"}",
               "managementServiceAppId");
    get(PROFILES);
    counts(0);
    ask(404, "GET " PROFILES "/11111111-2222-4333-8444-555555555555", NULL);
    ask(404, "GET " PROFILES "/Lab", NULL);
    ask(405, "DELETE " PROFILES "/", NULL);
}

/* ---- assignments ---- */

static void assigned_by_ids_that_tools_build(void **state TD_UNUSED)
{
    const char *group = add_group("Kiosks", tagged("KIOSK")), *id = add_profile(""), *to = text(TO_GROUP, group);
    askf(201,
         text("{\"id\":\"%s_%s_0\",\"target\":{\"@odata.type\":\"#microsoft.graph.groupAssignmentTarget\","
              "\"groupId\":\"%s\"}}",
              id, group, group),
         "POST " PROFILES "/%s/assignments", id);
    is_text("id", text("%s_%s_0", id, group));
    is_text("source", "direct");
    is_text("sourceId", id);
    is_text("target/@odata.type", "#microsoft.graph.groupAssignmentTarget");
    is_text("target/groupId", group);
    is("target/deviceAndAppManagementAssignmentFilterId", "null");
    is_text("target/deviceAndAppManagementAssignmentFilterType", "none");
    askf(201, to, "POST " PROFILES "/%s/assignments", id); /* twice is fine */
    askf(200, NULL, "GET " PROFILES "/%s/assignments", id);
    counts(1);
    askf(200, NULL, "GET " PROFILES "?$expand=assignments");
    is_text("value/0/assignments/0/target/groupId", group);
    askf(400, NULL, "DELETE " PROFILES "/%s", id);
    assert_non_null(strstr(gw_str("error/message"), "assigned"));
    askf(204, NULL, "DELETE " PROFILES "/%s/assignments/%s_%s_0", id, id, group);
    askf(404, NULL, "DELETE " PROFILES "/%s/assignments/%s_%s_0", id, id, group);
    askf(204, NULL, "DELETE " PROFILES "/%s", id);
    askf(404, NULL, "GET " PROFILES "/%s", id);
}

static void one_default_and_exclusions(void **state TD_UNUSED)
{
    const char *group = add_group("Kiosks", tagged("KIOSK")), *first = add_profile(""), *second = add_profile("");
    gw_machine(1, "KIOSK");
    gw_machine(2, "OFFICE");
    askf(201, TO_ALL, "POST " PROFILES "/%s/assignments", first);
    is_text("id", text("%s_" ALL_DEVICES "_0", first));
    is("target/groupId", "(missing)");
    askf(400, TO_ALL, "POST " PROFILES "/%s/assignments", second);
    assert_non_null(
        strstr(gw_str("error/message"), text("Another Profile %s is already assigned to All Devices", first)));
    askf(201, text(NOT_GROUP, group), "POST " PROFILES "/%s/assignments", first);
    is_text("id", text("%s_%s_1", first, group));
    /* passed over silently, a filter would widen the assignment */
    askf(501,
         "{\"target\":{\"@odata.type\":\"#microsoft.graph.allDevicesAssignmentTarget\","
         "\"deviceAndAppManagementAssignmentFilterId\":\"" ALL_DEVICES "\","
         "\"deviceAndAppManagementAssignmentFilterType\":\"include\"}}",
         "POST " PROFILES "/%s/assignments", first);
    gw_work();
    askf(200, NULL, "GET " DEVICES "/%s/intendedDeploymentProfile", device_at(2));
    is_text("id", first);
    askf(200, NULL, "GET " DEVICES "/%s", device_at(1));
    is_text("deploymentProfileAssignmentStatus", "notAssigned");
    askf(200, NULL, "GET " PROFILES "/%s/assignedDevices", first);
    counts(1);
    is_text("value/0/serialNumber", "SN-0002");
    askf(200, NULL,
         "GET " DEVICES "?$filter=serialNumber eq 'SN-0002'&$expand=deploymentProfile,intendedDeploymentProfile");
    is_text("value/0/deploymentProfile/id", first);
    is_text("value/0/intendedDeploymentProfile/displayName", "Lab");
    is_text("value/0/deploymentProfileAssignmentStatus", "assignedUnkownSyncState");
    askf(400, text(TO_GROUP, "99999999-0000-4000-8000-000000000000"), "POST " PROFILES "/%s/assignments", second);
    askf(400, "{\"target\":{}}", "POST " PROFILES "/%s/assignments", second);
}

static void a_whole_set_at_once(void **state TD_UNUSED)
{
    const char *one = add_group("One", ""), *two = add_group("Two", ""), *id = add_profile("");
    askf(201, text(TO_GROUP, one), "POST " PROFILES "/%s/assignments", id);
    askf(204, text("{\"assignments\":[" TO_GROUP "," TO_ALL "]}", two), "PUT " PROFILES "/%s/assignments", id);
    askf(200, NULL, "GET " PROFILES "/%s/assignments", id);
    counts(2);
    assert_string_equal(gw_find("id", text("%s_%s_0", id, one)), "");
    askf(200, text("{\"payloadIds\":[\"%s\"]}", id), "POST " PROFILES "/hasPayloadLinks");
    is("value/0/hasLink", "true");
    askf(204, "{\"assignments\":[]}", "PUT " PROFILES "/%s/assignments", id);
    askf(200, text("{\"payloadIds\":[\"%s\"]}", id), "POST " PROFILES "/hasPayloadLinks");
    is("value/0/hasLink", "false");
}

static void devices_named_one_by_one(void **state TD_UNUSED)
{
    const char *id = add_profile("");
    gw_machine(1, "");
    gw_machine(2, "");
    const char *device = device_at(1);
    askf(204, text("{\"deviceIds\":[\"%s\"]}", device), "POST " PROFILES "/%s/assign", id);
    gw_work();
    askf(200, NULL, "GET " PROFILES "/%s/assignedDevices", id);
    counts(1);
    is_text("value/0/id", device);
    askf(400, "{\"deviceIds\":[\"99999999-0000-4000-8000-000000000000\"]}", "POST " PROFILES "/%s/assign", id);
}

/* An edit reaches what is not deployed: the device's own copy says so. */
struct giving {
    const char *serial, *profile;
};

static enum td_code give(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct giving *n = ctx;
    struct td_registration r;
    struct td_profile_row p;
    td_try(td_registration_find_any(tx, g.box->tenant, n->serial, &g.box->arena, &r, err));
    td_try(td_profile_find(tx, g.box->tenant, n->profile, &g.box->arena, &p, err));
    return td_profile_give(tx, g.box->tenant, r.way_id, &p, err);
}

static void effective_and_intended_apart(void **state TD_UNUSED)
{
    const char *id = add_profile("");
    struct giving n = {"SN-0001", id};
    struct td_error err = {0};
    gw_machine(1, "");
    askf(201, TO_ALL, "POST " PROFILES "/%s/assignments", id);
    gw_work();
    const char *device = device_at(1);
    assert_ok(td_store_write(g.box->svc.store, give, &n, &err));
    askf(200, NULL, "GET " DEVICES "/%s", device);
    is_text("deploymentProfileAssignmentStatus", "assignedInSync");
    askf(200, "{\"displayName\":\"Renamed\",\"locale\":\"de-DE\"}", "PATCH " PROFILES "/%s", id);
    askf(200, NULL, "GET " DEVICES "/%s?$expand=deploymentProfile,intendedDeploymentProfile", device);
    is_text("deploymentProfileAssignmentStatus", "assignedOutOfSync");
    is_text("deploymentProfile/displayName", "Lab");
    is_text("deploymentProfile/locale", "os-default");
    is_text("intendedDeploymentProfile/displayName", "Renamed");
    is_text("intendedDeploymentProfile/locale", "de-DE");
}

static void another_kind_of_device(void **state TD_UNUSED)
{
    const char *id = add_profile(",\"deviceType\":\"holoLens\"");
    gw_machine(1, "");
    askf(201, TO_ALL, "POST " PROFILES "/%s/assignments", id);
    gw_work();
    askf(200, NULL, "GET " DEVICES "/%s", device_at(1));
    is_text("deploymentProfileAssignmentStatus", "failed");
    is_text("deploymentProfileAssignmentDetailedStatus", "holoLensProfileNotSupported");
}

/* A change that no job has carried to the devices yet: all doors say what holds already. */
static void what_holds_at_once(void **state TD_UNUSED)
{
    const char *id = add_profile("");
    gw_machine(1, "");
    gw_work();
    const char *device = device_at(1);
    ask(201, "POST /beta/groups",
        "{\"displayName\":\"All\",\"mailEnabled\":false,\"mailNickname\":\"all\",\"securityEnabled\":true,"
        "\"groupTypes\":[\"DynamicMembership\"],\"membershipRuleProcessingState\":\"On\","
        "\"membershipRule\":\"device.objectId -ne null\"}");
    const char *group = gw_str("id");
    askf(201,
         text("{\"target\":{\"@odata.type\":\"#microsoft.graph.groupAssignmentTarget\",\"groupId\":\"%s\"}}", group),
         "POST " PROFILES "/%s/assignments", id);
    askf(200, NULL, "GET " DEVICES "/%s/intendedDeploymentProfile", device);
    is_text("id", id);
    askf(200, NULL, "GET " DEVICES "/%s?$expand=deploymentProfile,intendedDeploymentProfile", device);
    is_text("intendedDeploymentProfile/id", id);
    is_text("deploymentProfile/id", id);
    gw_work();
    askf(204, "{\"membershipRule\":\"device.objectId -eq null\"}", "PATCH /beta/groups/%s", group);
    askf(200, NULL, "GET " DEVICES "/%s?$expand=intendedDeploymentProfile", device);
    is("intendedDeploymentProfile", "null");
}

static void room_for_every_profile(void **state TD_UNUSED)
{
    enum { MANY = 350 };
    for (int i = 0; i < MANY; i++)
        ask(201, "POST " PROFILES, text("{" AZURE ",\"displayName\":\"P%03d\"}", i));
    get(PROFILES);
    counts(MANY);
}

static void other_tenants_stay_shut(void **state TD_UNUSED)
{
    const char *id = add_profile("");
    const char *mine = g.token;
    g.token = g.foreign;
    get(PROFILES);
    counts(0);
    askf(404, NULL, "GET " PROFILES "/%s", id);
    askf(404, "{\"displayName\":\"x\"}", "PATCH " PROFILES "/%s", id);
    askf(404, TO_ALL, "POST " PROFILES "/%s/assignments", id);
    askf(404, NULL, "DELETE " PROFILES "/%s", id);
    g.token = mine;
    askf(200, NULL, "GET " PROFILES "/%s", id);
    is_text("displayName", "Lab");
}

/* ---- other management services (autopilot.md, row X07) ---- */

#define OTHER "5a1e0000-1111-4222-8333-444455556666"

static void add_other(struct td_tx *tx, struct service_box *b)
{
    const struct td_foreign_management m = {.app_id = OTHER,
                                            .name = "Other",
                                            .enrolment_url = "https://mdm.other.test/enrol",
                                            .terms_url = "",
                                            .compliance_url = ""};
    assert_ok(td_foreign_management_put(tx, b->tenant, &m, "test", NULL));
}

static void the_other_managements_addresses(void **state TD_UNUSED)
{
    ask(404, "GET /v1.0/servicePrincipals/appId=" OTHER "/endpoints", NULL);
    box_in_write(g.box, add_other);
    get("/v1.0/servicePrincipals/appId=" OTHER "/endpoints");
    counts(1);
    is_text("value/0/providerName", "WindowsEnrollment");
    is_text("value/0/uri", "https://mdm.other.test/enrol");
    get("/v1.0/servicePrincipals/appId=0000000a-0000-0000-c000-000000000000/endpoints");
    is_text("value/0/uri", HOST "/EnrollmentServer/Enrollment.svc");
    const char *id = add_profile(",\"managementServiceAppId\":\"" OTHER "\"");
    askf(200, NULL, "GET " PROFILES "/%s", id);
    is_text("managementServiceAppId", OTHER);
    const char *mine = g.token;
    g.token = g.foreign;
    ask(404, "GET /v1.0/servicePrincipals/appId=" OTHER "/endpoints", NULL);
    g.token = mine;
}

/* ---- enrolment configurations ---- */

static const char *add_page(const char *name)
{
    ask(201, "POST " ESP, text("{" PAGE ",\"displayName\":\"%s\"}", name));
    return gw_str("id");
}

static void defaults_are_there(void **state TD_UNUSED)
{
    get(ESP);
    counts(4);
    const char *page = text("%s_DefaultWindows10EnrollmentCompletionPageConfiguration", g.box->tenant);
    const char *at = gw_find("id", page);
    is(text("%s/priority", at), "0");
    is_text(text("%s/displayName", at), "All users and all devices");
    is_text(text("%s/deviceEnrollmentConfigurationType", at), "defaultWindows10EnrollmentCompletionPageConfiguration");
    askf(400, NULL, "DELETE " ESP "/%s", page);
    askf(400, "{\"enrollmentConfigurationAssignments\":[" TO_ALL "]}", "POST " ESP "/%s/assign", page);
    askf(400, "{\"priority\":1}", "POST " ESP "/%s/setPriority", page);
    askf(200, "{" PAGE ",\"installProgressTimeoutInMinutes\":30}", "PATCH " ESP "/%s", page);
    is("installProgressTimeoutInMinutes", "30");
    is("version", "1");
    get(ESP "?$filter=deviceEnrollmentConfigurationType eq 'defaultLimit'");
    counts(1);
    is("value/0/limit", "50");
    const char *limit = gw_str("value/0/id");
    askf(200, "{\"@odata.type\":\"#microsoft.graph.deviceEnrollmentLimitConfiguration\",\"limit\":7}",
         "PATCH " ESP "/%s", limit);
    is("limit", "7");
    const char *platform = text("%s_DefaultPlatformRestrictions", g.box->tenant);
    askf(200,
         "{\"windowsRestriction\":{\"platformBlocked\":false,\"personalDeviceEnrollmentBlocked\":true,"
         "\"osMinimumVersion\":\"10.0.19045\"}}",
         "PATCH " ESP "/%s", platform);
    is("windowsRestriction/personalDeviceEnrollmentBlocked", "true");
    is("windowsRestriction/blockedSkus", "[]");
    is("iosRestriction/blockedManufacturers", "[]");
    is_text("windowsRestriction/osMinimumVersion", "10.0.19045");
    is("iosRestriction/platformBlocked", "true");
    askf(400, "{\"windowsRestriction\":{\"osMinimumVersion\":\"new\"}}", "PATCH " ESP "/%s", platform);
    askf(501, "{\"pinMinimumLength\":8}", "PATCH " ESP "/%s_DefaultWindowsHelloForBusiness", g.box->tenant);
    ask(501, "POST " ESP,
        "{\"@odata.type\":\"#microsoft.graph.deviceEnrollmentLimitConfiguration\",\"displayName\":\"x\",\"limit\":3}");
}

static void pages_as_the_module_writes_them(void **state TD_UNUSED)
{
    ask(201, "POST " ESP,
        "{" PAGE ",\"displayName\":\"ESP\",\"description\":\"\",\"showInstallationProgress\":\"True\","
        "\"blockDeviceSetupRetryByUser\":\"False\",\"allowDeviceResetOnInstallFailure\":\"False\","
        "\"allowLogCollectionOnInstallFailure\":\"True\",\"customErrorMessage\":\"\","
        "\"installProgressTimeoutInMinutes\":\"60\",\"allowDeviceUseOnInstallFailure\":\"False\",}");
    is("showInstallationProgress", "true");
    is("installProgressTimeoutInMinutes", "60");
    is("allowLogCollectionOnInstallFailure", "true");
    is("selectedMobileAppIds", "[]");
    is("priority", "1");
    const char *id = gw_str("id");
    assert_non_null(strstr(id, "_Windows10EnrollmentCompletionPageConfiguration"));
    askf(200, "{" PAGE ",\"customErrorMessage\":\"Call 12\",\"installProgressTimeoutInMinutes\":\"1440\"}",
         "PATCH " ESP "/%s", id);
    is_text("customErrorMessage", "Call 12");
    is("version", "2");
    /* a parameter that was not given */
    askf(200, "{" PAGE ",\"installProgressTimeoutInMinutes\":\"0\"}", "PATCH " ESP "/%s", id);
    is("installProgressTimeoutInMinutes", "1440");
    askf(400, "{" PAGE ",\"installProgressTimeoutInMinutes\":1441}", "PATCH " ESP "/%s", id);
    assert_non_null(strstr(gw_str("error/message"), "installProgressTimeoutInMinutes"));
    askf(200, NULL, "GET /v1.0/deviceManagement/deviceEnrollmentConfigurations/%s", id);
    is("allowNonBlockingAppInstallation", "false");
    is("showInstallationProgress", "(missing)");
    ask(201, "POST " ESP, "{" PAGE ",\"displayName\":\"No minutes\",\"installProgressTimeoutInMinutes\":0}");
    is("installProgressTimeoutInMinutes", "60");
}

static void priorities_stay_a_row_of_numbers(void **state TD_UNUSED)
{
    const char *a = add_page("A"), *b = add_page("B"), *c = add_page("C");
    askf(204, "{\"priority\":1}", "POST " ESP "/%s/setpriority", c);
    get(ESP "?$filter=priority gt 0&$orderby=priority");
    is_text("value/0/id", c);
    is_text("value/1/id", a);
    is_text("value/2/id", b);
    is("value/2/priority", "3");
    askf(204, "{\"priority\":\"9\"}", "POST " ESP "/%s/setPriority", c);
    askf(204, NULL, "DELETE " ESP "/%s", a);
    get(ESP "?$filter=priority gt 0&$orderby=priority");
    counts(2);
    is_text("value/0/id", b);
    is("value/0/priority", "1");
    is("value/1/priority", "2");
    askf(400, "{\"priority\":0}", "POST " ESP "/%s/setPriority", b);
}

static void pages_assigned_in_both_styles(void **state TD_UNUSED)
{
    const char *one = add_group("One", ""), *two = add_group("Two", ""), *id = add_page("A");
    askf(200 + 4, text("{\"enrollmentConfigurationAssignments\":[" TO_GROUP "]}", one), "POST " ESP "/%s/assign", id);
    askf(201, text(TO_GROUP, two), "POST " ESP "/%s/assignments", id);
    askf(200, NULL, "GET " ESP "/%s/assignments", id);
    counts(2);
    askf(204, NULL, "DELETE " ESP "/%s/assignments/%s_%s_0", id, id, one);
    askf(200, NULL, "GET " ESP "/%s?$expand=assignments", id);
    is_text("assignments/0/target/groupId", two);
    askf(204,
         "{\"enrollmentConfigurationAssignments\":[{\"target\":{\"@odata.type\":"
         "\"#microsoft.graph.allLicensedUsersAssignmentTarget\"}}]}",
         "POST " ESP "/%s/assign", id);
    askf(200, NULL, "GET " ESP "/%s/assignments", id);
    counts(1);
    is_text("value/0/target/@odata.type", "#microsoft.graph.allLicensedUsersAssignmentTarget");
    askf(204, "{\"enrollmentConfigurationAssignments\":[]}", "POST " ESP "/%s/assign", id);
    askf(200, NULL, "GET " ESP "/%s/assignments", id);
    counts(0);
    askf(400, "{}", "POST " ESP "/%s/assign", id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_sets_of_names_in_every_answer),
        TEST(the_changed_one_of_a_pair_counts),
        TEST(refused_with_the_members_name),
        TEST(assigned_by_ids_that_tools_build),
        TEST(one_default_and_exclusions),
        TEST(a_whole_set_at_once),
        TEST(devices_named_one_by_one),
        TEST(what_holds_at_once),
        TEST(effective_and_intended_apart),
        TEST(another_kind_of_device),
        TEST(room_for_every_profile),
        TEST(other_tenants_stay_shut),
        TEST(the_other_managements_addresses),
        TEST(defaults_are_there),
        TEST(pages_as_the_module_writes_them),
        TEST(priorities_stay_a_row_of_numbers),
        TEST(pages_assigned_in_both_styles),
    };
    return cmocka_run_group_tests_name("graph-profiles", tests, NULL, NULL);
}
