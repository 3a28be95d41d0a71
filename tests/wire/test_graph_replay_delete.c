/* graph-api.md 3.4: the ways in which scripts take devices away. */
#include "graph_world.h"

static const char *registered(unsigned number)
{
    gw_machine(number, "KIOSK");
    askf(200, NULL, "GET " DEVICES "?$filter=contains(serialNumber,'SN-%04u')", number);
    counts(1);
    return gw_str("value/0/id");
}

/* Remove-AutopilotDevice */
static void remove_device(void **state TD_UNUSED)
{
    const char *id = registered(1);
    askf(204, NULL, "DELETE " DEVICES "/%s", id);
    gw_work();
    askf(404, NULL, "GET " DEVICES "/%s", id);
    is_error("ResourceNotFound");
    askf(404, NULL, "DELETE " DEVICES "/%s", id);
}

/* The script with -Delete; what it looks for may not be there, and then ids are empty. */
static void script_delete(void **state TD_UNUSED)
{
    const char *id = registered(1);
    (void)registered(2);
    askf(200, NULL, "GET " DEVICES "/%s", id);
    const char *device = gw_str("azureActiveDirectoryDeviceId");
    askf(204, NULL, "DELETE " DEVICES "/%s", id);
    get(DM "managedDevices?$filter=startsWith(serialNumber, 'SN-0001')");
    counts(0);
    askf(200, NULL, "GET /beta/devices?$filter=deviceID eq '%s'", device);
    get("/beta/devices?$filter=deviceID eq ''");
    counts(0);
    gw_call_as(g.token, "DELETE " DM "managedDevices/", NULL);
    assert_true(g.status == 404 || g.status == 405);
    gw_call_as(g.token, "DELETE /beta/devices/", NULL);
    assert_true(g.status == 404 || g.status == 405);
    get(DEVICES);
    counts(1); /* the other one stands */
    is("value/0/serialNumber", "\"SN-0002\"");
    ask(201, "POST " IMPORTED,
        text("{\"@odata.type\":\"#microsoft.graph.importedWindowsAutopilotDeviceIdentity\",\"groupTag\":\"NEW\","
             "\"serialNumber\":\"SN-0001\",\"productKey\":\"\",\"hardwareIdentifier\":\"%s\","
             "\"state\":{\"deviceImportStatus\":\"pending\"}}",
             gw_hash(1)));
    gw_work();
    get(DEVICES "?$filter=contains(serialNumber,'SN-0001')");
    counts(1);
    is("value/0/groupTag", "\"NEW\"");
}

/* The clean-up by CSV: twenty at a time in one $batch, ids are serial numbers. */
static void clean_up_csv(void **state TD_UNUSED)
{
    const char *requests = "";
    for (unsigned i = 1; i <= 3; i++) {
        const char *id = registered(i);
        requests = text("%s%s{\"id\":\"SN-%04u\",\"method\":\"DELETE\",\"url\":"
                        "\"/deviceManagement/windowsAutopilotDeviceIdentities/%s\"}",
                        requests, i == 1 ? "" : ",", i, id);
    }
    requests = text("%s,{\"id\":\"SN-0009\",\"method\":\"DELETE\",\"url\":"
                    "\"/deviceManagement/windowsAutopilotDeviceIdentities/" NO_GUID "\"}",
                    requests);
    ask(200, "POST /beta/$batch", text("{\"requests\":[%s]}", requests));
    const struct td_json *list = td_json_get(g.json, "responses");
    assert_int_equal(td_json_count(list), 4);
    for (const struct td_json *r = list->child; r != NULL; r = r->next) {
        int64_t status = td_json_int(r, "status", 0);
        bool missing = strcmp(td_json_str(r, "id"), "SN-0009") == 0;
        if (missing ? status != 404 : status != 200 && status != 204)
            fail_msg("%s: %lld", td_json_str(r, "id"), (long long)status);
    }
    gw_work();
    get(DEVICES "?$filter=contains(serialNumber,'SN-0001')"); /* no match = gone */
    counts(0);
    get(DEVICES);
    counts(0);
}

static void by_serial(void **state TD_UNUSED)
{
    const char *id = registered(1);
    ask(200, "POST " DEVICES "/deleteDevices", "{\"serialNumbers\":[\"SN-0001\",\"SN-4711\"]}");
    counts(2);
    const char *first = gw_find("serialNumber", "SN-0001"), *other = gw_find("serialNumber", "SN-4711");
    is(text("%s/deletionState", first), "\"accepted\"");
    is_text(text("%s/deviceRegistrationId", first), id);
    const char *state_of_other = gw_str(text("%s/deletionState", other));
    assert_true(strcmp(state_of_other, "failed") == 0 || strcmp(state_of_other, "error") == 0);
    assert_true(strlen(gw_str(text("%s/errorMessage", other))) > 0);
    gw_work();
    get(DEVICES);
    counts(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(remove_device), TEST(script_delete), TEST(clean_up_csv), TEST(by_serial)};
    return cmocka_run_group_tests_name("graph_replay_delete", tests, NULL, NULL);
}
