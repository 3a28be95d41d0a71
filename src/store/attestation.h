/* Attestation in the store: makers that are trusted, challenges, which TPM a registration has, join tickets.
 *
 * Times are microseconds; SHA-256 of an EK is over its SubjectPublicKeyInfo. A challenge is one row that is used up by
 * its first answer, right or wrong. Nothing secret rests here: of the challenge's secret only the SHA-256 of the answer
 * that is expected. Sources: attestation.md 3; design.md 4. Memory is the caller's arena. */
#ifndef TD_STORE_ATTESTATION_H
#define TD_STORE_ATTESTATION_H

#include "store/db.h"
#include "way/attestation.h"

/* --- makers (anchors: roots and intermediates) -------------------------------------------------------------------- */

struct td_ek_root {
    const char *sha256; /* lower-case hex: its name */
    const char *subject;
    const char *label; /* what the administrator calls it, "" */
    struct td_slice der;
    int64_t not_after, added_at;
};
enum { TD_EK_ROOTS_MAX = 2000, TD_EK_ROOT_LABEL_MAX = 128 /* characters */, TD_EK_DER_MAX = 16384 };
enum td_code td_ek_root_add(struct td_tx *tx, const char *tenant, const struct td_ek_root *root, const char *actor,
                            struct td_error *err) TD_MUST_USE; /* TD_EEXISTS, TD_ELIMIT */
/* which: the hash or an unambiguous beginning of at least eight digits. */
enum td_code td_ek_root_remove(struct td_tx *tx, const char *tenant, const char *which, const char *actor,
                               struct td_error *err) TD_MUST_USE;
enum td_code td_ek_root_list(struct td_tx *tx, const char *tenant, struct td_arena *a, struct td_ek_root **ret,
                             size_t *ret_count, struct td_error *err) TD_MUST_USE;

/* --- which TPM a registration has --------------------------------------------------------------------------------- */

struct td_tpm_binding {
    const char *registration_id;
    const char *ek_sha256; /* hex */
    enum td_assurance assurance;
    const char *manufacturer, *model, *version; /* of the EK certificate, "" */
    const char *pcrs;                           /* JSON {"0":"hex",...} as last proven, "" */
    const char *baseline;                       /* the same, learnt; "" none yet */
    int64_t clock, resets, restarts, firmware;  /* of the last quote */
    int64_t first_at, last_at;
};
/* TD_ENOTFOUND: none was proven yet. */
enum td_code td_tpm_binding_find(struct td_tx *tx, const char *tenant, const char *registration_id, struct td_arena *a,
                                 struct td_tpm_binding *ret, struct td_error *err) TD_MUST_USE;
/* The registration, of any tenant, that proved this EK; "" none. A finder: tells nothing to callers of other tenants.
 */
enum td_code td_tpm_owner(struct td_tx *tx, const char *ek_sha256, struct td_arena *a, const char **ret_tenant,
                          const char **ret_registration, struct td_error *err) TD_MUST_USE;
/* Makes it or brings it up to date; the times are the transaction's. An empty baseline leaves the one that is there.
 * TD_ESTATE if the EK is bound elsewhere (err->where is the name of TD_ATT_CLONED), or the registration to another EK
 * (TD_ATT_OTHER_TPM). */
enum td_code td_tpm_bind(struct td_tx *tx, const char *tenant, const struct td_tpm_binding *b, struct td_error *err)
    TD_MUST_USE;
/* The registration ends, or its board was exchanged: its challenges and tickets go too. None: TD_OK. */
enum td_code td_tpm_unbind(struct td_tx *tx, const char *tenant, const char *registration_id, struct td_error *err)
    TD_MUST_USE;
/* Forgets the learnt measurements, or takes those last proven for them. TD_ENOTFOUND: no TPM was proven, or none of its
 * measurements is known. */
enum td_code td_tpm_baseline_reset(struct td_tx *tx, const char *tenant, const char *registration_id, bool take_last,
                                   struct td_error *err) TD_MUST_USE;

/* --- challenges and join tickets ---------------------------------------------------------------------------------- */

enum td_attest_purpose { TD_ATTEST_SELF_DEPLOYING, TD_ATTEST_PRE_PROVISIONING };
const char *td_attest_purpose_word(enum td_attest_purpose p); /* "self-deploying", "pre-provisioning" */

struct td_challenge {
    const char *id; /* UUID */
    const char *registration_id;
    enum td_attest_purpose purpose;
    const char *ek_sha256;
    enum td_assurance assurance;
    const char *manufacturer, *model, *version;
    struct td_slice ak; /* TPMT_PUBLIC */
    unsigned char nonce[32];
    unsigned char proof_sha256[32]; /* of the HMAC that is expected */
    const char *technician;         /* who or what allowed it, "" */
    const char *technician_code;    /* SHA-256 of the code that did, "" none: what admits uses it up */
    const char *caller;             /* the network that asked, for counting; not read back */
    int64_t created_at, expires_at;
    int64_t answered_at; /* 0: not yet */
    /* filled by the answer */
    enum td_attest_reason verdict;
    const char *key_sha256;            /* hex, of the certified key's SubjectPublicKeyInfo: the join's */
    const char *management_key_sha256; /* the same of the management key, "" if it was not certified */
    int64_t ticket_expires_at, ticket_used_at;
};
/* created_at 0 is the transaction's time. Takes away a few challenges older than TD_CHALLENGE_KEPT, so that callers
 * without any credential fill no store. */
#define TD_CHALLENGE_KEPT TD_HOUR
#define TD_TICKET_KEPT TD_DAY /* of one that admitted: a late join is told to its device */
enum td_code td_challenge_add(struct td_tx *tx, const char *tenant, const struct td_challenge *c, struct td_error *err)
    TD_MUST_USE;
/* Challenges of this EK since a time, in all tenants: those that this caller asked for, and all of them. */
enum td_code td_challenge_count(struct td_tx *tx, const char *ek_sha256, const char *caller, int64_t since,
                                int64_t *ret_own, int64_t *ret_all, struct td_error *err) TD_MUST_USE;
/* Finds the tenant too: the session id is all that an answer has. TD_ENOTFOUND. */
enum td_code td_challenge_find(struct td_tx *tx, const char *id, struct td_arena *a, const char **ret_tenant,
                               struct td_challenge *ret, struct td_error *err) TD_MUST_USE;
/* Writes answered_at (the transaction's time), verdict, keys and the ticket's end. TD_ESTATE: it was answered before.
 */
enum td_code td_challenge_answer(struct td_tx *tx, const char *tenant, const struct td_challenge *c,
                                 struct td_error *err) TD_MUST_USE;
/* The join uses its ticket: once; those that were used before for the same device are forgotten. TD_ESTATE used,
 * TD_EEXPIRED too late, TD_ENOTFOUND. */
enum td_code td_join_ticket_use(struct td_tx *tx, const char *tenant, const char *challenge_id, struct td_error *err)
    TD_MUST_USE;
/* The newest admitted attestation whose join ticket was used: which keys may be certified for this device. */
enum td_code td_attested(struct td_tx *tx, const char *tenant, const char *registration_id, struct td_arena *a,
                         struct td_challenge *ret, struct td_error *err) TD_MUST_USE; /* TD_ENOTFOUND */

/* --- certificates fetched from makers (api/ek_issuers.h) ---------------------------------------------------------- */

enum { TD_EK_ISSUERS_MAX = 500 };
/* TD_ENOTFOUND: not asked yet. An empty one: asked in vain. */
enum td_code td_ek_issuer_find(struct td_tx *tx, const char *tenant, const char *url, struct td_arena *a,
                               struct td_slice *ret_der, int64_t *ret_fetched_at, struct td_error *err) TD_MUST_USE;
/* Replaces; of more than TD_EK_ISSUERS_MAX those asked in vain go, then the oldest. */
enum td_code td_ek_issuer_keep(struct td_tx *tx, const char *tenant, const char *url, struct td_slice der,
                               struct td_error *err) TD_MUST_USE;

#endif
