/* Secrets: passwords (Argon2id) and sealing (AES-256-GCM under the master key, which is not in the store). */
#ifndef TD_CRYPTO_SECRET_H
#define TD_CRYPTO_SECRET_H

#include "base/env.h"
#include "base/err.h"

enum { TD_PASSWORD_MIN = 8, TD_PASSWORD_MAX = 256 };

struct td_password_cost {
    uint32_t memory_kib, passes, lanes; /* 64 MiB, 3, 1 unless the configuration says otherwise */
};

/* PHC text "$argon2id$v=19$m=...". Runs in a worker; how many run at once is bounded inside (memory). */
enum td_code td_password_hash(const struct td_env *env, struct td_slice password, const struct td_password_cost *cost,
                              struct td_arena *a, char **ret, struct td_error *err) TD_MUST_USE;
bool td_password_verify(const char *phc, struct td_slice password);

struct td_master { /* wiped by td_master_done */
    unsigned char key[32];
};
/* Reads DIR/master.key (mode 0600) or makes it. */
enum td_code td_master_load(const char *dir, const struct td_env *env, struct td_master *ret, struct td_error *err)
    TD_MUST_USE;
void td_master_done(struct td_master *m);

/* label is bound as additional data, so that a sealed value can't be moved to another place. */
enum td_code td_seal(const struct td_master *m, const struct td_env *env, const char *label, struct td_slice plain,
                     struct td_arena *a, struct td_slice *ret) TD_MUST_USE;
enum td_code td_unseal(const struct td_master *m, const char *label, struct td_slice sealed, struct td_arena *a,
                       struct td_slice *ret, struct td_error *err) TD_MUST_USE;

#endif
