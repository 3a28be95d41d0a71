#include "http/room.h"

#include <sched.h>
#include <stdio.h>
#include <unistd.h>

enum { MAX_LOOPS = 4 };

static void copy_names(struct td_server *s, const struct td_server_config *config)
{
    static const char *const always[] = {"localhost", "127.0.0.1", "::1"};
    size_t n = 0;
    s->names = td_alloc((config->name_count + TD_COUNTOF(always) + 1) * sizeof(*s->names));
    s->people = td_alloc((config->name_count + 1) * sizeof(*s->people));
    for (size_t i = 0, people = 0; i < config->name_count; i++) {
        s->names[n] = td_strdup(config->names[i].host);
        if (config->names[i].people)
            s->people[people++] = s->names[n];
        else if (s->device == NULL)
            s->device = s->names[n];
        n++;
    }
    for (size_t i = 0; i < TD_COUNTOF(always); i++)
        s->names[n++] = td_strdup(always[i]);
    if (s->device == NULL)
        s->device = s->names[config->name_count];
}

static void set_base(struct td_server *s, const struct td_server_config *config)
{
    char text[400];
    const char *port = strrchr(s->address[0], ':');
    (void)snprintf(text, sizeof(text), "https://%s%s", s->names[0], port != NULL ? port : "");
    s->base = td_strdup(config->base != NULL ? config->base : text);
}

static void set_tick(struct td_server *s)
{
    const int64_t waits[] = {s->limits.handshake, s->limits.body, s->limits.work, s->limits.send, s->limits.idle};
    s->tick = waits[0];
    for (size_t i = 1; i < TD_COUNTOF(waits); i++)
        s->tick = TD_MIN(s->tick, waits[i]);
}

/* Takes the port, so that the loops can share it; fails where another server has it. */
enum td_code td_server_probe(const char *listen, char address[80], struct td_error *err)
{
    int fd = -1;
    address[0] = '\0';
    if (listen == NULL)
        return TD_OK;
    td_try(td_listen(listen, true, address, &fd, err));
    (void)close(fd);
    return TD_OK;
}

static enum td_code set_up(struct td_server *s, const struct td_server_config *config, struct td_error *err)
{
    s->config = *config;
    s->limits = config->limits;
    s->reader_all = (struct td_reader_config){&s->limits, config->router, false, &s->body_octets};
    s->reader_plain = (struct td_reader_config){&s->limits, config->router, true, &s->body_octets};
    s->addresses = td_addresses_new(config->env, &s->limits);
    copy_names(s, config);
    set_tick(s);
    td_try(td_server_probe(config->listen, s->address[0], err));
    td_try(td_server_probe(config->http, s->address[1], err));
    if (config->proxy.unix_path != NULL)
        td_try(td_listen_file(config->proxy.unix_path, &s->socket_file, err));
    set_base(s, config);
    return td_tls_new(config, &s->tls, err);
}

/* Those that we may use: a process held on one core gains nothing by a second loop, which would only take turns. */
static int processors(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    return sched_getaffinity(0, sizeof(set), &set) == 0 ? TD_MAX(CPU_COUNT(&set), 1) : 1;
}

static enum td_code start_loops(struct td_server *s, int count, struct td_error *err)
{
    if (count <= 0)
        count = TD_MIN(processors(), MAX_LOOPS);
    s->loops = td_alloc((size_t)count * sizeof(*s->loops));
    for (int i = 0; i < count; i++, s->loop_count++)
        td_loop_init(&s->loops[i]);
    for (int i = 0; i < count; i++)
        td_try(td_loop_open(&s->loops[i], s, err));
    for (int i = 0; i < count; i++)
        td_try(td_loop_start(&s->loops[i], err));
    return TD_OK;
}

enum td_code td_server_start(const struct td_server_config *config, struct td_server **ret, struct td_error *err)
{
    struct td_server *s = td_new(struct td_server);
    s->socket_file.fd = -1;
    enum td_code rc = set_up(s, config, err);
    if (rc == TD_OK) {
        td_work_start(&s->work, s, config->workers > 0 ? config->workers : TD_SERVER_WORKERS);
        rc = start_loops(s, config->loops, err);
    }
    if (rc != TD_OK)
        td_server_stop(s);
    else
        *ret = s;
    return rc;
}

enum td_code td_server_reload(struct td_server *s, const struct td_server_cert *certs, size_t count,
                              struct td_error *err)
{
    return td_tls_load(s->tls, certs, count, err);
}

void td_server_stop(struct td_server *s)
{
    if (s == NULL)
        return;
    td_listen_file_end(&s->socket_file);
    for (int i = 0; i < s->loop_count; i++)
        td_loop_stop(&s->loops[i]);
    for (int i = 0; i < s->loop_count; i++)
        td_loop_close(&s->loops[i]);
    td_work_stop(&s->work);
    for (int i = 0; i < s->loop_count; i++)
        td_loop_free(&s->loops[i]);
    td_free(s->loops);
    td_tls_free(s->tls);
    td_addresses_free(s->addresses);
    for (size_t i = 0; s->names != NULL && s->names[i] != NULL; i++)
        td_free((char *)(uintptr_t)s->names[i]);
    td_free(s->names);
    td_free(s->people);
    td_free(s->base);
    td_free(s);
}

const char *td_server_address(const struct td_server *s)
{
    return s->address[0];
}

const char *td_server_http_address(const struct td_server *s)
{
    return s->address[1][0] != '\0' ? s->address[1] : NULL;
}

int td_server_in_work(const struct td_server *s)
{
    struct td_work *w = (struct td_work *)(uintptr_t)&s->work;
    return atomic_load_explicit(&w->in_hand, memory_order_relaxed) -
           atomic_load_explicit(&w->lent, memory_order_relaxed);
}

void td_server_lend(struct td_server *s, bool waits)
{
    td_work_lend(&s->work, waits);
}

static uint64_t count_of(const struct td_server *s, enum td_counter c)
{
    return atomic_load_explicit(&((struct td_server *)(uintptr_t)s)->counters[c], memory_order_relaxed);
}

void td_server_stats(const struct td_server *s, struct td_server_stats *ret)
{
    struct td_work *w = (struct td_work *)(uintptr_t)&s->work;
    *ret = (struct td_server_stats){
        .accepted = count_of(s, TD_COUNT_ACCEPTED),
        .open = count_of(s, TD_COUNT_OPEN),
        .refused = count_of(s, TD_COUNT_REFUSED),
        .handshakes_full = count_of(s, TD_COUNT_FULL),
        .handshakes_resumed = count_of(s, TD_COUNT_RESUMED),
        .handshakes_failed = count_of(s, TD_COUNT_FAILED),
        .requests = count_of(s, TD_COUNT_REQUESTS),
        .queue_full = count_of(s, TD_COUNT_QUEUE_FULL),
        .limited = count_of(s, TD_COUNT_LIMITED),
        .cut_handshake = count_of(s, TD_COUNT_CUT_HANDSHAKE),
        .cut_body = count_of(s, TD_COUNT_CUT_BODY),
        .cut_work = count_of(s, TD_COUNT_CUT_WORK),
        .cut_send = count_of(s, TD_COUNT_CUT_SEND),
        .cut_idle = count_of(s, TD_COUNT_CUT_IDLE),
        .body_octets = atomic_load_explicit(&((struct td_server *)(uintptr_t)s)->body_octets, memory_order_relaxed),
    };
    for (int i = 0; i < 6; i++)
        ret->replies[i] = count_of(s, (enum td_counter)(TD_COUNT_REPLIES + i));
    (void)pthread_mutex_lock(&w->lock);
    ret->queued = (uint64_t)w->waiting;
    (void)pthread_mutex_unlock(&w->lock);
}
