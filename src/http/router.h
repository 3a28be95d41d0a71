/* Matching of paths against the doors' tables: used by the server (before the body is read), the loopback and
 * td_router_run. Pure but for the handler it calls. */
#ifndef TD_HTTP_ROUTER_H
#define TD_HTTP_ROUTER_H

#include "http/http.h"

struct td_router_match {
    const struct td_route *route;
    const struct td_door *door;
    unsigned allowed; /* methods that the path knows, for 405 */
};

/* The first route whose pattern and method fit; false with allowed != 0 when only the method did not. */
bool td_router_match(const struct td_router *r, enum td_method method, struct td_slice path,
                     struct td_router_match *ret);

#endif
