/* tpm/ek: the endorsement key, which the maker certified; the attestation key; the proof that both are in one TPM.
 * Templates: TCG EK Credential Profile, L-1, L-2, H-3 (domain-join-and-tpm.md 2.4). */
#include "base/fault.h"
#include "device/tpm/room.h"

enum { NV_CHUNK = 512, EK_CERT_MAX = 8192 };
enum { P256 = 32, AES_128 = 128, AES_256 = 256 };

/* Policies of the templates: PolicySecret(endorsement) with SHA-256, and policy B of the high range with SHA-384. */
static const unsigned char policy_low[32] = {0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc,
                                             0x8d, 0x46, 0xa5, 0xd7, 0x24, 0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52,
                                             0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa};
static const unsigned char policy_high[48] = {0xb2, 0x6e, 0x7d, 0x28, 0xd1, 0x1a, 0x50, 0xbc, 0x53, 0xd8, 0x82, 0xbc,
                                              0xf5, 0xfd, 0x3a, 0x1a, 0x07, 0x41, 0x48, 0xbb, 0x35, 0xd3, 0xb4, 0xe4,
                                              0xcb, 0x1c, 0x0a, 0xd9, 0xbd, 0xe4, 0x19, 0xca, 0xcb, 0x47, 0xba, 0x09,
                                              0x69, 0x96, 0x46, 0x15, 0x0f, 0x9f, 0xc0, 0x00, 0xf3, 0xf8, 0x0e, 0x12};

/* One row is one kind of EK; the first one with a certificate is taken, else the first that the TPM has or can make. */
static const struct row {
    TPM2_HANDLE persistent, certificate;
    TPM2_ALG_ID type, hash;
    TPM2_ECC_CURVE curve;
    uint16_t symmetric_bits;
    TPMA_OBJECT attributes;
    const unsigned char *policy;
    uint16_t policy_n;
    uint16_t unique_n; /* zeros in the template's unique field, per number */
} rows[] = {
    {0x81010001, 0x01c00002, TPM2_ALG_RSA, TPM2_ALG_SHA256, 0, AES_128, 0x000300b2, policy_low, 32, 256},
    {0x81010002, 0x01c0000a, TPM2_ALG_ECC, TPM2_ALG_SHA256, TPM2_ECC_NIST_P256, AES_128, 0x000300b2, policy_low, 32,
     32},
    {0x81010016, 0x01c00016, TPM2_ALG_ECC, TPM2_ALG_SHA384, TPM2_ECC_NIST_P384, AES_256, 0x000300f2, policy_high, 48,
     0},
};

static void ek_template(const struct row *r, TPM2B_PUBLIC *ret)
{
    *ret = (TPM2B_PUBLIC){0};
    TPMT_PUBLIC *p = &ret->publicArea;
    const TPMT_SYM_DEF_OBJECT aes = {
        .algorithm = TPM2_ALG_AES, .keyBits.aes = r->symmetric_bits, .mode.aes = TPM2_ALG_CFB};
    p->type = r->type;
    p->nameAlg = r->hash;
    p->objectAttributes = r->attributes;
    p->authPolicy.size = r->policy_n;
    memcpy(p->authPolicy.buffer, r->policy, r->policy_n);
    if (r->type == TPM2_ALG_RSA) {
        p->parameters.rsaDetail =
            (TPMS_RSA_PARMS){.symmetric = aes, .scheme.scheme = TPM2_ALG_NULL, .keyBits = 2048, .exponent = 0};
        p->unique.rsa.size = td_fault("device-ek-other-template") ? 0 : r->unique_n;
        return;
    }
    p->parameters.eccDetail = (TPMS_ECC_PARMS){
        .symmetric = aes, .scheme.scheme = TPM2_ALG_NULL, .curveID = r->curve, .kdf.scheme = TPM2_ALG_NULL};
    p->unique.ecc.x.size = p->unique.ecc.y.size = r->unique_n;
}

/* --- objects ------------------------------------------------------------------------------------------------------ */

enum td_code td_tpm_primary(struct td_tpm *t, ESYS_TR hierarchy, const TPM2B_PUBLIC *template_,
                            struct td_tpm_object *ret, TPM2B_PUBLIC *ret_public, const char *what, struct td_error *err)
{
    static const TPM2B_SENSITIVE_CREATE sensitive = {0};
    static const TPM2B_DATA outside = {0};
    static const TPML_PCR_SELECTION none = {0};
    TPM2B_PUBLIC *made = NULL;
    TPM2B_CREATION_DATA *data = NULL;
    TPM2B_DIGEST *hash = NULL;
    TPMT_TK_CREATION *ticket = NULL;
    TSS2_RC rc = t->f.Esys_CreatePrimary(t->esys, hierarchy, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive,
                                         template_, &outside, &none, &ret->handle, &made, &data, &hash, &ticket);
    if (rc == TSS2_RC_SUCCESS && ret_public != NULL)
        *ret_public = *made;
    t->f.Esys_Free(made);
    t->f.Esys_Free(data);
    t->f.Esys_Free(hash);
    t->f.Esys_Free(ticket);
    return rc == TSS2_RC_SUCCESS ? TD_OK : td_tpm_fail(err, rc, what);
}

enum td_code td_tpm_persistent(struct td_tpm *t, TPM2_HANDLE handle, struct td_tpm_object *ret,
                               TPM2B_PUBLIC *ret_public, struct td_error *err)
{
    TPM2B_PUBLIC *pub = NULL;
    TPM2B_NAME *name = NULL, *qualified = NULL;
    if (t->f.Esys_TR_FromTPMPublic(t->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &ret->handle) !=
        TSS2_RC_SUCCESS) {
        ret->handle = ESYS_TR_NONE;
        return td_fail(err, TD_ENOTFOUND, "tpm", "there is no object 0x%08x", handle);
    }
    ret->persistent = true;
    TSS2_RC rc =
        t->f.Esys_ReadPublic(t->esys, ret->handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &pub, &name, &qualified);
    if (rc == TSS2_RC_SUCCESS)
        *ret_public = *pub;
    t->f.Esys_Free(pub);
    t->f.Esys_Free(name);
    t->f.Esys_Free(qualified);
    return rc == TSS2_RC_SUCCESS ? TD_OK : td_tpm_fail(err, rc, "an object's public part can't be read");
}

enum td_code td_tpm_public_octets(struct td_tpm *t, const TPM2B_PUBLIC *p, struct td_arena *a, struct td_slice *ret,
                                  struct td_error *err)
{
    uint8_t octets[sizeof(TPMT_PUBLIC)];
    size_t n = 0;
    TSS2_RC rc = t->f.Tss2_MU_TPMT_PUBLIC_Marshal(&p->publicArea, octets, sizeof(octets), &n);
    if (rc != TSS2_RC_SUCCESS)
        return td_tpm_fail(err, rc, "a public key can't be written");
    *ret = td_arena_copy(a, td_bytes(octets, n));
    return TD_OK;
}

/* --- the endorsement key ------------------------------------------------------------------------------------------ */

/* A key at the well-known place that is of another kind is somebody else's. */
static bool is_of(const struct row *r, const TPM2B_PUBLIC *p)
{
    const TPMT_PUBLIC *k = &p->publicArea;
    const TPMA_OBJECT needed = TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT | TPMA_OBJECT_FIXEDTPM;
    if (td_fault("device-ek-any-object"))
        return true;
    return k->type == r->type && k->nameAlg == r->hash && (k->objectAttributes & needed) == needed &&
           k->authPolicy.size != 0 /* a storage key has none */ &&
           (r->type == TPM2_ALG_RSA ? k->parameters.rsaDetail.keyBits == 2048
                                    : k->parameters.eccDetail.curveID == r->curve);
}

static enum td_code load_row(struct td_tpm *t, const struct row *r, struct td_tpm_object *ret, TPM2B_PUBLIC *ret_public,
                             struct td_error *err)
{
    TPM2B_PUBLIC wanted;
    if (td_tpm_persistent(t, r->persistent, ret, ret_public, NULL) == TD_OK && is_of(r, ret_public))
        return TD_OK;
    td_tpm_flush(ret);
    ret->persistent = false;
    ek_template(r, &wanted);
    return td_tpm_primary(t, ESYS_TR_RH_ENDORSEMENT, &wanted, ret, ret_public, "the endorsement key can't be made",
                          err);
}

/* How much an index holds and who may read it; 0: there is none, or more than a certificate has. */
static size_t size_of(struct td_tpm *t, ESYS_TR index, ESYS_TR *ret_reader)
{
    TPM2B_NV_PUBLIC *pub = NULL;
    TPM2B_NAME *name = NULL;
    size_t n = 0;
    if (t->f.Esys_NV_ReadPublic(t->esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &pub, &name) ==
        TSS2_RC_SUCCESS) {
        n = pub->nvPublic.dataSize <= EK_CERT_MAX ? pub->nvPublic.dataSize : 0;
        *ret_reader = (pub->nvPublic.attributes & TPMA_NV_OWNERREAD) != 0 ? ESYS_TR_RH_OWNER : index;
    }
    t->f.Esys_Free(pub);
    t->f.Esys_Free(name);
    return n;
}

static bool read_chunk(struct td_tpm *t, ESYS_TR reader, ESYS_TR index, size_t at, size_t n, struct td_buf *out)
{
    TPM2B_MAX_NV_BUFFER *part = NULL;
    bool ok = t->f.Esys_NV_Read(t->esys, reader, index, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, (UINT16)n,
                                (UINT16)at, &part) == TSS2_RC_SUCCESS &&
              part->size == n;
    if (ok)
        td_buf_add(out, td_bytes(part->buffer, n));
    t->f.Esys_Free(part);
    return ok;
}

/* Real TPMs pad behind the certificate: its own length counts. */
static struct td_slice der_of(struct td_slice s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    if (s.n < 4 || p[0] != 0x30 || p[1] != 0x82 || td_fault("device-ek-padding-stays"))
        return s;
    return td_sub(s, 0, 4 + ((size_t)p[2] << 8 | p[3]));
}

/* Empty where there is none, or where it can't be read: then the key stands for itself. */
static struct td_slice certificate(struct td_tpm *t, TPM2_HANDLE handle, struct td_arena *a)
{
    TD_CLEANUP(td_tpm_flush) struct td_tpm_object index = TD_TPM_NONE(t);
    TD_CLEANUP(td_buf_done) struct td_buf out;
    td_buf_init(&out, EK_CERT_MAX);
    index.persistent = true;
    if (t->f.Esys_TR_FromTPMPublic(t->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &index.handle) !=
        TSS2_RC_SUCCESS) {
        index.handle = ESYS_TR_NONE;
        return TD_S("");
    }
    ESYS_TR reader = ESYS_TR_RH_OWNER;
    size_t whole = size_of(t, index.handle, &reader);
    if (td_fault("device-ek-one-chunk"))
        whole = TD_MIN(whole, (size_t)NV_CHUNK);
    for (size_t at = 0; at < whole; at += NV_CHUNK)
        if (!read_chunk(t, reader, index.handle, at, TD_MIN(whole - at, (size_t)NV_CHUNK), &out))
            return TD_S("");
    return td_arena_copy(a, der_of(td_buf_slice(&out)));
}

static int row_with_certificate(struct td_tpm *t)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        if (certificate(t, rows[i].certificate, &a).n != 0)
            return td_fault("device-ek-first-kind") ? 0 : (int)i;
    return -1;
}

/* The row is chosen once: what was proven to the service is what activates its challenge. */
static enum td_code load_ek(struct td_tpm *t, struct td_tpm_object *ret, TPM2B_PUBLIC *ret_public, struct td_error *err)
{
    if (t->ek < 0)
        t->ek = row_with_certificate(t);
    if (t->ek >= 0)
        return load_row(t, &rows[t->ek], ret, ret_public, err);
    enum td_code rc = TD_ENOTFOUND;
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        rc = load_row(t, &rows[i], ret, ret_public, err);
        if (rc == TD_OK)
            t->ek = (int)i;
        if (rc == TD_OK || rc == TD_EUNAVAILABLE)
            break;
    }
    return rc;
}

enum td_code td_tpm_ek(struct td_tpm *t, struct td_arena *a, struct td_tpm_ek *ret, struct td_error *err)
{
    TD_CLEANUP(td_tpm_flush) struct td_tpm_object ek = TD_TPM_NONE(t);
    TPM2B_PUBLIC pub = {0};
    td_try(load_ek(t, &ek, &pub, err));
    td_try(td_tpm_public_octets(t, &pub, a, &ret->public_, err));
    ret->cert = certificate(t, rows[t->ek].certificate, a);
    return TD_OK;
}

/* --- the attestation key ------------------------------------------------------------------------------------------ */

/* Outside of the lock against guessing (as every key of ours): there is no password to be guessed, and a TPM counts
 * each cut of the power as a wrong one. */
enum td_code td_tpm_ak_load(struct td_tpm *t, struct td_tpm_object *ret, TPM2B_PUBLIC *ret_public, struct td_error *err)
{
    const TPM2B_PUBLIC wanted = {
        .publicArea = {
            .type = TPM2_ALG_ECC,
            .nameAlg = TPM2_ALG_SHA256,
            .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                                TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED |
                                TPMA_OBJECT_SIGN_ENCRYPT,
            .parameters.eccDetail = {.symmetric.algorithm = TPM2_ALG_NULL,
                                     .scheme = {.scheme = TPM2_ALG_ECDSA, .details.ecdsa.hashAlg = TPM2_ALG_SHA256},
                                     .curveID = TPM2_ECC_NIST_P256,
                                     .kdf.scheme = TPM2_ALG_NULL}}};
    return td_tpm_primary(t, ESYS_TR_RH_OWNER, &wanted, ret, ret_public, "the attestation key can't be made", err);
}

enum td_code td_tpm_ak(struct td_tpm *t, struct td_arena *a, struct td_slice *ret, struct td_error *err)
{
    TD_CLEANUP(td_tpm_flush) struct td_tpm_object ak = TD_TPM_NONE(t);
    TPM2B_PUBLIC pub = {0};
    td_try(td_tpm_ak_load(t, &ak, &pub, err));
    return td_tpm_public_octets(t, &pub, a, ret, err);
}

/* Owner of an EK of the low range is who knows the endorsement hierarchy's password: nobody has set one. */
static enum td_code policy(struct td_tpm *t, TPMI_ALG_HASH hash, struct td_tpm_object *ret, struct td_error *err)
{
    const TPMT_SYM_DEF none = {.algorithm = TPM2_ALG_NULL};
    TPM2B_TIMEOUT *timeout = NULL;
    TPMT_TK_AUTH *ticket = NULL;
    TSS2_RC rc = t->f.Esys_StartAuthSession(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                            ESYS_TR_NONE, NULL, TPM2_SE_POLICY, &none, hash, &ret->handle);
    if (rc != TSS2_RC_SUCCESS)
        return td_tpm_fail(err, rc, "a session can't be begun");
    rc = t->f.Esys_PolicySecret(t->esys, ESYS_TR_RH_ENDORSEMENT, ret->handle, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                ESYS_TR_NONE, NULL, NULL, NULL, 0, &timeout, &ticket);
    t->f.Esys_Free(timeout);
    t->f.Esys_Free(ticket);
    return rc == TSS2_RC_SUCCESS ? TD_OK : td_tpm_fail(err, rc, "the endorsement hierarchy does not authorise");
}

static enum td_code activate(struct td_tpm *t, ESYS_TR ak, ESYS_TR ek, ESYS_TR session, struct td_slice id_object,
                             struct td_slice secret, struct td_arena *a, struct td_slice *ret, struct td_error *err)
{
    TPM2B_ID_OBJECT blob = {.size = (UINT16)id_object.n};
    TPM2B_ENCRYPTED_SECRET sealed = {.size = (UINT16)secret.n};
    TPM2B_DIGEST *open = NULL;
    memcpy(blob.credential, id_object.p, id_object.n);
    memcpy(sealed.secret, secret.p, secret.n);
    TSS2_RC rc =
        t->f.Esys_ActivateCredential(t->esys, ak, ek, ESYS_TR_PASSWORD, session, ESYS_TR_NONE, &blob, &sealed, &open);
    if (rc == TSS2_RC_SUCCESS) {
        *ret = td_arena_copy(a, td_bytes(open->buffer, open->size));
        td_wipe(open->buffer, open->size);
    }
    t->f.Esys_Free(open);
    return rc == TSS2_RC_SUCCESS ? TD_OK : td_tpm_fail(err, rc, "the challenge is not for this TPM");
}

enum td_code td_tpm_activate(struct td_tpm *t, struct td_slice id_object, struct td_slice secret, struct td_arena *a,
                             struct td_slice *ret, struct td_error *err)
{
    TD_CLEANUP(td_tpm_flush) struct td_tpm_object ak = TD_TPM_NONE(t);
    TD_CLEANUP(td_tpm_flush) struct td_tpm_object ek = TD_TPM_NONE(t);
    TD_CLEANUP(td_tpm_flush) struct td_tpm_object session = TD_TPM_NONE(t);
    TPM2B_PUBLIC pub = {0};
    if (id_object.n == 0 || id_object.n > sizeof(((TPM2B_ID_OBJECT *)0)->credential))
        return td_fail(err, TD_EFORMAT, "idObject", "has %zu octets", id_object.n);
    if (secret.n == 0 || secret.n > sizeof(((TPM2B_ENCRYPTED_SECRET *)0)->secret))
        return td_fail(err, TD_EFORMAT, "encSecret", "has %zu octets", secret.n);
    td_try(load_ek(t, &ek, &pub, err));
    const bool by_password = (pub.publicArea.objectAttributes & TPMA_OBJECT_USERWITHAUTH) != 0;
    if (!by_password)
        td_try(policy(t, pub.publicArea.nameAlg, &session, err));
    td_try(td_tpm_ak_load(t, &ak, NULL, err));
    return activate(t, ak.handle, ek.handle, by_password ? ESYS_TR_PASSWORD : session.handle, id_object, secret, a, ret,
                    err);
}
