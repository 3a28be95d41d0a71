/* The HTTPS server over real sockets: answers, sessions, certificates, half-closed and abandoned connections. */
#include "wire/https.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost:1234\r\n\r\n"

static void keeps_connections(void **state TD_UNUSED)
{
    served();
    struct client *c = dial_new();
    for (int i = 0; i < 3; i++) {
        struct answer a = ask(c, GET("/"));
        assert_int_equal(a.status, 200);
        assert_slice(a.body, "hello");
        assert_true(has_line(&a, "Content-Length: 5"));
        assert_true(has_line(&a, "Content-Type: text/plain"));
        assert_int_not_equal(td_search(a.head, TD_S("\r\nDate: ")), SIZE_MAX);
    }
    assert_true(send_text(c, "HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    assert_true(is_closed(c, 900));
    assert_int_not_equal(td_search(td_buf_slice(&c->in), TD_S("Content-Length: 5\r\n")), SIZE_MAX);
    assert_true(td_ends(td_buf_slice(&c->in), "\r\n\r\n"));
    hang_up(c);
    c = dial_new();
    struct answer a = ask(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_true(has_line(&a, "Connection: close"));
    assert_true(is_closed(c, 900));
    hang_up(c);
    assert_int_equal(stats().requests, 5);
    c = dial_new();
    a = ask(c, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_true(has_line(&a, "Connection: keep-alive"));
    assert_int_equal(ask(c, "GET / HTTP/1.0\r\n\r\n").status, 200);
    assert_true(is_closed(c, 900));
    hang_up(c);
}

static void names_the_caller(void **state TD_UNUSED)
{
    static const struct {
        const char *host, *base;
    } rows[] = {
        {"localhost:1234", "https://localhost:1234 127.0.0.1 tls none"},
        {"LOCALHOST", "https://localhost 127.0.0.1 tls none"},
        {"people.test:8443", "https://people.test:8443 127.0.0.1 tls none"},
        {"[::1]:5", "https://[::1]:5 127.0.0.1 tls none"},
    };
    served();
    struct client *c = dial_new();
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct answer a =
            ask(c, td_arena_printf(&test_arena, "GET /whoami HTTP/1.1\r\nHost: %s\r\n\r\n", rows[i].host));
        assert_slice(a.body, rows[i].base);
    }
    struct answer a = ask(c, "GET /whoami HTTP/1.1\r\nHost: evil.test\r\n\r\n");
    assert_true(td_starts(a.body, "https://localhost:"));
    a = ask(c,
            "GET /whoami HTTP/1.1\r\nHost: localhost:1\r\nX-Forwarded-Host: evil\r\nX-Forwarded-For: 8.8.8.8\r\n\r\n");
    assert_slice(a.body, "https://localhost:1 127.0.0.1 tls none");
    hang_up(c);
}

static void sends_long_bodies(void **state TD_UNUSED)
{
    served();
    struct client *c = dial_new();
    struct answer a = ask(c, GET("/big"));
    assert_int_equal(a.body.n, 3000000);
    for (size_t i = 0; i < 300000; i += 7777)
        assert_memory_equal(a.body.p + 10 * i, td_arena_printf(&test_arena, "%09zu\n", i), 10);
    a = ask(c, GET("/file"));
    assert_int_equal(a.body.n, 299000);
    assert_memory_equal(a.body.p, "000000100\n", 10);
    assert_memory_equal(a.body.p + a.body.n - 10, "000029999\n", 10);
    char *body = td_arena_alloc(&test_arena, 1 << 20);
    memset(body, 'b', 1 << 20);
    assert_true(send_text(c, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n"));
    assert_true(send_bytes(c, td_bytes(body, 1 << 20)));
    assert_true(td_eq(receive(c).body, td_bytes(body, 1 << 20)));
    a = ask(c, GET("/split"));
    assert_true(has_line(&a, "X-Good: yes"));
    assert_int_equal(td_search(a.head, TD_S("Set-Cookie")), SIZE_MAX);
    assert_int_equal(ask(c, GET("/silent")).status, 500);
    hang_up(c);
}

static void goes_on_after_100(void **state TD_UNUSED)
{
    served();
    struct client *c = dial_new();
    struct answer a = ask(c, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(a.status, 100);
    assert_slice(ask(c, "ab").body, "ab");
    a = ask(c, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(a.status, 413);
    hang_up(c);
}

static const char *asked_by(const struct client_options *o, bool *ret_resumed)
{
    struct client *c = dial(o);
    assert_non_null(c);
    struct answer a = ask(c, "GET /whoami HTTP/1.1\r\nHost: localhost:1\r\n\r\n");
    *ret_resumed = SSL_session_reused(c->ssl) == 1;
    hang_up(c);
    struct td_slice head, rest = a.body;
    while (td_find(rest, ' ') != SIZE_MAX)
        rest = td_cut(rest, ' ', &head);
    return td_arena_text(&test_arena, rest);
}

/* http-server.md 3.2: whichever way the first connection ended, the next one resumes, and the certificate is there. */
static void resumes(bool tls12)
{
    static void (*const endings[])(struct client *) = {hang_up, drop, reset};
    struct client_options o = {.cert = true, .name = "localhost", .tls12 = tls12};
    bool resumed;
    const char *who = asked_by(&o, &resumed);
    assert_false(resumed);
    assert_int_equal(strlen(who), 64);
    for (size_t i = 0; i <= TD_COUNTOF(endings); i++) {
        struct client *c = dial(&o);
        const char *close = i == TD_COUNTOF(endings) ? "Connection: close\r\n" : "";
        assert_int_equal(ask(c, td_arena_printf(&test_arena, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", close)).status,
                         200);
        SSL_SESSION *session = session_of(c);
        (i == TD_COUNTOF(endings) ? hang_up : endings[i])(c);
        struct client_options again = o;
        again.session = session;
        nap(30);
        assert_string_equal(asked_by(&again, &resumed), who);
        SSL_SESSION_free(session);
        if (!resumed)
            fail_msg("ending %zu, TLS 1.%d: the session did not resume", i, tls12 ? 2 : 3);
    }
}

static void resumes_sessions(void **state TD_UNUSED)
{
    served();
    resumes(false);
    resumes(true);
    assert_int_equal(stats().handshakes_resumed, 8);
    assert_int_equal(stats().handshakes_failed, 0);
}

static void asks_no_certificate_of_people(void **state TD_UNUSED)
{
    served();
    bool resumed;
    assert_string_equal(asked_by(&(struct client_options){.cert = true, .name = "people.test"}, &resumed), "none");
    assert_int_equal(strlen(asked_by(&(struct client_options){.cert = true}, &resumed)), 64);
    assert_string_equal(asked_by(&(struct client_options){.name = "localhost"}, &resumed), "none");
}

static const char *shown(struct client *c)
{
    X509 *cert = SSL_get0_peer_certificate(c->ssl);
    char cn[64] = "";
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, cn, sizeof(cn));
    return td_arena_strdup(&test_arena, cn);
}

static void exchanges_certificates(void **state TD_UNUSED)
{
    struct td_error err;
    served();
    struct client *old = dial_new();
    assert_string_equal(shown(old), "first");
    assert_int_equal(ask(old, GET("/")).status, 200);
    SSL_SESSION *session = session_of(old);
    struct td_server_cert second = https_cert(1);
    struct td_server_cert wrong = {NULL, second.chain, https_cert(0).key};
    assert_int_not_equal(td_server_reload(server, &wrong, 1, &err), TD_OK);
    assert_ok(td_server_reload(server, &second, 1, &err));
    struct client *fresh = dial_new();
    assert_string_equal(shown(fresh), "second");
    assert_int_equal(ask(old, GET("/")).status, 200);
    bool resumed;
    (void)asked_by(&(struct client_options){.name = "localhost", .session = session}, &resumed);
    assert_true(resumed);
    SSL_SESSION_free(session);
    hang_up(old);
    hang_up(fresh);
    /* by name: the first one for the rest */
    const char *const hosts[] = {"people.test", NULL};
    struct td_server_cert both[] = {https_cert(0), https_cert(1)};
    both[1].hosts = hosts;
    assert_ok(td_server_reload(server, both, 2, &err));
    struct client *people = dial(&(struct client_options){.name = "People.test"});
    assert_string_equal(shown(people), "second");
    hang_up(people);
    fresh = dial(&(struct client_options){.name = "other.test"});
    assert_string_equal(shown(fresh), "first");
    hang_up(fresh);
}

/* http-server.md 2.4: with read-ahead the second and third record would lie unseen. */
static void reads_records_of_one_segment(void **state TD_UNUSED)
{
    served();
    struct client *c = dial_new();
    int on = 1, off = 0;
    int64_t began = td_monotonic();
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
    for (int i = 0; i < 3; i++)
        assert_true(send_text(c, GET("/")));
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_CORK, &off, sizeof(off));
    for (int i = 0; i < 3; i++)
        assert_slice(receive(c).body, "hello");
    assert_true(td_monotonic() - began < TD_SECOND);
    hang_up(c);
}

static _Atomic int records;

static void count_records(int out, int version TD_UNUSED, int type, const void *buf, size_t n, SSL *ssl TD_UNUSED,
                          void *arg TD_UNUSED)
{
    if (out == 0 && type == SSL3_RT_HEADER && n > 0 && *(const unsigned char *)buf == SSL3_RT_APPLICATION_DATA)
        records++;
}

static void answers_in_one_record(void **state TD_UNUSED)
{
    served();
    struct client *c = dial(&(struct client_options){.name = "localhost", .tls12 = true});
    SSL_set_msg_callback(c->ssl, count_records);
    records = 0;
    for (int i = 0; i < 5; i++)
        assert_int_equal(ask(c, GET("/")).status, 200);
    assert_int_equal(records, 5);
    hang_up(c);
}

static void answers_the_half_closed(void **state TD_UNUSED)
{
    served();
    for (int plain = 0; plain < 2; plain++) {
        struct client *c = dial(&(struct client_options){.name = "localhost", .plain = plain == 1});
        assert_true(send_text(c, plain == 1 ? GET("/pki/x") : GET("/slow")));
        while (plain == 0 && at_work == 0)
            nap(1);
        half_close(c);
        nap(30);
        open_gate();
        struct answer a = receive(c);
        assert_int_equal(a.status, 200);
        assert_true(is_closed(c, 900));
        drop(c);
    }
    /* all requests that were sent before the end are answered */
    struct client *c = dial_new();
    assert_true(send_text(c, GET("/") GET("/slow") GET("/whoami")));
    half_close(c);
    assert_slice(receive(c).body, "hello");
    assert_slice(receive(c).body, "done");
    assert_int_equal(receive(c).status, 200); /* says close if the end was seen before it was written */
    assert_true(is_closed(c, 900));
    drop(c);
}

static void forgets_the_abandoned(void **state TD_UNUSED)
{
    served();
    struct client *c[3];
    for (int i = 0; i < 3; i++) {
        c[i] = dial_new();
        assert_true(send_text(c[i], GET("/slow")));
    }
    while (at_work != 3)
        nap(1);
    for (int i = 0; i < 3; i++)
        reset(c[i]);
    for (int i = 0; i < 200 && stats().open != 0; i++)
        nap(5);
    assert_int_equal(stats().open, 0);
    open_gate();
    struct client *again = dial_new();
    assert_int_equal(ask(again, GET("/")).status, 200);
    hang_up(again);
}

static void pipelines(void **state TD_UNUSED)
{
    enum { COUNT = 20000 };
    served();
    struct client *c = dial_new();
    struct td_buf b;
    td_buf_init(&b, 4 << 20);
    for (int i = 0; i < 100; i++)
        td_buf_printf(&b, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n%04d", i);
    for (int i = 0; i < COUNT / 100; i++) {
        assert_true(send_bytes(c, td_buf_slice(&b)));
        for (int k = 0; k < 100; k++)
            assert_slice(receive(c).body, td_arena_printf(&test_arena, "%04d", k));
    }
    td_buf_done(&b);
    assert_int_equal(stats().requests, COUNT);
    hang_up(c);
}

/* A client that stops reading for a while: replies meet a full socket (the refused direct write of send.c, then the
 * output), and all of them come in order when it reads again. */
static void goes_on_when_it_is_read_again(void **state TD_UNUSED)
{
    enum { COUNT = 12000, BODY = 1000, PIECE = 16384 };
    served();
    struct client *c = dial_new();
    struct td_buf b;
    size_t sent = 0, size;
    td_buf_init(&b, 16 << 20);
    for (int i = 0; i < COUNT; i++)
        td_buf_printf(&b, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%0*d", BODY, BODY, i);
    size = b.n / COUNT;
    (void)fcntl(c->fd, F_SETFL, O_NONBLOCK);
    for (int still = 0; sent + PIECE <= b.n && still < 30; still++) {
        if (SSL_write(c->ssl, b.p + sent, PIECE) == PIECE) {
            sent += PIECE;
            still = 0;
        } else {
            nap(10);
        }
    }
    assert_true(sent + PIECE <= b.n); /* it stood still */
    (void)fcntl(c->fd, F_SETFL, 0);
    for (size_t i = 0; i < sent / size; i++)
        assert_slice(receive(c).body, td_arena_printf(&test_arena, "%0*d", BODY, (int)i));
    td_buf_done(&b);
    drop(c);
}

static void serves_little_without_tls(void **state TD_UNUSED)
{
    served();
    struct client *c = dial(&(struct client_options){.plain = true});
    struct answer a = ask(c, GET("/pki/root.crt"));
    assert_true(td_starts(a.body, "https://localhost:"));
    assert_true(td_ends(a.body, " 127.0.0.1 plain none"));
    assert_int_equal(ask(c, GET("/")).status, 404);
    assert_int_equal(ask(c, GET("/nothing")).status, 404);
    assert_int_equal(ask(c, "X\r\n\r\n").status, 400);
    drop(c);
    /* plain HTTP at the TLS port is no handshake */
    c = dial(&(struct client_options){.raw = true});
    (void)send_text(c, GET("/pki/root.crt"));
    assert_int_equal(receive(c).status, 0);
    drop(c);
}

static void refuses_a_port_in_use(void **state TD_UNUSED)
{
    struct td_error err;
    struct td_server *second = NULL;
    served();
    config.listen = td_server_address(server);
    assert_int_equal(td_server_start(&config, &second, &err), TD_EIO);
    assert_string_equal(err.where, "listen");
    config.listen = "nowhere";
    assert_int_equal(td_server_start(&config, &second, &err), TD_EINVAL);
    config.listen = "unix:/tmp/x";
    assert_int_equal(td_server_start(&config, &second, &err), TD_EINVAL);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begins, ends)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keeps_connections),
        TEST(names_the_caller),
        TEST(sends_long_bodies),
        TEST(goes_on_after_100),
        TEST(resumes_sessions),
        TEST(asks_no_certificate_of_people),
        TEST(exchanges_certificates),
        TEST(reads_records_of_one_segment),
        TEST(answers_in_one_record),
        TEST(answers_the_half_closed),
        TEST(forgets_the_abandoned),
        TEST(pipelines),
        TEST(goes_on_when_it_is_read_again),
        TEST(serves_little_without_tls),
        TEST(refuses_a_port_in_use),
    };
    return cmocka_run_group_tests_name("http", tests, https_setup, https_teardown);
}
