/* device/disk: what the box holds, what people leave, which part a thing belongs to. */
#include "device/hardware.h"
#include "unit/device/reset_world.h"

static void empty_open(struct reset_world *w)
{
    world_open(w);
    for (size_t i = 0; i < TD_COUNTOF(things); i++)
        if (things[i].where == TD_DISK_FILE && td_starts(td_str(things[i].name), "disk/"))
            (void)unlink(world_path(w, things[i].name));
}

static void the_box(void **state TD_UNUSED)
{
    struct reset_world w;
    struct td_hardware hw = {.recovery = true, .oem_apps = {"Bloat", "Trial of Everything"}};
    empty_open(&w);
    assert_false(td_disk_has_recovery(&w.dev));
    assert_ok(td_disk_prepare(&w.dev, &hw, NULL));
    assert_true(td_disk_has_recovery(&w.dev));
    struct td_disk_list list = world_state(&w);
    assert_non_null(world_find(&list, TD_DISK_FILE, "disk/apps/oem/Bloat.app"));
    assert_non_null(world_find(&list, TD_DISK_FILE, "disk/apps/oem/Trial%20of%20Everything.app"));
    /* what was removed does not come back by itself */
    (void)unlink(world_path(&w, "disk/apps/oem/Bloat.app"));
    (void)unlink(world_path(&w, "disk/recovery/winre.wim"));
    assert_ok(td_disk_prepare(&w.dev, &hw, NULL));
    assert_false(td_disk_has_recovery(&w.dev));
    assert_false(td_file_exists(world_path(&w, "disk/apps/oem/Bloat.app")));
    world_close(&w);

    empty_open(&w);
    hw.recovery = false;
    assert_ok(td_disk_prepare(&w.dev, &hw, NULL));
    assert_false(td_disk_has_recovery(&w.dev));
    world_close(&w);
}

static void hardware_file_says_what_is_in_the_box(void **state TD_UNUSED)
{
    static const struct {
        const char *json, *wrong;
    } rows[] = {
        {"{\"oemApps\":[\"A\",\"B\"],\"recovery\":false,\"power\":\"battery\"}", NULL},
        {"{\"oemApps\":\"A\"}", "oemApps"},
        {"{\"oemApps\":[\"\"]}", "oemApps"},
        {"{\"oemApps\":[\"../../x\"]}", "oemApps"},
        {"{\"oemApps\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]}", "oemApps"},
        {"{\"recovery\":\"no\"}", "recovery"},
        {"{\"power\":\"sun\"}", "power"},
    };
    struct reset_world w;
    struct td_hardware hw = {0};
    world_open(&w);
    assert_ok(td_hardware_of(&w.dev, &w.a, &hw, NULL));
    assert_true(hw.recovery && !hw.battery && hw.oem_apps[0] == NULL);
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_error err = {0};
        world_write(&w, "hardware.json", td_str(rows[i].json));
        enum td_code rc = td_hardware_of(&w.dev, &w.a, &hw, &err);
        if (rows[i].wrong == NULL) {
            assert_ok(rc);
            assert_true(!hw.recovery && hw.battery);
            assert_string_equal(hw.oem_apps[1], "B");
            assert_null(hw.oem_apps[2]);
            continue;
        }
        assert_int_equal(rc, TD_EINVAL);
        assert_string_equal(err.where, rows[i].wrong);
    }
    world_close(&w);
}

/* Of every part that belongs to people something is there afterwards, and all of it can be found by the name. */
static void people_leave_traces(void **state TD_UNUSED)
{
    static const enum td_part parts[] = {TD_PART_ACCOUNTS, TD_PART_PROFILES,  TD_PART_FILES,
                                         TD_PART_DATA,     TD_PART_USER_APPS, TD_PART_SETTINGS};
    struct reset_world w;
    empty_open(&w);
    struct td_disk_list before = world_state(&w);
    assert_ok(td_disk_use(&w.dev, "grace@contoso.test", NULL));
    struct td_disk_list after = world_state(&w);
    uint32_t seen = 0;
    for (size_t i = 0; i < after.count; i++)
        if (world_find(&before, after.v[i].where, after.v[i].name) == NULL)
            seen |= after.v[i].parts;
    for (size_t i = 0; i < TD_COUNTOF(parts); i++)
        if ((seen >> parts[i] & 1) == 0)
            fail_msg("nothing of %s", td_part_word(parts[i]));
    size_t made = after.count - before.count;
    assert_true(world_grep(&w, "grace") >= (int)made);
    assert_ok(td_disk_use(&w.dev, "grace@contoso.test", NULL));
    struct td_disk_list again = world_state(&w);
    assert_same(&after, &again, "used again");
    world_close(&w);
}

static void encrypts_where_there_is_a_tpm(void **state TD_UNUSED)
{
    struct reset_world w;
    empty_open(&w);
    assert_ok(td_disk_sign_in(&w.dev, "grace@contoso.test", NULL));
    assert_false(td_file_exists(world_path(&w, "disk/bitlocker.json")));
    world_write(&w, "hardware.json", TD_S("{\"machine\":false,\"serial\":\"4711\",\"tpmVersion\":\"2.0\"}"));
    assert_ok(td_disk_sign_in(&w.dev, "grace@contoso.test", NULL));
    struct td_disk_list first = world_state(&w);
    assert_non_null(world_find(&first, TD_DISK_FILE, "disk/bitlocker.json"));
    assert_ok(td_disk_sign_in(&w.dev, "grace@contoso.test", NULL));
    struct td_disk_list again = world_state(&w);
    assert_same(&first, &again, "signed in again");
    world_close(&w);
}

static void names_lead_nowhere_else(void **state TD_UNUSED)
{
    struct reset_world w;
    char longest[200];
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    world_open(&w);
    assert_int_equal(td_disk_use(&w.dev, "", NULL), TD_EINVAL);
    assert_int_equal(td_disk_use(&w.dev, "../../etc", NULL), TD_EINVAL);
    assert_int_equal(td_disk_use(&w.dev, longest, NULL), TD_EINVAL);
    assert_int_equal(td_disk_use(&w.dev, "a\xff", NULL), TD_EINVAL);
    assert_ok(td_disk_sign_in(&w.dev, "a/../../b", NULL));
    assert_true(td_file_exists(world_path(&w, "disk/users/a%2F..%2F..%2Fb/account.json")));
    assert_ok(td_disk_package(&w.dev, "new.ppkg", TD_S("content"), NULL));
    assert_true(td_file_exists(world_path(&w, "disk/packages/new.ppkg")));
    assert_int_equal(td_disk_package(&w.dev, "new.zip", TD_S("content"), NULL), TD_EINVAL);
    assert_int_equal(td_disk_package(&w.dev, ".ppkg", TD_S("content"), NULL), TD_EINVAL);
    world_close(&w);
}

/* A '*' inside a pattern ends at the next '/', and the first row wins. */
static void parts_by_pattern(void **state TD_UNUSED)
{
    static const struct {
        const char *file;
        int part; /* -1: never goes */
    } rows[] = {
        {"disk/users/a/b/account.json", TD_PART_PROFILES},
        {"disk/users/a/account.json", TD_PART_ACCOUNTS},
        {"disk/users/a/files/account.json", TD_PART_FILES},
        {"disk/users/a/filesystem", TD_PART_PROFILES},
        {"disk/apps/managed/x.app", TD_PART_MANAGED_APPS},
        {"disk/anything/else", TD_PART_DATA},
        {"disk/recovery/winre.wim", -1},
        {"mdm.chain.pem", TD_PART_ENROLMENT},
        {"mdm.a/b.pem", TD_PART_SETTINGS},
        {"state.json.AbC123", TD_PART_SETTINGS},
        {"hardware.json", -1},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        assert_int_equal(td_disk_parts(TD_DISK_FILE, rows[i].file), rows[i].part < 0 ? 0 : 1u << rows[i].part);
    assert_int_equal(td_disk_parts(TD_DISK_STATE, "servers"), 1u << TD_PART_SETTINGS);
    assert_int_equal(td_disk_parts(TD_DISK_STATE, "profile"), 1u << TD_PART_SETTINGS);
}

static void tells_no_secret(void **state TD_UNUSED)
{
    struct reset_world w;
    world_open(&w);
    struct td_disk_list list = world_state(&w);
    for (size_t i = 0; i < list.count; i++)
        if (strstr(list.v[i].value, "Helper-1-Password") != NULL || strcmp(list.v[i].value, "prt") == 0)
            fail_msg("%s tells its secret", list.v[i].name);
    assert_int_equal(strlen(world_find(&list, TD_DISK_STATE, "prt.token")->value), 64);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_box),
        cmocka_unit_test(hardware_file_says_what_is_in_the_box),
        cmocka_unit_test(people_leave_traces),
        cmocka_unit_test(encrypts_where_there_is_a_tpm),
        cmocka_unit_test(names_lead_nowhere_else),
        cmocka_unit_test(parts_by_pattern),
        cmocka_unit_test(tells_no_secret),
    };
    return cmocka_run_group_tests_name("disk", tests, NULL, worlds_done);
}
