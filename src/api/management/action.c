/* Management: remote actions in sessions (store/action.h; oma-dm.md 10, csp.md 3, 10, 11, 17).
 *
 * A command that destroys is handed out last and alone. What is not certain is asked before it is done again: a reset
 * that was handed out and never answered is looked for in AutomaticRedeployment/Status first. */
#include "api/diagnostics.h"
#include "api/management/room.h"
#include "base/fault.h"
#include "store/event.h"
#include "store/way.h"
#include "way/names.h"

/* A device that accepted a wipe restarts within minutes; Windows gives its users five. One that is still there after
 * this has not done it. */
static const int64_t wipe_grace = 15 * TD_MINUTE;
/* A password or an archive that has not come by then will not come; nor does a reset begin that no node knows of. */
static const int64_t result_grace = TD_DAY;
/* A scheduled reset waits for its restart, which people can put off. */
static const int64_t restart_grace = 7 * TD_DAY;

static const char BOOTSTRAP_KEY[] = "I BootstrapSync"; /* its session: the one that began so */
static const char NAME_URI[] = "./DevDetail/Ext/Microsoft/DNSComputerName";

static const struct td_action_row *row_of(const struct td_action *a)
{
    return &td_action_rows[a->kind];
}

static char *key_of(const struct td_exchange *x, const char *id)
{
    return td_arena_printf(x->a, TD_ACTION_KEY "%s", id);
}

static struct td_row *handed_out(const struct td_exchange *x, const struct td_action *a)
{
    return td_ledger_find(&x->ledger, key_of(x, a->id));
}

static bool was_accepted(const struct td_action *a)
{
    return a->accepted_at != 0;
}

void td_mgmt_actions_out(struct td_exchange *x)
{
    x->waiting = td_arena_array(x->a, const char *, x->ledger.count + 1);
    x->waiting_count = 0;
    for (size_t i = 0; i < x->ledger.count; i++)
        if (x->ledger.rows[i].key[0] == TD_ACTION_KEY[0] && x->ledger.rows[i].state == TD_ROW_SENT)
            x->waiting[x->waiting_count++] = x->ledger.rows[i].key + strlen(TD_ACTION_KEY);
}

static bool was_out(const struct td_exchange *x, const struct td_action *a)
{
    for (size_t i = 0; i < x->waiting_count; i++)
        if (strcmp(x->waiting[i], a->id) == 0)
            return true;
    return false;
}

static enum td_code list(struct td_exchange *x, struct td_tx *tx, struct td_error *err)
{
    if (!x->m.has_actions) /* nearly always: known with the session, without a question of its own */
        return TD_OK;
    return td_action_open_list(tx, x->tenant, x->enrolment.id, x->a, &x->actions, &x->action_count, err);
}

static enum td_code fail_action(struct td_exchange *x, struct td_tx *tx, const struct td_action *a,
                                const struct td_error *why, struct td_error *err)
{
    return td_action_finish(tx, x->tenant, a->id, TD_ACT_FAILED, why, err);
}

/* --- a device that was set up anew ------------------------------------------------------------------------------ */

static bool is_bootstrapping(const struct td_exchange *x)
{
    const struct td_row *row = td_ledger_find(&x->ledger, BOOTSTRAP_KEY);
    return row != NULL && row->session == x->m.session_no;
}

static void mark_bootstrap(struct td_exchange *x, bool on)
{
    struct td_row *row = td_ledger_get(&x->ledger, BOOTSTRAP_KEY);
    if (row == NULL)
        return;
    row->state = TD_ROW_DONE;
    row->session = on ? x->m.session_no : 0;
    x->ledger.changed = true;
}

/* The session that said so was cut before its question was answered: the question stays. */
static void carry_bootstrap(struct td_exchange *x)
{
    const struct td_row *mark = td_ledger_find(&x->ledger, BOOTSTRAP_KEY);
    const struct td_row *asked = td_ledger_find(&x->ledger, "G " TD_REDEPLOYMENT "Status");
    int64_t last = x->m.session_no - 1;
    if (mark == NULL || mark->session != last || td_fault("bootstrap-forgotten"))
        return;
    bool answered =
        asked != NULL && asked->session == last && (asked->state == TD_ROW_DONE || asked->state == TD_ROW_ABSENT);
    if (!answered)
        mark_bootstrap(x, true);
}

/* Everything starts over in this very session: what was handed out is gone from the device, and so may be its user. */
static enum td_code begin_again(struct td_exchange *x, struct td_tx *tx, struct td_error *err)
{
    mark_bootstrap(x, false);
    td_try(td_managed_begin_again(tx, x->tenant, x->enrolment.id, err));
    td_try(td_enrolment_find(tx, x->tenant, x->enrolment.id, x->a, &x->enrolment, err));
    td_plan_begin_again(&x->ledger);
    x->progress = (struct td_progress){.phase = TD_PHASE_NEW};
    x->m.phase = TD_PHASE_NEW;
    x->m.phase_since = 0;
    x->m.failed = false;
    x->m.inventory = true;
    return td_mgmt_load_wanted(x, tx, err);
}

static const struct td_action *open_reset(const struct td_exchange *x)
{
    for (size_t i = 0; i < x->action_count; i++)
        if (x->actions[i].state == TD_ACT_ACTIVE && row_of(&x->actions[i])->end == TD_END_REPORT)
            return &x->actions[i];
    return NULL;
}

bool td_mgmt_asks_redeployment(const struct td_exchange *x)
{
    return open_reset(x) != NULL || is_bootstrapping(x);
}

/* While a deployment runs BootstrapSync may come in every session; only what was released once can have been lost. */
bool td_mgmt_asks_release(const struct td_exchange *x)
{
    const char *uri = td_desired_release_uri(x->enrolment.provider, x->a);
    const struct td_row *row = td_ledger_find(&x->ledger, td_arena_printf(x->a, "R %s", uri));
    return is_bootstrapping(x) && x->m.phase != TD_PHASE_READY && row != NULL && row->state == TD_ROW_DONE;
}

static bool has_lost_its_release(const struct td_exchange *x)
{
    const char *uri = td_desired_release_uri(x->enrolment.provider, x->a);
    const struct td_row *told = td_ledger_find(&x->ledger, td_arena_printf(x->a, "G %s", uri));
    return td_mgmt_asks_release(x) && told != NULL && told->session == x->m.session_no && told->value != NULL &&
           td_ieqs(td_str(told->value), "false");
}

/* Nobody asked for it here: the lock screen (autopilot.md 3.6). */
static bool was_reset_locally(const struct td_exchange *x, int64_t status)
{
    if (status != 1 || !is_bootstrapping(x))
        return false;
    return x->m.phase == TD_PHASE_READY || has_lost_its_release(x) || td_fault("bootstrap-begins-for-ever");
}

/* Where the node is not there a device that accepted, went and came back as new has said all there is to say. */
static bool node_is_absent(const struct td_exchange *x)
{
    const struct td_row *row = td_ledger_find(&x->ledger, "G " TD_REDEPLOYMENT "Status");
    return row != NULL && row->session == x->m.session_no && row->state == TD_ROW_ABSENT;
}

/* A final number may be what an older reset left: it counts once this one is known to have begun. */
static bool has_begun(const struct td_exchange *x, const struct td_action *reset)
{
    return was_accepted(reset) || is_bootstrapping(x) || reset->reported == 10 || reset->reported == 20 ||
           td_fault("reset-believes-old-status");
}

static enum td_code take_report(struct td_exchange *x, struct td_tx *tx, const struct td_action *reset, int64_t status,
                                struct td_error *err)
{
    bool began = false;
    const char *last = td_ledger_value(&x->ledger, TD_REDEPLOYMENT "LastError");
    uint32_t hresult = last != NULL ? td_mgmt_hresult(td_str(last)) : 0;
    if (reset != NULL && !was_accepted(reset)) /* its Status was lost, the command was not */
        td_try(td_action_answered(tx, x->tenant, reset->id, 200, 0, err));
    if (reset != NULL && reset->reported == status)
        return TD_OK;
    td_try(td_action_reported(tx, x->tenant, x->enrolment.id, reset != NULL ? reset->id : "", status, hresult, &began,
                              err));
    return began ? begin_again(x, tx, err) : TD_OK;
}

/* Accepted long ago, asked once more, and still no end: nobody may wait for it for ever. */
static bool has_had_its_time(const struct td_exchange *x, struct td_tx *tx, const struct td_action *reset,
                             bool scheduled)
{
    bool told = x->redeployment != NULL || node_is_absent(x);
    return told && was_accepted(reset) && !td_fault("reset-waits-for-ever") &&
           td_tx_now(tx) - reset->accepted_at > (scheduled ? restart_grace : result_grace);
}

static enum td_code never_began(struct td_exchange *x, struct td_tx *tx, const struct td_action *a, bool scheduled,
                                struct td_error *err)
{
    struct td_error why = {0};
    (void)td_remedy(&why,
                    td_fail(&why, TD_EEXPIRED, "action", "%s",
                            scheduled ? "the device scheduled it a week ago and never restarted for it"
                                      : "the device accepted it a day ago and tells of no reset"),
                    "%s",
                    scheduled ? "Restart the device; if it is not reset then, ask again, or wipe it."
                              : "Ask again; if the device goes on without it, wipe it.");
    return fail_action(x, tx, a, &why, err);
}

/* Status of the last reset, asked while one is open and whenever the device is set up (autopilot.md 3.7). */
static enum td_code look_at_reset(struct td_exchange *x, struct td_tx *tx, struct td_error *err)
{
    const struct td_action *reset = open_reset(x);
    int64_t status = -1;
    if (x->redeployment != NULL && !td_parse_i64(td_str(x->redeployment), &status))
        status = -1;
    bool scheduled = status == 10 || status == 20;
    if (reset == NULL)
        return was_reset_locally(x, status) ? take_report(x, tx, NULL, status, err) : TD_OK;
    if (status > 0 && !scheduled && has_begun(x, reset))
        return take_report(x, tx, reset, status, err);
    if (node_is_absent(x) && is_bootstrapping(x) && was_accepted(reset))
        return take_report(x, tx, reset, 1, err);
    if (has_had_its_time(x, tx, reset, scheduled))
        return never_began(x, tx, reset, scheduled, err);
    return scheduled ? take_report(x, tx, reset, status, err) : TD_OK;
}

/* --- one open action ---------------------------------------------------------------------------------------------- */

/* The name that the device was told is the one it shall have from now on, after a reset too. */
static void keep_name(struct td_exchange *x, const struct td_row *told)
{
    x->m.computer_name = told->value;
    struct td_row *row = td_ledger_get(&x->ledger, td_arena_printf(x->a, "R %s", NAME_URI));
    if (row == NULL)
        return;
    row->version = td_want_text_version(told->value);
    row->state = TD_ROW_DONE;
    row->status = told->status;
    x->ledger.changed = true;
}

static enum td_code take_answer(struct td_exchange *x, struct td_tx *tx, const struct td_action *a,
                                const struct td_row *row, struct td_error *err)
{
    bool ok = row->state == TD_ROW_DONE;
    if (ok && a->kind == TD_ACTION_RENAME && row->value != NULL)
        keep_name(x, row);
    if (ok && row_of(a)->end == TD_END_UNENROLLED) {
        x->leaving = a;
        x->leaving_status = row->status;
        x->no_commands = x->end = true;
        return TD_OK;
    }
    return td_action_answered(tx, x->tenant, a->id, row->status, row->original_error, err);
}

static enum td_code never_said(struct td_exchange *x, struct td_tx *tx, const struct td_action *a,
                               const struct td_row *row, struct td_error *err)
{
    struct td_error why = {0};
    if (row->status == 413)
        (void)td_remedy(&why, td_fail(&why, TD_ELIMIT, "action", "it does not fit into a message to this device"),
                        "See what limits its messages (MaxMsgSize) and ask again.");
    else
        (void)td_remedy(&why,
                        td_fail(&why, TD_EUNAVAILABLE, "action",
                                "the device was told %u times and never said what"
                                " came of it",
                                row->attempts),
                        "Look at the device, then ask again.");
    return fail_action(x, tx, a, &why, err);
}

static enum td_code roll_back(struct td_exchange *x, struct td_tx *tx, const struct td_action *a, struct td_error *err)
{
    struct td_error why = {0};
    td_ignore(td_action_report_failure(50, x->rolled_hresult, &why));
    x->rolled_back = NULL;
    return fail_action(x, tx, a, &why, err);
}

static bool is_rolled_back(const struct td_exchange *x, const struct td_action *a)
{
    return x->rolled_back != NULL && a->state == TD_ACT_ACTIVE && row_of(a)->destroys &&
           (x->rolled_back[0] == '\0' || td_ieqs(td_str(x->rolled_back), row_of(a)->uri));
}

static enum td_code still_there(struct td_exchange *x, struct td_tx *tx, const struct td_action *a,
                                struct td_error *err)
{
    struct td_error why = {0};
    (void)td_remedy(&why,
                    td_fail(&why, TD_EUNAVAILABLE, "action",
                            "the device accepted it and came back as it was: it was not carried out"),
                    "See that its recovery environment is enabled and that it has mains power, then ask again.");
    return fail_action(x, tx, a, &why, err);
}

static enum td_code nothing_came(struct td_exchange *x, struct td_tx *tx, const struct td_action *a,
                                 struct td_error *err)
{
    struct td_error why = {0};
    (void)td_remedy(&why, td_fail(&why, TD_EEXPIRED, "action", "the device accepted it a day ago and has sent nothing"),
                    "%s",
                    a->kind == TD_ACTION_ROTATE_LAPS
                        ? "See that a LAPS policy with BackupDirectory 1 is in effect on it, then ask again."
                        : "See that it reaches this service under the name it uses, then ask again.");
    return fail_action(x, tx, a, &why, err);
}

/* A session on the enrolment that the action should have ended or begun anew. */
static enum td_code look_at_accepted(struct td_exchange *x, struct td_tx *tx, const struct td_action *a,
                                     struct td_error *err)
{
    enum td_action_end end = row_of(a)->end;
    int64_t since = td_tx_now(tx) - a->accepted_at;
    if (a->state != TD_ACT_ACTIVE || !x->new_session)
        return TD_OK;
    if (end == TD_END_CAME_BACK && x->bootstrap) {
        td_try(td_action_finish(tx, x->tenant, a->id, TD_ACT_DONE, NULL, err));
        return begin_again(x, tx, err);
    }
    if (!was_accepted(a))
        return TD_OK;
    if ((end == TD_END_CAME_BACK || end == TD_END_GONE) && since > wipe_grace && !td_fault("wipe-never-fails"))
        return still_there(x, tx, a, err);
    if (end == TD_END_RESULT && since > result_grace)
        return nothing_came(x, tx, a, err);
    return TD_OK;
}

static enum td_code look_at(struct td_exchange *x, struct td_tx *tx, const struct td_action *a, struct td_error *err)
{
    const struct td_row *row = handed_out(x, a);
    if (is_rolled_back(x, a))
        return roll_back(x, tx, a, err);
    if (a->kind == TD_ACTION_SYNC && x->new_session && !td_fault("sync-asks-nothing"))
        x->m.inventory = true;
    if (row != NULL && was_out(x, a) && row->state != TD_ROW_SENT && row->status != 0)
        return take_answer(x, tx, a, row, err);
    if (row != NULL && row->state == TD_ROW_FAILED)
        return never_said(x, tx, a, row, err);
    return look_at_accepted(x, tx, a, err);
}

/* --- orders ------------------------------------------------------------------------------------------------------- */

static const char *uri_of(struct td_exchange *x, const struct td_action_row *row)
{
    static const char place[] = "{provider}";
    size_t at = td_search(td_str(row->uri), TD_S("{provider}"));
    if (at == SIZE_MAX)
        return row->uri;
    return td_arena_printf(x->a, "%.*s%s%s", (int)at, row->uri, x->enrolment.provider, row->uri + at + strlen(place));
}

/* Drawn once for each asking: who is told twice must be told the same (autopilot.md 2.2). */
static const char *new_name(struct td_exchange *x, const struct td_action *a)
{
    char name[TD_NAME_MAX + 1];
    struct td_row *row = td_ledger_get(&x->ledger, key_of(x, a->id));
    if (row != NULL && row->value != NULL)
        return row->value;
    if (td_name_expand(td_str(a->parameter), x->enrolment.serial, x->svc->env, name, NULL) != TD_OK)
        return a->parameter;
    const char *drawn = td_arena_strdup(x->a, name);
    if (row != NULL)
        row->value = drawn;
    return drawn;
}

static enum td_code order(struct td_exchange *x, const struct td_action *a, struct td_action_order *ret,
                          struct td_error *err)
{
    const struct td_action_row *row = row_of(a);
    *ret = (struct td_action_order){.id = a->id,
                                    .uri = uri_of(x, row),
                                    .format = row->format,
                                    .data = row->data,
                                    .replace = strcmp(row->verb, "replace") == 0,
                                    .destroys = row->destroys};
    if (a->kind == TD_ACTION_RENAME)
        ret->data = new_name(x, a);
    else if (a->kind == TD_ACTION_RETIRE)
        ret->data = x->enrolment.provider;
    else if (a->kind == TD_ACTION_DIAGNOSTICS && !was_accepted(a))
        return td_diagnostic_order(x->svc, x->tenant, a->id, x->req->base, x->a, &ret->data, err);
    return TD_OK;
}

/* What it accepted is not handed out again, whatever became of the ledger. */
static void settle_row(struct td_exchange *x, const struct td_action *a)
{
    struct td_row *row = was_accepted(a) ? td_ledger_get(&x->ledger, key_of(x, a->id)) : NULL;
    if (row == NULL || row->state == TD_ROW_DONE)
        return;
    row->state = TD_ROW_DONE;
    x->ledger.changed = true;
}

static enum td_code make_orders(struct td_exchange *x, struct td_error *err)
{
    x->orders = td_arena_array(x->a, struct td_action_order, x->action_count + 1);
    x->order_count = 0;
    for (size_t i = 0; i < x->action_count; i++) {
        if (row_of(&x->actions[i])->uri[0] == '\0')
            continue;
        settle_row(x, &x->actions[i]);
        td_try(order(x, &x->actions[i], &x->orders[x->order_count++], err));
    }
    return TD_OK;
}

/* --- the message -------------------------------------------------------------------------------------------------- */

static enum td_code tell_stray_roll_back(struct td_exchange *x, struct td_tx *tx, struct td_error *err)
{
    bool may = false;
    if (x->rolled_back == NULL)
        return TD_OK;
    td_try(td_managed_may_tell(tx, x->tenant, x->enrolment.id, &may, err));
    if (may)
        td_mgmt_note(x, "management.rolled-back",
                     "{\"cause\":\"the device took a wipe back that nobody waits for any more\","
                     "\"remedy\":\"Ask again if it is still wanted.\"}");
    return TD_OK;
}

enum td_code td_mgmt_actions(struct td_exchange *x, struct td_tx *tx, struct td_error *err)
{
    td_try(list(x, tx, err));
    if (x->unenrolled)
        return TD_OK;
    if (x->new_session)
        carry_bootstrap(x);
    if (x->bootstrap && x->new_session && x->m.phase != TD_PHASE_NEW && !td_fault("bootstrap-means-nothing"))
        mark_bootstrap(x, true);
    for (size_t i = 0; i < x->action_count; i++)
        td_try(look_at(x, tx, &x->actions[i], err));
    td_try(tell_stray_roll_back(x, tx, err));
    if (x->action_count != 0)
        td_try(list(x, tx, err));
    td_try(look_at_reset(x, tx, err));
    if (x->action_count != 0)
        td_try(list(x, tx, err));
    return make_orders(x, err);
}

static enum td_code sent_one(struct td_exchange *x, struct td_tx *tx, const struct td_action *a, struct td_error *err)
{
    const struct td_row *row = handed_out(x, a);
    bool sync = a->kind == TD_ACTION_SYNC, delivered = a->state != TD_ACT_PENDING;
    bool out = row != NULL && row->state == TD_ROW_SENT && row->session == x->m.session_no && row->msg == x->msg_no;
    if (!delivered && (out || (sync && x->new_session))) {
        td_try(td_action_delivered(tx, x->tenant, a->id, err));
        delivered = true;
    }
    if (sync && delivered && !x->m.session_open)
        return td_action_contacted(tx, x->tenant, x->enrolment.id, err);
    return TD_OK;
}

enum td_code td_mgmt_actions_sent(struct td_exchange *x, struct td_tx *tx, struct td_error *err)
{
    for (size_t i = 0; i < x->action_count && !x->unenrolled; i++)
        td_try(sent_one(x, tx, &x->actions[i], err));
    return TD_OK;
}

/* --- the goodbye -------------------------------------------------------------------------------------------------- */

static enum td_code leave_unasked(struct td_exchange *x, struct td_tx *tx, struct td_error *err)
{
    struct td_event e = {.subject = x->enrolment.way_id, .type = "management.left", .actor = "device"};
    enum td_code rc = td_enrolment_end(tx, x->tenant, x->enrolment.id, err);
    if (rc != TD_OK && rc != TD_ESTATE)
        return rc;
    td_try(td_event_tell(tx, x->tenant, &e, err, "cause",
                         "a user or an administrator of the device ended its"
                         " management there; nobody asked for it here",
                         "remedy", "Enrol the device again if it is still yours, else retire its record.", NULL));
    rc = td_way_happened(tx, x->tenant, x->enrolment.way_id, TD_EV_UNENROLLED, "device", "{}", err);
    return rc == TD_ESTATE || rc == TD_ENOTFOUND ? TD_OK : rc;
}

enum td_code td_mgmt_leave(struct td_exchange *x, struct td_tx *tx, struct td_error *err)
{
    if (x->leaving != NULL)
        return td_action_answered(tx, x->tenant, x->leaving->id, x->leaving_status, 0, err);
    for (size_t i = 0; i < x->action_count; i++) /* one that was still to be delivered has got what it wanted, too */
        if (row_of(&x->actions[i])->end == TD_END_UNENROLLED)
            return td_action_finish(tx, x->tenant, x->actions[i].id, TD_ACT_DONE, NULL, err);
    return leave_unasked(x, tx, err);
}
