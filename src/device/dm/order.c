/* dm/order: resets and wipes that the service orders, and what the machine tells once it is back (csp.md 10;
 * docs/protocol/device-alerts.md). */
#include "base/fault.h"
#include "device/dm/client.h"
#include "device/domain.h"
#include "device/reset.h"

enum { E_BUSY = (int)0x800700AAu };

#define ROLLED_BACK "org.touchdown:mdm.wipe.rolledback"
#define NO_DOMAIN "org.touchdown:domain.unreached"

int td_dm_order(void *ctx, const char *kind, const char *uri, uint32_t *ret_hresult)
{
    struct td_dm *dm = ctx;
    struct td_error err = {0};
    int number = td_action_by_word(td_str(kind));
    enum td_code rc = number < 0 ? TD_EINVAL : td_reset_schedule(dm->dev, (enum td_action_kind)number, uri, &err);
    if (rc == TD_OK) {
        td_device_say(dm->dev, "manage", "ordered by the service: %s", kind);
        return 200;
    }
    td_device_say(dm->dev, "manage", "ordered by the service, and not possible: %s: %s", kind, err.text);
    *ret_hresult = rc == TD_EEXISTS ? (uint32_t)E_BUSY : err.hresult != 0 ? err.hresult : TD_CSP_E_NOTSUPPORTED;
    return 500;
}

int td_dm_domain(void *ctx, struct td_slice blob, struct td_arena *a, const char **ret_machine, uint32_t *ret_hresult)
{
    struct td_dm *dm = ctx;
    struct td_error err = {0};
    enum td_code rc = td_domain_apply(dm->dev, blob, &err);
    *ret_machine = td_arena_strdup(a, rc == TD_OK ? td_state_get(dm->dev->state, "domain.machine") : "");
    *ret_hresult = err.hresult != 0 ? err.hresult : TD_CSP_E_BADDATA;
    return rc == TD_OK ? 200 : 500;
}

bool td_dm_ordered(const struct td_dm *dm)
{
    enum td_action_kind kind;
    return td_reset_pending(dm->dev, &kind);
}

/* Only an Autopilot Reset has a node that tells how far it is. Whether the service reads it is its own business. */
enum td_code td_dm_await(struct td_dm *dm, bool user_active, struct td_error *err)
{
    enum td_action_kind kind;
    if (!td_reset_pending(dm->dev, &kind))
        return TD_OK;
    td_try(td_reset_await(dm->dev, err));
    if (kind == TD_ACTION_RESET && td_dm_talk(dm, TD_DM_CSP_REASON, user_active, NULL) != TD_OK)
        td_device_say(dm->dev, "manage", "the service could not be told that the restart comes now");
    return TD_OK;
}

static struct td_sync_item *alert(struct td_dm *dm, int code, const char *type)
{
    struct td_sync_cmd *cmd = td_sync_new(dm->a, TD_SYNC_ALERT, "");
    cmd->code = code;
    td_sync_append(&dm->pending, cmd);
    struct td_sync_item *item = td_sync_item(dm->a, cmd);
    item->meta.type = type;
    item->has_data = true;
    return item;
}

static void failure(struct td_dm *dm, const char *type, const char *node, uint32_t hresult)
{
    struct td_sync_item *item = alert(dm, TD_ALERT_GENERIC, type);
    item->source = node;
    item->meta.format = "int";
    item->data = td_str(td_arena_printf(dm->a, "%d", (int32_t)hresult));
}

void td_dm_news(struct td_dm *dm)
{
    const struct td_reset_news news = td_reset_news(dm->dev, dm->a);
    dm->news_sent = news.what != TD_RESET_NOTHING;
    if (dm->reason == TD_DM_ENROLMENT || news.what == TD_RESET_CAME_BACK)
        alert(dm, TD_ALERT_EVENT, "com.microsoft/MDM/BootstrapSync")->data = TD_S("device");
    if (td_domain_wanted(dm->dev) && !td_domain_joined(dm->dev) && !td_fault("device-silent-about-its-domain"))
        alert(dm, TD_ALERT_EVENT, "com.microsoft/MDM/OdjSync")->data = TD_S("device");
    dm->trouble = (uint32_t)td_state_int(dm->dev->state, TD_DOMAIN_TROUBLE, 0);
    if (dm->trouble != 0)
        failure(dm, NO_DOMAIN, "./Vendor/MSFT/OfflineDomainJoin/Blob", dm->trouble);
    if (news.what == TD_RESET_ROLLED_BACK)
        failure(dm, ROLLED_BACK, news.node, news.hresult);
}
