/* What a hardware hash means that a managed device reports: autopilot.md 1.5, rows R01, R06, R16, and devices that
 * enrolled before anybody registered them. */
#include "api/management/room.h"
#include "fleet.h"
#include "store/certificate.h"
#include "store/device.h"
#include "store/directory.h"
#include "store/enrolment.h"
#include "store/identifier.h"
#include "store/offline_profile.h"

#define ENROLMENT "aaaaaaaa-0000-4000-8000-000000000001"

static struct service_box *box;

static struct { /* of the device under management */
    const char *way, *device;
    bool joined;
} pc;

static void enrol(struct td_tx *tx, struct service_box *b)
{
    struct td_way_row way;
    struct td_enrolment row = {.id = ENROLMENT,
                               .tenant = b->tenant,
                               .device_id = "",
                               .registration_id = "",
                               .user_id = b->user_id,
                               .user_upn = "ada@contoso.test",
                               .type = "Device",
                               .provider = "Touchdown",
                               .dm_id = "dm",
                               .hw_dev_id = "",
                               .device_name = "DESKTOP-1",
                               .device_type = "CIMClient_Windows",
                               .os_version = "10.0.22631.1",
                               .os_edition = "48",
                               .locale = "en-US",
                               .cert_sha256 = {1},
                               .cert_not_after = BOX_NOW + TD_DAY,
                               .secrets = TD_S("")};
    struct td_cert_row cert = {.sha256 = {1},
                               .tenant = b->tenant,
                               .purpose = "management",
                               .subject = ENROLMENT,
                               .serial = "01",
                               .not_after = BOX_NOW + TD_DAY};
    assert_ok(td_way_add(tx, b->tenant, TD_WAY_ENROLMENT, ENROLMENT, &b->arena, &way, NULL));
    row.way_id = pc.way = way.id;
    pc.device = "";
    if (pc.joined) {
        struct td_device_joining j = {.id = td_uuid_arena(td_tx_env(tx), &b->arena),
                                      .registration_id = "",
                                      .display_name = "DESKTOP-1",
                                      .os = "Windows",
                                      .os_version = "10",
                                      .trust_type = "AzureAd",
                                      .owner_id = b->user_id,
                                      .owner_upn = "ada@contoso.test",
                                      .hardware_id = "",
                                      .alt_security_id = "X509:x",
                                      .transport_key = TD_S("k")};
        assert_ok(td_device_join(tx, b->tenant, &j, NULL));
        assert_ok(td_way_link(tx, b->tenant, way.id, TD_WAY_DEVICE, j.id, NULL));
        assert_ok(td_way_happened(tx, b->tenant, way.id, TD_EV_JOINED, "device", "{}", NULL));
        row.device_id = pc.device = j.id;
    }
    assert_ok(td_cert_record(tx, &cert, NULL));
    assert_ok(td_enrolment_add(tx, &row, NULL, NULL));
    assert_ok(td_way_happened(tx, b->tenant, way.id, TD_EV_ENROLLED, "device", "{}", NULL));
}

static const struct machine *reported, *more;
static size_t more_count; /* of one message */

static void report(struct td_tx *tx, struct service_box *b)
{
    struct td_error err = {0};
    struct td_exchange *x = td_arena_new(&b->arena, struct td_exchange);
    struct td_mgmt_report r[8] = {{.value = td_str(machine_hash(b, reported))}};
    for (size_t i = 0; i <= more_count; i++) {
        r[i].uri = "./DevDetail/Ext/DeviceHardwareData";
        if (i != 0)
            r[i].value = td_str(machine_hash(b, &more[i - 1]));
        r[i].next = i < more_count ? &r[i + 1] : NULL;
    }
    x->svc = &b->svc;
    x->a = &b->arena;
    x->tenant = b->tenant;
    x->reports = r;
    td_ledger_init(&x->ledger, &b->arena);
    assert_ok(td_enrolment_find(tx, b->tenant, ENROLMENT, &b->arena, &x->enrolment, NULL));
    if (td_mgmt_harvest(x, tx, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
}

static void reports(const struct machine *m)
{
    reported = m;
    box_in_write(box, report);
}

static void harvest_all(struct td_tx *tx, struct service_box *b)
{
    struct td_profile settings;
    struct td_profile_row p;
    assert_ok(td_profile_parse(TD_S("{\"hardwareHashExtractionEnabled\":true}"), &b->arena, &settings, NULL));
    assert_ok(td_profile_add(tx, b->tenant, "Harvest", &settings, "test", &b->arena, &p, NULL));
    assert_ok(td_profile_assign(tx, b->tenant, p.id, "", "test", NULL));
}

/* The registration of SN-0001, its way and its directory object, as they stand. */
static struct {
    bool there;
    struct td_registration r;
    struct td_way_row way;
    const char *device, *enrolment_registration, *types;
    size_t facts;
} now;

static void look(struct td_tx *tx, struct service_box *b)
{
    struct td_device_row d;
    struct td_enrolment e;
    struct td_facts facts;
    struct td_event *list;
    size_t n = 0;
    memset(&now, 0, sizeof(now));
    now.there = td_registration_find_any(tx, b->tenant, "SN-0001", &b->arena, &now.r, NULL) == TD_OK;
    if (!now.there)
        return;
    assert_ok(td_way_find(tx, b->tenant, TD_WAY_REGISTRATION, now.r.id, &b->arena, &now.way, NULL));
    assert_ok(td_device_find_registration(tx, b->tenant, now.r.id, &b->arena, &d, NULL));
    assert_ok(td_hardware_facts(tx, b->tenant, now.r.id, &b->arena, &facts, NULL));
    assert_ok(td_event_list(tx, b->tenant, now.way.id, 0, 100, &b->arena, &list, &n, NULL));
    now.facts = facts.count;
    now.device = d.id;
    now.types = "";
    for (size_t i = 0; i < n; i++)
        now.types = td_arena_printf(&b->arena, "%s%s ", now.types, list[i].type);
    now.enrolment_registration = "";
    if (td_enrolment_find(tx, b->tenant, ENROLMENT, &b->arena, &e, NULL) == TD_OK)
        now.enrolment_registration = e.registration_id;
}

static const struct machine one = {.number = 1};

static void is_one_way(void)
{
    box_in_write(box, look);
    assert_true(now.there);
    assert_string_equal(now.way.id, pc.way);
    assert_string_equal(now.r.way_id, pc.way);
    assert_string_equal(now.way.enrolment_id, ENROLMENT);
    assert_string_equal(now.enrolment_registration, now.r.id);
    if (pc.joined) {
        assert_string_equal(now.device, pc.device);
        assert_string_equal(now.r.device_id, pc.device);
    }
    assert_non_null(strstr(now.types, "device.enrolled"));
    assert_non_null(strstr(now.types, "device.registered"));
}

static void a_corporate_device_is_harvested(void **state)
{
    box = *state;
    pc.joined = true;
    box_in_write(box, harvest_all);
    box_in_write(box, enrol);
    reports(&one);
    is_one_way();
    assert_string_equal(now.r.source, "harvest");
    reports(&one); /* again: nothing more */
    is_one_way();
}

static void a_personal_device_is_not(void **state)
{
    box = *state;
    pc.joined = false;
    box_in_write(box, harvest_all);
    box_in_write(box, enrol);
    reports(&one);
    box_in_write(box, look);
    assert_false(now.there);
}

static int64_t counted;

static void count_registrations(struct td_tx *tx, struct service_box *b)
{
    struct td_rows r;
    assert_ok(td_sql_query(tx, &r, NULL, "SELECT COUNT(*) FROM registration WHERE tenant = $1", "s", b->tenant));
    while (td_rows_next(&r))
        counted = td_col_int(&r, 0);
    assert_ok(td_rows_done(&r, NULL));
}

static void count_refusals(struct td_tx *tx, struct service_box *b)
{
    struct td_rows r;
    assert_ok(td_sql_query(tx, &r, NULL,
                           "SELECT COUNT(*) FROM event WHERE tenant = $1 AND type = 'management.not-harvested'", "s",
                           b->tenant));
    while (td_rows_next(&r))
        counted = td_col_int(&r, 0);
    assert_ok(td_rows_done(&r, NULL));
}

static int64_t count(void (*what)(struct td_tx *tx, struct service_box *b))
{
    box_in_write(box, what);
    return counted;
}

/* One message that tells of several machines. */
static void a_device_is_one_machine(void **state)
{
    static const struct machine others[] = {{.number = 2}, {.number = 3}, {.number = 4}};
    box = *state;
    pc.joined = true;
    box_in_write(box, harvest_all);
    box_in_write(box, enrol);
    more = others;
    more_count = TD_COUNTOF(others);
    reports(&one);
    more_count = 0;
    assert_int_equal(count(count_registrations), 1);
}

static void what_is_not_harvested_is_told_once_an_hour(void **state)
{
    static const struct machine nameless = {.serial = "", .number = 1};
    box = *state;
    pc.joined = true;
    box_in_write(box, harvest_all);
    box_in_write(box, enrol);
    for (int i = 0; i < 5; i++)
        reports(&nameless);
    assert_int_equal(count(count_refusals), 1);
    box->world.now += 2 * TD_HOUR;
    reports(&nameless);
    assert_int_equal(count(count_refusals), 2);
    assert_int_equal(count(count_registrations), 0);
}

static void call_it_ours(struct td_tx *tx, struct service_box *b)
{
    const struct td_identifier id = {.kind = TD_ID_TUPLE, .text = "CONTOSO, book 1, sn0001", .description = ""};
    const char *made;
    bool is_new;
    assert_ok(td_identifier_put(tx, b->tenant, &id, false, "test", &b->arena, &made, &is_new, NULL));
}

static void unless_a_corporate_identifier_names_it(void **state)
{
    box = *state;
    pc.joined = false;
    box_in_write(box, harvest_all);
    box_in_write(box, call_it_ours);
    box_in_write(box, enrol);
    reports(&one);
    is_one_way();
}

static void without_the_setting_nothing_is_harvested(void **state)
{
    box = *state;
    pc.joined = true;
    box_in_write(box, enrol);
    reports(&one);
    box_in_write(box, look);
    assert_false(now.there);
}

/* Assigned to nobody; the device was deployed by its file. */
static void deploy_by_file(struct td_tx *tx, struct service_box *b)
{
    struct td_profile settings;
    struct td_profile_row p;
    struct td_enrolment e;
    assert_ok(td_profile_parse(TD_S("{\"hardwareHashExtractionEnabled\":true}"), &b->arena, &settings, NULL));
    assert_ok(td_profile_add(tx, b->tenant, "By file", &settings, "test", &b->arena, &p, NULL));
    assert_ok(td_enrolment_find(tx, b->tenant, ENROLMENT, &b->arena, &e, NULL));
    assert_ok(td_offline_profile_take(tx, &e, p.id, &p, &b->arena, NULL));
}

static void by_the_profile_of_its_file_it_is_harvested(void **state)
{
    box = *state;
    pc.joined = true;
    box_in_write(box, enrol);
    box_in_write(box, deploy_by_file);
    reports(&one);
    is_one_way();
    assert_string_equal(now.r.source, "harvest");
}

/* Enrolled first, registered later: one way, one directory object, one timeline. */
static void registered_later_it_keeps_its_way(void **state)
{
    box = *state;
    pc.joined = true;
    box_in_write(box, enrol);
    reports(&one);
    fleet_machine(box, 1, "DESK");
    is_one_way();
    assert_string_equal(now.r.group_tag, "DESK");
}

static void registered_first_it_is_recognised(void **state)
{
    box = *state;
    pc.joined = true;
    fleet_machine(box, 1, "DESK");
    box_in_write(box, enrol);
    reports(&one);
    is_one_way();
}

static void another_disk_renews_the_facts_another_board_waits(void **state)
{
    const struct machine disk = {.number = 1, .other_disk = true}, board = {.number = 1, .other_board = true};
    box = *state;
    pc.joined = true;
    fleet_machine(box, 1, "DESK");
    box_in_write(box, enrol);
    reports(&one);
    reports(&disk);
    is_one_way();
    assert_non_null(strstr(now.types, "device.hardware-changed"));
    assert_int_equal(now.r.remediation, TD_REMEDY_NONE);
    reports(&board);
    is_one_way();
    assert_int_equal(now.r.remediation, TD_REMEDY_AUTOMATIC);
    assert_non_null(strstr(now.types, "device.attention"));
    reports(&disk);
    is_one_way();
    assert_int_equal(now.r.remediation, TD_REMEDY_NONE);
}

static void take_away(struct td_tx *tx, struct service_box *b)
{
    assert_ok(td_registration_remove(tx, b->tenant, now.r.id, "test", NULL));
}

static struct td_enrolment left;

static void look_at_the_rest(struct td_tx *tx, struct service_box *b)
{
    struct td_device_row d;
    struct td_way_row way;
    assert_ok(td_enrolment_find(tx, b->tenant, ENROLMENT, &b->arena, &left, NULL));
    assert_ok(td_device_find(tx, b->tenant, pc.device, &b->arena, &d, NULL));
    assert_true(d.joined_at != 0);
    assert_ok(td_way_find(tx, b->tenant, TD_WAY_ENROLMENT, ENROLMENT, &b->arena, &way, NULL));
    assert_string_equal(way.registration_id, "");
    assert_int_equal(way.way.state[TD_M_ENROLMENT], TD_E_ENROLLED);
}

/* R15: the registration alone ends. */
static void deregistered_it_stays_managed(void **state)
{
    box = *state;
    pc.joined = true;
    fleet_machine(box, 1, "DESK");
    box_in_write(box, enrol);
    reports(&one);
    is_one_way();
    box_in_write(box, take_away);
    box_in_write(box, look_at_the_rest);
    assert_int_equal(left.state, TD_ENROLMENT_ACTIVE);
    assert_string_equal(left.registration_id, "");
    /* and comes back to the same way */
    reports(&one);
    fleet_machine(box, 1, "AGAIN");
    is_one_way();
}

/* Registered anew before its next report: the registration that ended has left its facts with the device. */
static void deregistered_it_is_known_at_once(void **state)
{
    box = *state;
    pc.joined = true;
    fleet_machine(box, 1, "DESK");
    box_in_write(box, enrol);
    reports(&one);
    is_one_way();
    box_in_write(box, take_away);
    fleet_machine(box, 1, "AGAIN");
    is_one_way();
    assert_string_equal(now.r.group_tag, "AGAIN");
}

static void leave(struct td_tx *tx, struct service_box *b)
{
    assert_ok(td_device_leave(tx, b->tenant, pc.device, "device", NULL));
}

static void look_at_its_object(struct td_tx *tx, struct service_box *b)
{
    struct td_device_row d;
    assert_ok(td_device_find(tx, b->tenant, now.r.device_id, &b->arena, &d, NULL));
    assert_string_equal(d.registration_id, now.r.id);
    assert_int_equal(d.joined_at, 0);
}

/* Left behind its registration's end: registered anew it has an object that groups and profiles find. */
static void deregistered_and_left_it_gets_an_object(void **state)
{
    box = *state;
    pc.joined = true;
    fleet_machine(box, 1, "DESK");
    box_in_write(box, enrol);
    reports(&one);
    is_one_way();
    box_in_write(box, take_away);
    box_in_write(box, leave);
    fleet_machine(box, 1, "AGAIN");
    box_in_write(box, look);
    assert_string_not_equal(now.r.device_id, pc.device);
    assert_non_null(strstr(now.types, "device.recognised"));
    box_in_write(box, look_at_its_object);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, box_setup, box_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_corporate_device_is_harvested),
        TEST(a_device_is_one_machine),
        TEST(what_is_not_harvested_is_told_once_an_hour),
        TEST(a_personal_device_is_not),
        TEST(unless_a_corporate_identifier_names_it),
        TEST(without_the_setting_nothing_is_harvested),
        TEST(by_the_profile_of_its_file_it_is_harvested),
        TEST(registered_later_it_keeps_its_way),
        TEST(registered_first_it_is_recognised),
        TEST(another_disk_renews_the_facts_another_board_waits),
        TEST(deregistered_it_stays_managed),
        TEST(deregistered_it_is_known_at_once),
        TEST(deregistered_and_left_it_gets_an_object),
    };
    return cmocka_run_group_tests_name("harvest", tests, NULL, NULL);
}
