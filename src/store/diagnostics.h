/* Archives of logs that devices sent (autopilot.md 6.6): one row each, under the id of the action that asked for it.
 * The bytes rest in DIR/diagnostics/<id>; the row says whose they are. Kept for TD_DIAGNOSTIC_LIFE, then row and bytes
 * go (api/diagnostics.h). Requests that wait for their device are actions (store/action.h). */
#ifndef TD_STORE_DIAGNOSTICS_H
#define TD_STORE_DIAGNOSTICS_H

#include "store/db.h"

#define TD_DIAGNOSTIC_LIFE (28 * TD_DAY)
enum { TD_DIAGNOSTIC_KEPT = 10 }; /* of a device, at most: the newest */

struct td_diagnostic {
    const char *tenant;
    const char *id; /* the action's */
    const char *enrolment_id, *way_id;
    int64_t size, arrived_at;
    const char *sha256; /* lower-case hex */
};

/* TD_EEXISTS: this archive has come already; arrived_at is filled here. */
enum td_code td_diagnostic_put(struct td_tx *tx, const char *tenant, const struct td_diagnostic *d,
                               struct td_error *err) TD_MUST_USE;
enum td_code td_diagnostic_find(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                                struct td_diagnostic *ret, struct td_error *err) TD_MUST_USE; /* TD_ENOTFOUND */
/* Of one enrolment, newest first, at most max. */
enum td_code td_diagnostic_list(struct td_tx *tx, const char *tenant, const char *enrolment_id, size_t max,
                                struct td_arena *a, struct td_diagnostic **ret, size_t *ret_count, struct td_error *err)
    TD_MUST_USE;
/* Of all tenants, those that are too old, oldest
 * first, at most max: for the one who removes the bytes before the row. */
enum td_code td_diagnostic_old(struct td_tx *tx, size_t max, struct td_arena *a, struct td_diagnostic **ret,
                               size_t *ret_count, struct td_error *err) TD_MUST_USE;
/* Somebody reads or removes archives of this enrolment: the audit is told, type is "managed-device.logs-read" or alike.
 */
enum td_code td_diagnostic_told(struct td_tx *tx, const char *tenant, const char *enrolment_id, const char *type,
                                const char *actor, struct td_error *err) TD_MUST_USE;
/* Somebody takes it away: nobody finds it any more, and the next slice of the job removes bytes and row. */
enum td_code td_diagnostic_expire(struct td_tx *tx, const char *tenant, const char *id, struct td_error *err)
    TD_MUST_USE;
enum td_code td_diagnostic_remove(struct td_tx *tx, const char *tenant, const char *id, struct td_error *err)
    TD_MUST_USE;

#endif
