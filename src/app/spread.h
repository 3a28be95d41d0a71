/* After a change of assignments or rules: stored memberships follow and registrations are told, in slices that hold the
 * store shortly. A server that runs beside does the same work; what one has done the other does not do again. */
#ifndef TD_APP_SPREAD_H
#define TD_APP_SPREAD_H

#include "app/cli.h"

enum td_code td_spread(struct td_cli *cli, size_t *ret_slices, struct td_error *err) TD_MUST_USE;

#endif
