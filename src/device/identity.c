#include "device/identity.h"

#include "base/file.h"
#include "device/tpm.h"

enum { MAX_PEM = 65536 };

void td_identity_init(struct td_identity *id)
{
    td_buf_init(&id->cert, MAX_PEM);
    td_buf_init(&id->key, MAX_PEM);
    id->dev = NULL;
    id->in_tpm = NULL;
}

void td_identity_done(struct td_identity *id)
{
    td_key_cleanup(&id->in_tpm);
    td_buf_wipe(&id->cert);
    td_buf_wipe(&id->key);
}

static enum td_code handshake(void *ctx, void *ssl_ctx, struct td_error *err)
{
    const struct td_identity *id = ctx;
    struct td_tpm *t = NULL;
    td_try(td_device_tpm(id->dev, &t, err)); /* one that is away is told here: out of a handshake nobody reads it */
    return td_key_tls_identity(ssl_ctx, id->in_tpm, td_buf_slice(&id->cert), err);
}

enum td_code td_identity_show(struct td_device *dev, const char *name, struct td_identity *id,
                              struct td_net_config *config, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *file = td_arena_printf(&a, "%s.key.pem", name);
    enum td_tpm_key_kind kind;
    td_try(td_file_read(td_device_path(dev, &a, td_arena_printf(&a, "%s.crt.pem", name)), &id->cert, err));
    if (td_tpm_holds(dev, file, &kind)) {
        config->identity = handshake;
        config->identity_ctx = id;
        id->dev = dev;
        return td_tpm_key_open(dev, kind, &id->in_tpm, err);
    }
    td_try(td_file_read(td_device_path(dev, &a, file), &id->key, err));
    config->client_pem = td_buf_slice(&id->cert);
    config->client_key = td_buf_slice(&id->key);
    return TD_OK;
}
