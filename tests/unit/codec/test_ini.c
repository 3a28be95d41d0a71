/* codec/ini: pairs in their order below their sections, remarks, and what is no line of such a file. */
#include "codec/ini.h"
#include "unit/arena.h"
#include "unit/test.h"

struct told {
    struct td_buf text;
    const char *refuse; /* this key, NULL none */
};

static enum td_code note(void *ctx, const char *section, const char *key, const char *value, struct td_error *err)
{
    struct told *t = ctx;
    if (t->refuse != NULL && strcmp(key, t->refuse) == 0)
        return td_remedy(err, td_fail(err, TD_EINVAL, "", "not this one"), "Take another.");
    td_buf_printf(&t->text, "%s/%s=%s;", section, key, value);
    return TD_OK;
}

static enum td_code read_as(struct td_slice text, const char *refuse, const char *want, struct td_error *err)
{
    struct told t = {.refuse = refuse};
    td_buf_init(&t.text, 1 << 20);
    enum td_code rc = td_ini_read("f.ini", text, &arena, note, &t, err);
    assert_slice(td_buf_slice(&t.text), want);
    td_buf_done(&t.text);
    return rc;
}

static void reads_pairs_in_their_order(void **state TD_UNUSED)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", ""},
        {"\n\n", ""},
        {"[a]\nk = v\nk=w\n[b]\nk: x\n[a]\nl =y", "a/k=v;a/k=w;b/k=x;a/l=y;"},
        {"k = v\n", "/k=v;"},
        {"\xEF\xBB\xBF[a]\r\nk = v\r\n", "a/k=v;"},
        {"# one\n; two = x\n  # three\n[a] ; four\nk = v ; five\nl = v;w # x\n", "a/k=v;a/l=v;w # x;"},
        {"  [ a b ]\n    k = v\n    l = w\n", "a b/k=v;a b/l=w;"}, /* indented, each is a pair of its own */
        {"[a]\nurl = ldaps://x:636\nu: a=b\nempty =\n = v\n", "a/url=ldaps://x:636;a/u=a=b;a/empty=;a/=v;"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        assert_ok(read_as(td_str(rows[i].text), NULL, rows[i].want, NULL));
}

/* Names of domains have up to 253 signs, paths more. */
static void cuts_nothing(void **state TD_UNUSED)
{
    char *section = td_arena_alloc(&arena, 301), *value = td_arena_alloc(&arena, 5001);
    memset(section, 's', 300);
    memset(value, 'v', 5000);
    section[300] = value[5000] = '\0';
    assert_ok(read_as(td_str(td_arena_printf(&arena, "[%s]\nk = %s\n", section, value)), NULL,
                      td_arena_printf(&arena, "%s/k=%s;", section, value), NULL));
}

static void tells_the_line_that_is_none(void **state TD_UNUSED)
{
    static const struct {
        struct td_slice text;
        const char *want, *line;
    } rows[] = {
        {TD_S("[a]\nk = v\nnonsense\nl = w\n"), "a/k=v;", "line 3 "},
        {TD_S("[a\n"), "", "line 1 "},
        {TD_S("["), "", "line 1 "},
        {TD_S("[]\n"), "", "line 1 "},
        {TD_S("[ ]\n"), "", "line 1 "},
        {TD_S("\n\n[a] b\n"), "", "line 3 "},
        {TD_S("[a]b]\n"), "", "line 1 "},
        {TD_S("[a]\nk = v\0w\nl = x\n"), "", "line 2 "},
        {TD_S("# fine\0 not\n"), "", "line 1 "},
    };
    struct td_error err = {0};
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        assert_int_equal(read_as(rows[i].text, NULL, rows[i].want, &err), TD_EFORMAT);
        assert_string_equal(err.where, "f.ini");
        assert_non_null(strstr(err.text, rows[i].line));
        assert_true(err.remedy[0] != '\0');
        assert_int_equal(read_as(rows[i].text, NULL, rows[i].want, NULL), TD_EFORMAT);
    }
}

static void the_first_refusal_ends_it(void **state TD_UNUSED)
{
    struct td_error err = {0};
    assert_int_equal(read_as(TD_S("[a]\nk = v\nbad = x\nl = w\nnonsense\n"), "bad", "a/k=v;", &err), TD_EINVAL);
    assert_string_equal(err.where, "[a] bad");
    assert_string_equal(err.text, "not this one");
    assert_string_equal(err.remedy, "Take another.");
    assert_int_equal(read_as(TD_S("bad = x\n"), "bad", "", NULL), TD_EINVAL);
}

static void puts_texts_by_their_keys(void **state TD_UNUSED)
{
    const char *a = NULL, *b = "at first";
    const struct td_ini_text texts[] = {{"a", &a}, {"b", &b}};
    assert_true(td_ini_put(texts, TD_COUNTOF(texts), "a", "1"));
    assert_string_equal(a, "1");
    assert_string_equal(b, "at first");
    assert_false(td_ini_put(texts, TD_COUNTOF(texts), "c", "2"));
    assert_true(td_ini_put(texts, TD_COUNTOF(texts), "b", "3"));
    assert_string_equal(b, "3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_pairs_in_their_order), cmocka_unit_test(cuts_nothing),
                                       cmocka_unit_test(tells_the_line_that_is_none),
                                       cmocka_unit_test(the_first_refusal_ends_it),
                                       cmocka_unit_test(puts_texts_by_their_keys)};
    return cmocka_run_group_tests_name("ini", tests, arena_begin, arena_end);
}
