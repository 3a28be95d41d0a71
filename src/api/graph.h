/* Administration in the shapes of Graph: for now the endpoint list, by which a device finds its management
 * (join-and-tokens.md 10.7); everything else under /v1.0 and /beta is answered 501 in OData's error shape. */
#ifndef TD_API_GRAPH_H
#define TD_API_GRAPH_H

#include "api/service.h"

extern const struct td_route td_graph_routes[]; /* ctx: struct td_service */
extern const size_t td_graph_route_count;

/* {"error":{"code","message","innerError":{"date","request-id","client-request-id"}}} (graph-api.md 2.4). */
void td_graph_error(const struct td_service *svc, struct td_http_request *req, struct td_http_reply *reply, int status,
                    const char *code, const char *message);

#endif
