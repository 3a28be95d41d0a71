/* The verdict about a client certificate. What can't change is kept by fingerprint; dates, revocation and whether we
 * know it are asked each time (design.md 3). */
#include "api/authority_in.h"
#include "base/fault.h"
#include "crypto/digest.h"
#include "store/certificate.h"

static struct td_verdict *slot_of(struct td_authority *ca, const unsigned char sha256[32])
{
    size_t i = (size_t)sha256[0] | (size_t)sha256[1] << 8 | (size_t)sha256[2] << 16;
    return &ca->verdicts[i % TD_VERDICT_SLOTS];
}

static bool recall(struct td_authority *ca, const unsigned char sha256[32], struct td_verdict *ret)
{
    (void)pthread_mutex_lock(&ca->lock);
    const struct td_verdict *v = slot_of(ca, sha256);
    bool found = v->good && memcmp(v->sha256, sha256, sizeof(v->sha256)) == 0;
    if (found)
        *ret = *v;
    (void)pthread_mutex_unlock(&ca->lock);
    return found;
}

static void keep(struct td_authority *ca, const struct td_verdict *v)
{
    (void)pthread_mutex_lock(&ca->lock);
    *slot_of(ca, v->sha256) = *v;
    (void)pthread_mutex_unlock(&ca->lock);
}

static enum td_code judge_chain(struct td_authority *ca, struct td_slice der, struct td_arena *a, struct td_verdict *v,
                                struct td_error *err)
{
    struct td_cert cert;
    if (td_cert_parse(der, a, &cert, NULL) != TD_OK)
        return td_fail(err, TD_EAUTH, "client certificate", "not readable");
    for (enum td_purpose p = 0; p < TD_PURPOSE_COUNT; p++) {
        const struct td_issuer *by = &ca->issuers[p];
        unsigned usage = p == TD_PURPOSE_SERVER ? TD_EKU_SERVER : TD_EKU_CLIENT;
        if (!td_eq(cert.issuer_der, by->subject_der))
            continue;
        if (td_cert_check_issued(der, by->der, by->key, 0, usage, NULL) != TD_OK)
            break;
        v->good = true;
        v->purpose = p;
        v->not_before = cert.not_before;
        v->not_after = cert.not_after;
        keep(ca, v);
        return TD_OK;
    }
    return td_fail(err, TD_EAUTH, "client certificate", "not issued by this service");
}

static enum td_code judge(const struct td_service *svc, struct td_tx *tx, struct td_slice der, enum td_purpose purpose,
                          struct td_verdict *v, struct td_arena *a, struct td_peer_identity *ret, struct td_error *err)
{
    struct td_cert_row row = {0};
    int64_t now = td_now(svc->env);
    if (!recall(svc->authority, v->sha256, v))
        td_try(judge_chain(svc->authority, der, a, v, err));
    if (v->purpose != purpose && !td_fault("certificate-any-purpose"))
        return td_fail(err, TD_EDENIED, "client certificate", "issued for another purpose (%s)",
                       td_purpose_words[v->purpose]);
    if ((now < v->not_before || now > v->not_after) && !td_fault("certificate-any-date"))
        return td_fail(err, TD_EEXPIRED, "client certificate", now < v->not_before ? "not valid yet" : "has run out");
    enum td_code rc = td_cert_find(tx, v->sha256, a, &row, err);
    if (rc == TD_ENOTFOUND)
        return td_remedy(err, td_fail(err, TD_EAUTH, "client certificate", "ours, but not known to this store"),
                         "enrol the device again");
    td_try(rc);
    if (row.revoked_at != 0 && !td_fault("certificate-revoked"))
        return td_fail(err, TD_EDENIED, "client certificate", "it was revoked");
    *ret = (struct td_peer_identity){.tenant = row.tenant, .subject = row.subject, .serial = row.serial};
    return TD_OK;
}

enum td_code td_authority_peer(const struct td_service *svc, struct td_tx *tx, const struct td_peer *peer,
                               enum td_purpose purpose, struct td_arena *a, struct td_peer_identity *ret,
                               struct td_error *err)
{
    struct td_verdict v = {0};
    if (peer == NULL || peer->cert.n == 0)
        return td_fail(err, TD_EAUTH, "client certificate", "none was shown");
    memcpy(v.sha256, peer->cert_sha256, sizeof(v.sha256));
    return judge(svc, tx, peer->cert, purpose, &v, a, ret, err);
}

enum td_code td_authority_chain(const struct td_service *svc, const struct td_peer *peer, struct td_arena *a,
                                struct td_error *err)
{
    struct td_verdict v = {0};
    if (peer == NULL || peer->cert.n == 0)
        return td_fail(err, TD_EAUTH, "client certificate", "none was shown");
    memcpy(v.sha256, peer->cert_sha256, sizeof(v.sha256));
    return recall(svc->authority, v.sha256, &v) ? TD_OK : judge_chain(svc->authority, peer->cert, a, &v, err);
}

enum td_code td_authority_cert(const struct td_service *svc, struct td_tx *tx, struct td_slice der,
                               enum td_purpose purpose, struct td_arena *a, struct td_peer_identity *ret,
                               struct td_error *err)
{
    struct td_verdict v = {0};
    td_sha256(der, v.sha256);
    return judge(svc, tx, der, purpose, &v, a, ret, err);
}
