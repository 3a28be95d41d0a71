/* From octets to whole requests: llhttp and the checks it does not make (reference: http-server.md 1 and 1.1).
 *
 * No sockets, no clock: octets go in as they come, in any pieces; whole requests come out one at a time. The server,
 * the loopback and the fuzz target use the same reader. Internal to src/http and its tests. */
#ifndef TD_HTTP_READER_H
#define TD_HTTP_READER_H

#include "http/bounds.h"
#include "http/http.h"

#include <stdatomic.h>

/* A request and the memory it stands in. The reader makes it, td_reader_take hands it on. */
struct td_message {
    struct td_http_request req; /* peer and base are the taker's to fill */
    struct td_arena arena;
    struct td_buf body;
    const struct td_route *route; /* NULL: no such path or method; the router answers */
    bool keep_alive;
    bool http10;
    _Atomic uint64_t *budget; /* bodies in memory, reduced when the message is freed; or NULL */
    uint64_t taken;
};
void td_message_free(struct td_message *m); /* wipes the body; NULL is fine */

struct td_reader_config { /* outlives the reader */
    const struct td_http_limits *limits;
    const struct td_router *router; /* its routes say how much body they take */
    bool plain;                     /* without TLS: only TD_ROUTE_PLAIN exists */
    _Atomic uint64_t *budget;       /* octets of bodies in memory, shared by all readers; NULL: not counted */
};

struct td_reader;

struct td_reader *td_reader_new(const struct td_reader_config *config);
void td_reader_free(struct td_reader *r); /* NULL is fine */

enum td_read {
    TD_READ_MORE,    /* all octets used, the request is not whole yet */
    TD_READ_REQUEST, /* a request is whole: take it before feeding on */
    TD_READ_REFUSED  /* td_reader_status and td_reader_error tell; no further octet is looked at */
};
/* ret_used: how many octets were consumed. */
enum td_read td_reader_feed(struct td_reader *r, struct td_slice octets, size_t *ret_used);
struct td_message *td_reader_take(struct td_reader *r);

enum td_reader_phase { TD_READER_IDLE, TD_READER_HEADER, TD_READER_BODY };
enum td_reader_phase td_reader_phase(const struct td_reader *r);
/* True once after a header that waits for "100 Continue" and whose limits hold. */
bool td_reader_wants_continue(struct td_reader *r);

/* Sets req->host (lower case) if it is a host name with or without a port; the Host header's rule. */
bool td_reader_set_host(struct td_http_request *req, struct td_slice host) TD_MUST_USE;

int td_reader_status(const struct td_reader *r);
const struct td_error *td_reader_error(const struct td_reader *r);

#endif
