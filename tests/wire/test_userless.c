/* A device without a user under management (autopilot.md 3.3, 3.7; csp.md 3.3): it enrols by a token that names nobody,
 * is ready after the device phase, belongs to nobody whoever signs in, and comes back from a reset by itself. */
#include "store/device.h"
#include "store/primary_user.h"
#include "wire/action_client.h"

#define CORTANA "Replace ./Device/Vendor/MSFT/Policy/Config/Experience/AllowCortana"

static const char for_people[] = "{\"kind\":\"policy\",\"scope\":\"user\",\"settings\":[{\"policy\":\"Experience/"
                                 "AllowScreenCapture\",\"value\":0}]}";

struct disowning {
    struct world *w;
    const char *device;
};

/* As a join by a ticket leaves the directory object: nobody owns it. */
static enum td_code disown(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct disowning *d = ctx;
    return td_sql(tx, err, "UPDATE directory_device SET owner_id = '', owner_upn = '' WHERE tenant = $1 AND id = $2",
                  "ss", d->w->tenant, d->device);
}

/* Its page is told in the provisioning document already: none for accounts. */
static void enrol(struct client *c, bool claims)
{
    struct world *w = c->w;
    struct disowning d = {w, world_enrolment(w, c->id).device_id};
    assert_ok(td_store_write(w->wire.svc.store, disown, &d, NULL));
    struct td_soap head = world_jwt(w, &(struct token){.deviceid = d.device, .no_user = true});
    struct td_rst rst = {.csr = w->csr,
                         .context = {.enrollment_type = "Device",
                                     .device_name = "DESKTOP-EX0001",
                                     .plug_and_forget = claims ? TD_TRUE : TD_UNSET}};
    struct td_soap answer = world_rst(w, &head, &rst, NULL);
    c->installed = world_install(w, &answer);
    c->peer = world_peer(&c->installed);
    c->id = c->installed.cert.subject_cn;
}

static struct client *deploys_itself(void **state)
{
    struct client *c = begin(state);
    enrol(c, true);
    assert_string_equal(td_wap_node(&c->installed.wap, "FirstSyncStatus/SkipDeviceStatusPage")->value, "false");
    assert_string_equal(td_wap_node(&c->installed.wap, "FirstSyncStatus/SkipUserStatusPage")->value, "true");
    c->nodes = done_nodes;
    return c;
}

static void assert_nobodys(struct client *c)
{
    struct td_enrolment e = world_enrolment(c->w, c->id);
    assert_string_equal(e.user_id, "");
    assert_string_equal(e.user_upn, "");
    assert_false(e.awaited);
}

static const char *value_sent(const struct client *c, const char *leaf)
{
    for (const struct td_sync_cmd *cmd = c->last.cmds; cmd != NULL; cmd = cmd->next)
        if (cmd->kind == TD_SYNC_REPLACE && td_ends(td_str(cmd->items->target), leaf))
            return td_arena_text(&c->w->wire.arena, cmd->items->data);
    return "";
}

static void is_ready_after_the_device_phase(void **state)
{
    struct client *c = deploys_itself(state);
    (void)give(c, "baseline", policy_json);
    (void)give(c, "people", for_people);
    c->session = 1;
    send_next(c, LOGIN("none"), true);
    assert_string_equal(value_sent(c, "SkipDeviceStatusPage"), "false");
    assert_string_equal(value_sent(c, "SkipUserStatusPage"), "true");
    while (has_commands(c))
        send_next(c, "", true);
    assert_int_equal(count_seen(c, CORTANA), 1);
    assert_int_equal(count_seen(c, "./User/"), 0); /* what is for people waits for people, and holds nothing */
    assert_int_equal(world_events(c->w, c->way, "device.device-done", NULL), 1);
    assert_int_equal(world_events(c->w, c->way, "device.account-setup", NULL), 0);
    assert_int_equal(world_events(c->w, c->way, "device.ready", NULL), 1);
    assert_nobodys(c);
}

static void waits_for_its_device_phase(void **state)
{
    static const struct node at_it[] = {{"./Device" FIRST "IsSyncDone", 200, "false"},
                                        {"./Device" FIRST "WasDeviceSuccessfullyProvisioned", 200, "2"},
                                        {NULL, 0, NULL}};
    static const struct node broken[] = {{"./Device" FIRST "IsSyncDone", 200, "true"},
                                         {"./Device" FIRST "WasDeviceSuccessfullyProvisioned", 200, "0"},
                                         {NULL, 0, NULL}};
    struct client *c = deploys_itself(state);
    c->nodes = at_it;
    (void)run_session(c, LOGIN("none"));
    assert_int_equal(world_events(c->w, c->way, "device.ready", NULL), 0);
    c->nodes = broken;
    (void)run_session(c, LOGIN("none"));
    assert_int_equal(world_events(c->w, c->way, "device.failed", NULL), 1);
    assert_int_equal(world_events(c->w, c->way, "device.ready", NULL), 0);
    c->nodes = done_nodes;
    (void)run_session(c, LOGIN("none"));
    assert_int_equal(world_events(c->w, c->way, "device.ready", NULL), 1);
}

static void without_a_page_too(void **state)
{
    struct client *c = deploys_itself(state);
    (void)give(c, "page", "{\"kind\":\"status-page\",\"show\":false}");
    (void)give(c, "baseline", policy_json);
    c->nodes = NULL; /* such a device has no result to tell */
    c->session = 1;
    send_next(c, LOGIN("none"), true);
    assert_string_equal(value_sent(c, "SkipDeviceStatusPage"), "true");
    assert_string_equal(value_sent(c, "SkipUserStatusPage"), "true");
    while (has_commands(c))
        send_next(c, "", true);
    assert_int_equal(count_seen(c, CORTANA), 1);
    assert_int_equal(world_events(c->w, c->way, "device.ready", NULL), 1);
}

static enum td_code sign_in(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct client *c = ctx;
    return td_primary_user_signed_in(tx, c->w->tenant, world_enrolment(c->w, c->id).device_id, c->w->user, c->w->upn,
                                     err);
}

/* Anybody may sign in: then what is for people comes, and the device stays nobody's. */
static void belongs_to_nobody(void **state)
{
    struct client *c = deploys_itself(state);
    (void)give(c, "people", for_people);
    (void)run_session(c, LOGIN("none"));
    assert_ok(td_store_write(c->w->wire.svc.store, sign_in, c, NULL));
    assert_nobodys(c);
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "Replace ./User/Vendor/MSFT/Policy/Config/Experience/AllowScreenCapture"), 1);
    assert_int_equal(count_seen(c, "FirstSyncStatus"), 0); /* no page for whoever signs in */
    assert_int_equal(world_events(c->w, c->way, "device.account-setup", NULL), 0);
    assert_nobodys(c);
}

static void reset_it_is_ready_again_by_itself(void **state)
{
    struct client *c = deploys_itself(state);
    (void)give(c, "baseline", policy_json);
    (void)run_session(c, LOGIN("none"));
    const char *id = ask_for(c, TD_ACTION_RESET);
    (void)run_session(c, LOGIN("none"));
    assert_int_equal(count_seen(c, "Exec " REDEPLOY "doAutomaticRedeployment\n"), 1);
    c->nodes = at_1;
    c->w->wire.env.now += 30 * TD_MINUTE;
    (void)run_session(c, BOOTSTRAP);
    assert_int_equal(action_of(c, id).state, TD_ACT_DONE);
    assert_int_equal(count_seen(c, CORTANA), 1);
    assert_int_equal(world_events(c->w, c->way, "device.ready", NULL), 2);
    assert_nobodys(c);
    /* at the lock screen, where the next one would take over a device that has an owner */
    world_set(c->w, "local-reset-owner", "next");
    c->w->wire.env.now += TD_HOUR;
    (void)run_session(c, BOOTSTRAP);
    assert_int_equal(world_events(c->w, c->way, "device.ready", NULL), 3);
    assert_nobodys(c);
}

static enum td_code give_to_ada(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct client *c = ctx;
    return td_primary_user_set(tx, c->w->tenant, c->id, c->w->upn, "admin@contoso.test", err);
}

/* An administrator gives it to somebody: it is theirs in the lists, and deploys itself as before; from a reset it comes
 * back as nobody's, without waiting for the next one. */
static void given_to_somebody_it_deploys_itself(void **state)
{
    struct client *c = deploys_itself(state);
    assert_ok(td_store_write(c->w->wire.svc.store, give_to_ada, c, NULL));
    c->session = 1;
    send_next(c, LOGIN("none"), true);
    assert_string_equal(value_sent(c, "SkipUserStatusPage"), "true");
    while (has_commands(c))
        send_next(c, "", true);
    assert_int_equal(world_events(c->w, c->way, "device.ready", NULL), 1);
    assert_string_equal(world_enrolment(c->w, c->id).user_upn, c->w->upn);
    (void)ask_for(c, TD_ACTION_RESET);
    (void)run_session(c, LOGIN("none"));
    c->nodes = at_1;
    c->w->wire.env.now += 30 * TD_MINUTE;
    (void)run_session(c, BOOTSTRAP);
    assert_int_equal(world_events(c->w, c->way, "device.ready", NULL), 2);
    assert_nobodys(c);
}

/* The word of a device counts where its token names nobody: a user's enrolment stays a user's. */
static void claimed_by_a_user_it_is_nothing(void **state)
{
    struct world *w = *state;
    struct td_soap head = world_jwt(w, &(struct token){.deviceid = world_join(w, NULL)});
    struct td_rst rst = {.csr = w->csr, .context = {.enrollment_type = "Device", .plug_and_forget = TD_TRUE}};
    struct td_soap answer = world_rst(w, &head, &rst, NULL);
    struct installed got = world_install(w, &answer);
    assert_string_equal(td_wap_node(&got.wap, "FirstSyncStatus/SkipUserStatusPage")->value, "false");
    assert_false(world_enrolment(w, got.cert.subject_cn).plug_and_forget);
    assert_string_equal(world_enrolment(w, got.cert.subject_cn).user_upn, w->upn);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(is_ready_after_the_device_phase),
        TEST(waits_for_its_device_phase),
        TEST(without_a_page_too),
        TEST(belongs_to_nobody),
        TEST(reset_it_is_ready_again_by_itself),
        TEST(given_to_somebody_it_deploys_itself),
        TEST(claimed_by_a_user_it_is_nothing),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
