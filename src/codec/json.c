#include "codec/json.h"

#include "base/env.h"
#include "codec/json_plain.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

static enum td_code convert(struct td_arena *a, json_t *in, int depth, struct td_json **ret, struct td_error *err);

static enum td_code convert_member(struct td_arena *a, const char *name, json_t *in, int depth, struct td_json ***tail,
                                   struct td_error *err)
{
    struct td_json *child = NULL;
    td_try(convert(a, in, depth + 1, &child, err));
    child->name = name != NULL ? td_arena_strdup(a, name) : NULL;
    **tail = child;
    *tail = &child->next;
    return TD_OK;
}

static enum td_code convert_all(struct td_arena *a, json_t *in, int depth, struct td_json *out, struct td_error *err)
{
    struct td_json **tail = &out->child;
    const char *name;
    json_t *value;
    size_t i;
    if (json_is_array(in)) {
        json_array_foreach(in, i, value) td_try(convert_member(a, NULL, value, depth, &tail, err));
        return TD_OK;
    }
    json_object_foreach(in, name, value) td_try(convert_member(a, name, value, depth, &tail, err));
    return TD_OK;
}

static enum td_code convert(struct td_arena *a, json_t *in, int depth, struct td_json **ret, struct td_error *err)
{
    static const enum td_json_type types[] = {
        [JSON_OBJECT] = TD_JSON_OBJECT, [JSON_ARRAY] = TD_JSON_ARRAY, [JSON_STRING] = TD_JSON_STRING,
        [JSON_INTEGER] = TD_JSON_INT,   [JSON_REAL] = TD_JSON_REAL,   [JSON_TRUE] = TD_JSON_BOOL,
        [JSON_FALSE] = TD_JSON_BOOL,    [JSON_NULL] = TD_JSON_NULL};
    if (depth > TD_JSON_MAX_DEPTH)
        return td_fail(err, TD_ELIMIT, "json", "nested deeper than %d", TD_JSON_MAX_DEPTH);
    struct td_json *out = td_arena_new(a, struct td_json);
    out->type = types[json_typeof(in)];
    if (json_is_string(in))
        out->str = td_arena_strdup(a, json_string_value(in));
    else if (json_is_integer(in))
        out->num = json_integer_value(in);
    else if (json_is_real(in))
        out->real = json_real_value(in);
    out->num = json_is_true(in) ? 1 : out->num;
    *ret = out;
    return json_is_array(in) || json_is_object(in) ? convert_all(a, in, depth, out, err) : TD_OK;
}

/* Jansson recurses to 2,048 levels before it looks; a cheap count keeps hostile nesting away from its stack. */
static bool too_deep(struct td_slice in)
{
    int depth = 0;
    bool string = false;
    for (size_t i = 0; i < in.n; i++) {
        char c = in.p[i];
        if (string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                string = false;
        } else if (c == '"') {
            string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > TD_JSON_MAX_DEPTH)
                return true;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return false;
}

enum td_code td_json_engine(struct td_slice in, struct td_arena *a, struct td_json **ret, struct td_error *err)
{
    if (too_deep(in))
        return td_fail(err, TD_ELIMIT, "json", "nested deeper than %d", TD_JSON_MAX_DEPTH);
    json_error_t why;
    json_t *root = json_loadb(in.p, in.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (root == NULL)
        return td_fail(err, TD_EFORMAT, "json", "line %d column %d: %s", why.line, why.column, why.text);
    enum td_code rc = convert(a, root, 0, ret, err);
    json_decref(root);
    return rc;
}

enum td_code td_json_parse(struct td_slice in, size_t max, struct td_arena *a, struct td_json **ret,
                           struct td_error *err)
{
    if (in.n > max)
        return td_fail(err, TD_ELIMIT, "json", "more than %zu bytes", max);
    return td_json_plain(in, a, ret) ? TD_OK : td_json_engine(in, a, ret, err);
}

static const struct td_json *lookup(const struct td_json *object, const char *name, bool fold)
{
    if (object == NULL || object->type != TD_JSON_OBJECT)
        return NULL;
    for (const struct td_json *m = object->child; m != NULL; m = m->next)
        if (fold ? td_ieqs(td_str(m->name), name) : strcmp(m->name, name) == 0)
            return m;
    return NULL;
}

const struct td_json *td_json_get(const struct td_json *object, const char *name)
{
    return lookup(object, name, false);
}

const struct td_json *td_json_iget(const struct td_json *object, const char *name)
{
    return lookup(object, name, true);
}

const char *td_json_str(const struct td_json *object, const char *name)
{
    const struct td_json *v = td_json_get(object, name);
    return v != NULL && v->type == TD_JSON_STRING ? v->str : NULL;
}

int64_t td_json_int(const struct td_json *object, const char *name, int64_t otherwise)
{
    const struct td_json *v = td_json_get(object, name);
    return v != NULL && v->type == TD_JSON_INT ? v->num : otherwise;
}

bool td_json_bool(const struct td_json *object, const char *name, bool otherwise)
{
    const struct td_json *v = td_json_get(object, name);
    return v != NULL && v->type == TD_JSON_BOOL ? v->num != 0 : otherwise;
}

size_t td_json_count(const struct td_json *v)
{
    size_t n = 0;
    for (const struct td_json *m = v != NULL ? v->child : NULL; m != NULL; m = m->next)
        n++;
    return n;
}

void td_jsonw_init(struct td_jsonw *w, struct td_buf *out)
{
    *w = (struct td_jsonw){.out = out, .first = true};
}

static void separate(struct td_jsonw *w)
{
    if (!w->first && !w->after_key)
        td_buf_addc(w->out, ',');
    w->first = false;
    w->after_key = false;
}

static void open_with(struct td_jsonw *w, char c)
{
    separate(w);
    td_buf_addc(w->out, c);
    w->first = true;
}

static void close_with(struct td_jsonw *w, char c)
{
    td_buf_addc(w->out, c);
    w->first = false;
}

void td_jsonw_obj(struct td_jsonw *w)
{
    open_with(w, '{');
}

void td_jsonw_end(struct td_jsonw *w)
{
    close_with(w, '}');
}

void td_jsonw_arr(struct td_jsonw *w)
{
    open_with(w, '[');
}

void td_jsonw_arr_end(struct td_jsonw *w)
{
    close_with(w, ']');
}

/* Octets at the beginning of s that stand in a text as they are. */
static size_t plain_step(struct td_slice s)
{
    unsigned char c = (unsigned char)s.p[0];
    return c >= 0x80 ? td_utf8_step(s) : c >= 0x20 && c != '"' && c != '\\';
}

/* An octet that is no UTF-8 becomes the replacement character: one text that was cut must not spoil the whole answer.
 */
static void write_string(struct td_buf *out, struct td_slice s)
{
    size_t plain = 0; /* what needs no escape is copied at once */
    td_buf_addc(out, '"');
    for (size_t i = 0; i < s.n;) {
        size_t step = plain_step(td_sub(s, i, s.n));
        i += TD_MAX(step, 1);
        if (step != 0)
            continue;
        unsigned char c = (unsigned char)s.p[i - 1];
        td_buf_add(out, td_sub(s, plain, i - 1 - plain));
        plain = i;
        if (c >= 0x80)
            td_buf_adds(out, "\xEF\xBF\xBD");
        else
            td_buf_printf(out, c < 0x20 ? "\\u%04x" : "\\%c", c);
    }
    td_buf_add(out, td_sub(s, plain, s.n - plain));
    td_buf_addc(out, '"');
}

void td_jsonw_key(struct td_jsonw *w, const char *name)
{
    separate(w);
    write_string(w->out, td_str(name));
    td_buf_addc(w->out, ':');
    w->after_key = true;
}

void td_jsonw_slice(struct td_jsonw *w, struct td_slice value)
{
    separate(w);
    write_string(w->out, value);
}

void td_jsonw_raw(struct td_jsonw *w, struct td_slice json)
{
    separate(w);
    td_buf_add(w->out, json);
}

void td_jsonw_str(struct td_jsonw *w, const char *value)
{
    if (value == NULL)
        td_jsonw_null(w);
    else
        td_jsonw_slice(w, td_str(value));
}

void td_jsonw_int(struct td_jsonw *w, int64_t value)
{
    separate(w);
    td_buf_printf(w->out, "%lld", (long long)value);
}

void td_jsonw_bool(struct td_jsonw *w, bool value)
{
    td_jsonw_raw(w, value ? TD_S("true") : TD_S("false"));
}

void td_jsonw_null(struct td_jsonw *w)
{
    td_jsonw_raw(w, TD_S("null"));
}

/* A real stays a real when it is read again: "-0" or "3" would come back as integers. */
static void write_real(struct td_jsonw *w, double v)
{
    char text[40];
    (void)snprintf(text, sizeof(text), "%.17g", v);
    separate(w);
    td_buf_adds(w->out, isfinite(v) ? text : "null");
    if (isfinite(v) && strpbrk(text, ".e") == NULL)
        td_buf_adds(w->out, ".0");
}

void td_jsonw_tree(struct td_jsonw *w, const struct td_json *v)
{
    switch (v->type) {
    case TD_JSON_NULL:
        td_jsonw_null(w);
        break;
    case TD_JSON_BOOL:
        td_jsonw_bool(w, v->num != 0);
        break;
    case TD_JSON_INT:
        td_jsonw_int(w, v->num);
        break;
    case TD_JSON_REAL:
        write_real(w, v->real);
        break;
    case TD_JSON_STRING:
        td_jsonw_str(w, v->str);
        break;
    case TD_JSON_ARRAY:
    case TD_JSON_OBJECT:
        open_with(w, v->type == TD_JSON_ARRAY ? '[' : '{');
        for (const struct td_json *m = v->child; m != NULL; m = m->next) {
            if (m->name != NULL)
                td_jsonw_key(w, m->name);
            td_jsonw_tree(w, m);
        }
        close_with(w, v->type == TD_JSON_ARRAY ? ']' : '}');
        break;
    }
}

void td_jsonw_kstr(struct td_jsonw *w, const char *name, const char *value)
{
    td_jsonw_key(w, name);
    td_jsonw_str(w, value);
}

void td_jsonw_kint(struct td_jsonw *w, const char *name, int64_t value)
{
    td_jsonw_key(w, name);
    td_jsonw_int(w, value);
}

void td_jsonw_kbool(struct td_jsonw *w, const char *name, bool value)
{
    td_jsonw_key(w, name);
    td_jsonw_bool(w, value);
}

void td_jsonw_ktime(struct td_jsonw *w, const char *name, int64_t us)
{
    char text[TD_TIME_TEXT];
    td_jsonw_kstr(w, name, us != 0 ? td_time_text(us, text) : NULL);
}
