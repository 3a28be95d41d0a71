/* Who may pre-provision a device: what the tenant asks of a technician beside standing before it (setting
 * technician-proof). Called by the attestation door behind its other checks, outside every transaction: a wrong code is
 * counted, a right one stays good until the admission that uses it up (store/provisioning.h). Source: autopilot.md 3.4;
 * docs/tasks/pre-provisioning.md. */
#ifndef TD_API_TECHNICIAN_H
#define TD_API_TECHNICIAN_H

#include "api/service.h"

struct td_technician_proof { /* members of attest-begin; NULL or "" where absent */
    const char *token;       /* technicianToken: of a user of the tenant, for the directory join; no right is needed */
    const char *code;        /* technicianCode: touchdown device provision-code */
};
struct td_technician {
    const char *who;         /* for the events: "presence", the user's name, "code of NAME" */
    const char *code_sha256; /* of the code that was given, "" where none was asked for */
    const char *field;       /* the member of attest-begin that proves it, told of a refusal too; "" for presence */
};
/* Else refused by TD_ATT_TECHNICIAN (way/attestation.h) with the detail. */
enum td_code td_technician_check(const struct td_service *svc, const char *tenant, const char *registration_id,
                                 const struct td_technician_proof *proof, struct td_arena *a, struct td_technician *ret,
                                 struct td_error *err) TD_MUST_USE;

/* What is to be done about a code that is not good; rc is the refusal's. */
enum td_code td_technician_new_code(struct td_error *err, enum td_code rc);

/* A code for one registration's pre-provisioning, "ABCD-EFGH", in place of an older one: good for one admission, for
 * half an hour, until five wrong ones were tried. Inside the caller's write. TD_ENOTFOUND: no such registration. */
enum td_code td_technician_code(struct td_tx *tx, const char *tenant, const char *registration_id, const char *actor,
                                struct td_arena *a, const char **ret, int64_t *ret_expires, struct td_error *err)
    TD_MUST_USE;

#endif
