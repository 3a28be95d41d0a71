#include "store/way.h"

#include "codec/json.h"
#include "store/deployment.h"
#include "store/event.h"

#include <stdio.h>

#define COLUMNS                                                                                                \
    "id, registration_id, device_id, enrolment_id, user_upn, registration_state, join_state, enrolment_state," \
    " deployment_state, action_state, contacted_at, deployment_started_at, ready_at, last_contact_at, none_at"

/* Statements by key: no column name is ever put together at run time. */
static const struct {
    const char *find, *free_id, *link;
} by_key[] = {
    [TD_WAY_ID] = {.find = "SELECT " COLUMNS " FROM way WHERE tenant = $1 AND id = $2"},
    [TD_WAY_REGISTRATION] = {.find = "SELECT " COLUMNS " FROM way WHERE tenant = $1 AND registration_id = $2",
                             .free_id = "UPDATE way SET registration_id = NULL"
                                        " WHERE tenant = $1 AND registration_id = $2 AND id <> $3",
                             .link = "UPDATE way SET registration_id = $2 WHERE tenant = $1 AND id = $3"},
    [TD_WAY_DEVICE] = {.find = "SELECT " COLUMNS " FROM way WHERE tenant = $1 AND device_id = $2",
                       .free_id = "UPDATE way SET device_id = NULL WHERE tenant = $1 AND device_id = $2 AND id <> $3",
                       .link = "UPDATE way SET device_id = $2 WHERE tenant = $1 AND id = $3"},
    [TD_WAY_ENROLMENT] = {.find = "SELECT " COLUMNS " FROM way WHERE tenant = $1 AND enrolment_id = $2",
                          .free_id = "UPDATE way SET enrolment_id = NULL"
                                     " WHERE tenant = $1 AND enrolment_id = $2 AND id <> $3",
                          .link = "UPDATE way SET enrolment_id = $2 WHERE tenant = $1 AND id = $3"},
};

static void read_row(struct td_rows *r, struct td_arena *a, struct td_way_row *ret)
{
    *ret = (struct td_way_row){.id = td_col_text0(r, 0, a),
                               .registration_id = td_col_text0(r, 1, a),
                               .device_id = td_col_text0(r, 2, a),
                               .enrolment_id = td_col_text0(r, 3, a),
                               .user_upn = td_col_text0(r, 4, a),
                               .contacted_at = td_col_int(r, 10),
                               .deployment_started_at = td_col_int(r, 11),
                               .ready_at = td_col_int(r, 12),
                               .last_contact_at = td_col_int(r, 13),
                               .none_at = td_col_int(r, 14)};
    for (int m = 0; m < TD_M_COUNT; m++)
        ret->way.state[m] = (unsigned char)td_col_int(r, 5 + m);
}

enum td_code td_way_find(struct td_tx *tx, const char *tenant, enum td_way_key key, const char *value,
                         struct td_arena *a, struct td_way_row *ret, struct td_error *err)
{
    struct td_rows r;
    bool found = false;
    if (value == NULL || value[0] == '\0')
        return td_fail(err, TD_ENOTFOUND, "device", "no id given");
    td_try(td_sql_query(tx, &r, err, by_key[key].find, "ss", tenant, value));
    while (td_rows_next(&r)) {
        read_row(&r, a, ret);
        found = true;
    }
    td_try(td_rows_done(&r, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "device", "no device is known by the id %.40s", value);
}

static enum td_code insert(struct td_tx *tx, const char *tenant, const char *id, const char *registration_id,
                           const char *device_id, const char *enrolment_id, struct td_error *err)
{
    return td_sql(tx, err,
                  "INSERT INTO way(tenant, id, registration_id, device_id, enrolment_id, user_upn, registration_state,"
                  " join_state, enrolment_state, deployment_state, action_state, contacted_at, deployment_started_at,"
                  " ready_at, last_contact_at, none_at, created_at)"
                  " VALUES ($1, $2, $3, $4, $5, '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, $6)",
                  "sssssi", tenant, id, registration_id, device_id, enrolment_id, td_tx_now(tx));
}

enum td_code td_way_begin(struct td_tx *tx, const char *tenant, const char *registration_id, const char *device_id,
                          struct td_arena *a, const char **ret_id, struct td_error *err)
{
    *ret_id = td_uuid_rising(td_tx_env(tx), a);
    return insert(tx, tenant, *ret_id, registration_id, device_id, NULL, err);
}

enum td_code td_way_add(struct td_tx *tx, const char *tenant, enum td_way_key key, const char *value,
                        struct td_arena *a, struct td_way_row *ret, struct td_error *err)
{
    const char *id = key == TD_WAY_ID ? value : td_uuid_rising(td_tx_env(tx), a);
    td_try(insert(tx, tenant, id, key == TD_WAY_REGISTRATION ? value : NULL, key == TD_WAY_DEVICE ? value : NULL,
                  key == TD_WAY_ENROLMENT ? value : NULL, err));
    return td_way_find(tx, tenant, TD_WAY_ID, id, a, ret, err);
}

enum td_code td_way_link(struct td_tx *tx, const char *tenant, const char *way_id, enum td_way_key key,
                         const char *value, struct td_error *err)
{
    if (key == TD_WAY_ID)
        return td_fail(err, TD_EINTERNAL, "way", "its own id cannot be linked");
    td_try(td_sql(tx, err, by_key[key].free_id, "sss", tenant, value, way_id));
    td_try(td_sql(tx, err, by_key[key].link, "sss", tenant, value[0] != '\0' ? value : NULL, way_id));
    return td_sql_changes(tx) != 0 ? TD_OK : td_fail(err, TD_ENOTFOUND, "way", "there is no way %.40s", way_id);
}

enum td_code td_way_set_user(struct td_tx *tx, const char *tenant, const char *way_id, const char *upn,
                             struct td_error *err)
{
    td_try(td_sql(tx, err, "UPDATE way SET user_upn = $3 WHERE tenant = $1 AND id = $2", "sss", tenant, way_id, upn));
    return td_deployment_user(tx, tenant, way_id, upn, err);
}

/* When phases began: a deployment begins with the lookup (or the first station that a device shows us without one). */
static void move_times(struct td_way_row *row, const struct td_way *before, enum td_way_event event, int64_t now)
{
    unsigned was = before->state[TD_M_DEPLOYMENT], is = row->way.state[TD_M_DEPLOYMENT];
    bool rested = was == TD_D_IDLE || was == TD_D_READY || was == TD_D_HANDED_OVER || was == TD_D_PROVISIONED;
    bool begins = event == TD_EV_RESET || (is != TD_D_IDLE && is != TD_D_FAILED && rested && is != was);
    if (begins) {
        row->deployment_started_at = now;
        row->ready_at = 0;
    }
    if (event == TD_EV_CONTACTED && was != is)
        row->contacted_at = now;
    if (is == TD_D_READY && was != TD_D_READY)
        row->ready_at = now;
    if (is == TD_D_IDLE && was != TD_D_IDLE)
        row->deployment_started_at = row->ready_at = 0;
    if (event == TD_EV_CONTACTED_NONE)
        row->none_at = now;
}

static enum td_code store_states(struct td_tx *tx, const char *tenant, const struct td_way_row *row,
                                 struct td_error *err)
{
    const unsigned char *s = row->way.state;
    return td_sql(tx, err,
                  "UPDATE way SET registration_state = $3, join_state = $4, enrolment_state = $5,"
                  " deployment_state = $6, action_state = $7, contacted_at = $8, deployment_started_at = $9,"
                  " ready_at = $10, none_at = $11 WHERE tenant = $1 AND id = $2",
                  "ssiiiiiiiii", tenant, row->id, (int64_t)s[TD_M_REGISTRATION], (int64_t)s[TD_M_JOIN],
                  (int64_t)s[TD_M_ENROLMENT], (int64_t)s[TD_M_DEPLOYMENT], (int64_t)s[TD_M_ACTION], row->contacted_at,
                  row->deployment_started_at, row->ready_at, row->none_at);
}

/* What is told even where no state moves: every try that failed, and every step of an action (a device may have several
 * in turn). */
static bool always_told(enum td_way_event event)
{
    switch (event) {
    case TD_EV_FAILED:
    case TD_EV_CONTACTED_NONE:
    case TD_EV_ACTION_QUEUED:
    case TD_EV_ACTION_SENT:
    case TD_EV_ACTION_DONE:
    case TD_EV_ACTION_FAILED:
    case TD_EV_ACTION_CANCELLED:
    case TD_EV_RESET:
    case TD_EV_WIPED:
    case TD_EV_REPURPOSED:
    case TD_EV_REPAIRED:
        return true;
    default:
        return false;
    }
}

static enum td_code happened(struct td_tx *tx, const char *tenant, const char *way_id, enum td_way_event event,
                             const char *actor, const char *detail_json, struct td_arena *a, struct td_error *err)
{
    struct td_way_row row;
    bool changed = false;
    td_try(td_way_find(tx, tenant, TD_WAY_ID, way_id, a, &row, err));
    const struct td_way before = row.way;
    td_try(td_way_step(&row.way, event, &changed, err));
    if (!changed && !always_told(event))
        return TD_OK;
    move_times(&row, &before, event, td_tx_now(tx));
    td_try(store_states(tx, tenant, &row, err));
    td_try(td_deployment_step(tx, tenant, &row, before.state[TD_M_DEPLOYMENT], event, detail_json, err));
    struct td_event e = {.subject = way_id, .type = td_way_event_word(event), .actor = actor, .detail = detail_json};
    return td_event_append(tx, tenant, &e, err);
}

enum td_code td_way_happened(struct td_tx *tx, const char *tenant, const char *way_id, enum td_way_event event,
                             const char *actor, const char *detail_json, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    return happened(tx, tenant, way_id, event, actor, detail_json, &a, err);
}

static void write_failure(const char *step, const struct td_error *why, struct td_buf *detail)
{
    char code[16];
    struct td_jsonw w;
    td_jsonw_init(&w, detail);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "step", step);
    (void)snprintf(code, sizeof(code), "0x%08x", (unsigned)why->hresult);
    td_jsonw_kstr(&w, "code", why->hresult != 0 ? code : td_code_word(why->code));
    td_jsonw_kstr(&w, "where", why->where);
    td_jsonw_kstr(&w, "cause", why->text);
    td_jsonw_kstr(&w, "remedy", why->remedy);
    td_jsonw_end(&w);
}

enum td_code td_way_failed(struct td_tx *tx, const char *tenant, const char *way_id, const char *step,
                           const struct td_error *why, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf detail;
    td_buf_init(&detail, 4096);
    write_failure(step, why, &detail);
    return td_way_happened(tx, tenant, way_id, TD_EV_FAILED, "system", detail.p, err);
}

enum td_code td_way_failed_aside(struct td_tx *tx, const char *tenant, const char *way_id, const char *step,
                                 const struct td_error *why, const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf detail;
    td_buf_init(&detail, 4096);
    write_failure(step, why, &detail);
    const struct td_event e = {
        .subject = way_id, .type = td_way_event_word(TD_EV_FAILED), .actor = actor, .detail = detail.p};
    return td_event_append(tx, tenant, &e, err);
}

enum td_code td_way_seen(struct td_tx *tx, const char *tenant, const char *way_id, struct td_error *err)
{
    return td_sql(tx, err, "UPDATE way SET last_contact_at = $3 WHERE tenant = $1 AND id = $2", "ssi", tenant, way_id,
                  td_tx_now(tx));
}
