/* Applications: who may ask for tokens. The public clients of the contract stand in one table and are known in every
 * tenant from birth; what administrators add rests in the store. A secret is kept as SHA-256 and seen once, by its
 * maker. */
#ifndef TD_STORE_APPLICATION_H
#define TD_STORE_APPLICATION_H

#include "store/db.h"

struct td_application {
    const char *tenant;    /* "" for the built-in ones: the caller's tenant holds */
    const char *id;        /* client id, lower case */
    const char *principal; /* object id that its own tokens carry */
    const char *name;
    bool is_public; /* has no secret; signs users in only */
    bool broker;    /* may use the redirect addresses of Windows' token broker */
    bool enabled;
};

/* Built-in ones included. TD_ENOTFOUND. */
enum td_code td_application_find(struct td_tx *tx, const char *tenant, struct td_slice id, struct td_arena *a,
                                 struct td_application *ret, struct td_error *err) TD_MUST_USE;
/* Only those that were added. */
enum td_code td_application_list(struct td_tx *tx, const char *tenant, struct td_arena *a, struct td_application **ret,
                                 size_t *ret_count, struct td_error *err) TD_MUST_USE;
enum td_code td_application_add(struct td_tx *tx, const char *tenant, const char *name, bool is_public,
                                const char *actor, struct td_arena *a, struct td_application *ret, struct td_error *err)
    TD_MUST_USE;

/* https, or http on a loopback host, or an application's own scheme; no fragment, at most TD_REDIRECT_MAX octets. */
enum { TD_REDIRECT_MAX = 512 };
enum td_code td_redirect_check(struct td_slice uri, struct td_error *err) TD_MUST_USE;
enum td_code td_application_redirect_add(struct td_tx *tx, const struct td_application *app, const char *uri,
                                         const char *actor, struct td_error *err) TD_MUST_USE;
/* Registered to the letter; for public clients also http://localhost and http://127.0.0.1 on any port; for broker
 * clients Windows' own forms. TD_EDENIED. */
enum td_code td_application_redirect_ok(struct td_tx *tx, const char *tenant, const struct td_application *app,
                                        struct td_slice uri, struct td_error *err) TD_MUST_USE;

enum td_code td_application_role_add(struct td_tx *tx, const struct td_application *app, const char *role,
                                     const char *actor, struct td_error *err) TD_MUST_USE;
/* In any case. TD_ENOTFOUND. */
enum td_code td_application_role_remove(struct td_tx *tx, const struct td_application *app, const char *role,
                                        const char *actor, struct td_error *err) TD_MUST_USE;
/* A disabled one gets no tokens, and its tokens open nothing, from this transaction on. */
enum td_code td_application_enable(struct td_tx *tx, const struct td_application *app, bool enabled, const char *actor,
                                   struct td_error *err) TD_MUST_USE;
/* With everything that it was given. Only for those that were added. */
enum td_code td_application_remove(struct td_tx *tx, const struct td_application *app, const char *actor,
                                   struct td_error *err) TD_MUST_USE;
/* NULL-terminated. */
enum td_code td_application_roles(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                                  const char *const **ret, struct td_error *err) TD_MUST_USE;

enum td_code td_application_secret_add(struct td_tx *tx, const struct td_application *app,
                                       const unsigned char sha256[32], int64_t expires_at, const char *actor,
                                       struct td_error *err) TD_MUST_USE;
/* Before a new one takes the place of all. Whoever adds it tells. */
enum td_code td_application_secrets_end(struct td_tx *tx, const struct td_application *app, struct td_error *err)
    TD_MUST_USE;
/* The last moment that any secret holds, 0 without. */
enum td_code td_application_secret_until(struct td_tx *tx, const struct td_application *app, int64_t *ret,
                                         struct td_error *err) TD_MUST_USE;
/* TD_EAUTH wrong, TD_EEXPIRED right but too old. */
enum td_code td_application_secret_check(struct td_tx *tx, const char *tenant, const char *id,
                                         const unsigned char sha256[32], struct td_error *err) TD_MUST_USE;

/* Certificates that an application proves itself by: the public key is believed, whoever issued it. */
struct td_application_key {
    const char *tenant, *application;
    unsigned char thumb[32]; /* SHA-256 of the certificate */
    unsigned char thumb1[20];
    struct td_slice spki;
    int64_t not_after;
};
enum td_code td_application_key_add(struct td_tx *tx, const struct td_application_key *key, const char *actor,
                                    struct td_error *err) TD_MUST_USE;
/* thumb: 32 octets, or 20. TD_ENOTFOUND; expired ones are returned: the caller judges. Application ids are random, so
 * that this tells the tenant too. */
enum td_code td_application_key_find(struct td_tx *tx, const char *id, struct td_slice thumb, struct td_arena *a,
                                     struct td_application_key *ret, struct td_error *err) TD_MUST_USE;
/* thumb as above. TD_ENOTFOUND. */
enum td_code td_application_key_remove(struct td_tx *tx, const struct td_application *app, struct td_slice thumb,
                                       const char *actor, struct td_error *err) TD_MUST_USE;
/* Thumbs and dates, without the keys themselves. */
enum { TD_APPLICATION_KEYS = 64 };
enum td_code td_application_keys(struct td_tx *tx, const struct td_application *app, struct td_arena *a,
                                 struct td_application_key **ret, size_t *ret_count, struct td_error *err) TD_MUST_USE;
/* NULL-terminated. */
enum td_code td_application_redirects(struct td_tx *tx, const struct td_application *app, struct td_arena *a,
                                      const char *const **ret, struct td_error *err) TD_MUST_USE;

#endif
