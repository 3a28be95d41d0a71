/* The ends of actions and what follows from them (autopilot.md 3.8): one transaction each, the caller's. */
#include "base/fault.h"
#include "store/action/room.h"
#include "store/device.h"
#include "store/directory.h"
#include "store/enrolment.h"
#include "store/event.h"
#include "store/life_end.h"
#include "store/management.h"
#include "store/primary_user.h"
#include "store/registration.h"
#include "store/tenant.h"
#include "store/way.h"

#include <string.h>

/* ---- what follows ---- */

/* A reset at the lock screen leaves owner and primary user (autopilot.md 3.6), unless the tenant wants it otherwise. */
static enum td_code clears_user(struct td_tx *tx, const char *tenant, enum td_action_kind kind, bool *ret,
                                struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *policy = "";
    *ret = td_action_rows[kind].clears_user && !td_fault("action-reset-keeps-owner");
    if (kind != TD_ACTION_LOCAL_RESET)
        return TD_OK;
    td_try(td_tenant_get(tx, tenant, "local-reset-owner", &a, &policy, err));
    *ret = strcmp(policy, "next") == 0;
    return TD_OK;
}

/* Users and what they left are gone, the rest begins anew on the enrolment that was kept. */
static enum td_code set_up_anew(struct td_tx *tx, const char *tenant, const struct td_action *x,
                                const struct td_action_device *d, struct td_error *err)
{
    bool clears = false;
    td_try(clears_user(tx, tenant, x->kind, &clears, err));
    if (d->active) {
        if (clears)
            td_try(td_primary_user_clear(tx, tenant, x->enrolment_id, x->actor, err));
        else if (x->kind == TD_ACTION_LOCAL_RESET && d->device_id[0] != '\0')
            td_try(td_life_forget_users(tx, tenant, d->device_id, err));
        td_try(td_managed_begin_again(tx, tenant, x->enrolment_id, err));
    }
    return td_action_tell(tx, tenant, x, TD_EV_RESET, "device", err);
}

/* The join that the action found: one of a later day is none of its. */
static enum td_code leave_directory(struct td_tx *tx, const char *tenant, const struct td_action *x,
                                    const struct td_action_device *d, struct td_arena *a, struct td_error *err)
{
    struct td_device_row object = {0};
    if (d->device_id[0] == '\0')
        return TD_OK;
    enum td_code rc = td_device_find(tx, tenant, d->device_id, a, &object, err);
    if (rc == TD_ENOTFOUND)
        return TD_OK;
    td_try(rc);
    int64_t since = x->sent_at != 0 ? x->sent_at : x->asked_at;
    if (object.joined_at == 0 || object.joined_at > since || td_fault("action-wipe-keeps-join"))
        return TD_OK;
    return td_device_leave(tx, tenant, d->device_id, x->actor, err);
}

static enum td_code end_management(struct td_tx *tx, const char *tenant, const struct td_action *x,
                                   const struct td_action_device *d, struct td_error *err)
{
    bool kept = x->kind == TD_ACTION_DELETE ? td_fault("managed-end-keeps-certificate")
                                            : td_fault("action-wipe-keeps-certificate");
    if (!d->active || kept)
        return TD_OK;
    return td_enrolment_end(tx, tenant, x->enrolment_id, err);
}

/* The machine is managed again by another enrolment: what is late to end touches nothing of that. */
static enum td_code enrolled_anew(struct td_tx *tx, const char *tenant, const struct td_action *x, bool *ret,
                                  struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT 1 FROM way w JOIN enrolment e ON e.tenant = w.tenant AND e.id = w.enrolment_id"
                        " WHERE w.tenant = $1 AND w.id = $2 AND e.state = 0 AND e.id <> $3",
                        "sss", tenant, x->way_id, x->enrolment_id));
    *ret = td_rows_next(&r);
    return td_rows_done(&r, err);
}

/* Without its record a device may deploy without a user once more (autopilot.md R17). */
static enum td_code unblock(struct td_tx *tx, const char *tenant, const struct td_action *x, struct td_error *err)
{
    static const enum td_userless allowed = TD_USERLESS_ALLOWED;
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_registration r = {.userless = TD_USERLESS_UNKNOWN};
    struct td_way_row way = {.registration_id = ""};
    struct td_enrolment e = {.user_id = "", .former_user = ""};
    enum td_code rc = td_way_find(tx, tenant, TD_WAY_ID, x->way_id, &a, &way, err);
    if (rc == TD_OK && way.registration_id[0] != '\0')
        rc = td_registration_find(tx, tenant, way.registration_id, &a, &r, err);
    else if (rc == TD_OK)
        return TD_OK;
    if (rc == TD_OK)
        rc = td_enrolment_find(tx, tenant, x->enrolment_id, &a, &e, err);
    if (rc != TD_OK || r.userless == TD_USERLESS_ALLOWED ||
        (r.userless == TD_USERLESS_UNKNOWN && !td_enrolment_userless(&e)))
        return rc == TD_ENOTFOUND ? TD_OK : rc;
    return td_registration_change(tx, tenant, r.id, &(struct td_registration_change){.userless = &allowed}, x->actor,
                                  NULL, err);
}

/* A record that is deleted keeps its directory object: that is another one's to delete (graph-api.md 3.4). */
static enum td_code record_gone(struct td_tx *tx, const char *tenant, const struct td_action *x, struct td_error *err)
{
    td_try(unblock(tx, tenant, x, err));
    td_try(td_action_tell(tx, tenant, x, TD_EV_UNENROLLED, x->actor, err));
    return td_action_audit(tx, tenant, "managed-device.removed", x, x->actor, err);
}

static enum td_code follow(struct td_tx *tx, const char *tenant, const struct td_action *x, struct td_arena *a,
                           struct td_error *err)
{
    struct td_action_device d = {"", "", "", "", "", "", false};
    enum td_action_leaves leaves = td_action_rows[x->kind].leaves;
    if (leaves == TD_LEAVES_ALL)
        return td_action_tell(tx, tenant, x, TD_EV_ACTION_DONE, "device", err);
    enum td_code rc = td_action_device(tx, tenant, x->enrolment_id, a, &d, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    if (leaves == TD_LEAVES_ENROLMENT)
        return set_up_anew(tx, tenant, x, &d, err);
    bool moved_on = false;
    td_try(enrolled_anew(tx, tenant, x, &moved_on, err));
    if (moved_on)
        return td_action_tell(tx, tenant, x, TD_EV_ACTION_DONE, "device", err);
    td_try(end_management(tx, tenant, x, &d, err));
    td_try(td_life_forget_account(tx, tenant, x->way_id, err));
    if (x->kind == TD_ACTION_DELETE)
        return record_gone(tx, tenant, x, err);
    td_try(leave_directory(tx, tenant, x, &d, a, err));
    return td_action_tell(tx, tenant, x, leaves == TD_LEAVES_BOX ? TD_EV_WIPED : TD_EV_RETIRED, "device", err);
}

/* x->state is how it ends. */
static enum td_code end(struct td_tx *tx, const char *tenant, struct td_action *x, struct td_arena *a,
                        struct td_error *err)
{
    x->ended_at = td_tx_now(tx);
    td_try(td_action_save(tx, tenant, x, err));
    if (x->state == TD_ACT_DONE)
        td_try(follow(tx, tenant, x, a, err));
    else
        td_try(td_action_tell(tx, tenant, x, TD_EV_ACTION_FAILED, "device", err));
    return td_life_follow(tx, tenant, x, err);
}

static void take_failure(struct td_action *x, const struct td_error *why, struct td_arena *a)
{
    x->hresult = why->hresult;
    x->cause = td_arena_strdup(a, why->text);
    x->remedy = td_arena_strdup(a, why->remedy);
}

/* Gives the row only while it is open: an end that is told twice is an end. */
static enum td_code find_open(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                              struct td_action *ret, bool *ret_open, struct td_error *err)
{
    td_try(td_action_find(tx, tenant, id, a, ret, err));
    *ret_open = ret->ended_at == 0;
    return TD_OK;
}

enum td_code td_action_finish(struct td_tx *tx, const char *tenant, const char *id, enum td_action_state state,
                              const struct td_error *why, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_action x = {.id = ""};
    bool open = false;
    td_try(find_open(tx, tenant, id, &a, &x, &open, err));
    if (!open)
        return TD_OK;
    x.state = state;
    if (state != TD_ACT_DONE && why != NULL)
        take_failure(&x, why, &a);
    return end(tx, tenant, &x, &a, err);
}

/* ---- what the management door tells ---- */

enum td_code td_action_delivered(struct td_tx *tx, const char *tenant, const char *id, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_action x = {.id = ""};
    td_try(td_action_find(tx, tenant, id, &a, &x, err));
    if (x.state == TD_ACT_ACTIVE)
        return TD_OK; /* once more: the answer was lost */
    if (x.state != TD_ACT_PENDING)
        return td_fail(err, TD_ESTATE, "action", "it is %s", td_action_state_word(x.state));
    x.state = TD_ACT_ACTIVE;
    x.sent_at = td_tx_now(tx);
    td_try(td_action_save(tx, tenant, &x, err));
    return td_action_tell(tx, tenant, &x, TD_EV_ACTION_SENT, "system", err);
}

enum td_code td_action_contacted(struct td_tx *tx, const char *tenant, const char *enrolment_id, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_action *rows = NULL;
    size_t count = 0;
    td_try(td_action_open_list(tx, tenant, enrolment_id, &a, &rows, &count, err));
    for (size_t i = 0; i < count; i++)
        if (td_action_rows[rows[i].kind].end == TD_END_CONTACT)
            td_try(td_action_finish(tx, tenant, rows[i].id, TD_ACT_DONE, NULL, err));
    return TD_OK;
}

static enum td_code refused_by_device(struct td_tx *tx, const char *tenant, struct td_action *x, int status,
                                      uint32_t hresult, struct td_arena *a, struct td_error *err)
{
    struct td_error why = {0};
    bool unknown = status == 404 || status == 405 || status == 406;
    if (unknown)
        td_ignore(td_remedy(
            &why, td_fail(&why, TD_ENOTOFFERED, "action", "the device does not support it (status %d)", status),
            "Choose another action; edition and build of Windows decide what a device supports."));
    else
        td_ignore(td_action_report_failure(-1, hresult, &why));
    why.hresult = hresult;
    take_failure(x, &why, a);
    if (!unknown && hresult == 0)
        x->cause = td_arena_printf(a, "%s (status %d)", x->cause, status);
    x->state = unknown ? TD_ACT_NOT_SUPPORTED : TD_ACT_FAILED;
    return end(tx, tenant, x, a, err);
}

enum { LAST_SUCCESS = 213 }; /* 214 cancelled, 215 not executed, 216 rolled back (oma-dm.md 5) */

enum td_code td_action_answered(struct td_tx *tx, const char *tenant, const char *id, int status, uint32_t hresult,
                                struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_action x = {.id = ""};
    bool open = false;
    td_try(find_open(tx, tenant, id, &a, &x, &open, err));
    if (!open)
        return TD_OK;
    if (status < 200 || status > LAST_SUCCESS)
        return refused_by_device(tx, tenant, &x, status, hresult, &a, err);
    enum td_action_end by = td_action_rows[x.kind].end;
    bool done = by == TD_END_ANSWER || by == TD_END_UNENROLLED || by == TD_END_CONTACT;
    x.accepted_at = x.accepted_at != 0 ? x.accepted_at : td_tx_now(tx);
    x.state = done || td_fault("action-accepted-is-done") ? TD_ACT_DONE : TD_ACT_ACTIVE;
    return x.state == TD_ACT_DONE ? end(tx, tenant, &x, &a, err) : td_action_save(tx, tenant, &x, err);
}

/* Nobody resets a machine more often: a device that tells of more keeps what it has and fills no history. */
enum { LOCAL_RESETS_A_DAY = 24 };

static enum td_code too_many_resets(struct td_tx *tx, const char *tenant, const char *enrolment_id, bool *ret,
                                    struct td_error *err)
{
    struct td_rows r;
    int64_t n = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT COUNT(*) FROM device_action WHERE tenant = $1 AND enrolment_id = $2 AND kind = $3"
                        " AND asked_at > $4",
                        "ssii", tenant, enrolment_id, (int64_t)TD_ACTION_LOCAL_RESET, td_tx_now(tx) - TD_DAY));
    while (td_rows_next(&r))
        n = td_col_int(&r, 0);
    *ret = n >= LOCAL_RESETS_A_DAY && !td_fault("resets-flood");
    return td_rows_done(&r, err);
}

/* A reset that nobody asked for here: begun at the lock screen (autopilot.md 3.6). */
static enum td_code local_reset(struct td_tx *tx, const char *tenant, const char *enrolment_id, struct td_action *ret,
                                struct td_arena *a, struct td_error *err)
{
    struct td_action_device d = {"", "", "", "", "", "", false};
    td_try(td_action_device(tx, tenant, enrolment_id, a, &d, err));
    *ret = (struct td_action){.id = td_uuid_rising(td_tx_env(tx), a),
                              .enrolment_id = enrolment_id,
                              .way_id = d.way_id,
                              .batch_id = "",
                              .kind = TD_ACTION_LOCAL_RESET,
                              .state = TD_ACT_ACTIVE,
                              .parameter = "",
                              .reason = "",
                              .actor = "device",
                              .decided_by = "",
                              .asked_at = td_tx_now(tx),
                              .reported = -1,
                              .cause = "",
                              .remedy = ""};
    return td_action_insert(tx, tenant, ret, err);
}

static enum td_code progressed(struct td_tx *tx, const char *tenant, struct td_action *x, int64_t status,
                               struct td_error *err)
{
    if (x->reported == status)
        return TD_OK;
    x->reported = status;
    td_try(td_action_save(tx, tenant, x, err));
    struct td_event e = {.subject = x->way_id, .type = "device.action-reported", .actor = "device"};
    return td_event_tell(tx, tenant, &e, err, "action", td_action_rows[x->kind].word, "id", x->id, "status",
                         td_action_report_word(status), NULL);
}

enum td_code td_action_reported(struct td_tx *tx, const char *tenant, const char *enrolment_id, const char *id,
                                int64_t status, uint32_t hresult, bool *ret_began, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_action x = {.id = ""};
    struct td_error why = {0};
    bool open = true, asked = id != NULL && id[0] != '\0', too_many = false;
    bool ends = status == 1 || status == 30 || status == 40 || status == 50;
    if (ret_began != NULL)
        *ret_began = false;
    if (!ends && !asked)
        return TD_OK;
    if (!asked)
        td_try(too_many_resets(tx, tenant, enrolment_id, &too_many, err));
    if (too_many)
        return TD_OK;
    td_try(asked ? find_open(tx, tenant, id, &a, &x, &open, err) : local_reset(tx, tenant, enrolment_id, &x, &a, err));
    /* what it said of the reset before this one */
    bool stale = asked && (x.state != TD_ACT_ACTIVE || (ends && x.accepted_at == 0 && x.reported < 10));
    if (!open || stale)
        return TD_OK;
    if (!ends)
        return progressed(tx, tenant, &x, status, err);
    x.reported = status;
    x.state = status == 1 ? TD_ACT_DONE : TD_ACT_FAILED;
    if (status != 1) {
        td_ignore(td_action_report_failure(status, hresult, &why));
        take_failure(&x, &why, &a);
    }
    td_try(end(tx, tenant, &x, &a, err));
    if (ret_began != NULL)
        *ret_began = status == 1;
    return TD_OK;
}
