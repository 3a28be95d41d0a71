/* Keys whose private half lives elsewhere, as OpenSSL 3.0 takes them: a legacy RSA or EC key with a method of its own
 * (domain-join-and-tpm.md 2.5; a provider's own algorithms cannot be kept apart from its keys in this version). The
 * engine then signs by the method for requests, tokens, CMS and handshakes alike. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/ossl.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <pthread.h>

enum { POINT_MAX = 256, CHAIN_MAX = 8 };

static struct {
    RSA_METHOD *rsa;
    EC_KEY_METHOD *ec;
    int rsa_slot, ec_slot; /* where a key has its struct td_signer */
} methods;
static pthread_once_t methods_once = PTHREAD_ONCE_INIT;

/* A digest to its signature in out (max octets); 0: it was not signed. */
static size_t sign_by(const struct td_signer *signer, const unsigned char *digest, size_t n, unsigned char *out,
                      size_t max)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_slice made = {0};
    if (signer == NULL || signer->sign(signer->ctx, td_bytes(digest, n), &a, &made, NULL) != TD_OK || made.n > max)
        return 0;
    memcpy(out, made.p, made.n);
    return made.n;
}

static int sign_rsa(int type, const unsigned char *m, unsigned n, unsigned char *out, unsigned *out_n, const RSA *rsa)
{
    size_t size = (type == NID_sha256 && n == 32) || (type == NID_sha384 && n == 48)
                      ? sign_by(RSA_get_ex_data(rsa, methods.rsa_slot), m, n, out, (size_t)RSA_size(rsa))
                      : 0;
    *out_n = (unsigned)size;
    return size != 0 && size == (size_t)RSA_size(rsa);
}

/* Whatever else asks for the private half (PSS, decryption): it is not here. */
static int no_private(int n TD_UNUSED, const unsigned char *from TD_UNUSED, unsigned char *to TD_UNUSED,
                      RSA *rsa TD_UNUSED, int padding TD_UNUSED)
{
    return -1;
}

static int sign_ec(int type TD_UNUSED, const unsigned char *digest, int n, unsigned char *out, unsigned *out_n,
                   const BIGNUM *kinv TD_UNUSED, const BIGNUM *r TD_UNUSED, EC_KEY *key)
{
    int most = ECDSA_size(key);
    size_t size = n == 32 || n == 48 ? sign_by(EC_KEY_get_ex_data(key, methods.ec_slot), digest, (size_t)n, out,
                                               most > 0 ? (size_t)most : 0)
                                     : 0;
    *out_n = (unsigned)size;
    return size != 0;
}

static ECDSA_SIG *sign_ec_numbers(const unsigned char *digest, int n, const BIGNUM *kinv, const BIGNUM *r, EC_KEY *key)
{
    unsigned char der[POINT_MAX];
    const unsigned char *p = der;
    unsigned size = 0;
    if (ECDSA_size(key) > (int)sizeof(der) || sign_ec(0, digest, n, der, &size, kinv, r, key) != 1)
        return NULL;
    return d2i_ECDSA_SIG(NULL, &p, (long)size);
}

static void make_methods(void)
{
    methods.rsa = RSA_meth_dup(RSA_PKCS1_OpenSSL());
    methods.ec = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
    methods.rsa_slot = RSA_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    methods.ec_slot = EC_KEY_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    if (methods.rsa == NULL || methods.ec == NULL || methods.rsa_slot < 0 || methods.ec_slot < 0)
        return;
    (void)RSA_meth_set_sign(methods.rsa, sign_rsa);
    (void)RSA_meth_set_priv_enc(methods.rsa, no_private);
    (void)RSA_meth_set_priv_dec(methods.rsa, no_private);
    EC_KEY_METHOD_set_sign(methods.ec, sign_ec, NULL, sign_ec_numbers);
}

/* The public half again, in the form that can carry a method. */
static EVP_PKEY *rsa_with_method(const EVP_PKEY *plain, const struct td_signer *signer)
{
    BIGNUM *n = NULL, *e = NULL;
    RSA *rsa = RSA_new();
    EVP_PKEY *out = EVP_PKEY_new();
    bool ok = rsa != NULL && out != NULL && EVP_PKEY_get_bn_param(plain, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
              EVP_PKEY_get_bn_param(plain, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && RSA_set0_key(rsa, n, e, NULL) == 1;
    if (ok)
        n = e = NULL;
    ok = ok && RSA_set_method(rsa, methods.rsa) == 1 &&
         RSA_set_ex_data(rsa, methods.rsa_slot, (void *)(uintptr_t)signer) == 1 && EVP_PKEY_assign_RSA(out, rsa) == 1;
    if (ok)
        return out;
    BN_free(n);
    BN_free(e);
    RSA_free(rsa);
    EVP_PKEY_free(out);
    return NULL;
}

static EVP_PKEY *ec_with_method(const EVP_PKEY *plain, int curve, const struct td_signer *signer)
{
    unsigned char point[POINT_MAX];
    size_t n = 0;
    EC_KEY *key = EC_KEY_new_by_curve_name(curve);
    EVP_PKEY *out = EVP_PKEY_new();
    bool ok = key != NULL && out != NULL &&
              EVP_PKEY_get_octet_string_param(plain, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n) == 1 &&
              EC_KEY_oct2key(key, point, n, NULL) == 1 && EC_KEY_set_method(key, methods.ec) == 1 &&
              EC_KEY_set_ex_data(key, methods.ec_slot, (void *)(uintptr_t)signer) == 1 &&
              EVP_PKEY_assign_EC_KEY(out, key) == 1;
    if (ok)
        return out;
    EC_KEY_free(key);
    EVP_PKEY_free(out);
    return NULL;
}

enum td_code td_key_of_signer(struct td_slice spki, const struct td_signer *signer, struct td_key **ret,
                              struct td_error *err)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *plain = NULL;
    EVP_PKEY *made = NULL;
    (void)pthread_once(&methods_once, make_methods);
    td_try(td_key_from_public_der(spki, &plain, err));
    switch (td_key_kind(plain)) {
    case TD_KEY_RSA:
        made = rsa_with_method(td_key_evp(plain), signer);
        break;
    case TD_KEY_P256:
        made = ec_with_method(td_key_evp(plain), NID_X9_62_prime256v1, signer);
        break;
    case TD_KEY_P384:
        made = ec_with_method(td_key_evp(plain), NID_secp384r1, signer);
        break;
    default:
        return td_fail(err, TD_ENOTOFFERED, "key", "this kind of key is not offered");
    }
    if (made == NULL)
        return td_ossl_fail(err, TD_EINTERNAL, "key", "the key can't be made of its signer");
    *ret = td_key_wrap(made);
    td_key_mark_elsewhere(*ret);
    return TD_OK;
}

/* --- TLS --------------------------------------------------------------------------------------------------------- */

static enum td_code add_chain(SSL_CTX *ctx, struct td_slice pem, struct td_error *err)
{
    TD_CLEANUP(bio_done) BIO *in = pem.n <= INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    for (int i = 0; in != NULL && i < CHAIN_MAX; i++) {
        TD_CLEANUP(x509_done) X509 *cert = PEM_read_bio_X509(in, NULL, NULL, NULL);
        if (cert == NULL && i != 0) {
            ERR_clear_error(); /* the end */
            return TD_OK;
        }
        if (cert == NULL ||
            (i == 0 ? SSL_CTX_use_certificate(ctx, cert) : (int)SSL_CTX_add1_chain_cert(ctx, cert)) != 1)
            break;
    }
    return td_ossl_fail(err, TD_EINVAL, "client certificate", "not readable as PEM, or of more than 8 certificates");
}

/* TLS 1.3 wants PSS of RSA keys (RFC 8446 4.2.3), for which a TPM chooses salts that no peer takes: 1.2 by PKCS#1. */
static bool keep_to_pkcs1(SSL_CTX *ctx)
{
    static const int sigalgs[] = {NID_sha256, EVP_PKEY_RSA};
    return SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set1_client_sigalgs(ctx, sigalgs, TD_COUNTOF(sigalgs)) == 1;
}

enum td_code td_key_tls_identity(void *ssl_ctx, const struct td_key *key, struct td_slice chain_pem,
                                 struct td_error *err)
{
    SSL_CTX *ctx = ssl_ctx;
    if (td_key_is_elsewhere(key) && td_key_kind(key) == TD_KEY_RSA && !keep_to_pkcs1(ctx))
        return td_ossl_fail(err, TD_EINTERNAL, "client key", "the handshake can't be kept to PKCS#1");
    td_try(add_chain(ctx, chain_pem, err));
    if (SSL_CTX_use_PrivateKey(ctx, td_key_evp(key)) != 1 || SSL_CTX_check_private_key(ctx) != 1)
        return td_ossl_fail(err, TD_EINVAL, "client key", "is not the key of its certificate");
    return TD_OK;
}
