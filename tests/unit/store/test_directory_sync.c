/* People and groups of an Active Directory, as a connector tells them: what becomes of accounts, groups and members. */
#include "codec/json.h"
#include "store/ad_domain.h"
#include "store/connector.h"
#include "store/directory.h"
#include "store/directory_sync.h"
#include "store/group.h"
#include "store/tenant.h"
#include "store/user.h"
#include "unit/store/folder.h"

#include <stdlib.h>

#define SERVER "0d000000-0000-4000-8000-00000000000a"
#define OTHER_SERVER "0d000000-0000-4000-8000-00000000000b"
#define ALICE "0a000000-0000-4000-8000-000000000001"
#define BOB "0a000000-0000-4000-8000-000000000002"
#define CAROL "0a000000-0000-4000-8000-000000000003"
#define SALES "0b000000-0000-4000-8000-000000000001"
#define EVERYBODY "0b000000-0000-4000-8000-000000000002"

struct box {
    char dir[FOLDER_NAME];
    struct td_env_fixed env;
    struct td_store *store;
    struct td_arena arena;
    struct td_tenant ours, theirs;
    struct td_error err;
};

static struct box b;

static enum td_code set_domain(struct td_tx *tx, bool sign_in, bool sync, const char *base, struct td_error *err)
{
    const struct td_ad_domain_row row = {
        .domain = "corp.test", .sign_in = sign_in, .sync = sync, .sync_base = base, .sync_seconds = 60};
    return td_ad_domain_put(tx, b.ours.id, &row, "command line", err);
}

static enum td_code make(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    td_try(td_tenant_add(tx, "contoso.test", "Contoso", &b.arena, &b.ours, err));
    td_try(td_tenant_add(tx, "fabrikam.test", "Fabrikam", &b.arena, &b.theirs, err));
    return set_domain(tx, true, true, "", err);
}

static int setup(void **state TD_UNUSED)
{
    memset(&b, 0, sizeof(b));
    b.store = folder_store(b.dir, &b.env);
    td_arena_init(&b.arena);
    assert_ok(td_store_write(b.store, make, NULL, &b.err));
    return 0;
}

static int teardown(void **state TD_UNUSED)
{
    folder_gone(b.dir, b.store);
    td_arena_done(&b.arena);
    return 0;
}

/* --- what a connector tells --- */

static enum td_code say_as(const char *connector, const char *json, uint64_t *ret)
{
    struct td_json *v = NULL;
    assert_ok(td_json_parse(td_str(json), 1U << 20U, &b.arena, &v, &b.err));
    return td_directory_sync_take(b.store, b.ours.id, connector, v, &b.arena, ret, &b.err);
}

static uint64_t say(const char *json)
{
    uint64_t from = 0;
    assert_ok(say_as("one", json, &from));
    return from;
}

static const char *message(const char *run, const char *from, const char *to, bool full, bool last, const char *objects)
{
    return td_arena_printf(&b.arena,
                           "{\"domain\":\"CORP.test\",\"run\":\"%s\",\"server\":\"" SERVER "\",\"from\":\"%s\",\"to\":"
                           "\"%s\",\"full\":%s,\"last\":%s,\"objects\":[%s]}",
                           run, from, to, full ? "true" : "false", last ? "true" : "false", objects);
}

static const char *person(const char *guid, const char *upn, const char *more)
{
    return td_arena_printf(&b.arena,
                           "{\"kind\":\"user\",\"guid\":\"%s\",\"sid\":\"S-1-5-21-1-2-3-1103\",\"upn\":\"%s\",\"sam\":"
                           "\"x\",\"name\":\"Name of %s\",\"mail\":\"\"%s}",
                           guid, upn, upn, more);
}

static const char *group(const char *guid, const char *name, const char *members)
{
    return td_arena_printf(
        &b.arena,
        "{\"kind\":\"group\",\"guid\":\"%s\",\"sid\":\"S-1-5-21-1-2-3-1200\",\"sam\":\"%s\",\"name\":"
        "\"%s\",\"security\":true,\"members\":[%s]}",
        guid, name, name, members);
}

static const char *both(const char *x, const char *y)
{
    return td_arena_printf(&b.arena, "%s,%s", x, y);
}

/* Everybody, and the number to go on from. */
static void full(const char *run, const char *to, const char *objects)
{
    int64_t n = 0;
    assert_true(td_parse_i64(td_str(to), &n));
    assert_int_equal(say(message(run, "0", to, true, true, objects)), n);
}

/* --- what the store has then --- */

struct asked {
    const char *key;
    struct td_user user;
    enum td_code rc;
    struct td_group_member *members;
    size_t count;
};

static enum td_code find(struct td_tx *tx, void *ctx, struct td_error *err TD_UNUSED)
{
    struct asked *q = ctx;
    q->rc = td_user_find(tx, b.ours.id, td_str(q->key), &b.arena, &q->user, NULL);
    return TD_OK;
}

static struct td_user user_of(const char *upn)
{
    struct asked q = {.key = upn};
    assert_ok(td_store_read(b.store, find, &q, &b.err));
    if (q.rc != TD_OK)
        fail_msg("there is no %s", upn);
    return q.user;
}

static bool there_is(const char *upn)
{
    struct asked q = {.key = upn};
    assert_ok(td_store_read(b.store, find, &q, &b.err));
    return q.rc == TD_OK;
}

static enum td_code list_members(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct asked *q = ctx;
    struct td_group g;
    q->rc = td_group_find(tx, b.ours.id, q->key, &b.arena, &g, NULL);
    if (q->rc != TD_OK)
        return TD_OK;
    return td_group_members(tx, b.ours.id, g.id, 1000, &b.arena, &q->members, &q->count, err);
}

static void assert_members(const char *name, size_t n, const char *const *upns)
{
    struct asked q = {.key = name};
    assert_ok(td_store_read(b.store, list_members, &q, &b.err));
    assert_int_equal(q.rc, TD_OK);
    assert_int_equal(q.count, n);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(q.members[i].name, upns[i]);
}

static enum td_code read_row(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_ad_domain_find(tx, b.ours.id, "corp.test", &b.arena, ctx, err);
}

static struct td_ad_domain_row row(void)
{
    struct td_ad_domain_row r = {0};
    assert_ok(td_store_read(b.store, read_row, &r, &b.err));
    return r;
}

struct refused {
    struct td_ad_refused *list;
    size_t count;
};

static enum td_code read_refused(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct refused *r = ctx;
    return td_ad_refused(tx, b.ours.id, "corp.test", 100, &b.arena, &r->list, &r->count, err);
}

static struct refused refused(void)
{
    struct refused r = {0};
    assert_ok(td_store_read(b.store, read_refused, &r, &b.err));
    return r;
}

/* --- people --- */

static void people_appear_change_and_go(void **state TD_UNUSED)
{
    full("r1", "100", both(person(ALICE, "Alice@corp.test", ""), person(BOB, "bob@contoso.test", "")));
    struct td_user alice = user_of("alice@corp.test");
    assert_string_equal(alice.source, "ad");
    assert_string_equal(alice.ad_domain, "corp.test");
    assert_string_equal(alice.ad_guid, ALICE);
    assert_string_equal(alice.ad_sid, "S-1-5-21-1-2-3-1103");
    assert_string_equal(alice.name, "Name of Alice@corp.test");
    assert_string_equal(alice.phc, "");
    assert_true(alice.enabled);
    assert_int_equal(row().usn, 100);
    /* a new name keeps the account, and voids what was issued for the old one */
    b.env.now += TD_MINUTE;
    assert_int_equal(say(message("r2", "100", "101", false, true, person(ALICE, "alice.new@corp.test", ""))), 101);
    struct td_user renamed = user_of("alice.new@corp.test");
    assert_string_equal(renamed.id, alice.id);
    assert_true(renamed.tokens_from > alice.tokens_from);
    assert_false(there_is("alice@corp.test"));
    /* disabled there, disabled here, tokens void; and back */
    b.env.now += TD_MINUTE;
    (void)say(message("r3", "101", "102", false, true, person(ALICE, "alice.new@corp.test", ",\"enabled\":false")));
    struct td_user off = user_of("alice.new@corp.test");
    assert_false(off.enabled);
    assert_true(off.tokens_from > renamed.tokens_from);
    (void)say(message("r4", "102", "103", false, true, person(ALICE, "alice.new@corp.test", "")));
    assert_true(user_of("alice.new@corp.test").enabled);
    (void)say(message("r5", "103", "104", false, true, "{\"guid\":\"" ALICE "\",\"deleted\":true}"));
    assert_false(there_is("alice.new@corp.test"));
    assert_true(there_is("bob@contoso.test"));
}

static enum td_code by_hand(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_user u;
    return td_user_add(tx, b.ours.id, ctx, NULL, "$argon2id$x", "command line", &b.arena, &u, err);
}

static enum td_code remove_by_hand(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_user u;
    td_try(td_user_find(tx, b.ours.id, td_str(ctx), &b.arena, &u, err));
    return td_user_remove(tx, b.ours.id, u.id, "command line", err);
}

/* A connector can't make itself master of an administrator's account. */
static void names_made_by_hand_stay(void **state TD_UNUSED)
{
    assert_ok(td_store_write(b.store, by_hand, "admin@contoso.test", &b.err));
    full("r1", "100", both(person(ALICE, "admin@contoso.test", ""), person(BOB, "bob@fabrikam.test", "")));
    struct td_user admin = user_of("admin@contoso.test");
    assert_string_equal(admin.source, "");
    assert_string_equal(admin.phc, "$argon2id$x");
    struct refused r = refused();
    assert_int_equal(r.count, 2);
    assert_string_equal(r.list[0].name, "admin@contoso.test");
    assert_non_null(strstr(r.list[0].reason, "made by hand"));
    assert_non_null(strstr(r.list[1].reason, "no domain of the tenant"));
    /* an administrator makes room: taken over at the end of the next run, though nobody names it again */
    assert_ok(td_store_write(b.store, remove_by_hand, "admin@contoso.test", &b.err));
    (void)say(message("r2", "100", "101", false, true, ""));
    assert_string_equal(user_of("admin@contoso.test").ad_guid, ALICE);
    assert_int_equal(refused().count, 1);
}

/* Who tells a name without end fills no store with it. */
static void a_name_without_end_is_cut(void **state TD_UNUSED)
{
    char *name = td_arena_calloc(&b.arena, 1, 100001);
    memset(name, 'a', 100000);
    const char *alice = td_arena_printf(&b.arena, "{\"kind\":\"user\",\"guid\":\"" ALICE "\",\"upn\":\"%s\"}", name);
    full("r1", "100", both(alice, person(BOB, "bob@corp.test", "")));
    struct refused r = refused();
    assert_int_equal(r.count, 1);
    assert_int_equal(strlen(r.list[0].name), TD_UPN_MAX + 1);
    assert_true(there_is("bob@corp.test"));
}

static void disabled_though_its_name_is_refused(void **state TD_UNUSED)
{
    assert_ok(td_store_write(b.store, by_hand, "admin@contoso.test", &b.err));
    full("r1", "100", person(ALICE, "alice@corp.test", ""));
    (void)say(message("r2", "100", "101", false, true, person(ALICE, "admin@contoso.test", ",\"enabled\":false")));
    struct td_user alice = user_of("alice@corp.test");
    assert_false(alice.enabled);
    assert_string_equal(alice.ad_guid, ALICE);
    assert_string_equal(user_of("admin@contoso.test").source, "");
}

/* Deleted and made anew under the same name, told in the wrong order; and a name that moves on. */
static void names_change_hands(void **state TD_UNUSED)
{
    full("r1", "100", both(person(ALICE, "alice@corp.test", ""), person(BOB, "bob@corp.test", "")));
    struct td_user first = user_of("alice@corp.test");
    (void)say(message("r2", "100", "102", false, true,
                      both(person(CAROL, "alice@corp.test", ""), "{\"guid\":\"" ALICE "\",\"deleted\":true}")));
    struct td_user second = user_of("alice@corp.test");
    assert_string_equal(second.ad_guid, CAROL);
    assert_string_not_equal(second.id, first.id);
    (void)say(message("r3", "102", "104", false, true,
                      both(person(CAROL, "bob@corp.test", ""), person(BOB, "robert@corp.test", ""))));
    assert_string_equal(user_of("bob@corp.test").ad_guid, CAROL);
    assert_string_equal(user_of("robert@corp.test").ad_guid, BOB);
    assert_int_equal(refused().count, 0);
}

static enum td_code change_all(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err TD_UNUSED)
{
    struct td_user u;
    const struct td_user_change rename = {.upn = "other@corp.test"};
    assert_ok(td_user_find(tx, b.ours.id, TD_S("alice@corp.test"), &b.arena, &u, &b.err));
    assert_int_equal(td_user_change(tx, b.ours.id, u.id, &rename, "x", &b.err), TD_ESTATE);
    assert_string_not_equal(b.err.remedy, "");
    assert_int_equal(td_user_set_password(tx, b.ours.id, u.id, "$argon2id$x", "x", &b.err), TD_ESTATE);
    assert_int_equal(td_user_enable(tx, b.ours.id, u.id, false, "x", &b.err), TD_ESTATE);
    assert_int_equal(td_user_remove(tx, b.ours.id, u.id, "x", &b.err), TD_ESTATE);
    assert_ok(td_user_role_add(tx, b.ours.id, u.id, "Global Reader", "x", &b.err)); /* roles are ours */
    return TD_OK;
}

static enum td_code change_group(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err TD_UNUSED)
{
    struct td_user u;
    struct td_group g;
    const struct td_group_change rename = {.name = "Other"};
    assert_ok(td_user_find(tx, b.ours.id, TD_S("bob@corp.test"), &b.arena, &u, &b.err));
    assert_ok(td_group_find(tx, b.ours.id, "Sales", &b.arena, &g, &b.err));
    assert_string_equal(g.source, "ad");
    assert_int_equal(td_group_change(tx, b.ours.id, g.id, &rename, "x", &b.err), TD_ESTATE);
    assert_int_equal(td_group_member_add(tx, b.ours.id, g.id, u.id, "x", &b.err), TD_ESTATE);
    assert_int_equal(td_group_remove(tx, b.ours.id, g.id, "x", &b.err), TD_ESTATE);
    return TD_OK;
}

static enum td_code sync_off(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    return set_domain(tx, true, false, "", err);
}

static enum td_code own_again(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    struct td_user u;
    td_try(td_user_find(tx, b.ours.id, TD_S("alice@corp.test"), &b.arena, &u, err));
    return td_user_set_password(tx, b.ours.id, u.id, "$argon2id$x", "x", err);
}

static void synced_are_not_changed_by_hand(void **state TD_UNUSED)
{
    const char *people = both(person(ALICE, "alice@corp.test", ""), person(BOB, "bob@corp.test", ""));
    full("r1", "100", both(people, group(SALES, "Sales", "\"" ALICE "\"")));
    assert_ok(td_store_write(b.store, change_all, NULL, &b.err));
    assert_ok(td_store_write(b.store, change_group, NULL, &b.err));
    /* without the sync the account becomes one of the service's by a password */
    assert_ok(td_store_write(b.store, sync_off, NULL, &b.err));
    assert_ok(td_store_write(b.store, own_again, NULL, &b.err));
    assert_string_equal(user_of("alice@corp.test").source, "");
    uint64_t from = 0;
    assert_int_equal(say_as("one", message("r2", "100", "101", false, true, ""), &from), TD_ESTATE);
}

/* --- groups --- */

static void groups_within_groups_in_any_order(void **state TD_UNUSED)
{
    static const char *const two[] = {"alice@corp.test", "bob@corp.test"};
    static const char *const three[] = {"alice@corp.test", "bob@corp.test", "carol@corp.test"};
    /* members before there are people of that name, the outer group before the inner one, and a circle */
    const char *groups = both(group(EVERYBODY, "Everybody", "\"" SALES "\",\"" BOB "\""),
                              group(SALES, "Sales", "\"" ALICE "\",\"" EVERYBODY "\""));
    full("r1", "100", both(groups, both(person(ALICE, "alice@corp.test", ""), person(BOB, "bob@corp.test", ""))));
    assert_members("Everybody", 2, two);
    assert_members("Sales", 2, two);
    /* the circle is broken: Sales is what it names */
    (void)say(message("r2", "100", "101", false, true, group(SALES, "Sales", "\"" ALICE "\",\"" CAROL "\"")));
    assert_members("Sales", 1, two);
    /* somebody new is in the groups that named her before, and in those around them */
    (void)say(message("r3", "101", "102", false, true, person(CAROL, "carol@corp.test", "")));
    assert_members("Everybody", 3, three);
    (void)say(message("r4", "102", "103", false, true, group(SALES, "Sales staff", "")));
    assert_members("Sales staff", 0, NULL);
    assert_members("Everybody", 1, &two[1]);
    /* in pieces */
    (void)say(message("r5", "103", "104", false, false, group(SALES, "Sales staff", "\"" ALICE "\"")));
    const char *rest = "{\"kind\":\"group\",\"guid\":\"" SALES "\",\"continued\":true,\"members\":[\"" CAROL "\"]}";
    (void)say(message("r5", "103", "104", false, true, rest));
    assert_members("Everybody", 3, three);
    /* a group that is none of security any more goes, and what it brought */
    const char *mails =
        "{\"kind\":\"group\",\"guid\":\"" SALES "\",\"name\":\"Sales\",\"security\":false,\"members\":[]}";
    (void)say(message("r6", "104", "105", false, true, mails));
    assert_members("Everybody", 1, &two[1]);
}

/* --- runs --- */

static void a_full_run_removes_who_was_not_named(void **state TD_UNUSED)
{
    const char *all = both(person(ALICE, "alice@corp.test", ""), person(BOB, "bob@corp.test", ""));
    full("r1", "100", both(all, group(SALES, "Sales", "\"" ALICE "\"")));
    assert_ok(td_store_write(b.store, by_hand, "own@corp.test", &b.err));
    assert_int_equal(say(message("r2", "0", "200", true, false, person(ALICE, "alice@corp.test", ""))), 0);
    assert_true(there_is("bob@corp.test")); /* not before its end */
    assert_int_equal(say(message("r2", "0", "200", true, true, person(CAROL, "carol@corp.test", ""))), 200);
    assert_false(there_is("bob@corp.test"));
    assert_true(there_is("alice@corp.test"));
    assert_true(there_is("carol@corp.test"));
    assert_true(there_is("own@corp.test"));
    struct asked q = {.key = "Sales"};
    assert_ok(td_store_read(b.store, list_members, &q, &b.err));
    assert_int_equal(q.rc, TD_ENOTFOUND);
    /* its last message once more, because the answer got lost: it is no run of one person */
    assert_int_equal(say(message("r2", "0", "200", true, true, person(CAROL, "carol@corp.test", ""))), 200);
    assert_true(there_is("alice@corp.test"));
}

static void nobody_is_no_full_run(void **state TD_UNUSED)
{
    uint64_t from = 0;
    full("r1", "100", person(ALICE, "alice@corp.test", ""));
    assert_int_equal(say_as("one", message("r2", "0", "200", true, true, ""), &from), TD_ESTATE);
    assert_string_not_equal(b.err.remedy, "");
    assert_true(there_is("alice@corp.test"));
    assert_int_equal(row().usn, 100);
}

static void numbers_of_runs(void **state TD_UNUSED)
{
    uint64_t from = 7;
    assert_int_equal(say(message("", "0", "0", false, false, "")), 0); /* asks only */
    assert_int_equal(say_as("one", message("r0", "0", "9", false, true, person(ALICE, "alice@corp.test", "")), &from),
                     TD_EINVAL);
    full("r1", "100", person(ALICE, "alice@corp.test", ""));
    assert_int_equal(say(message("", "0", "0", false, false, "")), 100);
    /* from a number that is not the present one nothing is taken */
    assert_int_equal(say(message("r2", "90", "110", false, true, person(BOB, "bob@corp.test", ""))), 100);
    assert_false(there_is("bob@corp.test"));
    /* another server has other numbers */
    const char *other = "{\"domain\":\"corp.test\",\"run\":\"r3\",\"server\":\"" OTHER_SERVER "\",\"from\":\"100\","
                        "\"to\":\"110\",\"last\":true,\"objects\":[]}";
    assert_int_equal(say(other), 0);
    assert_int_equal(row().usn, 100);
    /* everything is asked for anew after a while, and after another base */
    b.env.now += TD_SYNC_FULL_EVERY + TD_SECOND;
    assert_int_equal(say(message("r4", "100", "120", false, true, "")), 0);
    full("r5", "120", person(ALICE, "alice@corp.test", ""));
    assert_int_equal(say(message("r6", "120", "121", false, true, "")), 121);
}

static enum td_code other_base(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    return set_domain(tx, true, true, "OU=People,DC=corp,DC=test", err);
}

static void another_base_begins_anew(void **state TD_UNUSED)
{
    full("r1", "100", person(ALICE, "alice@corp.test", ""));
    assert_ok(td_store_write(b.store, other_base, NULL, &b.err));
    assert_int_equal(say(message("", "0", "0", false, false, "")), 0);
}

struct turn {
    const char *connector;
    bool mine;
};

static enum td_code ask_turn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct turn *t = ctx;
    return td_directory_sync_turn(tx, b.ours.id, t->connector, "corp.test", &t->mine, err);
}

static bool turn_of(const char *connector)
{
    struct turn t = {.connector = connector};
    assert_ok(td_store_read(b.store, ask_turn, &t, &b.err));
    return t.mine;
}

static void one_connector_at_a_time(void **state TD_UNUSED)
{
    uint64_t from = 0;
    assert_true(turn_of("one") && turn_of("two"));
    full("r1", "100", person(ALICE, "alice@corp.test", ""));
    assert_true(turn_of("one"));
    assert_false(turn_of("two"));
    assert_ok(say_as("two", message("t1", "0", "100", true, true, person(BOB, "bob@corp.test", "")), &from));
    assert_int_equal(from, 0);
    assert_true(there_is("alice@corp.test") && !there_is("bob@corp.test"));
    b.env.now += TD_SYNC_TURN + TD_SECOND;
    assert_true(turn_of("two"));
    assert_ok(say_as("two", message("t2", "100", "101", false, true, person(BOB, "bob@corp.test", "")), &from));
    assert_int_equal(from, 101);
    assert_true(there_is("bob@corp.test"));
    assert_false(turn_of("one"));
}

static enum td_code begin_connector(struct td_tx *tx, void *ctx, struct td_error *err)
{
    static const unsigned char code[32] = {7};
    return td_connector_add(tx, b.ours.id, "HQ-1", code, "ada", &b.arena, ctx, err);
}

static enum td_code disable_connector(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    return td_connector_enable(tx, b.ours.id, "HQ-1", false, "ada", err);
}

static enum td_code remove_connector(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    return td_connector_remove(tx, b.ours.id, "HQ-1", "ada", err);
}

static enum td_code bind_connector(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    static const char *const elsewhere[] = {"other.test"};
    return td_connector_bind(tx, b.ours.id, "HQ-1", elsewhere, 1, "ada", err);
}

/* Whoever is disabled there meanwhile would stay signed in here for as long as the turn stays with nobody. */
static void a_turn_ends_with_its_connector(void **state TD_UNUSED)
{
    static td_tx_fn *const ends[] = {disable_connector, bind_connector, remove_connector};
    struct td_connector c = {.id = ""};
    uint64_t from = 0;
    assert_ok(td_store_write(b.store, begin_connector, &c, &b.err));
    for (size_t i = 0; i < TD_COUNTOF(ends); i++) {
        assert_ok(say_as(c.id, message("", "0", "0", false, false, ""), &from));
        assert_true(turn_of(c.id) && !turn_of("two"));
        assert_ok(td_store_write(b.store, ends[i], NULL, &b.err));
        assert_true(turn_of("two"));
    }
}

static void messages_that_are_refused(void **state TD_UNUSED)
{
    static const struct {
        const char *json, *where;
        enum td_code code;
    } list[] = {
        {"{}", "domain", TD_EINVAL},
        {"{\"domain\":\"corp.test\"}", "server", TD_EINVAL},
        {"{\"domain\":\"corp.test\",\"server\":\"" SERVER "\",\"from\":\"x\",\"to\":\"1\"}", "from", TD_EINVAL},
        {"{\"domain\":\"corp.test\",\"server\":\"" SERVER "\",\"from\":\"1\",\"to\":\"-1\"}", "to", TD_EINVAL},
        {"{\"domain\":\"corp.test\",\"server\":\"" SERVER "\",\"from\":\"1\",\"to\":\"2\",\"full\":true}", "from",
         TD_EINVAL},
        {"{\"domain\":\"nowhere.test\",\"server\":\"" SERVER "\",\"from\":\"1\",\"to\":\"2\"}", "domain", TD_ENOTFOUND},
        {"{\"domain\":\"corp.test\",\"server\":\"" SERVER "\",\"from\":\"0\",\"to\":\"2\",\"objects\":[{}]}",
         "objects.guid", TD_EINVAL},
        {"{\"domain\":\"corp.test\",\"server\":\"" SERVER "\",\"from\":\"0\",\"to\":\"2\",\"objects\":[{\"guid\":\"" BOB
         "\",\"kind\":\"printer\"}]}",
         "objects.kind", TD_EINVAL},
        {"{\"domain\":\"corp.test\",\"server\":\"" SERVER "\",\"from\":\"0\",\"to\":\"2\",\"objects\":[{\"guid\":\"" BOB
         "\",\"kind\":\"group\",\"members\":[1]}]}",
         "objects.members", TD_EINVAL},
    };
    for (size_t i = 0; i < TD_COUNTOF(list); i++) {
        uint64_t from = 0;
        if (say_as("one", list[i].json, &from) != list[i].code || strcmp(b.err.where, list[i].where) != 0)
            fail_msg("%s: %s %s", list[i].json, b.err.where, b.err.text);
    }
}

/* Waiting does not mend it: never told as "too many requests". */
static void messages_that_are_too_long(void **state TD_UNUSED)
{
    struct td_buf objects, members;
    uint64_t from = 0;
    td_buf_init(&objects, 1 << 20);
    td_buf_init(&members, 1 << 20);
    for (int i = 0; i <= TD_SYNC_OBJECTS_MAX; i++) {
        td_buf_adds(&objects, i != 0 ? "," : "");
        td_buf_adds(&objects, person(BOB, "bob@corp.test", ""));
    }
    td_buf_adds(&members, "{\"kind\":\"group\",\"guid\":\"" BOB "\",\"members\":[\"" BOB "\"");
    for (int i = 0; i < TD_SYNC_MEMBERS_MAX; i++)
        td_buf_adds(&members, ",\"" BOB "\"");
    td_buf_adds(&members, "]}");
    const char *const list[] = {td_arena_text(&b.arena, td_buf_slice(&objects)),
                                td_arena_text(&b.arena, td_buf_slice(&members))};
    for (size_t i = 0; i < TD_COUNTOF(list); i++) {
        assert_int_equal(say_as("one", message("r1", "0", "100", true, true, list[i]), &from), TD_EINVAL);
        assert_non_null(strstr(b.err.where, i == 0 ? "objects" : "objects.members"));
    }
    td_buf_done(&objects);
    td_buf_done(&members);
}

/* --- domains --- */

static enum td_code foreign_domain(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    const struct td_ad_domain_row r = {.domain = "corp.test", .sync_base = "", .sync_seconds = 60};
    return td_ad_domain_put(tx, b.theirs.id, &r, "command line", err);
}

static enum td_code second_domain(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    const struct td_ad_domain_row r = {
        .domain = "lab.test", .sign_in = true, .sync = true, .sync_base = "", .sync_seconds = 60};
    return td_ad_domain_put(tx, b.ours.id, &r, "command line", err);
}

static void domains_keep_to_themselves(void **state TD_UNUSED)
{
    assert_int_equal(td_store_write(b.store, foreign_domain, NULL, &b.err), TD_EEXISTS);
    assert_ok(td_store_write(b.store, second_domain, NULL, &b.err));
    full("r1", "100", person(ALICE, "alice@corp.test", ""));
    const char *theft =
        td_arena_printf(&b.arena,
                        "{\"domain\":\"lab.test\",\"run\":\"q\",\"server\":\"" OTHER_SERVER
                        "\",\"from\":\"0\",\"to\":\"5\",\"full\":true,\"last\":true,\"objects\":[%s,%s]}",
                        person(ALICE, "eve@lab.test", ""), person(BOB, "bob@lab.test", ""));
    assert_int_equal(say(theft), 5);
    assert_true(there_is("alice@corp.test") && there_is("bob@lab.test"));
    assert_false(there_is("eve@lab.test"));
    const char *deletion =
        "{\"domain\":\"lab.test\",\"run\":\"q2\",\"server\":\"" OTHER_SERVER "\",\"from\":\"5\",\"to\":"
        "\"6\",\"last\":true,\"objects\":[{\"guid\":\"" ALICE "\",\"deleted\":true}]}";
    assert_int_equal(say(deletion), 6);
    assert_true(there_is("alice@corp.test"));
}

static void members_are_told_by_their_groups_domain(void **state TD_UNUSED)
{
    static const char *const alice[] = {"alice@corp.test"};
    static const char head[] = "{\"domain\":\"lab.test\",\"run\":\"q%d\",\"server\":\"" OTHER_SERVER
                               "\",\"from\":\"%d\",\"to\":\"%d\",\"full\":%s,\"last\":true,\"objects\":[%s]}";
    const char *const thefts[] = {group(SALES, "Sales", "\"" BOB "\""),
                                  "{\"kind\":\"group\",\"guid\":\"" SALES "\",\"continued\":true,\"members\":[\"" BOB
                                  "\"]}",
                                  "{\"guid\":\"" SALES "\",\"deleted\":true}"};
    assert_ok(td_store_write(b.store, second_domain, NULL, &b.err));
    full("r1", "100", both(person(ALICE, "alice@corp.test", ""), group(SALES, "Sales", "\"" ALICE "\"")));
    (void)say(td_arena_printf(&b.arena, head, 0, 0, 1, "true", person(BOB, "bob@lab.test", "")));
    for (int i = 0; i < (int)TD_COUNTOF(thefts); i++) {
        (void)say(td_arena_printf(&b.arena, head, i + 1, i + 1, i + 2, "false", thefts[i]));
        assert_members("Sales", 1, alice);
    }
}

/* --- sign-in --- */

struct signing {
    struct td_ad_person p;
    const char *id;
};

static enum td_code sign(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct signing *s = ctx;
    return td_ad_person_signed_in(tx, b.ours.id, "corp.test", &s->p, &b.arena, &s->id, err);
}

static enum td_code signed_in(const char *guid, const char *upn, const char **ret_id)
{
    struct signing s = {
        .p = {.guid = guid, .sid = "S-1-5-21-1-2-3-9", .upn = upn, .sam = "s", .name = "N", .mail = ""}};
    enum td_code rc = td_store_write(b.store, sign, &s, &b.err);
    *ret_id = s.id;
    return rc;
}

static void whoever_signs_in_becomes_an_account(void **state TD_UNUSED)
{
    const char *id = NULL, *again = NULL;
    full("r1", "100", group(SALES, "Sales", "\"" ALICE "\""));
    assert_ok(signed_in(ALICE, "alice@corp.test", &id));
    struct td_user alice = user_of("alice@corp.test");
    assert_string_equal(alice.id, id);
    assert_string_equal(alice.source, "ad");
    static const char *const one[] = {"alice@corp.test"};
    assert_members("Sales", 1, one);
    assert_ok(signed_in(ALICE, "alice@corp.test", &again));
    assert_string_equal(again, id);
    /* the same name, somebody else: nothing of the former one's is hers */
    assert_ok(signed_in(BOB, "alice@corp.test", &again));
    assert_string_not_equal(again, id);
    assert_string_equal(user_of("alice@corp.test").ad_guid, BOB);
    /* an account made by hand is nobody's prey */
    assert_ok(td_store_write(b.store, by_hand, "admin@contoso.test", &b.err));
    assert_int_equal(signed_in(CAROL, "admin@contoso.test", &again), TD_EDENIED);
    assert_string_equal(user_of("admin@contoso.test").source, "");
    /* with a base, only who was taken over may */
    assert_ok(td_store_write(b.store, other_base, NULL, &b.err));
    assert_int_equal(signed_in(CAROL, "carol@corp.test", &again), TD_EDENIED);
    assert_ok(signed_in(BOB, "alice@corp.test", &again));
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(people_appear_change_and_go),
        T(names_made_by_hand_stay),
        T(disabled_though_its_name_is_refused),
        T(a_name_without_end_is_cut),
        T(names_change_hands),
        T(synced_are_not_changed_by_hand),
        T(groups_within_groups_in_any_order),
        T(a_full_run_removes_who_was_not_named),
        T(nobody_is_no_full_run),
        T(numbers_of_runs),
        T(another_base_begins_anew),
        T(one_connector_at_a_time),
        T(a_turn_ends_with_its_connector),
        T(messages_that_are_refused),
        T(messages_that_are_too_long),
        T(domains_keep_to_themselves),
        T(members_are_told_by_their_groups_domain),
        T(whoever_signs_in_becomes_an_account),
    };
    return cmocka_run_group_tests_name("directory_sync", tests, NULL, NULL);
}
