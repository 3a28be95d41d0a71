/* connector/try: what `touchdown connector check` tells an administrator before any device waits. */
#include "unit/connector/fake_service.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct told {
    struct service s;
    struct td_buf lines;
    struct td_error err;
};

static void on_line(void *ctx, const char *line)
{
    struct told *t = ctx;
    td_buf_adds(&t->lines, line);
    td_buf_addc(&t->lines, '\n');
}

static void init(struct told *t)
{
    *t = (struct told){.lines = {.max = 1 << 16}};
    service_init(&t->s);
    fake_set(&t->s.directory, fake_find(&t->s.directory, FAKE_OU), "allowedChildClassesEffective", "computer");
}

static void done(struct told *t)
{
    td_buf_done(&t->lines);
    service_done(&t->s);
}

static enum td_code try(struct told *t, const char *unit)
{
    const char *const ou[] = {unit, NULL};
    td_buf_done(&t->lines);
    t->lines = (struct td_buf){.max = 1 << 16};
    t->err = (struct td_error){.code = TD_OK};
    return td_connector_try(&t->s.config.domains[0], &t->s.world, ou, on_line, t, &t->err);
}

static void assert_told(struct told *t, const char *what)
{
    const char *all = td_arena_text(&t->s.a, td_buf_slice(&t->lines));
    if (strstr(all, what) == NULL)
        fail_msg("'%s' is not among:\n%s", what, all);
}

static void all_is_well(void **state TD_UNUSED)
{
    struct told t;
    init(&t);
    assert_ok(try(&t, FAKE_OU));
    assert_told(&t, "  ok     ldaps://dc1.corp.test lets odjsvc@corp.test in\n");
    assert_told(&t, "  ok     ldaps://dc2.corp.test lets odjsvc@corp.test in\n");
    assert_told(&t, "  ok     corp.test (CORP), ");
    assert_told(&t, "  ok     may create computers in " FAKE_OU "\n");
    done(&t);
}

static void clocks_that_differ(void **state TD_UNUSED)
{
    struct told t;
    init(&t);
    t.s.env.now += 5 * TD_MINUTE;
    assert_ok(try(&t, FAKE_OU));
    t.s.env.now += 2 * TD_MINUTE;
    assert_int_not_equal(try(&t, FAKE_OU), TD_OK);
    assert_string_equal(t.err.where, "ClockSkew");
    assert_told(&t, "  WRONG  clock: ClockSkew: ");
    assert_told(&t, "7 minutes behind");
    t.s.env.now -= 14 * TD_MINUTE;
    assert_int_not_equal(try(&t, FAKE_OU), TD_OK);
    assert_told(&t, "7 minutes ahead");
    done(&t);
}

static void units_without_a_right(void **state TD_UNUSED)
{
    struct told t;
    init(&t);
    assert_int_equal(try(&t, FAKE_PEOPLE), TD_EDENIED);
    assert_told(&t, "  WRONG  unit: NoRight: ");
    assert_int_not_equal(try(&t, "OU=Nowhere," FAKE_DN), TD_OK);
    assert_told(&t, "  WRONG  unit: NoOu: ");
    done(&t);
}

static enum td_code open_but_second(void *ctx, const struct td_connector_ad *ad, const char *url,
                                    struct td_connector_opened *ret, struct td_error *err)
{
    return strstr(url, "dc2") != NULL ? td_domain_refuse(err, TD_DJ_NO_DC, "planted")
                                      : service_open(ctx, ad, url, ret, err);
}

/* Fail-over is worth something only if all addresses work. */
static void one_of_two_is_down(void **state TD_UNUSED)
{
    struct told t;
    init(&t);
    t.s.world.open = open_but_second;
    assert_int_not_equal(try(&t, FAKE_OU), TD_OK);
    assert_string_equal(t.err.where, "NoDc");
    assert_told(&t, "  WRONG  ldaps://dc2.corp.test: NoDc: ");
    assert_told(&t, "  ok     may create computers in " FAKE_OU "\n");
    done(&t);
}

/* Whoever reads its password or key on this machine is the connector. */
static void a_secret_that_everybody_reads(void **state TD_UNUSED)
{
    char path[] = "/tmp/td-try-XXXXXX";
    struct told t;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    init(&t);
    t.s.config.domains[0].password_file = path;
    assert_int_equal(fchmod(fd, 0644), 0);
    assert_ok(try(&t, FAKE_OU)); /* told, and no reason to fail */
    assert_told(&t, "  more   /tmp/td-try-");
    assert_told(&t, "         Take that away: chmod 600 /tmp/td-try-");
    assert_int_equal(fchmod(fd, 0640), 0);
    assert_ok(try(&t, FAKE_OU));
    assert_null(strstr(td_arena_text(&t.s.a, td_buf_slice(&t.lines)), "more"));
    (void)close(fd);
    (void)unlink(path);
    done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_well),
        cmocka_unit_test(clocks_that_differ),
        cmocka_unit_test(a_secret_that_everybody_reads),
        cmocka_unit_test(units_without_a_right),
        cmocka_unit_test(one_of_two_is_down),
    };
    int failed = cmocka_run_group_tests_name("connector check", tests, NULL, NULL);
    service_keys_done();
    return failed;
}
