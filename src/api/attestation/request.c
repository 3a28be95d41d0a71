/* What the steps of the door share: members read, refusals told (docs/protocol/attestation.md). */
#include "api/attestation/room.h"
#include "base/encode.h"
#include "base/fault.h"
#include "crypto/digest.h"
#include "store/event.h"

#include <stdio.h>

enum td_code td_attestation_refuse(struct td_attestation *t, struct td_error *err, enum td_attest_reason reason,
                                   const char *field, const char *detail)
{
    enum td_code rc = td_attest_refuse(err, reason, detail);
    t->reason = reason;
    if (err != NULL)
        (void)snprintf(err->where, sizeof(err->where), "%s", field != NULL ? field : "");
    return rc;
}

enum td_code td_attestation_octets(const struct td_attestation *t, const struct td_json *value, const char *name,
                                   size_t max, struct td_slice *ret, struct td_error *err)
{
    static const char as_it_is[] = "Send the structure as the TPM has it, in base64.";
    *ret = TD_S("");
    if (value == NULL || value->type == TD_JSON_NULL)
        return TD_OK;
    if (value->type != TD_JSON_STRING)
        return td_remedy(err, td_fail(err, TD_EINVAL, name, "must be a text in base64"), "%s", as_it_is);
    if (td_b64_decode(t->a, td_str(value->str), TD_B64_ANY, ret) != TD_OK)
        return td_remedy(err, td_fail(err, TD_EFORMAT, name, "is not base64"), "%s", as_it_is);
    if (ret->n <= max)
        return TD_OK;
    return td_remedy(err, td_fail(err, TD_ELIMIT, name, "has more than %zu octets", max), "%s", as_it_is);
}

enum td_code td_attestation_member(const struct td_attestation *t, const char *name, size_t max, struct td_slice *ret,
                                   struct td_error *err)
{
    return td_attestation_octets(t, td_json_get(t->body, name), name, max, ret, err);
}

enum td_code td_attestation_key_hash(const struct td_key *key, struct td_arena *a, const char **ret,
                                     struct td_error *err)
{
    unsigned char digest[32];
    struct td_slice spki = TD_S("");
    enum td_code rc = td_key_public_der(key, a, &spki);
    if (rc != TD_OK)
        return td_fail(err, rc, "key", "cannot be written");
    td_sha256(spki, digest);
    *ret = td_hex(a, td_bytes(digest, sizeof(digest)));
    return TD_OK;
}

enum td_code td_attestation_whose(struct td_attestation *t, struct td_tx *tx, const char *registration_id,
                                  struct td_error *err)
{
    enum td_code rc = td_registration_find(tx, t->tenant, registration_id, t->a, &t->registration, err);
    if (rc == TD_ENOTFOUND)
        return td_attestation_refuse(t, err, TD_ATT_UNKNOWN_REGISTRATION, "registrationId", NULL);
    td_try(rc);
    return td_way_find(tx, t->tenant, TD_WAY_ID, t->registration.way_id, t->a, &t->way, err);
}

/* A device that is joined, or whose deployment is past this step, does not fail by what somebody says in its name. */
static bool spoils(const struct td_way_row *way)
{
    return way->way.state[TD_M_JOIN] == TD_J_NONE && way->way.state[TD_M_ENROLMENT] == TD_E_NONE;
}

enum td_code td_attestation_tell_refusal(struct td_tx *tx, const struct td_attestation *t, const struct td_error *why,
                                         struct td_error *err)
{
    struct td_error told = *why;
    bool lately = false, crowded = false;
    const char *name = td_attest_row(t->reason)->name;
    if (t->tenant == NULL || t->reason == TD_ATT_OK)
        return TD_OK;
    td_try(td_event_lately(tx, t->tenant, t->way.id, td_way_event_word(TD_EV_FAILED), name, td_tx_now(tx) - TD_MINUTE,
                           &lately, err));
    td_try(td_event_crowded(tx, t->tenant, t->way.id, TD_EVENTS_OF_STRANGERS, &crowded, err));
    if ((lately || crowded) && !td_fault("attest-tells-always"))
        return TD_OK;
    told.hresult = td_attest_row(t->reason)->hresult;
    (void)snprintf(told.where, sizeof(told.where), "%s", name);
    if (!spoils(&t->way) && !td_fault("attest-spoils"))
        return td_way_failed_aside(tx, t->tenant, t->way.id, "attestation", &told, t->req->peer->address, err);
    return td_way_failed(tx, t->tenant, t->way.id, "attestation", &told, err);
}
