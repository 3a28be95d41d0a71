/* http/reader: any octets, in any pieces, give the same requests: where we cut a stream may not depend on how it came.
 * The first octet chooses the pieces. */
#include "http/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX = 16384 };

static void nothing(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    (void)ctx;
    (void)req;
    td_reply_text(reply, 200, NULL, TD_S(""));
}

static const struct td_route routes[] = {
    {TD_GET | TD_POST, "/", nothing, 0, 4096},
    {TD_GET, "/x/{name}.crl", nothing, TD_ROUTE_PLAIN, 0},
    {TD_GET | TD_DELETE, "/y/{rest*}", nothing, 0, 1},
};
static const struct td_door door = {routes, TD_COUNTOF(routes), NULL};
static const struct td_router router = {&door, 1};

struct outcome {
    int count;
    bool refused;
    uint64_t sum; /* over what the requests hold */
};

static void add(struct outcome *o, struct td_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        o->sum = (o->sum ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001B3);
    o->sum = o->sum * 31 + s.n;
}

static void note(struct outcome *o, struct td_message *m)
{
    struct td_http_reply reply;
    struct td_http_request *req = &m->req;
    o->count++;
    add(o, req->path);
    add(o, req->query);
    add(o, req->host);
    add(o, req->body);
    for (size_t i = 0; i < req->header_count; i++) {
        add(o, req->headers[i].name);
        add(o, req->headers[i].value);
    }
    o->sum += m->keep_alive;
    td_reply_init(&reply);
    td_router_run(&router, req, &reply);
    (void)td_http_form(req, "a");
    (void)td_http_query(req, "a");
    (void)td_http_cookie(req, "a");
    (void)td_http_bearer(req);
    td_reply_done(&reply);
    td_message_free(m);
}

static struct outcome read_in(struct td_slice all, uint32_t pieces)
{
    struct td_http_limits limits = td_http_limits_default;
    struct td_reader_config config = {.limits = &limits, .router = &router};
    struct td_reader *r = td_reader_new(&config);
    struct outcome o = {0};
    for (size_t at = 0; at < all.n && !o.refused;) {
        pieces = pieces * 1103515245U + 12345U;
        size_t n = 1 + (pieces >> 16) % 9;
        struct td_slice part = td_sub(all, at, n);
        char *own = td_alloc(part.n); /* a read past the piece is found */
        memcpy(own, part.p, part.n);
        size_t used = 0;
        enum td_read rc = td_reader_feed(r, td_bytes(own, part.n), &used);
        td_free(own);
        at += used;
        if (rc == TD_READ_REQUEST)
            note(&o, td_reader_take(r));
        o.refused = rc == TD_READ_REFUSED;
        (void)td_reader_wants_continue(r);
    }
    td_reader_free(r);
    return o;
}

static struct outcome read_whole(struct td_slice all)
{
    struct td_http_limits limits = td_http_limits_default;
    struct td_reader_config config = {.limits = &limits, .router = &router};
    struct td_reader *r = td_reader_new(&config);
    struct outcome o = {0};
    for (size_t at = 0, used = 0; at < all.n && !o.refused; at += used) {
        enum td_read rc = td_reader_feed(r, td_sub(all, at, all.n), &used);
        if (rc == TD_READ_REQUEST)
            note(&o, td_reader_take(r));
        o.refused = rc == TD_READ_REFUSED;
    }
    td_reader_free(r);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > MAX)
        return 0;
    struct td_slice all = td_bytes(data + 1, size - 1);
    struct outcome whole = read_whole(all), pieces = read_in(all, data[0]);
    if (whole.count != pieces.count || whole.refused != pieces.refused || whole.sum != pieces.sum)
        __builtin_trap();
    return 0;
}
