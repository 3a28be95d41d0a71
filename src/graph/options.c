/* What a caller asks beside the path: $select, $expand, paging, metadata level, preferences (graph-api.md 2.1, 2.2,
 * 2.6). $filter and $orderby are checked by the view. */
#include "base/fault.h"
#include "graph/room.h"
#include "graph/types.h"

static struct td_slice first_of(const char *path)
{
    struct td_slice s = td_str(path), head;
    if (td_istarts(s, "microsoft.graph.")) /* a cast: microsoft.graph.x/name */
        s = td_cut(s, '/', &head);
    (void)td_cut(s, '/', &head);
    return head;
}

/* The type or one that stands on it has it: lists hold both. */
static bool knows(const struct td_g_type *type, struct td_slice name, const struct td_g_nav **ret_nav)
{
    const struct td_g_nav *nav = td_g_nav(type, name);
    bool prop = td_g_prop(type, name) != NULL;
    for (size_t i = 0; nav == NULL && !prop && td_g_types[i] != NULL; i++)
        if (td_g_is_a(td_g_types[i], type)) {
            nav = td_g_nav(td_g_types[i], name);
            prop = td_g_prop(td_g_types[i], name) != NULL;
        }
    *ret_nav = nav;
    return prop || nav != NULL;
}

static enum td_code check_names(const struct td_g_set *set, const struct td_od_query *q, struct td_error *err)
{
    const struct td_g_nav *nav;
    for (size_t i = 0; i < q->select_count; i++) {
        struct td_slice name = first_of(q->select[i]);
        if (!td_eqs(name, "*") && !td_starts(name, "@") && !knows(set->type, name, &nav))
            return td_fail(err, TD_EINVAL, "$select",
                           "Could not find a property named '%.60s' on type "
                           "'microsoft.graph.%s'.",
                           q->select[i], set->type->name);
    }
    for (size_t i = 0; i < q->expand_count; i++) {
        (void)knows(set->type, first_of(q->expand[i].path), &nav);
        if (nav == NULL && !td_eqs(first_of(q->expand[i].path), "*") &&
            !td_istarts(td_str(q->expand[i].path), "microsoft.graph."))
            return td_fail(err, TD_EINVAL, "$expand",
                           "Could not find a navigation property named '%.60s' on type "
                           "'microsoft.graph.%s'.",
                           q->expand[i].path, set->type->name);
    }
    return TD_OK;
}

/* What may be compared and ordered by: what an answer may show. Columns that only help and values that are never shown
 * can't be asked for by guessing at them. */
static enum td_code check_path(const struct td_g_set *set, const char *path, const char *option, struct td_error *err)
{
    struct td_slice name = first_of(path);
    const struct td_g_prop *prop = td_g_prop(set->type, name);
    if (td_istarts(td_str(path), "microsoft.graph.") && td_view_column_at(set->view, td_str(path)) >= 0)
        return TD_OK; /* of a type that we do not have: a column stands for it under its whole name */
    for (size_t i = 0; prop == NULL && td_g_types[i] != NULL; i++)
        if (td_g_is_a(td_g_types[i], set->type))
            prop = td_g_prop(td_g_types[i], name);
    if (prop == NULL || ((prop->flags & TD_G_SECRET) != 0 && !td_fault("graph-secret-asked")))
        return td_fail(err, TD_EINVAL, option, "Could not find a property named '%.60s' on type 'microsoft.graph.%s'.",
                       path, set->type->name);
    return TD_OK;
}

static enum td_code check_filter(const struct td_g_set *set, const struct td_od_expr *e, struct td_error *err)
{
    if (e == NULL)
        return TD_OK;
    if (e->path != NULL && !e->item && e->op != TD_OD_ISOF)
        td_try(check_path(set, e->path, "$filter", err));
    td_try(check_filter(set, e->left, err));
    return check_filter(set, e->right, err);
}

enum { DIRECTORY_MAX_TOP = 999 };

enum td_code td_g_check_options(struct td_g_call *call, const struct td_g_set *set, struct td_error *err)
{
    const struct td_od_query *q = call->query;
    bool directory = (set->flags & TD_G_DIRECTORY) != 0;
    if (set->view == NULL && set->rows == NULL) /* an empty list: every property may be asked for */
        return TD_OK;
    td_try(check_names(set, q, err));
    td_try(check_filter(set, q->filter, err));
    for (size_t i = 0; i < q->order_count; i++)
        td_try(check_path(set, q->order[i].path, "$orderby", err));
    if (q->search_property != NULL)
        td_try(check_path(set, q->search_property, "$search", err));
    if (directory && q->search != NULL && !call->eventual)
        return td_remedy(err,
                         td_fail(err, TD_EINVAL, "$search",
                                 "Request with $search query parameter only works "
                                 "through MSGraph with a special request header"),
                         "send 'ConsistencyLevel: eventual'");
    if (directory && q->top > DIRECTORY_MAX_TOP)
        return td_fail(err, TD_EINVAL, "$top",
                       "Invalid page size specified: '%lld'. Must be between 1 and %d inclusive", (long long)q->top,
                       DIRECTORY_MAX_TOP);
    return TD_OK;
}

bool td_g_selected(const struct td_od_query *q, const char *name)
{
    for (size_t i = 0; i < q->select_count; i++)
        if (td_ieqs(first_of(q->select[i]), name))
            return true;
    return false;
}

bool td_g_shown(const struct td_g_call *call, const struct td_g_set *set, const struct td_g_prop *prop)
{
    bool beta = call->beta || (set->flags & TD_G_BETA_SHAPE) != 0 || set->type->beta;
    const struct td_od_query *q = call->query;
    if (((prop->flags & TD_G_BETA) != 0 && !beta) || ((prop->flags & TD_G_V1) != 0 && call->beta) ||
        ((prop->flags & TD_G_SECRET) != 0 && !td_fault("graph-secret-shown")))
        return false;
    if (td_g_selected(q, prop->name))
        return true;
    bool beside = set->told != NULL && td_g_selected(q, set->told);
    return (prop->flags & TD_G_ASKED) == 0 && (q->select_count == 0 || beside || td_g_selected(q, "*"));
}

/* "odata.metadata=full" in a media type, with or without "odata." and blanks. */
static enum td_g_metadata level_of(struct td_slice text)
{
    static const char name[] = "metadata=";
    size_t at = td_search(text, TD_S("metadata="));
    struct td_slice level = at != SIZE_MAX ? td_trim(td_sub(text, at + sizeof(name) - 1, text.n)) : TD_S("");
    return td_istarts(level, "full") ? TD_G_FULL : td_istarts(level, "none") ? TD_G_NONE : TD_G_MINIMAL;
}

enum td_g_metadata td_g_metadata_asked(const struct td_http_request *req, const struct td_od_query *q)
{
    if (q->metadata != NULL)
        return td_ieqs(td_str(q->metadata), "full")   ? TD_G_FULL
               : td_ieqs(td_str(q->metadata), "none") ? TD_G_NONE
                                                      : TD_G_MINIMAL;
    char *accept = td_arena_text(req->arena, td_sub(td_http_header(req, "Accept"), 0, 1024));
    td_lower(accept);
    return level_of(td_str(accept));
}

struct td_slice td_g_preference(const struct td_http_request *req, const char *name)
{
    struct td_slice rest = td_http_header(req, "Prefer"), one;
    while (rest.n != 0) {
        struct td_slice key;
        rest = td_cut(rest, ',', &one);
        struct td_slice value = td_cut(td_trim(one), '=', &key);
        key = td_trim(key);
        if (td_ieqs(key, name) || (td_istarts(td_str(name), "odata.") && td_ieqs(key, name + 6))) {
            value = td_trim(value);
            return value.n >= 2 && value.p[0] == '"' ? td_sub(value, 1, value.n - 2) : value;
        }
    }
    return (struct td_slice){NULL, 0};
}

enum { DEFAULT_PAGE = 100 };

static size_t page_size(const struct td_g_call *call, const struct td_g_set *set, const struct td_od_query *q)
{
    uint64_t wanted = 0;
    if (q->top > 0)
        wanted = (uint64_t)q->top;
    else if (!td_parse_u64(td_g_preference(call->req, "odata.maxpagesize"), &wanted) || wanted == 0)
        wanted = set->page != 0 ? set->page : DEFAULT_PAGE;
    return wanted < TD_VIEW_MAX_TOP ? (size_t)wanted : TD_VIEW_MAX_TOP;
}

void td_g_ask(struct td_g_call *call, const struct td_g_set *set, const struct td_od_query *q, struct td_view_ask *ret)
{
    *ret = (struct td_view_ask){.filter = q->filter,
                                .order = q->order,
                                .order_count = q->order_count,
                                .search = q->search,
                                .search_property = q->search_property,
                                .after = q->skiptoken,
                                .top = page_size(call, set, q),
                                .skip = q->skip > 0 ? q->skip : 0,
                                .count = q->count};
    if (set->newest != NULL && q->order_count == 0) {
        struct td_od_order *order = td_arena_new(call->arena, struct td_od_order);
        *order = (struct td_od_order){.path = set->newest, .descending = true};
        ret->order = order;
        ret->order_count = 1;
    }
}
