/* Deployment profiles (graph-api.md 1.3). */
#include "graph/profiles.h"
#include "graph/types.h"

#define WORDS(...)                 \
    .words = (const char *const[]) \
    {                              \
        __VA_ARGS__, NULL          \
    }
#define ENUM(symbol) .kind = TD_G_ENUM, .of = &td_g_enum_##symbol
#define TEXT .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_WRITE
#define BOOL .kind = TD_G_BOOL, .flags = TD_G_WRITE

const struct td_g_enum td_g_enum_autopilot_device_type = {
    .name = "windowsAutopilotDeviceType",
    WORDS("windowsPc", "holoLens", "surfaceHub2", "surfaceHub2S", "virtualMachine", "unknownFutureValue"),
    .numbers = (const int[]){0, 1, 2, 3, 4, 99}};
const struct td_g_enum td_g_enum_user_type = {.name = "windowsUserType",
                                              WORDS("administrator", "standard", "unknownFutureValue")};
const struct td_g_enum td_g_enum_usage_type = {.name = "windowsDeviceUsageType",
                                               WORDS("singleUser", "shared", "unknownFutureValue")};

static const struct td_g_prop old_oobe_props[] = {
    {.name = "hidePrivacySettings", BOOL},
    {.name = "hideEULA", BOOL},
    {.name = "userType", ENUM(user_type), .flags = TD_G_WRITE},
    {.name = "deviceUsageType", ENUM(usage_type), .flags = TD_G_WRITE},
    {.name = "skipKeyboardSelectionPage", BOOL},
    {.name = "hideEscapeLink", BOOL},
};
const struct td_g_type td_g_type_old_oobe = {
    .name = "outOfBoxExperienceSettings", .TD_G_PROPS(old_oobe_props), .complex = true, .beta = true};

static const struct td_g_prop oobe_props[] = {
    {.name = "privacySettingsHidden", BOOL},
    {.name = "eulaHidden", BOOL},
    {.name = "userType", ENUM(user_type), .flags = TD_G_WRITE},
    {.name = "deviceUsageType", ENUM(usage_type), .flags = TD_G_WRITE},
    {.name = "keyboardSelectionPageSkipped", BOOL},
    {.name = "escapeLinkHidden", BOOL},
};
const struct td_g_type td_g_type_oobe = {.name = "outOfBoxExperienceSetting", .TD_G_PROPS(oobe_props), .complex = true};

static const struct td_g_prop screen_props[] = {
    {.name = "hideInstallationProgress", .kind = TD_G_BOOL},
    {.name = "allowDeviceUseBeforeProfileAndAppInstallComplete", .kind = TD_G_BOOL},
    {.name = "blockDeviceSetupRetryByUser", .kind = TD_G_BOOL},
    {.name = "allowLogCollectionOnInstallFailure", .kind = TD_G_BOOL},
    {.name = "customErrorMessage", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    {.name = "installProgressTimeoutInMinutes", .kind = TD_G_INT32, .flags = TD_G_NULLABLE},
    {.name = "allowDeviceUseOnInstallFailure", .kind = TD_G_BOOL},
};
const struct td_g_type td_g_type_status_screen = {
    .name = "windowsEnrollmentStatusScreenSettings", .TD_G_PROPS(screen_props), .complex = true, .beta = true};

/* Old and current names stand side by side, always with equal values: tools read either (graph-api.md 0.7). */
static const struct td_g_prop profile_props[] = {
    {.name = "displayName", TEXT | TD_G_NEEDED},
    {.name = "description", TEXT},
    {.name = "language", TEXT | TD_G_BETA},
    {.name = "locale", TEXT},
    {.name = "createdDateTime", .kind = TD_G_TIME},
    {.name = "lastModifiedDateTime", .kind = TD_G_TIME},
    {.name = "enrollmentStatusScreenSettings",
     .kind = TD_G_COMPLEX,
     .flags = TD_G_NULLABLE | TD_G_BETA,
     .of = &td_g_type_status_screen},
    {.name = "extractHardwareHash", BOOL | TD_G_BETA},
    {.name = "hardwareHashExtractionEnabled", BOOL | TD_G_NULLABLE},
    {.name = "deviceNameTemplate", TEXT},
    {.name = "deviceType", ENUM(autopilot_device_type), .flags = TD_G_WRITE},
    {.name = "enableWhiteGlove", BOOL | TD_G_BETA},
    {.name = "preprovisioningAllowed", BOOL | TD_G_NULLABLE},
    {.name = "roleScopeTagIds",
     .kind = TD_G_STRING,
     .flags = TD_G_NULLABLE | TD_G_MANY | TD_G_WRITE,
     .otherwise = "[\"0\"]"},
    {.name = "managementServiceAppId", TEXT},
    {.name = "outOfBoxExperienceSettings",
     .kind = TD_G_COMPLEX,
     .flags = TD_G_NULLABLE | TD_G_BETA | TD_G_WRITE,
     .of = &td_g_type_old_oobe},
    {.name = "outOfBoxExperienceSetting",
     .kind = TD_G_COMPLEX,
     .flags = TD_G_NULLABLE | TD_G_WRITE,
     .of = &td_g_type_oobe},
};
static const struct td_g_nav profile_navs[] = {
    {.name = "assignedDevices", .type = &td_g_type_registration, .flags = TD_G_MANY},
    {.name = "assignments", .type = &td_g_type_profile_assignment, .flags = TD_G_MANY | TD_G_BETA},
};
const struct td_g_type td_g_type_deployment_profile = {.name = "windowsAutopilotDeploymentProfile",
                                                       .base = &td_g_type_entity,
                                                       .TD_G_PROPS(profile_props),
                                                       .TD_G_NAVS(profile_navs),
                                                       .abstract = true,
                                                       .show_type = true};
const struct td_g_type td_g_type_azure_ad_profile = {.name = "azureADWindowsAutopilotDeploymentProfile",
                                                     .base = &td_g_type_deployment_profile,
                                                     .beta = true,
                                                     .show_type = true};

static const struct td_g_prop hybrid_props[] = {
    {.name = "hybridAzureADJoinSkipConnectivityCheck", BOOL},
};
static const struct td_g_nav hybrid_navs[] = {
    {.name = "domainJoinConfiguration", .type = &td_g_type_domain_join_configuration, .flags = TD_G_NULLABLE},
};
const struct td_g_type td_g_type_active_directory_profile = {.name = "activeDirectoryWindowsAutopilotDeploymentProfile",
                                                             .base = &td_g_type_deployment_profile,
                                                             .TD_G_PROPS(hybrid_props),
                                                             .TD_G_NAVS(hybrid_navs),
                                                             .beta = true,
                                                             .show_type = true};

static const struct td_g_prop assignment_props[] = {
    {.name = "source", ENUM(assignment_source), .flags = TD_G_BETA},
    {.name = "sourceId", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_BETA},
    {.name = "target",
     .kind = TD_G_COMPLEX,
     .flags = TD_G_NULLABLE | TD_G_BETA | TD_G_WRITE | TD_G_CREATE,
     .of = &td_g_type_target,
     .write = td_g_profile_target},
};
const struct td_g_type td_g_type_profile_assignment = {
    .name = "windowsAutopilotDeploymentProfileAssignment", .base = &td_g_type_entity, .TD_G_PROPS(assignment_props)};

static const struct td_g_prop payload_links_props[] = {
    {.name = "payloadId", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    {.name = "hasLink", .kind = TD_G_BOOL},
    {.name = "error", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    {.name = "sources", .kind = TD_G_ENUM, .flags = TD_G_MANY, .of = &td_g_enum_assignment_source},
};
const struct td_g_type td_g_type_payload_links = {
    .name = "hasPayloadLinkResultItem", .TD_G_PROPS(payload_links_props), .complex = true};
