/* csp/shared: SharedPC. Writing the switch is the action: what the other nodes say at that moment is in force from then
 * on ("@shared/..."), what is written behind it waits for the next time, as their description warns. */
#include "base/fault.h"
#include "device/csp/kiosk.h"
#include "device/csp/tree.h"

#define ROOM "Device/Vendor/MSFT/SharedPC/"
#define MODE "EnableSharedPCMode"
#define MODE_SYNC "EnableSharedPCModeWithOneDriveSync"

static const char *const leaves[] = {
    "AccountModel",
    "DeletionPolicy",
    "DiskLevelDeletion",
    "DiskLevelCaching",
    "InactiveThreshold",
    "SleepTimeout",
    "EnableAccountManager",
    "MaintenanceStartTime",
    "SignInOnResume",
    "SetPowerPolicies",
    "KioskModeAUMID",
    "RestrictLocalStorage",
    "KioskModeUserTileDisplayText",
};

static void take_effect(struct td_csp *csp, struct td_arena *a)
{
    td_csp_drop(csp, "@shared");
    td_csp_put(csp, "@shared", "chr", "on");
    for (size_t i = 0; i < TD_COUNTOF(leaves); i++) {
        const char *value = td_csp_read(csp, td_arena_printf(a, "./Vendor/MSFT/SharedPC/%s", leaves[i]), a);
        if (value != NULL)
            td_csp_put(csp, td_arena_printf(a, "@shared/%s", leaves[i]), "chr", value);
    }
}

int td_csp_shared_mode(struct td_csp_call *call)
{
    bool writes = call->op == TD_CSP_ADD || call->op == TD_CSP_REPLACE;
    const char *other = td_ends(td_str(call->key), MODE) ? ROOM MODE_SYNC : ROOM MODE;
    if (call->op == TD_CSP_GET)
        return 0;
    if (writes && td_ieqs(td_trim(call->data), "true"))
        take_effect(call->csp, call->a);
    else if (!td_csp_true(call->csp, other))
        td_csp_drop(call->csp, "@shared");
    return 0;
}

bool td_csp_shared(const struct td_csp *csp, struct td_csp_shared *ret)
{
    *ret = (struct td_csp_shared){
        .accounts = (int)td_csp_int(csp, "@shared/AccountModel", TD_SHARED_GUESTS),
        .deletion = (int)td_csp_int(csp, "@shared/DeletionPolicy", TD_SHARED_DISK),
        .inactive_days = td_csp_int(csp, "@shared/InactiveThreshold", 30),
        .manager = td_csp_true(csp, "@shared/EnableAccountManager"),
    };
    return td_csp_value(csp, "@shared") != NULL;
}
