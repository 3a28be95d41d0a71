/* Shared inside src/crypto only: cleanup of OpenSSL's types, algorithms fetched once, errors.
 *
 * OpenSSL 3.0 looks an algorithm up by name on every use unless it is fetched and kept (libraries.md 1.1, 4); what is
 * kept here is constant once made and freed by the library at exit. No other folder may include this header. */
#ifndef TD_CRYPTO_OSSL_H
#define TD_CRYPTO_OSSL_H

#include "base/arena.h"
#include "base/err.h"
#include "crypto/key.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* NOLINTBEGIN(bugprone-macro-parentheses): a type can't stand in parentheses here */
#define TD_OSSL_CLEANUP(name, type, fn)      \
    static inline void name##_done(type **p) \
    {                                        \
        fn(*p);                              \
        *p = NULL;                           \
    }
/* NOLINTEND(bugprone-macro-parentheses) */

TD_OSSL_CLEANUP(pkey, EVP_PKEY, EVP_PKEY_free)
TD_OSSL_CLEANUP(pkey_ctx, EVP_PKEY_CTX, EVP_PKEY_CTX_free)
TD_OSSL_CLEANUP(cipher_ctx, EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)
TD_OSSL_CLEANUP(mac_ctx, EVP_MAC_CTX, EVP_MAC_CTX_free)
TD_OSSL_CLEANUP(x509, X509, X509_free)
TD_OSSL_CLEANUP(x509_req, X509_REQ, X509_REQ_free)
TD_OSSL_CLEANUP(x509_crl, X509_CRL, X509_CRL_free)
TD_OSSL_CLEANUP(x509_name, X509_NAME, X509_NAME_free)
TD_OSSL_CLEANUP(bio, BIO, BIO_free_all)
TD_OSSL_CLEANUP(cms, CMS_ContentInfo, CMS_ContentInfo_free)
TD_OSSL_CLEANUP(asn1_time, ASN1_TIME, ASN1_TIME_free)
TD_OSSL_CLEANUP(asn1_int, ASN1_INTEGER, ASN1_INTEGER_free)
TD_OSSL_CLEANUP(asn1_enum, ASN1_ENUMERATED, ASN1_ENUMERATED_free)
TD_OSSL_CLEANUP(asn1_octets, ASN1_OCTET_STRING, ASN1_OCTET_STRING_free)
TD_OSSL_CLEANUP(asn1_bits, ASN1_BIT_STRING, ASN1_BIT_STRING_free)
TD_OSSL_CLEANUP(x509_algor, X509_ALGOR, X509_ALGOR_free)
TD_OSSL_CLEANUP(asn1_object, ASN1_OBJECT, ASN1_OBJECT_free)
TD_OSSL_CLEANUP(bignum, BIGNUM, BN_clear_free)
TD_OSSL_CLEANUP(x509_store, X509_STORE, X509_STORE_free)
TD_OSSL_CLEANUP(x509_store_ctx, X509_STORE_CTX, X509_STORE_CTX_free)
TD_OSSL_CLEANUP(x509_ext, X509_EXTENSION, X509_EXTENSION_free)

struct td_ossl { /* what is fetched once */
    EVP_MD *sha256, *sha1, *md5;
    EVP_CIPHER *aes256_gcm, *aes256_cbc;
    EVP_MAC_CTX *hmac_sha256; /* a template to be copied */
    EVP_PKEY *p256, *p384;    /* curves without a point, to be copied: making one costs more than the rest of a key */
};
const struct td_ossl *td_ossl(void);

/* TD_EINTERNAL with the engine's own reason; clears the engine's queue. */
enum td_code td_ossl_fail(struct td_error *err, enum td_code code, const char *where, const char *what);

/* A key around pkey, whose reference it takes over. */
struct td_key *td_key_wrap(EVP_PKEY *pkey);
EVP_PKEY *td_key_evp(const struct td_key *key);
/* Its private half is not here (signer.c). */
void td_key_mark_elsewhere(struct td_key *key);
bool td_key_is_elsewhere(const struct td_key *key);
/* Of RSA, P-256 and P-384; false: not one of them. */
bool td_spki_write(const struct td_key *key, struct td_arena *a, struct td_slice *ret);
/* A curve of td_ossl(), an uncompressed point; one off its curve is refused. */
enum td_code td_key_of_point(const EVP_PKEY *curve, struct td_slice point, struct td_key **ret, struct td_error *err);
/* The issuer's certificate, read once per key; a reference for the caller. NULL if der is none. */
X509 *td_key_issuer(const struct td_key *key, struct td_slice der);

/* DER of anything that has an i2d function, in the arena; the empty slice on failure. */
#define TD_OSSL_DER(a, i2d, object)                              \
    __extension__({                                              \
        int td_n = i2d((object), NULL);                          \
        unsigned char *td_p = NULL;                              \
        unsigned char *td_q = NULL;                              \
        if (td_n > 0) {                                          \
            td_p = td_q = td_arena_alloc((a), (size_t)td_n + 1); \
            td_n = i2d((object), &td_q);                         \
        }                                                        \
        td_bytes(td_p, td_n > 0 ? (size_t)td_n : 0);             \
    })

/* Parses exactly one certificate: trailing octets are refused. */
X509 *td_x509_from_der(struct td_slice der);
/* Microseconds of a certificate's time; INT64_MAX past year 9999. */
int64_t td_x509_time(const ASN1_TIME *t);
/* Printable UTF-8 of an attribute: what is not printable becomes '?'. */
char *td_x509_text(struct td_arena *a, const ASN1_STRING *s);
const char *td_x509_line(struct td_arena *a, const X509_NAME *name);  /* one line, for people */
char *td_x509_serial(struct td_arena *a, const ASN1_INTEGER *serial); /* upper-case hex */
bool td_x509_set_time(ASN1_TIME *t, int64_t us);

#endif
