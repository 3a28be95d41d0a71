/* store/primary_user: a remote reset takes owner and primary user away and the next one becomes both; nothing else
 * moves them (autopilot.md 3.6, 3.7; rows S10, S17, S19). */
#include "store/event.h"
#include "store/primary_user.h"
#include "unit/store/life_world.h"

static const char dev[] = "device-1", enr[] = "enrolment-1";

static void deployed(struct td_tx *tx, struct life *l)
{
    life_join(tx, l, dev, "ada@contoso.test");
    life_enrol(tx, l, enr, dev, "ada@contoso.test");
}

/* Owner, primary user and the way's user are always one and the same. */
static void assert_user(struct td_tx *tx, struct life *l, const char *upn)
{
    struct td_enrolment e = {.id = NULL};
    struct td_device_row d = {.id = NULL};
    struct td_way_row w = {.id = NULL};
    const char *id = upn[0] != '\0' ? life_user(tx, l, upn) : "";
    assert_ok(td_enrolment_find(tx, l->tenant, enr, &l->arena, &e, NULL));
    assert_ok(td_device_find(tx, l->tenant, dev, &l->arena, &d, NULL));
    assert_ok(td_way_find(tx, l->tenant, TD_WAY_ID, dev, &l->arena, &w, NULL));
    assert_string_equal(e.user_upn, upn);
    assert_string_equal(e.user_id, id);
    assert_string_equal(d.owner_upn, upn);
    assert_string_equal(d.owner_id, id);
    assert_string_equal(w.user_upn, upn);
}

static int events(struct td_tx *tx, struct life *l, const char *type)
{
    struct td_event *list = NULL;
    size_t n = 0;
    int found = 0;
    assert_ok(td_event_list(tx, l->tenant, dev, 0, 1000, &l->arena, &list, &n, NULL));
    for (size_t i = 0; i < n; i++)
        found += strcmp(list[i].type, type) == 0;
    return found;
}

static void sign_in(struct td_tx *tx, struct life *l, const char *upn)
{
    assert_ok(td_primary_user_signed_in(tx, l->tenant, dev, life_user(tx, l, upn), upn, NULL));
}

static void only_one_who_is_awaited(struct td_tx *tx, struct life *l)
{
    deployed(tx, l);
    sign_in(tx, l, "bob@contoso.test");
    assert_user(tx, l, "ada@contoso.test");
    assert_ok(td_primary_user_clear(tx, l->tenant, enr, "admin@contoso.test", NULL));
    assert_user(tx, l, "");
    assert_int_equal(events(tx, l, "managed-device.user-unassigned"), 1);
    sign_in(tx, l, "bob@contoso.test");
    assert_user(tx, l, "bob@contoso.test");
    /* the second one of a race finds nobody awaited */
    sign_in(tx, l, "eve@contoso.test");
    assert_user(tx, l, "bob@contoso.test");
    assert_int_equal(events(tx, l, "device.repurposed"), 1);
    assert_int_equal(events(tx, l, "managed-device.user-assigned"), 1);
}

static void takes_over_once(void **state)
{
    life_write(*state, only_one_who_is_awaited);
}

static void same_again(struct td_tx *tx, struct life *l)
{
    deployed(tx, l);
    for (int i = 0; i < 2; i++) /* reset twice before anybody came */
        assert_ok(td_primary_user_clear(tx, l->tenant, enr, "admin@contoso.test", NULL));
    sign_in(tx, l, "ada@contoso.test");
    assert_user(tx, l, "ada@contoso.test");
    assert_int_equal(events(tx, l, "device.repurposed"), 0);
}

static void the_same_user_repurposes_nothing(void **state)
{
    life_write(*state, same_again);
}

static void shared(struct td_tx *tx, struct life *l)
{
    life_join(tx, l, dev, NULL);
    life_enrol(tx, l, enr, dev, NULL);
    assert_ok(td_primary_user_clear(tx, l->tenant, enr, "admin@contoso.test", NULL));
    sign_in(tx, l, "bob@contoso.test");
    assert_user(tx, l, "");
    /* an administrator may say whose it is from now on */
    assert_ok(td_primary_user_set(tx, l->tenant, enr, "bob@contoso.test", "admin@contoso.test", NULL));
    assert_user(tx, l, "bob@contoso.test");
}

static void a_shared_device_stays_shared(void **state)
{
    life_write(*state, shared);
}

static void told(struct td_tx *tx, struct life *l)
{
    struct td_error err = {0};
    deployed(tx, l);
    (void)life_user(tx, l, "bob@contoso.test");
    assert_int_equal(td_primary_user_set(tx, l->tenant, enr, "nobody@contoso.test", "admin", &err), TD_ENOTFOUND);
    assert_int_equal(td_primary_user_set(tx, l->tenant, "other", "bob@contoso.test", "admin", &err), TD_ENOTFOUND);
    assert_int_equal(td_primary_user_clear(tx, "another", enr, "admin", &err), TD_ENOTFOUND);
    assert_ok(td_primary_user_set(tx, l->tenant, enr, "bob@contoso.test", "admin", &err));
    assert_user(tx, l, "bob@contoso.test");
    assert_ok(td_primary_user_set(tx, l->tenant, enr, "", "admin", &err));
    assert_user(tx, l, "");
    sign_in(tx, l, "ada@contoso.test"); /* cleared by hand: nobody is awaited */
    assert_user(tx, l, "");
    assert_ok(td_primary_user_clear(tx, l->tenant, enr, "admin", &err));
}

static void administrators_say_who(void **state)
{
    life_write(*state, told);
}

/* The cap counts who has a device now, not who had it. */
static void counted(struct td_tx *tx, struct life *l)
{
    const struct td_enrolment none = {.device_id = "", .hw_dev_id = ""};
    int64_t ada = -1, bob = -1, owned = -1;
    deployed(tx, l);
    assert_ok(td_primary_user_clear(tx, l->tenant, enr, "admin", NULL));
    sign_in(tx, l, "bob@contoso.test");
    assert_ok(td_enrolment_count_user(tx, l->tenant, life_user(tx, l, "ada@contoso.test"), &none, &ada, NULL));
    assert_ok(td_enrolment_count_user(tx, l->tenant, life_user(tx, l, "bob@contoso.test"), &none, &bob, NULL));
    assert_ok(td_device_count_of(tx, l->tenant, life_user(tx, l, "bob@contoso.test"), &owned, NULL));
    assert_int_equal(ada, 0);
    assert_int_equal(bob, 1);
    assert_int_equal(owned, 1);
}

static void caps_follow(void **state)
{
    life_write(*state, counted);
}

/* What the former user was given on this device is void; on another one it stays. */
static void voided(struct td_tx *tx, struct life *l)
{
    struct td_grant g = {.kind = TD_GRANT_PRT, .tenant = l->tenant, .app_id = "app", .family = "f", .device_id = dev};
    struct td_grant got = {.kind = TD_GRANT_PRT};
    deployed(tx, l);
    g.user_id = life_user(tx, l, "ada@contoso.test");
    g.expires_at = td_tx_now(tx) + TD_DAY;
    g.sealed = TD_S("SESSION-KEY");
    memset(g.sha256, 1, sizeof(g.sha256));
    assert_ok(td_grant_add(tx, &g, NULL));
    memset(g.sha256, 2, sizeof(g.sha256));
    g.device_id = "device-2";
    assert_ok(td_grant_add(tx, &g, NULL));
    assert_ok(td_primary_user_clear(tx, l->tenant, enr, "admin", NULL));
    assert_ok(td_grant_find(tx, TD_GRANT_PRT, g.sha256, &l->arena, &got, NULL));
    memset(g.sha256, 1, sizeof(g.sha256));
    assert_int_equal(td_grant_find(tx, TD_GRANT_PRT, g.sha256, &l->arena, &got, NULL), TD_ENOTFOUND);
}

static void tokens_of_the_former_user_are_void(void **state)
{
    life_write(*state, voided);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(takes_over_once, life_setup, life_teardown),
        cmocka_unit_test_setup_teardown(the_same_user_repurposes_nothing, life_setup, life_teardown),
        cmocka_unit_test_setup_teardown(a_shared_device_stays_shared, life_setup, life_teardown),
        cmocka_unit_test_setup_teardown(administrators_say_who, life_setup, life_teardown),
        cmocka_unit_test_setup_teardown(caps_follow, life_setup, life_teardown),
        cmocka_unit_test_setup_teardown(tokens_of_the_former_user_are_void, life_setup, life_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
