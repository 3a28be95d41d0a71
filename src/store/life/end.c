#include "base/fault.h"
#include "store/life_end.h"
#include "store/local_credential.h"
#include "store/tenant.h"

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
    return TD_OK;
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
