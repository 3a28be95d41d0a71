#include "store/registration.h"

#include "base/fault.h"
#include "codec/json.h"
#include "store/attestation.h"
#include "store/audit.h"
#include "store/device.h"
#include "store/event.h"
#include "store/life.h"
#include "store/provisioning.h"
#include "store/repair.h"
#include "store/way.h"

#define COLUMNS                                                                                                 \
    "id, way_id, device_id, serial, manufacturer, model, sku, family, product_key, group_tag, purchase_order,"  \
    " assigned_user, display_name, warning, profile_id, profile_at, created_at, modified_at, addressable_user," \
    " friendly_name, account_upn, resource_name, source, remediation, userless"

static void read_row(struct td_rows *r, struct td_arena *a, struct td_registration *ret)
{
    *ret = (struct td_registration){.id = td_col_text0(r, 0, a),
                                    .way_id = td_col_text0(r, 1, a),
                                    .device_id = td_col_text0(r, 2, a),
                                    .serial = td_col_text0(r, 3, a),
                                    .manufacturer = td_col_text0(r, 4, a),
                                    .model = td_col_text0(r, 5, a),
                                    .sku = td_col_text0(r, 6, a),
                                    .family = td_col_text0(r, 7, a),
                                    .product_key = td_col_text0(r, 8, a),
                                    .group_tag = td_col_text0(r, 9, a),
                                    .purchase_order = td_col_text0(r, 10, a),
                                    .assigned_user = td_col_text0(r, 11, a),
                                    .display_name = td_col_text0(r, 12, a),
                                    .warning = td_col_text0(r, 13, a),
                                    .profile_id = td_col_text0(r, 14, a),
                                    .profile_at = td_col_int(r, 15),
                                    .created_at = td_col_int(r, 16),
                                    .modified_at = td_col_int(r, 17),
                                    .addressable_user = td_col_text0(r, 18, a),
                                    .friendly_name = td_col_text0(r, 19, a),
                                    .account_upn = td_col_text0(r, 20, a),
                                    .resource_name = td_col_text0(r, 21, a),
                                    .source = td_col_text0(r, 22, a),
                                    .remediation = td_col_int(r, 23),
                                    .userless = td_col_int(r, 24)};
}

enum td_code td_registration_find(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                                  struct td_registration *ret, struct td_error *err)
{
    struct td_rows r;
    bool found = false;
    td_try(td_sql_query(tx, &r, err, "SELECT " COLUMNS " FROM registration WHERE tenant = $1 AND id = $2", "ss", tenant,
                        id));
    while (td_rows_next(&r)) {
        read_row(&r, a, ret);
        found = true;
    }
    td_try(td_rows_done(&r, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "registration", "there is no registration %.40s", id);
}

/* Serial numbers without letters and digits are compared as they are. */
static const char *serial_key(struct td_arena *a, const char *serial)
{
    const char *key = td_fact_normal(a, td_str(serial));
    return key[0] != '\0' ? key : serial;
}

enum td_code td_registration_find_any(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                                      struct td_registration *ret, struct td_error *err)
{
    struct td_rows r;
    char id[TD_UUID_TEXT];
    size_t n = 0;
    if (td_uuid_parse(td_str(key), id)) {
        enum td_code rc = td_registration_find(tx, tenant, id, a, ret, err);
        if (rc != TD_ENOTFOUND)
            return rc;
    }
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS " FROM registration WHERE tenant = $1 AND serial_key = $2 LIMIT 2", "ss",
                        tenant, serial_key(a, key)));
    while (td_rows_next(&r)) {
        read_row(&r, a, ret);
        n++;
    }
    td_try(td_rows_done(&r, err));
    if (n == 0)
        return td_fail(err, TD_ENOTFOUND, "device", "no device is registered with the serial number or id %.100s", key);
    if (n > 1)
        return td_remedy(err, td_fail(err, TD_EINVAL, "device", "several devices have the serial number %.100s", key),
                         "give the registration's id");
    return TD_OK;
}

enum td_code td_registration_list(struct td_tx *tx, const char *tenant, const char *after, size_t max,
                                  struct td_arena *a, struct td_registration **ret, size_t *ret_count,
                                  struct td_error *err)
{
    struct td_rows r;
    size_t n = 0;
    struct td_registration *list = td_arena_array(a, struct td_registration, max);
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS " FROM registration WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3",
                        "ssi", tenant, after, (int64_t)max));
    while (n < max && td_rows_next(&r))
        read_row(&r, a, &list[n++]);
    *ret = list;
    *ret_count = n;
    return td_rows_done(&r, err);
}

enum td_code td_registration_hash(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                                  struct td_slice *ret_octets, struct td_error *err)
{
    struct td_rows r;
    bool found = false;
    td_try(td_sql_query(tx, &r, err, "SELECT octets FROM registration_hash WHERE tenant = $1 AND registration_id = $2",
                        "ss", tenant, id));
    while (td_rows_next(&r)) {
        *ret_octets = td_col_blob(&r, 0, a);
        found = true;
    }
    td_try(td_rows_done(&r, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "registration", "there is no registration %.40s", id);
}

static enum td_code insert_row(struct td_tx *tx, const char *tenant, const struct td_registration *r,
                               struct td_arena *a, struct td_error *err)
{
    return td_sql(
        tx, err,
        "INSERT INTO registration(tenant, id, way_id, device_id, serial, serial_key, manufacturer, model, sku,"
        " family, product_key, group_tag, purchase_order, assigned_user, display_name, warning, profile_id,"
        " profile_at, created_at, modified_at, remediation, source) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
        " $11, $12, $13, $14, '', $15, '', 0, $16, $16, 1, $17)",
        "sssssssssssssssis", tenant, r->id, r->way_id, r->device_id, r->serial, serial_key(a, r->serial),
        r->manufacturer, r->model, r->sku, r->family, r->product_key, r->group_tag, r->purchase_order, r->assigned_user,
        r->warning, td_tx_now(tx), r->source);
}

/* The directory object, made or brought up to date (autopilot.md 1.7). */
static enum td_code precreate(struct td_tx *tx, const char *tenant, const struct td_registration *r, struct td_arena *a,
                              const char **ret_id, struct td_error *err)
{
    struct td_device_precreated what = {
        .registration_id = r->id, .serial = r->serial, .group_tag = r->group_tag, .purchase_order = r->purchase_order};
    return td_device_precreate(tx, tenant, &what, a, ret_id, err);
}

static enum td_code tell_registered(struct td_tx *tx, const char *tenant, const struct td_registration *r,
                                    const char *actor, struct td_error *err)
{
    struct td_jsonw w;
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, 16384);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "registrationId", r->id);
    td_jsonw_kstr(&w, "serialNumber", r->serial);
    td_jsonw_kstr(&w, "manufacturer", r->manufacturer);
    td_jsonw_kstr(&w, "model", r->model);
    td_jsonw_kstr(&w, "groupTag", r->group_tag);
    if (r->warning[0] != '\0')
        td_jsonw_kstr(&w, "warning", r->warning);
    td_jsonw_end(&w);
    td_try(td_way_happened(tx, tenant, r->way_id, TD_EV_REGISTERED, actor, b.p, err));
    /* the way's own event is the audit's too: a fleet is imported without writing twice */
    const struct td_audit what = {
        .type = "registration.added", .actor = actor, .kind = "registration", .id = r->id, .name = r->serial};
    return td_audit_last(tx, tenant, &what, err);
}

/* It may be managed already: enrolled first, registered later. */
static enum td_code meet_managed(struct td_tx *tx, const char *tenant, const char *id, const struct td_facts *facts,
                                 const char *actor, struct td_arena *a, struct td_error *err)
{
    struct td_rows r;
    const char *way_id;
    bool any = false;
    td_try(td_sql_query(tx, &r, err, "SELECT 1 FROM way_identity WHERE tenant = $1 LIMIT 1", "s", tenant));
    while (td_rows_next(&r))
        any = true;
    td_try(td_rows_done(&r, err));
    if (!any || td_fault("register-two-ways"))
        return TD_OK;
    enum td_code rc = td_way_identity_find(tx, tenant, facts, a, &way_id, err);
    if (rc != TD_OK)
        return rc == TD_ENOTFOUND ? TD_OK : rc;
    return td_registration_meets_way(tx, tenant, id, way_id, actor, err);
}

static enum td_code add_new(struct td_tx *tx, const char *tenant, const struct td_registration_new *what,
                            const char *actor, struct td_arena *a, const char **ret_id, struct td_error *err)
{
    struct td_registration r = {.id = td_uuid_rising(td_tx_env(tx), a),
                                .serial = what->serial,
                                .manufacturer = what->manufacturer,
                                .model = what->model,
                                .sku = what->sku,
                                .family = what->family,
                                .product_key = what->product_key,
                                .group_tag = what->group_tag,
                                .purchase_order = what->purchase_order,
                                .assigned_user = what->assigned_user,
                                .display_name = "",
                                .warning = what->warning,
                                .source = what->source != NULL ? what->source : "",
                                .profile_id = ""};
    td_try(precreate(tx, tenant, &r, a, &r.device_id, err));
    td_try(td_way_begin(tx, tenant, r.id, r.device_id, a, &r.way_id, err));
    td_try(insert_row(tx, tenant, &r, a, err));
    td_try(td_sql(tx, err, "INSERT INTO registration_hash(tenant, registration_id, octets) VALUES ($1, $2, $3)", "ssb",
                  tenant, r.id, what->hash));
    td_try(td_hardware_put(tx, tenant, r.id, &what->facts, err));
    td_try(tell_registered(tx, tenant, &r, actor, err));
    *ret_id = r.id;
    td_try(meet_managed(tx, tenant, r.id, &what->facts, actor, a, err));
    return td_registration_evaluate(tx, tenant, r.id, actor, err);
}

/* A repeated import mends what it says differently (graph-api.md 1.2); its hash is the newer one. */
static enum td_code update_known(struct td_tx *tx, const char *tenant, const char *id,
                                 const struct td_registration_new *what, const char *actor, bool *ret_updated,
                                 struct td_error *err)
{
    const struct td_registration_change change = {.group_tag = what->has_group_tag ? what->group_tag : NULL,
                                                  .assigned_user = what->has_assigned_user ? what->assigned_user : NULL,
                                                  .any_user = true};
    td_try(td_registration_change(tx, tenant, id, &change, actor, ret_updated, err));
    if (what->hash.n == 0)
        return TD_OK; /* only said, not shown */
    return td_registration_renew_hash(tx, tenant, id, &what->facts, what->hash, actor, err);
}

/* Another board for a machine that is known: its registration is registered anew. */
static enum td_code repair_known(struct td_tx *tx, const char *tenant, const struct td_registration_new *what,
                                 const struct td_hardware_found *found, const char *actor, struct td_arena *a,
                                 struct td_import_verdict *v, struct td_error *err)
{
    const struct td_registration_change change = {.group_tag = what->has_group_tag ? what->group_tag : NULL,
                                                  .assigned_user = what->has_assigned_user ? what->assigned_user : NULL,
                                                  .any_user = true};
    if (what->hash.n == 0 || td_fault("repair-forgets-proposal"))
        return td_fail(err, TD_ENOTFOUND, "device", "no hash was shown");
    const char *near = strcmp(found->near_tenant, tenant) == 0 ? found->near_registration_id : "";
    td_try(td_repair_by_import(tx, tenant, what, near, actor, a, &v->registration_id, err));
    return td_registration_change(tx, tenant, v->registration_id, &change, actor, &v->updated, err);
}

/* A registration without a hash has no facts of its own until one comes: its serial number stands for it. */
static enum td_code find_claim(struct td_tx *tx, const char *tenant, const struct td_registration_new *what,
                               struct td_arena *a, struct td_hardware_found *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT id FROM registration WHERE tenant = $1 AND serial_key = $2"
                        " AND (source = '" TD_SOURCE_CLAIM "' OR $3 = '" TD_SOURCE_CLAIM "') ORDER BY id LIMIT 1",
                        "sss", tenant, serial_key(a, what->serial), what->source != NULL ? what->source : ""));
    while (td_rows_next(&r)) {
        ret->tenant = tenant;
        ret->registration_id = td_col_text0(&r, 0, a);
    }
    td_try(td_rows_done(&r, err));
    return ret->registration_id[0] != '\0'
               ? TD_OK
               : td_fail(err, TD_ENOTFOUND, "device", "no registration matches this device");
}

enum td_code td_registration_synced(struct td_tx *tx, const char *tenant, int64_t *ret_at, struct td_error *err)
{
    struct td_rows r;
    *ret_at = 0;
    td_try(td_sql_query(tx, &r, err, "SELECT manual_at FROM registration_sync WHERE tenant = $1", "s", tenant));
    while (td_rows_next(&r))
        *ret_at = td_col_int(&r, 0);
    return td_rows_done(&r, err);
}

enum td_code td_registration_sync(struct td_tx *tx, const char *tenant, struct td_error *err)
{
    return td_sql(tx, err,
                  "INSERT INTO registration_sync(tenant, manual_at) VALUES ($1, $2)"
                  " ON CONFLICT (tenant) DO UPDATE SET manual_at = excluded.manual_at",
                  "si", tenant, td_tx_now(tx));
}

enum td_code td_registration_add(struct td_tx *tx, const char *tenant, const struct td_registration_new *what,
                                 const char *actor, struct td_arena *a, struct td_import_verdict *ret,
                                 struct td_error *err)
{
    struct td_hardware_found found;
    struct td_import_verdict v = {.registration_id = ""};
    enum td_code rc = td_hardware_duplicate(tx, &what->facts, a, &found, err);
    if (rc == TD_ENOTFOUND) {
        rc = repair_known(tx, tenant, what, &found, actor, a, &v, err);
        if (rc != TD_ENOTFOUND) {
            *ret = v;
            return rc;
        }
        rc = find_claim(tx, tenant, what, a, &found, err);
    }
    if (rc == TD_ENOTFOUND || (rc == TD_OK && td_fault("import-any-owner"))) {
        td_try(add_new(tx, tenant, what, actor, a, &v.registration_id, err));
    } else {
        td_try(rc);
        bool ours = strcmp(found.tenant, tenant) == 0;
        v.code = ours ? TD_ZTD_ALREADY_ASSIGNED : TD_ZTD_OTHER_TENANT;
        v.registration_id = ours ? found.registration_id : "";
        if (ours)
            td_try(update_known(tx, tenant, found.registration_id, what, actor, &v.updated, err));
    }
    *ret = v;
    return TD_OK;
}

enum td_code td_registration_remove(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                                    struct td_error *err)
{
    static const char *const leftovers[] = {
        "DELETE FROM registration_hash WHERE tenant = $1 AND registration_id = $2",
        "DELETE FROM registration WHERE tenant = $1 AND id = $2",
    };
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_registration r = {.id = ""};
    td_try(td_registration_find(tx, tenant, id, &a, &r, err));
    td_try(td_way_happened(tx, tenant, r.way_id, TD_EV_DEREGISTERED, actor, "{}", err));
    td_try(td_provisioning_deregistered(tx, tenant, id, r.way_id, actor, err));
    td_try(td_way_link(tx, tenant, r.way_id, TD_WAY_REGISTRATION, "", err));
    td_try(td_sql(tx, err,
                  "UPDATE enrolment SET registration_id = '' WHERE tenant = $1 AND registration_id = $2"
                  " AND id IN (SELECT enrolment_id FROM way WHERE tenant = $1 AND id = $3)",
                  "sss", tenant, id, r.way_id));
    td_try(td_way_identity_keep(tx, tenant, &r, err));
    td_try(td_life_remember(tx, tenant, &r, err));
    td_try(td_hardware_drop(tx, tenant, id, err));
    td_try(td_repair_forget(tx, tenant, id, err));
    td_try(td_tpm_unbind(tx, tenant, id, err));
    for (size_t i = 0; i < TD_COUNTOF(leftovers); i++)
        td_try(td_sql(tx, err, leftovers[i], "ss", tenant, id));
    td_try(td_device_unregister(tx, tenant, id, err));
    return td_group_way_moved(tx, tenant, r.way_id, err);
}
