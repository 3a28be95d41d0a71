#include "store/retention.h"

#include "base/fault.h"
#include "store/audit.h"

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

/* An enrolment has ended, and its certificate has run out as well. */
#define ENDED_ENROLMENT " AND x.state <> 0 AND x.cert_not_after < $1"
#define OF_ENROLMENT(table)                                                                                        \
    "DELETE FROM " table " WHERE (tenant, enrolment_id) IN (SELECT x.tenant, x.id FROM " OLDER(                    \
        "history-retention", OF("enrolment") " JOIN " table " c ON c.tenant = x.tenant AND c.enrolment_id = x.id", \
        "x.ended_at") ENDED_ENROLMENT AT_MOST
/* A machine that is gone, and of which no event is left. */
#define OF_MACHINE(table)                                                                                         \
    "DELETE FROM " table " WHERE (tenant, way_id) IN (SELECT x.tenant, x.way_id FROM " OLDER(                     \
        "event-retention", OF("life_machine") " JOIN " table " c ON c.tenant = x.tenant AND c.way_id = x.way_id", \
        "x.ended_at") " AND NOT EXISTS (SELECT 1 FROM event e WHERE e.tenant = x.tenant AND e.subject = "         \
                      "x.way_id)" AT_MOST

/* Of a bulk action no single one is left. */
#define ASKED_OF_NOBODY                                                                              \
    " AND NOT EXISTS (SELECT 1 FROM device_action d WHERE d.tenant = x.tenant AND d.batch_id = x.id" \
    " AND d.batch_id <> '')"

/* In turn; what hangs on a row goes before it. NULL: the events, which are looked at one by one. */
static const char *const stages[] = {
    /* events of the audit alone go with it; those of a device's timeline follow event-retention */
    "DELETE FROM event WHERE pos IN (SELECT e.pos FROM " OLDER(
        "audit-retention", OF("audit") " JOIN event e ON e.pos = x.pos AND e.subject = ''", "x.at") AT_MOST,
    BY_ID("audit", "audit-retention", "x.at", ""),
    BY_ID("device_action", "history-retention", "x.ended_at", ""),
    "DELETE FROM action_batch_device WHERE (tenant, batch_id, position) IN (SELECT c.tenant, c.batch_id, c.position"
    " FROM " OLDER("history-retention",
                   OF("action_batch") " JOIN action_batch_device c ON c.tenant = x.tenant AND c.batch_id = x.id",
                   "x.ended_at") ASKED_OF_NOBODY AT_MOST,
    BY_ID("action_batch", "history-retention", "x.ended_at",
          ASKED_OF_NOBODY " AND NOT EXISTS (SELECT 1 FROM action_batch_device c WHERE c.tenant = x.tenant"
                          " AND c.batch_id = x.id)"),
    BY_ID("deployment", "history-retention", "x.ended_at",
          " AND x.id <> (SELECT n.id FROM deployment n WHERE n.tenant = x.tenant AND n.way_id = x.way_id"
          " ORDER BY n.started_at DESC LIMIT 1)"),
    OF_ENROLMENT("management"),
    OF_ENROLMENT("management_ledger"),
    OF_ENROLMENT("management_chunk"),
    OF_ENROLMENT("management_report"),
    OF_ENROLMENT("management_item"),
    OF_ENROLMENT("status_page_given"),
    BY_ID("enrolment", "history-retention", "x.ended_at", ENDED_ENROLMENT),
    "DELETE FROM certificate WHERE sha256 IN (SELECT x.sha256 FROM " OLDER("history-retention", OF("certificate"),
                                                                           "x.not_after") AT_MOST,
    BY_ID("directory_device", "history-retention", "x.deleted_at", ""),
    NULL,
    OF_MACHINE("hardware_past"),
    OF_MACHINE("life_fact"),
    OF_MACHINE("life_machine"),
};

struct run {
    int64_t stage, pos, begun_at, ended_at;
    const char *settings;
};

static enum td_code load(struct td_tx *tx, struct td_arena *a, struct run *ret, struct td_error *err)
{
    struct td_rows r;
    *ret = (struct run){.settings = ""};
    td_try(td_sql_query(tx, &r, err, "SELECT stage, pos, begun_at, ended_at, settings FROM retention_run WHERE one = 1",
                        ""));
    while (td_rows_next(&r))
        *ret = (struct run){td_col_int(&r, 0), td_col_int(&r, 1), td_col_int(&r, 2), td_col_int(&r, 3),
                            td_col_text0(&r, 4, a)};
    return td_rows_done(&r, err);
}

static enum td_code save(struct td_tx *tx, const struct run *run, struct td_error *err)
{
    return td_sql(tx, err,
                  "UPDATE retention_run SET stage = $1, pos = $2, begun_at = $3, ended_at = $4, settings = $5"
                  " WHERE one = 1",
                  "iiiis", run->stage, run->pos, run->begun_at, run->ended_at, run->settings);
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

/* --- a run --- */

static enum td_code take_stage(struct td_tx *tx, struct run *run, bool *ret_end, struct td_error *err)
{
    const char *sql = stages[run->stage];
    if (sql == NULL)
        return take_events(tx, run, ret_end, err);
    td_try(td_sql(tx, err, sql, "ii", td_tx_now(tx), (int64_t)TD_RETENTION_ROWS));
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
        run = (struct run){.begun_at = td_tx_now(tx), .ended_at = run.ended_at};
        td_try(wanted(tx, &a, &run.settings, err));
        if (run.begun_at <= run.ended_at) /* a clock that was put back */
            run.ended_at = run.begun_at - 1;
    }
    td_try(take_stage(tx, &run, &end, err));
    run.stage += end;
    *ret_more = run.stage < (int64_t)TD_COUNTOF(stages);
    if (!*ret_more)
        run.ended_at = TD_MAX(td_tx_now(tx), run.begun_at);
    return save(tx, &run, err);
}
