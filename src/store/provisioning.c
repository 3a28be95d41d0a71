#include "store/provisioning.h"

#include "base/env.h"
#include "base/fault.h"
#include "policy/plan.h"
#include "store/attestation.h"
#include "store/audit.h"
#include "store/enrolment.h"
#include "store/management.h"
#include "store/primary_user.h"
#include "store/registration.h"
#include "store/way.h"

#include <string.h>

struct provisioned {
    const char *id, *user_id, *device_id;
    int64_t provisioning, phase;
    bool found;
};

/* The registration's active enrolment that a technician began. */
static enum td_code find(struct td_tx *tx, const char *tenant, const char *registration_id, struct td_arena *a,
                         struct provisioned *ret, struct td_error *err)
{
    struct td_rows r;
    *ret = (struct provisioned){.id = "", .user_id = "", .device_id = ""};
    td_try(td_sql_query(tx, &r, err,
                        "SELECT e.id, e.user_id, e.provisioning, COALESCE(m.phase, 0), e.device_id FROM enrolment e"
                        " LEFT JOIN management m ON m.tenant = e.tenant AND m.enrolment_id = e.id"
                        " WHERE e.tenant = $1 AND e.registration_id = $2 AND e.provisioning <> 0 AND e.state = 0",
                        "ss", tenant, registration_id));
    while (td_rows_next(&r))
        *ret = (struct provisioned){.id = td_col_text0(&r, 0, a),
                                    .user_id = td_col_text0(&r, 1, a),
                                    .provisioning = td_col_int(&r, 2),
                                    .phase = td_col_int(&r, 3),
                                    .device_id = td_col_text0(&r, 4, a),
                                    .found = true};
    return td_rows_done(&r, err);
}

/* Joined by the ticket of the newest attestation that was used, and nobody owns it. */
enum td_code td_provisioning_is(struct td_tx *tx, const char *tenant, const struct td_device_row *device, bool *ret,
                                struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_challenge c = {.id = ""};
    *ret = false;
    if (device->registration_id[0] == '\0' || device->owner_id[0] != '\0')
        return TD_OK;
    enum td_code rc = td_attested(tx, tenant, device->registration_id, &a, &c, err);
    if (rc == TD_OK)
        *ret = c.purpose == TD_ATTEST_PRE_PROVISIONING;
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

enum td_code td_provisioning_seal(struct td_tx *tx, const char *tenant, const char *enrolment_id, struct td_error *err)
{
    return td_sql(tx, err, "UPDATE enrolment SET provisioning = $3 WHERE tenant = $1 AND id = $2 AND provisioning = $4",
                  "ssii", tenant, enrolment_id, (int64_t)TD_PROV_SEALED, (int64_t)TD_PROV_TECHNICIAN);
}

enum td_code td_provisioning_left(struct td_tx *tx, const char *tenant, const char *left_id, const char *waiting_id,
                                  struct td_error *err)
{
    if (td_fault("sealed-loses-enrolment"))
        return TD_OK;
    return td_sql(tx, err,
                  "UPDATE enrolment SET device_id = $3 WHERE tenant = $1 AND device_id = $2 AND state = 0"
                  " AND provisioning = $4",
                  "sssi", tenant, left_id, waiting_id, (int64_t)TD_PROV_SEALED);
}

enum td_code td_provisioning_joined(struct td_tx *tx, const char *tenant, const char *registration_id,
                                    const char *device_id, const char *user_id, const char *upn, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct provisioned p;
    if (registration_id[0] == '\0' || user_id[0] == '\0')
        return TD_OK;
    td_try(find(tx, tenant, registration_id, &a, &p, err));
    bool sealed = p.provisioning == TD_PROV_SEALED;
    bool again = p.provisioning == TD_PROV_USER && p.phase != TD_PHASE_READY; /* its answer was lost, or another's */
    if (!p.found || (!sealed && !again))
        return TD_OK;
    td_try(td_sql(tx, err, "UPDATE enrolment SET device_id = $3, provisioning = $4 WHERE tenant = $1 AND id = $2",
                  "sssi", tenant, p.id, device_id, (int64_t)TD_PROV_USER));
    if (strcmp(p.user_id, user_id) != 0)
        td_try(td_primary_user_joined(tx, tenant, p.id, user_id, upn, err));
    return sealed ? td_managed_begin_user(tx, tenant, p.id, err) : TD_OK;
}

enum td_code td_provisioning_deregistered(struct td_tx *tx, const char *tenant, const char *registration_id,
                                          const char *way_id, const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct provisioned p;
    struct td_device_row d = {.joined_at = 0};
    td_try(find(tx, tenant, registration_id, &a, &p, err));
    if (!p.found || p.provisioning != TD_PROV_SEALED || td_fault("sealed-outlives-registration"))
        return TD_OK;
    enum td_code rc = td_device_find(tx, tenant, p.device_id, &a, &d, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    if (d.joined_at != 0) /* not un-joined yet: managed by its join, as every device whose registration ends */
        return TD_OK;
    td_try(td_enrolment_end(tx, tenant, p.id, err));
    const char *detail = td_arena_printf(&a, "{\"enrolment\":\"%s\",\"cause\":\"its registration has ended\"}", p.id);
    return td_way_happened(tx, tenant, way_id, TD_EV_UNENROLLED, actor, detail, err);
}

/* --- codes of companions ------------------------------------------------------------------------------------------ */

enum td_code td_provision_code_put(struct td_tx *tx, const char *tenant, const char *registration_id,
                                   const char *sha256, const char *actor, int64_t *ret_expires, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_registration r = {.id = ""};
    int64_t now = td_tx_now(tx);
    td_try(td_registration_find(tx, tenant, registration_id, &a, &r, err));
    td_try(td_sql(tx, err, "DELETE FROM provision_code WHERE tenant = $1 AND expires_at <= $2", "si", tenant, now));
    *ret_expires = now + TD_PROVISION_CODE_LIFE;
    td_try(td_sql(tx, err,
                  "INSERT INTO provision_code(tenant, registration_id, code_sha256, made_by, created_at, expires_at)"
                  " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT(tenant, registration_id) DO UPDATE SET"
                  " code_sha256 = excluded.code_sha256, made_by = excluded.made_by, created_at = excluded.created_at,"
                  " expires_at = excluded.expires_at, misses = 0",
                  "ssssii", tenant, r.id, sha256, actor, now, *ret_expires));
    const struct td_audit what = {.type = "registration.provision-code-made",
                                  .actor = actor,
                                  .subject = r.way_id,
                                  .kind = "registration",
                                  .id = r.id,
                                  .name = r.serial};
    return td_audit_tell(tx, tenant, &what, err);
}

static enum td_code missed(struct td_tx *tx, const char *tenant, const char *registration_id, int64_t misses,
                           struct td_error *err)
{
    if (misses >= TD_PROVISION_CODE_MISSES && !td_fault("provision-code-guessed"))
        return td_sql(tx, err, "DELETE FROM provision_code WHERE tenant = $1 AND registration_id = $2", "ss", tenant,
                      registration_id);
    return td_sql(tx, err, "UPDATE provision_code SET misses = $3 WHERE tenant = $1 AND registration_id = $2", "ssi",
                  tenant, registration_id, misses);
}

enum td_code td_provision_code_try(struct td_tx *tx, const char *tenant, const char *registration_id,
                                   const char *sha256, struct td_arena *a, bool *ret_right, const char **ret_by,
                                   struct td_error *err)
{
    struct td_rows r;
    bool found = false;
    int64_t misses = 0;
    *ret_right = false;
    *ret_by = "";
    td_try(td_sql_query(tx, &r, err,
                        "SELECT code_sha256, made_by, misses FROM provision_code WHERE tenant = $1"
                        " AND registration_id = $2 AND expires_at > $3",
                        "ssi", tenant, registration_id, td_tx_now(tx)));
    while (td_rows_next(&r)) {
        found = true;
        *ret_right = strcmp(td_col_text0(&r, 0, a), sha256) == 0;
        *ret_by = td_col_text0(&r, 1, a);
        misses = td_col_int(&r, 2);
    }
    td_try(td_rows_done(&r, err));
    return !found || *ret_right ? TD_OK : missed(tx, tenant, registration_id, misses + 1, err);
}

enum td_code td_provision_code_good(struct td_tx *tx, const char *tenant, const char *registration_id,
                                    const char *sha256, bool *ret, struct td_error *err)
{
    struct td_rows r;
    *ret = false;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT 1 FROM provision_code WHERE tenant = $1 AND registration_id = $2 AND code_sha256 = $3"
                        " AND expires_at > $4",
                        "sssi", tenant, registration_id, sha256, td_tx_now(tx)));
    while (td_rows_next(&r))
        *ret = true;
    return td_rows_done(&r, err);
}

enum td_code td_provision_code_use(struct td_tx *tx, const char *tenant, const char *registration_id,
                                   const char *sha256, struct td_error *err)
{
    if (td_fault("provision-code-twice"))
        return TD_OK;
    return td_sql(tx, err, "DELETE FROM provision_code WHERE tenant = $1 AND registration_id = $2 AND code_sha256 = $3",
                  "sss", tenant, registration_id, sha256);
}
