/* Exchanged boards through the administration interface: remediationState (graph-api.md 1.2), the comparison and the
 * administrator's word (docs/tasks/repair.md). */
#include "api/lookup.h"
#include "graph_world.h"

static const struct machine other_board = {.number = 1, .other_board = true};

static int64_t lookup(const struct machine *m)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    struct td_json *v = NULL;
    int status = box_ask(g.box, td_lookup_routes, td_lookup_route_count, "POST", "/ztd/v1/lookup", headers,
                         td_str(text("{\"hardwareHash\":\"%s\"}", machine_hash(g.box, m))), NULL);
    assert_int_equal(status, 200);
    assert_ok(td_json_parse(td_buf_slice(&g.box->reply.body), 1 << 16, &g.box->arena, &v, NULL));
    return td_json_int(v, "ErrorCode", 0);
}

/* Registered, and seen by a lookup with another board. */
static const char *exchanged(void)
{
    gw_machine(1, "DESK");
    get(DEVICES);
    const char *id = gw_str("value/0/id");
    is_text("value/0/remediationState", "noRemediationRequired");
    assert_int_equal(lookup(&other_board), 807);
    askf(200, NULL, "GET " DEVICES "/%s", id);
    is_text("remediationState", "manualRemediationRequired");
    is_text("remediationStateLastModifiedDateTime", "2030-01-02T03:04:05Z");
    return id;
}

static void both_sides_are_shown(void **state TD_UNUSED)
{
    const char *id = exchanged();
    askf(200, NULL, "GET " DEVICES "/%s/compareHardware()", id);
    is_text("state", "attention required");
    is_text("source", "lookup");
    is("waits", "true");
    is_text("fields/0/field", "serial number");
    is_text("fields/0/registered", "SN-0001");
    is_text("fields/0/agrees", "agrees");
    is_text("fields/3/field", "SMBIOS UUID");
    is_text("fields/3/agrees", "differs");
    is("former", "[]");
    gw_call_as(g.foreign, text("GET " DEVICES "/%s/compareHardware()", id), NULL);
    assert_int_equal(g.status, 404);
}

static void accepted_it_is_found(void **state TD_UNUSED)
{
    const char *id = exchanged();
    gw_call_as(g.foreign, text("POST " DEVICES "/%s/acceptHardware", id), "{}");
    assert_int_equal(g.status, 404);
    askf(200, "{}", "POST " DEVICES "/%s/acceptHardware", id);
    is_text("state", "none");
    is("waits", "false");
    is_text("former/0/differs", "uuid and mac differ");
    askf(200, NULL, "GET " DEVICES "/%s", id);
    is_text("remediationState", "noRemediationRequired");
    is_text("groupTag", "DESK");
    assert_int_equal(lookup(&other_board), 815);
    askf(409, "{}", "POST " DEVICES "/%s/acceptHardware", id);
}

static void rejected_it_is_passed_over(void **state TD_UNUSED)
{
    const char *id = exchanged();
    askf(400, "{\"reason\":7}", "POST " DEVICES "/%s/rejectHardware", id);
    askf(200, "{\"reason\":\"a stolen disk\"}", "POST " DEVICES "/%s/rejectHardware", id);
    is("rejectedBefore", "true");
    g.box->world.now += 2 * TD_MINUTE;
    assert_int_equal(lookup(&other_board), 807);
    askf(200, NULL, "GET " DEVICES "/%s", id);
    is_text("remediationState", "noRemediationRequired");
    get("/beta/deviceManagement/auditEvents?$filter=activityType eq 'Reject hardware of "
        "WindowsAutopilotDeviceIdentity'");
    assert_int_equal(gw_count(), 1);
}

/* The device never showed itself: serial number and disk in the imported hash tell whose board it is. */
static void its_new_hash_is_imported(void **state TD_UNUSED)
{
    gw_machine(1, "DESK");
    get(DEVICES);
    const char *id = gw_str("value/0/id");
    ask(201, "POST " IMPORTED,
        text("{\"serialNumber\":\"SN-0001\",\"hardwareIdentifier\":\"%s\"}", machine_hash(g.box, &other_board)));
    const char *import = gw_str("id");
    gw_work();
    askf(200, NULL, "GET " IMPORTED "/%s", import);
    is_text("state/deviceImportStatus", "complete");
    is_text("state/deviceRegistrationId", id);
    get(DEVICES);
    assert_int_equal(gw_count(), 1);
    is_text("value/0/groupTag", "DESK");
    assert_int_equal(lookup(&other_board), 815);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_sides_are_shown),
        TEST(accepted_it_is_found),
        TEST(rejected_it_is_passed_over),
        TEST(its_new_hash_is_imported),
    };
    return cmocka_run_group_tests_name("graph_repair", tests, NULL, NULL);
}
