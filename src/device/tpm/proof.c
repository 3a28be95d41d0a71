/* tpm/proof: what the attestation key signs (measurements, the origin of other keys), and the measurements. */
#include "device/tpm/room.h"

enum { PCR_ROUNDS = 8 };

enum td_code td_tpm_signature_octets(struct td_tpm *t, const TPMT_SIGNATURE *s, struct td_arena *a,
                                     struct td_slice *ret, struct td_error *err)
{
    uint8_t octets[sizeof(TPMT_SIGNATURE)];
    size_t n = 0;
    TSS2_RC rc = t->f.Tss2_MU_TPMT_SIGNATURE_Marshal(s, octets, sizeof(octets), &n);
    if (rc != TSS2_RC_SUCCESS)
        return td_tpm_fail(err, rc, "a signature can't be written");
    *ret = td_arena_copy(a, td_bytes(octets, n));
    return TD_OK;
}

static TPML_PCR_SELECTION boot_pcrs(void)
{
    return (TPML_PCR_SELECTION){
        .count = 1, .pcrSelections[0] = {.hash = TPM2_ALG_SHA256, .sizeofSelect = 3, .pcrSelect = {0xff, 0, 0}}};
}

/* What the AK has said, copied out of the memory of tss2, which is given back. */
static enum td_code keep(struct td_tpm *t, TSS2_RC rc, TPM2B_ATTEST *attest, TPMT_SIGNATURE *signature,
                         struct td_arena *a, struct td_tpm_proof *ret, const char *what, struct td_error *err)
{
    enum td_code code = TD_OK;
    if (rc != TSS2_RC_SUCCESS) {
        code = td_tpm_fail(err, rc, what);
    } else {
        ret->attest = td_arena_copy(a, td_bytes(attest->attestationData, attest->size));
        code = td_tpm_signature_octets(t, signature, a, &ret->signature, err);
    }
    t->f.Esys_Free(attest);
    t->f.Esys_Free(signature);
    return code;
}

static enum td_code qualifying(struct td_slice nonce, TPM2B_DATA *ret, struct td_error *err)
{
    if (nonce.n == 0 || nonce.n > 64)
        return td_fail(err, TD_EFORMAT, "nonce", "has %zu octets; 1 to 64 can be answered", nonce.n);
    *ret = (TPM2B_DATA){.size = (UINT16)nonce.n};
    memcpy(ret->buffer, nonce.p, nonce.n);
    return TD_OK;
}

/* A TPM answers as many values as it likes: what it has not told is asked again. */
static size_t take_values(const TPML_PCR_SELECTION *told, const TPML_DIGEST *values, TPML_PCR_SELECTION *left,
                          unsigned char ret[TD_TPM_BOOT_PCRS][32])
{
    size_t at = 0;
    if (told->count != 1 || told->pcrSelections[0].hash != TPM2_ALG_SHA256)
        return 0;
    for (unsigned pcr = 0; pcr < TD_TPM_BOOT_PCRS; pcr++) {
        if ((told->pcrSelections[0].pcrSelect[0] & 1u << pcr) == 0)
            continue;
        if (at >= values->count || values->digests[at].size != 32)
            return 0;
        memcpy(ret[pcr], values->digests[at++].buffer, 32);
        left->pcrSelections[0].pcrSelect[0] &= (BYTE) ~(1u << pcr);
    }
    return at;
}

enum td_code td_tpm_pcrs(struct td_tpm *t, unsigned char ret[TD_TPM_BOOT_PCRS][32], struct td_error *err)
{
    TPML_PCR_SELECTION left = boot_pcrs();
    for (int i = 0; i < PCR_ROUNDS && left.pcrSelections[0].pcrSelect[0] != 0; i++) {
        TPML_PCR_SELECTION *told = NULL;
        TPML_DIGEST *values = NULL;
        UINT32 counter = 0;
        TSS2_RC rc =
            t->f.Esys_PCR_Read(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &left, &counter, &told, &values);
        size_t n = rc == TSS2_RC_SUCCESS ? take_values(told, values, &left, ret) : 0;
        t->f.Esys_Free(told);
        t->f.Esys_Free(values);
        if (rc != TSS2_RC_SUCCESS)
            return td_tpm_fail(err, rc, "the measurements can't be read");
        if (n == 0)
            break;
    }
    if (left.pcrSelections[0].pcrSelect[0] == 0)
        return TD_OK;
    (void)td_fail(err, TD_ENOTOFFERED, "tpm", "the TPM has no SHA-256 measurements");
    return td_remedy(err, TD_ENOTOFFERED, "Enable the SHA-256 bank of the PCRs in the firmware's setup.");
}

enum td_code td_tpm_extend(struct td_tpm *t, uint32_t pcr, const unsigned char digest[32], struct td_error *err)
{
    TPML_DIGEST_VALUES values = {.count = 1, .digests[0].hashAlg = TPM2_ALG_SHA256};
    memcpy(values.digests[0].digest.sha256, digest, 32);
    TSS2_RC rc =
        t->f.Esys_PCR_Extend(t->esys, ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &values);
    return rc == TSS2_RC_SUCCESS ? TD_OK : td_tpm_fail(err, rc, "a measurement can't be written");
}

enum td_code td_tpm_quote(struct td_tpm *t, struct td_slice nonce, struct td_arena *a, struct td_tpm_proof *ret,
                          unsigned char ret_values[8][32], struct td_error *err)
{
    TD_CLEANUP(td_tpm_flush) struct td_tpm_object ak = TD_TPM_NONE(t);
    const TPMT_SIG_SCHEME by_key = {.scheme = TPM2_ALG_NULL};
    const TPML_PCR_SELECTION which = boot_pcrs();
    TPM2B_ATTEST *quoted = NULL;
    TPMT_SIGNATURE *signature = NULL;
    TPM2B_DATA extra;
    td_try(qualifying(nonce, &extra, err));
    td_try(td_tpm_pcrs(t, ret_values, err));
    td_try(td_tpm_ak_load(t, &ak, NULL, err));
    TSS2_RC rc = t->f.Esys_Quote(t->esys, ak.handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &extra, &by_key,
                                 &which, &quoted, &signature);
    return keep(t, rc, quoted, signature, a, ret, "the measurements can't be quoted", err);
}

enum td_code td_tpm_certify_object(struct td_tpm *t, ESYS_TR object, struct td_slice nonce, struct td_arena *a,
                                   struct td_tpm_proof *ret, struct td_error *err)
{
    TD_CLEANUP(td_tpm_flush) struct td_tpm_object ak = TD_TPM_NONE(t);
    const TPMT_SIG_SCHEME by_key = {.scheme = TPM2_ALG_NULL};
    TPM2B_ATTEST *said = NULL;
    TPMT_SIGNATURE *signature = NULL;
    TPM2B_DATA extra;
    td_try(qualifying(nonce, &extra, err));
    td_try(td_tpm_ak_load(t, &ak, NULL, err));
    TSS2_RC rc = t->f.Esys_Certify(t->esys, object, ak.handle, ESYS_TR_PASSWORD, ESYS_TR_PASSWORD, ESYS_TR_NONE, &extra,
                                   &by_key, &said, &signature);
    return keep(t, rc, said, signature, a, ret, "a key can't be certified", err);
}
