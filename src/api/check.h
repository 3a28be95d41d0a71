/* Would this device deploy: every requirement as far as the service knows of it, with what was found and what to do
 * (row X17). The device's own view is device/preflight.h. Reads only. Memory is the caller's arena. */
#ifndef TD_API_CHECK_H
#define TD_API_CHECK_H

#include "store/way.h"
#include "way/requirement.h"

/* One finding for each requirement of the device that has this way. */
enum td_code td_check_device(struct td_tx *tx, const char *tenant, const struct td_way_row *way, struct td_arena *a,
                             struct td_finding **ret, size_t *ret_count, struct td_error *err) TD_MUST_USE;

#endif
