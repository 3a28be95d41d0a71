/* store/connector: codes used once, keys that find their connector, what each reports, who serves what
 * (docs/protocol/connector.md 1, 2). */
#include "store/audit.h"
#include "store/connector.h"
#include "store/domain_join.h"
#include "unit/store/life_world.h"

static const unsigned char code_a[32] = {1}, code_b[32] = {2}, key_a[32] = {11}, key_b[32] = {12};

static struct td_connector add(struct td_tx *tx, struct life *l, const char *tenant, const char *name,
                               const unsigned char code[32])
{
    struct td_connector c;
    assert_ok(td_connector_add(tx, tenant, name, code, "ada", &l->arena, &c, NULL));
    return c;
}

static enum td_code enter(struct td_tx *tx, struct life *l, const unsigned char code[32], const unsigned char key[32],
                          struct td_connector *ret, struct td_error *err)
{
    struct td_connector what = {.encryption_key = TD_S("RSA"), .version = "1.0"};
    memcpy(what.key_sha256, key, 32);
    return td_connector_register(tx, code, &what, &l->arena, ret, err);
}

static const char *second_tenant(struct td_tx *tx, struct life *l)
{
    struct td_tenant t;
    assert_ok(td_tenant_add(tx, "fabrikam.test", NULL, &l->arena, &t, NULL));
    return t.id;
}

static void codes(struct td_tx *tx, struct life *l)
{
    struct td_connector c, again;
    struct td_error err = {0};
    add(tx, l, l->tenant, "HQ-1", code_a);
    assert_int_equal(td_connector_by_key(tx, key_a, &l->arena, &c, &err), TD_EAUTH);
    assert_int_equal(enter(tx, l, code_b, key_a, &c, &err), TD_EDENIED); /* unknown */
    assert_true(err.remedy[0] != '\0');
    assert_ok(enter(tx, l, code_a, key_a, &c, NULL));
    assert_string_equal(c.name, "HQ-1");
    assert_string_equal(c.tenant, l->tenant);
    assert_true(c.registered && c.enabled && c.last_contact == td_tx_now(tx));
    assert_slice(c.encryption_key, "RSA");
    assert_ok(enter(tx, l, code_a, key_a, &again, NULL)); /* its answer was lost */
    assert_string_equal(again.id, c.id);
    assert_int_equal(enter(tx, l, code_a, key_b, &c, &err), TD_EDENIED);
    add(tx, l, second_tenant(tx, l), "HQ-1", code_b);
    assert_int_equal(enter(tx, l, code_b, key_a, &c, &err), TD_EEXISTS); /* of another connector, whoever's */
    assert_ok(td_connector_by_key(tx, key_a, &l->arena, &c, NULL));
    assert_string_equal(c.id, again.id);
}

static void a_code_is_good_once(void **state)
{
    life_write(*state, codes);
}

static void disabled(struct td_tx *tx, struct life *l)
{
    struct td_connector c;
    struct td_error err = {0};
    bool open = false;
    add(tx, l, l->tenant, "HQ-1", code_a);
    assert_ok(td_connector_enable(tx, l->tenant, "HQ-1", false, "ada", NULL));
    assert_int_equal(enter(tx, l, code_a, key_a, &c, &err), TD_EDENIED);
    assert_non_null(strstr(err.remedy, "connector enable")); /* a new code would not help */
    assert_ok(td_connector_by_code(tx, code_a, &l->arena, &c, &open, NULL));
    assert_true(open);
    assert_ok(td_connector_enable(tx, l->tenant, "HQ-1", true, "ada", NULL));
    assert_ok(enter(tx, l, code_a, key_a, &c, NULL));
    assert_ok(td_connector_by_code(tx, code_a, &l->arena, &c, &open, NULL));
    assert_true(!open && c.registered);
    assert_int_equal(td_connector_by_code(tx, code_b, &l->arena, &c, &open, &err), TD_ENOTFOUND);
}

static void one_that_is_disabled_says_so(void **state)
{
    life_write(*state, disabled);
}

static void late(struct td_tx *tx, struct life *l)
{
    struct td_connector c;
    assert_int_equal(enter(tx, l, code_a, key_a, &c, NULL), TD_EDENIED);
}

static void in_time(struct td_tx *tx, struct life *l)
{
    struct td_connector c;
    assert_ok(enter(tx, l, code_a, key_a, &c, NULL));
}

static void make_one(struct td_tx *tx, struct life *l)
{
    add(tx, l, l->tenant, "HQ-1", code_a);
}

static void a_code_runs_out(void **state)
{
    struct life *l = *state;
    life_write(l, make_one);
    l->env.now += TD_CONNECTOR_CODE_LIFE;
    life_write(l, late);
    l->env.now -= TD_CONNECTOR_CODE_LIFE + TD_HOUR; /* a clock that was put back makes no code good for longer */
    life_write(l, late);
    l->env.now += TD_CONNECTOR_CODE_LIFE + TD_HOUR - TD_SECOND;
    life_write(l, in_time);
    l->env.now += 2 * TD_DAY; /* the answer that was lost comes late, but it is the same key */
    life_write(l, in_time);
}

static void names(struct td_tx *tx, struct life *l)
{
    struct td_connector c, *list = NULL;
    struct td_error err = {0};
    size_t n = 0;
    c = add(tx, l, l->tenant, "HQ-1", code_a);
    assert_int_equal(td_connector_add(tx, l->tenant, "hq-1", code_b, "ada", &l->arena, &c, &err), TD_EEXISTS);
    assert_int_equal(td_connector_add(tx, l->tenant, "", code_b, "ada", &l->arena, &c, &err), TD_EINVAL);
    assert_int_equal(td_connector_add(tx, l->tenant, " x", code_b, "ada", &l->arena, &c, &err), TD_EINVAL);
    assert_int_equal(td_connector_add(tx, l->tenant, "a\nb", code_b, "ada", &l->arena, &c, &err), TD_EINVAL);
    assert_ok(td_connector_find(tx, l->tenant, "Hq-1", &l->arena, &c, NULL));
    assert_ok(td_connector_find(tx, l->tenant, c.id, &l->arena, &c, NULL));
    const char *foreign = second_tenant(tx, l);
    assert_int_equal(td_connector_find(tx, foreign, c.id, &l->arena, &c, &err), TD_ENOTFOUND);
    assert_int_equal(td_connector_remove(tx, foreign, c.id, "bob", &err), TD_ENOTFOUND);
    assert_int_equal(td_connector_enable(tx, foreign, c.id, false, "bob", &err), TD_ENOTFOUND);
    assert_ok(td_connector_list(tx, foreign, &l->arena, &list, &n, NULL));
    assert_int_equal(n, 0);
    assert_ok(td_connector_remove(tx, l->tenant, "HQ-1", "ada", NULL));
    assert_ok(td_connector_list(tx, l->tenant, &l->arena, &list, &n, NULL));
    assert_int_equal(n, 0);
    assert_int_equal(enter(tx, l, code_a, key_a, &c, &err), TD_EDENIED); /* its code went with it */
}

static void names_are_unique_in_their_tenant(void **state)
{
    life_write(*state, names);
}

static void disabling(struct td_tx *tx, struct life *l)
{
    struct td_connector c;
    struct td_error err = {0};
    add(tx, l, l->tenant, "HQ-1", code_a);
    assert_ok(enter(tx, l, code_a, key_a, &c, NULL));
    assert_ok(td_connector_enable(tx, l->tenant, "HQ-1", false, "ada", NULL));
    assert_int_equal(td_connector_by_key(tx, key_a, &l->arena, &c, &err), TD_EDENIED);
    assert_int_equal(enter(tx, l, code_a, key_a, &c, &err), TD_EDENIED);
    assert_ok(td_connector_enable(tx, l->tenant, "HQ-1", true, "ada", NULL));
    assert_ok(td_connector_by_key(tx, key_a, &l->arena, &c, NULL));
}

static void disabled_opens_no_door(void **state)
{
    life_write(*state, disabling);
}

static void too_many(struct td_tx *tx, struct life *l)
{
    struct td_connector c;
    struct td_error err = {0};
    unsigned char code[32] = {7};
    for (int i = 0; i < TD_CONNECTORS_MAX; i++) {
        code[1] = (unsigned char)i;
        add(tx, l, l->tenant, td_arena_printf(&l->arena, "c%d", i), code);
    }
    assert_int_equal(td_connector_add(tx, l->tenant, "one more", code_b, "ada", &l->arena, &c, &err), TD_ELIMIT);
}

static void there_are_bounds(void **state)
{
    life_write(*state, too_many);
}

/* --- domains ------------------------------------------------------------------------------------------------------ */

static int events(struct td_tx *tx, struct life *l, const char *type)
{
    struct td_event *list = NULL;
    size_t n = 0;
    int found = 0;
    assert_ok(td_event_list(tx, l->tenant, NULL, 0, 1000, &l->arena, &list, &n, NULL));
    for (size_t i = 0; i < n; i++)
        found += strcmp(list[i].type, type) == 0;
    return found;
}

static void say(struct td_tx *tx, struct life *l, const char *who, const char *domain, const char *problem)
{
    const struct td_connector_domain d = {
        .domain = domain, .netbios = "CORP", .dc = "dc1", .site = "", .problem = problem, .detail = "so it is"};
    assert_ok(td_connector_seen(tx, l->tenant, who, "2.0", &d, 1, NULL));
}

static bool serves(struct td_tx *tx, const char *tenant, const char *domain)
{
    bool yes = false;
    assert_ok(td_connector_serves(tx, tenant, domain, &yes, NULL));
    return yes;
}

static size_t duties(struct td_tx *tx, struct life *l, const char *id)
{
    const char **list = NULL;
    size_t n = 0;
    assert_ok(td_connector_duties(tx, l->tenant, id, &l->arena, &list, &n, NULL));
    return n;
}

static void two(struct td_tx *tx, struct life *l)
{
    struct td_connector c;
    add(tx, l, l->tenant, "HQ-1", code_a);
    add(tx, l, l->tenant, "HQ-2", code_b);
    assert_ok(enter(tx, l, code_a, key_a, &c, NULL));
    assert_ok(enter(tx, l, code_b, key_b, &c, NULL));
}

static void reporting(struct td_tx *tx, struct life *l)
{
    struct td_connector a, b;
    struct td_connector_domain *list = NULL;
    struct td_connector_counts counts;
    size_t n = 0;
    assert_ok(td_connector_find(tx, l->tenant, "HQ-1", &l->arena, &a, NULL));
    assert_ok(td_connector_find(tx, l->tenant, "HQ-2", &l->arena, &b, NULL));
    assert_false(serves(tx, l->tenant, "corp.test"));
    say(tx, l, a.id, "corp.test", "");
    assert_int_equal(events(tx, l, "connector.problem"), 0);
    assert_true(serves(tx, l->tenant, "corp.test"));
    assert_false(serves(tx, l->tenant, "other.test"));
    assert_false(serves(tx, second_tenant(tx, l), "corp.test"));
    say(tx, l, a.id, "corp.test", "NoDc");
    say(tx, l, a.id, "corp.test", "NoDc");
    assert_int_equal(events(tx, l, "connector.problem"), 1); /* a change, not every report */
    assert_int_equal(duties(tx, l, a.id), 1);                /* nobody does better */
    assert_ok(td_connector_counts(tx, &counts, NULL));
    assert_true(counts.failing == 1 && counts.active == 1 && counts.inactive == 0);
    say(tx, l, b.id, "corp.test", "");
    assert_int_equal(duties(tx, l, a.id), 0);
    assert_int_equal(duties(tx, l, b.id), 1);
    assert_ok(td_connector_enable(tx, l->tenant, b.id, false, "ada", NULL));
    assert_int_equal(duties(tx, l, a.id), 1);
    assert_ok(td_connector_enable(tx, l->tenant, b.id, true, "ada", NULL));
    say(tx, l, a.id, "corp.test", "");
    assert_int_equal(events(tx, l, "connector.recovered"), 1);
    say(tx, l, a.id, "corp.test", "NoDc"); /* it comes and goes: told once in a while */
    say(tx, l, a.id, "corp.test", "");
    assert_int_equal(events(tx, l, "connector.problem"), 1);
    assert_int_equal(events(tx, l, "connector.recovered"), 1);
    say(tx, l, a.id, "corp.test", "ClockSkew");
    assert_int_equal(events(tx, l, "connector.problem"), 2);
    say(tx, l, a.id, "new.test", ""); /* what it does not name any more is gone */
    assert_ok(td_connector_domains(tx, l->tenant, &l->arena, &list, &n, NULL));
    assert_int_equal(n, 2);
    assert_string_equal(list[0].domain, "corp.test");
    assert_string_equal(list[0].connector_id, b.id);
    assert_string_equal(list[1].domain, "new.test");
    assert_ok(td_connector_seen(tx, l->tenant, a.id, NULL, NULL, 0, NULL)); /* as before */
    assert_int_equal(duties(tx, l, a.id), 1);
    assert_ok(td_connector_find(tx, l->tenant, a.id, &l->arena, &a, NULL));
    assert_string_equal(a.version, "2.0");
}

static void silent(struct td_tx *tx, struct life *l)
{
    struct td_connector_counts counts;
    assert_false(serves(tx, l->tenant, "corp.test"));
    assert_ok(td_connector_counts(tx, &counts, NULL));
    assert_true(counts.inactive == 2 && counts.active == 0);
    assert_ok(td_connector_remove(tx, l->tenant, "HQ-2", "ada", NULL));
    assert_int_equal(life_count(tx, "SELECT COUNT(*) FROM connector_domain WHERE domain = $1", "corp.test"), 0);
}

static void what_is_reported_decides_who_serves(void **state)
{
    struct life *l = *state;
    life_write(l, two);
    life_write(l, reporting);
    l->env.now += TD_CONNECTOR_STALE + TD_SECOND;
    life_write(l, silent);
}

/* --- bound to domains --------------------------------------------------------------------------------------------- */

static const char *const corp[] = {"Corp.Test"}, *const lab[] = {"lab.test"};

static enum td_code bind_to(struct td_tx *tx, struct life *l, const char *const *domains, size_t count,
                            struct td_error *err)
{
    return td_connector_bind(tx, l->tenant, "HQ-1", domains, count, "ada", err);
}

static size_t able(struct td_tx *tx, struct life *l, const char *domain)
{
    const char **ids = NULL;
    size_t n = 0;
    assert_ok(td_connector_able(tx, l->tenant, domain, &l->arena, &ids, &n, NULL));
    return n;
}

static void bound(struct td_tx *tx, struct life *l)
{
    struct td_connector c, *list = NULL;
    struct td_error err = {0};
    bool other = true;
    size_t n = 0;
    assert_ok(bind_to(tx, l, corp, 1, NULL));
    assert_ok(td_connector_find(tx, l->tenant, "HQ-1", &l->arena, &c, NULL));
    assert_int_equal(c.bound_count, 1);
    assert_string_equal(c.bound[0], "corp.test");
    assert_ok(td_connector_may(tx, l->tenant, c.id, "corp.test", NULL));
    assert_int_equal(td_connector_may(tx, l->tenant, c.id, "lab.test", &err), TD_EDENIED);
    assert_string_equal(err.where, "domain");
    assert_non_null(strstr(err.text, "lab.test"));
    assert_true(err.remedy[0] != '\0');
    say(tx, l, c.id, "lab.test", "");
    assert_false(serves(tx, l->tenant, "lab.test"));
    assert_int_equal(duties(tx, l, c.id), 0);
    assert_int_equal(able(tx, l, "lab.test"), 0);
    assert_ok(td_connector_other(tx, l->tenant, "", "lab.test", &other, NULL));
    assert_false(other);
    assert_ok(td_connector_list(tx, l->tenant, &l->arena, &list, &n, NULL));
    assert_true(n == 2 && list[0].bound_count == 1 && list[1].bound_count == 0);
    assert_ok(td_connector_may(tx, l->tenant, list[1].id, "lab.test", NULL)); /* bound to none: any */
    assert_ok(bind_to(tx, l, NULL, 0, NULL));
    assert_true(serves(tx, l->tenant, "lab.test"));
    assert_int_equal(duties(tx, l, c.id), 1);
    assert_int_equal(able(tx, l, "lab.test"), 1);
}

static void bound_it_serves_those_alone(void **state)
{
    life_write(*state, two);
    life_write(*state, bound);
}

static void bound_wrongly(struct td_tx *tx, struct life *l)
{
    static const char *const names[] = {"", "a b", ".test", "a..b", "corp.test."};
    const char *many[TD_CONNECTOR_DOMAINS_MAX + 1];
    struct td_error err = {0};
    const char *foreign = second_tenant(tx, l);
    for (size_t i = 0; i < TD_COUNTOF(names); i++) {
        assert_int_equal(bind_to(tx, l, &names[i], 1, &err), TD_EINVAL);
        assert_string_equal(err.where, "domain");
    }
    for (size_t i = 0; i < TD_COUNTOF(many); i++)
        many[i] = td_arena_printf(&l->arena, "d%zu.test", i);
    assert_int_equal(bind_to(tx, l, many, TD_COUNTOF(many), &err), TD_ELIMIT);
    assert_ok(bind_to(tx, l, many, TD_COUNTOF(many) - 1, NULL));
    assert_int_equal(td_connector_bind(tx, foreign, "HQ-1", corp, 1, "bob", &err), TD_ENOTFOUND);
    assert_int_equal(td_connector_bind(tx, l->tenant, "HQ-9", corp, 1, "ada", &err), TD_ENOTFOUND);
    assert_ok(td_connector_remove(tx, l->tenant, "HQ-1", "ada", NULL));
    assert_int_equal(life_count(tx, "SELECT COUNT(*) FROM connector_bound WHERE domain = $1", "d0.test"), 0);
}

static void binding_is_read_strictly(void **state)
{
    life_write(*state, two);
    life_write(*state, bound_wrongly);
}

/* What it reported of a domain that it may serve no more is its problem from this moment on, and no other's. */
static void bound_later(struct td_tx *tx, struct life *l)
{
    struct td_connector a, b;
    struct td_connector_counts counts;
    const struct td_connector_domain named = {.domain = "new.test"};
    assert_ok(td_connector_find(tx, l->tenant, "HQ-1", &l->arena, &a, NULL));
    assert_ok(td_connector_find(tx, l->tenant, "HQ-2", &l->arena, &b, NULL));
    say(tx, l, a.id, "corp.test", "");
    say(tx, l, b.id, "corp.test", "");
    assert_ok(bind_to(tx, l, lab, 1, NULL));
    assert_ok(td_connector_counts(tx, &counts, NULL));
    assert_true(counts.failing == 1 && counts.active == 1);
    assert_int_equal(able(tx, l, "corp.test"), 1);
    assert_ok(td_connector_refused(tx, l->tenant, a.id, "3.0", &named, 1, NULL));
    assert_ok(td_connector_refused(tx, l->tenant, a.id, "3.0", &named, 1, NULL));
    assert_int_equal(events(tx, l, "connector.problem"), 1);
    assert_int_equal(life_count(tx, "SELECT COUNT(*) FROM connector_domain WHERE problem = $1", "NotBound"), 1);
    assert_ok(bind_to(tx, l, NULL, 0, NULL));
    assert_ok(td_connector_counts(tx, &counts, NULL));
    assert_true(counts.failing == 0 && counts.active == 2);
}

static void what_it_named_is_its_problem(void **state)
{
    life_write(*state, two);
    life_write(*state, bound_later);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, life_setup, life_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_code_is_good_once),
        TEST(one_that_is_disabled_says_so),
        TEST(a_code_runs_out),
        TEST(names_are_unique_in_their_tenant),
        TEST(disabled_opens_no_door),
        TEST(there_are_bounds),
        TEST(what_is_reported_decides_who_serves),
        TEST(bound_it_serves_those_alone),
        TEST(binding_is_read_strictly),
        TEST(what_it_named_is_its_problem),
    };
    return cmocka_run_group_tests_name("store_connector", tests, NULL, NULL);
}
