/* Apps and device configurations: the types of what we have, and of what filters and casts name (graph-api.md 1.6, 1.7,
 * appendix A). */
#include "graph/managed.h"
#include "graph/types.h"

#define WORDS(...)                 \
    .words = (const char *const[]) \
    {                              \
        __VA_ARGS__, NULL          \
    }
#define TEXT(n, f)                                                     \
    {                                                                  \
        .name = (n), .kind = TD_G_STRING, .flags = TD_G_NULLABLE | (f) \
    }

const struct td_g_enum td_g_enum_publishing_state = {.name = "mobileAppPublishingState",
                                                     WORDS("notPublished", "processing", "published")};
const struct td_g_enum td_g_enum_app_availability = {.name = "managedAppAvailability",
                                                     WORDS("global", "lineOfBusiness")};
const struct td_g_enum td_g_enum_install_intent = {
    .name = "installIntent", WORDS("available", "required", "uninstall", "availableWithoutEnrollment")};
const struct td_g_enum td_g_enum_edition_license = {.name = "editionUpgradeLicenseType",
                                                    WORDS("productKey", "licenseFile", "notConfigured")};
const struct td_g_enum td_g_enum_windows_edition = {
    .name = "windows10EditionType",
    WORDS("windows10Enterprise", "windows10EnterpriseN", "windows10Education", "windows10EducationN",
          "windows10MobileEnterprise", "windows10HolographicEnterprise", "windows10Professional",
          "windows10ProfessionalN", "windows10ProfessionalEducation", "windows10ProfessionalEducationN",
          "windows10ProfessionalWorkstation", "windows10ProfessionalWorkstationN", "notConfigured", "windows10Home",
          "windows10HomeChina", "windows10HomeN", "windows10HomeSingleLanguage", "windows10Mobile", "windows10IoTCore",
          "windows10IoTCoreCommercial")};
const struct td_g_enum td_g_enum_configuration_intent = {.name = "deviceConfigAssignmentIntent",
                                                         WORDS("apply", "remove")};

/* ---- apps ---- */

static const struct td_g_prop app_assignment_props[] = {
    {.name = "intent", .kind = TD_G_ENUM, .of = &td_g_enum_install_intent, .otherwise = "\"required\""},
    {.name = "source", .kind = TD_G_ENUM, .of = &td_g_enum_assignment_source, .flags = TD_G_BETA},
    {.name = "sourceId", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_BETA, .write = td_g_assignment_source},
    {.name = "target",
     .kind = TD_G_COMPLEX,
     .of = &td_g_type_target,
     .flags = TD_G_NULLABLE,
     .write = td_g_assignment_target},
};
const struct td_g_type td_g_type_mobile_app_assignment = {
    .name = "mobileAppAssignment", .base = &td_g_type_entity, .TD_G_PROPS(app_assignment_props)};

static const struct td_g_prop app_category_props[] = {
    TEXT("displayName", 0),
    {.name = "lastModifiedDateTime", .kind = TD_G_TIME},
};
const struct td_g_type td_g_type_mobile_app_category = {
    .name = "mobileAppCategory", .base = &td_g_type_entity, .TD_G_PROPS(app_category_props)};

static const struct td_g_prop app_props[] = {
    TEXT("displayName", 0),
    TEXT("description", 0),
    {.name = "publisher", .kind = TD_G_STRING, .flags = TD_G_NULLABLE, .otherwise = "\"\""},
    {.name = "createdDateTime", .kind = TD_G_TIME},
    {.name = "lastModifiedDateTime", .kind = TD_G_TIME},
    {.name = "isFeatured", .kind = TD_G_BOOL},
    TEXT("privacyInformationUrl", 0),
    TEXT("informationUrl", 0),
    TEXT("owner", 0),
    TEXT("developer", 0),
    TEXT("notes", 0),
    {.name = "uploadState", .kind = TD_G_INT32, .flags = TD_G_BETA, .otherwise = "1"},
    {.name = "publishingState", .kind = TD_G_ENUM, .of = &td_g_enum_publishing_state},
    {.name = "isAssigned", .kind = TD_G_BOOL, .flags = TD_G_BETA},
    {.name = "roleScopeTagIds",
     .kind = TD_G_STRING,
     .flags = TD_G_NULLABLE | TD_G_MANY | TD_G_BETA,
     .otherwise = "[\"0\"]"},
    {.name = "dependentAppCount", .kind = TD_G_INT32, .flags = TD_G_BETA},
    {.name = "supersedingAppCount", .kind = TD_G_INT32, .flags = TD_G_BETA},
    {.name = "supersededAppCount", .kind = TD_G_INT32, .flags = TD_G_BETA},
};
static const struct td_g_nav app_navs[] = {
    {.name = "assignments",
     .type = &td_g_type_mobile_app_assignment,
     .flags = TD_G_MANY,
     .expand = td_g_app_assignments},
    {.name = "categories", .type = &td_g_type_mobile_app_category, .flags = TD_G_MANY, .expand = td_g_app_categories},
};
const struct td_g_type td_g_type_mobile_app = {.name = "mobileApp",
                                               .base = &td_g_type_entity,
                                               .TD_G_PROPS(app_props),
                                               .TD_G_NAVS(app_navs),
                                               .abstract = true,
                                               .show_type = true};

static const struct td_g_prop lob_app_props[] = {
    {.name = "committedContentVersion", .kind = TD_G_STRING, .flags = TD_G_NULLABLE, .otherwise = "\"1\""},
    TEXT("fileName", 0),
    {.name = "size", .kind = TD_G_INT64},
};
const struct td_g_type td_g_type_mobile_lob_app = {.name = "mobileLobApp",
                                                   .base = &td_g_type_mobile_app,
                                                   .TD_G_PROPS(lob_app_props),
                                                   .abstract = true,
                                                   .show_type = true};

static const struct td_g_prop msi_props[] = {
    {.name = "commandLine", .kind = TD_G_STRING, .flags = TD_G_NULLABLE, .write = td_g_app_member},
    {.name = "productCode", .kind = TD_G_STRING, .flags = TD_G_NULLABLE, .write = td_g_app_member},
    {.name = "productVersion", .kind = TD_G_STRING, .flags = TD_G_NULLABLE, .write = td_g_app_member},
    {.name = "identityVersion", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_BETA, .write = td_g_app_member},
    {.name = "ignoreVersionDetection", .kind = TD_G_BOOL},
    {.name = "useDeviceContext", .kind = TD_G_BOOL, .flags = TD_G_NULLABLE | TD_G_BETA, .write = td_g_app_member},
};
const struct td_g_type td_g_type_msi_app = {
    .name = "windowsMobileMSI", .base = &td_g_type_mobile_lob_app, .TD_G_PROPS(msi_props), .show_type = true};
/* We make none; named by casts and isof. */
const struct td_g_type td_g_type_win32_app = {
    .name = "win32LobApp", .base = &td_g_type_mobile_lob_app, .show_type = true};
static const struct td_g_prop managed_app_props[] = {
    {.name = "appAvailability", .kind = TD_G_ENUM, .of = &td_g_enum_app_availability},
    TEXT("version", 0),
};
const struct td_g_type td_g_type_managed_app = {.name = "managedApp",
                                                .base = &td_g_type_mobile_app,
                                                .TD_G_PROPS(managed_app_props),
                                                .abstract = true,
                                                .show_type = true};

/* ---- configurations ---- */

static const struct td_g_prop configuration_assignment_props[] = {
    {.name = "intent",
     .kind = TD_G_ENUM,
     .of = &td_g_enum_configuration_intent,
     .flags = TD_G_NULLABLE | TD_G_BETA,
     .otherwise = "\"apply\""},
    {.name = "source", .kind = TD_G_ENUM, .of = &td_g_enum_assignment_source, .flags = TD_G_BETA},
    {.name = "sourceId", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_BETA, .write = td_g_assignment_source},
    {.name = "target",
     .kind = TD_G_COMPLEX,
     .of = &td_g_type_target,
     .flags = TD_G_NULLABLE | TD_G_WRITE | TD_G_CREATE,
     .write = td_g_assignment_target},
};
const struct td_g_type td_g_type_configuration_assignment = {
    .name = "deviceConfigurationAssignment", .base = &td_g_type_entity, .TD_G_PROPS(configuration_assignment_props)};

static const struct td_g_prop configuration_props[] = {
    {.name = "displayName", .kind = TD_G_STRING, .flags = TD_G_WRITE | TD_G_NEEDED},
    {.name = "description", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_WRITE, .max = 1024},
    {.name = "createdDateTime", .kind = TD_G_TIME},
    {.name = "lastModifiedDateTime", .kind = TD_G_TIME},
    {.name = "version", .kind = TD_G_INT32},
    {.name = "roleScopeTagIds",
     .kind = TD_G_STRING,
     .flags = TD_G_NULLABLE | TD_G_MANY | TD_G_BETA,
     .otherwise = "[\"0\"]"},
    {.name = "supportsScopeTags", .kind = TD_G_BOOL, .flags = TD_G_BETA},
};
static const struct td_g_nav configuration_navs[] = {
    {.name = "assignments",
     .type = &td_g_type_configuration_assignment,
     .flags = TD_G_MANY,
     .expand = td_g_configuration_assignments},
};
const struct td_g_type td_g_type_device_configuration = {.name = "deviceConfiguration",
                                                         .base = &td_g_type_entity,
                                                         .TD_G_PROPS(configuration_props),
                                                         .TD_G_NAVS(configuration_navs),
                                                         .abstract = true,
                                                         .show_type = true};

static const struct td_g_prop oma_setting_props[] = {
    {.name = "displayName", .kind = TD_G_STRING}, TEXT("description", 0),
    {.name = "omaUri", .kind = TD_G_STRING},      {.name = "isEncrypted", .kind = TD_G_BOOL, .flags = TD_G_BETA},
    TEXT("secretReferenceValueId", TD_G_BETA),
};
const struct td_g_type td_g_type_oma_setting = {
    .name = "omaSetting", .TD_G_PROPS(oma_setting_props), .abstract = true, .complex = true, .show_type = true};
#define OMA_SETTING(symbol, text, ...)                                           \
    static const struct td_g_prop symbol##_props[] = {__VA_ARGS__};              \
    const struct td_g_type td_g_type_##symbol = {.name = (text),                 \
                                                 .base = &td_g_type_oma_setting, \
                                                 .TD_G_PROPS(symbol##_props),    \
                                                 .complex = true,                \
                                                 .show_type = true};
#define VALUE(k)                     \
    {                                \
        .name = "value", .kind = (k) \
    }
OMA_SETTING(oma_string, "omaSettingString", VALUE(TD_G_STRING))
OMA_SETTING(oma_integer, "omaSettingInteger", VALUE(TD_G_INT32),
            {.name = "isReadOnly", .kind = TD_G_BOOL, .flags = TD_G_BETA})
OMA_SETTING(oma_boolean, "omaSettingBoolean", VALUE(TD_G_BOOL))
OMA_SETTING(oma_base64, "omaSettingBase64", VALUE(TD_G_STRING), TEXT("fileName", 0))
OMA_SETTING(oma_xml, "omaSettingStringXml", VALUE(TD_G_BINARY), TEXT("fileName", 0))

static const struct td_g_prop custom_props[] = {
    {.name = "omaSettings",
     .kind = TD_G_COMPLEX,
     .of = &td_g_type_oma_setting,
     .flags = TD_G_NULLABLE | TD_G_MANY,
     .write = td_g_configuration_settings},
};
const struct td_g_type td_g_type_custom_configuration = {.name = "windows10CustomConfiguration",
                                                         .base = &td_g_type_device_configuration,
                                                         .TD_G_PROPS(custom_props),
                                                         .show_type = true};

static const struct td_g_prop edition_props[] = {
    {.name = "licenseType", .kind = TD_G_ENUM, .of = &td_g_enum_edition_license},
    {.name = "targetEdition", .kind = TD_G_ENUM, .of = &td_g_enum_windows_edition, .write = td_g_configuration_edition},
    TEXT("license", 0),
    {.name = "productKey", .kind = TD_G_STRING, .flags = TD_G_NULLABLE, .write = td_g_configuration_key},
};
const struct td_g_type td_g_type_edition_configuration = {.name = "editionUpgradeConfiguration",
                                                          .base = &td_g_type_device_configuration,
                                                          .TD_G_PROPS(edition_props),
                                                          .show_type = true};

/* graph-api.md 1.7; a count of 0 leaves the rest of the name to chance. */
#define JOIN(n, k, more)                                                                         \
    {                                                                                            \
        .name = (n), .kind = (k), .flags = TD_G_WRITE | (more), .write = td_g_domain_join_member \
    }
static const struct td_g_prop domain_join_props[] = {
    JOIN("activeDirectoryDomainName", TD_G_STRING, TD_G_NEEDED),
    JOIN("computerNameStaticPrefix", TD_G_STRING, TD_G_NEEDED),
    JOIN("computerNameSuffixRandomCharCount", TD_G_INT32, 0),
    JOIN("organizationalUnit", TD_G_STRING, TD_G_NULLABLE),
};
static const struct td_g_nav domain_join_navs[] = {
    {.name = "networkAccessConfigurations", .type = &td_g_type_device_configuration, .flags = TD_G_MANY},
};
const struct td_g_type td_g_type_domain_join_configuration = {.name = "windowsDomainJoinConfiguration",
                                                              .base = &td_g_type_device_configuration,
                                                              .TD_G_PROPS(domain_join_props),
                                                              .TD_G_NAVS(domain_join_navs),
                                                              .beta = true,
                                                              .show_type = true};
