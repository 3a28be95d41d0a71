/* The enrolment door: Discovery, Policy, Enrollment, the federated sign-in page and the terms of use (mde2.md; contract
 * 4).
 *
 * Nothing in a certificate request needs state from the steps before it: the header's credential decides (a directory
 * token, a ticket of our sign-in page, name and password, or the management certificate for renewals). */
#ifndef TD_API_ENROLMENT_H
#define TD_API_ENROLMENT_H

#include "api/service.h"
#include "store/enrolment.h"

#define TD_PROVIDER "Touchdown" /* PROVIDER-ID: the name of the DMClient provider on every device */

extern const struct td_route td_enrolment_routes[]; /* ctx: struct td_service */
extern const size_t td_enrolment_route_count;

/* The secrets of application-level authentication that the enrolment put on the device (APPAUTH); texts in the arena.
 */
struct td_appauth {
    const char *client_name, *client_secret;    /* the device proves itself to us */
    const char *server_secret;                  /* we prove ourselves to the device */
    struct td_slice client_nonce, server_nonce; /* the first nonces (AAUTHDATA) */
};
enum td_code td_enrolment_secrets(const struct td_service *svc, const struct td_enrolment *e, struct td_arena *a,
                                  struct td_appauth *ret, struct td_error *err) TD_MUST_USE;

#endif
