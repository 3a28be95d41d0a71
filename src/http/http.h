/* HTTP as values: a request, a reply, a table of routes. No sockets here.
 *
 * A handler runs on a worker thread with one request and fills one reply; it may block on the store. Everything in the
 * request lives until the handler returns and belongs to the server; memory for the answer comes from req->arena or
 * goes into reply->body. The server (http/server.h) and the loopback for tests (http/loopback.h) run the same handlers.
 */
#ifndef TD_HTTP_HTTP_H
#define TD_HTTP_HTTP_H

#include "base/arena.h"
#include "base/buf.h"

enum td_method { TD_GET = 1, TD_HEAD = 2, TD_POST = 4, TD_PUT = 8, TD_PATCH = 16, TD_DELETE = 32, TD_OPTIONS = 64 };

enum { TD_HTTP_MAX_PARAMS = 6, TD_HTTP_MAX_REPLY_HEADERS = 16, TD_HTTP_MAX_REPLY = 32 << 20 };

struct td_http_header {
    struct td_slice name, value; /* value without blanks at its ends */
};

/* Who is at the other end, as the transport proved it. */
struct td_peer {
    const char *address; /* text form without port; "unix" for a socket file */
    bool tls;
    struct td_slice cert;          /* DER of the client's certificate; empty if none was given. Possession is proven,
                                      the chain is NOT: ask td_authority_peer (api/authority.h) */
    unsigned char cert_sha256[32]; /* its fingerprint, valid if cert.n != 0 */
};

struct td_http_request {
    enum td_method method;
    struct td_slice path;  /* as received, percent-encoded, without query; begins with '/' */
    struct td_slice query; /* behind '?', may be empty */
    struct td_slice host;  /* Host header with port, checked characters only, lower case */
    const char *base;      /* "https://host:port" for links: the caller's host if it is ours, else our first name */
    const char
        *device_base; /* under a name without certificate request: the same with a name that has one; else NULL */
    const struct td_http_header *headers;
    size_t header_count;
    struct td_slice body;
    const struct td_peer *peer;
    struct td_arena *arena;
    struct td_slice params[TD_HTTP_MAX_PARAMS]; /* what stood at the pattern's {places}, percent-decoded */
    /* Answering later: where answered is not NULL, a handler may set later, see to it that somebody else completes the
     * reply and then calls answered(req), once, from any thread, and return; neither touches request or reply after
     * that. So a worker need not stand still while a write waits for its flush. */
    void (*answered)(struct td_http_request *req);
    /* Has the caller hung up meanwhile, as far as is known? For answers later, from any thread; NULL: not known. What
     * only one may get is not given to who is gone. */
    bool (*gone)(const struct td_http_request *req);
    bool later;
    void *job; /* the server's */
};

struct td_http_reply {
    int status;               /* 0 is answered as 500 */
    const char *content_type; /* NULL: none */
    struct {
        const char *name, *value;
    } headers[TD_HTTP_MAX_REPLY_HEADERS];
    size_t header_count;
    struct td_buf body;
    int file; /* a descriptor whose bytes are the body (the server closes it), or -1 */
    uint64_t file_offset, file_length;
    bool close; /* end the connection after this answer */
};

typedef void td_handler(void *ctx, struct td_http_request *req, struct td_http_reply *reply);

enum {
    TD_ROUTE_PLAIN = 1,   /* also served without TLS (--http): /pki/, /ocsp */
    TD_ROUTE_LIMITED = 2, /* counts against the per-address limit for unauthenticated doors */
};

/* Patterns: segments matched without regard to case, after percent-decoding; "{name}" matches one segment that is not
 * empty and may have literal text around it ("appId={id}", "{name}.crl"), "{name*}" as last the whole rest (also
 * empty). A final '/' in the request is ignored. The first match wins. */
struct td_route {
    unsigned methods; /* TD_GET | ...; HEAD comes with GET by itself */
    const char *pattern;
    td_handler *fn;
    unsigned flags;
    size_t max_body; /* octets, 0 for none accepted */
};

/* A door: a table of routes and the object that their handlers get as ctx. */
struct td_door {
    const struct td_route *routes;
    size_t count;
    void *ctx;
};

struct td_router {
    const struct td_door *doors;
    size_t count;
};

/* Finds the route (for the server, before the body is read): NULL with *ret_status 404 or 405. */
const struct td_route *td_router_find(const struct td_router *r, enum td_method method, struct td_slice path,
                                      int *ret_status);
/* Fills req->params and runs the handler; answers 404 and 405 itself in problem+json. */
void td_router_run(const struct td_router *r, struct td_http_request *req, struct td_http_reply *reply);

/* Request helpers. Names are compared without regard to case for headers, exactly for form and query fields. */
struct td_slice td_http_header(const struct td_http_request *req, const char *name); /* {"",0} if absent */
bool td_http_has_header(const struct td_http_request *req, const char *name);
struct td_slice td_http_query(const struct td_http_request *req, const char *name); /* decoded; {NULL,0} if absent */
struct td_slice td_http_form(const struct td_http_request *req,
                             const char *name);                    /* the body as a form, whatever its type */
struct td_slice td_http_bearer(const struct td_http_request *req); /* token of Authorization: Bearer, or {"",0} */
struct td_slice td_http_cookie(const struct td_http_request *req, const char *name);

/* Host without port and without the brackets of an IPv6 address; and whether it is one of names (ports ignored on both
 * sides, but what is no port is no host of ours; NULL-terminated, NULL is an empty list). */
struct td_slice td_http_host_name(struct td_slice host);
bool td_http_host_in(struct td_slice host, const char *const *names);
/* For links that a device follows with its certificate: base, or a name of ours that asks for certificates. */
const char *td_http_device_base(const struct td_http_request *req);

/* Reply helpers. Names and values of headers must live as long as the request's arena. */
void td_reply_init(struct td_http_reply *reply);
void td_reply_done(struct td_http_reply *reply);
void td_reply_header(struct td_http_reply *reply, const char *name, const char *value);
void td_reply_text(struct td_http_reply *reply, int status, const char *content_type, struct td_slice body);
void td_reply_redirect(struct td_http_reply *reply, int status, const char *location);
/* RFC 9457: {"type","title","status","detail","field","remedy"}; the status follows from err->code. */
void td_reply_problem(struct td_http_reply *reply, const struct td_error *err);
/* The same with a status of the caller's; a 500 tells nothing of err. */
void td_reply_problem_status(struct td_http_reply *reply, int status, const struct td_error *err);
const char *td_http_reason(int status); /* "Not Found", ... */
int td_http_status_of(enum td_code code);

#endif
