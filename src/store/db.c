#include "store/driver.h"
#include "store/group/room.h"

static enum td_code schema_version(struct td_tx *tx, int64_t *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err, "SELECT coalesce(max(version), 0) FROM schema_migration", ""));
    while (td_rows_next(&r))
        *ret = td_col_int(&r, 0);
    return td_rows_done(&r, err);
}

/* One migration a transaction; whether it is still wanted is asked inside it, because processes may start together. */
struct migrate_job {
    const struct td_migration *m;
};

static enum td_code migrate_one(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct td_migration *m = ((struct migrate_job *)ctx)->m;
    int64_t at = 0;
    td_try(tx->store->driver->script(tx,
                                     "CREATE TABLE IF NOT EXISTS schema_migration"
                                     "(version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)",
                                     err));
    td_try(schema_version(tx, &at, err));
    if (at >= m->version)
        return TD_OK;
    td_try(tx->store->driver->script(tx, m->sql, err));
    return td_sql(tx, err, "INSERT INTO schema_migration(version, name, applied_at) VALUES ($1, $2, $3)", "isi",
                  (int64_t)m->version, m->name, td_tx_now(tx));
}

static enum td_code refuse_newer(struct td_tx *tx, void *ctx, struct td_error *err)
{
    int64_t at = 0, newest = *(const int64_t *)ctx;
    td_try(schema_version(tx, &at, err));
    if (at > newest)
        return td_remedy(err,
                         td_fail(err, TD_ESTATE, "store", "has schema %lld, this program knows %lld", (long long)at,
                                 (long long)newest),
                         "start the version of Touchdown that wrote it, or a newer one");
    return TD_OK;
}

static enum td_code migrate(struct td_store *s, struct td_error *err)
{
    int64_t newest = 0;
    for (size_t i = 0; i < *s->driver->migration_count; i++) {
        struct migrate_job job = {&s->driver->migrations[i]};
        td_try(td_store_write(s, migrate_one, &job, err));
        newest = job.m->version;
    }
    return td_store_read(s, refuse_newer, &newest, err);
}

enum td_code td_store_open(const char *where, const struct td_env *env, struct td_store **ret, struct td_error *err)
{
    if (td_starts(td_str(where), "postgresql://") || td_starts(td_str(where), "postgres://"))
        return td_remedy(err, td_fail(err, TD_ENOTOFFERED, "store", "PostgreSQL is not offered yet"),
                         "use the embedded store: --data DIR");
    struct td_store *s = td_new(struct td_store);
    s->driver = &td_driver_sqlite;
    s->env = env;
    s->where = td_strdup(where);
    s->groups = td_group_cache_new();
    enum td_code rc = s->driver->open(s, err);
    if (rc == TD_OK)
        rc = migrate(s, err);
    if (rc != TD_OK) {
        td_store_close(s);
        return rc;
    }
    *ret = s;
    return TD_OK;
}

bool td_store_exists(const char *where)
{
    return strstr(where, "://") != NULL || td_driver_sqlite.exists(where);
}

void td_store_close(struct td_store *s)
{
    if (s == NULL)
        return;
    s->driver->close(s);
    td_group_cache_free(s->groups);
    td_free(s->where);
    td_free(s);
}

void td_store_gather(struct td_store *s, int (*in_work)(void *ctx), void *ctx)
{
    s->in_work = in_work;
    s->in_work_ctx = ctx;
}

const char *td_store_dir(const struct td_store *s)
{
    return s->where;
}

enum td_code td_store_read(struct td_store *s, td_tx_fn *fn, void *ctx, struct td_error *err)
{
    return s->driver->read(s, fn, ctx, err);
}

enum td_code td_store_write(struct td_store *s, td_tx_fn *fn, void *ctx, struct td_error *err)
{
    return s->driver->write(s, fn, ctx, err);
}

void td_store_write_later(struct td_store *s, td_tx_fn *fn, void *ctx, struct td_error *err, td_written_fn *told)
{
    s->driver->write_later(s, fn, ctx, err, told);
}

int64_t td_tx_now(const struct td_tx *tx)
{
    return tx->now;
}

const struct td_env *td_tx_env(const struct td_tx *tx)
{
    return tx->store->env;
}

enum td_code td_sql(struct td_tx *tx, struct td_error *err, const char *sql, const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    enum td_code rc = tx->store->driver->exec(tx, err, sql, types, ap);
    va_end(ap);
    return rc;
}

int64_t td_sql_changes(const struct td_tx *tx)
{
    return tx->store->driver->changes(tx);
}

enum td_code td_sql_query(struct td_tx *tx, struct td_rows *ret, struct td_error *err, const char *sql,
                          const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    enum td_code rc = tx->store->driver->query(tx, ret, err, sql, types, ap);
    va_end(ap);
    return rc;
}

enum td_code td_sql_query_list(struct td_tx *tx, struct td_rows *ret, struct td_error *err, const char *sql,
                               const char *types, const union td_bind *values)
{
    return tx->store->driver->query_list(tx, ret, err, sql, types, values);
}

bool td_rows_next(struct td_rows *r)
{
    return r->tx->store->driver->next(r);
}

enum td_code td_rows_done(struct td_rows *r, struct td_error *err)
{
    return r->tx->store->driver->done(r, err);
}

char *td_col_text(struct td_rows *r, int col, struct td_arena *a)
{
    bool null = false;
    struct td_slice s = r->tx->store->driver->column(r, col, &null);
    return null ? NULL : td_arena_text(a, s);
}

char *td_col_text0(struct td_rows *r, int col, struct td_arena *a)
{
    bool null = false;
    return td_arena_text(a, r->tx->store->driver->column(r, col, &null));
}

struct td_slice td_col_blob(struct td_rows *r, int col, struct td_arena *a)
{
    bool null = false;
    return td_arena_copy(a, r->tx->store->driver->column(r, col, &null));
}

int64_t td_col_int(struct td_rows *r, int col)
{
    return r->tx->store->driver->column_int(r, col);
}

bool td_col_null(struct td_rows *r, int col)
{
    bool null = false;
    (void)r->tx->store->driver->column(r, col, &null);
    return null;
}

enum td_code td_store_touch(struct td_tx *tx, struct td_error *err)
{
    return td_sql(tx, err, "UPDATE generation SET value = value + 1", "");
}

enum td_code td_store_generation(struct td_tx *tx, int64_t *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err, "SELECT value FROM generation", ""));
    while (td_rows_next(&r))
        *ret = td_col_int(&r, 0);
    return td_rows_done(&r, err);
}

void td_store_stats(struct td_store *s, struct td_store_stats *ret)
{
    s->driver->stats(s, ret);
}
