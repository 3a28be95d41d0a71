/* What a registered machine was made of, and what it is made of from now on. */
#include "codec/json.h"
#include "store/attestation.h"
#include "store/audit.h"
#include "store/device.h"
#include "store/repair_room.h"
#include "store/way.h"

void td_repairing_done(struct td_repairing *p)
{
    td_arena_done(&p->arena);
}

enum td_code td_repairing_open(struct td_repairing *p, struct td_tx *tx, const char *tenant, const char *id,
                               struct td_error *err)
{
    *p = (struct td_repairing){.tx = tx, .tenant = tenant, .r = {.id = ""}};
    td_arena_init(&p->arena);
    p->known = td_arena_new(&p->arena, struct td_facts);
    td_try(td_registration_find(tx, tenant, id, &p->arena, &p->r, err));
    return td_hardware_facts(tx, tenant, id, &p->arena, p->known, err);
}

enum td_code td_repairing_drop(struct td_repairing *p, enum td_proposal_state state, struct td_error *err)
{
    return td_sql(p->tx, err, "DELETE FROM hardware_proposal WHERE tenant = $1 AND registration_id = $2 AND state = $3",
                  "ssi", p->tenant, p->r.id, (int64_t)state);
}

const char *td_repairing_serial_key(struct td_repairing *p, const char *serial)
{
    const char *key = td_fact_normal(&p->arena, td_str(serial));
    return key[0] != '\0' ? key : serial;
}

/* ---- what was ---- */

static enum td_code add_past(struct td_tx *tx, const char *tenant, const char *way_id,
                             const struct td_hardware_past *what, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    td_try(td_sql(tx, err,
                  "INSERT INTO hardware_past(tenant, way_id, id, facts, differs, proof, actor, replaced_at)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                  "sssssssi", tenant, way_id, td_uuid_rising(td_tx_env(tx), &a), td_facts_text(&what->facts, &a),
                  what->differs, what->proof, what->actor, td_tx_now(tx)));
    return td_sql(tx, err,
                  "DELETE FROM hardware_past WHERE tenant = $1 AND way_id = $2 AND id NOT IN (SELECT id FROM"
                  " hardware_past WHERE tenant = $1 AND way_id = $2 ORDER BY id DESC LIMIT $3)",
                  "ssi", tenant, way_id, (int64_t)TD_HARDWARE_PAST_MAX);
}

enum td_code td_hardware_past_list(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                                   struct td_hardware_past **ret, size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    size_t n = 0;
    struct td_hardware_past *list = td_arena_array(a, struct td_hardware_past, TD_HARDWARE_PAST_MAX);
    td_try(td_sql_query(tx, &r, err,
                        "SELECT facts, differs, proof, actor, replaced_at FROM hardware_past WHERE tenant = $1"
                        " AND way_id = $2 ORDER BY id DESC LIMIT $3",
                        "ssi", tenant, way_id, (int64_t)TD_HARDWARE_PAST_MAX));
    while (n < TD_HARDWARE_PAST_MAX && td_rows_next(&r)) {
        struct td_hardware_past *h = &list[n++];
        td_facts_of_text(td_str(td_col_text0(&r, 0, a)), a, &h->facts);
        h->differs = td_col_text0(&r, 1, a);
        h->proof = td_col_text0(&r, 2, a);
        h->actor = td_col_text0(&r, 3, a);
        h->replaced_at = td_col_int(&r, 4);
    }
    *ret = list;
    *ret_count = n;
    return td_rows_done(&r, err);
}

enum td_code td_repairing_was_here(struct td_repairing *p, const struct td_facts *seen, bool *ret, struct td_error *err)
{
    struct td_hardware_past *list;
    size_t n;
    *ret = false;
    td_try(td_hardware_past_list(p->tx, p->tenant, p->r.way_id, &p->arena, &list, &n, err));
    for (size_t i = 0; i < n; i++) {
        struct td_match m = td_facts_match(&list[i].facts, seen);
        *ret = *ret || (td_match_is_device(&m) && !td_repair_is_exchange(&list[i].facts, seen) &&
                        !td_repair_could_be_copy(&list[i].facts, seen));
    }
    return TD_OK;
}

/* ---- registered anew ---- */

static enum td_code keep_history(struct td_repairing *p, const struct td_proposal *by, const char *proof,
                                 const char *actor, struct td_error *err)
{
    if (p->known->count == 0)
        return TD_OK;
    const struct td_hardware_past past = {.facts = *p->known,
                                          .differs = td_facts_difference(p->known, &by->facts, &p->arena),
                                          .proof = proof,
                                          .actor = actor};
    return add_past(p->tx, p->tenant, p->r.way_id, &past, err);
}

/* What firmware says of itself; a board that says nothing leaves what is registered. */
static const char *either(const char *now, const char *before)
{
    return now != NULL && now[0] != '\0' ? now : before;
}

/* The managed device is called as the machine is (graph-api.md 3.4 looks it up by its serial number). */
static enum td_code write_managed(struct td_repairing *p, struct td_error *err)
{
    return td_sql(
        p->tx, err,
        "UPDATE enrolment SET serial = r.serial, manufacturer = r.manufacturer, model = r.model"
        " FROM registration r WHERE r.tenant = $1 AND r.id = $2 AND enrolment.tenant = $1 AND enrolment.state = 0"
        " AND enrolment.id = (SELECT w.enrolment_id FROM way w WHERE w.tenant = $1 AND w.id = $3)",
        "sss", p->tenant, p->r.id, p->r.way_id);
}

static enum td_code write_texts(struct td_repairing *p, const struct td_proposal *by, struct td_error *err)
{
    bool nameless = td_fact_is_placeholder(td_str(by->serial));
    bool same = strcmp(td_repairing_serial_key(p, by->serial), td_repairing_serial_key(p, p->r.serial)) == 0;
    bool stays = nameless || same;
    const char *serial = stays ? p->r.serial : by->serial;
    td_try(td_sql(p->tx, err,
                  "UPDATE registration SET serial = $3, serial_key = $4, manufacturer = $5, model = $6, sku = $7,"
                  " family = $8, product_key = $9, modified_at = $10,"
                  " warning = CASE WHEN source = '" TD_SOURCE_CLAIM "' THEN '' ELSE warning END,"
                  " source = CASE WHEN source = '" TD_SOURCE_CLAIM "' THEN '' ELSE source END"
                  " WHERE tenant = $1 AND id = $2",
                  "sssssssssi", p->tenant, p->r.id, serial, td_repairing_serial_key(p, serial),
                  either(by->manufacturer, p->r.manufacturer), either(by->model, p->r.model), either(by->sku, p->r.sku),
                  either(by->family, p->r.family), either(by->product_key, p->r.product_key), td_tx_now(p->tx)));
    td_try(write_managed(p, err));
    const char *device_id = "";
    const struct td_device_precreated what = {.registration_id = p->r.id,
                                              .serial = serial,
                                              .group_tag = p->r.group_tag,
                                              .purchase_order = p->r.purchase_order};
    if (stays)
        return TD_OK;
    td_try(td_device_precreate(p->tx, p->tenant, &what, &p->arena, &device_id, err));
    return td_sql(p->tx, err, "UPDATE registration SET device_id = $3 WHERE tenant = $1 AND id = $2", "sss", p->tenant,
                  p->r.id, device_id);
}

static enum td_code write_facts(struct td_repairing *p, const struct td_proposal *by, struct td_error *err)
{
    td_try(td_hardware_drop(p->tx, p->tenant, p->r.id, err));
    td_try(td_hardware_put(p->tx, p->tenant, p->r.id, &by->facts, err));
    if (by->octets.n == 0)
        return TD_OK;
    return td_sql(p->tx, err, "UPDATE registration_hash SET octets = $3 WHERE tenant = $1 AND registration_id = $2",
                  "ssb", p->tenant, p->r.id, by->octets);
}

static enum td_code tell_repaired(struct td_repairing *p, const struct td_proposal *by, const char *proof,
                                  const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    struct td_jsonw w;
    td_buf_init(&b, 65536);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "registrationId", p->r.id);
    td_jsonw_kstr(&w, "serialNumber", p->r.serial);
    td_jsonw_kstr(&w, "cause", td_facts_difference(p->known, &by->facts, &p->arena));
    td_jsonw_kstr(&w, "proof", proof);
    td_jsonw_kstr(&w, "registered", td_facts_text(p->known, &p->arena));
    td_jsonw_kstr(&w, "seen", td_facts_text(&by->facts, &p->arena));
    td_jsonw_end(&w);
    td_try(td_buf_check(&b, "repair", err));
    td_try(td_way_happened(p->tx, p->tenant, p->r.way_id, TD_EV_REPAIRED, actor, b.p, err));
    const struct td_audit what = {
        .type = "registration.changed", .actor = actor, .kind = "registration", .id = p->r.id, .name = p->r.serial};
    return td_audit_last(p->tx, p->tenant, &what, err);
}

enum td_code td_repairing_apply(struct td_repairing *p, const struct td_proposal *by, const char *proof,
                                const char *actor, struct td_error *err)
{
    bool exchange = td_repair_is_exchange(p->known, &by->facts) || by->alternates;
    td_try(keep_history(p, by, proof, actor, err));
    td_try(write_facts(p, by, err));
    td_try(write_texts(p, by, err));
    if (!exchange) {
        struct td_event e = {.subject = p->r.way_id, .type = "device.hardware-changed", .actor = actor};
        return td_event_tell(p->tx, p->tenant, &e, err, "cause", td_facts_difference(p->known, &by->facts, &p->arena),
                             NULL);
    }
    td_try(td_repairing_drop(p, TD_PROPOSAL_OPEN, err));
    td_try(td_repairing_drop(p, TD_PROPOSAL_WITHDRAWN, err));
    td_try(td_tpm_unbind(p->tx, p->tenant, p->r.id, err)); /* it went with the board */
    td_try(tell_repaired(p, by, proof, actor, err));
    td_try(td_registration_remedy(p->tx, p->tenant, p->r.id, TD_REMEDY_NONE, "it was registered anew", err));
    return td_registration_evaluate(p->tx, p->tenant, p->r.id, actor, err);
}

enum td_code td_repair_apply(struct td_tx *tx, const char *tenant, const char *registration_id,
                             const struct td_proposal *by, const char *proof, const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_repairing_done) struct td_repairing p = {0};
    td_try(td_repairing_open(&p, tx, tenant, registration_id, err));
    return td_repairing_apply(&p, by, proof, actor, err);
}
