/* Devices that enrol by a profile file (autopilot.md 2.4, rows S15; mde2.md 4.2): the correlator is a claim that
 * chooses a profile of the tenant and opens nothing. */
#include "store/group.h"
#include "store/offline_profile.h"
#include "store/views.h"
#include "wire/enrolment_world.h"

#define REGISTRATION "33333333-0000-4000-8000-000000000003"

struct set {
    struct world *w;
    const char *profile_id, *group_id, *way, *profile_name, *enrolment, *device;
    struct td_view_row managed, directory, run;
    size_t runs;
    bool member, given;
    struct td_profile_given got;
};

static enum td_code add_profile(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct set *s = ctx;
    struct td_arena *a = &s->w->wire.arena;
    struct td_profile settings;
    struct td_profile_row p;
    td_try(td_profile_parse(TD_S("{\"deviceNameTemplate\":\"OFF-%RAND:4%\",\"userType\":\"standard\"}"), a, &settings,
                            err));
    td_try(td_profile_add(tx, s->w->tenant, "Existing", &settings, "test", a, &p, err));
    s->profile_id = p.id;
    return TD_OK;
}

static enum td_code add_group(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct set *s = ctx;
    struct td_arena *a = &s->w->wire.arena;
    struct td_group g;
    const char *rule =
        td_arena_printf(a, "(device.enrollmentProfileName -eq \"OfflineAutopilotprofile-%s\")", s->profile_id);
    td_try(td_group_add(tx, s->w->tenant, "By file", rule, "test", a, &g, err));
    s->group_id = g.id;
    return TD_OK;
}

static enum td_code look(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct set *s = ctx;
    struct td_arena *a = &s->w->wire.arena;
    struct td_group *groups;
    struct td_rows r;
    size_t n = 0;
    td_try(td_group_of_way(tx, s->w->tenant, s->way, a, &groups, &n, err));
    s->member = false;
    for (size_t i = 0; i < n; i++)
        s->member |= strcmp(groups[i].id, s->group_id) == 0;
    enum td_code rc = td_profile_given(tx, s->w->tenant, s->way, a, &s->got, NULL);
    s->given = rc == TD_OK;
    s->profile_name = "";
    td_try(td_sql_query(tx, &r, err,
                        "SELECT profile_name FROM enrolment WHERE tenant = $1 AND way_id = $2 AND state = 0", "ss",
                        s->w->tenant, s->way));
    while (td_rows_next(&r))
        s->profile_name = td_col_text0(&r, 0, a);
    return td_rows_done(&r, err);
}

/* Its first session: a run of its own begins. */
static enum td_code set_up(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct set *s = ctx;
    return td_way_happened(tx, s->w->tenant, s->way, TD_EV_DEVICE_SETUP, "device", NULL, err);
}

/* What the administration interface shows: managedDevices, devices, autopilotEvents. */
static enum td_code show(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct set *s = ctx;
    struct td_arena *a = &s->w->wire.arena;
    struct td_view_page page;
    const struct td_view_ask ask = {.top = 10};
    td_try(td_view_one(tx, s->w->tenant, &td_view_managed, s->enrolment, a, &s->managed, err));
    td_try(td_view_one(tx, s->w->tenant, &td_view_device, s->device, a, &s->directory, err));
    td_try(td_view_page(tx, s->w->tenant, &td_view_deployment, &ask, a, &page, err));
    s->runs = page.count;
    if (page.count != 0)
        s->run = page.rows[0];
    return TD_OK;
}

static struct set begin(struct world *w)
{
    struct set s = {.w = w};
    assert_ok(td_store_write(w->wire.svc.store, add_profile, &s, NULL));
    assert_ok(td_store_write(w->wire.svc.store, add_group, &s, NULL));
    return s;
}

static struct td_soap ask(struct world *w, const char *device, const char *correlator)
{
    struct td_rst rst = {.csr = w->csr, .context = {.offline_correlator = correlator}};
    struct td_soap head = world_jwt(w, &(struct token){.deviceid = device});
    return world_rst(w, &head, &rst, NULL);
}

static struct td_enrolment enrol(struct set *s, const char *device, const char *correlator)
{
    struct td_soap answer = ask(s->w, device, correlator);
    struct installed i = world_install(s->w, &answer);
    struct td_enrolment e = world_enrolment(s->w, i.cert.subject_cn);
    s->way = e.way_id;
    assert_ok(td_store_read(s->w->wire.svc.store, look, s, NULL));
    return e;
}

static void holds_the_device_to_the_profile(void **state)
{
    const char *detail = "";
    struct set s = begin(*state);
    struct td_enrolment e = enrol(&s, world_join(s.w, NULL), s.profile_id);
    const char *name = td_offline_profile_name(s.profile_id, &s.w->wire.arena);
    assert_string_equal(e.offline_profile, s.profile_id);
    assert_string_equal(e.registration_id, "");
    assert_string_equal(s.profile_name, name);
    assert_true(s.given);
    assert_string_equal(s.got.profile_id, s.profile_id);
    assert_string_equal(s.got.name, name);
    assert_string_equal(s.got.settings.name_template, "OFF-%RAND:4%");
    assert_int_equal(s.got.settings.user_type, TD_USER_STANDARD);
    assert_true(s.member); /* by device.enrollmentProfileName, in the same transaction */
    assert_int_equal(world_events(s.w, s.way, "enrolment.offline-profile", &detail), 1);
    assert_non_null(strstr(detail, name));
}

static void is_shown_by_its_profile(void **state)
{
    struct set s = begin(*state);
    s.device = world_join(s.w, NULL);
    s.enrolment = enrol(&s, s.device, s.profile_id).id;
    const char *name = td_offline_profile_name(s.profile_id, &s.w->wire.arena);
    assert_ok(td_store_write(s.w->wire.svc.store, set_up, &s, NULL));
    assert_ok(td_store_read(s.w->wire.svc.store, show, &s, NULL));
    assert_int_equal(s.runs, 1);
    assert_string_equal(td_view_text(&s.managed, "enrollmentProfileName"), name);
    assert_int_equal(td_view_int(&s.managed, "autopilotEnrolled"), 1);
    assert_string_equal(td_view_text(&s.directory, "enrollmentProfileName"), name);
    assert_string_equal(td_view_text(&s.run, "windowsAutopilotDeploymentProfileDisplayName"), name);
    assert_string_equal(td_view_text(&s.run, "enrollmentType"), "azureADJoinedWithOfflineAutopilotProfile");
}

static void takes_the_id_in_any_case(void **state)
{
    struct set s = begin(*state);
    char *upper = td_arena_strdup(&s.w->wire.arena, s.profile_id);
    for (char *p = upper; *p != '\0'; p++)
        *p = (char)(*p >= 'a' && *p <= 'f' ? *p - 32 : *p);
    assert_string_equal(enrol(&s, world_join(s.w, NULL), upper).offline_profile, s.profile_id);
}

static void an_unknown_one_is_an_event(void **state)
{
    static const char *const unknown[] = {"abc-123", "99999999-0000-4000-8000-000000000009", "Existing"};
    struct set s = begin(*state);
    for (size_t i = 0; i < TD_COUNTOF(unknown); i++) {
        const char *detail = "";
        struct td_enrolment e = enrol(&s, world_join(s.w, NULL), unknown[i]);
        assert_string_equal(e.offline_profile, "");
        assert_false(s.given || s.member);
        assert_int_equal(world_events(s.w, s.way, "enrolment.unknown-profile", &detail), 1);
        assert_non_null(strstr(detail, unknown[i]));
        assert_non_null(strstr(detail, "remedy"));
    }
}

/* What cannot be one is a fault of form (mde2.md 4.2). */
static void a_malformed_one_is_a_fault(void **state)
{
    static const char *const wrong[] = {"-abc", "a--b", "a b", "{5f3c5a10-7a42-4a5e-9b0c-0a1b2c3d4e5f}"};
    struct set s = begin(*state);
    for (size_t i = 0; i < TD_COUNTOF(wrong); i++) {
        struct td_soap answer = ask(s.w, world_join(s.w, NULL), wrong[i]);
        assert_fault(s.w, &answer, TD_FAULT_MESSAGE_FORMAT);
    }
}

static void a_registration_wins(void **state)
{
    struct set s = begin(*state);
    struct td_enrolment e = enrol(&s, world_join(s.w, REGISTRATION), s.profile_id);
    assert_string_equal(e.registration_id, REGISTRATION);
    assert_string_equal(e.offline_profile, "");
    assert_false(s.given || s.member);
}

static void opens_no_door(void **state)
{
    struct set s = begin(*state);
    world_set(s.w, "enrol-users", "registered");
    struct td_soap answer = ask(s.w, world_join(s.w, NULL), s.profile_id);
    assert_fault(s.w, &answer, TD_FAULT_DEVICE_NOT_SUPPORTED);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(holds_the_device_to_the_profile),
        TEST(is_shown_by_its_profile),
        TEST(takes_the_id_in_any_case),
        TEST(an_unknown_one_is_an_event),
        TEST(a_malformed_one_is_a_fault),
        TEST(a_registration_wins),
        TEST(opens_no_door),
    };
    return cmocka_run_group_tests_name("wire/offline_profile", tests, world_open, world_close);
}
