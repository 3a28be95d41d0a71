/* base: slices, buffers, arena, encodings, times, UUIDs, errors. */
#include "base/encode.h"
#include "base/env.h"
#include "base/signs.h"
#include "unit/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void slices(void **state TD_UNUSED)
{
    struct td_slice head, rest = td_cut(TD_S("a=b=c"), '=', &head);
    assert_slice(head, "a");
    assert_slice(rest, "b=c");
    assert_slice(td_trim(TD_S(" \r\nx y\t")), "x y");
    assert_true(td_ieqs(TD_S("AbC"), "aBc"));
    assert_false(td_eqs(TD_S("ab"), "abc"));
    assert_true(td_starts(TD_S("abc"), "ab") && td_ends(TD_S("abc"), "bc") && !td_starts(TD_S("a"), "ab"));
    assert_int_equal(td_search(TD_S("hello"), TD_S("ll")), 2);
    assert_true(td_search(TD_S("he"), TD_S("hello")) == SIZE_MAX);
    assert_true(td_same_secret(TD_S("abc"), TD_S("abc")) && !td_same_secret(TD_S("abc"), TD_S("abd")));
}

static void numbers(void **state TD_UNUSED)
{
    uint64_t u;
    int64_t i;
    assert_true(td_parse_u64(TD_S("18446744073709551615"), &u) && u == UINT64_MAX);
    assert_false(td_parse_u64(TD_S("18446744073709551616"), &u));
    assert_false(td_parse_u64(TD_S("1 "), &u) || td_parse_u64(TD_S(""), &u) || td_parse_u64(TD_S("+1"), &u));
    assert_true(td_parse_i64(TD_S("-42"), &i) && i == -42);
    assert_false(td_parse_i64(TD_S("--1"), &i) || td_parse_i64(TD_S("-"), &i));
}

static void utf8(void **state TD_UNUSED)
{
    assert_true(td_utf8_ok(TD_S("Zürich \xF0\x9F\x96\xA5")));
    static const char *const bad[] = {"\xC0\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80",
                                      "\x80",     "\xE2\x82",     "\xF4\x90\x80\x80"};
    for (size_t i = 0; i < TD_COUNTOF(bad); i++)
        assert_false(td_utf8_ok(td_str(bad[i])));
    assert_false(td_utf8_ok(td_bytes("a\0b", 3)));
}

static void buffers(void **state TD_UNUSED)
{
    struct td_buf b;
    td_buf_init(&b, 10);
    td_buf_adds(&b, "12345");
    td_buf_printf(&b, "%d", 678);
    assert_slice(td_buf_slice(&b), "12345678");
    assert_null(td_buf_grow(&b, 3));
    td_buf_adds(&b, "9");
    struct td_error err;
    assert_int_equal(td_buf_check(&b, "thing", &err), TD_ELIMIT);
    assert_string_equal(err.where, "thing");
    assert_int_equal(b.n, 8); /* what failed added nothing, and the failure stays */
    td_buf_done(&b);
    td_buf_le16(&b, 0x0201);
    td_buf_le32(&b, 0x06050403);
    assert_memory_equal(b.p, "\1\2\3\4\5\6", 6);
    td_buf_done(&b);
}

static void base64(void **state TD_UNUSED)
{
    static const struct {
        const char *in;
        int flags;
        const char *want; /* NULL: refused */
    } rows[] = {
        {"", TD_B64_STD, ""},
        {"Zg==", TD_B64_STD, "f"},
        {"Zm8=", TD_B64_STD, "fo"},
        {"Zm9v", TD_B64_STD, "foo"},
        {"Zm9vYg==", TD_B64_STD, "foob"},
        {"Zg", TD_B64_STD, NULL},
        {"Zg", TD_B64_STD | TD_B64_NOPAD, "f"},
        {"Zg=", TD_B64_ANY, NULL},
        {"Zg===", TD_B64_ANY, NULL},
        {"Z", TD_B64_ANY, NULL},
        {"Zm\r\n9v", TD_B64_STD, NULL},
        {"Zm\r\n9v ", TD_B64_STD | TD_B64_SPACES, "foo"},
        {"-_-_", TD_B64_URL, "\xfb\xff\xbf"},
        {"-_-_", TD_B64_STD, NULL},
        {"+/+/", TD_B64_STD, "\xfb\xff\xbf"},
        {"Zg==Zg==", TD_B64_ANY, NULL},
    };
    struct td_arena a;
    td_arena_init(&a);
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_slice out;
        enum td_code rc = td_b64_decode(&a, td_str(rows[i].in), rows[i].flags, &out);
        assert_int_equal(rc, rows[i].want != NULL ? TD_OK : TD_EFORMAT);
        if (rows[i].want != NULL)
            assert_slice(out, rows[i].want);
    }
    assert_string_equal(td_b64(&a, TD_S("foob")), "Zm9vYg==");
    assert_string_equal(td_b64url(&a, TD_S("\xfb\xff\xbf"
                                           "a")),
                        "-_-_YQ");
    td_arena_done(&a);
}

static void percent_and_hex(void **state TD_UNUSED)
{
    struct td_arena a;
    td_arena_init(&a);
    assert_slice(td_pct_decode(&a, TD_S("a%20b+c%zz%4"), false), "a b+c%zz%4");
    assert_slice(td_pct_decode(&a, TD_S("a+b%2B"), true), "a b+");
    struct td_buf b;
    td_buf_init(&b, 100);
    td_pct_add(&b, TD_S("a b/{é}"));
    assert_slice(td_buf_slice(&b), "a%20b%2F%7B%C3%A9%7D");
    td_buf_done(&b);
    struct td_slice out;
    assert_ok(td_hex_decode(&a, TD_S("00fFA0"), &out));
    assert_memory_equal(out.p, "\x00\xff\xa0", 3);
    assert_int_equal(td_hex_decode(&a, TD_S("0g"), &out), TD_EFORMAT);
    assert_int_equal(td_hex_decode(&a, TD_S("012"), &out), TD_EFORMAT);
    td_arena_done(&a);
}

static void times(void **state TD_UNUSED)
{
    char text[TD_TIME_TEXT];
    int64_t us;
    assert_true(td_time_parse(TD_S("2030-01-02T03:04:05.25Z"), &us));
    assert_string_equal(td_time_text(us, text), "2030-01-02T03:04:05Z");
    assert_string_equal(td_time_text_us(us, text), "2030-01-02T03:04:05.250000Z");
    static const char *const bad[] = {"2030-02-30T00:00:00Z",
                                      "2030-01-02 03:04:05Z",
                                      "2030-01-02T03:04:05",
                                      "2030-01-02T24:00:00Z",
                                      "2030-01-02T03:04:05.Z",
                                      "2030-01-02T03:04:05+02:00",
                                      ""};
    for (size_t i = 0; i < TD_COUNTOF(bad); i++)
        assert_false(td_time_parse(td_str(bad[i]), &us));
}

static void uuids(void **state TD_UNUSED)
{
    char out[TD_UUID_TEXT], back[TD_UUID_TEXT];
    unsigned char raw[16];
    assert_true(td_uuid_parse(TD_S("{44444444-0000-4000-8000-00000000000A}"), out));
    assert_string_equal(out, "44444444-0000-4000-8000-00000000000a");
    assert_false(td_uuid_parse(TD_S("44444444-0000-4000-8000-00000000000g"), out));
    assert_false(td_uuid_parse(TD_S("4444444400004000800000000000000a"), out));
    td_uuid_bytes("00112233-4455-6677-8899-aabbccddeeff", true, raw);
    assert_memory_equal(raw, "\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16);
    td_uuid_text(raw, true, back);
    assert_string_equal(back, "00112233-4455-6677-8899-aabbccddeeff");
    struct td_env_fixed f;
    td_env_fixed_init(&f, 0, 7);
    td_uuid_new(&f.env, out);
    assert_true(td_uuid_parse(td_str(out), back) && out[14] == '4');
    /* one that rises says its milliseconds first, and is random behind them */
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    f.now = INT64_C(0x0123456789AB) * 1000 + 999;
    const char *early = td_uuid_rising(&f.env, &a), *twin = td_uuid_rising(&f.env, &a);
    f.now += 1000;
    const char *late = td_uuid_rising(&f.env, &a);
    assert_memory_equal(early, "01234567-89ab-4", 15);
    assert_true(td_uuid_parse(td_str(early), back) && strchr("89ab", early[19]) != NULL);
    assert_string_not_equal(early, twin);
    assert_true(strcmp(early, late) < 0 && strcmp(twin, late) < 0);
}

static void arena(void **state TD_UNUSED)
{
    struct td_arena a;
    td_arena_init(&a);
    char *small = td_arena_strdup(&a, "small");
    char *big = td_arena_alloc(&a, 100000);
    char *after = td_arena_printf(&a, "%s-%d", small, 5);
    big[99999] = 1;
    assert_string_equal(small, "small");
    assert_string_equal(after, "small-5");
    assert_int_equal((uintptr_t)td_arena_alloc(&a, 3) % 16, 0);
    td_arena_done(&a);
}

static void growing_list(void **state TD_UNUSED)
{
    TD_CLEANUP(td_arena_wipe) struct td_arena a = {0};
    size_t n = 0, cap = 0;
    uint32_t *list = NULL;
    for (; n < 1000; n++) {
        list = td_arena_room(&a, list, n, &cap, sizeof(*list));
        assert_true(n < cap);
        list[n] = (uint32_t)n;
    }
    for (size_t i = 0; i < n; i++)
        assert_int_equal(list[i], i);
}

/* Writers of one process do not disturb each other: each has a temporary file of its own. */
static void *write_often(void *path)
{
    for (int i = 0; i < 50; i++)
        if (td_file_write(path, TD_S("whole"), 0600, NULL) != TD_OK)
            return path;
    return NULL;
}

static void file_with_many_writers(void **state TD_UNUSED)
{
    char dir[] = "/tmp/td-base-XXXXXX", path[64];
    pthread_t writers[4];
    void *failed = NULL;
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, 100);
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/file", dir);
    for (size_t i = 0; i < TD_COUNTOF(writers); i++)
        assert_int_equal(pthread_create(&writers[i], NULL, write_often, path), 0);
    for (size_t i = 0; i < TD_COUNTOF(writers); i++) {
        assert_int_equal(pthread_join(writers[i], &failed), 0);
        assert_null(failed);
    }
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_ok(td_file_read(path, &b, NULL));
    assert_slice(td_buf_slice(&b), "whole");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0); /* nothing else was left behind */
}

static void errors(void **state TD_UNUSED)
{
    struct td_error err;
    assert_int_equal(td_remedy(&err, td_fail(&err, TD_EINVAL, "serial", "is %d long", 7), "shorten it"), TD_EINVAL);
    assert_string_equal(err.text, "is 7 long");
    assert_string_equal(err.remedy, "shorten it");
    assert_string_equal(td_code_word(err.code), "invalid");
    assert_int_equal(td_fail(NULL, TD_EIO, "x", "y"), TD_EIO);
    /* cut between characters, wherever the bound falls */
    for (int before = 232; before < 245; before++)
        for (const char *const *c = (const char *const[]){"a", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", NULL};
             *c != NULL; c++) {
            (void)td_fail(&err, TD_EINVAL, "name", "%0*d%s%s%s", before, 0, *c, *c, *c);
            assert_true(td_utf8_ok(td_str(err.text)));
            assert_true(strlen(err.text) >= TD_MIN((size_t)before, sizeof(err.text) - 4));
        }
    (void)td_fail(&err, TD_EINVAL, "n\xC3", "'%.4s' and %s", "abc\xE2\x82\xAC",
                  "\xFFx\xC3\xA4"); /* a precision cuts too */
    assert_string_equal(err.text, "'abc' and x\xC3\xA4");
    assert_string_equal(err.where, "n");
}

static void signs(void **state TD_UNUSED)
{
    static const char *const none[] = {"", "2345-678", "2345-67899", "2345-678A", "2345-6780", "2345_6789"};
    struct td_env_fixed world;
    char out[9];
    size_t seen[256] = {0};
    td_env_fixed_init(&world, 0, 7);
    for (int i = 0; i < 2000; i++) {
        td_signs_draw(&world.env, TD_SIGNS, out, 8);
        assert_int_equal(strspn(out, TD_SIGNS), 8);
        assert_int_equal(strlen(out), 8);
        for (int k = 0; k < 8; k++)
            seen[(unsigned char)out[k]]++;
    }
    for (const char *c = TD_SIGNS; *c != '\0'; c++) /* 571 each, were they dealt out */
        assert_in_range(seen[(unsigned char)*c], 400, 800);
    assert_true(td_signs_read(TD_S("bc df-23 4 5"), TD_SIGNS, out, 8));
    assert_string_equal(out, "BCDF2345");
    for (size_t i = 0; i < TD_COUNTOF(none); i++) {
        assert_false(td_signs_read(td_str(none[i]), TD_SIGNS, out, 8));
        assert_string_equal(out, "");
    }
    assert_false(td_signs_read(td_bytes("BCDFGHJ", 8), TD_SIGNS, out, 8)); /* a NUL is no sign */
    assert_false(td_signs_read(TD_S("BCDFGHJ2"), TD_SIGNS_LETTERS, out, 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices),
        cmocka_unit_test(numbers),
        cmocka_unit_test(utf8),
        cmocka_unit_test(buffers),
        cmocka_unit_test(base64),
        cmocka_unit_test(percent_and_hex),
        cmocka_unit_test(times),
        cmocka_unit_test(uuids),
        cmocka_unit_test(arena),
        cmocka_unit_test(growing_list),
        cmocka_unit_test(file_with_many_writers),
        cmocka_unit_test(errors),
        cmocka_unit_test(signs),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
