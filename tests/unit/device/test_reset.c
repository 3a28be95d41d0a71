/* device/reset: each action carried out on a whole device and compared with the matrix; what is reported; the lock
 * screen. The power is in test_reset_power. */
#include "unit/device/reset_world.h"

static void do_it(struct reset_world *w, enum td_action_kind kind)
{
    bool did = false;
    assert_ok(td_reset_schedule(&w->dev, kind, "./Device/Vendor/MSFT/RemoteWipe/x", NULL));
    assert_ok(td_reset_await(&w->dev, NULL));
    assert_ok(td_reset_carry_on(&w->dev, &did, NULL));
    assert_true(did);
}

/* The parts of each thing, said twice. */
static void parts_are_as_stated(void **state TD_UNUSED)
{
    for (size_t i = 0; i < TD_COUNTOF(things); i++) {
        uint32_t parts = td_disk_parts(things[i].where, things[i].name);
        for (int p = 0; p < TD_PART_COUNT; p++) {
            bool has = (parts >> p & 1) != 0;
            if (has != thing_has(&things[i], td_part_word((enum td_part)p)))
                fail_msg("%s: %s", things[i].name, td_part_word((enum td_part)p));
        }
    }
}

/* A part of which the device holds nothing would make the comparison an empty one. */
static void every_part_is_on_the_device(void **state TD_UNUSED)
{
    for (int p = 0; p < TD_PART_COUNT; p++) {
        int n = 0;
        for (size_t i = 0; i < TD_COUNTOF(things); i++)
            n += thing_has(&things[i], td_part_word((enum td_part)p));
        if (n == 0)
            fail_msg("nothing is of the part %s", td_part_word((enum td_part)p));
    }
}

static void every_action_against_the_matrix(void **state TD_UNUSED)
{
    for (size_t k = 0; k < TD_COUNTOF(reset_kinds); k++) {
        struct reset_world w;
        world_open(&w);
        struct td_disk_list before = world_state(&w);
        assert_int_equal(before.count, TD_COUNTOF(things));
        do_it(&w, reset_kinds[k]);
        struct td_disk_list after = world_state(&w);
        assert_matrix(&before, &after, reset_kinds[k], "done");
        assert_false(td_file_exists(world_path(&w, "reset")));
        world_close(&w);
    }
}

/* Nothing of the former user is left where the profile goes; and a wiped device knows no one at all. */
static void nothing_of_the_former_user(void **state TD_UNUSED)
{
    for (size_t k = 0; k < TD_COUNTOF(reset_kinds); k++) {
        struct reset_world w;
        enum td_action_kind kind = reset_kinds[k];
        if (td_remains(kind, TD_PART_PROFILES) == TD_KEPT)
            continue;
        world_open(&w);
        world_write(&w, "log", TD_S("user signed in: ada@contoso.test\n"));
        world_write(&w, "log.old", TD_S("user signed in: ada@contoso.test\n"));
        assert_true(world_grep(&w, "ada") > 5);
        do_it(&w, kind);
        assert_int_equal(world_grep(&w, "ada"), 0);
        if (td_remains(kind, TD_PART_ENROLMENT) != TD_KEPT) {
            assert_int_equal(world_grep(&w, "private key"), 0);
            assert_int_equal(world_grep(&w, "contoso"), 0);
            assert_int_equal(world_grep(&w, "managementserver"), 0);
            assert_false(td_file_exists(world_path(&w, "reset.json")));
        }
        world_close(&w);
    }
}

static bool all_zero(const char *path)
{
    TD_CLEANUP(td_buf_done) struct td_buf text;
    td_buf_init(&text, 1 << 20);
    assert_ok(td_file_read(path, &text, NULL));
    assert_true(text.n != 0);
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '\0')
            return false;
    return true;
}

/* A second name shows what is left of a file at its place on the disk. */
static void secrets_are_overwritten(void **state TD_UNUSED)
{
    static const struct {
        const char *file;
        bool by_wipe, by_protected;
    } rows[] = {{"mdm.key.pem", true, true},
                {"device.key.pem", true, true},
                {"state.json", true, true},
                {"csp.json", true, true},
                {"disk/users/ada@contoso.test/profile/settings.json", true, true},
                {"disk/data/notes.txt", false, true},
                {"downloads/agent.msi", false, true}};
    static const enum td_action_kind kinds[] = {TD_ACTION_WIPE, TD_ACTION_WIPE_PROTECTED};
    for (size_t k = 0; k < TD_COUNTOF(kinds); k++) {
        struct reset_world w;
        char names[TD_COUNTOF(rows)][64];
        world_open(&w);
        for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
            (void)snprintf(names[i], sizeof(names[i]), "%s.%zu", w.dir, i);
            assert_int_equal(link(world_path(&w, rows[i].file), names[i]), 0);
            world_note("", names[i]);
        }
        do_it(&w, kinds[k]);
        for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
            bool want = kinds[k] == TD_ACTION_WIPE ? rows[i].by_wipe : rows[i].by_protected;
            if (all_zero(names[i]) != want)
                fail_msg("%s, %s: overwritten is %d", td_action_rows[kinds[k]].word, rows[i].file, !want);
            (void)unlink(names[i]);
            world_note(names[i], "");
        }
        world_close(&w);
    }
}

/* What a tester linked into the folder is not the device's. */
static void links_are_not_followed(void **state TD_UNUSED)
{
    struct reset_world w, other;
    world_open(&w);
    world_open(&other);
    assert_int_equal(symlink(world_path(&other, "mdm.key.pem"), world_path(&w, "disk/users/elsewhere")), 0);
    assert_int_equal(symlink(world_path(&other, "disk"), world_path(&w, "disk/data/folder")), 0);
    assert_int_equal(mkfifo(world_path(&w, "disk/data/pipe"), 0600), 0);
    struct td_disk_list list = world_state(&w);
    assert_string_equal(world_find(&list, TD_DISK_FILE, "disk/data/pipe")->value, "-");
    assert_string_equal(world_find(&list, TD_DISK_FILE, "disk/data/folder")->value, "-");
    do_it(&w, TD_ACTION_WIPE_PROTECTED);
    assert_false(td_file_exists(world_path(&w, "disk/data")));
    assert_false(td_file_exists(world_path(&w, "disk/users")));
    assert_false(all_zero(world_path(&other, "mdm.key.pem")));
    assert_true(td_file_exists(world_path(&other, "disk/data/notes.txt")));
    world_close(&w);
    world_close(&other);
}

/* As somebody whom the file system can refuse; the whole device is his. */
static void become_nobody(struct reset_world *w)
{
    enum { NOBODY = 65534 };
    struct td_disk_list files = {0};
    if (geteuid() != 0)
        return;
    assert_ok(td_disk_files(&w->dev, &w->a, &files, NULL));
    for (size_t i = 0; i < files.count; i++)
        assert_int_equal(lchown(world_path(w, files.v[i].name), NOBODY, NOBODY), 0);
    assert_int_equal(lchown(w->dir, NOBODY, NOBODY), 0);
    assert_int_equal(seteuid(NOBODY), 0);
}

/* Its name tells of a person: the reset goes on until it is gone. */
static void a_folder_that_stays_is_no_end(void **state TD_UNUSED)
{
    struct reset_world w;
    struct td_error err = {0};
    enum td_action_kind kind;
    bool did = false;
    world_open(&w);
    assert_int_equal(mkdir(world_path(&w, "disk/data/shared"), 0700), 0);
    assert_int_equal(mkdir(world_path(&w, "disk/data/shared/ada@contoso.test"), 0700), 0);
    world_write(&w, "disk/data/shared/ada@contoso.test/letter.txt", TD_S("kept by some"));
    assert_int_equal(chmod(world_path(&w, "disk/data/shared"), 0500), 0);
    become_nobody(&w);
    assert_ok(td_reset_now(&w.dev, TD_ACTION_RETIRE, NULL)); /* for what is kept it is no matter */
    enum td_code rc = td_reset_now(&w.dev, TD_ACTION_REINSTALL, &err);
    bool pending = td_reset_pending(&w.dev, &kind);
    (void)chmod(world_path(&w, "disk/data/shared"), 0700);
    enum td_code again = td_reset_carry_on(&w.dev, &did, NULL);
    (void)seteuid(getuid());
    assert_int_equal(rc, TD_EIO);
    assert_non_null(strstr(err.where, "disk/data/shared/ada"));
    assert_true(pending);
    assert_ok(again);
    assert_true(did);
    assert_false(td_file_exists(world_path(&w, "disk/data")));
    world_close(&w);
}

/* --- what is reported --------------------------------------------------------------------------------------------- */

static int64_t status_of(struct reset_world *w, uint32_t *ret_error)
{
    int64_t status;
    td_reset_status(&w->dev, &status, ret_error);
    return status;
}

static void reports_each_step(void **state TD_UNUSED)
{
    struct reset_world w;
    enum td_action_kind kind;
    uint32_t error = 1;
    bool did;
    world_open(&w);
    assert_int_equal(status_of(&w, &error), 0);
    assert_int_equal(error, 0);
    assert_false(td_reset_pending(&w.dev, &kind));
    assert_ok(td_reset_schedule(&w.dev, TD_ACTION_RESET, "./Device/x", NULL));
    assert_int_equal(status_of(&w, &error), 10);
    assert_true(td_reset_pending(&w.dev, &kind));
    assert_int_equal(kind, TD_ACTION_RESET);
    assert_ok(td_reset_schedule(&w.dev, TD_ACTION_RESET, "./Device/x", NULL));
    assert_int_equal(td_reset_schedule(&w.dev, TD_ACTION_WIPE, "./Device/y", NULL), TD_EEXISTS);
    assert_ok(td_reset_await(&w.dev, NULL));
    assert_int_equal(status_of(&w, &error), 20);
    assert_ok(td_reset_carry_on(&w.dev, &did, NULL));
    assert_int_equal(status_of(&w, &error), 1);
    assert_false(td_reset_pending(&w.dev, &kind));
    assert_ok(td_reset_carry_on(&w.dev, &did, NULL));
    assert_false(did);
    world_close(&w);
}

static void news_are_told_once(void **state TD_UNUSED)
{
    struct reset_world w;
    uint32_t error;
    world_open(&w);
    assert_int_equal(td_reset_news(&w.dev, &w.a).what, TD_RESET_NOTHING);
    do_it(&w, TD_ACTION_RESET);
    struct td_reset_news news = td_reset_news(&w.dev, &w.a);
    assert_int_equal(news.what, TD_RESET_CAME_BACK);
    assert_int_equal(news.kind, TD_ACTION_RESET);
    assert_int_equal(td_reset_news(&w.dev, &w.a).what, TD_RESET_CAME_BACK);
    assert_ok(td_reset_told(&w.dev, NULL));
    assert_int_equal(td_reset_news(&w.dev, &w.a).what, TD_RESET_NOTHING);
    assert_int_equal(status_of(&w, &error), 1);
    assert_ok(td_reset_told(&w.dev, NULL));
    world_close(&w);

    static const enum td_action_kind kept[] = {TD_ACTION_LOCAL_RESET, TD_ACTION_WIPE_KEEP_USER,
                                               TD_ACTION_FRESH_START_KEEP_USER};
    for (size_t i = 0; i < TD_COUNTOF(kept); i++) {
        world_open(&w);
        do_it(&w, kept[i]);
        assert_int_equal(td_reset_news(&w.dev, &w.a).what, TD_RESET_CAME_BACK);
        assert_int_equal(status_of(&w, &error), kept[i] == TD_ACTION_LOCAL_RESET ? 1 : 0);
        assert_ok(td_reset_told(&w.dev, NULL));
        assert_int_equal(td_file_exists(world_path(&w, "reset.json")), kept[i] == TD_ACTION_LOCAL_RESET);
        world_close(&w);
    }
}

/* Fifty resets, one after the other: the folder does not grow. */
static void can_be_repeated(void **state TD_UNUSED)
{
    struct reset_world w;
    world_open(&w);
    do_it(&w, TD_ACTION_RESET);
    assert_ok(td_reset_told(&w.dev, NULL));
    struct td_disk_list first = world_state(&w);
    for (int i = 0; i < 5; i++) {
        assert_ok(td_disk_use(&w.dev, "grace@contoso.test", NULL));
        do_it(&w, TD_ACTION_RESET);
        struct td_disk_list again = world_state(&w);
        assert_same(&first, &again, "again");
        assert_int_equal(world_grep(&w, "grace"), 0);
    }
    world_close(&w);
}

static void without_recovery(void **state TD_UNUSED)
{
    struct reset_world w;
    struct td_error err = {0};
    uint32_t error;
    world_open(&w);
    (void)unlink(world_path(&w, "disk/recovery/winre.wim"));
    assert_int_equal(td_reset_schedule(&w.dev, TD_ACTION_RESET, "", &err), TD_ESTATE);
    assert_int_equal(err.hresult, 0x80070032u);
    assert_non_null(strstr(err.text, "recovery environment"));
    assert_true(err.remedy[0] != '\0');
    assert_int_equal(status_of(&w, &error), 30);
    assert_int_equal(error, 0x80070032u);
    assert_int_equal(td_reset_schedule(&w.dev, TD_ACTION_WIPE, "", NULL), TD_ESTATE);
    /* it ends management and touches nothing else */
    assert_ok(td_reset_now(&w.dev, TD_ACTION_RETIRE, NULL));
    assert_false(td_file_exists(world_path(&w, "mdm.key.pem")));
    assert_true(td_file_exists(world_path(&w, "disk/data/notes.txt")));
    world_close(&w);
}

static void on_battery(void **state TD_UNUSED)
{
    struct reset_world w;
    struct td_error err = {0};
    uint32_t error;
    world_open(&w);
    world_write(&w, "hardware.json", TD_S("{\"machine\":false,\"serial\":\"4711\",\"power\":\"battery\"}"));
    assert_int_equal(td_reset_schedule(&w.dev, TD_ACTION_RESET, "", &err), TD_ESTATE);
    assert_int_equal(status_of(&w, &error), 40);
    assert_int_equal(error, err.hresult);
    world_write(&w, "hardware.json", TD_S("{\"machine\":false,\"serial\":\"4711\",\"power\":\"ac\"}"));
    assert_ok(td_reset_schedule(&w.dev, TD_ACTION_RESET, "", NULL));
    assert_int_equal(status_of(&w, &error), 10);
    assert_int_equal(error, 0);
    world_close(&w);
}

/* What can't be prepared has not happened: 50 with the cause, and the device as it was. A protected wipe tries again.
 */
static void disk_that_cannot_be_written(void **state TD_UNUSED)
{
    struct reset_world w;
    struct td_error err;
    uint32_t error;
    bool did = false;
    enum td_action_kind kind;
    world_open(&w);
    world_write(&w, "reset", TD_S("no folder"));
    struct td_disk_list before = world_state(&w);
    assert_ok(td_reset_schedule(&w.dev, TD_ACTION_RESET, "", NULL));
    assert_ok(td_reset_carry_on(&w.dev, &did, NULL));
    struct td_disk_list after = world_state(&w);
    assert_true(did);
    assert_same(&before, &after, "failed");
    assert_int_equal(status_of(&w, &error), 50);
    assert_int_not_equal(error, 0);
    assert_ok(td_reset_schedule(&w.dev, TD_ACTION_WIPE, "./Device/y", NULL));
    assert_ok(td_reset_carry_on(&w.dev, &did, NULL));
    assert_int_equal(td_reset_news(&w.dev, &w.a).what, TD_RESET_ROLLED_BACK);
    assert_ok(td_reset_schedule(&w.dev, TD_ACTION_WIPE_PROTECTED, "./Device/z", NULL));
    assert_int_not_equal(td_reset_carry_on(&w.dev, &did, &err), TD_OK);
    assert_true(td_reset_pending(&w.dev, &kind));
    (void)unlink(world_path(&w, "reset"));
    assert_ok(td_reset_carry_on(&w.dev, &did, NULL));
    assert_false(td_file_exists(world_path(&w, "mdm.key.pem")));
    world_close(&w);
}

/* Folders that nobody can walk to their end: found before the commit, so the device is as it was. */
static void folders_without_end(void **state TD_UNUSED)
{
    TD_CLEANUP(td_buf_done) struct td_buf deep;
    struct reset_world w;
    uint32_t error;
    td_buf_init(&deep, 4096);
    td_buf_adds(&deep, "disk/data/");
    for (int i = 0; i < 70; i++)
        td_buf_adds(&deep, "x/");
    td_buf_adds(&deep, "file");
    world_open(&w);
    struct td_disk_list before = world_state(&w);
    world_write(&w, deep.p, TD_S("of ada"));
    do_it(&w, TD_ACTION_RESET);
    assert_int_equal(status_of(&w, &error), 50);
    assert_true(td_file_exists(world_path(&w, deep.p)));
    assert_int_equal(rename(world_path(&w, "disk/data/x"), world_path(&w, "elsewhere")), 0);
    world_sweep(world_path(&w, "elsewhere"));
    struct td_disk_list after = world_state(&w);
    assert_same(&before, &after, "not prepared");
    world_close(&w);
}

static void refuses_what_is_no_reset(void **state TD_UNUSED)
{
    struct reset_world w;
    bool did;
    world_open(&w);
    assert_int_equal(td_reset_schedule(&w.dev, TD_ACTION_SYNC, "", NULL), TD_EINVAL);
    assert_int_equal(td_reset_schedule(&w.dev, TD_ACTION_KIND_COUNT, "", NULL), TD_EINVAL);
    world_write(&w, "reset.json", TD_S("{\"action\":\"wipe\",\"phase\":\"dancing\",\"node\":\"\",\"news\":\"\"}"));
    struct td_disk_list before = world_state(&w);
    assert_int_equal(td_reset_carry_on(&w.dev, &did, NULL), TD_EFORMAT);
    struct td_disk_list after = world_state(&w);
    assert_same(&before, &after, "damaged journal");
    /* nobody takes it for none: something may be half done */
    enum td_action_kind kind;
    assert_true(td_reset_pending(&w.dev, &kind));
    assert_int_equal(td_reset_schedule(&w.dev, TD_ACTION_RESET, "", NULL), TD_EFORMAT);
    world_close(&w);
}

static void keep_line(void *ctx, const char *line)
{
    td_buf_printf(ctx, "%s\n", line);
}

/* The lines that a person sees, and that a test can cut the power at. */
static void tells_what_it_does(void **state TD_UNUSED)
{
    static const struct {
        enum td_action_kind kind;
        const char *says, *says_not;
    } rows[] = {
        {TD_ACTION_RESET, "removed: user files", "removed: Wi-Fi profiles"},
        {TD_ACTION_RESET, "applied again: office.ppkg", "removed: provisioning packages"},
        {TD_ACTION_WIPE, "removed: provisioning packages", "applied again"},
        {TD_ACTION_WIPE_KEEP_PROVISIONING, "applied again: office.ppkg", "removed: provisioning packages"},
        {TD_ACTION_RETIRE, "removed: enrolment", "applied again"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        TD_CLEANUP(td_buf_done) struct td_buf lines;
        struct reset_world w;
        td_buf_init(&lines, 65536);
        world_open(&w);
        w.dev.say = keep_line;
        w.dev.say_ctx = &lines;
        do_it(&w, rows[i].kind);
        assert_non_null(strstr(lines.p, "restarted\n"));
        assert_non_null(strstr(lines.p, "committed\n"));
        assert_non_null(strstr(lines.p, rows[i].says));
        assert_null(strstr(lines.p, rows[i].says_not));
        world_close(&w);
    }
}

/* --- at the lock screen ------------------------------------------------------------------------------------------- */

static enum td_code directory_check(void *ctx, const char *user, const char *password, struct td_error *err)
{
    int *asked = ctx;
    ++*asked;
    bool ok = strstr(user, "@contoso.test") != NULL && strcmp(password, "right") == 0;
    return ok ? TD_OK : td_fail(err, TD_EAUTH, "password", "is wrong");
}

static void set_policy(struct reset_world *w, const char *value)
{
    TD_CLEANUP(td_buf_done) struct td_buf text;
    td_buf_init(&text, 1 << 20);
    td_buf_printf(&text,
                  "{\"nodes\":[{\"k\":\"Device/Vendor/MSFT/Policy/Config/CredentialProviders/"
                  "DisableAutomaticReDeploymentCredentials\",\"f\":\"int\",\"v\":\"%s\"},"
                  "{\"k\":\"Device/Vendor/MSFT/Policy/Config/LocalUsersAndGroups/Configure\",\"f\":\"xml\",\"v\":"
                  "\"<GroupConfiguration><accessgroup desc='Administrators'><group action='U'/>"
                  "<add member='AzureAD\\\\grace@contoso.test'/></accessgroup></GroupConfiguration>\"},"
                  "{\"k\":\"Device/Vendor/MSFT/Accounts/Users/helper/Password\",\"f\":\"chr\",\"v\":\"Secret-1\"},"
                  "{\"k\":\"Device/Vendor/MSFT/Accounts/Users/helper/LocalUserGroup\",\"f\":\"int\",\"v\":\"2\"},"
                  "{\"k\":\"Device/Vendor/MSFT/Accounts/Users/guest/Password\",\"f\":\"chr\",\"v\":\"Secret-2\"},"
                  "{\"k\":\"Device/Vendor/MSFT/Accounts/Users/guest/LocalUserGroup\",\"f\":\"int\",\"v\":\"1\"}]}",
                  value);
    world_write(w, "csp.json", td_buf_slice(&text));
}

static void local_reset_is_off_at_first(void **state TD_UNUSED)
{
    struct reset_world w;
    struct td_error err = {0};
    struct td_reset_credentials who = {.user = "helper", .password = "Helper-1-Password"};
    enum td_action_kind kind;
    world_open(&w);
    assert_int_equal(td_reset_local_may(&w.dev, &err), TD_EDENIED);
    assert_non_null(strstr(err.where, "DisableAutomaticReDeploymentCredentials"));
    assert_int_equal(td_reset_local(&w.dev, &who, NULL), TD_EDENIED);
    set_policy(&w, "1");
    assert_int_equal(td_reset_local_may(&w.dev, NULL), TD_EDENIED);
    set_policy(&w, "0");
    assert_ok(td_reset_local_may(&w.dev, NULL));
    (void)unlink(world_path(&w, "disk/recovery/winre.wim"));
    assert_int_equal(td_reset_local_may(&w.dev, &err), TD_ESTATE);
    assert_int_equal(err.hresult, 0x80070032u);
    assert_false(td_reset_pending(&w.dev, &kind));
    world_close(&w);
}

static void local_reset_needs_an_administrator(void **state TD_UNUSED)
{
    int asked = 0;
    const struct {
        const char *user, *password;
        bool directory;
        enum td_code want;
    } rows[] = {
        {"helper", "wrong", false, TD_EAUTH},
        {"guest", "Secret-2", false, TD_EDENIED},
        {"nobody", "Secret-1", false, TD_EDENIED},
        {"ada@contoso.test", "right", true, TD_EDENIED}, /* a standard user of this PC */
        {"grace@contoso.test", "right", false, TD_EAUTH},
        {"grace@contoso.test", "wrong", true, TD_EAUTH},
        {".\\Helper", "Secret-1", false, TD_OK},
        {"AzureAD\\Grace@contoso.test", "right", true, TD_OK},
    };
    struct reset_world w;
    enum td_action_kind kind = TD_ACTION_SYNC;
    world_open(&w);
    td_state_set(w.dev.state, "profile.oobe", "2"); /* the profile makes its user a standard one */
    assert_ok(td_state_save(w.dev.state, NULL));
    set_policy(&w, "0");
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_reset_credentials who = {.user = rows[i].user,
                                           .password = rows[i].password,
                                           .check = rows[i].directory ? directory_check : NULL,
                                           .ctx = &asked};
        (void)unlink(world_path(&w, "reset.json"));
        enum td_code got = td_reset_local(&w.dev, &who, NULL);
        if (got != rows[i].want)
            fail_msg("%s with %s: %s", rows[i].user, rows[i].password, td_code_word(got));
        assert_int_equal(td_reset_pending(&w.dev, &kind), got == TD_OK);
    }
    assert_int_equal(kind, TD_ACTION_LOCAL_RESET);
    assert_int_equal(asked, 2);
    world_close(&w);
}

static enum td_code stick_agreed(void *ctx, struct td_error *err)
{
    int *times = ctx;
    ++*times;
    return *times == 1 ? td_fail(err, TD_ENOTFOUND, "package", "is not on the stick") : TD_OK;
}

/* A package that can't be read stops the reset; who may not reset brings no package either. */
static void a_stick_is_read_before_anything_is_scheduled(void **state TD_UNUSED)
{
    struct reset_world w;
    int times = 0;
    struct td_reset_credentials who = {.user = "helper", .password = "wrong", .ctx = &times, .agreed = stick_agreed};
    enum td_action_kind kind;
    world_open(&w);
    set_policy(&w, "0");
    assert_int_equal(td_reset_local(&w.dev, &who, NULL), TD_EAUTH);
    assert_int_equal(times, 0);
    who.password = "Secret-1";
    assert_int_equal(td_reset_local(&w.dev, &who, NULL), TD_ENOTFOUND);
    assert_false(td_reset_pending(&w.dev, &kind));
    assert_ok(td_reset_local(&w.dev, &who, NULL));
    assert_int_equal(times, 2);
    assert_true(td_reset_pending(&w.dev, &kind));
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_as_stated),
        cmocka_unit_test(every_part_is_on_the_device),
        cmocka_unit_test(every_action_against_the_matrix),
        cmocka_unit_test(nothing_of_the_former_user),
        cmocka_unit_test(secrets_are_overwritten),
        cmocka_unit_test(links_are_not_followed),
        cmocka_unit_test(a_folder_that_stays_is_no_end),
        cmocka_unit_test(reports_each_step),
        cmocka_unit_test(news_are_told_once),
        cmocka_unit_test(can_be_repeated),
        cmocka_unit_test(without_recovery),
        cmocka_unit_test(on_battery),
        cmocka_unit_test(disk_that_cannot_be_written),
        cmocka_unit_test(folders_without_end),
        cmocka_unit_test(refuses_what_is_no_reset),
        cmocka_unit_test(tells_what_it_does),
        cmocka_unit_test(local_reset_is_off_at_first),
        cmocka_unit_test(a_stick_is_read_before_anything_is_scheduled),
        cmocka_unit_test(local_reset_needs_an_administrator),
    };
    return cmocka_run_group_tests_name("reset", tests, NULL, worlds_done);
}
