/* What comes of actions: approvals by a second administrator, bulk answers, collected logs, passwords of local
 * administrators (graph-api.md 1.5 and the public documents of operationApprovalRequest, bulkManagedDeviceActionResult,
 * deviceLogCollectionResponse and deviceLocalCredentialInfo). */
#include "graph/managed_actions.h"
#include "graph/types.h"

#define WORDS(...)                 \
    .words = (const char *const[]) \
    {                              \
        __VA_ARGS__, NULL          \
    }
#define ENUM(symbol) .kind = TD_G_ENUM, .of = &td_g_enum_##symbol
#define TEXT(n)                                                  \
    {                                                            \
        .name = (n), .kind = TD_G_STRING, .flags = TD_G_NULLABLE \
    }
#define TIME(n)                        \
    {                                  \
        .name = (n), .kind = TD_G_TIME \
    }
#define TEXTS(n)                                                                                \
    {                                                                                           \
        .name = (n), .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_MANY, .otherwise = "[]" \
    }

/* ---- bulk ---- */

const struct td_g_enum td_g_enum_remote_action = {
    .name = "managedDeviceRemoteAction",
    WORDS("retire", "delete", "fullScan", "quickScan", "signatureUpdate", "wipe", "customTextNotification", "rebootNow",
          "setDeviceName", "syncDevice", "deprovision", "disable", "reenable", "moveDeviceToOrganizationalUnit",
          "activateDeviceEsim", "collectDiagnostics", "initiateMobileDeviceManagementKeyRecovery",
          "initiateOnDemandProactiveRemediation", "unknownFutureValue", "initiateDeviceAttestation"),
};
static const struct td_g_prop bulk_result_props[] = {TEXTS("successfulDeviceIds"), TEXTS("failedDeviceIds"),
                                                     TEXTS("notFoundDeviceIds"), TEXTS("notSupportedDeviceIds")};
const struct td_g_type td_g_type_bulk_result = {
    .name = "bulkManagedDeviceActionResult", .TD_G_PROPS(bulk_result_props), .complex = true, .beta = true};

/* ---- approvals ---- */

const struct td_g_enum td_g_enum_approval_status = {
    .name = "operationApprovalRequestStatus",
    WORDS("unknown", "needsApproval", "approved", "rejected", "cancelled", "completed", "expired")};
const struct td_g_enum td_g_enum_approval_policy = {.name = "operationApprovalPolicyType",
                                                    WORDS("unknown", "deviceAction", "deviceWipe", "deviceRetire",
                                                          "deviceRetireNonCompliant", "deviceDelete", "deviceLock")};

static const struct td_g_prop identity_props[] = {TEXT("id"), TEXT("displayName")};
const struct td_g_type td_g_type_identity = {.name = "identity", .TD_G_PROPS(identity_props), .complex = true};

#define IDENTITY(n)                                                                          \
    {                                                                                        \
        .name = (n), .kind = TD_G_COMPLEX, .flags = TD_G_NULLABLE, .of = &td_g_type_identity \
    }
static const struct td_g_prop identity_set_props[] = {IDENTITY("application"), IDENTITY("device"), IDENTITY("user")};
const struct td_g_type td_g_type_identity_set = {
    .name = "identitySet", .TD_G_PROPS(identity_set_props), .complex = true};

static const struct td_g_prop approval_props[] = {
    TIME("requestDateTime"),
    TIME("expirationDateTime"),
    TIME("lastModifiedDateTime"),
    {.name = "requestor",
     .kind = TD_G_COMPLEX,
     .flags = TD_G_NULLABLE,
     .of = &td_g_type_identity_set,
     .write = td_g_approval_person},
    {.name = "approver",
     .kind = TD_G_COMPLEX,
     .flags = TD_G_NULLABLE,
     .of = &td_g_type_identity_set,
     .write = td_g_approval_person},
    {.name = "status", ENUM(approval_status)},
    TEXT("requestJustification"),
    TEXT("approvalJustification"),
    {.name = "requiredOperationApprovalPolicyTypes",
     ENUM(approval_policy),
     .flags = TD_G_MANY,
     .write = td_g_approval_policies},
    /* ours: which device and which action the request is about; the real service tells it in a portal alone */
    TEXT("managedDeviceId"),
    TEXT("managedDeviceName"),
    TEXT("serialNumber"),
    TEXT("actionName"),
};
const struct td_g_type td_g_type_approval_request = {
    .name = "operationApprovalRequest", .base = &td_g_type_entity, .TD_G_PROPS(approval_props), .beta = true};

/* ---- a life (ours; graph/life.c writes it) ---- */

static const struct td_g_prop life_chapter_props[] = {
    TEXT("kind"),
    {.name = "beginDateTime", .kind = TD_G_TIME, .flags = TD_G_NULLABLE},
    {.name = "endDateTime", .kind = TD_G_TIME, .flags = TD_G_NULLABLE},
    TEXT("actionName"),
    TEXT("outcome"),
    TEXT("who"),
    TEXT("why"),
    TEXT("userPrincipalName"),
    TEXT("deploymentProfileDisplayName"),
};
const struct td_g_type td_g_type_life_chapter = {
    .name = "deviceLifeChapter", .TD_G_PROPS(life_chapter_props), .complex = true};

/* ---- logs ---- */

const struct td_g_enum td_g_enum_log_state = {.name = "appLogUploadState",
                                              WORDS("pending", "completed", "failed", "unknownFutureValue")};
const struct td_g_enum td_g_enum_log_template = {.name = "deviceLogCollectionTemplateType",
                                                 WORDS("predefined", "unknownFutureValue")};
static const struct td_g_prop log_request_props[] = {TEXT("id"), {.name = "templateType", ENUM(log_template)}};
const struct td_g_type td_g_type_log_request = {
    .name = "deviceLogCollectionRequest", .TD_G_PROPS(log_request_props), .complex = true};
static const struct td_g_prop log_collection_props[] = {
    {.name = "status", ENUM(log_state)},
    {.name = "managedDeviceId", .kind = TD_G_GUID},
    {.name = "errorCode", .kind = TD_G_INT64, .flags = TD_G_BETA},
    {.name = "requestedDateTimeUTC", .kind = TD_G_TIME, .flags = TD_G_NULLABLE},
    {.name = "receivedDateTimeUTC", .kind = TD_G_TIME, .flags = TD_G_NULLABLE},
    TEXT("initiatedByUserPrincipalName"),
    {.name = "expirationDateTimeUTC", .kind = TD_G_TIME, .flags = TD_G_NULLABLE},
    {.name = "size", .kind = TD_G_DOUBLE, .flags = TD_G_BETA},
    {.name = "sizeInKB", .kind = TD_G_DOUBLE},
    TEXT("enrolledByUser"),
};
const struct td_g_type td_g_type_log_collection = {
    .name = "deviceLogCollectionResponse", .base = &td_g_type_entity, .TD_G_PROPS(log_collection_props)};

/* ---- passwords of local administrators ---- */

static const struct td_g_prop local_credential_props[] = {
    TEXT("accountName"),
    TEXT("accountSid"),
    {.name = "backupDateTime", .kind = TD_G_TIME},
    TEXT("passwordBase64"),
};
const struct td_g_type td_g_type_local_credential = {
    .name = "deviceLocalCredential", .TD_G_PROPS(local_credential_props), .complex = true};

static const struct td_g_prop local_credential_info_props[] = {
    TEXT("deviceName"),
    TIME("lastBackupDateTime"),
    {.name = "refreshDateTime", .kind = TD_G_TIME, .flags = TD_G_NULLABLE},
    {.name = "credentials",
     .kind = TD_G_COMPLEX,
     .flags = TD_G_NULLABLE | TD_G_MANY | TD_G_ASKED,
     .of = &td_g_type_local_credential,
     .write = td_g_local_credentials},
};
const struct td_g_type td_g_type_local_credential_info = {
    .name = "deviceLocalCredentialInfo", .base = &td_g_type_entity, .TD_G_PROPS(local_credential_info_props)};
