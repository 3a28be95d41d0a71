/* http/proxy: lines of headers from a proxy. What a listed proxy says is read within bounds; what anybody else says
 * changes nothing; and either way no door sees these headers. */
#include "base/err.h"
#include "http/proxy.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_HEADERS = 32 };

static const struct td_network networks[] = {{{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, 0}}, 120},
                                             {{{0x20, 0x01, 0x0D, 0xB8}}, 32}};
static const struct td_server_proxy proxy = {
    .trusted = networks, .trusted_count = 2, .trust_unix = true, .certificate_header = "X-Client-Cert"};

static void must(bool so)
{
    if (!so)
        abort();
}

static void apply(struct td_slice input, bool trusted)
{
    struct td_arena a;
    struct td_http_header headers[MAX_HEADERS];
    struct td_ip ip = {{0}};
    struct td_error err = {0};
    td_arena_init(&a);
    struct td_http_request req = {.arena = &a, .headers = headers, .host = TD_S("before")};
    struct td_peer peer = {.address = "unix"};
    while (input.n != 0 && req.header_count < MAX_HEADERS) {
        struct td_slice line, name;
        input = td_cut(input, '\n', &line);
        line = td_trim(td_cut(line, ':', &name));
        headers[req.header_count++] = (struct td_http_header){td_arena_copy(&a, name), td_arena_copy(&a, line)};
    }
    enum td_code rc = td_proxy_apply(&proxy, trusted, &req, &peer, &ip, &err);
    must(rc == TD_OK || (rc == TD_EFORMAT && trusted && err.where[0] != '\0'));
    for (size_t i = 0; i < req.header_count; i++)
        must(!td_istarts(req.headers[i].name, "x-forwarded-") && !td_ieqs(req.headers[i].name, "x-client-cert"));
    if (!trusted)
        must(peer.cert.n == 0 && !peer.tls && strcmp(peer.address, "unix") == 0 && td_eqs(req.host, "before"));
    must(peer.cert.n <= TD_PROXY_MAX_CERT && peer.address[0] != '\0');
    td_arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apply(td_bytes(data, size), true);
    apply(td_bytes(data, size), false);
    return 0;
}
