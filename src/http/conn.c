#include "crypto/digest.h"
#include "http/room.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_AHEAD = 65536 };

/* ---- deadlines: one lazy timer a connection (http-server.md 5) ---- */

static int64_t due(const struct td_conn *c)
{
    if (c->wait_until == 0 || (c->send_until != 0 && c->send_until < c->wait_until))
        return c->send_until;
    return c->wait_until;
}

/* The timer is never armed further ahead than the shortest deadline, so that a new deadline is hardly ever earlier than
 * the timer: a request on a kept connection touches no timer. */
static void settle(struct td_conn *c)
{
    int64_t now = td_monotonic(), at = due(c);
    at = at == 0 ? now + c->loop->server->tick : TD_MIN(at, now + c->loop->server->tick);
    if (c->armed != 0 && c->armed <= at)
        return;
    int64_t us = TD_MAX(at - now, 1000);
    struct timeval tv = {us / TD_SECOND, us % TD_SECOND};
    c->armed = at;
    (void)event_add(c->timer, &tv);
}

static void wait_for(struct td_conn *c, enum td_wait wait, int64_t us)
{
    c->wait = wait;
    c->wait_until = td_monotonic() + us;
}

/* ---- life ---- */

static void abandon(struct td_conn *c)
{
    if (c->job == NULL)
        return;
    atomic_store_explicit(&c->job->abandoned, true, memory_order_relaxed);
    atomic_store_explicit(&c->job->hung_up, true, memory_order_relaxed);
    c->job->conn = NULL;
    c->job = NULL;
}

/* A proxy brings many clients on few connections: of its own it may have as many as there are in all. */
static bool admit(struct td_conn *c)
{
    struct td_server *s = c->loop->server;
    uint64_t open = atomic_fetch_add_explicit(&s->counters[TD_COUNT_OPEN], 1, memory_order_relaxed);
    if (open < (uint64_t)s->limits.connections && (c->trusted || td_addresses_enter(s->addresses, &c->address)))
        return true;
    atomic_fetch_sub_explicit(&s->counters[TD_COUNT_OPEN], 1, memory_order_relaxed);
    return false;
}

static void dismiss(struct td_conn *c)
{
    struct td_server *s = c->loop->server;
    if (!c->trusted)
        td_addresses_leave(s->addresses, &c->address, td_monotonic());
    atomic_fetch_sub_explicit(&s->counters[TD_COUNT_OPEN], 1, memory_order_relaxed);
}

void td_conn_free(struct td_conn *c)
{
    struct td_loop *l = c->loop;
    abandon(c);
    td_job_free(c->out);
    td_reader_free(c->reader);
    if (c->tls)
        td_tls_keep_session(c->bev);
    bufferevent_free(c->bev);
    event_free(c->timer);
    td_free((void *)(uintptr_t)c->cert.p);
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        l->conns = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    dismiss(c);
    td_free(c);
}

/* Around everything that libevent or the loop calls: enabling or draining may call us again from inside, so the
 * connection ends with the outermost frame only. */
static void enter(struct td_conn *c)
{
    c->inside++;
}

static void leave(struct td_conn *c)
{
    if (--c->inside != 0)
        return;
    if (c->dead)
        td_conn_free(c);
    else
        settle(c);
}

/* All is sent and nothing more will be taken: tell the client, and give it a moment to read (an answer to a client that
 * still sends would be lost by a reset). */
static void say_goodbye(struct td_conn *c)
{
    if (c->wait == TD_WAIT_LINGER)
        return;
    if (c->tls && c->open)
        td_tls_goodbye(c->bev);
    if (c->eof) {
        c->dead = true;
        return;
    }
    (void)shutdown(bufferevent_getfd(c->bev), SHUT_WR);
    wait_for(c, TD_WAIT_LINGER, c->loop->server->limits.linger);
}

/* ---- answers ---- */

static void answer(struct td_conn *c, struct td_job *job)
{
    bool spent = c->eof && evbuffer_get_length(bufferevent_get_input(c->bev)) == 0;
    bool keep = job->msg->keep_alive && !job->reply.close && !c->loop->draining && !spent && !c->closing;
    wait_for(c, TD_WAIT_IDLE, c->loop->server->limits.idle);
    td_send_reply(c, job, keep);
}

static void answer_error(struct td_conn *c, struct td_job *job, int status, const struct td_error *err)
{
    td_reply_problem_status(&job->reply, status, err);
    answer(c, job);
}

/* The reader or a deadline refused: there is no whole request, and what follows can't be trusted. */
static void refuse(struct td_conn *c, int status, const struct td_error *err)
{
    struct td_job *job = td_new(struct td_job);
    job->msg = td_new(struct td_message);
    td_arena_init(&job->msg->arena);
    td_reply_init(&job->reply);
    job->reply.close = true;
    answer_error(c, job, status, err);
}

/* ---- requests ---- */

/* What a device needs its certificate for can't lie under a name that asks for none. */
static const char *device_base(const struct td_server *s, const struct td_http_request *req)
{
    struct td_slice authority = td_sub(td_str(req->base), strlen("https://"), SIZE_MAX), port;
    if (!td_http_host_in(authority, s->people))
        return NULL;
    port = td_cut(authority, ':', &authority); /* such a name is no address: one colon at most */
    return td_arena_printf(req->arena, "https://%s%s%.*s", s->device, port.n != 0 ? ":" : "", TD_FMT(port));
}

static enum td_code fill_peer(struct td_conn *c, struct td_job *job, struct td_error *err)
{
    struct td_http_request *req = &job->msg->req;
    struct td_ip ip = c->ip;
    job->peer.address = td_arena_strdup(req->arena, c->address_text);
    job->peer.tls = c->tls;
    if (c->cert.n != 0) {
        job->peer.cert = td_arena_copy(req->arena, c->cert);
        memcpy(job->peer.cert_sha256, c->cert_sha256, sizeof(c->cert_sha256));
    }
    req->peer = &job->peer;
    enum td_code rc = td_proxy_apply(&c->loop->server->config.proxy, c->trusted, req, &job->peer, &ip, err);
    job->address = td_address_of(&ip);
    bool ours = job->peer.tls && td_http_host_in(req->host, c->loop->server->names);
    req->base = ours ? td_arena_printf(req->arena, "https://%.*s", TD_FMT(req->host)) : c->loop->server->base;
    req->device_base = device_base(c->loop->server, req);
    return rc;
}

static bool limited(struct td_conn *c, struct td_job *job)
{
    int seconds = 0;
    struct td_server *s = c->loop->server;
    if ((job->msg->route->flags & TD_ROUTE_LIMITED) == 0 ||
        td_addresses_take(s->addresses, &job->address, td_monotonic(), &seconds))
        return false;
    struct td_error err;
    td_count(s, TD_COUNT_LIMITED);
    (void)td_fail(&err, TD_ELIMIT, "address", "Too many requests came from this address.");
    td_reply_header(&job->reply, "Retry-After", td_arena_printf(job->msg->req.arena, "%d", seconds));
    answer_error(c, job, 429, &err);
    return true;
}

static void dispatch(struct td_conn *c, struct td_message *m)
{
    struct td_server *s = c->loop->server;
    struct td_job *job = td_new(struct td_job);
    job->msg = m;
    job->loop = c->loop;
    td_reply_init(&job->reply);
    struct td_error err;
    enum td_code rc = fill_peer(c, job, &err);
    td_count(s, TD_COUNT_REQUESTS);
    if (rc != TD_OK) {
        answer_error(c, job, 400, &err);
        return;
    }
    if (m->route == NULL && job->peer.tls) { /* 404 and 405 need no worker */
        td_router_run(s->config.router, &m->req, &job->reply);
        answer(c, job);
        return;
    }
    if (!job->peer.tls && (m->route == NULL || (m->route->flags & TD_ROUTE_PLAIN) == 0)) {
        (void)td_fail(&err, TD_ENOTFOUND, "path", "Nothing is served under this path without TLS.");
        answer_error(c, job, 404, &err);
        return;
    }
    if (limited(c, job))
        return;
    job->conn = c;
    c->job = job;
    wait_for(c, TD_WAIT_WORK, s->limits.work);
    if (td_work_push(&s->work, job))
        return;
    c->job = NULL;
    td_count(s, TD_COUNT_QUEUE_FULL);
    (void)td_fail(&err, TD_EUNAVAILABLE, "", "The service is busy; try again in a moment.");
    answer_error(c, job, 503, &err);
}

static bool may_read(const struct td_conn *c)
{
    return !c->dead && c->open && c->job == NULL && c->out == NULL && !c->closing &&
           td_send_waiting(c) < (size_t)c->loop->server->limits.output;
}

static void note_phase(struct td_conn *c, enum td_reader_phase before)
{
    if (td_reader_phase(c->reader) == TD_READER_BODY && before != TD_READER_BODY)
        wait_for(c, TD_WAIT_BODY, c->loop->server->limits.body);
    if (td_reader_wants_continue(c->reader))
        (void)evbuffer_add(bufferevent_get_output(c->bev), "HTTP/1.1 100 Continue\r\n\r\n", 25);
}

static const struct td_reader_config *reader_of(const struct td_conn *c)
{
    return c->kind == TD_LISTEN_PLAIN ? &c->loop->server->reader_plain : &c->loop->server->reader_all;
}

/* One piece of input; false when there is none. */
static bool step(struct td_conn *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    size_t n = evbuffer_get_contiguous_space(in), used = 0;
    if (n == 0)
        return false;
    if (c->reader == NULL)
        c->reader = td_reader_new(reader_of(c));
    enum td_reader_phase before = td_reader_phase(c->reader);
    enum td_read rc = td_reader_feed(c->reader, td_bytes(evbuffer_pullup(in, (ev_ssize_t)n), n), &used);
    (void)evbuffer_drain(in, used);
    note_phase(c, before);
    if (rc == TD_READ_REQUEST) {
        dispatch(c, td_reader_take(c->reader));
    } else if (rc == TD_READ_REFUSED) {
        struct td_error err = *td_reader_error(c->reader);
        refuse(c, td_reader_status(c->reader), &err);
    }
    return true;
}

/* Reads on as far as it may; then looks whether the connection has come to its end. */
static void pump(struct td_conn *c)
{
    if (c->pumping)
        return;
    c->pumping = true;
    while (may_read(c) && step(c)) {
    }
    c->pumping = false;
    if (c->dead || c->job != NULL || c->out != NULL || td_send_waiting(c) != 0)
        return;
    if (c->closing)
        say_goodbye(c);
    else if (c->eof)
        c->dead = true;
}

/* ---- what libevent tells ---- */

static void drop_input(struct td_conn *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    (void)evbuffer_drain(in, evbuffer_get_length(in));
}

static void on_read(struct bufferevent *bev TD_UNUSED, void *arg)
{
    struct td_conn *c = arg;
    enter(c);
    if (c->closing)
        drop_input(c);
    else
        pump(c);
    leave(c);
}

/* The output is empty. */
static void on_written(struct bufferevent *bev TD_UNUSED, void *arg)
{
    struct td_conn *c = arg;
    enter(c);
    if (c->out != NULL)
        td_send_more(c);
    if (!c->dead && c->out == NULL && td_send_waiting(c) == 0) {
        c->send_until = 0;
        if (c->wait == TD_WAIT_IDLE)
            wait_for(c, TD_WAIT_IDLE, c->loop->server->limits.idle);
    }
    pump(c);
    leave(c);
}

static void handshake_done(struct td_conn *c)
{
    td_count(c->loop->server, td_tls_resumed(c->bev) ? TD_COUNT_RESUMED : TD_COUNT_FULL);
    c->open = true;
    c->cert = td_tls_peer(c->bev);
    if (c->cert.n != 0)
        td_sha256(c->cert, c->cert_sha256);
}

/* The client has closed its side but may still read. An end of file met while writing is a peer that is gone: enabling
 * that again would make the loop spin. */
static bool half_closed(const struct td_conn *c, short what)
{
    return (what & BEV_EVENT_EOF) != 0 && (what & BEV_EVENT_WRITING) == 0 && c->open && c->wait != TD_WAIT_LINGER;
}

static void on_event(struct bufferevent *bev TD_UNUSED, short what, void *arg)
{
    struct td_conn *c = arg;
    enter(c);
    if ((what & BEV_EVENT_CONNECTED) != 0) {
        handshake_done(c);
        pump(c);
    } else if (half_closed(c, what)) {
        c->eof = true; /* an answer may still be on its way */
        if (c->job != NULL)
            atomic_store_explicit(&c->job->hung_up, true, memory_order_relaxed);
        (void)bufferevent_enable(c->bev, EV_WRITE);
        pump(c);
    } else {
        if (c->tls && !c->open)
            td_count(c->loop->server, TD_COUNT_FAILED);
        c->dead = true;
    }
    leave(c);
}

static void cut(struct td_conn *c)
{
    static const enum td_counter counters[] = {
        [TD_WAIT_HANDSHAKE] = TD_COUNT_CUT_HANDSHAKE, [TD_WAIT_BODY] = TD_COUNT_CUT_BODY,
        [TD_WAIT_WORK] = TD_COUNT_CUT_WORK,           [TD_WAIT_IDLE] = TD_COUNT_CUT_IDLE,
        [TD_WAIT_LINGER] = TD_COUNT_CUT_IDLE,
    };
    bool sending = c->send_until != 0 && td_monotonic() >= c->send_until;
    if (sending || c->wait != TD_WAIT_LINGER)
        td_count(c->loop->server, sending ? TD_COUNT_CUT_SEND : counters[c->wait]);
    if (sending || c->wait != TD_WAIT_WORK) {
        c->dead = true;
        return;
    }
    struct td_error err;
    abandon(c);
    (void)td_fail(&err, TD_EUNAVAILABLE, "", "The work took too long; try again later.");
    refuse(c, 503, &err);
    pump(c);
}

static void on_timer(evutil_socket_t fd TD_UNUSED, short what TD_UNUSED, void *arg)
{
    struct td_conn *c = arg;
    int64_t at = due(c);
    enter(c);
    c->armed = 0;
    if (at != 0 && at <= td_monotonic())
        cut(c);
    leave(c);
}

/* ---- from the loop ---- */

/* A proxy is believed where the contract lets it stand: with TLS or on the socket file, not on the port for lists. */
static void set_address(struct td_conn *c, const struct sockaddr *from)
{
    const struct td_server_proxy *proxy = &c->loop->server->config.proxy;
    bool has_ip = td_ip_of_sockaddr(from, &c->ip);
    if (has_ip) {
        td_ip_text(&c->ip, c->address_text);
        c->address = td_address_of(&c->ip);
    } else {
        (void)snprintf(c->address_text, sizeof(c->address_text), "%s", c->kind == TD_LISTEN_UNIX ? "unix" : "unknown");
    }
    if (c->kind == TD_LISTEN_UNIX)
        c->trusted = td_proxy_trusts(proxy, NULL);
    else if (c->kind == TD_LISTEN_TLS && has_ip)
        c->trusted = td_proxy_trusts(proxy, &c->ip);
}

static bool attach(struct td_conn *c, int fd)
{
    struct td_loop *l = c->loop;
    c->timer = event_new(l->base, -1, 0, on_timer, c);
    if (c->timer == NULL)
        return false;
    c->bev = c->tls ? td_tls_accept(l->server->tls, l->base, fd)
                    : bufferevent_socket_new(l->base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (c->bev == NULL)
        event_free(c->timer);
    return c->bev != NULL;
}

void td_conn_accept(struct td_loop *l, int fd, const struct sockaddr *from, enum td_listener_kind kind)
{
    struct td_conn *c = td_new(struct td_conn);
    c->loop = l;
    c->kind = kind;
    c->tls = kind == TD_LISTEN_TLS;
    c->open = !c->tls;
    set_address(c, from);
    bool admitted = admit(c);
    if (!admitted || !attach(c, fd)) {
        td_count(l->server, TD_COUNT_REFUSED);
        if (admitted)
            dismiss(c);
        (void)close(fd);
        td_free(c);
        return;
    }
    td_count(l->server, TD_COUNT_ACCEPTED);
    c->next = l->conns;
    if (l->conns != NULL)
        l->conns->prev = c;
    l->conns = c;
    bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
    bufferevent_setwatermark(c->bev, EV_READ, 0, READ_AHEAD);
    (void)bufferevent_enable(c->bev, EV_READ | EV_WRITE);
    wait_for(c, TD_WAIT_HANDSHAKE, l->server->limits.handshake);
    settle(c);
}

void td_conn_answer(struct td_conn *c, struct td_job *job)
{
    enter(c);
    job->conn = NULL;
    c->job = NULL;
    answer(c, job);
    pump(c);
    leave(c);
}

void td_conn_drain(struct td_conn *c, bool late)
{
    if (!c->open && late)
        c->dead = true;
    bool idle = c->open && c->job == NULL && c->out == NULL && td_send_waiting(c) == 0 &&
                (c->reader == NULL || td_reader_phase(c->reader) == TD_READER_IDLE) &&
                evbuffer_get_length(bufferevent_get_input(c->bev)) == 0;
    if (idle && c->tls)
        td_tls_goodbye(c->bev);
    if (idle || c->dead)
        td_conn_free(c);
}
