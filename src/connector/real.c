/* The world of a connector as it is: libldap, libkrb5 and libcurl behind their headers. */
#include "base/file.h"
#include "connect/kerberos.h"
#include "connector/room.h"
#include "crypto/digest.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <unistd.h>

enum { NETS = 16, MAX_SECRET = 4096, MAX_PEM = 1 << 20, OPERATION_SECONDS = 10, CALL_SECONDS = 40 };
#define REFUSED_FOR (5 * TD_MINUTE)

/* A password that a domain has refused is not shown to it again and again: that would lock the account. */
struct refused {
    unsigned char digest[32];
    int64_t until;
};

struct td_connector_real {
    const struct td_connector_config *config;
    const struct td_env *env;
    void (*say)(void *ctx, const char *line);
    void *say_ctx;
    struct td_buf cert, key;
    char agent[64];
    pthread_mutex_t lock;
    struct td_net *idle[NETS];
    size_t idle_count;
    unsigned caches;
    struct refused refused[TD_CONNECTOR_DOMAINS];
};

/* --- the service -------------------------------------------------------------------------------------------------- */

static enum td_code identify(void *ctx, struct td_slice cert_pem, struct td_slice key_pem,
                             struct td_error *err TD_UNUSED)
{
    struct td_connector_real *r = ctx;
    td_buf_reset(&r->cert);
    td_buf_reset(&r->key);
    td_buf_add(&r->cert, cert_pem);
    td_buf_add(&r->key, key_pem);
    return TD_OK;
}

static enum td_code borrow(struct td_connector_real *r, struct td_net **ret, struct td_error *err)
{
    const struct td_net_config config = {
        .ca_pem = r->config->ca_pem,
        .client_pem = td_buf_slice(&r->cert),
        .client_key = td_buf_slice(&r->key),
        .user_agent = r->agent,
        .timeout_seconds = CALL_SECONDS,
        .max_body = TD_CONNECTOR_BODY,
    };
    struct td_net *net = NULL;
    (void)pthread_mutex_lock(&r->lock);
    if (r->idle_count != 0)
        net = r->idle[--r->idle_count];
    (void)pthread_mutex_unlock(&r->lock);
    if (net == NULL)
        td_try(td_net_new(&config, &net, err));
    *ret = net;
    return TD_OK;
}

static void give_back(struct td_connector_real *r, struct td_net *net)
{
    (void)pthread_mutex_lock(&r->lock);
    if (r->idle_count < NETS)
        r->idle[r->idle_count++] = TD_TAKE(net);
    (void)pthread_mutex_unlock(&r->lock);
    td_net_free(net);
}

static enum td_code send_request(void *ctx, const struct td_net_request *req, struct td_arena *a,
                                 struct td_net_response *ret, struct td_error *err)
{
    struct td_connector_real *r = ctx;
    struct td_net *net = NULL;
    td_try(borrow(r, &net, err));
    enum td_code rc = td_net_do(net, req, a, ret, err);
    give_back(r, net);
    return rc;
}

/* --- the directory ------------------------------------------------------------------------------------------------ */

static enum td_code read_small(const char *path, size_t max, struct td_buf *out, struct td_error *err)
{
    td_buf_init(out, max);
    enum td_code rc = td_file_read(path, out, err);
    if (rc == TD_OK)
        return TD_OK;
    char why[128];
    (void)snprintf(why, sizeof(why), "%.110s can't be read", path);
    return td_domain_refuse(err, TD_DJ_SERVICE_PASSWORD, why);
}

static enum td_code no_root(const char *path, struct td_error *err)
{
    char why[160];
    (void)snprintf(why, sizeof(why), "the domain controllers' root, %.110s, can't be read", path);
    return td_domain_refuse(err, TD_DJ_UNTRUSTED, why);
}

/* "ldaps://dc1.corp.test:636/" to "dc1.corp.test" */
static void host_of(const char *url, char *ret, size_t size)
{
    const char *host = strstr(url, "://");
    host = host != NULL ? host + 3 : url;
    (void)snprintf(ret, size, "%.*s", (int)strcspn(host, ":/"), host);
}

static void address_of(const char *host, char ret[46])
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *list = NULL;
    ret[0] = '\0';
    if (getaddrinfo(host, NULL, &hints, &list) != 0)
        return;
    (void)inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)list->ai_addr)->sin_addr, ret, 46);
    freeaddrinfo(list);
}

/* How the directory or its KDC refused the connector's own account. */
static enum td_code refuse_service(enum td_code rc, uint32_t win32, struct td_error *err)
{
    char text[sizeof(err->text)];
    (void)snprintf(text, sizeof(text), "%s", td_conn_detail(err));
    const struct td_domain_reason_row *known = td_domain_reason_by_name(err->where);
    if (known != NULL && known->reason >= TD_DJ_NO_DC && known->reason <= TD_DJ_REFUSED)
        return rc;
    if ((rc == TD_EDENIED && strcmp(err->where, "certificate") == 0) || strcmp(err->where, "ca") == 0)
        return td_domain_refuse(err, TD_DJ_UNTRUSTED, text);
    if (strcmp(err->where, "keytab") == 0)
        return td_domain_refuse(err, TD_DJ_SERVICE_PASSWORD, text);
    if (rc == TD_EUNAVAILABLE && win32 != TD_LDAP_CLOCK_SKEW)
        return td_domain_refuse(err, TD_DJ_NO_DC, text);
    return td_domain_refuse(
        err, rc == TD_EAUTH || win32 == TD_LDAP_CLOCK_SKEW ? td_domain_reason_of_bind(win32, true) : TD_DJ_REFUSED,
        text);
}

/* By name: whoever tries the addresses one by one does it with a copy. */
static size_t domain_of(const struct td_connector_real *r, const struct td_connector_ad *ad)
{
    size_t i = 0;
    while (i + 1 < r->config->domain_count && strcmp(r->config->domains[i].domain, ad->domain) != 0)
        i++;
    return i;
}

static bool was_refused(struct td_connector_real *r, size_t domain, const unsigned char digest[32])
{
    (void)pthread_mutex_lock(&r->lock);
    const struct refused *old = &r->refused[domain];
    bool yes = td_now(r->env) < old->until && memcmp(old->digest, digest, sizeof(old->digest)) == 0;
    (void)pthread_mutex_unlock(&r->lock);
    return yes;
}

static void keep_refused(struct td_connector_real *r, size_t domain, const unsigned char digest[32])
{
    (void)pthread_mutex_lock(&r->lock);
    r->refused[domain].until = td_now(r->env) + REFUSED_FOR;
    memcpy(r->refused[domain].digest, digest, sizeof(r->refused[domain].digest));
    (void)pthread_mutex_unlock(&r->lock);
}

static enum td_code by_password(struct td_connector_real *r, const struct td_connector_ad *ad, const char *url,
                                struct td_ldap **ret, struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf ca = {0};
    TD_CLEANUP(td_buf_wipe) struct td_buf secret = {0};
    struct td_ldap_result why = {0};
    unsigned char digest[32];
    if (read_small(ad->ca_file, MAX_PEM, &ca, err) != TD_OK)
        return no_root(ad->ca_file, err);
    td_try(read_small(ad->password_file, MAX_SECRET, &secret, err));
    while (secret.n != 0 && (secret.p[secret.n - 1] == '\n' || secret.p[secret.n - 1] == '\r'))
        secret.p[--secret.n] = '\0';
    if (secret.n == 0 || strlen(secret.p) != secret.n)
        return td_domain_refuse(err, TD_DJ_SERVICE_PASSWORD, "the password file is empty or holds a zero");
    td_sha256(td_buf_slice(&secret), digest);
    if (was_refused(r, domain_of(r, ad), digest))
        return td_domain_refuse(err, TD_DJ_SERVICE_PASSWORD,
                                "refused lately; the same password is tried again after five minutes");
    const struct td_ldap_config config = {
        .url = url, .ca_pem = td_buf_slice(&ca), .user = ad->user, .password = secret.p, .seconds = OPERATION_SECONDS};
    enum td_code rc = td_ldap_open(&config, ret, &why, err);
    if (rc == TD_OK)
        return TD_OK;
    rc = refuse_service(rc, why.win32, err);
    if (strcmp(err->where, td_domain_reason_row(TD_DJ_SERVICE_PASSWORD)->name) == 0)
        keep_refused(r, domain_of(r, ad), digest);
    return rc;
}

static enum td_code with_ticket(const struct td_connector_real *r, const struct td_connector_ad *ad, const char *url,
                                const char *ccache, struct td_ldap **ret, struct td_error *err)
{
    char host[256], realm[256], principal[256], service[300];
    struct td_ldap_result why = {0};
    host_of(url, host, sizeof(host));
    (void)snprintf(realm, sizeof(realm), "%s", ad->domain);
    for (char *p = realm; *p != '\0'; p++)
        *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
    (void)snprintf(principal, sizeof(principal), "%.*s", (int)strcspn(ad->user, "@"), ad->user);
    const struct td_krb_realm at = {
        .realm = realm, .kdc = ad->kdc != NULL ? ad->kdc : host, .seconds = OPERATION_SECONDS, .now = td_now(r->env)};
    enum td_code rc = td_krb_by_keytab(&at, principal, ad->keytab, ccache, err);
    (void)snprintf(service, sizeof(service), "ldap/%s", host);
    if (rc == TD_OK) /* else the library would look for a KDC by the system's configuration */
        rc = td_krb_service(&at, ccache, service, err);
    if (rc != TD_OK)
        return refuse_service(rc, err->hresult & 0xFFFF, err);
    const struct td_ldap_config config = {.url = url, .ccache = ccache, .seconds = OPERATION_SECONDS};
    rc = td_ldap_open(&config, ret, &why, err);
    return rc == TD_OK ? TD_OK : refuse_service(rc, why.win32, err);
}

static enum td_code by_keytab(struct td_connector_real *r, const struct td_connector_ad *ad, const char *url,
                              struct td_ldap **ret, struct td_error *err)
{
    char path[512], ccache[520];
    (void)pthread_mutex_lock(&r->lock);
    unsigned n = r->caches++;
    (void)pthread_mutex_unlock(&r->lock);
    (void)snprintf(path, sizeof(path), "%.400s/ticket-%u-%u", r->config->dir, (unsigned)getpid(), n);
    (void)snprintf(ccache, sizeof(ccache), "FILE:%s", path);
    enum td_code rc = with_ticket(r, ad, url, ccache, ret, err);
    (void)unlink(path);
    return rc;
}

static enum td_code open_directory(void *ctx, const struct td_connector_ad *ad, const char *url,
                                   struct td_connector_opened *ret, struct td_error *err)
{
    struct td_error why = {0};
    char host[256];
    enum td_code rc =
        ad->keytab != NULL ? by_keytab(ctx, ad, url, &ret->ldap, &why) : by_password(ctx, ad, url, &ret->ldap, &why);
    if (rc != TD_OK) {
        *err = why;
        return rc;
    }
    host_of(url, host, sizeof(host));
    address_of(host, ret->address);
    return TD_OK;
}

/* A person's password: always over TLS, also where the connector itself comes with a ticket. */
static enum td_code bind_person(void *ctx TD_UNUSED, const struct td_connector_ad *ad, const char *url,
                                const char *user, const char *password, struct td_ldap_result *ret_why,
                                struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf ca = {0};
    char host[256], secure[300];
    struct td_ldap *l = NULL;
    if (ad->ca_file == NULL || read_small(ad->ca_file, MAX_PEM, &ca, err) != TD_OK)
        return td_domain_refuse(err, TD_DJ_UNTRUSTED,
                                "passwords are checked over LDAPS: the configuration needs a readable ca");
    host_of(url, host, sizeof(host));
    (void)snprintf(secure, sizeof(secure), "ldaps://%.250s", host);
    const struct td_ldap_config config = {.url = ad->keytab != NULL ? secure : url,
                                          .ca_pem = td_buf_slice(&ca),
                                          .user = user,
                                          .password = password,
                                          .seconds = OPERATION_SECONDS};
    enum td_code rc = td_ldap_open(&config, &l, ret_why, err);
    td_ldap_close(l);
    return rc;
}

static void say(void *ctx, const char *line)
{
    struct td_connector_real *r = ctx;
    r->say(r->say_ctx, line);
}

struct td_connector_real *td_connector_real_new(const struct td_connector_config *config, const struct td_env *env,
                                                void (*say_line)(void *ctx, const char *line), void *say_ctx,
                                                struct td_connector_world *ret_world)
{
    struct td_connector_real *r = td_new(struct td_connector_real);
    r->config = config;
    r->env = env;
    r->say = say_line;
    r->say_ctx = say_ctx;
    td_buf_init(&r->cert, MAX_PEM);
    td_buf_init(&r->key, MAX_PEM);
    (void)snprintf(r->agent, sizeof(r->agent), "touchdown-connector/%.40s", config->version);
    (void)pthread_mutex_init(&r->lock, NULL);
    *ret_world = (struct td_connector_world){.env = env,
                                             .identify = identify,
                                             .open = open_directory,
                                             .bind = bind_person,
                                             .send = send_request,
                                             .say = say,
                                             .ctx = r};
    return r;
}

void td_connector_real_free(struct td_connector_real *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->idle_count; i++)
        td_net_free(r->idle[i]);
    td_buf_done(&r->cert);
    td_buf_wipe(&r->key);
    (void)pthread_mutex_destroy(&r->lock);
    td_free(r);
}
