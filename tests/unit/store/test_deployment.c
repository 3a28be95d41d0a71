/* store/deployment: the report of each run, as the way's events make it (autopilot.md 6.4). */
#include "store/deployment.h"
#include "store/tenant.h"
#include "unit/store/folder.h"

#include <string.h>

struct box {
    char dir[FOLDER_NAME];
    struct td_env_fixed env;
    struct td_store *store;
    struct td_arena arena;
    const char *tenant;
};

static enum td_code add_way(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct box *b = ctx;
    struct td_tenant t;
    struct td_way_row row;
    td_try(td_tenant_add(tx, "contoso.test", NULL, &b->arena, &t, err));
    b->tenant = t.id;
    return td_way_add(tx, b->tenant, TD_WAY_ID, "w1", &b->arena, &row, err);
}

static int setup(void **state)
{
    struct box *b = td_new(struct box);
    b->store = folder_store(b->dir, &b->env);
    td_arena_init(&b->arena);
    assert_ok(td_store_write(b->store, add_way, b, NULL));
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct box *b = *state;
    folder_gone(b->dir, b->store);
    td_arena_done(&b->arena);
    td_free(b);
    return 0;
}

struct call {
    struct box *box;
    enum td_way_event event;
    const char *detail;
    size_t ended;
    const char *text;
};

static enum td_code step(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct call *c = ctx;
    return td_way_happened(tx, c->box->tenant, "w1", c->event, "test", c->detail, err);
}

static enum td_code seen(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct call *c = ctx;
    return td_way_seen(tx, c->box->tenant, "w1", err);
}

static enum td_code overdue(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct call *c = ctx;
    return td_deployment_overdue(tx, 10, &c->ended, err);
}

/* One run a line: state, the states of enrolment, device and account, then the minutes at which it reached each time.
 */
static enum td_code runs(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct call *c = ctx;
    struct td_rows r;
    const char *text = "";
    td_try(
        td_sql_query(tx, &r, err,
                     "SELECT state, enrolment_state, device_state, account_state, started_at, enrolled_at, device_at,"
                     " device_done_at, account_at, ended_at FROM deployment WHERE tenant = $1 ORDER BY started_at",
                     "s", c->box->tenant));
    while (td_rows_next(&r)) {
        text = td_arena_printf(&c->box->arena, "%s%d %d%d%d", text, (int)td_col_int(&r, 0), (int)td_col_int(&r, 1),
                               (int)td_col_int(&r, 2), (int)td_col_int(&r, 3));
        for (int i = 4; i < 10; i++) {
            int64_t at = td_col_int(&r, i);
            text = td_arena_printf(&c->box->arena, "%s %d", text,
                                   at == 0 ? -1 : (int)((at - INT64_C(1893553445) * TD_SECOND) / TD_MINUTE));
        }
        text = td_arena_printf(&c->box->arena, "%s\n", text);
    }
    c->text = text;
    return td_rows_done(&r, err);
}

/* Each event a minute behind the one before. */
static void happen(struct box *b, const enum td_way_event *events)
{
    for (; *events != TD_EV_COUNT; events++) {
        struct td_error err = {0};
        struct call c = {.box = b, .event = *events, .detail = "{\"code\":\"0x80070643\"}"};
        b->env.now += TD_MINUTE;
        if (td_store_write(b->store, step, &c, &err) != TD_OK)
            fail_msg("%s: %s", td_way_event_word(*events), err.text);
    }
}

static void assert_runs(struct box *b, const char *want)
{
    struct call c = {.box = b};
    assert_ok(td_store_read(b->store, runs, &c, NULL));
    assert_string_equal(c.text, want);
}

#define HAPPEN(b, ...) happen((b), (const enum td_way_event[]){__VA_ARGS__, TD_EV_COUNT})

static void straight(void **state)
{
    struct box *b = *state;
    HAPPEN(b, TD_EV_REGISTERED, TD_EV_CONTACTED);
    assert_runs(b, "2 455 2 -1 -1 -1 -1 -1\n");
    HAPPEN(b, TD_EV_SIGNED_IN, TD_EV_JOINED, TD_EV_ENROLLED, TD_EV_DEVICE_SETUP);
    assert_runs(b, "2 125 2 5 6 -1 -1 -1\n");
    HAPPEN(b, TD_EV_DEVICE_DONE, TD_EV_ACCOUNT_SETUP, TD_EV_READY);
    assert_runs(b, "1 111 2 5 6 7 8 9\n");
    HAPPEN(b, TD_EV_CONTACTED_NONE, TD_EV_FAILED); /* later on: nothing of the run's */
    assert_runs(b, "1 111 2 5 6 7 8 9\n");
    HAPPEN(b, TD_EV_WIPED, TD_EV_CONTACTED);
    assert_runs(b, "1 111 2 5 6 7 8 9\n2 455 13 -1 -1 -1 -1 -1\n");
}

/* autopilot.md 3.3: no account phase, and an attestation begins as a sign-in does. */
static void without_a_user(void **state)
{
    struct box *b = *state;
    HAPPEN(b, TD_EV_CONTACTED, TD_EV_ATTESTED, TD_EV_JOINED, TD_EV_ENROLLED, TD_EV_DEVICE_SETUP, TD_EV_DEVICE_DONE);
    assert_runs(b, "2 115 1 4 5 6 -1 -1\n");
    HAPPEN(b, TD_EV_READY);
    assert_runs(b, "1 116 1 4 5 6 -1 7\n");
    HAPPEN(b, TD_EV_ATTESTED, TD_EV_JOINED); /* installed anew by hand */
    assert_runs(b, "1 116 1 4 5 6 -1 7\n2 455 8 -1 -1 -1 -1 -1\n");
    HAPPEN(b, TD_EV_ENROLLED, TD_EV_DEVICE_SETUP, TD_EV_ATTESTED); /* killed, wiped by hand, begun anew */
    assert_runs(b, "1 116 1 4 5 6 -1 7\n2 455 8 -1 -1 -1 -1 -1\n");
}

/* autopilot.md 3.4, 6.4: two runs, and the time on the shelf is in neither. */
static void provisioned_for_its_user(void **state)
{
    struct box *b = *state;
    HAPPEN(b, TD_EV_CONTACTED, TD_EV_ATTESTED, TD_EV_JOINED, TD_EV_ENROLLED, TD_EV_DEVICE_SETUP, TD_EV_DEVICE_DONE,
           TD_EV_PROVISIONED);
    assert_runs(b, "1 116 1 4 5 6 -1 7\n");
    HAPPEN(b, TD_EV_UNJOINED, TD_EV_CONTACTED, TD_EV_SIGNED_IN, TD_EV_JOINED);
    assert_runs(b, "1 116 1 4 5 6 -1 7\n2 455 10 -1 -1 -1 -1 -1\n");
    HAPPEN(b, TD_EV_DEVICE_SETUP, TD_EV_DEVICE_DONE, TD_EV_ACCOUNT_SETUP, TD_EV_READY);
    assert_runs(b, "1 116 1 4 5 6 -1 7\n1 111 10 12 12 13 14 15\n");
}

static void wiped_on_the_shelf(void **state)
{
    struct box *b = *state;
    HAPPEN(b, TD_EV_CONTACTED, TD_EV_ATTESTED, TD_EV_JOINED, TD_EV_ENROLLED, TD_EV_DEVICE_SETUP, TD_EV_DEVICE_DONE,
           TD_EV_PROVISIONED, TD_EV_WIPED);
    assert_runs(b, "1 116 1 4 5 6 -1 7\n");
}

/* The status page runs once more on the enrolment that was kept (autopilot.md 3.8): a run of its own, ready anew. */
static void reset_in_place(void **state)
{
    struct box *b = *state;
    HAPPEN(b, TD_EV_CONTACTED, TD_EV_SIGNED_IN, TD_EV_ENROLLED, TD_EV_DEVICE_SETUP, TD_EV_READY);
    assert_runs(b, "1 116 1 3 4 5 -1 5\n");
    HAPPEN(b, TD_EV_RESET);
    assert_runs(b, "1 116 1 3 4 5 -1 5\n2 155 6 6 -1 -1 -1 -1\n");
    HAPPEN(b, TD_EV_DEVICE_SETUP, TD_EV_DEVICE_DONE, TD_EV_ACCOUNT_SETUP, TD_EV_READY);
    assert_runs(b, "1 116 1 3 4 5 -1 5\n1 111 6 6 7 8 9 10\n");
}

/* In the midst of a deployment: that one never ended well, the next begins. Twice in turn: two runs. */
static void reset_in_the_midst(void **state)
{
    struct box *b = *state;
    HAPPEN(b, TD_EV_CONTACTED, TD_EV_SIGNED_IN, TD_EV_ENROLLED, TD_EV_DEVICE_SETUP, TD_EV_RESET);
    assert_runs(b, "3 135 1 3 4 -1 -1 5\n2 155 5 5 -1 -1 -1 -1\n");
    HAPPEN(b, TD_EV_DEVICE_SETUP, TD_EV_FAILED, TD_EV_RESET);
    assert_runs(b, "3 135 1 3 4 -1 -1 5\n3 135 5 5 6 -1 -1 7\n2 155 8 8 -1 -1 -1 -1\n");
    HAPPEN(b, TD_EV_RETIRED);
    assert_runs(b, "3 135 1 3 4 -1 -1 5\n3 135 5 5 6 -1 -1 7\n3 155 8 8 -1 -1 -1 9\n");
}

/* What 'Try again' mends is the same run, and says so (graph-api.md 5.9). */
static void tried_again(void **state)
{
    struct box *b = *state;
    HAPPEN(b, TD_EV_CONTACTED, TD_EV_SIGNED_IN, TD_EV_ENROLLED, TD_EV_DEVICE_SETUP, TD_EV_FAILED);
    assert_runs(b, "3 135 1 3 4 -1 -1 5\n");
    HAPPEN(b, TD_EV_DEVICE_DONE);
    assert_runs(b, "2 175 1 3 4 6 -1 -1\n");
    HAPPEN(b, TD_EV_READY);
    assert_runs(b, "7 176 1 3 4 6 -1 7\n");
}

static void went_on_after_time_out(void **state)
{
    struct box *b = *state;
    struct call c = {.box = b, .event = TD_EV_FAILED, .detail = "{\"code\":\"0x800705b4\"}"};
    HAPPEN(b, TD_EV_CONTACTED, TD_EV_SIGNED_IN, TD_EV_ENROLLED, TD_EV_DEVICE_SETUP, TD_EV_DEVICE_DONE,
           TD_EV_ACCOUNT_SETUP);
    assert_ok(td_store_write(b->store, step, &c, NULL));
    assert_runs(b, "3 113 1 3 4 5 6 6\n");
    HAPPEN(b, TD_EV_READY);
    assert_runs(b, "4 117 1 3 4 5 6 7\n");
}

static void began_anew(void **state)
{
    struct box *b = *state;
    HAPPEN(b, TD_EV_CONTACTED, TD_EV_SIGNED_IN, TD_EV_ENROLLED, TD_EV_DEVICE_SETUP, TD_EV_SIGNED_IN);
    assert_runs(b, "2 455 1 -1 -1 -1 -1 -1\n");
    HAPPEN(b, TD_EV_ENROLLED, TD_EV_UNENROLLED);
    assert_runs(b, "3 155 1 6 -1 -1 -1 7\n");
}

/* Pre-provisioning ends on the shelf (autopilot.md 3.4). */
static void shelf(void **state)
{
    struct box *b = *state;
    HAPPEN(b, TD_EV_CONTACTED, TD_EV_SIGNED_IN, TD_EV_JOINED, TD_EV_ENROLLED, TD_EV_DEVICE_SETUP, TD_EV_DEVICE_DONE,
           TD_EV_UNJOINED);
    assert_runs(b, "1 115 1 4 5 6 -1 7\n");
}

/* Enrolled elsewhere: the run ends with what we do for it, and a lookup begins no other one. */
static void handed_over(void **state)
{
    struct box *b = *state;
    struct call c = {.box = b};
    HAPPEN(b, TD_EV_CONTACTED, TD_EV_SIGNED_IN, TD_EV_JOINED, TD_EV_HANDED_OVER);
    assert_runs(b, "1 466 1 -1 -1 -1 -1 4\n");
    HAPPEN(b, TD_EV_CONTACTED, TD_EV_JOINED, TD_EV_HANDED_OVER);
    b->env.now += 2 * TD_RUN_SILENCE;
    assert_ok(td_store_write(b->store, overdue, &c, NULL));
    assert_int_equal(c.ended, 0);
    assert_runs(b, "1 466 1 -1 -1 -1 -1 4\n");
    HAPPEN(b, TD_EV_UNJOINED); /* the service of others keeps it; ours ended well */
    assert_runs(b, "1 466 1 -1 -1 -1 -1 4\n");
}

/* Given up as silent before it came for its token after all. */
static void handed_over_late(void **state)
{
    struct box *b = *state;
    struct call c = {.box = b};
    HAPPEN(b, TD_EV_CONTACTED, TD_EV_SIGNED_IN, TD_EV_JOINED);
    b->env.now += TD_RUN_SILENCE + TD_MINUTE;
    assert_ok(td_store_write(b->store, overdue, &c, NULL));
    assert_int_equal(c.ended, 1);
    assert_runs(b, "3 355 1 -1 -1 -1 -1 1504\n");
    HAPPEN(b, TD_EV_HANDED_OVER);
    assert_runs(b, "7 466 1 -1 -1 -1 -1 1505\n");
}

static void silence_ends(void **state)
{
    struct box *b = *state;
    struct call c = {.box = b};
    HAPPEN(b, TD_EV_CONTACTED, TD_EV_SIGNED_IN, TD_EV_ENROLLED, TD_EV_DEVICE_SETUP);
    b->env.now += TD_RUN_SILENCE;
    assert_ok(td_store_write(b->store, overdue, &c, NULL));
    assert_int_equal(c.ended, 0);
    assert_ok(td_store_write(b->store, seen, &c, NULL));
    b->env.now += TD_RUN_SILENCE;
    assert_ok(td_store_write(b->store, overdue, &c, NULL));
    assert_int_equal(c.ended, 0); /* it was heard of since */
    b->env.now += TD_MINUTE;
    assert_ok(td_store_write(b->store, overdue, &c, NULL));
    assert_int_equal(c.ended, 1);
    assert_runs(b, "3 135 1 3 4 -1 -1 3005\n");
    HAPPEN(b, TD_EV_READY); /* it came back after all */
    assert_runs(b, "7 176 1 3 4 3006 -1 3006\n");
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {T(straight),
                                       T(tried_again),
                                       T(went_on_after_time_out),
                                       T(began_anew),
                                       T(shelf),
                                       T(silence_ends),
                                       T(handed_over),
                                       T(handed_over_late),
                                       T(reset_in_place),
                                       T(reset_in_the_midst),
                                       T(without_a_user),
                                       T(provisioned_for_its_user),
                                       T(wiped_on_the_shelf)};
    return cmocka_run_group_tests_name("deployment", tests, NULL, NULL);
}
