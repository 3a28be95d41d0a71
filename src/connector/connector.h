/* The connector: a process near an Active Directory that calls out to the service, takes its work and does it there
 * with an account of little right. Several may serve one domain, one may serve several. It keeps nothing but its key
 * and its registration; whatever it was doing when it died is taken over by another. Wire format:
 * docs/protocol/connector.md.
 *
 * `touchdown connector run` is one; `touchdown serve` runs one as a child where its configuration says so. */
#ifndef TD_CONNECTOR_CONNECTOR_H
#define TD_CONNECTOR_CONNECTOR_H

#include "base/env.h"
#include "connect/ad.h"
#include "net/net.h"

#include <stdatomic.h>

struct td_connector_ad { /* one domain of the configuration */
    const char *domain;  /* "corp.test" */
    const char *urls[4]; /* ldaps://dc1.corp.test, tried in turn; NULL-terminated */
    const char *ca_file;
    const char *user;          /* bind name */
    const char *password_file; /* or: */
    const char *keytab;        /* with user as principal */
    const char *kdc;           /* for the keytab; NULL: the first URL's host */
    bool roots;                /* blobs carry the forest's roots */
};

struct td_connector_config {
    const char *dir;        /* DIR/key.pem, DIR/encryption.pem, DIR/connector.json: mode 0600 */
    const char *server;     /* https://... */
    struct td_slice ca_pem; /* what it trusts of the service */
    const char *code;       /* first start: the code that an administrator gave out; NULL afterwards */
    const char *name;       /* "" the host's */
    struct td_connector_ad domains[16];
    size_t domain_count;
    const char *version;
};

/* A connection of the connector's own account to one domain controller. */
struct td_connector_opened {
    struct td_ldap *ldap;
    char address[46]; /* IPv4 of the domain controller in text, "" unknown */
};

/* The world outside, so that it can be tried without one. All of it may be called from several threads at once.
 * Failures carry a reason of way/domain_join.h in err->where. */
struct td_connector_world {
    const struct td_env *env;
    /* Told once, before the first send: what it shows as TLS client (PEM). */
    enum td_code (*identify)(void *ctx, struct td_slice cert_pem, struct td_slice key_pem, struct td_error *err);
    /* url: one of ad->urls. The password file is read anew each time. */
    enum td_code (*open)(void *ctx, const struct td_connector_ad *ad, const char *url, struct td_connector_opened *ret,
                         struct td_error *err);
    /* Somebody else's password (connect/ad.h, td_ad_bind_fn), at the same domain controller. */
    enum td_code (*bind)(void *ctx, const struct td_connector_ad *ad, const char *url, const char *user,
                         const char *password, struct td_ldap_result *ret_why, struct td_error *err);
    enum td_code (*send)(void *ctx, const struct td_net_request *req, struct td_arena *a, struct td_net_response *ret,
                         struct td_error *err);
    void (*say)(void *ctx, const char *line); /* for the log: no secret */
    void *ctx;
};

/* Registers if it has not yet, then works until *stop. Ends with an error only for what waiting can't mend: the service
 * does not know it (any more), or its configuration is wrong. */
enum td_code td_connector_run(const struct td_connector_config *config, const struct td_connector_world *world,
                              atomic_bool *stop, struct td_error *err) TD_MUST_USE;
/* The same in one thread, for tests: all that is due at the world's time, and one call for work whose pieces are done
 * before it returns. */
struct td_connector_state;
enum td_code td_connector_open(const struct td_connector_config *config, const struct td_connector_world *world,
                               struct td_connector_state **ret, struct td_error *err) TD_MUST_USE;
enum td_code td_connector_round(struct td_connector_state *c, struct td_error *err) TD_MUST_USE;
void td_connector_close(struct td_connector_state *c); /* NULL is fine */

/* Names, addresses and files of a configuration: TD_EINVAL names the section and the key. */
enum td_code td_connector_config_check(const struct td_connector_config *config, struct td_error *err) TD_MUST_USE;

/* What `touchdown connector check` tells of one domain, line by line; ou: units (DN) in which it must be able to create
 * computers, NULL-terminated. The code is that of the first thing that is wrong. */
enum td_code td_connector_try(const struct td_connector_ad *ad, const struct td_connector_world *world,
                              const char *const *ou, void (*tell)(void *ctx, const char *line), void *ctx,
                              struct td_error *err) TD_MUST_USE;

/* The world as it is: libldap, libkrb5, libcurl. say gets lines for the log. config outlives it. */
struct td_connector_real;
struct td_connector_real *td_connector_real_new(const struct td_connector_config *config, const struct td_env *env,
                                                void (*say)(void *ctx, const char *line), void *say_ctx,
                                                struct td_connector_world *ret_world);
void td_connector_real_free(struct td_connector_real *r); /* NULL is fine */

#endif
