/* Tokens: what we sign and what we believe. RS256 with keys of the keyring (sealed in the store, JWKS served). */
#ifndef TD_API_TOKEN_H
#define TD_API_TOKEN_H

#include "api/service.h"
#include "codec/json.h"
#include "way/domain_join.h"

enum td_code td_keyring_open(struct td_service *svc, struct td_keyring **ret, struct td_error *err)
    TD_MUST_USE; /* makes the first key */
void td_keyring_close(struct td_keyring *k);

/* The services a token can be for; one table knows every audience text of each (contract section 4, and our own names).
 */
enum td_resource { TD_RESOURCE_DIRECTORY_JOIN, TD_RESOURCE_GRAPH, TD_RESOURCE_MANAGEMENT, TD_RESOURCE_COUNT };

struct td_claims { /* texts are "" when absent */
    const char *tenant, *oid, *upn, *name, *device_id, *app_id, *audience, *scope;
    const char *const *roles; /* NULL-terminated; directory roles of a user or application roles */
    bool device_only;         /* no user in it */
    int64_t expires;
};

/* Bearer token of a request to one of our services: signature, issuer, dates (5 min skew), audience, and, in the same
 * transaction, that its user and its device (where it names one) still exist and are enabled. TD_EAUTH / TD_EEXPIRED.
 */
enum td_code td_token_check(const struct td_service *svc, struct td_tx *tx, struct td_slice jwt,
                            enum td_resource resource, struct td_arena *a, struct td_claims *ret, struct td_error *err)
    TD_MUST_USE;

/* Tickets: short-lived signed notes from us to us (HS256 under a keyring secret), one kind never good for another.
 * "device": the lookup's proof that carries a registration into the join; "enrol": wresult of the federated page;
 * "content": download links. payload is a JSON object text; exp is added and checked. */
enum td_code td_ticket_make(const struct td_service *svc, const char *kind, const char *payload, int64_t lifetime_us,
                            struct td_arena *a, char **ret, struct td_error *err) TD_MUST_USE;
enum td_code td_ticket_open(const struct td_service *svc, const char *kind, struct td_slice ticket, struct td_arena *a,
                            const struct td_json **ret, struct td_error *err) TD_MUST_USE;

/* Nonces (srv_challenge, DRS nonce service): opaque, made without touching the store, good for ten minutes under every
 * tenant segment and every name of ours, and once across all processes: using one is a durable write of its own, so
 * that a request that fails later has burnt it all the same. TD_EAUTH not ours, TD_EEXPIRED too old, TD_ESTATE used
 * before. */
enum td_code td_nonce_make(const struct td_service *svc, struct td_arena *a, char **ret, struct td_error *err)
    TD_MUST_USE;
enum td_code td_nonce_use(const struct td_service *svc, struct td_slice nonce, struct td_error *err) TD_MUST_USE;

/* Sign-in by name and password for other doors (enrolment's OnPremise and its federated page): Argon2id outside any
 * transaction, lock-out counted; TD_EAUTH never tells which half was wrong, TD_ELIMIT locked for a while, TD_EDENIED
 * right password of a disabled user. The tenant follows from the name's domain: a door that stands for one tenant must
 * compare ret->tenant with it and refuse others.
 *
 * People of an Active Directory (store/directory_sync.h), known or not yet, are judged by their domain: a connector is
 * asked, which takes up to TD_CONNECTOR_ASK_SECONDS, and only "wrong" counts for the lock. What the domain has against
 * somebody is td_sign_in_reason; TD_EUNAVAILABLE: it could not be asked, which is never "wrong". Not inside a
 * transaction. */
struct td_signed_in {
    const char *tenant, *user_id, *upn, *name;
};
enum td_code td_sign_in(struct td_service *svc, struct td_slice upn, struct td_slice password, const char *address,
                        struct td_arena *a, struct td_signed_in *ret, struct td_error *err) TD_MUST_USE;
/* TD_DJ_OK if err is of anything else. */
enum td_domain_reason td_sign_in_reason(const struct td_error *err);

#endif
