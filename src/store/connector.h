/* Connectors to Active Directory: who may take work, what they serve, how they are. A connector is known by the key of
 * its certificate; it is made by a code that an administrator hands out once. Memory is the caller's arena.
 * Source: docs/protocol/connector.md. */
#ifndef TD_STORE_CONNECTOR_H
#define TD_STORE_CONNECTOR_H

#include "store/db.h"

enum { TD_CONNECTOR_NAME_MAX = 64, TD_CONNECTORS_MAX = 100, TD_CONNECTOR_DOMAINS_MAX = 16 };
#define TD_CONNECTOR_CODE_LIFE TD_DAY
#define TD_CONNECTOR_STALE (3 * TD_MINUTE) /* not heard of for so long: inactive */

struct td_connector {
    const char *tenant, *id, *name;
    unsigned char key_sha256[32];   /* of the SubjectPublicKeyInfo of its certificate */
    struct td_slice encryption_key; /* SubjectPublicKeyInfo, RSA: passwords go to it encrypted */
    const char *version;
    bool registered; /* else its code waits */
    bool enabled;
    int64_t created_at, last_contact; /* 0: never */
    const char **bound;               /* the domains that it alone may serve */
    size_t bound_count;               /* 0: any of its tenant */
};

/* One domain as one connector reports it. */
struct td_connector_domain {
    const char *connector_id, *domain; /* dns, lower case */
    const char *netbios, *dc, *site;
    const char *problem; /* name of a reason of way/domain_join.h, "" fine */
    const char *detail;
    int64_t reported_at;
    bool may; /* the connector may serve it; only read */
};

/* code: SHA-256 of what the administrator hands out. */
enum td_code td_connector_add(struct td_tx *tx, const char *tenant, const char *name, const unsigned char code[32],
                              const char *actor, struct td_arena *a, struct td_connector *ret, struct td_error *err)
    TD_MUST_USE;
/* Uses up the code; the same key with the same code again is the same connector (its answer was lost). */
enum td_code td_connector_register(struct td_tx *tx, const unsigned char code[32], const struct td_connector *what,
                                   struct td_arena *a, struct td_connector *ret, struct td_error *err) TD_MUST_USE;
/* Of any tenant: whose code it is. TD_ENOTFOUND nobody's (any more). ret_open: it can still be used. */
enum td_code td_connector_by_code(struct td_tx *tx, const unsigned char code[32], struct td_arena *a,
                                  struct td_connector *ret, bool *ret_open, struct td_error *err) TD_MUST_USE;
/* Of any tenant: this finds it. TD_EAUTH unknown, TD_EDENIED disabled. */
enum td_code td_connector_by_key(struct td_tx *tx, const unsigned char key_sha256[32], struct td_arena *a,
                                 struct td_connector *ret, struct td_error *err) TD_MUST_USE;
enum td_code td_connector_find(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                               struct td_connector *ret, struct td_error *err) TD_MUST_USE; /* id or name */
enum td_code td_connector_list(struct td_tx *tx, const char *tenant, struct td_arena *a, struct td_connector **ret,
                               size_t *ret_count, struct td_error *err) TD_MUST_USE;
enum td_code td_connector_enable(struct td_tx *tx, const char *tenant, const char *id, bool enabled, const char *actor,
                                 struct td_error *err) TD_MUST_USE;
enum td_code td_connector_remove(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                                 struct td_error *err) TD_MUST_USE;
/* Binds it to these domains alone, from this moment on: what it has in its hands of others goes to another connector.
 * None: to any domain of its tenant. */
enum td_code td_connector_bind(struct td_tx *tx, const char *tenant, const char *id, const char *const *domains,
                               size_t count, const char *actor, struct td_error *err) TD_MUST_USE;
/* Whatever a connector says or does about a domain goes by this. TD_EDENIED, with domain and remedy: it is bound, and
 * not to this one (domain: lower case). */
enum td_code td_connector_may(struct td_tx *tx, const char *tenant, const char *id, const char *domain,
                              struct td_error *err) TD_MUST_USE;
/* Labels of letters, digits, hyphens and underscores; lower case from here on. */
bool td_connector_domain_name(char *name) TD_MUST_USE;
/* It was heard of, and named domains that it may not serve: they are shown as its problem NotBound, and all that it
 * said of others is as before. */
enum td_code td_connector_refused(struct td_tx *tx, const char *tenant, const char *id, const char *version,
                                  const struct td_connector_domain *domains, size_t count, struct td_error *err)
    TD_MUST_USE;
/* It was heard of, with its domains (NULL: as before). A change of a domain's problem is an event. */
enum td_code td_connector_seen(struct td_tx *tx, const char *tenant, const char *id, const char *version,
                               const struct td_connector_domain *domains, size_t count, struct td_error *err)
    TD_MUST_USE;
enum td_code td_connector_domains(struct td_tx *tx, const char *tenant, struct td_arena *a,
                                  struct td_connector_domain **ret, size_t *ret_count, struct td_error *err)
    TD_MUST_USE;
/* How it does at a moment, by what it reports of its domains (of all connectors: the others' are passed over). Failing:
 * it was heard of lately, and a domain has a problem. */
enum td_connector_state {
    TD_CONNECTOR_WAITING, /* its code was not used yet */
    TD_CONNECTOR_ACTIVE,
    TD_CONNECTOR_FAILING,
    TD_CONNECTOR_INACTIVE,
    TD_CONNECTOR_DISABLED
};
enum td_connector_state td_connector_state(const struct td_connector *c, const struct td_connector_domain *domains,
                                           size_t count, int64_t now);
const char *td_connector_state_word(enum td_connector_state state); /* "waiting", ... */
/* Does one that may, and was heard of lately, serve it? */
enum td_code td_connector_serves(struct td_tx *tx, const char *tenant, const char *domain, bool *ret,
                                 struct td_error *err) TD_MUST_USE;
/* The domains that it is to serve now: those it reports and may serve, but one with a problem only where no other
 * connector that was heard of lately serves it without. */
enum td_code td_connector_duties(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                                 const char ***ret, size_t *ret_count, struct td_error *err) TD_MUST_USE;
/* Ids of those that may be asked about the domain: enabled, not bound to others, and it is among what they report. */
enum td_code td_connector_able(struct td_tx *tx, const char *tenant, const char *domain, struct td_arena *a,
                               const char ***ret, size_t *ret_count, struct td_error *err) TD_MUST_USE;
/* Does another one than this serve the domain without a problem? */
enum td_code td_connector_other(struct td_tx *tx, const char *tenant, const char *id, const char *domain, bool *ret,
                                struct td_error *err) TD_MUST_USE;

/* Of all tenants, each connector once: failing are those that were heard of and report a problem. */
struct td_connector_counts {
    int64_t active, inactive, failing, disabled, waiting; /* waiting: their code was not used yet */
};
enum td_code td_connector_counts(struct td_tx *tx, struct td_connector_counts *ret, struct td_error *err) TD_MUST_USE;

#endif
