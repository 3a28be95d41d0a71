/* What stands around registrations, as callers see it: imports, corporate identifiers, devices that ask
 * (graph-api.md 1.2; docs/protocol/ztd.md 3.3). */
#include "store/views.h"

const char *const td_words_import_status[] = {"unknown", "pending", "partial", "complete", "error", NULL};
const char *const td_words_identity_type[] = {"unknown", "imei", "serialNumber", "manufacturerModelSerial", NULL};
const char *const td_words_request_state[] = {"pending", "approved", "rejected", NULL};
const char *const td_words_platform[] = {"unknown", "ios", "android", "windows", "windowsMobile", "macOS", NULL};
const char *const td_words_sync_status[] = {"unknown", "inProgress", "completed", "failed", NULL};

static const struct td_view_column import_columns[] = {
    {.name = "id", .type = TD_V_TEXT, .sql = "i.id", .fold = "i.id", .indexed = true},
    {.name = "serialNumber", .type = TD_V_TEXT, .sql = "i.serial"},
    {.name = "groupTag", .type = TD_V_TEXT, .sql = "i.group_tag"},
    {.name = "productKey", .type = TD_V_TEXT, .sql = "i.product_key"},
    {.name = "importId", .type = TD_V_TEXT, .sql = "i.import_id"},
    {.name = "hardwareIdentifier", .type = TD_V_TEXT, .sql = "''"},
    {.name = "assignedUserPrincipalName", .type = TD_V_TEXT, .sql = "i.assigned_user"},
    {.name = "state/deviceImportStatus", .type = TD_V_ENUM, .sql = "i.state", .words = td_words_import_status},
    {.name = "state/deviceRegistrationId", .type = TD_V_TEXT, .sql = "i.registration_id"},
    {.name = "state/deviceErrorCode", .type = TD_V_INT, .sql = "i.code"},
    {.name = "state/deviceErrorName", .type = TD_V_TEXT, .sql = "i.name"},
    {.name = "~detail", .type = TD_V_TEXT, .sql = "i.detail"},
    {.name = "~created", .type = TD_V_TIME, .sql = "i.created_at"},
};
const struct td_view td_view_imports = {
    .name = "importedWindowsAutopilotDeviceIdentities",
    .from = "import_record i",
    .tenant = "i.tenant",
    .key = "i.id",
    .sought = (const char *const[]){"serialNumber", "groupTag", "assignedUserPrincipalName", NULL},
    .columns = import_columns,
    .count = TD_COUNTOF(import_columns),
};

static const struct td_view_column identifier_columns[] = {
    {.name = "id", .type = TD_V_TEXT, .sql = "c.id", .fold = "c.id", .indexed = true},
    {.name = "importedDeviceIdentifier", .type = TD_V_TEXT, .sql = "c.identifier_key"},
    {.name = "importedDeviceIdentityType", .type = TD_V_ENUM, .sql = "c.kind", .words = td_words_identity_type},
    {.name = "description", .type = TD_V_TEXT, .sql = "c.description"},
    {.name = "createdDateTime", .type = TD_V_TIME, .sql = "c.created_at"},
    {.name = "lastModifiedDateTime", .type = TD_V_TIME, .sql = "c.modified_at"},
    {.name = "lastContactedDateTime", .type = TD_V_TIME, .sql = "0"},
    {.name = "enrollmentState", .type = TD_V_ENUM, .sql = "4", .words = td_words_enrollment_state},
    {.name = "platform", .type = TD_V_ENUM, .sql = "3", .words = td_words_platform},
};
const struct td_view td_view_identifiers = {
    .name = "importedDeviceIdentities",
    .from = "corporate_identifier c",
    .tenant = "c.tenant",
    .key = "c.id",
    .sought = (const char *const[]){"importedDeviceIdentifier", "description", NULL},
    .columns = identifier_columns,
    .count = TD_COUNTOF(identifier_columns),
};

static const struct td_view_column request_columns[] = {
    {.name = "id", .type = TD_V_TEXT, .sql = "q.id", .fold = "q.id", .indexed = true},
    {.name = "code", .type = TD_V_TEXT, .sql = "substr(q.code, 1, 4) || '-' || substr(q.code, 5, 4)"},
    {.name = "serialNumber", .type = TD_V_TEXT, .sql = "q.serial"},
    {.name = "manufacturer", .type = TD_V_TEXT, .sql = "q.manufacturer"},
    {.name = "model", .type = TD_V_TEXT, .sql = "q.model"},
    {.name = "ipAddress", .type = TD_V_TEXT, .sql = "q.address"},
    {.name = "state", .type = TD_V_ENUM, .sql = "q.state", .words = td_words_request_state},
    {.name = "requestCount", .type = TD_V_INT, .sql = "q.asked"},
    {.name = "createdDateTime", .type = TD_V_TIME, .sql = "q.created_at"},
    {.name = "lastRequestedDateTime", .type = TD_V_TIME, .sql = "q.asked_at"},
    {.name = "expirationDateTime", .type = TD_V_TIME, .sql = "q.expires_at"},
    {.name = "decidedDateTime", .type = TD_V_TIME, .sql = "q.decided_at"},
    {.name = "decidedBy", .type = TD_V_TEXT, .sql = "q.actor"},
    {.name = "deviceRegistrationId", .type = TD_V_TEXT, .sql = "q.registration_id"},
};
const struct td_view td_view_requests = {
    .name = "windowsAutopilotDeviceRequests",
    .from = "device_request q",
    .tenant = "q.tenant",
    .key = "q.id",
    .sought = (const char *const[]){"code", "serialNumber", "model", NULL},
    .columns = request_columns,
    .count = TD_COUNTOF(request_columns),
};

/* Columns of what rests in no table. */
static const struct td_view_column settings_columns[] = {
    {.name = "id", .type = TD_V_TEXT},
    {.name = "lastSyncDateTime", .type = TD_V_TIME},
    {.name = "lastManualSyncTriggerDateTime", .type = TD_V_TIME},
    {.name = "syncStatus", .type = TD_V_ENUM, .words = td_words_sync_status},
};
const struct td_view td_view_autopilot_settings = {
    .name = "windowsAutopilotSettings", .columns = settings_columns, .count = TD_COUNTOF(settings_columns)};

static const struct td_view_column associated_columns[] = {
    {.name = "id", .type = TD_V_TEXT},
    {.name = "serialNumber", .type = TD_V_TEXT},
    {.name = "associationState", .type = TD_V_TEXT},
    {.name = "devicePreparationPolicyId", .type = TD_V_TEXT},
    {.name = "preAssociatedByUserPrincipalName", .type = TD_V_TEXT},
    {.name = "assignedToUserPrincipalName", .type = TD_V_TEXT},
    {.name = "preAssociationDateTime", .type = TD_V_TIME},
    {.name = "associationDateTime", .type = TD_V_TIME},
    {.name = "managedDeviceId", .type = TD_V_TEXT},
};
const struct td_view td_view_associated = {
    .name = "tenantAssociatedDevices", .columns = associated_columns, .count = TD_COUNTOF(associated_columns)};
