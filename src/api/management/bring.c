/* Management: items that other items bring along, assigned or not: a domain join the networks by which a hybrid device
 * reaches its domain before its sign-in (graph-api.md 1.7: networkAccessConfigurations), co-management its client's
 * package. Then what is Configuration Manager's goes out again. */
#include "api/configuration.h"
#include "api/management/room.h"
#include "base/fault.h"
#include "policy/workload.h"

static bool is_there(const struct td_exchange *x, const char *id)
{
    for (size_t i = 0; i < x->item_count; i++)
        if (strcmp(x->items[i].id, id) == 0)
            return true;
    return false;
}

static const struct td_item *first_of(const struct td_exchange *x, enum td_item_kind kind)
{
    for (size_t i = 0; i < x->item_count; i++)
        if (x->items[i].kind == kind)
            return &x->items[i];
    return NULL;
}

/* What was deleted meanwhile, or belongs to a person, is left out: the device's way must not stop for it. */
static enum td_code bring(struct td_exchange *x, struct td_tx *tx, const char *id, struct td_error *err)
{
    struct td_configuration row = {.id = ""};
    struct td_item *item = &x->items[x->item_count];
    if (id[0] == '\0' || is_there(x, id))
        return TD_OK;
    enum td_code rc = td_configuration_find(tx, x->tenant, id, x->a, &row, err);
    if (rc == TD_ENOTFOUND)
        return TD_OK;
    td_try(rc);
    if (td_mgmt_is_settled(x, &row) ||
        td_configuration_open(&x->svc->master, x->tenant, &row, x->a, item, NULL) != TD_OK)
        return TD_OK;
    bool fits = item->kind == TD_ITEM_WIFI || item->kind == TD_ITEM_VPN || item->kind == TD_ITEM_MSI;
    x->item_count += fits && !item->user;
    return TD_OK;
}

/* Only where an account was asked for: the item means nothing to a device whose profile has no hybrid join. */
static enum td_code bring_networks(struct td_exchange *x, struct td_tx *tx, const struct td_item_domain_join *d,
                                   struct td_error *err)
{
    struct td_domain_join work = {.id = ""};
    enum td_code rc = td_domain_join_of(tx, x->tenant, x->enrolment.id, x->a, &work, err);
    if (rc == TD_ENOTFOUND)
        return TD_OK;
    td_try(rc);
    for (size_t i = 0; i < d->network_count && !td_fault("hybrid-network-stays-home"); i++)
        td_try(bring(x, tx, d->network[i], err));
    return TD_OK;
}

enum td_code td_mgmt_bring(struct td_exchange *x, struct td_tx *tx, struct td_error *err)
{
    const struct td_item *join = first_of(x, TD_ITEM_DOMAIN_JOIN), *shared = first_of(x, TD_ITEM_CO_MANAGEMENT);
    if (join != NULL)
        td_try(bring_networks(x, tx, &join->as.domain_join, err));
    if (shared != NULL)
        td_try(bring(x, tx, shared->as.co_management.client, err));
    x->item_count = td_workload_keep(x->items, x->item_count);
    return TD_OK;
}

/* What is deleted where it is no longer wanted must be there to be wanted, and what says something of other items too;
 * policies may write the same nodes by hand. */
static bool stays_open(const struct td_configuration *c)
{
    static const enum td_item_kind open[] = {TD_ITEM_KIOSK, TD_ITEM_SHARED_PC, TD_ITEM_DOMAIN_JOIN,
                                             TD_ITEM_CO_MANAGEMENT};
    for (size_t i = 0; i < TD_COUNTOF(open); i++)
        if (strcmp(c->kind, td_item_word(open[i])) == 0)
            return true;
    return strstr(c->body, "/AssignedAccess/") != NULL || strstr(c->body, "/SharedPC/") != NULL;
}

/* A device at work on which this very revision is in effect: nothing of it will be asked, so its JSON stays closed. */
bool td_mgmt_is_settled(const struct td_exchange *x, const struct td_configuration *c)
{
    if (x->m.phase != TD_PHASE_READY || (stays_open(c) && !td_fault("kiosk-settled-is-lost")))
        return false;
    for (size_t i = 0; i < x->ledger.item_count; i++) {
        const struct td_item_row *row = &x->ledger.items[i];
        if (strcmp(row->item, c->id) == 0)
            return row->state == TD_ITEM_IN_EFFECT && row->version == (uint64_t)c->revision;
    }
    return false;
}
