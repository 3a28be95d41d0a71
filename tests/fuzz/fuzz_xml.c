/* codec/xml: any bytes either give a tree that can be walked or an error. */
#include "codec/xml.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const struct td_xml *node, struct td_xmlw *w)
{
    td_xmlw_open(w, "n");
    int n = 0;
    for (const struct td_xml_attr *a = node->attrs; a != NULL; a = a->next) {
        char name[16];
        snprintf(name, sizeof(name), "a%d", n++);
        td_xmlw_attr(w, name, a->value);
    }
    td_xmlw_text(w, td_xml_text(node));
    for (const struct td_xml *c = node->child; c != NULL; c = c->next)
        walk(c, w);
    td_xmlw_close(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_arena a;
    struct td_xml *root = NULL;
    td_arena_init(&a);
    if (td_xml_parse(td_bytes(data, size), 1 << 16, &a, &root, NULL) == TD_OK) {
        struct td_buf b;
        struct td_xmlw w;
        td_buf_init(&b, 1 << 22);
        td_xmlw_init(&w, &b);
        walk(root, &w);
        struct td_xml *again = NULL;
        if (b.failed || td_xml_parse(td_buf_slice(&b), 1 << 22, &a, &again, NULL) != TD_OK)
            __builtin_trap(); /* what the writer wrote must be readable */
        td_buf_done(&b);
    }
    td_arena_done(&a);
    return 0;
}
