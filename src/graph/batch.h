/* POST /v1.0/$batch and /beta/$batch: up to twenty calls in one (graph-api.md 2.6, 3.4; clients.md 3).
 *
 * Each part is a call of its own, with the batch's token, its own headers, its own transaction and its own status; the
 * batch answers 200. Parts run one after the other, those named in dependsOn first; a part whose forerunner failed
 * answers 424. A batch as a whole is refused (400) when it can't be answered part by part: no list, more than twenty,
 * ids missing or twice, dependsOn that names nobody or goes round in a circle. Other faults are their part's. */
#ifndef TD_GRAPH_BATCH_H
#define TD_GRAPH_BATCH_H

#include "api/service.h"

enum { TD_G_BATCH_MAX = 20, TD_G_BATCH_MAX_BODY = 4 << 20 };

/* A handler of a route; ctx is the service. */
void td_graph_batch(void *ctx, struct td_http_request *req, struct td_http_reply *reply);

#endif
