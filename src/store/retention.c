#include "store/retention.h"

#include "base/fault.h"
#include "store/audit.h"

#include <string.h>

/* Rows x of tenants that keep them for so many days only; $1 is the moment, $2 how many rows go at once. */
#define OLDER(key, rows, column)                                                                                \
    "tenant_setting s JOIN " rows " WHERE s.key = '" key "' AND s.value <> '0' AND " column " <> 0 AND " column \
    " < $1 - "                                                                                                  \
    "CAST(s.value AS INTEGER) * 86400000000"
#define OF(table) table " x ON x.tenant = s.tenant"
#define AT_MOST " LIMIT $2)"
#define BY_ID(table, key, column, more)                                                                      \
    "DELETE FROM " table " WHERE (tenant, id) IN (SELECT x.tenant, x.id FROM " OLDER(key, OF(table), column) \
        more AT_MOST

/* Rows x of one tenant in the order of their age, from where the run is: what it is called, when it ended, and until
 * when it is kept all the same. */
#define IN_TURN(table, key, column, until)                                                         \
    "SELECT x." key ", x." column ", " until " FROM " table " x WHERE x.tenant = $1 AND x." column \
    " <> 0 AND x." column " >= $2 AND x." column " < $3 ORDER BY x." column " LIMIT $4"
#define FOR_EVER "9223372036854775807"
#define OF_ENROLMENT(table) "DELETE FROM " table " WHERE tenant = $1 AND enrolment_id = $2"
#define OF_MACHINE(table) "DELETE FROM " table " WHERE tenant = $1 AND way_id = $2"

/* Of a bulk action no single one is left. */
#define ASKED_OF_NOBODY                                                                              \
    " AND NOT EXISTS (SELECT 1 FROM device_action d WHERE d.tenant = x.tenant AND d.batch_id = x.id" \
    " AND d.batch_id <> '')"

enum { MAX_TAKES = 8 };

/* One statement where an index gives nothing but what may go. Else rows are looked at in turn, so that those that stay
 * cost no more than their part of a slice; what hangs on a row goes before it, in the same write. */
struct stage {
    const char *at_once;
    const char *key, *in_turn, *takes[MAX_TAKES];
    size_t rows;
};

static const struct stage stages[] = {
    /* events of the audit alone go with it; those of a device's timeline follow event-retention */
    {.key = "audit-retention",
     .in_turn = IN_TURN("audit", "id", "at", "0"),
     .takes = {"DELETE FROM event WHERE pos = (SELECT pos FROM audit WHERE tenant = $1 AND id = $2) AND subject = ''",
               "DELETE FROM audit WHERE tenant = $1 AND id = $2"},
     .rows = TD_RETENTION_ROWS},
    {.at_once = BY_ID("device_action", "history-retention", "x.ended_at", "")},
    {.at_once = "DELETE FROM action_batch_device WHERE (tenant, batch_id, position) IN (SELECT c.tenant, c.batch_id,"
                " c.position FROM " OLDER(
                    "history-retention",
                    OF("action_batch") " JOIN action_batch_device c ON c.tenant = x.tenant AND c.batch_id = x.id",
                    "x.ended_at") ASKED_OF_NOBODY AT_MOST},
    {.at_once = BY_ID("action_batch", "history-retention", "x.ended_at",
                      ASKED_OF_NOBODY " AND NOT EXISTS (SELECT 1 FROM action_batch_device c WHERE c.tenant = x.tenant"
                                      " AND c.batch_id = x.id)")},
    /* the last deployment of a device is state */
    {.key = "history-retention",
     .in_turn = IN_TURN("deployment", "id", "ended_at",
                        "CASE WHEN x.id = (SELECT n.id FROM deployment n WHERE n.tenant = x.tenant AND n.way_id ="
                        " x.way_id ORDER BY n.started_at DESC LIMIT 1) THEN " FOR_EVER " ELSE 0 END"),
     .takes = {"DELETE FROM deployment WHERE tenant = $1 AND id = $2"},
     .rows = TD_RETENTION_ROWS},
    /* ended, and its certificate has run out as well: until then the door must know it */
    {.key = "history-retention",
     .in_turn =
         IN_TURN("enrolment", "id", "ended_at", "CASE WHEN x.state = 0 THEN " FOR_EVER " ELSE x.cert_not_after END"),
     .takes = {OF_ENROLMENT("management"), OF_ENROLMENT("management_ledger"), OF_ENROLMENT("management_chunk"),
               OF_ENROLMENT("management_report"), OF_ENROLMENT("management_item"), OF_ENROLMENT("status_page_given"),
               "DELETE FROM enrolment WHERE tenant = $1 AND id = $2"},
     .rows = TD_RETENTION_WHOLES},
    {.at_once = "DELETE FROM certificate WHERE sha256 IN (SELECT x.sha256 FROM " OLDER(
         "history-retention", OF("certificate"), "x.not_after") AT_MOST},
    {.at_once = BY_ID("directory_device", "history-retention", "x.deleted_at", "")},
    /* which account a device has is state, as long as anything is known of the device */
    {.key = "history-retention",
     .in_turn = IN_TURN("domain_join", "id", "changed_at",
                        "CASE WHEN x.state < 4 OR (x.account_guid <> '' AND EXISTS (SELECT 1 FROM way w WHERE"
                        " w.tenant = x.tenant AND w.id = x.way_id)) THEN " FOR_EVER " ELSE 0 END"),
     .takes = {"DELETE FROM domain_join WHERE tenant = $1 AND id = $2"},
     .rows = TD_RETENTION_ROWS},
    {.at_once = BY_ID("domain_removal", "history-retention", "x.done_at", "")},
    {.at_once = NULL}, /* the events */
    /* a machine that is gone, and of which no event is left */
    {.key = "event-retention",
     .in_turn = IN_TURN("life_machine", "way_id", "ended_at",
                        "CASE WHEN EXISTS (SELECT 1 FROM event e WHERE e.tenant = x.tenant AND e.subject = x.way_id)"
                        " THEN " FOR_EVER " ELSE 0 END"),
     .takes = {OF_MACHINE("hardware_past"), OF_MACHINE("life_fact"), OF_MACHINE("life_machine")},
     .rows = TD_RETENTION_WHOLES},
};

struct run {
    int64_t stage, pos, begun_at, ended_at; /* pos: in the stage, or in its tenant; -1: done with that one */
    const char *settings, *tenant;
};

static enum td_code load(struct td_tx *tx, struct td_arena *a, struct run *ret, struct td_error *err)
{
    struct td_rows r;
    *ret = (struct run){.settings = "", .tenant = ""};
    td_try(td_sql_query(
        tx, &r, err, "SELECT stage, pos, begun_at, ended_at, settings, tenant FROM retention_run WHERE one = 1", ""));
    while (td_rows_next(&r))
        *ret = (struct run){td_col_int(&r, 0), td_col_int(&r, 1),      td_col_int(&r, 2),
                            td_col_int(&r, 3), td_col_text0(&r, 4, a), td_col_text0(&r, 5, a)};
    return td_rows_done(&r, err);
}

static enum td_code save(struct td_tx *tx, const struct run *run, struct td_error *err)
{
    return td_sql(tx, err,
                  "UPDATE retention_run SET stage = $1, pos = $2, begun_at = $3, ended_at = $4, settings = $5,"
                  " tenant = $6 WHERE one = 1",
                  "iiiiss", run->stage, run->pos, run->begun_at, run->ended_at, run->settings, run->tenant);
}

/* What the tenants want kept, as one text: "" where all of them keep everything. */
static enum td_code wanted(struct td_tx *tx, struct td_arena *a, const char **ret, struct td_error *err)
{
    struct td_rows r;
    *ret = "";
    td_try(td_sql_query(tx, &r, err,
                        "SELECT tenant, key, value FROM tenant_setting WHERE value <> '0' AND key IN"
                        " ('event-retention', 'audit-retention', 'history-retention') ORDER BY tenant, key",
                        ""));
    while (td_rows_next(&r))
        *ret = td_arena_printf(a, "%s%s %s %s\n", *ret, td_col_text0(&r, 0, a), td_col_text0(&r, 1, a),
                               td_col_text0(&r, 2, a));
    return td_rows_done(&r, err);
}

static bool under_way(const struct run *run)
{
    return run->begun_at > run->ended_at;
}

enum td_code td_retention_is_due(struct td_tx *tx, bool *ret, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct run run;
    const char *want = "";
    td_try(load(tx, &a, &run, err));
    td_try(wanted(tx, &a, &want, err));
    bool changed = strcmp(want, run.settings) != 0, old = td_tx_now(tx) - run.ended_at >= TD_DAY;
    *ret = want[0] != '\0' && (under_way(&run) || changed || old);
    return TD_OK;
}

/* --- events --- */

struct due {
    const char *tenant;
    int64_t pos, at;
};

struct looked {
    struct due list[TD_RETENTION_ROWS];
    size_t count, seen;
    int64_t pos;
    bool end;
};

/* In the order in which they happened, up to the first that nobody could want removed yet. */
static enum td_code look(struct td_tx *tx, int64_t from, struct td_arena *a, struct looked *ret, struct td_error *err)
{
    struct td_rows r;
    int64_t now = td_tx_now(tx);
    ret->pos = from;
    ret->end = true;
    td_try(
        td_sql_query(tx, &r, err,
                     "SELECT e.pos, e.at, e.tenant, CAST(s.value AS INTEGER) FROM event e LEFT JOIN tenant_setting s"
                     " ON s.tenant = e.tenant AND s.key = 'event-retention' WHERE e.pos > $1 ORDER BY e.pos LIMIT $2",
                     "ii", from, (int64_t)TD_RETENTION_LOOKS));
    while (td_rows_next(&r)) {
        int64_t at = td_col_int(&r, 1), days = td_col_int(&r, 3);
        ret->end = at > now - TD_DAY;
        if (ret->end || ret->count == TD_RETENTION_ROWS) {
            ret->end = ret->end && ret->count < TD_RETENTION_ROWS;
            break;
        }
        ret->pos = td_col_int(&r, 0);
        ret->seen++;
        if (days > 0 && at < now - days * TD_DAY)
            ret->list[ret->count++] = (struct due){td_col_text0(&r, 2, a), ret->pos, at};
    }
    if (ret->seen == TD_RETENTION_LOOKS)
        ret->end = false;
    return td_rows_done(&r, err);
}

/* Up to when something is missing, for whoever reads a life. */
static enum td_code tell_cut(struct td_tx *tx, const struct due *d, struct td_error *err)
{
    return td_sql(tx, err,
                  "INSERT INTO life_cut(tenant, kind, before_at, rows) VALUES ($1, 'event', $2, 1)"
                  " ON CONFLICT (tenant, kind) DO UPDATE SET rows = life_cut.rows + 1, before_at = CASE WHEN"
                  " excluded.before_at > life_cut.before_at THEN excluded.before_at ELSE life_cut.before_at END",
                  "si", d->tenant, d->at + 1);
}

static enum td_code take_events(struct td_tx *tx, struct run *run, bool *ret_end, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct looked *l = td_arena_new(&a, struct looked);
    td_try(look(tx, run->pos, &a, l, err));
    for (size_t i = 0; i < l->count; i++) {
        bool kept = false;
        td_try(td_audit_holds(tx, l->list[i].tenant, l->list[i].at, l->list[i].pos, &kept, err));
        if (kept && !td_fault("retention-takes-audit"))
            continue;
        td_try(td_sql(tx, err, "DELETE FROM event WHERE pos = $1", "i", l->list[i].pos));
        td_try(tell_cut(tx, &l->list[i], err));
    }
    run->pos = l->pos;
    *ret_end = l->end;
    return TD_OK;
}

/* --- rows in turn --- */

struct turn {
    const char *ids[TD_RETENTION_ROWS];
    size_t count, seen;
    int64_t last; /* when the last one that was seen had ended */
};

/* The tenant that the run is at, or the next one that wants something removed. False: there is none any more. */
static enum td_code next_tenant(struct td_tx *tx, const struct stage *stage, struct run *run, struct td_arena *a,
                                int64_t *ret_days, bool *ret, struct td_error *err)
{
    struct td_rows r;
    *ret = false;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT tenant, CAST(value AS INTEGER) FROM tenant_setting WHERE key = $1 AND value <> '0'"
                        " AND (tenant > $2 OR (tenant = $2 AND $3 >= 0)) ORDER BY tenant LIMIT 1",
                        "ssi", stage->key, run->tenant, run->pos));
    while (td_rows_next(&r)) {
        const char *tenant = td_col_text0(&r, 0, a);
        run->pos = strcmp(tenant, run->tenant) == 0 ? run->pos : 0;
        run->tenant = tenant;
        *ret_days = td_col_int(&r, 1);
        *ret = true;
    }
    return td_rows_done(&r, err);
}

static enum td_code look_in_turn(struct td_tx *tx, const struct stage *stage, const struct run *run, int64_t days,
                                 struct td_arena *a, struct turn *t, struct td_error *err)
{
    struct td_rows r;
    int64_t now = td_tx_now(tx);
    td_try(td_sql_query(tx, &r, err, stage->in_turn, "siii", run->tenant, run->pos, now - days * TD_DAY,
                        (int64_t)TD_RETENTION_LOOKS));
    while (t->count < stage->rows && td_rows_next(&r)) {
        t->seen++;
        t->last = td_col_int(&r, 1);
        if (td_col_int(&r, 2) < now)
            t->ids[t->count++] = td_col_text0(&r, 0, a);
    }
    return td_rows_done(&r, err);
}

/* Rows may have ended in the same moment: the next slice looks at that moment once more, unless nothing came of it. */
static int64_t where_now(const struct stage *stage, const struct turn *t, int64_t from)
{
    if (t->count < stage->rows && t->seen < TD_RETENTION_LOOKS)
        return -1;
    return t->count != 0 || t->last > from ? t->last : t->last + 1;
}

static enum td_code take_in_turn(struct td_tx *tx, const struct stage *stage, struct run *run, struct td_arena *a,
                                 bool *ret_end, struct td_error *err)
{
    struct turn *t = td_arena_new(a, struct turn);
    int64_t days = 0;
    bool found;
    td_try(next_tenant(tx, stage, run, a, &days, &found, err));
    *ret_end = !found;
    if (!found)
        return TD_OK;
    td_try(look_in_turn(tx, stage, run, days, a, t, err));
    for (size_t i = 0; i < t->count; i++)
        for (size_t k = 0; k < MAX_TAKES && stage->takes[k] != NULL; k++)
            td_try(td_sql(tx, err, stage->takes[k], "ss", run->tenant, t->ids[i]));
    run->pos = where_now(stage, t, run->pos);
    return TD_OK;
}

/* --- a run --- */

static enum td_code take_stage(struct td_tx *tx, struct run *run, struct td_arena *a, bool *ret_end,
                               struct td_error *err)
{
    const struct stage *stage = &stages[run->stage];
    if (stage->in_turn != NULL)
        return take_in_turn(tx, stage, run, a, ret_end, err);
    if (stage->at_once == NULL)
        return take_events(tx, run, ret_end, err);
    td_try(td_sql(tx, err, stage->at_once, "ii", td_tx_now(tx), (int64_t)TD_RETENTION_ROWS));
    *ret_end = td_sql_changes(tx) < TD_RETENTION_ROWS;
    return TD_OK;
}

enum td_code td_retention_slice(struct td_tx *tx, bool *ret_more, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct run run;
    bool end = false;
    td_try(load(tx, &a, &run, err));
    if (!under_way(&run) || run.stage < 0 || run.stage >= (int64_t)TD_COUNTOF(stages)) {
        run = (struct run){.begun_at = td_tx_now(tx), .ended_at = run.ended_at, .tenant = ""};
        td_try(wanted(tx, &a, &run.settings, err));
        if (run.begun_at <= run.ended_at) /* a clock that was put back */
            run.ended_at = run.begun_at - 1;
    }
    td_try(take_stage(tx, &run, &a, &end, err));
    if (end) {
        run.stage++;
        run.pos = 0;
        run.tenant = "";
    }
    *ret_more = run.stage < (int64_t)TD_COUNTOF(stages);
    if (!*ret_more)
        run.ended_at = TD_MAX(td_tx_now(tx), run.begun_at);
    return save(tx, &run, err);
}
