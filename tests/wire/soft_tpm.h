/* A TPM for tests, in software: its keys are OpenSSL's, its structures are written by hand from the TCG's document
 * (attestation.md 3, domain-join-and-tpm.md 2), never by our codec. It activates credentials, quotes and certifies; and
 * it lies wherever a test tells it to. Also makers of TPMs: authorities with a root and endorsement certificates. What
 * a test could not go on without ends the program: the bench's generator uses it too. */
#ifndef TD_TESTS_WIRE_SOFT_TPM_H
#define TD_TESTS_WIRE_SOFT_TPM_H

#include "base/arena.h"

#include <openssl/evp.h>
#include <stdint.h>

enum soft_kind { SOFT_RSA, SOFT_P256, SOFT_P384 };
enum soft_role { SOFT_EK, SOFT_AK, SOFT_PLAIN };
enum { /* what keys of the three roles have */
       SOFT_EK_HAS = 0x000300b2,
       SOFT_AK_HAS = 0x00050072,
       SOFT_PLAIN_HAS = 0x00040072
};

struct soft_key {
    enum soft_kind kind;
    enum soft_role role;
    EVP_PKEY *key;
    uint32_t attributes;
    uint16_t name_alg; /* 0: as the templates have it */
};

/* A key of the program's pool: the same number gives the same key, made at the first use. */
struct soft_key soft_key(enum soft_kind kind, enum soft_role role, int number);
struct td_slice soft_public(const struct soft_key *k, struct td_arena *a); /* TPMT_PUBLIC */
struct td_slice soft_2b(struct td_slice contents, struct td_arena *a);
struct td_slice soft_name(const struct soft_key *k, struct td_arena *a);
struct td_slice soft_spki(const struct soft_key *k, struct td_arena *a);
struct td_slice soft_csr(const struct soft_key *k, struct td_arena *a);
/* JWS of this payload: RS256 or ES256. */
const char *soft_jws(const struct soft_key *k, const char *x5c, const char *payload, struct td_arena *a);

/* TPM2_ActivateCredential: both with their sizes in front. Empty: refused, the integrity is wrong. */
struct td_slice soft_activate(const struct soft_key *ek, const struct soft_key *ak, struct td_slice id_object,
                              struct td_slice secret, struct td_arena *a);

struct soft_word { /* what the TPM says; 0 and empty: as it should be */
    uint32_t magic;
    uint16_t type; /* 8017 or 8018 */
    uint16_t bank;
    uint32_t pcrs; /* bits */
    uint32_t resets;
    struct td_slice nonce;  /* octets */
    struct td_slice digest; /* of a quote */
    struct td_slice name;   /* of a certified key */
};
struct td_slice soft_attest(const struct soft_word *w, struct td_arena *a);                       /* TPMS_ATTEST */
struct td_slice soft_sign(const struct soft_key *ak, struct td_slice attest, struct td_arena *a); /* TPMT_SIGNATURE */

/* A start: PCRs extended by events, and their log. */
struct soft_boot {
    unsigned char pcr[24][32];
    unsigned char log[8192];
    size_t log_n;
};
void soft_boot(struct soft_boot *b, bool secure, const char *firmware);
struct td_slice soft_digest(const struct soft_boot *b, uint32_t pcrs, struct td_arena *a);
const char *soft_values(const struct soft_boot *b, uint32_t pcrs, struct td_arena *a); /* JSON */

struct soft_maker { /* of TPMs; numbers as of keys */
    int number;
    const char *name;
};
struct soft_cert {
    struct soft_maker maker;
    const struct soft_key *key;
    bool self_signed, authority, no_usage, has_subject;
    int64_t not_before, not_after; /* seconds; 0: 2020 and 9999 */
    const char *model;             /* NULL: "SLB9670" */
    const char *vendor;            /* NULL: "id:49465800" */
};
struct td_slice soft_root(struct soft_maker m, struct td_arena *a);
struct td_slice soft_certify(const struct soft_cert *c, struct td_arena *a);

void soft_end(void); /* frees the pool */

#endif
