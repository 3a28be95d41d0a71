/* graph-api.md 3.1 and 3.2: the registration scripts' requests one after the other, bodies as printed there. */
#include "graph_world.h"

/* 3.1 (3) */
static const char *import_body(unsigned number, const char *tag)
{
    return text("{ \"@odata.type\":\"#microsoft.graph.importedWindowsAutopilotDeviceIdentity\",\"groupTag\":\"%s\","
                "\"serialNumber\":\"SN-%04u\",\"productKey\":\"\",\n  \"hardwareIdentifier\":\"%s\","
                "\"assignedUserPrincipalName\":\"\",\n  \"state\":{\"@odata.type\":"
                "\"microsoft.graph.importedWindowsAutopilotDeviceIdentityState\",\"deviceImportStatus\":\"pending\","
                "\"deviceRegistrationId\":\"\",\"deviceErrorCode\":0,\"deviceErrorName\":\"\"} }\n",
                tag, number, gw_hash(number));
}

/* The answer to a POST (1.2): "must carry id and state". */
static const char *import_one(unsigned number, const char *tag)
{
    ask(201, "POST " IMPORTED, import_body(number, tag));
    is_text("serialNumber", text("SN-%04u", number));
    is("state/deviceImportStatus", "\"unknown\"");
    is("state/deviceRegistrationId", "\"\"");
    is("state/deviceErrorCode", "0");
    is("state/deviceErrorName", "\"\"");
    return gw_str("id");
}

/* The pollers' loop: while the status is "unknown". */
static void poll_by_serial(const char *serial)
{
    get(IMPORTED);
    is_text(text("%s/state/deviceImportStatus", gw_find("serialNumber", serial)), "unknown");
    gw_work();
    get(IMPORTED);
    g.json = gw_at(gw_find("serialNumber", serial));
    assert_non_null(g.json);
}

static void a_group_with_a_rule(const char *name, const char *rule)
{
    ask(201, "POST /beta/groups",
        text("{\"displayName\":\"%s\",\"mailEnabled\":false,\"mailNickname\":\"%s\",\"securityEnabled\":true,"
             "\"groupTypes\":[\"DynamicMembership\"],\"membershipRule\":\"%s\",\"membershipRuleProcessingState\":"
             "\"On\"}",
             name, name, rule));
}

/* 3.1 with -GroupTag KIOSK -Assign -AddToGroup Lab -AssignedComputerName PC001 */
static void online(void **state TD_UNUSED)
{
    a_group_with_a_rule("Kiosks", "(device.devicePhysicalIds -any _ -eq \\\"[OrderID]:KIOSK\\\")");
    const char *kiosks = gw_str("id");
    ask(201, "POST /beta/groups",
        "{\"displayName\":\"Lab\",\"mailEnabled\":false,\"mailNickname\":\"Lab\",\"securityEnabled\":true}");
    ask(201, "POST " PROFILES,
        "{\"@odata.type\":\"#microsoft.graph.azureADWindowsAutopilotDeploymentProfile\",\"displayName\":\"Lab\"}");
    const char *profile = gw_str("id");
    askf(201,
         text("{\"target\":{\"@odata.type\":\"#microsoft.graph.groupAssignmentTarget\",\"groupId\":\"%s\"}}", kiosks),
         "POST " PROFILES "/%s/assignments", profile);
    gw_work();

    get(DEVICES); /* 2 */
    counts(0);
    is("@odata.nextLink", "(missing)");
    const char *imported = import_one(1, "KIOSK"); /* 3 */
    poll_by_serial("SN-0001");                     /* 4 */
    is_text("id", imported);
    is("state/deviceImportStatus", "\"complete\"");
    is("state/deviceErrorCode", "0");
    const char *id = gw_str("state/deviceRegistrationId");
    assert_int_equal(strlen(id), 36);
    askf(200, NULL, "GET " IMPORTED "/%s", imported); /* Microsoft's original polls so */
    is("state/deviceImportStatus", "\"complete\"");
    is_text("state/deviceRegistrationId", id);

    askf(200, NULL, "GET " DEVICES "/%s", id); /* 5 */
    is_text("id", id);
    is("serialNumber", "\"SN-0001\"");
    is("groupTag", "\"KIOSK\"");
    const char *device = gw_str("azureActiveDirectoryDeviceId");
    is_text("azureAdDeviceId", device);

    get("/beta/groups?$filter=displayName eq 'Lab'"); /* 7 */
    counts(1);
    const char *group = gw_str("value/0/id");
    askf(200, NULL, "GET /beta/devices?$filter=deviceId eq '%s'", device);
    counts(1);
    is_text("value/0/deviceId", device);
    const char *object = gw_str("value/0/id");
    askf(204, text("{\"@odata.id\":\"https://graph.microsoft.com/beta/directoryObjects/%s\"}", object),
         "POST /beta/groups/%s/members/$ref", group);
    askf(200, NULL, "GET /beta/groups/%s/members", group);
    counts(1);
    is_text("value/0/id", object);

    askf(204, "{ displayName: \"PC001\" }", "POST " DEVICES "/%s/UpdateDeviceProperties", id); /* 8 */
    askf(200, NULL, "GET " DEVICES "/%s", id);
    is("displayName", "\"PC001\"");
    is("groupTag", "\"KIOSK\""); /* an absent member never clears (5.5) */
    askf(204,
         "{ userPrincipalName: \"ada@contoso.test\", addressableUserName: \"Ada\", displayName: \"PC001\", "
         "groupTag: \"KIOSK\" }",
         "POST " DEVICES "/%s/UpdateDeviceProperties", id);
    askf(200, NULL, "GET " DEVICES "/%s", id);
    is("userPrincipalName", "\"ada@contoso.test\"");
    is("addressableUserName", "\"Ada\"");

    gw_work();
    askf(200, NULL, "GET " DEVICES "/%s?$expand=deploymentProfile,intendedDeploymentProfile", id); /* 9 */
    assert_int_equal(strncmp(gw_str("deploymentProfileAssignmentStatus"), "assigned", 8), 0);
    is_text("intendedDeploymentProfile/id", profile);
    is_text("deploymentProfile/id", profile);
    is("deploymentProfile/@odata.type", "\"#microsoft.graph.azureADWindowsAutopilotDeploymentProfile\"");

    get("/v1.0/deviceManagement/managedDevices?$filter=serialNumber eq 'SN-0001'"); /* 10 */
    counts(0);
}

/* -Updatetag: the record goes, sync answers, and the same serial is imported anew. */
static void update_tag(void **state TD_UNUSED)
{
    (void)import_one(1, "KIOSK");
    poll_by_serial("SN-0001");
    const char *id = gw_str("state/deviceRegistrationId");
    get(IMPORTED); /* 6 */
    const char *record = gw_str(text("%s/id", gw_find("serialNumber", "SN-0001")));
    askf(204, NULL, "DELETE " IMPORTED "/%s", record);
    ask(204, "POST " DM "windowsAutopilotSettings/sync", NULL);
    ask(204, "POST " DM "windowsAutopilotSettings/sync", NULL); /* never 429 (2.5) */
    get(DM "windowsAutopilotSettings");
    is("syncStatus", "\"completed\"");
    assert_string_not_equal(gw_str("lastManualSyncTriggerDateTime"), NEVER);
    (void)import_one(1, "OFFICE"); /* known by hash: 806, and the tag is brought up to date (1.2) */
    poll_by_serial("SN-0001");
    is("state/deviceImportStatus", "\"error\"");
    is("state/deviceErrorCode", "806");
    is("state/deviceErrorName", "\"ZtdDeviceAlreadyAssigned\"");
    askf(200, NULL, "GET " DEVICES "/%s", id);
    is("groupTag", "\"OFFICE\"");
}

/* "posts the whole list once per new computer, so duplicates of one serial arrive: answer idempotently" */
static void twice(void **state TD_UNUSED)
{
    (void)import_one(1, "KIOSK");
    (void)import_one(1, "KIOSK");
    (void)import_one(2, "KIOSK");
    gw_work();
    get(IMPORTED);
    const char *record = gw_find("serialNumber", "SN-0001");
    is(text("%s/state/deviceImportStatus", record), "\"complete\"");
    get(DEVICES);
    counts(2);
    size_t same = 0;
    get(IMPORTED);
    for (size_t i = 0; i < gw_count(); i++)
        same += strcmp(gw_str(text("value/%zu/serialNumber", i)), "SN-0001") == 0;
    assert_int_equal(same, 1); /* two records of a serial make the script's compare misbehave (1.2) */
}

/* -identifier: a corporate identifier in place of the hash (1.2). */
static void identifier(void **state TD_UNUSED)
{
    static const char known[] = "{\"importedDeviceIdentities\":[{\"importedDeviceIdentifier\":\"Microsoft "
                                "Corporation,Virtual Machine,1234-5678\","
                                "\"importedDeviceIdentityType\":\"manufacturerModelSerial\"}]}";
    ask(200, "POST " DM "importedDeviceIdentities/searchExistingIdentities", known);
    counts(0);
    ask(200, "POST " DM "importedDeviceIdentities/importDeviceIdentityList",
        "{\"importedDeviceIdentities\":[{\"importedDeviceIdentifier\":\"Microsoft Corporation,Virtual "
        "Machine,1234-5678\","
        "\"importedDeviceIdentityType\":\"manufacturerModelSerial\"}],\"overwriteImportedDeviceIdentities\":false}");
    counts(1);
    is("value/0/status", "true");
    is("value/0/importedDeviceIdentityType", "\"manufacturerModelSerial\"");
    ask(200, "POST " DM "importedDeviceIdentities/searchExistingIdentities",
        "{\"importedDeviceIdentities\":[{\"importedDeviceIdentifier\":\"MICROSOFTCORPORATION,VIRTUALMACHINE,12345678\","
        "\"importedDeviceIdentityType\":\"manufacturerModelSerial\"}]}");
    counts(1);
    get(DM "importedDeviceIdentities?$top=100&$filter=contains(importedDeviceIdentifier,'12345678')");
    counts(1);
    is("value/0/enrollmentState", "\"notContacted\"");
    is("value/0/lastContactedDateTime", "\"" NEVER "\"");
    askf(204, NULL, "DELETE " DM "importedDeviceIdentities/%s", gw_str("value/0/id"));
    ask(200, "POST " DM "importedDeviceIdentities/searchExistingIdentities", known);
    counts(0);
}

/* 3.2: Import-AutopilotCSV */
static void from_csv(void **state TD_UNUSED)
{
    (void)import_one(1, "SALES");
    ask(201, "POST " IMPORTED,
        text("{\"@odata.type\":\"#microsoft.graph.importedWindowsAutopilotDeviceIdentity\",\"groupTag\":\"\","
             "\"serialNumber\":\"SN-0002\",\"productKey\":\"\",\"hardwareIdentifier\":\"%s\","
             "\"assignedUserPrincipalName\":\"ada@contoso.test\",\"state\":{\"@odata.type\":"
             "\"microsoft.graph.importedWindowsAutopilotDeviceIdentityState\",\"deviceImportStatus\":\"pending\","
             "\"deviceRegistrationId\":\"\",\"deviceErrorCode\":0,\"deviceErrorName\":\"\"}}",
             gw_hash(2)));
    is("state/deviceImportStatus", "\"unknown\"");
    ask(201, "POST " IMPORTED,
        "{\"@odata.type\":\"#microsoft.graph.importedWindowsAutopilotDeviceIdentity\",\"serialNumber\":\"SN-0003\","
        "\"hardwareIdentifier\":\"bm90IGEgaGFzaA==\",\"state\":{\"deviceImportStatus\":\"pending\"}}");
    gw_work();
    get(IMPORTED);
    counts(3);
    for (size_t i = 0; i < 3; i++) /* until no record at all is unknown */
        assert_string_not_equal(gw_str(text("value/%zu/state/deviceImportStatus", i)), "unknown");
    const char *bad = gw_find("serialNumber", "SN-0003");
    is(text("%s/state/deviceImportStatus", bad), "\"error\"");
    is(text("%s/state/deviceErrorCode", bad), "802");
    is(text("%s/state/deviceErrorName", bad), "\"InvalidZtdHardwareHash\"");
    const char *ids[3];
    for (size_t i = 0; i < 3; i++)
        ids[i] = gw_str(text("value/%zu/id", i));
    for (size_t i = 0; i < 3; i++)
        askf(204, NULL, "DELETE " IMPORTED "/%s", ids[i]);
    get(IMPORTED);
    counts(0);
    get(DEVICES);
    counts(2); /* the registrations stay */
    const char *second = gw_find("serialNumber", "SN-0002");
    is(text("%s/userPrincipalName", second), "\"ada@contoso.test\"");
    ask(204, "POST " DM "windowsAutopilotSettings/sync", NULL);
}

/* The collection's own action takes many at once (1.1, 1.2). */
static void import_action(void **state TD_UNUSED)
{
    ask(200, "POST " IMPORTED "/import",
        text("{\"importedWindowsAutopilotDeviceIdentities\":[{\"@odata.type\":"
             "\"#microsoft.graph.importedWindowsAutopilotDeviceIdentity\",\"serialNumber\":\"SN-0001\","
             "\"groupTag\":\"A\",\"hardwareIdentifier\":\"%s\"},{\"serialNumber\":\"SN-0002\",\"groupTag\":\"B\","
             "\"hardwareIdentifier\":\"%s\"}]}",
             gw_hash(1), gw_hash(2)));
    counts(2);
    is("value/0/serialNumber", "\"SN-0001\"");
    is("value/0/state/deviceImportStatus", "\"unknown\"");
    is("value/1/state/deviceImportStatus", "\"unknown\"");
    gw_work();
    ask(200, "GET " IMPORTED "/?$filter=contains(serialNumber,'0002')", NULL);
    counts(1);
    is("value/0/state/deviceImportStatus", "\"complete\"");
    is("value/0/groupTag", "\"B\"");
}

/* The whole object as 1.2 prints it: members, kinds and defaults. */
static void whole_object(void **state TD_UNUSED)
{
    static const struct {
        const char *name, *value; /* NULL: only there */
        bool beta;
    } members[] = {{"id", NULL, false},
                   {"deploymentProfileAssignmentStatus", "\"notAssigned\"", true},
                   {"deploymentProfileAssignmentDetailedStatus", "\"none\"", true},
                   {"deploymentProfileAssignedDateTime", "\"" NEVER "\"", true},
                   {"groupTag", "\"KIOSK\"", false},
                   {"purchaseOrderIdentifier", "\"\"", false},
                   {"serialNumber", "\"SN-0001\"", false},
                   {"productKey", "\"\"", false},
                   {"manufacturer", "\"Contoso\"", false},
                   {"model", "\"Book 1\"", false},
                   {"enrollmentState", "\"notContacted\"", false},
                   {"lastContactedDateTime", "\"" NEVER "\"", false},
                   {"addressableUserName", "\"\"", false},
                   {"userPrincipalName", "\"\"", false},
                   {"resourceName", "\"\"", false},
                   {"skuNumber", "\"\"", false},
                   {"systemFamily", "\"\"", false},
                   {"azureActiveDirectoryDeviceId", NULL, false},
                   {"azureAdDeviceId", NULL, true},
                   {"displayName", "\"\"", false},
                   {"deviceAccountUpn", "\"\"", true},
                   {"deviceAccountPassword", "\"\"", true},
                   {"deviceFriendlyName", "\"\"", true},
                   {"remediationState", NULL, true},
                   {"remediationStateLastModifiedDateTime", "\"" NEVER "\"", true},
                   {"userlessEnrollmentStatus", "\"unknown\"", true}};
    gw_machine(1, "KIOSK");
    get(DEVICES);
    const char *id = gw_str("value/0/id");
    askf(200, NULL, "GET " DEVICES "/%s", id);
    is_text("@odata.context", HOST "/beta/$metadata#deviceManagement/windowsAutopilotDeviceIdentities/$entity");
    for (size_t i = 0; i < TD_COUNTOF(members); i++) {
        const struct td_json *m = td_json_get(g.json, members[i].name);
        if (m == NULL || (members[i].value != NULL && strcmp(gw_value(m), members[i].value) != 0))
            fail_msg("%s: want %s, have %s", members[i].name, members[i].value, gw_value(m));
    }
    const char *zero = gw_value(gw_at("managedDeviceId"));
    assert_true(strcmp(zero, "null") == 0 || strcmp(zero, "\"" NO_GUID "\"") == 0);
    askf(200, NULL, "GET /v1.0/deviceManagement/windowsAutopilotDeviceIdentities/%s", id);
    for (size_t i = 0; i < TD_COUNTOF(members); i++)
        if (!members[i].beta && td_json_get(g.json, members[i].name) == NULL)
            fail_msg("v1.0 lacks %s", members[i].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(online),   TEST(update_tag),    TEST(twice),       TEST(identifier),
                                       TEST(from_csv), TEST(import_action), TEST(whole_object)};
    return cmocka_run_group_tests_name("graph_replay_register", tests, NULL, NULL);
}
