/* device/state: named texts that survive a kill. */
#include "base/file.h"
#include "device/device.h"
#include "unit/test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static int make_dir(void **state TD_UNUSED)
{
    (void)snprintf(dir, sizeof(dir), "/tmp/td-state-XXXXXX");
    return mkdtemp(dir) == NULL;
}

static int remove_dir(void **state TD_UNUSED)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/state.json", dir);
    (void)unlink(path);
    return rmdir(dir);
}

static struct td_device_state *open_state(void)
{
    struct td_device_state *s = NULL;
    assert_ok(td_state_open(dir, &s, NULL));
    return s;
}

static void survives(void **state TD_UNUSED)
{
    struct td_device_state *s = open_state();
    assert_null(td_state_get(s, "join.device_id"));
    td_state_set(s, "join.device_id", "44444444-0000-4000-8000-000000000001");
    td_state_set(s, "gone", "x");
    td_state_set(s, "gone", NULL);
    td_state_set(s, "never", NULL);
    td_state_set_int(s, "n", -7);
    assert_ok(td_state_save(s, NULL));
    td_state_set(s, "unsaved", "x");
    td_state_close(s);
    s = open_state();
    assert_string_equal(td_state_get(s, "join.device_id"), "44444444-0000-4000-8000-000000000001");
    assert_null(td_state_get(s, "gone"));
    assert_null(td_state_get(s, "unsaved"));
    assert_int_equal(td_state_int(s, "n", 0), -7);
    assert_int_equal(td_state_int(s, "join.device_id", 5), 5);
    const char *key, *value;
    assert_true(td_state_at(s, 1, &key, &value));
    assert_string_equal(key, "n");
    assert_false(td_state_at(s, 2, &key, &value));
    td_state_close(s);
}

static void is_private(void **state TD_UNUSED)
{
    struct td_device_state *s = open_state();
    assert_ok(td_state_save(s, NULL));
    td_state_close(s);
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/state.json", dir);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void sets_from_itself(void **state TD_UNUSED)
{
    struct td_device_state *s = open_state();
    td_state_set(s, "a", "value");
    td_state_set(s, "a", td_state_get(s, "a"));
    assert_string_equal(td_state_get(s, "a"), "value");
    td_state_close(s);
}

static void refuses_foreign_files(void **state TD_UNUSED)
{
    static const char *const bad[] = {"", "[]", "{\"a\":1}", "{\"a\":\"x\"", "{\"a\":null}"};
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/state.json", dir);
    for (size_t i = 0; i < TD_COUNTOF(bad); i++) {
        struct td_device_state *s = NULL;
        assert_ok(td_file_write(path, td_str(bad[i]), 0600, NULL));
        struct td_error err = {0};
        assert_int_equal(td_state_open(dir, &s, &err), TD_EFORMAT);
        assert_string_equal(err.where, "state.json");
        assert_string_equal(err.remedy, TD_STATE_DAMAGED);
        assert_null(s);
    }
}

static void sweeps_what_a_kill_left(void **state TD_UNUSED)
{
    static const struct {
        const char *name;
        bool stays;
    } rows[] = {{"state.json.aB3xYz", false}, {"mdm.key.pem.000000", false}, {"state.json", true},
                {"csp.json.copy", true},      {"notes.abcdef", true},        {"x.json.abc_ef", true}};
    char path[160];
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, rows[i].name);
        assert_ok(td_file_write(path, TD_S("{}"), 0600, NULL));
    }
    td_state_sweep(dir);
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, rows[i].name);
        assert_int_equal(td_file_exists(path), rows[i].stays);
        (void)unlink(path);
    }
}

static void keep_line(void *ctx, const char *line)
{
    (void)snprintf(ctx, 512, "%s", line);
}

static void says_one_line(void **state TD_UNUSED)
{
    char got[512];
    struct td_device dev = {.say = keep_line, .say_ctx = got};
    td_device_say(&dev, "page", "sign-in: %s", "Con\ntoso\x1b[2J");
    assert_string_equal(got, "page     sign-in: Con toso [2J");
}

static void waits_within_the_deadline(void **state TD_UNUSED)
{
    struct td_env_fixed world;
    td_env_fixed_init(&world, 1000, 1);
    struct td_device dev = {.env = &world.env, .pace = 60};
    assert_ok(td_device_wait(&dev, TD_MINUTE, NULL));
    assert_int_equal(world.now, 1000 + TD_SECOND);
    dev.deadline = td_monotonic() + TD_HOUR;
    assert_ok(td_device_wait(&dev, TD_MINUTE, NULL));
    assert_int_equal(td_device_wait(&dev, 61 * TD_HOUR, NULL), TD_EEXPIRED);
    assert_int_equal(world.now, 1000 + 2 * TD_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(survives, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(is_private, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(sets_from_itself, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(refuses_foreign_files, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(sweeps_what_a_kill_left, make_dir, remove_dir),
        cmocka_unit_test(says_one_line),
        cmocka_unit_test(waits_within_the_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
