/* net/ against the real listener: what it trusts, what it refuses, how a cut download goes on. */
#include "crypto/key.h"
#include "net/net.h"
#include "wire/https.h"

#include <sys/stat.h>
#include <unistd.h>

static char path[64];

static const char *url(const char *rest)
{
    return td_arena_printf(&test_arena, "https://localhost:%s%s", strrchr(td_server_address(server), ':') + 1, rest);
}

static struct td_net *net_with(struct td_slice ca, size_t max_body)
{
    struct td_error err;
    struct td_net *net = NULL;
    struct td_net_config c = {.ca_pem = ca, .timeout_seconds = 5, .max_body = max_body};
    assert_ok(td_net_new(&c, &net, &err));
    return net;
}

static struct td_slice root(int which)
{
    return td_str(https_cert(which).chain);
}

static void exchanges(void **state TD_UNUSED)
{
    static const struct td_net_request rows[] = {
        {.method = "GET", .url = "/"},
        {.method = "HEAD", .url = "/"},
        {.method = "POST", .url = "/echo", .headers = {"Content-Type: text/x"}, .body = {"abc", 3}, .has_body = true},
        {.method = "GET", .url = "/nothing"},
        {.method = "DELETE", .url = "/echo"},
        {.method = "POST", .url = "/echo"},
    };
    static const int status[] = {200, 200, 200, 404, 405, 200};
    static const char *const body[] = {"hello", "", "abc", NULL, NULL, ""};
    served();
    struct td_net *net = net_with(root(0), 0);
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_net_request req = rows[i];
        struct td_net_response r;
        struct td_error err;
        req.url = url(rows[i].url);
        assert_ok(td_net_do(net, &req, &test_arena, &r, &err));
        assert_int_equal(r.status, status[i]);
        if (body[i] != NULL)
            assert_slice(r.body, body[i]);
        assert_true(td_net_header(&r, "content-length").n != 0);
        assert_null(td_net_header(&r, "x-none").p);
    }
    assert_int_equal(stats().accepted, 1); /* one connection for all */
    td_net_free(net);
}

static void shows_its_certificate(void **state TD_UNUSED)
{
    struct td_net *net = NULL;
    struct td_net_response r;
    struct td_error err;
    served();
    /* any certificate will do: the listener judges none */
    struct td_net_config c = {
        .ca_pem = root(0), .client_pem = root(1), .client_key = td_str(https_cert(1).key), .timeout_seconds = 5};
    assert_ok(td_net_new(&c, &net, &err));
    struct td_net_request req = {.method = "GET", .url = url("/whoami")};
    assert_ok(td_net_do(net, &req, &test_arena, &r, &err));
    assert_false(td_ends(r.body, "none"));
    td_net_free(net);
    c.client_key = TD_S("");
    assert_int_equal(td_net_new(&c, &net, &err), TD_EINVAL);
    c = (struct td_net_config){.ca_pem = TD_S(" \n")};
    assert_int_equal(td_net_new(&c, &net, &err), TD_EINVAL);
}

struct shown {
    struct td_key *key;
    struct td_slice chain;
    int asked;
};

static enum td_code show(void *ctx, void *ssl_ctx, struct td_error *err)
{
    struct shown *s = ctx;
    s->asked++;
    if (s->key == NULL)
        return td_remedy(err, td_fail(err, TD_EIO, "key", "its place does not answer"), "look after it");
    return td_key_tls_identity(ssl_ctx, s->key, s->chain, err);
}

/* The caller's own key: asked for once a connection, and what stood in its way is what is told. */
static void shows_an_identity_of_the_caller(void **state TD_UNUSED)
{
    struct shown s = {.chain = root(1)};
    struct td_net *net = NULL;
    struct td_net_response r;
    struct td_error err = {0};
    served();
    struct td_net_config c = {.ca_pem = root(0), .identity = show, .identity_ctx = &s, .timeout_seconds = 5};
    struct td_net_request req = {.method = "GET", .url = url("/whoami")};
    assert_ok(td_net_new(&c, &net, &err));
    assert_int_equal(td_net_do(net, &req, &test_arena, &r, &err), TD_EIO);
    assert_string_equal(err.remedy, "look after it");
    assert_ok(td_key_from_private_pem(td_str(https_cert(1).key), &s.key, &err));
    for (int i = 0; i < 2; i++) {
        assert_ok(td_net_do(net, &req, &test_arena, &r, &err));
        assert_false(td_ends(r.body, "none"));
    }
    assert_int_equal(s.asked, 2);
    td_net_free(net);
    td_key_free(s.key);
    c.client_pem = root(1);
    c.client_key = td_str(https_cert(1).key);
    assert_int_equal(td_net_new(&c, &net, &err), TD_EINVAL); /* one or the other */
}

/* An exchange that waits for its answer ends when the caller is to stop; the same identity works afterwards. */
static void stops(void **state TD_UNUSED)
{
    atomic_bool stop = true;
    struct td_net_response r;
    struct td_error err = {0};
    served();
    struct td_net *net = net_with(root(0), 0);
    struct td_net_request req = {.method = "GET", .url = url("/whoami"), .stop = &stop};
    assert_int_equal(td_net_do(net, &req, &test_arena, &r, &err), TD_EUNAVAILABLE);
    atomic_store(&stop, false);
    assert_ok(td_net_do(net, &req, &test_arena, &r, &err));
    req.stop = NULL;
    assert_ok(td_net_do(net, &req, &test_arena, &r, &err));
    td_net_free(net);
}

static void refuses(void **state TD_UNUSED)
{
    served();
    const char *port = strrchr(td_server_address(server), ':') + 1;
    const struct {
        const char *url;
        int which;
        enum td_code code;
        uint32_t hresult;
    } rows[] = {
        {url("/"), 1, TD_EAUTH, 0x80072f8f}, /* not our root, although the system may trust others */
        {td_arena_printf(&test_arena, "https://127.0.0.2:%s/", port), 0, TD_EUNAVAILABLE, 0x80072efd},
        {"https://localhost:1/", 0, TD_EUNAVAILABLE, 0x80072efd},
        {"https://no-such-host.invalid/", 0, TD_EUNAVAILABLE, 0x80072ee7},
        {td_arena_printf(&test_arena, "http://localhost:%s/", port), 0, TD_EINVAL, 0x80072ee6},
        {"file:///etc/passwd", 0, TD_EINVAL, 0x80072ee6},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_net *net = net_with(root(rows[i].which), 0);
        struct td_net_request req = {.method = "GET", .url = rows[i].url};
        struct td_net_response r;
        struct td_error err = {0};
        enum td_code rc = td_net_do(net, &req, &test_arena, &r, &err);
        if (rc != rows[i].code || err.hresult != rows[i].hresult)
            fail_msg("%s: %s %08x %s", rows[i].url, td_code_word(rc), err.hresult, err.text);
        assert_int_not_equal(err.remedy[0], '\0');
        td_net_free(net);
    }
    struct td_net *small = net_with(root(0), 1000);
    struct td_net_request req = {.method = "GET", .url = url("/big")};
    struct td_net_response r;
    struct td_error err;
    assert_int_equal(td_net_do(small, &req, &test_arena, &r, &err), TD_ELIMIT);
    req.url = url("/");
    assert_ok(td_net_do(small, &req, &test_arena, &r, &err));
    td_net_free(small);
}

static void wrong_name(void **state TD_UNUSED)
{
    served();
    const char *port = strrchr(td_server_address(server), ':') + 1;
    struct td_net *net = NULL;
    struct td_net_response r;
    struct td_error err;
    struct td_net_config c = {.ca_pem = root(0),
                              .timeout_seconds = 5,
                              .resolve = td_arena_printf(&test_arena, "evil.test:%s:127.0.0.1", port)};
    assert_ok(td_net_new(&c, &net, &err));
    struct td_net_request req = {.method = "GET",
                                 .url = td_arena_printf(&test_arena, "https://evil.test:%s/?ticket=secret", port)};
    assert_int_equal(td_net_do(net, &req, &test_arena, &r, &err), TD_EAUTH);
    assert_null(strstr(err.where, "secret"));
    td_net_free(net);
}

static void cut_to(uint64_t size)
{
    assert_int_equal(truncate(path, (off_t)size), 0);
}

static void downloads(void **state TD_UNUSED)
{
    enum { WHOLE = 299000 };
    static const uint64_t had[] = {0, 1, 16384, WHOLE - 1, WHOLE, WHOLE + 7};
    served();
    struct td_net *net = net_with(root(0), 0);
    struct td_buf want, got;
    struct td_error err;
    uint64_t total = 0;
    assert_ok(td_net_download(net, url("/ranged"), path, 1 << 20, &total, &err));
    assert_int_equal(total, WHOLE);
    td_buf_init(&want, 1 << 20);
    assert_ok(td_file_read(path, &want, &err));
    assert_memory_equal(want.p + WHOLE - 10, "000029999\n", 10);
    for (size_t i = 0; i < TD_COUNTOF(had); i++) {
        cut_to(had[i]);
        assert_ok(td_net_download(net, url("/ranged"), path, 1 << 20, &total, &err));
        td_buf_init(&got, 1 << 20);
        assert_ok(td_file_read(path, &got, &err));
        assert_true(td_eq(td_buf_slice(&got), td_buf_slice(&want)));
        td_buf_done(&got);
    }
    cut_to(5); /* a server without ranges sends all of it again */
    assert_ok(td_net_download(net, url("/file"), path, 1 << 20, &total, &err));
    assert_int_equal(total, WHOLE);
    cut_to(0);
    assert_int_equal(td_net_download(net, url("/file"), path, 1000, &total, &err), TD_ELIMIT);
    assert_int_equal(td_net_download(net, url("/nothing"), path, 1000, &total, &err), TD_ENOTFOUND);
    struct td_net_request req = {.method = "GET", .url = url("/")};
    struct td_net_response r; /* nothing of a download clings to the next exchange */
    assert_ok(td_net_do(net, &req, &test_arena, &r, &err));
    assert_slice(r.body, "hello");
    td_buf_done(&want);
    td_net_free(net);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begins, ends)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(exchanges),
                                       TEST(stops),
                                       TEST(shows_its_certificate),
                                       TEST(shows_an_identity_of_the_caller),
                                       TEST(refuses),
                                       TEST(wrong_name),
                                       TEST(downloads)};
    (void)snprintf(path, sizeof(path), "/tmp/td-net-%ld", (long)getpid());
    int failed = cmocka_run_group_tests_name("net", tests, https_setup, https_teardown);
    (void)unlink(path);
    return failed;
}
