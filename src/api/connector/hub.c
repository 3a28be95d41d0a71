/* The hub: requests of connectors that wait, and questions that wait for an answer. One lock over both; nothing slow
 * happens under it. */
#include "api/connector/room.h"
#include "base/fault.h"
#include "crypto/jose.h"

#include <pthread.h>
#include <stdio.h>

enum { ASKED_MOST = 4, EACH_SECONDS = 4 };

static const char json_type[] = "application/json";

struct asked { /* a question under way, on the stack of whoever asks */
    struct asked *next;
    const struct td_connector_question *q;
    const char **able; /* ids of connectors that may be asked */
    size_t able_count;
    char id[TD_UUID_TEXT];
    char given[ASKED_MOST][TD_UUID_TEXT]; /* connectors that have it */
    bool gave_up[ASKED_MOST];             /* of those, who could not do it */
    size_t given_count;
    bool done;
    int64_t hand_at; /* when another one is asked */
    struct td_buf answer;
    enum td_domain_reason reason;
    char detail[200];
};

struct td_connector_hub {
    const struct td_env *env;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct td_hub_waiter *first, **last;
    _Atomic int waiting; /* changed under the lock */
    struct asked *questions;
    struct td_connector_turn *turns; /* the latest first */
    int asking, at_once;
    int queueing; /* turns that others have before them: each holds a worker as a question does */
    int64_t in_all, each;
    bool stopping;
    void (*lend)(void *ctx, bool waits);
    void *lend_ctx;
    uint64_t asked, answered, refused, unanswered;
};

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
    td_reply_text(reply, 200, json_type, TD_S("{\"work\":[]}"));
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

static struct td_hub_waiter *unlink_at(struct td_connector_hub *hub, struct td_hub_waiter **at)
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
static bool is_gone(const struct td_hub_waiter *w)
{
    return w->req->gone != NULL && w->req->gone(w->req) && !td_fault("connector-gives-to-the-dead");
}

static size_t of_connector(const struct td_connector_hub *hub, const char *connector)
{
    size_t n = 0;
    for (const struct td_hub_waiter *w = hub->first; w != NULL; w = w->next)
        n += strcmp(w->connector, connector) == 0 && !is_gone(w);
    return n;
}

static bool is_among(const char *const *list, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], text) == 0)
            return true;
    return false;
}

/* Where it stands among those that have the question; given_count if it does not. */
static size_t place_of(const struct asked *k, const char *connector)
{
    size_t i = 0;
    while (i < k->given_count && strcmp(k->given[i], connector) != 0)
        i++;
    return i;
}

static bool has_it(const struct asked *k, const char *connector)
{
    return place_of(k, connector) < k->given_count;
}

static bool all_gave_up(const struct asked *k)
{
    bool all = k->given_count != 0;
    for (size_t i = 0; i < k->given_count; i++)
        all = all && k->gave_up[i];
    return all;
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
    struct td_hub_waiter *w = hub->first != NULL ? unlink_at(hub, &hub->first) : NULL;
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
    return connector != NULL ? strcmp(w->connector, connector) == 0 : w->until <= now || is_gone(w);
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
        struct td_hub_waiter *w = unlink_at(hub, at);
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

/* --- questions ---------------------------------------------------------------------------------------------------- */

/* Whoever waits longest; the one that is asked stands in the question before it is told. With the lock. */
static struct td_hub_waiter *pick(struct td_connector_hub *hub, struct asked *k)
{
    for (struct td_hub_waiter **at = &hub->first; *at != NULL; at = &(*at)->next) {
        const struct td_hub_waiter *w = *at;
        /* it may have been disabled while it waits */
        bool able = is_among(k->able, k->able_count, w->connector) && strcmp(w->tenant, k->q->tenant) == 0;
        if ((!able && !td_fault("connector-any-tenant")) || !is_among(w->domains, w->domain_count, k->q->domain) ||
            has_it(k, w->connector) || is_gone(w))
            continue;
        (void)snprintf(k->given[k->given_count++], TD_UUID_TEXT, "%s", w->connector);
        return unlink_at(hub, at);
    }
    return NULL;
}

static enum td_code seal(const struct td_connector_hub *hub, const struct asked *k, const struct td_hub_waiter *w,
                         char **ret, struct td_error *err)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    td_try(td_key_from_public_der(w->encryption_key, &key, err));
    return td_jwe_seal(key, hub->env, k->id, w->connector, k->q->secret, w->req->arena, ret, err);
}

static bool write_question(const struct td_connector_hub *hub, const struct asked *k, struct td_hub_waiter *w)
{
    struct td_jsonw j;
    char *secret = NULL;
    if (k->q->secret.n != 0 && seal(hub, k, w, &secret, NULL) != TD_OK)
        return false;
    td_jsonw_init(&j, &w->reply->body);
    td_jsonw_obj(&j);
    td_jsonw_key(&j, "work");
    td_jsonw_arr(&j);
    td_jsonw_obj(&j);
    td_jsonw_kstr(&j, "id", k->id);
    td_jsonw_kint(&j, "attempt", 0);
    td_jsonw_kstr(&j, "kind", k->q->kind);
    td_jsonw_kstr(&j, "domain", k->q->domain);
    for (size_t i = 0; i < TD_COUNTOF(k->q->names) && k->q->names[i] != NULL; i++)
        td_jsonw_kstr(&j, k->q->names[i], k->q->values[i]);
    if (secret != NULL)
        td_jsonw_kstr(&j, "secret", secret);
    td_jsonw_end(&j);
    td_jsonw_arr_end(&j);
    td_jsonw_end(&j);
    return true;
}

/* Without the lock: sealing takes its time. */
static bool tell(const struct td_connector_hub *hub, const struct asked *k, struct td_hub_waiter *w)
{
    struct td_http_request *req = w->req;
    bool told = write_question(hub, k, w);
    if (told) {
        w->reply->status = 200;
        w->reply->content_type = json_type;
    } else {
        td_hub_nothing(w->reply);
    }
    req->answered(req);
    return told;
}

/* Asks one more. With the lock, which it lets go meanwhile. */
static bool hand_on(struct td_connector_hub *hub, struct asked *k)
{
    struct td_hub_waiter *w = k->given_count < ASKED_MOST ? pick(hub, k) : NULL;
    if (w == NULL)
        return false;
    size_t place = k->given_count - 1;
    k->hand_at = td_monotonic() + hub->each;
    (void)pthread_mutex_unlock(&hub->lock);
    bool told = tell(hub, k, w);
    (void)pthread_mutex_lock(&hub->lock);
    k->gave_up[place] = !told;
    return true;
}

static void wait_until(struct td_connector_hub *hub, int64_t at)
{
    struct timespec until = {.tv_sec = at / TD_SECOND, .tv_nsec = at % TD_SECOND * 1000};
    (void)pthread_cond_timedwait(&hub->changed, &hub->lock, &until);
}

/* Until it is answered, or nobody is left to ask, or the time is over. With the lock. */
static void wait_for(struct td_connector_hub *hub, struct asked *k)
{
    int64_t end = td_monotonic() + hub->in_all;
    for (int64_t now = td_monotonic(); !k->done && !hub->stopping && now < end; now = td_monotonic()) {
        if (now >= k->hand_at && hand_on(hub, k))
            continue;
        if (all_gave_up(k))
            return;
        wait_until(hub, k->hand_at > now ? TD_MIN(k->hand_at, end) : end);
    }
}

static void enter(struct td_connector_hub *hub, struct asked *k)
{
    k->next = hub->questions;
    hub->questions = k;
    hub->asking++;
    hub->asked++;
}

static void leave(struct td_connector_hub *hub, struct asked *k)
{
    for (struct asked **at = &hub->questions; *at != NULL; at = &(*at)->next)
        if (*at == k) {
            *at = k->next;
            break;
        }
    hub->asking--;
    if (k->done)
        (void)(k->reason == TD_DJ_OK ? hub->answered++ : hub->refused++);
    else
        hub->unanswered++;
}

static void lend(const struct td_connector_hub *hub, bool waits)
{
    if (hub->lend != NULL)
        hub->lend(hub->lend_ctx, waits);
}

static bool ask(struct td_connector_hub *hub, struct asked *k)
{
    lend(hub, true);
    (void)pthread_mutex_lock(&hub->lock);
    bool room = !hub->stopping && hub->asking + hub->queueing < hub->at_once;
    if (room) {
        enter(hub, k);
        wait_for(hub, k);
        leave(hub, k);
    }
    (void)pthread_mutex_unlock(&hub->lock);
    lend(hub, false);
    return room;
}

struct served {
    struct asked *k;
    struct td_arena *a;
    bool yes;
};

static enum td_code look(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct served *s = ctx;
    const struct td_connector_question *q = s->k->q;
    td_try(td_connector_able(tx, q->tenant, q->domain, s->a, &s->k->able, &s->k->able_count, err));
    return td_connector_serves(tx, q->tenant, q->domain, &s->yes, err);
}

static enum td_code verdict(const struct asked *k, struct td_arena *a, const struct td_json **ret, struct td_error *err)
{
    struct td_json *result = NULL;
    if (k->done && k->reason == TD_DJ_OK) {
        td_try(td_json_parse(td_buf_slice(&k->answer), TD_CDOOR_ANSWER, a, &result, err));
        *ret = result;
        return TD_OK;
    }
    if (k->done || k->reason != TD_DJ_OK)
        return td_domain_refuse(err, k->reason, k->detail[0] != '\0' ? k->detail : NULL);
    if (k->given_count == 0)
        return td_domain_refuse(err, TD_DJ_NO_CONNECTOR, "none of them waits for work at this moment");
    return td_domain_refuse(err, TD_DJ_TIMEOUT, NULL);
}

enum td_code td_connector_ask(struct td_service *svc, const struct td_connector_question *q, struct td_arena *a,
                              const struct td_json **ret, struct td_error *err)
{
    struct asked k = {.q = q};
    struct served s = {.k = &k, .a = a};
    td_try(td_store_read(svc->store, look, &s, err));
    if (svc->connectors == NULL || !s.yes)
        return td_domain_refuse(err, TD_DJ_NO_CONNECTOR, NULL);
    td_uuid_new(svc->env, k.id);
    td_buf_init(&k.answer, TD_CDOOR_ANSWER);
    bool room = ask(svc->connectors, &k);
    enum td_code rc = room ? verdict(&k, a, ret, err)
                           : td_remedy(err,
                                       td_fail(err, TD_EUNAVAILABLE, td_domain_reason_row(TD_DJ_TIMEOUT)->name,
                                               "Too many questions to the domain wait for an answer."),
                                       "Try again in a moment.");
    td_buf_wipe(&k.answer);
    return rc;
}

/* --- turns -------------------------------------------------------------------------------------------------------- */

static bool has_turn(const struct td_connector_turn *t)
{
    for (const struct td_connector_turn *b = t->before; b != NULL; b = b->before)
        if (strcmp(b->tenant, t->tenant) == 0 && strcmp(b->name, t->name) == 0)
            return td_fault("sign-in-all-at-once");
    return true;
}

static void unlink_turn(struct td_connector_hub *hub, const struct td_connector_turn *t)
{
    for (struct td_connector_turn **at = &hub->turns; *at != NULL; at = &(*at)->before)
        if (*at == t) {
            *at = t->before;
            break;
        }
    (void)pthread_cond_broadcast(&hub->changed);
}

bool td_connector_turn_take(struct td_connector_hub *hub, struct td_connector_turn *t)
{
    int64_t end = td_monotonic() + hub->in_all;
    (void)pthread_mutex_lock(&hub->lock);
    t->before = hub->turns;
    hub->turns = t;
    bool mine = has_turn(t), queued = !mine && !hub->stopping && hub->asking + hub->queueing < hub->at_once;
    if (queued) {
        hub->queueing++;
        (void)pthread_mutex_unlock(&hub->lock);
        lend(hub, true);
        (void)pthread_mutex_lock(&hub->lock);
        while (!(mine = has_turn(t)) && !hub->stopping && td_monotonic() < end)
            wait_until(hub, end);
        hub->queueing--;
    }
    t->hub = mine ? hub : NULL;
    if (!mine)
        unlink_turn(hub, t);
    (void)pthread_mutex_unlock(&hub->lock);
    if (queued)
        lend(hub, false);
    return mine;
}

void td_connector_turn_end(struct td_connector_turn *t)
{
    struct td_connector_hub *hub = t->hub;
    t->hub = NULL;
    if (hub == NULL)
        return;
    (void)pthread_mutex_lock(&hub->lock);
    unlink_turn(hub, t);
    (void)pthread_mutex_unlock(&hub->lock);
}

/* Of the connector's own making: another one may do better. What a person did wrong is wrong at every one. */
static bool of_connector_alone(enum td_domain_reason reason)
{
    return reason >= TD_DJ_NO_DC && reason <= TD_DJ_REFUSED;
}

/* With the lock. */
static void take_answer(struct asked *k, const char *from, const struct td_json *result, enum td_domain_reason reason,
                        const char *detail)
{
    struct td_jsonw w;
    if (k->done)
        return; /* another one was quicker */
    k->reason = reason;
    (void)snprintf(k->detail, sizeof(k->detail), "%s", detail);
    if (of_connector_alone(reason)) {
        k->gave_up[TD_MIN(place_of(k, from), ASKED_MOST - 1)] = true;
        k->hand_at = 0;
        return;
    }
    if (reason == TD_DJ_OK) {
        td_jsonw_init(&w, &k->answer);
        td_jsonw_tree(&w, result);
    }
    k->done = true;
}

enum td_code td_hub_answered(struct td_connector_hub *hub, const struct td_connector *from, const char *question,
                             const struct td_json *result, enum td_domain_reason reason, const char *detail,
                             struct td_error *err)
{
    bool known = false;
    (void)pthread_mutex_lock(&hub->lock);
    for (struct asked *k = hub->questions; k != NULL; k = k->next) {
        bool mine = strcmp(k->id, question) == 0 && (has_it(k, from->id) || td_fault("connector-any-answer"));
        if (mine)
            take_answer(k, from->id, result, reason, detail);
        known = known || mine;
    }
    (void)pthread_cond_broadcast(&hub->changed);
    (void)pthread_mutex_unlock(&hub->lock);
    return known ? TD_OK : td_fail(err, TD_ESTATE, "id", "nobody waits for this answer (any more)");
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
