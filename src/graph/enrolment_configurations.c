/* Enrolment configurations: status pages whole, the defaults of the others (graph-api.md 1.4, 3.6). The default limit
 * and platform restrictions are views of the tenant's settings enrol-device-limit, enrol-users and enrol-os-*. */
#include "graph/profiles.h"
#include "graph/types.h"
#include "store/enrolment_configuration.h"
#include "store/profile.h"
#include "store/tenant.h"
#include "store/views.h"
#include "way/os_version.h"

#include <string.h>

#define PATH "deviceManagement/deviceEnrollmentConfigurations"

/* ---- rows ---- */

static const struct kind {
    const struct td_g_type *type;
    const char *word, *default_word; /* deviceEnrollmentConfigurationType */
} kinds[TD_EC_KIND_COUNT] = {
    [TD_EC_PAGE] = {&td_g_type_completion_page, "windows10EnrollmentCompletionPageConfiguration",
                    "defaultWindows10EnrollmentCompletionPageConfiguration"},
    [TD_EC_LIMIT] = {&td_g_type_enrolment_limit, "limit", "defaultLimit"},
    [TD_EC_PLATFORM] = {&td_g_type_platform_restrictions, "platformRestrictions", "defaultPlatformRestrictions"},
    [TD_EC_HELLO] = {&td_g_type_hello_configuration, "windowsHelloForBusiness", "defaultWindowsHelloForBusiness"},
};

static void put_page(const struct td_view_row *row, const struct td_status_page *p)
{
    const struct {
        const char *name;
        int64_t number;
    } numbers[] = {
        {"showInstallationProgress", p->show},
        {"installProgressTimeoutInMinutes", p->minutes},
        {"allowLogCollectionOnInstallFailure", p->allow_logs},
        {"allowDeviceResetOnInstallFailure", p->allow_reset},
        {"allowDeviceUseOnInstallFailure", p->allow_use},
        {"blockDeviceSetupRetryByUser", p->block_retry},
        {"disableUserStatusTrackingAfterFirstUser", p->first_user_only},
        {"trackInstallProgressForAutopilotOnly", p->autopilot_only},
        {"installQualityUpdates", p->quality_updates},
        {"allowNonBlockingAppInstallation", p->allow_non_blocking},
    };
    for (size_t i = 0; i < TD_COUNTOF(numbers); i++)
        td_g_put_number(row, numbers[i].name, numbers[i].number);
    td_g_put_text(row, "customErrorMessage", p->message);
    td_g_put_text(row, "selectedMobileAppIds", p->apps);
    td_g_put_text(row, "roleScopeTagIds", p->scope_tags);
}

static enum td_code put_limit(struct td_g_call *call, struct td_tx *tx, const struct td_view_row *row,
                              struct td_error *err)
{
    int64_t limit = 0;
    td_try(td_tenant_get_int(tx, call->tenant, "enrol-device-limit", &limit, err));
    td_g_put_number(row, "limit", limit);
    return TD_OK;
}

/* enrol-users: none blocks the platform, registered blocks devices that nobody registered, personal ones. */
static enum td_code put_platform(struct td_g_call *call, struct td_tx *tx, const struct td_view_row *row,
                                 struct td_error *err)
{
    struct td_jsonw w;
    const char *who = "", *min = "", *max = "";
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_try(td_tenant_get(tx, call->tenant, "enrol-users", call->arena, &who, err));
    td_try(td_tenant_get(tx, call->tenant, "enrol-os-minimum", call->arena, &min, err));
    td_try(td_tenant_get(tx, call->tenant, "enrol-os-maximum", call->arena, &max, err));
    td_buf_init(&b, 4096);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_kbool(&w, "platformBlocked", strcmp(who, "none") == 0);
    td_jsonw_kbool(&w, "personalDeviceEnrollmentBlocked", strcmp(who, "registered") == 0);
    td_jsonw_kstr(&w, "osMinimumVersion", min);
    td_jsonw_kstr(&w, "osMaximumVersion", max);
    static const char *const lists[] = {"blockedManufacturers", "blockedSkus"};
    for (size_t i = 0; i < TD_COUNTOF(lists); i++) {
        td_jsonw_key(&w, lists[i]);
        td_jsonw_raw(&w, TD_S("[]"));
    }
    td_jsonw_end(&w);
    td_try(td_buf_check(&b, "windowsRestriction", err));
    td_g_put_text(row, "windowsRestriction", td_arena_text(call->arena, td_buf_slice(&b)));
    return TD_OK;
}

static enum td_code row_of(struct td_g_call *call, struct td_tx *tx, const struct td_ec *c, struct td_view_row *ret,
                           struct td_error *err)
{
    struct td_view_row row = td_g_new_row(call, &td_view_enrolment_configuration);
    td_g_put_text(&row, "id", c->id);
    td_g_put_text(&row, "@type", kinds[c->kind].type->name);
    td_g_put_text(&row, "displayName", c->name);
    td_g_put_text(&row, "description", c->description);
    td_g_put_number(&row, "priority", c->priority);
    td_g_put_number(&row, "version", c->version);
    td_g_put_number(&row, "createdDateTime", c->created_at);
    td_g_put_number(&row, "lastModifiedDateTime", c->modified_at);
    td_g_put_text(&row, "deviceEnrollmentConfigurationType",
                  c->is_default ? kinds[c->kind].default_word : kinds[c->kind].word);
    *ret = row;
    if (c->kind == TD_EC_PAGE)
        put_page(&row, &c->page);
    if (c->kind == TD_EC_LIMIT)
        return put_limit(call, tx, &row, err);
    return c->kind == TD_EC_PLATFORM ? put_platform(call, tx, &row, err) : TD_OK;
}

static enum td_code rows(struct td_g_call *call, struct td_tx *tx, struct td_view_row **ret, size_t *ret_count,
                         struct td_error *err)
{
    struct td_ec *list;
    td_try(td_ec_list(tx, call->tenant, call->arena, &list, ret_count, err));
    *ret = td_arena_array(call->arena, struct td_view_row, *ret_count);
    for (size_t i = 0; i < *ret_count; i++)
        td_try(row_of(call, tx, &list[i], &(*ret)[i], err));
    return TD_OK;
}

/* ---- writing ---- */

static enum td_code create(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_ec c = {.name = td_g_body_text(call, "displayName", ""),
                      .description = td_g_body_text(call, "description", "")},
                 made;
    struct td_status_page base;
    if (call->body_type != &td_g_type_completion_page) {
        td_g_not_offered(err, "enrolment configurations of this type");
        return TD_ENOTOFFERED;
    }
    td_status_page_defaults(true, &base);
    td_try(td_status_page_merge(&base, call->body, true, call->arena, &c.page, err));
    td_try(td_ec_add(tx, call->tenant, &c, call->actor, call->arena, &made, err));
    call->made_key = made.id;
    return TD_OK;
}

static enum td_code update_page(struct td_g_call *call, struct td_tx *tx, struct td_ec *c, struct td_error *err)
{
    struct td_status_page page;
    td_try(td_status_page_merge(&c->page, call->body, true, call->arena, &page, err));
    c->page = page;
    c->name = td_g_body_text(call, "displayName", c->name);
    c->description = td_g_body_text(call, "description", c->description);
    return td_ec_change(tx, call->tenant, c, call->actor, call->arena, err);
}

static enum td_code update_limit(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    const struct td_json *limit = td_json_iget(call->body, "limit");
    if (limit == NULL || limit->type == TD_JSON_NULL)
        return TD_OK;
    return td_tenant_set(tx, call->tenant, "enrol-device-limit",
                         td_arena_printf(call->arena, "%lld", (long long)limit->num), call->actor, err);
}

static enum td_code set_version(struct td_g_call *call, struct td_tx *tx, const struct td_json *restriction,
                                const char *member, const char *setting, struct td_error *err)
{
    const struct td_json *v = td_json_iget(restriction, member);
    if (v == NULL)
        return TD_OK;
    const char *version = v->type == TD_JSON_STRING ? v->str : "";
    td_try(td_os_version_check(member, td_str(version), err));
    return td_tenant_set(tx, call->tenant, setting, version, call->actor, err);
}

static enum td_code update_platform(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    const char *who = "";
    const struct td_json *r = td_json_iget(call->body, "windowsRestriction");
    if (r == NULL || r->type != TD_JSON_OBJECT)
        return TD_OK;
    td_try(td_tenant_get(tx, call->tenant, "enrol-users", call->arena, &who, err));
    bool blocked = td_json_bool(r, "platformBlocked", strcmp(who, "none") == 0);
    bool personal = td_json_bool(r, "personalDeviceEnrollmentBlocked", strcmp(who, "registered") == 0);
    const char *now = blocked ? "none" : personal ? "registered" : "all";
    if (strcmp(now, who) != 0)
        td_try(td_tenant_set(tx, call->tenant, "enrol-users", now, call->actor, err));
    td_try(set_version(call, tx, r, "osMinimumVersion", "enrol-os-minimum", err));
    return set_version(call, tx, r, "osMaximumVersion", "enrol-os-maximum", err);
}

static enum td_code update(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_ec c;
    td_try(td_ec_find(tx, call->tenant, call->keys[0], call->arena, &c, err));
    if (c.kind == TD_EC_PAGE)
        return update_page(call, tx, &c, err);
    if (c.kind == TD_EC_LIMIT)
        return update_limit(call, tx, err);
    if (c.kind == TD_EC_PLATFORM)
        return update_platform(call, tx, err);
    td_g_not_offered(err, "changes of the Windows Hello for Business configuration");
    return TD_ENOTOFFERED;
}

/* A default is no right of the caller's: the request is wrong. */
static enum td_code of_default(struct td_g_call *call, enum td_code rc)
{
    if (rc == TD_EDENIED)
        call->status = 400;
    return rc;
}

static enum td_code remove_one(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    return of_default(call, td_ec_remove(tx, call->tenant, call->keys[0], call->actor, call->arena, err));
}

static enum td_code set_priority(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    int64_t priority = 0;
    td_try(td_g_body_int(call, "priority", 0, &priority, err));
    return of_default(call,
                      td_ec_set_priority(tx, call->tenant, call->keys[0], priority, call->actor, call->arena, err));
}

/* ---- assignments ---- */

static enum td_code assignment_rows(struct td_g_call *call, struct td_tx *tx, struct td_view_row **ret,
                                    size_t *ret_count, struct td_error *err)
{
    struct td_ec_target *list;
    const char *id = call->keys[0];
    td_try(td_ec_targets(tx, call->tenant, id, call->arena, &list, ret_count, err));
    *ret = td_arena_array(call->arena, struct td_view_row, *ret_count + 1);
    for (size_t i = 0; i < *ret_count; i++) {
        (*ret)[i] = td_g_new_row(call, &td_view_profile_assignment);
        td_g_put_text(&(*ret)[i], "id", td_arena_printf(call->arena, "%s_%s_%d", id, list[i].id, list[i].excluded));
        td_g_put_text(&(*ret)[i], "sourceId", id);
        td_g_put_text(&(*ret)[i], "~target", list[i].id);
        td_g_put_number(&(*ret)[i], "~excluded", list[i].excluded);
    }
    return TD_OK;
}

static enum td_code read_target(struct td_g_call *call, const struct td_json *v, struct td_ec_target *ret,
                                struct td_error *err)
{
    struct td_g_target_read t;
    td_try(td_g_read_target(call, v, &t, err));
    *ret = (struct td_ec_target){.id = t.group, .name = "", .excluded = t.excluded};
    return TD_OK;
}

/* As the real service: a group that is not there makes the body wrong, not the path. */
static enum td_code of_target(struct td_g_call *call, enum td_code rc)
{
    if (rc == TD_ENOTFOUND || rc == TD_EDENIED)
        call->status = 400;
    return rc;
}

static enum td_code create_assignment(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_ec_target t;
    td_try(read_target(call, call->body, &t, err));
    td_try(of_target(call, td_ec_target_add(tx, call->tenant, call->keys[0], &t, call->actor, err)));
    call->made_key = td_arena_printf(call->arena, "%s_%s_%d", call->keys[0], t.id, t.excluded);
    return TD_OK;
}

static enum td_code remove_assignment(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    const struct td_ec_target t = {.id = td_view_text(call->row, "~target"),
                                   .excluded = td_view_int(call->row, "~excluded") != 0};
    return td_ec_target_drop(tx, call->tenant, call->keys[0], &t, call->actor, err);
}

/* The set as it shall be: of the action assign, and of PUT (ours). */
static enum td_code assign(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    size_t n = 0;
    const struct td_json *sent = td_g_assignment_list(call->body, err);
    if (sent == NULL)
        return TD_EINVAL;
    if (td_json_count(sent) > TD_EC_MAX_TARGETS)
        return td_fail(err, TD_ELIMIT, "assignments", "more than %d", TD_EC_MAX_TARGETS);
    struct td_ec_target *list = td_arena_array(call->arena, struct td_ec_target, td_json_count(sent) + 1);
    for (const struct td_json *v = sent->child; v != NULL; v = v->next)
        td_try(read_target(call, v, &list[n++], err));
    return of_target(call, td_ec_assign(tx, call->tenant, call->keys[0], list, n, call->actor, err));
}

/* ---- tables ---- */

static const struct td_g_action actions[] = {
    {.name = "assign",
     .right = TD_RIGHT_STATUS_PAGE,
     .access = TD_ACCESS_WRITE,
     .run = assign,
     .params = "enrollmentConfigurationAssignments:Collection(enrollmentConfigurationAssignment)?"},
    {.name = "setPriority",
     .right = TD_RIGHT_STATUS_PAGE,
     .access = TD_ACCESS_WRITE,
     .run = set_priority,
     .params = "priority:Int32"},
};

static const struct td_g_set sets[] = {
    {.path = PATH,
     .type = &td_g_type_enrolment_configuration,
     .view = &td_view_enrolment_configuration,
     .read = TD_RIGHT_STATUS_PAGE,
     .write = TD_RIGHT_STATUS_PAGE,
     .about =
         "Status pages with their priorities, and the tenant's defaults. Of the other types the defaults are there:"
         " limit and platform restrictions can be changed, Windows Hello for Business is read only.",
     .page = 1000,
     .rows = rows,
     .create = create,
     .update = update,
     .remove = remove_one,
     .actions = actions,
     .action_count = TD_COUNTOF(actions)},
    {.path = PATH "/{id}/assignments",
     .type = &td_g_type_enrolment_assignment,
     .view = &td_view_profile_assignment,
     .read = TD_RIGHT_STATUS_PAGE,
     .write = TD_RIGHT_STATUS_PAGE,
     .about = "Whose devices and which devices get a status page; one by one, or by assign or PUT as a whole.",
     .page = 1000,
     .rows = assignment_rows,
     .create = create_assignment,
     .remove = remove_assignment,
     .put = assign},
};

const struct td_g_family td_g_family_enrolment = {"Enrolment configurations", sets, TD_COUNTOF(sets)};
