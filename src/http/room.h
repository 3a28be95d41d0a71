/* What the files of the server share: server, loop, connection, job. Internal to src/http.
 *
 * A loop and its connections belong to one thread. A job belongs to its loop, then to the queue and a worker, then to
 * its loop again; job->conn is the loop's alone and NULL once the connection is gone. libevent runs without locks, so
 * from other threads only the eventfd of a loop is touched. */
#ifndef TD_HTTP_ROOM_H
#define TD_HTTP_ROOM_H

#include "http/addresses.h"
#include "http/reader.h"
#include "http/server.h"
#include "http/tls.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <pthread.h>

enum td_listener_kind { /* a connection is of its listener's kind */
                        TD_LISTEN_TLS,
                        TD_LISTEN_PLAIN, /* TD_ROUTE_PLAIN only */
                        TD_LISTEN_UNIX,  /* a socket file, for a proxy in front */
                        TD_LISTENERS
};

struct td_socket_file { /* a listening socket file, shared by all loops */
    int fd;             /* -1: none */
    char path[108];
    uint64_t device, inode; /* so that only what we made is removed */
};

struct td_job {
    struct td_job *next;
    struct td_loop *loop;
    struct td_conn *conn;
    struct td_message *msg;
    struct td_peer peer;
    struct td_address address; /* of the client, also behind a proxy */
    struct td_http_reply reply;
    int64_t began;          /* when the handler was called, 0: it was not */
    _Atomic bool abandoned; /* nobody waits for the answer any more */
    _Atomic bool hung_up;   /* the client closed its side, at least */
    _Atomic int halves;     /* answered later: the handler has returned, the answer is there */
};

struct td_work { /* the queue and its workers */
    struct td_server *server;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct td_job *first, **last;
    int64_t waiting;
    int idle;   /* workers asleep */
    bool woken; /* one of them was called and has not come yet */
    bool stop;
    pthread_t *threads;
    int count, usual;
    _Atomic int lent;    /* workers that wait for somebody outside; changed under the lock */
    _Atomic int in_hand; /* requests that wait, are at work or will be answered later */
};

enum td_counter {
    TD_COUNT_ACCEPTED,
    TD_COUNT_OPEN,
    TD_COUNT_REFUSED,
    TD_COUNT_FULL,
    TD_COUNT_RESUMED,
    TD_COUNT_FAILED,
    TD_COUNT_REQUESTS,
    TD_COUNT_REPLIES, /* and five more, by first digit of the status */
    TD_COUNT_QUEUE_FULL = TD_COUNT_REPLIES + 6,
    TD_COUNT_LIMITED,
    TD_COUNT_CUT_HANDSHAKE,
    TD_COUNT_CUT_BODY,
    TD_COUNT_CUT_WORK,
    TD_COUNT_CUT_SEND,
    TD_COUNT_CUT_IDLE,
    TD_COUNTERS
};

struct td_listener {
    struct td_loop *loop;
    struct event *event;
    int fd;
    enum td_listener_kind kind;
};

struct td_loop {
    struct td_server *server;
    pthread_t thread;
    bool started;
    struct event_base *base;
    int wake_fd;
    struct event *wake, *tick; /* tick: retry of accept, and looking around while draining */
    struct td_listener listeners[TD_LISTENERS];
    struct td_conn *conns;
    bool draining;
    int64_t drain_from;
    pthread_mutex_t lock; /* over the two below */
    struct td_job *done;
    bool stop;
    char date[40]; /* of Date, for the second date_at */
    int64_t date_at;
};

struct td_server {
    struct td_server_config config;
    struct td_http_limits limits;
    struct td_reader_config reader_all, reader_plain;
    struct td_tls *tls;
    struct td_addresses *addresses;
    const char **names; /* hosts that are ours, NULL-terminated */
    const char *
        *people; /* those of them where no client certificate is asked for, NULL-terminated; the texts of names */
    const char *device; /* the first of them where one is */
    char *base;
    char address[2][80]; /* by kind */
    struct td_socket_file socket_file;
    int64_t tick; /* the shortest of the deadlines */
    struct td_loop *loops;
    int loop_count;
    struct td_work work;
    _Atomic uint64_t counters[TD_COUNTERS];
    _Atomic uint64_t body_octets;
};

enum td_wait { TD_WAIT_HANDSHAKE, TD_WAIT_BODY, TD_WAIT_WORK, TD_WAIT_IDLE, TD_WAIT_LINGER };

struct td_conn {
    struct td_loop *loop;
    struct td_conn *prev, *next;
    struct bufferevent *bev;
    struct event *timer;
    struct td_reader *reader;
    struct td_job *job; /* at work */
    struct td_job *out; /* its body is being sent */
    uint64_t out_sent;
    struct td_slice cert; /* DER of the client, td_alloc'ed */
    unsigned char cert_sha256[32];
    enum td_wait wait;
    int64_t wait_until, send_until, armed; /* monotonic; 0: none */
    struct td_ip ip;
    struct td_address address;
    char address_text[INET6_ADDRSTRLEN];
    enum td_listener_kind kind;
    bool trusted;   /* a proxy of ours */
    bool tls, open; /* open: the handshake is done */
    bool eof;       /* the client will send no more */
    bool closing;   /* no further request; goodbye when all is sent */
    bool dead, pumping;
    int inside; /* frames of ours on the stack */
};

static inline void td_count(struct td_server *s, enum td_counter c)
{
    atomic_fetch_add_explicit(&s->counters[c], 1, memory_order_relaxed);
}

/* work.c */
void td_work_start(struct td_work *w, struct td_server *s, int count);
void td_work_lend(struct td_work *w, bool waits);
bool td_work_push(struct td_work *w, struct td_job *job); /* false: full */
void td_work_stop(struct td_work *w);                     /* finishes what waits */
void td_job_free(struct td_job *job);

/* loop.c */
void td_loop_init(struct td_loop *l);
enum td_code td_loop_open(struct td_loop *l, struct td_server *s, struct td_error *err) TD_MUST_USE;
enum td_code td_loop_start(struct td_loop *l, struct td_error *err) TD_MUST_USE;
void td_loop_done(struct td_loop *l, struct td_job *job); /* from a worker: the answer is there */
void td_loop_stop(struct td_loop *l);                     /* begins to drain */
void td_loop_close(struct td_loop *l);                    /* joins, ends connections and listeners */
void td_loop_free(struct td_loop *l);                     /* after the workers have ended */
const char *td_loop_date(struct td_loop *l);

/* listen.c */
enum td_code td_listen(const char *where, bool probe, char address[80], int *ret_fd, struct td_error *err) TD_MUST_USE;

/* listen_file.c */
enum td_code td_listen_file(const char *path, struct td_socket_file *ret, struct td_error *err) TD_MUST_USE;
void td_listen_file_end(struct td_socket_file *f); /* closes and removes it; none is fine */

/* conn.c */
void td_conn_accept(struct td_loop *l, int fd, const struct sockaddr *from, enum td_listener_kind kind);
void td_conn_answer(struct td_conn *c, struct td_job *job);
void td_conn_drain(struct td_conn *c, bool late); /* ends it if it is idle; late: or still shaking hands */
void td_conn_free(struct td_conn *c);

/* send.c */
void td_send_reply(struct td_conn *c, struct td_job *job, bool keep);
void td_send_more(struct td_conn *c); /* the next blocks of a long body */
size_t td_send_waiting(const struct td_conn *c);

#endif
