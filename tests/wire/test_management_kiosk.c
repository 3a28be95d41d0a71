/* Management of a kiosk: told, read back, told once more when the deployment is over, left alone, taken away, given
 * again; what stands in its way is found. */
#include "policy/conflict.h"
#include "wire/management_client.h"

#define KIOSK "./Device/Vendor/MSFT/AssignedAccess/Configuration"
#define SHARED "./Vendor/MSFT/SharedPC/"
#define CALCULATOR "{\"kind\":\"kiosk\",\"aumid\":\"Calc_8wekyb3d8bbwe!App\"}"

/* What the device has of it, as it was written. */
static struct node nodes[] = {{"AssignedAccess/Configuration", 200, NULL},
                              {"EnableSharedPCMode", 200, "true"},
                              {"SharedPC/AccountModel", 200, "1"},
                              {"./Device" FIRST "IsSyncDone", 200, "true"},
                              {"./Device" FIRST "WasDeviceSuccessfullyProvisioned", 200, "1"},
                              {"DevDetail", 200, "x"},
                              {NULL, 0, NULL}};

static const char *written(const struct client *c, const char *uri)
{
    for (const struct td_sync_cmd *cmd = c->last.cmds; cmd != NULL; cmd = cmd->next)
        if ((cmd->kind == TD_SYNC_ADD || cmd->kind == TD_SYNC_REPLACE) && strcmp(cmd->items->target, uri) == 0)
            return td_arena_text(&c->w->wire.arena, cmd->items->data);
    return NULL;
}

/* The first session, with the configuration kept as the device gets it. */
static void first_session(struct client *c)
{
    nodes[0].value = NULL;
    c->nodes = nodes;
    c->session = 1;
    send_next(c, LOGIN("none"), true);
    nodes[0].value = written(c, KIOSK);
    while (has_commands(c))
        send_next(c, "", true);
}

struct taking {
    struct client *c;
    const char *id;
    bool back;
};

static enum td_code take_back(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct taking *t = ctx;
    if (t->back)
        return td_configuration_assign(tx, t->c->w->tenant, t->id, "", "test", err);
    return td_configuration_unassign(tx, t->c->w->tenant, t->id, "", "test", err);
}

static void assign(struct client *c, const char *id, bool back)
{
    struct taking t = {c, id, back};
    assert_ok(td_store_write(c->w->wire.svc.store, take_back, &t, NULL));
}

static void leads_a_kiosk_through_its_life(void **state)
{
    struct client *c = begin(state);
    const char *id = give(c, "hall", CALCULATOR);
    first_session(c);
    assert_non_null(nodes[0].value);
    assert_int_equal(count_seen(c, "Add " KIOSK "\n"), 1);
    assert_int_equal(count_seen(c, "Get " KIOSK "\n"), 1);
    assert_int_equal(world_events(c->w, c->way, "configuration.in-effect", NULL), 1);
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(world_events(c->w, c->way, "device.ready", NULL), 1);
    assert_int_equal(count_seen(c, KIOSK), 0);
    /* autopilot.md Z35: once more, when no restart of the deployment is to come */
    c->w->wire.env.now += TD_MINUTE;
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "Replace " KIOSK "\n"), 1);
    for (int i = 0; i < 3; i++) { /* then it is left alone */
        (void)run_session(c, LOGIN("user"));
        assert_int_equal(count_seen(c, KIOSK), 0);
    }
    assign(c, id, false);
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "Delete " KIOSK "\n"), 1);
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, KIOSK), 0);
    assign(c, id, true);
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "Add " KIOSK "\n"), 1);
    assert_int_equal(world_events(c->w, c->way, "configuration.failed", NULL), 0);
}

static void a_shared_pc_ends_with_its_item(void **state)
{
    struct client *c = begin(state);
    const char *id = give(c, "room", "{\"kind\":\"shared-pc\",\"sleepSeconds\":60}");
    first_session(c);
    const char *model = strstr(c->seen, "Replace " SHARED "AccountModel\n");
    const char *mode = strstr(c->seen, "Replace " SHARED "EnableSharedPCMode\n");
    assert_true(model != NULL && mode != NULL && model < mode);
    (void)run_session(c, LOGIN("user"));
    for (int i = 0; i < 2; i++) {
        (void)run_session(c, LOGIN("user"));
        assert_int_equal(count_seen(c, SHARED), 0);
    }
    assign(c, id, false);
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "Delete " SHARED "EnableSharedPCMode\n"), 1);
    assert_int_equal(count_seen(c, "Delete " SHARED "SleepTimeout\n"), 1);
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, SHARED), 0);
}

/* The same node by hand, in an item of another kind: settled on a device at work, it is wanted all the same. */
static void by_hand_it_stays_too(void **state)
{
    struct client *c = begin(state);
    (void)give(c, "hand",
               "{\"kind\":\"policy\",\"settings\":[{\"uri\":\"" KIOSK
               "\",\"format\":\"chr\",\"value\":\"<AssignedAccessConfiguration/>\"}]}");
    first_session(c);
    nodes[0].value = "<AssignedAccessConfiguration/>";
    for (int i = 0; i < 4; i++) {
        (void)run_session(c, LOGIN("user"));
        assert_int_equal(count_seen(c, "Delete"), 0);
    }
    assert_int_equal(world_events(c->w, c->way, "configuration.in-effect", NULL), 1);
}

/* Settings of other kinds stay where they are when their item goes (docs/tasks/configure.md). */
static void a_policy_stays(void **state)
{
    struct client *c = begin(state);
    const char *id = give(c, "cortana", policy_json);
    first_session(c);
    (void)run_session(c, LOGIN("user"));
    assign(c, id, false);
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "Delete"), 0);
}

static enum td_code take_twice(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct taking *t = ctx;
    const char *tenant = t->c->w->tenant;
    td_try(td_configuration_unassign(tx, tenant, t->id, "", "test", err));
    assert_int_equal(td_configuration_unassign(tx, tenant, t->id, "", "test", err), TD_ENOTFOUND);
    td_try(td_configuration_remove(tx, tenant, t->id, "test", err));
    assert_int_equal(td_configuration_remove(tx, tenant, t->id, "test", err), TD_ENOTFOUND);
    return TD_OK;
}

static void an_item_goes_for_good(void **state)
{
    struct client *c = begin(state);
    struct taking t = {.c = c, .id = give(c, "hall", CALCULATOR)};
    assert_ok(td_store_write(c->w->wire.svc.store, take_twice, &t, NULL));
    (void)give(c, "hall", CALCULATOR); /* the name is free again */
}

/* autopilot.md Z22 */
static void finds_what_stands_in_its_way(void **state)
{
    static const struct {
        const char *setting, *why;
    } rows[] = {
        {"{\"policy\":\"DeviceLock/MinDevicePasswordLength\",\"value\":8}", "password"},
        {"{\"policy\":\"LocalPoliciesSecurityOptions/InteractiveLogon_MessageTitleForUsersAttemptingToLogOn\","
         "\"value\":\"x\"}",
         "banner"},
        {"{\"policy\":\"Authentication/PreferredAadTenantDomainName\",\"value\":\"x\"}", "domain"},
        {"{\"uri\":\"./Vendor/MSFT/AppLocker/ApplicationLaunchRestrictions/a/EXE/Policy\",\"value\":\"<x/>\"}",
         "rules"},
        {"{\"uri\":\"" KIOSK "\",\"value\":\"<x/>\"}", "kiosk"},
        {"{\"policy\":\"Experience/AllowCortana\",\"value\":0}", NULL},
    };
    struct client *c = begin(state);
    struct td_arena *a = &c->w->wire.arena;
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        const char *policy =
            td_arena_printf(a,
                            "{\"kind\":\"policy\",\"settings\":[{\"policy\":\"System/AllowTelemetry\",\"value\":1},"
                            "%s]}",
                            rows[i].setting);
        const struct td_configuration two[] = {{.id = "1", .name = "hall", .kind = "kiosk", .body = CALCULATOR},
                                               {.id = "2", .name = "rule", .kind = "policy", .body = policy}};
        const char *const *lines = NULL;
        size_t n = td_configuration_conflicts(two, 2, a, &lines);
        assert_int_equal(n, rows[i].why != NULL);
        if (n != 0 && (strstr(lines[0], rows[i].why) == NULL || strstr(lines[0], "rule") == NULL))
            fail_msg("%s", lines[0]);
    }
}

static void only_an_autologon_suffers(void **state)
{
    struct client *c = begin(state);
    struct td_arena *a = &c->w->wire.arena;
    const char *lock =
        "{\"kind\":\"policy\",\"settings\":[{\"policy\":\"DeviceLock/DevicePasswordEnabled\",\"value\":0}]}";
    const struct td_configuration by_hand[] = {
        {.id = "1",
         .name = "hall",
         .kind = "kiosk",
         .body = "{\"kind\":\"kiosk\",\"aumid\":\"A!B\",\"account\":\"ada\"}"},
        {.id = "2", .name = "lock", .kind = "policy", .body = lock},
        {.id = "3", .name = "room", .kind = "shared-pc", .body = "{\"kind\":\"shared-pc\"}"}};
    const struct td_configuration twice[] = {{.id = "1", .name = "one", .kind = "kiosk", .body = CALCULATOR},
                                             {.id = "2", .name = "two", .kind = "kiosk", .body = CALCULATOR}};
    const char *const *lines = NULL;
    assert_int_equal(td_configuration_conflicts(by_hand, 3, a, &lines), 0);
    assert_int_equal(td_configuration_conflicts(by_hand, 0, a, &lines), 0);
    assert_int_equal(td_configuration_conflicts(twice, 2, a, &lines), 1);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(leads_a_kiosk_through_its_life), T(a_shared_pc_ends_with_its_item), T(a_policy_stays),
        T(by_hand_it_stays_too),           T(an_item_goes_for_good),          T(finds_what_stands_in_its_way),
        T(only_an_autologon_suffers),
    };
    return cmocka_run_group_tests_name("management_kiosk", tests, world_open, world_close);
}
