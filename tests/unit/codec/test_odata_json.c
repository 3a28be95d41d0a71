/* codec/odata, JSON as scripts write it (graph-api.md 0.4): what is mended and what is left for the strict reader. */
#include "codec/json.h"
#include "codec/odata.h"
#include "unit/test.h"

static struct td_arena arena;

/* What comes out, or "!code text"; a "?" at the end if the strict reader refuses it. */
static const char *strict_of(const char *in)
{
    struct td_slice out;
    struct td_error err = {0};
    struct td_json *tree;
    if (td_od_json_strict(td_str(in), 4096, &arena, &out, &err) != TD_OK)
        return td_arena_printf(&arena, "!%s %s: %s", td_code_word(err.code), err.where, err.text);
    const bool ok = td_json_parse(out, 8192, &arena, &tree, NULL) == TD_OK;
    return td_arena_printf(&arena, "%.*s%s", TD_FMT(out), ok ? "" : "?");
}

struct row {
    const char *in, *want;
};

static void check(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_string_equal(strict_of(rows[i].in), rows[i].want);
}

static void mended(void **state TD_UNUSED)
{
    static const struct row rows[] = {
        {"", "{}"},
        {" \r\n\t", "{}"},
        {"\xEF\xBB\xBF", "{}"},
        {"\xEF\xBB\xBF{\"a\":1}", "{\"a\":1}"},
        {"{ displayName: \"PC001\" }", "{ \"displayName\": \"PC001\" }"},
        {"{ userPrincipalName: \"a@lab.test\",\r\n groupTag: \"KIOSK\"}",
         "{ \"userPrincipalName\": \"a@lab.test\" ,\"groupTag\": \"KIOSK\"}"},
        {"{@odata.type:\"#x\",a-b:1,_c :2}", "{\"@odata.type\":\"#x\",\"a-b\":1,\"_c\" :2}"},
        {"{\"a\":\"False\",\"b\":\"60\",}", "{\"a\":\"False\",\"b\":\"60\"}"},
        {"{\"a\":[1,2,],\"b\":{\"c\":null,},}", "{\"a\":[1,2],\"b\":{\"c\":null}}"},
        {"{true:true,}", "{\"true\":true}"},
        {"{a:[{b:1,},],}", "{\"a\":[{\"b\":1}]}"},
    };
    check(rows, TD_COUNTOF(rows));
}

static void left_alone(void **state TD_UNUSED)
{
    static const struct row rows[] = {
        {"{\"a\":\"x,}\"}", "{\"a\":\"x,}\"}"},
        {"{\"a\" : \"{ b: 1,}\" }", "{\"a\" : \"{ b: 1,}\" }"},
        {"{a:\"\\\"b: 1,}\"}", "{\"a\":\"\\\"b: 1,}\"}"},
        {"{a:\"  two  blanks\"}", "{\"a\":\"  two  blanks\"}"},
        {"[true,false,null,-1.5e3]", "[true,false,null,-1.5e3]"},
        {"\"text\"", "\"text\""},
    };
    check(rows, TD_COUNTOF(rows));
}

static void refused(void **state TD_UNUSED)
{
    static const struct row rows[] = {
        {"{'a':1}", "!malformed body: octet 2: texts stand in double quotes"},
        {"{a:'b'}", "!malformed body: octet 4: texts stand in double quotes"},
        {"{,}", "{,}?"},
        {"[,]", "[,]?"},
        {"{a:1,,}", "{\"a\":1,,}?"},
        {"{a:1},", "{\"a\":1},?"},
        {"{a:b}", "{\"a\":b}?"},
        {"{a:tr ue}", "{\"a\":tr ue}?"},
        {"{a:1 2}", "{\"a\":1 2}?"},
        {"{a:1", "{\"a\":1?"},
        {"{a:\"x", "{\"a\":\"x?"},
        {"{a:,}", "{\"a\":,}?"},
        {"{1a:2}", "{1a:2}?"},
        {"[a:1]", "[a:1]?"},
        {"{a:1,\"a\":2}", "{\"a\":1,\"a\":2}?"},
    };
    check(rows, TD_COUNTOF(rows));
    char big[4100];
    memset(big, ' ', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    assert_string_equal(strict_of(big), "!limit body: longer than 4096 octets");
}

static int wipe(void **state TD_UNUSED)
{
    td_arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(mended), cmocka_unit_test(left_alone),
                                       cmocka_unit_test(refused)};
    return cmocka_run_group_tests_name("codec/odata_json", tests, NULL, wipe);
}
