/* What an administrator gives to a technician who pre-provisions a device. */
#include "api/technician.h"
#include "app/commands.h"
#include "base/env.h"
#include "codec/json.h"
#include "store/registration.h"

static const char actor[] = "command line";

struct making {
    struct td_cli *cli;
    struct td_registration r;
    const char *code;
    int64_t expires;
};

static enum td_code make(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct making *m = ctx;
    struct td_cli *cli = m->cli;
    td_try(td_registration_find_any(tx, cli->tenant.id, cli->args[0], &cli->arena, &m->r, err));
    return td_technician_code(tx, cli->tenant.id, m->r.id, actor, &cli->arena, &m->code, &m->expires, err);
}

static enum td_code run_code(struct td_cli *cli, struct td_error *err)
{
    struct making m = {.cli = cli, .r = {.id = ""}, .code = ""};
    struct td_jsonw w;
    td_try(td_store_write(cli->store, make, &m, err));
    if (!cli->json) {
        td_cli_say(cli, "%s", m.code);
        return TD_OK;
    }
    td_jsonw_init(&w, &cli->out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "code", m.code);
    td_jsonw_ktime(&w, "expiresAt", m.expires);
    td_jsonw_kstr(&w, "registrationId", m.r.id);
    td_jsonw_kstr(&w, "serialNumber", m.r.serial);
    td_jsonw_end(&w);
    td_buf_addc(&cli->out, '\n');
    return TD_OK;
}

static const struct td_command rows[] = {
    {.noun = "device",
     .verb = "provision-code",
     .args = "SERIAL|ID",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about =
         "Makes a code by which a technician may pre-provision this device, where the tenant's technician-proof is "
         "companion: good for one admission, for half an hour, until five wrong ones were tried; an older one is void.",
     .fields = "code, expiresAt, registrationId, serialNumber",
     .run = run_code},
};

const struct td_command_table td_device_provision_commands = {rows, TD_COUNTOF(rows)};
