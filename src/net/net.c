#include "net/internal.h"

#include <stdio.h>
#include <sys/socket.h>

enum { TIMEOUT_SECONDS = 30, MAX_HEADERS = 65536, MAX_PEM = 1 << 20, COUNT_HEADERS = 12 };
static const size_t MAX_BODY = 16U << 20;

static void set_blob(CURL *curl, CURLoption option, const struct td_buf *pem)
{
    struct curl_blob blob = {.data = pem->p, .len = pem->n, .flags = CURL_BLOB_NOCOPY};
    if (pem->n != 0)
        (void)curl_easy_setopt(curl, option, &blob);
}

/* Before a handshake: the caller puts its key into the engine's context. Why it could not is kept for the verdict. */
static CURLcode on_handshake(CURL *curl TD_UNUSED, void *ssl_ctx, void *ctx)
{
    struct td_net *net = ctx;
    net->refused = net->identity(net->identity_ctx, ssl_ctx, &net->why);
    return net->refused == TD_OK ? CURLE_OK : CURLE_ABORTED_BY_CALLBACK;
}

static curl_socket_t on_socket(void *ctx, curlsocktype purpose TD_UNUSED, struct curl_sockaddr *to)
{
    struct td_net *net = ctx;
    if (!net->may_reach(net->may_reach_ctx, &to->addr)) {
        net->refused = td_fail(&net->why, TD_EDENIED, "address", "it leads into a network that strangers may not name");
        return CURL_SOCKET_BAD;
    }
    net->refused = TD_OK; /* of several addresses one may be reached */
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static void set_strangers(CURL *c, struct td_net *net)
{
    (void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    (void)curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, net);
    (void)curl_easy_setopt(c, CURLOPT_CAPATH, "/etc/ssl/certs");
}

/* What holds for every exchange of this identity. */
static void set_identity(struct td_net *net, const struct td_net_config *config)
{
    CURL *c = net->curl;
    (void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https");
    (void)curl_easy_setopt(c, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, net->cause);
    (void)curl_easy_setopt(c, CURLOPT_USERAGENT, config->user_agent != NULL ? config->user_agent : "touchdown-device");
    /* the system's anchors count only where somebody names them: both places must be taken away */
    (void)curl_easy_setopt(c, CURLOPT_CAINFO, NULL);
    (void)curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
    set_blob(c, CURLOPT_CAINFO_BLOB, &net->ca);
    set_blob(c, CURLOPT_SSLCERT_BLOB, &net->cert);
    set_blob(c, CURLOPT_SSLKEY_BLOB, &net->key);
    if (net->resolve != NULL)
        (void)curl_easy_setopt(c, CURLOPT_RESOLVE, net->resolve);
    if (config->identity != NULL) {
        (void)curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, on_handshake);
        (void)curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA, net);
    }
}

enum td_code td_net_new(const struct td_net_config *config, struct td_net **ret, struct td_error *err)
{
    if (td_trim(config->ca_pem).n == 0 && config->may_reach == NULL)
        return td_fail(err, TD_EINVAL, "ca", "no trust anchor was given");
    if ((config->client_pem.n == 0) != (config->client_key.n == 0))
        return td_fail(err, TD_EINVAL, "client", "a client certificate needs its key, and a key its certificate");
    if (config->identity != NULL && config->client_pem.n != 0)
        return td_fail(err, TD_EINVAL, "client", "an identity stands instead of certificate and key");
    struct td_net *net = td_new(struct td_net);
    net->identity = config->identity;
    net->identity_ctx = config->identity_ctx;
    net->may_reach = config->may_reach;
    net->may_reach_ctx = config->may_reach_ctx;
    td_buf_init(&net->ca, MAX_PEM);
    td_buf_init(&net->cert, MAX_PEM);
    td_buf_init(&net->key, MAX_PEM);
    td_buf_add(&net->ca, config->ca_pem);
    td_buf_add(&net->cert, config->client_pem);
    td_buf_add(&net->key, config->client_key);
    net->timeout_seconds = config->timeout_seconds > 0 ? config->timeout_seconds : TIMEOUT_SECONDS;
    net->max_body = config->max_body != 0 ? config->max_body : MAX_BODY;
    net->resolve = config->resolve != NULL ? curl_slist_append(NULL, config->resolve) : NULL;
    net->curl = curl_easy_init();
    if (net->curl == NULL || net->ca.failed || net->cert.failed || net->key.failed) {
        td_net_free(net);
        return td_fail(err, TD_ELIMIT, "certificates", "larger than 1 MiB, or no memory for a connection");
    }
    set_identity(net, config);
    if (config->may_reach != NULL)
        set_strangers(net->curl, net);
    *ret = net;
    return TD_OK;
}

void td_net_free(struct td_net *net)
{
    if (net == NULL)
        return;
    if (net->curl != NULL)
        curl_easy_cleanup(net->curl);
    curl_slist_free_all(net->resolve);
    td_buf_done(&net->ca);
    td_buf_done(&net->cert);
    td_buf_wipe(&net->key);
    td_free(net);
}

/* The numbers are WinHTTP's (12002 and so on as HRESULT), so that people find the same cause as on a PC. */
static const struct {
    CURLcode rc;
    enum td_code code;
    uint32_t hresult;
    const char *remedy;
} verdicts[] = {
    {CURLE_UNSUPPORTED_PROTOCOL, TD_EINVAL, 0x80072ee6, "Give an address that begins with https://."},
    {CURLE_URL_MALFORMAT, TD_EINVAL, 0x80072ee5, "Give an address such as https://host:8443."},
    {CURLE_COULDNT_RESOLVE_HOST, TD_EUNAVAILABLE, 0x80072ee7, "Check the name and the network's name servers."},
    {CURLE_COULDNT_CONNECT, TD_EUNAVAILABLE, 0x80072efd, "Check that the service runs and is reachable."},
    {CURLE_OPERATION_TIMEDOUT, TD_EUNAVAILABLE, 0x80072ee2, "Check the network, then try again."},
    {CURLE_GOT_NOTHING, TD_EUNAVAILABLE, 0x80072efe, "Try again."},
    {CURLE_SEND_ERROR, TD_EUNAVAILABLE, 0x80072efe, "Try again."},
    {CURLE_RECV_ERROR, TD_EUNAVAILABLE, 0x80072eff, "Try again."},
    {CURLE_PARTIAL_FILE, TD_EUNAVAILABLE, 0x80072eff, "Try again."},
    {CURLE_SSL_CONNECT_ERROR, TD_EUNAVAILABLE, 0x80072f7d, "Check that the service speaks TLS 1.2 or later."},
    {CURLE_PEER_FAILED_VERIFICATION, TD_EAUTH, 0x80072f8f, "Check the device's clock, the name and the trusted root."},
    {CURLE_SSL_CACERT_BADFILE, TD_EINVAL, 0x80072f8f, "Give the trust anchors in PEM."},
    {CURLE_SSL_CERTPROBLEM, TD_EINVAL, 0x80072f0c, "Give the client certificate and its key in PEM."},
};

enum td_code td_net_verdict(struct td_net *net, CURLcode rc, const char *url, struct td_error *err)
{
    if (rc == CURLE_OK)
        return TD_OK;
    if (net->refused != TD_OK) {
        if (err != NULL)
            *err = net->why;
        return net->refused;
    }
    const char *cause = net->cause[0] != '\0' ? net->cause : curl_easy_strerror(rc);
    struct td_slice where = td_str(url);
    size_t query = td_find(where, '?'); /* may hold a ticket */
    char place[64];
    (void)snprintf(place, sizeof(place), "%.*s", (int)TD_MIN(query, where.n), url);
    for (size_t i = 0; i < TD_COUNTOF(verdicts); i++) {
        if (verdicts[i].rc != rc)
            continue;
        enum td_code code = td_fail(err, verdicts[i].code, place, "%s", cause);
        if (err != NULL)
            err->hresult = verdicts[i].hresult;
        return td_remedy(err, code, "%s", verdicts[i].remedy);
    }
    return td_fail(err, TD_EUNAVAILABLE, place, "%s", cause);
}

size_t td_net_on_header(char *data, size_t size, size_t count, void *buf)
{
    struct td_buf *b = buf;
    struct td_slice line = td_bytes(data, size * count);
    if (td_istarts(line, "HTTP/")) /* an answer behind a 100 begins anew */
        td_buf_reset(b);
    td_buf_add(b, line);
    return b->failed ? 0 : line.n;
}

static size_t on_body(char *data, size_t size, size_t count, void *buf)
{
    td_buf_add(buf, td_bytes(data, size * count));
    return ((struct td_buf *)buf)->failed ? 0 : size * count;
}

static struct curl_slist *header_list(const struct td_net_request *req)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    bool typed = false;
    for (size_t i = 0; i < COUNT_HEADERS && req->headers[i] != NULL; i++) {
        typed = typed || td_istarts(td_str(req->headers[i]), "content-type:");
        list = curl_slist_append(list, req->headers[i]);
    }
    if (!typed) /* else curl calls every body a form */
        list = curl_slist_append(list, "Content-Type:");
    return list;
}

static void set_method(CURL *c, const struct td_net_request *req)
{
    bool get = strcmp(req->method, "GET") == 0;
    (void)curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, NULL);
    (void)curl_easy_setopt(c, CURLOPT_HTTPGET, 1L); /* undoes NOBODY and POST of the call before */
    if (strcmp(req->method, "HEAD") == 0) {
        (void)curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
        return;
    }
    if (req->has_body || strcmp(req->method, "POST") == 0) {
        (void)curl_easy_setopt(c, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body.n);
        (void)curl_easy_setopt(c, CURLOPT_POSTFIELDS, req->body.n != 0 ? req->body.p : "");
    }
    if (!get || req->has_body)
        (void)curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, req->method);
}

static int on_progress(void *ctx, curl_off_t to_come TD_UNUSED, curl_off_t came TD_UNUSED, curl_off_t to_go TD_UNUSED,
                       curl_off_t gone TD_UNUSED)
{
    return atomic_load((const atomic_bool *)ctx);
}

static void set_stop(CURL *c, const atomic_bool *stop)
{
    (void)curl_easy_setopt(c, CURLOPT_NOPROGRESS, stop == NULL ? 1L : 0L);
    (void)curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)curl_easy_setopt(c, CURLOPT_XFERINFODATA, stop);
}

enum td_code td_net_do(struct td_net *net, const struct td_net_request *req, struct td_arena *a,
                       struct td_net_response *ret, struct td_error *err)
{
    CURL *c = net->curl;
    struct td_buf head, body;
    td_buf_init(&head, MAX_HEADERS);
    td_buf_init(&body, net->max_body);
    struct curl_slist *list = header_list(req);
    set_method(c, req);
    set_stop(c, req->stop);
    (void)curl_easy_setopt(c, CURLOPT_URL, req->url);
    (void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, list);
    (void)curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)net->timeout_seconds);
    (void)curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 0L);
    (void)curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, td_net_on_header);
    (void)curl_easy_setopt(c, CURLOPT_HEADERDATA, &head);
    (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, &body);
    net->cause[0] = '\0';
    net->refused = TD_OK;
    CURLcode rc = curl_easy_perform(c);
    set_stop(c, NULL); /* it is the caller's, for this exchange */
    long status = 0;
    (void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    enum td_code code = td_buf_check(&body, "answer", err);
    if (code == TD_OK)
        code = td_buf_check(&head, "answer's header", err);
    if (code == TD_OK)
        code = td_net_verdict(net, rc, req->url, err);
    if (code == TD_OK)
        *ret = (struct td_net_response){(int)status, td_arena_copy(a, td_buf_slice(&head)),
                                        td_arena_copy(a, td_buf_slice(&body))};
    (void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(list);
    td_buf_wipe(&head);
    td_buf_wipe(&body);
    return code;
}

struct td_slice td_net_header(const struct td_net_response *r, const char *name)
{
    struct td_slice rest = r->headers;
    while (rest.n != 0) {
        struct td_slice line, key;
        rest = td_cut(rest, '\n', &line);
        struct td_slice value = td_cut(line, ':', &key);
        if (td_ieqs(td_trim(key), name))
            return td_trim(value);
    }
    return (struct td_slice){NULL, 0};
}
