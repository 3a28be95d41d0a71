/* Management: the one durable write of a message. */
#include "api/management/room.h"
#include "store/event.h"
#include "store/provisioning.h"
#include "store/way.h"

static enum td_code write_event(struct td_exchange *x, struct td_tx *tx, const struct td_mgmt_event *e,
                                struct td_error *err)
{
    const char *way = x->enrolment.way_id;
    enum td_code rc;
    if (e->type != NULL) {
        struct td_event event = {.subject = way, .type = e->type, .actor = "device", .detail = e->detail};
        return td_event_append(tx, x->tenant, &event, err);
    }
    if (e->way == TD_EV_PROVISIONED)
        td_try(td_provisioning_seal(tx, x->tenant, x->enrolment.id, err));
    if (e->way == TD_EV_FAILED)
        rc = td_way_failed(tx, x->tenant, way, e->failure.where, &e->failure, err);
    else
        rc = td_way_happened(tx, x->tenant, way, e->way, "device", "{}", err);
    /* a device that was ready before, or that nobody deploys: its way has no such step, and nothing was written */
    return rc == TD_ESTATE || rc == TD_ENOTFOUND ? TD_OK : rc;
}

/* Steps are always told, words only while the device has not said too much. */
static enum td_code write_events(struct td_exchange *x, struct td_tx *tx, struct td_error *err)
{
    bool crowded = false, words = false;
    for (size_t i = 0; i < x->event_count; i++)
        words = words || x->events[i]->type != NULL;
    if (words)
        td_try(td_event_crowded(tx, x->tenant, x->enrolment.way_id, TD_EVENTS_AN_HOUR, &crowded, err));
    for (size_t i = 0; i < x->event_count; i++)
        if (!crowded || x->events[i]->type == NULL)
            td_try(write_event(x, tx, x->events[i], err));
    return TD_OK;
}

/* Told in every session and never twice the same, for the time in it; what it says rests with the registration. */
static bool is_known_hash(const struct td_exchange *x, const char *uri)
{
    return x->enrolment.registration_id[0] != '\0' && !x->m.inventory &&
           strcmp(uri, "./DevDetail/Ext/DeviceHardwareData") == 0;
}

enum td_code td_mgmt_store(struct td_tx *tx, void *exchange, struct td_error *err)
{
    struct td_exchange *x = exchange;
    const char *id = x->enrolment.id;
    td_try(td_managed_save(tx, x->tenant, id, &x->m, x->ledger.changed, x->chunk_changed, err));
    for (const struct td_mgmt_report *r = x->reports; r != NULL; r = r->next)
        if (!is_known_hash(x, r->uri))
            td_try(td_report_put(tx, x->tenant, id, r->uri, r->value, err));
    for (const struct td_mgmt_item_change *c = x->item_changes; c != NULL; c = c->next)
        td_try(
            td_item_status_put(tx, x->tenant, id, c->item, td_item_state_word(c->state), c->status, c->hresult, err));
    td_try(write_events(x, tx, err));
    if (x->has_page)
        td_try(td_status_page_give(tx, x->tenant, id, &x->status_page, err));
    if (x->new_session) {
        td_try(td_way_seen(tx, x->tenant, x->enrolment.way_id, err));
        td_try(td_enrolment_seen(tx, x->tenant, id, err));
    }
    td_try(td_mgmt_actions_sent(x, tx, err));
    td_try(td_mgmt_domain_sent(x, tx, err));
    return x->unenrolled || x->leaving != NULL ? td_mgmt_leave(x, tx, err) : TD_OK;
}
