/* Retention: history that a tenant no longer keeps. State is never touched, nor an action that is not over.
 *
 * Settings in days, 0 for ever: event-retention (timelines), audit-retention (who changed what), history-retention
 * (actions, one by one and in bulk, deployments, ended enrolments with their certificates once those have run out,
 * deleted directory objects). An event of the audit stays as long as the audit does. A run looks at everything once a
 * day, or at once when a setting changed, in slices of a write each; how far it is rests in the store. What a life has
 * lost is told there (table life_cut). Sources: design.md 1, graph-api.md 1.8. */
#ifndef TD_STORE_RETENTION_H
#define TD_STORE_RETENTION_H

#include "store/db.h"

/* Rows that a slice takes away (with all that hangs on them: fewer), and how many it looks at: with these a write stays
 * below 50 ms. */
enum { TD_RETENTION_ROWS = 200, TD_RETENTION_WHOLES = 25, TD_RETENTION_LOOKS = 2000 };

enum td_code td_retention_is_due(struct td_tx *tx, bool *ret, struct td_error *err) TD_MUST_USE;
/* One slice, oldest first. */
enum td_code td_retention_slice(struct td_tx *tx, bool *ret_more, struct td_error *err) TD_MUST_USE;

#endif
