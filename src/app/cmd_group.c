#include "app/commands.h"
#include "app/spread.h"
#include "store/group.h"

static const char actor[] = "command line";

struct ctx {
    struct td_cli *cli;
    struct td_group group;
};

static enum td_code add(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    return td_group_add(tx, c->cli->tenant.id, c->cli->args[0], td_cli_option(c->cli, "rule"), actor, &c->cli->arena,
                        &c->group, err);
}

static enum td_code run_add(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    size_t slices = 0;
    td_try(td_store_write(cli->store, add, &c, err));
    if (c.group.rule[0] != '\0')
        td_try(td_spread(cli, &slices, err));
    if (!cli->json) {
        td_cli_say(cli, "group \"%s\" added: %s", c.group.name, c.group.id);
        return TD_OK;
    }
    struct td_jsonw w;
    td_jsonw_init(&w, &cli->out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "id", c.group.id);
    td_jsonw_kstr(&w, "name", c.group.name);
    td_jsonw_kstr(&w, "rule", c.group.rule);
    td_jsonw_end(&w);
    td_buf_addc(&cli->out, '\n');
    return TD_OK;
}

static const struct td_command rows[] = {
    {.noun = "group",
     .verb = "add",
     .args = "NAME",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Adds a group of devices, whose members a rule tells.",
     .fields = "id; name; rule",
     .run = run_add,
     .options = {{"rule", "RULE", "such as (device.devicePhysicalIds -any _ -eq \"[OrderID]:KIOSK\")", false}}},
};

const struct td_command_table td_group_commands = {rows, TD_COUNTOF(rows)};
