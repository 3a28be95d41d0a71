/* Remote actions as a device meets them in its sessions: written from oma-dm.md, csp.md 3, 10, 11 and autopilot.md 3.6
 * to 3.9, over the real handlers and store. */
#include "store/device.h"
#include "store/primary_user.h"
#include "wire/action_client.h"

#define UNENROLL "./Device/Vendor/MSFT/DMClient/Provider/Touchdown/Unenroll"
#define RESTART "./Device/Vendor/MSFT/Reboot/RebootNow"
#define CORTANA "Replace ./Device/Vendor/MSFT/Policy/Config/Experience/AllowCortana"
#define ROLLED_BACK(node, hresult) \
    LOGIN("user")                  \
    ALERT("1226", "org.touchdown:mdm.wipe.rolledback", "<Source><LocURI>" node "</LocURI></Source>", "int", hresult)

static bool is_last_seen(const struct client *c, const char *line)
{
    return td_ends(td_str(c->seen), line);
}

/* --- what leaves the device as it is ------------------------------------------------------------------------------ */

static void is_handed_out_once(void **state)
{
    struct client *c = ready(state);
    const char *id = ask_for(c, TD_ACTION_RESTART);
    assert_int_equal(action_of(c, id).state, TD_ACT_PENDING);
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "Exec " RESTART "\n"), 1);
    assert_int_equal(action_of(c, id).state, TD_ACT_DONE);
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "RebootNow"), 0);
    /* asked once more, it is another one */
    const char *next = ask_for(c, TD_ACTION_RESTART);
    assert_string_not_equal(next, id);
    (void)run_session(c, LOGIN("none"));
    assert_int_equal(count_seen(c, "Exec " RESTART "\n"), 1);
    assert_int_equal(action_of(c, next).state, TD_ACT_DONE);
    assert_int_equal(world_events(c->w, c->way, "device.action-sent", NULL), 2);
}

/* Before the deployment is over, too: the device phase does not wait for it, nor it for the phase. */
static void works_while_the_deployment_runs(void **state)
{
    struct client *c = begin(state);
    const char *id = ask_for(c, TD_ACTION_RESTART);
    c->nodes = done_nodes;
    (void)run_session(c, LOGIN("none"));
    assert_int_equal(count_seen(c, "Exec " RESTART "\n"), 1);
    assert_int_equal(action_of(c, id).state, TD_ACT_DONE);
    assert_int_equal(world_events(c->w, c->way, "device.device-done", NULL), 1);
}

static void tells_what_the_device_says(void **state)
{
    static const struct node refused[] = {{"RebootNow", 405, NULL}, {"RemoteLock", 406, NULL}, {NULL, 0, NULL}};
    static const struct node failed[] = {{"RebootNow", 500, NULL}, {NULL, 0, NULL}};
    struct client *c = ready(state);
    const char *restart = ask_for(c, TD_ACTION_RESTART), *lock = ask_for(c, TD_ACTION_LOCK);
    c->nodes = refused;
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(action_of(c, restart).state, TD_ACT_NOT_SUPPORTED);
    assert_int_equal(action_of(c, lock).state, TD_ACT_NOT_SUPPORTED);
    restart = ask_for(c, TD_ACTION_RESTART);
    c->nodes = failed;
    (void)run_session(c, LOGIN("user"));
    struct td_action a = action_of(c, restart);
    assert_int_equal(a.state, TD_ACT_FAILED);
    assert_true(a.cause[0] != '\0' && a.remedy[0] != '\0');
    assert_int_equal(count_seen(c, "RebootNow"), 1); /* a refusal is an answer: it is not tried again */
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "RebootNow"), 0);
}

/* Accepted is done for a restart, and no more than accepted for a wipe. */
static void takes_202_as_accepted(void **state)
{
    static const struct node accepted[] = {{"RebootNow", 202, NULL}, {"doWipe", 202, NULL}, {NULL, 0, NULL}};
    struct client *c = ready(state);
    const char *restart = ask_for(c, TD_ACTION_RESTART), *wipe = ask_for(c, TD_ACTION_WIPE_CLOUD);
    c->nodes = accepted;
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(action_of(c, restart).state, TD_ACT_DONE);
    assert_int_equal(action_of(c, wipe).state, TD_ACT_ACTIVE);
    assert_int_not_equal(action_of(c, wipe).accepted_at, 0);
}

static void a_new_name_is_drawn_once(void **state)
{
    struct client *c = ready(state);
    const char *id = ask_named(c, TD_ACTION_RENAME, "PC-%RAND:5%");
    c->silent = true;
    (void)run_session(c, LOGIN("user"));
    const char *first = NULL, *second = NULL;
    for (int i = 0; i < 2; i++) {
        c->silent = i == 0;
        c->session++;
        c->msg = 0;
        send_next(c, LOGIN("user"), true);
        for (const struct td_sync_cmd *cmd = c->last.cmds; cmd != NULL; cmd = cmd->next)
            if (cmd->kind == TD_SYNC_REPLACE && td_ends(td_str(cmd->items->target), "DNSComputerName"))
                *(i == 0 ? &first : &second) = td_arena_text(&c->w->wire.arena, cmd->items->data);
        send_next(c, "", true);
    }
    assert_non_null(first);
    assert_non_null(second);
    assert_string_equal(first, second);
    assert_int_equal(strlen(first), strlen("PC-12345"));
    assert_int_equal(action_of(c, id).state, TD_ACT_DONE);
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "DNSComputerName"), 0);
}

/* Scans are one node with a number; a device without that antivirus says so. */
static void scans_carry_their_number(void **state)
{
    static const struct node without[] = {{"Defender", 404, NULL}, {NULL, 0, NULL}};
    static const struct {
        enum td_action_kind kind;
        const char *node, *data;
    } all[] = {{TD_ACTION_QUICK_SCAN, "/Defender/Scan", "1"},
               {TD_ACTION_FULL_SCAN, "/Defender/Scan", "2"},
               {TD_ACTION_UPDATE_SIGNATURES, "/Defender/UpdateSignature", ""}};
    struct client *c = ready(state);
    for (size_t i = 0; i < TD_COUNTOF(all); i++) {
        const char *id = ask_for(c, all[i].kind), *sent = NULL;
        c->nodes = i == 0 ? without : done_nodes;
        c->session++;
        c->msg = 0;
        send_next(c, LOGIN("user"), true);
        for (const struct td_sync_cmd *cmd = c->last.cmds; cmd != NULL; cmd = cmd->next)
            if (cmd->kind == TD_SYNC_EXEC && td_ends(td_str(cmd->items->target), all[i].node))
                sent = td_arena_text(&c->w->wire.arena, cmd->items->data);
        assert_non_null(sent);
        assert_string_equal(sent, all[i].data);
        send_next(c, "", true);
        assert_int_equal(action_of(c, id).state, i == 0 ? TD_ACT_NOT_SUPPORTED : TD_ACT_DONE);
    }
}

static void a_sync_ends_with_its_session(void **state)
{
    struct client *c = ready(state);
    const char *id = ask_for(c, TD_ACTION_SYNC);
    c->session++;
    c->msg = 0;
    send_next(c, LOGIN("user"), true);
    assert_true(asks_for(c, TD_SYNC_GET, "./DevDetail/Ext/DeviceHardwareData"));
    assert_int_equal(action_of(c, id).state, TD_ACT_ACTIVE);
    while (has_commands(c))
        send_next(c, "", true);
    assert_int_equal(action_of(c, id).state, TD_ACT_DONE);
}

/* --- until it was delivered, and when answers are lost ------------------------------------------------------------ */

static void can_be_cancelled_until_delivered(void **state)
{
    struct client *c = ready(state);
    const char *id = ask_for(c, TD_ACTION_WIPE);
    assert_ok(cancel(c, id));
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "RemoteWipe"), 0);
    assert_int_equal(action_of(c, id).state, TD_ACT_CANCELLED);
    id = ask_for(c, TD_ACTION_WIPE);
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "Exec " WIPE "doWipe\n"), 1);
    assert_int_equal(cancel(c, id), TD_ESTATE);
}

/* The message that carries it is lost: posted again it gets the very same answer, and the action was sent once. */
static void a_lost_answer_is_given_again(void **state)
{
    struct client *c = ready(state);
    const char *id = ask_for(c, TD_ACTION_RESTART);
    c->session++;
    c->msg = 1;
    const char *body = message(c, LOGIN("user"), true);
    (void)post(c, body);
    const char *once = td_arena_text(&c->w->wire.arena, td_buf_slice(&c->raw.body));
    assert_non_null(strstr(once, "RebootNow"));
    (void)post(c, body);
    assert_string_equal(once, td_arena_text(&c->w->wire.arena, td_buf_slice(&c->raw.body)));
    assert_int_equal(world_events(c->w, c->way, "device.action-sent", NULL), 1);
    take(c);
    send_next(c, "", true);
    assert_int_equal(action_of(c, id).state, TD_ACT_DONE);
}

/* Without a Status it was not executed (oma-dm.md 13.1): again in later sessions, four in all, then it has failed. */
static void without_a_status_it_is_tried_again(void **state)
{
    struct client *c = ready(state);
    const char *id = ask_for(c, TD_ACTION_RESTART);
    c->silent = true;
    for (int i = 0; i < TD_PLAN_ATTEMPTS; i++) {
        (void)run_session(c, LOGIN("user"));
        assert_int_equal(count_seen(c, "RebootNow"), 1);
    }
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "RebootNow"), 0);
    assert_int_equal(action_of(c, id).state, TD_ACT_FAILED);
}

/* The device is cut off behind the answer and comes with a new session: as often, whoever can't tell asks again. */
static void a_cut_session_counts(void **state)
{
    struct client *c = ready(state);
    const char *id = ask_for(c, TD_ACTION_RESTART);
    for (int i = 0; i < TD_PLAN_ATTEMPTS; i++) {
        c->session++;
        c->msg = 0;
        send_next(c, LOGIN("user"), true);
        assert_true(asks_for(c, TD_SYNC_EXEC, RESTART));
    }
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "RebootNow"), 0);
    assert_int_equal(action_of(c, id).state, TD_ACT_FAILED);
}

/* --- what destroys ------------------------------------------------------------------------------------------------ */

static void what_destroys_goes_last_and_alone(void **state)
{
    struct client *c = begin(state);
    (void)give(c, "baseline", policy_json);
    (void)ask_for(c, TD_ACTION_RESTART);
    const char *id = ask_for(c, TD_ACTION_WIPE);
    c->nodes = done_nodes;
    c->session++;
    c->msg = 0;
    send_next(c, LOGIN("none"), true);
    while (has_commands(c) && !asks_for(c, TD_SYNC_EXEC, WIPE "doWipe"))
        send_next(c, "", true);
    size_t commands = 0;
    for (const struct td_sync_cmd *cmd = c->last.cmds; cmd != NULL; cmd = cmd->next)
        commands += is_command(cmd);
    assert_int_equal(commands, 1);
    assert_int_equal(count_seen(c, "Exec " RESTART "\n"), 1);
    assert_int_equal(count_seen(c, CORTANA), 1);
    assert_int_equal(count_seen(c, "Replace ./Device" FIRST "ServerHasFinishedProvisioning"), 1);
    send_next(c, "", true);
    assert_false(has_commands(c)); /* nothing behind it */
    assert_true(is_last_seen(c, "Exec " WIPE "doWipe\n"));
    struct td_action a = action_of(c, id);
    assert_int_equal(a.state, TD_ACT_ACTIVE); /* accepted is not done */
    assert_int_not_equal(a.accepted_at, 0);
}

/* What is configured while the wipe is on its way would be taken with it. */
static void nothing_is_handed_out_behind_it(void **state)
{
    struct client *c = ready(state);
    (void)ask_for(c, TD_ACTION_WIPE_PROTECTED);
    c->session++;
    c->msg = 0;
    send_next(c, LOGIN("user"), true);
    while (!asks_for(c, TD_SYNC_EXEC, WIPE "doWipeProtected"))
        send_next(c, "", true);
    (void)give(c, "late", "{\"kind\":\"wifi\",\"ssid\":\"CorpNet\",\"passphrase\":\"open-sesame-77\"}");
    send_next(c, "", true);
    assert_false(has_commands(c));
    (void)run_session(c, LOGIN("user")); /* still here, within its grace: management goes on */
    assert_int_equal(count_seen(c, "WlanXml"), 1);
    assert_int_equal(count_seen(c, "doWipeProtected"), 0);
}

static void a_wipe_that_was_rolled_back(void **state)
{
    struct client *c = ready(state);
    const char *id = ask_for(c, TD_ACTION_WIPE);
    (void)run_session(c, LOGIN("user"));
    c->w->wire.env.now += TD_MINUTE;
    (void)run_session(c, ROLLED_BACK(WIPE "doWipe", "-2147023673"));
    struct td_action a = action_of(c, id);
    assert_int_equal(a.state, TD_ACT_FAILED);
    assert_true(a.hresult == 0x800704c7U);
    assert_non_null(strstr(a.cause, "rolled back"));
    assert_true(a.remedy[0] != '\0');
    assert_int_equal(count_seen(c, "doWipe"), 0);
    assert_int_equal(world_enrolment(c->w, c->id).state, TD_ENROLMENT_ACTIVE);
    /* said in hex, of another node, with nobody waiting: told, and nothing else */
    (void)run_session(c, ROLLED_BACK(WIPE "doWipe", "0x800704C7"));
    assert_int_equal(world_events(c->w, c->way, "management.rolled-back", NULL), 1);
    for (size_t i = 0; i < 5; i++) /* once an hour is enough */
        (void)run_session(c, ROLLED_BACK(WIPE "doWipe", "0x800704C7"));
    assert_int_equal(world_events(c->w, c->way, "management.rolled-back", NULL), 1);
    c->w->wire.env.now += 2 * TD_HOUR;
    (void)run_session(c, ROLLED_BACK(WIPE "doWipe", "0x800704C7"));
    assert_int_equal(world_events(c->w, c->way, "management.rolled-back", NULL), 2);
}

/* Devices that can't tell: who is there as ever a quarter of an hour later was not wiped. */
static void a_wipe_that_did_not_happen(void **state)
{
    struct client *c = ready(state);
    const char *id = ask_for(c, TD_ACTION_WIPE);
    (void)run_session(c, LOGIN("user"));
    c->w->wire.env.now += 14 * TD_MINUTE;
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(action_of(c, id).state, TD_ACT_ACTIVE);
    c->w->wire.env.now += 2 * TD_MINUTE;
    (void)run_session(c, LOGIN("user"));
    struct td_action a = action_of(c, id);
    assert_int_equal(a.state, TD_ACT_FAILED);
    assert_non_null(strstr(a.cause, "not carried out"));
    assert_int_equal(count_seen(c, "doWipe"), 0);
    assert_int_equal(world_enrolment(c->w, c->id).state, TD_ENROLMENT_ACTIVE);
}

/* --- resets in place ---------------------------------------------------------------------------------------------- */

static const struct node at_10[] = {{REDEPLOY "Status", 200, "10"},
                                    {REDEPLOY "LastError", 200, "0"},
                                    {"./Device" FIRST "IsSyncDone", 200, "true"},
                                    {"./Device" FIRST "WasDeviceSuccessfullyProvisioned", 200, "1"},
                                    {NULL, 0, NULL}};
static const struct node at_20[] = {{REDEPLOY "Status", 200, "20"}, {REDEPLOY "LastError", 200, "0"}, {NULL, 0, NULL}};

static enum td_code sign_in(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct client *c = ctx;
    return td_primary_user_signed_in(tx, c->w->tenant, world_enrolment(c->w, c->id).device_id, c->w->user, c->w->upn,
                                     err);
}

/* 10, 20, restart, 1: then everything configured is handed out once more in that very session, and the next one who
 * signs in brings the device to ready. */
static void a_reset_runs_the_deployment_again(void **state)
{
    struct client *c = ready(state);
    const char *id = ask_for(c, TD_ACTION_RESET);
    (void)run_session(c, LOGIN("user"));
    assert_true(is_last_seen(c, "Exec " REDEPLOY "doAutomaticRedeployment\n"));
    c->nodes = at_10;
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "Get " REDEPLOY "Status\n"), 1);
    assert_int_equal(count_seen(c, "Get " REDEPLOY "LastError\n"), 1);
    assert_int_equal(action_of(c, id).reported, 10);
    c->nodes = at_20;
    (void)run_session(c, LOGIN("none"));
    assert_int_equal(action_of(c, id).reported, 20);
    assert_int_equal(action_of(c, id).state, TD_ACT_ACTIVE);
    assert_string_equal(world_enrolment(c->w, c->id).user_upn, c->w->upn);
    c->nodes = at_1;
    c->w->wire.env.now += 30 * TD_MINUTE;
    (void)run_session(c, BOOTSTRAP);
    assert_int_equal(action_of(c, id).state, TD_ACT_DONE);
    assert_int_equal(world_events(c->w, c->way, "device.reset", NULL), 1);
    assert_int_equal(world_events(c->w, c->way, "device.device-setup", NULL), 2);
    assert_int_equal(world_events(c->w, c->way, "device.device-done", NULL), 2);
    assert_int_equal(count_seen(c, CORTANA), 1);
    assert_int_equal(count_seen(c, "Replace ./Device" FIRST "ServerHasFinishedProvisioning"), 1);
    assert_int_equal(count_seen(c, "DeviceHardwareData"), 1);
    assert_string_equal(world_enrolment(c->w, c->id).user_upn, "");
    assert_int_equal(world_events(c->w, c->way, "device.ready", NULL), 1); /* its next user is awaited */
    /* the number stays on the device: nothing begins again */
    (void)run_session(c, LOGIN("none"));
    assert_int_equal(world_events(c->w, c->way, "device.reset", NULL), 1);
    assert_ok(td_store_write(c->w->wire.svc.store, sign_in, c, NULL));
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "./User" FIRST "ServerHasFinishedProvisioning"), 1);
    assert_int_equal(world_events(c->w, c->way, "device.ready", NULL), 2);
    assert_string_equal(world_enrolment(c->w, c->id).user_upn, c->w->upn);
}

static void a_reset_fails_with_its_cause(void **state)
{
    static const struct node failed[3][3] = {
        {{REDEPLOY "Status", 200, "30"}, {REDEPLOY "LastError", 200, "-2147024846"}, {NULL, 0, NULL}},
        {{REDEPLOY "Status", 200, "40"}, {REDEPLOY "LastError", 200, "0"}, {NULL, 0, NULL}},
        {{REDEPLOY "Status", 200, "50"}, {REDEPLOY "LastError", 200, "0x80004005"}, {NULL, 0, NULL}}};
    static const uint32_t hresult[] = {0x80070032U, 0, 0x80004005U};
    static const int64_t number[] = {30, 40, 50};
    struct client *c = ready(state);
    for (int i = 0; i < 3; i++) {
        const char *id = ask_for(c, TD_ACTION_RESET);
        c->nodes = done_nodes;
        (void)run_session(c, LOGIN("user"));
        assert_int_equal(count_seen(c, "doAutomaticRedeployment"), 1);
        c->nodes = failed[i];
        (void)run_session(c, LOGIN("user"));
        struct td_action a = action_of(c, id);
        assert_int_equal(a.state, TD_ACT_FAILED);
        assert_int_equal(a.reported, number[i]);
        assert_true(a.hresult == hresult[i]);
        assert_true(a.cause[0] != '\0' && a.remedy[0] != '\0');
    }
    assert_string_equal(world_enrolment(c->w, c->id).user_upn, c->w->upn);
    assert_int_equal(world_events(c->w, c->way, "device.reset", NULL), 0);
}

/* What an older reset left there says nothing of this one: its command was lost, so it is handed out again. */
static void an_old_status_is_not_believed(void **state)
{
    struct client *c = ready(state);
    const char *id = ask_for(c, TD_ACTION_RESET);
    c->silent = true;
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "doAutomaticRedeployment"), 1);
    c->silent = false;
    c->nodes = at_1;
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(world_events(c->w, c->way, "device.reset", NULL), 0);
    assert_int_equal(count_seen(c, "Exec " REDEPLOY "doAutomaticRedeployment\n"), 1);
    assert_int_equal(action_of(c, id).state, TD_ACT_ACTIVE);
}

/* Its Status was lost, the reset was not: the device says so itself, and is not reset twice. */
static void a_lost_status_is_found_again(void **state)
{
    struct client *c = ready(state);
    const char *id = ask_for(c, TD_ACTION_RESET);
    c->silent = true;
    (void)run_session(c, LOGIN("user"));
    c->silent = false;
    c->nodes = at_10;
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "doAutomaticRedeployment"), 0);
    assert_int_equal(action_of(c, id).reported, 10);
    c->nodes = at_1;
    (void)run_session(c, BOOTSTRAP);
    assert_int_equal(action_of(c, id).state, TD_ACT_DONE);
    assert_int_equal(count_seen(c, "doAutomaticRedeployment"), 0);
}

/* Scheduled, and its restart is put off for ever; accepted, and no node knows of it: both come to an end. */
static void a_reset_that_never_begins_ends(void **state)
{
    static const struct node without[] = {
        {REDEPLOY "Status", 404, NULL}, {REDEPLOY "LastError", 404, NULL}, {NULL, 0, NULL}};
    static const struct {
        const struct node *nodes;
        int64_t waits;
    } all[] = {{at_20, 7 * TD_DAY}, {without, TD_DAY}};
    struct client *c = ready(state);
    for (size_t i = 0; i < TD_COUNTOF(all); i++) {
        const char *id = ask_for(c, TD_ACTION_RESET);
        c->nodes = done_nodes;
        (void)run_session(c, LOGIN("user"));
        c->nodes = all[i].nodes;
        c->w->wire.env.now += all[i].waits - TD_HOUR;
        (void)run_session(c, LOGIN("user"));
        assert_int_equal(action_of(c, id).state, TD_ACT_ACTIVE);
        c->w->wire.env.now += 2 * TD_HOUR;
        (void)run_session(c, LOGIN("user"));
        struct td_action a = action_of(c, id);
        assert_int_equal(a.state, TD_ACT_FAILED);
        assert_true(a.cause[0] != '\0' && a.remedy[0] != '\0');
        assert_int_equal(count_seen(c, "doAutomaticRedeployment"), 0);
    }
    assert_int_equal(world_events(c->w, c->way, "device.reset", NULL), 0);
}

/* The same without any word in between. */
static void a_reset_device_is_not_reset_again(void **state)
{
    struct client *c = ready(state);
    const char *id = ask_for(c, TD_ACTION_RESET);
    c->silent = true;
    (void)run_session(c, LOGIN("user"));
    c->silent = false;
    c->nodes = at_1;
    (void)run_session(c, BOOTSTRAP);
    assert_int_equal(action_of(c, id).state, TD_ACT_DONE);
    assert_int_equal(count_seen(c, "doAutomaticRedeployment"), 0);
    assert_int_equal(world_events(c->w, c->way, "device.reset", NULL), 1);
}

/* autopilot.md 3.6: nobody asked for it here, and the user stays. */
static void a_local_reset_is_seen(void **state)
{
    static const struct node never[] = {
        {REDEPLOY "Status", 200, "0"}, {REDEPLOY "LastError", 200, "0"}, {NULL, 0, NULL}};
    struct client *c = ready(state);
    c->nodes = never;
    (void)run_session(c, BOOTSTRAP);
    assert_int_equal(count_seen(c, "Get " REDEPLOY "Status\n"), 1);
    assert_int_equal(world_events(c->w, c->way, "device.reset", NULL), 0);
    c->nodes = at_1;
    (void)run_session(c, BOOTSTRAP);
    assert_int_equal(world_events(c->w, c->way, "device.reset", NULL), 1);
    assert_int_equal(count_seen(c, CORTANA), 1);
    assert_string_equal(world_enrolment(c->w, c->id).user_upn, c->w->upn);
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(world_events(c->w, c->way, "device.ready", NULL), 2);
    /* and once more, later: the same number tells of another one */
    (void)run_session(c, BOOTSTRAP);
    assert_int_equal(world_events(c->w, c->way, "device.reset", NULL), 2);
}

/* Where the tenant wants it so, the next one who signs in takes the device over, as after a reset from afar. */
static void a_local_reset_may_change_the_owner(void **state)
{
    struct client *c = ready(state);
    world_set(c->w, "local-reset-owner", "next");
    c->nodes = at_1;
    (void)run_session(c, BOOTSTRAP);
    assert_int_equal(world_events(c->w, c->way, "device.reset", NULL), 1);
    assert_string_equal(world_enrolment(c->w, c->id).user_upn, "");
    assert_ok(td_store_write(c->w->wire.svc.store, sign_in, c, NULL));
    assert_string_equal(world_enrolment(c->w, c->id).user_upn, c->w->upn);
}

/* The first session behind the reset is cut: the next one need not say again what it said. */
static void a_local_reset_is_not_missed(void **state)
{
    struct client *c = ready(state);
    c->nodes = at_1;
    c->session++;
    c->msg = 0;
    send_next(c, BOOTSTRAP, true);
    assert_true(asks_for(c, TD_SYNC_GET, REDEPLOY "Status"));
    (void)run_session(c, LOGIN("none"));
    assert_int_equal(world_events(c->w, c->way, "device.reset", NULL), 1);
    assert_int_equal(count_seen(c, CORTANA), 1);
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(world_events(c->w, c->way, "device.reset", NULL), 1);
}

/* A device that says BootstrapSync in every session of its deployment, with the number of its last reset still there,
 * is not reset each time; one that has lost the release of its device phase was. */
static void a_deployment_does_not_begin_for_ever(void **state)
{
    static const struct node knows[] = {{REDEPLOY "Status", 200, "1"},
                                        {REDEPLOY "LastError", 200, "0"},
                                        {"./Device" FIRST "ServerHasFinishedProvisioning", 200, "true"},
                                        {"./Device" FIRST "IsSyncDone", 200, "true"},
                                        {"./Device" FIRST "WasDeviceSuccessfullyProvisioned", 200, "1"},
                                        {NULL, 0, NULL}};
    struct node lost[TD_COUNTOF(knows)];
    struct client *c = begin(state);
    memcpy(lost, knows, sizeof(lost));
    lost[2].value = "false";
    c->nodes = knows;
    for (int i = 0; i < 4; i++)
        (void)run_session(c, BOOTSTRAP);
    assert_int_equal(count_seen(c, "Get " REDEPLOY "Status\n"), 1);
    assert_int_equal(count_seen(c, "Get ./Device" FIRST "ServerHasFinishedProvisioning\n"), 1);
    assert_int_equal(world_events(c->w, c->way, "device.reset", NULL), 0);
    assert_int_equal(world_events(c->w, c->way, "device.device-done", NULL), 1);
    c->nodes = lost;
    (void)run_session(c, BOOTSTRAP);
    assert_int_equal(world_events(c->w, c->way, "device.reset", NULL), 1);
    assert_int_equal(count_seen(c, "Replace ./Device" FIRST "ServerHasFinishedProvisioning"), 1);
    c->nodes = knows;
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(world_events(c->w, c->way, "device.ready", NULL), 1);
}

struct taking_over {
    struct client *c;
    struct td_user user;
};

static enum td_code take_over(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct taking_over *t = ctx;
    return td_primary_user_signed_in(tx, t->c->w->tenant, world_enrolment(t->c->w, t->c->id).device_id, t->user.id,
                                     t->user.upn, err);
}

/* csp.md 3.1: the management account carries the user's name; the next one's is written once. */
static void the_next_user_is_named(void **state)
{
    struct client *c = ready(state);
    struct taking_over t = {.c = c};
    t.user = wire_add_user(&c->w->wire, c->w->tenant, "carol@contoso.test", "Carol", WORLD_PASSWORD);
    (void)ask_for(c, TD_ACTION_RESET);
    (void)run_session(c, LOGIN("user"));
    c->nodes = at_1;
    (void)run_session(c, BOOTSTRAP);
    assert_int_equal(count_seen(c, "Provider/Touchdown/UPN"), 0);
    assert_ok(td_store_write(c->w->wire.svc.store, take_over, &t, NULL));
    c->session++;
    c->msg = 0;
    send_next(c, LOGIN("user"), true);
    const struct td_sync_cmd *cmd = c->last.cmds;
    while (cmd != NULL && !(cmd->kind == TD_SYNC_REPLACE && td_ends(td_str(cmd->items->target), "/Touchdown/UPN")))
        cmd = cmd->next;
    assert_non_null(cmd);
    assert_true(td_eqs(cmd->items->data, "carol@contoso.test"));
    while (has_commands(c))
        send_next(c, "", true);
    assert_int_equal(world_events(c->w, c->way, "device.repurposed", NULL), 1);
    assert_int_equal(world_events(c->w, c->way, "device.ready", NULL), 2);
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "Provider/Touchdown/UPN"), 0);
}

static void a_wipe_that_keeps_users_comes_back(void **state)
{
    struct client *c = ready(state);
    const char *id = ask_for(c, TD_ACTION_WIPE_KEEP_USER);
    (void)run_session(c, LOGIN("user"));
    assert_true(is_last_seen(c, "Exec " WIPE "doWipePersistUserData\n"));
    c->w->wire.env.now += TD_HOUR;
    (void)run_session(c, BOOTSTRAP);
    assert_int_equal(action_of(c, id).state, TD_ACT_DONE);
    assert_int_equal(count_seen(c, CORTANA), 1);
    assert_int_equal(world_events(c->w, c->way, "device.reset", NULL), 1);
    assert_string_equal(world_enrolment(c->w, c->id).user_upn, c->w->upn);
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(world_events(c->w, c->way, "device.ready", NULL), 2);
}

/* --- the end of a management -------------------------------------------------------------------------------------- */

static void retires_by_its_status(void **state)
{
    struct client *c = ready(state);
    const char *id = ask_for(c, TD_ACTION_RETIRE);
    (void)run_session(c, LOGIN("user"));
    assert_true(is_last_seen(c, "Exec " UNENROLL "\n"));
    assert_int_equal(action_of(c, id).state, TD_ACT_DONE);
    assert_int_equal(world_enrolment(c->w, c->id).state, TD_ENROLMENT_ENDED);
    assert_true(world_revoked(c->w, &c->installed));
    c->session++;
    c->msg = 1;
    assert_int_equal(post(c, message(c, GOODBYE, true)).status, 403);
    assert_int_equal(world_events(c->w, c->way, "management.refused", NULL), 0); /* a goodbye is no news */
    for (int i = 0; i < 3; i++)
        assert_int_equal(post(c, message(c, LOGIN("user"), true)).status, 403);
    const char *detail = NULL;
    assert_int_equal(world_events(c->w, c->way, "management.refused", &detail), 1);
    assert_non_null(strstr(detail, "remedy"));
    c->w->wire.env.now += TD_HOUR + TD_MINUTE;
    assert_int_equal(post(c, message(c, LOGIN("user"), true)).status, 403);
    assert_int_equal(world_events(c->w, c->way, "management.refused", NULL), 2);
}

/* oma-dm.md 10: the session is cut, and the last message says goodbye. */
static void retires_by_its_goodbye(void **state)
{
    struct client *c = ready(state);
    const char *id = ask_for(c, TD_ACTION_RETIRE);
    c->session++;
    c->msg = 0;
    send_next(c, LOGIN("user"), true);
    while (!asks_for(c, TD_SYNC_EXEC, UNENROLL))
        send_next(c, "", true);
    const struct td_sync_cmd *exec = c->last.cmds->next;
    while (exec != NULL && exec->kind != TD_SYNC_EXEC)
        exec = exec->next;
    assert_true(td_eqs(exec->items->data, "Touchdown"));
    assert_string_equal(exec->items->meta.format, "chr");
    assert_int_equal(action_of(c, id).state, TD_ACT_ACTIVE);
    c->session++;
    c->msg = 0;
    c->last.cmds = NULL;
    send_next(c, GOODBYE, true);
    assert_false(has_commands(c));
    assert_int_equal(action_of(c, id).state, TD_ACT_DONE);
    assert_int_equal(world_enrolment(c->w, c->id).state, TD_ENROLMENT_ENDED);
    assert_int_equal(world_events(c->w, c->way, "device.retired", NULL), 1);
    assert_int_equal(world_events(c->w, c->way, "management.left", NULL), 0);
}

/* The user was faster: what the administrator wanted has happened, with everything that follows from it. */
static void leaves_before_it_was_told(void **state)
{
    struct client *c = ready(state);
    const char *id = ask_for(c, TD_ACTION_RETIRE);
    c->session++;
    c->msg = 0;
    send_next(c, GOODBYE, true);
    assert_false(has_commands(c));
    assert_int_equal(action_of(c, id).state, TD_ACT_DONE);
    assert_int_equal(world_enrolment(c->w, c->id).state, TD_ENROLMENT_ENDED);
    assert_int_equal(world_events(c->w, c->way, "device.retired", NULL), 1);
    assert_int_equal(world_events(c->w, c->way, "management.left", NULL), 0);
}

static void a_goodbye_that_nobody_asked_for(void **state)
{
    struct client *c = ready(state);
    c->session++;
    c->msg = 0;
    send_next(c, GOODBYE, true);
    assert_int_equal(world_enrolment(c->w, c->id).state, TD_ENROLMENT_ENDED);
    const char *detail = NULL;
    assert_int_equal(world_events(c->w, c->way, "management.left", &detail), 1);
    assert_non_null(strstr(detail, "nobody asked"));
}

static enum td_code disable(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct client *c = ctx;
    return td_device_enable(tx, c->w->tenant, world_enrolment(c->w, c->id).device_id, false, err);
}

/* No device is refused in silence. */
static void every_refusal_is_told(void **state)
{
    const char *detail = NULL;
    struct client *c = ready(state);
    c->session++;
    c->msg = 1;
    assert_ok(td_store_write(c->w->wire.svc.store, disable, c, NULL));
    assert_int_equal(post(c, message(c, LOGIN("user"), true)).status, 403);
    assert_int_equal(world_events(c->w, c->way, "management.refused", &detail), 1);
    assert_non_null(strstr(detail, "enable it"));
    /* a certificate that nobody renewed */
    c->w->wire.env.now = c->installed.cert.not_after + 2 * TD_HOUR;
    assert_int_equal(post(c, message(c, LOGIN("user"), true)).status, 403);
    assert_int_equal(world_events(c->w, c->way, "management.refused", &detail), 2);
    assert_non_null(strstr(detail, "run out"));
}

/* An older disk, or a copy: the enrolment was replaced. */
static void a_replaced_enrolment_is_told(void **state)
{
    struct client *c = ready(state);
    (void)world_enrol(c->w, world_enrolment(c->w, c->id).device_id);
    c->session++;
    c->msg = 1;
    assert_int_equal(post(c, message(c, LOGIN("user"), true)).status, 403);
    assert_int_equal(world_events(c->w, c->way, "management.refused", NULL), 1);
}

/* graph-api.md 3.4: the record is gone at once; the device is refused, or told to leave where the tenant wants it. */
static void a_deleted_device_at_the_door(void **state)
{
    struct client *c = ready(state);
    const char *id = ask_for(c, TD_ACTION_DELETE);
    assert_int_equal(action_of(c, id).state, TD_ACT_DONE);
    world_set(c->w, "deleted-device", "refuse");
    c->session++;
    c->msg = 1;
    assert_int_equal(post(c, message(c, LOGIN("user"), true)).status, 403);
    assert_int_equal(td_search(td_buf_slice(&c->raw.body), TD_S("<SyncML")), SIZE_MAX);
    world_set(c->w, "deleted-device", "retire");
    c->msg = 0;
    c->seen[0] = '\0';
    send_next(c, LOGIN("user"), true);
    assert_true(asks_for(c, TD_SYNC_EXEC, UNENROLL));
    send_next(c, "", true);
    assert_string_equal(c->seen, "Exec " UNENROLL "\n");
    assert_false(has_commands(c));
    assert_int_equal(world_enrolment(c->w, c->id).state, TD_ENROLMENT_ENDED);
    c->w->wire.env.now += 6 * TD_MINUTE;
    c->session++;
    c->msg = 1;
    assert_int_equal(post(c, message(c, LOGIN("user"), true)).status, 403);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(is_handed_out_once),
        T(works_while_the_deployment_runs),
        T(tells_what_the_device_says),
        T(takes_202_as_accepted),
        T(a_new_name_is_drawn_once),
        T(scans_carry_their_number),
        T(a_sync_ends_with_its_session),
        T(can_be_cancelled_until_delivered),
        T(a_lost_answer_is_given_again),
        T(without_a_status_it_is_tried_again),
        T(a_cut_session_counts),
        T(what_destroys_goes_last_and_alone),
        T(nothing_is_handed_out_behind_it),
        T(a_wipe_that_was_rolled_back),
        T(a_wipe_that_did_not_happen),
        T(a_reset_runs_the_deployment_again),
        T(a_reset_fails_with_its_cause),
        T(an_old_status_is_not_believed),
        T(a_lost_status_is_found_again),
        T(a_reset_device_is_not_reset_again),
        T(a_reset_that_never_begins_ends),
        T(a_local_reset_is_seen),
        T(a_local_reset_may_change_the_owner),
        T(a_local_reset_is_not_missed),
        T(a_deployment_does_not_begin_for_ever),
        T(the_next_user_is_named),
        T(a_wipe_that_keeps_users_comes_back),
        T(retires_by_its_status),
        T(retires_by_its_goodbye),
        T(leaves_before_it_was_told),
        T(a_goodbye_that_nobody_asked_for),
        T(every_refusal_is_told),
        T(a_replaced_enrolment_is_told),
        T(a_deleted_device_at_the_door),
    };
    return cmocka_run_group_tests_name("management_actions", tests, world_open, world_close);
}
