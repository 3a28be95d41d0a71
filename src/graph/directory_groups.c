/* Groups and who is in them (graph-api.md 1.8, 3.1 step 7). */
#include "graph/directory.h"
#include "graph/types.h"
#include "store/group.h"
#include "store/views.h"

#include <string.h>

/* ---- values ---- */

void td_g_group_types(struct td_g_call *call TD_UNUSED, const struct td_view_row *row,
                      const struct td_g_prop *prop TD_UNUSED, struct td_jsonw *w)
{
    td_jsonw_arr(w);
    if (td_view_int(row, "groupKind") != 0)
        td_jsonw_str(w, "DynamicMembership");
    td_jsonw_arr_end(w);
}

/* null for groups whose members are set by hand. */
void td_g_group_status(struct td_g_call *call TD_UNUSED, const struct td_view_row *row,
                       const struct td_g_prop *prop TD_UNUSED, struct td_jsonw *w)
{
    const struct td_view_value *after = td_view_value(row, "spreadAfter");
    const struct td_group g = {.paused = strcmp(td_view_text(row, "membershipRuleProcessingState"), "Paused") == 0,
                               .pending = after != NULL,
                               .started = after != NULL && after->text[0] != '\0',
                               .problem = td_view_text(row, "groupProblem")};
    int64_t at = td_view_int(row, "membersAt");
    if (td_view_int(row, "groupKind") == 0) {
        td_jsonw_null(w);
        return;
    }
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "status", td_group_status(&g));
    if (at != 0)
        td_jsonw_ktime(w, "lastMembershipUpdated", at);
    else
        td_jsonw_kstr(w, "lastMembershipUpdated", NULL);
    td_jsonw_kstr(w, "errorMessage", g.problem[0] != '\0' ? g.problem : NULL);
    td_jsonw_end(w);
}

/* ---- create, change, delete ---- */

/* DynamicMembership or nothing: groups for mail are not offered. */
static enum td_code read_types(const struct td_g_call *call, bool *ret_dynamic, struct td_error *err)
{
    const struct td_json *list = td_json_iget(call->body, "groupTypes");
    *ret_dynamic = false;
    for (const struct td_json *t = list != NULL ? list->child : NULL; t != NULL; t = t->next) {
        if (t->str != NULL && td_ieqs(td_str(t->str), "Unified")) {
            td_g_not_offered(err, "Microsoft 365 groups");
            return TD_ENOTOFFERED;
        }
        if (t->str == NULL || !td_ieqs(td_str(t->str), "DynamicMembership"))
            return td_remedy(err, td_fail(err, TD_EINVAL, "groupTypes", "an unknown type of group"),
                             "send [\"DynamicMembership\"] or []");
        *ret_dynamic = true;
    }
    return TD_OK;
}

static enum td_code read_state(const struct td_g_call *call, bool *ret_paused, struct td_error *err)
{
    const char *state = td_g_body_text(call, "membershipRuleProcessingState", "On");
    *ret_paused = td_ieqs(td_str(state), "Paused");
    return *ret_paused || td_ieqs(td_str(state), "On")
               ? TD_OK
               : td_fail(err, TD_EINVAL, "membershipRuleProcessingState", "must be On or Paused");
}

/* Security groups only: what would need a mail system is refused. */
static enum td_code check_kind(const struct td_g_call *call, struct td_error *err)
{
    bool mail = td_json_bool(call->body, "mailEnabled", false);
    bool security = td_json_bool(call->body, "securityEnabled", true);
    if (mail) {
        td_g_not_offered(err, "groups with mail");
        return TD_ENOTOFFERED;
    }
    return security ? TD_OK
                    : td_remedy(err, td_fail(err, TD_EINVAL, "securityEnabled", "a group must be one for security"),
                                "send true");
}

/* members@odata.bind: addresses of devices and users. */
static enum td_code add_bound(struct td_g_call *call, struct td_tx *tx, const char *group_id, struct td_error *err)
{
    const struct td_json *list = td_json_iget(call->body, "members@odata.bind");
    for (const struct td_json *t = list != NULL ? list->child : NULL; t != NULL; t = t->next) {
        struct td_slice s = td_trim(td_str(t->str));
        for (size_t at = td_find(s, '/'); at != SIZE_MAX; at = td_find(s, '/'))
            s = td_sub(s, at + 1, s.n);
        enum td_code rc =
            td_group_member_add(tx, call->tenant, group_id, td_arena_text(call->arena, s), call->actor, err);
        if (rc != TD_OK && rc != TD_EEXISTS)
            return rc;
    }
    return TD_OK;
}

static enum td_code create(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    struct td_group g;
    bool dynamic = false;
    struct td_group_new what = {.name = td_g_body_text(call, "displayName", ""),
                                .description = td_g_body_text(call, "description", ""),
                                .nickname = td_g_body_text(call, "mailNickname", ""),
                                .rule = td_g_body_text(call, "membershipRule", "")};
    td_try(check_kind(call, err));
    td_try(read_types(call, &dynamic, err));
    td_try(read_state(call, &what.paused, err));
    if (what.nickname[0] == '\0')
        return td_fail(err, TD_EINVAL, "mailNickname", "the member is missing");
    if (dynamic != (what.rule[0] != '\0'))
        return td_remedy(err,
                         td_fail(err, TD_EINVAL, dynamic ? "membershipRule" : "groupTypes",
                                 "groupTypes DynamicMembership and membershipRule go together"),
                         "send both or none");
    what.paused = what.paused && dynamic;
    td_try(td_group_create(tx, call->tenant, &what, call->actor, call->arena, &g, err));
    td_try(add_bound(call, tx, g.id, err));
    call->made_key = g.id;
    call->poke = true;
    return TD_OK;
}

static enum td_code update(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    bool dynamic = false, paused = false;
    const char *id = td_view_text(call->row, "id");
    struct td_group_change what = {.name = td_g_body_text(call, "displayName", NULL),
                                   .description = td_g_body_text(call, "description", NULL),
                                   .nickname = td_g_body_text(call, "mailNickname", NULL),
                                   .rule = td_g_body_text(call, "membershipRule", NULL)};
    td_try(check_kind(call, err));
    td_try(read_types(call, &dynamic, err));
    td_try(read_state(call, &paused, err));
    if (td_g_body_has(call, "description") && what.description == NULL)
        what.description = "";
    if (td_g_body_has(call, "groupTypes"))
        what.dynamic = &dynamic;
    if (td_g_body_text(call, "membershipRuleProcessingState", NULL) != NULL)
        what.paused = &paused;
    td_try(td_group_change(tx, call->tenant, id, &what, call->actor, err));
    call->poke = true;
    return add_bound(call, tx, id, err);
}

static enum td_code remove_group(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    call->poke = true;
    return td_group_remove(tx, call->tenant, td_view_text(call->row, "id"), call->actor, err);
}

/* ---- members ---- */

static enum td_code add_member(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    enum td_code rc = td_group_member_add(tx, call->tenant, call->keys[0], call->ref, call->actor, err);
    if (rc == TD_EEXISTS)
        return td_fail(err, TD_EINVAL, "members",
                       "One or more added object references already exist for the following modified properties: "
                       "'members'.");
    call->poke = true;
    return rc;
}

static enum td_code remove_member(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    call->poke = true;
    return td_group_member_remove(tx, call->tenant, call->keys[0], call->keys[1], call->actor, err);
}

/* ---- evaluateDynamicMembership ---- */

static enum td_code evaluate(struct td_g_call *call, struct td_tx *tx, const char *rule, struct td_error *err)
{
    struct td_jsonw w;
    struct td_group_verdict v = {.why = ""};
    const char *member = td_g_body_text(call, "memberId", "");
    td_try(td_group_try(tx, call->tenant, rule, member, call->arena, &v, err));
    td_jsonw_init(&w, call->out);
    td_jsonw_obj(&w);
    if (call->metadata != TD_G_NONE)
        td_jsonw_kstr(&w, "@odata.context",
                      td_arena_printf(call->arena, "%s/%s/$metadata#microsoft.graph.evaluateDynamicMembershipResult",
                                      call->req->base, call->version));
    td_jsonw_kstr(&w, "membershipRule", rule);
    td_jsonw_kbool(&w, "membershipRuleEvaluationResult", v.member);
    td_jsonw_kstr(&w, "membershipRuleEvaluationDetails", v.why);
    td_jsonw_end(&w);
    call->answered = true;
    return TD_OK;
}

static enum td_code evaluate_any(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    const char *rule = td_g_body_text(call, "membershipRule", "");
    if (rule[0] == '\0')
        return td_fail(err, TD_EINVAL, "membershipRule", "the member is missing");
    return evaluate(call, tx, rule, err);
}

static enum td_code evaluate_own(struct td_g_call *call, struct td_tx *tx, struct td_error *err)
{
    const char *rule = td_view_text(call->row, "membershipRule");
    if (rule[0] == '\0')
        return td_fail(err, TD_EINVAL, "group", "its members are set by hand, there is no rule to evaluate");
    return evaluate(call, tx, rule, err);
}

static const struct td_g_action actions[] = {
    {.name = "evaluateDynamicMembership",
     .flags = TD_G_BETA_ONLY,
     .right = TD_RIGHT_GROUP,
     .access = TD_ACCESS_READ,
     .run = evaluate_own,
     .params = "memberId:String",
     .returns = "evaluateDynamicMembershipResult"},
    {.name = "evaluateDynamicMembership",
     .flags = TD_G_BETA_ONLY | TD_G_ON_SET,
     .right = TD_RIGHT_GROUP,
     .access = TD_ACCESS_READ,
     .run = evaluate_any,
     .params = "memberId:String,membershipRule:String",
     .returns = "evaluateDynamicMembershipResult"},
};

#define IN_GROUP(p, about_)                                                                             \
    .path = (p), .type = &td_g_type_directory_object, .view = &td_view_member, .parent = "memberGroup", \
    .read = TD_RIGHT_GROUP_MEMBER, .write = TD_RIGHT_GROUP_MEMBER, .about = (about_)

/* A group is in no other. */
static enum td_code nothing(struct td_g_call *call TD_UNUSED, struct td_tx *tx TD_UNUSED, struct td_view_row **ret,
                            size_t *ret_count, struct td_error *err TD_UNUSED)
{
    *ret = NULL;
    *ret_count = 0;
    return TD_OK;
}

static const struct td_g_set sets[] = {
    {.path = "groups",
     .type = &td_g_type_group,
     .view = &td_view_group,
     .flags = TD_G_DIRECTORY,
     .read = TD_RIGHT_GROUP,
     .write = TD_RIGHT_GROUP,
     .create = create,
     .update = update,
     .remove = remove_group,
     .actions = actions,
     .action_count = TD_COUNTOF(actions),
     .about = "Security groups: members by hand, or by a rule about devices or users."},
    {IN_GROUP("groups/{id}/members", "Devices and users of a group."), .flags = TD_G_DIRECTORY, .add_ref = add_member,
     .remove_ref = remove_member},
    {IN_GROUP("groups/{id}/transitiveMembers", "The same: a group is no member of another here."),
     .flags = TD_G_DIRECTORY},
    {.path = "groups/{id}/memberOf",
     .type = &td_g_type_directory_object,
     .view = &td_view_member_of,
     .flags = TD_G_DIRECTORY,
     .read = TD_RIGHT_GROUP_MEMBER,
     .write = TD_RIGHT_GROUP_MEMBER,
     .rows = nothing,
     .about = "Empty: a group is no member of another here."},
    {.path = "groups/{id}/transitiveMemberOf",
     .type = &td_g_type_directory_object,
     .view = &td_view_member_of,
     .flags = TD_G_DIRECTORY,
     .read = TD_RIGHT_GROUP_MEMBER,
     .write = TD_RIGHT_GROUP_MEMBER,
     .rows = nothing,
     .about = "Empty, as memberOf."},
    {.path = "groups/{id}/owners",
     .type = &td_g_type_directory_object,
     .view = &td_view_member,
     .flags = TD_G_DIRECTORY | TD_G_EMPTY,
     .read = TD_RIGHT_GROUP,
     .write = TD_RIGHT_GROUP,
     .rows = nothing,
     .about = "Empty: groups have no owners here."},
};

const struct td_g_family td_g_family_groups = {
    .about = "Groups and their members.", .sets = sets, .count = TD_COUNTOF(sets)};
