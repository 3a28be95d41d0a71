/* executeAction: one action for many managed devices, in one transaction; each answers for itself. Where a second
 * administrator must agree they are one request (store/action_batch.h). */
#include "base/fault.h"
#include "graph/autopilot.h"
#include "graph/managed_actions.h"
#include "graph/types.h"
#include "store/action_batch.h"
#include "store/tenant.h"

#include <string.h>

enum { MAX_DEVICES = 100, NOT_FOR_THESE = -1, BY_MEMBERS = -2 };

/* By the words of managedDeviceRemoteAction; the rest of them is nothing that a Windows desktop can do. */
static const struct {
    const char *word;
    int kind;
} actions[] = {
    {"wipe", BY_MEMBERS},
    {"retire", TD_ACTION_RETIRE},
    {"delete", TD_ACTION_DELETE},
    {"rebootNow", TD_ACTION_RESTART},
    {"setDeviceName", TD_ACTION_RENAME},
    {"syncDevice", TD_ACTION_SYNC},
    {"collectDiagnostics", TD_ACTION_DIAGNOSTICS},
    {"quickScan", TD_ACTION_QUICK_SCAN},
    {"fullScan", TD_ACTION_FULL_SCAN},
    {"signatureUpdate", TD_ACTION_UPDATE_SIGNATURES},
};

enum outcome { SUCCESSFUL, FAILED, NOT_FOUND, NOT_SUPPORTED, OUTCOMES };
static const char *const outcome_names[OUTCOMES] = {"successfulDeviceIds", "failedDeviceIds", "notFoundDeviceIds",
                                                    "notSupportedDeviceIds"};

struct bulk {
    int kind;
    const char *parameter;
    const char *ids[MAX_DEVICES];
    enum outcome came[MAX_DEVICES];
    size_t count;
};

/* ---- reading ---- */

static enum td_code read_action(const struct td_g_call *call, struct bulk *b, struct td_error *err)
{
    const char *word = NULL;
    enum td_action_kind wipe = TD_ACTION_WIPE;
    td_try(td_g_action_text(call, "actionName", &word, err));
    if (word == NULL || td_g_enum_number(&td_g_enum_remote_action, td_str(word)) < 0)
        return td_fail(err, TD_EINVAL, "actionName", "'%.40s' is no action for many devices", word != NULL ? word : "");
    b->kind = NOT_FOR_THESE;
    for (size_t i = 0; i < TD_COUNTOF(actions); i++)
        if (td_ieqs(td_str(word), actions[i].word))
            b->kind = actions[i].kind;
    if (b->kind != BY_MEMBERS)
        return TD_OK;
    td_try(td_g_wipe_kind(call, &wipe, err));
    b->kind = (int)wipe;
    return TD_OK;
}

static void add_id(struct bulk *b, const char *id)
{
    for (size_t i = 0; i < b->count; i++)
        if (td_ieqs(td_str(b->ids[i]), id))
            return;
    b->ids[b->count++] = id;
}

static enum td_code read_ids(const struct td_g_call *call, struct bulk *b, struct td_error *err)
{
    const struct td_json *list = td_json_iget(call->body, "deviceIds");
    if (list == NULL || list->type != TD_JSON_ARRAY || list->child == NULL || td_json_count(list) > MAX_DEVICES)
        return td_remedy(
            err, td_fail(err, TD_EINVAL, "deviceIds", "must be a list of 1 to %d ids of managed devices", MAX_DEVICES),
            "send more of them in a further call");
    for (const struct td_json *id = list->child; id != NULL; id = id->next) {
        if (id->type != TD_JSON_STRING || id->str[0] == '\0')
            return td_fail(err, TD_EINVAL, "deviceIds", "must be a list of texts");
        add_id(b, id->str);
    }
    return TD_OK;
}

/* One name for many devices must differ by device. */
static enum td_code read_name(const struct td_g_call *call, struct bulk *b, struct td_error *err)
{
    const char *name = NULL;
    b->parameter = "";
    if (b->kind != TD_ACTION_RENAME)
        return TD_OK;
    td_try(td_g_action_text(call, "deviceName", &name, err));
    if (name == NULL || name[0] == '\0')
        return td_fail(err, TD_EINVAL, "deviceName", "the member is missing");
    if (b->count > 1 && strchr(name, '%') == NULL)
        return td_remedy(err, td_fail(err, TD_EINVAL, "deviceName", "several devices would have one name"),
                         "use %%SERIAL%% or %%RAND:n%% in it");
    b->parameter = name;
    return TD_OK;
}

/* ---- asking ---- */

static enum td_code ask_one(struct td_g_call *call, struct td_tx *tx, const struct bulk *b, const char *id,
                            enum outcome *ret, struct td_error *err)
{
    struct td_action made = {.id = ""};
    struct td_error why = {0};
    struct td_view_row row = {.view = NULL};
    enum td_code rc = td_view_one(tx, call->tenant, call->set->view, id, call->arena, &row, &why);
    *ret = NOT_FOUND;
    if (rc == TD_ENOTFOUND)
        return TD_OK;
    if (rc == TD_OK && b->kind == NOT_FOR_THESE) {
        *ret = NOT_SUPPORTED;
        return TD_OK;
    }
    call->row = &row;
    if (rc == TD_OK)
        rc = td_g_ask_action(call, tx, (enum td_action_kind)b->kind, b->parameter, &made, &why);
    call->row = NULL;
    *ret = rc == TD_OK ? SUCCESSFUL : FAILED;
    if (rc == TD_OK || rc == TD_ESTATE)
        return TD_OK;
    if (err != NULL)
        *err = why;
    return rc;
}

/* All of them wait together. The rules are looked at device by device once somebody has agreed. */
static enum td_code ask_together(struct td_g_call *call, struct td_tx *tx, struct bulk *b, struct td_error *err)
{
    const char *found[MAX_DEVICES], *batch = "";
    size_t n = 0;
    struct td_view_row row = {.view = NULL};
    const struct td_action_asking what = {.kind = (enum td_action_kind)b->kind,
                                          .parameter = b->parameter,
                                          .reason = td_g_justification(call),
                                          .actor = call->actor};
    for (size_t i = 0; i < b->count; i++) {
        enum td_code rc = td_view_one(tx, call->tenant, call->set->view, b->ids[i], call->arena, &row, err);
        if (rc != TD_OK && rc != TD_ENOTFOUND)
            return rc;
        b->came[i] = rc == TD_OK ? SUCCESSFUL : NOT_FOUND;
        if (rc == TD_OK)
            found[n++] = td_view_text(&row, "id");
    }
    call->poke = true;
    return n == 0 ? TD_OK : td_action_batch_ask(tx, call->tenant, found, n, &what, call->arena, &batch, err);
}

static enum td_code ask_all(struct td_g_call *call, struct td_tx *tx, struct bulk *b, struct td_error *err)
{
    int64_t approval = 0;
    td_try(td_tenant_get_int(tx, call->tenant, "action-approval", &approval, err));
    if (approval != 0 && b->count > 1 && b->kind >= 0 && td_action_rows[b->kind].destroys)
        return ask_together(call, tx, b, err);
    for (size_t i = 0; i < b->count; i++)
        td_try(ask_one(call, tx, b, b->ids[i], &b->came[i], err));
    call->status = 0; /* of one that could not be asked */
    return TD_OK;
}

static void write_answer(struct td_g_call *call, const struct bulk *b)
{
    struct td_jsonw w;
    td_jsonw_init(&w, call->out);
    td_jsonw_obj(&w);
    if (call->metadata != TD_G_NONE)
        td_jsonw_kstr(&w, "@odata.context",
                      td_arena_printf(call->arena, "%s/%s/$metadata#microsoft.graph.%s", call->req->base, call->version,
                                      td_g_type_bulk_result.name));
    for (int o = 0; o < OUTCOMES; o++) {
        td_jsonw_key(&w, outcome_names[o]);
        td_jsonw_arr(&w);
        for (size_t i = 0; i < b->count; i++)
            if ((int)b->came[i] == o)
                td_jsonw_str(&w, b->ids[i]);
        td_jsonw_arr_end(&w);
    }
    td_jsonw_end(&w);
    call->answered = true;
}

/* The right of the route is that of the modest ones. */
static enum td_code may(const struct td_g_call *call, const struct bulk *b, struct td_error *err)
{
    bool destroys = b->kind >= 0 && td_action_rows[b->kind].destroys;
    if (!destroys || td_fault("graph-bulk-right"))
        return TD_OK;
    return td_access_check(call->who, TD_RIGHT_WIPE, TD_ACCESS_WRITE, err);
}

enum td_code td_g_execute_action(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct bulk *b = td_arena_new(call->arena, struct bulk);
    b->count = 0;
    td_try(read_action(call, b, err));
    td_try(may(call, b, err));
    td_try(read_ids(call, b, err));
    td_try(read_name(call, b, err));
    td_try(ask_all(call, tx, b, err));
    write_answer(call, b);
    return td_buf_check(call->out, "answer", err);
}
