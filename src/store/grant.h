/* What we gave out and must know again: authorization codes, refresh tokens, primary refresh tokens, device codes; and
 * the nonces that were used. Found by SHA-256 of the secret, which itself is nowhere in the store. A finder table: the
 * hash tells the tenant.
 *
 * Writers remove what is past its time, a few rows at each write, so that nothing grows for ever. */
#ifndef TD_STORE_GRANT_H
#define TD_STORE_GRANT_H

#include "store/db.h"

enum td_grant_kind { TD_GRANT_CODE, TD_GRANT_REFRESH, TD_GRANT_PRT, TD_GRANT_DEVICE_CODE, TD_GRANT_COUNT };

struct td_grant {
    unsigned char sha256[32];
    enum td_grant_kind kind;
    const char *tenant;
    const char *user_id; /* "" while a device code is not approved */
    const char *app_id;
    const char *device_id; /* "" unless a device's key stood behind it */
    const char *family;    /* one sign-in and all that came out of it */
    int64_t created_at, expires_at;
    int64_t used_at;        /* 0: never */
    const char *body;       /* JSON object text: what else the kind needs */
    struct td_slice sealed; /* session key of a primary refresh token, sealed; else empty */
};

/* created_at is the transaction's time. */
enum td_code td_grant_add(struct td_tx *tx, const struct td_grant *g, struct td_error *err) TD_MUST_USE;
/* TD_ENOTFOUND for unknown ones and for another kind; expired and used ones are returned: the caller judges. */
enum td_code td_grant_find(struct td_tx *tx, enum td_grant_kind kind, const unsigned char sha256[32],
                           struct td_arena *a, struct td_grant *ret, struct td_error *err) TD_MUST_USE;
/* Marks the first use; the row then ends at expires_at, if that is sooner. */
enum td_code td_grant_use(struct td_tx *tx, const struct td_grant *g, int64_t expires_at, struct td_error *err)
    TD_MUST_USE;
/* Everything of one sign-in is void. */
enum td_code td_grant_end_family(struct td_tx *tx, const char *tenant, const char *family, struct td_error *err)
    TD_MUST_USE;

/* Device codes: what the person types leads to the row; approval puts the user in (or body says "denied"). */
enum td_code td_user_code_add(struct td_tx *tx, const char *code, const unsigned char sha256[32], int64_t expires_at,
                              struct td_error *err) TD_MUST_USE;
enum td_code td_user_code_find(struct td_tx *tx, const char *code, struct td_arena *a, struct td_grant *ret,
                               struct td_error *err) TD_MUST_USE;
enum td_code td_device_code_approve(struct td_tx *tx, const struct td_grant *g, const char *tenant, const char *user_id,
                                    struct td_error *err) TD_MUST_USE;

/* TD_EEXISTS: used before. */
enum td_code td_nonce_burn(struct td_tx *tx, struct td_slice nonce, int64_t expires_at, struct td_error *err)
    TD_MUST_USE;

#endif
