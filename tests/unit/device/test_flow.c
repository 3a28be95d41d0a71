/* device/flow_walk: steps stay done over kills, wait for a service that is away, and end in time. */
#include "unit/device/stage.h"

static struct stage s;
static int first_runs, second_runs, away;
static enum td_code second_result;
static bool memory; /* what a skipping step keeps in the process only */

static enum td_code first(struct td_flow *f, struct td_error *err)
{
    first_runs++;
    return td_flow_keep(f, "first", "done", err);
}

static enum td_code second(struct td_flow *f, struct td_error *err)
{
    second_runs++;
    assert_string_equal(td_flow_get(f, "first"), "done");
    if (away-- > 0) {
        f->retry_after = away == 0 ? 10 * TD_MINUTE : 0;
        return td_fail(err, TD_EUNAVAILABLE, "second", "nobody there");
    }
    memory = second_result == TD_OK;
    return second_result != TD_OK ? td_fail(err, second_result, "second", "no") : TD_OK;
}

static bool skip_second(const struct td_flow *f TD_UNUSED)
{
    return memory;
}

static const struct td_step steps[] = {
    {"first", first, NULL, false},
    {"second", second, skip_second, false},
};

static enum td_code walk(struct td_error *err)
{
    return td_flow_walk(&s.flow, steps, TD_COUNTOF(steps), err);
}

static int begin(void **state TD_UNUSED)
{
    first_runs = second_runs = away = 0;
    second_result = TD_OK;
    memory = false;
    stage_open(&s, NULL);
    return 0;
}

static int end(void **state TD_UNUSED)
{
    stage_close(&s);
    return 0;
}

static void kill_it(void)
{
    td_state_close(s.dev.state);
    assert_ok(td_state_open(s.dir, &s.dev.state, NULL));
    memory = false;
}

static void goes_on_after_a_kill(void **state TD_UNUSED)
{
    assert_ok(walk(NULL));
    kill_it();
    assert_ok(walk(NULL));
    assert_int_equal(first_runs, 1);
    assert_int_equal(second_runs, 2); /* lived in memory only */
    assert_ok(walk(NULL));
    assert_int_equal(second_runs, 2);
}

static void goes_on_after_a_failure(void **state TD_UNUSED)
{
    struct td_error err = {0};
    second_result = TD_EDENIED;
    assert_int_equal(walk(&err), TD_EDENIED);
    assert_string_equal(err.text, "no");
    kill_it();
    second_result = TD_OK;
    assert_ok(walk(NULL));
    assert_int_equal(first_runs, 1);
}

static void waits_ever_longer(void **state TD_UNUSED)
{
    int64_t before = s.world.now;
    away = 4; /* 1, 2, 4 s, then what the service asked for */
    s.dev.pace = 10;
    assert_ok(walk(NULL));
    assert_int_equal(second_runs, 5);
    assert_int_equal(s.world.now - before, (7 * TD_SECOND + 10 * TD_MINUTE) / 10);
    assert_true(stage_said(&s, "wait     second: nobody there"));
}

static void ends_in_time(void **state TD_UNUSED)
{
    struct td_error err = {0};
    away = 1000;
    s.dev.deadline = td_monotonic() + 20 * TD_SECOND;
    assert_int_equal(walk(&err), TD_EEXPIRED);
    assert_string_equal(err.where, "time-out");
    assert_int_equal(err.hresult, 0x800705b4);
    assert_non_null(strstr(err.text, "second: nobody there"));
    assert_int_equal(second_runs, 6); /* 1 + 2 + 4 + 8 + 16 on the fixed clock: each pause alone is below 20 s */
    s.dev.deadline = td_monotonic() - 1;
    assert_int_equal(walk(&err), TD_EEXPIRED);
    assert_int_equal(second_runs, 6);
}

static void stamps_begin_once(void **state TD_UNUSED)
{
    second_result = TD_EDENIED;
    assert_int_equal(walk(NULL), TD_EDENIED);
    int64_t begun = td_state_int(s.dev.state, "begin.second", 0);
    assert_int_equal(begun, s.world.now);
    s.world.now += TD_HOUR;
    second_result = TD_OK;
    assert_ok(walk(NULL));
    assert_int_equal(td_state_int(s.dev.state, "begin.second", 0), begun);
    assert_int_equal(td_state_int(s.dev.state, "end.second", 0), begun + TD_HOUR);
}

static void makes_a_key_once(void **state TD_UNUSED)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *a = NULL;
    TD_CLEANUP(td_key_cleanup) struct td_key *b = NULL;
    TD_CLEANUP(td_key_cleanup) struct td_key *c = NULL;
    assert_ok(td_flow_key(&s.flow, "device.key.pem", &a, NULL));
    assert_ok(td_flow_key(&s.flow, "device.key.pem", &b, NULL));
    assert_ok(td_flow_key(&s.flow, "transport.key.pem", &c, NULL));
    assert_true(td_key_same_public(a, b));
    assert_false(td_key_same_public(a, c));
    assert_int_equal(td_key_bits(a), 2048);
    /* Joined with it: another would never match what the directory knows. */
    struct td_error err = {0};
    td_key_cleanup(&b);
    b = NULL;
    td_state_set(s.dev.state, "end.join", "1");
    assert_int_equal(unlink(td_device_path(&s.dev, &s.arena, "device.key.pem")), 0);
    assert_int_equal(td_flow_key(&s.flow, "device.key.pem", &b, &err), TD_ENOTFOUND);
    assert_string_equal(err.where, "device.key.pem");
    assert_ok(td_flow_key(&s.flow, "mdm.key.pem", &b, NULL));
}

#define STAGED(t) cmocka_unit_test_setup_teardown(t, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(goes_on_after_a_kill), STAGED(goes_on_after_a_failure), STAGED(waits_ever_longer),
        STAGED(ends_in_time),         STAGED(stamps_begin_once),       STAGED(makes_a_key_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
