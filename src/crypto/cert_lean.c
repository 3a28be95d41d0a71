#include "crypto/cert_lean.h"

#include <openssl/rsa.h>

enum { INTEGER = 0x02, BIT_STRING = 0x03, OCTET_STRING = 0x04, BOOLEAN = 0x01, OID = 0x06, SEQUENCE = 0x30 };
enum { UTC_TIME = 0x17, GENERALIZED_TIME = 0x18, VERSION = 0xa0, EXTENSIONS = 0xa3, EXTENSIONS_MAX = 64 };

bool td_der_next(struct td_slice *rest, unsigned tag, struct td_slice *ret, struct td_slice *ret_whole)
{
    const unsigned char *p = (const unsigned char *)rest->p;
    size_t header = 2, n = 0;
    if (rest->n < 2 || p[0] != tag)
        return false;
    n = p[1];
    if (n >= 0x80) {
        size_t octets = n & 0x7f;
        if (octets == 0 || octets > 3 || rest->n < 2 + octets || p[2] == 0)
            return false;
        n = 0;
        for (size_t i = 0; i < octets; i++)
            n = n << 8 | p[2 + i];
        header += octets;
        if (n < 0x80)
            return false;
    }
    if (n > rest->n - header)
        return false;
    *ret = td_sub(*rest, header, n);
    if (ret_whole != NULL)
        *ret_whole = td_sub(*rest, 0, header + n);
    *rest = td_sub(*rest, header + n, rest->n);
    return true;
}

static bool whole(struct td_slice *rest, unsigned tag, struct td_slice *ret)
{
    struct td_slice contents = {0};
    return td_der_next(rest, tag, &contents, ret);
}

static bool time_element(struct td_slice *rest, struct td_slice *ret)
{
    return whole(rest, UTC_TIME, ret) || whole(rest, GENERALIZED_TIME, ret);
}

/* Octets of a bit string that has whole octets. */
static bool bits(struct td_slice *rest, struct td_slice *ret)
{
    struct td_slice s = {0};
    if (!td_der_next(rest, BIT_STRING, &s, NULL) || s.n == 0 || s.p[0] != 0)
        return false;
    *ret = td_sub(s, 1, s.n);
    return true;
}

static int ext_id(struct td_slice oid)
{
    static const struct td_slice oids[TD_LEAN_EXT_COUNT] = {
        [TD_LEAN_KEY_USAGE] = {"\x55\x1d\x0f", 3},   [TD_LEAN_ALT_NAME] = {"\x55\x1d\x11", 3},
        [TD_LEAN_CONSTRAINTS] = {"\x55\x1d\x13", 3}, [TD_LEAN_EXT_USAGE] = {"\x55\x1d\x25", 3},
        [TD_LEAN_POLICIES] = {"\x55\x1d\x20", 3},    [TD_LEAN_ACCESS] = {"\x2b\x06\x01\x05\x05\x07\x01\x01", 8},
    };
    for (int i = 0; i < TD_LEAN_EXT_COUNT; i++)
        if (td_eq(oid, oids[i]))
            return i;
    return -1;
}

/* About policies, which nobody here asks for, and about where revocations are told (id-ce 31, 33, 36, 54): a
 * certificate that insists on them insists on nothing that we leave out. Name constraints (30) are not among them. */
static bool harmless(struct td_slice oid)
{
    return oid.n == 3 && td_eq(td_sub(oid, 0, 2), TD_S("\x55\x1d")) &&
           td_find(TD_S("\x1f\x21\x24\x36"), oid.p[2]) != SIZE_MAX;
}

static bool read_extension(struct td_slice ext, struct td_lean_cert *c)
{
    struct td_slice oid = {0}, value = {0}, critical = TD_S("");
    if (!td_der_next(&ext, OID, &oid, NULL))
        return false;
    (void)td_der_next(&ext, BOOLEAN, &critical, NULL);
    if (!td_der_next(&ext, OCTET_STRING, &value, NULL) || ext.n != 0)
        return false;
    int id = ext_id(oid);
    if (id < 0) {
        c->strange = c->strange || (critical.n == 1 && critical.p[0] != 0 && !harmless(oid));
        return true;
    }
    if (c->ext[id].n != 0 || value.n == 0) /* twice the same (RFC 5280 4.2) */
        return false;
    c->ext[id] = value;
    return true;
}

static bool read_extensions(struct td_slice rest, struct td_lean_cert *c)
{
    struct td_slice outer = {0}, list = {0}, one = {0};
    while (rest.n != 0 && (unsigned char)rest.p[0] != EXTENSIONS) /* issuer's and subject's unique ids of version 2 */
        if (!whole(&rest, (unsigned char)rest.p[0], &one))
            return false;
    if (rest.n == 0)
        return true;
    if (!td_der_next(&rest, EXTENSIONS, &outer, NULL) || rest.n != 0 || !td_der_next(&outer, SEQUENCE, &list, NULL) ||
        outer.n != 0)
        return false;
    for (int i = 0; list.n != 0; i++)
        if (i == EXTENSIONS_MAX || !td_der_next(&list, SEQUENCE, &one, NULL) || !read_extension(one, c))
            return false;
    return true;
}

static bool read_version(struct td_slice *tbs, struct td_lean_cert *c)
{
    struct td_slice outer = {0}, number = {0};
    c->version = 1;
    if (!td_der_next(tbs, VERSION, &outer, NULL))
        return true;
    if (!td_der_next(&outer, INTEGER, &number, NULL) || number.n != 1 || outer.n != 0)
        return false;
    c->version = number.p[0] + 1;
    return c->version >= 1 && c->version <= 3;
}

static bool read_tbs(struct td_slice tbs, struct td_lean_cert *c)
{
    struct td_slice inner = {0}, validity = {0};
    return read_version(&tbs, c) && whole(&tbs, INTEGER, &c->serial) && whole(&tbs, SEQUENCE, &inner) &&
           td_eq(inner, c->algorithm) && whole(&tbs, SEQUENCE, &c->issuer) &&
           td_der_next(&tbs, SEQUENCE, &validity, NULL) && time_element(&validity, &c->before) &&
           time_element(&validity, &c->after) && whole(&tbs, SEQUENCE, &c->subject) &&
           whole(&tbs, SEQUENCE, &c->spki) && read_extensions(tbs, c);
}

bool td_lean_read(struct td_slice der, struct td_lean_cert *ret)
{
    struct td_lean_cert c = {.der = der};
    struct td_slice cert = {0}, tbs = {0};
    if (!td_der_next(&der, SEQUENCE, &cert, &c.der) || !td_der_next(&cert, SEQUENCE, &tbs, &c.tbs) ||
        !whole(&cert, SEQUENCE, &c.algorithm) || !bits(&cert, &c.signature) || cert.n != 0 || !read_tbs(tbs, &c))
        return false;
    *ret = c;
    return true;
}

int64_t td_lean_time(struct td_slice time)
{
    const unsigned char *p = (const unsigned char *)time.p;
    TD_CLEANUP(asn1_time_done) ASN1_TIME *t = d2i_ASN1_TIME(NULL, &p, (long)time.n);
    return td_x509_time(t);
}

/* RSA under any of its names: rsaEncryption, id-RSAES-OAEP (which the engine does not take), id-RSASSA-PSS. */
static bool is_rsa(struct td_slice oid)
{
    struct td_slice arc = td_bytes("\x2a\x86\x48\x86\xf7\x0d\x01\x01", 8);
    return oid.n == 9 && td_eq(td_sub(oid, 0, 8), arc) && (oid.p[8] == 1 || oid.p[8] == 7 || oid.p[8] == 10);
}

static enum td_code rsa_key(struct td_slice octets, struct td_key **ret, struct td_error *err)
{
    struct td_slice key = {0}, modulus = {0}, exponent = {0};
    if (!td_der_next(&octets, SEQUENCE, &key, NULL) || octets.n != 0 || !td_der_next(&key, INTEGER, &modulus, NULL) ||
        !td_der_next(&key, INTEGER, &exponent, NULL) || key.n != 0 || modulus.n == 0 || (modulus.p[0] & 0x80) != 0)
        return td_fail(err, TD_EFORMAT, "certificate", "its key is not one of RSA");
    return td_key_from_rsa_numbers(modulus, exponent, ret, err);
}

enum td_code td_lean_key(const struct td_lean_cert *c, struct td_key **ret, struct td_error *err)
{
    struct td_slice rest = c->spki, inside = {0}, algorithm = {0}, oid = {0}, octets = {0};
    if (!td_der_next(&rest, SEQUENCE, &inside, NULL) || !td_der_next(&inside, SEQUENCE, &algorithm, NULL) ||
        !td_der_next(&algorithm, OID, &oid, NULL) || !bits(&inside, &octets) || inside.n != 0)
        return td_fail(err, TD_EFORMAT, "certificate", "its key is not readable");
    if (is_rsa(oid))
        return rsa_key(octets, ret, err);
    bool named = td_eq(oid, td_bytes("\x2a\x86\x48\xce\x3d\x02\x01", 7)) && algorithm.n != 0 && algorithm.p[0] == OID;
    bool ec = named && octets.n != 0 && octets.p[0] == 4;
    if (ec && td_eq(algorithm, td_bytes("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10)))
        return td_key_of_point(td_ossl()->p256, octets, ret, err);
    if (ec && td_eq(algorithm, td_bytes("\x06\x05\x2b\x81\x04\x00\x22", 7)))
        return td_key_of_point(td_ossl()->p384, octets, ret, err);
    /* P-521, a compressed point; no parameters of a curve of somebody's own */
    return named ? td_key_from_public_der(c->spki, ret, err)
                 : td_fail(err, TD_EFORMAT, "certificate", "its key is neither RSA nor one of a named curve");
}

TD_OSSL_CLEANUP(constraints, BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free)

static BASIC_CONSTRAINTS *constraints(const struct td_lean_cert *c)
{
    struct td_slice s = c->ext[TD_LEAN_CONSTRAINTS];
    const unsigned char *p = (const unsigned char *)s.p;
    BASIC_CONSTRAINTS *bc = s.n != 0 ? d2i_BASIC_CONSTRAINTS(NULL, &p, (long)s.n) : NULL;
    ERR_clear_error();
    return bc;
}

bool td_lean_is_authority(const struct td_lean_cert *c)
{
    enum { CERT_SIGN = 0x04 }; /* bit 5 of the key usage */
    TD_CLEANUP(constraints_done) BASIC_CONSTRAINTS *bc = constraints(c);
    struct td_slice usage = c->ext[TD_LEAN_KEY_USAGE], octets = {0};
    if (usage.n != 0 &&
        (!td_der_next(&usage, BIT_STRING, &octets, NULL) || octets.n < 2 || (octets.p[1] & CERT_SIGN) == 0))
        return false;
    if (bc == NULL) /* a root of the first version has no extensions at all */
        return c->version == 1 && td_eq(c->issuer, c->subject);
    return bc->ca != 0;
}

long td_lean_path_length(const struct td_lean_cert *c)
{
    TD_CLEANUP(constraints_done) BASIC_CONSTRAINTS *bc = constraints(c);
    long n = bc != NULL && bc->pathlen != NULL ? ASN1_INTEGER_get(bc->pathlen) : -1;
    return bc != NULL && bc->pathlen != NULL && n < 0 ? 0 : n;
}

static const EVP_MD *usual_hash(struct td_slice algorithm, bool *ret_rsa)
{
    static const struct {
        struct td_slice whole;
        const EVP_MD *(*md)(void);
        bool rsa;
    } rows[] = {
        {{"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00", 15}, EVP_sha256, true},
        {{"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c\x05\x00", 15}, EVP_sha384, true},
        {{"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d\x05\x00", 15}, EVP_sha512, true},
        {{"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02", 12}, EVP_sha256, false},
        {{"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03", 12}, EVP_sha384, false},
        {{"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x04", 12}, EVP_sha512, false},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        if (td_eq(algorithm, rows[i].whole)) {
            *ret_rsa = rows[i].rsa;
            return rows[i].md();
        }
    return NULL;
}

/* RSA-PSS and whatever else the engine knows to be strong. */
static bool signed_otherwise(const struct td_lean_cert *c, EVP_PKEY *issuer)
{
    enum { LEAST_BITS = 80 };
    int strength = 0;
    TD_CLEANUP(x509_done) X509 *x = td_x509_from_der(c->der);
    return x != NULL && X509_get_signature_info(x, NULL, NULL, &strength, NULL) == 1 && strength >= LEAST_BITS &&
           X509_verify(x, issuer) == 1;
}

static bool signed_as_usual(const struct td_lean_cert *c, const struct td_key *issuer, const EVP_MD *md)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    TD_CLEANUP(pkey_ctx_done) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, td_key_evp(issuer), NULL);
    return ctx != NULL && EVP_Digest(c->tbs.p, c->tbs.n, digest, &n, md, NULL) == 1 && EVP_PKEY_verify_init(ctx) == 1 &&
           (td_key_kind(issuer) != TD_KEY_RSA || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1) &&
           EVP_PKEY_CTX_set_signature_md(ctx, md) == 1 &&
           EVP_PKEY_verify(ctx, (const unsigned char *)c->signature.p, c->signature.n, digest, n) == 1;
}

bool td_lean_signed_by(const struct td_lean_cert *c, const struct td_key *issuer)
{
    bool rsa = false, good = false;
    const EVP_MD *md = usual_hash(c->algorithm, &rsa);
    if (md == NULL)
        good = signed_otherwise(c, td_key_evp(issuer));
    else if (rsa == (EVP_PKEY_get_base_id(td_key_evp(issuer)) == EVP_PKEY_RSA))
        good = signed_as_usual(c, issuer, md);
    ERR_clear_error();
    return good;
}
