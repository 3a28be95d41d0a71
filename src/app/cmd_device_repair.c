/* Exchanged mainboards: what is registered and what was seen side by side, and the administrator's word. */
#include "api/repair.h"
#include "app/commands.h"

static const char actor[] = "command line";

struct repairing {
    struct td_cli *cli;
    bool accept, reject;
    struct td_repair_view view;
};

static enum td_code look(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct repairing *p = ctx;
    struct td_registration r = {.id = ""};
    const char *tenant = p->cli->tenant.id;
    td_try(td_registration_find_any(tx, tenant, p->cli->args[0], &p->cli->arena, &r, err));
    return td_repair_look(tx, tenant, r.id, &p->cli->arena, &p->view, err);
}

static enum td_code decide(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct repairing *p = ctx;
    struct td_registration r = {.id = ""};
    const char *tenant = p->cli->tenant.id, *reason = td_cli_option(p->cli, "reason");
    td_try(td_registration_find_any(tx, tenant, p->cli->args[0], &p->cli->arena, &r, err));
    td_try(p->accept ? td_repair_accept(tx, tenant, r.id, actor, err)
                     : td_repair_reject(tx, tenant, r.id, reason != NULL ? reason : "", actor, err));
    return td_repair_look(tx, tenant, r.id, &p->cli->arena, &p->view, err);
}

static void say_state(const struct repairing *p)
{
    const struct td_repair_view *v = &p->view;
    const char *state = td_remediation_text(v->r.remediation);
    char at[TD_TIME_TEXT];
    if (p->accept || p->reject)
        td_cli_say(p->cli, "%s: the new hardware was %s", v->r.serial, p->accept ? "registered" : "rejected");
    else
        td_cli_say(p->cli, "%s: %s", v->r.serial, state[0] != '\0' ? state : "nothing to repair");
    if (!v->is_open)
        return;
    td_cli_say(p->cli, "seen by %s since %s",
               strcmp(v->open.source, "lookup") == 0 ? "a deployment lookup" : "its own session",
               td_time_text(v->open.first_at, at));
    if (v->open.cause[0] != '\0')
        td_cli_say(p->cli, "cause: %s\nremedy: %s", v->open.cause, v->open.remedy);
}

static void say_rows(const struct repairing *p)
{
    const struct td_repair_view *v = &p->view;
    td_cli_say(p->cli, "%-18s %-10s %-40s %s", "field", "", "registered", v->is_open ? "seen" : "");
    for (size_t i = 0; i < v->count; i++)
        if (v->rows[i].registered[0] != '\0' || v->rows[i].seen[0] != '\0')
            td_cli_say(p->cli, "%-18s %-10s %-40s %s", v->rows[i].field,
                       v->is_open ? td_repair_side_word(v->rows[i].side) : "", v->rows[i].registered, v->rows[i].seen);
}

static void say_past(const struct repairing *p)
{
    char at[TD_TIME_TEXT];
    for (size_t i = 0; i < p->view.past_count; i++)
        td_cli_say(p->cli, "%s %s: %s; %s (%s)", i == 0 ? "former" : "      ",
                   td_time_text(p->view.past[i].replaced_at, at), p->view.past[i].differs, p->view.past[i].proof,
                   p->view.past[i].actor);
}

static void say_json(const struct repairing *p)
{
    struct td_jsonw w;
    td_jsonw_init(&w, &p->cli->out);
    td_jsonw_obj(&w);
    td_repair_members(&p->view, &w);
    td_jsonw_end(&w);
    td_buf_addc(&p->cli->out, '\n');
}

static enum td_code run_repair(struct td_cli *cli, struct td_error *err)
{
    struct repairing p = {
        .cli = cli, .accept = td_cli_option(cli, "accept") != NULL, .reject = td_cli_option(cli, "reject") != NULL};
    if (p.accept && p.reject) {
        cli->misused = true;
        return td_fail(err, TD_EINVAL, "--accept", "is the opposite of --reject: give one of them");
    }
    if (p.accept || p.reject)
        td_try(td_store_write(cli->store, decide, &p, err));
    else
        td_try(td_store_read(cli->store, look, &p, err));
    if (cli->json) {
        say_json(&p);
        return TD_OK;
    }
    say_state(&p);
    say_rows(&p);
    say_past(&p);
    return TD_OK;
}

static const struct td_command rows[] = {
    {.noun = "device",
     .verb = "repair",
     .args = "SERIAL|ID",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Shows a device's registered hardware and the other hardware that it was seen with side by side, and "
              "accepts or rejects the latter. Accepted, the registration keeps its id, tag, user and profile.",
     .fields = "registrationId; serialNumber; state: none, fix pending or attention required; waits: other hardware "
               "waits to be accepted; cause; remedy; source: session or lookup; firstSeenDateTime; remediationData: "
               "none, read, or kept of another make; fields: list of field, registered, seen, agrees (agrees, partly, "
               "differs, not known); rejectedBefore; former: list of replacedDateTime, differs, proof, by",
     .run = run_repair,
     .options = {{"accept", NULL, "registers the hardware that was seen", false},
                 {"reject", NULL, "it is not this device: it is passed over from now on", false},
                 {"reason", "TEXT", "why it is rejected, for the audit", false}}},
};

const struct td_command_table td_device_repair_commands = {rows, TD_COUNTOF(rows)};
