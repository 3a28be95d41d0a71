/* connect/ek_fetch: which addresses of strangers are asked, and what is taken from them; against a server here. */
#include "connect/ek_fetch.h"
#include "unit/test.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static struct td_arena arena;

static void addresses_that_may_be_asked(void **state TD_UNUSED)
{
    static const struct {
        const char *url, *host; /* NULL: refused */
        int port;
        bool usual;
    } rows[] = {
        {"http://maker.test/a.cer", "maker.test", 80, true},
        {"HTTPS://Maker.test", "Maker.test", 443, true},
        {"http://maker.test:8080/a", "maker.test", 8080, false},
        {"https://maker.test:443?x", "maker.test", 443, true},
        {"http://[2001:db8::1]/x", "2001:db8::1", 80, true},
        {"ftp://maker.test/a", NULL, 0, false},
        {"file:///etc/passwd", NULL, 0, false},
        {"ldap://maker.test/x", NULL, 0, false},
        {"http:///a", NULL, 0, false},
        {"http://user@maker.test/a", NULL, 0, false},
        {"http://maker.test#@other.test/", NULL, 0, false},
        {"http://maker.test\\@other.test/", NULL, 0, false},
        {"http://maker.test:0/", NULL, 0, false},
        {"http://maker.test:65536/", NULL, 0, false},
        {"http://maker.test:/", NULL, 0, false},
        {"http://maker.test/a b", NULL, 0, false},
        {"http://maker.test/a\nHost: x", NULL, 0, false},
        {"http://[::1/", NULL, 0, false},
        {"http://[::1]x/", NULL, 0, false},
        {"", NULL, 0, false},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_ek_url u = {0};
        bool fine = td_ek_url_parse(rows[i].url, &u);
        if (fine != (rows[i].host != NULL))
            fail_msg("%s", rows[i].url);
        if (fine && (!td_eqs(u.host, rows[i].host) || u.port != rows[i].port || u.usual != rows[i].usual))
            fail_msg("%s: %.*s %d", rows[i].url, TD_FMT(u.host), u.port);
    }
    char *far = td_arena_alloc(&arena, TD_EK_FETCH_URL_MAX + 2);
    memset(far, 'a', TD_EK_FETCH_URL_MAX + 1);
    memcpy(far, "http://a/", 9);
    struct td_ek_url u;
    assert_false(td_ek_url_parse(far, &u));
    far[TD_EK_FETCH_URL_MAX] = '\0';
    assert_true(td_ek_url_parse(far, &u));
}

static bool is_public(const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return td_ek_address_is_public((const struct sockaddr *)&v4);
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return td_ek_address_is_public((const struct sockaddr *)&v6);
}

static void only_the_public_internet(void **state TD_UNUSED)
{
    static const char *const open[] = {"8.8.8.8",         "172.15.0.1",      "172.32.0.1",    "11.0.0.1",
                                       "100.128.0.1",     "192.0.1.1",       "198.20.0.1",    "223.255.255.255",
                                       "2606:4700::1111", "2001:4860::8888", "::ffff:8.8.8.8"};
    static const char *const closed[] = {"127.0.0.1",
                                         "127.255.0.1",
                                         "10.1.2.3",
                                         "172.16.0.1",
                                         "172.31.255.255",
                                         "192.168.0.1",
                                         "169.254.169.254",
                                         "0.0.0.0",
                                         "100.64.0.1",
                                         "192.0.0.8",
                                         "198.18.0.1",
                                         "198.19.9.9",
                                         "203.0.113.1",
                                         "224.0.0.1",
                                         "240.0.0.1",
                                         "255.255.255.255",
                                         "::1",
                                         "::",
                                         "fe80::1",
                                         "fd00::1",
                                         "fc00::1",
                                         "ff02::1",
                                         "2001:db8::1",
                                         "2001:0:1::1",
                                         "2002:7f00:1::1",
                                         "64:ff9b::7f00:1",
                                         "::ffff:127.0.0.1",
                                         "::ffff:10.0.0.1",
                                         "::127.0.0.1"};
    for (size_t i = 0; i < TD_COUNTOF(open); i++)
        if (!is_public(open[i]))
            fail_msg("%s is public", open[i]);
    for (size_t i = 0; i < TD_COUNTOF(closed); i++)
        if (is_public(closed[i]))
            fail_msg("%s is not public", closed[i]);
    assert_false(td_ek_address_is_public(&(struct sockaddr){.sa_family = AF_UNIX}));
}

/* --- a server that answers each connection with the same octets --- */

struct server {
    pthread_t thread;
    int fd, port;
    const char *head;
    size_t body;
    int asked;
};

static void *serve(void *ctx)
{
    struct server *s = ctx;
    for (;;) {
        char in[2048];
        int c = accept(s->fd, NULL, NULL);
        if (c < 0)
            return NULL;
        if (read(c, in, sizeof(in)) > 0) {
            s->asked++;
            (void)!write(c, s->head, strlen(s->head));
            for (size_t i = 0; i < s->body; i++)
                if (write(c, "x", 1) != 1)
                    break;
        }
        close(c);
    }
}

static void begin(struct server *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(at);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(s->fd, 4), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &n), 0);
    s->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void end(struct server *s)
{
    (void)shutdown(s->fd, SHUT_RDWR);
    (void)pthread_join(s->thread, NULL);
    close(s->fd);
}

static enum td_code fetch(struct server *s, bool named, const char *host, struct td_slice *ret, struct td_error *err)
{
    const char *const hosts[] = {"maker.test", named ? td_arena_printf(&arena, "%s:%d", host, s->port) : NULL, NULL};
    struct td_ek_fetch f;
    td_ek_fetch_init(&f, hosts);
    return f.get(&f, td_arena_printf(&arena, "http://%s:%d/ca.cer", host, s->port), 2, &arena, ret, err);
}

static void a_named_host_is_asked(void **state TD_UNUSED)
{
    struct server s = {.head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nDER"};
    struct td_slice got = TD_S("");
    struct td_error err;
    begin(&s);
    assert_ok(fetch(&s, true, "127.0.0.1", &got, &err));
    assert_slice(got, "DER");
    assert_ok(fetch(&s, true, "LOCALHOST", &got, &err));
    assert_int_equal(s.asked, 2);
    end(&s);
}

/* On its usual port a name that nobody allowed leads here: it is seen before a connection is made. */
static void others_are_not_asked(void **state TD_UNUSED)
{
    struct server s = {.head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nDER"};
    struct td_slice got = TD_S("");
    struct td_error err;
    struct td_ek_fetch f;
    begin(&s);
    assert_int_equal(fetch(&s, false, "127.0.0.1", &got, &err), TD_EDENIED); /* the port */
    assert_int_equal(s.asked, 0);
    end(&s);
    td_ek_fetch_init(&f, NULL);
    assert_int_equal(f.get(&f, "http://127.0.0.1/ca.cer", 2, &arena, &got, &err), TD_EDENIED);
    assert_non_null(strstr(err.text, "strangers"));
    assert_int_equal(f.get(&f, "http://localhost/ca.cer", 2, &arena, &got, &err), TD_EDENIED);
    assert_int_equal(f.get(&f, "https://[::1]/ca.cer", 2, &arena, &got, &err), TD_EDENIED);
    assert_int_equal(f.get(&f, "ftp://localhost/ca.cer", 2, &arena, &got, &err), TD_EINVAL);
}

static void few_wait_at_a_time(void **state TD_UNUSED)
{
    struct server s = {.head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nDER"};
    struct td_slice got = TD_S("");
    struct td_error err;
    struct td_ek_fetch f;
    begin(&s);
    const char *const hosts[] = {td_arena_printf(&arena, "127.0.0.1:%d", s.port), NULL};
    const char *url = td_arena_printf(&arena, "http://127.0.0.1:%d/", s.port);
    td_ek_fetch_init(&f, hosts);
    atomic_store(&f.waiting, TD_EK_FETCH_AT_ONCE);
    assert_int_equal(f.get(&f, url, 2, &arena, &got, &err), TD_ESTATE);
    assert_int_equal(s.asked, 0);
    atomic_store(&f.waiting, TD_EK_FETCH_AT_ONCE - 1);
    assert_ok(f.get(&f, url, 2, &arena, &got, &err));
    assert_int_equal(atomic_load(&f.waiting), TD_EK_FETCH_AT_ONCE - 1);
    end(&s);
}

static void answers_that_are_not_taken(void **state TD_UNUSED)
{
    static const struct {
        const char *head;
        size_t body;
        enum td_code rc;
    } rows[] = {
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx", 0, TD_EUNAVAILABLE},
        {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", 0, TD_EUNAVAILABLE},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0, TD_EUNAVAILABLE},
        {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", TD_EK_FETCH_BYTES + 1, TD_ELIMIT},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct server s = {.head = rows[i].head, .body = rows[i].body};
        struct td_slice got = TD_S("");
        struct td_error err;
        begin(&s);
        assert_int_equal(fetch(&s, true, "127.0.0.1", &got, &err), rows[i].rc);
        assert_int_equal(s.asked, 1); /* a redirect is not followed */
        end(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_that_may_be_asked), cmocka_unit_test(only_the_public_internet),
        cmocka_unit_test(a_named_host_is_asked),       cmocka_unit_test(others_are_not_asked),
        cmocka_unit_test(answers_that_are_not_taken),  cmocka_unit_test(few_wait_at_a_time),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    td_arena_init(&arena);
    int failed = cmocka_run_group_tests_name("ek_fetch", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
