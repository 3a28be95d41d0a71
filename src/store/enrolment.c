#include "store/enrolment.h"

#include "base/fault.h"
#include "store/action.h"
#include "store/certificate.h"
#include "store/device.h"
#include "store/event.h"
#include "store/group.h"
#include "store/life_end.h"
#include "store/provisioning.h"
#include "store/way.h"

#include <string.h>

#define COLUMNS                                                                                            \
    "id, tenant, device_id, registration_id, way_id, user_id, user_upn, type, provider, dm_id, hw_dev_id," \
    " device_name, device_type, os_version, os_edition, locale, in_oobe, plug_and_forget, white_glove,"    \
    " version, cert_sha256, cert_not_after, secrets, state, created_at, renewed_at, ended_at, last_contact_at"

#define ASKED ", offline_profile, serial, awaited, former_user, provisioning"

/* The purpose under which the certificates of enrolments are recorded (store/certificate.h). */
static const char PURPOSE[] = "management";

static void read_row(struct td_rows *r, struct td_arena *a, struct td_enrolment *ret)
{
    const char **texts[] = {
        &ret->id,          &ret->tenant,     &ret->device_id,  &ret->registration_id,
        &ret->way_id,      &ret->user_id,    &ret->user_upn,   &ret->type,
        &ret->provider,    &ret->dm_id,      &ret->hw_dev_id,  &ret->device_name,
        &ret->device_type, &ret->os_version, &ret->os_edition, &ret->locale,
    };
    int64_t *times[] = {&ret->created_at, &ret->renewed_at, &ret->ended_at, &ret->last_contact_at};
    int col = 0;
    for (size_t i = 0; i < TD_COUNTOF(texts); i++)
        *texts[i] = td_col_text0(r, col++, a);
    ret->in_oobe = td_col_int(r, col++) != 0;
    ret->plug_and_forget = td_col_int(r, col++) != 0;
    ret->white_glove = td_col_int(r, col++) != 0;
    ret->version = (int)td_col_int(r, col++);
    struct td_slice sha = td_col_blob(r, col++, a);
    memcpy(ret->cert_sha256, sha.p, TD_MIN(sha.n, sizeof(ret->cert_sha256)));
    ret->cert_not_after = td_col_int(r, col++);
    ret->secrets = td_col_blob(r, col++, a);
    ret->state = (enum td_enrolment_state)td_col_int(r, col++);
    for (size_t i = 0; i < TD_COUNTOF(times); i++)
        *times[i] = td_col_int(r, col++);
    ret->offline_profile = td_col_text0(r, col++, a);
    ret->serial = td_col_text0(r, col++, a);
    ret->awaited = td_col_int(r, col++) != 0;
    ret->former_user = td_col_text0(r, col++, a);
    ret->provisioning = (int)td_col_int(r, col);
}

static enum td_code read_one(struct td_rows *r, struct td_arena *a, struct td_enrolment *ret, struct td_error *err)
{
    struct td_enrolment e = {0};
    bool found = false;
    while (td_rows_next(r)) {
        if (!found)
            read_row(r, a, &e);
        found = true;
    }
    td_try(td_rows_done(r, err));
    if (!found)
        return td_fail(err, TD_ENOTFOUND, "enrolment", "there is no such enrolment");
    *ret = e;
    return TD_OK;
}

enum td_code td_enrolment_find(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                               struct td_enrolment *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err, "SELECT " COLUMNS ASKED " FROM enrolment WHERE tenant = $1 AND id = $2", "ss",
                        tenant, id));
    return read_one(&r, a, ret, err);
}

bool td_enrolment_userless(const struct td_enrolment *e)
{
    return e->user_id[0] == '\0' && e->former_user[0] == '\0';
}

enum td_code td_enrolment_device_serving(struct td_tx *tx, const struct td_enrolment *e, struct td_arena *a,
                                         struct td_error *err)
{
    struct td_device_row device;
    if (e->device_id[0] == '\0')
        return TD_OK;
    enum td_code rc = td_device_serving(tx, e->tenant, e->device_id, a, &device, err);
    if (rc == TD_ENOTFOUND && e->provisioning == TD_PROV_SEALED) {
        rc = td_device_find(tx, e->tenant, e->device_id, a, &device, err);
        if (rc == TD_OK && !device.enabled && !td_fault("sealed-disabled-served"))
            return td_remedy(err, td_fail(err, TD_EDENIED, "device", "it is disabled"), "enable it in the directory");
    }
    return rc == TD_ENOTFOUND ? td_fail(err, TD_EDENIED, "device", "the directory no longer knows this device") : rc;
}

enum td_code td_enrolment_serving(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                                  struct td_enrolment *ret, struct td_error *err)
{
    enum td_code rc = td_enrolment_find(tx, tenant, id, a, ret, err);
    if (rc == TD_ENOTFOUND)
        return td_fail(err, TD_EDENIED, "enrolment", "it is not known here: enrol again");
    td_try(rc);
    if (ret->state != TD_ENROLMENT_ACTIVE && !td_fault("enrolment-any-state"))
        return td_fail(err, TD_EDENIED, "enrolment", "it has ended or was replaced: enrol again");
    return td_fault("enrolment-any-device") ? TD_OK : td_enrolment_device_serving(tx, ret, a, err);
}

enum td_code td_enrolment_of_hardware(struct td_tx *tx, const char *tenant, const char *hw_dev_id, struct td_arena *a,
                                      struct td_enrolment *ret, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT " COLUMNS ASKED
                        " FROM enrolment WHERE tenant = $1 AND hw_dev_id = $2 AND hw_dev_id <> ''"
                        " AND state = 0 ORDER BY created_at DESC",
                        "ss", tenant, hw_dev_id));
    return read_one(&r, a, ret, err);
}

enum td_code td_enrolment_count_user(struct td_tx *tx, const char *tenant, const char *user_id,
                                     const struct td_enrolment *but, int64_t *ret, struct td_error *err)
{
    struct td_rows r;
    int64_t count = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT COUNT(*) FROM enrolment WHERE tenant = $1 AND user_id = $2 AND state = 0"
                        " AND NOT (device_id <> '' AND device_id = $3) AND NOT (hw_dev_id <> '' AND hw_dev_id = $4)",
                        "ssss", tenant, user_id, but->device_id, but->hw_dev_id));
    while (td_rows_next(&r))
        count = td_col_int(&r, 0);
    *ret = count;
    return td_rows_done(&r, err);
}

static enum td_code insert(struct td_tx *tx, const struct td_enrolment *e, const char *name, struct td_error *err)
{
    return td_sql(tx, err,
                  "INSERT INTO enrolment(" COLUMNS
                  ", managed_name, provisioning) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
                  " $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, 0, $24, 0, 0, 0, $25, $26)",
                  "ssssssssssssssssiiiibibisi", e->id, e->tenant, e->device_id, e->registration_id, e->way_id,
                  e->user_id, e->user_upn, e->type, e->provider, e->dm_id, e->hw_dev_id, e->device_name, e->device_type,
                  e->os_version, e->os_edition, e->locale, (int64_t)e->in_oobe, (int64_t)e->plug_and_forget,
                  (int64_t)e->white_glove, (int64_t)e->version, td_bytes(e->cert_sha256, sizeof(e->cert_sha256)),
                  e->cert_not_after, e->secrets, td_tx_now(tx), name, (int64_t)e->provisioning);
}

/* What the registration knows of the machine, and the profile that it is enrolled with. */
static enum td_code take_registration(struct td_tx *tx, const struct td_enrolment *e, struct td_error *err)
{
    if (e->registration_id[0] == '\0')
        return TD_OK;
    return td_sql(tx, err,
                  "UPDATE enrolment SET serial = r.serial, manufacturer = r.manufacturer, model = r.model,"
                  " profile_name = COALESCE((SELECT p.name FROM profile p WHERE p.tenant = r.tenant"
                  " AND p.id = r.profile_id), '') FROM registration r WHERE r.tenant = $1 AND r.id = $3"
                  " AND enrolment.tenant = $1 AND enrolment.id = $2",
                  "sss", e->tenant, e->id, e->registration_id);
}

/* <user>_Windows_<date>, as administrators know it (graph-api.md 1.5). */
static const char *managed_name(const struct td_enrolment *e, int64_t now, struct td_arena *a)
{
    char date[TD_TIME_TEXT];
    struct td_slice user = td_str(e->user_upn);
    size_t at = td_search(user, TD_S("@"));
    if (at != SIZE_MAX)
        user = td_sub(user, 0, at);
    if (user.n == 0)
        user = td_str("device");
    td_time_text(now, date);
    return td_arena_printf(a, "%.*s_Windows_%.10s_%.5s", (int)TD_MIN(user.n, (size_t)64), user.p, date, date + 11);
}

static enum td_code changed_one(struct td_tx *tx, struct td_error *err)
{
    if (td_sql_changes(tx) != 0)
        return TD_OK;
    return td_fail(err, TD_ESTATE, "enrolment", "the enrolment has ended or was replaced");
}

static enum td_code close_row(struct td_tx *tx, const struct td_enrolment *e, enum td_enrolment_state state,
                              struct td_error *err)
{
    td_try(td_sql(tx, err, "UPDATE enrolment SET state = $3, ended_at = $4 WHERE tenant = $1 AND id = $2 AND state = 0",
                  "ssii", e->tenant, e->id, (int64_t)state, td_tx_now(tx)));
    td_try(changed_one(tx, err));
    td_try(td_action_left_behind(tx, e->tenant, e->id, err));
    td_try(td_life_forget_enrolment(tx, e->tenant, e->id, err));
    return state == TD_ENROLMENT_REPLACED ? td_cert_supersede(tx, e->tenant, PURPOSE, e->id, err)
                                          : td_cert_revoke(tx, e->tenant, PURPOSE, e->id, err);
}

/* On the same way the device only changed its certificate; another way has lost its enrolment. */
static enum td_code replace(struct td_tx *tx, const struct td_enrolment *old, const struct td_enrolment *by,
                            struct td_arena *a, struct td_error *err)
{
    td_try(close_row(tx, old, TD_ENROLMENT_REPLACED, err));
    const char *detail = td_arena_printf(a, "{\"enrolment\":\"%s\",\"by\":\"%s\"}", old->id, by->id);
    if (strcmp(old->way_id, by->way_id) != 0) {
        td_try(td_action_in_box(tx, old->tenant, old->way_id, true, err)); /* the same machine, from its box */
        return td_way_happened(tx, old->tenant, old->way_id, TD_EV_UNENROLLED, "system", detail, err);
    }
    struct td_event event = {.subject = old->way_id, .type = "enrolment.replaced", .actor = "system", .detail = detail};
    return td_event_append(tx, old->tenant, &event, err);
}

enum { MAX_REPLACED = 32 };

/* One key a question: each goes by its own index, so that the cost stays flat. Empty keys match nothing. */
static enum td_code older(struct td_tx *tx, const struct td_enrolment *e, const char *sql, const char *key,
                          struct td_arena *a, size_t *count, struct td_error *err)
{
    struct td_rows r;
    size_t n = 0;
    if (key[0] == '\0')
        return TD_OK;
    struct td_enrolment *old = td_arena_array(a, struct td_enrolment, MAX_REPLACED);
    td_try(td_sql_query(tx, &r, err, sql, "sss", e->tenant, key, e->id));
    while (n < MAX_REPLACED && td_rows_next(&r))
        read_row(&r, a, &old[n++]);
    td_try(td_rows_done(&r, err));
    for (size_t i = 0; i < n && !td_fault("enrol-keep-older"); i++)
        td_try(replace(tx, &old[i], e, a, err));
    *count += n;
    return TD_OK;
}

enum td_code td_enrolment_add(struct td_tx *tx, const struct td_enrolment *e, size_t *ret_replaced,
                              struct td_error *err)
{
    static const char by_device[] =
        "SELECT " COLUMNS ASKED " FROM enrolment WHERE tenant = $1 AND device_id = $2 AND state = 0 AND id <> $3";
    static const char by_way[] =
        "SELECT " COLUMNS ASKED " FROM enrolment WHERE tenant = $1 AND way_id = $2 AND state = 0 AND id <> $3";
    static const char by_hardware[] =
        "SELECT " COLUMNS ASKED " FROM enrolment WHERE tenant = $1 AND hw_dev_id = $2 AND state = 0 AND id <> $3";
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    size_t count = 0;
    td_try(older(tx, e, by_device, e->device_id, &a, &count, err));
    td_try(older(tx, e, by_hardware, e->hw_dev_id, &a, &count, err));
    if (e->device_id[0] == '\0' &&
        e->registration_id[0] != '\0') /* hybrid: its way is all that it has before it joins */
        td_try(older(tx, e, by_way, e->way_id, &a, &count, err));
    if (ret_replaced != NULL)
        *ret_replaced = count;
    td_try(insert(tx, e, managed_name(e, td_tx_now(tx), &a), err));
    return take_registration(tx, e, err);
}

enum td_code td_enrolment_joined(struct td_tx *tx, const char *tenant, const char *id, const char *device_id,
                                 struct td_error *err)
{
    td_try(td_sql(tx, err, "UPDATE enrolment SET device_id = $3 WHERE tenant = $1 AND id = $2 AND state = 0", "sss",
                  tenant, id, device_id));
    return changed_one(tx, err);
}

enum td_code td_enrolment_renew(struct td_tx *tx, const char *tenant, const char *id,
                                const unsigned char cert_sha256[32], int64_t not_after, struct td_error *err)
{
    td_try(td_sql(tx, err,
                  "UPDATE enrolment SET cert_sha256 = $3, cert_not_after = $4, renewed_at = $5"
                  " WHERE tenant = $1 AND id = $2 AND state = 0",
                  "ssbii", tenant, id, td_bytes(cert_sha256, 32), not_after, td_tx_now(tx)));
    return changed_one(tx, err);
}

enum td_code td_enrolment_end(struct td_tx *tx, const char *tenant, const char *id, struct td_error *err)
{
    td_try(close_row(tx, &(struct td_enrolment){.tenant = tenant, .id = id}, TD_ENROLMENT_ENDED, err));
    return td_group_enrolment_moved(tx, tenant, id, "system", err);
}

enum td_code td_enrolment_seen(struct td_tx *tx, const char *tenant, const char *id, struct td_error *err)
{
    return td_sql(tx, err, "UPDATE enrolment SET last_contact_at = $3 WHERE tenant = $1 AND id = $2", "ssi", tenant, id,
                  td_tx_now(tx));
}
