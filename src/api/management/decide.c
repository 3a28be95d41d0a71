/* Management: which session this is, what is wanted now, how far the device is. */
#include "api/management/room.h"
#include "base/fault.h"
#include "codec/hwhash.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "store/provisioning.h"
#include "way/names.h"

#include <stdio.h>

#define HASH_URI "./DevDetail/Ext/DeviceHardwareData"

static void begin_session(struct td_exchange *x)
{
    struct td_managed *m = &x->m;
    const struct td_row *hash = td_ledger_find(&x->ledger, "G " HASH_URI);
    td_plan_reopen(&x->ledger, m->session_no, false);
    m->session_no++;
    m->session_id = x->msg.session_id;
    m->messages = 0;
    m->session_open = true;
    m->challenged = m->user_active = false;
    m->max_msg = 0;
    m->owed = "";
    /* csp.md 21: the first session of every enrolment, and until it was answered once */
    m->inventory = hash == NULL || hash->state == TD_ROW_PENDING || hash->state == TD_ROW_SENT;
    if (m->chunk_uri[0] != '\0') {
        m->chunk_uri = "";
        x->chunk_changed = true;
    }
    x->new_session = true;
}

/* oma-dm.md 3 rule 7. A number that fits nothing gets its statuses and the end. */
static void place_message(struct td_exchange *x)
{
    struct td_managed *m = &x->m;
    bool next = m->session_open && strcmp(m->session_id, x->msg.session_id) == 0 &&
                (x->msg_no == (uint64_t)m->last_msg + 1 || td_fault("dm-any-msgid"));
    if (x->msg_no == 1) {
        begin_session(x);
    } else if (!next) {
        td_plan_reopen(&x->ledger, m->session_no, false);
        x->no_commands = x->end = true;
    }
    m->last_msg = (int64_t)TD_MIN(x->msg_no, (uint64_t)INT64_MAX);
    m->messages++;
    memcpy(m->body_hash, x->body_hash, sizeof(m->body_hash));
    if (m->messages >= TD_MANAGEMENT_MAX_MESSAGES)
        x->no_commands = x->end = true;
}

/* Drawn once: a template with random digits must give one name for ever (autopilot.md 2.2). */
static void draw_name(struct td_exchange *x)
{
    char name[TD_NAME_MAX + 1];
    struct td_error why;
    if (!x->has_profile || x->m.computer_name[0] != '\0' || x->name_template[0] == '\0')
        return;
    if (td_name_expand(td_str(x->name_template), x->serial, x->svc->env, name, &why) == TD_OK)
        x->m.computer_name = td_arena_strdup(x->a, name);
    else if (x->new_session)
        td_mgmt_note(x, "configuration.name-refused",
                     "{\"cause\":\"the profile's name template gives no valid name\","
                     "\"remedy\":\"Mend the template of the profile.\"}");
}

/* Another one has taken the device over since it was enrolled, or it was enrolled for nobody by a technician. */
static bool is_other_user(const struct td_enrolment *e)
{
    if (e->provisioning == TD_PROV_USER)
        return true;
    return e->former_user[0] != '\0' && strcmp(e->former_user, e->user_id) != 0;
}

/* Its deployment is over, and the restarts that belong to it. */
static bool is_settled(const struct td_exchange *x)
{
    return x->progress.phase == TD_PHASE_READY && td_now(x->svc->env) - x->progress.since >= TD_MINUTE;
}

static void make_desired(struct td_exchange *x)
{
    const char *const *given;
    size_t given_count = td_plan_given(&x->ledger, x->a, &given);
    struct td_desired_in in = {
        .provider = x->enrolment.provider,
        .user_upn = x->enrolment.user_upn,
        .computer_name = x->m.computer_name,
        .standard_user = x->standard_user,
        .hybrid = x->hybrid,
        .user_sid = x->user_sid,
        .inventory = x->m.inventory,
        .awaits_user = x->enrolment.awaited,
        .for_nobody = x->enrolment.plug_and_forget,
        .other_user = is_other_user(&x->enrolment),
        .ask_redeployment = td_mgmt_asks_redeployment(x),
        .ask_release = td_mgmt_asks_release(x),
        .actions = x->orders,
        .action_count = x->order_count,
        .domain = td_mgmt_domain_order(x),
        .registered = x->enrolment.registration_id[0] != '\0',
        .mismatch = x->mismatch,
        .setup = x->progress.phase != TD_PHASE_READY,
        .account = x->progress.phase == TD_PHASE_ACCOUNT || x->progress.phase == TD_PHASE_READY,
        .page = x->has_page ? &x->page : NULL,
        .page_is_default = x->status_page.is_default,
        .items = x->items,
        .item_count = x->item_count,
        .settled = is_settled(x),
        .given = given,
        .given_count = given_count,
    };
    td_desired_make(&in, x->a, &x->desired);
    td_plan_align(&x->desired, &x->ledger);
}

static const char *item_name(const struct td_exchange *x, const char *id)
{
    for (size_t i = 0; i < x->item_count; i++)
        if (strcmp(x->items[i].id, id) == 0)
            return x->items[i].name;
    return id;
}

/* People know items by their names. */
static void name_item(const struct td_exchange *x, char *where, size_t room)
{
    const char *name = item_name(x, where);
    if (name != where)
        (void)snprintf(where, room, "%s", name);
}

static void advance(struct td_exchange *x)
{
    struct td_progress_in in = {.desired = &x->desired,
                                .ledger = &x->ledger,
                                .has_user = (!x->enrolment.plug_and_forget || td_fault("userless-waits-for-a-user")) &&
                                            (x->enrolment.user_upn[0] != '\0' || x->enrolment.awaited),
                                .user_active = x->m.user_active,
                                .technician = x->enrolment.provisioning == TD_PROV_TECHNICIAN,
                                .now = td_now(x->svc->env)};
    struct td_mgmt_event event = {0};
    while (x->event_count < TD_MGMT_MAX_EVENTS && td_plan_progress(&in, &x->progress, &event.way, &event.failure)) {
        event.type = NULL;
        if (event.way == TD_EV_FAILED)
            name_item(x, event.failure.where, sizeof(event.failure.where));
        td_mgmt_tell(x, &event);
        make_desired(x);
    }
    x->m.phase = (int)x->progress.phase;
    x->m.phase_since = x->progress.since;
    x->m.failed = x->progress.failed;
}

static const char *state_type(enum td_item_state state)
{
    static const char *const types[TD_ITEM_STATE_COUNT] = {
        [TD_ITEM_IN_EFFECT] = "configuration.in-effect",
        [TD_ITEM_FAILED] = "configuration.failed",
        [TD_ITEM_ABSENT] = "configuration.not-offered",
    };
    return types[state];
}

static const char *failure_cause(const struct td_exchange *x, const struct td_row *cause)
{
    if (cause->value != NULL)
        return td_arena_printf(x->a, "the device reports %s", cause->value);
    return cause->status == 0     ? "the device never said that it did it"
           : cause->status == 413 ? "it does not fit into a message to this device"
                                  : "the device refused it";
}

static const char *state_detail(struct td_exchange *x, const struct td_item_row *row, const struct td_row *cause)
{
    struct td_buf b;
    struct td_jsonw w;
    td_buf_init(&b, 8192);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "item", item_name(x, row->item));
    td_jsonw_kstr(&w, "id", row->item);
    if (row->state == TD_ITEM_FAILED && cause != NULL) {
        td_jsonw_kstr(&w, "step", cause->key + 2);
        td_jsonw_kint(&w, "status", cause->status);
        if (cause->original_error != 0)
            td_jsonw_kstr(&w, "code", td_arena_printf(x->a, "0x%08x", cause->original_error));
        td_jsonw_kstr(&w, "cause", failure_cause(x, cause));
        td_jsonw_kstr(&w, "remedy", "Mend the item and assign it again, or take it away.");
    }
    td_jsonw_end(&w);
    char *text = td_arena_text(x->a, td_buf_slice(&b));
    td_buf_done(&b);
    return text;
}

static void compare_item(struct td_exchange *x, const char *id, int64_t revision)
{
    const struct td_row *cause;
    enum td_item_state state = td_plan_item(&x->desired, &x->ledger, id, &cause);
    struct td_item_row *row = td_ledger_item(&x->ledger, id);
    if (row == NULL || (row->state == state && row->version == (uint64_t)revision))
        return;
    x->ledger.changed = true;
    row->version = (uint64_t)revision;
    if (row->state == state)
        return;
    row->state = state;
    row->status = cause != NULL ? cause->status : 0;
    row->original_error = cause != NULL ? cause->original_error : 0;
    struct td_mgmt_item_change *change = td_arena_new(x->a, struct td_mgmt_item_change);
    *change = (struct td_mgmt_item_change){row->item, state, row->status, row->original_error, x->item_changes};
    x->item_changes = change;
    if (state_type(state) != NULL)
        td_mgmt_note(x, state_type(state), state_detail(x, row, cause));
}

static void compare_items(struct td_exchange *x)
{
    for (size_t i = 0; i < x->item_count; i++)
        if (x->items[i].kind != TD_ITEM_STATUS_PAGE)
            compare_item(x, x->items[i].id, x->items[i].revision);
    if (x->has_profile && x->m.computer_name[0] != '\0')
        compare_item(x, TD_ITEM_COMPUTER_NAME, 0);
    bool typed = x->hybrid ? x->user_sid[0] != '\0' : x->standard_user && x->enrolment.user_upn[0] != '\0';
    if (x->has_profile && typed)
        compare_item(x, TD_ITEM_ACCOUNT_TYPE, 0);
}

/* Contract 4: a hash that can't be decoded is an event and never ends the session. */
static void look_at_hash(struct td_exchange *x)
{
    struct td_hw_facts facts;
    struct td_error why;
    for (const struct td_mgmt_report *r = x->reports; r != NULL; r = r->next) {
        if (strcmp(r->uri, HASH_URI) != 0 || r->value.n == 0 || !x->m.inventory) /* told once, not in every session */
            continue;
        if (td_hwhash_decode_text(r->value, td_sha256, x->a, &facts, NULL, &why) != TD_OK)
            td_mgmt_note(x, "management.hash-unreadable",
                         "{\"cause\":\"the hardware hash that the device reports can't be decoded\","
                         "\"remedy\":\"None needed: registration does not rest on it.\"}");
    }
}

enum td_code td_mgmt_decide(struct td_exchange *x, struct td_tx *tx, struct td_error *err)
{
    x->report_tail = &x->reports;
    x->progress = (struct td_progress){(enum td_phase)x->m.phase, x->m.phase_since, x->m.failed};
    td_mgmt_actions_out(x);
    place_message(x);
    bool out_of_order = x->end && !x->new_session && x->m.messages < TD_MANAGEMENT_MAX_MESSAGES;
    if (out_of_order)
        return TD_OK;
    td_mgmt_take(x);
    td_try(td_mgmt_actions(x, tx, err));
    look_at_hash(x);
    td_try(td_mgmt_harvest(x, tx, err));
    td_try(td_mgmt_domain(x, tx, err));
    draw_name(x);
    make_desired(x);
    if (x->new_session && x->progress.phase == TD_PHASE_READY)
        td_plan_prune(&x->desired, &x->ledger, "G " HASH_URI);
    td_plan_drop_actions(&x->desired, &x->ledger);
    advance(x);
    td_mgmt_domain_tell(x);
    compare_items(x);
    return TD_OK;
}
