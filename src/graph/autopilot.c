/* windowsAutopilotDeviceIdentities: registrations, what is said about them, their end (graph-api.md 1.2, 3.1, 3.4). */
#include "graph/autopilot.h"

#include "api/import.h"
#include "api/technician.h"
#include "base/fault.h"
#include "graph/directory.h"
#include "graph/profiles.h"
#include "graph/types.h"
#include "store/audit.h"
#include "store/group.h"
#include "store/profile.h"
#include "store/registration.h"
#include "store/views.h"

#include <string.h>

enum { MAX_DELETED = 200 };

#define SYNC_PAUSE (10 * TD_SECOND) /* two synchronisations within it are one */

enum td_code td_g_action_text(const struct td_g_call *call, const char *name, const char **ret, struct td_error *err)
{
    const struct td_json *m = td_json_iget(call->body, name);
    *ret = NULL;
    if (m == NULL || m->type == TD_JSON_NULL)
        return TD_OK;
    if (m->type != TD_JSON_STRING)
        return td_fail(err, TD_EINVAL, name, "must be a text");
    *ret = m->str;
    return TD_OK;
}

static const char *registration_id(const struct td_g_call *call)
{
    return td_view_text(call->row, "id");
}

/* ---- actions on one device ---- */

static enum td_code change(struct td_g_call *call, struct td_tx *tx, const struct td_registration_change *what,
                           struct td_error *err)
{
    return td_registration_change(tx, call->tenant, registration_id(call), what, call->actor, NULL, err);
}

/* Only what is sent changes: an absent member never clears (graph-api.md 5.5). */
static enum td_code update_properties(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_registration_change what = {0};
    td_try(td_g_action_text(call, "userPrincipalName", &what.assigned_user, err));
    td_try(td_g_action_text(call, "addressableUserName", &what.addressable_user, err));
    td_try(td_g_action_text(call, "groupTag", &what.group_tag, err));
    td_try(td_g_action_text(call, "displayName", &what.display_name, err));
    td_try(td_g_action_text(call, "deviceAccountUpn", &what.account_upn, err));
    td_try(td_g_action_text(call, "deviceFriendlyName", &what.friendly_name, err));
    return change(call, tx, &what, err);
}

static enum td_code assign_user(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_registration_change what = {0};
    td_try(td_g_action_text(call, "userPrincipalName", &what.assigned_user, err));
    td_try(td_g_action_text(call, "addressableUserName", &what.addressable_user, err));
    if (what.assigned_user == NULL || what.assigned_user[0] == '\0')
        return td_remedy(err, td_fail(err, TD_EINVAL, "userPrincipalName", "names no user"),
                         "use unassignUserFromDevice to take the user away");
    return change(call, tx, &what, err);
}

static enum td_code unassign_user(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    return change(call, tx, &(struct td_registration_change){.assigned_user = "", .addressable_user = ""}, err);
}

static enum td_code assign_account(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    const char *name = NULL, *friendly = NULL;
    struct td_registration_change what = {0};
    td_try(td_g_action_text(call, "userPrincipalName", &what.account_upn, err));
    td_try(td_g_action_text(call, "resourceAccountName", &name, err));
    td_try(td_g_action_text(call, "addressableUserName", &friendly, err));
    what.resource_name = name != NULL ? name : friendly;
    if (what.account_upn == NULL || what.account_upn[0] == '\0')
        return td_fail(err, TD_EINVAL, "userPrincipalName", "names no account");
    return change(call, tx, &what, err);
}

static enum td_code unassign_account(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    return change(call, tx, &(struct td_registration_change){.account_upn = "", .resource_name = ""}, err);
}

static enum td_code allow_next(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    static const enum td_userless allowed = TD_USERLESS_ALLOWED;
    return change(call, tx, &(struct td_registration_change){.userless = &allowed}, err);
}

/* ---- creation, change and end as an entity ---- */

/* NULL where it was not sent; null clears, as OData has it. */
static const char *sent(const struct td_g_call *call, const char *name)
{
    return td_g_body_has(call, name) ? td_g_body_text(call, name, "") : NULL;
}

static enum td_code update(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_registration_change what = {.group_tag = sent(call, "groupTag"),
                                          .purchase_order = sent(call, "purchaseOrderIdentifier"),
                                          .product_key = sent(call, "productKey"),
                                          .assigned_user = sent(call, "userPrincipalName"),
                                          .addressable_user = sent(call, "addressableUserName"),
                                          .display_name = sent(call, "displayName"),
                                          .account_upn = sent(call, "deviceAccountUpn"),
                                          .friendly_name = sent(call, "deviceFriendlyName")};
    return change(call, tx, &what, err);
}

struct creation {
    struct td_registration_new new;
    struct td_import_row row;
};

/* Without a hash a device is known by what is said of it: maker, model and serial number are one identity fact, and a
 * hash that comes later completes it. */
static void claim(struct td_g_call *call, const struct td_import_given *g, struct creation *c)
{
    c->new = (struct td_registration_new){.serial = td_arena_text(call->arena, g->serial),
                                          .manufacturer = td_g_body_text(call, "manufacturer", ""),
                                          .model = td_g_body_text(call, "model", ""),
                                          .sku = "",
                                          .family = "",
                                          .product_key = td_arena_text(call->arena, g->product_key),
                                          .group_tag = td_arena_text(call->arena, g->group_tag),
                                          .purchase_order = td_arena_text(call->arena, g->purchase_order),
                                          .assigned_user = td_arena_text(call->arena, g->user),
                                          .warning = "it was registered without a hardware hash: import one, a "
                                                     "deployment lookup needs two identity facts",
                                          .source = TD_SOURCE_CLAIM};
    (void)td_facts_add_tuple(&c->new.facts, call->arena, g->manufacturer, g->model, g->serial);
    c->row = (struct td_import_row){.serial = c->new.serial,
                                    .registration_id = "",
                                    .name = "None",
                                    .text = "",
                                    .remedy = "",
                                    .warning = c->new.warning};
}

static enum td_code prepare(struct td_g_call *call, struct td_error *err)
{
    struct creation *c = td_arena_new(call->arena, struct creation);
    struct td_import_given given = {.serial = td_str(td_g_body_text(call, "serialNumber", "")),
                                    .product_key = td_str(td_g_body_text(call, "productKey", "")),
                                    .hash = td_str(td_g_body_text(call, "hardwareIdentifier", "")),
                                    .group_tag = td_str(td_g_body_text(call, "groupTag", "")),
                                    .user = td_str(td_g_body_text(call, "userPrincipalName", "")),
                                    .manufacturer = td_str(td_g_body_text(call, "manufacturer", "")),
                                    .model = td_str(td_g_body_text(call, "model", "")),
                                    .purchase_order = td_str(td_g_body_text(call, "purchaseOrderIdentifier", ""))};
    call->prepared = c;
    if (call->req->method != TD_POST) /* a change */
        return TD_OK;
    if (given.serial.n == 0 || given.serial.n > TD_SERIAL_MAX)
        return td_fail(err, TD_EINVAL, "serialNumber", "must be a text of at most %d characters", TD_SERIAL_MAX);
    if (given.hash.n == 0)
        claim(call, &given, c);
    else
        td_import_prepare(&given, false, call->arena, &c->new, &c->row);
    if (c->row.refused)
        return td_remedy(
            err, td_fail(err, TD_EINVAL, "hardwareIdentifier", "%s (%d %s)", c->row.text, c->row.code, c->row.name),
            "%s", c->row.remedy);
    return TD_OK;
}

static enum td_code create(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    const struct creation *c = call->prepared;
    struct td_import_row row = c->row;
    const char *name = sent(call, "displayName"), *greeting = sent(call, "addressableUserName");
    td_try(td_access_check(call->who, TD_RIGHT_REGISTER, TD_ACCESS_WRITE, err));
    td_try(td_import_write(tx, call->tenant, &c->new, call->actor, call->arena, &row, err));
    if (row.refused || row.code == TD_ZTD_ALREADY_ASSIGNED) {
        call->status = row.code == TD_ZTD_ALREADY_ASSIGNED || row.code == TD_ZTD_OTHER_TENANT ? 409 : 400;
        return td_remedy(err, td_fail(err, TD_EINVAL, "serialNumber", "%s (%d %s)", row.text, row.code, row.name), "%s",
                         row.remedy);
    }
    call->made_key = row.registration_id;
    struct td_registration_change more = {.display_name = name,
                                          .addressable_user = greeting,
                                          .friendly_name = sent(call, "deviceFriendlyName"),
                                          .account_upn = sent(call, "deviceAccountUpn")};
    return td_registration_change(tx, call->tenant, row.registration_id, &more, call->actor, NULL, err);
}

/* One step: what is joined or managed stays so (autopilot.md R15). */
static enum td_code end(struct td_g_call *call, struct td_tx *tx, const char *id, const char *serial,
                        struct td_error *err)
{
    const struct td_change gone = {"serialNumber", serial, NULL};
    const struct td_audit what = {.type = "registration.removed",
                                  .actor = call->actor,
                                  .kind = "registration",
                                  .id = id,
                                  .name = serial,
                                  .changes = &gone,
                                  .count = 1};
    td_try(td_registration_remove(tx, call->tenant, id, call->actor, err));
    return td_audit_tell(tx, call->tenant, &what, err);
}

static enum td_code remove_one(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    return end(call, tx, registration_id(call), td_view_text(call->row, "serialNumber"), err);
}

/* ---- deleteDevices ---- */

static void deleted(struct td_jsonw *w, const char *serial, const char *id, const char *why)
{
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "serialNumber", serial);
    td_jsonw_kstr(w, "deviceRegistrationId", id);
    td_jsonw_kstr(w, "deletionState", why == NULL ? "accepted" : "failed");
    td_jsonw_kstr(w, "errorMessage", why);
    td_jsonw_end(w);
}

/* A serial number that nobody has, or several have, fails alone: the others go. */
static enum td_code delete_serial(struct td_g_call *call, struct td_tx *tx, const char *serial, struct td_jsonw *w,
                                  struct td_error *err)
{
    struct td_registration r = {.id = ""};
    struct td_error why;
    enum td_code rc = td_registration_find_any(tx, call->tenant, serial, call->arena, &r, &why);
    if (rc == TD_ENOTFOUND || rc == TD_EINVAL) {
        deleted(w, serial, "", td_arena_strdup(call->arena, why.text));
        return TD_OK;
    }
    if (rc != TD_OK) {
        *err = why;
        return rc;
    }
    td_try(end(call, tx, r.id, r.serial, err));
    deleted(w, r.serial, r.id, NULL);
    return TD_OK;
}

static enum td_code delete_devices(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_jsonw w;
    const struct td_json *list = td_json_iget(call->body, "serialNumbers");
    if (list == NULL || list->type != TD_JSON_ARRAY || td_json_count(list) > MAX_DELETED)
        return td_fail(err, TD_EINVAL, "serialNumbers", "must be a list of at most %d serial numbers", MAX_DELETED);
    td_jsonw_init(&w, call->out);
    td_g_open_collection(call, "deletedWindowsAutopilotDeviceState", &w);
    for (const struct td_json *s = list->child; s != NULL; s = s->next) {
        if (s->type != TD_JSON_STRING || s->str[0] == '\0')
            return td_fail(err, TD_EINVAL, "serialNumbers", "must be a list of texts");
        td_try(delete_serial(call, tx, s->str, &w, err));
    }
    td_g_close_collection(call, &w);
    call->answered = true;
    return TD_OK;
}

/* ---- synchronisation: there is nothing to fetch, the store is one ---- */

static enum td_code sync_now(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    int64_t at = 0;
    td_try(td_registration_synced(tx, call->tenant, &at, err));
    if (at != 0 && td_tx_now(tx) - at < SYNC_PAUSE)
        return TD_OK;
    td_try(td_registration_sync(tx, call->tenant, err));
    const struct td_audit what = {
        .type = "settings.synced", .actor = call->actor, .kind = "settings", .id = call->tenant, .name = "sync"};
    return td_audit_tell(tx, call->tenant, &what, err);
}

static enum td_code settings_rows(struct td_g_call *call, struct td_tx *tx, struct td_view_row **ret, size_t *ret_count,
                                  struct td_error *err)
{
    int64_t at = 0;
    td_try(td_registration_synced(tx, call->tenant, &at, err));
    struct td_view_row *row = td_arena_new(call->arena, struct td_view_row);
    *row = (struct td_view_row){.view = &td_view_autopilot_settings,
                                .values = td_arena_array(call->arena, struct td_view_value, 4)};
    row->values[0].text = call->tenant;
    row->values[1].num = td_tx_now(tx) / TD_SECOND * TD_SECOND;
    row->values[2].num = at / TD_SECOND * TD_SECOND;
    row->values[3] = (struct td_view_value){.text = "completed", .num = 2};
    *ret = row;
    *ret_count = 1;
    return TD_OK;
}

static enum td_code no_rows(struct td_g_call *call TD_UNUSED, struct td_tx *tx TD_UNUSED, struct td_view_row **ret,
                            size_t *ret_count, struct td_error *err TD_UNUSED)
{
    *ret = NULL;
    *ret_count = 0;
    return TD_OK;
}

/* ---- profiles of a device ---- */

static const struct td_g_set *set_of(const char *path)
{
    for (size_t f = 0; td_g_families[f] != NULL; f++)
        for (size_t i = 0; i < td_g_families[f]->count; i++)
            if (strcmp(td_g_families[f]->sets[i].path, path) == 0)
                return &td_g_families[f]->sets[i];
    return NULL;
}

/* The profiles of the tenant, made once for all rows of an answer. */
struct profiles {
    const struct td_g_set *set;
    struct td_view_row *rows;
    size_t count;
};

static enum td_code load_profiles(struct td_g_call *call, struct td_tx *tx, struct profiles **ret, struct td_error *err)
{
    struct profiles *p = call->prepared;
    if (p == NULL) {
        p = td_arena_new(call->arena, struct profiles);
        p->set = set_of("deviceManagement/windowsAutopilotDeploymentProfiles");
        if (p->set != NULL && p->set->rows != NULL)
            td_try(p->set->rows(call, tx, &p->rows, &p->count, err));
        call->prepared = p;
    }
    *ret = p;
    return TD_OK;
}

static enum td_code write_profile(struct td_g_call *call, struct td_tx *tx, const char *id, struct td_jsonw *w,
                                  struct td_error *err)
{
    struct profiles *p;
    td_try(load_profiles(call, tx, &p, err));
    for (size_t i = 0; i < p->count; i++)
        if (id[0] != '\0' && strcmp(td_view_text(&p->rows[i], "id"), id) == 0)
            return td_g_write_entity(call, tx, p->set, &p->rows[i], true, w, err);
    td_jsonw_null(w);
    return TD_OK;
}

/* What holds at this moment. Where a change still goes from device to device the row may be behind it: then the rule
 * itself is asked, as the lookup does. */
static enum td_code write_holding(struct td_g_call *call, struct td_tx *tx, const struct td_view_row *row,
                                  struct td_jsonw *w, struct td_error *err)
{
    struct td_profile_row p = {.id = ""};
    bool is_behind = false, is_explicit = false;
    td_try(td_group_work_due(tx, &is_behind, err));
    if (!is_behind || td_fault("intended-as-told"))
        return write_profile(call, tx, td_view_text(row, "~profile"), w, err);
    enum td_code rc = td_profile_for(tx, call->tenant, td_view_text(row, "id"), call->arena, &p, &is_explicit, err);
    return rc == TD_OK || rc == TD_ENOTFOUND ? write_profile(call, tx, rc == TD_OK ? p.id : "", w, err) : rc;
}

/* What the device took last; one that never asked has taken nothing, and will take what holds. */
enum td_code td_g_expand_effective(struct td_g_call *call, struct td_tx *tx, const struct td_view_row *row,
                                   struct td_jsonw *w, struct td_error *err)
{
    struct td_profile_given given;
    enum td_code rc = td_profile_given(tx, call->tenant, td_view_text(row, "~way"), call->arena, &given, err);
    if (rc == TD_OK) /* as it was then, whatever became of the profile */
        return td_g_write_given(call, tx, &given, w, err);
    if (rc != TD_ENOTFOUND)
        return rc;
    return write_holding(call, tx, row, w, err);
}

enum td_code td_g_expand_intended(struct td_g_call *call, struct td_tx *tx, const struct td_view_row *row,
                                  struct td_jsonw *w, struct td_error *err)
{
    return write_holding(call, tx, row, w, err);
}

/* Ours: for a technician's companion (docs/tasks/pre-provisioning.md). Shown once, here. */
static enum td_code create_provisioning_code(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_jsonw w;
    const char *code = "";
    int64_t expires = 0;
    td_try(td_technician_code(tx, call->tenant, td_view_text(call->row, "id"), call->actor, call->arena, &code,
                              &expires, err));
    td_jsonw_init(&w, call->out);
    td_jsonw_obj(&w);
    if (call->metadata != TD_G_NONE)
        td_jsonw_kstr(&w, "@odata.context",
                      td_arena_printf(call->arena, "%s/%s/$metadata#microsoft.graph.provisioningCode", call->req->base,
                                      call->version));
    td_jsonw_kstr(&w, "code", code);
    td_jsonw_kstr(&w, "expirationDateTime", td_time_arena(call->arena, expires));
    td_jsonw_end(&w);
    call->answered = true;
    return TD_OK;
}

/* ---- tables ---- */

#define DEVICE_WRITE .right = TD_RIGHT_DEVICE, .access = TD_ACCESS_WRITE

static const struct td_g_action device_actions[] = {
    {.name = "updateDeviceProperties",
     DEVICE_WRITE,
     .run = update_properties,
     .params = "userPrincipalName:String?,addressableUserName:String?,groupTag:String?,displayName:String?,"
               "deviceAccountUpn:String?,deviceFriendlyName:String?"},
    {.name = "assignUserToDevice",
     DEVICE_WRITE,
     .run = assign_user,
     .params = "userPrincipalName:String?,addressableUserName:String?"},
    {.name = "unassignUserFromDevice", DEVICE_WRITE, .run = unassign_user},
    {.name = "assignResourceAccountToDevice",
     DEVICE_WRITE,
     .flags = TD_G_BETA_ONLY,
     .run = assign_account,
     .params = "userPrincipalName:String?,addressableUserName:String?,resourceAccountName:String?"},
    {.name = "unassignResourceAccountFromDevice", DEVICE_WRITE, .flags = TD_G_BETA_ONLY, .run = unassign_account},
    {.name = "explainAssignment",
     .right = TD_RIGHT_DEVICE,
     .access = TD_ACCESS_READ,
     .flags = TD_G_FUNCTION,
     .run = td_g_explain_assignment,
     .returns = "assignmentExplanation"},
    {.name = "tellLife",
     .right = TD_RIGHT_DEVICE,
     .access = TD_ACCESS_READ,
     .flags = TD_G_FUNCTION,
     .run = td_g_tell_life,
     .returns = "Collection(deviceLifeChapter)"},
    {.name = "compareHardware",
     .right = TD_RIGHT_DEVICE,
     .access = TD_ACCESS_READ,
     .flags = TD_G_FUNCTION,
     .run = td_g_compare_hardware,
     .returns = "hardwareComparison"},
    {.name = "acceptHardware",
     .right = TD_RIGHT_REGISTER,
     .access = TD_ACCESS_WRITE,
     .run = td_g_accept_hardware,
     .returns = "hardwareComparison"},
    {.name = "rejectHardware",
     .right = TD_RIGHT_REGISTER,
     .access = TD_ACCESS_WRITE,
     .run = td_g_reject_hardware,
     .params = "reason:String?",
     .returns = "hardwareComparison"},
    {.name = "allowNextEnrollment", DEVICE_WRITE, .flags = TD_G_BETA_ONLY, .run = allow_next},
    {.name = "createProvisioningCode",
     DEVICE_WRITE,
     .flags = TD_G_BETA_ONLY,
     .run = create_provisioning_code,
     .returns = "provisioningCode"},
    {.name = "deleteDevices",
     .right = TD_RIGHT_DEREGISTER,
     .access = TD_ACCESS_WRITE,
     .flags = TD_G_ON_SET | TD_G_BETA_ONLY,
     .run = delete_devices,
     .params = "serialNumbers:Collection(String)",
     .returns = "Collection(deletedWindowsAutopilotDeviceState)"},
};

static const struct td_g_action import_actions[] = {
    {.name = "import",
     .right = TD_RIGHT_REGISTER,
     .access = TD_ACCESS_WRITE,
     .flags = TD_G_ON_SET,
     .run = td_g_import_many,
     .prepare = td_g_import_many_prepare,
     .params = "importedWindowsAutopilotDeviceIdentities:Collection(importedWindowsAutopilotDeviceIdentity)",
     .returns = "Collection(importedWindowsAutopilotDeviceIdentity)",
     .max_body = 32 << 20},
};

static const struct td_g_action settings_actions[] = {
    {.name = "sync", DEVICE_WRITE, .run = sync_now},
};

static const struct td_g_action identifier_actions[] = {
    {.name = "importDeviceIdentityList",
     .right = TD_RIGHT_REGISTER,
     .access = TD_ACCESS_WRITE,
     .flags = TD_G_ON_SET | TD_G_BETA_ONLY,
     .run = td_g_identifier_list,
     .params = "importedDeviceIdentities:Collection(importedDeviceIdentity),overwriteImportedDeviceIdentities:Boolean",
     .returns = "Collection(importedDeviceIdentityResult)",
     .max_body = 4 << 20},
    {.name = "searchExistingIdentities",
     .right = TD_RIGHT_REGISTER,
     .access = TD_ACCESS_READ,
     .flags = TD_G_ON_SET | TD_G_BETA_ONLY,
     .run = td_g_identifier_search,
     .params = "importedDeviceIdentities:Collection(importedDeviceIdentity)",
     .returns = "Collection(importedDeviceIdentity)",
     .max_body = 4 << 20},
};

static const struct td_g_action request_actions[] = {
    {.name = "approve",
     .right = TD_RIGHT_REGISTER,
     .access = TD_ACCESS_WRITE,
     .run = td_g_request_approve,
     .prepare = td_g_request_prepare,
     .params = "groupTag:String?,userPrincipalName:String?",
     .returns = "windowsAutopilotDeviceRequest"},
    {.name = "reject",
     .right = TD_RIGHT_REGISTER,
     .access = TD_ACCESS_WRITE,
     .run = td_g_request_reject,
     .prepare = td_g_request_reject_prepare,
     .returns = "windowsAutopilotDeviceRequest"},
    {.name = "approveCode",
     .right = TD_RIGHT_REGISTER,
     .access = TD_ACCESS_WRITE,
     .flags = TD_G_ON_SET,
     .run = td_g_request_approve,
     .prepare = td_g_request_prepare,
     .params = "code:String,groupTag:String?,userPrincipalName:String?",
     .returns = "windowsAutopilotDeviceRequest"},
    {.name = "rejectCode",
     .right = TD_RIGHT_REGISTER,
     .access = TD_ACCESS_WRITE,
     .flags = TD_G_ON_SET,
     .run = td_g_request_reject,
     .prepare = td_g_request_reject_prepare,
     .params = "code:String",
     .returns = "windowsAutopilotDeviceRequest"},
};

#define ACTIONS(list) .actions = (list), .action_count = TD_COUNTOF(list)

static const struct td_g_set sets[] = {
    {.path = "deviceManagement/windowsAutopilotDeviceIdentities",
     .type = &td_g_type_registration,
     .view = &td_view_registrations,
     .read = TD_RIGHT_DEVICE,
     .write = TD_RIGHT_DEVICE,
     .drop = TD_RIGHT_DEREGISTER,
     .about = "Registered devices. DELETE ends the registration alone: a managed device stays managed.",
     .page = 1000,
     .create = create,
     .update = update,
     .remove = remove_one,
     .prepare = prepare,
     ACTIONS(device_actions)},
    {.path = "deviceManagement/importedWindowsAutopilotDeviceIdentities",
     .type = &td_g_type_imported_registration,
     .view = &td_view_imports,
     .read = TD_RIGHT_REGISTER,
     .write = TD_RIGHT_REGISTER,
     .about = "Imports of device identities and what became of them; they stay until they are deleted.",
     .page = 1000,
     .create = td_g_import_create,
     .remove = td_g_import_remove,
     .prepare = td_g_import_prepare,
     ACTIONS(import_actions)},
    {.path = "deviceManagement/windowsAutopilotSettings",
     .type = &td_g_type_autopilot_settings,
     .view = &td_view_autopilot_settings,
     .flags = TD_G_SINGLETON | TD_G_BETA_SHAPE,
     .read = TD_RIGHT_DEVICE,
     .write = TD_RIGHT_DEVICE,
     .about = "When the service was synchronised: always now. sync answers at once and is never throttled.",
     .rows = settings_rows,
     ACTIONS(settings_actions)},
    {.path = "deviceManagement/importedDeviceIdentities",
     .type = &td_g_type_device_identifier,
     .view = &td_view_identifiers,
     .flags = TD_G_BETA_SHAPE,
     .read = TD_RIGHT_REGISTER,
     .write = TD_RIGHT_REGISTER,
     .drop = TD_RIGHT_DEREGISTER,
     .about = "Corporate identifiers: devices that belong to the organisation however they enrol.",
     .page = 1000,
     .create = td_g_identifier_create,
     .update = td_g_identifier_update,
     .remove = td_g_identifier_remove,
     ACTIONS(identifier_actions)},
    {.path = "deviceManagement/tenantAssociatedDevices",
     .type = &td_g_type_associated_device,
     .view = &td_view_associated,
     .flags = TD_G_EMPTY | TD_G_BETA_SHAPE,
     .read = TD_RIGHT_DEVICE,
     .write = TD_RIGHT_DEVICE,
     .about = "Associations of device preparation: not offered, the list is empty.",
     .rows = no_rows},
    {.path = "deviceManagement/windowsAutopilotDeviceRequests",
     .type = &td_g_type_device_request,
     .view = &td_view_requests,
     .flags = TD_G_BETA_SHAPE,
     .read = TD_RIGHT_REGISTER,
     .write = TD_RIGHT_REGISTER,
     .about = "Ours: devices that asked for a profile, are not registered and wait for approval.",
     ACTIONS(request_actions)},
};

const struct td_g_family td_g_family_autopilot = {
    .about = "Registration of devices", .sets = sets, .count = TD_COUNTOF(sets)};
