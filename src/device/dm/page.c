/* dm/page: the status page: sessions until the phase is at its end (csp.md 3.3, 4; autopilot.md 4). */
#include "base/encode.h"
#include "device/csp/kiosk.h"
#include "device/csp/msi.h"
#include "device/dm/client.h"

#include <stdio.h>
#include <stdlib.h>

#define TIME_OUT 0x800705B4u

enum { ROW_PREPARATION, ROW_POLICIES, ROW_CERTIFICATES, ROW_NETWORKS, ROW_APPS, ROW_COUNT };
enum { BUTTON_RESET = 1, BUTTON_AGAIN = 2, BUTTON_CONTINUE = 4 };
enum outcome { WAITING, DONE, FAILED };

struct row {
    unsigned done, total;
    bool identifying;
    uint32_t failure; /* HRESULT of the first item that failed, 0 if none */
    const char *item;
};

struct page {
    struct td_dm *dm;
    bool user;
    const char *word; /* "device" or "account": keys and what people read */
    struct row rows[ROW_COUNT];
    char shown[ROW_COUNT][96];
    bool finished; /* the server has said that the lists are complete */
};

static const char *const labels[ROW_COUNT] = {"Device preparation", "Security policies", "Certificates",
                                              "Network connections", "Apps"};

static const char *first_sync(const struct page *p, const char *leaf, struct td_arena *a)
{
    return td_dm_provider_key(p->dm, p->user, td_arena_printf(a, "FirstSyncStatus/%s", leaf), a);
}

static const char *device_sync(const struct page *p, const char *leaf, struct td_arena *a)
{
    return td_dm_provider_key(p->dm, false, td_arena_printf(a, "FirstSyncStatus/%s", leaf), a);
}

static const char *page_key(const struct page *p, const char *suffix, struct td_arena *a)
{
    return td_arena_printf(a, "@page/%s%s", p->word, suffix);
}

/* --- what stands in the tree against what is expected ------------------------------------------------------------- */

static void tally(struct row *row, enum outcome outcome, uint32_t failure, const char *item)
{
    row->total++;
    row->done += outcome == DONE;
    if (outcome == FAILED && row->item == NULL) {
        row->failure = failure == 0 ? 0x80004005u : failure;
        row->item = item;
    }
}

static enum outcome node_is_there(struct page *p, const char *uri, uint32_t *failure, struct td_arena *a)
{
    *failure = 0;
    return td_csp_exists(p->dm->csp, uri, a) ? DONE : WAITING;
}

static enum outcome package_is_done(struct page *p, const char *uri, uint32_t *failure, struct td_arena *a)
{
    const char *text = td_csp_read(p->dm->csp, uri, a);
    long status = text == NULL ? 0 : strtol(text, NULL, 10);
    *failure = 0;
    if (status == TD_MSI_DONE)
        return DONE;
    if (status != TD_MSI_FAILED && status != TD_MSI_LOAD_FAILED)
        return WAITING;
    int folder = (int)(strrchr(uri, '/') - uri);
    const char *error = td_csp_read(p->dm->csp, td_arena_printf(a, "%.*s/LastError", folder, uri), a);
    *failure = error == NULL ? 0 : (uint32_t)strtoll(error, NULL, 10);
    return FAILED;
}

static const struct list {
    const char *leaf;
    int row;
    enum outcome (*judge)(struct page *p, const char *uri, uint32_t *failure, struct td_arena *a);
} lists[] = {
    {"ExpectedPolicies", ROW_POLICIES, node_is_there},      {"ExpectedPFXCerts", ROW_CERTIFICATES, node_is_there},
    {"ExpectedSCEPCerts", ROW_CERTIFICATES, node_is_there}, {"ExpectedNetworkProfiles", ROW_NETWORKS, node_is_there},
    {"ExpectedMSIAppPackages", ROW_APPS, package_is_done},  {"ExpectedModernAppPackages", ROW_APPS, node_is_there},
};

/* Entries "LocURI" or "LocURI;n", joined by U+F000. */
static void judge_list(struct page *p, const struct list *list, struct td_arena *a)
{
    const char *text = td_csp_value(p->dm->csp, first_sync(p, list->leaf, a));
    for (const char *rest = text; rest != NULL && *rest != '\0';) {
        const char *end = strstr(rest, TD_SYNCML_LIST);
        size_t n = end == NULL ? strlen(rest) : (size_t)(end - rest);
        struct td_slice uri;
        (void)td_cut(td_trim(td_bytes(rest, n)), ';', &uri);
        const char *item = td_arena_text(a, uri);
        uint32_t failure;
        if (uri.n != 0) {
            enum outcome outcome = list->judge(p, item, &failure, a);
            tally(&p->rows[list->row], outcome, failure, item);
        }
        rest = end == NULL ? NULL : end + strlen(TD_SYNCML_LIST);
    }
}

/* The page's own time: what its sessions took and the waits between them, as the protocol counts those (--pace makes
 * waits shorter, not time-outs), without the time in which the device was off. */
static int64_t elapsed_minutes(const struct page *p, struct td_arena *a)
{
    return td_csp_int(p->dm->csp, page_key(p, "-spent", a), 0) / TD_MINUTE;
}

static void spend(struct page *p, int64_t us)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    td_arena_init(&a);
    const char *key = page_key(p, "-spent", &a);
    td_csp_put_int(p->dm->csp, key, td_csp_int(p->dm->csp, key, 0) + us);
}

/* Agents that the page waits for before anything else (csp.md 4): 2 not required and 3 completed are good. */
static void judge_providers(struct page *p, struct td_arena *a)
{
    static const char prefix[] = "Device/Vendor/MSFT/EnrollmentStatusTracking/DevicePreparation/PolicyProviders/";
    size_t at = 0;
    for (const char *key; (key = td_csp_each(p->dm->csp, prefix, &at)) != NULL;) {
        if (!td_ends(td_str(key), "/InstallationState"))
            continue;
        int folder = (int)(strrchr(key, '/') - key);
        int64_t state = td_csp_int(p->dm->csp, key, 1);
        int64_t error = td_csp_int(p->dm->csp, td_arena_printf(a, "%.*s/LastError", folder, key), 0);
        bool late =
            elapsed_minutes(p, a) >= td_csp_int(p->dm->csp, td_arena_printf(a, "%.*s/Timeout", folder, key), 15);
        bool good = state == 2 || state == 3;
        tally(&p->rows[ROW_PREPARATION],
              good                 ? DONE
              : state == 4 || late ? FAILED
                                   : WAITING,
              state == 4 ? (uint32_t)error : TIME_OUT, td_arena_printf(a, "%.*s", folder, key));
    }
}

static void judge_tracked_apps(struct page *p, struct td_arena *a)
{
    const char *base =
        td_arena_printf(a, "%s/Vendor/MSFT/EnrollmentStatusTracking/Setup/Apps/", p->user ? "User" : "Device");
    size_t at = 0;
    for (const char *key; (key = td_csp_each(p->dm->csp, base, &at)) != NULL;) {
        int64_t state = td_csp_int(p->dm->csp, key, 1);
        if (td_ends(td_str(key), "/TrackingPoliciesCreated") && !td_csp_true(p->dm->csp, key))
            p->rows[ROW_APPS].identifying = true;
        if (td_ends(td_str(key), "/InstallationState"))
            tally(&p->rows[ROW_APPS], state == 3 ? DONE : state == 4 ? FAILED : WAITING, 0, td_arena_strdup(a, key));
    }
}

/* What people read of an item: "MSI/{...}", "WiFi/Profile/CorpNet"; its end if it is longer than an error's place. */
static const char *short_name(const char *uri, struct td_arena *a)
{
    enum { ROOM = 60 };
    const char *vendor = strstr(uri, "Vendor/MSFT/"), *msi = strstr(uri, "MSI/");
    struct td_slice name = td_str(vendor == NULL ? uri : vendor + strlen("Vendor/MSFT/"));
    if (msi != NULL)
        name = td_bytes(msi, strlen(msi) - (td_ends(td_str(msi), "/Status") ? strlen("/Status") : 0));
    name = td_pct_decode(a, name, false);
    return td_arena_text(a, name.n > ROOM ? td_sub(name, name.n - ROOM, ROOM) : name);
}

/* "Apps: the package's SHA-256 is not the promised one", where the item says why. */
static const char *reason_of(struct page *p, int row, struct td_arena *a)
{
    const char *uri = p->rows[row].item, *end = strrchr(uri, '/');
    const char *why = end == NULL
                          ? NULL
                          : td_csp_read(p->dm->csp, td_arena_printf(a, "%.*s/LastErrorDesc", (int)(end - uri), uri), a);
    return why == NULL || *why == '\0' ? labels[row] : td_arena_printf(a, "%s: %s", labels[row], why);
}

static void evaluate(struct page *p, struct td_arena *a)
{
    memset(p->rows, 0, sizeof(p->rows));
    p->finished = td_csp_true(p->dm->csp, first_sync(p, "ServerHasFinishedProvisioning", a));
    for (size_t i = 0; i < TD_COUNTOF(lists); i++)
        judge_list(p, &lists[i], a);
    judge_tracked_apps(p, a);
    if (!p->user)
        judge_providers(p, a);
    for (int i = ROW_POLICIES; i < ROW_COUNT; i++)
        p->rows[i].identifying = p->rows[i].identifying || !p->finished;
}

static void row_text(const struct page *p, int i, char *out, size_t size)
{
    const struct row *r = &p->rows[i];
    if (r->item != NULL)
        (void)snprintf(out, size, "%s (0x%08x)", labels[i], r->failure);
    else if (r->identifying)
        (void)snprintf(out, size, "%s (Identifying)", labels[i]);
    else if (r->total == 0 && i == ROW_POLICIES)
        (void)snprintf(out, size, "%s (1 of 1)", labels[i]);
    else if (r->total == 0)
        (void)snprintf(out, size, "%s (No setup needed)", labels[i]);
    else
        (void)snprintf(out, size, "%s (%u of %u)", labels[i], r->done, r->total);
}

static void show(struct page *p)
{
    for (int i = 0; i < ROW_COUNT; i++) {
        char text[sizeof(p->shown[0])];
        if (i == ROW_PREPARATION && p->rows[i].total == 0)
            continue;
        row_text(p, i, text, sizeof(text));
        if (strcmp(text, p->shown[i]) == 0)
            continue;
        (void)snprintf(p->shown[i], sizeof(p->shown[i]), "%s", text);
        td_device_say(p->dm->dev, "status", "%s", text);
    }
}

static bool all_done(const struct page *p)
{
    for (int i = 0; i < ROW_COUNT; i++)
        if (p->rows[i].identifying || p->rows[i].item != NULL || p->rows[i].done != p->rows[i].total)
            return false;
    return p->finished;
}

/* --- sessions ----------------------------------------------------------------------------------------------------- */

static enum td_code session(struct page *p, int reason, bool *ret_held, struct td_error *err)
{
    struct td_error why = {0};
    int64_t begun = td_now(p->dm->dev->env);
    enum td_code rc = td_dm_cycle(p->dm, reason, p->user, &why);
    spend(p, TD_MAX(td_now(p->dm->dev->env) - begun, 0));
    *ret_held = rc == TD_OK;
    if (td_csp_value(p->dm->csp, "@provider") == NULL)
        return td_remedy(err, td_fail(err, TD_ESTATE, "management", "the service has ended the management"),
                         "Ask the administrator why the device was retired, then enrol it again.");
    if (td_dm_ordered(p->dm))
        return td_fail(err, TD_ESTATE, "restart", "the service has ordered a restart");
    if (rc == TD_EUNAVAILABLE) {
        td_device_say(p->dm->dev, "manage", "no session: %s", why.text);
        return TD_OK; /* it waits for the next one (oma-dm.md 1) */
    }
    if (rc != TD_OK) {
        if (err != NULL)
            *err = why;
        return rc;
    }
    return TD_OK;
}

static enum td_code wait_for_poll(struct page *p, struct td_error *err)
{
    int64_t n = td_csp_int(p->dm->csp, "@poll", 0), wait = td_dm_poll_minutes(p->dm, n) * TD_MINUTE;
    td_csp_put_int(p->dm->csp, "@poll", n + 1);
    td_try(td_device_wait(p->dm->dev, wait, err));
    spend(p, wait);
    return td_csp_save(p->dm->csp, err);
}

/* --- how it ends -------------------------------------------------------------------------------------------------- */

static enum td_code mark(struct page *p, const char *state, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    td_arena_init(&a);
    td_csp_put(p->dm->csp, page_key(p, "", &a), "chr", state);
    return td_csp_save(p->dm->csp, err);
}

static void set_result(struct page *p, const char *success)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    td_arena_init(&a);
    td_csp_put(p->dm->csp, first_sync(p, "WasDeviceSuccessfullyProvisioned", &a), "int", success);
    td_csp_put(p->dm->csp, first_sync(p, "IsSyncDone", &a), "bool", "true");
}

/* Names and other things that wait for a restart get it here, once for all (autopilot.md 4.5). */
static void restart_if_due(struct td_dm *dm)
{
    if (!td_csp_restart_due(dm->csp))
        return;
    td_device_say(dm->dev, "restart", "%s", td_csp_value(dm->csp, "@restart"));
    td_csp_restart(dm->csp);
}

static enum td_code hold_session(struct page *p, struct td_error *err)
{
    for (bool held = false; !held;) {
        td_try(session(p, TD_DM_SCHEDULE, &held, err));
        if (!held)
            td_try(wait_for_poll(p, err));
    }
    return TD_OK;
}

static enum td_code leave(struct page *p, struct td_error *err)
{
    restart_if_due(p->dm);
    td_csp_kiosk_assert(p->dm->csp); /* the last restart of the deployment is behind it (autopilot.md Z35) */
    td_csp_drop(p->dm->csp, "@page.shown");
    return mark(p, "done", err);
}

/* The service reads IsSyncDone and the rest in a session of its own; the page is over once that was held. */
static enum td_code report_and_leave(struct page *p, struct td_error *err)
{
    td_try(hold_session(p, err));
    return leave(p, err);
}

static enum td_code succeed(struct page *p, struct td_error *err)
{
    set_result(p, "1");
    td_try(mark(p, "reporting", err));
    return report_and_leave(p, err);
}

static const char *buttons_text(int64_t flags)
{
    static const char *const texts[8] = {
        "",
        "Reset PC",
        "Try again",
        "Reset PC, Try again",
        "Continue anyway",
        "Reset PC, Continue anyway",
        "Try again, Continue anyway",
        "Reset PC, Try again, Continue anyway",
    };
    return texts[flags & 7];
}

struct cause {
    uint32_t hresult;
    const char *item, *text;
};

static void keep_cause(struct page *p, const struct cause *cause, struct td_arena *a)
{
    td_csp_put(p->dm->csp, page_key(p, "-cause", a), "chr",
               td_arena_printf(a, "%u\n%s\n%s", cause->hresult, cause->item, cause->text));
}

static struct cause kept_cause(const struct page *p, struct td_arena *a)
{
    const char *kept = td_csp_value(p->dm->csp, page_key(p, "-cause", a));
    struct td_slice number, item, text;
    int64_t hresult;
    if (kept == NULL)
        return (struct cause){TIME_OUT, p->word, "failed before, and the page offers no way on"};
    text = td_cut(td_cut(td_str(kept), '\n', &number), '\n', &item);
    return (struct cause){td_parse_i64(number, &hresult) ? (uint32_t)hresult : TIME_OUT, td_arena_text(a, item),
                          td_arena_text(a, text)};
}

static enum td_code fail_blocking(struct page *p, const struct cause *cause, int64_t flags, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    td_arena_init(&a);
    const char *custom = td_csp_value(p->dm->csp, first_sync(p, "CustomErrorText", &a));
    if ((flags & BUTTON_AGAIN) == 0)
        td_csp_put(p->dm->csp, first_sync(p, "WasDeviceSuccessfullyProvisioned", &a), "int", "0");
    keep_cause(p, cause, &a);
    td_try(mark(p, "failed", err));
    td_device_say(p->dm->dev, "status", "%s",
                  custom != NULL && *custom != '\0' ? custom : "Installation exceeded the time limit or failed.");
    td_device_say(p->dm->dev, "status", "buttons: %s", buttons_text(flags));
    bool held;
    if (session(p, TD_DM_SCHEDULE, &held, NULL) != TD_OK)
        td_device_say(p->dm->dev, "manage", "the failure could not be reported");
    enum td_code rc = td_fail(err, TD_ESTATE, cause->item, "%s setup: %s", p->word, cause->text);
    if (err != NULL)
        err->hresult = cause->hresult;
    return td_remedy(err, rc, "%s%s",
                     (flags & (BUTTON_AGAIN | BUTTON_CONTINUE)) != 0
                         ? "Mend the item in the service, then start the device again; it offers: "
                         : "Mend the item in the service; the page offers: ",
                     buttons_text(flags));
}

static enum td_code fail_page(struct page *p, const struct cause *cause, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    td_arena_init(&a);
    int64_t flags = td_csp_int(p->dm->csp, device_sync(p, "BlockInStatusPage", &a), 0);
    td_device_say(p->dm->dev, "status", "%s setup failed: 0x%08x %s: %s", p->word, cause->hresult, cause->item,
                  cause->text);
    if (flags != 0)
        return fail_blocking(p, cause, flags, err);
    td_device_say(p->dm->dev, "status", "the page does not block: set-up goes on behind the desktop");
    set_result(p, "0");
    td_try(mark(p, "reporting", err));
    return report_and_leave(p, err);
}

/* *ret_over when the phase has ended, well or not. */
static enum td_code judge(struct page *p, bool *ret_over, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    td_arena_init(&a);
    int64_t limit = td_csp_int(p->dm->csp, device_sync(p, "TimeOutUntilSyncFailure", &a), 60);
    bool forced = td_csp_true(p->dm->csp, first_sync(p, "IsSyncDone", &a));
    int64_t success = td_csp_int(p->dm->csp, first_sync(p, "WasDeviceSuccessfullyProvisioned", &a), 2);
    *ret_over = true;
    if (forced && success == 0)
        return fail_page(
            p, &(struct cause){0x80004005u, "WasDeviceSuccessfullyProvisioned", "the service says it failed"}, err);
    if (forced)
        return mark(p, "reporting", err) != TD_OK ? TD_EIO : report_and_leave(p, err);
    evaluate(p, &a);
    show(p);
    for (int i = 0; i < ROW_COUNT; i++)
        if (p->rows[i].item != NULL)
            return fail_page(
                p, &(struct cause){p->rows[i].failure, short_name(p->rows[i].item, &a), reason_of(p, i, &a)}, err);
    if (all_done(p))
        return succeed(p, err);
    if (elapsed_minutes(p, &a) >= limit)
        return fail_page(p,
                         &(struct cause){TIME_OUT,
                                         p->finished ? "TimeOutUntilSyncFailure" : "ServerHasFinishedProvisioning",
                                         p->finished ? "the time limit passed before every item was done"
                                                     : "the service did not say that its lists are complete"},
                         err);
    *ret_over = false;
    return TD_OK;
}

/* A person who starts the device again before a failed page presses what it offers. */
static void begin_again(struct page *p, struct td_arena *a)
{
    size_t at = 0;
    for (const char *key; (key = td_csp_each(p->dm->csp, "@job/", &at)) != NULL;) {
        const char *folder = key + strlen("@job/");
        const char *status = td_arena_printf(a, "%s/Status", folder);
        int64_t now = td_csp_int(p->dm->csp, status, 0);
        if (now != TD_MSI_FAILED && now != TD_MSI_LOAD_FAILED)
            continue;
        td_csp_put_int(p->dm->csp, status, TD_MSI_NEW);
        td_csp_put_int(p->dm->csp, td_arena_printf(a, "%s/LastError", folder), 0);
        const char *tries = td_arena_printf(a, "@tries/%s", folder);
        if (td_csp_value(p->dm->csp, tries) != NULL)
            td_csp_put_int(p->dm->csp, tries, 0);
    }
    td_csp_put_int(p->dm->csp, page_key(p, "-spent", a), 0);
    td_device_say(p->dm->dev, "status", "button: Try again");
}

static enum td_code after_failure(struct page *p, bool *ret_over, struct td_arena *a, struct td_error *err)
{
    int64_t flags = td_csp_int(p->dm->csp, device_sync(p, "BlockInStatusPage", a), 0);
    *ret_over = (flags & BUTTON_AGAIN) == 0;
    if ((flags & BUTTON_AGAIN) != 0) {
        begin_again(p, a);
        return mark(p, "open", err);
    }
    if ((flags & BUTTON_CONTINUE) == 0) {
        const struct cause before = kept_cause(p, a);
        return fail_page(p, &before, err);
    }
    td_device_say(p->dm->dev, "status", "button: Continue anyway");
    return report_and_leave(p, err);
}

static bool is_skipped(const struct page *p, struct td_arena *a)
{
    const char *skip =
        td_csp_value(p->dm->csp, device_sync(p, p->user ? "SkipUserStatusPage" : "SkipDeviceStatusPage", a));
    return skip == NULL || td_ieqs(td_str(skip), "true");
}

/* Not shown: one session all the same, so that the settings come. They may be what shows the page: the first session
 * is the latest that can (csp.md 3.3). */
static enum td_code unseen(struct page *p, bool *ret_over, struct td_arena *a, struct td_error *err)
{
    td_try(hold_session(p, err));
    *ret_over = is_skipped(p, a);
    if (!*ret_over)
        return TD_OK;
    td_device_say(p->dm->dev, "status", "%s setup is not shown", p->word);
    return leave(p, err);
}

static enum td_code open_page(struct page *p, const char *state, bool *ret_over, struct td_arena *a,
                              struct td_error *err)
{
    td_csp_put(p->dm->csp, "@page.shown", "chr", p->word);
    td_device_say(p->dm->dev, "page", "%s setup", p->user ? "Account" : "Device");
    if (strcmp(state, "failed") == 0)
        return after_failure(p, ret_over, a, err);
    *ret_over = false;
    return mark(p, "open", err);
}

static enum td_code begin(struct page *p, bool *ret_over, struct td_arena *a, struct td_error *err)
{
    const char *kept = td_csp_value(p->dm->csp, page_key(p, "", a));
    const char *state = kept == NULL ? "" : td_arena_strdup(a, kept);
    *ret_over = true;
    if (strcmp(state, "done") == 0)
        return TD_OK;
    if (strcmp(state, "reporting") == 0)
        return report_and_leave(p, err);
    if (is_skipped(p, a))
        td_try(unseen(p, ret_over, a, err));
    else
        *ret_over = false;
    return *ret_over ? TD_OK : open_page(p, state, ret_over, a, err);
}

enum td_code td_dm_page(struct td_dm *dm, enum td_dm_phase phase, struct td_error *err)
{
    bool user = phase == TD_DM_ACCOUNT_SETUP;
    struct page p = {.dm = dm, .user = user, .word = user ? "account" : "device"};
    int reason = user ? TD_DM_LOGIN : TD_DM_ENROLMENT;
    bool over = false, held;
    TD_CLEANUP(td_arena_done) struct td_arena a;
    td_arena_init(&a);
    if (td_csp_value(dm->csp, "@provider") == NULL)
        return td_fail(err, TD_ESTATE, "management", "the device is not enrolled");
    td_try(begin(&p, &over, &a, err));
    while (!over) {
        td_try(session(&p, reason, &held, err));
        td_try(judge(&p, &over, err));
        reason = held ? TD_DM_SCHEDULE : reason;
        if (!over)
            td_try(wait_for_poll(&p, err));
    }
    return TD_OK;
}
