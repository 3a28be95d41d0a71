/* Attestation for administrators: makers whose TPMs are trusted, which TPM a device has, what its measurements were. */
#include "api/ek_roots.h"
#include "app/commands.h"
#include "base/file.h"
#include "codec/hwhash.h"
#include "crypto/bundle.h"
#include "crypto/digest.h"
#include "store/attestation.h"
#include "store/audit.h"
#include "store/registration.h"

#include <stdio.h>

enum { SLICE = 50 };

static const char actor[] = "command line";

/* --- makers ------------------------------------------------------------------------------------------------------- */

struct maker {
    struct td_ek_root root;
    bool added;
};

struct makers {
    struct td_cli *cli;
    struct maker *list;
    size_t count, room, from;
};

static enum td_code read_maker(struct makers *m, struct td_slice der, struct td_error *err)
{
    struct maker made = {.added = false};
    td_try(td_ek_root_read(der, td_cli_option(m->cli, "label"), &m->cli->arena, &made.root, err));
    m->list = td_arena_room(&m->cli->arena, m->list, m->count, &m->room, sizeof(*m->list));
    m->list[m->count++] = made;
    return TD_OK;
}

static enum td_code read_file(struct makers *m, const char *file, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf octets;
    struct td_slice *ders = NULL;
    size_t n = 0;
    td_buf_init(&octets, TD_BUNDLE_MAX);
    td_try(td_file_read(file, &octets, err));
    enum td_code rc = td_bundle_read(td_buf_slice(&octets), &m->cli->arena, &ders, &n, err);
    for (size_t i = 0; i < n && rc == TD_OK; i++)
        rc = read_maker(m, ders[i], err);
    if (rc != TD_OK && err != NULL && err->where[0] != '/' && strcmp(err->where, file) != 0)
        (void)snprintf(err->where, sizeof(err->where), "%s", file);
    return rc;
}

/* Known ones are passed over: makers publish their lists anew, with all that was in them before. */
static enum td_code add_slice(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct makers *m = ctx;
    struct td_ek_root *known = NULL;
    size_t n = 0;
    td_try(td_ek_root_list(tx, m->cli->tenant.id, &m->cli->arena, &known, &n, err));
    for (size_t i = m->from; i < m->count && i < m->from + SLICE; i++) {
        m->list[i].added = true;
        for (size_t k = 0; k < n; k++)
            m->list[i].added = m->list[i].added && strcmp(known[k].sha256, m->list[i].root.sha256) != 0;
        for (size_t k = m->from; k < i; k++) /* the same in two files */
            m->list[i].added = m->list[i].added && strcmp(m->list[k].root.sha256, m->list[i].root.sha256) != 0;
        if (m->list[i].added)
            td_try(td_ek_root_add(tx, m->cli->tenant.id, &m->list[i].root, actor, err));
    }
    return TD_OK;
}

static void write_root(struct td_cli *cli, struct td_jsonw *w, const struct td_ek_root *r, bool added, bool listed)
{
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "sha256", r->sha256);
    td_jsonw_kstr(w, "subject", r->subject);
    td_jsonw_kstr(w, "label", r->label);
    td_jsonw_ktime(w, "notAfter", r->not_after);
    td_jsonw_kbool(w, "expired", r->not_after < td_now(cli->env));
    if (listed)
        td_jsonw_ktime(w, "addedAt", r->added_at);
    else
        td_jsonw_kbool(w, "added", added);
    td_jsonw_end(w);
}

static void begin_roots(struct td_cli *cli, struct td_jsonw *w)
{
    td_jsonw_init(w, &cli->out);
    if (!cli->json)
        return;
    td_jsonw_obj(w);
    td_jsonw_key(w, "roots");
    td_jsonw_arr(w);
}

static void end_roots(struct td_cli *cli, struct td_jsonw *w)
{
    if (!cli->json)
        return;
    td_jsonw_arr_end(w);
    td_jsonw_end(w);
    td_buf_addc(&cli->out, '\n');
}

static const char *expiry(struct td_cli *cli, const struct td_ek_root *r)
{
    return td_arena_printf(&cli->arena, "%s %s", r->not_after < td_now(cli->env) ? "EXPIRED" : "until",
                           td_time_arena(&cli->arena, r->not_after));
}

static enum td_code run_add(struct td_cli *cli, struct td_error *err)
{
    struct makers m = {.cli = cli};
    struct td_jsonw w;
    for (int i = 0; i < cli->arg_count; i++)
        td_try(read_file(&m, cli->args[i], err));
    for (m.from = 0; m.from < m.count; m.from += SLICE)
        td_try(td_store_write(cli->store, add_slice, &m, err));
    begin_roots(cli, &w);
    for (size_t i = 0; i < m.count; i++) {
        const struct maker *k = &m.list[i];
        if (cli->json)
            write_root(cli, &w, &k->root, k->added, false);
        else
            td_cli_say(cli, "%.16s  %s: %s, %s", k->root.sha256, k->root.subject,
                       k->added ? "trusted now" : "trusted already", expiry(cli, &k->root));
    }
    end_roots(cli, &w);
    return TD_OK;
}

struct listing {
    struct td_cli *cli;
    struct td_ek_root *list;
    size_t count;
};

static enum td_code list_roots(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct listing *l = ctx;
    return td_ek_root_list(tx, l->cli->tenant.id, &l->cli->arena, &l->list, &l->count, err);
}

static enum td_code run_roots(struct td_cli *cli, struct td_error *err)
{
    struct listing l = {.cli = cli};
    struct td_jsonw w;
    td_try(td_store_read(cli->store, list_roots, &l, err));
    begin_roots(cli, &w);
    for (size_t i = 0; i < l.count; i++) {
        const struct td_ek_root *r = &l.list[i];
        if (cli->json)
            write_root(cli, &w, r, false, true);
        else
            td_cli_say(cli, "%.16s  %s%s%s%s, %s", r->sha256, r->subject, r->label[0] != '\0' ? " (" : "", r->label,
                       r->label[0] != '\0' ? ")" : "", expiry(cli, r));
    }
    end_roots(cli, &w);
    if (l.count == 0 && !cli->json)
        td_cli_say(cli, "no maker is trusted: a TPM is believed only where its key is the registered one");
    return TD_OK;
}

static enum td_code remove_root(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct td_cli *cli = ctx;
    return td_ek_root_remove(tx, cli->tenant.id, cli->args[0], actor, err);
}

static enum td_code run_remove(struct td_cli *cli, struct td_error *err)
{
    return td_store_write(cli->store, remove_root, cli, err);
}

/* --- the TPM of a device ------------------------------------------------------------------------------------------ */

struct tpm {
    struct td_cli *cli;
    struct td_registration r;
    struct td_tpm_binding b;
    bool proven, has_key; /* has_key: the registered hash carries the key */
    const char *version;  /* by the hash */
};

static enum td_code read_hash(struct td_tx *tx, struct tpm *t, struct td_error *err)
{
    struct td_slice octets = TD_S("");
    struct td_hw_facts *hw = td_arena_new(&t->cli->arena, struct td_hw_facts);
    enum td_code rc = td_registration_hash(tx, t->cli->tenant.id, t->r.id, &t->cli->arena, &octets, err);
    t->version = "";
    if (rc == TD_ENOTFOUND)
        return TD_OK;
    td_try(rc);
    if (octets.n != 0 && td_hwhash_decode(octets, td_sha256, &t->cli->arena, hw, NULL) == TD_OK) {
        t->has_key = hw->tpm_ek.n != 0;
        t->version = hw->tpm_version;
    }
    return TD_OK;
}

static enum td_code find(struct td_tx *tx, struct tpm *t, struct td_error *err)
{
    struct td_cli *cli = t->cli;
    td_try(td_registration_find_any(tx, cli->tenant.id, cli->args[0], &cli->arena, &t->r, err));
    td_try(read_hash(tx, t, err));
    enum td_code rc = td_tpm_binding_find(tx, cli->tenant.id, t->r.id, &cli->arena, &t->b, err);
    t->proven = rc == TD_OK;
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static enum td_code look(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return find(tx, ctx, err);
}

static void write_values(struct td_jsonw *w, const char *name, const char *json)
{
    td_jsonw_key(w, name);
    if (json[0] != '\0')
        td_jsonw_raw(w, td_str(json));
    else
        td_jsonw_null(w);
}

static void show_json(struct tpm *t)
{
    const struct td_tpm_binding *b = &t->b;
    struct td_jsonw w;
    td_jsonw_init(&w, &t->cli->out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "serialNumber", t->r.serial);
    td_jsonw_kstr(&w, "registrationId", t->r.id);
    td_jsonw_kstr(&w, "registeredTpm", t->version);
    td_jsonw_kbool(&w, "registeredKey", t->has_key);
    td_jsonw_kbool(&w, "proven", t->proven);
    if (t->proven) {
        td_jsonw_kstr(&w, "assurance", td_assurance_word(b->assurance));
        td_jsonw_kstr(&w, "manufacturer", b->manufacturer);
        td_jsonw_kstr(&w, "model", b->model);
        td_jsonw_kstr(&w, "version", b->version);
        td_jsonw_kstr(&w, "ekSha256", b->ek_sha256);
        write_values(&w, "pcrs", b->pcrs);
        write_values(&w, "baseline", b->baseline);
        td_jsonw_kint(&w, "clock", b->clock);
        td_jsonw_kint(&w, "resets", b->resets);
        td_jsonw_kint(&w, "restarts", b->restarts);
        td_jsonw_kstr(&w, "firmware", td_arena_printf(&t->cli->arena, "%016llx", (unsigned long long)b->firmware));
        td_jsonw_ktime(&w, "firstProvenAt", b->first_at);
        td_jsonw_ktime(&w, "lastProvenAt", b->last_at);
    }
    td_jsonw_end(&w);
    td_buf_addc(&t->cli->out, '\n');
}

static enum td_code say_values(struct tpm *t, struct td_error *err)
{
    struct td_json *now = NULL, *learnt = NULL;
    if (t->b.pcrs[0] != '\0')
        td_try(td_json_parse(td_str(t->b.pcrs), 65536, &t->cli->arena, &now, err));
    if (t->b.baseline[0] != '\0')
        td_try(td_json_parse(td_str(t->b.baseline), 65536, &t->cli->arena, &learnt, err));
    for (const struct td_json *v = now != NULL ? now->child : NULL; v != NULL; v = v->next) {
        const char *before = td_json_str(learnt, v->name);
        bool same = before != NULL && v->str != NULL && strcmp(before, v->str) == 0;
        td_cli_say(t->cli, "PCR %-2s         %s%s", v->name, v->str != NULL ? v->str : "",
                   before == NULL ? ""
                   : same         ? "  as learnt"
                                  : "  NOT as learnt");
    }
    return TD_OK;
}

static enum td_code show_text(struct tpm *t, struct td_error *err)
{
    struct td_cli *cli = t->cli;
    const struct td_tpm_binding *b = &t->b;
    td_cli_say(cli, "serial         %s\nregistration   %s", t->r.serial, t->r.id);
    if (t->version[0] != '\0')
        td_cli_say(cli, "by its hash    %s%s", t->version, t->has_key ? ", with its key" : ", without its key");
    if (!t->proven) {
        td_cli_say(cli, "no TPM was proven for this device yet");
        return TD_OK;
    }
    td_cli_say(cli, "assurance      %s\nmanufacturer   %s\nmodel          %s\nversion        %s\nkey            %s",
               td_assurance_word(b->assurance), b->manufacturer, b->model, b->version, b->ek_sha256);
    td_cli_say(cli, "first proven   %s\nlast proven    %s\nresets         %lld, restarts %lld, firmware %016llx",
               td_time_arena(&cli->arena, b->first_at), td_time_arena(&cli->arena, b->last_at), (long long)b->resets,
               (long long)b->restarts, (unsigned long long)b->firmware);
    td_cli_say(cli, "baseline       %s", b->baseline[0] != '\0' ? "learnt" : "none");
    return say_values(t, err);
}

static enum td_code show(struct tpm *t, struct td_error *err)
{
    if (!t->cli->json)
        return show_text(t, err);
    show_json(t);
    return TD_OK;
}

static enum td_code run_show(struct td_cli *cli, struct td_error *err)
{
    struct tpm t = {.cli = cli};
    td_try(td_store_read(cli->store, look, &t, err));
    return show(&t, err);
}

static enum td_code tell(struct td_tx *tx, const struct tpm *t, const char *type, const struct td_change *change,
                         struct td_error *err)
{
    const struct td_audit what = {.type = type,
                                  .actor = actor,
                                  .subject = t->r.way_id,
                                  .kind = "tpm",
                                  .id = t->r.id,
                                  .name = t->r.serial,
                                  .changes = change,
                                  .count = 1};
    return td_audit_tell(tx, t->cli->tenant.id, &what, err);
}

static enum td_code find_proven(struct td_tx *tx, struct tpm *t, struct td_error *err)
{
    td_try(find(tx, t, err));
    if (t->proven)
        return TD_OK;
    return td_remedy(err, td_fail(err, TD_ENOTFOUND, t->cli->args[0], "no TPM was proven for this device yet"),
                     "It proves one when it deploys itself, or when a technician pre-provisions it.");
}

static enum td_code unbind(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct tpm *t = ctx;
    td_try(find_proven(tx, t, err));
    const struct td_change change = {"ekSha256", t->b.ek_sha256, NULL};
    td_try(td_tpm_unbind(tx, t->cli->tenant.id, t->r.id, err));
    return tell(tx, t, "tpm.removed", &change, err);
}

static enum td_code run_unbind(struct td_cli *cli, struct td_error *err)
{
    struct tpm t = {.cli = cli};
    td_try(td_store_write(cli->store, unbind, &t, err));
    if (!cli->json)
        td_cli_say(cli, "%s: its TPM is forgotten; the next one that proves itself for it takes its place", t.r.serial);
    return TD_OK;
}

static enum td_code reset_baseline(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct tpm *t = ctx;
    bool accept = td_cli_option(t->cli, "accept") != NULL;
    td_try(find_proven(tx, t, err));
    const struct td_change change = {"baseline", t->b.baseline, accept ? t->b.pcrs : ""};
    td_try(td_tpm_baseline_reset(tx, t->cli->tenant.id, t->r.id, accept, err));
    td_try(tell(tx, t, "tpm.changed", &change, err));
    return find(tx, t, err);
}

static enum td_code run_baseline(struct td_cli *cli, struct td_error *err)
{
    struct tpm t = {.cli = cli};
    td_try(td_store_write(cli->store, reset_baseline, &t, err));
    if (cli->json)
        show_json(&t);
    else
        td_cli_say(cli, "%s: %s", t.r.serial,
                   t.b.baseline[0] != '\0' ? "the values last proven are its baseline now"
                                           : "the baseline is forgotten; the next attestation teaches a new one");
    return TD_OK;
}

#define NOUN .noun = "tpm", .flags = TD_CLI_STORE | TD_CLI_TENANT
#define ONE_DEVICE .args = "SERIAL|ID", .min_args = 1, .max_args = 1
#define TPM_FIELDS                                                                                             \
    "serialNumber; registrationId; registeredTpm: as the hardware hash tells it; registeredKey: the hash "     \
    "carries the endorsement key; proven; where proven also assurance: hardware, virtual or pinned; "          \
    "manufacturer; model; version; ekSha256; pcrs, baseline: object of number and value, null where unknown; " \
    "clock; resets; restarts; firmware; firstProvenAt; lastProvenAt"

static const struct td_command rows[] = {
    {NOUN, .verb = "add-root", .args = "FILE...", .min_args = 1, .max_args = -1,
     .about = "Trusts makers of TPMs: roots or intermediates in PEM, DER or PKCS#7, several in a file. Known ones are "
              "passed over.",
     .fields = "roots: list of sha256, subject, label, notAfter, expired, added: false where it was trusted already",
     .run = run_add, .options = {{"label", "TEXT", "what you call them, e.g. where the file is from", false}}},
    {NOUN, .verb = "roots", .args = "", .about = "Lists the makers whose TPMs are trusted.",
     .fields = "roots: list of sha256, subject, label, notAfter, expired, addedAt", .run = run_roots},
    {NOUN, .verb = "remove-root", .args = "SHA256", .min_args = 1, .max_args = 1,
     .about =
         "No longer trusts a maker: by the SHA-256 of its certificate, or its first eight digits and more. Devices "
         "that were admitted stay.",
     .run = run_remove},
    {NOUN, .verb = "show", ONE_DEVICE, .about = "Shows which TPM a device proved, when, and its measurements.",
     .fields = TPM_FIELDS, .run = run_show},
    {NOUN, .verb = "baseline", ONE_DEVICE, .needs = "forget|accept",
     .about =
         "After a firmware update: forgets the measurements that were learnt, or takes those last proven for them.",
     .fields = "as of tpm show", .run = run_baseline,
     .options = {{"forget", NULL, "the next attestation teaches new ones", false},
                 {"accept", NULL, "those of the last attestation that was admitted hold from now on", false}}},
    {NOUN, .verb = "unbind", ONE_DEVICE,
     .about = "Forgets the TPM of a device, for a board that was exchanged or moved to another device.",
     .run = run_unbind},
};

const struct td_command_table td_tpm_commands = {rows, TD_COUNTOF(rows)};
