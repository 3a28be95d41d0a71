/* Deployment profiles and their assignments. Which profile holds for a device is asked anew each time, by the rule in
 * way/profile_choice.h: oldest profile assigned to one of its groups, else the one assigned to all devices, exclusions
 * and kinds of device considered (autopilot.md 2.6). What a device got is kept apart (struct td_profile_given): it
 * keeps that until it is reset, whatever becomes of the profile (row P01, Z45). Memory is the caller's arena. */
#ifndef TD_STORE_PROFILE_H
#define TD_STORE_PROFILE_H

#include "store/db.h"
#include "way/profile.h"
#include "way/profile_choice.h"

enum { TD_PROFILES_MAX = 1000, TD_PROFILE_TARGETS_MAX = 1000 };

/* Virtual groups (graph-api.md 1.3): they stand where a group's id would. The store keeps "" for all devices. */
#define TD_ALL_DEVICES "adadadad-808e-44e2-905a-0b7873a8a531"
#define TD_ALL_USERS "acacacac-9df4-4c7d-9d50-4ef0226f57a9"

struct td_profile_row {
    const char *id, *name;
    struct td_profile settings;
    int64_t created_at, modified_at;
    int64_t revision; /* rises with every change of name or settings */
};

/* TD_EEXISTS if the name is taken (any case). A management service that the tenant does not know is refused. */
enum td_code td_profile_add(struct td_tx *tx, const char *tenant, const char *name, const struct td_profile *settings,
                            const char *actor, struct td_arena *a, struct td_profile_row *ret, struct td_error *err)
    TD_MUST_USE;
/* The same for callers who know profiles by their ids: the real service lets several have one name. */
enum td_code td_profile_create(struct td_tx *tx, const char *tenant, const char *name,
                               const struct td_profile *settings, const char *actor, struct td_arena *a,
                               struct td_profile_row *ret, struct td_error *err) TD_MUST_USE;
/* New name and settings of p->id; p's revision and times are brought up to date. What is the same is no change. */
enum td_code td_profile_change(struct td_tx *tx, const char *tenant, struct td_profile_row *p, const char *actor,
                               struct td_arena *a, struct td_error *err) TD_MUST_USE;
/* TD_ESTATE while it is assigned, unless force takes the assignments away as well (then spread). */
enum td_code td_profile_remove(struct td_tx *tx, const char *tenant, const char *id, bool force, const char *actor,
                               struct td_arena *a, struct td_error *err) TD_MUST_USE;
/* By id or by name in any case. TD_ENOTFOUND; TD_EINVAL if several have that name. */
enum td_code td_profile_find(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                             struct td_profile_row *ret, struct td_error *err) TD_MUST_USE;
/* Oldest first. */
enum td_code td_profile_list(struct td_tx *tx, const char *tenant, struct td_arena *a, struct td_profile_row **ret,
                             size_t *ret_count, struct td_error *err) TD_MUST_USE;

/* --- assignments (store/profile/assignment.c) --- */

struct td_profile_target {
    const char *group_id, *group_name; /* "" for all devices; name "" where the group is gone */
    bool excluded;
    int64_t created_at;
};
/* group_id "" assigns to all devices (TD_EEXISTS if another profile has that already: where names its id). Assigning
 * twice is fine; an assignment of the other kind to the same group is replaced. Unknown groups are TD_ENOTFOUND.
 * Registrations that it concerns are told by td_profile_spread, slice by slice. */
enum td_code td_profile_target_add(struct td_tx *tx, const char *tenant, const char *profile_id, const char *group_id,
                                   bool excluded, const char *actor, struct td_error *err) TD_MUST_USE;
enum td_code td_profile_assign(struct td_tx *tx, const char *tenant, const char *profile_id, const char *group_id,
                               const char *actor, struct td_error *err) TD_MUST_USE;
/* TD_ENOTFOUND if there is no such assignment of that kind. */
enum td_code td_profile_target_drop(struct td_tx *tx, const char *tenant, const char *profile_id, const char *group_id,
                                    bool excluded, const char *actor, struct td_error *err) TD_MUST_USE;
/* All devices first, then by the groups' names. */
enum td_code td_profile_targets(struct td_tx *tx, const char *tenant, const char *profile_id, struct td_arena *a,
                                struct td_profile_target **ret, size_t *ret_count, struct td_error *err) TD_MUST_USE;

/* Registered devices without a profile (row P18), as they were told last; tenant NULL: of all tenants together, for the
 * operator's gauge. */
enum td_code td_profile_unassigned(struct td_tx *tx, const char *tenant, int64_t *ret, struct td_error *err)
    TD_MUST_USE;

/* Assignments as the rule of choice takes them; members are the asker's to fill. only: those of the groups in which the
 * stored memberships have this way, and of all devices (member is filled then); NULL: all of the tenant. */
enum td_code td_profile_offers(struct td_tx *tx, const char *tenant, const char *only, struct td_arena *a,
                               struct td_profile_offer **ret, size_t *ret_count, struct td_error *err) TD_MUST_USE;

/* The profile that holds for a way (all registered devices have one). TD_ENOTFOUND: none; *ret_detail (may be NULL)
 * tells then whether one would hold but is not supported by the device. */
enum td_code td_profile_of_way_detail(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                                      struct td_profile_row *ret, bool *ret_explicit,
                                      enum td_profile_detail *ret_detail, struct td_error *err) TD_MUST_USE;
/* The same in the transaction that brought the way's members up to date (td_group_way_moved): what is stored holds. */
enum td_code td_profile_of_way_moved(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                                     struct td_profile_row *ret, bool *ret_explicit, enum td_profile_detail *ret_detail,
                                     struct td_error *err) TD_MUST_USE;
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
    enum td_profile_verdict verdict;
    const char *why; /* one sentence */
};
enum td_code td_profile_explain(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                                struct td_profile_candidate **ret, size_t *ret_count, struct td_error *err) TD_MUST_USE;
/* The same from offers whose members are filled. */
void td_profile_candidates(const struct td_profile_offer *offers, size_t count, const char *device_type,
                           struct td_arena *a, struct td_profile_candidate **ret);

/* Tells registrations about their profile: evaluates at most max behind the id `after`, in order; *ret_next is the id
 * to go on behind, "" at the end. For changes of assignments and rules: call it in further transactions until "". */
enum td_code td_profile_spread(struct td_tx *tx, const char *tenant, const char *after, size_t max, const char *actor,
                               struct td_arena *a, const char **ret_next, struct td_error *err) TD_MUST_USE;

/* --- what a device got (store/profile/given.c) --- */

struct td_profile_given {
    const char *profile_id, *name;
    int64_t revision, at;
    struct td_profile settings;
};
/* TD_ENOTFOUND: the device has got none yet. */
enum td_code td_profile_given(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                              struct td_profile_given *ret, struct td_error *err) TD_MUST_USE;
/* The settings that a deployment is held to: what the device got, whatever became of the profile (row P01); of one that
 * never asked, what holds. TD_ENOTFOUND: none. */
enum td_code td_profile_in_force(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                                 struct td_profile *ret, struct td_error *err) TD_MUST_USE;
/* The device of this way gets p now. Nothing is written where it has this very revision already. */
enum td_code td_profile_give(struct td_tx *tx, const char *tenant, const char *way_id, const struct td_profile_row *p,
                             struct td_error *err) TD_MUST_USE;

/* windowsAutopilotProfileAssignmentStatus as an expression for views: td_profile_status in SQL, over registration r,
 * profile p (left-joined by r.profile_id) and profile_given pg (TD_PROFILE_GIVEN_JOIN). */
#define TD_PROFILE_GIVEN_JOIN " LEFT JOIN profile_given pg ON pg.tenant = r.tenant AND pg.way_id = r.way_id"
#define TD_PROFILE_STATUS_SQL                                                                            \
    "CASE WHEN r.profile_id = '' OR p.id IS NULL THEN CASE WHEN r.profile_detail <> 0 THEN 6 ELSE 4 END" \
    " WHEN pg.profile_id IS NULL THEN 3"                                                                 \
    " WHEN pg.profile_id = r.profile_id AND pg.revision = p.revision THEN 1 ELSE 2 END"

#endif
