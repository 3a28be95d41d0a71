/* What all steps of the way use: the state, key pairs, secrets in memory. */
#include "base/file.h"
#include "device/flow.h"
#include "device/tpm.h"

#include <stdarg.h>
#include <stdio.h>

enum { FLOW_MAX_FILE = 256 << 10 };

enum td_code td_transport_net(void *ctx, const struct td_net_request *req, struct td_arena *a,
                              struct td_net_response *ret, struct td_error *err)
{
    return td_net_do(ctx, req, a, ret, err);
}

const char *td_flow_get(const struct td_flow *f, const char *key)
{
    const char *value = td_state_get(f->dev->state, key);
    return value != NULL ? value : "";
}

enum td_code td_flow_keep(struct td_flow *f, const char *key, const char *value, struct td_error *err)
{
    td_state_set(f->dev->state, key, value);
    return td_state_save(f->dev->state, err);
}

void td_flow_news(struct td_flow *f, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(f->news, sizeof(f->news), fmt, ap);
    va_end(ap);
}

enum td_code td_flow_read(struct td_flow *f, const char *file, struct td_arena *a, struct td_slice *ret,
                          struct td_error *err)
{
    TD_CLEANUP(td_buf_wipe) struct td_buf text;
    td_buf_init(&text, FLOW_MAX_FILE);
    td_try(td_file_read(td_device_path(f->dev, a, file), &text, err));
    *ret = td_arena_copy(a, td_buf_slice(&text));
    return TD_OK;
}

enum td_code td_flow_write(struct td_flow *f, const char *file, struct td_slice data, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    return td_file_write(td_device_path(f->dev, &a, file), data, 0600, err);
}

static enum td_code make_key(struct td_flow *f, const char *file, struct td_arena *a, struct td_error *err)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    char *pem;
    td_try(td_key_generate(TD_KEY_RSA, &key, err));
    if (td_key_private_pem(key, a, &pem) != TD_OK)
        return td_fail(err, TD_EINTERNAL, file, "the key can't be written as PEM");
    enum td_code rc = td_flow_write(f, file, td_str(pem), err);
    td_wipe(pem, strlen(pem));
    return rc;
}

enum td_code td_flow_key(struct td_flow *f, const char *file, struct td_key **ret, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_slice pem;
    enum td_tpm_key_kind kind;
    if (td_tpm_holds(f->dev, file, &kind))
        return td_tpm_key_open(f->dev, kind, ret, err);
    bool there = td_file_exists(td_device_path(f->dev, &a, file));
    bool joined = td_flow_step_done(f, "join") && strcmp(file, "mdm.key.pem") != 0;
    if (!there && joined) { /* another key would never match what the directory knows */
        (void)td_fail(err, TD_ENOTFOUND, file, "the key that the device joined with is gone");
        return td_remedy(err, TD_ENOTFOUND, TD_STATE_DAMAGED);
    }
    if (!there)
        td_try(make_key(f, file, &a, err));
    td_try(td_flow_read(f, file, &a, &pem, err));
    enum td_code rc = td_key_from_private_pem(pem, ret, err);
    td_wipe((char *)pem.p, pem.n);
    return rc;
}

void td_secret_put(char **place, const char *value)
{
    char *copy = value != NULL ? td_strdup(value) : NULL; /* first: value may be the old one */
    if (*place != NULL)
        td_wipe(*place, strlen(*place));
    td_free(*place);
    *place = copy;
}

void td_flow_done(struct td_flow *f)
{
    td_secret_put(&f->secrets.user, NULL);
    td_secret_put(&f->secrets.password, NULL);
    td_secret_put(&f->secrets.join_token, NULL);
    td_secret_put(&f->secrets.refresh_token, NULL);
    td_secret_put(&f->secrets.technician_token, NULL);
    td_secret_put(&f->secrets.technician_code, NULL);
    td_arena_done(&f->arena);
}
