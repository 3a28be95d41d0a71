/* An entity as JSON: properties of its type as the call asks for them, expansions, annotations by metadata level
 * (graph-api.md 2.3, 2.6). */
#include "base/encode.h"
#include "graph/room.h"

#include <string.h>

/* Which properties of a type are written, and the column of each: found once a call, used for every row. */
struct td_g_plan {
    const struct td_g_set *set;
    const struct td_view *view;
    const struct td_g_type *type;
    const struct td_od_query *query;
    struct planned {
        const struct td_g_prop *prop;
        int column;
        bool veiled;
    } * list;
    size_t count;
    const struct td_g_plan *next;
};

static bool veiled(const struct td_g_call *call, const struct td_g_prop *prop)
{
    return (prop->flags & TD_G_VEILED) != 0 && !td_g_selected(call->query, prop->name) &&
           !td_g_body_has(call, prop->name);
}

static void plan_type(struct td_g_call *call, struct td_g_plan *p, const struct td_g_type *type, size_t *cap)
{
    if (type->base != NULL)
        plan_type(call, p, type->base, cap);
    for (size_t i = 0; i < type->prop_count; i++) {
        const struct td_g_prop *prop = &type->props[i];
        if (!td_g_shown(call, p->set, prop))
            continue;
        p->list = td_arena_room(call->arena, p->list, p->count, cap, sizeof(*p->list));
        p->list[p->count++] =
            (struct planned){prop, td_view_column_at(p->view, td_str(prop->name)), veiled(call, prop)};
    }
}

static const struct td_g_plan *plan_for(struct td_g_call *call, const struct td_g_set *set,
                                        const struct td_view_row *row, const struct td_g_type *type)
{
    for (const struct td_g_plan *p = call->plans; p != NULL; p = p->next)
        if (p->set == set && p->view == row->view && p->type == type && p->query == call->query)
            return p;
    struct td_g_plan *p = td_arena_new(call->arena, struct td_g_plan);
    size_t cap = 0;
    *p = (struct td_g_plan){.set = set, .view = row->view, .type = type, .query = call->query, .next = call->plans};
    plan_type(call, p, type, &cap);
    call->plans = p;
    return p;
}

const struct td_g_type *td_g_row_type(const struct td_g_set *set, const struct td_view_row *row)
{
    const struct td_g_type *type = NULL;
    if (row->view->type_column != NULL)
        type = td_g_type_named(td_str(td_view_text(row, row->view->type_column)));
    return type != NULL ? type : set->type;
}

static void write_key(struct td_g_call *call, struct td_jsonw *w, const char *name, const char *annotation)
{
    td_jsonw_key(w, td_arena_printf(call->arena, "%s@odata.%s", name, annotation));
}

/* The OData name of a kind that JSON does not tell; NULL where it does. */
static const char *kind_name(struct td_g_call *call, const struct td_g_prop *prop)
{
    static const char *const names[] = {
        [TD_G_STRING] = "String", [TD_G_INT64] = "Int64",   [TD_G_TIME] = "DateTimeOffset",
        [TD_G_GUID] = "Guid",     [TD_G_BINARY] = "Binary", [TD_G_DURATION] = "Duration",
        [TD_G_BOOL] = "Boolean",  [TD_G_INT32] = "Int32",   [TD_G_DOUBLE] = "Double",
    };
    bool many = (prop->flags & TD_G_MANY) != 0;
    const char *name;
    if (prop->kind == TD_G_ENUM)
        name = td_arena_printf(call->arena, "microsoft.graph.%s", ((const struct td_g_enum *)prop->of)->name);
    else if (prop->kind == TD_G_COMPLEX)
        name = td_arena_printf(call->arena, "microsoft.graph.%s", ((const struct td_g_type *)prop->of)->name);
    else
        name = names[prop->kind];
    if (many)
        return td_arena_printf(call->arena, "#Collection(%s)", name);
    bool plain = prop->kind == TD_G_STRING || prop->kind == TD_G_BOOL || prop->kind == TD_G_INT32 ||
                 prop->kind == TD_G_DOUBLE || prop->kind == TD_G_COMPLEX;
    return plain ? NULL : td_arena_printf(call->arena, "#%s", name);
}

static char *key_text(struct td_g_call *call, const char *id)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, 4096);
    td_pct_add(&b, td_str(id));
    return td_arena_text(call->arena, td_buf_slice(&b));
}

/* Relative to the service root, as edit links are: deviceManagement/x('id'). */
static char *edit_link(struct td_g_call *call, const struct td_g_set *set, const struct td_view_row *row)
{
    char *path = td_g_fill_path(call, set->path, true);
    if ((set->flags & TD_G_SINGLETON) != 0)
        return path;
    return td_arena_printf(call->arena, "%s('%s')", path, key_text(call, td_view_text(row, "id")));
}

static void write_links(struct td_g_call *call, const struct td_g_type *type, const char *entity, struct td_jsonw *w)
{
    if (type->base != NULL)
        write_links(call, type->base, entity, w);
    for (size_t i = 0; i < type->nav_count; i++) {
        const struct td_g_nav *nav = &type->navs[i];
        if ((nav->flags & TD_G_BETA) != 0 && !call->beta && !type->beta)
            continue;
        const char *url =
            td_arena_printf(call->arena, "%s/%s/%s/%s", call->req->base, call->version, entity, nav->name);
        write_key(call, w, nav->name, "associationLink");
        td_jsonw_str(w, td_arena_printf(call->arena, "%s/$ref", url));
        write_key(call, w, nav->name, "navigationLink");
        td_jsonw_str(w, url);
    }
}

static void write_annotations(struct td_g_call *call, const struct td_g_set *set, const struct td_view_row *row,
                              const struct td_g_type *type, struct td_jsonw *w)
{
    bool full = call->metadata == TD_G_FULL;
    if (call->metadata == TD_G_NONE)
        return;
    if (full || type->show_type || type != set->type)
        td_jsonw_kstr(w, "@odata.type", td_arena_printf(call->arena, "#microsoft.graph.%s", type->name));
    if (!full)
        return;
    const char *link = edit_link(call, set, row);
    td_jsonw_kstr(w, "@odata.id", link);
    td_jsonw_kstr(w, "@odata.editLink", link);
}

static const struct td_g_nav *nav_named(const struct td_g_type *type, const char *path)
{
    struct td_slice s = td_str(path), head;
    if (td_istarts(s, "microsoft.graph."))
        s = td_cut(s, '/', &head);
    (void)td_cut(s, '/', &head);
    return td_g_nav(type, head);
}

static void write_null(const struct td_g_nav *nav, struct td_jsonw *w)
{
    if ((nav->flags & TD_G_MANY) != 0)
        td_jsonw_raw(w, TD_S("[]"));
    else
        td_jsonw_null(w);
}

enum { NESTED_IN_LIST = 100 }; /* elements of one relation where a list is expanded: the rest by its own link */

/* The relation's own list, from where it was cut off. */
static void write_nested_link(struct td_g_call *call, const struct td_g_set *nested, const struct td_g_nav *nav,
                              const char *token, struct td_jsonw *w)
{
    const struct td_od_query *q = call->query;
    bool own_order = q->filter != NULL || q->order_count != 0 || q->search != NULL;
    if (own_order) /* the token is good for the same question alone */
        token = "";
    write_key(call, w, nav->name, "nextLink");
    td_jsonw_str(w, td_arena_printf(call->arena, "%s/%s/%s%s%s", call->req->base, call->version,
                                    td_g_fill_path(call, nested->path, false),
                                    own_order ? "" : "?$skiptoken=", key_text(call, token)));
}

static enum td_code write_nested(struct td_g_call *call, struct td_tx *tx, const struct td_g_set *nested,
                                 const struct td_g_nav *nav, struct td_jsonw *w, struct td_error *err)
{
    struct td_view_ask ask;
    struct td_view_page page = {.count = 0};
    bool many = (nav->flags & TD_G_MANY) != 0;
    td_g_ask(call, nested, call->query, &ask);
    if (many && call->query->top < 0)
        ask.top = call->row != NULL ? TD_VIEW_MAX_TOP : NESTED_IN_LIST;
    td_try(td_g_page(call, tx, nested, &ask, &page, err));
    if (page.count == 0) {
        write_null(nav, w);
        return TD_OK;
    }
    if (many)
        td_jsonw_arr(w);
    for (size_t i = 0; i < (many ? page.count : 1); i++)
        td_try(td_g_write_entity(call, tx, nested, &page.rows[i], true, w, err));
    if (many)
        td_jsonw_arr_end(w);
    if (many && page.next != NULL)
        write_nested_link(call, nested, nav, page.next, w);
    return TD_OK;
}

/* Navigation by the nested set of its name: the row's key stands in the path for the moment. */
static enum td_code expand_by_set(struct td_g_call *call, struct td_tx *tx, const struct td_g_set *set,
                                  const struct td_view_row *row, const struct td_g_nav *nav, struct td_jsonw *w,
                                  struct td_error *err)
{
    bool single = (set->flags & TD_G_SINGLETON) != 0;
    const char *path = td_arena_printf(call->arena, "%s/%s%s", set->path, single ? "" : "{id}/", nav->name);
    const struct td_g_set *nested = td_g_set_at(td_str(path));
    size_t place = td_g_places(set->path);
    if (nested == NULL || place >= TD_G_MAX_KEYS)
        return td_fail(err, TD_ENOTOFFERED, "$expand", "the navigation '%s' is not offered for expansion", nav->name);
    td_try(td_access_check(call->who, nested->read, TD_ACCESS_READ, err));
    td_try(td_g_check_options(call, nested, err));
    const char *before = call->keys[place];
    const struct td_g_set *outer = call->set;
    call->keys[place] = single ? before : td_view_text(row, "id");
    call->set = nested;
    enum td_code rc = write_nested(call, tx, nested, nav, w, err);
    call->keys[place] = before;
    call->set = outer;
    return rc;
}

static enum td_code write_expand(struct td_g_call *call, struct td_tx *tx, const struct td_g_set *set,
                                 const struct td_view_row *row, const struct td_od_expand *x, struct td_jsonw *w,
                                 struct td_error *err)
{
    static const struct td_od_query plain = {.top = -1, .skip = -1};
    const struct td_g_nav *nav = nav_named(td_g_row_type(set, row), x->path);
    const struct td_od_query *outer = call->query;
    if (nav == NULL) /* of another derived type */
        return TD_OK;
    if (call->metadata != TD_G_NONE) {
        write_key(call, w, nav->name, "context");
        td_jsonw_str(w, td_arena_printf(call->arena, "%s/%s/$metadata#%s/%s%s", call->req->base, call->version,
                                        edit_link(call, set, row), nav->name,
                                        (nav->flags & TD_G_MANY) != 0 ? "" : "/$entity"));
    }
    td_jsonw_key(w, nav->name);
    call->query = x->options != NULL ? x->options : &plain;
    enum td_code rc =
        nav->expand != NULL ? nav->expand(call, tx, row, w, err) : expand_by_set(call, tx, set, row, nav, w, err);
    call->query = outer;
    return rc;
}

static enum td_code write_members(struct td_g_call *call, struct td_tx *tx, const struct td_g_set *set,
                                  const struct td_view_row *row, bool nested, struct td_jsonw *w, struct td_error *err)
{
    const struct td_g_type *type = td_g_row_type(set, row);
    const struct td_g_plan *plan = plan_for(call, set, row, type);
    td_jsonw_obj(w);
    if (!nested)
        td_g_context(call, set, "/$entity", w);
    write_annotations(call, set, row, type, w);
    for (size_t i = 0; i < plan->count; i++) {
        const struct td_g_prop *prop = plan->list[i].prop;
        const char *kind = call->metadata == TD_G_FULL ? kind_name(call, prop) : NULL;
        if (kind != NULL) {
            write_key(call, w, prop->name, "type");
            td_jsonw_str(w, kind);
        }
        td_jsonw_key(w, prop->name);
        td_g_write_value(call, plan->list[i].veiled ? NULL : row, prop, plan->list[i].column, "", w);
    }
    if (call->metadata == TD_G_FULL)
        write_links(call, type, edit_link(call, set, row), w);
    for (size_t i = 0; i < call->query->expand_count; i++)
        td_try(write_expand(call, tx, set, row, &call->query->expand[i], w, err));
    td_jsonw_end(w);
    return td_buf_check(w->out, "answer", err); /* too large: told at once, not after the last row */
}

enum td_code td_g_write_entity(struct td_g_call *call, struct td_tx *tx, const struct td_g_set *set,
                               const struct td_view_row *row, bool nested, struct td_jsonw *w, struct td_error *err)
{
    const struct td_g_set *outer = call->set;
    call->set = set; /* for those who write values */
    enum td_code rc = write_members(call, tx, set, row, nested, w, err);
    call->set = outer;
    return rc;
}
