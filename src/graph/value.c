/* One property's value as JSON, from a row's column or the property's own words (graph-api.md 0.8, 2.3). */
#include "base/encode.h"
#include "graph/room.h"

#include <string.h>

static const char year_one[] = "0001-01-01T00:00:00Z";

static void write_time(const struct td_g_prop *prop, int64_t us, struct td_jsonw *w)
{
    char text[TD_TIME_TEXT];
    if (us != 0)
        td_jsonw_str(w, us % TD_SECOND != 0 ? td_time_text_us(us, text) : td_time_text(us, text));
    else if ((prop->flags & TD_G_NULLABLE) != 0)
        td_jsonw_null(w);
    else
        td_jsonw_str(w, year_one);
}

static void write_lower(struct td_g_call *call, const char *text, struct td_jsonw *w)
{
    char *lower = td_arena_strdup(call->arena, text);
    td_lower(lower);
    td_jsonw_str(w, lower);
}

static void write_enum(const struct td_g_prop *prop, const struct td_view_value *v, struct td_jsonw *w)
{
    const struct td_g_enum *e = prop->of;
    const char *word = v->text != NULL ? v->text : td_g_enum_word(e, v->num);
    td_jsonw_str(w, word != NULL ? word : e->words[0]);
}

/* PT1H2M3S of microseconds. */
static void write_duration(struct td_g_call *call, const struct td_view_value *v, struct td_jsonw *w)
{
    if (v->text != NULL) {
        td_jsonw_str(w, v->text);
        return;
    }
    int64_t s = v->num / TD_SECOND;
    const char *text = "PT";
    if (s >= 3600)
        text = td_arena_printf(call->arena, "%s%lldH", text, (long long)(s / 3600));
    if (s % 3600 >= 60)
        text = td_arena_printf(call->arena, "%s%lldM", text, (long long)(s % 3600 / 60));
    if (s % 60 != 0 || s == 0)
        text = td_arena_printf(call->arena, "%s%lldS", text, (long long)(s % 60));
    td_jsonw_str(w, text);
}

static void write_kind(struct td_g_call *call, const struct td_g_prop *prop, const struct td_view_value *v,
                       struct td_jsonw *w)
{
    const char *text = v->text != NULL ? v->text : "";
    switch (prop->kind) {
    case TD_G_BOOL:
        td_jsonw_bool(w, v->num != 0);
        return;
    case TD_G_INT32:
    case TD_G_INT64:
        td_jsonw_int(w, v->num);
        return;
    case TD_G_TIME:
        write_time(prop, v->num, w);
        return;
    case TD_G_GUID:
        write_lower(call, text, w);
        return;
    case TD_G_ENUM:
        write_enum(prop, v, w);
        return;
    case TD_G_DURATION:
        write_duration(call, v, w);
        return;
    case TD_G_DOUBLE:
        v->text != NULL ? td_jsonw_raw(w, td_str(text)) : td_jsonw_int(w, v->num);
        return;
    case TD_G_COMPLEX:
        td_jsonw_raw(w, td_str(text));
        return;
    case TD_G_STRING:
    case TD_G_BINARY:
        td_jsonw_str(w, text);
        return;
    }
}

static void write_complex(struct td_g_call *call, const struct td_view_row *row, const struct td_g_type *type,
                          const char *prefix, struct td_jsonw *w);

/* What stands where the row has nothing. */
static void write_default(struct td_g_call *call, const struct td_g_prop *prop, struct td_jsonw *w)
{
    static const struct td_view_value nothing = {.text = NULL};
    if (prop->otherwise != NULL)
        td_jsonw_raw(w, td_str(prop->otherwise));
    else if ((prop->flags & TD_G_NULLABLE) != 0)
        td_jsonw_null(w);
    else if ((prop->flags & TD_G_MANY) != 0)
        td_jsonw_raw(w, TD_S("[]"));
    else if (prop->kind == TD_G_COMPLEX)
        write_complex(call, NULL, prop->of, "", w);
    else if (prop->kind == TD_G_ENUM)
        td_jsonw_str(w, ((const struct td_g_enum *)prop->of)->words[0]);
    else
        write_kind(call, prop, &nothing, w);
}

/* "state/" has columns "state/deviceImportStatus" and more. */
static bool has_columns_under(const struct td_view *v, const char *prefix)
{
    for (size_t i = 0; i < v->count; i++)
        if (td_istarts(td_str(v->columns[i].name), prefix))
            return true;
    return false;
}

static void write_members(struct td_g_call *call, const struct td_view_row *row, const struct td_g_type *type,
                          const char *prefix, struct td_jsonw *w)
{
    if (type->base != NULL)
        write_members(call, row, type->base, prefix, w);
    for (size_t i = 0; i < type->prop_count; i++) {
        const struct td_g_prop *p = &type->props[i];
        if (((p->flags & TD_G_BETA) != 0 && !call->beta && (call->set->flags & TD_G_BETA_SHAPE) == 0) ||
            ((p->flags & TD_G_V1) != 0 && call->beta) || (p->flags & TD_G_SECRET) != 0)
            continue;
        const char *name = td_arena_printf(call->arena, "%s%s", prefix, p->name);
        td_jsonw_key(w, p->name);
        td_g_write_value(call, row, p, row != NULL ? td_view_column_at(row->view, td_str(name)) : -1, prefix, w);
    }
}

static void write_complex(struct td_g_call *call, const struct td_view_row *row, const struct td_g_type *type,
                          const char *prefix, struct td_jsonw *w)
{
    td_jsonw_obj(w);
    write_members(call, row, type, prefix, w);
    td_jsonw_end(w);
}

void td_g_write_value(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop, int column,
                      const char *prefix, struct td_jsonw *w)
{
    const struct td_view_value *v = column >= 0 && row != NULL ? &row->values[column] : NULL;
    if (prop->write != NULL && row != NULL) {
        prop->write(call, row, prop, w);
        return;
    }
    if (v == NULL && row != NULL && prop->kind == TD_G_COMPLEX && (prop->flags & TD_G_MANY) == 0) {
        const char *under = td_arena_printf(call->arena, "%s%s/", prefix, prop->name);
        if (has_columns_under(row->view, under)) {
            write_complex(call, row, prop->of, under, w);
            return;
        }
    }
    bool json = (prop->flags & TD_G_MANY) != 0 || prop->kind == TD_G_COMPLEX;
    if (v == NULL || v->null || (json && (v->text == NULL || v->text[0] == '\0')))
        write_default(call, prop, w);
    else if (json)
        td_jsonw_raw(w, td_str(v->text));
    else
        write_kind(call, prop, v, w);
}
