#include "codec/odata.h"

/* A body is run over twice: once to learn whether and by how much it grows, once to write. What is no business of ours
 * (wrong words, a comma too many, missing brackets) goes on as it came and is refused by the strict reader. */
struct pass {
    struct td_slice in;
    size_t at;
    char *out; /* NULL while counting */
    size_t n;
    char before;     /* last mark or the kind of value before: one of {[,: or 'v' for a value, 0 at the beginning */
    bool held_comma; /* read, not yet written: it may be the last of its list */
    bool changed;
};

static void emit(struct pass *p, const char *text, size_t n)
{
    if (p->out != NULL && n != 0)
        memcpy(p->out + p->n, text, n);
    p->n += n;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_name_char(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '@' ||
           (!first && ((c >= '0' && c <= '9') || c == '.' || c == '-'));
}

/* Position behind the text that begins at from; the input's length if it does not end. */
static size_t string_end(struct td_slice in, size_t from)
{
    size_t i = from + 1;
    while (i < in.n && in.p[i] != '"')
        i += in.p[i] == '\\' ? 2 : 1;
    return TD_MIN(i + 1, in.n);
}

static size_t skip_blanks(struct td_slice in, size_t at)
{
    while (at < in.n && is_blank(in.p[at]))
        at++;
    return at;
}

static void flush_comma(struct pass *p)
{
    if (p->held_comma)
        emit(p, ",", 1);
    p->held_comma = false;
}

static void take_string(struct pass *p)
{
    const size_t end = string_end(p->in, p->at);
    flush_comma(p);
    emit(p, p->in.p + p->at, end - p->at);
    p->at = end;
    p->before = 'v';
}

static void take_word(struct pass *p)
{
    size_t end = p->at;
    while (end < p->in.n && is_name_char(p->in.p[end], false))
        end++;
    const size_t colon = skip_blanks(p->in, end);
    const bool name = (p->before == '{' || p->before == ',') && colon < p->in.n && p->in.p[colon] == ':';
    flush_comma(p);
    emit(p, "\"", name ? 1 : 0);
    emit(p, p->in.p + p->at, end - p->at);
    emit(p, "\"", name ? 1 : 0);
    p->changed = p->changed || name;
    p->at = end;
    p->before = 'v';
}

/* A comma behind a value waits: in front of a closing bracket it is dropped. */
static void take_comma(struct pass *p)
{
    if (p->held_comma || p->before != 'v') {
        flush_comma(p);
        emit(p, ",", 1);
    } else {
        p->held_comma = true;
    }
    p->before = ',';
    p->at++;
}

static void take_close(struct pass *p)
{
    p->changed = p->changed || p->held_comma;
    p->held_comma = false;
    emit(p, p->in.p + p->at++, 1);
    p->before = 'v';
}

static void take_other(struct pass *p, char c)
{
    flush_comma(p);
    emit(p, &c, 1);
    p->before = c == '{' || c == '[' || c == ':' ? c : 'v';
    p->at++;
}

/* Blanks go on as one: they may stand between words that must not become one. */
static void take_blanks(struct pass *p)
{
    const size_t end = skip_blanks(p->in, p->at);
    emit(p, " ", end != p->at ? 1 : 0);
    p->at = end;
}

static enum td_code run(struct pass *p, struct td_error *err)
{
    for (take_blanks(p); p->at < p->in.n; take_blanks(p)) {
        const char c = p->in.p[p->at];
        if (c == '\'')
            return td_fail(err, TD_EFORMAT, "body", "octet %zu: texts stand in double quotes", p->at + 1);
        if (c == '"')
            take_string(p);
        else if (is_name_char(c, true))
            take_word(p);
        else if (c == ',')
            take_comma(p);
        else if (c == '}' || c == ']')
            take_close(p);
        else
            take_other(p, c);
    }
    flush_comma(p);
    return TD_OK;
}

enum td_code td_od_json_strict(struct td_slice in, size_t max, struct td_arena *a, struct td_slice *ret,
                               struct td_error *err)
{
    if (in.n > max)
        return td_fail(err, TD_ELIMIT, "body", "longer than %zu octets", max);
    if (td_starts(in, "\xEF\xBB\xBF"))
        in = td_sub(in, 3, in.n);
    struct pass look = {.in = in};
    td_try(run(&look, err));
    if (look.before == 0) {
        *ret = TD_S("{}");
        return TD_OK;
    }
    if (!look.changed) {
        *ret = in;
        return TD_OK;
    }
    struct pass write = {.in = in, .out = td_arena_alloc(a, look.n + 1)};
    td_try(run(&write, err));
    *ret = td_bytes(write.out, write.n);
    return TD_OK;
}
