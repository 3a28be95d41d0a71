/* Imports under way: what was handed in is a row before it is answered, and a job (api/import_job.h) turns rows into
 * registrations. A row stays until its owner deletes it, or imports the same serial number again.
 *
 * The text of the hash is kept until it was looked at and emptied then: the registration has the octets. Texts live in
 * the caller's arena. Sources: graph-api.md 1.2, 3.1, 3.2; autopilot.md 1.6. */
#ifndef TD_STORE_IMPORT_RECORD_H
#define TD_STORE_IMPORT_RECORD_H

#include "store/db.h"

enum td_import_state { TD_IMPORT_WAITS = 0, TD_IMPORT_COMPLETE = 3, TD_IMPORT_ERROR = 4 }; /* deviceImportStatus */

struct td_import_record {
    const char *id, *import_id, *serial, *product_key, *group_tag, *assigned_user, *purchase_order;
    const char *hardware; /* base64 as it came; "" once it was looked at */
    unsigned char hardware_sha256[32];
    const char *actor;
    bool repeats; /* a row before it in the same call names the same device */
    int64_t pos;
};

/* Keeps one row. A row of the same serial number and hash that still waits is brought up to date and keeps its id, so
 * that a request sent twice answers alike; a finished one of the same serial number goes. id and pos are given. */
enum td_code td_import_record_add(struct td_tx *tx, const char *tenant, const struct td_import_record *what,
                                  struct td_arena *a, const char **ret_id, struct td_error *err) TD_MUST_USE;
enum td_code td_import_record_remove(struct td_tx *tx, const char *tenant, const char *id, struct td_error *err)
    TD_MUST_USE; /* TD_ENOTFOUND */

/* The oldest rows that wait, at most max, all of one tenant (*ret_tenant; NULL: nothing waits). */
enum td_code td_import_record_waiting(struct td_tx *tx, size_t max, struct td_arena *a, const char **ret_tenant,
                                      struct td_import_record **ret, size_t *ret_count, struct td_error *err)
    TD_MUST_USE;
/* Brings rows that were read before up to date inside the write: those deleted or finished meanwhile get pos 0, the
 * others the group tag and user of now. */
enum td_code td_import_record_again(struct td_tx *tx, const char *tenant, struct td_import_record *rows, size_t count,
                                    struct td_arena *a, struct td_error *err) TD_MUST_USE;

struct td_import_end {
    enum td_import_state state;
    int code;
    const char *name, *detail; /* "None"; a sentence for people, "" if there is nothing to say */
    const char *registration_id;
};
enum td_code td_import_record_end(struct td_tx *tx, const char *tenant, int64_t pos, const struct td_import_end *end,
                                  struct td_error *err) TD_MUST_USE;

#endif
