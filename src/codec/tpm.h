/* TPM 2.0 structures as they travel between a device and its service: bytes in, struct out, and back. Pure, bounded, no
 * trailing octets taken. All integers are big-endian. A slice in a result points into the input. Sources:
 * attestation.md 3; domain-join-and-tpm.md 2; TCG TPM 2.0 Library part 2. What the structures prove is crypto/tpm.h. */
#ifndef TD_CODEC_TPM_H
#define TD_CODEC_TPM_H

#include "base/buf.h"

enum { /* what we take; a TPM's own limits are lower */
       TD_TPM_MAX_PUBLIC = 1024,
       TD_TPM_MAX_ATTEST = 2048,
       TD_TPM_MAX_SIGNATURE = 1024,
       TD_TPM_MAX_PCRS = 24
};

enum { TD_TPM_RSA = 0x0001, TD_TPM_ECC = 0x0023 };
enum { TD_TPM_SHA1 = 0x0004, TD_TPM_SHA256 = 0x000b, TD_TPM_SHA384 = 0x000c, TD_TPM_SHA512 = 0x000d };
enum { TD_TPM_AES = 0x0006, TD_TPM_NULL = 0x0010, TD_TPM_CFB = 0x0043 };
enum { TD_TPM_RSASSA = 0x0014, TD_TPM_RSAPSS = 0x0016, TD_TPM_ECDSA = 0x0018 };
enum { TD_TPM_USUAL_EXPONENT = 65537 };
enum { TD_TPM_P256 = 0x0003, TD_TPM_P384 = 0x0004 };
enum { /* TPMA_OBJECT */
       TD_TPMA_FIXED_TPM = 0x00000002,
       TD_TPMA_FIXED_PARENT = 0x00000010,
       TD_TPMA_SENSITIVE_DATA_ORIGIN = 0x00000020,
       TD_TPMA_USER_WITH_AUTH = 0x00000040,
       TD_TPMA_ADMIN_WITH_POLICY = 0x00000080,
       TD_TPMA_RESTRICTED = 0x00010000,
       TD_TPMA_DECRYPT = 0x00020000,
       TD_TPMA_SIGN = 0x00040000
};

struct td_tpm_public {     /* TPMT_PUBLIC of an RSA or ECC key */
    struct td_slice whole; /* the TPMT_PUBLIC itself: what a Name is made over */
    uint16_t type, name_alg;
    uint32_t attributes;
    struct td_slice auth_policy;
    uint16_t symmetric, symmetric_bits, symmetric_mode; /* TD_TPM_NULL, 0, 0 where there is none */
    uint16_t scheme, scheme_hash;                       /* TD_TPM_NULL, 0 */
    uint16_t rsa_bits;
    uint32_t rsa_exponent; /* 65537 where the structure says 0 */
    uint16_t curve;
    struct td_slice rsa_modulus; /* RSA */
    struct td_slice x, y;        /* ECC, as they came: leading zeros may be missing */
};

/* A TPMT_PUBLIC, or a TPM2B_PUBLIC (its size in front), told apart by the size. TD_EFORMAT names the member. */
enum td_code td_tpm_public_read(struct td_slice in, struct td_tpm_public *ret, struct td_error *err) TD_MUST_USE;

enum { TD_TPM_CERTIFY = 0x8017, TD_TPM_QUOTE = 0x8018 };

struct td_tpm_pcrs { /* the one bank of TPML_PCR_SELECTION of which PCRs are selected; two are refused */
    uint16_t hash;
    uint32_t selected; /* bit n: PCR n */
};

struct td_tpm_attest { /* TPMS_ATTEST; magic FF544347 is checked here */
    uint16_t type;
    struct td_slice signer; /* qualified name */
    struct td_slice extra;  /* the nonce */
    uint64_t clock;
    uint32_t resets, restarts;
    bool safe;
    uint64_t firmware;
    struct td_tpm_pcrs pcrs; /* TD_TPM_QUOTE */
    struct td_slice pcr_digest;
    struct td_slice name, qualified_name; /* TD_TPM_CERTIFY: of the certified key */
};
/* TD_EFORMAT also for other types of structure. */
enum td_code td_tpm_attest_read(struct td_slice in, struct td_tpm_attest *ret, struct td_error *err) TD_MUST_USE;

struct td_tpm_signature { /* TPMT_SIGNATURE */
    uint16_t scheme, hash;
    struct td_slice rsa;  /* TD_TPM_RSASSA, TD_TPM_RSAPSS */
    struct td_slice r, s; /* TD_TPM_ECDSA */
};
enum td_code td_tpm_signature_read(struct td_slice in, struct td_tpm_signature *ret, struct td_error *err) TD_MUST_USE;

/* TPM2B: u16 size and contents. */
void td_tpm_2b_write(struct td_slice contents, struct td_buf *out);
/* The contents of one TPM2B that is the whole input. */
enum td_code td_tpm_2b_read(struct td_slice in, size_t max, struct td_slice *ret, struct td_error *err) TD_MUST_USE;

#endif
