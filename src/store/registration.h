/* Registrations: which machine belongs to which tenant, what the tenant said about it, and which profile holds.
 *
 * A registration, its hash, its facts, its directory object, its way, its groups and its profile change in one
 * transaction: what was answered is visible at once. Decoding a hash is the caller's, before the write. Finding a
 * machine by its facts crosses tenants and stands in hardware.c alone. Memory is the caller's arena; texts are "" where
 * unknown. Sources: autopilot.md 1, 2.6; graph-api.md 1.2. */
#ifndef TD_STORE_REGISTRATION_H
#define TD_STORE_REGISTRATION_H

#include "store/group.h"
#include "store/profile.h"
#include "way/match.h"

enum { TD_TAG_MAX = 512, TD_USER_MAX = 256, TD_SERIAL_MAX = 128 };

struct td_registration {
    const char *id;        /* ZTDId: UUID in lower case */
    const char *way_id;    /* subject of its events */
    const char *device_id; /* directory object at the last look; store/device.h has the present one */
    const char *serial, *manufacturer, *model, *sku, *family, *product_key;
    const char *group_tag, *purchase_order, *assigned_user, *display_name;
    const char *warning;    /* what was odd about its hash, "" if nothing */
    const char *profile_id; /* as last evaluated and told by an event */
    int64_t profile_at, created_at, modified_at;
};

enum td_code td_registration_find(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                                  struct td_registration *ret, struct td_error *err) TD_MUST_USE; /* TD_ENOTFOUND */
/* By id, or by serial number in any spelling. TD_EINVAL if several have that serial number. */
enum td_code td_registration_find_any(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                                      struct td_registration *ret, struct td_error *err) TD_MUST_USE;
/* Behind the id `after` ("" for the first), in order of ids, at most max. */
enum td_code td_registration_list(struct td_tx *tx, const char *tenant, const char *after, size_t max,
                                  struct td_arena *a, struct td_registration **ret, size_t *ret_count,
                                  struct td_error *err) TD_MUST_USE;
enum td_code td_registration_hash(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                                  struct td_slice *ret_octets, struct td_error *err) TD_MUST_USE;

/* One machine to be registered. */
struct td_registration_new {
    const char *serial, *manufacturer, *model, *sku, *family, *product_key;
    const char *group_tag, *purchase_order, *assigned_user, *warning;
    bool has_group_tag, has_assigned_user; /* said, if only to be empty: applied to a machine that is there already */
    struct td_slice hash;                  /* octets */
    struct td_facts facts;
    const struct td_group_rules *rules; /* loaded once for many, in this transaction; NULL: loaded here */
};

struct td_import_verdict {
    enum td_ztd_code code; /* TD_ZTD_OK, ALREADY_ASSIGNED (registration_id says which), OTHER_TENANT */
    bool updated;          /* ALREADY_ASSIGNED: group tag or user were brought up to date */
    const char *registration_id;
};
/* What the rules refuse is a verdict and TD_OK; an error means that nothing is known (store away). */
enum td_code td_registration_add(struct td_tx *tx, const char *tenant, const struct td_registration_new *what,
                                 const char *actor, struct td_arena *a, struct td_import_verdict *ret,
                                 struct td_error *err) TD_MUST_USE;
/* Ends the registration: the way and a joined device stay, the profile goes. */
enum td_code td_registration_remove(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                                    struct td_error *err) TD_MUST_USE;
enum td_code td_registration_set_tag(struct td_tx *tx, const char *tenant, const char *id, const char *group_tag,
                                     const char *actor, struct td_error *err) TD_MUST_USE;

/* Groups and profile of one registration anew, with the event if the profile changed. Called in the same transaction by
 * whatever changes what rules look at. */
enum td_code td_registration_evaluate_with(struct td_tx *tx, const char *tenant, const char *id,
                                           const struct td_group_rules *rules, const char *actor, struct td_error *err)
    TD_MUST_USE;
enum td_code td_registration_evaluate(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                                      struct td_error *err) TD_MUST_USE;

/* The machine with these facts, whatever its tenant. TD_ENOTFOUND: none; ret is filled then too. tie: two match equally
 * and nobody may guess. near: a registration that two facts name and something contradicts; its mainboard may have been
 * exchanged. */
struct td_hardware_found {
    const char *tenant, *registration_id; /* "" if none */
    struct td_match match;
    const char *near_tenant, *near_registration_id, *near_why; /* "" if none */
    bool tie;
};
enum td_code td_hardware_find(struct td_tx *tx, const struct td_facts *asked, struct td_arena *a,
                              struct td_hardware_found *ret, struct td_error *err) TD_MUST_USE;
/* The same with the rule for imports (td_match_is_duplicate). */
enum td_code td_hardware_duplicate(struct td_tx *tx, const struct td_facts *asked, struct td_arena *a,
                                   struct td_hardware_found *ret, struct td_error *err) TD_MUST_USE;
enum td_code td_hardware_put(struct td_tx *tx, const char *tenant, const char *registration_id,
                             const struct td_facts *facts, struct td_error *err) TD_MUST_USE;
/* The facts that are kept of one registration. */
enum td_code td_hardware_facts(struct td_tx *tx, const char *tenant, const char *registration_id, struct td_arena *a,
                               struct td_facts *ret, struct td_error *err) TD_MUST_USE;
enum td_code td_hardware_drop(struct td_tx *tx, const char *tenant, const char *registration_id, struct td_error *err)
    TD_MUST_USE;

#endif
