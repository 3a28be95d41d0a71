/* JWS and JWE in compact form. The algorithm always comes from the caller's key record, never from the token.
 *
 * Decoding is strict: exactly the right number of segments, base64url without padding, JSON objects, bounded octets. */
#ifndef TD_CRYPTO_JOSE_H
#define TD_CRYPTO_JOSE_H

#include "base/env.h"
#include "codec/json.h"
#include "crypto/key.h"

enum { TD_JWS_MAX = 32768 };

struct td_jws {
    struct td_slice signing_input; /* "header.payload" as received */
    struct td_slice payload;       /* octets as received */
    struct td_slice signature;
    const struct td_json *header, *claims; /* claims NULL if the payload is no JSON object */
    const char *alg, *kid;                 /* "" if absent */
};

/* Takes apart; proves nothing. */
enum td_code td_jws_decode(struct td_slice compact, struct td_arena *a, struct td_jws *ret, struct td_error *err)
    TD_MUST_USE;
bool td_jws_verify(const struct td_jws *jws, const struct td_key *key,
                   enum td_sig alg); /* also wants header alg to say so */
bool td_jws_verify_hs256(const struct td_jws *jws, struct td_slice secret);

/* header is a JSON object text such as {"alg":"RS256","kid":"...","typ":"JWT"}. */
enum td_code td_jws_sign(const struct td_key *key, enum td_sig alg, struct td_slice header, struct td_slice payload,
                         struct td_arena *a, char **ret, struct td_error *err) TD_MUST_USE;
char *td_jws_sign_hs256(struct td_slice secret, struct td_slice header, struct td_slice payload, struct td_arena *a);

/* session_key_jwe (join-and-tokens.md 10.4): five segments, the RSA ciphertext holds the session key itself. */
enum td_code td_jwe_session_key(const struct td_key *transport_key, const unsigned char session_key[32],
                                const void *iv12, struct td_arena *a, char **ret, struct td_error *err) TD_MUST_USE;
enum td_code td_jwe_open_session_key(const struct td_key *transport_key, struct td_slice compact, struct td_arena *a,
                                     unsigned char ret_session_key[32], struct td_error *err) TD_MUST_USE;
/* Answer under the session key (10.5): dir, A256GCM label, 16-octet IV, AES-256-CBC, ctx in the header. */
enum td_code td_jwe_dir(const unsigned char session_key[32], const unsigned char ctx[24], const unsigned char iv[16],
                        struct td_slice plain, struct td_arena *a, char **ret, struct td_error *err) TD_MUST_USE;
/* Opens both forms (CBC with 16-octet IV, GCM with 12). */
enum td_code td_jwe_open_dir(const unsigned char session_key[32], struct td_slice compact, struct td_arena *a,
                             struct td_slice *ret_plain, struct td_error *err) TD_MUST_USE;

/* A secret for one receiver's RSA key: RSA-OAEP-256 with A256GCM. id (which question it belongs to) and aud (who may
 * open it) stand in the protected header; whoever opens it says which ones he expects. */
enum td_code td_jwe_seal(const struct td_key *to, const struct td_env *env, const char *id, const char *aud,
                         struct td_slice plain, struct td_arena *a, char **ret, struct td_error *err) TD_MUST_USE;
/* TD_EFORMAT: not of this form; TD_EAUTH: not for this key, id or aud. The caller wipes what it gets. */
enum td_code td_jwe_open(const struct td_key *key, const char *id, const char *aud, struct td_slice compact,
                         struct td_arena *a, struct td_slice *ret_plain, struct td_error *err) TD_MUST_USE;

/* {"kty":"RSA","use":"sig","kid":...,"n":...,"e":...,"x5t"?,"x5c"?} onto an open writer. */
void td_jwk_write(struct td_jsonw *w, const struct td_key *key, const char *kid, struct td_slice cert_der);

#endif
