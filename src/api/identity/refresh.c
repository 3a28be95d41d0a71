/* Refresh tokens: secrets with 256 random bits, of which the store keeps a hash. */
#include "api/identity/room.h"
#include "crypto/digest.h"

const int64_t td_refresh_life = 90 * TD_DAY;
const int64_t td_prt_life = 14 * TD_DAY;
const int64_t td_old_refresh_life = 10 * TD_MINUTE; /* after its first use: an answer may have been lost */

void td_id_hash(const char *secret, unsigned char out[32])
{
    td_sha256(td_str(secret), out);
}

enum td_code td_id_refresh_new(struct td_id *id, struct td_tx *tx, const struct td_refresh_spec *s, const char **ret)
{
    struct td_buf body;
    struct td_jsonw w;
    bool prt = s->kind == TD_GRANT_PRT;
    /* The dot matters: a client that sees none in a primary refresh token takes the text for base64 (10.4). */
    const char *secret = td_arena_printf(id->a, "1.%s", td_random_text(id->svc->env, id->a, 32));
    struct td_grant g = {.kind = s->kind,
                         .tenant = s->tenant,
                         .user_id = s->user_id,
                         .app_id = s->app_id,
                         .device_id = s->device_id,
                         .family = s->family != NULL ? s->family : td_uuid_arena(id->svc->env, id->a),
                         .expires_at = td_tx_now(tx) + (prt ? td_prt_life : td_refresh_life),
                         .sealed = s->sealed};
    td_id_hash(secret, g.sha256);
    td_buf_init(&body, 16384);
    td_jsonw_init(&w, &body);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "resource", s->resource != NULL ? s->resource : "");
    td_jsonw_kstr(&w, "scope", s->scope != NULL ? s->scope : "");
    td_jsonw_end(&w);
    g.body = td_arena_text(id->a, td_buf_slice(&body));
    td_buf_done(&body);
    *ret = secret;
    return td_grant_add(tx, &g, &id->err);
}
