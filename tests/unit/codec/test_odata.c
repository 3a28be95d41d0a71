/* codec/odata: every form of query that graph-api.md prints (2.1, 2.2, 2.6, section 3), and what the grammar refuses.
 */
#include "odata_text.h"
#include "unit/test.h"

static struct td_arena arena;

/* "!code where: text" for what is refused. */
static const char *refusal(const struct td_error *err)
{
    return td_arena_printf(&arena, "!%s %s: %s", td_code_word(err->code), err->where, err->text);
}

static const char *filter_of(const char *text)
{
    const struct td_od_expr *e = NULL;
    struct td_error err = {0};
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, 1 << 20);
    if (td_od_filter_parse(td_str(text), &arena, &e, &err) != TD_OK)
        return refusal(&err);
    odata_text(&b, e);
    return td_arena_text(&arena, td_buf_slice(&b));
}

struct row {
    const char *in, *want;
};

static void check_filters(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_string_equal(filter_of(rows[i].in), rows[i].want);
}

static void forms_of_the_tools(void **state TD_UNUSED)
{
    static const struct row rows[] = {
        {"contains(serialNumber,'ABC')", "contains(serialNumber,'ABC')"},
        {"importId eq 'x'", "importId eq 'x'"},
        {"contains(importedDeviceIdentifier,'..')", "contains(importedDeviceIdentifier,'..')"},
        {"startsWith(serialNumber, 'S')", "startswith(serialNumber,'S')"},
        {"azureADDeviceId eq '9a'", "azureADDeviceId eq '9a'"},
        {"deviceID eq ''", "deviceID eq ''"},
        {"physicalIds/any(p:startsWith(p,'[OrderId]:X'))", "physicalIds/any(i:startswith(i,'[OrderId]:X'))"},
        {"physicalIds/any(p:p eq '[ZTDID]:g')", "physicalIds/any(i:i eq '[ZTDID]:g')"},
        {"groupTypes/any(c:c eq 'DynamicMembership')", "groupTypes/any(i:i eq 'DynamicMembership')"},
        {"DisplayName eq 'Lab'", "DisplayName eq 'Lab'"},
        {"endsWith(id,'Windows10EnrollmentCompletionPageConfiguration')",
         "endswith(id,'Windows10EnrollmentCompletionPageConfiguration')"},
        {"not isof('microsoft.graph.windowsUpdateForBusinessConfiguration') and not "
         "isof('microsoft.graph.iosUpdateConfiguration')",
         "(not isof('windowsUpdateForBusinessConfiguration') and not isof('iosUpdateConfiguration'))"},
        {"isof('microsoft.graph.a') or isof(microsoft.graph.b)", "(isof('a') or isof('b'))"},
        {"(microsoft.graph.managedApp/appAvailability eq null or microsoft.graph.managedApp/appAvailability eq "
         "'lineOfBusiness' or isAssigned eq true)",
         "((microsoft.graph.managedApp/appAvailability eq null or microsoft.graph.managedApp/appAvailability eq "
         "'lineOfBusiness') or isAssigned eq true)"},
        {"isof('#microsoft.graph.win32LobApp')", "isof('win32LobApp')"},
        {"isBuiltIn eq false", "isBuiltIn eq false"},
        {"contains(serialNumber,'SN 1')", "contains(serialNumber,'SN 1')"},
        {"id eq 'it''s'", "id eq 'it''s'"},
        {"state/deviceImportStatus eq 'unknown'", "state/deviceImportStatus eq 'unknown'"},
    };
    check_filters(rows, TD_COUNTOF(rows));
}

static void grammar(void **state TD_UNUSED)
{
    static const struct row rows[] = {
        {"a eq 1 or b eq 2 and c eq 3", "(a eq 1 or (b eq 2 and c eq 3))"},
        {"(a eq 1 or b eq 2) and c eq 3", "((a eq 1 or b eq 2) and c eq 3)"},
        {"not a eq 1 and b eq 2", "(not a eq 1 and b eq 2)"},
        {"not (a eq 1 and b eq 2)", "not (a eq 1 and b eq 2)"},
        {"not(contains(a,'b'))", "not contains(a,'b')"},
        {"A EQ 1 AND NOT B NE 2", "(A eq 1 and not B ne 2)"},
        {"1 lt a", "a gt 1"},
        {"1 GE a", "a le 1"},
        {"'x' ne a", "a ne 'x'"},
        {"a in ('x', 'y','z')", "a in ('x','y','z')"},
        {"a in('x')", "a in ('x')"},
        {"'x' in groupTypes", "groupTypes/any(i:i eq 'x')"},
        {"ids/any()", "ids/any()"},
        {"ids/$count ne 0", "ids/any()"},
        {"ids/$count eq 0", "not ids/any()"},
        {"0 lt ids/$count", "ids/any()"},
        {"ids/all(x:x ne 'a' and not startswith(x,'b'))", "ids/all(i:(i ne 'a' and not startswith(i,'b')))"},
        {"assigned/any(s:s/skuId eq 'x')", "assigned/any(i:i/skuId eq 'x')"},
        {"accountEnabled", "accountEnabled"},
        {"not accountEnabled", "not accountEnabled"},
        {"tolower(displayName) eq 'lab'", "tolower(displayName) eq 'lab'"},
        {"TOUPPER(displayName) eq toupper('lab')", "tolower(displayName) eq 'lab'"},
        {"contains(tolower(a), 'b') eq true", "contains(tolower(a),'b')"},
        {"contains(a,'b') eq false", "not contains(a,'b')"},
        {"(a eq 1) ne false", "a eq 1"},
        {"$it/a eq 1", "a eq 1"},
        {"state eq microsoft.graph.enrollmentState'enrolled'", "state eq 'enrolled'"},
        {"id eq guid'3F0C1D2E-0000-4000-8000-000000000001'", "id eq 3f0c1d2e-0000-4000-8000-000000000001"},
        {"id eq 3F0C1D2E-0000-4000-8000-000000000001", "id eq 3f0c1d2e-0000-4000-8000-000000000001"},
        {"id eq af0c1d2e-0000-4000-8000-000000000001", "id eq af0c1d2e-0000-4000-8000-000000000001"},
        {"t gt 2026-01-02T03:04:05Z", "t gt 2026-01-02T03:04:05Z"},
        {"a eq -1.5e3", "a eq -1.5e3"},
        {"  a\teq  1 ", "a eq 1"},
    };
    check_filters(rows, TD_COUNTOF(rows));
}

static void refused_filters(void **state TD_UNUSED)
{
    static const struct row rows[] = {
        {"", "!invalid $filter: is empty"},
        {"a eq", "!invalid $filter: character 5: a condition is missing here"},
        {"a eq 'x", "!invalid $filter: character 6: a quotation mark is not closed; inside a text it is written twice"},
        {"a eq 'x' b", "!invalid $filter: character 10: and, or or the end is expected here"},
        {"a eq b", "!invalid $filter: character 6: one side of a comparison is a property, the other a value"},
        {"1 eq 1", "!invalid $filter: character 6: one side of a comparison is a property, the other a value"},
        {"'a'", "!invalid $filter: character 4: a comparison is missing here: eq, ne, gt, ge, lt, le or in"},
        {"a has 'x86'", "!invalid $filter: character 3: has is not offered; compare with eq or in"},
        {"a gt null", "!invalid $filter: character 6: null is only compared by eq and ne"},
        {"a in (null)", "!invalid $filter: character 7: in takes values other than null"},
        {"a in ()", "!invalid $filter: character 7: a condition is missing here"},
        {"length(a) gt 2", "!invalid $filter: character 1: this function is not offered; there are startswith, "
                           "endswith, contains, tolower, toupper, isof, any and all"},
        {"contains('a',a)", "!invalid $filter: character 10: a property stands first here"},
        {"contains(a,1)", "!invalid $filter: character 12: a text in single quotes stands second here"},
        {"contains(a,'b','c')", "!invalid $filter: character 15: a closing parenthesis is missing"},
        {"ids/any(p:x eq 'a')",
         "!invalid $filter: character 11: inside any() and all() a path begins with the name of the item"},
        {"ids/any(p:p/x/any(q:q eq 1))", "!invalid $filter: character 11: any() and all() can't stand in each other"},
        {"ids/all()", "!invalid $filter: character 9: a name for the item is missing, as in any(x:x eq 'text')"},
        {"ids/$count/$count ne 0",
         "!invalid $filter: character 1: $count stands once, behind the name of a collection"},
        {"ids/$count gt 3",
         "!invalid $filter: character 1: $count is only offered to ask for none (eq 0) or some (ne 0)"},
        {"(a eq 1", "!invalid $filter: character 8: a closing parenthesis is missing"},
        {"a eq 1)", "!invalid $filter: character 7: and, or or the end is expected here"},
        {"a; drop", "!invalid $filter: character 2: this character can't stand here"},
        {"c./$count lt 1",
         "!invalid $filter: character 1: this is no property, operator or value; texts stand in single quotes"},
        {"9a eq 1",
         "!invalid $filter: character 1: this is no property, operator or value; texts stand in single quotes"},
        {"a eq 99999999999999999999999999999999999999999",
         "!invalid $filter: character 6: this is no property, operator or value; texts stand in single quotes"},
        {"a\xFF eq 1", "!malformed $filter: not UTF-8"},
        {"a eq thing'x'", "!invalid $filter: character 6: the type of this literal is not known"},
        {"a eq guid'x'", "!invalid $filter: character 6: this literal is not of the type that it names"},
        {"(a eq 1) eq 'x'", "!invalid $filter: character 1: a condition can only be compared with true or false"},
    };
    check_filters(rows, TD_COUNTOF(rows));
}

static const struct td_od_value *value_of(const char *filter)
{
    const struct td_od_expr *e = NULL;
    assert_ok(td_od_filter_parse(td_str(filter), &arena, &e, NULL));
    assert_int_equal(e->value_count, 1);
    return e->values;
}

static void literals(void **state TD_UNUSED)
{
    static const struct {
        const char *filter;
        enum td_od_kind kind;
        int64_t num;
    } rows[] = {
        {"a eq null", TD_OD_NULL, 0},
        {"a eq TRUE", TD_OD_BOOL, 1},
        {"a eq false", TD_OD_BOOL, 0},
        {"a eq -9223372036854775807", TD_OD_INT, -INT64_MAX},
        {"a eq 1.0", TD_OD_REAL, 0},
        {"a eq '1'", TD_OD_TEXT, 0},
        {"a eq 00000000-0000-0000-0000-000000000000", TD_OD_GUID, 0},
        {"a eq 2001-09-09T01:46:40Z", TD_OD_TIME, INT64_C(1000000000) * 1000000},
        {"a eq 2001-09-09T01:46:40.1234567Z", TD_OD_TIME, INT64_C(1000000000123456)},
        {"a eq 2001-09-09T01:46Z", TD_OD_TIME, INT64_C(999999960) * 1000000},
        {"a eq 2001-09-09T03:46:40+02:00", TD_OD_TIME, INT64_C(1000000000) * 1000000},
        {"a eq 2001-09-08T23:46:40-02:00", TD_OD_TIME, INT64_C(1000000000) * 1000000},
        {"a eq 2001-09-09", TD_OD_TIME, INT64_C(999993600) * 1000000},
        {"a eq 0001-01-01T00:00:00Z", TD_OD_TIME, 0},
        {"a eq datetime'2001-09-09T01:46:40Z'", TD_OD_TIME, INT64_C(1000000000) * 1000000},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        const struct td_od_value *v = value_of(rows[i].filter);
        assert_int_equal(v->kind, rows[i].kind);
        assert_int_equal(v->num, rows[i].num);
    }
    assert_true(value_of("a eq -1.5e3")->real == -1500.0);
    assert_true(value_of("a eq 7")->real == 7.0);
}

static const char *repeated(const char *head, const char *part, size_t n, const char *tail)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, 1 << 20);
    td_buf_adds(&b, head);
    for (size_t i = 0; i < n; i++)
        td_buf_adds(&b, part);
    td_buf_adds(&b, tail);
    return td_arena_text(&arena, td_buf_slice(&b));
}

static bool is_limit(const char *filter)
{
    const struct td_od_expr *e = NULL;
    return td_od_filter_parse(td_str(filter), &arena, &e, NULL) == TD_ELIMIT;
}

static void bounds(void **state TD_UNUSED)
{
    assert_true(is_limit(repeated("", "(", 30, "a eq 1")));
    assert_true(is_limit(repeated("", "not ", 30, "a")));
    assert_true(is_limit(repeated("a", " or a", 150, "")));
    assert_true(is_limit(repeated("a in (1", ",1", 64, ")")));
    assert_true(is_limit(repeated("a eq '", "x", TD_OD_MAX_TEXT, "'")));
    assert_false(is_limit(repeated("a in (1", ",1", 63, ")")));
    assert_false(is_limit(repeated("a", " or a", 99, "")));
    assert_false(is_limit(repeated(repeated("", "(", 20, "a eq 1"), ")", 20, "")));
}

/* A query on one line: options by name, lists in brackets. */
static void print_query(struct td_buf *b, const struct td_od_query *q)
{
    if (q->filter != NULL) {
        td_buf_adds(b, "filter=");
        odata_text(b, q->filter);
        td_buf_addc(b, ' ');
    }
    for (size_t i = 0; i < q->select_count; i++)
        td_buf_printf(b, "select=%s ", q->select[i]);
    for (size_t i = 0; i < q->expand_count; i++) {
        td_buf_printf(b, "expand=%s ", q->expand[i].path);
        if (q->expand[i].options != NULL) {
            td_buf_adds(b, "[");
            print_query(b, q->expand[i].options);
            td_buf_adds(b, "] ");
        }
    }
    for (size_t i = 0; i < q->order_count; i++)
        td_buf_printf(b, "order=%s%s ", q->order[i].descending ? "-" : "", q->order[i].path);
    if (q->search != NULL)
        td_buf_printf(b, "search=%s|%s ", q->search_property != NULL ? q->search_property : "", q->search);
    if (q->top >= 0)
        td_buf_printf(b, "top=%lld ", (long long)q->top);
    if (q->skip >= 0)
        td_buf_printf(b, "skip=%lld ", (long long)q->skip);
    if (q->skiptoken != NULL)
        td_buf_printf(b, "token=%s ", q->skiptoken);
    td_buf_adds(b, q->count ? "count " : "");
    if (q->metadata != NULL)
        td_buf_printf(b, "metadata=%s ", q->metadata);
}

static const char *query_of(const char *text, const char **kept)
{
    struct td_od_query q;
    struct td_error err = {0};
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, 1 << 20);
    if (td_od_query_parse(td_str(text), &arena, &q, &err) != TD_OK)
        return refusal(&err);
    print_query(&b, &q);
    *kept = td_arena_text(&arena, q.kept);
    return td_arena_text(&arena, td_trim(td_buf_slice(&b)));
}

static void check_queries(const struct row *rows, size_t n)
{
    const char *kept;
    for (size_t i = 0; i < n; i++)
        assert_string_equal(query_of(rows[i].in, &kept), rows[i].want);
}

static void options(void **state TD_UNUSED)
{
    static const struct row rows[] = {
        {"", ""},
        {"$filter=contains(serialNumber,%27SN%201%27)", "filter=contains(serialNumber,'SN 1')"},
        {"%24filter=displayName+eq+'a%2Bb'", "filter=displayName eq 'a+b'"},
        {"$FILTER=id%20eq%20'g'&$Top=5", "filter=id eq 'g' top=5"},
        {"filter=id eq 'g'&top=25&count=true", "filter=id eq 'g' top=25 count"},
        {"$select=id,displayName", "select=id select=displayName"},
        {"$select=id,%20displayName,", "select=id select=displayName"},
        {"$select=*", "select=*"},
        {"$expand=deploymentProfile,intendedDeploymentProfile",
         "expand=deploymentProfile expand=intendedDeploymentProfile"},
        {"$expand=categories,assignments", "expand=categories expand=assignments"},
        {"$expand=microsoft.graph.windows10GeneralConfiguration/privacyAccessControls",
         "expand=microsoft.graph.windows10GeneralConfiguration/privacyAccessControls"},
        {"$expand=assignments($select=id,target;$top=2;$filter=id eq 'a;b'),members($expand=owners)",
         "expand=assignments [filter=id eq 'a;b' select=id select=target top=2 ] expand=members [expand=owners ]"},
        {"$orderby=displayName", "order=displayName"},
        {"$orderby=preAssociationDateTime%20desc", "order=-preAssociationDateTime"},
        {"$orderby=a asc, b DESC", "order=a order=-b"},
        {"$search=\"text\"", "search=|text"},
        {"$search=%22displayName:text%22", "search=displayName|text"},
        {"$search=\"displayName:one two\"", "search=displayName|one two"},
        {"$search=\"[OrderID]:X\"", "search=|[OrderID]:X"},
        {"$search=\"a \\\"b\\\"\"", "search=|a \"b\""},
        {"$search=text", "search=|text"},
        {"$search=\"\"", ""},
        {"$count=true", "count"},
        {"$count=False", ""},
        {"$skip=0&$skiptoken=a%2Fb", "skip=0 token=a/b"},
        {"%24skiptoken=abc&%24top=100", "top=100 token=abc"},
        {"$format=json", ""},
        {"$format=application/json;odata.metadata=full", "metadata=full"},
        {"$format=application/json;odata=nometadata", "metadata=none"},
        {"$format=application/json;odata=fullmetadata", "metadata=full"},
        {"foo=bar&&x&@p='1'&$top=1", "top=1"},
    };
    check_queries(rows, TD_COUNTOF(rows));
}

static void refused_options(void **state TD_UNUSED)
{
    static const struct row rows[] = {
        {"$foo=1", "!invalid query: $foo is not known"},
        {"%24apply=1", "!invalid query: $apply is not known"},
        {"$top=-1", "!invalid $top: takes a number from 0"},
        {"$top=x", "!invalid $top: takes a number from 0"},
        {"$top=", "!invalid $top: takes a number from 0"},
        {"$skip=1.5", "!invalid $skip: takes a number from 0"},
        {"$top=99999999999999999999", "!invalid $top: takes a number from 0"},
        {"$top=1&$top=1", "!invalid $top: stands twice"},
        {"$top=1&top=1", "!invalid $top: stands twice"},
        {"$filter=", "!invalid $filter: is empty"},
        {"$count=yes", "!invalid $count: takes true or false"},
        {"$select=a(b)", "!invalid $select: takes names of properties with commas between them"},
        {"$orderby=a sideways",
         "!invalid $orderby: takes names of properties, each with asc or desc behind it, and commas between"},
        {"$orderby=a,b,c,d,e", "!limit $orderby: more than 4 properties"},
        {"$search=\"a\" AND \"b\"",
         "!invalid $search: takes one text in quotation marks, as in \"text\" or \"displayName:text\""},
        {"$format=xml", "!invalid $format: only json is offered"},
        {"$format=json;odata.metadata=some", "!invalid $format: odata.metadata is none, minimal or full"},
        {"$expand=a($foo=1)", "!invalid $expand: $foo is not known in its parentheses"},
        {"$expand=a($skiptoken=1)", "!invalid $expand: $skiptoken is not known in its parentheses"},
        {"$expand=a($top=1", "!invalid $expand: a closing parenthesis is missing"},
        {"$expand=a($expand=a($expand=a($expand=a($expand=a($top=1)))))", "!limit $expand: nested deeper than 4"},
        {"$filter=a eq '%FF'", "!malformed query: not UTF-8"},
        {"$filter=a eq '%00'", "!malformed query: not UTF-8"},
    };
    check_queries(rows, TD_COUNTOF(rows));
    const char *kept;
    assert_string_equal(query_of(repeated("$select=a", ",a", 128, ""), &kept), "!limit $select: more than 128 names");
}

static void kept_for_the_next_page(void **state TD_UNUSED)
{
    const char *kept = NULL;
    query_of("%24skiptoken=x", &kept);
    assert_string_equal(kept, "");
    query_of("$filter=a%20eq%20'%26'&%24skiptoken=x&x=1&$skip=2&$top=3", &kept);
    assert_string_equal(kept, "$filter=a%20eq%20'%26'&x=1&$top=3");
}

/* "name|name(a=1)|..." */
static const char *path_of(const char *text)
{
    struct td_od_path path;
    struct td_error err = {0};
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, 1 << 20);
    if (td_od_path_parse(td_str(text), &arena, &path, &err) != TD_OK)
        return refusal(&err);
    for (size_t i = 0; i < path.count; i++) {
        const struct td_od_segment *s = &path.segments[i];
        td_buf_printf(&b, "%s%s%s", i != 0 ? "|" : "", s->name, s->has_arguments ? "(" : s->is_key_value ? "=" : "");
        for (size_t k = 0; k < s->argument_count; k++)
            td_buf_printf(&b, "%s[%s]%s", k != 0 ? "," : "", s->arguments[k].name, s->arguments[k].value);
        td_buf_adds(&b, s->has_arguments ? ")" : "");
    }
    td_buf_adds(&b, path.empty_segment ? " empty" : "");
    return td_arena_text(&arena, td_buf_slice(&b));
}

static void paths(void **state TD_UNUSED)
{
    static const struct row rows[] = {
        {"", ""},
        {"/", ""},
        {"deviceManagement/windowsAutopilotDeviceIdentities", "deviceManagement|windowsAutopilotDeviceIdentities"},
        {"/groups/g/members/$ref", "groups|g|members|$ref"},
        {"devices/", "devices empty"},
        {"a//b", "a|b empty"},
        {"x('g')/y", "x([]g)|y"},
        {"x(%27g%27)", "x([]g)"},
        {"x('it''s')", "x([]it's)"},
        {"x('a/b')/c", "x([]a/b)|c"},
        {"x('a,b')", "x([]a,b)"},
        {"x/a%2Fb", "x|a/b"},
        {"x/a+b%20c", "x|a+b c"},
        {"x/o'neill/y", "x|o'neill|y"},
        {"auditEvents/getAuditCategories()", "auditEvents|getAuditCategories()"},
        {"getEffectivePermissions(scope='*')", "getEffectivePermissions([scope]*)"},
        {"f(a='1', b=2)", "f([a]1,[b]2)"},
        {"servicePrincipals/appId=0000000a/endpoints", "servicePrincipals|appId=[appId]0000000a|endpoints"},
        {"servicePrincipals(appId='0a')/endpoints", "servicePrincipals([appId]0a)|endpoints"},
        {"mobileApps/microsoft.graph.win32LobApp", "mobileApps|microsoft.graph.win32LobApp"},
        {"x/abc=", "x|abc="},
        {"x/%zz", "x|%zz"},
        {"x/%2", "x|%2"},
        {"x/\xFF", "!malformed path: not UTF-8"},
        {"x/%00", "!malformed path: not UTF-8"},
        {"f(1,2,3,4,5)", "!limit path: more than 4 arguments"},
        {"a/a/a/a/a/a/a/a/a/a/a/a/a", "!limit path: more than 12 segments"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        assert_string_equal(path_of(rows[i].in), rows[i].want);
}

static int wipe(void **state TD_UNUSED)
{
    td_arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_of_the_tools),
        cmocka_unit_test(grammar),
        cmocka_unit_test(refused_filters),
        cmocka_unit_test(literals),
        cmocka_unit_test(bounds),
        cmocka_unit_test(options),
        cmocka_unit_test(refused_options),
        cmocka_unit_test(kept_for_the_next_page),
        cmocka_unit_test(paths),
    };
    return cmocka_run_group_tests_name("codec/odata", tests, NULL, wipe);
}
