/* store/retention: history goes when a tenant no longer keeps it, oldest first, in slices; state never does. */
#include "store/audit.h"
#include "store/domain_join.h"
#include "store/event.h"
#include "store/life.h"
#include "store/retention.h"
#include "unit/store/life_world.h"

#include <inttypes.h>
#include <stdio.h>

static const char dev[] = "device-1", enr[] = "enrolment-1";

static const char *setting[2];

static void set(struct td_tx *tx, struct life *l)
{
    assert_ok(td_tenant_set(tx, l->tenant, setting[0], setting[1], "admin", NULL));
}

static void keeps(struct life *l, const char *key, const char *days)
{
    setting[0] = key;
    setting[1] = days;
    life_write(l, set);
}

static enum td_code due(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_retention_is_due(tx, ctx, err);
}

static bool is_due(struct life *l)
{
    bool ret = false;
    assert_ok(td_store_read(l->store, due, &ret, NULL));
    return ret;
}

static enum td_code one_slice(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_retention_slice(tx, ctx, err);
}

/* *ret_slices: how many writes it took. */
static int runs(struct life *l)
{
    bool more = true;
    int n = 0;
    for (; more && n < 1000; n++) {
        struct td_error err = {0};
        if (td_store_write(l->store, one_slice, &more, &err) != TD_OK)
            fail_msg("%s", err.text);
    }
    return n;
}

struct counting {
    const char *sql, *value;
    int64_t n;
};

static enum td_code count_rows(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct counting *c = ctx;
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err, c->sql, "s", c->value));
    while (td_rows_next(&r))
        c->n = td_col_int(&r, 0);
    return td_rows_done(&r, err);
}

static int64_t rows(struct life *l, const char *sql, const char *value)
{
    struct counting c = {sql, value, -1};
    assert_ok(td_store_read(l->store, count_rows, &c, NULL));
    return c.n;
}

#define EVENTS(l, subject) rows((l), "SELECT COUNT(*) FROM event WHERE subject = $1", (subject))

enum { HAPPENED = 450 };

static void happens(struct td_tx *tx, struct life *l)
{
    const struct td_event e = {.subject = dev, .type = "device.note", .actor = "device", .detail = "{}"};
    for (int i = 0; i < HAPPENED; i++)
        assert_ok(td_event_append(tx, l->tenant, &e, NULL));
}

static void told(struct td_tx *tx, struct life *l)
{
    const struct td_audit on_device = {
        .type = "managed-device.changed", .actor = "admin", .subject = dev, .kind = "managed-device"};
    const struct td_audit on_group = {.type = "group.changed", .actor = "admin", .kind = "group"};
    assert_ok(td_audit_tell(tx, l->tenant, &on_device, NULL));
    assert_ok(td_audit_tell(tx, l->tenant, &on_group, NULL));
}

static void events_go_by_age(void **state)
{
    struct life *l = *state;
    life_write(l, happens);
    l->env.now += 20 * TD_DAY;
    life_write(l, happens);
    assert_false(is_due(l)); /* everything is kept */
    keeps(l, "event-retention", "10");
    assert_true(is_due(l));
    assert_true(runs(l) > HAPPENED / TD_RETENTION_ROWS);
    assert_int_equal(EVENTS(l, dev), HAPPENED);
    assert_false(is_due(l));
    l->env.now += 11 * TD_DAY;
    assert_true(is_due(l));
    (void)runs(l);
    assert_int_equal(EVENTS(l, dev), 0);
    assert_int_equal(rows(l, "SELECT rows FROM life_cut WHERE kind = $1", "event"), 2 * HAPPENED);
    assert_true(rows(l, "SELECT before_at FROM life_cut WHERE kind = $1", "event") <= l->env.now - 11 * TD_DAY + 1);
}

/* An event of the audit goes when both the audit and the timeline let it go. */
static void the_audit_has_its_own_time(void **state)
{
    struct life *l = *state;
    life_write(l, told);
    l->env.now += 30 * TD_DAY;
    keeps(l, "event-retention", "10");
    (void)runs(l);
    assert_int_equal(EVENTS(l, dev), 1);
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM event WHERE type = $1", "group.changed"), 1);
    keeps(l, "audit-retention", "20");
    (void)runs(l);
    assert_int_equal(EVENTS(l, dev), 0);
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM event WHERE type = $1", "group.changed"), 0);
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM audit WHERE kind = $1", "group"), 0);
    keeps(l, "event-retention", "0");
    life_write(l, told);
    l->env.now += 30 * TD_DAY;
    (void)runs(l);
    assert_int_equal(EVENTS(l, dev), 1); /* of the timeline, which is kept */
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM audit WHERE kind = $1", "managed-device"), 0);
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM event WHERE type = $1", "group.changed"), 0);
}

static void managed(struct td_tx *tx, struct life *l)
{
    static const char *const again[] = {"enrolment-0", enr};
    life_join(tx, l, dev, "ada@contoso.test");
    for (size_t i = 0; i < 2; i++)
        life_enrol(tx, l, again[i], dev, "ada@contoso.test");
}

static const char *batch = "";

static void action(struct td_tx *tx, struct life *l, const char *id, int64_t ended_at)
{
    assert_ok(
        td_sql(tx, NULL,
               "INSERT INTO device_action(tenant, id, enrolment_id, way_id, batch_id, kind, state, destroys, ends,"
               " parameter, reason, actor, decided_by, asked_at, decided_at, sent_at, accepted_at, ended_at,"
               " changed_at, reported, hresult, cause, remedy) VALUES ($1, $2, $3, $4, $6, 1, 2, 0, 0, '', '', '',"
               " '', 1, 0, 1, 0, $5, 1, -1, 0, '', '')",
               "ssssis", l->tenant, id, enr, dev, ended_at, batch));
}

static void asked(struct td_tx *tx, struct life *l)
{
    action(tx, l, "open", 0);
    action(tx, l, "over", td_tx_now(tx));
}

/* What holds stays whatever its age: the enrolment that is active, an action that waits, the last deployment. */
static void state_stays(void **state)
{
    struct life *l = *state;
    life_write(l, managed);
    life_write(l, asked);
    keeps(l, "history-retention", "30");
    l->env.now += 300 * TD_DAY;
    (void)runs(l);
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM device_action WHERE enrolment_id = $1", enr), 1);
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM device_action WHERE id = $1", "open"), 1);
    /* replaced, but its certificate has not run out: the door must know it */
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM enrolment WHERE device_id = $1", dev), 2);
    l->env.now += 200 * TD_DAY;
    (void)runs(l);
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM enrolment WHERE device_id = $1", dev), 1);
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM enrolment WHERE id = $1", enr), 1);
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM directory_device WHERE id = $1", dev), 1);
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM way WHERE id = $1", dev), 1);
}

static void bulk(struct td_tx *tx, struct life *l, const char *id, int64_t ended_at)
{
    assert_ok(td_sql(tx, NULL,
                     "INSERT INTO action_batch(tenant, id, kind, state, destroys, parameter, reason, actor, decided_by,"
                     " asked_at, decided_at, ended_at, total) VALUES ($1, $2, 1, 2, 0, '', '', '', '', 1, 0, $3, 300)",
                     "ssi", l->tenant, id, ended_at));
    for (int i = 0; i < 300; i++)
        assert_ok(td_sql(tx, NULL,
                         "INSERT INTO action_batch_device(tenant, batch_id, position, enrolment_id, state, cause)"
                         " VALUES ($1, $2, $3, $4, 1, '')",
                         "ssis", l->tenant, id, (int64_t)i, enr));
}

static void asked_in_bulk(struct td_tx *tx, struct life *l)
{
    bulk(tx, l, "gone", td_tx_now(tx));
    bulk(tx, l, "begun", td_tx_now(tx));
    bulk(tx, l, "waits", 0);
    batch = "gone";
    action(tx, l, "over", td_tx_now(tx));
    batch = "begun";
    action(tx, l, "open", 0);
    batch = "";
}

/* A bulk action goes behind the last of what was asked with it. */
static void bulk_actions_go(void **state)
{
    struct life *l = *state;
    life_write(l, managed);
    life_write(l, asked_in_bulk);
    keeps(l, "history-retention", "30");
    l->env.now += 40 * TD_DAY;
    (void)runs(l);
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM action_batch WHERE id = $1", "gone"), 0);
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM action_batch_device WHERE batch_id = $1", "gone"), 0);
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM action_batch WHERE id <> $1", "gone"), 2);
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM action_batch_device WHERE batch_id <> $1", "gone"), 600);
}

static void cut(struct td_tx *tx, struct life *l)
{
    struct td_life life;
    assert_ok(td_life_find(tx, l->tenant, dev, &l->arena, &life, NULL));
    assert_true(life.cut_at != 0);
}

static void a_life_says_that_it_was_cut(void **state)
{
    struct life *l = *state;
    life_write(l, managed);
    keeps(l, "event-retention", "1");
    l->env.now += 3 * TD_DAY;
    (void)runs(l);
    life_write(l, cut);
}

static void gone(struct td_tx *tx, struct life *l)
{
    assert_ok(
        td_sql(tx, NULL,
               "INSERT INTO life_machine(tenant, way_id, registration_id, serial, serial_key, manufacturer, model,"
               " ended_at) VALUES ($1, $2, 'r', 'S', 'S', '', '', $3)",
               "ssi", l->tenant, dev, td_tx_now(tx)));
    assert_ok(td_sql(tx, NULL, "INSERT INTO life_fact(tenant, way_id, kind, value) VALUES ($1, $2, 1, 'u')", "ss",
                     l->tenant, dev));
    happens(tx, l);
}

/* By what a machine would be known again goes with the last event of it, and not before. */
static void a_machine_is_forgotten_last(void **state)
{
    struct life *l = *state;
    life_write(l, gone);
    l->env.now += 30 * TD_DAY;
    (void)runs(l);
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM life_fact WHERE way_id = $1", dev), 1);
    keeps(l, "event-retention", "10");
    (void)runs(l);
    assert_int_equal(EVENTS(l, dev), 0);
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM life_fact WHERE way_id = $1", dev), 0);
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM life_machine WHERE way_id = $1", dev), 0);
}

static void work(struct td_tx *tx, struct life *l, const char *enrolment, const char *way, bool made)
{
    static const char *const corp[] = {"corp.test"};
    const struct td_domain_asking asking = {way, enrolment, "", "SN", "i", "corp.test", "", "PC-%RAND:5%", "own"};
    const struct td_domain_made account = {
        .account_guid = enrolment, .account_sid = "S-1-5-21-1-2-3-4", .account_dn = "", .sealed = TD_S("SEALED")};
    struct td_domain_join j;
    assert_ok(td_domain_join_ask(tx, l->tenant, &asking, &l->arena, &j, NULL));
    assert_ok(td_domain_join_lease(tx, l->tenant, "c", corp, 1, &l->arena, &j, NULL));
    if (made)
        assert_ok(td_domain_join_made(tx, l->tenant, j.id, 1, &account, NULL));
    assert_ok(made ? td_domain_join_confirmed(tx, l->tenant, j.id, NULL)
                   : td_domain_join_failed(tx, l->tenant, j.id, TD_DJ_REFUSED, "", NULL));
}

static void accounts(struct td_tx *tx, struct life *l)
{
    struct td_way_row way;
    struct td_domain_join j = {
        .way_id = "gone", .domain = "corp.test", .account_guid = "g", .account_sid = "", .name = ""};
    assert_ok(td_way_add(tx, l->tenant, TD_WAY_ID, "there", &l->arena, &way, NULL));
    work(tx, l, "failed", "there", false);
    work(tx, l, "its account", "there", true);
    work(tx, l, "account of nobody", "gone", true);
    assert_ok(td_domain_removal_ask(tx, l->tenant, &j, true, NULL));
}

/* Which account a device has is state; what was tried is history. */
static void a_device_keeps_its_account(void **state)
{
    struct life *l = *state;
    life_write(l, accounts);
    keeps(l, "history-retention", "10");
    l->env.now += 11 * TD_DAY;
    (void)runs(l);
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM domain_join WHERE account_guid = $1", "its account"), 1);
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM domain_join WHERE enrolment_id <> $1", "its account"), 0);
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM domain_removal WHERE account_guid = $1", "g"), 1); /* to be done */
}

/* A second tenant's wish touches the first one's rows never. */
static void other(struct td_tx *tx, struct life *l)
{
    struct td_tenant t;
    const struct td_event e = {.subject = "theirs", .type = "device.note", .actor = "device", .detail = "{}"};
    assert_ok(td_tenant_add(tx, "fabrikam.test", NULL, &l->arena, &t, NULL));
    assert_ok(td_event_append(tx, t.id, &e, NULL));
    happens(tx, l);
    assert_ok(td_tenant_set(tx, t.id, "event-retention", "1", "admin", NULL));
}

static void each_tenant_by_itself(void **state)
{
    struct life *l = *state;
    life_write(l, other);
    l->env.now += 5 * TD_DAY;
    (void)runs(l);
    assert_int_equal(EVENTS(l, dev), HAPPENED);
    assert_int_equal(EVENTS(l, "theirs"), 0);
}

static void deployment(struct td_tx *tx, struct life *l, int64_t number, int64_t way)
{
    char id[24], way_id[24];
    (void)snprintf(id, sizeof(id), "run-%" PRId64, number);
    (void)snprintf(way_id, sizeof(way_id), "way-%" PRId64, way);
    assert_ok(td_sql(tx, NULL,
                     "INSERT INTO deployment(tenant, id, way_id, enrolment_id, profile_name, state, enrolment_state,"
                     " device_state, account_state, started_at, enrolled_at, device_at, device_done_at, account_at,"
                     " ended_at, changed_at, failures, failure) VALUES ($1, $2, $3, '', '', 1, 0, 0, 0, $4, 0, 0, 0, 0,"
                     " $5, 1, 0, '')",
                     "sssii", l->tenant, id, way_id, number, td_tx_now(tx) + number));
}

/* Each is the last of its device, but for the one before the very last. */
static void deployed(struct td_tx *tx, struct life *l)
{
    for (int64_t i = 0; i < 2 * TD_RETENTION_LOOKS; i++)
        deployment(tx, l, i, i);
    deployment(tx, l, 2 * TD_RETENTION_LOOKS, 2 * TD_RETENTION_LOOKS - 1);
}

/* What stays is looked at piece by piece too: a slice's cost does not grow with what there is. */
static void what_stays_is_walked_in_slices(void **state)
{
    struct life *l = *state;
    keeps(l, "history-retention", "30");
    int before = runs(l);
    life_write(l, deployed);
    l->env.now += 60 * TD_DAY;
    assert_true(runs(l) >= before + 2);
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM deployment WHERE tenant = $1", l->tenant), 2 * TD_RETENTION_LOOKS);
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM deployment WHERE way_id = $1", "way-3999"), 1);
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM deployment WHERE id = $1", "run-4000"), 1);
}

static const char *first_tenant;

static void both_told(struct td_tx *tx, struct life *l)
{
    struct td_tenant t;
    told(tx, l);
    assert_ok(td_tenant_add(tx, "fabrikam.test", NULL, &l->arena, &t, NULL));
    first_tenant = l->tenant;
    l->tenant = t.id;
    told(tx, l);
    assert_ok(td_tenant_set(tx, t.id, "audit-retention", "20", "admin", NULL));
    l->tenant = first_tenant;
    assert_ok(td_tenant_set(tx, first_tenant, "audit-retention", "40", "admin", NULL));
}

#define GROUPS "SELECT COUNT(*) FROM audit WHERE kind = $1"

/* A run goes from tenant to tenant, each by its own time. */
static void tenants_in_turn(void **state)
{
    struct life *l = *state;
    life_write(l, both_told);
    assert_int_equal(rows(l, GROUPS, "group"), 2);
    l->env.now += 30 * TD_DAY;
    (void)runs(l);
    assert_int_equal(rows(l, GROUPS, "group"), 1);
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM audit WHERE kind = 'group' AND tenant = $1", l->tenant), 1);
    l->env.now += 30 * TD_DAY;
    (void)runs(l);
    assert_int_equal(rows(l, GROUPS, "group"), 0);
    assert_int_equal(rows(l, "SELECT COUNT(*) FROM event WHERE type = $1", "group.changed"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(events_go_by_age, life_setup, life_teardown),
        cmocka_unit_test_setup_teardown(the_audit_has_its_own_time, life_setup, life_teardown),
        cmocka_unit_test_setup_teardown(state_stays, life_setup, life_teardown),
        cmocka_unit_test_setup_teardown(bulk_actions_go, life_setup, life_teardown),
        cmocka_unit_test_setup_teardown(a_life_says_that_it_was_cut, life_setup, life_teardown),
        cmocka_unit_test_setup_teardown(a_machine_is_forgotten_last, life_setup, life_teardown),
        cmocka_unit_test_setup_teardown(a_device_keeps_its_account, life_setup, life_teardown),
        cmocka_unit_test_setup_teardown(each_tenant_by_itself, life_setup, life_teardown),
        cmocka_unit_test_setup_teardown(what_stays_is_walked_in_slices, life_setup, life_teardown),
        cmocka_unit_test_setup_teardown(tenants_in_turn, life_setup, life_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
