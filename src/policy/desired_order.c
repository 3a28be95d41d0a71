/* Packages that stand behind others (docs/tasks/configure.md): which of the named ones count, and the client of
 * Configuration Manager, which comes by its package and is waited for by its own name (csp.md 4). */
#include "policy/desired_item.h"
#include "policy/workload.h"

enum { MAX_DEPTH = 64 };

static const struct td_item *find(const struct td_desired_in *in, const char *id)
{
    for (size_t i = 0; i < in->item_count; i++)
        if (in->items[i].kind == TD_ITEM_MSI && strcmp(in->items[i].id, id) == 0)
            return &in->items[i];
    return NULL;
}

/* Is `to` among those that `from` waits for, over any number of steps? */
static bool leads_to(const struct td_desired_in *in, const struct td_item *from, const struct td_item *to, int depth)
{
    if (from == to)
        return true;
    for (size_t i = 0; depth < MAX_DEPTH && i < from->as.msi.after_count; i++) {
        const struct td_item *next = find(in, from->as.msi.after[i]);
        if (next != NULL && leads_to(in, next, to, depth + 1))
            return true;
    }
    return false;
}

/* A circle would never begin, and a device's package never waits for a person's: such an order is not kept. */
static bool counts(const struct td_desired_in *in, const struct td_item *item, const struct td_item *before)
{
    return before != NULL && before != item && (item->user || !before->user) && !leads_to(in, before, item, 0);
}

size_t td_item_after(struct td_desired_ctx *c, const struct td_item *item, const char *const **ret)
{
    const char **ids = td_arena_array(c->arena, const char *, item->as.msi.after_count + 1);
    size_t n = 0;
    for (size_t i = 0; i < item->as.msi.after_count; i++) {
        const struct td_item *before = find(c->in, item->as.msi.after[i]);
        if (counts(c->in, item, before))
            ids[n++] = before->id;
    }
    *ret = ids;
    return n;
}

bool td_item_is_awaited(const struct td_desired_in *in, const struct td_item *item)
{
    for (size_t i = 0; i < in->item_count; i++)
        for (size_t j = 0; in->items[i].kind == TD_ITEM_MSI && j < in->items[i].as.msi.after_count; j++)
            if (strcmp(in->items[i].as.msi.after[j], item->id) == 0)
                return true;
    return false;
}

const char *td_item_command_line(const struct td_desired_ctx *c, const struct td_item *item)
{
    const char *own = item->as.msi.command_line[0] != '\0' ? item->as.msi.command_line : "/quiet";
    for (size_t i = 0; i < c->in->item_count; i++) {
        const struct td_item_co_management *m = &c->in->items[i].as.co_management;
        if (c->in->items[i].kind == TD_ITEM_CO_MANAGEMENT && strcmp(m->client, item->id) == 0 &&
            m->parameters[0] != '\0')
            return td_arena_printf(c->arena, "%s CCMSETUPCMD=\"%s\"", own, m->parameters);
    }
    return own;
}

#define PROVIDER "./Device/Vendor/MSFT/EnrollmentStatusTracking/DevicePreparation/PolicyProviders/ConfigMgr/"

static void add_number(struct td_desired_ctx *c, const char *uri, int value)
{
    struct td_want *w = td_want_add(c, TD_STAGE_PAGE, TD_SYNC_ADD, uri);
    w->format = "int";
    w->type = "text/plain";
    w->data = td_arena_printf(c->arena, "%d", value);
}

/* csp.md 4: the server makes the provider's node, the agent says itself when it is there. Not for a device at work: its
 * page is over. */
static void track_client(struct td_desired_ctx *c, const struct td_item *item)
{
    if (!c->in->setup || !item->tracked || item->as.co_management.client[0] == '\0')
        return;
    add_number(c, PROVIDER "InstallationState", 1);
    add_number(c, PROVIDER "Timeout", item->as.co_management.timeout_minutes);
    td_want_ask(c, TD_STAGE_PROOF, PROVIDER "InstallationState", "3");
}

void td_co_management_wants(struct td_desired_ctx *c, const struct td_item *item)
{
    const char *flags = td_arena_printf(c->arena, "%u", TD_WORKLOAD_MANAGED | item->as.co_management.workloads);
    const char *uri =
        td_arena_printf(c->arena, "./Device/Vendor/MSFT/DeviceManageability/Provider/%s/ConfigInfo", c->provider);
    track_client(c, item);
    struct td_want *w = td_want_put(c, TD_STAGE_SETTING, uri, "chr", flags);
    w->type = "text/plain";
    td_want_ask(c, TD_STAGE_PROOF, uri, flags);
}
