#include "app/commands.h"
#include "store/profile.h"

static const char actor[] = "command line";

struct ctx {
    struct td_cli *cli;
    struct td_tenant tenant;
};

static void write_tenant(struct td_jsonw *w, const struct td_tenant *t)
{
    td_jsonw_kstr(w, "tenant", t->id);
    td_jsonw_kstr(w, "domain", t->domain);
    td_jsonw_kstr(w, "name", t->name);
}

static enum td_code add(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    const char *name = td_cli_option(c->cli, "name");
    return td_tenant_add(tx, c->cli->args[0], name, &c->cli->arena, &c->tenant, err);
}

static enum td_code run_add(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    struct td_jsonw w;
    td_try(td_store_write(cli->store, add, &c, err));
    if (!cli->json) {
        td_cli_say(cli, "tenant %s added: %s", c.tenant.domain, c.tenant.id);
        return TD_OK;
    }
    td_jsonw_init(&w, &cli->out);
    td_jsonw_obj(&w);
    write_tenant(&w, &c.tenant);
    td_jsonw_end(&w);
    td_buf_addc(&cli->out, '\n');
    return TD_OK;
}

/* All or none: one transaction. */
static enum td_code set(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    for (int i = 0; i < c->cli->arg_count; i++) {
        struct td_slice key, value = td_cut(td_str(c->cli->args[i]), '=', &key);
        if (td_find(td_str(c->cli->args[i]), '=') == SIZE_MAX)
            return td_remedy(err, td_fail(err, TD_EINVAL, c->cli->args[i], "is no KEY=VALUE"),
                             "touchdown tenant show lists the settings");
        td_try(td_tenant_set(tx, c->cli->tenant.id, td_arena_text(&c->cli->arena, key),
                             td_arena_text(&c->cli->arena, value), actor, err));
    }
    return TD_OK;
}

static enum td_code show_json(struct ctx *c, struct td_tx *tx, struct td_error *err)
{
    struct td_jsonw w;
    int64_t unassigned = 0;
    td_try(td_profile_unassigned(tx, c->cli->tenant.id, &unassigned, err));
    td_jsonw_init(&w, &c->cli->out);
    td_jsonw_obj(&w);
    write_tenant(&w, &c->cli->tenant);
    td_jsonw_key(&w, "settings");
    td_jsonw_obj(&w);
    for (size_t i = 0; i < td_tenant_setting_count; i++) {
        const char *value = "";
        td_try(td_tenant_get(tx, c->cli->tenant.id, td_tenant_settings[i].key, &c->cli->arena, &value, err));
        td_jsonw_kstr(&w, td_tenant_settings[i].key, value);
    }
    td_jsonw_end(&w);
    td_jsonw_kint(&w, "unassignedDevices", unassigned);
    td_jsonw_end(&w);
    td_buf_addc(&c->cli->out, '\n');
    return TD_OK;
}

static enum td_code show(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    const struct td_tenant *t = &c->cli->tenant;
    int64_t unassigned = 0;
    td_buf_reset(&c->cli->out);
    if (c->cli->json)
        return show_json(c, tx, err);
    td_cli_say(c->cli, "tenant  %s\ndomain  %s\nname    %s", t->id, t->domain, t->name);
    for (size_t i = 0; i < td_tenant_setting_count; i++) {
        const struct td_setting *s = &td_tenant_settings[i];
        const char *value = "";
        td_try(td_tenant_get(tx, t->id, s->key, &c->cli->arena, &value, err));
        td_cli_say(c->cli, "%-20s %-10s %s", s->key, value, s->about);
    }
    td_try(td_profile_unassigned(tx, t->id, &unassigned, err));
    if (unassigned != 0)
        td_cli_say(c->cli, "warning: %lld registered device(s) have no profile: touchdown device list --unassigned",
                   (long long)unassigned);
    return TD_OK;
}

/* People see nothing when all is well; machines are told every setting as it is now. */
static enum td_code run_set(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    td_try(td_store_write(cli->store, set, &c, err));
    return cli->json ? td_store_read(cli->store, show, &c, err) : TD_OK;
}

static enum td_code run_show(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    return td_store_read(cli->store, show, &c, err);
}

static const struct td_command rows[] = {
    {.noun = "tenant",
     .verb = "add",
     .args = "DOMAIN",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE,
     .about = "Adds a tenant.",
     .fields = "tenant: its id; domain; name",
     .run = run_add,
     .options = {{"name", "NAME", "display name", false}}},
    {.noun = "tenant",
     .verb = "set",
     .args = "KEY=VALUE...",
     .min_args = 1,
     .max_args = -1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Changes settings of a tenant: all that are given, or none.",
     .fields = "as of tenant show",
     .run = run_set},
    {.noun = "tenant",
     .verb = "show",
     .args = "",
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Shows a tenant and its settings.",
     .fields = "tenant: its id; domain; name; settings: object of key and value as text; "
               "unassignedDevices: registered devices without a profile",
     .run = run_show},
};

const struct td_command_table td_tenant_commands = {rows, TD_COUNTOF(rows)};
