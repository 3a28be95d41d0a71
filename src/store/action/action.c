#include "base/fault.h"
#include "store/action/room.h"
#include "store/audit.h"
#include "store/device.h"
#include "store/life_end.h"
#include "store/profile.h"
#include "store/tenant.h"

#include <inttypes.h>
#include <string.h>

static const char *text(const char *s)
{
    return s != NULL ? s : "";
}

/* ---- who may, and how many ---- */

bool td_action_same_person(const char *a, const char *b)
{
    return td_ieqs(td_str(a), b);
}

enum td_code td_action_texts_ok(const struct td_action_asking *what, struct td_error *err)
{
    if (strlen(text(what->parameter)) > TD_ACTION_PARAMETER_MAX)
        return td_fail(err, TD_ELIMIT, "parameter", "longer than %d octets", TD_ACTION_PARAMETER_MAX);
    if (strlen(text(what->reason)) > TD_ACTION_REASON_MAX)
        return td_fail(err, TD_ELIMIT, "reason", "longer than %d octets", TD_ACTION_REASON_MAX);
    if ((unsigned)what->kind >= TD_ACTION_KIND_COUNT)
        return td_fail(err, TD_EINVAL, "action", "there is no such action");
    return TD_OK;
}

enum td_code td_action_reached(struct td_tx *tx, const char *tenant, const char *but, int64_t *ret_reached,
                               int64_t *ret_limit, struct td_error *err)
{
    struct td_rows r;
    *ret_reached = 0;
    td_try(td_tenant_get_int(tx, tenant, "action-limit", ret_limit, err));
    td_try(td_sql_query(tx, &r, err,
                        "SELECT COUNT(DISTINCT enrolment_id) FROM (SELECT enrolment_id FROM device_action"
                        " WHERE tenant = $1 AND destroys = 1 AND asked_at > $2 AND state <> 5 UNION ALL"
                        " SELECT d.enrolment_id FROM action_batch b JOIN action_batch_device d ON d.tenant = b.tenant"
                        " AND d.batch_id = b.id AND d.state = 0 WHERE b.tenant = $1 AND b.destroys = 1"
                        " AND b.state < 2 AND b.asked_at > $2) x WHERE enrolment_id <> $3",
                        "sis", tenant, td_tx_now(tx) - TD_HOUR, but));
    while (td_rows_next(&r))
        *ret_reached = td_col_int(&r, 0);
    return td_rows_done(&r, err);
}

static enum td_code within_limit(struct td_tx *tx, const char *tenant, const char *enrolment_id, struct td_error *err)
{
    int64_t reached = 0, limit = 0;
    td_try(td_action_reached(tx, tenant, enrolment_id, &reached, &limit, err));
    if (limit == 0 || reached < limit || td_fault("action-limit-ignored"))
        return TD_OK;
    return td_remedy(err,
                     td_fail(err, TD_ELIMIT, "action",
                             "the safety limit is reached: %" PRId64 " devices in an hour for actions that remove data",
                             limit),
                     "Wait, or raise it if that is what you want: touchdown tenant set action-limit=N.");
}

/* ---- asking ---- */

static enum td_code hybrid(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a, bool *ret,
                           struct td_error *err)
{
    struct td_profile_row p;
    bool is_explicit;
    enum td_code rc = td_profile_of_way(tx, tenant, way_id, a, &p, &is_explicit, err);
    if (rc == TD_OK)
        *ret = p.settings.join == TD_JOIN_HYBRID;
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static enum td_code gather(struct td_tx *tx, const char *tenant, const struct td_action_device *d, struct td_arena *a,
                           struct td_action_facts *ret, struct td_error *err)
{
    struct td_device_row object = {0};
    *ret = (struct td_action_facts){
        .managed = d->active, .busy_with = "", .os_version = d->os_version, .serial = d->serial};
    td_try(hybrid(tx, tenant, d->way_id, a, &ret->hybrid, err));
    if (d->device_id[0] == '\0')
        return TD_OK;
    enum td_code rc = td_device_find(tx, tenant, d->device_id, a, &object, err);
    if (rc == TD_ENOTFOUND)
        return TD_OK;
    td_try(rc);
    ret->joined = object.joined_at != 0 && object.enabled;
    ret->hybrid = ret->hybrid || strcmp(object.trust_type, "ServerAd") == 0;
    return TD_OK;
}

#define OPEN_OF \
    "SELECT " TD_ACTION_COLUMNS " FROM device_action WHERE tenant = $1 AND enrolment_id = $2 AND ended_at = 0"

struct open_ones {
    struct td_action *rows;
    size_t count;
};

/* The one that says the same already; the one that destroys and goes furthest. */
static const struct td_action *same_one(const struct open_ones *o, const struct td_action_asking *what)
{
    for (size_t i = 0; i < o->count; i++)
        if (o->rows[i].kind == what->kind && strcmp(o->rows[i].parameter, text(what->parameter)) == 0)
            return &o->rows[i];
    return NULL;
}

static void note_busy(const struct open_ones *o, struct td_action_facts *facts)
{
    const struct td_action *furthest = NULL;
    for (size_t i = 0; i < o->count; i++) {
        if (!td_action_rows[o->rows[i].kind].destroys)
            continue;
        if (furthest == NULL || td_action_goes_further(o->rows[i].kind, furthest->kind))
            furthest = &o->rows[i];
    }
    facts->busy = furthest != NULL;
    facts->busy_with = furthest != NULL ? td_action_rows[furthest->kind].word : "";
}

static enum td_code needs_approval(struct td_tx *tx, const char *tenant, const struct td_action_asking *what, bool *ret,
                                   struct td_error *err)
{
    int64_t on = 0;
    *ret = false;
    if (!td_action_rows[what->kind].destroys || text(what->batch_id)[0] != '\0')
        return TD_OK; /* a batch is approved as a whole */
    td_try(td_tenant_get_int(tx, tenant, "action-approval", &on, err));
    *ret = on != 0;
    return TD_OK;
}

static enum td_code add(struct td_tx *tx, const char *tenant, const struct td_action_device *d,
                        const struct td_action_asking *what, struct td_arena *a, struct td_action *ret,
                        struct td_error *err)
{
    bool waits = false;
    td_try(needs_approval(tx, tenant, what, &waits, err));
    *ret = (struct td_action){.id = td_uuid_rising(td_tx_env(tx), a),
                              .enrolment_id = d->enrolment_id,
                              .way_id = d->way_id,
                              .batch_id = text(what->batch_id),
                              .kind = what->kind,
                              .state = waits ? TD_ACT_WAITING : TD_ACT_PENDING,
                              .parameter = text(what->parameter),
                              .reason = text(what->reason),
                              .actor = what->actor,
                              .decided_by = "",
                              .asked_at = td_tx_now(tx),
                              .changed_at = td_tx_now(tx),
                              .reported = -1,
                              .cause = "",
                              .remedy = ""};
    td_try(td_action_insert(tx, tenant, ret, err));
    td_try(td_action_tell(tx, tenant, ret, TD_EV_ACTION_QUEUED, what->actor, err));
    td_try(td_action_audit(tx, tenant, "action.asked", ret, what->actor, err));
    return waits ? TD_OK : td_action_release(tx, tenant, ret, err);
}

enum td_code td_action_ask(struct td_tx *tx, const char *tenant, const char *enrolment_id,
                           const struct td_action_asking *what, struct td_arena *a, struct td_action *ret,
                           struct td_error *err)
{
    struct td_action_device d = {"", "", "", "", "", "", false};
    struct td_action_facts facts;
    struct open_ones open = {NULL, 0};
    td_try(td_action_texts_ok(what, err));
    td_try(td_action_device(tx, tenant, enrolment_id, a, &d, err));
    if (!d.active)
        return td_fail(err, TD_ENOTFOUND, "managedDevice", "the device %.64s is not managed any more", d.name);
    td_try(td_action_rows_of(tx, tenant, OPEN_OF " ORDER BY id", d.enrolment_id, a, &open.rows, &open.count, err));
    const struct td_action *same = same_one(&open, what);
    if (same != NULL) {
        *ret = *same;
        return TD_OK;
    }
    td_try(gather(tx, tenant, &d, a, &facts, err));
    note_busy(&open, &facts);
    td_try(td_action_may(what->kind, &facts, text(what->parameter), err));
    if (td_action_rows[what->kind].destroys && text(what->batch_id)[0] == '\0')
        td_try(within_limit(tx, tenant, d.enrolment_id, err));
    return add(tx, tenant, &d, what, a, ret, err);
}

/* ---- the second pair of eyes, and thinking better of it ---- */

enum td_code td_action_decide(struct td_tx *tx, const char *tenant, const char *id, bool approve, const char *actor,
                              struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_action x = {.id = ""};
    td_try(td_action_find(tx, tenant, id, &a, &x, err));
    if (x.state != TD_ACT_WAITING)
        return td_fail(err, TD_ESTATE, "action", "it waits for nobody's approval: it is %s",
                       td_action_state_word(x.state));
    if (td_action_same_person(x.actor, actor) && !td_fault("action-approves-own"))
        return td_remedy(err, td_fail(err, TD_EDENIED, "action", "%.80s has asked for it and can't decide it", actor),
                         "Another administrator must; who has asked can cancel it.");
    x.decided_by = actor;
    x.decided_at = td_tx_now(tx);
    if (!approve)
        return td_action_drop(tx, tenant, &x, "it was rejected", actor, err);
    x.state = TD_ACT_PENDING;
    td_try(td_action_save(tx, tenant, &x, err));
    td_try(td_action_audit(tx, tenant, "action.approved", &x, actor, err));
    return td_action_release(tx, tenant, &x, err);
}

enum td_code td_action_cancel(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                              struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_action x = {.id = ""};
    td_try(td_action_find(tx, tenant, id, &a, &x, err));
    if (x.state == TD_ACT_CANCELLED)
        return TD_OK;
    bool in_time = x.state == TD_ACT_WAITING || x.state == TD_ACT_PENDING;
    if (!in_time && !(x.state == TD_ACT_ACTIVE && td_fault("action-cancelled-late")))
        return td_remedy(err,
                         td_fail(err, TD_ESTATE, "action", "it can't be cancelled any more: it is %s",
                                 x.state == TD_ACT_ACTIVE ? "with the device" : td_action_state_word(x.state)),
                         "An action can be cancelled until it was delivered.");
    return td_action_drop(tx, tenant, &x, "it was cancelled", actor, err);
}

enum td_code td_action_drop(struct td_tx *tx, const char *tenant, struct td_action *x, const char *cause,
                            const char *actor, struct td_error *err)
{
    bool rejected = x->state == TD_ACT_WAITING && x->decided_at != 0;
    x->state = TD_ACT_CANCELLED;
    x->ended_at = td_tx_now(tx);
    x->cause = cause;
    td_try(td_action_save(tx, tenant, x, err));
    td_try(td_action_tell(tx, tenant, x, TD_EV_ACTION_CANCELLED, actor, err));
    td_try(td_life_follow(tx, tenant, x, err));
    if (strcmp(actor, "system") == 0 || strcmp(actor, "device") == 0)
        return TD_OK;
    return td_action_audit(tx, tenant, rejected ? "action.rejected" : "action.cancelled", x, actor, err);
}

/* What the new one makes pointless: another name, and what removes less. What was delivered goes its way. */
static bool is_pointless(const struct td_action *old, const struct td_action *by)
{
    bool undelivered = old->state == TD_ACT_WAITING || old->state == TD_ACT_PENDING;
    bool renames = old->kind == TD_ACTION_RENAME && by->kind == TD_ACTION_RENAME;
    bool less = td_action_rows[old->kind].destroys && td_action_goes_further(by->kind, old->kind);
    return undelivered && (renames || less) && strcmp(old->id, by->id) != 0;
}

static enum td_code take_place(struct td_tx *tx, const char *tenant, const struct td_action *by, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct open_ones o = {NULL, 0};
    const char *cause = td_arena_printf(&a, "%s takes its place", td_action_rows[by->kind].word);
    td_try(td_action_rows_of(tx, tenant, OPEN_OF " ORDER BY id", by->enrolment_id, &a, &o.rows, &o.count, err));
    for (size_t i = 0; i < o.count; i++)
        if (is_pointless(&o.rows[i], by))
            td_try(td_action_drop(tx, tenant, &o.rows[i], cause, by->actor, err));
    return TD_OK;
}

enum td_code td_action_release(struct td_tx *tx, const char *tenant, struct td_action *x, struct td_error *err)
{
    td_try(take_place(tx, tenant, x, err));
    switch (td_action_rows[x->kind].end) {
    case TD_END_AT_ONCE:
        td_try(td_action_finish(tx, tenant, x->id, TD_ACT_DONE, NULL, err));
        x->state = TD_ACT_DONE;
        x->ended_at = td_tx_now(tx);
        return TD_OK;
    default:
        return TD_OK;
    }
}

/* ---- questions ---- */

enum td_code td_action_find(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                            struct td_action *ret, struct td_error *err)
{
    struct td_action *rows = NULL;
    size_t count = 0;
    td_try(td_action_rows_of(tx, tenant,
                             "SELECT " TD_ACTION_COLUMNS " FROM device_action WHERE tenant = $1 AND id = $2", id, a,
                             &rows, &count, err));
    if (count == 0)
        return td_fail(err, TD_ENOTFOUND, "action", "there is no action %.40s", id);
    *ret = rows[0];
    return TD_OK;
}

enum td_code td_action_open_list(struct td_tx *tx, const char *tenant, const char *enrolment_id, struct td_arena *a,
                                 struct td_action **ret, size_t *ret_count, struct td_error *err)
{
    return td_action_rows_of(tx, tenant, OPEN_OF " AND state <> 0 ORDER BY id", enrolment_id, a, ret, ret_count, err);
}
