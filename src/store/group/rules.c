/* Compiled rules, once a process and tenant: found by the number that every change of a rule replaces. The number is
 * random, so that one that was rolled back never comes again for other rules. */
#include "base/fault.h"
#include "store/driver.h"
#include "store/group/room.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { CACHED = 64 };

struct keyed {
    uint32_t hash;
    uint32_t rule;
    struct td_rule_key key;
};

struct td_ruleset {
    struct td_arena arena;
    const char *tenant;
    int64_t version;
    atomic_int holders; /* the cache is one */
    struct td_ruled *list;
    size_t count;
    struct keyed *keys; /* in order of hashes */
    size_t key_count;
    uint32_t *others; /* rules that have no keys and don't look at groups */
    size_t other_count;
    size_t by_groups;
    bool by_profile;
};

struct td_group_cache {
    pthread_mutex_t lock;
    struct td_ruleset *sets[CACHED];
    size_t next;
};

struct td_group_cache *td_group_cache_new(void)
{
    struct td_group_cache *c = td_new(struct td_group_cache);
    (void)pthread_mutex_init(&c->lock, NULL);
    return c;
}

static void let_go(struct td_ruleset *set)
{
    if (set == NULL || atomic_fetch_sub(&set->holders, 1) != 1)
        return;
    struct td_arena arena = set->arena;
    td_free(set);
    td_arena_done(&arena);
}

void td_group_cache_free(struct td_group_cache *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < CACHED; i++)
        let_go(c->sets[i]);
    (void)pthread_mutex_destroy(&c->lock);
    td_free(c);
}

static enum td_code version_of(struct td_tx *tx, const char *tenant, int64_t *ret, struct td_error *err)
{
    struct td_rows r;
    *ret = 0;
    td_try(td_sql_query(tx, &r, err, "SELECT rules FROM group_work WHERE tenant = $1", "s", tenant));
    while (td_rows_next(&r))
        *ret = td_col_int(&r, 0);
    return td_rows_done(&r, err);
}

enum td_code td_ruleset_touch(struct td_tx *tx, const char *tenant, struct td_error *err)
{
    uint64_t random = 0;
    td_random_fill(td_tx_env(tx), &random, sizeof(random));
    td_try(td_sql(tx, err,
                  "INSERT INTO group_work(tenant, rules) VALUES ($1, $2)"
                  " ON CONFLICT (tenant) DO UPDATE SET rules = excluded.rules",
                  "si", tenant, (int64_t)(random >> 1)));
    return td_store_touch(tx, err);
}

static uint32_t hash_of(int attribute, const char *value)
{
    uint32_t h = 2166136261U ^ (uint32_t)attribute;
    for (; *value != '\0'; value++) {
        unsigned char c = (unsigned char)*value;
        h = (h ^ (c >= 'A' && c <= 'Z' ? c + 32U : c)) * 16777619U;
    }
    return h;
}

static int by_hash(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    return x->hash != y->hash ? (x->hash < y->hash ? -1 : 1) : (int)x->rule - (int)y->rule;
}

static int member_of_attribute(enum td_rule_kind kind)
{
    return kind == TD_RULE_USERS ? (int)TD_RU_MEMBER_OF : (int)TD_RD_MEMBER_OF;
}

static void index_rule(struct td_ruleset *set, uint32_t at, size_t *key_room)
{
    struct td_rule_key keys[TD_RULE_MAX_KEYS];
    struct td_ruled *g = &set->list[at];
    g->kind = td_rule_kind_of(g->rule);
    uint64_t looks_at = td_rule_looks_at(g->rule);
    g->by_groups = (looks_at >> member_of_attribute(g->kind) & 1) != 0;
    set->by_profile = set->by_profile || (g->kind == TD_RULE_DEVICES && (looks_at >> TD_RD_PROFILE_NAME & 1) != 0);
    if (g->by_groups) {
        set->by_groups++;
        return;
    }
    size_t n = td_rule_keys(g->rule, keys);
    if (n == 0)
        set->others[set->other_count++] = at;
    for (size_t i = 0; i < n; i++) {
        set->keys = td_arena_room(&set->arena, set->keys, set->key_count, key_room, sizeof(*set->keys));
        set->keys[set->key_count++] = (struct keyed){hash_of(keys[i].attribute, keys[i].value), at, keys[i]};
    }
}

/* A rule that can no longer be read has no members; td_group_work notes why. */
static enum td_code compile(struct td_tx *tx, struct td_ruleset *set, struct td_error *err)
{
    struct td_rows r;
    size_t room = 0, key_room = 0;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT id, name, rule, paused FROM device_group WHERE tenant = $1 AND kind <> 0 ORDER BY id",
                        "s", set->tenant));
    while (td_rows_next(&r)) {
        TD_CLEANUP(td_arena_done) struct td_arena text = {0};
        set->list = td_arena_room(&set->arena, set->list, set->count, &room, sizeof(*set->list));
        struct td_ruled *g = &set->list[set->count];
        *g = (struct td_ruled){.id = td_col_text0(&r, 0, &set->arena),
                               .name = td_col_text0(&r, 1, &set->arena),
                               .paused = td_col_int(&r, 3) != 0};
        if (td_rule_parse(td_str(td_col_text0(&r, 2, &text)), &set->arena, &g->rule, NULL) == TD_OK)
            set->count++;
    }
    td_try(td_rows_done(&r, err));
    set->others = td_arena_array(&set->arena, uint32_t, set->count);
    for (uint32_t i = 0; i < set->count; i++)
        index_rule(set, i, &key_room);
    if (set->key_count > 1)
        qsort(set->keys, set->key_count, sizeof(*set->keys), by_hash);
    return TD_OK;
}

static struct td_ruleset *cached(struct td_group_cache *c, const char *tenant, int64_t version)
{
    struct td_ruleset *found = NULL;
    (void)pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < CACHED && found == NULL; i++)
        if (c->sets[i] != NULL && c->sets[i]->version == version && strcmp(c->sets[i]->tenant, tenant) == 0)
            found = c->sets[i];
    if (found != NULL)
        atomic_fetch_add(&found->holders, 1);
    (void)pthread_mutex_unlock(&c->lock);
    return found;
}

/* In the place of the tenant's older ones, else of the one that was kept longest. */
static void keep(struct td_group_cache *c, struct td_ruleset *set)
{
    (void)pthread_mutex_lock(&c->lock);
    size_t at = c->next;
    for (size_t i = 0; i < CACHED; i++)
        if (c->sets[i] != NULL && strcmp(c->sets[i]->tenant, set->tenant) == 0)
            at = i;
    if (at == c->next)
        c->next = (c->next + 1) % CACHED;
    let_go(c->sets[at]);
    c->sets[at] = set;
    atomic_fetch_add(&set->holders, 1);
    (void)pthread_mutex_unlock(&c->lock);
}

enum td_code td_ruleset_hold(struct td_tx *tx, const char *tenant, struct td_ruleset **ret, struct td_error *err)
{
    int64_t version = 0;
    struct td_group_cache *c = tx->store->groups;
    td_try(version_of(tx, tenant, &version, err));
    *ret = cached(c, tenant, version);
    if (*ret != NULL)
        return TD_OK;
    struct td_ruleset *set = td_new(struct td_ruleset);
    atomic_init(&set->holders, 1);
    set->version = version;
    set->tenant = td_arena_strdup(&set->arena, tenant);
    enum td_code rc = compile(tx, set, err);
    if (rc != TD_OK) {
        let_go(set);
        return rc;
    }
    keep(c, set);
    *ret = set;
    return TD_OK;
}

void td_ruleset_drop(struct td_ruleset **set)
{
    let_go(*set);
    *set = NULL;
}

const struct td_ruled *td_ruleset_list(const struct td_ruleset *set, size_t *ret_count)
{
    *ret_count = set->count;
    return set->list;
}

int td_ruleset_at(const struct td_ruleset *set, const char *group_id)
{
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = strcmp(set->list[mid].id, group_id);
        if (order == 0)
            return (int)mid;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return -1;
}

bool td_ruleset_by_profile(const struct td_ruleset *set)
{
    return set->by_profile && !td_fault("group-profile-name");
}

void td_verdicts_init(struct td_verdicts *v, const struct td_ruleset *set, enum td_rule_kind kind, const bool *wanted,
                      struct td_arena *a)
{
    *v = (struct td_verdicts){.set = set, .kind = kind, .wanted = wanted};
    v->mark = td_arena_array(a, uint32_t, set->count + 1);
    v->found = td_arena_array(a, uint32_t, set->count + 1);
}

static bool is_wanted(const struct td_verdicts *v, uint32_t at)
{
    const struct td_ruled *g = &v->set->list[at];
    return g->kind == v->kind && !g->paused && (v->wanted == NULL || v->wanted[at] || g->by_groups);
}

/* mark: twice the round when asked, one more when it holds. */
static void ask(struct td_verdicts *v, uint32_t at, const struct td_rule_subject *subject)
{
    if (v->mark[at] >= 2 * v->round || !is_wanted(v, at))
        return;
    v->mark[at] = 2 * v->round;
    if (!td_rule_matches(v->set->list[at].rule, subject))
        return;
    v->mark[at]++;
    v->found[v->found_count++] = at;
}

static void ask_keyed(struct td_verdicts *v, int attribute, const char *value, const struct td_rule_subject *subject)
{
    uint32_t hash = hash_of(attribute, value);
    size_t low = 0, high = v->set->key_count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (v->set->keys[mid].hash < hash)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < v->set->key_count && v->set->keys[low].hash == hash; low++)
        if (v->set->keys[low].key.attribute == attribute && td_ieqs(td_str(value), v->set->keys[low].key.value))
            ask(v, v->set->keys[low].rule, subject);
}

static void ask_all(struct td_verdicts *v, const struct td_rule_subject *subject)
{
    size_t attributes = 0;
    (void)td_rule_attributes(v->kind, &attributes);
    for (int i = 0; v->set->key_count != 0 && i < (int)attributes; i++) {
        const char *const *items = subject->items[i];
        if (subject->text[i] != NULL && subject->text[i][0] != '\0')
            ask_keyed(v, i, subject->text[i], subject);
        for (; items != NULL && *items != NULL; items++)
            ask_keyed(v, i, *items, subject);
    }
    for (size_t i = 0; i < v->set->other_count; i++)
        ask(v, v->set->others[i], subject);
}

/* memberOf sees groups by hand, paused ones as they are stored, and what was just found; groups by groups don't see
 * each other, so that no order decides. A group that is not asked this time counts as it is stored. */
static void fill_groups(struct td_verdicts *v, struct td_rule_subject *subject, const char *const *current,
                        size_t count, struct td_arena *a)
{
    size_t n = 0;
    if (v->groups_room < count + v->found_count + 1) {
        v->groups_room = 2 * (count + v->found_count + 1);
        v->groups = td_arena_array(a, const char *, v->groups_room);
    }
    for (size_t i = 0; i < count; i++) {
        int at = td_ruleset_at(v->set, current[i]);
        if (at < 0 || (!v->set->list[at].by_groups && !is_wanted(v, (uint32_t)at)))
            v->groups[n++] = current[i];
    }
    for (size_t i = 0; i < v->found_count; i++)
        v->groups[n++] = v->set->list[v->found[i]].id;
    v->groups[n] = NULL;
    subject->items[member_of_attribute(v->kind)] = v->groups;
}

void td_verdicts_of(struct td_verdicts *v, struct td_rule_subject *subject, const char *const *current, size_t count,
                    struct td_arena *a)
{
    v->round++;
    v->found_count = 0;
    ask_all(v, subject);
    if (v->set->by_groups == 0)
        return;
    fill_groups(v, subject, current, count, a);
    for (uint32_t i = 0; i < v->set->count; i++)
        if (v->set->list[i].by_groups)
            ask(v, i, subject);
}

bool td_verdicts_has(const struct td_verdicts *v, size_t position)
{
    return v->mark[position] == 2 * v->round + 1;
}

bool td_verdicts_by_groups(const struct td_verdicts *v)
{
    return v->set->by_groups != 0;
}

uint64_t td_verdicts_looks_at(const struct td_verdicts *v)
{
    uint64_t mask = 0;
    for (uint32_t i = 0; i < v->set->count; i++)
        if (is_wanted(v, i))
            mask |= td_rule_looks_at(v->set->list[i].rule);
    return mask;
}
