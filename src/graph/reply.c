/* Envelopes: lists with their next page, single entities, counts, references (graph-api.md 2.2, 2.3). */
#include "base/encode.h"
#include "base/fault.h"
#include "graph/room.h"

#include <string.h>

static void add_key(struct td_g_call *call, size_t n, bool as_context, struct td_buf *b)
{
    const char *key = n < TD_G_MAX_KEYS && call->keys[n] != NULL ? call->keys[n] : "";
    td_buf_adds(b, as_context ? "('" : "");
    td_pct_add(b, td_str(key));
    td_buf_adds(b, as_context ? "')" : "");
}

char *td_g_fill_path(struct td_g_call *call, const char *path, bool as_context)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    struct td_slice rest = td_str(path), head;
    td_buf_init(&b, 64 << 10);
    for (size_t n = 0; rest.n != 0;) {
        rest = td_cut(rest, '/', &head);
        bool place = td_starts(head, "{");
        if (b.n != 0 && !(place && as_context))
            td_buf_addc(&b, '/');
        if (place)
            add_key(call, n++, as_context, &b);
        else
            td_buf_add(&b, head);
    }
    return td_arena_text(call->arena, td_buf_slice(&b));
}

/* Names of $select as the context shows them: "(id,displayName)". */
static const char *selection(struct td_g_call *call)
{
    const struct td_od_query *q = call->query;
    const char *text = "";
    for (size_t i = 0; i < q->select_count; i++)
        text = td_arena_printf(call->arena, "%s%s%s", text, i != 0 ? "," : "(", q->select[i]);
    return q->select_count != 0 ? td_arena_printf(call->arena, "%s)", text) : "";
}

void td_g_context(struct td_g_call *call, const struct td_g_set *set, const char *tail, struct td_jsonw *w)
{
    if (call->metadata == TD_G_NONE)
        return;
    const char *path = set->context != NULL ? set->context : td_g_fill_path(call, set->path, true);
    td_jsonw_kstr(w, "@odata.context",
                  td_arena_printf(call->arena, "%s/%s/$metadata#%s%s%s", call->req->base, call->version, path,
                                  selection(call), tail));
}

/* The same question, from where this page ended; host, path and options as the caller wrote them (0.11, 2.2). */
static const char *next_link(struct td_g_call *call, const char *token)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    struct td_slice kept = call->query->kept;
    td_buf_init(&b, 64 << 10);
    td_buf_adds(&b, td_fault("graph-link-host") ? call->svc->base : call->req->base);
    td_buf_add(&b, call->req->path);
    td_buf_addc(&b, '?');
    td_buf_add(&b, kept);
    td_buf_adds(&b, kept.n != 0 ? "&$skiptoken=" : "$skiptoken=");
    td_pct_add(&b, td_str(token));
    return td_arena_text(call->arena, td_buf_slice(&b));
}

/* microsoft.graph.x behind a list: only entities of that type. */
static void narrow(struct td_g_call *call, const struct td_g_target *t, struct td_view_ask *ask)
{
    if (t->cast == NULL || td_g_is_a(t->set->type, t->cast))
        return;
    struct td_od_expr *isof = td_arena_new(call->arena, struct td_od_expr);
    isof->op = TD_OD_ISOF;
    isof->type = t->cast->name;
    if (ask->filter == NULL) {
        ask->filter = isof;
        return;
    }
    struct td_od_expr *both = td_arena_new(call->arena, struct td_od_expr);
    *both = (struct td_od_expr){.op = TD_OD_AND, .left = isof, .right = ask->filter};
    ask->filter = both;
}

static enum td_code first_page(struct td_g_call *call, struct td_tx *tx, const struct td_g_target *t,
                               struct td_view_page *ret, struct td_error *err)
{
    struct td_view_ask ask;
    td_g_ask(call, t->set, call->query, &ask);
    narrow(call, t, &ask);
    td_try(td_g_page(call, tx, t->set, &ask, ret, err));
    if (call->query->top == 0)
        ret->count = 0;
    return TD_OK;
}

static void open_list(struct td_g_call *call, const char *context_tail, const struct td_view_page *page,
                      struct td_jsonw *w)
{
    td_jsonw_init(w, call->out);
    td_jsonw_obj(w);
    td_g_context(call, call->set, context_tail, w);
    if (page->total >= 0)
        td_jsonw_kint(w, "@odata.count", page->total);
    if (page->next != NULL && call->query->top != 0)
        td_jsonw_kstr(w, "@odata.nextLink", next_link(call, page->next));
    td_jsonw_key(w, "value");
    td_jsonw_arr(w);
}

static enum td_code close_list(struct td_g_call *call, struct td_jsonw *w, struct td_error *err)
{
    td_jsonw_arr_end(w);
    td_jsonw_end(w);
    call->answered = true;
    return td_buf_check(call->out, "answer", err);
}

static enum td_code read_more(struct td_g_call *call, struct td_tx *tx, const struct td_g_set *set,
                              const struct td_view_row *rows, size_t count, struct td_error *err)
{
    return set->more != NULL && count != 0 ? set->more(call, tx, rows, count, err) : TD_OK;
}

enum td_code td_g_reply_list(struct td_g_call *call, struct td_tx *tx, const struct td_g_target *t,
                             struct td_error *err)
{
    struct td_view_page page = {.total = -1};
    struct td_jsonw w;
    if ((t->set->flags & TD_G_NO_LIST) != 0) {
        td_g_not_offered(err, "this list");
        return TD_ENOTOFFERED;
    }
    td_try(first_page(call, tx, t, &page, err));
    td_try(read_more(call, tx, t->set, page.rows, page.count, err));
    const char *tail = t->cast != NULL ? td_arena_printf(call->arena, "/microsoft.graph.%s", t->cast->name) : "";
    open_list(call, tail, &page, &w);
    for (size_t i = 0; i < page.count; i++)
        td_try(td_g_write_entity(call, tx, t->set, &page.rows[i], true, &w, err));
    return close_list(call, &w, err);
}

enum td_code td_g_reply_count(struct td_g_call *call, struct td_tx *tx, const struct td_g_target *t,
                              struct td_error *err)
{
    struct td_view_page page = {.total = -1};
    struct td_view_ask ask;
    td_g_ask(call, t->set, call->query, &ask);
    narrow(call, t, &ask);
    ask.count = true;
    ask.top = 1;
    ask.after = NULL;
    td_try(td_g_page(call, tx, t->set, &ask, &page, err));
    td_buf_addu(call->out, page.total > 0 ? (uint64_t)page.total : 0);
    call->answered = true;
    return TD_OK;
}

enum td_code td_g_reply_refs(struct td_g_call *call, struct td_tx *tx, const struct td_g_target *t,
                             struct td_error *err)
{
    struct td_view_page page = {.total = -1};
    struct td_jsonw w;
    bool directory = (t->set->flags & TD_G_DIRECTORY) != 0;
    td_try(first_page(call, tx, t, &page, err));
    open_list(call, "/$ref", &page, &w);
    const char *path = directory ? "directoryObjects" : td_g_fill_path(call, t->set->path, false);
    for (size_t i = 0; i < page.count; i++) {
        td_jsonw_obj(&w);
        td_jsonw_kstr(&w, "@odata.id",
                      td_arena_printf(call->arena, "%s/%s/%s/%s", call->req->base, call->version, path,
                                      td_view_text(&page.rows[i], "id")));
        td_jsonw_end(&w);
    }
    return close_list(call, &w, err);
}

enum td_code td_g_reply_one(struct td_g_call *call, struct td_tx *tx, const struct td_view_row *row,
                            struct td_error *err)
{
    struct td_jsonw w;
    td_buf_reset(call->out);
    td_jsonw_init(&w, call->out);
    td_try(read_more(call, tx, call->set, row, 1, err));
    td_try(td_g_write_entity(call, tx, call->set, row, false, &w, err));
    call->answered = true;
    return td_buf_check(call->out, "answer", err);
}

enum td_code td_g_reply_property(struct td_g_call *call, struct td_tx *tx, const struct td_g_prop *prop,
                                 struct td_error *err)
{
    struct td_jsonw w;
    const struct td_view_row *row = call->row;
    if ((prop->flags & TD_G_SECRET) != 0)
        return td_fail(err, TD_EDENIED, prop->name, "this property is never shown");
    td_try(read_more(call, tx, call->set, row, 1, err));
    td_jsonw_init(&w, call->out);
    td_jsonw_obj(&w);
    td_g_context(call, call->set, td_arena_printf(call->arena, "('%s')/%s", td_view_text(row, "id"), prop->name), &w);
    td_jsonw_key(&w, "value");
    td_g_write_value(call, row, prop, td_view_column_at(row->view, td_str(prop->name)), "", &w);
    td_jsonw_end(&w);
    call->answered = true;
    return td_buf_check(call->out, "answer", err);
}

char *td_g_etag(struct td_g_call *call, const struct td_view_row *row)
{
    int64_t changed = td_view_int(row, "lastModifiedDateTime");
    return changed != 0 ? td_arena_printf(call->arena, "W/\"%llx\"", (unsigned long long)changed) : NULL;
}

void td_g_open_collection(struct td_g_call *call, const char *type, struct td_jsonw *w)
{
    td_buf_reset(call->out);
    td_jsonw_init(w, call->out);
    td_jsonw_obj(w);
    if (call->metadata != TD_G_NONE)
        td_jsonw_kstr(w, "@odata.context",
                      td_arena_printf(call->arena, "%s/%s/$metadata#Collection(%s%s)", call->req->base, call->version,
                                      strncmp(type, "Edm.", 4) == 0 ? "" : "microsoft.graph.", type));
    td_jsonw_key(w, "value");
    td_jsonw_arr(w);
}

void td_g_close_collection(struct td_g_call *call, struct td_jsonw *w)
{
    td_jsonw_arr_end(w);
    td_jsonw_end(w);
    call->answered = true;
}
