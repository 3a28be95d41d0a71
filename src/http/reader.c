#include "http/reader.h"

#include "base/fault.h"
#include "http/router.h"

#include <llhttp.h>

/* An absent LLHTTP_STRICT_MODE can't be seen here: it changes llhttp.c alone. tests/unit/http/test_reader.c proves it
 * with a bare CR behind an empty value. */
_Static_assert(LLHTTP_VERSION_MAJOR == 8, "another major version of llhttp: read its strictness rules again");

enum { KEPT_BODY = 65536, NOBODY_BODY = 65536, CHUNK_OVERHEAD = 65536 };

struct td_reader {
    llhttp_t parser;
    const struct td_reader_config *config;
    struct td_message *msg;
    struct td_buf name, value; /* the header under way */
    struct td_http_header *headers;
    size_t header_cap;
    struct td_slice octets; /* what td_reader_feed was given */
    size_t line;            /* octets of the header line under way */
    char last;              /* its last octet */
    bool begun, ended;      /* the request line was there; the empty line was */
    uint64_t feeds;         /* how often it was called */
    uint64_t value_feed;    /* call in which the last span of the value ended, 0: no span yet */
    bool value_at_end;      /* ... exactly at the end of its octets */
    size_t header_octets;   /* request line, names, values, trailers */
    uint64_t body_octets;   /* as sent, framing included */
    size_t max_body;
    enum td_reader_phase phase;
    bool whole, wants_continue;
    int status;
    struct td_error err;
};

void td_message_free(struct td_message *m)
{
    if (m == NULL)
        return;
    if (m->budget != NULL)
        atomic_fetch_sub_explicit(m->budget, m->taken, memory_order_relaxed);
    td_buf_wipe(&m->body);
    td_arena_wipe(&m->arena); /* passwords and tokens passed through it */
    td_free(m);
}

/* Remembers the first refusal and returns what stops llhttp. */
static int refuse(struct td_reader *r, int status, const char *where, const char *text)
{
    if (r->status == 0) {
        r->status = status;
        (void)td_fail(&r->err, TD_EFORMAT, where, "%s", text);
    }
    return -1;
}

static struct td_reader *of(const llhttp_t *p)
{
    return p->data;
}

static int count_header(struct td_reader *r, size_t n)
{
    r->header_octets += n;
    if (r->header_octets > (size_t)r->config->limits->header_octets)
        return refuse(r, 431, "header", "The header is longer than this service accepts.");
    return 0;
}

static int on_begin(llhttp_t *p)
{
    struct td_reader *r = of(p);
    r->msg = td_new(struct td_message);
    td_arena_init(&r->msg->arena);
    td_buf_init(&r->msg->body, 0);
    r->msg->req.arena = &r->msg->arena;
    r->phase = TD_READER_HEADER;
    r->header_octets = 0;
    r->body_octets = 0;
    r->headers = NULL;
    r->header_cap = 0;
    td_buf_init(&r->name, (size_t)r->config->limits->url + 1);
    td_buf_init(&r->value, (size_t)r->config->limits->header_octets);
    return 0;
}

static int on_url(llhttp_t *p, const char *at, size_t n)
{
    struct td_reader *r = of(p);
    td_buf_add(&r->name, td_bytes(at, n));
    if (r->name.failed || r->name.n > (size_t)r->config->limits->url)
        return refuse(r, 414, "target", "The request target is longer than this service accepts.");
    return count_header(r, n);
}

static bool host_ok(struct td_slice host)
{
    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i], low = (char)(c | 0x20);
        bool fine = (c >= '0' && c <= '9') || (low >= 'a' && low <= 'z') || strchr(".-_:[]", c) != NULL;
        if (!fine || c == '\0')
            return false;
    }
    return host.n != 0 && host.n <= 270;
}

bool td_reader_set_host(struct td_http_request *req, struct td_slice host)
{
    if (!host_ok(host))
        return false;
    char *copy = td_arena_text(req->arena, host);
    td_lower(copy);
    req->host = td_bytes(copy, host.n);
    return true;
}

/* RFC 9112 3.2: origin form, or absolute form whose authority then counts instead of Host. */
static int split_target(struct td_reader *r, struct td_slice target)
{
    struct td_http_request *req = &r->msg->req;
    size_t scheme = td_istarts(target, "https://") ? 8 : td_istarts(target, "http://") ? 7 : 0;
    if (scheme != 0) {
        struct td_slice rest = td_sub(target, scheme, target.n);
        size_t end = 0;
        while (end < rest.n && rest.p[end] != '/' && rest.p[end] != '?')
            end++;
        if (!td_reader_set_host(req, td_sub(rest, 0, end)))
            return refuse(r, 400, "target", "The host in the request target is not a host name with a port.");
        target = td_sub(rest, end, rest.n);
        if (target.n == 0 || target.p[0] != '/')
            target = td_bytes(td_arena_printf(req->arena, "/%.*s", TD_FMT(target)), target.n + 1);
    }
    if (target.n == 0 || target.p[0] != '/' || td_find(target, '#') != SIZE_MAX)
        return refuse(r, 400, "target", "The request target does not begin with '/'.");
    req->query = td_cut(target, '?', &req->path);
    return 0;
}

static int on_url_complete(llhttp_t *p)
{
    struct td_reader *r = of(p);
    struct td_slice target = td_arena_copy(&r->msg->arena, td_buf_slice(&r->name));
    td_buf_reset(&r->name);
    return p->method == HTTP_CONNECT ? 0 : split_target(r, target);
}

static int on_field(llhttp_t *p, const char *at, size_t n)
{
    struct td_reader *r = of(p);
    if (r->phase == TD_READER_HEADER)
        td_buf_add(&r->name, td_bytes(at, n));
    if (r->name.failed)
        return refuse(r, 431, "header", "A header's name is longer than this service accepts.");
    return count_header(r, n);
}

static int on_field_complete(llhttp_t *p)
{
    struct td_reader *r = of(p);
    if (r->phase == TD_READER_HEADER && r->name.n == 0)
        return refuse(r, 400, "header", "A header has no name.");
    r->value_feed = 0;
    return 0;
}

/* A further span inside one value is honest only where the octets of the last call ended and those of this one begin:
 * anything else is a folded line, which proxies and we could read differently. */
static bool is_fold(const struct td_reader *r, const char *at)
{
    if (r->value_feed == 0)
        return false;
    return !r->value_at_end || at != r->octets.p || r->feeds != r->value_feed + 1;
}

static bool value_ok(const char *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (((unsigned char)at[i] < 0x20 && at[i] != '\t') || at[i] == 0x7F)
            return false;
    return true;
}

static int on_value(llhttp_t *p, const char *at, size_t n)
{
    struct td_reader *r = of(p);
    if (n == 0)
        return 0;
    if (is_fold(r, at))
        return refuse(r, 400, "header", "A header's value goes on in the next line.");
    if (!value_ok(at, n))
        return refuse(r, 400, "header", "A header's value holds a control character.");
    r->value_feed = r->feeds;
    r->value_at_end = at + n == r->octets.p + r->octets.n;
    if (r->phase == TD_READER_HEADER)
        td_buf_add(&r->value, td_bytes(at, n));
    return count_header(r, n);
}

static struct td_http_header *next_header(struct td_reader *r)
{
    struct td_http_request *req = &r->msg->req;
    r->headers = td_arena_room(&r->msg->arena, r->headers, req->header_count, &r->header_cap, sizeof(*r->headers));
    req->headers = r->headers;
    return &r->headers[req->header_count++];
}

static int on_value_complete(llhttp_t *p)
{
    struct td_reader *r = of(p);
    if (r->phase != TD_READER_HEADER) /* trailers are counted and dropped */
        return count_header(r, 4);
    if (r->msg->req.header_count == (size_t)r->config->limits->header_count)
        return refuse(r, 431, "header", "There are more headers than this service accepts.");
    struct td_http_header *h = next_header(r);
    h->name = td_arena_copy(&r->msg->arena, td_buf_slice(&r->name));
    h->value = td_trim(td_arena_copy(&r->msg->arena, td_buf_slice(&r->value)));
    td_wipe(r->value.p, r->value.n); /* it may have been a token */
    td_buf_reset(&r->name);
    td_buf_reset(&r->value);
    return count_header(r, 4);
}

static size_t count_of(const struct td_http_request *req, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < req->header_count; i++)
        n += td_ieqs(req->headers[i].name, name);
    return n;
}

static int check_version(struct td_reader *r, const llhttp_t *p)
{
    if (p->http_major != 1 || p->http_minor > 1)
        return refuse(r, 505, "version", "This service speaks HTTP/1.1.");
    r->msg->http10 = p->http_minor == 0;
    return 0;
}

static int check_method(struct td_reader *r, const llhttp_t *p)
{
    static const struct {
        unsigned char ours, theirs;
    } methods[] = {
        {TD_GET, HTTP_GET},     {TD_HEAD, HTTP_HEAD},     {TD_POST, HTTP_POST},       {TD_PUT, HTTP_PUT},
        {TD_PATCH, HTTP_PATCH}, {TD_DELETE, HTTP_DELETE}, {TD_OPTIONS, HTTP_OPTIONS},
    };
    for (size_t i = 0; i < TD_COUNTOF(methods); i++) {
        if (methods[i].theirs == p->method) {
            r->msg->req.method = methods[i].ours;
            return 0;
        }
    }
    return refuse(r, 501, "method", "This service does not know the method.");
}

static int check_host(struct td_reader *r)
{
    struct td_http_request *req = &r->msg->req;
    size_t hosts = count_of(req, "host");
    if (hosts > 1)
        return refuse(r, 400, "host", "There is more than one Host header.");
    if (hosts == 0)
        return r->msg->http10 ? 0 : refuse(r, 400, "host", "The Host header is missing.");
    struct td_slice host = td_http_header(req, "host");
    if (req->host.n != 0 ? !host_ok(host) : !td_reader_set_host(req, host))
        return refuse(r, 400, "host", "The Host header is not a host name with a port.");
    return 0;
}

/* RFC 9112 6: how long the body is must be beyond doubt, or a proxy in front and we could cut the stream differently.
 */
static int check_framing(struct td_reader *r)
{
    struct td_http_request *req = &r->msg->req;
    size_t coded = count_of(req, "transfer-encoding");
    if (coded == 0)
        return count_of(req, "content-length") > 1
                   ? refuse(r, 400, "content-length", "There is more than one Content-Length header.")
                   : 0;
    if (coded > 1 || r->msg->http10 || count_of(req, "content-length") != 0)
        return refuse(r, 400, "transfer-encoding", "The length of the body is ambiguous.");
    if (!td_ieqs(td_http_header(req, "transfer-encoding"), "chunked"))
        return refuse(r, 501, "transfer-encoding", "This service knows only chunked.");
    return 0;
}

static int check_expect(struct td_reader *r, bool body)
{
    const struct td_http_request *req = &r->msg->req;
    struct td_slice expect = td_http_header(req, "expect");
    if (expect.n == 0)
        return 0;
    if (count_of(req, "expect") != 1 || !td_ieqs(expect, "100-continue"))
        return refuse(r, 417, "expect", "This service knows only 100-continue.");
    r->wants_continue = body && !r->msg->http10;
    return 0;
}

static int check_body(struct td_reader *r, const llhttp_t *p)
{
    struct td_router_match m;
    struct td_message *msg = r->msg;
    (void)td_router_match(r->config->router, msg->req.method, msg->req.path, &m);
    if (m.route != NULL && (!r->config->plain || (m.route->flags & TD_ROUTE_PLAIN) != 0))
        msg->route = m.route;
    r->max_body = msg->route != NULL ? msg->route->max_body : NOBODY_BODY;
    bool chunked = (p->flags & F_CHUNKED) != 0;
    uint64_t length = (p->flags & F_CONTENT_LENGTH) != 0 ? p->content_length : 0;
    if (length > r->max_body || (chunked && r->max_body == 0))
        return refuse(r, 413, "body", "The body is longer than this address accepts.");
    td_buf_init(&msg->body, r->max_body);
    if (length != 0) { /* room at once, but never more than a little for a client that only promises */
        (void)td_buf_grow(&msg->body, (size_t)TD_MIN(length, (uint64_t)KEPT_BODY));
        td_buf_reset(&msg->body);
    }
    msg->budget = r->config->budget;
    return check_expect(r, length != 0 || chunked);
}

static int on_headers_complete(llhttp_t *p)
{
    struct td_reader *r = of(p);
    p->upgrade = 0; /* an offer of h2c or WebSocket is not taken, the request counts as any other */
    if (check_version(r, p) != 0 || check_method(r, p) != 0 || check_host(r) != 0 || check_framing(r) != 0 ||
        check_body(r, p) != 0)
        return -1;
    r->phase = TD_READER_BODY;
    td_buf_done(&r->name);
    td_buf_wipe(&r->value);
    return 0;
}

static int on_body(llhttp_t *p, const char *at, size_t n)
{
    struct td_reader *r = of(p);
    struct td_message *m = r->msg;
    td_buf_add(&m->body, td_bytes(at, n));
    if (m->body.failed)
        return refuse(r, 413, "body", "The body is longer than this address accepts.");
    if (m->budget == NULL)
        return 0;
    m->taken += n;
    uint64_t total = (uint64_t)r->config->limits->body_total;
    uint64_t before = atomic_fetch_add_explicit(m->budget, n, memory_order_relaxed);
    /* as much again for small ones: nobody keeps sign-ins and sessions out with a few large bodies */
    bool small = m->taken <= KEPT_BODY && !td_fault("http-large-bodies-first");
    if (before + n > (small ? 2 * total : total))
        return refuse(r, 503, "body", "Too many large requests are being sent at once.");
    return 0;
}

static int on_complete(llhttp_t *p)
{
    struct td_reader *r = of(p);
    r->msg->keep_alive = llhttp_should_keep_alive(p) != 0;
    r->msg->req.body = td_buf_slice(&r->msg->body);
    r->whole = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_message_begin = on_begin,
    .on_url = on_url,
    .on_url_complete = on_url_complete,
    .on_header_field = on_field,
    .on_header_field_complete = on_field_complete,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

struct td_reader *td_reader_new(const struct td_reader_config *config)
{
    struct td_reader *r = td_new(struct td_reader);
    r->config = config;
    llhttp_init(&r->parser, HTTP_REQUEST, &settings);
    r->parser.data = r;
    return r;
}

void td_reader_free(struct td_reader *r)
{
    if (r == NULL)
        return;
    td_message_free(r->msg);
    td_buf_done(&r->name);
    td_buf_wipe(&r->value);
    td_free(r);
}

/* Octets that no callback counts: blanks before a value, chunk sizes and extensions. */
static bool too_much_between(struct td_reader *r, size_t used)
{
    if (r->phase != TD_READER_BODY) {
        r->body_octets += used;
        return r->body_octets > 2 * (uint64_t)r->config->limits->header_octets + r->octets.n;
    }
    r->body_octets += used;
    return r->body_octets > 8 * (uint64_t)r->max_body + CHUNK_OVERHEAD + r->octets.n;
}

/* Even when strict, llhttp 8.1.0 takes a bare LF behind the request line and as the empty line; a proxy might not. */
static bool lines_end_well(struct td_reader *r)
{
    const char *p = r->octets.p, *end = p + r->octets.n;
    while (p < end && !r->ended) {
        const char *lf = memchr(p, '\n', (size_t)(end - p)), *stop = lf != NULL ? lf : end;
        r->line += (size_t)(stop - p);
        if (stop != p)
            r->last = stop[-1];
        if (lf == NULL)
            break;
        if (r->line == 0 || r->last != '\r')
            return false;
        r->ended = r->line == 1 && r->begun;
        r->begun = r->begun || r->line > 1;
        r->line = 0;
        p = lf + 1;
    }
    return true;
}

enum td_read td_reader_feed(struct td_reader *r, struct td_slice octets, size_t *ret_used)
{
    *ret_used = 0;
    if (r->status != 0)
        return TD_READ_REFUSED;
    r->octets = octets;
    r->feeds++;
    if (!lines_end_well(r)) {
        (void)refuse(r, 400, "request", "A line does not end with CR LF.");
        return TD_READ_REFUSED;
    }
    llhttp_errno_t rc = llhttp_execute(&r->parser, octets.p, octets.n);
    if (rc == HPE_PAUSED && r->whole) {
        *ret_used = (size_t)(llhttp_get_error_pos(&r->parser) - octets.p);
        return TD_READ_REQUEST;
    }
    *ret_used = octets.n;
    if (rc == HPE_PAUSED_H2_UPGRADE)
        (void)refuse(r, 505, "version", "This service speaks HTTP/1.1.");
    else if (rc != HPE_OK)
        (void)refuse(r, 400, "request", llhttp_get_error_reason(&r->parser));
    else if (too_much_between(r, octets.n))
        (void)refuse(r, r->phase == TD_READER_BODY ? 413 : 431, "request", "The request's framing is too long.");
    return r->status != 0 ? TD_READ_REFUSED : TD_READ_MORE;
}

struct td_message *td_reader_take(struct td_reader *r)
{
    struct td_message *m = TD_TAKE(r->msg);
    r->whole = false;
    r->wants_continue = false;
    r->phase = TD_READER_IDLE;
    r->body_octets = 0;
    r->line = 0;
    r->begun = r->ended = false;
    llhttp_resume(&r->parser);
    return m;
}

enum td_reader_phase td_reader_phase(const struct td_reader *r)
{
    return r->phase;
}

bool td_reader_wants_continue(struct td_reader *r)
{
    bool wants = r->wants_continue;
    r->wants_continue = false;
    return wants && r->phase == TD_READER_BODY;
}

int td_reader_status(const struct td_reader *r)
{
    return r->status;
}

const struct td_error *td_reader_error(const struct td_reader *r)
{
    return &r->err;
}
