/* Managed devices, their reports, deployment events (graph-api.md 1.3, 1.5; autopilot.md 6.4). */
#include "graph/managed.h"
#include "graph/types.h"

#define WORDS(...)                 \
    .words = (const char *const[]) \
    {                              \
        __VA_ARGS__, NULL          \
    }
#define NUMBERS(...)         \
    .numbers = (const int[]) \
    {                        \
        __VA_ARGS__          \
    }
#define ENUM(symbol) .kind = TD_G_ENUM, .of = &td_g_enum_##symbol

const struct td_g_enum td_g_enum_compliance_state = {
    .name = "complianceState",
    WORDS("unknown", "compliant", "noncompliant", "conflict", "error", "inGracePeriod", "configManager"),
    NUMBERS(0, 1, 2, 3, 4, 254, 255)};
const struct td_g_enum td_g_enum_device_enrollment_type = {
    .name = "deviceEnrollmentType",
    WORDS("unknown", "userEnrollment", "deviceEnrollmentManager", "appleBulkWithUser", "appleBulkWithoutUser",
          "windowsAzureADJoin", "windowsBulkUserless", "windowsAutoEnrollment", "windowsBulkAzureDomainJoin",
          "windowsCoManagement", "windowsAzureADJoinUsingDeviceAuth", "appleUserEnrollment",
          "appleUserEnrollmentWithServiceAccount"),
};
const struct td_g_enum td_g_enum_management_agent = {
    .name = "managementAgentType",
    WORDS("eas", "mdm", "easMdm", "intuneClient", "easIntuneClient", "configurationManagerClient",
          "configurationManagerClientMdm", "configurationManagerClientMdmEas", "unknown", "jamf",
          "googleCloudDevicePolicyController", "microsoft365ManagedMdm", "msSense"),
    NUMBERS(1, 2, 3, 4, 5, 8, 10, 11, 16, 32, 64, 258, 1024)};
const struct td_g_enum td_g_enum_management_state = {
    .name = "managementState",
    WORDS("managed", "retirePending", "retireFailed", "wipePending", "wipeFailed", "unhealthy", "deletePending",
          "retireIssued", "wipeIssued", "wipeCanceled", "retireCanceled", "discovered")};
const struct td_g_enum td_g_enum_device_registration_state = {
    .name = "deviceRegistrationState",
    WORDS("notRegistered", "registered", "revoked", "keyConflict", "approvalPending", "certificateReset",
          "notRegisteredPendingEnrollment", "unknown"),
    NUMBERS(0, 2, 3, 4, 5, 6, 7, 8)};
const struct td_g_enum td_g_enum_managed_owner = {.name = "managedDeviceOwnerType",
                                                  WORDS("unknown", "company", "personal")};
const struct td_g_enum td_g_enum_owner = {.name = "ownerType", WORDS("unknown", "company", "personal")};
const struct td_g_enum td_g_enum_action_state = {
    .name = "actionState", WORDS("none", "pending", "canceled", "active", "done", "failed", "notSupported")};
const struct td_g_enum td_g_enum_join_type = {
    .name = "joinType", WORDS("unknown", "azureADJoined", "azureADRegistered", "hybridAzureADJoined")};
const struct td_g_enum td_g_enum_architecture = {.name = "managedDeviceArchitecture",
                                                 WORDS("unknown", "x86", "x64", "arm", "arM64")};
const struct td_g_enum td_g_enum_chassis = {.name = "chassisType",
                                            WORDS("unknown", "desktop", "laptop", "worksWorkstation",
                                                  "enterpriseServer", "phone", "tablet", "mobileOther",
                                                  "mobileUnknown")};
const struct td_g_enum td_g_enum_device_type = {
    .name = "deviceType",
    WORDS("desktop", "windowsRT", "winMO6", "nokia", "windowsPhone", "mac", "winCE", "winEmbedded", "iPhone", "iPad",
          "iPod", "android", "iSocConsumer", "unix", "macMDM", "holoLens", "surfaceHub", "androidForWork",
          "androidEnterprise", "windows10x", "androidnGMS", "chromeOS", "linux", "visionOS", "tvOS", "blackberry",
          "palm", "unknown", "cloudPC")};
const struct td_g_enum td_g_enum_exchange_access = {.name = "deviceManagementExchangeAccessState",
                                                    WORDS("none", "unknown", "allowed", "blocked", "quarantined")};
const struct td_g_enum td_g_enum_exchange_reason = {
    .name = "deviceManagementExchangeAccessStateReason",
    WORDS("none", "unknown", "exchangeGlobalRule", "exchangeIndividualRule", "exchangeDeviceRule", "exchangeUpgrade",
          "exchangeMailboxPolicy", "other", "compliant", "notCompliant", "notEnrolled", "unknownLocation",
          "mfaRequired", "azureADBlockDueToAccessPolicy", "compromisedPassword", "deviceNotKnownWithManagedApp"),
    NUMBERS(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16)};
const struct td_g_enum td_g_enum_threat_state = {.name = "managedDevicePartnerReportedHealthState",
                                                 WORDS("unknown", "activated", "deactivated", "secured", "lowSeverity",
                                                       "mediumSeverity", "highSeverity", "unresponsive", "compromised",
                                                       "misconfigured")};
const struct td_g_enum td_g_enum_management_features = {.name = "managedDeviceManagementFeatures",
                                                        WORDS("none", "microsoftManagedDesktop")};
const struct td_g_enum td_g_enum_lost_mode = {.name = "lostModeState", WORDS("disabled", "enabled")};
const struct td_g_enum td_g_enum_compliance_status = {
    .name = "complianceStatus",
    WORDS("unknown", "notApplicable", "compliant", "remediated", "nonCompliant", "error", "conflict", "notAssigned"),
    NUMBERS(0, 1, 2, 3, 4, 5, 6, 7)};
const struct td_g_enum td_g_enum_policy_platform = {
    .name = "policyPlatformType",
    WORDS("android", "iOS", "macOS", "windowsPhone81", "windows81AndLater", "windows10AndLater", "all"),
    NUMBERS(0, 2, 3, 4, 5, 6, 100)};
const struct td_g_enum td_g_enum_deployment_state = {.name = "windowsAutopilotDeploymentState",
                                                     WORDS("unknown", "success", "inProgress", "failure",
                                                           "successWithTimeout", "notAttempted", "disabled",
                                                           "successOnRetry")};
const struct td_g_enum td_g_enum_autopilot_enrollment_type = {
    .name = "windowsAutopilotEnrollmentType",
    WORDS("unknown", "azureADJoinedWithAutopilotProfile", "offlineDomainJoined",
          "azureADJoinedUsingDeviceAuthWithAutopilotProfile", "azureADJoinedUsingDeviceAuthWithoutAutopilotProfile",
          "azureADJoinedWithOfflineAutopilotProfile", "azureADJoinedWithWhiteGlove",
          "offlineDomainJoinedWithWhiteGlove", "offlineDomainJoinedWithOfflineAutopilotProfile")};
const struct td_g_enum td_g_enum_policy_type = {.name = "deviceManagementAutopilotPolicyType",
                                                WORDS("unknown", "application", "appModel", "configurationPolicy"),
                                                NUMBERS(0, 3, 7, 12)};
const struct td_g_enum td_g_enum_policy_compliance = {
    .name = "deviceManagementAutopilotPolicyComplianceStatus",
    WORDS("unknown", "compliant", "installed", "notCompliant", "notInstalled", "error")};

static const struct td_g_prop action_result_props[] = {
    {.name = "actionName", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    {.name = "actionState", ENUM(action_state)},
    {.name = "startDateTime", .kind = TD_G_TIME},
    {.name = "lastUpdatedDateTime", .kind = TD_G_TIME},
};
const struct td_g_type td_g_type_device_action_result = {
    .name = "deviceActionResult", .TD_G_PROPS(action_result_props), .complex = true};

static const struct td_g_prop scan_result_props[] = {
    {.name = "scanType", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
};
const struct td_g_type td_g_type_scan_action_result = {.name = "windowsDefenderScanActionResult",
                                                       .base = &td_g_type_device_action_result,
                                                       .TD_G_PROPS(scan_result_props),
                                                       .complex = true};

#define TEXT(n, f)                                                     \
    {                                                                  \
        .name = (n), .kind = TD_G_STRING, .flags = TD_G_NULLABLE | (f) \
    }
#define ASKED_INT(n)                                          \
    {                                                         \
        .name = (n), .kind = TD_G_INT64, .flags = TD_G_VEILED \
    }
static const struct td_g_prop managed_device_props[] = {
    TEXT("userId", 0),
    TEXT("deviceName", 0),
    {.name = "managedDeviceOwnerType", ENUM(managed_owner), .flags = TD_G_WRITE},
    {.name = "ownerType", ENUM(owner), .flags = TD_G_BETA | TD_G_WRITE},
    {.name = "deviceActionResults",
     .kind = TD_G_COMPLEX,
     .of = &td_g_type_device_action_result,
     .flags = TD_G_NULLABLE | TD_G_MANY,
     .write = td_g_managed_actions},
    {.name = "enrolledDateTime", .kind = TD_G_TIME},
    {.name = "lastSyncDateTime", .kind = TD_G_TIME},
    TEXT("operatingSystem", 0),
    {.name = "deviceType", ENUM(device_type), .flags = TD_G_BETA},
    {.name = "complianceState", ENUM(compliance_state)},
    {.name = "jailBroken", .kind = TD_G_STRING, .flags = TD_G_NULLABLE, .otherwise = "\"Unknown\""},
    {.name = "managementAgent", ENUM(management_agent), .otherwise = "\"mdm\""},
    TEXT("osVersion", 0),
    {.name = "easActivated", .kind = TD_G_BOOL},
    TEXT("easDeviceId", 0),
    {.name = "easActivationDateTime", .kind = TD_G_TIME},
    {.name = "aadRegistered", .kind = TD_G_BOOL, .flags = TD_G_NULLABLE | TD_G_BETA},
    {.name = "azureADRegistered", .kind = TD_G_BOOL, .flags = TD_G_NULLABLE},
    {.name = "deviceEnrollmentType", ENUM(device_enrollment_type)},
    TEXT("activationLockBypassCode", TD_G_VEILED),
    TEXT("emailAddress", 0),
    TEXT("azureActiveDirectoryDeviceId", TD_G_BETA),
    TEXT("azureADDeviceId", 0),
    {.name = "deviceRegistrationState", ENUM(device_registration_state), .otherwise = "\"registered\""},
    TEXT("deviceCategoryDisplayName", 0),
    {.name = "isSupervised", .kind = TD_G_BOOL},
    {.name = "exchangeLastSuccessfulSyncDateTime", .kind = TD_G_TIME},
    {.name = "exchangeAccessState", ENUM(exchange_access)},
    {.name = "exchangeAccessStateReason", ENUM(exchange_reason)},
    TEXT("remoteAssistanceSessionUrl", 0),
    TEXT("remoteAssistanceSessionErrorDetails", 0),
    {.name = "isEncrypted", .kind = TD_G_BOOL},
    TEXT("userPrincipalName", 0),
    TEXT("enrolledByUserPrincipalName", TD_G_BETA),
    TEXT("model", 0),
    TEXT("manufacturer", 0),
    TEXT("imei", 0),
    {.name = "complianceGracePeriodExpirationDateTime", .kind = TD_G_TIME},
    TEXT("serialNumber", 0),
    TEXT("phoneNumber", 0),
    TEXT("androidSecurityPatchLevel", 0),
    TEXT("securityPatchLevel", TD_G_BETA),
    TEXT("userDisplayName", 0),
    TEXT("wiFiMacAddress", 0),
    TEXT("subscriberCarrier", 0),
    TEXT("meid", 0),
    {.name = "totalStorageSpaceInBytes", .kind = TD_G_INT64},
    {.name = "freeStorageSpaceInBytes", .kind = TD_G_INT64},
    {.name = "managedDeviceName", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_WRITE, .max = TD_MANAGED_NAME_MAX},
    {.name = "partnerReportedThreatState", ENUM(threat_state)},
    {.name = "requireUserEnrollmentApproval", .kind = TD_G_BOOL, .flags = TD_G_NULLABLE},
    {.name = "managementCertificateExpirationDate", .kind = TD_G_TIME},
    TEXT("iccid", TD_G_VEILED),
    TEXT("udid", TD_G_VEILED),
    TEXT("ethernetMacAddress", TD_G_VEILED),
    ASKED_INT("physicalMemoryInBytes"),
    {.name = "notes",
     .kind = TD_G_STRING,
     .flags = TD_G_NULLABLE | TD_G_WRITE | TD_G_VEILED,
     .max = TD_MANAGED_NOTES_MAX},
    {.name = "managementState", ENUM(management_state)},
    {.name = "managementFeatures", ENUM(management_features), .flags = TD_G_BETA},
    {.name = "autopilotEnrolled", .kind = TD_G_BOOL, .flags = TD_G_BETA},
    TEXT("enrollmentProfileName", 0),
    {.name = "bootstrapTokenEscrowed", .kind = TD_G_BOOL, .flags = TD_G_BETA},
    {.name = "chassisType", ENUM(chassis), .flags = TD_G_BETA},
    {.name = "joinType", ENUM(join_type), .flags = TD_G_BETA},
    {.name = "lostModeState", ENUM(lost_mode), .flags = TD_G_BETA},
    {.name = "deviceFirmwareConfigurationInterfaceManaged", .kind = TD_G_BOOL, .flags = TD_G_BETA},
    {.name = "preferMdmOverGroupPolicyAppliedDateTime", .kind = TD_G_TIME, .flags = TD_G_BETA},
    {.name = "processorArchitecture", ENUM(architecture), .flags = TD_G_BETA},
    {.name = "retireAfterDateTime", .kind = TD_G_TIME, .flags = TD_G_BETA},
    {.name = "roleScopeTagIds",
     .kind = TD_G_STRING,
     .flags = TD_G_NULLABLE | TD_G_MANY | TD_G_BETA,
     .otherwise = "[\"0\"]"},
    TEXT("skuFamily", TD_G_BETA),
    {.name = "skuNumber", .kind = TD_G_INT32, .flags = TD_G_BETA, .write = td_g_managed_sku},
    TEXT("specificationVersion", TD_G_BETA),
    {.name = "hardwareInformation",
     .kind = TD_G_COMPLEX,
     .of = &td_g_type_hardware_information,
     .flags = TD_G_NULLABLE | TD_G_BETA | TD_G_VEILED},
    {.name = "deviceHealthAttestationState",
     .kind = TD_G_COMPLEX,
     .of = &td_g_type_health_attestation,
     .flags = TD_G_NULLABLE},
    {.name = "usersLoggedOn",
     .kind = TD_G_COMPLEX,
     .of = &td_g_type_logged_on_user,
     .flags = TD_G_NULLABLE | TD_G_MANY | TD_G_BETA,
     .otherwise = "[]"},
    {.name = "windowsActiveMalwareCount", .kind = TD_G_INT32, .flags = TD_G_BETA},
    {.name = "windowsRemediatedMalwareCount", .kind = TD_G_INT32, .flags = TD_G_BETA},
};
static const struct td_g_nav managed_device_navs[] = {
    {.name = "users", .type = &td_g_type_user, .flags = TD_G_MANY},
    {.name = "deviceConfigurationStates", .type = &td_g_type_device_configuration_state, .flags = TD_G_MANY},
    {.name = "deviceCompliancePolicyStates", .type = &td_g_type_device_compliance_state, .flags = TD_G_MANY},
    {.name = "logCollectionRequests", .type = &td_g_type_log_collection, .flags = TD_G_MANY},
};
const struct td_g_type td_g_type_managed_device = {.name = "managedDevice",
                                                   .base = &td_g_type_entity,
                                                   .TD_G_PROPS(managed_device_props),
                                                   .TD_G_NAVS(managed_device_navs)};

static const struct td_g_prop policy_state_props[] = {
    TEXT("displayName", 0),
    {.name = "platformType", ENUM(policy_platform)},
    {.name = "settingCount", .kind = TD_G_INT32},
    {.name = "state", ENUM(compliance_status)},
    {.name = "version", .kind = TD_G_INT32},
    TEXT("userId", TD_G_BETA),
    TEXT("userPrincipalName", TD_G_BETA),
};
const struct td_g_type td_g_type_device_configuration_state = {
    .name = "deviceConfigurationState", .base = &td_g_type_entity, .TD_G_PROPS(policy_state_props)};
const struct td_g_type td_g_type_device_compliance_state = {
    .name = "deviceCompliancePolicyState", .base = &td_g_type_entity, .TD_G_PROPS(policy_state_props)};

#define SPAN(n)                                                          \
    {                                                                    \
        .name = (n), .kind = TD_G_DURATION, .write = td_g_event_duration \
    }
static const struct td_g_prop autopilot_event_props[] = {
    TEXT("deviceId", 0),
    {.name = "eventDateTime", .kind = TD_G_TIME},
    {.name = "deviceRegisteredDateTime", .kind = TD_G_TIME},
    {.name = "enrollmentStartDateTime", .kind = TD_G_TIME},
    {.name = "enrollmentType", ENUM(autopilot_enrollment_type)},
    TEXT("deviceSerialNumber", 0),
    TEXT("managedDeviceName", 0),
    TEXT("userPrincipalName", 0),
    TEXT("userId", 0),
    TEXT("windowsAutopilotDeploymentProfileDisplayName", 0),
    {.name = "enrollmentState", ENUM(enrollment_state)},
    TEXT("windows10EnrollmentCompletionPageConfigurationDisplayName", 0),
    TEXT("windows10EnrollmentCompletionPageConfigurationId", 0),
    {.name = "deploymentState", ENUM(deployment_state)},
    {.name = "deviceSetupStatus", ENUM(deployment_state)},
    {.name = "accountSetupStatus", ENUM(deployment_state)},
    TEXT("osVersion", 0),
    SPAN("deploymentDuration"),
    SPAN("deploymentTotalDuration"),
    SPAN("devicePreparationDuration"),
    SPAN("deviceSetupDuration"),
    SPAN("accountSetupDuration"),
    {.name = "deploymentStartDateTime", .kind = TD_G_TIME},
    {.name = "deploymentEndDateTime", .kind = TD_G_TIME},
    {.name = "targetedAppCount", .kind = TD_G_INT32},
    {.name = "targetedPolicyCount", .kind = TD_G_INT32},
    {.name = "enrollmentFailureDetails", .kind = TD_G_STRING, .flags = TD_G_NULLABLE, .write = td_g_event_failure},
};
static const struct td_g_nav autopilot_event_navs[] = {
    {.name = "policyStatusDetails", .type = &td_g_type_policy_status_detail, .flags = TD_G_MANY},
};
const struct td_g_type td_g_type_autopilot_event = {.name = "deviceManagementAutopilotEvent",
                                                    .base = &td_g_type_entity,
                                                    .TD_G_PROPS(autopilot_event_props),
                                                    .TD_G_NAVS(autopilot_event_navs),
                                                    .beta = true};

static const struct td_g_prop policy_detail_props[] = {
    TEXT("displayName", 0),
    {.name = "policyType", ENUM(policy_type)},
    {.name = "complianceStatus", ENUM(policy_compliance)},
    {.name = "trackedOnEnrollmentStatus", .kind = TD_G_BOOL, .write = td_g_event_tracked},
    {.name = "lastReportedDateTime", .kind = TD_G_TIME},
    {.name = "errorCode", .kind = TD_G_INT32, .write = td_g_event_code},
};
const struct td_g_type td_g_type_policy_status_detail = {.name = "deviceManagementAutopilotPolicyStatusDetail",
                                                         .base = &td_g_type_entity,
                                                         .TD_G_PROPS(policy_detail_props),
                                                         .beta = true};
