/* Groups of an Active Directory, and who is in them: as told by objectGUIDs (ad_member), and what follows from it for
 * the groups that assignments look at (group_user). */
#include "base/fault.h"
#include "store/audit.h"
#include "store/sync/room.h"

#include <stdlib.h>

enum { MEMBERS_A_SLICE = 400, USERS_A_SLICE = 100, GROUPS_AT_ONCE = 50 };

/* Groups that hold this GUID, through groups within groups. */
#define UPWARDS                                                                                                    \
    "WITH RECURSIVE up(guid) AS (SELECT group_guid FROM ad_member WHERE tenant = $1 AND member_guid = $2 UNION"    \
    " SELECT m.group_guid FROM up JOIN ad_member m ON m.tenant = $1 AND m.member_guid = up.guid) SELECT guid FROM" \
    " up"

static enum td_code mark(struct td_tx *tx, const char *tenant, const char *guid, struct td_error *err)
{
    td_try(td_sql(tx, err, "UPDATE device_group SET ad_pending = ad_pending + 1 WHERE tenant = $1 AND ad_guid = $2",
                  "ss", tenant, guid));
    return td_sql(tx, err,
                  "UPDATE device_group SET ad_pending = ad_pending + 1 WHERE tenant = $1 AND ad_guid <> ''"
                  " AND ad_guid IN (" UPWARDS ")",
                  "ss", tenant, guid);
}

enum td_code td_sync_join_groups(struct td_tx *tx, const struct td_sync *s, const char *guid, const char *user_id,
                                 struct td_error *err)
{
    return td_sql(tx, err,
                  "INSERT INTO group_user(tenant, group_id, user_id) SELECT g.tenant, g.id, $3 FROM device_group g"
                  " WHERE g.tenant = $1 AND g.ad_guid <> '' AND g.ad_guid IN (" UPWARDS ") ON CONFLICT DO NOTHING",
                  "sss", s->tenant, guid, user_id);
}

static enum td_code by_guid(struct td_tx *tx, const char *tenant, const char *guid, struct td_arena *a,
                            struct td_group *ret, struct td_error *err)
{
    struct td_rows r;
    const char *id = NULL;
    td_try(td_sql_query(tx, &r, err, "SELECT id FROM device_group WHERE tenant = $1 AND ad_guid = $2 AND ad_guid <> ''",
                        "ss", tenant, guid));
    while (td_rows_next(&r))
        id = td_col_text0(&r, 0, a);
    td_try(td_rows_done(&r, err));
    return id != NULL ? td_group_find(tx, tenant, id, a, ret, err)
                      : td_fail(err, TD_ENOTFOUND, "group", "there is no such group");
}

static enum td_code store(struct td_tx *tx, const struct td_sync *s, const struct td_sync_object *o, const char *id,
                          struct td_arena *a, struct td_error *err)
{
    char *key = td_arena_strdup(a, o->name);
    td_lower(key);
    return td_sql(tx, err,
                  "UPDATE device_group SET modified_at = CASE WHEN name = $3 THEN modified_at ELSE $8 END, name = $3,"
                  " name_key = $4, source = 'ad', ad_domain = $5, ad_guid = $6, ad_sid = $7, synced_at = $8,"
                  " seen_run = $9, sam = $10 WHERE tenant = $1 AND id = $2",
                  "sssssssiis", s->tenant, id, o->name, key, s->domain, o->guid, o->sid, td_tx_now(tx), s->run, o->sam);
}

static enum td_code add(struct td_tx *tx, const struct td_sync *s, const struct td_sync_object *o, struct td_arena *a,
                        struct td_error *err)
{
    struct td_group g;
    const struct td_group_new what = {.name = o->name};
    td_try(td_group_create(tx, s->tenant, &what, TD_SYNC_ACTOR, a, &g, err));
    td_try(store(tx, s, o, g.id, a, err));
    return mark(tx, s->tenant, o->guid, err);
}

static enum td_code rename_told(struct td_tx *tx, const struct td_sync *s, const struct td_sync_object *o,
                                const struct td_group *g, struct td_error *err)
{
    const struct td_change change = {"displayName", g->name, o->name};
    const struct td_audit what = {.type = "group.changed",
                                  .actor = TD_SYNC_ACTOR,
                                  .kind = "group",
                                  .id = g->id,
                                  .name = o->name,
                                  .changes = &change,
                                  .count = 1};
    return strcmp(g->name, o->name) == 0 ? TD_OK : td_audit_tell(tx, s->tenant, &what, err);
}

enum td_code td_sync_group(struct td_tx *tx, const struct td_sync *s, const struct td_sync_object *o,
                           struct td_arena *a, struct td_error *err)
{
    struct td_group g;
    bool owned = false;
    enum td_code rc = by_guid(tx, s->tenant, o->guid, a, &g, err);
    if (rc == TD_ENOTFOUND)
        return o->deleted || !o->security ? TD_OK : add(tx, s, o, a, err);
    td_try(rc);
    if (strcmp(g.ad_domain, s->domain) != 0)
        td_try(td_sync_owns(tx, s->tenant, g.ad_domain, &owned, err));
    if (owned)
        return TD_OK;
    if (o->deleted || !o->security) {
        td_try(mark(tx, s->tenant, o->guid, err));
        return td_group_drop(tx, s->tenant, &g, TD_SYNC_ACTOR, err);
    }
    td_try(rename_told(tx, s, o, &g, err));
    return store(tx, s, o, g.id, a, err);
}

/* --- members as told --- */

struct telling {
    const struct td_sync *s;
    const struct td_sync_object *o;
    struct td_arena *a;
    bool foreign;       /* another domain of the tenant owns it */
    const char **there; /* as stored, in order */
    size_t there_count;
    const char **add, **remove; /* what differs */
    size_t add_count, remove_count;
    size_t done;
};

static enum td_code read_there(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct telling *t = ctx;
    struct td_rows r;
    struct td_group g = {.ad_domain = ""};
    size_t room = 0;
    enum td_code rc = by_guid(tx, t->s->tenant, t->o->guid, t->a, &g, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    if (rc == TD_OK && strcmp(g.ad_domain, t->s->domain) != 0 && !td_fault("sync-members-of-another"))
        td_try(td_sync_owns(tx, t->s->tenant, g.ad_domain, &t->foreign, err));
    t->there = NULL;
    t->there_count = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT member_guid FROM ad_member WHERE tenant = $1 AND group_guid = $2 ORDER BY member_guid",
                        "ss", t->s->tenant, t->o->guid));
    while (td_rows_next(&r)) {
        t->there = td_arena_room(t->a, t->there, t->there_count, &room, sizeof(*t->there));
        t->there[t->there_count++] = td_col_text0(&r, 0, t->a);
    }
    return td_rows_done(&r, err);
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* Two lists in order: what only one of them has. */
static void compare(struct telling *t)
{
    size_t n = t->o->deleted || !t->o->security ? 0 : t->o->member_count, i = 0, k = 0;
    const char **told = td_arena_array(t->a, const char *, n + 1);
    for (size_t m = 0; m < n; m++)
        told[m] = t->o->members[m];
    qsort(told, n, sizeof(*told), by_text);
    t->add = td_arena_array(t->a, const char *, n + 1);
    t->remove = td_arena_array(t->a, const char *, t->there_count + 1);
    while (i < n || k < t->there_count) {
        int order = i == n ? 1 : k == t->there_count ? -1 : strcmp(told[i], t->there[k]);
        if (order < 0 && (t->add_count == 0 || strcmp(t->add[t->add_count - 1], told[i]) != 0))
            t->add[t->add_count++] = told[i];
        if (order > 0 && !t->o->continued)
            t->remove[t->remove_count++] = t->there[k];
        if (order == 0) /* the same name told twice is compared with what stands behind it, too */
            while (i + 1 < n && strcmp(told[i + 1], told[i]) == 0)
                i++;
        i += order <= 0;
        k += order >= 0;
    }
}

static enum td_code write_some(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct telling *t = ctx;
    size_t all = t->add_count + t->remove_count;
    for (size_t i = t->done; i < all && i < t->done + MEMBERS_A_SLICE; i++) {
        bool more = i < t->add_count;
        td_try(td_sql(tx, err,
                      more ? "INSERT INTO ad_member(tenant, group_guid, member_guid) VALUES ($1, $2, $3)"
                             " ON CONFLICT DO NOTHING"
                           : "DELETE FROM ad_member WHERE tenant = $1 AND group_guid = $2 AND member_guid = $3",
                      "sss", t->s->tenant, t->o->guid, more ? t->add[i] : t->remove[i - t->add_count]));
    }
    return mark(tx, t->s->tenant, t->o->guid, err);
}

enum td_code td_sync_members(struct td_store *store, const struct td_sync *s, const struct td_sync_object *o,
                             struct td_arena *a, struct td_error *err)
{
    struct telling t = {.s = s, .o = o, .a = a};
    td_try(td_store_read(store, read_there, &t, err));
    if (t.foreign)
        return TD_OK;
    compare(&t);
    for (; t.done < t.add_count + t.remove_count; t.done += MEMBERS_A_SLICE)
        td_try(td_store_write(store, write_some, &t, err));
    return TD_OK;
}

/* --- members as people --- */

struct settling {
    const char *tenant;
    struct td_arena *a;
    const char *ids[GROUPS_AT_ONCE], *guids[GROUPS_AT_ONCE];
    int64_t marks[GROUPS_AT_ONCE];
    size_t count, at;
    const char **add, **remove;
    size_t add_count, remove_count, done;
};

static enum td_code read_pending(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct settling *t = ctx;
    struct td_rows r;
    t->count = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT id, ad_guid, ad_pending FROM device_group WHERE tenant = $1 AND ad_pending <> 0"
                        " LIMIT $2",
                        "si", t->tenant, (int64_t)GROUPS_AT_ONCE));
    while (t->count < GROUPS_AT_ONCE && td_rows_next(&r)) {
        t->ids[t->count] = td_col_text0(&r, 0, t->a);
        t->guids[t->count] = td_col_text0(&r, 1, t->a);
        t->marks[t->count++] = td_col_int(&r, 2);
    }
    return td_rows_done(&r, err);
}

static enum td_code read_ids(struct td_tx *tx, const struct settling *t, const char *sql, const char ***ret,
                             size_t *ret_count, struct td_error *err)
{
    struct td_rows r;
    size_t n = 0, room = 0;
    const char **list = NULL;
    td_try(td_sql_query(tx, &r, err, sql, "sss", t->tenant, t->guids[t->at], t->ids[t->at]));
    while (td_rows_next(&r)) {
        list = td_arena_room(t->a, list, n, &room, sizeof(*list));
        list[n++] = td_col_text0(&r, 0, t->a);
    }
    *ret = list;
    *ret_count = n;
    return td_rows_done(&r, err);
}

/* A group within itself ends the recursion by UNION. Only groups that were taken over lead further. */
#define WITHIN                                                                                                 \
    "WITH RECURSIVE within(guid) AS (SELECT member_guid FROM ad_member WHERE tenant = $1 AND group_guid = $2"  \
    " UNION SELECT m.member_guid FROM within JOIN device_group g ON g.tenant = $1 AND g.ad_guid = within.guid" \
    " AND g.ad_guid <> '' JOIN ad_member m ON m.tenant = $1 AND m.group_guid = g.ad_guid)"

static enum td_code read_differences(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct settling *t = ctx;
    td_try(read_ids(tx, t,
                    WITHIN " SELECT a.id FROM within JOIN account a ON a.tenant = $1 AND a.ad_guid = within.guid"
                           " AND a.ad_guid <> '' WHERE NOT EXISTS (SELECT 1 FROM group_user u WHERE u.tenant = $1"
                           " AND u.group_id = $3 AND u.user_id = a.id)",
                    &t->add, &t->add_count, err));
    return read_ids(tx, t,
                    WITHIN " SELECT u.user_id FROM group_user u WHERE u.tenant = $1 AND u.group_id = $3"
                           " AND u.user_id NOT IN (SELECT a.id FROM within JOIN account a ON a.tenant = $1"
                           " AND a.ad_guid = within.guid AND a.ad_guid <> '')",
                    &t->remove, &t->remove_count, err);
}

static enum td_code put_some(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct settling *t = ctx;
    size_t all = t->add_count + t->remove_count;
    for (size_t i = t->done; i < all && i < t->done + USERS_A_SLICE; i++) {
        bool more = i < t->add_count;
        const char *user = more ? t->add[i] : t->remove[i - t->add_count];
        td_try(td_sql(tx, err,
                      more ? "INSERT INTO group_user(tenant, group_id, user_id) SELECT tenant, $2, id FROM account"
                             " WHERE tenant = $1 AND id = $3 ON CONFLICT DO NOTHING"
                           : "DELETE FROM group_user WHERE tenant = $1 AND group_id = $2 AND user_id = $3",
                      "sss", t->tenant, t->ids[t->at], user));
        enum td_code rc = td_group_user_moved(tx, t->tenant, user, err);
        if (rc != TD_OK && rc != TD_ENOTFOUND)
            return rc;
    }
    return TD_OK;
}

static enum td_code put_end(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct settling *t = ctx;
    td_try(td_sql(tx, err,
                  "UPDATE device_group SET ad_pending = 0, members_at = $4 WHERE tenant = $1 AND id = $2"
                  " AND ad_pending = $3",
                  "ssii", t->tenant, t->ids[t->at], t->marks[t->at], td_tx_now(tx)));
    const struct td_change changes[] = {
        {"membersAdded", NULL, t->add_count != 0 ? td_arena_printf(t->a, "%zu", t->add_count) : NULL},
        {"membersRemoved", NULL, t->remove_count != 0 ? td_arena_printf(t->a, "%zu", t->remove_count) : NULL}};
    const struct td_audit what = {.type = "group.changed",
                                  .actor = TD_SYNC_ACTOR,
                                  .kind = "group",
                                  .id = t->ids[t->at],
                                  .name = t->guids[t->at],
                                  .changes = changes,
                                  .count = TD_COUNTOF(changes)};
    return t->add_count + t->remove_count != 0 ? td_audit_tell(tx, t->tenant, &what, err) : TD_OK;
}

static enum td_code settle_one(struct td_store *store, struct settling *t, struct td_error *err)
{
    td_try(td_store_read(store, read_differences, t, err));
    for (t->done = 0; t->done < t->add_count + t->remove_count; t->done += USERS_A_SLICE)
        td_try(td_store_write(store, put_some, t, err));
    return td_store_write(store, put_end, t, err);
}

enum td_code td_sync_settle(struct td_store *store, const char *tenant, struct td_error *err)
{
    for (;;) {
        TD_CLEANUP(td_arena_done) struct td_arena a = {0};
        struct settling t = {.tenant = tenant, .a = &a};
        td_try(td_store_read(store, read_pending, &t, err));
        for (t.at = 0; t.at < t.count; t.at++)
            td_try(settle_one(store, &t, err));
        if (t.count == 0)
            return TD_OK;
    }
}
