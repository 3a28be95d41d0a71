#include "app/commands.h"
#include "app/password.h"
#include "store/user.h"

static const char actor[] = "command line";

struct init {
    struct td_cli *cli;
    const char *domain, *admin;
    char *phc; /* NULL: the administrator is there already */
    struct td_tenant tenant;
    struct td_user user;
    bool made;
};

static enum td_code look(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct init *in = ctx;
    enum td_code rc = td_user_by_upn(tx, td_str(in->admin), &in->cli->arena, &in->user, err);
    in->made = rc == TD_ENOTFOUND;
    return in->made ? TD_OK : rc;
}

static enum td_code have_tenant(struct init *in, struct td_tx *tx, struct td_error *err)
{
    enum td_code rc = td_tenant_find(tx, td_str(in->domain), &in->cli->arena, &in->tenant, err);
    if (rc != TD_ENOTFOUND)
        return rc;
    return td_tenant_add(tx, in->domain, td_cli_option(in->cli, "name"), &in->cli->arena, &in->tenant, err);
}

static enum td_code make(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct init *in = ctx;
    td_try(have_tenant(in, tx, err));
    enum td_code rc = td_user_find(tx, in->tenant.id, td_str(in->admin), &in->cli->arena, &in->user, err);
    if (rc == TD_ENOTFOUND && in->phc != NULL)
        rc = td_user_add(tx, in->tenant.id, in->admin, NULL, in->phc, actor, &in->cli->arena, &in->user, err);
    td_try(rc);
    return td_user_role_add(tx, in->tenant.id, in->user.id, "Global Administrator", actor, err);
}

static void tell(const struct init *in)
{
    struct td_jsonw w;
    td_jsonw_init(&w, &in->cli->out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "tenant", in->tenant.id);
    td_jsonw_kstr(&w, "domain", in->tenant.domain);
    td_jsonw_kstr(&w, "admin", in->user.upn);
    td_jsonw_kbool(&w, "created", in->made);
    td_jsonw_end(&w);
    td_buf_addc(&in->cli->out, '\n');
}

/* Repeating changes nothing that is there: neither the administrator's password nor the tenant's name. */
static enum td_code run(struct td_cli *cli, struct td_error *err)
{
    struct init in = {.cli = cli, .domain = td_cli_option(cli, "tenant"), .admin = td_cli_option(cli, "admin")};
    td_try(td_upn_check(td_str(in.admin), err));
    td_try(td_store_read(cli->store, look, &in, err));
    if (in.made)
        td_try(td_cli_password(cli, &in.phc, err));
    td_try(td_store_write(cli->store, make, &in, err));
    tell(&in);
    return TD_OK;
}

static const struct td_command rows[] = {
    {.noun = "init",
     .args = "",
     .flags = TD_CLI_STORE | TD_CLI_CREATE,
     .needs = "tenant admin",
     .about = "Makes the store, a tenant (--tenant DOMAIN) and its first administrator; safe to repeat.",
     .fields =
         "tenant: id of the tenant; domain: its domain; admin: user name; created: false if all was there already",
     .run = run,
     .options = {{"admin", "UPN", "user name of the first administrator", false},
                 {"password-file", "FILE", "file with the administrator's password, for a new one; - is standard input",
                  false},
                 {"name", "NAME", "display name of the tenant", false}}},
};

const struct td_command_table td_init_commands = {rows, TD_COUNTOF(rows)};
