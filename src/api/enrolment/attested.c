/* Devices that joined by a proven TPM: which key gets the management certificate, and how often they may enrol without
 * a user (docs/protocol/attestation.md 4; autopilot.md R17). What the request claims of itself decides nothing here. */
#include "api/enrolment/room.h"
#include "base/encode.h"
#include "base/fault.h"
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "store/attestation.h"
#include "store/registration.h"
#include "store/tenant.h"
#include "store/way.h"

#include <string.h>

static enum td_code other_key(struct td_enrol *call, const char *text, const char *remedy)
{
    enum td_code rc = td_enrol_refuse(call, TD_FAULT_CERTIFICATE_REQUEST, TD_EDENIED, "BinarySecurityToken", text);
    return td_remedy(&call->err, rc, "%s", remedy);
}

/* Outside of writes: the signature in the request is checked by reading it. */
static enum td_code read_key(struct td_enrol *call, struct td_slice csr, const char **ret)
{
    struct td_csr request = {0};
    unsigned char digest[32];
    enum td_code rc = td_csr_parse(csr, call->a, &request, &call->err);
    if (rc != TD_OK) {
        call->fault = TD_FAULT_CERTIFICATE_REQUEST;
        return rc;
    }
    td_sha256(request.spki, digest);
    *ret = td_hex(call->a, td_bytes(digest, sizeof(digest)));
    return TD_OK;
}

static enum td_code check_key(struct td_enrol *call, struct td_tx *tx, const char *tenant,
                              const struct td_challenge *proven, const char *key)
{
    const char *unproven = "allow";
    if (strcmp(key, proven->key_sha256) == 0 || strcmp(key, proven->management_key_sha256) == 0 ||
        td_fault("enrol-any-key-attested"))
        return TD_OK;
    if (proven->management_key_sha256[0] != '\0')
        return other_key(call, "the request is for another key than the device's TPM certified",
                         "Request the certificate by the key that was certified, or attest again.");
    td_try(td_tenant_get(tx, tenant, "unproven-management-key", call->a, &unproven, &call->err));
    if (strcmp(unproven, "allow") == 0)
        return TD_OK;
    return other_key(call, "the device's TPM certified no key for its management",
                     "Certify the management key when the device attests, or set unproven-management-key to allow.");
}

enum td_code td_enrol_attested_key(struct td_enrol *call, struct td_tx *tx, const struct td_device_row *device,
                                   const char *tenant, struct td_slice csr, const char **key)
{
    struct td_challenge proven = {.ticket_used_at = 0};
    if (device->registration_id[0] == '\0' || device->owner_id[0] != '\0')
        return TD_OK;
    enum td_code rc = td_attested(tx, tenant, device->registration_id, call->a, &proven, &call->err);
    if (rc == TD_ENOTFOUND || (rc == TD_OK && proven.ticket_used_at != device->joined_at))
        return TD_OK; /* joined in another way since */
    td_try(rc);
    if (*key == NULL)
        td_try(read_key(call, csr, key));
    return check_key(call, tx, tenant, &proven, *key);
}

/* --- once, where the tenant asks for it --- */

static enum td_code once_wanted(struct td_enrol *call, struct td_tx *tx, const struct td_enrol_caller *caller,
                                bool *ret)
{
    const char *once = "off";
    *ret = false;
    if (caller->user_id[0] != '\0')
        return TD_OK;
    td_try(td_tenant_get(tx, caller->tenant, "userless-once", call->a, &once, &call->err));
    *ret = strcmp(once, "on") == 0;
    return TD_OK;
}

struct earlier {
    bool same_join; /* asks again: its answer was lost */
    bool userless;  /* a deployment without a user, of another join */
};

static enum td_code look_back(struct td_enrol *call, struct td_tx *tx, const char *tenant,
                              const struct td_device_row *device, struct earlier *ret)
{
    struct td_way_row way = {.enrolment_id = ""};
    struct td_enrolment e = {.device_id = "", .user_id = ""};
    *ret = (struct earlier){.same_join = false};
    enum td_code rc = td_way_find(tx, tenant, TD_WAY_DEVICE, device->id, call->a, &way, &call->err);
    if (rc == TD_OK && way.enrolment_id[0] != '\0')
        rc = td_enrolment_find(tx, tenant, way.enrolment_id, call->a, &e, &call->err);
    else if (rc == TD_OK)
        return TD_OK;
    if (rc == TD_OK && e.user_id[0] == '\0') {
        ret->same_join = strcmp(e.device_id, device->id) == 0 && e.created_at >= device->joined_at;
        ret->userless = !ret->same_join && td_enrolment_userless(&e);
    }
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

enum td_code td_enrol_once(struct td_enrol *call, struct td_tx *tx, const struct td_enrol_caller *caller,
                           const struct td_device_row *device)
{
    struct td_registration r = {.userless = TD_USERLESS_UNKNOWN};
    struct earlier earlier = {.same_join = false};
    bool once = false;
    td_try(once_wanted(call, tx, caller, &once));
    if (!once || device->registration_id[0] == '\0')
        return TD_OK;
    td_try(td_registration_find(tx, caller->tenant, device->registration_id, call->a, &r, &call->err));
    if (r.userless == TD_USERLESS_ALLOWED || td_fault("enrol-userless-twice"))
        return TD_OK;
    td_try(look_back(call, tx, caller->tenant, device, &earlier));
    /* Not noted: it was deployed before the tenant asked for once. */
    if (earlier.same_join || (r.userless == TD_USERLESS_UNKNOWN && !earlier.userless))
        return TD_OK;
    call->fault = TD_FAULT_DEVICE_NOT_SUPPORTED;
    return td_attest_refuse(&call->err, TD_ATT_ONCE, NULL);
}

enum td_code td_enrol_once_note(struct td_enrol *call, struct td_tx *tx, const struct td_enrol_caller *caller,
                                const char *registration_id)
{
    static const enum td_userless blocked = TD_USERLESS_BLOCKED;
    bool once = false;
    td_try(once_wanted(call, tx, caller, &once));
    if (!once || registration_id[0] == '\0')
        return TD_OK;
    return td_registration_change(tx, caller->tenant, registration_id,
                                  &(struct td_registration_change){.userless = &blocked}, "device", NULL, &call->err);
}
