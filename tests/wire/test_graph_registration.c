/* Registrations through the administration interface: graph-api.md 1.2, autopilot.md 1.6, docs/protocol/ztd.md 3.3. */
#include "api/lookup.h"
#include "graph_world.h"

#define REQUESTS DM "windowsAutopilotDeviceRequests"
#define IDENTIFIERS DM "importedDeviceIdentities"

static const char *hash_of(unsigned number)
{
    struct machine m = {.number = number};
    return machine_hash(g.box, &m);
}

static const char *import_body(unsigned number, const char *tag, const char *user)
{
    return text("{\"@odata.type\":\"#microsoft.graph.importedWindowsAutopilotDeviceIdentity\",\"groupTag\":\"%s\","
                "\"serialNumber\":\"SN-%04u\",\"productKey\":\"\",\"hardwareIdentifier\":\"%s\","
                "\"assignedUserPrincipalName\":\"%s\",\"state\":{\"@odata.type\":"
                "\"microsoft.graph.importedWindowsAutopilotDeviceIdentityState\",\"deviceImportStatus\":\"pending\","
                "\"deviceRegistrationId\":\"\",\"deviceErrorCode\":0,\"deviceErrorName\":\"\"}}",
                tag, number, hash_of(number), user);
}

/* The import's id. */
static const char *import_one(unsigned number, const char *tag, const char *user)
{
    ask(201, "POST " IMPORTED, import_body(number, tag, user));
    return gw_str("id");
}

static void import_is(const char *id, const char *status, int code, const char *name)
{
    askf(200, NULL, "GET " IMPORTED "/%s", id);
    is_text("state/deviceImportStatus", status);
    is("state/deviceErrorCode", text("%d", code));
    is_text("state/deviceErrorName", name);
}

/* A registered device's id. */
static const char *registered(unsigned number, const char *tag)
{
    const char *id = import_one(number, tag, "");
    gw_work();
    import_is(id, "complete", 0, "None");
    return gw_str("state/deviceRegistrationId");
}

static void imports_are_answered_then_judged(void **state TD_UNUSED)
{
    const char *id = import_one(1, "KIOSK", "");
    is_text("state/deviceImportStatus", "unknown");
    is_text("state/deviceRegistrationId", "");
    is("state/deviceErrorCode", "0");
    is_text("state/deviceErrorName", "");
    is_text("hardwareIdentifier", "");
    is_text("importId", id);
    is_text("groupTag", "KIOSK");
    /* the same request again, answered alike */
    assert_string_equal(import_one(1, "KIOSK", ""), id);
    gw_work();
    import_is(id, "complete", 0, "None");
    const char *registration = gw_str("state/deviceRegistrationId");
    askf(200, NULL, "GET " DEVICES "/%s", registration);
    is_text("serialNumber", "SN-0001");
    is_text("groupTag", "KIOSK");
    is_text("enrollmentState", "notContacted");
    is_text("lastContactedDateTime", NEVER);
    is_text("remediationState", "noRemediationRequired");
    is_text("userlessEnrollmentStatus", "unknown");
    is_text("managedDeviceId", NO_GUID);
    is_text("manufacturer", "Contoso");
    is_text("model", "Book 1");
    is_text("deviceAccountPassword", "");
    is_text("displayName", "");
    is("hardwareIdentifier", "(missing)");
    get(IMPORTED);
    counts(1);
    askf(204, NULL, "DELETE " IMPORTED "/%s", id);
    askf(404, NULL, "GET " IMPORTED "/%s", id);
    askf(200, NULL, "GET " DEVICES "/%s", registration);
}

static void a_known_device_is_806_and_brought_up_to_date(void **state TD_UNUSED)
{
    const char *registration = registered(1, "A");
    const char *again = import_one(1, "B", "ada@contoso.test");
    gw_work();
    import_is(again, "error", 806, "ZtdDeviceAlreadyAssigned");
    is_text("state/deviceRegistrationId", registration);
    get(IMPORTED);
    counts(1); /* the older finished one went */
    askf(200, NULL, "GET " DEVICES "/%s", registration);
    is_text("groupTag", "B");
    is_text("userPrincipalName", "ada@contoso.test");
    (void)import_one(1, "", "");
    gw_work();
    askf(200, NULL, "GET " DEVICES "/%s", registration);
    is_text("groupTag", "B"); /* nothing said clears nothing */
}

static void an_import_taken_back_registers_nothing(void **state TD_UNUSED)
{
    const char *id = import_one(1, "", "");
    askf(204, NULL, "DELETE " IMPORTED "/%s", id);
    (void)import_one(2, "", "");
    gw_work();
    get(DEVICES);
    counts(1);
    is_text("value/0/serialNumber", "SN-0002");
}

static void ownership_is_exclusive(void **state TD_UNUSED)
{
    (void)registered(1, "A");
    gw_call_as(g.foreign, "POST " IMPORTED, import_body(1, "X", ""));
    assert_int_equal(g.status, 201);
    const char *id = gw_str("id");
    gw_work();
    gw_call_as(g.foreign, text("GET " IMPORTED "/%s", id), NULL);
    is_text("state/deviceErrorName", "ZtdDeviceAssignedToOtherTenant");
    is("state/deviceErrorCode", "808");
    is_text("state/deviceRegistrationId", "");
    askf(404, NULL, "GET " IMPORTED "/%s", id);
    gw_call_as(g.foreign, "GET " DEVICES, NULL);
    counts(0);
}

static void bad_imports_say_why(void **state TD_UNUSED)
{
    static const struct {
        const char *body;
        int code;
        const char *name;
    } rows[] = {
        {"{\"serialNumber\":\"X1\",\"hardwareIdentifier\":\"T0EAAAAA\"}", 802, "InvalidZtdHardwareHash"},
        {"{\"serialNumber\":\"X2\"}", 802, "InvalidZtdHardwareHash"},
        {"{\"hardwareIdentifier\":\"T0EAAAAA\"}", 803, "MissingZtdSerialNumberAndProductKey"},
        {"{\"serialNumber\":\"X3\",\"hardwareIdentifier\":\"T0EAAAAA\",\"assignedUserPrincipalName\":\"nobody\"}", 801,
         "InvalidZtdRequestBody"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        ask(201, "POST " IMPORTED, rows[i].body);
        const char *id = gw_str("id");
        gw_work();
        import_is(id, "error", rows[i].code, rows[i].name);
    }
    /* what no firmware says: quotes that double in every event */
    char maker[258] = {0};
    memset(maker, '"', sizeof(maker) - 1);
    struct machine m = {.number = 8, .manufacturer = maker};
    ask(201, "POST " IMPORTED,
        text("{\"serialNumber\":\"SN-0008\",\"hardwareIdentifier\":\"%s\"}", machine_hash(g.box, &m)));
    const char *id = gw_str("id");
    gw_work();
    import_is(id, "error", 802, "InvalidZtdHardwareHash");
    ask(201, "POST " IMPORTED, import_body(7, "", "bob\\t@contoso.test"));
    id = gw_str("id");
    gw_work();
    import_is(id, "error", 801, "InvalidZtdRequestBody");
    ask(201, "POST " IMPORTED, import_body(7, "", "bob@fabrikam.test"));
    id = gw_str("id");
    gw_work();
    import_is(id, "error", 801, "InvalidZtdRequestBody");
}

static void many_in_one_call(void **state TD_UNUSED)
{
    struct td_buf b;
    td_buf_init(&b, 8 << 20);
    td_buf_adds(&b, "{\"importedWindowsAutopilotDeviceIdentities\":[");
    for (unsigned i = 1; i <= 120; i++)
        td_buf_printf(&b, "%s%s", i != 1 ? "," : "", import_body(i, "MANY", ""));
    td_buf_printf(&b, ",%s]}", import_body(5, "MANY", ""));
    const char *body = td_arena_text(&g.box->arena, td_buf_slice(&b));
    td_buf_done(&b);
    ask(200, "POST " IMPORTED "/import", body);
    counts(121);
    is_text("@odata.context",
            "https://localhost:8443/beta/$metadata#Collection(microsoft.graph.importedWindowsAutopilotDeviceIdentity)");
    is_text("value/120/state/deviceImportStatus", "unknown");
    const char *twin = gw_str("value/120/id");
    gw_work();
    import_is(twin, "error", 805, "ZtdDeviceDuplicated");
    get(DEVICES "?$count=true&$top=5");
    is("@odata.count", "120");
    ask(400, "POST " IMPORTED "/import", "{}");
}

static void properties_change_one_by_one(void **state TD_UNUSED)
{
    const char *id = registered(1, "A"), *at = text("GET " DEVICES "/%s", id);
    const char *update = text("POST " DEVICES "/%s/UpdateDeviceProperties", id);
    ask(204, update, "{ displayName: \"PC001\" }");
    ask(200, at, NULL);
    is_text("displayName", "PC001");
    is_text("groupTag", "A");
    ask(204, update,
        "{ userPrincipalName: \"ADA@contoso.test\", addressableUserName: \"Ada\", groupTag: \"KIOSK\","
        " deviceFriendlyName: \"Desk\" }");
    ask(200, at, NULL);
    is_text("userPrincipalName", "ada@contoso.test");
    is_text("addressableUserName", "Ada");
    is_text("groupTag", "KIOSK");
    is_text("displayName", "PC001");
    is_text("deviceFriendlyName", "Desk");
    /* all or nothing */
    ask(400, update, "{\"groupTag\":\"LOST\",\"userPrincipalName\":\"nobody@contoso.test\"}");
    assert_non_null(strstr(g.body, "userPrincipalName"));
    ask(400, update, "{\"groupTag\":\"LOST\",\"displayName\":\"a name of more than fifteen\"}");
    assert_non_null(strstr(g.body, "displayName"));
    ask(400, update, "{\"groupTag\":5}");
    ask(400, update, "{\"userPrincipalName\":\"bob@fabrikam.test\"}");
    ask(200, at, NULL);
    is_text("groupTag", "KIOSK");
    ask(204, update, "{\"groupTag\":\"\"}");
    askf(204, NULL, "POST " DEVICES "/%s/unassignUserFromDevice", id);
    ask(200, at, NULL);
    is_text("groupTag", "");
    is_text("userPrincipalName", "");
    is_text("addressableUserName", "");
    askf(204, "{\"userPrincipalName\":\"ada@contoso.test\",\"addressableUserName\":\"Ada\"}",
         "POST " DEVICES "/%s/AssignUserToDevice", id);
    askf(400, "{\"addressableUserName\":\"Ada\"}", "POST " DEVICES "/%s/assignUserToDevice", id);
    askf(204, NULL, "POST " DEVICES "/%s/allowNextEnrollment", id);
    askf(200, NULL, "POST " DEVICES "/%s/createProvisioningCode", id);
    assert_non_null(strstr(g.body, "#microsoft.graph.provisioningCode\""));
    assert_non_null(strstr(g.body, "\"code\":\""));
    assert_non_null(strstr(g.body, "\"expirationDateTime\":\""));
    askf(404, NULL, "POST " DEVICES "/%s/createProvisioningCode", "00000000-0000-4000-8000-000000000000");
    askf(204, "{\"userPrincipalName\":\"room@contoso.test\",\"resourceAccountName\":\"Room\"}",
         "POST " DEVICES "/%s/assignResourceAccountToDevice", id);
    ask(200, at, NULL);
    is_text("userlessEnrollmentStatus", "allowed");
    is_text("deviceAccountUpn", "room@contoso.test");
    is_text("resourceName", "Room");
    askf(204, NULL, "POST " DEVICES "/%s/unassignResourceAccountFromDevice", id);
    ask(200, at, NULL);
    is_text("deviceAccountUpn", "");
}

static void created_and_changed_as_an_entity(void **state TD_UNUSED)
{
    ask(201, "POST " DEVICES,
        "{\"serialNumber\":\"TF-1\",\"manufacturer\":\"Contoso\",\"model\":\"Book 1\",\"groupTag\":\"T\","
        "\"displayName\":\"TF01\",\"purchaseOrderIdentifier\":\"PO 7\"}");
    const char *id = gw_str("id");
    is_text("displayName", "TF01");
    is_text("purchaseOrderIdentifier", "PO 7");
    askf(200, "{\"groupTag\":\"U\"}", "PATCH " DEVICES "/%s", id);
    is_text("groupTag", "U");
    is_text("purchaseOrderIdentifier", "PO 7");
    askf(400, "{\"userPrincipalName\":\"nobody@contoso.test\"}", "PATCH " DEVICES "/%s", id);
    ask(409, "POST " DEVICES, "{\"serialNumber\":\"TF-1\",\"manufacturer\":\"Contoso\",\"model\":\"Book 1\"}");
    ask(400, "POST " DEVICES, "{\"groupTag\":\"no serial\"}");
    /* a hash that comes later completes it */
    struct machine m = {.serial = "TF-1", .number = 9};
    ask(201, "POST " IMPORTED,
        text("{\"serialNumber\":\"TF-1\",\"hardwareIdentifier\":\"%s\"}", machine_hash(g.box, &m)));
    const char *import = gw_str("id");
    gw_work();
    import_is(import, "error", 806, "ZtdDeviceAlreadyAssigned");
    is_text("state/deviceRegistrationId", id);
}

static void removed_one_by_one_and_by_serial(void **state TD_UNUSED)
{
    const char *first = registered(1, ""), *second = registered(2, "");
    askf(204, NULL, "DELETE " DEVICES "/%s", first);
    askf(404, NULL, "DELETE " DEVICES "/%s", first);
    askf(404, NULL, "GET " DEVICES "/%s", first);
    gw_call_as(g.token, "DELETE " DEVICES "/", NULL);
    assert_true(g.status == 404 || g.status == 405);
    ask(200, "POST " DEVICES "/deleteDevices", "{\"serialNumbers\":[\"sn-0002\",\"SN-9999\"]}");
    counts(2);
    is_text("@odata.context",
            "https://localhost:8443/beta/$metadata#Collection(microsoft.graph.deletedWindowsAutopilotDeviceState)");
    is_text("value/0/deletionState", "accepted");
    is_text("value/0/deviceRegistrationId", second);
    is_text("value/1/deletionState", "failed");
    get(DEVICES);
    counts(0);
    /* and it may come back */
    (void)registered(1, "");
}

static void a_device_shows_its_profiles(void **state TD_UNUSED)
{
    const char *id = registered(1, "");
    const char *expand = text("GET " DEVICES "/%s?$expand=deploymentProfile,intendedDeploymentProfile", id);
    ask(200, expand, NULL);
    is("deploymentProfile", "null");
    is("intendedDeploymentProfile", "null");
    is_text("deploymentProfileAssignmentStatus", "notAssigned");
    ask(201, "POST " PROFILES,
        "{\"@odata.type\":\"#microsoft.graph.azureADWindowsAutopilotDeploymentProfile\",\"displayName\":\"Lab\"}");
    const char *profile = gw_str("id");
    askf(201, "{\"target\":{\"@odata.type\":\"#microsoft.graph.allDevicesAssignmentTarget\"}}",
         "POST " PROFILES "/%s/assignments", profile);
    gw_work();
    ask(200, expand, NULL);
    is_text("deploymentProfile/id", profile);
    is_text("intendedDeploymentProfile/displayName", "Lab");
    assert_true(strncmp(gw_str("deploymentProfileAssignmentStatus"), "assigned", 8) == 0);
    askf(200, NULL, "GET " DEVICES "/%s/intendedDeploymentProfile", id);
    is_text("displayName", "Lab");
    askf(200, NULL, "GET " DEVICES "/%s/deploymentProfile", id);
    is_text("id", profile);
    get(DEVICES "?$expand=deploymentProfile");
    is_text("value/0/deploymentProfile/displayName", "Lab");
}

static void synchronisation_is_now(void **state TD_UNUSED)
{
    get(DM "windowsAutopilotSettings");
    is_text("syncStatus", "completed");
    is_text("lastManualSyncTriggerDateTime", NEVER);
    for (int i = 0; i < 20; i++)
        ask(204, "POST " DM "windowsAutopilotSettings/sync", NULL);
    get(DM "windowsAutopilotSettings");
    is_text("lastManualSyncTriggerDateTime", "2030-01-02T03:04:05Z");
    get(DM "tenantAssociatedDevices?$filter=contains(serialNumber,'S')&$orderby=preAssociationDateTime desc");
    counts(0);
}

static void corporate_identifiers(void **state TD_UNUSED)
{
    const char *list = "{\"importedDeviceIdentities\":[{\"importedDeviceIdentifier\":\"Contoso Ltd.,Book 1,SN-0001\","
                       "\"importedDeviceIdentityType\":\"manufacturerModelSerial\"}],"
                       "\"overwriteImportedDeviceIdentities\":false}";
    const char *same = "{\"importedDeviceIdentities\":[{\"importedDeviceIdentifier\":\"CONTOSOLTD,book1,sn0001\","
                       "\"importedDeviceIdentityType\":\"manufacturerModelSerial\"}]}";
    ask(200, "POST " IDENTIFIERS "/searchExistingIdentities", same);
    counts(0);
    is_text("@odata.context",
            "https://localhost:8443/beta/$metadata#Collection(microsoft.graph.importedDeviceIdentity)");
    ask(200, "POST " IDENTIFIERS "/importDeviceIdentityList", list);
    counts(1);
    is_text("@odata.context",
            "https://localhost:8443/beta/$metadata#Collection(microsoft.graph.importedDeviceIdentityResult)");
    is("value/0/status", "true");
    const char *id = gw_str("value/0/id");
    ask(200, "POST " IDENTIFIERS "/importDeviceIdentityList", list);
    is("value/0/status", "false");
    is_text("value/0/id", id);
    ask(200, "POST " IDENTIFIERS "/searchExistingIdentities", same);
    counts(1);
    is_text("value/0/id", id);
    get(IDENTIFIERS "?$top=100&$filter=contains(importedDeviceIdentifier,'BOOK1')"); /* normal form (1.2) */
    counts(1);
    askf(200, "{\"description\":\"desk\"}", "PATCH " IDENTIFIERS "/%s", id);
    is_text("description", "desk");
    gw_call_as(g.foreign, "GET " IDENTIFIERS, NULL);
    counts(0);
    askf(204, NULL, "DELETE " IDENTIFIERS "/%s", id);
    ask(400, "POST " IDENTIFIERS "/importDeviceIdentityList",
        "{\"importedDeviceIdentities\":[{\"importedDeviceIdentifier\":\"only one part\","
        "\"importedDeviceIdentityType\":\"manufacturerModelSerial\"}]}");
}

/* The device's side of it: what it is told when it asks. */
static const struct td_json *lookup(unsigned number)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    struct td_json *v = NULL;
    int status = box_ask(g.box, td_lookup_routes, td_lookup_route_count, "POST", "/ztd/v1/lookup", headers,
                         td_str(text("{\"hardwareHash\":\"%s\"}", hash_of(number))), NULL);
    assert_int_equal(status, 200);
    assert_ok(td_json_parse(td_buf_slice(&g.box->reply.body), 1 << 16, &g.box->arena, &v, NULL));
    return v;
}

static void a_device_that_asks_is_approved_by_its_code(void **state TD_UNUSED)
{
    const struct td_json *told = lookup(1);
    assert_int_equal(td_json_int(told, "ErrorCode", 0), 807);
    assert_string_equal(td_json_str(told, "RequestState"), "pending");
    const char *code = td_json_str(told, "RequestCode");
    assert_int_equal(strlen(code), 9);
    assert_string_equal(td_json_str(lookup(1), "RequestCode"), code); /* it keeps its code */
    assert_string_not_equal(td_json_str(lookup(2), "RequestCode"), code);
    /* two tenants: nobody sees it, whoever types the code has it */
    get(REQUESTS);
    counts(0);
    ask(404, "POST " REQUESTS "/approveCode", "{\"code\":\"2222-2222\"}");
    ask(200, "POST " REQUESTS "/approveCode", text("{\"code\":\"%s\",\"groupTag\":\"DESK\"}", code));
    is_text("state", "approved");
    const char *registration = gw_str("deviceRegistrationId");
    askf(200, NULL, "GET " DEVICES "/%s", registration);
    is_text("groupTag", "DESK");
    is_text("serialNumber", "SN-0001");
    assert_int_equal(td_json_int(lookup(1), "ErrorCode", 0), 815); /* registered, no profile yet */
    gw_call_as(g.foreign, "POST " REQUESTS "/approveCode", text("{\"code\":\"%s\"}", code));
    assert_int_equal(g.status, 404);
    get(REQUESTS);
    counts(1);
}

static void a_device_that_is_rejected_is_told(void **state TD_UNUSED)
{
    const char *code = td_json_str(lookup(1), "RequestCode");
    ask(200, "POST " REQUESTS "/rejectCode", text("{\"code\":\"%s\"}", code));
    is_text("state", "rejected");
    const struct td_json *told = lookup(1);
    assert_string_equal(td_json_str(told, "RequestState"), "rejected");
    assert_null(td_json_get(told, "RequestCode"));
    g.box->world.now += 25 * TD_HOUR;
    assert_string_not_equal(td_json_str(lookup(1), "RequestCode"), code);
}

/* A tenant that tries codes is locked out for a while, whichever of the two ways it tries; a right one clears the
 * count. */
static void codes_are_not_found_by_trying(void **state TD_UNUSED)
{
    static const char wrong[] = "{\"code\":\"2222-2222\"}";
    const char *right = text("{\"code\":\"%s\"}", td_json_str(lookup(1), "RequestCode"));
    const char *other = text("{\"code\":\"%s\"}", td_json_str(lookup(2), "RequestCode"));
    for (int i = 0; i < 4; i++)
        ask(404, i % 2 == 0 ? "POST " REQUESTS "/approveCode" : "POST " REQUESTS "/rejectCode", wrong);
    ask(200, "POST " REQUESTS "/approveCode", right);
    for (int i = 0; i < 5; i++)
        ask(404, i % 2 == 0 ? "POST " REQUESTS "/approveCode" : "POST " REQUESTS "/rejectCode", wrong);
    ask(429, "POST " REQUESTS "/approveCode", other);
    is_error("TooManyRequests");
    ask(429, "POST " REQUESTS "/rejectCode", other);
    gw_call_as(g.foreign, "POST " REQUESTS "/approveCode", wrong); /* each tenant for itself */
    assert_int_equal(g.status, 404);
    g.box->world.now += 2 * TD_MINUTE;
    ask(200, "POST " REQUESTS "/approveCode", other);
}

static void refuse_unknown(struct td_tx *tx, struct service_box *b)
{
    assert_ok(td_tenant_set(tx, b->tenant, "unknown-devices", "refuse", "test", NULL));
}

static void refuse_unknown_too(struct td_tx *tx, struct service_box *b)
{
    assert_ok(td_tenant_set(tx, b->other, "unknown-devices", "refuse", "test", NULL));
}

static void a_tenant_may_refuse_unknown_devices(void **state TD_UNUSED)
{
    box_in_write(g.box, refuse_unknown);
    const char *code = td_json_str(lookup(1), "RequestCode");
    assert_non_null(code);
    ask(403, "POST " REQUESTS "/approveCode", text("{\"code\":\"%s\"}", code));
    box_in_write(g.box, refuse_unknown_too);
    assert_null(td_json_get(lookup(2), "RequestCode"));
}

static void unknown_devices_do_not_fill_the_store(void **state TD_UNUSED)
{
    unsigned n = 0;
    while (n < 80 && td_json_get(lookup(100 + n), "RequestCode") != NULL)
        n++;
    assert_int_equal(n, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(imports_are_answered_then_judged),
        TEST(a_known_device_is_806_and_brought_up_to_date),
        TEST(an_import_taken_back_registers_nothing),
        TEST(ownership_is_exclusive),
        TEST(bad_imports_say_why),
        TEST(many_in_one_call),
        TEST(properties_change_one_by_one),
        TEST(created_and_changed_as_an_entity),
        TEST(removed_one_by_one_and_by_serial),
        TEST(a_device_shows_its_profiles),
        TEST(synchronisation_is_now),
        TEST(corporate_identifiers),
        TEST(a_device_that_asks_is_approved_by_its_code),
        TEST(a_device_that_is_rejected_is_told),
        TEST(codes_are_not_found_by_trying),
        TEST(a_tenant_may_refuse_unknown_devices),
        TEST(unknown_devices_do_not_fill_the_store),
    };
    return cmocka_run_group_tests_name("graph_registration", tests, NULL, NULL);
}
