#include "crypto/digest.h"

#include "crypto/ossl.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* Constant after the first call: fetched algorithms, see ossl.h. */
static struct td_ossl fetched;
static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;

static TD_NORETURN void engine_broken(void)
{
    (void)fputs("touchdown: the cryptographic library does not work\n", stderr);
    abort();
}

static EVP_MAC_CTX *hmac_template(void)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                           OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
    if (ctx == NULL || EVP_MAC_CTX_set_params(ctx, params) != 1)
        engine_broken();
    EVP_MAC_free(mac);
    return ctx;
}

/* A key that has a curve and no point yet. */
static EVP_PKEY *curve_template(const char *group)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)group, 0),
                           OSSL_PARAM_construct_end()};
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEY_PARAMETERS, params) != 1)
        engine_broken();
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

static void fetch(void)
{
    fetched.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    fetched.sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    fetched.md5 = EVP_MD_fetch(NULL, "MD5", NULL);
    fetched.aes256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    fetched.aes256_cbc = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    fetched.hmac_sha256 = hmac_template();
    fetched.p256 = curve_template("P-256");
    fetched.p384 = curve_template("P-384");
    if (fetched.sha256 == NULL || fetched.sha1 == NULL || fetched.md5 == NULL || fetched.aes256_gcm == NULL ||
        fetched.aes256_cbc == NULL)
        engine_broken();
}

const struct td_ossl *td_ossl(void)
{
    (void)pthread_once(&fetch_once, fetch);
    return &fetched;
}

enum td_code td_ossl_fail(struct td_error *err, enum td_code code, const char *where, const char *what)
{
    unsigned long e = ERR_peek_last_error();
    const char *reason = e != 0 ? ERR_reason_error_string(e) : NULL;
    enum td_code rc =
        td_fail(err, code, where, "%s%s%s", what, reason != NULL ? ": " : "", reason != NULL ? reason : "");
    ERR_clear_error();
    return rc;
}

static void digest(const EVP_MD *md, struct td_slice in, unsigned char *out)
{
    if (EVP_Digest(in.p, in.n, out, NULL, md, NULL) != 1)
        engine_broken();
}

void td_sha256(struct td_slice in, unsigned char out[32])
{
    digest(td_ossl()->sha256, in, out);
}

void td_sha1(struct td_slice in, unsigned char out[20])
{
    digest(td_ossl()->sha1, in, out);
}

void td_md5(struct td_slice in, unsigned char out[16])
{
    digest(td_ossl()->md5, in, out);
}

static EVP_MAC_CTX *hmac_start(struct td_slice key)
{
    static const unsigned char empty[1];
    const unsigned char *p = key.n != 0 ? (const unsigned char *)key.p : empty;
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(td_ossl()->hmac_sha256);
    if (ctx == NULL || EVP_MAC_init(ctx, p, key.n, NULL) != 1)
        engine_broken();
    return ctx;
}

static void hmac_add(EVP_MAC_CTX *ctx, const void *p, size_t n)
{
    if (n != 0 && EVP_MAC_update(ctx, p, n) != 1)
        engine_broken();
}

static void hmac_end(EVP_MAC_CTX *ctx, unsigned char out[32])
{
    size_t n = 0;
    if (EVP_MAC_final(ctx, out, &n, 32) != 1 || n != 32)
        engine_broken();
}

void td_hmac_sha256(struct td_slice key, struct td_slice in, unsigned char out[32])
{
    TD_CLEANUP(mac_ctx_done) EVP_MAC_CTX *ctx = hmac_start(key);
    hmac_add(ctx, in.p, in.n);
    hmac_end(ctx, out);
}

void td_kdf_sp800_108(struct td_slice key, struct td_slice label, struct td_slice context, unsigned char out[32])
{
    static const unsigned char counter[4] = {0, 0, 0, 1}, zero[1] = {0}, bits[4] = {0, 0, 1, 0}; /* L = 256 */
    TD_CLEANUP(mac_ctx_done) EVP_MAC_CTX *ctx = hmac_start(key);
    hmac_add(ctx, counter, sizeof(counter));
    hmac_add(ctx, label.p, label.n);
    hmac_add(ctx, zero, sizeof(zero));
    hmac_add(ctx, context.p, context.n);
    hmac_add(ctx, bits, sizeof(bits));
    hmac_end(ctx, out);
}

struct td_sha256 {
    EVP_MD_CTX *ctx;
};

struct td_sha256 *td_sha256_new(void)
{
    struct td_sha256 *h = td_new(struct td_sha256);
    h->ctx = EVP_MD_CTX_new();
    if (h->ctx == NULL || EVP_DigestInit_ex(h->ctx, td_ossl()->sha256, NULL) != 1)
        engine_broken();
    return h;
}

void td_sha256_add(struct td_sha256 *h, struct td_slice in)
{
    if (EVP_DigestUpdate(h->ctx, in.p, in.n) != 1)
        engine_broken();
}

void td_sha256_end(struct td_sha256 *h, unsigned char out[32])
{
    unsigned char scratch[32] = {0};
    if (h == NULL)
        return;
    if (EVP_DigestFinal_ex(h->ctx, out != NULL ? out : scratch, NULL) != 1)
        engine_broken();
    EVP_MD_CTX_free(h->ctx);
    td_free(h);
}
