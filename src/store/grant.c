#include "store/grant.h"

#include "base/fault.h"

enum { CLEAN_AT_ONCE = 50 };

static const char *const kinds[TD_GRANT_COUNT] = {"code", "refresh", "prt", "device-code"};

/* An expired row is kept for a day, so that its holder is told 'expired' and not 'unknown'. */
static const int64_t kept_expired = TD_DAY;

#define COLUMNS \
    "sha256, kind, tenant, account, application, device, family, created_at, expires_at, used_at, body, sealed"

static enum td_code clean(struct td_tx *tx, const char *sql, int64_t before, struct td_error *err)
{
    return td_sql(tx, err, sql, "ii", before, (int64_t)CLEAN_AT_ONCE);
}

enum td_code td_grant_add(struct td_tx *tx, const struct td_grant *g, struct td_error *err)
{
    td_try(clean(
        tx, "DELETE FROM token_grant WHERE sha256 IN (SELECT sha256 FROM token_grant WHERE expires_at < $1 LIMIT $2)",
        td_tx_now(tx) - kept_expired, err));
    return td_sql(
        tx, err, "INSERT INTO token_grant(" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11)",
        "bssssssiisb", td_bytes(g->sha256, sizeof(g->sha256)), kinds[g->kind], g->tenant, g->user_id, g->app_id,
        g->device_id, g->family, td_tx_now(tx), g->expires_at, g->body != NULL ? g->body : "{}", g->sealed);
}

static void read_grant(struct td_rows *r, enum td_grant_kind kind, struct td_arena *a, struct td_grant *ret)
{
    struct td_slice sha = td_col_blob(r, 0, a);
    *ret = (struct td_grant){.kind = kind,
                             .tenant = td_col_text0(r, 2, a),
                             .user_id = td_col_text0(r, 3, a),
                             .app_id = td_col_text0(r, 4, a),
                             .device_id = td_col_text0(r, 5, a),
                             .family = td_col_text0(r, 6, a),
                             .created_at = td_col_int(r, 7),
                             .expires_at = td_col_int(r, 8),
                             .used_at = td_col_int(r, 9),
                             .body = td_col_text0(r, 10, a),
                             .sealed = td_col_blob(r, 11, a)};
    memcpy(ret->sha256, sha.p, TD_MIN(sha.n, sizeof(ret->sha256)));
}

enum td_code td_grant_find(struct td_tx *tx, enum td_grant_kind kind, const unsigned char sha256[32],
                           struct td_arena *a, struct td_grant *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(
        td_sql_query(tx, &r, err, "SELECT " COLUMNS " FROM token_grant WHERE sha256 = $1", "b", td_bytes(sha256, 32)));
    bool found = td_rows_next(&r) && (strcmp(td_col_text0(&r, 1, a), kinds[kind]) == 0 || td_fault("grant-any-kind"));
    if (found)
        read_grant(&r, kind, a, ret);
    td_try(td_rows_done(&r, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, kinds[kind], "is not one of ours");
}

enum td_code td_grant_use(struct td_tx *tx, const struct td_grant *g, int64_t expires_at, struct td_error *err)
{
    return td_sql(tx, err,
                  "UPDATE token_grant SET used_at = CASE WHEN used_at = 0 THEN $2 ELSE used_at END,"
                  " expires_at = CASE WHEN expires_at > $3 THEN $3 ELSE expires_at END WHERE sha256 = $1",
                  "bii", td_bytes(g->sha256, sizeof(g->sha256)), td_tx_now(tx), expires_at);
}

enum td_code td_grant_end_family(struct td_tx *tx, const char *tenant, const char *family, struct td_error *err)
{
    return td_sql(tx, err, "DELETE FROM token_grant WHERE tenant = $1 AND family = $2", "ss", tenant, family);
}

enum td_code td_user_code_add(struct td_tx *tx, const char *code, const unsigned char sha256[32], int64_t expires_at,
                              struct td_error *err)
{
    td_try(clean(tx, "DELETE FROM user_code WHERE code IN (SELECT code FROM user_code WHERE expires_at < $1 LIMIT $2)",
                 td_tx_now(tx), err));
    return td_sql(tx, err, "INSERT INTO user_code(code, sha256, expires_at) VALUES ($1, $2, $3)", "sbi", code,
                  td_bytes(sha256, 32), expires_at);
}

enum td_code td_user_code_find(struct td_tx *tx, const char *code, struct td_arena *a, struct td_grant *ret,
                               struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err, "SELECT sha256 FROM user_code WHERE code = $1 AND expires_at > $2", "si", code,
                        td_tx_now(tx)));
    struct td_slice sha = td_rows_next(&r) ? td_col_blob(&r, 0, a) : TD_S("");
    td_try(td_rows_done(&r, err));
    if (sha.n != sizeof(ret->sha256))
        return td_fail(err, TD_ENOTFOUND, "code", "this code is not known or no longer valid");
    return td_grant_find(tx, TD_GRANT_DEVICE_CODE, (const unsigned char *)sha.p, a, ret, err);
}

enum td_code td_device_code_approve(struct td_tx *tx, const struct td_grant *g, const char *tenant, const char *user_id,
                                    struct td_error *err)
{
    td_try(td_sql(tx, err, "UPDATE token_grant SET tenant = $2, account = $3 WHERE sha256 = $1 AND account = ''", "bss",
                  td_bytes(g->sha256, sizeof(g->sha256)), tenant, user_id));
    if (td_sql_changes(tx) != 1)
        return td_fail(err, TD_ESTATE, "code", "this code was used already");
    return td_sql(tx, err, "DELETE FROM user_code WHERE sha256 = $1", "b", td_bytes(g->sha256, sizeof(g->sha256)));
}

enum td_code td_nonce_burn(struct td_tx *tx, struct td_slice nonce, int64_t expires_at, struct td_error *err)
{
    td_try(clean(tx,
                 "DELETE FROM nonce_used WHERE nonce IN (SELECT nonce FROM nonce_used WHERE expires_at < $1 LIMIT $2)",
                 td_tx_now(tx), err));
    return td_sql(tx, err, "INSERT INTO nonce_used(nonce, expires_at) VALUES ($1, $2)", "bi", nonce, expires_at);
}
