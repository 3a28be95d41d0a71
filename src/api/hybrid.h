/* The service's part of a hybrid join: who gets a computer account, asked for with the enrolment.
 * What the session makes of it is in management/domain.c, the registration behind it in join/complete.c. Sources:
 * autopilot.md 3.2; csp.md 12; join-and-tokens.md 3.2. */
#ifndef TD_API_HYBRID_H
#define TD_API_HYBRID_H

#include "api/service.h"
#include "store/domain_join.h"
#include "store/enrolment.h"

/* Does the device that enrols without a directory join bear this registration? Nothing but its user vouches for that,
 * as in every hybrid deployment; so the registration's profile must ask for a hybrid join, and what it proves is an
 * account in the domain for the machine that is set up now, nothing more. */
enum td_code td_hybrid_registration(struct td_tx *tx, const char *tenant, const char *registration_id,
                                    struct td_arena *a, bool *ret, struct td_error *err) TD_MUST_USE;

/* Queues the work for its computer account with the settings of the domain-join item that is assigned to it. The same
 * again while work is open. TD_ENOTFOUND: NoSettings (err has code, cause and remedy); TD_EINVAL: NameInvalid. */
enum td_code td_hybrid_ask(const struct td_service *svc, struct td_tx *tx, const struct td_enrolment *e,
                           struct td_arena *a, struct td_domain_join *ret, struct td_error *err) TD_MUST_USE;
/* With the enrolment: asks, and tells the way at once what stands in the way (no item; no connector). */
enum td_code td_hybrid_begin(const struct td_service *svc, struct td_tx *tx, const struct td_enrolment *e,
                             struct td_arena *a, struct td_error *err) TD_MUST_USE;

#endif
