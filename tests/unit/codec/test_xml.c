/* codec/xml: reading with bounds, refusing document types, writing with escapes. */
#include "codec/xml.h"
#include "unit/test.h"

static struct td_arena arena;

static enum td_code parse(const char *text, struct td_xml **ret, struct td_error *err)
{
    return td_xml_parse(td_str(text), 1 << 20, &arena, ret, err);
}

static void reads_namespaces_and_text(void **state TD_UNUSED)
{
    struct td_xml *root;
    struct td_error err;
    assert_ok(parse(" \n<a:r xmlns:a='urn:1' xmlns='urn:2' k='v'><x> t<![CDATA[<&]]> </x><a:x a:q='w'>2</a:x></a:r>",
                    &root, &err));
    assert_true(td_xml_is(root, "urn:1", "r"));
    assert_string_equal(td_xml_attr(root, "k"), "v");
    assert_slice(td_xml_text_at(root, "x"), "t<&");
    const struct td_xml *second = td_xml_child(root, "urn:1", "x");
    assert_string_equal(td_xml_attr(second, "q"), "w");
    assert_slice(td_xml_text(td_xml_find(root, "urn:1", "x")), "2");
    assert_null(td_xml_path(root, "x/y"));
    assert_slice(td_xml_text(NULL), "");
}

static void refuses_what_is_hostile(void **state TD_UNUSED)
{
    static const char *const bad[] = {
        "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        "<a>",
        "<a></b>",
        "",
        "<a/><b/>",
        "<a>\x01</a>",
        "<a>&b;</a>",
    };
    struct td_xml *root = NULL;
    struct td_error err;
    for (size_t i = 0; i < TD_COUNTOF(bad); i++)
        assert_int_not_equal(parse(bad[i], &root, &err), TD_OK);
    struct td_buf deep;
    td_buf_init(&deep, 1 << 16);
    for (int i = 0; i <= TD_XML_MAX_DEPTH; i++)
        td_buf_adds(&deep, "<d>");
    assert_int_equal(parse(deep.p, &root, &err), TD_ELIMIT);
    td_buf_done(&deep);
    assert_int_equal(td_xml_parse(TD_S("<a>12345</a>"), 5, &arena, &root, &err), TD_ELIMIT);
}

/* Namespaces cost their length once and not at each of their uses; too long or too many are refused. */
static void bounds_namespaces(void **state TD_UNUSED)
{
    struct td_xml *root = NULL;
    struct td_error err;
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, 1 << 20);
    td_buf_printf(&b, "<a xmlns='%0*d'><b/></a>", TD_XML_MAX_NAMESPACE + 1, 7);
    assert_int_equal(parse(b.p, &root, &err), TD_ELIMIT);
    td_buf_reset(&b);
    td_buf_adds(&b, "<a>");
    for (int i = 0; i <= TD_XML_MAX_NAMESPACES; i++)
        td_buf_printf(&b, "<b xmlns='urn:%d'/>", i);
    td_buf_adds(&b, "</a>");
    assert_int_equal(parse(b.p, &root, &err), TD_ELIMIT);
    assert_int_equal(parse("<a xmlns='urn:1' xmlns:p='urn:2'><p:b c=''/><d/><p:e/></a>", &root, &err), TD_OK);
    assert_true(td_xml_is(root->child, "urn:2", "b") && td_xml_is(root->child->next, "urn:1", "d"));
    assert_string_equal(root->child->attrs->ns, "");
    assert_ptr_equal(root->child->ns, root->child->next->next->ns);
}

static void writes_escaped(void **state TD_UNUSED)
{
    struct td_buf b;
    struct td_xmlw w;
    td_buf_init(&b, 1000);
    td_xmlw_init(&w, &b);
    td_xmlw_open(&w, "a");
    td_xmlw_attr(&w, "k", "\"<&>\n");
    td_xmlw_leaf(&w, "b", "<x>&\x01");
    td_xmlw_leaf(&w, "c", "");
    td_xmlw_close(&w);
    assert_slice(td_buf_slice(&b), "<a k=\"&quot;&lt;&amp;&gt;&#10;\"><b>&lt;x&gt;&amp;</b><c/></a>");
    td_buf_done(&b);
}

static void leaves_out_what_is_no_text(void **state TD_UNUSED)
{
    struct td_buf out;
    td_buf_init(&out, 1000);
    td_xml_escape(&out, TD_S("a\xFF\xE2\x82\xAC\xE2\x82<\x01\xEF\xBF\xBE\xEF\xBF\xBD\"\xC3"), false);
    assert_true(td_eqs(td_buf_slice(&out), "a\xE2\x82\xAC&lt;\xEF\xBF\xBD\""));
    td_buf_done(&out);
}

static void writes_too_deep_without_harm(void **state TD_UNUSED)
{
    struct td_buf b;
    struct td_xmlw w;
    td_buf_init(&b, 10000);
    td_xmlw_init(&w, &b);
    for (int i = 0; i < TD_XML_MAX_DEPTH + 3; i++)
        td_xmlw_open(&w, "d");
    for (int i = 0; i < TD_XML_MAX_DEPTH + 3; i++)
        td_xmlw_close(&w);
    assert_true(b.failed);
    assert_int_equal(w.depth, 0);
    td_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_namespaces_and_text),  cmocka_unit_test(refuses_what_is_hostile),
        cmocka_unit_test(bounds_namespaces),          cmocka_unit_test(writes_escaped),
        cmocka_unit_test(leaves_out_what_is_no_text), cmocka_unit_test(writes_too_deep_without_harm),
    };
    td_arena_init(&arena);
    int failed = cmocka_run_group_tests_name("xml", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
