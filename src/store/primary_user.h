/* Who a device belongs to: the owner of the directory object and the primary user of the enrolment, always together.
 *
 * A remote reset clears both; the next one who signs in on the device becomes both. A local reset and every action that
 * keeps the user leave them. A device that was deployed without a user (shared) never gets one by itself. Each change
 * is told to audit and way (TD_EV_REPURPOSED, when another user than the last one takes over). Source: autopilot.md
 * 3.6, 3.7, 3.9. */
#ifndef TD_STORE_PRIMARY_USER_H
#define TD_STORE_PRIMARY_USER_H

#include "store/db.h"

/* Both go; the enrolment remembers that the next one is awaited. Nothing to clear: TD_OK. */
enum td_code td_primary_user_clear(struct td_tx *tx, const char *tenant, const char *enrolment_id, const char *actor,
                                   struct td_error *err) TD_MUST_USE;
/* A user has signed in on a joined device, proven by the device's key: takes it over if one is awaited, else nothing
 * happens. */
enum td_code td_primary_user_signed_in(struct td_tx *tx, const char *tenant, const char *device_id, const char *user_id,
                                       const char *upn, struct td_error *err) TD_MUST_USE;
/* A user has joined a device that a technician has prepared for nobody: the first one it has. */
enum td_code td_primary_user_joined(struct td_tx *tx, const char *tenant, const char *enrolment_id, const char *user_id,
                                    const char *upn, struct td_error *err) TD_MUST_USE;
/* An administrator says who. upn "" clears without awaiting anybody. TD_ENOTFOUND: device or user. */
enum td_code td_primary_user_set(struct td_tx *tx, const char *tenant, const char *enrolment_id, const char *upn,
                                 const char *actor, struct td_error *err) TD_MUST_USE;

#endif
