#include "crypto/cert.h"

#include "base/encode.h"
#include "base/env.h"
#include "crypto/digest.h"
#include "crypto/ossl.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <time.h>

enum { CERT_MAX = 65536, NAMES_MAX = 128, EXTS_MAX = 64 };

X509 *td_x509_from_der(struct td_slice der)
{
    const unsigned char *p = (const unsigned char *)der.p;
    X509 *x = der.n != 0 && der.n <= CERT_MAX ? d2i_X509(NULL, &p, (long)der.n) : NULL;
    if (x != NULL && p != (const unsigned char *)der.p + der.n) {
        X509_free(x);
        x = NULL;
    }
    return x;
}

int64_t td_x509_time(const ASN1_TIME *t)
{
    struct tm tm;
    if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
        return 0;
    return (int64_t)timegm(&tm) * TD_SECOND;
}

bool td_x509_set_time(ASN1_TIME *t, int64_t us)
{
    return ASN1_TIME_adj(t, (time_t)(us / TD_SECOND), 0, 0) != NULL;
}

char *td_x509_text(struct td_arena *a, const ASN1_STRING *s)
{
    unsigned char *utf8 = NULL;
    int n = s != NULL ? ASN1_STRING_to_UTF8(&utf8, s) : -1;
    char *out = td_arena_text(a, td_bytes(utf8, n > 0 ? (size_t)n : 0));
    for (int i = 0; i < n; i++)
        if ((unsigned char)out[i] < ' ' || out[i] == 0x7F)
            out[i] = '?';
    OPENSSL_free(utf8);
    ERR_clear_error();
    return td_utf8_ok(td_str(out)) ? out : td_arena_strdup(a, "?");
}

char *td_x509_serial(struct td_arena *a, const ASN1_INTEGER *serial)
{
    TD_CLEANUP(bignum_done) BIGNUM *bn = ASN1_INTEGER_to_BN(serial, NULL);
    char *hex = bn != NULL ? BN_bn2hex(bn) : NULL;
    char *out = td_arena_strdup(a, hex != NULL ? hex : "");
    OPENSSL_free(hex);
    return out;
}

const char *td_x509_line(struct td_arena *a, const X509_NAME *name)
{
    TD_CLEANUP(bio_done) BIO *out = BIO_new(BIO_s_mem());
    char *p = NULL;
    if (out == NULL || X509_NAME_print_ex(out, name, 0, XN_FLAG_ONELINE & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) < 0)
        return "";
    long n = BIO_get_mem_data(out, &p);
    return td_arena_text(a, td_bytes(p, n > 0 ? (size_t)n : 0));
}

static void read_subject(const X509 *x, struct td_arena *a, struct td_cert *c)
{
    X509_NAME *subject = X509_get_subject_name(x), *issuer = X509_get_issuer_name(x);
    c->subject_der = TD_OSSL_DER(a, i2d_X509_NAME, subject);
    c->issuer_der = TD_OSSL_DER(a, i2d_X509_NAME, issuer);
    c->subject = td_x509_line(a, subject);
    c->issuer = td_x509_line(a, issuer);
    c->subject_parts = X509_NAME_entry_count(subject);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    c->subject_cn = at >= 0 ? td_x509_text(a, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))) : "";
}

static void read_usage(const X509 *x, struct td_cert *c)
{
    static const struct {
        int nid;
        unsigned flag;
    } known[] = {{NID_server_auth, TD_EKU_SERVER}, {NID_client_auth, TD_EKU_CLIENT}, {NID_OCSP_sign, TD_EKU_OCSP}};
    BASIC_CONSTRAINTS *bc = X509_get_ext_d2i(x, NID_basic_constraints, NULL, NULL);
    c->is_ca = bc != NULL && bc->ca != 0;
    BASIC_CONSTRAINTS_free(bc);
    c->has_eku = X509_get_ext_by_NID(x, NID_ext_key_usage, -1) >= 0;
    EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
    for (int i = 0; eku != NULL && i < sk_ASN1_OBJECT_num(eku); i++)
        for (size_t k = 0; k < TD_COUNTOF(known); k++)
            if (OBJ_obj2nid(sk_ASN1_OBJECT_value(eku, i)) == known[k].nid)
                c->eku |= known[k].flag;
    EXTENDED_KEY_USAGE_free(eku);
}

static const char *san_text(struct td_arena *a, const GENERAL_NAME *name)
{
    char text[INET6_ADDRSTRLEN];
    if (name->type == GEN_DNS)
        return td_x509_text(a, name->d.dNSName);
    if (name->type != GEN_IPADD)
        return NULL;
    int n = ASN1_STRING_length(name->d.iPAddress);
    int family = n == 4 ? AF_INET : n == 16 ? AF_INET6 : 0;
    if (family == 0 || inet_ntop(family, ASN1_STRING_get0_data(name->d.iPAddress), text, sizeof(text)) == NULL)
        return NULL;
    return td_arena_strdup(a, text);
}

static void read_names(const X509 *x, struct td_arena *a, struct td_cert *c)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    int n = names != NULL ? TD_MIN(sk_GENERAL_NAME_num(names), NAMES_MAX) : 0;
    c->dns_names = td_arena_array(a, const char *, (size_t)n + 1);
    for (int i = 0, out = 0; i < n; i++) {
        const char *text = san_text(a, sk_GENERAL_NAME_value(names, i));
        if (text != NULL)
            c->dns_names[out++] = text;
    }
    GENERAL_NAMES_free(names);
}

static bool covered(int nid)
{
    static const int nids[] = {NID_basic_constraints,       NID_ext_key_usage,
                               NID_subject_alt_name,        NID_key_usage,
                               NID_subject_key_identifier,  NID_authority_key_identifier,
                               NID_crl_distribution_points, NID_info_access};
    for (size_t i = 0; i < TD_COUNTOF(nids); i++)
        if (nids[i] == nid)
            return true;
    return false;
}

/* Values are taken as they stand: the ones of the directory join are not DER inside (join-and-tokens.md 3). */
static void read_exts(const X509 *x, struct td_arena *a, struct td_cert *c)
{
    struct td_ext **tail = &c->exts;
    for (int i = 0, n = TD_MIN(X509_get_ext_count(x), EXTS_MAX); i < n; i++) {
        X509_EXTENSION *e = X509_get_ext(x, i);
        const ASN1_OBJECT *oid = X509_EXTENSION_get_object(e);
        char dotted[128];
        if (covered(OBJ_obj2nid(oid)) || OBJ_obj2txt(dotted, sizeof(dotted), oid, 1) <= 0)
            continue;
        const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(e);
        struct td_ext *ext = td_arena_new(a, struct td_ext);
        ext->oid = td_arena_strdup(a, dotted);
        ext->critical = X509_EXTENSION_get_critical(e) != 0;
        ext->value = td_arena_copy(a, td_bytes(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)));
        *tail = ext;
        tail = &ext->next;
    }
}

static void thumbprints(struct td_slice der, struct td_cert *c)
{
    unsigned char sha1[20];
    struct td_buf hex;
    td_sha256(der, c->sha256);
    td_sha1(der, sha1);
    td_buf_init(&hex, sizeof(c->sha1));
    td_hex_add(&hex, td_bytes(sha1, sizeof(sha1)), true);
    memcpy(c->sha1, hex.p, sizeof(c->sha1));
    td_buf_done(&hex);
}

enum td_code td_cert_parse(struct td_slice der, struct td_arena *a, struct td_cert *ret, struct td_error *err)
{
    TD_CLEANUP(x509_done) X509 *x = td_x509_from_der(der);
    if (x == NULL)
        return td_ossl_fail(err, TD_EFORMAT, "certificate", "not readable");
    struct td_cert c = {.der = der};
    c.spki = TD_OSSL_DER(a, i2d_X509_PUBKEY, X509_get_X509_PUBKEY(x));
    c.serial = td_x509_serial(a, X509_get0_serialNumber(x));
    c.not_before = td_x509_time(X509_get0_notBefore(x));
    c.not_after = td_x509_time(X509_get0_notAfter(x));
    read_subject(x, a, &c);
    read_usage(x, &c);
    read_names(x, a, &c);
    read_exts(x, a, &c);
    thumbprints(der, &c);
    ERR_clear_error();
    *ret = c;
    return TD_OK;
}

enum td_code td_cert_from_pem(struct td_slice pem, struct td_arena *a, struct td_slice *ret_der, struct td_error *err)
{
    TD_CLEANUP(bio_done) BIO *in = pem.n <= (size_t)CERT_MAX * 4 ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    TD_CLEANUP(x509_done) X509 *x = in != NULL ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
    if (x == NULL)
        return td_ossl_fail(err, TD_EFORMAT, "certificate", "not readable as PEM");
    *ret_der = TD_OSSL_DER(a, i2d_X509, x);
    return TD_OK;
}

char *td_cert_pem(struct td_slice der, struct td_arena *a)
{
    struct td_slice text = td_str(td_b64(a, der));
    struct td_buf b;
    td_buf_init(&b, text.n + text.n / 64 + 128);
    td_buf_adds(&b, "-----BEGIN CERTIFICATE-----\n");
    for (size_t i = 0; i < text.n; i += 64) {
        td_buf_add(&b, td_sub(text, i, 64));
        td_buf_addc(&b, '\n');
    }
    td_buf_adds(&b, "-----END CERTIFICATE-----\n");
    char *out = td_arena_text(a, td_buf_slice(&b));
    td_buf_done(&b);
    return out;
}

enum td_code td_cert_public_key(struct td_slice der, struct td_key **ret, struct td_error *err)
{
    TD_CLEANUP(x509_done) X509 *x = td_x509_from_der(der);
    EVP_PKEY *pkey = x != NULL ? X509_get_pubkey(x) : NULL;
    if (pkey == NULL)
        return td_ossl_fail(err, TD_EFORMAT, "certificate", "its key is not readable");
    *ret = td_key_wrap(pkey);
    return TD_OK;
}

static bool is_date_error(int e)
{
    return e == X509_V_ERR_CERT_HAS_EXPIRED || e == X509_V_ERR_CERT_NOT_YET_VALID;
}

/* anchor need not be self-signed: what is trusted ends the path. */
static enum td_code verify(X509 *leaf, X509 *intermediate, X509 *anchor, int64_t now, struct td_error *err)
{
    TD_CLEANUP(x509_store_done) X509_STORE *store = X509_STORE_new();
    TD_CLEANUP(x509_store_ctx_done) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    STACK_OF(X509) *between = sk_X509_new_null();
    enum td_code rc = TD_OK;
    if (store == NULL || ctx == NULL || between == NULL || X509_STORE_add_cert(store, anchor) != 1 ||
        (intermediate != NULL && sk_X509_push(between, intermediate) <= 0) ||
        X509_STORE_CTX_init(ctx, store, leaf, between) != 1) {
        rc = td_ossl_fail(err, TD_EINTERNAL, "certificate", "can't be checked");
    } else {
        X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
        X509_VERIFY_PARAM_set_depth(param, 2);
        (void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
        if (now == 0)
            (void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME);
        else
            X509_VERIFY_PARAM_set_time(param, (time_t)(now / TD_SECOND));
        if (X509_verify_cert(ctx) != 1) {
            int e = X509_STORE_CTX_get_error(ctx);
            rc = td_fail(err, is_date_error(e) ? TD_EEXPIRED : TD_EAUTH, "certificate", "%s",
                         X509_verify_cert_error_string(e));
        }
    }
    sk_X509_free(between);
    ERR_clear_error();
    return rc;
}

static enum td_code check_usage(const X509 *leaf, unsigned usage, struct td_error *err)
{
    struct td_cert usages = {0};
    read_usage(leaf, &usages);
    if ((usages.eku & usage) != usage)
        return td_fail(err, TD_EAUTH, "certificate", "not issued for this usage");
    return TD_OK;
}

enum td_code td_cert_check_chain(struct td_slice leaf, struct td_slice intermediate, struct td_slice root, int64_t now,
                                 unsigned usage, struct td_error *err)
{
    TD_CLEANUP(x509_done) X509 *l = td_x509_from_der(leaf);
    TD_CLEANUP(x509_done) X509 *i = intermediate.n != 0 ? td_x509_from_der(intermediate) : NULL;
    TD_CLEANUP(x509_done) X509 *r = td_x509_from_der(root);
    if (l == NULL || r == NULL || (intermediate.n != 0 && i == NULL))
        return td_ossl_fail(err, TD_EFORMAT, "certificate", "not readable");
    td_try(verify(l, i, r, now, err));
    return check_usage(l, usage, err);
}

enum td_code td_cert_check_issued(struct td_slice leaf, struct td_slice issuer, const struct td_key *issuer_key,
                                  int64_t now, unsigned usage, struct td_error *err)
{
    TD_CLEANUP(x509_done) X509 *l = td_x509_from_der(leaf);
    TD_CLEANUP(x509_done) X509 *i = td_key_issuer(issuer_key, issuer);
    if (l == NULL || i == NULL)
        return td_ossl_fail(err, TD_EFORMAT, "certificate", "not readable");
    td_try(verify(l, NULL, i, now, err));
    return check_usage(l, usage, err);
}
