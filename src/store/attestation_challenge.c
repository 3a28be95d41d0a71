/* Challenges and the join tickets that grow out of them. */
#include "base/fault.h"
#include "store/attestation.h"

enum { TAKEN_AT_ONCE = 20, OCTETS = 32 };

const char *td_attest_purpose_word(enum td_attest_purpose p)
{
    return p == TD_ATTEST_PRE_PROVISIONING ? "pre-provisioning" : "self-deploying";
}

#define COLUMNS                                                                                                        \
    "id, registration_id, purpose, ek_sha256, assurance, manufacturer, model, version, ak, nonce, proof_sha256,"       \
    " technician, created_at, expires_at, answered_at, verdict, key_sha256, management_key_sha256, ticket_expires_at," \
    " ticket_used_at, technician_code, tenant"
enum { TENANT = 21 };

static void read_octets(struct td_rows *r, int col, struct td_arena *a, unsigned char ret[OCTETS])
{
    struct td_slice s = td_col_blob(r, col, a);
    memset(ret, 0, OCTETS);
    if (s.n == OCTETS)
        memcpy(ret, s.p, OCTETS);
}

static void read_row(struct td_rows *r, struct td_arena *a, struct td_challenge *ret)
{
    *ret = (struct td_challenge){.id = td_col_text0(r, 0, a),
                                 .registration_id = td_col_text0(r, 1, a),
                                 .purpose = (enum td_attest_purpose)td_col_int(r, 2),
                                 .ek_sha256 = td_col_text0(r, 3, a),
                                 .assurance = (enum td_assurance)td_col_int(r, 4),
                                 .manufacturer = td_col_text0(r, 5, a),
                                 .model = td_col_text0(r, 6, a),
                                 .version = td_col_text0(r, 7, a),
                                 .ak = td_col_blob(r, 8, a),
                                 .technician = td_col_text0(r, 11, a),
                                 .created_at = td_col_int(r, 12),
                                 .expires_at = td_col_int(r, 13),
                                 .answered_at = td_col_int(r, 14),
                                 .verdict = (enum td_attest_reason)td_col_int(r, 15),
                                 .key_sha256 = td_col_text0(r, 16, a),
                                 .management_key_sha256 = td_col_text0(r, 17, a),
                                 .ticket_expires_at = td_col_int(r, 18),
                                 .ticket_used_at = td_col_int(r, 19),
                                 .technician_code = td_col_text0(r, 20, a)};
    read_octets(r, 9, a, ret->nonce);
    read_octets(r, 10, a, ret->proof_sha256);
}

static enum td_code only_row(struct td_rows *r, struct td_arena *a, const char **ret_tenant, struct td_challenge *ret,
                             struct td_error *err)
{
    bool found = false;
    for (; td_rows_next(r); found = true) {
        read_row(r, a, ret);
        *ret_tenant = td_col_text0(r, TENANT, a);
    }
    td_try(td_rows_done(r, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "challenge", "there is no such challenge");
}

static enum td_code take_old(struct td_tx *tx, struct td_error *err)
{
    if (td_fault("challenges-stay"))
        return TD_OK;
    return td_sql(tx, err,
                  "DELETE FROM attest_challenge WHERE id IN (SELECT id FROM attest_challenge WHERE ticket_used_at = 0"
                  " AND created_at < $1 AND (ticket_expires_at = 0 OR created_at < $2) ORDER BY created_at LIMIT $3)",
                  "iii", td_tx_now(tx) - TD_CHALLENGE_KEPT, td_tx_now(tx) - TD_TICKET_KEPT, (int64_t)TAKEN_AT_ONCE);
}

enum td_code td_challenge_add(struct td_tx *tx, const char *tenant, const struct td_challenge *c, struct td_error *err)
{
    td_try(take_old(tx, err));
    return td_sql(tx, err,
                  "INSERT INTO attest_challenge(id, tenant, registration_id, purpose, ek_sha256, assurance,"
                  " manufacturer, model, version, ak, nonce, proof_sha256, technician, created_at, expires_at,"
                  " answered_at, verdict, key_sha256, management_key_sha256, ticket_expires_at, ticket_used_at, caller,"
                  " technician_code)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 0, 0, '', '', 0, 0, $16,"
                  " $17)",
                  "sssisisssbbbsiiss", c->id, tenant, c->registration_id, (int64_t)c->purpose, c->ek_sha256,
                  (int64_t)c->assurance, c->manufacturer, c->model, c->version, c->ak, td_bytes(c->nonce, OCTETS),
                  td_bytes(c->proof_sha256, OCTETS), c->technician != NULL ? c->technician : "",
                  c->created_at != 0 ? c->created_at : td_tx_now(tx), c->expires_at, c->caller != NULL ? c->caller : "",
                  c->technician_code != NULL ? c->technician_code : "");
}

enum td_code td_challenge_count(struct td_tx *tx, const char *ek_sha256, const char *caller, int64_t since,
                                int64_t *ret_own, int64_t *ret_all, struct td_error *err)
{
    struct td_rows r;
    *ret_own = *ret_all = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT COALESCE(SUM(CASE WHEN caller = $3 THEN 1 ELSE 0 END), 0), COUNT(*)"
                        " FROM attest_challenge WHERE ek_sha256 = $1 AND created_at BETWEEN $2 AND $4",
                        "sisi", ek_sha256, since, caller,
                        td_tx_now(tx) + TD_MINUTE)); /* of a clock that was put back: not lately */
    while (td_rows_next(&r)) {
        *ret_own = td_col_int(&r, 0);
        *ret_all = td_col_int(&r, 1);
    }
    return td_rows_done(&r, err);
}

enum td_code td_challenge_find(struct td_tx *tx, const char *id, struct td_arena *a, const char **ret_tenant,
                               struct td_challenge *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err, "SELECT " COLUMNS " FROM attest_challenge WHERE id = $1", "s", id));
    return only_row(&r, a, ret_tenant, ret, err);
}

enum td_code td_challenge_answer(struct td_tx *tx, const char *tenant, const struct td_challenge *c,
                                 struct td_error *err)
{
    td_try(td_sql(tx, err,
                  "UPDATE attest_challenge SET answered_at = $3, verdict = $4, key_sha256 = $5,"
                  " management_key_sha256 = $6, ticket_expires_at = $7 WHERE tenant = $1 AND id = $2"
                  " AND (answered_at = 0 OR $8 = 1)",
                  "ssiissii", tenant, c->id, td_tx_now(tx), (int64_t)c->verdict,
                  c->key_sha256 != NULL ? c->key_sha256 : "",
                  c->management_key_sha256 != NULL ? c->management_key_sha256 : "", c->ticket_expires_at,
                  (int64_t)td_fault("challenge-twice")));
    return td_sql_changes(tx) == 1 ? TD_OK
                                   : td_fail(err, TD_ESTATE, "challenge", "it is unknown, or was answered before");
}

static enum td_code check_ticket(const struct td_challenge *c, int64_t now, struct td_error *err)
{
    if (c->answered_at == 0 || c->verdict != TD_ATT_OK || c->ticket_expires_at == 0)
        return td_fail(err, TD_ENOTFOUND, "ticket", "there is no such join ticket");
    if (c->ticket_used_at != 0 && !td_fault("join-ticket-twice"))
        return td_fail(err, TD_ESTATE, "ticket", "the join ticket was used before");
    if (now > c->ticket_expires_at && !td_fault("join-ticket-late"))
        return td_fail(err, TD_EEXPIRED, "ticket", "the join ticket ran out");
    return TD_OK;
}

enum td_code td_join_ticket_use(struct td_tx *tx, const char *tenant, const char *challenge_id, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_challenge c = {.id = ""};
    const char *its = "";
    td_try(td_challenge_find(tx, challenge_id, &a, &its, &c, err));
    if (strcmp(its, tenant) != 0)
        return td_fail(err, TD_ENOTFOUND, "ticket", "there is no such join ticket");
    td_try(check_ticket(&c, td_tx_now(tx), err));
    td_try(td_sql(tx, err,
                  "DELETE FROM attest_challenge WHERE tenant = $1 AND registration_id = $2 AND ticket_used_at <> 0"
                  " AND id <> $3",
                  "sss", tenant, c.registration_id, c.id));
    return td_sql(tx, err, "UPDATE attest_challenge SET ticket_used_at = $3 WHERE tenant = $1 AND id = $2", "ssi",
                  tenant, c.id, td_tx_now(tx));
}

enum td_code td_attested(struct td_tx *tx, const char *tenant, const char *registration_id, struct td_arena *a,
                         struct td_challenge *ret, struct td_error *err)
{
    struct td_rows r;
    const char *its = "";
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS " FROM attest_challenge WHERE tenant = $1 AND registration_id = $2"
                        " AND ticket_used_at <> 0 ORDER BY ticket_used_at DESC LIMIT 1",
                        "ss", tenant, registration_id));
    return only_row(&r, a, &its, ret, err);
}
