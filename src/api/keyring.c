#include "api/keyring.h"

#include "base/encode.h"
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "crypto/jose.h"
#include "store/certificate.h"

static const char key_name[] = "token.signing.1", secret_name[] = "token.secret.1";

enum { MAX_STORED = 16384 };

struct lookup {
    const char *name;
    struct td_arena *arena;
    struct td_slice sealed;
};

static enum td_code get_secret(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct lookup *l = ctx;
    return td_secret_get(tx, l->name, l->arena, &l->sealed, err);
}

static enum td_code put_secret(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct lookup *l = ctx;
    return td_secret_put(tx, l->name, l->sealed, err);
}

typedef enum td_code maker(struct td_service *svc, struct td_arena *a, struct td_slice *ret, struct td_error *err);

/* Two processes may start at once: the first one's value wins, and both read it back. */
static enum td_code load_or_make(struct td_service *svc, const char *name, maker *make, struct td_arena *a,
                                 struct td_slice *ret, struct td_error *err)
{
    struct lookup l = {.name = name, .arena = a};
    enum td_code rc = td_store_read(svc->store, get_secret, &l, err);
    if (rc == TD_ENOTFOUND) {
        struct td_slice plain = TD_S("");
        td_try(make(svc, a, &plain, err));
        td_try(td_seal(&svc->master, svc->env, name, plain, a, &l.sealed));
        rc = td_store_write(svc->store, put_secret, &l, err);
        if (rc != TD_OK && rc != TD_EEXISTS)
            return rc;
        rc = td_store_read(svc->store, get_secret, &l, err);
    }
    td_try(rc);
    return td_unseal(&svc->master, name, l.sealed, a, ret, err);
}

static enum td_code make_secret(struct td_service *svc, struct td_arena *a, struct td_slice *ret,
                                struct td_error *err TD_UNUSED)
{
    unsigned char *p = td_arena_alloc(a, 32);
    td_random_fill(svc->env, p, 32);
    *ret = td_bytes(p, 32);
    return TD_OK;
}

static enum td_code self_signed(struct td_service *svc, const struct td_key *key, struct td_arena *a,
                                struct td_slice *ret, struct td_error *err)
{
    static const struct td_rdn subject[] = {{"CN", "Touchdown token signing"}};
    struct td_cert_template t = {.subject = subject,
                                 .subject_count = 1,
                                 .not_before = td_now(svc->env) - TD_DAY,
                                 .not_after = td_now(svc->env) + 3650 * TD_DAY};
    td_random_fill(svc->env, t.serial, sizeof(t.serial));
    td_try(td_key_public_der(key, a, &t.spki));
    return td_cert_issue(&t, TD_S(""), key, a, ret, err);
}

static enum td_code make_key(struct td_service *svc, struct td_arena *a, struct td_slice *ret, struct td_error *err)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    struct td_slice der, cert;
    td_try(td_key_generate(TD_KEY_RSA, &key, err));
    td_try(td_key_private_der(key, a, &der));
    td_try(self_signed(svc, key, a, &cert, err));
    *ret = td_str(td_arena_printf(a, "{\"key\":\"%s\",\"cert\":\"%s\"}", td_b64(a, der), td_b64(a, cert)));
    return TD_OK;
}

static enum td_code member(const struct td_json *v, const char *name, struct td_arena *a, struct td_slice *ret)
{
    return td_b64_decode(a, td_str(td_json_str(v, name)), TD_B64_STD, ret);
}

static enum td_code read_key(struct td_keyring *k, struct td_slice plain, struct td_error *err)
{
    struct td_json *v = NULL;
    struct td_slice der, spki;
    unsigned char id[32];
    td_try(td_json_parse(plain, MAX_STORED, &k->arena, &v, err));
    td_try(member(v, "key", &k->arena, &der));
    td_try(member(v, "cert", &k->arena, &k->cert));
    td_try(td_key_from_private_der(der, &k->key, err));
    td_try(td_key_public_der(k->key, &k->arena, &spki));
    td_sha256(spki, id);
    k->kid = td_b64url(&k->arena, td_bytes(id, 20));
    return TD_OK;
}

static enum td_code make_decoy(struct td_service *svc, struct td_keyring *k, struct td_error *err)
{
    char *decoy = NULL;
    char *password = td_random_text(svc->env, &k->arena, 24);
    td_try(td_password_hash(svc->env, td_str(password), &svc->password_cost, &k->arena, &decoy, err));
    k->decoy = decoy;
    return TD_OK;
}

static enum td_code fill(struct td_service *svc, struct td_keyring *k, struct td_error *err)
{
    static const unsigned char none[32];
    struct td_slice plain;
    if (memcmp(svc->master.key, none, sizeof(none)) == 0)
        td_try(td_master_load(svc->data_dir, svc->env, &svc->master, err));
    td_try(load_or_make(svc, key_name, make_key, &k->arena, &plain, err));
    td_try(read_key(k, plain, err));
    td_try(load_or_make(svc, secret_name, make_secret, &k->arena, &plain, err));
    if (plain.n != sizeof(k->secret))
        return td_fail(err, TD_EFORMAT, secret_name, "has the wrong length");
    memcpy(k->secret, plain.p, sizeof(k->secret));
    return make_decoy(svc, k, err);
}

enum td_code td_keyring_open(struct td_service *svc, struct td_keyring **ret, struct td_error *err)
{
    struct td_keyring *k = td_new(struct td_keyring);
    td_arena_init(&k->arena);
    enum td_code rc = fill(svc, k, err);
    if (rc != TD_OK) {
        td_keyring_close(k);
        return rc;
    }
    *ret = k;
    return TD_OK;
}

void td_keyring_close(struct td_keyring *k)
{
    if (k == NULL)
        return;
    td_key_free(k->key);
    td_wipe(k->secret, sizeof(k->secret));
    td_arena_wipe(&k->arena);
    td_free(k);
}

void td_keyring_secret(const struct td_service *svc, const char *purpose, unsigned char out[32])
{
    td_hmac_sha256(td_bytes(svc->keyring->secret, sizeof(svc->keyring->secret)), td_str(purpose), out);
}

enum td_code td_token_sign(const struct td_service *svc, struct td_slice payload, struct td_arena *a, char **ret,
                           struct td_error *err)
{
    const struct td_keyring *k = svc->keyring;
    const char *header = td_arena_printf(a, "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"%s\"}", k->kid);
    return td_jws_sign(k->key, TD_RS256, td_str(header), payload, a, ret, err);
}

void td_keyring_jwks(const struct td_service *svc, struct td_buf *out)
{
    struct td_jsonw w;
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    td_jsonw_key(&w, "keys");
    td_jsonw_arr(&w);
    td_jwk_write(&w, svc->keyring->key, svc->keyring->kid, svc->keyring->cert);
    td_jsonw_arr_end(&w);
    td_jsonw_end(&w);
}
