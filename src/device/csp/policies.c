/* csp/policies: the policies that this device knows and what their values may be (csp.md 8). */
#include "base/encode.h"
#include "codec/xml.h"
#include "device/csp/tree.h"

const struct td_csp_policy td_csp_policies[] = {
    {"DeviceLock", "DevicePasswordEnabled", "int", "0|1", "0 on, 1 off"},
    {"DeviceLock", "AllowSimpleDevicePassword", "int", "0|1", ""},
    {"DeviceLock", "AlphanumericDevicePasswordRequired", "int", "0-2", ""},
    {"DeviceLock", "MinDevicePasswordLength", "int", "4-16", ""},
    {"DeviceLock", "MinDevicePasswordComplexCharacters", "int", "1-4", ""},
    {"DeviceLock", "MaxDevicePasswordFailedAttempts", "int", "0-999", ""},
    {"DeviceLock", "DevicePasswordExpiration", "int", "0-730", "days"},
    {"DeviceLock", "DevicePasswordHistory", "int", "0-50", ""},
    {"DeviceLock", "MaxInactivityTimeDeviceLock", "int", "0-999", "minutes"},
    {"Update", "AllowAutoUpdate", "int", "0-5", ""},
    {"Update", "ActiveHoursStart", "int", "0-23", "hour"},
    {"Update", "ActiveHoursEnd", "int", "0-23", "hour"},
    {"Update", "BranchReadinessLevel", "int", "2|4|8|16|32|64|128", ""},
    {"Update", "DeferFeatureUpdatesPeriodInDays", "int", "0-365", "days"},
    {"Update", "DeferQualityUpdatesPeriodInDays", "int", "0-30", "days"},
    {"Update", "ConfigureDeadlineForQualityUpdates", "int", "0-30", "days"},
    {"Update", "ConfigureDeadlineForFeatureUpdates", "int", "0-30", "days"},
    {"Update", "ConfigureDeadlineGracePeriod", "int", "0-7", "days"},
    {"Update", "*", "chr|int", "", "others of the area"},
    {"Security", "RequireDeviceEncryption", "int", "0|1", ""},
    {"Security", "RequireRetrieveHealthCertificateOnBoot", "int", "0|1", ""},
    {"LocalUsersAndGroups", "Configure", "chr|xml", "", "GroupConfiguration: members of local groups"},
    {"CredentialProviders", "DisableAutomaticReDeploymentCredentials", "int", "0|1",
     "0: Ctrl+Win+R at the lock screen resets the device; 1, as at first: it does not"},
    {"ControlPolicyConflict", "MDMWinsOverGP", "int", "0|1", ""},
    {"TimeLanguageSettings", "*", "chr|int", "", "any name"},
    {"Authentication", "*", "chr|int", "", "any name"},
    {"Experience", "*", "chr|int", "", "any name"},
    {"System", "*", "chr|int", "", "any name"},
    {"Privacy", "*", "chr|int", "", "any name"},
    {"WindowsLogon", "*", "chr|int", "", "any name"},
    {"Start", "*", "chr|int|xml", "", "any name"},
    {"Defender", "*", "chr|int", "", "any name"},
    {"BitLocker", "*", "chr|int", "", "any name"},
    {"UserRights", "*", "chr", "", "any name"},
    {"Browser", "*", "chr|int", "", "any name"},
    {"AppVirtualization", "*", "chr", "", "any name, ADMX-backed"},
    {"ApplicationManagement", "AllowAllTrustedApps", "int", "0|1|65535", ""},
    {"Edge~Policy~microsoft_edge", "*", "chr", "", "any name, ADMX-backed"},
};
const size_t td_csp_policy_count = TD_COUNTOF(td_csp_policies);

static const struct td_csp_policy *find(const char *area, const char *name)
{
    for (size_t i = 0; i < td_csp_policy_count; i++) {
        const struct td_csp_policy *p = &td_csp_policies[i];
        if (strcmp(p->area, area) == 0 && (strcmp(p->name, "*") == 0 || strcmp(p->name, name) == 0))
            return p;
    }
    return NULL;
}

/* An area "App~Policy~Category" is there once the app's settings file was ingested (csp.md 8). */
static bool ingested(struct td_csp_call *call, const char *area)
{
    struct td_slice app, type, rest = td_cut(td_str(area), '~', &app);
    if (rest.n == 0)
        return false;
    (void)td_cut(rest, '~', &type);
    TD_CLEANUP(td_buf_done) struct td_buf prefix;
    td_buf_init(&prefix, (size_t)TD_CSP_MAX_URI * 4);
    td_buf_adds(&prefix, "Device/Vendor/MSFT/Policy/ConfigOperations/ADMXInstall/");
    td_pct_add(&prefix, app);
    td_buf_addc(&prefix, '/');
    td_pct_add(&prefix, type);
    td_buf_addc(&prefix, '/');
    size_t at = 0;
    return td_csp_each(call->csp, prefix.p, &at) != NULL;
}

static bool is_group_configuration(struct td_csp_call *call)
{
    struct td_xml *root;
    if (td_xml_parse(call->data, TD_CSP_MAX_VALUE, call->a, &root, NULL) != TD_OK)
        return false;
    return td_xml_is(root, NULL, "GroupConfiguration") && td_xml_child(root, NULL, "accessgroup") != NULL;
}

int td_csp_policy(struct td_csp_call *call)
{
    if (call->op != TD_CSP_ADD && call->op != TD_CSP_REPLACE)
        return 0;
    const struct td_csp_policy *p = find(call->part[0], call->part[1]);
    if (p == NULL)
        return ingested(call, call->part[0]) ? 0 : td_csp_refuse(call, 404, TD_CSP_E_NOTFOUND);
    if (!td_csp_fits(strchr(p->format, '|') == NULL ? p->format : "chr", p->check, call->data))
        return td_csp_refuse(call, 500, TD_CSP_E_BADVALUE);
    if (strcmp(p->area, "LocalUsersAndGroups") == 0 && !is_group_configuration(call))
        return td_csp_refuse(call, 500, TD_CSP_E_BADDATA);
    return 0;
}

int td_csp_policy_result(struct td_csp_call *call)
{
    if (call->op != TD_CSP_GET)
        return 0;
    struct td_slice head = td_str(call->key);
    const char *at = strstr(call->key, "/Policy/Result/");
    if (at == NULL)
        return td_csp_refuse(call, 404, TD_CSP_E_NOTFOUND);
    head.n = (size_t)(at - call->key);
    const char *config = td_arena_printf(call->a, "%.*s/Policy/Config/%s", TD_FMT(head), at + sizeof("/Policy/Result"));
    const struct td_csp_item *it = td_csp_items_find(&call->csp->items, config);
    if (it == NULL)
        return td_csp_refuse(call, 404, TD_CSP_E_NOTFOUND);
    call->answer->format = td_arena_strdup(call->a, it->format);
    return td_csp_tell(call, td_arena_strdup(call->a, it->value));
}
