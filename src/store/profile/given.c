/* What a device got last: effective, apart from what holds (row P01, Z45). */
#include "store/profile/room.h"

enum td_code td_profile_given(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                              struct td_profile_given *ret, struct td_error *err)
{
    struct td_rows r;
    struct td_profile_given g = {.profile_id = NULL};
    struct td_slice settings = {0};
    td_try(td_sql_query(tx, &r, err,
                        "SELECT profile_id, name, revision, at, settings FROM profile_given"
                        " WHERE tenant = $1 AND way_id = $2",
                        "ss", tenant, way_id));
    while (td_rows_next(&r)) {
        g = (struct td_profile_given){.profile_id = td_col_text0(&r, 0, a),
                                      .name = td_col_text0(&r, 1, a),
                                      .revision = td_col_int(&r, 2),
                                      .at = td_col_int(&r, 3)};
        settings = td_col_blob(&r, 4, a);
    }
    td_try(td_rows_done(&r, err));
    if (g.profile_id == NULL)
        return td_fail(err, TD_ENOTFOUND, "profile", "the device has got no profile yet");
    td_try(td_profile_parse(settings, a, &g.settings, err));
    *ret = g;
    return TD_OK;
}

enum td_code td_profile_give(struct td_tx *tx, const char *tenant, const char *way_id, const struct td_profile_row *p,
                             struct td_error *err)
{
    struct td_jsonw w;
    TD_CLEANUP(td_buf_done) struct td_buf json;
    td_buf_init(&json, TD_PROFILE_MAX_JSON);
    td_jsonw_init(&w, &json);
    td_profile_write(&p->settings, &w);
    td_try(td_buf_check(&json, "profile", err));
    return td_sql(tx, err,
                  "INSERT INTO profile_given(tenant, way_id, profile_id, name, revision, settings, at)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, way_id) DO UPDATE"
                  " SET profile_id = $3, name = $4, revision = $5, settings = $6, at = $7"
                  " WHERE profile_given.profile_id <> $3 OR profile_given.revision <> $5 OR profile_given.name <> $4",
                  "ssssiti", tenant, way_id, p->id, p->name, p->revision, td_buf_slice(&json), td_tx_now(tx));
}

enum td_code td_profile_in_force(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                                 struct td_profile *ret, struct td_error *err)
{
    struct td_profile_given given;
    struct td_profile_row p;
    bool is_explicit;
    enum td_code rc = td_profile_given(tx, tenant, way_id, a, &given, err);
    if (rc == TD_OK && !td_fault("profile-edit-at-once")) {
        *ret = given.settings;
        return TD_OK;
    }
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    td_try(td_profile_of_way(tx, tenant, way_id, a, &p, &is_explicit, err));
    *ret = p.settings;
    return TD_OK;
}
