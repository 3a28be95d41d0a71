/* Kerberos for machines and users of an Active Directory: keytabs (krb_keytab.c), tickets (krb_ticket.c), proof of
 * passwords (krb_user.c). Those files and krb_talk.c alone include libkrb5; the device links it too. Which KDC is asked
 * is in `kdc`, never in the system's configuration: a context of its own per call. Source: domain-join-and-tpm.md 1.7,
 * 1.8. */
#ifndef TD_CONNECT_KERBEROS_H
#define TD_CONNECT_KERBEROS_H

#include "base/arena.h"
#include "base/err.h"

struct td_krb_realm {
    const char *realm; /* "CORP.TEST" */
    const char *kdc;   /* "dc1.corp.test" or an address, with ":port" if it is not 88; NULL: the realm's name in DNS,
                        * which is that of its domain controllers */
    int seconds;       /* for an answer; 0: 10 */
    int64_t now;       /* the clock that is told to the KDC (base/env.h); 0: the system's */
};

/* Why it was refused: struct td_error's hresult is the Windows code of the same cause (0x80070000 | 1326 wrong
 * password, 1330 expired, 1331 disabled, 1398 clock skew, 1907 must change, 1909 locked, 1355 no KDC, 2148 ...).
 * TD_EAUTH for all that the KDC says of the credential, TD_EUNAVAILABLE for no KDC. */

/* Writes the keys of principal ("PC-1$" or "host/pc-1.corp.test") into a keytab file (mode 0600), AES256 and AES128
 * with the salt given ("CORP.TESThostpc-1.corp.test"), and RC4, which needs none. kvno 0: unknown, written as 1.
 * Replaces the file atomically. */
enum td_code td_krb_keytab_write(const char *path, const char *const *principals, const char *realm, const char *salt,
                                 struct td_slice password, int kvno, struct td_error *err) TD_MUST_USE;
/* A ticket-granting ticket by keytab, into the cache named (NULL: only proven, kept nowhere). */
enum td_code td_krb_by_keytab(const struct td_krb_realm *r, const char *principal, const char *keytab,
                              const char *ccache, struct td_error *err) TD_MUST_USE;
/* A ticket for a service ("ldap/dc1.corp.test") beside the ticket-granting ticket in the cache: whoever uses the cache
 * then needs neither KDC nor configuration. */
enum td_code td_krb_service(const struct td_krb_realm *r, const char *ccache, const char *service, struct td_error *err)
    TD_MUST_USE;
/* A user's password at the machine's lock screen: right only if the KDC that said so also knows the machine's key
 * (against a false KDC). user_principal may be a UPN. ccache may be NULL. */
enum td_code td_krb_user(const struct td_krb_realm *r, const char *user_principal, struct td_slice password,
                         const char *machine_keytab, const char *machine_principal, const char *ccache,
                         struct td_error *err) TD_MUST_USE;

#endif
