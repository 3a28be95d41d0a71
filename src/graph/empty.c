/* Lists that tools read and we have nothing to put in, and the one scope tag that everything carries (graph-api.md
 * 1.1). */
#include "graph/graph.h"
#include "graph/types.h"

/* Enough of each type for export tools: a name, and what their queries select. */
#define NAMED                                                              \
    {.name = "displayName", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},  \
    {                                                                      \
        .name = "description", .kind = TD_G_STRING, .flags = TD_G_NULLABLE \
    }
#define DATED                                             \
    {.name = "createdDateTime", .kind = TD_G_TIME},       \
    {                                                     \
        .name = "lastModifiedDateTime", .kind = TD_G_TIME \
    }
#define TAGGED                                                                             \
    {                                                                                      \
        .name = "roleScopeTagIds", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_MANY \
    }

static const struct td_g_prop scope_tag_props[] = {
    NAMED,
    {.name = "isBuiltIn", .kind = TD_G_BOOL},
};
const struct td_g_type td_g_type_scope_tag = {
    .name = "roleScopeTag", .base = &td_g_type_entity, .TD_G_PROPS(scope_tag_props), .beta = true};

static const struct td_g_prop filter_props[] = {
    NAMED,
    DATED,
    {.name = "platform", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    {.name = "rule", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    {.name = "roleScopeTags", .kind = TD_G_STRING, .flags = TD_G_MANY},
};
const struct td_g_type td_g_type_assignment_filter = {.name = "deviceAndAppManagementAssignmentFilter",
                                                      .base = &td_g_type_entity,
                                                      .TD_G_PROPS(filter_props),
                                                      .beta = true};

static const struct td_g_prop category_props[] = {NAMED, TAGGED};
const struct td_g_type td_g_type_device_category = {
    .name = "deviceCategory", .base = &td_g_type_entity, .TD_G_PROPS(category_props)};

static const struct td_g_prop script_props[] = {
    NAMED,
    DATED,
    TAGGED,
    {.name = "fileName", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
};
const struct td_g_type td_g_type_management_script = {
    .name = "deviceManagementScript", .base = &td_g_type_entity, .TD_G_PROPS(script_props), .beta = true};

static const struct td_g_prop health_script_props[] = {
    NAMED,
    DATED,
    TAGGED,
    {.name = "isGlobalScript", .kind = TD_G_BOOL},
    {.name = "publisher", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    {.name = "version", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
};
const struct td_g_type td_g_type_health_script = {
    .name = "deviceHealthScript", .base = &td_g_type_entity, .TD_G_PROPS(health_script_props), .beta = true};

static const struct td_g_prop policy_props[] = {
    {.name = "name", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    {.name = "description", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    DATED,
    TAGGED,
    {.name = "isAssigned", .kind = TD_G_BOOL},
    {.name = "settingCount", .kind = TD_G_INT32},
};
const struct td_g_type td_g_type_configuration_policy = {
    .name = "deviceManagementConfigurationPolicy", .base = &td_g_type_entity, .TD_G_PROPS(policy_props), .beta = true};

static const struct td_g_prop sku_props[] = {
    {.name = "appliesTo", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    {.name = "capabilityStatus", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
    {.name = "consumedUnits", .kind = TD_G_INT32, .flags = TD_G_NULLABLE},
    {.name = "skuId", .kind = TD_G_GUID, .flags = TD_G_NULLABLE},
    {.name = "skuPartNumber", .kind = TD_G_STRING, .flags = TD_G_NULLABLE},
};
const struct td_g_type td_g_type_subscribed_sku = {
    .name = "subscribedSku", .base = &td_g_type_entity, .TD_G_PROPS(sku_props)};

static const struct td_g_prop photo_props[] = {
    {.name = "height", .kind = TD_G_INT32, .flags = TD_G_NULLABLE},
    {.name = "width", .kind = TD_G_INT32, .flags = TD_G_NULLABLE},
};
const struct td_g_type td_g_type_photo = {.name = "profilePhoto", .base = &td_g_type_entity, .TD_G_PROPS(photo_props)};

static const struct td_view_column tag_columns[] = {
    {.name = "id", .type = TD_V_TEXT},
    {.name = "displayName", .type = TD_V_TEXT},
    {.name = "description", .type = TD_V_TEXT},
    {.name = "isBuiltIn", .type = TD_V_BOOL},
};
static const struct td_view tag_view = {.name = "scope-tag", .columns = tag_columns, .count = TD_COUNTOF(tag_columns)};

static enum td_code scope_tags(struct td_g_call *call, struct td_tx *tx TD_UNUSED, struct td_view_row **ret,
                               size_t *ret_count, struct td_error *err TD_UNUSED)
{
    static const char *const texts[] = {"0", "Default", "", NULL};
    *ret = td_g_rows_of_texts(call, &tag_view, texts, 1);
    (*ret)[0].values[3] = (struct td_view_value){.num = 1};
    *ret_count = 1;
    return TD_OK;
}

#define EMPTY(where, what, who)                                                                         \
    {                                                                                                   \
        .path = (where), .type = &td_g_type_##what, .flags = TD_G_EMPTY, .read = (who), .write = (who), \
        .about = "Read by tools; always an empty list."                                                 \
    }

static const struct td_g_set sets[] = {
    {.path = "deviceManagement/roleScopeTags",
     .type = &td_g_type_scope_tag,
     .view = &tag_view,
     .rows = scope_tags,
     .flags = TD_G_NOT_WRITTEN,
     .read = TD_RIGHT_RBAC,
     .write = TD_RIGHT_RBAC,
     .about = "The default tag \"0\", which everything carries."},
    EMPTY("deviceManagement/assignmentFilters", assignment_filter, TD_RIGHT_CONFIGURATION),
    EMPTY("deviceManagement/deviceCategories", device_category, TD_RIGHT_MANAGED),
    EMPTY("deviceManagement/deviceManagementScripts", management_script, TD_RIGHT_SCRIPTS),
    EMPTY("deviceManagement/deviceHealthScripts", health_script, TD_RIGHT_SCRIPTS),
    EMPTY("deviceManagement/configurationPolicies", configuration_policy, TD_RIGHT_CONFIGURATION),
    EMPTY("subscribedSkus", subscribed_sku, TD_RIGHT_ORGANIZATION),
    EMPTY("me/photos", photo, TD_RIGHT_SIGNED_IN),
    EMPTY("users/{id}/photos", photo, TD_RIGHT_USER),
};
const struct td_g_family td_g_family_empty = {"Lists for tools", sets, TD_COUNTOF(sets)};
