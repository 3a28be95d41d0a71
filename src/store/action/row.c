/* Rows of actions, the device behind one, and how steps are told. */
#include "codec/json.h"
#include "store/action/room.h"
#include "store/audit.h"
#include "store/way.h"

#include <stdio.h>
#include <string.h>

static const char *const state_words[TD_ACT_STATE_COUNT] = {
    [TD_ACT_WAITING] = "waiting for approval",
    [TD_ACT_PENDING] = "pending",
    [TD_ACT_ACTIVE] = "active",
    [TD_ACT_DONE] = "done",
    [TD_ACT_FAILED] = "failed",
    [TD_ACT_CANCELLED] = "cancelled",
    [TD_ACT_NOT_SUPPORTED] = "not supported",
};

const char *td_action_state_word(enum td_action_state state)
{
    return (unsigned)state < TD_ACT_STATE_COUNT ? state_words[state] : "unknown";
}

void td_action_read(struct td_rows *r, struct td_arena *a, struct td_action *ret)
{
    *ret = (struct td_action){.id = td_col_text0(r, 0, a),
                              .enrolment_id = td_col_text0(r, 1, a),
                              .way_id = td_col_text0(r, 2, a),
                              .batch_id = td_col_text0(r, 3, a),
                              .kind = (enum td_action_kind)td_col_int(r, 4),
                              .state = (enum td_action_state)td_col_int(r, 5),
                              .parameter = td_col_text0(r, 6, a),
                              .reason = td_col_text0(r, 7, a),
                              .actor = td_col_text0(r, 8, a),
                              .decided_by = td_col_text0(r, 9, a),
                              .asked_at = td_col_int(r, 10),
                              .decided_at = td_col_int(r, 11),
                              .sent_at = td_col_int(r, 12),
                              .accepted_at = td_col_int(r, 13),
                              .ended_at = td_col_int(r, 14),
                              .changed_at = td_col_int(r, 15),
                              .reported = td_col_int(r, 16),
                              .hresult = (uint32_t)td_col_int(r, 17),
                              .cause = td_col_text0(r, 18, a),
                              .remedy = td_col_text0(r, 19, a)};
}

enum td_code td_action_rows_of(struct td_tx *tx, const char *tenant, const char *sql, const char *key,
                               struct td_arena *a, struct td_action **ret, size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    size_t n = 0, room = 0;
    struct td_action *rows = NULL;
    td_try(td_sql_query(tx, &r, err, sql, "ss", tenant, key));
    while (td_rows_next(&r)) {
        rows = td_arena_room(a, rows, n, &room, sizeof(*rows));
        td_action_read(&r, a, &rows[n++]);
    }
    *ret = rows;
    *ret_count = n;
    return td_rows_done(&r, err);
}

enum td_code td_action_insert(struct td_tx *tx, const char *tenant, const struct td_action *x, struct td_error *err)
{
    const struct td_action_row *row = &td_action_rows[x->kind];
    bool counts = row->destroys && row->end != TD_END_NEVER; /* what was only seen reaches no safety limit */
    return td_sql(tx, err,
                  "INSERT INTO device_action(tenant, destroys, ends, " TD_ACTION_COLUMNS ") VALUES ($1, $2, $3, $4, $5,"
                  " $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)",
                  "siissssiissssiiiiiiiiss", tenant, (int64_t)counts, (int64_t)row->end, x->id, x->enrolment_id,
                  x->way_id, x->batch_id, (int64_t)x->kind, (int64_t)x->state, x->parameter, x->reason, x->actor,
                  x->decided_by, x->asked_at, x->decided_at, x->sent_at, x->accepted_at, x->ended_at, x->changed_at,
                  x->reported, (int64_t)x->hresult, x->cause, x->remedy);
}

enum td_code td_action_save(struct td_tx *tx, const char *tenant, struct td_action *x, struct td_error *err)
{
    x->changed_at = td_tx_now(tx);
    return td_sql(tx, err,
                  "UPDATE device_action SET state = $3, decided_by = $4, decided_at = $5, sent_at = $6,"
                  " accepted_at = $7, ended_at = $8, changed_at = $9, reported = $10, hresult = $11, cause = $12,"
                  " remedy = $13 WHERE tenant = $1 AND id = $2",
                  "ssisiiiiiiiss", tenant, x->id, (int64_t)x->state, x->decided_by, x->decided_at, x->sent_at,
                  x->accepted_at, x->ended_at, x->changed_at, x->reported, (int64_t)x->hresult, x->cause, x->remedy);
}

enum td_code td_action_list(struct td_tx *tx, const char *tenant, const struct td_action_filter *filter, size_t max,
                            struct td_arena *a, struct td_action **ret, size_t *ret_count, struct td_error *err)
{
#define LIST_BY(condition)                                                                            \
    "SELECT " TD_ACTION_COLUMNS " FROM device_action WHERE tenant = $1 AND " condition                \
    " AND ($2 = '' OR enrolment_id = $2) AND ($3 = '' OR way_id = $3) AND ($4 = '' OR batch_id = $4)" \
    " AND ($5 < 0 OR state = $5) AND ($6 = '' OR id < $6) ORDER BY id DESC LIMIT $7"
    static const char all[] = LIST_BY("1 = 1"), of_way[] = LIST_BY("way_id = $3"),
                      of_enrolment[] = LIST_BY("enrolment_id = $2"),
                      of_batch[] = LIST_BY("batch_id = $4 AND batch_id <> ''"),
                      of_open[] = LIST_BY("ended_at = 0"); /* few, however long the history is */
#undef LIST_BY
    const char *enrolment = filter->enrolment_id != NULL ? filter->enrolment_id : "";
    const char *way = filter->way_id != NULL ? filter->way_id : "";
    const char *batch = filter->batch_id != NULL ? filter->batch_id : "";
    const char *before = filter->before != NULL ? filter->before : "";
    struct td_rows r;
    struct td_action *rows = td_arena_array(a, struct td_action, max);
    size_t n = 0;
    bool open = filter->state >= TD_ACT_WAITING && filter->state <= TD_ACT_ACTIVE;
    const char *sql = batch[0] != '\0'       ? of_batch
                      : enrolment[0] != '\0' ? of_enrolment
                      : way[0] != '\0'       ? of_way
                      : open                 ? of_open
                                             : all;
    td_try(td_sql_query(tx, &r, err, sql, "ssssisi", tenant, enrolment, way, batch, (int64_t)filter->state, before,
                        (int64_t)max));
    while (n < max && td_rows_next(&r))
        td_action_read(&r, a, &rows[n++]);
    *ret = rows;
    *ret_count = n;
    return td_rows_done(&r, err);
}

enum td_code td_action_device(struct td_tx *tx, const char *tenant, const char *enrolment_id, struct td_arena *a,
                              struct td_action_device *ret, struct td_error *err)
{
    struct td_rows r;
    bool found = false;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT id, way_id, device_id, serial, CASE WHEN serial <> '' THEN serial"
                        " WHEN device_name <> '' THEN device_name ELSE managed_name END, os_version, state"
                        " FROM enrolment WHERE tenant = $1 AND id = $2",
                        "ss", tenant, enrolment_id));
    while (td_rows_next(&r)) {
        *ret = (struct td_action_device){.enrolment_id = td_col_text0(&r, 0, a),
                                         .way_id = td_col_text0(&r, 1, a),
                                         .device_id = td_col_text0(&r, 2, a),
                                         .serial = td_col_text0(&r, 3, a),
                                         .name = td_col_text0(&r, 4, a),
                                         .os_version = td_col_text0(&r, 5, a),
                                         .active = td_col_int(&r, 6) == 0};
        found = true;
    }
    td_try(td_rows_done(&r, err));
    return found ? TD_OK
                 : td_fail(err, TD_ENOTFOUND, "managedDevice", "no managed device has the id %.40s", enrolment_id);
}

/* ---- telling ---- */

static void member(struct td_jsonw *w, const char *name, const char *value)
{
    if (value[0] != '\0')
        td_jsonw_kstr(w, name, value);
}

static enum td_code write_detail(const struct td_action *x, struct td_buf *out, struct td_error *err)
{
    char code[16];
    struct td_jsonw w;
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "action", td_action_rows[x->kind].word);
    td_jsonw_kstr(&w, "id", x->id);
    td_jsonw_kstr(&w, "state", td_action_state_word(x->state));
    td_jsonw_kstr(&w, "by", x->actor);
    member(&w, "approvedBy", x->state != TD_ACT_CANCELLED ? x->decided_by : "");
    member(&w, "reason", x->reason);
    member(&w, "name", x->kind == TD_ACTION_RENAME ? x->parameter : "");
    member(&w, "batch", x->batch_id);
    (void)snprintf(code, sizeof(code), "0x%08x", (unsigned)x->hresult);
    member(&w, "code", x->hresult != 0 ? code : "");
    member(&w, "cause", x->cause);
    member(&w, "remedy", x->remedy);
    td_jsonw_end(&w);
    return td_buf_check(out, "event", err);
}

enum td_code td_action_tell(struct td_tx *tx, const char *tenant, const struct td_action *x, enum td_way_event event,
                            const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf detail;
    td_buf_init(&detail, 8192);
    td_try(write_detail(x, &detail, err));
    enum td_code rc = td_way_happened(tx, tenant, x->way_id, event, actor, detail.p, err);
    if (rc != TD_ESTATE && rc != TD_ENOTFOUND)
        return rc;
    struct td_event e = {.subject = x->way_id, .type = td_way_event_word(event), .actor = actor, .detail = detail.p};
    return td_event_append(tx, tenant, &e, err);
}

enum td_code td_action_audit(struct td_tx *tx, const char *tenant, const char *type, const struct td_action *x,
                             const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_action_device d = {"", "", "", "", "", "", false};
    enum td_code rc = td_action_device(tx, tenant, x->enrolment_id, &a, &d, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    bool removed = strcmp(type, "managed-device.removed") == 0;
    const struct td_change gone[] = {{"managementState", "managed", NULL}};
    const struct td_change changes[] = {{"action", NULL, td_action_rows[x->kind].word}, {"by", NULL, x->actor}};
    struct td_audit what = {.type = type,
                            .actor = actor,
                            .subject = x->way_id,
                            .kind = "managed-device",
                            .id = x->enrolment_id,
                            .name = d.name,
                            .changes = removed ? gone : changes,
                            .count = removed ? TD_COUNTOF(gone) : TD_COUNTOF(changes)};
    /* these have no step of the way before them: they are events of their own */
    if (removed || strcmp(type, "action.approved") == 0)
        return td_audit_tell(tx, tenant, &what, err);
    return td_audit_last(tx, tenant, &what, err);
}
