/* The connector as a whole: opened and closed, its loop in one thread for tests, and the same parts as threads. A slow
 * join holds up nobody's password: pieces are done by a small pool while the next ones are waited for. */
#include "connector/room.h"

#include <errno.h>

enum { LOOK_AGAIN_SECONDS = 2, ILL_SECONDS = 10, FIRST_LOOK_SECONDS = 12 };
#define TURN (TD_SECOND / 5) /* how late an end is noticed */

/* --- one connector ------------------------------------------------------------------------------------------------ */

enum td_code td_connector_open(const struct td_connector_config *config, const struct td_connector_world *world,
                               struct td_connector_state **ret, struct td_error *err)
{
    td_try(td_connector_config_check(config, err));
    struct td_connector_state *c = td_new(struct td_connector_state);
    c->config = config;
    c->world = world;
    c->seat = td_new(struct td_conn_seat);
    (void)pthread_mutex_init(&c->lock, NULL);
    enum td_code rc = td_conn_keys(c, err);
    if (rc == TD_OK)
        rc = td_conn_registration(c, err);
    if (rc == TD_OK && c->id[0] == '\0' && (config->code == NULL || config->code[0] == '\0'))
        rc = td_remedy(err, td_fail(err, TD_ESTATE, "registration", "this connector is not registered yet"),
                       "Make a code with touchdown connector add, and start the connector with --code.");
    if (rc != TD_OK) {
        td_connector_close(c);
        return rc;
    }
    *ret = c;
    return TD_OK;
}

void td_connector_close(struct td_connector_state *c)
{
    if (c == NULL)
        return;
    td_conn_seat_done(c->seat);
    td_free(c->seat);
    for (size_t i = 0; i < TD_COUNTOF(c->told); i++)
        td_conn_people_forget(&c->told[i].people);
    td_key_free(c->key);
    td_key_free(c->secrets);
    (void)pthread_mutex_destroy(&c->lock);
    td_free(c);
}

static bool take_look(struct td_connector_state *c)
{
    (void)pthread_mutex_lock(&c->lock);
    bool look = c->look;
    c->look = false;
    (void)pthread_mutex_unlock(&c->lock);
    return look;
}

static bool is_well(struct td_connector_state *c)
{
    bool well = true;
    (void)pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < c->config->domain_count; i++)
        well = well && c->known[i].problem[0] == '\0';
    (void)pthread_mutex_unlock(&c->lock);
    return well;
}

static bool has_news(struct td_connector_state *c)
{
    (void)pthread_mutex_lock(&c->lock);
    bool news = c->changed;
    (void)pthread_mutex_unlock(&c->lock);
    return news;
}

static enum td_code work_once(struct td_connector_state *c, struct td_error *err)
{
    struct td_conn_piece *list = NULL;
    td_try(td_conn_fetch(c, TD_CONNECTOR_POOL, &list, err));
    while (list != NULL) {
        struct td_conn_piece *p = list;
        list = p->next;
        td_conn_do(c, c->seat, p, NULL);
        td_conn_piece_free(p);
    }
    return TD_OK;
}

enum td_code td_connector_round(struct td_connector_state *c, struct td_error *err)
{
    int64_t now = td_now(c->world->env), next = 0;
    if (c->id[0] == '\0')
        td_try(td_conn_register(c, err));
    if (now >= c->probe_at || take_look(c)) {
        td_conn_probe(c, c->seat);
        c->probe_at = now + TD_CONNECTOR_HELLO;
    }
    if (now >= c->hello_at || has_news(c)) {
        td_try(td_conn_hello(c, err));
        c->hello_at = now + TD_CONNECTOR_HELLO;
    }
    td_try(td_conn_sync(c, c->seat, &next, err));
    return work_once(c, err);
}

/* --- threads ------------------------------------------------------------------------------------------------------ */

struct running {
    struct td_connector_state *c;
    const atomic_bool *stop; /* the caller's */
    atomic_bool ended;       /* that, or a failure that waiting can't mend */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    atomic_bool probed;  /* once: there is something to tell */
    atomic_bool greeted; /* once: the service knows what is served here */
    unsigned pokes;
    struct td_conn_piece *queue, **end;
    int in_work; /* pieces that wait or are done just now */
    enum td_code rc;
    struct td_error err;
};

static void poke(void *ctx)
{
    struct running *r = ctx;
    (void)pthread_mutex_lock(&r->lock);
    r->pokes++;
    (void)pthread_cond_broadcast(&r->wake);
    (void)pthread_mutex_unlock(&r->lock);
}

static void end_with(struct running *r, enum td_code rc, const struct td_error *err)
{
    (void)pthread_mutex_lock(&r->lock);
    if (r->rc == TD_OK && rc != TD_OK) {
        r->rc = rc;
        r->err = *err;
    }
    atomic_store(&r->ended, true);
    (void)pthread_cond_broadcast(&r->wake);
    (void)pthread_mutex_unlock(&r->lock);
}

/* Until the time is over, the end, or (by_poke) a poke after *seen. */
static void rest(struct running *r, int64_t us, bool by_poke, unsigned *seen)
{
    int64_t end = td_monotonic() + us;
    struct timespec until = {.tv_sec = end / TD_SECOND, .tv_nsec = end % TD_SECOND * 1000};
    (void)pthread_mutex_lock(&r->lock);
    while (!atomic_load(&r->ended) && !(by_poke && r->pokes != *seen) &&
           pthread_cond_timedwait(&r->wake, &r->lock, &until) != ETIMEDOUT)
        ;
    *seen = r->pokes;
    (void)pthread_mutex_unlock(&r->lock);
}

/* After a call: what ends the connector ends it, else the pause that this many failures deserve. */
static int64_t judge(struct running *r, enum td_code rc, const struct td_error *err, int *tries)
{
    if (td_conn_is_final(rc))
        end_with(r, rc, err);
    if (atomic_load(&r->ended))
        return 0;
    td_conn_note(r->c, rc, err);
    *tries = rc == TD_OK ? 0 : *tries + 1;
    return rc == TD_OK ? 0 : td_conn_pause(r->c->world->env, *tries - 1);
}

static void *probe_loop(void *ctx)
{
    struct running *r = ctx;
    struct td_conn_seat seat = {0};
    unsigned seen = 0;
    while (!atomic_load(&r->ended)) {
        td_conn_probe(r->c, &seat);
        atomic_store(&r->probed, true);
        poke(r);
        rest(r, LOOK_AGAIN_SECONDS * TD_SECOND, false, &seen);
        int64_t until = td_monotonic() + (is_well(r->c) ? TD_CONNECTOR_HELLO : ILL_SECONDS * TD_SECOND);
        while (!atomic_load(&r->ended) && !take_look(r->c) && td_monotonic() < until)
            rest(r, until - td_monotonic(), true, &seen);
    }
    td_conn_seat_done(&seat);
    return NULL;
}

static void *hello_loop(void *ctx)
{
    struct running *r = ctx;
    unsigned seen = 0;
    int tries = 0;
    int64_t patience = td_monotonic() + FIRST_LOOK_SECONDS * TD_SECOND;
    while (!atomic_load(&r->ended) && !atomic_load(&r->probed) && td_monotonic() < patience)
        rest(r, patience - td_monotonic(), true, &seen);
    while (!atomic_load(&r->ended)) {
        struct td_error err = {0};
        int64_t pause = judge(r, td_conn_hello(r->c, &err), &err, &tries);
        if (tries == 0)
            atomic_store(&r->greeted, true);
        poke(r);
        if (pause != 0) {
            rest(r, pause, false, &seen);
            continue;
        }
        int64_t until = td_monotonic() + TD_CONNECTOR_HELLO;
        while (!atomic_load(&r->ended) && !has_news(r->c) && td_monotonic() < until)
            rest(r, until - td_monotonic(), true, &seen);
    }
    return NULL;
}

static void *sync_loop(void *ctx)
{
    struct running *r = ctx;
    struct td_conn_seat seat = {0};
    unsigned seen = 0;
    int tries = 0;
    while (!atomic_load(&r->ended)) {
        struct td_error err = {0};
        int64_t next = 0;
        enum td_code rc = td_conn_sync(r->c, &seat, &next, &err);
        if (td_conn_is_final(rc))
            (void)judge(r, rc, &err, &tries);
        rest(r, TD_MAX(next - td_now(r->c->world->env), TD_SECOND), true, &seen);
    }
    td_conn_seat_done(&seat);
    return NULL;
}

static int free_places(struct running *r)
{
    (void)pthread_mutex_lock(&r->lock);
    int n = TD_CONNECTOR_POOL - r->in_work;
    (void)pthread_mutex_unlock(&r->lock);
    return n;
}

static void enqueue(struct running *r, struct td_conn_piece *list)
{
    (void)pthread_mutex_lock(&r->lock);
    *r->end = list;
    for (; *r->end != NULL; r->end = &(*r->end)->next)
        r->in_work++;
    (void)pthread_cond_broadcast(&r->wake);
    (void)pthread_mutex_unlock(&r->lock);
}

static void *work_loop(void *ctx)
{
    struct running *r = ctx;
    unsigned seen = 0;
    int tries = 0;
    while (!atomic_load(&r->ended)) {
        struct td_conn_piece *list = NULL;
        struct td_error err = {0};
        int free = atomic_load(&r->greeted) ? free_places(r) : 0;
        if (free == 0) {
            rest(r, TD_SECOND, true, &seen);
            continue;
        }
        int64_t pause = judge(r, td_conn_fetch(r->c, free, &list, &err), &err, &tries);
        if (list != NULL)
            enqueue(r, list);
        if (pause != 0)
            rest(r, pause, false, &seen);
    }
    return NULL;
}

static struct td_conn_piece *dequeue(struct running *r)
{
    struct td_conn_piece *p = NULL;
    (void)pthread_mutex_lock(&r->lock);
    while (r->queue == NULL && !atomic_load(&r->ended))
        (void)pthread_cond_wait(&r->wake, &r->lock);
    if (r->queue != NULL && !atomic_load(&r->ended)) {
        p = r->queue;
        r->queue = p->next;
        if (r->queue == NULL)
            r->end = &r->queue;
    }
    (void)pthread_mutex_unlock(&r->lock);
    return p;
}

static void *pool_loop(void *ctx)
{
    struct running *r = ctx;
    struct td_conn_seat seat = {0};
    struct td_conn_piece *p;
    while ((p = dequeue(r)) != NULL) {
        td_conn_do(r->c, &seat, p, &r->ended);
        td_conn_piece_free(p);
        (void)pthread_mutex_lock(&r->lock);
        r->in_work--;
        (void)pthread_mutex_unlock(&r->lock);
        poke(r);
    }
    td_conn_seat_done(&seat);
    return NULL;
}

/* The caller's stop may be set by a signal: nothing wakes us then, so it is looked at. */
static void watch(struct running *r)
{
    unsigned seen = 0;
    while (!atomic_load(&r->ended)) {
        if (atomic_load(r->stop))
            end_with(r, TD_OK, NULL);
        rest(r, TURN, false, &seen);
    }
}

static void drop_queue(struct running *r)
{
    while (r->queue != NULL) { /* their leases end, and somebody else does them */
        struct td_conn_piece *p = r->queue;
        r->queue = p->next;
        td_conn_piece_free(p);
    }
}

static void run_threads(struct running *r)
{
    static void *(*const loops[])(void *) = {probe_loop, hello_loop, sync_loop, work_loop,
                                             pool_loop,  pool_loop,  pool_loop, pool_loop};
    _Static_assert(TD_COUNTOF(loops) == 4 + TD_CONNECTOR_POOL, "one thread a piece");
    pthread_t threads[TD_COUNTOF(loops)];
    size_t n = 0;
    while (n < TD_COUNTOF(loops) && pthread_create(&threads[n], NULL, loops[n], r) == 0)
        n++;
    if (n < TD_COUNTOF(loops)) {
        struct td_error err = {0};
        end_with(r, td_fail(&err, TD_EUNAVAILABLE, "threads", "no more threads can be made"), &err);
    }
    watch(r);
    for (size_t i = 0; i < n; i++)
        (void)pthread_join(threads[i], NULL);
    drop_queue(r);
}

static enum td_code run_once(struct td_connector_state *c, const atomic_bool *stop, struct td_error *err)
{
    struct running r = {.c = c, .stop = stop};
    pthread_condattr_t monotonic;
    r.end = &r.queue;
    (void)pthread_mutex_init(&r.lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&r.wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    c->poke = poke;
    c->poke_ctx = &r;
    c->stop = &r.ended;
    run_threads(&r);
    c->poke = NULL;
    c->poke_ctx = NULL;
    c->stop = NULL;
    (void)pthread_cond_destroy(&r.wake);
    (void)pthread_mutex_destroy(&r.lock);
    if (r.rc != TD_OK && err != NULL)
        *err = r.err;
    return r.rc;
}

/* A service that is away now may be there in a minute; one that refuses the code will not take it later. */
static enum td_code register_patiently(struct td_connector_state *c, const atomic_bool *stop, struct td_error *err)
{
    for (int tries = 0; !atomic_load(stop); tries++) {
        struct td_error why = {0};
        enum td_code rc = td_conn_register(c, &why);
        if (rc != TD_EUNAVAILABLE) {
            if (rc != TD_OK && err != NULL)
                *err = why;
            return rc;
        }
        td_conn_note(c, rc, &why);
        int64_t until = td_monotonic() + td_conn_pause(c->world->env, tries);
        while (!atomic_load(stop) && td_monotonic() < until)
            td_sleep(c->world->env, TURN);
    }
    return TD_OK;
}

static enum td_code run_registered(struct td_connector_state *c, const atomic_bool *stop, struct td_error *err)
{
    bool may_register = c->config->code != NULL && c->config->code[0] != '\0';
    if (c->id[0] == '\0') {
        td_try(register_patiently(c, stop, err));
        may_register = false;
    } else {
        td_conn_say(c, "registered already as %s (%s)%s", c->name, c->id,
                    may_register ? "; the code was not needed" : "");
    }
    if (atomic_load(stop))
        return TD_OK;
    enum td_code rc = run_once(c, stop, err);
    if (rc != TD_EAUTH || !may_register)
        return rc;
    td_conn_say(c, "the service does not know this connector any more: it registers anew with the code");
    td_try(register_patiently(c, stop, err));
    return atomic_load(stop) ? TD_OK : run_once(c, stop, err);
}

static void warn_of_secrets(struct td_connector_state *c, const struct td_connector_ad *ad)
{
    const char *const files[] = {ad->password_file, ad->keytab};
    for (size_t i = 0; i < TD_COUNTOF(files); i++)
        if (td_conn_is_open(files[i]))
            td_conn_say(c, "%s: %s can be read by everybody on this machine: chmod 600", ad->domain, files[i]);
}

enum td_code td_connector_run(const struct td_connector_config *config, const struct td_connector_world *world,
                              atomic_bool *stop, struct td_error *err)
{
    struct td_connector_state *c = NULL;
    td_try(td_connector_open(config, world, &c, err));
    for (size_t i = 0; i < config->domain_count; i++)
        warn_of_secrets(c, &config->domains[i]);
    enum td_code rc = run_registered(c, stop, err);
    td_connector_close(c);
    return rc;
}
