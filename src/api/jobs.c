#include "api/jobs.h"

#include <errno.h>
#include <pthread.h>

enum { WAIT_SECONDS = 5, AGAIN_AFTER_FAILURE_SECONDS = 1, MAX_SLICES = 1000000 };

struct td_jobs {
    struct td_service *svc;
    const struct td_job *list;
    size_t count;
    void (*failed)(const char *name, const struct td_error *err);
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool poked, stopping;
};

/* One slice of each job. */
static bool turn(struct td_jobs *j, bool *ret_failed)
{
    bool any = false;
    for (size_t i = 0; i < j->count; i++) {
        struct td_error err = {0};
        bool more = false;
        if (j->list[i].step(j->svc, &more, &err) == TD_OK) {
            any = any || more;
            continue;
        }
        *ret_failed = true;
        j->failed(j->list[i].name, &err);
    }
    return any;
}

/* Sleeps until a poke, the end, or the time. False at the end. */
static bool pause_for(struct td_jobs *j, int seconds)
{
    int64_t end = td_monotonic() + seconds * TD_SECOND;
    struct timespec until = {.tv_sec = end / TD_SECOND, .tv_nsec = end % TD_SECOND * 1000};
    (void)pthread_mutex_lock(&j->lock);
    while (!j->poked && !j->stopping && pthread_cond_timedwait(&j->wake, &j->lock, &until) != ETIMEDOUT)
        ;
    j->poked = false;
    bool go_on = !j->stopping;
    (void)pthread_mutex_unlock(&j->lock);
    return go_on;
}

static bool stopping(struct td_jobs *j)
{
    (void)pthread_mutex_lock(&j->lock);
    bool yes = j->stopping;
    (void)pthread_mutex_unlock(&j->lock);
    return yes;
}

static void *run(void *arg)
{
    struct td_jobs *j = arg;
    bool go_on = true;
    while (go_on) {
        bool failed = false;
        bool more = turn(j, &failed);
        if (failed)
            go_on = pause_for(j, AGAIN_AFTER_FAILURE_SECONDS);
        else
            go_on = more ? !stopping(j) : pause_for(j, WAIT_SECONDS);
    }
    return NULL;
}

struct td_jobs *td_jobs_start(struct td_service *svc, const struct td_job *list, size_t count,
                              void (*failed)(const char *name, const struct td_error *err))
{
    struct td_jobs *j = td_new(struct td_jobs);
    pthread_condattr_t monotonic;
    *j = (struct td_jobs){.svc = svc, .list = list, .count = count, .failed = failed};
    (void)pthread_mutex_init(&j->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&j->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    if (pthread_create(&j->thread, NULL, run, j) == 0)
        return j;
    td_free(j);
    return NULL;
}

void td_jobs_stop(struct td_jobs *j)
{
    if (j == NULL)
        return;
    (void)pthread_mutex_lock(&j->lock);
    j->stopping = true;
    (void)pthread_cond_signal(&j->wake);
    (void)pthread_mutex_unlock(&j->lock);
    (void)pthread_join(j->thread, NULL);
    (void)pthread_cond_destroy(&j->wake);
    (void)pthread_mutex_destroy(&j->lock);
    td_free(j);
}

void td_jobs_poke(struct td_jobs *j)
{
    if (j == NULL)
        return;
    (void)pthread_mutex_lock(&j->lock);
    j->poked = true;
    (void)pthread_cond_signal(&j->wake);
    (void)pthread_mutex_unlock(&j->lock);
}

enum td_code td_jobs_run(struct td_service *svc, const struct td_job *list, size_t count, struct td_error *err)
{
    bool more = true;
    for (int n = 0; more && n < MAX_SLICES; n++) {
        more = false;
        for (size_t i = 0; i < count; i++) {
            bool this_one = false;
            td_try(list[i].step(svc, &this_one, err));
            more = more || this_one;
        }
    }
    return more ? td_fail(err, TD_ELIMIT, "jobs", "there is no end of slices") : TD_OK;
}
