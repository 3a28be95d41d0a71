/* The end of a life in one go (store/life_end.h; autopilot.md 3.9: wipe, management, registration, directory). */
#include "base/fault.h"
#include "codec/json.h"
#include "store/device.h"
#include "store/directory.h"
#include "store/domain_join.h"
#include "store/event.h"
#include "store/life.h"
#include "store/life_end.h"
#include "store/tenant.h"
#include "store/way.h"

struct intention {
    const char *way_id, *action_id, *reason, *actor;
    bool deregister, found;
};

static enum td_code find_intention(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                                   struct intention *ret, struct td_error *err)
{
    struct td_rows r;
    *ret = (struct intention){.way_id = way_id};
    td_try(td_sql_query(tx, &r, err,
                        "SELECT action_id, deregister, reason, actor FROM life_end WHERE tenant = $1 AND way_id = $2",
                        "ss", tenant, way_id));
    while (td_rows_next(&r))
        *ret = (struct intention){.way_id = way_id,
                                  .action_id = td_col_text0(&r, 0, a),
                                  .deregister = td_col_int(&r, 1) != 0,
                                  .reason = td_col_text0(&r, 2, a),
                                  .actor = td_col_text0(&r, 3, a),
                                  .found = true};
    return td_rows_done(&r, err);
}

static enum td_code keep_intention(struct td_tx *tx, const char *tenant, const struct intention *i,
                                   struct td_error *err)
{
    return td_sql(tx, err,
                  "INSERT INTO life_end(tenant, way_id, action_id, deregister, reason, actor, asked_at)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, way_id) DO UPDATE SET"
                  " action_id = excluded.action_id, deregister = excluded.deregister, reason = excluded.reason,"
                  " actor = excluded.actor, asked_at = excluded.asked_at",
                  "sssissi", tenant, i->way_id, i->action_id, (int64_t)i->deregister, i->reason, i->actor,
                  td_tx_now(tx));
}

static enum td_code drop_intention(struct td_tx *tx, const char *tenant, const char *way_id, struct td_error *err)
{
    return td_sql(tx, err, "DELETE FROM life_end WHERE tenant = $1 AND way_id = $2", "ss", tenant, way_id);
}

static enum td_code step(struct td_tx *tx, const char *tenant, const struct intention *i, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf detail;
    struct td_jsonw w;
    td_buf_init(&detail, 4096);
    td_jsonw_init(&w, &detail);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "by", i->actor);
    if (i->reason[0] != '\0')
        td_jsonw_kstr(&w, "reason", i->reason);
    td_jsonw_end(&w);
    td_try(td_buf_check(&detail, "event", err));
    enum td_code rc = td_way_happened(tx, tenant, i->way_id, TD_EV_RETIRED, i->actor, detail.p, err);
    return rc == TD_ESTATE ? TD_OK : rc;
}

/* Only what has joined leaves: the object that waits for a registered machine goes with the registration. */
static enum td_code leave_directory(struct td_tx *tx, const char *tenant, const char *device_id, const char *actor,
                                    struct td_arena *a, bool *ret_left, struct td_error *err)
{
    struct td_device_row d = {.id = ""};
    if (device_id[0] == '\0')
        return TD_OK;
    enum td_code rc = td_device_find(tx, tenant, device_id, a, &d, err);
    if (rc == TD_ENOTFOUND || (rc == TD_OK && d.joined_at == 0))
        return TD_OK;
    td_try(rc);
    *ret_left = true;
    return td_device_remove(tx, tenant, device_id, actor, err);
}

static enum td_code deregister(struct td_tx *tx, const char *tenant, const char *registration_id, const char *actor,
                               bool *ret_done, struct td_error *err)
{
    if (registration_id[0] == '\0')
        return TD_OK;
    *ret_done = true;
    return td_registration_remove(tx, tenant, registration_id, actor, err);
}

/* Everything that the service can do alone. */
static enum td_code finish(struct td_tx *tx, const char *tenant, const struct intention *i, struct td_arena *a,
                           bool *ret_left, bool *ret_deregistered, struct td_error *err)
{
    struct td_way_row way = {.id = ""};
    td_try(drop_intention(tx, tenant, i->way_id, err));
    td_try(td_way_find(tx, tenant, TD_WAY_ID, i->way_id, a, &way, err));
    td_try(td_life_forget_account(tx, tenant, i->way_id, err));
    td_try(leave_directory(tx, tenant, way.device_id, i->actor, a, ret_left, err));
    if (way.way.state[TD_M_ACTION] != TD_A_RETIRED)
        td_try(step(tx, tenant, i, err));
    return i->deregister ? deregister(tx, tenant, way.registration_id, i->actor, ret_deregistered, err) : TD_OK;
}

enum td_code td_life_follow(struct td_tx *tx, const char *tenant, const struct td_action *x, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct intention i;
    bool left = false, deregistered = false;
    td_try(find_intention(tx, tenant, x->way_id, &a, &i, err));
    bool while_asking = i.found && i.action_id[0] == '\0' && x->state == TD_ACT_DONE;
    if (!i.found || (!while_asking && strcmp(i.action_id, x->id) != 0) || td_fault("life-end-forgotten"))
        return TD_OK;
    if (x->state == TD_ACT_DONE)
        return finish(tx, tenant, &i, &a, &left, &deregistered, err);
    td_try(drop_intention(tx, tenant, x->way_id, err));
    const struct td_event e = {.subject = x->way_id, .type = "device.retirement-stopped", .actor = "system"};
    return td_event_tell(tx, tenant, &e, err, "action", td_action_rows[x->kind].word, "id", x->id, "cause",
                         x->cause != NULL && x->cause[0] != '\0' ? x->cause : td_action_state_word(x->state), NULL);
}

static enum td_code ask_device(struct td_tx *tx, const char *tenant, const struct td_life_retiring *what,
                               const struct intention *i, struct td_arena *a, struct td_life_retired *ret,
                               struct td_error *err)
{
    const struct td_action_asking asking = {.kind = what->now    ? TD_ACTION_DELETE
                                                    : what->wipe ? TD_ACTION_WIPE
                                                                 : TD_ACTION_RETIRE,
                                            .reason = i->reason,
                                            .actor = i->actor};
    td_try(keep_intention(tx, tenant, i, err));
    td_try(td_action_ask(tx, tenant, ret->enrolment_id, &asking, a, &ret->action, err));
    return td_sql(tx, err, "UPDATE life_end SET action_id = $3 WHERE tenant = $1 AND way_id = $2", "sss", tenant,
                  i->way_id, ret->action.id);
}

/* Of an account that we made and the tenant keeps, or that somebody else made: nobody takes it away but people. */
static enum td_code name_computer(struct td_tx *tx, const char *tenant, const struct td_device_row *d,
                                  struct td_life_retired *ret, struct td_arena *a, struct td_error *err)
{
    struct td_domain_join j = {.name = ""};
    const char *policy = "";
    enum td_code rc = td_domain_join_account(tx, tenant, ret->way_id, a, &j, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    td_try(td_tenant_get(tx, tenant, "computer-account-at-end", a, &policy, err));
    if (rc == TD_OK && strcmp(policy, "keep") == 0)
        ret->computer = j.name;
    else if (rc == TD_ENOTFOUND && d != NULL && strcmp(d->trust_type, "ServerAd") == 0)
        ret->computer = d->display_name;
    return TD_OK;
}

/* What came of it: read back, because an action may end in the transaction that asks for it. */
static enum td_code look(struct td_tx *tx, const char *tenant, struct td_life_retired *ret, struct td_arena *a,
                         struct td_error *err)
{
    struct td_way_row way = {.id = ""};
    struct td_device_row d = {.id = ""};
    td_try(td_way_find(tx, tenant, TD_WAY_ID, ret->way_id, a, &way, err));
    if (ret->action.id[0] != '\0')
        td_try(td_action_find(tx, tenant, ret->action.id, a, &ret->action, err));
    ret->deregistered = ret->registration_id[0] != '\0' && way.registration_id[0] == '\0';
    if (ret->device_id[0] == '\0')
        return TD_OK;
    enum td_code rc = td_device_find(tx, tenant, ret->device_id, a, &d, err);
    ret->left_directory = rc == TD_ENOTFOUND;
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    return name_computer(tx, tenant, rc == TD_OK ? &d : NULL, ret, a, err);
}

static enum td_code gather(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                           struct td_life_retired *ret, struct td_error *err)
{
    struct td_life life;
    struct td_way_row way = {.id = ""};
    td_try(td_life_find(tx, tenant, key, a, &life, err));
    td_try(td_way_find(tx, tenant, TD_WAY_ID, life.ways[life.way_count - 1], a, &way, err));
    *ret =
        (struct td_life_retired){.way_id = way.id,
                                 .serial = life.serial,
                                 .registration_id = way.registration_id,
                                 .enrolment_id = way.way.state[TD_M_ENROLMENT] == TD_E_ENROLLED ? way.enrolment_id : "",
                                 .device_id = way.device_id,
                                 .action = {.id = ""},
                                 .computer = ""};
    return TD_OK;
}

enum td_code td_life_retire(struct td_tx *tx, const char *tenant, const struct td_life_retiring *what,
                            struct td_arena *a, struct td_life_retired *ret, struct td_error *err)
{
    bool left = false, deregistered = false;
    td_try(gather(tx, tenant, what->key, a, ret, err));
    const struct intention i = {.way_id = ret->way_id,
                                .action_id = "",
                                .reason = what->reason != NULL ? what->reason : "",
                                .actor = what->actor,
                                .deregister = what->deregister,
                                .found = true};
    if (strlen(i.reason) > TD_ACTION_REASON_MAX)
        return td_fail(err, TD_ELIMIT, "reason", "longer than %d octets", TD_ACTION_REASON_MAX);
    if (ret->enrolment_id[0] != '\0')
        td_try(ask_device(tx, tenant, what, &i, a, ret, err));
    else if (what->wipe && !what->now)
        return td_remedy(err, td_fail(err, TD_ESTATE, "device", "it is not managed, so it can't be wiped from here"),
                         "Leave --wipe away to end what is left of it here.");
    else
        td_try(finish(tx, tenant, &i, a, &left, &deregistered, err));
    return look(tx, tenant, ret, a, err);
}
