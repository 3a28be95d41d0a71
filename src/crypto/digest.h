/* Hashes and MACs. Cannot fail on valid input; an engine failure stops the process. */
#ifndef TD_CRYPTO_DIGEST_H
#define TD_CRYPTO_DIGEST_H

#include "base/slice.h"

void td_sha256(struct td_slice in, unsigned char out[32]);
void td_sha1(struct td_slice in, unsigned char out[20]); /* thumbprints only */
void td_md5(struct td_slice in, unsigned char out[16]);  /* syncml:auth-md5 only */
void td_hmac_sha256(struct td_slice key, struct td_slice in, unsigned char out[32]);
/* SP800-108 counter mode with HMAC-SHA256, one block of 256 bits (join-and-tokens.md 4.5). */
void td_kdf_sp800_108(struct td_slice key, struct td_slice label, struct td_slice context, unsigned char out[32]);

/* Running hash, for files. */
struct td_sha256;
struct td_sha256 *td_sha256_new(void);
void td_sha256_add(struct td_sha256 *h, struct td_slice in);
void td_sha256_end(struct td_sha256 *h, unsigned char out[32]); /* frees h; out may be NULL */

#endif
