#include "store/certificate.h"

#define COLUMNS "sha256, tenant, purpose, subject, serial, not_after, revoked_at, reason"

enum { REVOKED_MAX = 100000 };

enum td_code td_cert_record(struct td_tx *tx, const struct td_cert_row *row, struct td_error *err)
{
    return td_sql(tx, err,
                  "INSERT INTO certificate(sha256, tenant, purpose, subject, serial, not_after, issued_at, revoked_at)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                  "bssssiii", td_bytes(row->sha256, sizeof(row->sha256)), row->tenant, row->purpose, row->subject,
                  row->serial, row->not_after, td_tx_now(tx), row->revoked_at);
}

static void read_row(struct td_rows *r, struct td_arena *a, struct td_cert_row *ret)
{
    *ret = (struct td_cert_row){.tenant = td_col_text0(r, 1, a),
                                .purpose = td_col_text0(r, 2, a),
                                .subject = td_col_text0(r, 3, a),
                                .serial = td_col_text0(r, 4, a),
                                .not_after = td_col_int(r, 5),
                                .revoked_at = td_col_int(r, 6),
                                .reason = (int)td_col_int(r, 7)};
    struct td_slice print = td_col_blob(r, 0, a);
    if (print.n == sizeof(ret->sha256))
        memcpy(ret->sha256, print.p, sizeof(ret->sha256));
}

static enum td_code only_row(struct td_rows *r, struct td_arena *a, struct td_cert_row *ret, struct td_error *err)
{
    bool found = false;
    while (td_rows_next(r)) {
        read_row(r, a, ret);
        found = true;
    }
    td_try(td_rows_done(r, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "certificate", "not one of ours");
}

enum td_code td_cert_find(struct td_tx *tx, const unsigned char sha256[32], struct td_arena *a, struct td_cert_row *ret,
                          struct td_error *err)
{
    struct td_rows r;
    td_try(
        td_sql_query(tx, &r, err, "SELECT " COLUMNS " FROM certificate WHERE sha256 = $1", "b", td_bytes(sha256, 32)));
    return only_row(&r, a, ret, err);
}

enum td_code td_cert_find_serial(struct td_tx *tx, const char *purpose, const char *serial, struct td_arena *a,
                                 struct td_cert_row *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err, "SELECT " COLUMNS " FROM certificate WHERE purpose = $1 AND serial = $2", "ss",
                        purpose, serial));
    return only_row(&r, a, ret, err);
}

/* CRLReason of RFC 5280; crypto/cert.h has the same numbers. */
enum { SUPERSEDED = 4, CEASED = 5 };

static enum td_code revoke(struct td_tx *tx, const char *tenant, const char *purpose, const char *subject, int reason,
                           struct td_error *err)
{
    return td_sql(tx, err,
                  "UPDATE certificate SET revoked_at = $4, reason = $5"
                  " WHERE tenant = $1 AND purpose = $2 AND subject = $3 AND revoked_at = 0",
                  "sssii", tenant, purpose, subject, td_tx_now(tx), (int64_t)reason);
}

enum td_code td_cert_revoke(struct td_tx *tx, const char *tenant, const char *purpose, const char *subject,
                            struct td_error *err)
{
    return revoke(tx, tenant, purpose, subject, CEASED, err);
}

enum td_code td_cert_supersede(struct td_tx *tx, const char *tenant, const char *purpose, const char *subject,
                               struct td_error *err)
{
    return revoke(tx, tenant, purpose, subject, SUPERSEDED, err);
}

enum td_code td_cert_revoked_list(struct td_tx *tx, const char *purpose, struct td_arena *a, struct td_cert_row **ret,
                                  size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    size_t n = 0, room = 0;
    struct td_cert_row *rows = NULL;
    /* one that has run out needs no place on the list any more */
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS " FROM certificate"
                        " WHERE purpose = $1 AND revoked_at <> 0 AND not_after > $2 ORDER BY revoked_at DESC LIMIT $3",
                        "sii", purpose, td_tx_now(tx), (int64_t)REVOKED_MAX));
    while (td_rows_next(&r)) {
        rows = td_arena_room(a, rows, n, &room, sizeof(*rows));
        read_row(&r, a, &rows[n++]);
    }
    td_try(td_rows_done(&r, err));
    *ret = rows;
    *ret_count = n;
    return TD_OK;
}

enum td_code td_secret_put(struct td_tx *tx, const char *name, struct td_slice sealed, struct td_error *err)
{
    return td_sql(tx, err, "INSERT INTO secret(name, sealed, created_at) VALUES ($1, $2, $3)", "sbi", name, sealed,
                  td_tx_now(tx));
}

enum td_code td_secret_get(struct td_tx *tx, const char *name, struct td_arena *a, struct td_slice *ret,
                           struct td_error *err)
{
    struct td_rows r;
    bool found = false;
    td_try(td_sql_query(tx, &r, err, "SELECT sealed FROM secret WHERE name = $1", "s", name));
    while (td_rows_next(&r)) {
        *ret = td_col_blob(&r, 0, a);
        found = true;
    }
    td_try(td_rows_done(&r, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "secret", "there is none of this name");
}
