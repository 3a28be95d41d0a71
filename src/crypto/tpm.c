#include "crypto/tpm.h"

#include "base/encode.h"
#include "base/fault.h"
#include "crypto/digest.h"
#include "crypto/tpm_room.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>

const struct td_tpm_hash *td_tpm_hash(uint16_t alg)
{
    static const struct td_tpm_hash rows[] = {
        {TD_TPM_SHA1, 20, EVP_sha1},
        {TD_TPM_SHA256, 32, EVP_sha256},
        {TD_TPM_SHA384, 48, EVP_sha384},
        {TD_TPM_SHA512, 64, EVP_sha512},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        if (rows[i].alg == alg)
            return &rows[i];
    return NULL;
}

const struct td_tpm_curve *td_tpm_curve(uint16_t curve)
{
    static const struct td_tpm_curve rows[] = {
        {TD_TPM_P256, 32, "P-256"},
        {TD_TPM_P384, 48, "P-384"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        if (rows[i].curve == curve)
            return &rows[i];
    return NULL;
}

struct td_slice td_tpm_stripped(struct td_slice s)
{
    while (s.n != 0 && s.p[0] == '\0')
        s = td_sub(s, 1, s.n);
    return s;
}

bool td_tpm_padded(struct td_slice number, unsigned char *out, size_t n)
{
    number = td_tpm_stripped(number);
    if (number.n > n)
        return false;
    memset(out, 0, n - number.n);
    if (number.n != 0)
        memcpy(out + n - number.n, number.p, number.n);
    return true;
}

enum td_code td_tpm_name(const struct td_tpm_public *p, struct td_tpm_name *ret, struct td_error *err)
{
    const struct td_tpm_hash *h = td_tpm_hash(p->name_alg);
    struct td_tpm_name name = {.octets = {(unsigned char)(p->name_alg >> 8), (unsigned char)(p->name_alg & 0xff)}};
    if (h == NULL)
        return td_fail(err, TD_EFORMAT, "TPM public key", "no Name can be made by algorithm %#06x", p->name_alg);
    if (EVP_Digest(p->whole.p, p->whole.n, name.octets + 2, NULL, h->md(), NULL) != 1)
        return td_ossl_fail(err, TD_EINTERNAL, "TPM public key", "no Name");
    name.n = 2 + h->octets;
    *ret = name;
    return TD_OK;
}

static enum td_code rsa_key(const struct td_tpm_public *p, struct td_key **ret, struct td_error *err)
{
    char e[4] = {(char)(p->rsa_exponent >> 24), (char)(p->rsa_exponent >> 16 & 0xff),
                 (char)(p->rsa_exponent >> 8 & 0xff), (char)(p->rsa_exponent & 0xff)};
    return td_key_from_rsa_numbers(p->rsa_modulus, td_bytes(e, sizeof(e)), ret, err);
}

static enum td_code ec_key(const struct td_tpm_public *p, struct td_key **ret, struct td_error *err)
{
    const struct td_tpm_curve *c = td_tpm_curve(p->curve);
    unsigned char point[1 + 2 * TD_TPM_FIELD_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
    if (c == NULL)
        return td_fail(err, TD_EFORMAT, "TPM public key", "curve %#06x is neither P-256 nor P-384", p->curve);
    if (!td_tpm_padded(p->x, point + 1, c->octets) || !td_tpm_padded(p->y, point + 1 + c->octets, c->octets))
        return td_fail(err, TD_EFORMAT, "TPM public key", "a coordinate is longer than its curve's");
    return td_key_of_point(p->curve == TD_TPM_P256 ? td_ossl()->p256 : td_ossl()->p384,
                           td_bytes(point, 1 + 2 * c->octets), ret, err);
}

enum td_code td_tpm_key(const struct td_tpm_public *p, struct td_key **ret, struct td_error *err)
{
    return p->type == TD_TPM_RSA ? rsa_key(p, ret, err) : ec_key(p, ret, err);
}

/* r and s to ECDSA-Sig-Value; 0 on failure. */
static size_t ecdsa_der(const struct td_tpm_signature *sig, unsigned char out[256])
{
    if (sig->r.n > TD_TPM_FIELD_MAX || sig->s.n > TD_TPM_FIELD_MAX)
        return 0;
    ECDSA_SIG *value = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn((const unsigned char *)sig->r.p, (int)sig->r.n, NULL);
    BIGNUM *s = BN_bin2bn((const unsigned char *)sig->s.p, (int)sig->s.n, NULL);
    int n = 0;
    if (value != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(value, r, s) == 1) {
        n = i2d_ECDSA_SIG(value, &out);
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(value);
    return n > 0 ? (size_t)n : 0;
}

static bool verified(EVP_PKEY *pkey, const struct td_tpm_signature *sig, const struct td_tpm_hash *h,
                     struct td_slice in)
{
    unsigned char digest[EVP_MAX_MD_SIZE], der[256];
    struct td_slice value = sig->rsa;
    bool rsa = sig->scheme != TD_TPM_ECDSA;
    if (!rsa)
        value = td_bytes(der, ecdsa_der(sig, der));
    TD_CLEANUP(pkey_ctx_done) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    int padding = sig->scheme == TD_TPM_RSAPSS ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING;
    bool ok = value.n != 0 && ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
              (!rsa || EVP_PKEY_CTX_set_rsa_padding(ctx, padding) == 1) &&
              EVP_PKEY_CTX_set_signature_md(ctx, h->md()) == 1 &&
              EVP_Digest(in.p, in.n, digest, NULL, h->md(), NULL) == 1 &&
              EVP_PKEY_verify(ctx, (const unsigned char *)value.p, value.n, digest, h->octets) == 1;
    ERR_clear_error();
    return ok;
}

enum td_code td_tpm_verify(const struct td_key *key, const struct td_tpm_signature *sig, struct td_slice signed_,
                           struct td_error *err)
{
    const struct td_tpm_hash *h = td_tpm_hash(sig->hash);
    bool rsa = td_key_kind(key) == TD_KEY_RSA, ec = td_key_kind(key) == TD_KEY_P256 || td_key_kind(key) == TD_KEY_P384;
    if (sig->hash != TD_TPM_SHA256 && sig->hash != TD_TPM_SHA384)
        return td_fail(err, TD_EAUTH, "TPM signature", "hash %#06x is neither SHA-256 nor SHA-384", sig->hash);
    if (sig->scheme == TD_TPM_ECDSA ? !ec : !rsa)
        return td_fail(err, TD_EAUTH, "TPM signature", "scheme %#06x does not fit the key", sig->scheme);
    if (!verified(td_key_evp(key), sig, h, signed_) && !td_fault("tpm-signature-unchecked"))
        return td_fail(err, TD_EAUTH, "TPM signature", "it was not made by this key over these octets");
    return TD_OK;
}

static void extend(unsigned char value[32], struct td_slice digest)
{
    unsigned char both[64];
    memcpy(both, value, 32);
    memcpy(both + 32, digest.p, 32);
    td_sha256(td_bytes(both, sizeof(both)), value);
}

void td_tpm_replay(const struct td_tcg_log *log, struct td_tpm_pcr_values *ret)
{
    enum { DRTM_FIRST = 17, DRTM_LAST = 22 }; /* all ones until a dynamic launch */
    memset(ret, 0, sizeof(*ret));
    ret->known = (1U << TD_TPM_PCRS) - 1;
    for (size_t i = DRTM_FIRST; i <= DRTM_LAST; i++)
        memset(ret->value[i], 0xff, 32);
    ret->value[0][31] = (unsigned char)log->locality;
    for (size_t i = 0; i < log->count; i++) {
        const struct td_tcg_event *e = &log->events[i];
        if (e->pcr >= TD_TPM_PCRS || (e->type == TD_TCG_NO_ACTION && !td_fault("log-no-action-extends")))
            continue;
        if (e->sha256.n == 32)
            extend(ret->value[e->pcr], e->sha256);
        else
            ret->known &= ~(1U << e->pcr);
    }
}

bool td_tpm_pcr_digest(const struct td_tpm_pcr_values *v, uint32_t selected, unsigned char ret[32])
{
    unsigned char all[TD_TPM_PCRS * 32];
    size_t n = 0;
    if ((selected & ~v->known) != 0)
        return false;
    for (size_t i = 0; i < TD_TPM_PCRS; i++)
        if ((selected & 1U << i) != 0)
            memcpy(all + 32 * n++, v->value[i], 32);
    td_sha256(td_bytes(all, 32 * n), ret);
    return true;
}

static bool digest_is_of(const struct td_tcg_event *e, struct td_slice data)
{
    unsigned char digest[32];
    td_sha256(data, digest);
    return td_eq(e->sha256, td_bytes(digest, sizeof(digest)));
}

static bool is_separator(const struct td_tcg_event *e)
{
    return e->pcr == 7 && e->type != TD_TCG_NO_ACTION &&
           (digest_is_of(e, td_bytes("\0\0\0", 4)) || digest_is_of(e, TD_S("\xff\xff\xff\xff")));
}

enum td_tcg_secure_boot td_tpm_secure_boot(const struct td_tcg_log *log)
{
    bool on = false, over = false;
    for (size_t i = 0; i < log->count; i++) {
        const struct td_tcg_event *e = &log->events[i];
        enum td_tcg_secure_boot said = td_tcg_event_secure_boot(e);
        over = over || is_separator(e);
        if (said == TD_TCG_UNTOLD || (!digest_is_of(e, e->data) && !td_fault("log-any-data")))
            continue;
        if (said == TD_TCG_OFF)
            return TD_TCG_OFF;
        on = on || !over || td_fault("log-after-separator");
    }
    return on ? TD_TCG_ON : TD_TCG_UNTOLD;
}

static size_t number_at(struct td_slice s, size_t at, size_t octets, bool big)
{
    size_t n = 0;
    for (size_t i = 0; i < octets; i++)
        n |= (size_t)(unsigned char)s.p[at + i] << 8 * (big ? octets - 1 - i : i);
    return n;
}

/* BCRYPT_RSAPUBLIC_BLOB: six words, the exponent, the modulus. */
static bool is_in_blob(struct td_slice record, size_t at, size_t n)
{
    enum { HEADER = 24, EXPONENT = 8, MODULUS = 12, EXPONENT_MAX = 8 };
    for (size_t e = 1; e <= EXPONENT_MAX && HEADER + e <= at; e++) {
        struct td_slice blob = td_sub(record, at - HEADER - e, SIZE_MAX);
        if (td_starts(blob, "RSA1") && number_at(blob, EXPONENT, 4, false) == e &&
            number_at(blob, MODULUS, 4, false) == n)
            return true;
    }
    return false;
}

/* Does a modulus of n octets stand there by the form that the record has? A cut through a key and its neighbours is a
 * number too, and now and then one with small factors: who finds them has the private half of that "key". */
static bool is_modulus(struct td_slice record, size_t at, size_t n)
{
    bool alone = n == record.n || ((at == 2 || at == 4) && at + n == record.n &&
                                   (number_at(record, 0, at, true) == n || number_at(record, 0, at, false) == n));
    bool area = at >= 8 && number_at(record, at - 8, 2, true) == n * 8 && number_at(record, at - 2, 2, true) == n;
    bool der = at >= 5 && record.p[at - 5] == 0x02 && (unsigned char)record.p[at - 4] == 0x82 &&
               record.p[at - 1] == 0 && number_at(record, at - 3, 2, true) == n + 1;
    return (n == 256 || n == 384 || n == 512) && (alone || area || der || is_in_blob(record, at, n));
}

static bool modulus_in(struct td_slice modulus, struct td_slice record)
{
    for (size_t at = 0; at < record.n && modulus.n != 0; at++) {
        size_t next = td_search(td_sub(record, at, SIZE_MAX), modulus);
        if (next == SIZE_MAX)
            return false;
        at += next;
        if (is_modulus(record, at, modulus.n) || td_fault("ek-any-part"))
            return true;
    }
    return false;
}

/* Not the key but its SHA-256, in octets or in hexadecimal: which form was hashed is not settled either. */
static bool digest_in(const struct td_tpm_public *p, struct td_slice record)
{
    enum { OCTETS = 32, DIGITS = 64 };
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    struct td_slice spki = {0};
    if (record.n != OCTETS && (record.n != DIGITS || td_hex_decode(&a, record, &record) != TD_OK))
        return false;
    if (td_tpm_key(p, &key, NULL) != TD_OK || td_key_public_der(key, &a, &spki) != TD_OK)
        return false;
    char *sized = td_arena_alloc(&a, p->whole.n + 2);
    sized[0] = (char)(p->whole.n >> 8);
    sized[1] = (char)(p->whole.n & 0xff);
    memcpy(sized + 2, p->whole.p, p->whole.n);
    const struct td_slice forms[] = {p->whole, td_bytes(sized, p->whole.n + 2), spki, p->rsa_modulus};
    for (size_t i = 0; i < TD_COUNTOF(forms); i++) {
        unsigned char digest[OCTETS];
        td_sha256(forms[i], digest);
        if (forms[i].n != 0 && td_eq(record, td_bytes(digest, sizeof(digest))))
            return true;
    }
    return false;
}

bool td_tpm_public_in(const struct td_tpm_public *p, struct td_slice record)
{
    enum { MIN_OCTETS = 24 }; /* of a number that is found by chance in no record */
    struct td_slice x = td_tpm_stripped(p->x), y = td_tpm_stripped(p->y);
    if (digest_in(p, record))
        return true;
    if (p->type == TD_TPM_RSA) /* no TPM has an endorsement key of another exponent */
        return p->rsa_exponent == TD_TPM_USUAL_EXPONENT && modulus_in(p->rsa_modulus, record);
    return x.n >= MIN_OCTETS && y.n >= MIN_OCTETS && td_search(record, x) != SIZE_MAX &&
           td_search(record, y) != SIZE_MAX;
}
