/* Management services of others: who may be named by a profile (autopilot.md, row X07). */
#include "app/commands.h"
#include "store/foreign_management.h"

static const char actor[] = "command line";

struct ctx {
    struct td_cli *cli;
    struct td_foreign_management m;
};

static void write_service(struct td_jsonw *w, const struct td_foreign_management *m)
{
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "appId", m->app_id);
    td_jsonw_kstr(w, "name", m->name);
    td_jsonw_kstr(w, "enrolmentUrl", m->enrolment_url);
    td_jsonw_kstr(w, "termsUrl", m->terms_url);
    td_jsonw_kstr(w, "complianceUrl", m->compliance_url);
    td_jsonw_end(w);
}

static void say(struct td_cli *cli, const struct td_foreign_management *m, const char *what)
{
    struct td_jsonw w;
    if (!cli->json) {
        td_cli_say(cli, "management service \"%s\" %s: %s", m->name, what, m->app_id);
        return;
    }
    td_jsonw_init(&w, &cli->out);
    write_service(&w, m);
    td_buf_addc(&cli->out, '\n');
}

static const char *option(struct td_cli *cli, const char *name)
{
    const char *value = td_cli_option(cli, name);
    return value != NULL ? value : "";
}

static enum td_code add(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    const char *tenant = c->cli->tenant.id;
    const struct td_foreign_management m = {.app_id = option(c->cli, "app-id"),
                                            .name = c->cli->args[0],
                                            .enrolment_url = option(c->cli, "enrolment-url"),
                                            .terms_url = option(c->cli, "terms-url"),
                                            .compliance_url = option(c->cli, "compliance-url")};
    td_try(td_foreign_management_put(tx, tenant, &m, actor, err));
    return td_foreign_management_find(tx, tenant, m.app_id, &c->cli->arena, &c->m, err);
}

static enum td_code run_add(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    td_try(td_store_write(cli->store, add, &c, err));
    say(cli, &c.m, "is known");
    return TD_OK;
}

static enum td_code list(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    struct td_foreign_management *all;
    struct td_jsonw w;
    size_t n = 0;
    td_buf_reset(&c->cli->out);
    td_jsonw_init(&w, &c->cli->out);
    td_try(td_foreign_management_list(tx, c->cli->tenant.id, &c->cli->arena, &all, &n, err));
    if (c->cli->json)
        td_jsonw_arr(&w);
    for (size_t i = 0; i < n; i++) {
        if (c->cli->json)
            write_service(&w, &all[i]);
        else
            td_cli_say(c->cli, "%s  %s: %s", all[i].app_id, all[i].name, all[i].enrolment_url);
    }
    if (c->cli->json) {
        td_jsonw_arr_end(&w);
        td_buf_addc(&c->cli->out, '\n');
    }
    return TD_OK;
}

static enum td_code run_list(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    return td_store_read(cli->store, list, &c, err);
}

static enum td_code remove_service(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    td_try(td_foreign_management_find(tx, c->cli->tenant.id, c->cli->args[0], &c->cli->arena, &c->m, err));
    return td_foreign_management_remove(tx, c->cli->tenant.id, c->m.app_id, actor, err);
}

static enum td_code run_remove(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    td_try(td_store_write(cli->store, remove_service, &c, err));
    say(cli, &c.m, "removed");
    return TD_OK;
}

#define FIELDS "appId; name; enrolmentUrl; termsUrl; complianceUrl"

static const struct td_command rows[] = {
    {.noun = "management",
     .verb = "add",
     .args = "NAME",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .needs = "app-id enrolment-url",
     .about = "Tells of another management service, so that a profile may name it; the same id again changes it.",
     .fields = FIELDS,
     .run = run_add,
     .options = {{"app-id", "GUID", "its application id: managementServiceAppId of profiles", false},
                 {"enrolment-url", "URL", "where its devices enrol (MS-MDE2 discovery or enrolment address)", false},
                 {"terms-url", "URL", "its terms of use", false},
                 {"compliance-url", "URL", "its page about compliance", false}}},
    {.noun = "management",
     .verb = "list",
     .args = "",
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Lists the management services of others.",
     .fields = "list of " FIELDS,
     .run = run_list},
    {.noun = "management",
     .verb = "remove",
     .args = "NAME",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Forgets a management service that no profile names; NAME may be its id.",
     .fields = FIELDS,
     .run = run_remove},
};

const struct td_command_table td_management_commands = {rows, TD_COUNTOF(rows)};
