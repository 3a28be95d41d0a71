/* Questions of this moment: handed to one connector that waits, then to another, until one answers or the time is over.
 */
#include "api/connector/hub.h"
#include "base/fault.h"
#include "crypto/jose.h"

#include <stdio.h>

static bool is_among(const char *const *list, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], text) == 0)
            return true;
    return false;
}

/* Where it stands among those that have the question; given_count if it does not. */
static size_t place_of(const struct td_hub_question *k, const char *connector)
{
    size_t i = 0;
    while (i < k->given_count && strcmp(k->given[i], connector) != 0)
        i++;
    return i;
}

static bool has_it(const struct td_hub_question *k, const char *connector)
{
    return place_of(k, connector) < k->given_count;
}

static bool all_gave_up(const struct td_hub_question *k)
{
    bool all = k->given_count != 0;
    for (size_t i = 0; i < k->given_count; i++)
        all = all && k->gave_up[i];
    return all;
}

/* Whoever waits longest; the one that is asked stands in the question before it is told. With the lock. */
static struct td_hub_waiter *pick(struct td_connector_hub *hub, struct td_hub_question *k)
{
    for (struct td_hub_waiter **at = &hub->first; *at != NULL; at = &(*at)->next) {
        const struct td_hub_waiter *w = *at;
        /* it may have been disabled while it waits */
        bool able = is_among(k->able, k->able_count, w->connector) && strcmp(w->tenant, k->q->tenant) == 0;
        if ((!able && !td_fault("connector-any-tenant")) || !is_among(w->domains, w->domain_count, k->q->domain) ||
            has_it(k, w->connector) || td_hub_is_gone(w))
            continue;
        (void)snprintf(k->given[k->given_count++], TD_UUID_TEXT, "%s", w->connector);
        return td_hub_unlink(hub, at);
    }
    return NULL;
}

static enum td_code seal(const struct td_connector_hub *hub, const struct td_hub_question *k,
                         const struct td_hub_waiter *w, char **ret, struct td_error *err)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    td_try(td_key_from_public_der(w->encryption_key, &key, err));
    return td_jwe_seal(key, hub->env, k->id, w->connector, k->q->secret, w->req->arena, ret, err);
}

static bool write_question(const struct td_connector_hub *hub, const struct td_hub_question *k, struct td_hub_waiter *w)
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
static bool tell(const struct td_connector_hub *hub, const struct td_hub_question *k, struct td_hub_waiter *w)
{
    struct td_http_request *req = w->req;
    bool told = write_question(hub, k, w);
    if (told) {
        w->reply->status = 200;
        w->reply->content_type = td_hub_json;
    } else {
        td_hub_nothing(w->reply);
    }
    req->answered(req);
    return told;
}

/* Asks one more. With the lock, which it lets go meanwhile. */
static bool hand_on(struct td_connector_hub *hub, struct td_hub_question *k)
{
    struct td_hub_waiter *w = k->given_count < TD_HUB_ASKED_MOST ? pick(hub, k) : NULL;
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

/* Until it is answered, or nobody is left to ask, or the time is over. With the lock. */
static void wait_for(struct td_connector_hub *hub, struct td_hub_question *k)
{
    int64_t end = td_monotonic() + hub->in_all;
    for (int64_t now = td_monotonic(); !k->done && !hub->stopping && now < end; now = td_monotonic()) {
        if (now >= k->hand_at && hand_on(hub, k))
            continue;
        if (all_gave_up(k))
            return;
        td_hub_wait_until(hub, k->hand_at > now ? TD_MIN(k->hand_at, end) : end);
    }
}

static void enter(struct td_connector_hub *hub, struct td_hub_question *k)
{
    k->next = hub->questions;
    hub->questions = k;
    hub->asking++;
    hub->asked++;
}

static void leave(struct td_connector_hub *hub, struct td_hub_question *k)
{
    for (struct td_hub_question **at = &hub->questions; *at != NULL; at = &(*at)->next)
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

static bool ask(struct td_connector_hub *hub, struct td_hub_question *k)
{
    td_hub_lend(hub, true);
    (void)pthread_mutex_lock(&hub->lock);
    bool room = !hub->stopping && hub->asking + hub->queueing < hub->at_once;
    if (room) {
        enter(hub, k);
        wait_for(hub, k);
        leave(hub, k);
    }
    (void)pthread_mutex_unlock(&hub->lock);
    td_hub_lend(hub, false);
    return room;
}

struct served {
    struct td_hub_question *k;
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

static enum td_code verdict(const struct td_hub_question *k, struct td_arena *a, const struct td_json **ret,
                            struct td_error *err)
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
    struct td_hub_question k = {.q = q};
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

/* --- answers --------------------------------------------------------------------------------------------------------
 */

/* Of the connector's own making: another one may do better. What a person did wrong is wrong at every one. */
static bool of_connector_alone(enum td_domain_reason reason)
{
    return reason >= TD_DJ_NO_DC && reason <= TD_DJ_REFUSED;
}

/* With the lock. */
static void take_answer(struct td_hub_question *k, const char *from, const struct td_json *result,
                        enum td_domain_reason reason, const char *detail)
{
    struct td_jsonw w;
    if (k->done)
        return; /* another one was quicker */
    k->reason = reason;
    (void)snprintf(k->detail, sizeof(k->detail), "%s", detail);
    if (of_connector_alone(reason)) {
        k->gave_up[TD_MIN(place_of(k, from), TD_HUB_ASKED_MOST - 1)] = true;
        k->hand_at = 0;
        return;
    }
    if (reason == TD_DJ_OK) {
        td_jsonw_init(&w, &k->answer);
        td_jsonw_tree(&w, result);
    }
    k->done = true;
}

const char *td_hub_asked(struct td_connector_hub *hub, const char *connector, const char *question, struct td_arena *a)
{
    const char *domain = NULL;
    (void)pthread_mutex_lock(&hub->lock);
    for (const struct td_hub_question *k = hub->questions; k != NULL && domain == NULL; k = k->next)
        if (strcmp(k->id, question) == 0 && has_it(k, connector))
            domain = td_arena_strdup(a, k->q->domain);
    (void)pthread_mutex_unlock(&hub->lock);
    return domain;
}

enum td_code td_hub_answered(struct td_connector_hub *hub, const struct td_connector *from, const char *question,
                             const struct td_json *result, enum td_domain_reason reason, const char *detail,
                             struct td_error *err)
{
    bool known = false;
    (void)pthread_mutex_lock(&hub->lock);
    for (struct td_hub_question *k = hub->questions; k != NULL; k = k->next) {
        bool mine = strcmp(k->id, question) == 0 && (has_it(k, from->id) || td_fault("connector-any-answer"));
        if (mine)
            take_answer(k, from->id, result, reason, detail);
        known = known || mine;
    }
    (void)pthread_cond_broadcast(&hub->changed);
    (void)pthread_mutex_unlock(&hub->lock);
    return known ? TD_OK : td_fail(err, TD_ESTATE, "id", "nobody waits for this answer (any more)");
}
