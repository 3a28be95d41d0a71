#include "store/deployment.h"

#include "base/fault.h"

#include <string.h>

struct run {
    const char *id, *failure;
    int64_t state, enrolment, device, account; /* enrolment: numbers of enrollmentState; the others td_run_state */
    int64_t started, enrolled, device_at, device_done, account_at, ended, failures;
};

enum { ENROLLED = 1, ENROLMENT_FAILED = 3, NOT_CONTACTED = 4 };

static enum td_code last_run(struct td_tx *tx, const char *tenant, const char *way, struct td_arena *a, struct run *ret,
                             bool *ret_found, struct td_error *err)
{
    struct td_rows r;
    *ret_found = false;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT id, failure, state, enrolment_state, device_state, account_state, started_at,"
                        " enrolled_at, device_at, device_done_at, account_at, ended_at, failures FROM deployment"
                        " WHERE tenant = $1 AND way_id = $2 ORDER BY started_at DESC LIMIT 1",
                        "ss", tenant, way));
    while (td_rows_next(&r)) {
        int64_t *numbers[] = {&ret->state,      &ret->enrolment, &ret->device,    &ret->account,
                              &ret->started,    &ret->enrolled,  &ret->device_at, &ret->device_done,
                              &ret->account_at, &ret->ended,     &ret->failures};
        ret->id = td_col_text0(&r, 0, a);
        ret->failure = td_col_text0(&r, 1, a);
        for (size_t i = 0; i < TD_COUNTOF(numbers); i++)
            *numbers[i] = td_col_int(&r, 2 + (int)i);
        *ret_found = true;
    }
    return td_rows_done(&r, err);
}

/* The profile's name is kept as it was when the run began; the enrolment is the way's once this run has one. The user
 * is the way's while it runs: whoever has the device afterwards was not deployed by it. */
static enum td_code save(struct td_tx *tx, const char *tenant, const char *way, const struct run *d,
                         struct td_error *err)
{
    return td_sql(tx, err,
                  "INSERT INTO deployment(tenant, id, way_id, enrolment_id, profile_name, state, enrolment_state,"
                  " device_state, account_state, started_at, enrolled_at, device_at, device_done_at, account_at,"
                  " ended_at, changed_at, failures, failure, user_upn)"
                  " VALUES ($1, $2, $3, CASE WHEN $9 = 0 THEN '' ELSE"
                  " COALESCE((SELECT w.enrolment_id FROM way w WHERE w.tenant = $1 AND w.id = $3), '') END,"
                  " COALESCE((SELECT p.name FROM way w JOIN registration r ON r.tenant = w.tenant"
                  " AND r.id = w.registration_id JOIN profile p ON p.tenant = r.tenant AND p.id = r.profile_id"
                  " WHERE w.tenant = $1 AND w.id = $3), (SELECT g.name FROM profile_given g WHERE g.tenant = $1"
                  " AND g.way_id = $3), ''), $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,"
                  " COALESCE((SELECT w.user_upn FROM way w WHERE w.tenant = $1 AND w.id = $3), ''))"
                  " ON CONFLICT(tenant, id) DO UPDATE SET enrolment_id = excluded.enrolment_id,"
                  " state = excluded.state, enrolment_state = excluded.enrolment_state,"
                  " device_state = excluded.device_state, account_state = excluded.account_state,"
                  " started_at = excluded.started_at, enrolled_at = excluded.enrolled_at,"
                  " device_at = excluded.device_at, device_done_at = excluded.device_done_at,"
                  " account_at = excluded.account_at, ended_at = excluded.ended_at, changed_at = excluded.changed_at,"
                  " failures = excluded.failures, failure = excluded.failure,"
                  " user_upn = CASE WHEN deployment.ended_at = 0 AND excluded.user_upn <> '' THEN excluded.user_upn"
                  " ELSE deployment.user_upn END",
                  "sssiiiiiiiiiiiis", tenant, d->id, way, d->state, d->enrolment, d->device, d->account, d->started,
                  d->enrolled, d->device_at, d->device_done, d->account_at, d->ended, td_tx_now(tx), d->failures,
                  d->failure);
}

static void begin(struct run *d, int64_t now)
{
    d->state = TD_RUN_IN_PROGRESS;
    d->enrolment = NOT_CONTACTED;
    d->device = d->account = TD_RUN_NOT_ATTEMPTED;
    d->enrolled = d->device_at = d->device_done = d->account_at = d->ended = 0;
    if (d->started == 0)
        d->started = now;
}

static int64_t success_of(int64_t before)
{
    return before == TD_RUN_FAILURE ? TD_RUN_SUCCESS_ON_RETRY : TD_RUN_SUCCESS;
}

/* The page shows this code for a time-out; the person went on by another try or by 'continue anyway'. */
static bool timed_out(const struct run *d)
{
    return strstr(d->failure, "0x800705b4") != NULL;
}

static void ready(struct run *d, int64_t now)
{
    if (d->device_at != 0 && d->device_done == 0) {
        d->device = success_of(d->device);
        d->device_done = now;
    }
    d->account = d->account_at != 0 ? success_of(d->account) : TD_RUN_DISABLED;
    d->state = d->failures == 0 ? TD_RUN_SUCCESS : timed_out(d) ? TD_RUN_SUCCESS_WITH_TIMEOUT : TD_RUN_SUCCESS_ON_RETRY;
    d->ended = now;
}

/* The phase that was under way fails with the run. */
static void fail_run(struct run *d, int64_t now, const char *detail)
{
    d->state = TD_RUN_FAILURE;
    if (d->account_at != 0)
        d->account = TD_RUN_FAILURE;
    else if (d->device_at != 0 && d->device_done == 0)
        d->device = TD_RUN_FAILURE;
    else if (d->enrolled == 0)
        d->enrolment = ENROLMENT_FAILED;
    d->ended = now;
    d->failures++;
    d->failure = detail;
}

/* Un-joined, reset or retired before it was ready. Behind the device phase that is the shelf of pre-provisioning
 * (autopilot.md 3.4), and the run did what it was to do. */
static void leave(struct run *d, int64_t now)
{
    if (d->device_done != 0 && d->account_at == 0) {
        d->state = d->failures == 0 ? TD_RUN_SUCCESS : TD_RUN_SUCCESS_ON_RETRY;
        d->ended = now;
        return;
    }
    fail_run(d, now, "{\"cause\":\"the device left before it was ready\",\"remedy\":\"Start it again from its box.\"}");
}

/* Joined here and sent on: a run that did what it was to do. It was never enrolled here and had no status page of ours.
 */
static void hand_over(struct run *d, int64_t now)
{
    d->state = d->failures == 0 ? TD_RUN_SUCCESS : TD_RUN_SUCCESS_ON_RETRY;
    d->enrolment = NOT_CONTACTED;
    d->device = d->account = TD_RUN_DISABLED;
    d->ended = now;
}

static void enrolled(struct run *d, int64_t now)
{
    d->enrolment = ENROLLED;
    d->enrolled = now;
}

static void reach(struct run *d, unsigned is, int64_t now)
{
    if (is >= TD_D_ENROLLED && is != TD_D_ATTESTED && d->enrolled == 0)
        enrolled(d, now);
    if (is == TD_D_DEVICE_SETUP) {
        d->device = d->device == TD_RUN_FAILURE ? d->device : TD_RUN_IN_PROGRESS;
        d->device_at = d->device_at != 0 ? d->device_at : now;
    } else if (is == TD_D_DEVICE_DONE) {
        d->device_at = d->device_at != 0 ? d->device_at : now;
        d->device = success_of(d->device);
        d->device_done = now;
    } else if (is == TD_D_ACCOUNT_SETUP) {
        d->account = d->account == TD_RUN_FAILURE ? d->account : TD_RUN_IN_PROGRESS;
        d->account_at = d->account_at != 0 ? d->account_at : now;
    }
}

static void step(struct run *d, unsigned is, enum td_way_event event, int64_t now, const char *detail)
{
    if (is == TD_D_IDLE) {
        if (d->ended == 0)
            leave(d, now);
        return;
    }
    if (is == TD_D_FAILED) {
        fail_run(d, now, detail);
        return;
    }
    if (is == TD_D_HANDED_OVER) {
        hand_over(d, now);
        return;
    }
    if (event == TD_EV_SIGNED_IN || (event == TD_EV_ATTESTED && !td_fault("run-goes-on-attested")))
        begin(d, now);
    if (!td_fault("run-ends-for-ever")) {
        d->state = TD_RUN_IN_PROGRESS;
        d->ended = 0;
    }
    if (is == TD_D_READY || is == TD_D_PROVISIONED) /* a technician's part is a run of its own (autopilot.md 6.4) */
        ready(d, now);
    else
        reach(d, is, now);
}

/* Set up anew before it was ready: what begins now is a run of its own. */
static enum td_code give_up(struct td_tx *tx, const char *tenant, const char *way, struct run *d, struct td_error *err)
{
    leave(d, td_tx_now(tx));
    return save(tx, tenant, way, d, err);
}

enum td_code td_deployment_step(struct td_tx *tx, const char *tenant, const struct td_way_row *row, unsigned was,
                                enum td_way_event event, const char *detail, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    unsigned is = row->way.state[TD_M_DEPLOYMENT];
    struct run d = {.failure = ""};
    bool found = false;
    if (is == was && event != TD_EV_RESET)
        return TD_OK;
    td_try(last_run(tx, tenant, row->id, &a, &d, &found, err));
    bool rested = was == TD_D_READY || was == TD_D_HANDED_OVER || was == TD_D_PROVISIONED;
    bool fresh = was == TD_D_IDLE || rested || event == TD_EV_RESET;
    if (!found && !fresh)
        return TD_OK; /* nobody deploys it */
    if (event == TD_EV_RESET && found && d.ended == 0)
        td_try(give_up(tx, tenant, row->id, &d, err));
    if (fresh) {
        d = (struct run){.id = td_uuid_rising(td_tx_env(tx), &a), .failure = ""};
        if (rested && is == TD_D_IDLE)
            return TD_OK;
        begin(&d, td_tx_now(tx));
    }
    step(&d, is, event, td_tx_now(tx), detail != NULL ? detail : "");
    return save(tx, tenant, row->id, &d, err);
}

enum td_code td_deployment_user(struct td_tx *tx, const char *tenant, const char *way_id, const char *upn,
                                struct td_error *err)
{
    if (upn[0] == '\0')
        return TD_OK;
    return td_sql(tx, err,
                  "UPDATE deployment SET user_upn = $3 WHERE tenant = $1 AND user_upn = '' AND id = (SELECT x.id FROM"
                  " deployment x WHERE x.tenant = $1 AND x.way_id = $2 ORDER BY x.started_at DESC LIMIT 1)"
                  " AND NOT EXISTS (SELECT 1 FROM way w WHERE w.tenant = $1 AND w.id = $2 AND w.deployment_state = $4)",
                  "sssi", tenant, way_id, upn, (int64_t)TD_D_PROVISIONED); /* that run was a technician's */
}

struct silent {
    const char *tenant, *way;
};

static enum td_code list_silent(struct td_tx *tx, int64_t before, size_t max, struct td_arena *a, struct silent *list,
                                size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    size_t n = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT d.tenant, d.way_id FROM deployment d JOIN way w ON w.tenant = d.tenant"
                        " AND w.id = d.way_id WHERE d.ended_at = 0 AND d.changed_at < $1 AND w.last_contact_at < $1"
                        " ORDER BY d.changed_at LIMIT $2",
                        "ii", before, (int64_t)max));
    while (td_rows_next(&r) && n < max)
        list[n++] = (struct silent){td_col_text(&r, 0, a), td_col_text(&r, 1, a)};
    *ret_count = n;
    return td_rows_done(&r, err);
}

enum td_code td_deployment_is_overdue(struct td_tx *tx, bool *ret, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct silent one;
    size_t count = 0;
    td_try(list_silent(tx, td_tx_now(tx) - TD_RUN_SILENCE, 1, &a, &one, &count, err));
    *ret = count != 0;
    return TD_OK;
}

enum td_code td_deployment_overdue(struct td_tx *tx, size_t max, size_t *ret_ended, struct td_error *err)
{
    static const char detail[] = "{\"step\":\"deployment\",\"cause\":\"the device has not been heard of for more than a"
                                 " day\",\"remedy\":\"Switch it on where there is a network; it goes on by itself, or"
                                 " start it again from its box.\"}";
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct silent *list = td_arena_array(&a, struct silent, max);
    int64_t now = td_tx_now(tx);
    size_t count = 0;
    int64_t before = td_fault("run-ends-while-heard") ? now : now - TD_RUN_SILENCE;
    td_try(list_silent(tx, before, max, &a, list, &count, err));
    for (size_t i = 0; i < count; i++) {
        struct run d = {0};
        bool found = false;
        td_try(last_run(tx, list[i].tenant, list[i].way, &a, &d, &found, err));
        if (!found || d.ended != 0)
            continue;
        fail_run(&d, now, detail);
        td_try(save(tx, list[i].tenant, list[i].way, &d, err));
    }
    *ret_ended = count;
    return TD_OK;
}
