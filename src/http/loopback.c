#include "http/loopback.h"

#include "http/reader.h"

#include <strings.h>

enum { MAX_HEAD = 1 << 20 };

static void write_head(struct td_buf *b, const char *method, const char *target, const char *const *headers,
                       struct td_slice body)
{
    bool host = false, length = false;
    td_buf_printf(b, "%s %s HTTP/1.1\r\n", method, target);
    for (; headers != NULL && *headers != NULL; headers++) {
        host = host || td_istarts(td_str(*headers), "host:");
        length = length || td_istarts(td_str(*headers), "content-length:") ||
                 td_istarts(td_str(*headers), "transfer-encoding:");
        td_buf_printf(b, "%s\r\n", *headers);
    }
    if (!host)
        td_buf_adds(b, "Host: localhost:8443\r\n");
    if (!length && body.n != 0)
        td_buf_printf(b, "Content-Length: %zu\r\n", body.n);
    td_buf_adds(b, "\r\n");
}

/* The message moves into the caller's arena, so that the reply's pointers stay good behind us. */
static void answer(const struct td_router *router, struct td_message *m, const struct td_peer *peer, struct td_arena *a,
                   struct td_http_reply *reply)
{
    static const struct td_peer local = {.address = "127.0.0.1", .tls = true};
    struct td_http_request req = m->req;
    struct td_http_header *headers = td_arena_array(a, struct td_http_header, req.header_count + 1);
    for (size_t i = 0; i < req.header_count; i++) {
        headers[i].name = td_arena_copy(a, req.headers[i].name);
        headers[i].value = td_arena_copy(a, req.headers[i].value);
    }
    req.headers = headers;
    req.path = td_arena_copy(a, req.path);
    req.query = td_arena_copy(a, req.query);
    req.host = td_arena_copy(a, req.host);
    req.body = td_arena_copy(a, req.body);
    req.base = td_arena_printf(a, "https://%.*s", TD_FMT(req.host));
    req.peer = peer != NULL ? peer : &local;
    req.arena = a;
    td_router_run(router, &req, reply);
}

void td_loopback(const struct td_router *router, const char *method, const char *target, const char *const *headers,
                 struct td_slice body, const struct td_peer *peer, struct td_arena *a, struct td_http_reply *reply)
{
    struct td_reader_config config = {.limits = &td_http_limits_default, .router = router};
    struct td_reader *reader = td_reader_new(&config);
    struct td_buf head;
    size_t used;
    td_reply_init(reply);
    td_buf_init(&head, MAX_HEAD);
    write_head(&head, method, target, headers, body);
    enum td_read rc = td_reader_feed(reader, td_buf_slice(&head), &used);
    if (rc == TD_READ_MORE)
        rc = td_reader_feed(reader, body, &used);
    if (rc == TD_READ_REQUEST) {
        struct td_message *m = td_reader_take(reader);
        answer(router, m, peer, a, reply);
        td_message_free(m);
    } else if (rc == TD_READ_REFUSED) {
        td_reply_problem_status(reply, td_reader_status(reader), td_reader_error(reader));
    } else {
        td_reply_text(reply, 408, "text/plain", TD_S("the request is not whole"));
    }
    td_buf_wipe(&head);
    td_reader_free(reader);
}

const char *td_loopback_header(const struct td_http_reply *reply, const char *name)
{
    for (size_t i = 0; i < reply->header_count; i++)
        if (strcasecmp(reply->headers[i].name, name) == 0)
            return reply->headers[i].value;
    return NULL;
}
