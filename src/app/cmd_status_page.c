#include "app/commands.h"
#include "base/file.h"
#include "store/enrolment_configuration.h"
#include "store/group.h"
#include "store/profile.h"

static const char actor[] = "command line";

struct ctx {
    struct td_cli *cli;
    const struct td_json *changes;
    struct td_ec page;
    struct td_ec_target target;
    int64_t priority;
};

static enum td_code find_page(struct ctx *c, struct td_tx *tx, struct td_error *err)
{
    td_try(td_ec_find(tx, c->cli->tenant.id, c->cli->args[0], &c->cli->arena, &c->page, err));
    return c->page.kind == TD_EC_PAGE
               ? TD_OK
               : td_fail(err, TD_ENOTFOUND, "status-page", "there is no status page \"%.120s\"", c->cli->args[0]);
}

/* ---- writing for machines and people ---- */

static enum td_code write_page(struct ctx *c, struct td_tx *tx, const struct td_ec *p, struct td_jsonw *w,
                               struct td_error *err)
{
    struct td_ec_target *list;
    size_t n = 0;
    td_try(td_ec_targets(tx, c->cli->tenant.id, p->id, &c->cli->arena, &list, &n, err));
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "id", p->id);
    td_jsonw_kstr(w, "name", p->name);
    td_jsonw_kstr(w, "description", p->description);
    td_jsonw_kint(w, "priority", p->priority);
    td_jsonw_kbool(w, "default", p->is_default);
    td_jsonw_key(w, "settings");
    td_status_page_write(&p->page, w);
    td_jsonw_key(w, "assignments");
    td_jsonw_arr(w);
    for (size_t i = 0; i < n; i++) {
        td_jsonw_obj(w);
        td_jsonw_kstr(w, "target", list[i].id);
        td_jsonw_kstr(w, "name", list[i].name);
        td_jsonw_kbool(w, "excluded", list[i].excluded);
        td_jsonw_end(w);
    }
    td_jsonw_arr_end(w);
    const char *warning = td_status_page_warning(&p->page);
    td_jsonw_kstr(w, "warning", warning != NULL ? warning : "");
    td_jsonw_end(w);
    return TD_OK;
}

static enum td_code say_line(struct ctx *c, struct td_tx *tx, const struct td_ec *p, struct td_error *err)
{
    struct td_ec_target *list;
    const char *text = p->is_default ? "everyone else" : "nobody";
    size_t n = 0;
    td_try(td_ec_targets(tx, c->cli->tenant.id, p->id, &c->cli->arena, &list, &n, err));
    for (size_t i = 0; i < n; i++)
        text = td_arena_printf(&c->cli->arena, "%s%s%s%s", i != 0 ? text : "", i != 0 ? ", " : "",
                               list[i].excluded ? "not " : "", list[i].name);
    td_cli_say(c->cli, "%2lld  %s: %s", (long long)p->priority, p->name, text);
    return TD_OK;
}

static enum td_code answer(struct ctx *c, struct td_tx *tx, struct td_error *err)
{
    struct td_jsonw w;
    const char *name, *value, *warning = td_status_page_warning(&c->page.page);
    td_buf_reset(&c->cli->out);
    if (c->cli->json) {
        td_jsonw_init(&w, &c->cli->out);
        td_try(write_page(c, tx, &c->page, &w, err));
        td_buf_addc(&c->cli->out, '\n');
        return TD_OK;
    }
    td_try(say_line(c, tx, &c->page, err));
    for (size_t i = 0; (name = td_status_page_setting(&c->page.page, i, &c->cli->arena, &value)) != NULL; i++)
        td_cli_say(c->cli, "    %-40s %s", name, value);
    if (warning != NULL)
        td_cli_say(c->cli, "warning: %s", warning);
    return TD_OK;
}

/* ---- add, edit, remove ---- */

static enum td_code read_file(struct ctx *c, struct td_error *err)
{
    struct td_json *tree;
    TD_CLEANUP(td_buf_done) struct td_buf file;
    td_buf_init(&file, TD_STATUS_PAGE_MAX_JSON);
    td_try(td_file_read(td_cli_option(c->cli, "file"), &file, err));
    td_try(td_json_parse(td_buf_slice(&file), TD_STATUS_PAGE_MAX_JSON, &c->cli->arena, &tree, err));
    c->changes = tree;
    return TD_OK;
}

static enum td_code add(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    struct td_ec same;
    const char *text = td_json_str(c->changes, "description");
    struct td_ec made = {.name = c->cli->args[0], .description = text != NULL ? text : ""};
    td_status_page_defaults(false, &made.page);
    if (td_ec_find(tx, c->cli->tenant.id, made.name, &c->cli->arena, &same, NULL) != TD_ENOTFOUND)
        return td_fail(err, TD_EEXISTS, "name", "there is a status page \"%s\" already", made.name);
    td_try(td_status_page_merge(&made.page, c->changes, false, &c->cli->arena, &made.page, err));
    td_try(td_ec_add(tx, c->cli->tenant.id, &made, actor, &c->cli->arena, &c->page, err));
    return answer(c, tx, err);
}

static enum td_code edit(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    const char *name = td_cli_option(c->cli, "name"), *text = td_json_str(c->changes, "description");
    td_try(find_page(c, tx, err));
    if (c->changes != NULL)
        td_try(td_status_page_merge(&c->page.page, c->changes, false, &c->cli->arena, &c->page.page, err));
    c->page.name = name != NULL ? name : c->page.name;
    c->page.description = text != NULL ? text : c->page.description;
    td_try(td_ec_change(tx, c->cli->tenant.id, &c->page, actor, &c->cli->arena, err));
    return answer(c, tx, err);
}

static enum td_code remove_page(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    td_try(find_page(c, tx, err));
    return td_ec_remove(tx, c->cli->tenant.id, c->page.id, actor, &c->cli->arena, err);
}

static enum td_code run_add(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    td_try(read_file(&c, err));
    return td_store_write(cli->store, add, &c, err);
}

static enum td_code run_edit(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    if (td_cli_option(cli, "file") == NULL && td_cli_option(cli, "name") == NULL) {
        cli->misused = true;
        return td_fail(err, TD_EINVAL, "status-page edit", "give --file, --name or both");
    }
    if (td_cli_option(cli, "file") != NULL)
        td_try(read_file(&c, err));
    return td_store_write(cli->store, edit, &c, err);
}

static enum td_code run_remove(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    struct td_jsonw w;
    td_try(td_store_write(cli->store, remove_page, &c, err));
    if (!cli->json) {
        td_cli_say(cli, "status page \"%s\" removed", c.page.name);
        return TD_OK;
    }
    td_jsonw_init(&w, &cli->out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "id", c.page.id);
    td_jsonw_end(&w);
    td_buf_addc(&cli->out, '\n');
    return TD_OK;
}

/* ---- list, show ---- */

static enum td_code show(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    td_try(find_page(c, tx, err));
    return answer(c, tx, err);
}

static enum td_code run_show(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    return td_store_read(cli->store, show, &c, err);
}

static enum td_code list(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    struct td_ec *all;
    struct td_jsonw w;
    size_t n = 0;
    td_buf_reset(&c->cli->out);
    td_jsonw_init(&w, &c->cli->out);
    td_try(td_ec_list(tx, c->cli->tenant.id, &c->cli->arena, &all, &n, err));
    if (c->cli->json)
        td_jsonw_arr(&w);
    for (size_t i = 0; i < n; i++) {
        if (all[i].kind != TD_EC_PAGE)
            continue;
        td_try(c->cli->json ? write_page(c, tx, &all[i], &w, err) : say_line(c, tx, &all[i], err));
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

/* ---- assign, unassign, priority ---- */

static enum td_code find_target(struct ctx *c, struct td_tx *tx, struct td_error *err)
{
    struct td_group g;
    const char *group = td_cli_option(c->cli, "group");
    td_try(find_page(c, tx, err));
    c->target =
        (struct td_ec_target){.id = td_cli_option(c->cli, "all-devices") != NULL ? TD_ALL_DEVICES : TD_ALL_USERS,
                              .name = "",
                              .excluded = td_cli_option(c->cli, "exclude") != NULL};
    if (group == NULL)
        return TD_OK;
    td_try(td_group_find(tx, c->cli->tenant.id, group, &c->cli->arena, &g, err));
    c->target.id = g.id;
    return TD_OK;
}

static enum td_code assign(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    td_try(find_target(c, tx, err));
    td_try(td_ec_target_add(tx, c->cli->tenant.id, c->page.id, &c->target, actor, err));
    return answer(c, tx, err);
}

static enum td_code unassign(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    td_try(find_target(c, tx, err));
    td_try(td_ec_target_drop(tx, c->cli->tenant.id, c->page.id, &c->target, actor, err));
    return answer(c, tx, err);
}

static enum td_code set_priority(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    td_try(find_page(c, tx, err));
    td_try(td_ec_set_priority(tx, c->cli->tenant.id, c->page.id, c->priority, actor, &c->cli->arena, err));
    td_try(find_page(c, tx, err));
    return answer(c, tx, err);
}

static enum td_code run_assign(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    return td_store_write(cli->store, assign, &c, err);
}

static enum td_code run_unassign(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    return td_store_write(cli->store, unassign, &c, err);
}

static enum td_code run_priority(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    if (!td_parse_i64(td_str(cli->args[1]), &c.priority)) {
        cli->misused = true;
        return td_fail(err, TD_EINVAL, "N", "must be a number, 1 for the highest");
    }
    return td_store_write(cli->store, set_priority, &c, err);
}

#define PAGE_FIELDS                                                                                         \
    "id; name; description; priority: 1 is the highest, 0 the default's; default; settings: every setting " \
    "with its value; assignments: list of target, name, excluded; warning: empty if nothing is odd"
#define FILE_OPTION                                                                                           \
    {                                                                                                         \
        "file", "P.json", "settings, as docs/tasks/status-page.md lists them (- reads standard input)", false \
    }
#define TARGET_OPTIONS                                                                                               \
    {"group", "G", "group of devices or users, by name or id", false}, {"all-devices", NULL, "every device", false}, \
        {"all-users", NULL, "every user", false},                                                                    \
    {                                                                                                                \
        "exclude", NULL, "the group does not get it", false                                                          \
    }
#define PAGE(v, shown, n)                                                                  \
    .noun = "status-page", .verb = (v), .args = (shown), .min_args = (n), .max_args = (n), \
    .flags = TD_CLI_STORE | TD_CLI_TENANT, .fields = PAGE_FIELDS

static const struct td_command rows[] = {
    {PAGE("add", "NAME", 1), .needs = "file", .about = "Adds a status page, behind those that are there.",
     .run = run_add, .options = {FILE_OPTION}},
    {.noun = "status-page",
     .verb = "list",
     .args = "",
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Lists the status pages by priority; the default, numbered 0, holds where no other does.",
     .fields = "list of " PAGE_FIELDS,
     .run = run_list},
    {PAGE("show", "NAME", 1), .about = "Shows a status page; \"default\" names the default one.", .run = run_show},
    {PAGE("edit", "NAME", 1), .about = "Changes a status page: what the file does not name stays.", .run = run_edit,
     .options = {FILE_OPTION, {"name", "NAME", "new name", false}}},
    {PAGE("assign", "NAME", 1), .needs = "group|all-devices|all-users",
     .about = "Assigns a status page to a group, to all devices or to all users, or excludes a group from it.",
     .run = run_assign, .options = {TARGET_OPTIONS}},
    {PAGE("unassign", "NAME", 1), .needs = "group|all-devices|all-users",
     .about = "Takes an assignment or an exclusion away.", .run = run_unassign, .options = {TARGET_OPTIONS}},
    {PAGE("priority", "NAME N", 2), .about = "Moves a status page; 1 is the highest.", .run = run_priority},
    {.noun = "status-page",
     .verb = "remove",
     .args = "NAME",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Removes a status page with its assignments.",
     .fields = "id",
     .run = run_remove},
};

const struct td_command_table td_status_page_commands = {rows, TD_COUNTOF(rows)};
