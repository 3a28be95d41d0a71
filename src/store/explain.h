/* Why a registered device has this profile and no other: every assignment that could decide, every group that is asked,
 * which part of its rule decided, what lost and why, what is still on its way (autopilot.md Z03, Z45). Memory is the
 * caller's arena. */
#ifndef TD_STORE_EXPLAIN_H
#define TD_STORE_EXPLAIN_H

#include "store/group.h"
#include "store/profile.h"
#include "store/registration.h"

struct td_explained_group {
    struct td_group group;
    bool member; /* at this moment */
    bool stored; /* in the stored members already */
    const char *why;
};
struct td_explained {
    struct td_registration registration;
    bool has_profile, is_explicit; /* what holds now; explicit: by a group */
    struct td_profile_row profile;
    bool told;      /* the registration was told so already */
    bool has_given; /* what the device got last */
    struct td_profile_given given;
    enum td_profile_status status;
    struct td_profile_candidate *candidates; /* the winner first */
    size_t candidate_count;
    struct td_explained_group *groups; /* those that the device is in, then those of assignments that it is not in */
    size_t group_count;
};
enum td_code td_explain(struct td_tx *tx, const char *tenant, const char *registration_id, struct td_arena *a,
                        struct td_explained *ret, struct td_error *err) TD_MUST_USE;

#endif
