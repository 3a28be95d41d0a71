#include "http/tls.h"

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>

enum { SESSION_SECONDS = 4 * 3600, MAX_CHAIN = 8 };

struct name_context {
    SSL_CTX *ctx;
    char **hosts; /* NULL-terminated */
};

struct td_tls {
    SSL_CTX *front;
    X509_NAME **client_ca;
    size_t client_ca_count;
    char **people;         /* names without a certificate request, NULL-terminated */
    pthread_rwlock_t lock; /* over the two below */
    struct name_context *certs;
    size_t cert_count;
};

static enum td_code tls_fail(struct td_error *err, const char *where, const char *doing)
{
    char why[128];
    ERR_error_string_n(ERR_get_error(), why, sizeof(why));
    ERR_clear_error();
    return td_fail(err, TD_EINVAL, where, "cannot %s: %s", doing, why);
}

/* The chain is judged per request by fingerprint, outside the handshake (design section 3); that the client has the key
 * is still OpenSSL's to prove. */
static int accept_any(X509_STORE_CTX *ctx TD_UNUSED, void *arg TD_UNUSED)
{
    return 1;
}

static bool among(char *const *names, const char *name)
{
    for (; names != NULL && *names != NULL; names++)
        if (name != NULL && td_ieqs(td_str(*names), name))
            return true;
    return false;
}

/* Also called when no name was sent, and on resumption. */
static int choose_name(SSL *ssl, int *alert TD_UNUSED, void *arg)
{
    struct td_tls *t = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (among(t->people, name))
        SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
    (void)pthread_rwlock_rdlock(&t->lock);
    SSL_CTX *chosen = t->certs[0].ctx;
    for (size_t i = 0; i < t->cert_count; i++) {
        if (among(t->certs[i].hosts, name)) {
            chosen = t->certs[i].ctx;
            break;
        }
    }
    (void)SSL_set_SSL_CTX(ssl, chosen);
    (void)pthread_rwlock_unlock(&t->lock);
    return SSL_TLSEXT_ERR_OK;
}

static bool offer_client_ca(const struct td_tls *t, SSL_CTX *ctx)
{
    STACK_OF(X509_NAME) *list = sk_X509_NAME_new_null();
    if (list == NULL)
        return false;
    for (size_t i = 0; i < t->client_ca_count; i++) {
        X509_NAME *copy = X509_NAME_dup(t->client_ca[i]);
        if (copy == NULL || sk_X509_NAME_push(list, copy) == 0) {
            X509_NAME_free(copy);
            sk_X509_NAME_pop_free(list, X509_NAME_free);
            return false;
        }
    }
    SSL_CTX_set_client_CA_list(ctx, list);
    return true;
}

/* What front and name contexts share: an SSL takes some of it from the one it began with, some from the chosen one. */
static SSL_CTX *context_new(const struct td_tls *t)
{
    static const unsigned char id[] = "touchdown";
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (ctx == NULL)
        return NULL;
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                 SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, accept_any, NULL);
    bool ok = SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
              SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
              SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") == 1 && SSL_CTX_set_num_tickets(ctx, 1) == 1 &&
              SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1) == 1 && offer_client_ca(t, ctx);
    if (ok)
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

static enum td_code read_chain(SSL_CTX *ctx, const char *pem, struct td_error *err)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    bool ok = cert != NULL && SSL_CTX_use_certificate(ctx, cert) == 1;
    X509_free(cert);
    for (int i = 0; ok && i < MAX_CHAIN; i++) {
        X509 *next = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (next == NULL)
            break;
        ok = SSL_CTX_add0_chain_cert(ctx, next) == 1;
    }
    BIO_free(bio);
    if (!ok)
        return tls_fail(err, "certificate", "read the server's certificate");
    ERR_clear_error(); /* the end of the PEM text leaves an entry */
    return TD_OK;
}

static enum td_code read_key(SSL_CTX *ctx, const char *pem, struct td_error *err)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    bool ok = key != NULL && SSL_CTX_use_PrivateKey(ctx, key) == 1 && SSL_CTX_check_private_key(ctx) == 1;
    EVP_PKEY_free(key);
    BIO_free(bio);
    return ok ? TD_OK : tls_fail(err, "key", "use the server's key with its certificate");
}

static void free_texts(char **list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        td_free(list[i]);
    td_free(list);
}

static char **copy_texts(const char *const *list)
{
    size_t n = 0;
    while (list != NULL && list[n] != NULL)
        n++;
    char **copy = td_alloc((n + 1) * sizeof(*copy));
    for (size_t i = 0; i < n; i++)
        copy[i] = td_strdup(list[i]);
    return copy;
}

static void free_certs(struct name_context *certs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        SSL_CTX_free(certs[i].ctx);
        free_texts(certs[i].hosts);
    }
    td_free(certs);
}

static enum td_code load_one(const struct td_tls *t, const struct td_server_cert *from, struct name_context *to,
                             struct td_error *err)
{
    to->hosts = copy_texts(from->hosts);
    to->ctx = context_new(t);
    if (to->ctx == NULL)
        return tls_fail(err, "tls", "make a context");
    td_try(read_chain(to->ctx, from->chain, err));
    return read_key(to->ctx, from->key, err);
}

enum td_code td_tls_load(struct td_tls *t, const struct td_server_cert *certs, size_t count, struct td_error *err)
{
    if (count == 0)
        return td_fail(err, TD_EINVAL, "certificate", "no server certificate was given");
    struct name_context *fresh = td_alloc(count * sizeof(*fresh));
    for (size_t i = 0; i < count; i++) {
        enum td_code rc = load_one(t, &certs[i], &fresh[i], err);
        if (rc != TD_OK) {
            free_certs(fresh, count);
            return rc;
        }
    }
    (void)pthread_rwlock_wrlock(&t->lock);
    struct name_context *old = t->certs;
    size_t old_count = t->cert_count;
    t->certs = fresh;
    t->cert_count = count;
    (void)pthread_rwlock_unlock(&t->lock);
    free_certs(old, old_count); /* open connections hold references of their own */
    return TD_OK;
}

static enum td_code read_client_ca(struct td_tls *t, const struct td_server_config *config, struct td_error *err)
{
    t->client_ca = td_alloc((config->client_ca_count + 1) * sizeof(void *));
    for (size_t i = 0; i < config->client_ca_count; i++) {
        const unsigned char *p = (const unsigned char *)config->client_ca[i].p;
        X509 *cert = d2i_X509(NULL, &p, (long)config->client_ca[i].n);
        X509_NAME *name = cert != NULL ? X509_NAME_dup(X509_get_subject_name(cert)) : NULL;
        X509_free(cert);
        if (name == NULL)
            return tls_fail(err, "client-ca", "read a certificate authority");
        t->client_ca[t->client_ca_count++] = name;
    }
    return TD_OK;
}

static void read_people(struct td_tls *t, const struct td_server_config *config)
{
    size_t n = 0;
    t->people = td_alloc((config->name_count + 1) * sizeof(*t->people));
    for (size_t i = 0; i < config->name_count; i++)
        if (config->names[i].people)
            t->people[n++] = td_strdup(config->names[i].host);
}

static enum td_code set_up(struct td_tls *t, const struct td_server_config *config, struct td_error *err)
{
    td_try(read_client_ca(t, config, err));
    read_people(t, config);
    t->front = context_new(t);
    if (t->front == NULL)
        return tls_fail(err, "tls", "make a context");
    (void)SSL_CTX_set_session_cache_mode(t->front, SSL_SESS_CACHE_SERVER);
    (void)SSL_CTX_sess_set_cache_size(t->front, (long)config->limits.sessions);
    (void)SSL_CTX_set_timeout(t->front, SESSION_SECONDS);
    (void)SSL_CTX_set_tlsext_servername_callback(t->front, choose_name);
    (void)SSL_CTX_set_tlsext_servername_arg(t->front, t);
    return td_tls_load(t, config->certs, config->cert_count, err);
}

enum td_code td_tls_new(const struct td_server_config *config, struct td_tls **ret, struct td_error *err)
{
    struct td_tls *t = td_new(struct td_tls);
    (void)pthread_rwlock_init(&t->lock, NULL);
    enum td_code rc = set_up(t, config, err);
    if (rc != TD_OK)
        td_tls_free(t);
    else
        *ret = t;
    return rc;
}

void td_tls_free(struct td_tls *t)
{
    if (t == NULL)
        return;
    SSL_CTX_free(t->front);
    free_certs(t->certs, t->cert_count);
    for (size_t i = 0; i < t->client_ca_count; i++)
        X509_NAME_free(t->client_ca[i]);
    td_free(t->client_ca);
    free_texts(t->people);
    (void)pthread_rwlock_destroy(&t->lock);
    td_free(t);
}

struct bufferevent *td_tls_accept(struct td_tls *t, struct event_base *base, int fd)
{
    SSL *ssl = SSL_new(t->front);
    if (ssl == NULL)
        return NULL;
    struct bufferevent *bev =
        bufferevent_openssl_socket_new(base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    if (bev == NULL)
        SSL_free(ssl);
    return bev;
}

bool td_tls_resumed(struct bufferevent *bev)
{
    return SSL_session_reused(bufferevent_openssl_get_ssl(bev)) == 1;
}

struct td_slice td_tls_peer(struct bufferevent *bev)
{
    X509 *cert = SSL_get0_peer_certificate(bufferevent_openssl_get_ssl(bev));
    int n = cert != NULL ? i2d_X509(cert, NULL) : 0;
    if (n <= 0)
        return (struct td_slice){NULL, 0};
    unsigned char *der = td_alloc((size_t)n), *end = der;
    (void)i2d_X509(cert, &end);
    return td_bytes(der, (size_t)n);
}

/* A record is taken whole or not at all: libevent's mode of writing in parts is by records. A refusal leaves the record
 * in OpenSSL until the same bytes come again. */
bool td_tls_write(struct bufferevent *bev, struct td_slice octets)
{
    ERR_clear_error();
    bool taken = SSL_write(bufferevent_openssl_get_ssl(bev), octets.p, (int)octets.n) == (int)octets.n;
    ERR_clear_error();
    return taken;
}

void td_tls_goodbye(struct bufferevent *bev)
{
    ERR_clear_error();
    (void)SSL_shutdown(bufferevent_openssl_get_ssl(bev));
    ERR_clear_error();
}

void td_tls_keep_session(struct bufferevent *bev)
{
    SSL_set_shutdown(bufferevent_openssl_get_ssl(bev), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}
