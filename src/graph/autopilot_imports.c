/* importedWindowsAutopilotDeviceIdentities: taken in and answered at once, judged by a job (graph-api.md 1.2, 3.1). */
#include "base/fault.h"
#include "crypto/digest.h"
#include "graph/autopilot.h"
#include "graph/types.h"
#include "store/audit.h"
#include "store/import_record.h"
#include "store/views.h"
#include "way/match.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_MANY = 1000, MAX_HASH = 65536 };

struct many {
    struct td_import_record *list;
    size_t count;
};

static const char *text(const struct td_json *body, const char *name)
{
    const struct td_json *m = td_json_iget(body, name);
    return m != NULL && m->type == TD_JSON_STRING ? m->str : "";
}

/* What is wrong with a hash is the record's state; only what cannot be kept is refused at once. */
static enum td_code take(const struct td_g_call *call, const struct td_json *body, struct td_import_record *ret,
                         struct td_error *err)
{
    const char *tag = text(body, "groupTag");
    *ret = (struct td_import_record){.serial = text(body, "serialNumber"),
                                     .import_id = text(body, "importId"),
                                     .product_key = text(body, "productKey"),
                                     .group_tag = tag[0] != '\0' ? tag : text(body, "orderIdentifier"),
                                     .assigned_user = text(body, "assignedUserPrincipalName"),
                                     .purchase_order = text(body, "purchaseOrderIdentifier"),
                                     .hardware = text(body, "hardwareIdentifier"),
                                     .actor = call->actor};
    if (strlen(ret->hardware) > MAX_HASH)
        return td_fail(err, TD_EINVAL, "hardwareIdentifier", "is longer than %d characters", MAX_HASH);
    td_sha256(td_str(ret->hardware), ret->hardware_sha256);
    return TD_OK;
}

static enum td_code tell(struct td_g_call *call, struct td_tx *tx, const char *id, const char *name,
                         struct td_error *err)
{
    const struct td_audit what = {
        .type = "import.added", .actor = call->actor, .kind = "import", .id = id, .name = name};
    return td_audit_tell(tx, call->tenant, &what, err);
}

enum td_code td_g_import_prepare(struct td_g_call *call, struct td_error *err)
{
    struct td_import_record *r = td_arena_new(call->arena, struct td_import_record);
    call->prepared = r;
    return take(call, call->body, r, err);
}

enum td_code td_g_import_create(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    const struct td_import_record *r = call->prepared;
    td_try(td_import_record_add(tx, call->tenant, r, call->arena, &call->made_key, err));
    call->poke = true;
    return tell(call, tx, call->made_key, r->serial, err);
}

enum td_code td_g_import_remove(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    const char *id = td_view_text(call->row, "id");
    const struct td_audit what = {.type = "import.removed",
                                  .actor = call->actor,
                                  .kind = "import",
                                  .id = id,
                                  .name = td_view_text(call->row, "serialNumber")};
    td_try(td_import_record_remove(tx, call->tenant, id, err));
    return td_audit_tell(tx, call->tenant, &what, err);
}

/* ---- many at once ---- */

static int by_device(const void *x, const void *y)
{
    const struct td_import_record *const *a = x, *const *b = y;
    int order = strcmp((*a)->serial, (*b)->serial);
    if (order == 0)
        order = memcmp((*a)->hardware_sha256, (*b)->hardware_sha256, sizeof((*a)->hardware_sha256));
    return order != 0 ? order : *a < *b ? -1 : 1;
}

/* Twins of one call: the first is the device, the others are told as repetitions (autopilot.md R11). */
static void mark_repeats(struct td_arena *a, struct many *m)
{
    struct td_import_record **order = td_arena_array(a, struct td_import_record *, m->count);
    for (size_t i = 0; i < m->count; i++)
        order[i] = &m->list[i];
    qsort(order, m->count, sizeof(struct td_import_record *), by_device);
    for (size_t i = 1; i < m->count; i++) {
        const struct td_import_record *before = order[i - 1];
        order[i]->repeats =
            order[i]->serial[0] != '\0' && strcmp(before->serial, order[i]->serial) == 0 &&
            memcmp(before->hardware_sha256, order[i]->hardware_sha256, sizeof(before->hardware_sha256)) == 0 &&
            !td_fault("import-twins");
    }
}

enum td_code td_g_import_many_prepare(struct td_g_call *call, struct td_error *err)
{
    struct many *m = td_arena_new(call->arena, struct many);
    const struct td_json *list = td_json_iget(call->body, "importedWindowsAutopilotDeviceIdentities");
    if (list == NULL || list->type != TD_JSON_ARRAY)
        return td_fail(err, TD_EINVAL, "importedWindowsAutopilotDeviceIdentities", "must be a list of devices");
    size_t count = td_json_count(list);
    if (count > MAX_MANY)
        return td_remedy(
            err,
            td_fail(err, TD_EINVAL, "importedWindowsAutopilotDeviceIdentities", "has more than %d devices", MAX_MANY),
            "send them in several calls");
    m->list = td_arena_array(call->arena, struct td_import_record, count);
    for (const struct td_json *one = list->child; one != NULL; one = one->next) {
        const struct td_g_type *type;
        const struct td_json *body;
        td_try(
            td_g_body(&td_g_type_imported_registration, one, TD_G_WRITE | TD_G_CREATE, call->arena, &type, &body, err));
        td_try(take(call, body, &m->list[m->count++], err));
    }
    mark_repeats(call->arena, m);
    call->prepared = m;
    return TD_OK;
}

static enum td_code write_one(struct td_g_call *call, struct td_tx *tx, const char *id, struct td_jsonw *w,
                              struct td_error *err)
{
    struct td_view_row row;
    td_try(td_view_one(tx, call->tenant, &td_view_imports, id, call->arena, &row, err));
    return td_g_write_entity(call, tx, call->set, &row, true, w, err);
}

enum td_code td_g_import_many(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_jsonw w;
    const struct many *m = call->prepared;
    td_jsonw_init(&w, call->out);
    td_g_open_collection(call, "importedWindowsAutopilotDeviceIdentity", &w);
    const char *first = "";
    for (size_t i = 0; i < m->count; i++) {
        const char *id;
        td_try(td_import_record_add(tx, call->tenant, &m->list[i], call->arena, &id, err));
        td_try(write_one(call, tx, id, &w, err));
        first = i == 0 ? id : first;
    }
    td_g_close_collection(call, &w);
    call->answered = true;
    call->poke = true;
    return tell(call, tx, first, td_arena_printf(call->arena, "%zu devices", m->count), err);
}
