#include "crypto/secret.h"

#include "base/encode.h"
#include "base/file.h"
#include "crypto/ossl.h"

#include <argon2.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { SALT = 16, HASH = 32, AT_ONCE = 4, PHC_MAX = 160, IV = 12, TAG = 16, SEAL_VERSION = 1 };

/* How many Argon2id runs hold their memory at the same time, in the whole process. A bound, not state: it decides
 * nothing but who waits. */
static pthread_mutex_t bound_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t bound_free = PTHREAD_COND_INITIALIZER;
static int running;

static void bound_enter(void)
{
    (void)pthread_mutex_lock(&bound_lock);
    while (running >= AT_ONCE)
        (void)pthread_cond_wait(&bound_free, &bound_lock);
    running++;
    (void)pthread_mutex_unlock(&bound_lock);
}

static void bound_leave(void)
{
    (void)pthread_mutex_lock(&bound_lock);
    running--;
    (void)pthread_cond_signal(&bound_free);
    (void)pthread_mutex_unlock(&bound_lock);
}

enum td_code td_password_hash(const struct td_env *env, struct td_slice password, const struct td_password_cost *cost,
                              struct td_arena *a, char **ret, struct td_error *err)
{
    static const struct td_password_cost usual = {.memory_kib = 65536, .passes = 3, .lanes = 1};
    const struct td_password_cost *c = cost != NULL && cost->memory_kib != 0 ? cost : &usual;
    unsigned char salt[SALT];
    char phc[PHC_MAX];
    if (password.n < TD_PASSWORD_MIN)
        return td_fail(err, TD_EINVAL, "password", "shorter than %d octets", TD_PASSWORD_MIN);
    if (password.n > TD_PASSWORD_MAX)
        return td_fail(err, TD_EINVAL, "password", "longer than %d octets", TD_PASSWORD_MAX);
    td_random_fill(env, salt, sizeof(salt));
    bound_enter();
    int rc = argon2id_hash_encoded(c->passes, c->memory_kib, c->lanes, password.p, password.n, salt, sizeof(salt), HASH,
                                   phc, sizeof(phc));
    bound_leave();
    if (rc != ARGON2_OK)
        return td_fail(err, TD_EINTERNAL, "password", "Argon2id: %s", argon2_error_message(rc));
    *ret = td_arena_strdup(a, phc);
    td_wipe(phc, sizeof(phc));
    return TD_OK;
}

bool td_password_verify(const char *phc, struct td_slice password)
{
    if (phc == NULL || strlen(phc) >= PHC_MAX || password.n > TD_PASSWORD_MAX)
        return false;
    bound_enter();
    int rc = argon2id_verify(phc, password.p, password.n);
    bound_leave();
    return rc == ARGON2_OK;
}

static enum td_code read_key(const char *path, struct td_master *ret, struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf text;
    TD_CLEANUP(td_arena_done) struct td_arena a;
    struct td_slice raw;
    td_arena_init(&a);
    td_buf_init(&text, 4096);
    td_try(td_file_read(path, &text, err));
    if (td_hex_decode(&a, td_trim(td_buf_slice(&text)), &raw) != TD_OK || raw.n != sizeof(ret->key))
        return td_fail(err, TD_EFORMAT, "master.key", "is not 64 hexadecimal digits");
    memcpy(ret->key, raw.p, sizeof(ret->key));
    td_wipe((void *)(uintptr_t)raw.p, raw.n);
    return TD_OK;
}

static enum td_code write_new(const char *path, struct td_slice text, struct td_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return td_fail(err, TD_EIO, "master.key", "can't be made: %s", strerror(errno));
    bool ok = write(fd, text.p, text.n) == (ssize_t)text.n && fsync(fd) == 0;
    if (close(fd) != 0 || !ok)
        return td_fail(err, TD_EIO, "master.key", "can't be written: %s", strerror(errno));
    return TD_OK;
}

static void sync_folder(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
}

/* The first of several starting processes wins: link(2) never replaces. */
static enum td_code make_key(const char *dir, const char *path, const struct td_env *env, struct td_error *err)
{
    unsigned char raw[sizeof(((struct td_master *)0)->key)];
    char temporary[4200];
    TD_CLEANUP(td_buf_wipe) struct td_buf text;
    uint64_t unique;
    td_random_fill(env, &unique, sizeof(unique));
    (void)snprintf(temporary, sizeof(temporary), "%s.%d-%016llx", path, (int)getpid(), (unsigned long long)unique);
    td_random_fill(env, raw, sizeof(raw));
    td_buf_init(&text, 256);
    td_hex_add(&text, td_bytes(raw, sizeof(raw)), false);
    td_wipe(raw, sizeof(raw));
    td_buf_addc(&text, '\n');
    enum td_code rc = write_new(temporary, td_buf_slice(&text), err);
    if (rc == TD_OK && link(temporary, path) != 0 && errno != EEXIST)
        rc = td_fail(err, TD_EIO, "master.key", "can't be made: %s", strerror(errno));
    (void)unlink(temporary);
    sync_folder(dir);
    return rc;
}

enum td_code td_master_load(const char *dir, const struct td_env *env, struct td_master *ret, struct td_error *err)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof(path), "%s/master.key", dir) >= sizeof(path))
        return td_fail(err, TD_ELIMIT, "data folder", "its path is too long");
    if (!td_file_exists(path)) {
        td_try(td_dir_make(dir, 0700, err));
        td_try(make_key(dir, path, env, err));
    }
    return read_key(path, ret, err);
}

void td_master_done(struct td_master *m)
{
    td_wipe(m, sizeof(*m));
}

/* Layout: version, IV, ciphertext, tag. */
enum td_code td_seal(const struct td_master *m, const struct td_env *env, const char *label, struct td_slice plain,
                     struct td_arena *a, struct td_slice *ret)
{
    TD_CLEANUP(cipher_ctx_done) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0, end = 0;
    if (plain.n > 1 << 24)
        return TD_ELIMIT;
    unsigned char *out = td_arena_alloc(a, 1 + IV + plain.n + TAG);
    out[0] = SEAL_VERSION;
    td_random_fill(env, out + 1, IV);
    if (ctx == NULL || EVP_EncryptInit_ex2(ctx, td_ossl()->aes256_gcm, m->key, out + 1, NULL) != 1 ||
        EVP_EncryptUpdate(ctx, NULL, &n, (const unsigned char *)label, (int)strlen(label)) != 1 ||
        EVP_EncryptUpdate(ctx, out + 1 + IV, &n, (const unsigned char *)plain.p, (int)plain.n) != 1 ||
        EVP_EncryptFinal_ex(ctx, out + 1 + IV + n, &end) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG, out + 1 + IV + plain.n) != 1)
        return td_ossl_fail(NULL, TD_EINTERNAL, "seal", "encryption failed");
    *ret = td_bytes(out, 1 + IV + plain.n + TAG);
    return TD_OK;
}

enum td_code td_unseal(const struct td_master *m, const char *label, struct td_slice sealed, struct td_arena *a,
                       struct td_slice *ret, struct td_error *err)
{
    TD_CLEANUP(cipher_ctx_done) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    const unsigned char *in = (const unsigned char *)sealed.p;
    int n = 0, end = 0;
    if (sealed.n < 1 + IV + TAG || sealed.n > 1 << 25 || in[0] != SEAL_VERSION)
        return td_fail(err, TD_EFORMAT, label, "is not a sealed value");
    size_t size = sealed.n - 1 - IV - TAG;
    unsigned char *out = td_arena_alloc(a, size + 1);
    unsigned char tag[TAG];
    memcpy(tag, in + sealed.n - TAG, TAG);
    if (ctx == NULL || EVP_DecryptInit_ex2(ctx, td_ossl()->aes256_gcm, m->key, in + 1, NULL) != 1 ||
        EVP_DecryptUpdate(ctx, NULL, &n, (const unsigned char *)label, (int)strlen(label)) != 1 ||
        EVP_DecryptUpdate(ctx, out, &n, in + 1 + IV, (int)size) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, tag) != 1 ||
        EVP_DecryptFinal_ex(ctx, out + n, &end) != 1) {
        td_wipe(out, size);
        ERR_clear_error();
        (void)td_fail(err, TD_EFORMAT, label, "can't be opened with this installation's master key");
        return td_remedy(err, TD_EFORMAT, "Put back the master.key that belongs to this store.");
    }
    *ret = td_bytes(out, size);
    return TD_OK;
}
