/* Between the tables of managed devices, apps and configurations and what writes their values. Nobody else includes
 * this. */
#ifndef TD_GRAPH_MANAGED_H
#define TD_GRAPH_MANAGED_H

#include "graph/graph.h"
#include "store/managed.h"

typedef void td_g_write_fn(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop,
                           struct td_jsonw *w);

/* managed.c */
td_g_write_fn td_g_managed_actions, td_g_managed_sku;
/* events.c: phases as durations, what went wrong in one sentence, what a policy's body says */
td_g_write_fn td_g_event_duration, td_g_event_failure, td_g_event_tracked, td_g_event_code;
/* apps.c: members of the item's JSON, targets of assignments */
td_g_write_fn td_g_app_member, td_g_assignment_target, td_g_assignment_source;
/* configurations.c */
td_g_write_fn td_g_configuration_settings, td_g_configuration_edition, td_g_configuration_key;

/* The JSON that a column holds; NULL if it holds none. */
const struct td_json *td_g_row_json(struct td_g_call *call, const struct td_view_row *row, const char *column);
/* $expand of apps and configurations. */
enum td_code td_g_app_assignments(struct td_g_call *call, struct td_tx *tx, const struct td_view_row *row,
                                  struct td_jsonw *w, struct td_error *err) TD_MUST_USE;
enum td_code td_g_app_categories(struct td_g_call *call, struct td_tx *tx, const struct td_view_row *row,
                                 struct td_jsonw *w, struct td_error *err) TD_MUST_USE;
enum td_code td_g_configuration_assignments(struct td_g_call *call, struct td_tx *tx, const struct td_view_row *row,
                                            struct td_jsonw *w, struct td_error *err) TD_MUST_USE;
/* Writes the assignments of an item as entities of set. */
enum td_code td_g_expand_assignments(struct td_g_call *call, struct td_tx *tx, const struct td_view_row *row,
                                     const struct td_g_set *set, struct td_jsonw *w, struct td_error *err) TD_MUST_USE;

#endif
