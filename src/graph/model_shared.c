/* Types that several families stand on: entities, targets of assignments (graph-api.md 1.4, 1.8). */
#include "graph/graph.h"
#include "graph/types.h"

static const struct td_g_prop entity_props[] = {{.name = "id", .kind = TD_G_STRING}};
const struct td_g_type td_g_type_entity = {.name = "entity", .abstract = true, .TD_G_PROPS(entity_props)};

static const struct td_g_prop directory_object_props[] = {
    {.name = "deletedDateTime", .kind = TD_G_TIME, .flags = TD_G_NULLABLE},
};
const struct td_g_type td_g_type_directory_object = {
    .name = "directoryObject", .base = &td_g_type_entity, .TD_G_PROPS(directory_object_props)};

const struct td_g_enum td_g_enum_filter_type = {.name = "deviceAndAppManagementAssignmentFilterType",
                                                .words = (const char *const[]){"none", "include", "exclude", NULL}};
const struct td_g_enum td_g_enum_assignment_source = {.name = "deviceAndAppManagementAssignmentSource",
                                                      .words = (const char *const[]){"direct", "policySets", NULL}};
const struct td_g_enum td_g_enum_enrollment_state = {
    .name = "enrollmentState",
    .words = (const char *const[]){"unknown", "enrolled", "pendingReset", "failed", "notContacted", "blocked", NULL}};

static const struct td_g_prop target_props[] = {
    {.name = "deviceAndAppManagementAssignmentFilterId",
     .kind = TD_G_STRING,
     .flags = TD_G_NULLABLE | TD_G_BETA | TD_G_WRITE},
    {.name = "deviceAndAppManagementAssignmentFilterType",
     .kind = TD_G_ENUM,
     .flags = TD_G_BETA | TD_G_WRITE,
     .of = &td_g_enum_filter_type},
};
const struct td_g_type td_g_type_target = {.name = "deviceAndAppManagementAssignmentTarget",
                                           .TD_G_PROPS(target_props),
                                           .abstract = true,
                                           .complex = true,
                                           .show_type = true};

static const struct td_g_prop group_target_props[] = {
    {.name = "groupId", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_WRITE, .max = 64},
};
const struct td_g_type td_g_type_group_target = {.name = "groupAssignmentTarget",
                                                 .base = &td_g_type_target,
                                                 .TD_G_PROPS(group_target_props),
                                                 .complex = true,
                                                 .show_type = true};
const struct td_g_type td_g_type_exclusion_target = {
    .name = "exclusionGroupAssignmentTarget", .base = &td_g_type_group_target, .complex = true, .show_type = true};
const struct td_g_type td_g_type_all_devices_target = {
    .name = "allDevicesAssignmentTarget", .base = &td_g_type_target, .complex = true, .show_type = true};
const struct td_g_type td_g_type_all_users_target = {
    .name = "allLicensedUsersAssignmentTarget", .base = &td_g_type_target, .complex = true, .show_type = true};

static const struct td_g_prop collection_target_props[] = {
    {.name = "collectionId", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_WRITE, .max = 64},
};
const struct td_g_type td_g_type_collection_target = {.name = "configurationManagerCollectionAssignmentTarget",
                                                      .base = &td_g_type_target,
                                                      .TD_G_PROPS(collection_target_props),
                                                      .complex = true,
                                                      .show_type = true};

static const struct td_g_prop key_value_props[] = {
    {.name = "key", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_WRITE},
    {.name = "value", .kind = TD_G_STRING, .flags = TD_G_NULLABLE | TD_G_WRITE},
};
const struct td_g_type td_g_type_key_value = {.name = "keyValue", .TD_G_PROPS(key_value_props), .complex = true};

void td_g_write_target(struct td_g_call *call, const struct td_g_type *type, const char *group, struct td_jsonw *w)
{
    td_jsonw_obj(w);
    if (call->metadata != TD_G_NONE)
        td_jsonw_kstr(w, "@odata.type", td_arena_printf(call->arena, "#microsoft.graph.%s", type->name));
    if (call->beta || (call->set->flags & TD_G_BETA_SHAPE) != 0) {
        td_jsonw_kstr(w, "deviceAndAppManagementAssignmentFilterId", NULL);
        td_jsonw_kstr(w, "deviceAndAppManagementAssignmentFilterType", "none");
    }
    if (group != NULL)
        td_jsonw_kstr(w, type == &td_g_type_collection_target ? "collectionId" : "groupId", group);
    td_jsonw_end(w);
}
