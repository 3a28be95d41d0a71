#include "app/serve.h"

#include "api/authority.h"
#include "api/connector.h"
#include "api/token.h"
#include "app/doors.h"
#include "app/joblist.h"
#include "base/file.h"
#include "base/log.h"
#include "connect/ek_fetch.h"
#include "crypto/tpm.h"
#include "graph/throttle.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

enum { MAX_PEM = 1 << 20, MEMORY_KIB = 64 << 10, PASSES = 3 };

struct serving {
    const struct td_serve_config *config;
    const struct td_env *env;
    struct td_arena arena;
    struct td_service svc;
    struct td_operations operations;
    struct td_router router;
    struct td_server *server;
    struct td_ek_fetch ek_fetch;
    struct td_ek_links ek_links;
    struct td_connector_child *connector;
    char address[80], http_address[80];
};

static void end(struct serving *s)
{
    atomic_store(&s->operations.stopping, true);
    atomic_store(&s->operations.server, NULL); /* the store's thread outlives the server, and asks it for its load */
    td_connector_hub_stop(s->svc.connectors);
    td_server_stop(s->server);
    td_jobs_stop(s->svc.jobs);
    td_connector_hub_free(s->svc.connectors);
    td_g_throttle_free(s->svc.throttle);
    td_keyring_close(s->svc.keyring);
    td_authority_close(s->svc.authority);
    if (s->svc.ek_links != NULL)
        td_ek_links_done(s->svc.ek_links);
    td_store_close(s->svc.store);
    td_master_done(&s->svc.master);
    td_arena_done(&s->arena);
}

/* Every connection is a descriptor; what the system allows is taken. */
static void raise_files(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0)
        return;
    r.rlim_cur = r.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &r);
}

static void block_signals(sigset_t *ret)
{
    (void)sigemptyset(ret);
    (void)sigaddset(ret, SIGTERM);
    (void)sigaddset(ret, SIGINT);
    (void)sigaddset(ret, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, ret, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static int in_work(void *ctx)
{
    struct serving *s = ctx;
    const struct td_server *server = atomic_load(&s->operations.server);
    return server != NULL ? td_server_in_work(server) - td_connector_hub_waiting(s->svc.connectors) : 0;
}

/* Host names with the port, for links and for what is ours. */
static void set_names(struct serving *s)
{
    static const char *const always[] = {"localhost", "127.0.0.1", "[::1]"};
    const struct td_serve_config *c = s->config;
    const char *colon = strrchr(s->address, ':'), *port = strcmp(colon, ":443") == 0 ? "" : colon;
    const char **names = td_arena_array(&s->arena, const char *, c->name_count + TD_COUNTOF(always) + 1);
    size_t n = 0;
    for (size_t i = 0; i < c->name_count; i++) {
        bool ipv6 = strchr(c->names[i].host, ':') != NULL;
        names[n++] = td_arena_printf(&s->arena, ipv6 ? "[%s]%s" : "%s%s", c->names[i].host, colon);
    }
    for (size_t i = 0; i < TD_COUNTOF(always); i++)
        names[n++] = td_arena_printf(&s->arena, "%s%s", always[i], colon);
    s->svc.names = names;
    struct td_slice first = td_sub(td_str(names[0]), 0, strlen(names[0]) - strlen(colon));
    s->svc.base = td_arena_printf(&s->arena, "https://%.*s%s", TD_FMT(first), port);
}

/* RFC 5280 8: lists and OCSP are fetched without TLS where that is offered, for a check of TLS would go round in a
 * ring. */
static void set_http_base(struct serving *s)
{
    const struct td_serve_config *c = s->config;
    s->svc.http_base = c->http_base;
    if (c->http_base != NULL || s->http_address[0] == '\0')
        return;
    const char *colon = strrchr(s->http_address, ':'), *port = strcmp(colon, ":80") == 0 ? "" : colon;
    struct td_slice host = td_bytes(s->http_address, (size_t)(colon - s->http_address));
    bool everywhere = td_eqs(host, "0.0.0.0") || td_eqs(host, "[::]"), ipv6 = false;
    if (c->name_count != 0)
        host = td_str(c->names[0].host);
    else if (everywhere)
        host = TD_S("localhost");
    ipv6 = host.p[0] != '[' && td_find(host, ':') != SIZE_MAX;
    s->svc.http_base = td_arena_printf(&s->arena, ipv6 ? "http://[%.*s]%s" : "http://%.*s%s", TD_FMT(host), port);
}

static enum td_code open_service(struct serving *s, struct td_error *err)
{
    struct td_service *svc = &s->svc;
    svc->env = s->env;
    svc->password_cost = (struct td_password_cost){MEMORY_KIB, PASSES, 1};
    if (s->config->password_memory_kib != 0)
        svc->password_cost.memory_kib = (uint32_t)s->config->password_memory_kib;
    td_try(td_store_open(s->config->data, s->env, &svc->store, err));
    td_store_gather(svc->store, in_work, s);
    svc->data_dir = td_store_dir(svc->store);
    td_try(td_master_load(svc->data_dir, s->env, &svc->master, err));
    td_try(td_authority_open(svc, &svc->authority, err));
    td_try(td_keyring_open(svc, &svc->keyring, err));
    td_ek_fetch_init(&s->ek_fetch, s->config->makers);
    svc->ek_fetch = &s->ek_fetch;
    td_ek_links_init(&s->ek_links);
    svc->ek_links = &s->ek_links;
    s->operations.svc = svc;
    s->operations.metrics_token = s->config->metrics_token;
    s->operations.started = td_now(s->env);
    td_doors(svc, &s->operations, &s->arena, &s->router);
    return TD_OK;
}

static enum td_code read_pem(const char *path, struct td_arena *a, const char **ret, struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf text;
    td_buf_init(&text, MAX_PEM);
    td_try(td_file_read(path, &text, err));
    *ret = td_arena_text(a, td_buf_slice(&text));
    return TD_OK;
}

/* Our own certificate first: it is shown where no other has the name. */
static enum td_code load_certs(struct serving *s, struct td_arena *a, struct td_server_cert *certs, size_t *ret_count,
                               struct td_error *err)
{
    const struct td_serve_config *c = s->config;
    char *chain = NULL, *key = NULL;
    td_try(td_authority_server_pem(&s->svc, s->svc.names, a, &chain, &key, err));
    certs[0] = (struct td_server_cert){NULL, chain, key};
    for (size_t i = 0; i < c->cert_count; i++) {
        certs[i + 1].hosts = c->certs[i].hosts;
        td_try(read_pem(c->certs[i].chain, a, &certs[i + 1].chain, err));
        td_try(read_pem(c->certs[i].key, a, &certs[i + 1].key, err));
    }
    *ret_count = c->cert_count + 1;
    return TD_OK;
}

static void wipe_keys(const struct td_server_cert *certs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        td_wipe((char *)(uintptr_t)certs[i].key, strlen(certs[i].key));
}

static void log_request(void *ctx TD_UNUSED, const struct td_server_done *done)
{
    char path[256], status[16], took[24];
    (void)snprintf(path, sizeof(path), "%.*s", (int)TD_MIN(done->req->path.n, sizeof(path) - 1), done->req->path.p);
    (void)snprintf(status, sizeof(status), "%d", done->status);
    (void)snprintf(took, sizeof(took), "%lld", (long long)done->took_us);
    td_log(TD_DEBUG, "request", "path", path, "status", status, "us", took, "peer", done->req->peer->address, NULL);
}

static enum td_code start_server(struct serving *s, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    struct td_server_cert certs[TD_SERVE_MAX_CERTS + 1];
    size_t count = 0;
    td_arena_init(&a);
    td_try(load_certs(s, &a, certs, &count, err));
    const struct td_slice client_ca[] = {
        td_authority_intermediate(s->svc.authority, TD_PURPOSE_MANAGEMENT),
        td_authority_intermediate(s->svc.authority, TD_PURPOSE_DEVICE),
        td_authority_root(s->svc.authority),
    };
    struct td_server_config config = {
        .env = s->env,
        .router = &s->router,
        .limits = s->config->limits,
        .listen = s->address,
        .http = s->http_address[0] != '\0' ? s->http_address : NULL,
        .proxy = s->config->proxy,
        .names = s->config->names,
        .name_count = s->config->name_count,
        .base = s->svc.base,
        .certs = certs,
        .cert_count = count,
        .client_ca = client_ca,
        .client_ca_count = TD_COUNTOF(client_ca),
        .loops = s->config->loops,
        .workers = s->config->workers,
        .done = s->config->debug ? log_request : NULL,
    };
    config.proxy.trusted = s->config->trusted;
    enum td_code rc = td_server_start(&config, &s->server, err);
    wipe_keys(certs, count);
    atomic_store(&s->operations.server, s->server);
    return rc;
}

/* A certificate that can't be read leaves the old one in place. */
static void reload(struct serving *s)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    struct td_server_cert certs[TD_SERVE_MAX_CERTS + 1];
    struct td_error err;
    size_t count = 0;
    td_arena_init(&a);
    if (load_certs(s, &a, certs, &count, &err) != TD_OK || td_server_reload(s->server, certs, count, &err) != TD_OK)
        td_log_error(TD_ERROR, "serve.reload-failed", &err);
    else
        td_log(TD_INFO, "serve.reloaded", NULL);
    wipe_keys(certs, count);
}

/* Looks at the certificates twice a day by itself: ours is renewed long before its end. */
static void wait_for_end(struct serving *s, const sigset_t *signals)
{
    const struct timespec half_a_day = {INT64_C(12) * 3600, 0};
    int sig;
    do {
        sig = sigtimedwait(signals, NULL, &half_a_day);
        if (sig == SIGHUP || (sig < 0 && errno == EAGAIN))
            reload(s);
    } while (sig < 0 || sig == SIGHUP);
    td_log(TD_INFO, "serve.stopping", "signal", sig == SIGTERM ? "SIGTERM" : "SIGINT", NULL);
}

/* Its own service is called by localhost, unless that leads elsewhere. */
static enum td_code start_connector(struct serving *s, struct td_error *err)
{
    const char *address = td_server_address(s->server), *colon = strrchr(address, ':');
    struct td_slice host = td_bytes(address, (size_t)(colon - address));
    bool local = td_eqs(host, "0.0.0.0") || td_eqs(host, "127.0.0.1") || td_eqs(host, "[::]") || td_eqs(host, "[::1]");
    const char *server = local ? td_arena_printf(&s->arena, "https://localhost%s", colon) : s->svc.base;
    return td_connector_child_start(&s->svc, &s->config->connector, server, &s->connector, err);
}

static void lend(void *ctx, bool waits)
{
    struct serving *s = ctx;
    struct td_server *server = atomic_load(&s->operations.server);
    if (server != NULL)
        td_server_lend(server, waits);
}

static void job_failed(const char *name, const struct td_error *err)
{
    td_log_error(TD_ERROR, name, err);
}

enum td_code td_serve(const struct td_serve_config *config, const struct td_env *env,
                      void (*ready)(void *ctx, const char *https, const char *http), void *ctx, struct td_error *err)
{
    TD_CLEANUP(end) struct serving s = {.config = config, .env = env};
    sigset_t signals;
    if (config->debug)
        td_log_init(STDERR_FILENO, TD_DEBUG);
    block_signals(&signals); /* before the first thread is born */
    raise_files();
    td_arena_init(&s.arena);
    td_try(td_server_probe(config->listen, s.address, err));
    td_try(td_server_probe(config->http, s.http_address, err));
    set_names(&s);
    set_http_base(&s);
    td_try(open_service(&s, err));
    s.svc.throttle = td_g_throttle_new();
    s.svc.connectors = td_connector_hub_new(env);
    td_connector_hub_lend(s.svc.connectors, lend, &s);
    s.svc.jobs = td_jobs_start(&s.svc, td_job_list, td_job_count, job_failed);
    td_try(start_server(&s, err));
    td_try(start_connector(&s, err));
    td_log(TD_INFO, "serve.ready", "https", td_server_address(s.server), "http",
           td_server_http_address(s.server) != NULL ? td_server_http_address(s.server) : "", NULL);
    ready(ctx, td_server_address(s.server), td_server_http_address(s.server));
    wait_for_end(&s, &signals);
    td_connector_child_stop(TD_TAKE(s.connector)); /* what it is doing is still answered */
    atomic_store(&s.operations.stopping, true);
    atomic_store(&s.operations.server, NULL);
    td_connector_hub_stop(s.svc.connectors); /* else the server waits for the requests of connectors */
    td_server_stop(TD_TAKE(s.server));
    td_jobs_stop(TD_TAKE(s.svc.jobs));
    td_log(TD_INFO, "serve.stopped", NULL);
    return TD_OK;
}
