/* Devices of the directory, and whatever stands behind an id (graph-api.md 1.8, 2.1, 3.1, 3.4). */
#include "base/encode.h"
#include "base/fault.h"
#include "graph/directory.h"
#include "graph/types.h"
#include "store/action.h"
#include "store/directory.h"
#include "store/tenant.h"
#include "store/views.h"

#include <string.h>

static void write_id(struct td_g_call *call, const struct td_view_row *row, const char *kind, const char *column,
                     struct td_jsonw *w)
{
    const char *value = td_view_text(row, column);
    if (value[0] != '\0')
        td_jsonw_str(w, td_arena_printf(call->arena, "[%s]:%s", kind, value));
}

void td_g_physical_ids(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop TD_UNUSED,
                       struct td_jsonw *w)
{
    td_jsonw_arr(w);
    write_id(call, row, "ZTDID", "registrationId", w);
    write_id(call, row, "OrderId", "orderTag", w);
    write_id(call, row, "PurchaseOrderId", "purchaseOrder", w);
    write_id(call, row, "HWID", "hardwareId", w);
    td_jsonw_arr_end(w);
}

void td_g_security_ids(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop TD_UNUSED,
                       struct td_jsonw *w)
{
    const char *key = td_view_text(row, "securityKey");
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, 4096);
    td_jsonw_arr(w);
    if (key[0] != '\0') {
        /* the text in UTF-16, as the directory has it (join-and-tokens.md 10.8) */
        for (const char *c = key; *c != '\0'; c++)
            td_buf_le16(&b, (unsigned char)*c);
        td_jsonw_obj(w);
        td_jsonw_kint(w, "type", 2);
        td_jsonw_kstr(w, "identityProvider", NULL);
        td_jsonw_kstr(w, "key", td_b64(call->arena, td_buf_slice(&b)));
        td_jsonw_end(w);
    }
    td_jsonw_arr_end(w);
}

void td_g_extensions(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop TD_UNUSED,
                     struct td_jsonw *w)
{
    td_jsonw_obj(w);
    for (int i = 1; i <= TD_EXTENSIONS; i++) {
        const char *name = td_arena_printf(call->arena, "extensionAttribute%d", i);
        const char *value = td_view_text(row, td_arena_printf(call->arena, "extensionAttributes/%s", name));
        td_jsonw_kstr(w, name, value[0] != '\0' ? value : NULL);
    }
    td_jsonw_end(w);
}

static enum td_code update(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    bool enabled = false;
    struct td_device_change what = {.enabled = NULL};
    const struct td_json *flag = td_json_iget(call->body, "accountEnabled");
    const struct td_json *list = td_json_iget(call->body, "extensionAttributes");
    if (flag != NULL && flag->type != TD_JSON_NULL) {
        enabled = td_json_bool(call->body, "accountEnabled", true);
        what.enabled = &enabled;
    }
    for (int i = 1; i <= TD_EXTENSIONS; i++) {
        const struct td_json *v = td_json_iget(list, td_arena_printf(call->arena, "extensionAttribute%d", i));
        if (v != NULL)
            what.extension[i - 1] = v->str != NULL ? v->str : "";
    }
    call->poke = true;
    return td_device_change(tx, call->tenant, td_view_text(call->row, "id"), &what, call->actor, err);
}

/* A managed device that is deleted here is shut out for good, as by a retirement: where that waits for a second
 * administrator, this is no way around. */
static enum td_code may_remove(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    int64_t approval = 0;
    const char *enrolment = "";
    td_try(td_tenant_get_int(tx, call->tenant, "action-approval", &approval, err));
    if (approval == 0 || td_fault("approval-walked-around"))
        return TD_OK;
    enum td_code rc =
        td_action_enrolment_of(tx, call->tenant, td_view_text(call->row, "id"), call->arena, &enrolment, err);
    if (rc != TD_OK)
        return rc == TD_ENOTFOUND || rc == TD_ESTATE ? TD_OK : rc;
    call->status = 409;
    return td_remedy(err,
                     td_fail(err, TD_ESTATE, "device",
                             "it is managed, and this organization lets two administrators"
                             " decide the end of that"),
                     "Retire or wipe the managed device, which another one approves; until then accountEnabled false"
                     " shuts it out.");
}

static enum td_code remove_device(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    td_try(may_remove(call, tx, err));
    call->poke = true;
    return td_device_remove(tx, call->tenant, td_view_text(call->row, "id"), call->actor, err);
}

#define OF_DEVICE(p, view_, parent_, about_)                                                            \
    {                                                                                                   \
        .path = (p), .type = &td_g_type_directory_object, .view = (view_), .parent = (parent_),         \
        .flags = TD_G_DIRECTORY, .read = TD_RIGHT_DIRECTORY_DEVICE, .write = TD_RIGHT_DIRECTORY_DEVICE, \
        .about = (about_)                                                                               \
    }

static const struct td_g_set sets[] = {
    {.path = "devices",
     .type = &td_g_type_device,
     .view = &td_view_device,
     .flags = TD_G_DIRECTORY | TD_G_NOT_WRITTEN,
     .read = TD_RIGHT_DIRECTORY_DEVICE,
     .write = TD_RIGHT_DIRECTORY_DEVICE,
     .update = update,
     .remove = remove_device,
     .alternate = "deviceId",
     .about =
         "Device objects: made by registration or by a join; id and deviceId are one. The object of a registration "
         "goes with the registration."},
    OF_DEVICE("devices/{id}/memberOf", &td_view_member_of, "memberId", "Groups of a device."),
    OF_DEVICE("devices/{id}/transitiveMemberOf", &td_view_member_of, "memberId", "The same."),
    OF_DEVICE("devices/{id}/registeredOwners", &td_view_device_owner, "ownedDevice", "Who joined a device."),
    OF_DEVICE("devices/{id}/registeredUsers", &td_view_device_owner, "ownedDevice", "Who joined a device."),
    {.path = "directoryObjects",
     .type = &td_g_type_directory_object,
     .view = &td_view_directory_object,
     .flags = TD_G_DIRECTORY | TD_G_NO_LIST | TD_G_NOT_WRITTEN,
     .read = TD_RIGHT_GROUP,
     .write = TD_RIGHT_GROUP,
     .about = "The group, device or user of an id."},
};

const struct td_g_family td_g_family_devices = {
    .about = "Devices of the directory.", .sets = sets, .count = TD_COUNTOF(sets)};
