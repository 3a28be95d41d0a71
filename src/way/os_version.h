/* Versions of operating systems as restrictions compare them: "10.0.22631.1", up to four numbers; what is missing at
 * the end is 0. Pure. Source: graph-api.md 1.4 (deviceEnrollmentPlatformRestriction). */
#ifndef TD_WAY_OS_VERSION_H
#define TD_WAY_OS_VERSION_H

#include "base/err.h"
#include "base/slice.h"

/* "" is fine: no bound. TD_EINVAL names where. */
enum td_code td_os_version_check(const char *where, struct td_slice text, struct td_error *err) TD_MUST_USE;
/* Is the version between the bounds, both included? "" is no bound; what cannot be read as a version is outside of any
 * bound. */
bool td_os_version_between(struct td_slice version, struct td_slice min, struct td_slice max);

#endif
