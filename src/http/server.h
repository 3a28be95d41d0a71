/* The HTTPS server: listener, loops, workers, TLS. HTTP/1.1 and nothing else.
 *
 * Loop threads own connections and never wait; whole requests go through a bounded queue to worker threads, which run
 * the handlers of the router (http/http.h). Sessions are resumed from memory; server certificates can be exchanged
 * while it runs (td_server_reload). Set-up and numbers: http-server.md of the reference; bounds: http/bounds.h. The
 * config's pointers must outlive the server, but for names, certificates and client_ca, which are copied. */
#ifndef TD_HTTP_SERVER_H
#define TD_HTTP_SERVER_H

#include "base/env.h"
#include "http/bounds.h"
#include "http/http.h"
#include "http/proxy.h"

struct td_server;

struct td_server_name { /* a host name of ours, without port */
    const char *host;
    bool people; /* no client certificate is asked for under it */
};

struct td_server_cert {       /* PEM: leaf, then its chain; and the key */
    const char *const *hosts; /* names it is shown for, NULL-terminated; NULL or none found: the first certificate */
    const char *chain, *key;
};

struct td_server_done { /* a request that was answered, for the access log; no query strings */
    const struct td_http_request *req;
    int status;
    int64_t took_us;
};

enum { TD_SERVER_WORKERS = 8 }; /* at first */
enum { TD_SERVER_SPARE = 64 };  /* more of them at most, while others wait for somebody else */

struct td_server_config {
    const struct td_env *env;
    const struct td_router *router;
    struct td_http_limits limits;
    const char *listen; /* "127.0.0.1:8443", "[::1]:0": port 0 takes a free one */
    const char *http;   /* without TLS, TD_ROUTE_PLAIN routes only; NULL: none */
    struct td_server_proxy proxy;
    const struct td_server_name *names;
    size_t name_count;
    const char *base; /* "https://host:port" for requests under foreign hosts; NULL: first name and port */
    const struct td_server_cert *certs;
    size_t cert_count;
    const struct td_slice *client_ca; /* DER, whose names are offered to clients that choose a certificate */
    size_t client_ca_count;
    int loops, workers; /* 0: as many loops as processors (at most 4), 8 workers */
    void (*done)(void *ctx, const struct td_server_done *done); /* called on worker threads; may be NULL */
    void *done_ctx;
};

/* The address and port that "ADDR:PORT" stands for, a free port for 0; TD_EIO where another server has it. */
enum td_code td_server_probe(const char *listen, char address[80], struct td_error *err) TD_MUST_USE;

/* Binds, starts the threads and serves. Signals should be blocked by the caller beforehand; SIGPIPE must be ignored. */
enum td_code td_server_start(const struct td_server_config *config, struct td_server **ret, struct td_error *err)
    TD_MUST_USE;
/* Other certificates for new connections; sessions and open connections go on. On an error the old ones stay. */
enum td_code td_server_reload(struct td_server *s, const struct td_server_cert *certs, size_t count,
                              struct td_error *err) TD_MUST_USE;
/* Takes no new connections, answers what is under way, closes, frees. At most limits.drain. NULL is fine. */
void td_server_stop(struct td_server *s);

const char *td_server_address(const struct td_server *s);      /* "127.0.0.1:8443", with the port taken */
const char *td_server_http_address(const struct td_server *s); /* NULL: none */

struct td_server_stats {
    uint64_t accepted, open, refused; /* connections; refused by a limit */
    uint64_t handshakes_full, handshakes_resumed, handshakes_failed;
    uint64_t requests, replies[6];                                  /* by first digit of the status, [0] unused */
    uint64_t queued, queue_full;                                    /* waiting now; answered 503 for that */
    uint64_t limited;                                               /* answered 429 */
    uint64_t cut_handshake, cut_body, cut_work, cut_send, cut_idle; /* by a deadline */
    uint64_t body_octets;                                           /* of bodies in memory now */
};
/* A handler is about to wait for somebody outside (true), or has done so (false): meanwhile another worker does what
 * its own would, since the answer that it waits for may need one. */
void td_server_lend(struct td_server *s, bool waits);
/* Requests that wait for a worker, are at work or will be answered later, but for those lent. For td_store_gather. */
int td_server_in_work(const struct td_server *s);
void td_server_stats(const struct td_server *s, struct td_server_stats *ret);

#endif
