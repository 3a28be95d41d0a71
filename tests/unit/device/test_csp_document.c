/* docs/protocol/virtual-csp.md lists the nodes as the code's tables have them. TD_WRITE_DOCS=1 writes the list anew. */
#include "base/arena.h"
#include "device/csp/table.h"
#include "unit/test.h"

#include <stdlib.h>

#define DOCUMENT "../../docs/protocol/virtual-csp.md"
#define BEGIN "<!-- nodes: made from src/device/csp/nodes.c -->\n"
#define END "<!-- end of nodes -->\n"

static void cell(struct td_buf *out, const char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '|')
            td_buf_adds(out, "\\|");
        else
            td_buf_addc(out, *text);
}

static void row(struct td_buf *out, const char *const *cells, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        td_buf_adds(out, "| ");
        cell(out, cells[i]);
        td_buf_addc(out, ' ');
    }
    td_buf_adds(out, "|\n");
}

static const char *scope_text(unsigned scope)
{
    return scope == TD_CSP_BOTH ? "device, user" : scope == TD_CSP_USER ? "user" : "device";
}

static void write_nodes(struct td_buf *out)
{
    td_buf_adds(
        out,
        BEGIN "| node | scope | format | operations | values | at first | meaning |\n|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < td_csp_row_count; i++) {
        const struct td_csp_row *r = &td_csp_rows[i];
        const char *initial = r->initial == NULL ? "" : *r->initial == '\0' && r->fn != NULL ? "computed" : r->initial;
        const char *const cells[] = {r->path, scope_text(r->scope), r->format, r->ops, r->check, initial, r->meaning};
        row(out, cells, TD_COUNTOF(cells));
    }
    td_buf_adds(out, "\n| policy area | name | format | values | meaning |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < td_csp_policy_count; i++) {
        const struct td_csp_policy *p = &td_csp_policies[i];
        const char *const cells[] = {p->area, p->name, p->format, p->check, p->meaning};
        row(out, cells, TD_COUNTOF(cells));
    }
    td_buf_adds(out, END);
}

static void document_has_every_node(void **state TD_UNUSED)
{
    struct td_buf now, list, next;
    td_buf_init(&list, 1 << 20);
    td_buf_init(&next, 1 << 20);
    write_nodes(&list);
    now = fixture(DOCUMENT);
    const char *begin = strstr(now.p, BEGIN), *end = strstr(now.p, END);
    assert_true(begin != NULL && end != NULL && end > begin);
    td_buf_add(&next, td_bytes(now.p, (size_t)(begin - now.p)));
    td_buf_add(&next, td_buf_slice(&list));
    td_buf_adds(&next, end + strlen(END));
    if (getenv("TD_WRITE_DOCS") != NULL)
        assert_ok(td_file_write(TD_FIXTURES "/" DOCUMENT, td_buf_slice(&next), 0644, NULL));
    else if (!td_eq(td_buf_slice(&next), td_buf_slice(&now)))
        fail_msg("docs/protocol/virtual-csp.md differs from the tables: run this test with TD_WRITE_DOCS=1");
    td_buf_done(&now);
    td_buf_done(&list);
    td_buf_done(&next);
}

/* What the engine relies on in every row. */
static void rows_are_sound(void **state TD_UNUSED)
{
    for (size_t i = 0; i < td_csp_row_count; i++) {
        const struct td_csp_row *r = &td_csp_rows[i];
        assert_true(*r->path != '/' && *r->path != '.' && strstr(r->path, "//") == NULL);
        assert_int_equal(strspn(r->ops, "ADGRXu"), strlen(r->ops));
        assert_true(strchr(r->ops, 'u') == NULL || strchr(r->ops, 'R') != NULL);
        assert_true(strchr(r->ops, 'X') == NULL || r->fn != NULL);
        for (size_t k = 0; k < i; k++)
            if (strcmp(td_csp_rows[k].path, r->path) == 0)
                fail_msg("%s stands twice in the table", r->path);
        if (r->initial != NULL && *r->initial != '\0' && strcmp(r->format, "node") != 0)
            assert_true(td_csp_fits(r->format, r->check, td_str(r->initial)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(document_has_every_node),
        cmocka_unit_test(rows_are_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
