/* connect/smb: what smbclient is started with, and what is made of its output, its words, its silence and its absence;
 * small programs stand in for it. */
#include "base/env.h"
#include "connect/smb.h"
#include "unit/arena.h"
#include "unit/test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/td-smb-test-XXXXXX";
static struct td_error err;

static const char *program(const char *lines)
{
    const char *path = td_arena_printf(&arena, "%s/program", dir);
    struct td_slice text = td_str(td_arena_printf(&arena, "#!/bin/sh\n%s\n", lines));
    assert_ok(td_file_write(path, text, 0700, &err));
    return path;
}

static const char *cache(void);

static struct td_smb_file file(const char *lines)
{
    return (struct td_smb_file){.host = "dc1.corp.test",
                                .share = "sysvol",
                                .path = "corp.test\\Policies\\{31B2F340-016D-11D2-945F-00C04FB984F9}\\gpt.ini",
                                .realm = "CORP.TEST",
                                .ccache = cache(),
                                .program = program(lines),
                                .patience = TD_MINUTE};
}

static const char *cache(void)
{
    return td_arena_printf(&arena, "FILE:%s/ccache", dir);
}

static enum td_code ask(const struct td_smb_file *f, struct td_slice *ret)
{
    struct td_buf out;
    td_buf_init(&out, 8192);
    enum td_code rc = td_smb_read(f, &out, &err);
    *ret = td_arena_copy(&arena, td_buf_slice(&out));
    td_buf_done(&out);
    return rc;
}

/* No word of ours is one of the shell's, and nothing of our environment gets in. */
static void what_it_is_started_with(void **state TD_UNUSED)
{
    struct td_slice got = {0};
    const char *room = td_arena_printf(&arena, "%s/ccache.smb", dir);
    setenv("TD_NOBODYS_BUSINESS", "secret", 1);
    assert_int_equal(mkdir(room, 0755), 0); /* of one that was killed */
    assert_int_equal(chmod(room, 0700), 0);
    assert_ok(td_file_write(td_arena_printf(&arena, "%s/gencache.tdb", room), TD_S("old"), 0600, &err));
    struct td_smb_file f = file("printf '<%s>' \"$@\"; env; cat \"$KRB5_CONFIG\" \"${1#--configfile=}\"; stat -c '%a' "
                                "\"$HOME\"; test -e \"$HOME/gencache.tdb\" || echo nothing is left of the former");
    f.realm = "MINE.TEST";
    assert_ok(ask(&f, &got));
    const char *wanted[] = {
        td_arena_printf(&arena, "<--use-kerberos=required><--use-krb5-ccache=%s>", cache()),
        "<--command><get \"corp.test\\Policies\\{31B2F340-016D-11D2-945F-00C04FB984F9}\\gpt.ini\" "
        "-><//dc1.corp.test/sysvol>",
        td_arena_printf(&arena, "KRB5CCNAME=%s\n", cache()),
        "dns_lookup_kdc = false\n",
        "nothing is left of the former\n",
        td_arena_printf(&arena, "cache directory = %s/ccache.smb\n", dir),
        "\n700\n",
    };
    for (size_t i = 0; i < TD_COUNTOF(wanted); i++)
        if (td_search(got, td_str(wanted[i])) == SIZE_MAX)
            fail_msg("no \"%s\" in:\n%.*s", wanted[i], TD_FMT(got));
    assert_int_equal(td_search(got, TD_S("TD_NOBODYS_BUSINESS")), SIZE_MAX);
    assert_int_not_equal(access(room, F_OK), 0);
}

static void what_it_says(void **state TD_UNUSED)
{
    static const struct {
        const char *lines;
        enum td_code code;
        const char *word;
    } rows[] = {
        {"printf '[General]\\r\\nVersion=3'", TD_OK, NULL},
        {"echo 'NT_STATUS_OBJECT_NAME_NOT_FOUND opening remote file' >&2; exit 1", TD_ENOTFOUND,
         "NT_STATUS_OBJECT_NAME_NOT_FOUND"},
        {"echo 'tree connect failed: NT_STATUS_BAD_NETWORK_NAME' >&2; exit 1", TD_ENOTFOUND, "sysvol"},
        {"echo NT_STATUS_ACCESS_DENIED >&2; exit 1", TD_EDENIED, "NT_STATUS_ACCESS_DENIED"},
        {"echo 'session setup failed: NT_STATUS_LOGON_FAILURE' >&2; exit 1", TD_EAUTH, "LOGON"},
        {"echo 'do_connect: (Error NT_STATUS_HOST_UNREACHABLE)' >&2; exit 1", TD_EUNAVAILABLE,
         "NT_STATUS_HOST_UNREACHABLE"},
        {"exit 1", TD_EUNAVAILABLE, "no answer"},
        {"printf half; kill -9 $$", TD_EUNAVAILABLE, "no answer"},
        {"head -c 9000 /dev/zero", TD_ELIMIT, "8192"},
        {"while :; do echo endless; done", TD_ELIMIT, "8192"},
        {"head -c 100000 /dev/zero >&2; printf '[General]\\r\\nVersion=3'", TD_OK, NULL},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_slice got = {0};
        struct td_smb_file f = file(rows[i].lines);
        enum td_code rc = ask(&f, &got);
        if (rc != rows[i].code)
            fail_msg("row %zu: %s, %s", i, td_code_word(rc), err.text);
        if (rc == TD_OK)
            assert_slice(got, "[General]\r\nVersion=3");
        else if (strstr(err.text, rows[i].word) == NULL)
            fail_msg("row %zu says %s", i, err.text);
    }
}

/* Silent, or through with its output and still there: its time is over. Neither is left running. */
static void its_time_is_bounded(void **state TD_UNUSED)
{
    static const char *rows[] = {"exec sleep 600", "exec >&- 2>&-; exec sleep 600",
                                 "trap '' TERM; echo a; exec sleep 600"};
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_slice got = {0};
        struct td_smb_file f = file(rows[i]);
        f.patience = TD_SECOND / 20;
        assert_int_equal(ask(&f, &got), TD_EUNAVAILABLE);
    }
}

static void not_installed(void **state TD_UNUSED)
{
    struct td_slice got = {0};
    struct td_smb_file f = file("");
    f.program = "td-no-such-program";
    assert_int_equal(ask(&f, &got), TD_ENOTOFFERED);
    assert_non_null(strstr(err.remedy, "smbclient"));
}

/* The path and the host come from a directory that a stranger may have written. */
static void names_that_are_commands(void **state TD_UNUSED)
{
    static const char *paths[] = {"",     "a\";!id;\"", "a;b",  "a\nb", "../x", "-x",  "a`b`",
                                  "$(a)", "a|b",        "a\"b", "a'b",  "a!b",  "a*b", "a\\..\\b"};
    struct td_slice got = {0};
    for (size_t i = 0; i < TD_COUNTOF(paths); i++) {
        struct td_smb_file f = file("");
        f.path = paths[i];
        if (ask(&f, &got) != TD_EINVAL)
            fail_msg("\"%s\" was taken", paths[i]);
        assert_string_equal(err.where, "path");
    }
    struct td_smb_file f = file("");
    f.host = "dc1/../x";
    assert_int_equal(ask(&f, &got), TD_EINVAL);
    f = file("");
    f.realm = "A\n[x]";
    assert_int_equal(ask(&f, &got), TD_EINVAL);
    f = file("");
    f.ccache = "MEMORY:x";
    assert_int_equal(ask(&f, &got), TD_EINVAL);
}

static int begin(void **state)
{
    return arena_begin(state) + (mkdtemp(dir) == NULL);
}

static int end(void **state)
{
    unlink(td_arena_printf(&arena, "%s/program", dir));
    rmdir(dir);
    return arena_end(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_is_started_with), cmocka_unit_test(what_it_says),
        cmocka_unit_test(its_time_is_bounded),     cmocka_unit_test(not_installed),
        cmocka_unit_test(names_that_are_commands),
    };
    return cmocka_run_group_tests_name("connect/smb", tests, begin, end);
}
