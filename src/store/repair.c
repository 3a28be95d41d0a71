#include "base/fault.h"
#include "store/attestation.h"
#include "store/audit.h"
#include "store/repair_room.h"
#include "store/tenant.h"
#include "way/mismatch.h"

#define PROPOSAL                                                                                               \
    "source, enrolment_id, serial, manufacturer, model, sku, family, product_key, facts, octets, blob, cause," \
    " remedy, alternates, first_at, seen_at"

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
static enum td_code look(struct td_repairing *p, enum td_proposal_state state, struct td_proposal *ret, bool *ret_there,
                         struct td_error *err)
{
    enum td_code rc = td_proposal_find(p->tx, p->tenant, p->r.id, state, &p->arena, ret, err);
    *ret_there = rc == TD_OK;
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static enum td_code move(struct td_repairing *p, enum td_proposal_state to, struct td_error *err)
{
    td_try(td_repairing_drop(p, to, err));
    return td_sql(p->tx, err,
                  "UPDATE hardware_proposal SET state = $3 WHERE tenant = $1 AND registration_id = $2 AND state = $4",
                  "ssii", p->tenant, p->r.id, (int64_t)to, (int64_t)TD_PROPOSAL_OPEN);
}

static enum td_code put(struct td_repairing *p, const struct td_proposal *w, struct td_error *err)
{
    td_try(td_repairing_drop(p, TD_PROPOSAL_OPEN, err));
    return td_sql(p->tx, err,
                  "INSERT INTO hardware_proposal(tenant, registration_id, state, source, enrolment_id, serial,"
                  " serial_key, manufacturer, model, sku, family, product_key, facts, octets, blob, cause, remedy,"
                  " alternates, first_at, seen_at) VALUES ($1, $2, 0, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,"
                  " '', $14, $15, $16, $17, $17)",
                  "ssssssssssssbssii", p->tenant, p->r.id, w->source, w->enrolment_id, w->serial,
                  td_repairing_serial_key(p, w->serial), w->manufacturer, w->model, w->sku, w->family, w->product_key,
                  td_facts_text(&w->facts, &p->arena), w->octets, w->cause, w->remedy, (int64_t)w->alternates,
                  td_tx_now(p->tx));
}

/* What differs, and why that cannot be repaired silently. */
static enum td_code needs_attention(struct td_repairing *p, const struct td_facts *seen,
                                    const struct td_repair *verdict, struct td_error *err)
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

/* ---- what a machine shows ---- */

/* Fix pending where it may be proven, else attention at once. */
static enum td_code propose(struct td_repairing *p, const struct td_proposal *what, bool alternates,
                            struct td_error *err)
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

static enum td_code other_hardware(struct td_repairing *p, const struct td_proposal *what, bool alternates,
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

/* Nobody exchanges so many parts in a day: a device that tells of more fills no timeline. */
static enum td_code renew(struct td_repairing *p, const struct td_proposal *what, struct td_error *err)
{
    struct td_hardware_past *list;
    size_t n;
    td_try(td_hardware_past_list(p->tx, p->tenant, p->r.way_id, &p->arena, &list, &n, err));
    bool enough = n == TD_HARDWARE_PAST_MAX && list[n - 1].replaced_at > td_tx_now(p->tx) - TD_DAY;
    if (enough && !td_fault("repair-floods"))
        return TD_OK;
    return td_repairing_apply(p, what, "serial number, UUID or TPM are the registered ones", "device", err);
}

/* The registered hardware, with other disks and adapters at most. */
static enum td_code own_hardware(struct td_repairing *p, const struct td_proposal *what, struct td_error *err)
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
        td_try(renew(p, what, err));
    return td_registration_remedy(p->tx, p->tenant, p->r.id, TD_REMEDY_NONE, "its hardware is the registered one", err);
}

enum td_code td_repair_seen(struct td_tx *tx, const char *tenant, const char *registration_id,
                            const struct td_proposal *what, struct td_error *err)
{
    TD_CLEANUP(td_repairing_done) struct td_repairing p = {0};
    bool before = false;
    td_try(td_repairing_open(&p, tx, tenant, registration_id, err));
    struct td_match m = td_facts_match(p.known, &what->facts);
    bool exchange = p.known->count != 0 && td_repair_is_exchange(p.known, &what->facts);
    bool copy = td_repair_could_be_copy(p.known, &what->facts);
    if (p.r.remediation == TD_REMEDY_NONE && !exchange && !copy && td_repair_is_same(p.known, &what->facts))
        return TD_OK; /* nearly every session: nothing is new, nothing waits, nothing more is read */
    if (p.known->count != 0 && !exchange && !td_match_is_device(&m))
        return TD_OK;                                   /* too little to be sure: what is stored stays */
    if (!exchange && !td_fault("repair-foreign-board")) /* what was not known of this board is known as another's */
        td_try(td_hardware_elsewhere(tx, &what->facts, tenant, registration_id, &exchange, err));
    if (exchange || copy)
        td_try(td_repairing_was_here(&p, &what->facts, &before, err));
    if (exchange || (before && !td_fault("repair-copy")))
        return other_hardware(&p, what, before, err);
    return own_hardware(&p, what, err);
}

static enum td_code asks_always(struct td_repairing *p, bool *ret, struct td_error *err)
{
    const char *value;
    td_try(td_tenant_get(p->tx, p->tenant, "hardware-repair", &p->arena, &value, err));
    *ret = strcmp(value, "ask") == 0;
    return TD_OK;
}

/* Ours tells both sides: the hardware that was seen, and what the device was enrolled with, which is the registered
 * hardware or an earlier one. A blob of another make is kept and says nothing. */
static enum td_code disagrees(struct td_repairing *p, const struct td_proposal *open, struct td_slice blob, bool *ret,
                              struct td_error *err)
{
    struct td_mismatch *told = td_arena_new(&p->arena, struct td_mismatch);
    bool before = false;
    *ret = false;
    if (td_mismatch_parse(blob, &p->arena, told, NULL) != TD_OK)
        return TD_OK;
    td_try(td_repairing_was_here(p, &told->enrolled, &before, err));
    *ret = td_repair_is_exchange(&open->facts, &told->now) ||
           (!before && td_repair_is_exchange(p->known, &told->enrolled));
    return TD_OK;
}

static enum td_code was_proven(struct td_repairing *p, bool *ret, struct td_error *err)
{
    struct td_tpm_binding bound;
    enum td_code rc = td_tpm_binding_find(p->tx, p->tenant, p->r.id, &p->arena, &bound, err);
    *ret = rc == TD_OK;
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static enum td_code keep_blob(struct td_repairing *p, struct td_slice blob, struct td_error *err)
{
    return td_sql(p->tx, err,
                  "UPDATE hardware_proposal SET blob = $3 WHERE tenant = $1 AND registration_id = $2 AND state = 0",
                  "sst", p->tenant, p->r.id, td_sub(blob, 0, TD_MISMATCH_MAX));
}

enum td_code td_repair_settle(struct td_tx *tx, const char *tenant, const char *registration_id, struct td_slice blob,
                              struct td_error *err)
{
    TD_CLEANUP(td_repairing_done) struct td_repairing p = {0};
    struct td_proposal open = {.source = ""};
    struct td_repair verdict;
    struct td_repair_in in = {.seen = &open.facts};
    bool is_open;
    td_try(td_repairing_open(&p, tx, tenant, registration_id, err));
    td_try(look(&p, TD_PROPOSAL_OPEN, &open, &is_open, err));
    if (!is_open || p.r.remediation != TD_REMEDY_AUTOMATIC)
        return TD_OK;
    if (blob.n != 0)
        td_try(keep_blob(&p, blob, err));
    in.registered = p.known;
    in.certified = open.enrolment_id[0] != '\0';
    in.returned = open.alternates;
    td_try(disagrees(&p, &open, blob, &in.disagrees, err));
    td_try(was_proven(&p, &in.tpm_proven, err));
    td_try(asks_always(&p, &in.ask, err));
    td_try(td_hardware_elsewhere(tx, &open.facts, tenant, registration_id, &in.elsewhere, err));
    td_repair_judge(&in, &verdict);
    if (!verdict.proven)
        return needs_attention(&p, &open.facts, &verdict, err);
    return td_repairing_apply(&p, &open, verdict.proof, "system", err);
}

enum td_code td_repair_recognised(struct td_tx *tx, const char *tenant, const char *registration_id,
                                  struct td_error *err)
{
    TD_CLEANUP(td_repairing_done) struct td_repairing p = {0};
    struct td_proposal open;
    bool is_open;
    td_try(td_repairing_open(&p, tx, tenant, registration_id, err));
    td_try(look(&p, TD_PROPOSAL_OPEN, &open, &is_open, err));
    if (is_open && (open.enrolment_id[0] != '\0' || open.alternates))
        return TD_OK; /* a lookup proves nothing against a certified session */
    if (is_open)
        td_try(move(&p, TD_PROPOSAL_WITHDRAWN, err));
    return td_registration_remedy(tx, tenant, registration_id, TD_REMEDY_NONE, "it is recognised", err);
}

/* ---- the administrator ---- */

static enum td_code refuse_taken(struct td_repairing *p, const struct td_proposal *open, struct td_error *err)
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
    TD_CLEANUP(td_repairing_done) struct td_repairing p = {0};
    struct td_proposal open = {.source = ""};
    td_try(td_repairing_open(&p, tx, tenant, registration_id, err));
    td_try(td_proposal_find(tx, tenant, registration_id, TD_PROPOSAL_OPEN, &p.arena, &open, err));
    td_try(refuse_taken(&p, &open, err));
    return td_repairing_apply(&p, &open, "an administrator accepted it", actor, err);
}

enum td_code td_repair_reject(struct td_tx *tx, const char *tenant, const char *registration_id, const char *reason,
                              const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_repairing_done) struct td_repairing p = {0};
    struct td_proposal open = {.source = ""};
    td_try(td_repairing_open(&p, tx, tenant, registration_id, err));
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
