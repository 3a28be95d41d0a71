/* touchdown action: what was asked of devices, what became of it, the second pair of eyes. */
#include "app/action_show.h"
#include "app/commands.h"
#include "store/life.h"

enum { DEFAULT_LIMIT = 100, MAX_LIMIT = 10000, SLICE = 25 };

struct ctx {
    struct td_cli *cli;
    struct td_action_filter filter;
    int64_t limit;
    bool more, batch;
    enum { APPROVE, REJECT, CANCEL } verdict;
};

/* ---- list ---- */

static enum td_code read_filter(struct ctx *c, struct td_error *err)
{
    const char *state = td_cli_option(c->cli, "state"), *limit = td_cli_option(c->cli, "limit");
    c->limit = DEFAULT_LIMIT;
    c->filter = (struct td_action_filter){.batch_id = td_cli_option(c->cli, "batch"), .state = -1};
    if (limit != NULL && (!td_parse_i64(td_str(limit), &c->limit) || c->limit < 1 || c->limit > MAX_LIMIT))
        return td_fail(err, TD_EINVAL, "limit", "is a number from 1 to %d", MAX_LIMIT);
    for (int i = 0; i < TD_ACT_STATE_COUNT && state != NULL; i++)
        if (td_ieqs(td_str(state), td_action_state_word((enum td_action_state)i)))
            c->filter.state = i;
    if (state != NULL && td_ieqs(td_str(state), "waiting"))
        c->filter.state = TD_ACT_WAITING;
    if (state != NULL && c->filter.state < 0)
        return td_remedy(err, td_fail(err, TD_EINVAL, "state", "there is no state \"%.40s\"", state),
                         "waiting, pending, active, done, failed, cancelled or \"not supported\"");
    return TD_OK;
}

/* Its actions outlive a device that was deregistered, by whatever it was known (store/life.h). */
static enum td_code find_way(struct ctx *c, struct td_tx *tx, const char *device, struct td_error *err)
{
    struct td_cli *cli = c->cli;
    struct td_life life;
    enum td_code rc = td_action_way_of(tx, cli->tenant.id, device, &cli->arena, &c->filter.way_id, err);
    if (rc != TD_ENOTFOUND || td_life_find(tx, cli->tenant.id, device, &cli->arena, &life, NULL) != TD_OK)
        return rc;
    c->filter.way_id = life.ways[life.way_count - 1];
    return TD_OK;
}

static enum td_code list_actions(struct ctx *c, struct td_tx *tx, struct td_jsonw *w, struct td_error *err)
{
    struct td_cli *cli = c->cli;
    struct td_action *list = NULL;
    size_t count = 0;
    const char *device = td_cli_option(cli, "device");
    if (device != NULL)
        td_try(find_way(c, tx, device, err));
    td_try(td_action_list(tx, cli->tenant.id, &c->filter, (size_t)c->limit, &cli->arena, &list, &count, err));
    for (size_t i = 0; i < count; i++)
        td_try(td_action_show(cli, tx, &list[i], w, err));
    return TD_OK;
}

static enum td_code list_batches(struct ctx *c, struct td_tx *tx, struct td_jsonw *w, struct td_error *err)
{
    struct td_cli *cli = c->cli;
    struct td_action_batch *list = NULL, full;
    size_t count = 0;
    td_try(td_action_batch_list(tx, cli->tenant.id, "", (size_t)c->limit, &cli->arena, &list, &count, err));
    for (size_t i = 0; i < count; i++) {
        td_try(td_action_batch_find(tx, cli->tenant.id, list[i].id, &cli->arena, &full, err));
        td_try(td_batch_show(cli, tx, &full, w, err));
    }
    return TD_OK;
}

static enum td_code list(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct ctx *c = ctx;
    struct td_jsonw w;
    td_jsonw_init(&w, &c->cli->out);
    if (c->cli->json)
        td_jsonw_arr(&w);
    struct td_jsonw *json = c->cli->json ? &w : NULL;
    td_try(c->batch ? list_batches(c, tx, json, err) : list_actions(c, tx, json, err));
    if (!c->cli->json)
        return TD_OK;
    td_jsonw_arr_end(&w);
    td_buf_addc(&c->cli->out, '\n');
    return TD_OK;
}

static enum td_code run_list(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli, .batch = td_cli_option(cli, "batches") != NULL};
    td_try(read_filter(&c, err));
    return td_store_read(cli->store, list, &c, err);
}

/* ---- one, by its id or its bulk action's ---- */

static enum td_code none_such(const struct td_cli *cli, enum td_code rc, struct td_error *err)
{
    if (rc != TD_ENOTFOUND)
        return rc;
    return td_remedy(err, td_fail(err, TD_ENOTFOUND, "action", "there is no action %.40s", cli->args[0]),
                     "touchdown action list tells the ids of actions, with --batches those of bulk actions");
}

static enum td_code show_one(struct ctx *c, struct td_tx *tx, struct td_error *err)
{
    struct td_cli *cli = c->cli;
    struct td_jsonw w = {0}, *json = cli->json ? &w : NULL;
    struct td_action x = {.id = ""};
    struct td_action_batch b = {.id = ""};
    td_jsonw_init(&w, &cli->out);
    enum td_code rc = td_action_find(tx, cli->tenant.id, cli->args[0], &cli->arena, &x, err);
    if (rc == TD_OK) {
        td_try(td_action_show(cli, tx, &x, json, err));
    } else if (rc != TD_ENOTFOUND) {
        return rc;
    } else {
        rc = td_action_batch_find(tx, cli->tenant.id, cli->args[0], &cli->arena, &b, err);
        td_try(none_such(cli, rc, err));
        td_try(td_batch_show(cli, tx, &b, json, err));
    }
    if (cli->json)
        td_buf_addc(&cli->out, '\n');
    return TD_OK;
}

static enum td_code show(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return show_one(ctx, tx, err);
}

static enum td_code run_show(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    return td_store_read(cli->store, show, &c, err);
}

static enum td_code decide_batch(struct ctx *c, struct td_tx *tx, const char *actor, struct td_error *err)
{
    const char *tenant = c->cli->tenant.id, *id = c->cli->args[0];
    c->batch = true;
    if (c->verdict == CANCEL)
        return td_action_batch_cancel(tx, tenant, id, actor, err);
    return td_action_batch_decide(tx, tenant, id, c->verdict == APPROVE, actor, err);
}

static enum td_code decide(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct ctx *c = ctx;
    struct td_cli *cli = c->cli;
    const char *actor = "";
    struct td_action x = {.id = ""};
    td_try(td_action_actor(cli, tx, true, &actor, err));
    enum td_code rc = td_action_find(tx, cli->tenant.id, cli->args[0], &cli->arena, &x, err);
    if (rc == TD_ENOTFOUND)
        return none_such(cli, decide_batch(c, tx, actor, err), err);
    td_try(rc);
    if (c->verdict == CANCEL)
        return td_action_cancel(tx, cli->tenant.id, x.id, actor, err);
    return td_action_decide(tx, cli->tenant.id, x.id, c->verdict == APPROVE, actor, err);
}

static enum td_code work(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct ctx *c = ctx;
    return td_action_batch_work(tx, SLICE, &c->more, err);
}

static enum td_code run_verdict(struct ctx *c, struct td_error *err)
{
    td_try(td_store_write(c->cli->store, decide, c, err));
    for (c->more = c->batch; c->more;)
        td_try(td_store_write(c->cli->store, work, c, err));
    return td_store_read(c->cli->store, show, c, err);
}

static enum td_code run_approve(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli, .verdict = APPROVE};
    return run_verdict(&c, err);
}

static enum td_code run_reject(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli, .verdict = REJECT};
    return run_verdict(&c, err);
}

static enum td_code run_cancel(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli, .verdict = CANCEL};
    return run_verdict(&c, err);
}

#define ONE(v, text, fn)                                                                                              \
    .noun = "action", .verb = (v), .args = "ID", .min_args = 1, .max_args = 1, .flags = TD_CLI_STORE | TD_CLI_TENANT, \
    .about = (text), .fields = "of an action: " TD_ACTION_FIELDS ". Of a bulk action: " TD_BATCH_FIELDS, .run = (fn)
#define AS                                                                              \
    {                                                                                   \
        "as", "UPN", "in the name of this user, who needs a role that allows it", false \
    }

static const struct td_command rows[] = {
    {.noun = "action",
     .verb = "list",
     .args = "",
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Lists what was asked of devices, newest first, and what became of it.",
     .fields = "array, of actions: " TD_ACTION_FIELDS ". With --batches: " TD_BATCH_FIELDS,
     .run = run_list,
     .options = {{"device", "SERIAL|ID", "of this device", false},
                 {"batch", "ID", "of this bulk action", false},
                 {"state", "STATE", "waiting, pending, active, done, failed, cancelled or \"not supported\"", false},
                 {"batches", NULL, "bulk actions with their progress, instead of single ones", false},
                 {"limit", "N", "at most so many (100)", false}}},
    {ONE("show", "Shows an action, or a bulk action with its progress.", run_show)},
    {ONE("approve", "Lets an action that waits for a second administrator begin.", run_approve), .needs = "as",
     .options = {AS}},
    {ONE("reject", "Takes back an action that waits for a second administrator.", run_reject), .needs = "as",
     .options = {AS}},
    {ONE("cancel", "Takes an action back: possible until it was delivered to the device.", run_cancel),
     .options = {AS}},
};

const struct td_command_table td_action_commands = {rows, TD_COUNTOF(rows)};
