#include "policy/catalogue.h"

#include <stdio.h>

#define DEV TD_SCOPE_DEVICE
#define BOTH (TD_SCOPE_DEVICE | TD_SCOPE_USER)
#define G TD_OP_GET
#define GR (TD_OP_GET | TD_OP_REPLACE)
#define ADGR (TD_OP_ADD | TD_OP_DELETE | TD_OP_GET | TD_OP_REPLACE)
#define X TD_OP_EXEC
#define POLICY "Vendor/MSFT/Policy/Config/"
#define CLIENT "Vendor/MSFT/DMClient/Provider/{}/"
#define FIRST CLIENT "FirstSyncStatus/"
#define SHARED "Vendor/MSFT/SharedPC/"
#define MSI "Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/{}/"

const struct td_csp_node td_csp_nodes[] = {
    /* csp.md 1, 2: what the device says of itself */
    {"DevDetail/SwV", "chr", G, DEV, 0, 0, "Version of the operating system."},
    {"DevDetail/Ext/DeviceHardwareData", "chr", G, DEV, 0, 0, "Hardware hash in base64."},
    {"DevDetail/Ext/Microsoft/DNSComputerName", "chr", GR, DEV, 0, 0, "Computer name, in effect after a restart."},
    {"DevDetail/Ext/Microsoft/DeviceName", "chr", G, DEV, 0, 0, "Computer name now."},
    {"DevDetail/Ext/Microsoft/SMBIOSSerialNumber", "chr", G, DEV, 0, 0, "Serial number."},
    /* csp.md 3: the management client and the status page */
    {"Vendor/MSFT/DMClient/HWDevID", "chr", G, DEV, 0, 0, "Hardware id of the device."},
    {CLIENT "AADDeviceID", "chr", G, DEV, 0, 0, "Id in the directory."},
    {CLIENT "SyncApplicationVersion", "chr", ADGR, DEV, 0, 0, "Abilities of the session that the server knows."},
    {CLIENT "Poll/IntervalForFirstSetOfRetries", "int", GR, DEV, 0, 525600, "Minutes between first sessions."},
    {CLIENT "Poll/NumberOfFirstRetries", "int", GR, DEV, 0, 100000, "How many first sessions; 0 for ever."},
    {CLIENT "Poll/IntervalForSecondSetOfRetries", "int", GR, DEV, 0, 525600, "Minutes between second sessions."},
    {CLIENT "Poll/NumberOfSecondRetries", "int", GR, DEV, 0, 100000, "How many second sessions."},
    {CLIENT "Poll/IntervalForRemainingScheduledRetries", "int", GR, DEV, 0, 525600, "Minutes between later sessions."},
    {CLIENT "Poll/NumberOfRemainingScheduledRetries", "int", GR, DEV, 0, 100000, "How many later sessions."},
    {FIRST "ExpectedPolicies", "chr", ADGR, BOTH, 0, 0, "Policies that the status page waits for."},
    {FIRST "ExpectedNetworkProfiles", "chr", ADGR, BOTH, 0, 0, "Wi-Fi profiles that the status page waits for."},
    {FIRST "ExpectedMSIAppPackages", "chr", ADGR, BOTH, 0, 0, "MSI packages that the status page waits for."},
    {FIRST "TimeOutUntilSyncFailure", "int", GR, DEV, 1, 1440, "Minutes until the status page fails."},
    {FIRST "ServerHasFinishedProvisioning", "bool", GR, BOTH, 0, 0, "The lists are complete."},
    {FIRST "IsSyncDone", "bool", GR, BOTH, 0, 0, "The phase has ended."},
    {FIRST "WasDeviceSuccessfullyProvisioned", "int", GR, BOTH, 0, 2, "0 failed, 1 succeeded, 2 in progress."},
    {FIRST "BlockInStatusPage", "int", GR, DEV, 0, 7, "1 reset, 2 try again, 4 continue."},
    {FIRST "AllowCollectLogsButton", "bool", GR, BOTH, 0, 0, "Offer to collect logs."},
    {FIRST "CustomErrorText", "chr", ADGR, BOTH, 0, 0, "Text shown on failure."},
    {FIRST "SkipDeviceStatusPage", "bool", GR, DEV, 0, 0, "Hide the device phase."},
    {FIRST "SkipUserStatusPage", "bool", GR, DEV, 0, 0, "Hide the account phase."},
    /* csp.md 5, 9, 11, 14 */
    {MSI "DownloadInstall", "xml", TD_OP_ADD | X | G, BOTH, 0, 0, "Fetch and install a package."},
    {MSI "Status", "int", G, BOTH, 0, 70, "10 to 50 under way, 60 failed, 70 installed."},
    {"Vendor/MSFT/WindowsLicensing/UpgradeEditionWithProductKey", "chr", X, DEV, 0, 0, "Change the edition by a key."},
    {"Vendor/MSFT/WindowsLicensing/Edition", "int", G, DEV, 0, 0, "Number of the edition."},
    {"Vendor/MSFT/WindowsLicensing/Status", "int", G, DEV, 0, 4, "0 failed, 1 pending, 2 running, 3 done."},
    {"Vendor/MSFT/RootCATrustedCertificates/Root/{}/EncodedCertificate", "b64", ADGR, DEV, 0, 0, "A trusted root."},
    {"Vendor/MSFT/RootCATrustedCertificates/CA/{}/EncodedCertificate", "b64", ADGR, BOTH, 0, 0, "An intermediate."},
    {"Vendor/MSFT/WiFi/Profile/{}/WlanXml", "chr", ADGR, BOTH, 0, 0, "A Wi-Fi profile."},
    {"Vendor/MSFT/DeviceManageability/Provider/{}/ConfigInfo", "chr", ADGR, DEV, 0, 0,
     "What this service tells others on the device."},
    {"Vendor/MSFT/VPNv2/{}/ProfileXML", "chr", ADGR, BOTH, 0, 0, "A VPN profile."},
    {"Vendor/MSFT/TenantLockdown/RequireNetworkInOOBE", "bool", GR, DEV, 0, 0,
     "No set-up without network after a reset."},
    /* kiosk and shared PC: their items write them (desired_kiosk.c); here for settings by hand */
    {"Vendor/MSFT/AssignedAccess/Configuration", "chr", ADGR, DEV, 0, 0, "Which account gets which apps, as XML."},
    {"Vendor/MSFT/AssignedAccess/KioskModeApp", "chr", ADGR, DEV, 0, 0, "The older node: account and app, as JSON."},
    {"Vendor/MSFT/AssignedAccess/StatusConfiguration", "chr", ADGR, DEV, 0, 0, "Whether Status is kept, as XML."},
    {"Vendor/MSFT/AssignedAccess/Status", "chr", G, DEV, 0, 0, "Whether the kiosk runs, as XML."},
    {SHARED "AccountModel", "int", ADGR, DEV, 0, 2, "0 guests, 1 people of the directory, 2 both."},
    {SHARED "DeletionPolicy", "int", ADGR, DEV, 0, 2, "0 at sign-out, 1 when the disk fills, 2 or after inactivity."},
    {SHARED "DiskLevelCaching", "int", ADGR, DEV, 0, 100, "Percent of free disk at which deletion ends."},
    {SHARED "DiskLevelDeletion", "int", ADGR, DEV, 0, 100, "Percent of free disk below which accounts go."},
    {SHARED "InactiveThreshold", "int", ADGR, DEV, 0, 4294967295, "Days without a sign-in until an account goes."},
    {SHARED "EnableAccountManager", "bool", ADGR, DEV, 0, 0, "Delete accounts by the policy."},
    {SHARED "KioskModeAUMID", "chr", ADGR, DEV, 0, 0, "An app with a tile at the sign-in screen."},
    {SHARED "KioskModeUserTileDisplayText", "chr", ADGR, DEV, 0, 0, "What the tile says."},
    {SHARED "MaintenanceStartTime", "int", ADGR, DEV, 0, 1440, "Minutes from midnight."},
    {SHARED "MaxPageFileSizeMB", "int", ADGR, DEV, 0, 32768, "Largest paging file."},
    {SHARED "RestrictLocalStorage", "bool", ADGR, DEV, 0, 0, "People keep nothing on the disk."},
    {SHARED "SetEduPolicies", "bool", ADGR, DEV, 0, 0, "Settings for schools."},
    {SHARED "SetPowerPolicies", "bool", ADGR, DEV, 0, 0, "Settings that save power."},
    {SHARED "SignInOnResume", "bool", ADGR, DEV, 0, 0, "A sign-in after sleep."},
    {SHARED "SleepTimeout", "int", ADGR, DEV, 0, 4294967295, "Seconds until sleep; 0 never."},
    {SHARED "EnableSharedPCMode", "bool", ADGR, DEV, 0, 0, "Written last: the other values take effect."},
    {SHARED "EnableSharedPCModeWithOneDriveSync", "bool", ADGR, DEV, 0, 0, "The same, with files synchronized."},
    /* csp.md 8: policies whose ranges we know */
    {POLICY "DeviceLock/DevicePasswordEnabled", "int", ADGR, DEV, 0, 1, "0 demands a password."},
    {POLICY "DeviceLock/AllowSimpleDevicePassword", "int", ADGR, DEV, 0, 1, "Allow 1111 and the like."},
    {POLICY "DeviceLock/AlphanumericDevicePasswordRequired", "int", ADGR, DEV, 0, 2, "Kind of password."},
    {POLICY "DeviceLock/MinDevicePasswordLength", "int", ADGR, DEV, 4, 16, "Shortest password."},
    {POLICY "DeviceLock/MinDevicePasswordComplexCharacters", "int", ADGR, DEV, 1, 4, "Kinds of characters."},
    {POLICY "DeviceLock/MaxDevicePasswordFailedAttempts", "int", ADGR, DEV, 0, 999, "Wrong passwords allowed."},
    {POLICY "DeviceLock/DevicePasswordExpiration", "int", ADGR, DEV, 0, 730, "Days until a new password."},
    {POLICY "DeviceLock/DevicePasswordHistory", "int", ADGR, DEV, 0, 50, "Old passwords remembered."},
    {POLICY "DeviceLock/MaxInactivityTimeDeviceLock", "int", ADGR, DEV, 0, 999, "Minutes until the screen locks."},
    {POLICY "Update/AllowAutoUpdate", "int", ADGR, DEV, 0, 5, "How updates are installed."},
    {POLICY "Update/ActiveHoursStart", "int", ADGR, DEV, 0, 23, "No restart from this hour."},
    {POLICY "Update/ActiveHoursEnd", "int", ADGR, DEV, 0, 23, "No restart until this hour."},
    {POLICY "Update/DeferFeatureUpdatesPeriodInDays", "int", ADGR, DEV, 0, 365, "Days to wait."},
    {POLICY "Update/DeferQualityUpdatesPeriodInDays", "int", ADGR, DEV, 0, 30, "Days to wait."},
    {POLICY "Update/ConfigureDeadlineForQualityUpdates", "int", ADGR, DEV, 2, 30, "Days until forced."},
    {POLICY "Update/ConfigureDeadlineForFeatureUpdates", "int", ADGR, DEV, 2, 30, "Days until forced."},
    {POLICY "Update/ConfigureDeadlineGracePeriod", "int", ADGR, DEV, 0, 7, "Days of grace."},
    {POLICY "Update/TargetReleaseVersion", "chr", ADGR, DEV, 0, 0, "Release to stay on."},
    {POLICY "Update/UpdateServiceUrl", "chr", ADGR, DEV, 0, 0, "Update server."},
    {POLICY "Security/RequireDeviceEncryption", "int", ADGR, DEV, 0, 1, "Encrypt the disk."},
    {POLICY "TimeLanguageSettings/ConfigureTimeZone", "chr", ADGR, DEV, 0, 0, "Time zone by its Windows name."},
    {POLICY "LocalUsersAndGroups/Configure", "chr", ADGR, DEV, 0, 0, "Members of local groups."},
    {POLICY "ControlPolicyConflict/MDMWinsOverGP", "int", ADGR, DEV, 0, 1, "Management wins over group policy."},
    {POLICY "Experience/AllowCortana", "int", ADGR, DEV, 0, 1, "Allow Cortana."},
    {POLICY "System/AllowTelemetry", "int", ADGR, BOTH, 0, 3, "Diagnostic data."},
};
const size_t td_csp_node_count = TD_COUNTOF(td_csp_nodes);

static struct td_slice without_root(struct td_slice uri)
{
    static const char *const roots[] = {"./Device/", "./User/", "./"};
    for (size_t i = 0; i < TD_COUNTOF(roots); i++)
        if (td_istarts(uri, roots[i]))
            return td_sub(uri, strlen(roots[i]), uri.n);
    return uri;
}

static bool matches(struct td_slice path, struct td_slice pattern)
{
    struct td_slice have, want;
    while (path.n != 0 && pattern.n != 0) {
        path = td_cut(path, '/', &have);
        pattern = td_cut(pattern, '/', &want);
        if (!td_eqs(want, "{}") && !td_eq(have, want))
            return false;
    }
    return path.n == 0 && pattern.n == 0;
}

const struct td_csp_node *td_csp_find(struct td_slice uri)
{
    unsigned scope = td_istarts(uri, "./User/") ? TD_SCOPE_USER : TD_SCOPE_DEVICE;
    struct td_slice path = without_root(uri);
    for (size_t i = 0; i < td_csp_node_count; i++)
        if ((td_csp_nodes[i].scopes & scope) != 0 && matches(path, td_str(td_csp_nodes[i].path)))
            return &td_csp_nodes[i];
    return NULL;
}

/* The last two segments, which people know a setting by. */
static struct td_slice short_name(struct td_slice uri)
{
    size_t from = uri.n, slashes = 0;
    while (from > 0 && (slashes += uri.p[from - 1] == '/') < 2)
        from--;
    return td_sub(uri, from, uri.n);
}

enum td_code td_csp_check(const struct td_csp_node *node, struct td_slice uri, struct td_slice value,
                          struct td_error *err)
{
    char where[64];
    (void)snprintf(where, sizeof(where), "%.*s", TD_FMT(short_name(uri)));
    int64_t n;
    if (strcmp(node->format, "bool") == 0 && !td_eqs(value, "true") && !td_eqs(value, "false"))
        return td_fail(err, TD_EINVAL, where, "must be true or false");
    if (strcmp(node->format, "int") != 0)
        return TD_OK;
    if (!td_parse_i64(value, &n))
        return td_fail(err, TD_EINVAL, where, "must be a whole number");
    if ((node->min != 0 || node->max != 0) && (n < node->min || n > node->max))
        return td_fail(err, TD_EINVAL, where, "must be from %lld to %lld", (long long)node->min, (long long)node->max);
    return TD_OK;
}
