/* A device beyond its first day: switched on again, at work, reset at the lock screen, back in its box. What is removed
 * and kept is device/reset.h; here is what a person sees and does. Lines go to td_device_say; dev->state may be another
 * one after every call (what was read from it before is gone). Sources: autopilot.md 3.6 to 3.9. */
#ifndef TD_DEVICE_LIFE_H
#define TD_DEVICE_LIFE_H

#include "device/flow.h"
#include "way/action.h"

/* The machine starts: what was ordered, or cut off by the power, is carried to its end before anything else. Called
 * once the folder is locked, and again wherever a restart is due. *ret_did (may be NULL): something ended now. */
enum td_code td_life_start(struct td_device *dev, bool *ret_did, struct td_error *err) TD_MUST_USE;
/* An order waits for a restart; kind may be NULL. */
bool td_life_restart_due(const struct td_device *dev, enum td_action_kind *ret_kind);

/* A ready device was switched on: one session, as the person at it signs in; an unreachable service is told and is no
 * error. TD_ESTATE: the session has ordered a restart. */
enum td_code td_life_switched_on(struct td_flow *f, struct td_error *err) TD_MUST_USE;

/* The service has ended the management and the join went with it: there is a desktop, and no way from here but through
 * the box (td_life_reinstall). */
bool td_life_is_unmanaged(const struct td_device *dev);
/* Somebody of the organization signs in at the screen of a device that is ready, with a network: by the password that
 * is asked for, then one session as at every sign-in. A device without a user of its own stays nobody's
 * (autopilot.md 3.3). user NULL: the one who signed in last. */
enum td_code td_life_sign_in(struct td_flow *f, const char *user, struct td_error *err) TD_MUST_USE;
/* Somebody works with it: user NULL is the one who is signed in; package NULL for none (docs/tasks/virtual-device.md).
 */
enum td_code td_life_use(struct td_device *dev, const char *user, const char *package, struct td_error *err)
    TD_MUST_USE;

/* Ctrl+Win+R at the lock screen: the page, an administrator's sign-in (--answer administrator=,
 * administrator-password=, else user=, password=), and the reset is scheduled: td_life_start carries it out. package:
 * one on a USB stick, NULL for none (autopilot.md 3.8: it is applied). */
enum td_code td_life_reset_page(struct td_flow *f, const char *package, struct td_error *err) TD_MUST_USE;

/* "Reset this PC" with everything removed, or an image laid on by hand: the device is in its box, nobody was asked. */
enum td_code td_life_reinstall(struct td_device *dev, struct td_error *err) TD_MUST_USE;

#endif
