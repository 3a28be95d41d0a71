/* RSA public keys as numbers: JWK and BCRYPT_RSAPUBLIC_BLOB (join-and-tokens.md 3). */
#include "base/buf.h"
#include "crypto/ossl.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

enum { RSA_MAX_OCTETS = 512, BLOB_HEADER = 24 }; /* 4096 bits */

static bool build(struct td_slice n, struct td_slice e, EVP_PKEY **ret)
{
    TD_CLEANUP(bignum_done) BIGNUM *bn = BN_bin2bn((const unsigned char *)n.p, (int)n.n, NULL);
    TD_CLEANUP(bignum_done) BIGNUM *be = BN_bin2bn((const unsigned char *)e.p, (int)e.n, NULL);
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    TD_CLEANUP(pkey_ctx_done) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM *params = NULL;
    bool ok = bn != NULL && be != NULL && bld != NULL && ctx != NULL &&
              OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn) == 1 &&
              OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, be) == 1 &&
              (params = OSSL_PARAM_BLD_to_param(bld)) != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
              EVP_PKEY_fromdata(ctx, ret, EVP_PKEY_PUBLIC_KEY, params) == 1;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    return ok;
}

static struct td_slice without_zeros(struct td_slice s)
{
    while (s.n != 0 && s.p[0] == '\0')
        s = td_sub(s, 1, s.n);
    return s;
}

enum td_code td_key_from_rsa_numbers(struct td_slice n, struct td_slice e, struct td_key **ret, struct td_error *err)
{
    EVP_PKEY *pkey = NULL;
    n = without_zeros(n);
    e = without_zeros(e);
    if (n.n < 256 || n.n > RSA_MAX_OCTETS || (n.p[n.n - 1] & 1) == 0)
        return td_fail(err, TD_EINVAL, "modulus", "an RSA key of 2048 to 4096 bits is needed");
    if (e.n == 0 || e.n > 8 || (e.p[e.n - 1] & 1) == 0 || (e.n == 1 && e.p[0] == 1))
        return td_fail(err, TD_EINVAL, "exponent", "not a public exponent of RSA");
    if (!build(n, e, &pkey))
        return td_ossl_fail(err, TD_EFORMAT, "public key", "not an RSA key");
    *ret = td_key_wrap(pkey);
    return TD_OK;
}

static bool number(const struct td_key *key, const char *name, struct td_arena *a, struct td_slice *ret)
{
    TD_CLEANUP(bignum_done) BIGNUM *bn = NULL;
    if (EVP_PKEY_get_bn_param(td_key_evp(key), name, &bn) != 1)
        return false;
    unsigned char *out = td_arena_alloc(a, (size_t)BN_num_bytes(bn) + 1);
    *ret = td_bytes(out, (size_t)BN_bn2bin(bn, out));
    return true;
}

enum td_code td_key_rsa_numbers(const struct td_key *key, struct td_arena *a, struct td_slice *ret_n,
                                struct td_slice *ret_e)
{
    if (td_key_kind(key) != TD_KEY_RSA)
        return TD_EINVAL;
    if (!number(key, OSSL_PKEY_PARAM_RSA_N, a, ret_n) || !number(key, OSSL_PKEY_PARAM_RSA_E, a, ret_e))
        return td_ossl_fail(NULL, TD_EINTERNAL, "key", "no numbers");
    return TD_OK;
}

enum td_code td_key_rsa_blob(const struct td_key *key, struct td_arena *a, struct td_slice *ret)
{
    struct td_slice n = {0}, e = {0};
    td_try(td_key_rsa_numbers(key, a, &n, &e));
    struct td_buf b;
    td_buf_init(&b, BLOB_HEADER + RSA_MAX_OCTETS + 8);
    td_buf_adds(&b, "RSA1");
    td_buf_le32(&b, (uint32_t)td_key_bits(key));
    td_buf_le32(&b, (uint32_t)e.n);
    td_buf_le32(&b, (uint32_t)n.n);
    td_buf_le32(&b, 0);
    td_buf_le32(&b, 0);
    td_buf_add(&b, e);
    td_buf_add(&b, n);
    enum td_code rc = td_buf_check(&b, "RSA blob", NULL);
    if (rc == TD_OK)
        *ret = td_arena_copy(a, td_buf_slice(&b));
    td_buf_done(&b);
    return rc;
}

static uint32_t le32(struct td_slice s, size_t at)
{
    const unsigned char *p = (const unsigned char *)s.p + at;
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

enum td_code td_key_from_rsa_blob(struct td_slice blob, struct td_key **ret, struct td_error *err)
{
    if (blob.n < BLOB_HEADER || !td_starts(blob, "RSA1"))
        return td_fail(err, TD_EFORMAT, "RSA blob", "does not begin with RSA1");
    uint32_t bits = le32(blob, 4), exponent = le32(blob, 8), modulus = le32(blob, 12);
    if (le32(blob, 16) != 0 || le32(blob, 20) != 0)
        return td_fail(err, TD_EFORMAT, "RSA blob", "primes have no place in a public key");
    if (exponent > 8 || modulus > RSA_MAX_OCTETS || blob.n != (size_t)BLOB_HEADER + exponent + modulus)
        return td_fail(err, TD_EFORMAT, "RSA blob", "the lengths do not fit its %zu octets", blob.n);
    if (bits > modulus * 8 || bits + 8 <= modulus * 8)
        return td_fail(err, TD_EFORMAT, "RSA blob", "%u bits do not fit the modulus", bits);
    return td_key_from_rsa_numbers(td_sub(blob, BLOB_HEADER + exponent, modulus), td_sub(blob, BLOB_HEADER, exponent),
                                   ret, err);
}
