/* The device's log in the words of Windows' event log: channel, id, level and meaning of autopilot.md 6.5 (row X13),
 * and what follows from them. Pure: text in, JSON out. */
#ifndef TD_DEVICE_EVENTS_H
#define TD_DEVICE_EVENTS_H

#include "base/buf.h"

/* log: lines of DIR/log, oldest first. Writes {"channel","whyNoProfile","events":[{"at","id","level","meaning","code",
 * "text"}]}; at most the last TD_EVENTS_MAX. whyNoProfile: "got it", "not registered", ... by the order of 6.5. */
enum { TD_EVENTS_MAX = 500 };
void td_events_write(struct td_slice log, struct td_buf *out);

#endif
