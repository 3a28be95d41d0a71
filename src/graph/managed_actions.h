/* Between the tables of managed devices and what is asked of them. Nobody else includes this. */
#ifndef TD_GRAPH_MANAGED_ACTIONS_H
#define TD_GRAPH_MANAGED_ACTIONS_H

#include "graph/managed.h"
#include "store/action.h"

/* managed_actions.c: the actions of one device, in the order of the documents */
enum { TD_G_MANAGED_ACTIONS = 38 };
extern const struct td_g_action td_g_managed_device_actions[TD_G_MANAGED_ACTIONS];

/* Which wipe the members keepEnrollmentData, keepUserData and useProtectedWipe mean (graph-api.md 1.5). */
enum td_code td_g_wipe_kind(const struct td_g_call *call, enum td_action_kind *ret, struct td_error *err) TD_MUST_USE;
/* Why it is asked: the header x-msft-approval-justification, in base64 or as text; "" without it. */
const char *td_g_justification(const struct td_g_call *call);
/* Asks it of the call's device; call->status where the usual status does not tell why not. */
enum td_code td_g_ask_action(struct td_g_call *call, struct td_tx *tx, enum td_action_kind kind, const char *parameter,
                             struct td_action *ret, struct td_error *err) TD_MUST_USE;

/* approvals.c: requestor and approver, what the request is about */
td_g_write_fn td_g_approval_person, td_g_approval_policies;
/* local_credentials.c: what was backed up, newest first */
td_g_write_fn td_g_local_credentials;
/* managed.c: the set of the logs of one device */
const struct td_g_set *td_g_log_set(void);
/* managed_logs.c */
td_g_fn td_g_collect_logs;
extern const struct td_g_action td_g_log_actions[1];
enum td_code td_g_remove_logs(struct td_g_call *call, struct td_tx *tx, struct td_error *err) TD_MUST_USE;
/* managed_bulk.c */
td_g_fn td_g_execute_action;

#endif
