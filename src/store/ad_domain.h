/* What a tenant wants of each of its Active Directory domains, and how far their people and groups are taken over.
 * Which connectors serve a domain is in connector.h. Memory is the caller's arena. */
#ifndef TD_STORE_AD_DOMAIN_H
#define TD_STORE_AD_DOMAIN_H

#include "store/db.h"

struct td_ad_domain_row {
    const char *domain;    /* DNS name, lower case */
    bool sign_in;          /* passwords of its people are checked there */
    bool sync;             /* its people and groups are taken over */
    const char *sync_base; /* DN, "" the whole domain */
    int sync_seconds;      /* 60 at first */
    const char *server;    /* invocation id that `usn` is of; "" none yet */
    uint64_t usn;
    int64_t synced_at; /* end of the last run, 0 never */
};

enum td_code td_ad_domain_put(struct td_tx *tx, const char *tenant, const struct td_ad_domain_row *row,
                              const char *actor, struct td_error *err) TD_MUST_USE;
enum td_code td_ad_domain_find(struct td_tx *tx, const char *tenant, const char *domain, struct td_arena *a,
                               struct td_ad_domain_row *ret, struct td_error *err) TD_MUST_USE;
enum td_code td_ad_domain_list(struct td_tx *tx, const char *tenant, struct td_arena *a, struct td_ad_domain_row **ret,
                               size_t *ret_count, struct td_error *err) TD_MUST_USE;
enum td_code td_ad_domain_remove(struct td_tx *tx, const char *tenant, const char *domain, const char *actor,
                                 struct td_error *err) TD_MUST_USE;

#endif
