/* LDAP as a function table, so that everything above it can be tried without a directory. The real one is libldap
 * (connect/ldap*.c alone include it): LDAPS by password, or plain LDAP sealed by GSSAPI (a credential cache of
 * connect/kerberos.h); never a password in clear. Not thread-safe: one connection, one thread at a time.
 * Sources: domain-join-and-tpm.md 1.3, 1.5, 1.8; RFC 4511. */
#ifndef TD_CONNECT_LDAP_H
#define TD_CONNECT_LDAP_H

#include "base/arena.h"
#include "base/err.h"

enum { TD_LDAP_MAX_VALUE = 1 << 20, TD_LDAP_MAX_ROWS = 100000 };

struct td_ldap_value {
    const char *name;              /* of the attribute, as it was asked for or is to be written */
    const struct td_slice *values; /* octets; texts are UTF-8 */
    size_t count;
};

struct td_ldap_entry {
    const char *dn;
    const struct td_ldap_value *attrs;
    size_t attr_count;
};

enum td_ldap_scope { TD_LDAP_BASE, TD_LDAP_ONE, TD_LDAP_SUBTREE };

struct td_ldap_search {
    const char *base, *filter; /* filter with values escaped by td_ldap_escape */
    enum td_ldap_scope scope;
    const char *const *attrs; /* NULL-terminated */
    bool deleted;             /* show deleted objects too (1.2.840.113556.1.4.417) */
    bool extended_dn;         /* DNs as values: "<GUID=...>;<SID=...>;CN=..." (1.2.840.113556.1.4.529) */
    uint32_t sd_flags;        /* not 0: parts of security descriptors wanted (1.2.840.113556.1.4.801); 4: the list */
    int page;                 /* rows a page (RFC 2696); 0: all at once */
    size_t max_rows;          /* 0: TD_LDAP_MAX_ROWS; more is TD_ELIMIT */
};

enum td_ldap_change_kind { TD_LDAP_ADD_VALUE, TD_LDAP_DELETE_VALUE, TD_LDAP_REPLACE };
struct td_ldap_change {
    enum td_ldap_change_kind kind;
    struct td_ldap_value value;
};

enum { TD_LDAP_CLOCK_SKEW = 1398 }; /* win32 of a ticket that two clocks do not agree on */

/* How a directory said no: its result code, and Active Directory's own ("data 52e", "00002071: ..."), 0 if none. */
struct td_ldap_result {
    int code;       /* RFC 4511; below 0: libldap's own (the server is gone, ...) */
    uint32_t win32; /* error behind it, by the diagnostic text */
    char text[256]; /* diagnostic text, printable */
};

struct td_ldap {
    const struct td_ldap_ops *ops;
    struct td_ldap_result last; /* of the last call that failed */
};
struct td_ldap_ops {
    /* row is called for each entry; another code than TD_OK ends the search with it. The entry lives in a; a NULL: as
     * long as row runs, for searches of many rows. TD_ENOTFOUND: no such base. */
    enum td_code (*search)(struct td_ldap *l, const struct td_ldap_search *s, struct td_arena *a,
                           enum td_code (*row)(void *ctx, const struct td_ldap_entry *e, struct td_error *err),
                           void *ctx, struct td_error *err);
    enum td_code (*add)(struct td_ldap *l, const char *dn, const struct td_ldap_value *attrs, size_t count,
                        struct td_error *err);
    /* Of nTSecurityDescriptor the access list alone is written, whatever else the value holds. */
    enum td_code (*modify)(struct td_ldap *l, const char *dn, const struct td_ldap_change *changes, size_t count,
                           struct td_error *err);
    enum td_code (*remove)(struct td_ldap *l, const char *dn, bool subtree, struct td_error *err);
    void (*close)(struct td_ldap *l); /* frees l */
};

struct td_ldap_config {
    const char *url;        /* ldaps://dc1.corp.test[:636], or ldap:// where ccache is set */
    struct td_slice ca_pem; /* anchors of LDAPS; nothing else is trusted */
    const char *user;       /* bind name: DN, UPN or DOMAIN\name */
    const char *password;   /* never empty */
    const char *ccache;     /* instead of both: "FILE:/path" or "MEMORY:name" */
    int seconds;            /* of each operation; 0: 10 */
};
/* TD_EUNAVAILABLE: no connection, no answer; TD_EDENIED: the server's certificate is not trusted, or is another's;
 * TD_EAUTH: the directory refused the credential (win32 in *ret_why says why: 1326, 1331, ...; 1398 clocks apart);
 * TD_EINVAL: an empty password (RFC 4513 5.1.2: that would be no proof), or one that would go in clear. ret_why may be
 * NULL. With ccache the cache must hold a ticket for ldap/HOST (td_krb_service), and the URL the host's name. */
enum td_code td_ldap_open(const struct td_ldap_config *config, struct td_ldap **ret, struct td_ldap_result *ret_why,
                          struct td_error *err) TD_MUST_USE;
void td_ldap_close(struct td_ldap *l); /* NULL is fine */

/* RFC 4515: any octets as a filter's value. RFC 4514: one as a DN's. */
char *td_ldap_escape(struct td_arena *a, struct td_slice value);
char *td_ldap_escape_dn(struct td_arena *a, struct td_slice value);
/* First value of an attribute (any case); {NULL,0} if absent. As text in the arena: NULL if absent. */
struct td_slice td_ldap_get(const struct td_ldap_entry *e, const char *name);
const struct td_ldap_value *td_ldap_attr(const struct td_ldap_entry *e, const char *name);
const char *td_ldap_text(const struct td_ldap_entry *e, const char *name, struct td_arena *a);
/* "data 52e" and "0000202B: ..." in a diagnostic text; 0 if there is none. */
uint32_t td_ldap_win32(const char *text);

#endif
