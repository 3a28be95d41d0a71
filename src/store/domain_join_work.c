/* The work for one computer account as connectors see it: leases, names, what comes of them, what stays too long. */
#include "base/fault.h"
#include "store/connector.h"
#include "store/domain_join_room.h"

#include <string.h>

static const char system_actor[] = "system";

enum { DETAIL = 512, SKIPS = 8, DRAWS = 64 };
#define FIRST_PAUSE (5 * TD_SECOND)
#define LONGEST_PAUSE (5 * TD_MINUTE)

int64_t td_domain_pause(int64_t now, int64_t attempt)
{
    int64_t pause = FIRST_PAUSE;
    for (int64_t i = 1; i < attempt && pause < LONGEST_PAUSE; i++)
        pause *= 2;
    return now + TD_MIN(pause, LONGEST_PAUSE);
}

static const char *cut(const char *text, struct td_arena *a)
{
    struct td_slice s = td_sub(td_str(text), 0, DETAIL);
    while (s.n != 0 && !td_utf8_ok(s))
        s.n--;
    return td_arena_text(a, s);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

/* The account that this registration had before, by the same rule: it is taken up again rather than left over. */
static enum td_code name_before(struct td_tx *tx, const struct td_domain_join *j, struct td_arena *a, const char **ret,
                                struct td_error *err)
{
    struct td_rows r;
    *ret = "";
    if (j->tries != 0 || j->registration_id[0] == '\0' ||
        (td_domain_reuse_parse(j->reuse) == TD_REUSE_NEVER && !td_fault("domain-reuse-anyway")))
        return TD_OK;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT name FROM domain_join WHERE tenant = $1 AND way_id = $2 AND domain = $3"
                        " AND pattern = $4 AND registration_id = $5 AND account_guid <> '' AND id <> $6"
                        " ORDER BY created_at DESC, number DESC LIMIT 1",
                        "ssssss", j->tenant, j->way_id, j->domain, j->pattern, j->registration_id, j->id));
    while (td_rows_next(&r))
        *ret = td_col_text0(&r, 0, a);
    return td_rows_done(&r, err);
}

/* Does another device of ours have it, or try it just now? What others made in the directory is told by the directory.
 */
static enum td_code is_ours(struct td_tx *tx, const struct td_domain_join *j, const char *name, bool *ret,
                            struct td_error *err)
{
    struct td_rows r;
    *ret = false;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT 1 FROM domain_join WHERE tenant = $1 AND domain = $2 AND name = $3 AND way_id <> $4"
                        " AND state <> $5 LIMIT 1",
                        "ssssi", j->tenant, j->domain, name, j->way_id, (int64_t)TD_DJS_FAILED));
    while (td_rows_next(&r))
        *ret = true;
    return td_rows_done(&r, err);
}

static enum td_code draw_name(struct td_tx *tx, const struct td_domain_join *j, struct td_arena *a, const char **ret,
                              struct td_error *err)
{
    char name[TD_COMPUTER_NAME_MAX + 1] = "";
    bool ours = true, last = false;
    for (int i = 0; ours && !last && i < DRAWS; i++) {
        td_try(td_domain_computer_name(j->pattern, j->serial, td_tx_env(tx), name, &last, err));
        td_try(is_ours(tx, j, name, &ours, err));
    }
    *ret = td_arena_strdup(a, name);
    return TD_OK;
}

static enum td_code choose_name(struct td_tx *tx, struct td_domain_join *j, struct td_arena *a, struct td_error *err)
{
    const char *name = "";
    if (j->name[0] != '\0')
        return TD_OK;
    td_try(name_before(tx, j, a, &name, err));
    if (name[0] == '\0')
        td_try(draw_name(tx, j, a, &name, err));
    j->name = name;
    j->tries++;
    return TD_OK;
}

/* --- what is due -------------------------------------------------------------------------------------------------- */

static enum td_code any(struct td_rows *r, bool *ret, struct td_error *err)
{
    while (td_rows_next(r))
        *ret = true;
    return td_rows_done(r, err);
}

enum td_code td_domain_work_due(struct td_tx *tx, const char *tenant, const char *const *domains, size_t count,
                                bool *ret, struct td_error *err)
{
    struct td_rows r;
    int64_t now = td_tx_now(tx);
    *ret = false;
    if (tenant == NULL) {
        td_try(td_sql_query(
            tx, &r, err,
            "SELECT 1 FROM domain_join WHERE state = 0 AND next_at <= $1 UNION ALL"
            " SELECT 1 FROM domain_removal r WHERE r.done_at = 0 AND r.next_at <= $1" TD_DOMAIN_REMOVAL_FREE " LIMIT 1",
            "i", now));
        return any(&r, ret, err);
    }
    for (size_t i = 0; i < count && !*ret; i++) {
        td_try(td_sql_query(tx, &r, err,
                            "SELECT 1 FROM domain_join WHERE tenant = $1 AND domain = $2 AND state = 0"
                            " AND next_at <= $3 UNION ALL SELECT 1 FROM domain_removal r WHERE r.tenant = $1"
                            " AND r.domain = $2 AND r.done_at = 0 AND r.next_at <= $3" TD_DOMAIN_REMOVAL_FREE
                            " LIMIT 1",
                            "ssi", tenant, domains[i], now));
        td_try(any(&r, ret, err));
    }
    return TD_OK;
}

enum td_code td_domain_work_waiting(struct td_tx *tx, int64_t *ret_count, int64_t *ret_oldest, struct td_error *err)
{
    struct td_rows r;
    int64_t now = td_tx_now(tx);
    td_try(td_sql_query(tx, &r, err,
                        "SELECT COUNT(*), COALESCE(MIN(created_at), $1) FROM (SELECT created_at FROM domain_join"
                        " WHERE state = 0 UNION ALL SELECT created_at FROM domain_removal WHERE done_at = 0) x",
                        "i", now));
    while (td_rows_next(&r)) {
        *ret_count = td_col_int(&r, 0);
        *ret_oldest = TD_MAX(now - td_col_int(&r, 1), 0);
    }
    return td_rows_done(&r, err);
}

enum td_code td_domain_work_queued(struct td_tx *tx, const char *tenant, const char *domain, int64_t *ret,
                                   struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT (SELECT COUNT(*) FROM domain_join WHERE tenant = $1 AND domain = $2 AND state = 0) +"
                        " (SELECT COUNT(*) FROM domain_removal WHERE tenant = $1 AND domain = $2 AND done_at = 0)",
                        "ss", tenant, domain));
    while (td_rows_next(&r))
        *ret = td_col_int(&r, 0);
    return td_rows_done(&r, err);
}

/* --- leases ------------------------------------------------------------------------------------------------------- */

static enum td_code next_due(struct td_tx *tx, const char *tenant, const char *const *domains, size_t count,
                             struct td_arena *a, struct td_domain_join *ret, bool *ret_found, struct td_error *err)
{
    struct td_rows r;
    struct td_domain_join j = TD_DOMAIN_JOIN_NONE;
    *ret_found = false;
    for (size_t i = 0; i < count; i++) {
        bool any = false;
        td_try(td_sql_query(tx, &r, err,
                            "SELECT " TD_DOMAIN_JOIN_COLUMNS " FROM domain_join WHERE tenant = $1 AND domain = $2"
                            " AND state = 0 AND next_at <= $3 ORDER BY next_at LIMIT 1",
                            "ssi", tenant, domains[i], td_tx_now(tx)));
        for (; td_rows_next(&r); any = true)
            td_domain_join_read(&r, a, &j);
        td_try(td_rows_done(&r, err));
        if (any && (!*ret_found || j.next_at < ret->next_at))
            *ret = j;
        *ret_found = *ret_found || any;
    }
    return TD_OK;
}

static enum td_code lease(struct td_tx *tx, struct td_domain_join *j, const char *connector_id, struct td_error *err)
{
    j->state = TD_DJS_CREATING;
    j->attempt++;
    j->connector_id = connector_id;
    j->lease_until = td_tx_now(tx) + TD_DOMAIN_LEASE;
    j->changed_at = td_tx_now(tx);
    td_try(
        td_sql(tx, err,
               "UPDATE domain_join SET state = $3, attempt = $4, connector_id = $5, lease_until = $6, changed_at = $7,"
               " name = $8, tries = $9 WHERE tenant = $1 AND id = $2",
               "ssiisiisi", j->tenant, j->id, (int64_t)j->state, j->attempt, j->connector_id, j->lease_until,
               j->changed_at, j->name, j->tries));
    return td_domain_join_tell(tx, j, TD_DJS_CREATING, system_actor, err);
}

enum td_code td_domain_join_lease(struct td_tx *tx, const char *tenant, const char *connector_id,
                                  const char *const *domains, size_t count, struct td_arena *a,
                                  struct td_domain_join *ret, struct td_error *err)
{
    for (int i = 0; i < SKIPS; i++) {
        struct td_error why = {0};
        bool found = false;
        td_try(next_due(tx, tenant, domains, count, a, ret, &found, err));
        if (!found)
            break;
        enum td_code rc = choose_name(tx, ret, a, &why);
        if (rc == TD_OK)
            return lease(tx, ret, connector_id, err);
        if (rc != TD_EINVAL)
            return td_fail(err, rc, why.where, "%s", why.text);
        td_try(td_domain_join_end(tx, ret, TD_DJ_NAME_INVALID, why.text, err));
    }
    return td_fail(err, TD_ENOTFOUND, "work", "there is nothing to do");
}

/* --- what came of it ---------------------------------------------------------------------------------------------- */

static enum td_code held(struct td_tx *tx, const char *tenant, const char *id, int64_t attempt, struct td_arena *a,
                         struct td_domain_join *ret, struct td_error *err)
{
    td_try(td_domain_join_find(tx, tenant, id, a, ret, err));
    bool same = ret->attempt == attempt || td_fault("domain-any-attempt");
    if (ret->state == TD_DJS_CREATING && same)
        return TD_OK;
    return td_remedy(err,
                     td_fail(err, TD_ESTATE, "attempt", "the work is %s, and its present attempt is %lld",
                             td_domain_state_word(ret->state), (long long)ret->attempt),
                     "Somebody else has it by now: what was done is void.");
}

enum td_code td_domain_join_made(struct td_tx *tx, const char *tenant, const char *id, int64_t attempt,
                                 const struct td_domain_made *made, struct td_error *err)
{
    TD_CLEANUP(td_arena_wipe) struct td_arena a = {0};
    struct td_domain_join j = TD_DOMAIN_JOIN_NONE;
    td_try(held(tx, tenant, id, attempt, &a, &j, err));
    j.account_guid = made->account_guid;
    /* taken up again: what was to end it is overtaken */
    if (!td_fault("domain-removal-stays"))
        td_try(td_sql(tx, err, "DELETE FROM domain_removal WHERE tenant = $1 AND account_guid = $2 AND done_at = 0",
                      "ss", tenant, made->account_guid));
    td_try(td_sql(tx, err,
                  "UPDATE domain_join SET state = $3, changed_at = $4, account_guid = $5, account_sid = $6,"
                  " account_dn = $7, existed = $8, sealed = $9, failure = '', detail = '', lease_until = 0"
                  " WHERE tenant = $1 AND id = $2",
                  "ssiisssib", tenant, id, (int64_t)TD_DJS_CREATED, td_tx_now(tx), made->account_guid,
                  made->account_sid, made->account_dn, (int64_t)made->existed, made->sealed));
    return td_domain_join_tell(tx, &j, TD_DJS_CREATED, system_actor, err);
}

static enum td_code queue_again(struct td_tx *tx, struct td_domain_join *j, int64_t at, struct td_error *err)
{
    td_try(td_sql(tx, err,
                  "UPDATE domain_join SET state = $3, changed_at = $4, next_at = $5, name = $6, failure = $7,"
                  " detail = $8, lease_until = 0 WHERE tenant = $1 AND id = $2",
                  "ssiiisss", j->tenant, j->id, (int64_t)TD_DJS_QUEUED, td_tx_now(tx), at, j->name, j->failure,
                  j->detail));
    return td_domain_join_tell(tx, j, TD_DJS_QUEUED, system_actor, err);
}

/* A pattern with a random part gives another name. */
static bool has_other_name(struct td_tx *tx, const struct td_domain_join *j)
{
    char name[TD_COMPUTER_NAME_MAX + 1] = "";
    bool last = true;
    if (j->tries >= TD_COMPUTER_NAME_TRIES && !td_fault("domain-names-without-end"))
        return false;
    return td_domain_computer_name(j->pattern, j->serial, td_tx_env(tx), name, &last, NULL) == TD_OK && !last;
}

/* What is wrong with one connector is no reason to fail where another one serves the domain. */
static enum td_code worth_trying(struct td_tx *tx, const struct td_domain_join *j,
                                 const struct td_domain_reason_row *row, bool *ret, struct td_error *err)
{
    bool its_own = row->reason >= TD_DJ_NO_DC && row->reason <= TD_DJ_SERVICE_LOCKED;
    *ret = row->again && row->reason != TD_DJ_NAME_TAKEN;
    if (*ret || !its_own || td_fault("domain-no-other-connector"))
        return TD_OK;
    return td_connector_other(tx, j->tenant, j->connector_id, j->domain, ret, err);
}

enum td_code td_domain_join_refused(struct td_tx *tx, const char *tenant, const char *id, int64_t attempt,
                                    enum td_domain_reason reason, const char *detail, struct td_arena *a,
                                    struct td_error *err)
{
    struct td_domain_join j = TD_DOMAIN_JOIN_NONE;
    const struct td_domain_reason_row *row = td_domain_reason_row(reason);
    int64_t now = td_tx_now(tx);
    td_try(held(tx, tenant, id, attempt, a, &j, err));
    j.failure = row->name;
    j.detail = cut(detail, a);
    if (reason == TD_DJ_NAME_TAKEN && has_other_name(tx, &j)) {
        j.name = "";
        return queue_again(tx, &j, now, err);
    }
    int64_t next = td_domain_pause(now, j.attempt);
    bool worth = false;
    td_try(worth_trying(tx, &j, row, &worth, err));
    if (worth && next < j.created_at + TD_DOMAIN_WAIT)
        return queue_again(tx, &j, next, err);
    return td_domain_join_end(tx, &j, reason, j.detail, err);
}

/* --- what stays too long ------------------------------------------------------------------------------------------ */

/* Why nobody did it: what the last one said, or that there was none. */
static enum td_code why_not(struct td_tx *tx, const struct td_domain_join *j, enum td_domain_reason *ret,
                            struct td_error *err)
{
    const struct td_domain_reason_row *row = td_domain_reason_by_name(j->failure);
    bool served = false;
    *ret = TD_DJ_TIMEOUT;
    if (row != NULL) {
        *ret = row->reason;
        return TD_OK;
    }
    td_try(td_connector_serves(tx, j->tenant, j->domain, &served, err));
    if (!served)
        *ret = TD_DJ_NO_CONNECTOR;
    return TD_OK;
}

static enum td_code overdue_lease(struct td_tx *tx, struct td_domain_join *j, struct td_error *err)
{
    j->failure = td_domain_reason_row(TD_DJ_TIMEOUT)->name;
    j->detail = "the connector that had the work did not answer";
    if (td_tx_now(tx) < j->created_at + TD_DOMAIN_WAIT)
        return queue_again(tx, j, td_tx_now(tx), err);
    return td_domain_join_end(tx, j, TD_DJ_TIMEOUT, j->detail, err);
}

static enum td_code settle(struct td_tx *tx, struct td_domain_join *j, struct td_error *err)
{
    enum td_domain_reason reason = TD_DJ_TIMEOUT;
    if (j->state == TD_DJS_CREATING)
        return overdue_lease(tx, j, err);
    if (j->state != TD_DJS_QUEUED)
        return td_domain_join_end(tx, j, TD_DJ_TIMEOUT, "the device did not take the join in a day", err);
    td_try(why_not(tx, j, &reason, err));
    return td_domain_join_end(tx, j, reason, j->detail, err);
}

/* A lease that ends later than any given one is of a clock that was put back. */
#define OVERDUE                                                                                      \
    "(state = 0 AND created_at <= $1) OR (state = 1 AND (lease_until <= $2 OR lease_until > $3)) OR" \
    " ((state = 2 OR state = 3) AND changed_at <= $4)"

enum td_code td_domain_join_overdue(struct td_tx *tx, bool *ret, struct td_error *err)
{
    struct td_rows r;
    int64_t now = td_tx_now(tx);
    *ret = false;
    td_try(td_sql_query(tx, &r, err, "SELECT 1 FROM domain_join WHERE state < 4 AND (" OVERDUE ") LIMIT 1", "iiii",
                        now - TD_DOMAIN_WAIT, now, now + TD_DOMAIN_LEASE, now - TD_DOMAIN_BLOB_LIFE));
    return any(&r, ret, err);
}

enum td_code td_domain_join_sweep(struct td_tx *tx, int limit, bool *ret_more, struct td_arena *a, struct td_error *err)
{
    struct td_rows r;
    int64_t now = td_tx_now(tx);
    struct td_domain_join *list = td_arena_array(a, struct td_domain_join, (size_t)limit);
    int n = 0;
    td_try(td_sql_query(
        tx, &r, err, "SELECT " TD_DOMAIN_JOIN_COLUMNS " FROM domain_join WHERE state < 4 AND (" OVERDUE ") LIMIT $5",
        "iiiii", now - TD_DOMAIN_WAIT, now, now + TD_DOMAIN_LEASE, now - TD_DOMAIN_BLOB_LIFE, (int64_t)limit));
    while (n < limit && td_rows_next(&r))
        td_domain_join_read(&r, a, &list[n++]);
    td_try(td_rows_done(&r, err));
    for (int i = 0; i < n; i++)
        td_try(settle(tx, &list[i], err));
    *ret_more = n == limit;
    return TD_OK;
}
