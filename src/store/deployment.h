/* Deployments: one row a run of a device's way, from the first contact to its end, with the times of its phases.
 *
 * store/way.c writes them in the transaction that steps the way; nobody else does. A run that failed and goes on
 * (another try on the status page) is the same run, and its end says so. Every run ends: one whose device stays away
 * is ended by td_deployment_overdue. Sources: autopilot.md 6.4 (deployment report), graph-api.md 1.3 and 5.9. */
#ifndef TD_STORE_DEPLOYMENT_H
#define TD_STORE_DEPLOYMENT_H

#include "store/way.h"

enum td_run_state { /* numbers of windowsAutopilotDeploymentState */
                    TD_RUN_UNKNOWN,
                    TD_RUN_SUCCESS,
                    TD_RUN_IN_PROGRESS,
                    TD_RUN_FAILURE,
                    TD_RUN_SUCCESS_WITH_TIMEOUT,
                    TD_RUN_NOT_ATTEMPTED,
                    TD_RUN_DISABLED,
                    TD_RUN_SUCCESS_ON_RETRY
};

/* A device that says nothing for so long has given up. No status page waits longer than a day. */
#define TD_RUN_SILENCE (25 * TD_HOUR)

/* The way's deployment went from state was to row->way by this event; detail is the event's (kept of failures). */
enum td_code td_deployment_step(struct td_tx *tx, const char *tenant, const struct td_way_row *row, unsigned was,
                                enum td_way_event event, const char *detail, struct td_error *err) TD_MUST_USE;

/* The way has a user from now on: its last run was for them if it was nobody's so far. */
enum td_code td_deployment_user(struct td_tx *tx, const char *tenant, const char *way_id, const char *upn,
                                struct td_error *err) TD_MUST_USE;

enum td_code td_deployment_is_overdue(struct td_tx *tx, bool *ret, struct td_error *err)
    TD_MUST_USE; /* is there any? */
/* Ends at most max runs of all tenants whose devices have said nothing for TD_RUN_SILENCE. */
enum td_code td_deployment_overdue(struct td_tx *tx, size_t max, size_t *ret_ended, struct td_error *err) TD_MUST_USE;

#endif
