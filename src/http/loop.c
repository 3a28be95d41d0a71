#include "http/room.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ACCEPT_AT_ONCE = 16, LOOK_AROUND_MS = 20, ACCEPT_AGAIN_MS = 100 };

const char *td_loop_date(struct td_loop *l)
{
    int64_t second = td_now(l->server->config.env) / TD_SECOND;
    if (second != l->date_at) {
        struct tm tm;
        time_t t = (time_t)second;
        (void)gmtime_r(&t, &tm);
        (void)strftime(l->date, sizeof(l->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        l->date_at = second;
    }
    return l->date;
}

static void start_tick(struct td_loop *l, int ms)
{
    struct timeval tv = {0, ms * 1000L};
    (void)event_add(l->tick, &tv);
}

static void close_listener(struct td_listener *ls)
{
    if (ls->event != NULL)
        event_free(ls->event);
    ls->event = NULL;
    if (ls->fd >= 0)
        (void)close(ls->fd);
    ls->fd = -1;
}

/* Returns false when there is nobody left to accept, or no descriptor to do it with. */
static bool accept_one(struct td_listener *ls)
{
    struct sockaddr_storage from = {0};
    socklen_t n = sizeof(from);
    int fd = accept4(ls->fd, (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        td_conn_accept(ls->loop, fd, (struct sockaddr *)&from, ls->kind);
        return true;
    }
    if (errno == EINTR || errno == ECONNABORTED)
        return true;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) { /* the event would spin */
        td_count(ls->loop->server, TD_COUNT_REFUSED);
        (void)event_del(ls->event);
        start_tick(ls->loop, ACCEPT_AGAIN_MS);
    }
    return false;
}

static void on_accept(evutil_socket_t fd TD_UNUSED, short what TD_UNUSED, void *arg)
{
    for (int i = 0; i < ACCEPT_AT_ONCE && accept_one(arg); i++) {
    }
}

static void end_idle(struct td_loop *l, bool late)
{
    for (struct td_conn *c = l->conns, *next; c != NULL; c = next) {
        next = c->next;
        td_conn_drain(c, late);
    }
}

static void look_around(struct td_loop *l)
{
    int64_t now = td_monotonic();
    end_idle(l, now >= l->drain_from + TD_SECOND);
    while (now >= l->drain_from + l->server->limits.drain && l->conns != NULL)
        td_conn_free(l->conns);
    if (l->conns == NULL)
        (void)event_base_loopbreak(l->base);
    else
        start_tick(l, LOOK_AROUND_MS);
}

static void on_tick(evutil_socket_t fd TD_UNUSED, short what TD_UNUSED, void *arg)
{
    struct td_loop *l = arg;
    if (l->draining) {
        look_around(l);
        return;
    }
    for (int i = 0; i < TD_LISTENERS; i++)
        if (l->listeners[i].event != NULL)
            (void)event_add(l->listeners[i].event, NULL);
}

static void drain(struct td_loop *l)
{
    l->draining = true;
    l->drain_from = td_monotonic();
    for (int i = 0; i < TD_LISTENERS; i++) {
        /* a connection in the backlog of a closed socket would be reset */
        while (l->listeners[i].fd >= 0 && l->listeners[i].event != NULL && accept_one(&l->listeners[i])) {
        }
        close_listener(&l->listeners[i]);
    }
    look_around(l);
}

static void answer(struct td_job *job)
{
    struct td_conn *c = job->conn;
    if (c != NULL)
        td_conn_answer(c, job);
    else
        td_job_free(job);
}

static void on_wake(evutil_socket_t fd, short what TD_UNUSED, void *arg)
{
    struct td_loop *l = arg;
    uint64_t count;
    (void)!read(fd, &count, sizeof(count));
    (void)pthread_mutex_lock(&l->lock);
    struct td_job *job = TD_TAKE(l->done);
    bool stop = l->stop;
    (void)pthread_mutex_unlock(&l->lock);
    while (job != NULL) {
        struct td_job *next = TD_TAKE(job->next);
        answer(job);
        job = next;
    }
    if (stop && !l->draining)
        drain(l);
}

static void wake(struct td_loop *l)
{
    uint64_t one = 1;
    (void)!write(l->wake_fd, &one, sizeof(one));
}

void td_loop_done(struct td_loop *l, struct td_job *job)
{
    (void)pthread_mutex_lock(&l->lock);
    bool first = l->done == NULL;
    job->next = l->done;
    l->done = job;
    (void)pthread_mutex_unlock(&l->lock);
    if (first) /* one wake-up for a whole batch */
        wake(l);
}

void td_loop_stop(struct td_loop *l)
{
    if (!l->started)
        return;
    (void)pthread_mutex_lock(&l->lock);
    l->stop = true;
    (void)pthread_mutex_unlock(&l->lock);
    wake(l);
}

/* All loops wait on one socket file; whoever comes first has the connection. */
static enum td_code listen_on(struct td_loop *l, enum td_listener_kind kind, int *ret_fd, struct td_error *err)
{
    char address[80];
    const struct td_server *s = l->server;
    *ret_fd = -1;
    if (kind != TD_LISTEN_UNIX)
        return s->address[kind][0] != '\0' ? td_listen(s->address[kind], false, address, ret_fd, err) : TD_OK;
    if (s->socket_file.fd < 0)
        return TD_OK;
    *ret_fd = fcntl(s->socket_file.fd, F_DUPFD_CLOEXEC, 0);
    return *ret_fd >= 0 ? TD_OK : td_fail(err, TD_EUNAVAILABLE, "unix", "no descriptors to listen with");
}

static enum td_code open_listener(struct td_loop *l, enum td_listener_kind kind, struct td_error *err)
{
    struct td_listener *ls = &l->listeners[kind];
    *ls = (struct td_listener){.loop = l, .fd = -1, .kind = kind};
    td_try(listen_on(l, kind, &ls->fd, err));
    if (ls->fd < 0)
        return TD_OK;
    ls->event = event_new(l->base, ls->fd, EV_READ | EV_PERSIST, on_accept, ls);
    if (ls->event == NULL || event_add(ls->event, NULL) != 0)
        return td_fail(err, TD_EUNAVAILABLE, "listen", "no memory for events");
    return TD_OK;
}

void td_loop_init(struct td_loop *l)
{
    l->wake_fd = -1;
    for (int i = 0; i < TD_LISTENERS; i++)
        l->listeners[i].fd = -1;
}

enum td_code td_loop_open(struct td_loop *l, struct td_server *s, struct td_error *err)
{
    struct event_config *config = event_config_new();
    l->server = s;
    (void)pthread_mutex_init(&l->lock, NULL);
    l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (config != NULL) {
        (void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        l->base = event_base_new_with_config(config);
        event_config_free(config);
    }
    if (l->base != NULL && l->wake_fd >= 0) {
        l->wake = event_new(l->base, l->wake_fd, EV_READ | EV_PERSIST, on_wake, l);
        l->tick = event_new(l->base, -1, 0, on_tick, l);
    }
    if (l->wake == NULL || l->tick == NULL || event_add(l->wake, NULL) != 0)
        return td_fail(err, TD_EUNAVAILABLE, "loop", "no memory or descriptors for an event loop");
    for (enum td_listener_kind kind = 0; kind < TD_LISTENERS; kind++)
        td_try(open_listener(l, kind, err));
    return TD_OK;
}

static void *run(void *arg)
{
    (void)event_base_dispatch(((struct td_loop *)arg)->base);
    return NULL;
}

enum td_code td_loop_start(struct td_loop *l, struct td_error *err)
{
    l->started = pthread_create(&l->thread, NULL, run, l) == 0;
    return l->started ? TD_OK : td_fail(err, TD_EUNAVAILABLE, "loop", "cannot start a thread");
}

void td_loop_close(struct td_loop *l)
{
    if (l->started)
        (void)pthread_join(l->thread, NULL);
    while (l->conns != NULL)
        td_conn_free(l->conns);
    for (int i = 0; i < TD_LISTENERS; i++)
        close_listener(&l->listeners[i]);
    if (l->wake != NULL)
        event_free(l->wake);
    if (l->tick != NULL)
        event_free(l->tick);
    if (l->base != NULL) {
        (void)event_base_loop(l->base, EVLOOP_NONBLOCK); /* libevent ends freed connections in its loop */
        event_base_free(l->base);
    }
    l->base = NULL;
}

void td_loop_free(struct td_loop *l)
{
    while (l->done != NULL) {
        struct td_job *job = l->done;
        l->done = job->next;
        td_job_free(job);
    }
    if (l->wake_fd >= 0)
        (void)close(l->wake_fd);
    (void)pthread_mutex_destroy(&l->lock);
}
