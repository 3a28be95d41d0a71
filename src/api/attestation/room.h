/* Inside the door of attestation: what its files share. Nobody else includes this. */
#ifndef TD_API_ATTESTATION_ROOM_H
#define TD_API_ATTESTATION_ROOM_H

#include "api/attestation.h"
#include "codec/json.h"
#include "crypto/tpm.h"
#include "store/registration.h"
#include "store/way.h"

enum {
    TD_ATTESTATION_MAX_BODY = 786432,
    TD_ATTESTATION_MAX_CERT = 16384,
    TD_ATTESTATION_MAX_CHAIN = 8,
    TD_ATTESTATION_NONCE = 32
};

struct td_attestation { /* one request */
    const struct td_service *svc;
    struct td_http_request *req;
    struct td_arena *a;
    const struct td_json *body;
    enum td_attest_reason reason; /* why it was refused; TD_ATT_OK for what has no row: malformed, store away */
    const char *serial;           /* what the caller calls itself, for the event; "" */
    /* whose it is; NULL and "" until known */
    const char *tenant;
    struct td_registration registration;
    struct td_way_row way;
};

/* Refuses: notes the reason, fills err with cause and remedy, and with the member that it is about (NULL: none). */
enum td_code td_attestation_refuse(struct td_attestation *t, struct td_error *err, enum td_attest_reason reason,
                                   const char *field, const char *detail);
/* The event of a refusal, at most one the same a minute: anybody may ask. TD_OK where nothing is to be told. */
enum td_code td_attestation_tell_refusal(struct td_tx *tx, const struct td_attestation *t, const struct td_error *why,
                                         struct td_error *err) TD_MUST_USE;

/* A member in base64: empty where it is missing or null. TD_EFORMAT, TD_ELIMIT. */
enum td_code td_attestation_octets(const struct td_attestation *t, const struct td_json *value, const char *name,
                                   size_t max, struct td_slice *ret, struct td_error *err) TD_MUST_USE;
enum td_code td_attestation_member(const struct td_attestation *t, const char *name, size_t max, struct td_slice *ret,
                                   struct td_error *err) TD_MUST_USE;
/* SHA-256 of a key's SubjectPublicKeyInfo, hexadecimal. */
enum td_code td_attestation_key_hash(const struct td_key *key, struct td_arena *a, const char **ret,
                                     struct td_error *err) TD_MUST_USE;
/* Registration and way, both of the tenant that is in t. TD_ATT_UNKNOWN_REGISTRATION. */
enum td_code td_attestation_whose(struct td_attestation *t, struct td_tx *tx, const char *registration_id,
                                  struct td_error *err) TD_MUST_USE;

/* Does the profile want this purpose (TD_ATTEST_PURPOSE_OPEN: which does it want)? TD_ATT_NOT_WANTED. */
enum { TD_ATTEST_PURPOSE_OPEN = -1 };
enum td_code td_attestation_wanted(struct td_attestation *t, struct td_tx *tx, int purpose, enum td_attest_purpose *ret,
                                   struct td_error *err) TD_MUST_USE;
/* A setting that is "allow" or "refuse". */
enum td_code td_attestation_allows(const struct td_attestation *t, struct td_tx *tx, const char *setting, bool *ret,
                                   struct td_error *err) TD_MUST_USE;
/* Do profile and settings allow now what they did when the challenge was given? Refuses as the begin would. */
enum td_code td_attestation_still(struct td_attestation *t, struct td_tx *tx, const struct td_challenge *c,
                                  struct td_error *err) TD_MUST_USE;

/* The endorsement key as it came: read, judged by its form, and what its certificate is worth. */
struct td_endorsement {
    struct td_slice octets, der; /* TPMT_PUBLIC or TPM2B_PUBLIC; certificate, empty if none */
    struct td_slice chain[TD_ATTESTATION_MAX_CHAIN];
    size_t chain_count;
    struct td_tpm_public public;
    struct td_key *key;
    const char *sha256; /* of its SubjectPublicKeyInfo */
    struct td_ek_cert cert;
    /* filled by the store: what is registered and trusted */
    const struct td_ek_root *roots;
    size_t root_count;
    struct td_slice hash; /* registered hardware hash, empty if none */
    bool virtual_allowed, pinned_allowed;
    enum td_assurance assurance; /* the verdict */
};
enum td_code td_endorsement_read(struct td_attestation *t, struct td_endorsement *e, struct td_error *err) TD_MUST_USE;
enum td_code td_endorsement_judge(struct td_attestation *t, struct td_endorsement *e, struct td_error *err) TD_MUST_USE;
void td_endorsement_done(struct td_endorsement *e);

enum td_code td_attestation_begin(struct td_attestation *t, struct td_buf *answer, struct td_error *err) TD_MUST_USE;
enum td_code td_attestation_finish(struct td_attestation *t, struct td_buf *answer, struct td_error *err) TD_MUST_USE;

/* What a finish proves, once its challenge is known; pure but for the arena. */
struct td_proof {
    const struct td_challenge *challenge;
    enum td_pcr_policy policy; /* of the profile */
    const char *allowed;
    const char *baseline; /* JSON, "" none learnt */
    /* filled */
    struct td_tpm_attest quote;
    struct td_pcr_facts facts;
    const char *pcrs; /* JSON of the quoted values, "" if they were not told */
    const char *key_sha256, *management_key_sha256;
};
enum td_code td_proof_check(struct td_attestation *t, struct td_proof *p, struct td_error *err) TD_MUST_USE;

enum td_code td_join_ticket_make(const struct td_service *svc, const struct td_join_ticket *what, struct td_arena *a,
                                 char **ret, struct td_error *err) TD_MUST_USE;

#endif
