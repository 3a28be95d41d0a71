/* Passwords of the managed local administrator (LAPS), as devices back them up: by directory device, newest first.
 *
 * They come in sealed and leave sealed (api/local_credential.h has the key). Who reads one is told to the audit, each
 * time. A device keeps its newest password and TD_LOCAL_CREDENTIAL_HISTORY before it. Sources: csp.md 17, graph-api.md
 * (deviceLocalCredentialInfo); docs/protocol/local-credential.md. */
#ifndef TD_STORE_LOCAL_CREDENTIAL_H
#define TD_STORE_LOCAL_CREDENTIAL_H

#include "store/db.h"

enum { TD_LOCAL_CREDENTIAL_HISTORY = 5, TD_LOCAL_CREDENTIAL_MAX = 256 /* octets of account, sid or password */ };

struct td_local_credential { /* texts are never NULL */
    const char *id;          /* rises with time; bound into the seal */
    const char *account, *sid;
    struct td_slice sealed;
    int64_t backed_up_at; /* filled by put */
    int64_t expires_at;   /* when the device will change it by itself; 0: not told */
};

/* id is the caller's (td_uuid_rising), since the seal carries it. */
enum td_code td_local_credential_put(struct td_tx *tx, const char *tenant, const char *device_id,
                                     const struct td_local_credential *c, struct td_error *err) TD_MUST_USE;
/* Newest first; none is TD_OK with count 0. Nobody is told: only for what shows no password. */
enum td_code td_local_credential_list(struct td_tx *tx, const char *tenant, const char *device_id, struct td_arena *a,
                                      struct td_local_credential **ret, size_t *ret_count, struct td_error *err)
    TD_MUST_USE;
/* The same for somebody who will see them: tells the audit who and whose. TD_ENOTFOUND: none is kept. */
enum td_code td_local_credential_read(struct td_tx *tx, const char *tenant, const char *device_id, const char *actor,
                                      struct td_arena *a, struct td_local_credential **ret, size_t *ret_count,
                                      struct td_error *err) TD_MUST_USE;
/* All of a device are destroyed; *ret_count (may be NULL) tells how many. */
enum td_code td_local_credential_forget(struct td_tx *tx, const char *tenant, const char *device_id, size_t *ret_count,
                                        struct td_error *err) TD_MUST_USE;

#endif
