#include "store/attestation.h"

#include "base/encode.h"
#include "base/fault.h"
#include "store/audit.h"

enum { LEAST_DIGITS = 8, HASH_DIGITS = 64 };

/* --- makers ------------------------------------------------------------------------------------------------------- */

static enum td_code count_of(struct td_tx *tx, const char *sql, const char *tenant, int64_t *ret, struct td_error *err)
{
    struct td_rows r;
    *ret = 0;
    td_try(td_sql_query(tx, &r, err, sql, "s", tenant));
    while (td_rows_next(&r))
        *ret = td_col_int(&r, 0);
    return td_rows_done(&r, err);
}

static enum td_code tell_root(struct td_tx *tx, const char *tenant, const char *type, const struct td_ek_root *root,
                              const char *actor, struct td_error *err)
{
    bool gone = strcmp(type, "tpm-root.removed") == 0;
    const struct td_change changes[] = {
        {"subject", gone ? root->subject : NULL, gone ? NULL : root->subject},
        {"label", gone ? root->label : NULL, gone ? NULL : root->label},
    };
    const struct td_audit what = {.type = type,
                                  .actor = actor,
                                  .kind = "tpm-root",
                                  .id = root->sha256,
                                  .name = root->label[0] != '\0' ? root->label : root->subject,
                                  .changes = changes,
                                  .count = TD_COUNTOF(changes)};
    return td_audit_tell(tx, tenant, &what, err);
}

static enum td_code check_root(const struct td_ek_root *root, struct td_error *err)
{
    size_t n = 0;
    for (const char *c = root->label; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7F)
            return td_fail(err, TD_EINVAL, "label", "control characters are not allowed in it");
        n += ((unsigned char)*c & 0xC0) != 0x80;
    }
    if (n > TD_EK_ROOT_LABEL_MAX || !td_utf8_ok(td_str(root->label)))
        return td_fail(err, TD_EINVAL, "label", "not a text of at most %d characters", TD_EK_ROOT_LABEL_MAX);
    if (root->der.n == 0 || root->der.n > TD_EK_DER_MAX)
        return td_fail(err, TD_ELIMIT, "certificate", "longer than %d octets", TD_EK_DER_MAX);
    return TD_OK;
}

enum td_code td_ek_root_add(struct td_tx *tx, const char *tenant, const struct td_ek_root *root, const char *actor,
                            struct td_error *err)
{
    int64_t n = 0;
    td_try(check_root(root, err));
    td_try(count_of(tx, "SELECT COUNT(*) FROM tpm_root WHERE tenant = $1", tenant, &n, err));
    if (n >= TD_EK_ROOTS_MAX)
        return td_remedy(err, td_fail(err, TD_ELIMIT, "certificate", "%d makers are trusted already", TD_EK_ROOTS_MAX),
                         "Remove some that no device needs by 'touchdown tpm remove-root'.");
    td_try(td_sql(tx, err,
                  "INSERT INTO tpm_root(tenant, sha256, subject, label, der, not_after, added_at)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7)",
                  "ssssbii", tenant, root->sha256, root->subject, root->label, root->der, root->not_after,
                  td_tx_now(tx)));
    return tell_root(tx, tenant, "tpm-root.added", root, actor, err);
}

static void read_root(struct td_rows *r, struct td_arena *a, struct td_ek_root *ret)
{
    *ret = (struct td_ek_root){.sha256 = td_col_text0(r, 0, a),
                               .subject = td_col_text0(r, 1, a),
                               .label = td_col_text0(r, 2, a),
                               .der = td_col_blob(r, 3, a),
                               .not_after = td_col_int(r, 4),
                               .added_at = td_col_int(r, 5)};
}

#define ROOTS "SELECT sha256, subject, label, der, not_after, added_at FROM tpm_root WHERE tenant = $1"

enum td_code td_ek_root_list(struct td_tx *tx, const char *tenant, struct td_arena *a, struct td_ek_root **ret,
                             size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    struct td_ek_root *list = NULL;
    size_t n = 0, room = 0;
    td_try(td_sql_query(tx, &r, err, ROOTS " ORDER BY subject, sha256", "s", tenant));
    while (td_rows_next(&r)) {
        list = td_arena_room(a, list, n, &room, sizeof(*list));
        read_root(&r, a, &list[n++]);
    }
    td_try(td_rows_done(&r, err));
    *ret = list;
    *ret_count = n;
    return TD_OK;
}

static bool is_beginning(struct td_slice which)
{
    for (size_t i = 0; i < which.n; i++)
        if ((which.p[i] < '0' || which.p[i] > '9') && (which.p[i] < 'a' || which.p[i] > 'f'))
            return false;
    return which.n >= LEAST_DIGITS && which.n <= HASH_DIGITS;
}

enum td_code td_ek_root_remove(struct td_tx *tx, const char *tenant, const char *which, const char *actor,
                               struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_ek_root found = {.sha256 = ""};
    struct td_rows r;
    int n = 0;
    char *begin = td_arena_strdup(&a, which);
    td_lower(begin);
    if (!is_beginning(td_str(begin)))
        return td_remedy(err, td_fail(err, TD_EINVAL, "certificate", "not a SHA-256 or the beginning of one"),
                         "Give at least %d digits of what 'touchdown tpm roots' shows.", LEAST_DIGITS);
    td_try(td_sql_query(tx, &r, err, ROOTS " AND substr(sha256, 1, length($2)) = $2 ORDER BY sha256 LIMIT 2", "ss",
                        tenant, begin));
    for (; td_rows_next(&r); n++)
        read_root(&r, &a, &found);
    td_try(td_rows_done(&r, err));
    if (n != 1)
        return td_remedy(err,
                         n == 0 ? td_fail(err, TD_ENOTFOUND, "certificate", "no maker's certificate begins so")
                                : td_fail(err, TD_EINVAL, "certificate", "several makers' certificates begin so"),
                         "'touchdown tpm roots' shows those that are trusted.");
    td_try(td_sql(tx, err, "DELETE FROM tpm_root WHERE tenant = $1 AND sha256 = $2", "ss", tenant, found.sha256));
    return tell_root(tx, tenant, "tpm-root.removed", &found, actor, err);
}

/* --- which TPM a registration has --------------------------------------------------------------------------------- */

enum td_code td_tpm_binding_find(struct td_tx *tx, const char *tenant, const char *registration_id, struct td_arena *a,
                                 struct td_tpm_binding *ret, struct td_error *err)
{
    struct td_rows r;
    bool found = false;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT registration_id, ek_sha256, assurance, manufacturer, model, version, pcrs, baseline,"
                        " clock, resets, restarts, firmware, first_at, last_at FROM tpm_binding WHERE tenant = $1"
                        " AND registration_id = $2",
                        "ss", tenant, registration_id));
    for (; td_rows_next(&r); found = true)
        *ret = (struct td_tpm_binding){.registration_id = td_col_text0(&r, 0, a),
                                       .ek_sha256 = td_col_text0(&r, 1, a),
                                       .assurance = (enum td_assurance)td_col_int(&r, 2),
                                       .manufacturer = td_col_text0(&r, 3, a),
                                       .model = td_col_text0(&r, 4, a),
                                       .version = td_col_text0(&r, 5, a),
                                       .pcrs = td_col_text0(&r, 6, a),
                                       .baseline = td_col_text0(&r, 7, a),
                                       .clock = td_col_int(&r, 8),
                                       .resets = td_col_int(&r, 9),
                                       .restarts = td_col_int(&r, 10),
                                       .firmware = td_col_int(&r, 11),
                                       .first_at = td_col_int(&r, 12),
                                       .last_at = td_col_int(&r, 13)};
    td_try(td_rows_done(&r, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "tpm", "no TPM was proven for this device yet");
}

enum td_code td_tpm_owner(struct td_tx *tx, const char *ek_sha256, struct td_arena *a, const char **ret_tenant,
                          const char **ret_registration, struct td_error *err)
{
    struct td_rows r;
    *ret_tenant = *ret_registration = "";
    td_try(td_sql_query(tx, &r, err, "SELECT tenant, registration_id FROM tpm_binding WHERE ek_sha256 = $1", "s",
                        ek_sha256));
    while (td_rows_next(&r)) {
        *ret_tenant = td_col_text0(&r, 0, a);
        *ret_registration = td_col_text0(&r, 1, a);
    }
    return td_rows_done(&r, err);
}

static enum td_code bound_otherwise(enum td_attest_reason reason, struct td_error *err)
{
    td_ignore(td_attest_refuse(err, reason, NULL));
    if (err != NULL)
        err->code = TD_ESTATE;
    return TD_ESTATE;
}

static enum td_code check_owner(struct td_tx *tx, const char *tenant, const struct td_tpm_binding *b,
                                struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *its_tenant = "", *its = "";
    td_try(td_tpm_owner(tx, b->ek_sha256, &a, &its_tenant, &its, err));
    if (its[0] == '\0' || (strcmp(its_tenant, tenant) == 0 && strcmp(its, b->registration_id) == 0))
        return TD_OK;
    return bound_otherwise(TD_ATT_CLONED, err);
}

enum td_code td_tpm_bind(struct td_tx *tx, const char *tenant, const struct td_tpm_binding *b, struct td_error *err)
{
    td_try(check_owner(tx, tenant, b, err));
    td_try(td_sql(tx, err,
                  "INSERT INTO tpm_binding(tenant, registration_id, ek_sha256, assurance, manufacturer, model, version,"
                  " pcrs, baseline, clock, resets, restarts, firmware, first_at, last_at) VALUES ($1, $2, $3, $4, $5,"
                  " $6, $7, $8, $9, $10, $11, $12, $13, $14, $14) ON CONFLICT (tenant, registration_id) DO UPDATE SET"
                  " assurance = excluded.assurance, manufacturer = excluded.manufacturer, model = excluded.model,"
                  " version = excluded.version, pcrs = excluded.pcrs, baseline = CASE WHEN excluded.baseline = '' THEN"
                  " tpm_binding.baseline ELSE excluded.baseline END, clock = excluded.clock, resets = excluded.resets,"
                  " restarts = excluded.restarts, firmware = excluded.firmware, last_at = excluded.last_at"
                  " WHERE tpm_binding.ek_sha256 = excluded.ek_sha256",
                  "sssisssssiiiii", tenant, b->registration_id, b->ek_sha256, (int64_t)b->assurance, b->manufacturer,
                  b->model, b->version, b->pcrs, b->baseline, b->clock, b->resets, b->restarts, b->firmware,
                  td_tx_now(tx)));
    return td_sql_changes(tx) == 1 ? TD_OK : bound_otherwise(TD_ATT_OTHER_TPM, err);
}

enum td_code td_tpm_unbind(struct td_tx *tx, const char *tenant, const char *registration_id, struct td_error *err)
{
    if (td_fault("tpm-stays-bound"))
        return TD_OK;
    td_try(td_sql(tx, err, "DELETE FROM attest_challenge WHERE tenant = $1 AND registration_id = $2", "ss", tenant,
                  registration_id));
    return td_sql(tx, err, "DELETE FROM tpm_binding WHERE tenant = $1 AND registration_id = $2", "ss", tenant,
                  registration_id);
}

enum td_code td_tpm_baseline_reset(struct td_tx *tx, const char *tenant, const char *registration_id, bool take_last,
                                   struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_tpm_binding b = {.pcrs = ""};
    td_try(td_tpm_binding_find(tx, tenant, registration_id, &a, &b, err));
    if (take_last && b.pcrs[0] == '\0')
        return td_remedy(err, td_fail(err, TD_ENOTFOUND, "baseline", "none of its measurements is known"),
                         "Forget the baseline: it is learnt anew when the device attests the next time.");
    return td_sql(tx, err, "UPDATE tpm_binding SET baseline = $3 WHERE tenant = $1 AND registration_id = $2", "sss",
                  tenant, registration_id, take_last ? b.pcrs : "");
}

/* --- certificates fetched from makers ----------------------------------------------------------------------------- */

enum td_code td_ek_issuer_find(struct td_tx *tx, const char *tenant, const char *url, struct td_arena *a,
                               struct td_slice *ret_der, int64_t *ret_fetched_at, struct td_error *err)
{
    struct td_rows r;
    bool found = false;
    td_try(td_sql_query(tx, &r, err, "SELECT der, fetched_at FROM tpm_issuer WHERE tenant = $1 AND url = $2", "ss",
                        tenant, url));
    for (; td_rows_next(&r); found = true) {
        *ret_der = td_col_blob(&r, 0, a);
        *ret_fetched_at = td_col_int(&r, 1);
    }
    td_try(td_rows_done(&r, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "issuer", "this maker's certificate was not fetched yet");
}

enum td_code td_ek_issuer_keep(struct td_tx *tx, const char *tenant, const char *url, struct td_slice der,
                               struct td_error *err)
{
    if (der.n > TD_EK_DER_MAX)
        return td_fail(err, TD_ELIMIT, "issuer", "longer than %d octets", TD_EK_DER_MAX);
    td_try(td_sql(tx, err,
                  "INSERT INTO tpm_issuer(tenant, url, der, fetched_at) VALUES ($1, $2, $3, $4)"
                  " ON CONFLICT (tenant, url) DO UPDATE SET der = excluded.der, fetched_at = excluded.fetched_at",
                  "ssbi", tenant, url, der, td_tx_now(tx)));
    return td_sql(tx, err,
                  "DELETE FROM tpm_issuer WHERE tenant = $1 AND url NOT IN (SELECT url FROM tpm_issuer WHERE"
                  " tenant = $1 ORDER BY length(der) > 0 DESC, fetched_at DESC, url LIMIT $2)",
                  "si", tenant, (int64_t)TD_EK_ISSUERS_MAX);
}
