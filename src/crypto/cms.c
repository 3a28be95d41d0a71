/* CMS SignedData: how a renewal proves the certificate it renews (mde2.md 7). */
#include "crypto/cert.h"
#include "crypto/ossl.h"

enum { CMS_MAX = 65536 };

/* Exactly one signer, by a certificate that the message carries. Whether we issued it is the caller's question. */
static enum td_code only_signer(CMS_ContentInfo *cms, struct td_arena *a, struct td_slice *ret, struct td_error *err)
{
    STACK_OF(X509) *signers = CMS_get0_signers(cms);
    enum td_code rc = TD_OK;
    if (signers == NULL || sk_X509_num(signers) != 1 || sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms)) != 1)
        rc = td_fail(err, TD_EFORMAT, "signed data", "not signed by exactly one certificate");
    else
        *ret = TD_OSSL_DER(a, i2d_X509, sk_X509_value(signers, 0));
    sk_X509_free(signers);
    return rc;
}

enum td_code td_cms_open(struct td_slice der, struct td_arena *a, struct td_slice *ret_content,
                         struct td_slice *ret_signer_der, struct td_error *err)
{
    const unsigned char *p = (const unsigned char *)der.p;
    char *content = NULL;
    if (der.n > CMS_MAX)
        return td_fail(err, TD_ELIMIT, "signed data", "more than %d octets", CMS_MAX);
    TD_CLEANUP(cms_done) CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.n);
    if (cms == NULL || OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed)
        return td_ossl_fail(err, TD_EFORMAT, "signed data", "not readable");
    if (p != (const unsigned char *)der.p + der.n)
        return td_fail(err, TD_EFORMAT, "signed data", "octets behind its end");
    ASN1_OCTET_STRING **octets = CMS_get0_content(cms);
    if (octets == NULL || *octets == NULL)
        return td_fail(err, TD_EFORMAT, "signed data", "holds no content");
    TD_CLEANUP(bio_done) BIO *out = BIO_new(BIO_s_mem());
    if (CMS_verify(cms, NULL, NULL, NULL, out, CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY) != 1)
        return td_ossl_fail(err, TD_EAUTH, "signed data", "the signature is not good");
    td_try(only_signer(cms, a, ret_signer_der, err));
    long n = BIO_get_mem_data(out, &content);
    *ret_content = td_arena_copy(a, td_bytes(content, n > 0 ? (size_t)n : 0));
    return TD_OK;
}

enum td_code td_cms_sign(struct td_slice content, struct td_slice signer_der, const struct td_key *key,
                         struct td_arena *a, struct td_slice *ret_der, struct td_error *err)
{
    TD_CLEANUP(x509_done) X509 *signer = td_x509_from_der(signer_der);
    TD_CLEANUP(bio_done) BIO *in = content.n <= CMS_MAX ? BIO_new_mem_buf(content.p, (int)content.n) : NULL;
    TD_CLEANUP(cms_done) CMS_ContentInfo *cms = NULL;
    unsigned flags = CMS_BINARY | CMS_NOSMIMECAP;
    if (signer == NULL || in == NULL)
        return td_ossl_fail(err, TD_EINVAL, "signed data", "signer or content can't be used");
    cms = CMS_sign(NULL, NULL, NULL, NULL, flags | CMS_PARTIAL);
    if (cms == NULL || CMS_add1_signer(cms, signer, td_key_evp(key), td_ossl()->sha256, flags) == NULL ||
        CMS_final(cms, in, NULL, flags) != 1)
        return td_ossl_fail(err, TD_EINTERNAL, "signed data", "can't be signed");
    *ret_der = TD_OSSL_DER(a, i2d_CMS_ContentInfo, cms);
    return TD_OK;
}
