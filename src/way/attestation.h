/* Rules of attestation, pure: what is asked of a TPM before its device joins without a user, which measurements a
 * profile wants, and every reason for a refusal with its code, cause and remedy. One table serves the door, the device,
 * the events and docs/tasks/attestation.md. Sources: attestation.md 3.3; domain-join-and-tpm.md 2, 4; autopilot.md 6.7.
 */
#ifndef TD_WAY_ATTESTATION_H
#define TD_WAY_ATTESTATION_H

#include "base/err.h"
#include "codec/tcg_log.h"

enum td_attest_reason {
    TD_ATT_OK,
    /* before a challenge */
    TD_ATT_UNKNOWN_REGISTRATION,
    TD_ATT_NOT_WANTED,       /* the profile is neither self-deploying nor allows pre-provisioning */
    TD_ATT_TECHNICIAN,       /* pre-provisioning: the tenant asks for a technician's proof */
    TD_ATT_BAD_EK,           /* the endorsement key is malformed, or its attributes are not an EK's */
    TD_ATT_NO_CERTIFICATE,   /* no EK certificate, and the key is not the registered one */
    TD_ATT_CERTIFICATE_KEY,  /* the certificate is for another key */
    TD_ATT_CERTIFICATE_FORM, /* unreadable, self-signed, a CA's, or without the EK usage */
    TD_ATT_CERTIFICATE_DATE, /* run out or not yet good */
    TD_ATT_UNTRUSTED,        /* its maker is not in the trust store */
    TD_ATT_VIRTUAL,          /* a virtual TPM, which the tenant refuses */
    TD_ATT_OTHER_TPM,        /* not the key that is registered (or was proven) for this device */
    TD_ATT_CLONED,           /* this key belongs to another registered device */
    TD_ATT_BAD_AK,           /* not a restricted, fixed signing key born in its TPM */
    TD_ATT_TOO_MANY,         /* challenges asked too often (0x81039001) */
    /* the answer */
    TD_ATT_NO_SESSION, /* no such challenge, or another registration's */
    TD_ATT_USED,       /* answered before */
    TD_ATT_EXPIRED,    /* answered too late */
    TD_ATT_PROOF,      /* the secret was not recovered: AK and EK are not in one TPM */
    TD_ATT_QUOTE,      /* quote malformed, of another nonce, or not signed by the AK */
    TD_ATT_LOG,        /* event log or PCR values do not lead to the quoted digest */
    TD_ATT_PCR,        /* measurements are not what the profile wants */
    TD_ATT_CERTIFY,    /* a key is not certified by the AK for this challenge */
    TD_ATT_OTHER_KEY,  /* the certified key is not the request's */
    /* behind it */
    TD_ATT_TICKET, /* join ticket unknown, used, run out, or of another key */
    TD_ATT_ONCE,   /* enrolled without a user before, and the tenant asks to be unblocked (R17) */
    TD_ATT_COUNT
};

struct td_attest_row {
    enum td_attest_reason reason;
    const char *name;  /* "UntrustedManufacturer": the error's code on the wire and in events */
    uint32_t hresult;  /* what Windows shows for the same cause */
    enum td_code code; /* what the door answers by */
    const char *cause, *remedy;
};
const struct td_attest_row *td_attest_row(enum td_attest_reason reason); /* never NULL */
const struct td_attest_row *td_attest_by_name(const char *name);         /* NULL: none */
/* Fills err from the row; detail (may be NULL) follows the cause, where is the row's name, by which td_attest_by_name
 * finds it again. Returns row->code. */
enum td_code td_attest_refuse(struct td_error *err, enum td_attest_reason reason, const char *detail);

/* How the key was believed. */
enum td_assurance { TD_ASSURANCE_NONE, TD_ASSURANCE_HARDWARE, TD_ASSURANCE_VIRTUAL, TD_ASSURANCE_PINNED };
const char *td_assurance_word(enum td_assurance a); /* "none", "hardware", "virtual", "pinned" */
/* A maker's id and model as they stand in an EK certificate: is it a program? */
bool td_tpm_is_virtual(const char *manufacturer, const char *model);

/* Measurements that a profile wants (its setting pcrPolicy). */
enum td_pcr_policy { TD_PCR_NONE, TD_PCR_SECURE_BOOT, TD_PCR_ALLOW_LIST, TD_PCR_BASELINE };

enum { TD_PCR_COUNT = 24, TD_PCR_MASK = 0xff /* 0 to 7: what a quote has to cover */ };
struct td_pcr_facts { /* what a quote and a log that lead to one another say */
    unsigned char value[TD_PCR_COUNT][32];
    uint32_t known;
    bool log;                            /* an event log was there */
    enum td_tcg_secure_boot secure_boot; /* by the log */
    bool has_baseline;
    unsigned char baseline[TD_PCR_COUNT][32];
    uint32_t baseline_known;
};
/* allowed: lines "pcr:hex[,hex...]" separated by blanks, one list a PCR (the profile's pcrAllowed); the PCRs that are
 * named must have one of the values. Without a baseline all that a quote covers has to be told, to be learnt. TD_ATT_OK
 * or TD_ATT_PCR with *ret_detail (may be NULL) saying which. */
enum td_attest_reason td_pcr_judge(enum td_pcr_policy policy, const char *allowed, const struct td_pcr_facts *f,
                                   struct td_error *ret_detail);
/* PCRs 0 to 7, each once, 64 digits a value; an empty list is well-formed. */
enum td_code td_pcr_allowed_check(const char *allowed, struct td_error *err) TD_MUST_USE;

/* Limits of the door. */
#define TD_ATTEST_CHALLENGE_LIFE (5 * TD_MINUTE)
#define TD_ATTEST_TICKET_LIFE (10 * TD_MINUTE)
/* Challenges of one EK in so many minutes, for one caller's address (of IPv6 the first 64 bits) and in all: whoever
 * knows the key of somebody's TPM must not use up what the device itself may ask for. */
enum { TD_ATTEST_PER_EK = 50, TD_ATTEST_PER_EK_ALL = 200, TD_ATTEST_EK_MINUTES = 10 };

#endif
