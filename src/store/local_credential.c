#include "store/local_credential.h"

#include "base/fault.h"
#include "store/audit.h"

static enum td_code drop_old(struct td_tx *tx, const char *tenant, const char *device_id, struct td_error *err)
{
    return td_sql(tx, err,
                  "DELETE FROM local_credential WHERE tenant = $1 AND device_id = $2 AND id NOT IN"
                  " (SELECT id FROM local_credential WHERE tenant = $1 AND device_id = $2 ORDER BY id DESC LIMIT $3)",
                  "ssi", tenant, device_id, (int64_t)TD_LOCAL_CREDENTIAL_HISTORY + 1);
}

enum td_code td_local_credential_put(struct td_tx *tx, const char *tenant, const char *device_id,
                                     const struct td_local_credential *c, struct td_error *err)
{
    td_try(td_sql(tx, err,
                  "INSERT INTO local_credential(tenant, device_id, id, account, sid, sealed, backed_up_at, expires_at)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                  "sssssbii", tenant, device_id, c->id, c->account, c->sid, c->sealed, td_tx_now(tx), c->expires_at));
    return drop_old(tx, tenant, device_id, err);
}

enum td_code td_local_credential_list(struct td_tx *tx, const char *tenant, const char *device_id, struct td_arena *a,
                                      struct td_local_credential **ret, size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    size_t n = 0, room = 0;
    struct td_local_credential *rows = NULL;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT id, account, sid, sealed, backed_up_at, expires_at FROM local_credential"
                        " WHERE tenant = $1 AND device_id = $2 ORDER BY id DESC",
                        "ss", tenant, device_id));
    while (td_rows_next(&r)) {
        rows = td_arena_room(a, rows, n, &room, sizeof(*rows));
        rows[n++] = (struct td_local_credential){.id = td_col_text0(&r, 0, a),
                                                 .account = td_col_text0(&r, 1, a),
                                                 .sid = td_col_text0(&r, 2, a),
                                                 .sealed = td_col_blob(&r, 3, a),
                                                 .backed_up_at = td_col_int(&r, 4),
                                                 .expires_at = td_col_int(&r, 5)};
    }
    td_try(td_rows_done(&r, err));
    *ret = rows;
    *ret_count = n;
    return TD_OK;
}

/* The device as people know it, and the way that its timeline shows. */
struct whose {
    const char *name, *way;
};

static enum td_code find_whose(struct td_tx *tx, const char *tenant, const char *device_id, struct td_arena *a,
                               struct whose *ret, struct td_error *err)
{
    struct td_rows r;
    *ret = (struct whose){device_id, ""};
    td_try(td_sql_query(tx, &r, err,
                        "SELECT d.display_name, w.id FROM directory_device d LEFT JOIN way w ON w.tenant = d.tenant"
                        " AND w.device_id = d.id WHERE d.tenant = $1 AND d.id = $2",
                        "ss", tenant, device_id));
    while (td_rows_next(&r))
        *ret = (struct whose){td_col_text0(&r, 0, a), td_col_text0(&r, 1, a)};
    return td_rows_done(&r, err);
}

enum td_code td_local_credential_read(struct td_tx *tx, const char *tenant, const char *device_id, const char *actor,
                                      struct td_arena *a, struct td_local_credential **ret, size_t *ret_count,
                                      struct td_error *err)
{
    struct whose whose = {"", ""};
    size_t count = 0;
    struct td_local_credential *rows = NULL;
    td_try(td_local_credential_list(tx, tenant, device_id, a, &rows, &count, err));
    if (count == 0)
        return td_remedy(err,
                         td_fail(err, TD_ENOTFOUND, "local credential", "this device has not backed up a password yet"),
                         "Assign it a LAPS policy with BackupDirectory 1 and let it synchronise.");
    td_try(find_whose(tx, tenant, device_id, a, &whose, err));
    struct td_audit what = {.type = "local-credential.read",
                            .actor = actor,
                            .subject = whose.way,
                            .kind = "local-credential",
                            .id = device_id,
                            .name = whose.name};
    if (!td_fault("laps-read-untold"))
        td_try(td_audit_tell(tx, tenant, &what, err));
    *ret = rows;
    *ret_count = count;
    return TD_OK;
}

enum td_code td_local_credential_forget(struct td_tx *tx, const char *tenant, const char *device_id, size_t *ret_count,
                                        struct td_error *err)
{
    td_try(
        td_sql(tx, err, "DELETE FROM local_credential WHERE tenant = $1 AND device_id = $2", "ss", tenant, device_id));
    if (ret_count != NULL)
        *ret_count = (size_t)td_sql_changes(tx);
    return TD_OK;
}
