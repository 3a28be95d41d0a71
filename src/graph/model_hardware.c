/* What a managed device is made of and how healthy it started: members that are shown where $select names them
 * (graph-api.md 1.5). Members whose words the document does not give are left out. */
#include "graph/types.h"

#define P(n, k, f)                             \
    {                                          \
        .name = (n), .kind = (k), .flags = (f) \
    }

static const struct td_g_prop hardware_information_props[] = {
    P("batteryChargeCycles", TD_G_INT32, 0),
    P("batteryHealthPercentage", TD_G_INT32, 0),
    P("batteryLevelPercentage", TD_G_INT32, TD_G_NULLABLE),
    P("batterySerialNumber", TD_G_STRING, TD_G_NULLABLE),
    P("cellularTechnology", TD_G_STRING, TD_G_NULLABLE),
    P("deviceFullQualifiedDomainName", TD_G_STRING, TD_G_NULLABLE),
    P("deviceLicensingLastErrorCode", TD_G_INT32, 0),
    P("deviceLicensingLastErrorDescription", TD_G_STRING, TD_G_NULLABLE),
    P("esimIdentifier", TD_G_STRING, TD_G_NULLABLE),
    P("freeStorageSpace", TD_G_INT64, 0),
    P("imei", TD_G_STRING, TD_G_NULLABLE),
    P("ipAddressV4", TD_G_STRING, TD_G_NULLABLE),
    P("isEncrypted", TD_G_BOOL, 0),
    P("isSharedDevice", TD_G_BOOL, 0),
    P("isSupervised", TD_G_BOOL, 0),
    P("manufacturer", TD_G_STRING, TD_G_NULLABLE),
    P("meid", TD_G_STRING, TD_G_NULLABLE),
    P("model", TD_G_STRING, TD_G_NULLABLE),
    P("operatingSystemEdition", TD_G_STRING, TD_G_NULLABLE),
    P("operatingSystemLanguage", TD_G_STRING, TD_G_NULLABLE),
    P("operatingSystemProductType", TD_G_INT32, 0),
    P("osBuildNumber", TD_G_STRING, TD_G_NULLABLE),
    P("phoneNumber", TD_G_STRING, TD_G_NULLABLE),
    P("productName", TD_G_STRING, TD_G_NULLABLE),
    P("residentUsersCount", TD_G_INT32, TD_G_NULLABLE),
    P("serialNumber", TD_G_STRING, TD_G_NULLABLE),
    P("subnetAddress", TD_G_STRING, TD_G_NULLABLE),
    P("subscriberCarrier", TD_G_STRING, TD_G_NULLABLE),
    P("systemManagementBIOSVersion", TD_G_STRING, TD_G_NULLABLE),
    P("totalStorageSpace", TD_G_INT64, 0),
    P("tpmManufacturer", TD_G_STRING, TD_G_NULLABLE),
    P("tpmSpecificationVersion", TD_G_STRING, TD_G_NULLABLE),
    P("tpmVersion", TD_G_STRING, TD_G_NULLABLE),
    P("wifiMac", TD_G_STRING, TD_G_NULLABLE),
    P("wiredIPv4Addresses", TD_G_STRING, TD_G_NULLABLE | TD_G_MANY),
};
const struct td_g_type td_g_type_hardware_information = {
    .name = "hardwareInformation", .TD_G_PROPS(hardware_information_props), .complex = true};

static const struct td_g_prop health_attestation_props[] = {
    P("attestationIdentityKey", TD_G_STRING, TD_G_NULLABLE),
    P("bitLockerStatus", TD_G_STRING, TD_G_NULLABLE),
    P("bootAppSecurityVersion", TD_G_STRING, TD_G_NULLABLE),
    P("bootDebugging", TD_G_STRING, TD_G_NULLABLE),
    P("bootManagerSecurityVersion", TD_G_STRING, TD_G_NULLABLE),
    P("bootManagerVersion", TD_G_STRING, TD_G_NULLABLE),
    P("bootRevisionListInfo", TD_G_STRING, TD_G_NULLABLE),
    P("codeIntegrity", TD_G_STRING, TD_G_NULLABLE),
    P("codeIntegrityCheckVersion", TD_G_STRING, TD_G_NULLABLE),
    P("codeIntegrityPolicy", TD_G_STRING, TD_G_NULLABLE),
    P("contentNamespaceUrl", TD_G_STRING, TD_G_NULLABLE),
    P("contentVersion", TD_G_STRING, TD_G_NULLABLE),
    P("dataExcutionPolicy", TD_G_STRING, TD_G_NULLABLE),
    P("deviceHealthAttestationStatus", TD_G_STRING, TD_G_NULLABLE),
    P("earlyLaunchAntiMalwareDriverProtection", TD_G_STRING, TD_G_NULLABLE),
    P("healthAttestationSupportedStatus", TD_G_STRING, TD_G_NULLABLE),
    P("healthStatusMismatchInfo", TD_G_STRING, TD_G_NULLABLE),
    P("issuedDateTime", TD_G_TIME, 0),
    P("lastUpdateDateTime", TD_G_STRING, TD_G_NULLABLE),
    P("operatingSystemKernelDebugging", TD_G_STRING, TD_G_NULLABLE),
    P("operatingSystemRevListInfo", TD_G_STRING, TD_G_NULLABLE),
    P("pcr0", TD_G_STRING, TD_G_NULLABLE),
    P("pcrHashAlgorithm", TD_G_STRING, TD_G_NULLABLE),
    P("resetCount", TD_G_INT64, 0),
    P("restartCount", TD_G_INT64, 0),
    P("safeMode", TD_G_STRING, TD_G_NULLABLE),
    P("secureBoot", TD_G_STRING, TD_G_NULLABLE),
    P("secureBootConfigurationPolicyFingerPrint", TD_G_STRING, TD_G_NULLABLE),
    P("testSigning", TD_G_STRING, TD_G_NULLABLE),
    P("tpmVersion", TD_G_STRING, TD_G_NULLABLE),
    P("virtualSecureMode", TD_G_STRING, TD_G_NULLABLE),
    P("windowsPE", TD_G_STRING, TD_G_NULLABLE),
};
const struct td_g_type td_g_type_health_attestation = {
    .name = "deviceHealthAttestationState", .TD_G_PROPS(health_attestation_props), .complex = true};

static const struct td_g_prop logged_on_user_props[] = {
    P("lastLogOnDateTime", TD_G_TIME, 0),
    P("userId", TD_G_STRING, TD_G_NULLABLE),
};
const struct td_g_type td_g_type_logged_on_user = {
    .name = "loggedOnUser", .TD_G_PROPS(logged_on_user_props), .complex = true};
