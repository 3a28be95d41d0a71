/* What ends with a device: nothing that opens a door, and nothing that was entrusted to it, outlives its management.
 *
 * Called by whatever ends an enrolment, a join or a user's time on a device, in its transaction; so no door can forget
 * it. What stays is history without secrets (events, audit, rows of ended enrolments, certificates marked as revoked)
 * and the registration with its hash, while that lasts. Source: autopilot.md 3.8 and 3.9. */
#ifndef TD_STORE_LIFE_END_H
#define TD_STORE_LIFE_END_H

#include "store/action.h"

/* The enrolment is no longer active: its secrets, its session with the stored reply, its ledger, half-sent values and
 * what it reported of itself go. Called by store/enrolment.c for every end and every replacement. */
enum td_code td_life_forget_enrolment(struct td_tx *tx, const char *tenant, const char *enrolment_id,
                                      struct td_error *err) TD_MUST_USE;
/* The directory object is deleted: tokens bound to it, its keys, and its local administrator's passwords unless the
 * tenant keeps those (setting laps-after-retire). */
enum td_code td_life_forget_device(struct td_tx *tx, const char *tenant, const char *device_id, struct td_error *err)
    TD_MUST_USE;
/* The device of this way left for good, or is back in its box: what becomes of its computer account (setting
 * computer-account-at-end) is asked of a connector, once an account. */
enum td_code td_life_forget_account(struct td_tx *tx, const char *tenant, const char *way_id, struct td_error *err)
    TD_MUST_USE;
/* The same of one account by itself: of a way, domain, GUID, SID and name that made it. */
struct td_domain_join;
enum td_code td_life_give_up_account(struct td_tx *tx, const char *tenant, const struct td_domain_join *of,
                                     struct td_error *err) TD_MUST_USE;
/* The users of the device are gone from it, the join stays (a reset in place): their tokens bound to it are void. */
enum td_code td_life_forget_users(struct td_tx *tx, const char *tenant, const char *device_id, struct td_error *err)
    TD_MUST_USE;

/* --- one way to end a life --------------------------------------------------------------------------------------- */

struct td_life_retiring {
    const char *key; /* serial number or an id that it has */
    bool wipe;       /* everything on it goes too, not management alone */
    bool deregister; /* and its registration, once it is gone */
    bool now;        /* ended here at once, whatever the device says: it is lost or broken */
    const char *reason, *actor;
};
struct td_life_retired { /* texts are "" where there is none */
    const char *way_id, *serial, *registration_id, *enrolment_id, *device_id;
    struct td_action action; /* that was asked for; id "": the device is not managed, nothing needs it */
    bool left_directory, deregistered;
    const char *computer; /* its object in another directory that somebody must remove there */
};
/* What can be done without the device is done in this transaction; the rest follows when the action has ended, in the
 * transaction of its end. An action that fails or is cancelled ends the intention too, and the timeline says so. */
enum td_code td_life_retire(struct td_tx *tx, const char *tenant, const struct td_life_retiring *what,
                            struct td_arena *a, struct td_life_retired *ret, struct td_error *err) TD_MUST_USE;
/* Called by store/action/end.c for every action that has ended, done or not. */
enum td_code td_life_follow(struct td_tx *tx, const char *tenant, const struct td_action *x, struct td_error *err)
    TD_MUST_USE;

#endif
