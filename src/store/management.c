#include "store/management.h"

#include "base/fault.h"
#include "policy/plan.h"
#include "store/event.h"
#include "store/group.h"
#include "store/registration.h"

#include <string.h>

static void read_session(struct td_rows *r, struct td_arena *a, struct td_managed *m)
{
    int c = 0;
    m->version = td_col_int(r, c++);
    m->session_no = td_col_int(r, c++);
    m->session_id = td_col_text0(r, c++, a);
    m->last_msg = td_col_int(r, c++);
    m->messages = (int)td_col_int(r, c++);
    m->session_open = td_col_int(r, c++) != 0;
    m->challenged = td_col_int(r, c++) != 0;
    m->user_active = td_col_int(r, c++) != 0;
    m->inventory = td_col_int(r, c++) != 0;
    m->max_msg = td_col_int(r, c++);
    m->phase = (int)td_col_int(r, c++);
    m->phase_since = td_col_int(r, c++);
    m->failed = td_col_int(r, c++) != 0;
    m->computer_name = td_col_text0(r, c++, a);
    m->owed = td_col_text0(r, c++, a);
    struct td_slice hash = td_col_blob(r, c++, a);
    if (hash.n == sizeof(m->body_hash))
        memcpy(m->body_hash, hash.p, hash.n);
    m->reply = td_col_blob(r, c++, a);
    m->ledger = td_col_text0(r, c++, a);
    m->chunk_uri = td_col_text0(r, c++, a);
    m->chunk_size = (uint64_t)td_col_int(r, c++);
    m->chunk = td_col_blob(r, c++, a);
    m->has_actions = td_col_int(r, c++) != 0;
    m->fix_pending = td_col_int(r, c++) == TD_REMEDY_AUTOMATIC;
}

enum td_code td_managed_find(struct td_tx *tx, const char *tenant, const char *enrolment, struct td_arena *a,
                             struct td_managed *ret, struct td_error *err)
{
    static const char sql[] =
        "SELECT m.version, m.session_no, m.session_id, m.last_msg, m.messages, m.session_open, m.challenged,"
        " m.user_active, m.inventory, m.max_msg, m.phase, m.phase_since, m.failed, m.computer_name, m.owed,"
        " m.body_hash, m.reply, l.ledger, c.uri, c.size, c.data,"
        " EXISTS (SELECT 1 FROM device_action d WHERE d.tenant = m.tenant AND d.enrolment_id = m.enrolment_id"
        " AND d.ended_at = 0), (SELECT r.remediation FROM enrolment e JOIN registration r ON r.tenant = e.tenant"
        " AND r.id = e.registration_id WHERE e.tenant = m.tenant AND e.id = m.enrolment_id) FROM management m"
        " LEFT JOIN management_ledger l ON l.tenant = m.tenant AND l.enrolment_id = m.enrolment_id"
        " LEFT JOIN management_chunk c ON c.tenant = m.tenant AND c.enrolment_id = m.enrolment_id"
        " WHERE m.tenant = $1 AND m.enrolment_id = $2";
    struct td_rows r;
    *ret = (struct td_managed){.session_id = "", .computer_name = "", .owed = "", .ledger = "", .chunk_uri = ""};
    ret->has_actions = ret->fix_pending = true; /* no session so far: they are looked for */
    td_try(td_sql_query(tx, &r, err, sql, "ss", tenant, enrolment));
    while (td_rows_next(&r))
        read_session(&r, a, ret);
    return td_rows_done(&r, err);
}

static enum td_code insert_session(struct td_tx *tx, const char *tenant, const char *enrolment, struct td_error *err)
{
    enum td_code rc = td_sql(tx, err,
                             "INSERT INTO management(tenant, enrolment_id, version, session_no, session_id, last_msg,"
                             " messages, session_open, challenged, user_active, inventory, max_msg, phase, phase_since,"
                             " failed, computer_name, owed, body_hash, reply)"
                             " VALUES ($1, $2, 0, 0, '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', '', $3, $3)",
                             "ssb", tenant, enrolment, TD_S(""));
    if (rc == TD_EEXISTS)
        return td_fail(err, TD_ESTATE, "session", "another message of this device came at the same time");
    return rc;
}

static enum td_code save_session(struct td_tx *tx, const char *tenant, const char *enrolment,
                                 const struct td_managed *m, struct td_error *err)
{
    struct td_slice hash = td_bytes(m->body_hash, sizeof(m->body_hash));
    td_try(td_sql(tx, err,
                  "UPDATE management SET version = version + 1, session_no = $4, session_id = $5, last_msg = $6,"
                  " messages = $7, session_open = $8, challenged = $9, user_active = $10, inventory = $11,"
                  " max_msg = $12, phase = $13, phase_since = $14, failed = $15, computer_name = $16, owed = $17,"
                  " body_hash = $18, reply = $19 WHERE tenant = $1 AND enrolment_id = $2 AND version = $3",
                  "ssiisiiiiiiiiiissbb", tenant, enrolment, m->version, m->session_no, m->session_id, m->last_msg,
                  (int64_t)m->messages, (int64_t)m->session_open, (int64_t)m->challenged, (int64_t)m->user_active,
                  (int64_t)m->inventory, m->max_msg, (int64_t)m->phase, m->phase_since, (int64_t)m->failed,
                  m->computer_name, m->owed, hash, m->reply));
    if (td_sql_changes(tx) == 1)
        return TD_OK;
    return td_fail(err, TD_ESTATE, "session", "another message of this device came at the same time");
}

static enum td_code save_chunk(struct td_tx *tx, const char *tenant, const char *enrolment, const struct td_managed *m,
                               struct td_error *err)
{
    if (m->chunk_uri[0] == '\0')
        return td_sql(tx, err, "DELETE FROM management_chunk WHERE tenant = $1 AND enrolment_id = $2", "ss", tenant,
                      enrolment);
    return td_sql(tx, err,
                  "INSERT INTO management_chunk(tenant, enrolment_id, uri, size, data) VALUES ($1, $2, $3, $4, $5)"
                  " ON CONFLICT(tenant, enrolment_id) DO UPDATE SET uri = excluded.uri, size = excluded.size,"
                  " data = excluded.data",
                  "sssib", tenant, enrolment, m->chunk_uri, (int64_t)m->chunk_size, m->chunk);
}

static enum td_code write_ledger(struct td_tx *tx, const char *tenant, const char *enrolment, const char *text,
                                 struct td_error *err)
{
    return td_sql(tx, err,
                  "INSERT INTO management_ledger(tenant, enrolment_id, ledger) VALUES ($1, $2, $3)"
                  " ON CONFLICT(tenant, enrolment_id) DO UPDATE SET ledger = excluded.ledger",
                  "sss", tenant, enrolment, text);
}

enum td_code td_managed_save(struct td_tx *tx, const char *tenant, const char *enrolment, const struct td_managed *m,
                             bool with_ledger, bool with_chunk, struct td_error *err)
{
    if (m->version == 0)
        td_try(insert_session(tx, tenant, enrolment, err));
    td_try(save_session(tx, tenant, enrolment, m, err));
    if (with_chunk)
        td_try(save_chunk(tx, tenant, enrolment, m, err));
    return with_ledger ? write_ledger(tx, tenant, enrolment, m->ledger, err) : TD_OK;
}

/* What lists of managed devices filter by stands beside the enrolment too: fixed statements by node. Who a registered
 * machine is, its registration says, and not what runs on it. */
#define UNREGISTERED " AND registration_id = ''"
static const struct {
    const char *uri, *sql;
    const char *directory; /* run where the first changed something; NULL: none */
    bool in_rules;         /* rules of groups look at it */
} told_of[] = {
    {"./DevInfo/Man",
     "UPDATE enrolment SET manufacturer = $3 WHERE tenant = $1 AND id = $2 AND manufacturer <> $3" UNREGISTERED, NULL,
     true},
    {"./DevInfo/Mod", "UPDATE enrolment SET model = $3 WHERE tenant = $1 AND id = $2 AND model <> $3" UNREGISTERED,
     NULL, true},
    {"./DevDetail/SwV", "UPDATE enrolment SET os_version = $3 WHERE tenant = $1 AND id = $2 AND os_version <> $3", NULL,
     true},
    {"./DevDetail/Ext/Microsoft/DeviceName",
     "UPDATE enrolment SET device_name = $3 WHERE tenant = $1 AND id = $2 AND device_name <> $3",
     "UPDATE directory_device SET display_name = $3 WHERE tenant = $1 AND deleted_at = 0"
     " AND id = (SELECT device_id FROM enrolment WHERE tenant = $1 AND id = $2)",
     true},
    {"./DevDetail/Ext/Microsoft/SMBIOSSerialNumber",
     "UPDATE enrolment SET serial = $3 WHERE tenant = $1 AND id = $2" UNREGISTERED, NULL, false},
};

enum { TOLD_MAX = 256 };

static enum td_code tell_enrolment(struct td_tx *tx, const char *tenant, const char *enrolment, const char *uri,
                                   struct td_slice value, struct td_error *err)
{
    value = td_trim(value);
    size_t i = 0;
    while (i < TD_COUNTOF(told_of) && strcmp(uri, told_of[i].uri) != 0)
        i++;
    if (i == TD_COUNTOF(told_of) || value.n == 0 || value.n > TOLD_MAX)
        return TD_OK;
    td_try(td_sql(tx, err, told_of[i].sql, "sst", tenant, enrolment, value));
    if (td_sql_changes(tx) == 0)
        return TD_OK;
    if (told_of[i].directory != NULL)
        td_try(td_sql(tx, err, told_of[i].directory, "sst", tenant, enrolment, value));
    return told_of[i].in_rules ? td_group_enrolment_moved(tx, tenant, enrolment, "device", err) : TD_OK;
}

enum td_code td_report_put(struct td_tx *tx, const char *tenant, const char *enrolment, const char *uri,
                           struct td_slice value, struct td_error *err)
{
    td_try(tell_enrolment(tx, tenant, enrolment, uri, value, err));
    return td_sql(tx, err,
                  "INSERT INTO management_report(tenant, enrolment_id, uri, value, at) VALUES ($1, $2, $3, $4, $5)"
                  " ON CONFLICT(tenant, enrolment_id, uri) DO UPDATE SET value = excluded.value, at = excluded.at"
                  " WHERE management_report.value <> excluded.value",
                  "sssti", tenant, enrolment, uri, value, td_tx_now(tx));
}

enum td_code td_item_status_put(struct td_tx *tx, const char *tenant, const char *enrolment, const char *item,
                                const char *state, int status, uint32_t hresult, struct td_error *err)
{
    return td_sql(tx, err,
                  "INSERT INTO management_item(tenant, enrolment_id, item, state, status, hresult, at)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT(tenant, enrolment_id, item) DO UPDATE SET"
                  " state = excluded.state, status = excluded.status, hresult = excluded.hresult, at = excluded.at",
                  "ssssiii", tenant, enrolment, item, state, (int64_t)status, (int64_t)hresult, td_tx_now(tx));
}

enum td_code td_managed_begin_again(struct td_tx *tx, const char *tenant, const char *enrolment, struct td_error *err)
{
    td_try(td_sql(tx, err,
                  "UPDATE management SET phase = 0, phase_since = 0, failed = 0, inventory = 1"
                  " WHERE tenant = $1 AND enrolment_id = $2",
                  "ss", tenant, enrolment));
    td_try(td_sql(tx, err, "DELETE FROM management_ledger WHERE tenant = $1 AND enrolment_id = $2", "ss", tenant,
                  enrolment));
    return td_sql(tx, err,
                  "UPDATE management_item SET state = 'pending', status = 0, hresult = 0, at = $3"
                  " WHERE tenant = $1 AND enrolment_id = $2",
                  "ssi", tenant, enrolment, td_tx_now(tx));
}

enum td_code td_managed_begin_user(struct td_tx *tx, const char *tenant, const char *enrolment, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    TD_CLEANUP(td_buf_done) struct td_buf text;
    struct td_managed m;
    struct td_ledger ledger;
    td_buf_init(&text, TD_LEDGER_MAX);
    td_try(td_managed_find(tx, tenant, enrolment, &a, &m, err));
    td_try(td_ledger_parse(td_str(m.ledger), &a, &ledger, err));
    td_plan_begin_user(&ledger);
    td_ledger_write(&ledger, &text);
    td_try(td_buf_check(&text, "ledger", err));
    td_try(write_ledger(tx, tenant, enrolment, td_arena_text(&a, td_buf_slice(&text)), err));
    return td_sql(tx, err,
                  "UPDATE management SET phase = 0, phase_since = 0, failed = 0, inventory = 1"
                  " WHERE tenant = $1 AND enrolment_id = $2",
                  "ss", tenant, enrolment);
}

static enum td_code way_of(struct td_tx *tx, const char *tenant, const char *enrolment, struct td_arena *a,
                           const char **ret, struct td_error *err)
{
    struct td_rows r;
    *ret = NULL;
    td_try(td_sql_query(tx, &r, err, "SELECT way_id FROM enrolment WHERE tenant = $1 AND id = $2", "ss", tenant,
                        enrolment));
    while (td_rows_next(&r))
        *ret = td_col_text0(&r, 0, a);
    return td_rows_done(&r, err);
}

enum td_code td_managed_may_tell(struct td_tx *tx, const char *tenant, const char *enrolment, bool *ret,
                                 struct td_error *err)
{
    int64_t before = td_fault("refusals-flood") ? td_tx_now(tx) : td_tx_now(tx) - TD_HOUR;
    td_try(td_sql(tx, err, "UPDATE enrolment SET refused_at = $3 WHERE tenant = $1 AND id = $2 AND refused_at <= $4",
                  "ssii", tenant, enrolment, td_tx_now(tx), before));
    *ret = td_sql_changes(tx) != 0;
    return TD_OK;
}

enum td_code td_managed_refused(struct td_tx *tx, const char *tenant, const char *enrolment, const struct td_error *why,
                                struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    static const char otherwise[] = "The device still holds an enrolment that has ended. Start it from its box (reset"
                                    " or reinstall) so that it enrols again, or let it go.";
    const char *way;
    bool may = false;
    td_try(td_managed_may_tell(tx, tenant, enrolment, &may, err));
    if (!may)
        return TD_OK;
    td_try(way_of(tx, tenant, enrolment, &a, &way, err));
    struct td_event e = {.subject = way != NULL ? way : "", .type = "management.refused", .actor = "device"};
    return td_event_tell(tx, tenant, &e, err, "enrolment", enrolment, "cause", why->text, "remedy",
                         why->remedy[0] != '\0' ? why->remedy : otherwise, NULL);
}

enum td_code td_managed_farewell(struct td_tx *tx, const char *tenant, const char *enrolment, int64_t how_long,
                                 bool *ret, struct td_error *err)
{
    int64_t now = td_tx_now(tx);
    struct td_rows r;
    *ret = false;
    td_try(td_sql(tx, err,
                  "UPDATE enrolment SET farewell_at = $3 WHERE tenant = $1 AND id = $2 AND state = 2"
                  " AND farewell_at = 0",
                  "ssi", tenant, enrolment, now));
    td_try(td_sql_query(tx, &r, err, "SELECT farewell_at FROM enrolment WHERE tenant = $1 AND id = $2 AND state = 2",
                        "ss", tenant, enrolment));
    while (td_rows_next(&r))
        *ret = now - td_col_int(&r, 0) <= how_long;
    return td_rows_done(&r, err);
}
