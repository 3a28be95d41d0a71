/* The same questions over rows in memory: fixed and computed lists, and the judge of what the SQL gives. */
#include "store/view/room.h"

#include <stdlib.h>

struct judge {
    const struct td_view_row *row;
    const struct td_view_ask *ask;
    const struct td_view_items *items;
    const struct td_view_column *item; /* inside any and all */
    const char *value;                 /* the item */
    struct td_arena *arena;
};

static enum td_code judge(const struct judge *j, const struct td_od_expr *e, bool *ret, struct td_error *err);

/* A column's value as it is compared. */
static struct td_view_literal value_of(const struct judge *j, const struct td_view_column *c)
{
    struct td_view_literal l = {.text = ""};
    if (j->item != NULL && c == j->item) {
        l.text = td_view_lower(j->arena, j->value);
        return l;
    }
    const struct td_view_value *v = &j->row->values[c - j->row->view->columns];
    l.null = v->null;
    l.num = v->num;
    if (td_view_is_text(c) && !v->null)
        l.text = td_view_lower(j->arena, v->text);
    return l;
}

static int order_of(const struct td_view_column *c, const struct td_view_literal *a, const struct td_view_literal *b)
{
    if (td_view_is_text(c))
        return strcmp(a->text, b->text);
    return a->num < b->num ? -1 : a->num > b->num;
}

static bool is_null(const struct td_view_column *c, const struct td_view_literal *v)
{
    return v->null || (c->type == TD_V_TIME && v->num == 0);
}

static bool compared(const struct td_view_column *c, enum td_od_op op, const struct td_view_literal *a,
                     const struct td_view_literal *b)
{
    if (b->null)
        return (op == TD_OD_EQ && is_null(c, a)) || (op == TD_OD_NE && !is_null(c, a));
    if (a->null)
        return op == TD_OD_NE;
    int o = order_of(c, a, b);
    switch (op) {
    case TD_OD_EQ:
        return o == 0;
    case TD_OD_NE:
        return o != 0;
    case TD_OD_GT:
        return o > 0;
    case TD_OD_GE:
        return o >= 0;
    case TD_OD_LT:
        return o < 0;
    default:
        return o <= 0;
    }
}

static bool text_fits(enum td_od_op op, const char *text, const char *part)
{
    if (op == TD_OD_STARTSWITH)
        return td_starts(td_str(text), part);
    return op == TD_OD_ENDSWITH ? td_ends(td_str(text), part) : strstr(text, part) != NULL;
}

static enum td_code judge_values(const struct judge *j, const struct td_od_expr *e, const struct td_view_column *c,
                                 bool *ret, struct td_error *err)
{
    bool texts = e->op == TD_OD_STARTSWITH || e->op == TD_OD_ENDSWITH || e->op == TD_OD_CONTAINS;
    struct td_view_literal a = value_of(j, c), b;
    *ret = false;
    for (size_t i = 0; i < e->value_count; i++) {
        td_try(td_view_literal(c, &e->values[i], j->arena, &b, err));
        bool fits = texts ? !a.null && text_fits(e->op, a.text, b.text)
                          : compared(c, e->op == TD_OD_IN ? TD_OD_EQ : e->op, &a, &b);
        *ret = *ret || fits;
    }
    return TD_OK;
}

static enum td_code judge_items(const struct judge *j, const struct td_od_expr *e, const struct td_view_column *c,
                                bool *ret, struct td_error *err)
{
    const char *const *list = j->items != NULL ? j->items->texts(j->items->ctx, j->row, c->name) : NULL;
    bool all = e->op == TD_OD_ALL, fits = true;
    struct judge inside = *j;
    inside.item = c;
    if (all && e->left == NULL)
        return td_fail(err, TD_EINVAL, c->name, "all() needs a condition");
    inside.value = "";
    if (e->left != NULL) /* a mistake in it is one without items too */
        td_try(judge(&inside, e->left, &fits, err));
    *ret = all;
    for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
        inside.value = list[i];
        fits = true;
        if (e->left != NULL)
            td_try(judge(&inside, e->left, &fits, err));
        *ret = all ? *ret && fits : *ret || fits;
    }
    return TD_OK;
}

static enum td_code judge_type(const struct judge *j, const struct td_od_expr *e, bool *ret, struct td_error *err)
{
    const struct td_view_column *c = NULL;
    const char *const *types = NULL;
    td_try(td_view_types(j->row->view, j->ask, e->type, &c, &types, err));
    const struct td_view_value *v = &j->row->values[c - j->row->view->columns];
    *ret = false;
    for (size_t i = 0; types[i] != NULL; i++)
        *ret = *ret || (!v->null && td_ieqs(td_str(v->text), types[i]));
    return TD_OK;
}

static enum td_code judge_leaf(const struct judge *j, const struct td_od_expr *e, bool *ret, struct td_error *err)
{
    const struct td_view_column *c = NULL;
    if (e->op == TD_OD_ISOF)
        return judge_type(j, e, ret, err);
    td_try(td_view_leaf(j->row->view, e, j->item, &c, err));
    if (e->op == TD_OD_ANY || e->op == TD_OD_ALL)
        return judge_items(j, e, c, ret, err);
    if (e->op == TD_OD_TRUE) {
        struct td_view_literal v = value_of(j, c);
        *ret = !v.null && v.num == 1;
        return TD_OK;
    }
    return judge_values(j, e, c, ret, err);
}

/* Both sides are always looked at: a mistake in the second is one, whatever the row. */
static enum td_code judge(const struct judge *j, const struct td_od_expr *e, bool *ret, struct td_error *err)
{
    bool left = false, right = false;
    if (e->op != TD_OD_AND && e->op != TD_OD_OR && e->op != TD_OD_NOT)
        return judge_leaf(j, e, ret, err);
    td_try(judge(j, e->left, &left, err));
    if (e->op != TD_OD_NOT)
        td_try(judge(j, e->right, &right, err));
    *ret = e->op == TD_OD_NOT ? !left : e->op == TD_OD_AND ? left && right : left || right;
    return TD_OK;
}

enum td_code td_view_matches(const struct td_view_row *row, const struct td_od_expr *filter,
                             const struct td_view_ask *ask, const struct td_view_items *items, bool *ret,
                             struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const struct judge j = {.row = row, .ask = ask, .items = items, .arena = &a};
    bool fits = false;
    td_try(judge(&j, filter, &fits, err));
    *ret = fits;
    return TD_OK;
}

struct ranked {
    const struct td_view_row *row;
    const struct td_view_order *order;
    struct td_view_mark mark;
};

struct rows {
    const struct td_view *view;
    const struct td_view_ask *ask;
    const struct td_view_items *items;
    struct td_view_order order;
    struct td_arena *arena;
    struct ranked *list;
    size_t count;
};

static int rank(const struct td_view_order *o, const struct td_view_mark *a, const struct td_view_mark *b)
{
    for (size_t i = 0; i < o->count; i++) {
        const struct td_view_literal *x = &a->value[i], *y = &b->value[i];
        int d = x->null || y->null ? (int)y->null - (int)x->null : order_of(o->column[i], x, y);
        if (d != 0)
            return o->descending[i] ? -d : d;
    }
    int d = strcmp(a->key, b->key);
    return o->key_descending ? -d : d;
}

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return rank(x->order, &x->mark, &y->mark);
}

static const char *key_of(const struct td_view_row *row)
{
    return td_view_text(row, "id");
}

static struct td_view_mark mark_of(const struct rows *r, const struct td_view_row *row)
{
    const struct judge j = {.row = row, .arena = r->arena};
    struct td_view_mark m = {.key = key_of(row)};
    for (size_t i = 0; i < r->order.count; i++)
        m.value[i] = value_of(&j, r->order.column[i]);
    return m;
}

static bool equals_fit(const struct rows *r, const struct td_view_row *row)
{
    for (size_t i = 0; i < r->ask->equal_count; i++) {
        const struct td_view_value *v = td_view_value(row, r->ask->equals[i].column);
        int64_t num = 0;
        struct td_slice wanted = td_str(r->ask->equals[i].value);
        if (v == NULL || (v->text != NULL ? !td_ieqs(wanted, v->text) : !td_parse_i64(wanted, &num) || num != v->num))
            return false;
    }
    return true;
}

/* $search: the property it names, else those that are searched, else the name. */
static bool search_fits(const struct rows *r, const struct td_view_row *row)
{
    const struct td_view_ask *ask = r->ask;
    const char *only = ask->search_property;
    bool fits = false;
    const struct judge j = {.row = row, .arena = r->arena};
    if (ask->search == NULL || ask->search[0] == '\0')
        return true;
    for (size_t i = 0; i < r->view->count; i++) {
        const struct td_view_column *c = &r->view->columns[i];
        bool asked = only != NULL ? td_ieqs(td_str(only), c->name) : td_view_is_sought(r->view, c);
        if (!asked || c->type != TD_V_TEXT)
            continue;
        struct td_view_literal v = value_of(&j, c);
        fits = fits || (!v.null && strstr(v.text, td_view_lower(r->arena, ask->search)) != NULL);
    }
    return fits;
}

static enum td_code pick(struct rows *r, const struct td_view_row *rows, size_t count, struct td_error *err)
{
    bool fits = true;
    r->list = td_arena_array(r->arena, struct ranked, count);
    for (size_t i = 0; i < count; i++) {
        if (r->ask->filter != NULL)
            td_try(td_view_matches(&rows[i], r->ask->filter, r->ask, r->items, &fits, err));
        if (fits && equals_fit(r, &rows[i]) && search_fits(r, &rows[i]))
            r->list[r->count++] = (struct ranked){&rows[i], &r->order, mark_of(r, &rows[i])};
    }
    if (r->count != 0)
        qsort(r->list, r->count, sizeof(r->list[0]), compare_ranked);
    return TD_OK;
}

static enum td_code first_of(struct rows *r, size_t *ret, struct td_error *err)
{
    struct td_view_mark after;
    size_t at = 0;
    if (r->ask->after == NULL) {
        *ret = (size_t)TD_MIN(TD_MAX(r->ask->skip, 0), (int64_t)r->count);
        return TD_OK;
    }
    td_try(td_view_token_read(r->view, &r->order, r->ask->after, r->arena, &after, err));
    while (at < r->count && rank(&r->order, &r->list[at].mark, &after) <= 0)
        at++;
    *ret = at;
    return TD_OK;
}

static enum td_code cut_page(struct rows *r, struct td_view_page *ret, struct td_error *err)
{
    size_t from = 0;
    td_try(first_of(r, &from, err));
    struct td_view_page p = {.count = TD_MIN(r->count - from, r->ask->top), .total = -1};
    p.rows = td_arena_array(r->arena, struct td_view_row, p.count);
    for (size_t i = 0; i < p.count; i++)
        p.rows[i] = *r->list[from + i].row;
    if (r->ask->count)
        p.total = (int64_t)r->count;
    if (from + p.count < r->count && p.count != 0)
        p.next = td_view_token(r->view, &r->order, &r->list[from + p.count - 1].mark, r->arena);
    *ret = p;
    return TD_OK;
}

enum td_code td_view_page_rows(const struct td_view_row *rows, size_t count, const struct td_view_ask *ask,
                               const struct td_view_items *items, struct td_arena *a, struct td_view_page *ret,
                               struct td_error *err)
{
    struct rows *r = td_arena_new(a, struct rows);
    td_try(td_view_bounds(ask, err));
    *ret = (struct td_view_page){.total = ask->count ? 0 : -1};
    if (count == 0) /* no view is known, and nothing can be found */
        return TD_OK;
    *r = (struct rows){.view = rows[0].view, .ask = ask, .items = items, .arena = a};
    td_try(td_view_order(r->view, ask, &r->order, err));
    td_try(pick(r, rows, count, err));
    return cut_page(r, ret, err);
}
