/* The store: one database, transactions as functions, statements bound and never pasted.
 *
 * A read is a function that sees one snapshot; a write is a function given a transaction handle: it holds the reads its
 * decision rests on, has no other effect, and may run twice. td_store_write returns when the commit is durable
 * (SQLite: one writer thread runs the waiting functions in one BEGIN IMMEDIATE, each in its own SAVEPOINT, synchronous
 * FULL, one flush for all). A function that returns an error is
 * rolled back alone. No signature, password hash or network inside a write; no write over 50 ms: slice it.
 *
 * SQL stays in the subset that SQLite and PostgreSQL share: parameters are $1, $2, ...; ids are text; times integer
 * microseconds; booleans integers 0 and 1; JSON is text; INSERT ... ON CONFLICT ... DO UPDATE and RETURNING are in it.
 * Every table is led by tenant but the finders (tenant_domain, hw_identity, certificate, token); those are read in
 * store/finder.c alone. Topic files (store/user.h, ...) hold the questions; nobody outside src/store writes SQL. */
#ifndef TD_STORE_DB_H
#define TD_STORE_DB_H

#include "base/env.h"
#include "base/err.h"

struct td_store;
struct td_tx;

/* where is a folder (embedded SQLite, made if missing) or "postgresql://..." (TD_ENOTOFFERED). Migrates. */
enum td_code td_store_open(const char *where, const struct td_env *env, struct td_store **ret, struct td_error *err)
    TD_MUST_USE;
/* Is there a store in the folder already? true for a shared store: opening it tells. */
bool td_store_exists(const char *where);
void td_store_close(struct td_store *s); /* waits for the writes under way */
/* Whom a write may wait for (at most a millisecond) so that they share its flush: in_work tells how many requests are
 * in the hands of threads at this moment. Without it, or where it tells 1, a write waits for nobody. Set before use. */
void td_store_gather(struct td_store *s, int (*in_work)(void *ctx), void *ctx);
const char *td_store_dir(const struct td_store *s);

typedef enum td_code td_tx_fn(struct td_tx *tx, void *ctx, struct td_error *err);

enum td_code td_store_read(struct td_store *s, td_tx_fn *fn, void *ctx, struct td_error *err) TD_MUST_USE;
enum td_code td_store_write(struct td_store *s, td_tx_fn *fn, void *ctx, struct td_error *err) TD_MUST_USE;

/* The same without waiting: told is called with ctx when the commit is durable or the function failed, as a rule on the
 * writer's thread: it must be short and must not write itself. ctx and err live until then. */
typedef void td_written_fn(void *ctx, enum td_code rc);
void td_store_write_later(struct td_store *s, td_tx_fn *fn, void *ctx, struct td_error *err, td_written_fn *told);

/* The moment of the transaction: one value for all it writes. */
int64_t td_tx_now(const struct td_tx *tx);
const struct td_env *td_tx_env(const struct td_tx *tx); /* ids and random values; no sleeping */

/* Runs a statement without rows. types has a letter a parameter: s const char * (NULL: null), b struct td_slice (blob),
 * t struct td_slice (text), i int64_t. A violated UNIQUE or PRIMARY KEY is TD_EEXISTS. */
enum td_code td_sql(struct td_tx *tx, struct td_error *err, const char *sql, const char *types, ...) TD_MUST_USE;
int64_t td_sql_changes(const struct td_tx *tx); /* rows of the last td_sql */

/* Rows: while (td_rows_next(&r)) read columns by position; end with td_rows_done, which gives the verdict.
 *   struct td_rows r;
 *   td_try(td_sql_query(tx, &r, err, "SELECT id, at FROM x WHERE tenant = $1", "s", tenant));
 *   while (td_rows_next(&r)) ... td_col_text(&r, 0, a) ...
 *   return td_rows_done(&r, err); */
struct td_rows {
    struct td_tx *tx;
    void *stmt;
    enum td_code rc;
};
enum td_code td_sql_query(struct td_tx *tx, struct td_rows *ret, struct td_error *err, const char *sql,
                          const char *types, ...) TD_MUST_USE;
/* The same with a list of values, for statements that are put together from constants (store/view.h): their texts vary,
 * so that only the latest stay prepared. sql and values may go after the call. */
union td_bind {
    const char *s;
    struct td_slice t; /* t and b */
    int64_t i;
};
enum { TD_SQL_MAX_PARAMS = 200 };
enum td_code td_sql_query_list(struct td_tx *tx, struct td_rows *ret, struct td_error *err, const char *sql,
                               const char *types, const union td_bind *values) TD_MUST_USE;
bool td_rows_next(struct td_rows *r);
enum td_code td_rows_done(struct td_rows *r, struct td_error *err) TD_MUST_USE;
char *td_col_text(struct td_rows *r, int col, struct td_arena *a);  /* NULL for null */
char *td_col_text0(struct td_rows *r, int col, struct td_arena *a); /* "" for null */
struct td_slice td_col_blob(struct td_rows *r, int col, struct td_arena *a);
int64_t td_col_int(struct td_rows *r, int col);
bool td_col_null(struct td_rows *r, int col);

/* Raised in the same transaction by every change of settings, roles, keys and rules; caches carry it. */
enum td_code td_store_touch(struct td_tx *tx, struct td_error *err) TD_MUST_USE;
enum td_code td_store_generation(struct td_tx *tx, int64_t *ret, struct td_error *err) TD_MUST_USE;

/* Counters for /metrics. */
struct td_store_stats {
    uint64_t commits, writes, failed, flush_us;
};
void td_store_stats(struct td_store *s, struct td_store_stats *ret);

#endif
