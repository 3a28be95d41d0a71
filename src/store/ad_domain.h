/* What a tenant wants of each of its Active Directory domains, and how far their people and groups are taken over.
 * Which connectors serve a domain is in connector.h. Memory is the caller's arena. */
#ifndef TD_STORE_AD_DOMAIN_H
#define TD_STORE_AD_DOMAIN_H

#include "store/db.h"

enum { TD_AD_DOMAIN_MAX = 253, TD_AD_BASE_MAX = 500, TD_AD_SECONDS_MIN = 10, TD_AD_SECONDS_MAX = 86400 };
#define TD_AD_SECONDS 60 /* at first */

struct td_ad_domain_row {
    const char *domain;    /* DNS name, lower case */
    bool sign_in;          /* passwords of its people are checked there */
    bool sync;             /* its people and groups are taken over */
    const char *sync_base; /* DN, "" the whole domain */
    int sync_seconds;      /* 60 at first */
    const char *server;    /* invocation id that `usn` is of; "" none yet */
    uint64_t usn;
    int64_t synced_at;     /* end of the last run, 0 never */
    const char *connector; /* who told it last, "" nobody yet */
    int64_t heard_at;      /* ... and when */
    int64_t full_at;       /* end of the last run that named everybody */
    int64_t run;           /* number of the latest of those, ended or not */
};

/* Makes or changes what is wanted (the first five members). The domain becomes one of the tenant's, so that its people
 * can have names in it; TD_EEXISTS: it is another tenant's. Another base, or sync that begins again: everything is
 * asked for anew. */
enum td_code td_ad_domain_put(struct td_tx *tx, const char *tenant, const struct td_ad_domain_row *row,
                              const char *actor, struct td_error *err) TD_MUST_USE;
enum td_code td_ad_domain_find(struct td_tx *tx, const char *tenant, const char *domain, struct td_arena *a,
                               struct td_ad_domain_row *ret, struct td_error *err) TD_MUST_USE;
enum td_code td_ad_domain_list(struct td_tx *tx, const char *tenant, struct td_arena *a, struct td_ad_domain_row **ret,
                               size_t *ret_count, struct td_error *err) TD_MUST_USE;
/* Its people and groups stay, as accounts that nobody can sign in to: give them passwords, or remove them. */
enum td_code td_ad_domain_remove(struct td_tx *tx, const char *tenant, const char *domain, const char *actor,
                                 struct td_error *err) TD_MUST_USE;

struct td_ad_domain_counts {
    int64_t people, groups, refused;
};
enum td_code td_ad_domain_counts(struct td_tx *tx, const char *tenant, const char *domain,
                                 struct td_ad_domain_counts *ret, struct td_error *err) TD_MUST_USE;

#endif
