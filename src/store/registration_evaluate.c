/* What follows from a registration: its groups and its profile, told by an event where they changed. */
#include "codec/json.h"
#include "store/event.h"
#include "store/group_room.h"
#include "store/registration.h"
#include "store/way.h"

static enum td_code tell(struct td_tx *tx, const char *tenant, const char *way_id, const struct td_profile_row *p,
                         bool is_explicit, const char *actor, struct td_error *err)
{
    struct td_way_row way;
    struct td_jsonw w;
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, 8192);
    if (p == NULL)
        return td_way_happened(tx, tenant, way_id, TD_EV_UNASSIGNED, actor, "{}", err);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "profileId", p->id);
    td_jsonw_kstr(&w, "profile", p->name);
    td_jsonw_kbool(&w, "explicit", is_explicit);
    td_jsonw_end(&w);
    td_try(td_way_find(tx, tenant, TD_WAY_ID, way_id, &a, &way, err));
    if (way.way.state[TD_M_REGISTRATION] != TD_R_ASSIGNED)
        return td_way_happened(tx, tenant, way_id, TD_EV_ASSIGNED, actor, b.p, err);
    struct td_event e = {/* from one profile to another: no state changes, but it is told */
                         .subject = way_id,
                         .type = td_way_event_word(TD_EV_ASSIGNED),
                         .actor = actor,
                         .detail = b.p};
    return td_event_append(tx, tenant, &e, err);
}

static enum td_code store_told(struct td_tx *tx, const char *tenant, const struct td_registration *r, const char *now,
                               enum td_profile_detail detail, struct td_error *err)
{
    return td_sql(tx, err,
                  "UPDATE registration SET profile_at = CASE WHEN profile_id = $3 THEN profile_at ELSE $4 END,"
                  " profile_id = $3, profile_detail = $5 WHERE tenant = $1 AND id = $2",
                  "sssii", tenant, r->id, now, td_tx_now(tx), (int64_t)detail);
}

static enum td_code told_detail(struct td_tx *tx, const char *tenant, const char *id, int64_t *ret,
                                struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err, "SELECT profile_detail FROM registration WHERE tenant = $1 AND id = $2", "ss",
                        tenant, id));
    while (td_rows_next(&r))
        *ret = td_col_int(&r, 0);
    return td_rows_done(&r, err);
}

/* *ret_changed: another profile holds than was told last. */
static enum td_code tell_profile(struct td_tx *tx, const char *tenant, const struct td_registration *r,
                                 const char *actor, struct td_arena *a, bool *ret_changed, struct td_error *err)
{
    struct td_profile_row p;
    bool is_explicit = false;
    int64_t before = 0;
    enum td_profile_detail detail = TD_PD_NONE;
    enum td_code rc = td_profile_of_way_detail(tx, tenant, r->way_id, a, &p, &is_explicit, &detail, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    td_try(told_detail(tx, tenant, r->id, &before, err));
    const char *now = rc == TD_OK ? p.id : "";
    *ret_changed = strcmp(now, r->profile_id) != 0;
    if (*ret_changed || before != (int64_t)detail)
        td_try(store_told(tx, tenant, r, now, detail, err));
    if (!*ret_changed)
        return TD_OK;
    return tell(tx, tenant, r->way_id, rc == TD_OK ? &p : NULL, is_explicit, actor, err);
}

/* A rule may look at the profile's name: members follow once more, and what that decides is told. Rules that chase
 * their own profile stop here. */
static enum td_code tell_and_follow(struct td_tx *tx, const char *tenant, struct td_registration *r, const char *actor,
                                    struct td_arena *a, struct td_error *err)
{
    bool changed = false;
    td_try(tell_profile(tx, tenant, r, actor, a, &changed, err));
    if (!changed)
        return TD_OK;
    td_try(td_group_way_moved(tx, tenant, r->way_id, err));
    td_try(td_registration_find(tx, tenant, r->id, a, r, err));
    return tell_profile(tx, tenant, r, actor, a, &changed, err);
}

enum td_code td_registration_tell(struct td_tx *tx, const char *tenant, const char *registration_id, const char *actor,
                                  struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_registration r;
    td_try(td_registration_find(tx, tenant, registration_id, &a, &r, err));
    return tell_and_follow(tx, tenant, &r, actor, &a, err);
}

static enum td_code evaluate(struct td_tx *tx, const char *tenant, struct td_registration *r, const char *actor,
                             struct td_arena *a, struct td_error *err)
{
    td_try(td_group_way_moved(tx, tenant, r->way_id, err));
    return tell_and_follow(tx, tenant, r, actor, a, err);
}

enum td_code td_registration_evaluate(struct td_tx *tx, const char *tenant, const char *id, const char *actor,
                                      struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_registration r;
    td_try(td_registration_find(tx, tenant, id, &a, &r, err));
    return evaluate(tx, tenant, &r, actor, &a, err);
}

enum td_code td_registration_evaluate_with(struct td_tx *tx, const char *tenant, const char *id,
                                           const struct td_group_rules *rules TD_UNUSED, const char *actor,
                                           struct td_error *err)
{
    return td_registration_evaluate(tx, tenant, id, actor, err);
}

enum td_code td_profile_spread(struct td_tx *tx, const char *tenant, const char *after, size_t max, const char *actor,
                               struct td_arena *a, const char **ret_next, struct td_error *err)
{
    struct td_registration *list;
    size_t n = 0;
    td_try(td_registration_list(tx, tenant, after, max, a, &list, &n, err));
    for (size_t i = 0; i < n; i++)
        td_try(evaluate(tx, tenant, &list[i], actor, a, err));
    *ret_next = n == max ? list[n - 1].id : "";
    return TD_OK;
}
