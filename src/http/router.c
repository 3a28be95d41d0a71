#include "http/router.h"

#include "base/encode.h"

enum { MAX_SEGMENT = 512 }; /* longer literal segments match nothing */

/* A pattern's segment: literal, or prefix{name}suffix, or {name*}. */
struct segment {
    struct td_slice prefix, suffix;
    bool place, rest;
};

static struct segment segment_of(struct td_slice pattern)
{
    struct segment seg = {.prefix = pattern, .suffix = {"", 0}};
    size_t open = td_find(pattern, '{'), close = td_find(pattern, '}');
    if (open == SIZE_MAX || close == SIZE_MAX || close < open)
        return seg;
    seg.place = true;
    seg.rest = pattern.p[close - 1] == '*';
    seg.prefix = td_sub(pattern, 0, open);
    seg.suffix = td_sub(pattern, close + 1, pattern.n);
    return seg;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char low = (char)(c | 0x20);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* Percent-decoded into out (MAX_SEGMENT octets) if there is something to decode and it fits; else as it is. */
static struct td_slice decoded(struct td_slice s, char *out)
{
    if (s.n > MAX_SEGMENT || td_find(s, '%') == SIZE_MAX)
        return s;
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        int hi = s.p[i] == '%' && s.n - i > 2 ? hex_value(s.p[i + 1]) : -1;
        int lo = hi >= 0 ? hex_value(s.p[i + 2]) : -1;
        out[n++] = (char)(lo >= 0 ? hi << 4 | lo : s.p[i]);
        if (lo >= 0)
            i += 2;
    }
    return td_bytes(out, n);
}

static bool fits(const struct segment *seg, struct td_slice text)
{
    if (!seg->place)
        return td_ieq(seg->prefix, text);
    return text.n > seg->prefix.n + seg->suffix.n && td_ieq(td_sub(text, 0, seg->prefix.n), seg->prefix) &&
           td_ieq(td_sub(text, text.n - seg->suffix.n, seg->suffix.n), seg->suffix);
}

static struct td_slice without_slash(struct td_slice s)
{
    if (s.n != 0 && s.p[0] == '/')
        s = td_sub(s, 1, s.n);
    if (s.n != 0 && s.p[s.n - 1] == '/')
        s = td_sub(s, 0, s.n - 1);
    return s;
}

static struct td_slice param_of(const struct segment *seg, struct td_slice text, struct td_arena *a)
{
    struct td_slice value = td_pct_decode(a, text, false);
    if (seg->rest)
        return value;
    size_t literal = TD_MIN(seg->prefix.n + seg->suffix.n, value.n);
    return td_sub(value, seg->prefix.n, value.n - literal);
}

/* Walks pattern and path together; with req not NULL also keeps what stood at the places. */
static bool walk(const char *pattern, struct td_slice path, struct td_http_request *req)
{
    struct td_slice want = without_slash(td_str(pattern)), got = without_slash(path);
    size_t params = 0;
    if (want.n != 0 && got.n != 0 && want.p[0] != '{' && got.p[0] != '%' && ((want.p[0] ^ got.p[0]) & 0xDF) != 0)
        return false; /* most routes begin otherwise: seen at once, letters in either case */
    while (want.n != 0 || got.n != 0) {
        struct td_slice head, text, whole = got;
        char buf[MAX_SEGMENT];
        want = td_cut(want, '/', &head);
        struct segment seg = segment_of(head);
        bool more = got.n != 0;
        got = td_cut(got, '/', &text);
        struct td_slice plain = decoded(text, buf);
        if (!seg.rest && (!more || head.n == 0 || !fits(&seg, plain)))
            return false;
        if (seg.place && req != NULL && params < TD_HTTP_MAX_PARAMS)
            req->params[params++] = param_of(&seg, seg.rest ? whole : text, req->arena);
        if (seg.rest)
            return true;
    }
    return true;
}

bool td_router_match(const struct td_router *r, enum td_method method, struct td_slice path,
                     struct td_router_match *ret)
{
    unsigned as = method == TD_HEAD ? TD_GET | TD_HEAD : (unsigned)method;
    *ret = (struct td_router_match){0};
    for (size_t d = 0; d < r->count; d++) {
        const struct td_door *door = &r->doors[d];
        for (size_t i = 0; i < door->count; i++) {
            const struct td_route *route = &door->routes[i];
            if (!walk(route->pattern, path, NULL))
                continue;
            ret->allowed |= route->methods | ((route->methods & TD_GET) != 0 ? TD_HEAD : 0);
            if ((route->methods & as) == 0)
                continue;
            ret->route = route;
            ret->door = door;
            return true;
        }
    }
    return false;
}

const struct td_route *td_router_find(const struct td_router *r, enum td_method method, struct td_slice path,
                                      int *ret_status)
{
    struct td_router_match m;
    if (td_router_match(r, method, path, &m))
        return m.route;
    *ret_status = m.allowed != 0 ? 405 : 404;
    return NULL;
}

static const char *allow_text(struct td_arena *a, unsigned methods)
{
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    const char *text = "";
    for (size_t i = 0; i < TD_COUNTOF(names); i++)
        if ((methods & 1U << i) != 0)
            text = td_arena_printf(a, "%s%s%s", text, *text != '\0' ? ", " : "", names[i]);
    return text;
}

static void refuse(unsigned allowed, struct td_http_request *req, struct td_http_reply *reply)
{
    struct td_error err;
    if (allowed == 0) {
        (void)td_fail(&err, TD_ENOTFOUND, "path", "Nothing is served under this path.");
        td_reply_problem_status(reply, 404, &err);
        return;
    }
    const char *allow = allow_text(req->arena, allowed);
    (void)td_fail(&err, TD_EINVAL, "method", "This path knows only %s.", allow);
    td_reply_problem_status(reply, 405, &err);
    td_reply_header(reply, "Allow", allow);
}

void td_router_run(const struct td_router *r, struct td_http_request *req, struct td_http_reply *reply)
{
    struct td_router_match m;
    if (!td_router_match(r, req->method, req->path, &m)) {
        refuse(m.allowed, req, reply);
        return;
    }
    (void)walk(m.route->pattern, req->path, req);
    m.route->fn(m.door->ctx, req, reply);
}
