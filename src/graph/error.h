/* Errors in OData's shape: {"error":{"code","message","innerError":{"date","request-id","client-request-id"}}}
 * (graph-api.md 2.4). */
#ifndef TD_GRAPH_ERROR_H
#define TD_GRAPH_ERROR_H

#include "api/service.h"

void td_graph_error(const struct td_service *svc, struct td_http_request *req, struct td_http_reply *reply, int status,
                    const char *code, const char *message);

#endif
