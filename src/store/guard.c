/* The guard against guessing: wrong passwords counted by name (store/user.h). */
#include "base/fault.h"
#include "store/event.h"
#include "store/user.h"

enum { LONGEST_DOUBLING = 6, FORGET_AT_ONCE = 50 };

static const int64_t first_lock = TD_MINUTE, longest_lock = TD_HOUR, memory = TD_DAY;

struct key {
    char text[TD_UPN_MAX + 1];
};

static const char *key_of(const char *upn, struct key *k)
{
    size_t n = strnlen(upn, TD_UPN_MAX);
    memcpy(k->text, upn, n);
    k->text[n] = '\0';
    td_lower(k->text);
    return k->text;
}

enum td_code td_guard_locked(struct td_tx *tx, const char *tenant, const char *upn, bool *ret, struct td_error *err)
{
    struct td_rows r;
    struct key k;
    td_try(td_sql_query(tx, &r, err, "SELECT locked_until FROM sign_in_guard WHERE tenant = $1 AND upn_key = $2", "ss",
                        tenant, key_of(upn, &k)));
    *ret = td_rows_next(&r) && td_col_int(&r, 0) > td_tx_now(tx);
    return td_rows_done(&r, err);
}

static int64_t lock_for(int64_t failures)
{
    int64_t over = failures - TD_GUARD_TRIES;
    if (over < 0 || td_fault("guard-never-locks"))
        return 0;
    return over >= LONGEST_DOUBLING ? longest_lock : TD_MIN(first_lock << over, longest_lock);
}

static enum td_code failures_before(struct td_tx *tx, const char *tenant, const char *key, int64_t *ret,
                                    struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err, "SELECT failures, failed_at FROM sign_in_guard WHERE tenant = $1 AND upn_key = $2",
                        "ss", tenant, key));
    *ret = td_rows_next(&r) && td_col_int(&r, 1) > td_tx_now(tx) - memory ? td_col_int(&r, 0) : 0;
    return td_rows_done(&r, err);
}

static enum td_code forget_old(struct td_tx *tx, struct td_error *err)
{
    return td_sql(tx, err,
                  "DELETE FROM sign_in_guard WHERE (tenant, upn_key) IN"
                  " (SELECT tenant, upn_key FROM sign_in_guard WHERE failed_at < $1 LIMIT $2)",
                  "ii", td_tx_now(tx) - memory, (int64_t)FORGET_AT_ONCE);
}

/* Only the lock is an event: single wrong passwords would fill the tenant's timeline. */
static enum td_code tell_lock(struct td_tx *tx, const char *tenant, const char *key, const char *address,
                              struct td_error *err)
{
    struct td_event e = {.type = "user.locked", .actor = key};
    return td_event_tell(tx, tenant, &e, err, "address", address != NULL ? address : "", NULL);
}

enum td_code td_guard_failed(struct td_tx *tx, const char *tenant, const char *upn, const char *address,
                             struct td_error *err)
{
    struct key k;
    int64_t failures = 0;
    const char *key = key_of(upn, &k);
    td_try(failures_before(tx, tenant, key, &failures, err));
    int64_t lock = lock_for(failures + 1), now = td_tx_now(tx);
    td_try(td_sql(
        tx, err,
        "INSERT INTO sign_in_guard(tenant, upn_key, failures, failed_at, locked_until) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (tenant, upn_key) DO UPDATE SET failures = excluded.failures,"
        " failed_at = excluded.failed_at, locked_until = excluded.locked_until",
        "ssiii", tenant, key, failures + 1, now, lock != 0 ? now + lock : 0));
    td_try(forget_old(tx, err));
    return lock != 0 ? tell_lock(tx, tenant, key, address, err) : TD_OK;
}

enum td_code td_guard_passed(struct td_tx *tx, const char *tenant, const char *upn, struct td_error *err)
{
    struct key k;
    return td_sql(tx, err, "DELETE FROM sign_in_guard WHERE tenant = $1 AND upn_key = $2", "ss", tenant,
                  key_of(upn, &k));
}
