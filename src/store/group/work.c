/* What a rule's or an assignment's change leaves: stored members, members of groups that are gone, profiles told. All
 * of it rests in the store as "how far"; a slice is one write. */
#include "base/fault.h"
#include "store/group/room.h"
#include "store/profile.h"
#include "store/registration.h"
#include "way/way.h"

#include <stdlib.h>

enum { CHUNK = 250, FEW_GROUPS = 4, LEFTOVERS = 2000, MAX_BATCH = TD_GROUPS_MAX };
static const int64_t budget = 20 * TD_SECOND / 1000;

enum td_code td_group_work_due(struct td_tx *tx, bool *ret, struct td_error *err)
{
    struct td_rows r;
    *ret = false;
    td_try(td_sql_query(tx, &r, err, "SELECT 1 FROM group_work WHERE due <> 0 LIMIT 1", ""));
    while (td_rows_next(&r))
        *ret = true;
    return td_rows_done(&r, err);
}

static uint64_t mixed(uint64_t mark, const char *text)
{
    for (; *text != '\0'; text++)
        mark = (mark ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return mark;
}

enum td_code td_group_work_mark(struct td_tx *tx, uint64_t *ret, struct td_error *err)
{
    struct td_rows r;
    uint64_t mark = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT w.tenant, coalesce(w.told_after, '-'), coalesce(g.id, ''), g.spread_after"
                        " FROM group_work w LEFT JOIN device_group g ON g.tenant = w.tenant"
                        " AND g.spread_after IS NOT NULL WHERE w.due <> 0 ORDER BY w.tenant, g.spread_after, g.id",
                        ""));
    while (td_rows_next(&r)) {
        TD_CLEANUP(td_arena_done) struct td_arena a = {0};
        mark = mark != 0 ? mark : UINT64_C(14695981039346656037);
        for (int i = 0; i < 4; i++)
            mark = mixed(mark, td_col_text0(&r, i, &a)) * 3 + 1;
    }
    *ret = mark;
    return td_rows_done(&r, err);
}

/* --- stored members --- */

/* Groups that are equally far go together; they stop where the next ones stand and go on with them. */
struct batch {
    const char *tenant;
    enum td_rule_kind kind;
    const char **ids;
    size_t count;
    bool any, ended;
    char after[TD_UUID_TEXT];
    const char *bound; /* NULL: to the end */
};

static void set_cursor(char cursor[TD_UUID_TEXT], const char *key)
{
    size_t n = strnlen(key, TD_UUID_TEXT - 1);
    memcpy(cursor, key, n);
    cursor[n] = '\0';
}

static enum td_code read_batch(struct td_tx *tx, struct batch *b, struct td_arena *a, struct td_error *err)
{
    struct td_rows r;
    size_t room = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT id, spread_after FROM device_group WHERE tenant = $1 AND spread_after IS NOT NULL"
                        " AND kind = $2 ORDER BY spread_after, id",
                        "si", b->tenant, (int64_t)b->kind));
    while (td_rows_next(&r)) {
        const char *id = td_col_text0(&r, 0, a), *after = td_col_text0(&r, 1, a);
        if (b->any && strcmp(after, b->after) != 0) {
            b->bound = b->bound != NULL ? b->bound : after;
            continue;
        }
        b->any = true;
        set_cursor(b->after, after);
        b->ids = td_arena_room(a, b->ids, b->count, &room, sizeof(*b->ids));
        b->ids[b->count++] = id;
    }
    return td_rows_done(&r, err);
}

/* Profiles are told again where one of the groups decides about one. */
static enum td_code mark_if_assigned(struct td_tx *tx, const struct batch *b, struct td_error *err)
{
    bool assigned = false;
    for (size_t i = 0; i < b->count && !assigned; i++) {
        struct td_rows r;
        td_try(td_sql_query(tx, &r, err, "SELECT 1 FROM profile_assignment WHERE tenant = $1 AND group_id = $2 LIMIT 1",
                            "ss", b->tenant, b->ids[i]));
        while (td_rows_next(&r))
            assigned = true;
        td_try(td_rows_done(&r, err));
    }
    return assigned ? td_group_mark_profiles(tx, b->tenant, err) : TD_OK;
}

static enum td_code store_batch(struct td_tx *tx, const struct batch *b, struct td_error *err)
{
    bool done = b->ended && b->bound == NULL;
    const char *after = b->ended ? b->bound : b->after; /* NULL: brought up to date */
    for (size_t i = 0; i < b->count; i++)
        td_try(td_sql(tx, err,
                      "UPDATE device_group SET spread_after = $3, members_at = CASE WHEN $4 = 1 THEN $5 ELSE members_at"
                      " END WHERE tenant = $1 AND id = $2",
                      "sssii", b->tenant, b->ids[i], after, (int64_t)done, td_tx_now(tx)));
    return done && b->kind == TD_RULE_DEVICES ? mark_if_assigned(tx, b, err) : TD_OK;
}

/* A rule that this program can't read leaves its group as it is and says so. */
static enum td_code note_problem(struct td_tx *tx, const struct batch *b, const char *id, struct td_arena *a,
                                 struct td_error *err)
{
    struct td_group g;
    const struct td_rule *rule;
    struct td_error why = {0};
    td_try(td_group_find(tx, b->tenant, id, a, &g, err));
    td_ignore(td_rule_parse(td_str(g.rule), a, &rule, &why));
    return td_sql(tx, err, "UPDATE device_group SET problem = $3 WHERE tenant = $1 AND id = $2", "sss", b->tenant, id,
                  why.text[0] != '\0' ? why.text : "the rule is paused");
}

static enum td_code wanted_of(struct td_tx *tx, const struct batch *b, const struct td_ruleset *set, struct td_arena *a,
                              bool **ret, struct td_error *err)
{
    size_t n = 0;
    (void)td_ruleset_list(set, &n);
    bool *wanted = td_arena_array(a, bool, n + 1);
    for (size_t i = 0; i < b->count; i++) {
        int at = td_ruleset_at(set, b->ids[i]);
        if (at >= 0)
            wanted[at] = true;
        else
            td_try(note_problem(tx, b, b->ids[i], a, err));
    }
    *ret = wanted;
    return TD_OK;
}

static enum td_code spread_one(struct td_tx *tx, const struct batch *b, struct td_verdicts *v, struct td_subject *s,
                               const struct td_membership *current, size_t count, struct td_arena *a,
                               struct td_error *err)
{
    size_t changes = 0;
    const char **ids = td_arena_array(a, const char *, count + 1);
    for (size_t i = 0; i < count; i++)
        ids[i] = current[i].group_id;
    td_verdicts_of(v, &s->rule, ids, count, a);
    return td_verdicts_store(tx, b->tenant, v, s->key, current, count, &changes, err);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct td_membership *)a)->key, ((const struct td_membership *)b)->key);
}

/* Of few groups, where no rule looks at groups, only theirs; else all. */
static enum td_code members_of(struct td_tx *tx, const struct batch *b, const struct td_verdicts *v, const char *last,
                               struct td_arena *a, struct td_membership **ret, size_t *ret_count, struct td_error *err)
{
    struct td_membership *list = NULL;
    size_t n = 0, room = 0;
    if (b->count > FEW_GROUPS || td_verdicts_by_groups(v) || b->kind == TD_RULE_USERS)
        return td_memberships(tx, b->kind, b->tenant, b->after, last, a, ret, ret_count, err);
    for (size_t i = 0; i < b->count; i++) {
        struct td_rows r;
        td_try(td_sql_query(tx, &r, err,
                            "SELECT way_id FROM device_group_member WHERE tenant = $1 AND group_id = $2"
                            " AND way_id > $3 AND way_id <= $4 ORDER BY way_id",
                            "ssss", b->tenant, b->ids[i], b->after, last));
        while (td_rows_next(&r)) {
            list = td_arena_room(a, list, n, &room, sizeof(*list));
            list[n++] = (struct td_membership){.key = td_col_text0(&r, 0, a), .group_id = b->ids[i]};
        }
        td_try(td_rows_done(&r, err));
    }
    if (b->count > 1 && n > 1)
        qsort(list, n, sizeof(*list), by_key);
    *ret = list;
    *ret_count = n;
    return TD_OK;
}

/* Some devices in order of their keys, with the groups that they are in. */
static enum td_code chunk(struct td_tx *tx, struct batch *b, struct td_verdicts *v, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_subject_ask ask = {
        .tenant = b->tenant, .after = b->after, .last = b->bound, .max = CHUNK, .attributes = td_verdicts_looks_at(v)};
    struct td_subject *list = NULL;
    struct td_membership *members = NULL;
    size_t n = 0, m = 0, at = 0;
    td_try(td_subjects(tx, b->kind, &ask, &a, &list, &n, err));
    b->ended = n < CHUNK;
    if (n == 0)
        return TD_OK;
    td_try(members_of(tx, b, v, list[n - 1].key, &a, &members, &m, err));
    for (size_t i = 0; i < n; i++) {
        while (at < m && strcmp(members[at].key, list[i].key) < 0)
            at++;
        size_t from = at;
        while (at < m && strcmp(members[at].key, list[i].key) == 0)
            at++;
        td_try(spread_one(tx, b, v, &list[i], &members[from], at - from, &a, err));
    }
    set_cursor(b->after, list[n - 1].key);
    return TD_OK;
}

static enum td_code spread(struct td_tx *tx, const char *tenant, enum td_rule_kind kind, bool *ret_any,
                           struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    TD_CLEANUP(td_ruleset_drop) struct td_ruleset *set = NULL;
    struct batch b = {.tenant = tenant, .kind = kind};
    struct td_verdicts v;
    bool *wanted = NULL;
    int64_t until = td_monotonic() + budget;
    td_try(read_batch(tx, &b, &a, err));
    *ret_any = b.any;
    if (!b.any)
        return TD_OK;
    td_try(td_ruleset_hold(tx, tenant, &set, err));
    td_try(wanted_of(tx, &b, set, &a, &wanted, err));
    td_verdicts_init(&v, set, kind, wanted, &a);
    do
        td_try(chunk(tx, &b, &v, err));
    while (!b.ended && td_monotonic() < until);
    return store_batch(tx, &b, err);
}

/* --- members of groups that are gone --- */

static enum td_code take_away(struct td_tx *tx, const char *tenant, bool *ret_any, struct td_error *err)
{
    static const char *const statements[] = {
        "DELETE FROM device_group_member WHERE tenant = $1 AND group_id = $2 AND way_id IN (SELECT way_id"
        " FROM device_group_member WHERE tenant = $1 AND group_id = $2 LIMIT $3)",
        "DELETE FROM group_user WHERE tenant = $1 AND group_id = $2 AND user_id IN (SELECT user_id"
        " FROM group_user WHERE tenant = $1 AND group_id = $2 LIMIT $3)"};
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_rows r;
    const char *id = NULL;
    int64_t kind = 0;
    td_try(
        td_sql_query(tx, &r, err, "SELECT group_id, kind FROM group_leftover WHERE tenant = $1 LIMIT 1", "s", tenant));
    while (td_rows_next(&r)) {
        id = td_col_text0(&r, 0, &a);
        kind = td_col_int(&r, 1);
    }
    td_try(td_rows_done(&r, err));
    *ret_any = id != NULL;
    if (id == NULL)
        return TD_OK;
    td_try(td_sql(tx, err, statements[kind == TD_RULE_USERS], "ssi", tenant, id, (int64_t)LEFTOVERS));
    if (td_sql_changes(tx) == LEFTOVERS)
        return TD_OK;
    return td_sql(tx, err, "DELETE FROM group_leftover WHERE tenant = $1 AND group_id = $2 AND kind = $3", "ssi",
                  tenant, id, kind);
}

/* --- profiles told --- */

struct offers {
    struct td_profile_offer *list; /* in order of groups, '' first */
    size_t count;
    struct td_profile_offer *of_one; /* room for a device's */
    bool followed;                   /* a rule looks at the profile's name */
};

static int by_group(const void *a, const void *b)
{
    return strcmp(((const struct td_profile_offer *)a)->group_id, ((const struct td_profile_offer *)b)->group_id);
}

static size_t offers_of(const struct offers *o, const char *group_id, size_t n)
{
    size_t low = 0, high = o->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (strcmp(o->list[mid].group_id, group_id) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < o->count && strcmp(o->list[low].group_id, group_id) == 0; low++) {
        o->of_one[n] = o->list[low];
        o->of_one[n++].member = true;
    }
    return n;
}

struct told {
    struct td_telling t;
    const char *maker, *model;
    int64_t detail;
};

/* What holds for it; true if it was told that already. */
static bool is_told(const struct offers *o, struct told *t, const struct td_membership *groups, size_t count)
{
    struct td_profile_choice choice = {.index = SIZE_MAX};
    size_t n = offers_of(o, "", 0);
    for (size_t i = 0; i < count; i++)
        n = offers_of(o, groups[i].group_id, n);
    if (n != 0)
        td_profile_choose(o->of_one, n, td_device_type(t->maker, t->model), NULL, &choice);
    bool any = choice.index != SIZE_MAX;
    t->t.profile_id = any ? o->of_one[choice.index].profile_id : "";
    t->t.profile_name = any ? o->of_one[choice.index].profile_name : "";
    t->t.is_explicit = choice.is_explicit;
    t->t.detail = choice.detail;
    return strcmp(t->t.profile_id, t->t.before) == 0 && (int64_t)choice.detail == t->detail;
}

static enum td_code read_told(struct td_tx *tx, const char *tenant, const char *after, struct td_arena *a,
                              struct told *list, size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    size_t n = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT w.id, r.id, r.profile_id, r.manufacturer, r.model, r.profile_detail,"
                        " w.registration_state FROM way w"
                        " JOIN registration r ON r.tenant = w.tenant AND r.id = w.registration_id"
                        " WHERE w.tenant = $1 AND w.id > $2 ORDER BY w.id LIMIT $3",
                        "ssi", tenant, after, (int64_t)CHUNK));
    while (n < CHUNK && td_rows_next(&r))
        list[n++] = (struct told){.t = {.way_id = td_col_text0(&r, 0, a),
                                        .registration_id = td_col_text0(&r, 1, a),
                                        .before = td_col_text0(&r, 2, a),
                                        .was_assigned = td_col_int(&r, 6) == TD_R_ASSIGNED},
                                  .maker = td_col_text0(&r, 3, a),
                                  .model = td_col_text0(&r, 4, a),
                                  .detail = td_col_int(&r, 5)};
    *ret_count = n;
    return td_rows_done(&r, err);
}

static enum td_code tell_one(struct td_tx *tx, const char *tenant, const struct offers *o, const struct told *t,
                             struct td_error *err)
{
    td_try(td_registration_tell(tx, tenant, &t->t, "system", err));
    if (!o->followed || strcmp(t->t.profile_id, t->t.before) == 0)
        return TD_OK;
    return td_registration_follow(tx, tenant, t->t.registration_id, "system", err);
}

/* Goes on until the time is up; cursor is the last way that is done. */
static enum td_code tell_chunk(struct td_tx *tx, const char *tenant, const struct offers *o, char cursor[TD_UUID_TEXT],
                               int64_t until, bool *ret_ended, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct told *list = td_arena_array(&a, struct told, CHUNK);
    struct td_membership *members = NULL;
    size_t n = 0, m = 0, at = 0, i = 0;
    td_try(read_told(tx, tenant, cursor, &a, list, &n, err));
    if (n != 0)
        td_try(td_memberships(tx, TD_RULE_DEVICES, tenant, cursor, list[n - 1].t.way_id, &a, &members, &m, err));
    for (; i < n && (i == 0 || td_monotonic() < until); i++) {
        while (at < m && strcmp(members[at].key, list[i].t.way_id) < 0)
            at++;
        size_t from = at;
        while (at < m && strcmp(members[at].key, list[i].t.way_id) == 0)
            at++;
        if (!is_told(o, &list[i], &members[from], at - from))
            td_try(tell_one(tx, tenant, o, &list[i], err));
        set_cursor(cursor, list[i].t.way_id);
    }
    *ret_ended = i == n && n < CHUNK;
    return TD_OK;
}

static enum td_code tell_profiles(struct td_tx *tx, const char *tenant, bool *ret_any, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    TD_CLEANUP(td_ruleset_drop) struct td_ruleset *set = NULL;
    struct td_rows r;
    struct offers o = {.count = 0};
    char cursor[TD_UUID_TEXT] = "";
    bool ended = false;
    int64_t until = td_monotonic() + budget;
    *ret_any = false;
    td_try(td_sql_query(tx, &r, err, "SELECT told_after FROM group_work WHERE tenant = $1 AND told_after IS NOT NULL",
                        "s", tenant));
    while (td_rows_next(&r)) {
        set_cursor(cursor, td_col_text0(&r, 0, &a));
        *ret_any = true;
    }
    td_try(td_rows_done(&r, err));
    if (!*ret_any)
        return TD_OK;
    td_try(td_ruleset_hold(tx, tenant, &set, err));
    o.followed = td_ruleset_by_profile(set);
    td_try(td_profile_offers(tx, tenant, NULL, &a, &o.list, &o.count, err));
    if (o.count > 1)
        qsort(o.list, o.count, sizeof(*o.list), by_group);
    o.of_one = td_arena_array(&a, struct td_profile_offer, o.count + 1);
    do
        td_try(tell_chunk(tx, tenant, &o, cursor, until, &ended, err));
    while (!ended && td_monotonic() < until);
    return td_sql(tx, err, "UPDATE group_work SET told_after = $2 WHERE tenant = $1", "ss", tenant,
                  ended ? NULL : cursor);
}

static enum td_code rest(struct td_tx *tx, const char *tenant, bool *ret_any, struct td_error *err)
{
    *ret_any = false;
    return td_sql(tx, err, "UPDATE group_work SET due = 0 WHERE tenant = $1", "s", tenant);
}

static enum td_code slice(struct td_tx *tx, const char *tenant, struct td_error *err)
{
    bool any = false;
    td_try(take_away(tx, tenant, &any, err)); /* first, so that spreads see no members of groups that are gone */
    if (!any)
        td_try(spread(tx, tenant, TD_RULE_DEVICES, &any, err));
    if (!any)
        td_try(spread(tx, tenant, TD_RULE_USERS, &any, err));
    if (!any)
        td_try(tell_profiles(tx, tenant, &any, err));
    return any ? TD_OK : rest(tx, tenant, &any, err);
}

enum td_code td_group_work(struct td_tx *tx, bool *ret_more, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_rows r;
    const char *tenant = NULL;
    td_try(td_sql_query(tx, &r, err, "SELECT tenant FROM group_work WHERE due <> 0 LIMIT 1", ""));
    while (td_rows_next(&r))
        tenant = td_col_text0(&r, 0, &a);
    td_try(td_rows_done(&r, err));
    *ret_more = tenant != NULL;
    return tenant != NULL ? slice(tx, tenant, err) : TD_OK;
}
