/* Groups of the directory: by hand, or dynamic by a rule over devices or over users.
 *
 * Devices are members as ways, so that they stay when a device gets another directory object; users by their ids.
 * Members by rule follow in two ways: whatever changes what rules see of a device or user calls td_group_device_moved
 * or td_group_user_moved in its own transaction, which looks at the rules that could be concerned (store/group/rules.c
 * finds them by their keys); and a rule's own change marks the group, whose stored members then follow in slices
 * (td_group_work), while td_group_live answers for a device at once. What is marked rests in the store: a kill loses
 * nothing. Memory is the caller's arena. Sources: graph-api.md 1.8, 1.9; autopilot.md 2.6. */
#ifndef TD_STORE_GROUP_H
#define TD_STORE_GROUP_H

#include "store/db.h"
#include "way/rule.h"

enum {
    TD_GROUP_NAME_MAX = 256,
    TD_GROUP_ABOUT_MAX = 1024,
    TD_GROUP_NICKNAME_MAX = 64,
    TD_GROUPS_MAX = 15000 /* dynamic ones of a tenant (graph-api.md 1.9) */
};

enum td_group_kind { TD_GROUP_BY_HAND, TD_GROUP_OF_DEVICES, TD_GROUP_OF_USERS };

struct td_group {
    const char *id, *name, *description, *nickname;
    const char *rule; /* "" when members are set by hand */
    enum td_group_kind kind;
    bool paused;         /* members by rule stay as they are */
    bool pending;        /* stored members follow a change of the rule */
    bool started;        /* ... and some were looked at */
    const char *problem; /* why members could not be found, "" if nothing */
    int64_t created_at, modified_at;
    int64_t members_at;             /* when the members last followed */
    const char *source, *ad_domain; /* "ad" and its domain, for groups of a directory (store/directory_sync.h); "" */
};
/* NotStarted, Running, Succeeded, Failed, Paused: membershipRuleProcessingStatus (graph-api.md 1.8). */
const char *td_group_status(const struct td_group *g);

struct td_group_new {
    const char *name, *description, *nickname; /* NULL: "" */
    const char *rule;                          /* NULL or "": by hand */
    bool paused;
    bool unique; /* TD_EEXISTS if a group has that name */
};
/* Refuses a rule that cannot be read (error with position). */
enum td_code td_group_create(struct td_tx *tx, const char *tenant, const struct td_group_new *what, const char *actor,
                             struct td_arena *a, struct td_group *ret, struct td_error *err) TD_MUST_USE;
/* The same with a name of its own. */
enum td_code td_group_add(struct td_tx *tx, const char *tenant, const char *name, const char *rule, const char *actor,
                          struct td_arena *a, struct td_group *ret, struct td_error *err) TD_MUST_USE;

/* NULL stays as it is. */
struct td_group_change {
    const char *name, *description, *nickname, *rule;
    const bool *dynamic; /* by the rule (its own or the one that is there), or by hand: then members stay as they are */
    const bool *paused;
};
enum td_code td_group_change(struct td_tx *tx, const char *tenant, const char *id, const struct td_group_change *change,
                             const char *actor, struct td_error *err) TD_MUST_USE;
/* TD_ESTATE while a directory domain owns the group: name, members and life of it are changed there. Changing, removing
 * and members by hand ask it. */
enum td_code td_group_ours(struct td_tx *tx, const char *tenant, const struct td_group *g, struct td_error *err)
    TD_MUST_USE;
/* Its assignments go with it, and the audit says which. */
enum td_code td_group_remove(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                             struct td_error *err) TD_MUST_USE;

/* By id or name, any case. TD_EINVAL if several have that name. */
enum td_code td_group_find(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                           struct td_group *ret, struct td_error *err) TD_MUST_USE;
/* In order of names. */
enum td_code td_group_list(struct td_tx *tx, const char *tenant, struct td_arena *a, struct td_group **ret,
                           size_t *ret_count, struct td_error *err) TD_MUST_USE;
/* Stored memberships of a device. */
enum td_code td_group_of_way(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                             struct td_group **ret, size_t *ret_count, struct td_error *err) TD_MUST_USE;

/* --- members (store/group/member.c) --- */

struct td_group_member {
    bool is_user;
    const char *id;     /* directory object of the device, or of the user */
    const char *way_id; /* of devices */
    const char *name;   /* display name of the device or sign-in name of the user */
    const char *serial;
};
/* Behind the name and id of `after` (NULL: from the beginning); devices first. */
enum td_code td_group_members(struct td_tx *tx, const char *tenant, const char *group_id, size_t max,
                              struct td_arena *a, struct td_group_member **ret, size_t *ret_count, struct td_error *err)
    TD_MUST_USE;
/* object: id of a directory device or of a user. TD_ESTATE for dynamic groups, TD_EEXISTS, TD_ENOTFOUND. */
enum td_code td_group_member_add(struct td_tx *tx, const char *tenant, const char *group_id, const char *object,
                                 const char *actor, struct td_error *err) TD_MUST_USE;
enum td_code td_group_member_remove(struct td_tx *tx, const char *tenant, const char *group_id, const char *object,
                                    const char *actor, struct td_error *err) TD_MUST_USE;
/* A user or a device is no more: it leaves every group. */
enum td_code td_group_forget_user(struct td_tx *tx, const char *tenant, const char *user_id, struct td_error *err)
    TD_MUST_USE;
enum td_code td_group_forget_way(struct td_tx *tx, const char *tenant, const char *way_id, struct td_error *err)
    TD_MUST_USE;

/* --- evaluation (store/group/evaluate.c) --- */

/* What rules look at may have changed: members by rule, in this transaction. Profiles of registered devices are told by
 * td_registration_evaluate (store/registration.h), which calls this. */
enum td_code td_group_way_moved(struct td_tx *tx, const char *tenant, const char *way_id, struct td_error *err)
    TD_MUST_USE;
enum td_code td_group_user_moved(struct td_tx *tx, const char *tenant, const char *user_id, struct td_error *err)
    TD_MUST_USE;
/* The same for a device with its profile, by its directory id or by its enrolment; nothing where no way carries it. */
enum td_code td_group_enrolment_moved(struct td_tx *tx, const char *tenant, const char *enrolment_id, const char *actor,
                                      struct td_error *err) TD_MUST_USE;
enum td_code td_group_device_moved(struct td_tx *tx, const char *tenant, const char *device_id, const char *actor,
                                   struct td_error *err) TD_MUST_USE;

/* The groups that a device is in at this moment, in order of ids. NULL: no spread is under way, what is stored holds.
 */
enum td_code td_group_live(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                           const char *const **ret, struct td_error *err) TD_MUST_USE;

/* A rule tried on a device or user of the tenant, without saving anything. object: id of a directory device or user. */
struct td_group_verdict {
    bool member;
    bool stored; /* of td_group_why: in the stored members */
    const char *why;
    const char *name; /* of the device or user */
};
enum td_code td_group_try(struct td_tx *tx, const char *tenant, const char *rule, const char *object,
                          struct td_arena *a, struct td_group_verdict *ret, struct td_error *err) TD_MUST_USE;
/* Why a device is in a group or not: one sentence. */
enum td_code td_group_why(struct td_tx *tx, const char *tenant, const struct td_group *g, const char *way_id,
                          struct td_arena *a, struct td_group_verdict *ret, struct td_error *err) TD_MUST_USE;

/* --- work behind the answers (store/group/work.c) --- */

enum td_code td_group_work_due(struct td_tx *tx, bool *ret, struct td_error *err) TD_MUST_USE;
/* How far all of it is, as a number that differs after each slice that brought something; 0: nothing is due. Of two
 * processes one sees by it that the other goes on. */
enum td_code td_group_work_mark(struct td_tx *tx, uint64_t *ret, struct td_error *err) TD_MUST_USE;
/* One slice for one tenant: stored members of marked groups, then profiles told. Takes the store at most 50 ms. */
enum td_code td_group_work(struct td_tx *tx, bool *ret_more, struct td_error *err) TD_MUST_USE;

#endif
