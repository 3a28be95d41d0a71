/* How far a deployment is, by what the device said: phases of the status page (csp.md 3.3, autopilot.md 4.6). */
#include "base/env.h"
#include "policy/plan.h"

static bool says(const struct td_ledger *l, const char *uri, const char *value)
{
    const char *have = td_ledger_value(l, uri);
    return have != NULL && td_ieqs(td_str(have), value);
}

static bool has_open_wants(const struct td_progress_in *in, enum td_stage from, enum td_stage to)
{
    for (const struct td_want *w = in->desired->wants; w != NULL; w = w->next) {
        if (w->stage < from || w->stage > to)
            continue;
        const struct td_row *r = td_ledger_find(in->ledger, w->key);
        if (r == NULL || r->state == TD_ROW_PENDING || r->state == TD_ROW_SENT)
            return true;
    }
    return false;
}

/* Every item of that scope has its effect or its answer: nothing is left for the page to wait for. */
static bool items_are_done(const struct td_progress_in *in, bool user)
{
    const struct td_row *row;
    for (const struct td_want *w = in->desired->wants; w != NULL; w = w->next) {
        if (w->item[0] == '\0' || w->user != user || w->verb == TD_SYNC_GET || w->untracked)
            continue;
        enum td_item_state s = td_plan_item(in->desired, in->ledger, w->item, &row);
        bool package = w->verb == TD_SYNC_SEQUENCE; /* accepted is not installed */
        if (s == TD_ITEM_PENDING || s == TD_ITEM_FAILED || (package && s == TD_ITEM_APPLIED))
            return false;
    }
    return true;
}

static bool device_is_done(const struct td_progress_in *in)
{
    const struct td_row *release = td_ledger_find(in->ledger, in->desired->release_key);
    if (release == NULL || (release->state != TD_ROW_DONE && release->state != TD_ROW_ABSENT))
        return false;
    if (!in->desired->page.show || release->state == TD_ROW_ABSENT)
        return !has_open_wants(in, TD_STAGE_INVENTORY, TD_STAGE_RELEASE);
    if (says(in->ledger, in->desired->device_result, "1"))
        return true;
    if (says(in->ledger, in->desired->device_done, "true"))
        return !says(in->ledger, in->desired->device_result, "0");
    /* its user is at the desktop's door and all is in effect: the page has let the device phase go */
    return in->user_active && items_are_done(in, false);
}

static bool account_is_done(const struct td_progress_in *in)
{
    const struct td_row *release = td_ledger_find(in->ledger, in->desired->user_release_key);
    if (release == NULL || release->state != TD_ROW_DONE)
        return false;
    if (has_open_wants(in, TD_STAGE_USER_PAGE, TD_STAGE_USER_AFTER))
        return false;
    return says(in->ledger, in->desired->user_result, "1") || items_are_done(in, true);
}

/* causes: not those that failed because another one did. */
static bool tell_failed(const struct td_progress_in *in, bool causes, struct td_error *why)
{
    for (const struct td_want *w = in->desired->wants; w != NULL; w = w->next) {
        const struct td_row *row;
        if (w->item[0] == '\0' || w->untracked ||
            td_plan_item(in->desired, in->ledger, w->item, &row) != TD_ITEM_FAILED ||
            (causes && row->status == TD_PLAN_BEHIND_FAILED))
            continue;
        const char *node = row->key + 2;
        if (row->value != NULL)
            (void)td_fail(why, TD_ESTATE, w->item, "%s reports %s", node, row->value);
        else if (row->status == TD_PLAN_BEHIND_FAILED)
            (void)td_fail(why, TD_ESTATE, w->item, "%s was not sent: a package that it stands behind failed", node);
        else
            (void)td_fail(why, TD_ESTATE, w->item, "%s failed with status %d", node, row->status);
        (void)td_remedy(why, TD_ESTATE, "Look at the item's code, mend the item, then try again on the device.");
        why->hresult = row->original_error;
        return true;
    }
    return false;
}

static void failed_item(const struct td_progress_in *in, struct td_error *why)
{
    if (tell_failed(in, true, why) || tell_failed(in, false, why))
        return;
    (void)td_fail(why, TD_ESTATE, "status page", "the device says that this phase failed");
    (void)td_remedy(why, TD_ESTATE, "Collect the device's logs, or try again on the device.");
}

static bool package_failed(const struct td_progress_in *in)
{
    const struct td_row *row;
    for (const struct td_want *w = in->desired->wants; w != NULL; w = w->next)
        if (w->verb == TD_SYNC_SEQUENCE && !w->untracked &&
            td_plan_item(in->desired, in->ledger, w->item, &row) == TD_ITEM_FAILED)
            return true;
    return false;
}

static bool has_failed(const struct td_progress_in *in, const struct td_progress *p, struct td_error *why)
{
    bool account = p->phase == TD_PHASE_ACCOUNT;
    int64_t limit = in->desired->page.timeout_minutes * TD_MINUTE;
    if (says(in->ledger, account ? in->desired->user_result : in->desired->device_result, "0") || package_failed(in)) {
        failed_item(in, why);
        return true;
    }
    if (!in->desired->page.show || in->now - p->since <= limit)
        return false;
    const struct td_row *release =
        td_ledger_find(in->ledger, account ? in->desired->user_release_key : in->desired->release_key);
    bool released = release != NULL && release->state == TD_ROW_DONE;
    (void)td_fail(why, TD_EEXPIRED, account ? "account setup" : "device setup", "not finished after %d minutes: %s",
                  in->desired->page.timeout_minutes,
                  released ? "the device still waits for an item" : "the release was not delivered");
    (void)td_remedy(why, TD_EEXPIRED, "See which item is pending; let the device synchronise, or raise the time-out.");
    why->hresult = 0x800705b4; /* what the page shows for a time-out */
    return true;
}

static bool move(const struct td_progress_in *in, struct td_progress *p, enum td_phase to, enum td_way_event event,
                 enum td_way_event *ret_event)
{
    *p = (struct td_progress){.phase = to, .since = in->now};
    *ret_event = event;
    return true;
}

bool td_plan_progress(const struct td_progress_in *in, struct td_progress *p, enum td_way_event *ret_event,
                      struct td_error *ret_why)
{
    switch (p->phase) {
    case TD_PHASE_NEW:
        return move(in, p, TD_PHASE_DEVICE, TD_EV_DEVICE_SETUP, ret_event);
    case TD_PHASE_DEVICE:
        if (device_is_done(in))
            return move(in, p, TD_PHASE_DEVICE_DONE, TD_EV_DEVICE_DONE, ret_event);
        break;
    case TD_PHASE_DEVICE_DONE:
        if (in->technician)
            return move(in, p, TD_PHASE_PROVISIONED, TD_EV_PROVISIONED, ret_event);
        if (!in->has_user)
            return move(in, p, TD_PHASE_READY, TD_EV_READY, ret_event);
        return in->user_active && move(in, p, TD_PHASE_ACCOUNT, TD_EV_ACCOUNT_SETUP, ret_event);
    case TD_PHASE_ACCOUNT:
        if (account_is_done(in))
            return move(in, p, TD_PHASE_READY, TD_EV_READY, ret_event);
        break;
    case TD_PHASE_READY:
    case TD_PHASE_PROVISIONED:
        return false;
    }
    if (p->failed || !has_failed(in, p, ret_why))
        return false;
    p->failed = true;
    *ret_event = TD_EV_FAILED;
    return true;
}
