/* What an administrator changes of devices and users in the directory, with what follows from it: groups, profiles, the
 * way, certificates; told in the audit. Memory is the caller's. Sources: graph-api.md 1.8; join-and-tokens.md 3.1. */
#ifndef TD_STORE_DIRECTORY_H
#define TD_STORE_DIRECTORY_H

#include "store/user.h"

enum { TD_EXTENSIONS = 15, TD_EXTENSION_MAX = 1024 };

struct td_device_change { /* NULL stays as it is */
    const bool *enabled;
    const char *extension[TD_EXTENSIONS]; /* "" clears */
};
enum td_code td_device_change(struct td_tx *tx, const char *tenant, const char *id,
                              const struct td_device_change *change, const char *actor, struct td_error *err)
    TD_MUST_USE;
/* The device leaves: its certificates are revoked, its id never comes back, a registration gets a fresh object.
 * TD_ENOTFOUND if it is not there. */
enum td_code td_device_leave(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                             struct td_error *err) TD_MUST_USE;
/* The same asked by an administrator: TD_ESTATE for the object of a registration that no device has taken over. */
enum td_code td_device_remove(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                              struct td_error *err) TD_MUST_USE;

/* What the directory keeps of a user beside its name: rows by the interface's names. */
struct td_user_field {
    const char *name, *column;
    size_t max; /* octets */
};
extern const struct td_user_field td_user_fields[];
extern const size_t td_user_field_count;

struct td_user_change { /* NULL stays as it is */
    const char *upn, *name;
    const bool *enabled;
    const char *phc;           /* of a new password */
    const char *const *fields; /* by td_user_fields */
    const int64_t *hire_date;  /* microseconds, 0 for none */
    const char *other_mails;   /* lines */
};
enum td_code td_user_change(struct td_tx *tx, const char *tenant, const char *id, const struct td_user_change *change,
                            const char *actor, struct td_error *err) TD_MUST_USE;
/* With its memberships. */
enum td_code td_user_forget(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                            struct td_error *err) TD_MUST_USE;

#endif
