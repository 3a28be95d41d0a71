/* The session planner: desired against reported, nothing else. It takes what the device answered into the ledger, says
 * what to hand out next, and how far the deployment is (oma-dm.md 5, 9, 13; csp.md 3.3). Pure. */
#ifndef TD_POLICY_PLAN_H
#define TD_POLICY_PLAN_H

#include "policy/desired.h"
#include "policy/ledger.h"
#include "way/way.h"

/* A package is not sent because one that it stands behind failed: of no device, so no code of the protocol. */
enum { TD_PLAN_BEHIND_FAILED = 1 };
enum { TD_PLAN_ATTEMPTS = 4 }; /* sessions in which a command is tried before it fails; not for ./User 405 and 404 */

/* A Status for what was handed out in this session. Codes that no row waits for are ignored. */
void td_plan_status(struct td_ledger *l, int64_t session, uint64_t msg, uint64_t cmd, int code,
                    uint32_t original_error);
/* A value from Results; uri is what the device calls the node, "" where it says nothing. Returns the LocURI that was
 * asked, NULL if nobody asked for it; *ret_new tells whether it differs from the last answer. */
const char *td_plan_result(struct td_ledger *l, int64_t session, uint64_t msg, uint64_t cmd, const char *uri,
                           struct td_slice value, bool *ret_new);
/* What the device says unasked (DevInfo), whole: true if it differs from the last time. */
bool td_plan_told(struct td_ledger *l, struct td_slice all);
/* The device's package is complete: every row handed out is judged; what has no Status was not executed. */
void td_plan_judge(struct td_ledger *l, int64_t session);
/* The device wants our credential (13.2), left or began anew: what was handed out in that session is pending again.
 * Attempts of an action always count: who can't tell whether it was done asks a bounded number of times. */
void td_plan_reopen(struct td_ledger *l, int64_t session, bool count_attempt);

/* LocURIs of what the device took and of what goes away again (td_desired_goes_away), for td_desired_in.given. */
size_t td_plan_given(const struct td_ledger *l, struct td_arena *a, const char *const **ret);

/* Brings the ledger to the wants: new versions become pending, needless ones done. */
void td_plan_align(const struct td_desired *d, struct td_ledger *l);
/* Forgets rows that nobody wants any more, so that a ledger does not grow for ever; not the one of this key,
 * nor what was added once (a later version of it goes as Replace). */
void td_plan_prune(const struct td_desired *d, struct td_ledger *l, const char *keep);
/* The device was set up anew: what it was given is gone. Identity, what is asked of resets, and open actions stay. */
void td_plan_begin_again(struct td_ledger *l);
/* Behind a technician's work its user's begins (autopilot.md 3.4): the page is told anew, what failed is tried again,
 * everything else that the device has stays. */
void td_plan_begin_user(struct td_ledger *l);
/* Forgets the rows of actions that d does not list: they are over. */
void td_plan_drop_actions(const struct td_desired *d, struct td_ledger *l);
/* The next want to hand out behind `after` (NULL: the first), or NULL. user_active: ./User works by what LoginStatus
 * says. Call td_plan_hand_out for each that was put into the message, td_plan_too_big for one that never can be. */
const struct td_want *td_plan_next(const struct td_desired *d, const struct td_ledger *l, int64_t session,
                                   bool user_active, const struct td_want *after);
void td_plan_hand_out(struct td_ledger *l, const struct td_want *w, int64_t session, uint64_t msg, uint64_t cmd,
                      unsigned span);
void td_plan_too_big(struct td_ledger *l, const struct td_want *w);

/* State of one item by its wants; *ret_row is the row that decided (may be NULL). */
enum td_item_state td_plan_item(const struct td_desired *d, const struct td_ledger *l, const char *item,
                                const struct td_row **ret_row);

enum td_phase {
    TD_PHASE_NEW,
    TD_PHASE_DEVICE,
    TD_PHASE_DEVICE_DONE,
    TD_PHASE_ACCOUNT,
    TD_PHASE_READY,
    TD_PHASE_PROVISIONED, /* a technician's work is done; its user's join begins again at TD_PHASE_NEW */
};

struct td_progress {
    enum td_phase phase;
    int64_t since; /* when the phase began */
    bool failed;   /* told already in this phase */
};

struct td_progress_in {
    const struct td_desired *desired;
    const struct td_ledger *ledger;
    bool has_user, user_active;
    int64_t now;
    bool technician; /* the device phase is all there is, and what it ends in is TD_EV_PROVISIONED */
};

/* Moves the progress one step if the ledger allows; false if nothing moved (call again until then). A step that the way
 * should hear of is in *ret_event. A failure is told once a phase: TD_EV_FAILED with *ret_why filled. */
bool td_plan_progress(const struct td_progress_in *in, struct td_progress *p, enum td_way_event *ret_event,
                      struct td_error *ret_why);

#endif
