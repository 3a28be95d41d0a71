/* What devices brought: the password of the managed local administrator, archives of logs. */
#include "api/diagnostics.h"
#include "api/local_credential.h"
#include "app/commands.h"
#include "app/device_show.h"
#include "base/env.h"
#include "base/file.h"
#include "crypto/secret.h"
#include "store/way.h"

static const char actor[] = "command line";

struct reading {
    struct td_cli *cli;
    struct td_way_row way;
    struct td_local_credential *rows;
    struct td_diagnostic *archives;
    size_t count;
};

static enum td_code read_passwords(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct reading *r = ctx;
    td_try(td_device_way(tx, r->cli, &r->way, err));
    if (r->way.device_id[0] == '\0')
        return td_remedy(err, td_fail(err, TD_ENOTFOUND, r->cli->args[0], "the device is not joined"),
                         "Only joined devices back up a password here.");
    return td_local_credential_read(tx, r->cli->tenant.id, r->way.device_id, actor, &r->cli->arena, &r->rows, &r->count,
                                    err);
}

static void password_json(struct td_jsonw *w, const struct td_local_credential *c, const char *password)
{
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "accountName", c->account);
    td_jsonw_kstr(w, "password", password);
    td_jsonw_ktime(w, "backedUpAt", c->backed_up_at);
    td_jsonw_ktime(w, "expiresAt", c->expires_at);
    td_jsonw_end(w);
}

static enum td_code run_laps(struct td_cli *cli, struct td_error *err)
{
    struct td_master master;
    struct td_jsonw w;
    struct reading r = {.cli = cli};
    const char *password = "";
    bool all = td_cli_option(cli, "history") != NULL;
    enum td_code rc = TD_OK;
    td_try(td_store_write(cli->store, read_passwords, &r, err));
    td_try(td_master_load(td_store_dir(cli->store), cli->env, &master, err));
    td_jsonw_init(&w, &cli->out);
    if (cli->json) {
        td_jsonw_obj(&w);
        td_jsonw_key(&w, "passwords");
        td_jsonw_arr(&w);
    }
    for (size_t i = 0; i < (all ? r.count : 1) && rc == TD_OK; i++) {
        const struct td_local_credential *c = &r.rows[i];
        rc = td_local_credential_open(&master, cli->tenant.id, r.way.device_id, c, &cli->arena, &password, err);
        if (rc == TD_OK && cli->json)
            password_json(&w, c, password);
        else if (rc == TD_OK)
            td_cli_say(cli, "%s %s (since %s)", c->account, password, td_time_arena(&cli->arena, c->backed_up_at));
    }
    td_master_done(&master);
    if (cli->json) {
        td_jsonw_arr_end(&w);
        td_jsonw_end(&w);
        td_buf_addc(&cli->out, '\n');
    }
    return rc;
}

/* --- archives ----------------------------------------------------------------------------------------------------- */

static enum td_code find_archives(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct reading *r = ctx;
    td_try(td_device_way(tx, r->cli, &r->way, err));
    return td_diagnostic_list(tx, r->cli->tenant.id, r->way.enrolment_id, 50, &r->cli->arena, &r->archives, &r->count,
                              err);
}

static void list_archives(struct td_cli *cli, const struct reading *r)
{
    struct td_jsonw w;
    td_jsonw_init(&w, &cli->out);
    if (cli->json) {
        td_jsonw_obj(&w);
        td_jsonw_key(&w, "archives");
        td_jsonw_arr(&w);
    }
    for (size_t i = 0; i < r->count; i++) {
        const struct td_diagnostic *d = &r->archives[i];
        if (!cli->json) {
            td_cli_say(cli, "%s  %s  %lld octets", d->id, td_time_arena(&cli->arena, d->arrived_at),
                       (long long)d->size);
            continue;
        }
        td_jsonw_obj(&w);
        td_jsonw_kstr(&w, "id", d->id);
        td_jsonw_ktime(&w, "arrivedAt", d->arrived_at);
        td_jsonw_kint(&w, "size", d->size);
        td_jsonw_kstr(&w, "sha256", d->sha256);
        td_jsonw_end(&w);
    }
    if (cli->json) {
        td_jsonw_arr_end(&w);
        td_jsonw_end(&w);
        td_buf_addc(&cli->out, '\n');
    }
}

static enum td_code tell_reading(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct reading *r = ctx;
    return td_diagnostic_told(tx, r->cli->tenant.id, r->way.enrolment_id, "managed-device.logs-read", actor, err);
}

static enum td_code copy_archive(struct td_cli *cli, const struct td_diagnostic *d, const char *out,
                                 struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf bytes;
    td_buf_init(&bytes, TD_DIAGNOSTIC_MAX);
    td_try(td_file_read(td_diagnostic_path(td_store_dir(cli->store), d->id, &cli->arena), &bytes, err));
    td_try(td_file_write(out, td_buf_slice(&bytes), 0600, err));
    td_cli_say(cli, "%s: %lld octets, from %s", out, (long long)d->size, td_time_arena(&cli->arena, d->arrived_at));
    return TD_OK;
}

static enum td_code run_diagnostics(struct td_cli *cli, struct td_error *err)
{
    struct reading r = {.cli = cli};
    const char *out = td_cli_option(cli, "out");
    td_try(td_store_read(cli->store, find_archives, &r, err));
    if (r.count == 0)
        return td_remedy(err, td_fail(err, TD_ENOTFOUND, cli->args[0], "no archive of this device has come"),
                         "Ask for one: touchdown device action diagnostics %s; archives are kept for 28 days.",
                         cli->args[0]);
    if (out != NULL) { /* nobody gets the bytes untold */
        td_try(td_store_write(cli->store, tell_reading, &r, err));
        return copy_archive(cli, &r.archives[0], out, err);
    }
    list_archives(cli, &r);
    return TD_OK;
}

static const struct td_command rows[] = {
    {.noun = "device",
     .verb = "laps",
     .args = "SERIAL|ID",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Shows the password of the device's managed local administrator as it was backed up last. The audit is "
              "told, each time.",
     .fields = "passwords: list of accountName, password, backedUpAt, expiresAt; newest first",
     .run = run_laps,
     .options = {{"history", NULL, "older ones too", false}}},
    {.noun = "device",
     .verb = "diagnostics",
     .args = "SERIAL|ID",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Lists the archives of logs that came from a device, or fetches the last one. Ask for a new one with "
              "device action diagnostics.",
     .fields = "archives: list of id, arrivedAt, size, sha256; newest first",
     .run = run_diagnostics,
     .options = {{"out", "FILE", "write the last one there, a zip", false}}},
};

const struct td_command_table td_device_secret_commands = {rows, TD_COUNTOF(rows)};
