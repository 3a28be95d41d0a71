/* app/connector_config: what a connector's configuration may say, and how a mistake in it is told. */
#include "app/connector_config.h"
#include "unit/arena.h"
#include "unit/test.h"

#include <stdlib.h>
#include <unistd.h>

static enum td_code read_text(const char *text, struct td_connector_file *f, struct td_error *err)
{
    char path[] = "/tmp/td-connector-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
    enum td_code rc = td_connector_file_read(path, &arena, f, err);
    (void)unlink(path);
    return rc;
}

static void reads_all_keys(void **state TD_UNUSED)
{
    struct td_connector_file f;
    struct td_error err;
    assert_ok(
        read_text("[connector]\nname = berlin\nserver = https://a\nca = /ca\nstate = /s\n"
                  "[domain Corp.Test]\nurl = ldaps://a\nurl = ldaps://b\nca = /r\nuser = u\npassword-file = /p\n"
                  "[domain other.test]\nurl = ldap://c\nuser = v\nkeytab = /k\nkdc = kdc.other.test\nroots = yes\n",
                  &f, &err));
    assert_string_equal(f.config.name, "berlin");
    assert_string_equal(f.config.server, "https://a");
    assert_string_equal(f.config.dir, "/s");
    assert_string_equal(f.ca, "/ca");
    assert_int_equal(f.config.domain_count, 2);
    assert_string_equal(f.config.domains[0].domain, "corp.test");
    assert_string_equal(f.config.domains[0].urls[1], "ldaps://b");
    assert_null(f.config.domains[0].urls[2]);
    assert_string_equal(f.config.domains[0].ca_file, "/r");
    assert_string_equal(f.config.domains[0].user, "u");
    assert_string_equal(f.config.domains[0].password_file, "/p");
    assert_string_equal(f.config.domains[1].keytab, "/k");
    assert_string_equal(f.config.domains[1].kdc, "kdc.other.test");
    assert_true(f.config.domains[1].roots && !f.config.domains[0].roots);
    assert_ok(td_connector_config_check(&f.config, &err));
    assert_ok(read_text("[domain corp.test]\nurl = ldaps://a\n", &f, &err));
    assert_int_not_equal(f.config.name[0], '\0'); /* the host's */
}

/* Copied out of a document, with its indentation, and of a domain far down. */
static void reads_long_names_and_indented_lines(void **state TD_UNUSED)
{
    static const char name[] = "a-very-long-subdomain.of-a-department.of-a-region.corporate.contoso.test";
    struct td_connector_file f;
    struct td_error err;
    assert_ok(read_text(td_arena_printf(&arena,
                                        "    [connector]\n    name = berlin\n    server = https://a\n    state = /s\n"
                                        "    [domain %s]\n    url = ldaps://a\n    url = ldaps://b\n    user = u\n",
                                        name),
                        &f, &err));
    assert_string_equal(f.config.name, "berlin");
    assert_string_equal(f.config.server, "https://a");
    assert_string_equal(f.config.domains[0].domain, name);
    assert_string_equal(f.config.domains[0].urls[1], "ldaps://b");
    assert_string_equal(f.config.domains[0].user, "u");
}

static void tells_mistakes(void **state TD_UNUSED)
{
    static const struct {
        const char *text, *where;
        enum td_code code;
    } rows[] = {
        {"[serve]\nlisten = x\n", "[serve] listen", TD_EINVAL},
        {"[connector]\ncolour = red\n", "[connector] colour", TD_EINVAL},
        {"[connector]\nname =\n", "[connector] name", TD_EINVAL},
        {"[domain a.test]\npassword = hunter2\n", "[domain a.test] password", TD_EINVAL},
        {"[domain a.test]\nroots = maybe\n", "[domain a.test] roots", TD_EINVAL},
        {"[domain a.test]\nurl=a\nurl=b\nurl=c\nurl=d\nurl=e\n", "[domain a.test] url", TD_ELIMIT},
    };
    struct td_connector_file f;
    struct td_error err = {0};
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        assert_int_equal(read_text(rows[i].text, &f, &err), rows[i].code);
        assert_string_equal(err.where, rows[i].where);
        assert_null(strstr(err.text, "hunter2"));
    }
    assert_int_equal(read_text("[connector]\nnonsense\n", &f, &err), TD_EFORMAT);
    assert_non_null(strstr(err.text, "line 2 "));
    assert_int_equal(td_connector_file_read("/nowhere/at/all", &arena, &f, &err), TD_ENOTFOUND);
    struct td_buf many = {.max = 1 << 16};
    for (int i = 0; i < 17; i++)
        td_buf_printf(&many, "[domain d%d.test]\nuser = u\n", i);
    assert_int_equal(read_text(many.p, &f, &err), TD_ELIMIT);
    td_buf_done(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_all_keys),
                                       cmocka_unit_test(reads_long_names_and_indented_lines),
                                       cmocka_unit_test(tells_mistakes)};
    return cmocka_run_group_tests_name("connector config", tests, arena_begin, arena_end);
}
