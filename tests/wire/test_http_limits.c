/* The HTTPS server's bounds over real sockets: every deadline of http-server.md 5 (as totals), queue, addresses,
 * memory, stop. The limits are small here; asserts are generous, as the machine may be busy. */
#include "wire/https.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost:1234\r\n\r\n"

enum { LIMIT_MS = 400, SLACK_MS = 3000 };

static void assert_cut(int64_t ms)
{
    if (ms < LIMIT_MS - 50 || ms > LIMIT_MS + SLACK_MS)
        fail_msg("cut after %lld ms", (long long)ms);
}

static void limits_ms(int64_t *one)
{
    *one = LIMIT_MS * (TD_SECOND / 1000);
}

static void nothing_sent(struct client *c TD_UNUSED)
{
}

/* the first octets of a ClientHello record, one at a time, never whole */
static void hello_drip(struct client *c)
{
    static const char record[] = {0x16, 3, 1, 2, 0, 1, 0, 1, (char)0xFC, 3, 3};
    for (size_t i = 0; i < sizeof(record); i++, nap(100))
        if (!send_bytes(c, td_bytes(record + i, 1)))
            return;
}

static void cuts_handshakes(void **state TD_UNUSED)
{
    static void (*const attacks[])(struct client *) = {nothing_sent, hello_drip};
    limits_ms(&config.limits.handshake);
    served();
    for (size_t i = 0; i < TD_COUNTOF(attacks); i++) {
        int64_t began = td_monotonic();
        struct client *c = dial(&(struct client_options){.raw = true});
        attacks[i](c);
        (void)closed_after(c);
        assert_cut((td_monotonic() - began) / 1000);
        drop(c);
    }
    assert_int_equal(stats().cut_handshake, 2);
    struct client *c = dial_new(); /* shaken hands, then silent: the first header counts in */
    assert_cut(closed_after(c));
    hang_up(c);
}

static void drip(struct client *c, const char *text)
{
    for (; *text != '\0'; text++, nap(50))
        if (!send_bytes(c, td_bytes(text, 1)))
            return;
}

static void cuts_drips(void **state TD_UNUSED)
{
    static const struct {
        const char *start, *drop;
    } rows[] = {
        {"", "GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: aaaaaaaa\r\n\r\n"},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
         "1\r\na\r\n1\r\na\r\n1\r\na\r\n1\r\na\r\n1\r\na\r\n0\r\n\r\n"},
    };
    limits_ms(&config.limits.handshake);
    limits_ms(&config.limits.body);
    served();
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct client *c = dial_new();
        int64_t began = td_monotonic();
        assert_true(send_text(c, rows[i].start));
        drip(c, rows[i].drop);
        assert_int_equal(receive(c).status, 0); /* cut, not answered */
        assert_true((td_monotonic() - began) / 1000 < LIMIT_MS + SLACK_MS);
        drop(c);
    }
    assert_int_equal(stats().cut_body, 2);
    assert_int_equal(stats().requests, 0);
}

static void cuts_the_idle(void **state TD_UNUSED)
{
    limits_ms(&config.limits.idle);
    served();
    struct client *c = dial_new();
    assert_int_equal(ask(c, GET("/")).status, 200);
    assert_cut(closed_after(c));
    hang_up(c);
    c = dial_new();
    assert_int_equal(ask(c, GET("/")).status, 200);
    drip(c, "GET / HTTP/1.1\r\nHost: a\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n");
    assert_int_equal(receive(c).status, 0);
    drop(c);
    assert_int_equal(stats().cut_idle, 2);
}

static void cuts_who_never_reads(void **state TD_UNUSED)
{
    limits_ms(&config.limits.send);
    config.limits.send_rate = INT64_C(1) << 40;
    served();
    struct client *c = dial_new();
    int small = 4096;
    (void)setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    for (int i = 0; i < 8; i++)
        assert_true(send_text(c, GET("/big")));
    int64_t began = td_monotonic();
    while (stats().open != 0 && td_monotonic() - began < 10 * TD_SECOND)
        nap(10);
    assert_cut((td_monotonic() - began) / 1000);
    assert_int_equal(stats().cut_send, 1);
    drop(c);
}

static void ends_work_that_lasts(void **state TD_UNUSED)
{
    limits_ms(&config.limits.work);
    served();
    struct client *c = dial_new();
    int64_t began = td_monotonic();
    struct answer a = ask(c, GET("/slow"));
    assert_cut((td_monotonic() - began) / 1000);
    assert_int_equal(a.status, 503);
    assert_true(has_line(&a, "Connection: close"));
    assert_int_equal(stats().cut_work, 1);
    hang_up(c);
    open_gate();
    c = dial_new();
    assert_int_equal(ask(c, GET("/")).status, 200);
    hang_up(c);
}

/* An error must reach a client that is still sending; a reset would take it away. */
static void tells_while_the_client_sends(void **state TD_UNUSED)
{
    static const struct {
        const char *text;
        int status;
    } rows[] = {
        {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n", 413},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFF\r\n", 413},
        {"GET / HTTP/1.1\r\nX: ", 431},
        {"GET /", 414},
        {"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400},
    };
    served();
    struct td_buf flood;
    td_buf_init(&flood, 4 << 20);
    memset(td_buf_grow(&flood, 2 << 20), 'a', 2 << 20);
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct client *c = dial_new();
        assert_true(send_text(c, rows[i].text));
        (void)send_bytes(c, td_buf_slice(&flood));
        struct answer a = receive(c);
        assert_int_equal(a.status, rows[i].status);
        assert_true(has_line(&a, "Connection: close"));
        assert_true(has_line(&a, "Content-Type: application/problem+json"));
        hang_up(c);
    }
    td_buf_done(&flood);
}

static void stops_reading_who_never_reads(void **state TD_UNUSED)
{
    served();
    struct client *c = dial(&(struct client_options){.plain = true});
    struct td_buf b;
    td_buf_init(&b, 1 << 20);
    for (int i = 0; i < 1000; i++)
        td_buf_adds(&b, GET("/pki/x"));
    (void)fcntl(c->fd, F_SETFL, O_NONBLOCK);
    int64_t began = td_monotonic();
    uint64_t before = 0, still = 0;
    while (still < 20 && td_monotonic() - began < 20 * TD_SECOND) {
        (void)!send(c->fd, b.p, b.n, MSG_DONTWAIT | MSG_NOSIGNAL);
        nap(10);
        still = stats().requests == before ? still + 1 : 0;
        before = stats().requests;
    }
    assert_int_equal(still, 20); /* it stands, although the client goes on sending */
    assert_true(before < 100000);
    struct client *other = dial_new();
    assert_int_equal(ask(other, GET("/")).status, 200);
    hang_up(other);
    td_buf_done(&b);
    drop(c);
}

static void says_busy(void **state TD_UNUSED)
{
    config.workers = 1;
    config.limits.queue = 2;
    served();
    struct client *c[4];
    for (int i = 0; i < 3; i++) {
        c[i] = dial_new();
        assert_true(send_text(c[i], GET("/slow")));
        while (i == 0 ? at_work != 1 : stats().queued != (uint64_t)i)
            nap(1);
    }
    c[3] = dial_new();
    struct answer a = ask(c[3], GET("/"));
    assert_int_equal(a.status, 503);
    assert_true(has_line(&a, "Retry-After: 1"));
    assert_int_equal(stats().queue_full, 1);
    open_gate();
    for (int i = 0; i < 3; i++)
        assert_slice(receive(c[i]).body, "done");
    assert_int_equal(ask(c[3], GET("/")).status, 200);
    for (int i = 0; i < 4; i++)
        hang_up(c[i]);
}

static void limits_addresses(void **state TD_UNUSED)
{
    config.limits.connections_per_address = 3;
    config.limits.rate_per_address = 1;
    config.limits.burst_per_address = 2;
    served();
    struct client *c = dial_new(), *second = dial_new(), *third = dial_new();
    assert_null(dial(&(struct client_options){.name = "localhost"}));
    hang_up(third);
    while (stats().open != 2)
        nap(1);
    third = dial_new();
    assert_int_equal(ask(c, GET("/limited")).status, 200);
    assert_int_equal(ask(second, GET("/limited")).status, 200);
    struct answer a = ask(third, GET("/limited"));
    assert_int_equal(a.status, 429);
    assert_true(has_line(&a, "Retry-After: 1"));
    assert_int_equal(ask(third, GET("/")).status, 200);
    assert_int_equal(stats().limited, 1);
    assert_int_equal(stats().refused, 1);
    hang_up(c);
    hang_up(second);
    hang_up(third);
}

static void limits_connections(void **state TD_UNUSED)
{
    config.limits.connections = 2;
    served();
    struct client *c = dial_new(), *second = dial_new();
    assert_null(dial(&(struct client_options){.name = "localhost"}));
    assert_int_equal(ask(c, GET("/")).status, 200);
    hang_up(c);
    hang_up(second);
}

/* http-server.md: a stalled handshake must not make a loop spin. */
static void rests_while_nothing_happens(void **state TD_UNUSED)
{
    served();
    struct client *c[20];
    for (size_t i = 0; i < TD_COUNTOF(c); i++) {
        c[i] = dial(&(struct client_options){.raw = true});
        assert_true(send_bytes(c[i], td_bytes("\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03", i % 12)));
    }
    nap(100);
    int64_t before = cpu_us();
    nap(500);
    assert_true(cpu_us() - before < 100000);
    for (size_t i = 0; i < TD_COUNTOF(c); i++)
        drop(c[i]);
}

static void *stop(void *arg TD_UNUSED)
{
    td_server_stop(server);
    return NULL;
}

static void drains(void **state TD_UNUSED)
{
    pthread_t thread;
    limits_ms(&config.limits.body);
    served();
    struct client *idle = dial_new(), *busy[3], *dripping = dial_new(), *silent;
    assert_int_equal(ask(idle, GET("/")).status, 200);
    for (int i = 0; i < 3; i++) {
        busy[i] = dial_new();
        assert_true(send_text(busy[i], GET("/slow")));
    }
    silent = dial(&(struct client_options){.raw = true});
    assert_true(send_text(dripping, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\na"));
    while (at_work != 3 || stats().accepted != 6)
        nap(1);
    nap(20);
    assert_int_equal(pthread_create(&thread, NULL, stop, NULL), 0);
    /* nothing is asserted before the server has ended */
    bool idle_ended = is_closed(idle, 900);
    bool said_goodbye = (SSL_get_shutdown(idle->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
    struct client *late = dial(&(struct client_options){.raw = true});
    for (int i = 0; i < 100 && late != NULL; i++, nap(10)) { /* each loop closes its own listener */
        drop(late);
        late = dial(&(struct client_options){.raw = true});
    }
    open_gate();
    struct answer a[3];
    for (int i = 0; i < 3; i++)
        a[i] = receive(busy[i]);
    int dripped = receive(dripping).status;
    (void)pthread_join(thread, NULL);
    server = NULL;
    assert_true(idle_ended);
    assert_true(said_goodbye);
    assert_null(late);
    assert_int_equal(dripped, 0);
    for (int i = 0; i < 3; i++) {
        assert_slice(a[i].body, "done");
        assert_true(has_line(&a[i], "Connection: close"));
        hang_up(busy[i]);
    }
    drop(idle);
    drop(dripping);
    drop(silent);
}

static void drains_in_time(void **state TD_UNUSED)
{
    limits_ms(&config.limits.drain);
    served();
    struct client *c = dial_new();
    assert_true(send_text(c, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\na"));
    nap(50);
    int64_t began = td_monotonic();
    td_server_stop(TD_TAKE(server));
    assert_cut((td_monotonic() - began) / 1000);
    drop(c);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begins, ends)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cuts_handshakes),
        TEST(cuts_drips),
        TEST(cuts_the_idle),
        TEST(cuts_who_never_reads),
        TEST(ends_work_that_lasts),
        TEST(tells_while_the_client_sends),
        TEST(stops_reading_who_never_reads),
        TEST(says_busy),
        TEST(limits_addresses),
        TEST(limits_connections),
        TEST(rests_while_nothing_happens),
        TEST(drains),
        TEST(drains_in_time),
    };
    return cmocka_run_group_tests_name("http limits", tests, https_setup, https_teardown);
}
