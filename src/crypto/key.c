#include "crypto/key.h"

#include "crypto/digest.h"
#include "crypto/ossl.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdatomic.h>

enum { SIG_COUNT = 3, PADDING_PLAIN = 0 };

/* Contexts that are set up once and copied for each use: setting one up costs more than an RSA verification. Made on
 * first use by whoever comes first; constant from then on. */
struct td_key {
    EVP_PKEY *pkey;
    enum td_key_kind kind;
    int bits;
    bool elsewhere; /* the private half is a signer's */
    _Atomic(EVP_PKEY_CTX *) sign[SIG_COUNT], verify[SIG_COUNT];
    _Atomic(X509 *) issuer; /* the certificate it issued under last time: reading one costs five signatures */
};

static enum td_key_kind kind_of(const EVP_PKEY *pkey)
{
    char group[32] = "";
    if (EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA)
        return TD_KEY_RSA;
    if (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_EC || EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) != 1)
        return TD_KEY_OTHER;
    if (strcmp(group, SN_X9_62_prime256v1) == 0)
        return TD_KEY_P256;
    return strcmp(group, SN_secp384r1) == 0 ? TD_KEY_P384 : TD_KEY_OTHER;
}

struct td_key *td_key_wrap(EVP_PKEY *pkey)
{
    struct td_key *key = td_new(struct td_key);
    key->pkey = pkey;
    key->kind = kind_of(pkey);
    key->bits = EVP_PKEY_get_bits(pkey);
    return key;
}

void td_key_mark_elsewhere(struct td_key *key)
{
    key->elsewhere = true;
}

bool td_key_is_elsewhere(const struct td_key *key)
{
    return key->elsewhere;
}

EVP_PKEY *td_key_evp(const struct td_key *key)
{
    return key->pkey;
}

static bool is_cert(X509 *x, struct td_slice der)
{
    unsigned char *encoded = NULL;
    int n = i2d_X509(x, &encoded); /* what was read is kept as it was: a copy, no encoding */
    bool same = n > 0 && td_eq(td_bytes(encoded, (size_t)n), der);
    OPENSSL_free(encoded);
    return same;
}

X509 *td_key_issuer(const struct td_key *key, struct td_slice der)
{
    struct td_key *k = (struct td_key *)(uintptr_t)key; /* the cache is not part of the key's value */
    X509 *kept = atomic_load(&k->issuer);
    if (kept != NULL)
        return is_cert(kept, der) && X509_up_ref(kept) == 1 ? kept : td_x509_from_der(der);
    X509 *fresh = td_x509_from_der(der);
    if (fresh != NULL && X509_check_private_key(fresh, key->pkey) == 1 && X509_up_ref(fresh) == 1 &&
        !atomic_compare_exchange_strong(&k->issuer, &kept, fresh))
        X509_free(fresh);
    ERR_clear_error();
    return fresh;
}

enum td_code td_key_generate(enum td_key_kind kind, struct td_key **ret, struct td_error *err)
{
    EVP_PKEY *pkey = NULL;
    if (kind == TD_KEY_RSA)
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    else if (kind == TD_KEY_P256 || kind == TD_KEY_P384)
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind == TD_KEY_P256 ? "P-256" : "P-384");
    if (pkey == NULL)
        return td_ossl_fail(err, TD_EINTERNAL, "key", "the key could not be made");
    *ret = td_key_wrap(pkey);
    return TD_OK;
}

enum td_code td_key_generate_rsa(unsigned bits, struct td_key **ret, struct td_error *err)
{
    EVP_PKEY *pkey = bits >= 2048 && bits <= 4096 ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits) : NULL;
    if (pkey == NULL)
        return td_ossl_fail(err, TD_EINTERNAL, "key", "the RSA key could not be made");
    *ret = td_key_wrap(pkey);
    return TD_OK;
}

void td_key_free(struct td_key *key)
{
    if (key == NULL)
        return;
    for (size_t i = 0; i < SIG_COUNT; i++) {
        EVP_PKEY_CTX_free(key->sign[i]);
        EVP_PKEY_CTX_free(key->verify[i]);
    }
    X509_free(key->issuer);
    EVP_PKEY_free(key->pkey);
    td_free(key);
}

void td_key_cleanup(struct td_key **key)
{
    td_key_free(*key);
    *key = NULL;
}

enum td_key_kind td_key_kind(const struct td_key *key)
{
    return key->kind;
}

int td_key_bits(const struct td_key *key)
{
    return key->bits;
}

bool td_key_same_public(const struct td_key *a, const struct td_key *b)
{
    return EVP_PKEY_eq(a->pkey, b->pkey) == 1;
}

enum td_code td_key_private_der(const struct td_key *key, struct td_arena *a, struct td_slice *ret)
{
    if (key->elsewhere)
        return TD_EDENIED;
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->pkey);
    if (info == NULL)
        return td_ossl_fail(NULL, TD_EINTERNAL, "key", "not a private key");
    *ret = TD_OSSL_DER(a, i2d_PKCS8_PRIV_KEY_INFO, info);
    PKCS8_PRIV_KEY_INFO_free(info);
    return ret->n != 0 ? TD_OK : TD_EINTERNAL;
}

enum td_code td_key_from_private_der(struct td_slice der, struct td_key **ret, struct td_error *err)
{
    const unsigned char *p = (const unsigned char *)der.p;
    EVP_PKEY *pkey = der.n <= LONG_MAX ? d2i_AutoPrivateKey(NULL, &p, (long)der.n) : NULL;
    if (pkey == NULL)
        return td_ossl_fail(err, TD_EFORMAT, "private key", "not readable");
    *ret = td_key_wrap(pkey);
    return TD_OK;
}

enum td_code td_key_private_pem(const struct td_key *key, struct td_arena *a, char **ret)
{
    if (key->elsewhere)
        return TD_EDENIED;
    TD_CLEANUP(bio_done) BIO *out = BIO_new(BIO_s_secmem());
    char *p = NULL;
    if (out == NULL || PEM_write_bio_PKCS8PrivateKey(out, key->pkey, NULL, NULL, 0, NULL, NULL) != 1)
        return td_ossl_fail(NULL, TD_EINTERNAL, "key", "not a private key");
    long n = BIO_get_mem_data(out, &p);
    *ret = td_arena_text(a, td_bytes(p, (size_t)n));
    return TD_OK;
}

/* Encrypted files are refused rather than asking a person at the terminal. */
static int no_password(char *buf TD_UNUSED, int size TD_UNUSED, int writing TD_UNUSED, void *ctx TD_UNUSED)
{
    return -1;
}

enum td_code td_key_from_private_pem(struct td_slice pem, struct td_key **ret, struct td_error *err)
{
    TD_CLEANUP(bio_done) BIO *in = pem.n <= INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    EVP_PKEY *pkey = in != NULL ? PEM_read_bio_PrivateKey(in, NULL, no_password, NULL) : NULL;
    if (pkey == NULL)
        return td_ossl_fail(err, TD_EFORMAT, "private key", "not readable as PEM");
    *ret = td_key_wrap(pkey);
    return TD_OK;
}

enum td_code td_key_public_der(const struct td_key *key, struct td_arena *a, struct td_slice *ret)
{
    if (td_spki_write(key, a, ret))
        return TD_OK;
    *ret = TD_OSSL_DER(a, i2d_PUBKEY, key->pkey);
    return ret->n != 0 ? TD_OK : td_ossl_fail(NULL, TD_EINTERNAL, "key", "no public part");
}

enum td_code td_key_from_public_der(struct td_slice der, struct td_key **ret, struct td_error *err)
{
    const unsigned char *p = (const unsigned char *)der.p;
    EVP_PKEY *pkey = der.n <= LONG_MAX ? d2i_PUBKEY(NULL, &p, (long)der.n) : NULL;
    if (pkey == NULL)
        return td_ossl_fail(err, TD_EFORMAT, "public key", "not readable");
    if (p != (const unsigned char *)der.p + der.n) {
        EVP_PKEY_free(pkey);
        return td_fail(err, TD_EFORMAT, "public key", "octets behind its end");
    }
    *ret = td_key_wrap(pkey);
    return TD_OK;
}

/* One signing or verifying context of key for alg, made on first use. NULL if key and algorithm do not fit. */
static EVP_PKEY_CTX *make_ctx(const struct td_key *key, enum td_sig alg, bool sign)
{
    bool rsa = alg != TD_ES256;
    if (rsa ? key->kind != TD_KEY_RSA || key->bits < 2048 : key->kind != TD_KEY_P256)
        return NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    int padding = alg == TD_PS256 ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING;
    bool ok = ctx != NULL && (sign ? EVP_PKEY_sign_init(ctx) : EVP_PKEY_verify_init(ctx)) == 1 &&
              (!rsa || EVP_PKEY_CTX_set_rsa_padding(ctx, padding) == 1) &&
              EVP_PKEY_CTX_set_signature_md(ctx, td_ossl()->sha256) == 1 &&
              (alg != TD_PS256 || EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
    if (!ok) {
        EVP_PKEY_CTX_free(ctx);
        ERR_clear_error();
        return NULL;
    }
    return ctx;
}

static EVP_PKEY_CTX *ctx_for(const struct td_key *key, enum td_sig alg, bool sign)
{
    struct td_key *k = (struct td_key *)(uintptr_t)key; /* the cache is not part of the key's value */
    _Atomic(EVP_PKEY_CTX *) *slot = sign ? &k->sign[alg] : &k->verify[alg];
    EVP_PKEY_CTX *kept = atomic_load(slot);
    if (kept == NULL) {
        EVP_PKEY_CTX *fresh = make_ctx(key, alg, sign);
        if (fresh == NULL)
            return NULL;
        if (atomic_compare_exchange_strong(slot, &kept, fresh))
            kept = fresh;
        else
            EVP_PKEY_CTX_free(fresh);
    }
    return EVP_PKEY_CTX_dup(kept);
}

/* DER ECDSA-Sig-Value to r||s and back: JOSE knows only the plain form (RFC 7518 3.4). */
static bool ecdsa_to_plain(const unsigned char *der, size_t n, unsigned char out[64])
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
    bool ok = sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, 32) == 32 &&
              BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + 32, 32) == 32;
    ECDSA_SIG_free(sig);
    return ok;
}

static int ecdsa_to_der(struct td_slice plain, unsigned char out[128])
{
    const unsigned char *p = (const unsigned char *)plain.p;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(p, 32, NULL), *s = BN_bin2bn(p + 32, 32, NULL);
    if (sig == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(sig, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(sig);
        return 0;
    }
    int n = i2d_ECDSA_SIG(sig, NULL);
    n = n > 0 && n <= 128 ? i2d_ECDSA_SIG(sig, &out) : 0;
    ECDSA_SIG_free(sig);
    return n;
}

enum td_code td_key_sign(const struct td_key *key, enum td_sig alg, struct td_slice data, struct td_arena *a,
                         struct td_slice *ret)
{
    unsigned char hash[32], raw[1024];
    size_t n = sizeof(raw);
    TD_CLEANUP(pkey_ctx_done) EVP_PKEY_CTX *ctx = ctx_for(key, alg, true);
    if (ctx == NULL)
        return TD_EINVAL;
    td_sha256(data, hash);
    if (EVP_PKEY_sign(ctx, raw, &n, hash, sizeof(hash)) != 1)
        return td_ossl_fail(NULL, TD_EINTERNAL, "key", "signing failed");
    if (alg == TD_ES256) {
        unsigned char plain[64];
        if (!ecdsa_to_plain(raw, n, plain))
            return td_ossl_fail(NULL, TD_EINTERNAL, "key", "signing failed");
        *ret = td_arena_copy(a, td_bytes(plain, sizeof(plain)));
        return TD_OK;
    }
    *ret = td_arena_copy(a, td_bytes(raw, n));
    return TD_OK;
}

bool td_key_verify(const struct td_key *key, enum td_sig alg, struct td_slice data, struct td_slice sig)
{
    unsigned char hash[32], der[128];
    TD_CLEANUP(pkey_ctx_done) EVP_PKEY_CTX *ctx = ctx_for(key, alg, false);
    if (ctx == NULL || sig.n == 0 || sig.n > 1024)
        return false;
    if (alg == TD_ES256) {
        int n = sig.n == 64 ? ecdsa_to_der(sig, der) : 0;
        if (n <= 0)
            return false;
        sig = td_bytes(der, (size_t)n);
    }
    td_sha256(data, hash);
    bool good = EVP_PKEY_verify(ctx, (const unsigned char *)sig.p, sig.n, hash, sizeof(hash)) == 1;
    ERR_clear_error();
    return good;
}

static EVP_PKEY_CTX *oaep_ctx(const struct td_key *key, const EVP_MD *md, bool encrypt)
{
    if (key->kind != TD_KEY_RSA)
        return NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    bool ok = ctx != NULL && (encrypt ? EVP_PKEY_encrypt_init(ctx) : EVP_PKEY_decrypt_init(ctx)) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
              EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1;
    if (!ok) {
        EVP_PKEY_CTX_free(ctx);
        ctx = NULL;
    }
    return ctx;
}

typedef int oaep_fn(EVP_PKEY_CTX *ctx, unsigned char *out, size_t *n, const unsigned char *in, size_t in_n);

static enum td_code oaep(const struct td_key *key, const EVP_MD *md, bool encrypt, struct td_slice in,
                         struct td_arena *a, struct td_slice *ret)
{
    if (!encrypt && key->elsewhere)
        return TD_EDENIED;
    TD_CLEANUP(pkey_ctx_done) EVP_PKEY_CTX *ctx = oaep_ctx(key, md, encrypt);
    oaep_fn *fn = encrypt ? EVP_PKEY_encrypt : EVP_PKEY_decrypt;
    unsigned char out[2048];
    size_t n = sizeof(out);
    if (ctx == NULL || EVP_PKEY_get_size(key->pkey) > (int)sizeof(out))
        return td_ossl_fail(NULL, TD_EINVAL, "key", "not an RSA key for this");
    if (fn(ctx, out, &n, (const unsigned char *)in.p, in.n) != 1)
        return td_ossl_fail(NULL, TD_EFORMAT, "key", "RSA-OAEP failed");
    *ret = td_arena_copy(a, td_bytes(out, n));
    td_wipe(out, sizeof(out));
    return TD_OK;
}

enum td_code td_key_oaep_encrypt(const struct td_key *key, struct td_slice plain, struct td_arena *a,
                                 struct td_slice *ret)
{
    return oaep(key, td_ossl()->sha1, true, plain, a, ret);
}

enum td_code td_key_oaep_decrypt(const struct td_key *key, struct td_slice cipher, struct td_arena *a,
                                 struct td_slice *ret)
{
    return oaep(key, td_ossl()->sha1, false, cipher, a, ret);
}

enum td_code td_key_oaep256_encrypt(const struct td_key *key, struct td_slice plain, struct td_arena *a,
                                    struct td_slice *ret)
{
    return oaep(key, td_ossl()->sha256, true, plain, a, ret);
}

enum td_code td_key_oaep256_decrypt(const struct td_key *key, struct td_slice cipher, struct td_arena *a,
                                    struct td_slice *ret)
{
    return oaep(key, td_ossl()->sha256, false, cipher, a, ret);
}
