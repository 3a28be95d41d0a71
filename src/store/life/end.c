#include "base/fault.h"
#include "store/device.h"
#include "store/domain_join.h"
#include "store/event.h"
#include "store/life_end.h"
#include "store/local_credential.h"
#include "store/tenant.h"

/* Nobody waits for the account any more, and nobody may get its blob. */
static enum td_code stop_domain_join(struct td_tx *tx, const char *tenant, const char *enrolment_id,
                                     struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_domain_join j = {.id = ""};
    enum td_code rc = td_domain_join_of(tx, tenant, enrolment_id, &a, &j, err);
    if (rc != TD_OK || j.state == TD_DJS_CONFIRMED || j.state == TD_DJS_FAILED || td_fault("domain-blob-outlives"))
        return rc == TD_ENOTFOUND ? TD_OK : rc;
    td_try(td_sql(tx, err,
                  "UPDATE domain_join SET state = $3, failure = $4, sealed = NULL, lease_until = 0, changed_at = $5"
                  " WHERE tenant = $1 AND id = $2",
                  "ssisi", tenant, j.id, (int64_t)TD_DJS_FAILED, td_domain_reason_row(TD_DJ_SUPERSEDED)->name,
                  td_tx_now(tx)));
    const struct td_event e = {.subject = j.way_id, .type = "domain.stopped", .actor = "system"};
    return td_event_tell(tx, tenant, &e, err, "domain", j.domain, "job", j.id, "cause",
                         "the enrolment that it was made for has ended", NULL);
}

/* The enrolment's row stays as history: it has no secret, and what a lost answer was is nobody's business any more.
 * The session's row stays empty, because the message that brought the end is stored behind it. */
enum td_code td_life_forget_enrolment(struct td_tx *tx, const char *tenant, const char *enrolment_id,
                                      struct td_error *err)
{
    static const char *const statements[] = {
        "DELETE FROM management_ledger WHERE tenant = $1 AND enrolment_id = $2",
        "DELETE FROM management_chunk WHERE tenant = $1 AND enrolment_id = $2",
        "DELETE FROM management_report WHERE tenant = $1 AND enrolment_id = $2",
        "DELETE FROM management_item WHERE tenant = $1 AND enrolment_id = $2",
    };
    if (td_fault("life-keeps-secrets"))
        return TD_OK;
    td_try(td_sql(tx, err, "UPDATE enrolment SET secrets = $3 WHERE tenant = $1 AND id = $2 AND state <> 0", "ssb",
                  tenant, enrolment_id, TD_S("")));
    td_try(td_sql(tx, err,
                  "UPDATE management SET reply = $3, body_hash = $3, owed = '' WHERE tenant = $1 AND enrolment_id = $2",
                  "ssb", tenant, enrolment_id, TD_S("")));
    for (size_t i = 0; i < TD_COUNTOF(statements); i++)
        td_try(td_sql(tx, err, statements[i], "ss", tenant, enrolment_id));
    return stop_domain_join(tx, tenant, enrolment_id, err);
}

enum td_code td_life_forget_users(struct td_tx *tx, const char *tenant, const char *device_id, struct td_error *err)
{
    if (device_id[0] == '\0' || td_fault("life-keeps-tokens"))
        return TD_OK;
    return td_sql(tx, err, "DELETE FROM token_grant WHERE tenant = $1 AND device = $2 AND device <> ''", "ss", tenant,
                  device_id);
}

/* Whoever finds the device may need its password: a tenant can say so. */
static enum td_code forget_passwords(struct td_tx *tx, const char *tenant, const char *device_id, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *policy = "";
    td_try(td_tenant_get(tx, tenant, "laps-after-retire", &a, &policy, err));
    if (strcmp(policy, "keep") == 0)
        return TD_OK;
    return td_local_credential_forget(tx, tenant, device_id, NULL, err);
}

/* Several ends may come together: a wipe, and with it the directory object. */
static enum td_code asked_before(struct td_tx *tx, const char *tenant, const struct td_domain_join *j, bool remove,
                                 bool *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT 1 FROM domain_removal WHERE tenant = $1 AND account_guid = $2 AND remove = $3"
                        " AND created_at >= $4",
                        "ssii", tenant, j->account_guid, (int64_t)remove, j->created_at));
    *ret = td_rows_next(&r);
    return td_rows_done(&r, err);
}

enum td_code td_life_give_up_account(struct td_tx *tx, const char *tenant, const struct td_domain_join *of,
                                     struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *policy = "";
    bool asked = false;
    td_try(td_tenant_get(tx, tenant, "computer-account-at-end", &a, &policy, err));
    if (strcmp(policy, "keep") == 0 || td_fault("domain-account-stays"))
        return TD_OK;
    bool remove = strcmp(policy, "delete") == 0;
    td_try(asked_before(tx, tenant, of, remove, &asked, err));
    return asked ? TD_OK : td_domain_removal_ask(tx, tenant, of, remove, err);
}

enum td_code td_life_forget_account(struct td_tx *tx, const char *tenant, const char *way_id, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_domain_join j = {.id = ""};
    td_try(td_device_forget_account(tx, tenant, way_id, err));
    enum td_code rc = td_domain_join_account(tx, tenant, way_id, &a, &j, err);
    if (rc == TD_OK)
        rc = td_life_give_up_account(tx, tenant, &j, err);
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

/* What was granted to it stays as a row without a key until it expires: whoever shows it is told why it is refused. */
enum td_code td_life_forget_device(struct td_tx *tx, const char *tenant, const char *device_id, struct td_error *err)
{
    if (!td_fault("life-keeps-tokens"))
        td_try(td_sql(tx, err, "UPDATE token_grant SET sealed = $3 WHERE tenant = $1 AND device = $2 AND device <> ''",
                      "ssb", tenant, device_id, TD_S("")));
    td_try(forget_passwords(tx, tenant, device_id, err));
    return td_sql(tx, err,
                  "UPDATE directory_device SET transport_key = NULL, key_sha256 = NULL WHERE tenant = $1 AND id = $2"
                  " AND deleted_at <> 0",
                  "ss", tenant, device_id);
}
