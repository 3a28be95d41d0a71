/* Values of the audit's resources that no column gives (graph/audit.c); model_audit.c names them. And what the core
 * tells of calls that were denied. */
#ifndef TD_GRAPH_AUDIT_H
#define TD_GRAPH_AUDIT_H

#include "graph/graph.h"
#include "store/audit.h"

void td_g_audit_resources(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop,
                          struct td_jsonw *w);
void td_g_audit_targets(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop,
                        struct td_jsonw *w);
void td_g_audit_initiator(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop,
                          struct td_jsonw *w);

/* A proven caller was refused a change: kept as far as the audit's bound goes (store/audit.h). A write of its own; what
 * goes wrong in it changes nothing. */
void td_g_audit_denied(struct td_service *svc, const struct td_claims *who, const struct td_origin *origin,
                       const struct td_http_request *req, const struct td_error *why);

#endif
