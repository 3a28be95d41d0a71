/* Another board in the same PC: what the device was made of when it was enrolled, and whether it still is.
 *
 * Kept in the state under "enrol.hardware" and gone with the enrolment. Compared by the service's own rule
 * (way/repair.h); what differs is told in HardwareMismatchRemediationData (docs/protocol/hardware-mismatch.md). Keys of
 * this device rest in files: a new board takes no key away, as one with another TPM would. Source: autopilot.md 1.8. */
#ifndef TD_DEVICE_BOARD_H
#define TD_DEVICE_BOARD_H

#include "device/flow.h"
#include "way/mismatch.h"

/* At the enrolment: this is what it is made of. */
enum td_code td_board_keep(struct td_flow *f, struct td_error *err) TD_MUST_USE;
/* What the service is told, "" while nothing was exchanged. */
const char *td_board_told(const struct td_device *dev, const struct td_hardware *hw, struct td_arena *a);
/* Tells whoever sits there, at the start of a command. */
void td_board_say(struct td_device *dev);

#endif
