/* The folder of a connector: its two keys, made before anybody is told of them, and its registration. */
#include "base/file.h"
#include "connector/room.h"
#include "crypto/cert.h"

#include <stdio.h>

enum { MAX_FILE = 64 << 10, SECRETS_BITS = 3072 };

static char *file_of(const struct td_connector_state *c, struct td_arena *a, const char *name)
{
    return td_arena_printf(a, "%s/%s", c->config->dir, name);
}

static enum td_code make(const char *path, bool for_secrets, struct td_arena *a, struct td_key **ret,
                         struct td_error *err)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    char *pem = NULL;
    td_try(for_secrets ? td_key_generate_rsa(SECRETS_BITS, &key, err) : td_key_generate(TD_KEY_P256, &key, err));
    td_try(td_key_private_pem(key, a, &pem));
    td_try(td_file_write(path, td_str(pem), 0600, err));
    *ret = TD_TAKE(key);
    return TD_OK;
}

static enum td_code load(const struct td_connector_state *c, const char *name, bool for_secrets, struct td_arena *a,
                         struct td_key **ret, struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf pem;
    const char *path = file_of(c, a, name);
    td_buf_init(&pem, MAX_FILE);
    enum td_code rc = td_file_read(path, &pem, err);
    if (rc == TD_ENOTFOUND)
        return make(path, for_secrets, a, ret, err);
    td_try(rc);
    rc = td_key_from_private_pem(td_buf_slice(&pem), ret, err);
    if (rc != TD_OK)
        return td_remedy(err, td_fail(err, rc, path, "is not a private key in PEM"),
                         "Take the folder away and register the connector anew with a new code.");
    return TD_OK;
}

/* Name and dates mean nothing to the service: it knows the key. */
static enum td_code certify(const struct td_connector_state *c, struct td_arena *a, char **ret_pem,
                            struct td_error *err)
{
    struct td_rdn subject = {"CN", "Touchdown connector"};
    struct td_slice der = {0};
    int64_t now = td_now(c->world->env);
    struct td_cert_template t = {.subject = &subject,
                                 .subject_count = 1,
                                 .not_before = now - TD_DAY,
                                 .not_after = now + 3650 * TD_DAY,
                                 .eku = TD_EKU_CLIENT};
    td_random_fill(c->world->env, t.serial, sizeof(t.serial));
    td_try(td_key_public_der(c->key, a, &t.spki));
    td_try(td_cert_issue(&t, TD_S(""), c->key, a, &der, err));
    *ret_pem = td_cert_pem(der, a);
    return TD_OK;
}

enum td_code td_conn_keys(struct td_connector_state *c, struct td_error *err)
{
    TD_CLEANUP(td_arena_wipe) struct td_arena a;
    char *cert = NULL, *key = NULL;
    td_arena_init(&a);
    td_try(td_dir_make(c->config->dir, 0700, err));
    td_try(load(c, "key.pem", false, &a, &c->key, err));
    td_try(load(c, "encryption.pem", true, &a, &c->secrets, err));
    td_try(certify(c, &a, &cert, err));
    td_try(td_key_private_pem(c->key, &a, &key));
    return c->world->identify(c->world->ctx, td_str(cert), td_str(key), err);
}

static enum td_code take(struct td_connector_state *c, struct td_slice text, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    struct td_json *json = NULL;
    td_arena_init(&a);
    td_try(td_json_parse(text, MAX_FILE, &a, &json, err));
    const char *id = td_json_str(json, "id"), *name = td_json_str(json, "name");
    if (id == NULL || id[0] == '\0' || strlen(id) >= sizeof(c->id) || name == NULL || strlen(name) >= sizeof(c->name))
        return td_fail(err, TD_EFORMAT, "registration", "has no usable id and name");
    memcpy(c->id, id, strlen(id) + 1);
    memcpy(c->name, name, strlen(name) + 1);
    return TD_OK;
}

enum td_code td_conn_registration(struct td_connector_state *c, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    TD_CLEANUP(td_buf_done) struct td_buf text;
    td_arena_init(&a);
    td_buf_init(&text, MAX_FILE);
    enum td_code rc = td_file_read(file_of(c, &a, "connector.json"), &text, err);
    if (rc == TD_ENOTFOUND)
        return TD_OK;
    td_try(rc);
    return take(c, td_buf_slice(&text), err);
}

enum td_code td_conn_remember(struct td_connector_state *c, struct td_slice answer, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    td_arena_init(&a);
    td_try(take(c, answer, err));
    return td_file_write(file_of(c, &a, "connector.json"), answer, 0600, err);
}
