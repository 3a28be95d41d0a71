#include "base/encode.h"
#include "codec/odata_in.h"

/* A segment decoded into out, which has room for the whole path: '/' in quotes and parentheses and "%2F" kept in it;
 * *at moves behind it. */
static struct td_slice next_segment(struct td_slice path, size_t *at, char *out, struct td_arena *a)
{
    size_t n = 0;
    bool quoted = false, inside = false;
    for (; *at < path.n; n++) {
        const size_t width = path.p[*at] == '%' && *at + 2 < path.n ? 3 : 1;
        const struct td_slice raw = td_sub(path, *at, width), c = width == 1 ? raw : td_pct_decode(a, raw, false);
        const bool whole = c.n == 1;
        out[n] = whole ? c.p[0] : raw.p[0];
        if (out[n] == '/' && !(quoted && inside) && width == 1)
            break;
        inside = inside || out[n] == '(';
        quoted = quoted != (out[n] == '\'');
        *at += whole ? width : 1;
    }
    return td_bytes(out, n);
}

/* 'a''b' without its quotes; other texts as they are. */
static const char *undressed(struct td_slice value, struct td_arena *a)
{
    if (value.n < 2 || value.p[0] != '\'' || value.p[value.n - 1] != '\'')
        return td_arena_text(a, value);
    value = td_sub(value, 1, value.n - 2);
    char *out = td_arena_alloc(a, value.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < value.n; i++) {
        out[n++] = value.p[i];
        i += value.p[i] == '\'' && i + 1 < value.n && value.p[i + 1] == '\'';
    }
    return out;
}

static void read_argument(struct td_slice text, struct td_arena *a, struct td_od_argument *ret)
{
    struct td_slice name, value = td_cut(text, '=', &name);
    name = td_trim(name);
    if (name.n == text.n || !td_od_is_identifier(name)) {
        name = TD_S("");
        value = text;
    }
    ret->name = td_arena_text(a, name);
    ret->value = undressed(td_trim(value), a);
}

/* Where the argument that begins at from ends: a comma outside quotes, or the end. */
static size_t argument_end(struct td_slice s, size_t from)
{
    bool quoted = false;
    size_t end = from;
    for (; end < s.n && (quoted || s.p[end] != ','); end++)
        quoted = quoted != (s.p[end] == '\'');
    return end;
}

static enum td_code read_arguments(struct td_slice text, struct td_arena *a, struct td_od_segment *s,
                                   struct td_error *err)
{
    s->has_arguments = true;
    if (td_trim(text).n == 0)
        return TD_OK;
    for (size_t at = 0, end; at <= text.n; at = end + 1) {
        end = argument_end(text, at);
        if (s->argument_count == TD_COUNTOF(s->arguments))
            return td_fail(err, TD_ELIMIT, "path", "more than %zu arguments", TD_COUNTOF(s->arguments));
        read_argument(td_trim(td_sub(text, at, end - at)), a, &s->arguments[s->argument_count++]);
    }
    return TD_OK;
}

static enum td_code read_segment(struct td_slice text, struct td_arena *a, struct td_od_segment *s,
                                 struct td_error *err)
{
    if (!td_utf8_ok(text))
        return td_fail(err, TD_EFORMAT, "path", "not UTF-8");
    const size_t open = td_find(text, '('), equals = td_find(text, '=');
    if (open != SIZE_MAX && open != 0 && td_ends(text, ")")) {
        s->name = td_arena_text(a, td_sub(text, 0, open));
        return read_arguments(td_sub(text, open + 1, text.n - open - 2), a, s, err);
    }
    s->name = td_arena_text(a, text);
    if (open != SIZE_MAX || equals == SIZE_MAX || equals + 1 == text.n || !td_od_is_identifier(td_sub(text, 0, equals)))
        return TD_OK;
    s->is_key_value = true;
    read_argument(text, a, &s->arguments[s->argument_count++]);
    s->name = s->arguments[0].name;
    return TD_OK;
}

enum td_code td_od_path_parse(struct td_slice path, struct td_arena *a, struct td_od_path *ret, struct td_error *err)
{
    *ret = (struct td_od_path){0};
    if (path.n > TD_OD_MAX_TEXT)
        return td_fail(err, TD_ELIMIT, "path", "longer than %d octets", TD_OD_MAX_TEXT);
    if (path.n != 0 && path.p[0] == '/')
        path = td_sub(path, 1, path.n);
    char *scratch = td_arena_alloc(a, path.n + 1); /* one for all: a path may be nothing but '/' */
    for (size_t at = 0; path.n != 0 && at <= path.n; at++) {
        const struct td_slice text = next_segment(path, &at, scratch, a);
        if (text.n == 0) {
            ret->empty_segment = true;
            continue;
        }
        if (ret->count == TD_OD_MAX_SEGMENTS)
            return td_fail(err, TD_ELIMIT, "path", "more than %d segments", TD_OD_MAX_SEGMENTS);
        td_try(read_segment(text, a, &ret->segments[ret->count++], err));
    }
    return TD_OK;
}
