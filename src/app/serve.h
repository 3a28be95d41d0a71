/* `touchdown serve`: reads its configuration, opens store, authority and keys, wires all doors to the server, waits for
 * signals. SIGTERM and SIGINT end it (what was asked is answered first), SIGHUP reads the certificates again. */
#ifndef TD_APP_SERVE_H
#define TD_APP_SERVE_H

#include "app/connector_child.h"
#include "http/server.h"

enum { TD_SERVE_MAX_MAKERS = 32, TD_SERVE_MAX_NAMES = 32, TD_SERVE_MAX_CERTS = 16, TD_SERVE_MAX_TRUSTED = 32 };

struct td_serve_cert { /* a [certificate NAME] section: PEM files of an administrator's own */
    const char *section;
    const char *hosts[TD_SERVE_MAX_NAMES + 1];
    const char *chain, *key;
};

struct td_serve_config { /* texts live in the arena that they were read with */
    const char *data;
    const char *listen, *http;
    const char *http_base; /* where certificates say that their lists are; NULL: by http */
    struct td_server_name names[TD_SERVE_MAX_NAMES];
    size_t name_count;
    const char *metrics_token;
    bool debug; /* log-level: every request is logged, without its query */
    int loops, workers;
    int64_t password_memory_kib;
    struct td_http_limits limits;
    struct td_serve_cert certs[TD_SERVE_MAX_CERTS];
    size_t cert_count;
    struct td_server_proxy proxy; /* its networks are those below */
    struct td_network trusted[TD_SERVE_MAX_TRUSTED];
    const char
        *makers[TD_SERVE_MAX_MAKERS + 1]; /* "host[:port]" that connect/ek_fetch may reach whatever its address */
    size_t maker_count;
    struct td_connector_child_config connector;
};

void td_serve_config_init(struct td_serve_config *c);
/* An INI file (docs/tasks/serve.md); unknown keys and bad values are refused with section, key and reason. */
enum td_code td_serve_config_read(struct td_serve_config *c, const char *path, struct td_arena *a, struct td_error *err)
    TD_MUST_USE;
/* "HOST" or "HOST,people" */
enum td_code td_serve_config_name(struct td_serve_config *c, const char *name, struct td_arena *a, struct td_error *err)
    TD_MUST_USE;

/* Serves until a signal ends it. ready is called once with the addresses (http NULL: none). */
enum td_code td_serve(const struct td_serve_config *config, const struct td_env *env,
                      void (*ready)(void *ctx, const char *https, const char *http), void *ctx, struct td_error *err)
    TD_MUST_USE;

#endif
