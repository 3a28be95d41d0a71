#include "api/import.h"
#include "app/commands.h"
#include "app/device_show.h"
#include "base/file.h"
#include "store/audit.h"

#include <stdio.h>
#include <unistd.h>

enum { MAX_FILE = INT32_MAX, PROGRESS_EVERY = 1000 };

static const char actor[] = "command line";

struct import {
    struct td_cli *cli;
    struct td_jsonw json;
    bool dry_run, progress;
    size_t rows, refused;
};

static const char *status_of(const struct td_import_row *row)
{
    return row->refused ? "refused" : row->code == TD_ZTD_ALREADY_ASSIGNED ? "known" : "registered";
}

static void row_json(struct td_jsonw *w, const struct td_import_row *row)
{
    td_jsonw_obj(w);
    td_jsonw_kint(w, "row", (int64_t)row->row);
    td_jsonw_kint(w, "line", (int64_t)row->line);
    td_jsonw_kstr(w, "serialNumber", row->serial);
    td_jsonw_kstr(w, "status", status_of(row));
    td_jsonw_kint(w, "code", row->code);
    td_jsonw_kstr(w, "name", row->name);
    td_jsonw_kstr(w, "reason", row->text);
    td_jsonw_kstr(w, "remedy", row->refused ? row->remedy : "");
    td_jsonw_kstr(w, "warning", row->warning);
    td_jsonw_kbool(w, "updated", row->updated);
    td_jsonw_kstr(w, "registrationId", row->registration_id);
    td_jsonw_end(w);
}

/* People are told what needs their eyes: refusals, warnings, devices that were there already. */
static void row_text(struct import *im, const struct td_import_row *row)
{
    if (row->refused)
        td_cli_say(im->cli, "row %zu (line %zu) refused: %s%s%s [%d %s]; %s", row->row, row->line, row->serial,
                   row->serial[0] != '\0' ? ": " : "", row->text, row->code, row->name, row->remedy);
    else if (row->code == TD_ZTD_ALREADY_ASSIGNED)
        td_cli_say(im->cli, "row %zu (line %zu) known: %s: %s [%d %s]%s", row->row, row->line, row->serial, row->text,
                   row->code, row->name, row->updated ? "; group tag or user brought up to date" : "");
    if (!row->refused && row->warning[0] != '\0')
        td_cli_say(im->cli, "row %zu (line %zu) warning: %s: %s", row->row, row->line, row->serial, row->warning);
}

static void report(void *ctx, const struct td_import_row *row)
{
    struct import *im = ctx;
    if (im->cli->json)
        row_json(&im->json, row);
    else
        row_text(im, row);
    if (im->cli->out.n > 1 << 20)
        td_cli_flush(im->cli);
    im->rows++;
    im->refused += row->refused;
    if (im->progress && im->rows % PROGRESS_EVERY == 0)
        (void)fprintf(stderr, "%zu rows, %zu refused\n", im->rows, im->refused);
}

static void totals_json(struct import *im, const struct td_import_totals *t)
{
    struct td_jsonw *w = &im->json;
    td_jsonw_arr_end(w);
    td_jsonw_kbool(w, "dryRun", im->dry_run);
    td_jsonw_kint(w, "total", (int64_t)t->rows);
    td_jsonw_kint(w, "registered", (int64_t)t->registered);
    td_jsonw_kint(w, "known", (int64_t)t->known);
    td_jsonw_kint(w, "updated", (int64_t)t->updated);
    td_jsonw_kint(w, "refused", (int64_t)t->refused);
    td_jsonw_kint(w, "warnings", (int64_t)t->warnings);
    td_jsonw_end(w);
    td_buf_addc(&im->cli->out, '\n');
}

static void totals_text(struct import *im, const struct td_import_totals *t)
{
    td_cli_say(im->cli, "%zu row%s: %zu %s, %zu known, %zu refused, %zu with a warning", t->rows,
               t->rows == 1 ? "" : "s", t->registered,
               im->dry_run ? "could be registered (dry run: nothing was written)" : "registered", t->known, t->refused,
               t->warnings);
}

static enum td_code tell_import(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct import *im = ctx;
    const struct td_audit what = {
        .type = "import.added",
        .actor = actor,
        .kind = "import",
        .name = td_arena_printf(&im->cli->arena, "%zu devices from %s", im->rows - im->refused, im->cli->args[0])};
    return td_audit_tell(tx, im->cli->tenant.id, &what, err);
}

static enum td_code run_import(struct td_cli *cli, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf file;
    struct import im = {.cli = cli,
                        .dry_run = td_cli_option(cli, "dry-run") != NULL,
                        .progress = td_cli_option(cli, "progress") != NULL || isatty(STDERR_FILENO) == 1};
    struct td_import_totals totals = {0};
    td_buf_init(&file, MAX_FILE);
    td_try(td_file_read(cli->args[0], &file, err));
    td_jsonw_init(&im.json, &cli->out);
    if (cli->json) {
        td_jsonw_obj(&im.json);
        td_jsonw_key(&im.json, "rows");
        td_jsonw_arr(&im.json);
    }
    enum td_code rc =
        td_import_csv(cli->store, cli->tenant.id, td_buf_slice(&file), im.dry_run, actor, report, &im, &totals, err);
    if (rc == TD_OK && !im.dry_run && im.rows != im.refused)
        rc = td_store_write(cli->store, tell_import, &im, err);
    if (rc != TD_OK && totals.rows == 0) {
        td_buf_reset(&cli->out);
        return rc;
    }
    if (cli->json)
        totals_json(&im, &totals);
    else
        totals_text(&im, &totals);
    td_try(rc);
    if (totals.refused != 0)
        return td_fail(err, TD_EINVAL, "rows", "%zu of %zu rows were refused, the others are kept", totals.refused,
                       totals.rows);
    return TD_OK;
}

static enum td_code run_show(struct td_cli *cli, struct td_error *err)
{
    return td_store_read(cli->store, td_device_show, cli, err);
}

static enum td_code run_explain(struct td_cli *cli, struct td_error *err)
{
    return td_store_read(cli->store, td_device_explain, cli, err);
}

static const struct td_command rows[] = {
    {.noun = "device",
     .verb = "import",
     .args = "FILE.csv",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Registers the devices of an Autopilot CSV (- reads standard input). Rows that are refused are told with "
              "number and reason, the others are kept; exit 1 if any was refused.",
     .fields = "rows: list of row, line, serialNumber, status (registered, known, refused), code, name, reason, "
               "remedy, warning, updated, registrationId; dryRun; total; registered; known; updated; refused; warnings",
     .run = run_import,
     .options = {{"dry-run", NULL, "judge every row, write nothing", false},
                 {"progress", NULL, "tell on standard error how far it is, each thousand rows", false}}},
    {.noun = "device",
     .verb = "show",
     .args = "SERIAL|ID",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Shows a device: where it is on its way, its ids, its profile.",
     .fields =
         "state: the word of its way; states: of the five machines; wayId; registrationId; deviceId; "
         "enrolmentId; user; serialNumber; manufacturer; model; groupTag; assignedUser; warning; hardware: "
         "fix pending, attention required or empty; tpm: assurance, manufacturer, model, ekSha256, lastProvenAt, "
         "or null where none was proven; domainJoin: domain, state, computer, accountGuid, accountSid, accountDn, "
         "connector, failure, cause, remedy, detail, or null where no computer account was asked for; profile: id, "
         "name, explicit, or null; enrollmentProfileName: "
         "of the profile that it has got, or null; groups: names; registeredAt; contactedAt; "
         "deploymentStartedAt; readyAt; "
         "lastContactAt; timeline: list of at, type, actor, sinceMs (since the one before), detail",
     .run = run_show,
     .options = {{"timeline", NULL, "with every event, its time and the duration since the one before", false}}},
    {.noun = "device",
     .verb = "explain",
     .args = "SERIAL|ID",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Explains which profile a device gets, and why not another; and by which facts it is recognised.",
     .fields =
         "registrationId; serialNumber; intendedProfile: what holds now, or null; effectiveProfile: what the device "
         "got last, or null; assignmentStatus; candidates: list of profileId, profile, "
         "profileCreatedDateTime, groupId, group, excluded, holds, why; memberships: list of id, displayName, "
         "membershipRule, member, pending, why (the part of the rule that decides, and what it met); profile: "
         "name or null; groups: names; facts: kinds of identity facts that a lookup can find it by; attention: "
         "somebody must "
         "look at it; matching: list of kind, value, weight (0: more than two devices have it)",
     .run = run_explain},
};

const struct td_command_table td_device_commands = {rows, TD_COUNTOF(rows)};
