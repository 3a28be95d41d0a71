/* A proxy in front, over real sockets: what a listed one says of its client counts, what anybody else says does not.
 * /whoami answers base, address, tls or plain, and the fingerprint of the client's certificate. */
#include "crypto/digest.h"
#include "wire/https.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define HOST "Host: localhost:1234\r\n"
#define HTTPS "X-Forwarded-Proto: https\r\n"

static char dir[] = "/tmp/td-proxy-XXXXXX", file[64];
static struct td_network trusted[2];
static const char *fingerprint;

static int group_begins(void **state)
{
    int rc = https_setup(state);
    struct td_slice sha = td_bytes(td_arena_alloc(&test_arena, 32), 32);
    td_sha256(https_client_cert(), (unsigned char *)(uintptr_t)sha.p);
    fingerprint = td_hex(&test_arena, sha);
    if (mkdtemp(dir) == NULL)
        return -1;
    (void)snprintf(file, sizeof(file), "%s/touchdown.sock", dir);
    return rc;
}

static int group_ends(void **state)
{
    (void)unlink(file);
    (void)rmdir(dir);
    return https_teardown(state);
}

/* Two proxies with addresses nobody here has, and the socket file. */
static int proxied(void **state)
{
    struct td_error err;
    int rc = begins(state);
    assert_ok(td_network_parse(TD_S("192.0.2.0/24"), &trusted[0], &err));
    assert_ok(td_network_parse(TD_S("2001:db8::/32"), &trusted[1], &err));
    config.proxy = (struct td_server_proxy){.unix_path = file,
                                            .trusted = trusted,
                                            .trusted_count = 2,
                                            .trust_unix = true,
                                            .certificate_header = "X-Client-Cert"};
    return rc;
}

static struct client *dial_file(void)
{
    struct client *c = dial(&(struct client_options){.file = file});
    assert_non_null(c);
    return c;
}

static struct answer ask_whoami(struct client *c, const char *headers)
{
    return ask(c, td_arena_printf(&test_arena, "GET /whoami HTTP/1.1\r\n" HOST "%s\r\n", headers));
}

static const char *escaped_cert(void)
{
    struct td_buf b;
    td_buf_init(&b, 65536);
    td_pct_add(&b, td_str(td_cert_pem(https_client_cert(), &test_arena)));
    const char *text = td_arena_text(&test_arena, td_buf_slice(&b));
    td_buf_done(&b);
    return td_arena_printf(&test_arena, "-----BEGIN%s", strstr(text, "BEGIN") + 5); /* nginx leaves '-' as it is */
}

static const char *binary_cert(void)
{
    return td_arena_printf(&test_arena, ":%s:", td_b64(&test_arena, https_client_cert()));
}

static void believes_addresses(void **state TD_UNUSED)
{
    static const struct {
        const char *headers, *address;
    } rows[] = {
        {"", "unix"},
        {"X-Forwarded-For: 198.51.100.7\r\n", "198.51.100.7"},
        {"X-Forwarded-For: 198.51.100.7:4711\r\n", "198.51.100.7"},
        {"X-Forwarded-For: [2001:db9::7]:4711\r\n", "2001:db9::7"},
        {"X-Forwarded-For: 2001:DB9::7\r\n", "2001:db9::7"},
        {"X-Forwarded-For: ::ffff:198.51.100.7\r\n", "198.51.100.7"},
        {"X-Forwarded-For: 127.0.0.1, 198.51.100.7\r\n", "198.51.100.7"},
        {"X-Forwarded-For: 127.0.0.1, 198.51.100.7, 192.0.2.4,2001:db8::1\r\n", "198.51.100.7"},
        {"X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-For: 198.51.100.7\r\n", "198.51.100.7"},
        {"X-Forwarded-For: 127.0.0.1, 198.51.100.7\r\nx-forwarded-for: 192.0.2.4\r\n", "198.51.100.7"},
        {"X-Forwarded-For: what, a client, may say, 198.51.100.7\r\n", "198.51.100.7"},
        {"X-Forwarded-For: ,\r\nX-Forwarded-For: 198.51.100.7\r\n", "198.51.100.7"},
        {"X-Forwarded-For: 198.51.100.7, unix:\r\n", "198.51.100.7"},
        {"X-Forwarded-For: 192.0.2.1, 192.0.2.4\r\n", "192.0.2.1"}, /* all are proxies: the farthest asked itself */
    };
    served();
    struct client *c = dial_file();
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct answer a = ask_whoami(c, td_arena_printf(&test_arena, HTTPS "%s", rows[i].headers));
        assert_slice(a.body, td_arena_printf(&test_arena, "https://localhost:1234 %s tls none", rows[i].address));
    }
    hang_up(c);
}

static void believes_protocol_and_host(void **state TD_UNUSED)
{
    served();
    struct client *c = dial_file();
    assert_slice(ask_whoami(c, HTTPS "X-Forwarded-Host: People.test\r\n").body, "https://people.test unix tls none");
    struct answer a = ask_whoami(c, HTTPS "X-Forwarded-Host: evil.test\r\n");
    assert_true(td_starts(a.body, "https://localhost:"));
    assert_false(td_starts(a.body, "https://localhost:1234"));
    assert_int_equal(ask_whoami(c, "").status, 404); /* nobody says that there was TLS */
    assert_int_equal(ask_whoami(c, "X-Forwarded-Proto: http\r\n").status, 404);
    a = ask(c, "GET /pki/x HTTP/1.1\r\n" HOST "X-Forwarded-Proto: http\r\nX-Forwarded-For: 198.51.100.7\r\n\r\n");
    assert_true(td_ends(a.body, " 198.51.100.7 plain none"));
    hang_up(c);
}

static void believes_certificates(void **state TD_UNUSED)
{
    const char *texts[] = {escaped_cert(), binary_cert()};
    served();
    struct client *c = dial_file();
    for (size_t i = 0; i < TD_COUNTOF(texts); i++) {
        struct answer a = ask_whoami(c, td_arena_printf(&test_arena, HTTPS "x-client-cert: %s\r\n", texts[i]));
        assert_slice(a.body, td_arena_printf(&test_arena, "https://localhost:1234 unix tls %s", fingerprint));
        a = ask_whoami(c, HTTPS); /* the next client on this connection has none */
        assert_slice(a.body, "https://localhost:1234 unix tls none");
    }
    assert_slice(ask_whoami(c, HTTPS "X-Client-Cert:\r\n").body, "https://localhost:1234 unix tls none");
    hang_up(c);
}

static void refuses_what_it_cannot_read(void **state TD_UNUSED)
{
    const char *one = binary_cert(), *cut = td_arena_printf(&test_arena, "%.200s:", one);
    const struct {
        const char *name, *more;
    } rows[] = {
        {"X-Forwarded-For", "X-Forwarded-For:\r\n"},
        {"X-Forwarded-For", "X-Forwarded-For: unknown\r\n"},
        {"X-Forwarded-For", "X-Forwarded-For: 198.51.100.7, \r\n"},
        {"X-Forwarded-For", "X-Forwarded-For: 198.51.100.7;\r\n"},
        {"X-Forwarded-For", "X-Forwarded-For: 198.51.100.7:65536\r\n"},
        {"X-Forwarded-For", "X-Forwarded-For: [::1]x\r\n"},
        {"X-Forwarded-For", "X-Forwarded-For: [::1\r\n"},
        {"X-Forwarded-For", "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: ,\r\n"},
        {"X-Forwarded-For", "X-Forwarded-For: 192.0.2.1,192.0.2.1,192.0.2.1,192.0.2.1,192.0.2.1,192.0.2.1,192.0.2.1,"
                            "192.0.2.1,192.0.2.1,192.0.2.1,192.0.2.1,192.0.2.1,192.0.2.1,192.0.2.1,192.0.2.1,192.0.2.1,"
                            "192.0.2.1\r\n"},
        {"X-Forwarded-Proto", "X-Forwarded-Proto: gopher\r\n"},
        {"X-Forwarded-Proto", "X-Forwarded-Proto: https, http\r\n"},
        {"X-Forwarded-Proto", "X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n"},
        {"X-Forwarded-Host", "X-Forwarded-Host: a, b\r\n"},
        {"X-Forwarded-Host", "X-Forwarded-Host: \r\n"},
        {"X-Forwarded-Host", "X-Forwarded-Host: a\r\nX-Forwarded-Host: a\r\n"},
        {"X-Client-Cert", "X-Client-Cert: yes\r\n"},
        {"X-Client-Cert", "X-Client-Cert: ::\r\n"},
        {"X-Client-Cert", "X-Client-Cert: :\r\n"},
        {"X-Client-Cert", "X-Client-Cert: :AAAA:\r\n"},
        {"X-Client-Cert", "X-Client-Cert: :!:\r\n"},
        {"X-Client-Cert", "X-Client-Cert: -----BEGIN CERTIFICATE-----\r\n"},
        {"X-Client-Cert", "X-Client-Cert: -----BEGIN%20CERTIFICATE-----%0AAAAA%0A-----END%20CERTIFICATE-----%0A\r\n"},
        {"X-Client-Cert", td_arena_printf(&test_arena, "X-Client-Cert: %s\r\n", cut)},
        {"X-Client-Cert", td_arena_printf(&test_arena, "X-Client-Cert: %s\r\nX-Client-Cert: %s\r\n", one, one)},
    };
    served();
    struct client *c = dial_file();
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct answer a = ask_whoami(c, rows[i].more);
        if (a.status != 400)
            fail_msg("%s: %d", rows[i].more, a.status);
        const char *field = td_arena_printf(&test_arena, "\"field\":\"%s\"", rows[i].name);
        assert_int_not_equal(td_search(a.body, td_str(field)), SIZE_MAX);
    }
    char *junk = td_arena_alloc(&test_arena, 20001);
    memset(junk, 'A', 20000);
    junk[20000] = '\0';
    assert_int_equal(ask_whoami(c, td_arena_printf(&test_arena, "X-Client-Cert: :%s:\r\n", junk)).status, 400);
    assert_int_equal(ask_whoami(c, HTTPS).status, 200); /* other clients' requests go on over the same connection */
    hang_up(c);
}

/* Everything that a proxy may say, said by somebody who is none. */
static const char *spoof(void)
{
    return td_arena_printf(&test_arena,
                           HTTPS "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 8.8.8.8\r\nX-Forwarded-Host: "
                                 "people.test\r\nX-Client-Cert: %s\r\n",
                           escaped_cert());
}

static void believes_nobody_else(void **state TD_UNUSED)
{
    config.proxy.trust_unix = false;
    served();
    struct client *c = dial_new();
    assert_slice(ask_whoami(c, spoof()).body, "https://localhost:1234 127.0.0.1 tls none");
    struct answer a = ask_whoami(c, "X-Forwarded-For: junk\r\nX-Client-Cert: junk\r\nX-Forwarded-Proto: http\r\n");
    assert_slice(a.body, "https://localhost:1234 127.0.0.1 tls none");
    hang_up(c);
    c = dial(&(struct client_options){.name = "localhost", .cert = true});
    a = ask_whoami(c, spoof());
    assert_slice(a.body, td_arena_printf(&test_arena, "https://localhost:1234 127.0.0.1 tls %s", fingerprint));
    hang_up(c);
    c = dial(&(struct client_options){.plain = true});
    assert_int_equal(ask_whoami(c, spoof()).status, 404);
    const char *pki = td_arena_printf(&test_arena, "GET /pki/x HTTP/1.1\r\n" HOST "%s\r\n", spoof());
    assert_true(td_ends(ask(c, pki).body, " 127.0.0.1 plain none"));
    hang_up(c);
    c = dial_file();
    assert_int_equal(ask_whoami(c, spoof()).status, 404);
    assert_true(td_ends(ask(c, pki).body, " unix plain none"));
    hang_up(c);
}

static void trust_loopback(void)
{
    struct td_error err;
    assert_ok(td_network_parse(TD_S("127.0.0.1"), &trusted[0], &err));
}

/* A proxy may come with TLS too; the port without TLS is none of its doors. */
static void believes_proxies_with_tls(void **state TD_UNUSED)
{
    trust_loopback();
    served();
    struct client *c = dial(&(struct client_options){.name = "localhost", .cert = true});
    struct answer a = ask_whoami(c, "X-Forwarded-For: 198.51.100.7\r\n"); /* its own certificate is not its client's */
    assert_slice(a.body, "https://localhost:1234 198.51.100.7 tls none");
    a = ask_whoami(
        c, td_arena_printf(&test_arena, "X-Forwarded-For: 198.51.100.7\r\nX-Client-Cert: %s\r\n", binary_cert()));
    assert_slice(a.body, td_arena_printf(&test_arena, "https://localhost:1234 198.51.100.7 tls %s", fingerprint));
    assert_int_equal(ask_whoami(c, "X-Forwarded-Proto: http\r\n").status, 404);
    hang_up(c);
    c = dial(&(struct client_options){.plain = true});
    a = ask(c, "GET /pki/x HTTP/1.1\r\n" HOST HTTPS "X-Forwarded-For: 198.51.100.7\r\n\r\n");
    assert_true(td_ends(a.body, " 127.0.0.1 plain none"));
    hang_up(c);
}

static int limited_from(struct client *c, const char *address)
{
    return ask(c, td_arena_printf(&test_arena, "GET /limited HTTP/1.1\r\n" HOST HTTPS "X-Forwarded-For: %s\r\n\r\n",
                                  address))
        .status;
}

static void limits_clients_each(void **state TD_UNUSED)
{
    config.limits.connections_per_address = 1;
    config.limits.rate_per_address = 1;
    config.limits.burst_per_address = 2;
    served();
    struct client *c = dial_file(), *second = dial_file(); /* a proxy may have many connections */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(limited_from(c, "198.51.100.7"), 200);
        assert_int_equal(limited_from(second, "198.51.100.8"), 200);
    }
    assert_int_equal(limited_from(second, "198.51.100.7"), 429);
    assert_int_equal(limited_from(c, "8.8.8.8, 198.51.100.8"), 429);
    assert_int_equal(limited_from(c, "198.51.100.9"), 200);
    hang_up(c);
    hang_up(second);
}

static void keeps_its_file(void **state TD_UNUSED)
{
    struct stat st;
    struct td_error err;
    struct td_server *second = NULL;
    served();
    assert_int_equal(lstat(file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
    assert_int_equal(td_server_start(&config, &second, &err), TD_EIO);
    assert_string_equal(err.where, "unix");
    struct client *c = dial_file();
    assert_int_equal(ask_whoami(c, HTTPS).status, 200);
    hang_up(c);
    td_server_stop(TD_TAKE(server));
    assert_int_not_equal(lstat(file, &st), 0);
}

/* What a killed server leaves is replaced; what is no socket is not. */
static void takes_over_dead_files(void **state TD_UNUSED)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    struct td_error err;
    struct td_server *second = NULL;
    struct stat st;
    (void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", file);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    (void)close(fd);
    served();
    hang_up(dial_file());
    assert_int_equal(rename(file, td_arena_printf(&test_arena, "%s.old", file)), 0);
    FILE *other = fopen(file, "w");
    assert_non_null(other);
    (void)fclose(other);
    assert_int_equal(td_server_start(&config, &second, &err), TD_EIO);
    td_server_stop(TD_TAKE(server));
    assert_int_equal(lstat(file, &st), 0); /* another's file now: it stays */
    assert_int_equal(unlink(file), 0);
    assert_int_equal(unlink(td_arena_printf(&test_arena, "%s.old", file)), 0);
    config.proxy.unix_path = "relative.sock";
    assert_int_equal(td_server_start(&config, &second, &err), TD_EINVAL);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, proxied, ends)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(believes_addresses),          TEST(believes_protocol_and_host),
        TEST(believes_certificates),       TEST(believes_nobody_else),
        TEST(refuses_what_it_cannot_read), TEST(believes_proxies_with_tls),
        TEST(limits_clients_each),         TEST(keeps_its_file),
        TEST(takes_over_dead_files),
    };
    return cmocka_run_group_tests_name("http proxy", tests, group_begins, group_ends);
}
