/* MakeCredential without a TPM: attestation.md 3.2; domain-join-and-tpm.md 2.2; TCG TPM 2.0 Library part 1, 24 and
 * annexes B.10 and C.6. Hashes and the symmetric key are those of the endorsement key's public area. */
#include "crypto/tpm_room.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

enum { SEED_MAX = 64, KEY_MAX = 64 };

struct seed {
    const struct td_tpm_hash *hash;
    unsigned char octets[SEED_MAX];
};

static void add_u16(struct td_buf *b, size_t v)
{
    td_buf_addc(b, (char)(v >> 8));
    td_buf_addc(b, (char)(v & 0xff));
}

static void add_u32(struct td_buf *b, size_t v)
{
    add_u16(b, v >> 16 & 0xffff);
    add_u16(b, v & 0xffff);
}

static bool hmac(const struct td_tpm_hash *h, struct td_slice key, struct td_slice in, unsigned char out[KEY_MAX])
{
    return HMAC(h->md(), key.p, (int)key.n, (const unsigned char *)in.p, in.n, out, NULL) != NULL;
}

/* KDFa of one block: what is asked for is never longer than the hash. out has the whole block. */
static bool kdfa(const struct seed *seed, struct td_slice label_with_nul, struct td_slice context, size_t bits,
                 unsigned char out[KEY_MAX])
{
    struct td_buf b;
    td_buf_init(&b, 256);
    add_u32(&b, 1);
    td_buf_add(&b, label_with_nul);
    td_buf_add(&b, context);
    add_u32(&b, bits);
    bool ok = !b.failed && hmac(seed->hash, td_bytes(seed->octets, seed->hash->octets), td_buf_slice(&b), out);
    td_buf_done(&b);
    return ok;
}

static bool rsa_share(EVP_PKEY *pkey, const struct seed *seed, struct td_arena *a, struct td_slice *ret)
{
    static const char label[] = "IDENTITY"; /* with its NUL */
    TD_CLEANUP(pkey_ctx_done) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    const EVP_MD *md = seed->hash->md();
    size_t n = (size_t)EVP_PKEY_get_size(pkey);
    unsigned char *out = td_arena_alloc(a, n + 1);
    if (ctx == NULL || EVP_PKEY_encrypt_init(ctx) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) != 1 || EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) != 1 ||
        EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) != 1)
        return false;
    void *copy = OPENSSL_memdup(label, sizeof(label));
    if (EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, copy, sizeof(label)) != 1) {
        OPENSSL_free(copy);
        return false;
    }
    bool ok = EVP_PKEY_encrypt(ctx, out, &n, seed->octets, seed->hash->octets) == 1;
    *ret = td_bytes(out, n);
    return ok;
}

/* KDFe of one block over the shared x coordinate. */
static bool kdfe(struct seed *seed, struct td_slice z, struct td_slice ours, struct td_slice theirs)
{
    struct td_buf b;
    td_buf_init(&b, 512);
    add_u32(&b, 1);
    td_buf_add(&b, z);
    td_buf_add(&b, TD_S("IDENTITY\0"));
    td_buf_add(&b, ours);
    td_buf_add(&b, theirs);
    bool ok = !b.failed && EVP_Digest(b.p, b.n, seed->octets, NULL, seed->hash->md(), NULL) == 1;
    td_buf_wipe(&b);
    return ok;
}

static bool shared_x(EVP_PKEY *ours, EVP_PKEY *theirs, unsigned char *z, size_t n)
{
    TD_CLEANUP(pkey_ctx_done) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, ours, NULL);
    size_t got = n;
    return ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, theirs) == 1 &&
           EVP_PKEY_derive(ctx, z, &got) == 1 && got == n;
}

static bool public_point(EVP_PKEY *pkey, unsigned char *point, size_t n)
{
    size_t got = 0;
    return EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, n, &got) == 1 && got == n &&
           point[0] == POINT_CONVERSION_UNCOMPRESSED;
}

static bool ec_share(EVP_PKEY *pkey, const struct td_tpm_curve *c, struct seed *seed, struct td_arena *a,
                     struct td_slice *ret)
{
    unsigned char point[1 + 2 * TD_TPM_FIELD_MAX], ek[1 + 2 * TD_TPM_FIELD_MAX], z[TD_TPM_FIELD_MAX];
    size_t n = c->octets;
    TD_CLEANUP(pkey_done) EVP_PKEY *ephemeral = EVP_PKEY_Q_keygen(NULL, NULL, "EC", c->name);
    bool ok = ephemeral != NULL && public_point(ephemeral, point, 1 + 2 * n) && public_point(pkey, ek, 1 + 2 * n) &&
              shared_x(ephemeral, pkey, z, n) &&
              kdfe(seed, td_bytes(z, n), td_bytes(point + 1, n), td_bytes(ek + 1, n));
    td_wipe(z, sizeof(z));
    if (!ok)
        return false;
    struct td_buf b;
    td_buf_init(&b, 256);
    td_tpm_2b_write(td_bytes(point + 1, n), &b);
    td_tpm_2b_write(td_bytes(point + 1 + n, n), &b);
    *ret = td_arena_copy(a, td_buf_slice(&b));
    td_buf_done(&b);
    return true;
}

static bool encrypted(uint16_t bits, const unsigned char *key, struct td_slice in, unsigned char *out)
{
    static const unsigned char iv[16];
    const EVP_CIPHER *cipher = bits == 128   ? EVP_aes_128_cfb128()
                               : bits == 192 ? EVP_aes_192_cfb128()
                                             : EVP_aes_256_cfb128();
    TD_CLEANUP(cipher_ctx_done) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;
    return ctx != NULL && EVP_EncryptInit_ex(ctx, cipher, NULL, key, iv) == 1 &&
           EVP_EncryptUpdate(ctx, out, &n, (const unsigned char *)in.p, (int)in.n) == 1 && (size_t)n == in.n;
}

/* u16 n || HMAC(encIdentity || Name) || encIdentity */
static bool seal(const struct seed *seed, uint16_t bits, struct td_slice name, struct td_slice secret,
                 struct td_arena *a, struct td_slice *ret)
{
    unsigned char key[KEY_MAX],
        plain[2 + SEED_MAX] = {(unsigned char)(secret.n >> 8), (unsigned char)(secret.n & 0xff)};
    unsigned char sealed[2 + SEED_MAX + TD_TPM_NAME_MAX], mac[KEY_MAX];
    size_t n = 2 + secret.n;
    memcpy(plain + 2, secret.p, secret.n);
    bool ok = kdfa(seed, TD_S("STORAGE\0"), name, bits, key) && encrypted(bits, key, td_bytes(plain, n), sealed) &&
              kdfa(seed, TD_S("INTEGRITY\0"), TD_S(""), seed->hash->octets * 8, key);
    memcpy(sealed + n, name.p, name.n);
    ok = ok && hmac(seed->hash, td_bytes(key, seed->hash->octets), td_bytes(sealed, n + name.n), mac);
    td_wipe(key, sizeof(key));
    td_wipe(plain, sizeof(plain));
    struct td_buf b;
    td_buf_init(&b, 512);
    td_tpm_2b_write(td_bytes(mac, seed->hash->octets), &b);
    td_buf_add(&b, td_bytes(sealed, n));
    *ret = td_arena_copy(a, td_buf_slice(&b));
    td_buf_done(&b);
    return ok;
}

static enum td_code check(const struct td_tpm_public *ek, const struct td_tpm_hash *h, struct td_slice secret,
                          struct td_slice random, struct td_error *err)
{
    if (h == NULL || ek->name_alg == TD_TPM_SHA1)
        return td_fail(err, TD_EINVAL, "endorsement key", "name algorithm %#06x is not offered", ek->name_alg);
    if (ek->symmetric != TD_TPM_AES || ek->symmetric_mode != TD_TPM_CFB ||
        (ek->symmetric_bits != 128 && ek->symmetric_bits != 192 && ek->symmetric_bits != 256))
        return td_fail(err, TD_EINVAL, "endorsement key", "it protects nothing by AES-CFB");
    if (ek->symmetric_bits > h->octets * 8)
        return td_fail(err, TD_EINVAL, "endorsement key", "its symmetric key is longer than its hash");
    if (secret.n == 0 || secret.n > h->octets || random.n < h->octets)
        return td_fail(err, TD_EINTERNAL, "endorsement key", "secret or seed of a wrong size");
    return TD_OK;
}

enum td_code td_tpm_make_credential_for(const struct td_tpm_public *ek, const struct td_key *key,
                                        const struct td_tpm_name *ak, struct td_slice secret, struct td_slice random,
                                        struct td_arena *a, struct td_tpm_credential *ret, struct td_error *err)
{
    struct seed seed = {.hash = td_tpm_hash(ek->name_alg)};
    struct td_tpm_credential out = {0};
    td_try(check(ek, seed.hash, secret, random, err));
    memcpy(seed.octets, random.p, seed.hash->octets);
    bool ok = (ek->type == TD_TPM_RSA ? rsa_share(td_key_evp(key), &seed, a, &out.secret)
                                      : ec_share(td_key_evp(key), td_tpm_curve(ek->curve), &seed, a, &out.secret)) &&
              seal(&seed, ek->symmetric_bits, td_bytes(ak->octets, ak->n), secret, a, &out.id_object);
    td_wipe(seed.octets, sizeof(seed.octets));
    if (!ok)
        return td_ossl_fail(err, TD_EINTERNAL, "endorsement key", "no credential could be made");
    *ret = out;
    return TD_OK;
}

enum td_code td_tpm_make_credential(const struct td_tpm_public *ek, const struct td_tpm_name *ak,
                                    struct td_slice secret, struct td_slice random, struct td_arena *a,
                                    struct td_tpm_credential *ret, struct td_error *err)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    td_try(check(ek, td_tpm_hash(ek->name_alg), secret, random, err));
    td_try(td_tpm_key(ek, &key, err));
    return td_tpm_make_credential_for(ek, key, ak, secret, random, a, ret, err);
}
