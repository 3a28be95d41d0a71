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

/* domain_join.c */
td_g_write_fn td_g_domain_join_member;
td_g_fn td_g_configuration_create, td_g_configuration_update, td_g_configuration_remove;
td_g_fn td_g_configuration_assign, td_g_configuration_put_targets;
td_g_fn td_g_configuration_add_target, td_g_configuration_drop_target;
td_g_fn td_g_configuration_add_network, td_g_configuration_drop_network;
/* Rows of networkAccessConfigurations, and the one that holds for a hybrid profile. */
enum td_code td_g_configuration_networks(struct td_g_call *call, struct td_tx *tx, struct td_view_row **ret,
                                         size_t *ret_count, struct td_error *err) TD_MUST_USE;
enum td_code td_g_profile_domain_join(struct td_g_call *call, struct td_tx *tx, struct td_view_row **ret,
                                      size_t *ret_count, struct td_error *err) TD_MUST_USE;
const struct td_g_set *td_g_configuration_assignment_set(void);

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
