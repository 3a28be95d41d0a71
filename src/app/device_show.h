/* What `device show` and `device explain` read and print: transaction functions whose context is the struct td_cli. */
#ifndef TD_APP_DEVICE_SHOW_H
#define TD_APP_DEVICE_SHOW_H

#include "app/cli.h"
#include "store/way.h"

enum td_code td_device_show(struct td_tx *tx, void *cli, struct td_error *err) TD_MUST_USE;
enum td_code td_device_explain(struct td_tx *tx, void *cli, struct td_error *err) TD_MUST_USE;
/* The way of the device that the first argument names, by serial number or any id; a managed one need not be
 * registered. */
enum td_code td_device_way(struct td_tx *tx, struct td_cli *cli, struct td_way_row *ret, struct td_error *err)
    TD_MUST_USE;

#endif
