#include "api/configuration.h"
#include "app/commands.h"
#include "app/policy.h"
#include "base/file.h"
#include "store/group.h"

static const char actor[] = "command line";

struct ctx {
    struct td_cli *cli;
    const char *name;
    struct td_configuration row;
    const struct td_json *json;
    struct td_master master;
    bool replace;
    const char *done;            /* what was done with it, in words */
    bool to_whom;                /* and to whom */
    const char *const *warnings; /* what disturbs a kiosk where the item is assigned now */
    size_t warning_count;
};

static enum td_code put(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    struct td_configuration old;
    const struct td_json *json = NULL;
    struct td_arena *a = &c->cli->arena;
    const char *tenant = c->cli->tenant.id, *name = c->name, *id = "";
    enum td_code rc = td_configuration_find(tx, tenant, name, a, &old, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    if (rc == TD_OK && !c->replace)
        return td_remedy(err, td_fail(err, TD_EEXISTS, "name", "an item of this name exists already"),
                         "Give --replace to change it.");
    if (rc == TD_OK)
        id = old.id;
    c->done = rc == TD_OK ? " changed" : " added";
    td_try(td_configuration_link(tx, tenant, id, c->json, a, &json, err));
    td_try(td_configuration_make(&c->master, td_tx_env(tx), tenant, id, name, json, a, &c->row, err));
    if (rc == TD_OK && strcmp(old.kind, c->row.kind) != 0)
        return td_fail(err, TD_EINVAL, "kind", "an item keeps its kind (%s)", old.kind);
    return rc == TD_OK ? td_configuration_change(tx, tenant, &c->row, actor, err)
                       : td_configuration_add(tx, tenant, &c->row, actor, err);
}

static void say_item(struct ctx *c)
{
    struct td_cli *cli = c->cli;
    const struct td_configuration *row = &c->row;
    struct td_jsonw w;
    if (!cli->json) {
        const char *group = c->to_whom ? td_cli_option(cli, "group") : NULL;
        td_cli_say(cli, "%s \"%s\"%s%s%s%s: %s", row->kind, row->name, c->done,
                   group != NULL ? " the group \""
                   : c->to_whom  ? " all devices"
                                 : "",
                   group != NULL ? group : "", group != NULL ? "\"" : "", row->id);
        for (size_t i = 0; i < c->warning_count; i++)
            td_cli_say(cli, "warning: %s", c->warnings[i]);
        return;
    }
    td_jsonw_init(&w, &cli->out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "id", row->id);
    td_jsonw_kstr(&w, "name", row->name);
    td_jsonw_kstr(&w, "kind", row->kind);
    td_jsonw_key(&w, "warnings");
    td_jsonw_arr(&w);
    for (size_t i = 0; i < c->warning_count; i++)
        td_jsonw_str(&w, c->warnings[i]);
    td_jsonw_arr_end(&w);
    td_jsonw_end(&w);
    td_buf_addc(&cli->out, '\n');
}

enum td_code td_policy_put(struct td_cli *cli, const char *name, const struct td_json *json, bool replace,
                           struct td_error *err)
{
    struct ctx c = {.cli = cli, .name = name, .json = json, .replace = replace};
    td_try(td_master_load(td_store_dir(cli->store), cli->env, &c.master, err));
    enum td_code rc = td_store_write(cli->store, put, &c, err);
    td_master_done(&c.master);
    if (rc == TD_OK)
        say_item(&c);
    return rc;
}

static enum td_code run_add(struct td_cli *cli, struct td_error *err)
{
    const char *file = td_cli_option(cli, "file");
    TD_CLEANUP(td_buf_wipe) struct td_buf text;
    struct td_json *json;
    td_buf_init(&text, TD_ITEM_MAX);
    td_try(td_file_read(file, &text, err));
    td_try(td_json_parse(td_buf_slice(&text), TD_ITEM_MAX, &cli->arena, &json, err));
    return td_policy_put(cli, cli->args[0], json, td_cli_option(cli, "replace") != NULL, err);
}

static enum td_code target(struct td_tx *tx, struct ctx *c, const char **ret_group, struct td_error *err)
{
    struct td_cli *cli = c->cli;
    struct td_group group = {.id = ""};
    const char *name = td_cli_option(cli, "group");
    td_try(td_configuration_find(tx, cli->tenant.id, cli->args[0], &cli->arena, &c->row, err));
    if (name != NULL)
        td_try(td_group_find(tx, cli->tenant.id, name, &cli->arena, &group, err));
    *ret_group = group.id;
    return TD_OK;
}

static enum td_code is_met(struct td_tx *tx, struct ctx *c, const char *id, const char *group, bool *ret,
                           struct td_error *err)
{
    const char **targets = NULL;
    size_t n = 0;
    td_try(td_configuration_targets(tx, c->cli->tenant.id, id, &c->cli->arena, &targets, &n, err));
    *ret = false;
    for (size_t i = 0; i < n; i++)
        *ret = *ret || targets[i][0] == '\0' || group[0] == '\0' || strcmp(targets[i], group) == 0;
    return TD_OK;
}

/* Items of other groups may meet it on a device as well; what is said here is what surely does. */
static enum td_code look_around(struct td_tx *tx, struct ctx *c, const char *group, struct td_error *err)
{
    struct td_configuration *rows;
    size_t n = 0, kept = 0;
    td_try(td_configuration_list(tx, c->cli->tenant.id, &c->cli->arena, &rows, &n, err));
    for (size_t i = 0; i < n; i++) {
        bool met = false;
        td_try(is_met(tx, c, rows[i].id, group, &met, err));
        if (met)
            rows[kept++] = rows[i];
    }
    c->warning_count = td_configuration_conflicts(rows, kept, &c->cli->arena, &c->warnings);
    return TD_OK;
}

static enum td_code assign(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    const char *group = "";
    td_try(target(tx, c, &group, err));
    td_try(td_configuration_assign(tx, c->cli->tenant.id, c->row.id, group, actor, err));
    return look_around(tx, c, group, err);
}

static enum td_code unassign(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    const char *group = "";
    td_try(target(tx, c, &group, err));
    return td_configuration_unassign(tx, c->cli->tenant.id, c->row.id, group, actor, err);
}

static enum td_code remove_item(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    const char *group = "";
    td_try(target(tx, c, &group, err));
    return td_configuration_remove(tx, c->cli->tenant.id, c->row.id, actor, err);
}

static enum td_code write_and_say(struct td_cli *cli,
                                  enum td_code (*fn)(struct td_tx *tx, void *p, struct td_error *err), const char *done,
                                  struct td_error *err)
{
    struct ctx c = {.cli = cli, .done = done, .to_whom = fn != remove_item};
    td_try(td_store_write(cli->store, fn, &c, err));
    say_item(&c);
    return TD_OK;
}

static enum td_code run_assign(struct td_cli *cli, struct td_error *err)
{
    return write_and_say(cli, assign, " is assigned to", err);
}

static enum td_code run_unassign(struct td_cli *cli, struct td_error *err)
{
    return write_and_say(cli, unassign, " is no longer assigned to", err);
}

static enum td_code run_remove(struct td_cli *cli, struct td_error *err)
{
    return write_and_say(cli, remove_item, " is removed", err);
}

static enum td_code write_targets(struct td_cli *cli, struct td_tx *tx, const char *id, struct td_jsonw *w,
                                  struct td_error *err)
{
    const char **targets;
    size_t n;
    td_try(td_configuration_targets(tx, cli->tenant.id, id, &cli->arena, &targets, &n, err));
    td_jsonw_key(w, "assigned");
    td_jsonw_arr(w);
    for (size_t i = 0; i < n; i++)
        td_jsonw_str(w, targets[i][0] != '\0' ? targets[i] : "all-devices");
    td_jsonw_arr_end(w);
    return TD_OK;
}

static enum td_code write_row(struct td_cli *cli, struct td_tx *tx, const struct td_configuration *row,
                              struct td_jsonw *w, struct td_error *err)
{
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "id", row->id);
    td_jsonw_kstr(w, "name", row->name);
    td_jsonw_kstr(w, "kind", row->kind);
    td_jsonw_kint(w, "revision", row->revision);
    td_jsonw_ktime(w, "modified", row->modified_at);
    td_try(write_targets(cli, tx, row->id, w, err));
    td_jsonw_key(w, "item");
    td_jsonw_raw(w, td_str(row->body));
    td_jsonw_end(w);
    return TD_OK;
}

static enum td_code list(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    struct td_cli *cli = c->cli;
    struct td_configuration *rows;
    struct td_jsonw w;
    size_t n;
    td_buf_reset(&cli->out);
    td_try(td_configuration_list(tx, cli->tenant.id, &cli->arena, &rows, &n, err));
    if (!cli->json) {
        for (size_t i = 0; i < n; i++)
            td_cli_say(cli, "%s  %-16s  %s (revision %lld)", rows[i].id, rows[i].kind, rows[i].name,
                       (long long)rows[i].revision);
        return TD_OK;
    }
    td_jsonw_init(&w, &cli->out);
    td_jsonw_arr(&w);
    for (size_t i = 0; i < n; i++)
        td_try(write_row(cli, tx, &rows[i], &w, err));
    td_jsonw_arr_end(&w);
    td_buf_addc(&cli->out, '\n');
    return TD_OK;
}

static enum td_code run_list(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    return td_store_read(cli->store, list, &c, err);
}

static const struct td_command rows[] = {
    {.noun = "policy",
     .verb = "add",
     .args = "NAME",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .needs = "file",
     .about =
         "Adds a configuration item: policy, msi, root-certificate, wifi, vpn, edition, status-page, kiosk, shared-pc, "
         "domain-join or co-management.",
     .fields = "id; name; kind; warnings",
     .run = run_add,
     .options = {{"file", "FILE.json", "the item (docs/tasks/configure.md); - is standard input", false},
                 {"replace", NULL, "change the item of this name", false}}},
    {.noun = "policy",
     .verb = "assign",
     .args = "NAME",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .needs = "group|all-devices",
     .about = "Assigns a configuration item; devices get it in their next session.",
     .fields = "id; name; kind; warnings: what stands in the way of a kiosk there",
     .run = run_assign,
     .options = {{"group", "GROUP", "name or id of a group", false},
                 {"all-devices", NULL, "every device of the tenant", false}}},
    {.noun = "policy",
     .verb = "unassign",
     .args = "NAME",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .needs = "group|all-devices",
     .about =
         "Takes an assignment back: a kiosk or a shared PC goes from devices in their next session, other settings "
         "stay as they are there.",
     .fields = "id; name; kind; warnings",
     .run = run_unassign,
     .options = {{"group", "GROUP", "name or id of a group", false},
                 {"all-devices", NULL, "every device of the tenant", false}}},
    {.noun = "policy",
     .verb = "remove",
     .args = "NAME",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Removes a configuration item with its assignments; from devices goes what unassign takes away.",
     .fields = "id; name; kind; warnings",
     .run = run_remove},
    {.noun = "policy",
     .verb = "list",
     .args = "",
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Lists the configuration items of a tenant; secrets are left out.",
     .fields = "array of: id; name; kind; revision; modified; assigned: ids of groups, or all-devices; item: its JSON",
     .run = run_list},
};

const struct td_command_table td_policy_commands = {rows, TD_COUNTOF(rows)};
