/* Managed devices, deployments and configuration items as callers of the administration interface see them
 * (graph-api.md 1.3, 1.5 to 1.7; autopilot.md 6.4). */
#include "store/views.h"

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
/* By the device alone, with nobody signed in: a primary user who was taken off since was there then, and one whom an
 * administrator has given to a device that deployed itself was not. */
#define BY_DEVICE "(e.plug_and_forget = 1 OR (e.user_id = '' AND e.former_user = ''))"
#define ALL_DEVICES "'adadadad-808e-44e2-905a-0b7873a8a531'"

/* Of the newest action that ends management (numbers of way/action.h and store/action.h): the wipes with Autopilot
 * Reset, retire, delete. Fresh start is not told here. */
#define ASKED_STATE(word)                                                                                              \
    "CASE WHEN x.state < 2 THEN '" word "Pending' WHEN x.state = 2 THEN '" word "Issued' WHEN x.state = 5 THEN '" word \
    "Canceled' WHEN x.state = 3 THEN 'managed' ELSE '" word "Failed' END"
#define MANAGEMENT_STATE                                                                                            \
    "COALESCE((SELECT CASE x.kind WHEN 17 THEN CASE WHEN x.state < 3 THEN 'deletePending' ELSE 'managed' END"       \
    " WHEN 16 THEN " ASKED_STATE("retire") " ELSE " ASKED_STATE(                                                    \
        "wipe") " END FROM device_action x"                                                                         \
                " WHERE x.tenant = e.tenant AND x.enrolment_id = e.id AND x.kind IN (7, 9, 10, 11, 12, 13, 16, 17)" \
                " ORDER BY x.id DESC LIMIT 1), 'managed')"
static const struct td_view_column managed_columns[] = {
    {.name = "id", .type = TD_V_TEXT, .sql = "e.id", .fold = "e.id", .indexed = true},
    {.name = "deviceName", .type = TD_V_TEXT, .sql = "e.device_name", .fold = "lower(e.device_name)", .indexed = true},
    {.name = "managedDeviceName", .type = TD_V_TEXT, .sql = "e.managed_name"},
    {.name = "serialNumber", .type = TD_V_TEXT, .sql = "e.serial", .fold = "lower(e.serial)", .indexed = true},
    {.name = "manufacturer", .type = TD_V_TEXT, .sql = "e.manufacturer"},
    {.name = "model", .type = TD_V_TEXT, .sql = "e.model"},
    {.name = "operatingSystem", .type = TD_V_TEXT, .sql = "'Windows'"},
    {.name = "osVersion", .type = TD_V_TEXT, .sql = "e.os_version"},
    {.name = "osEdition", .type = TD_V_TEXT, .sql = "e.os_edition"},
    {.name = "userPrincipalName", .type = TD_V_TEXT, .sql = "e.user_upn", .fold = "lower(e.user_upn)", .indexed = true},
    {.name = "enrolledByUserPrincipalName", .type = TD_V_TEXT, .sql = "e.user_upn"},
    {.name = "emailAddress", .type = TD_V_TEXT, .sql = "e.user_upn"},
    {.name = "userId", .type = TD_V_TEXT, .sql = "e.user_id", .fold = "e.user_id"},
    {.name = "userDisplayName", .type = TD_V_TEXT, .sql = "a.name"},
    {.name = "azureADDeviceId", .type = TD_V_TEXT, .sql = "NULLIF(e.device_id, '')", .fold = "e.device_id"},
    {.name = "azureActiveDirectoryDeviceId",
     .type = TD_V_TEXT,
     .sql = "NULLIF(e.device_id, '')",
     .fold = "e.device_id"},
    {.name = "azureADRegistered", .type = TD_V_BOOL, .sql = "CASE WHEN e.device_id <> '' THEN 1 ELSE 0 END"},
    {.name = "aadRegistered", .type = TD_V_BOOL, .sql = "CASE WHEN e.device_id <> '' THEN 1 ELSE 0 END"},
    {.name = "joinType",
     .type = TD_V_ENUM,
     .sql = "CASE d.trust_type WHEN 'AzureAd' THEN 1 WHEN 'Workplace' THEN 2 WHEN 'ServerAd' THEN 3 ELSE 0 END",
     .words = WORDS("unknown", "azureADJoined", "azureADRegistered", "hybridAzureADJoined")},
    {.name = "deviceEnrollmentType",
     .type = TD_V_ENUM,
     .sql = "CASE WHEN e.device_id = '' AND e.registration_id = '' THEN 1 WHEN " BY_DEVICE " THEN 3 ELSE 2 END",
     .words = WORDS("unknown", "userEnrollment", "windowsAzureADJoin", "windowsAzureADJoinUsingDeviceAuth")},
    {.name = "managedDeviceOwnerType",
     .type = TD_V_ENUM,
     .sql = "CASE WHEN e.owner <> 0 THEN e.owner WHEN e.device_id <> '' OR e.registration_id <> '' THEN 1 ELSE 2 END",
     .words = WORDS("unknown", "company", "personal")},
    {.name = "ownerType",
     .type = TD_V_ENUM,
     .sql = "CASE WHEN e.owner <> 0 THEN e.owner WHEN e.device_id <> '' OR e.registration_id <> '' THEN 1 ELSE 2 END",
     .words = WORDS("unknown", "company", "personal")},
    {.name = "managementState", .type = TD_V_TEXT, .sql = MANAGEMENT_STATE},
    {.name = "managementAgent", .type = TD_V_TEXT, .sql = "'mdm'"},
    {.name = "complianceState", .type = TD_V_TEXT, .sql = "'unknown'"},
    {.name = "deviceRegistrationState", .type = TD_V_TEXT, .sql = "'registered'"},
    {.name = "deviceType", .type = TD_V_TEXT, .sql = "'desktop'"},
    {.name = "autopilotEnrolled",
     .type = TD_V_BOOL,
     .sql = "CASE WHEN e.registration_id <> '' OR e.offline_profile <> '' THEN 1 ELSE 0 END"},
    {.name = "enrollmentProfileName", .type = TD_V_TEXT, .sql = "NULLIF(e.profile_name, '')"},
    {.name = "enrolledDateTime", .type = TD_V_TIME, .sql = "e.created_at"},
    {.name = "lastSyncDateTime",
     .type = TD_V_TIME,
     .sql = "CASE WHEN e.last_contact_at = 0 THEN e.created_at ELSE e.last_contact_at END"},
    {.name = "managementCertificateExpirationDate", .type = TD_V_TIME, .sql = "e.cert_not_after"},
    {.name = "notes", .type = TD_V_TEXT, .sql = "NULLIF(e.notes, '')"},
    {.name = "hardwareInformation/serialNumber", .type = TD_V_TEXT, .sql = "e.serial"},
    {.name = "hardwareInformation/manufacturer", .type = TD_V_TEXT, .sql = "e.manufacturer"},
    {.name = "hardwareInformation/model", .type = TD_V_TEXT, .sql = "e.model"},
    {.name = "hardwareInformation/osBuildNumber", .type = TD_V_TEXT, .sql = "e.os_version"},
};
const struct td_view td_view_managed = {
    .name = "managedDevices",
    .from = "enrolment e LEFT JOIN account a ON a.tenant = e.tenant AND a.id = e.user_id"
            " LEFT JOIN directory_device d ON d.tenant = e.tenant AND d.id = e.device_id",
    .where = "e.state = 0",
    .tenant = "e.tenant",
    .key = "e.id",
    .sought = (const char *const[]){"deviceName", "managedDeviceName", "serialNumber", "userPrincipalName", NULL},
    .columns = managed_columns,
    .count = TD_COUNTOF(managed_columns),
};

static const struct td_view_column managed_user_columns[] = {
    {.name = "id", .type = TD_V_TEXT, .sql = "a.id", .fold = "a.id"},
    {.name = "managedDevice", .type = TD_V_TEXT, .sql = "e.id", .fold = "e.id"},
    {.name = "userPrincipalName", .type = TD_V_TEXT, .sql = "a.upn", .fold = "a.upn_key"},
    {.name = "displayName", .type = TD_V_TEXT, .sql = "a.name"},
    {.name = "mail", .type = TD_V_TEXT, .sql = "a.upn"},
    {.name = "accountEnabled", .type = TD_V_BOOL, .sql = "a.enabled"},
    {.name = "createdDateTime", .type = TD_V_TIME, .sql = "a.created_at"},
    {.name = "userType", .type = TD_V_TEXT, .sql = "'Member'"},
};
const struct td_view td_view_managed_user = {
    .name = "managedDevices/users",
    .from = "enrolment e JOIN account a ON a.tenant = e.tenant AND a.id = e.user_id",
    .where = "e.state = 0",
    .tenant = "e.tenant",
    .key = "a.id",
    .columns = managed_user_columns,
    .count = TD_COUNTOF(managed_user_columns),
};

/* States of items are the words of policy/ledger.h. */
#define IS_APP "c.kind = 'msi'"
static const struct td_view_column configuration_state_columns[] = {
    {.name = "id", .type = TD_V_TEXT, .sql = "i.item", .fold = "i.item"},
    {.name = "managedDevice", .type = TD_V_TEXT, .sql = "e.id", .fold = "e.id"},
    {.name = "displayName", .type = TD_V_TEXT, .sql = "COALESCE(c.name, i.item)"},
    {.name = "version", .type = TD_V_INT, .sql = "COALESCE(c.revision, 1)"},
    {.name = "platformType", .type = TD_V_TEXT, .sql = "'windows10AndLater'"},
    {.name = "state",
     .type = TD_V_ENUM,
     .sql = "CASE i.state WHEN 'in effect' THEN 2 WHEN 'applied' THEN 2 WHEN 'failed' THEN 5 WHEN 'not offered' THEN 1"
            " ELSE 0 END",
     .words = WORDS("unknown", "notApplicable", "compliant", "remediated", "nonCompliant", "error", "conflict",
                    "notAssigned")},
    {.name = "userId", .type = TD_V_TEXT, .sql = "e.user_id", .fold = "e.user_id"},
    {.name = "userPrincipalName", .type = TD_V_TEXT, .sql = "e.user_upn"},
};
const struct td_view td_view_configuration_state = {
    .name = "managedDevices/deviceConfigurationStates",
    .from = "enrolment e JOIN management_item i ON i.tenant = e.tenant AND i.enrolment_id = e.id"
            " LEFT JOIN configuration c ON c.tenant = i.tenant AND c.id = i.item",
    .where = "e.state = 0 AND COALESCE(c.kind, '') <> 'msi'",
    .tenant = "e.tenant",
    .key = "i.item",
    .columns = configuration_state_columns,
    .count = TD_COUNTOF(configuration_state_columns),
};

#define RUN_STATES                                                                                         \
    WORDS("unknown", "success", "inProgress", "failure", "successWithTimeout", "notAttempted", "disabled", \
          "successOnRetry")
static const struct td_view_column deployment_columns[] = {
    {.name = "id", .type = TD_V_TEXT, .sql = "d.id", .fold = "d.id", .indexed = true},
    {.name = "deviceId", .type = TD_V_TEXT, .sql = "d.enrolment_id", .fold = "d.enrolment_id"},
    {.name = "eventDateTime", .type = TD_V_TIME, .sql = "d.changed_at", .indexed = true},
    {.name = "deviceRegisteredDateTime", .type = TD_V_TIME, .sql = "COALESCE(r.created_at, 0)"},
    {.name = "enrollmentStartDateTime", .type = TD_V_TIME, .sql = "d.started_at", .indexed = true},
    {.name = "enrollmentType",
     .type = TD_V_ENUM,
     .sql = "CASE WHEN r.id IS NULL AND COALESCE(e.offline_profile, '') <> '' THEN 5 WHEN r.id IS NULL THEN 0 WHEN "
            "v.trust_type = 'ServerAd' THEN 2 WHEN d.enrolment_id <> '' AND e.provisioning <> 0 THEN 6"
            " WHEN d.enrolment_id <> '' AND " BY_DEVICE " THEN 3 ELSE 1 END",
     .words = WORDS("unknown", "azureADJoinedWithAutopilotProfile", "offlineDomainJoined",
                    "azureADJoinedUsingDeviceAuthWithAutopilotProfile",
                    "azureADJoinedUsingDeviceAuthWithoutAutopilotProfile", "azureADJoinedWithOfflineAutopilotProfile",
                    "azureADJoinedWithWhiteGlove", "offlineDomainJoinedWithWhiteGlove",
                    "offlineDomainJoinedWithOfflineAutopilotProfile")},
    {.name = "deviceSerialNumber", .type = TD_V_TEXT, .sql = "COALESCE(r.serial, e.serial, '')"},
    {.name = "managedDeviceName", .type = TD_V_TEXT, .sql = "e.device_name"},
    {.name = "userPrincipalName", .type = TD_V_TEXT, .sql = "d.user_upn"},
    {.name = "userId", .type = TD_V_TEXT, .sql = "a.id", .fold = "a.id"},
    {.name = "windowsAutopilotDeploymentProfileDisplayName", .type = TD_V_TEXT, .sql = "d.profile_name"},
    {.name = "enrollmentState",
     .type = TD_V_ENUM,
     .sql = "d.enrolment_state",
     .words = WORDS("unknown", "enrolled", "pendingReset", "failed", "notContacted", "blocked")},
    {.name = "windows10EnrollmentCompletionPageConfigurationId", .type = TD_V_TEXT, .sql = "g.configuration_id"},
    {.name = "windows10EnrollmentCompletionPageConfigurationDisplayName", .type = TD_V_TEXT, .sql = "g.name"},
    {.name = "deploymentState", .type = TD_V_ENUM, .sql = "d.state", .words = RUN_STATES},
    {.name = "deviceSetupStatus", .type = TD_V_ENUM, .sql = "d.device_state", .words = RUN_STATES},
    {.name = "accountSetupStatus", .type = TD_V_ENUM, .sql = "d.account_state", .words = RUN_STATES},
    {.name = "osVersion", .type = TD_V_TEXT, .sql = "e.os_version"},
    {.name = "deploymentStartDateTime", .type = TD_V_TIME, .sql = "d.started_at", .indexed = true},
    {.name = "deploymentEndDateTime", .type = TD_V_TIME, .sql = "d.ended_at"},
    {.name = "deviceTime", .type = TD_V_TIME, .sql = "d.device_at"},
    {.name = "deviceDoneTime", .type = TD_V_TIME, .sql = "d.device_done_at"},
    {.name = "accountTime", .type = TD_V_TIME, .sql = "d.account_at"},
    {.name = "failure", .type = TD_V_JSON, .sql = "d.failure"},
    {.name = "targetedAppCount",
     .type = TD_V_INT,
     .sql = "(SELECT COUNT(*) FROM management_item i JOIN configuration c ON c.tenant = i.tenant AND c.id = i.item"
            " WHERE i.tenant = d.tenant AND i.enrolment_id = d.enrolment_id AND " IS_APP ")"},
    {.name = "targetedPolicyCount",
     .type = TD_V_INT,
     .sql = "(SELECT COUNT(*) FROM management_item i JOIN configuration c ON c.tenant = i.tenant AND c.id = i.item"
            " WHERE i.tenant = d.tenant AND i.enrolment_id = d.enrolment_id AND NOT " IS_APP ")"},
};
const struct td_view td_view_deployment = {
    .name = "autopilotEvents",
    .from = "deployment d JOIN way w ON w.tenant = d.tenant AND w.id = d.way_id"
            " LEFT JOIN registration r ON r.tenant = w.tenant AND r.id = w.registration_id"
            " LEFT JOIN directory_device v ON v.tenant = w.tenant AND v.id = w.device_id"
            " LEFT JOIN enrolment e ON e.tenant = d.tenant AND e.id = d.enrolment_id"
            " LEFT JOIN account a ON a.tenant = d.tenant AND a.upn_key = lower(d.user_upn)"
            " LEFT JOIN status_page_given g ON g.tenant = d.tenant AND g.enrolment_id = d.enrolment_id",
    .tenant = "d.tenant",
    .key = "d.id",
    .sought = (const char *const[]){"deviceSerialNumber", "managedDeviceName", "userPrincipalName", NULL},
    .columns = deployment_columns,
    .count = TD_COUNTOF(deployment_columns),
};

static const struct td_view_column policy_detail_columns[] = {
    {.name = "id", .type = TD_V_TEXT, .sql = "d.id || '_' || i.item", .fold = "d.id || '_' || i.item"},
    {.name = "event", .type = TD_V_TEXT, .sql = "d.id", .fold = "d.id"},
    {.name = "displayName", .type = TD_V_TEXT, .sql = "COALESCE(c.name, i.item)"},
    {.name = "policyType",
     .type = TD_V_ENUM,
     .sql = "CASE WHEN " IS_APP " THEN 1 ELSE 3 END",
     .words = WORDS("unknown", "application", "appModel", "configurationPolicy")},
    {.name = "complianceStatus",
     .type = TD_V_ENUM,
     .sql = "CASE WHEN i.state = 'failed' THEN 5 WHEN i.state = 'not offered' THEN 0 WHEN " IS_APP
            " THEN CASE i.state WHEN 'in effect' THEN 2 ELSE 4 END"
            " ELSE CASE i.state WHEN 'in effect' THEN 1 WHEN 'applied' THEN 1 ELSE 3 END END",
     .words = WORDS("unknown", "compliant", "installed", "notCompliant", "notInstalled", "error")},
    {.name = "code", .type = TD_V_INT, .sql = "i.hresult"},
    {.name = "lastReportedDateTime", .type = TD_V_TIME, .sql = "i.at"},
    {.name = "body", .type = TD_V_JSON, .sql = "c.body"},
};
const struct td_view td_view_policy_detail = {
    .name = "autopilotEvents/policyStatusDetails",
    .from = "deployment d JOIN management_item i ON i.tenant = d.tenant AND i.enrolment_id = d.enrolment_id"
            " LEFT JOIN configuration c ON c.tenant = i.tenant AND c.id = i.item",
    .where = "d.enrolment_id <> ''",
    .tenant = "d.tenant",
    .key = "d.id || '_' || i.item",
    .columns = policy_detail_columns,
    .count = TD_COUNTOF(policy_detail_columns),
};

/* The path of a filter that export tools send to every list of apps (graph-api.md 2.1): ours are no managed apps. */
#define APP_AVAILABILITY "microsoft.graph.managedApp/appAvailability"
#define ASSIGNED                                                                                                     \
    "CASE WHEN EXISTS (SELECT 1 FROM configuration_assignment s WHERE s.tenant = c.tenant AND s.configuration_id = " \
    "c.id)"                                                                                                          \
    " THEN 1 ELSE 0 END"
static const struct td_view_column app_columns[] = {
    {.name = "id", .type = TD_V_TEXT, .sql = "c.id", .fold = "c.id"},
    {.name = "displayName", .type = TD_V_TEXT, .sql = "c.name", .fold = "c.name_key"},
    {.name = "createdDateTime", .type = TD_V_TIME, .sql = "c.created_at"},
    {.name = "lastModifiedDateTime", .type = TD_V_TIME, .sql = "c.modified_at"},
    {.name = "isAssigned", .type = TD_V_BOOL, .sql = ASSIGNED},
    {.name = "publishingState", .type = TD_V_TEXT, .sql = "'published'"},
    {.name = "publisher", .type = TD_V_TEXT, .sql = "''"},
    {.name = "isFeatured", .type = TD_V_BOOL, .sql = "0"},
    {.name = "type", .type = TD_V_TEXT, .sql = "'windowsMobileMSI'"},
    {.name = "body", .type = TD_V_JSON, .sql = "c.body"},
    {.name = APP_AVAILABILITY, .type = TD_V_TEXT, .sql = "NULL"},
};
const struct td_view td_view_app = {
    .name = "mobileApps",
    .from = "configuration c",
    .where = IS_APP,
    .tenant = "c.tenant",
    .key = "c.id",
    .type_column = "type",
    .columns = app_columns,
    .count = TD_COUNTOF(app_columns),
};

static const struct td_view_column configuration_columns[] = {
    {.name = "id", .type = TD_V_TEXT, .sql = "c.id", .fold = "c.id"},
    {.name = "displayName", .type = TD_V_TEXT, .sql = "c.name", .fold = "c.name_key"},
    {.name = "description", .type = TD_V_TEXT, .sql = "NULLIF(c.description, '')"},
    {.name = "createdDateTime", .type = TD_V_TIME, .sql = "c.created_at"},
    {.name = "lastModifiedDateTime", .type = TD_V_TIME, .sql = "c.modified_at"},
    {.name = "version", .type = TD_V_INT, .sql = "c.revision"},
    {.name = "kind", .type = TD_V_TEXT, .sql = "c.kind", .fold = "c.kind"},
    {.name = "type",
     .type = TD_V_TEXT,
     .sql = "CASE c.kind WHEN 'edition' THEN 'editionUpgradeConfiguration' WHEN 'domain-join' THEN"
            " 'windowsDomainJoinConfiguration' ELSE 'windows10CustomConfiguration' END"},
    {.name = "body", .type = TD_V_JSON, .sql = "c.body"},
};
const struct td_view td_view_configuration = {
    .name = "deviceConfigurations",
    .from = "configuration c",
    .where = "c.kind IN ('policy', 'root-certificate', 'wifi', 'edition', 'kiosk', 'shared-pc', 'domain-join', 'vpn',"
             " 'co-management')",
    .tenant = "c.tenant",
    .key = "c.id",
    .type_column = "type",
    .columns = configuration_columns,
    .count = TD_COUNTOF(configuration_columns),
};

#define ASSIGNMENT_ID "s.configuration_id || '_' || CASE WHEN s.group_id = '' THEN " ALL_DEVICES " ELSE s.group_id END"
static const struct td_view_column configuration_assignment_columns[] = {
    {.name = "id", .type = TD_V_TEXT, .sql = ASSIGNMENT_ID, .fold = ASSIGNMENT_ID},
    {.name = "configuration", .type = TD_V_TEXT, .sql = "s.configuration_id", .fold = "s.configuration_id"},
    {.name = "group", .type = TD_V_TEXT, .sql = "s.group_id", .fold = "s.group_id"},
};
const struct td_view td_view_configuration_assignment = {
    .name = "assignments",
    .from = "configuration_assignment s",
    .tenant = "s.tenant",
    .key = ASSIGNMENT_ID,
    .columns = configuration_assignment_columns,
    .count = TD_COUNTOF(configuration_assignment_columns),
};
