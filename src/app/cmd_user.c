#include "app/commands.h"
#include "app/password.h"
#include "store/user.h"

static const char actor[] = "command line";

struct ctx {
    struct td_cli *cli;
    char *phc;
    bool enable;
    struct td_user user;
};

static enum td_code find(struct ctx *c, struct td_tx *tx, struct td_error *err)
{
    return td_user_find(tx, c->cli->tenant.id, td_str(c->cli->args[0]), &c->cli->arena, &c->user, err);
}

static enum td_code add(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    struct td_cli *cli = c->cli;
    const char *role;
    td_try(td_user_add(tx, cli->tenant.id, cli->args[0], td_cli_option(cli, "name"), c->phc, actor, &cli->arena,
                       &c->user, err));
    for (int i = 0; (role = td_cli_option_at(cli, "role", i)) != NULL; i++)
        td_try(td_user_role_add(tx, cli->tenant.id, c->user.id, role, actor, err));
    return TD_OK;
}

static enum td_code write_user(struct td_jsonw *w, struct td_tx *tx, const struct td_user *u, struct td_arena *a,
                               struct td_error *err)
{
    const char *const *roles = NULL;
    td_try(td_user_roles(tx, u->tenant, u->id, a, &roles, err));
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "id", u->id);
    td_jsonw_kstr(w, "upn", u->upn);
    td_jsonw_kstr(w, "name", u->name);
    td_jsonw_kbool(w, "enabled", u->enabled);
    td_jsonw_key(w, "roles");
    td_jsonw_arr(w);
    for (; *roles != NULL; roles++)
        td_jsonw_str(w, *roles);
    td_jsonw_arr_end(w);
    td_jsonw_kstr(w, "source", u->source);
    if (u->source[0] != '\0') {
        td_jsonw_kstr(w, "domain", u->ad_domain);
        td_jsonw_kstr(w, "guid", u->ad_guid);
        td_jsonw_kstr(w, "sid", u->ad_sid);
        td_jsonw_kstr(w, "sam", u->sam);
        td_jsonw_ktime(w, "syncedAt", u->synced_at);
    }
    td_jsonw_end(w);
    return TD_OK;
}

/* Where a directory knows the account: behind its name. */
static const char *whence(const struct td_user *u, struct td_arena *a)
{
    return u->source[0] != '\0' ? td_arena_printf(a, "  (of %s)", u->ad_domain) : "";
}

static enum td_code tell(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    struct td_jsonw w;
    struct td_arena *a = &c->cli->arena;
    td_buf_reset(&c->cli->out);
    td_try(td_user_find(tx, c->cli->tenant.id, td_str(c->user.id), a, &c->user, err));
    if (!c->cli->json) {
        td_cli_say(c->cli, "user %s: %s", c->user.upn, c->user.id);
        return TD_OK;
    }
    td_jsonw_init(&w, &c->cli->out);
    td_try(write_user(&w, tx, &c->user, a, err));
    td_buf_addc(&c->cli->out, '\n');
    return TD_OK;
}

static enum td_code run_add(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    td_try(td_upn_check(td_str(cli->args[0]), err));
    td_try(td_cli_password(cli, &c.phc, err));
    td_try(td_store_write(cli->store, add, &c, err));
    return td_store_read(cli->store, tell, &c, err);
}

static enum td_code list(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    struct td_cli *cli = c->cli;
    struct td_user *users = NULL;
    struct td_jsonw w;
    size_t n = 0;
    td_buf_reset(&cli->out);
    td_try(td_user_list(tx, cli->tenant.id, &cli->arena, &users, &n, err));
    if (!cli->json) {
        for (size_t i = 0; i < n; i++)
            td_cli_say(cli, "%s  %s  %s%s%s", users[i].id, users[i].upn, users[i].name, whence(&users[i], &cli->arena),
                       users[i].enabled ? "" : "  (disabled)");
        return TD_OK;
    }
    td_jsonw_init(&w, &cli->out);
    td_jsonw_arr(&w);
    for (size_t i = 0; i < n; i++)
        td_try(write_user(&w, tx, &users[i], &cli->arena, err));
    td_jsonw_arr_end(&w);
    td_buf_addc(&cli->out, '\n');
    return TD_OK;
}

static enum td_code run_list(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    return td_store_read(cli->store, list, &c, err);
}

static enum td_code change(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    struct td_cli *cli = c->cli;
    td_try(find(c, tx, err));
    if (c->phc != NULL)
        return td_user_set_password(tx, cli->tenant.id, c->user.id, c->phc, actor, err);
    return td_user_enable(tx, cli->tenant.id, c->user.id, c->enable, actor, err);
}

/* People see nothing when all is well; machines are told the user as he is now. */
static enum td_code change_and_tell(struct ctx *c, struct td_error *err)
{
    td_try(td_store_write(c->cli->store, change, c, err));
    return c->cli->json ? td_store_read(c->cli->store, tell, c, err) : TD_OK;
}

static enum td_code run_password(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    td_try(td_cli_password(cli, &c.phc, err));
    return change_and_tell(&c, err);
}

static enum td_code run_enable(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli, .enable = strcmp(cli->command->verb, "enable") == 0};
    return change_and_tell(&c, err);
}

/* Several at once, or none of them. */
static enum td_code change_roles(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    const struct td_cli *cli = c->cli;
    bool add_them = strcmp(cli->command->verb, "role-add") == 0;
    td_try(find(c, tx, err));
    for (int i = 1; i < cli->arg_count; i++)
        td_try(add_them ? td_user_role_add(tx, cli->tenant.id, c->user.id, cli->args[i], actor, err)
                        : td_user_role_remove(tx, cli->tenant.id, c->user.id, cli->args[i], actor, err));
    return TD_OK;
}

static enum td_code run_roles(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    td_try(td_store_write(cli->store, change_roles, &c, err));
    return cli->json ? td_store_read(cli->store, tell, &c, err) : TD_OK;
}

static enum td_code drop(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    td_try(find(c, tx, err));
    return td_user_remove(tx, c->cli->tenant.id, c->user.id, actor, err);
}

static enum td_code run_remove(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    td_try(td_store_write(cli->store, drop, &c, err));
    if (cli->json)
        td_cli_say(cli, "{\"id\":\"%s\"}", c.user.id);
    return TD_OK;
}

static enum td_code show(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    struct td_cli *cli = c->cli;
    const char *const *roles = NULL;
    td_buf_reset(&cli->out);
    td_try(find(c, tx, err));
    if (cli->json)
        return tell(tx, c, err);
    td_try(td_user_roles(tx, c->user.tenant, c->user.id, &cli->arena, &roles, err));
    td_cli_say(cli, "%s  %s  %s%s%s", c->user.id, c->user.upn, c->user.name, whence(&c->user, &cli->arena),
               c->user.enabled ? "" : "  (disabled)");
    if (c->user.source[0] != '\0')
        td_cli_say(cli, "  account: %s, GUID %s, SID %s, last seen there %s", c->user.sam, c->user.ad_guid,
                   c->user.ad_sid, td_time_arena(&cli->arena, c->user.synced_at));
    for (; *roles != NULL; roles++)
        td_cli_say(cli, "  role: %s", *roles);
    return TD_OK;
}

static enum td_code run_show(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    return td_store_read(cli->store, show, &c, err);
}

static const struct td_command rows[] = {
    {.noun = "user",
     .verb = "add",
     .args = "UPN",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .needs = "password-file",
     .about = "Adds a user, who can sign in at once.",
     .fields = "id; upn: user name; name; enabled; roles: array of directory roles; source: \"ad\" of a person whom a "
               "directory domain knows, who then has domain, guid, sid, sam and syncedAt",
     .run = run_add,
     .options = {{"password-file", "FILE", "file with the password; - is standard input", false},
                 {"name", "NAME", "display name", false},
                 {"role", "ROLE", "directory role, for example \"Intune Administrator\"", true}}},
    {.noun = "user",
     .verb = "list",
     .args = "",
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Lists the users of a tenant.",
     .fields = "array of objects as of user add",
     .run = run_list},
    {.noun = "user",
     .verb = "show",
     .args = "UPN|ID",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Shows a user with his roles.",
     .fields = "as of user add",
     .run = run_show},
    {.noun = "user",
     .verb = "role-add",
     .args = "UPN|ID ROLE...",
     .min_args = 2,
     .max_args = -1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Gives directory roles to a user; they hold at once, for tokens given out before too.",
     .fields = "as of user add",
     .run = run_roles},
    {.noun = "user",
     .verb = "role-remove",
     .args = "UPN|ID ROLE...",
     .min_args = 2,
     .max_args = -1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Takes directory roles from a user, at once.",
     .fields = "as of user add",
     .run = run_roles},
    {.noun = "user",
     .verb = "remove",
     .args = "UPN|ID",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Removes a user with everything that was issued to him.",
     .fields = "id",
     .run = run_remove},
    {.noun = "user",
     .verb = "password",
     .args = "UPN|ID",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .needs = "password-file",
     .about = "Sets a new password; what was issued before is void.",
     .fields = "as of user add",
     .run = run_password,
     .options = {{"password-file", "FILE", "file with the password; - is standard input", false}}},
    {.noun = "user",
     .verb = "disable",
     .args = "UPN|ID",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Disables a user: refused at every door at once.",
     .fields = "as of user add",
     .run = run_enable},
    {.noun = "user",
     .verb = "enable",
     .args = "UPN|ID",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Enables a user again.",
     .fields = "as of user add",
     .run = run_enable},
};

const struct td_command_table td_user_commands = {rows, TD_COUNTOF(rows)};
