#include "app/commands.h"
#include "app/spread.h"
#include "base/file.h"
#include "store/group.h"
#include "store/profile.h"

static const char actor[] = "command line";

struct ctx {
    struct td_cli *cli;
    struct td_profile settings;
    struct td_profile_row profile;
    struct td_group group;
    const char *display_name;
};

static enum td_code add(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    return td_profile_add(tx, c->cli->tenant.id, c->cli->args[0], &c->settings, actor, &c->cli->arena, &c->profile,
                          err);
}

static enum td_code run_add(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    TD_CLEANUP(td_buf_done) struct td_buf file;
    td_buf_init(&file, TD_PROFILE_MAX_JSON);
    td_try(td_file_read(td_cli_option(cli, "file"), &file, err));
    td_try(td_profile_parse(td_buf_slice(&file), &cli->arena, &c.settings, err));
    td_try(td_store_write(cli->store, add, &c, err));
    if (!cli->json) {
        td_cli_say(cli, "profile \"%s\" added: %s", c.profile.name, c.profile.id);
        return TD_OK;
    }
    struct td_jsonw w;
    td_jsonw_init(&w, &cli->out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "id", c.profile.id);
    td_jsonw_kstr(&w, "name", c.profile.name);
    td_jsonw_key(&w, "settings");
    td_profile_write(&c.settings, &w);
    td_jsonw_end(&w);
    td_buf_addc(&cli->out, '\n');
    return TD_OK;
}

static enum td_code assign(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    const char *tenant = c->cli->tenant.id, *group = td_cli_option(c->cli, "group");
    c->group.id = "";
    td_try(td_profile_find(tx, tenant, c->cli->args[0], &c->cli->arena, &c->profile, err));
    if (group != NULL)
        td_try(td_group_find(tx, tenant, group, &c->cli->arena, &c->group, err));
    return td_profile_assign(tx, tenant, c->profile.id, c->group.id, actor, err);
}

static enum td_code run_assign(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    bool all = td_cli_option(cli, "all-devices") != NULL;
    size_t devices = 0;
    td_try(td_store_write(cli->store, assign, &c, err));
    td_try(td_spread(cli, actor, &devices, err));
    if (!cli->json) {
        td_cli_say(cli, "profile \"%s\" is assigned to %s%s%s", c.profile.name, all ? "all devices" : "the group \"",
                   all ? "" : c.group.name, all ? "" : "\"");
        return TD_OK;
    }
    struct td_jsonw w;
    td_jsonw_init(&w, &cli->out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "profileId", c.profile.id);
    td_jsonw_kstr(&w, "groupId", c.group.id);
    td_jsonw_kbool(&w, "allDevices", all);
    td_jsonw_end(&w);
    td_buf_addc(&cli->out, '\n');
    return TD_OK;
}

static enum td_code read_profile(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    return td_profile_find(tx, c->cli->tenant.id, c->cli->args[0], &c->cli->arena, &c->profile, err);
}

static enum td_code run_export(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    td_try(td_store_read(cli->store, read_profile, &c, err));
    struct td_profile_answer around = {.tenant_id = cli->tenant.id,
                                       .tenant_domain = cli->tenant.domain,
                                       .tenant_name = cli->tenant.name,
                                       .profile_id = c.profile.id,
                                       .profile_name = c.profile.name,
                                       .device_name = ""};
    td_try(td_profile_export(&c.profile.settings, &around, &cli->out, err));
    td_buf_addc(&cli->out, '\n');
    return TD_OK;
}

static const struct td_command rows[] = {
    {.noun = "profile",
     .verb = "add",
     .args = "NAME",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .needs = "file",
     .about = "Adds a deployment profile.",
     .fields = "id; name; settings: every setting with its value",
     .run = run_add,
     .options = {{"file", "P.json", "settings, as docs/tasks/register.md lists them (- reads standard input)", false}}},
    {.noun = "profile",
     .verb = "assign",
     .args = "NAME",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .needs = "group|all-devices",
     .about = "Assigns a profile to a group, or to all devices that no group gives one.",
     .fields = "profileId; groupId: empty for all devices; allDevices",
     .run = run_assign,
     .options = {{"group", "G", "group by name or id", false},
                 {"all-devices", NULL, "every registered device", false}}},
    {.noun = "profile",
     .verb = "export",
     .args = "NAME",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Writes the profile as AutopilotConfigurationFile.json, for devices that are not registered.",
     .fields = "the file itself, with and without --json",
     .run = run_export},
};

const struct td_command_table td_profile_commands = {rows, TD_COUNTOF(rows)};
