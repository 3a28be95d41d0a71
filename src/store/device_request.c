#include "store/device_request.h"

#include "base/buf.h"
#include "base/fault.h"
#include "base/signs.h"
#include "store/audit.h"
#include "store/tenant.h"

#define COLUMNS                                                                                             \
    "id, tenant, code, serial, manufacturer, model, address, hardware, state, asked, created_at, asked_at," \
    " expires_at, decided_at, actor, registration_id"

static void read_row(struct td_rows *r, struct td_arena *a, struct td_device_request *ret)
{
    *ret = (struct td_device_request){.id = td_col_text0(r, 0, a),
                                      .tenant = td_col_text0(r, 1, a),
                                      .code = td_col_text0(r, 2, a),
                                      .serial = td_col_text0(r, 3, a),
                                      .manufacturer = td_col_text0(r, 4, a),
                                      .model = td_col_text0(r, 5, a),
                                      .address = td_col_text0(r, 6, a),
                                      .hardware = td_col_text0(r, 7, a),
                                      .state = td_col_int(r, 8),
                                      .asked = td_col_int(r, 9),
                                      .created_at = td_col_int(r, 10),
                                      .asked_at = td_col_int(r, 11),
                                      .expires_at = td_col_int(r, 12),
                                      .decided_at = td_col_int(r, 13),
                                      .actor = td_col_text0(r, 14, a),
                                      .registration_id = td_col_text0(r, 15, a)};
}

static enum td_code only_row(struct td_rows *r, struct td_arena *a, struct td_device_request *ret, struct td_error *err)
{
    bool found = false;
    while (td_rows_next(r)) {
        read_row(r, a, ret);
        found = true;
    }
    td_try(td_rows_done(r, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "request", "no device waits for approval with that code or id");
}

enum td_code td_device_request_peek(struct td_tx *tx, const char *identity, struct td_arena *a,
                                    struct td_device_request *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err, "SELECT " COLUMNS " FROM device_request WHERE identity = $1 AND expires_at > $2",
                        "si", identity, td_tx_now(tx)));
    return only_row(&r, a, ret, err);
}

static enum td_code number(struct td_rows *r, int64_t *ret, struct td_error *err)
{
    while (td_rows_next(r))
        *ret = td_col_int(r, 0);
    return td_rows_done(r, err);
}

/* The only tenant, "" where there are several. TD_ENOTFOUND where nobody lists. */
static enum td_code owner(struct td_tx *tx, struct td_arena *a, const char **ret, struct td_error *err)
{
    struct td_rows r;
    int64_t listing = 0, all = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT COUNT(*) FROM (SELECT 1 FROM tenant t WHERE NOT EXISTS (SELECT 1 FROM tenant_setting s"
                        " WHERE s.tenant = t.id AND s.key = 'unknown-devices' AND s.value = 'refuse') LIMIT 1) x",
                        ""));
    td_try(number(&r, &listing, err));
    if (listing == 0)
        return td_fail(err, TD_ENOTFOUND, "request", "unknown devices are not listed here");
    td_try(td_sql_query(tx, &r, err, "SELECT id FROM tenant ORDER BY created_at, id LIMIT 2", ""));
    for (*ret = ""; td_rows_next(&r); all++)
        *ret = all == 0 || td_fault("request-any-owner") ? td_col_text0(&r, 0, a) : "";
    return td_rows_done(&r, err);
}

static enum td_code check_room(struct td_tx *tx, const char *address, struct td_error *err)
{
    struct td_rows r;
    int64_t n = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT COUNT(*) FROM (SELECT 1 FROM device_request WHERE address = $1 LIMIT $2) x", "si",
                        address, (int64_t)TD_REQUEST_PER_ADDRESS));
    td_try(number(&r, &n, err));
    if (n >= TD_REQUEST_PER_ADDRESS && !td_fault("request-no-bound"))
        return td_fail(err, TD_ELIMIT, "request", "too many devices of this address wait for approval");
    td_try(td_sql_query(tx, &r, err, "SELECT COUNT(*) FROM device_request", ""));
    td_try(number(&r, &n, err));
    return n < TD_REQUEST_MAX ? TD_OK : td_fail(err, TD_ELIMIT, "request", "too many devices wait for approval");
}

static enum td_code insert(struct td_tx *tx, const struct td_device_asking *who, struct td_arena *a,
                           struct td_error *err)
{
    char code[TD_REQUEST_CODE + 1];
    const char *tenant = "";
    td_try(owner(tx, a, &tenant, err));
    td_try(td_sql(tx, err, "DELETE FROM device_request WHERE identity = $1", "s", who->identity)); /* expired */
    td_try(check_room(tx, who->address, err));
    td_signs_draw(td_tx_env(tx), TD_SIGNS, code, TD_REQUEST_CODE);
    return td_sql(tx, err,
                  "INSERT INTO device_request(id, tenant, code, identity, serial, manufacturer, model, hardware,"
                  " address, state, asked, created_at, asked_at, expires_at, decided_at, actor, registration_id)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 1, $10, $10, $11, 0, '', '')",
                  "sssssssssii", td_uuid_arena(td_tx_env(tx), a), tenant, code, who->identity, who->serial,
                  who->manufacturer, who->model, who->hardware, who->address, td_tx_now(tx),
                  td_tx_now(tx) + TD_REQUEST_LIFE);
}

enum td_code td_device_request_ask(struct td_tx *tx, const struct td_device_asking *who, struct td_arena *a,
                                   struct td_device_request *ret, struct td_error *err)
{
    enum td_code rc = td_device_request_peek(tx, who->identity, a, ret, err);
    bool again = rc == TD_OK && ret->state == TD_REQUEST_APPROVED; /* approved, and taken away since */
    if (rc == TD_OK && !again)
        td_try(td_sql(tx, err,
                      "UPDATE device_request SET asked = asked + 1, asked_at = $2, address = $3, hardware = $4"
                      " WHERE identity = $1 AND state = 0",
                      "siss", who->identity, td_tx_now(tx), who->address, who->hardware));
    else if (rc == TD_ENOTFOUND || again)
        td_try(insert(tx, who, a, err));
    else
        return rc;
    return td_device_request_peek(tx, who->identity, a, ret, err);
}

/* A tenant that refuses unknown devices claims none (it would be a way around its own rule). */
static enum td_code may_claim(struct td_tx *tx, const char *tenant, struct td_arena *a, struct td_error *err)
{
    const char *rule;
    td_try(td_tenant_get(tx, tenant, "unknown-devices", a, &rule, err));
    if (strcmp(rule, "refuse") != 0)
        return TD_OK;
    return td_remedy(err, td_fail(err, TD_EDENIED, "request", "this tenant refuses devices that nobody registered"),
                     "register the device by its hash, or set unknown-devices=list");
}

enum td_code td_device_request_find(struct td_tx *tx, const char *tenant, const char *key, struct td_arena *a,
                                    struct td_device_request *ret, struct td_error *err)
{
    struct td_rows r;
    char code[TD_REQUEST_CODE + 1];
    char id[TD_UUID_TEXT] = "";
    (void)td_signs_read(td_str(key), TD_SIGNS, code, TD_REQUEST_CODE);
    (void)td_uuid_parse(td_str(key), id);
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS " FROM device_request WHERE ((tenant = $1 AND id = $2) OR"
                        " (code = $3 AND (tenant = $1 OR tenant = ''))) AND expires_at > $4",
                        "sssi", tenant, id, code, td_tx_now(tx)));
    td_try(only_row(&r, a, ret, err));
    return may_claim(tx, tenant, a, err);
}

enum td_code td_device_request_list(struct td_tx *tx, const char *tenant, size_t max, struct td_arena *a,
                                    struct td_device_request **ret, size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    size_t n = 0;
    struct td_device_request *list = td_arena_array(a, struct td_device_request, max);
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS " FROM device_request WHERE tenant = $1 AND expires_at > $2"
                        " ORDER BY asked_at DESC, id LIMIT $3",
                        "sii", tenant, td_tx_now(tx), (int64_t)max));
    while (n < max && td_rows_next(&r))
        read_row(&r, a, &list[n++]);
    *ret = list;
    *ret_count = n;
    return td_rows_done(&r, err);
}

enum td_code td_device_request_decide(struct td_tx *tx, const char *tenant, const struct td_device_request *r,
                                      enum td_request_state state, const char *registration_id, const char *actor,
                                      struct td_error *err)
{
    static const char *const words[] = {"pending", "approved", "rejected"};
    td_try(td_sql(tx, err,
                  "UPDATE device_request SET tenant = $1, state = $3, registration_id = $4, actor = $5,"
                  " decided_at = $6, hardware = '' WHERE id = $2 AND state = 0",
                  "ssissi", tenant, r->id, (int64_t)state, registration_id, actor, td_tx_now(tx)));
    if (td_sql_changes(tx) == 0)
        return td_fail(err, TD_ESTATE, "request", "it was decided already");
    const struct td_change change[] = {{"state", words[r->state], words[state]},
                                       {"registrationId", NULL, registration_id[0] != '\0' ? registration_id : NULL}};
    const struct td_audit what = {.type = state == TD_REQUEST_APPROVED ? "approval.approved" : "approval.rejected",
                                  .actor = actor,
                                  .kind = "approval",
                                  .id = r->id,
                                  .name = r->serial,
                                  .changes = change,
                                  .count = TD_COUNTOF(change)};
    return td_audit_tell(tx, tenant, &what, err);
}

enum td_code td_device_request_overdue(struct td_tx *tx, bool *ret, struct td_error *err)
{
    struct td_rows r;
    *ret = false;
    td_try(
        td_sql_query(tx, &r, err, "SELECT 1 FROM device_request WHERE expires_at <= $1 LIMIT 1", "i", td_tx_now(tx)));
    while (td_rows_next(&r))
        *ret = true;
    return td_rows_done(&r, err);
}

enum td_code td_device_request_expire(struct td_tx *tx, size_t max, size_t *ret_count, struct td_error *err)
{
    td_try(td_sql(tx, err,
                  "DELETE FROM device_request WHERE id IN"
                  " (SELECT id FROM device_request WHERE expires_at <= $1 LIMIT $2)",
                  "ii", td_tx_now(tx), (int64_t)max));
    *ret_count = (size_t)td_sql_changes(tx);
    return TD_OK;
}

const char *td_device_request_show(const char *code, struct td_arena *a)
{
    return td_arena_printf(a, "%.4s-%s", code, strlen(code) > 4 ? code + 4 : "");
}
