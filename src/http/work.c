#include "http/room.h"

void td_job_free(struct td_job *job)
{
    if (job == NULL)
        return;
    td_reply_done(&job->reply);
    td_message_free(job->msg);
    td_free(job);
}

static struct td_job *pop(struct td_work *w)
{
    (void)pthread_mutex_lock(&w->lock);
    while (w->first == NULL && !w->stop)
        (void)pthread_cond_wait(&w->more, &w->lock);
    struct td_job *job = w->first;
    if (job != NULL) {
        w->first = job->next;
        if (w->first == NULL)
            w->last = &w->first;
        w->waiting--;
        job->next = NULL;
    }
    (void)pthread_mutex_unlock(&w->lock);
    return job;
}

static void run(struct td_server *s, struct td_job *job)
{
    int64_t began = td_monotonic();
    td_router_run(s->config.router, &job->msg->req, &job->reply);
    if (job->reply.body.failed || job->reply.status < 200 || job->reply.status > 599) {
        struct td_error err;
        (void)td_fail(&err, TD_EINTERNAL, "reply", "the handler gave no answer, or one that is too large");
        td_reply_done(&job->reply);
        td_reply_init(&job->reply);
        td_reply_problem(&job->reply, &err);
    }
    struct td_server_done done = {&job->msg->req, job->reply.status, td_monotonic() - began};
    if (s->config.done != NULL)
        s->config.done(s->config.done_ctx, &done);
}

static void *worker(void *arg)
{
    struct td_work *w = arg;
    for (struct td_job *job = pop(w); job != NULL; job = pop(w)) {
        if (!atomic_load_explicit(&job->abandoned, memory_order_relaxed))
            run(w->server, job);
        atomic_fetch_sub_explicit(&w->in_hand, 1, memory_order_relaxed);
        td_loop_done(job->loop, job);
    }
    return NULL;
}

void td_work_start(struct td_work *w, struct td_server *s, int count)
{
    w->server = s;
    w->last = &w->first;
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->more, NULL);
    w->threads = td_alloc((size_t)count * sizeof(*w->threads));
    while (w->count < count && pthread_create(&w->threads[w->count], NULL, worker, w) == 0)
        w->count++;
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
    (void)pthread_mutex_unlock(&w->lock);
    if (room)
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
    td_free(w->threads);
    w->threads = NULL;
    (void)pthread_mutex_destroy(&w->lock);
    (void)pthread_cond_destroy(&w->more);
}
