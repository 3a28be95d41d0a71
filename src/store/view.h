/* Views: tables as a caller of the administration interface sees them, and OData questions compiled to bound SQL.
 *
 * A view is a table of columns, each with the name that callers know and the expression that gives it. A question names
 * columns only; every value of it is bound, so no text of a caller ever stands in SQL, and every question is led by its
 * tenant. Pages go by keyset: the token holds the ordered values and the key of the last row, so that a page costs the
 * same at any depth and rows that come and go neither repeat nor hide others. Texts are compared without regard to
 * ASCII case. contains of three and more characters goes by the engine's trigram index where the column has one
 * (store/sqlite/search.c), else row by row. Memory is the caller's arena.
 *
 * Null: eq and ne take it as a value like others (null ne 'x' is true); every other comparison and function with null
 * is false, and not of it true. A time that never was is null and 0001-01-01T00:00:00Z, as the caller likes. Names of
 * columns that begin with '~' are for the interface itself: no question can name them.
 * Sources: graph-api.md 2.1, 2.2; OData 4.01 URL conventions 5.1.1. */
#ifndef TD_STORE_VIEW_H
#define TD_STORE_VIEW_H

#include "codec/odata.h"
#include "store/db.h"

enum td_view_type {
    TD_V_TEXT,
    TD_V_INT,
    TD_V_BOOL,
    TD_V_TIME,  /* microseconds; 0 is "never" */
    TD_V_ENUM,  /* stored number, words by the table */
    TD_V_TEXTS, /* several texts: any/all look at items; read by the resource itself */
    TD_V_JSON   /* stored JSON text, not for filters */
};

struct td_view_column {
    const char *name; /* "serialNumber", "state/deviceImportStatus" */
    enum td_view_type type;
    const char *sql;          /* expression over the view's FROM; NULL where only items are there */
    const char *const *words; /* ENUM: texts by number, NULL-terminated */
    const char *items;        /* TEXTS: "SELECT x AS v FROM ... WHERE ..." correlated with the view's FROM */
    const char *search;       /* this column in the view's search table, NULL: none */
    const char *fold;         /* expression to compare and order texts by, NULL: lower(sql) */
    bool indexed;             /* an index stands on (tenant, fold, key): beginnings and orders by it cost a page only */
};

struct td_view {
    const char *name;
    const char *from;   /* "registration r LEFT JOIN ...": by the joined table's whole key, on r alone, else the join is
                           made for every row that is looked at; a sub-select in the column is read for the page only */
    const char *where;  /* further fixed condition, NULL: none */
    const char *tenant; /* "r.tenant" */
    const char *key;    /* "r.id": unique text in the tenant, last in every order; also the column named "id" */
    const char *search_table;  /* NULL: none */
    const char *search_key;    /* "r.pos": what the search table's rowid equals */
    const char *const *sought; /* what $search of no property looks at where there is no search table, NULL-terminated;
                                  NULL: displayName */
    const char *type_column;   /* name of the column that tells the derived type, NULL: none; isof looks there */
    const struct td_view_column *columns;
    size_t count;
};

struct td_view_equal { /* fixed by the path: the key, a parent, "me" */
    const char *column, *value;
};

enum { TD_VIEW_MAX_TOP = 1000, TD_VIEW_MAX_EQUALS = 4, TD_VIEW_MAX_PARAMS = 180, TD_VIEW_MAX_SKIP = 1000000 };

struct td_view_ask {
    struct td_view_equal equals[TD_VIEW_MAX_EQUALS];
    size_t equal_count;
    const struct td_od_expr *filter;
    const struct td_od_order *order;
    size_t order_count;
    const char *search, *search_property;
    const char *after; /* token of an earlier page, NULL: from the beginning; skip is of the first page alone */
    size_t top;        /* rows of this page, 1 to TD_VIEW_MAX_TOP */
    int64_t skip;
    bool count; /* how many there are in all */
    /* isof(T): the texts that type_column may have, by the resource's table; NULL where there are no derived types */
    const char *const *(*subtypes)(const char *type, void *ctx);
    void *subtypes_ctx;
};

struct td_view_value {
    bool null;
    const char *text; /* TEXT, JSON; ENUM: the word */
    int64_t num;      /* INT, BOOL, TIME, ENUM */
};
struct td_view_row {
    const struct td_view *view;
    struct td_view_value *values; /* by column; TEXTS without sql are null */
};
struct td_view_page {
    struct td_view_row *rows;
    size_t count;
    const char *next; /* token, NULL at the end */
    int64_t total;    /* -1 unless asked */
};

/* TD_EINVAL: an unknown property or one that can't be filtered or ordered by (where names it), a literal of the wrong
 * type, a token that is not ours. */
enum td_code td_view_page(struct td_tx *tx, const char *tenant, const struct td_view *v, const struct td_view_ask *ask,
                          struct td_arena *a, struct td_view_page *ret, struct td_error *err) TD_MUST_USE;
/* One row by its key, any case. TD_ENOTFOUND. */
enum td_code td_view_one(struct td_tx *tx, const char *tenant, const struct td_view *v, const char *key,
                         struct td_arena *a, struct td_view_row *ret, struct td_error *err) TD_MUST_USE;

/* How the engine would find that page, a line a step: for tests, and for those who wonder why a list is slow. */
enum td_code td_view_plan(struct td_tx *tx, const char *tenant, const struct td_view *v, const struct td_view_ask *ask,
                          struct td_arena *a, const char **ret, struct td_error *err) TD_MUST_USE;

/* The column's position by name in any case, or -1; the value by name, NULL if there is no such column or it is null.
 */
int td_view_column_at(const struct td_view *v, struct td_slice name);
const struct td_view_value *td_view_value(const struct td_view_row *r, const char *name);
const char *td_view_text(const struct td_view_row *r, const char *name); /* "" for null or no such column */
int64_t td_view_int(const struct td_view_row *r, const char *name);      /* 0 for null or no such column */

/* Brings at most max rows that changed into the search tables, a slice of a write; *ret_done is how many. Questions are
 * right without it, and slow while there are many. */
enum td_code td_view_index(struct td_tx *tx, size_t max, size_t *ret_done, struct td_error *err) TD_MUST_USE;
enum td_code td_view_is_behind(struct td_tx *tx, bool *ret, struct td_error *err) TD_MUST_USE; /* are there any? */

/* The same questions over rows that do not rest in the store (fixed lists), and the judge of the property tests: the
 * filter over one row in C. texts gives the items of a TEXTS column. */
struct td_view_items {
    void *ctx;
    const char *const *(*texts)(void *ctx, const struct td_view_row *row, const char *column); /* NULL-terminated */
};
enum td_code td_view_matches(const struct td_view_row *row, const struct td_od_expr *filter,
                             const struct td_view_ask *ask, const struct td_view_items *items, bool *ret,
                             struct td_error *err) TD_MUST_USE;
/* Filters, orders and pages rows of one view in memory. */
enum td_code td_view_page_rows(const struct td_view_row *rows, size_t count, const struct td_view_ask *ask,
                               const struct td_view_items *items, struct td_arena *a, struct td_view_page *ret,
                               struct td_error *err) TD_MUST_USE;

#endif
