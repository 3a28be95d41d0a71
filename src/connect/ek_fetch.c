#include "connect/ek_fetch.h"

#include "base/fault.h"
#include "net/net.h"

#include <netinet/in.h>

static bool host_char(char c)
{
    char low = (char)(c | 0x20);
    return (c >= '0' && c <= '9') || (low >= 'a' && low <= 'z') || c == '.' || c == '-' || c == '_';
}

static bool read_host(struct td_slice *rest, struct td_slice *ret)
{
    size_t n = 0;
    if (rest->n != 0 && rest->p[0] == '[') {
        n = td_find(*rest, ']');
        if (n == SIZE_MAX || n < 3)
            return false;
        *ret = td_sub(*rest, 1, n - 1);
        *rest = td_sub(*rest, n + 1, SIZE_MAX);
        for (size_t i = 0; i < ret->n; i++)
            if (ret->p[i] != ':' && !host_char(ret->p[i]))
                return false;
        return true;
    }
    while (n < rest->n && host_char(rest->p[n]))
        n++;
    *ret = td_sub(*rest, 0, n);
    *rest = td_sub(*rest, n, SIZE_MAX);
    return n > 0 && n <= 253;
}

static bool read_port(struct td_slice *rest, int usual, int *ret)
{
    uint64_t port = 0;
    size_t n = 1;
    *ret = usual;
    if (rest->n == 0 || rest->p[0] != ':')
        return true;
    while (n < rest->n && rest->p[n] >= '0' && rest->p[n] <= '9')
        n++;
    if (!td_parse_u64(td_sub(*rest, 1, n - 1), &port) || port == 0 || port > 65535)
        return false;
    *ret = (int)port;
    *rest = td_sub(*rest, n, SIZE_MAX);
    return true;
}

bool td_ek_url_parse(const char *url, struct td_ek_url *ret)
{
    struct td_slice rest = td_str(url);
    bool tls = td_istarts(rest, "https://");
    int usual = tls ? 443 : 80;
    if (rest.n > TD_EK_FETCH_URL_MAX || (!tls && !td_istarts(rest, "http://")))
        return false;
    for (size_t i = 0; i < rest.n; i++)
        if (rest.p[i] <= ' ' || rest.p[i] >= 0x7f)
            return false;
    rest = td_sub(rest, tls ? 8 : 7, SIZE_MAX);
    if (!read_host(&rest, &ret->host) || !read_port(&rest, usual, &ret->port))
        return false;
    ret->usual = ret->port == usual;
    return rest.n == 0 || rest.p[0] == '/' || rest.p[0] == '?'; /* no user names, nothing that hides a host */
}

/* RFC 6890 and its successors: what is not the public Internet. */
static const struct {
    uint32_t network;
    int bits;
} closed4[] = {
    {0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16},
    {0xac100000, 12}, {0xc0000000, 24}, {0xc0000200, 24}, {0xc0a80000, 16}, {0xc6120000, 15},
    {0xc6336400, 24}, {0xcb007100, 24}, {0xe0000000, 3}, /* multicast and what is kept for later */
};

static bool is_public4(uint32_t ip)
{
    for (size_t i = 0; i < TD_COUNTOF(closed4); i++)
        if ((ip ^ closed4[i].network) >> (32 - closed4[i].bits) == 0)
            return false;
    return true;
}

static uint32_t word_at(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Only 2000::/3 is given out; of it, what carries an IPv4 address (6to4) or is for documents and tunnels is not. */
static bool is_public6(const unsigned char ip[16])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (memcmp(ip, mapped, sizeof(mapped)) == 0)
        return is_public4(word_at(ip + 12));
    uint32_t first = word_at(ip);
    return first >> 29 == 1 && first >> 16 != 0x2002 && first != 0x20010db8 && first >> 9 != 0x20010000 >> 9;
}

bool td_ek_address_is_public(const struct sockaddr *address)
{
    if (td_fault("ek-fetch-any-address"))
        return true;
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof(v4));
        return is_public4(ntohl(v4.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof(v6));
        return is_public6(v6.sin6_addr.s6_addr);
    }
    return false;
}

static bool public_only(void *ctx TD_UNUSED, const struct sockaddr *address)
{
    return td_ek_address_is_public(address);
}

static bool any_address(void *ctx TD_UNUSED, const struct sockaddr *address TD_UNUSED)
{
    return true;
}

/* "name" is the usual port, "name:port" that one. A last colon of an IPv6 address in brackets is none of a port. */
static bool is_named(const char *const *hosts, const struct td_ek_url *url)
{
    for (size_t i = 0; hosts != NULL && hosts[i] != NULL; i++) {
        struct td_slice rest = td_str(hosts[i]), host = {0};
        int port = 0;
        if (!read_host(&rest, &host) || !read_port(&rest, -1, &port) || rest.n != 0)
            continue;
        if (td_ieq(host, url->host) && (port == url->port || (port == -1 && url->usual)))
            return true;
    }
    return false;
}

static enum td_code ask(const char *url, int seconds, bool named, struct td_arena *a, struct td_slice *ret,
                        struct td_error *err)
{
    const struct td_net_config config = {.user_agent = "touchdown",
                                         .timeout_seconds = TD_MIN(seconds, TD_EK_FETCH_SECONDS),
                                         .max_body = TD_EK_FETCH_BYTES,
                                         .may_reach = named ? any_address : public_only};
    const struct td_net_request request = {
        .method = "GET", .url = url, .headers = {"Accept: application/pkix-cert, application/pkcs7-mime"}};
    struct td_net_response answer = {.status = 0};
    struct td_net *net = NULL;
    td_try(td_net_new(&config, &net, err));
    enum td_code rc = td_net_do(net, &request, a, &answer, err);
    td_net_free(net);
    td_try(rc);
    if (answer.status != 200 || answer.body.n == 0)
        return td_fail(err, TD_EUNAVAILABLE, "issuer", "the maker's address answered %d", answer.status);
    *ret = answer.body;
    return TD_OK;
}

static enum td_code get(struct td_ek_fetch *f, const char *url, int seconds, struct td_arena *a, struct td_slice *ret,
                        struct td_error *err)
{
    struct td_ek_url parts;
    if (!td_ek_url_parse(url, &parts))
        return td_fail(err, TD_EINVAL, "issuer", "the certificate names no address of http or https");
    bool named = is_named(f->hosts, &parts);
    if (!named && !parts.usual)
        return td_fail(err, TD_EDENIED, "issuer", "the certificate names an unusual port, which is not asked");
    bool too_many = atomic_fetch_add(&f->waiting, 1) >= TD_EK_FETCH_AT_ONCE;
    enum td_code rc = too_many ? td_fail(err, TD_ESTATE, "issuer", "too many makers are asked at this moment")
                               : ask(url, TD_MAX(seconds, 1), named, a, ret, err);
    atomic_fetch_sub(&f->waiting, 1);
    return rc;
}

void td_ek_fetch_init(struct td_ek_fetch *f, const char *const *hosts)
{
    f->get = get;
    f->hosts = hosts;
    f->ctx = NULL;
    atomic_init(&f->waiting, 0);
}
