/* Assignments of profiles, and which profile holds. */
#include "store/group.h"
#include "store/profile/room.h"

/* --- writing --- */

static enum td_code refuse_second_default(struct td_tx *tx, const char *tenant, const char *profile_id,
                                          struct td_error *err)
{
    struct td_rows r;
    const char *other = NULL, *name = NULL;
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    td_try(td_sql_query(tx, &r, err,
                        "SELECT p.id, p.name FROM profile_assignment s JOIN profile p"
                        " ON p.tenant = s.tenant AND p.id = s.profile_id"
                        " WHERE s.tenant = $1 AND s.group_id = '' AND s.excluded = 0 AND s.profile_id <> $2",
                        "ss", tenant, profile_id));
    while (td_rows_next(&r)) {
        other = td_col_text0(&r, 0, &a);
        name = td_col_text0(&r, 1, &a);
    }
    td_try(td_rows_done(&r, err));
    if (other == NULL)
        return TD_OK;
    /* the real service's words (graph-api.md 1.3) with the name that people know */
    return td_remedy(err,
                     td_fail(err, TD_EEXISTS, "target",
                             "Another Profile %s is already assigned to All Devices: \"%.100s\"", other, name),
                     "assign this one to a group, or take that one's assignment away first");
}

static enum td_code tell(struct td_tx *tx, const char *tenant, const char *type, const char *profile_id,
                         const char *before, const char *after, const char *actor, struct td_error *err)
{
    struct td_profile_row p;
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    const struct td_change change = {"assignment", before, after};
    td_try(td_profile_find(tx, tenant, profile_id, &a, &p, err));
    struct td_audit what = {
        .type = type, .actor = actor, .kind = "profile", .id = p.id, .name = p.name, .changes = &change, .count = 1};
    td_try(td_audit_tell(tx, tenant, &what, err));
    return td_store_touch(tx, err);
}

static const char *target_text(const char *group_id, bool excluded, struct td_arena *a)
{
    return td_arena_printf(a, "%s%s", excluded ? "not " : "", group_id[0] != '\0' ? group_id : "all devices");
}

static enum td_code check_target(struct td_tx *tx, const char *tenant, const char *profile_id, const char *group_id,
                                 bool excluded, struct td_error *err)
{
    struct td_group g;
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    if (group_id[0] == '\0' && excluded)
        return td_remedy(err, td_fail(err, TD_EINVAL, "target", "all devices cannot be excluded"),
                         "take the assignments away instead");
    if (group_id[0] == '\0')
        return refuse_second_default(tx, tenant, profile_id, err);
    td_try(td_group_find(tx, tenant, group_id, &a, &g, err));
    return strcmp(g.id, group_id) == 0
               ? TD_OK
               : td_fail(err, TD_ENOTFOUND, "group", "there is no group of the id \"%.100s\"", group_id);
}

static enum td_code check_room(struct td_tx *tx, const char *tenant, const char *profile_id, struct td_error *err)
{
    struct td_rows r;
    int64_t n = 0;
    td_try(td_sql_query(tx, &r, err, "SELECT count(*) FROM profile_assignment WHERE tenant = $1 AND profile_id = $2",
                        "ss", tenant, profile_id));
    while (td_rows_next(&r))
        n = td_col_int(&r, 0);
    td_try(td_rows_done(&r, err));
    return n < TD_PROFILE_TARGETS_MAX ? TD_OK
                                      : td_fail(err, TD_ELIMIT, "assignments", "the profile has %d assignments already",
                                                TD_PROFILE_TARGETS_MAX);
}

enum td_code td_profile_target_add(struct td_tx *tx, const char *tenant, const char *profile_id, const char *group_id,
                                   bool excluded, const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    td_try(check_target(tx, tenant, profile_id, group_id, excluded, err));
    td_try(check_room(tx, tenant, profile_id, err));
    td_try(td_sql(tx, err,
                  "INSERT INTO profile_assignment(tenant, group_id, profile_id, excluded, created_at)"
                  " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant, group_id, profile_id) DO UPDATE"
                  " SET excluded = $4, created_at = $5 WHERE profile_assignment.excluded <> $4",
                  "sssii", tenant, group_id, profile_id, (int64_t)excluded, td_tx_now(tx)));
    if (td_sql_changes(tx) == 0)
        return TD_OK;
    return tell(tx, tenant, "profile.assigned", profile_id, NULL, target_text(group_id, excluded, &a), actor, err);
}

enum td_code td_profile_assign(struct td_tx *tx, const char *tenant, const char *profile_id, const char *group_id,
                               const char *actor, struct td_error *err)
{
    return td_profile_target_add(tx, tenant, profile_id, group_id, false, actor, err);
}

enum td_code td_profile_target_drop(struct td_tx *tx, const char *tenant, const char *profile_id, const char *group_id,
                                    bool excluded, const char *actor, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    td_try(td_sql(tx, err,
                  "DELETE FROM profile_assignment WHERE tenant = $1 AND profile_id = $2 AND group_id = $3"
                  " AND excluded = $4",
                  "sssi", tenant, profile_id, group_id, (int64_t)excluded));
    if (td_sql_changes(tx) == 0)
        return td_fail(err, TD_ENOTFOUND, "assignment", "the profile has no such assignment");
    return tell(tx, tenant, "profile.unassigned", profile_id, target_text(group_id, excluded, &a), NULL, actor, err);
}

/* --- reading --- */

enum td_code td_profile_targets(struct td_tx *tx, const char *tenant, const char *profile_id, struct td_arena *a,
                                struct td_profile_target **ret, size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    struct td_profile_target *list = NULL;
    size_t n = 0, cap = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT s.group_id, coalesce(g.name, ''), s.excluded, s.created_at FROM profile_assignment s"
                        " LEFT JOIN device_group g ON g.tenant = s.tenant AND g.id = s.group_id"
                        " WHERE s.tenant = $1 AND s.profile_id = $2"
                        " ORDER BY CASE WHEN s.group_id = '' THEN 0 ELSE 1 END, g.name_key, s.group_id LIMIT $3",
                        "ssi", tenant, profile_id, (int64_t)TD_PROFILE_TARGETS_MAX));
    while (td_rows_next(&r)) {
        list = td_arena_room(a, list, n, &cap, sizeof(*list));
        list[n++] = (struct td_profile_target){.group_id = td_col_text0(&r, 0, a),
                                               .group_name = td_col_text0(&r, 1, a),
                                               .excluded = td_col_int(&r, 2) != 0,
                                               .created_at = td_col_int(&r, 3)};
    }
    *ret = list;
    *ret_count = n;
    return td_rows_done(&r, err);
}

enum td_code td_profile_unassigned(struct td_tx *tx, const char *tenant, int64_t *ret, struct td_error *err)
{
    struct td_rows r;
    int64_t n = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT count(*) FROM tenant t JOIN registration r ON r.tenant = t.id AND r.profile_id = ''"
                        " WHERE $1 = '' OR t.id = $1",
                        "s", tenant != NULL ? tenant : ""));
    while (td_rows_next(&r))
        n = td_col_int(&r, 0);
    *ret = n;
    return td_rows_done(&r, err);
}

#define OFFER_COLUMNS "p.id, p.name, s.group_id, coalesce(g.name, ''), p.device_type, p.created_at, s.excluded"
#define OFFER_FROM                                                                             \
    " FROM profile_assignment s JOIN profile p ON p.tenant = s.tenant AND p.id = s.profile_id" \
    " LEFT JOIN device_group g ON g.tenant = s.tenant AND g.id = s.group_id"

enum td_code td_profile_offers(struct td_tx *tx, const char *tenant, const char *only, struct td_arena *a,
                               struct td_profile_offer **ret, size_t *ret_count, struct td_error *err)
{
    static const char all[] = "SELECT " OFFER_COLUMNS OFFER_FROM " WHERE s.tenant = $1";
    static const char of_way[] =
        "SELECT " OFFER_COLUMNS OFFER_FROM " WHERE s.tenant = $1 AND s.group_id = '' UNION ALL SELECT " OFFER_COLUMNS
        " FROM device_group_member m JOIN profile_assignment s"
        " ON s.tenant = m.tenant AND s.group_id = m.group_id"
        " JOIN profile p ON p.tenant = s.tenant AND p.id = s.profile_id"
        " LEFT JOIN device_group g ON g.tenant = s.tenant AND g.id = s.group_id"
        " WHERE m.tenant = $1 AND m.way_id = $2";
    struct td_rows r;
    struct td_profile_offer *list = NULL;
    size_t n = 0, cap = 0;
    if (only != NULL)
        td_try(td_sql_query(tx, &r, err, of_way, "ss", tenant, only));
    else
        td_try(td_sql_query(tx, &r, err, all, "s", tenant));
    while (td_rows_next(&r)) {
        list = td_arena_room(a, list, n, &cap, sizeof(*list));
        list[n++] = (struct td_profile_offer){.profile_id = td_col_text0(&r, 0, a),
                                              .profile_name = td_col_text0(&r, 1, a),
                                              .group_id = td_col_text0(&r, 2, a),
                                              .group_name = td_col_text0(&r, 3, a),
                                              .device_type = td_col_text0(&r, 4, a),
                                              .created_at = td_col_int(&r, 5),
                                              .excluded = td_col_int(&r, 6) != 0,
                                              .member = only != NULL};
    }
    *ret = list;
    *ret_count = n;
    return td_rows_done(&r, err);
}

/* What kind of device this is; a device without a registration counts as a PC. */
static enum td_code device_type_of(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                                   const char **ret, struct td_error *err)
{
    struct td_rows r;
    const char *type = td_device_type("", "");
    td_try(td_sql_query(tx, &r, err,
                        "SELECT r.manufacturer, r.model FROM way w JOIN registration r"
                        " ON r.tenant = w.tenant AND r.id = w.registration_id WHERE w.tenant = $1 AND w.id = $2",
                        "ss", tenant, way_id));
    while (td_rows_next(&r))
        type = td_device_type(td_col_text0(&r, 0, a), td_col_text0(&r, 1, a));
    *ret = type;
    return td_rows_done(&r, err);
}

static enum td_code no_profile(struct td_error *err)
{
    const struct td_ztd_error *none = td_ztd_error(TD_ZTD_NO_PROFILE);
    return td_remedy(err, td_fail(err, TD_ENOTFOUND, "profile", "%s", none->text), "%s", none->remedy);
}

/* Members as they are at this moment: a rule's change holds before its spread has come by (store/group.h). */
static void fill_members(struct td_profile_offer *offers, size_t count, const char *const *groups)
{
    for (size_t i = 0; i < count; i++)
        for (size_t g = 0; groups[g] != NULL && !offers[i].member; g++)
            offers[i].member = strcmp(groups[g], offers[i].group_id) == 0;
}

static enum td_code groups_now(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                               const char *const **ret, struct td_error *err)
{
    struct td_group *stored;
    size_t n = 0;
    td_try(td_group_live(tx, tenant, way_id, a, ret, err));
    if (*ret != NULL)
        return TD_OK;
    td_try(td_group_of_way(tx, tenant, way_id, a, &stored, &n, err));
    const char **ids = td_arena_array(a, const char *, n + 1);
    for (size_t i = 0; i < n; i++)
        ids[i] = stored[i].id;
    *ret = ids;
    return TD_OK;
}

/* live: groups that hold apart from those that are stored, NULL: none. */
static enum td_code profile_by(struct td_tx *tx, const char *tenant, const char *way_id, const char *const *live,
                               struct td_arena *a, struct td_profile_row *ret, bool *ret_explicit,
                               enum td_profile_detail *ret_detail, struct td_error *err)
{
    struct td_profile_offer *offers;
    struct td_profile_choice choice = {.index = SIZE_MAX};
    const char *type = "";
    size_t n = 0;
    td_try(td_profile_offers(tx, tenant, live == NULL ? way_id : NULL, a, &offers, &n, err));
    if (live != NULL)
        fill_members(offers, n, live);
    if (n != 0) {
        td_try(device_type_of(tx, tenant, way_id, a, &type, err));
        td_profile_choose(offers, n, type, NULL, &choice);
    }
    *ret_explicit = choice.is_explicit;
    if (ret_detail != NULL)
        *ret_detail = choice.detail;
    return choice.index != SIZE_MAX ? td_profile_of_id(tx, tenant, offers[choice.index].profile_id, a, ret, err)
                                    : no_profile(err);
}

enum td_code td_profile_of_way_detail(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                                      struct td_profile_row *ret, bool *ret_explicit,
                                      enum td_profile_detail *ret_detail, struct td_error *err)
{
    const char *const *live = NULL;
    td_try(td_group_live(tx, tenant, way_id, a, &live, err));
    return profile_by(tx, tenant, way_id, live, a, ret, ret_explicit, ret_detail, err);
}

enum td_code td_profile_of_way_moved(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                                     struct td_profile_row *ret, bool *ret_explicit, enum td_profile_detail *ret_detail,
                                     struct td_error *err)
{
    return profile_by(tx, tenant, way_id, NULL, a, ret, ret_explicit, ret_detail, err);
}

enum td_code td_profile_of_way(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                               struct td_profile_row *ret, bool *ret_explicit, struct td_error *err)
{
    return td_profile_of_way_detail(tx, tenant, way_id, a, ret, ret_explicit, NULL, err);
}

enum td_code td_profile_for(struct td_tx *tx, const char *tenant, const char *registration_id, struct td_arena *a,
                            struct td_profile_row *ret, bool *ret_explicit, struct td_error *err)
{
    struct td_rows r;
    const char *way_id = NULL;
    td_try(td_sql_query(tx, &r, err, "SELECT way_id FROM registration WHERE tenant = $1 AND id = $2", "ss", tenant,
                        registration_id));
    while (td_rows_next(&r))
        way_id = td_col_text0(&r, 0, a);
    td_try(td_rows_done(&r, err));
    if (way_id == NULL)
        return td_fail(err, TD_ENOTFOUND, "registration", "there is no registration %.40s", registration_id);
    return td_profile_of_way(tx, tenant, way_id, a, ret, ret_explicit, err);
}

/* --- explaining --- */

static const char *why(const struct td_profile_offer *o, enum td_profile_verdict v, struct td_arena *a)
{
    if (v == TD_PV_HOLDS)
        return o->group_id[0] == '\0' ? "it is assigned to all devices, and no group brings another"
                                      : "it is the oldest profile of the device's groups";
    const char *name = o->group_name[0] != '\0' ? o->group_name : o->group_id;
    if (v == TD_PV_NOT_MEMBER)
        return td_arena_printf(a, "the device is not in the group \"%s\"", name);
    if (v == TD_PV_EXCLUDES)
        return td_arena_printf(a, "the group \"%s\" is excluded", name);
    return td_profile_verdict_text(v);
}

/* The winner, then what concerned the device, then the rest: each by groups before all devices, by age. */
static bool comes_before(const struct td_profile_candidate *x, const struct td_profile_candidate *y)
{
    bool x_far = x->verdict == TD_PV_NOT_MEMBER, y_far = y->verdict == TD_PV_NOT_MEMBER;
    if (x->holds != y->holds)
        return x->holds;
    if (x_far != y_far)
        return y_far;
    if ((x->group_id[0] == '\0') != (y->group_id[0] == '\0'))
        return x->group_id[0] != '\0';
    if (x->profile_created_at != y->profile_created_at)
        return x->profile_created_at < y->profile_created_at;
    int order = strcmp(x->profile_id, y->profile_id);
    return order != 0 ? order < 0 : strcmp(x->group_id, y->group_id) < 0;
}

static void insert(struct td_profile_candidate *list, size_t n, struct td_profile_candidate c)
{
    size_t i = n;
    for (; i > 0 && comes_before(&c, &list[i - 1]); i--)
        list[i] = list[i - 1];
    list[i] = c;
}

void td_profile_candidates(const struct td_profile_offer *offers, size_t count, const char *device_type,
                           struct td_arena *a, struct td_profile_candidate **ret)
{
    struct td_profile_choice choice;
    struct td_profile_candidate *list = td_arena_array(a, struct td_profile_candidate, count + 1);
    enum td_profile_verdict *verdicts = td_arena_array(a, enum td_profile_verdict, count + 1);
    td_profile_choose(offers, count, device_type, verdicts, &choice);
    for (size_t i = 0; i < count; i++)
        insert(list, i,
               (struct td_profile_candidate){.profile_id = offers[i].profile_id,
                                             .profile_name = offers[i].profile_name,
                                             .group_id = offers[i].group_id,
                                             .group_name = offers[i].group_name,
                                             .profile_created_at = offers[i].created_at,
                                             .excluded = offers[i].excluded,
                                             .holds = i == choice.index,
                                             .verdict = verdicts[i],
                                             .why = why(&offers[i], verdicts[i], a)});
    *ret = list;
}

enum td_code td_profile_explain(struct td_tx *tx, const char *tenant, const char *way_id, struct td_arena *a,
                                struct td_profile_candidate **ret, size_t *ret_count, struct td_error *err)
{
    struct td_profile_offer *offers;
    const char *type, *const *groups;
    td_try(td_profile_offers(tx, tenant, NULL, a, &offers, ret_count, err));
    td_try(groups_now(tx, tenant, way_id, a, &groups, err));
    fill_members(offers, *ret_count, groups);
    td_try(device_type_of(tx, tenant, way_id, a, &type, err));
    td_profile_candidates(offers, *ret_count, type, a, ret);
    return TD_OK;
}
