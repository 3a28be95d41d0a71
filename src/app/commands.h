/* Every command of touchdown, table by table: one line here and one cmd_*.c make a new noun. */
#ifndef TD_APP_COMMANDS_H
#define TD_APP_COMMANDS_H

#include "app/cli.h"

extern const struct td_command_table td_init_commands;
extern const struct td_command_table td_serve_commands;
extern const struct td_command_table td_tenant_commands;
extern const struct td_command_table td_user_commands;
extern const struct td_command_table td_app_commands;
extern const struct td_command_table td_audit_commands;
extern const struct td_command_table td_device_commands;
extern const struct td_command_table td_device_action_commands;
extern const struct td_command_table td_action_commands;
extern const struct td_command_table td_device_life_commands;
extern const struct td_command_table td_device_list_commands;
extern const struct td_command_table td_device_provision_commands;
extern const struct td_command_table td_device_repair_commands;
extern const struct td_command_table td_device_secret_commands;
extern const struct td_command_table td_device_bulk_commands;
extern const struct td_command_table td_profile_commands;
extern const struct td_command_table td_status_page_commands;
extern const struct td_command_table td_management_commands;
extern const struct td_command_table td_group_commands;
extern const struct td_command_table td_hash_commands;
extern const struct td_command_table td_policy_commands;
extern const struct td_command_table td_package_commands;
extern const struct td_command_table td_device_check_commands;
extern const struct td_command_table td_media_commands;
extern const struct td_command_table td_code_commands;
extern const struct td_command_table td_tpm_commands;
extern const struct td_command_table td_connector_commands;
extern const struct td_command_table td_connector_run_commands;
extern const struct td_command_table td_connector_domain_commands;
extern const struct td_command_table td_later_commands; /* known, not built */

#endif
