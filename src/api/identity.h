/* The identity door: OAuth 2.0 and OpenID Connect as Entra's clients speak them, v1 and v2, and the broker's signed
 * requests (join-and-tokens.md 4 to 6 and 10; clients.md). ctx of its handlers is the struct td_service.
 *
 * There is no sign-in session in the browser: every authorize request asks for the password. So there is nothing a
 * foreign page could ride on, and no cookie; a posted form must carry our flow ticket and come from our own page. */
#ifndef TD_API_IDENTITY_H
#define TD_API_IDENTITY_H

#include "http/http.h"

extern const struct td_route td_identity_routes[];
extern const size_t td_identity_route_count;

#endif
