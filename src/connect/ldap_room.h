/* Between the files of connect/ldap: one connection, its answers, its controls. Besides them nobody sees libldap. */
#ifndef TD_CONNECT_LDAP_ROOM_H
#define TD_CONNECT_LDAP_ROOM_H

#include "connect/ldap.h"

#include <ldap.h>

#define TD_LDAP_SD_FLAGS "1.2.840.113556.1.4.801"

enum { TD_LDAP_CONTROLS = 5 };

struct td_ldap_real {
    struct td_ldap base;
    LDAP *ld;
    int seconds;
    int64_t deadline;        /* of the operation that runs; monotonic */
    bool heard, late;        /* it said something at all; it did not answer in time */
    struct ldap_conncb told; /* libldap calls it as long as the connection lives */
};

static inline struct td_ldap_real *td_ldap_real_of(struct td_ldap *l)
{
    return (struct td_ldap_real *)l;
}

/* --- answers (ldap.c) --------------------------------------------------------------------------------------------- */

/* Before each operation: all that it waits for is bounded together. */
void td_ldap_begin(struct td_ldap_real *r);
/* Keeps the result of a call and makes the error of it. text: the server's, or NULL for what libldap has noted. */
enum td_code td_ldap_refused(struct td_ldap_real *r, int result, const char *text, const char *what,
                             struct td_error *err);
/* The next message of an operation, for as long as its deadline allows; the caller frees it. */
enum td_code td_ldap_next(struct td_ldap_real *r, int id, const char *what, LDAPMessage **ret, struct td_error *err)
    TD_MUST_USE;
/* The result message of an operation: TD_OK, or what it says. Frees it; ret_controls may be NULL. */
enum td_code td_ldap_judged(struct td_ldap_real *r, LDAPMessage *message, const char *what, LDAPControl ***ret_controls,
                            struct td_error *err) TD_MUST_USE;

/* --- controls (ldap.c) -------------------------------------------------------------------------------------------- */

struct td_ldap_controls {
    LDAPControl *list[TD_LDAP_CONTROLS]; /* NULL-terminated */
    int count;
};
void td_ldap_controls_done(struct td_ldap_controls *c);
void td_ldap_control_add(struct td_ldap_controls *c, const char *oid, struct berval *value);
/* The value is SEQUENCE { INTEGER }: parts of a security descriptor; the form of a DN's GUID (1: text). */
void td_ldap_control_number(struct td_ldap_controls *c, const char *oid, uint32_t number);

/* --- its other files ---------------------------------------------------------------------------------------------- */

/* ldap_search.c: td_ldap_ops.search. */
enum td_code td_ldap_real_search(struct td_ldap *l, const struct td_ldap_search *s, struct td_arena *a,
                                 enum td_code (*row)(void *ctx, const struct td_ldap_entry *e, struct td_error *err),
                                 void *ctx, struct td_error *err) TD_MUST_USE;
/* ldap_line.c: one host, no path, and never a password in clear. TD_EINVAL. */
enum td_code td_ldap_config_check(const struct td_ldap_config *c, struct td_error *err) TD_MUST_USE;
/* Connects, with a handshake where it is LDAPS; proves nothing yet. Also where it fails r->ld is the caller's. */
enum td_code td_ldap_reach(struct td_ldap_real *r, const struct td_ldap_config *c, struct td_error *err) TD_MUST_USE;

#endif
