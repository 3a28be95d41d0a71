#include "device/seat.h"

#include "base/fault.h"
#include "device/csp/kiosk.h"
#include "device/disk.h"
#include "device/dm.h"
#include "device/dm/client.h"

#define SEAT "seat."

static bool is_guest(const char *user)
{
    return strcmp(user, TD_SEAT_GUEST) == 0;
}

static bool shared_mode(struct td_device *dev, struct td_csp_shared *ret)
{
    struct td_dm dm;
    bool on = td_dm_open(dev, NULL, &dm, NULL) == TD_OK && td_csp_shared(dm.csp, ret);
    td_dm_close(&dm);
    return on;
}

enum td_code td_seat_may(struct td_device *dev, const char *user, struct td_error *err)
{
    struct td_csp_shared s = {.accounts = 0};
    bool shared = shared_mode(dev, &s);
    if (is_guest(user) && (!shared || s.accounts == TD_SHARED_DIRECTORY))
        return td_remedy(
            err, td_fail(err, TD_EDENIED, "sign-in", "guests may not sign in here"),
            "Sign in with an account of the organisation, or assign a shared-pc item that lets guests in.");
    if (!is_guest(user) && shared && s.accounts == TD_SHARED_GUESTS && !td_fault("shared-pc-anybody"))
        return td_remedy(err, td_fail(err, TD_EDENIED, "sign-in", "this shared PC is for guests only"),
                         "Sign in as a guest, or assign a shared-pc item that lets people of the directory in.");
    return TD_OK;
}

static const char *seat_key(struct td_arena *a, const char *user)
{
    return td_arena_printf(a, SEAT "%s", user);
}

bool td_seat_taken(struct td_device *dev, const char *user)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_csp_shared s;
    return !shared_mode(dev, &s) || td_state_get(dev->state, seat_key(&a, user)) != NULL;
}

const char *td_seat_people(const struct td_device *dev, struct td_arena *a)
{
    const char *key, *value, *lines = "";
    for (size_t i = 0; td_state_at(dev->state, i, &key, &value); i++)
        if (value != NULL && td_starts(td_str(key), SEAT))
            lines = td_arena_printf(a, "%s%s%s", lines, lines[0] != '\0' ? "\n" : "", key + strlen(SEAT));
    return lines;
}

/* "AzureAD\\ada@contoso.test" and "ada@contoso.test" are one. */
static bool is_account(const char *account, const char *user)
{
    const char *slash = strrchr(account, '\\');
    return td_ieqs(td_str(slash != NULL ? slash + 1 : account), user);
}

/* What comes up behind the sign-in: the kiosk, for the account that has it. */
static void show_screen(struct td_device *dev, const char *user)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *account = td_device_effect(dev, "kiosk_account", &a);
    if (account != NULL && td_device_effect(dev, "autologon", &a) == NULL && is_account(account, user))
        td_device_say(dev, "page", "kiosk: %s as %s", td_device_effect(dev, "kiosk_app", &a), user);
}

enum td_code td_seat_take(struct td_device *dev, const char *user, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *kiosk = td_device_effect(dev, "autologon", &a);
    user = td_arena_strdup(&a, user); /* it may be the state's own */
    if (kiosk != NULL)
        td_device_say(dev, "page", "kiosk of %s left by its keys: sign-in screen", kiosk);
    td_state_set_int(dev->state, seat_key(&a, user), td_now(dev->env));
    td_state_set(dev->state, "user.signed_in", user);
    td_try(td_state_save(dev->state, err));
    td_try(td_disk_sign_in(dev, user, err));
    show_screen(dev, user);
    return TD_OK;
}

/* The account with its profile; what lies outside of it stays. */
static enum td_code delete_account(struct td_device *dev, const char *user, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    user = td_arena_strdup(&a, user);
    td_try(td_disk_forget(dev, user, err));
    td_state_set(dev->state, seat_key(&a, user), NULL);
    td_try(td_state_save(dev->state, err));
    td_device_say(dev, "step", "account deleted: %s", user);
    return TD_OK;
}

static bool is_due(const struct td_device *dev, const struct td_csp_shared *s, const char *user, bool leaving,
                   int64_t last)
{
    if (leaving && is_guest(user))
        return true;
    if (!s->manager)
        return false;
    if (s->deletion == TD_SHARED_AT_SIGN_OUT)
        return leaving && !td_fault("shared-pc-keeps-accounts");
    return s->deletion == TD_SHARED_INACTIVE && (td_now(dev->env) - last - 1) / TD_DAY >= s->inactive_days;
}

/* One at a time, from the beginning again: a deletion moves what the walk stands on. */
static enum td_code delete_due(struct td_device *dev, const struct td_csp_shared *s, const char *leaving,
                               struct td_error *err)
{
    const char *key = NULL, *value = NULL;
    for (size_t i = 0; td_state_at(dev->state, i, &key, &value); i++) {
        if (value == NULL || !td_starts(td_str(key), SEAT))
            continue;
        const char *user = key + strlen(SEAT);
        if (!is_due(dev, s, user, strcmp(user, leaving) == 0, td_state_int(dev->state, key, 0)))
            continue;
        td_try(delete_account(dev, user, err));
        i = (size_t)-1;
    }
    return TD_OK;
}

/* A device without a user keeps nobody's tokens. */
static void forget_tokens(struct td_device *dev)
{
    static const char *const keys[] = {"prt.token", "prt.session_key_jwe", "prt.user", "prt.at", "signin.user"};
    if (td_state_get(dev->state, "enrol.user") != NULL && td_state_get(dev->state, "enrol.user")[0] != '\0')
        return;
    for (size_t i = 0; i < TD_COUNTOF(keys); i++)
        td_state_set(dev->state, keys[i], NULL);
}

enum td_code td_seat_leave(struct td_device *dev, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *signed_in = td_state_get(dev->state, "user.signed_in");
    struct td_csp_shared s = {.accounts = 0};
    if (signed_in == NULL)
        return td_remedy(err, td_fail(err, TD_ESTATE, "user", "nobody is signed in"),
                         "Sign somebody in first: touchdown-device use --user UPN --answer password=...");
    const char *user = td_arena_strdup(&a, signed_in);
    forget_tokens(dev);
    td_state_set(dev->state, "user.signed_in", NULL);
    td_try(td_state_save(dev->state, err));
    td_device_say(dev, "step", "user signed out: %s", user);
    (void)shared_mode(dev, &s);
    td_try(delete_due(dev, &s, user, err));
    td_device_say(dev, "page", "%s", td_device_effect(dev, "screen", &a));
    return TD_OK;
}
