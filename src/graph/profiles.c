/* Deployment profiles, their assignments, the devices that have them (graph-api.md 1.3, 3.3, 3.5). */
#include "graph/profiles.h"

#include "graph/managed.h"
#include "graph/types.h"
#include "store/event.h"
#include "store/group.h"
#include "store/registration.h"
#include "store/views.h"

#include <string.h>

#define PATH "deviceManagement/windowsAutopilotDeploymentProfiles"
#define DEVICES "deviceManagement/windowsAutopilotDeviceIdentities"

/* ---- rows ---- */

static struct td_view_value *value_at(const struct td_view_row *row, const char *name)
{
    int i = td_view_column_at(row->view, td_str(name));
    return i >= 0 ? &row->values[i] : NULL;
}

void td_g_put_text(const struct td_view_row *row, const char *name, const char *text)
{
    struct td_view_value *v = value_at(row, name);
    if (v != NULL)
        *v = (struct td_view_value){.text = text, .null = text == NULL};
}

void td_g_put_number(const struct td_view_row *row, const char *name, int64_t number)
{
    struct td_view_value *v = value_at(row, name);
    if (v != NULL)
        *v = (struct td_view_value){.num = number};
}

struct td_view_row td_g_new_row(struct td_g_call *call, const struct td_view *view)
{
    struct td_view_row row = {view, td_arena_array(call->arena, struct td_view_value, view->count)};
    for (size_t i = 0; i < view->count; i++)
        row.values[i].null = true;
    return row;
}

/* Both names of each pair, always with equal values. */
static void put_settings(const struct td_view_row *row, const struct td_profile *p)
{
    const struct {
        const char *old, *current;
        int64_t number;
    } flags[] = {
        {"extractHardwareHash", "hardwareHashExtractionEnabled", p->hash_extraction},
        {"enableWhiteGlove", "preprovisioningAllowed", p->preprovisioning},
        {"outOfBoxExperienceSettings/hidePrivacySettings", "outOfBoxExperienceSetting/privacySettingsHidden",
         p->privacy_hidden},
        {"outOfBoxExperienceSettings/hideEULA", "outOfBoxExperienceSetting/eulaHidden", p->eula_hidden},
        {"outOfBoxExperienceSettings/skipKeyboardSelectionPage",
         "outOfBoxExperienceSetting/keyboardSelectionPageSkipped", p->keyboard_skipped},
        {"outOfBoxExperienceSettings/hideEscapeLink", "outOfBoxExperienceSetting/escapeLinkHidden", p->escape_hidden},
    };
    const struct {
        const char *old, *current, *text;
    } texts[] = {
        {"language", "locale", p->locale},
        {"outOfBoxExperienceSettings/userType", "outOfBoxExperienceSetting/userType",
         p->user_type == TD_USER_STANDARD ? "standard" : "administrator"},
        {"outOfBoxExperienceSettings/deviceUsageType", "outOfBoxExperienceSetting/deviceUsageType",
         p->usage == TD_USAGE_SHARED ? "shared" : "singleUser"},
    };
    for (size_t i = 0; i < TD_COUNTOF(flags); i++) {
        td_g_put_number(row, flags[i].old, flags[i].number);
        td_g_put_number(row, flags[i].current, flags[i].number);
    }
    for (size_t i = 0; i < TD_COUNTOF(texts); i++) {
        td_g_put_text(row, texts[i].old, texts[i].text);
        td_g_put_text(row, texts[i].current, texts[i].text);
    }
    td_g_put_text(row, "description", p->description);
    td_g_put_text(row, "deviceNameTemplate", p->name_template);
    td_g_put_text(row, "deviceType", p->device_type);
    td_g_put_text(row, "roleScopeTagIds", p->scope_tags);
    td_g_put_text(row, "managementServiceAppId", p->management_app);
    td_g_put_number(row, "hybridAzureADJoinSkipConnectivityCheck", p->skip_connectivity);
}

static struct td_view_row row_of(struct td_g_call *call, const struct td_profile_row *p)
{
    struct td_view_row row = td_g_new_row(call, &td_view_profile);
    td_g_put_text(&row, "id", p->id);
    td_g_put_text(&row, "@type",
                  p->settings.join == TD_JOIN_HYBRID ? "activeDirectoryWindowsAutopilotDeploymentProfile"
                                                     : "azureADWindowsAutopilotDeploymentProfile");
    td_g_put_text(&row, "displayName", p->name);
    td_g_put_number(&row, "createdDateTime", p->created_at);
    td_g_put_number(&row, "lastModifiedDateTime", p->modified_at);
    put_settings(&row, &p->settings);
    return row;
}

/* The interface knows profiles by their ids alone; td_profile_find takes names too. */
static enum td_code find(struct td_g_call *call, struct td_tx *tx, const char *id, struct td_profile_row *ret,
                         struct td_error *err)
{
    char lower[TD_UUID_TEXT];
    enum td_code rc = TD_ENOTFOUND;
    if (td_uuid_parse(td_str(id), lower))
        rc = td_profile_find(tx, call->tenant, lower, call->arena, ret, err);
    bool named = rc == TD_OK && strcmp(ret->id, lower) != 0;
    if (rc == TD_ENOTFOUND || named)
        return td_fail(err, TD_ENOTFOUND, "", "there is no deployment profile of the id '%.64s'", id);
    return rc;
}

static enum td_code rows(struct td_g_call *call, struct td_tx *tx, struct td_view_row **ret, size_t *ret_count,
                         struct td_error *err)
{
    struct td_profile_row *list, one = {.id = ""};
    size_t n = 0;
    bool by_key = call->set != NULL && strncmp(call->set->path, PATH, sizeof(PATH) - 1) == 0 && call->keys[0] != NULL;
    if (by_key) {
        enum td_code rc = find(call, tx, call->keys[0], &one, err);
        list = &one;
        n = rc == TD_OK;
        if (rc != TD_OK && rc != TD_ENOTFOUND)
            return rc;
    } else {
        td_try(td_profile_list(tx, call->tenant, call->arena, &list, &n, err));
    }
    *ret = td_arena_array(call->arena, struct td_view_row, n + 1);
    for (size_t i = 0; i < n; i++)
        (*ret)[i] = row_of(call, &list[i]);
    *ret_count = n;
    return TD_OK;
}

/* ---- writing ---- */

static bool wants_hybrid(const struct td_g_call *call)
{
    return call->body_type == &td_g_type_active_directory_profile;
}

static enum td_code create(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_profile base, settings;
    struct td_profile_row made = {.id = ""};
    td_profile_defaults(true, &base);
    base.join = wants_hybrid(call) ? TD_JOIN_HYBRID : TD_JOIN_DIRECTORY;
    td_try(td_profile_merge_new(&base, call->body, call->arena, &settings, err));
    td_try(td_profile_create(tx, call->tenant, td_g_body_text(call, "displayName", ""), &settings, call->actor,
                             call->arena, &made, err));
    call->made_key = made.id;
    return TD_OK;
}

static enum td_code update(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_profile_row p = {.id = ""};
    struct td_profile settings = {.join = TD_JOIN_DIRECTORY};
    td_try(find(call, tx, call->keys[0], &p, err));
    td_try(td_profile_merge(&p.settings, call->body, true, call->arena, &settings, err));
    p.settings = settings;
    p.name = td_g_body_text(call, "displayName", p.name);
    call->poke = true;
    return td_profile_change(tx, call->tenant, &p, call->actor, call->arena, err);
}

static enum td_code remove_profile(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    return td_profile_remove(tx, call->tenant, call->keys[0], false, call->actor, call->arena, err);
}

/* ---- assignments ---- */

static const char *virtual_id(const char *group_id)
{
    return group_id[0] != '\0' ? group_id : TD_ALL_DEVICES;
}

static enum td_code assignment_rows(struct td_g_call *call, struct td_tx *tx, struct td_view_row **ret,
                                    size_t *ret_count, struct td_error *err)
{
    struct td_profile_target *list;
    const char *profile = call->keys[0];
    td_try(td_profile_targets(tx, call->tenant, profile, call->arena, &list, ret_count, err));
    *ret = td_arena_array(call->arena, struct td_view_row, *ret_count + 1);
    for (size_t i = 0; i < *ret_count; i++) {
        (*ret)[i] = td_g_new_row(call, &td_view_profile_assignment);
        td_g_put_text(
            &(*ret)[i], "id",
            td_arena_printf(call->arena, "%s_%s_%d", profile, virtual_id(list[i].group_id), list[i].excluded));
        td_g_put_text(&(*ret)[i], "sourceId", profile);
        td_g_put_text(&(*ret)[i], "~target", list[i].group_id);
        td_g_put_number(&(*ret)[i], "~excluded", list[i].excluded);
    }
    return TD_OK;
}

void td_g_profile_target(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop TD_UNUSED,
                         struct td_jsonw *w)
{
    const char *group = td_view_text(row, "~target");
    if (group[0] == '\0' || strcmp(group, TD_ALL_DEVICES) == 0)
        td_g_write_target(call, &td_g_type_all_devices_target, NULL, w);
    else if (strcmp(group, TD_ALL_USERS) == 0)
        td_g_write_target(call, &td_g_type_all_users_target, NULL, w);
    else if (td_view_int(row, "~excluded") != 0)
        td_g_write_target(call, &td_g_type_exclusion_target, group, w);
    else
        td_g_write_target(call, &td_g_type_group_target, group, w);
}

static enum td_code refuse_target(struct td_error *err, const char *what)
{
    return td_remedy(err, td_fail(err, TD_EINVAL, "target", "%s", what),
                     "send groupAssignmentTarget, exclusionGroupAssignmentTarget or allDevicesAssignmentTarget");
}

/* Left out silently, a filter would give the assignment to more devices than was asked. */
static bool is_filtered(const struct td_json *target)
{
    const struct td_json *type = td_json_iget(target, "deviceAndAppManagementAssignmentFilterType");
    return type != NULL && type->type == TD_JSON_STRING && type->str[0] != '\0' && !td_ieqs(td_str(type->str), "none");
}

enum td_code td_g_read_target(struct td_g_call *call, const struct td_json *assignment, struct td_g_target_read *ret,
                              struct td_error *err)
{
    const struct td_json *target = td_json_iget(assignment, "target"), *group;
    const struct td_g_type *type = target != NULL && target->type == TD_JSON_OBJECT
                                       ? td_g_type_named(td_str(td_json_str(target, "@odata.type")))
                                       : NULL;
    if (type == NULL)
        return refuse_target(err, "an assignment needs a target with its @odata.type");
    if (is_filtered(target)) {
        td_g_not_offered(err, "filters of assignments (groups say the same)");
        return TD_ENOTOFFERED;
    }
    *ret = (struct td_g_target_read){.excluded = type == &td_g_type_exclusion_target, .group = ""};
    if (type == &td_g_type_all_devices_target || type == &td_g_type_all_users_target) {
        ret->group = type == &td_g_type_all_devices_target ? TD_ALL_DEVICES : TD_ALL_USERS;
        return TD_OK;
    }
    if (!td_g_is_a(type, &td_g_type_group_target))
        return refuse_target(err, "this kind of target is not taken here");
    group = td_json_iget(target, "groupId");
    if (group == NULL || group->type != TD_JSON_STRING || group->str[0] == '\0')
        return td_fail(err, TD_EINVAL, "target/groupId", "is missing");
    char *id = td_arena_strdup(call->arena, group->str);
    td_lower(id);
    ret->group = id;
    return TD_OK;
}

/* The group as profiles keep it: "" for all devices. */
static enum td_code read_target(struct td_g_call *call, const struct td_json *assignment, struct td_g_target_read *ret,
                                struct td_error *err)
{
    td_try(td_g_read_target(call, assignment, ret, err));
    if (strcmp(ret->group, TD_ALL_USERS) == 0)
        return refuse_target(err, "profiles are assigned to devices, not to users");
    if (strcmp(ret->group, TD_ALL_DEVICES) == 0)
        ret->group = "";
    return TD_OK;
}

static enum td_code add_target(struct td_g_call *call, struct td_tx *tx, const struct td_g_target_read *t,
                               struct td_error *err)
{
    enum td_code rc = td_profile_target_add(tx, call->tenant, call->keys[0], t->group, t->excluded, call->actor, err);
    if (rc == TD_EEXISTS || rc == TD_ENOTFOUND) /* as the real service: the body is wrong, not the path */
        call->status = 400;
    return rc;
}

static enum td_code create_assignment(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_g_target_read t;
    td_try(read_target(call, call->body, &t, err));
    td_try(add_target(call, tx, &t, err));
    call->made_key = td_arena_printf(call->arena, "%s_%s_%d", call->keys[0], virtual_id(t.group), t.excluded);
    call->poke = true;
    return TD_OK;
}

static enum td_code remove_assignment(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    call->poke = true;
    return td_profile_target_drop(tx, call->tenant, call->keys[0], td_view_text(call->row, "~target"),
                                  td_view_int(call->row, "~excluded") != 0, call->actor, err);
}

const struct td_json *td_g_assignment_list(const struct td_json *body, struct td_error *err)
{
    static const char *const names[] = {"value", "assignments", "enrollmentConfigurationAssignments"};
    const struct td_json *list = body != NULL && body->type == TD_JSON_ARRAY ? body : NULL;
    for (size_t i = 0; i < TD_COUNTOF(names) && list == NULL; i++)
        list = td_json_iget(body, names[i]);
    if (list != NULL && list->type == TD_JSON_ARRAY)
        return list;
    (void)td_remedy(err, td_fail(err, TD_EINVAL, "assignments", "the list of assignments is missing"),
                    "send {\"assignments\":[{\"target\":{...}}]}");
    return NULL;
}

static bool is_wanted(const struct td_profile_target *t, const struct td_g_target_read *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (t->excluded == list[i].excluded && strcmp(t->group_id, list[i].group) == 0)
            return true;
    return false;
}

/* Ours: the set as it shall be. What is there already stays as it is (graph-api.md 5.8). */
static enum td_code put_assignments(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_profile_target *now;
    size_t n = 0, count = 0;
    const struct td_json *sent = td_g_assignment_list(call->body, err);
    if (sent == NULL)
        return TD_EINVAL;
    if (td_json_count(sent) > TD_PROFILE_TARGETS_MAX)
        return td_fail(err, TD_ELIMIT, "assignments", "more than %d", TD_PROFILE_TARGETS_MAX);
    struct td_g_target_read *wanted = td_arena_array(call->arena, struct td_g_target_read, td_json_count(sent) + 1);
    for (const struct td_json *v = sent->child; v != NULL; v = v->next)
        td_try(read_target(call, v, &wanted[count++], err));
    td_try(td_profile_targets(tx, call->tenant, call->keys[0], call->arena, &now, &n, err));
    for (size_t i = 0; i < n; i++)
        if (!is_wanted(&now[i], wanted, count))
            td_try(td_profile_target_drop(tx, call->tenant, call->keys[0], now[i].group_id, now[i].excluded,
                                          call->actor, err));
    for (size_t i = 0; i < count; i++)
        td_try(add_target(call, tx, &wanted[i], err));
    call->poke = true;
    return TD_OK;
}

/* ---- actions ---- */

/* A group of the profile's own that holds the devices which were named one by one. */
static enum td_code own_group(struct td_g_call *call, struct td_tx *tx, const struct td_profile_row *p,
                              struct td_group *ret, struct td_error *err)
{
    const char *name = td_arena_printf(call->arena, "Devices assigned to profile %s", p->id);
    enum td_code rc = td_group_find(tx, call->tenant, name, call->arena, ret, err);
    if (rc != TD_ENOTFOUND)
        return rc;
    const struct td_group_new what = {.name = name, .description = p->name};
    return td_group_create(tx, call->tenant, &what, call->actor, call->arena, ret, err);
}

static enum td_code add_device(struct td_g_call *call, struct td_tx *tx, const struct td_json *id,
                               const struct td_group *g, struct td_error *err)
{
    struct td_registration r;
    if (id->type != TD_JSON_STRING)
        return td_fail(err, TD_EINVAL, "deviceIds", "must be a list of ids");
    enum td_code rc = td_registration_find(tx, call->tenant, id->str, call->arena, &r, err);
    if (rc == TD_ENOTFOUND)
        call->status = 400;
    td_try(rc);
    rc = td_group_member_add(tx, call->tenant, g->id, r.device_id, call->actor, err);
    return rc == TD_EEXISTS ? TD_OK : rc;
}

static enum td_code assign_devices(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_profile_row p = {.id = ""};
    struct td_group g;
    const struct td_json *ids = td_json_iget(call->body, "deviceIds");
    if (ids == NULL || ids->type != TD_JSON_ARRAY || td_json_count(ids) > 1000)
        return td_fail(err, TD_EINVAL, "deviceIds", "must be a list of at most 1000 device identities");
    td_try(find(call, tx, call->keys[0], &p, err));
    td_try(own_group(call, tx, &p, &g, err));
    for (const struct td_json *id = ids->child; id != NULL; id = id->next)
        td_try(add_device(call, tx, id, &g, err));
    call->poke = true;
    return td_profile_target_add(tx, call->tenant, p.id, g.id, false, call->actor, err);
}

/* Of each payload whether something else stands on it: here, whether the profile is assigned. */
static enum td_code payload_links(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_jsonw w;
    const struct td_json *ids = td_json_iget(call->body, "payloadIds");
    if (ids == NULL || ids->type != TD_JSON_ARRAY || td_json_count(ids) > 1000)
        return td_fail(err, TD_EINVAL, "payloadIds", "must be a list of at most 1000 ids");
    td_jsonw_init(&w, call->out);
    td_g_open_collection(call, "hasPayloadLinkResultItem", &w);
    for (const struct td_json *id = ids->child; id != NULL; id = id->next) {
        struct td_profile_target *list;
        size_t n = 0;
        if (id->type == TD_JSON_STRING)
            td_try(td_profile_targets(tx, call->tenant, id->str, call->arena, &list, &n, err));
        td_jsonw_obj(&w);
        td_jsonw_kstr(&w, "payloadId", id->str);
        td_jsonw_kbool(&w, "hasLink", n != 0);
        td_jsonw_kstr(&w, "error", NULL);
        td_jsonw_key(&w, "sources");
        td_jsonw_raw(&w, n != 0 ? TD_S("[\"direct\"]") : TD_S("[]"));
        td_jsonw_end(&w);
    }
    td_g_close_collection(call, &w);
    call->answered = true;
    return TD_OK;
}

/* ---- a device's profile ---- */

static struct td_view_row given_row(struct td_g_call *call, const struct td_profile_given *g)
{
    const struct td_profile_row p = {
        .id = g->profile_id, .name = g->name, .settings = g->settings, .created_at = g->at, .modified_at = g->at};
    return row_of(call, &p);
}

/* keys[0] is the registration. What holds now. */
static enum td_code intended_rows(struct td_g_call *call, struct td_tx *tx, struct td_view_row **ret, size_t *ret_count,
                                  struct td_error *err)
{
    struct td_profile_row p = {.id = ""};
    bool is_explicit;
    enum td_code rc = td_profile_for(tx, call->tenant, call->keys[0], call->arena, &p, &is_explicit, err);
    *ret = td_arena_new(call->arena, struct td_view_row);
    *ret_count = rc == TD_OK;
    if (rc == TD_OK)
        **ret = row_of(call, &p);
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

/* What the device got; before it asked, what holds. */
static enum td_code effective_rows(struct td_g_call *call, struct td_tx *tx, struct td_view_row **ret,
                                   size_t *ret_count, struct td_error *err)
{
    struct td_registration r;
    struct td_profile_given g;
    td_try(td_registration_find(tx, call->tenant, call->keys[0], call->arena, &r, err));
    enum td_code rc = td_profile_given(tx, call->tenant, r.way_id, call->arena, &g, err);
    if (rc == TD_ENOTFOUND)
        return intended_rows(call, tx, ret, ret_count, err);
    td_try(rc);
    *ret = td_arena_new(call->arena, struct td_view_row);
    **ret = given_row(call, &g);
    *ret_count = 1;
    return TD_OK;
}

/* ---- tables ---- */

static const struct td_g_action profile_actions[] = {
    {.name = "assign",
     .right = TD_RIGHT_PROFILE,
     .access = TD_ACCESS_WRITE,
     .run = assign_devices,
     .params = "deviceIds:Collection(String)?"},
    {.name = "hasPayloadLinks",
     .flags = TD_G_ON_SET,
     .right = TD_RIGHT_PROFILE,
     .access = TD_ACCESS_READ,
     .run = payload_links,
     .params = "payloadIds:Collection(String)?",
     .returns = "Collection(hasPayloadLinkResultItem)"},
};

static const struct td_g_set sets[] = {
    {.path = PATH,
     .type = &td_g_type_deployment_profile,
     .view = &td_view_profile,
     .flags = TD_G_BETA_SHAPE,
     .read = TD_RIGHT_PROFILE,
     .write = TD_RIGHT_PROFILE,
     .about = "Deployment profiles. Old and current names of settings are both read and always both written.",
     .page = 1000,
     .rows = rows,
     .create = create,
     .update = update,
     .remove = remove_profile,
     .actions = profile_actions,
     .action_count = TD_COUNTOF(profile_actions)},
    {.path = PATH "/{id}/assignments",
     .type = &td_g_type_profile_assignment,
     .view = &td_view_profile_assignment,
     .flags = TD_G_BETA_SHAPE,
     .read = TD_RIGHT_PROFILE,
     .write = TD_RIGHT_PROFILE,
     .about = "Who gets a profile: groups, excluded groups, all devices. PUT replaces the whole set (ours).",
     .page = 1000,
     .rows = assignment_rows,
     .create = create_assignment,
     .remove = remove_assignment,
     .put = put_assignments},
    {.path = PATH "/{id}/assignedDevices",
     .type = &td_g_type_registration,
     .view = &td_view_registrations,
     .flags = TD_G_BETA_SHAPE,
     .read = TD_RIGHT_PROFILE,
     .write = TD_RIGHT_PROFILE,
     .about = "Registered devices that the profile holds for.",
     .parent = "~profile"},
    {.path = PATH "/{id}/domainJoinConfiguration",
     .type = &td_g_type_device_configuration,
     .view = &td_view_configuration,
     .flags = TD_G_SINGLETON | TD_G_BETA_SHAPE,
     .read = TD_RIGHT_CONFIGURATION,
     .write = TD_RIGHT_CONFIGURATION,
     .about = "Of a hybrid profile: the oldest domain join configuration that is assigned to devices of the same"
              " groups, which is the one that they get. Assigned there, not here.",
     .rows = td_g_profile_domain_join},
    {.path = DEVICES "/{id}/deploymentProfile",
     .type = &td_g_type_deployment_profile,
     .view = &td_view_profile,
     .flags = TD_G_SINGLETON | TD_G_BETA_SHAPE,
     .read = TD_RIGHT_PROFILE,
     .write = TD_RIGHT_PROFILE,
     .about = "The profile that the device got; before it asked, the one that holds for it.",
     .rows = effective_rows},
    {.path = DEVICES "/{id}/intendedDeploymentProfile",
     .type = &td_g_type_deployment_profile,
     .view = &td_view_profile,
     .flags = TD_G_SINGLETON | TD_G_BETA_SHAPE,
     .read = TD_RIGHT_PROFILE,
     .write = TD_RIGHT_PROFILE,
     .about = "The profile that holds for the device now.",
     .rows = intended_rows},
};

enum td_code td_g_write_given(struct td_g_call *call, struct td_tx *tx, const struct td_profile_given *given,
                              struct td_jsonw *w, struct td_error *err)
{
    struct td_view_row row = given_row(call, given);
    return td_g_write_entity(call, tx, &sets[0], &row, true, w, err);
}

const struct td_g_family td_g_family_profiles = {"Deployment profiles", sets, TD_COUNTOF(sets)};
