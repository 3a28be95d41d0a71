/* Inside of the device's TPM (device/tpm.h): the functions of tss2 as they were found at run time, and what the files
 * here share. The only place of the tree that sees tss2. Whatever a TPM says is hostile: tss2 bounds its structures,
 * sizes and counts that it tells are bounded here, and so is the time that it may take.
 *
 *   load.c   libraries, opening, errors      ek.c     endorsement key, attestation key, activation
 *   proof.c  quotes, certifying, PCRs        keys.c   keys of the device, in files wrapped by the TPM
 *   log.c    the log of the start            facts.c  what a hardware hash says of a TPM */
#ifndef TD_DEVICE_TPM_ROOM_H
#define TD_DEVICE_TPM_ROOM_H

#include "device/tpm.h"

#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_tctildr.h>

/* Which library holds it, its name. What is not in this list is not called. */
#define TD_TSS_FUNCTIONS(X)                \
    X(TCTI, Tss2_TctiLdr_Initialize)       \
    X(TCTI, Tss2_TctiLdr_Finalize)         \
    X(ESYS, Esys_Initialize)               \
    X(ESYS, Esys_Finalize)                 \
    X(ESYS, Esys_Free)                     \
    X(ESYS, Esys_Startup)                  \
    X(ESYS, Esys_GetCapability)            \
    X(ESYS, Esys_TR_FromTPMPublic)         \
    X(ESYS, Esys_TR_Close)                 \
    X(ESYS, Esys_FlushContext)             \
    X(ESYS, Esys_ContextSave)              \
    X(ESYS, Esys_ContextLoad)              \
    X(ESYS, Esys_ReadPublic)               \
    X(ESYS, Esys_NV_ReadPublic)            \
    X(ESYS, Esys_NV_Read)                  \
    X(ESYS, Esys_CreatePrimary)            \
    X(ESYS, Esys_Create)                   \
    X(ESYS, Esys_Load)                     \
    X(ESYS, Esys_StartAuthSession)         \
    X(ESYS, Esys_PolicySecret)             \
    X(ESYS, Esys_ActivateCredential)       \
    X(ESYS, Esys_Quote)                    \
    X(ESYS, Esys_Certify)                  \
    X(ESYS, Esys_Sign)                     \
    X(ESYS, Esys_PCR_Read)                 \
    X(ESYS, Esys_PCR_Extend)               \
    X(MU, Tss2_MU_TPMT_PUBLIC_Marshal)     \
    X(MU, Tss2_MU_TPM2B_PUBLIC_Marshal)    \
    X(MU, Tss2_MU_TPM2B_PUBLIC_Unmarshal)  \
    X(MU, Tss2_MU_TPM2B_PRIVATE_Marshal)   \
    X(MU, Tss2_MU_TPM2B_PRIVATE_Unmarshal) \
    X(MU, Tss2_MU_TPMT_SIGNATURE_Marshal)

/* NOLINTBEGIN(bugprone-macro-parentheses): a name can't stand in parentheses here */
#define TD_TSS_MEMBER(library, name) __typeof__(name) *name;
struct td_tss {
    TD_TSS_FUNCTIONS(TD_TSS_MEMBER)
};
/* NOLINTEND(bugprone-macro-parentheses) */

enum td_tss_library { TD_TSS_TCTI, TD_TSS_ESYS, TD_TSS_MU, TD_TSS_COUNT };
enum { TD_TPM_KEYS = TD_TPM_KEY_MANAGEMENT + 1, TD_TPM_BOOT_PCRS = 8 };

struct td_tpm_tcti;

struct td_tpm_key { /* what a key of the device signs by: lives as long as the opened TPM */
    struct td_tpm *tpm;
    TPM2B_PUBLIC public_;
    TPM2B_PRIVATE private_; /* wrapped by the TPM */
    TPMS_CONTEXT *saved;    /* the loaded key, so that the next signature need not load its parent; NULL: none */
    struct td_signer signer;
    bool there;
};

/* How long an answer is waited for: is it there at all (it may have another client), and then. */
struct td_tpm_patience {
    int first_ms, answer_ms;
};

struct td_tpm {
    void *library[TD_TSS_COUNT];
    struct td_tss f;
    struct td_tpm_tcti *wire;
    struct td_tpm_patience patience;
    ESYS_CONTEXT *esys;
    int ek;   /* row of the table in ek.c once it was looked for, else -1 */
    int lock; /* of the device's TPM, -1: none */
    struct td_tpm_key key[TD_TPM_KEYS];
    char tcti[256];
};

/* td_tpm_open with another patience: for tests. */
enum td_code td_tpm_open_for(const char *tcti, const struct td_tpm_patience *patience, struct td_tpm **ret,
                             struct td_error *err) TD_MUST_USE;

/* The answer of tss2 or of the TPM as an error of ours: cause, remedy, the number that Windows shows. */
enum td_code td_tpm_fail(struct td_error *err, TSS2_RC rc, const char *what);
/* The code without parameter and session numbers: TPM2_RC_INTEGRITY of 0x1DF. */
TSS2_RC td_tpm_base_rc(TSS2_RC rc);

/* An object or session in the TPM; flushed by TD_CLEANUP(td_tpm_flush), where it is not persistent. */
struct td_tpm_object {
    struct td_tpm *tpm;
    ESYS_TR handle; /* ESYS_TR_NONE: none */
    bool persistent;
};
#define TD_TPM_NONE(t)                     \
    {                                      \
        .tpm = (t), .handle = ESYS_TR_NONE \
    }
void td_tpm_flush(struct td_tpm_object *o);

/* A primary key by its template; ret_public may be NULL. */
enum td_code td_tpm_primary(struct td_tpm *t, ESYS_TR hierarchy, const TPM2B_PUBLIC *template_,
                            struct td_tpm_object *ret, TPM2B_PUBLIC *ret_public, const char *what, struct td_error *err)
    TD_MUST_USE;
/* The object behind a persistent handle; TD_ENOTFOUND: there is none. */
enum td_code td_tpm_persistent(struct td_tpm *t, TPM2_HANDLE handle, struct td_tpm_object *ret,
                               TPM2B_PUBLIC *ret_public, struct td_error *err) TD_MUST_USE;
enum td_code td_tpm_ak_load(struct td_tpm *t, struct td_tpm_object *ret, TPM2B_PUBLIC *ret_public, struct td_error *err)
    TD_MUST_USE;

/* TPMT_PUBLIC, TPMT_SIGNATURE in octets. */
enum td_code td_tpm_public_octets(struct td_tpm *t, const TPM2B_PUBLIC *p, struct td_arena *a, struct td_slice *ret,
                                  struct td_error *err) TD_MUST_USE;
enum td_code td_tpm_signature_octets(struct td_tpm *t, const TPMT_SIGNATURE *s, struct td_arena *a,
                                     struct td_slice *ret, struct td_error *err) TD_MUST_USE;

/* PCRs 0 to 7 of the SHA-256 bank. */
enum td_code td_tpm_pcrs(struct td_tpm *t, unsigned char ret[TD_TPM_BOOT_PCRS][32], struct td_error *err) TD_MUST_USE;
enum td_code td_tpm_extend(struct td_tpm *t, uint32_t pcr, const unsigned char digest[32], struct td_error *err)
    TD_MUST_USE;

/* Attest structure of a key by the AK: what a key in keys.c is certified with. */
enum td_code td_tpm_certify_object(struct td_tpm *t, ESYS_TR object, struct td_slice nonce, struct td_arena *a,
                                   struct td_tpm_proof *ret, struct td_error *err) TD_MUST_USE;

/* wire.c: the TPM as tss2 reaches it, with a bound on the time of each answer. */
enum td_code td_tpm_wire_open(const struct td_tss *f, const char *tcti, const struct td_tpm_patience *patience,
                              struct td_tpm_tcti **ret, struct td_error *err) TD_MUST_USE;
void td_tpm_wire_close(const struct td_tss *f, struct td_tpm_tcti *w); /* NULL is fine */
TSS2_TCTI_CONTEXT *td_tpm_wire_context(struct td_tpm_tcti *w);
bool td_tpm_wire_is_broken(const struct td_tpm_tcti *w); /* NULL is broken */

/* Connects once more where an answer did not come: in its place, keys hold on to it. */
enum td_code td_tpm_again(struct td_tpm *t, struct td_error *err) TD_MUST_USE;

#endif
