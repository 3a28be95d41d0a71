#include "wire/soft_tpm.h"

#include "base/buf.h"
#include "base/encode.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

enum { POOL = 12, SCRATCH = 16384 };

static EVP_PKEY *pool[3][3][POOL];

/* No cmocka: the bench's generator has none. */
static void need(bool ok)
{
    if (!ok)
        abort();
}

void soft_end(void)
{
    for (int k = 0; k < 3; k++)
        for (int r = 0; r < 3; r++)
            for (int n = 0; n < POOL; n++) {
                EVP_PKEY_free(pool[k][r][n]);
                pool[k][r][n] = NULL;
            }
}

struct soft_key soft_key(enum soft_kind kind, enum soft_role role, int number)
{
    static const uint32_t attributes[] = {SOFT_EK_HAS, SOFT_AK_HAS, SOFT_PLAIN_HAS};
    EVP_PKEY **at = &pool[kind][role][number];
    if (*at == NULL)
        *at = kind == SOFT_RSA ? EVP_RSA_gen(2048) : EVP_EC_gen(kind == SOFT_P256 ? "P-256" : "P-384");
    need(*at != NULL);
    return (struct soft_key){.kind = kind, .role = role, .key = *at, .attributes = attributes[role]};
}

/* --- structures --- */

static void be(struct td_buf *b, uint64_t v, int octets)
{
    for (int i = octets - 1; i >= 0; i--)
        td_buf_addc(b, (char)(v >> (8 * i)));
}

static void two_b(struct td_buf *b, struct td_slice s)
{
    be(b, s.n, 2);
    td_buf_add(b, s);
}

static struct td_slice kept(struct td_buf *b, struct td_arena *a)
{
    struct td_slice s = td_arena_copy(a, td_buf_slice(b));
    need(!b->failed);
    td_buf_done(b);
    return s;
}

struct td_slice soft_2b(struct td_slice contents, struct td_arena *a)
{
    struct td_buf b;
    td_buf_init(&b, SCRATCH);
    two_b(&b, contents);
    return kept(&b, a);
}

static struct td_slice number(const struct soft_key *k, const char *what, size_t size, struct td_arena *a)
{
    BIGNUM *n = NULL;
    unsigned char *out = td_arena_alloc(a, size);
    need(EVP_PKEY_get_bn_param(k->key, what, &n) == 1);
    need(BN_bn2binpad(n, out, (int)size) == (int)size);
    BN_free(n);
    return td_bytes(out, size);
}

static size_t field(const struct soft_key *k)
{
    return k->kind == SOFT_P384 ? 48 : 32;
}

static bool wide(const struct soft_key *k) /* the high-range P-384 EK: SHA-384, AES-256 */
{
    return k->kind == SOFT_P384 && k->role == SOFT_EK;
}

static uint16_t name_alg(const struct soft_key *k)
{
    return k->name_alg != 0 ? k->name_alg : wide(k) ? 0x000c : 0x000b;
}

struct td_slice soft_public(const struct soft_key *k, struct td_arena *a)
{
    static const unsigned char policy[48] = {0x83, 0x71, 0x97, 0x67, 0x44, 0x84};
    struct td_buf b;
    td_buf_init(&b, SCRATCH);
    be(&b, k->kind == SOFT_RSA ? 0x0001 : 0x0023, 2);
    be(&b, name_alg(k), 2);
    be(&b, k->attributes, 4);
    two_b(&b, td_bytes(policy, k->role == SOFT_EK ? wide(k) ? 48 : 32 : 0));
    if (k->role == SOFT_EK) {
        be(&b, 0x0006, 2);
        be(&b, wide(k) ? 256 : 128, 2);
        be(&b, 0x0043, 2);
    } else {
        be(&b, 0x0010, 2);
    }
    if (k->role == SOFT_AK) {
        be(&b, k->kind == SOFT_RSA ? 0x0014 : 0x0018, 2);
        be(&b, 0x000b, 2);
    } else {
        be(&b, 0x0010, 2);
    }
    if (k->kind == SOFT_RSA) {
        be(&b, 2048, 2);
        be(&b, 0, 4);
        two_b(&b, number(k, OSSL_PKEY_PARAM_RSA_N, 256, a));
    } else {
        be(&b, k->kind == SOFT_P256 ? 0x0003 : 0x0004, 2);
        be(&b, 0x0010, 2);
        two_b(&b, number(k, OSSL_PKEY_PARAM_EC_PUB_X, field(k), a));
        two_b(&b, number(k, OSSL_PKEY_PARAM_EC_PUB_Y, field(k), a));
    }
    return kept(&b, a);
}

static const EVP_MD *md(uint16_t alg)
{
    return alg == 0x000c ? EVP_sha384() : EVP_sha256();
}

struct td_slice soft_name(const struct soft_key *k, struct td_arena *a)
{
    struct td_slice public = soft_public(k, a);
    unsigned char *out = td_arena_alloc(a, 2 + EVP_MAX_MD_SIZE);
    unsigned n = 0;
    out[1] = (unsigned char)name_alg(k);
    need(EVP_Digest(public.p, public.n, out + 2, &n, md(name_alg(k)), NULL) == 1);
    return td_bytes(out, 2 + n);
}

struct td_slice soft_spki(const struct soft_key *k, struct td_arena *a)
{
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(k->key, &der);
    need(n > 0);
    struct td_slice out = td_arena_copy(a, td_bytes(der, (size_t)n));
    OPENSSL_free(der);
    return out;
}

struct td_slice soft_csr(const struct soft_key *k, struct td_arena *a)
{
    X509_REQ *req = X509_REQ_new();
    unsigned char *der = NULL;
    X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN", MBSTRING_ASC, (const unsigned char *)"device", -1,
                               -1, 0);
    need(X509_REQ_set_pubkey(req, k->key) == 1);
    need(X509_REQ_sign(req, k->key, EVP_sha256()) > 0);
    int n = i2d_X509_REQ(req, &der);
    struct td_slice out = td_arena_copy(a, td_bytes(der, (size_t)n));
    OPENSSL_free(der);
    X509_REQ_free(req);
    return out;
}

/* --- signatures --- */

static struct td_slice raw_signature(const struct soft_key *k, struct td_slice in, struct td_arena *a)
{
    unsigned char *out = td_arena_alloc(a, 512);
    size_t n = 512;
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    need(EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, k->key) == 1);
    need(EVP_DigestSign(c, out, &n, (const unsigned char *)in.p, in.n) == 1);
    EVP_MD_CTX_free(c);
    return td_bytes(out, n);
}

static void split(struct td_slice der, size_t size, unsigned char *r, unsigned char *s)
{
    const unsigned char *p = (const unsigned char *)der.p;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)der.n);
    need(sig != NULL);
    need(BN_bn2binpad(ECDSA_SIG_get0_r(sig), r, (int)size) == (int)size);
    need(BN_bn2binpad(ECDSA_SIG_get0_s(sig), s, (int)size) == (int)size);
    ECDSA_SIG_free(sig);
}

struct td_slice soft_sign(const struct soft_key *ak, struct td_slice attest, struct td_arena *a)
{
    struct td_buf b;
    unsigned char r[48], s[48];
    struct td_slice sig = raw_signature(ak, attest, a);
    td_buf_init(&b, SCRATCH);
    be(&b, ak->kind == SOFT_RSA ? 0x0014 : 0x0018, 2);
    be(&b, 0x000b, 2);
    if (ak->kind == SOFT_RSA) {
        two_b(&b, sig);
    } else {
        split(sig, field(ak), r, s);
        two_b(&b, td_bytes(r, field(ak)));
        two_b(&b, td_bytes(s, field(ak)));
    }
    return kept(&b, a);
}

const char *soft_jws(const struct soft_key *k, const char *x5c, const char *payload, struct td_arena *a)
{
    unsigned char rs[64];
    const char *header = td_arena_printf(a, "{\"alg\":\"%s\",\"typ\":\"JWT\",\"x5c\":[\"%s\"]}",
                                         k->kind == SOFT_RSA ? "RS256" : "ES256", x5c);
    const char *input = td_arena_printf(a, "%s.%s", td_b64url(a, td_str(header)), td_b64url(a, td_str(payload)));
    struct td_slice sig = raw_signature(k, td_str(input), a);
    if (k->kind != SOFT_RSA) {
        split(sig, 32, rs, rs + 32);
        sig = td_bytes(rs, sizeof(rs));
    }
    return td_arena_printf(a, "%s.%s", input, td_b64url(a, sig));
}

/* --- what the TPM says --- */

struct td_slice soft_attest(const struct soft_word *w, struct td_arena *a)
{
    struct td_buf b;
    uint32_t pcrs = w->pcrs != 0 ? w->pcrs : 0xff;
    td_buf_init(&b, SCRATCH);
    be(&b, w->magic != 0 ? w->magic : 0xff544347, 4);
    be(&b, w->type, 2);
    two_b(&b, TD_S("\x00\x0b signer of a test, 32 octets lo"));
    two_b(&b, w->nonce);
    be(&b, 123456, 8);
    be(&b, w->resets, 4);
    be(&b, 0, 4);
    be(&b, 1, 1);
    be(&b, 0x20191023, 8);
    if (w->type == 0x8018) {
        be(&b, 1, 4);
        be(&b, w->bank != 0 ? w->bank : 0x000b, 2);
        be(&b, 3, 1);
        for (int i = 0; i < 3; i++)
            be(&b, pcrs >> (8 * i) & 0xff, 1);
        two_b(&b, w->digest);
    } else {
        two_b(&b, w->name);
        two_b(&b, w->name);
    }
    return kept(&b, a);
}

/* --- TPM2_ActivateCredential --- */

static struct td_slice kdf(const EVP_MD *hash, struct td_slice key, const char *label, struct td_slice context,
                           uint32_t bits, struct td_arena *a)
{
    struct td_buf b;
    unsigned n = 0;
    unsigned char *out = td_arena_alloc(a, EVP_MAX_MD_SIZE);
    td_buf_init(&b, SCRATCH);
    be(&b, 1, 4);
    td_buf_add(&b, td_bytes(label, strlen(label) + 1));
    td_buf_add(&b, context);
    be(&b, bits, 4);
    HMAC(hash, key.p, (int)key.n, (const unsigned char *)b.p, b.n, out, &n);
    td_buf_done(&b);
    return td_bytes(out, bits / 8);
}

static struct td_slice rsa_seed(const struct soft_key *ek, struct td_slice secret, struct td_arena *a)
{
    unsigned char *out = td_arena_alloc(a, 512), *label = OPENSSL_memdup("IDENTITY", 9);
    size_t n = 512;
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(ek->key, NULL);
    need(EVP_PKEY_decrypt_init(c) == 1);
    need(EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) == 1);
    need(EVP_PKEY_CTX_set_rsa_oaep_md(c, EVP_sha256()) == 1);
    need(EVP_PKEY_CTX_set_rsa_mgf1_md(c, EVP_sha256()) == 1);
    need(EVP_PKEY_CTX_set0_rsa_oaep_label(c, label, 9) == 1);
    bool right = EVP_PKEY_decrypt(c, out, &n, (const unsigned char *)secret.p, secret.n) == 1;
    EVP_PKEY_CTX_free(c);
    return right ? td_bytes(out, n) : TD_S("");
}

static EVP_PKEY *point(const char *group, struct td_slice x, struct td_slice y)
{
    unsigned char octets[1 + 2 * 48] = {0x04};
    EVP_PKEY *key = NULL;
    memcpy(octets + 1, x.p, x.n);
    memcpy(octets + 1 + x.n, y.p, y.n);
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)group, 0),
                           OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, octets, 1 + x.n + y.n),
                           OSSL_PARAM_construct_end()};
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    need(EVP_PKEY_fromdata_init(c) == 1);
    need(EVP_PKEY_fromdata(c, &key, EVP_PKEY_PUBLIC_KEY, params) == 1);
    EVP_PKEY_CTX_free(c);
    return key;
}

static struct td_slice ec_seed(const struct soft_key *ek, struct td_slice secret, struct td_arena *a)
{
    struct td_buf b;
    unsigned n = 0;
    size_t z_n = 48, size = field(ek);
    unsigned char z[48], *out = td_arena_alloc(a, EVP_MAX_MD_SIZE);
    need(secret.n == 2 * (2 + size));
    struct td_slice x = td_sub(secret, 2, size), y = td_sub(secret, 4 + size, size);
    EVP_PKEY *other = point(ek->kind == SOFT_P384 ? "P-384" : "P-256", x, y);
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(ek->key, NULL);
    need(EVP_PKEY_derive_init(c) == 1);
    need(EVP_PKEY_derive_set_peer(c, other) == 1);
    need(EVP_PKEY_derive(c, z, &z_n) == 1);
    EVP_PKEY_CTX_free(c);
    EVP_PKEY_free(other);
    td_buf_init(&b, SCRATCH);
    be(&b, 1, 4);
    td_buf_add(&b, td_bytes(z, z_n));
    td_buf_add(&b, td_bytes("IDENTITY", 9));
    td_buf_add(&b, x);
    td_buf_add(&b, number(ek, OSSL_PKEY_PARAM_EC_PUB_X, size, a));
    need(EVP_Digest(b.p, b.n, out, &n, md(name_alg(ek)), NULL) == 1);
    td_buf_done(&b);
    return td_bytes(out, n);
}

static struct td_slice decrypt(struct td_slice key, struct td_slice in, struct td_arena *a)
{
    static const unsigned char iv[16];
    unsigned char *out = td_arena_alloc(a, in.n + 16);
    int n = 0;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    need(EVP_DecryptInit_ex(c, key.n == 32 ? EVP_aes_256_cfb128() : EVP_aes_128_cfb128(), NULL,
                            (const unsigned char *)key.p, iv) == 1);
    need(EVP_DecryptUpdate(c, out, &n, (const unsigned char *)in.p, (int)in.n) == 1);
    EVP_CIPHER_CTX_free(c);
    return td_bytes(out, (size_t)n);
}

struct td_slice soft_activate(const struct soft_key *ek, const struct soft_key *ak, struct td_slice id_object,
                              struct td_slice secret, struct td_arena *a)
{
    const EVP_MD *hash = md(name_alg(ek));
    size_t size = (size_t)EVP_MD_get_size(hash);
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    struct td_slice name = soft_name(ak, a), object = td_sub(id_object, 2, SIZE_MAX);
    struct td_slice seed = ek->kind == SOFT_RSA ? rsa_seed(ek, td_sub(secret, 2, SIZE_MAX), a)
                                                : ec_seed(ek, td_sub(secret, 2, SIZE_MAX), a);
    struct td_slice integrity = td_sub(object, 2, size), encrypted = td_sub(object, 2 + size, SIZE_MAX);
    struct td_slice key = kdf(hash, seed, "INTEGRITY", TD_S(""), (uint32_t)size * 8, a);
    struct td_buf b;
    td_buf_init(&b, SCRATCH);
    td_buf_add(&b, encrypted);
    td_buf_add(&b, name);
    HMAC(hash, key.p, (int)key.n, (const unsigned char *)b.p, b.n, mac, &n);
    td_buf_done(&b);
    if (!td_eq(integrity, td_bytes(mac, n)))
        return TD_S("");
    struct td_slice plain = decrypt(kdf(hash, seed, "STORAGE", name, wide(ek) ? 256 : 128, a), encrypted, a);
    need(((size_t)(unsigned char)plain.p[0] << 8 | (unsigned char)plain.p[1]) + 2 == plain.n);
    return td_sub(plain, 2, SIZE_MAX);
}

/* --- a start --- */

static void le(struct soft_boot *b, uint32_t v, int octets)
{
    for (int i = 0; i < octets; i++)
        b->log[b->log_n++] = (unsigned char)(v >> (8 * i));
}

static void event(struct soft_boot *b, uint32_t pcr, uint32_t type, struct td_slice data)
{
    unsigned char both[64];
    SHA256((const unsigned char *)data.p, data.n, both + 32);
    memcpy(both, b->pcr[pcr], 32);
    SHA256(both, sizeof(both), b->pcr[pcr]);
    le(b, pcr, 4);
    le(b, type, 4);
    le(b, 1, 4);
    le(b, 0x000b, 2);
    memcpy(b->log + b->log_n, both + 32, 32);
    b->log_n += 32;
    le(b, (uint32_t)data.n, 4);
    memcpy(b->log + b->log_n, data.p, data.n);
    b->log_n += data.n;
}

static void header(struct soft_boot *b)
{
    static const char spec[] = "Spec ID Event03";
    le(b, 0, 4);
    le(b, 3, 4);
    b->log_n += 20;
    le(b, sizeof(spec) + 8 + 4 + 4 + 1, 4);
    memcpy(b->log + b->log_n, spec, sizeof(spec));
    b->log_n += sizeof(spec);
    le(b, 0, 4);          /* platform class */
    le(b, 0x02000200, 4); /* minor, major, errata, size of integers */
    le(b, 1, 4);
    le(b, 0x000b, 2);
    le(b, 32, 2);
    le(b, 0, 1);
}

void soft_boot(struct soft_boot *b, bool secure, const char *firmware)
{
    /* EFI_GLOBAL_VARIABLE, then the name in UTF-16 and the value */
    static const unsigned char guid[16] = {0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
                                           0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};
    static const char name[] = "SecureBoot";
    unsigned char data[64] = {0};
    size_t n = 32, letters = sizeof(name) - 1;
    memset(b, 0, sizeof(*b));
    memcpy(data, guid, sizeof(guid));
    data[16] = (unsigned char)letters;
    data[24] = 1;
    for (size_t i = 0; i < letters; i++, n += 2)
        data[n] = (unsigned char)name[i];
    data[n++] = secure;
    header(b);
    event(b, 0, 0x00000008, td_str(firmware));
    event(b, 7, 0x80000001, td_bytes(data, n));
    for (uint32_t pcr = 0; pcr < 8; pcr++)
        event(b, pcr, 0x00000004, td_bytes("\0\0\0\0", 4));
}

struct td_slice soft_digest(const struct soft_boot *b, uint32_t pcrs, struct td_arena *a)
{
    unsigned char *out = td_arena_alloc(a, 32);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    need(EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1);
    for (int i = 0; i < 24; i++)
        if ((pcrs & 1u << i) != 0)
            need(EVP_DigestUpdate(ctx, b->pcr[i], 32) == 1);
    need(EVP_DigestFinal_ex(ctx, out, NULL) == 1);
    EVP_MD_CTX_free(ctx);
    return td_bytes(out, 32);
}

const char *soft_values(const struct soft_boot *b, uint32_t pcrs, struct td_arena *a)
{
    const char *out = "";
    for (int i = 0; i < 24; i++)
        if ((pcrs & 1u << i) != 0)
            out = td_arena_printf(a, "%s%s\"%d\":\"%s\"", out, out[0] != '\0' ? "," : "", i,
                                  td_hex(a, td_bytes(b->pcr[i], 32)));
    return td_arena_printf(a, "{%s}", out);
}

/* --- makers --- */

static struct td_slice der_of(X509 *x, struct td_arena *a)
{
    unsigned char *der = NULL;
    int n = i2d_X509(x, &der);
    need(n > 0);
    struct td_slice out = td_arena_copy(a, td_bytes(der, (size_t)n));
    OPENSSL_free(der);
    X509_free(x);
    return out;
}

static X509_NAME *name_of(const char *cn)
{
    X509_NAME *n = X509_NAME_new();
    X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
    return n;
}

static X509 *begin_cert(long serial, int64_t not_before, int64_t not_after)
{
    X509 *x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
    if (not_before != 0)
        ASN1_TIME_set(X509_getm_notBefore(x), (time_t)not_before);
    else
        ASN1_TIME_set_string(X509_getm_notBefore(x), "20200101000000Z");
    if (not_after != 0)
        ASN1_TIME_set(X509_getm_notAfter(x), (time_t)not_after);
    else
        ASN1_TIME_set_string(X509_getm_notAfter(x), "99991231235959Z");
    return x;
}

static void extend(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    need(e != NULL);
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
}

struct td_slice soft_root(struct soft_maker m, struct td_arena *a)
{
    struct soft_key key = soft_key(SOFT_P256, SOFT_PLAIN, m.number);
    X509 *x = begin_cert(1, 0, 0);
    X509_NAME *name = name_of(m.name);
    X509_set_subject_name(x, name);
    X509_set_issuer_name(x, name);
    X509_NAME_free(name);
    X509_set_pubkey(x, key.key);
    extend(x, NID_basic_constraints, "critical,CA:TRUE");
    extend(x, NID_key_usage, "critical,keyCertSign,cRLSign");
    need(X509_sign(x, key.key, EVP_sha256()) > 0);
    return der_of(x, a);
}

/* Maker, model and version stand in a critical alternative name, since the subject is empty. */
static void alternative_name(X509 *x, const struct soft_cert *c)
{
    const struct {
        const char *oid, *value;
    } parts[] = {{"2.23.133.2.1", c->vendor != NULL ? c->vendor : "id:49465800"},
                 {"2.23.133.2.2", c->model != NULL ? c->model : "SLB9670"},
                 {"2.23.133.2.3", "id:00020008"}};
    X509_NAME *name = X509_NAME_new();
    for (size_t i = 0; i < TD_COUNTOF(parts); i++) {
        ASN1_OBJECT *oid = OBJ_txt2obj(parts[i].oid, 1);
        X509_NAME_add_entry_by_OBJ(name, oid, MBSTRING_UTF8, (const unsigned char *)parts[i].value, -1, -1, 0);
        ASN1_OBJECT_free(oid);
    }
    GENERAL_NAMES *list = GENERAL_NAMES_new();
    GENERAL_NAME *one = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(one, GEN_DIRNAME, name);
    sk_GENERAL_NAME_push(list, one);
    need(X509_add1_ext_i2d(x, NID_subject_alt_name, list, 1, 0) == 1);
    GENERAL_NAMES_free(list);
}

struct td_slice soft_certify(const struct soft_cert *c, struct td_arena *a)
{
    static long serial = 100;
    struct soft_key issuer = soft_key(SOFT_P256, SOFT_PLAIN, c->maker.number);
    X509 *x = begin_cert(serial++, c->not_before, c->not_after);
    X509_NAME *name = name_of(c->self_signed ? "TPM" : c->maker.name), *own = name_of("TPM");
    X509_set_issuer_name(x, name);
    if (c->has_subject || c->self_signed)
        X509_set_subject_name(x, own);
    X509_NAME_free(name);
    X509_NAME_free(own);
    X509_set_pubkey(x, c->key->key);
    alternative_name(x, c);
    extend(x, NID_basic_constraints, c->authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (!c->no_usage)
        extend(x, NID_ext_key_usage, "2.23.133.8.1");
    need(X509_sign(x, c->self_signed ? c->key->key : issuer.key, EVP_sha256()) > 0);
    return der_of(x, a);
}
