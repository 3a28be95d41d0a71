/* Many hostile and honest clients at once, certificates exchanged in the middle, then a stop: for the sanitizers.
 * Nothing is left open, the honest ones are always answered. */
#include "wire/https.h"

#include <pthread.h>
#include <sys/socket.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost:1234\r\n\r\n"

enum { HOSTILE = 6, HONEST = 2, RUN_MS = 2500 };

static _Atomic bool over;
static _Atomic int served_honest, attacks_made;

static void cut_handshake(unsigned seed)
{
    struct client *c = dial(&(struct client_options){.raw = true});
    if (c == NULL)
        return;
    (void)send_bytes(c, td_bytes("\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03", seed % 12));
    (seed % 2 != 0 ? reset : drop)(c);
}

static void abandon_work(unsigned seed)
{
    struct client *c = dial(&(struct client_options){.name = "localhost", .cert = seed % 3 == 0});
    if (c == NULL)
        return;
    (void)send_text(c, seed % 2 != 0 ? GET("/big") GET("/file") : GET("/whoami") GET("/big"));
    (seed % 4 == 0 ? hang_up : seed % 4 == 1 ? drop : reset)(c);
}

static void send_rubbish(unsigned seed)
{
    static const char *const texts[] = {
        "\r\n\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        "\xFF\xFF\xFF\xFF",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    };
    bool plain = seed % 2 != 0;
    struct client *c = dial(&(struct client_options){.plain = plain});
    if (c == NULL)
        return;
    (void)send_text(c, texts[seed % TD_COUNTOF(texts)]);
    if (seed % 3 == 0)
        half_close(c);
    drop(c);
}

static void half_closed(unsigned seed)
{
    struct client *c = dial(&(struct client_options){.name = seed % 2 != 0 ? "people.test" : NULL});
    if (c == NULL)
        return;
    (void)send_text(c, GET("/") GET("/whoami"));
    half_close(c);
    (void)receive(c);
    drop(c);
}

static void *attack(void *arg)
{
    static void (*const attacks[])(unsigned) = {cut_handshake, abandon_work, send_rubbish, half_closed};
    unsigned seed = *(const unsigned *)arg;
    while (!over) {
        seed = seed * 1103515245U + 12345U;
        attacks[(seed >> 16) % TD_COUNTOF(attacks)](seed >> 20);
        attacks_made++;
    }
    td_arena_done(&test_arena);
    return NULL;
}

static void *honest(void *arg TD_UNUSED)
{
    SSL_SESSION *session = NULL;
    while (!over) {
        struct client *c = dial(&(struct client_options){.name = "localhost", .cert = true, .session = session});
        if (c == NULL)
            break;
        for (int i = 0; i < 5; i++) {
            if (!send_text(c, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd") ||
                !td_eqs(receive(c).body, "abcd"))
                break;
            served_honest++;
        }
        SSL_SESSION_free(session);
        session = session_of(c);
        hang_up(c);
    }
    SSL_SESSION_free(session);
    td_arena_done(&test_arena);
    return NULL;
}

static void survives(void **state TD_UNUSED)
{
    pthread_t threads[HOSTILE + HONEST];
    unsigned seeds[HOSTILE];
    served();
    for (unsigned i = 0; i < HOSTILE; i++) {
        seeds[i] = i * 7919 + 1;
        assert_int_equal(pthread_create(&threads[i], NULL, attack, &seeds[i]), 0);
    }
    for (int i = HOSTILE; i < HOSTILE + HONEST; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, honest, NULL), 0);
    for (int i = 0; i < RUN_MS / 50; i++) {
        struct td_error err;
        struct td_server_cert cert = https_cert(i % 2);
        nap(50);
        assert_ok(td_server_reload(server, &cert, 1, &err));
        assert_true(stats().accepted >= stats().open);
    }
    over = true;
    for (int i = 0; i < HOSTILE + HONEST; i++)
        (void)pthread_join(threads[i], NULL);
    for (int i = 0; i < 1000 && stats().open != 0; i++)
        nap(5);
    assert_int_equal(stats().open, 0);
    assert_int_equal(stats().body_octets, 0);
    assert_true(served_honest > 20);
    assert_true(attacks_made > 20);
    assert_true(stats().handshakes_resumed > 0);
    struct client *c = dial_new();
    assert_int_equal(ask(c, GET("/")).status, 200);
    hang_up(c);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begins, ends)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(survives)};
    return cmocka_run_group_tests_name("http hostile", tests, https_setup, https_teardown);
}
