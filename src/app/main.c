/* touchdown: the service and its command line. */
#include "app/commands.h"

int main(int argc, char **argv)
{
    static const struct td_command_table *const tables[] = {
        &td_init_commands,
        &td_serve_commands,
        &td_tenant_commands,
        &td_user_commands,
        &td_app_commands,
        &td_device_commands,
        &td_device_action_commands,
        &td_action_commands,
        &td_device_list_commands,
        &td_device_repair_commands,
        &td_device_bulk_commands,
        &td_profile_commands,
        &td_status_page_commands,
        &td_management_commands,
        &td_group_commands,
        &td_policy_commands,
        &td_package_commands,
        &td_hash_commands,
        &td_audit_commands,
        &td_device_life_commands,
        &td_device_check_commands,
        &td_media_commands,
        &td_device_secret_commands,
        &td_tpm_commands,
        &td_code_commands,
        &td_device_provision_commands,
        &td_connector_commands,
        &td_connector_run_commands,
        &td_connector_domain_commands,
        &td_later_commands,
    };
    return td_cli_main(argc, argv, tables, TD_COUNTOF(tables), &td_env_real);
}
