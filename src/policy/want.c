#include "base/encode.h"
#include "policy/desired_item.h"

struct td_want *td_want_add(struct td_desired_ctx *c, enum td_stage stage, enum td_sync_kind verb, const char *uri)
{
    struct td_want *w = td_arena_new(c->arena, struct td_want);
    *w = (struct td_want){.verb = verb, .uri = uri, .format = "", .type = "", .stage = stage, .item = c->item};
    w->untracked = c->untracked;
    w->key = td_arena_printf(c->arena, "%c %s", td_syncml_word(verb)[0], uri);
    w->user = td_sync_uri_is_user(td_str(uri));
    w->version = c->revision;
    *c->tail = w;
    c->tail = &w->next;
    return w;
}

/* FNV-1a: what we want of our own accord has no revision; its text stands for it. */
uint64_t td_want_text_version(const char *text)
{
    uint64_t h = 14695981039346656037u;
    for (; *text != '\0'; text++)
        h = (h ^ (unsigned char)*text) * 1099511628211u;
    return h;
}

struct td_want *td_want_put(struct td_desired_ctx *c, enum td_stage stage, const char *uri, const char *format,
                            const char *data)
{
    struct td_want *w = td_want_add(c, stage, TD_SYNC_REPLACE, uri);
    w->format = format;
    w->data = data;
    if (c->revision == 0)
        w->version = td_want_text_version(data);
    return w;
}

struct td_want *td_want_ask(struct td_desired_ctx *c, enum td_stage stage, const char *uri, const char *expect)
{
    struct td_want *w = td_want_add(c, stage, TD_SYNC_GET, uri);
    w->expect = expect;
    w->version = expect != NULL && c->revision == 0 ? td_want_text_version(expect) : c->revision;
    return w;
}

struct td_sync_cmd *td_want_command(const struct td_want *want, bool replace, uint64_t *cmd_id, struct td_arena *a)
{
    enum td_sync_kind verb = replace && want->verb == TD_SYNC_ADD ? TD_SYNC_REPLACE : want->verb;
    char *id = td_arena_printf(a, "%llu", (unsigned long long)(*cmd_id)++);
    struct td_sync_cmd *cmd = td_sync_new(a, verb, id);
    if (verb == TD_SYNC_ATOMIC || verb == TD_SYNC_SEQUENCE) {
        for (const struct td_want *c = want->child; c != NULL; c = c->next)
            td_sync_append(&cmd->child, td_want_command(c, replace, cmd_id, a));
        return cmd;
    }
    struct td_sync_item *item = td_sync_item(a, cmd);
    item->target = want->uri;
    item->meta.format = want->format;
    item->meta.type = want->type;
    item->has_data = want->data != NULL;
    if (want->data != NULL)
        item->data = td_str(want->data);
    return cmd;
}

const char *td_want_root(const struct td_item *item)
{
    return item->user ? "./User" : "./Device";
}

char *td_want_segment(struct td_arena *a, const char *text)
{
    struct td_buf b;
    td_buf_init(&b, 1024);
    td_pct_add(&b, td_str(text));
    char *out = td_arena_text(a, td_buf_slice(&b));
    td_buf_done(&b);
    return out;
}
