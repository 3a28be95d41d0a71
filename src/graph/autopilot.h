/* Between the files of registrations. */
#ifndef TD_GRAPH_AUTOPILOT_H
#define TD_GRAPH_AUTOPILOT_H

#include "graph/graph.h"

/* The profile that a device got last, and the one that holds now (pain Z45). */
enum td_code td_g_expand_effective(struct td_g_call *call, struct td_tx *tx, const struct td_view_row *row,
                                   struct td_jsonw *w, struct td_error *err) TD_MUST_USE;
enum td_code td_g_expand_intended(struct td_g_call *call, struct td_tx *tx, const struct td_view_row *row,
                                  struct td_jsonw *w, struct td_error *err) TD_MUST_USE;

/* *ret is the text of a member of an action's body: NULL where it is missing or null. TD_EINVAL where it is no text. */
enum td_code td_g_action_text(const struct td_g_call *call, const char *name, const char **ret, struct td_error *err)
    TD_MUST_USE;

/* Handlers of the sets, in the files of their topics. */
td_g_fn td_g_import_create, td_g_import_remove, td_g_import_many;
enum td_code td_g_import_prepare(struct td_g_call *call, struct td_error *err) TD_MUST_USE;
enum td_code td_g_import_many_prepare(struct td_g_call *call, struct td_error *err) TD_MUST_USE;
td_g_fn td_g_identifier_create, td_g_identifier_update, td_g_identifier_remove, td_g_identifier_list,
    td_g_identifier_search;
td_g_fn td_g_compare_hardware, td_g_accept_hardware, td_g_reject_hardware;
td_g_fn td_g_request_approve, td_g_request_reject;
enum td_code td_g_request_prepare(struct td_g_call *call, struct td_error *err) TD_MUST_USE;
enum td_code td_g_request_reject_prepare(struct td_g_call *call, struct td_error *err) TD_MUST_USE;

#endif
