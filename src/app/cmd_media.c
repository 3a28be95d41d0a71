#include "app/commands.h"
#include "base/encode.h"
#include "base/file.h"
#include "crypto/digest.h"
#include "media/existing.h"
#include "store/profile.h"

struct ctx {
    struct td_cli *cli;
    struct td_profile_row profile;
    const char *folder;
    const char *warnings[3]; /* NULL-terminated */
    struct td_jsonw w;       /* of --json */
};

/* What will stop such a device later is told now. */
static enum td_code read_profile(struct td_tx *tx, void *p, struct td_error *err)
{
    struct ctx *c = p;
    const char *who = "all", *tenant = c->cli->tenant.id;
    size_t n = 0;
    td_try(td_profile_find(tx, tenant, c->cli->args[0], &c->cli->arena, &c->profile, err));
    td_try(td_tenant_get(tx, tenant, "enrol-users", &c->cli->arena, &who, err));
    if (strcmp(who, "all") != 0)
        c->warnings[n++] = td_arena_printf(
            &c->cli->arena, "enrol-users=%s refuses devices that are not registered: register them first", who);
    if (c->profile.settings.join == TD_JOIN_HYBRID)
        c->warnings[n++] =
            "the profile asks for a hybrid join, which takes a registration: a profile file alone does not do it";
    c->warnings[n] = NULL;
    return TD_OK;
}

static enum td_code put(void *p, const char *name, struct td_slice content, struct td_error *err)
{
    struct ctx *c = p;
    unsigned char hash[32];
    td_try(td_file_write(td_arena_printf(&c->cli->arena, "%s/%s", c->folder, name), content, 0644, err));
    if (!c->cli->json) {
        td_cli_say(c->cli, "  %s", name);
        return TD_OK;
    }
    td_sha256(content, hash);
    td_jsonw_obj(&c->w);
    td_jsonw_kstr(&c->w, "name", name);
    td_jsonw_kint(&c->w, "size", (int64_t)content.n);
    td_jsonw_kstr(&c->w, "sha256", td_hex(&c->cli->arena, td_bytes(hash, sizeof(hash))));
    td_jsonw_end(&c->w);
    return TD_OK;
}

static enum td_code read_user_files(struct td_cli *cli, bool *ret, struct td_error *err)
{
    const char *said = td_cli_option(cli, "user-files");
    *ret = said != NULL && strcmp(said, "save") == 0;
    if (said == NULL || *ret || strcmp(said, "none") == 0)
        return TD_OK;
    cli->misused = true;
    return td_fail(err, TD_EINVAL, "user-files", "must be save or none");
}

static enum td_code write_folder(struct ctx *c, const struct td_media_existing *in, struct td_error *err)
{
    struct td_jsonw *w = &c->w;
    if (!c->cli->json) {
        for (size_t i = 0; c->warnings[i] != NULL; i++)
            td_cli_say(c->cli, "warning: %s", c->warnings[i]);
        td_cli_say(c->cli, "medium for the profile \"%s\" in %s", c->profile.name, c->folder);
        return td_media_existing_write(in, put, c, err);
    }
    td_jsonw_init(w, &c->cli->out);
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "folder", c->folder);
    td_jsonw_kstr(w, "profile", c->profile.name);
    td_jsonw_kstr(w, "profileId", c->profile.id);
    td_jsonw_kstr(w, "enrollmentProfileName",
                  td_arena_printf(&c->cli->arena, "OfflineAutopilotprofile-%s", c->profile.id));
    td_jsonw_kbool(w, "userFiles", in->user_files);
    td_jsonw_key(w, "warnings");
    td_jsonw_arr(w);
    for (size_t i = 0; c->warnings[i] != NULL; i++)
        td_jsonw_str(w, c->warnings[i]);
    td_jsonw_arr_end(w);
    td_jsonw_key(w, "files");
    td_jsonw_arr(w);
    td_try(td_media_existing_write(in, put, c, err));
    td_jsonw_arr_end(w);
    td_jsonw_end(w);
    td_buf_addc(&c->cli->out, '\n');
    return TD_OK;
}

static enum td_code run_existing(struct td_cli *cli, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf file;
    struct ctx c = {.cli = cli, .folder = td_cli_option(cli, "out")};
    struct td_media_existing in = {.tenant_domain = cli->tenant.domain};
    td_buf_init(&file, TD_PROFILE_MAX_JSON);
    td_try(read_user_files(cli, &in.user_files, err));
    td_try(td_store_read(cli->store, read_profile, &c, err));
    const struct td_profile_answer around = {.tenant_id = cli->tenant.id,
                                             .tenant_domain = cli->tenant.domain,
                                             .tenant_name = cli->tenant.name,
                                             .profile_id = c.profile.id,
                                             .profile_name = c.profile.name,
                                             .device_name = ""};
    td_try(td_profile_export(&c.profile.settings, &around, &file, err));
    td_buf_addc(&file, '\n');
    in.profile_file = td_buf_slice(&file);
    in.profile_name = c.profile.name;
    in.profile_id = c.profile.id;
    td_try(td_dir_make(c.folder, 0755, err));
    return write_folder(&c, &in, err);
}

#define LATER(v, what)                                                                                            \
    {                                                                                                             \
        .noun = "media", .verb = (v), .args = "...", .max_args = -1, .flags = TD_CLI_NOT_OFFERED, .about = (what) \
    }

static const struct td_command rows[] = {
    {.noun = "media",
     .verb = "existing-device",
     .args = "PROFILE",
     .min_args = 1,
     .max_args = 1,
     .flags = TD_CLI_STORE | TD_CLI_TENANT,
     .needs = "out",
     .about = "Writes what turns an existing PC into one that sets itself up by a profile without a registration: "
              "AutopilotConfigurationFile.json, scripts for Windows PE and Configuration Manager, an answer file, "
              "instructions.",
     .fields = "folder; profile; profileId; enrollmentProfileName: for rules of groups; userFiles; warnings: what will "
               "stop such a device; files: list of name, "
               "size, sha256",
     .run = run_existing,
     .options = {{"out", "DIR", "folder to write into; files of the same names are replaced", false},
                 {"user-files", "save|none", "with scripts that save and restore users' files (none)", false}}},
    LATER("package", "Makes provisioning packages."),
    LATER("answer-file", "Makes answer files."),
    LATER("stick", "Makes start media."),
};

const struct td_command_table td_media_commands = {rows, TD_COUNTOF(rows)};
