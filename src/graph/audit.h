/* Values of the audit's resources that no column gives (graph/audit.c); model_audit.c names them. */
#ifndef TD_GRAPH_AUDIT_H
#define TD_GRAPH_AUDIT_H

#include "graph/graph.h"

void td_g_audit_resources(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop,
                          struct td_jsonw *w);
void td_g_audit_targets(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop,
                        struct td_jsonw *w);
void td_g_audit_initiator(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop,
                          struct td_jsonw *w);

#endif
