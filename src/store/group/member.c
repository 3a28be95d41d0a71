/* Members by hand, and who is in a group. */
#include "base/fault.h"
#include "store/audit.h"
#include "store/group/room.h"
#include "store/registration.h"

enum td_code td_group_members(struct td_tx *tx, const char *tenant, const char *group_id, size_t max,
                              struct td_arena *a, struct td_group_member **ret, size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    size_t n = 0, room = 0;
    struct td_group_member *list = NULL;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT 0, d.id, m.way_id, d.display_name, coalesce(NULLIF(d.serial, ''), r.serial)"
                        " FROM device_group_member m"
                        " JOIN way w ON w.tenant = m.tenant AND w.id = m.way_id"
                        " JOIN directory_device d ON d.tenant = w.tenant AND d.id = w.device_id AND d.deleted_at = 0"
                        " LEFT JOIN registration r ON r.tenant = w.tenant AND r.id = w.registration_id"
                        " WHERE m.tenant = $1 AND m.group_id = $2 UNION ALL"
                        " SELECT 1, a.id, '', a.upn, '' FROM group_user m"
                        " JOIN account a ON a.tenant = m.tenant AND a.id = m.user_id"
                        " WHERE m.tenant = $1 AND m.group_id = $2 ORDER BY 1, 4, 2 LIMIT $3",
                        "ssi", tenant, group_id, (int64_t)max));
    while (td_rows_next(&r)) {
        list = td_arena_room(a, list, n, &room, sizeof(*list));
        list[n++] = (struct td_group_member){.is_user = td_col_int(&r, 0) != 0,
                                             .id = td_col_text0(&r, 1, a),
                                             .way_id = td_col_text0(&r, 2, a),
                                             .name = td_col_text0(&r, 3, a),
                                             .serial = td_col_text0(&r, 4, a)};
    }
    *ret = list;
    *ret_count = n;
    return td_rows_done(&r, err);
}

struct found {
    enum td_rule_kind kind;
    const char *key, *registration_id, *name;
};

static enum td_code find_object(struct td_tx *tx, const char *tenant, const char *object, struct td_arena *a,
                                struct found *ret, struct td_error *err)
{
    char id[TD_UUID_TEXT];
    const char *way_id = "";
    struct td_subject s = {.key = ""};
    if (!td_uuid_parse(td_str(object), id))
        return td_fail(err, TD_EINVAL, "member", "must be the id of a directory device or of a user");
    td_try(td_way_of_device(tx, tenant, id, a, &way_id, err));
    ret->kind = way_id[0] != '\0' ? TD_RULE_DEVICES : TD_RULE_USERS;
    enum td_code rc = td_subject_one(tx, tenant, ret->kind, way_id[0] != '\0' ? way_id : id, a, &s, err);
    if (rc == TD_ENOTFOUND)
        return td_fail(err, TD_ENOTFOUND, "member", "there is no directory device and no user %s", id);
    td_try(rc);
    ret->key = s.key;
    ret->registration_id = s.registration_id;
    ret->name = s.name;
    return TD_OK;
}

static enum td_code is_there(struct td_tx *tx, const char *tenant, const char *group_id, const struct found *f,
                             bool *ret, struct td_error *err)
{
    struct td_rows r;
    *ret = false;
    td_try(td_sql_query(tx, &r, err,
                        f->kind == TD_RULE_USERS
                            ? "SELECT 1 FROM group_user WHERE tenant = $1 AND group_id = $2 AND user_id = $3"
                            : "SELECT 1 FROM device_group_member WHERE tenant = $1 AND group_id = $2 AND way_id = $3",
                        "sss", tenant, group_id, f->key));
    while (td_rows_next(&r))
        *ret = true;
    return td_rows_done(&r, err);
}

static enum td_code tell(struct td_tx *tx, const char *tenant, const struct td_group *g, const struct found *f,
                         const char *object, bool added, const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const char *who = td_arena_printf(&a, "%s (%s)", f->name, object);
    const struct td_change change = {.name = "member", .before = added ? NULL : who, .after = added ? who : NULL};
    const struct td_audit what = {.type = added ? "group.member-added" : "group.member-removed",
                                  .actor = actor,
                                  .subject = f->kind == TD_RULE_DEVICES ? f->key : NULL,
                                  .kind = "group",
                                  .id = g->id,
                                  .name = g->name,
                                  .changes = &change,
                                  .count = 1};
    return td_audit_tell(tx, tenant, &what, err);
}

/* memberOf rules see it, and profiles may follow. */
static enum td_code follow(struct td_tx *tx, const char *tenant, const struct found *f, const char *actor,
                           struct td_error *err)
{
    if (f->kind == TD_RULE_USERS)
        return td_group_user_moved(tx, tenant, f->key, err);
    return f->registration_id[0] != '\0' ? td_registration_evaluate(tx, tenant, f->registration_id, actor, err)
                                         : td_group_way_moved(tx, tenant, f->key, err);
}

static enum td_code change(struct td_tx *tx, const char *tenant, const char *group_id, const char *object, bool add,
                           const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_group g;
    struct found f = {.kind = TD_RULE_DEVICES, .key = "", .registration_id = "", .name = ""};
    bool there = false;
    td_try(td_group_find(tx, tenant, group_id, &a, &g, err));
    td_try(td_group_ours(tx, tenant, &g, err));
    if (g.kind != TD_GROUP_BY_HAND && !td_fault("group-dynamic-by-hand"))
        return td_remedy(err,
                         td_fail(err, TD_ESTATE, "members", "the members of \"%.100s\" are set by its rule", g.name),
                         "change the rule, or set the members by hand (groupTypes [], group edit --by-hand)");
    td_try(find_object(tx, tenant, object, &a, &f, err));
    td_try(is_there(tx, tenant, g.id, &f, &there, err));
    if (there == add)
        return add ? td_fail(err, TD_EEXISTS, "members", "it is a member of the group already")
                   : td_fail(err, TD_ENOTFOUND, "members", "it is not a member of the group");
    td_try(td_membership_put(tx, f.kind, tenant, g.id, f.key, add, err));
    td_try(tell(tx, tenant, &g, &f, object, add, actor, err));
    return follow(tx, tenant, &f, actor, err);
}

enum td_code td_group_member_add(struct td_tx *tx, const char *tenant, const char *group_id, const char *object,
                                 const char *actor, struct td_error *err)
{
    return change(tx, tenant, group_id, object, true, actor, err);
}

enum td_code td_group_member_remove(struct td_tx *tx, const char *tenant, const char *group_id, const char *object,
                                    const char *actor, struct td_error *err)
{
    return change(tx, tenant, group_id, object, false, actor, err);
}

enum td_code td_group_forget_user(struct td_tx *tx, const char *tenant, const char *user_id, struct td_error *err)
{
    return td_sql(tx, err, "DELETE FROM group_user WHERE tenant = $1 AND user_id = $2", "ss", tenant, user_id);
}

enum td_code td_group_forget_way(struct td_tx *tx, const char *tenant, const char *way_id, struct td_error *err)
{
    return td_sql(tx, err, "DELETE FROM device_group_member WHERE tenant = $1 AND way_id = $2", "ss", tenant, way_id);
}
