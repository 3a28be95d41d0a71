/* What ends with a device: nothing that opens a door, and nothing that was entrusted to it, outlives its management.
 *
 * Called by whatever ends an enrolment, a join or a user's time on a device, in its transaction; so no door can forget
 * it. What stays is history without secrets (events, audit, rows of ended enrolments, certificates marked as revoked)
 * and the registration with its hash, while that lasts. Source: autopilot.md 3.8 and 3.9. */
#ifndef TD_STORE_LIFE_END_H
#define TD_STORE_LIFE_END_H

#include "store/db.h"

/* The enrolment is no longer active: its secrets, its session with the stored reply, its ledger, half-sent values and
 * what it reported of itself go. Called by store/enrolment.c for every end and every replacement. */
enum td_code td_life_forget_enrolment(struct td_tx *tx, const char *tenant, const char *enrolment_id,
                                      struct td_error *err) TD_MUST_USE;
/* The directory object is deleted: tokens bound to it, its keys, and its local administrator's passwords unless the
 * tenant keeps those (setting laps-after-retire). */
enum td_code td_life_forget_device(struct td_tx *tx, const char *tenant, const char *device_id, struct td_error *err)
    TD_MUST_USE;
/* The users of the device are gone from it, the join stays (a reset in place): their tokens bound to it are void. */
enum td_code td_life_forget_users(struct td_tx *tx, const char *tenant, const char *device_id, struct td_error *err)
    TD_MUST_USE;

#endif
