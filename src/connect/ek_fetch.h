/* Fetching the certificate of a TPM's maker from the address in the TPM's certificate (authority information access).
 *
 * The address is a stranger's word: http or https on its usual port, at most TD_EK_FETCH_BYTES, TD_EK_FETCH_SECONDS in
 * all, no redirects, no private, local or reserved addresses, unless the service's configuration names the host. What
 * comes is no anchor: it is only looked at as a link on the way to one. Sources: domain-join-and-tpm.md 2.4; RFC 5280
 * 4.2.2.1. The door sees the interface alone, so that tests answer by themselves. */
#ifndef TD_CONNECT_EK_FETCH_H
#define TD_CONNECT_EK_FETCH_H

#include "base/arena.h"
#include "base/err.h"

#include <stdatomic.h>

enum {
    TD_EK_FETCH_BYTES = 65536,
    TD_EK_FETCH_SECONDS = 5,
    TD_EK_FETCH_URL_MAX = 512,
    TD_EK_FETCH_HOSTS_MAX = 32,
    TD_EK_FETCH_AT_ONCE = 4 /* threads that wait for answers: whoever names the addresses may answer slowly */
};

struct td_ek_fetch { /* called by several threads at once */
    /* TD_EINVAL: not such an address; TD_EDENIED: it may not be reached; TD_EUNAVAILABLE: no answer, or not 200.
     * TD_ESTATE: too many wait already. */
    enum td_code (*get)(struct td_ek_fetch *f, const char *url, int seconds, struct td_arena *a, struct td_slice *ret,
                        struct td_error *err);
    const char *const *hosts;
    atomic_int waiting;
    void *ctx; /* of other implementations */
};

/* hosts: NULL-terminated "name" or "name:port" that may be reached whatever their addresses; lives as long as it. */
void td_ek_fetch_init(struct td_ek_fetch *f, const char *const *hosts);

/* "host" and port of an address that may be asked at all; false for everything else. */
struct td_ek_url {
    struct td_slice host; /* without brackets */
    int port;
    bool usual; /* the port is that of its scheme */
};
bool td_ek_url_parse(const char *url, struct td_ek_url *ret);
struct sockaddr;
/* Neither private, nor local, nor reserved (RFC 6890). */
bool td_ek_address_is_public(const struct sockaddr *address);

#endif
