/* The door where a device backs up the password of its managed local administrator (LAPS; csp.md 17), and the key to
 * what it brought. Our own protocol: docs/protocol/local-credential.md. The route stands in the join door
 * (api/join/join.c): a device proves itself there by the certificate of its directory join. */
#ifndef TD_API_LOCAL_CREDENTIAL_H
#define TD_API_LOCAL_CREDENTIAL_H

#include "api/service.h"
#include "store/local_credential.h"

enum { TD_LOCAL_CREDENTIAL_BODY = 4096 };

/* POST /EnrollmentServer/device/{id}/localcredential; ctx: struct td_service. */
void td_local_credential_post(void *ctx, struct td_http_request *req, struct td_http_reply *reply);

/* The password of a row, in the arena. TD_EFORMAT or TD_EAUTH: sealed under another master key. Rows that people will
 * see come from td_local_credential_read, which tells the audit. */
enum td_code td_local_credential_open(const struct td_master *master, const char *tenant, const char *device_id,
                                      const struct td_local_credential *c, struct td_arena *a, const char **ret,
                                      struct td_error *err) TD_MUST_USE;

#endif
