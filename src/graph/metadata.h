/* GET /v1.0/$metadata and /beta/$metadata: the model as CSDL XML (OData 4.0), made from the tables of types and sets.
 *
 * Under /v1.0 without the members, types and actions that only beta has. Actions that answer 501 are left out. Asked
 * without a token, as of the real service. Source: graph-api.md 1.1, 2.6. */
#ifndef TD_GRAPH_METADATA_H
#define TD_GRAPH_METADATA_H

#include "api/service.h"

/* A handler of a route; ctx is the service. */
void td_graph_metadata(void *ctx, struct td_http_request *req, struct td_http_reply *reply);

void td_g_metadata_write(bool beta, struct td_buf *out);

#endif
