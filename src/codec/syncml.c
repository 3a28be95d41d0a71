#include "codec/syncml.h"

#include "base/encode.h"

static const char *const WORDS[TD_SYNC_KIND_COUNT] = {
    [TD_SYNC_OTHER] = "",    [TD_SYNC_STATUS] = "Status",   [TD_SYNC_RESULTS] = "Results",   [TD_SYNC_ALERT] = "Alert",
    [TD_SYNC_ADD] = "Add",   [TD_SYNC_REPLACE] = "Replace", [TD_SYNC_DELETE] = "Delete",     [TD_SYNC_GET] = "Get",
    [TD_SYNC_EXEC] = "Exec", [TD_SYNC_ATOMIC] = "Atomic",   [TD_SYNC_SEQUENCE] = "Sequence",
};

const char *td_syncml_word(enum td_sync_kind kind)
{
    return (unsigned)kind < TD_SYNC_KIND_COUNT ? WORDS[kind] : "";
}

enum td_sync_kind td_syncml_kind(struct td_slice word)
{
    for (unsigned i = TD_SYNC_STATUS; i < TD_SYNC_KIND_COUNT; i++)
        if (td_eqs(word, WORDS[i]))
            return (enum td_sync_kind)i;
    return TD_SYNC_OTHER;
}

struct td_sync_cmd *td_sync_new(struct td_arena *a, enum td_sync_kind kind, const char *cmd_id)
{
    struct td_sync_cmd *c = td_arena_new(a, struct td_sync_cmd);
    *c = (struct td_sync_cmd){.kind = kind, .name = td_syncml_word(kind), .cmd_id = cmd_id};
    c->msg_ref = c->cmd_ref = c->cmd = c->target_ref = c->source_ref = "";
    c->meta = (struct td_sync_meta){"", "", "", 0};
    c->auth = (struct td_sync_auth){"", "", "", TD_S("")};
    return c;
}

struct td_sync_cmd *td_sync_status(struct td_arena *a, const char *cmd_id, const char *msg_ref, const char *cmd_ref,
                                   const char *cmd, int code)
{
    struct td_sync_cmd *c = td_sync_new(a, TD_SYNC_STATUS, cmd_id);
    c->msg_ref = msg_ref;
    c->cmd_ref = cmd_ref;
    c->cmd = cmd;
    c->code = code;
    return c;
}

struct td_sync_item *td_sync_item(struct td_arena *a, struct td_sync_cmd *cmd)
{
    struct td_sync_item *item = td_arena_new(a, struct td_sync_item);
    *item = (struct td_sync_item){.target = "", .source = "", .meta = {"", "", "", 0}, .data = TD_S("")};
    struct td_sync_item **tail = &cmd->items;
    while (*tail != NULL)
        tail = &(*tail)->next;
    *tail = item;
    return item;
}

void td_sync_append(struct td_sync_cmd **list, struct td_sync_cmd *cmd)
{
    while (*list != NULL)
        list = &(*list)->next;
    *list = cmd;
}

bool td_sync_uri_ok(struct td_slice uri)
{
    if (uri.n == 0 || uri.n > TD_SYNCML_MAX_URI || uri.p[0] == '/' || !td_utf8_ok(uri))
        return false;
    struct td_slice segment;
    (void)td_cut(uri, '?', &uri); /* a property query is no part of the path */
    for (bool first = true, more = true; more; first = false) {
        more = td_find(uri, '/') != SIZE_MAX;
        uri = td_cut(uri, '/', &segment);
        if (segment.n == 0 || td_eqs(segment, "*") || td_eqs(segment, "..") || (!first && td_eqs(segment, ".")))
            return false;
    }
    return true;
}

bool td_sync_uri_is_user(struct td_slice uri)
{
    return td_istarts(uri, "./User/");
}

/* b64(MD5(b64(MD5(user ":" secret)) ":" nonce [":" b64(MD5(body))])): Cred without, x-syncml-hmac with the body. */
static char *digest(td_sync_md5 *md5, struct td_slice user, struct td_slice secret, struct td_slice nonce,
                    const struct td_slice *body, struct td_arena *a)
{
    unsigned char hash[16], hash_of_body[16];
    struct td_buf b;
    td_buf_init(&b, user.n + secret.n + nonce.n + 128);
    td_buf_add(&b, user);
    td_buf_addc(&b, ':');
    td_buf_add(&b, secret);
    md5(td_buf_slice(&b), hash);
    td_buf_wipe(&b);
    td_b64_add(&b, td_bytes(hash, sizeof(hash)));
    td_buf_addc(&b, ':');
    td_buf_add(&b, nonce);
    if (body != NULL) {
        md5(*body, hash_of_body);
        td_buf_addc(&b, ':');
        td_b64_add(&b, td_bytes(hash_of_body, sizeof(hash_of_body)));
    }
    md5(td_buf_slice(&b), hash);
    td_buf_wipe(&b);
    return td_b64(a, td_bytes(hash, sizeof(hash)));
}

char *td_sync_cred_basic(struct td_slice user, struct td_slice secret, struct td_arena *a)
{
    struct td_buf b;
    td_buf_init(&b, user.n + secret.n + 1);
    td_buf_add(&b, user);
    td_buf_addc(&b, ':');
    td_buf_add(&b, secret);
    char *text = td_b64(a, td_buf_slice(&b));
    td_buf_wipe(&b);
    return text;
}

char *td_sync_cred_md5(td_sync_md5 *md5, struct td_slice user, struct td_slice secret, struct td_slice nonce,
                       struct td_arena *a)
{
    return digest(md5, user, secret, nonce, NULL, a);
}

char *td_sync_hmac(td_sync_md5 *md5, struct td_slice user, struct td_slice secret, struct td_slice nonce,
                   struct td_slice body, struct td_arena *a)
{
    return digest(md5, user, secret, nonce, &body, a);
}
