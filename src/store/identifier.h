/* Corporate identifiers: devices that belong to the organisation however they enrol (graph-api.md 1.2).
 *
 * They are compared in normal form: each part in upper case without anything but letters and digits. Texts live in the
 * caller's arena. */
#ifndef TD_STORE_IDENTIFIER_H
#define TD_STORE_IDENTIFIER_H

#include "store/db.h"

enum td_identifier_kind { TD_ID_UNKNOWN, TD_ID_IMEI, TD_ID_SERIAL, TD_ID_TUPLE }; /* importedDeviceIdentityType */

struct td_identifier {
    const char *id;
    enum td_identifier_kind kind;
    const char *text, *description;
};

/* The form in which they are compared; a manufacturer, model and serial number are three parts with commas between.
 * TD_EINVAL names the member. */
enum td_code td_identifier_normal(enum td_identifier_kind kind, const char *text, struct td_arena *a, const char **ret,
                                  struct td_error *err) TD_MUST_USE;
/* TD_ENOTFOUND. */
enum td_code td_identifier_find(struct td_tx *tx, const char *tenant, enum td_identifier_kind kind, const char *text,
                                struct td_arena *a, struct td_identifier *ret, struct td_error *err) TD_MUST_USE;
/* overwrite: one that is there gets the description; else it stays and *ret_new is false. */
enum td_code td_identifier_put(struct td_tx *tx, const char *tenant, const struct td_identifier *what, bool overwrite,
                               const char *actor, struct td_arena *a, const char **ret_id, bool *ret_new,
                               struct td_error *err) TD_MUST_USE;
/* NULL stays. TD_EEXISTS: another one says the same. */
enum td_code td_identifier_change(struct td_tx *tx, const char *tenant, const char *id,
                                  const struct td_identifier *what, const char *actor, struct td_arena *a,
                                  struct td_error *err) TD_MUST_USE;
enum td_code td_identifier_remove(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                                  struct td_error *err) TD_MUST_USE;
/* Whether the tenant calls this machine its own. */
enum td_code td_identifier_covers(struct td_tx *tx, const char *tenant, const char *manufacturer, const char *model,
                                  const char *serial, struct td_arena *a, bool *ret, struct td_error *err) TD_MUST_USE;
/* Whether an enrolled device belongs to the organisation: what an administrator said of it, else that it joined the
 * directory, else a corporate identifier (autopilot.md 1.5). */
enum td_code td_identifier_corporate(struct td_tx *tx, const char *tenant, const char *enrolment_id,
                                     const char *manufacturer, const char *model, const char *serial,
                                     struct td_arena *a, bool *ret, struct td_error *err) TD_MUST_USE;

#endif
