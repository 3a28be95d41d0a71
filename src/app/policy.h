/* Inside src/app: what package and policy commands share. */
#ifndef TD_APP_POLICY_H
#define TD_APP_POLICY_H

#include "app/cli.h"

/* Adds a configuration item (replace: or changes the one of this name) and tells its id. */
enum td_code td_policy_put(struct td_cli *cli, const char *name, const struct td_json *json, bool replace,
                           struct td_error *err) TD_MUST_USE;

#endif
