/* Would a deployment of this machine succeed: each requirement of autopilot.md 8 and 6.7 looked at from the device,
 * with what was found and what to do (row X17). One table of requirements serves the check, its JSON and
 * docs/tasks/preflight.md. Changes nothing, here or at the service: no step of the way is taken. */
#ifndef TD_DEVICE_PREFLIGHT_H
#define TD_DEVICE_PREFLIGHT_H

#include "device/flow.h"
#include "way/requirement.h"

struct td_preflight {
    struct td_device *dev; /* with server; state may be empty */
    const struct td_hardware *hw;
    const struct td_transport *net; /* NULL: the network is skipped, with its reason */
    const char *proxy;              /* what the environment names, NULL if nothing */
};

/* One finding for each requirement, in the order of the document. */
void td_preflight_run(const struct td_preflight *p, struct td_arena *a, struct td_finding **ret, size_t *ret_count);

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7); false for any other form. */
bool td_http_date(struct td_slice text, int64_t *ret_us);

#endif
