/* A filter's tree back as text that the grammar takes, fully parenthesised: for tests and the fuzzer. */
#ifndef TD_TESTS_ODATA_TEXT_H
#define TD_TESTS_ODATA_TEXT_H

#include "base/buf.h"
#include "codec/odata.h"

static inline void odata_value(struct td_buf *b, const struct td_od_value *v)
{
    if (v->kind != TD_OD_TEXT) {
        td_buf_adds(b, v->text);
        return;
    }
    td_buf_addc(b, '\'');
    for (const char *p = v->text; *p != '\0'; p++) {
        td_buf_addc(b, *p);
        if (*p == '\'')
            td_buf_addc(b, '\'');
    }
    td_buf_addc(b, '\'');
}

static inline void odata_property(struct td_buf *b, const struct td_od_expr *e)
{
    td_buf_adds(b, e->folded ? "tolower(" : "");
    td_buf_adds(b, e->item ? (e->path[0] != '\0' ? "i/" : "i") : "");
    td_buf_adds(b, e->path);
    td_buf_adds(b, e->folded ? ")" : "");
}

static inline void odata_values(struct td_buf *b, const struct td_od_expr *e)
{
    for (size_t i = 0; i < e->value_count; i++) {
        td_buf_adds(b, i != 0 ? "," : "");
        odata_value(b, &e->values[i]);
    }
}

static inline void odata_text(struct td_buf *b, const struct td_od_expr *e);

static inline void odata_lambda(struct td_buf *b, const struct td_od_expr *e)
{
    td_buf_printf(b, "%s/%s(", e->path, e->op == TD_OD_ANY ? "any" : "all");
    if (e->left != NULL) {
        td_buf_adds(b, "i:");
        odata_text(b, e->left);
    }
    td_buf_addc(b, ')');
}

static inline void odata_leaf(struct td_buf *b, const struct td_od_expr *e, const char *word)
{
    const bool function = e->op == TD_OD_STARTSWITH || e->op == TD_OD_ENDSWITH || e->op == TD_OD_CONTAINS;
    if (function)
        td_buf_printf(b, "%s(", word);
    odata_property(b, e);
    if (function)
        td_buf_addc(b, ',');
    else
        td_buf_printf(b, " %s %s", word, e->op == TD_OD_IN ? "(" : "");
    odata_values(b, e);
    td_buf_adds(b, function || e->op == TD_OD_IN ? ")" : "");
}

static inline void odata_text(struct td_buf *b, const struct td_od_expr *e)
{
    static const char *const words[] = {[TD_OD_AND] = "and",
                                        [TD_OD_OR] = "or",
                                        [TD_OD_EQ] = "eq",
                                        [TD_OD_NE] = "ne",
                                        [TD_OD_GT] = "gt",
                                        [TD_OD_GE] = "ge",
                                        [TD_OD_LT] = "lt",
                                        [TD_OD_LE] = "le",
                                        [TD_OD_IN] = "in",
                                        [TD_OD_STARTSWITH] = "startswith",
                                        [TD_OD_ENDSWITH] = "endswith",
                                        [TD_OD_CONTAINS] = "contains"};
    switch (e->op) {
    case TD_OD_AND:
    case TD_OD_OR:
        td_buf_addc(b, '(');
        odata_text(b, e->left);
        td_buf_printf(b, " %s ", words[e->op]);
        odata_text(b, e->right);
        td_buf_addc(b, ')');
        return;
    case TD_OD_NOT:
        td_buf_adds(b, "not ");
        odata_text(b, e->left);
        return;
    case TD_OD_ANY:
    case TD_OD_ALL:
        odata_lambda(b, e);
        return;
    case TD_OD_ISOF:
        td_buf_printf(b, "isof('%s')", e->type);
        return;
    case TD_OD_TRUE:
        odata_property(b, e);
        return;
    default:
        odata_leaf(b, e, words[e->op]);
    }
}

#endif
