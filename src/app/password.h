/* Passwords of the command line: read from a file, hashed, wiped. */
#ifndef TD_APP_PASSWORD_H
#define TD_APP_PASSWORD_H

#include "app/cli.h"

/* --password-file into PHC text; the cost is that of the service. */
enum td_code td_cli_password(struct td_cli *cli, char **ret_phc, struct td_error *err) TD_MUST_USE;

#endif
