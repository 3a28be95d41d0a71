#include "store/device.h"

#include "base/buf.h"
#include "base/fault.h"
#include "codec/json.h"
#include "store/domain_join.h"
#include "store/group.h"
#include "store/life_end.h"
#include "store/way.h"

#define COLUMNS                                                                                                      \
    "id, registration_id, display_name, os, os_version, trust_type, owner_id, owner_upn, group_tag, purchase_order," \
    " hardware_id, alt_security_id, transport_key, enabled, created_at, joined_at, deleted_at,"                      \
    " account_guid, account_sid, account_domain, tenant"

enum { PHYSICAL_IDS_MAX = 8192 };

static void add_id(struct td_jsonw *w, struct td_arena *a, const char *kind, const char *value)
{
    if (value[0] != '\0')
        td_jsonw_str(w, td_arena_printf(a, "[%s]:%s", kind, value));
}

/* As group rules read them (autopilot.md 1.7, 2.6). */
static const char *physical_ids(struct td_rows *r, const char *registration_id, struct td_arena *a)
{
    struct td_buf b;
    struct td_jsonw w;
    td_buf_init(&b, PHYSICAL_IDS_MAX);
    td_jsonw_init(&w, &b);
    td_jsonw_arr(&w);
    add_id(&w, a, "ZTDID", registration_id);
    add_id(&w, a, "OrderId", td_col_text0(r, 8, a));
    add_id(&w, a, "PurchaseOrderId", td_col_text0(r, 9, a));
    add_id(&w, a, "HWID", td_col_text0(r, 10, a));
    td_jsonw_arr_end(&w);
    const char *out = b.failed ? "[]" : td_arena_text(a, td_buf_slice(&b));
    td_buf_done(&b);
    return out;
}

static void read_row(struct td_rows *r, struct td_arena *a, struct td_device_row *ret)
{
    const char *registration = td_col_text0(r, 1, a);
    *ret = (struct td_device_row){.id = td_col_text0(r, 0, a),
                                  .registration_id = registration,
                                  .display_name = td_col_text0(r, 2, a),
                                  .os = td_col_text0(r, 3, a),
                                  .os_version = td_col_text0(r, 4, a),
                                  .trust_type = td_col_text0(r, 5, a),
                                  .owner_id = td_col_text0(r, 6, a),
                                  .owner_upn = td_col_text0(r, 7, a),
                                  .physical_ids = physical_ids(r, registration, a),
                                  .alt_security_id = td_col_text0(r, 11, a),
                                  .transport_key = td_col_blob(r, 12, a),
                                  .enabled = td_col_int(r, 13) != 0,
                                  .created_at = td_col_int(r, 14),
                                  .joined_at = td_col_int(r, 15),
                                  .deleted_at = td_col_int(r, 16),
                                  .account_guid = td_col_text0(r, 17, a),
                                  .account_sid = td_col_text0(r, 18, a),
                                  .account_domain = td_col_text0(r, 19, a)};
}

static enum td_code only_row(struct td_rows *r, struct td_arena *a, struct td_device_row *ret, struct td_error *err)
{
    bool found = false;
    while (td_rows_next(r)) {
        read_row(r, a, ret);
        found = true;
    }
    td_try(td_rows_done(r, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "device", "there is no such directory device");
}

enum td_code td_device_find(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                            struct td_device_row *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS " FROM directory_device WHERE tenant = $1 AND id = $2 AND deleted_at = 0",
                        "ss", tenant, id));
    return only_row(&r, a, ret, err);
}

enum td_code td_device_find_registration(struct td_tx *tx, const char *tenant, const char *registration_id,
                                         struct td_arena *a, struct td_device_row *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS
                        " FROM directory_device WHERE tenant = $1 AND registration_id = $2 AND deleted_at = 0",
                        "ss", tenant, registration_id));
    return only_row(&r, a, ret, err);
}

enum td_code td_device_serving(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                               struct td_device_row *ret, struct td_error *err)
{
    td_try(td_device_find(tx, tenant, id, a, ret, err));
    if (ret->joined_at == 0)
        return td_fail(err, TD_ENOTFOUND, "device", "it has not joined yet");
    if (!ret->enabled)
        return td_remedy(err, td_fail(err, TD_EDENIED, "device", "it is disabled"), "enable it in the directory");
    return TD_OK;
}

static enum td_code insert_precreated(struct td_tx *tx, const char *tenant, const char *id,
                                      const struct td_device_precreated *w, struct td_error *err)
{
    return td_sql(tx, err,
                  "INSERT INTO directory_device(tenant, id, registration_id, serial, group_tag, purchase_order,"
                  " hardware_id, display_name, os, os_version, trust_type, owner_id, owner_upn, alt_security_id,"
                  " enabled, created_at, joined_at, deleted_at)"
                  " VALUES ($1, $2, $3, $4, $5, $6, '', $4, 'Windows', '', 'AzureAd', '', '', '', 1, $7, 0, 0)",
                  "ssssssi", tenant, id, w->registration_id, w->serial, w->group_tag, w->purchase_order, td_tx_now(tx));
}

enum td_code td_device_precreate(struct td_tx *tx, const char *tenant, const struct td_device_precreated *what,
                                 struct td_arena *a, const char **ret_id, struct td_error *err)
{
    struct td_device_row row = {0};
    enum td_code rc = td_device_find_registration(tx, tenant, what->registration_id, a, &row, err);
    if (rc == TD_ENOTFOUND) {
        *ret_id = td_uuid_rising(td_tx_env(tx), a);
        return insert_precreated(tx, tenant, *ret_id, what, err);
    }
    td_try(rc);
    *ret_id = row.id;
    return td_sql(tx, err,
                  "UPDATE directory_device SET serial = $3, group_tag = $4, purchase_order = $5"
                  " WHERE tenant = $1 AND id = $2",
                  "sssss", tenant, row.id, what->serial, what->group_tag, what->purchase_order);
}

enum td_code td_device_unregister(struct td_tx *tx, const char *tenant, const char *registration_id,
                                  struct td_error *err)
{
    td_try(td_sql(tx, err,
                  "UPDATE directory_device SET deleted_at = $3, registration_id = NULL"
                  " WHERE tenant = $1 AND registration_id = $2 AND joined_at = 0",
                  "ssi", tenant, registration_id, td_tx_now(tx)));
    return td_sql(tx, err,
                  "UPDATE directory_device SET registration_id = NULL, group_tag = '', purchase_order = ''"
                  " WHERE tenant = $1 AND registration_id = $2",
                  "ss", tenant, registration_id);
}

/* The same key, owner and name: an answer was lost and the join is asked again. */
static enum td_code find_repeated(struct td_tx *tx, const char *tenant, const struct td_device_joining *j,
                                  struct td_arena *a, struct td_device_row *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS " FROM directory_device WHERE tenant = $1 AND key_sha256 = $2"
                        " AND owner_id = $3 AND display_name = $4 AND trust_type = $5 AND deleted_at = 0"
                        " AND registration_id IS NULL ORDER BY joined_at DESC LIMIT 1",
                        "sbsss", tenant, td_bytes(j->key_sha256, sizeof(j->key_sha256)), j->owner_id, j->display_name,
                        j->trust_type));
    return only_row(&r, a, ret, err);
}

enum td_code td_device_join_id(struct td_tx *tx, const char *tenant, const struct td_device_joining *j,
                               struct td_arena *a, const char **ret_id, struct td_error *err)
{
    struct td_device_row row = {0};
    if (j->registration_id[0] != '\0')
        td_try(td_device_find_registration(tx, tenant, j->registration_id, a, &row, err));
    else
        td_try(find_repeated(tx, tenant, j, a, &row, err));
    if (!row.enabled)
        return td_remedy(err, td_fail(err, TD_EDENIED, "device", "it is disabled"), "enable it in the directory");
    *ret_id = row.id;
    return TD_OK;
}

static enum td_code insert_fresh(struct td_tx *tx, const char *tenant, const struct td_device_joining *j,
                                 struct td_error *err)
{
    const struct td_device_precreated none = {.registration_id =
                                                  j->registration_id[0] != '\0' ? j->registration_id : NULL,
                                              .serial = "",
                                              .group_tag = "",
                                              .purchase_order = ""};
    return insert_precreated(tx, tenant, j->id, &none, err);
}

static enum td_code write_join(struct td_tx *tx, const char *tenant, const struct td_device_joining *j,
                               struct td_error *err)
{
    return td_sql(tx, err,
                  "UPDATE directory_device SET display_name = $3, os = $4, os_version = $5, trust_type = $6,"
                  " owner_id = $7, owner_upn = $8, hardware_id = $9, alt_security_id = $10, key_sha256 = $11,"
                  " transport_key = $12, joined_at = $13 WHERE tenant = $1 AND id = $2",
                  "ssssssssssbbi", tenant, j->id, j->display_name, j->os, j->os_version, j->trust_type, j->owner_id,
                  j->owner_upn, j->hardware_id, j->alt_security_id, td_bytes(j->key_sha256, sizeof(j->key_sha256)),
                  j->transport_key, td_tx_now(tx));
}

enum td_code td_device_join(struct td_tx *tx, const char *tenant, const struct td_device_joining *j,
                            struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    const char *id = NULL;
    td_arena_init(&a);
    enum td_code rc = td_device_join_id(tx, tenant, j, &a, &id, err);
    if (rc == TD_ENOTFOUND)
        td_try(insert_fresh(tx, tenant, j, err));
    else
        td_try(rc);
    if (id != NULL && strcmp(id, j->id) != 0)
        return td_fail(err, TD_ESTATE, "device", "its directory object changed meanwhile");
    return write_join(tx, tenant, j, err);
}

enum td_code td_device_find_account(struct td_tx *tx, const char *account_guid, const char *wanted, struct td_arena *a,
                                    const char **ret_tenant, struct td_device_row *ret, struct td_error *err)
{
    struct td_rows r;
    const char *tenant = NULL;
    bool several = false;
    if (account_guid[0] == '\0')
        return td_fail(err, TD_ENOTFOUND, "device", "no account is named");
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS " FROM directory_device WHERE account_guid = $1 AND account_guid <> ''"
                        " AND deleted_at = 0 ORDER BY CASE WHEN tenant = $2 THEN 0 ELSE 1 END, created_at DESC"
                        " LIMIT 2",
                        "ss", account_guid, td_fault("device-account-latest") ? "" : wanted));
    while (td_rows_next(&r)) {
        const char *of = td_col_text0(&r, 20, a);
        if (tenant == NULL) {
            read_row(&r, a, ret);
            *ret_tenant = tenant = of;
        }
        several = several || strcmp(tenant, of) != 0;
    }
    td_try(td_rows_done(&r, err));
    if (tenant == NULL)
        return td_fail(err, TD_ENOTFOUND, "device", "no device of the directory has this account");
    if (several && strcmp(tenant, wanted) != 0 && !td_fault("device-account-latest"))
        return td_fail(err, TD_ENOTFOUND, "device", "several organizations have a device of this account");
    return TD_OK;
}

/* The device was set up anew under another name: nobody uses the account that it had. */
static enum td_code give_up_former(struct td_tx *tx, const char *tenant, const struct td_device_row *row,
                                   const char *way_id, struct td_error *err)
{
    const struct td_domain_join former = {.way_id = way_id,
                                          .domain = row->account_domain,
                                          .name = row->display_name,
                                          .account_guid = row->account_guid,
                                          .account_sid = row->account_sid,
                                          .created_at = row->joined_at};
    return td_life_give_up_account(tx, tenant, &former, err);
}

enum td_code td_device_hybrid(struct td_tx *tx, const char *tenant, const struct td_device_account *account,
                              struct td_arena *a, const char **ret_id, struct td_error *err)
{
    struct td_device_row row = {.id = "", .account_guid = ""};
    struct td_way_row way = {.id = ""};
    td_try(td_device_find_registration(tx, tenant, account->registration_id, a, &row, err));
    td_try(td_way_find(tx, tenant, TD_WAY_REGISTRATION, account->registration_id, a, &way, err));
    *ret_id = row.id;
    if (row.account_guid[0] != '\0' && strcmp(row.account_guid, account->guid) != 0)
        td_try(give_up_former(tx, tenant, &row, way.id, err));
    /* an account that was to be taken away is in use again */
    td_try(td_sql(tx, err, "DELETE FROM domain_removal WHERE tenant = $1 AND account_guid = $2 AND done_at = 0", "ss",
                  tenant, account->guid));
    td_try(td_sql(tx, err,
                  "UPDATE directory_device SET account_guid = '', account_sid = '', account_domain = ''"
                  " WHERE tenant = $1 AND account_guid = $2 AND id <> $3",
                  "sss", tenant, account->guid, row.id));
    td_try(td_sql(tx, err,
                  "UPDATE directory_device SET trust_type = 'ServerAd', display_name = $3, account_guid = $4,"
                  " account_sid = $5, account_domain = $6 WHERE tenant = $1 AND id = $2",
                  "ssssss", tenant, row.id, account->name, account->guid, account->sid, account->domain));
    return td_group_device_moved(tx, tenant, row.id, "system", err);
}

enum td_code td_device_keep_account(struct td_tx *tx, const char *tenant, const char *left_id, const char *waiting_id,
                                    struct td_error *err)
{
    if (td_fault("hybrid-left-for-ever"))
        return TD_OK;
    return td_sql(tx, err,
                  "UPDATE directory_device SET trust_type = l.trust_type, display_name = l.display_name,"
                  " account_guid = l.account_guid, account_sid = l.account_sid, account_domain = l.account_domain"
                  " FROM directory_device l WHERE directory_device.tenant = $1 AND directory_device.id = $3"
                  " AND l.tenant = $1 AND l.id = $2 AND l.trust_type = 'ServerAd' AND l.account_guid <> ''",
                  "sss", tenant, left_id, waiting_id);
}

enum td_code td_device_forget_account(struct td_tx *tx, const char *tenant, const char *way_id, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_way_row way = {.device_id = "", .enrolment_id = ""};
    enum td_code rc = td_way_find(tx, tenant, TD_WAY_ID, way_id, &a, &way, err);
    if (rc != TD_OK || way.device_id[0] == '\0' || td_fault("hybrid-retired-returns"))
        return rc == TD_ENOTFOUND ? TD_OK : rc;
    td_try(td_sql(tx, err,
                  "UPDATE directory_device SET trust_type = 'AzureAd', display_name = serial, account_guid = '',"
                  " account_sid = '', account_domain = '' WHERE tenant = $1 AND id = $2 AND joined_at = 0"
                  " AND deleted_at = 0 AND account_guid <> '' AND NOT EXISTS"
                  " (SELECT 1 FROM enrolment e WHERE e.tenant = $1 AND e.id = $3 AND e.state = 0)",
                  "sss", tenant, way.device_id, way.enrolment_id));
    return td_sql_changes(tx) == 0 ? TD_OK : td_group_device_moved(tx, tenant, way.device_id, "system", err);
}

enum td_code td_device_complete(struct td_tx *tx, const char *tenant, const struct td_device_joining *j,
                                struct td_error *err)
{
    td_try(td_sql(tx, err,
                  "UPDATE directory_device SET trust_type = 'ServerAd' WHERE tenant = $1 AND id = $2"
                  " AND account_guid <> '' AND deleted_at = 0",
                  "ss", tenant, j->id));
    if (td_sql_changes(tx) == 0)
        return td_fail(err, TD_ESTATE, "device", "it has no account in a domain any more");
    return write_join(tx, tenant, j, err);
}

static enum td_code read_kept(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                              struct td_device_precreated *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT registration_id, serial, group_tag, purchase_order FROM directory_device"
                        " WHERE tenant = $1 AND id = $2 AND deleted_at = 0",
                        "ss", tenant, id));
    bool found = false;
    while (td_rows_next(&r)) {
        *ret = (struct td_device_precreated){.registration_id = td_col_text0(&r, 0, a),
                                             .serial = td_col_text0(&r, 1, a),
                                             .group_tag = td_col_text0(&r, 2, a),
                                             .purchase_order = td_col_text0(&r, 3, a)};
        found = true;
    }
    td_try(td_rows_done(&r, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "device", "there is no such directory device");
}

enum td_code td_device_delete(struct td_tx *tx, const char *tenant, const char *id, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a;
    struct td_device_precreated kept = {.registration_id = ""};
    td_arena_init(&a);
    td_try(read_kept(tx, tenant, id, &a, &kept, err));
    if (td_fault("device-deleted-served"))
        return TD_OK;
    td_try(td_sql(tx, err,
                  "UPDATE directory_device SET deleted_at = $3, registration_id = NULL WHERE tenant = $1 AND id = $2",
                  "ssi", tenant, id, td_tx_now(tx)));
    td_try(td_life_forget_device(tx, tenant, id, err));
    if (kept.registration_id[0] == '\0')
        return TD_OK;
    return insert_precreated(tx, tenant, td_uuid_arena(td_tx_env(tx), &a), &kept, err);
}

enum td_code td_device_enable(struct td_tx *tx, const char *tenant, const char *id, bool enabled, struct td_error *err)
{
    td_try(td_sql(tx, err, "UPDATE directory_device SET enabled = $3 WHERE tenant = $1 AND id = $2 AND deleted_at = 0",
                  "ssi", tenant, id, (int64_t)enabled));
    return td_sql_changes(tx) != 0 ? TD_OK : td_fail(err, TD_ENOTFOUND, "device", "there is no such directory device");
}

enum td_code td_device_count_of(struct td_tx *tx, const char *tenant, const char *owner_id, int64_t *ret,
                                struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT count(*) FROM directory_device"
                        " WHERE tenant = $1 AND owner_id = $2 AND deleted_at = 0 AND joined_at <> 0",
                        "ss", tenant, owner_id));
    while (td_rows_next(&r))
        *ret = td_col_int(&r, 0);
    return td_rows_done(&r, err);
}
