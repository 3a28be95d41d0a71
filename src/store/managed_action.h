/* What came of the actions of many managed devices at once, for lists of the administration interface: the newest row
 * of each kind of action, in a few questions however many devices there are. Source: graph-api.md 1.5
 * (deviceActionResult). */
#ifndef TD_STORE_MANAGED_ACTION_H
#define TD_STORE_MANAGED_ACTION_H

#include "store/action.h"

struct td_managed_action {
    size_t device; /* position among those that were asked for */
    const char *id, *parameter;
    enum td_action_kind kind;
    enum td_action_state state;
    int64_t asked_at, changed_at;
};

/* Of these enrolments (ids of one tenant, any number), the newest first. */
enum td_code td_managed_actions(struct td_tx *tx, const char *tenant, const char *const *enrolments, size_t count,
                                struct td_arena *a, struct td_managed_action **ret, size_t *ret_count,
                                struct td_error *err) TD_MUST_USE;

#endif
