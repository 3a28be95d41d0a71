#include "base/fault.h"
#include "store/action/room.h"
#include "store/action_batch.h"
#include "store/audit.h"
#include "store/tenant.h"

#include <inttypes.h>
#include <string.h>

/* States of a device in its batch. */
enum { TO_ASK, ASKED, REFUSED, LEFT_OUT };

static const char *const state_words[TD_BATCH_STATE_COUNT] = {
    "waiting for approval", "asking", "asked", "cancelling", "cancelled",
};

const char *td_batch_state_word(enum td_batch_state state)
{
    return (unsigned)state < TD_BATCH_STATE_COUNT ? state_words[state] : "unknown";
}

static const char *text(const char *s)
{
    return s != NULL ? s : "";
}

/* ---- rows ---- */

#define COLUMNS "id, kind, state, parameter, reason, actor, decided_by, asked_at, decided_at, ended_at, total"

static void read_row(struct td_rows *r, struct td_arena *a, struct td_action_batch *ret)
{
    *ret = (struct td_action_batch){.id = td_col_text0(r, 0, a),
                                    .kind = (enum td_action_kind)td_col_int(r, 1),
                                    .state = (enum td_batch_state)td_col_int(r, 2),
                                    .parameter = td_col_text0(r, 3, a),
                                    .reason = td_col_text0(r, 4, a),
                                    .actor = td_col_text0(r, 5, a),
                                    .decided_by = td_col_text0(r, 6, a),
                                    .asked_at = td_col_int(r, 7),
                                    .decided_at = td_col_int(r, 8),
                                    .ended_at = td_col_int(r, 9),
                                    .total = td_col_int(r, 10)};
}

static enum td_code find(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                         struct td_action_batch *ret, struct td_error *err)
{
    struct td_rows r;
    bool found = false;
    td_try(td_sql_query(tx, &r, err, "SELECT " COLUMNS " FROM action_batch WHERE tenant = $1 AND id = $2", "ss", tenant,
                        id));
    while (td_rows_next(&r)) {
        read_row(&r, a, ret);
        found = true;
    }
    td_try(td_rows_done(&r, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "batch", "there is no bulk action %.40s", id);
}

static enum td_code save(struct td_tx *tx, const char *tenant, const struct td_action_batch *b, struct td_error *err)
{
    return td_sql(tx, err,
                  "UPDATE action_batch SET state = $3, decided_by = $4, decided_at = $5, ended_at = $6"
                  " WHERE tenant = $1 AND id = $2",
                  "ssisii", tenant, b->id, (int64_t)b->state, b->decided_by, b->decided_at, b->ended_at);
}

static enum td_code count_devices(struct td_tx *tx, const char *tenant, struct td_action_batch *b, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT state, COUNT(*) FROM action_batch_device WHERE tenant = $1 AND batch_id = $2"
                        " GROUP BY state",
                        "ss", tenant, b->id));
    while (td_rows_next(&r)) {
        int64_t state = td_col_int(&r, 0), count = td_col_int(&r, 1);
        b->to_ask = state == TO_ASK ? count : b->to_ask;
        b->refused = state == REFUSED ? count : b->refused;
        b->left_out = state == LEFT_OUT ? count : b->left_out;
    }
    return td_rows_done(&r, err);
}

static enum td_code count_actions(struct td_tx *tx, const char *tenant, struct td_action_batch *b, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT state, COUNT(*) FROM device_action WHERE tenant = $1 AND batch_id = $2"
                        " AND batch_id <> '' GROUP BY state",
                        "ss", tenant, b->id));
    while (td_rows_next(&r)) {
        int64_t state = td_col_int(&r, 0);
        if (state >= 0 && state < TD_ACT_STATE_COUNT)
            b->count[state] = td_col_int(&r, 1);
    }
    return td_rows_done(&r, err);
}

enum td_code td_action_batch_find(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                                  struct td_action_batch *ret, struct td_error *err)
{
    td_try(find(tx, tenant, id, a, ret, err));
    td_try(count_devices(tx, tenant, ret, err));
    return count_actions(tx, tenant, ret, err);
}

enum td_code td_action_batch_list(struct td_tx *tx, const char *tenant, const char *before, size_t max,
                                  struct td_arena *a, struct td_action_batch **ret, size_t *ret_count,
                                  struct td_error *err)
{
    struct td_rows r;
    struct td_action_batch *rows = td_arena_array(a, struct td_action_batch, max);
    size_t n = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS " FROM action_batch WHERE tenant = $1 AND ($2 = '' OR id < $2)"
                        " ORDER BY id DESC LIMIT $3",
                        "ssi", tenant, text(before), (int64_t)max));
    while (n < max && td_rows_next(&r))
        read_row(&r, a, &rows[n++]);
    *ret = rows;
    *ret_count = n;
    return td_rows_done(&r, err);
}

enum td_code td_action_batch_refusals(struct td_tx *tx, const char *tenant, const char *id, size_t max,
                                      struct td_arena *a, struct td_batch_refusal **ret, size_t *ret_count,
                                      struct td_error *err)
{
    struct td_rows r;
    struct td_batch_refusal *rows = td_arena_array(a, struct td_batch_refusal, max);
    size_t n = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT d.enrolment_id, COALESCE(CASE WHEN e.serial <> '' THEN e.serial ELSE e.device_name END,"
                        " ''), d.cause FROM action_batch_device d LEFT JOIN enrolment e ON e.tenant = d.tenant"
                        " AND e.id = d.enrolment_id WHERE d.tenant = $1 AND d.batch_id = $2 AND d.state = 2"
                        " ORDER BY d.position LIMIT $3",
                        "ssi", tenant, id, (int64_t)max));
    while (n < max && td_rows_next(&r))
        rows[n++] = (struct td_batch_refusal){td_col_text0(&r, 0, a), td_col_text0(&r, 1, a), td_col_text0(&r, 2, a)};
    *ret = rows;
    *ret_count = n;
    return td_rows_done(&r, err);
}

/* ---- asking ---- */

static enum td_code tell(struct td_tx *tx, const char *tenant, const char *type, const struct td_action_batch *b,
                         const char *actor, struct td_arena *a, struct td_error *err)
{
    const struct td_change changes[] = {
        {"action", NULL, td_action_rows[b->kind].word},
        {"devices", NULL, td_arena_printf(a, "%" PRId64, b->total)},
        {"reason", NULL, b->reason[0] != '\0' ? b->reason : NULL},
    };
    const struct td_audit what = {.type = type,
                                  .actor = actor,
                                  .subject = "",
                                  .kind = "action",
                                  .id = b->id,
                                  .name = td_action_rows[b->kind].word,
                                  .changes = changes,
                                  .count = TD_COUNTOF(changes)};
    return td_audit_tell(tx, tenant, &what, err);
}

/* The whole of it, or nothing: devices that were reached in this hour already count once more here, which errs on the
 * safe side. */
static enum td_code within_limit(struct td_tx *tx, const char *tenant, size_t count, struct td_error *err)
{
    int64_t reached = 0, limit = 0;
    td_try(td_action_reached(tx, tenant, "", &reached, &limit, err));
    if (limit == 0 || reached + (int64_t)count <= limit || td_fault("action-limit-ignored"))
        return TD_OK;
    return td_remedy(err,
                     td_fail(err, TD_ELIMIT, "action",
                             "%" PRId64 " devices more than the safety limit of %" PRId64
                             " in an hour for actions that remove data: nothing was asked",
                             reached + (int64_t)count - limit, limit),
                     "Choose fewer devices, or raise the limit if that is what you want: touchdown tenant set"
                     " action-limit=N.");
}

static enum td_code may(const struct td_action_asking *what, struct td_error *err)
{
    const struct td_action_facts any = {
        .managed = true, .joined = true, .busy_with = "", .os_version = "", .serial = ""};
    td_try(td_action_texts_ok(what, err));
    return td_action_may(what->kind, &any, text(what->parameter), err);
}

static enum td_code insert(struct td_tx *tx, const char *tenant, const struct td_action_batch *b, struct td_error *err)
{
    return td_sql(tx, err,
                  "INSERT INTO action_batch(tenant, destroys, " COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,"
                  " $10, $11, $12, $13)",
                  "sisiissssiiii", tenant, (int64_t)td_action_rows[b->kind].destroys, b->id, (int64_t)b->kind,
                  (int64_t)b->state, b->parameter, b->reason, b->actor, b->decided_by, b->asked_at, b->decided_at,
                  b->ended_at, b->total);
}

static enum td_code insert_devices(struct td_tx *tx, const char *tenant, const char *batch, const char *const *ids,
                                   size_t count, struct td_error *err)
{
    for (size_t i = 0; i < count; i++)
        td_try(td_sql(tx, err,
                      "INSERT INTO action_batch_device(tenant, batch_id, position, enrolment_id, state, cause)"
                      " VALUES ($1, $2, $3, $4, 0, '')",
                      "ssis", tenant, batch, (int64_t)i, ids[i]));
    return TD_OK;
}

enum td_code td_action_batch_ask(struct td_tx *tx, const char *tenant, const char *const *enrolments, size_t count,
                                 const struct td_action_asking *what, struct td_arena *a, const char **ret_id,
                                 struct td_error *err)
{
    int64_t approval = 0;
    if (count == 0)
        return td_fail(err, TD_EINVAL, "devices", "there is no device to ask");
    if (count > TD_BATCH_MAX)
        return td_fail(err, TD_ELIMIT, "devices", "%zu devices are more than %d at once", count, TD_BATCH_MAX);
    td_try(may(what, err));
    bool destroys = td_action_rows[what->kind].destroys;
    if (destroys) {
        td_try(within_limit(tx, tenant, count, err));
        td_try(td_tenant_get_int(tx, tenant, "action-approval", &approval, err));
    }
    struct td_action_batch b = {.id = td_uuid_rising(td_tx_env(tx), a),
                                .kind = what->kind,
                                .state = approval != 0 ? TD_BATCH_WAITING : TD_BATCH_ASKING,
                                .parameter = text(what->parameter),
                                .reason = text(what->reason),
                                .actor = what->actor,
                                .decided_by = "",
                                .asked_at = td_tx_now(tx),
                                .total = (int64_t)count};
    td_try(insert(tx, tenant, &b, err));
    td_try(insert_devices(tx, tenant, b.id, enrolments, count, err));
    td_try(tell(tx, tenant, "action.asked", &b, what->actor, a, err));
    *ret_id = b.id;
    return TD_OK;
}

/* ---- deciding ---- */

enum td_code td_action_batch_decide(struct td_tx *tx, const char *tenant, const char *id, bool approve,
                                    const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_action_batch b = {.id = "", .parameter = "", .reason = "", .actor = "", .decided_by = ""};
    td_try(find(tx, tenant, id, &a, &b, err));
    if (b.state != TD_BATCH_WAITING)
        return td_fail(err, TD_ESTATE, "batch", "it waits for nobody's approval: it is %s",
                       td_batch_state_word(b.state));
    if (td_action_same_person(b.actor, actor) && !td_fault("action-approves-own"))
        return td_remedy(err, td_fail(err, TD_EDENIED, "batch", "%.80s has asked for it and can't decide it", actor),
                         "Another administrator must; who has asked can cancel it.");
    b.decided_by = actor;
    b.decided_at = td_tx_now(tx);
    b.state = approve ? TD_BATCH_ASKING : TD_BATCH_CANCELLING;
    td_try(save(tx, tenant, &b, err));
    return tell(tx, tenant, approve ? "action.approved" : "action.rejected", &b, actor, &a, err);
}

enum td_code td_action_batch_cancel(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                                    struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_action_batch b = {.id = "", .parameter = "", .reason = "", .actor = "", .decided_by = ""};
    td_try(find(tx, tenant, id, &a, &b, err));
    if (b.state >= TD_BATCH_CANCELLING)
        return TD_OK;
    b.state = TD_BATCH_CANCELLING;
    td_try(save(tx, tenant, &b, err));
    return tell(tx, tenant, "action.cancelled", &b, actor, &a, err);
}

/* ---- the work ---- */

struct due {
    const char *tenant;
    struct td_action_batch b;
};

static enum td_code next_due(struct td_tx *tx, struct td_arena *a, struct due *ret, bool *ret_found,
                             struct td_error *err)
{
    struct td_rows r;
    *ret_found = false;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS ", tenant FROM action_batch WHERE state = 1 OR state = 3 ORDER BY id LIMIT 1",
                        ""));
    while (td_rows_next(&r)) {
        read_row(&r, a, &ret->b);
        ret->tenant = td_col_text0(&r, 11, a);
        *ret_found = true;
    }
    return td_rows_done(&r, err);
}

enum td_code td_action_batch_is_due(struct td_tx *tx, bool *ret, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct due d = {.tenant = ""};
    return next_due(tx, &a, &d, ret, err);
}

struct member {
    int64_t position;
    const char *enrolment_id;
};

static enum td_code members(struct td_tx *tx, const struct due *d, size_t max, struct td_arena *a, struct member *list,
                            size_t *ret, struct td_error *err)
{
    struct td_rows r;
    size_t n = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT position, enrolment_id FROM action_batch_device WHERE tenant = $1 AND batch_id = $2"
                        " AND state = 0 ORDER BY position LIMIT $3",
                        "ssi", d->tenant, d->b.id, (int64_t)max));
    while (n < max && td_rows_next(&r))
        list[n++] = (struct member){td_col_int(&r, 0), td_col_text0(&r, 1, a)};
    *ret = n;
    return td_rows_done(&r, err);
}

/* A refusal by the rules is this device's; anything else ends the slice. */
static enum td_code ask_one(struct td_tx *tx, const struct due *d, const struct member *m, struct td_arena *a,
                            struct td_error *err)
{
    struct td_action x;
    struct td_error why = {0};
    const struct td_action_asking what = {.kind = d->b.kind,
                                          .parameter = d->b.parameter,
                                          .reason = d->b.reason,
                                          .batch_id = d->b.id,
                                          .actor = d->b.actor};
    enum td_code rc = td_action_ask(tx, d->tenant, m->enrolment_id, &what, a, &x, &why);
    bool refused = rc == TD_ENOTFOUND || rc == TD_ESTATE || rc == TD_EINVAL;
    if (rc != TD_OK && !refused) {
        if (err != NULL)
            *err = why;
        return rc;
    }
    const char *cause = "";
    if (refused)
        cause = td_arena_printf(a, "%s%s%s", why.text, why.remedy[0] != '\0' ? ". " : "", why.remedy);
    return td_sql(tx, err,
                  "UPDATE action_batch_device SET state = $4, cause = $5 WHERE tenant = $1 AND batch_id = $2"
                  " AND position = $3",
                  "ssiis", d->tenant, d->b.id, m->position, (int64_t)(refused ? REFUSED : ASKED), cause);
}

static enum td_code ask_slice(struct td_tx *tx, struct due *d, size_t max, struct td_arena *a, struct td_error *err)
{
    struct member *list = td_arena_array(a, struct member, max);
    size_t count = 0;
    td_try(members(tx, d, max, a, list, &count, err));
    for (size_t i = 0; i < count; i++)
        td_try(ask_one(tx, d, &list[i], a, err));
    if (count == max)
        return TD_OK;
    d->b.state = TD_BATCH_ASKED;
    d->b.ended_at = td_tx_now(tx);
    return save(tx, d->tenant, &d->b, err);
}

static enum td_code cancel_slice(struct td_tx *tx, struct due *d, size_t max, struct td_arena *a, struct td_error *err)
{
    struct td_action *rows = NULL;
    size_t count = 0;
    td_try(td_sql(tx, err, "UPDATE action_batch_device SET state = 3 WHERE tenant = $1 AND batch_id = $2 AND state = 0",
                  "ss", d->tenant, d->b.id));
    td_try(td_action_rows_of(tx, d->tenant,
                             "SELECT " TD_ACTION_COLUMNS " FROM device_action WHERE tenant = $1 AND batch_id = $2"
                             " AND batch_id <> '' AND state <= 1 ORDER BY id LIMIT 200",
                             d->b.id, a, &rows, &count, err));
    size_t now = TD_MIN(count, max);
    for (size_t i = 0; i < now; i++)
        td_try(td_action_drop(tx, d->tenant, &rows[i], "its bulk action was cancelled", "system", err));
    if (now < count || count == max)
        return TD_OK;
    d->b.state = TD_BATCH_CANCELLED;
    d->b.ended_at = td_tx_now(tx);
    return save(tx, d->tenant, &d->b, err);
}

enum td_code td_action_batch_work(struct td_tx *tx, size_t max, bool *ret_more, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct due d = {.tenant = ""};
    td_try(next_due(tx, &a, &d, ret_more, err));
    if (!*ret_more)
        return TD_OK;
    if (d.b.state == TD_BATCH_ASKING)
        return ask_slice(tx, &d, max, &a, err);
    return cancel_slice(tx, &d, max, &a, err);
}
