#include "device/life.h"

#include "base/fault.h"
#include "base/file.h"
#include "crypto/secret.h"
#include "device/disk.h"
#include "device/dm.h"
#include "device/domain.h"
#include "device/reset.h"
#include "device/seat.h"
#include "device/tokens.h"

enum { LIFE_MAX_PACKAGE = 1 << 20 };

bool td_life_restart_due(const struct td_device *dev, enum td_action_kind *ret_kind)
{
    enum td_action_kind kind;
    return td_reset_pending(dev, ret_kind != NULL ? ret_kind : &kind);
}

static void tell_end(struct td_device *dev, enum td_action_kind kind, const struct td_reset_news *news)
{
    const char *word = td_action_rows[kind].word;
    if (news->what == TD_RESET_ROLLED_BACK)
        td_device_say(dev, "reset", "%s was interrupted and rolled back (0x%08x): the device is as it was", word,
                      news->hresult);
    else if (kind == TD_ACTION_RETIRE)
        td_device_say(dev, "reset", "%s: management and join are gone, what is personal stays", word);
    else if (td_state_get(dev->state, "enrol.addr") == NULL)
        td_device_say(dev, "reset", "%s: done, the device is back in its box", word);
    else if (news->what == TD_RESET_CAME_BACK)
        td_device_say(dev, "reset", "%s: done, join and management stay, the device is set up anew", word);
    else
        td_device_say(dev, "reset", "%s did not happen: the device is as it was", word);
}

/* The timeline of a device that is set up anew begins here. */
static enum td_code begin_anew(struct td_device *dev, enum td_action_kind kind, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const struct td_reset_news news = td_reset_news(dev, &a);
    tell_end(dev, kind, &news);
    if (news.what != TD_RESET_CAME_BACK)
        return TD_OK;
    td_state_set_int(dev->state, "reset.at", td_now(dev->env));
    return td_state_save(dev->state, err);
}

enum td_code td_life_start(struct td_device *dev, bool *ret_did, struct td_error *err)
{
    enum td_action_kind kind;
    bool did = false;
    if (ret_did != NULL)
        *ret_did = false;
    if (!td_reset_pending(dev, &kind))
        return TD_OK;
    td_device_say(dev, "restart", "%s", td_action_rows[kind].word);
    td_try(td_reset_carry_on(dev, &did, err));
    if (did)
        td_try(begin_anew(dev, kind, err));
    if (ret_did != NULL)
        *ret_did = did;
    return TD_OK;
}

/* --- switched on -------------------------------------------------------------------------------------------------- */

enum td_code td_life_switched_on(struct td_flow *f, struct td_error *err)
{
    struct td_error why = {0};
    struct td_device *dev = f->dev;
    enum td_action_kind kind;
    if (td_state_get(dev->state, "enrol.addr") == NULL || td_state_get(dev->state, "enrol.ended") != NULL)
        return TD_OK;
    enum td_code rc = td_dm_session(dev, TD_DM_USER, td_flow_get(f, "user.signed_in")[0] != '\0', &why);
    if (td_life_restart_due(dev, &kind) && kind != TD_ACTION_RETIRE) /* who is retired stays at the desktop */
        return td_fail(err, TD_ESTATE, "restart", "the service has ordered a restart");
    if (rc != TD_OK)
        td_device_say(dev, "manage", "no session: %s%s%s", why.text, why.remedy[0] != '\0' ? ". " : "", why.remedy);
    return TD_OK;
}

/* --- at the lock screen: autopilot.md 3.6 ------------------------------------------------------------------------- */

struct lock_screen {
    struct td_flow *f;
    const char *package; /* on a USB stick, NULL: none */
};

static struct td_slice bare(struct td_slice account)
{
    size_t slash = td_find(account, '\\'); /* "AzureAD\ada@contoso.test" and ".\helper" */
    return slash < account.n ? td_sub(account, slash + 1, account.n) : account;
}

/* What the accounts of management do not know: the managed local administrator, whose password is kept as a hash, and
 * accounts of the directory, whose password is the directory's to judge. */
static enum td_code check_account(void *ctx, const char *user, const char *password, struct td_error *err)
{
    const struct lock_screen *screen = ctx;
    struct td_flow *f = screen->f;
    const char *managed = td_flow_get(f, "laps.account"), *hash = td_flow_get(f, "laps.hash");
    if (managed[0] == '\0' || !td_ieq(bare(td_str(user)), td_str(managed)))
        return td_password_check(f, user, password, err);
    return td_password_verify(hash, td_str(password)) ? TD_OK : td_fail(err, TD_EAUTH, "password", "is wrong");
}

static enum td_code take_package(struct td_device *dev, const char *file, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf content;
    const char *slash = strrchr(file, '/'), *name = slash != NULL ? slash + 1 : file;
    td_buf_init(&content, LIFE_MAX_PACKAGE);
    td_try(td_file_read(file, &content, err));
    return td_disk_package(dev, name, td_buf_slice(&content), err);
}

/* Before the reset is scheduled: behind it the power may fail, and the reset would go on without it. */
static enum td_code read_stick(void *ctx, struct td_error *err)
{
    const struct lock_screen *screen = ctx;
    return screen->package != NULL ? take_package(screen->f->dev, screen->package, err) : TD_OK;
}

static enum td_code ask(struct td_flow *f, const char *key, const char *otherwise, const char *prompt, bool secret,
                        struct td_arena *a, char **ret, struct td_error *err)
{
    return td_ui_ask(f->ui, td_ui_given(f->ui, key) ? key : otherwise, prompt, secret, false, a, ret, err);
}

static enum td_code sign_in(struct lock_screen *screen, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_flow *f = screen->f;
    char *user = NULL, *password = NULL;
    td_try(ask(f, "administrator", "user", "administrator", false, &a, &user, err));
    td_try(ask(f, "administrator-password", "password", "password", true, &a, &password, err));
    const struct td_reset_credentials who = {user, password, check_account, screen, read_stick};
    enum td_code rc = td_reset_local(f->dev, &who, err);
    td_wipe(password, strlen(password));
    if (rc == TD_OK)
        td_device_say(f->dev, "step", "reset begun by %s", user);
    return rc;
}

enum td_code td_life_reset_page(struct td_flow *f, const char *package, struct td_error *err)
{
    td_try(td_hardware_of(f->dev, &f->arena, &f->hw, err));
    td_try(td_reset_local_may(f->dev, err));
    if (package != NULL)
        td_device_say(f->dev, "page", "reset this device: the package on the USB stick will be used: %s", package);
    else
        td_device_say(f->dev, "page", "reset this device: no package on a USB stick");
    struct lock_screen screen = {f, package};
    return sign_in(&screen, err);
}

/* --- at work ------------------------------------------------------------------------------------------------------ */

bool td_life_is_unmanaged(const struct td_device *dev)
{
    if (td_state_get(dev->state, "provision.sealed") != NULL && !td_fault("device-retired-on-the-shelf"))
        return false; /* nobody has had it: it has no desktop, it is in its box */
    return td_state_get(dev->state, "enrol.ended") != NULL && td_state_get(dev->state, "join.device_id") == NULL;
}

static enum td_code prove_person(struct td_flow *f, const char *user, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    char *password = NULL;
    td_device_say(f->dev, "page", "sign-in screen: %s", user);
    td_try(td_ui_ask(f->ui, "password", td_arena_printf(&a, "password of %s", user), true, false, &a, &password, err));
    enum td_code rc = td_domain_joined(f->dev) ? td_domain_sign_in(f, user, password, err) : TD_OK;
    if (rc == TD_OK)
        rc = td_prt_by_password(f, user, password, err);
    td_wipe(password, strlen(password));
    return rc;
}

enum td_code td_life_sign_in(struct td_flow *f, const char *user, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_device *dev = f->dev;
    struct td_error why = {0};
    user = td_arena_strdup(&a, user != NULL ? user : td_flow_get(f, "user.signed_in"));
    if (td_flow_get(f, "ready.at")[0] == '\0' || td_flow_get(f, "join.device_id")[0] == '\0')
        return td_remedy(err, td_fail(err, TD_ESTATE, "sign-in", "this device is not ready"),
                         "take it out of its box first: touchdown-device run");
    if (user[0] == '\0')
        return td_remedy(err, td_fail(err, TD_EINVAL, "user", "who signs in is not said"), "give --user UPN");
    td_try(td_seat_may(dev, user, err));
    td_try(td_hardware_of(dev, &f->arena, &f->hw, err));
    td_try(prove_person(f, user, err));
    const char *known = td_flow_get(f, "prt.user");
    user = known[0] != '\0' ? td_arena_strdup(&a, known) : user;
    td_state_set(dev->state, "signin.user", user);
    td_try(td_seat_take(dev, user, err));
    td_device_say(dev, "step", "user signed in: %s", user);
    if (td_flow_get(f, "enrol.addr")[0] != '\0' && td_dm_session(dev, TD_DM_LOGIN, true, &why) != TD_OK)
        td_device_say(dev, "manage", "no session: %s", why.text);
    return TD_OK;
}

enum td_code td_life_use(struct td_device *dev, const char *user, const char *package, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *signed_in = td_state_get(dev->state, "user.signed_in");
    user = td_arena_strdup(&a, user != NULL ? user : signed_in);
    if (user[0] == '\0')
        return td_remedy(err, td_fail(err, TD_ESTATE, "user", "nobody is signed in"), "give --user UPN");
    td_try(td_seat_may(dev, user, err));
    if (strcmp(user, TD_SEAT_GUEST) == 0)
        td_try(td_seat_take(dev, user, err));
    if (!td_seat_taken(dev, user))
        return td_remedy(err, td_fail(err, TD_ESTATE, "user", "%s has no account on this shared PC", user),
                         "Let them sign in: --answer password=...");
    td_try(td_disk_use(dev, user, err));
    if (package != NULL)
        td_try(take_package(dev, package, err));
    td_device_say(dev, "step", "used by %s", user);
    return TD_OK;
}

enum td_code td_life_reinstall(struct td_device *dev, struct td_error *err)
{
    td_try(td_reset_now(dev, TD_ACTION_REINSTALL, err));
    td_device_say(dev, "reset", "installed anew by hand: the device is back in its box");
    return TD_OK;
}
