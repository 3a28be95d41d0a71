/* Key pairs and public keys (EVP behind this header).
 *
 * A struct td_key is reference-free: who made it frees it. Thread-safe for signing and verifying. Private parts leave
 * only through the td_key_private_* functions and their memory is the caller's to wipe. */
#ifndef TD_CRYPTO_KEY_H
#define TD_CRYPTO_KEY_H

#include "base/arena.h"
#include "base/err.h"

struct td_key;

enum td_key_kind { TD_KEY_RSA, TD_KEY_P256, TD_KEY_P384, TD_KEY_OTHER };
enum td_sig { TD_RS256, TD_PS256, TD_ES256 }; /* ES256 signatures are r||s, 64 octets (JOSE) */

enum td_code td_key_generate(enum td_key_kind kind, struct td_key **ret, struct td_error *err)
    TD_MUST_USE; /* RSA: 2048 bits */
enum td_code td_key_generate_rsa(unsigned bits, struct td_key **ret, struct td_error *err) TD_MUST_USE;
void td_key_free(struct td_key *key);     /* NULL is fine */
void td_key_cleanup(struct td_key **key); /* for TD_CLEANUP */

enum td_code td_key_private_der(const struct td_key *key, struct td_arena *a, struct td_slice *ret)
    TD_MUST_USE; /* PKCS#8 */
enum td_code td_key_from_private_der(struct td_slice der, struct td_key **ret, struct td_error *err) TD_MUST_USE;
enum td_code td_key_private_pem(const struct td_key *key, struct td_arena *a, char **ret) TD_MUST_USE;
enum td_code td_key_from_private_pem(struct td_slice pem, struct td_key **ret, struct td_error *err) TD_MUST_USE;

enum td_code td_key_public_der(const struct td_key *key, struct td_arena *a, struct td_slice *ret)
    TD_MUST_USE; /* SPKI */
enum td_code td_key_from_public_der(struct td_slice der, struct td_key **ret, struct td_error *err) TD_MUST_USE;

/* BCRYPT_RSAPUBLIC_BLOB (join-and-tokens.md 3): 283 octets for RSA-2048 with exponent 65537. */
enum td_code td_key_rsa_blob(const struct td_key *key, struct td_arena *a, struct td_slice *ret) TD_MUST_USE;
enum td_code td_key_from_rsa_blob(struct td_slice blob, struct td_key **ret, struct td_error *err) TD_MUST_USE;
/* From big-endian modulus and exponent (JWK), and back. */
enum td_code td_key_from_rsa_numbers(struct td_slice n, struct td_slice e, struct td_key **ret, struct td_error *err)
    TD_MUST_USE;
enum td_code td_key_rsa_numbers(const struct td_key *key, struct td_arena *a, struct td_slice *ret_n,
                                struct td_slice *ret_e) TD_MUST_USE;

/* A key whose private half lives elsewhere (a TPM): everything that signs by a td_key works with it, what asks for the
 * private half is TD_EDENIED. sign gets a digest of SHA-256 (32 octets) or SHA-384 (48) and gives PKCS#1 v1.5 for RSA,
 * ECDSA-Sig-Value in DER for EC; it may be called from the thread that uses the key only. signer outlives the key. */
struct td_signer {
    enum td_code (*sign)(void *ctx, struct td_slice digest, struct td_arena *a, struct td_slice *ret,
                         struct td_error *err);
    void *ctx;
};
enum td_code td_key_of_signer(struct td_slice spki, const struct td_signer *signer, struct td_key **ret,
                              struct td_error *err) TD_MUST_USE;
/* Shows key and certificate chain (PEM, leaf first) in the TLS handshakes of an SSL_CTX (passed as void: only this room
 * sees the engine). For EC keys of a signer; others go as PEM. */
enum td_code td_key_tls_identity(void *ssl_ctx, const struct td_key *key, struct td_slice chain_pem,
                                 struct td_error *err) TD_MUST_USE;

enum td_key_kind td_key_kind(const struct td_key *key);
int td_key_bits(const struct td_key *key);
bool td_key_same_public(const struct td_key *a, const struct td_key *b);

enum td_code td_key_sign(const struct td_key *key, enum td_sig alg, struct td_slice data, struct td_arena *a,
                         struct td_slice *ret) TD_MUST_USE;
bool td_key_verify(const struct td_key *key, enum td_sig alg, struct td_slice data, struct td_slice sig);

/* RSA-OAEP with SHA-1 and an empty label (PRT session key). */
enum td_code td_key_oaep_encrypt(const struct td_key *key, struct td_slice plain, struct td_arena *a,
                                 struct td_slice *ret) TD_MUST_USE;
enum td_code td_key_oaep_decrypt(const struct td_key *key, struct td_slice cipher, struct td_arena *a,
                                 struct td_slice *ret) TD_MUST_USE;
/* The same with SHA-256 (RFC 7518 4.3, RSA-OAEP-256). */
enum td_code td_key_oaep256_encrypt(const struct td_key *key, struct td_slice plain, struct td_arena *a,
                                    struct td_slice *ret) TD_MUST_USE;
enum td_code td_key_oaep256_decrypt(const struct td_key *key, struct td_slice cipher, struct td_arena *a,
                                    struct td_slice *ret) TD_MUST_USE;

#endif
