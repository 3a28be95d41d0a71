/* Between the files of connect/kerberos that know libkrb5: a context of one call, and what is asked within it. */
#ifndef TD_CONNECT_KRB_LIB_H
#define TD_CONNECT_KRB_LIB_H

#include "connect/kerberos.h"

#include <krb5/krb5.h>

struct td_krb_talk {
    const struct td_krb_realm *realm;
    krb5_context ctx;
    struct td_arena arena; /* wiped with it */
};

/* --- krb_talk.c --------------------------------------------------------------------------------------------------- */

/* td_krb_close behind it, also where it failed. */
enum td_code td_krb_open(const struct td_krb_realm *r, struct td_krb_talk *t, struct td_error *err) TD_MUST_USE;
void td_krb_close(struct td_krb_talk *t);
/* A failure of the library itself, which nobody has refused: TD_EINTERNAL. */
enum td_code td_krb_own_fault(krb5_context ctx, krb5_error_code code, const char *what, struct td_error *err);
/* TD_EAUTH with Windows' code of the cause; e_data as td_krb_status takes it. */
enum td_code td_krb_refused(struct td_krb_talk *t, krb5_error_code code, struct td_slice e_data, struct td_error *err);
/* The exchanges with the KDC that a request needs. */
enum td_code td_krb_ask_initial(struct td_krb_talk *t, krb5_init_creds_context request, struct td_error *err)
    TD_MUST_USE;
enum td_code td_krb_ask_service(struct td_krb_talk *t, krb5_tkt_creds_context request, struct td_error *err)
    TD_MUST_USE;

/* --- krb_ticket.c ------------------------------------------------------------------------------------------------- */

struct td_krb_proof { /* one of both */
    struct td_slice password;
    const char *keytab;
};
enum td_code td_krb_name(struct td_krb_talk *t, const char *name, krb5_principal *ret, struct td_error *err)
    TD_MUST_USE;
enum td_code td_krb_initial(struct td_krb_talk *t, const char *name, const struct td_krb_proof *p, krb5_creds *ret,
                            struct td_error *err) TD_MUST_USE;
enum td_code td_krb_service_ticket(struct td_krb_talk *t, krb5_ccache cc, krb5_principal client, const char *name,
                                   krb5_creds *ret, struct td_error *err) TD_MUST_USE;
/* Into the cache named; NULL: nowhere. */
enum td_code td_krb_keep(struct td_krb_talk *t, const char *ccache, krb5_creds *creds, struct td_error *err)
    TD_MUST_USE;

#endif
