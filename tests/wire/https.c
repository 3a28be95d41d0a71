#include "wire/https.h"

#include "crypto/digest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct td_server_config config;
struct td_server *server;
_Thread_local struct td_arena test_arena;
_Atomic int at_work;

static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_moved = PTHREAD_COND_INITIALIZER;
static bool gate_is_open;
static SSL_CTX *client_ctx, *client_ctx_cert;
static struct td_server_cert certs[2];
static struct td_slice ca;
static char file_path[] = "/tmp/td-http-XXXXXX";
enum { FILE_SIZE = 300000, BIG = 3000000, FIRST_READ = 65536 };

/* ---- handlers ---- */

static void hello(void *ctx TD_UNUSED, struct td_http_request *req TD_UNUSED, struct td_http_reply *reply)
{
    td_reply_text(reply, 200, "text/plain", TD_S("hello"));
}

static void echo(void *ctx TD_UNUSED, struct td_http_request *req, struct td_http_reply *reply)
{
    td_reply_text(reply, 200, "text/plain", req->body);
}

static void slow(void *ctx TD_UNUSED, struct td_http_request *req TD_UNUSED, struct td_http_reply *reply)
{
    at_work++;
    (void)pthread_mutex_lock(&gate_lock);
    while (!gate_is_open)
        (void)pthread_cond_wait(&gate_moved, &gate_lock);
    (void)pthread_mutex_unlock(&gate_lock);
    at_work--;
    td_reply_text(reply, 200, "text/plain", TD_S("done"));
}

static void big(void *ctx TD_UNUSED, struct td_http_request *req TD_UNUSED, struct td_http_reply *reply)
{
    reply->status = 200;
    for (int i = 0; i < BIG / 10; i++)
        td_buf_printf(&reply->body, "%09d\n", i);
}

static void file(void *ctx TD_UNUSED, struct td_http_request *req TD_UNUSED, struct td_http_reply *reply)
{
    reply->status = 200;
    reply->content_type = "application/octet-stream";
    reply->file = open(file_path, O_RDONLY | O_CLOEXEC);
    reply->file_offset = 1000;
    reply->file_length = FILE_SIZE - 1000;
}

/* Ranges of one part from a start to the end, as much as a resumed download needs. */
static void ranged(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    struct td_slice range = td_http_header(req, "range");
    uint64_t from = 0;
    file(ctx, req, reply);
    uint64_t size = reply->file_length;
    if (!td_starts(range, "bytes=") || !td_ends(range, "-") || !td_parse_u64(td_sub(range, 6, range.n - 7), &from))
        return;
    if (from >= size) {
        td_reply_done(reply);
        td_reply_init(reply);
        reply->status = 416;
        td_reply_header(reply, "Content-Range", td_arena_printf(req->arena, "bytes */%llu", (unsigned long long)size));
        return;
    }
    reply->status = 206;
    reply->file_offset += from;
    reply->file_length -= from;
    td_reply_header(reply, "Content-Range",
                    td_arena_printf(req->arena, "bytes %llu-%llu/%llu", (unsigned long long)from,
                                    (unsigned long long)(size - 1), (unsigned long long)size));
}

static void whoami(void *ctx TD_UNUSED, struct td_http_request *req, struct td_http_reply *reply)
{
    reply->status = 200;
    td_buf_printf(&reply->body, "%s %s %s ", req->base, req->peer->address, req->peer->tls ? "tls" : "plain");
    if (req->peer->cert.n != 0)
        td_hex_add(&reply->body, td_bytes(req->peer->cert_sha256, 32), false);
    else
        td_buf_adds(&reply->body, "none");
}

static void split(void *ctx TD_UNUSED, struct td_http_request *req TD_UNUSED, struct td_http_reply *reply)
{
    td_reply_text(reply, 200, "text/plain", TD_S(""));
    td_reply_header(reply, "X-Good", "yes");
    td_reply_header(reply, "X-Bad", "a\r\nSet-Cookie: b=c");
}

static void silent(void *ctx TD_UNUSED, struct td_http_request *req TD_UNUSED, struct td_http_reply *reply TD_UNUSED)
{
}

static const struct td_route routes[] = {
    {TD_GET, "/", hello, 0, 0},
    {TD_POST, "/echo", echo, 0, 1 << 20},
    {TD_GET, "/slow", slow, 0, 0},
    {TD_GET, "/big", big, 0, 0},
    {TD_GET, "/file", file, 0, 0},
    {TD_GET, "/ranged", ranged, 0, 0},
    {TD_GET, "/whoami", whoami, 0, 0},
    {TD_GET, "/split", split, 0, 0},
    {TD_GET, "/silent", silent, 0, 0},
    {TD_GET, "/limited", hello, TD_ROUTE_LIMITED, 0},
    {TD_GET, "/pki/{name}", whoami, TD_ROUTE_PLAIN, 0},
};
static const struct td_door door = {routes, TD_COUNTOF(routes), NULL};
static const struct td_router router = {&door, 1};

void open_gate(void)
{
    (void)pthread_mutex_lock(&gate_lock);
    gate_is_open = true;
    (void)pthread_cond_broadcast(&gate_moved);
    (void)pthread_mutex_unlock(&gate_lock);
}

/* ---- certificates ---- */

static struct td_slice self_signed(enum td_key_kind kind, const char *cn, unsigned usage, char **ret_key)
{
    static unsigned char serial;
    struct td_error err;
    struct td_key *key = NULL;
    struct td_slice spki, der;
    struct td_rdn subject = {"CN", cn};
    static const char *const names[] = {"localhost", "people.test", "127.0.0.1", NULL};
    assert_ok(td_key_generate(kind, &key, &err));
    assert_ok(td_key_public_der(key, &test_arena, &spki));
    struct td_cert_template t = {.subject = &subject,
                                 .subject_count = 1,
                                 .spki = spki,
                                 .serial = {1, ++serial},
                                 .not_before = td_now(&td_env_real) - TD_HOUR,
                                 .not_after = td_now(&td_env_real) + TD_HOUR,
                                 .eku = usage,
                                 .dns_names = names};
    assert_ok(td_cert_issue(&t, TD_S(""), key, &test_arena, &der, &err));
    assert_ok(td_key_private_pem(key, &test_arena, ret_key));
    td_key_free(key);
    return der;
}

static SSL_CTX *client_context(struct td_slice cert, const char *key_pem)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    if (cert.n == 0)
        return ctx;
    BIO *bio = BIO_new_mem_buf(key_pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_int_equal(SSL_CTX_use_certificate_ASN1(ctx, (int)cert.n, (const unsigned char *)cert.p), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
    EVP_PKEY_free(key);
    return ctx;
}

int https_setup(void **state TD_UNUSED)
{
    char *key = NULL;
    td_arena_init(&test_arena);
    (void)signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < 2; i++) {
        struct td_slice der = self_signed(TD_KEY_P256, i == 0 ? "first" : "second", TD_EKU_SERVER, &key);
        certs[i] = (struct td_server_cert){NULL, td_cert_pem(der, &test_arena), key};
    }
    ca = self_signed(TD_KEY_RSA, "client", TD_EKU_CLIENT, &key);
    client_ctx = client_context(TD_S(""), NULL);
    client_ctx_cert = client_context(ca, key);
    int fd = mkstemp(file_path);
    assert_true(fd >= 0);
    for (int i = 0; i < FILE_SIZE / 10; i++)
        assert_int_equal(dprintf(fd, "%09d\n", i), 10);
    (void)close(fd);
    return 0;
}

int https_teardown(void **state TD_UNUSED)
{
    SSL_CTX_free(client_ctx);
    SSL_CTX_free(client_ctx_cert);
    (void)unlink(file_path);
    td_arena_done(&test_arena);
    return 0;
}

/* ---- the server ---- */

int begins(void **state TD_UNUSED)
{
    static const struct td_server_name names[] = {{"localhost", false}, {"people.test", true}};
    config = (struct td_server_config){.env = &td_env_real,
                                       .router = &router,
                                       .limits = td_http_limits_default,
                                       .listen = "127.0.0.1:0",
                                       .http = "127.0.0.1:0",
                                       .names = names,
                                       .name_count = TD_COUNTOF(names),
                                       .certs = certs,
                                       .cert_count = 1,
                                       .client_ca = &ca,
                                       .client_ca_count = 1,
                                       .loops = 2,
                                       .workers = 4};
    config.limits.rate_per_address = 0;
    gate_is_open = false;
    server = NULL;
    return 0;
}

int ends(void **state TD_UNUSED)
{
    open_gate();
    td_server_stop(TD_TAKE(server));
    return 0;
}

void served(void)
{
    struct td_error err = {0};
    if (td_server_start(&config, &server, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
}

struct td_slice https_client_cert(void)
{
    return ca;
}

struct td_server_cert https_cert(int which)
{
    return certs[which];
}

struct td_server_stats stats(void)
{
    struct td_server_stats s;
    td_server_stats(server, &s);
    return s;
}

/* ---- the client ---- */

void nap(int ms)
{
    td_sleep(&td_env_real, ms * (TD_SECOND / 1000));
}

int64_t cpu_us(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * TD_SECOND + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

static int connect_to(const char *address)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {10, 0};
    sa.sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1));
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static int connect_to_file(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    struct timeval limit = {10, 0};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static int connect_as(const struct client_options *o)
{
    if (o->file != NULL)
        return connect_to_file(o->file);
    return connect_to(o->plain ? td_server_http_address(server) : td_server_address(server));
}

struct client *dial(const struct client_options *o)
{
    int fd = connect_as(o);
    if (fd < 0)
        return NULL;
    struct client *c = td_new(struct client);
    c->fd = fd;
    td_buf_init(&c->in, 16 << 20);
    if (o->plain || o->raw || o->file != NULL)
        return c;
    c->ssl = SSL_new(o->cert ? client_ctx_cert : client_ctx);
    (void)SSL_set_fd(c->ssl, fd);
    if (o->tls12)
        (void)SSL_set_max_proto_version(c->ssl, TLS1_2_VERSION);
    if (o->name != NULL)
        (void)SSL_set_tlsext_host_name(c->ssl, o->name);
    if (o->session != NULL)
        (void)SSL_set_session(c->ssl, o->session);
    ERR_clear_error();
    if (SSL_connect(c->ssl) != 1) {
        drop(c);
        return NULL;
    }
    return c;
}

struct client *dial_new(void)
{
    struct client *c = dial(&(struct client_options){.name = "localhost"});
    assert_non_null(c);
    return c;
}

static void end(struct client *c)
{
    SSL_free(c->ssl);
    (void)close(c->fd);
    td_buf_done(&c->in);
    td_free(c);
}

void hang_up(struct client *c)
{
    if (c->ssl != NULL)
        (void)SSL_shutdown(c->ssl);
    end(c);
}

void drop(struct client *c)
{
    if (c->ssl != NULL) /* sends nothing, but our own side keeps the session */
        SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    end(c);
}

void reset(struct client *c)
{
    struct linger hard = {1, 0};
    (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    drop(c);
}

void half_close(struct client *c)
{
    if (c->ssl != NULL)
        (void)SSL_shutdown(c->ssl);
    (void)shutdown(c->fd, SHUT_WR);
}

bool send_bytes(struct client *c, struct td_slice s)
{
    ERR_clear_error();
    while (s.n != 0) {
        ssize_t n = c->ssl != NULL ? SSL_write(c->ssl, s.p, (int)TD_MIN(s.n, (size_t)1 << 20)) : write(c->fd, s.p, s.n);
        if (n <= 0)
            return false;
        s = td_sub(s, (size_t)n, s.n);
    }
    return true;
}

bool send_text(struct client *c, const char *text)
{
    return send_bytes(c, td_str(text));
}

/* More input; false at its end, on an error and after 10 s. */
static bool more(struct client *c)
{
    static _Thread_local char chunk[FIRST_READ];
    ERR_clear_error();
    ssize_t n = c->ssl != NULL ? SSL_read(c->ssl, chunk, sizeof(chunk)) : read(c->fd, chunk, sizeof(chunk));
    if (n <= 0)
        return false;
    td_buf_add(&c->in, td_bytes(chunk, (size_t)n));
    return true;
}

static size_t body_length(struct td_slice head)
{
    uint64_t n = 0;
    size_t at = td_search(head, TD_S("Content-Length: "));
    struct td_slice value, rest = at == SIZE_MAX ? TD_S("0") : td_sub(head, at + 16, head.n);
    (void)td_cut(rest, '\r', &value);
    (void)td_parse_u64(value, &n);
    return (size_t)n;
}

struct answer receive(struct client *c)
{
    struct answer a = {0};
    size_t end_of_head;
    while ((end_of_head = td_search(td_buf_slice(&c->in), TD_S("\r\n\r\n"))) == SIZE_MAX)
        if (!more(c))
            return a;
    size_t length = body_length(td_sub(td_buf_slice(&c->in), 0, end_of_head)), whole = end_of_head + 4 + length;
    while (c->in.n < whole)
        if (!more(c))
            return a;
    uint64_t status = 0;
    a.head = td_arena_copy(&test_arena, td_sub(td_buf_slice(&c->in), 0, end_of_head + 2));
    a.body = td_arena_copy(&test_arena, td_sub(td_buf_slice(&c->in), end_of_head + 4, length));
    (void)td_parse_u64(td_sub(a.head, 9, 3), &status);
    a.status = (int)status;
    memmove(c->in.p, c->in.p + whole, c->in.n - whole);
    c->in.n -= whole;
    return a;
}

struct answer ask(struct client *c, const char *text)
{
    assert_true(send_text(c, text));
    return receive(c);
}

bool has_line(const struct answer *a, const char *line)
{
    const char *text = td_arena_printf(&test_arena, "\r\n%s\r\n", line);
    return td_search(a->head, td_str(text)) != SIZE_MAX;
}

int64_t closed_after(struct client *c)
{
    int64_t began = td_monotonic();
    while (more(c)) {
    }
    return (td_monotonic() - began) / 1000;
}

bool is_closed(struct client *c, int ms)
{
    return closed_after(c) <= ms;
}

SSL_SESSION *session_of(struct client *c)
{
    return SSL_get1_session(c->ssl);
}
