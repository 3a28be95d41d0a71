/* Certificates, requests and revocation lists: made, read, checked. Bytes in, values out; the only state is OpenSSL's.
 *
 * Reading is lenient where the field needs it (mde2.md 4.1: `!` or NUL in a PrintableString CN, extensions that are
 * not DER) and strict where it counts: lengths, trailing octets, signatures, key sizes. Times in microseconds. */
#ifndef TD_CRYPTO_CERT_H
#define TD_CRYPTO_CERT_H

#include "crypto/key.h"

enum { /* extended key usages, flags */
       TD_EKU_SERVER = 1,
       TD_EKU_CLIENT = 2,
       TD_EKU_OCSP = 4
};

struct td_ext {      /* an extension beyond the usual, DER of its value as it stands inside extnValue */
    const char *oid; /* dotted */
    bool critical;
    struct td_slice value;
    struct td_ext *next;
};

struct td_cert { /* what we read from one; all memory in the arena, der is the input */
    struct td_slice der, spki;
    struct td_slice subject_der, issuer_der;
    const char *subject_cn; /* first CN, "" if none; printable form */
    int subject_parts;      /* attributes in the subject */
    const char *subject;    /* one line, for people */
    const char *issuer;
    const char *serial; /* upper-case hex */
    int64_t not_before, not_after;
    bool is_ca;
    unsigned eku; /* TD_EKU_ flags; 0 also when the extension is missing */
    bool has_eku;
    const char **dns_names; /* SAN, NULL-terminated */
    unsigned char sha256[32];
    char sha1[41];       /* upper-case hex thumbprint */
    struct td_ext *exts; /* extensions that the fields above do not cover */
};

enum td_code td_cert_parse(struct td_slice der, struct td_arena *a, struct td_cert *ret, struct td_error *err)
    TD_MUST_USE;
enum td_code td_cert_from_pem(struct td_slice pem, struct td_arena *a, struct td_slice *ret_der, struct td_error *err)
    TD_MUST_USE;
char *td_cert_pem(struct td_slice der, struct td_arena *a);
enum td_code td_cert_public_key(struct td_slice der, struct td_key **ret, struct td_error *err) TD_MUST_USE;

struct td_rdn {       /* one attribute of a name */
    const char *type; /* "CN", "OU", "O", "DC" */
    const char *value;
};

struct td_cert_template {
    const struct td_rdn *subject; /* in encoding order */
    size_t subject_count;
    struct td_slice spki;     /* the key that is certified */
    unsigned char serial[16]; /* random; made positive */
    int64_t not_before, not_after;
    bool is_ca;
    unsigned eku;
    bool eku_critical;
    bool key_encipherment;                   /* beside digitalSignature */
    const char *const *dns_names;            /* SAN DNS or IP (told apart by form), NULL-terminated, or NULL */
    const char *crl_url, *ca_url, *ocsp_url; /* or NULL */
    const struct td_ext *exts;
};

/* issuer_der empty: self-signed by issuer_key. SHA-256 with the issuer's kind of key. */
enum td_code td_cert_issue(const struct td_cert_template *t, struct td_slice issuer_der,
                           const struct td_key *issuer_key, struct td_arena *a, struct td_slice *ret_der,
                           struct td_error *err) TD_MUST_USE;

/* leaf <- intermediate <- root at a time, signatures, dates, CA flags and name chaining; usage is a TD_EKU_ flag that
 * the leaf must carry. Revocation is the caller's. now 0 leaves the dates out: for a caller that keeps the verdict,
 * which can't change, and compares the dates each time. TD_EEXPIRED for a date, TD_EAUTH for the rest. */
enum td_code td_cert_check_chain(struct td_slice leaf, struct td_slice intermediate, struct td_slice root, int64_t now,
                                 unsigned usage, struct td_error *err) TD_MUST_USE;

/* The same for an authority that holds the issuer's key and has checked the issuer itself: the issuer is what is
 * trusted, and is read only once. */
enum td_code td_cert_check_issued(struct td_slice leaf, struct td_slice issuer, const struct td_key *issuer_key,
                                  int64_t now, unsigned usage, struct td_error *err) TD_MUST_USE;

struct td_csr {
    const char *subject_cn; /* ignored by issuers, kept for the event */
    struct td_slice spki;
    enum td_key_kind kind;
    int bits;
};

/* Checks the self-signature, RSA >= 2048 or P-256, no trailing octets, at most 16 KiB. */
enum td_code td_csr_parse(struct td_slice der, struct td_arena *a, struct td_csr *ret, struct td_error *err)
    TD_MUST_USE;

/* PKCS#10 with one CN and SHA-256; windows_id != NULL adds EKU clientAuth and the non-DER extension of mde2.md 4.1. */
enum td_code td_csr_make(const struct td_key *key, const char *cn, const char *windows_id, struct td_arena *a,
                         struct td_slice *ret_der, struct td_error *err) TD_MUST_USE;

/* CRLReason of RFC 5280, as far as we use it; 0 is written nowhere. */
enum { TD_REASON_NONE = 0, TD_REASON_SUPERSEDED = 4, TD_REASON_CEASED = 5 };
struct td_revoked {
    const char *serial; /* upper-case hex */
    int64_t at;
    int reason;
};
enum td_code td_crl_issue(struct td_slice issuer_der, const struct td_key *issuer_key, const struct td_revoked *list,
                          size_t count, int64_t number, int64_t now, int64_t next, struct td_arena *a,
                          struct td_slice *ret_der, struct td_error *err) TD_MUST_USE;

/* The issuers that an OCSP responder speaks for, and what it asks about a serial number. */
struct td_ocsp_issuer {
    struct td_slice der;
    const struct td_key *key;
};
enum td_ocsp_status { TD_OCSP_GOOD, TD_OCSP_REVOKED, TD_OCSP_UNKNOWN };
typedef enum td_ocsp_status td_ocsp_lookup(void *ctx, size_t issuer, const char *serial, struct td_revoked *ret);
enum { TD_OCSP_MAX = 4096, TD_OCSP_MAX_CERTS = 16 };

/* RFC 6960: answers a request in DER by the issuer's own key (no delegated responder), nonce echoed. A request that
 * can't be read, or that names none of our issuers, gets the unsigned error answer of the protocol: that too is TD_OK.
 */
enum td_code td_ocsp_answer(struct td_slice request, const struct td_ocsp_issuer *issuers, size_t count,
                            td_ocsp_lookup *fn, void *ctx, int64_t now, int64_t next, struct td_arena *a,
                            struct td_slice *ret_der, struct td_error *err) TD_MUST_USE;

/* CMS SignedData of a renewal (mde2.md 7): checks the signature by the certificate inside and yields content and
 * signer. */
enum td_code td_cms_open(struct td_slice der, struct td_arena *a, struct td_slice *ret_content,
                         struct td_slice *ret_signer_der, struct td_error *err) TD_MUST_USE;
enum td_code td_cms_sign(struct td_slice content, struct td_slice signer_der, const struct td_key *key,
                         struct td_arena *a, struct td_slice *ret_der, struct td_error *err) TD_MUST_USE;

#endif
