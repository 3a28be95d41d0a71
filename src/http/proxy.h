/* A proxy in front of us: what it says about its client, and whether that is believed.
 *
 * Believed are X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host and the header with the client's certificate, each
 * only from peers that the configuration lists. From everybody they are taken out of the request, so that no door can
 * believe one by mistake. That the client holds the certificate's key is the proxy's word; its chain, dates and
 * revocation are judged by td_authority_peer as ever. Certificates come as nginx writes them ($ssl_client_escaped_cert:
 * PEM, percent-encoded) or as RFC 9440 does (:base64 of DER:). */
#ifndef TD_HTTP_PROXY_H
#define TD_HTTP_PROXY_H

#include "http/http.h"
#include "http/ip.h"

struct td_server_proxy {   /* all of it may be left out: then nobody is believed */
    const char *unix_path; /* a listener for the proxy: plain HTTP on a socket file, mode 0660 */
    const struct td_network *trusted;
    size_t trusted_count;
    bool trust_unix;
    const char *certificate_header; /* NULL: no header is a certificate */
};

enum { TD_PROXY_MAX_HOPS = 16, TD_PROXY_MAX_CERT = 16384 };

/* ip NULL: the peer came by the socket file. */
bool td_proxy_trusts(const struct td_server_proxy *proxy, const struct td_ip *ip);

/* Takes the headers out of the request; if the peer is trusted, sets host, peer (address, tls, cert) and *ret_ip by
 * them first. *ret_ip is left alone where the proxy named no address. A trusted peer's own certificate never counts.
 * A value that can't be read is TD_EFORMAT with the header's name. */
enum td_code td_proxy_apply(const struct td_server_proxy *proxy, bool trusted, struct td_http_request *req,
                            struct td_peer *peer, struct td_ip *ret_ip, struct td_error *err) TD_MUST_USE;

#endif
