/* Values of the role resources that no column gives (graph/roles.c); model_roles.c names them. */
#ifndef TD_GRAPH_ROLES_H
#define TD_GRAPH_ROLES_H

#include "graph/graph.h"

void td_g_role_permissions(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop,
                           struct td_jsonw *w);
enum td_code td_g_role_of_assignment(struct td_g_call *call, struct td_tx *tx, const struct td_view_row *row,
                                     struct td_jsonw *w, struct td_error *err);

#endif
