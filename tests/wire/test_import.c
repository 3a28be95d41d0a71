/* Registration in the store: imports, repetitions, other tenants, groups, profiles and the way's events. */
#include "fleet.h"
#include "store/device.h"

/* Everything below runs inside one read or write of the store. */
static struct service_box *box;

static struct td_registration registration(struct td_tx *tx, unsigned number)
{
    struct td_registration r = {.id = ""};
    struct td_error err;
    if (td_registration_find_any(tx, box->tenant, td_arena_printf(&box->arena, "sn%04u", number), &box->arena, &r,
                                 &err) != TD_OK)
        fail_msg("%s", err.text);
    return r;
}

/* Types of the device's events, joined by blanks. */
static const char *events(struct td_tx *tx, const char *way_id)
{
    struct td_event *list;
    size_t n;
    const char *text = "";
    assert_ok(td_event_list(tx, box->tenant, way_id, 0, 100, &box->arena, &list, &n, NULL));
    for (size_t i = 0; i < n; i++)
        text = td_arena_printf(&box->arena, "%s%s%s", text, i != 0 ? " " : "", list[i].type);
    return text;
}

static void add_profile(struct td_tx *tx, const char *name, const char *group)
{
    struct td_profile settings;
    struct td_profile_row p;
    struct td_group g = {.id = ""};
    assert_ok(td_profile_parse(TD_S("{}"), &box->arena, &settings, NULL));
    assert_ok(td_profile_add(tx, box->tenant, name, &settings, "test", &box->arena, &p, NULL));
    if (group != NULL)
        assert_ok(td_group_find(tx, box->tenant, group, &box->arena, &g, NULL));
    assert_ok(td_profile_assign(tx, box->tenant, p.id, g.id, "test", NULL));
}

static void add_group(struct td_tx *tx, const char *name, const char *rule)
{
    struct td_group g;
    struct td_error err;
    if (td_group_add(tx, box->tenant, name, rule, "test", &box->arena, &g, &err) != TD_OK)
        fail_msg("%s", err.text);
}

static void kiosk_group_and_profile(struct td_tx *tx, struct service_box *b TD_UNUSED)
{
    add_group(tx, "Kiosks", "(device.devicePhysicalIds -any _ -eq \"[OrderID]:KIOSK\")");
    add_profile(tx, "kiosk", "kiosks");
}

static void check_assigned_at_once(struct td_tx *tx, struct service_box *b)
{
    struct td_registration r = registration(tx, 1);
    struct td_profile_row p;
    struct td_device_row d;
    struct td_way_row way;
    bool is_explicit = false;
    assert_ok(td_profile_for(tx, b->tenant, r.id, &b->arena, &p, &is_explicit, NULL));
    assert_string_equal(p.name, "kiosk");
    assert_true(is_explicit);
    assert_string_equal(r.profile_id, p.id);
    assert_string_equal(events(tx, r.way_id), "device.registered device.assigned");
    assert_ok(td_device_find_registration(tx, b->tenant, r.id, &b->arena, &d, NULL));
    assert_string_equal(d.id, r.device_id);
    assert_non_null(strstr(d.physical_ids, r.id));
    assert_non_null(strstr(d.physical_ids, "KIOSK"));
    assert_ok(td_way_find(tx, b->tenant, TD_WAY_DEVICE, d.id, &b->arena, &way, NULL));
    assert_string_equal(way.registration_id, r.id);
    assert_string_equal(td_way_word(&way.way), "assigned");
}

static void registered_and_assigned_in_one_transaction(void **state)
{
    box = *state;
    box_in_write(box, kiosk_group_and_profile);
    fleet_machine(box, 1, "KIOSK");
    fleet_machine(box, 2, "OFFICE");
    box_in_write(box, check_assigned_at_once);
}

static void check_group_later(struct td_tx *tx, struct service_box *b)
{
    const char *after = "";
    struct td_group *groups;
    size_t n;
    kiosk_group_and_profile(tx, b);
    struct td_registration r = registration(tx, 1);
    assert_string_equal(r.profile_id, "");
    int slices = 0;
    do {
        assert_ok(td_profile_spread(tx, b->tenant, after, 2, "test", &b->arena, &after, NULL));
        slices++;
    } while (after[0] != '\0');
    assert_int_equal(slices, 2);
    r = registration(tx, 1);
    assert_string_not_equal(r.profile_id, "");
    assert_string_equal(registration(tx, 2).profile_id, "");
    assert_ok(td_group_of_way(tx, b->tenant, r.way_id, &b->arena, &groups, &n, NULL));
    assert_int_equal(n, 1);
    /* another tag: out of the group, and told */
    const struct td_registration_change change = {.group_tag = "OFFICE"};
    assert_ok(td_registration_change(tx, b->tenant, r.id, &change, "test", NULL, NULL));
    assert_string_equal(registration(tx, 1).profile_id, "");
    assert_string_equal(events(tx, r.way_id), "device.registered device.assigned device.tagged device.unassigned");
}

static void a_rule_that_comes_later_finds_those_that_are_there(void **state)
{
    box = *state;
    fleet_machine(box, 1, "kiosk");
    fleet_machine(box, 2, "");
    fleet_machine(box, 3, "");
    box_in_write(box, check_group_later);
}

static void check_priority(struct td_tx *tx, struct service_box *b)
{
    struct td_profile_candidate *list;
    struct td_profile_row p;
    size_t n;
    bool is_explicit;
    struct td_registration r = registration(tx, 1);
    assert_ok(td_profile_of_way(tx, b->tenant, r.way_id, &b->arena, &p, &is_explicit, NULL));
    assert_string_equal(p.name, "old");
    assert_ok(td_profile_explain(tx, b->tenant, r.way_id, &b->arena, &list, &n, NULL));
    assert_int_equal(n, 4);
    assert_string_equal(list[0].profile_name, "old");
    assert_true(list[0].holds);
    for (size_t i = 1; i < n; i++)
        assert_false(list[i].holds);
    struct td_registration other = registration(tx, 2);
    assert_ok(td_profile_of_way(tx, b->tenant, other.way_id, &b->arena, &p, &is_explicit, NULL));
    assert_string_equal(p.name, "default");
    assert_false(is_explicit);
    assert_ok(td_profile_explain(tx, b->tenant, other.way_id, &b->arena, &list, &n, NULL));
    assert_string_equal(list[0].profile_name, "default");
    assert_string_equal(list[0].why, "it is assigned to all devices, and no group brings another");
}

static void all_groups(struct td_tx *tx, struct service_box *b TD_UNUSED)
{
    add_group(tx, "A", "(device.devicePhysicalIds -any _ -eq \"[OrderID]:A\")");
    add_group(tx, "B", "(device.devicePhysicalIds -any _ -startsWith \"[OrderID]:A\")");
    add_group(tx, "C", "(device.devicePhysicalIds -any _ -eq \"[OrderID]:C\")");
}
static void profile_default(struct td_tx *tx, struct service_box *b TD_UNUSED)
{
    add_profile(tx, "default", NULL);
}
static void profile_old(struct td_tx *tx, struct service_box *b TD_UNUSED)
{
    add_profile(tx, "old", "B");
}
static void profile_new(struct td_tx *tx, struct service_box *b)
{
    struct td_profile_row p;
    struct td_error err;
    add_profile(tx, "new", "A");
    add_profile(tx, "elsewhere", "C");
    assert_ok(td_profile_find(tx, b->tenant, "NEW", &b->arena, &p, &err));
    assert_int_equal(td_profile_assign(tx, b->tenant, p.id, "", "test", &err), TD_EEXISTS);
    assert_non_null(strstr(err.text, "default"));
    assert_int_equal(td_profile_add(tx, b->tenant, "Old", &p.settings, "test", &b->arena, &p, &err), TD_EEXISTS);
}

static void oldest_profile_of_its_groups_then_default(void **state)
{
    static void (*const steps[])(struct td_tx *, struct service_box *) = {all_groups, profile_default, profile_old,
                                                                          profile_new};
    box = *state;
    for (size_t i = 0; i < TD_COUNTOF(steps); i++) {
        box_in_write(box, steps[i]);
        box->world.now += TD_MINUTE;
    }
    fleet_machine(box, 1, "A");
    fleet_machine(box, 2, "");
    box_in_write(box, check_priority);
}

static void good_rows_are_kept(void **state)
{
    box = *state;
    TD_CLEANUP(td_buf_done) struct td_buf csv;
    td_buf_init(&csv, 1 << 20);
    td_buf_adds(&csv, fleet_header);
    for (unsigned i = 1; i <= 120; i++) {
        struct machine m = {.number = i, .bad_checksum = i == 9};
        const char *row = machine_row(box, &m, "T");
        if (i == 7)
            row = "SN-0007,,T0Enonsense,T\n";
        if (i == 8)
            row = ",,T0Enonsense,T\n";
        if (i == 10)
            row = td_arena_printf(&box->arena, "OTHER,,%s,T\n", machine_hash(box, &m));
        td_buf_adds(&csv, row);
        if (i == 60)
            td_buf_adds(&csv, row);
    }
    struct fleet_told t;
    struct td_error err;
    assert_ok(fleet_import(box, box->tenant, csv.p, true, &t, &err)); /* dry run: judged, not written */
    assert_int_equal(t.totals.registered, 117);
    assert_int_equal(t.totals.refused, 4);
    const char *dry = fleet_text(box, &t);
    assert_ok(fleet_import(box, box->tenant, csv.p, false, &t, &err));
    assert_int_equal(t.totals.rows, 121);
    assert_int_equal(t.totals.registered, 117);
    assert_int_equal(t.totals.warnings, 1);
    const char *told = fleet_text(box, &t);
    assert_string_equal(dry, told);
    static const char *const lines[] = {
        "\n7 SN-0007 802 InvalidZtdHardwareHash\n",
        "\n8  803 MissingZtdSerialNumberAndProductKey\n",
        "\n9 SN-0009 0 None warning\n",
        "\n10 OTHER 908 SerialNumberMismatch\n",
        "\n61 SN-0060 805 ZtdDeviceDuplicated\n",
        "\n121 SN-0120 0 None\n",
    };
    for (size_t i = 0; i < TD_COUNTOF(lines); i++)
        if (strstr(told, lines[i]) == NULL)
            fail_msg("%s is missing in\n%s", lines[i], told);
}

static void known_devices_and_those_of_others(void **state)
{
    box = *state;
    struct machine m = {.number = 1}, same_with_new_disk = {.number = 1, .other_disk = true},
                   other_board = {.number = 1, .other_board = true};
    fleet_machine(box, 1, "OLD");
    const char *again =
        td_arena_printf(&box->arena, "%s%s", fleet_header, machine_row(box, &same_with_new_disk, "OLD"));
    assert_string_equal(fleet_take(box, box->tenant, again), "1 SN-0001 806 ZtdDeviceAlreadyAssigned\n");
    again = td_arena_printf(&box->arena, "%s%s", fleet_header, machine_row(box, &m, "NEW"));
    assert_string_equal(fleet_take(box, box->tenant, again), "1 SN-0001 806 ZtdDeviceAlreadyAssigned updated\n");
    assert_string_equal(fleet_take(box, box->other, again), "1 SN-0001 808 ZtdDeviceAssignedToOtherTenant\n");
    again = td_arena_printf(&box->arena, "%s%s", fleet_header, machine_row(box, &m, ""));
    assert_string_equal(fleet_take(box, box->tenant, again), "1 SN-0001 806 ZtdDeviceAlreadyAssigned\n");
    again = td_arena_printf(&box->arena, "%s%s", fleet_header, machine_row(box, &other_board, ""));
    assert_string_equal(fleet_take(box, box->tenant, again), "1 SN-0001 0 None\n"); /* repaired: registered anew */
}

static void assigned_users_are_of_the_tenant(void **state)
{
    static const struct {
        const char *user, *told;
    } rows[] = {
        {"bob@fabrikam.test", "1 SN-0001 801 InvalidZtdRequestBody\n"},
        {"bob@nowhere.test", "1 SN-0001 801 InvalidZtdRequestBody\n"},
        {"bob", "1 SN-0001 801 InvalidZtdRequestBody\n"},
        {"a@b@contoso.test", "1 SN-0001 801 InvalidZtdRequestBody\n"},
        {"Someone@CONTOSO.test", "1 SN-0001 0 None warning\n"},
        {"ada@contoso.test", "1 SN-0001 806 ZtdDeviceAlreadyAssigned updated\n"},
    };
    struct machine m = {.number = 1};
    struct fleet_told t;
    struct td_error err;
    box = *state;
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        const char *csv =
            td_arena_printf(&box->arena, "Device Serial Number,Hardware Hash,Assigned User\nSN-0001,%s,%s\n",
                            machine_hash(box, &m), rows[i].user);
        assert_ok(fleet_import(box, box->tenant, csv, true, &t, &err));
        assert_int_equal(t.totals.refused, i < 4);
        td_buf_done(&t.text);
        assert_string_equal(fleet_take(box, box->tenant, csv), rows[i].told);
    }
}

static void set_refuse(struct td_tx *tx, struct service_box *b)
{
    assert_ok(td_tenant_set(tx, b->tenant, "hash-checksum", "refuse", "test", NULL));
}

static void wrong_checksum_by_setting(void **state)
{
    box = *state;
    struct machine m = {.number = 1, .bad_checksum = true};
    const char *csv = td_arena_printf(&box->arena, "%s%s", fleet_header, machine_row(box, &m, ""));
    box_in_write(box, set_refuse);
    assert_string_equal(fleet_take(box, box->tenant, csv), "1 SN-0001 802 InvalidZtdHardwareHash\n");
    assert_string_equal(fleet_take(box, box->other, csv), "1 SN-0001 0 None warning\n");
}

static void check_nothing_there(struct td_tx *tx, struct service_box *b)
{
    struct td_registration *list;
    size_t n;
    assert_ok(td_registration_list(tx, b->tenant, "", 10, &b->arena, &list, &n, NULL));
    assert_int_equal(n, 0);
}

static void a_wrong_header_writes_nothing(void **state)
{
    box = *state;
    struct machine m = {.number = 1};
    struct fleet_told t;
    struct td_error err;
    const char *csv = td_arena_printf(&box->arena, "Device Serial Number,Colour,Hardware Hash,Group Tag\n%s",
                                      machine_row(box, &m, ""));
    assert_int_equal(fleet_import(box, box->tenant, csv, false, &t, &err), TD_EINVAL);
    assert_string_equal(err.text, "unknown column \"Colour\"");
    csv = td_arena_printf(&box->arena, "%s%s", fleet_header, machine_row(box, &m, ""));
    assert_ok(fleet_import(box, box->tenant, csv, true, &t, &err));
    td_buf_done(&t.text);
    box_in_write(box, check_nothing_there);
}

static void remove_it(struct td_tx *tx, struct service_box *b)
{
    struct td_registration r = registration(tx, 1);
    struct td_way_row way;
    struct td_device_row d;
    assert_ok(td_registration_remove(tx, b->tenant, r.id, "test", NULL));
    assert_int_equal(td_registration_find(tx, b->tenant, r.id, &b->arena, &r, NULL), TD_ENOTFOUND);
    assert_ok(td_way_find(tx, b->tenant, TD_WAY_ID, r.way_id, &b->arena, &way, NULL));
    assert_string_equal(td_way_word(&way.way), "in its box");
    assert_string_equal(way.registration_id, "");
    assert_int_equal(td_device_find(tx, b->tenant, r.device_id, &b->arena, &d, NULL), TD_ENOTFOUND);
}

static void deregistered_and_free_for_another_tenant(void **state)
{
    box = *state;
    struct machine m = {.number = 1};
    fleet_machine(box, 1, "T");
    box_in_write(box, remove_it);
    const char *csv = td_arena_printf(&box->arena, "%s%s", fleet_header, machine_row(box, &m, ""));
    assert_string_equal(fleet_take(box, box->other, csv), "1 SN-0001 0 None\n");
}

static void walk_the_way(struct td_tx *tx, struct service_box *b)
{
    struct td_way_row w, other;
    struct td_error err, why;
    assert_ok(td_way_add(tx, b->tenant, TD_WAY_DEVICE, "dev-1", &b->arena, &w, NULL));
    assert_int_equal(td_way_add(tx, b->tenant, TD_WAY_DEVICE, "dev-1", &b->arena, &other, &err), TD_EEXISTS);
    assert_ok(td_way_add(tx, b->tenant, TD_WAY_ENROLMENT, "enr-1", &b->arena, &other, NULL));
    assert_ok(td_way_link(tx, b->tenant, w.id, TD_WAY_ENROLMENT, "enr-1", NULL)); /* moves here */
    assert_ok(td_way_find(tx, b->tenant, TD_WAY_ENROLMENT, "enr-1", &b->arena, &other, NULL));
    assert_string_equal(other.id, w.id);
    assert_ok(td_way_happened(tx, b->tenant, w.id, TD_EV_JOINED, "test", "{}", NULL));
    assert_ok(td_way_happened(tx, b->tenant, w.id, TD_EV_JOINED, "test", "{}", NULL)); /* changes nothing: no event */
    assert_int_equal(td_way_happened(tx, b->tenant, w.id, TD_EV_READY, "test", "{}", &err), TD_ESTATE);
    (void)td_fail(&why, TD_EINVAL, "msi", "would not install");
    why.hresult = 0x80070643;
    assert_ok(td_way_failed(tx, b->tenant, w.id, "device setup", &why, NULL));
    assert_ok(td_way_happened(tx, b->tenant, w.id, TD_EV_DEVICE_SETUP, "test", "{}", NULL));
    assert_ok(td_way_happened(tx, b->tenant, w.id, TD_EV_READY, "test", "{}", NULL));
    assert_ok(td_way_find(tx, b->tenant, TD_WAY_ID, w.id, &b->arena, &w, NULL));
    assert_true(w.ready_at == td_tx_now(tx));
    assert_true(w.deployment_started_at == td_tx_now(tx));
    assert_string_equal(events(tx, w.id), "device.joined device.failed device.device-setup device.ready");
    assert_int_equal(td_way_find(tx, b->other, TD_WAY_ID, w.id, &b->arena, &w, NULL), TD_ENOTFOUND);
}

static void the_way_in_the_store(void **state)
{
    box = *state;
    box_in_write(box, walk_the_way);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, box_setup, box_teardown)
    const struct CMUnitTest tests[] = {
        TEST(registered_and_assigned_in_one_transaction),
        TEST(a_rule_that_comes_later_finds_those_that_are_there),
        TEST(oldest_profile_of_its_groups_then_default),
        TEST(good_rows_are_kept),
        TEST(known_devices_and_those_of_others),
        TEST(assigned_users_are_of_the_tenant),
        TEST(wrong_checksum_by_setting),
        TEST(a_wrong_header_writes_nothing),
        TEST(deregistered_and_free_for_another_tenant),
        TEST(the_way_in_the_store),
    };
    return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}
