/* What others tell of actions: a machine that shows itself from its box, an enrolment that has ended, and the clock. */
#include "base/fault.h"
#include "store/action/room.h"
#include "store/enrolment.h"
#include "store/event.h"
#include "store/way.h"

/* A session on the old enrolment so long after the acceptance shows that the device was not wiped. */
#define STAYED_AWAY (15 * TD_MINUTE)

/* ---- out of its box ---- */

#define OF_WAY                                                                                           \
    "SELECT " TD_ACTION_COLUMNS " FROM device_action WHERE tenant = $1 AND way_id = $2 AND ended_at = 0" \
    " AND sent_at <> 0 AND destroys = 1 ORDER BY id"

/* Does a machine that shows itself from its box prove that this was carried out? */
static bool shown_done(const struct td_action *x, bool proven)
{
    enum td_action_end by = td_action_rows[x->kind].end;
    if (by == TD_END_GONE)
        return x->accepted_at != 0 || proven;
    return by == TD_END_UNENROLLED && proven;
}

/* A machine that was installed anew tells of no reset any more. */
static bool overtaken(const struct td_action *x, bool proven)
{
    enum td_action_end by = td_action_rows[x->kind].end;
    return proven && (by == TD_END_REPORT || by == TD_END_CAME_BACK) && !td_fault("reset-outlives-its-device");
}

struct before { /* what was known of the machine */
    struct td_way_row way;
    struct td_action_device device;
    bool was_ready;
};

static enum td_code was_ready(struct td_tx *tx, const char *tenant, struct before *b, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT 1 FROM deployment WHERE tenant = $1 AND way_id = $2 AND enrolment_id = $3"
                        " AND state IN (1, 4, 7) LIMIT 1",
                        "sss", tenant, b->way.id, b->way.enrolment_id));
    b->was_ready = td_rows_next(&r);
    return td_rows_done(&r, err);
}

/* Managed and ready, joined still (or never): then nobody else has ended what it had. Pre-provisioning has un-joined by
 * then (autopilot.md 3.4), and a deployment that is tried again was never ready. */
static enum td_code installed_anew(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                                   struct before *b, bool *ret, struct td_error *err)
{
    *ret = false;
    *b = (struct before){.way = {.id = ""}};
    enum td_code rc = td_way_find(tx, tenant, TD_WAY_ID, way_id, a, &b->way, err);
    if (rc == TD_ENOTFOUND)
        return TD_OK;
    td_try(rc);
    if (b->way.way.state[TD_M_ENROLMENT] != TD_E_ENROLLED || b->way.enrolment_id[0] == '\0')
        return TD_OK;
    td_try(td_action_device(tx, tenant, b->way.enrolment_id, a, &b->device, err));
    bool joined = b->way.way.state[TD_M_JOIN] == TD_J_JOINED || b->device.device_id[0] == '\0';
    if (!b->device.active || !joined)
        return TD_OK;
    td_try(was_ready(tx, tenant, b, err));
    *ret = b->was_ready;
    return TD_OK;
}

/* Its directory object is taken over by the join that shows it, as ever. A deployment that has begun already goes on.
 */
static enum td_code reinstalled(struct td_tx *tx, const char *tenant, const struct before *b, struct td_arena *a,
                                struct td_error *err)
{
    unsigned deployment = b->way.way.state[TD_M_DEPLOYMENT];
    bool begun = deployment == TD_D_SIGNED_IN || deployment == TD_D_ATTESTED || deployment == TD_D_CONTACTED;
    struct td_action x = {.id = td_uuid_rising(td_tx_env(tx), a),
                          .enrolment_id = b->way.enrolment_id,
                          .way_id = b->way.id,
                          .batch_id = "",
                          .kind = TD_ACTION_REINSTALL,
                          .state = TD_ACT_DONE,
                          .parameter = "",
                          .reason = "",
                          .actor = "device",
                          .decided_by = "",
                          .asked_at = td_tx_now(tx),
                          .ended_at = td_tx_now(tx),
                          .changed_at = td_tx_now(tx),
                          .reported = -1,
                          .cause = "",
                          .remedy = ""};
    td_try(td_action_insert(tx, tenant, &x, err));
    td_try(td_enrolment_end(tx, tenant, x.enrolment_id, err));
    if (!begun)
        return td_action_tell(tx, tenant, &x, TD_EV_WIPED, "device", err);
    struct td_event e = {.subject = x.way_id, .type = td_way_event_word(TD_EV_WIPED), .actor = "device"};
    td_try(td_event_tell(tx, tenant, &e, err, "action", td_action_rows[x.kind].word, "id", x.id, NULL));
    return td_action_tell(tx, tenant, &x, TD_EV_UNENROLLED, "device", err);
}

enum td_code td_action_box_awaited(struct td_tx *tx, const char *tenant, const char *way_id, bool proven, bool *ret,
                                   struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_action *rows = NULL;
    struct before b;
    size_t count = 0;
    *ret = false;
    td_try(td_action_rows_of(tx, tenant, OF_WAY, way_id, &a, &rows, &count, err));
    for (size_t i = 0; i < count; i++)
        *ret = *ret || shown_done(&rows[i], proven) || overtaken(&rows[i], proven);
    return *ret || !proven ? TD_OK : installed_anew(tx, tenant, way_id, &a, &b, ret, err);
}

static enum td_code overtake(struct td_tx *tx, const char *tenant, const struct td_action *x, struct td_error *err)
{
    struct td_error why = {0};
    td_ignore(td_remedy(
        &why, td_fail(&why, TD_ESTATE, "action", "the device was installed anew before it told what came of it"),
        "None needed: the device runs through its deployment from its box."));
    return td_action_finish(tx, tenant, x->id, TD_ACT_FAILED, &why, err);
}

enum td_code td_action_in_box(struct td_tx *tx, const char *tenant, const char *way_id, bool proven,
                              struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_action *rows = NULL;
    struct before b;
    size_t count = 0;
    bool ended = false, anew = false;
    td_try(td_action_rows_of(tx, tenant, OF_WAY, way_id, &a, &rows, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (overtaken(&rows[i], proven))
            td_try(overtake(tx, tenant, &rows[i], err));
        if (!shown_done(&rows[i], proven))
            continue;
        td_try(td_action_finish(tx, tenant, rows[i].id, TD_ACT_DONE, NULL, err));
        ended = true;
    }
    if (ended || (!proven && !td_fault("action-lookup-reinstalls")))
        return TD_OK;
    td_try(installed_anew(tx, tenant, way_id, &a, &b, &anew, err));
    return anew ? reinstalled(tx, tenant, &b, &a, err) : TD_OK;
}

enum td_code td_action_left_behind(struct td_tx *tx, const char *tenant, const char *enrolment_id, struct td_error *err)
{
    static const char sql[] = "SELECT " TD_ACTION_COLUMNS " FROM device_action WHERE tenant = $1 AND enrolment_id = $2"
                              " AND ended_at = 0 ORDER BY id";
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const struct td_error unanswered = {.text = "the management of the device has ended before it answered"};
    struct td_action *rows = NULL;
    size_t count = 0;
    td_try(td_action_rows_of(tx, tenant, sql, enrolment_id, &a, &rows, &count, err));
    for (size_t i = 0; i < count; i++) {
        struct td_action *x = &rows[i];
        if (x->state != TD_ACT_ACTIVE) {
            td_try(td_action_drop(tx, tenant, x, "the management of the device has ended", "system", err));
        } else if (!td_action_rows[x->kind].destroys) {
            td_try(td_action_finish(tx, tenant, x->id, TD_ACT_FAILED, &unanswered, err));
        }
    }
    return TD_OK;
}

/* ---- what waits too long ---- */

/* Wipes that were accepted and after which the device stayed away; goodbyes that never came of devices that were last
 * seen with the order in hand, however often it was delivered; what was delivered to an enrolment that is gone. What
 * was sent less than the shortest time ago that any tenant gives is not even looked at: this is asked every few seconds
 * while thousands may be under way. */
#define SETTLED                                                                            \
    " < $1 - 3600000000 * COALESCE((SELECT CAST(s.value AS INTEGER) FROM tenant_setting s" \
    " WHERE s.tenant = d.tenant AND s.key = 'wipe-settles'), 24)"
#define OVERDUE                                                                                        \
    " FROM device_action d JOIN enrolment e ON e.tenant = d.tenant AND e.id = d.enrolment_id"          \
    " WHERE d.ended_at = 0 AND d.sent_at <> 0 AND d.destroys = 1 AND d.sent_at < $1 - 3600000000 *"    \
    " (SELECT MIN(h) FROM (SELECT 24 AS h UNION ALL SELECT CAST(value AS INTEGER) FROM"                \
    " tenant_setting WHERE key = 'wipe-settles') soonest) AND d.sent_at" SETTLED                       \
    " AND (e.state <> 0 OR (d.ends = $3 AND d.accepted_at <> 0 AND e.last_contact_at <= d.accepted_at" \
    " + $2) OR (d.ends = $4 AND e.last_contact_at" SETTLED "))"

struct waiting {
    const char *tenant, *id;
    int64_t ends;
};

static enum td_code list_overdue(struct td_tx *tx, size_t max, struct td_arena *a, struct waiting *list, size_t *ret,
                                 struct td_error *err)
{
    struct td_rows r;
    size_t n = 0;
    td_try(td_sql_query(tx, &r, err, "SELECT d.tenant, d.id, d.ends" OVERDUE " ORDER BY d.sent_at LIMIT $5", "iiiii",
                        td_tx_now(tx), (int64_t)STAYED_AWAY, (int64_t)TD_END_GONE, (int64_t)TD_END_UNENROLLED,
                        (int64_t)max));
    while (n < max && td_rows_next(&r))
        list[n++] = (struct waiting){td_col_text0(&r, 0, a), td_col_text0(&r, 1, a), td_col_int(&r, 2)};
    *ret = n;
    return td_rows_done(&r, err);
}

enum td_code td_action_is_overdue(struct td_tx *tx, bool *ret, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct waiting one;
    size_t count = 0;
    td_try(list_overdue(tx, 1, &a, &one, &count, err));
    *ret = count != 0;
    return TD_OK;
}

enum td_code td_action_overdue(struct td_tx *tx, size_t max, size_t *ret_ended, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct waiting *list = td_arena_array(&a, struct waiting, max);
    size_t count = 0;
    struct td_error gone = {0};
    td_ignore(td_remedy(&gone,
                        td_fail(&gone, TD_EUNAVAILABLE, "action", "the management ended before the device reported"),
                        "Look at the device: start it from its box to have it deployed again."));
    td_try(list_overdue(tx, max, &a, list, &count, err));
    for (size_t i = 0; i < count; i++) {
        bool done = list[i].ends == TD_END_GONE || list[i].ends == TD_END_UNENROLLED;
        td_try(td_action_finish(tx, list[i].tenant, list[i].id, done ? TD_ACT_DONE : TD_ACT_FAILED, &gone, err));
    }
    *ret_ended = count;
    return TD_OK;
}
