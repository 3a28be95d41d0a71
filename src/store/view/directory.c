/* Groups, devices and users of the directory, and who is in what, as callers of the administration interface see them
 * (graph-api.md 1.8, 2.1). */
#include "store/views.h"

/* What a directory domain told (store/directory_sync.h); x is the table's short name. */
#define ON_PREMISES_AS(x, synced, known_as)                                                             \
    {.name = "onPremisesSyncEnabled", .type = TD_V_BOOL, .sql = (synced)},                              \
        {.name = "onPremisesDomainName", .type = TD_V_TEXT, .sql = "NULLIF(" x ".ad_domain, '')"},      \
        {.name = "onPremisesLastSyncDateTime", .type = TD_V_TIME, .sql = "NULLIF(" x ".synced_at, 0)"}, \
        {.name = "onPremisesSamAccountName", .type = TD_V_TEXT, .sql = "NULLIF(" x ".sam, '')"},        \
    {                                                                                                   \
        .name = "onPremisesSecurityIdentifier", .type = TD_V_TEXT, .sql = (known_as)                    \
    }
#define ON_PREMISES(x) ON_PREMISES_AS(x, "CASE WHEN " x ".source = 'ad' THEN 1 END", "NULLIF(" x ".ad_sid, '')")
/* A device's account in its domain is looked at in the moment, not synchronised. */
#define DEVICE_SYNCED "CASE WHEN d.account_guid <> '' THEN 1 END"
#define DEVICE_SID "NULLIF(d.account_sid, '')"
#define ON_PREMISES_OF_ALL(x)                                                             \
    ON_PREMISES_AS(x, "CASE WHEN " x ".source = 'ad' OR d.account_guid <> '' THEN 1 END", \
                   "coalesce(NULLIF(" x ".ad_sid, ''), " DEVICE_SID ")")

#define GROUP_COLUMNS                                                                                             \
    {.name = "id", .type = TD_V_TEXT, .sql = "g.id", .fold = "g.id", .indexed = true},                            \
        {.name = "displayName", .type = TD_V_TEXT, .sql = "g.name", .fold = "g.name_key", .indexed = true},       \
        {.name = "description", .type = TD_V_TEXT, .sql = "NULLIF(g.description, '')"},                           \
        {.name = "mailNickname", .type = TD_V_TEXT, .sql = "NULLIF(g.nickname, '')"},                             \
        {.name = "createdDateTime", .type = TD_V_TIME, .sql = "g.created_at"},                                    \
        {.name = "renewedDateTime", .type = TD_V_TIME, .sql = "g.created_at"},                                    \
        {.name = "securityEnabled", .type = TD_V_BOOL, .sql = "1"},                                               \
        {.name = "mailEnabled", .type = TD_V_BOOL, .sql = "0"},                                                   \
        {.name = "membershipRule", .type = TD_V_TEXT, .sql = "NULLIF(g.rule, '')"},                               \
        {.name = "membershipRuleProcessingState",                                                                 \
         .type = TD_V_TEXT,                                                                                       \
         .sql = "CASE WHEN g.kind = 0 THEN NULL WHEN g.paused = 1 THEN 'Paused' ELSE 'On' END"},                  \
        {.name = "groupTypes", .type = TD_V_TEXTS, .items = "SELECT 'DynamicMembership' AS v WHERE g.kind <> 0"}, \
        {.name = "groupKind", .type = TD_V_INT, .sql = "g.kind"},                                                 \
        {.name = "membersAt", .type = TD_V_TIME, .sql = "g.members_at"},                                          \
        {.name = "spreadAfter", .type = TD_V_TEXT, .sql = "g.spread_after"}, ON_PREMISES("g"),                    \
    {                                                                                                             \
        .name = "groupProblem", .type = TD_V_TEXT, .sql = "g.problem"                                             \
    }

static const struct td_view_column group_columns[] = {GROUP_COLUMNS};
const struct td_view td_view_group = {
    .name = "groups",
    .from = "device_group g",
    .tenant = "g.tenant",
    .key = "g.id",
    .columns = group_columns,
    .count = TD_COUNTOF(group_columns),
};

/* Groups of one device or user. */
static const struct td_view_column member_of_columns[] = {
    GROUP_COLUMNS,
    {.name = "memberId", .type = TD_V_TEXT, .sql = "x.member", .fold = "x.member"},
    {.name = "objectType", .type = TD_V_TEXT, .sql = "'group'"},
};
const struct td_view td_view_member_of = {
    .name = "memberOf",
    .from = "(SELECT m.tenant AS tenant, m.group_id AS group_id, w.device_id AS member FROM way w"
            " JOIN device_group_member m ON m.tenant = w.tenant AND m.way_id = w.id WHERE w.device_id IS NOT NULL"
            " UNION ALL SELECT tenant, group_id, user_id FROM group_user) x"
            " JOIN device_group g ON g.tenant = x.tenant AND g.id = x.group_id",
    .tenant = "x.tenant",
    .key = "g.id",
    .type_column = "objectType",
    .columns = member_of_columns,
    .count = TD_COUNTOF(member_of_columns),
};

#define DEVICE_NAME "CASE WHEN d.joined_at = 0 AND r.display_name <> '' THEN r.display_name ELSE d.display_name END"
#define DEVICE_COLUMNS                                                                                                 \
    {.name = "deviceId", .type = TD_V_TEXT, .sql = "d.id", .fold = "d.id", .indexed = true},                           \
        {.name = "operatingSystem", .type = TD_V_TEXT, .sql = "d.os"},                                                 \
        {.name = "operatingSystemVersion",                                                                             \
         .type = TD_V_TEXT,                                                                                            \
         .sql = "coalesce(NULLIF(e.os_version, ''), NULLIF(d.os_version, ''))"},                                       \
        {.name = "trustType", .type = TD_V_TEXT, .sql = "d.trust_type"},                                               \
        {.name = "domainName", .type = TD_V_TEXT, .sql = "NULLIF(d.account_domain, '')"},                              \
        {.name = "manufacturer",                                                                                       \
         .type = TD_V_TEXT,                                                                                            \
         .sql = "coalesce(NULLIF(r.manufacturer, ''), NULLIF(e.manufacturer, ''))"},                                   \
        {.name = "model", .type = TD_V_TEXT, .sql = "coalesce(NULLIF(r.model, ''), NULLIF(e.model, ''))"},             \
        {.name = "isManaged", .type = TD_V_BOOL, .sql = "CASE WHEN e.id IS NULL THEN NULL ELSE 1 END"},                \
        {.name = "managementType", .type = TD_V_TEXT, .sql = "CASE WHEN e.id IS NULL THEN NULL ELSE 'MDM' END"},       \
        {.name = "mdmAppId",                                                                                           \
         .type = TD_V_TEXT,                                                                                            \
         .sql = "CASE WHEN e.id IS NULL THEN NULL ELSE '0000000a-0000-0000-c000-000000000000' END"},                   \
        {.name = "deviceOwnership",                                                                                    \
         .type = TD_V_TEXT,                                                                                            \
         .sql = "CASE WHEN e.owner = 1 THEN 'Company' WHEN e.owner = 2 THEN 'Personal' WHEN d.trust_type <> "          \
                "'Workplace' OR d.registration_id IS NOT NULL THEN 'Company'"                                          \
                " ELSE 'Personal' END"},                                                                               \
        {.name = "enrollmentType",                                                                                     \
         .type = TD_V_TEXT,                                                                                            \
         .sql = "CASE WHEN e.id IS NULL THEN NULL WHEN d.registration_id IS NOT NULL"                                  \
                " THEN 'AzureDomainJoined' ELSE 'UserEnrollment' END"},                                                \
        {.name = "enrollmentProfileName", .type = TD_V_TEXT, .sql = "coalesce(v.name, p.name)"},                       \
        {.name = "profileType", .type = TD_V_TEXT, .sql = "'RegisteredDevice'"},                                       \
        {.name = "registrationDateTime",                                                                               \
         .type = TD_V_TIME,                                                                                            \
         .sql = "CASE WHEN d.joined_at <> 0 THEN d.joined_at ELSE d.created_at END"},                                  \
        {.name = "approximateLastSignInDateTime",                                                                      \
         .type = TD_V_TIME,                                                                                            \
         .sql = "CASE WHEN coalesce(w.last_contact_at, 0) > d.joined_at THEN w.last_contact_at ELSE d.joined_at END"}, \
        {.name = "physicalIds",                                                                                        \
         .type = TD_V_TEXTS,                                                                                           \
         .items = "SELECT '[ZTDID]:' || d.registration_id AS v WHERE d.registration_id IS NOT NULL"                    \
                  " UNION ALL SELECT '[OrderId]:' || d.group_tag WHERE d.group_tag <> ''"                              \
                  " UNION ALL SELECT '[PurchaseOrderId]:' || d.purchase_order WHERE d.purchase_order <> ''"            \
                  " UNION ALL SELECT '[HWID]:' || d.hardware_id WHERE d.hardware_id <> ''"},                           \
        {.name = "registrationId", .type = TD_V_TEXT, .sql = "d.registration_id", .fold = "d.registration_id"},        \
        {.name = "orderTag", .type = TD_V_TEXT, .sql = "d.group_tag"},                                                 \
        {.name = "purchaseOrder", .type = TD_V_TEXT, .sql = "d.purchase_order"},                                       \
        {.name = "hardwareId", .type = TD_V_TEXT, .sql = "d.hardware_id"},                                             \
        {.name = "securityKey", .type = TD_V_TEXT, .sql = "d.alt_security_id"},                                        \
        {.name = "extensionAttributes/extensionAttribute1", .type = TD_V_TEXT, .sql = "NULLIF(d.extension1, '')"},     \
        {.name = "extensionAttributes/extensionAttribute2", .type = TD_V_TEXT, .sql = "NULLIF(d.extension2, '')"},     \
        {.name = "extensionAttributes/extensionAttribute3", .type = TD_V_TEXT, .sql = "NULLIF(d.extension3, '')"},     \
        {.name = "extensionAttributes/extensionAttribute4", .type = TD_V_TEXT, .sql = "NULLIF(d.extension4, '')"},     \
        {.name = "extensionAttributes/extensionAttribute5", .type = TD_V_TEXT, .sql = "NULLIF(d.extension5, '')"},     \
        {.name = "extensionAttributes/extensionAttribute6", .type = TD_V_TEXT, .sql = "NULLIF(d.extension6, '')"},     \
        {.name = "extensionAttributes/extensionAttribute7", .type = TD_V_TEXT, .sql = "NULLIF(d.extension7, '')"},     \
        {.name = "extensionAttributes/extensionAttribute8", .type = TD_V_TEXT, .sql = "NULLIF(d.extension8, '')"},     \
        {.name = "extensionAttributes/extensionAttribute9", .type = TD_V_TEXT, .sql = "NULLIF(d.extension9, '')"},     \
        {.name = "extensionAttributes/extensionAttribute10", .type = TD_V_TEXT, .sql = "NULLIF(d.extension10, '')"},   \
        {.name = "extensionAttributes/extensionAttribute11", .type = TD_V_TEXT, .sql = "NULLIF(d.extension11, '')"},   \
        {.name = "extensionAttributes/extensionAttribute12", .type = TD_V_TEXT, .sql = "NULLIF(d.extension12, '')"},   \
        {.name = "extensionAttributes/extensionAttribute13", .type = TD_V_TEXT, .sql = "NULLIF(d.extension13, '')"},   \
        {.name = "extensionAttributes/extensionAttribute14", .type = TD_V_TEXT, .sql = "NULLIF(d.extension14, '')"},   \
    {                                                                                                                  \
        .name = "extensionAttributes/extensionAttribute15", .type = TD_V_TEXT, .sql = "NULLIF(d.extension15, '')"      \
    }
#define DEVICE_JOINS                                                                          \
    " LEFT JOIN way w ON w.tenant = d.tenant AND w.device_id = d.id"                          \
    " LEFT JOIN registration r ON r.tenant = d.tenant AND r.id = d.registration_id"           \
    " LEFT JOIN enrolment e ON e.tenant = w.tenant AND e.id = w.enrolment_id AND e.state = 0" \
    " LEFT JOIN profile_given v ON v.tenant = w.tenant AND v.way_id = w.id"                   \
    " LEFT JOIN profile p ON p.tenant = r.tenant AND p.id = r.profile_id"

static const struct td_view_column device_columns[] = {
    {.name = "id", .type = TD_V_TEXT, .sql = "d.id", .fold = "d.id", .indexed = true},
    {.name = "displayName", .type = TD_V_TEXT, .sql = DEVICE_NAME},
    {.name = "accountEnabled", .type = TD_V_BOOL, .sql = "d.enabled"},
    {.name = "createdDateTime", .type = TD_V_TIME, .sql = "d.created_at"},
    {.name = "ownerId", .type = TD_V_TEXT, .sql = "d.owner_id", .fold = "d.owner_id"},
    {.name = "onPremisesSyncEnabled", .type = TD_V_BOOL, .sql = DEVICE_SYNCED},
    {.name = "onPremisesSecurityIdentifier", .type = TD_V_TEXT, .sql = DEVICE_SID},
    DEVICE_COLUMNS,
};
const struct td_view td_view_device = {
    .name = "devices",
    .from = "directory_device d" DEVICE_JOINS,
    .where = "d.deleted_at = 0",
    .tenant = "d.tenant",
    .key = "d.id",
    .columns = device_columns,
    .count = TD_COUNTOF(device_columns),
};

#define USER_COLUMNS_WITH(PREMISES)                                                                                    \
    {.name = "userPrincipalName", .type = TD_V_TEXT, .sql = "a.upn", .fold = "a.upn_key", .indexed = true},            \
        {.name = "mail", .type = TD_V_TEXT, .sql = "NULLIF(a.mail, '')"},                                              \
        {.name = "mailNickname", .type = TD_V_TEXT, .sql = "NULLIF(a.nickname, '')"},                                  \
        {.name = "city", .type = TD_V_TEXT, .sql = "NULLIF(a.city, '')"},                                              \
        {.name = "companyName", .type = TD_V_TEXT, .sql = "NULLIF(a.company_name, '')"},                               \
        {.name = "country", .type = TD_V_TEXT, .sql = "NULLIF(a.country, '')"},                                        \
        {.name = "department", .type = TD_V_TEXT, .sql = "NULLIF(a.department, '')"},                                  \
        {.name = "employeeHireDate", .type = TD_V_TIME, .sql = "NULLIF(a.employee_hire_date, 0)"},                     \
        {.name = "employeeId", .type = TD_V_TEXT, .sql = "NULLIF(a.employee_id, '')"},                                 \
        {.name = "givenName", .type = TD_V_TEXT, .sql = "NULLIF(a.given_name, '')"},                                   \
        {.name = "jobTitle", .type = TD_V_TEXT, .sql = "NULLIF(a.job_title, '')"},                                     \
        {.name = "mobilePhone", .type = TD_V_TEXT, .sql = "NULLIF(a.mobile, '')"},                                     \
        {.name = "officeLocation", .type = TD_V_TEXT, .sql = "NULLIF(a.office, '')"},                                  \
        {.name = "postalCode", .type = TD_V_TEXT, .sql = "NULLIF(a.postal_code, '')"},                                 \
        {.name = "preferredLanguage", .type = TD_V_TEXT, .sql = "NULLIF(a.preferred_language, '')"},                   \
        {.name = "state", .type = TD_V_TEXT, .sql = "NULLIF(a.state, '')"},                                            \
        {.name = "streetAddress", .type = TD_V_TEXT, .sql = "NULLIF(a.street_address, '')"},                           \
        {.name = "surname", .type = TD_V_TEXT, .sql = "NULLIF(a.surname, '')"},                                        \
        {.name = "telephone", .type = TD_V_TEXT, .sql = "a.telephone"},                                                \
        {.name = "otherMailLines", .type = TD_V_TEXT, .sql = "a.other_mails"},                                         \
        {.name = "usageLocation", .type = TD_V_TEXT, .sql = "NULLIF(a.usage_location, '')"}, PREMISES("a"),            \
        {.name = "onPremisesUserPrincipalName", .type = TD_V_TEXT, .sql = "CASE WHEN a.source = 'ad' THEN a.upn END"}, \
        {.name = "~guid", .type = TD_V_TEXT, .sql = "a.ad_guid"},                                                      \
    {                                                                                                                  \
        .name = "userType", .type = TD_V_TEXT, .sql = "a.user_type"                                                    \
    }

#define USER_COLUMNS USER_COLUMNS_WITH(ON_PREMISES)

static const struct td_view_column user_columns[] = {
    {.name = "id", .type = TD_V_TEXT, .sql = "a.id", .fold = "a.id", .indexed = true},
    {.name = "displayName", .type = TD_V_TEXT, .sql = "a.name", .fold = "lower(a.name)", .indexed = true},
    {.name = "accountEnabled", .type = TD_V_BOOL, .sql = "a.enabled"},
    {.name = "createdDateTime", .type = TD_V_TIME, .sql = "a.created_at"},
    USER_COLUMNS,
};
const struct td_view td_view_user = {
    .name = "users",
    .from = "account a",
    .tenant = "a.tenant",
    .key = "a.id",
    .columns = user_columns,
    .count = TD_COUNTOF(user_columns),
};

/* Members of a group: devices and users in one list. */
static const struct td_view_column member_columns[] = {
    {.name = "id", .type = TD_V_TEXT, .sql = "x.id", .fold = "x.id"},
    {.name = "memberGroup", .type = TD_V_TEXT, .sql = "x.group_id", .fold = "x.group_id"},
    {.name = "objectType", .type = TD_V_TEXT, .sql = "CASE x.kind WHEN 1 THEN 'device' ELSE 'user' END"},
    {.name = "displayName", .type = TD_V_TEXT, .sql = "CASE x.kind WHEN 1 THEN " DEVICE_NAME " ELSE a.name END"},
    {.name = "accountEnabled", .type = TD_V_BOOL, .sql = "coalesce(d.enabled, a.enabled)"},
    {.name = "createdDateTime", .type = TD_V_TIME, .sql = "coalesce(d.created_at, a.created_at)"},
    DEVICE_COLUMNS,
    USER_COLUMNS_WITH(ON_PREMISES_OF_ALL),
};
const struct td_view td_view_member = {
    .name = "members",
    .from = "(SELECT m.tenant AS tenant, m.group_id AS group_id, w0.device_id AS id, 1 AS kind"
            " FROM device_group_member m JOIN way w0 ON w0.tenant = m.tenant AND w0.id = m.way_id"
            " WHERE w0.device_id IS NOT NULL"
            " UNION ALL SELECT tenant, group_id, user_id, 2 FROM group_user) x"
            " LEFT JOIN directory_device d ON x.kind = 1 AND d.tenant = x.tenant AND d.id = x.id"
            " LEFT JOIN account a ON x.kind = 2 AND a.tenant = x.tenant AND a.id = x.id" DEVICE_JOINS,
    .where = "(a.id IS NOT NULL OR d.deleted_at = 0)",
    .tenant = "x.tenant",
    .key = "x.id",
    .type_column = "objectType",
    .columns = member_columns,
    .count = TD_COUNTOF(member_columns),
};

/* What stands behind an id. */
static const struct td_view_column object_columns[] = {
    {.name = "id", .type = TD_V_TEXT, .sql = "x.id", .fold = "x.id"},
    {.name = "objectType",
     .type = TD_V_TEXT,
     .sql = "CASE x.kind WHEN 1 THEN 'device' WHEN 2 THEN 'user' ELSE 'group' END"},
    {.name = "displayName",
     .type = TD_V_TEXT,
     .sql = "CASE x.kind WHEN 1 THEN " DEVICE_NAME " WHEN 2 THEN a.name ELSE g.name END"},
    {.name = "accountEnabled", .type = TD_V_BOOL, .sql = "coalesce(d.enabled, a.enabled)"},
    {.name = "description", .type = TD_V_TEXT, .sql = "NULLIF(g.description, '')"},
    {.name = "membershipRule", .type = TD_V_TEXT, .sql = "NULLIF(g.rule, '')"},
    {.name = "membershipRuleProcessingState",
     .type = TD_V_TEXT,
     .sql = "CASE WHEN coalesce(g.kind, 0) = 0 THEN NULL WHEN g.paused = 1 THEN 'Paused' ELSE 'On' END"},
    {.name = "groupKind", .type = TD_V_INT, .sql = "coalesce(g.kind, 0)"},
    {.name = "createdDateTime", .type = TD_V_TIME, .sql = "coalesce(d.created_at, a.created_at, g.created_at)"},
    DEVICE_COLUMNS,
    USER_COLUMNS_WITH(ON_PREMISES_OF_ALL),
};
const struct td_view td_view_directory_object = {
    .name = "directoryObjects",
    .from = "(SELECT tenant, id, 1 AS kind FROM directory_device WHERE deleted_at = 0"
            " UNION ALL SELECT tenant, id, 2 FROM account UNION ALL SELECT tenant, id, 3 FROM device_group) x"
            " LEFT JOIN directory_device d ON x.kind = 1 AND d.tenant = x.tenant AND d.id = x.id"
            " LEFT JOIN account a ON x.kind = 2 AND a.tenant = x.tenant AND a.id = x.id"
            " LEFT JOIN device_group g ON x.kind = 3 AND g.tenant = x.tenant AND g.id = x.id" DEVICE_JOINS,
    .tenant = "x.tenant",
    .key = "x.id",
    .type_column = "objectType",
    .columns = object_columns,
    .count = TD_COUNTOF(object_columns),
};

/* Who joined a device, as the list of its owners and users. */
static const struct td_view_column owner_columns[] = {
    {.name = "id", .type = TD_V_TEXT, .sql = "a.id", .fold = "a.id"},
    {.name = "ownedDevice", .type = TD_V_TEXT, .sql = "d.id", .fold = "d.id"},
    {.name = "objectType", .type = TD_V_TEXT, .sql = "'user'"},
    {.name = "displayName", .type = TD_V_TEXT, .sql = "a.name"},
    {.name = "accountEnabled", .type = TD_V_BOOL, .sql = "a.enabled"},
    {.name = "createdDateTime", .type = TD_V_TIME, .sql = "a.created_at"},
    USER_COLUMNS,
};
const struct td_view td_view_device_owner = {
    .name = "registeredOwners",
    .from = "directory_device d JOIN account a ON a.tenant = d.tenant AND a.id = d.owner_id",
    .where = "d.deleted_at = 0 AND d.joined_at <> 0",
    .tenant = "d.tenant",
    .key = "a.id",
    .type_column = "objectType",
    .columns = owner_columns,
    .count = TD_COUNTOF(owner_columns),
};
