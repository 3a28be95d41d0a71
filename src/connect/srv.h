/* Servers of a service by DNS (RFC 2782), asked of the name servers that the machine has. Who answers proves nothing:
 * the caller trusts a server for what it can show (a ticket, a certificate), not for being named. */
#ifndef TD_CONNECT_SRV_H
#define TD_CONNECT_SRV_H

#include "base/arena.h"
#include "base/env.h"
#include "base/err.h"

enum { TD_SRV_MAX = 16, TD_SRV_MESSAGE_MAX = 4096 };

struct td_srv {
    const char *host; /* letters, digits, hyphens and dots, lower case, without the dot at the end */
    unsigned port, priority, weight;
};

/* Records for name in the order in which they are to be tried: by priority, by chance within one, the weightier rather
 * first. At most TD_SRV_MAX, what is more or names no host is left out. TD_ENOTFOUND: DNS knows none; TD_EUNAVAILABLE:
 * no name server answers, within some seconds each. */
enum td_code td_srv_find(const struct td_env *env, const char *name, struct td_arena *a, struct td_srv ret[TD_SRV_MAX],
                         size_t *ret_count, struct td_error *err) TD_MUST_USE;
/* The same of a message that is there. TD_EFORMAT: it is cut off, or no answer. */
enum td_code td_srv_read(const struct td_env *env, struct td_slice message, struct td_arena *a,
                         struct td_srv ret[TD_SRV_MAX], size_t *ret_count, struct td_error *err) TD_MUST_USE;

#endif
