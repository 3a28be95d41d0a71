#include "store/explain.h"

static enum td_code read_profile(struct td_tx *tx, const char *tenant, struct td_arena *a, struct td_explained *e,
                                 struct td_error *err)
{
    enum td_profile_detail detail = TD_PD_NONE;
    const char *way = e->registration.way_id;
    enum td_code rc = td_profile_of_way_detail(tx, tenant, way, a, &e->profile, &e->is_explicit, &detail, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    e->has_profile = rc == TD_OK;
    rc = td_profile_given(tx, tenant, way, a, &e->given, NULL);
    e->has_given = rc == TD_OK;
    const struct td_profile_stand stand = {.intended = e->has_profile ? e->profile.id : "",
                                           .told = e->registration.profile_id,
                                           .effective = e->has_given ? e->given.profile_id : "",
                                           .intended_revision = e->has_profile ? e->profile.revision : 0,
                                           .effective_revision = e->has_given ? e->given.revision : 0,
                                           .detail = detail};
    e->told = strcmp(stand.intended, stand.told) == 0;
    e->status = td_profile_status(&stand);
    return td_profile_explain(tx, tenant, way, a, &e->candidates, &e->candidate_count, err);
}

static bool is_listed(const struct td_explained *e, const char *id)
{
    for (size_t i = 0; i < e->group_count; i++)
        if (strcmp(e->groups[i].group.id, id) == 0)
            return true;
    return false;
}

static enum td_code add_group(struct td_tx *tx, const char *tenant, const char *id, bool member, struct td_arena *a,
                              struct td_explained *e, size_t *room, struct td_error *err)
{
    struct td_explained_group g = {.member = member};
    struct td_group_verdict v = {.why = ""};
    enum td_code rc = is_listed(e, id) ? TD_ENOTFOUND : td_group_find(tx, tenant, id, a, &g.group, err);
    if (rc == TD_OK)
        rc = td_group_why(tx, tenant, &g.group, e->registration.way_id, a, &v, err);
    if (rc != TD_OK)
        return rc == TD_ENOTFOUND ? TD_OK : rc;
    g.why = v.why;
    g.stored = v.stored;
    e->groups = td_arena_room(a, e->groups, e->group_count, room, sizeof(*e->groups));
    e->groups[e->group_count++] = g;
    return TD_OK;
}

static enum td_code read_groups(struct td_tx *tx, const char *tenant, struct td_arena *a, struct td_explained *e,
                                struct td_error *err)
{
    const char *const *live = NULL;
    struct td_group *stored;
    size_t n = 0, room = 0;
    td_try(td_group_live(tx, tenant, e->registration.way_id, a, &live, err));
    td_try(td_group_of_way(tx, tenant, e->registration.way_id, a, &stored, &n, err));
    for (size_t i = 0; live != NULL && live[i] != NULL; i++)
        td_try(add_group(tx, tenant, live[i], true, a, e, &room, err));
    for (size_t i = 0; live == NULL && i < n; i++)
        td_try(add_group(tx, tenant, stored[i].id, true, a, e, &room, err));
    for (size_t i = 0; i < e->candidate_count; i++)
        if (e->candidates[i].group_id[0] != '\0')
            td_try(add_group(tx, tenant, e->candidates[i].group_id, false, a, e, &room, err));
    return TD_OK;
}

enum td_code td_explain(struct td_tx *tx, const char *tenant, const char *registration_id, struct td_arena *a,
                        struct td_explained *ret, struct td_error *err)
{
    struct td_explained e = {.group_count = 0};
    td_try(td_registration_find(tx, tenant, registration_id, a, &e.registration, err));
    td_try(read_profile(tx, tenant, a, &e, err));
    td_try(read_groups(tx, tenant, a, &e, err));
    *ret = e;
    return TD_OK;
}
