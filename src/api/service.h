/* What the doors share: the store, the world, the keys. Made by app/serve, handed to every handler as its ctx. */
#ifndef TD_API_SERVICE_H
#define TD_API_SERVICE_H

#include "crypto/secret.h"
#include "http/http.h"
#include "store/db.h"

struct td_authority;     /* api/authority.h */
struct td_keyring;       /* api/token.h */
struct td_jobs;          /* api/jobs.h */
struct td_connector_hub; /* api/connector.h */
struct td_g_throttle;    /* graph/throttle.h */
struct td_ek_fetch;      /* connect/ek_fetch.h */
struct td_ek_links;      /* crypto/tpm.h */

struct td_service;
struct td_json;
struct td_connector_question;
typedef enum td_code td_connector_ask_fn(struct td_service *svc, const struct td_connector_question *q,
                                         struct td_arena *a, const struct td_json **ret, struct td_error *err);

struct td_service {
    struct td_store *store;
    const struct td_env *env;
    const char *data_dir;
    const char *base;         /* "https://localhost:8443": for links made without a request */
    const char *http_base;    /* "http://localhost:8080": of /pki/ and /ocsp without TLS, or NULL */
    const char *const *names; /* host names it serves under, with port, NULL-terminated */
    struct td_master master;
    struct td_password_cost password_cost;
    struct td_authority *authority;
    struct td_keyring *keyring;
    struct td_jobs *jobs;                /* NULL: nobody works behind the answers (tests, command line) */
    struct td_connector_hub *connectors; /* NULL: nobody waits for work or answers questions */
    td_connector_ask_fn *ask_connector;  /* NULL: td_connector_ask; tests answer in a connector's place */
    struct td_g_throttle *throttle;      /* NULL: calls are not counted */
    struct td_ek_links *ek_links;        /* NULL: makers' signatures are verified anew for every TPM */
    struct td_ek_fetch *ek_fetch;        /* NULL: makers' certificates are not fetched, whatever a tenant says */
};

/* True if the host is one of our names. Its port does not matter: links carry the port that the caller used, which
 * differs from ours behind a forwarded port, and tokens carry those links (contract section 2). */
bool td_service_is_ours(const struct td_service *svc, struct td_slice host);

#endif
