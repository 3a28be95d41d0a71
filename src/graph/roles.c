/* Roles as resources, made from the one table of rights (api/access.h): definitions, who has them, and what the caller
 * may do. They are given and taken by the command line: touchdown user role-add (graph-api.md 1.8;
 * docs/tasks/roles.md).
 */
#include "graph/roles.h"

#include "graph/types.h"
#include "store/user.h"

/* The same in every tenant; the last digits are the role's number. */
#define DEFINITION_ID "0000000a-0000-4000-8000-0000000001%02x"
#define ASSIGNMENT_ID "0000000a-0000-4000-8000-0000000002%02x"

static const struct td_view_column definition_columns[] = {
    {.name = "id", .type = TD_V_TEXT},          {.name = "displayName", .type = TD_V_TEXT},
    {.name = "description", .type = TD_V_TEXT}, {.name = "isBuiltIn", .type = TD_V_BOOL},
    {.name = "role", .type = TD_V_INT},         {.name = "isBuiltInRoleDefinition", .type = TD_V_BOOL},
};
static const struct td_view definition_view = {
    .name = "roleDefinitions", .columns = definition_columns, .count = TD_COUNTOF(definition_columns)};

static const struct td_view_column assignment_columns[] = {
    {.name = "id", .type = TD_V_TEXT},          {.name = "displayName", .type = TD_V_TEXT},
    {.name = "description", .type = TD_V_TEXT}, {.name = "members", .type = TD_V_JSON},
    {.name = "role", .type = TD_V_INT},
};
static const struct td_view assignment_view = {
    .name = "roleAssignments", .columns = assignment_columns, .count = TD_COUNTOF(assignment_columns)};

static void fill_definition(struct td_g_call *call, int role, struct td_view_row *row)
{
    row->view = &definition_view;
    row->values = td_arena_array(call->arena, struct td_view_value, TD_COUNTOF(definition_columns));
    row->values[0].text = td_arena_printf(call->arena, DEFINITION_ID, (unsigned)role);
    row->values[1].text = td_role_word((enum td_role)role);
    row->values[2].text = td_role_about((enum td_role)role);
    row->values[3].num = row->values[5].num = 1;
    row->values[4].num = role;
}

static enum td_code definitions(struct td_g_call *call, struct td_tx *tx TD_UNUSED, struct td_view_row **ret,
                                size_t *ret_count, struct td_error *err TD_UNUSED)
{
    struct td_view_row *rows = td_arena_array(call->arena, struct td_view_row, TD_ROLE_COUNT);
    for (int role = 0; role < TD_ROLE_COUNT; role++)
        fill_definition(call, role, &rows[role]);
    *ret = rows;
    *ret_count = TD_ROLE_COUNT;
    return TD_OK;
}

static int role_at(const char *word)
{
    for (int role = 0; role < TD_ROLE_COUNT; role++)
        if (strcmp(word, td_role_word((enum td_role)role)) == 0)
            return role;
    return -1;
}

/* Holders come ordered by role. */
static void add_member(struct td_g_call *call, struct td_view_row *row, const char *user)
{
    const char *so_far = row->values[3].text; /* "[...]" */
    size_t n = strlen(so_far) - 1;
    row->values[3].text = td_arena_printf(call->arena, "%.*s%s\"%s\"]", (int)n, so_far, n > 1 ? "," : "", user);
}

static void fill_assignment(struct td_g_call *call, int role, struct td_view_row *row)
{
    row->view = &assignment_view;
    row->values = td_arena_array(call->arena, struct td_view_value, TD_COUNTOF(assignment_columns));
    row->values[0].text = td_arena_printf(call->arena, ASSIGNMENT_ID, (unsigned)role);
    row->values[1].text = td_role_word((enum td_role)role);
    row->values[2].text = "";
    row->values[3].text = "[]";
    row->values[4].num = role;
}

static enum td_code assignments(struct td_g_call *call, struct td_tx *tx, struct td_view_row **ret, size_t *ret_count,
                                struct td_error *err)
{
    struct td_role_holder *holders = NULL;
    size_t n = 0, made = 0;
    struct td_view_row *rows = td_arena_array(call->arena, struct td_view_row, TD_ROLE_COUNT);
    td_try(td_user_role_holders(tx, call->tenant, call->arena, &holders, &n, err));
    for (size_t i = 0; i < n; i++) {
        int role = role_at(holders[i].role);
        if (role < 0)
            continue;
        if (made == 0 || td_view_int(&rows[made - 1], "role") != role)
            fill_assignment(call, role, &rows[made++]);
        add_member(call, &rows[made - 1], holders[i].user_id);
    }
    *ret = rows;
    *ret_count = made;
    return TD_OK;
}

/* Of one definition: the id's last digits tell which. */
static enum td_code assignments_of(struct td_g_call *call, struct td_tx *tx, struct td_view_row **ret,
                                   size_t *ret_count, struct td_error *err)
{
    struct td_view_row *all = NULL;
    size_t n = 0, kept = 0;
    td_try(assignments(call, tx, &all, &n, err));
    for (size_t i = 0; i < n; i++) {
        const char *of = td_arena_printf(call->arena, DEFINITION_ID, (unsigned)td_view_int(&all[i], "role"));
        if (call->keys[0] != NULL && td_ieqs(td_str(call->keys[0]), of))
            all[kept++] = all[i];
    }
    *ret = all;
    *ret_count = kept;
    return TD_OK;
}

enum td_code td_g_role_of_assignment(struct td_g_call *call, struct td_tx *tx, const struct td_view_row *row,
                                     struct td_jsonw *w, struct td_error *err)
{
    static const struct td_g_set set = {
        .path = "deviceManagement/roleDefinitions", .type = &td_g_type_role_definition, .view = &definition_view};
    struct td_view_row definition;
    fill_definition(call, (int)td_view_int(row, "role"), &definition);
    return td_g_write_entity(call, tx, &set, &definition, true, w, err);
}

/* "status-page" -> "Microsoft.Intune_StatusPage_Read": the form that readers of these lists know. */
static void write_action(struct td_g_call *call, enum td_right right, enum td_access access, struct td_jsonw *w)
{
    char name[64];
    size_t n = 0;
    bool up = true;
    for (const char *p = td_access_rows[right].word; *p != '\0' && n < sizeof(name) - 1; p++) {
        if (*p != '-')
            name[n++] = (char)(up && *p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
        up = *p == '-';
    }
    name[n] = '\0';
    td_jsonw_str(
        w, td_arena_printf(call->arena, "Microsoft.Intune_%s_%s", name, access == TD_ACCESS_READ ? "Read" : "Update"));
}

typedef bool may_fn(const void *who, enum td_right right, enum td_access access);

static void write_actions(struct td_g_call *call, const char *name, may_fn *may, const void *who, struct td_jsonw *w)
{
    td_jsonw_key(w, name);
    td_jsonw_arr(w);
    for (int right = TD_RIGHT_REGISTER; right < TD_RIGHT_COUNT; right++)
        for (int access = TD_ACCESS_READ; access <= TD_ACCESS_WRITE; access++)
            if (may(who, (enum td_right)right, (enum td_access)access))
                write_action(call, (enum td_right)right, (enum td_access)access, w);
    td_jsonw_arr_end(w);
}

static void write_permission(struct td_g_call *call, may_fn *may, const void *who, struct td_jsonw *w)
{
    td_jsonw_obj(w);
    if (call->beta)
        write_actions(call, "actions", may, who, w);
    td_jsonw_key(w, "resourceActions");
    td_jsonw_arr(w);
    td_jsonw_obj(w);
    write_actions(call, "allowedResourceActions", may, who, w);
    td_jsonw_key(w, "notAllowedResourceActions");
    td_jsonw_arr(w);
    td_jsonw_arr_end(w);
    td_jsonw_end(w);
    td_jsonw_arr_end(w);
    td_jsonw_end(w);
}

static bool role_may(const void *who, enum td_right right, enum td_access access)
{
    return td_role_may(*(const enum td_role *)who, right, access);
}

static bool caller_may(const void *who, enum td_right right, enum td_access access)
{
    return td_access_check(who, right, access, NULL) == TD_OK;
}

void td_g_role_permissions(struct td_g_call *call, const struct td_view_row *row,
                           const struct td_g_prop *prop TD_UNUSED, struct td_jsonw *w)
{
    enum td_role role = (enum td_role)td_view_int(row, "role");
    td_jsonw_arr(w);
    write_permission(call, role_may, &role, w);
    td_jsonw_arr_end(w);
}

/* What this token can do here and now: scopes and roles together. */
static enum td_code effective(struct td_g_call *call, struct td_tx *tx TD_UNUSED, struct td_error *err TD_UNUSED)
{
    struct td_jsonw w;
    td_g_open_collection(call, "rolePermission", &w);
    write_permission(call, caller_may, call->who, &w);
    td_g_close_collection(call, &w);
    return TD_OK;
}

static const struct td_view_column management_columns[] = {
    {.name = "id", .type = TD_V_TEXT},
    {.name = "intuneAccountId", .type = TD_V_TEXT},
};
static const struct td_view management_view = {
    .name = "deviceManagement", .columns = management_columns, .count = TD_COUNTOF(management_columns)};

static enum td_code management(struct td_g_call *call, struct td_tx *tx TD_UNUSED, struct td_view_row **ret,
                               size_t *ret_count, struct td_error *err TD_UNUSED)
{
    struct td_view_row *row = td_arena_new(call->arena, struct td_view_row);
    row->view = &management_view;
    row->values = td_arena_array(call->arena, struct td_view_value, TD_COUNTOF(management_columns));
    row->values[0].text = row->values[1].text = call->tenant;
    *ret = row;
    *ret_count = 1;
    return TD_OK;
}

static const struct td_g_action functions[] = {
    {.name = "getEffectivePermissions",
     .flags = TD_G_FUNCTION,
     .right = TD_RIGHT_SIGNED_IN,
     .access = TD_ACCESS_READ,
     .run = effective,
     .params = "scope:String?",
     .returns = "Collection(rolePermission)"},
};

static const struct td_g_set sets[] = {
    {.path = "deviceManagement",
     .type = &td_g_type_device_management,
     .view = &management_view,
     .flags = TD_G_SINGLETON | TD_G_NOT_WRITTEN,
     .read = TD_RIGHT_SIGNED_IN,
     .write = TD_RIGHT_RBAC,
     .about = "The root of device management; getEffectivePermissions(scope='*') tells what the caller may do.",
     .rows = management,
     .actions = functions,
     .action_count = TD_COUNTOF(functions)},
    {.path = "deviceManagement/roleDefinitions",
     .type = &td_g_type_role_definition,
     .view = &definition_view,
     .flags = TD_G_NOT_WRITTEN,
     .read = TD_RIGHT_RBAC,
     .write = TD_RIGHT_RBAC,
     .about = "The roles that persons can have, with what each allows; all are built in.",
     .rows = definitions},
    {.path = "deviceManagement/roleDefinitions/{id}/roleAssignments",
     .type = &td_g_type_da_role_assignment,
     .view = &assignment_view,
     .flags = TD_G_NOT_WRITTEN,
     .read = TD_RIGHT_RBAC,
     .write = TD_RIGHT_RBAC,
     .about = "Who has this role.",
     .rows = assignments_of},
    {.path = "deviceManagement/roleAssignments",
     .type = &td_g_type_da_role_assignment,
     .view = &assignment_view,
     .flags = TD_G_NOT_WRITTEN,
     .read = TD_RIGHT_RBAC,
     .write = TD_RIGHT_RBAC,
     .about = "Who has which role: one element a role that anybody has, members are ids of users.",
     .rows = assignments},
};

const struct td_g_family td_g_family_roles = {
    .about = "Roles and what they allow.", .sets = sets, .count = TD_COUNTOF(sets)};
