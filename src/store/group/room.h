/* Inside store/group*: compiled rules of a tenant, what rules see of devices and users, marks. */
#ifndef TD_STORE_GROUP_ROOM_H
#define TD_STORE_GROUP_ROOM_H

#include "store/group.h"
#include "way/profile_choice.h"

/* --- compiled rules (group/rules.c) --- */

struct td_ruled {
    const char *id, *name;
    enum td_rule_kind kind;
    bool paused;
    bool by_groups; /* looks at memberOf: asked after the others */
    const struct td_rule *rule;
};
struct td_ruleset; /* shared, counted */

enum td_code td_ruleset_hold(struct td_tx *tx, const char *tenant, struct td_ruleset **ret, struct td_error *err)
    TD_MUST_USE;
void td_ruleset_drop(struct td_ruleset **set);
const struct td_ruled *td_ruleset_list(const struct td_ruleset *set, size_t *ret_count); /* in order of ids */
int td_ruleset_at(const struct td_ruleset *set, const char *group_id);                   /* -1 */
bool td_ruleset_by_profile(const struct td_ruleset *set); /* a rule looks at the profile's name */

/* Which rules a subject is a member by. One is made for many subjects of a kind. */
struct td_verdicts {
    const struct td_ruleset *set;
    enum td_rule_kind kind;
    const bool *wanted; /* by position; NULL: all. Those by groups are always asked */
    uint32_t *mark, round;
    uint32_t *found; /* positions of the rules that hold, in no order */
    size_t found_count;
    const char **groups; /* room for memberOf */
    size_t groups_room;
};
void td_verdicts_init(struct td_verdicts *v, const struct td_ruleset *set, enum td_rule_kind kind, const bool *wanted,
                      struct td_arena *a);
/* current: groups that the subject is in as stored, in any order. memberOf is filled here. */
void td_verdicts_of(struct td_verdicts *v, struct td_rule_subject *subject, const char *const *current, size_t count,
                    struct td_arena *a);
bool td_verdicts_has(const struct td_verdicts *v, size_t position);
bool td_verdicts_by_groups(const struct td_verdicts *v);    /* some rule looks at memberOf */
uint64_t td_verdicts_looks_at(const struct td_verdicts *v); /* attributes that the wanted rules need */
/* A rule's change: compiled ones are old from this transaction on. */
enum td_code td_ruleset_touch(struct td_tx *tx, const char *tenant, struct td_error *err) TD_MUST_USE;

struct td_group_cache;
struct td_group_cache *td_group_cache_new(void);
void td_group_cache_free(struct td_group_cache *c);

/* --- what rules see (group/subject.c) --- */

struct td_subject {
    const char *key;             /* way id, or user id */
    const char *object;          /* directory id */
    const char *registration_id; /* of devices, "" if none */
    const char *name;
    struct td_rule_subject rule;
};
/* Behind the key `after` and up to `last` (NULL: no bound), in order of keys; or with only: that one key. */
struct td_subject_ask {
    const char *tenant, *after, *last, *only;
    size_t max;
    uint64_t attributes; /* which are filled at least */
};
enum td_code td_subjects(struct td_tx *tx, enum td_rule_kind kind, const struct td_subject_ask *ask, struct td_arena *a,
                         struct td_subject **ret, size_t *ret_count, struct td_error *err) TD_MUST_USE;
/* TD_ENOTFOUND: no such device in the directory, no such user. */
enum td_code td_subject_one(struct td_tx *tx, const char *tenant, enum td_rule_kind kind, const char *key,
                            struct td_arena *a, struct td_subject *ret, struct td_error *err) TD_MUST_USE;
/* Stored groups of the keys behind `after` up to `last`, in order of keys. */
struct td_membership {
    const char *key, *group_id;
};
enum td_code td_memberships(struct td_tx *tx, enum td_rule_kind kind, const char *tenant, const char *after,
                            const char *last, struct td_arena *a, struct td_membership **ret, size_t *ret_count,
                            struct td_error *err) TD_MUST_USE;
enum td_code td_membership_put(struct td_tx *tx, enum td_rule_kind kind, const char *tenant, const char *group_id,
                               const char *key, bool member, struct td_error *err) TD_MUST_USE;
/* The way that carries a directory device's id, "" if none. */
enum td_code td_way_of_device(struct td_tx *tx, const char *tenant, const char *device_id, struct td_arena *a,
                              const char **ret, struct td_error *err) TD_MUST_USE;

/* Writes what v found for one subject where it differs from current. */
enum td_code td_verdicts_store(struct td_tx *tx, const char *tenant, const struct td_verdicts *v, const char *key,
                               const struct td_membership *current, size_t count, size_t *ret_changes,
                               struct td_error *err) TD_MUST_USE;

/* Marks a group's members, or profiles, to be brought up to date. */
enum td_code td_group_mark(struct td_tx *tx, const char *tenant, const char *group_id, struct td_error *err)
    TD_MUST_USE;
enum td_code td_group_mark_by_groups(struct td_tx *tx, const char *tenant, struct td_error *err) TD_MUST_USE;
enum td_code td_group_mark_profiles(struct td_tx *tx, const char *tenant, struct td_error *err) TD_MUST_USE;

/* What was found to hold for a registration by the groups that are stored ("" none), and what it was told before. */
struct td_telling {
    const char *registration_id, *way_id;
    const char *before, *profile_id, *profile_name;
    bool is_explicit;
    bool was_assigned; /* state of the way */
    enum td_profile_detail detail;
};
/* Tells it, by an event where the profile changed. Members by the profile's name are the caller's to follow. */
enum td_code td_registration_tell(struct td_tx *tx, const char *tenant, const struct td_telling *t, const char *actor,
                                  struct td_error *err) TD_MUST_USE;
/* Members by rules that look at the profile's name, once more, and what that decides. */
enum td_code td_registration_follow(struct td_tx *tx, const char *tenant, const char *registration_id,
                                    const char *actor, struct td_error *err) TD_MUST_USE;

#endif
