/* Bounds of the HTTP side, in one place: what a client may send, how long each part may take, how many may come.
 *
 * Times are totals in microseconds, never "since the last byte" (reference: http-server.md 5). All values can be set in
 * the configuration file (docs/tasks/serve.md); the table of fields is td_http_limit_fields. */
#ifndef TD_HTTP_BOUNDS_H
#define TD_HTTP_BOUNDS_H

#include "base/slice.h"

struct td_http_limits {
    int64_t url;                     /* octets of the request target: 414 past it */
    int64_t header_octets;           /* request line, names, values and trailers together: 431 */
    int64_t header_count;            /* 431 */
    int64_t body_total;              /* octets of all bodies in memory at once: 503 */
    int64_t connections;             /* open at once, all addresses */
    int64_t connections_per_address; /* an IPv6 /64 counts as one address; 0: no limit */
    int64_t rate_per_address;        /* requests a second to limited doors (TD_ROUTE_LIMITED); 0: no limit */
    int64_t burst_per_address;       /* how many of them may come at once */
    int64_t queue;                   /* requests waiting for a worker: 503 past it */
    int64_t output;                  /* octets waiting to be sent on one connection before we stop reading it */
    int64_t sessions;                /* TLS sessions kept for resumption */
    int64_t handshake;               /* accept to the end of the first header */
    int64_t body;                    /* end of header to end of body */
    int64_t work;                    /* handler: 503, its answer is dropped */
    int64_t send;                    /* first to last octet of an answer ... */
    int64_t send_rate;               /* ... plus its size by this many octets a second */
    int64_t idle;                    /* end of an answer to the end of the next header */
    int64_t linger;                  /* after an error answer, for the client to read it */
    int64_t drain;                   /* from the request to stop to the end of the last connection */
};

extern const struct td_http_limits td_http_limits_default;

/* Names as in the configuration, the unit of their values (1 for counts and octets, 1000 for milliseconds), bounds. */
struct td_http_limit_field {
    const char *name;
    size_t offset; /* of an int64_t in struct td_http_limits */
    int64_t unit, min, max;
};
extern const struct td_http_limit_field td_http_limit_fields[];
extern const size_t td_http_limit_field_count;

#endif
