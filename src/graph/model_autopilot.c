/* Registrations, their imports, corporate identifiers (graph-api.md 1.2), and devices that ask for approval (ours). */
#include "graph/autopilot.h"
#include "graph/types.h"
#include "store/views.h"
#include "way/profile_choice.h"

#define ENUM(symbol) .kind = TD_G_ENUM, .of = &td_g_enum_##symbol

const struct td_g_enum td_g_enum_assignment_status = {.name = "windowsAutopilotProfileAssignmentStatus",
                                                      .words = td_profile_status_words};
const struct td_g_enum td_g_enum_assignment_detail = {.name = "windowsAutopilotProfileAssignmentDetailedStatus",
                                                      .words = td_profile_detail_words};
const struct td_g_enum td_g_enum_remediation_state = {.name = "windowsAutopilotDeviceRemediationState",
                                                      .words = td_words_remediation};
const struct td_g_enum td_g_enum_userless_status = {.name = "windowsAutopilotUserlessEnrollmentStatus",
                                                    .words = td_words_userless};
const struct td_g_enum td_g_enum_import_status = {.name = "importedWindowsAutopilotDeviceIdentityImportStatus",
                                                  .words = td_words_import_status};
const struct td_g_enum td_g_enum_autopilot_sync_status = {.name = "windowsAutopilotSyncStatus",
                                                          .words = td_words_sync_status};
const struct td_g_enum td_g_enum_deletion_state = {
    .name = "windowsAutopilotDeviceDeletionState",
    .words = (const char *const[]){"unknown", "failed", "accepted", "error", NULL}};
const struct td_g_enum td_g_enum_identity_type = {.name = "importedDeviceIdentityType",
                                                  .words = td_words_identity_type};
const struct td_g_enum td_g_enum_platform = {.name = "platform", .words = td_words_platform};
const struct td_g_enum td_g_enum_request_state = {.name = "windowsAutopilotDeviceRequestState",
                                                  .words = td_words_request_state};

static const struct td_g_prop registration_props[] = {
    {.name = "deploymentProfileAssignmentStatus", ENUM(assignment_status), .flags = TD_G_BETA},
    {.name = "deploymentProfileAssignmentDetailedStatus", ENUM(assignment_detail), .flags = TD_G_BETA},
    {.name = "deploymentProfileAssignedDateTime", .kind = TD_G_TIME, .flags = TD_G_BETA},
    {.name = "groupTag", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_WRITE, .otherwise = "\"\"", .max = 512},
    {.name = "purchaseOrderIdentifier",
     .kind = TD_G_STRING,
     .flags = TD_G_NULLABLE | TD_G_WRITE,
     .otherwise = "\"\"",
     .max = 512},
    {.name = "serialNumber", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_CREATE, .otherwise = "\"\""},
    {.name = "productKey", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_WRITE, .otherwise = "\"\"", .max = 128},
    {.name = "manufacturer", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_CREATE, .otherwise = "\"\""},
    {.name = "model", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_CREATE, .otherwise = "\"\""},
    {.name = "enrollmentState", ENUM(enrollment_state)},
    {.name = "lastContactedDateTime", .kind = TD_G_TIME},
    {.name = "addressableUserName",
     .kind = TD_G_STRING,
     .flags = TD_G_NULLABLE | TD_G_WRITE,
     .otherwise = "\"\"",
     .max = 256},
    {.name = "userPrincipalName",
     .kind = TD_G_STRING,
     .flags = TD_G_NULLABLE | TD_G_WRITE,
     .otherwise = "\"\"",
     .max = 256},
    {.name = "resourceName", .kind = TD_G_STRING, .flags = TD_G_NULLABLE, .otherwise = "\"\""},
    {.name = "skuNumber", .kind = TD_G_STRING, .flags = TD_G_NULLABLE, .otherwise = "\"\""},
    {.name = "systemFamily", .kind = TD_G_STRING, .flags = TD_G_NULLABLE, .otherwise = "\"\""},
    {.name = "azureActiveDirectoryDeviceId", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    {.name = "azureAdDeviceId", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_BETA},
    {.name = "managedDeviceId", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    {.name = "displayName", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_WRITE, .otherwise = "\"\"", .max = 256},
    {.name = "deviceAccountUpn",
     .kind = TD_G_STRING,
     .flags = TD_G_NULLABLE | TD_G_BETA | TD_G_WRITE,
     .otherwise = "\"\"",
     .max = 256},
    {.name = "deviceAccountPassword", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_BETA, .otherwise = "\"\""},
    {.name = "deviceFriendlyName",
     .kind = TD_G_STRING,
     .flags = TD_G_NULLABLE | TD_G_BETA | TD_G_WRITE,
     .otherwise = "\"\"",
     .max = 256},
    {.name = "remediationState", ENUM(remediation_state), .flags = TD_G_BETA},
    {.name = "remediationStateLastModifiedDateTime", .kind = TD_G_TIME, .flags = TD_G_BETA},
    {.name = "userlessEnrollmentStatus", ENUM(userless_status), .flags = TD_G_BETA},
    /* Taken by a creation alone: the hash that the registration rests on. */
    {.name = "hardwareIdentifier", .kind = TD_G_BINARY, .flags = TD_G_NULLABLE | TD_G_CREATE | TD_G_SECRET},
};
static const struct td_g_nav registration_navs[] = {
    {.name = "deploymentProfile",
     .type = &td_g_type_deployment_profile,
     .flags = TD_G_NULLABLE | TD_G_BETA,
     .expand = td_g_expand_effective},
    {.name = "intendedDeploymentProfile",
     .type = &td_g_type_deployment_profile,
     .flags = TD_G_NULLABLE | TD_G_BETA,
     .expand = td_g_expand_intended},
};
const struct td_g_type td_g_type_registration = {.name = "windowsAutopilotDeviceIdentity",
                                                 .base = &td_g_type_entity,
                                                 .TD_G_PROPS(registration_props),
                                                 .TD_G_NAVS(registration_navs)};

static const struct td_g_prop import_state_props[] = {
    {.name = "deviceImportStatus", ENUM(import_status)},
    {.name = "deviceRegistrationId", .kind = TD_G_STRING, .flags = TD_G_NULLABLE, .otherwise = "\"\""},
    {.name = "deviceErrorCode", .kind = TD_G_INT32},
    {.name = "deviceErrorName", .kind = TD_G_STRING, .flags = TD_G_NULLABLE, .otherwise = "\"\""},
};
const struct td_g_type td_g_type_import_state = {
    .name = "importedWindowsAutopilotDeviceIdentityState", .TD_G_PROPS(import_state_props), .complex = true};

#define IMPORTED (TD_G_NULLABLE | TD_G_CREATE)
static const struct td_g_prop import_props[] = {
    {.name = "groupTag", .kind = TD_G_STRING, .flags = IMPORTED, .otherwise = "\"\"", .max = 512},
    {.name = "serialNumber", .kind = TD_G_STRING, .flags = IMPORTED, .otherwise = "\"\"", .max = 256},
    {.name = "productKey", .kind = TD_G_STRING, .flags = IMPORTED, .otherwise = "\"\"", .max = 256},
    {.name = "importId", .kind = TD_G_STRING, .flags = IMPORTED, .otherwise = "\"\"", .max = 256},
    {.name = "hardwareIdentifier", .kind = TD_G_BINARY, .flags = IMPORTED, .otherwise = "\"\""},
    {.name = "assignedUserPrincipalName", .kind = TD_G_STRING, .flags = IMPORTED, .otherwise = "\"\"", .max = 256},
    {.name = "state", .kind = TD_G_COMPLEX, .flags = TD_G_NULLABLE, .of = &td_g_type_import_state},
    /* The tag's older name (autopilot.md 1.6), and the order that partners' lists carry. */
    {.name = "orderIdentifier", .kind = TD_G_STRING, .flags = IMPORTED | TD_G_SECRET, .max = 512},
    {.name = "purchaseOrderIdentifier", .kind = TD_G_STRING, .flags = IMPORTED | TD_G_SECRET, .max = 512},
};
const struct td_g_type td_g_type_imported_registration = {
    .name = "importedWindowsAutopilotDeviceIdentity", .base = &td_g_type_entity, .TD_G_PROPS(import_props)};

static const struct td_g_prop deleted_props[] = {
    {.name = "deviceRegistrationId", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    {.name = "serialNumber", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    {.name = "deletionState", ENUM(deletion_state)},
    {.name = "errorMessage", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
};
const struct td_g_type td_g_type_deleted_registration = {
    .name = "deletedWindowsAutopilotDeviceState", .TD_G_PROPS(deleted_props), .complex = true};

static const struct td_g_prop settings_props[] = {
    {.name = "lastSyncDateTime", .kind = TD_G_TIME},
    {.name = "lastManualSyncTriggerDateTime", .kind = TD_G_TIME},
    {.name = "syncStatus", ENUM(autopilot_sync_status)},
};
const struct td_g_type td_g_type_autopilot_settings = {
    .name = "windowsAutopilotSettings", .base = &td_g_type_entity, .TD_G_PROPS(settings_props), .beta = true};

static const struct td_g_prop identifier_props[] = {
    {.name = "importedDeviceIdentifier",
     .kind = TD_G_STRING,
     .flags = TD_G_NULLABLE | TD_G_WRITE,
     .otherwise = "\"\"",
     .max = 512},
    {.name = "importedDeviceIdentityType", ENUM(identity_type), .flags = TD_G_WRITE},
    {.name = "lastModifiedDateTime", .kind = TD_G_TIME},
    {.name = "createdDateTime", .kind = TD_G_TIME},
    {.name = "lastContactedDateTime", .kind = TD_G_TIME},
    {.name = "description", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_WRITE, .otherwise = "\"\"", .max = 512},
    {.name = "enrollmentState", ENUM(enrollment_state)},
    {.name = "platform", ENUM(platform)},
};
const struct td_g_type td_g_type_device_identifier = {
    .name = "importedDeviceIdentity", .base = &td_g_type_entity, .TD_G_PROPS(identifier_props), .beta = true};
static const struct td_g_prop identifier_result_props[] = {{.name = "status", .kind = TD_G_BOOL}};
const struct td_g_type td_g_type_device_identifier_result = {.name = "importedDeviceIdentityResult",
                                                             .base = &td_g_type_device_identifier,
                                                             .TD_G_PROPS(identifier_result_props),
                                                             .beta = true};

static const struct td_g_prop associated_props[] = {
    {.name = "serialNumber", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    {.name = "associationState", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    {.name = "devicePreparationPolicyId", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    {.name = "preAssociatedByUserPrincipalName", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    {.name = "assignedToUserPrincipalName", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    {.name = "preAssociationDateTime", .kind = TD_G_TIME, .flags = TD_G_NULLABLE},
    {.name = "associationDateTime", .kind = TD_G_TIME, .flags = TD_G_NULLABLE},
    {.name = "managedDeviceId", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
};
const struct td_g_type td_g_type_associated_device = {
    .name = "tenantAssociatedDevice", .base = &td_g_type_entity, .TD_G_PROPS(associated_props), .beta = true};

static const struct td_g_prop request_props[] = {
    {.name = "code", .kind = TD_G_STRING},
    {.name = "serialNumber", .kind = TD_G_STRING},
    {.name = "manufacturer", .kind = TD_G_STRING},
    {.name = "model", .kind = TD_G_STRING},
    {.name = "ipAddress", .kind = TD_G_STRING},
    {.name = "state", ENUM(request_state)},
    {.name = "requestCount", .kind = TD_G_INT32},
    {.name = "createdDateTime", .kind = TD_G_TIME},
    {.name = "lastRequestedDateTime", .kind = TD_G_TIME},
    {.name = "expirationDateTime", .kind = TD_G_TIME},
    {.name = "decidedDateTime", .kind = TD_G_TIME},
    {.name = "decidedBy", .kind = TD_G_STRING},
    {.name = "deviceRegistrationId", .kind = TD_G_STRING},
};
const struct td_g_type td_g_type_device_request = {
    .name = "windowsAutopilotDeviceRequest", .base = &td_g_type_entity, .TD_G_PROPS(request_props), .beta = true};

/* Ours: compareHardware() (graph/repair.c writes it). */
static const struct td_g_prop hardware_field_props[] = {{.name = "field", .kind = TD_G_STRING},
                                                        {.name = "registered", .kind = TD_G_STRING},
                                                        {.name = "seen", .kind = TD_G_STRING},
                                                        {.name = "agrees", .kind = TD_G_STRING}};
const struct td_g_type td_g_type_hardware_field = {
    .name = "hardwareField", .TD_G_PROPS(hardware_field_props), .complex = true};
static const struct td_g_prop hardware_past_props[] = {{.name = "replacedDateTime", .kind = TD_G_TIME},
                                                       {.name = "differs", .kind = TD_G_STRING},
                                                       {.name = "proof", .kind = TD_G_STRING},
                                                       {.name = "by", .kind = TD_G_STRING}};
const struct td_g_type td_g_type_hardware_past = {
    .name = "formerHardware", .TD_G_PROPS(hardware_past_props), .complex = true};
static const struct td_g_prop hardware_comparison_props[] = {
    {.name = "registrationId", .kind = TD_G_STRING},
    {.name = "serialNumber", .kind = TD_G_STRING},
    {.name = "state", .kind = TD_G_STRING},
    {.name = "waits", .kind = TD_G_BOOL},
    {.name = "cause", .kind = TD_G_STRING},
    {.name = "remedy", .kind = TD_G_STRING},
    {.name = "source", .kind = TD_G_STRING},
    {.name = "firstSeenDateTime", .kind = TD_G_TIME, .flags = TD_G_NULLABLE},
    {.name = "remediationData", .kind = TD_G_STRING},
    {.name = "fields", .kind = TD_G_COMPLEX, .flags = TD_G_MANY, .of = &td_g_type_hardware_field},
    {.name = "rejectedBefore", .kind = TD_G_BOOL},
    {.name = "former", .kind = TD_G_COMPLEX, .flags = TD_G_MANY, .of = &td_g_type_hardware_past},
};
const struct td_g_type td_g_type_hardware_comparison = {
    .name = "hardwareComparison", .TD_G_PROPS(hardware_comparison_props), .complex = true};

/* Ours: createProvisioningCode (graph/autopilot.c writes it). */
static const struct td_g_prop provisioning_code_props[] = {
    {.name = "code", .kind = TD_G_STRING},
    {.name = "expirationDateTime", .kind = TD_G_TIME},
};
const struct td_g_type td_g_type_provisioning_code = {
    .name = "provisioningCode", .TD_G_PROPS(provisioning_code_props), .complex = true, .beta = true};
