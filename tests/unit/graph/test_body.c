/* td_g_body: what is taken of a body and in which form (graph/model.h). */
#include "base/encode.h"
#include "graph/graph.h"
#include "graph/types.h"
#include "test.h"

#include <string.h>

static struct td_arena arena;

static const struct td_g_enum level = {
    .name = "level", .words = (const char *const[]){"low", "high", NULL}, .numbers = (const int[]){0, 99}};
static const struct td_g_enum marks = {.name = "marks",
                                       .words = (const char *const[]){"none", "x86", "x64", "arm", NULL},
                                       .numbers = (const int[]){0, 1, 2, 4},
                                       .flags = true};
static const struct td_g_prop inner_props[] = {
    {.name = "on", .kind = TD_G_BOOL, .flags = TD_G_WRITE},
    {.name = "must", .kind = TD_G_STRING, .flags = TD_G_WRITE | TD_G_NEEDED},
};
static const struct td_g_type inner = {.name = "inner", .complex = true, .TD_G_PROPS(inner_props)};
static const struct td_g_prop props[] = {
    {.name = "text", .kind = TD_G_STRING, .flags = TD_G_WRITE | TD_G_NULLABLE, .max = 8},
    {.name = "once", .kind = TD_G_STRING, .flags = TD_G_CREATE},
    {.name = "shown", .kind = TD_G_STRING},
    {.name = "on", .kind = TD_G_BOOL, .flags = TD_G_WRITE},
    {.name = "small", .kind = TD_G_INT32, .flags = TD_G_WRITE},
    {.name = "large", .kind = TD_G_INT64, .flags = TD_G_WRITE},
    {.name = "at", .kind = TD_G_TIME, .flags = TD_G_WRITE},
    {.name = "guid", .kind = TD_G_GUID, .flags = TD_G_WRITE | TD_G_NULLABLE},
    {.name = "octets", .kind = TD_G_BINARY, .flags = TD_G_WRITE},
    {.name = "level", .kind = TD_G_ENUM, .flags = TD_G_WRITE, .of = &level},
    {.name = "marks", .kind = TD_G_ENUM, .flags = TD_G_WRITE, .of = &marks},
    {.name = "list", .kind = TD_G_STRING, .flags = TD_G_WRITE | TD_G_MANY},
    {.name = "inner", .kind = TD_G_COMPLEX, .flags = TD_G_WRITE | TD_G_NULLABLE, .of = &inner},
    {.name = "target", .kind = TD_G_COMPLEX, .flags = TD_G_WRITE | TD_G_NULLABLE, .of = &td_g_type_target},
};
static const struct td_g_nav navs[] = {{.name = "members", .type = &td_g_type_directory_object, .flags = TD_G_MANY}};
static const struct td_g_type outer = {
    .name = "outer", .base = &td_g_type_entity, .TD_G_PROPS(props), .TD_G_NAVS(navs)};

static enum td_code take(const char *json, unsigned flags, const struct td_json **ret, struct td_error *err)
{
    struct td_json *tree = NULL;
    const struct td_g_type *type;
    assert_ok(td_json_parse(td_str(json), 1 << 20, &arena, &tree, NULL));
    return td_g_body(&outer, tree, flags, &arena, &type, ret, err);
}

static const struct td_json *taken(const char *json)
{
    const struct td_json *ret = NULL;
    struct td_error err = {0};
    if (take(json, TD_G_WRITE | TD_G_CREATE, &ret, &err) != TD_OK)
        fail_msg("%s: %s: %s", json, err.where, err.text);
    return ret;
}

static const char *written(const struct td_json *v)
{
    struct td_buf b;
    struct td_jsonw w;
    td_buf_init(&b, 1 << 16);
    td_jsonw_init(&w, &b);
    td_jsonw_tree(&w, v);
    char *text = td_arena_text(&arena, td_buf_slice(&b));
    td_buf_done(&b);
    return text;
}

static void values_take_their_proper_form(void **state TD_UNUSED)
{
    static const struct {
        const char *sent, *kept;
    } cases[] = {
        {"{\"TEXT\":\"a\"}", "{\"text\":\"a\"}"},
        {"{\"text\":null}", "{\"text\":null}"},
        {"{\"on\":\"True\"}", "{\"on\":true}"},
        {"{\"on\":\"FALSE\"}", "{\"on\":false}"},
        {"{\"on\":\"0\"}", "{\"on\":false}"},
        {"{\"on\":null}", "{}"},
        {"{\"small\":\"60\",\"large\":\"-9007199254740993\"}", "{\"small\":60,\"large\":-9007199254740993}"},
        {"{\"small\":5.0}", "{\"small\":5}"},
        {"{\"at\":\"2026-01-02T03:04:05.5000000Z\"}", "{\"at\":\"2026-01-02T03:04:05Z\"}"},
        {"{\"at\":\"2026-01-02T03:04:05+02:00\"}", "{\"at\":\"2026-01-02T01:04:05Z\"}"},
        {"{\"at\":\"0001-01-01T00:00:00Z\"}", "{\"at\":\"0001-01-01T00:00:00Z\"}"},
        {"{\"guid\":\"{AAAAAAAA-0000-4000-8000-000000000001}\"}",
         "{\"guid\":\"aaaaaaaa-0000-4000-8000-000000000001\"}"},
        {"{\"octets\":\"QUJD\\r\\nRA\"}", "{\"octets\":\"QUJDRA==\"}"},
        {"{\"octets\":\"\"}", "{\"octets\":\"\"}"},
        {"{\"level\":\"HIGH\"}", "{\"level\":\"high\"}"},
        {"{\"level\":99}", "{\"level\":\"high\"}"},
        {"{\"level\":\"99\"}", "{\"level\":\"high\"}"},
        {"{\"marks\":\"X64, x86\"}", "{\"marks\":\"x64,x86\"}"},
        {"{\"list\":[\"a\",\"b\"]}", "{\"list\":[\"a\",\"b\"]}"},
        {"{\"list\":null}", "{\"list\":[]}"},
        {"{\"inner\":{\"ON\":\"true\",\"must\":\"x\",\"other\":1}}",
         "{\"inner\":{\"@odata.type\":\"inner\",\"on\":true,\"must\":\"x\"}}"},
        {"{\"target\":{\"@odata.type\":\"microsoft.graph.groupAssignmentTarget\",\"groupId\":\"g\"}}",
         "{\"target\":{\"@odata.type\":\"groupAssignmentTarget\",\"groupId\":\"g\"}}"},
        {"{\"once\":\"x\",\"shown\":\"y\",\"id\":\"z\",\"nothing\":{},\"text@odata.type\":\"#String\"}",
         "{\"once\":\"x\"}"},
        {"{\"members@odata.bind\":[\"https://x/1\"],\"strangers@odata.bind\":[]}",
         "{\"members@odata.bind\":[\"https://x/1\"]}"},
        {"{\"text\":\"first\",\"Text\":\"second\"}", "{\"text\":\"first\"}"},
    };
    for (size_t i = 0; i < TD_COUNTOF(cases); i++)
        assert_string_equal(written(taken(cases[i].sent)), cases[i].kept);
    assert_int_equal(td_json_get(taken("{\"marks\":\"x64,arm\"}"), "marks")->num, 6);
    assert_int_equal(td_json_get(taken("{\"level\":\"High\"}"), "level")->num, 99);
    assert_int_equal(td_json_get(taken("{\"at\":\"1970-01-01T00:00:01.5Z\"}"), "at")->num, 1500000);
}

static void what_does_not_fit_is_named(void **state TD_UNUSED)
{
    static const struct {
        const char *sent, *where;
    } cases[] = {
        {"{\"text\":\"123456789\"}", "text"},
        {"{\"text\":true}", "text"},
        {"{\"on\":\"yes\"}", "on"},
        {"{\"on\":2}", "on"},
        {"{\"small\":2147483648}", "small"},
        {"{\"small\":1.5}", "small"},
        {"{\"small\":\"\"}", "small"},
        {"{\"at\":5}", "at"},
        {"{\"at\":\"2026-13-02T03:04:05Z\"}", "at"},
        {"{\"guid\":\"1\"}", "guid"},
        {"{\"octets\":\"a*\"}", "octets"},
        {"{\"level\":\"highest\"}", "level"},
        {"{\"level\":1}", "level"},
        {"{\"marks\":\"x64,x99\"}", "marks"},
        {"{\"list\":\"a\"}", "list"},
        {"{\"list\":[{}]}", "list"},
        {"{\"inner\":[]}", "inner"},
        {"{\"inner\":{}}", "inner/must"},
        {"{\"inner\":{\"must\":\"x\",\"on\":\"x\"}}", "inner/on"},
        {"{\"target\":{}}", "target/@odata.type"},
        {"{\"target\":{\"@odata.type\":\"#microsoft.graph.inner\"}}", "target/@odata.type"},
        {"{\"@odata.type\":\"#microsoft.graph.group\"}", "@odata.type"},
        {"[]", "body"},
    };
    for (size_t i = 0; i < TD_COUNTOF(cases); i++) {
        const struct td_json *ret;
        struct td_error err = {0};
        if (take(cases[i].sent, TD_G_WRITE | TD_G_CREATE, &ret, &err) != TD_EINVAL)
            fail_msg("%s was taken", cases[i].sent);
        assert_string_equal(err.where, cases[i].where);
    }
}

static void changes_take_what_may_change(void **state TD_UNUSED)
{
    const struct td_json *ret;
    assert_ok(take("{\"once\":\"x\",\"text\":\"y\",\"shown\":\"z\"}", TD_G_WRITE, &ret, NULL));
    assert_string_equal(written(ret), "{\"text\":\"y\"}");
    assert_ok(take("{\"@odata.type\":\"#microsoft.graph.entity\",\"text\":\"y\"}", TD_G_WRITE, &ret, NULL));
    assert_ok(take("{}", TD_G_WRITE, &ret, NULL));
}

static int open_arena(void **state TD_UNUSED)
{
    td_arena_init(&arena);
    return 0;
}

static int close_arena(void **state TD_UNUSED)
{
    td_arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_take_their_proper_form),
        cmocka_unit_test(what_does_not_fit_is_named),
        cmocka_unit_test(changes_take_what_may_change),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
