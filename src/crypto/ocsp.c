/* OCSP responder (RFC 6960): answers are signed by the issuer itself. */
#include "crypto/cert.h"
#include "crypto/ossl.h"

#include <openssl/ocsp.h>

TD_OSSL_CLEANUP(ocsp_req, OCSP_REQUEST, OCSP_REQUEST_free)
TD_OSSL_CLEANUP(ocsp_resp, OCSP_RESPONSE, OCSP_RESPONSE_free)
TD_OSSL_CLEANUP(ocsp_basic, OCSP_BASICRESP, OCSP_BASICRESP_free)
TD_OSSL_CLEANUP(ocsp_id, OCSP_CERTID, OCSP_CERTID_free)

struct responder {
    const struct td_ocsp_issuer *issuers;
    X509 **certs; /* the issuers, read */
    size_t count;
    td_ocsp_lookup *fn;
    void *ctx;
    ASN1_TIME *from, *until;
    struct td_arena *arena;
};

/* The issuer's names are hashed by the algorithm that the request names. */
static bool issued_by(OCSP_CERTID *id, X509 *issuer)
{
    ASN1_OBJECT *algorithm = NULL;
    ASN1_INTEGER *serial = NULL;
    if (OCSP_id_get0_info(NULL, &algorithm, NULL, &serial, id) != 1)
        return false;
    int nid = OBJ_obj2nid(algorithm);
    const EVP_MD *md = nid == NID_sha1 ? td_ossl()->sha1 : nid == NID_sha256 ? td_ossl()->sha256 : NULL;
    TD_CLEANUP(ocsp_id_done) OCSP_CERTID *ours = md != NULL ? OCSP_cert_to_id(md, NULL, issuer) : NULL;
    return ours != NULL && OCSP_id_issuer_cmp(ours, id) == 0;
}

static size_t find_issuer(const struct responder *r, OCSP_CERTID *id)
{
    for (size_t i = 0; i < r->count; i++)
        if (issued_by(id, r->certs[i]))
            return i;
    return SIZE_MAX;
}

static bool add_status(struct responder *r, OCSP_BASICRESP *basic, OCSP_CERTID *id, size_t signer)
{
    static const int statuses[] = {V_OCSP_CERTSTATUS_GOOD, V_OCSP_CERTSTATUS_REVOKED, V_OCSP_CERTSTATUS_UNKNOWN};
    enum td_ocsp_status status = TD_OCSP_UNKNOWN;
    ASN1_INTEGER *serial = NULL;
    struct td_revoked gone = {.at = 0};
    (void)OCSP_id_get0_info(NULL, NULL, NULL, &serial, id);
    if (find_issuer(r, id) == signer)
        status = r->fn(r->ctx, signer, td_x509_serial(r->arena, serial), &gone);
    TD_CLEANUP(asn1_time_done) ASN1_TIME *revoked = status == TD_OCSP_REVOKED ? ASN1_TIME_new() : NULL;
    if (revoked != NULL && !td_x509_set_time(revoked, gone.at))
        return false;
    int reason = gone.reason != TD_REASON_NONE ? gone.reason : OCSP_REVOKED_STATUS_NOSTATUS;
    return OCSP_basic_add1_status(basic, id, statuses[status], reason, revoked, r->from, r->until) != NULL;
}

static OCSP_RESPONSE *answer(struct responder *r, OCSP_REQUEST *req)
{
    int n = OCSP_request_onereq_count(req);
    TD_CLEANUP(ocsp_basic_done) OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    if (n < 1 || n > TD_OCSP_MAX_CERTS || basic == NULL)
        return OCSP_response_create(OCSP_RESPONSE_STATUS_MALFORMEDREQUEST, NULL);
    size_t signer = find_issuer(r, OCSP_onereq_get0_id(OCSP_request_onereq_get0(req, 0)));
    if (signer == SIZE_MAX)
        return OCSP_response_create(OCSP_RESPONSE_STATUS_UNAUTHORIZED, NULL);
    bool ok = true;
    for (int i = 0; ok && i < n; i++)
        ok = add_status(r, basic, OCSP_onereq_get0_id(OCSP_request_onereq_get0(req, i)), signer);
    (void)OCSP_copy_nonce(basic, req);
    ok = ok && OCSP_basic_sign(basic, r->certs[signer], td_key_evp(r->issuers[signer].key), td_ossl()->sha256, NULL,
                               OCSP_NOCERTS) == 1;
    return OCSP_response_create(ok ? OCSP_RESPONSE_STATUS_SUCCESSFUL : OCSP_RESPONSE_STATUS_INTERNALERROR,
                                ok ? basic : NULL);
}

static void free_certs(struct responder *r)
{
    for (size_t i = 0; i < r->count; i++)
        X509_free(r->certs[i]);
}

static OCSP_REQUEST *parse(struct td_slice der)
{
    const unsigned char *p = (const unsigned char *)der.p;
    OCSP_REQUEST *req = der.n != 0 && der.n <= TD_OCSP_MAX ? d2i_OCSP_REQUEST(NULL, &p, (long)der.n) : NULL;
    if (req != NULL && p != (const unsigned char *)der.p + der.n) {
        OCSP_REQUEST_free(req);
        req = NULL;
    }
    return req;
}

enum td_code td_ocsp_answer(struct td_slice request, const struct td_ocsp_issuer *issuers, size_t count,
                            td_ocsp_lookup *fn, void *ctx, int64_t now, int64_t next, struct td_arena *a,
                            struct td_slice *ret_der, struct td_error *err)
{
    TD_CLEANUP(ocsp_req_done) OCSP_REQUEST *req = parse(request);
    TD_CLEANUP(asn1_time_done) ASN1_TIME *from = ASN1_GENERALIZEDTIME_new();
    TD_CLEANUP(asn1_time_done) ASN1_TIME *until = ASN1_GENERALIZEDTIME_new();
    TD_CLEANUP(free_certs)
    struct responder r = {
        .issuers = issuers, .count = count, .fn = fn, .ctx = ctx, .from = from, .until = until, .arena = a};
    r.certs = td_arena_array(a, X509 *, count);
    bool ok = from != NULL && until != NULL && ASN1_GENERALIZEDTIME_set(from, (time_t)(now / 1000000)) != NULL &&
              ASN1_GENERALIZEDTIME_set(until, (time_t)(next / 1000000)) != NULL;
    for (size_t i = 0; i < count; i++) {
        r.certs[i] = td_x509_from_der(issuers[i].der);
        ok = ok && r.certs[i] != NULL;
    }
    if (!ok)
        return td_ossl_fail(err, TD_EINTERNAL, "ocsp", "issuers can't be used");
    TD_CLEANUP(ocsp_resp_done)
    OCSP_RESPONSE *resp =
        req != NULL ? answer(&r, req) : OCSP_response_create(OCSP_RESPONSE_STATUS_MALFORMEDREQUEST, NULL);
    ERR_clear_error();
    if (resp == NULL)
        return td_ossl_fail(err, TD_EINTERNAL, "ocsp", "the answer can't be made");
    *ret_der = TD_OSSL_DER(a, i2d_OCSP_RESPONSE, resp);
    return TD_OK;
}
