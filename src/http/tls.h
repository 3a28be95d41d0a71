/* TLS for the loops: the one file of src/http that knows OpenSSL is tls.c; certificates leave it as DER.
 *
 * One front context lives as long as the server and owns the session cache; certificates by name are contexts of their
 * own, chosen while shaking hands and exchanged under a lock (http-server.md 3.1). Thread-safe. */
#ifndef TD_HTTP_TLS_H
#define TD_HTTP_TLS_H

#include "http/server.h"

struct td_tls;
struct bufferevent;
struct event_base;

enum td_code td_tls_new(const struct td_server_config *config, struct td_tls **ret, struct td_error *err) TD_MUST_USE;
enum td_code td_tls_load(struct td_tls *t, const struct td_server_cert *certs, size_t count, struct td_error *err)
    TD_MUST_USE;
void td_tls_free(struct td_tls *t); /* NULL is fine */

/* The server's side of a connection; NULL if there is no memory. fd is closed with it. */
struct bufferevent *td_tls_accept(struct td_tls *t, struct event_base *base, int fd);
bool td_tls_resumed(struct bufferevent *bev);
/* DER of the client's certificate, td_alloc'ed and the caller's; {NULL,0} if none was given. */
struct td_slice td_tls_peer(struct bufferevent *bev);
/* Writes at once, past the bufferevent, whose output must be empty: that saves two epoll_ctl and a wait for each reply
 * (http-server.md 2.3). False if it was not taken; the same bytes must then be the next ones in the output. */
bool td_tls_write(struct bufferevent *bev, struct td_slice octets);
/* close_notify, when nothing is waiting to be sent. */
void td_tls_goodbye(struct bufferevent *bev);
/* Before every bufferevent_free: without it OpenSSL forgets the session (http-server.md 3.2). */
void td_tls_keep_session(struct bufferevent *bev);

#endif
