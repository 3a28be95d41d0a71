/* What the files of the views share: names, literals, tokens. Not for others. */
#ifndef TD_STORE_VIEW_ROOM_H
#define TD_STORE_VIEW_ROOM_H

#include "base/buf.h"
#include "store/view.h"

/* The column that a path names, with or without a cast in front. TD_EINVAL names the path. */
enum td_code td_view_named(const struct td_view *v, const char *path, const struct td_view_column **ret,
                           struct td_error *err) TD_MUST_USE;

/* What is compared with a column: of the column's own type, texts in lower case. */
struct td_view_literal {
    bool null;
    const char *text;
    int64_t num;
};
enum td_code td_view_literal(const struct td_view_column *c, const struct td_od_value *value, struct td_arena *a,
                             struct td_view_literal *ret, struct td_error *err) TD_MUST_USE;
const char *td_view_lower(struct td_arena *a, const char *text);

/* Checks shared by both ways of asking: *ret is the column that a leaf compares (of any and all: the list), NULL for
 * isof. item is the list's column inside any and all. */
enum td_code td_view_leaf(const struct td_view *v, const struct td_od_expr *e, const struct td_view_column *item,
                          const struct td_view_column **ret, struct td_error *err) TD_MUST_USE;
/* The texts that the type column may have for isof. TD_EINVAL: no such type, or no types here. */
enum td_code td_view_types(const struct td_view *v, const struct td_view_ask *ask, const char *type,
                           const struct td_view_column **ret_column, const char *const **ret, struct td_error *err)
    TD_MUST_USE;

enum td_code td_view_bounds(const struct td_view_ask *ask, struct td_error *err) TD_MUST_USE; /* top, skip */

/* An order as it is carried out: at most TD_OD_MAX_ORDER columns, then the key, which goes the way of the last one. */
struct td_view_order {
    const struct td_view_column *column[TD_OD_MAX_ORDER];
    bool descending[TD_OD_MAX_ORDER];
    size_t count;
    bool key_descending;
};
enum td_code td_view_order(const struct td_view *v, const struct td_view_ask *ask, struct td_view_order *ret,
                           struct td_error *err) TD_MUST_USE;

/* Where a page ended: the values of the order, texts in lower case, and the key. */
struct td_view_mark {
    struct td_view_literal value[TD_OD_MAX_ORDER];
    const char *key;
};
const char *td_view_token(const struct td_view *v, const struct td_view_order *o, const struct td_view_mark *mark,
                          struct td_arena *a);
enum td_code td_view_token_read(const struct td_view *v, const struct td_view_order *o, const char *token,
                                struct td_arena *a, struct td_view_mark *ret, struct td_error *err) TD_MUST_USE;

/* The condition of a question as SQL with its values, $1 is the tenant. Probes how many rows an index would give, and
 * leaves it out where reading in order finds a page sooner. */
struct td_view_sql {
    struct td_tx *tx;
    const struct td_view *view;
    const struct td_view_ask *ask;
    const struct td_view_order *order;
    struct td_arena *arena;
    struct td_buf text;
    union td_bind values[TD_SQL_MAX_PARAMS];
    char types[TD_SQL_MAX_PARAMS + 1];
    size_t count;
    bool few;      /* an index leads to few rows: they are sorted, and no other index may be taken for its order */
    bool led;      /* an index gives the rows, in the order of their keys */
    bool searched; /* the few are those of the search table */
};
enum td_code td_view_where(struct td_view_sql *s, const char *tenant, struct td_error *err) TD_MUST_USE;
enum td_code td_view_bind_text(struct td_view_sql *s, const char *text, struct td_error *err) TD_MUST_USE; /* adds $n */
enum td_code td_view_bind_int(struct td_view_sql *s, int64_t num, struct td_error *err) TD_MUST_USE;
void td_view_add_fold(struct td_buf *b, const struct td_view_column *c);         /* what the column is compared by */
bool td_view_is_sought(const struct td_view *v, const struct td_view_column *c); /* by $search of no property */
static inline bool td_view_is_text(const struct td_view_column *c)
{
    return c->type == TD_V_TEXT || c->type == TD_V_TEXTS;
}

#endif
