#include "device/diagnostics.h"

#include "base/encode.h"
#include "base/fault.h"
#include "base/file.h"
#include "codec/zip.h"
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "device/csp/store.h"
#include "device/disk.h"
#include "device/events.h"
#include "device/preflight.h"
#include "device/show.h"
#include "device/tpm.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PART_MAX = 2 << 20, LAST_ERRORS = 50 };

/* ---- the log ---- */

static void rotate(const struct td_device *dev, const char *path, struct td_arena *a)
{
    struct stat st;
    if (stat(path, &st) == 0 && st.st_size > TD_DEVICE_LOG_MAX)
        (void)rename(path, td_device_path(dev, a, "log.old"));
}

void td_device_log(const struct td_device *dev, const char *line)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    char at[TD_TIME_TEXT];
    const char *path = td_device_path(dev, &a, "log");
    const char *text = td_arena_printf(&a, "%s %s\n", td_time_text_us(td_now(dev->env), at), line);
    rotate(dev, path, &a);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return;
    ssize_t written TD_UNUSED = write(fd, text, strlen(text));
    (void)close(fd);
}

/* ---- what may be shown ---- */

/* Beginnings of names; none of the words below may stand in the rest. */
static const char *const open_state[] = {"server",  "begin.", "end.",   "page.",    "answer.", "profile.", "offline.",
                                         "signin.", "join.",  "enrol.", "sts.",     "ui.",     "device.",  "ready.",
                                         "reset.",  "user.",  "sync.",  "restart.", "prt.at",  NULL};
static const char *const open_nodes[] = {"Device/Vendor/MSFT/Policy/",
                                         "User/Vendor/MSFT/Policy/",
                                         "Device/DevInfo/",
                                         "Device/DevDetail/",
                                         "Device/Vendor/MSFT/DMClient/",
                                         "User/Vendor/MSFT/DMClient/",
                                         "Device/Vendor/MSFT/EnrollmentStatusTracking/",
                                         "Device/Vendor/MSFT/RemoteWipe/",
                                         "@name",
                                         "@edition",
                                         "@restarts",
                                         NULL};
static const char *const hidden_words[] = {
    "token", "secret", "session",   "ticket",     "data",        "password", "passphrase", "key", "nonce", "code",
    "proof", "blob",   "challenge", "credential", "certificate", "laps",     "xml",        "pfx", NULL};

static bool has_word(const char *name)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    char *folded = td_arena_strdup(&a, name);
    td_lower(folded);
    for (size_t i = 0; hidden_words[i] != NULL; i++)
        if (strstr(folded, hidden_words[i]) != NULL)
            return true;
    return false;
}

static bool may_show(const char *const *beginnings, const char *name)
{
    if (td_fault("diagnostics-show-all"))
        return true;
    for (size_t i = 0; beginnings[i] != NULL; i++)
        if (td_starts(td_str(name), beginnings[i]))
            return !has_word(name + strlen(beginnings[i]));
    return false;
}

static void put_value(struct td_jsonw *w, const char *const *beginnings, const char *name, const char *value,
                      struct td_arena *a)
{
    bool shown = may_show(beginnings, name);
    td_jsonw_kstr(w, name, shown ? value : td_arena_printf(a, "(left out: %zu octets)", strlen(value)));
}

/* ---- the parts of the archive ---- */

struct part {
    struct td_device *dev;
    const struct td_hardware *hw;
    const struct td_transport *net;
    struct td_arena *a;
};

static enum td_code write_state(const struct part *p, struct td_buf *out, struct td_error *err TD_UNUSED)
{
    struct td_jsonw w;
    const char *key, *value;
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    for (size_t i = 0; td_state_at(p->dev->state, i, &key, &value); i++)
        if (value != NULL)
            put_value(&w, open_state, key, value, p->a);
    td_jsonw_end(&w);
    return TD_OK;
}

static enum td_code write_nodes(const struct part *p, struct td_buf *out, struct td_error *err)
{
    struct td_jsonw w;
    struct td_csp_items items = {0};
    enum td_code rc = td_csp_items_load(&items, td_device_path(p->dev, p->a, "csp.json"), err);
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    for (size_t i = 0; rc == TD_OK && i < items.count; i++)
        put_value(&w, open_nodes, items.v[i].key, items.v[i].value, p->a);
    td_jsonw_end(&w);
    td_csp_items_done(&items);
    return rc;
}

static enum td_code write_show(const struct part *p, struct td_buf *out, struct td_error *err TD_UNUSED)
{
    td_device_show(p->dev, out);
    return TD_OK;
}

/* As `hash --csv` writes it: what an import takes. */
static enum td_code write_csv(const struct part *p, struct td_buf *out, struct td_error *err)
{
    char *hash = NULL;
    const struct td_hw_facts *f = &p->hw->facts;
    td_try(td_hardware_hash(p->hw, p->dev->env, p->a, &hash, err));
    const char *serial = strpbrk(f->serial, ",\"\r\n") == NULL ? f->serial : "";
    td_buf_printf(out, "Device Serial Number,Windows Product ID,Hardware Hash\r\n%s,%s,%s\r\n", serial,
                  f->product_key_id, hash);
    return TD_OK;
}

static enum td_code write_requirements(const struct part *p, struct td_buf *out, struct td_error *err TD_UNUSED)
{
    struct td_finding *list;
    size_t n;
    const struct td_preflight pf = {.dev = p->dev, .hw = p->hw, .net = p->net};
    td_preflight_run(&pf, p->a, &list, &n);
    struct td_jsonw w;
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    td_findings_write(list, n, &w);
    td_jsonw_end(&w);
    return TD_OK;
}

static enum td_code copy_file(const struct part *p, const char *name, struct td_buf *out)
{
    const char *path = td_device_path(p->dev, p->a, name);
    return td_file_exists(path) ? td_file_read(path, out, NULL) : TD_ENOTFOUND;
}

static enum td_code write_log(const struct part *p, struct td_buf *out, struct td_error *err TD_UNUSED)
{
    td_ignore(copy_file(p, "log", out));
    return TD_OK;
}

static enum td_code write_old_log(const struct part *p, struct td_buf *out, struct td_error *err TD_UNUSED)
{
    td_ignore(copy_file(p, "log.old", out));
    return TD_OK;
}

/* Lines of the log that tell of something wrong, with code, item, cause and remedy as they were said. */
static bool tells_an_error(struct td_slice line)
{
    static const char *const kinds[] = {"failed ", "time-out ", "wait ", "manage "};
    struct td_slice at;
    struct td_slice rest = td_cut(line, ' ', &at);
    for (size_t i = 0; i < TD_COUNTOF(kinds); i++)
        if (td_starts(rest, kinds[i]))
            return true;
    return td_search(rest, TD_S(" is ignored: ")) != SIZE_MAX;
}

static enum td_code write_errors(const struct part *p, struct td_buf *out, struct td_error *err TD_UNUSED)
{
    TD_CLEANUP(td_buf_done) struct td_buf log;
    struct td_slice lines[LAST_ERRORS];
    size_t n = 0;
    td_buf_init(&log, PART_MAX);
    td_ignore(copy_file(p, "log.old", &log));
    td_ignore(copy_file(p, "log", &log));
    for (struct td_slice rest = td_buf_slice(&log), line; rest.n != 0;) {
        rest = td_cut(rest, '\n', &line);
        if (tells_an_error(line))
            lines[n++ % LAST_ERRORS] = line;
    }
    for (size_t i = n > LAST_ERRORS ? n - LAST_ERRORS : 0; i < n; i++)
        td_buf_printf(out, "%.*s\n", TD_FMT(lines[i % LAST_ERRORS]));
    return TD_OK;
}

static enum td_code write_events(const struct part *p, struct td_buf *out, struct td_error *err TD_UNUSED)
{
    TD_CLEANUP(td_buf_done) struct td_buf log;
    td_buf_init(&log, PART_MAX);
    td_ignore(copy_file(p, "log.old", &log));
    td_ignore(copy_file(p, "log", &log));
    td_events_write(td_buf_slice(&log), out);
    return TD_OK;
}

static void write_ek_certificate(struct td_jsonw *w, const struct td_tpm_ek *ek, struct td_arena *a)
{
    struct td_cert cert;
    if (ek->cert.n == 0 || td_cert_parse(ek->cert, a, &cert, NULL) != TD_OK) {
        td_jsonw_kstr(w, "ekCertificate", ek->cert.n == 0 ? "none" : "can't be read");
        return;
    }
    td_jsonw_key(w, "ekCertificate");
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "issuer", cert.issuer);
    td_jsonw_kstr(w, "serial", cert.serial);
    td_jsonw_ktime(w, "notBefore", cert.not_before);
    td_jsonw_ktime(w, "notAfter", cert.not_after);
    td_jsonw_kstr(w, "sha1", cert.sha1);
    td_jsonw_end(w);
}

/* What the TPM says of itself, and which keys are in it: public parts, or what stands for them. */
static void write_tpm_facts(struct td_jsonw *w, const struct part *p, struct td_tpm *t)
{
    static const char *const keys[] = {"device.key.pem", "mdm.key.pem"};
    struct td_tpm_ek ek = {0};
    unsigned char sum[32];
    enum td_tpm_key_kind kind;
    if (td_tpm_ek(t, p->a, &ek, NULL) == TD_OK) {
        td_sha256(ek.public_, sum);
        td_jsonw_kstr(w, "ekPublicSha256", td_hex(p->a, td_bytes(sum, sizeof(sum))));
        write_ek_certificate(w, &ek, p->a);
    }
    td_jsonw_key(w, "keysInside");
    td_jsonw_arr(w);
    for (size_t i = 0; i < TD_COUNTOF(keys); i++)
        if (td_tpm_holds(p->dev, keys[i], &kind))
            td_jsonw_str(w, td_tpm_key_file(kind));
    td_jsonw_arr_end(w);
}

/* mdmdiagnosticstool's area TPM (autopilot.md 6.6). */
static enum td_code write_tpm(const struct part *p, struct td_buf *out, struct td_error *err)
{
    static const char *const told[][2] = {
        {"tcti", "tpm.tcti"}, {"version", "tpm.version"}, {"attestedAs", "join.attested"}};
    struct td_tpm *t = NULL;
    struct td_jsonw w;
    enum td_code rc = td_device_tpm(p->dev, &t, err);
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "tpm", t != NULL ? "answers" : rc != TD_OK ? "does not answer" : "none");
    if (rc != TD_OK && err != NULL)
        td_jsonw_kstr(&w, "why", err->text);
    for (size_t i = 0; i < TD_COUNTOF(told); i++)
        td_jsonw_kstr(&w, told[i][0], td_state_get(p->dev->state, told[i][1]));
    if (t != NULL)
        write_tpm_facts(&w, p, t);
    td_jsonw_end(&w);
    return TD_OK;
}

/* Names only, and none of a person's. */
static enum td_code write_files(const struct part *p, struct td_buf *out, struct td_error *err)
{
    struct td_disk_list files = {0};
    td_try(td_disk_files(p->dev, p->a, &files, err));
    for (size_t i = 0; i < files.count; i++)
        if (!td_starts(td_str(files.v[i].name), "disk/users/") && !td_starts(td_str(files.v[i].name), "disk/data/"))
            td_buf_printf(out, "%s\n", files.v[i].name);
    return TD_OK;
}

static const struct {
    const char *name, *about;
    enum td_code (*write)(const struct part *p, struct td_buf *out, struct td_error *err);
} parts[] = {
    {"errors.txt", "the last lines of the log that tell of something wrong", write_errors},
    {"events.json", "the same in the ids of Windows' event log, and why there is no profile", write_events},
    {"tpm.json", "the TPM: what it is, its endorsement certificate, which keys it holds", write_tpm},
    {"log.txt", "what the device said, with times (UTC)", write_log},
    {"log.old.txt", "the log before that, if there is one", write_old_log},
    {"device.txt", "what the device knows of itself, and what is in effect on it", write_show},
    {"state.json", "where it is on its way", write_state},
    {"nodes.json", "its tree of management nodes", write_nodes},
    {"requirements.json", "each requirement of a deployment, as preflight tells it", write_requirements},
    {"hash.csv", "one line that an import takes: registers this device", write_csv},
    {"files.txt", "names of files, without those of persons", write_files},
};

static enum td_code add_part(const struct part *p, size_t i, struct td_zip *z, struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf text;
    struct td_error why = {0};
    td_buf_init(&text, PART_MAX);
    if (parts[i].write(p, &text, &why) != TD_OK) { /* a broken part is told in its place: the rest is needed more */
        td_buf_reset(&text);
        td_buf_printf(&text, "could not be collected: %s: %s\n", why.where, why.text);
    }
    return td_zip_add(z, parts[i].name, td_buf_slice(&text), err);
}

static enum td_code add_contents(struct td_zip *z, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf text;
    td_buf_init(&text, 4096);
    td_buf_adds(&text, "Nothing secret is in here: values that could be are left out.\r\n\r\n");
    for (size_t i = 0; i < TD_COUNTOF(parts); i++)
        td_buf_printf(&text, "%-18s %s\r\n", parts[i].name, parts[i].about);
    return td_zip_add(z, "contents.txt", td_buf_slice(&text), err);
}

enum td_code td_diagnostics_zip(struct td_device *dev, const struct td_hardware *hw, const struct td_transport *net,
                                struct td_buf *out, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    TD_CLEANUP(td_zip_done) struct td_zip z;
    const struct part p = {.dev = dev, .hw = hw, .net = net, .a = &a};
    td_zip_begin(&z, out, td_now(dev->env));
    td_try(add_contents(&z, err));
    for (size_t i = 0; i < TD_COUNTOF(parts); i++)
        td_try(add_part(&p, i, &z, err));
    return td_zip_end(&z, err);
}
