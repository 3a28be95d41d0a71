/* Groups in the store: random rules, devices and changes against an evaluation from scratch, at every step; a spread
 * that is cut in the middle goes on; thousands of rules are found by their keys. */
#include "folder.h"
#include "store/device.h"
#include "store/directory.h"
#include "store/group/room.h"
#include "store/profile.h"
#include "store/registration.h"
#include "store/tenant.h"
#include "store/way.h"

enum { MAX_DEVICES = 40, MAX_GROUPS = 24 };

static struct world {
    char dir[FOLDER_NAME];
    struct td_env_fixed env;
    struct td_store *store;
    struct td_arena arena;
    const char *tenant;
    const char *device[MAX_DEVICES]; /* directory ids, NULL once gone */
    size_t devices;
    char group[MAX_GROUPS][TD_UUID_TEXT];
    size_t groups;
    int differences;
} w;

static unsigned roll(unsigned n)
{
    unsigned char r[2];
    td_random_fill(&w.env.env, r, sizeof(r));
    return (r[0] + 256U * r[1]) % n;
}

static enum td_code add_tenant(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    struct td_tenant t;
    td_try(td_tenant_add(tx, "contoso.test", "Contoso", &w.arena, &t, err));
    w.tenant = t.id;
    return TD_OK;
}

static void run(td_tx_fn *fn, void *ctx)
{
    struct td_error err = {0};
    w.env.now += TD_SECOND;
    if (td_store_write(w.store, fn, ctx, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
}

static int setup(void **state TD_UNUSED)
{
    w = (struct world){.devices = 0};
    w.store = folder_store(w.dir, &w.env);
    run(add_tenant, NULL);
    return 0;
}

static int teardown(void **state TD_UNUSED)
{
    folder_gone(w.dir, w.store);
    td_arena_done(&w.arena);
    return 0;
}

/* --- the world --- */

static enum td_code add_device(struct td_tx *tx, void *ctx, struct td_error *err)
{
    static const char *const tags[] = {"", "A", "B", "C"};
    struct td_way_row way;
    const char *id = NULL;
    struct td_device_precreated what = {.registration_id = td_uuid_arena(&w.env.env, &w.arena),
                                        .serial = td_arena_printf(&w.arena, "SN-%u", roll(50)),
                                        .group_tag = ctx != NULL ? ctx : tags[roll(4)],
                                        .purchase_order = ""};
    td_try(td_device_precreate(tx, w.tenant, &what, &w.arena, &id, err));
    td_try(td_way_add(tx, w.tenant, TD_WAY_DEVICE, id, &w.arena, &way, err));
    w.device[w.devices++] = id;
    return td_group_device_moved(tx, w.tenant, id, "test", err);
}

static const char *random_rule(void)
{
    static const char *const simple[] = {
        "device.devicePhysicalIds -any _ -eq \"[OrderID]:A\"",
        "device.devicePhysicalIds -any _ -eq \"[OrderID]:B\"",
        "device.devicePhysicalIds -any (_ -startsWith \"[OrderID]\")",
        "device.displayName -endsWith \"7\"",
        "device.displayName -in [\"SN-1\", \"SN-2\", \"SN-3\", \"SN-4\"]",
        "device.displayName -match \"^SN-[1-3]\\d$\"",
        "device.accountEnabled -eq false",
        "device.extensionAttribute2 -eq \"x\"",
        "device.extensionAttribute2 -eq null",
        "-not (device.accountEnabled -eq false)",
        "device.deviceManufacturer -eq null",
    };
    const char *one = simple[roll(TD_COUNTOF(simple))], *two = simple[roll(TD_COUNTOF(simple))];
    unsigned n = roll(6);
    if (n == 0 && w.groups != 0)
        return td_arena_printf(&w.arena, "device.memberOf -any (group.objectId -in [\"%s\", \"%s\"])",
                               w.group[roll((unsigned)w.groups)], w.group[roll((unsigned)w.groups)]);
    if (n == 1 && w.groups != 0)
        return td_arena_printf(&w.arena, "(%s) -and -not (device.memberOf -any (group.objectId -eq \"%s\"))", one,
                               w.group[roll((unsigned)w.groups)]);
    return n < 4 ? one : td_arena_printf(&w.arena, "(%s) %s (%s)", one, n == 4 ? "-and" : "-or", two);
}

static enum td_code add_group(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_group g;
    const struct td_group_new what = {.name = "g", .rule = ctx != NULL ? ctx : roll(4) == 0 ? "" : random_rule()};
    td_try(td_group_create(tx, w.tenant, &what, "test", &w.arena, &g, err));
    snprintf(w.group[w.groups++], TD_UUID_TEXT, "%s", g.id);
    return TD_OK;
}

static enum td_code change_group(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    bool dynamic = roll(5) != 0;
    struct td_group_change change = {.dynamic = &dynamic, .rule = dynamic ? random_rule() : ""};
    return td_group_change(tx, w.tenant, w.group[roll((unsigned)w.groups)], &change, "test", err);
}

static enum td_code remove_group(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    unsigned i = roll((unsigned)w.groups);
    td_try(td_group_remove(tx, w.tenant, w.group[i], "test", err));
    memcpy(w.group[i], w.group[--w.groups], TD_UUID_TEXT);
    return TD_OK;
}

static const char *some_device(void)
{
    return w.devices != 0 ? w.device[roll((unsigned)w.devices)] : NULL;
}

static enum td_code change_device(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    static const char *const values[] = {"", "x", "y"};
    bool enabled = roll(2) != 0;
    struct td_device_change change = {.enabled = &enabled};
    change.extension[1] = values[roll(3)];
    const char *id = some_device();
    return id != NULL ? td_device_change(tx, w.tenant, id, &change, "test", err) : TD_OK;
}

static enum td_code change_member(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    const char *id = some_device(), *group = w.group[roll((unsigned)w.groups)];
    if (id == NULL)
        return TD_OK;
    enum td_code rc = roll(2) ? td_group_member_add(tx, w.tenant, group, id, "test", err)
                              : td_group_member_remove(tx, w.tenant, group, id, "test", err);
    return rc == TD_ESTATE || rc == TD_EEXISTS || rc == TD_ENOTFOUND ? TD_OK : rc;
}

static enum td_code work(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_group_work(tx, ctx, err);
}

static void work_all(void)
{
    bool more = true;
    while (more)
        run(work, &more);
}

/* --- from scratch --- */

struct scratch {
    struct td_group *list;
    size_t count;
    bool member[MAX_GROUPS * 2];
};

static bool looks_at_groups(const struct td_rule *rule)
{
    return (td_rule_looks_at(rule) >> TD_RD_MEMBER_OF & 1) != 0;
}

/* Stored for groups by hand; the others by their rules alone, those that look at groups last. */
static enum td_code from_scratch(struct td_tx *tx, const char *way, struct scratch *s, struct td_arena *a,
                                 struct td_error *err)
{
    struct td_subject subject;
    struct td_group *stored;
    size_t n = 0, held = 0;
    const char *ids[MAX_GROUPS * 2 + 1];
    td_try(td_group_list(tx, w.tenant, a, &s->list, &s->count, err));
    td_try(td_group_of_way(tx, w.tenant, way, a, &stored, &n, err));
    td_try(td_subject_one(tx, w.tenant, TD_RULE_DEVICES, way, a, &subject, err));
    for (int round = 0; round < 2; round++) {
        ids[held] = NULL;
        subject.rule.items[TD_RD_MEMBER_OF] = ids;
        size_t now = held;
        for (size_t i = 0; i < s->count; i++) {
            const struct td_rule *rule = NULL;
            if (s->list[i].kind != TD_GROUP_BY_HAND)
                td_try(td_rule_parse(td_str(s->list[i].rule), a, &rule, err));
            if ((rule != NULL && looks_at_groups(rule)) != (round == 1))
                continue;
            for (size_t m = 0; rule == NULL && m < n; m++)
                s->member[i] = s->member[i] || strcmp(stored[m].id, s->list[i].id) == 0;
            if (rule != NULL)
                s->member[i] = td_rule_matches(rule, &subject.rule);
            if (s->member[i] && round == 0)
                ids[now++] = s->list[i].id;
        }
        held = now;
    }
    return TD_OK;
}

static bool is_in(const struct td_group *list, size_t n, const char *const *ids, const char *id)
{
    for (size_t i = 0; ids == NULL && i < n; i++)
        if (strcmp(list[i].id, id) == 0)
            return true;
    for (; ids != NULL && *ids != NULL; ids++)
        if (strcmp(*ids, id) == 0)
            return true;
    return false;
}

/* ctx: whether the stored memberships must hold by themselves. */
static enum td_code compare(struct td_tx *tx, void *ctx, struct td_error *err)
{
    bool settled = *(const bool *)ctx;
    for (size_t d = 0; d < w.devices; d++) {
        TD_CLEANUP(td_arena_done) struct td_arena a = {0};
        struct scratch s = {.count = 0};
        struct td_group *stored;
        const char *way = "", *const *live = NULL;
        size_t n = 0;
        td_try(td_way_of_device(tx, w.tenant, w.device[d], &a, &way, err));
        td_try(from_scratch(tx, way, &s, &a, err));
        td_try(td_group_of_way(tx, w.tenant, way, &a, &stored, &n, err));
        td_try(td_group_live(tx, w.tenant, way, &a, &live, err));
        assert_true(!settled || live == NULL);
        for (size_t i = 0; i < s.count; i++)
            if (is_in(stored, n, live, s.list[i].id) != s.member[i]) {
                print_error("device %zu, group %s \"%s\": %d from scratch, %s\n", d, s.list[i].id, s.list[i].rule,
                            s.member[i], live != NULL ? "live" : "stored");
                w.differences++;
            }
    }
    return TD_OK;
}

static void step(void)
{
    static td_tx_fn *const changes[] = {change_group, change_device, change_device, change_member, change_member};
    unsigned n = roll(10);
    bool more = false;
    if (n == 0 && w.devices < MAX_DEVICES)
        run(add_device, NULL);
    else if (n == 1 && w.groups < MAX_GROUPS)
        run(add_group, NULL);
    else if (n == 2 && w.groups > 6)
        run(remove_group, NULL);
    else if (n < 5)
        run(work, &more);
    else if (w.groups != 0)
        run(changes[roll(TD_COUNTOF(changes))], NULL);
}

static void changes_as_from_scratch(void **state TD_UNUSED)
{
    for (int i = 0; i < 8; i++)
        run(add_group, NULL);
    for (int i = 0; i < 12; i++)
        run(add_device, NULL);
    for (int i = 0; i < 400 && w.differences == 0; i++) {
        bool settled = false;
        step();
        run(compare, &settled);
        if (i % 25 == 24) {
            settled = true;
            work_all();
            run(compare, &settled);
        }
    }
    assert_int_equal(w.differences, 0);
}

/* --- a spread in slices --- */

static enum td_code many_devices(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    for (int i = 0; i < 950; i++) {
        w.devices = 0;
        td_try(add_device(tx, (void *)(uintptr_t)(i % 2 ? "A" : "B"), err));
    }
    return TD_OK;
}

static enum td_code cut(struct td_tx *tx, void *ctx, struct td_error *err)
{
    bool more = false;
    td_try(td_group_work(tx, &more, err));
    return ctx != NULL ? td_fail(err, TD_EUNAVAILABLE, "test", "cut") : TD_OK;
}

struct members {
    const char *group;
    size_t count;
    const char *status;
};

static enum td_code read_members(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct members *m = ctx;
    struct td_group_member *list;
    struct td_group g;
    td_try(td_group_members(tx, w.tenant, m->group, 5000, &w.arena, &list, &m->count, err));
    td_try(td_group_find(tx, w.tenant, m->group, &w.arena, &g, err));
    m->status = td_group_status(&g);
    return TD_OK;
}

static void members_are(const char *group, size_t count, const char *status)
{
    struct members m = {.group = group};
    run(read_members, &m);
    assert_int_equal(m.count, count);
    assert_string_equal(m.status, status);
}

/* --- rules by the profile's name --- */

static enum td_code register_one(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_import_verdict v;
    const struct td_registration_new what = {.serial = ctx,
                                             .manufacturer = "",
                                             .model = "",
                                             .sku = "",
                                             .family = "",
                                             .product_key = "",
                                             .group_tag = "",
                                             .purchase_order = "",
                                             .assigned_user = "",
                                             .warning = ""};
    return td_registration_add(tx, w.tenant, &what, "test", &w.arena, &v, err);
}

static enum td_code assign_profile(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_profile settings;
    struct td_profile_row p;
    td_profile_defaults(false, &settings);
    td_try(td_profile_add(tx, w.tenant, ctx, &settings, "test", &w.arena, &p, err));
    return td_profile_assign(tx, w.tenant, p.id, "", "test", err);
}

static void members_follow_the_profile(void **state TD_UNUSED)
{
    run(add_group, (void *)(uintptr_t) "device.enrollmentProfileName -eq \"Kiosk\"");
    run(register_one, (void *)(uintptr_t) "F-1");
    work_all();
    members_are(w.group[0], 0, "Succeeded");
    run(assign_profile, (void *)(uintptr_t) "Kiosk"); /* told behind the answer */
    work_all();
    members_are(w.group[0], 1, "Succeeded");
    run(register_one, (void *)(uintptr_t) "F-2"); /* told with its registration */
    members_are(w.group[0], 2, "Succeeded");
}

static enum td_code read_mark(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_group_work_mark(tx, ctx, err);
}

/* Every slice that brought something shows; what is done is 0. */
static void a_mark_shows_who_goes_on(void **state TD_UNUSED)
{
    uint64_t before = 1, now = 1;
    bool more = true;
    int slices = 0;
    run(read_mark, &before);
    assert_true(before == 0);
    run(many_devices, NULL);
    run(add_group, (void *)(uintptr_t) "device.devicePhysicalIds -any _ -eq \"[OrderID]:A\"");
    run(read_mark, &before);
    assert_true(before != 0);
    for (; more; before = now, slices++) {
        run(read_mark, &now);
        assert_true(now == before);
        run(work, &more);
        run(read_mark, &now);
        assert_true(now != before || now == 0);
    }
    assert_true(now == 0 && slices > 1);
}

static void a_spread_that_is_cut_goes_on(void **state TD_UNUSED)
{
    struct td_error err = {0};
    run(many_devices, NULL);
    run(add_group, (void *)(uintptr_t) "device.devicePhysicalIds -any _ -eq \"[OrderID]:A\"");
    members_are(w.group[0], 0, "NotStarted");
    /* a slice that is lost leaves nothing behind */
    assert_int_equal(td_store_write(w.store, cut, &err, &err), TD_EUNAVAILABLE);
    members_are(w.group[0], 0, "NotStarted");
    /* the process ends after a slice, another goes on; a group that comes later takes its own way */
    run(cut, NULL);
    td_store_close(w.store);
    assert_ok(td_store_open(w.dir, &w.env.env, &w.store, &err));
    run(add_group, (void *)(uintptr_t) "device.devicePhysicalIds -any _ -eq \"[OrderID]:B\"");
    work_all();
    members_are(w.group[0], 475, "Succeeded");
    members_are(w.group[1], 475, "Succeeded");
    bool due = true;
    run(work, &due);
    assert_false(due);
    /* and a group that goes leaves no members */
    run(remove_group, NULL);
    work_all();
}

/* --- keys --- */

static enum td_code many_groups(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    struct td_group g;
    for (int i = 0; i < 3000; i++) {
        const struct td_group_new what = {
            .name = "g", .rule = td_arena_printf(&w.arena, "device.devicePhysicalIds -any _ -eq \"[OrderID]:T%d\"", i)};
        td_try(td_group_create(tx, w.tenant, &what, "test", &w.arena, &g, err));
    }
    return TD_OK;
}

static enum td_code ask_few(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    TD_CLEANUP(td_ruleset_drop) struct td_ruleset *set = NULL;
    struct td_verdicts v;
    const char *ids[] = {"[OrderID]:t77", "[OrderID]:none", NULL};
    struct td_rule_subject s = {.kind = TD_RULE_DEVICES};
    size_t n = 0, asked = 0;
    s.items[TD_RD_PHYSICAL_IDS] = ids;
    td_try(td_ruleset_hold(tx, w.tenant, &set, err));
    (void)td_ruleset_list(set, &n);
    assert_int_equal(n, 3000);
    td_verdicts_init(&v, set, TD_RULE_DEVICES, NULL, &w.arena);
    td_verdicts_of(&v, &s, NULL, 0, &w.arena);
    assert_int_equal(v.found_count, 1);
    for (size_t i = 0; i < n; i++)
        asked += v.mark[i] != 0;
    assert_int_equal(asked, 1); /* one rule of three thousand was looked at */
    return TD_OK;
}

static void rules_are_found_by_their_keys(void **state TD_UNUSED)
{
    run(many_groups, NULL);
    run(ask_few, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(changes_as_from_scratch, setup, teardown),
        cmocka_unit_test_setup_teardown(members_follow_the_profile, setup, teardown),
        cmocka_unit_test_setup_teardown(a_mark_shows_who_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(a_spread_that_is_cut_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(rules_are_found_by_their_keys, setup, teardown),
    };
    return cmocka_run_group_tests_name("group", tests, NULL, NULL);
}
