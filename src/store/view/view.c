/* Pages: one statement for each rung of the order, until the page is full.
 *
 * Behind a mark (a, b, key) of an order by a, b come first the rows with the same a and b and a higher key, then those
 * with the same a and a higher b, then those with a higher a. Asked one after the other, each is a range of an index,
 * so that a page costs the same at any depth, however many rows share a value. */
#include "store/view.h"

#include "base/fault.h"
#include "store/driver.h"
#include "store/view/room.h"

enum { MAX_SQL = 512 * 1024 };

struct page {
    struct td_view_sql where;
    struct td_view_order order;
    struct td_view_mark *mark; /* NULL: from the beginning */
    struct td_view_row *rows;
    struct td_view_mark last;
    size_t count, wanted; /* one more than the page, to know whether there is more */
    int64_t skip;
    struct td_buf *plan; /* only tell how, ask nothing */
};

static void read_value(struct td_rows *r, int at, const struct td_view_column *c, struct td_arena *a,
                       struct td_view_value *ret)
{
    *ret = (struct td_view_value){.null = td_col_null(r, at)};
    if (ret->null)
        return;
    if (c->type == TD_V_TEXT || c->type == TD_V_TEXTS || c->type == TD_V_JSON)
        ret->text = td_col_text0(r, at, a);
    else
        ret->num = td_col_int(r, at);
    if (c->type != TD_V_ENUM)
        return;
    int64_t n = 0;
    while (n < ret->num && c->words[n] != NULL)
        n++;
    ret->text = ret->num >= 0 && c->words[n] != NULL ? c->words[n] : "unknown";
}

static void add_columns(struct td_buf *b, const struct td_view *v)
{
    const char *between = "";
    for (size_t i = 0; i < v->count; i++) {
        if (v->columns[i].sql == NULL)
            continue;
        td_buf_printf(b, "%s%s", between, v->columns[i].sql);
        between = ", ";
    }
}

/* Values of the columns; returns the position behind them. */
static int read_columns(struct td_rows *r, const struct td_view *v, struct td_arena *a, struct td_view_row *ret)
{
    int at = 0;
    *ret = (struct td_view_row){v, td_arena_array(a, struct td_view_value, v->count)};
    for (size_t i = 0; i < v->count; i++) {
        if (v->columns[i].sql == NULL)
            ret->values[i] = (struct td_view_value){.null = true};
        else
            read_value(r, at++, &v->columns[i], a, &ret->values[i]);
    }
    return at;
}

static void read_mark(struct td_rows *r, int at, const struct td_view_order *o, struct td_arena *a,
                      struct td_view_mark *ret)
{
    for (size_t i = 0; i < o->count; i++, at++) {
        struct td_view_literal *v = &ret->value[i];
        *v = (struct td_view_literal){.null = td_col_null(r, at), .text = "", .num = td_col_int(r, at)};
        if (td_view_is_text(o->column[i]))
            v->text = td_col_text0(r, at, a);
    }
    ret->key = td_col_text0(r, at, a);
}

static void add_order_columns(struct td_buf *b, const struct td_view *v, const struct td_view_order *o)
{
    for (size_t i = 0; i < o->count; i++) {
        td_view_add_fold(b, o->column[i]);
        td_buf_adds(b, ", ");
    }
    td_buf_adds(b, v->key);
}

/* from: the columns before it have one value each. */
static void add_order_by(struct td_buf *b, const struct page *p, size_t from)
{
    const struct td_view_order *o = &p->order;
    const char *hidden = p->where.few ? "+" : "";
    td_buf_adds(b, " ORDER BY ");
    for (size_t i = from; i < o->count; i++) {
        const struct td_view_column *c = o->column[i];
        bool number = !td_view_is_text(c) && c->fold == NULL && !c->indexed;
        td_buf_adds(b, hidden);
        td_view_add_fold(b, c);
        td_buf_adds(b, number ? " + 0" : ""); /* a bare number would be the place of a column */
        td_buf_adds(b, o->descending[i] ? " DESC, " : ", ");
    }
    td_buf_printf(b, "%s%s%s", hidden, p->where.view->key, o->key_descending ? " DESC" : "");
}

static enum td_code add_value(struct td_view_sql *s, const struct td_view_column *c, const struct td_view_literal *v,
                              struct td_error *err)
{
    return td_view_is_text(c) ? td_view_bind_text(s, v->text, err) : td_view_bind_int(s, v->num, err);
}

/* A rung: the first `same` values are those of the mark, the next one lies behind it. nulls: those that an order
 * downwards puts last, apart so that the rest stays a range. */
struct rung {
    size_t same;
    bool nulls;
};

/* False: nothing can lie there. */
static bool is_there(const struct page *p, const struct rung *rung)
{
    if (rung->same >= p->order.count)
        return true;
    bool null = p->mark->value[rung->same].null, down = p->order.descending[rung->same];
    return rung->nulls ? down && !null : !down || !null;
}

static enum td_code add_rung(struct page *p, const struct rung *rung, struct td_error *err)
{
    struct td_view_sql *s = &p->where;
    const struct td_view_order *o = &p->order;
    for (size_t i = 0; i < TD_MIN(rung->same + 1, o->count); i++) {
        const struct td_view_literal *v = &p->mark->value[i];
        bool last = i == rung->same;
        td_buf_adds(&s->text, s->few ? " AND +" : " AND ");
        td_view_add_fold(&s->text, o->column[i]);
        if (last && (rung->nulls || v->null)) {
            td_buf_adds(&s->text, rung->nulls ? " IS NULL" : " IS NOT NULL");
        } else if (v->null) {
            td_buf_adds(&s->text, " IS NULL");
        } else {
            td_buf_adds(&s->text, !last ? " = " : o->descending[i] ? " < " : " > ");
            td_try(add_value(s, o->column[i], v, err));
        }
    }
    if (rung->same < o->count)
        return TD_OK;
    td_buf_printf(&s->text, "%s%s %s ", s->few ? " AND +" : " AND ", s->view->key, o->key_descending ? "<" : ">");
    return td_view_bind_text(s, p->mark->key, err);
}

static enum td_code add_limit(struct page *p, struct td_error *err)
{
    td_buf_adds(&p->where.text, " LIMIT ");
    td_try(td_view_bind_int(&p->where, (int64_t)(p->wanted - p->count), err));
    td_buf_adds(&p->where.text, " OFFSET ");
    return td_view_bind_int(&p->where, p->skip, err);
}

/* Where no index gives both rows and order, many are looked at or sorted: then only their keys, and whole rows for the
 * page alone. */
static bool keys_first(const struct page *p)
{
    const struct td_view_ask *ask = p->where.ask;
    return (p->order.count != 0 && !p->order.column[0]->indexed) || p->where.few ||
           ((ask->filter != NULL || ask->search != NULL) && !p->where.led);
}

static enum td_code put_together(struct page *p, struct td_buf *sql, size_t from, struct td_error *err)
{
    const struct td_view *v = p->where.view;
    td_buf_adds(sql, "SELECT ");
    add_columns(sql, v);
    td_buf_adds(sql, ", ");
    add_order_columns(sql, v, &p->order);
    td_buf_printf(sql, " FROM %s", v->from);
    if (keys_first(p))
        td_buf_printf(sql, " WHERE %s = $1 AND %s IN (SELECT %s FROM %s", v->tenant, v->key, v->key, v->from);
    td_buf_add(sql, td_buf_slice(&p->where.text));
    if (keys_first(p)) {
        td_buf_adds(sql, ")");
        add_order_by(sql, p, from);
    }
    return td_buf_check(sql, "$filter", err);
}

static enum td_code tell_plan(struct page *p, const char *sql, struct td_error *err)
{
    enum { DETAIL = 3 };
    struct td_view_sql *s = &p->where;
    struct td_rows r;
    td_try(td_sql_query_list(s->tx, &r, err, td_arena_printf(s->arena, "EXPLAIN QUERY PLAN %s", sql), s->types,
                             s->values));
    while (td_rows_next(&r))
        td_buf_printf(p->plan, "%s\n", td_col_text0(&r, DETAIL, s->arena));
    return td_rows_done(&r, err);
}

static enum td_code take_rows(struct page *p, const char *sql, struct td_error *err)
{
    struct td_view_sql *s = &p->where;
    struct td_rows r;
    if (p->plan != NULL)
        return tell_plan(p, sql, err);
    td_try(td_sql_query_list(s->tx, &r, err, sql, s->types, s->values));
    while (p->count < p->wanted && td_rows_next(&r)) {
        int at = read_columns(&r, s->view, s->arena, &p->rows[p->count]);
        if (++p->count == p->wanted - 1)
            read_mark(&r, at, &p->order, s->arena, &p->last);
    }
    return td_rows_done(&r, err);
}

/* The condition stays as it is in front; what a rung adds is taken off again. */
static enum td_code run_rung(struct page *p, const struct rung *rung, struct td_error *err)
{
    struct td_view_sql *s = &p->where;
    size_t text = s->text.n, count = s->count, from = p->mark != NULL ? rung->same + rung->nulls : 0;
    TD_CLEANUP(td_buf_done) struct td_buf sql;
    td_buf_init(&sql, MAX_SQL);
    if (p->mark != NULL)
        td_try(add_rung(p, rung, err));
    add_order_by(&s->text, p, from);
    td_try(add_limit(p, err));
    td_try(put_together(p, &sql, from, err));
    td_try(take_rows(p, sql.p, err));
    s->text.n = text;
    s->count = count;
    s->types[count] = '\0';
    return TD_OK;
}

static enum td_code run_rungs(struct page *p, struct td_error *err)
{
    if (p->mark == NULL)
        return run_rung(p, &(struct rung){0}, err);
    for (size_t same = p->order.count + (td_fault("view-ties-lost") ? 0 : 1); same-- > 0 && p->count < p->wanted;) {
        const struct rung values = {same, false}, nulls = {same, true};
        if (is_there(p, &values))
            td_try(run_rung(p, &values, err));
        if (same < p->order.count && p->count < p->wanted && is_there(p, &nulls))
            td_try(run_rung(p, &nulls, err));
    }
    return TD_OK;
}

static enum td_code count_all(struct td_view_sql *s, int64_t *ret, struct td_error *err)
{
    struct td_rows r;
    TD_CLEANUP(td_buf_done) struct td_buf sql;
    td_buf_init(&sql, MAX_SQL);
    /* the bound keeps it a question of its own, whose joins are left out where nobody asks for them */
    td_buf_printf(&sql, "SELECT count(*) FROM (SELECT %s FROM %s", s->view->key, s->view->from);
    td_buf_add(&sql, td_buf_slice(&s->text));
    td_buf_adds(&sql, " LIMIT 9223372036854775807)");
    td_try(td_buf_check(&sql, "$filter", err));
    td_try(td_sql_query_list(s->tx, &r, err, sql.p, s->types, s->values));
    while (td_rows_next(&r))
        *ret = td_col_int(&r, 0);
    return td_rows_done(&r, err);
}

static enum td_code run_page(struct page *p, struct td_view_page *ret, struct td_error *err)
{
    struct td_view_sql *s = &p->where;
    const struct td_view_ask *ask = s->ask;
    if (ask->after != NULL) {
        p->mark = td_arena_new(s->arena, struct td_view_mark);
        p->skip = 0;
        td_try(td_view_token_read(s->view, &p->order, ask->after, s->arena, p->mark, err));
    }
    td_try(run_rungs(p, err));
    *ret = (struct td_view_page){.rows = p->rows, .count = TD_MIN(p->count, ask->top), .total = -1};
    if (p->count > ask->top)
        ret->next = td_view_token(s->view, &p->order, &p->last, s->arena);
    if (p->count > ask->top && ret->next == NULL)
        return td_fail(err, TD_ELIMIT, "$orderby", "the values of this property are too long to go on behind them");
    return ask->count ? count_all(s, &ret->total, err) : TD_OK;
}

static enum td_code ask_page(struct td_tx *tx, const char *tenant, const struct td_view *v,
                             const struct td_view_ask *ask, struct td_arena *a, struct td_buf *plan,
                             struct td_view_page *ret, struct td_error *err)
{
    struct page *p = td_arena_new(a, struct page);
    p->plan = plan;
    td_try(td_view_bounds(ask, err));
    td_try(td_view_order(v, ask, &p->order, err));
    p->where = (struct td_view_sql){.tx = tx, .view = v, .ask = ask, .order = &p->order, .arena = a};
    p->wanted = ask->top + 1;
    p->rows = td_arena_array(a, struct td_view_row, p->wanted);
    p->skip = TD_MAX(ask->skip, 0);
    enum td_code rc = td_view_where(&p->where, tenant, err);
    if (rc == TD_OK)
        rc = run_page(p, ret, err);
    td_buf_done(&p->where.text);
    return rc;
}

enum td_code td_view_page(struct td_tx *tx, const char *tenant, const struct td_view *v, const struct td_view_ask *ask,
                          struct td_arena *a, struct td_view_page *ret, struct td_error *err)
{
    return ask_page(tx, tenant, v, ask, a, NULL, ret, err);
}

enum td_code td_view_plan(struct td_tx *tx, const char *tenant, const struct td_view *v, const struct td_view_ask *ask,
                          struct td_arena *a, const char **ret, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf plan;
    struct td_view_page none;
    td_buf_init(&plan, MAX_SQL);
    td_try(ask_page(tx, tenant, v, ask, a, &plan, &none, err));
    *ret = td_arena_text(a, td_buf_slice(&plan));
    return TD_OK;
}

enum td_code td_view_one(struct td_tx *tx, const char *tenant, const struct td_view *v, const char *key,
                         struct td_arena *a, struct td_view_row *ret, struct td_error *err)
{
    const struct td_view_ask ask = {.equals = {{"id", key}}, .equal_count = 1, .top = 1};
    struct td_view_page page;
    td_try(td_view_page(tx, tenant, v, &ask, a, &page, err));
    if (page.count == 0)
        return td_fail(err, TD_ENOTFOUND, v->name, "there is none with the id %.100s", key);
    *ret = page.rows[0];
    return TD_OK;
}

enum td_code td_view_index(struct td_tx *tx, size_t max, size_t *ret_done, struct td_error *err)
{
    return tx->store->driver->search_index(tx, max, ret_done, err);
}

enum td_code td_view_is_behind(struct td_tx *tx, bool *ret, struct td_error *err)
{
    return tx->store->driver->search_is_behind(tx, ret, err);
}
