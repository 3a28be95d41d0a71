/* Making certificates and revocation lists. */
#include "crypto/cert.h"
#include "crypto/ossl.h"

#include <arpa/inet.h>
#include <stdio.h>

enum { SPKI_MAX = 8192 };

static bool add_subject(X509 *x, const struct td_cert_template *t)
{
    TD_CLEANUP(x509_name_done) X509_NAME *name = X509_NAME_new();
    for (size_t i = 0; name != NULL && i < t->subject_count; i++) {
        const struct td_rdn *r = &t->subject[i];
        if (X509_NAME_add_entry_by_txt(name, r->type, MBSTRING_UTF8, (const unsigned char *)r->value, -1, -1, 0) != 1)
            return false;
    }
    return name != NULL && X509_set_subject_name(x, name) == 1;
}

/* 128 random bits, kept positive and non-zero by the top bits. */
static bool add_serial(X509 *x, const unsigned char serial[16])
{
    unsigned char positive[16];
    memcpy(positive, serial, sizeof(positive));
    positive[0] = (unsigned char)((positive[0] & 0x3F) | 0x40);
    TD_CLEANUP(bignum_done) BIGNUM *bn = BN_bin2bn(positive, sizeof(positive), NULL);
    TD_CLEANUP(asn1_int_done) ASN1_INTEGER *number = bn != NULL ? BN_to_ASN1_INTEGER(bn, NULL) : NULL;
    return number != NULL && X509_set_serialNumber(x, number) == 1;
}

static bool add_ext(X509 *x, X509V3_CTX *ctx, int nid, const char *value)
{
    TD_CLEANUP(x509_ext_done) X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
    return e != NULL && X509_add_ext(x, e, -1) == 1;
}

static bool add_raw_ext(X509 *x, const struct td_ext *ext)
{
    TD_CLEANUP(asn1_object_done) ASN1_OBJECT *oid = OBJ_txt2obj(ext->oid, 1);
    TD_CLEANUP(asn1_octets_done) ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    if (oid == NULL || value == NULL ||
        ASN1_OCTET_STRING_set(value, (const unsigned char *)ext->value.p, (int)ext->value.n) != 1)
        return false;
    TD_CLEANUP(x509_ext_done) X509_EXTENSION *e = X509_EXTENSION_create_by_OBJ(NULL, oid, ext->critical, value);
    return e != NULL && X509_add_ext(x, e, -1) == 1;
}

static bool add_eku(X509 *x, X509V3_CTX *ctx, unsigned eku, bool critical)
{
    char value[96];
    if (eku == 0)
        return true;
    (void)snprintf(value, sizeof(value), "%s%s%s%s", critical ? "critical" : "",
                   (eku & TD_EKU_SERVER) != 0 ? ",serverAuth" : "", (eku & TD_EKU_CLIENT) != 0 ? ",clientAuth" : "",
                   (eku & TD_EKU_OCSP) != 0 ? ",OCSPSigning" : "");
    return add_ext(x, ctx, NID_ext_key_usage, critical ? value : value + 1);
}

/* Names go in as values, not through the configuration syntax: a comma in one can't add another. */
static bool add_names(X509 *x, const char *const *names)
{
    if (names == NULL || names[0] == NULL)
        return true;
    GENERAL_NAMES *list = GENERAL_NAMES_new();
    bool ok = list != NULL;
    for (size_t i = 0; ok && names[i] != NULL; i++) {
        unsigned char ip[16];
        bool v4 = inet_pton(AF_INET, names[i], ip) == 1, v6 = !v4 && inet_pton(AF_INET6, names[i], ip) == 1;
        GENERAL_NAME *name = GENERAL_NAME_new();
        ASN1_STRING *text = v4 || v6 ? (ASN1_STRING *)ASN1_OCTET_STRING_new() : (ASN1_STRING *)ASN1_IA5STRING_new();
        ok = name != NULL && text != NULL &&
             ASN1_STRING_set(text, v4 || v6 ? (const void *)ip : names[i],
                             v4   ? 4
                             : v6 ? 16
                                  : -1) == 1;
        if (ok)
            GENERAL_NAME_set0_value(name, v4 || v6 ? GEN_IPADD : GEN_DNS, text);
        else
            ASN1_STRING_free(text);
        if (!ok || sk_GENERAL_NAME_push(list, name) <= 0) {
            GENERAL_NAME_free(name);
            ok = false;
        }
    }
    ok = ok && X509_add1_ext_i2d(x, NID_subject_alt_name, list, 0, X509V3_ADD_DEFAULT) == 1;
    GENERAL_NAMES_free(list);
    return ok;
}

static bool add_url(X509 *x, X509V3_CTX *ctx, int nid, const char *prefix, const char *url)
{
    char value[512];
    if (url == NULL)
        return true;
    int n = snprintf(value, sizeof(value), "%sURI:%s", prefix, url);
    /* these go through the configuration syntax, where a comma or a line end would begin another value */
    return n > 0 && n < (int)sizeof(value) && strpbrk(url, ",;\r\n\"") == NULL && add_ext(x, ctx, nid, value);
}

static bool add_access(X509 *x, X509V3_CTX *ctx, const struct td_cert_template *t)
{
    char value[1024];
    if (t->ca_url == NULL || t->ocsp_url == NULL)
        return add_url(x, ctx, NID_info_access, t->ca_url != NULL ? "caIssuers;" : "OCSP;",
                       t->ca_url != NULL ? t->ca_url : t->ocsp_url);
    int n = snprintf(value, sizeof(value), "OCSP;URI:%s,caIssuers;URI:%s", t->ocsp_url, t->ca_url);
    return n > 0 && n < (int)sizeof(value) && strpbrk(t->ca_url, ",;\r\n\"") == NULL &&
           strpbrk(t->ocsp_url, ",;\r\n\"") == NULL && add_ext(x, ctx, NID_info_access, value);
}

static bool add_exts(X509 *x, X509 *issuer, const struct td_cert_template *t)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    bool root = issuer == x;
    const char *bc = !t->is_ca ? "critical,CA:FALSE" : root ? "critical,CA:TRUE" : "critical,CA:TRUE,pathlen:0";
    const char *ku = t->is_ca              ? "critical,digitalSignature,keyCertSign,cRLSign"
                     : t->key_encipherment ? "critical,digitalSignature,keyEncipherment"
                                           : "critical,digitalSignature";
    bool ok = add_ext(x, &ctx, NID_basic_constraints, bc) && add_ext(x, &ctx, NID_key_usage, ku) &&
              add_eku(x, &ctx, t->eku, t->eku_critical) && add_ext(x, &ctx, NID_subject_key_identifier, "hash") &&
              (root || add_ext(x, &ctx, NID_authority_key_identifier, "keyid:always")) && add_names(x, t->dns_names) &&
              add_url(x, &ctx, NID_crl_distribution_points, "", t->crl_url) && add_access(x, &ctx, t);
    for (const struct td_ext *e = t->exts; ok && e != NULL; e = e->next)
        ok = add_raw_ext(x, e);
    return ok;
}

/* Algorithm and bits are put in as they came. Reading the key and writing it again would cost more than the signature.
 */
static bool set_spki(X509 *x, struct td_slice spki)
{
    const unsigned char *p = (const unsigned char *)spki.p, *end = p + spki.n;
    long n = 0;
    int tag = 0, class = 0, type = 0;
    const ASN1_OBJECT *oid = NULL;
    const void *value = NULL;
    if (spki.n == 0 || spki.n > SPKI_MAX || (ASN1_get_object(&p, &n, &tag, &class, (long)spki.n) & 0x81) != 0 ||
        tag != V_ASN1_SEQUENCE || p + n != end)
        return false;
    TD_CLEANUP(x509_algor_done) X509_ALGOR *algorithm = d2i_X509_ALGOR(NULL, &p, (long)(end - p));
    TD_CLEANUP(asn1_bits_done)
    ASN1_BIT_STRING *bits = algorithm != NULL ? d2i_ASN1_BIT_STRING(NULL, &p, (long)(end - p)) : NULL;
    if (bits == NULL || p != end)
        return false;
    X509_ALGOR_get0(&oid, &type, &value, algorithm);
    unsigned char *octets = OPENSSL_memdup(ASN1_STRING_get0_data(bits), (size_t)ASN1_STRING_length(bits));
    ASN1_OBJECT *object = OBJ_dup(oid);
    /* parameters are NULL (RSA) or the name of a curve */
    void *curve = type == V_ASN1_OBJECT ? OBJ_dup(value) : NULL;
    bool ok =
        octets != NULL && object != NULL && (type == V_ASN1_NULL || curve != NULL) &&
        X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(x), object, type, curve, octets, ASN1_STRING_length(bits)) == 1;
    if (!ok) {
        OPENSSL_free(octets);
        ASN1_OBJECT_free(object);
        ASN1_OBJECT_free(curve);
    }
    return ok;
}

enum td_code td_cert_issue(const struct td_cert_template *t, struct td_slice issuer_der,
                           const struct td_key *issuer_key, struct td_arena *a, struct td_slice *ret_der,
                           struct td_error *err)
{
    TD_CLEANUP(x509_done) X509 *issuer = issuer_der.n != 0 ? td_key_issuer(issuer_key, issuer_der) : NULL;
    TD_CLEANUP(x509_done) X509 *x = X509_new();
    if (issuer_der.n != 0 && issuer == NULL)
        return td_ossl_fail(err, TD_EFORMAT, "issuer", "not readable");
    if (x == NULL || !set_spki(x, t->spki))
        return td_ossl_fail(err, TD_EFORMAT, "public key", "not readable");
    X509 *by = issuer != NULL ? issuer : x;
    if (X509_set_version(x, X509_VERSION_3) != 1 || !add_subject(x, t) || !add_serial(x, t->serial) ||
        X509_set_issuer_name(x, X509_get_subject_name(by)) != 1 ||
        !td_x509_set_time(X509_getm_notBefore(x), t->not_before) ||
        !td_x509_set_time(X509_getm_notAfter(x), t->not_after) || !add_exts(x, by, t))
        return td_ossl_fail(err, TD_EINVAL, "certificate", "a field can't be written");
    if (X509_sign(x, td_key_evp(issuer_key), td_ossl()->sha256) <= 0)
        return td_ossl_fail(err, TD_EINTERNAL, "certificate", "can't be signed");
    *ret_der = TD_OSSL_DER(a, i2d_X509, x);
    return TD_OK;
}

static bool add_reason(X509_REVOKED *entry, int reason)
{
    TD_CLEANUP(asn1_enum_done) ASN1_ENUMERATED *code = ASN1_ENUMERATED_new();
    return reason == TD_REASON_NONE || (code != NULL && ASN1_ENUMERATED_set(code, reason) == 1 &&
                                        X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, code, 0, 0) == 1);
}

static bool add_revoked(X509_CRL *crl, const struct td_revoked *r)
{
    TD_CLEANUP(bignum_done) BIGNUM *bn = NULL;
    TD_CLEANUP(asn1_time_done) ASN1_TIME *at = ASN1_TIME_new();
    X509_REVOKED *entry = X509_REVOKED_new();
    TD_CLEANUP(asn1_int_done)
    ASN1_INTEGER *serial = BN_hex2bn(&bn, r->serial) > 0 ? BN_to_ASN1_INTEGER(bn, NULL) : NULL;
    bool ok = entry != NULL && serial != NULL && at != NULL && td_x509_set_time(at, r->at) &&
              X509_REVOKED_set_serialNumber(entry, serial) == 1 && X509_REVOKED_set_revocationDate(entry, at) == 1 &&
              add_reason(entry, r->reason) && X509_CRL_add0_revoked(crl, entry) == 1;
    if (!ok)
        X509_REVOKED_free(entry);
    return ok;
}

static bool add_crl_exts(X509_CRL *crl, X509 *issuer, int64_t number)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, NULL, NULL, crl, 0);
    TD_CLEANUP(x509_ext_done)
    X509_EXTENSION *aki = X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always");
    TD_CLEANUP(asn1_int_done) ASN1_INTEGER *n = ASN1_INTEGER_new();
    return aki != NULL && n != NULL && X509_CRL_add_ext(crl, aki, -1) == 1 && ASN1_INTEGER_set_int64(n, number) == 1 &&
           X509_CRL_add1_ext_i2d(crl, NID_crl_number, n, 0, 0) == 1;
}

enum td_code td_crl_issue(struct td_slice issuer_der, const struct td_key *issuer_key, const struct td_revoked *list,
                          size_t count, int64_t number, int64_t now, int64_t next, struct td_arena *a,
                          struct td_slice *ret_der, struct td_error *err)
{
    TD_CLEANUP(x509_done) X509 *issuer = td_x509_from_der(issuer_der);
    TD_CLEANUP(x509_crl_done) X509_CRL *crl = X509_CRL_new();
    TD_CLEANUP(asn1_time_done) ASN1_TIME *from = ASN1_TIME_new();
    TD_CLEANUP(asn1_time_done) ASN1_TIME *until = ASN1_TIME_new();
    bool ok = issuer != NULL && crl != NULL && from != NULL && until != NULL && td_x509_set_time(from, now) &&
              td_x509_set_time(until, next) && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
              X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) == 1 &&
              X509_CRL_set1_lastUpdate(crl, from) == 1 && X509_CRL_set1_nextUpdate(crl, until) == 1;
    for (size_t i = 0; ok && i < count; i++)
        ok = add_revoked(crl, &list[i]);
    if (!ok || !add_crl_exts(crl, issuer, number) || X509_CRL_sort(crl) != 1 ||
        X509_CRL_sign(crl, td_key_evp(issuer_key), td_ossl()->sha256) <= 0)
        return td_ossl_fail(err, TD_EINTERNAL, "revocation list", "can't be made");
    *ret_der = TD_OSSL_DER(a, i2d_X509_CRL, crl);
    return TD_OK;
}
