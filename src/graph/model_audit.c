/* Types of both audits (graph-api.md 1.8). */
#include "graph/audit.h"
#include "graph/types.h"

#define STRING(n)                                                \
    {                                                            \
        .name = (n), .kind = TD_G_STRING, .flags = TD_G_NULLABLE \
    }

const struct td_g_enum td_g_enum_operation_result = {
    .name = "operationResult",
    .words = (const char *const[]){"success", "failure", "timeout", "unknownFutureValue", NULL}};

static const struct td_g_prop audit_property_props[] = {STRING("displayName"), STRING("oldValue"), STRING("newValue")};
const struct td_g_type td_g_type_audit_property = {
    .name = "auditProperty", .TD_G_PROPS(audit_property_props), .complex = true};
const struct td_g_type td_g_type_modified_property = {
    .name = "modifiedProperty", .TD_G_PROPS(audit_property_props), .complex = true};

static const struct td_g_prop audit_resource_props[] = {
    STRING("displayName"),
    STRING("auditResourceType"),
    STRING("resourceId"),
    {.name = "type", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_BETA},
    {.name = "modifiedProperties",
     .kind = TD_G_COMPLEX,
     .flags = TD_G_NULLABLE | TD_G_MANY,
     .of = &td_g_type_audit_property},
};
const struct td_g_type td_g_type_audit_resource = {
    .name = "auditResource", .TD_G_PROPS(audit_resource_props), .complex = true};

static const struct td_g_prop audit_actor_props[] = {
    {.name = "type", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_BETA},
    STRING("auditActorType"),
    {.name = "userPermissions", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_MANY, .otherwise = "[]"},
    STRING("applicationId"),
    STRING("applicationDisplayName"),
    STRING("userPrincipalName"),
    STRING("servicePrincipalName"),
    STRING("ipAddress"),
    STRING("userId"),
    {.name = "remoteTenantId", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_BETA},
    {.name = "remoteUserId", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_BETA},
};
const struct td_g_type td_g_type_audit_actor = {.name = "auditActor", .TD_G_PROPS(audit_actor_props), .complex = true};

static const struct td_g_prop audit_event_props[] = {
    STRING("displayName"),
    STRING("componentName"),
    {.name = "actor", .kind = TD_G_COMPLEX, .flags = TD_G_NULLABLE, .of = &td_g_type_audit_actor},
    STRING("activity"),
    {.name = "activityDateTime", .kind = TD_G_TIME},
    STRING("activityType"),
    STRING("activityOperationType"),
    STRING("activityResult"),
    {.name = "correlationId", .kind = TD_G_GUID},
    {.name = "resources",
     .kind = TD_G_COMPLEX,
     .flags = TD_G_NULLABLE | TD_G_MANY,
     .of = &td_g_type_audit_resource,
     .write = td_g_audit_resources},
    STRING("category"),
};
const struct td_g_type td_g_type_audit_event = {
    .name = "auditEvent", .base = &td_g_type_entity, .TD_G_PROPS(audit_event_props)};

static const struct td_g_prop user_identity_props[] = {STRING("id"), STRING("displayName"), STRING("ipAddress"),
                                                       STRING("userPrincipalName")};
const struct td_g_type td_g_type_user_identity = {
    .name = "userIdentity", .TD_G_PROPS(user_identity_props), .complex = true};

static const struct td_g_prop app_identity_props[] = {STRING("appId"), STRING("displayName"),
                                                      STRING("servicePrincipalId"), STRING("servicePrincipalName")};
const struct td_g_type td_g_type_app_identity = {
    .name = "appIdentity", .TD_G_PROPS(app_identity_props), .complex = true};

static const struct td_g_prop initiator_props[] = {
    {.name = "app", .kind = TD_G_COMPLEX, .flags = TD_G_NULLABLE, .of = &td_g_type_app_identity},
    {.name = "user", .kind = TD_G_COMPLEX, .flags = TD_G_NULLABLE, .of = &td_g_type_user_identity},
};
const struct td_g_type td_g_type_audit_initiator = {
    .name = "auditActivityInitiator", .TD_G_PROPS(initiator_props), .complex = true};

static const struct td_g_prop target_resource_props[] = {
    STRING("id"),
    STRING("displayName"),
    STRING("type"),
    STRING("userPrincipalName"),
    STRING("groupType"),
    {.name = "modifiedProperties",
     .kind = TD_G_COMPLEX,
     .flags = TD_G_NULLABLE | TD_G_MANY,
     .of = &td_g_type_modified_property},
};
const struct td_g_type td_g_type_target_resource = {
    .name = "targetResource", .TD_G_PROPS(target_resource_props), .complex = true};

static const struct td_g_prop directory_audit_props[] = {
    {.name = "category", .kind = TD_G_STRING},
    STRING("correlationId"),
    {.name = "result", .kind = TD_G_ENUM, .flags = TD_G_NULLABLE, .of = &td_g_enum_operation_result},
    STRING("resultReason"),
    {.name = "activityDisplayName", .kind = TD_G_STRING},
    {.name = "activityDateTime", .kind = TD_G_TIME},
    STRING("loggedByService"),
    STRING("operationType"),
    {.name = "initiatedBy", .kind = TD_G_COMPLEX, .of = &td_g_type_audit_initiator, .write = td_g_audit_initiator},
    {.name = "targetResources",
     .kind = TD_G_COMPLEX,
     .flags = TD_G_NULLABLE | TD_G_MANY,
     .of = &td_g_type_target_resource,
     .write = td_g_audit_targets},
    {.name = "additionalDetails",
     .kind = TD_G_COMPLEX,
     .flags = TD_G_NULLABLE | TD_G_MANY,
     .of = &td_g_type_key_value,
     .otherwise = "[]"},
    {.name = "userAgent", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_BETA},
};
const struct td_g_type td_g_type_directory_audit = {
    .name = "directoryAudit", .base = &td_g_type_entity, .TD_G_PROPS(directory_audit_props)};
