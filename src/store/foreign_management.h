/* Management services of others that a tenant's devices may be handed to (autopilot.md, row X07): such devices are
 * registered, get their profile and join the directory here, and enrol there. Named by the service's application id,
 * which a profile carries as managementServiceAppId. Memory is the caller's arena. */
#ifndef TD_STORE_FOREIGN_MANAGEMENT_H
#define TD_STORE_FOREIGN_MANAGEMENT_H

#include "store/db.h"

enum { TD_FOREIGN_MAX = 50, TD_FOREIGN_NAME_MAX = 200, TD_FOREIGN_URL_MAX = 1024 };

struct td_foreign_management {
    const char *app_id; /* GUID, lower case */
    const char *name;
    const char *enrolment_url, *terms_url, *compliance_url; /* https, no query, no final '/'; the last two may be "" */
    int64_t created_at, modified_at;
};

/* "" and the ids that stand for our own management (contract 4; the provider that Windows knows, autopilot.md 2.5). */
bool td_management_is_ours(const char *app_id);

/* Adds it, or brings the one with this id up to date. TD_EEXISTS if another one has the name; TD_EINVAL for an id that
 * is ours or an address that is no plain https address. */
enum td_code td_foreign_management_put(struct td_tx *tx, const char *tenant, const struct td_foreign_management *m,
                                       const char *actor, struct td_error *err) TD_MUST_USE;
/* By id or name, any case. TD_ENOTFOUND. */
enum td_code td_foreign_management_find(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                                        struct td_foreign_management *ret, struct td_error *err) TD_MUST_USE;
/* Is that what a token for it is asked by: its id, or the origin of its enrolment address (scheme, host and port), in
 * any case, with or without a final '/'? */
bool td_foreign_management_named(const struct td_foreign_management *m, struct td_slice name);
enum td_code td_foreign_management_list(struct td_tx *tx, const char *tenant, struct td_arena *a,
                                        struct td_foreign_management **ret, size_t *ret_count, struct td_error *err)
    TD_MUST_USE;
/* The one that the profile of a registered device names, as the device got it. TD_ENOTFOUND: management is ours. */
enum td_code td_foreign_management_of(struct td_tx *tx, const char *tenant, const char *registration_id,
                                      struct td_arena *a, struct td_foreign_management *ret, struct td_error *err)
    TD_MUST_USE;
/* TD_ESTATE while a profile names it. */
enum td_code td_foreign_management_remove(struct td_tx *tx, const char *tenant, const char *key, const char *actor,
                                          struct td_error *err) TD_MUST_USE;

#endif
