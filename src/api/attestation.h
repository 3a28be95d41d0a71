/* The door of attestation: POST /ztd/v1/attest (docs/protocol/attestation.md). The caller is a device without any
 * credential; its TPM is the credential. ctx of the routes is struct td_service.
 *
 * Two exchanges: begin (keys and certificate in, challenge out) and finish (proof, quote, certified keys in; a join
 * ticket out, good once, for one registration, one EK and the certified key). Everything is verified outside the
 * store's writes; the write holds what may have changed meanwhile. */
#ifndef TD_API_ATTESTATION_H
#define TD_API_ATTESTATION_H

#include "api/service.h"
#include "store/attestation.h"

extern const struct td_route td_attestation_routes[];
extern const size_t td_attestation_route_count;

/* A join ticket, as the join door gets it as bearer. TD_EAUTH: it is none of ours (it may be a token). TD_EEXPIRED: a
 * day old. That it is good for ten minutes and once is the challenge's row (td_challenge_find, td_join_ticket_use). */
struct td_join_ticket {
    const char *tenant, *registration_id, *challenge_id;
    const char *key_sha256; /* hex, of the SubjectPublicKeyInfo that may be certified */
    enum td_attest_purpose purpose;
};
enum td_code td_join_ticket_open(const struct td_service *svc, struct td_slice bearer, struct td_arena *a,
                                 struct td_join_ticket *ret, struct td_error *err) TD_MUST_USE;

#endif
