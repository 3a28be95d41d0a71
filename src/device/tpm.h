/* The device's TPM 2.0: endorsement key, attestation key, keys of its own, quotes. tss2-esys behind this header, loaded
 * when it is first wanted: a machine without it says so (TD_ENOTOFFERED). One at a time and one thread; every object is
 * flushed before a call returns. Sources: domain-join-and-tpm.md 2; attestation.md 3. */
#ifndef TD_DEVICE_TPM_H
#define TD_DEVICE_TPM_H

#include "crypto/key.h"
#include "device/device.h"

struct td_tpm;

/* tcti: "swtpm:path=...", "device:/dev/tpmrm0", ... TD_EUNAVAILABLE: nothing answers there. */
enum td_code td_tpm_open(const char *tcti, struct td_tpm **ret, struct td_error *err) TD_MUST_USE;
void td_tpm_close(struct td_tpm *t); /* NULL is fine */
/* Did the device's TPM leave a question unanswered? Then err says so: whatever failed may be tried again. */
bool td_tpm_is_away(const struct td_device *dev, struct td_error *err);
/* Flushes every object and session in the TPM: it has room for three of each, and those of a client that was killed
 * would block the next (domain-join-and-tpm.md 2.4). Whoever else works with it loses his, unless a resource manager
 * lies between. */
void td_tpm_sweep(struct td_tpm *t);

/* The device's TPM: --tpm, or what the state keeps of an earlier --tpm ("tpm.tcti"); opened on first use, closed with
 * the device. What the state keeps is no library by its path and no command (TD_EDENIED). One process at a time has it
 * (TD_EUNAVAILABLE), by a lock in DIR/tpm; what was left in the TPM is swept. *ret NULL: it has none. */
enum td_code td_device_tpm(struct td_device *dev, struct td_tpm **ret, struct td_error *err) TD_MUST_USE;

/* Opens the device's TPM, if it has one, and keeps in the state what its hardware hash says of it ("tpm.ek",
 * "tpm.version"): what only looks at the device (td_hardware_of) needs not to open it. Called before anything else by
 * the commands that get a device further. */
enum td_code td_device_tpm_ready(struct td_device *dev, struct td_error *err) TD_MUST_USE;
/* Records 25 and 13 of a hardware hash: TPMT_PUBLIC of the EK, the TPM's version. */
enum td_code td_tpm_facts(struct td_tpm *t, struct td_arena *a, struct td_slice *ret_ek, const char **ret_version,
                          struct td_error *err) TD_MUST_USE;

struct td_tpm_ek {
    struct td_slice public_; /* TPMT_PUBLIC */
    struct td_slice cert;    /* DER, empty: the TPM has none */
};
enum td_code td_tpm_ek(struct td_tpm *t, struct td_arena *a, struct td_tpm_ek *ret, struct td_error *err) TD_MUST_USE;
/* TPMT_PUBLIC of the attestation key (a restricted primary key: the same every time). */
enum td_code td_tpm_ak(struct td_tpm *t, struct td_arena *a, struct td_slice *ret, struct td_error *err) TD_MUST_USE;
/* Contents of TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET to the secret. */
enum td_code td_tpm_activate(struct td_tpm *t, struct td_slice id_object, struct td_slice secret, struct td_arena *a,
                             struct td_slice *ret, struct td_error *err) TD_MUST_USE;

struct td_tpm_proof {
    struct td_slice attest, signature; /* TPMS_ATTEST, TPMT_SIGNATURE */
};
/* PCRs 0 to 7 of the SHA-256 bank; their values beside it. */
enum td_code td_tpm_quote(struct td_tpm *t, struct td_slice nonce, struct td_arena *a, struct td_tpm_proof *ret,
                          unsigned char ret_values[8][32], struct td_error *err) TD_MUST_USE;

/* Keys of the device that never leave its TPM. The wrapped private part rests in DIR/tpm/NAME; made on first use. */
enum td_tpm_key_kind { TD_TPM_KEY_DEVICE /* RSA-2048: directory */, TD_TPM_KEY_MANAGEMENT /* P-256: TLS */ };
enum td_code td_tpm_key_open(struct td_device *dev, enum td_tpm_key_kind kind, struct td_key **ret,
                             struct td_error *err) TD_MUST_USE;
/* "tpm/device.key", below DIR. */
const char *td_tpm_key_file(enum td_tpm_key_kind kind);
enum td_code td_tpm_certify(struct td_device *dev, enum td_tpm_key_kind kind, struct td_slice nonce, struct td_arena *a,
                            struct td_slice *ret_public, struct td_tpm_proof *ret, struct td_error *err) TD_MUST_USE;

/* Is the private half of "device.key.pem" or "mdm.key.pem" in the TPM? Yes where the device has one, but for keys that
 * it joined or enrolled with before it had: those stay files until a reset makes them anew. The transport key is a file
 * always: it opens session keys, which TPM keys for signing do not. */
bool td_tpm_holds(const struct td_device *dev, const char *file, enum td_tpm_key_kind *ret);

/* The event log of this start: the kernel's where there is one, else that of the virtual firmware, which measures into
 * a TPM whose PCRs are still zero (hardware.json: secureBoot) and keeps its log in DIR/tpm/log. Empty: none. */
enum td_code td_tpm_event_log(struct td_device *dev, struct td_arena *a, struct td_slice *ret, struct td_error *err)
    TD_MUST_USE;

#endif
