/* Runs of the directory sync: whose turn it is, where it goes on, what a full run leaves over. */
#include "base/fault.h"
#include "store/sync/room.h"

enum { OBJECTS_A_SLICE = 30, GONE_A_SLICE = 20, LEFT_A_SLICE = 1000, AGAIN_MAX = 200 };

struct taking {
    struct td_store *store;
    const char *connector;
    struct td_sync_message m;
    struct td_sync s;
    struct td_ad_domain_row row;
    struct td_arena *a;
    bool answered; /* nothing is to be taken */
    uint64_t from; /* the answer */
    size_t at;     /* first object of the slice */
    int64_t removed, now;
    struct td_sync_object *again; /* what was refused, once more */
    size_t again_count;
};

/* --- whose turn, and where it goes on --- */

static bool my_turn(const struct td_ad_domain_row *row, const char *connector, int64_t now)
{
    int64_t silent = 3 * (int64_t)row->sync_seconds * TD_SECOND;
    if (silent < TD_SYNC_TURN)
        silent = TD_SYNC_TURN;
    return row->connector[0] == '\0' || strcmp(row->connector, connector) == 0 || now - row->heard_at > silent ||
           td_fault("sync-out-of-turn");
}

enum td_code td_directory_sync_turn(struct td_tx *tx, const char *tenant, const char *connector_id, const char *domain,
                                    bool *ret, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_ad_domain_row row = {0};
    *ret = false;
    enum td_code rc = td_ad_domain_find(tx, tenant, domain, &a, &row, err);
    if (rc == TD_OK)
        *ret = row.sync && my_turn(&row, connector_id, td_tx_now(tx));
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

/* The same run as before, or the next one, which has a number of its own. */
static enum td_code find_run(struct td_tx *tx, struct taking *t, struct td_error *err)
{
    struct td_rows r;
    bool there = false;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT run FROM ad_run WHERE tenant = $1 AND domain = $2 AND connector = $3 AND name = $4",
                        "ssss", t->s.tenant, t->s.domain, t->connector, t->m.run));
    while (td_rows_next(&r)) {
        t->s.run = td_col_int(&r, 0);
        there = true;
    }
    td_try(td_rows_done(&r, err));
    if (there)
        return TD_OK;
    t->s.run = t->row.run + 1;
    td_try(td_sql(tx, err, "UPDATE ad_domain SET run = $3 WHERE tenant = $1 AND domain = $2", "ssi", t->s.tenant,
                  t->s.domain, t->s.run));
    return td_sql(tx, err,
                  "INSERT INTO ad_run(tenant, domain, connector, name, run) VALUES ($1, $2, $3, $4, $5)"
                  " ON CONFLICT (tenant, domain, connector) DO UPDATE SET name = excluded.name, run = excluded.run,"
                  " people = 0",
                  "ssssi", t->s.tenant, t->s.domain, t->connector, t->m.run, t->s.run);
}

static enum td_code ended_before(struct td_tx *tx, struct taking *t, bool *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err, "SELECT 1 FROM ad_domain WHERE tenant = $1 AND domain = $2 AND ended = $3", "sss",
                        t->s.tenant, t->s.domain, t->m.run));
    *ret = td_rows_next(&r) && !td_fault("sync-run-twice");
    return td_rows_done(&r, err);
}

static void answer(struct taking *t, uint64_t from)
{
    t->answered = true;
    t->from = from;
}

/* What is stored, as far as it is of this server. */
static uint64_t stored(const struct taking *t)
{
    return strcmp(t->row.server, t->m.server) == 0 ? t->row.usn : 0;
}

static enum td_code find_domain(struct td_tx *tx, struct taking *t, struct td_error *err)
{
    td_try(td_ad_domain_find(tx, t->s.tenant, t->m.domain, t->a, &t->row, err));
    if (!t->row.sync)
        return td_remedy(err, td_fail(err, TD_ESTATE, "domain", "people of %s are not taken over", t->row.domain),
                         "touchdown connector domain set %s sync=on", t->row.domain);
    t->s.domain = t->row.domain;
    t->s.run = t->row.run;
    return TD_OK;
}

static enum td_code begin(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct taking *t = ctx;
    bool twice = false;
    t->answered = false;
    td_try(find_domain(tx, t, err));
    if (!my_turn(&t->row, t->connector, td_tx_now(tx))) {
        answer(t, t->m.from);
        return TD_OK;
    }
    td_try(td_sql(tx, err, "UPDATE ad_domain SET connector = $3, heard_at = $4 WHERE tenant = $1 AND domain = $2",
                  "sssi", t->s.tenant, t->s.domain, t->connector, td_tx_now(tx)));
    if (t->m.full) /* another one says by its number that it was taken */
        td_try(ended_before(tx, t, &twice, err));
    if (twice || (t->m.count == 0 && !t->m.last) || (!t->m.full && t->m.from != stored(t))) {
        answer(t, stored(t));
        return TD_OK;
    }
    if (t->m.full)
        return find_run(tx, t, err);
    if (t->m.from == 0)
        return td_fail(err, TD_EINVAL, "full", "a run from 0 names everybody, and says so");
    return TD_OK;
}

/* --- what is told --- */

static enum td_code take_one(struct td_tx *tx, struct taking *t, const struct td_sync_object *o, struct td_error *err)
{
    const char *id = NULL, *reason = NULL;
    if (o->is_group && o->continued)
        return TD_OK;
    if (o->is_group || o->deleted)
        td_try(td_sync_group(tx, &t->s, o, t->a, err));
    return o->is_group && !o->deleted ? TD_OK : td_sync_person(tx, &t->s, o, t->a, &id, &reason, err);
}

static enum td_code take_slice(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct taking *t = ctx;
    int64_t people = 0;
    for (size_t i = t->at; i < t->m.count && i < t->at + OBJECTS_A_SLICE; i++) {
        td_try(take_one(tx, t, &t->m.objects[i], err));
        people += !t->m.objects[i].is_group && !t->m.objects[i].deleted;
    }
    return td_sql(tx, err,
                  "UPDATE ad_run SET people = people + $4 WHERE tenant = $1 AND domain = $2 AND connector = $3", "sssi",
                  t->s.tenant, t->s.domain, t->connector, people);
}

static enum td_code take_objects(struct taking *t, struct td_error *err)
{
    for (t->at = 0; t->at < t->m.count; t->at += OBJECTS_A_SLICE) {
        td_try(td_store_write(t->store, take_slice, t, err));
        for (size_t i = t->at; i < t->m.count && i < t->at + OBJECTS_A_SLICE; i++)
            if (t->m.objects[i].is_group || t->m.objects[i].deleted)
                td_try(td_sync_members(t->store, &t->s, &t->m.objects[i], t->a, err));
    }
    return TD_OK;
}

/* --- the end of a run --- */

/* A search that finds nobody (another base, a right that was taken away) is no reason to remove everybody. */
static enum td_code named_somebody(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct taking *t = ctx;
    struct td_ad_domain_counts counts = {0};
    struct td_rows r;
    int64_t people = 0;
    td_try(td_sql_query(tx, &r, err, "SELECT people FROM ad_run WHERE tenant = $1 AND domain = $2 AND connector = $3",
                        "sss", t->s.tenant, t->s.domain, t->connector));
    while (td_rows_next(&r))
        people = td_col_int(&r, 0);
    td_try(td_rows_done(&r, err));
    td_try(td_ad_domain_counts(tx, t->s.tenant, t->s.domain, &counts, err));
    if (people != 0 || counts.people == 0 || td_fault("sync-empty-run"))
        return TD_OK;
    return td_remedy(
        err,
        td_fail(err, TD_ESTATE, "objects", "a full run that names nobody would remove %lld people",
                (long long)counts.people),
        "check the base and the rights of the connector's account; sync=off and user remove if it is meant");
}

static enum td_code next_ids(struct td_tx *tx, const struct taking *t, const char *sql, const char **ids, size_t *n,
                             struct td_error *err)
{
    struct td_rows r;
    *n = 0;
    td_try(td_sql_query(tx, &r, err, sql, "ssii", t->s.tenant, t->s.domain, t->s.run, (int64_t)GONE_A_SLICE));
    while (*n < GONE_A_SLICE && td_rows_next(&r))
        ids[(*n)++] = td_col_text0(&r, 0, t->a);
    return td_rows_done(&r, err);
}

static enum td_code remove_people(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct taking *t = ctx;
    const char *ids[GONE_A_SLICE];
    size_t n = 0;
    td_try(next_ids(tx, t,
                    "SELECT ad_guid FROM account WHERE tenant = $1 AND ad_domain = $2 AND seen_run < $3 LIMIT $4", ids,
                    &n, err));
    for (size_t i = 0; i < n; i++) {
        const struct td_sync_object gone = {.guid = ids[i], .deleted = true};
        td_try(take_one(tx, t, &gone, err));
    }
    t->removed = (int64_t)n;
    return TD_OK;
}

static enum td_code groups_gone(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct taking *t = ctx;
    const char *ids[GONE_A_SLICE];
    size_t n = 0;
    td_try(next_ids(tx, t,
                    "SELECT ad_guid FROM device_group WHERE tenant = $1 AND ad_domain = $2 AND seen_run < $3 LIMIT $4",
                    ids, &n, err));
    struct td_sync_object *gone = td_arena_array(t->a, struct td_sync_object, n + 1);
    for (size_t i = 0; i < n; i++)
        gone[i] = (struct td_sync_object){.guid = ids[i], .is_group = true, .deleted = true};
    t->m.objects = gone;
    t->m.count = n;
    t->removed = (int64_t)n;
    return TD_OK;
}

static enum td_code remove_unnamed(struct taking *t, struct td_error *err)
{
    td_try(td_store_read(t->store, named_somebody, t, err));
    do
        td_try(td_store_write(t->store, remove_people, t, err));
    while (t->removed != 0);
    do {
        td_try(td_store_read(t->store, groups_gone, t, err));
        td_try(take_objects(t, err));
    } while (t->removed != 0);
    return TD_OK;
}

static enum td_code read_refused(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct taking *t = ctx;
    struct td_rows r;
    t->again = td_arena_array(t->a, struct td_sync_object, AGAIN_MAX);
    t->again_count = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT wish FROM ad_refused WHERE tenant = $1 AND domain = $2 ORDER BY at LIMIT $3", "ssi",
                        t->s.tenant, t->s.domain, (int64_t)AGAIN_MAX));
    while (t->again_count < AGAIN_MAX && td_rows_next(&r)) {
        struct td_json *v = NULL;
        if (td_json_parse(td_str(td_col_text0(&r, 0, t->a)), 65536, t->a, &v, NULL) == TD_OK &&
            td_sync_read_object(v, t->a, &t->again[t->again_count], NULL) == TD_OK)
            t->again_count++;
    }
    return td_rows_done(&r, err);
}

/* Whoever had the name is gone or renamed since, or an administrator made room. */
static enum td_code try_again(struct taking *t, struct td_error *err)
{
    td_try(td_store_read(t->store, read_refused, t, err));
    t->m.objects = t->again;
    t->m.count = t->again_count;
    return take_objects(t, err);
}

static enum td_code end(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct taking *t = ctx;
    t->now = td_tx_now(tx);
    td_try(td_sql(tx, err, "DELETE FROM ad_run WHERE tenant = $1 AND domain = $2 AND connector = $3", "sss",
                  t->s.tenant, t->s.domain, t->connector));
    return td_sql(tx, err,
                  "UPDATE ad_domain SET server = $3, usn = $4, synced_at = $5, heard_at = $5, ended = $6,"
                  " full_at = CASE WHEN $7 = 1 THEN $5 ELSE full_at END WHERE tenant = $1 AND domain = $2",
                  "sssiisi", t->s.tenant, t->s.domain, t->m.server, (int64_t)t->m.to, td_tx_now(tx), t->m.run,
                  (int64_t)t->m.full);
}

static enum td_code end_run(struct taking *t, struct td_error *err)
{
    if (t->m.full)
        td_try(remove_unnamed(t, err));
    td_try(try_again(t, err));
    td_try(td_sync_settle(t->store, t->s.tenant, err));
    td_try(td_store_write(t->store, end, t, err));
    bool all = !t->m.full && t->now - t->row.full_at > TD_SYNC_FULL_EVERY;
    t->from = all ? 0 : t->m.to;
    return TD_OK;
}

enum td_code td_directory_sync_take(struct td_store *store, const char *tenant, const char *connector_id,
                                    const struct td_json *body, struct td_arena *a, uint64_t *ret_from,
                                    struct td_error *err)
{
    struct taking t = {.store = store, .connector = connector_id, .a = a, .s.tenant = tenant};
    td_try(td_sync_read(body, a, &t.m, err));
    td_try(td_store_write(store, begin, &t, err));
    if (!t.answered) {
        t.from = t.m.from;
        td_try(take_objects(&t, err));
        if (t.m.last)
            td_try(end_run(&t, err));
    }
    *ret_from = t.from;
    return TD_OK;
}
