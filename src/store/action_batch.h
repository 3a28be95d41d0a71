/* Bulk actions: one action for many managed devices, with progress, one approval and one look at the safety limit.
 *
 * Asking keeps the list, nothing else; a job (or the command line) asks device by device in slices, so that no write
 * holds the store and a kill loses nothing. A device that may not be asked (rules of way/action.h) is refused by
 * itself, with the reason; the others go on. Cancelling takes back whatever was not delivered. */
#ifndef TD_STORE_ACTION_BATCH_H
#define TD_STORE_ACTION_BATCH_H

#include "store/action.h"

/* So many rows are written at once, well under what a write may take (store/db.h). */
enum { TD_BATCH_MAX = 5000 };

enum td_batch_state {                   /* numbers are stored */
                      TD_BATCH_WAITING, /* for a second administrator */
                      TD_BATCH_ASKING,
                      TD_BATCH_ASKED, /* all of them; the devices go on */
                      TD_BATCH_CANCELLING,
                      TD_BATCH_CANCELLED, /* or rejected */
                      TD_BATCH_STATE_COUNT
};
const char *td_batch_state_word(enum td_batch_state state); /* "waiting for approval", "asking", "asked", ... */

struct td_action_batch { /* texts are "" when absent */
    const char *id;
    enum td_action_kind kind;
    enum td_batch_state state;
    const char *parameter, *reason, *actor, *decided_by;
    int64_t asked_at, decided_at, ended_at;
    int64_t total, to_ask, refused, left_out; /* devices: of all, not asked yet, refused, cancelled before */
    int64_t count[TD_ACT_STATE_COUNT];        /* its actions by state; filled by td_action_batch_find alone */
};

/* Ids of enrolments; one that stands twice is asked once. TD_EINVAL: none, or the kind can't be asked for. TD_ELIMIT:
 * too many, or past the tenant's safety limit; nothing is asked then. what->batch_id is not looked at. */
enum td_code td_action_batch_ask(struct td_tx *tx, const char *tenant, const char *const *enrolments, size_t count,
                                 const struct td_action_asking *what, struct td_arena *a, const char **ret_id,
                                 struct td_error *err) TD_MUST_USE;
enum td_code td_action_batch_find(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                                  struct td_action_batch *ret, struct td_error *err) TD_MUST_USE;
/* Newest first, behind the id `before` (NULL or "": from the beginning). */
enum td_code td_action_batch_list(struct td_tx *tx, const char *tenant, const char *before, size_t max,
                                  struct td_arena *a, struct td_action_batch **ret, size_t *ret_count,
                                  struct td_error *err) TD_MUST_USE;
/* As td_action_decide and td_action_cancel, for all of it. */
enum td_code td_action_batch_decide(struct td_tx *tx, const char *tenant, const char *id, bool approve,
                                    const char *actor, struct td_error *err) TD_MUST_USE;
enum td_code td_action_batch_cancel(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                                    struct td_error *err) TD_MUST_USE;

struct td_batch_refusal {
    const char *enrolment_id, *name, *cause;
};
enum td_code td_action_batch_refusals(struct td_tx *tx, const char *tenant, const char *id, size_t max,
                                      struct td_arena *a, struct td_batch_refusal **ret, size_t *ret_count,
                                      struct td_error *err) TD_MUST_USE;

/* One slice of the work, of all tenants: at most max devices. */
enum td_code td_action_batch_is_due(struct td_tx *tx, bool *ret, struct td_error *err) TD_MUST_USE;
enum td_code td_action_batch_work(struct td_tx *tx, size_t max, bool *ret_more, struct td_error *err) TD_MUST_USE;

#endif
