/* The deployment lookup by its document: docs/protocol/ztd.md. */
#include "api/lookup.h"
#include "codec/json.h"
#include "deployed.h"
#include "fleet.h"
#include "store/life_end.h"

static struct service_box *box;

static int ask_text(const char *body)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    return box_ask(box, td_lookup_routes, td_lookup_route_count, "POST", "/ztd/v1/lookup", headers, td_str(body), NULL);
}

static const struct td_json *answer(void)
{
    struct td_json *v = NULL;
    struct td_error err = {0};
    if (td_json_parse(td_buf_slice(&box->reply.body), 1 << 16, &box->arena, &v, &err) != TD_OK)
        fail_msg("no JSON: %.*s", TD_FMT(td_buf_slice(&box->reply.body)));
    return v;
}

static const struct td_json *ask(const struct machine *m)
{
    const char *body =
        td_arena_printf(&box->arena, "{\"hardwareHash\":\"%s\",\"correlationId\":\"abc-1\"}", machine_hash(box, m));
    if (ask_text(body) != 200)
        fail_msg("%d %.*s", box->reply.status, TD_FMT(td_buf_slice(&box->reply.body)));
    assert_string_equal(td_loopback_header(&box->reply, "Cache-Control"), "no-store");
    return answer();
}

static void is_none(const struct td_json *v, int64_t code, const char *reason)
{
    assert_int_equal(td_json_int(v, "ErrorCode", 0), code);
    assert_string_equal(td_json_str(v, "ErrorReason"), reason);
    assert_true(strlen(td_json_str(v, "Remedy")) > 10);
    assert_null(td_json_get(v, "DeviceTicket"));
    assert_null(td_json_get(v, "CloudAssignedTenantId"));
}

static void assign_all(struct td_tx *tx, struct service_box *b)
{
    struct td_profile settings;
    struct td_profile_row p;
    const char *after = "";
    assert_ok(td_profile_parse(TD_S("{\"deviceNameTemplate\":\"CON-%SERIAL%\",\"locale\":\"de-DE\"}"), &b->arena,
                               &settings, NULL));
    assert_ok(td_profile_add(tx, b->tenant, "Everyone", &settings, "test", &b->arena, &p, NULL));
    assert_ok(td_profile_assign(tx, b->tenant, p.id, "", "test", NULL));
    assert_ok(td_profile_spread(tx, b->tenant, after, 1000, "test", &b->arena, &after, NULL));
    assert_ok(td_tenant_set(tx, b->tenant, "display-name", "Contoso Ltd", "test", NULL));
}

struct seen {
    const char *word, *types, *detail; /* detail of the last event */
    int64_t last_contact;
};
static struct seen seen;

static void look(struct td_tx *tx, struct service_box *b)
{
    struct td_registration r;
    struct td_way_row way;
    struct td_event *list;
    size_t n;
    assert_ok(td_registration_find_any(tx, b->tenant, "SN-0001", &b->arena, &r, NULL));
    assert_ok(td_way_find(tx, b->tenant, TD_WAY_ID, r.way_id, &b->arena, &way, NULL));
    assert_ok(td_event_list(tx, b->tenant, way.id, 0, 100, &b->arena, &list, &n, NULL));
    seen = (struct seen){
        .word = td_way_word(&way.way), .types = "", .detail = list[n - 1].detail, .last_contact = way.last_contact_at};
    for (size_t i = 0; i < n; i++)
        seen.types = td_arena_printf(&b->arena, "%s%s ", seen.types, list[i].type + strlen("device."));
}

static void answers_the_profile(void **state)
{
    box = *state;
    struct machine m = {.number = 1};
    fleet_machine(box, 1, "T");
    box_in_write(box, assign_all);
    const struct td_json *v = ask(&m);
    static const struct {
        const char *name, *text;
    } texts[] = {
        {"AutopilotServiceCorrelationId", "abc-1"},
        {"CloudAssignedTenantDomain", "contoso.test"},
        {"CloudAssignedTenantUpn", ""},
        {"TenantDisplayName", "Contoso Ltd"},
        {"CloudAssignedMdmId", "0000000a-0000-0000-c000-000000000000"},
        {"CloudAssignedDeviceName", "CON-%SERIAL%"},
        {"CloudAssignedLanguage", "de-DE"},
        {"DeploymentProfileName", "Everyone"},
        {"PolicyDownloadDate", "2030-01-02T03:04:05Z"},
        {"DeviceTicketExpires", "2030-01-03T03:04:05Z"},
    };
    for (size_t i = 0; i < TD_COUNTOF(texts); i++)
        assert_string_equal(td_json_str(v, texts[i].name), texts[i].text);
    assert_string_equal(td_json_str(v, "CloudAssignedTenantId"), box->tenant);
    assert_int_equal(td_json_int(v, "CloudAssignedOobeConfig", 0), 1310);
    assert_int_equal(td_json_int(v, "CloudAssignedDomainJoinMethod", 9), 0);
    assert_int_equal(td_json_int(v, "CloudAssignedForcedEnrollment", 9), 1);
    assert_false(td_json_bool(v, "IsExplicitProfileAssignment", true));
    assert_null(td_json_get(v, "CloudAssignedRegion"));
    assert_null(td_json_get(v, "HybridJoinSkipDCConnectivityCheck"));

    const struct td_json *ticket;
    struct td_error err;
    assert_ok(td_ticket_open(&box->svc, "device", td_str(td_json_str(v, "DeviceTicket")), &box->arena, &ticket, &err));
    assert_string_equal(td_json_str(ticket, "tenant"), box->tenant);
    assert_string_equal(td_json_str(ticket, "registration"), td_json_str(v, "ZtdRegistrationId"));
    assert_int_equal(
        td_ticket_open(&box->svc, "enrol", td_str(td_json_str(v, "DeviceTicket")), &box->arena, &ticket, &err),
        TD_EAUTH);
    box_in_write(box, look);
    assert_string_equal(seen.word, "contacted");
    assert_string_equal(seen.types, "registered assigned contacted ");
    assert_non_null(strstr(seen.detail, "\"facts\":[\"tuple\",\"uuid\",\"mac\",\"disk\"]"));
    assert_non_null(strstr(seen.detail, "abc-1"));
}

static void asking_again_is_no_event(void **state)
{
    box = *state;
    struct machine m = {.number = 1, .other_disk = true};
    fleet_machine(box, 1, "T");
    box_in_write(box, assign_all);
    for (int i = 0; i < 3; i++)
        assert_non_null(td_json_get(ask(&m), "DeviceTicket"));
    box->world.now += 2 * TD_MINUTE;
    assert_non_null(td_json_get(ask(&m), "DeviceTicket"));
    box_in_write(box, look);
    assert_string_equal(seen.types, "registered assigned contacted ");
    assert_true(seen.last_contact == box->world.now);
}

static void none_does_not_stick(void **state)
{
    box = *state;
    struct machine m = {.number = 1};
    is_none(ask(&m), 807, "ZtdDeviceIsNotRegistered");
    fleet_machine(box, 1, "T");
    is_none(ask(&m), 815, "ZtdDeviceHasNoAssignedProfile");
    is_none(ask(&m), 815, "ZtdDeviceHasNoAssignedProfile"); /* noted once a minute */
    box_in_write(box, look);
    assert_string_equal(seen.types, "registered contacted-none ");
    assert_string_equal(seen.word, "registered");
    box->world.now += 2 * TD_MINUTE;
    is_none(ask(&m), 815, "ZtdDeviceHasNoAssignedProfile");
    box_in_write(box, assign_all);
    assert_non_null(td_json_get(ask(&m), "DeviceTicket"));
    box_in_write(box, look);
    assert_string_equal(seen.types, "registered contacted-none contacted-none assigned contacted ");
}

static void fewer_than_two_facts(void **state)
{
    box = *state;
    fleet_machine(box, 1, "T");
    box_in_write(box, assign_all);
    static const struct {
        const char *facts;
        int64_t code; /* 0: a profile */
    } rows[] = {
        {"\"serialNumber\":\"SN-0001\",\"manufacturer\":\"Contoso\",\"model\":\"Book 1\"", 1002},
        {"\"serialNumber\":\"SN-0001\"", 1002},
        {"\"smbiosUuid\":\"11223344-5566-7788-99aa-bbcc00000001\"", 1002},
        {"\"macAddresses\":[\"001B21010001\",\"001B21010002\"]", 1002},
        {"\"macAddresses\":[\"FFFFFFFFFFFF\"],\"diskSerials\":[\"None\"]", 1002},
        {"\"serialNumber\":\"SN-0001\",\"manufacturer\":\"Contoso\",\"model\":\"Book 1\",\"diskSerials\":[\"DISK-9\"]",
         807},
        {"\"serialNumber\":\"SN-0001\",\"manufacturer\":\"Contoso\",\"model\":\"Book 1\","
         "\"smbiosUuid\":\"11223344-5566-7788-99aa-bbcc00000077\"",
         807},
        {"\"serialNumber\":\"SN-0001\",\"manufacturer\":\"Contoso\",\"model\":\"Book 1\","
         "\"smbiosUuid\":\"44332211-6655-8877-99aa-bbcc00000001\"",
         0},
        {"\"macAddresses\":[\"00:1b:21:01:00:01\"],\"diskSerials\":[\"disk-1\"]", 0},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        assert_int_equal(ask_text(td_arena_printf(&box->arena, "{\"facts\":{%s}}", rows[i].facts)), 200);
        if (td_json_int(answer(), "ErrorCode", 0) != rows[i].code)
            fail_msg("%s: %.*s", rows[i].facts, TD_FMT(td_buf_slice(&box->reply.body)));
    }
}

static void another_mainboard_is_noted(void **state)
{
    box = *state;
    struct machine m = {.number = 1, .other_board = true};
    fleet_machine(box, 1, "T");
    box_in_write(box, assign_all);
    is_none(ask(&m), 807, "ZtdDeviceIsNotRegistered");
    box_in_write(box, look);
    assert_string_equal(seen.types, "registered assigned contacted-none attention ");
    assert_non_null(strstr(seen.detail, "mainboard"));
    assert_string_equal(seen.word, "assigned");
}

/* Two registrations that carry the same facts: only a damaged import could make them, nobody may guess. */
static void copy_facts(struct td_tx *tx, struct service_box *b)
{
    struct td_registration r, other;
    struct td_facts facts;
    assert_ok(td_registration_find_any(tx, b->tenant, "SN-0001", &b->arena, &r, NULL));
    assert_ok(td_registration_find_any(tx, b->tenant, "SN-0002", &b->arena, &other, NULL));
    assert_ok(td_hardware_facts(tx, b->tenant, r.id, &b->arena, &facts, NULL));
    assert_ok(td_hardware_drop(tx, b->tenant, other.id, NULL));
    assert_ok(td_hardware_put(tx, b->tenant, other.id, &facts, NULL));
}

static void both_need_attention(struct td_tx *tx, struct service_box *b)
{
    struct td_registration r;
    assert_ok(td_registration_find_any(tx, b->tenant, "SN-0001", &b->arena, &r, NULL));
    assert_int_equal(r.remediation, TD_REMEDY_MANUAL);
    assert_ok(td_registration_find_any(tx, b->tenant, "SN-0002", &b->arena, &r, NULL));
    assert_int_equal(r.remediation, TD_REMEDY_MANUAL);
}

static void a_tie_goes_to_the_administrator(void **state)
{
    box = *state;
    struct machine m = {.number = 1};
    fleet_machine(box, 1, "T");
    fleet_machine(box, 2, "T");
    box_in_write(box, assign_all);
    box_in_write(box, copy_facts);
    is_none(ask(&m), 1001, "ZtdDeviceIsAmbiguous");
    box_in_write(box, both_need_attention);
}

static void bad_requests(void **state)
{
    box = *state;
    static const struct {
        const char *body;
        int status;
        const char *says;
    } rows[] = {
        {"", 400, ""},
        {"[]", 400, "JSON object"},
        {"{", 400, ""},
        {"{}", 400, "\"field\":\"hardwareHash\""},
        {"{\"hardwareHash\":1}", 400, "\"field\":\"hardwareHash\""},
        {"{\"hardwareHash\":\"T0EAAA\"}", 400, "802 InvalidZtdHardwareHash"},
        {"{\"hardwareHash\":\"!\"}", 400, "base64"},
        {"{\"facts\":[]}", 400, "\"field\":\"facts\""},
        {"{\"facts\":{\"serialNumber\":1}}", 400, "\"field\":\"serialNumber\""},
        {"{\"facts\":{\"macAddresses\":\"x\"}}", 400, "\"field\":\"macAddresses\""},
        {"{\"facts\":{\"macAddresses\":[1]}}", 400, "\"field\":\"macAddresses\""},
        {"{\"facts\":{},\"correlationId\":\"a b\"}", 400, "\"field\":\"correlationId\""},
        {"{\"facts\":{},\"unknown\":1}", 200, "1002"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        int status = ask_text(rows[i].body);
        if (status != rows[i].status ||
            strstr(td_arena_text(&box->arena, td_buf_slice(&box->reply.body)), rows[i].says) == NULL)
            fail_msg("%s: %d %.*s", rows[i].body, status, TD_FMT(td_buf_slice(&box->reply.body)));
    }
    assert_int_equal(
        box_ask(box, td_lookup_routes, td_lookup_route_count, "GET", "/ztd/v1/lookup", NULL, TD_S(""), NULL), 405);
    char *big = td_arena_alloc(&box->arena, 70000);
    memset(big, ' ', 69999);
    assert_int_equal(ask_text(big), 413);
    assert_true((td_lookup_routes[0].flags & TD_ROUTE_LIMITED) != 0);
}

static void a_wrong_checksum_hinders_nothing(void **state)
{
    box = *state;
    struct machine m = {.number = 1, .bad_checksum = true};
    fleet_machine(box, 1, "T");
    box_in_write(box, assign_all);
    assert_non_null(td_json_get(ask(&m), "DeviceTicket"));
}

static void deploy(struct td_tx *tx, struct service_box *b)
{
    deployed_ready(tx, b, "SN-0001", true);
}

/* Anybody may ask in a device's name: that ends nothing. Once it has accepted a wipe, asking from its box shows that
 * the wipe is done: it begins anew, under a fresh directory object (autopilot.md 3.8). */
static void a_wiped_device_begins_anew(void **state)
{
    box = *state;
    struct machine m = {.number = 1};
    fleet_machine(box, 1, "T");
    box_in_write(box, assign_all);
    const char *before = td_json_str(ask(&m), "AadDeviceId");
    box_in_write(box, deploy);
    assert_string_equal(td_json_str(ask(&m), "AadDeviceId"), before);
    box_in_write(box, deployed_managed);
    box_in_write(box, look);
    assert_string_equal(seen.word, "ready");
    box_in_write(box, deployed_wipe_accepted);
    box_in_write(box, deployed_managed);
    const char *after = td_json_str(ask(&m), "AadDeviceId"); /* within the pause of its last note */
    assert_string_not_equal(after, before);
    box_in_write(box, deployed_unmanaged);
    box_in_write(box, look);
    assert_string_equal(seen.word, "contacted");
    assert_non_null(strstr(seen.types, "action-sent unjoined wiped contacted "));
    assert_string_equal(td_json_str(ask(&m), "AadDeviceId"), after);
}

static void retired_with_its_registration(struct td_tx *tx, struct service_box *b)
{
    const struct td_life_retiring wish = {
        .key = "SN-0001", .wipe = true, .deregister = true, .actor = "boss@contoso.test"};
    struct td_life_retired got;
    assert_ok(td_life_retire(tx, b->tenant, &wish, &b->arena, &got, NULL));
    assert_ok(td_action_delivered(tx, b->tenant, got.action.id, NULL));
    assert_ok(td_action_answered(tx, b->tenant, got.action.id, 200, 0, NULL));
}

/* The very contact that shows its wipe to be done ends its registration: no profile is given any more (row R14). */
static void a_retired_device_is_nobodys(void **state)
{
    box = *state;
    struct machine m = {.number = 1};
    fleet_machine(box, 1, "T");
    box_in_write(box, assign_all);
    (void)ask(&m);
    box_in_write(box, deploy);
    box_in_write(box, retired_with_its_registration);
    box_in_write(box, deployed_managed);
    is_none(ask(&m), 807, "ZtdDeviceIsNotRegistered");
    box_in_write(box, deployed_unmanaged);
    is_none(ask(&m), 807, "ZtdDeviceIsNotRegistered");
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, box_setup, box_teardown)
    const struct CMUnitTest tests[] = {
        TEST(answers_the_profile),
        TEST(asking_again_is_no_event),
        TEST(none_does_not_stick),
        TEST(fewer_than_two_facts),
        TEST(another_mainboard_is_noted),
        TEST(a_tie_goes_to_the_administrator),
        TEST(bad_requests),
        TEST(a_wrong_checksum_hinders_nothing),
        TEST(a_wiped_device_begins_anew),
        TEST(a_retired_device_is_nobodys),
    };
    return cmocka_run_group_tests_name("lookup", tests, NULL, NULL);
}
