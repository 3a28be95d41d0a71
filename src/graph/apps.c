/* Apps: packages that devices install, read only for now (graph-api.md 1.6; docs/tasks/configure.md). */
#include "graph/managed.h"
#include "graph/types.h"
#include "store/views.h"

#include <string.h>

#define PATH "deviceAppManagement/mobileApps"

/* ---- values ---- */

/* Members of the item's JSON go under names of their own; the rest have ours. */
void td_g_app_member(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop,
                     struct td_jsonw *w)
{
    const struct td_json *body = td_g_row_json(call, row, "body");
    if (strcmp(prop->name, "useDeviceContext") == 0) {
        const char *scope = td_json_str(body, "scope");
        td_jsonw_bool(w, scope == NULL || strcmp(scope, "user") != 0);
        return;
    }
    td_jsonw_str(w, td_json_str(body, strcmp(prop->name, "identityVersion") == 0 ? "productVersion" : prop->name));
}

void td_g_assignment_source(struct td_g_call *call TD_UNUSED, const struct td_view_row *row,
                            const struct td_g_prop *prop TD_UNUSED, struct td_jsonw *w)
{
    td_jsonw_str(w, td_view_text(row, "configuration"));
}

void td_g_assignment_target(struct td_g_call *call, const struct td_view_row *row,
                            const struct td_g_prop *prop TD_UNUSED, struct td_jsonw *w)
{
    const char *group = td_view_text(row, "group");
    bool all = group[0] == '\0';
    td_jsonw_obj(w);
    if (call->metadata != TD_G_NONE)
        td_jsonw_kstr(w, "@odata.type",
                      all ? "#microsoft.graph.allDevicesAssignmentTarget" : "#microsoft.graph.groupAssignmentTarget");
    if (call->beta) {
        td_jsonw_kstr(w, "deviceAndAppManagementAssignmentFilterId", NULL);
        td_jsonw_kstr(w, "deviceAndAppManagementAssignmentFilterType", "none");
    }
    if (!all)
        td_jsonw_kstr(w, "groupId", group);
    td_jsonw_end(w);
}

enum td_code td_g_expand_assignments(struct td_g_call *call, struct td_tx *tx, const struct td_view_row *row,
                                     const struct td_g_set *set, struct td_jsonw *w, struct td_error *err)
{
    struct td_view_page page;
    const struct td_view_ask ask = {
        .equals = {{set->parent, td_view_text(row, "id")}}, .equal_count = 1, .top = TD_VIEW_MAX_TOP};
    td_try(td_view_page(tx, call->tenant, set->view, &ask, call->arena, &page, err));
    td_jsonw_arr(w);
    for (size_t i = 0; i < page.count; i++)
        td_try(td_g_write_entity(call, tx, set, &page.rows[i], true, w, err));
    td_jsonw_arr_end(w);
    return TD_OK;
}

/* ---- tables ---- */

static const struct td_g_action actions[] = {
    {.name = "assign",
     .flags = TD_G_NOT_OFFERED,
     .right = TD_RIGHT_APPS,
     .access = TD_ACCESS_WRITE,
     .params = "mobileAppAssignments:Collection(mobileAppAssignment)"},
};

static const struct td_g_set sets[] = {
    {.path = PATH,
     .type = &td_g_type_mobile_app,
     .view = &td_view_app,
     .flags = TD_G_NOT_WRITTEN,
     .read = TD_RIGHT_APPS,
     .write = TD_RIGHT_APPS,
     .about = "Packages that were taken in by `touchdown package add`; written there and not here.",
     .actions = actions,
     .action_count = TD_COUNTOF(actions)},
    {.path = PATH "/{id}/assignments",
     .type = &td_g_type_mobile_app_assignment,
     .view = &td_view_configuration_assignment,
     .flags = TD_G_NOT_WRITTEN,
     .parent = "configuration",
     .read = TD_RIGHT_APPS,
     .write = TD_RIGHT_APPS,
     .about = "Groups, or all devices, that get the app."},
    {.path = PATH "/{id}/categories",
     .type = &td_g_type_mobile_app_category,
     .flags = TD_G_EMPTY,
     .read = TD_RIGHT_APPS,
     .write = TD_RIGHT_APPS,
     .about = "Always empty: apps have no categories."},
};
const struct td_g_family td_g_family_apps = {.about = "Apps", .sets = sets, .count = TD_COUNTOF(sets)};

enum td_code td_g_app_assignments(struct td_g_call *call, struct td_tx *tx, const struct td_view_row *row,
                                  struct td_jsonw *w, struct td_error *err)
{
    return td_g_expand_assignments(call, tx, row, &sets[1], w, err);
}

enum td_code td_g_app_categories(struct td_g_call *call TD_UNUSED, struct td_tx *tx TD_UNUSED,
                                 const struct td_view_row *row TD_UNUSED, struct td_jsonw *w,
                                 struct td_error *err TD_UNUSED)
{
    td_jsonw_arr(w);
    td_jsonw_arr_end(w);
    return TD_OK;
}
