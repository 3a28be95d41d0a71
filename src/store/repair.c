#include "store/repair.h"

#include "base/fault.h"
#include "codec/json.h"
#include "store/audit.h"
#include "store/device.h"
#include "store/tenant.h"
#include "store/way.h"
#include "way/mismatch.h"

#define PROPOSAL                                                                                               \
    "source, enrolment_id, serial, manufacturer, model, sku, family, product_key, facts, octets, blob, cause," \
    " remedy, alternates, first_at, seen_at"

struct repair { /* one registration and what it is shown with */
    struct td_tx *tx;
    const char *tenant;
    struct td_arena arena;
    struct td_registration r;
    struct td_facts *known;
};

static void repair_done(struct repair *p)
{
    td_arena_done(&p->arena);
}

static enum td_code open_repair(struct repair *p, struct td_tx *tx, const char *tenant, const char *id,
                                struct td_error *err)
{
    *p = (struct repair){.tx = tx, .tenant = tenant, .r = {.id = ""}};
    td_arena_init(&p->arena);
    p->known = td_arena_new(&p->arena, struct td_facts);
    td_try(td_registration_find(tx, tenant, id, &p->arena, &p->r, err));
    return td_hardware_facts(tx, tenant, id, &p->arena, p->known, err);
}

static void read_proposal(struct td_rows *r, struct td_arena *a, struct td_proposal *ret)
{
    *ret = (struct td_proposal){.source = td_col_text0(r, 0, a),
                                .enrolment_id = td_col_text0(r, 1, a),
                                .serial = td_col_text0(r, 2, a),
                                .manufacturer = td_col_text0(r, 3, a),
                                .model = td_col_text0(r, 4, a),
                                .sku = td_col_text0(r, 5, a),
                                .family = td_col_text0(r, 6, a),
                                .product_key = td_col_text0(r, 7, a),
                                .octets = td_col_blob(r, 9, a),
                                .blob = td_str(td_col_text0(r, 10, a)),
                                .cause = td_col_text0(r, 11, a),
                                .remedy = td_col_text0(r, 12, a),
                                .alternates = td_col_int(r, 13) != 0,
                                .first_at = td_col_int(r, 14),
                                .seen_at = td_col_int(r, 15)};
    td_facts_of_text(td_str(td_col_text0(r, 8, a)), a, &ret->facts);
}

enum td_code td_proposal_find(struct td_tx *tx, const char *tenant, const char *registration_id,
                              enum td_proposal_state state, struct td_arena *a, struct td_proposal *ret,
                              struct td_error *err)
{
    struct td_rows r;
    bool found = false;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " PROPOSAL " FROM hardware_proposal WHERE tenant = $1 AND registration_id = $2"
                        " AND state = $3",
                        "ssi", tenant, registration_id, (int64_t)state));
    while (td_rows_next(&r)) {
        read_proposal(&r, a, ret);
        found = true;
    }
    td_try(td_rows_done(&r, err));
    return found ? TD_OK
                 : td_remedy(err, td_fail(err, TD_ENOTFOUND, "repair", "no other hardware was seen for this device"),
                             "a device shows its hardware at its next contact");
}

/* The same, where none is nothing: *ret_there. */
static enum td_code look(struct repair *p, enum td_proposal_state state, struct td_proposal *ret, bool *ret_there,
                         struct td_error *err)
{
    enum td_code rc = td_proposal_find(p->tx, p->tenant, p->r.id, state, &p->arena, ret, err);
    *ret_there = rc == TD_OK;
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static enum td_code drop(struct repair *p, enum td_proposal_state state, struct td_error *err)
{
    return td_sql(p->tx, err, "DELETE FROM hardware_proposal WHERE tenant = $1 AND registration_id = $2 AND state = $3",
                  "ssi", p->tenant, p->r.id, (int64_t)state);
}

static enum td_code move(struct repair *p, enum td_proposal_state to, struct td_error *err)
{
    td_try(drop(p, to, err));
    return td_sql(p->tx, err,
                  "UPDATE hardware_proposal SET state = $3 WHERE tenant = $1 AND registration_id = $2 AND state = $4",
                  "ssii", p->tenant, p->r.id, (int64_t)to, (int64_t)TD_PROPOSAL_OPEN);
}

static const char *serial_key(struct repair *p, const char *serial)
{
    const char *key = td_fact_normal(&p->arena, td_str(serial));
    return key[0] != '\0' ? key : serial;
}

static enum td_code put(struct repair *p, const struct td_proposal *w, struct td_error *err)
{
    td_try(drop(p, TD_PROPOSAL_OPEN, err));
    return td_sql(p->tx, err,
                  "INSERT INTO hardware_proposal(tenant, registration_id, state, source, enrolment_id, serial,"
                  " serial_key, manufacturer, model, sku, family, product_key, facts, octets, blob, cause, remedy,"
                  " alternates, first_at, seen_at) VALUES ($1, $2, 0, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,"
                  " '', $14, $15, $16, $17, $17)",
                  "ssssssssssssbssii", p->tenant, p->r.id, w->source, w->enrolment_id, w->serial,
                  serial_key(p, w->serial), w->manufacturer, w->model, w->sku, w->family, w->product_key,
                  td_facts_text(&w->facts, &p->arena), w->octets, w->cause, w->remedy, (int64_t)w->alternates,
                  td_tx_now(p->tx));
}

/* What differs, and why that cannot be repaired silently. */
static enum td_code needs_attention(struct repair *p, const struct td_facts *seen, const struct td_repair *verdict,
                                    struct td_error *err)
{
    struct td_match m = td_facts_match(p->known, seen);
    const char *differs = m.contradicts != NULL ? m.contradicts : td_facts_difference(p->known, seen, &p->arena);
    const char *cause = td_arena_printf(&p->arena, "%s; %s", differs, verdict->cause);
    td_try(td_sql(p->tx, err,
                  "UPDATE hardware_proposal SET cause = $3, remedy = $4 WHERE tenant = $1 AND registration_id = $2"
                  " AND state = 0",
                  "ssss", p->tenant, p->r.id, cause, verdict->remedy));
    return td_registration_remedy(p->tx, p->tenant, p->r.id, TD_REMEDY_MANUAL, cause, err);
}

/* ---- what was ---- */

enum td_code td_hardware_past_add(struct td_tx *tx, const char *tenant, const char *way_id,
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

/* Was the device made of this once, board, disk and adapters? */
static enum td_code was_here(struct repair *p, const struct td_facts *seen, bool *ret, struct td_error *err)
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

static enum td_code keep_history(struct repair *p, const struct td_proposal *by, const char *proof, const char *actor,
                                 struct td_error *err)
{
    if (p->known->count == 0)
        return TD_OK;
    const struct td_hardware_past past = {.facts = *p->known,
                                          .differs = td_facts_difference(p->known, &by->facts, &p->arena),
                                          .proof = proof,
                                          .actor = actor};
    return td_hardware_past_add(p->tx, p->tenant, p->r.way_id, &past, err);
}

/* What firmware says of itself; a board that says nothing leaves what is registered. */
static const char *either(const char *now, const char *before)
{
    return now != NULL && now[0] != '\0' ? now : before;
}

static enum td_code write_texts(struct repair *p, const struct td_proposal *by, struct td_error *err)
{
    bool nameless = td_fact_is_placeholder(td_str(by->serial));
    bool same = strcmp(serial_key(p, by->serial), serial_key(p, p->r.serial)) == 0;
    const char *serial = nameless || same ? p->r.serial : by->serial;
    td_try(td_sql(p->tx, err,
                  "UPDATE registration SET serial = $3, serial_key = $4, manufacturer = $5, model = $6, sku = $7,"
                  " family = $8, product_key = $9, modified_at = $10,"
                  " warning = CASE WHEN source = '" TD_SOURCE_CLAIM "' THEN '' ELSE warning END,"
                  " source = CASE WHEN source = '" TD_SOURCE_CLAIM "' THEN '' ELSE source END"
                  " WHERE tenant = $1 AND id = $2",
                  "sssssssssi", p->tenant, p->r.id, serial, serial_key(p, serial),
                  either(by->manufacturer, p->r.manufacturer), either(by->model, p->r.model), either(by->sku, p->r.sku),
                  either(by->family, p->r.family), either(by->product_key, p->r.product_key), td_tx_now(p->tx)));
    const char *device_id = "";
    const struct td_device_precreated what = {.registration_id = p->r.id,
                                              .serial = serial,
                                              .group_tag = p->r.group_tag,
                                              .purchase_order = p->r.purchase_order};
    if (strcmp(serial, p->r.serial) == 0)
        return TD_OK;
    td_try(td_device_precreate(p->tx, p->tenant, &what, &p->arena, &device_id, err));
    return td_sql(p->tx, err, "UPDATE registration SET device_id = $3 WHERE tenant = $1 AND id = $2", "sss", p->tenant,
                  p->r.id, device_id);
}

static enum td_code write_facts(struct repair *p, const struct td_proposal *by, struct td_error *err)
{
    td_try(td_hardware_drop(p->tx, p->tenant, p->r.id, err));
    td_try(td_hardware_put(p->tx, p->tenant, p->r.id, &by->facts, err));
    if (by->octets.n == 0)
        return TD_OK;
    return td_sql(p->tx, err, "UPDATE registration_hash SET octets = $3 WHERE tenant = $1 AND registration_id = $2",
                  "ssb", p->tenant, p->r.id, by->octets);
}

static enum td_code tell_repaired(struct repair *p, const struct td_proposal *by, const char *proof, const char *actor,
                                  struct td_error *err)
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

static enum td_code apply(struct repair *p, const struct td_proposal *by, const char *proof, const char *actor,
                          struct td_error *err)
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
    td_try(drop(p, TD_PROPOSAL_OPEN, err));
    td_try(drop(p, TD_PROPOSAL_WITHDRAWN, err));
    td_try(tell_repaired(p, by, proof, actor, err));
    td_try(td_registration_remedy(p->tx, p->tenant, p->r.id, TD_REMEDY_NONE, "it was registered anew", err));
    return td_registration_evaluate(p->tx, p->tenant, p->r.id, actor, err);
}

enum td_code td_repair_apply(struct td_tx *tx, const char *tenant, const char *registration_id,
                             const struct td_proposal *by, const char *proof, const char *actor, struct td_error *err)
{
    TD_CLEANUP(repair_done) struct repair p = {0};
    td_try(open_repair(&p, tx, tenant, registration_id, err));
    return apply(&p, by, proof, actor, err);
}

/* ---- what a machine shows ---- */

/* Fix pending where it may be proven, else attention at once. */
static enum td_code propose(struct repair *p, const struct td_proposal *what, bool alternates, struct td_error *err)
{
    struct td_proposal w = *what;
    struct td_repair verdict;
    const struct td_repair_in in = {
        .registered = p->known, .seen = &w.facts, .certified = w.enrolment_id[0] != '\0', .returned = alternates};
    w.alternates = alternates;
    w.cause = w.remedy = "";
    td_try(put(p, &w, err));
    td_repair_judge(&in, &verdict);
    if (in.certified && !alternates)
        return td_registration_remedy(p->tx, p->tenant, p->r.id, TD_REMEDY_AUTOMATIC,
                                      td_facts_difference(p->known, &w.facts, &p->arena), err);
    return needs_attention(p, &w.facts, &verdict, err);
}

static enum td_code other_hardware(struct repair *p, const struct td_proposal *what, bool alternates,
                                   struct td_error *err)
{
    struct td_proposal open, rejected, withdrawn;
    bool is_open, is_rejected, is_withdrawn;
    td_try(look(p, TD_PROPOSAL_REJECTED, &rejected, &is_rejected, err));
    if (is_rejected && td_repair_is_same(&rejected.facts, &what->facts))
        return TD_OK;
    td_try(look(p, TD_PROPOSAL_OPEN, &open, &is_open, err));
    bool better = is_open && open.enrolment_id[0] == '\0' && what->enrolment_id[0] != '\0';
    if (is_open && !better && (td_repair_is_same(&open.facts, &what->facts) || what->enrolment_id[0] == '\0'))
        return TD_OK;
    td_try(look(p, TD_PROPOSAL_WITHDRAWN, &withdrawn, &is_withdrawn, err));
    alternates = alternates || (is_open && open.alternates) ||
                 (is_withdrawn && !td_repair_is_exchange(&withdrawn.facts, &what->facts));
    return propose(p, what, alternates, err);
}

/* The registered hardware, with other disks and adapters at most. */
static enum td_code own_hardware(struct repair *p, const struct td_proposal *what, struct td_error *err)
{
    struct td_proposal open;
    bool is_open;
    if (what->enrolment_id[0] == '\0')
        return TD_OK; /* a lookup renews nothing */
    td_try(look(p, TD_PROPOSAL_OPEN, &open, &is_open, err));
    if (is_open && open.alternates)
        return TD_OK; /* that it is here as well says nothing new */
    if (is_open)
        td_try(move(p, TD_PROPOSAL_WITHDRAWN, err));
    if (!td_repair_is_same(p->known, &what->facts))
        td_try(apply(p, what, "serial number, UUID or TPM are the registered ones", "device", err));
    return td_registration_remedy(p->tx, p->tenant, p->r.id, TD_REMEDY_NONE, "its hardware is the registered one", err);
}

enum td_code td_repair_seen(struct td_tx *tx, const char *tenant, const char *registration_id,
                            const struct td_proposal *what, struct td_error *err)
{
    TD_CLEANUP(repair_done) struct repair p = {0};
    bool before = false;
    td_try(open_repair(&p, tx, tenant, registration_id, err));
    struct td_match m = td_facts_match(p.known, &what->facts);
    bool exchange = p.known->count != 0 && td_repair_is_exchange(p.known, &what->facts);
    if (p.known->count != 0 && !exchange && !td_match_is_device(&m))
        return TD_OK; /* too little to be sure: what is stored stays */
    if (exchange || td_repair_could_be_copy(p.known, &what->facts))
        td_try(was_here(&p, &what->facts, &before, err));
    if (exchange || (before && !td_fault("repair-copy")))
        return other_hardware(&p, what, before, err);
    return own_hardware(&p, what, err);
}

static enum td_code asks_always(struct repair *p, bool *ret, struct td_error *err)
{
    const char *value;
    td_try(td_tenant_get(p->tx, p->tenant, "hardware-repair", &p->arena, &value, err));
    *ret = strcmp(value, "ask") == 0;
    return TD_OK;
}

/* Ours tells both sides: the hardware that was seen, and what the device was enrolled with, which is the registered
 * hardware or an earlier one. A blob of another make is kept and says nothing. */
static enum td_code disagrees(struct repair *p, const struct td_proposal *open, struct td_slice blob, bool *ret,
                              struct td_error *err)
{
    struct td_mismatch *told = td_arena_new(&p->arena, struct td_mismatch);
    bool before = false;
    *ret = false;
    if (td_mismatch_parse(blob, &p->arena, told, NULL) != TD_OK)
        return TD_OK;
    td_try(was_here(p, &told->enrolled, &before, err));
    *ret = td_repair_is_exchange(&open->facts, &told->now) ||
           (!before && td_repair_is_exchange(p->known, &told->enrolled));
    return TD_OK;
}

static enum td_code keep_blob(struct repair *p, struct td_slice blob, struct td_error *err)
{
    return td_sql(p->tx, err,
                  "UPDATE hardware_proposal SET blob = $3 WHERE tenant = $1 AND registration_id = $2 AND state = 0",
                  "sst", p->tenant, p->r.id, td_sub(blob, 0, TD_MISMATCH_MAX));
}

enum td_code td_repair_settle(struct td_tx *tx, const char *tenant, const char *registration_id, struct td_slice blob,
                              struct td_error *err)
{
    TD_CLEANUP(repair_done) struct repair p = {0};
    struct td_proposal open = {.source = ""};
    struct td_repair verdict;
    struct td_repair_in in = {.seen = &open.facts};
    bool is_open;
    td_try(open_repair(&p, tx, tenant, registration_id, err));
    td_try(look(&p, TD_PROPOSAL_OPEN, &open, &is_open, err));
    if (!is_open || p.r.remediation != TD_REMEDY_AUTOMATIC)
        return TD_OK;
    if (blob.n != 0)
        td_try(keep_blob(&p, blob, err));
    in.registered = p.known;
    in.certified = open.enrolment_id[0] != '\0';
    in.returned = open.alternates;
    td_try(disagrees(&p, &open, blob, &in.disagrees, err));
    td_try(asks_always(&p, &in.ask, err));
    td_try(td_hardware_elsewhere(tx, &open.facts, tenant, registration_id, &in.elsewhere, err));
    td_repair_judge(&in, &verdict);
    if (!verdict.proven)
        return needs_attention(&p, &open.facts, &verdict, err);
    return apply(&p, &open, verdict.proof, "system", err);
}

enum td_code td_repair_recognised(struct td_tx *tx, const char *tenant, const char *registration_id,
                                  struct td_error *err)
{
    TD_CLEANUP(repair_done) struct repair p = {0};
    struct td_proposal open;
    bool is_open;
    td_try(open_repair(&p, tx, tenant, registration_id, err));
    td_try(look(&p, TD_PROPOSAL_OPEN, &open, &is_open, err));
    if (is_open && (open.enrolment_id[0] != '\0' || open.alternates))
        return TD_OK; /* a lookup proves nothing against a certified session */
    if (is_open)
        td_try(move(&p, TD_PROPOSAL_WITHDRAWN, err));
    return td_registration_remedy(tx, tenant, registration_id, TD_REMEDY_NONE, "it is recognised", err);
}

/* ---- the administrator ---- */

static enum td_code refuse_taken(struct repair *p, const struct td_proposal *open, struct td_error *err)
{
    bool elsewhere = false;
    td_try(td_hardware_elsewhere(p->tx, &open->facts, p->tenant, p->r.id, &elsewhere, err));
    if (!elsewhere || td_fault("repair-taken-hardware"))
        return TD_OK;
    return td_remedy(err,
                     td_fail(err, TD_EEXISTS, "repair",
                             "the serial number, UUID or endorsement key of the new hardware belongs to another "
                             "registration"),
                     "remove that registration first if its device is gone (device match finds it), or reject the new "
                     "hardware");
}

enum td_code td_repair_accept(struct td_tx *tx, const char *tenant, const char *registration_id, const char *actor,
                              struct td_error *err)
{
    TD_CLEANUP(repair_done) struct repair p = {0};
    struct td_proposal open = {.source = ""};
    td_try(open_repair(&p, tx, tenant, registration_id, err));
    td_try(td_proposal_find(tx, tenant, registration_id, TD_PROPOSAL_OPEN, &p.arena, &open, err));
    td_try(refuse_taken(&p, &open, err));
    return apply(&p, &open, "an administrator accepted it", actor, err);
}

enum td_code td_repair_reject(struct td_tx *tx, const char *tenant, const char *registration_id, const char *reason,
                              const char *actor, struct td_error *err)
{
    TD_CLEANUP(repair_done) struct repair p = {0};
    struct td_proposal open = {.source = ""};
    td_try(open_repair(&p, tx, tenant, registration_id, err));
    td_try(td_proposal_find(tx, tenant, registration_id, TD_PROPOSAL_OPEN, &p.arena, &open, err));
    td_try(move(&p, TD_PROPOSAL_REJECTED, err));
    const struct td_change change = {"hardware", td_facts_text(&open.facts, &p.arena), "rejected"};
    const struct td_audit what = {.type = "registration.hardware-rejected",
                                  .actor = actor,
                                  .subject = p.r.way_id,
                                  .kind = "registration",
                                  .id = p.r.id,
                                  .name = p.r.serial,
                                  .changes = &change,
                                  .count = 1};
    td_try(td_audit_tell(tx, tenant, &what, err));
    const char *why = reason[0] != '\0'
                          ? td_arena_printf(&p.arena, "an administrator rejected the hardware: %s", reason)
                          : "an administrator rejected the hardware";
    return td_registration_remedy(tx, tenant, registration_id, TD_REMEDY_NONE, why, err);
}

static enum td_code waits_for(struct td_tx *tx, const char *tenant, const struct td_registration_new *what,
                              struct td_arena *a, const char **ret_id, struct td_error *err)
{
    struct td_rows r;
    *ret_id = "";
    td_try(td_sql_query(tx, &r, err,
                        "SELECT registration_id, facts FROM hardware_proposal WHERE tenant = $1 AND serial_key = $2"
                        " AND state = 0 ORDER BY registration_id LIMIT 10",
                        "ss", tenant, td_fact_normal(a, td_str(what->serial))));
    while (td_rows_next(&r)) {
        struct td_facts *facts = td_arena_new(a, struct td_facts);
        td_facts_of_text(td_str(td_col_text0(&r, 1, a)), a, facts);
        struct td_match m = td_facts_match(facts, &what->facts);
        if (td_match_is_device(&m) && !td_repair_is_exchange(facts, &what->facts))
            *ret_id = td_col_text0(&r, 0, a);
    }
    return td_rows_done(&r, err);
}

/* A batch of machines may carry one serial number; a part of the old machine in the new one tells it from them. */
static enum td_code is_its_board(struct td_tx *tx, const char *tenant, const char *id, const struct td_facts *seen,
                                 struct td_arena *a, bool *ret, struct td_error *err)
{
    const unsigned tuple = 1u << TD_FACT_TUPLE, part = 1u << TD_FACT_DISK | 1u << TD_FACT_MAC;
    struct td_facts *known = td_arena_new(a, struct td_facts);
    bool elsewhere = false;
    *ret = false;
    td_try(td_hardware_facts(tx, tenant, id, a, known, err));
    td_try(td_hardware_elsewhere(tx, seen, tenant, id, &elsewhere, err));
    struct td_match m = td_facts_match(known, seen);
    *ret = !elsewhere && (m.kinds & tuple) != 0 && (m.kinds & part) != 0;
    return TD_OK;
}

enum td_code td_repair_by_import(struct td_tx *tx, const char *tenant, const struct td_registration_new *what,
                                 const char *near, const char *actor, struct td_arena *a, const char **ret_id,
                                 struct td_error *err)
{
    bool its_board = false;
    td_try(waits_for(tx, tenant, what, a, ret_id, err));
    if (*ret_id[0] == '\0' && near[0] != '\0')
        td_try(is_its_board(tx, tenant, near, &what->facts, a, &its_board, err));
    if (its_board)
        *ret_id = near;
    if (*ret_id[0] == '\0')
        return td_fail(err, TD_ENOTFOUND, "repair", "nobody waits for this hardware");
    const struct td_proposal by = {.source = "import",
                                   .enrolment_id = "",
                                   .serial = what->serial,
                                   .manufacturer = what->manufacturer,
                                   .model = what->model,
                                   .sku = what->sku,
                                   .family = what->family,
                                   .product_key = what->product_key,
                                   .facts = what->facts,
                                   .octets = what->hash,
                                   .blob = TD_S(""),
                                   .alternates = true};
    return td_repair_apply(tx, tenant, *ret_id, &by, "an administrator imported its new hash", actor, err);
}

enum td_code td_repair_is_pending(struct td_tx *tx, const char *tenant, const char *registration_id, bool *ret,
                                  struct td_error *err)
{
    struct td_rows r;
    *ret = false;
    td_try(td_sql_query(tx, &r, err, "SELECT remediation FROM registration WHERE tenant = $1 AND id = $2", "ss", tenant,
                        registration_id));
    while (td_rows_next(&r))
        *ret = td_col_int(&r, 0) == TD_REMEDY_AUTOMATIC;
    return td_rows_done(&r, err);
}

enum td_code td_repair_forget(struct td_tx *tx, const char *tenant, const char *registration_id, struct td_error *err)
{
    return td_sql(tx, err, "DELETE FROM hardware_proposal WHERE tenant = $1 AND registration_id = $2", "ss", tenant,
                  registration_id);
}
