/* SubjectPublicKeyInfo of the usual keys, written by hand: the engine's encoder costs more than two signatures (it
 * looks its ways up anew for every key). */
#include "base/buf.h"
#include "crypto/ossl.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>

enum { SPKI_MAX = 2048, SEQUENCE = 0x30, INTEGER = 0x02, BIT_STRING = 0x03 };

static void element(struct td_buf *out, unsigned char tag, struct td_slice contents)
{
    td_buf_addc(out, (char)tag);
    if (contents.n >= 0x100) {
        td_buf_addc(out, (char)0x82);
        td_buf_addc(out, (char)(contents.n >> 8));
    } else if (contents.n >= 0x80) {
        td_buf_addc(out, (char)0x81);
    }
    td_buf_addc(out, (char)(contents.n & 0xff));
    td_buf_add(out, contents);
}

/* A number without a sign: a zero in front where it would look negative. */
static void integer(struct td_buf *out, struct td_slice number, struct td_arena *a)
{
    if ((number.p[0] & 0x80) != 0) {
        char *padded = td_arena_alloc(a, number.n + 1);
        memcpy(padded + 1, number.p, number.n);
        number = td_bytes(padded, number.n + 1);
    }
    element(out, INTEGER, number);
}

static struct td_slice taken(struct td_buf *b, struct td_arena *a)
{
    struct td_slice out = td_arena_copy(a, td_buf_slice(b));
    td_buf_reset(b);
    return out;
}

static struct td_slice bits(struct td_slice octets, struct td_arena *a)
{
    char *p = td_arena_alloc(a, octets.n + 1); /* its first octet: no bits unused */
    memcpy(p + 1, octets.p, octets.n);
    return td_bytes(p, octets.n + 1);
}

static void whole(struct td_buf *b, struct td_slice algorithm, struct td_slice key, struct td_arena *a)
{
    td_buf_reset(b);
    td_buf_add(b, algorithm);
    element(b, BIT_STRING, bits(key, a));
    struct td_slice inside = taken(b, a);
    element(b, SEQUENCE, inside);
}

static bool rsa(const struct td_key *key, struct td_arena *a, struct td_buf *b)
{
    struct td_slice n = {0}, e = {0};
    if (td_key_rsa_numbers(key, a, &n, &e) != TD_OK || n.n == 0 || e.n == 0)
        return false;
    integer(b, n, a);
    integer(b, e, a);
    struct td_slice numbers = taken(b, a);
    element(b, SEQUENCE, numbers);
    numbers = taken(b, a);
    /* rsaEncryption, NULL */
    whole(b, td_bytes("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00", 15), numbers, a);
    return true;
}

static bool ec(const struct td_key *key, struct td_arena *a, struct td_buf *b)
{
    unsigned char point[128];
    size_t n = 0;
    bool small = td_key_kind(key) == TD_KEY_P256;
    if (EVP_PKEY_get_octet_string_param(td_key_evp(key), OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n) != 1 ||
        n != (small ? 65U : 97U) || point[0] != POINT_CONVERSION_UNCOMPRESSED)
        return false;
    /* id-ecPublicKey, prime256v1 or secp384r1 */
    struct td_slice algorithm =
        small ? td_bytes("\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 21)
              : td_bytes("\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22", 18);
    whole(b, algorithm, td_bytes(point, n), a);
    return true;
}

bool td_spki_write(const struct td_key *key, struct td_arena *a, struct td_slice *ret)
{
    struct td_buf b;
    td_buf_init(&b, SPKI_MAX);
    enum td_key_kind kind = td_key_kind(key);
    bool ok = kind == TD_KEY_RSA ? rsa(key, a, &b) : (kind == TD_KEY_P256 || kind == TD_KEY_P384) && ec(key, a, &b);
    ok = ok && !b.failed;
    if (ok)
        *ret = td_arena_copy(a, td_buf_slice(&b));
    td_buf_done(&b);
    ERR_clear_error();
    return ok;
}

enum td_code td_key_of_point(const EVP_PKEY *curve, struct td_slice point, struct td_key **ret, struct td_error *err)
{
    EVP_PKEY *pkey = EVP_PKEY_dup((EVP_PKEY *)(uintptr_t)curve); /* which only reads it */
    if (pkey == NULL || EVP_PKEY_set1_encoded_public_key(pkey, (const unsigned char *)point.p, point.n) != 1) {
        EVP_PKEY_free(pkey);
        return td_ossl_fail(err, TD_EFORMAT, "public key", "not a point of its curve");
    }
    *ret = td_key_wrap(pkey);
    return TD_OK;
}
