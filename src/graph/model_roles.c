/* Types of roles and what they allow (graph-api.md 1.8). */
#include "graph/roles.h"
#include "graph/types.h"

#define STRING(n)                                                \
    {                                                            \
        .name = (n), .kind = TD_G_STRING, .flags = TD_G_NULLABLE \
    }
#define STRINGS(n, f)                                                              \
    {                                                                              \
        .name = (n), .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_MANY | (f) \
    }

const struct td_g_enum td_g_enum_role_scope_type = {
    .name = "roleAssignmentScopeType",
    .words =
        (const char *const[]){"resourceScope", "allDevices", "allLicensedUsers", "allDevicesAndLicensedUsers", NULL}};

static const struct td_g_prop resource_action_props[] = {STRINGS("allowedResourceActions", 0),
                                                         STRINGS("notAllowedResourceActions", 0)};
const struct td_g_type td_g_type_resource_action = {
    .name = "resourceAction", .TD_G_PROPS(resource_action_props), .complex = true};

static const struct td_g_prop role_permission_props[] = {
    STRINGS("actions", TD_G_BETA),
    {.name = "resourceActions",
     .kind = TD_G_COMPLEX,
     .flags = TD_G_NULLABLE | TD_G_MANY,
     .of = &td_g_type_resource_action},
};
const struct td_g_type td_g_type_role_permission = {
    .name = "rolePermission", .TD_G_PROPS(role_permission_props), .complex = true};

static const struct td_g_prop role_definition_props[] = {
    STRING("displayName"),
    STRING("description"),
    {.name = "isBuiltIn", .kind = TD_G_BOOL},
    {.name = "isBuiltInRoleDefinition", .kind = TD_G_BOOL, .flags = TD_G_BETA},
    {.name = "permissions",
     .kind = TD_G_COMPLEX,
     .flags = TD_G_NULLABLE | TD_G_MANY | TD_G_BETA,
     .of = &td_g_type_role_permission,
     .write = td_g_role_permissions},
    {.name = "rolePermissions",
     .kind = TD_G_COMPLEX,
     .flags = TD_G_NULLABLE | TD_G_MANY,
     .of = &td_g_type_role_permission,
     .write = td_g_role_permissions},
    {.name = "roleScopeTagIds",
     .kind = TD_G_STRING,
     .flags = TD_G_NULLABLE | TD_G_MANY | TD_G_BETA,
     .otherwise = "[\"0\"]"},
};
static const struct td_g_nav role_definition_navs[] = {
    {.name = "roleAssignments", .type = &td_g_type_role_assignment, .flags = TD_G_MANY},
};
const struct td_g_type td_g_type_role_definition = {.name = "roleDefinition",
                                                    .base = &td_g_type_entity,
                                                    .TD_G_PROPS(role_definition_props),
                                                    .TD_G_NAVS(role_definition_navs)};

static const struct td_g_prop role_assignment_props[] = {
    STRING("displayName"),
    STRING("description"),
    STRINGS("resourceScopes", 0),
    STRINGS("scopeMembers", TD_G_BETA),
    {.name = "scopeType",
     .kind = TD_G_ENUM,
     .flags = TD_G_BETA,
     .of = &td_g_enum_role_scope_type,
     .otherwise = "\"allDevicesAndLicensedUsers\""},
};
static const struct td_g_nav role_assignment_navs[] = {
    {.name = "roleDefinition",
     .type = &td_g_type_role_definition,
     .flags = TD_G_NULLABLE,
     .expand = td_g_role_of_assignment},
};
const struct td_g_type td_g_type_role_assignment = {.name = "roleAssignment",
                                                    .base = &td_g_type_entity,
                                                    .TD_G_PROPS(role_assignment_props),
                                                    .TD_G_NAVS(role_assignment_navs)};

static const struct td_g_prop da_role_assignment_props[] = {
    STRINGS("members", 0),
    {.name = "roleScopeTagIds",
     .kind = TD_G_STRING,
     .flags = TD_G_NULLABLE | TD_G_MANY | TD_G_BETA,
     .otherwise = "[\"0\"]"},
};
const struct td_g_type td_g_type_da_role_assignment = {.name = "deviceAndAppManagementRoleAssignment",
                                                       .base = &td_g_type_role_assignment,
                                                       .TD_G_PROPS(da_role_assignment_props),
                                                       .show_type = true};
