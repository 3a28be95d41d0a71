/* HTTP client (libcurl): for the device's side, webhooks and foreign services. One struct td_net is one identity: what
 * it trusts and which client certificate it shows. Only https (but see may_reach), no redirects unless asked, bounded
 * bodies, total deadlines. Not thread-safe; connections are kept between calls of one td_net. */
#ifndef TD_NET_NET_H
#define TD_NET_NET_H

#include "base/arena.h"
#include "base/buf.h"

#include <stdatomic.h>

struct sockaddr;
struct td_net;

struct td_net_config {
    struct td_slice ca_pem;     /* trust anchors, PEM, several allowed; nothing else is trusted */
    struct td_slice client_pem; /* leaf certificate in PEM, or empty */
    struct td_slice client_key; /* PKCS#8 PEM, or empty */
    /* Instead of both: puts key and certificate into the engine's context before each handshake (a key in a TPM). */
    enum td_code (*identity)(void *ctx, void *ssl_ctx, struct td_error *err);
    void *identity_ctx;
    const char *user_agent;
    int timeout_seconds; /* whole exchange; 0: 30 */
    size_t max_body;     /* 0: 16 MiB */
    const char *resolve; /* "host:port:address" override for tests and labs, or NULL */
    /* Not NULL: addresses that strangers named, such as those in certificates. http is taken too, https is checked
     * against the system's anchors beside ca_pem (which may be empty), and of each address that a name leads to it is
     * asked before the connection is made. Refused: TD_EDENIED. */
    bool (*may_reach)(void *ctx, const struct sockaddr *address);
    void *may_reach_ctx;
};

struct td_net_request {
    const char *method; /* "GET", ... */
    const char *url;
    const char *headers[12]; /* "Name: value", NULL-terminated */
    struct td_slice body;
    bool has_body;
    const atomic_bool *stop; /* not NULL: ends a waiting exchange within a second once it is set, TD_EUNAVAILABLE */
};

struct td_net_response {
    int status;
    struct td_slice headers; /* raw header block of the last answer */
    struct td_slice body;
};

enum td_code td_net_new(const struct td_net_config *config, struct td_net **ret, struct td_error *err) TD_MUST_USE;
void td_net_free(struct td_net *net); /* NULL is fine */

/* Any status is TD_OK; TD_EUNAVAILABLE when no answer came, TD_EAUTH when the server's certificate is not trusted (err
 * names the cause; hresult 0x80072f8f, 0x80072ee7 and the like as Windows shows them). */
enum td_code td_net_do(struct td_net *net, const struct td_net_request *req, struct td_arena *a,
                       struct td_net_response *ret, struct td_error *err) TD_MUST_USE;
/* Value of the first header of that name, trimmed; {NULL,0} if absent. */
struct td_slice td_net_header(const struct td_net_response *r, const char *name);
/* GET into a file: goes on where the file ends (Range), so that a cut download resumes. ret_total: size when complete.
 */
enum td_code td_net_download(struct td_net *net, const char *url, const char *path, uint64_t max, uint64_t *ret_total,
                             struct td_error *err) TD_MUST_USE;

#endif
