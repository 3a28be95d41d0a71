/* Certificate requests as Windows sends them (mde2.md 4.1): read leniently, checked strictly. */
#include "base/fault.h"
#include "crypto/cert.h"
#include "crypto/ossl.h"

enum { CSR_MAX = 16384 };

static enum td_code check_key(const struct td_key *key, struct td_error *err)
{
    if (td_key_kind(key) == TD_KEY_RSA && td_key_bits(key) < 2048)
        return td_fail(err, TD_EINVAL, "certificate request", "an RSA key of %d bits; 2048 are needed",
                       td_key_bits(key));
    if (td_key_kind(key) == TD_KEY_RSA && td_key_bits(key) > 4096)
        return td_fail(err, TD_EINVAL, "certificate request", "an RSA key of %d bits; 4096 is the most",
                       td_key_bits(key));
    if (td_key_kind(key) != TD_KEY_RSA && td_key_kind(key) != TD_KEY_P256)
        return td_fail(err, TD_EINVAL, "certificate request", "this kind of key is not offered");
    return TD_OK;
}

enum td_code td_csr_parse(struct td_slice der, struct td_arena *a, struct td_csr *ret, struct td_error *err)
{
    const unsigned char *p = (const unsigned char *)der.p;
    if (der.n > CSR_MAX)
        return td_fail(err, TD_ELIMIT, "certificate request", "more than %d octets", CSR_MAX);
    TD_CLEANUP(x509_req_done) X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)der.n);
    if (req == NULL)
        return td_ossl_fail(err, TD_EFORMAT, "certificate request", "not readable");
    if (p != (const unsigned char *)der.p + der.n)
        return td_fail(err, TD_EFORMAT, "certificate request", "octets behind its end");
    EVP_PKEY *pkey = X509_REQ_get_pubkey(req);
    if (pkey == NULL)
        return td_ossl_fail(err, TD_EFORMAT, "certificate request", "its key is not readable");
    TD_CLEANUP(td_key_cleanup) struct td_key *key = td_key_wrap(pkey);
    td_try(check_key(key, err));
    if (X509_REQ_verify(req, pkey) != 1 && !td_fault("csr-any-signature"))
        return td_ossl_fail(err, TD_EFORMAT, "certificate request", "its signature is not by its own key");
    const X509_NAME *subject = X509_REQ_get_subject_name(req);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    ret->subject_cn = at >= 0 ? td_x509_text(a, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))) : "";
    ret->spki = TD_OSSL_DER(a, i2d_X509_PUBKEY, X509_REQ_get_X509_PUBKEY(req));
    ret->kind = td_key_kind(key);
    ret->bits = td_key_bits(key);
    return TD_OK;
}

/* What a Windows PC adds: the usage, and its container id as raw text where DER should stand. */
static bool add_windows_attributes(X509_REQ *req, const char *windows_id)
{
    STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
    TD_CLEANUP(asn1_object_done) ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.311.66.1.0", 1);
    TD_CLEANUP(asn1_octets_done) ASN1_OCTET_STRING *raw = ASN1_OCTET_STRING_new();
    X509_EXTENSION *eku = X509V3_EXT_conf_nid(NULL, NULL, NID_ext_key_usage, "clientAuth");
    X509_EXTENSION *id = NULL;
    bool ok = list != NULL && oid != NULL && raw != NULL && eku != NULL &&
              ASN1_OCTET_STRING_set(raw, (const unsigned char *)windows_id, (int)strlen(windows_id) + 1) == 1 &&
              (id = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, raw)) != NULL;
    ok = ok && sk_X509_EXTENSION_push(list, eku) > 0;
    if (ok)
        eku = NULL;
    ok = ok && sk_X509_EXTENSION_push(list, id) > 0;
    if (ok)
        id = NULL;
    ok = ok && X509_REQ_add_extensions(req, list) == 1;
    X509_EXTENSION_free(eku);
    X509_EXTENSION_free(id);
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    return ok;
}

enum td_code td_csr_make(const struct td_key *key, const char *cn, const char *windows_id, struct td_arena *a,
                         struct td_slice *ret_der, struct td_error *err)
{
    TD_CLEANUP(x509_req_done) X509_REQ *req = X509_REQ_new();
    TD_CLEANUP(x509_name_done) X509_NAME *name = X509_NAME_new();
    int type = windows_id != NULL ? V_ASN1_PRINTABLESTRING : V_ASN1_UTF8STRING;
    if (strlen(cn) == 0 || strlen(cn) > 64)
        return td_fail(err, TD_EINVAL, "common name", "has to have 1 to 64 octets");
    if (req == NULL || name == NULL || X509_REQ_set_version(req, X509_REQ_VERSION_1) != 1 ||
        X509_NAME_add_entry_by_txt(name, "CN", type, (const unsigned char *)cn, -1, -1, 0) != 1 ||
        X509_REQ_set_subject_name(req, name) != 1 || X509_REQ_set_pubkey(req, td_key_evp(key)) != 1 ||
        (windows_id != NULL && !add_windows_attributes(req, windows_id)))
        return td_ossl_fail(err, TD_EINTERNAL, "certificate request", "a field can't be written");
    if (X509_REQ_sign(req, td_key_evp(key), td_ossl()->sha256) <= 0)
        return td_ossl_fail(err, TD_EINTERNAL, "certificate request", "can't be signed");
    *ret_der = TD_OSSL_DER(a, i2d_X509_REQ, req);
    return TD_OK;
}
