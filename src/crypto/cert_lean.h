/* Shared inside src/crypto only: the parts of a certificate, found by walking its DER. The engine's own reading makes a
 * key of it each time by looking up decoders, which costs more than two RSA verifications; where several certificates
 * are looked at for one answer, and one of them once, this is what is looked at. RFC 5280 4.1. Slices point into the
 * input. */
#ifndef TD_CRYPTO_CERT_LEAN_H
#define TD_CRYPTO_CERT_LEAN_H

#include "crypto/ossl.h"

enum td_lean_ext_id {
    TD_LEAN_KEY_USAGE,
    TD_LEAN_ALT_NAME,
    TD_LEAN_CONSTRAINTS,
    TD_LEAN_EXT_USAGE,
    TD_LEAN_ACCESS,
    TD_LEAN_POLICIES,
    TD_LEAN_EXT_COUNT
};

struct td_lean_cert {
    struct td_slice der;                             /* without octets behind it */
    struct td_slice tbs, algorithm, issuer, subject; /* whole elements */
    struct td_slice serial, spki;                    /* whole elements */
    struct td_slice signature;                       /* octets */
    struct td_slice before, after;                   /* whole elements: UTCTime or GeneralizedTime */
    struct td_slice ext[TD_LEAN_EXT_COUNT];          /* contents of extnValue; empty: not there */
    int version;                                     /* 1 to 3 */
    bool strange;                                    /* a critical extension that is none of these */
};

/* Cuts one element off *rest: its contents; *ret_whole (may be NULL) with its header. DER lengths only. */
bool td_der_next(struct td_slice *rest, unsigned tag, struct td_slice *ret, struct td_slice *ret_whole);

/* False: not a certificate. Octets behind its end are cut off. */
bool td_lean_read(struct td_slice der, struct td_lean_cert *ret);
int64_t td_lean_time(struct td_slice time);
enum td_code td_lean_key(const struct td_lean_cert *c, struct td_key **ret, struct td_error *err) TD_MUST_USE;
/* Basic constraints say that it is an authority, and its key usage (where it has one) that it may certify. */
bool td_lean_is_authority(const struct td_lean_cert *c);
/* Number of authorities that may stand below it; -1: any. */
long td_lean_path_length(const struct td_lean_cert *c);
/* Was it signed by this key? SHA-1, MD5 and short keys sign nothing. */
bool td_lean_signed_by(const struct td_lean_cert *c, const struct td_key *issuer);

#endif
