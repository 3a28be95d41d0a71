#include "store/ad_domain.h"

#include "store/audit.h"
#include "store/tenant.h"

#define COLUMNS \
    "domain, sign_in, sync, sync_base, sync_seconds, server, usn, synced_at, connector, heard_at, full_at, run"

static const char *name_of(struct td_arena *a, const char *domain)
{
    char *text = td_arena_text(a, td_sub(td_str(domain), 0, TD_AD_DOMAIN_MAX + 1));
    td_lower(text);
    return text;
}

static enum td_code check(const struct td_ad_domain_row *row, struct td_error *err)
{
    size_t n = strlen(row->sync_base);
    if (n > TD_AD_BASE_MAX || !td_utf8_ok(td_str(row->sync_base)))
        return td_fail(err, TD_EINVAL, "base", "is a distinguished name of at most %d octets", TD_AD_BASE_MAX);
    if (n != 0 && td_find(td_str(row->sync_base), '=') == SIZE_MAX)
        return td_remedy(err, td_fail(err, TD_EINVAL, "base", "is no distinguished name"),
                         "give it as OU=People,DC=corp,DC=test, or empty for the whole domain");
    if (row->sync_seconds < TD_AD_SECONDS_MIN || row->sync_seconds > TD_AD_SECONDS_MAX)
        return td_fail(err, TD_EINVAL, "seconds", "is a number from %d to %d", TD_AD_SECONDS_MIN, TD_AD_SECONDS_MAX);
    return TD_OK;
}

static enum td_code tell(struct td_tx *tx, const char *tenant, const char *type, const struct td_ad_domain_row *before,
                         const struct td_ad_domain_row *after, const char *actor, struct td_error *err)
{
    static const char *const words[] = {"off", "on"};
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const struct td_ad_domain_row *b = before, *n = after;
    const struct td_change changes[] = {
        {"sign-in", b ? words[b->sign_in] : NULL, n ? words[n->sign_in] : NULL},
        {"sync", b ? words[b->sync] : NULL, n ? words[n->sync] : NULL},
        {"base", b ? b->sync_base : NULL, n ? n->sync_base : NULL},
        {"seconds", b ? td_arena_printf(&a, "%d", b->sync_seconds) : NULL,
         n ? td_arena_printf(&a, "%d", n->sync_seconds) : NULL},
    };
    const char *domain = n != NULL ? n->domain : b->domain;
    const struct td_audit what = {.type = type,
                                  .actor = actor,
                                  .kind = "domain",
                                  .id = domain,
                                  .name = domain,
                                  .changes = changes,
                                  .count = TD_COUNTOF(changes)};
    return td_audit_tell(tx, tenant, &what, err);
}

enum td_code td_ad_domain_put(struct td_tx *tx, const char *tenant, const struct td_ad_domain_row *row,
                              const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_ad_domain_row before = {.sync_base = ""}, after = *row;
    after.domain = name_of(&a, row->domain);
    td_try(check(&after, err));
    td_try(td_tenant_domain_add(tx, tenant, after.domain, actor, err));
    enum td_code rc = td_ad_domain_find(tx, tenant, after.domain, &a, &before, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    bool there = rc == TD_OK;
    bool anew = there && (strcmp(before.sync_base, after.sync_base) != 0 || (!before.sync && after.sync));
    td_try(td_sql(tx, err,
                  "INSERT INTO ad_domain(tenant, domain, sign_in, sync, sync_base, sync_seconds)"
                  " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, domain) DO UPDATE SET"
                  " sign_in = excluded.sign_in, sync = excluded.sync, sync_base = excluded.sync_base,"
                  " sync_seconds = excluded.sync_seconds",
                  "ssiisi", tenant, after.domain, (int64_t)after.sign_in, (int64_t)after.sync, after.sync_base,
                  (int64_t)after.sync_seconds));
    if (anew) /* another part of the tree, or a gap in what was told: everything once more */
        td_try(td_sql(tx, err, "UPDATE ad_domain SET usn = 0, server = '' WHERE tenant = $1 AND domain = $2", "ss",
                      tenant, after.domain));
    td_try(tell(tx, tenant, there ? "domain.changed" : "domain.added", there ? &before : NULL, &after, actor, err));
    return td_store_touch(tx, err);
}

static void read_row(struct td_rows *r, struct td_arena *a, struct td_ad_domain_row *ret)
{
    *ret = (struct td_ad_domain_row){.domain = td_col_text0(r, 0, a),
                                     .sign_in = td_col_int(r, 1) != 0,
                                     .sync = td_col_int(r, 2) != 0,
                                     .sync_base = td_col_text0(r, 3, a),
                                     .sync_seconds = (int)td_col_int(r, 4),
                                     .server = td_col_text0(r, 5, a),
                                     .usn = (uint64_t)td_col_int(r, 6),
                                     .synced_at = td_col_int(r, 7),
                                     .connector = td_col_text0(r, 8, a),
                                     .heard_at = td_col_int(r, 9),
                                     .full_at = td_col_int(r, 10),
                                     .run = td_col_int(r, 11)};
}

enum td_code td_ad_domain_find(struct td_tx *tx, const char *tenant, const char *domain, struct td_arena *a,
                               struct td_ad_domain_row *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err, "SELECT " COLUMNS " FROM ad_domain WHERE tenant = $1 AND domain = $2", "ss",
                        tenant, name_of(a, domain)));
    bool found = td_rows_next(&r);
    if (found)
        read_row(&r, a, ret);
    td_try(td_rows_done(&r, err));
    if (found)
        return TD_OK;
    return td_remedy(err, td_fail(err, TD_ENOTFOUND, "domain", "the tenant has no directory domain \"%.100s\"", domain),
                     "touchdown connector domain set DOMAIN adds it");
}

enum td_code td_ad_domain_list(struct td_tx *tx, const char *tenant, struct td_arena *a, struct td_ad_domain_row **ret,
                               size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    struct td_ad_domain_row *list = NULL;
    size_t n = 0, room = 0;
    td_try(
        td_sql_query(tx, &r, err, "SELECT " COLUMNS " FROM ad_domain WHERE tenant = $1 ORDER BY domain", "s", tenant));
    while (td_rows_next(&r)) {
        list = td_arena_room(a, list, n, &room, sizeof(*list));
        read_row(&r, a, &list[n++]);
    }
    *ret = list;
    *ret_count = n;
    return td_rows_done(&r, err);
}

enum td_code td_ad_domain_remove(struct td_tx *tx, const char *tenant, const char *domain, const char *actor,
                                 struct td_error *err)
{
    static const char *const gone[] = {
        "DELETE FROM ad_run WHERE tenant = $1 AND domain = $2",
        "DELETE FROM ad_refused WHERE tenant = $1 AND domain = $2",
        "DELETE FROM ad_domain WHERE tenant = $1 AND domain = $2",
    };
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_ad_domain_row row = {0};
    td_try(td_ad_domain_find(tx, tenant, domain, &a, &row, err));
    for (size_t i = 0; i < TD_COUNTOF(gone); i++)
        td_try(td_sql(tx, err, gone[i], "ss", tenant, row.domain));
    td_try(tell(tx, tenant, "domain.removed", &row, NULL, actor, err));
    return td_store_touch(tx, err);
}

static enum td_code count(struct td_tx *tx, const char *sql, const char *tenant, const char *domain, int64_t *ret,
                          struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err, sql, "ss", tenant, domain));
    *ret = td_rows_next(&r) ? td_col_int(&r, 0) : 0;
    return td_rows_done(&r, err);
}

enum td_code td_ad_domain_counts(struct td_tx *tx, const char *tenant, const char *domain,
                                 struct td_ad_domain_counts *ret, struct td_error *err)
{
    td_try(count(tx, "SELECT COUNT(*) FROM account WHERE tenant = $1 AND ad_domain = $2", tenant, domain, &ret->people,
                 err));
    td_try(count(tx, "SELECT COUNT(*) FROM device_group WHERE tenant = $1 AND ad_domain = $2", tenant, domain,
                 &ret->groups, err));
    return count(tx, "SELECT COUNT(*) FROM ad_refused WHERE tenant = $1 AND domain = $2", tenant, domain, &ret->refused,
                 err);
}
