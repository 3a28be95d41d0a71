/* Inside the token rooms (token.c, ticket.c, sign_in.c, the folder identity): what the keyring holds. Other doors use
 * api/token.h.
 *
 * One RSA key signs tokens, one secret makes tickets and nonces; both rest sealed in the store and are the same in
 * every process of the installation. They are read once: a key that was made never changes. */
#ifndef TD_API_KEYRING_H
#define TD_API_KEYRING_H

#include "api/token.h"
#include "crypto/key.h"

struct td_keyring {
    struct td_key *key;
    const char *kid;
    struct td_slice cert; /* self-signed, for x5c and x5t only */
    unsigned char secret[32];
    const char *decoy; /* PHC text that no password matches: unknown users cost the same time */
    struct td_arena arena;
};

/* RS256 with typ JWT and our kid. */
enum td_code td_token_sign(const struct td_service *svc, struct td_slice payload, struct td_arena *a, char **ret,
                           struct td_error *err) TD_MUST_USE;
/* {"keys":[...]} */
void td_keyring_jwks(const struct td_service *svc, struct td_buf *out);

/* The secret of one purpose, derived from the keyring's. */
void td_keyring_secret(const struct td_service *svc, const char *purpose, unsigned char out[32]);

/* What an audience text means: a bit (1 << enum td_resource) for each service it opens, 0 if it is not known. With or
 * without final '/'; one of our own names opens Graph and management. */
unsigned td_resource_of(const struct td_service *svc, struct td_slice name);

#endif
