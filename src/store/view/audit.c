/* The audit as callers of the administration interface see it: device management's events and the directory's list of
 * everything (graph-api.md 1.8). Newest first is the order of ids (store/audit.c). */
#include "store/views.h"

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Names of programs: those of the tenant by name; the command line and the service itself call themselves. */
#define PROGRAM                                                          \
    "CASE WHEN u.application <> '' THEN coalesce(p.name, u.application)" \
    " WHEN u.account = '' THEN u.actor ELSE NULL END"
#define TEXT(n, s)                                 \
    {                                              \
        .name = (n), .type = TD_V_TEXT, .sql = (s) \
    }
/* Texts of ours that are never searched in another case. */
#define EXACT(n, s)                                             \
    {                                                           \
        .name = (n), .type = TD_V_TEXT, .sql = (s), .fold = (s) \
    }
/* What the resources are written from. */
#define SHARED                                                                                                  \
    {.name = "id", .type = TD_V_TEXT, .sql = "u.id", .fold = "u.id"},                                           \
        {.name = "activityDateTime", .type = TD_V_TIME, .sql = "u.at", .indexed = true},                        \
        TEXT("category", "u.category"),                                                                         \
        EXACT("correlationId",                                                                                  \
              "CASE u.correlation WHEN '' THEN '00000000-0000-0000-0000-000000000000' ELSE u.correlation END"), \
        {.name = "detail", .type = TD_V_JSON, .sql = "e.detail"}, TEXT("resource", "u.resource"),               \
        EXACT("target", "u.target"), TEXT("targetName", "u.target_name"),                                       \
        {.name = "failed", .type = TD_V_BOOL, .sql = "u.failed"}, TEXT("actorText", "u.actor"), TEXT("kind", "u.kind")

static const char from[] = "audit u JOIN event e ON e.pos = u.pos"
                           " LEFT JOIN application p ON p.tenant = u.tenant AND p.id = u.application";

static const struct td_view_column event_columns[] = {
    SHARED,
    TEXT("displayName", "u.activity"),
    TEXT("activity", "u.activity"),
    TEXT("activityType", "u.activity"),
    TEXT("activityOperationType", "u.operation"),
    TEXT("activityResult", "CASE u.failed WHEN 0 THEN 'Success' ELSE 'Failure' END"),
    TEXT("componentName", "u.category"),
    TEXT("actor/auditActorType", "CASE WHEN u.account <> '' THEN 'ItPro' WHEN u.application <> '' THEN 'Application'"
                                 " ELSE 'System' END"),
    TEXT("actor/type", "CASE WHEN u.account <> '' THEN 'ItPro' WHEN u.application <> '' THEN 'Application'"
                       " ELSE 'System' END"),
    TEXT("actor/userPrincipalName", "NULLIF(u.upn, '')"),
    EXACT("actor/userId", "NULLIF(u.account, '')"),
    EXACT("actor/applicationId", "NULLIF(u.application, '')"),
    TEXT("actor/applicationDisplayName", PROGRAM),
    TEXT("actor/servicePrincipalName", "CASE WHEN u.account = '' THEN NULLIF(u.application, '') ELSE NULL END"),
    EXACT("actor/ipAddress", "NULLIF(u.address, '')"),
};
const struct td_view td_view_audit_events = {.name = "auditEvents",
                                             .from = from,
                                             .where = "u.directory = 0",
                                             .tenant = "u.tenant",
                                             .key = "u.id",
                                             .columns = event_columns,
                                             .count = TD_COUNTOF(event_columns)};

static const struct td_view_column directory_columns[] = {
    SHARED,
    TEXT("activityDisplayName", "u.activity"),
    TEXT("operationType", "u.operation"),
    {.name = "result",
     .type = TD_V_ENUM,
     .sql = "u.failed",
     .words = WORDS("success", "failure", "timeout", "unknownFutureValue")},
    TEXT("resultReason", "u.reason"),
    TEXT("loggedByService", "CASE u.directory WHEN 0 THEN 'Device Management' ELSE 'Core Directory' END"),
    EXACT("initiatedBy/user/id", "NULLIF(u.account, '')"),
    TEXT("initiatedBy/user/userPrincipalName", "NULLIF(u.upn, '')"),
    TEXT("initiatedBy/user/displayName", "NULL"),
    EXACT("initiatedBy/user/ipAddress", "NULLIF(u.address, '')"),
    EXACT("initiatedBy/app/appId", "NULLIF(u.application, '')"),
    TEXT("initiatedBy/app/displayName", PROGRAM),
};
const struct td_view td_view_directory_audits = {.name = "directoryAudits",
                                                 .from = from,
                                                 .tenant = "u.tenant",
                                                 .key = "u.id",
                                                 .sought = (const char *const[]){"activityDisplayName", NULL},
                                                 .columns = directory_columns,
                                                 .count = TD_COUNTOF(directory_columns)};
