/* What follows from a registration: its groups and its profile, told by an event where they changed. */
#include "codec/json.h"
#include "store/event.h"
#include "store/group/room.h"
#include "store/registration.h"
#include "store/way.h"

static enum td_code tell(struct td_tx *tx, const char *tenant, const struct td_telling *t, const char *actor,
                         struct td_error *err)
{
    struct td_jsonw w;
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, 8192);
    if (t->profile_id[0] == '\0')
        return td_way_happened(tx, tenant, t->way_id, TD_EV_UNASSIGNED, actor, "{}", err);
    td_jsonw_init(&w, &b);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "profileId", t->profile_id);
    td_jsonw_kstr(&w, "profile", t->profile_name);
    td_jsonw_kbool(&w, "explicit", t->is_explicit);
    td_jsonw_end(&w);
    if (!t->was_assigned)
        return td_way_happened(tx, tenant, t->way_id, TD_EV_ASSIGNED, actor, b.p, err);
    struct td_event e = {/* from one profile to another: no state changes, but it is told */
                         .subject = t->way_id,
                         .type = td_way_event_word(TD_EV_ASSIGNED),
                         .actor = actor,
                         .detail = b.p};
    return td_event_append(tx, tenant, &e, err);
}

enum td_code td_registration_tell(struct td_tx *tx, const char *tenant, const struct td_telling *t, const char *actor,
                                  struct td_error *err)
{
    td_try(td_sql(tx, err,
                  "UPDATE registration SET profile_at = CASE WHEN profile_id = $3 THEN profile_at ELSE $4 END,"
                  " profile_id = $3, profile_detail = $5 WHERE tenant = $1 AND id = $2",
                  "sssii", tenant, t->registration_id, t->profile_id, td_tx_now(tx), (int64_t)t->detail));
    return strcmp(t->profile_id, t->before) != 0 ? tell(tx, tenant, t, actor, err) : TD_OK;
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

/* After the way's members were brought up to date. *ret_changed: another profile holds than was told last. */
static enum td_code tell_profile(struct td_tx *tx, const char *tenant, const struct td_registration *r,
                                 const char *actor, struct td_arena *a, bool *ret_changed, struct td_error *err)
{
    struct td_profile_row p;
    struct td_way_row way;
    struct td_telling t = {.registration_id = r->id, .way_id = r->way_id, .before = r->profile_id, .profile_id = ""};
    int64_t before = 0;
    enum td_code rc = td_profile_of_way_moved(tx, tenant, r->way_id, a, &p, &t.is_explicit, &t.detail, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    if (rc == TD_OK) {
        t.profile_id = p.id;
        t.profile_name = p.name;
    }
    td_try(told_detail(tx, tenant, r->id, &before, err));
    *ret_changed = strcmp(t.profile_id, t.before) != 0;
    if (!*ret_changed && before == (int64_t)t.detail)
        return TD_OK;
    td_try(td_way_find(tx, tenant, TD_WAY_ID, r->way_id, a, &way, err));
    t.was_assigned = way.way.state[TD_M_REGISTRATION] == TD_R_ASSIGNED;
    return td_registration_tell(tx, tenant, &t, actor, err);
}

static enum td_code follow(struct td_tx *tx, const char *tenant, struct td_registration *r, const char *actor,
                           struct td_arena *a, struct td_error *err)
{
    bool changed = false;
    td_try(td_group_way_moved(tx, tenant, r->way_id, err));
    td_try(td_registration_find(tx, tenant, r->id, a, r, err));
    return tell_profile(tx, tenant, r, actor, a, &changed, err);
}

/* A rule may look at the profile's name: members follow once more, and what that decides is told. Rules that chase
 * their own profile stop here. */
static enum td_code tell_and_follow(struct td_tx *tx, const char *tenant, struct td_registration *r, const char *actor,
                                    struct td_arena *a, struct td_error *err)
{
    TD_CLEANUP(td_ruleset_drop) struct td_ruleset *set = NULL;
    bool changed = false;
    td_try(tell_profile(tx, tenant, r, actor, a, &changed, err));
    if (!changed)
        return TD_OK;
    td_try(td_ruleset_hold(tx, tenant, &set, err));
    return td_ruleset_by_profile(set) ? follow(tx, tenant, r, actor, a, err) : TD_OK;
}

enum td_code td_registration_follow(struct td_tx *tx, const char *tenant, const char *registration_id,
                                    const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_registration r;
    td_try(td_registration_find(tx, tenant, registration_id, &a, &r, err));
    return follow(tx, tenant, &r, actor, &a, err);
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
