/* windowsAutopilotDeviceIdentity: a registration with its directory object, its way, its enrolment and its profile
 * (graph-api.md 1.2; autopilot.md 1.6, 1.7).
 *
 * The profile that is shown as assigned is the one that was last evaluated; how the device stands to it is the rule in
 * way/profile_choice.h. */
#include "store/profile.h"
#include "store/views.h"

#define ZERO_ID "'00000000-0000-0000-0000-000000000000'"

const char *const td_words_enrollment_state[] = {"unknown", "enrolled", "pendingReset", "failed", "notContacted",
                                                 "blocked", NULL};
const char *const td_words_remediation[] = {"unknown", "noRemediationRequired", "automaticRemediationRequired",
                                            "manualRemediationRequired", NULL};
const char *const td_words_userless[] = {"unknown", "allowed", "blocked", NULL};

/* No joins: what is left-joined by something else than its whole key is read for every row that is only looked at. */
#define DIRECTORY_ID                                                                                                  \
    "coalesce((SELECT d.id FROM directory_device d WHERE d.tenant = r.tenant AND d.registration_id = r.id), " ZERO_ID \
    ")"
#define MANAGED_ID "CASE WHEN w.enrolment_state = 1 THEN coalesce(w.enrolment_id, " ZERO_ID ") ELSE " ZERO_ID " END"
/* The numbers of way/way.h: enrolled, failed. Between the asking for a reset, wipe or fresh start (way/action.h) and
 * its end the reset is pending. */
#define RESET_PENDING                                                                                     \
    "EXISTS (SELECT 1 FROM device_action x WHERE x.tenant = r.tenant AND x.enrolment_id = w.enrolment_id" \
    " AND x.ended_at = 0 AND x.kind IN (7, 9, 10, 11, 12, 13, 14, 15))"
#define ENROLLMENT_STATE                                                                 \
    "CASE WHEN w.enrolment_state = 1 THEN CASE WHEN " RESET_PENDING " THEN 2 ELSE 1 END" \
    " WHEN w.deployment_state = 9 THEN 3 ELSE 4 END"
/* What was deployed before the tenant asked for once is noted nowhere, and blocked all the same (api/enrolment). */
#define ONCE \
    "EXISTS (SELECT 1 FROM tenant_setting s WHERE s.tenant = r.tenant AND s.key = 'userless-once' AND s.value = 'on')"
#define DEPLOYED_USERLESS                                                                                      \
    "EXISTS (SELECT 1 FROM enrolment e WHERE e.tenant = r.tenant AND e.id = w.enrolment_id AND e.user_id = ''" \
    " AND e.former_user = '')"
static const struct td_view_column columns[] = {
    {.name = "id", .type = TD_V_TEXT, .sql = "r.id", .fold = "r.id", .indexed = true},
    {.name = "serialNumber",
     .type = TD_V_TEXT,
     .sql = "r.serial",
     .search = "v",
     .fold = "lower(r.serial)",
     .indexed = true},
    {.name = "groupTag",
     .type = TD_V_TEXT,
     .sql = "r.group_tag",
     .search = "v",
     .fold = "lower(r.group_tag)",
     .indexed = true},
    {.name = "userPrincipalName",
     .type = TD_V_TEXT,
     .sql = "r.assigned_user",
     .search = "v",
     .fold = "lower(r.assigned_user)",
     .indexed = true},
    {.name = "displayName",
     .type = TD_V_TEXT,
     .sql = "r.display_name",
     .search = "v",
     .fold = "lower(r.display_name)",
     .indexed = true},
    {.name = "manufacturer", .type = TD_V_TEXT, .sql = "r.manufacturer", .search = "v"},
    {.name = "model", .type = TD_V_TEXT, .sql = "r.model", .search = "v"},
    {.name = "purchaseOrderIdentifier", .type = TD_V_TEXT, .sql = "r.purchase_order"},
    {.name = "productKey", .type = TD_V_TEXT, .sql = "r.product_key"},
    {.name = "skuNumber", .type = TD_V_TEXT, .sql = "r.sku"},
    {.name = "systemFamily", .type = TD_V_TEXT, .sql = "r.family"},
    {.name = "addressableUserName", .type = TD_V_TEXT, .sql = "r.addressable_user"},
    {.name = "resourceName", .type = TD_V_TEXT, .sql = "r.resource_name"},
    {.name = "deviceFriendlyName", .type = TD_V_TEXT, .sql = "r.friendly_name"},
    {.name = "deviceAccountUpn", .type = TD_V_TEXT, .sql = "r.account_upn"},
    {.name = "deviceAccountPassword", .type = TD_V_TEXT, .sql = "''"},
    {.name = "azureActiveDirectoryDeviceId", .type = TD_V_TEXT, .sql = DIRECTORY_ID},
    {.name = "azureAdDeviceId", .type = TD_V_TEXT, .sql = DIRECTORY_ID},
    {.name = "managedDeviceId", .type = TD_V_TEXT, .sql = MANAGED_ID},
    {.name = "enrollmentState", .type = TD_V_ENUM, .sql = ENROLLMENT_STATE, .words = td_words_enrollment_state},
    {.name = "lastContactedDateTime",
     .type = TD_V_TIME,
     .sql = "CASE WHEN w.last_contact_at > w.contacted_at THEN w.last_contact_at ELSE coalesce(w.contacted_at, 0) END"},
    {.name = "deploymentProfileAssignmentStatus",
     .type = TD_V_ENUM,
     .sql = TD_PROFILE_STATUS_SQL,
     .words = td_profile_status_words},
    {.name = "deploymentProfileAssignmentDetailedStatus",
     .type = TD_V_ENUM,
     .sql = "r.profile_detail",
     .words = td_profile_detail_words},
    {.name = "deploymentProfileAssignedDateTime",
     .type = TD_V_TIME,
     .sql = "CASE WHEN r.profile_id = '' THEN 0 ELSE r.profile_at END"},
    {.name = "remediationState",
     .type = TD_V_ENUM,
     .sql = "CASE r.remediation WHEN 0 THEN 1 ELSE r.remediation END",
     .words = td_words_remediation},
    {.name = "remediationStateLastModifiedDateTime", .type = TD_V_TIME, .sql = "r.remediation_at"},
    {.name = "userlessEnrollmentStatus",
     .type = TD_V_ENUM,
     .sql = "CASE WHEN r.userless = 0 AND " ONCE " AND " DEPLOYED_USERLESS " THEN 2 ELSE r.userless END",
     .words = td_words_userless},
    {.name = "deploymentProfile/id", .type = TD_V_TEXT, .sql = "r.profile_id", .fold = "r.profile_id", .indexed = true},
    {.name = "deploymentProfile/displayName", .type = TD_V_TEXT, .sql = "coalesce(p.name, '')"},
    {.name = "~way", .type = TD_V_TEXT, .sql = "r.way_id"},
    {.name = "~profile", .type = TD_V_TEXT, .sql = "r.profile_id", .fold = "r.profile_id"},
    {.name = "~created", .type = TD_V_TIME, .sql = "r.created_at"},
    {.name = "~modified", .type = TD_V_TIME, .sql = "r.modified_at"},
    {.name = "~warning", .type = TD_V_TEXT, .sql = "r.warning"},
    {.name = "~source", .type = TD_V_TEXT, .sql = "r.source"},
};

const struct td_view td_view_registrations = {
    .name = "windowsAutopilotDeviceIdentities",
    .from = "registration r"
            " LEFT JOIN way w ON w.tenant = r.tenant AND w.id = r.way_id"
            " LEFT JOIN profile p ON p.tenant = r.tenant AND p.id = r.profile_id" TD_PROFILE_GIVEN_JOIN,
    .tenant = "r.tenant",
    .key = "r.id",
    .search_table = "registration_search",
    .search_key = "r.pos",
    .columns = columns,
    .count = TD_COUNTOF(columns),
};
