/* Turns: passwords of one name are tried at a domain one after the other (api/connector.h says why). */
#include "api/connector/hub.h"
#include "base/fault.h"

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
        td_hub_lend(hub, true);
        (void)pthread_mutex_lock(&hub->lock);
        while (!(mine = has_turn(t)) && !hub->stopping && td_monotonic() < end)
            td_hub_wait_until(hub, end);
        hub->queueing--;
    }
    t->hub = mine ? hub : NULL;
    if (!mine)
        unlink_turn(hub, t);
    (void)pthread_mutex_unlock(&hub->lock);
    if (queued)
        td_hub_lend(hub, false);
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
