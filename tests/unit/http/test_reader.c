/* http/reader: every hostile framing of http-server.md 1.1, whole and in pieces of 1 to 8 octets. */
#include "http/reader.h"
#include "unit/test.h"

static void nothing(void *ctx TD_UNUSED, struct td_http_request *req TD_UNUSED, struct td_http_reply *reply TD_UNUSED)
{
}

static const struct td_route routes[] = {
    {TD_GET | TD_POST, "/", nothing, 0, 1000},
    {TD_GET, "/none", nothing, TD_ROUTE_PLAIN, 0},
    {TD_POST, "/large", nothing, 0, 200000},
};
static const struct td_door door = {routes, TD_COUNTOF(routes), NULL};
static const struct td_router router = {&door, 1};

#define H "Host: a\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define POST "POST / HTTP/1.1\r\n" H

static const struct {
    const char *octets;
    int status; /* of the refusal; 0: as many whole requests as stand in count */
    int count;
} rows[] = {
    /* the proof that LLHTTP_STRICT_MODE reached the compiler */
    {POST "X:\r\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, 0},
    /* length */
    {POST "Content-Length: 5\r\n" CHUNKED "\r\n0\r\n\r\n", 400, 0},
    {POST CHUNKED "Content-Length: 5\r\n\r\n0\r\n\r\n", 400, 0},
    {POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400, 0},
    {POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400, 0},
    {POST "Content-Length: 1, 1\r\n\r\nx", 400, 0},
    {POST "Content-Length: +1\r\n\r\nx", 400, 0},
    {POST "Content-Length: -1\r\n\r\nx", 400, 0},
    {POST "Content-Length: 0x1\r\n\r\nx", 400, 0},
    {POST "Content-Length:\r\n\r\n", 400, 0},
    {POST "Content-Length: 99999999999999999999\r\n\r\n", 400, 0},
    {POST "Content-Length: 1001\r\n\r\n", 413, 0},
    {POST "Content-Length: 5\r\n\r\nabcde", 0, 1},
    /* coding */
    {POST CHUNKED CHUNKED "\r\n0\r\n\r\n", 400, 0},
    {POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400, 0},
    {POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501, 0},
    {POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, 0},
    {POST "Transfer-Encoding: chunked \r\n\r\n0\r\n\r\n", 0, 1},
    {"POST / HTTP/1.0\r\n" H CHUNKED "\r\n0\r\n\r\n", 400, 0},
    {POST CHUNKED "\r\n5\r\nabcde\r\n0\r\n\r\n", 0, 1},
    {POST CHUNKED "\r\n5;a=b\r\nabcde\r\n0\r\nTrailer: x\r\n\r\n", 0, 1},
    {POST CHUNKED "\r\n+5\r\nabcde\r\n0\r\n\r\n", 400, 0},
    {POST CHUNKED "\r\n0x5\r\nabcde\r\n0\r\n\r\n", 400, 0},
    {POST CHUNKED "\r\nfffffffffffffffff\r\n", 400, 0},
    {POST CHUNKED "\r\n5\nabcde\r\n0\r\n\r\n", 400, 0},
    {POST CHUNKED "\r\n5;a\rabcde\r\n0\r\n\r\n", 400, 0},
    {POST CHUNKED "\r\n5\r\nabcdeXX0\r\n\r\n", 400, 0},
    {POST CHUNKED "\r\n3e9\r\n", 0, 0},
    /* lines */
    {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, 0},
    {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, 0},
    {"GET / HTTP/1.1\r\n" H "no colon\r\n\r\n", 400, 0},
    {"GET /a b HTTP/1.1\r\n" H "\r\n", 400, 0},
    {"GET /\x01 HTTP/1.1\r\n" H "\r\n", 400, 0},
    {"GET /\xC3\xA9 HTTP/1.1\r\n" H "\r\n", 400, 0},
    {"GET / HTTP/1.1\n" H "\r\n", 400, 0},
    {"GET / HTTP/1.1\r\nHost: a\n\r\n", 400, 0},
    {"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400, 0},
    {"get / HTTP/1.1\r\n" H "\r\n", 400, 0},
    {"GET / HTTP/1.1\r\n" H "X: a\x01z\r\n\r\n", 400, 0},
    {"GET / HTTP/1.1\r\n" H "X: a\tz\r\n\r\n", 0, 1},
    {"GET / HTTP/1.1\r\n" H ": b\r\n\r\n", 400, 0},
    {"GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n", 400, 0},
    {"GET / HTTP/1.1\r\nHost: a\r\n Content-Length: 5\r\n\r\n", 400, 0},
    {"GET / HTTP/1.1\r\n" H "X: ab cd  ef \r\nY:\r\nZ: 1\r\n\r\n", 0, 1},
    /* host, version, method */
    {"GET / HTTP/1.1\r\n\r\n", 400, 0},
    {"GET / HTTP/1.1\r\n" H H "\r\n", 400, 0},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, 0},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, 0},
    {"GET / HTTP/1.0\r\n\r\n", 0, 1},
    {"GET / HTTP/2.0\r\n" H "\r\n", 505, 0},
    {"GET / HTTP/1.2\r\n" H "\r\n", 400, 0},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 0}, /* 400 or 505: see below */
    {"CONNECT a:1 HTTP/1.1\r\n" H "\r\n", 501, 0},
    {"TRACE / HTTP/1.1\r\n" H "\r\n", 501, 0},
    {"SOURCE / ICE/1.0\r\n" H "\r\n", 501, 0},
    {"OPTIONS * HTTP/1.1\r\n" H "\r\n", 400, 0},
    {"GET /a#b HTTP/1.1\r\n" H "\r\n", 400, 0},
    {"GET https://b:1/x?y HTTP/1.1\r\n" H "\r\n", 0, 1},
    {"GET https://b:1@c/ HTTP/1.1\r\n" H "\r\n", 400, 0},
    {"GET / HTTP/1.1\r\n" H "Expect: 200-ok\r\n\r\n", 417, 0},
    {"GET / HTTP/1.1\r\n" H "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", 0, 2},
    {"GET /none HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\nx", 413, 0},
    {"GET / HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\nx", 0, 1},
    /* several */
    {"\r\n\r\nGET / HTTP/1.1\r\n" H "\r\nGET / HTTP/1.1\r\n" H "\r\n" POST "Content-Length: 1\r\n\r\nx", 0, 3},
    {"GET / HTTP/0.9\r\n" H "\r\n", 505, 0},
    {"GET / HTTP/1.0\n\r\n", 400, 0},
    {"GET / HTTP/1.1\r\n" H "\n", 400, 0},
    {"GET / HTTP/1.1\r\n" H "\r\r\n", 400, 0},
    {"GET /\r\n", 0, 0},
};

struct verdict {
    int status, count;
    struct td_slice body; /* of the last request, in arena */
    bool keep_alive;
};

static struct td_http_limits limits;

static struct verdict judge(struct td_slice octets, size_t piece, struct td_arena *a)
{
    struct td_reader_config config = {.limits = &limits, .router = &router};
    struct td_reader *r = td_reader_new(&config);
    struct verdict v = {0};
    for (size_t at = 0; at < octets.n && v.status == 0;) {
        /* a copy of its own, so that a read past its end is found */
        struct td_slice part = td_sub(octets, at, piece);
        char *own = td_alloc(part.n);
        memcpy(own, part.p, part.n);
        size_t used = 0;
        enum td_read rc = td_reader_feed(r, td_bytes(own, part.n), &used);
        td_free(own);
        at += used;
        if (rc == TD_READ_REFUSED) {
            v.status = td_reader_status(r);
            assert_int_not_equal(td_reader_error(r)->text[0], '\0');
        } else if (rc == TD_READ_REQUEST) {
            struct td_message *m = td_reader_take(r);
            v.count++;
            v.keep_alive = m->keep_alive;
            v.body = td_arena_copy(a, m->req.body);
            td_message_free(m);
        } else {
            assert_int_equal(used, part.n);
        }
    }
    td_reader_free(r);
    return v;
}

static void judges_framing(void **state TD_UNUSED)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    td_arena_init(&a);
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_slice octets = td_str(rows[i].octets);
        for (size_t piece = 0; piece <= 8; piece++) {
            struct verdict v = judge(octets, piece == 0 ? octets.n : piece, &a);
            bool preface = td_starts(octets, "PRI");
            if (preface ? v.status != 505 && v.status != 400 && v.status != 501
                        : v.status != rows[i].status || v.count != rows[i].count)
                fail_msg("row %zu in pieces of %zu: %d, %d requests\n%s", i, piece, v.status, v.count, rows[i].octets);
        }
    }
}

static void yields_the_body(void **state TD_UNUSED)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    td_arena_init(&a);
    for (size_t piece = 1; piece < 40; piece++) {
        struct verdict v =
            judge(TD_S(POST CHUNKED "\r\n5;x=y\r\nabcde\r\nA\r\n0123456789\r\n0\r\nT: u\r\n\r\n"), piece, &a);
        assert_slice(v.body, "abcde0123456789");
        assert_true(v.keep_alive);
    }
    assert_false(judge(TD_S("GET / HTTP/1.0\r\n\r\n"), 99, &a).keep_alive);
    assert_true(judge(TD_S("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), 99, &a).keep_alive);
    assert_false(judge(TD_S("GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n"), 99, &a).keep_alive);
}

/* head, then n times the filler, then tail, in pieces of 100 */
static int flooded(const char *head, const char *filler, size_t n, const char *tail)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    struct td_buf b;
    td_arena_init(&a);
    td_buf_init(&b, 1 << 24);
    td_buf_adds(&b, head);
    for (size_t i = 0; i < n; i++)
        td_buf_adds(&b, filler);
    td_buf_adds(&b, tail);
    struct verdict v = judge(td_buf_slice(&b), 100, &a);
    td_buf_done(&b);
    return v.status != 0 ? v.status : v.count;
}

static void bounds_everything(void **state TD_UNUSED)
{
    const char *start = "GET / HTTP/1.1\r\n" H;
    assert_int_equal(flooded("GET /", "a", 8000, " HTTP/1.1\r\n" H "\r\n"), 1);
    assert_int_equal(flooded("GET /", "a", 8200, " HTTP/1.1\r\n" H "\r\n"), 414);
    assert_int_equal(flooded("GET / HTTP/1.1\r\n" H "X: ", "a", 15000, "\r\n\r\n"), 1);
    assert_int_equal(flooded("GET / HTTP/1.1\r\n" H "X: ", "a", 40000, "\r\n\r\n"), 431);
    assert_int_equal(flooded("GET / HTTP/1.1\r\n" H "X", "a", 40000, ": b\r\n\r\n"), 431);
    assert_int_equal(flooded(start, "X: a\r\n", 90, "\r\n"), 1);
    assert_int_equal(flooded(start, "X: a\r\n", 300, "\r\n"), 431);
    assert_int_equal(flooded("GET / HTTP/1.1\r\n" H "X: ", " ", 400000, "\r\n\r\n"), 431);
    assert_int_equal(flooded("", "\r\n", 400000, "GET / HTTP/1.1\r\n" H "\r\n"), 431);
    assert_int_equal(flooded(POST CHUNKED "\r\n", "1\r\na\r\n", 1000, "0\r\n\r\n"), 1);
    assert_int_equal(flooded(POST CHUNKED "\r\n", "1\r\na\r\n", 1001, "0\r\n\r\n"), 413);
    assert_int_equal(flooded(POST CHUNKED "\r\n1", ";aaaaaaaaa", 40000, "\r\na\r\n0\r\n\r\n"), 413);
    assert_int_equal(flooded(POST CHUNKED "\r\n0\r\n", "X: aaaaaaaaaa\r\n", 10000, "\r\n"), 431);
}

static void tells_phases(void **state TD_UNUSED)
{
    struct td_reader_config config = {.limits = &limits, .router = &router};
    struct td_reader *r = td_reader_new(&config);
    size_t used;
    assert_int_equal(td_reader_phase(r), TD_READER_IDLE);
    assert_int_equal(td_reader_feed(r, TD_S("\r\nPO"), &used), TD_READ_MORE);
    assert_int_equal(td_reader_phase(r), TD_READER_HEADER);
    assert_int_equal(
        td_reader_feed(r, TD_S("ST / HTTP/1.1\r\n" H "Content-Length: 2\r\nExpect: 100-Continue\r\n\r\n"), &used),
        TD_READ_MORE);
    assert_int_equal(td_reader_phase(r), TD_READER_BODY);
    assert_true(td_reader_wants_continue(r));
    assert_false(td_reader_wants_continue(r));
    assert_int_equal(td_reader_feed(r, TD_S("abGET"), &used), TD_READ_REQUEST);
    assert_int_equal(used, 2);
    td_message_free(td_reader_take(r));
    assert_int_equal(td_reader_phase(r), TD_READER_IDLE);
    td_reader_free(r);
}

static void hides_doors_without_tls(void **state TD_UNUSED)
{
    struct td_reader_config config = {.limits = &limits, .router = &router, .plain = true};
    struct td_reader *r = td_reader_new(&config);
    size_t used;
    assert_int_equal(td_reader_feed(r, TD_S("GET / HTTP/1.1\r\n" H "\r\n"), &used), TD_READ_REQUEST);
    struct td_message *m = td_reader_take(r);
    assert_null(m->route);
    td_message_free(m);
    assert_int_equal(td_reader_feed(r, TD_S("GET /none HTTP/1.1\r\n" H "\r\n"), &used), TD_READ_REQUEST);
    m = td_reader_take(r);
    assert_ptr_equal(m->route, &routes[1]);
    td_message_free(m);
    td_reader_free(r);
}

static enum td_read fed(struct td_reader *r, const char *head, size_t body)
{
    size_t used;
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, 1 << 20);
    td_buf_printf(&b, "%sContent-Length: %zu\r\n\r\n", head, body);
    for (size_t i = 0; i < body; i++)
        td_buf_addc(&b, 'x');
    return td_reader_feed(r, td_buf_slice(&b), &used);
}

/* Large bodies share a budget; small ones pass beside them, up to as much again. */
static void counts_bodies_in_memory(void **state TD_UNUSED)
{
    static const char large[] = "POST /large HTTP/1.1\r\n" H;
    struct td_http_limits tight = limits;
    _Atomic uint64_t budget = 0;
    struct td_reader_config config = {.limits = &tight, .router = &router, .budget = &budget};
    struct td_reader *r[5];
    tight.body_total = 100000;
    for (size_t i = 0; i < TD_COUNTOF(r); i++)
        r[i] = td_reader_new(&config);
    assert_int_equal(fed(r[0], large, 99000), TD_READ_REQUEST);
    assert_int_equal(fed(r[1], large, 70000), TD_READ_REFUSED);
    assert_int_equal(td_reader_status(r[1]), 503);
    td_reader_free(r[1]);
    assert_int_equal(fed(r[2], POST, 1000), TD_READ_REQUEST);
    assert_int_equal(fed(r[3], POST, 1000), TD_READ_REQUEST); /* past the budget */
    tight.body_total = 50600;
    assert_int_equal(fed(r[4], POST, 1000), TD_READ_REFUSED); /* past twice */
    assert_int_equal(td_reader_status(r[4]), 503);
    td_reader_free(r[4]);
    td_message_free(td_reader_take(r[0]));
    td_message_free(td_reader_take(r[2]));
    td_message_free(td_reader_take(r[3]));
    td_reader_free(r[0]);
    td_reader_free(r[2]);
    td_reader_free(r[3]);
    assert_int_equal(budget, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_framing),          cmocka_unit_test(yields_the_body),
        cmocka_unit_test(bounds_everything),       cmocka_unit_test(tells_phases),
        cmocka_unit_test(hides_doors_without_tls), cmocka_unit_test(counts_bodies_in_memory),
    };
    limits = td_http_limits_default;
    return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
