/* Between the files of device/domain. */
#ifndef TD_DEVICE_DOMAIN_ROOM_H
#define TD_DEVICE_DOMAIN_ROOM_H

#include "codec/sid.h"
#include "connect/kerberos.h"
#include "connect/ldap.h"
#include "device/domain.h"
#include "way/domain_join.h"

#define TD_DOMAIN_KEYTAB "machine.keytab"
#define TD_DOMAIN_CCACHE "machine.ccache"

/* "" if unset. */
const char *td_domain_get(const struct td_device *dev, const char *key);
/* "PC-1$" */
const char *td_domain_principal(const struct td_device *dev, struct td_arena *a);
/* The same failure of Kerberos as a reason: of the machine's ticket, or of a person's sign-in. */
enum td_code td_domain_refused(const struct td_error *why, bool person, struct td_error *err);

/* Waiting is over: not to be taken for a service that is away, which would be tried without end. */
enum td_code td_domain_over(const struct td_error *why, struct td_error *err);

/* td_domain_policies, whose failure is only told. */
void td_domain_list_policies(struct td_device *dev);

/* --- whom to ask: controllers.c ----------------------------------------------------------------------------------- */

struct td_domain_turn { /* begin with {.dev = ..., .a = ...} */
    struct td_device *dev;
    struct td_arena *a;        /* of its texts */
    const char *host;          /* whose turn it is; "": one of the domain's, without a name that is known */
    struct td_krb_realm realm; /* asked there */
    struct {
        const char *host, *kdc;
    } list[8];
    size_t count, at;
    bool all;    /* DNS was asked */
    bool silent; /* one was not there */
};
/* The next controller; why: what the one before said, NULL: nothing any more. false: there is none left. The first has
 * its turn always. Whoever is there and refuses is believed, and nobody after it is asked, unless one before it was not
 * there: another may not know of a new account yet. */
bool td_domain_next(struct td_domain_turn *t, const struct td_error *why);
/* It answered: the first to be asked from now on. */
void td_domain_answered(const struct td_domain_turn *t);
/* No controller of the domain was there. */
bool td_domain_nobody(const struct td_error *why);

/* A sealed connection by the machine's ticket to the next controller that takes one. Where what is done there ends in
 * TD_EUNAVAILABLE it may be called again for the one after it; none left: TD_EUNAVAILABLE, and err stays as it was. */
enum td_code td_domain_open(struct td_domain_turn *t, struct td_ldap **ret, struct td_error *err) TD_MUST_USE;
void td_domain_close(struct td_ldap **l);
const char *td_domain_dn(const struct td_device *dev, struct td_arena *a); /* "DC=corp,DC=test" */
/* Of a person, by user principal name or account name. */
enum td_code td_domain_sid_of(struct td_device *dev, struct td_ldap *l, const char *user, struct td_arena *a,
                              char ret[TD_SID_TEXT], struct td_error *err) TD_MUST_USE;

#endif
