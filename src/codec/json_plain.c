/* Plain JSON: ASCII without escapes, whole numbers, few members an object, which is what nearly everybody sends. What
 * is read here reads the same in Jansson, which takes ten times as long and judges all the rest. */
#include "codec/json_plain.h"

enum { DIGITS_MAX = 18, MEMBERS_MAX = 64 };

struct reader {
    const char *p, *end;
    struct td_arena *a;
};

static bool value(struct reader *r, int depth, struct td_json *out);

static void skip_blanks(struct reader *r)
{
    while (r->p != r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
        r->p++;
}

static bool taken(struct reader *r, char c)
{
    skip_blanks(r);
    if (r->p == r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

/* Behind the opening quote. */
static bool text(struct reader *r, const char **ret)
{
    const char *begin = r->p;
    while (r->p != r->end && *r->p >= ' ' && *r->p < 0x7f && *r->p != '"' && *r->p != '\\')
        r->p++;
    if (r->p == r->end || *r->p != '"')
        return false;
    *ret = td_arena_text(r->a, td_bytes(begin, (size_t)(r->p - begin)));
    r->p++;
    return true;
}

static bool number(struct reader *r, struct td_json *out)
{
    bool minus = *r->p == '-';
    const char *begin = r->p += minus;
    int64_t n = 0;
    for (; r->p != r->end && *r->p >= '0' && *r->p <= '9' && r->p - begin < DIGITS_MAX; r->p++)
        n = n * 10 + (*r->p - '0');
    bool zeros = r->p - begin > 1 && *begin == '0';
    bool more = r->p != r->end && ((*r->p >= '0' && *r->p <= '9') || *r->p == '.' || *r->p == 'e' || *r->p == 'E');
    *out = (struct td_json){.type = TD_JSON_INT, .num = minus ? -n : n};
    return r->p != begin && !zeros && !more;
}

static bool word(struct reader *r, struct td_json *out)
{
    static const struct {
        struct td_slice text;
        struct td_json value;
    } words[] = {{{"true", 4}, {.type = TD_JSON_BOOL, .num = 1}},
                 {{"false", 5}, {.type = TD_JSON_BOOL}},
                 {{"null", 4}, {.type = TD_JSON_NULL}}};
    for (size_t i = 0; i < TD_COUNTOF(words); i++)
        if ((size_t)(r->end - r->p) >= words[i].text.n && memcmp(r->p, words[i].text.p, words[i].text.n) == 0) {
            *out = words[i].value;
            r->p += words[i].text.n;
            return true; /* a letter behind it is none of what may follow */
        }
    return false;
}

static bool is_new(const struct td_json *object, const char *name)
{
    size_t n = 0;
    for (const struct td_json *m = object->child; m != NULL; m = m->next)
        if (++n == MEMBERS_MAX || strcmp(m->name, name) == 0)
            return false;
    return true;
}

/* Behind the opening bracket. */
static bool elements(struct reader *r, int depth, struct td_json *out)
{
    bool object = out->type == TD_JSON_OBJECT;
    char close = object ? '}' : ']';
    struct td_json **tail = &out->child;
    if (taken(r, close))
        return true;
    do {
        const char *name = NULL;
        if (object && (!taken(r, '"') || !text(r, &name) || !is_new(out, name) || !taken(r, ':')))
            return false;
        struct td_json *child = td_arena_new(r->a, struct td_json);
        if (!value(r, depth + 1, child))
            return false;
        child->name = name;
        *tail = child;
        tail = &child->next;
    } while (taken(r, ','));
    return taken(r, close);
}

static bool value(struct reader *r, int depth, struct td_json *out)
{
    skip_blanks(r);
    if (r->p == r->end || depth > TD_JSON_MAX_DEPTH)
        return false;
    char c = *r->p;
    if (c == '"' || c == '{' || c == '[') {
        r->p++;
        *out = (struct td_json){.type = c == '"' ? TD_JSON_STRING : c == '{' ? TD_JSON_OBJECT : TD_JSON_ARRAY};
        return c == '"' ? text(r, &out->str) : elements(r, depth, out);
    }
    return c == '-' || (c >= '0' && c <= '9') ? number(r, out) : word(r, out);
}

bool td_json_plain(struct td_slice in, struct td_arena *a, struct td_json **ret)
{
    struct reader r = {in.p, in.p + in.n, a};
    struct td_json *out = td_arena_new(a, struct td_json);
    if (in.n == 0 || !value(&r, 0, out))
        return false;
    skip_blanks(&r);
    if (r.p != r.end)
        return false;
    *ret = out;
    return true;
}
