#include "store/import_record.h"

#include "base/fault.h"
#include "way/match.h"

enum { MAX_SLICE = 1000 };

/* A request that is sent twice, or a script that sends its whole list again for each device (graph-api.md 3.1): the
 * row that waits is the answer. */
static enum td_code find_waiting(struct td_tx *tx, const char *tenant, const struct td_import_record *w,
                                 const char *serial_key, struct td_arena *a, const char **ret_id, struct td_error *err)
{
    struct td_rows r;
    *ret_id = NULL;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT id FROM import_record WHERE tenant = $1 AND serial_key = $2 AND state = 0"
                        " AND repeats = 0 AND hardware_sha256 = $3 ORDER BY pos LIMIT 1",
                        "ssb", tenant, serial_key, td_bytes(w->hardware_sha256, sizeof(w->hardware_sha256))));
    while (td_rows_next(&r))
        *ret_id = td_col_text0(&r, 0, a);
    return td_rows_done(&r, err);
}

static enum td_code insert(struct td_tx *tx, const char *tenant, const struct td_import_record *w,
                           const char *serial_key, const char *id, struct td_error *err)
{
    return td_sql(tx, err,
                  "INSERT INTO import_record(tenant, id, import_id, serial, serial_key, product_key, group_tag,"
                  " assigned_user, purchase_order, hardware, hardware_sha256, repeats, actor, state, code, name,"
                  " detail, registration_id, created_at, finished_at)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, 0, '', '', '', $14, 0)",
                  "ssssssssssbisi", tenant, id, w->import_id[0] != '\0' ? w->import_id : id, w->serial, serial_key,
                  w->product_key, w->group_tag, w->assigned_user, w->purchase_order, w->hardware,
                  td_bytes(w->hardware_sha256, sizeof(w->hardware_sha256)), (int64_t)w->repeats, w->actor,
                  td_tx_now(tx));
}

enum td_code td_import_record_add(struct td_tx *tx, const char *tenant, const struct td_import_record *what,
                                  struct td_arena *a, const char **ret_id, struct td_error *err)
{
    const char *key = td_fact_normal(a, td_str(what->serial));
    if (!what->repeats && key[0] != '\0') {
        const char *waiting;
        td_try(find_waiting(tx, tenant, what, key, a, &waiting, err));
        if (waiting != NULL) {
            *ret_id = waiting;
            return td_sql(tx, err,
                          "UPDATE import_record SET group_tag = $3, assigned_user = $4, product_key = $5"
                          " WHERE tenant = $1 AND id = $2",
                          "sssss", tenant, waiting, what->group_tag, what->assigned_user, what->product_key);
        }
        td_try(td_sql(tx, err, "DELETE FROM import_record WHERE tenant = $1 AND serial_key = $2 AND state <> 0", "ss",
                      tenant, key));
    }
    *ret_id = td_uuid_rising(td_tx_env(tx), a);
    return insert(tx, tenant, what, key, *ret_id, err);
}

enum td_code td_import_record_remove(struct td_tx *tx, const char *tenant, const char *id, struct td_error *err)
{
    td_try(td_sql(tx, err, "DELETE FROM import_record WHERE tenant = $1 AND id = $2", "ss", tenant, id));
    return td_sql_changes(tx) != 0 ? TD_OK
                                   : td_fail(err, TD_ENOTFOUND, "import", "there is no imported device %.40s", id);
}

/* The finder: whose turn it is is asked across tenants, everything else by tenant. */
static enum td_code next_tenant(struct td_tx *tx, struct td_arena *a, const char **ret, struct td_error *err)
{
    struct td_rows r;
    *ret = NULL;
    td_try(td_sql_query(tx, &r, err, "SELECT tenant FROM import_record WHERE state = 0 ORDER BY pos LIMIT 1", ""));
    while (td_rows_next(&r))
        *ret = td_col_text0(&r, 0, a);
    return td_rows_done(&r, err);
}

static void read_row(struct td_rows *r, struct td_arena *a, struct td_import_record *ret)
{
    *ret = (struct td_import_record){.pos = td_col_int(r, 0),
                                     .id = td_col_text0(r, 1, a),
                                     .import_id = td_col_text0(r, 2, a),
                                     .serial = td_col_text0(r, 3, a),
                                     .product_key = td_col_text0(r, 4, a),
                                     .group_tag = td_col_text0(r, 5, a),
                                     .assigned_user = td_col_text0(r, 6, a),
                                     .purchase_order = td_col_text0(r, 7, a),
                                     .hardware = td_col_text0(r, 8, a),
                                     .repeats = td_col_int(r, 9) != 0,
                                     .actor = td_col_text0(r, 10, a)};
}

enum td_code td_import_record_waiting(struct td_tx *tx, size_t max, struct td_arena *a, const char **ret_tenant,
                                      struct td_import_record **ret, size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    struct td_import_record *list = NULL;
    size_t n = 0;
    max = TD_MIN(max, (size_t)MAX_SLICE);
    *ret_count = 0;
    td_try(next_tenant(tx, a, ret_tenant, err));
    if (*ret_tenant == NULL)
        return TD_OK;
    list = td_arena_array(a, struct td_import_record, max);
    td_try(td_sql_query(tx, &r, err,
                        "SELECT pos, id, import_id, serial, product_key, group_tag, assigned_user, purchase_order,"
                        " hardware, repeats, actor FROM import_record WHERE state = 0 AND tenant = $1"
                        " ORDER BY pos LIMIT $2",
                        "si", *ret_tenant, (int64_t)max));
    while (n < max && td_rows_next(&r))
        read_row(&r, a, &list[n++]);
    *ret = list;
    *ret_count = n;
    return td_rows_done(&r, err);
}

enum td_code td_import_record_again(struct td_tx *tx, const char *tenant, struct td_import_record *rows, size_t count,
                                    struct td_arena *a, struct td_error *err)
{
    struct td_rows r;
    size_t at = 0;
    if (count == 0)
        return TD_OK;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT pos, group_tag, assigned_user FROM import_record WHERE state = 0 AND tenant = $1"
                        " AND pos BETWEEN $2 AND $3 ORDER BY pos",
                        "sii", tenant, rows[0].pos, rows[count - 1].pos));
    while (td_rows_next(&r)) {
        for (; at < count && rows[at].pos < td_col_int(&r, 0); at++)
            rows[at].pos = 0;
        if (at == count || rows[at].pos != td_col_int(&r, 0))
            continue;
        rows[at].group_tag = td_col_text0(&r, 1, a);
        rows[at].assigned_user = td_col_text0(&r, 2, a);
        at++;
    }
    for (; at < count && !td_fault("import-deleted"); at++)
        rows[at].pos = 0;
    return td_rows_done(&r, err);
}

enum td_code td_import_record_end(struct td_tx *tx, const char *tenant, int64_t pos, const struct td_import_end *end,
                                  struct td_error *err)
{
    return td_sql(tx, err,
                  "UPDATE import_record SET state = $3, code = $4, name = $5, detail = $6, registration_id = $7,"
                  " hardware = '', finished_at = $8 WHERE tenant = $1 AND pos = $2 AND state = 0",
                  "siiisssi", tenant, pos, (int64_t)end->state, (int64_t)end->code, end->name, end->detail,
                  end->registration_id, td_tx_now(tx));
}
