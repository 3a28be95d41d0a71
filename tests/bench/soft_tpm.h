/* A TPM made of OpenSSL for tests and the generator of the bench: keys with their public areas, ActivateCredential,
 * Quote and Certify, written after the TCG's documents and not after crypto/tpm (swtpm judges both). */
#ifndef TD_TESTS_UNIT_SOFT_TPM_H
#define TD_TESTS_UNIT_SOFT_TPM_H

#include "base/arena.h"
#include "base/buf.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <stdlib.h>

enum soft_kind { SOFT_RSA, SOFT_P256 };
enum { SOFT_EK = 0x000300b2, SOFT_AK = 0x00050072, SOFT_FREE = 0x00040072 };

struct soft_key {
    EVP_PKEY *pkey;
    enum soft_kind kind;
    struct td_slice public; /* TPMT_PUBLIC */
    struct td_slice name;
};

static inline void soft_need(bool ok)
{
    if (!ok)
        abort();
}

static inline void soft_u16(struct td_buf *b, unsigned v)
{
    td_buf_addc(b, (char)(v >> 8));
    td_buf_addc(b, (char)(v & 0xff));
}

static inline void soft_u32(struct td_buf *b, uint32_t v)
{
    soft_u16(b, v >> 16);
    soft_u16(b, v & 0xffff);
}

static inline void soft_2b(struct td_buf *b, struct td_slice s)
{
    soft_u16(b, (unsigned)s.n);
    td_buf_add(b, s);
}

static inline struct td_slice soft_end(struct td_buf *b, struct td_arena *a)
{
    struct td_slice out = td_arena_copy(a, td_buf_slice(b));
    td_buf_done(b);
    return out;
}

static inline struct td_slice soft_digest(struct td_slice in, struct td_arena *a)
{
    unsigned char out[32];
    soft_need(EVP_Digest(in.p, in.n, out, NULL, EVP_sha256(), NULL) == 1);
    return td_arena_copy(a, td_bytes(out, sizeof(out)));
}

static inline struct td_slice soft_number(EVP_PKEY *pkey, const char *name, struct td_arena *a)
{
    BIGNUM *bn = NULL;
    soft_need(EVP_PKEY_get_bn_param(pkey, name, &bn) == 1);
    int n = BN_num_bytes(bn);
    unsigned char *out = td_arena_alloc(a, (size_t)n + 1);
    BN_bn2bin(bn, out);
    BN_free(bn);
    return td_bytes(out, (size_t)n);
}

/* Uncompressed point without its first octet. */
static inline struct td_slice soft_point(EVP_PKEY *pkey, struct td_arena *a)
{
    unsigned char out[160];
    size_t n = 0;
    soft_need(EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, out, sizeof(out), &n) == 1 && out[0] == 4);
    return td_arena_copy(a, td_bytes(out + 1, n - 1));
}

static inline void soft_parameters(struct td_buf *b, const struct soft_key *k, uint32_t attributes)
{
    bool decrypts = (attributes & 0x00020000) != 0, restricted = (attributes & 0x00010000) != 0;
    soft_u16(b, decrypts ? 0x0006 : 0x0010);
    if (decrypts) {
        soft_u16(b, 128);
        soft_u16(b, 0x0043);
    }
    bool signs = restricted && !decrypts;
    soft_u16(b, !signs ? 0x0010 : k->kind == SOFT_RSA ? 0x0014 : 0x0018);
    if (signs)
        soft_u16(b, 0x000b);
    if (k->kind == SOFT_RSA) {
        soft_u16(b, 2048);
        soft_u32(b, 0);
    } else {
        soft_u16(b, 0x0003);
        soft_u16(b, 0x0010);
    }
}

/* The public area of a key that exists; attributes is SOFT_EK, SOFT_AK or SOFT_FREE. */
static inline void soft_key_describe(struct soft_key *k, uint32_t attributes, struct td_arena *a)
{
    struct td_buf b;
    td_buf_init(&b, 2048);
    soft_u16(&b, k->kind == SOFT_RSA ? 0x0001 : 0x0023);
    soft_u16(&b, 0x000b);
    soft_u32(&b, attributes);
    soft_2b(&b, TD_S(""));
    soft_parameters(&b, k, attributes);
    if (k->kind == SOFT_RSA) {
        soft_2b(&b, soft_number(k->pkey, OSSL_PKEY_PARAM_RSA_N, a));
    } else {
        struct td_slice point = soft_point(k->pkey, a);
        soft_2b(&b, td_sub(point, 0, point.n / 2));
        soft_2b(&b, td_sub(point, point.n / 2, point.n));
    }
    k->public = soft_end(&b, a);
    td_buf_init(&b, 128);
    soft_u16(&b, 0x000b);
    td_buf_add(&b, soft_digest(k->public, a));
    k->name = soft_end(&b, a);
}

static inline struct soft_key soft_key_make(enum soft_kind kind, uint32_t attributes, struct td_arena *a)
{
    struct soft_key k = {.kind = kind};
    k.pkey = kind == SOFT_RSA ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048)
                              : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    soft_need(k.pkey != NULL);
    soft_key_describe(&k, attributes, a);
    return k;
}

static inline void soft_key_done(struct soft_key *k)
{
    EVP_PKEY_free(k->pkey);
    k->pkey = NULL;
}

/* ---- ActivateCredential ---- */

static inline struct td_slice soft_hmac(struct td_slice key, struct td_slice in, struct td_arena *a)
{
    unsigned char out[32];
    soft_need(HMAC(EVP_sha256(), key.p, (int)key.n, (const unsigned char *)in.p, in.n, out, NULL) != NULL);
    return td_arena_copy(a, td_bytes(out, sizeof(out)));
}

static inline struct td_slice soft_kdfa(struct td_slice seed, const char *label, struct td_slice u, uint32_t bits,
                                        struct td_arena *a)
{
    struct td_buf b;
    td_buf_init(&b, 512);
    soft_u32(&b, 1);
    td_buf_add(&b, td_bytes(label, strlen(label) + 1));
    td_buf_add(&b, u);
    soft_u32(&b, bits);
    return td_sub(soft_hmac(seed, soft_end(&b, a), a), 0, bits / 8);
}

static inline bool soft_rsa_seed(const struct soft_key *ek, struct td_slice secret, struct td_arena *a,
                                 struct td_slice *ret)
{
    unsigned char out[512];
    size_t n = sizeof(out);
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, ek->pkey, NULL);
    soft_need(EVP_PKEY_decrypt_init(c) == 1 && EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) == 1 &&
              EVP_PKEY_CTX_set_rsa_oaep_md(c, EVP_sha256()) == 1 &&
              EVP_PKEY_CTX_set_rsa_mgf1_md(c, EVP_sha256()) == 1 &&
              EVP_PKEY_CTX_set0_rsa_oaep_label(c, OPENSSL_memdup("IDENTITY", 9), 9) == 1);
    bool ok = EVP_PKEY_decrypt(c, out, &n, (const unsigned char *)secret.p, secret.n) == 1;
    EVP_PKEY_CTX_free(c);
    *ret = ok ? td_arena_copy(a, td_bytes(out, n)) : TD_S("");
    return ok;
}

/* What TPM2_ActivateCredential does: contents of TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET. False: this TPM says no.
 */
static inline bool soft_activate(const struct soft_key *ek, struct td_slice ak_name, struct td_slice id_object,
                                 struct td_slice secret, struct td_arena *a, struct td_slice *ret)
{
    static const unsigned char iv[16];
    struct td_slice seed = {0};
    enum { H = 32 };
    unsigned char plain[128];
    int n = 0;
    if (id_object.n < H + 4 || id_object.n > H + 100 || id_object.p[1] != H)
        return false;
    if (!soft_rsa_seed(ek, secret, a, &seed))
        return false;
    struct td_slice mac = td_sub(id_object, 2, H), sealed = td_sub(id_object, 2 + H, id_object.n);
    struct td_buf b;
    td_buf_init(&b, 512);
    td_buf_add(&b, sealed);
    td_buf_add(&b, ak_name);
    struct td_slice key = soft_kdfa(seed, "INTEGRITY", TD_S(""), H * 8, a);
    if (!td_eq(soft_hmac(key, soft_end(&b, a), a), mac))
        return false;
    key = soft_kdfa(seed, "STORAGE", ak_name, 128, a);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    soft_need(EVP_DecryptInit_ex(c, EVP_aes_128_cfb128(), NULL, (const unsigned char *)key.p, iv) == 1 &&
              EVP_DecryptUpdate(c, plain, &n, (const unsigned char *)sealed.p, (int)sealed.n) == 1);
    EVP_CIPHER_CTX_free(c);
    size_t size = (size_t)plain[0] << 8 | plain[1];
    if (size + 2 != (size_t)n)
        return false;
    *ret = td_arena_copy(a, td_bytes(plain + 2, size));
    return true;
}

/* ---- Quote and Certify ---- */

static inline struct td_slice soft_sign(const struct soft_key *ak, struct td_slice in, struct td_arena *a)
{
    unsigned char raw[512];
    size_t n = sizeof(raw);
    struct td_buf b;
    td_buf_init(&b, 1024);
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    soft_need(EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, ak->pkey) == 1 &&
              EVP_DigestSign(c, raw, &n, (const unsigned char *)in.p, in.n) == 1);
    EVP_MD_CTX_free(c);
    soft_u16(&b, 0x0018);
    soft_u16(&b, 0x000b);
    const unsigned char *p = raw;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)n);
    const BIGNUM *parts[] = {ECDSA_SIG_get0_r(sig), ECDSA_SIG_get0_s(sig)};
    for (size_t i = 0; i < 2; i++) {
        unsigned char number[66];
        soft_2b(&b, td_bytes(number, (size_t)BN_bn2bin(parts[i], number)));
    }
    ECDSA_SIG_free(sig);
    return soft_end(&b, a);
}

static inline void soft_attest_head(struct td_buf *b, unsigned type, const struct soft_key *ak, struct td_slice nonce)
{
    soft_u32(b, 0xff544347);
    soft_u16(b, type);
    soft_2b(b, ak->name); /* the qualified name; nobody can check it without the hierarchy's own */
    soft_2b(b, nonce);
    td_buf_add(b, td_bytes("\0\0\0\0\0\1\2\3" /* clock */ "\0\0\0\5" /* resets */ "\0\0\0\0" /* restarts */
                           "\1" /* safe */ "\0\1\0\2\0\3\0\4" /* firmware */,
                           25));
}

/* A quote of the SHA-256 bank, over a digest that the caller has made. */
static inline struct td_slice soft_quote(const struct soft_key *ak, struct td_slice nonce, uint32_t mask,
                                         struct td_slice pcr_digest, struct td_arena *a)
{
    struct td_buf b;
    td_buf_init(&b, 1024);
    soft_attest_head(&b, 0x8018, ak, nonce);
    soft_u32(&b, 1);
    soft_u16(&b, 0x000b);
    td_buf_addc(&b, 3);
    for (size_t i = 0; i < 3; i++)
        td_buf_addc(&b, (char)(mask >> (8 * i) & 0xff));
    soft_2b(&b, pcr_digest);
    return soft_end(&b, a);
}

static inline struct td_slice soft_certify(const struct soft_key *ak, struct td_slice nonce, struct td_slice name,
                                           struct td_arena *a)
{
    struct td_buf b;
    td_buf_init(&b, 1024);
    soft_attest_head(&b, 0x8017, ak, nonce);
    soft_2b(&b, name);
    soft_2b(&b, name);
    return soft_end(&b, a);
}

#endif
