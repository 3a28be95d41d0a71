/* The rows behind a path: a set's page, the entity that a key names, and everything on the way to it. */
#include "base/fault.h"
#include "graph/room.h"
#include "graph/types.h"

#include <string.h>

enum td_code td_g_missing(const struct td_g_set *set, const char *key, struct td_error *err)
{
    return td_fail(err, TD_ENOTFOUND, "",
                   "Resource '%.80s' does not exist in '%.80s' or one of its references is not "
                   "there.",
                   key, set->path);
}

size_t td_g_places(const char *path)
{
    size_t n = 0;
    for (; *path != '\0'; path++)
        n += *path == '{';
    return n;
}

/* The key that stands before the set's own: its parent's. */
static const char *parent_key(const struct td_g_call *call, const struct td_g_set *set)
{
    size_t places = td_g_places(set->path);
    return set->parent != NULL && places != 0 ? call->keys[places - 1] : NULL;
}

/* isof(T): the names of T and of what stands on it. */
static const char *const *subtypes(const char *type, void *ctx)
{
    struct td_g_call *call = ctx;
    const struct td_g_type *base = td_g_type_named(td_str(type));
    size_t n = 0, cap = 0;
    const char **list = td_arena_room(call->arena, NULL, 0, &cap, sizeof(*list));
    for (size_t i = 0; base != NULL && td_g_types[i] != NULL; i++)
        if (td_g_is_a(td_g_types[i], base)) {
            list = td_arena_room(call->arena, list, n, &cap, sizeof(*list));
            list[n++] = td_g_types[i]->name;
        }
    list = td_arena_room(call->arena, list, n, &cap, sizeof(*list));
    list[n] = NULL;
    return list;
}

static enum td_code page_in_memory(struct td_g_call *call, struct td_tx *tx, const struct td_g_set *set,
                                   const struct td_view_ask *ask, struct td_view_page *ret, struct td_error *err)
{
    struct td_view_row *rows = NULL;
    size_t count = 0;
    if (set->rows != NULL)
        td_try(set->rows(call, tx, &rows, &count, err));
    if (set->view == NULL) { /* nothing is ever in there: nothing to ask of it */
        *ret = (struct td_view_page){.total = ask->count ? 0 : -1};
        return TD_OK;
    }
    return td_view_page_rows(rows, count, ask, set->items, call->arena, ret, err);
}

enum td_code td_g_page(struct td_g_call *call, struct td_tx *tx, const struct td_g_set *set,
                       const struct td_view_ask *ask, struct td_view_page *ret, struct td_error *err)
{
    struct td_view_ask asked = *ask;
    const char *parent = parent_key(call, set);
    asked.subtypes = subtypes;
    asked.subtypes_ctx = call;
    if (set->rows != NULL || set->view == NULL)
        return page_in_memory(call, tx, set, &asked, ret, err);
    if (parent != NULL)
        asked.equals[asked.equal_count++] = (struct td_view_equal){set->parent, parent};
    return td_view_page(tx, call->tenant, set->view, &asked, call->arena, ret, err);
}

static enum td_code row_with(struct td_g_call *call, struct td_tx *tx, const struct td_g_set *set, const char *column,
                             const char *value, struct td_view_row *ret, struct td_error *err)
{
    struct td_view_ask ask = {.top = 1, .skip = 0};
    struct td_view_page page = {.count = 0};
    if (column != NULL)
        ask.equals[ask.equal_count++] = (struct td_view_equal){column, value};
    td_try(td_g_page(call, tx, set, &ask, &page, err));
    if (page.count == 0)
        return td_g_missing(set, value, err);
    *ret = page.rows[0];
    return TD_OK;
}

enum td_code td_g_row(struct td_g_call *call, struct td_tx *tx, const struct td_g_set *set, const char *name,
                      const char *key, struct td_view_row *ret, struct td_error *err)
{
    enum td_code rc;
    if ((set->flags & TD_G_SINGLETON) != 0)
        return row_with(call, tx, set, NULL, "", ret, err);
    if (set->view == NULL || key[0] == '\0')
        return td_g_missing(set, key, err);
    if (name[0] != '\0' && !td_ieqs(td_str(name), "id")) {
        if (td_view_column_at(set->view, td_str(name)) < 0)
            return td_fail(err, TD_EINVAL, name, "entities of '%s' have no such key", set->path);
        return row_with(call, tx, set, name, key, ret, err);
    }
    if (set->rows != NULL || set->parent != NULL)
        rc = row_with(call, tx, set, "id", key, ret, err);
    else
        rc = td_view_one(tx, call->tenant, set->view, key, call->arena, ret, err);
    if (rc == TD_ENOTFOUND && set->alternate != NULL)
        return row_with(call, tx, set, set->alternate, key, ret, err);
    return rc == TD_ENOTFOUND ? td_g_missing(set, key, err) : rc;
}

/* The part of the path before its n-th place: "groups" of "groups/{id}/members" and 0. */
static struct td_slice before_place(const char *path, size_t n)
{
    const char *p = path;
    for (p = strchr(p, '{'); p != NULL && n != 0; n--)
        p = strchr(p + 1, '{');
    return p != NULL ? td_bytes(path, (size_t)(p - path) - 1) : td_str(path);
}

static enum td_code resolve(struct td_g_call *call, struct td_tx *tx, const struct td_g_set *set, size_t n,
                            const char *name, struct td_view_row *ret, struct td_error *err)
{
    td_try(td_g_row(call, tx, set, name, n < TD_G_MAX_KEYS && call->keys[n] != NULL ? call->keys[n] : "", ret, err));
    const char *id = td_view_text(ret, "id");
    if (n < TD_G_MAX_KEYS && call->keys[n] != NULL && id[0] != '\0')
        call->keys[n] = id;
    return TD_OK;
}

enum td_code td_g_walk(struct td_g_call *call, struct td_tx *tx, const struct td_g_target *t, bool with_last,
                       struct td_error *err)
{
    struct td_view_row row;
    size_t places = td_g_places(t->set->path);
    for (size_t i = 0; i < places; i++) {
        const struct td_g_set *on_way = td_g_set_at(before_place(t->set->path, i));
        if (on_way != NULL && !td_fault("graph-parent-unseen"))
            td_try(resolve(call, tx, on_way, i, t->key_names[i], &row, err));
    }
    if (!with_last)
        return TD_OK;
    struct td_view_row *last = td_arena_new(call->arena, struct td_view_row);
    const char *name = places < t->key_count ? t->key_names[places] : "";
    td_try(resolve(call, tx, t->set, places, name, last, err));
    if (t->cast != NULL && !td_g_is_a(td_g_row_type(t->set, last), t->cast))
        return td_g_missing(t->set, td_view_text(last, "id"), err);
    call->row = last;
    return TD_OK;
}

struct td_view_row *td_g_rows_of_texts(struct td_g_call *call, const struct td_view *view, const char *const *texts,
                                       size_t count)
{
    struct td_view_row *rows = td_arena_array(call->arena, struct td_view_row, count);
    for (size_t i = 0; i < count; i++) {
        rows[i].view = view;
        rows[i].values = td_arena_array(call->arena, struct td_view_value, view->count);
        for (size_t c = 0; c < view->count; c++) {
            const char *text = texts[i * view->count + c];
            rows[i].values[c] = (struct td_view_value){.null = text == NULL, .text = text};
        }
    }
    return rows;
}
