/* What a device gets at its lookup and keeps, and who it is told to enrol with (autopilot.md rows P01, X07; Z45). */
#include "api/lookup.h"
#include "codec/json.h"
#include "fleet.h"
#include "store/enrolment_configuration.h"
#include "store/foreign_management.h"

#define OTHER "5a1e0000-1111-4222-8333-444455556666"

static struct service_box *box;
static const char *locale; /* that the next write gives the profile */

static const struct td_json *ask(void)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    const struct machine m = {.number = 1};
    struct td_json *v = NULL;
    const char *body = td_arena_printf(&box->arena, "{\"hardwareHash\":\"%s\"}", machine_hash(box, &m));
    assert_int_equal(
        box_ask(box, td_lookup_routes, td_lookup_route_count, "POST", "/ztd/v1/lookup", headers, td_str(body), NULL),
        200);
    assert_ok(td_json_parse(td_buf_slice(&box->reply.body), 1 << 16, &box->arena, &v, NULL));
    return v;
}

static void add_default(struct td_tx *tx, struct service_box *b)
{
    struct td_profile settings;
    struct td_profile_row p;
    const char *after = "";
    assert_ok(td_profile_parse(TD_S("{\"locale\":\"de-DE\"}"), &b->arena, &settings, NULL));
    assert_ok(td_profile_add(tx, b->tenant, "Everyone", &settings, "test", &b->arena, &p, NULL));
    assert_ok(td_profile_assign(tx, b->tenant, p.id, "", "test", NULL));
    assert_ok(td_profile_spread(tx, b->tenant, after, 1000, "test", &b->arena, &after, NULL));
}

static void edit(struct td_tx *tx, struct service_box *b)
{
    struct td_profile_row p;
    int64_t before;
    assert_ok(td_profile_find(tx, b->tenant, "everyone", &b->arena, &p, NULL));
    before = p.revision;
    p.settings.locale = locale;
    assert_ok(td_profile_change(tx, b->tenant, &p, "test", &b->arena, NULL));
    assert_int_equal(p.revision, before + 1);
    assert_ok(td_profile_change(tx, b->tenant, &p, "test", &b->arena, NULL)); /* the same again is no change */
    assert_int_equal(p.revision, before + 1);
}

static struct td_registration device(struct td_tx *tx)
{
    struct td_registration r = {.id = ""};
    assert_ok(td_registration_find_any(tx, box->tenant, "SN-0001", &box->arena, &r, NULL));
    return r;
}

static void enrol(struct td_tx *tx, struct service_box *b)
{
    assert_ok(td_way_happened(tx, b->tenant, device(tx).way_id, TD_EV_ENROLLED, "test", "{}", NULL));
}

/* locale: what the device is held to. */
static void is_held_to(struct td_tx *tx, struct service_box *b)
{
    struct td_profile p;
    assert_ok(td_profile_in_force(tx, b->tenant, device(tx).way_id, &b->arena, &p, NULL));
    assert_string_equal(p.locale, locale);
}

static void expect(const char *text)
{
    locale = text;
    box_in_write(box, is_held_to);
}

static void change_to(const char *text)
{
    locale = text;
    box_in_write(box, edit);
}

static void keeps_what_it_got_until_it_is_reset(void **state)
{
    box = *state;
    box_in_write(box, add_default);
    fleet_machine(box, 1, "");
    change_to("fr-FR");
    expect("fr-FR"); /* it has not asked: what holds */
    assert_string_equal(td_json_str(ask(), "CloudAssignedLanguage"), "fr-FR");
    change_to("en-US");
    expect("fr-FR"); /* it got that one */
    assert_string_equal(td_json_str(ask(), "CloudAssignedLanguage"), "en-US");
    expect("en-US"); /* not deployed: the edit reached it */
    box_in_write(box, enrol);
    change_to("it-IT");
    assert_string_equal(td_json_str(ask(), "CloudAssignedLanguage"), "it-IT");
    expect("en-US"); /* whoever asked in its name, it keeps what it has */
}

static void name_other(struct td_tx *tx, struct service_box *b)
{
    struct td_profile_row p;
    struct td_error err;
    const struct td_foreign_management m = {.app_id = "5A1E0000-1111-4222-8333-444455556666",
                                            .name = "Other",
                                            .enrolment_url = "https://mdm.other.test/enrol",
                                            .terms_url = "https://mdm.other.test/terms",
                                            .compliance_url = ""};
    assert_ok(td_profile_find(tx, b->tenant, "everyone", &b->arena, &p, NULL));
    p.settings.management_app = OTHER;
    assert_int_equal(td_profile_change(tx, b->tenant, &p, "test", &b->arena, &err), TD_EINVAL);
    assert_string_equal(err.where, "managementServiceAppId");
    assert_ok(td_foreign_management_put(tx, b->tenant, &m, "test", NULL));
    assert_ok(td_profile_change(tx, b->tenant, &p, "test", &b->arena, NULL));
    assert_int_equal(td_foreign_management_remove(tx, b->tenant, "other", "test", &err), TD_ESTATE);
}

static void check_other(struct td_tx *tx, struct service_box *b)
{
    struct td_foreign_management m;
    assert_ok(td_foreign_management_of(tx, b->tenant, device(tx).id, &b->arena, &m, NULL));
    assert_string_equal(m.app_id, OTHER);
    assert_int_equal(td_foreign_management_find(tx, b->other, OTHER, &b->arena, &m, NULL), TD_ENOTFOUND);
}

static void names_the_other_management(void **state)
{
    box = *state;
    box_in_write(box, add_default);
    fleet_machine(box, 1, "");
    assert_null(td_json_get(ask(), "ManagementEnrollmentUrl"));
    box_in_write(box, name_other);
    const struct td_json *v = ask();
    assert_string_equal(td_json_str(v, "CloudAssignedMdmId"), OTHER);
    assert_string_equal(td_json_str(v, "ManagementEnrollmentUrl"), "https://mdm.other.test/enrol");
    assert_string_equal(td_json_str(v, "ManagementTermsOfUseUrl"), "https://mdm.other.test/terms");
    assert_null(td_json_get(v, "ManagementComplianceUrl"));
    box_in_write(box, check_other);
}

static void refuse_addresses(struct td_tx *tx, struct service_box *b)
{
    static const char *const urls[] = {"",
                                       "http://mdm.test/x",
                                       "https://",
                                       "https:///x",
                                       "https://mdm.test/",
                                       "https://mdm.test/x?y",
                                       "https://a@mdm.test/x",
                                       "https://mdm.test/a b"};
    struct td_error err;
    struct td_foreign_management m = {.app_id = OTHER, .name = "Other", .terms_url = "", .compliance_url = ""};
    for (size_t i = 0; i < TD_COUNTOF(urls); i++) {
        m.enrolment_url = urls[i];
        assert_int_equal(td_foreign_management_put(tx, b->tenant, &m, "test", &err), TD_EINVAL);
        assert_string_equal(err.where, "enrolment-url");
    }
    m.enrolment_url = "https://mdm.test/x";
    m.app_id = "0000000a-0000-0000-c000-000000000000"; /* ours */
    assert_int_equal(td_foreign_management_put(tx, b->tenant, &m, "test", &err), TD_EINVAL);
    assert_string_equal(err.where, "app-id");
}

static void addresses_that_lead_nowhere(void **state)
{
    box = *state;
    box_in_write(box, refuse_addresses);
}

/* ---- removal ---- */

static void removes(struct td_tx *tx, struct service_box *b)
{
    struct td_profile_row p;
    struct td_profile_target *targets;
    struct td_error err;
    size_t n = 0;
    add_default(tx, b);
    assert_ok(td_profile_find(tx, b->tenant, "everyone", &b->arena, &p, NULL));
    assert_int_equal(td_profile_remove(tx, b->tenant, p.id, false, "test", &b->arena, &err), TD_ESTATE);
    assert_ok(td_profile_targets(tx, b->tenant, p.id, &b->arena, &targets, &n, NULL));
    assert_int_equal(n, 1);
    assert_ok(td_profile_remove(tx, b->tenant, p.id, true, "test", &b->arena, &err));
    assert_int_equal(td_profile_find(tx, b->tenant, p.id, &b->arena, &p, NULL), TD_ENOTFOUND);
}

static void assigned_ones_are_not_removed(void **state)
{
    box = *state;
    box_in_write(box, removes);
}

/* ---- which status page ---- */

static const char *add_page(struct td_tx *tx, struct service_box *b, const char *name, const char *target)
{
    struct td_ec c = {.name = name, .description = ""}, made;
    const struct td_ec_target t = {.id = target, .name = ""};
    td_status_page_defaults(false, &c.page);
    assert_ok(td_ec_add(tx, b->tenant, &c, "test", &b->arena, &made, NULL));
    assert_ok(td_ec_target_add(tx, b->tenant, made.id, &t, "test", NULL));
    return made.id;
}

static void is_page(struct td_tx *tx, struct service_box *b, const char *user, const char *name)
{
    struct td_ec c;
    assert_ok(td_ec_page_for(tx, b->tenant, device(tx).way_id, user, &b->arena, &c, NULL));
    assert_string_equal(c.name, name);
}

static void pages(struct td_tx *tx, struct service_box *b)
{
    struct td_group tagged;
    assert_ok(td_group_find(tx, b->tenant, "Tagged", &b->arena, &tagged, NULL));
    is_page(tx, b, b->user_id, "All users and all devices");
    add_page(tx, b, "users", TD_ALL_USERS);
    is_page(tx, b, b->user_id, "users");
    is_page(tx, b, "", "All users and all devices"); /* nobody known */
    const char *id = add_page(tx, b, "devices", TD_ALL_DEVICES);
    is_page(tx, b, b->user_id, "devices");
    const struct td_ec_target out = {.id = tagged.id, .name = "", .excluded = true};
    assert_ok(td_ec_target_add(tx, b->tenant, id, &out, "test", NULL));
    is_page(tx, b, b->user_id, "users");
}

static void add_tagged(struct td_tx *tx, struct service_box *b)
{
    struct td_group made;
    assert_ok(td_group_add(tx, b->tenant, "Tagged", "(device.devicePhysicalIds -any _ -eq \"[OrderID]:X\")", "test",
                           &b->arena, &made, NULL));
}

static void the_devices_page_comes_first(void **state)
{
    box = *state;
    box_in_write(box, add_tagged);
    fleet_machine(box, 1, "X");
    box_in_write(box, pages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_what_it_got_until_it_is_reset, box_setup, box_teardown),
        cmocka_unit_test_setup_teardown(names_the_other_management, box_setup, box_teardown),
        cmocka_unit_test_setup_teardown(addresses_that_lead_nowhere, box_setup, box_teardown),
        cmocka_unit_test_setup_teardown(assigned_ones_are_not_removed, box_setup, box_teardown),
        cmocka_unit_test_setup_teardown(the_devices_page_comes_first, box_setup, box_teardown),
    };
    return cmocka_run_group_tests_name("profile-given", tests, NULL, NULL);
}
