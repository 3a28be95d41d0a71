/* Counts by address of the other end: open connections, and a bucket of requests to limited doors. Thread-safe.
 * A counter only ever slows a caller down; nothing that allows rests on it. */
#ifndef TD_HTTP_ADDRESSES_H
#define TD_HTTP_ADDRESSES_H

#include "base/env.h"
#include "http/bounds.h"
#include "http/ip.h"

struct td_address { /* IPv4 mapped into IPv6; of IPv6 the first 64 bits */
    unsigned char octets[16];
};

struct td_addresses;

struct td_address td_address_of(const struct td_ip *ip);

struct td_addresses *td_addresses_new(const struct td_env *env, const struct td_http_limits *limits);
void td_addresses_free(struct td_addresses *t); /* NULL is fine */

/* False: this address has as many connections as one may have. Each true is paired with one leave. */
bool td_addresses_enter(struct td_addresses *t, const struct td_address *a);
void td_addresses_leave(struct td_addresses *t, const struct td_address *a, int64_t now);
/* Takes one request out of the bucket; else false and the seconds until there is one again. */
bool td_addresses_take(struct td_addresses *t, const struct td_address *a, int64_t now, int *ret_seconds);

#endif
