/* A request without sockets: the same assembly, checks and handlers as over the network. For wire tests. */
#ifndef TD_HTTP_LOOPBACK_H
#define TD_HTTP_LOOPBACK_H

#include "http/http.h"

/* headers: "Name: value" texts, NULL-terminated, or NULL; Host is localhost:8443 and Content-Length right unless given.
 * peer NULL: 127.0.0.1 over TLS without a certificate. req->base is "https://" + the host of the request.
 * The reply is initialised here and the caller's to end (td_reply_done); what it points to lives in a. A request that
 * the assembly refuses is answered as the server would. */
void td_loopback(const struct td_router *router, const char *method, const char *target, const char *const *headers,
                 struct td_slice body, const struct td_peer *peer, struct td_arena *a, struct td_http_reply *reply);

/* Value of the reply's header of that name, or NULL. */
const char *td_loopback_header(const struct td_http_reply *reply, const char *name);

#endif
