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
/* The realm, asked at the controller that the blob names; other: at whichever the domain's name leads to. */
struct td_krb_realm td_domain_realm(const struct td_device *dev, bool other);
/* The same failure of Kerberos as a reason: of the machine's ticket, or of a person's sign-in. */
enum td_code td_domain_refused(const struct td_error *why, bool person, struct td_error *err);

/* td_domain_policies, whose failure is only told. */
void td_domain_list_policies(struct td_device *dev);

/* A sealed connection to the controller by the machine's ticket, and the machine's own object. */
enum td_code td_domain_open(struct td_device *dev, struct td_arena *a, struct td_ldap **ret, struct td_error *err)
    TD_MUST_USE;
void td_domain_close(struct td_ldap **l);
const char *td_domain_dn(const struct td_device *dev, struct td_arena *a); /* "DC=corp,DC=test" */
/* Of a person, by user principal name or account name. */
enum td_code td_domain_sid_of(struct td_device *dev, struct td_ldap *l, const char *user, struct td_arena *a,
                              char ret[TD_SID_TEXT], struct td_error *err) TD_MUST_USE;

#endif
