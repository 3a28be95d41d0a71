/* Inside the store: what a database engine must be able to do. db.c forwards to it; topic files never see it.
 *
 * The engine owns connections and threads. exec/query take a va_list as td_sql describes it. */
#ifndef TD_STORE_DRIVER_H
#define TD_STORE_DRIVER_H

#include "store/db.h"

#include <stdarg.h>

struct td_migration {
    int version;
    const char *name;
    const char *sql; /* several statements */
};

struct td_driver {
    enum td_code (*open)(struct td_store *s, struct td_error *err);
    bool (*exists)(const char *where);
    void (*close)(struct td_store *s);
    enum td_code (*read)(struct td_store *s, td_tx_fn *fn, void *ctx, struct td_error *err);
    enum td_code (*write)(struct td_store *s, td_tx_fn *fn, void *ctx, struct td_error *err);
    void (*write_later)(struct td_store *s, td_tx_fn *fn, void *ctx, struct td_error *err, td_written_fn *told);
    enum td_code (*exec)(struct td_tx *tx, struct td_error *err, const char *sql, const char *types, va_list ap);
    enum td_code (*script)(struct td_tx *tx, const char *sql,
                           struct td_error *err); /* several statements, no parameters */
    int64_t (*changes)(const struct td_tx *tx);
    enum td_code (*query)(struct td_tx *tx, struct td_rows *ret, struct td_error *err, const char *sql,
                          const char *types, va_list ap);
    enum td_code (*query_list)(struct td_tx *tx, struct td_rows *ret, struct td_error *err, const char *sql,
                               const char *types, const union td_bind *values);
    bool (*next)(struct td_rows *r);
    enum td_code (*done)(struct td_rows *r, struct td_error *err);
    struct td_slice (*column)(struct td_rows *r, int col, bool *ret_null); /* valid until next() or done() */
    int64_t (*column_int)(struct td_rows *r, int col);
    void (*stats)(struct td_store *s, struct td_store_stats *ret);
    /* What a search table is asked for a needle (bound as text), NULL where the index can't serve it; and the SELECT of
     * the rows' numbers that may hold it, with the needle's place in it. Candidates only: the caller compares. */
    const char *(*search_needle)(struct td_slice needle, struct td_arena *a);
    const char *(*search_select)(const char *table, int param, struct td_arena *a);
    /* Brings at most max noted rows of every search table up to date. */
    enum td_code (*search_index)(struct td_tx *tx, size_t max, size_t *ret_done, struct td_error *err);
    enum td_code (*search_is_behind)(struct td_tx *tx, bool *ret, struct td_error *err);
    const struct td_migration *migrations;
    const size_t *migration_count; /* the generated table tells */
};

struct td_store {
    const struct td_driver *driver;
    const struct td_env *env;
    char *where;
    void *engine;                  /* the driver's own */
    struct td_group_cache *groups; /* store/group/rules.c: compiled rules */
    int (*in_work)(void *ctx);
    void *in_work_ctx;
};

struct td_tx {
    struct td_store *store;
    void *conn; /* the driver's own */
    int64_t now;
    const struct td_origin *origin; /* of the function that runs (store/audit.h), NULL: none */
    int64_t last_event;             /* position of the event that was appended last */
};

extern const struct td_driver td_driver_sqlite;

#endif
