/* What helps somebody to see why a deployment went wrong (autopilot.md 6.6, rows R07, E12): the device's log, and an
 * archive of log, state, nodes, requirements, and the one-line CSV that an import takes.
 *
 * Nothing secret goes in: of the state and of the tree of nodes only values that stand in a list of what may be shown;
 * of the rest the name and the length. No key, certificate request, document of a user. */
#ifndef TD_DEVICE_DIAGNOSTICS_H
#define TD_DEVICE_DIAGNOSTICS_H

#include "device/flow.h"

enum {
    TD_DIAGNOSTICS_MAX = 8 << 20, /* octets of an archive */
    TD_DEVICE_LOG_MAX = 256 << 10 /* of DIR/log; then it becomes DIR/log.old, and that one goes */
};

/* Appends one line with its time to DIR/log. A log that cannot be written is no error: the way goes on. */
void td_device_log(const struct td_device *dev, const char *line);

/* The archive as octets, for a file or for an upload. net NULL: the requirements of the network are left out. */
enum td_code td_diagnostics_zip(struct td_device *dev, const struct td_hardware *hw, const struct td_transport *net,
                                struct td_buf *out, struct td_error *err) TD_MUST_USE;

#endif
