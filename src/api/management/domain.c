/* Management: a hybrid device and its computer account (autopilot.md 3.2, csp.md 12).
 *
 * Devices that have no hybrid profile send OdjSync too: for them nothing here happens. The blob is opened for the
 * message that carries it, goes to the enrolment that it was made for and to no other, again only while no Status came,
 * and is destroyed with the first one. */
#include "api/connector.h"
#include "api/hybrid.h"
#include "api/management/room.h"
#include "base/encode.h"
#include "base/fault.h"
#include "store/connector.h"
#include "store/event.h"
#include "store/way.h"

#include <stdio.h>

/* A device that waits says so in every session; what failed is asked for again in a while. */
static const int64_t ask_again = 3 * TD_MINUTE;

#define TROUBLE_AGAIN (10 * TD_MINUTE)

static struct td_row *answer_row(const struct td_exchange *x)
{
    struct td_row *row = td_ledger_find(&x->ledger, TD_DOMAIN_BLOB_KEY);
    return row != NULL && row->version == td_want_text_version(x->domain.id) ? row : NULL;
}

static bool was_handed_out(const struct td_exchange *x)
{
    return x->domain.state == TD_DJS_CREATED || x->domain.state == TD_DJS_DELIVERED;
}

static enum td_code reread(struct td_exchange *x, struct td_tx *tx, struct td_error *err)
{
    x->domain.id = NULL;
    enum td_code rc = td_domain_join_of(tx, x->tenant, x->enrolment.id, x->a, &x->domain, err);
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

/* --- what the device said ----------------------------------------------------------------------------------------- */

/* Devices say it by the code that Windows has for the cause, else by the Status alone. */
static enum td_domain_reason reason_of(uint32_t hresult)
{
    static const enum td_domain_reason told[] = {TD_DJ_BAD_BLOB, TD_DJ_ALREADY, TD_DJ_DEVICE_NO_DC, TD_DJ_DEVICE_CLOCK,
                                                 TD_DJ_DEVICE_REFUSED};
    for (size_t i = 0; i < TD_COUNTOF(told); i++)
        if (td_domain_reason_row(told[i])->hresult == hresult)
            return told[i];
    return TD_DJ_BAD_BLOB;
}

static enum td_code refused(struct td_exchange *x, struct td_tx *tx, struct td_row *row, struct td_error *err)
{
    char detail[96];
    int n = snprintf(detail, sizeof(detail),
                     row->status == 413 ? "it does not fit into a message (%d)" : "the device answered with Status %d",
                     row->status);
    if (row->original_error != 0)
        (void)snprintf(detail + n, sizeof(detail) - (size_t)n, " and code 0x%08x", row->original_error);
    row->state = TD_ROW_FAILED; /* the same octets once more would meet the same */
    x->ledger.changed = true;
    td_try(td_domain_join_failed(tx, x->tenant, x->domain.id, reason_of(row->original_error), detail, err));
    return reread(x, tx, err);
}

/* A word of "failed" that stood meanwhile goes. */
static enum td_code confirmed(struct td_exchange *x, struct td_tx *tx, struct td_error *err)
{
    td_try(td_domain_join_confirmed(tx, x->tenant, x->domain.id, err));
    if (x->m.phase == TD_PHASE_DEVICE) {
        x->progress.failed = false;
        td_mgmt_tell(x, &(struct td_mgmt_event){.way = TD_EV_DEVICE_SETUP});
    }
    return reread(x, tx, err);
}

static enum td_code take_answer(struct td_exchange *x, struct td_tx *tx, struct td_error *err)
{
    struct td_row *row = answer_row(x);
    if (!was_handed_out(x) || row == NULL)
        return TD_OK;
    if (row->state == TD_ROW_DONE)
        return confirmed(x, tx, err);
    if (row->state != TD_ROW_SENT && row->status != 0)
        return refused(x, tx, row, err);
    bool silent = x->domain.handed_out >= TD_PLAN_ATTEMPTS && row->state != TD_ROW_SENT;
    if (!silent || td_fault("domain-blob-for-ever"))
        return TD_OK;
    td_try(td_domain_join_failed(tx, x->tenant, x->domain.id, TD_DJ_DELIVERED, "the device never said that it took it",
                                 err));
    return reread(x, tx, err);
}

/* Between its blob and its registration. Beside the way: the device tries on, or is started again once it is mended. */
static enum td_code take_trouble(struct td_exchange *x, struct td_tx *tx, struct td_error *err)
{
    bool lately = false;
    struct td_error why = {.code = TD_OK};
    enum td_domain_reason reason = reason_of(x->domain_trouble);
    bool has_it = x->domain.state == TD_DJS_DELIVERED || x->domain.state == TD_DJS_CONFIRMED;
    if (reason < TD_DJ_DEVICE_NO_DC || reason > TD_DJ_DEVICE_REFUSED || !has_it || x->enrolment.device_id[0] != '\0')
        return TD_OK;
    (void)td_domain_refuse(&why, reason, "it says so itself");
    td_try(td_event_lately(tx, x->tenant, x->enrolment.way_id, td_way_event_word(TD_EV_FAILED), why.where,
                           td_tx_now(tx) - TROUBLE_AGAIN, &lately, err));
    if (lately && !td_fault("domain-trouble-without-end"))
        return TD_OK;
    return td_way_failed_aside(tx, x->tenant, x->enrolment.way_id, "domain-contact", &why, "device", err);
}

/* --- what it gets ------------------------------------------------------------------------------------------------- */

static bool is_due(const struct td_exchange *x, struct td_tx *tx)
{
    if (!x->odj || !x->hybrid || x->enrolment.device_id[0] != '\0')
        return false;
    return x->domain.id == NULL ||
           (x->domain.state == TD_DJS_FAILED && td_tx_now(tx) - x->domain.changed_at >= ask_again);
}

/* What stands in the way while nothing has failed yet: no item, which may come; no connector, whose work waits. */
static enum td_code ask(struct td_exchange *x, struct td_tx *tx, struct td_error *err)
{
    struct td_error why = {.code = TD_OK};
    bool served = false;
    enum td_code rc = td_hybrid_ask(x->svc, tx, &x->enrolment, x->a, &x->domain, &why);
    if (rc == TD_ENOTFOUND || rc == TD_EINVAL) {
        x->domain.id = NULL;
        x->domain_refusal = why;
        return TD_OK;
    }
    if (rc != TD_OK) {
        if (err != NULL)
            *err = why;
        return rc;
    }
    x->account_asked = true;
    td_try(td_connector_serves(tx, x->tenant, x->domain.domain, &served, err));
    if (!served)
        (void)td_domain_refuse(&x->domain_refusal, TD_DJ_NO_CONNECTOR, x->domain.domain);
    return TD_OK;
}

static bool has_settings(const struct td_exchange *x)
{
    for (size_t i = 0; i < x->item_count; i++)
        if (x->items[i].kind == TD_ITEM_DOMAIN_JOIN)
            return true;
    return false;
}

/* Of work that is tried again: what is wrong with its connector. A name that was taken is no problem while another one
 * is tried. */
static enum td_domain_reason in_the_way(const struct td_domain_join *j)
{
    const struct td_domain_reason_row *row = td_domain_reason_by_name(j->failure);
    if (row == NULL)
        return TD_DJ_OK;
    bool passing = row->reason < TD_DJ_NO_DC || row->reason > TD_DJ_SERVICE_LOCKED;
    return j->state != TD_DJS_FAILED && passing ? TD_DJ_OK : row->reason;
}

/* What its page says in every message, whatever this one brought: of the work, or of what it lacks. */
static enum td_code find_problem(struct td_exchange *x, struct td_tx *tx, struct td_error *err)
{
    const struct td_domain_reason_row *refusal = td_domain_reason_by_name(x->domain_refusal.where);
    const struct td_domain_join *j = &x->domain;
    bool served = true;
    x->domain_problem = TD_DJ_OK;
    if (!x->hybrid || x->enrolment.device_id[0] != '\0' || td_fault("domain-problem-untold"))
        return TD_OK;
    if (j->id == NULL) {
        x->domain_problem = !has_settings(x) ? TD_DJ_NO_SETTINGS : refusal != NULL ? refusal->reason : TD_DJ_OK;
        return TD_OK;
    }
    if (j->state == TD_DJS_QUEUED || j->state == TD_DJS_CREATING || j->state == TD_DJS_FAILED)
        x->domain_problem = in_the_way(j);
    if (x->domain_problem == TD_DJ_OK && j->state == TD_DJS_QUEUED)
        td_try(td_connector_serves(tx, x->tenant, j->domain, &served, err));
    if (!served)
        x->domain_problem = TD_DJ_NO_CONNECTOR;
    return TD_OK;
}

static bool begins_now(const struct td_exchange *x)
{
    for (size_t i = 0; i < x->event_count; i++)
        if (x->events[i]->type == NULL && x->events[i]->way == TD_EV_DEVICE_SETUP)
            return true;
    return false;
}

/* An account that failed before the first session did is no less failed by the phase that begins with it. */
static void tell_again(struct td_exchange *x)
{
    const struct td_domain_join *j = &x->domain;
    const struct td_domain_reason_row *row = td_domain_reason_by_name(j->failure);
    if (j->id != NULL && j->state == TD_DJS_FAILED && row != NULL && begins_now(x) &&
        !td_fault("domain-failure-mended-by-a-session"))
        (void)td_domain_refuse(&x->domain_refusal, row->reason, j->detail);
}

/* Once a phase, as every failure of it is told. */
void td_mgmt_domain_tell(struct td_exchange *x)
{
    if (x->domain_refusal.code == TD_OK)
        tell_again(x);
    if (x->domain_refusal.code == TD_OK || x->progress.failed)
        return;
    td_mgmt_tell(x, &(struct td_mgmt_event){.way = TD_EV_FAILED, .failure = x->domain_refusal});
    x->progress.failed = x->m.failed = true;
}

static enum td_code open_blob(struct td_exchange *x, struct td_error *err)
{
    struct td_slice blob = TD_S("");
    const struct td_row *row = answer_row(x);
    x->blob = NULL;
    if (!was_handed_out(x) || x->domain.sealed.n == 0 || x->no_commands ||
        (row != NULL && row->state != TD_ROW_PENDING))
        return TD_OK;
    td_try(td_connector_blob(x->svc, &x->domain, x->a, &blob, err));
    x->blob = td_b64(x->a, blob);
    return TD_OK;
}

/* The ledger may have begun anew behind it: what the device has is not sent again. */
static void remember_confirmed(struct td_exchange *x)
{
    struct td_row *row = td_ledger_get(&x->ledger, TD_DOMAIN_BLOB_KEY);
    uint64_t version = td_want_text_version(x->domain.id);
    if (row == NULL || (row->state == TD_ROW_DONE && row->version == version))
        return;
    row->version = version;
    row->state = TD_ROW_DONE;
    row->status = 200;
    x->ledger.changed = true;
}

enum td_code td_mgmt_domain(struct td_exchange *x, struct td_tx *tx, struct td_error *err)
{
    x->domain.id = NULL;
    x->blob = NULL;
    x->domain_problem = TD_DJ_OK;
    if (!x->hybrid && td_ledger_find(&x->ledger, TD_DOMAIN_BLOB_KEY) == NULL)
        return TD_OK;
    td_try(reread(x, tx, err));
    if (x->domain.id != NULL)
        td_try(take_answer(x, tx, err));
    if (x->domain.id != NULL && x->domain_trouble != 0)
        td_try(take_trouble(x, tx, err));
    if (is_due(x, tx))
        td_try(ask(x, tx, err));
    if (x->domain.id != NULL && x->domain.state == TD_DJS_CONFIRMED)
        remember_confirmed(x);
    td_try(find_problem(x, tx, err));
    return x->domain.id != NULL ? open_blob(x, err) : TD_OK;
}

struct td_domain_order td_mgmt_domain_order(const struct td_exchange *x)
{
    const struct td_domain_join *j = &x->domain;
    const char *uri = td_desired_error_text_uri(x->enrolment.provider, x->a);
    const char *problem = x->domain_problem != TD_DJ_OK ? td_domain_told(x->domain_problem, x->a) : NULL;
    bool told = x->hybrid && td_ledger_find(&x->ledger, td_arena_printf(x->a, "R %s", uri)) != NULL;
    if (j->id == NULL)
        return (struct td_domain_order){.problem = problem, .told = told};
    return (struct td_domain_order){
        .problem = problem,
        .told = told,
        .job = j->id,
        .item = j->item,
        .name = j->account_guid[0] != '\0' ? j->name : "",
        .blob = x->blob,
        .open = j->state != TD_DJS_CONFIRMED,
        .unregistered = x->enrolment.device_id[0] == '\0',
    };
}

enum td_code td_mgmt_domain_sent(struct td_exchange *x, struct td_tx *tx, struct td_error *err)
{
    const struct td_row *row = x->blob != NULL ? answer_row(x) : NULL;
    bool now = row != NULL && row->state == TD_ROW_SENT && row->session == x->m.session_no && row->msg == x->msg_no;
    return now ? td_domain_join_delivered(tx, x->tenant, x->domain.id, err) : TD_OK;
}
