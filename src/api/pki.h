/* Certificates for everybody: /pki/{root|server|device|management}.crt, their revocation lists, and the OCSP responder.
 * Nothing here is secret and nothing asks who calls; the routes are also served without TLS (--http). ctx: td_service.
 */
#ifndef TD_API_PKI_H
#define TD_API_PKI_H

#include "api/service.h"

extern const struct td_route td_pki_routes[];
extern const size_t td_pki_route_count;

#endif
