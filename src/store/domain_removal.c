/* Computer accounts whose device left: disabled or deleted by a connector. */
#include "base/fault.h"
#include "store/connector.h"
#include "store/domain_join_room.h"
#include "store/event.h"

#include <string.h>

/* Tried so often, with pauses that grow to five minutes: more than half a day. */
enum { ATTEMPTS = 200 };

static const char system_actor[] = "system";

enum td_code td_domain_removal_ask(struct td_tx *tx, const char *tenant, const struct td_domain_join *of, bool remove,
                                   struct td_error *err)
{
    char id[TD_UUID_TEXT];
    if (of->account_guid[0] == '\0')
        return TD_OK;
    td_uuid_new(td_tx_env(tx), id);
    /* what was asked before is overtaken: a deletion follows a disabling, or the other way about */
    td_try(td_sql(tx, err, "DELETE FROM domain_removal WHERE tenant = $1 AND account_guid = $2 AND done_at = 0", "ss",
                  tenant, of->account_guid));
    td_try(td_sql(tx, err,
                  "INSERT INTO domain_removal(tenant, id, way_id, domain, account_guid, account_sid, name, remove,"
                  " attempt, connector_id, next_at, created_at, done_at, failure, detail)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, '', $9, $9, 0, '', '')",
                  "sssssssii", tenant, id, of->way_id, of->domain, of->account_guid, of->account_sid, of->name,
                  (int64_t)remove, td_tx_now(tx)));
    const struct td_event e = {.subject = of->way_id, .type = "domain.removal-queued", .actor = system_actor};
    return td_event_tell(tx, tenant, &e, err, "domain", of->domain, "name", of->name, "account", of->account_guid,
                         "kind", remove ? "delete" : "disable", NULL);
}

static enum td_code next_due(struct td_tx *tx, const char *tenant, const char *const *domains, size_t count,
                             struct td_arena *a, struct td_domain_removal *ret, struct td_error *err)
{
    struct td_rows r;
    bool found = false;
    for (size_t i = 0; i < count && !found; i++) {
        td_try(td_sql_query(tx, &r, err,
                            "SELECT r.id, r.domain, r.account_guid, r.account_sid, r.name, r.remove, r.attempt FROM"
                            " domain_removal r WHERE r.tenant = $1 AND r.domain = $2 AND r.done_at = 0"
                            " AND r.next_at <= $3" TD_DOMAIN_REMOVAL_FREE " ORDER BY r.next_at LIMIT 1",
                            "ssi", tenant, domains[i], td_tx_now(tx)));
        for (; td_rows_next(&r); found = true)
            *ret = (struct td_domain_removal){.id = td_col_text0(&r, 0, a),
                                              .domain = td_col_text0(&r, 1, a),
                                              .account_guid = td_col_text0(&r, 2, a),
                                              .account_sid = td_col_text0(&r, 3, a),
                                              .name = td_col_text0(&r, 4, a),
                                              .remove = td_col_int(&r, 5) != 0,
                                              .attempt = td_col_int(&r, 6)};
        td_try(td_rows_done(&r, err));
    }
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "work", "there is nothing to do");
}

/* Disabling and deleting may be done twice without harm, so that the end of a lease needs no sweep: its row is due
 * again. */
enum td_code td_domain_removal_lease(struct td_tx *tx, const char *tenant, const char *connector_id,
                                     const char *const *domains, size_t count, struct td_arena *a,
                                     struct td_domain_removal *ret, struct td_error *err)
{
    td_try(next_due(tx, tenant, domains, count, a, ret, err));
    ret->attempt++;
    return td_sql(tx, err,
                  "UPDATE domain_removal SET attempt = $3, connector_id = $4, next_at = $5"
                  " WHERE tenant = $1 AND id = $2",
                  "ssisi", tenant, ret->id, ret->attempt, connector_id, td_tx_now(tx) + TD_DOMAIN_LEASE);
}

struct open_one {
    const char *way_id, *domain, *name, *account, *failure, *connector_id;
    bool remove, done;
    int64_t attempt;
};

static enum td_code find(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a, struct open_one *ret,
                         struct td_error *err)
{
    struct td_rows r;
    bool found = false;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT way_id, domain, name, account_guid, remove, attempt, done_at, failure, connector_id"
                        " FROM domain_removal WHERE tenant = $1 AND id = $2",
                        "ss", tenant, id));
    for (; td_rows_next(&r); found = true)
        *ret = (struct open_one){.way_id = td_col_text0(&r, 0, a),
                                 .domain = td_col_text0(&r, 1, a),
                                 .name = td_col_text0(&r, 2, a),
                                 .account = td_col_text0(&r, 3, a),
                                 .remove = td_col_int(&r, 4) != 0,
                                 .attempt = td_col_int(&r, 5),
                                 .done = td_col_int(&r, 6) != 0,
                                 .failure = td_col_text0(&r, 7, a),
                                 .connector_id = td_col_text0(&r, 8, a)};
    td_try(td_rows_done(&r, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "work", "there is no such work");
}

static enum td_code tell_done(struct td_tx *tx, const char *tenant, const struct open_one *o, struct td_error *err)
{
    const struct td_event e = {.subject = o->way_id,
                               .type = o->remove ? "domain.account-deleted" : "domain.account-disabled",
                               .actor = system_actor};
    return td_event_tell(tx, tenant, &e, err, "domain", o->domain, "name", o->name, "account", o->account, NULL);
}

static enum td_code tell_given_up(struct td_tx *tx, const char *tenant, const struct open_one *o,
                                  const struct td_domain_reason_row *row, const char *detail, struct td_error *err)
{
    const struct td_event e = {.subject = o->way_id, .type = "domain.removal-failed", .actor = system_actor};
    return td_event_tell(tx, tenant, &e, err, "domain", o->domain, "name", o->name, "account", o->account, "where",
                         row->name, "cause", row->cause, "remedy", row->remedy, "detail", detail, NULL);
}

enum td_code td_domain_removal_done(struct td_tx *tx, const char *tenant, const char *connector_id, const char *id,
                                    int64_t attempt, enum td_domain_reason reason, const char *detail,
                                    struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct open_one o = {.way_id = "", .failure = "", .connector_id = ""};
    const struct td_domain_reason_row *row = td_domain_reason_row(reason);
    bool ok = reason == TD_DJ_OK, its_own = reason >= TD_DJ_NO_DC && reason <= TD_DJ_SERVICE_LOCKED;
    /* nobody asks for it a second time: what somebody mends at the connector is waited for */
    bool again = !ok && (row->again || (its_own && !td_fault("domain-removal-gives-up"))) && attempt < ATTEMPTS;
    int64_t now = td_tx_now(tx);
    td_try(find(tx, tenant, id, &a, &o, err));
    if (strcmp(o.connector_id, connector_id) != 0 && !td_fault("connector-any-removal"))
        return td_fail(err, TD_ESTATE, "id", "another connector has this work");
    if (!td_fault("connector-unbound-removes"))
        td_try(td_connector_may(tx, tenant, connector_id, o.domain, err));
    if (o.done && o.attempt == attempt && strcmp(o.failure, ok ? "" : row->name) == 0)
        return TD_OK; /* the answer to it got lost, and it comes once more */
    if (o.done || o.attempt != attempt)
        return td_fail(err, TD_ESTATE, "attempt", "somebody else has this work by now, or it is done");
    td_try(td_sql(tx, err,
                  "UPDATE domain_removal SET done_at = $3, next_at = $4, failure = $5, detail = $6"
                  " WHERE tenant = $1 AND id = $2",
                  "ssiiss", tenant, id, again ? INT64_C(0) : now, td_domain_pause(now, attempt), ok ? "" : row->name,
                  ok || detail == NULL ? "" : detail));
    if (again)
        return TD_OK;
    return ok ? tell_done(tx, tenant, &o, err) : tell_given_up(tx, tenant, &o, row, detail, err);
}
