/* Between the files of connect/kerberos: the way to a KDC, and what its refusals mean. No libkrb5 here. */
#ifndef TD_CONNECT_KRB_ROOM_H
#define TD_CONNECT_KRB_ROOM_H

#include "connect/kerberos.h"

enum { TD_KRB_MESSAGE_MAX = 1 << 20, TD_KRB_SECONDS = 10 };

/* One request and its answer over TCP (RFC 4120 7.2.2), within r->seconds in all. TD_EUNAVAILABLE, 1355. */
enum td_code td_krb_exchange(const struct td_krb_realm *r, struct td_slice request, struct td_arena *a,
                             struct td_slice *ret, struct td_error *err) TD_MUST_USE;

enum td_krb_no { /* as in RFC 4120 7.5.9, the few that matter */
                 TD_KRB_NAME_EXPIRED = 1,
                 TD_KRB_CLIENT_UNKNOWN = 6,
                 TD_KRB_SERVER_UNKNOWN = 7,
                 TD_KRB_POLICY = 12,
                 TD_KRB_ETYPE = 14,
                 TD_KRB_CLIENT_REVOKED = 18,
                 TD_KRB_KEY_EXPIRED = 23,
                 TD_KRB_PREAUTH_FAILED = 24,
                 TD_KRB_BAD_INTEGRITY = 31,
                 TD_KRB_SKEW = 37,
                 TD_KRB_MODIFIED = 41,
                 TD_KRB_WRONG_REALM = 68
};
/* The NT status that Active Directory puts into e-data (KERB-ERROR-DATA, or a preauthentication datum of type 3): 0 if
 * there is none. */
uint32_t td_krb_status(struct td_slice e_data);
/* Windows' error for the cause: by the status where there is one, else by the protocol's number. */
uint32_t td_krb_win32(int number, uint32_t status);

#endif
