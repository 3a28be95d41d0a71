/* The steps of a hybrid device's way that wait: for the blob, for a domain controller (autopilot.md 3.2). */
#include "base/fault.h"
#include "device/dm.h"
#include "device/domain/room.h"
#include "device/life.h"
#include "device/offline.h"

#define BLOB_PAUSE (15 * TD_SECOND)
#define REACH_PAUSE (30 * TD_SECOND)

/* What a connector is given, and some more for the blob's way here; a controller is there or is not. */
enum { BLOB_TRIES = 40 * 60 / 15, REACH_TRIES = 20 };

enum td_code td_domain_over(const struct td_error *why, struct td_error *err)
{
    enum td_code rc = why->code == TD_EUNAVAILABLE ? TD_EEXPIRED : why->code;
    if (err != NULL) {
        *err = *why;
        err->code = rc;
    }
    return rc;
}

static enum td_code over(enum td_domain_reason reason, const char *detail, struct td_error *err)
{
    struct td_error why = {.code = TD_OK};
    (void)td_domain_refuse(&why, reason, detail);
    return td_domain_over(&why, err);
}

static enum td_code joined(struct td_flow *f)
{
    td_secret_put(&f->secrets.password, NULL); /* the restart loses what was typed */
    td_flow_news(f, "joined the domain: %s in %s", td_flow_get(f, "domain.machine"), td_flow_get(f, "domain.name"));
    return TD_OK;
}

/* Why the service has no blob, by the text of the status page: shown while it may still be mended. What was said last
 * stays said, since work that is asked anew takes the text back. */
static void hear(struct td_flow *f, enum td_domain_reason *told)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *text = td_device_effect(f->dev, "page_error_text", &a);
    enum td_domain_reason now = text != NULL ? td_domain_reason_told(text) : TD_DJ_OK;
    if (now == TD_DJ_OK || now == *told || td_fault("device-hears-no-problem"))
        return;
    *told = now;
    td_device_say(f->dev, "page", "joining your organization's network: %s", text);
}

static enum td_code no_blob(const struct td_flow *f, enum td_domain_reason told, struct td_error *err)
{
    if (told != TD_DJ_OK)
        return over(told, NULL, err);
    return over(TD_DJ_TIMEOUT, td_offline_profile(f) ? "its profile is a file's, and it may not be registered" : NULL,
                err);
}

enum td_code td_flow_domain_wait(struct td_flow *f, struct td_error *err)
{
    enum td_domain_reason told = TD_DJ_OK;
    for (int i = 0; i < BLOB_TRIES; i++) {
        if (td_domain_joined(f->dev))
            return joined(f);
        if (i == 0)
            td_device_say(f->dev, "page", "joining your organization's network");
        td_try(td_dm_session(f->dev, TD_DM_ENROLMENT, false, err));
        if (td_life_restart_due(f->dev, NULL))
            return td_fail(err, TD_ESTATE, "restart", "the service has ordered a restart");
        if (td_domain_joined(f->dev))
            continue;
        hear(f, &told);
        td_try(td_device_wait(f->dev, BLOB_PAUSE, err));
    }
    return no_blob(f, told, err);
}

/* Applying them is nobody's business here, so that not to know them holds nothing up. */
void td_domain_list_policies(struct td_device *dev)
{
    struct td_error why = {0};
    if (td_domain_policies(dev, &why) != TD_OK)
        td_device_say(dev, "domain", "group policies are not known: %s", why.text);
}

static bool is_skipped(const struct td_flow *f)
{
    return td_state_int(f->dev->state, "profile.skip_dc", 0) != 0;
}

/* The machine's ticket is the proof: whoever gives it knows the account and its password. */
static enum td_code reach(struct td_flow *f, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *ccache;
    td_try(td_domain_ticket(f->dev, &a, &ccache, err));
    td_state_set(f->dev->state, TD_DOMAIN_TROUBLE, NULL);
    const char *host = td_flow_get(f, "domain.reached");
    td_flow_news(f, "domain controller reached: %s", host[0] != '\0' ? host : td_flow_get(f, "domain.name"));
    td_domain_list_policies(f->dev);
    return TD_OK;
}

/* Whoever looks at the service is to see why it stands still; what can't be told now goes with the next session. Each
 * reason once. */
static enum td_code tell(struct td_flow *f, const struct td_error *why, enum td_domain_reason *told,
                         struct td_error *err)
{
    const struct td_domain_reason_row *row = td_domain_reason_by_name(why->where);
    if (row == NULL || row->reason == *told || td_fault("device-suffers-in-silence"))
        return TD_OK;
    *told = row->reason;
    td_state_set_int(f->dev->state, TD_DOMAIN_TROUBLE, (int64_t)row->hresult);
    td_try(td_state_save(f->dev->state, err));
    if (td_dm_session(f->dev, TD_DM_ENROLMENT, false, NULL) != TD_OK)
        td_device_say(f->dev, "wait", "domain: the service could not be told");
    if (td_life_restart_due(f->dev, NULL))
        return td_fail(err, TD_ESTATE, "restart", "the service has ordered a restart");
    return TD_OK;
}

enum td_code td_flow_domain_reach(struct td_flow *f, struct td_error *err)
{
    struct td_error why = {0};
    enum td_domain_reason told = TD_DJ_OK;
    if (is_skipped(f) && !td_fault("device-reaches-anyway")) {
        td_flow_news(f, "domain controller not looked for: the profile skips it");
        return TD_OK;
    }
    for (int i = 0; i < REACH_TRIES; i++) {
        enum td_code rc = reach(f, &why);
        if (rc == TD_OK)
            return TD_OK;
        td_device_say(f->dev, "wait", "domain: %s", why.text);
        td_try(tell(f, &why, &told, err));
        td_try(td_device_wait(f->dev, REACH_PAUSE, err));
    }
    return td_domain_reason_by_name(why.where) != NULL ? td_domain_over(&why, err)
                                                       : over(TD_DJ_DEVICE_NO_DC, why.text, err);
}
