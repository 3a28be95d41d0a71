/* After a change of assignments or rules: every registration is evaluated anew, in slices that hold the store shortly.
 */
#ifndef TD_APP_SPREAD_H
#define TD_APP_SPREAD_H

#include "app/cli.h"

enum td_code td_spread(struct td_cli *cli, const char *actor, size_t *ret_slices, struct td_error *err) TD_MUST_USE;

#endif
