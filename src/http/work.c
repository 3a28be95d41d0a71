#include "base/fault.h"
#include "http/room.h"

void td_job_free(struct td_job *job)
{
    if (job == NULL)
        return;
    td_reply_done(&job->reply);
    td_message_free(job->msg);
    td_free(job);
}

/* A worker that takes one request of several calls the next worker: a burst wakes as many as there is work for, not one
 * for each request. True: the caller is to signal, without the lock. */
static bool call_one(struct td_work *w)
{
    if (w->first == NULL || w->idle == 0 || w->woken)
        return false;
    w->woken = true;
    return true;
}

static struct td_job *pop(struct td_work *w)
{
    (void)pthread_mutex_lock(&w->lock);
    while (w->first == NULL && !w->stop) {
        w->idle++;
        (void)pthread_cond_wait(&w->more, &w->lock);
        w->idle--;
        w->woken = false;
    }
    struct td_job *job = w->first;
    if (job != NULL) {
        w->first = job->next;
        if (w->first == NULL)
            w->last = &w->first;
        w->waiting--;
        job->next = NULL;
    }
    bool call = call_one(w);
    (void)pthread_mutex_unlock(&w->lock);
    if (call)
        (void)pthread_cond_signal(&w->more);
    return job;
}

static void check_reply(struct td_http_reply *reply)
{
    struct td_error err;
    if (!reply->body.failed && reply->status >= 200 && reply->status <= 599)
        return;
    (void)td_fail(&err, TD_EINTERNAL, "reply", "the handler gave no answer, or one that is too large");
    td_reply_done(reply);
    td_reply_init(reply);
    td_reply_problem(reply, &err);
}

/* The answer goes back to its loop; the job is not ours any more. */
static void finish(struct td_job *job)
{
    struct td_server *s = job->loop->server;
    struct td_work *w = &s->work;
    if (job->began != 0) {
        check_reply(&job->reply);
        struct td_server_done done = {&job->msg->req, job->reply.status, td_monotonic() - job->began};
        if (s->config.done != NULL)
            s->config.done(s->config.done_ctx, &done);
    }
    td_loop_done(job->loop, job);
    (void)pthread_mutex_lock(&w->lock);
    bool last = atomic_fetch_sub_explicit(&w->in_hand, 1, memory_order_relaxed) == 1 && w->stop;
    if (last)
        (void)pthread_cond_broadcast(&w->more);
    (void)pthread_mutex_unlock(&w->lock);
}

/* Handler and answer come in either order; the second of them finishes the job. */
static void finish_half(struct td_job *job)
{
    if (atomic_fetch_add_explicit(&job->halves, 1, memory_order_acq_rel) == 1)
        finish(job);
}

static void on_answered(struct td_http_request *req)
{
    finish_half(req->job);
}

static bool is_gone(const struct td_http_request *req)
{
    const struct td_job *job = req->job;
    return atomic_load_explicit(&job->hung_up, memory_order_relaxed);
}

static void run(struct td_server *s, struct td_job *job)
{
    struct td_http_request *req = &job->msg->req;
    job->began = td_monotonic();
    req->answered = on_answered;
    req->gone = is_gone;
    req->job = job;
    td_router_run(s->config.router, req, &job->reply);
    if (req->later)
        finish_half(job);
    else
        finish(job);
}

static void *worker(void *arg)
{
    struct td_work *w = arg;
    for (struct td_job *job = pop(w); job != NULL; job = pop(w)) {
        if (atomic_load_explicit(&job->abandoned, memory_order_relaxed))
            finish(job);
        else
            run(w->server, job);
    }
    return NULL;
}

void td_work_start(struct td_work *w, struct td_server *s, int count)
{
    w->server = s;
    w->last = &w->first;
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->more, NULL);
    w->usual = count;
    w->threads = td_alloc((size_t)(count + TD_SERVER_SPARE) * sizeof(*w->threads));
    while (w->count < count && pthread_create(&w->threads[w->count], NULL, worker, w) == 0)
        w->count++;
}

/* Whoever came for it stays: the next time costs nothing. */
void td_work_lend(struct td_work *w, bool waits)
{
    (void)pthread_mutex_lock(&w->lock);
    w->lent = TD_MAX(w->lent + (waits ? 1 : -1), 0);
    bool more = !w->stop && !td_fault("server-lends-nobody") && w->count - w->lent < w->usual &&
                w->count < w->usual + TD_SERVER_SPARE;
    if (more && pthread_create(&w->threads[w->count], NULL, worker, w) == 0)
        w->count++;
    (void)pthread_mutex_unlock(&w->lock);
}

bool td_work_push(struct td_work *w, struct td_job *job)
{
    (void)pthread_mutex_lock(&w->lock);
    bool room = w->waiting < w->server->limits.queue && w->count != 0;
    if (room) {
        *w->last = job;
        w->last = &job->next;
        w->waiting++;
        atomic_fetch_add_explicit(&w->in_hand, 1, memory_order_relaxed);
    }
    bool call = room && call_one(w);
    (void)pthread_mutex_unlock(&w->lock);
    if (call)
        (void)pthread_cond_signal(&w->more);
    return room;
}

void td_work_stop(struct td_work *w)
{
    if (w->threads == NULL)
        return;
    (void)pthread_mutex_lock(&w->lock);
    w->stop = true;
    (void)pthread_cond_broadcast(&w->more);
    (void)pthread_mutex_unlock(&w->lock);
    for (int i = 0; i < w->count; i++)
        (void)pthread_join(w->threads[i], NULL);
    (void)pthread_mutex_lock(&w->lock);
    while (atomic_load_explicit(&w->in_hand, memory_order_relaxed) != 0) /* what is answered later comes still */
        (void)pthread_cond_wait(&w->more, &w->lock);
    (void)pthread_mutex_unlock(&w->lock);
    td_free(w->threads);
    w->threads = NULL;
    (void)pthread_mutex_destroy(&w->lock);
    (void)pthread_cond_destroy(&w->more);
}
