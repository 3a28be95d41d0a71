/* The folder for existing devices: which files, constant scripts, line ends of Windows. */
#include "media/existing.h"
#include "unit/test.h"

#include <string.h>

struct folder {
    struct td_arena arena;
    const char *names[16];
    struct td_slice contents[16];
    size_t count, fail_at;
};

static enum td_code put(void *ctx, const char *name, struct td_slice content, struct td_error *err)
{
    struct folder *f = ctx;
    if (f->count == f->fail_at)
        return td_fail(err, TD_EIO, name, "full");
    f->names[f->count] = td_arena_strdup(&f->arena, name);
    f->contents[f->count++] = td_arena_copy(&f->arena, content);
    return TD_OK;
}

static struct td_slice content_of(const struct folder *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->names[i], name) == 0)
            return f->contents[i];
    return (struct td_slice){NULL, 0};
}

static const char evil[] = "\" & format c: /y & rem $(Remove-Item C:\\) @ID@ %WINDIR% `x` <a> ]]>";

static struct folder write_it(bool user_files, const char *name)
{
    struct folder f = {.fail_at = SIZE_MAX};
    const struct td_media_existing in = {.profile_file = TD_S("{\"a\":1}\n"),
                                         .profile_name = name,
                                         .profile_id = "5f3c5a10-7a42-4a5e-9b0c-0a1b2c3d4e5f",
                                         .tenant_domain = "contoso.test",
                                         .user_files = user_files};
    assert_ok(td_media_existing_write(&in, put, &f, NULL));
    return f;
}

static bool has(const struct folder *f, const char *name)
{
    return content_of(f, name).p != NULL;
}

static void writes_what_is_asked(void **state TD_UNUSED)
{
    static const char *const always[] = {
        "AutopilotConfigurationFile.json", "README.txt",          "unattend.xml", "install-windows.cmd",
        "Add-AutopilotFile.ps1",           "Start-FirstSetup.ps1"};
    struct folder none = write_it(false, "Lab"), save = write_it(true, "Lab");
    for (size_t i = 0; i < TD_COUNTOF(always); i++)
        assert_true(has(&none, always[i]) && has(&save, always[i]));
    assert_int_equal(none.count, TD_COUNTOF(always));
    assert_int_equal(save.count, TD_COUNTOF(always) + 2);
    assert_true(has(&save, "save-user-files.cmd") && has(&save, "restore-user-files.cmd"));
    assert_slice(content_of(&none, "AutopilotConfigurationFile.json"), "{\"a\":1}\n");
    assert_true(td_search(content_of(&save, "README.txt"), TD_S("scanstate")) != SIZE_MAX);
    assert_true(td_search(content_of(&none, "README.txt"), TD_S("scanstate")) == SIZE_MAX);
    assert_true(td_search(content_of(&none, "README.txt"), TD_S("USERFILES")) == SIZE_MAX);
    td_arena_done(&none.arena);
    td_arena_done(&save.arena);
}

/* A profile's name reaches README.txt as it is, once, and no script. */
static void a_name_is_no_command(void **state TD_UNUSED)
{
    struct folder plain = write_it(true, "Lab"), odd = write_it(true, evil);
    for (size_t i = 0; i < odd.count; i++)
        if (strcmp(odd.names[i], "README.txt") != 0)
            assert_true(td_eq(odd.contents[i], content_of(&plain, odd.names[i])));
    assert_true(td_search(content_of(&odd, "README.txt"), td_str(evil)) != SIZE_MAX);
    td_arena_done(&plain.arena);
    td_arena_done(&odd.arena);
}

static void line_ends_are_those_of_windows(void **state TD_UNUSED)
{
    struct folder f = write_it(true, "Lab");
    for (size_t i = 0; i < f.count; i++) {
        struct td_slice c = f.contents[i];
        if (strcmp(f.names[i], "AutopilotConfigurationFile.json") == 0)
            continue;
        for (size_t k = 0; k < c.n; k++) {
            assert_true(c.p[k] != '\n' || (k > 0 && c.p[k - 1] == '\r'));
            assert_true((unsigned char)c.p[k] < 0x80);
        }
    }
    td_arena_done(&f.arena);
}

/* No script runs sysprep with /generalize, and no label that is jumped to is missing. */
static void scripts_hold_together(void **state TD_UNUSED)
{
    struct folder f = write_it(true, "Lab");
    assert_true(td_search(content_of(&f, "Start-FirstSetup.ps1"), TD_S("'/oobe', '/quiet'")) != SIZE_MAX);
    for (size_t i = 0; i < f.count; i++) {
        struct td_slice rest = f.contents[i], line;
        while (td_ends(td_str(f.names[i]), ".cmd") && rest.n != 0) {
            rest = td_cut(rest, '\n', &line);
            size_t at = td_search(line, TD_S("goto "));
            assert_true(td_search(line, TD_S("sysprep.exe")) == SIZE_MAX);
            if (at == SIZE_MAX || td_starts(td_trim(line), "rem"))
                continue;
            struct td_slice label = td_sub(line, at + 5, line.n);
            size_t n = 0;
            while (n < label.n && ((label.p[n] >= 'a' && label.p[n] <= 'z') || label.p[n] == '_'))
                n++;
            const char *mark = td_arena_printf(&f.arena, "\n:%.*s\r\n", (int)n, label.p);
            assert_true(td_search(f.contents[i], td_str(mark)) != SIZE_MAX);
        }
    }
    td_arena_done(&f.arena);
}

static void stops_at_a_failure(void **state TD_UNUSED)
{
    struct folder f = {.fail_at = 2};
    struct td_error err = {0};
    const struct td_media_existing in = {
        .profile_file = TD_S("{}"), .profile_name = "x", .profile_id = "i", .tenant_domain = "d"};
    assert_int_equal(td_media_existing_write(&in, put, &f, &err), TD_EIO);
    assert_int_equal(f.count, 2);
    td_arena_done(&f.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_what_is_asked),
        cmocka_unit_test(a_name_is_no_command),
        cmocka_unit_test(line_ends_are_those_of_windows),
        cmocka_unit_test(scripts_hold_together),
        cmocka_unit_test(stops_at_a_failure),
    };
    return cmocka_run_group_tests_name("media/existing", tests, NULL, NULL);
}
