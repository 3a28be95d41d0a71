/* What net.c and download.c share. */
#ifndef TD_NET_INTERNAL_H
#define TD_NET_INTERNAL_H

#include "net/net.h"

#include <curl/curl.h>

struct td_net {
    CURL *curl;
    struct curl_slist *resolve;
    struct td_buf ca, cert, key; /* curl reads them in place; key is wiped */
    enum td_code (*identity)(void *ctx, void *ssl_ctx, struct td_error *err);
    void *identity_ctx;
    bool (*may_reach)(void *ctx, const struct sockaddr *address);
    void *may_reach_ctx;
    enum td_code refused; /* by identity or may_reach, in this exchange */
    struct td_error why;
    int timeout_seconds;
    size_t max_body;
    char cause[CURL_ERROR_SIZE];
};

/* Turns curl's verdict into ours: code, Windows' number, the cause in words. */
enum td_code td_net_verdict(struct td_net *net, CURLcode rc, const char *url, struct td_error *err);
/* Collects header lines of the last answer into a struct td_buf *. */
size_t td_net_on_header(char *data, size_t size, size_t count, void *buf);

#endif
