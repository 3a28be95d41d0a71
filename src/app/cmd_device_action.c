/* touchdown device action: asks one device, or many, for an action. */
#include "app/action_show.h"
#include "app/commands.h"
#include "app/device_keys.h"
#include "store/group.h"

enum { SLICE = 25 };

struct asking {
    struct td_cli *cli;
    struct td_action_asking what;
    /* one device */
    struct td_action action;
    /* many */
    bool bulk, more;
    struct td_device_keys keys;
    const char **enrolments;
    const char *batch_id;
    struct td_action_batch batch;
};

/* ---- many: from a file, or a group ---- */

/* Devices of the group that are managed; the others and its users are none of this. */
static enum td_code read_group(struct asking *k, struct td_tx *tx, const char *name, struct td_error *err)
{
    struct td_cli *cli = k->cli;
    struct td_group group = {.id = ""};
    struct td_group_member *list = NULL;
    size_t count = 0;
    td_try(td_group_find(tx, cli->tenant.id, name, &cli->arena, &group, err));
    td_try(td_group_members(tx, cli->tenant.id, group.id, TD_BATCH_MAX + 1, &cli->arena, &list, &count, err));
    for (size_t i = 0; i < count; i++) {
        struct td_error why = {0};
        const char *id = "";
        if (list[i].is_user)
            continue;
        enum td_code rc = td_action_enrolment_of(tx, cli->tenant.id, list[i].way_id, &cli->arena, &id, &why);
        if (rc == TD_OK)
            td_device_keys_add(cli, &k->keys, id);
        else if (rc != TD_ENOTFOUND && rc != TD_ESTATE)
            return rc;
    }
    return TD_OK;
}

/* Every name has to be one device: a list with a slip in it wipes nothing. */
static enum td_code resolve(struct asking *k, struct td_tx *tx, struct td_error *err)
{
    struct td_cli *cli = k->cli;
    const char *group = td_cli_option(cli, "group");
    if (group != NULL)
        td_try(read_group(k, tx, group, err));
    k->enrolments = td_arena_array(&cli->arena, const char *, k->keys.count + 1);
    for (size_t i = 0; i < k->keys.count; i++)
        td_try(td_action_enrolment_of(tx, cli->tenant.id, k->keys.list[i], &cli->arena, &k->enrolments[i], err));
    return TD_OK;
}

/* ---- asking ---- */

static enum td_code ask(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct asking *k = ctx;
    struct td_cli *cli = k->cli;
    td_try(td_action_actor(cli, tx, td_action_rows[k->what.kind].destroys, &k->what.actor, err));
    if (!k->bulk) {
        const char *id = "";
        td_try(td_action_enrolment_of(tx, cli->tenant.id, k->keys.list[0], &cli->arena, &id, err));
        return td_action_ask(tx, cli->tenant.id, id, &k->what, &cli->arena, &k->action, err);
    }
    return td_action_batch_ask(tx, cli->tenant.id, k->enrolments, k->keys.count, &k->what, &cli->arena, &k->batch_id,
                               err);
}

static enum td_code look(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return resolve(ctx, tx, err);
}

static enum td_code work(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct asking *k = ctx;
    return td_action_batch_work(tx, SLICE, &k->more, err);
}

static enum td_code show(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct asking *k = ctx;
    struct td_cli *cli = k->cli;
    struct td_jsonw w = {0}, *json = cli->json ? &w : NULL;
    td_jsonw_init(&w, &cli->out);
    if (k->bulk) {
        td_try(td_action_batch_find(tx, cli->tenant.id, k->batch_id, &cli->arena, &k->batch, err));
        td_try(td_batch_show(cli, tx, &k->batch, json, err));
    } else {
        td_try(td_action_find(tx, cli->tenant.id, k->action.id, &cli->arena, &k->action, err));
        td_try(td_action_show(cli, tx, &k->action, json, err));
    }
    if (cli->json)
        td_buf_addc(&cli->out, '\n');
    return TD_OK;
}

static enum td_code misused(struct td_cli *cli, struct td_error *err, const char *where, const char *text)
{
    cli->misused = true;
    return td_fail(err, TD_EINVAL, where, "%s", text);
}

/* Of any device at all: what is not offered, or lacks its name, needs no device to tell so. */
static enum td_code possible(struct asking *k, struct td_error *err)
{
    static const struct td_action_facts any = {
        .managed = true, .joined = true, .busy_with = "", .os_version = "", .serial = ""};
    enum td_code rc = td_action_may(k->what.kind, &any, k->what.parameter, err);
    k->cli->misused = k->cli->misused || rc == TD_EINVAL;
    return rc;
}

static enum td_code read_asking(struct asking *k, struct td_error *err)
{
    struct td_cli *cli = k->cli;
    const char *file = td_cli_option(cli, "file");
    int kind = td_action_by_word(td_str(cli->args[0]));
    k->bulk = file != NULL || td_cli_option(cli, "group") != NULL;
    if (kind < 0)
        return misused(cli, err, "ACTION", "there is no such action; docs/tasks/actions.md lists them");
    if (k->bulk == (cli->arg_count > 1))
        return misused(cli, err, "SERIAL|ID", "name one device, or many by --file or --group");
    k->what = (struct td_action_asking){.kind = (enum td_action_kind)kind,
                                        .parameter = td_cli_option(cli, "name"),
                                        .reason = td_cli_option(cli, "reason")};
    if (k->what.parameter != NULL && k->what.kind != TD_ACTION_RENAME)
        return misused(cli, err, "name", "belongs to rename alone");
    td_try(possible(k, err));
    if (file != NULL)
        return td_device_keys_read(cli, &k->keys, file, TD_BATCH_MAX, err);
    if (!k->bulk)
        td_device_keys_add(cli, &k->keys, cli->args[1]);
    return TD_OK;
}

static enum td_code run_action(struct td_cli *cli, struct td_error *err)
{
    struct asking k = {.cli = cli};
    td_try(read_asking(&k, err));
    if (k.bulk)
        td_try(td_store_read(cli->store, look, &k, err));
    td_try(td_store_write(cli->store, ask, &k, err));
    for (k.more = k.bulk; k.more;)
        td_try(td_store_write(cli->store, work, &k, err));
    td_try(td_store_read(cli->store, show, &k, err));
    if (!k.bulk || k.batch.refused == 0)
        return TD_OK;
    td_cli_flush(cli);
    return td_fail(err, TD_ESTATE, "devices", "%lld of %lld devices were refused, the others were asked",
                   (long long)k.batch.refused, (long long)k.batch.total);
}

static const struct td_command rows[] = {
    {.noun = "device",
     .verb = "action",
     .args = "ACTION [SERIAL|ID]",
     .min_args = 1,
     .max_args = 2,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about =
         "Asks a managed device for an action: sync, restart, rename, lock, rotate-laps, diagnostics, quick-scan,"
         " full-scan, update-signatures, reset, wipe, wipe-keep-user-data, wipe-keep-provisioning, protected-wipe,"
         " cloud-wipe, fresh-start, fresh-start-keep-user-data, retire, delete. With --file or --group it asks many"
         " devices at once; exit 1 if any was refused.",
     .fields = "of one device: " TD_ACTION_FIELDS ". Of many: " TD_BATCH_FIELDS,
     .run = run_action,
     .options = {{"name", "NAME", "the new name, for rename; %SERIAL% and %RAND:n% may stand in it", false},
                 {"reason", "TEXT", "why, for the audit and the device's timeline", false},
                 {"as", "UPN", "in the name of this user, who needs a role that allows it", false},
                 {"file", "LIST", "many devices: a serial number or id in each line (- reads standard input)", false},
                 {"group", "G", "many devices: the managed ones of this group", false}}},
};

const struct td_command_table td_device_action_commands = {rows, TD_COUNTOF(rows)};
