/* Configuration items between people and the store: what an administrator writes is completed (thumbprint of a
 * certificate), checked, normalised, and sealed where it holds a secret. */
#ifndef TD_API_CONFIGURATION_H
#define TD_API_CONFIGURATION_H

#include "crypto/secret.h"
#include "policy/item.h"
#include "store/configuration.h"

/* Row for td_configuration_add or _change. id is made if "". A root certificate is given as "certificate" in PEM or
 * base64; its thumbprint is computed here. */
enum td_code td_configuration_make(const struct td_master *master, const struct td_env *env, const char *tenant,
                                   const char *id, const char *name, const struct td_json *json, struct td_arena *a,
                                   struct td_configuration *ret, struct td_error *err) TD_MUST_USE;
/* An item that names others (networkAccess, client, after) with their ids instead of names; id is its own, "" if it is
 * new. TD_EINVAL with the member's name where there is no such item or none of a kind that fits. To be called before
 * td_configuration_make. */
enum td_code td_configuration_link(struct td_tx *tx, const char *tenant, const char *id, const struct td_json *json,
                                   struct td_arena *a, const struct td_json **ret, struct td_error *err) TD_MUST_USE;
/* The item that a row holds, secrets opened. */
enum td_code td_configuration_open(const struct td_master *master, const char *tenant,
                                   const struct td_configuration *row, struct td_arena *a, struct td_item *ret,
                                   struct td_error *err) TD_MUST_USE;

/* What stands in the way of a kiosk among items that one device gets (policy/conflict.h), a sentence each; at most
 * TD_CONFLICTS_MAX. */
enum { TD_CONFLICTS_MAX = 20 };
size_t td_configuration_conflicts(const struct td_configuration *rows, size_t count, struct td_arena *a,
                                  const char *const **ret);

#endif
