#include "device/flow.h"

#include "base/fault.h"
#include "device/disk.h"
#include "device/dm.h"
#include "device/domain.h"
#include "device/life.h"
#include "device/offline.h"
#include "device/tokens.h"

enum { FLOW_MAX_USER_TRIES = 5 };

static int64_t restarts(struct td_flow *f)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    int64_t n;
    const char *text = td_device_effect(f->dev, "restarts", &a);
    return text != NULL && td_parse_i64(td_str(text), &n) ? n : 0;
}

/* A restart loses what was typed: the user signs in a second time (autopilot.md 3.1, step 8). */
enum td_code td_flow_device_setup(struct td_flow *f, struct td_error *err)
{
    int64_t before = restarts(f);
    td_try(td_dm_status_page(f->dev, TD_DM_DEVICE_SETUP, err));
    if (restarts(f) != before)
        td_secret_put(&f->secrets.password, NULL);
    return TD_OK;
}

static enum td_code account_setup(struct td_flow *f, struct td_error *err)
{
    return td_dm_status_page(f->dev, TD_DM_ACCOUNT_SETUP, err);
}

/* Who sits before the lock screen: the user it shows, or, where it shows nobody, whoever types a name. */
static enum td_code ask_user(struct td_flow *f, bool again, struct td_arena *a, const char **ret, struct td_error *err)
{
    char *text = NULL;
    *ret = td_arena_strdup(a, td_flow_get(f, "signin.user")); /* the state's own goes when it is set again */
    if ((*ret)[0] != '\0')
        return TD_OK;
    td_device_say(f->dev, "page", "lock screen: other user");
    td_try(td_ui_ask(f->ui, "user", "user name", false, again, a, &text, err));
    *ret = text;
    return TD_OK;
}

/* why: what the last try was refused with; "" in the first. */
static enum td_code ask_password(struct td_flow *f, const char *user, const char *why, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    char *text = NULL;
    bool again = why[0] != '\0';
    td_device_say(f->dev, "page", "lock screen: %s%s%s", user, again ? ": " : "", why);
    const char *prompt = td_arena_printf(&a, "password of %s", user);
    td_try(td_ui_ask(f->ui, "password", prompt, true, again, &a, &text, err));
    td_secret_put(&f->secrets.password, text);
    td_wipe(text, strlen(text));
    return TD_OK;
}

/* The one who signed in is the user of this device from now on, by the name that the directory has. */
static enum td_code take_user(struct td_flow *f, const char *typed, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *known = td_flow_get(f, "prt.user");
    const char *user = td_arena_strdup(&a, known[0] != '\0' ? known : typed);
    td_state_set(f->dev->state, "signin.user", user);
    if (td_flow_get(f, "enrol.user")[0] == '\0' &&
        !td_fault("device-next-user-nobody")) /* a reset took the former one away */
        td_state_set(f->dev->state, "enrol.user", user);
    td_state_set(f->dev->state, "user.signed_in", user);
    td_try(td_state_save(f->dev->state, err));
    return td_disk_sign_in(f->dev, user, err);
}

/* A computer of a domain asks its domain, every other the directory. */
static enum td_code prove_user(struct td_flow *f, const char *user, struct td_error *err)
{
    return td_flow_kind(f) == TD_FLOW_HYBRID ? td_domain_sign_in(f, user, f->secrets.password, err)
                                             : td_prt_by_password(f, user, f->secrets.password, err);
}

/* The domain says why it lets nobody in; the directory only that it was wrong. */
static bool may_ask_again(const struct td_flow *f, enum td_code rc)
{
    return rc == TD_EAUTH || (rc == TD_EDENIED && td_flow_kind(f) == TD_FLOW_HYBRID);
}

enum td_code td_flow_user_sign_in(struct td_flow *f, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *user = "";
    struct td_error why = {0};
    bool typed = f->secrets.password == NULL || td_flow_get(f, "signin.user")[0] == '\0';
    if (td_flow_kind(f) == TD_FLOW_HYBRID)
        td_try(td_vpn_dial(f->dev, err));
    enum td_code rc = TD_EAUTH;
    for (int tries = 0; may_ask_again(f, rc) && tries < FLOW_MAX_USER_TRIES; tries++) {
        bool again = tries != 0;
        if (again && f->ui->ask == NULL)
            break;
        td_try(ask_user(f, again, &a, &user, err));
        if (typed || again)
            td_try(ask_password(f, user, !again ? "" : rc == TD_EDENIED ? why.text : "the password is wrong", err));
        rc = prove_user(f, user, &why);
    }
    if (rc != TD_OK && err != NULL)
        *err = why;
    td_try(rc);
    td_try(take_user(f, user, err));
    td_flow_news(f, "user signed in: %s%s", td_flow_get(f, "signin.user"), typed ? "" : " (by what was typed before)");
    f->signed_in = true;
    return TD_OK;
}

/* On a wire the profile is there before the first page; without one the pages up to the network come first. */
static bool skip_first_pages(const struct td_flow *f)
{
    return f->hw.wired;
}

/* It enrols before it joins: from then on nothing turns it round. */
static bool enrolled_hybrid(const struct td_flow *f)
{
    return td_flow_kind(f) == TD_FLOW_HYBRID && td_flow_step_done(f, "enrolment");
}

/* A profile is asked again at every start until the device has joined (autopilot.md 2.5, 7). */
static bool skip_lookup(const struct td_flow *f)
{
    return td_flow_step_done(f, "join") || f->looked_up || enrolled_hybrid(f);
}

/* The token of a sign-in lives in memory: whoever was killed before the join signs in again. */
static bool skip_sign_in(const struct td_flow *f)
{
    return td_flow_step_done(f, "join") || f->secrets.join_token != NULL || enrolled_hybrid(f);
}

static bool skip_user_sign_in(const struct td_flow *f)
{
    return f->signed_in || td_flow_step_done(f, "account setup");
}

/* An unknown device shows its code and asks again, ever more slowly, until somebody approves it or its time is over
 * (docs/protocol/ztd.md 3.3). */
static enum td_code wait_for_approval(struct td_flow *f, struct td_error *err)
{
    static const int64_t pauses[] = {5 * TD_SECOND, 15 * TD_SECOND, 30 * TD_SECOND};
    char shown[sizeof(f->request_code)] = "";
    enum td_code rc = td_flow_lookup(f, err);
    if (td_offline_instead(f, rc))
        return td_offline_take(f, err);
    for (size_t i = 0; rc == TD_ENOTFOUND && f->none && f->request_code[0] != '\0'; i++) {
        if (strcmp(shown, f->request_code) != 0)
            td_device_say(f->dev, "page", "this device is not known yet: tell your administrator the code %s",
                          f->request_code);
        memcpy(shown, f->request_code, sizeof(shown));
        if (td_device_wait(f->dev, pauses[TD_MIN(i, TD_COUNTOF(pauses) - 1)], NULL) != TD_OK)
            return rc;
        struct td_error why;
        enum td_code again = td_flow_lookup(f, &why);
        if (again == TD_EUNAVAILABLE) { /* the service is away: the code stays on the page */
            f->none = true;
            memcpy(f->request_code, shown, sizeof(shown));
            continue;
        }
        if (again != TD_OK && err != NULL)
            *err = why;
        rc = again;
    }
    return rc;
}

static enum td_code lookup(struct td_flow *f, struct td_error *err)
{
    enum td_code rc = wait_for_approval(f, err);
    if (rc == TD_OK && !f->none)
        td_offline_ignored(f);
    if (rc == TD_ENOTFOUND && f->none)
        td_offline_blame(f, err);
    if (f->none) /* the way has not begun: its time counts from the lookup that finds something */
        td_try(td_flow_keep(f, "begin.lookup", NULL, NULL));
    f->looked_up = rc == TD_OK;
    return rc;
}

/* What an attested join that came to nothing has noted is not how this one joins. */
static enum td_code join_as_user(struct td_flow *f, struct td_error *err)
{
    if (!td_fault("device-joins-as-before"))
        td_state_set(f->dev->state, "join.attested", NULL);
    return td_flow_join(f, err);
}

/* A technician's device was on the shelf: what the service has ended meanwhile does not come back by waiting. */
static enum td_code set_up_device(struct td_flow *f, struct td_error *err)
{
    enum td_code rc = td_flow_device_setup(f, err);
    if (rc != TD_EDENIED || td_flow_get(f, "provision.sealed")[0] == '\0')
        return rc;
    return td_remedy(err, rc,
                     "Its management may have ended while it stood on the shelf: look at its timeline, then put it back"
                     " into its box: touchdown-device reset --reinstall.");
}

const struct td_step td_flow_head[] = {
    {"first pages", td_flow_first_pages, skip_first_pages, false},
    {"lookup", lookup, skip_lookup, false},
};
const size_t td_flow_head_count = TD_COUNTOF(td_flow_head);

static const struct td_step for_a_user[] = {
    {"name", td_flow_name, NULL, true},
    {"pages", td_flow_pages, NULL, true},
    {"sign-in", td_flow_sign_in, skip_sign_in, false},
    {"join", join_as_user, NULL, false},
    {"enrolment", td_flow_enrol, NULL, false},
    {"last pages", td_flow_last_pages, NULL, true},
    {"device setup", set_up_device, NULL, false},
    {"user sign-in", td_flow_user_sign_in, skip_user_sign_in, false},
    {"account setup", account_setup, NULL, false},
};

/* autopilot.md 3.3: nobody is there to sign in, so there is no account to set up. */
static const struct td_step for_nobody[] = {
    {"name", td_flow_name, NULL, true},
    {"pages", td_flow_pages, NULL, true},
    {"attest", td_flow_secure, td_flow_skip_secure, false},
    {"join", td_flow_join_attested, NULL, false},
    {"enrolment", td_flow_enrol, NULL, false},
    {"device setup", td_flow_device_setup, NULL, false},
};

/* autopilot.md 3.2: in management first, then in the domain, in the directory last; the user signs in twice. */
static const struct td_step hybrid[] = {
    {"name", td_flow_name, NULL, true},
    {"pages", td_flow_pages, NULL, true},
    {"sign-in", td_flow_sign_in, skip_sign_in, false},
    {"enrolment", td_flow_enrol, NULL, false},
    {"last pages", td_flow_last_pages, NULL, true},
    {"domain join", td_flow_domain_wait, NULL, false},
    {"domain contact", td_flow_domain_reach, NULL, false},
    {"device setup", td_flow_device_setup, NULL, false},
    {"user sign-in", td_flow_user_sign_in, skip_user_sign_in, false},
    {"join", td_flow_domain_register, NULL, false},
    {"user token", td_flow_domain_token, NULL, false},
    {"account setup", account_setup, NULL, false},
};

static const struct td_step *steps_of(const struct td_flow *f, size_t *ret_count)
{
    static const struct {
        const struct td_step *steps;
        size_t count;
    } ways[] = {[TD_FLOW_USER] = {for_a_user, TD_COUNTOF(for_a_user)},
                [TD_FLOW_SELF_DEPLOYING] = {for_nobody, TD_COUNTOF(for_nobody)},
                [TD_FLOW_TECHNICIAN] = {for_nobody, TD_COUNTOF(for_nobody)},
                [TD_FLOW_HYBRID] = {hybrid, TD_COUNTOF(hybrid)}};
    enum td_flow_kind kind = td_flow_kind(f);
    *ret_count = ways[kind].count;
    return ways[kind].steps;
}

static enum td_code walk(struct td_flow *f, struct td_error *err)
{
    size_t count = 0;
    td_try(td_flow_walk(f, td_flow_head, td_flow_head_count, err));
    const struct td_step *steps = steps_of(f, &count); /* known by the profile */
    return td_flow_walk(f, steps, count, err);
}

/* Who signs in here is up to whoever comes: the device has no user of its own. A kiosk has the screen by itself. */
static void say_end(struct td_flow *f)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *screen = td_device_effect(f->dev, "screen", &a);
    if (!td_flow_nobody(f))
        td_device_say(f->dev, "page", "desktop: %s", td_flow_get(f, "signin.user"));
    else if (screen == NULL || strcmp(screen, "sign-in screen") == 0)
        td_device_say(f->dev, "page", "sign-in screen: %s", td_flow_get(f, "profile.tenant"));
    else
        td_device_say(f->dev, "page", "%s", screen);
}

enum td_code td_flow_run(struct td_flow *f, struct td_error *err)
{
    td_try(td_hardware_of(f->dev, &f->arena, &f->hw, err));
    td_try(td_disk_prepare(f->dev, &f->hw, err));
    const bool was_ready = td_flow_get(f, "ready.at")[0] != '\0';
    if (td_life_is_unmanaged(f->dev)) {
        td_device_say(f->dev, "page", "desktop: this device is no longer managed");
        return TD_OK;
    }
    if (td_flow_get(f, "provision.sealed")[0] != '\0') /* retired on the shelf: it enrols anew */
        td_state_set(f->dev->state, "enrol.ended", NULL);
    td_try(walk(f, err));
    if (was_ready)
        td_try(td_life_switched_on(f, err));
    if (td_flow_get(f, "ready.at")[0] == '\0') {
        char at[TD_TIME_TEXT];
        td_state_set(f->dev->state, "provision.at", NULL); /* a technician's part is past */
        td_state_set(f->dev->state, "provision.sealed", NULL);
        td_try(td_flow_keep(f, "ready.at", td_time_text(td_now(f->dev->env), at), err));
    }
    say_end(f);
    return TD_OK;
}

static int64_t time_of(struct td_flow *f, const char *when, const char *step)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    return td_state_int(f->dev->state, td_arena_printf(&a, "%s.%s", when, step), 0);
}

struct span {
    int64_t first, last;
};

static void tell_times(struct td_flow *f, const struct td_step *steps, size_t count, struct span *span)
{
    int64_t since = td_state_int(f->dev->state, "reset.at", 0); /* what was before is another way */
    for (size_t i = 0; i < count; i++) {
        int64_t begin = time_of(f, "begin", steps[i].name), end = time_of(f, "end", steps[i].name);
        if (begin == 0 || end == 0 || begin < since)
            continue;
        span->first = span->first == 0 ? begin : span->first;
        span->last = TD_MAX(span->last, end);
        if (!steps[i].hidden)
            td_device_say(f->dev, "time", "%-14s %8.2f s", steps[i].name, (double)(end - begin) / TD_SECOND);
    }
}

void td_flow_timeline(struct td_flow *f)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct span span = {0, 0};
    size_t count = 0;
    const struct td_step *steps = steps_of(f, &count);
    tell_times(f, td_flow_head, td_flow_head_count, &span);
    tell_times(f, steps, count, &span);
    td_device_say(f->dev, "time", "%-14s %8.2f s", "together", (double)(span.last - span.first) / TD_SECOND);
    const char *which;
    int n = td_ui_inputs(f->ui, &a, &which);
    td_device_say(f->dev, "ready", "inputs asked: %d (%s)", n, n == 0 ? "none" : which);
}
