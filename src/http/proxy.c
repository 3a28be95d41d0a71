#include "http/proxy.h"

#include "base/encode.h"
#include "base/fault.h"
#include "crypto/cert.h"
#include "http/reader.h"

static const char forwarded_for[] = "X-Forwarded-For", forwarded_proto[] = "X-Forwarded-Proto",
                  forwarded_host[] = "X-Forwarded-Host";

bool td_proxy_trusts(const struct td_server_proxy *proxy, const struct td_ip *ip)
{
    if (td_fault("proxy-any-peer"))
        return true;
    if (ip == NULL)
        return proxy->trust_unix;
    for (size_t i = 0; i < proxy->trusted_count; i++)
        if (td_network_has(&proxy->trusted[i], ip))
            return true;
    return false;
}

static enum td_code only_one(const struct td_http_request *req, const char *name, struct td_error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < req->header_count; i++)
        n += td_ieqs(req->headers[i].name, name);
    return n <= 1 ? TD_OK : td_fail(err, TD_EFORMAT, name, "The proxy sent more than one of this header.");
}

/* An address, also with the port that some proxies add. */
static bool read_hop(struct td_slice hop, struct td_ip *ret)
{
    uint64_t port = 0;
    struct td_slice host = td_http_host_name(hop);
    if (!td_ip_parse(host, ret))
        return false;
    struct td_slice rest = td_sub(hop, (size_t)(host.p - hop.p) + host.n, hop.n);
    if (host.p != hop.p)
        rest = td_sub(rest, 1, rest.n);
    return rest.n == 0 || (rest.p[0] == ':' && td_parse_u64(td_sub(rest, 1, rest.n), &port) && port <= 65535);
}

static struct td_slice cut_last(struct td_slice *list)
{
    size_t at = list->n;
    while (at != 0 && list->p[at - 1] != ',')
        at--;
    struct td_slice last = td_trim(td_sub(*list, at, list->n));
    *list = td_sub(*list, 0, at != 0 ? at - 1 : 0);
    return last;
}

struct hops {
    const struct td_server_proxy *proxy;
    int count;
    bool found, ended;
    struct td_ip ip;
};

static enum td_code walk_line(struct hops *h, struct td_slice line, struct td_error *err)
{
    for (bool more = true; more && !h->ended;) {
        more = td_find(line, ',') != SIZE_MAX;
        struct td_slice hop = cut_last(&line);
        if (++h->count > TD_PROXY_MAX_HOPS)
            return td_fail(err, TD_EFORMAT, forwarded_for, "There are more than %d proxies.", TD_PROXY_MAX_HOPS);
        if (td_eqs(hop, "unix:") && h->proxy->trust_unix) /* nginx behind another one's socket file */
            continue;
        if (!read_hop(hop, &h->ip))
            return td_fail(err, TD_EFORMAT, forwarded_for, "The proxy sent something that is not an address.");
        h->found = true;
        h->ended = !td_proxy_trusts(h->proxy, &h->ip) && !td_fault("proxy-first-address");
    }
    return TD_OK;
}

/* Each proxy adds its peer on the right. The right-most address that is not a proxy of ours is the client; what stands
 * left of it is the client's own text and is not even looked at. */
static enum td_code find_client(const struct td_server_proxy *proxy, const struct td_http_request *req,
                                struct td_peer *peer, struct td_ip *ret_ip, struct td_error *err)
{
    struct hops h = {.proxy = proxy};
    char text[INET6_ADDRSTRLEN];
    for (size_t i = req->header_count; i-- > 0 && !h.ended;)
        if (td_ieqs(req->headers[i].name, forwarded_for))
            td_try(walk_line(&h, req->headers[i].value, err));
    if (!h.found)
        return TD_OK;
    td_ip_text(&h.ip, text);
    peer->address = td_arena_strdup(req->arena, text);
    *ret_ip = h.ip;
    return TD_OK;
}

static enum td_code read_proto(const struct td_http_request *req, struct td_peer *peer, struct td_error *err)
{
    struct td_slice proto = td_http_header(req, forwarded_proto);
    td_try(only_one(req, forwarded_proto, err));
    if (!td_http_has_header(req, forwarded_proto))
        return TD_OK;
    peer->tls = td_ieqs(proto, "https");
    return peer->tls || td_ieqs(proto, "http")
               ? TD_OK
               : td_fail(err, TD_EFORMAT, forwarded_proto, "The proxy sent neither https nor http.");
}

static enum td_code read_host(struct td_http_request *req, struct td_error *err)
{
    struct td_slice host = td_http_header(req, forwarded_host);
    td_try(only_one(req, forwarded_host, err));
    if (!td_http_has_header(req, forwarded_host))
        return TD_OK;
    if (!td_reader_set_host(req, host))
        return td_fail(err, TD_EFORMAT, forwarded_host,
                       "The proxy sent something that is not a host name with a port.");
    return TD_OK;
}

static enum td_code decode(struct td_slice value, struct td_arena *a, struct td_slice *ret, struct td_error *err)
{
    if (value.n > 2 && td_starts(value, ":") && td_ends(value, ":"))
        return td_b64_decode(a, td_sub(value, 1, value.n - 2), TD_B64_STD, ret);
    if (td_starts(value, "-----BEGIN"))
        return td_cert_from_pem(td_pct_decode(a, value, false), a, ret, err);
    return TD_EFORMAT;
}

static enum td_code read_cert(const char *name, const struct td_http_request *req, struct td_peer *peer,
                              struct td_error *err)
{
    struct td_slice value = td_http_header(req, name), der = TD_S("");
    struct td_cert cert;
    td_try(only_one(req, name, err));
    if (value.n == 0)
        return TD_OK;
    if (value.n > TD_PROXY_MAX_CERT || decode(value, req->arena, &der, NULL) != TD_OK ||
        td_cert_parse(der, req->arena, &cert, NULL) != TD_OK)
        return td_fail(err, TD_EFORMAT, name, "The proxy sent something that is not a certificate.");
    peer->cert = der;
    memcpy(peer->cert_sha256, cert.sha256, sizeof(peer->cert_sha256));
    return TD_OK;
}

static enum td_code believe(const struct td_server_proxy *proxy, struct td_http_request *req, struct td_peer *peer,
                            struct td_ip *ret_ip, struct td_error *err)
{
    if (!td_fault("proxy-own-certificate"))
        peer->cert = TD_S("");
    td_try(find_client(proxy, req, peer, ret_ip, err));
    td_try(read_proto(req, peer, err));
    td_try(read_host(req, err));
    return proxy->certificate_header != NULL ? read_cert(proxy->certificate_header, req, peer, err) : TD_OK;
}

static bool is_said_of_clients(const struct td_server_proxy *proxy, struct td_slice name)
{
    return td_istarts(name, "x-forwarded-") ||
           (proxy->certificate_header != NULL && td_ieqs(name, proxy->certificate_header));
}

static void take_out(const struct td_server_proxy *proxy, struct td_http_request *req)
{
    size_t n = 0;
    struct td_http_header *kept = NULL;
    for (size_t i = 0; i < req->header_count; i++) {
        bool out = is_said_of_clients(proxy, req->headers[i].name);
        if (out && kept == NULL) {
            kept = td_arena_array(req->arena, struct td_http_header, req->header_count);
            memcpy(kept, req->headers, i * sizeof(*kept));
            n = i;
        } else if (!out && kept != NULL) {
            kept[n++] = req->headers[i];
        }
    }
    if (kept == NULL)
        return;
    req->headers = kept;
    req->header_count = n;
}

enum td_code td_proxy_apply(const struct td_server_proxy *proxy, bool trusted, struct td_http_request *req,
                            struct td_peer *peer, struct td_ip *ret_ip, struct td_error *err)
{
    enum td_code rc = trusted ? believe(proxy, req, peer, ret_ip, err) : TD_OK;
    take_out(proxy, req);
    return rc;
}
