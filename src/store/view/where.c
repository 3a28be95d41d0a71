/* Filters and searches as SQL: expressions of our tables and bound values, never a caller's text.
 *
 * Every condition gives true, false or null, and null counts as false: what stands in NOT is wrapped, so that not of
 * null is true, as everywhere in these questions (store/view.h). */
#include "base/fault.h"
#include "store/driver.h"
#include "store/view/room.h"

/* More rows than these are found sooner by reading in the order that is asked for. */
enum { FEW = 2000, MAX_SQL = 256 * 1024, BEFORE_TENANT = sizeof(" WHERE") };

struct place {
    struct td_view_sql *s;
    const struct td_view_column *item; /* inside any and all: the list */
    bool must;                         /* only AND stands above: an index may lead */
};

static enum td_code expression(const struct place *at, const struct td_od_expr *e, struct td_error *err);

static enum td_code bind(struct td_view_sql *s, char type, union td_bind value, struct td_error *err)
{
    if (s->count >= TD_VIEW_MAX_PARAMS)
        return td_remedy(err, td_fail(err, TD_ELIMIT, "$filter", "has too many values"), "ask in several questions");
    s->types[s->count] = type;
    s->values[s->count++] = value;
    s->types[s->count] = '\0';
    td_buf_addc(&s->text, '$');
    td_buf_addu(&s->text, s->count);
    return TD_OK;
}

enum td_code td_view_bind_text(struct td_view_sql *s, const char *text, struct td_error *err)
{
    return bind(s, 's', (union td_bind){.s = text}, err);
}

enum td_code td_view_bind_int(struct td_view_sql *s, int64_t num, struct td_error *err)
{
    return bind(s, 'i', (union td_bind){.i = num}, err);
}

void td_view_add_fold(struct td_buf *b, const struct td_view_column *c)
{
    if (c->fold != NULL)
        td_buf_adds(b, c->fold);
    else
        td_buf_printf(b, td_view_is_text(c) ? "lower(%s)" : "(%s)", c->sql);
}

static void add_column(const struct place *at, const struct td_view_column *c)
{
    if (at->item != NULL && c == at->item)
        td_buf_adds(&at->s->text, "lower(i.v)");
    else
        td_view_add_fold(&at->s->text, c);
}

static void add_raw(const struct place *at, const struct td_view_column *c)
{
    if (at->item != NULL && c == at->item)
        td_buf_adds(&at->s->text, "i.v");
    else
        td_buf_printf(&at->s->text, "(%s)", c->sql);
}

static enum td_code add_literal(const struct place *at, const struct td_view_column *c,
                                const struct td_view_literal *value, struct td_error *err)
{
    return td_view_is_text(c) ? td_view_bind_text(at->s, value->text, err) : td_view_bind_int(at->s, value->num, err);
}

static void add_null(const struct place *at, const struct td_view_column *c, bool is)
{
    add_raw(at, c);
    td_buf_adds(&at->s->text, is ? " IS NULL" : " IS NOT NULL");
    if (c->type != TD_V_TIME)
        return;
    td_buf_adds(&at->s->text, is ? " OR " : " AND ");
    add_raw(at, c);
    td_buf_adds(&at->s->text, is ? " = 0" : " <> 0");
}

static enum td_code compare(const struct place *at, const struct td_od_expr *e, const struct td_view_column *c,
                            struct td_error *err)
{
    static const char *const signs[] = {[TD_OD_EQ] = " = ",  [TD_OD_NE] = " IS NOT ", [TD_OD_GT] = " > ",
                                        [TD_OD_GE] = " >= ", [TD_OD_LT] = " < ",      [TD_OD_LE] = " <= "};
    struct td_view_literal value;
    td_try(td_view_literal(c, &e->values[0], at->s->arena, &value, err));
    if (value.null && (e->op == TD_OD_EQ || e->op == TD_OD_NE)) {
        add_null(at, c, e->op == TD_OD_EQ);
        return TD_OK;
    }
    if (value.null) {
        td_buf_adds(&at->s->text, "0");
        return TD_OK;
    }
    at->s->led = at->s->led || (e->op == TD_OD_EQ && at->must && c->indexed);
    add_column(at, c);
    td_buf_adds(&at->s->text, signs[e->op]);
    return add_literal(at, c, &value, err);
}

static enum td_code in_list(const struct place *at, const struct td_od_expr *e, const struct td_view_column *c,
                            struct td_error *err)
{
    struct td_view_literal value;
    bool null = false;
    size_t n = 0;
    add_column(at, c);
    td_buf_adds(&at->s->text, " IN (");
    for (size_t i = 0; i < e->value_count; i++) {
        td_try(td_view_literal(c, &e->values[i], at->s->arena, &value, err));
        null = null || value.null;
        if (value.null)
            continue;
        td_buf_adds(&at->s->text, n++ != 0 ? ", " : "");
        td_try(add_literal(at, c, &value, err));
    }
    td_buf_adds(&at->s->text, ")");
    if (null) {
        td_buf_adds(&at->s->text, " OR ");
        add_null(at, c, true);
    }
    return TD_OK;
}

/* Does the statement give more rows than few? */
static enum td_code are_many(struct td_view_sql *s, const char *sql, const char *types, const union td_bind *values,
                             bool *ret, struct td_error *err)
{
    struct td_rows r;
    const char *count = td_arena_printf(s->arena, "SELECT count(*) FROM (%s LIMIT %d)", sql, FEW + 1);
    td_try(td_sql_query_list(s->tx, &r, err, count, types, values));
    while (td_rows_next(&r))
        *ret = td_col_int(&r, 0) > FEW;
    return td_rows_done(&r, err);
}

/* The first text behind all that begin with it: the last octet one higher. UTF-8 has no octet FF. */
static const char *behind(struct td_arena *a, const char *text)
{
    char *s = td_arena_strdup(a, text);
    s[strlen(s) - 1]++;
    return s;
}

static enum td_code prefix_many(struct td_view_sql *s, const struct td_view_column *c, const char *from, const char *to,
                                bool *ret, struct td_error *err)
{
    const struct td_view *v = s->view;
    const union td_bind values[] = {s->values[0], {.s = from}, {.s = to}};
    const char *sql = td_arena_printf(s->arena, "SELECT 1 FROM %s WHERE %s = $1 AND %s >= $2 AND %s < $3", v->from,
                                      v->tenant, c->fold, c->fold);
    return are_many(s, sql, "sss", values, ret, err);
}

static enum td_code starts_with(const struct place *at, const struct td_view_column *c, const char *text,
                                struct td_error *err)
{
    struct td_view_sql *s = at->s;
    const char *to = behind(s->arena, text);
    bool many = false, leads = at->must && c->indexed && c->fold != NULL && at->item == NULL;
    leads = leads && !(s->order->count != 0 && s->order->column[0] == c);
    if (leads)
        td_try(prefix_many(s, c, text, to, &many, err));
    s->few = s->few || (leads && !many);
    td_buf_adds(&s->text, many ? "+" : ""); /* not by the index */
    add_column(at, c);
    td_buf_adds(&s->text, " >= ");
    td_try(td_view_bind_text(s, text, err));
    td_buf_adds(&s->text, many ? " AND +" : " AND ");
    add_column(at, c);
    td_buf_adds(&s->text, " < ");
    return td_view_bind_text(s, to, err);
}

static enum td_code ends_with(const struct place *at, const struct td_view_column *c, const char *text,
                              struct td_error *err)
{
    td_buf_adds(&at->s->text, "substr(");
    add_column(at, c);
    td_buf_adds(&at->s->text, ", -length(");
    td_try(td_view_bind_text(at->s, text, err));
    td_buf_adds(&at->s->text, ")) = ");
    return td_view_bind_text(at->s, text, err);
}

/* What the search table is asked for so that no row of the condition is missed: texts that all must be there, or one of
 * them; NULL where it can't help. */
static const char *needle_of(struct td_view_sql *s, const struct td_od_expr *e)
{
    const struct td_view_column *c = NULL;
    if (e->op == TD_OD_CONTAINS) {
        bool known = !e->item && td_view_leaf(s->view, e, NULL, &c, NULL) == TD_OK && c->search != NULL;
        return known ? s->tx->store->driver->search_needle(td_str(e->values[0].text), s->arena) : NULL;
    }
    if (e->op != TD_OD_AND && e->op != TD_OD_OR)
        return NULL;
    const char *l = needle_of(s, e->left), *r = needle_of(s, e->right);
    if (l != NULL && r != NULL)
        return td_arena_printf(s->arena, e->op == TD_OD_AND ? "(%s) AND (%s)" : "(%s) OR (%s)", l, r);
    if (e->op == TD_OD_OR)
        return NULL;
    return l != NULL ? l : r;
}

/* Leads by the search table where the rows that it gives are few. */
static enum td_code candidates(struct td_view_sql *s, const char *needle, struct td_error *err)
{
    const struct td_view *v = s->view;
    const struct td_driver *driver = s->tx->store->driver;
    bool many = false;
    if (needle == NULL)
        return TD_OK;
    const union td_bind value = {.s = needle};
    td_try(are_many(s, driver->search_select(v->search_table, 1, s->arena), "s", &value, &many, err));
    if (many)
        return TD_OK;
    s->few = s->searched = true;
    s->text.p[BEFORE_TENANT] = '+'; /* nor an index of the tenant's rows */
    td_buf_printf(&s->text, " AND %s IN (%s)", v->search_key,
                  driver->search_select(v->search_table, (int)s->count + 1, s->arena));
    size_t n = s->text.n;
    td_try(td_view_bind_text(s, needle, err));
    s->text.n = n; /* the place stands inside already */
    return TD_OK;
}

static enum td_code holds(const struct place *at, const struct td_view_column *c, const char *text,
                          struct td_error *err)
{
    if (at->s->searched && td_fault("view-search-unproven")) {
        td_buf_adds(&at->s->text, "1");
        return TD_OK;
    }
    td_buf_adds(&at->s->text, "instr(");
    add_column(at, c);
    td_buf_adds(&at->s->text, ", ");
    td_try(td_view_bind_text(at->s, text, err));
    td_buf_adds(&at->s->text, ") > 0");
    return TD_OK;
}

static enum td_code text_function(const struct place *at, const struct td_od_expr *e, const struct td_view_column *c,
                                  struct td_error *err)
{
    struct td_view_literal value;
    td_try(td_view_literal(c, &e->values[0], at->s->arena, &value, err));
    if (value.text[0] == '\0') { /* every text begins with, ends with and holds the empty one */
        add_raw(at, c);
        td_buf_adds(&at->s->text, " IS NOT NULL");
        return TD_OK;
    }
    if (e->op == TD_OD_STARTSWITH)
        return starts_with(at, c, value.text, err);
    if (e->op == TD_OD_ENDSWITH)
        return ends_with(at, c, value.text, err);
    return holds(at, c, value.text, err);
}

/* any: an item fulfils it. all: none does not. */
static enum td_code items(const struct place *at, const struct td_od_expr *e, const struct td_view_column *c,
                          struct td_error *err)
{
    struct place inside = {.s = at->s, .item = c, .must = false};
    struct td_buf *b = &at->s->text;
    bool all = e->op == TD_OD_ALL;
    if (all && e->left == NULL)
        return td_fail(err, TD_EINVAL, c->name, "all() needs a condition");
    td_buf_printf(b, "%s (SELECT 1 FROM (%s) i", all ? "NOT EXISTS" : "EXISTS", c->items);
    if (e->left != NULL) {
        td_buf_adds(b, all ? " WHERE NOT coalesce(" : " WHERE (");
        td_try(expression(&inside, e->left, err));
        td_buf_adds(b, all ? ", 0)" : ")");
    }
    td_buf_adds(b, ")");
    return TD_OK;
}

static enum td_code is_of(const struct place *at, const struct td_od_expr *e, struct td_error *err)
{
    const struct td_view_column *c = NULL;
    const char *const *types = NULL;
    td_try(td_view_types(at->s->view, at->s->ask, e->type, &c, &types, err));
    td_view_add_fold(&at->s->text, c);
    td_buf_adds(&at->s->text, " IN (");
    for (size_t i = 0; types[i] != NULL; i++) {
        td_buf_adds(&at->s->text, i != 0 ? ", " : "");
        td_try(td_view_bind_text(at->s, td_view_lower(at->s->arena, types[i]), err));
    }
    td_buf_adds(&at->s->text, ")");
    return TD_OK;
}

static enum td_code leaf(const struct place *at, const struct td_od_expr *e, struct td_error *err)
{
    const struct td_view_column *c = NULL;
    if (e->op == TD_OD_ISOF)
        return is_of(at, e, err);
    td_try(td_view_leaf(at->s->view, e, at->item, &c, err));
    switch (e->op) {
    case TD_OD_IN:
        return in_list(at, e, c, err);
    case TD_OD_STARTSWITH:
    case TD_OD_ENDSWITH:
    case TD_OD_CONTAINS:
        return text_function(at, e, c, err);
    case TD_OD_ANY:
    case TD_OD_ALL:
        return items(at, e, c, err);
    case TD_OD_TRUE:
        add_raw(at, c);
        td_buf_adds(&at->s->text, " = 1");
        return TD_OK;
    default:
        return compare(at, e, c, err);
    }
}

static enum td_code both(const struct place *at, const struct td_od_expr *e, struct td_error *err)
{
    struct place below = {.s = at->s, .item = at->item, .must = at->must && e->op == TD_OD_AND};
    td_try(expression(&below, e->left, err));
    td_buf_adds(&at->s->text, e->op == TD_OD_AND ? " AND " : " OR ");
    return expression(&below, e->right, err);
}

static enum td_code expression(const struct place *at, const struct td_od_expr *e, struct td_error *err)
{
    struct place below = {.s = at->s, .item = at->item, .must = false};
    bool not = e->op == TD_OD_NOT;
    td_buf_adds(&at->s->text, not ? "NOT coalesce(" : "(");
    if (not )
        td_try(expression(&below, e->left, err));
    else if (e->op == TD_OD_AND || e->op == TD_OD_OR)
        td_try(both(at, e, err));
    else
        td_try(leaf(at, e, err));
    td_buf_adds(&at->s->text, not ? ", 0)" : ")");
    return TD_OK;
}

bool td_view_is_sought(const struct td_view *v, const struct td_view_column *c)
{
    if (v->search_table != NULL)
        return c->search != NULL;
    if (v->sought == NULL)
        return td_ieqs(td_str("displayName"), c->name);
    for (const char *const *name = v->sought; *name != NULL; name++)
        if (strcmp(*name, c->name) == 0)
            return true;
    return false;
}

/* $search: "displayName:text" looks at one property, "text" at those that the view names, or at the name. */
static enum td_code search_column(struct td_view_sql *s, const struct td_view_column **ret, struct td_error *err)
{
    const char *property = s->ask->search_property;
    *ret = NULL;
    if (property == NULL && (s->view->search_table != NULL || s->view->sought != NULL))
        return TD_OK;
    td_try(td_view_named(s->view, property != NULL ? property : "displayName", ret, err));
    if ((*ret)->type != TD_V_TEXT || (*ret)->sql == NULL)
        return td_fail(err, TD_EINVAL, "$search", "%s is no text that can be searched", (*ret)->name);
    return TD_OK;
}

static enum td_code searched(const struct place *at, const struct td_view_column *only, const char *text,
                             struct td_error *err)
{
    const struct td_view *v = at->s->view;
    const char *between = "";
    td_buf_adds(&at->s->text, " AND (");
    for (size_t i = 0; i < v->count; i++) {
        if (only != NULL ? &v->columns[i] != only : !td_view_is_sought(v, &v->columns[i]))
            continue;
        td_buf_adds(&at->s->text, between);
        td_try(holds(at, &v->columns[i], text, err));
        between = " OR ";
    }
    td_buf_adds(&at->s->text, ")");
    return TD_OK;
}

/* Filter and search together: what both need must be in the rows that lead. */
static enum td_code asked(struct td_view_sql *s, const char *search, struct td_error *err)
{
    const struct td_view_column *only = NULL;
    const struct td_od_expr *filter = s->ask->filter;
    struct place top = {.s = s, .must = true};
    bool by_table = s->view->search_table != NULL;
    const char *needle = by_table && filter != NULL ? needle_of(s, filter) : NULL, *more = NULL;
    if (search != NULL)
        td_try(search_column(s, &only, err));
    if (search != NULL && by_table && (only == NULL || only->search != NULL))
        more = s->tx->store->driver->search_needle(td_str(search), s->arena);
    if (needle != NULL && more != NULL)
        needle = td_arena_printf(s->arena, "(%s) AND (%s)", needle, more);
    td_try(candidates(s, needle != NULL ? needle : more, err));
    if (filter != NULL) {
        td_buf_adds(&s->text, " AND ");
        td_try(expression(&top, filter, err));
    }
    return search != NULL ? searched(&top, only, search, err) : TD_OK;
}

static enum td_code equal(struct td_view_sql *s, const struct td_view_equal *e, struct td_error *err)
{
    int at = td_view_column_at(s->view, td_str(e->column));
    int64_t num = 0;
    if (at < 0 || s->view->columns[at].sql == NULL)
        return td_fail(err, TD_EINTERNAL, e->column, "the view %s has no such column", s->view->name);
    const struct td_view_column *c = &s->view->columns[at];
    td_buf_adds(&s->text, " AND ");
    s->led = s->led || c->indexed;
    td_view_add_fold(&s->text, c);
    td_buf_adds(&s->text, " = ");
    if (td_view_is_text(c))
        return td_view_bind_text(s, td_view_lower(s->arena, e->value), err);
    if (!td_parse_i64(td_str(e->value), &num))
        return td_fail(err, TD_EINVAL, e->column, "'%.60s' is no number", e->value);
    return td_view_bind_int(s, num, err);
}

enum td_code td_view_where(struct td_view_sql *s, const char *tenant, struct td_error *err)
{
    const struct td_view_ask *ask = s->ask;
    td_buf_init(&s->text, MAX_SQL);
    td_buf_printf(&s->text, td_fault("view-any-tenant") ? " WHERE  %s <> " : " WHERE  %s = ", s->view->tenant);
    td_try(td_view_bind_text(s, tenant, err));
    if (s->view->where != NULL)
        td_buf_printf(&s->text, " AND (%s)", s->view->where);
    for (size_t i = 0; i < ask->equal_count; i++)
        td_try(equal(s, &ask->equals[i], err));
    td_try(asked(s, ask->search != NULL && ask->search[0] != '\0' ? td_view_lower(s->arena, ask->search) : NULL, err));
    return td_buf_check(&s->text, "$filter", err);
}
