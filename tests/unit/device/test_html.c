/* device/html and device/web: pages of any make, read as far as a sign-in needs; addresses resolved as browsers do. */
#include "device/html.h"
#include "device/web.h"
#include "unit/test.h"

static struct td_arena arena;

static struct td_html read_page(const char *text)
{
    struct td_html page;
    assert_ok(td_html_read(td_str(text), &arena, &page, NULL));
    return page;
}

static const struct td_html_field *field(const struct td_html_form *form, const char *name)
{
    for (size_t i = 0; i < form->count; i++)
        if (strcmp(form->fields[i].name, name) == 0)
            return &form->fields[i];
    return NULL;
}

static void reads_a_page(void **state TD_UNUSED)
{
    struct td_html page = read_page(
        "<!DOCTYPE html>\n<HTML><head><title>Sign in &#8211; Contoso &amp; Co</title>"
        "<style>form{} </style><script>var a='<form action=x>';</script></head><body><!-- <form> --><form "
        "action='/other'>"
        "<input type=hidden name=x value=1></form><div role=alert><b>Wrong</b> password</div>\n"
        "<form METHOD=\"POST\" action=\"/login?a=1&amp;b=2\"><input type=\"hidden\" name=csrf value='q&quot;&#x41;'/>"
        "<input name=username TYPE=Email autofocus><input type=password name='pass word'><input type=checkbox "
        "name=stay "
        "checked><input disabled name=no><button name=go value=next>Next</button></form></body>");
    assert_string_equal(page.title, "Sign in \xe2\x80\x93 Contoso & Co");
    assert_string_equal(page.alert, "Wrong password");
    assert_int_equal(page.form_count, 2);
    const struct td_html_form *form = td_html_main_form(&page);
    assert_string_equal(form->action, "/login?a=1&b=2");
    assert_true(form->post);
    assert_int_equal(form->count, 5);
    assert_string_equal(field(form, "csrf")->value, "q\"A");
    assert_string_equal(field(form, "username")->type, "email");
    assert_true(td_html_typed(field(form, "username")));
    assert_true(td_html_typed(field(form, "pass word")));
    assert_true(field(form, "stay")->checked);
    assert_false(td_html_typed(field(form, "stay")));
    assert_null(field(form, "no"));
    assert_string_equal(field(form, "go")->type, "submit");
}

static void bears_broken_pages(void **state TD_UNUSED)
{
    static const char *const pages[] = {"",
                                        "<",
                                        "<form",
                                        "<form action=\"x",
                                        "</",
                                        "<input name",
                                        "<a b=c d='",
                                        "<!-- no end",
                                        "<script>no end <b>",
                                        "<title>no end",
                                        "<form action= = / >",
                                        "<input/ / name=x /=>",
                                        "&#99999999;&#x;&nope;&"};
    for (size_t i = 0; i < TD_COUNTOF(pages); i++)
        (void)read_page(pages[i]);
    struct td_html page = read_page("<form method=post><input name=a value=\"&#0;&#xD800;&nope;&\"></form>");
    assert_string_equal(page.forms[0].fields[0].value, "\xef\xbf\xbd\xef\xbf\xbd&nope;&");
    page = read_page("<p>nothing</p>");
    assert_null(td_html_main_form(&page));
}

static void is_bounded(void **state TD_UNUSED)
{
    struct td_buf text;
    struct td_html page;
    td_buf_init(&text, 1 << 20);
    td_buf_adds(&text, "<form>");
    for (int i = 0; i <= TD_HTML_MAX_FIELDS; i++)
        td_buf_adds(&text, "<input name=a>");
    assert_int_equal(td_html_read(td_buf_slice(&text), &arena, &page, NULL), TD_ELIMIT);
    td_buf_reset(&text);
    for (int i = 0; i <= TD_HTML_MAX_FORMS; i++)
        td_buf_adds(&text, "<form></form>");
    assert_int_equal(td_html_read(td_buf_slice(&text), &arena, &page, NULL), TD_ELIMIT);
    td_buf_reset(&text);
    while (text.n <= TD_HTML_MAX)
        td_buf_adds(&text, "some text that fills the page ");
    assert_int_equal(td_html_read(td_buf_slice(&text), &arena, &page, NULL), TD_ELIMIT);
    td_buf_done(&text);
}

static void resolves_addresses(void **state TD_UNUSED)
{
    static const struct {
        const char *base, *reference, *want;
    } rows[] = {
        {"https://h:8443/a/b?c", "https://o.test/x", "https://o.test/x"},
        {"https://h:8443/a/b?c", "/x?y", "https://h:8443/x?y"},
        {"https://h:8443/a/b?c", "x", "https://h:8443/a/x"},
        {"https://h:8443/a/b?c", "?x=1", "https://h:8443/a/b?x=1"},
        {"https://h:8443/a/b?c", "", "https://h:8443/a/b?c"},
        {"https://h:8443/a/b?c", "//o/x", "https://o/x"},
        {"https://h", "x", "https://h/x"},
        {"https://h/a", "x?u=http://y", "https://h/x?u=http://y"},
        {"https://h/a", "http://h/x", NULL},
        {"https://h/a", "javascript:alert(1)", NULL},
        {"https://h/a", "ms-aadj-redir://auth/drs", NULL},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        const char *got = td_url_resolve(rows[i].base, rows[i].reference, &arena);
        assert_true((got == NULL) == (rows[i].want == NULL));
        if (got != NULL)
            assert_string_equal(got, rows[i].want);
    }
    assert_string_equal(td_url_origin("HTTPS://h:1/x", &arena), "HTTPS://h:1");
    assert_string_equal(td_url_origin("http://h", &arena), "");
}

static void reads_forms(void **state TD_UNUSED)
{
    struct td_buf form;
    td_buf_init(&form, 100);
    td_form_add(&form, "a b", "1&2=3");
    td_form_add(&form, "c", "");
    assert_slice(td_buf_slice(&form), "a%20b=1%262%3D3&c=");
    assert_string_equal(td_form_get(td_buf_slice(&form), "a b", &arena), "1&2=3");
    assert_string_equal(td_form_get(td_buf_slice(&form), "c", &arena), "");
    assert_null(td_form_get(td_buf_slice(&form), "d", &arena));
    td_buf_done(&form);
}

static int forget(void **state TD_UNUSED)
{
    td_arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_page),       cmocka_unit_test(bears_broken_pages), cmocka_unit_test(is_bounded),
        cmocka_unit_test(resolves_addresses), cmocka_unit_test(reads_forms),
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}
