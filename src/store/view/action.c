/* What comes of actions, as callers of the administration interface see it: requests for a second administrator, logs
 * that were collected, passwords that were backed up (graph-api.md 1.5; store/action.h, store/diagnostics.h,
 * store/local_credential.h). Numbers of kinds and states are those of way/action.h and store/action.h. */
#include "store/views.h"

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Actions one by one, and batches as a whole: the devices of a batch were decided with it. A request is one that waits,
 * or was decided; what ended with the decision was rejected, what ended later was cancelled. A batch of which nothing
 * was ever asked was rejected. */
#define BATCH_ENDED                                                                                     \
    "CASE WHEN state < 3 OR EXISTS (SELECT 1 FROM device_action o WHERE o.tenant = action_batch.tenant" \
    " AND o.batch_id = action_batch.id AND o.batch_id <> '') THEN ended_at ELSE decided_at END"
#define REQUESTS                                                                                                \
    "(SELECT tenant, id, enrolment_id, kind, state, reason, actor, decided_by, asked_at, decided_at, ended_at," \
    " changed_at FROM device_action WHERE batch_id = '' AND (state = 0 OR decided_at <> 0)"                     \
    " UNION ALL SELECT tenant, id, '', kind, CASE state WHEN 0 THEN 0 WHEN 1 THEN 1 WHEN 2 THEN 3 ELSE 5 END,"  \
    " reason, actor, decided_by, asked_at, decided_at, " BATCH_ENDED ", CASE WHEN ended_at <> 0 THEN ended_at"  \
    " WHEN decided_at <> 0 THEN decided_at ELSE asked_at END FROM action_batch WHERE state = 0 OR decided_at <> 0)"
#define ACTION_NAME                                                                                               \
    "CASE WHEN q.kind IN (14, 15) THEN 'cleanWindowsDevice' WHEN q.kind = 16 THEN 'retire' WHEN q.kind = 17 THEN" \
    " 'delete' ELSE 'wipe' END"
#define USER_OF(actor) "(SELECT a.id FROM account a WHERE a.tenant = q.tenant AND a.upn_key = lower(" actor "))"
#define APP_OF(actor) "(SELECT p.name FROM application p WHERE p.tenant = q.tenant AND p.id = " actor ")"
static const struct td_view_column approval_columns[] = {
    {.name = "id", .type = TD_V_TEXT, .sql = "q.id", .fold = "q.id"},
    {.name = "requestDateTime", .type = TD_V_TIME, .sql = "q.asked_at"},
    {.name = "lastModifiedDateTime", .type = TD_V_TIME, .sql = "q.changed_at"},
    {.name = "status",
     .type = TD_V_ENUM,
     .sql = "CASE WHEN q.state = 0 THEN 1 WHEN q.state = 1 THEN 2 WHEN q.state <> 5 THEN 5"
            " WHEN q.ended_at = q.decided_at THEN 3 ELSE 4 END",
     .words = WORDS("unknown", "needsApproval", "approved", "rejected", "cancelled", "completed", "expired")},
    {.name = "requestJustification", .type = TD_V_TEXT, .sql = "NULLIF(q.reason, '')"},
    {.name = "managedDeviceId", .type = TD_V_TEXT, .sql = "NULLIF(q.enrolment_id, '')", .fold = "q.enrolment_id"},
    {.name = "managedDeviceName", .type = TD_V_TEXT, .sql = "e.managed_name"},
    {.name = "serialNumber", .type = TD_V_TEXT, .sql = "e.serial"},
    {.name = "actionName", .type = TD_V_TEXT, .sql = ACTION_NAME},
    {.name = "~requestor", .type = TD_V_TEXT, .sql = "q.actor", .fold = "q.actor"},
    {.name = "~requestorUser", .type = TD_V_TEXT, .sql = USER_OF("q.actor")},
    {.name = "~requestorApp", .type = TD_V_TEXT, .sql = APP_OF("q.actor")},
    {.name = "~approver", .type = TD_V_TEXT, .sql = "q.decided_by", .fold = "q.decided_by"},
    {.name = "~approverUser", .type = TD_V_TEXT, .sql = USER_OF("q.decided_by")},
    {.name = "~approverApp", .type = TD_V_TEXT, .sql = APP_OF("q.decided_by")},
};
const struct td_view td_view_approval = {
    .name = "operationApprovalRequests",
    .from = REQUESTS " q LEFT JOIN enrolment e ON e.tenant = q.tenant AND e.id = q.enrolment_id",
    .tenant = "q.tenant",
    .key = "q.id",
    .sought = (const char *const[]){"managedDeviceName", "serialNumber", "requestJustification", NULL},
    .columns = approval_columns,
    .count = TD_COUNTOF(approval_columns),
};

/* An archive that was taken away again, by its age or by somebody, takes its request along. */
#define REQUEST_ID "x.tenant || '_' || x.enrolment_id || '_' || x.id"
static const struct td_view_column log_columns[] = {
    {.name = "id", .type = TD_V_TEXT, .sql = REQUEST_ID, .fold = REQUEST_ID, .indexed = true},
    {.name = "managedDevice", .type = TD_V_TEXT, .sql = "x.enrolment_id", .fold = "x.enrolment_id"},
    {.name = "managedDeviceId", .type = TD_V_TEXT, .sql = "x.enrolment_id", .fold = "x.enrolment_id"},
    {.name = "status",
     .type = TD_V_TEXT,
     .sql = "CASE WHEN g.id IS NOT NULL THEN 'completed' WHEN x.state IN (4, 6) THEN 'failed' ELSE 'pending' END"},
    {.name = "errorCode", .type = TD_V_INT, .sql = "x.hresult"},
    {.name = "requestedDateTimeUTC", .type = TD_V_TIME, .sql = "x.asked_at"},
    {.name = "receivedDateTimeUTC", .type = TD_V_TIME, .sql = "COALESCE(g.arrived_at, 0)"},
    {.name = "initiatedByUserPrincipalName", .type = TD_V_TEXT, .sql = "x.actor"},
    {.name = "expirationDateTimeUTC", .type = TD_V_TIME, .sql = "COALESCE(g.arrived_at + 2419200000000, 0)"},
    {.name = "size", .type = TD_V_INT, .sql = "COALESCE(g.size, 0)"},
    {.name = "sizeInKB", .type = TD_V_INT, .sql = "(COALESCE(g.size, 0) + 1023) / 1024"},
    {.name = "enrolledByUser", .type = TD_V_TEXT, .sql = "e.user_upn"},
    {.name = "~action", .type = TD_V_TEXT, .sql = "x.id", .fold = "x.id"},
};
const struct td_view td_view_log_collection = {
    .name = "logCollectionRequests",
    .from = "device_action x JOIN enrolment e ON e.tenant = x.tenant AND e.id = x.enrolment_id AND x.kind = 6"
            " LEFT JOIN diagnostic g ON g.tenant = x.tenant AND g.id = x.id AND g.arrived_at <> 0",
    .where = "x.state <> 5 AND (x.state <> 3 OR g.id IS NOT NULL)",
    .tenant = "x.tenant",
    .key = REQUEST_ID,
    .sought = (const char *const[]){"initiatedByUserPrincipalName", NULL},
    .columns = log_columns,
    .count = TD_COUNTOF(log_columns),
};

/* One row a device: the newest of its passwords, which themselves are in no column. */
static const struct td_view_column local_credential_columns[] = {
    {.name = "id", .type = TD_V_TEXT, .sql = "c.device_id", .fold = "c.device_id", .indexed = true},
    {.name = "deviceName", .type = TD_V_TEXT, .sql = "d.display_name"},
    {.name = "lastBackupDateTime", .type = TD_V_TIME, .sql = "c.backed_up_at"},
    {.name = "refreshDateTime", .type = TD_V_TIME, .sql = "c.expires_at"},
};
const struct td_view td_view_local_credential = {
    .name = "deviceLocalCredentials",
    .from = "directory_device d JOIN local_credential c ON c.tenant = d.tenant AND c.device_id = d.id AND c.id ="
            " (SELECT MAX(m.id) FROM local_credential m WHERE m.tenant = d.tenant AND m.device_id = d.id)",
    .tenant = "c.tenant",
    .key = "c.device_id",
    .sought = (const char *const[]){"deviceName", NULL},
    .columns = local_credential_columns,
    .count = TD_COUNTOF(local_credential_columns),
};
