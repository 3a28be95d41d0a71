/* Actions in the store: one row each, from the asking to the end, with who, why and what came of it.
 *
 *     waiting for approval -> pending -> active -> done | failed
 *                          \-> cancelled (until it was delivered)      pending also -> not supported, cancelled
 *
 * Every step appends its event to the device's way and, where a person acts, tells the audit, in the transaction of
 * the caller. What an end does to join, enrolment, primary user, secrets and way is done here as well, so that no door
 * can forget a part. An action outlives its enrolment: rows are history, removed by retention alone. Source:
 * graph-api.md 1.5 (deviceActionResult), autopilot.md 3.6 to 3.9. */
#ifndef TD_STORE_ACTION_H
#define TD_STORE_ACTION_H

#include "store/db.h"
#include "way/action.h"

enum td_action_state {                 /* numbers are stored */
                       TD_ACT_WAITING, /* for a second administrator */
                       TD_ACT_PENDING,
                       TD_ACT_ACTIVE, /* delivered: can't be cancelled any more */
                       TD_ACT_DONE,
                       TD_ACT_FAILED,
                       TD_ACT_CANCELLED,     /* or rejected by the second administrator */
                       TD_ACT_NOT_SUPPORTED, /* the device answered 404, 405 or 406 */
                       TD_ACT_STATE_COUNT
};
const char *td_action_state_word(enum td_action_state state); /* "waiting for approval", "pending", ... */

enum { TD_ACTION_PARAMETER_MAX = 128, TD_ACTION_REASON_MAX = 400 };

struct td_action {  /* texts are "" when absent, never NULL */
    const char *id; /* rises with time */
    const char *enrolment_id, *way_id;
    const char *batch_id; /* of a bulk action */
    enum td_action_kind kind;
    enum td_action_state state;
    const char *parameter;
    const char *reason; /* why, as the person said */
    const char *actor, *decided_by;
    int64_t asked_at, decided_at, sent_at, ended_at, changed_at; /* 0: not yet */
    int64_t accepted_at; /* Status 2xx came for its command; 0: not yet, or none is awaited */
    int64_t reported;    /* last AutomaticRedeployment/Status, -1: none */
    uint32_t hresult;
    const char *cause, *remedy; /* of a failure */
};

struct td_action_asking {
    enum td_action_kind kind;
    const char *parameter, *reason; /* NULL is "" */
    const char *batch_id;           /* NULL is "" */
    const char *actor;
};
/* Asks. TD_ENOTFOUND: no active enrolment. TD_ESTATE: the rules of way/action.h. TD_ELIMIT: the tenant's safety limit
 * ("action-limit": devices that destroying actions may reach in an hour). With "action-approval" on, a destroying
 * action begins as TD_ACT_WAITING. Asking again for what is open already gives that action back, no second one. */
enum td_code td_action_ask(struct td_tx *tx, const char *tenant, const char *enrolment_id,
                           const struct td_action_asking *what, struct td_arena *a, struct td_action *ret,
                           struct td_error *err) TD_MUST_USE;
/* The second pair of eyes. TD_EDENIED: the one who asked. TD_ESTATE: it waits for nobody. */
enum td_code td_action_decide(struct td_tx *tx, const char *tenant, const char *id, bool approve, const char *actor,
                              struct td_error *err) TD_MUST_USE;
/* TD_ESTATE once it was delivered. */
enum td_code td_action_cancel(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                              struct td_error *err) TD_MUST_USE;

/* The enrolment to act on, by the serial number, or any id, of a device. TD_ENOTFOUND: no such device. TD_ESTATE: it is
 * not managed. TD_EINVAL: several have that serial number. */
enum td_code td_action_enrolment_of(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                                    const char **ret, struct td_error *err) TD_MUST_USE;
/* Its way, managed or not. TD_ENOTFOUND. */
enum td_code td_action_way_of(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                              const char **ret, struct td_error *err) TD_MUST_USE;
/* Serial number, else name, of the device behind an enrolment in any state; "" if there is none. */
enum td_code td_action_device_name(struct td_tx *tx, const char *tenant, const char *enrolment_id, struct td_arena *a,
                                   const char **ret, struct td_error *err) TD_MUST_USE;
/* Newest first. Each member is NULL or "" for any; state -1 for any; before: id of the last one that was shown. */
struct td_action_filter {
    const char *enrolment_id, *way_id, *batch_id, *before;
    int state;
};
enum td_code td_action_list(struct td_tx *tx, const char *tenant, const struct td_action_filter *filter, size_t max,
                            struct td_arena *a, struct td_action **ret, size_t *ret_count, struct td_error *err)
    TD_MUST_USE;
enum td_code td_action_find(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                            struct td_action *ret, struct td_error *err) TD_MUST_USE;
/* Pending and active ones of an enrolment, oldest first: what its session must know. */
enum td_code td_action_open_list(struct td_tx *tx, const char *tenant, const char *enrolment_id, struct td_arena *a,
                                 struct td_action **ret, size_t *ret_count, struct td_error *err) TD_MUST_USE;

/* --- what the management door tells ---------------------------------------------------------------------------- */

/* Its command stands in a message that is about to leave. The write is durable before the message goes. */
enum td_code td_action_delivered(struct td_tx *tx, const char *tenant, const char *id, struct td_error *err)
    TD_MUST_USE;
/* A session has run: what only waits for one is done. */
enum td_code td_action_contacted(struct td_tx *tx, const char *tenant, const char *enrolment_id, struct td_error *err)
    TD_MUST_USE;
/* Status of the command: 200 to 213 accept, 404, 405, 406 are 'not supported', everything else fails it. */
enum td_code td_action_answered(struct td_tx *tx, const char *tenant, const char *id, int status, uint32_t hresult,
                                struct td_error *err) TD_MUST_USE;
/* AutomaticRedeployment/Status and LastError. *ret_began (may be NULL): the device was set up anew by this very
 * report, so that its session begins at the first phase. id NULL or "": a reset that nobody asked for here; a row of
 * TD_ACTION_LOCAL_RESET is written. */
enum td_code td_action_reported(struct td_tx *tx, const char *tenant, const char *enrolment_id, const char *id,
                                int64_t status, uint32_t hresult, bool *ret_began, struct td_error *err) TD_MUST_USE;
/* Ends it with what was found out; state is TD_ACT_DONE, TD_ACT_FAILED (why says code, cause, remedy) or
 * TD_ACT_NOT_SUPPORTED. Everything that follows from the end is done (td_action_leaves). */
enum td_code td_action_finish(struct td_tx *tx, const char *tenant, const char *id, enum td_action_state state,
                              const struct td_error *why, struct td_error *err) TD_MUST_USE;

/* --- what other doors tell --------------------------------------------------------------------------------------- */

/* The machine of this way shows itself from its box, or enrols anew: ends accepted wipes (TD_END_GONE) as done.
 * proven: by a sign-in, a join or an enrolment, not by a lookup alone. Where nobody asked for a wipe and it is proven,
 * the machine was installed anew by hand: a row of TD_ACTION_REINSTALL and TD_EV_WIPED (autopilot.md 3.8, last rows).
 */
enum td_code td_action_box_awaited(struct td_tx *tx, const char *tenant, const char *way_id, bool proven, bool *ret,
                                   struct td_error *err) TD_MUST_USE; /* would td_action_in_box end anything? a read */
enum td_code td_action_in_box(struct td_tx *tx, const char *tenant, const char *way_id, bool proven,
                              struct td_error *err) TD_MUST_USE;
/* An enrolment has ended or was replaced (store/enrolment.c calls it): what was not delivered is cancelled, what was
 * and removes nothing has failed. What removes stays open: its end is told by others. */
enum td_code td_action_left_behind(struct td_tx *tx, const char *tenant, const char *enrolment_id, struct td_error *err)
    TD_MUST_USE;
/* Ends what waits too long: accepted wipes whose devices stay away ("wipe-settles" hours) are done. At most max of all
 * tenants. */
enum td_code td_action_is_overdue(struct td_tx *tx, bool *ret, struct td_error *err) TD_MUST_USE;
enum td_code td_action_overdue(struct td_tx *tx, size_t max, size_t *ret_ended, struct td_error *err) TD_MUST_USE;

#endif
