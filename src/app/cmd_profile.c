#include "app/commands.h"
#include "app/spread.h"
#include "base/file.h"
#include "store/group.h"
#include "store/profile.h"

static const char actor[] = "command line";

struct ctx {
    struct td_cli *cli;
    struct td_profile settings;
    const struct td_json *changes;
    struct td_profile_row profile;
    struct td_group group;
    struct td_profile_row *list;
    size_t count;
};

static const char *profile_key(const struct ctx *c)
{
    return c->cli->args[0];
}

/* ---- writing for machines and people ---- */

static void write_profile(struct td_jsonw *w, const struct td_profile_row *p)
{
    td_jsonw_kstr(w, "id", p->id);
    td_jsonw_kstr(w, "name", p->name);
    td_jsonw_key(w, "settings");
    td_profile_write(&p->settings, w);
}

static enum td_code write_targets(struct ctx *c, struct td_tx *tx, struct td_jsonw *w, const struct td_profile_row *p,
                                  struct td_error *err)
{
    struct td_profile_target *list;
    size_t n = 0;
    td_try(td_profile_targets(tx, c->cli->tenant.id, p->id, &c->cli->arena, &list, &n, err));
    td_jsonw_key(w, "assignments");
    td_jsonw_arr(w);
    for (size_t i = 0; i < n; i++) {
        td_jsonw_obj(w);
        td_jsonw_kstr(w, "groupId", list[i].group_id);
        td_jsonw_kstr(w, "group", list[i].group_name);
        td_jsonw_kbool(w, "allDevices", list[i].group_id[0] == '\0');
        td_jsonw_kbool(w, "excluded", list[i].excluded);
        td_jsonw_end(w);
    }
    td_jsonw_arr_end(w);
    return TD_OK;
}

static enum td_code write_whole(struct ctx *c, struct td_tx *tx, struct td_jsonw *w, const struct td_profile_row *p,
                                struct td_error *err)
{
    td_jsonw_obj(w);
    write_profile(w, p);
    td_jsonw_kint(w, "revision", p->revision);
    td_jsonw_ktime(w, "created", p->created_at);
    td_jsonw_ktime(w, "modified", p->modified_at);
    td_try(write_targets(c, tx, w, p, err));
    td_jsonw_end(w);
    return TD_OK;
}

/* "Kiosks, not Lab, all devices" */
static enum td_code targets_text(struct ctx *c, struct td_tx *tx, const struct td_profile_row *p, const char **ret,
                                 struct td_error *err)
{
    struct td_profile_target *list;
    struct td_arena *a = &c->cli->arena;
    const char *text = "";
    size_t n = 0;
    td_try(td_profile_targets(tx, c->cli->tenant.id, p->id, a, &list, &n, err));
    for (size_t i = 0; i < n; i++)
        text = td_arena_printf(a, "%s%s%s%s", text, i != 0 ? ", " : "", list[i].excluded ? "not " : "",
                               list[i].group_id[0] == '\0' ? "all devices" : list[i].group_name);
    *ret = n != 0 ? text : "nobody";
    return TD_OK;
}

/* ---- add, edit, remove ---- */

static enum td_code read_file(struct td_cli *cli, const struct td_json **ret, struct td_error *err)
{
    struct td_json *tree;
    TD_CLEANUP(td_buf_done) struct td_buf file;
    td_buf_init(&file, TD_PROFILE_MAX_JSON);
    td_try(td_file_read(td_cli_option(cli, "file"), &file, err));
    struct td_slice text = td_buf_slice(&file);
    if (td_starts(text, "\xEF\xBB\xBF"))
        text = td_sub(text, 3, text.n);
    td_try(td_json_parse(text, TD_PROFILE_MAX_JSON, &cli->arena, &tree, err));
    *ret = tree;
    return TD_OK;
}

static enum td_code add(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    return td_profile_add(tx, c->cli->tenant.id, c->cli->args[0], &c->settings, actor, &c->cli->arena, &c->profile,
                          err);
}

static void say_profile(struct td_cli *cli, const struct td_profile_row *p, const char *what)
{
    struct td_jsonw w;
    if (!cli->json) {
        td_cli_say(cli, "profile \"%s\" %s: %s", p->name, what, p->id);
        return;
    }
    td_jsonw_init(&w, &cli->out);
    td_jsonw_obj(&w);
    write_profile(&w, p);
    td_jsonw_end(&w);
    td_buf_addc(&cli->out, '\n');
}

static enum td_code run_add(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    td_try(read_file(cli, &c.changes, err));
    td_try(td_profile_read(c.changes, &cli->arena, &c.settings, err));
    td_try(td_store_write(cli->store, add, &c, err));
    say_profile(cli, &c.profile, "added");
    return TD_OK;
}

static enum td_code edit(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    struct td_profile settings;
    struct td_profile_row other;
    const char *tenant = c->cli->tenant.id, *name = td_cli_option(c->cli, "name");
    td_try(td_profile_find(tx, tenant, profile_key(c), &c->cli->arena, &c->profile, err));
    if (c->changes != NULL) {
        td_try(td_profile_merge(&c->profile.settings, c->changes, false, &c->cli->arena, &settings, err));
        c->profile.settings = settings;
    }
    if (name != NULL) {
        enum td_code rc = td_profile_find(tx, tenant, name, &c->cli->arena, &other, NULL);
        if ((rc == TD_OK && strcmp(other.id, c->profile.id) != 0) || rc == TD_EINVAL)
            return td_fail(err, TD_EEXISTS, "name", "there is a profile \"%s\" already", name);
        c->profile.name = name;
    }
    return td_profile_change(tx, tenant, &c->profile, actor, &c->cli->arena, err);
}

static enum td_code run_edit(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    size_t slices = 0;
    if (td_cli_option(cli, "file") == NULL && td_cli_option(cli, "name") == NULL) {
        cli->misused = true;
        return td_fail(err, TD_EINVAL, "profile edit", "give --file, --name or both");
    }
    if (td_cli_option(cli, "file") != NULL)
        td_try(read_file(cli, &c.changes, err));
    td_try(td_store_write(cli->store, edit, &c, err));
    td_try(td_spread(cli, &slices, err));
    say_profile(cli, &c.profile, "changed");
    return TD_OK;
}

static enum td_code remove_profile(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    const char *tenant = c->cli->tenant.id;
    td_try(td_profile_find(tx, tenant, profile_key(c), &c->cli->arena, &c->profile, err));
    return td_profile_remove(tx, tenant, c->profile.id, td_cli_option(c->cli, "force") != NULL, actor, &c->cli->arena,
                             err);
}

static enum td_code run_remove(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    size_t slices = 0;
    td_try(td_store_write(cli->store, remove_profile, &c, err));
    td_try(td_spread(cli, &slices, err));
    say_profile(cli, &c.profile, "removed");
    return TD_OK;
}

/* ---- list, show ---- */

static enum td_code list(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    struct td_jsonw w;
    td_buf_reset(&c->cli->out);
    td_try(td_profile_list(tx, c->cli->tenant.id, &c->cli->arena, &c->list, &c->count, err));
    td_jsonw_init(&w, &c->cli->out);
    if (c->cli->json)
        td_jsonw_arr(&w);
    for (size_t i = 0; i < c->count; i++) {
        const char *targets;
        if (c->cli->json) {
            td_try(write_whole(c, tx, &w, &c->list[i], err));
            continue;
        }
        td_try(targets_text(c, tx, &c->list[i], &targets, err));
        td_cli_say(c->cli, "%s  %s: %s", c->list[i].id, c->list[i].name, targets);
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

static enum td_code show(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    const char *name, *value, *targets;
    td_buf_reset(&c->cli->out);
    td_try(td_profile_find(tx, c->cli->tenant.id, profile_key(c), &c->cli->arena, &c->profile, err));
    if (c->cli->json) {
        struct td_jsonw w;
        td_jsonw_init(&w, &c->cli->out);
        td_try(write_whole(c, tx, &w, &c->profile, err));
        td_buf_addc(&c->cli->out, '\n');
        return TD_OK;
    }
    td_try(targets_text(c, tx, &c->profile, &targets, err));
    td_cli_say(c->cli, "%-40s %s\n%-40s %s\n%-40s %s", "profile", c->profile.name, "id", c->profile.id, "assigned to",
               targets);
    for (size_t i = 0; (name = td_profile_setting(&c->profile.settings, i, &c->cli->arena, &value)) != NULL; i++)
        td_cli_say(c->cli, "%-40s %s", name, value);
    return TD_OK;
}

static enum td_code run_show(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    return td_store_read(cli->store, show, &c, err);
}

/* ---- assign, unassign ---- */

static enum td_code find_target(struct ctx *c, struct td_tx *tx, struct td_error *err)
{
    const char *tenant = c->cli->tenant.id, *group = td_cli_option(c->cli, "group");
    c->group.id = "";
    td_try(td_profile_find(tx, tenant, profile_key(c), &c->cli->arena, &c->profile, err));
    return group != NULL ? td_group_find(tx, tenant, group, &c->cli->arena, &c->group, err) : TD_OK;
}

static enum td_code assign(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    td_try(find_target(c, tx, err));
    return td_profile_target_add(tx, c->cli->tenant.id, c->profile.id, c->group.id,
                                 td_cli_option(c->cli, "exclude") != NULL, actor, err);
}

static enum td_code unassign(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    td_try(find_target(c, tx, err));
    return td_profile_target_drop(tx, c->cli->tenant.id, c->profile.id, c->group.id,
                                  td_cli_option(c->cli, "exclude") != NULL, actor, err);
}

static enum td_code run_target(struct td_cli *cli, td_tx_fn *fn, const char *what, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    bool all = td_cli_option(cli, "all-devices") != NULL, excluded = td_cli_option(cli, "exclude") != NULL;
    size_t slices = 0;
    td_try(td_store_write(cli->store, fn, &c, err));
    td_try(td_spread(cli, &slices, err));
    if (!cli->json) {
        td_cli_say(cli, "profile \"%s\" %s %s%s%s", c.profile.name, what, all ? "all devices" : "the group \"",
                   all ? "" : c.group.name, all ? "" : "\"");
        return TD_OK;
    }
    struct td_jsonw w;
    td_jsonw_init(&w, &cli->out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "profileId", c.profile.id);
    td_jsonw_kstr(&w, "groupId", c.group.id);
    td_jsonw_kbool(&w, "allDevices", all);
    td_jsonw_kbool(&w, "excluded", excluded);
    td_jsonw_end(&w);
    td_buf_addc(&cli->out, '\n');
    return TD_OK;
}

static enum td_code run_assign(struct td_cli *cli, struct td_error *err)
{
    return run_target(cli, assign, td_cli_option(cli, "exclude") != NULL ? "excludes" : "is assigned to", err);
}

static enum td_code run_unassign(struct td_cli *cli, struct td_error *err)
{
    return run_target(cli, unassign,
                      td_cli_option(cli, "exclude") != NULL ? "no longer excludes" : "is no longer assigned to", err);
}

/* ---- export ---- */

static enum td_code read_profile(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    return td_profile_find(tx, c->cli->tenant.id, profile_key(c), &c->cli->arena, &c->profile, err);
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

#define FILE_OPTION                                                                                        \
    {                                                                                                      \
        "file", "P.json", "settings, as docs/tasks/profiles.md lists them (- reads standard input)", false \
    }
#define TARGET_OPTIONS                                                                                     \
    {"group", "G", "group by name or id", false}, {"all-devices", NULL, "every registered device", false}, \
    {                                                                                                      \
        "exclude", NULL, "the group's devices do not get it", false                                        \
    }
#define ONE_PROFILE(v) \
    .noun = "profile", .verb = (v), .args = "NAME", .min_args = 1, .max_args = 1, .flags = TD_CLI_STORE | TD_CLI_TENANT
#define WHOLE_FIELDS                                                                                       \
    "id; name; settings: every setting with its value; revision; created; modified; assignments: list of " \
    "groupId, group, allDevices, excluded"

static const struct td_command rows[] = {
    {ONE_PROFILE("add"), .needs = "file", .about = "Adds a deployment profile.",
     .fields = "id; name; settings: every setting with its value", .run = run_add, .options = {FILE_OPTION}},
    {.noun = "profile",
     .verb = "list",
     .args = "",
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Lists the profiles, oldest first, with their assignments.",
     .fields = "list of " WHOLE_FIELDS,
     .run = run_list},
    {ONE_PROFILE("show"), .about = "Shows a profile.", .fields = WHOLE_FIELDS, .run = run_show},
    {ONE_PROFILE("edit"),
     .about =
         "Changes a profile: what the file does not name stays. Devices that are deployed keep what they got until "
         "they are reset.",
     .fields = "id; name; settings: every setting with its value", .run = run_edit,
     .options = {FILE_OPTION, {"name", "NAME", "new name", false}}},
    {ONE_PROFILE("assign"), .needs = "group|all-devices",
     .about = "Assigns a profile to a group, or to all devices that no group gives one, or excludes a group from it.",
     .fields = "profileId; groupId: empty for all devices; allDevices; excluded", .run = run_assign,
     .options = {TARGET_OPTIONS}},
    {ONE_PROFILE("unassign"), .needs = "group|all-devices", .about = "Takes an assignment or an exclusion away.",
     .fields = "profileId; groupId: empty for all devices; allDevices; excluded", .run = run_unassign,
     .options = {TARGET_OPTIONS}},
    {ONE_PROFILE("remove"), .about = "Removes a profile that is not assigned.",
     .fields = "id; name; settings: every setting with its value", .run = run_remove,
     .options = {{"force", NULL, "take its assignments away as well", false}}},
    {ONE_PROFILE("export"),
     .about = "Writes the profile as AutopilotConfigurationFile.json, for devices that are not registered.",
     .fields = "the file itself, with and without --json", .run = run_export},
};

const struct td_command_table td_profile_commands = {rows, TD_COUNTOF(rows)};
