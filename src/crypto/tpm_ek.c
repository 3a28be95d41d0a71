/* Endorsement certificates: read leniently (attestation.md 3.3, domain-join-and-tpm.md 2.4), chained strictly. */
#include "base/env.h"
#include "base/fault.h"
#include "crypto/tpm_room.h"

enum { EK_MAX = 16384, MORE_MAX = 8, CANDIDATES_MAX = 16, DEPTH_MAX = 8 };

/* ---- DER, as far as names and padding need it ---- */

/* Cuts one element off *rest: its contents; *ret_whole (may be NULL) with its header. */
static bool der_next(struct td_slice *rest, unsigned tag, struct td_slice *ret, struct td_slice *ret_whole)
{
    const unsigned char *p = (const unsigned char *)rest->p;
    size_t header = 2, n = 0;
    if (rest->n < 2 || p[0] != tag)
        return false;
    n = p[1];
    if (n >= 0x80) {
        size_t octets = n & 0x7f;
        if (octets == 0 || octets > 3 || rest->n < 2 + octets)
            return false;
        n = 0;
        for (size_t i = 0; i < octets; i++)
            n = n << 8 | p[2 + i];
        header += octets;
    }
    if (n > rest->n - header)
        return false;
    *ret = td_sub(*rest, header, n);
    if (ret_whole != NULL)
        *ret_whole = td_sub(*rest, 0, header + n);
    *rest = td_sub(*rest, header + n, rest->n);
    return true;
}

enum { SEQUENCE = 0x30, INTEGER = 0x02, VERSION = 0xa0 };

struct names {
    struct td_slice issuer, subject;
};

/* Names of a certificate without the cost of decoding it. */
static bool names_of(struct td_slice der, struct names *ret)
{
    struct td_slice cert = {0}, tbs = {0}, skip = {0};
    if (!der_next(&der, SEQUENCE, &cert, NULL) || !der_next(&cert, SEQUENCE, &tbs, NULL))
        return false;
    (void)der_next(&tbs, VERSION, &skip, NULL);
    return der_next(&tbs, INTEGER, &skip, NULL) && der_next(&tbs, SEQUENCE, &skip, NULL) &&
           der_next(&tbs, SEQUENCE, &skip, &ret->issuer) && der_next(&tbs, SEQUENCE, &skip, NULL) &&
           der_next(&tbs, SEQUENCE, &skip, &ret->subject);
}

/* Some makers write a name once as UTF8String and once as PrintableString. This only picks candidates: the engine
 * compares by its rules. */
static unsigned char folded(char c)
{
    unsigned char u = (unsigned char)c;
    if (u == 0x0c || u == 0x13 || u == 0x14 || u == 0x16)
        return 0x13;
    return u >= 'A' && u <= 'Z' ? (unsigned char)(u | 0x20) : u;
}

static bool alike(struct td_slice a, struct td_slice b)
{
    bool same = a.n == b.n;
    for (size_t i = 0; same && i < a.n; i++)
        same = folded(a.p[i]) == folded(b.p[i]);
    return same;
}

/* ---- reading ---- */

static void set_attribute(struct td_ek_cert *c, struct td_arena *a, const X509_NAME_ENTRY *entry)
{
    static const char *const oids[] = {"2.23.133.2.1", "2.23.133.2.2", "2.23.133.2.3"};
    const char **slots[] = {&c->manufacturer, &c->model, &c->version};
    char oid[64];
    if (OBJ_obj2txt(oid, sizeof(oid), X509_NAME_ENTRY_get_object(entry), 1) <= 0)
        return;
    for (size_t i = 0; i < TD_COUNTOF(oids); i++)
        if (strcmp(oid, oids[i]) == 0)
            *slots[i] = td_x509_text(a, X509_NAME_ENTRY_get_data(entry));
}

static void read_alternative(const X509 *x, struct td_arena *a, struct td_ek_cert *c)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; names != NULL && i < TD_MIN(sk_GENERAL_NAME_num(names), 8); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DIRNAME)
            continue;
        for (int k = 0; k < TD_MIN(X509_NAME_entry_count(name->d.directoryName), 16); k++)
            set_attribute(c, a, X509_NAME_get_entry(name->d.directoryName, k));
    }
    GENERAL_NAMES_free(names);
}

static void read_usage(const X509 *x, struct td_ek_cert *c)
{
    char oid[64];
    BASIC_CONSTRAINTS *bc = X509_get_ext_d2i(x, NID_basic_constraints, NULL, NULL);
    c->is_ca = bc != NULL && bc->ca != 0;
    BASIC_CONSTRAINTS_free(bc);
    c->has_eku = X509_get_ext_by_NID(x, NID_ext_key_usage, -1) >= 0;
    EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
    for (int i = 0; eku != NULL && i < sk_ASN1_OBJECT_num(eku); i++)
        if (OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(eku, i), 1) > 0 && strcmp(oid, "2.23.133.8.1") == 0)
            c->eku_ok = true;
    EXTENDED_KEY_USAGE_free(eku);
    if (td_fault("ek-any-usage"))
        c->eku_ok = true;
}

static void read_issuer_url(const X509 *x, struct td_arena *a, struct td_ek_cert *c)
{
    AUTHORITY_INFO_ACCESS *aia = X509_get_ext_d2i(x, NID_info_access, NULL, NULL);
    for (int i = 0; aia != NULL && i < TD_MIN(sk_ACCESS_DESCRIPTION_num(aia), 8) && c->issuer_url[0] == '\0'; i++) {
        const ACCESS_DESCRIPTION *d = sk_ACCESS_DESCRIPTION_value(aia, i);
        if (OBJ_obj2nid(d->method) == NID_ad_ca_issuers && d->location->type == GEN_URI)
            c->issuer_url = td_x509_text(a, d->location->d.uniformResourceIdentifier);
    }
    AUTHORITY_INFO_ACCESS_free(aia);
}

/* An RSA key under any algorithm's name (id-RSAES-OAEP among them, which the engine does not take): its numbers by
 * hand. */
static enum td_code rsa_by_hand(const X509 *x, struct td_key **ret, struct td_error *err)
{
    const unsigned char *p = NULL;
    int n = 0;
    struct td_slice key = {0}, modulus = {0}, exponent = {0};
    if (X509_PUBKEY_get0_param(NULL, &p, &n, NULL, X509_get_X509_PUBKEY(x)) != 1 || n <= 0)
        return td_ossl_fail(err, TD_EFORMAT, "EK certificate", "its key is not readable");
    struct td_slice rest = td_bytes(p, (size_t)n);
    if (!der_next(&rest, SEQUENCE, &key, NULL) || rest.n != 0 || !der_next(&key, INTEGER, &modulus, NULL) ||
        !der_next(&key, INTEGER, &exponent, NULL) || key.n != 0)
        return td_fail(err, TD_EFORMAT, "EK certificate", "its key is neither RSA nor one of a known curve");
    return td_key_from_rsa_numbers(modulus, exponent, ret, err);
}

static enum td_code read_key(const X509 *x, struct td_key **ret, struct td_error *err)
{
    EVP_PKEY *pkey = X509_get0_pubkey(x);
    ERR_clear_error();
    if (pkey == NULL)
        return rsa_by_hand(x, ret, err);
    if (EVP_PKEY_up_ref(pkey) != 1)
        return td_ossl_fail(err, TD_EINTERNAL, "EK certificate", "no key");
    *ret = td_key_wrap(pkey);
    return TD_OK;
}

/* Signed by its own key, under whatever name; a signature longer or shorter than the key's own is not looked at. */
static bool signed_by_itself(X509 *x, const struct td_key *key)
{
    const ASN1_BIT_STRING *signature = NULL;
    X509_get0_signature(&signature, NULL, x);
    bool possible = td_key_kind(key) != TD_KEY_RSA || ASN1_STRING_length(signature) * 8 == td_key_bits(key);
    bool own = possible && X509_verify(x, td_key_evp(key)) == 1;
    ERR_clear_error();
    return own;
}

/* Without what a TPM's memory has behind it. */
static struct td_slice unpadded(struct td_slice der)
{
    struct td_slice rest = der, contents = {0}, whole = {0};
    return der_next(&rest, SEQUENCE, &contents, &whole) ? whole : der;
}

enum td_code td_ek_cert_read(struct td_slice der, struct td_arena *a, struct td_ek_cert *ret, struct td_error *err)
{
    struct td_ek_cert c = {.der = unpadded(der), .manufacturer = "", .model = "", .version = "", .issuer_url = ""};
    if (c.der.n > EK_MAX)
        return td_fail(err, TD_ELIMIT, "EK certificate", "%zu octets; %d is the limit", c.der.n, EK_MAX);
    TD_CLEANUP(x509_done) X509 *x = td_x509_from_der(c.der);
    if (x == NULL)
        return td_ossl_fail(err, TD_EFORMAT, "EK certificate", "not readable");
    td_try(read_key(x, &c.key, err));
    c.issuer = td_x509_line(a, X509_get_issuer_name(x));
    c.serial = td_x509_serial(a, X509_get0_serialNumber(x));
    c.not_before = td_x509_time(X509_get0_notBefore(x));
    c.not_after = td_x509_time(X509_get0_notAfter(x));
    c.self_signed = signed_by_itself(x, c.key);
    read_alternative(x, a, &c);
    read_usage(x, &c);
    read_issuer_url(x, a, &c);
    ERR_clear_error();
    *ret = c;
    return TD_OK;
}

void td_ek_cert_done(struct td_ek_cert *c)
{
    td_key_free(c->key);
    c->key = NULL;
}

/* ---- the chain ---- */

struct path { /* certificates that may stand between, decoded; only those whose names lead on */
    X509 *anchors[CANDIDATES_MAX], *more[MORE_MAX];
    size_t anchor_at[CANDIDATES_MAX], anchor_count, more_count;
    bool used[MORE_MAX];
};

static void path_done(struct path *p)
{
    for (size_t i = 0; i < p->anchor_count; i++)
        X509_free(p->anchors[i]);
    for (size_t i = 0; i < p->more_count; i++)
        X509_free(p->more[i]);
}

static void add_anchors(struct path *p, struct td_slice wanted, const struct td_slice *anchors, size_t count)
{
    struct names n = {0};
    for (size_t i = 0; i < count && p->anchor_count < CANDIDATES_MAX; i++) {
        if (!names_of(anchors[i], &n) || !alike(n.subject, wanted))
            continue;
        X509 *x = td_x509_from_der(anchors[i]);
        if (x == NULL)
            continue;
        p->anchor_at[p->anchor_count] = i;
        p->anchors[p->anchor_count++] = x;
    }
}

/* The first further certificate with the wanted name; its issuer is wanted next. */
static bool add_more(struct path *p, struct td_slice *wanted, const struct td_slice *more, size_t count)
{
    struct names n = {0};
    for (size_t i = 0; i < count && i < MORE_MAX; i++) {
        if (p->used[i] || !names_of(more[i], &n) || !alike(n.subject, *wanted))
            continue;
        p->used[i] = true;
        X509 *x = td_x509_from_der(unpadded(more[i]));
        if (x == NULL)
            continue;
        p->more[p->more_count++] = x;
        *wanted = n.issuer;
        return true;
    }
    return false;
}

static enum td_code refuse(int e, const char *whose, struct td_error *err)
{
    bool date = e == X509_V_ERR_CERT_HAS_EXPIRED || e == X509_V_ERR_CERT_NOT_YET_VALID;
    return td_fail(err, date ? TD_EEXPIRED : TD_EAUTH, "EK certificate", "%s: %s", whose,
                   X509_verify_cert_error_string(e));
}

static enum td_code check_dates(const X509 *x, const char *whose, int64_t now, struct td_error *err)
{
    if (now == 0)
        return TD_OK;
    if (now < td_x509_time(X509_get0_notBefore(x)))
        return refuse(X509_V_ERR_CERT_NOT_YET_VALID, whose, err);
    if (now > td_x509_time(X509_get0_notAfter(x)))
        return refuse(X509_V_ERR_CERT_HAS_EXPIRED, whose, err);
    return TD_OK;
}

/* No MD5, no SHA-1, no short keys of a maker. */
static bool strong(X509 *leaf, const EVP_PKEY *issuer)
{
    enum { LEAST = 80 };
    int bits = 0;
    return X509_get_signature_info(leaf, NULL, NULL, &bits, NULL) == 1 && bits >= LEAST &&
           EVP_PKEY_get_security_bits(issuer) >= LEAST;
}

/* Was leaf signed by issuer, and may that sign certificates? The engine's way through a chain asks for the leaf's own
 * key, which it can't read where that is called id-RSAES-OAEP: so this step is ours. */
static bool issued(X509 *leaf, X509 *issuer)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    bool good = key != NULL && (X509_check_ca(issuer) == 1 || X509_check_ca(issuer) == 3) &&
                X509_check_issued(issuer, leaf) == X509_V_OK && strong(leaf, key) &&
                (X509_verify(leaf, key) == 1 || td_fault("ek-any-signature"));
    ERR_clear_error();
    return good;
}

static size_t anchor_of(X509_STORE_CTX *ctx, const struct path *p)
{
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
    const X509 *last = chain != NULL ? sk_X509_value(chain, sk_X509_num(chain) - 1) : NULL;
    for (size_t i = 0; last != NULL && i < p->anchor_count; i++)
        if (X509_cmp(p->anchors[i], last) == 0)
            return p->anchor_at[i];
    return p->anchor_at[0];
}

static enum td_code judge(X509_STORE_CTX *ctx, int64_t now, struct td_error *err)
{
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_depth(param, DEPTH_MAX);
    X509_VERIFY_PARAM_set_auth_level(param, 1);
    (void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
    if (now == 0)
        (void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME);
    else
        X509_VERIFY_PARAM_set_time(param, (time_t)(now / TD_SECOND));
    return X509_verify_cert(ctx) == 1 ? TD_OK : refuse(X509_STORE_CTX_get_error(ctx), "a maker's certificate", err);
}

/* From an authority that is not trusted itself up to one that is. */
static enum td_code upwards(X509 *authority, const struct path *p, int64_t now, size_t *ret_anchor,
                            struct td_error *err)
{
    TD_CLEANUP(x509_store_ctx_done) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    STACK_OF(X509) *between = sk_X509_new_null(), *trusted = sk_X509_new_null();
    enum td_code rc = TD_OK;
    bool ok = ctx != NULL && between != NULL && trusted != NULL;
    for (size_t i = 0; ok && i < p->more_count; i++)
        ok = sk_X509_push(between, p->more[i]) > 0;
    for (size_t i = 0; ok && i < p->anchor_count; i++)
        ok = sk_X509_push(trusted, p->anchors[i]) > 0;
    if (!ok || X509_STORE_CTX_init(ctx, NULL, authority, between) != 1) {
        rc = td_ossl_fail(err, TD_EINTERNAL, "EK certificate", "can't be checked");
    } else {
        X509_STORE_CTX_set0_trusted_stack(ctx, trusted);
        rc = judge(ctx, now, err);
        if (rc == TD_OK)
            *ret_anchor = anchor_of(ctx, p);
    }
    sk_X509_free(between);
    sk_X509_free(trusted);
    ERR_clear_error();
    return rc;
}

static enum td_code follow(X509 *leaf, const struct path *p, int64_t now, size_t *ret_anchor, struct td_error *err)
{
    for (size_t i = 0; i < p->anchor_count; i++)
        if (issued(leaf, p->anchors[i])) {
            *ret_anchor = p->anchor_at[i];
            return check_dates(p->anchors[i], "its maker's", now, err);
        }
    for (size_t i = 0; i < p->more_count; i++)
        if (issued(leaf, p->more[i]))
            return upwards(p->more[i], p, now, ret_anchor, err);
    return td_fail(err, TD_EAUTH, "EK certificate", "none of the certificates with its maker's name has signed it");
}

enum td_code td_ek_cert_chain(struct td_slice ek, const struct td_slice *anchors, size_t anchor_count,
                              const struct td_slice *more, size_t more_count, int64_t now, size_t *ret_anchor,
                              struct td_error *err)
{
    struct names n = {0};
    size_t anchor = 0;
    struct td_slice der = unpadded(ek);
    TD_CLEANUP(path_done) struct path p = {0};
    TD_CLEANUP(x509_done) X509 *leaf = td_x509_from_der(der);
    if (leaf == NULL || !names_of(der, &n))
        return td_ossl_fail(err, TD_EFORMAT, "EK certificate", "not readable");
    struct td_slice wanted = n.issuer;
    add_anchors(&p, wanted, anchors, anchor_count);
    while (add_more(&p, &wanted, more, more_count))
        add_anchors(&p, wanted, anchors, anchor_count);
    if (p.anchor_count == 0)
        return td_fail(err, TD_EAUTH, "EK certificate", "no trusted certificate has issued it or one above it");
    td_try(follow(leaf, &p, now, &anchor, err));
    td_try(check_dates(leaf, "its own", now, err));
    if (ret_anchor != NULL)
        *ret_anchor = anchor;
    return TD_OK;
}
