#include "api/check.h"
#include "app/commands.h"
#include "app/device_show.h"
#include "store/registration.h"

enum { SLICE = 100 };

struct ctx {
    struct td_cli *cli;
    struct td_jsonw w;
    const char *after, *last;
    size_t checked, failed;
    bool more;
};

static void print_findings(struct td_cli *cli, const struct td_finding *list, size_t n, bool passed_too)
{
    for (size_t i = 0; i < n; i++)
        if (passed_too || list[i].verdict == TD_UNMET)
            td_cli_say(cli, "  %-5s %-22s %s%s%s", td_verdict_word(list[i].verdict), list[i].requirement->code,
                       list[i].found, list[i].remedy[0] != '\0' ? "; " : "", list[i].remedy);
}

static void print_device(struct ctx *c, const char *name, const struct td_way_row *way, const struct td_finding *list,
                         size_t n, bool one)
{
    bool passed = td_findings_passed(list, n);
    c->checked++;
    c->failed += !passed;
    if (!one && passed)
        return;
    if (!c->cli->json) {
        td_cli_say(c->cli, "%s: %s", name, passed ? "nothing stands against a deployment" : "a deployment would fail");
        print_findings(c->cli, list, n, one);
        return;
    }
    td_jsonw_obj(&c->w);
    td_jsonw_kstr(&c->w, "device", name);
    td_jsonw_kstr(&c->w, "wayId", way->id);
    td_findings_write(list, n, &c->w);
    td_jsonw_end(&c->w);
}

static enum td_code check_one(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    struct td_way_row way;
    struct td_finding *list;
    size_t n;
    td_buf_reset(&c->cli->out);
    c->checked = c->failed = 0;
    td_jsonw_init(&c->w, &c->cli->out);
    td_try(td_device_way(tx, c->cli, &way, err));
    td_try(td_check_device(tx, c->cli->tenant.id, &way, &c->cli->arena, &list, &n, err));
    print_device(c, c->cli->args[0], &way, list, n, true);
    return TD_OK;
}

/* A slice of the registrations; memory goes with it, so that the cost stays flat. */
static enum td_code check_slice(struct td_tx *tx, void *p, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct ctx *c = p;
    const char *tenant = c->cli->tenant.id;
    struct td_registration *list;
    size_t count = 0;
    td_try(td_registration_list(tx, tenant, c->after, SLICE, &a, &list, &count, err));
    for (size_t i = 0; i < count; i++) {
        struct td_way_row way;
        struct td_finding *findings;
        size_t n;
        td_try(td_way_find(tx, tenant, TD_WAY_ID, list[i].way_id, &a, &way, err));
        td_try(td_check_device(tx, tenant, &way, &a, &findings, &n, err));
        print_device(c, list[i].serial, &way, findings, n, false);
    }
    c->more = count == SLICE;
    if (count != 0)
        c->last = td_arena_strdup(&c->cli->arena, list[count - 1].id);
    return TD_OK;
}

static enum td_code check_all(struct ctx *c, struct td_error *err)
{
    td_jsonw_init(&c->w, &c->cli->out);
    if (c->cli->json) {
        td_jsonw_obj(&c->w);
        td_jsonw_key(&c->w, "devices");
        td_jsonw_arr(&c->w);
    }
    c->more = true;
    c->after = c->last = "";
    while (c->more) {
        td_try(td_store_read(c->cli->store, check_slice, c, err));
        c->after = c->last;
        td_cli_flush(c->cli); /* as it goes: a fleet's findings fit no buffer */
    }
    if (!c->cli->json) {
        td_cli_say(c->cli, "%zu registered, the deployment of %zu would fail", c->checked, c->failed);
        return TD_OK;
    }
    td_jsonw_arr_end(&c->w);
    td_jsonw_kint(&c->w, "checked", (int64_t)c->checked);
    td_jsonw_kint(&c->w, "failed", (int64_t)c->failed);
    td_jsonw_end(&c->w);
    return TD_OK;
}

static enum td_code run_check(struct td_cli *cli, struct td_error *err)
{
    struct ctx c = {.cli = cli};
    bool all = td_cli_option(cli, "all") != NULL;
    if (all == (cli->arg_count == 1)) {
        cli->misused = true;
        return td_fail(err, TD_EINVAL, "device", "a device or --all is needed, not both");
    }
    td_try(all ? check_all(&c, err) : td_store_read(cli->store, check_one, &c, err));
    if (cli->json)
        td_buf_addc(&cli->out, '\n');
    if (c.failed == 0)
        return TD_OK;
    td_cli_flush(cli);
    return td_remedy(
        err, td_fail(err, TD_ESTATE, "requirements", "%zu of %zu devices would not deploy", c.failed, c.checked),
        "do what stands behind each that failed");
}

static const struct td_command rows[] = {
    {.noun = "device",
     .verb = "check",
     .args = "[SERIAL|ID]",
     .min_args = 0,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Looks whether a device would deploy: each requirement, what is known, what to do. Exit 1 if one is not "
              "met. With --all every registered device, told where one is not met.",
     .fields = "device: as it was asked for; wayId; passed; findings: list of code, verdict (pass, warn, fail, skip), "
               "what, found, remedy. With --all: devices: list of these where passed is false; checked; failed",
     .run = run_check,
     .options = {{"all", NULL, "every registered device", false}}},
};

const struct td_command_table td_device_check_commands = {rows, TD_COUNTOF(rows)};
