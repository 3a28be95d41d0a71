/* The management door: OMA-DM sessions (oma-dm.md; contract section 4, Management).
 *
 * Identity is the management certificate alone. A message costs one read of the store, a pure decision
 * (policy/plan.h) and one durable write, which also carries the stored reply, the reports and the events. */
#ifndef TD_API_MANAGEMENT_H
#define TD_API_MANAGEMENT_H

#include "api/service.h"

extern const struct td_route td_management_routes[]; /* ctx: struct td_service */
extern const size_t td_management_route_count;

enum {
    TD_MANAGEMENT_MAX_MESSAGES = 100, /* of the device in one session */
    TD_MANAGEMENT_MIN_SIZE = 2048,    /* a smaller MaxMsgSize is taken as this */
    TD_MANAGEMENT_MAX_SIZE = 512 << 10,
    TD_MANAGEMENT_MAX_COMMANDS = 60 /* in one message of ours */
};

#endif
