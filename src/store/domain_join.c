/* The work for one computer account as enrolment and session see it. */
#include "store/domain_join.h"

#include "base/fault.h"
#include "store/domain_join_room.h"
#include "store/event.h"
#include "store/way.h"

#include <stdio.h>
#include <string.h>

enum { TOLD_MOST = 10 };

static const char system_actor[] = "system";

void td_domain_join_read(struct td_rows *r, struct td_arena *a, struct td_domain_join *ret)
{
    int64_t state = td_col_int(r, 11);
    *ret = (struct td_domain_join){
        .tenant = td_col_text0(r, 0, a),
        .id = td_col_text0(r, 1, a),
        .way_id = td_col_text0(r, 2, a),
        .enrolment_id = td_col_text0(r, 3, a),
        .registration_id = td_col_text0(r, 4, a),
        .serial = td_col_text0(r, 5, a),
        .item = td_col_text0(r, 6, a),
        .domain = td_col_text0(r, 7, a),
        .ou = td_col_text0(r, 8, a),
        .pattern = td_col_text0(r, 9, a),
        .reuse = td_col_text0(r, 10, a),
        .state = state >= 0 && state < TD_DJS_COUNT ? (enum td_domain_state)state : TD_DJS_FAILED,
        .name = td_col_text0(r, 12, a),
        .tries = td_col_int(r, 13),
        .attempt = td_col_int(r, 14),
        .connector_id = td_col_text0(r, 15, a),
        .lease_until = td_col_int(r, 16),
        .next_at = td_col_int(r, 17),
        .created_at = td_col_int(r, 18),
        .changed_at = td_col_int(r, 19),
        .account_guid = td_col_text0(r, 20, a),
        .account_sid = td_col_text0(r, 21, a),
        .account_dn = td_col_text0(r, 22, a),
        .sealed = td_col_blob(r, 23, a),
        .failure = td_col_text0(r, 24, a),
        .detail = td_col_text0(r, 25, a),
        .handed_out = td_col_int(r, 26),
    };
}

enum td_code td_domain_join_only(struct td_rows *r, struct td_arena *a, struct td_domain_join *ret,
                                 struct td_error *err)
{
    bool found = false;
    for (; td_rows_next(r); found = true)
        td_domain_join_read(r, a, ret);
    td_try(td_rows_done(r, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "domain join", "there is no such work");
}

enum td_code td_domain_join_find(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                                 struct td_domain_join *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err, "SELECT " TD_DOMAIN_JOIN_COLUMNS " FROM domain_join WHERE tenant = $1 AND id = $2",
                        "ss", tenant, id));
    return td_domain_join_only(&r, a, ret, err);
}

enum td_code td_domain_join_of(struct td_tx *tx, const char *tenant, const char *enrolment_id, struct td_arena *a,
                               struct td_domain_join *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " TD_DOMAIN_JOIN_COLUMNS " FROM domain_join WHERE tenant = $1 AND enrolment_id = $2"
                        " ORDER BY number DESC LIMIT 1",
                        "ss", tenant, enrolment_id));
    return td_domain_join_only(&r, a, ret, err);
}

enum td_code td_domain_join_account(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                                    struct td_domain_join *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " TD_DOMAIN_JOIN_COLUMNS " FROM domain_join WHERE tenant = $1 AND way_id = $2"
                        " AND account_guid <> '' ORDER BY created_at DESC, number DESC LIMIT 1",
                        "ss", tenant, way_id));
    return td_domain_join_only(&r, a, ret, err);
}

/* --- what is told ------------------------------------------------------------------------------------------------- */

enum td_code td_domain_join_tell(struct td_tx *tx, const struct td_domain_join *j, enum td_domain_state state,
                                 const char *actor, struct td_error *err)
{
    char type[32];
    (void)snprintf(type, sizeof(type), "domain.%s", td_domain_state_word(state));
    const struct td_event e = {.subject = j->way_id, .type = type, .actor = actor};
    const struct td_domain_reason_row *row = td_domain_reason_by_name(j->failure);
    bool again = state == TD_DJS_QUEUED && row != NULL;
    return td_event_tell(tx, j->tenant, &e, err, "domain", j->domain, "job", j->id, "name",
                         j->name[0] != '\0' ? j->name : NULL, "account",
                         j->account_guid[0] != '\0' ? j->account_guid : NULL, "where", again ? row->name : NULL,
                         "cause", again ? row->cause : NULL, "remedy", again ? row->remedy : NULL, "detail",
                         again && j->detail[0] != '\0' ? j->detail : NULL, NULL);
}

static enum td_code tell_failed(struct td_tx *tx, const struct td_domain_join *j, const struct td_error *why,
                                struct td_error *err)
{
    char code[16];
    const struct td_event e = {.subject = j->way_id, .type = "domain.failed", .actor = system_actor};
    (void)snprintf(code, sizeof(code), "0x%08x", (unsigned)why->hresult);
    td_try(td_event_tell(tx, j->tenant, &e, err, "domain", j->domain, "job", j->id, "name",
                         j->name[0] != '\0' ? j->name : NULL, "code", code, "where", why->where, "cause", why->text,
                         "remedy", why->remedy, NULL));
    enum td_code rc = td_way_failed(tx, j->tenant, j->way_id, "domain-join", why, err);
    return rc == TD_ENOTFOUND || rc == TD_ESTATE ? TD_OK : rc; /* the device left meanwhile */
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

static bool is_open(enum td_domain_state state)
{
    return state != TD_DJS_CONFIRMED && state != TD_DJS_FAILED;
}

static enum td_code insert(struct td_tx *tx, const struct td_domain_join *j, struct td_error *err)
{
    return td_sql(tx, err,
                  "INSERT INTO domain_join(tenant, id, number, way_id, enrolment_id, registration_id, serial, item,"
                  " domain, ou, pattern, reuse, state, name, tries, attempt, connector_id, lease_until, next_at,"
                  " created_at, changed_at, account_guid, account_sid, account_dn, existed, sealed, failure, detail,"
                  " handed_out) VALUES ($1, $2, (SELECT COALESCE(MAX(n.number), 0) + 1 FROM domain_join n WHERE"
                  " n.tenant = $1 AND n.enrolment_id = $4), $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, '', 0, 0, '', 0,"
                  " $12, $12, $12, '', '', '', 0, NULL, '', '', 0)",
                  "sssssssssssi", j->tenant, j->id, j->way_id, j->enrolment_id, j->registration_id, j->serial, j->item,
                  j->domain, j->ou, j->pattern, j->reuse, td_tx_now(tx));
}

enum td_code td_domain_join_ask(struct td_tx *tx, const char *tenant, const struct td_domain_asking *what,
                                struct td_arena *a, struct td_domain_join *ret, struct td_error *err)
{
    enum td_code rc = td_domain_join_of(tx, tenant, what->enrolment_id, a, ret, err);
    if (rc == TD_OK && is_open(ret->state) && !td_fault("domain-asked-twice"))
        return TD_OK;
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    char *domain = td_arena_strdup(a, what->domain);
    td_lower(domain);
    const struct td_domain_join j = {.tenant = tenant,
                                     .id = td_uuid_arena(td_tx_env(tx), a),
                                     .way_id = what->way_id,
                                     .enrolment_id = what->enrolment_id,
                                     .registration_id = what->registration_id,
                                     .serial = what->serial,
                                     .item = what->item,
                                     .domain = domain,
                                     .ou = what->ou,
                                     .pattern = what->pattern,
                                     .reuse = what->reuse,
                                     .name = "",
                                     .account_guid = "",
                                     .failure = "",
                                     .detail = ""};
    td_try(insert(tx, &j, err));
    td_try(td_domain_join_tell(tx, &j, TD_DJS_QUEUED, system_actor, err));
    return td_domain_join_find(tx, tenant, j.id, a, ret, err);
}

/* --- the device's session ----------------------------------------------------------------------------------------- */

static enum td_code not_now(const struct td_domain_join *j, struct td_error *err)
{
    return td_fail(err, TD_ESTATE, "domain join", "the work is %s", td_domain_state_word(j->state));
}

enum td_code td_domain_join_delivered(struct td_tx *tx, const char *tenant, const char *id, struct td_error *err)
{
    TD_CLEANUP(td_arena_wipe) struct td_arena a = {0};
    struct td_domain_join j = TD_DOMAIN_JOIN_NONE;
    td_try(td_domain_join_find(tx, tenant, id, &a, &j, err));
    if (j.state != TD_DJS_CREATED && j.state != TD_DJS_DELIVERED)
        return not_now(&j, err);
    td_try(td_sql(tx, err,
                  "UPDATE domain_join SET state = $3, handed_out = handed_out + 1,"
                  " changed_at = CASE WHEN state = $3 THEN changed_at ELSE $4 END WHERE tenant = $1 AND id = $2",
                  "ssii", tenant, id, (int64_t)TD_DJS_DELIVERED, td_tx_now(tx)));
    if (j.handed_out >= TOLD_MOST &&
        !td_fault("domain-tells-always")) /* a device that never answers fills no timeline */
        return TD_OK;
    return td_domain_join_tell(tx, &j, TD_DJS_DELIVERED, system_actor, err);
}

enum td_code td_domain_join_confirmed(struct td_tx *tx, const char *tenant, const char *id, struct td_error *err)
{
    TD_CLEANUP(td_arena_wipe) struct td_arena a = {0};
    struct td_domain_join j = TD_DOMAIN_JOIN_NONE;
    td_try(td_domain_join_find(tx, tenant, id, &a, &j, err));
    if (j.state == TD_DJS_CONFIRMED)
        return TD_OK;
    if (j.state != TD_DJS_CREATED && j.state != TD_DJS_DELIVERED)
        return not_now(&j, err);
    td_try(td_sql(tx, err,
                  "UPDATE domain_join SET state = $3, changed_at = $4, failure = '', detail = '',"
                  " sealed = CASE WHEN $5 = 1 THEN sealed ELSE NULL END WHERE tenant = $1 AND id = $2",
                  "ssiii", tenant, id, (int64_t)TD_DJS_CONFIRMED, td_tx_now(tx),
                  (int64_t)td_fault("domain-blob-stays")));
    return td_domain_join_tell(tx, &j, TD_DJS_CONFIRMED, "device", err);
}

enum td_code td_domain_join_end(struct td_tx *tx, const struct td_domain_join *j, enum td_domain_reason reason,
                                const char *detail, struct td_error *err)
{
    struct td_error why = {0};
    const char *said = detail != NULL ? detail : "";
    (void)td_domain_refuse(&why, reason, said[0] != '\0' ? said : NULL);
    why.hresult = td_domain_reason_row(reason)->hresult;
    td_try(td_sql(tx, err,
                  "UPDATE domain_join SET state = $3, changed_at = $4, sealed = NULL, failure = $5, detail = $6,"
                  " lease_until = 0 WHERE tenant = $1 AND id = $2",
                  "ssiiss", j->tenant, j->id, (int64_t)TD_DJS_FAILED, td_tx_now(tx), td_domain_reason_row(reason)->name,
                  said));
    return tell_failed(tx, j, &why, err);
}

enum td_code td_domain_join_failed(struct td_tx *tx, const char *tenant, const char *id, enum td_domain_reason reason,
                                   const char *detail, struct td_error *err)
{
    TD_CLEANUP(td_arena_wipe) struct td_arena a = {0};
    struct td_domain_join j = TD_DOMAIN_JOIN_NONE;
    td_try(td_domain_join_find(tx, tenant, id, &a, &j, err));
    if (j.state == TD_DJS_FAILED && strcmp(j.failure, td_domain_reason_row(reason)->name) == 0)
        return TD_OK;
    return td_domain_join_end(tx, &j, reason, detail, err);
}
