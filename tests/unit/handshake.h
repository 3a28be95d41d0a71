/* Handshakes with both ends in the test: a listener that demands a client certificate, and a caller who shows a td_key.
 */
#ifndef TD_TESTS_UNIT_HANDSHAKE_H
#define TD_TESTS_UNIT_HANDSHAKE_H

#include "base/env.h"
#include "crypto/cert.h"
#include "unit/test.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

static inline EVP_PKEY *open_key(struct td_slice pkcs8)
{
    const unsigned char *p = (const unsigned char *)pkcs8.p;
    return d2i_AutoPrivateKey(NULL, &p, (long)pkcs8.n);
}

/* DER, in the arena. */
static inline struct td_slice self_signed(const struct td_key *key, struct td_arena *a)
{
    const struct td_rdn name = {"CN", "a device"};
    struct td_cert_template t = {
        .subject = &name, .subject_count = 1, .not_before = 0, .not_after = INT64_C(4102444800) * TD_SECOND};
    struct td_slice der = {0};
    t.eku = TD_EKU_CLIENT | TD_EKU_SERVER;
    assert_ok(td_key_public_der(key, a, &t.spki));
    assert_ok(td_cert_issue(&t, TD_S(""), key, a, &der, NULL));
    return der;
}

static inline X509 *open_cert(struct td_slice der)
{
    const unsigned char *p = (const unsigned char *)der.p;
    return d2i_X509(NULL, &p, (long)der.n);
}

/* Demands a client certificate, and trusts the one. */
static inline SSL_CTX *listener(struct td_slice client, int least, int most, struct td_arena *a)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    struct td_slice private_der = {0};
    assert_ok(td_key_generate(TD_KEY_P256, &key, NULL));
    assert_ok(td_key_private_der(key, a, &private_der));
    EVP_PKEY *pkey = open_key(private_der);
    X509 *cert = open_cert(self_signed(key, a)), *trusted = open_cert(client);
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(ctx, cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, pkey), 1);
    assert_int_equal(SSL_CTX_set_min_proto_version(ctx, least), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(ctx, most), 1);
    assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), trusted), 1);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    EVP_PKEY_free(pkey);
    X509_free(cert);
    X509_free(trusted);
    return ctx;
}

/* The version that both came to, 0 if the handshake failed on either side. */
static inline int handshake(const struct td_key *key, struct td_slice cert, int least, int most, struct td_arena *a)
{
    SSL_CTX *to = listener(cert, least, most, a), *from = SSL_CTX_new(TLS_client_method());
    assert_ok(td_key_tls_identity(from, key, td_str(td_cert_pem(cert, a)), NULL));
    SSL *server = SSL_new(to), *client = SSL_new(from);
    BIO *one = NULL, *other = NULL;
    int version = 0;
    assert_int_equal(BIO_new_bio_pair(&one, 65536, &other, 65536), 1);
    SSL_set_bio(server, one, one);
    SSL_set_bio(client, other, other);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    for (int i = 0; i < 16; i++) {
        (void)SSL_do_handshake(client);
        (void)SSL_do_handshake(server);
    }
    X509 *seen = SSL_get1_peer_certificate(server);
    if (SSL_is_init_finished(server) && SSL_is_init_finished(client) && seen != NULL)
        version = SSL_version(server);
    X509_free(seen);
    SSL_free(server);
    SSL_free(client);
    SSL_CTX_free(to);
    SSL_CTX_free(from);
    return version;
}

#endif
