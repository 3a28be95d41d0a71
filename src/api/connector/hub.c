/* The hub: requests of connectors that wait. Questions for them are in question.c, who may ask about a name in turn.c;
 * one lock over all of it, under which nothing slow happens. */
#include "api/connector/hub.h"

#include "base/fault.h"

#include <stdio.h>

enum { EACH_SECONDS = 4 };

const char td_hub_json[] = "application/json";

struct td_connector_hub *td_connector_hub_new(const struct td_env *env)
{
    struct td_connector_hub *hub = td_new(struct td_connector_hub);
    pthread_condattr_t monotonic;
    hub->env = env;
    hub->last = &hub->first;
    hub->at_once = TD_CONNECTOR_ASKS_AT_ONCE;
    hub->in_all = TD_CONNECTOR_ASK_SECONDS * TD_SECOND;
    hub->each = EACH_SECONDS * TD_SECOND;
    (void)pthread_mutex_init(&hub->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&hub->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    return hub;
}

void td_connector_hub_bound(struct td_connector_hub *hub, int at_once)
{
    hub->at_once = TD_MAX(1, TD_MIN(at_once, TD_CONNECTOR_ASKS_AT_ONCE));
}

void td_connector_hub_lend(struct td_connector_hub *hub, void (*lend)(void *ctx, bool waits), void *ctx)
{
    hub->lend = lend;
    hub->lend_ctx = ctx;
}

void td_connector_hub_patience(struct td_connector_hub *hub, int64_t in_all, int64_t each)
{
    hub->in_all = in_all;
    hub->each = each;
}

void td_hub_nothing(struct td_http_reply *reply)
{
    td_reply_text(reply, 200, td_hub_json, TD_S("{\"work\":[]}"));
}

static void answer_nothing(struct td_hub_waiter *w)
{
    struct td_http_request *req = w->req;
    td_hub_nothing(w->reply);
    req->answered(req);
}

/* --- requests that wait; with the lock ---------------------------------------------------------------------------- */

static void append(struct td_connector_hub *hub, struct td_hub_waiter *w)
{
    w->next = NULL;
    *hub->last = w;
    hub->last = &w->next;
    hub->waiting++;
}

struct td_hub_waiter *td_hub_unlink(struct td_connector_hub *hub, struct td_hub_waiter **at)
{
    struct td_hub_waiter *w = *at;
    *at = w->next;
    if (*at == NULL)
        hub->last = at;
    hub->waiting--;
    w->next = NULL;
    return w;
}

/* Its connector died, or lost the line: what it were given would lie until its time is over. */
bool td_hub_is_gone(const struct td_hub_waiter *w)
{
    return w->req->gone != NULL && w->req->gone(w->req) && !td_fault("connector-gives-to-the-dead");
}

static size_t of_connector(const struct td_connector_hub *hub, const char *connector)
{
    size_t n = 0;
    for (const struct td_hub_waiter *w = hub->first; w != NULL; w = w->next)
        n += strcmp(w->connector, connector) == 0 && !td_hub_is_gone(w);
    return n;
}

/* --- requests that wait ------------------------------------------------------------------------------------------- */

bool td_hub_park(struct td_connector_hub *hub, struct td_hub_waiter *w, bool *ret_stopping)
{
    (void)pthread_mutex_lock(&hub->lock);
    *ret_stopping = hub->stopping;
    bool room = hub->waiting < TD_CDOOR_MAX_WAITING && of_connector(hub, w->connector) < TD_CDOOR_MAX_PARKED;
    bool parked = !hub->stopping && (room || td_fault("connector-parks-all"));
    if (parked) {
        w->until = td_monotonic() + (TD_CONNECTOR_WAIT_SECONDS - 5) * TD_SECOND; /* the job looks every 5 s */
        append(hub, w);
        (void)pthread_cond_broadcast(&hub->changed);
    }
    (void)pthread_mutex_unlock(&hub->lock);
    return parked;
}

int td_connector_hub_waiting(const struct td_connector_hub *hub)
{
    return hub != NULL ? hub->waiting : 0;
}

struct td_hub_waiter *td_hub_take(struct td_connector_hub *hub)
{
    (void)pthread_mutex_lock(&hub->lock);
    struct td_hub_waiter *w = hub->first != NULL ? td_hub_unlink(hub, &hub->first) : NULL;
    (void)pthread_mutex_unlock(&hub->lock);
    return w;
}

void td_hub_put_back(struct td_connector_hub *hub, struct td_hub_waiter *w)
{
    (void)pthread_mutex_lock(&hub->lock);
    bool stopping = hub->stopping;
    if (!stopping) {
        append(hub, w);
        (void)pthread_cond_broadcast(&hub->changed);
    }
    (void)pthread_mutex_unlock(&hub->lock);
    if (stopping)
        answer_nothing(w);
}

static void answer_all(struct td_hub_waiter *list)
{
    for (struct td_hub_waiter *next; list != NULL; list = next) {
        next = list->next; /* it is gone with its answer */
        answer_nothing(list);
    }
}

static bool is_over(const struct td_hub_waiter *w, const char *connector, int64_t now)
{
    return connector != NULL ? strcmp(w->connector, connector) == 0 : w->until <= now || td_hub_is_gone(w);
}

/* Those of one connector, or (NULL) those whose time is over and those who left. */
static void end_waits(struct td_connector_hub *hub, const char *connector)
{
    int64_t now = td_monotonic();
    struct td_hub_waiter *over = NULL;
    (void)pthread_mutex_lock(&hub->lock);
    for (struct td_hub_waiter **at = &hub->first; *at != NULL;) {
        if (!is_over(*at, connector, now)) {
            at = &(*at)->next;
            continue;
        }
        struct td_hub_waiter *w = td_hub_unlink(hub, at);
        w->next = over;
        over = w;
    }
    (void)pthread_mutex_unlock(&hub->lock);
    answer_all(over);
}

void td_hub_expire(struct td_connector_hub *hub)
{
    end_waits(hub, NULL);
}

void td_hub_let_go(struct td_connector_hub *hub, const char *connector)
{
    if (hub != NULL)
        end_waits(hub, connector);
}

void td_connector_hub_stop(struct td_connector_hub *hub)
{
    if (hub == NULL)
        return;
    (void)pthread_mutex_lock(&hub->lock);
    struct td_hub_waiter *all = hub->first;
    hub->first = NULL;
    hub->last = &hub->first;
    hub->waiting = 0;
    hub->stopping = true;
    (void)pthread_cond_broadcast(&hub->changed);
    (void)pthread_mutex_unlock(&hub->lock);
    answer_all(all);
}

void td_connector_hub_free(struct td_connector_hub *hub)
{
    if (hub == NULL)
        return;
    td_connector_hub_stop(hub);
    (void)pthread_cond_destroy(&hub->changed);
    (void)pthread_mutex_destroy(&hub->lock);
    td_free(hub);
}

/* --- for who asks ------------------------------------------------------------------------------------------------- */

void td_hub_wait_until(struct td_connector_hub *hub, int64_t at)
{
    struct timespec until = {.tv_sec = at / TD_SECOND, .tv_nsec = at % TD_SECOND * 1000};
    (void)pthread_cond_timedwait(&hub->changed, &hub->lock, &until);
}

void td_hub_lend(const struct td_connector_hub *hub, bool waits)
{
    if (hub->lend != NULL)
        hub->lend(hub->lend_ctx, waits);
}

void td_hub_stats(struct td_connector_hub *hub, struct td_connector_stats *ret)
{
    (void)pthread_mutex_lock(&hub->lock);
    ret->parked = (int64_t)hub->waiting;
    ret->asked = hub->asked;
    ret->answered = hub->answered;
    ret->refused = hub->refused;
    ret->unanswered = hub->unanswered;
    (void)pthread_mutex_unlock(&hub->lock);
}
