/* What is asked of one managed device (graph-api.md 1.5). The rules of asking, the second administrator and what
 * follows are the store's (store/action.h): here bodies become kinds of actions. */
#include "graph/managed_actions.h"

#include "base/encode.h"
#include "base/fault.h"
#include "graph/autopilot.h"
#include "graph/directory.h"

#include <stdio.h>
#include <string.h>

/* ---- why and what ---- */

static bool is_sentence(struct td_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ')
            return false;
    return s.n != 0 && td_utf8_ok(s);
}

const char *td_g_justification(const struct td_g_call *call)
{
    struct td_slice said = td_trim(td_http_header(call->req, "x-msft-approval-justification")), plain;
    if (said.n % 4 == 0 && td_b64_decode(call->arena, said, 0, &plain) == TD_OK && is_sentence(plain))
        said = plain;
    if (!is_sentence(said))
        return "";
    while (said.n > TD_ACTION_REASON_MAX || !td_utf8_ok(said)) /* cut between characters */
        said.n = said.n > TD_ACTION_REASON_MAX ? TD_ACTION_REASON_MAX : said.n - 1;
    return td_arena_text(call->arena, said);
}

enum td_code td_g_ask_action(struct td_g_call *call, struct td_tx *tx, enum td_action_kind kind, const char *parameter,
                             struct td_action *ret, struct td_error *err)
{
    struct td_error why = {0};
    const struct td_action_asking what = {
        .kind = kind, .parameter = parameter, .reason = td_g_justification(call), .actor = call->actor};
    enum td_code rc = td_action_ask(tx, call->tenant, td_view_text(call->row, "id"), &what, call->arena, ret, &why);
    call->poke = rc == TD_OK;
    if (rc == TD_ESTATE)
        call->status = 409; /* as the device stands; not because of how it was asked */
    if (rc != TD_OK && err != NULL)
        *err = why;
    return rc;
}

static enum td_code ask(struct td_g_call *call, struct td_tx *tx, enum td_action_kind kind, const char *parameter,
                        struct td_error *err)
{
    struct td_action made = {.id = ""};
    return td_g_ask_action(call, tx, kind, parameter, &made, err);
}

/* ---- those without members ---- */

static const struct {
    const char *name;
    enum td_action_kind kind;
} plain_actions[] = {
    {"retire", TD_ACTION_RETIRE},
    {"syncDevice", TD_ACTION_SYNC},
    {"rebootNow", TD_ACTION_RESTART},
    {"remoteLock", TD_ACTION_LOCK},
    {"rotateLocalAdminPassword", TD_ACTION_ROTATE_LAPS},
    {"windowsDefenderUpdateSignatures", TD_ACTION_UPDATE_SIGNATURES},
};

static enum td_code ask_plain(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    for (size_t i = 0; i < TD_COUNTOF(plain_actions); i++)
        if (strcmp(plain_actions[i].name, call->action->name) == 0)
            return ask(call, tx, plain_actions[i].kind, "", err);
    td_g_not_offered(err, call->action->name);
    return TD_ENOTOFFERED;
}

/* ---- wipe: four of them, and Autopilot Reset ---- */

static enum td_code text_or_nothing(const struct td_g_call *call, const char *name, struct td_error *err)
{
    const char *ignored;
    return td_g_action_text(call, name, &ignored, err);
}

/* Members for phones and other systems: they must be what they are said to be, and mean nothing here. */
static enum td_code check_foreign_members(const struct td_g_call *call, struct td_error *err)
{
    static const char *const words[] = {"default", "doNotObliterate", "obliterateWithWarning", "always",
                                        "unknownFutureValue"};
    const char *how = NULL;
    bool ignored;
    td_try(text_or_nothing(call, "macOsUnlockCode", err));
    td_try(td_g_body_bool(call, "persistEsimDataPlan", false, &ignored, err));
    td_try(td_g_action_text(call, "obliterationBehavior", &how, err));
    for (size_t i = 0; how != NULL && i < TD_COUNTOF(words); i++)
        if (td_ieqs(td_str(how), words[i]))
            return TD_OK;
    return how == NULL ? TD_OK : td_fail(err, TD_EINVAL, "obliterationBehavior", "'%.40s' is none of its words", how);
}

/* Unknown members are passed over as everywhere; one that begins as these do is a misspelt one of them, and was meant
 * to keep something ("keepEnrolmentData"). */
static enum td_code check_spelling(const struct td_g_call *call, struct td_error *err)
{
    const struct td_json *m = call->body != NULL ? call->body->child : NULL;
    for (; m != NULL && !td_fault("graph-wipe-misspelt"); m = m->next) {
        struct td_slice name = td_str(m->name);
        if (td_istarts(name, "keep") && strchr(m->name, '@') == NULL && !td_ieqs(name, "keepEnrollmentData") &&
            !td_ieqs(name, "keepUserData"))
            return td_remedy(err, td_fail(err, TD_EINVAL, "body", "'%.60s' is no member of this action", m->name),
                             "what can be kept is called keepEnrollmentData and keepUserData");
    }
    return TD_OK;
}

enum td_code td_g_wipe_kind(const struct td_g_call *call, enum td_action_kind *ret, struct td_error *err)
{
    bool enrolment = false, user = false, protect = false;
    td_try(check_spelling(call, err));
    td_try(check_foreign_members(call, err));
    td_try(td_g_body_bool(call, "keepEnrollmentData", false, &enrolment, err));
    td_try(td_g_body_bool(call, "keepUserData", false, &user, err));
    td_try(td_g_body_bool(call, "useProtectedWipe", false, &protect, err));
    if (protect && (enrolment || user))
        return td_remedy(err, td_fail(err, TD_EINVAL, "useProtectedWipe", "a protected wipe keeps nothing"),
                         "leave keepEnrollmentData and keepUserData out, or useProtectedWipe");
    if (protect)
        *ret = TD_ACTION_WIPE_PROTECTED;
    else if (enrolment && !td_fault("graph-reset-wipes"))
        *ret = user ? TD_ACTION_WIPE_KEEP_PROVISIONING : TD_ACTION_RESET;
    else
        *ret = user ? TD_ACTION_WIPE_KEEP_USER : TD_ACTION_WIPE;
    return TD_OK;
}

static enum td_code wipe(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    enum td_action_kind kind = TD_ACTION_WIPE;
    td_try(td_g_wipe_kind(call, &kind, err));
    return ask(call, tx, kind, "", err);
}

/* ---- those with a member that must be there ---- */

static enum td_code needed_bool(const struct td_g_call *call, const char *name, bool *ret, struct td_error *err)
{
    if (!td_g_body_has(call, name))
        return td_remedy(err, td_fail(err, TD_EINVAL, name, "the member is missing"), "send it as true or false");
    return td_g_body_bool(call, name, false, ret, err);
}

static enum td_code clean(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    bool keep = false;
    td_try(needed_bool(call, "keepUserData", &keep, err));
    return ask(call, tx, keep ? TD_ACTION_FRESH_START_KEEP_USER : TD_ACTION_FRESH_START, "", err);
}

static enum td_code scan(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    bool quick = false;
    td_try(needed_bool(call, "quickScan", &quick, err));
    return ask(call, tx, quick ? TD_ACTION_QUICK_SCAN : TD_ACTION_FULL_SCAN, "", err);
}

static enum td_code set_name(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    const char *name = NULL;
    td_try(td_g_action_text(call, "deviceName", &name, err));
    if (name == NULL || name[0] == '\0')
        return td_fail(err, TD_EINVAL, "deviceName", "the member is missing");
    enum td_code rc = ask(call, tx, TD_ACTION_RENAME, name, err);
    if (rc == TD_EINVAL && err != NULL && strcmp(err->where, "name") == 0) /* as it is called here */
        (void)snprintf(err->where, sizeof(err->where), "deviceName");
    return rc;
}

/* ---- the table ---- */

#define PLAIN(n, r)                                                            \
    {                                                                          \
        .name = (n), .right = (r), .access = TD_ACCESS_WRITE, .run = ask_plain \
    }
#define NOT_OFFERED(n, r, p, why)                                                                                      \
    {                                                                                                                  \
        .name = (n), .flags = TD_G_NOT_OFFERED, .right = (r), .access = TD_ACCESS_WRITE, .params = (p), .about = (why) \
    }
#define NOT_OFFERED_BETA(n, r, p, why)                                                                    \
    {                                                                                                     \
        .name = (n), .flags = TD_G_NOT_OFFERED | TD_G_BETA_ONLY, .right = (r), .access = TD_ACCESS_WRITE, \
        .params = (p), .about = (why)                                                                     \
    }
static const char for_phones[] = "it is for phones, and managed devices are desktops here";
static const char for_apple[] = "it is for the devices of another maker's system";
static const char for_chrome[] = "it is for devices of another maker's system; for Windows devices use retire or wipe";

const struct td_g_action td_g_managed_device_actions[] = {
    {.name = "wipe",
     .right = TD_RIGHT_WIPE,
     .access = TD_ACCESS_WRITE,
     .run = wipe,
     .params = "keepEnrollmentData:Boolean?,keepUserData:Boolean?,macOsUnlockCode:String?,persistEsimDataPlan:Boolean?,"
               "useProtectedWipe:Boolean?,obliterationBehavior:String?"},
    PLAIN("retire", TD_RIGHT_WIPE),
    {.name = "cleanWindowsDevice",
     .right = TD_RIGHT_WIPE,
     .access = TD_ACCESS_WRITE,
     .run = clean,
     .params = "keepUserData:Boolean"},
    PLAIN("syncDevice", TD_RIGHT_ACTION),
    PLAIN("rebootNow", TD_RIGHT_ACTION),
    PLAIN("remoteLock", TD_RIGHT_ACTION),
    {.name = "windowsDefenderScan",
     .right = TD_RIGHT_ACTION,
     .access = TD_ACCESS_WRITE,
     .run = scan,
     .params = "quickScan:Boolean"},
    PLAIN("windowsDefenderUpdateSignatures", TD_RIGHT_ACTION),
    {.name = "executeAction",
     .flags = TD_G_BETA_ONLY | TD_G_ON_SET,
     .right = TD_RIGHT_ACTION,
     .access = TD_ACCESS_WRITE,
     .run = td_g_execute_action,
     .params = "actionName:managedDeviceRemoteAction,keepEnrollmentData:Boolean?,keepUserData:Boolean?,"
               "persistEsimDataPlan:Boolean?,deviceIds:Collection(String),notificationTitle:String?,"
               "notificationBody:String?,deviceName:String?,carrierUrl:String?,deprovisionReason:String?,"
               "organizationalUnitPath:String?",
     .returns = "bulkManagedDeviceActionResult"},
    {.name = "setDeviceName",
     .flags = TD_G_BETA_ONLY,
     .right = TD_RIGHT_ACTION,
     .access = TD_ACCESS_WRITE,
     .run = set_name,
     .params = "deviceName:String?"},
    {.name = "rotateLocalAdminPassword",
     .flags = TD_G_BETA_ONLY,
     .right = TD_RIGHT_ACTION,
     .access = TD_ACCESS_WRITE,
     .run = ask_plain},
    {.name = "tellLife",
     .right = TD_RIGHT_MANAGED,
     .access = TD_ACCESS_READ,
     .flags = TD_G_FUNCTION,
     .run = td_g_tell_life,
     .returns = "Collection(deviceLifeChapter)"},
    {.name = "createDeviceLogCollectionRequest",
     .right = TD_RIGHT_ACTION,
     .access = TD_ACCESS_WRITE,
     .run = td_g_collect_logs,
     .params = "templateType:deviceLogCollectionRequest?",
     .returns = "deviceLogCollectionResponse"},
    NOT_OFFERED("shutDown", TD_RIGHT_ACTION, NULL, "Windows has no documented node by which a desktop is shut down"),
    NOT_OFFERED("resetPasscode", TD_RIGHT_WIPE, NULL, for_phones),
    NOT_OFFERED("recoverPasscode", TD_RIGHT_WIPE, NULL, for_phones),
    NOT_OFFERED("locateDevice", TD_RIGHT_ACTION, NULL, "devices are not located"),
    NOT_OFFERED("bypassActivationLock", TD_RIGHT_ACTION, NULL, for_apple),
    NOT_OFFERED("disableLostMode", TD_RIGHT_ACTION, NULL, for_apple),
    NOT_OFFERED("logoutSharedAppleDeviceActiveUser", TD_RIGHT_ACTION, NULL, for_apple),
    NOT_OFFERED("requestRemoteAssistance", TD_RIGHT_ACTION, NULL, "no service of remote assistance is connected"),
    NOT_OFFERED("updateWindowsDeviceAccount", TD_RIGHT_ACTION, NULL, "it is for meeting-room devices"),
    NOT_OFFERED_BETA("deprovision", TD_RIGHT_WIPE, "deprovisionReason:String?", for_chrome),
    NOT_OFFERED_BETA("disable", TD_RIGHT_WIPE, NULL,
                     "a Windows device is disabled in the directory, by PATCH devices/{id} with accountEnabled false"),
    NOT_OFFERED_BETA("reenable", TD_RIGHT_WIPE, NULL,
                     "a Windows device is enabled in the directory, by PATCH devices/{id} with accountEnabled true"),
    NOT_OFFERED_BETA("rotateBitLockerKeys", TD_RIGHT_ACTION, NULL, "recovery keys of disks are not kept"),
    NOT_OFFERED_BETA("initiateDeviceAttestation", TD_RIGHT_ACTION, NULL, NULL),
    NOT_OFFERED_BETA("initiateMobileDeviceManagementKeyRecovery", TD_RIGHT_ACTION, NULL,
                     "keys of devices are renewed by enrolling anew"),
    NOT_OFFERED_BETA("removeDeviceFirmwareConfigurationInterfaceManagement", TD_RIGHT_ACTION, NULL,
                     "firmware is not managed"),
    NOT_OFFERED_BETA("pauseConfigurationRefresh", TD_RIGHT_ACTION, NULL, NULL),
    NOT_OFFERED_BETA("triggerConfigurationManagerAction", TD_RIGHT_ACTION, NULL,
                     "no other management system is connected"),
    NOT_OFFERED_BETA("sendCustomNotificationToCompanyPortal", TD_RIGHT_ACTION, NULL, "devices run no company portal"),
    NOT_OFFERED_BETA("initiateOnDemandProactiveRemediation", TD_RIGHT_ACTION, "scriptPolicyId:String?",
                     "scripts are not run"),
    NOT_OFFERED_BETA("moveDevicesToOU", TD_RIGHT_ACTION, NULL, for_chrome),
    NOT_OFFERED_BETA("enableLostMode", TD_RIGHT_ACTION, NULL, for_apple),
    NOT_OFFERED_BETA("playLostModeSound", TD_RIGHT_ACTION, NULL, for_apple),
    NOT_OFFERED_BETA("activateDeviceEsim", TD_RIGHT_ACTION, NULL, for_phones),
    NOT_OFFERED_BETA("revokeAppleVppLicenses", TD_RIGHT_ACTION, NULL, for_apple),
};
