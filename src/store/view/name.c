/* Names, literals and tokens of views: what the SQL and the rows in memory have in common. */
#include "base/encode.h"
#include "base/fault.h"
#include "codec/json.h"
#include "store/view/room.h"

#include <stdio.h>

enum { MAX_TOKEN = 8192, MAX_TOKEN_TEXT = 11000 };

/* Year 1 in microseconds: how "never" is written (graph-api.md 0). */
#define YEAR_ONE INT64_C(-62135596800000000)

int td_view_column_at(const struct td_view *v, struct td_slice name)
{
    for (size_t i = 0; i < v->count; i++)
        if (td_ieqs(name, v->columns[i].name))
            return (int)i;
    return -1;
}

static int at_path(const struct td_view *v, const char *path)
{
    struct td_slice s = td_str(path), cast;
    int at = td_view_column_at(v, s);
    if (at >= 0 || !td_istarts(s, "microsoft.graph."))
        return at;
    return td_view_column_at(v, td_cut(s, '/', &cast)); /* another type's property has no column or is null */
}

enum td_code td_view_named(const struct td_view *v, const char *path, const struct td_view_column **ret,
                           struct td_error *err)
{
    int at = path[0] != '~' ? at_path(v, path) : -1;
    if (at < 0)
        return td_remedy(err, td_fail(err, TD_EINVAL, path, "Could not find a property named '%.100s'", path),
                         "name a property of the resource that can be filtered and ordered by");
    *ret = &v->columns[at];
    return TD_OK;
}

const struct td_view_value *td_view_value(const struct td_view_row *r, const char *name)
{
    int at = td_view_column_at(r->view, td_str(name));
    return at >= 0 && !r->values[at].null ? &r->values[at] : NULL;
}

const char *td_view_text(const struct td_view_row *r, const char *name)
{
    const struct td_view_value *v = td_view_value(r, name);
    return v != NULL && v->text != NULL ? v->text : "";
}

int64_t td_view_int(const struct td_view_row *r, const char *name)
{
    const struct td_view_value *v = td_view_value(r, name);
    return v != NULL ? v->num : 0;
}

const char *td_view_lower(struct td_arena *a, const char *text)
{
    char *s = td_arena_strdup(a, text);
    td_lower(s);
    return s;
}

static enum td_code wrong_type(const struct td_view_column *c, const struct td_od_value *value, struct td_error *err)
{
    static const char *const wanted[] = {
        [TD_V_TEXT] = "a text in single quotes",
        [TD_V_INT] = "a whole number",
        [TD_V_BOOL] = "true or false",
        [TD_V_TIME] = "a time such as 2026-01-02T03:04:05Z, without quotes",
        [TD_V_ENUM] = "one of its words in single quotes",
        [TD_V_TEXTS] = "a text in single quotes",
        [TD_V_JSON] = "nothing: it can't be filtered",
    };
    return td_remedy(err, td_fail(err, TD_EINVAL, c->name, "'%.60s' is no value of this property", value->text),
                     "compare it with %s", wanted[c->type]);
}

static enum td_code enum_literal(const struct td_view_column *c, const struct td_od_value *value, int64_t *ret,
                                 struct td_error *err)
{
    for (int i = 0; c->words[i] != NULL; i++) {
        if (value->kind == TD_OD_TEXT && td_ieqs(td_str(value->text), c->words[i])) {
            *ret = i;
            return TD_OK;
        }
    }
    return wrong_type(c, value, err);
}

enum td_code td_view_literal(const struct td_view_column *c, const struct td_od_value *value, struct td_arena *a,
                             struct td_view_literal *ret, struct td_error *err)
{
    enum td_od_kind k = value->kind;
    *ret = (struct td_view_literal){.null = k == TD_OD_NULL, .text = "", .num = value->num};
    if (ret->null)
        return TD_OK;
    if (td_view_is_text(c) && (k == TD_OD_TEXT || k == TD_OD_GUID)) {
        ret->text = td_view_lower(a, value->text);
        return TD_OK;
    }
    if (c->type == TD_V_ENUM)
        return enum_literal(c, value, &ret->num, err);
    if (c->type == TD_V_TIME && k == TD_OD_TIME) {
        ret->num = value->num <= YEAR_ONE ? 0 : value->num;
        return TD_OK;
    }
    if (c->type == TD_V_INT && k == TD_OD_REAL && value->real >= -9e15 && value->real <= 9e15 &&
        (double)(int64_t)value->real == value->real) {
        ret->num = (int64_t)value->real;
        return TD_OK;
    }
    return (c->type == TD_V_INT && k == TD_OD_INT) || (c->type == TD_V_BOOL && k == TD_OD_BOOL)
               ? TD_OK
               : wrong_type(c, value, err);
}

static bool for_texts(enum td_od_op op)
{
    return op == TD_OD_STARTSWITH || op == TD_OD_ENDSWITH || op == TD_OD_CONTAINS;
}

static enum td_code refuse(const char *name, const char *why, const char *remedy, struct td_error *err)
{
    return td_remedy(err, td_fail(err, TD_EINVAL, name, "%s", why), "%s", remedy);
}

/* Rows in memory have their values without an expression of SQL. */
static bool has_value(const struct td_view *v, const struct td_view_column *c)
{
    return c->type != TD_V_JSON && (c->sql != NULL || v->from == NULL);
}

/* A leaf on a property of its own, no list. */
static enum td_code check_single(const struct td_view *v, const struct td_view_column *c, const struct td_od_expr *e,
                                 struct td_error *err)
{
    if (c->type != TD_V_TEXTS && !has_value(v, c))
        return refuse(c->name, "this property can't be filtered", "filter by another property", err);
    if (for_texts(e->op) && !td_view_is_text(c))
        return refuse(c->name, "this function takes texts, and this property is none", "compare it with eq", err);
    if (for_texts(e->op) && (e->value_count != 1 || e->values[0].kind == TD_OD_NULL))
        return refuse(c->name, "this function needs a text to look for", "write it in single quotes", err);
    if (e->op == TD_OD_TRUE && c->type != TD_V_BOOL)
        return refuse(c->name, "this property is no Boolean and can't stand alone", "compare it with eq", err);
    if (e->op != TD_OD_TRUE && (e->value_count == 0 || (e->op != TD_OD_IN && e->value_count != 1)))
        return refuse(c->name, "this comparison needs one value", "write property, operator, value", err);
    return TD_OK;
}

enum td_code td_view_leaf(const struct td_view *v, const struct td_od_expr *e, const struct td_view_column *item,
                          const struct td_view_column **ret, struct td_error *err)
{
    const struct td_view_column *c = item;
    bool list = e->op == TD_OD_ANY || e->op == TD_OD_ALL;
    if (e->path == NULL || (e->item && (item == NULL || list)))
        return refuse("$filter", "a condition names no property", "write property, operator, value", err);
    if (e->item && e->path[0] != '\0')
        return refuse(item->name, "its items have no properties", "compare the item itself: x/any(i:i eq 'text')", err);
    if (!e->item)
        td_try(td_view_named(v, e->path, &c, err));
    if (list && (v->from != NULL ? c->items == NULL : c->type != TD_V_TEXTS))
        return refuse(c->name, "this property is no collection that can be filtered", "compare it with eq", err);
    if (!list && !e->item && c->type == TD_V_TEXTS)
        return refuse(c->name, "this property is a collection", "use any: x/any(i:i eq 'text')", err);
    if (!list)
        td_try(check_single(v, c, e, err));
    *ret = c;
    return TD_OK;
}

enum td_code td_view_types(const struct td_view *v, const struct td_view_ask *ask, const char *type,
                           const struct td_view_column **ret_column, const char *const **ret, struct td_error *err)
{
    int at = v->type_column != NULL ? td_view_column_at(v, td_str(v->type_column)) : -1;
    const char *const *list =
        ask->subtypes != NULL && at >= 0 ? ask->subtypes(type != NULL ? type : "", ask->subtypes_ctx) : NULL;
    if (list == NULL)
        return refuse("isof", "there is no such type among these resources", "name a type of this collection", err);
    *ret_column = &v->columns[at];
    *ret = list;
    return TD_OK;
}

enum td_code td_view_bounds(const struct td_view_ask *ask, struct td_error *err)
{
    if (ask->top < 1 || ask->top > TD_VIEW_MAX_TOP)
        return td_fail(err, TD_EINVAL, "$top", "must be from 1 to %d", TD_VIEW_MAX_TOP);
    if (ask->skip > TD_VIEW_MAX_SKIP)
        return td_remedy(err, td_fail(err, TD_EINVAL, "$skip", "must be at most %d", TD_VIEW_MAX_SKIP),
                         "follow @odata.nextLink instead");
    return TD_OK;
}

enum td_code td_view_order(const struct td_view *v, const struct td_view_ask *ask, struct td_view_order *ret,
                           struct td_error *err)
{
    const struct td_view_column *c = v->columns;
    *ret = (struct td_view_order){.count = 0};
    if (ask->order_count > TD_OD_MAX_ORDER)
        return td_fail(err, TD_ELIMIT, "$orderby", "takes at most %d properties", TD_OD_MAX_ORDER);
    for (size_t i = 0; i < ask->order_count; i++) {
        td_try(td_view_named(v, ask->order[i].path, &c, err));
        if (c->type == TD_V_TEXTS || !has_value(v, c))
            return refuse(c->name, "this property gives no order", "order by another property", err);
        ret->key_descending = ask->order[i].descending;
        if (strcmp(c->name, "id") == 0)
            break; /* unique: what stands behind it orders nothing */
        ret->column[ret->count] = c;
        ret->descending[ret->count++] = ask->order[i].descending;
    }
    return TD_OK;
}

/* Tells which question a token belongs to. No protection: a made-up token only asks for another place. */
static void digest(const struct td_view *v, const struct td_view_order *o, char ret[17])
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (size_t i = 0; i <= o->count; i++) {
        const char *s = i < o->count ? o->column[i]->name : v->name;
        for (; *s != '\0'; s++)
            h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
        h = (h ^ (i < o->count ? 1U + o->descending[i] : 3U + o->key_descending)) * UINT64_C(1099511628211);
    }
    (void)snprintf(ret, 17, "%016llx", (unsigned long long)h);
}

const char *td_view_token(const struct td_view *v, const struct td_view_order *o, const struct td_view_mark *mark,
                          struct td_arena *a)
{
    char of[17];
    struct td_jsonw w;
    TD_CLEANUP(td_buf_done) struct td_buf b;
    digest(v, o, of);
    td_buf_init(&b, MAX_TOKEN);
    td_jsonw_init(&w, &b);
    td_jsonw_arr(&w);
    td_jsonw_str(&w, of);
    for (size_t i = 0; i < o->count; i++) {
        if (mark->value[i].null)
            td_jsonw_null(&w);
        else if (td_view_is_text(o->column[i]))
            td_jsonw_str(&w, mark->value[i].text);
        else
            td_jsonw_int(&w, mark->value[i].num);
    }
    td_jsonw_str(&w, mark->key);
    td_jsonw_arr_end(&w);
    return b.failed ? NULL : td_b64url(a, td_buf_slice(&b));
}

static bool read_mark(const struct td_view_column *c, const struct td_json *j, struct td_view_literal *ret)
{
    *ret = (struct td_view_literal){.null = j->type == TD_JSON_NULL, .text = "", .num = j->num};
    if (j->type == TD_JSON_STRING && td_view_is_text(c))
        ret->text = j->str;
    return ret->null || j->type == (td_view_is_text(c) ? TD_JSON_STRING : TD_JSON_INT);
}

enum td_code td_view_token_read(const struct td_view *v, const struct td_view_order *o, const char *token,
                                struct td_arena *a, struct td_view_mark *ret, struct td_error *err)
{
    char of[17];
    struct td_slice json;
    struct td_json *list = NULL;
    struct td_slice text = td_str(token);
    digest(v, o, of);
    bool good = text.n <= MAX_TOKEN_TEXT && td_b64_decode(a, text, TD_B64_URL | TD_B64_NOPAD, &json) == TD_OK &&
                td_json_parse(json, MAX_TOKEN, a, &list, NULL) == TD_OK && list->type == TD_JSON_ARRAY &&
                td_json_count(list) == o->count + 2;
    const struct td_json *j = good ? list->child : NULL;
    good = good && j->type == TD_JSON_STRING && (strcmp(j->str, of) == 0 || td_fault("view-any-token"));
    for (size_t i = 0; good && i < o->count; i++) {
        j = j->next;
        good = read_mark(o->column[i], j, &ret->value[i]);
    }
    if (!good || j == NULL || j->next->type != TD_JSON_STRING)
        return refuse("$skiptoken", "this token belongs to another list or order",
                      "follow @odata.nextLink as it was given, or begin anew without it", err);
    ret->key = j->next->str;
    return TD_OK;
}
