/* device/seat: who may sit down at a shared PC, and what is left when they leave. */
#include "device/csp/csp.h"
#include "device/dm.h"
#include "device/life.h"
#include "device/seat.h"
#include "unit/device/stage.h"

#define ADA "ada@contoso.test"
#define BOB "bob@contoso.test"
#define KIOSK                                                                                                        \
    "<AssignedAccessConfiguration xmlns=\"http://schemas.microsoft.com/AssignedAccess/2017/config\"><Profiles>"      \
    "<Profile Id=\"{9A2A490F-10F6-4764-974A-43B19E722C23}\"><KioskModeApp AppUserModelId=\"A_b!C\"/></Profile>"      \
    "</Profiles><Configs><Config><AutoLogonAccount/><DefaultProfile Id=\"{9A2A490F-10F6-4764-974A-43B19E722C23}\"/>" \
    "</Config></Configs></AssignedAccessConfiguration>"

static struct stage s;
static struct td_error err;

static const char *no_fact(void *ctx TD_UNUSED, const char *name TD_UNUSED, struct td_arena *a TD_UNUSED)
{
    return NULL;
}

/* Management writes one node. */
static void node(const char *uri, const char *value)
{
    const struct td_csp_config config = {.dir = s.dir, .env = &s.world.env, .fact = no_fact};
    struct td_csp *csp = NULL;
    struct td_csp_answer answer;
    assert_ok(td_csp_open(&config, &csp, NULL));
    td_csp_run(csp, TD_CSP_REPLACE, uri, "", td_str(value), &s.arena, &answer);
    assert_int_equal(answer.status, 200);
    assert_ok(td_csp_save(csp, NULL));
    td_csp_close(csp);
}

static void share(const char *accounts, const char *deletion, const char *manager)
{
    node("./Vendor/MSFT/SharedPC/AccountModel", accounts);
    node("./Vendor/MSFT/SharedPC/DeletionPolicy", deletion);
    node("./Vendor/MSFT/SharedPC/EnableAccountManager", manager);
    node("./Vendor/MSFT/SharedPC/EnableSharedPCMode", "true");
}

static int open_stage(void **state TD_UNUSED)
{
    static const char hardware[] = "{\"machine\":false,\"serial\":\"S1\",\"manufacturer\":\"M\",\"model\":\"X\"}";
    stage_open(&s, NULL);
    assert_ok(td_file_write(td_device_path(&s.dev, &s.arena, "hardware.json"), td_str(hardware), 0600, NULL));
    return 0;
}

static int close_stage(void **state TD_UNUSED)
{
    stage_close(&s);
    return 0;
}

static bool has_account(const char *user)
{
    return td_file_exists(td_device_path(&s.dev, &s.arena, td_arena_printf(&s.arena, "disk/users/%s", user)));
}

static void sit(const char *user)
{
    assert_ok(td_seat_may(&s.dev, user, &err));
    assert_ok(td_seat_take(&s.dev, user, &err));
    assert_true(has_account(user));
    assert_string_equal(td_state_get(s.dev.state, "user.signed_in"), user);
}

static bool was_said(const char *text)
{
    return td_search(td_buf_slice(&s.lines), td_str(text)) != SIZE_MAX;
}

static void lets_in_by_the_account_model(void **state TD_UNUSED)
{
    static const struct {
        const char *model;
        bool people, guests;
    } rows[] = {{NULL, true, false}, {"0", false, true}, {"1", true, false}, {"2", true, true}};
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        if (rows[i].model != NULL)
            share(rows[i].model, "0", "true");
        assert_int_equal(td_seat_may(&s.dev, ADA, &err), rows[i].people ? TD_OK : TD_EDENIED);
        assert_int_equal(td_seat_may(&s.dev, TD_SEAT_GUEST, &err), rows[i].guests ? TD_OK : TD_EDENIED);
        assert_true((rows[i].people && rows[i].guests) || err.remedy[0] != '\0');
    }
    node("./Vendor/MSFT/SharedPC/EnableSharedPCMode", "false");
    assert_ok(td_seat_may(&s.dev, ADA, &err)); /* what the model says counts in the mode only */
}

static void deletes_at_the_sign_out(void **state TD_UNUSED)
{
    share("2", "0", "true");
    sit(ADA);
    sit(BOB);
    assert_ok(td_seat_leave(&s.dev, &err));
    assert_false(has_account(BOB));
    assert_true(has_account(ADA)); /* did not sign out */
    assert_null(td_state_get(s.dev.state, "user.signed_in"));
    assert_null(td_state_get(s.dev.state, "seat." BOB));
    assert_true(was_said("account deleted: " BOB) && was_said("sign-in screen: shared PC for people"));
    assert_int_equal(td_seat_leave(&s.dev, &err), TD_ESTATE);
}

static void keeps_what_the_policy_keeps(void **state TD_UNUSED)
{
    share("2", "1", "true");
    sit(ADA);
    assert_ok(td_seat_leave(&s.dev, &err));
    assert_true(has_account(ADA));
    sit(TD_SEAT_GUEST);
    assert_ok(td_seat_leave(&s.dev, &err));
    assert_false(has_account(TD_SEAT_GUEST)); /* always */
    share("2", "0", "false");                 /* nobody manages accounts */
    sit(ADA);
    assert_ok(td_seat_leave(&s.dev, &err));
    assert_true(has_account(ADA));
}

static void deletes_who_stays_away(void **state TD_UNUSED)
{
    node("./Vendor/MSFT/SharedPC/InactiveThreshold", "7");
    share("1", "2", "true");
    sit(ADA);
    s.world.now += 7 * TD_DAY;
    sit(BOB);
    assert_ok(td_seat_leave(&s.dev, &err));
    assert_true(has_account(ADA) && has_account(BOB));
    s.world.now += TD_HOUR;
    sit(BOB);
    assert_ok(td_seat_leave(&s.dev, &err));
    assert_true(!has_account(ADA) && has_account(BOB));
}

static void a_long_time_is_long(void **state TD_UNUSED)
{
    node("./Vendor/MSFT/SharedPC/InactiveThreshold", "4294967295");
    share("1", "2", "true");
    sit(ADA);
    s.world.now += 400 * TD_DAY;
    sit(BOB);
    assert_ok(td_seat_leave(&s.dev, &err));
    assert_true(has_account(ADA));
}

static void tokens_go_where_the_device_is_nobodys(void **state TD_UNUSED)
{
    td_state_set(s.dev.state, "prt.token", "t");
    sit(ADA);
    assert_ok(td_seat_leave(&s.dev, &err));
    assert_null(td_state_get(s.dev.state, "prt.token"));
    td_state_set(s.dev.state, "prt.token", "t");
    td_state_set(s.dev.state, "enrol.user", ADA);
    sit(ADA);
    assert_ok(td_seat_leave(&s.dev, &err));
    assert_non_null(td_state_get(s.dev.state, "prt.token"));
}

static void a_kiosk_is_left_and_comes_back(void **state TD_UNUSED)
{
    node("./Device/Vendor/MSFT/AssignedAccess/Configuration", KIOSK);
    sit(ADA);
    assert_true(was_said("kiosk of kioskUser0 left by its keys"));
    assert_ok(td_seat_leave(&s.dev, &err));
    assert_true(was_said("kiosk: A_b!C as kioskUser0"));
}

static void the_kiosks_account_gets_it(void **state TD_UNUSED)
{
    static const char mine[] =
        "<AssignedAccessConfiguration xmlns=\"http://schemas.microsoft.com/AssignedAccess/2017/config\"><Profiles>"
        "<Profile Id=\"{9A2A490F-10F6-4764-974A-43B19E722C23}\"><KioskModeApp AppUserModelId=\"A_b!C\"/></Profile>"
        "</Profiles><Configs><Config><Account>AzureAD\\" ADA "</Account>"
        "<DefaultProfile Id=\"{9A2A490F-10F6-4764-974A-43B19E722C23}\"/></Config></Configs>"
        "</AssignedAccessConfiguration>";
    node("./Device/Vendor/MSFT/AssignedAccess/Configuration", mine);
    sit(BOB);
    assert_false(was_said("kiosk: "));
    sit(ADA);
    assert_true(was_said("kiosk: A_b!C as " ADA));
}

static void nobody_works_unseen(void **state TD_UNUSED)
{
    assert_true(td_seat_taken(&s.dev, ADA)); /* no shared PC */
    share("1", "0", "true");
    assert_false(td_seat_taken(&s.dev, ADA));
    assert_int_equal(td_life_use(&s.dev, ADA, NULL, &err), TD_ESTATE);
    sit(ADA);
    assert_ok(td_life_use(&s.dev, ADA, NULL, &err));
    assert_ok(td_seat_leave(&s.dev, &err));
    assert_int_equal(td_life_use(&s.dev, ADA, NULL, &err), TD_ESTATE);
}

static void whoever_sat_down_is_a_standard_user(void **state TD_UNUSED)
{
    sit(ADA);
    sit(BOB);
    assert_string_equal(td_device_effect(&s.dev, "accounts", &s.arena), ADA " (Users)\n" BOB " (Users)");
    assert_null(td_device_effect(&s.dev, "administrators", &s.arena));
}

int main(void)
{
#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)
    const struct CMUnitTest tests[] = {
        ON_STAGE(lets_in_by_the_account_model),
        ON_STAGE(deletes_at_the_sign_out),
        ON_STAGE(keeps_what_the_policy_keeps),
        ON_STAGE(deletes_who_stays_away),
        ON_STAGE(a_long_time_is_long),
        ON_STAGE(tokens_go_where_the_device_is_nobodys),
        ON_STAGE(a_kiosk_is_left_and_comes_back),
        ON_STAGE(the_kiosks_account_gets_it),
        ON_STAGE(nobody_works_unseen),
        ON_STAGE(whoever_sat_down_is_a_standard_user),
    };
    return cmocka_run_group_tests_name("seat", tests, NULL, NULL);
}
