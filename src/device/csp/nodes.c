/* csp/nodes: the nodes of the virtual device. docs/protocol/virtual-csp.md is this table printed; a test compares them.
 * Sources: csp.md 1 to 5, 8 to 11, 14; what is not here answers 404. */
#include "device/csp/table.h"

#define DEV TD_CSP_DEVICE
#define USR TD_CSP_USER
#define BOTH TD_CSP_BOTH
#define PLAIN NULL, NULL

#define DETAIL "DevDetail/"
#define MS "DevDetail/Ext/Microsoft/"
#define DMC "Vendor/MSFT/DMClient/"
#define PROVIDER DMC "Provider/{ProviderID}"
#define POLL PROVIDER "/Poll/"
#define FIRST PROVIDER "/FirstSyncStatus/"
#define EST "Vendor/MSFT/EnrollmentStatusTracking/"
#define EST_DP EST "DevicePreparation/PolicyProviders/{Provider}"
#define EST_APPS EST "Setup/Apps/"
#define MSI "Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/{ProductCode}"
#define POLICY "Vendor/MSFT/Policy/"
#define ROOTS "Vendor/MSFT/RootCATrustedCertificates/"
#define STORE "Vendor/MSFT/CertificateStore/"
#define WIFI "Vendor/MSFT/WiFi/Profile/{SSID}"
#define MANAGEABILITY "Vendor/MSFT/DeviceManageability/Provider/{ProviderID}"
#define VPN "Vendor/MSFT/VPNv2/{ProfileName}"
#define LICENSING "Vendor/MSFT/WindowsLicensing/"
#define WIPE "Vendor/MSFT/RemoteWipe/"
#define CLEAN "Vendor/MSFT/CleanPC/"
#define LAPS "Vendor/MSFT/LAPS/"
#define DIAGNOSTIC "Vendor/MSFT/DiagnosticLog/DiagnosticArchive/"
#define KIOSK "Vendor/MSFT/AssignedAccess/"
#define SHARED "Vendor/MSFT/SharedPC/"
#define STATUS "Vendor/MSFT/DeviceStatus/"
#define FACT(name) td_csp_fact_node, name
#define ALWAYS ""

/* One family of stores holds the same leaves below each thumbprint. */
#define CERT_STORE(base, scope, ops)                                                                             \
    {base "/{Thumbprint}", scope, "node", ops, "", NULL, PLAIN, "one certificate, named by its SHA-1"},          \
        {base "/{Thumbprint}/EncodedCertificate",                                                                \
         scope,                                                                                                  \
         "b64|chr|bin",                                                                                          \
         "ADGRu",                                                                                                \
         "",                                                                                                     \
         NULL,                                                                                                   \
         td_csp_cert,                                                                                            \
         NULL,                                                                                                   \
         "base64 DER; its thumbprint must be the node's name"},                                                  \
        {base "/{Thumbprint}/IssuedBy", scope, "chr", "G", "", ALWAYS, td_csp_cert_field, "issuer", "issuer"},   \
        {base "/{Thumbprint}/IssuedTo", scope, "chr", "G", "", ALWAYS, td_csp_cert_field, "subject", "subject"}, \
        {base "/{Thumbprint}/ValidFrom", scope, "chr", "G", "", ALWAYS, td_csp_cert_field, "from", "first day"}, \
        {base "/{Thumbprint}/ValidTo", scope, "chr", "G", "", ALWAYS, td_csp_cert_field, "to", "last day"},      \
    {                                                                                                            \
        base "/{Thumbprint}/TemplateName", scope, "chr", "G", "", ALWAYS, PLAIN, "empty: no template"            \
    }

/* What ends in a reset of the machine; the argument is the kind's word in way/action.h. */
#define WIPE_NODE(leaf, kind, meaning)                                       \
    {                                                                        \
        WIPE leaf, DEV, "chr|null", "X", "", "", td_csp_order, kind, meaning \
    }

const struct td_csp_row td_csp_rows[] = {
    {"DevInfo/DevId", DEV, "chr", "G", "", ALWAYS, FACT("device-id"), "device id of the enrolment"},
    {"DevInfo/Man", DEV, "chr", "G", "", ALWAYS, FACT("manufacturer"), "manufacturer"},
    {"DevInfo/Mod", DEV, "chr", "G", "", ALWAYS, FACT("model"), "model"},
    {"DevInfo/DmV", DEV, "chr", "G", "", "1.3", PLAIN, "version of the management client"},
    {"DevInfo/Lang", DEV, "chr", "G", "", ALWAYS, FACT("language"), "language of the user interface"},

    {DETAIL "DevTyp", DEV, "chr", "G", "", ALWAYS, FACT("model"), "model"},
    {DETAIL "OEM", DEV, "chr", "G", "", ALWAYS, FACT("manufacturer"), "manufacturer"},
    {DETAIL "FwV", DEV, "chr", "G", "", ALWAYS, FACT("firmware"), "firmware version"},
    {DETAIL "SwV", DEV, "chr", "G", "", ALWAYS, FACT("os-version"), "version of the system, a.b.c.d"},
    {DETAIL "HwV", DEV, "chr", "G", "", ALWAYS, FACT("firmware"), "firmware version"},
    {DETAIL "LrgObj", DEV, "bool", "G", "", "true", PLAIN, "large objects are understood"},
    {DETAIL "URI/MaxDepth", DEV, "int|chr", "G", "", "0", PLAIN, "unlimited"},
    {DETAIL "URI/MaxTotLen", DEV, "int|chr", "G", "", "0", PLAIN, "unlimited"},
    {DETAIL "URI/MaxSegLen", DEV, "int|chr", "G", "", "0", PLAIN, "unlimited"},
    {DETAIL "Ext/DeviceHardwareData", DEV, "chr", "G", "", ALWAYS, FACT("hardware-hash"), "hardware hash, base64"},
    {DETAIL "Ext/WLANMACAddress", DEV, "chr", "G", "", ALWAYS, FACT("wlan-mac"), "address of the wireless interface"},
    {MS "OSPlatform", DEV, "chr", "G", "", ALWAYS, td_csp_effect_node, "edition", "product name with its edition"},
    {MS "ProcessorArchitecture", DEV, "int|chr", "G", "", ALWAYS, FACT("architecture"), "0 x86, 9 x64, 12 ARM64"},
    {MS "ProcessorType", DEV, "chr", "G", "", "8664", PLAIN, "kind of processor"},
    {MS "LocalTime", DEV, "chr", "G", "", ALWAYS, td_csp_local_time, NULL, "ISO 8601"},
    {MS "DeviceName", DEV, "chr", "G", "", ALWAYS, td_csp_effect_node, "computer_name", "computer name"},
    {MS "DNSComputerName", DEV, "chr", "GR", "", ALWAYS, td_csp_computer_name, NULL,
     "computer name from the next restart on; %RAND:n% and %SERIAL%; at most 15 characters then"},
    {MS "TotalRAM", DEV, "int", "G", "", ALWAYS, FACT("ram-mib"), "MiB"},
    {MS "TotalStorage", DEV, "int", "G", "", ALWAYS, FACT("storage-mib"), "MiB"},
    {MS "SMBIOSSerialNumber", DEV, "chr", "G", "", ALWAYS, FACT("serial"), "serial number"},

    {DMC "HWDevID", DEV, "chr", "G", "", ALWAYS, FACT("hw-device-id"), "64 hex digits that identify the hardware"},
    {PROVIDER, BOTH, "node", "G", "", NULL, PLAIN, "made by the enrolment"},
    {PROVIDER "/HWDevID", DEV, "chr", "G", "", ALWAYS, FACT("hw-device-id"), "the same below the provider"},
    {DMC "AADDeviceID", DEV, "chr", "G", "", ALWAYS, FACT("directory-id"), "id of the directory device"},
    {PROVIDER "/AADDeviceID", DEV, "chr", "G", "", ALWAYS, FACT("directory-id"), "id of the directory device"},
    {PROVIDER "/EntDeviceName", DEV, "chr", "AGRu", "", NULL, PLAIN, "the administrator's name of the device"},
    {PROVIDER "/EntDMID", DEV, "chr", "AGRu", "", NULL, PLAIN, "the server's id; sent as client-request-id"},
    {PROVIDER "/ExchangeID", DEV, "chr", "G", "", "", PLAIN, "none"},
    {PROVIDER "/EnrollmentType", DEV, "chr", "G", "", "Device", PLAIN, "form of the enrolment"},
    {PROVIDER "/PublisherDeviceID", DEV, "chr", "G", "", "", PLAIN, "none"},
    {PROVIDER "/MaxSyncApplicationVersion", DEV, "chr", "G", "", "5.0", PLAIN, "highest version understood"},
    {PROVIDER "/SyncApplicationVersion", DEV, "chr", "AGRu", "", "1.0", td_csp_sync_version, NULL,
     "2.0 hexadecimal SessionID, 3.0 originalerror, 4.0 UserAgentOrigin; never back below 2.0"},
    {PROVIDER "/ManagementServiceAddress", DEV, "chr", "AGRu", "", NULL, PLAIN, "address of the service"},
    {PROVIDER "/ManagementServerAddressList", DEV, "chr", "AGRu", "", NULL, PLAIN, "more addresses of the service"},
    {PROVIDER "/UPN", DEV, "chr", "ADGRu", "", NULL, PLAIN, "user of the enrolment"},
    {PROVIDER "/HelpPhoneNumber", DEV, "chr", "ADGRu", "", NULL, PLAIN, "shown to the user"},
    {PROVIDER "/HelpWebsite", DEV, "chr", "ADGRu", "", NULL, PLAIN, "shown to the user"},
    {PROVIDER "/HelpEmailAddress", DEV, "chr", "ADGRu", "", NULL, PLAIN, "shown to the user"},
    {PROVIDER "/RequireMessageSigning", DEV, "bool", "DGRu", "false", "false", PLAIN, "only false: not offered"},
    {PROVIDER "/AADResourceID", DEV, "chr", "ADGRu", "", NULL, PLAIN, "audience of the user's token"},
    {PROVIDER "/AADSendDeviceToken", DEV, "bool", "ADGRu", "", NULL, PLAIN, "kept, not acted on"},
    {PROVIDER "/ForceAadToken", DEV, "int", "ADGRu", "0-7", NULL, PLAIN, "kept, not acted on"},
    {PROVIDER "/EnableOmaDmKeepAliveMessage", DEV, "bool", "ADGRu", "", NULL, PLAIN, "kept; no handler here is slow"},
    {PROVIDER "/CommercialID", DEV, "chr", "ADGRu", "", NULL, PLAIN, "kept"},
    {PROVIDER "/NumberOfDaysAfterLostContactToUnenroll", DEV, "int", "ADGRu", "0-365", NULL, PLAIN, "kept"},
    {PROVIDER "/CertRenewTimeStamp", DEV, "chr", "G", "", NULL, PLAIN, "last renewal"},
    {PROVIDER "/SignedEntDMID", DEV, "chr", "G", "", NULL, PLAIN, "none"},
    {PROVIDER "/Push", DEV, "node", "AD", "", NULL, PLAIN, "push account"},
    {PROVIDER "/Push/PFN", DEV, "chr", "AGRu", "", NULL, PLAIN, "package family name"},
    {PROVIDER "/Push/Status", DEV, "int", "G", "", NULL, PLAIN, "none: the virtual device has no push channel"},
    {PROVIDER "/Unenroll", DEV, "chr", "GX", "", "", td_csp_unenroll, NULL, "ends the management; data is ProviderID"},
    {DMC "Unenroll", DEV, "chr", "GX", "", "", td_csp_unenroll, NULL, "older place of the same"},
    {PROVIDER "/ConfigLock/Lock", DEV, "int", "ADGRu", "0|1", NULL, PLAIN, "kept"},
    {PROVIDER "/ConfigRefresh/Enabled", DEV, "bool", "ADGRu", "", NULL, PLAIN, "kept"},
    {PROVIDER "/ConfigRefresh/Cadence", DEV, "int", "ADGRu", "30-1440", NULL, PLAIN, "kept"},
    {PROVIDER "/CustomEnrollmentCompletePage/Title", DEV, "chr", "ADGRu", "", NULL, PLAIN, "kept"},
    {PROVIDER "/CustomEnrollmentCompletePage/BodyText", DEV, "chr", "ADGRu", "", NULL, PLAIN, "kept"},
    {PROVIDER "/CustomEnrollmentCompletePage/HyperlinkHref", DEV, "chr", "ADGRu", "", NULL, PLAIN, "kept"},
    {PROVIDER "/CustomEnrollmentCompletePage/HyperlinkText", DEV, "chr", "ADGRu", "", NULL, PLAIN, "kept"},

    {POLL "IntervalForFirstSetOfRetries", DEV, "int", "AGRu", "0-525600", "15", PLAIN, "minutes"},
    {POLL "NumberOfFirstRetries", DEV, "int", "AGRu", "0-100000", "10", PLAIN, "0 with an interval: for ever"},
    {POLL "IntervalForSecondSetOfRetries", DEV, "int", "AGRu", "0-525600", "0", PLAIN, "minutes"},
    {POLL "NumberOfSecondRetries", DEV, "int", "AGRu", "0-100000", "0", PLAIN, "0 with an interval: for ever"},
    {POLL "IntervalForRemainingScheduledRetries", DEV, "int", "AGRu", "0-525600", "0", PLAIN, "minutes"},
    {POLL "NumberOfRemainingScheduledRetries", DEV, "int", "AGRu", "0-100000", "0", PLAIN,
     "0 with an interval: for ever"},
    {POLL "PollOnLogin", DEV, "bool", "AGRu", "", "false", PLAIN, "a session at each sign-in"},
    {POLL "AllUsersPollOnFirstLogin", DEV, "bool", "AGRu", "", "false", PLAIN, "a session at a user's first sign-in"},

    {FIRST "ExpectedPolicies", BOTH, "chr", "ADGRu", "", NULL, td_csp_list_frozen, NULL, "LocURIs joined by U+F000"},
    {FIRST "ExpectedNetworkProfiles", BOTH, "chr", "ADGRu", "", NULL, td_csp_list_frozen, NULL,
     "LocURIs joined by U+F000"},
    {FIRST "ExpectedMSIAppPackages", BOTH, "chr", "ADGRu", "", NULL, td_csp_list_frozen, NULL,
     "'LocURI of Status;n' joined by U+F000"},
    {FIRST "ExpectedModernAppPackages", BOTH, "chr", "ADGRu", "", NULL, td_csp_list_frozen, NULL,
     "'LocURI of Name;n' joined by U+F000"},
    {FIRST "ExpectedPFXCerts", BOTH, "chr", "ADGRu", "", NULL, td_csp_list_frozen, NULL, "LocURIs joined by U+F000"},
    {FIRST "ExpectedSCEPCerts", BOTH, "chr", "ADGRu", "", NULL, td_csp_list_frozen, NULL, "LocURIs joined by U+F000"},
    {FIRST "TimeOutUntilSyncFailure", DEV, "int", "AGRu", "1-1440", "60", PLAIN, "minutes until the page fails"},
    {FIRST "ServerHasFinishedProvisioning", BOTH, "bool", "AGRu", "", "false", td_csp_finished, NULL,
     "the lists are complete; never from true back to false; freezes them"},
    {FIRST "IsSyncDone", BOTH, "bool", "GR", "", "false", td_csp_sync_done, NULL,
     "all is done; the server may force it; once true it stays"},
    {FIRST "WasDeviceSuccessfullyProvisioned", BOTH, "int", "GR", "0|1|2", "2", td_csp_success, NULL,
     "0 failed, 1 done, 2 in progress; final once 0 or 1"},
    {FIRST "BlockInStatusPage", DEV, "int", "AGRu", "0-7", "0", PLAIN,
     "0 may leave; 1 Reset; 2 Try again; 4 Continue anyway"},
    {FIRST "AllowCollectLogsButton", BOTH, "bool", "AGRu", "", "false", PLAIN, "logs can be collected on failure"},
    {FIRST "CustomErrorText", BOTH, "chr", "ADGRu", "", NULL, PLAIN, "shown when the page fails"},
    {FIRST "SkipDeviceStatusPage", DEV, "bool", "AGRu", "", "true", PLAIN, "false shows the device phase"},
    {FIRST "SkipUserStatusPage", DEV, "bool", "AGRu", "", "true", PLAIN, "false shows the account phase"},

    {EST_DP, DEV, "node", "ADG", "", NULL, PLAIN, "an agent that the page waits for"},
    {EST_DP "/InstallationState", DEV, "int", "ADGRu", "1|2|3|4", NULL, PLAIN,
     "1 not installed, 2 not required, 3 completed, 4 error"},
    {EST_DP "/LastError", DEV, "int", "ADGRu", "", NULL, PLAIN, "HRESULT, read in state 4"},
    {EST_DP "/Timeout", DEV, "int", "ADGRu", "0-1440", "15", PLAIN, "minutes"},
    {EST_DP "/TrackedResourceTypes/Apps", DEV, "bool", "ADGRu", "", "false", PLAIN, "the agent tracks apps"},
    {EST_APPS "PolicyProviders/{Provider}", BOTH, "node", "ADG", "", NULL, PLAIN, "an agent that installs apps"},
    {EST_APPS "PolicyProviders/{Provider}/TrackingPoliciesCreated", BOTH, "bool", "ADGRu", "", "false", PLAIN,
     "the agent's list is complete"},
    {EST_APPS "Tracking/{Provider}", BOTH, "node", "ADG", "", NULL, PLAIN, "apps of one agent"},
    {EST_APPS "Tracking/{Provider}/{App}", BOTH, "node", "ADG", "", NULL, PLAIN, "one app"},
    {EST_APPS "Tracking/{Provider}/{App}/TrackingUri", BOTH, "chr", "ADGRu", "", NULL, PLAIN, "kept"},
    {EST_APPS "Tracking/{Provider}/{App}/InstallationState", BOTH, "int", "ADGRu", "1|2|3|4", "1", PLAIN,
     "1 not installed, 2 in progress, 3 completed, 4 error"},
    {EST_APPS "Tracking/{Provider}/{App}/RebootRequired", BOTH, "int", "ADGRu", "1|2|3", "1", PLAIN,
     "1 no, 2 soft, 3 hard"},
    {EST "Setup/HasProvisioningCompleted", BOTH, "bool", "G", "", "true", td_csp_provisioned, NULL,
     "false while the status page shows"},

    {MSI, BOTH, "node", "ADG", "", NULL, td_csp_msi_delete, NULL, "one package; Delete uninstalls"},
    {MSI "/DownloadInstall", BOTH, "xml|chr|null", "AGX", "", NULL, td_csp_msi_exec, NULL,
     "Exec with a MsiInstallJob: fetched, checked, installed after the session"},
    {MSI "/Version", BOTH, "chr", "G", "", NULL, PLAIN, "installed version"},
    {MSI "/Name", BOTH, "chr", "G", "", NULL, PLAIN, "name of the product"},
    {MSI "/Publisher", BOTH, "chr", "G", "", NULL, PLAIN, "maker of the product"},
    {MSI "/InstallPath", BOTH, "chr", "G", "", NULL, PLAIN, "where it rests"},
    {MSI "/InstallDate", BOTH, "chr", "G", "", NULL, PLAIN, "when it was installed"},
    {MSI "/Status", BOTH, "int", "G", "", NULL, PLAIN,
     "10 initialised, 20 downloading, 25 retry, 30 download failed, 40 downloaded, 48 waits for a user, 50 enforcing, "
     "60 failed, 70 done"},
    {MSI "/LastError", BOTH, "int", "G", "", NULL, PLAIN, "HRESULT"},
    {MSI "/LastErrorDesc", BOTH, "chr", "G", "", NULL, PLAIN, "the reason in words"},

    {POLICY "Config/{Area}/{Name}", BOTH, "chr|int|bool|xml|b64", "ADGRu", "", NULL, td_csp_policy, NULL,
     "the policies below; Replace makes what is missing; Delete means not configured"},
    {POLICY "Result/{Area}/{Name}", BOTH, "chr", "G", "", ALWAYS, td_csp_policy_result, NULL, "value in effect"},
    {POLICY "ConfigOperations/ADMXInstall/{App}", DEV, "node", "ADG", "", NULL, PLAIN, "settings files of one app"},
    {POLICY "ConfigOperations/ADMXInstall/{App}/{SettingType}", DEV, "node", "ADG", "", NULL, PLAIN,
     "Policy or Preference"},
    {POLICY "ConfigOperations/ADMXInstall/{App}/{SettingType}/{File}", DEV, "chr|xml", "ADGRu", "", NULL, PLAIN,
     "opens the areas App~SettingType~..."},

    CERT_STORE(ROOTS "Root", DEV, "ADG"),
    CERT_STORE(ROOTS "CA", BOTH, "ADG"),
    CERT_STORE(ROOTS "TrustedPublisher", BOTH, "ADG"),
    CERT_STORE(ROOTS "TrustedPeople", BOTH, "ADG"),
    CERT_STORE(ROOTS "UntrustedCertificates", BOTH, "ADG"),
    CERT_STORE(STORE "Root/System", DEV, "ADG"),
    CERT_STORE(STORE "CA/System", DEV, "ADG"),
    CERT_STORE(STORE "My/System", DEV, "ADG"),
    CERT_STORE(STORE "My/User", DEV, "ADG"),
    {STORE "My/WSTEP/Renew/ROBOSupport", DEV, "bool", "AGRu", "", NULL, PLAIN, "renewal without a user"},
    {STORE "My/WSTEP/Renew/RenewPeriod", DEV, "int", "AGRu", "1-1000", "42", PLAIN, "days before the end"},
    {STORE "My/WSTEP/Renew/RenewalPeriod", DEV, "int", "AGRu", "1-1000", "42", PLAIN, "the same in the DM path"},
    {STORE "My/WSTEP/Renew/RetryInterval", DEV, "int", "AGRu", "1-1000", "7", PLAIN, "days"},
    {STORE "My/WSTEP/Renew/ServerURL", DEV, "chr", "AGRu", "", NULL, PLAIN, "where to renew"},

    {WIFI, BOTH, "node", "ADG", "", NULL, PLAIN, "one wireless network"},
    {WIFI "/WlanXml", BOTH, "chr|xml", "ADGRu", "", NULL, td_csp_wlan, NULL,
     "WLANProfile; its SSID is the node's name"},
    {WIFI "/Proxy", BOTH, "chr", "ADGRu", "", NULL, PLAIN, "host:port"},
    {WIFI "/ProxyPacUrl", BOTH, "chr", "ADGRu", "", NULL, PLAIN, "address of a proxy script"},
    {WIFI "/ProxyWPAD", BOTH, "bool", "ADGRu", "", NULL, PLAIN, "find the proxy by itself"},
    {WIFI "/DisableInternetConnectivityChecks", BOTH, "bool", "ADGRu", "", NULL, PLAIN, "kept"},
    {WIFI "/WiFiCost", BOTH, "int", "ADGRu", "1|2|3", NULL, PLAIN, "1 unrestricted, 2 fixed, 3 variable"},

    {MANAGEABILITY, DEV, "node", "ADG", "", NULL, PLAIN, "one source of settings"},
    {MANAGEABILITY "/ConfigInfo", DEV, "chr", "ADGRu", "", NULL, PLAIN,
     "what it tells others; a number: workloads of co-management"},
    {MANAGEABILITY "/EnrollmentInfo", DEV, "chr", "ADGRu", "", NULL, PLAIN, "kept"},

    {VPN, BOTH, "node", "ADG", "", NULL, PLAIN, "one VPN"},
    {VPN "/ProfileXML", BOTH, "chr|xml", "ADGRu", "", NULL, td_csp_vpn_profile, NULL,
     "VPNProfile, the whole of it; must name its servers"},
    {VPN "/NativeProfile/Servers", BOTH, "chr", "ADGRu", "", NULL, PLAIN, "names or addresses, by commas"},
    {VPN "/NativeProfile/NativeProtocolType", BOTH, "chr", "ADGRu", "IKEv2|L2tp|PPTP|SSTP|Automatic", NULL, PLAIN,
     "kept"},
    {VPN "/NativeProfile/RoutingPolicyType", BOTH, "chr", "ADGRu", "SplitTunnel|ForceTunnel", NULL, PLAIN, "kept"},
    {VPN "/NativeProfile/Authentication/UserMethod", BOTH, "chr", "ADGRu", "", NULL, PLAIN, "kept"},
    {VPN "/NativeProfile/Authentication/MachineMethod", BOTH, "chr", "ADGRu", "", NULL, PLAIN, "kept"},
    {VPN "/NativeProfile/Authentication/Eap/Configuration", BOTH, "chr|xml", "ADGRu", "", NULL, PLAIN, "kept"},
    {VPN "/PluginProfile/ServerUrlList", BOTH, "chr", "ADGRu", "", NULL, PLAIN, "kept"},
    {VPN "/PluginProfile/PluginPackageFamilyName", BOTH, "chr", "ADGRu", "", NULL, PLAIN, "kept"},
    {VPN "/PluginProfile/CustomConfiguration", BOTH, "chr|xml", "ADGRu", "", NULL, PLAIN, "kept"},
    {VPN "/AlwaysOn", BOTH, "bool", "ADGRu", "", NULL, PLAIN, "dials by itself"},
    {VPN "/DeviceTunnel", DEV, "bool", "ADGRu", "", NULL, PLAIN, "dials before anybody signs in"},
    {VPN "/RegisterDNS", BOTH, "bool", "ADGRu", "", NULL, PLAIN, "kept"},
    {VPN "/RememberCredentials", BOTH, "bool", "ADGRu", "", NULL, PLAIN, "kept"},
    {VPN "/DnsSuffix", BOTH, "chr", "ADGRu", "", NULL, PLAIN, "kept"},
    {VPN "/TrustedNetworkDetection", BOTH, "chr", "ADGRu", "", NULL, PLAIN, "kept"},
    {VPN "/RouteList/{Route}/Address", BOTH, "chr", "ADGRu", "", NULL, PLAIN, "kept"},
    {VPN "/RouteList/{Route}/PrefixSize", BOTH, "int", "ADGRu", "0-128", NULL, PLAIN, "kept"},

    {"Vendor/MSFT/OfflineDomainJoin/Blob", DEV, "b64", "X", "", "", td_csp_domain_blob, NULL,
     "the blob of an offline domain join: taken at once, with a restart behind the session; the same again changes "
     "nothing, another one 0x80070A83, one that can't be read 0x8007000D"},
    {"Vendor/MSFT/Accounts/Domain/ComputerName", DEV, "chr", "A", "", NULL, td_csp_computer_name, NULL,
     "older place of DNSComputerName"},
    {"Vendor/MSFT/Accounts/Users/{Name}", DEV, "node", "ADG", "", NULL, PLAIN, "a local account"},
    {"Vendor/MSFT/Accounts/Users/{Name}/Password", DEV, "chr", "A", "", NULL, PLAIN, "can't be read back"},
    {"Vendor/MSFT/Accounts/Users/{Name}/LocalUserGroup", DEV, "int", "AGR", "1|2", NULL, PLAIN,
     "1 Users, 2 Administrators"},

    {LICENSING "UpgradeEditionWithProductKey", DEV, "chr", "X", "", "", td_csp_edition_key, "restart",
     "29 characters; the last group decides the edition (below)"},
    {LICENSING "ChangeProductKey", DEV, "chr", "X", "", "", td_csp_edition_key, NULL, "the same without a restart"},
    {LICENSING "CheckApplicability", DEV, "chr", "X", "", "", td_csp_key_fits, NULL, "200 if the key fits"},
    {LICENSING "UpgradeEditionWithLicense", DEV, "xml|chr", "X", "", "", td_csp_not_offered, NULL, "not offered: 405"},
    {LICENSING "Edition", DEV, "int", "G", "", ALWAYS, td_csp_effect_node, "edition_number",
     "48 Pro, 4 Enterprise, ..."},
    {LICENSING "Status", DEV, "int", "G", "", "4", PLAIN, "0 failed, 3 done, 4 unknown"},
    {LICENSING "LicenseKeyType", DEV, "chr", "G", "", "Retail", PLAIN, "kind of key"},

    {"Vendor/MSFT/Reboot/RebootNow", DEV, "null|chr", "GX", "", "", td_csp_reboot_now, NULL,
     "after the session; during device setup at its end"},
    {"Vendor/MSFT/Reboot/Schedule/Single", DEV, "chr|date|time", "ADGRu", "", NULL, PLAIN, "kept"},
    {"Vendor/MSFT/Reboot/Schedule/DailyRecurrent", DEV, "chr|date|time", "ADGRu", "", NULL, PLAIN, "kept"},
    {"Vendor/MSFT/Reboot/Schedule/WeeklyRecurrent", DEV, "chr|date|time", "ADGRu", "", NULL, PLAIN, "kept"},
    {"Vendor/MSFT/TenantLockdown/RequireNetworkInOOBE", DEV, "bool", "GR", "", "false", PLAIN,
     "no set-up without a network after a reset"},
    {"Vendor/MSFT/WindowsAutopilot/HardwareMismatchRemediationData", DEV, "chr", "G", "", ALWAYS,
     FACT("hardware-mismatch"), "another board than at the enrolment (hardware-mismatch.md), else empty"},

    {STATUS "SecureBootState", DEV, "int", "G", "", "1", PLAIN, "on"},
    {STATUS "OS/Edition", DEV, "int", "G", "", ALWAYS, td_csp_effect_node, "edition_number",
     "48 Pro, 4 Enterprise, ..."},
    {STATUS "OS/Mode", DEV, "int", "G", "", "0", PLAIN, "not in S mode"},
    {STATUS "TPM/SpecificationVersion", DEV, "chr", "G", "", ALWAYS, FACT("tpm-version"), "version of the TPM"},
    {STATUS "UAC/Status", DEV, "int", "G", "", "1", PLAIN, "on"},
    {STATUS "Firewall/Status", DEV, "int", "G", "", "0", PLAIN, "on and monitoring"},
    {STATUS "Antivirus/Status", DEV, "int", "G", "", "0", PLAIN, "on and monitoring"},
    {STATUS "Compliance/EncryptionCompliance", DEV, "int", "G", "", "0", PLAIN, "not encrypted"},
    {STATUS "DomainName", DEV, "chr", "G", "", ALWAYS, FACT("domain"), "the domain that it has joined, else empty"},

    WIPE_NODE("doWipe", "wipe", "removes everything; interrupted, it rolls back"),
    WIPE_NODE("doWipeProtected", "protected-wipe", "as doWipe, and goes on until it is done"),
    WIPE_NODE("doWipePersistProvisionedData", "wipe-keep-provisioning", "as doWipe, keeps provisioning packages"),
    WIPE_NODE("doWipePersistUserData", "wipe-keep-user-data", "keeps accounts, join and enrolment"),
    WIPE_NODE("doWipeCloud", "cloud-wipe", "as doWipe, by an image that is fetched"),
    WIPE_NODE("doWipeCloudPersistProvisionedData", "wipe-keep-provisioning", "as doWipePersistProvisionedData"),
    WIPE_NODE("doWipeCloudPersistUserData", "wipe-keep-user-data", "as doWipePersistUserData"),
    WIPE_NODE("AutomaticRedeployment/doAutomaticRedeployment", "reset", "reset in place: keeps join and enrolment"),
    {WIPE "AutomaticRedeployment/LastError", DEV, "int", "G", "", "0", td_csp_reset_fact, "reset-error", "HRESULT"},
    {WIPE "AutomaticRedeployment/Status", DEV, "int", "G", "", "0", td_csp_reset_fact, "reset-status",
     "0 never, 1 done, 10 scheduled, 20 waits for the restart, 30 refused, 40 needs power, 50 failed"},
    {CLEAN "CleanPCRetainingUserData", DEV, "int|chr|null", "X", "", "", td_csp_order, "fresh-start-keep-user-data",
     "removes apps, keeps users' data, join and enrolment"},
    {CLEAN "CleanPCWithoutRetainingUserData", DEV, "int|chr|null", "X", "", "", td_csp_order, "fresh-start",
     "leaves nothing but the system"},
    {"Vendor/MSFT/RemoteLock/Lock", DEV, "chr|null", "X", "", "", td_csp_not_offered, NULL, "phones only: 405"},

    {LAPS "Policies/BackupDirectory", DEV, "int", "ADGRu", "0|1|2", NULL, PLAIN, "0 off, 1 the directory, 2 kept only"},
    {LAPS "Policies/PasswordAgeDays", DEV, "int", "ADGRu", "1-365", NULL, PLAIN, "days until a new one; 30 if unset"},
    {LAPS "Policies/PasswordComplexity", DEV, "int", "ADGRu", "1-8", NULL, PLAIN,
     "1 capitals, 2 and small letters, 3 and digits, 4 and signs, 5 without look-alikes; 6 to 8 as 4; 4 if unset"},
    {LAPS "Policies/PasswordLength", DEV, "int", "ADGRu", "8-64", NULL, PLAIN, "characters; 14 if unset"},
    {LAPS "Policies/PassphraseLength", DEV, "int", "ADGRu", "3-10", NULL, PLAIN, "kept"},
    {LAPS "Policies/AdministratorAccountName", DEV, "chr", "ADGRu", "", NULL, PLAIN, "Administrator, if unset"},
    {LAPS "Policies/PasswordExpirationProtectionEnabled", DEV, "bool", "ADGRu", "", NULL, PLAIN, "kept"},
    {LAPS "Policies/ADPasswordEncryptionEnabled", DEV, "bool", "ADGRu", "", NULL, PLAIN, "kept"},
    {LAPS "Policies/ADPasswordEncryptionPrincipal", DEV, "chr", "ADGRu", "", NULL, PLAIN, "kept"},
    {LAPS "Policies/ADEncryptedPasswordHistorySize", DEV, "int", "ADGRu", "0-12", NULL, PLAIN, "kept"},
    {LAPS "Policies/PostAuthenticationResetDelay", DEV, "int", "ADGRu", "0-24", NULL, PLAIN, "kept"},
    {LAPS "Policies/PostAuthenticationActions", DEV, "int", "ADGRu", "1|3|5|11", NULL, PLAIN, "kept"},
    {LAPS "Policies/AutomaticAccountManagementEnabled", DEV, "bool", "ADGRu", "", NULL, PLAIN, "kept"},
    {LAPS "Policies/AutomaticAccountManagementTarget", DEV, "int", "ADGRu", "0|1", NULL, PLAIN, "kept"},
    {LAPS "Policies/AutomaticAccountManagementNameOrPrefix", DEV, "chr", "ADGRu", "", NULL, PLAIN, "kept"},
    {LAPS "Policies/AutomaticAccountManagementEnableAccount", DEV, "bool", "ADGRu", "", NULL, PLAIN, "kept"},
    {LAPS "Policies/AutomaticAccountManagementRandomizeName", DEV, "bool", "ADGRu", "", NULL, PLAIN, "kept"},
    {LAPS "Actions/ResetPassword", DEV, "null|chr", "X", "", "", td_csp_laps_reset, NULL,
     "a new password after the session, sent to the directory; needs BackupDirectory 1"},
    {LAPS "Actions/ResetPasswordStatus", DEV, "int", "G", "", "0", PLAIN, "HRESULT; 0x8000000A while at work"},

    {KIOSK "Configuration", DEV, "chr|xml", "ADGRu", "", NULL, td_csp_kiosk_config, NULL,
     "AssignedAccessConfiguration: which account gets which apps; an AutoLogonAccount is signed in by itself"},
    {KIOSK "KioskModeApp", DEV, "chr", "ADGRu", "", NULL, td_csp_kiosk_app, NULL,
     "JSON of Account and AUMID; without effect beside a Configuration"},
    {KIOSK "StatusConfiguration", DEV, "chr|xml", "ADGRu", "", NULL, td_csp_kiosk_monitor, NULL,
     "StatusEnabled On, OnWithAlerts or Off; no alert is sent, since nothing fails here"},
    {KIOSK "Status", DEV, "chr", "G", "", ALWAYS, td_csp_kiosk_status, NULL,
     "KioskModeAppRuntimeStatus: 1 runs, 0 nobody is signed in to it; 404 while it is not asked for"},
    {KIOSK "ShellLauncher", DEV, "chr|xml", "AX", "", NULL, td_csp_not_offered, NULL, "not offered: 405"},
    {SHARED "AccountModel", DEV, "int", "ADGRu", "0|1|2", "0", PLAIN, "0 guests, 1 people of the directory, 2 both"},
    {SHARED "DeletionPolicy", DEV, "int", "ADGRu", "0|1|2", "1", PLAIN,
     "0 at sign-out, 1 when the disk fills, 2 and after InactiveThreshold"},
    {SHARED "DiskLevelCaching", DEV, "int", "ADGRu", "0-100", "50", PLAIN, "kept: the virtual disk does not fill"},
    {SHARED "DiskLevelDeletion", DEV, "int", "ADGRu", "0-100", "25", PLAIN, "kept: the virtual disk does not fill"},
    {SHARED "InactiveThreshold", DEV, "int", "ADGRu", "0-4294967295", "30", PLAIN, "days without a sign-in"},
    {SHARED "EnableAccountManager", DEV, "bool", "ADGRu", "", "false", PLAIN, "deletes accounts by DeletionPolicy"},
    {SHARED "KioskModeAUMID", DEV, "chr", "ADGRu", "", NULL, PLAIN, "an app of its own tile at the sign-in screen"},
    {SHARED "KioskModeUserTileDisplayText", DEV, "chr", "ADGRu", "", NULL, PLAIN, "what that tile says"},
    {SHARED "MaintenanceStartTime", DEV, "int", "ADGRu", "0-1440", "0", PLAIN, "minutes from midnight; kept"},
    {SHARED "MaxPageFileSizeMB", DEV, "int", "ADGRu", "0-32768", "1024", PLAIN, "kept"},
    {SHARED "RestrictLocalStorage", DEV, "bool", "ADGRu", "", "false", PLAIN, "kept"},
    {SHARED "SetEduPolicies", DEV, "bool", "ADGRu", "", "false", PLAIN, "kept"},
    {SHARED "SetPowerPolicies", DEV, "bool", "ADGRu", "", "false", PLAIN, "kept"},
    {SHARED "SignInOnResume", DEV, "bool", "ADGRu", "", "false", PLAIN, "kept"},
    {SHARED "SleepTimeout", DEV, "int", "ADGRu", "0-4294967295", "300", PLAIN, "seconds, 0 never; kept"},
    {SHARED "EnableSharedPCMode", DEV, "bool", "ADGRu", "", "false", td_csp_shared_mode, NULL,
     "true: the nodes above take effect as they stand now"},
    {SHARED "EnableSharedPCModeWithOneDriveSync", DEV, "bool", "ADGRu", "", "false", td_csp_shared_mode, NULL,
     "the same, files synchronized"},

    {DIAGNOSTIC "ArchiveDefinition", DEV, "chr|xml", "ARuX", "", "", td_csp_archive_definition, NULL,
     "a Collection of ID, SasUrl and what to collect; sent by PUT after the session"},
    {DIAGNOSTIC "ArchiveResults", DEV, "chr", "G", "", "", PLAIN, "the last Collection with its HRESULTs"},
};
const size_t td_csp_row_count = TD_COUNTOF(td_csp_rows);
