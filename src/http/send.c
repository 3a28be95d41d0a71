#include "http/room.h"

#include <errno.h>
#include <event2/buffer.h>
#include <unistd.h>

enum { BLOCK = 16384, MAX_HEAD = 65536 }; /* one TLS record holds 16 KiB */

size_t td_send_waiting(const struct td_conn *c)
{
    return evbuffer_get_length(bufferevent_get_output(c->bev));
}

static bool has_body(const struct td_job *job)
{
    int status = job->reply.status;
    return job->msg->req.method != TD_HEAD && status != 204 && status != 304;
}

static uint64_t length_of(const struct td_job *job)
{
    return job->reply.file >= 0 ? job->reply.file_length : job->reply.body.n;
}

/* A line end inside a value would begin a header, or an answer, of somebody else's. */
static bool one_line(const char *s)
{
    for (; *s != '\0'; s++)
        if ((unsigned char)*s < 0x20 && *s != '\t')
            return false;
    return true;
}

static void write_head(struct td_conn *c, const struct td_job *job, bool keep, struct td_buf *b)
{
    const struct td_http_reply *r = &job->reply;
    td_buf_printf(b, "HTTP/1.1 %d %s\r\nDate: %s\r\n", r->status, td_http_reason(r->status), td_loop_date(c->loop));
    if (r->content_type != NULL)
        td_buf_printf(b, "Content-Type: %s\r\n", r->content_type);
    if (r->status != 204 && r->status != 304)
        td_buf_printf(b, "Content-Length: %llu\r\n", (unsigned long long)length_of(job));
    for (size_t i = 0; i < r->header_count; i++)
        if (one_line(r->headers[i].name) && one_line(r->headers[i].value))
            td_buf_printf(b, "%s: %s\r\n", r->headers[i].name, r->headers[i].value);
    if (!keep)
        td_buf_adds(b, "Connection: close\r\n");
    else if (job->msg->http10)
        td_buf_adds(b, "Connection: keep-alive\r\n");
    td_buf_adds(b, "\r\n");
}

static bool fill(const struct td_job *job, uint64_t from, char *out, size_t n)
{
    const struct td_http_reply *r = &job->reply;
    if (r->file < 0) {
        memcpy(out, r->body.p + from, n);
        return true;
    }
    while (n != 0) {
        ssize_t got = pread(r->file, out, n, (off_t)(r->file_offset + from));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) /* shorter than promised: the connection must break */
            return false;
        out += got;
        from += (uint64_t)got;
        n -= (size_t)got;
    }
    return true;
}

/* Head and the next piece of the body as one chain of the buffer: libevent makes one TLS record of each chain, and two
 * records would meet Nagle and cost half as much again (http-server.md 2.2). */
static bool add_block(struct td_conn *c, const struct td_job *job, struct td_slice head, uint64_t total)
{
    size_t room = head.n < BLOCK ? BLOCK - head.n : 0;
    size_t piece = (size_t)TD_MIN((uint64_t)room, total - c->out_sent);
    struct evbuffer *out = bufferevent_get_output(c->bev);
    struct evbuffer_iovec v;
    if (head.n + piece == 0)
        return true;
    if (evbuffer_reserve_space(out, (ev_ssize_t)(head.n + piece), &v, 1) < 1)
        return false;
    if (head.n != 0)
        memcpy(v.iov_base, head.p, head.n);
    if (piece != 0 && !fill(job, c->out_sent, (char *)v.iov_base + head.n, piece))
        return false;
    v.iov_len = head.n + piece;
    c->out_sent += piece;
    return evbuffer_commit_space(out, &v, 1) == 0;
}

/* A small reply goes out at once. What is not taken now waits in the output, head and body in one chain as here. */
static bool send_at_once(struct td_conn *c, struct td_job *job, struct td_buf *head, uint64_t total)
{
    size_t n = head->n;
    if (!c->tls || !c->open || head->failed || job->reply.file >= 0 || n + total > BLOCK || td_send_waiting(c) != 0)
        return false;
    td_buf_add(head, td_bytes(job->reply.body.p, (size_t)total));
    bool taken = td_tls_write(c->bev, td_buf_slice(head));
    head->n = n;
    return taken;
}

static void broken(struct td_conn *c)
{
    td_job_free(TD_TAKE(c->out));
    c->dead = true;
}

void td_send_more(struct td_conn *c)
{
    struct td_job *job = c->out;
    uint64_t total = has_body(job) ? length_of(job) : 0;
    while (c->out_sent < total && td_send_waiting(c) < (size_t)c->loop->server->limits.output) {
        if (!add_block(c, job, TD_S(""), total)) {
            broken(c);
            return;
        }
    }
    if (c->out_sent == total)
        td_job_free(TD_TAKE(c->out));
}

void td_send_reply(struct td_conn *c, struct td_job *job, bool keep)
{
    struct td_buf head;
    struct td_http_limits *l = &c->loop->server->limits;
    uint64_t total = has_body(job) ? length_of(job) : 0;
    td_count(c->loop->server, TD_COUNT_REPLIES + job->reply.status / 100);
    td_buf_init(&head, MAX_HEAD);
    write_head(c, job, keep, &head);
    c->out = job;
    c->out_sent = 0;
    c->closing = !keep;
    if (send_at_once(c, job, &head, total)) {
        td_buf_wipe(&head);
        td_job_free(TD_TAKE(c->out));
        return;
    }
    int64_t allowance = (int64_t)(total * TD_SECOND / (uint64_t)l->send_rate);
    c->send_until = (c->send_until != 0 ? c->send_until : td_monotonic() + l->send) + allowance;
    bool ok = !head.failed && add_block(c, job, td_buf_slice(&head), total);
    td_buf_wipe(&head); /* it may hold a cookie or a code */
    if (c->eof)         /* libevent took its write event away when the client closed its side */
        (void)bufferevent_enable(c->bev, EV_WRITE);
    if (ok)
        td_send_more(c);
    else
        broken(c);
}
