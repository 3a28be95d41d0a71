#include "store/sqlite/conn.h"

#include <pthread.h>
#include <stdio.h>

/* WAL with a flush at every commit: what was answered survives a power cut (limits.md 3). Functions in schemas and
 * corrupting pragmas are off: a database file is input too. What is deleted is overwritten: secrets of devices that
 * left (store/life_end.h). */
static const char pragmas[] = "PRAGMA journal_mode = WAL;"
                              "PRAGMA synchronous = FULL;"
                              "PRAGMA foreign_keys = ON;"
                              "PRAGMA trusted_schema = OFF;"
                              "PRAGMA temp_store = MEMORY;"
                              "PRAGMA secure_delete = ON;"
                              "PRAGMA wal_autocheckpoint = 2000;";

/* A commit empties the page caches of all other connections (SQLite keeps no page over a change of somebody else's), so
 * that only the writer's is worth much memory: a reader's holds what one page of a list touches. */
static const char *const cache[] = {
    [TD_CONN_READS] = "PRAGMA cache_size = -4096;",
    [TD_CONN_WRITES] = "PRAGMA cache_size = -16384;",
};

enum { BUSY_MS = 10000 };

/* Accounting of memory takes a lock for every allocation. */
static void set_up_library(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

enum td_code td_conn_fail(struct td_conn *c, int rc, struct td_error *err)
{
    const char *why = c->db != NULL ? sqlite3_errmsg(c->db) : sqlite3_errstr(rc);
    int extended = c->db != NULL ? sqlite3_extended_errcode(c->db) : rc;
    if (extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY)
        return td_fail(err, TD_EEXISTS, "store", "%s", why);
    switch (rc & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return td_remedy(err, td_fail(err, TD_EUNAVAILABLE, "store", "%s", why), "try again");
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_NOMEM:
        return td_remedy(err, td_fail(err, TD_EUNAVAILABLE, "store", "%s", why),
                         "look at the disk of the data folder: space, rights, health");
    default:
        return td_fail(err, TD_EINTERNAL, "store", "%s (%d)", why, extended);
    }
}

enum td_code td_conn_script(struct td_conn *c, const char *sql, struct td_error *err)
{
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? TD_OK : td_conn_fail(c, rc, err);
}

enum td_code td_conn_open(const char *file, enum td_conn_role role, struct td_conn **ret, struct td_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct td_conn *c = td_new(struct td_conn);
    (void)pthread_once(&once, set_up_library);
    int rc = sqlite3_open_v2(file, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    enum td_code code = rc == SQLITE_OK ? TD_OK : td_conn_fail(c, rc, err);
    if (code == TD_OK) {
        (void)sqlite3_extended_result_codes(c->db, 1);
        (void)sqlite3_busy_timeout(c->db, BUSY_MS);
        (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
        code = td_conn_script(c, pragmas, err);
        if (code == TD_OK)
            code = td_conn_script(c, cache[role], err);
    }
    if (code != TD_OK) {
        td_conn_close(c);
        return code;
    }
    *ret = c;
    return TD_OK;
}

static void stmt_free(struct td_stmt *s)
{
    (void)sqlite3_finalize(s->stmt);
    td_free(s->sql);
    td_free(s);
}

void td_conn_close(struct td_conn *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < TD_STMT_SLOTS; i++)
        if (c->slots[i] != NULL)
            stmt_free(c->slots[i]);
    for (size_t i = 0; i < TD_STMT_RECENT; i++)
        if (c->recent[i] != NULL)
            stmt_free(c->recent[i]);
    (void)sqlite3_close(c->db);
    td_free(c);
}

static size_t hash_text(const char *s)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (; *s != '\0'; s++)
        h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
    return (size_t)(h % TD_STMT_SLOTS);
}

/* SQLite gives "$n" a number of its own; remember where each n stands. */
static enum td_code learn_positions(struct td_stmt *s, struct td_error *err)
{
    int count = sqlite3_bind_parameter_count(s->stmt);
    for (int i = 1; i <= count; i++) {
        const char *name = sqlite3_bind_parameter_name(s->stmt, i);
        uint64_t n = 0;
        if (name == NULL || name[0] != '$' || !td_parse_u64(td_str(name + 1), &n) || n < 1 || n > TD_SQL_MAX_PARAMS)
            return td_fail(err, TD_EINTERNAL, "store", "parameters are $1 to $%d", TD_SQL_MAX_PARAMS);
        s->position[n] = (short)i;
        s->params = TD_MAX(s->params, (int)n);
    }
    return TD_OK;
}

static enum td_code prepare(struct td_conn *c, const char *sql, struct td_stmt **ret, struct td_error *err)
{
    struct td_stmt *s = td_new(struct td_stmt);
    s->sql = td_strdup(sql);
    int rc = sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt, NULL);
    enum td_code code = rc == SQLITE_OK ? learn_positions(s, err) : td_conn_fail(c, rc, err);
    if (code != TD_OK) {
        stmt_free(s);
        return code;
    }
    *ret = s;
    return TD_OK;
}

static enum td_code find_or_prepare(struct td_conn *c, const char *sql, struct td_stmt **ret, struct td_error *err)
{
    struct td_stmt **hint = &c->hints[((uintptr_t)sql >> 4) % TD_STMT_HINTS];
    if (*hint != NULL && !(*hint)->busy && strcmp((*hint)->sql, sql) == 0) {
        *ret = *hint;
        return TD_OK;
    }
    size_t at = hash_text(sql);
    while (c->slots[at] != NULL && strcmp(c->slots[at]->sql, sql) != 0)
        at = (at + 1) % TD_STMT_SLOTS;
    if (c->slots[at] != NULL && !c->slots[at]->busy) {
        *ret = *hint = c->slots[at];
        return TD_OK;
    }
    td_try(prepare(c, sql, ret, err));
    if (c->slots[at] == NULL && c->kept < TD_STMT_SLOTS / 2) { /* else used once: nested in itself, or too many texts */
        c->slots[at] = *ret;
        (*ret)->kept = true;
        c->kept++;
    }
    return TD_OK;
}

/* Texts that were put together have places of their own: they must not push out those that always come again. */
static enum td_code find_or_prepare_made(struct td_conn *c, const char *sql, struct td_stmt **ret, struct td_error *err)
{
    size_t at = 0;
    while (at < TD_STMT_RECENT - 1 && c->recent[at] != NULL &&
           (c->recent[at]->busy || strcmp(c->recent[at]->sql, sql) != 0))
        at++;
    struct td_stmt *s = c->recent[at];
    if (s != NULL && s->busy)
        return prepare(c, sql, ret, err); /* all are in use: once */
    if (s == NULL || strcmp(s->sql, sql) != 0) {
        struct td_stmt *fresh = NULL;
        td_try(prepare(c, sql, &fresh, err));
        fresh->kept = true;
        if (s != NULL)
            stmt_free(s);
        s = fresh;
    }
    for (; at > 0; at--)
        c->recent[at] = c->recent[at - 1];
    c->recent[0] = s;
    *ret = s;
    return TD_OK;
}

static int bind_one(sqlite3_stmt *stmt, int at, sqlite3_destructor_type keep, char type, const union td_bind *v)
{
    switch (type) {
    case 'i':
        return sqlite3_bind_int64(stmt, at, v->i);
    case 's':
        return v->s != NULL ? sqlite3_bind_text(stmt, at, v->s, -1, keep) : sqlite3_bind_null(stmt, at);
    case 't':
        return sqlite3_bind_text64(stmt, at, v->t.p != NULL ? v->t.p : "", v->t.n, keep, SQLITE_UTF8);
    default:
        return sqlite3_bind_blob64(stmt, at, v->t.p != NULL ? v->t.p : "", v->t.n, keep);
    }
}

enum td_code td_conn_bind_list(struct td_conn *c, const char *sql, bool made, bool copies, const char *types,
                               const union td_bind *values, struct td_stmt **ret, struct td_error *err)
{
    sqlite3_destructor_type keep = copies ? SQLITE_TRANSIENT : SQLITE_STATIC;
    struct td_stmt *s = NULL;
    td_try(made ? find_or_prepare_made(c, sql, &s, err) : find_or_prepare(c, sql, &s, err));
    s->busy = true;
    int rc = SQLITE_OK, n = (int)strlen(types);
    enum td_code code = n >= s->params && n <= TD_SQL_MAX_PARAMS
                            ? TD_OK
                            : td_fail(err, TD_EINTERNAL, "store", "%d parameters for $1 to $%d", n, s->params);
    for (int i = 0; i < n && code == TD_OK; i++) {
        int spare = s->position[i + 1] == 0;
        if (spare) /* a value no place asks for: a mistake of ours, and binding would be out of range */
            code = td_fail(err, TD_EINTERNAL, "store", "$%d is not in the statement", i + 1);
        else if ((rc = bind_one(s->stmt, s->position[i + 1], keep, types[i], &values[i])) != SQLITE_OK)
            code = td_conn_fail(c, rc, err);
    }
    if (code != TD_OK) {
        td_conn_give_back(s);
        return code;
    }
    *ret = s;
    return TD_OK;
}

enum td_code td_conn_bind(struct td_conn *c, const char *sql, bool copies, const char *types, va_list ap,
                          struct td_stmt **ret, struct td_error *err)
{
    union td_bind values[TD_SQL_MAX_PARAMS];
    values[0].i = 0;
    va_list args;
    va_copy(args, ap);
    for (size_t i = 0; i < TD_SQL_MAX_PARAMS && types[i] != '\0'; i++) {
        if (types[i] == 'i')
            values[i].i = va_arg(args, int64_t);
        else if (types[i] == 's')
            values[i].s = va_arg(args, const char *);
        else
            values[i].t = va_arg(args, struct td_slice);
    }
    va_end(args);
    return td_conn_bind_list(c, sql, false, copies, types, values, ret, err);
}

void td_conn_give_back(struct td_stmt *s)
{
    if (!s->kept) {
        stmt_free(s);
        return;
    }
    (void)sqlite3_reset(s->stmt);
    (void)sqlite3_clear_bindings(s->stmt); /* bound values may be secret */
    s->busy = false;
}

enum td_code td_conn_run(struct td_conn *c, const char *sql, struct td_error *err)
{
    struct td_stmt *s = NULL;
    td_try(find_or_prepare(c, sql, &s, err));
    int rc = sqlite3_step(s->stmt);
    enum td_code code = rc == SQLITE_DONE ? TD_OK : td_conn_fail(c, rc, err);
    td_conn_give_back(s);
    return code;
}
