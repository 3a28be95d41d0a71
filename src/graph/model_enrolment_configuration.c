/* Enrolment configurations (graph-api.md 1.4). */
#include "graph/profiles.h"
#include "graph/types.h"

#define WORDS(...)                 \
    .words = (const char *const[]) \
    {                              \
        __VA_ARGS__, NULL          \
    }
#define ENUM(symbol) .kind = TD_G_ENUM, .of = &td_g_enum_##symbol
#define FLAG(n)                                                         \
    {                                                                   \
        .name = (n), .kind = TD_G_BOOL, .flags = TD_G_BETA | TD_G_WRITE \
    }
#define NUMBER(n, low, high, value)                                                                             \
    {                                                                                                           \
        .name = (n), .kind = TD_G_INT32, .flags = TD_G_WRITE, .otherwise = (value), .min = (low), .max = (high) \
    }

const struct td_g_enum td_g_enum_enrollment_configuration_type = {
    .name = "deviceEnrollmentConfigurationType",
    WORDS("unknown", "limit", "platformRestrictions", "windowsHelloForBusiness", "defaultLimit",
          "defaultPlatformRestrictions", "defaultWindowsHelloForBusiness",
          "defaultWindows10EnrollmentCompletionPageConfiguration", "windows10EnrollmentCompletionPageConfiguration",
          "deviceComanagementAuthorityConfiguration", "singlePlatformRestriction", "unknownFutureValue",
          "enrollmentNotificationsConfiguration", "windowsRestore")};
const struct td_g_enum td_g_enum_restriction_platform = {.name = "enrollmentRestrictionPlatformType",
                                                         WORDS("allPlatforms", "ios", "windows", "windowsPhone",
                                                               "android", "androidForWork", "mac", "linux",
                                                               "unknownFutureValue")};
const struct td_g_enum td_g_enum_enablement = {.name = "enablement", WORDS("notConfigured", "enabled", "disabled")};
const struct td_g_enum td_g_enum_pin_usage = {.name = "windowsHelloForBusinessPinUsage",
                                              WORDS("allowed", "required", "disallowed")};

static const struct td_g_prop configuration_props[] = {
    {.name = "displayName", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_WRITE, .max = 800},
    {.name = "description", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_WRITE, .max = 6000},
    {.name = "priority", .kind = TD_G_INT32},
    {.name = "createdDateTime", .kind = TD_G_TIME},
    {.name = "lastModifiedDateTime", .kind = TD_G_TIME},
    {.name = "version", .kind = TD_G_INT32},
    {.name = "roleScopeTagIds",
     .kind = TD_G_STRING,
     .flags = TD_G_NULLABLE | TD_G_MANY | TD_G_BETA | TD_G_WRITE,
     .otherwise = "[\"0\"]"},
    {.name = "deviceEnrollmentConfigurationType", ENUM(enrollment_configuration_type), .flags = TD_G_BETA},
};
static const struct td_g_nav configuration_navs[] = {
    {.name = "assignments", .type = &td_g_type_enrolment_assignment, .flags = TD_G_MANY},
};
const struct td_g_type td_g_type_enrolment_configuration = {.name = "deviceEnrollmentConfiguration",
                                                            .base = &td_g_type_entity,
                                                            .TD_G_PROPS(configuration_props),
                                                            .TD_G_NAVS(configuration_navs),
                                                            .abstract = true,
                                                            .show_type = true};

static const struct td_g_prop page_props[] = {
    FLAG("showInstallationProgress"),
    FLAG("blockDeviceSetupRetryByUser"),
    FLAG("allowDeviceResetOnInstallFailure"),
    FLAG("allowLogCollectionOnInstallFailure"),
    {.name = "customErrorMessage", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_BETA | TD_G_WRITE, .max = 40000},
    {.name = "installProgressTimeoutInMinutes", .kind = TD_G_INT32, .flags = TD_G_NULLABLE | TD_G_BETA | TD_G_WRITE},
    FLAG("allowDeviceUseOnInstallFailure"),
    {.name = "selectedMobileAppIds",
     .kind = TD_G_STRING,
     .flags = TD_G_NULLABLE | TD_G_MANY | TD_G_BETA | TD_G_WRITE,
     .otherwise = "[]"},
    {.name = "allowNonBlockingAppInstallation", .kind = TD_G_BOOL, .flags = TD_G_WRITE},
    FLAG("installQualityUpdates"),
    FLAG("trackInstallProgressForAutopilotOnly"),
    FLAG("disableUserStatusTrackingAfterFirstUser"),
};
const struct td_g_type td_g_type_completion_page = {.name = "windows10EnrollmentCompletionPageConfiguration",
                                                    .base = &td_g_type_enrolment_configuration,
                                                    .TD_G_PROPS(page_props),
                                                    .show_type = true};

static const struct td_g_prop limit_props[] = {NUMBER("limit", 0, 1000000, "5")};
const struct td_g_type td_g_type_enrolment_limit = {.name = "deviceEnrollmentLimitConfiguration",
                                                    .base = &td_g_type_enrolment_configuration,
                                                    .TD_G_PROPS(limit_props),
                                                    .show_type = true};

static const struct td_g_prop restriction_props[] = {
    {.name = "platformBlocked", .kind = TD_G_BOOL, .flags = TD_G_WRITE},
    {.name = "personalDeviceEnrollmentBlocked", .kind = TD_G_BOOL, .flags = TD_G_WRITE},
    {.name = "osMinimumVersion", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_WRITE, .max = 64},
    {.name = "osMaximumVersion", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_WRITE, .max = 64},
    {.name = "blockedManufacturers", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_MANY | TD_G_BETA},
    {.name = "blockedSkus", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_MANY | TD_G_BETA},
};
const struct td_g_type td_g_type_platform_restriction = {
    .name = "deviceEnrollmentPlatformRestriction", .TD_G_PROPS(restriction_props), .complex = true};

/* Only Windows devices enrol here: the others are shown as blocked, and what is sent about them changes nothing. */
#define OTHER(n, more)                                                                                             \
    {                                                                                                              \
        .name = (n), .kind = TD_G_COMPLEX, .flags = TD_G_NULLABLE | (more), .of = &td_g_type_platform_restriction, \
        .otherwise = "{\"platformBlocked\":true,\"personalDeviceEnrollmentBlocked\":true,"                         \
                     "\"osMinimumVersion\":\"\",\"osMaximumVersion\":\"\","                                        \
                     "\"blockedManufacturers\":[],\"blockedSkus\":[]}"                                             \
    }
static const struct td_g_prop platform_props[] = {
    OTHER("iosRestriction", 0),
    {.name = "windowsRestriction",
     .kind = TD_G_COMPLEX,
     .flags = TD_G_NULLABLE | TD_G_WRITE,
     .of = &td_g_type_platform_restriction},
    OTHER("windowsHomeSkuRestriction", TD_G_BETA),
    OTHER("windowsMobileRestriction", 0),
    OTHER("androidRestriction", 0),
    OTHER("androidForWorkRestriction", TD_G_BETA),
    OTHER("macRestriction", TD_G_BETA),
    OTHER("macOSRestriction", 0),
    OTHER("tvosRestriction", TD_G_BETA),
    OTHER("visionOSRestriction", TD_G_BETA),
};
const struct td_g_type td_g_type_platform_restrictions = {.name = "deviceEnrollmentPlatformRestrictionsConfiguration",
                                                          .base = &td_g_type_enrolment_configuration,
                                                          .TD_G_PROPS(platform_props),
                                                          .show_type = true};

static const struct td_g_prop single_props[] = {
    {.name = "platformRestriction",
     .kind = TD_G_COMPLEX,
     .flags = TD_G_NULLABLE | TD_G_WRITE,
     .of = &td_g_type_platform_restriction},
    {.name = "platformType", ENUM(restriction_platform), .flags = TD_G_WRITE},
};
const struct td_g_type td_g_type_single_restriction = {.name = "deviceEnrollmentPlatformRestrictionConfiguration",
                                                       .base = &td_g_type_enrolment_configuration,
                                                       .TD_G_PROPS(single_props),
                                                       .beta = true,
                                                       .show_type = true};

static const struct td_g_prop hello_props[] = {
    NUMBER("pinMinimumLength", 4, 127, "6"),
    NUMBER("pinMaximumLength", 4, 127, "127"),
    {.name = "pinUppercaseCharactersUsage", ENUM(pin_usage), .flags = TD_G_WRITE, .otherwise = "\"disallowed\""},
    {.name = "pinLowercaseCharactersUsage", ENUM(pin_usage), .flags = TD_G_WRITE, .otherwise = "\"disallowed\""},
    {.name = "pinSpecialCharactersUsage", ENUM(pin_usage), .flags = TD_G_WRITE, .otherwise = "\"disallowed\""},
    {.name = "state", ENUM(enablement), .flags = TD_G_WRITE},
    {.name = "securityDeviceRequired", .kind = TD_G_BOOL, .flags = TD_G_WRITE},
    {.name = "unlockWithBiometricsEnabled", .kind = TD_G_BOOL, .flags = TD_G_WRITE, .otherwise = "true"},
    {.name = "remotePassportEnabled", .kind = TD_G_BOOL, .flags = TD_G_WRITE},
    NUMBER("pinPreviousBlockCount", 0, 50, "0"),
    NUMBER("pinExpirationInDays", 0, 730, "0"),
    {.name = "enhancedBiometricsState", ENUM(enablement), .flags = TD_G_WRITE},
    {.name = "securityKeyForSignIn", ENUM(enablement), .flags = TD_G_BETA | TD_G_WRITE},
    {.name = "enhancedSignInSecurity", .kind = TD_G_INT32, .flags = TD_G_BETA | TD_G_WRITE},
};
const struct td_g_type td_g_type_hello_configuration = {.name = "deviceEnrollmentWindowsHelloForBusinessConfiguration",
                                                        .base = &td_g_type_enrolment_configuration,
                                                        .TD_G_PROPS(hello_props),
                                                        .show_type = true};

static const struct td_g_prop assignment_props[] = {
    {.name = "source", ENUM(assignment_source), .flags = TD_G_BETA},
    {.name = "sourceId", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_BETA},
    {.name = "target",
     .kind = TD_G_COMPLEX,
     .flags = TD_G_NULLABLE | TD_G_WRITE | TD_G_CREATE,
     .of = &td_g_type_target,
     .write = td_g_profile_target},
};
const struct td_g_type td_g_type_enrolment_assignment = {
    .name = "enrollmentConfigurationAssignment", .base = &td_g_type_entity, .TD_G_PROPS(assignment_props)};
