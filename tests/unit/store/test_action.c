/* store/action: from the asking to the end, and what each end leaves (autopilot.md 3.6 to 3.9). */
#include "store/action.h"
#include "store/deployment.h"
#include "store/event.h"
#include "store/managed.h"
#include "store/management.h"
#include "unit/store/life_world.h"

static const char pc[] = "pc-1", mdm[] = "mdm-1", boss[] = "boss@contoso.test", other[] = "other@contoso.test";

/* ---- small words for what the tests do; each is one write ---- */

struct deed {
    struct life *l;
    const char *id; /* of the action, or the enrolment */
    struct td_action_asking asking;
    enum td_action_state state;
    struct td_error why;
    int64_t number;
    uint32_t hresult;
    bool flag;
    struct td_action x;
    enum td_code want;
    struct td_error err;
};

/* Judged here, not in the writer's thread. */
static void deed(struct deed *d, td_tx_fn *fn)
{
    enum td_code rc = td_store_write(d->l->store, fn, d, &d->err);
    if (rc != d->want)
        fail_msg("%d instead of %d: %s: %s", rc, d->want, d->err.where, d->err.text);
}

static enum td_code ask_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct deed *d = ctx;
    return td_action_ask(tx, d->l->tenant, d->id, &d->asking, &d->l->arena, &d->x, err);
}

static struct deed ask_of(struct life *l, const char *enrolment, enum td_action_kind kind, enum td_code want)
{
    struct deed d = {.l = l, .id = enrolment, .want = want};
    d.asking = (struct td_action_asking){.kind = kind, .actor = boss, .reason = "because"};
    deed(&d, ask_fn);
    return d;
}

static const char *ask(struct life *l, enum td_action_kind kind)
{
    return ask_of(l, mdm, kind, TD_OK).x.id;
}

static enum td_code find_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct deed *d = ctx;
    return td_action_find(tx, d->l->tenant, d->id, &d->l->arena, &d->x, err);
}

static struct td_action look(struct life *l, const char *id)
{
    struct deed d = {.l = l, .id = id};
    deed(&d, find_fn);
    return d.x;
}

#define assert_action(l, id, want) assert_string_equal(td_action_state_word(look(l, id).state), want)

static enum td_code deliver_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct deed *d = ctx;
    return td_action_delivered(tx, d->l->tenant, d->id, err);
}

static enum td_code answer_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct deed *d = ctx;
    return td_action_answered(tx, d->l->tenant, d->id, (int)d->number, d->hresult, err);
}

static enum td_code report_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct deed *d = ctx;
    return td_action_reported(tx, d->l->tenant, mdm, d->id, d->number, d->hresult, &d->flag, err);
}

static void delivered(struct life *l, const char *id)
{
    struct deed d = {.l = l, .id = id};
    deed(&d, deliver_fn);
}

static void answered(struct life *l, const char *id, int status)
{
    struct deed d = {.l = l, .id = id, .number = status};
    deed(&d, answer_fn);
}

static bool reported(struct life *l, const char *id, int64_t status, uint32_t hresult)
{
    struct deed d = {.l = l, .id = id, .number = status, .hresult = hresult};
    deed(&d, report_fn);
    return d.flag;
}

/* Asked, delivered, accepted. */
static const char *under_way(struct life *l, enum td_action_kind kind)
{
    const char *id = ask(l, kind);
    delivered(l, id);
    answered(l, id, 200);
    return id;
}

static enum td_code box_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct deed *d = ctx;
    bool awaited = false;
    td_try(td_action_box_awaited(tx, d->l->tenant, pc, d->flag, &awaited, err));
    td_try(td_action_in_box(tx, d->l->tenant, pc, d->flag, err));
    d->flag = awaited;
    return TD_OK;
}

static bool in_box(struct life *l, bool proven)
{
    struct deed d = {.l = l, .flag = proven};
    deed(&d, box_fn);
    return d.flag;
}

static enum td_code decide_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct deed *d = ctx;
    return td_action_decide(tx, d->l->tenant, d->id, d->flag, d->asking.actor, err);
}

static void decide(struct life *l, const char *id, bool approve, const char *who, enum td_code want)
{
    struct deed d = {.l = l, .id = id, .flag = approve, .want = want};
    d.asking.actor = who;
    deed(&d, decide_fn);
}

static enum td_code cancel_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct deed *d = ctx;
    return td_action_cancel(tx, d->l->tenant, d->id, boss, err);
}

static void cancel(struct life *l, const char *id, enum td_code want)
{
    struct deed d = {.l = l, .id = id, .want = want};
    deed(&d, cancel_fn);
}

static enum td_code overdue_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct deed *d = ctx;
    size_t ended = 0;
    td_try(td_action_is_overdue(tx, &d->flag, err));
    td_try(td_action_overdue(tx, 10, &ended, err));
    d->number = (int64_t)ended;
    return TD_OK;
}

static int64_t overdue(struct life *l)
{
    struct deed d = {.l = l};
    deed(&d, overdue_fn);
    assert_int_equal(d.flag, d.number != 0);
    return d.number;
}

static enum td_code set_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct deed *d = ctx;
    return td_tenant_set(tx, d->l->tenant, d->id, d->asking.parameter, "test", err);
}

static void set(struct life *l, const char *key, const char *value)
{
    struct deed d = {.l = l, .id = key};
    d.asking.parameter = value;
    deed(&d, set_fn);
}

/* ---- what the store says of the device ---- */

static enum td_code word_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct deed *d = ctx;
    struct td_way_row way;
    td_try(td_way_find(tx, d->l->tenant, TD_WAY_ID, pc, &d->l->arena, &way, err));
    d->id = td_way_word(&way.way);
    return TD_OK;
}

static void assert_word(struct life *l, const char *want)
{
    struct deed d = {.l = l};
    deed(&d, word_fn);
    assert_string_equal(d.id, want);
}

static enum td_code count_fn(struct td_tx *tx, void *ctx, struct td_error *err TD_UNUSED)
{
    struct deed *d = ctx;
    d->number = life_count(tx, d->id, d->asking.parameter != NULL ? d->asking.parameter : d->l->tenant);
    return TD_OK;
}

static int64_t count(struct life *l, const char *sql, const char *value)
{
    struct deed d = {.l = l, .id = sql};
    d.asking.parameter = value;
    deed(&d, count_fn);
    return d.number;
}

static int64_t events(struct life *l, const char *type)
{
    return count(l, "SELECT COUNT(*) FROM event WHERE subject = 'pc-1' AND type = $1", type);
}

#define MANAGED "SELECT COUNT(*) FROM enrolment WHERE id = $1 AND state = 0"
#define GOOD_CERTIFICATES "SELECT COUNT(*) FROM certificate WHERE subject = $1 AND revoked_at = 0"
#define JOINED "SELECT COUNT(*) FROM directory_device WHERE id = $1 AND deleted_at = 0 AND joined_at <> 0"
#define OWNED "SELECT COUNT(*) FROM directory_device WHERE id = $1 AND owner_upn <> ''"
#define PRIMARY "SELECT COUNT(*) FROM enrolment WHERE id = $1 AND user_upn <> ''"

/* ---- the world ---- */

static void ready_device(struct td_tx *tx, struct life *l)
{
    static const enum td_way_event steps[] = {TD_EV_DEVICE_SETUP, TD_EV_DEVICE_DONE, TD_EV_ACCOUNT_SETUP, TD_EV_READY};
    (void)life_user(tx, l, boss);
    (void)life_user(tx, l, other);
    life_join(tx, l, pc, "ada@contoso.test");
    life_enrol(tx, l, mdm, pc, "ada@contoso.test");
    for (size_t i = 0; i < TD_COUNTOF(steps); i++)
        assert_ok(td_way_happened(tx, l->tenant, pc, steps[i], "device", "{}", NULL));
}

static void session(struct td_tx *tx, struct life *l)
{
    assert_ok(td_enrolment_seen(tx, l->tenant, mdm, NULL));
}

static int setup(void **state)
{
    (void)life_setup(state);
    struct life *l = *state;
    life_write(l, ready_device);
    l->env.now += TD_MINUTE;
    return 0;
}

/* ---- asking ---- */

static void asks_once(void **state)
{
    struct life *l = *state;
    const char *id = ask(l, TD_ACTION_RESTART);
    assert_string_equal(ask(l, TD_ACTION_RESTART), id);
    assert_action(l, id, "pending");
    assert_int_equal(events(l, "device.action-queued"), 1);
    assert_int_equal(
        count(l, "SELECT COUNT(*) FROM audit WHERE actor = $1 AND activity = 'Ask action of ManagedDevice'", boss), 1);
    delivered(l, id);
    delivered(l, id); /* the message was lost */
    assert_int_equal(events(l, "device.action-sent"), 1);
    answered(l, id, 200);
    answered(l, id, 500); /* ended already */
    assert_action(l, id, "done");
    assert_int_equal(events(l, "device.action-done"), 1);
    assert_string_not_equal(ask(l, TD_ACTION_RESTART), id);
    assert_word(l, "ready");
    (void)ask_of(l, "mdm-2", TD_ACTION_WIPE, TD_ENOTFOUND);
    (void)ask_of(l, mdm, TD_ACTION_SHUT_DOWN, TD_ENOTOFFERED);
}

static void whole_session(struct td_tx *tx, struct life *l)
{
    session(tx, l);
    assert_ok(td_action_contacted(tx, l->tenant, mdm, NULL));
}

static void syncs_with_the_next_session(void **state)
{
    struct life *l = *state;
    const char *id = ask(l, TD_ACTION_SYNC);
    assert_action(l, id, "pending");
    l->env.now += TD_MINUTE;
    life_write(l, whole_session);
    assert_action(l, id, "done");
}

static void known_with_the_session(struct td_tx *tx, struct life *l)
{
    struct td_managed m = {0};
    assert_ok(td_managed_find(tx, l->tenant, mdm, &l->arena, &m, NULL));
    assert_true(m.has_actions); /* no session so far: they are looked for */
    m.session_id = "1";
    m.session_no = 1;
    assert_ok(td_managed_save(tx, l->tenant, mdm, &m, false, false, NULL));
    assert_ok(td_managed_find(tx, l->tenant, mdm, &l->arena, &m, NULL));
    assert_false(m.has_actions);
    assert_false(m.fix_pending);
}

static bool to_do;

static void something_to_do(struct td_tx *tx, struct life *l)
{
    struct td_managed m = {0};
    assert_ok(td_managed_find(tx, l->tenant, mdm, &l->arena, &m, NULL));
    to_do = m.has_actions;
}

/* A check-in with nothing to do asks for no action. */
static void is_known_with_the_session(void **state)
{
    struct life *l = *state;
    life_write(l, known_with_the_session);
    const char *id = ask(l, TD_ACTION_RESTART);
    life_write(l, something_to_do);
    assert_true(to_do);
    cancel(l, id, TD_OK);
    life_write(l, something_to_do);
    assert_false(to_do);
}

static void cancels_until_delivered(void **state)
{
    struct life *l = *state;
    const char *id = ask(l, TD_ACTION_WIPE);
    cancel(l, id, TD_OK);
    cancel(l, id, TD_OK);
    assert_action(l, id, "cancelled");
    assert_int_equal(events(l, "device.action-cancelled"), 1);
    id = ask(l, TD_ACTION_WIPE);
    delivered(l, id);
    cancel(l, id, TD_ESTATE);
    assert_action(l, id, "active");
}

static void waits_for_another_one(void **state)
{
    struct life *l = *state;
    set(l, "action-approval", "on");
    assert_action(l, ask(l, TD_ACTION_RESTART), "pending"); /* removes nothing */
    const char *id = ask(l, TD_ACTION_WIPE);
    assert_action(l, id, "waiting for approval");
    decide(l, id, true, boss, TD_EDENIED);
    decide(l, id, true, "BOSS@Contoso.test", TD_EDENIED);
    decide(l, id, true, other, TD_OK);
    assert_action(l, id, "pending");
    assert_string_equal(look(l, id).decided_by, other);
    decide(l, id, true, other, TD_ESTATE);
    assert_int_equal(events(l, "action.approved"), 1);
    const char *further = ask(l, TD_ACTION_WIPE_PROTECTED);
    assert_action(l, id, "pending"); /* what nobody has agreed to takes no place */
    decide(l, further, true, other, TD_OK);
    assert_action(l, id, "cancelled");
    cancel(l, further, TD_OK);
    const char *less = ask(l, TD_ACTION_RESET);
    further = ask(l, TD_ACTION_WIPE);
    decide(l, less, true, other, TD_OK);
    assert_action(l, further, "waiting for approval"); /* what goes further waits on */
    cancel(l, less, TD_OK);
    cancel(l, further, TD_OK);
    id = ask(l, TD_ACTION_DELETE);
    assert_action(l, id, "waiting for approval");
    assert_int_equal(count(l, MANAGED, mdm), 1);
    decide(l, id, false, other, TD_OK);
    assert_action(l, id, "cancelled");
    assert_int_equal(count(l, MANAGED, mdm), 1);
    id = ask(l, TD_ACTION_DELETE);
    decide(l, id, true, other, TD_OK);
    assert_action(l, id, "done");
    assert_int_equal(count(l, MANAGED, mdm), 0);
}

static void second_device(struct td_tx *tx, struct life *l)
{
    life_join(tx, l, "qc-2", NULL);
    life_enrol(tx, l, "mdm-2", "qc-2", NULL);
}

static void holds_the_limit(void **state)
{
    struct life *l = *state;
    life_write(l, second_device);
    set(l, "action-limit", "1");
    const char *id = ask(l, TD_ACTION_RESET);
    struct deed d = ask_of(l, "mdm-2", TD_ACTION_WIPE, TD_ELIMIT);
    assert_non_null(strstr(d.err.text, "1 devices in an hour"));
    assert_non_null(strstr(d.err.remedy, "action-limit"));
    (void)ask_of(l, "mdm-2", TD_ACTION_RESTART, TD_OK);
    (void)ask_of(l, mdm, TD_ACTION_WIPE, TD_OK); /* the same device once more */
    assert_action(l, id, "cancelled");           /* its place was taken */
    l->env.now += TD_HOUR;
    (void)ask_of(l, "mdm-2", TD_ACTION_WIPE, TD_OK);
    set(l, "action-limit", "0");
    (void)ask_of(l, mdm, TD_ACTION_WIPE_PROTECTED, TD_OK);
}

static void goes_further(void **state)
{
    struct life *l = *state;
    const char *reset = ask(l, TD_ACTION_RESET), *name;
    (void)ask_of(l, mdm, TD_ACTION_WIPE_KEEP_USER, TD_ESTATE);
    const char *wipe = ask(l, TD_ACTION_WIPE);
    assert_action(l, reset, "cancelled");
    assert_string_equal(look(l, reset).cause, "wipe takes its place");
    (void)ask_of(l, mdm, TD_ACTION_RESET, TD_ESTATE);
    assert_action(l, wipe, "pending");
    struct deed d = {.l = l, .id = mdm};
    d.asking = (struct td_action_asking){.kind = TD_ACTION_RENAME, .parameter = "PC-A", .actor = boss};
    deed(&d, ask_fn);
    name = d.x.id;
    d.asking.parameter = "PC-B";
    deed(&d, ask_fn);
    assert_action(l, name, "cancelled");
    assert_action(l, d.x.id, "pending");
    d.asking.parameter = "no name";
    d.want = TD_EINVAL;
    deed(&d, ask_fn);
}

static void is_not_supported(void **state)
{
    struct life *l = *state;
    const char *id = ask(l, TD_ACTION_LOCK);
    delivered(l, id);
    answered(l, id, 405);
    struct td_action x = look(l, id);
    assert_int_equal(x.state, TD_ACT_NOT_SUPPORTED);
    assert_non_null(strstr(x.cause, "does not support"));
    assert_true(x.remedy[0] != '\0');
    id = ask(l, TD_ACTION_ROTATE_LAPS);
    delivered(l, id);
    answered(l, id, 500);
    assert_action(l, id, "failed");
    assert_int_equal(events(l, "device.action-failed"), 2);
}

/* oma-dm.md 5: cancelled, not executed, rolled back. Codes of two hundred that mean that nothing was done. */
static void was_not_executed(void **state)
{
    struct life *l = *state;
    for (int status = 214; status <= 216; status++) {
        const char *id = ask(l, TD_ACTION_WIPE);
        delivered(l, id);
        answered(l, id, status);
        assert_action(l, id, "failed");
    }
}

/* ---- ends ---- */

static void resets_for_another_user(void **state)
{
    struct life *l = *state;
    const char *id = ask(l, TD_ACTION_RESET);
    delivered(l, id);
    assert_false(reported(l, id, 1, 0)); /* of the reset before: nothing was accepted yet */
    assert_action(l, id, "active");
    answered(l, id, 202);
    assert_action(l, id, "active"); /* accepted only */
    assert_false(reported(l, id, 10, 0));
    assert_false(reported(l, id, 20, 0));
    assert_false(reported(l, id, 20, 0));
    assert_int_equal(look(l, id).reported, 20);
    assert_int_equal(events(l, "device.action-reported"), 2);
    assert_int_equal(count(l, OWNED, pc), 1);
    assert_true(reported(l, id, 1, 0));
    assert_false(reported(l, id, 1, 0));
    assert_action(l, id, "done");
    assert_word(l, "reset");
    assert_int_equal(count(l, OWNED, pc), 0);
    assert_int_equal(count(l, PRIMARY, mdm), 0);
    assert_int_equal(count(l, MANAGED, mdm), 1);
    assert_int_equal(count(l, JOINED, pc), 1);
    assert_int_equal(count(l, GOOD_CERTIFICATES, mdm), 1);
    assert_int_equal(count(l, "SELECT COUNT(*) FROM deployment WHERE way_id = $1 AND state = 2", pc), 1);
}

static void fails_a_reset(void **state)
{
    struct life *l = *state;
    const char *id = under_way(l, TD_ACTION_RESET);
    assert_false(reported(l, id, 30, 0x80070032));
    struct td_action x = look(l, id);
    assert_int_equal(x.state, TD_ACT_FAILED);
    assert_int_equal(x.hresult, 0x80070032);
    assert_non_null(strstr(x.cause, "no recovery environment"));
    assert_word(l, "ready");
    assert_int_equal(count(l, OWNED, pc), 1);
}

static void resets_at_the_lock_screen(void **state)
{
    struct life *l = *state;
    assert_false(reported(l, "", 10, 0));
    assert_int_equal(count(l, "SELECT COUNT(*) FROM device_action WHERE tenant = $1", NULL), 0);
    assert_true(reported(l, "", 1, 0));
    assert_word(l, "reset");
    assert_int_equal(count(l, OWNED, pc), 1);
    assert_int_equal(count(l, PRIMARY, mdm), 1);
    assert_int_equal(count(l, "SELECT COUNT(*) FROM device_action WHERE tenant = $1 AND kind = 8 AND state = 3", NULL),
                     1);
    set(l, "action-limit", "1"); /* what is only seen reaches no limit */
    life_write(l, second_device);
    (void)ask_of(l, "mdm-2", TD_ACTION_WIPE, TD_OK);
}

/* A device that tells of a reset in every session: so many a day are believed. */
static void resets_without_end(void **state)
{
    struct life *l = *state;
    size_t begun = 0;
    for (size_t i = 0; i < 100; i++)
        begun += reported(l, "", 1, 0);
    assert_int_equal(begun, 24);
    assert_int_equal(count(l, "SELECT COUNT(*) FROM device_action WHERE tenant = $1", NULL), 24);
    l->env.now += TD_DAY + TD_SECOND;
    assert_true(reported(l, "", 1, 0));
}

static enum td_code finish_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct deed *d = ctx;
    return td_action_finish(tx, d->l->tenant, d->id, d->state, &d->why, err);
}

static void wipes_and_keeps_the_user(void **state)
{
    struct life *l = *state;
    struct deed d = {.l = l, .id = under_way(l, TD_ACTION_WIPE_KEEP_USER), .state = TD_ACT_DONE};
    deed(&d, finish_fn);
    assert_word(l, "reset");
    assert_int_equal(count(l, OWNED, pc), 1);
    assert_int_equal(count(l, MANAGED, mdm), 1);
    assert_int_equal(count(l, JOINED, pc), 1);
}

static void wipes_into_the_box(void **state)
{
    struct life *l = *state;
    const char *restart = ask(l, TD_ACTION_RESTART), *logs = ask(l, TD_ACTION_DIAGNOSTICS);
    delivered(l, logs);
    const char *id = ask(l, TD_ACTION_WIPE);
    delivered(l, id);
    assert_false(in_box(l, false)); /* not accepted: a lookup proves nothing */
    answered(l, id, 200);
    assert_action(l, id, "active");
    assert_int_equal(count(l, MANAGED, mdm), 1);
    assert_true(in_box(l, false));
    assert_action(l, id, "done");
    assert_action(l, restart, "cancelled");
    assert_action(l, logs, "failed");
    assert_word(l, "reset");
    assert_int_equal(count(l, MANAGED, mdm), 0);
    assert_int_equal(count(l, JOINED, pc), 0);
    assert_int_equal(count(l, GOOD_CERTIFICATES, mdm), 0);
    assert_int_equal(events(l, "device.wiped"), 1);
    assert_false(in_box(l, true)); /* once */
    assert_int_equal(events(l, "device.wiped"), 1);
}

static void wipe_settles(void **state)
{
    struct life *l = *state;
    const char *id = under_way(l, TD_ACTION_WIPE);
    l->env.now += 23 * TD_HOUR;
    assert_int_equal(overdue(l), 0);
    l->env.now += 61 * TD_MINUTE;
    assert_int_equal(overdue(l), 1);
    assert_action(l, id, "done");
    assert_int_equal(count(l, MANAGED, mdm), 0);
}

/* A tenant that waits less than others is not kept waiting with them. */
static void wipe_settles_sooner(void **state)
{
    struct life *l = *state;
    const char *id = under_way(l, TD_ACTION_WIPE);
    set(l, "wipe-settles", "2");
    l->env.now += TD_HOUR;
    assert_int_equal(overdue(l), 0);
    l->env.now += 61 * TD_MINUTE;
    assert_int_equal(overdue(l), 1);
    assert_action(l, id, "done");
}

/* Who comes back on the old enrolment was not wiped: the door fails it, not the clock. */
static void wipe_does_not_settle(void **state)
{
    struct life *l = *state;
    const char *id = under_way(l, TD_ACTION_WIPE);
    set(l, "wipe-settles", "1");
    l->env.now += 20 * TD_MINUTE;
    life_write(l, session);
    l->env.now += 2 * TD_HOUR;
    assert_int_equal(overdue(l), 0);
    struct deed d = {
        .l = l, .id = id, .state = TD_ACT_FAILED, .why = {.hresult = 0x800704C7, .text = "it rolled back"}};
    deed(&d, finish_fn);
    assert_action(l, id, "failed");
    assert_int_equal(count(l, MANAGED, mdm), 1);
    assert_word(l, "ready");
}

static void retires(void **state)
{
    struct life *l = *state;
    const char *id = ask(l, TD_ACTION_RETIRE);
    delivered(l, id);
    answered(l, id, 200);
    assert_action(l, id, "done");
    assert_word(l, "retired");
    assert_int_equal(count(l, MANAGED, mdm), 0);
    assert_int_equal(count(l, JOINED, pc), 0);
    assert_int_equal(count(l, GOOD_CERTIFICATES, mdm), 0);
}

/* Delivered, cut, delivered once more the day after, and then nothing: what counts is when it was last seen. */
static void a_lost_goodbye_settles(void **state)
{
    struct life *l = *state;
    const char *id = ask(l, TD_ACTION_RETIRE);
    delivered(l, id);
    l->env.now += 20 * TD_HOUR;
    life_write(l, session);
    l->env.now += 23 * TD_HOUR;
    assert_int_equal(overdue(l), 0);
    assert_action(l, id, "active");
    l->env.now += 61 * TD_MINUTE;
    assert_int_equal(overdue(l), 1);
    assert_action(l, id, "done");
    assert_int_equal(count(l, MANAGED, mdm), 0);
    assert_word(l, "retired");
}

static enum td_code managed_end_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct deed *d = ctx;
    return td_managed_end(tx, d->l->tenant, mdm, "", boss, err);
}

static void deletes_the_record(void **state)
{
    struct life *l = *state;
    struct deed d = {.l = l};
    deed(&d, managed_end_fn);
    assert_int_equal(count(l, MANAGED, mdm), 0);
    assert_int_equal(count(l, GOOD_CERTIFICATES, mdm), 0);
    assert_int_equal(count(l, JOINED, pc), 1); /* another one's to delete (graph-api.md 3.4) */
    assert_int_equal(events(l, "device.unenrolled"), 1);
    d.want = TD_ENOTFOUND;
    deed(&d, managed_end_fn);
}

static void sees_a_reinstall(void **state)
{
    struct life *l = *state;
    assert_false(in_box(l, false)); /* anybody may look up */
    assert_word(l, "ready");
    assert_true(in_box(l, true));
    assert_word(l, "reset");
    assert_int_equal(count(l, MANAGED, mdm), 0);
    assert_int_equal(count(l, "SELECT COUNT(*) FROM device_action WHERE tenant = $1 AND kind = 18", NULL), 1);
    assert_int_equal(events(l, "device.wiped"), 1);
}

/* Its disk was exchanged in the middle of a reset: nothing will ever be reported. */
static void a_reset_ends_with_its_machine(void **state)
{
    struct life *l = *state;
    const char *id = under_way(l, TD_ACTION_RESET);
    assert_false(in_box(l, false));
    assert_action(l, id, "active");
    assert_true(in_box(l, true));
    assert_action(l, id, "failed");
    assert_int_equal(events(l, "device.reset"), 0);
    assert_int_equal(count(l, "SELECT COUNT(*) FROM device_action WHERE tenant = $1 AND kind = 18", NULL), 1);
    assert_word(l, "reset");
}

static void signed_in(struct td_tx *tx, struct life *l)
{
    assert_ok(td_way_happened(tx, l->tenant, pc, TD_EV_SIGNED_IN, "ada@contoso.test", "{}", NULL));
}

/* Its sign-in has begun the next deployment already: that one goes on. */
static void reinstall_in_a_deployment(void **state)
{
    struct life *l = *state;
    life_write(l, signed_in);
    assert_true(in_box(l, true));
    assert_word(l, "signed in");
    assert_int_equal(count(l, MANAGED, mdm), 0);
    assert_int_equal(events(l, "device.wiped"), 1);
    assert_int_equal(count(l, "SELECT COUNT(*) FROM deployment WHERE way_id = $1 AND state = 2", pc), 1);
}

static void enrolled_anew(struct td_tx *tx, struct life *l)
{
    life_enrol(tx, l, "mdm-9", pc, "ada@contoso.test");
}

/* An end that comes late touches nothing of what the machine has become since. */
static void late_end_touches_nothing(void **state)
{
    struct life *l = *state;
    const char *id = ask(l, TD_ACTION_RETIRE);
    delivered(l, id);
    life_write(l, enrolled_anew);
    assert_action(l, id, "active");
    l->env.now += 25 * TD_HOUR;
    assert_int_equal(overdue(l), 1);
    assert_action(l, id, "done");
    assert_word(l, "ready");
    assert_int_equal(count(l, MANAGED, "mdm-9"), 1);
    assert_int_equal(count(l, JOINED, pc), 1);
}

static void by_hand(struct td_tx *tx, struct life *l TD_UNUSED)
{
    assert_int_equal(life_count(tx, "UPDATE enrolment SET hw_dev_id = 'HW-1' WHERE id = $1 RETURNING 1", mdm), 1);
}

static void enrolled_by_hand(struct td_tx *tx, struct life *l)
{
    struct td_way_row way;
    struct td_enrolment e = {
        .id = "mdm-7", .tenant = l->tenant, .device_id = "", .registration_id = "", .way_id = "way-7"};
    e.user_id = e.user_upn = e.dm_id = e.device_name = e.device_type = e.os_version = e.os_edition = e.locale = "";
    e.type = "Full";
    e.provider = "Touchdown";
    e.hw_dev_id = "HW-1";
    e.secrets = TD_S("");
    assert_ok(td_way_add(tx, l->tenant, TD_WAY_ID, "way-7", &l->arena, &way, NULL));
    assert_ok(td_enrolment_add(tx, &e, NULL, NULL));
}

/* Wiped, then enrolled by hand under a way of its own: the hardware tells that it is the same machine. */
static void same_hardware_ends_a_wipe(void **state)
{
    struct life *l = *state;
    life_write(l, by_hand);
    const char *id = under_way(l, TD_ACTION_WIPE);
    life_write(l, enrolled_by_hand);
    assert_action(l, id, "done");
    assert_int_equal(count(l, MANAGED, mdm), 0);
    assert_int_equal(count(l, MANAGED, "mdm-7"), 1);
    assert_int_equal(count(l, JOINED, pc), 0);
    assert_int_equal(events(l, "device.wiped"), 1);
}

static enum td_code enrolment_of_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct deed *d = ctx;
    return td_action_enrolment_of(tx, d->l->tenant, d->asking.parameter, &d->l->arena, &d->id, err);
}

static void finds_the_device(void **state)
{
    struct life *l = *state;
    static const char *const keys[] = {"mdm-1", "MDM-1", "pc-1"};
    for (size_t i = 0; i < TD_COUNTOF(keys); i++) {
        struct deed d = {.l = l};
        d.asking.parameter = keys[i];
        deed(&d, enrolment_of_fn);
        assert_string_equal(d.id, mdm);
    }
    struct deed none = {.l = l, .want = TD_ENOTFOUND};
    none.asking.parameter = "SN-NONE";
    deed(&none, enrolment_of_fn);
    (void)ask(l, TD_ACTION_DELETE);
    struct deed gone = {.l = l, .want = TD_ESTATE};
    gone.asking.parameter = pc;
    deed(&gone, enrolment_of_fn);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, life_teardown)
    const struct CMUnitTest tests[] = {T(asks_once),
                                       T(syncs_with_the_next_session),
                                       T(is_known_with_the_session),
                                       T(cancels_until_delivered),
                                       T(waits_for_another_one),
                                       T(holds_the_limit),
                                       T(goes_further),
                                       T(is_not_supported),
                                       T(was_not_executed),
                                       T(resets_for_another_user),
                                       T(fails_a_reset),
                                       T(resets_at_the_lock_screen),
                                       T(resets_without_end),
                                       T(wipes_and_keeps_the_user),
                                       T(wipes_into_the_box),
                                       T(wipe_settles),
                                       T(wipe_settles_sooner),
                                       T(wipe_does_not_settle),
                                       T(a_lost_goodbye_settles),
                                       T(retires),
                                       T(deletes_the_record),
                                       T(sees_a_reinstall),
                                       T(a_reset_ends_with_its_machine),
                                       T(reinstall_in_a_deployment),
                                       T(late_end_touches_nothing),
                                       T(same_hardware_ends_a_wipe),
                                       T(finds_the_device)};
    return cmocka_run_group_tests_name("action", tests, NULL, NULL);
}
