#include "device/provision.h"

#include "base/fault.h"
#include "base/file.h"
#include "codec/block_sequence.h"
#include "device/csp/csp.h"
#include "device/diagnostics.h"
#include "device/disk.h"
#include "device/dm.h"
#include "device/identity.h"
#include "device/pages.h"
#include "device/qr.h"
#include "way/failure.h"

#include <stdio.h>
#include <unistd.h>

enum { NOT_ALLOWED = 0x80180005, KEY_PRESSES = 5, LEAVE_SECONDS = 60, QR_COLUMNS = 120, QR_FILE_MAX = 1 << 20 };

static const char logs[] = "provisioning-logs.zip";

bool td_provision_is_open(const struct td_device *dev)
{
    return td_state_get(dev->state, "provision.at") != NULL && td_state_get(dev->state, "provision.sealed") == NULL;
}

/* --- the technician's page ---------------------------------------------------------------------------------------- */

/* On the first page there is; a technician who comes back is on the technician's page still. */
static enum td_code press_keys(struct td_flow *f, struct td_error *err)
{
    for (int i = 1; i <= KEY_PRESSES; i++)
        td_device_say(f->dev, "page", "first page: Windows key, %d of %d", i, KEY_PRESSES);
    td_device_say(f->dev, "page", "Windows Autopilot provisioning");
    td_try(td_ui_confirm(f->ui, "windows key", "press Enter for Windows Autopilot provisioning", err));
    td_state_set_int(f->dev->state, "provision.at", td_now(f->dev->env));
    return TD_OK;
}

static enum td_code not_allowed(const struct td_flow *f, struct td_error *err)
{
    (void)td_fail(err, TD_EDENIED, "pre-provisioning", "the profile \"%.100s\" does not allow it",
                  td_flow_get(f, "profile.name"));
    if (err != NULL)
        err->hresult = (uint32_t)NOT_ALLOWED;
    return td_remedy(err, TD_EDENIED,
                     "allow it in the profile (preprovisioningAllowed), or leave the device to its user");
}

static void show(struct td_flow *f)
{
    td_device_say(f->dev, "page", "organisation: %s", td_flow_get(f, "profile.tenant"));
    td_device_say(f->dev, "page", "profile: %s", td_flow_get(f, "profile.name"));
    td_device_say(f->dev, "page", "device: %s, %s %s", f->hw.facts.serial, f->hw.facts.manufacturer, f->hw.facts.model);
    td_device_say(f->dev, "page", "assigned user: %s",
                  td_flow_get(f, "provision.user")[0] != '\0' ? td_flow_get(f, "provision.user")
                                                              : "told once the hardware is proven");
}

/* Id is the service's to join the codes by; the same at every start, so that a half scanned page goes on. */
static enum td_code write_codes(struct td_flow *f, struct td_arena *a, const char ***ret, size_t *ret_count,
                                struct td_error *err)
{
    char *hash = NULL;
    td_try(td_hardware_hash(&f->hw, f->dev->env, a, &hash, err));
    const struct td_block_sequence all = {.id = td_flow_get(f, "profile.registration_id"),
                                          .ztd_id = td_flow_get(f, "profile.registration_id"),
                                          .pkid = f->hw.facts.product_key_id != NULL ? f->hw.facts.product_key_id : "",
                                          .serial = f->hw.facts.serial,
                                          .hardware = hash};
    return td_blocks_write(&all, td_qr_capacity(QR_COLUMNS), a, ret, ret_count, err);
}

static void draw(struct td_flow *f, const struct td_qr *qr, struct td_buf *out)
{
    for (size_t i = 0; i < qr->count; i++) {
        td_buf_printf(out, "%s\n", qr->lines[i]);
        if (f->ui->ask != NULL)
            td_device_say(f->dev, "qr", "%s", qr->lines[i]);
    }
    td_buf_addc(out, '\n');
}

/* What a companion scans: pictures at a terminal and in DIR/qr.txt, their texts in DIR/qr.json, one a line. */
static enum td_code show_codes(struct td_flow *f, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    TD_CLEANUP(td_buf_done) struct td_buf pictures;
    TD_CLEANUP(td_buf_done) struct td_buf lines;
    const char **texts = NULL;
    size_t n = 0;
    td_buf_init(&pictures, QR_FILE_MAX);
    td_buf_init(&lines, QR_FILE_MAX);
    td_try(write_codes(f, &a, &texts, &n, err));
    for (size_t i = 0; i < n; i++) {
        struct td_qr qr = {.count = 0};
        td_try(td_qr_picture(texts[i], &a, &qr, err));
        td_device_say(f->dev, "page", "QR code %zu of %zu", i + 1, n);
        td_buf_printf(&lines, "%s\n", texts[i]);
        draw(f, &qr, &pictures);
    }
    td_try(td_flow_write(f, "qr.json", td_buf_slice(&lines), err));
    return td_flow_write(f, "qr.txt", td_buf_slice(&pictures), err);
}

/* What was changed in the service since is there behind a refresh. */
static enum td_code wait_for_button(struct td_flow *f, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf text;
    td_buf_init(&text, 64);
    while (f->ui->ask != NULL) {
        td_buf_reset(&text);
        td_try(f->ui->ask(f->ui->ask_ctx, "Enter: Provision, r: Refresh", false, &text, err));
        if (!td_istarts(td_trim(td_buf_slice(&text)), "r"))
            return TD_OK;
        td_try(td_flow_lookup(f, err));
        show(f);
        td_try(show_codes(f, err));
    }
    return TD_OK;
}

static enum td_code page(struct td_flow *f, struct td_error *err)
{
    show(f);
    if (td_state_int(f->dev->state, "profile.preprovisioning", 1) == 0) /* where it is not said, the service judges */
        return not_allowed(f, err);
    td_try(show_codes(f, err));
    td_try(wait_for_button(f, err));
    td_device_say(f->dev, "page", "button: Provision");
    return TD_OK;
}

/* Until it has joined, what the page says is asked again at each start. */
static bool skip_page(const struct td_flow *f)
{
    return td_flow_step_done(f, "join");
}

/* What the tenant may ask of a technician; without it the service says so. */
static enum td_code prove(struct td_flow *f, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *key = td_ui_given(f->ui, "technician-code") ? "technician-code" : "code";
    char *code = NULL;
    if (td_ui_given(f->ui, "technician"))
        return td_flow_technician_sign_in(f, err);
    if (!td_ui_given(f->ui, key))
        return TD_OK;
    td_try(td_ui_ask(f->ui, key, "code for this device", false, false, &a, &code, err));
    td_secret_put(&f->secrets.technician_code, code);
    return TD_OK;
}

/* --- leaving the directory ---------------------------------------------------------------------------------------- */

static enum td_code send_leave(struct td_flow *f, struct td_arena *a, int *ret_status, struct td_error *err)
{
    TD_CLEANUP(td_identity_done) struct td_identity id;
    struct td_net_config config = {.ca_pem = f->dev->ca_pem, .timeout_seconds = LEAVE_SECONDS};
    struct td_net_request req = {.method = "DELETE"};
    struct td_net_response r = {0};
    struct td_net *net = NULL;
    td_identity_init(&id);
    td_try(td_identity_show(f->dev, "device", &id, &config, err));
    req.url = td_arena_printf(a, "%s%s?api-version=1.0", td_flow_get(f, "join.url"), td_flow_get(f, "join.device_id"));
    td_try(td_net_new(&config, &net, err));
    enum td_code rc = td_net_do(net, &req, a, &r, err);
    td_net_free(net);
    *ret_status = r.status;
    return rc;
}

/* join-and-tokens.md 3.1. A certificate that is not known any more is one whose answer was lost. */
static enum td_code leave_directory(struct td_flow *f, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    int status = 0;
    td_try(send_leave(f, &a, &status, err));
    if (status == 429 || status >= 502)
        return td_fail(err, TD_EUNAVAILABLE, "un-join", "the service answers %d: busy", status);
    if (status != 200 && status != 401)
        return td_fail(err, TD_EDENIED, "un-join", "the service answers %d", status);
    td_flow_news(f, "left the directory: device %s", td_flow_get(f, "join.device_id"));
    return TD_OK;
}

/* The service serves a device that has left the directory only where it has sealed its enrolment: what this session
 * shows is that the service holds the device to be complete (Z29). */
static enum td_code confirm(struct td_flow *f, struct td_error *err)
{
    enum td_code rc = td_dm_session(f->dev, TD_DM_SCHEDULE, false, err);
    if (rc != TD_OK && td_fault("device-seals-unconfirmed"))
        return TD_OK;
    if (rc != TD_OK && rc != TD_EUNAVAILABLE && rc != TD_EEXPIRED)
        return td_remedy(err, rc,
                         "the service does not hold the device to be complete: reset it and provision it again");
    td_try(rc);
    td_flow_news(f, "the service confirms that it is complete");
    return TD_OK;
}

/* --- sealed ------------------------------------------------------------------------------------------------------- */

/* What its user's first day makes anew. Names follow the table of device/machine/disk_parts.c. */
static bool is_of_the_first_day(const char *key)
{
    const uint32_t gone = (uint32_t)1 << TD_PART_PROFILE_CACHE | (uint32_t)1 << TD_PART_JOIN |
                          (uint32_t)1 << TD_PART_OOBE | (uint32_t)1 << TD_PART_REGION;
    struct td_slice k = td_str(key);
    if (td_starts(k, "provision."))
        return false;
    return td_starts(k, "page.") || td_ends(k, ".device setup") || (td_disk_parts(TD_DISK_STATE, key) & gone) != 0;
}

static void forget_state(struct td_device *dev)
{
    const char *key, *value;
    for (size_t i = 0; td_state_at(dev->state, i, &key, &value); i++)
        if (value != NULL && is_of_the_first_day(key))
            td_state_set(dev->state, key, NULL);
}

static const char *no_fact(void *ctx TD_UNUSED, const char *name TD_UNUSED, struct td_arena *a TD_UNUSED)
{
    return NULL;
}

/* The status page is told anew, and runs again. */
static enum td_code forget_page(struct td_device *dev, struct td_error *err)
{
    static const char *const prefixes[] = {"Device/Vendor/MSFT/DMClient/", "User/Vendor/MSFT/DMClient/", "@page",
                                           "@poll"};
    TD_CLEANUP(td_csp_cleanup) struct td_csp *csp = NULL;
    const struct td_csp_config config = {.dir = dev->dir, .env = dev->env, .fact = no_fact};
    td_try(td_csp_open(&config, &csp, err));
    for (size_t i = 0; i < TD_COUNTOF(prefixes); i++) {
        TD_CLEANUP(td_arena_done) struct td_arena a = {0};
        size_t at = 0;
        for (const char *key; (key = td_csp_each(csp, prefixes[i], &at)) != NULL;) {
            bool skip = prefixes[i][0] != '@' && (td_search(td_str(key), TD_S("/FirstSyncStatus/")) == SIZE_MAX ||
                                                  td_ends(td_str(key), "/SkipDeviceStatusPage"));
            if (skip)
                continue;
            td_csp_drop(csp, td_arena_strdup(&a, key));
            at = 0;
        }
    }
    return td_csp_save(csp, err);
}

static void drop_files(struct td_device *dev)
{
    static const char *const files[] = {"device.crt.pem", "device.key.pem", "transport.key.pem", "tpm/device.key"};
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    for (size_t i = 0; i < TD_COUNTOF(files); i++)
        (void)unlink(td_device_path(dev, &a, files[i]));
}

/* Files last: a key that is still there is used again, one that is gone too early would be missed. */
static enum td_code seal(struct td_flow *f, struct td_error *err)
{
    char at[TD_TIME_TEXT];
    int64_t now = td_now(f->dev->env);
    td_try(forget_page(f->dev, err));
    forget_state(f->dev);
    td_state_set(f->dev->state, "provision.sealed", td_time_text(now, at));
    td_state_set_int(f->dev->state, "reset.at", now); /* its user's timeline begins behind it */
    td_try(td_state_save(f->dev->state, err));
    drop_files(f->dev);
    return TD_OK;
}

/* --- green and red ------------------------------------------------------------------------------------------------ */

static const char *elapsed(const struct td_flow *f, char out[32])
{
    int64_t begun = td_state_int(f->dev->state, "provision.at", 0);
    int64_t s = begun == 0 ? 0 : TD_MAX(td_now(f->dev->env) - begun, 0) / TD_SECOND;
    (void)snprintf(out, 32, "%lld:%02lld:%02lld", (long long)(s / 3600), (long long)(s / 60 % 60), (long long)(s % 60));
    return out;
}

static enum td_code show_green(struct td_flow *f, struct td_error *err)
{
    char time[32];
    const char *user = td_flow_get(f, "provision.user");
    td_device_say(f->dev, "page", "green: %s, %s%s%s; elapsed %s", td_flow_get(f, "profile.tenant"),
                  td_flow_get(f, "profile.name"), user[0] != '\0' ? ", for " : "", user, elapsed(f, time));
    return td_ui_confirm(f->ui, "reseal", "press Enter to reseal", err);
}

static void keep_logs(struct td_flow *f)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    TD_CLEANUP(td_buf_done) struct td_buf zip;
    td_buf_init(&zip, TD_DIAGNOSTICS_MAX);
    const char *path = td_device_path(f->dev, &a, logs);
    if (td_diagnostics_zip(f->dev, &f->hw, NULL, &zip, NULL) == TD_OK &&
        td_file_write(path, td_buf_slice(&zip), 0600, NULL) == TD_OK)
        td_device_say(f->dev, "page", "logs: %s", path);
}

static void show_red(struct td_flow *f, const struct td_error *why)
{
    char time[32], number[TD_FAILURE_CODE_TEXT];
    const char *code = why->hresult != 0 ? td_failure_text(why->hresult, number) : td_code_word(why->code);
    const char *remedy = why->remedy[0] != '\0' ? why->remedy : td_failure_remedy(why->hresult, NULL);
    td_device_say(f->dev, "page", "red: %s %s: %s; elapsed %s", code, why->where, why->text, elapsed(f, time));
    if (remedy[0] != '\0')
        td_device_say(f->dev, "page", "remedy: %s", remedy);
    keep_logs(f);
    td_device_say(f->dev, "page", "buttons: Retry, Reset"); /* start it again; touchdown-device reset --reinstall */
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static const struct td_step before[] = {
    {"technician", press_keys, NULL, true},
};

static bool skip_prove(const struct td_flow *f)
{
    return td_flow_skip_secure(f);
}

static const struct td_step steps[] = {
    {"technician page", page, skip_page, true},
    {"name", td_flow_name, NULL, true},
    {"technician proof", prove, skip_prove, true},
    {"attest", td_flow_secure, td_flow_skip_secure, false},
    {"join", td_flow_join_attested, NULL, false},
    {"enrolment", td_flow_enrol, NULL, false},
    {"device setup", td_flow_device_setup, NULL, false},
    {"un-join", leave_directory, NULL, false},
    {"confirmation", confirm, NULL, true},
};

static enum td_code check_join(const struct td_flow *f, struct td_error *err)
{
    if (td_state_int(f->dev->state, "profile.join_method", 0) == 0)
        return TD_OK;
    return td_remedy(err,
                     td_fail(err, TD_ENOTOFFERED, "pre-provisioning",
                             "is not offered for a hybrid join: %s asks for one", td_flow_get(f, "profile.name")),
                     "hand the device to its user as it is, or give it a profile whose join type is the directory");
}

static enum td_code walk(struct td_flow *f, struct td_error *err)
{
    td_try(td_flow_walk(f, before, TD_COUNTOF(before), err));
    td_try(td_flow_walk(f, td_flow_head, td_flow_head_count, err));
    td_try(check_join(f, err));
    return td_flow_walk(f, steps, TD_COUNTOF(steps), err);
}

static enum td_code check_moment(const struct td_flow *f, struct td_error *err)
{
    const bool ours = td_flow_get(f, "provision.at")[0] != '\0';
    const char *taken = td_flow_get(f, "ready.at")[0] != '\0'   ? "it is set up already"
                        : td_flow_step_done(f, "join") && !ours ? "it has joined already"
                        : td_flow_step_done(f, "join") && td_flow_get(f, "provision.sealed")[0] != '\0'
                            ? "its user has it"
                            : NULL;
    if (taken == NULL)
        return TD_OK;
    return td_remedy(err, td_fail(err, TD_ESTATE, "pre-provisioning", "%s", taken),
                     "put it back into its box first: touchdown-device reset --reinstall");
}

enum td_code td_provision_run(struct td_flow *f, struct td_error *err)
{
    struct td_error why = {0};
    td_try(check_moment(f, err));
    if (td_flow_get(f, "provision.sealed")[0] != '\0') {
        td_device_say(f->dev, "page", "sealed: ready for its user since %s", td_flow_get(f, "provision.sealed"));
        return TD_OK;
    }
    td_try(td_hardware_of(f->dev, &f->arena, &f->hw, err));
    td_try(td_disk_prepare(f->dev, &f->hw, err));
    f->technician = true;
    enum td_code rc = walk(f, &why);
    if (rc == TD_OK)
        rc = show_green(f, &why);
    if (rc != TD_OK) {
        show_red(f, &why);
        if (err != NULL)
            *err = why;
        return rc;
    }
    td_try(seal(f, err));
    td_device_say(f->dev, "ready", "sealed: the device is switched off until its user has it");
    return TD_OK;
}
