/* Deployment profiles and their assignments. Which profile holds for a device is asked anew each time (one indexed
 * query): oldest profile assigned to one of its groups, else the one assigned to all devices (autopilot.md 2.6). */
#ifndef TD_STORE_PROFILE_H
#define TD_STORE_PROFILE_H

#include "store/db.h"
#include "way/profile.h"

enum { TD_PROFILE_NAME_MAX = 200, TD_PROFILES_MAX = 1000 };

struct td_profile_row {
    const char *id, *name;
    struct td_profile settings;
    int64_t created_at, modified_at;
};

enum td_code td_profile_add(struct td_tx *tx, const char *tenant, const char *name, const struct td_profile *settings,
                            const char *actor, struct td_arena *a, struct td_profile_row *ret, struct td_error *err)
    TD_MUST_USE; /* TD_EEXISTS if the name is taken (any case) */
/* By id or by name in any case. TD_ENOTFOUND. */
enum td_code td_profile_find(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                             struct td_profile_row *ret, struct td_error *err) TD_MUST_USE;

/* group_id "" assigns to all devices (TD_EEXISTS if another profile has that already). Assigning twice is fine.
 * Registrations that it concerns are told by td_profile_spread, slice by slice. */
enum td_code td_profile_assign(struct td_tx *tx, const char *tenant, const char *profile_id, const char *group_id,
                               const char *actor, struct td_error *err) TD_MUST_USE;

/* The profile that holds for a way (all registered devices have one). TD_ENOTFOUND: none. */
enum td_code td_profile_of_way(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                               struct td_profile_row *ret, bool *ret_explicit, struct td_error *err) TD_MUST_USE;
/* The same by registration id. */
enum td_code td_profile_for(struct td_tx *tx, const char *tenant, const char *registration_id, struct td_arena *a,
                            struct td_profile_row *ret, bool *ret_explicit, struct td_error *err) TD_MUST_USE;

/* Every profile that could hold and why it does or does not, the winner first. */
struct td_profile_candidate {
    const char *profile_id, *profile_name, *group_id, *group_name; /* group "" for all devices */
    int64_t profile_created_at;
    bool holds, excluded;
    const char *why; /* one sentence */
};
enum td_code td_profile_explain(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                                struct td_profile_candidate **ret, size_t *ret_count, struct td_error *err) TD_MUST_USE;

/* Tells registrations about their profile: evaluates at most max behind the id `after`, in order; *ret_next is the id
 * to go on behind, "" at the end. For changes of assignments and rules: call it in further transactions until "". */
enum td_code td_profile_spread(struct td_tx *tx, const char *tenant, const char *after, size_t max, const char *actor,
                               struct td_arena *a, const char **ret_next, struct td_error *err) TD_MUST_USE;

#endif
