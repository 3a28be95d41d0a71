/* What TPM structures prove: names, MakeCredential without a TPM, signatures of attestation keys, endorsement
 * certificates, event logs replayed. Pure but for the random octets that are handed in. Sources: attestation.md 3,
 * domain-join-and-tpm.md 2. Which of it is asked of a device is way/attestation.h. */
#ifndef TD_CRYPTO_TPM_H
#define TD_CRYPTO_TPM_H

#include "codec/tcg_log.h"
#include "codec/tpm.h"
#include "crypto/key.h"

#include <pthread.h>

enum { TD_TPM_NAME_MAX = 66, TD_TPM_SECRET = 32, TD_TPM_PCRS = 24 };

struct td_tpm_name { /* nameAlg || H(TPMT_PUBLIC) */
    unsigned char octets[TD_TPM_NAME_MAX];
    size_t n;
};
enum td_code td_tpm_name(const struct td_tpm_public *p, struct td_tpm_name *ret, struct td_error *err) TD_MUST_USE;

/* RSA (2048 bits and more), P-256, P-384; a point off its curve is refused. */
enum td_code td_tpm_key(const struct td_tpm_public *p, struct td_key **ret, struct td_error *err) TD_MUST_USE;

/* Contents of TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET for the key behind `ek` (RSA-2048 and more, P-256, P-384; hash
 * and symmetric key as its public area says). random: at least as many octets as the EK's
 * name algorithm has (64 are enough for all), whose first are the seed of an RSA EK; an ECC EK's ephemeral key is made
 * inside. */
struct td_tpm_credential {
    struct td_slice id_object, secret;
};
enum td_code td_tpm_make_credential(const struct td_tpm_public *ek, const struct td_tpm_name *ak,
                                    struct td_slice secret, struct td_slice random, struct td_arena *a,
                                    struct td_tpm_credential *ret, struct td_error *err) TD_MUST_USE;
/* The same for a key that was made already: key is td_tpm_key's of ek. */
enum td_code td_tpm_make_credential_for(const struct td_tpm_public *ek, const struct td_key *key,
                                        const struct td_tpm_name *ak, struct td_slice secret, struct td_slice random,
                                        struct td_arena *a, struct td_tpm_credential *ret, struct td_error *err)
    TD_MUST_USE;

/* Signature of `signed_` (a TPMS_ATTEST) by the key: RSASSA, RSAPSS, ECDSA; SHA-256, SHA-384. TD_EAUTH. */
enum td_code td_tpm_verify(const struct td_key *key, const struct td_tpm_signature *sig, struct td_slice signed_,
                           struct td_error *err) TD_MUST_USE;

/* Values of the SHA-256 bank. */
struct td_tpm_pcr_values {
    unsigned char value[TD_TPM_PCRS][32];
    uint32_t known; /* bit n: value[n] is told */
};
void td_tpm_replay(const struct td_tcg_log *log, struct td_tpm_pcr_values *ret);
/* SHA-256 over the selected values in ascending order; false where one is not known. */
bool td_tpm_pcr_digest(const struct td_tpm_pcr_values *v, uint32_t selected, unsigned char ret[32]);
/* What a log that leads to its quote says of Secure Boot. An event counts only if its data has the digest that was
 * extended and, where it says "on", only before the separator of PCR 7: behind it anybody may extend what he likes. The
 * separator is known by its digest, since a log may call it as it likes. Two that contradict: off. */
enum td_tcg_secure_boot td_tpm_secure_boot(const struct td_tcg_log *log);

/* An endorsement certificate: what is read from one (its key also where the SPKI says id-RSAES-OAEP; trailing octets
 * behind the DER are cut off), texts "" where absent. */
struct td_ek_cert {
    struct td_slice der;
    const char *manufacturer, *model, *version; /* 2.23.133.2.1 to .3 of the subject alternative name */
    const char *issuer, *serial;
    const char *issuer_url; /* caIssuers of the authority information access */
    int64_t not_before, not_after;
    bool is_ca, self_signed;
    bool has_eku, eku_ok; /* 2.23.133.8.1 */
    struct td_key *key;   /* the caller's: td_ek_cert_done */
};
enum td_code td_ek_cert_read(struct td_slice der, struct td_arena *a, struct td_ek_cert *ret, struct td_error *err)
    TD_MUST_USE;
void td_ek_cert_done(struct td_ek_cert *c);

/* Does it chain to one of the anchors (which need not be self-signed), over the further certificates? Signatures, CA
 * flags, names, dates at now (0: dates left out, for a caller that keeps the verdict). Unknown critical extensions of
 * EK certificates, an empty subject and notAfter 9999 are no obstacle. TD_EEXPIRED for a date, TD_EAUTH for the rest;
 * *ret_anchor (may be NULL) is the index of the anchor. */
enum td_code td_ek_cert_chain(struct td_slice ek, const struct td_slice *anchors, size_t anchor_count,
                              const struct td_slice *more, size_t more_count, int64_t now, size_t *ret_anchor,
                              struct td_error *err) TD_MUST_USE;
/* The same, remembering which authorities' certificates were found to be signed by which (a fingerprint of both) for
 * whoever has the same maker; from any thread. links NULL: nothing is remembered. */
struct td_ek_link {
    unsigned char octets[32];
};
struct td_ek_links {
    pthread_mutex_t lock;
    struct td_ek_link kept[64];
    size_t next;
};
void td_ek_links_init(struct td_ek_links *links);
void td_ek_links_done(struct td_ek_links *links);
enum td_code td_ek_cert_chain_by(struct td_ek_links *links, struct td_slice ek, const struct td_slice *anchors,
                                 size_t anchor_count, const struct td_slice *more, size_t more_count, int64_t now,
                                 size_t *ret_anchor, struct td_error *err) TD_MUST_USE;

/* Is this the public key that a hardware hash carries (record 25, inner form not settled: TPMT_PUBLIC, TPM2B,
 * SubjectPublicKeyInfo, a key blob, the bare modulus, or the SHA-256 of one of these)? Both coordinates must stand in
 * it whole; a modulus (of 2048, 3072 or 4096 bits, with exponent 65537) where that form has it, not as any cut through
 * the record. */
bool td_tpm_public_in(const struct td_tpm_public *p, struct td_slice record);

#endif
