/* graph-api.md 3.3, 3.5 and 3.6: profiles and status pages as modules, declarative tools and portals drive them. */
#include "graph_world.h"

#define GROUP_TARGET "{\"@odata.type\":\"#microsoft.graph.groupAssignmentTarget\",\"groupId\":\"%s\"}"

static const char *a_group(const char *name)
{
    ask(201, "POST /beta/groups",
        text("{\"displayName\":\"%s\",\"mailEnabled\":false,\"mailNickname\":\"%s\",\"securityEnabled\":true}", name,
             name));
    return gw_str("id");
}

/* 3.5 (1) */
static const char new_profile[] =
    "{\"@odata.type\":\"#microsoft.graph.azureADWindowsAutopilotDeploymentProfile\",\"displayName\":\"Lab\","
    "\"description\":\"d\",\"language\":\"en-US\",\"extractHardwareHash\":false,\n"
    " \"deviceNameTemplate\":\"LAB-%RAND:5%\",\"deviceType\":\"windowsPc\",\"enableWhiteGlove\":true,\n"
    " \"outOfBoxExperienceSettings\":{\"hidePrivacySettings\":true,\"hideEULA\":true,\"userType\":\"standard\","
    "\"deviceUsageType\":\"singleUser\",\"skipKeyboardSelectionPage\":true,\"hideEscapeLink\":true}}";

static const char *lab_profile(void)
{
    ask(201, "POST " PROFILES, new_profile);
    return gw_str("id");
}

/* 1.3: the whole object, both sets of names with equal values. */
static void is_lab_profile(void)
{
    static const char *const members[][2] = {
        {"@odata.type", "\"#microsoft.graph.azureADWindowsAutopilotDeploymentProfile\""},
        {"displayName", "\"Lab\""},
        {"description", "\"d\""},
        {"language", "\"en-US\""},
        {"locale", "\"en-US\""},
        {"enrollmentStatusScreenSettings", "null"},
        {"extractHardwareHash", "false"},
        {"hardwareHashExtractionEnabled", "false"},
        {"deviceNameTemplate", "\"LAB-%RAND:5%\""},
        {"deviceType", "\"windowsPc\""},
        {"enableWhiteGlove", "true"},
        {"preprovisioningAllowed", "true"},
        {"roleScopeTagIds", "[\"0\"]"},
        {"outOfBoxExperienceSettings/hidePrivacySettings", "true"},
        {"outOfBoxExperienceSettings/hideEULA", "true"},
        {"outOfBoxExperienceSettings/userType", "\"standard\""},
        {"outOfBoxExperienceSettings/deviceUsageType", "\"singleUser\""},
        {"outOfBoxExperienceSettings/skipKeyboardSelectionPage", "true"},
        {"outOfBoxExperienceSettings/hideEscapeLink", "true"},
        {"outOfBoxExperienceSetting/privacySettingsHidden", "true"},
        {"outOfBoxExperienceSetting/eulaHidden", "true"},
        {"outOfBoxExperienceSetting/userType", "\"standard\""},
        {"outOfBoxExperienceSetting/deviceUsageType", "\"singleUser\""},
        {"outOfBoxExperienceSetting/keyboardSelectionPageSkipped", "true"},
        {"outOfBoxExperienceSetting/escapeLinkHidden", "true"},
    };
    for (size_t i = 0; i < TD_COUNTOF(members); i++)
        is(members[i][0], members[i][1]);
    (void)gw_str("createdDateTime");
    (void)gw_str("lastModifiedDateTime");
    const char *app = gw_value(gw_at("managementServiceAppId")); /* nullable; the sample shows "" */
    assert_true(strcmp(app, "\"\"") == 0 || strcmp(app, "null") == 0);
}

/* 3.3: what ConvertTo-AutopilotConfigurationJSON reads. */
static void to_configuration_json(void **state TD_UNUSED)
{
    get("/v1.0/organization");
    counts(1);
    is_text("value/0/id", g.box->tenant);
    bool found = false;
    const struct td_json *domains = gw_at("value/0/verifiedDomains");
    for (const struct td_json *d = domains != NULL ? domains->child : NULL; d != NULL; d = d->next)
        found = found || (td_json_bool(d, "isDefault", false) && strcmp(td_json_str(d, "name"), "contoso.test") == 0);
    assert_true(found);
    get("/v1.0/domains");
    assert_string_not_equal(gw_find("id", "contoso.test"), "");
    is(text("%s/isDefault", gw_find("id", "contoso.test")), "true");
    const char *id = lab_profile();
    get(PROFILES);
    counts(1);
    is_text("@odata.context", HOST "/beta/$metadata#deviceManagement/windowsAutopilotDeploymentProfiles");
    is_text("value/0/id", id);
    g.json = gw_at("value/0");
    is_lab_profile();
    askf(200, NULL, "GET " PROFILES "/%s", id);
    is_lab_profile();
}

/* 3.5 (1) to (6): WindowsAutopilotIntune, one cmdlet after the other. */
static void cmdlets(void **state TD_UNUSED)
{
    const char *group = a_group("Lab");
    ask(201, "POST " PROFILES, new_profile);
    is_text("@odata.context", HOST "/beta/$metadata#deviceManagement/windowsAutopilotDeploymentProfiles/$entity");
    is_lab_profile();
    const char *id = gw_str("id"), *assignment = text("%s_%s_0", id, group);

    askf(201, text("{\"id\":\"%s\",\"target\":" GROUP_TARGET "}", assignment, group),
         "POST " PROFILES "/%s/assignments", id); /* 2 */
    is_text("id", assignment);
    is("target/@odata.type", "\"#microsoft.graph.groupAssignmentTarget\"");
    is_text("target/groupId", group);
    is("source", "\"direct\"");

    askf(200, NULL, "GET " PROFILES "/%s/assignments", id); /* 3 */
    counts(1);
    is_text("value/0/id", assignment);
    is_text("value/0/target/groupId", group);
    is("value/0/source", "\"direct\"");
    askf(200, NULL, "GET /beta/groups?$filter=id eq '%s'", group);
    counts(1);
    is("value/0/displayName", "\"Lab\"");
    askf(200, NULL, "GET " PROFILES "/%s/assignedDevices", id);
    counts(0);

    askf(204, NULL, "DELETE " PROFILES "/%s/assignments/%s", id, assignment); /* 5 */
    askf(200, NULL, "GET " PROFILES "/%s/assignments", id);
    counts(0);
    askf(204, NULL, "DELETE " PROFILES "/%s", id); /* 6 */
    askf(404, NULL, "GET " PROFILES "/%s", id);
    is_error("ResourceNotFound");
}

/* 3.5 (4), 1.3: the old member is changed and the whole object sent back, the new one stale, foreign members along. */
static void set_profile(void **state TD_UNUSED)
{
    const char *id = lab_profile();
    askf(200,
         text("{\"@odata.type\":\"#microsoft.graph.azureADWindowsAutopilotDeploymentProfile\",\"displayName\":\"Lab\","
              "\"description\":\"changed\",\"language\":\"de-DE\",\"locale\":\"en-US\","
              "\"enrollmentStatusScreenSettings\":null,\"extractHardwareHash\":true,"
              "\"hardwareHashExtractionEnabled\":false,\"deviceNameTemplate\":\"LAB-%%RAND:5%%\","
              "\"deviceType\":\"windowsPc\",\"enableWhiteGlove\":false,\"preprovisioningAllowed\":true,"
              "\"managementServiceAppId\":\"\",\"hybridAzureADJoinSkipConnectivityCheck\":true,"
              "\"assignments@odata.navigationLink\":\"https://localhost/x\","
              "\"outOfBoxExperienceSettings\":{\"hidePrivacySettings\":false,\"hideEULA\":true,\"userType\":"
              "\"administrator\",\"deviceUsageType\":\"singleUser\",\"skipKeyboardSelectionPage\":true,"
              "\"hideEscapeLink\":true},\"outOfBoxExperienceSetting\":{\"privacySettingsHidden\":true,\"eulaHidden\":"
              "true,\"userType\":\"standard\",\"deviceUsageType\":\"singleUser\",\"keyboardSelectionPageSkipped\":true,"
              "\"escapeLinkHidden\":true}}"),
         "PATCH " PROFILES "/%s", id);
    for (int again = 0; again < 2; again++) { /* the answer, and what is kept */
        is("description", "\"changed\"");
        is("language", "\"de-DE\"");
        is("locale", "\"de-DE\"");
        is("extractHardwareHash", "true");
        is("hardwareHashExtractionEnabled", "true");
        is("enableWhiteGlove", "false");
        is("preprovisioningAllowed", "false");
        is("outOfBoxExperienceSettings/hidePrivacySettings", "false");
        is("outOfBoxExperienceSetting/privacySettingsHidden", "false");
        is("outOfBoxExperienceSetting/userType", "\"administrator\"");
        is("outOfBoxExperienceSettings/hideEULA", "true");
        is("hybridAzureADJoinSkipConnectivityCheck", "(missing)");
        askf(200, NULL, "GET " PROFILES "/%s", id);
    }
    /* only one of the pair sent: it holds; both differ: the current name wins */
    askf(200, "{\"locale\":\"fr-FR\"}", "PATCH " PROFILES "/%s", id);
    is("language", "\"fr-FR\"");
    is("outOfBoxExperienceSettings/hidePrivacySettings", "false");
    askf(200, "{\"language\":\"es-ES\",\"locale\":\"it-IT\"}", "PATCH " PROFILES "/%s", id);
    is("language", "\"it-IT\"");
    is("locale", "\"it-IT\"");
}

/* 3.5 (7): create with the current names, read until readable, update by deleting and posting each assignment. */
static void declarative(void **state TD_UNUSED)
{
    const char *first = a_group("First"), *second = a_group("Second");
    ask(201, "POST " PROFILES,
        "{\"@odata.type\":\"#microsoft.graph.azureADWindowsAutopilotDeploymentProfile\",\"displayName\":\"TF\","
        "\"locale\":\"\",\"hardwareHashExtractionEnabled\":true,\"preprovisioningAllowed\":true,"
        "\"deviceType\":\"windowsPc\",\"deviceNameTemplate\":\"\",\"outOfBoxExperienceSetting\":"
        "{\"privacySettingsHidden\":true,\"eulaHidden\":true,\"keyboardSelectionPageSkipped\":true,"
        "\"escapeLinkHidden\":true,\"userType\":\"standard\",\"deviceUsageType\":\"singleUser\"},"
        "\"roleScopeTagIds\":[\"0\"]}");
    const char *id = gw_str("id");
    is("locale", "\"\"");
    is("outOfBoxExperienceSettings/hideEULA", "true");
    is("extractHardwareHash", "true");
    askf(201, text("{\"target\":" GROUP_TARGET "}", first), "POST " PROFILES "/%s/assignments", id);
    askf(201, text("{\"id\":\"\",\"target\":" GROUP_TARGET "}", second), "POST " PROFILES "/%s/assignments", id);
    askf(200, NULL, "GET " PROFILES "/%s", id);
    askf(200, NULL, "GET " PROFILES "/%s/assignments", id);
    counts(2);
    const char *ids[] = {gw_str("value/0/id"), gw_str("value/1/id")};
    askf(200, "{\"@odata.type\":\"#microsoft.graph.azureADWindowsAutopilotDeploymentProfile\",\"description\":\"x\"}",
         "PATCH " PROFILES "/%s", id);
    for (size_t i = 0; i < 2; i++)
        askf(204, NULL, "DELETE " PROFILES "/%s/assignments/%s", id, ids[i]);
    askf(404, NULL, "DELETE " PROFILES "/%s/assignments/%s", id, ids[0]); /* 404 on delete = success (2.4) */
    askf(201, "{\"target\":{\"@odata.type\":\"#microsoft.graph.allDevicesAssignmentTarget\"}}",
         "POST " PROFILES "/%s/assignments", id);
    is("target/@odata.type", "\"#microsoft.graph.allDevicesAssignmentTarget\"");
    is_text("id", text("%s_adadadad-808e-44e2-905a-0b7873a8a531_0", id));
    const char *other = lab_profile();
    askf(400, "{\"target\":{\"@odata.type\":\"#microsoft.graph.allDevicesAssignmentTarget\"}}",
         "POST " PROFILES "/%s/assignments", other);
    assert_non_null(strstr(g.body, "already assigned to All Devices"));
    gw_call_as(g.token, text("DELETE " PROFILES "/%s", id), NULL); /* it still has assignments (1.3) */
    assert_true(g.status == 400 || g.status == 409);
    askf(204, NULL, "DELETE " PROFILES "/%s/assignments/%s_adadadad-808e-44e2-905a-0b7873a8a531_0", id, id);
    askf(204, NULL, "DELETE " PROFILES "/%s", id);
}

/* The other join, and what is refused: no type (the base is abstract), no name, a template that is too long. */
static void kinds(void **state TD_UNUSED)
{
    ask(201, "POST " PROFILES,
        "{\"@odata.type\":\"#microsoft.graph.activeDirectoryWindowsAutopilotDeploymentProfile\",\"displayName\":"
        "\"Hybrid\",\"description\":\"\",\"language\":\"\",\"extractHardwareHash\":true,\"deviceNameTemplate\":\"\","
        "\"deviceType\":\"windowsPc\",\"enableWhiteGlove\":false,\"hybridAzureADJoinSkipConnectivityCheck\":true,"
        "\"outOfBoxExperienceSettings\":{\"hidePrivacySettings\":true,\"hideEULA\":true,\"userType\":\"standard\","
        "\"deviceUsageType\":\"singleUser\",\"skipKeyboardSelectionPage\":false,\"hideEscapeLink\":true}}");
    is("@odata.type", "\"#microsoft.graph.activeDirectoryWindowsAutopilotDeploymentProfile\"");
    is("hybridAzureADJoinSkipConnectivityCheck", "true");
    is("outOfBoxExperienceSetting/keyboardSelectionPageSkipped", "false");
    is("locale", "\"\"");
    ask(400, "POST " PROFILES, "{\"displayName\":\"No type\"}");
    ask(400, "POST " PROFILES, "{\"@odata.type\":\"#microsoft.graph.azureADWindowsAutopilotDeploymentProfile\"}");
    ask(400, "POST " PROFILES,
        "{\"@odata.type\":\"#microsoft.graph.azureADWindowsAutopilotDeploymentProfile\",\"displayName\":\"Long\","
        "\"deviceNameTemplate\":\"ABCDEFGHIJKLMNOPQRST\"}");
    assert_non_null(strstr(g.body, "deviceNameTemplate"));
}

/* 3.6: .NET Booleans, a number as text, a trailing comma. */
static void status_page(void **state TD_UNUSED)
{
    const char *group = a_group("Lab");
    get(ESP);
    const char *standard =
        gw_find("deviceEnrollmentConfigurationType", "defaultWindows10EnrollmentCompletionPageConfiguration");
    assert_string_not_equal(standard, "");
    is(text("%s/priority", standard), "0");
    is(text("%s/displayName", standard), "\"All users and all devices\"");
    const char *standard_id = gw_str(text("%s/id", standard));
    assert_non_null(strstr(standard_id, "_DefaultWindows10EnrollmentCompletionPageConfiguration"));
    ask(201, "POST " ESP,
        "{\"@odata.type\":\"#microsoft.graph.windows10EnrollmentCompletionPageConfiguration\",\"displayName\":\"ESP\","
        "\"description\":\"\",\"showInstallationProgress\":\"True\",\"blockDeviceSetupRetryByUser\":\"False\","
        "\"allowDeviceResetOnInstallFailure\":\"False\",\"allowLogCollectionOnInstallFailure\":\"True\","
        "\"customErrorMessage\":\"\",\"installProgressTimeoutInMinutes\":\"60\","
        "\"allowDeviceUseOnInstallFailure\":\"False\",}");
    is("@odata.type", "\"#microsoft.graph.windows10EnrollmentCompletionPageConfiguration\"");
    is("showInstallationProgress", "true");
    is("allowLogCollectionOnInstallFailure", "true");
    is("blockDeviceSetupRetryByUser", "false");
    is("installProgressTimeoutInMinutes", "60");
    is("selectedMobileAppIds", "[]");
    is("priority", "1");
    is("deviceEnrollmentConfigurationType", "\"windows10EnrollmentCompletionPageConfiguration\"");
    const char *id = gw_str("id");
    assert_non_null(strstr(id, "_Windows10EnrollmentCompletionPageConfiguration"));
    askf(200,
         "{\"@odata.type\":\"#microsoft.graph.windows10EnrollmentCompletionPageConfiguration\",\"displayName\":\"ESP\","
         "\"description\":\"\",\"showInstallationProgress\":\"True\",\"blockDeviceSetupRetryByUser\":\"True\","
         "\"allowDeviceResetOnInstallFailure\":\"False\",\"allowLogCollectionOnInstallFailure\":\"True\","
         "\"customErrorMessage\":\"Call us\",\"installProgressTimeoutInMinutes\":\"90\","
         "\"allowDeviceUseOnInstallFailure\":\"False\"}",
         "PATCH " ESP "/%s", id);
    is("blockDeviceSetupRetryByUser", "true");
    is("installProgressTimeoutInMinutes", "90");
    gw_call_as(g.token, text("POST " ESP "/%s/assign", id),
               text("{\"enrollmentConfigurationAssignments\":[{\"target\":" GROUP_TARGET "}]}", group));
    assert_true(g.status == 200 || g.status == 204);
    askf(200, NULL, "GET " ESP "/%s/assignments", id);
    counts(1);
    is_text("value/0/target/groupId", group);
    ask(201, "POST " ESP,
        "{\"@odata.type\":\"#microsoft.graph.windows10EnrollmentCompletionPageConfiguration\",\"displayName\":"
        "\"Two\"}");
    is("priority", "2");
    const char *two = gw_str("id");
    gw_call_as(g.token, text("POST " ESP "/%s/setpriority", two), "{\"priority\":1}");
    assert_true(g.status == 200 || g.status == 204);
    askf(200, NULL, "GET " ESP "/%s", id);
    is("priority", "2");
    askf(200, NULL, "GET " ESP "/%s", two);
    is("priority", "1");
    get(ESP "?$filter=DisplayName eq 'ESP'");
    counts(1);
    askf(204, NULL, "DELETE " ESP "/%s", id);
    askf(404, NULL, "GET " ESP "/%s", id);
    gw_call_as(g.token, text("DELETE " ESP "/%s", standard_id), NULL); /* defaults stay (1.4) */
    assert_true(g.status == 400 || g.status == 403 || g.status == 405);
    get(ESP "?$expand=assignments");
    assert_string_not_equal(gw_find("id", standard_id), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(to_configuration_json), TEST(cmdlets), TEST(set_profile),
                                       TEST(declarative),           TEST(kinds),   TEST(status_page)};
    return cmocka_run_group_tests_name("graph_replay_profiles", tests, NULL, NULL);
}
