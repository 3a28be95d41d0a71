/* Types of the organization and its domains (graph-api.md 1.8). */
#include "graph/types.h"

#define STRING(n)                                                \
    {                                                            \
        .name = (n), .kind = TD_G_STRING, .flags = TD_G_NULLABLE \
    }
#define STRINGS(n)                                           \
    {                                                        \
        .name = (n), .kind = TD_G_STRING, .flags = TD_G_MANY \
    }
#define BOOL(n, o)                                       \
    {                                                    \
        .name = (n), .kind = TD_G_BOOL, .otherwise = (o) \
    }

const struct td_g_enum td_g_enum_mdm_authority = {
    .name = "mdmAuthority", .words = (const char *const[]){"unknown", "intune", "sccm", "office365", NULL}};

static const struct td_g_prop verified_domain_props[] = {
    STRING("capabilities"),
    {.name = "isDefault", .kind = TD_G_BOOL, .flags = TD_G_NULLABLE},
    {.name = "isInitial", .kind = TD_G_BOOL, .flags = TD_G_NULLABLE},
    STRING("name"),
    STRING("type"),
};
const struct td_g_type td_g_type_verified_domain = {
    .name = "verifiedDomain", .TD_G_PROPS(verified_domain_props), .complex = true};

static const struct td_g_prop plan_props[] = {STRING("capabilityStatus"), STRING("service"), STRING("servicePlanId")};
const struct td_g_type td_g_type_assigned_plan = {.name = "assignedPlan", .TD_G_PROPS(plan_props), .complex = true};

static const struct td_g_prop organization_props[] = {
    {.name = "assignedPlans", .kind = TD_G_COMPLEX, .flags = TD_G_MANY, .of = &td_g_type_assigned_plan},
    STRINGS("businessPhones"),
    STRING("city"),
    STRING("country"),
    STRING("countryLetterCode"),
    {.name = "createdDateTime", .kind = TD_G_TIME, .flags = TD_G_NULLABLE},
    STRING("defaultUsageLocation"),
    STRING("displayName"),
    {.name = "isMultipleDataLocationsForServicesEnabled", .kind = TD_G_BOOL, .flags = TD_G_NULLABLE | TD_G_BETA},
    STRINGS("marketingNotificationEmails"),
    {.name = "mobileDeviceManagementAuthority",
     .kind = TD_G_ENUM,
     .of = &td_g_enum_mdm_authority,
     .otherwise = "\"intune\""},
    {.name = "onPremisesLastPasswordSyncDateTime", .kind = TD_G_TIME, .flags = TD_G_NULLABLE | TD_G_BETA},
    {.name = "onPremisesLastSyncDateTime", .kind = TD_G_TIME, .flags = TD_G_NULLABLE},
    {.name = "onPremisesSyncEnabled", .kind = TD_G_BOOL, .flags = TD_G_NULLABLE},
    STRING("partnerTenantType"),
    STRING("postalCode"),
    STRING("preferredLanguage"),
    {.name = "provisionedPlans", .kind = TD_G_COMPLEX, .flags = TD_G_MANY, .of = &td_g_type_assigned_plan},
    STRINGS("securityComplianceNotificationMails"),
    STRINGS("securityComplianceNotificationPhones"),
    STRING("state"),
    STRING("street"),
    STRINGS("technicalNotificationMails"),
    {.name = "tenantType", .kind = TD_G_STRING, .flags = TD_G_NULLABLE, .otherwise = "\"AAD\""},
    {.name = "verifiedDomains", .kind = TD_G_COMPLEX, .flags = TD_G_MANY, .of = &td_g_type_verified_domain},
};
const struct td_g_type td_g_type_organization = {
    .name = "organization", .base = &td_g_type_directory_object, .TD_G_PROPS(organization_props)};

static const struct td_g_prop domain_props[] = {
    {.name = "authenticationType", .kind = TD_G_STRING, .otherwise = "\"Managed\""},
    STRING("availabilityStatus"),
    BOOL("isAdminManaged", "true"),
    BOOL("isDefault", NULL),
    BOOL("isInitial", NULL),
    BOOL("isRoot", "true"),
    BOOL("isVerified", "true"),
    {.name = "manufacturer", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_V1},
    {.name = "model", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_V1},
    {.name = "passwordNotificationWindowInDays", .kind = TD_G_INT32, .flags = TD_G_NULLABLE},
    {.name = "passwordValidityPeriodInDays", .kind = TD_G_INT32, .flags = TD_G_NULLABLE},
    {.name = "supportedServices", .kind = TD_G_STRING, .flags = TD_G_MANY},
};
const struct td_g_type td_g_type_domain = {.name = "domain", .base = &td_g_type_entity, .TD_G_PROPS(domain_props)};

static const struct td_g_prop management_props[] = {
    {.name = "intuneAccountId", .kind = TD_G_GUID},
    {.name = "subscriptionState", .kind = TD_G_STRING, .otherwise = "\"active\""},
};
const struct td_g_type td_g_type_device_management = {
    .name = "deviceManagement", .base = &td_g_type_entity, .TD_G_PROPS(management_props)};
