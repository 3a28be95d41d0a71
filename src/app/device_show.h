/* What `device show` and `device explain` read and print: transaction functions whose context is the struct td_cli. */
#ifndef TD_APP_DEVICE_SHOW_H
#define TD_APP_DEVICE_SHOW_H

#include "app/cli.h"

enum td_code td_device_show(struct td_tx *tx, void *cli, struct td_error *err) TD_MUST_USE;
enum td_code td_device_explain(struct td_tx *tx, void *cli, struct td_error *err) TD_MUST_USE;

#endif
