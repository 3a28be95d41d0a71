#include "api/explain.h"

const char *td_explained_group_says(const struct td_explained_group *g)
{
    if (g->member == g->stored)
        return g->member ? "member" : "not a member";
    return g->member ? "member, its list follows" : "no longer a member, its list follows";
}

static void write_profile(const char *member, bool there, const char *id, const char *name, struct td_jsonw *w)
{
    td_jsonw_key(w, member);
    if (!there) {
        td_jsonw_null(w);
        return;
    }
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "id", id);
    td_jsonw_kstr(w, "displayName", name);
    td_jsonw_end(w);
}

static void write_group(const struct td_explained_group *g, struct td_jsonw *w)
{
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "id", g->group.id);
    td_jsonw_kstr(w, "displayName", g->group.name);
    td_jsonw_kstr(w, "membershipRule", g->group.rule[0] != '\0' ? g->group.rule : NULL);
    td_jsonw_kbool(w, "member", g->member);
    td_jsonw_kbool(w, "pending", g->member != g->stored);
    td_jsonw_kstr(w, "why", g->why);
    td_jsonw_end(w);
}

static void write_candidate(const struct td_profile_candidate *c, struct td_jsonw *w)
{
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "profileId", c->profile_id);
    td_jsonw_kstr(w, "profile", c->profile_name);
    td_jsonw_ktime(w, "profileCreatedDateTime", c->profile_created_at);
    td_jsonw_kstr(w, "groupId", c->group_id[0] != '\0' ? c->group_id : NULL);
    td_jsonw_kstr(w, "group", c->group_name);
    td_jsonw_kbool(w, "excluded", c->excluded);
    td_jsonw_kbool(w, "holds", c->holds);
    td_jsonw_kstr(w, "why", c->why);
    td_jsonw_end(w);
}

void td_explain_members(const struct td_explained *e, struct td_jsonw *w)
{
    td_jsonw_kstr(w, "registrationId", e->registration.id);
    td_jsonw_kstr(w, "serialNumber", e->registration.serial);
    write_profile("intendedProfile", e->has_profile, e->profile.id, e->profile.name, w);
    write_profile("effectiveProfile", e->has_given, e->given.profile_id, e->given.name, w);
    td_jsonw_kstr(w, "assignmentStatus", td_profile_status_words[e->status]);
    td_jsonw_key(w, "candidates");
    td_jsonw_arr(w);
    for (size_t i = 0; i < e->candidate_count; i++)
        write_candidate(&e->candidates[i], w);
    td_jsonw_arr_end(w);
    td_jsonw_key(w, "memberships");
    td_jsonw_arr(w);
    for (size_t i = 0; i < e->group_count; i++)
        write_group(&e->groups[i], w);
    td_jsonw_arr_end(w);
}
