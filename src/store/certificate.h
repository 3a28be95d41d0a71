/* Certificates that we issued: found by fingerprint, revoked by subject. A finder table: it tells the tenant. */
#ifndef TD_STORE_CERTIFICATE_H
#define TD_STORE_CERTIFICATE_H

#include "store/db.h"

struct td_cert_row {
    unsigned char sha256[32];
    const char *tenant;
    const char *purpose;           /* "server", "device", "management" */
    const char *subject;           /* directory device id, enrolment id, host names */
    const char *serial;            /* upper-case hex */
    int64_t not_after, revoked_at; /* 0: not revoked */
    int reason;                    /* why, as RFC 5280 numbers it */
};

enum td_code td_cert_record(struct td_tx *tx, const struct td_cert_row *row, struct td_error *err) TD_MUST_USE;
enum td_code td_cert_find(struct td_tx *tx, const unsigned char sha256[32], struct td_arena *a, struct td_cert_row *ret,
                          struct td_error *err) TD_MUST_USE; /* TD_ENOTFOUND */
enum td_code td_cert_find_serial(struct td_tx *tx, const char *purpose, const char *serial, struct td_arena *a,
                                 struct td_cert_row *ret, struct td_error *err) TD_MUST_USE; /* TD_ENOTFOUND */
/* All certificates of a subject that are not yet revoked: what they were issued for has ended (cessationOfOperation).
 */
enum td_code td_cert_revoke(struct td_tx *tx, const char *tenant, const char *purpose, const char *subject,
                            struct td_error *err) TD_MUST_USE;
/* The same because another took its place (superseded). */
enum td_code td_cert_supersede(struct td_tx *tx, const char *tenant, const char *purpose, const char *subject,
                               struct td_error *err) TD_MUST_USE;
/* Revoked and not yet run out, newest first. */
enum td_code td_cert_revoked_list(struct td_tx *tx, const char *purpose, struct td_arena *a, struct td_cert_row **ret,
                                  size_t *ret_count, struct td_error *err) TD_MUST_USE;

/* Named sealed secrets of the installation (CA keys, token keys): sealed by crypto/secret.h before they come here. */
enum td_code td_secret_put(struct td_tx *tx, const char *name, struct td_slice sealed, struct td_error *err)
    TD_MUST_USE; /* TD_EEXISTS: first one wins */
enum td_code td_secret_get(struct td_tx *tx, const char *name, struct td_arena *a, struct td_slice *ret,
                           struct td_error *err) TD_MUST_USE;

#endif
