#include "app/commands.h"
#include "app/spread.h"
#include "store/device.h"
#include "store/group.h"
#include "store/registration.h"
#include "store/user.h"

enum { MAX_MEMBERS = 200000 };

static const char actor[] = "command line";
static const char *const kind_words[] = {"by-hand", "devices-by-rule", "users-by-rule"};

struct ctx {
    struct td_cli *cli;
    struct td_group group, *list;
    struct td_group_member *members;
    size_t count;
    const char *object, *object_name; /* a member: its directory id and what people call it */
    struct td_group_verdict verdict;
};

static bool of_directory(const struct td_group *g)
{
    return g->source != NULL && g->source[0] != '\0';
}

static void group_json(struct td_jsonw *w, const struct td_group *g)
{
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "id", g->id);
    td_jsonw_kstr(w, "name", g->name);
    td_jsonw_kstr(w, "description", g->description);
    td_jsonw_kstr(w, "rule", g->rule);
    td_jsonw_kstr(w, "kind", kind_words[g->kind]);
    td_jsonw_kstr(w, "status", g->kind == TD_GROUP_BY_HAND ? "" : td_group_status(g));
    td_jsonw_kstr(w, "problem", g->problem);
    td_jsonw_ktime(w, "createdAt", g->created_at);
    td_jsonw_ktime(w, "membersAt", g->members_at);
    td_jsonw_kstr(w, "domain", of_directory(g) ? g->ad_domain : NULL);
    td_jsonw_end(w);
}

static void say_group(struct td_cli *cli, const struct td_group *g)
{
    struct td_jsonw w;
    if (cli->json) {
        td_jsonw_init(&w, &cli->out);
        group_json(&w, g);
        td_buf_addc(&cli->out, '\n');
        return;
    }
    if (of_directory(g))
        td_cli_say(cli, "%s  %s  (of %s)", g->id, g->name, g->ad_domain);
    else
        td_cli_say(cli, "%s  %s  %s%s%s", g->id, g->name, kind_words[g->kind], g->kind != TD_GROUP_BY_HAND ? "  " : "",
                   g->kind != TD_GROUP_BY_HAND ? td_group_status(g) : "");
    if (g->rule[0] != '\0')
        td_cli_say(cli, "    %s", g->rule);
    if (g->problem[0] != '\0')
        td_cli_say(cli, "    cannot be evaluated: %s", g->problem);
}

static enum td_code find(struct td_tx *tx, struct ctx *c, struct td_error *err)
{
    return td_group_find(tx, c->cli->tenant.id, c->cli->args[0], &c->cli->arena, &c->group, err);
}

/* A device by serial number or any of its ids, a user by name or id. */
static enum td_code find_object(struct td_tx *tx, struct ctx *c, const char *key, struct td_error *err)
{
    struct td_cli *cli = c->cli;
    struct td_registration r;
    struct td_device_row d;
    struct td_user u;
    char id[TD_UUID_TEXT];
    enum td_code rc = td_registration_find_any(tx, cli->tenant.id, key, &cli->arena, &r, err);
    c->object_name = key;
    if (rc == TD_OK) {
        rc = td_device_find_registration(tx, cli->tenant.id, r.id, &cli->arena, &d, err);
        c->object = rc == TD_OK ? d.id : "";
        return rc;
    }
    if (rc != TD_ENOTFOUND)
        return rc;
    rc = td_user_find(tx, cli->tenant.id, td_str(key), &cli->arena, &u, NULL);
    if (rc == TD_OK)
        c->object = u.id;
    else if (td_uuid_parse(td_str(key), id))
        c->object = td_arena_strdup(&cli->arena, id);
    else
        return td_remedy(err, td_fail(err, TD_ENOTFOUND, "member", "there is no device and no user \"%.100s\"", key),
                         "give a serial number, the id of a device, or a user's name");
    return TD_OK;
}

/* --- add, edit, remove --- */

static enum td_code add(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    const struct td_group_new what = {.name = c->cli->args[0],
                                      .rule = td_cli_option(c->cli, "rule"),
                                      .description = td_cli_option(c->cli, "description"),
                                      .unique = true};
    return td_group_create(tx, c->cli->tenant.id, &what, actor, &c->cli->arena, &c->group, err);
}

static enum td_code again(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    return td_group_find(tx, c->cli->tenant.id, c->group.id, &c->cli->arena, &c->group, err);
}

static enum td_code run_add(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    size_t slices = 0;
    td_try(td_store_write(cli->store, add, &c, err));
    if (c.group.rule[0] != '\0')
        td_try(td_spread(cli, &slices, err));
    td_try(td_store_read(cli->store, again, &c, err));
    if (cli->json)
        say_group(cli, &c.group);
    else
        td_cli_say(cli, "group \"%s\" added: %s", c.group.name, c.group.id);
    return TD_OK;
}

static enum td_code edit(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    struct td_cli *cli = c->cli;
    bool dynamic = td_cli_option(cli, "by-hand") == NULL, paused = td_cli_option(cli, "pause") != NULL;
    struct td_group_change change = {.name = td_cli_option(cli, "name"),
                                     .description = td_cli_option(cli, "description"),
                                     .rule = td_cli_option(cli, "rule")};
    if (change.rule != NULL || !dynamic)
        change.dynamic = &dynamic;
    if (paused || td_cli_option(cli, "resume") != NULL)
        change.paused = &paused;
    td_try(find(tx, c, err));
    return td_group_change(tx, cli->tenant.id, c->group.id, &change, actor, err);
}

static enum td_code run_edit(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    size_t slices = 0;
    bool both = (td_cli_option(cli, "rule") != NULL && td_cli_option(cli, "by-hand") != NULL) ||
                (td_cli_option(cli, "pause") != NULL && td_cli_option(cli, "resume") != NULL);
    if (both) {
        cli->misused = true;
        return td_fail(err, TD_EINVAL, "group edit", "--rule or --by-hand, --pause or --resume, not both");
    }
    td_try(td_store_write(cli->store, edit, &c, err));
    td_try(td_spread(cli, &slices, err));
    td_try(td_store_read(cli->store, again, &c, err));
    say_group(cli, &c.group);
    return TD_OK;
}

static enum td_code remove_group(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    td_try(find(tx, c, err));
    return td_group_remove(tx, c->cli->tenant.id, c->group.id, actor, err);
}

static enum td_code run_remove(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    size_t slices = 0;
    td_try(td_store_write(cli->store, remove_group, &c, err));
    td_try(td_spread(cli, &slices, err));
    if (cli->json)
        td_cli_say(cli, "{\"id\":\"%s\"}", c.group.id);
    else
        td_cli_say(cli, "group \"%s\" removed, with its assignments", c.group.name);
    return TD_OK;
}

/* --- list, show, members --- */

static enum td_code list(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    return td_group_list(tx, c->cli->tenant.id, &c->cli->arena, &c->list, &c->count, err);
}

static enum td_code run_list(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    struct td_jsonw w;
    td_try(td_store_read(cli->store, list, &c, err));
    td_jsonw_init(&w, &cli->out);
    if (cli->json)
        td_jsonw_arr(&w);
    for (size_t i = 0; i < c.count; i++)
        cli->json ? group_json(&w, &c.list[i]) : say_group(cli, &c.list[i]);
    if (cli->json) {
        td_jsonw_arr_end(&w);
        td_buf_addc(&cli->out, '\n');
    }
    return TD_OK;
}

static enum td_code show(struct td_tx *tx, void *p, struct td_error *err)
{
    return find(tx, p, err);
}

static enum td_code run_show(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    td_try(td_store_read(cli->store, show, &c, err));
    say_group(cli, &c.group);
    return TD_OK;
}

static enum td_code members(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    td_try(find(tx, c, err));
    return td_group_members(tx, c->cli->tenant.id, c->group.id, MAX_MEMBERS, &c->cli->arena, &c->members, &c->count,
                            err);
}

static void member_json(struct td_jsonw *w, const struct td_group_member *m)
{
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "id", m->id);
    td_jsonw_kstr(w, "kind", m->is_user ? "user" : "device");
    td_jsonw_kstr(w, "name", m->name);
    td_jsonw_kstr(w, "serialNumber", m->serial);
    td_jsonw_end(w);
}

static enum td_code run_members(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    struct td_jsonw w;
    td_try(td_store_read(cli->store, members, &c, err));
    td_jsonw_init(&w, &cli->out);
    if (cli->json)
        td_jsonw_arr(&w);
    for (size_t i = 0; i < c.count; i++) {
        if (cli->json)
            member_json(&w, &c.members[i]);
        else
            td_cli_say(cli, "%s  %-6s  %s%s%s", c.members[i].id, c.members[i].is_user ? "user" : "device",
                       c.members[i].name, c.members[i].serial[0] != '\0' ? "  " : "", c.members[i].serial);
    }
    if (cli->json) {
        td_jsonw_arr_end(&w);
        td_buf_addc(&cli->out, '\n');
    }
    return TD_OK;
}

/* --- members by hand --- */

static enum td_code change_member(struct td_tx *tx, struct ctx *c, bool put, struct td_error *err)
{
    td_try(find(tx, c, err));
    td_try(find_object(tx, c, c->cli->args[1], err));
    return put ? td_group_member_add(tx, c->cli->tenant.id, c->group.id, c->object, actor, err)
               : td_group_member_remove(tx, c->cli->tenant.id, c->group.id, c->object, actor, err);
}

static enum td_code put_member(struct td_tx *tx, void *p, struct td_error *err)
{
    return change_member(tx, p, true, err);
}

static enum td_code take_member(struct td_tx *tx, void *p, struct td_error *err)
{
    return change_member(tx, p, false, err);
}

static enum td_code run_member(struct td_cli *cli, td_tx_fn *fn, const char *done, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    td_try(td_store_write(cli->store, fn, &c, err));
    if (cli->json)
        td_cli_say(cli, "{\"groupId\":\"%s\",\"memberId\":\"%s\"}", c.group.id, c.object);
    else
        td_cli_say(cli, "%s %s the group \"%s\"", c.object_name, done, c.group.name);
    return TD_OK;
}

static enum td_code run_add_member(struct td_cli *cli, struct td_error *err)
{
    return run_member(cli, put_member, "is in", err);
}

static enum td_code run_remove_member(struct td_cli *cli, struct td_error *err)
{
    return run_member(cli, take_member, "is no longer in", err);
}

/* --- a rule tried --- */

static enum td_code evaluate(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    struct td_cli *cli = c->cli;
    const char *rule = td_cli_option(cli, "rule"), *group = td_cli_option(cli, "group");
    if (group != NULL) {
        td_try(td_group_find(tx, cli->tenant.id, group, &cli->arena, &c->group, err));
        rule = c->group.rule;
    }
    if (rule[0] == '\0')
        return td_fail(err, TD_EINVAL, "rule", "there is none: the members are set by hand");
    td_try(find_object(tx, c, cli->args[0], err));
    return td_group_try(tx, cli->tenant.id, rule, c->object, &cli->arena, &c->verdict, err);
}

static enum td_code run_evaluate(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    struct td_jsonw w;
    td_try(td_store_read(cli->store, evaluate, &c, err));
    if (!cli->json) {
        td_cli_say(cli, "%s %s a member: %s", c.object_name, c.verdict.member ? "is" : "is not", c.verdict.why);
        return TD_OK;
    }
    td_jsonw_init(&w, &cli->out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "memberId", c.object);
    td_jsonw_kbool(&w, "member", c.verdict.member);
    td_jsonw_kstr(&w, "why", c.verdict.why);
    td_jsonw_end(&w);
    td_buf_addc(&cli->out, '\n');
    return TD_OK;
}

#define GROUP(v, a, n, r)                                                        \
    .noun = "group", .verb = (v), .args = (a), .min_args = (n), .max_args = (n), \
    .flags = TD_CLI_STORE | TD_CLI_TENANT, .run = (r)
#define GROUP_FIELDS                                                                                                \
    "id; name; description; rule; kind: by-hand, devices-by-rule, users-by-rule; status: NotStarted, Running, "     \
    "Succeeded, Failed, Paused, \"\" by hand; problem: why a rule cannot be evaluated; createdAt; membersAt: when " \
    "the "                                                                                                          \
    "members last followed the rule; domain: the directory domain that owns it, or null"
#define RULE_OPTION                                                                                \
    {                                                                                              \
        "rule", "RULE", "such as (device.devicePhysicalIds -any _ -eq \"[OrderID]:KIOSK\")", false \
    }

static const struct td_command rows[] = {
    {GROUP("add", "NAME", 1, run_add),
     .about = "Adds a group: of devices or of users by a rule, or without one by hand.", .fields = GROUP_FIELDS,
     .options = {RULE_OPTION, {"description", "TEXT", "what it is for", false}}},
    {GROUP("list", "", 0, run_list), .about = "Lists the groups.", .fields = "a list of: " GROUP_FIELDS},
    {GROUP("show", "NAME", 1, run_show), .about = "Shows a group, by name or id.", .fields = GROUP_FIELDS},
    {GROUP("edit", "NAME", 1, run_edit), .about = "Changes a group; members follow before the command ends.",
     .fields = GROUP_FIELDS,
     .options = {{"name", "NAME", "its new name", false},
                 {"description", "TEXT", "what it is for", false},
                 RULE_OPTION,
                 {"by-hand", NULL, "keeps the members as they are and takes the rule away", false},
                 {"pause", NULL, "keeps the rule, and the members as they are", false},
                 {"resume", NULL, "lets the rule decide again", false}}},
    {GROUP("remove", "NAME", 1, run_remove), .about = "Removes a group, with what is assigned to it.", .fields = "id"},
    {GROUP("members", "NAME", 1, run_members), .about = "Lists the members of a group.",
     .fields = "a list of: id: of the directory's object; kind: device or user; name; serialNumber"},
    {GROUP("add-member", "NAME MEMBER", 2, run_add_member),
     .about = "Puts a device (serial number or id) or a user (name or id) into a group by hand.",
     .fields = "groupId; memberId"},
    {GROUP("remove-member", "NAME MEMBER", 2, run_remove_member),
     .about = "Takes a device or a user out of a group by hand.", .fields = "groupId; memberId"},
    {GROUP("evaluate", "MEMBER", 1, run_evaluate), .needs = "rule|group",
     .about = "Tries a rule on a device or a user, and says which part of it decides; nothing is changed.",
     .fields = "memberId; member: whether it would be one; why: the part of the rule that decides, and what it met",
     .options = {RULE_OPTION, {"group", "NAME", "the rule of this group", false}}},
};

const struct td_command_table td_group_commands = {rows, TD_COUNTOF(rows)};
