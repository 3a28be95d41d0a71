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

#define TD_SOURCE_CLAIM "claim" /* registered without a hash: by what somebody says of it */

/* windowsAutopilotDeviceRemediationState and ...UserlessEnrollmentStatus (graph-api.md 1.2), by number. */
enum td_remediation { TD_REMEDY_UNKNOWN, TD_REMEDY_NONE, TD_REMEDY_AUTOMATIC, TD_REMEDY_MANUAL };
enum td_userless { TD_USERLESS_UNKNOWN, TD_USERLESS_ALLOWED, TD_USERLESS_BLOCKED };

struct td_registration {
    const char *id;        /* ZTDId: UUID in lower case */
    const char *way_id;    /* subject of its events */
    const char *device_id; /* directory object at the last look; store/device.h has the present one */
    const char *serial, *manufacturer, *model, *sku, *family, *product_key;
    const char *group_tag, *purchase_order, *assigned_user, *display_name;
    const char *addressable_user, *friendly_name, *account_upn, *resource_name;
    const char *source;     /* how it came: "csv", "import", "harvest", "request", "" where nobody said */
    int64_t remediation;    /* enum td_remediation */
    int64_t userless;       /* enum td_userless */
    const char *warning;    /* what was odd about its hash, "" if nothing */
    const char *profile_id; /* as last evaluated and told by an event */
    int64_t profile_at, created_at, modified_at;
};

enum td_code td_registration_find(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                                  struct td_registration *ret, struct td_error *err) TD_MUST_USE; /* TD_ENOTFOUND */
/* Whose registration this is, of any tenant (store/hardware.c): a device that proves its TPM has no other name for it.
 * TD_ENOTFOUND. */
enum td_code td_registration_tenant(struct td_tx *tx, const char *id, struct td_arena *a, const char **ret,
                                    struct td_error *err) TD_MUST_USE;
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
    const char *source;                    /* NULL: nobody said */
    bool has_group_tag, has_assigned_user; /* said, if only to be empty: applied to a machine that is there already */
    struct td_slice hash;                  /* octets */
    struct td_facts facts;
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
/* Ends the registration: the way and a joined or managed device stay, the profile goes (autopilot.md R15). */
enum td_code td_registration_remove(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                                    struct td_error *err) TD_MUST_USE;

/* What a tenant says about a device. NULL stays as it is, "" clears. All or nothing: what is wrong with one member is
 * told by its name of the interface and nothing is written (graph-api.md 5.5). */
struct td_registration_change {
    const char *group_tag, *purchase_order;
    const char *assigned_user;    /* a user of the tenant, by name or id; kept as its name */
    bool any_user;                /* of imports: the user may be made later, its domain was looked at */
    const char *addressable_user; /* how the user is greeted; goes with the user */
    const char *display_name;     /* computer name, at most 15 characters */
    const char *friendly_name, *account_upn, *resource_name, *product_key;
    const enum td_userless *userless;
};
/* *ret_changed (may be NULL) tells whether anything differed. */
enum td_code td_registration_change(struct td_tx *tx, const char *tenant, const char *id,
                                    const struct td_registration_change *change, const char *actor, bool *ret_changed,
                                    struct td_error *err) TD_MUST_USE;
/* Another hash of the same machine, sure to be it: its facts and octets take the place of the stored ones. */
enum td_code td_registration_renew_hash(struct td_tx *tx, const char *tenant, const char *id,
                                        const struct td_facts *facts, struct td_slice octets, const char *actor,
                                        struct td_error *err) TD_MUST_USE;
/* Whether somebody must look at it, with the event that says why if that is new. */
enum td_code td_registration_remedy(struct td_tx *tx, const char *tenant, const char *id, enum td_remediation state,
                                    const char *why, struct td_error *err) TD_MUST_USE;

/* When somebody last asked for a synchronisation, 0: never; and that somebody does now. */
enum td_code td_registration_synced(struct td_tx *tx, const char *tenant, int64_t *ret_at, struct td_error *err)
    TD_MUST_USE;
enum td_code td_registration_sync(struct td_tx *tx, const char *tenant, struct td_error *err) TD_MUST_USE;

/* A managed device that nobody had registered is this registration's machine: one way, one directory object and one
 * timeline from here on. way_id is the device's; the registration's own way ends in it. TD_ESTATE if the registration
 * has a managed or joined device already. */
enum td_code td_registration_meets_way(struct td_tx *tx, const char *tenant, const char *id, const char *way_id,
                                       const char *actor, struct td_error *err) TD_MUST_USE;
/* Facts that a managed, unregistered device reported: a registration that comes later meets its way. */
enum td_code td_way_identity_put(struct td_tx *tx, const char *tenant, const char *way_id, const struct td_facts *facts,
                                 struct td_error *err) TD_MUST_USE;
/* Before a registration ends: a device that stays joined or managed keeps its facts, so that registered anew it is the
 * same device. */
enum td_code td_way_identity_keep(struct td_tx *tx, const char *tenant, const struct td_registration *r,
                                  struct td_error *err) TD_MUST_USE;

/* Groups and profile of one registration anew, with the event if the profile changed. Called in the same transaction by
 * whatever changes what rules look at. */
enum td_code td_registration_evaluate(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                                      struct td_error *err) TD_MUST_USE;

/* The machine with these facts, whatever its tenant. TD_ENOTFOUND: none; ret is filled then too. tie: another one
 * matches as well within TD_MATCH_MARGIN and nobody may guess; second is that one. near: a registration that two facts,
 * or its serial number, name and something contradicts; its mainboard may have been exchanged. */
struct td_hardware_found {
    const char *tenant, *registration_id; /* "" if none */
    struct td_match match;
    const char *second_tenant, *second_registration_id; /* the next best, "" if none */
    struct td_match second;
    const char *near_tenant, *near_registration_id, *near_why; /* "" if none */
    int near_weight;
    bool tie;
};
#define TD_HARDWARE_NONE                                                                                           \
    {                                                                                                              \
        .tenant = "", .registration_id = "", .second_tenant = "", .second_registration_id = "", .near_tenant = "", \
        .near_registration_id = "", .near_why = ""                                                                 \
    }
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
/* How many registrations of all tenants have this value, counted up to TD_FACT_SHARED_MAX + 1: with more it carries no
 * weight. */
enum td_code td_hardware_shared(struct td_tx *tx, const struct td_fact *fact, int *ret, struct td_error *err)
    TD_MUST_USE;
/* Does another registration, of any tenant, have one of these serial numbers, UUIDs or endorsement keys? */
enum td_code td_hardware_elsewhere(struct td_tx *tx, const struct td_facts *facts, const char *tenant,
                                   const char *registration_id, bool *ret, struct td_error *err) TD_MUST_USE;
/* The way of the tenant's managed, unregistered device with these facts (td_way_identity_put). TD_ENOTFOUND: none, or
 * two that fit alike. */
enum td_code td_way_identity_find(struct td_tx *tx, const char *tenant, const struct td_facts *facts,
                                  struct td_arena *a, const char **ret_way_id, struct td_error *err) TD_MUST_USE;
enum td_code td_hardware_drop(struct td_tx *tx, const char *tenant, const char *registration_id, struct td_error *err)
    TD_MUST_USE;

#endif
