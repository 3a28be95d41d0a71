/* The endorsement key: is it one, is the certificate its own, and who answers for it: its maker, or the registered
 * hardware hash (attestation.md 3.3, domain-join-and-tpm.md 2.2, 2.4). */
#include "api/attestation/room.h"
#include "api/ek_issuers.h"
#include "base/fault.h"
#include "codec/hwhash.h"
#include "crypto/digest.h"

enum {
    EK_HAS =
        TD_TPMA_RESTRICTED | TD_TPMA_DECRYPT | TD_TPMA_FIXED_TPM | TD_TPMA_FIXED_PARENT | TD_TPMA_SENSITIVE_DATA_ORIGIN
};

static enum td_code bad_key(struct td_attestation *t, struct td_error *err, const char *detail)
{
    return td_attestation_refuse(t, err, TD_ATT_BAD_EK, "ekPub", detail);
}

static enum td_code read_key(struct td_attestation *t, struct td_endorsement *e, struct td_error *err)
{
    struct td_error why = {0};
    td_try(td_attestation_member(t, "ekPub", TD_TPM_MAX_PUBLIC, &e->octets, err));
    if (td_tpm_public_read(e->octets, &e->public, &why) != TD_OK)
        return bad_key(t, err, e->octets.n == 0 ? "it is missing" : why.text);
    if ((e->public.attributes & EK_HAS) != EK_HAS && !td_fault("attest-any-ek"))
        return bad_key(t, err, "an endorsement key is restricted, for decryption, fixed and born in its TPM");
    if ((e->public.attributes & TD_TPMA_SIGN) != 0)
        return bad_key(t, err, "it may sign");
    if (td_tpm_key(&e->public, &e->key, &why) != TD_OK)
        return bad_key(t, err, why.text);
    return td_attestation_key_hash(e->key, t->a, &e->sha256, err);
}

static enum td_code read_chain(struct td_attestation *t, struct td_endorsement *e, struct td_error *err)
{
    const struct td_json *list = td_json_get(t->body, "ekChain");
    if (list == NULL || list->type == TD_JSON_NULL)
        return TD_OK;
    if (list->type != TD_JSON_ARRAY || td_json_count(list) > TD_ATTESTATION_MAX_CHAIN)
        return td_remedy(err,
                         td_fail(err, TD_EINVAL, "ekChain", "must be a list of at most %d certificates in base64",
                                 TD_ATTESTATION_MAX_CHAIN),
                         "Send only what lies between the TPM's certificate and its maker's root.");
    for (const struct td_json *v = list->child; v != NULL; v = v->next)
        td_try(td_attestation_octets(t, v, "ekChain", TD_ATTESTATION_MAX_CERT, &e->chain[e->chain_count++], err));
    return TD_OK;
}

enum td_code td_endorsement_read(struct td_attestation *t, struct td_endorsement *e, struct td_error *err)
{
    td_try(td_attestation_member(t, "ekCert", TD_ATTESTATION_MAX_CERT, &e->der, err));
    td_try(read_chain(t, e, err));
    return read_key(t, e, err);
}

void td_endorsement_done(struct td_endorsement *e)
{
    td_ek_cert_done(&e->cert);
    td_key_free(TD_TAKE(e->key));
}

/* Is it the one in the registered hash, and does the hash carry one at all? */
static bool registered(const struct td_attestation *t, const struct td_endorsement *e, bool *ret_carries)
{
    struct td_hw_facts hw;
    *ret_carries = e->hash.n != 0 && td_hwhash_decode(e->hash, td_sha256, t->a, &hw, NULL) == TD_OK && hw.tpm_ek.n != 0;
    return *ret_carries && td_tpm_public_in(&e->public, hw.tpm_ek);
}

/* What refuses a certificate whoever issued it. */
static enum td_code judge_form(struct td_attestation *t, struct td_endorsement *e, struct td_error *err)
{
    int64_t now = td_now(t->svc->env);
    struct td_error why = {0};
    if (td_ek_cert_read(e->der, t->a, &e->cert, &why) != TD_OK)
        return td_attestation_refuse(t, err, TD_ATT_CERTIFICATE_FORM, "ekCert", why.text);
    if (e->cert.self_signed || e->cert.is_ca)
        return td_attestation_refuse(t, err, TD_ATT_CERTIFICATE_FORM, "ekCert",
                                     e->cert.is_ca ? "it is an authority's" : "it is self-signed");
    if (!e->cert.eku_ok && !td_fault("attest-any-usage"))
        return td_attestation_refuse(t, err, TD_ATT_CERTIFICATE_FORM, "ekCert",
                                     "it lacks the usage of endorsement certificates, 2.23.133.8.1");
    if (!td_key_same_public(e->cert.key, e->key) && !td_fault("attest-other-certificate"))
        return td_attestation_refuse(t, err, TD_ATT_CERTIFICATE_KEY, "ekCert", NULL);
    if ((now < e->cert.not_before || now > e->cert.not_after) && !td_fault("attest-any-date"))
        return td_attestation_refuse(t, err, TD_ATT_CERTIFICATE_DATE, "ekCert",
                                     now > e->cert.not_after ? "it has run out" : "it is not good yet");
    return TD_OK;
}

static enum td_code judge_chain(const struct td_attestation *t, const struct td_endorsement *e, struct td_error *why)
{
    struct td_slice *anchors = td_arena_array(t->a, struct td_slice, e->root_count + 1);
    for (size_t i = 0; i < e->root_count; i++)
        anchors[i] = e->roots[i].der;
    if (td_fault("attest-any-maker"))
        return TD_OK;
    const struct td_ek_chain chain = {e->der, anchors, e->root_count, e->chain, e->chain_count};
    return td_ek_issuers_chain(t->svc, t->tenant, &chain, t->a, why);
}

static enum td_code believe_maker(struct td_attestation *t, struct td_endorsement *e, bool pinned, struct td_error *err)
{
    struct td_error why = {0};
    enum td_code rc = judge_chain(t, e, &why);
    if (rc == TD_OK)
        e->assurance =
            td_tpm_is_virtual(e->cert.manufacturer, e->cert.model) ? TD_ASSURANCE_VIRTUAL : TD_ASSURANCE_HARDWARE;
    else if (pinned)
        e->assurance = TD_ASSURANCE_PINNED;
    else
        return td_attestation_refuse(t, err, rc == TD_EEXPIRED ? TD_ATT_CERTIFICATE_DATE : TD_ATT_UNTRUSTED, "ekCert",
                                     rc == TD_EEXPIRED ? why.text : e->cert.issuer);
    return TD_OK;
}

enum td_code td_endorsement_judge(struct td_attestation *t, struct td_endorsement *e, struct td_error *err)
{
    bool carries = false, same = registered(t, e, &carries), pinned = same && e->pinned_allowed;
    if (e->der.n != 0) {
        td_try(judge_form(t, e, err));
        td_try(believe_maker(t, e, pinned, err));
        if (!e->virtual_allowed && td_tpm_is_virtual(e->cert.manufacturer, e->cert.model) &&
            !td_fault("attest-any-virtual"))
            return td_attestation_refuse(t, err, TD_ATT_VIRTUAL, "ekCert", e->cert.model);
    } else if (pinned) {
        e->assurance = TD_ASSURANCE_PINNED;
    } else {
        return td_attestation_refuse(t, err, TD_ATT_NO_CERTIFICATE, "ekCert", NULL);
    }
    if (carries && !same && !td_fault("attest-other-tpm"))
        return td_attestation_refuse(t, err, TD_ATT_OTHER_TPM, "ekPub", "the registered hardware hash has another key");
    return TD_OK;
}
