/* codec/json: strict reading, compact writing. */
#include "codec/json_plain.h"
#include "unit/test.h"

static struct td_arena arena;

static void reads(void **state TD_UNUSED)
{
    struct td_json *v;
    struct td_error err;
    assert_ok(td_json_parse(TD_S("{\"a\":[1,2.5,\"x\",true,null],\"B\":-3,\"c\":false}"), 1000, &arena, &v, &err));
    assert_int_equal(td_json_count(td_json_get(v, "a")), 5);
    assert_int_equal(td_json_int(v, "B", 0), -3);
    assert_null(td_json_get(v, "b"));
    assert_non_null(td_json_iget(v, "b"));
    assert_false(td_json_bool(v, "c", true));
    struct td_buf out;
    struct td_jsonw w;
    td_buf_init(&out, 1000);
    td_jsonw_init(&w, &out);
    td_jsonw_tree(&w, v);
    assert_slice(td_buf_slice(&out), "{\"a\":[1,2.5,\"x\",true,null],\"B\":-3,\"c\":false}");
    td_buf_done(&out);
}

static void refuses(void **state TD_UNUSED)
{
    static const char *const bad[] = {"",        "{",    "{\"a\":1,\"a\":2}", "[1,]", "\"\\u0000\"", "\"\xff\"",
                                      "{'a':1}", "[1] x"};
    struct td_json *v;
    struct td_error err;
    for (size_t i = 0; i < TD_COUNTOF(bad); i++)
        assert_int_not_equal(td_json_parse(td_str(bad[i]), 1000, &arena, &v, &err), TD_OK);
    char deep[2001];
    memset(deep, '[', 2000);
    deep[2000] = '\0';
    assert_int_equal(td_json_parse(td_str(deep), 5000, &arena, &v, &err), TD_ELIMIT);
    assert_int_equal(td_json_parse(TD_S("[1234567]"), 5, &arena, &v, &err), TD_ELIMIT);
}

static const char *written(const struct td_json *v)
{
    struct td_buf out;
    struct td_jsonw w;
    td_buf_init(&out, 8192);
    td_jsonw_init(&w, &out);
    td_jsonw_tree(&w, v);
    const char *text = td_arena_text(&arena, td_buf_slice(&out));
    td_buf_done(&out);
    return text;
}

/* Each reads the same by hand and by the engine; what is not plain is left to the engine. */
static void plainly(void **state TD_UNUSED)
{
    static const char *const plain[] = {"{}",
                                        "[]",
                                        " \t\r\n[ ] ",
                                        "\"\"",
                                        "\"base64+/==\"",
                                        "0",
                                        "-0",
                                        "-17",
                                        "true",
                                        "[true]",
                                        "false",
                                        "null",
                                        "[[]]",
                                        "1 ",
                                        "999999999999999999",
                                        "{\"a\":{\"b\":[1,\"x\",{}]},\"c\" : null , \"\":-1}"};
    static const char *const other[] = {"",
                                        "[1,]",
                                        "{\"a\":1,}",
                                        "[,1]",
                                        "01",
                                        "-",
                                        "1.5",
                                        "1e3",
                                        "[1 2]",
                                        "truely",
                                        "tru",
                                        "nullx",
                                        "[truE]",
                                        "[1]]",
                                        "{1}",
                                        "{\"a\" 1}",
                                        "\"\\u0041\"",
                                        "\"\xc3\xa4\"",
                                        "\"a",
                                        "[",
                                        "{\"a\"",
                                        "\"\t\"",
                                        "+1",
                                        "[1}",
                                        "1234567890123456789",
                                        "{\"a\":1,\"a\":2}"};
    struct td_json *a = NULL, *b = NULL;
    for (size_t i = 0; i < TD_COUNTOF(plain); i++) {
        assert_true(td_json_plain(td_str(plain[i]), &arena, &a));
        assert_ok(td_json_engine(td_str(plain[i]), &arena, &b, NULL));
        assert_string_equal(written(a), written(b));
    }
    for (size_t i = 0; i < TD_COUNTOF(other); i++)
        assert_false(td_json_plain(td_str(other[i]), &arena, &a));
    assert_false(td_json_plain(td_bytes("\"a\0\"", 4), &arena, &a));
}

static void writes(void **state TD_UNUSED)
{
    struct td_buf out;
    struct td_jsonw w;
    td_buf_init(&out, 1000);
    td_jsonw_init(&w, &out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "a\"", "x\n\\");
    td_jsonw_kstr(&w, "u", "\xE2\x82\xAC\xFF\xE2\x82");
    td_jsonw_key(&w, "b");
    td_jsonw_arr(&w);
    td_jsonw_int(&w, -1);
    td_jsonw_obj(&w);
    td_jsonw_end(&w);
    td_jsonw_arr_end(&w);
    td_jsonw_kstr(&w, "c", NULL);
    td_jsonw_ktime(&w, "t", 1000000);
    td_jsonw_end(&w);
    assert_slice(td_buf_slice(&out),
                 "{\"a\\\"\":\"x\\u000a\\\\\",\"u\":\"\xE2\x82\xAC\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\",\"b\":[-1,{}],"
                 "\"c\":null,\"t\":\"1970-01-01T00:00:01Z\"}");
    td_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads), cmocka_unit_test(refuses), cmocka_unit_test(plainly),
                                       cmocka_unit_test(writes)};
    td_arena_init(&arena);
    int failed = cmocka_run_group_tests_name("json", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
