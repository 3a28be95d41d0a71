/* The SQLite engine: a pool of readers, one writing connection with group commit.
 *
 * Waiting writes run in one BEGIN IMMEDIATE, each in its own SAVEPOINT, and share one flush. A caller waits for its own
 * write, or is told by a function, so that no thread need stand still for each. Other processes (the command line)
 * write beside us; SQLite's lock orders them. */
#include "base/file.h"
#include "store/sqlite/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* A flush costs as much as ten writes, so the writer waits this long for requests that are on their way. */
enum { MAX_BATCH = 256, GATHER_US = 1000 };

struct job {
    td_tx_fn *fn;
    void *ctx;
    struct td_error *err;
    enum td_code rc;
    td_written_fn *told; /* NULL: somebody waits for finished, and the job is his */
    sem_t finished;
    struct job *next;
};

struct engine {
    char *file;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct job *first, **last;
    int waiting, wanted; /* in the queue; how many of them the writer sleeps for, 0: it is awake */
    bool stopping, running;
    pthread_t thread;
    struct td_conn *writer;
    struct td_conn *readers; /* idle ones */
    struct td_store_stats stats;
};

static struct td_conn *conn_of(const struct td_tx *tx)
{
    return tx->conn;
}

/* A job by itself needs no savepoint: what it undoes is everything. */
static enum td_code run_alone(struct td_tx *tx, struct job *job)
{
    enum td_code rc = job->fn(tx, job->ctx, job->err);
    if (rc != TD_OK && sqlite3_get_autocommit(conn_of(tx)->db) == 0)
        td_ignore(td_conn_run(conn_of(tx), "ROLLBACK", NULL));
    return rc;
}

static enum td_code run_in_savepoint(struct td_tx *tx, struct job *job)
{
    struct td_conn *c = conn_of(tx);
    td_try(td_conn_run(c, "SAVEPOINT job", job->err));
    enum td_code rc = job->fn(tx, job->ctx, job->err);
    if (rc == TD_OK)
        return td_conn_run(c, "RELEASE job", job->err);
    if (sqlite3_get_autocommit(c->db) == 0 &&
        (td_conn_run(c, "ROLLBACK TO job", NULL) != TD_OK || td_conn_run(c, "RELEASE job", NULL) != TD_OK))
        td_ignore(td_conn_run(c, "ROLLBACK", NULL));
    return rc;
}

/* A full disk or a failing one may make SQLite roll everything back by itself: then nobody's write stands. */
static bool transaction_lost(struct td_tx *tx)
{
    return sqlite3_get_autocommit(conn_of(tx)->db) != 0;
}

static void fail_all(struct job *batch, const struct td_error *why)
{
    for (struct job *j = batch; j != NULL; j = j->next) {
        if (j->rc != TD_OK)
            continue;
        j->rc = TD_EUNAVAILABLE;
        if (j->err != NULL) {
            *j->err = *why;
            j->err->code = TD_EUNAVAILABLE;
        }
    }
}

static void commit(struct td_store *s, struct job *batch, struct td_error *why)
{
    struct engine *e = s->engine;
    int64_t before = td_monotonic();
    if (td_conn_run(e->writer, "COMMIT", why) != TD_OK) {
        td_ignore(td_conn_run(e->writer, "ROLLBACK", NULL));
        fail_all(batch, why);
        return;
    }
    __atomic_add_fetch(&e->stats.flush_us, (uint64_t)(td_monotonic() - before), __ATOMIC_RELAXED);
    __atomic_add_fetch(&e->stats.commits, 1, __ATOMIC_RELAXED);
}

static void run_batch(struct td_store *s, struct job *batch)
{
    struct engine *e = s->engine;
    struct td_tx tx = {.store = s, .conn = e->writer, .now = td_now(s->env)};
    struct td_error why;
    bool alone = batch->next == NULL;
    (void)td_fail(&why, TD_EUNAVAILABLE, "store", "the transaction was lost");
    if (td_conn_run(e->writer, "BEGIN IMMEDIATE", &why) != TD_OK) {
        fail_all(batch, &why);
        return;
    }
    for (struct job *j = batch; j != NULL; j = j->next) {
        tx.origin = NULL; /* the neighbour's is not ours */
        j->rc = alone ? run_alone(&tx, j) : run_in_savepoint(&tx, j);
        if (transaction_lost(&tx)) { /* an only job that failed has lost nobody else's */
            fail_all(batch, &why);
            return;
        }
    }
    commit(s, batch, &why);
}

static struct job *take_batch(struct engine *e)
{
    struct job *batch = e->first, *end = batch;
    int n = 1;
    for (; end->next != NULL && n < MAX_BATCH; n++)
        end = end->next;
    e->first = end->next;
    e->waiting -= n;
    end->next = NULL;
    if (e->first == NULL)
        e->last = &e->first;
    return batch;
}

static struct timespec gather_until(void)
{
    int64_t t = td_monotonic() + GATHER_US;
    return (struct timespec){t / TD_SECOND, t % TD_SECOND * 1000};
}

/* Sleeps until there is a write, then while requests in work may still bring some; one that is alone does not wait.
 * False at the end. The lock is held. */
static bool gather(struct td_store *s)
{
    struct engine *e = s->engine;
    e->wanted = 1;
    while (e->waiting == 0 && !e->stopping)
        pthread_cond_wait(&e->wake, &e->lock);
    e->wanted = s->in_work != NULL ? TD_MIN(s->in_work(s->in_work_ctx), MAX_BATCH) : 0;
    if (e->waiting < e->wanted && !e->stopping) {
        struct timespec until = gather_until();
        while (e->waiting < e->wanted && !e->stopping && pthread_cond_timedwait(&e->wake, &e->lock, &until) == 0) {
        }
    }
    e->wanted = 0;
    return e->waiting != 0;
}

static void finish(struct engine *e, struct job *job)
{
    __atomic_add_fetch(job->rc == TD_OK ? &e->stats.writes : &e->stats.failed, 1, __ATOMIC_RELAXED);
    if (job->told == NULL) { /* its owner may go, and it with him, as soon as he is woken */
        (void)sem_post(&job->finished);
        return;
    }
    job->told(job->ctx, job->rc);
    td_free(job);
}

static void *writer_main(void *arg)
{
    struct td_store *s = arg;
    struct engine *e = s->engine;
    pthread_mutex_lock(&e->lock);
    while (gather(s)) {
        struct job *batch = take_batch(e);
        pthread_mutex_unlock(&e->lock);
        run_batch(s, batch);
        for (struct job *j = batch, *next; j != NULL; j = next) {
            next = j->next;
            finish(e, j);
        }
        pthread_mutex_lock(&e->lock);
    }
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

static enum td_code add_job(struct engine *e, struct job *job)
{
    pthread_mutex_lock(&e->lock);
    bool closed = e->stopping, enough;
    if (!closed) {
        *e->last = job;
        e->last = &job->next;
        e->waiting++;
    }
    enough = e->wanted != 0 && e->waiting >= e->wanted;
    pthread_mutex_unlock(&e->lock);
    if (enough)
        pthread_cond_signal(&e->wake);
    return closed ? td_fail(job->err, TD_EUNAVAILABLE, "store", "is closing") : TD_OK;
}

static enum td_code sqlite_write(struct td_store *s, td_tx_fn *fn, void *ctx, struct td_error *err)
{
    struct job job = {.fn = fn, .ctx = ctx, .err = err};
    if (pthread_equal(pthread_self(), ((struct engine *)s->engine)->thread) != 0) /* it would wait for itself */
        return td_fail(err, TD_EINTERNAL, "store", "a write inside a write");
    (void)sem_init(&job.finished, 0, 0);
    enum td_code rc = add_job(s->engine, &job);
    if (rc == TD_OK) {
        while (sem_wait(&job.finished) != 0) { /* interrupted by a signal */
        }
        rc = job.rc;
    }
    (void)sem_destroy(&job.finished);
    return rc;
}

static void sqlite_write_later(struct td_store *s, td_tx_fn *fn, void *ctx, struct td_error *err, td_written_fn *told)
{
    struct job *job = td_new(struct job);
    *job = (struct job){.fn = fn, .ctx = ctx, .err = err, .told = told};
    enum td_code rc = add_job(s->engine, job);
    if (rc != TD_OK) {
        td_free(job);
        told(ctx, rc);
    }
}

static enum td_code take_reader(struct engine *e, struct td_conn **ret, struct td_error *err)
{
    pthread_mutex_lock(&e->lock);
    struct td_conn *c = e->readers;
    if (c != NULL)
        e->readers = c->next;
    pthread_mutex_unlock(&e->lock);
    if (c == NULL)
        td_try(td_conn_open(e->file, TD_CONN_READS, &c, err));
    *ret = c;
    return TD_OK;
}

static enum td_code sqlite_read(struct td_store *s, td_tx_fn *fn, void *ctx, struct td_error *err)
{
    struct engine *e = s->engine;
    struct td_conn *c = NULL;
    td_try(take_reader(e, &c, err));
    struct td_tx tx = {.store = s, .conn = c, .now = td_now(s->env)};
    enum td_code rc = td_conn_run(c, "BEGIN", err);
    if (rc == TD_OK) {
        rc = fn(&tx, ctx, err);
        td_ignore(td_conn_run(c, "ROLLBACK", NULL)); /* a read leaves nothing, whatever it tried */
    }
    pthread_mutex_lock(&e->lock);
    c->next = e->readers;
    e->readers = c;
    pthread_mutex_unlock(&e->lock);
    return rc;
}

static enum td_code sqlite_script(struct td_tx *tx, const char *sql, struct td_error *err)
{
    return td_conn_script(conn_of(tx), sql, err);
}

static enum td_code sqlite_exec(struct td_tx *tx, struct td_error *err, const char *sql, const char *types, va_list ap)
{
    struct td_stmt *s = NULL;
    td_try(td_conn_bind(conn_of(tx), sql, false, types, ap, &s, err));
    int rc = sqlite3_step(s->stmt);
    enum td_code code = rc == SQLITE_DONE || rc == SQLITE_ROW ? TD_OK : td_conn_fail(conn_of(tx), rc, err);
    td_conn_give_back(s);
    return code;
}

static int64_t sqlite_changes(const struct td_tx *tx)
{
    return sqlite3_changes64(conn_of(tx)->db);
}

static enum td_code sqlite_query(struct td_tx *tx, struct td_rows *ret, struct td_error *err, const char *sql,
                                 const char *types, va_list ap)
{
    struct td_stmt *s = NULL;
    td_try(td_conn_bind(conn_of(tx), sql, true, types, ap, &s, err));
    *ret = (struct td_rows){.tx = tx, .stmt = s, .rc = TD_OK};
    return TD_OK;
}

static enum td_code sqlite_query_list(struct td_tx *tx, struct td_rows *ret, struct td_error *err, const char *sql,
                                      const char *types, const union td_bind *values)
{
    struct td_stmt *s = NULL;
    td_try(td_conn_bind_list(conn_of(tx), sql, true, true, types, values, &s, err));
    *ret = (struct td_rows){.tx = tx, .stmt = s, .rc = TD_OK};
    return TD_OK;
}

static bool sqlite_next(struct td_rows *r)
{
    struct td_stmt *s = r->stmt;
    int rc = sqlite3_step(s->stmt);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        r->rc = td_conn_fail(conn_of(r->tx), rc, NULL);
    return rc == SQLITE_ROW;
}

static enum td_code sqlite_done(struct td_rows *r, struct td_error *err)
{
    if (r->rc != TD_OK)
        (void)td_conn_fail(conn_of(r->tx), sqlite3_errcode(conn_of(r->tx)->db), err);
    td_conn_give_back(r->stmt);
    r->stmt = NULL;
    return r->rc;
}

static struct td_slice sqlite_column(struct td_rows *r, int col, bool *ret_null)
{
    sqlite3_stmt *stmt = ((struct td_stmt *)r->stmt)->stmt;
    *ret_null = sqlite3_column_type(stmt, col) == SQLITE_NULL;
    const void *p = sqlite3_column_blob(stmt, col);
    return p != NULL ? td_bytes(p, (size_t)sqlite3_column_bytes(stmt, col)) : TD_S("");
}

static int64_t sqlite_column_int(struct td_rows *r, int col)
{
    return sqlite3_column_int64(((struct td_stmt *)r->stmt)->stmt, col);
}

static void sqlite_stats(struct td_store *s, struct td_store_stats *ret)
{
    struct engine *e = s->engine;
    ret->commits = __atomic_load_n(&e->stats.commits, __ATOMIC_RELAXED);
    ret->writes = __atomic_load_n(&e->stats.writes, __ATOMIC_RELAXED);
    ret->failed = __atomic_load_n(&e->stats.failed, __ATOMIC_RELAXED);
    ret->flush_us = __atomic_load_n(&e->stats.flush_us, __ATOMIC_RELAXED);
}

static void init_locks(struct engine *e)
{
    pthread_condattr_t monotonic;
    (void)pthread_mutex_init(&e->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&e->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

static char *file_in(const char *folder)
{
    size_t n = strlen(folder) + sizeof("/store.db");
    char *file = td_alloc(n);
    (void)snprintf(file, n, "%s/store.db", folder);
    return file;
}

/* What can't be looked at may be there: opening it tells. */
static bool sqlite_exists(const char *where)
{
    char *file = file_in(where);
    bool there = access(file, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
    td_free(file);
    return there;
}

/* A new store is its owner's alone, whatever the folder allows; its journals take the mode of the file. Never opened
 * here when it is there: closing it would drop the locks that the process holds on it. */
static void make_private(const char *file)
{
    int fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        (void)close(fd);
}

static enum td_code sqlite_open(struct td_store *s, struct td_error *err)
{
    struct engine *e = td_new(struct engine);
    s->engine = e;
    e->last = &e->first;
    init_locks(e);
    e->file = file_in(s->where);
    td_try(td_dir_make(s->where, 0700, err));
    make_private(e->file);
    td_try(td_conn_open(e->file, TD_CONN_WRITES, &e->writer, err));
    if (pthread_create(&e->thread, NULL, writer_main, s) != 0)
        return td_fail(err, TD_EUNAVAILABLE, "store", "cannot start its writer thread");
    e->running = true;
    return TD_OK;
}

static void sqlite_close(struct td_store *s)
{
    struct engine *e = s->engine;
    if (e == NULL)
        return;
    pthread_mutex_lock(&e->lock);
    e->stopping = true;
    pthread_mutex_unlock(&e->lock);
    pthread_cond_signal(&e->wake);
    if (e->running)
        pthread_join(e->thread, NULL);
    td_conn_close(e->writer);
    while (e->readers != NULL) {
        struct td_conn *c = e->readers;
        e->readers = c->next;
        td_conn_close(c);
    }
    (void)pthread_cond_destroy(&e->wake);
    (void)pthread_mutex_destroy(&e->lock);
    td_free(e->file);
    td_free(e);
    s->engine = NULL;
}

extern const struct td_migration td_migrations_sqlite[];
extern const size_t td_migrations_sqlite_count;

/* The table of migrations is generated; its size is read when the store opens. */
const struct td_driver td_driver_sqlite = {
    .open = sqlite_open,
    .exists = sqlite_exists,
    .close = sqlite_close,
    .read = sqlite_read,
    .write = sqlite_write,
    .write_later = sqlite_write_later,
    .exec = sqlite_exec,
    .script = sqlite_script,
    .changes = sqlite_changes,
    .query = sqlite_query,
    .query_list = sqlite_query_list,
    .next = sqlite_next,
    .done = sqlite_done,
    .column = sqlite_column,
    .column_int = sqlite_column_int,
    .stats = sqlite_stats,
    .search_needle = td_search_needle,
    .search_select = td_search_select,
    .search_index = td_search_index,
    .search_is_behind = td_search_is_behind,
    .migrations = td_migrations_sqlite,
    .migration_count = &td_migrations_sqlite_count,
};
