/* tpm/keys: keys of the device that never leave its TPM. What rests in DIR/tpm/NAME is the public part and the private
 * one wrapped by the TPM's storage key: worthless elsewhere, and after the TPM was cleared. They belong to what they
 * are for (device/machine/disk_parts.c): a wipe takes the join's and the enrolment's away with it, as it does with key
 * files.
 */
#include "base/fault.h"
#include "base/file.h"
#include "crypto/tpm.h"
#include "device/tpm/room.h"

#define E_INTEGRITY UINT32_C(0x8028009f) /* of a TPM that is given what another one has wrapped */

enum { BLOB_MAX = 4096, DER_SHORT = 128, DER_SEQUENCE = 0x30, DER_INTEGER = 0x02 };

static const struct kind {
    const char *file, *what;
    TPM2_ALG_ID type;
} kinds[TD_TPM_KEYS] = {
    [TD_TPM_KEY_DEVICE] = {"tpm/device.key", "the device's key", TPM2_ALG_RSA},
    [TD_TPM_KEY_MANAGEMENT] = {"tpm/mdm.key", "the management key", TPM2_ALG_ECC},
};

bool td_tpm_holds(const struct td_device *dev, const char *file, enum td_tpm_key_kind *ret)
{
    static const char *const files[] = {"device.key.pem", "mdm.key.pem"}, *const bound[] = {"end.join",
                                                                                            "end.enrolment"};
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const struct td_device_state *state = dev->state;
    for (size_t i = 0; i < TD_TPM_KEYS; i++) {
        if (strcmp(files[i], file) != 0 || td_fault("device-key-beside-tpm"))
            continue;
        *ret = (enum td_tpm_key_kind)i;
        if (td_file_exists(td_device_path(dev, &a, kinds[i].file)))
            return true;
        if (dev->tpm == NULL && dev->tcti == NULL && (state == NULL || td_state_get(state, "tpm.tcti") == NULL))
            return false;
        return state == NULL || td_state_get(state, bound[i]) == NULL;
    }
    return false;
}

const char *td_tpm_key_file(enum td_tpm_key_kind kind)
{
    return kinds[kind].file;
}

/* The parent: a storage key that follows from the TPM alone. */
static enum td_code storage_key(struct td_tpm *t, struct td_tpm_object *ret, struct td_error *err)
{
    const TPM2B_PUBLIC wanted = {
        .publicArea = {.type = TPM2_ALG_ECC,
                       .nameAlg = TPM2_ALG_SHA256,
                       .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                           TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
                                           TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT,
                       .parameters.eccDetail = {
                           .symmetric = {.algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB},
                           .scheme.scheme = TPM2_ALG_NULL,
                           .curveID = TPM2_ECC_NIST_P256,
                           .kdf.scheme = TPM2_ALG_NULL}}};
    return td_tpm_primary(t, ESYS_TR_RH_OWNER, &wanted, ret, NULL, "the storage key can't be made", err);
}

static void key_template(TPM2_ALG_ID type, TPM2B_PUBLIC *ret)
{
    *ret =
        (TPM2B_PUBLIC){.publicArea = {.type = type,
                                      .nameAlg = TPM2_ALG_SHA256,
                                      .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                                          TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
                                                          TPMA_OBJECT_NODA | TPMA_OBJECT_SIGN_ENCRYPT}};
    if (type == TPM2_ALG_RSA)
        ret->publicArea.parameters.rsaDetail = (TPMS_RSA_PARMS){
            .symmetric.algorithm = TPM2_ALG_NULL, .scheme.scheme = TPM2_ALG_NULL, .keyBits = 2048, .exponent = 0};
    else
        ret->publicArea.parameters.eccDetail = (TPMS_ECC_PARMS){.symmetric.algorithm = TPM2_ALG_NULL,
                                                                .scheme.scheme = TPM2_ALG_NULL,
                                                                .curveID = TPM2_ECC_NIST_P256,
                                                                .kdf.scheme = TPM2_ALG_NULL};
}

static enum td_code make(struct td_tpm *t, const struct kind *k, struct td_tpm_key *ret, struct td_error *err)
{
    TD_CLEANUP(td_tpm_flush) struct td_tpm_object parent = TD_TPM_NONE(t);
    static const TPM2B_SENSITIVE_CREATE sensitive = {0};
    static const TPM2B_DATA outside = {0};
    static const TPML_PCR_SELECTION none = {0};
    TPM2B_PUBLIC wanted, *pub = NULL;
    TPM2B_PRIVATE *wrapped = NULL;
    TPM2B_CREATION_DATA *data = NULL;
    TPM2B_DIGEST *hash = NULL;
    TPMT_TK_CREATION *ticket = NULL;
    td_try(storage_key(t, &parent, err));
    key_template(k->type, &wanted);
    TSS2_RC rc = t->f.Esys_Create(t->esys, parent.handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive,
                                  &wanted, &outside, &none, &wrapped, &pub, &data, &hash, &ticket);
    if (rc == TSS2_RC_SUCCESS) {
        ret->public_ = *pub;
        ret->private_ = *wrapped;
    }
    t->f.Esys_Free(wrapped);
    t->f.Esys_Free(pub);
    t->f.Esys_Free(data);
    t->f.Esys_Free(hash);
    t->f.Esys_Free(ticket);
    return rc == TSS2_RC_SUCCESS ? TD_OK : td_tpm_fail(err, rc, "a key can't be made");
}

/* --- its file ----------------------------------------------------------------------------------------------------- */

static enum td_code save(struct td_device *dev, struct td_tpm *t, const struct kind *k, const struct td_tpm_key *key,
                         struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    uint8_t octets[BLOB_MAX];
    size_t n = 0;
    TSS2_RC rc = t->f.Tss2_MU_TPM2B_PUBLIC_Marshal(&key->public_, octets, sizeof(octets), &n);
    if (rc == TSS2_RC_SUCCESS)
        rc = t->f.Tss2_MU_TPM2B_PRIVATE_Marshal(&key->private_, octets, sizeof(octets), &n);
    if (rc != TSS2_RC_SUCCESS)
        return td_tpm_fail(err, rc, "a key can't be written");
    td_try(td_dir_make(td_device_path(dev, &a, "tpm"), 0700, err));
    return td_file_write(td_device_path(dev, &a, k->file), td_bytes(octets, n), 0600, err);
}

static enum td_code read(struct td_device *dev, struct td_tpm *t, const struct kind *k, struct td_tpm_key *ret,
                         struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    TD_CLEANUP(td_buf_done) struct td_buf blob;
    td_buf_init(&blob, BLOB_MAX);
    td_try(td_file_read(td_device_path(dev, &a, k->file), &blob, err));
    const uint8_t *p = (const uint8_t *)td_buf_slice(&blob).p;
    size_t at = 0;
    ret->public_ = (TPM2B_PUBLIC){0}; /* tss2 fills only what it has found empty */
    ret->private_ = (TPM2B_PRIVATE){0};
    if (t->f.Tss2_MU_TPM2B_PUBLIC_Unmarshal(p, blob.n, &at, &ret->public_) != TSS2_RC_SUCCESS ||
        t->f.Tss2_MU_TPM2B_PRIVATE_Unmarshal(p, blob.n, &at, &ret->private_) != TSS2_RC_SUCCESS || at != blob.n ||
        ret->public_.publicArea.type != k->type)
        return td_remedy(err, td_fail(err, TD_EFORMAT, k->file, "holds no key of a TPM"), TD_STATE_DAMAGED);
    return TD_OK;
}

/* --- using it ----------------------------------------------------------------------------------------------------- */

static enum td_code not_of_this_tpm(struct td_error *err)
{
    (void)td_fail(err, TD_ENOTFOUND, "tpm", "the device's keys are another TPM's, or the TPM was cleared");
    if (err != NULL)
        err->hresult = E_INTEGRITY;
    return td_remedy(err, TD_ENOTFOUND, "Put it back into its box: touchdown-device reset --reinstall.");
}

static enum td_code load_below_parent(struct td_tpm_key *k, struct td_tpm_object *ret, struct td_error *err)
{
    struct td_tpm *t = k->tpm;
    TD_CLEANUP(td_tpm_flush) struct td_tpm_object parent = TD_TPM_NONE(t);
    td_try(storage_key(t, &parent, err));
    TSS2_RC rc = t->f.Esys_Load(t->esys, parent.handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &k->private_,
                                &k->public_, &ret->handle);
    if (rc == TSS2_RC_SUCCESS)
        return TD_OK;
    ret->handle = ESYS_TR_NONE;
    return td_tpm_base_rc(rc) == td_tpm_base_rc(TPM2_RC_INTEGRITY) ? not_of_this_tpm(err)
                                                                   : td_tpm_fail(err, rc, "a key can't be loaded");
}

/* A saved context is good until the TPM is restarted; then the key is loaded once more. */
static enum td_code load(struct td_tpm_key *k, struct td_tpm_object *ret, struct td_error *err)
{
    struct td_tpm *t = k->tpm;
    if (k->saved != NULL && t->f.Esys_ContextLoad(t->esys, k->saved, &ret->handle) == TSS2_RC_SUCCESS)
        return TD_OK;
    t->f.Esys_Free(k->saved);
    k->saved = NULL;
    ret->handle = ESYS_TR_NONE;
    td_try(load_below_parent(k, ret, err));
    if (t->f.Esys_ContextSave(t->esys, ret->handle, &k->saved) != TSS2_RC_SUCCESS)
        k->saved = NULL;
    return TD_OK;
}

static void add_integer(struct td_buf *out, const TPM2B_ECC_PARAMETER *v)
{
    const BYTE *p = v->buffer;
    size_t n = v->size;
    for (; n > 1 && *p == 0; n--)
        p++;
    const bool pad = n == 0 || (*p & 0x80) != 0;
    td_buf_addc(out, DER_INTEGER);
    td_buf_addc(out, (char)(n + pad));
    if (pad)
        td_buf_addc(out, 0);
    td_buf_add(out, td_bytes(p, n));
}

/* ECDSA-Sig-Value. A P-256 signature is short enough for lengths of one octet. */
static enum td_code ecdsa_der(const TPMS_SIGNATURE_ECC *s, struct td_arena *a, struct td_slice *ret,
                              struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf numbers;
    td_buf_init(&numbers, DER_SHORT);
    if (s->signatureR.size > 48 || s->signatureS.size > 48)
        return td_fail(err, TD_EFORMAT, "tpm", "the TPM's signature is too long");
    add_integer(&numbers, &s->signatureR);
    add_integer(&numbers, &s->signatureS);
    unsigned char *der = td_arena_alloc(a, numbers.n + 2);
    der[0] = DER_SEQUENCE;
    der[1] = (unsigned char)numbers.n;
    memcpy(der + 2, numbers.p, numbers.n);
    *ret = td_bytes(der, numbers.n + 2);
    return TD_OK;
}

static enum td_code signature_of(const TPMT_SIGNATURE *s, struct td_arena *a, struct td_slice *ret,
                                 struct td_error *err)
{
    if (s->sigAlg == TPM2_ALG_ECDSA)
        return ecdsa_der(&s->signature.ecdsa, a, ret, err);
    if (s->sigAlg != TPM2_ALG_RSASSA)
        return td_fail(err, TD_EFORMAT, "tpm", "the TPM signs by another scheme than it was asked for");
    *ret = td_arena_copy(a, td_bytes(s->signature.rsassa.sig.buffer, s->signature.rsassa.sig.size));
    return TD_OK;
}

static enum td_code sign(void *ctx, struct td_slice digest, struct td_arena *a, struct td_slice *ret,
                         struct td_error *err)
{
    static const TPMT_TK_HASHCHECK from_outside = {.tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL};
    struct td_tpm_key *k = ctx;
    TD_CLEANUP(td_tpm_flush) struct td_tpm_object key = TD_TPM_NONE(k->tpm);
    const bool rsa = k->public_.publicArea.type == TPM2_ALG_RSA;
    TPMT_SIG_SCHEME by = {0};
    TPM2B_DIGEST in = {.size = (UINT16)digest.n};
    TPMT_SIGNATURE *made = NULL;
    if (digest.n != 32 && digest.n != 48)
        return td_fail(err, TD_ENOTOFFERED, "tpm", "signatures over SHA-256 and SHA-384 only");
    by.scheme = rsa ? TPM2_ALG_RSASSA : TPM2_ALG_ECDSA;
    by.details.any.hashAlg = digest.n == 32 ? TPM2_ALG_SHA256 : TPM2_ALG_SHA384;
    memcpy(in.buffer, digest.p, digest.n);
    td_try(td_tpm_again(k->tpm, err)); /* a connection may last longer than the TPM answers */
    td_try(load(k, &key, err));
    TSS2_RC rc = k->tpm->f.Esys_Sign(k->tpm->esys, key.handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &in, &by,
                                     &from_outside, &made);
    enum td_code code =
        rc == TSS2_RC_SUCCESS ? signature_of(made, a, ret, err) : td_tpm_fail(err, rc, "the TPM does not sign");
    k->tpm->f.Esys_Free(made);
    return code;
}

/* One of another TPM is told here: out of a handshake nobody could read it. */
static enum td_code is_ours(struct td_tpm_key *k, struct td_error *err)
{
    TD_CLEANUP(td_tpm_flush) struct td_tpm_object key = TD_TPM_NONE(k->tpm);
    return td_fault("device-key-of-any-tpm") ? TD_OK : load(k, &key, err);
}

/* The key with its parts in memory: read, or made and saved before anybody uses it. */
static enum td_code ready(struct td_device *dev, enum td_tpm_key_kind kind, struct td_tpm_key **ret,
                          struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_tpm *t = NULL;
    td_try(td_device_tpm(dev, &t, err));
    if (t == NULL) {
        (void)td_fail(err, TD_ENOTFOUND, "tpm", "this device has no TPM");
        return TD_ENOTFOUND;
    }
    struct td_tpm_key *k = &t->key[kind];
    *ret = k;
    bool there = td_file_exists(td_device_path(dev, &a, kinds[kind].file));
    if (k->there && there)
        return TD_OK;
    t->f.Esys_Free(k->saved);
    *k = (struct td_tpm_key){.tpm = t, .signer = {.sign = sign, .ctx = k}};
    if (there) {
        td_try(read(dev, t, &kinds[kind], k, err));
        td_try(is_ours(k, err));
    } else {
        td_try(make(t, &kinds[kind], k, err));
        td_try(save(dev, t, &kinds[kind], k, err));
    }
    k->there = true;
    return TD_OK;
}

enum td_code td_tpm_key_open(struct td_device *dev, enum td_tpm_key_kind kind, struct td_key **ret,
                             struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    TD_CLEANUP(td_key_cleanup) struct td_key *plain = NULL;
    struct td_tpm_key *k = NULL;
    struct td_slice octets, spki;
    struct td_tpm_public pub;
    td_try(ready(dev, kind, &k, err));
    td_try(td_tpm_public_octets(k->tpm, &k->public_, &a, &octets, err));
    td_try(td_tpm_public_read(octets, &pub, err));
    td_try(td_tpm_key(&pub, &plain, err));
    if (td_key_public_der(plain, &a, &spki) != TD_OK)
        return td_fail(err, TD_EINTERNAL, "tpm", "a public key can't be written");
    return td_key_of_signer(spki, &k->signer, ret, err);
}

enum td_code td_tpm_certify(struct td_device *dev, enum td_tpm_key_kind kind, struct td_slice nonce, struct td_arena *a,
                            struct td_slice *ret_public, struct td_tpm_proof *ret, struct td_error *err)
{
    struct td_tpm_key *k = NULL;
    td_try(ready(dev, kind, &k, err));
    TD_CLEANUP(td_tpm_flush) struct td_tpm_object key = TD_TPM_NONE(k->tpm);
    td_try(load(k, &key, err));
    td_try(td_tpm_public_octets(k->tpm, &k->public_, a, ret_public, err));
    return td_tpm_certify_object(k->tpm, key.handle, nonce, a, ret, err);
}
