/* One SQLite connection with its prepared statements. Used by one thread at a time; only files of this folder include
 * sqlite3.h. */
#ifndef TD_STORE_SQLITE_CONN_H
#define TD_STORE_SQLITE_CONN_H

#include "store/driver.h"

#include <sqlite3.h>

enum { TD_STMT_SLOTS = 512, TD_STMT_HINTS = 1024, TD_STMT_RECENT = 24 };

enum td_conn_role { TD_CONN_READS, TD_CONN_WRITES };

struct td_stmt {
    char *sql;
    sqlite3_stmt *stmt;
    short position[TD_SQL_MAX_PARAMS + 1]; /* of $n in SQLite's own numbering, 0 if unused */
    int params;                            /* highest n */
    bool busy, kept;
};

struct td_conn {
    sqlite3 *db;
    struct td_stmt *slots[TD_STMT_SLOTS]; /* by hash of the text, open addressing */
    struct td_stmt *hints[TD_STMT_HINTS]; /* of the slots, by address of the text: nearly always the same literal */
    size_t kept;
    struct td_stmt *recent[TD_STMT_RECENT]; /* of texts that were put together, the latest first */
    struct td_conn *next;                   /* in the pool of readers */
};

enum td_code td_conn_open(const char *file, enum td_conn_role role, struct td_conn **ret, struct td_error *err)
    TD_MUST_USE;
void td_conn_close(struct td_conn *c);
enum td_code td_conn_script(struct td_conn *c, const char *sql, struct td_error *err) TD_MUST_USE;
/* One statement without parameters or rows, kept prepared (BEGIN, COMMIT and the like). */
enum td_code td_conn_run(struct td_conn *c, const char *sql, struct td_error *err) TD_MUST_USE;
/* Maps the connection's last failure. */
enum td_code td_conn_fail(struct td_conn *c, int rc, struct td_error *err);
/* A prepared statement with its parameters bound, to be given back. copies: the values may go before that. */
enum td_code td_conn_bind(struct td_conn *c, const char *sql, bool copies, const char *types, va_list ap,
                          struct td_stmt **ret, struct td_error *err) TD_MUST_USE;
/* The same with a list of values. made: the text was put together, so that it may never come again. */
enum td_code td_conn_bind_list(struct td_conn *c, const char *sql, bool made, bool copies, const char *types,
                               const union td_bind *values, struct td_stmt **ret, struct td_error *err) TD_MUST_USE;
void td_conn_give_back(struct td_stmt *s);

/* The engine's search (search.c, driver.h). */
const char *td_search_needle(struct td_slice needle, struct td_arena *a);
const char *td_search_select(const char *table, int param, struct td_arena *a);
enum td_code td_search_index(struct td_tx *tx, size_t max, size_t *ret_done, struct td_error *err) TD_MUST_USE;
enum td_code td_search_is_behind(struct td_tx *tx, bool *ret, struct td_error *err) TD_MUST_USE;

#endif
