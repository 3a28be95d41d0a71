#include "store/primary_user.h"

#include "base/fault.h"
#include "codec/json.h"
#include "store/audit.h"
#include "store/group.h"
#include "store/life_end.h"
#include "store/user.h"
#include "store/way.h"

struct managed {
    const char *id, *device_id, *way_id, *user_id, *upn, *former, *name;
    bool awaited, shared; /* shared: it deployed itself, for nobody in particular */
};

#define COLUMNS                                                                                                        \
    "SELECT id, device_id, way_id, user_id, user_upn, former_user,"                                                    \
    " CASE WHEN serial <> '' THEN serial ELSE managed_name END, awaited, plug_and_forget FROM enrolment WHERE tenant " \
    "= $1 AND state = "                                                                                                \
    "0"

static const struct managed nobody = {
    .id = "", .device_id = "", .way_id = "", .user_id = "", .upn = "", .former = "", .name = ""};

/* key: one of the two statements that find an active enrolment. */
static enum td_code find(struct td_tx *tx, const char *sql, const char *tenant, const char *key, struct td_arena *a,
                         struct managed *ret, bool *ret_found, struct td_error *err)
{
    struct td_rows r;
    *ret_found = false;
    td_try(td_sql_query(tx, &r, err, sql, "ss", tenant, key));
    while (td_rows_next(&r)) {
        *ret = (struct managed){
            .id = td_col_text0(&r, 0, a),
            .device_id = td_col_text0(&r, 1, a),
            .way_id = td_col_text0(&r, 2, a),
            .user_id = td_col_text0(&r, 3, a),
            .upn = td_col_text0(&r, 4, a),
            .former = td_col_text0(&r, 5, a),
            .name = td_col_text0(&r, 6, a),
            .awaited = td_col_int(&r, 7) != 0,
            .shared = td_col_int(&r, 8) != 0,
        };
        *ret_found = true;
    }
    return td_rows_done(&r, err);
}

static enum td_code by_enrolment(struct td_tx *tx, const char *tenant, const char *id, struct td_arena *a,
                                 struct managed *ret, struct td_error *err)
{
    bool found = false;
    td_try(find(tx, COLUMNS " AND id = $2", tenant, id, a, ret, &found, err));
    return found ? TD_OK : td_fail(err, TD_ENOTFOUND, "managedDevice", "no managed device has the id %.40s", id);
}

static enum td_code owner_of(struct td_tx *tx, const char *tenant, const char *device_id, struct td_arena *a,
                             const char **ret, struct td_error *err)
{
    struct td_rows r;
    *ret = "";
    td_try(td_sql_query(tx, &r, err,
                        "SELECT owner_id FROM directory_device WHERE tenant = $1 AND id = $2 AND deleted_at = 0", "ss",
                        tenant, device_id));
    while (td_rows_next(&r))
        *ret = td_col_text0(&r, 0, a);
    return td_rows_done(&r, err);
}

/* Owner, primary user and the way's name for people change together. The one before is remembered by id until another
 * has come. */
static enum td_code write(struct td_tx *tx, const char *tenant, const struct managed *m, const char *user_id,
                          const char *upn, bool awaited, struct td_error *err)
{
    const char *former = m->user_id[0] != '\0' ? m->user_id : m->former;
    td_try(td_sql(tx, err,
                  "UPDATE enrolment SET user_id = $3, user_upn = $4, awaited = $5, former_user = $6"
                  " WHERE tenant = $1 AND id = $2",
                  "ssssis", tenant, m->id, user_id, upn, (int64_t)awaited, former));
    if (!td_fault("primary-user-keeps-owner"))
        td_try(td_sql(tx, err,
                      "UPDATE directory_device SET owner_id = $3, owner_upn = $4"
                      " WHERE tenant = $1 AND id = $2 AND deleted_at = 0",
                      "ssss", tenant, m->device_id, user_id, upn));
    return td_way_set_user(tx, tenant, m->way_id, upn, err);
}

static enum td_code tell(struct td_tx *tx, const char *tenant, const struct managed *m, const char *upn,
                         const char *actor, struct td_error *err)
{
    const struct td_change changes[] = {
        {"primaryUser", m->upn[0] != '\0' ? m->upn : NULL, upn[0] != '\0' ? upn : NULL}};
    const struct td_audit what = {.type = upn[0] != '\0' ? "managed-device.user-assigned"
                                                         : "managed-device.user-unassigned",
                                  .actor = actor,
                                  .subject = m->way_id,
                                  .kind = "managed-device",
                                  .id = m->id,
                                  .name = m->name,
                                  .changes = changes,
                                  .count = TD_COUNTOF(changes)};
    td_try(td_audit_tell(tx, tenant, &what, err));
    return td_group_enrolment_moved(tx, tenant, m->id, actor, err);
}

enum td_code td_primary_user_clear(struct td_tx *tx, const char *tenant, const char *enrolment_id, const char *actor,
                                   struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct managed m = nobody;
    const char *owner = "";
    td_try(by_enrolment(tx, tenant, enrolment_id, &a, &m, err));
    td_try(owner_of(tx, tenant, m.device_id, &a, &owner, err));
    td_try(td_life_forget_users(tx, tenant, m.device_id, err));
    /* a shared device stays shared (autopilot.md 3.7) */
    if (m.user_id[0] == '\0' && owner[0] == '\0' && !td_fault("primary-user-of-shared"))
        return TD_OK;
    td_try(write(tx, tenant, &m, "", "", !m.shared || td_fault("shared-awaits-a-user"), err));
    return tell(tx, tenant, &m, "", actor, err);
}

/* The step is told where another one than the last takes over; a way that has ended meanwhile has no such step. */
static enum td_code tell_taken(struct td_tx *tx, const char *tenant, const struct managed *m, const char *user_id,
                               const char *upn, struct td_error *err)
{
    TD_CLEANUP(td_buf_done) struct td_buf detail;
    struct td_jsonw w;
    td_buf_init(&detail, 4096);
    if (strcmp(m->former, user_id) == 0)
        return TD_OK;
    td_jsonw_init(&w, &detail);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "user", upn);
    td_jsonw_kstr(&w, "enrolment", m->id);
    td_jsonw_end(&w);
    td_try(td_buf_check(&detail, "event", err));
    enum td_code rc = td_way_happened(tx, tenant, m->way_id, TD_EV_REPURPOSED, upn, detail.p, err);
    return rc == TD_ESTATE || rc == TD_ENOTFOUND ? TD_OK : rc;
}

enum td_code td_primary_user_signed_in(struct td_tx *tx, const char *tenant, const char *device_id, const char *user_id,
                                       const char *upn, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct managed m = nobody;
    bool found = false;
    if (device_id[0] == '\0' || user_id[0] == '\0')
        return TD_OK;
    td_try(find(tx, COLUMNS " AND device_id = $2", tenant, device_id, &a, &m, &found, err));
    if (!found || (!m.awaited && !td_fault("primary-user-any-sign-in")))
        return TD_OK;
    td_try(write(tx, tenant, &m, user_id, upn, false, err));
    td_try(tell(tx, tenant, &m, upn, upn, err));
    return tell_taken(tx, tenant, &m, user_id, upn, err);
}

enum td_code td_primary_user_joined(struct td_tx *tx, const char *tenant, const char *enrolment_id, const char *user_id,
                                    const char *upn, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct managed m = nobody;
    td_try(by_enrolment(tx, tenant, enrolment_id, &a, &m, err));
    td_try(write(tx, tenant, &m, user_id, upn, false, err));
    return tell(tx, tenant, &m, upn, upn, err);
}

enum td_code td_primary_user_set(struct td_tx *tx, const char *tenant, const char *enrolment_id, const char *upn,
                                 const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct managed m = nobody;
    struct td_user u = {.id = "", .upn = ""};
    td_try(by_enrolment(tx, tenant, enrolment_id, &a, &m, err));
    if (upn[0] != '\0')
        td_try(td_user_find(tx, tenant, td_str(upn), &a, &u, err));
    if (strcmp(m.user_id, u.id) == 0 && !m.awaited)
        return TD_OK;
    td_try(write(tx, tenant, &m, u.id, u.upn, false, err));
    return tell(tx, tenant, &m, u.upn, actor, err);
}
