/* tellLife(): a machine's whole life in this tenant, chapter by chapter, of a registration or of a managed device.
 * Ours; the real service has nothing like it (autopilot.md row S23). */
#include "store/life.h"

#include "graph/directory.h"
#include "graph/types.h"

struct telling {
    struct td_g_call *call;
    struct td_jsonw w;
};

static void write_time(struct telling *t, const char *name, int64_t at)
{
    char text[TD_TIME_TEXT];
    td_jsonw_kstr(&t->w, name, at != 0 ? td_time_text(at, text) : NULL);
}

static void write_text(struct telling *t, const char *name, const char *text)
{
    td_jsonw_kstr(&t->w, name, text[0] != '\0' ? text : NULL);
}

static enum td_code write_chapter(void *ctx, const struct td_life_chapter *c, struct td_error *err)
{
    struct telling *t = ctx;
    td_jsonw_obj(&t->w);
    td_jsonw_kstr(&t->w, "kind", c->kind);
    write_time(t, "beginDateTime", c->begin_at);
    write_time(t, "endDateTime", c->end_at);
    write_text(t, "actionName", c->what);
    write_text(t, "outcome", c->outcome);
    write_text(t, "who", c->who);
    write_text(t, "why", c->why);
    write_text(t, "userPrincipalName", c->user);
    write_text(t, "deploymentProfileDisplayName", c->profile);
    td_jsonw_end(&t->w);
    return td_buf_check(t->call->out, "answer", err);
}

enum td_code td_g_tell_life(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_life life = {.serial = ""};
    struct telling t = {.call = call};
    td_try(td_life_find(tx, call->tenant, td_view_text(call->row, "id"), call->arena, &life, err));
    td_g_open_collection(call, td_g_type_life_chapter.name, &t.w);
    td_try(td_life_tell(tx, call->tenant, &life, write_chapter, &t, err));
    td_g_close_collection(call, &t.w);
    return td_buf_check(call->out, "answer", err);
}
