#include "api/authority.h"

#include "api/authority_in.h"
#include "base/encode.h"
#include "base/file.h"
#include "codec/json.h"
#include "store/certificate.h"

#include <stdio.h>

static const char secret_name[] = "authority.1";
const char *const td_purpose_words[TD_PURPOSE_COUNT] = {"server", "device", "management"};

enum { SECRET_MAX = 65536, ROOT_YEARS = 30, INTERMEDIATE_YEARS = 25 };

static const int64_t year = 365 * TD_DAY;

/* A pair being made, before it is sealed. */
struct fresh {
    struct td_key *key;
    struct td_slice der;
};

static void fresh_done(struct fresh *f)
{
    td_key_free(f->key);
}

static enum td_code certify(struct td_service *svc, struct td_cert_template *t, int years, const struct fresh *issuer,
                            struct td_arena *a, struct fresh *ret, struct td_error *err)
{
    int64_t now = td_now(svc->env);
    td_try(td_key_generate(TD_KEY_P256, &ret->key, err));
    td_try(td_key_public_der(ret->key, a, &t->spki));
    td_random_fill(svc->env, t->serial, sizeof(t->serial));
    t->is_ca = true;
    t->not_before = now - TD_DAY;
    t->not_after = now + years * year;
    return td_cert_issue(t, issuer != NULL ? issuer->der : TD_S(""), issuer != NULL ? issuer->key : ret->key, a,
                         &ret->der, err);
}

static enum td_code make_root(struct td_service *svc, const char *id, struct td_arena *a, struct fresh *ret,
                              struct td_error *err)
{
    struct td_rdn subject[] = {{"O", "Touchdown"}, {"CN", td_arena_printf(a, "Touchdown Root %.8s", id)}};
    struct td_cert_template t = {.subject = subject, .subject_count = TD_COUNTOF(subject)};
    return certify(svc, &t, ROOT_YEARS, NULL, a, ret, err);
}

/* Clients of the directory join look for certificates by the issuer's CN, told apart by the OU (join-and-tokens.md 3).
 */
static enum td_code make_intermediate(struct td_service *svc, enum td_purpose purpose, const char *id,
                                      const struct fresh *root, struct td_arena *a, struct fresh *ret,
                                      struct td_error *err)
{
    static const char *const names[TD_PURPOSE_COUNT] = {"Touchdown Server CA", "MS-Organization-Access",
                                                        "Touchdown Management CA"};
    struct td_rdn subject[] = {{"CN", names[purpose]}, {"OU", id}};
    struct td_cert_template t = {.subject = subject, .subject_count = TD_COUNTOF(subject)};
    return certify(svc, &t, INTERMEDIATE_YEARS, root, a, ret, err);
}

static enum td_code write_pair(struct td_jsonw *w, const char *name, const struct fresh *f, struct td_arena *a)
{
    struct td_slice der;
    td_try(td_key_private_der(f->key, a, &der));
    td_jsonw_key(w, name);
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "key", td_b64(a, der));
    td_jsonw_kstr(w, "cert", td_b64(a, f->der));
    td_jsonw_end(w);
    td_wipe((void *)(uintptr_t)der.p, der.n);
    return TD_OK;
}

static enum td_code make_all(struct td_service *svc, struct td_arena *a, struct td_buf *out, struct td_error *err)
{
    TD_CLEANUP(fresh_done) struct fresh root = {0};
    struct td_jsonw w;
    const char *id = td_uuid_arena(svc->env, a);
    td_try(make_root(svc, id, a, &root, err));
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    td_try(write_pair(&w, "root", &root, a));
    for (enum td_purpose p = 0; p < TD_PURPOSE_COUNT; p++) {
        TD_CLEANUP(fresh_done) struct fresh f = {0};
        td_try(make_intermediate(svc, p, id, &root, a, &f, err));
        td_try(write_pair(&w, td_purpose_words[p], &f, a));
    }
    td_jsonw_end(&w);
    return td_buf_check(out, secret_name, err);
}

struct stored {
    struct td_arena *arena;
    struct td_slice sealed;
};

static enum td_code get_stored(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct stored *s = ctx;
    return td_secret_get(tx, secret_name, s->arena, &s->sealed, err);
}

static enum td_code put_stored(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct stored *s = ctx;
    return td_secret_put(tx, secret_name, s->sealed, err);
}

/* Two processes may start together: the first one's authority stands, and both read it back. */
static enum td_code make_and_store(struct td_service *svc, struct stored *s, struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf plain;
    td_buf_init(&plain, SECRET_MAX);
    td_try(make_all(svc, s->arena, &plain, err));
    td_try(td_seal(&svc->master, svc->env, secret_name, td_buf_slice(&plain), s->arena, &s->sealed));
    enum td_code rc = td_store_write(svc->store, put_stored, s, err);
    if (rc != TD_OK && rc != TD_EEXISTS)
        return rc;
    return td_store_read(svc->store, get_stored, s, err);
}

static enum td_code read_cert(const struct td_json *pair, struct td_arena *a, struct td_slice *ret,
                              struct td_error *err)
{
    const char *text = td_json_str(pair, "cert");
    if (text == NULL || td_b64_decode(a, td_str(text), TD_B64_STD, ret) != TD_OK)
        return td_fail(err, TD_EFORMAT, secret_name, "a certificate is missing");
    return TD_OK;
}

static enum td_code read_issuer(const struct td_json *pair, struct td_arena *scratch, struct td_arena *a,
                                struct td_issuer *ret, struct td_error *err)
{
    struct td_slice der = TD_S("");
    struct td_cert cert;
    const char *text = td_json_str(pair, "key");
    td_try(read_cert(pair, a, &ret->der, err));
    td_try(td_cert_parse(ret->der, a, &cert, err));
    ret->subject_der = cert.subject_der;
    ret->not_before = cert.not_before;
    ret->not_after = cert.not_after;
    if (text == NULL || td_b64_decode(scratch, td_str(text), TD_B64_STD, &der) != TD_OK)
        return td_fail(err, TD_EFORMAT, secret_name, "a key is missing");
    enum td_code rc = td_key_from_private_der(der, &ret->key, err);
    td_wipe((void *)(uintptr_t)der.p, der.n);
    return rc;
}

static enum td_code read_all(struct td_authority *ca, struct td_slice plain, struct td_arena *scratch,
                             struct td_error *err)
{
    struct td_json *v = NULL;
    td_try(td_json_parse(plain, SECRET_MAX, scratch, &v, err));
    td_try(read_cert(td_json_get(v, "root"), &ca->arena, &ca->root, err));
    for (enum td_purpose p = 0; p < TD_PURPOSE_COUNT; p++) {
        td_try(read_issuer(td_json_get(v, td_purpose_words[p]), scratch, &ca->arena, &ca->issuers[p], err));
        td_try(td_cert_check_chain(ca->issuers[p].der, TD_S(""), ca->root, 0, 0, err));
    }
    return TD_OK;
}

static enum td_code write_root(struct td_service *svc, struct td_authority *ca, struct td_arena *a,
                               struct td_error *err)
{
    if (svc->data_dir == NULL)
        return TD_OK;
    const char *path = td_arena_printf(a, "%s/ca.pem", svc->data_dir);
    struct td_slice pem = td_str(td_cert_pem(ca->root, a));
    TD_CLEANUP(td_buf_done) struct td_buf there;
    td_buf_init(&there, SECRET_MAX);
    if (td_file_read(path, &there, NULL) == TD_OK && td_eq(td_buf_slice(&there), pem))
        return TD_OK;
    return td_file_write(path, pem, 0644, err);
}

static enum td_code load(struct td_service *svc, struct td_authority *ca, struct td_error *err)
{
    static const unsigned char none[sizeof(svc->master.key)];
    TD_CLEANUP(td_arena_wipe) struct td_arena scratch;
    struct td_slice plain;
    td_arena_init(&scratch);
    struct stored s = {.arena = &scratch};
    if (memcmp(svc->master.key, none, sizeof(none)) == 0)
        td_try(td_master_load(svc->data_dir, svc->env, &svc->master, err));
    enum td_code rc = td_store_read(svc->store, get_stored, &s, err);
    if (rc == TD_ENOTFOUND)
        rc = make_and_store(svc, &s, err);
    td_try(rc);
    td_try(td_unseal(&svc->master, secret_name, s.sealed, &scratch, &plain, err));
    rc = read_all(ca, plain, &scratch, err);
    td_wipe((void *)(uintptr_t)plain.p, plain.n);
    td_try(rc);
    return write_root(svc, ca, &scratch, err);
}

static enum td_code read_root(const struct td_service *svc, struct td_arena *scratch, struct td_issuer *ret,
                              struct td_error *err)
{
    struct stored s = {.arena = scratch};
    struct td_json *v = NULL;
    struct td_slice plain;
    td_try(td_store_read(svc->store, get_stored, &s, err));
    td_try(td_unseal(&svc->master, secret_name, s.sealed, scratch, &plain, err));
    td_try(td_json_parse(plain, SECRET_MAX, scratch, &v, err));
    return read_issuer(td_json_get(v, "root"), scratch, scratch, ret, err);
}

enum td_code td_authority_root_list(const struct td_service *svc, int64_t not_before, int64_t not_after,
                                    struct td_arena *a, struct td_slice *ret, struct td_error *err)
{
    TD_CLEANUP(td_arena_wipe) struct td_arena scratch;
    struct td_issuer root = {0};
    td_arena_init(&scratch);
    enum td_code rc = read_root(svc, &scratch, &root, err);
    if (rc == TD_OK)
        rc =
            td_crl_issue(root.der, root.key, NULL, 0, td_now(svc->env) / TD_SECOND, not_before, not_after, a, ret, err);
    td_key_free(root.key);
    return rc;
}

enum td_code td_authority_open(struct td_service *svc, struct td_authority **ret, struct td_error *err)
{
    struct td_authority *ca = td_new(struct td_authority);
    td_arena_init(&ca->arena);
    (void)pthread_mutex_init(&ca->lock, NULL);
    ca->verdicts = td_alloc(sizeof(*ca->verdicts) * TD_VERDICT_SLOTS);
    enum td_code rc = load(svc, ca, err);
    if (rc != TD_OK) {
        td_authority_close(ca);
        return rc;
    }
    *ret = ca;
    return TD_OK;
}

void td_authority_close(struct td_authority *ca)
{
    if (ca == NULL)
        return;
    for (size_t i = 0; i < TD_PURPOSE_COUNT; i++)
        td_key_free(ca->issuers[i].key);
    (void)pthread_mutex_destroy(&ca->lock);
    td_free(ca->verdicts);
    td_arena_done(&ca->arena);
    td_free(ca);
}

struct td_slice td_authority_root(const struct td_authority *ca)
{
    return ca->root;
}

struct td_slice td_authority_intermediate(const struct td_authority *ca, enum td_purpose purpose)
{
    return ca->issuers[purpose].der;
}

/* Server certificates carry no addresses of lists: they would have to be fetched over the very connection in doubt. */
static void fill_urls(const struct td_service *svc, enum td_purpose purpose, struct td_arena *a,
                      struct td_cert_template *t)
{
    const char *base = svc->http_base != NULL ? svc->http_base : svc->base;
    if (purpose == TD_PURPOSE_SERVER || base == NULL)
        return;
    t->crl_url = td_arena_printf(a, "%s/pki/%s.crl", base, td_purpose_words[purpose]);
    t->ca_url = td_arena_printf(a, "%s/pki/%s.crt", base, td_purpose_words[purpose]);
    t->ocsp_url = td_arena_printf(a, "%s/ocsp", base);
}

enum td_code td_authority_issue(const struct td_service *svc, enum td_purpose purpose, struct td_cert_template *t,
                                struct td_arena *a, struct td_slice *ret_der, struct td_error *err)
{
    const struct td_issuer *by = &svc->authority->issuers[purpose];
    t->is_ca = false;
    t->eku = purpose == TD_PURPOSE_SERVER ? TD_EKU_SERVER : TD_EKU_CLIENT;
    t->eku_critical = purpose == TD_PURPOSE_DEVICE;
    t->not_before = TD_MAX(t->not_before, by->not_before);
    t->not_after = TD_MIN(t->not_after, by->not_after);
    td_random_fill(svc->env, t->serial, sizeof(t->serial));
    fill_urls(svc, purpose, a, t);
    return td_cert_issue(t, by->der, by->key, a, ret_der, err);
}
