/* Deployment profiles and enrolment configurations as callers of the administration interface see them. Their rows are
 * made in memory from what the store gives (graph/profiles.c, graph/enrolment_configurations.c): a tenant has few of
 * them and their settings rest as JSON. So the columns have names and types only (graph-api.md 1.3, 1.4). */
#include "store/views.h"

#define TEXT(n)                        \
    {                                  \
        .name = (n), .type = TD_V_TEXT \
    }
#define BOOL(n)                        \
    {                                  \
        .name = (n), .type = TD_V_BOOL \
    }
#define INT(n)                        \
    {                                 \
        .name = (n), .type = TD_V_INT \
    }
#define TIME(n)                        \
    {                                  \
        .name = (n), .type = TD_V_TIME \
    }
#define JSON(n)                        \
    {                                  \
        .name = (n), .type = TD_V_JSON \
    }

static const struct td_view_column profile_columns[] = {
    TEXT("id"),
    TEXT("@type"),
    TEXT("displayName"),
    TEXT("description"),
    TEXT("language"),
    TEXT("locale"),
    TIME("createdDateTime"),
    TIME("lastModifiedDateTime"),
    BOOL("extractHardwareHash"),
    BOOL("hardwareHashExtractionEnabled"),
    TEXT("deviceNameTemplate"),
    TEXT("deviceType"),
    BOOL("enableWhiteGlove"),
    BOOL("preprovisioningAllowed"),
    JSON("roleScopeTagIds"),
    TEXT("managementServiceAppId"),
    BOOL("hybridAzureADJoinSkipConnectivityCheck"),
    BOOL("outOfBoxExperienceSettings/hidePrivacySettings"),
    BOOL("outOfBoxExperienceSettings/hideEULA"),
    TEXT("outOfBoxExperienceSettings/userType"),
    TEXT("outOfBoxExperienceSettings/deviceUsageType"),
    BOOL("outOfBoxExperienceSettings/skipKeyboardSelectionPage"),
    BOOL("outOfBoxExperienceSettings/hideEscapeLink"),
    BOOL("outOfBoxExperienceSetting/privacySettingsHidden"),
    BOOL("outOfBoxExperienceSetting/eulaHidden"),
    TEXT("outOfBoxExperienceSetting/userType"),
    TEXT("outOfBoxExperienceSetting/deviceUsageType"),
    BOOL("outOfBoxExperienceSetting/keyboardSelectionPageSkipped"),
    BOOL("outOfBoxExperienceSetting/escapeLinkHidden"),
};
const struct td_view td_view_profile = {.name = "windowsAutopilotDeploymentProfiles",
                                        .type_column = "@type",
                                        .columns = profile_columns,
                                        .count = TD_COUNTOF(profile_columns)};

static const struct td_view_column assignment_columns[] = {TEXT("id"), TEXT("sourceId"), TEXT("~target"),
                                                           BOOL("~excluded")};
const struct td_view td_view_profile_assignment = {
    .name = "assignments", .columns = assignment_columns, .count = TD_COUNTOF(assignment_columns)};

static const struct td_view_column configuration_columns[] = {
    TEXT("id"),
    TEXT("@type"),
    TEXT("displayName"),
    TEXT("description"),
    INT("priority"),
    INT("version"),
    TIME("createdDateTime"),
    TIME("lastModifiedDateTime"),
    TEXT("deviceEnrollmentConfigurationType"),
    JSON("roleScopeTagIds"),
    BOOL("showInstallationProgress"),
    INT("installProgressTimeoutInMinutes"),
    TEXT("customErrorMessage"),
    BOOL("allowLogCollectionOnInstallFailure"),
    BOOL("allowDeviceResetOnInstallFailure"),
    BOOL("allowDeviceUseOnInstallFailure"),
    BOOL("blockDeviceSetupRetryByUser"),
    BOOL("disableUserStatusTrackingAfterFirstUser"),
    BOOL("trackInstallProgressForAutopilotOnly"),
    BOOL("installQualityUpdates"),
    BOOL("allowNonBlockingAppInstallation"),
    JSON("selectedMobileAppIds"),
    INT("limit"),
    JSON("windowsRestriction"),
};
const struct td_view td_view_enrolment_configuration = {.name = "deviceEnrollmentConfigurations",
                                                        .type_column = "@type",
                                                        .columns = configuration_columns,
                                                        .count = TD_COUNTOF(configuration_columns)};
