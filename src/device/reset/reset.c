/* Asking for a reset, what it reports, and the lock screen. */
#include "device/reset.h"

#include "base/fault.h"
#include "device/csp/csp.h"
#include "device/disk.h"
#include "device/dm.h"
#include "device/domain.h"
#include "device/hardware.h"
#include "device/reset/room.h"

#include <stdio.h>

/* An interrupted wipe "tries to roll back" (autopilot.md 3.8), a protected one "retries until done". Of the Autopilot
 * Reset and of retirement the document says nothing: they begin again, since a device that was given up on must not
 * stay the former user's; nothing has changed by then. */
static const struct td_reset_rule rules[TD_ACTION_KIND_COUNT] = {
    [TD_ACTION_RESET] = {.offered = true, .recovery = true, .autopilot = true},
    [TD_ACTION_LOCAL_RESET] = {.offered = true, .recovery = true, .autopilot = true},
    [TD_ACTION_WIPE] = {.offered = true, .recovery = true, .rolls_back = true},
    [TD_ACTION_WIPE_KEEP_USER] = {.offered = true, .recovery = true, .rolls_back = true},
    [TD_ACTION_WIPE_KEEP_PROVISIONING] = {.offered = true, .recovery = true, .rolls_back = true},
    [TD_ACTION_WIPE_PROTECTED] = {.offered = true, .recovery = true, .cleans_drive = true},
    [TD_ACTION_WIPE_CLOUD] = {.offered = true, .recovery = true, .rolls_back = true},
    [TD_ACTION_FRESH_START] = {.offered = true, .recovery = true, .rolls_back = true},
    [TD_ACTION_FRESH_START_KEEP_USER] = {.offered = true, .recovery = true, .rolls_back = true},
    [TD_ACTION_RETIRE] = {.offered = true},
    [TD_ACTION_DELETE] = {.offered = true},
    [TD_ACTION_REINSTALL] = {.offered = true},
};

const struct td_reset_rule *td_reset_rule(enum td_action_kind kind)
{
    return &rules[(unsigned)kind < TD_ACTION_KIND_COUNT ? kind : TD_ACTION_SYNC];
}

static enum td_code refuse(struct td_error *err, uint32_t hresult, const char *text, const char *remedy)
{
    (void)td_fail(err, TD_ESTATE, "reset", "%s", text);
    if (err != NULL)
        err->hresult = hresult;
    return td_remedy(err, TD_ESTATE, "%s", remedy);
}

static enum td_code has_recovery(struct td_device *dev, bool *ret_battery, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_hardware hw = {0};
    td_try(td_hardware_of(dev, &a, &hw, err));
    td_try(td_disk_prepare(dev, &hw, err));
    *ret_battery = hw.battery;
    if (td_disk_has_recovery(dev) || td_fault("reset-without-recovery"))
        return TD_OK;
    return refuse(err, TD_RESET_E_NORECOVERY, "could not find the recovery environment",
                  "enable it on the device (reagentc /enable), or reinstall the device");
}

/* Autopilot Reset keeps the join; with a domain's it does not go (autopilot.md 3.2). */
static enum td_code may_stay_joined(struct td_device *dev, enum td_action_kind kind, struct td_error *err)
{
    if (!td_reset_rule(kind)->autopilot || !td_domain_joined(dev) || td_fault("device-resets-in-its-domain"))
        return TD_OK;
    return refuse(err, TD_RESET_E_NORECOVERY, "the device has joined a domain: a reset in place is not offered for it",
                  "wipe it instead, then deploy it again");
}

static enum td_code may_begin(struct td_device *dev, int64_t *ret_status, struct td_error *err)
{
    bool battery = false;
    *ret_status = 30;
    td_try(has_recovery(dev, &battery, err));
    *ret_status = 40;
    if (battery)
        return refuse(err, TD_RESET_E_POWER, "the device runs on its battery", "plug it in and ask again");
    return TD_OK;
}

/* What was refused is reported, too. */
static enum td_code keep_refusal(struct td_device *dev, struct td_reset_journal *j, enum td_action_kind kind,
                                 int64_t status, uint32_t hresult)
{
    if (!td_reset_rule(kind)->autopilot)
        return TD_OK;
    j->kind = kind;
    j->status = status;
    j->last_error = hresult;
    return td_reset_journal_write(dev, j, NULL);
}

static enum td_code begin(struct td_device *dev, struct td_reset_journal *j, enum td_action_kind kind, const char *node,
                          struct td_error *err)
{
    j->kind = kind;
    j->phase = TD_RESET_SCHEDULED;
    j->news = TD_RESET_NOTHING; /* whatever the last one had to say is overtaken */
    j->hresult = 0;
    (void)snprintf(j->node, sizeof(j->node), "%s", node);
    if (td_reset_rule(kind)->autopilot) {
        j->status = 10;
        j->last_error = 0;
    }
    return td_reset_journal_write(dev, j, err);
}

enum td_code td_reset_schedule(struct td_device *dev, enum td_action_kind kind, const char *node, struct td_error *err)
{
    struct td_reset_journal j = {0};
    struct td_error why = {0};
    int64_t status = 0;
    td_try(td_reset_journal_read(dev, &j, err));
    if (!td_reset_rule(kind)->offered || strlen(node) >= sizeof(j.node))
        return td_fail(err, TD_EINVAL, "reset", "is none of the actions that reset a device");
    if (j.phase != TD_RESET_IDLE && j.kind == kind)
        return TD_OK;
    if (j.phase != TD_RESET_IDLE)
        return td_fail(err, TD_EEXISTS, "reset", "%s is under way already", td_action_rows[j.kind].word);
    status = 30;
    enum td_code rc = may_stay_joined(dev, kind, &why);
    if (rc == TD_OK && td_reset_rule(kind)->recovery)
        rc = may_begin(dev, &status, &why);
    if (rc != TD_OK) {
        td_ignore(keep_refusal(dev, &j, kind, status, why.hresult));
        if (err != NULL)
            *err = why;
        return rc;
    }
    return begin(dev, &j, kind, node, err);
}

enum td_code td_reset_await(struct td_device *dev, struct td_error *err)
{
    struct td_reset_journal j = {0};
    td_try(td_reset_journal_read(dev, &j, err));
    if (j.phase != TD_RESET_SCHEDULED)
        return TD_OK;
    j.phase = TD_RESET_WAITING;
    if (td_reset_rule(j.kind)->autopilot)
        j.status = 20;
    return td_reset_journal_write(dev, &j, err);
}

bool td_reset_pending(const struct td_device *dev, enum td_action_kind *ret_kind)
{
    struct td_reset_journal j = {.kind = TD_ACTION_RESET, .phase = TD_RESET_WAITING};
    td_ignore(td_reset_journal_read(dev, &j, NULL)); /* one that can't be read may be open: carrying on says why not */
    if (j.phase == TD_RESET_IDLE)
        return false;
    *ret_kind = j.kind;
    return true;
}

enum td_code td_reset_carry_on(struct td_device *dev, bool *ret_did, struct td_error *err)
{
    struct td_reset_journal j = {0};
    *ret_did = false;
    td_try(td_reset_journal_read(dev, &j, err));
    if (j.phase == TD_RESET_IDLE)
        return TD_OK;
    td_try(td_reset_work(dev, &j, err));
    *ret_did = true;
    return TD_OK;
}

enum td_code td_reset_now(struct td_device *dev, enum td_action_kind kind, struct td_error *err)
{
    bool did;
    td_try(td_reset_schedule(dev, kind, "", err));
    return td_reset_carry_on(dev, &did, err);
}

void td_reset_status(const struct td_device *dev, int64_t *ret_status, uint32_t *ret_last_error)
{
    struct td_reset_journal j = {0};
    td_ignore(td_reset_journal_read(dev, &j, NULL));
    *ret_status = j.status;
    *ret_last_error = j.last_error;
}

struct td_reset_news td_reset_news(const struct td_device *dev, struct td_arena *a)
{
    struct td_reset_journal j = {0};
    td_ignore(td_reset_journal_read(dev, &j, NULL));
    return (struct td_reset_news){j.news, j.kind, td_arena_strdup(a, j.node), j.hresult};
}

enum td_code td_reset_told(struct td_device *dev, struct td_error *err)
{
    struct td_reset_journal j = {0};
    td_try(td_reset_journal_read(dev, &j, err));
    if (j.news == TD_RESET_NOTHING)
        return TD_OK;
    j.news = TD_RESET_NOTHING;
    j.hresult = 0;
    return td_reset_journal_write(dev, &j, err);
}

/* --- at the lock screen ------------------------------------------------------------------------------------------- */

#define POLICY "CredentialProviders/DisableAutomaticReDeploymentCredentials"
#define ACCOUNTS "Device/Vendor/MSFT/Accounts/Users/"

static enum td_code open_tree(struct td_device *dev, struct td_csp **ret, struct td_error *err)
{
    const struct td_csp_config config = {.dir = dev->dir, .env = dev->env};
    return td_csp_open(&config, ret, err);
}

enum td_code td_reset_local_may(struct td_device *dev, struct td_error *err)
{
    TD_CLEANUP(td_csp_cleanup) struct td_csp *csp = NULL;
    bool battery;
    td_try(open_tree(dev, &csp, err));
    if (td_csp_int(csp, "Device/Vendor/MSFT/Policy/Config/" POLICY, 1) != 0 && !td_fault("local-reset-any-policy")) {
        (void)td_fail(err, TD_EDENIED, POLICY, "is 1 (its default): a reset at the lock screen is switched off");
        return td_remedy(err, TD_EDENIED, "have your administrator set the policy to 0, or reset from afar");
    }
    return has_recovery(dev, &battery, err);
}

/* "AzureAD\ada@contoso.test", ".\admin" and plain names. */
static struct td_slice bare(const char *user)
{
    const char *slash = strrchr(user, '\\');
    return td_str(slash != NULL ? slash + 1 : user);
}

static bool is_administrator(struct td_device *dev, const char *user, struct td_arena *a)
{
    struct td_slice rest = td_str(td_device_effect(dev, "administrators", a)), line;
    while (rest.n != 0) {
        rest = td_cut(rest, '\n', &line);
        line =
            td_sub(line, 0, TD_MIN(td_search(line, TD_S(" (S-1-")), line.n)); /* an account of a domain: with its SID */
        if (td_ieq(bare(td_arena_text(a, line)), bare(user)))
            return true;
    }
    return false;
}

/* Password of a local account that management made (csp.md 11), NULL if there is no such account. */
static const char *local_password(const struct td_csp *csp, const char *user, struct td_arena *a)
{
    size_t at = 0;
    for (const char *key; (key = td_csp_each(csp, ACCOUNTS, &at)) != NULL;) {
        if (!td_ends(td_str(key), "/Password"))
            continue;
        const char *folder = td_arena_printf(a, "%.*s", (int)(strlen(key) - strlen("/Password")), key);
        if (td_ieq(td_str(td_csp_name(folder, a)), bare(user)))
            return td_csp_value(csp, key);
    }
    return NULL;
}

/* Who may not do it anyway is not asked of the directory. */
static enum td_code check(struct td_device *dev, const struct td_reset_credentials *who, struct td_error *err)
{
    TD_CLEANUP(td_arena_wipe) struct td_arena a = {0};
    TD_CLEANUP(td_csp_cleanup) struct td_csp *csp = NULL;
    if (!is_administrator(dev, who->user, &a) && !td_fault("local-reset-any-user")) {
        (void)td_fail(err, TD_EDENIED, "user", "%.60s is no administrator of this device", who->user);
        return td_remedy(err, TD_EDENIED, "sign in as one of its administrators, or have it reset from afar");
    }
    td_try(open_tree(dev, &csp, err));
    const char *password = local_password(csp, who->user, &a);
    if (password == NULL && who->check == NULL)
        return td_fail(err, TD_EAUTH, "user", "%.60s can't be asked for a password here", who->user);
    if (password == NULL)
        return who->check(who->ctx, who->user, who->password, err);
    if (!td_same_secret(td_str(password), td_str(who->password)))
        return td_fail(err, TD_EAUTH, "password", "is wrong");
    return TD_OK;
}

enum td_code td_reset_local(struct td_device *dev, const struct td_reset_credentials *who, struct td_error *err)
{
    td_try(td_reset_local_may(dev, err));
    td_try(check(dev, who, err));
    if (who->agreed != NULL)
        td_try(who->agreed(who->ctx, err));
    return td_reset_schedule(dev, TD_ACTION_LOCAL_RESET, "", err);
}
