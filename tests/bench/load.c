/* Load generator of `make bench`: runs one kind of unit again and again over TLS and tells rate and latencies as JSON.
 *
 *   bench_load --port P --unit session|enrol|lookup|attest|get|post --mode new|resumed|kept|idle --count N
 *              --threads T [--ca FILE] [--certs FILE --key FILE] [--dir DIR] [--path PATH] [--type MEDIA]
 *              [--token FILE] [--lines FILE] [--hold SECONDS] [--tell 1]
 *
 * --tell shows the replies of unit attest. get and post ask for --path with the bearer token in --token (in --dir, as
 * --lines: one body a line, in turn).
 *
 * The same program drives the service and the mark (nginx with constants): only the port differs. Certificates and keys
 * are made before; every device shares one RSA key, so that no key generation is measured. Loopback only. */
#include "attest.h"
#include "base/buf.h"
#include "base/env.h"
#include "base/file.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_CERTS = 131072, MAX_REPLY = 1 << 20, MAX_LINES = 4096 };

struct options {
    int port, count, threads, hold, tell;
    const char *ca, *unit, *mode, *certs, *key, *dir, *path, *type, *token, *lines;
};

static struct options opt = {.count = 100, .threads = 4, .path = "/", .mode = "new", .unit = "get", .lines = "lookups"};
static X509 *certs[MAX_CERTS];
static int cert_count;
static EVP_PKEY *key;
static struct td_slice bodies[3];        /* enrol: Discover, GetPolicies, RequestSecurityToken */
static struct td_slice lines[MAX_LINES]; /* lookup: one body a line */
static int line_count;
static struct td_slice token;
static volatile int next_unit;

struct worker {
    pthread_t thread;
    SSL_CTX *ctx;
    SSL_SESSION *session; /* latest ticket, for resumed */
    SSL *ssl;
    struct td_buf reply;
    int64_t *times;
    int done, failed, resumed, number;
};

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_load: %s\n", what);
    exit(2);
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct worker *w = SSL_get_app_data(ssl);
    SSL_SESSION_free(w->session);
    w->session = session;
    return 1;
}

static int connect_socket(void)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        die("cannot connect");
    return fd;
}

static bool open_connection(struct worker *w, int unit)
{
    bool resumed = strcmp(opt.mode, "resumed") == 0;
    w->ssl = SSL_new(w->ctx);
    SSL_set_app_data(w->ssl, w);
    (void)SSL_set_tlsext_host_name(w->ssl, "localhost");
    if (cert_count != 0) { /* a resumed session belongs to one device; new ones take the devices in turn */
        int which = resumed ? w->number : unit;
        SSL_use_certificate(w->ssl, certs[which % cert_count]);
        SSL_use_PrivateKey(w->ssl, key);
    }
    if (resumed && w->session != NULL)
        SSL_set_session(w->ssl, w->session);
    SSL_set_fd(w->ssl, connect_socket());
    if (SSL_connect(w->ssl) != 1)
        return false;
    w->resumed += SSL_session_reused(w->ssl);
    return true;
}

static void close_connection(struct worker *w)
{
    if (w->ssl == NULL)
        return;
    int fd = SSL_get_fd(w->ssl);
    (void)SSL_shutdown(w->ssl);
    SSL_free(w->ssl);
    (void)close(fd);
    w->ssl = NULL;
}

static bool read_reply(struct worker *w)
{
    td_buf_reset(&w->reply);
    size_t want = 0;
    do {
        char chunk[16384];
        int n = SSL_read(w->ssl, chunk, sizeof(chunk));
        if (n <= 0)
            return false;
        td_buf_add(&w->reply, td_bytes(chunk, (size_t)n));
        if (want == 0) {
            size_t end = td_search(td_buf_slice(&w->reply), TD_S("\r\n\r\n"));
            const char *length = end != SIZE_MAX ? strcasestr(w->reply.p, "\r\nContent-Length:") : NULL;
            if (length != NULL)
                want = end + 4 + strtoul(length + 17, NULL, 10);
            else if (end != SIZE_MAX)
                return false;
        }
    } while (want == 0 || w->reply.n < want);
    return td_starts(td_buf_slice(&w->reply), "HTTP/1.1 20");
}

static bool post(struct worker *w, const char *path, const char *type, struct td_slice body)
{
    struct td_buf out;
    td_buf_init(&out, 16 << 20);
    td_buf_printf(&out, "%s %s HTTP/1.1\r\nHost: localhost:%d\r\n", body.n != 0 ? "POST" : "GET", path, opt.port);
    if (body.n != 0)
        td_buf_printf(&out, "Content-Type: %s\r\nContent-Length: %zu\r\n", type, body.n);
    if (token.n != 0)
        td_buf_printf(&out, "Authorization: Bearer %.*s\r\n", TD_FMT(token));
    td_buf_adds(&out, "\r\n");
    td_buf_add(&out, body);
    bool ok = SSL_write(w->ssl, out.p, (int)out.n) == (int)out.n && read_reply(w);
    td_buf_done(&out);
    return ok;
}

/* --- one management session: package 1, then a status for every command that came back (oma-dm.md 3) */

static void session_head(struct td_buf *b, int session, int msg)
{
    td_buf_printf(
        b,
        "<SyncML "
        "xmlns=\"SYNCML:SYNCML1.2\"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>%d</SessionID>"
        "<MsgID>%d</MsgID><Target><LocURI>https://localhost/ManagementServer/MDM.svc</LocURI></"
        "Target><Source><LocURI>bench"
        "</LocURI></Source><Meta><MaxMsgSize xmlns=\"syncml:metinf\">524288</MaxMsgSize></Meta></SyncHdr><SyncBody>",
        session, msg);
}

static void package_one(struct td_buf *b, int session)
{
    session_head(b, session, 1);
    td_buf_adds(
        b,
        "<Alert><CmdID>2</CmdID><Data>1201</Data></Alert><Alert><CmdID>3</CmdID><Data>1224</Data><Item><Meta>"
        "<Type "
        "xmlns=\"syncml:metinf\">com.microsoft/MDM/LoginStatus</Type></Meta><Data>user</Data></Item></Alert><Replace>"
        "<CmdID>4</CmdID>");
    static const char *const info[][2] = {
        {"DevId", "bench"}, {"Man", "Contoso"}, {"Mod", "Bench"}, {"DmV", "1.3"}, {"Lang", "en-US"}};
    for (size_t i = 0; i < TD_COUNTOF(info); i++)
        td_buf_printf(b, "<Item><Source><LocURI>./DevInfo/%s</LocURI></Source><Data>%s</Data></Item>", info[i][0],
                      info[i][1]);
    td_buf_adds(b, "</Replace><Final/></SyncBody></SyncML>");
}

static int package_three(struct td_buf *b, int session, const char *reply)
{
    static const char *const names[] = {"Get", "Replace", "Add", "Delete", "Exec", "Atomic", "Sequence"};
    int commands = 0, id = 1;
    session_head(b, session, 2);
    td_buf_printf(
        b, "<Status><CmdID>%d</CmdID><MsgRef>1</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><Data>200</Data></Status>",
        id++);
    for (const char *at = strstr(reply, "<SyncBody"); at != NULL && (at = strchr(at + 1, '<')) != NULL;) {
        for (size_t i = 0; i < TD_COUNTOF(names); i++) {
            size_t n = strlen(names[i]);
            if (strncmp(at + 1, names[i], n) != 0 || strncmp(at + 1 + n, "><CmdID>", 8) != 0)
                continue;
            const char *ref = at + 1 + n + 8, *uri = strstr(ref, "<LocURI>");
            td_buf_printf(b,
                          "<Status><CmdID>%d</CmdID><MsgRef>1</MsgRef><CmdRef>%.*s</CmdRef><Cmd>%s</Cmd><Data>200</"
                          "Data></Status>",
                          id++, (int)strcspn(ref, "<"), ref, names[i]);
            if (i == 0 && uri != NULL)
                td_buf_printf(
                    b,
                    "<Results><CmdID>%d</CmdID><MsgRef>1</MsgRef><CmdRef>%.*s</CmdRef><Item><Source><LocURI>%.*s</"
                    "LocURI></Source>"
                    "<Meta><Format "
                    "xmlns=\"syncml:metinf\">chr</Format></Meta><Data>10.0.22631.2506</Data></Item></Results>",
                    id++, (int)strcspn(ref, "<"), ref, (int)strcspn(uri + 8, "<"), uri + 8);
            commands++;
        }
    }
    td_buf_adds(b, "<Final/></SyncBody></SyncML>");
    return commands;
}

static bool unit_session(struct worker *w, int unit)
{
    static const char path[] = "/ManagementServer/MDM.svc", type[] = "application/vnd.syncml.dm+xml";
    struct td_buf b;
    td_buf_init(&b, 1 << 18);
    int session = unit % 60000 + 1;
    package_one(&b, session);
    bool ok = post(w, path, type, td_buf_slice(&b));
    td_buf_reset(&b);
    if (ok && package_three(&b, session, w->reply.p) > 0)
        ok = post(w, "/ManagementServer/MDM.svc?mode=Maintenance", type, td_buf_slice(&b)); /* told apart by the mark */
    td_buf_done(&b);
    return ok;
}

static bool unit_enrol(struct worker *w, int unit TD_UNUSED)
{
    static const char *const paths[3] = {"/EnrollmentServer/Discovery.svc", "/EnrollmentServer/Policy.svc",
                                         "/EnrollmentServer/Enrollment.svc"};
    for (int i = 0; i < 3; i++)
        if (!post(w, paths[i], "application/soap+xml; charset=utf-8", bodies[i]) ||
            strstr(w->reply.p, "Fault>") != NULL)
            return false;
    return true;
}

static bool unit_lookup(struct worker *w, int unit)
{
    return post(w, "/ztd/v1/lookup", "application/json", lines[unit % line_count]);
}

static bool post_attest(void *ctx, const char *path, struct td_slice body, const char **ret_reply)
{
    struct worker *w = ctx;
    bool ok = post(w, path, "application/json", body);
    *ret_reply = w->reply.p != NULL ? w->reply.p : "";
    const char *told = strstr(*ret_reply, "\r\n\r\n");
    if (opt.tell != 0 && told != NULL)
        (void)printf("reply %s\n", told + 4);
    return ok;
}

static bool unit_attest(struct worker *w, int unit)
{
    return attest_unit(post_attest, w, unit);
}

static bool unit_get(struct worker *w, int unit TD_UNUSED)
{
    return post(w, opt.path, "", TD_S(""));
}

static bool unit_post(struct worker *w, int unit)
{
    return post(w, opt.path, opt.type, lines[unit % line_count]);
}

static const struct {
    const char *name;
    bool (*fn)(struct worker *, int);
} units[] = {{"session", unit_session}, {"enrol", unit_enrol}, {"lookup", unit_lookup},
             {"attest", unit_attest},   {"get", unit_get},     {"post", unit_post}};

static bool run_unit(struct worker *w, int unit)
{
    for (size_t i = 0; i < TD_COUNTOF(units); i++)
        if (strcmp(units[i].name, opt.unit) == 0)
            return units[i].fn(w, unit);
    die("no such --unit");
    return false;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    bool kept = strcmp(opt.mode, "kept") == 0;
    for (;;) {
        int unit = __atomic_fetch_add(&next_unit, 1, __ATOMIC_RELAXED);
        if (unit >= opt.count)
            break;
        int64_t begun = td_monotonic();
        bool ok = w->ssl != NULL || open_connection(w, kept ? w->number : unit);
        ok = ok && run_unit(w, unit);
        if (!kept || !ok)
            close_connection(w);
        w->times[w->done++] = td_monotonic() - begun;
        w->failed += !ok;
    }
    close_connection(w);
    return NULL;
}

/* Opens connections, shakes hands, and keeps them without a word. */
static void run_idle(struct worker *w)
{
    SSL **held = td_alloc((size_t)opt.count * sizeof(*held));
    for (int i = 0; i < opt.count; i++) {
        if (!open_connection(w, i) || !unit_get(w, i))
            die("an idle connection was refused");
        held[i] = w->ssl;
    }
    (void)printf("{\"idle\":%d}\n", opt.count);
    (void)fflush(stdout);
    (void)sleep((unsigned)opt.hold);
    for (int i = 0; i < opt.count; i++) {
        w->ssl = held[i];
        close_connection(w);
    }
    td_free(held);
}

static void load_certs(void)
{
    FILE *f = fopen(opt.certs, "r"), *k = fopen(opt.key, "r");
    if (f == NULL || k == NULL)
        die("cannot read --certs or --key");
    while (cert_count < MAX_CERTS && (certs[cert_count] = PEM_read_X509(f, NULL, NULL, NULL)) != NULL)
        cert_count++;
    key = PEM_read_PrivateKey(k, NULL, NULL, NULL);
    (void)fclose(f);
    (void)fclose(k);
    if (cert_count == 0 || key == NULL)
        die("no certificate or no key");
}

static struct td_slice load_file(const char *name)
{
    char path[1024];
    struct td_buf b;
    td_buf_init(&b, 64 << 20);
    (void)snprintf(path, sizeof(path), "%s/%s", opt.dir, name);
    if (td_file_read(path, &b, NULL) != TD_OK)
        die(path);
    return td_buf_slice(&b);
}

static void load_bodies(void)
{
    if (strcmp(opt.unit, "attest") == 0)
        attest_load(opt.dir);
    if (strcmp(opt.unit, "enrol") == 0) {
        bodies[0] = load_file("discover.xml");
        bodies[1] = load_file("policies.xml");
        bodies[2] = load_file("rst.xml");
    } else if (strcmp(opt.unit, "lookup") == 0 || strcmp(opt.unit, "post") == 0) {
        for (struct td_slice rest = load_file(opt.lines), line; rest.n != 0 && line_count < MAX_LINES;) {
            rest = td_cut(rest, '\n', &line);
            if (line.n != 0)
                lines[line_count++] = line;
        }
    }
}

static void load_token(void)
{
    if (opt.token != NULL)
        token = td_trim(load_file(opt.token));
}

static SSL_CTX *make_ctx(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL); /* loopback, and the generator's cost is not what is measured */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(ctx, keep_session);
    return ctx;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int report(struct worker *w, int64_t wall)
{
    int64_t *all = td_alloc((size_t)opt.count * sizeof(*all));
    int n = 0, failed = 0, resumed = 0;
    for (int i = 0; i < opt.threads; i++) {
        memcpy(all + n, w[i].times, (size_t)w[i].done * sizeof(*all));
        n += w[i].done;
        failed += w[i].failed;
        resumed += w[i].resumed;
    }
    qsort(all, (size_t)n, sizeof(*all), compare);
    (void)printf("{\"units\":%d,\"failed\":%d,\"resumed\":%d,\"wall_s\":%.6f,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n", n,
                 failed, resumed, (double)wall / 1e6, n != 0 ? (double)all[n / 2] / 1e3 : 0,
                 n != 0 ? (double)all[n * 99 / 100] / 1e3 : 0);
    td_free(all);
    return failed != 0;
}

static void parse_options(int argc, char **argv)
{
    const struct {
        const char *name;
        const char **text;
        int *number;
    } table[] = {{"--port", NULL, &opt.port},   {"--count", NULL, &opt.count}, {"--threads", NULL, &opt.threads},
                 {"--hold", NULL, &opt.hold},   {"--ca", &opt.ca, NULL},       {"--unit", &opt.unit, NULL},
                 {"--mode", &opt.mode, NULL},   {"--certs", &opt.certs, NULL}, {"--key", &opt.key, NULL},
                 {"--dir", &opt.dir, NULL},     {"--path", &opt.path, NULL},   {"--type", &opt.type, NULL},
                 {"--token", &opt.token, NULL}, {"--lines", &opt.lines, NULL}, {"--tell", NULL, &opt.tell}};
    for (int i = 1; i + 1 < argc; i += 2) {
        size_t k = 0;
        while (k < TD_COUNTOF(table) && strcmp(argv[i], table[k].name) != 0)
            k++;
        if (k == TD_COUNTOF(table))
            die(argv[i]);
        if (table[k].text != NULL)
            *table[k].text = argv[i + 1];
        else
            *table[k].number = (int)strtol(argv[i + 1], NULL, 10);
    }
    if (opt.port == 0 || opt.count <= 0 || opt.threads <= 0 || opt.threads > 64)
        die("--port, --count and --threads are needed");
}

int main(int argc, char **argv)
{
    parse_options(argc, argv);
    (void)signal(SIGPIPE, SIG_IGN);
    if (opt.certs != NULL)
        load_certs();
    load_bodies();
    load_token();
    struct worker w[64] = {0};
    for (int i = 0; i < opt.threads; i++) {
        w[i].ctx = make_ctx();
        w[i].number = i;
        td_buf_init(&w[i].reply, MAX_REPLY);
        w[i].times = td_alloc((size_t)opt.count * sizeof(int64_t));
    }
    if (strcmp(opt.mode, "idle") == 0) {
        run_idle(&w[0]);
        return 0;
    }
    int64_t begun = td_monotonic();
    for (int i = 0; i < opt.threads; i++)
        if (pthread_create(&w[i].thread, NULL, work, &w[i]) != 0)
            die("cannot start a thread");
    for (int i = 0; i < opt.threads; i++)
        pthread_join(w[i].thread, NULL);
    return report(w, td_monotonic() - begun);
}
