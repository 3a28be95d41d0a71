/* Managed devices: list, words of administrators, end of management, actions (graph-api.md 1.5). */
#include "base/fault.h"
#include "graph/managed_actions.h"
#include "graph/types.h"
#include "store/managed_action.h"
#include "store/primary_user.h"
#include "store/user.h"
#include "store/views.h"

#include <string.h>

#define PATH "deviceManagement/managedDevices"

/* ---- values ---- */

const struct td_json *td_g_row_json(struct td_g_call *call, const struct td_view_row *row, const char *column)
{
    const char *text = td_view_text(row, column);
    struct td_json *json = NULL;
    if (text[0] == '\0' || td_json_parse(td_str(text), TD_G_MAX_BODY, call->arena, &json, NULL) != TD_OK)
        return NULL;
    return json;
}

/* The newest results of the rows that are about to be written: by row, and then in the order of time. */
struct results {
    const struct td_view_row *rows;
    size_t count;
    struct result {
        struct td_managed_action action;
        const struct result *next;
    } * *of;
};

/* A $select of other things needs no questions. */
static bool shows_results(const struct td_g_call *call)
{
    const struct td_od_query *q = call->query;
    bool shown = q->select_count == 0;
    for (size_t i = 0; i < q->select_count; i++)
        shown |= td_istarts(td_str(q->select[i]), "deviceActionResults") || strcmp(q->select[i], "*") == 0;
    return shown;
}

static enum td_code read_results(struct td_g_call *call, struct td_tx *tx, const struct td_view_row *rows, size_t count,
                                 struct td_error *err)
{
    struct results *all = td_arena_new(call->arena, struct results);
    struct td_managed_action *list = NULL;
    size_t n = 0;
    const char **ids = td_arena_array(call->arena, const char *, count);
    *all = (struct results){.rows = rows, .of = td_arena_array(call->arena, struct result *, count)};
    call->more = all;
    if (!shows_results(call))
        return TD_OK;
    for (size_t i = 0; i < count; i++)
        ids[i] = td_view_text(&rows[i], "id");
    td_try(td_managed_actions(tx, call->tenant, ids, count, call->arena, &list, &n, err));
    all->count = count;
    while (n-- != 0) { /* the newest comes last and so stands first */
        struct result *r = td_arena_new(call->arena, struct result);
        *r = (struct result){list[n], all->of[list[n].device]};
        all->of[list[n].device] = r;
    }
    return TD_OK;
}

static void write_time(struct td_jsonw *w, const char *name, int64_t at)
{
    char text[TD_TIME_TEXT];
    td_jsonw_kstr(w, name, at % TD_SECOND != 0 ? td_time_text_us(at, text) : td_time_text(at, text));
}

static const char *const action_states[TD_ACT_STATE_COUNT] = {
    [TD_ACT_WAITING] = "pending",
    [TD_ACT_PENDING] = "pending",
    [TD_ACT_ACTIVE] = "active",
    [TD_ACT_DONE] = "done",
    [TD_ACT_FAILED] = "failed",
    [TD_ACT_CANCELLED] = "canceled",
    [TD_ACT_NOT_SUPPORTED] = "notSupported",
};

static void write_result(const struct td_managed_action *a, struct td_jsonw *w)
{
    bool scan = a->kind == TD_ACTION_QUICK_SCAN || a->kind == TD_ACTION_FULL_SCAN;
    td_jsonw_obj(w);
    if (scan)
        td_jsonw_kstr(w, "@odata.type", "#microsoft.graph.windowsDefenderScanActionResult");
    td_jsonw_kstr(w, "actionName", td_action_rows[a->kind].graph);
    td_jsonw_kstr(w, "actionState", (unsigned)a->state < TD_ACT_STATE_COUNT ? action_states[a->state] : "none");
    write_time(w, "startDateTime", a->asked_at);
    write_time(w, "lastUpdatedDateTime", a->changed_at != 0 ? a->changed_at : a->asked_at);
    if (scan)
        td_jsonw_kstr(w, "scanType", a->kind == TD_ACTION_QUICK_SCAN ? "Quick" : "Full");
    td_jsonw_end(w);
}

/* Several kinds have one name ("wipe"): the newest of a name stands for it. */
static bool newest_of_name(const struct result *first, const struct result *r)
{
    while (first != r && strcmp(td_action_rows[first->action.kind].graph, td_action_rows[r->action.kind].graph) != 0)
        first = first->next;
    return first == r;
}

void td_g_managed_actions(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop TD_UNUSED,
                          struct td_jsonw *w)
{
    const struct results *all = call->more;
    const struct result *first = NULL;
    if (all != NULL && row >= all->rows && row < all->rows + all->count)
        first = all->of[row - all->rows];
    td_jsonw_arr(w);
    for (const struct result *r = first; r != NULL; r = r->next)
        if (newest_of_name(first, r) || td_fault("graph-every-result"))
            write_result(&r->action, w);
    td_jsonw_arr_end(w);
}

/* OSEdition of the enrolment's request: a PRODUCT_ number as text, or whatever a client says there. */
void td_g_managed_sku(struct td_g_call *call TD_UNUSED, const struct td_view_row *row,
                      const struct td_g_prop *prop TD_UNUSED, struct td_jsonw *w)
{
    uint64_t number = 0;
    if (td_parse_u64(td_str(td_view_text(row, "osEdition")), &number) != true || number > INT32_MAX)
        number = 0;
    td_jsonw_int(w, (int64_t)number);
}

/* ---- changes ---- */

static int owner_of(const struct td_g_call *call)
{
    static const char *const names[] = {"ownerType", "managedDeviceOwnerType"};
    const char *now = td_view_text(call->row, "ownerType");
    int owner = -1;
    /* both names of one thing: who changes one sends the other along as it was (graph-api.md 1.3) */
    for (size_t i = 0; i < TD_COUNTOF(names); i++) {
        const struct td_json *m = td_json_iget(call->body, names[i]);
        if (m != NULL && m->str != NULL && strcmp(m->str, now) != 0)
            owner = (int)m->num;
    }
    return owner;
}

static enum td_code update(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_managed_change what = {
        .name = td_g_body_has(call, "managedDeviceName") ? td_g_body_text(call, "managedDeviceName", "") : NULL,
        .notes = td_g_body_has(call, "notes") ? td_g_body_text(call, "notes", "") : NULL,
        .owner = owner_of(call)};
    return td_managed_set(tx, call->tenant, td_view_text(call->row, "id"), &what, call->actor, err);
}

static enum td_code end(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    call->poke = true;
    return td_managed_end(tx, call->tenant, td_view_text(call->row, "id"), td_g_justification(call), call->actor, err);
}

/* ---- the primary user ---- */

/* The reference names a user by id or by upn. */
static enum td_code set_user(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_user u = {.id = ""};
    td_try(td_user_find(tx, call->tenant, td_str(call->ref), call->arena, &u, err));
    call->poke = true;
    return td_primary_user_set(tx, call->tenant, call->keys[0], u.upn, call->actor, err);
}

static enum td_code clear_user(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    call->poke = true;
    return td_primary_user_set(tx, call->tenant, call->keys[0], "", call->actor, err);
}

/* Of users/{id}/$ref: only the one who is it. */
static enum td_code remove_user(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_view_row row = {.view = NULL};
    struct td_user u = {.id = ""};
    td_try(td_view_one(tx, call->tenant, &td_view_managed, call->keys[0], call->arena, &row, err));
    td_try(td_user_find(tx, call->tenant, td_str(call->keys[1]), call->arena, &u, err));
    if (strcmp(u.id, td_view_text(&row, "userId")) != 0)
        return td_fail(err, TD_ENOTFOUND, "users", "%.80s is not the primary user of this device", u.upn);
    return clear_user(call, tx, err);
}

/* ---- tables ---- */

static const struct td_g_set sets[] = {
    {.path = PATH,
     .type = &td_g_type_managed_device,
     .view = &td_view_managed,
     .read = TD_RIGHT_MANAGED,
     .write = TD_RIGHT_MANAGED,
     .about = "Devices under management: those with an active enrolment, by its id. notes, physicalMemoryInBytes and"
              " the like show what they hold where $select names them, else as never set.",
     .update = update,
     .remove = end,
     .more = read_results,
     .actions = td_g_managed_device_actions,
     .action_count = TD_G_MANAGED_ACTIONS},
    {.path = PATH "/{id}/users",
     .type = &td_g_type_user,
     .view = &td_view_managed_user,
     .parent = "managedDevice",
     .read = TD_RIGHT_MANAGED,
     .write = TD_RIGHT_MANAGED,
     .add_ref = set_user,
     .remove_ref = remove_user,
     .remove_refs = clear_user,
     .about = "The primary user, who is the owner in the directory too: `POST users/$ref` says who, `DELETE users/$ref`"
              " that nobody is."},
    {.path = PATH "/{id}/deviceConfigurationStates",
     .type = &td_g_type_device_configuration_state,
     .view = &td_view_configuration_state,
     .parent = "managedDevice",
     .read = TD_RIGHT_MANAGED,
     .write = TD_RIGHT_MANAGED,
     .about = "What became of each configuration item on it."},
    {.path = PATH "/{id}/deviceCompliancePolicyStates",
     .type = &td_g_type_device_compliance_state,
     .flags = TD_G_EMPTY,
     .read = TD_RIGHT_MANAGED,
     .write = TD_RIGHT_MANAGED,
     .about = "Always empty: compliance is not judged."},
    {.path = PATH "/{id}/logCollectionRequests",
     .type = &td_g_type_log_collection,
     .view = &td_view_log_collection,
     .parent = "managedDevice",
     .read = TD_RIGHT_MANAGED,
     .write = TD_RIGHT_MANAGED,
     .drop = TD_RIGHT_ACTION,
     .newest = "requestedDateTimeUTC",
     .remove = td_g_remove_logs,
     .actions = td_g_log_actions,
     .action_count = TD_COUNTOF(td_g_log_actions),
     .about = "Logs that were asked for by createDeviceLogCollectionRequest, while they wait and for 28 days after they"
              " came. createDownloadUrl answers an address that is good for an hour."},
};

const struct td_g_set *td_g_log_set(void)
{
    return &sets[TD_COUNTOF(sets) - 1];
}

const struct td_g_family td_g_family_managed = {.about = "Managed devices", .sets = sets, .count = TD_COUNTOF(sets)};
