/* Usage, man page and docs/cli.md, all from the command tables. */
#ifndef TD_APP_CLI_HELP_H
#define TD_APP_CLI_HELP_H

#include "app/cli.h"

#include <stdio.h>

/* Options that every command takes. */
const struct td_cli_option *td_cli_common_options(size_t *ret_count);

void td_help_command(FILE *out, const struct td_command *c);
/* topic: "" for the overview, a noun for its commands, "--man" and "--markdown" for the whole as documents. */
void td_help_all(FILE *out, const char *topic, const struct td_command_table *const *tables, size_t count);

#endif
