/* Managed devices: list, words of administrators, end of management, actions (graph-api.md 1.5). */
#include "graph/managed.h"

#include "graph/types.h"
#include "store/views.h"

#include <string.h>

#define PATH "deviceManagement/managedDevices"

/* ---- values ---- */

const struct td_json *td_g_row_json(struct td_g_call *call, const struct td_view_row *row, const char *column)
{
    const char *text = td_view_text(row, column);
    struct td_json *json = NULL;
    if (text[0] == '\0' || td_json_parse(td_str(text), TD_G_MAX_BODY, call->arena, &json, NULL) != TD_OK)
        return NULL;
    return json;
}

static void write_time(struct td_jsonw *w, const char *name, int64_t at)
{
    char text[TD_TIME_TEXT];
    td_time_text(at, text);
    td_jsonw_kstr(w, name, text);
}

/* A synchronisation that was asked for is done when the device came for it. */
void td_g_managed_actions(struct td_g_call *call TD_UNUSED, const struct td_view_row *row,
                          const struct td_g_prop *prop TD_UNUSED, struct td_jsonw *w)
{
    int64_t asked = td_view_int(row, "syncAsked"), done = td_view_int(row, "syncDone");
    td_jsonw_arr(w);
    if (asked != 0) {
        td_jsonw_obj(w);
        td_jsonw_kstr(w, "actionName", "syncDevice");
        td_jsonw_kstr(w, "actionState", done >= asked ? "done" : "pending");
        write_time(w, "startDateTime", asked);
        write_time(w, "lastUpdatedDateTime", done >= asked ? done : asked);
        td_jsonw_end(w);
    }
    td_jsonw_arr_end(w);
}

/* OSEdition of the enrolment's request: a PRODUCT_ number as text, or whatever a client says there. */
void td_g_managed_sku(struct td_g_call *call TD_UNUSED, const struct td_view_row *row,
                      const struct td_g_prop *prop TD_UNUSED, struct td_jsonw *w)
{
    uint64_t number = 0;
    if (td_parse_u64(td_str(td_view_text(row, "osEdition")), &number) != true || number > INT32_MAX)
        number = 0;
    td_jsonw_int(w, (int64_t)number);
}

/* ---- changes ---- */

static int owner_of(const struct td_g_call *call)
{
    static const char *const names[] = {"ownerType", "managedDeviceOwnerType"};
    const char *now = td_view_text(call->row, "ownerType");
    int owner = -1;
    /* both names of one thing: who changes one sends the other along as it was (graph-api.md 1.3) */
    for (size_t i = 0; i < TD_COUNTOF(names); i++) {
        const struct td_json *m = td_json_iget(call->body, names[i]);
        if (m != NULL && m->str != NULL && strcmp(m->str, now) != 0)
            owner = (int)m->num;
    }
    return owner;
}

static enum td_code update(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_managed_change what = {
        .name = td_g_body_has(call, "managedDeviceName") ? td_g_body_text(call, "managedDeviceName", "") : NULL,
        .notes = td_g_body_has(call, "notes") ? td_g_body_text(call, "notes", "") : NULL,
        .owner = owner_of(call)};
    return td_managed_set(tx, call->tenant, td_view_text(call->row, "id"), &what, call->actor, err);
}

static enum td_code end(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    return td_managed_end(tx, call->tenant, td_view_text(call->row, "id"), call->actor, err);
}

static enum td_code sync_device(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    return td_managed_ask_sync(tx, call->tenant, td_view_text(call->row, "id"), call->actor, err);
}

/* ---- tables ---- */

#define LATER(n, r, p)                                                                                 \
    {                                                                                                  \
        .name = (n), .flags = TD_G_NOT_OFFERED, .right = (r), .access = TD_ACCESS_WRITE, .params = (p) \
    }
#define LATER_BETA(n, r, p)                                                                               \
    {                                                                                                     \
        .name = (n), .flags = TD_G_NOT_OFFERED | TD_G_BETA_ONLY, .right = (r), .access = TD_ACCESS_WRITE, \
        .params = (p)                                                                                     \
    }
static const struct td_g_action actions[] = {
    {.name = "syncDevice", .right = TD_RIGHT_ACTION, .access = TD_ACCESS_WRITE, .run = sync_device},
    LATER("wipe", TD_RIGHT_WIPE,
          "keepEnrollmentData:Boolean?,keepUserData:Boolean?,macOsUnlockCode:String?,persistEsimDataPlan:Boolean?"),
    LATER("retire", TD_RIGHT_WIPE, NULL),
    LATER("cleanWindowsDevice", TD_RIGHT_WIPE, "keepUserData:Boolean"),
    LATER("rebootNow", TD_RIGHT_ACTION, NULL),
    LATER("shutDown", TD_RIGHT_ACTION, NULL),
    LATER("remoteLock", TD_RIGHT_ACTION, NULL),
    LATER("resetPasscode", TD_RIGHT_WIPE, NULL),
    LATER("recoverPasscode", TD_RIGHT_WIPE, NULL),
    LATER("locateDevice", TD_RIGHT_ACTION, NULL),
    LATER("bypassActivationLock", TD_RIGHT_ACTION, NULL),
    LATER("disableLostMode", TD_RIGHT_ACTION, NULL),
    LATER("windowsDefenderUpdateSignatures", TD_RIGHT_ACTION, NULL),
    LATER("windowsDefenderScan", TD_RIGHT_ACTION, "quickScan:Boolean"),
    LATER("logoutSharedAppleDeviceActiveUser", TD_RIGHT_ACTION, NULL),
    LATER("requestRemoteAssistance", TD_RIGHT_ACTION, NULL),
    LATER("updateWindowsDeviceAccount", TD_RIGHT_ACTION, NULL),
    LATER_BETA("setDeviceName", TD_RIGHT_ACTION, "deviceName:String?"),
    LATER_BETA("deprovision", TD_RIGHT_WIPE, "deprovisionReason:String?"),
    LATER_BETA("disable", TD_RIGHT_WIPE, NULL),
    LATER_BETA("reenable", TD_RIGHT_WIPE, NULL),
    LATER_BETA("rotateBitLockerKeys", TD_RIGHT_ACTION, NULL),
    LATER_BETA("rotateLocalAdminPassword", TD_RIGHT_ACTION, NULL),
    LATER_BETA("initiateDeviceAttestation", TD_RIGHT_ACTION, NULL),
    LATER_BETA("initiateMobileDeviceManagementKeyRecovery", TD_RIGHT_ACTION, NULL),
    LATER_BETA("removeDeviceFirmwareConfigurationInterfaceManagement", TD_RIGHT_ACTION, NULL),
    LATER_BETA("pauseConfigurationRefresh", TD_RIGHT_ACTION, NULL),
    LATER_BETA("triggerConfigurationManagerAction", TD_RIGHT_ACTION, NULL),
    LATER_BETA("sendCustomNotificationToCompanyPortal", TD_RIGHT_ACTION, NULL),
    LATER_BETA("createDeviceLogCollectionRequest", TD_RIGHT_ACTION, NULL),
    LATER_BETA("initiateOnDemandProactiveRemediation", TD_RIGHT_ACTION, "scriptPolicyId:String?"),
    LATER_BETA("moveDevicesToOU", TD_RIGHT_ACTION, NULL),
    LATER_BETA("enableLostMode", TD_RIGHT_ACTION, NULL),
    LATER_BETA("playLostModeSound", TD_RIGHT_ACTION, NULL),
    LATER_BETA("activateDeviceEsim", TD_RIGHT_ACTION, NULL),
    LATER_BETA("revokeAppleVppLicenses", TD_RIGHT_ACTION, NULL),
};

static const struct td_g_set sets[] = {
    {.path = PATH,
     .type = &td_g_type_managed_device,
     .view = &td_view_managed,
     .read = TD_RIGHT_MANAGED,
     .write = TD_RIGHT_MANAGED,
     .about = "Devices under management: those with an active enrolment, by its id. notes, physicalMemoryInBytes and"
              " the like show what they hold where $select names them, else as never set.",
     .update = update,
     .remove = end,
     .actions = actions,
     .action_count = TD_COUNTOF(actions)},
    {.path = PATH "/{id}/users",
     .type = &td_g_type_user,
     .view = &td_view_managed_user,
     .parent = "managedDevice",
     .read = TD_RIGHT_MANAGED,
     .write = TD_RIGHT_MANAGED,
     .about = "The user who enrolled it."},
    {.path = PATH "/{id}/deviceConfigurationStates",
     .type = &td_g_type_device_configuration_state,
     .view = &td_view_configuration_state,
     .parent = "managedDevice",
     .read = TD_RIGHT_MANAGED,
     .write = TD_RIGHT_MANAGED,
     .about = "What became of each configuration item on it."},
    {.path = PATH "/{id}/deviceCompliancePolicyStates",
     .type = &td_g_type_device_compliance_state,
     .flags = TD_G_EMPTY,
     .read = TD_RIGHT_MANAGED,
     .write = TD_RIGHT_MANAGED,
     .about = "Always empty: compliance is not judged."},
    {.path = PATH "/{id}/logCollectionRequests",
     .type = &td_g_type_log_collection,
     .flags = TD_G_EMPTY,
     .read = TD_RIGHT_MANAGED,
     .write = TD_RIGHT_MANAGED,
     .about = "Always empty: logs are not collected yet."},
};
const struct td_g_family td_g_family_managed = {.about = "Managed devices", .sets = sets, .count = TD_COUNTOF(sets)};
