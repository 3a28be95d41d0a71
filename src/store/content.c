#include "store/content.h"

#include "store/audit.h"

enum td_code td_content_add(struct td_tx *tx, const char *tenant, const struct td_content *c, const char *actor,
                            struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    td_try(td_sql(tx, err,
                  "INSERT INTO content(tenant, sha256, name, size, created_at) VALUES ($1, $2, $3, $4, $5)"
                  " ON CONFLICT DO NOTHING",
                  "sssii", tenant, c->sha256, c->name, c->size, td_tx_now(tx)));
    if (td_sql_changes(tx) == 0)
        return TD_OK;
    const struct td_change change = {"size", NULL, td_arena_printf(&a, "%lld", (long long)c->size)};
    struct td_audit what = {.type = "content.added",
                            .actor = actor,
                            .kind = "content",
                            .id = c->sha256,
                            .name = c->name,
                            .changes = &change,
                            .count = 1};
    return td_audit_tell(tx, tenant, &what, err);
}

enum td_code td_content_find(struct td_tx *tx, const char *tenant, const char *sha256, struct td_arena *a,
                             struct td_content *ret, struct td_error *err)
{
    struct td_rows r;
    bool found = false;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT sha256, name, size, created_at FROM content WHERE tenant = $1 AND sha256 = $2", "ss",
                        tenant, sha256));
    while (td_rows_next(&r)) {
        *ret =
            (struct td_content){td_col_text0(&r, 0, a), td_col_text0(&r, 1, a), td_col_int(&r, 2), td_col_int(&r, 3)};
        found = true;
    }
    td_try(td_rows_done(&r, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "content", "there is no such content");
}
