/* Registering devices from a list: rows are read, hashes decoded and judged outside the store, then written in slices
 * so that no write holds the store long. Shared by the command line and the doors. */
#ifndef TD_API_IMPORT_H
#define TD_API_IMPORT_H

#include "store/registration.h"

/* Rows that are read and decoded at once; a write takes as many of them as TD_IMPORT_WRITE allows, at least one. */
enum { TD_IMPORT_SLICE = 250 };
#define TD_IMPORT_WRITE (25 * TD_SECOND / 1000)

struct td_import_row { /* what became of one row; texts live until the report returns */
    size_t row, line;  /* row from 1 without the header; line of the file */
    const char *serial;
    const char *registration_id; /* "" if none */
    enum td_ztd_code code;       /* TD_ZTD_OK: registered */
    const char *name;            /* of the code; "None" if registered */
    const char *text, *remedy;   /* why it was refused, "" else */
    const char *warning;         /* kept with the registration, "" if none */
    bool updated;                /* known already: group tag or user were brought up to date */
    bool refused;
};

struct td_import_totals {
    size_t rows, registered, known, updated, refused, warnings;
};

typedef void td_import_report(void *ctx, const struct td_import_row *row);

/* Refuses a file whose header is wrong before anything is written; after that every row has its own fate. dry_run
 * judges all and writes nothing. actor stands in the events. */
enum td_code td_import_csv(struct td_store *store, const char *tenant, struct td_slice csv, bool dry_run,
                           const char *actor, td_import_report *report, void *ctx, struct td_import_totals *ret,
                           struct td_error *err) TD_MUST_USE;

/* One row as others bring it (Graph): texts as they came, hash as base64. Decodes and judges; *ret is ready for
 * td_registration_add, or ret_row tells why not (refused). */
struct td_import_given {
    struct td_slice serial, product_key, hash, group_tag, user, manufacturer, model, purchase_order;
    bool has_group_tag, has_user;
};
void td_import_prepare(const struct td_import_given *given, bool refuse_bad_checksum, struct td_arena *a,
                       struct td_registration_new *ret, struct td_import_row *ret_row);
/* The tenant's rule for wrong check sums. */
enum td_code td_import_refuses_checksum(struct td_tx *tx, const char *tenant, struct td_arena *a, bool *ret,
                                        struct td_error *err) TD_MUST_USE;
/* Registers a prepared row inside a write; the row tells what became of it. A row that is refused stays so. */
enum td_code td_import_write(struct td_tx *tx, const char *tenant, const struct td_registration_new *given,
                             const char *actor, struct td_arena *a, struct td_import_row *row, struct td_error *err)
    TD_MUST_USE;
/* Digest that is the same for every hash of one machine as long as its serial number, UUID and TPM stay. */
void td_import_identity(const struct td_facts *f, struct td_arena *a, unsigned char out[32]);
void td_import_refuse(struct td_import_row *row, enum td_ztd_code code, const char *text); /* text NULL: the code's */

#endif
