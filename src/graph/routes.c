#include "graph/batch.h"
#include "graph/graph.h"
#include "graph/metadata.h"

enum {
    MAX_BODY = 8 << 20,      /* of the largest import; each set and action has its own bound */
    IGNORED_BODY = 64 << 10, /* some clients send one with every request */
    WRITES = TD_POST | TD_PUT | TD_PATCH | TD_DELETE
};

const struct td_route td_graph_routes[] = {
    {TD_GET | WRITES, "/v1.0/$batch", td_graph_batch, 0, TD_G_BATCH_MAX_BODY},
    {TD_GET | WRITES, "/beta/$batch", td_graph_batch, 0, TD_G_BATCH_MAX_BODY},
    {TD_GET | WRITES, "/v1.0/myorganization/$batch", td_graph_batch, 0, TD_G_BATCH_MAX_BODY},
    {TD_GET | WRITES, "/v1.0/$metadata", td_graph_metadata, TD_ROUTE_LIMITED, IGNORED_BODY},
    {TD_GET | WRITES, "/beta/$metadata", td_graph_metadata, TD_ROUTE_LIMITED, IGNORED_BODY},
    {TD_GET | WRITES, "/v1.0/myorganization/$metadata", td_graph_metadata, TD_ROUTE_LIMITED, IGNORED_BODY},
    {TD_GET, "/v1.0/{path*}", td_graph_call, 0, IGNORED_BODY},
    {TD_GET, "/beta/{path*}", td_graph_call, 0, IGNORED_BODY},
    {TD_GET, "/myorganization/{path*}", td_graph_call, 0, IGNORED_BODY},
    {WRITES, "/v1.0/{path*}", td_graph_call, 0, MAX_BODY},
    {WRITES, "/beta/{path*}", td_graph_call, 0, MAX_BODY},
    {WRITES, "/myorganization/{path*}", td_graph_call, 0, MAX_BODY},
};
const size_t td_graph_route_count = TD_COUNTOF(td_graph_routes);
