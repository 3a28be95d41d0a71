#include "store/diagnostics.h"

#include "base/fault.h"
#include "store/audit.h"

#define COLUMNS "tenant, id, enrolment_id, way_id, size, arrived_at, sha256"

/* The oldest go, so that a device that is asked again and again fills no disk. */
static enum td_code expire_more(struct td_tx *tx, const char *tenant, const char *enrolment_id, struct td_error *err)
{
    if (td_fault("diagnostics-without-end"))
        return TD_OK;
    return td_sql(tx, err,
                  "UPDATE diagnostic SET arrived_at = 0 WHERE tenant = $1 AND enrolment_id = $2 AND arrived_at <> 0"
                  " AND id NOT IN (SELECT id FROM diagnostic WHERE tenant = $1 AND enrolment_id = $2"
                  " AND arrived_at <> 0 ORDER BY id DESC LIMIT $3)",
                  "ssi", tenant, enrolment_id, (int64_t)TD_DIAGNOSTIC_KEPT);
}

enum td_code td_diagnostic_put(struct td_tx *tx, const char *tenant, const struct td_diagnostic *d,
                               struct td_error *err)
{
    enum td_code rc = td_sql(tx, err, "INSERT INTO diagnostic(" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7)",
                             "ssssiis", tenant, d->id, d->enrolment_id, d->way_id, d->size, td_tx_now(tx), d->sha256);
    if (rc == TD_EEXISTS)
        return td_fail(err, TD_EEXISTS, "archive", "it has come already");
    td_try(rc);
    return expire_more(tx, tenant, d->enrolment_id, err);
}

static enum td_code read_rows(struct td_rows *r, struct td_arena *a, struct td_diagnostic **ret, size_t *ret_count,
                              struct td_error *err)
{
    size_t n = 0, room = 0;
    struct td_diagnostic *rows = NULL;
    while (td_rows_next(r)) {
        rows = td_arena_room(a, rows, n, &room, sizeof(*rows));
        rows[n++] = (struct td_diagnostic){.tenant = td_col_text0(r, 0, a),
                                           .id = td_col_text0(r, 1, a),
                                           .enrolment_id = td_col_text0(r, 2, a),
                                           .way_id = td_col_text0(r, 3, a),
                                           .size = td_col_int(r, 4),
                                           .arrived_at = td_col_int(r, 5),
                                           .sha256 = td_col_text0(r, 6, a)};
    }
    td_try(td_rows_done(r, err));
    *ret = rows;
    *ret_count = n;
    return TD_OK;
}

enum td_code td_diagnostic_find(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                                struct td_diagnostic *ret, struct td_error *err)
{
    struct td_rows r;
    struct td_diagnostic *rows = NULL;
    size_t count = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS " FROM diagnostic WHERE tenant = $1 AND id = $2 AND arrived_at <> 0", "ss",
                        tenant, id));
    td_try(read_rows(&r, a, &rows, &count, err));
    if (count == 0)
        return td_fail(err, TD_ENOTFOUND, "archive", "there is no such archive; they are kept for 28 days");
    *ret = rows[0];
    return TD_OK;
}

enum td_code td_diagnostic_list(struct td_tx *tx, const char *tenant, const char *enrolment_id, size_t max,
                                struct td_arena *a, struct td_diagnostic **ret, size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS " FROM diagnostic WHERE tenant = $1 AND enrolment_id = $2 AND arrived_at <> 0"
                        " ORDER BY id DESC LIMIT $3",
                        "ssi", tenant, enrolment_id, (int64_t)max));
    return read_rows(&r, a, ret, ret_count, err);
}

enum td_code td_diagnostic_old(struct td_tx *tx, size_t max, struct td_arena *a, struct td_diagnostic **ret,
                               size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    int64_t life = td_fault("diagnostics-for-ever") ? 100 * TD_DIAGNOSTIC_LIFE : TD_DIAGNOSTIC_LIFE;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS " FROM diagnostic WHERE arrived_at < $1 ORDER BY arrived_at LIMIT $2", "ii",
                        td_tx_now(tx) - life, (int64_t)max));
    return read_rows(&r, a, ret, ret_count, err);
}

enum td_code td_diagnostic_expire(struct td_tx *tx, const char *tenant, const char *id, struct td_error *err)
{
    return td_sql(tx, err, "UPDATE diagnostic SET arrived_at = 0 WHERE tenant = $1 AND id = $2", "ss", tenant, id);
}

enum td_code td_diagnostic_remove(struct td_tx *tx, const char *tenant, const char *id, struct td_error *err)
{
    return td_sql(tx, err, "DELETE FROM diagnostic WHERE tenant = $1 AND id = $2", "ss", tenant, id);
}

enum td_code td_diagnostic_told(struct td_tx *tx, const char *tenant, const char *enrolment_id, const char *type,
                                const char *actor, struct td_error *err)
{
    const struct td_audit what = {
        .type = type, .actor = actor, .kind = "managed-device", .id = enrolment_id, .name = "logs"};
    return td_audit_tell(tx, tenant, &what, err);
}
