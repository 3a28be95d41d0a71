/* What is said about devices, one or thousands: in slices, so that no write holds the store long, and each device with
 * a fate of its own. */
#include "app/commands.h"
#include "app/device_keys.h"
#include "store/audit.h"
#include "store/registration.h"
#include "store/way.h"

#include <stdio.h>
#include <unistd.h>

enum { SLICE = 50, PROGRESS_EVERY = 1000 };

static const char actor[] = "command line";

struct bulk;
typedef enum td_code bulk_fn(struct td_tx *tx, struct bulk *b, const struct td_registration *r, bool *ret_changed,
                             struct td_error *err);

struct fate {
    const char *serial, *id, *state, *reason; /* "changed", "unchanged", "refused"; reason "" if none */
};

struct bulk {
    struct td_cli *cli;
    bulk_fn *fn;
    struct td_registration_change change;
    bool dry_run, progress;
    const char *word; /* what was done: "tagged" */
    struct td_device_keys keys;
    size_t at, in_slice;
    struct fate fates[SLICE];
    struct td_arena slice; /* of the slice under way */
    struct td_jsonw json;
    size_t changed, unchanged, refused;
};

/* ---- keys: arguments, then a file with one in each line or a list of devices ---- */

static enum td_code read_keys(struct bulk *b, int first, struct td_error *err)
{
    const char *path = td_cli_option(b->cli, "file");
    for (int i = first; i < b->cli->arg_count; i++)
        td_device_keys_add(b->cli, &b->keys, b->cli->args[i]);
    if (path != NULL)
        td_try(td_device_keys_read(b->cli, &b->keys, path, SIZE_MAX, err));
    if (b->keys.count != 0)
        return TD_OK;
    b->cli->misused = true;
    return td_fail(err, TD_EINVAL, "SERIAL|ID", "names no device; give serial numbers, or --file");
}

/* ---- slices ---- */

static enum td_code take_one(struct td_tx *tx, struct bulk *b, const char *key, struct fate *f, struct td_error *err)
{
    struct td_registration r = {.id = ""};
    struct td_error why = {0};
    bool changed = false;
    enum td_code rc = td_registration_find_any(tx, b->cli->tenant.id, key, &b->slice, &r, &why);
    *f = (struct fate){.serial = rc == TD_OK ? r.serial : key, .id = r.id, .reason = ""};
    if (rc == TD_OK)
        rc = b->fn(tx, b, &r, &changed, &why);
    f->state = changed ? "changed" : "unchanged";
    if (rc == TD_OK)
        return TD_OK;
    if (rc != TD_ENOTFOUND && rc != TD_EINVAL && rc != TD_ESTATE) {
        *err = why; /* nothing is known */
        return rc;
    }
    f->state = "refused";
    f->reason = td_arena_printf(&b->slice, "%s%s%s", why.text, why.remedy[0] != '\0' ? "; " : "", why.remedy);
    return TD_OK;
}

static enum td_code run_slice(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct bulk *b = ctx;
    for (size_t i = 0; i < b->in_slice; i++)
        td_try(take_one(tx, b, b->keys.list[b->at + i], &b->fates[i], err));
    return TD_OK;
}

static void report(struct bulk *b, const struct fate *f)
{
    bool refused = strcmp(f->state, "refused") == 0;
    b->refused += refused;
    b->changed += strcmp(f->state, "changed") == 0;
    b->unchanged += strcmp(f->state, "unchanged") == 0;
    if (b->cli->json) {
        td_jsonw_obj(&b->json);
        td_jsonw_kstr(&b->json, "serialNumber", f->serial);
        td_jsonw_kstr(&b->json, "registrationId", f->id);
        td_jsonw_kstr(&b->json, "status", f->state);
        td_jsonw_kstr(&b->json, "reason", f->reason);
        td_jsonw_end(&b->json);
    } else if (refused || b->dry_run) {
        td_cli_say(b->cli, "%s %s%s%s", f->serial, f->state, f->reason[0] != '\0' ? ": " : "", f->reason);
    }
    if (b->cli->out.n > 1 << 20)
        td_cli_flush(b->cli);
}

static void tell_progress(const struct bulk *b, size_t done)
{
    if (b->progress && (done % PROGRESS_EVERY < SLICE || done == b->keys.count))
        (void)fprintf(stderr, "%zu of %zu\n", done, b->keys.count);
}

static enum td_code run_slices(struct bulk *b, struct td_error *err)
{
    for (b->at = 0; b->at < b->keys.count; b->at += b->in_slice) {
        b->in_slice = TD_MIN((size_t)SLICE, b->keys.count - b->at);
        enum td_code rc = b->dry_run ? td_store_read(b->cli->store, run_slice, b, err)
                                     : td_store_write(b->cli->store, run_slice, b, err);
        for (size_t i = 0; i < b->in_slice && rc == TD_OK; i++)
            report(b, &b->fates[i]);
        td_arena_done(&b->slice);
        td_try(rc);
        tell_progress(b, b->at + b->in_slice);
    }
    return TD_OK;
}

static void say_totals(struct bulk *b)
{
    if (!b->cli->json) {
        td_cli_say(b->cli, "%zu device%s: %zu %s%s, %zu unchanged, %zu refused", b->keys.count,
                   b->keys.count == 1 ? "" : "s", b->changed, b->dry_run ? "would be " : "", b->word, b->unchanged,
                   b->refused);
        return;
    }
    td_jsonw_arr_end(&b->json);
    td_jsonw_kbool(&b->json, "dryRun", b->dry_run);
    td_jsonw_kint(&b->json, "total", (int64_t)b->keys.count);
    td_jsonw_kint(&b->json, "changed", (int64_t)b->changed);
    td_jsonw_kint(&b->json, "unchanged", (int64_t)b->unchanged);
    td_jsonw_kint(&b->json, "refused", (int64_t)b->refused);
    td_jsonw_end(&b->json);
    td_buf_addc(&b->cli->out, '\n');
}

static enum td_code run_bulk(struct bulk *b, int first, struct td_error *err)
{
    b->dry_run = td_cli_option(b->cli, "dry-run") != NULL;
    td_try(read_keys(b, first, err));
    b->progress =
        td_cli_option(b->cli, "progress") != NULL || (b->keys.count > PROGRESS_EVERY && isatty(STDERR_FILENO) == 1);
    td_jsonw_init(&b->json, &b->cli->out);
    if (b->cli->json) {
        td_jsonw_obj(&b->json);
        td_jsonw_key(&b->json, "rows");
        td_jsonw_arr(&b->json);
    }
    td_try(run_slices(b, err));
    say_totals(b);
    if (b->refused == 0)
        return TD_OK;
    return td_fail(err, TD_EINVAL, "devices", "%zu of %zu were refused, the others are done", b->refused,
                   b->keys.count);
}

/* ---- what can be done ---- */

static enum td_code change_one(struct td_tx *tx, struct bulk *b, const struct td_registration *r, bool *ret_changed,
                               struct td_error *err)
{
    *ret_changed = b->dry_run;
    if (b->dry_run)
        return TD_OK;
    return td_registration_change(tx, b->cli->tenant.id, r->id, &b->change, actor, ret_changed, err);
}

static enum td_code run_tag(struct td_cli *cli, struct td_error *err)
{
    struct bulk b = {.cli = cli, .fn = change_one, .word = "tagged", .change = {.group_tag = cli->args[0]}};
    return run_bulk(&b, 1, err);
}

static enum td_code run_assign_user(struct td_cli *cli, struct td_error *err)
{
    struct bulk b = {.cli = cli,
                     .fn = change_one,
                     .word = "assigned",
                     .change = {.assigned_user = cli->args[0], .addressable_user = td_cli_option(cli, "greeting")}};
    return run_bulk(&b, 1, err);
}

static enum td_code run_unassign_user(struct td_cli *cli, struct td_error *err)
{
    struct bulk b = {.cli = cli,
                     .fn = change_one,
                     .word = "freed of their user",
                     .change = {.assigned_user = "", .addressable_user = ""}};
    return run_bulk(&b, 0, err);
}

static enum td_code run_rename(struct td_cli *cli, struct td_error *err)
{
    struct bulk b = {.cli = cli, .fn = change_one, .word = "named", .change = {.display_name = cli->args[0]}};
    return run_bulk(&b, 1, err);
}

/* As the interface's allowNextEnrollment does it (autopilot.md R17). */
static enum td_code run_unblock(struct td_cli *cli, struct td_error *err)
{
    static const enum td_userless allowed = TD_USERLESS_ALLOWED;
    struct bulk b = {.cli = cli, .fn = change_one, .word = "unblocked", .change = {.userless = &allowed}};
    return run_bulk(&b, 0, err);
}

/* KEY=VALUE of `device set`, by the names of the interface. */
static enum td_code read_pairs(struct td_cli *cli, struct td_registration_change *c, struct td_error *err)
{
    const struct {
        const char *name, **field;
    } keys[] = {
        {"groupTag", &c->group_tag},
        {"purchaseOrderIdentifier", &c->purchase_order},
        {"userPrincipalName", &c->assigned_user},
        {"addressableUserName", &c->addressable_user},
        {"displayName", &c->display_name},
        {"deviceFriendlyName", &c->friendly_name},
        {"deviceAccountUpn", &c->account_upn},
        {"resourceName", &c->resource_name},
        {"productKey", &c->product_key},
    };
    for (int i = 1; i < cli->arg_count; i++) {
        struct td_slice name, value = td_cut(td_str(cli->args[i]), '=', &name);
        bool known = false;
        for (size_t k = 0; k < TD_COUNTOF(keys); k++)
            if (td_ieqs(name, keys[k].name) && name.n < strlen(cli->args[i])) {
                *keys[k].field = td_arena_text(&cli->arena, value);
                known = true;
            }
        if (!known)
            return td_remedy(err, td_fail(err, TD_EINVAL, "KEY=VALUE", "\"%.60s\" sets nothing", cli->args[i]),
                             "the keys are groupTag, purchaseOrderIdentifier, userPrincipalName, addressableUserName, "
                             "displayName, deviceFriendlyName, deviceAccountUpn, resourceName, productKey");
    }
    return TD_OK;
}

static enum td_code run_set(struct td_cli *cli, struct td_error *err)
{
    struct bulk b = {.cli = cli, .fn = change_one, .word = "changed"};
    td_try(read_pairs(cli, &b.change, err));
    td_device_keys_add(cli, &b.keys, cli->args[0]);
    return run_bulk(&b, cli->arg_count, err);
}

/* Tells what would stay; a managed device stays managed (autopilot.md R15). */
static enum td_code remove_one(struct td_tx *tx, struct bulk *b, const struct td_registration *r, bool *ret_changed,
                               struct td_error *err)
{
    const char *tenant = b->cli->tenant.id;
    const struct td_change gone = {"serialNumber", r->serial, NULL};
    const struct td_audit what = {.type = "registration.removed",
                                  .actor = actor,
                                  .kind = "registration",
                                  .id = r->id,
                                  .name = r->serial,
                                  .changes = &gone,
                                  .count = 1};
    *ret_changed = true;
    if (b->dry_run) {
        struct td_way_row way;
        td_try(td_way_find(tx, tenant, TD_WAY_ID, r->way_id, &b->slice, &way, err));
        struct fate *f = &b->fates[0];
        while (strcmp(f->id, r->id) != 0)
            f++;
        f->reason = way.enrolment_id[0] != '\0'             ? "its management and its directory object stay"
                    : way.way.state[TD_M_JOIN] != TD_J_NONE ? "its directory object stays"
                                                            : "nothing of it stays";
        return TD_OK;
    }
    td_try(td_registration_remove(tx, tenant, r->id, actor, err));
    return td_audit_tell(tx, tenant, &what, err);
}

static enum td_code run_remove(struct td_cli *cli, struct td_error *err)
{
    struct bulk b = {.cli = cli, .fn = remove_one, .word = "removed"};
    return run_bulk(&b, 0, err);
}

#define FIELDS                                                                                           \
    "rows: list of serialNumber, registrationId, status (changed, unchanged, refused), reason; dryRun; " \
    "total; changed; unchanged; refused"
#define FILE_OPTION                                                                                 \
    {                                                                                               \
        "file", "FILE", "serial numbers or ids, one in each line (the first cell of a list)", false \
    }
#define COMMON                                                                       \
    FILE_OPTION, {"dry-run", NULL, "tell what would be done, write nothing", false}, \
    {                                                                                \
        "progress", NULL, "tell on standard error how far it is", false              \
    }

static const struct td_command rows[] = {
    {.noun = "device",
     .verb = "tag",
     .args = "TAG [SERIAL|ID]...",
     .min_args = 1,
     .max_args = -1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Gives devices a group tag (\"\" takes it away); groups and profiles follow at once.",
     .fields = FIELDS,
     .run = run_tag,
     .options = {COMMON}},
    {.noun = "device",
     .verb = "assign-user",
     .args = "USER [SERIAL|ID]...",
     .min_args = 1,
     .max_args = -1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Assigns a user of this tenant to devices.",
     .fields = FIELDS,
     .run = run_assign_user,
     .options = {{"greeting", "NAME", "how the device greets the user", false}, COMMON}},
    {.noun = "device",
     .verb = "unassign-user",
     .args = "[SERIAL|ID]...",
     .max_args = -1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Takes the assigned user away from devices.",
     .fields = FIELDS,
     .run = run_unassign_user,
     .options = {COMMON}},
    {.noun = "device",
     .verb = "rename",
     .args = "NAME SERIAL|ID",
     .min_args = 2,
     .max_args = 2,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Gives a device its computer name (at most 15 characters); it wins over the profile's template.",
     .fields = FIELDS,
     .run = run_rename},
    {.noun = "device",
     .verb = "unblock",
     .args = "[SERIAL|ID]...",
     .max_args = -1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Lets devices deploy without a user once more, where the tenant's userless-once is on.",
     .fields = FIELDS,
     .run = run_unblock,
     .options = {COMMON}},
    {.noun = "device",
     .verb = "set",
     .args = "SERIAL|ID KEY=VALUE...",
     .min_args = 2,
     .max_args = -1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Sets what is said about a device, all or nothing: groupTag, purchaseOrderIdentifier, "
              "userPrincipalName, addressableUserName, displayName, deviceFriendlyName, deviceAccountUpn, "
              "resourceName, productKey.",
     .fields = FIELDS,
     .run = run_set},
    {.noun = "device",
     .verb = "remove",
     .args = "[SERIAL|ID]...",
     .max_args = -1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .about = "Ends registrations. A device that is managed stays managed, a joined one stays joined.",
     .fields = FIELDS,
     .run = run_remove,
     .options = {COMMON}},
};

const struct td_command_table td_device_bulk_commands = {rows, TD_COUNTOF(rows)};
