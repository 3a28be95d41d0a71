/* Who may pre-provision a device: what the tenant asks of a technician beside standing before it (setting
 * technician-proof). Called by the attestation door behind its other checks, outside every transaction: a right code is
 * used up by it and a wrong one counted. Source: autopilot.md 3.4; docs/tasks/pre-provisioning.md. */
#ifndef TD_API_TECHNICIAN_H
#define TD_API_TECHNICIAN_H

#include "api/service.h"

struct td_technician_proof { /* members of attest-begin; NULL or "" where absent */
    const char *token;       /* technicianToken: of a user of the tenant, for the directory join; no right is needed */
    const char *code;        /* technicianCode: touchdown device provision-code */
};
/* TD_OK with *ret_who for the events: "presence", the user's name, "code of NAME". Else refused by TD_ATT_TECHNICIAN
 * (way/attestation.h) with the detail. */
enum td_code td_technician_check(const struct td_service *svc, const char *tenant, const char *registration_id,
                                 const struct td_technician_proof *proof, struct td_arena *a, const char **ret_who,
                                 struct td_error *err) TD_MUST_USE;

/* A code for one registration's pre-provisioning, "ABCD-EFGH", in place of an older one: good once, for half an hour,
 * until five wrong ones were tried. Inside the caller's write. TD_ENOTFOUND: no such registration. */
enum td_code td_technician_code(struct td_tx *tx, const char *tenant, const char *registration_id, const char *actor,
                                struct td_arena *a, const char **ret, int64_t *ret_expires, struct td_error *err)
    TD_MUST_USE;

#endif
