/* /healthz, /readyz, /metrics: for those who run the service. No tenant is named here.
 *
 * ctx of the routes is a struct td_operations, made by app/serve. /metrics answers on loopback, or with the token of
 * the configuration as Bearer; nobody else learns that it is there (contract section 2). */
#ifndef TD_API_OPERATIONS_H
#define TD_API_OPERATIONS_H

#include "api/service.h"
#include "http/server.h"

#include <stdatomic.h>

struct td_operations {
    struct td_service *svc;
    _Atomic(struct td_server *) server; /* NULL until it runs: not ready */
    _Atomic bool stopping;              /* not ready any more */
    const char *metrics_token;          /* NULL: loopback only */
    int64_t started;                    /* wall clock */
};

extern const struct td_route td_operations_routes[];
extern const size_t td_operations_route_count;

#endif
