/* What a device knows about itself, for people (in the fields of dsregcmd, join-and-tokens.md 8) and as JSON. */
#ifndef TD_DEVICE_SHOW_H
#define TD_DEVICE_SHOW_H

#include "base/buf.h"
#include "device/device.h"

void td_device_show(struct td_device *dev, struct td_buf *out);
/* One object: the same words with small first letter, and every effect of the management. */
void td_device_show_json(struct td_device *dev, struct td_buf *out);

#endif
