/* What is done at an Active Directory, on top of connect/ldap.h: facts of the domain, computer accounts, passwords of
 * its people, and what changed since. No network of its own; every function can be run against a directory made of
 * tables. Failures carry a reason of way/domain_join.h in err->where (td_domain_join_by_name) and its code in hresult.
 * Sources: domain-join-and-tpm.md 1.5, 1.8. */
#ifndef TD_CONNECT_AD_H
#define TD_CONNECT_AD_H

#include "base/env.h"
#include "codec/odj.h"
#include "connect/ldap.h"
#include "way/domain_join.h"

struct td_ad_domain { /* read, not configured */
    const char *dn;   /* DC=corp,DC=test */
    const char *dns, *netbios, *forest, *realm;
    struct td_sid sid;
    unsigned char guid[16];
    const char *dc_name;               /* dc1.corp.test */
    const char *dc_address;            /* IPv4 in text; "" unknown */
    const char *dc_site, *client_site; /* "" unknown */
    const char *config_dn;
    const char *invocation_id; /* of the server that answers: change numbers are its own */
    uint64_t highest_usn;
    int64_t clock;                   /* currentTime of the server, wall clock */
    const struct td_odj_part *parts; /* further parts of blobs (td_ad_roots); td_ad_facts knows none */
    size_t part_count;
};
enum td_code td_ad_facts(struct td_ldap *l, const char *dc_address, struct td_arena *a, struct td_ad_domain *ret,
                         struct td_error *err) TD_MUST_USE;

/* Clocks more than five minutes apart: no ticket is good (RFC 4120 1.6). ClockSkew. */
#define TD_AD_CLOCK_SKEW (5 * TD_MINUTE)
enum td_code td_ad_clock(const struct td_ad_domain *d, int64_t now, struct td_error *err) TD_MUST_USE;

/* An account for a device. mark is written into the account's description ("Touchdown REGISTRATION JOB ATTEMPT"): by
 * it another connector that takes over finds what the first one made, and no account is made twice or left over. */
struct td_ad_computer_wish {
    const char *name;           /* without '$' */
    const char *ou;             /* DN; "" the domain's default container for computers */
    enum td_domain_reuse reuse; /* of an account of this name that is there: own: made for this registration */
    const char *registration, *job;
    int64_t attempt;
    const char *password; /* 120 random characters, made by the caller, wiped by it */
};
struct td_ad_computer {
    const char *dn, *name, *dns_name;
    struct td_sid sid;
    uint32_t rid;
    char guid[37];
    bool existed; /* reused */
    bool enabled;
    const struct td_slice *certificates; /* userCertificate */
    size_t certificate_count;
};
/* a: to be wiped by its owner, since the password passes through it. Search before add; what is taken over changes mark
 * and password in one modification that fails if another attempt came in between (reason Superseded). */
enum td_code td_ad_computer_make(struct td_ldap *l, const struct td_ad_domain *d, const struct td_ad_computer_wish *w,
                                 struct td_arena *a, struct td_ad_computer *ret, struct td_error *err) TD_MUST_USE;
/* By objectGUID. TD_ENOTFOUND. */
enum td_code td_ad_computer_find(struct td_ldap *l, const struct td_ad_domain *d, const char *guid, struct td_arena *a,
                                 struct td_ad_computer *ret, struct td_error *err) TD_MUST_USE;
enum td_code td_ad_computer_disable(struct td_ldap *l, const struct td_ad_domain *d, const char *guid,
                                    struct td_error *err) TD_MUST_USE;
enum td_code td_ad_computer_delete(struct td_ldap *l, const struct td_ad_domain *d, const char *guid,
                                   struct td_error *err) TD_MUST_USE;
/* The forest's roots (its enterprise certification authorities) as a part for blobs; at most TD_ODJ_ROOTS_MAX of them
 * and 24 KiB in all. *ret_any false: there are none, or the account may not see them. */
enum td_code td_ad_roots(struct td_ldap *l, const struct td_ad_domain *d, struct td_arena *a, struct td_odj_part *ret,
                         bool *ret_any, struct td_error *err) TD_MUST_USE;
/* The blob for an account that was just made. */
enum td_code td_ad_blob(const struct td_ad_domain *d, const struct td_ad_computer *c, const char *password,
                        struct td_buf *out, struct td_error *err) TD_MUST_USE;

/* A person or a group. */
struct td_ad_object {
    char guid[37];
    const char *sid;                     /* text */
    const char *kind;                    /* "user", "group" */
    const char *upn, *sam, *name, *mail; /* "" if absent; upn: userPrincipalName, else sam@dns */
    bool enabled, deleted;
    bool is_security;           /* group */
    const char *const *members; /* objectGUIDs of a group's members that are in the domain, NULL-terminated */
    uint64_t usn;
};
/* Is the password right, by a bind of its own (open: td_ldap_open or a stand-in)? TD_EAUTH with the reason (wrong,
 * disabled, must change, expired, locked, ...). ret: who it is, read by the service's own connection. */
typedef enum td_code td_ad_bind_fn(void *ctx, const char *user, const char *password, struct td_ldap_result *ret_why,
                                   struct td_error *err);
enum td_code td_ad_password(struct td_ldap *l, const struct td_ad_domain *d, const char *upn, const char *password,
                            td_ad_bind_fn *bind, void *bind_ctx, struct td_arena *a, struct td_ad_object *ret,
                            struct td_error *err) TD_MUST_USE;

/* People and groups changed from change number `from` on (0: all), below base ("" the domain); deleted ones too, where
 * the account may see them. each is called once an object. *ret_usn: to go on from. */
struct td_ad_changes {
    const char *base;
    uint64_t from;
};
enum td_code td_ad_changed(struct td_ldap *l, const struct td_ad_domain *d, const struct td_ad_changes *c,
                           struct td_arena *a,
                           enum td_code (*each)(void *ctx, const struct td_ad_object *o, struct td_error *err),
                           void *ctx, uint64_t *ret_usn, struct td_error *err) TD_MUST_USE;

/* Those who are there now, by objectGUID as stored: people and groups below base ("" the domain). */
enum td_code td_ad_present(struct td_ldap *l, const struct td_ad_domain *d, const char *base,
                           void (*each)(void *ctx, const unsigned char guid[16]), void *ctx, struct td_error *err)
    TD_MUST_USE;

#endif
