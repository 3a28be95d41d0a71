/* Who sits down before a device that is ready, and leaves: the rules of a shared PC (SharedPC: account model, deletion
 * of accounts) and of a kiosk. Nobody becomes the device's user by it. What a sign-in does with the directory is
 * device/life.h. The state keeps "user.signed_in" and, for each account, "seat.<account>": its last sign-in. */
#ifndef TD_DEVICE_SEAT_H
#define TD_DEVICE_SEAT_H

#include "device/device.h"

#define TD_SEAT_GUEST "Guest" /* the account of guests: made at the sign-in, deleted at the sign-out */

/* TD_EDENIED, with what to do: a shared PC lets in guests, people of the directory, or both; without it, no guests. */
enum td_code td_seat_may(struct td_device *dev, const char *user, struct td_error *err) TD_MUST_USE;
/* May work without signing in now: on a shared PC only who has signed in before and whose account is still there. */
bool td_seat_taken(struct td_device *dev, const char *user);
/* Who has an account by having signed in, one a line; "" nobody. */
const char *td_seat_people(const struct td_device *dev, struct td_arena *a);
/* Has signed in: account and profile, standard user. A kiosk's screen is left by its keys first. */
enum td_code td_seat_take(struct td_device *dev, const char *user, struct td_error *err) TD_MUST_USE;
/* Signs out whoever is signed in. On a shared PC accounts are deleted as its policy says; then the screen is what it is
 * while nobody is there. TD_ESTATE: nobody is. */
enum td_code td_seat_leave(struct td_device *dev, struct td_error *err) TD_MUST_USE;

#endif
