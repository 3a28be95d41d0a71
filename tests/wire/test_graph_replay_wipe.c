/* graph-api.md 3.1 step 10 and 3.4: how scripts wipe a device and take it out of management, body by body. */
#include "managed_world.h"
#include "store/action.h"

static enum td_code end_it(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const char *enrolment = ctx;
    struct td_action *open = NULL;
    size_t n = 0;
    td_try(td_action_open_list(tx, g.box->tenant, enrolment, &g.box->arena, &open, &n, err));
    assert_int_equal(n, 1);
    td_try(td_action_delivered(tx, g.box->tenant, open[0].id, err));
    td_try(td_action_answered(tx, g.box->tenant, open[0].id, 200, 0, err));
    return td_action_finish(tx, g.box->tenant, open[0].id, TD_ACT_DONE, NULL, err);
}

/* -Wipe */
static void script_wipe(void **state TD_UNUSED)
{
    char id[] = FIRST;
    (void)managed(1, FIRST);
    (void)managed(2, SECOND);
    get("/v1.0/deviceManagement/managedDevices?$filter=serialNumber eq 'SN-0001'");
    counts(1);
    is_text("value/0/id", FIRST);
    askf(204, "{\"keepEnrollmentData\":false,\"keepUserData\":false}",
         "POST /v1.0/deviceManagement/managedDevices/%s/wipe", gw_str("value/0/id"));
    get("/v1.0/deviceManagement/managedDevices?$filter=serialNumber eq 'SN-0001'");
    is("value/0/deviceActionResults/0/actionName", "\"wipe\"");
    is("value/0/deviceActionResults/0/actionState", "\"pending\"");
    is("value/0/managementState", "\"wipePending\"");
    commit(end_it, id);
    get("/v1.0/deviceManagement/managedDevices?$filter=serialNumber eq 'SN-0001'");
    counts(0);
    get("/v1.0/deviceManagement/managedDevices");
    counts(1); /* the other one stands */
    is_text("value/0/id", SECOND);
    get(DEVICES "?$filter=contains(serialNumber,'SN-0001')"); /* and the wiped one deploys again */
    counts(1);
    is("value/0/enrollmentState", "\"notContacted\"");
}

/* -Delete of a device under management: registration, management, directory, in the script's order. */
static void script_delete(void **state TD_UNUSED)
{
    const char *device = managed(1, FIRST);
    (void)managed(2, SECOND);
    get(DEVICES "?$filter=contains(serialNumber,'SN-0001')");
    const char *registration = gw_str("value/0/id");
    is_text("value/0/azureActiveDirectoryDeviceId", device);
    askf(204, NULL, "DELETE " DEVICES "/%s", registration);
    get(DM "managedDevices?$filter=startsWith(serialNumber, 'SN-0001')");
    counts(1); /* it stays managed until it is taken out */
    const char *id = gw_str("value/0/id");
    askf(200, NULL, "GET /beta/devices?$filter=deviceID eq '%s'", device);
    counts(1);
    const char *object = gw_str("value/0/id");
    askf(204, NULL, "DELETE " DM "managedDevices/%s", id);
    askf(404, NULL, "DELETE " DM "managedDevices/%s", id);
    gw_call_as(g.token, text("DELETE /beta/devices/%s", object), NULL); /* gone with its management, or by this */
    assert_true(g.status == 204 || g.status == 404);
    askf(404, NULL, "GET /beta/devices/%s", object);
    ask(405, "DELETE " DM "managedDevices/", NULL);
    ask(405, "DELETE /beta/devices/", NULL);
    ask(405, "POST " DM "managedDevices//wipe", "{\"keepEnrollmentData\":false,\"keepUserData\":false}");
    get(DM "managedDevices");
    counts(1);
    is_text("value/0/id", SECOND);
    is("value/0/deviceActionResults", "[]");
    get(DEVICES);
    counts(1);
    is("value/0/serialNumber", "\"SN-0002\"");
}

/* A repurposed device: Autopilot Reset as the ecosystem's tools send it, twice by mistake. */
static void autopilot_reset(void **state TD_UNUSED)
{
    char id[] = FIRST;
    (void)managed(1, FIRST);
    for (int i = 0; i < 2; i++)
        ask(204, "POST " MANAGED "/" FIRST "/wipe", "{\"keepEnrollmentData\":true,\"keepUserData\":false}");
    get(DEVICES "?$filter=contains(serialNumber,'SN-0001')");
    is("value/0/enrollmentState", "\"pendingReset\"");
    commit(end_it, id);
    get(MANAGED "/" FIRST); /* it stays under management, and nobody's */
    is("deviceActionResults/0/actionState", "\"done\"");
    is("deviceActionResults/1", "(missing)");
    is("managementState", "\"managed\"");
    is("userPrincipalName", "\"\"");
    get(MANAGED "/" FIRST "/users");
    counts(0);
    get(DEVICES "?$filter=contains(serialNumber,'SN-0001')");
    is("value/0/enrollmentState", "\"enrolled\"");
    is_text("value/0/managedDeviceId", FIRST);
}

static enum td_code taken_over(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_way_set_user(tx, g.box->tenant, ctx, "bob@contoso.test", err);
}

/* Each run of a device is an event of its own (autopilotEvents), and whose it was it stays. */
static void every_run_is_an_event(void **state TD_UNUSED)
{
    static const enum td_way_event steps[] = {TD_EV_DEVICE_SETUP, TD_EV_DEVICE_DONE, TD_EV_ACCOUNT_SETUP, TD_EV_READY};
    char id[] = FIRST;
    gw_machine(1, "");
    (void)joined("SN-0001", "AzureAd");
    struct enrolling e = enrolled(FIRST, "SN-0001");
    happen(e.way, TD_EV_SIGNED_IN, NULL);
    happen(e.way, TD_EV_ENROLLED, NULL);
    for (int run = 0; run < 2; run++) {
        for (size_t i = 0; i < TD_COUNTOF(steps); i++)
            happen(e.way, steps[i], NULL);
        get(DM "autopilotEvents?$filter=deploymentState eq 'success'");
        counts((size_t)run + 1);
        if (run == 0) {
            ask(204, "POST " MANAGED "/" FIRST "/wipe", "{\"keepEnrollmentData\":true}");
            commit(end_it, id);
        }
    }
    get(DM "autopilotEvents?$orderby=deploymentStartDateTime desc");
    counts(2);
    is("value/0/deviceSerialNumber", "\"SN-0001\"");
    is_text("value/0/deviceId", FIRST);
    is("value/0/deploymentState", "\"success\"");
    assert_string_not_equal(gw_str("value/0/id"), gw_value(gw_at("value/1/id")));
    assert_true(strcmp(gw_str("value/0/deploymentStartDateTime"), gw_value(gw_at("value/1/deploymentEndDateTime"))) !=
                0);
    static const char *const type = "\"azureADJoinedWithAutopilotProfile\"";
    is("value/0/userPrincipalName", "\"\"");
    is("value/1/userPrincipalName", "\"ada@contoso.test\"");
    is("value/0/enrollmentType", type); /* enrolled by a person, who is not its user any more */
    is("value/1/enrollmentType", type);
    get(MANAGED "/" FIRST);
    is("deviceEnrollmentType", "\"windowsAzureADJoin\"");
    commit(taken_over, (void *)(uintptr_t)e.way);
    get(DM "autopilotEvents?$orderby=deploymentStartDateTime desc");
    is("value/0/userPrincipalName", "\"bob@contoso.test\"");
    is("value/1/userPrincipalName", "\"ada@contoso.test\"");
}

/* All of it in one answer, with who and why, from either end. */
static void a_whole_life(void **state TD_UNUSED)
{
    char id[] = FIRST;
    (void)managed(1, FIRST);
    g.extra[0] = "x-msft-approval-justification: goes to another desk";
    ask(204, "POST " MANAGED "/" FIRST "/wipe", "{\"keepEnrollmentData\":true}");
    g.extra[0] = NULL;
    commit(end_it, id);
    get(DEVICES "?$filter=contains(serialNumber,'SN-0001')");
    askf(200, NULL, "GET " DEVICES "/%s/tellLife()", gw_str("value/0/id"));
    is_text("@odata.context", HOST "/beta/$metadata#Collection(microsoft.graph.deviceLifeChapter)");
    assert_true(gw_count() >= 2);
    is("value/0/kind", "\"registered\"");
    const char *reset = gw_find("why", "goes to another desk");
    assert_string_not_equal(reset, "");
    is_text(text("%s/who", reset), g.client);
    size_t n = gw_count();
    get("/v1.0/deviceManagement/managedDevices/" FIRST "/tellLife");
    counts(n);
    gw_call_as(g.foreign, "GET " MANAGED "/" FIRST "/tellLife()", NULL);
    assert_int_equal(g.status, 404);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(script_wipe), TEST(script_delete), TEST(autopilot_reset),
                                       TEST(every_run_is_an_event), TEST(a_whole_life)};
    return cmocka_run_group_tests_name("graph_replay_wipe", tests, NULL, NULL);
}
