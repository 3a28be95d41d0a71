/* Groups of devices: dynamic by a rule, or without one. Members are ways, so they stay when a device gets another
 * directory object. Rules are evaluated when something that they look at changes, in the same transaction. */
#ifndef TD_STORE_GROUP_H
#define TD_STORE_GROUP_H

#include "store/db.h"
#include "way/rule.h"

enum { TD_GROUP_NAME_MAX = 256, TD_GROUPS_MAX = 15000 };

struct td_group {
    const char *id, *name, *rule; /* rule "": members are set by hand */
    int64_t created_at;
};

/* Refuses a rule that cannot be read (error with position). Members come by td_profile_spread (store/profile.h), which
 * evaluates registrations in slices. TD_EEXISTS if the name is taken (any case). */
enum td_code td_group_add(struct td_tx *tx, const char *tenant, const char *name, const char *rule, const char *actor,
                          struct td_arena *a, struct td_group *ret, struct td_error *err) TD_MUST_USE;
enum td_code td_group_find(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                           struct td_group *ret, struct td_error *err) TD_MUST_USE; /* by id or name, any case */
enum td_code td_group_list(struct td_tx *tx, const char *tenant, struct td_arena *a, struct td_group **ret,
                           size_t *ret_count, struct td_error *err) TD_MUST_USE;

/* Groups that the device of this way is in: for assignments of anything. */
enum td_code td_group_of_way(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                             struct td_group **ret, size_t *ret_count, struct td_error *err) TD_MUST_USE;

/* Members of dynamic groups anew for one device. rules are parsed once per transaction by the caller. */
struct td_group_rules {
    struct td_group *groups;
    const struct td_rule **rules;
    size_t count;
};
enum td_code td_group_rules_load(struct td_tx *tx, const char *tenant, struct td_arena *a, struct td_group_rules *ret,
                                 struct td_error *err) TD_MUST_USE;
enum td_code td_group_evaluate(struct td_tx *tx, const char *tenant, const struct td_group_rules *rules,
                               const char *way_id, const struct td_rule_subject *device, struct td_arena *a,
                               struct td_error *err) TD_MUST_USE;

#endif
