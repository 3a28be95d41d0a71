/* Configuration items and their assignment. What their JSON means is in policy/item.h; sealing it is the caller's
 * (api/configuration.h). Assigning to a group gives the item to its devices from the next session on. */
#ifndef TD_STORE_CONFIGURATION_H
#define TD_STORE_CONFIGURATION_H

#include "store/db.h"

enum { TD_CONFIGURATION_NAME_MAX = 200, TD_CONFIGURATION_DESCRIPTION_MAX = 1024, TD_CONFIGURATIONS_MAX = 2000 };

struct td_configuration {
    const char *id, *name, *kind;
    int64_t revision;       /* rises with every change */
    const char *body;       /* JSON without secrets */
    struct td_slice sealed; /* the whole JSON, sealed, where the kind has secrets; else empty */
    int64_t created_at, modified_at;
    const char *description; /* "" none; td_configuration_describe */
};

/* id, name, kind, body and sealed are the caller's. TD_EEXISTS if the name is taken (any case). */
enum td_code td_configuration_add(struct td_tx *tx, const char *tenant, const struct td_configuration *c,
                                  const char *actor, struct td_error *err) TD_MUST_USE;
/* New body of an item that is there: revision + 1. */
enum td_code td_configuration_change(struct td_tx *tx, const char *tenant, const struct td_configuration *c,
                                     const char *actor, struct td_error *err) TD_MUST_USE;
/* Another name for the same item: its revision stays, devices are told nothing. TD_EEXISTS if it is taken. */
enum td_code td_configuration_rename(struct td_tx *tx, const char *tenant, const char *id, const char *name,
                                     const char *actor, struct td_error *err) TD_MUST_USE;
/* A note for people: the item's revision stays, devices are told nothing. */
enum td_code td_configuration_describe(struct td_tx *tx, const char *tenant, const char *id, const char *description,
                                       const char *actor, struct td_error *err) TD_MUST_USE;
/* By id, or by name in any case. TD_ENOTFOUND. */
enum td_code td_configuration_find(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                                   struct td_configuration *ret, struct td_error *err) TD_MUST_USE;
enum td_code td_configuration_list(struct td_tx *tx, const char *tenant, struct td_arena *a,
                                   struct td_configuration **ret, size_t *ret_count, struct td_error *err) TD_MUST_USE;

/* group_id "" is all devices. Assigning twice is fine. */
enum td_code td_configuration_assign(struct td_tx *tx, const char *tenant, const char *id, const char *group_id,
                                     const char *actor, struct td_error *err) TD_MUST_USE;
/* The reverse; TD_ENOTFOUND if it was not assigned so. What kiosk and shared-pc items wrote goes from devices with it.
 */
enum td_code td_configuration_unassign(struct td_tx *tx, const char *tenant, const char *id, const char *group_id,
                                       const char *actor, struct td_error *err) TD_MUST_USE;
/* The item with its assignments. */
enum td_code td_configuration_remove(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                                     struct td_error *err) TD_MUST_USE;
/* Where an item is assigned: group ids, "" for all devices. */
enum td_code td_configuration_targets(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                                      const char ***ret, size_t *ret_count, struct td_error *err) TD_MUST_USE;

/* Everything assigned to the device of this way, oldest first (the first one that writes a node holds). */
enum td_code td_configuration_of_way(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                                     struct td_configuration **ret, size_t *ret_count, struct td_error *err)
    TD_MUST_USE;

/* The same, and what is assigned to groups of this user ("": nobody); kind not NULL: of those only items of this kind.
 */
enum td_code td_configuration_wanted(struct td_tx *tx, const char *tenant, const char *way_id, const char *user_id,
                                     const char *kind, struct td_arena *a, struct td_configuration **ret,
                                     size_t *ret_count, struct td_error *err) TD_MUST_USE;

#endif
