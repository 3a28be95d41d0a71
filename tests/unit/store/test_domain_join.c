/* store/domain_join: each transition of the work for a computer account, leases and attempts, names, what stays too
 * long, blobs that go, accounts of devices that left. */
#include "store/connector.h"
#include "store/domain_join.h"
#include "store/event.h"
#include "unit/store/life_world.h"

static const char *const corp[] = {"corp.test"};
static const struct td_domain_asking asking = {.way_id = "w1",
                                               .enrolment_id = "e1",
                                               .registration_id = "r1",
                                               .serial = "SN-1",
                                               .item = "i1",
                                               .domain = "Corp.test",
                                               .ou = "",
                                               .pattern = "PC-%RAND:5%",
                                               .reuse = "own"};
static const struct td_domain_made made = {.account_guid = "33333333-0000-4000-8000-000000000001",
                                           .account_sid = "S-1-5-21-1-2-3-1104",
                                           .account_dn = "CN=PC,DC=corp,DC=test",
                                           .sealed = {"SEALED", 6}};

static void way(struct td_tx *tx, struct life *l)
{
    struct td_way_row row;
    assert_ok(td_way_add(tx, l->tenant, TD_WAY_ID, "w1", &l->arena, &row, NULL));
    assert_ok(td_way_happened(tx, l->tenant, "w1", TD_EV_CONTACTED, "device", "{}", NULL));
    assert_ok(td_way_happened(tx, l->tenant, "w1", TD_EV_ENROLLED, "device", "{}", NULL));
}

static int setup(void **state)
{
    int rc = life_setup(state);
    life_write(*state, way);
    return rc;
}

static struct td_domain_join ask(struct td_tx *tx, struct life *l)
{
    struct td_domain_join j;
    assert_ok(td_domain_join_ask(tx, l->tenant, &asking, &l->arena, &j, NULL));
    return j;
}

static enum td_code lease(struct td_tx *tx, struct life *l, const char *connector, struct td_domain_join *ret)
{
    return td_domain_join_lease(tx, l->tenant, connector, corp, 1, &l->arena, ret, NULL);
}

static struct td_domain_join now(struct td_tx *tx, struct life *l)
{
    struct td_domain_join j;
    assert_ok(td_domain_join_of(tx, l->tenant, "e1", &l->arena, &j, NULL));
    return j;
}

static enum td_code refuse(struct td_tx *tx, struct life *l, const struct td_domain_join *j,
                           enum td_domain_reason reason)
{
    return td_domain_join_refused(tx, l->tenant, j->id, j->attempt, reason, "as it said", &l->arena, NULL);
}

static int events(struct td_tx *tx, struct life *l, const char *type)
{
    struct td_event *list = NULL;
    size_t n = 0;
    int found = 0;
    assert_ok(td_event_list(tx, l->tenant, "w1", 0, 1000, &l->arena, &list, &n, NULL));
    for (size_t i = 0; i < n; i++)
        found += strcmp(list[i].type, type) == 0;
    return found;
}

static const char *word(struct td_tx *tx, struct life *l)
{
    struct td_way_row row;
    assert_ok(td_way_find(tx, l->tenant, TD_WAY_ID, "w1", &l->arena, &row, NULL));
    return td_way_word(&row.way);
}

/* --- the way that goes well --------------------------------------------------------------------------------------- */

static void goes_well(struct td_tx *tx, struct life *l)
{
    struct td_domain_join j = ask(tx, l), again = ask(tx, l), x;
    bool due = false;
    assert_string_equal(j.id, again.id);
    assert_string_equal(j.domain, "corp.test");
    assert_true(j.state == TD_DJS_QUEUED && j.name[0] == '\0' && j.attempt == 0);
    assert_ok(td_domain_work_due(tx, l->tenant, corp, 1, &due, NULL));
    assert_true(due);
    assert_ok(lease(tx, l, "c1", &x));
    assert_int_equal(x.state, TD_DJS_CREATING);
    assert_int_equal(x.attempt, 1);
    assert_true(strncmp(x.name, "PC-", 3) == 0 && strlen(x.name) == 8);
    assert_string_equal(now(tx, l).name, x.name); /* it stands before anybody tries it */
    assert_int_equal(lease(tx, l, "c2", &again), TD_ENOTFOUND);
    assert_int_equal(td_domain_join_delivered(tx, l->tenant, j.id, NULL), TD_ESTATE);
    assert_int_equal(td_domain_join_confirmed(tx, l->tenant, j.id, NULL), TD_ESTATE);
    assert_ok(td_domain_join_made(tx, l->tenant, j.id, 1, &made, NULL));
    assert_int_equal(now(tx, l).state, TD_DJS_CREATED);
    assert_slice(now(tx, l).sealed, "SEALED");
    assert_ok(td_domain_join_delivered(tx, l->tenant, j.id, NULL));
    assert_ok(td_domain_join_delivered(tx, l->tenant, j.id, NULL)); /* its answer was lost */
    assert_int_equal(now(tx, l).handed_out, 2);
    assert_ok(td_domain_join_confirmed(tx, l->tenant, j.id, NULL));
    assert_ok(td_domain_join_confirmed(tx, l->tenant, j.id, NULL));
    assert_int_equal(now(tx, l).sealed.n, 0);
    assert_int_equal(life_count(tx, "SELECT COUNT(*) FROM domain_join WHERE sealed IS NOT NULL AND id <> $1", ""), 0);
    assert_int_equal(events(tx, l, "domain.queued"), 1);
    assert_int_equal(events(tx, l, "domain.creating"), 1);
    assert_int_equal(events(tx, l, "domain.created"), 1);
    assert_int_equal(events(tx, l, "domain.delivered"), 2);
    assert_int_equal(events(tx, l, "domain.confirmed"), 1);
    assert_int_equal(td_domain_join_delivered(tx, l->tenant, j.id, NULL), TD_ESTATE);
    assert_ok(td_domain_join_account(tx, l->tenant, "w1", &l->arena, &x, NULL));
    assert_string_equal(x.account_guid, made.account_guid);
}

static void from_queued_to_confirmed(void **state)
{
    life_write(*state, goes_well);
}

static void silent(struct td_tx *tx, struct life *l)
{
    struct td_domain_join x;
    ask(tx, l);
    assert_ok(lease(tx, l, "c1", &x));
    assert_ok(td_domain_join_made(tx, l->tenant, x.id, 1, &made, NULL));
    for (int i = 0; i < 30; i++)
        assert_ok(td_domain_join_delivered(tx, l->tenant, x.id, NULL));
    assert_int_equal(now(tx, l).handed_out, 30);
    assert_int_equal(events(tx, l, "domain.delivered"), 10);
}

static void a_device_that_never_answers_fills_nothing(void **state)
{
    life_write(*state, silent);
}

static void again_after_the_end(struct td_tx *tx, struct life *l)
{
    struct td_domain_join j = ask(tx, l), x, second;
    assert_ok(lease(tx, l, "c1", &x));
    assert_ok(td_domain_join_made(tx, l->tenant, j.id, 1, &made, NULL));
    assert_ok(td_domain_join_confirmed(tx, l->tenant, j.id, NULL));
    second = ask(tx, l);
    assert_string_not_equal(second.id, j.id);
    assert_ok(lease(tx, l, "c1", &second));
    assert_string_equal(second.name, x.name); /* the account that it had is taken up again */
}

static void a_new_ask_takes_the_account_up(void **state)
{
    life_write(*state, again_after_the_end);
}

/* One whole join of the same way; the name that it got. */
static const char *joined_as(struct td_tx *tx, struct life *l, const char *pattern, const char *registration,
                             const char *reuse)
{
    struct td_domain_asking what = asking;
    struct td_domain_join j, x;
    what.pattern = pattern;
    what.registration_id = registration;
    what.reuse = reuse;
    assert_ok(td_domain_join_ask(tx, l->tenant, &what, &l->arena, &j, NULL));
    assert_ok(lease(tx, l, "c1", &x));
    assert_string_equal(x.id, j.id);
    assert_ok(td_domain_join_made(tx, l->tenant, x.id, x.attempt, &made, NULL));
    assert_ok(td_domain_join_confirmed(tx, l->tenant, x.id, NULL));
    return x.name;
}

static void other_rules(struct td_tx *tx, struct life *l)
{
    const char *first = joined_as(tx, l, "PC-%RAND:5%", "r1", "own");
    assert_string_equal(joined_as(tx, l, "PC-%RAND:5%", "r1", "own"), first);
    assert_string_equal(joined_as(tx, l, "PC-%RAND:5%", "r1", "any"), first);
    assert_string_not_equal(joined_as(tx, l, "PC-%RAND:5%", "r2", "own"), first);
    assert_string_not_equal(joined_as(tx, l, "PC-%RAND:5%", "r1", "never"), first);
    assert_true(strncmp(joined_as(tx, l, "HQ-%RAND:5%", "r1", "own"), "HQ-", 3) == 0);
}

static void by_another_rule_the_name_is_another(void **state)
{
    life_write(*state, other_rules);
}

/* --- attempts ----------------------------------------------------------------------------------------------------- */

static void begin(struct td_tx *tx, struct life *l)
{
    struct td_domain_join x;
    ask(tx, l);
    assert_ok(lease(tx, l, "c1", &x));
}

static void nothing_overdue(struct td_tx *tx, struct life *l TD_UNUSED)
{
    bool overdue = true;
    assert_ok(td_domain_join_overdue(tx, &overdue, NULL));
    assert_false(overdue);
}

static void sweep(struct td_tx *tx, struct life *l)
{
    bool overdue = false, more = false;
    assert_ok(td_domain_join_overdue(tx, &overdue, NULL));
    assert_true(overdue);
    assert_ok(td_domain_join_sweep(tx, 25, &more, &l->arena, NULL));
    assert_false(more);
}

static void taken_over(struct td_tx *tx, struct life *l)
{
    struct td_domain_join first = now(tx, l), x;
    assert_int_equal(first.state, TD_DJS_QUEUED);
    assert_string_equal(first.failure, "Timeout");
    assert_ok(lease(tx, l, "c2", &x));
    assert_int_equal(x.attempt, 2);
    assert_string_equal(x.name, first.name);                                               /* no second account */
    assert_int_equal(td_domain_join_made(tx, l->tenant, x.id, 1, &made, NULL), TD_ESTATE); /* the first one is late */
    assert_int_equal(td_domain_join_refused(tx, l->tenant, x.id, 1, TD_DJ_REFUSED, "", &l->arena, NULL), TD_ESTATE);
    assert_int_equal(now(tx, l).state, TD_DJS_CREATING);
    assert_ok(td_domain_join_made(tx, l->tenant, x.id, 2, &made, NULL));
    assert_int_equal(td_domain_join_made(tx, l->tenant, x.id, 2, &made, NULL), TD_ESTATE);
}

static void another_takes_over(void **state)
{
    struct life *l = *state;
    life_write(l, begin);
    l->env.now += TD_DOMAIN_LEASE - TD_SECOND;
    life_write(l, nothing_overdue);
    l->env.now += TD_SECOND;
    life_write(l, sweep);
    life_write(l, taken_over);
}

static void clock_put_back(void **state)
{
    struct life *l = *state;
    life_write(l, begin);
    l->env.now -= TD_DAY;
    life_write(l, sweep);
}

static void release(struct td_tx *tx, struct life *l)
{
    struct td_connector c;
    struct td_domain_join x;
    const unsigned char code[32] = {1};
    assert_ok(td_connector_add(tx, l->tenant, "HQ-1", code, "ada", &l->arena, &c, NULL));
    ask(tx, l);
    assert_ok(lease(tx, l, c.id, &x));
    assert_ok(td_connector_enable(tx, l->tenant, c.id, false, "ada", NULL)); /* as good as gone */
    sweep(tx, l);
    assert_ok(lease(tx, l, c.id, &x));
    assert_ok(td_connector_remove(tx, l->tenant, c.id, "ada", NULL));
    sweep(tx, l);
    assert_ok(lease(tx, l, "c2", &x));
}

static void a_removed_connector_lets_go(void **state)
{
    life_write(*state, release);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

static void names(struct td_tx *tx, struct life *l)
{
    struct td_domain_join j = ask(tx, l), x;
    const char *before = "";
    for (int i = 1; i <= TD_COMPUTER_NAME_TRIES; i++) {
        assert_ok(lease(tx, l, "c1", &x));
        assert_int_equal(x.tries, i);
        assert_string_not_equal(x.name, before);
        before = x.name;
        assert_ok(refuse(tx, l, &x, TD_DJ_NAME_TAKEN));
    }
    x = now(tx, l);
    assert_int_equal(x.state, TD_DJS_FAILED);
    assert_string_equal(x.failure, "NameTaken");
    assert_string_equal(word(tx, l), "failed");
    assert_string_equal(x.id, j.id);
}

static void taken_names_are_left(void **state)
{
    life_write(*state, names);
}

/* Nine of ten names are those of other devices: with reuse "any" a name of theirs would cost them their account. */
static void narrow(struct td_tx *tx, struct life *l)
{
    struct td_domain_asking what = asking;
    struct td_domain_join j;
    what.pattern = "PC-%RAND:1%";
    what.reuse = "any";
    what.way_id = "w2";
    for (int i = 0; i < 9; i++) {
        what.enrolment_id = td_arena_printf(&l->arena, "other%d", i);
        assert_ok(td_domain_join_ask(tx, l->tenant, &what, &l->arena, &j, NULL));
        assert_ok(td_sql(tx, NULL, "UPDATE domain_join SET state = 4, name = $3 WHERE tenant = $1 AND id = $2", "sss",
                         l->tenant, j.id, td_arena_printf(&l->arena, "PC-%d", i)));
    }
    what.way_id = "w1";
    what.enrolment_id = "e1";
    assert_ok(td_domain_join_ask(tx, l->tenant, &what, &l->arena, &j, NULL));
    assert_ok(lease(tx, l, "c1", &j));
    assert_string_equal(j.name, "PC-9");
}

static void the_only_free_name_is_found(void **state)
{
    life_write(*state, narrow);
}

static void fixed_name(struct td_tx *tx, struct life *l)
{
    struct td_domain_asking fixed = asking;
    struct td_domain_join j, x;
    fixed.pattern = "PC-%SERIAL%";
    assert_ok(td_domain_join_ask(tx, l->tenant, &fixed, &l->arena, &j, NULL));
    assert_ok(lease(tx, l, "c1", &x));
    assert_ok(refuse(tx, l, &x, TD_DJ_NAME_TAKEN));
    assert_int_equal(now(tx, l).state, TD_DJS_FAILED); /* there is no other name */
}

static void a_fixed_name_is_tried_once(void **state)
{
    life_write(*state, fixed_name);
}

static void bad_name(struct td_tx *tx, struct life *l)
{
    struct td_domain_asking bad = asking;
    struct td_domain_join j, x;
    bad.pattern = "12345";
    assert_ok(td_domain_join_ask(tx, l->tenant, &bad, &l->arena, &j, NULL));
    assert_int_equal(lease(tx, l, "c1", &x), TD_ENOTFOUND);
    assert_string_equal(now(tx, l).failure, "NameInvalid");
    assert_int_equal(events(tx, l, "domain.failed"), 1);
    assert_int_equal(events(tx, l, "device.failed"), 1);
    assert_string_equal(word(tx, l), "failed");
}

static void a_bad_pattern_fails_at_once(void **state)
{
    life_write(*state, bad_name);
}

/* --- refusals ----------------------------------------------------------------------------------------------------- */

static void pauses(struct td_tx *tx, struct life *l)
{
    struct td_domain_join x, early;
    int64_t before = 0;
    ask(tx, l);
    for (int i = 0; i < 4; i++) {
        bool due = true;
        assert_ok(td_sql(tx, NULL, "UPDATE domain_join SET next_at = 0 WHERE id <> $1", "s", ""));
        assert_ok(lease(tx, l, "c1", &x));
        assert_ok(refuse(tx, l, &x, TD_DJ_NO_DC));
        x = now(tx, l);
        assert_int_equal(x.state, TD_DJS_QUEUED);
        assert_string_equal(x.failure, "NoDc");
        assert_string_equal(x.detail, "as it said");
        assert_true(x.next_at - td_tx_now(tx) > before);
        before = x.next_at - td_tx_now(tx);
        assert_ok(td_domain_work_due(tx, l->tenant, corp, 1, &due, NULL));
        assert_false(due);
        assert_int_equal(lease(tx, l, "c2", &early), TD_ENOTFOUND); /* who came for something else waits as well */
    }
    assert_string_not_equal(word(tx, l), "failed");
}

static void given_up(struct td_tx *tx, struct life *l)
{
    struct td_domain_join x = now(tx, l);
    assert_int_equal(x.state, TD_DJS_FAILED);
    assert_string_equal(x.failure, "NoDc"); /* what was said last, not that time is over */
    assert_string_equal(word(tx, l), "failed");
}

static void tried_again_until_the_time_is_over(void **state)
{
    struct life *l = *state;
    life_write(l, pauses);
    l->env.now += TD_DOMAIN_WAIT;
    life_write(l, sweep);
    life_write(l, given_up);
}

static void at_once(struct td_tx *tx, struct life *l)
{
    struct td_domain_join x;
    ask(tx, l);
    assert_ok(lease(tx, l, "c1", &x));
    assert_ok(refuse(tx, l, &x, TD_DJ_NO_OU));
    assert_string_equal(now(tx, l).failure, "NoOu");
    assert_string_equal(word(tx, l), "failed");
    struct td_domain_join second = ask(tx, l); /* mends it */
    assert_string_not_equal(second.id, x.id);
    assert_int_equal(second.state, TD_DJS_QUEUED);
}

static void what_waiting_does_not_mend_fails_at_once(void **state)
{
    life_write(*state, at_once);
}

static void other_connector(struct td_tx *tx, struct life *l)
{
    struct td_connector c;
    struct td_domain_join x;
    const unsigned char code[32] = {1};
    struct td_connector what = {.encryption_key = TD_S("RSA"), .version = "1", .key_sha256 = {9}};
    const struct td_connector_domain d = {
        .domain = "corp.test", .netbios = "", .dc = "", .site = "", .problem = "", .detail = ""};
    ask(tx, l);
    assert_ok(td_connector_add(tx, l->tenant, "HQ-2", code, "ada", &l->arena, &c, NULL));
    assert_ok(td_connector_register(tx, code, &what, &l->arena, &c, NULL));
    assert_ok(td_connector_seen(tx, l->tenant, c.id, "1", &d, 1, NULL));
    assert_ok(lease(tx, l, "c1", &x));
    assert_ok(refuse(tx, l, &x, TD_DJ_SERVICE_PASSWORD)); /* of the connector c1 alone */
    assert_int_equal(now(tx, l).state, TD_DJS_QUEUED);
    assert_ok(td_sql(tx, NULL, "UPDATE domain_join SET next_at = 0 WHERE id <> $1", "s", ""));
    assert_ok(lease(tx, l, c.id, &x));
    assert_ok(refuse(tx, l, &x, TD_DJ_SERVICE_PASSWORD)); /* and there is no other one */
    assert_int_equal(now(tx, l).state, TD_DJS_FAILED);
}

static void what_is_wrong_with_one_fails_nothing(void **state)
{
    life_write(*state, other_connector);
}

/* --- what stays --------------------------------------------------------------------------------------------------- */

static void just_ask(struct td_tx *tx, struct life *l)
{
    ask(tx, l);
}

static void nobody_came(struct td_tx *tx, struct life *l)
{
    struct td_domain_join x = now(tx, l);
    assert_int_equal(x.state, TD_DJS_FAILED);
    assert_string_equal(x.failure, "NoConnector");
}

static void work_that_nobody_does_fails(void **state)
{
    struct life *l = *state;
    life_write(l, just_ask);
    l->env.now += TD_DOMAIN_WAIT - TD_SECOND;
    life_write(l, nothing_overdue);
    l->env.now += TD_SECOND;
    life_write(l, sweep);
    life_write(l, nobody_came);
}

static void make(struct td_tx *tx, struct life *l)
{
    struct td_domain_join x;
    ask(tx, l);
    assert_ok(lease(tx, l, "c1", &x));
    assert_ok(td_domain_join_made(tx, l->tenant, x.id, 1, &made, NULL));
}

static void blob_gone(struct td_tx *tx, struct life *l)
{
    struct td_domain_join x = now(tx, l);
    assert_true(x.state == TD_DJS_FAILED && x.sealed.n == 0);
    assert_ok(td_domain_join_account(tx, l->tenant, "w1", &l->arena, &x, NULL)); /* its account is known still */
}

static void a_blob_that_nobody_fetches_goes(void **state)
{
    struct life *l = *state;
    life_write(l, make);
    l->env.now += TD_DOMAIN_BLOB_LIFE;
    life_write(l, sweep);
    life_write(l, blob_gone);
}

static void device_fails(struct td_tx *tx, struct life *l)
{
    struct td_domain_join j;
    make(tx, l);
    j = now(tx, l);
    assert_ok(td_domain_join_failed(tx, l->tenant, j.id, TD_DJ_BAD_BLOB, "at octet 7", NULL));
    assert_ok(td_domain_join_failed(tx, l->tenant, j.id, TD_DJ_BAD_BLOB, "at octet 7", NULL));
    assert_int_equal(events(tx, l, "domain.failed"), 1);
    assert_int_equal(now(tx, l).sealed.n, 0);
    assert_string_equal(word(tx, l), "failed");
}

static void what_the_device_refuses_is_told(void **state)
{
    life_write(*state, device_fails);
}

/* --- tenants ------------------------------------------------------------------------------------------------------ */

static void foreign(struct td_tx *tx, struct life *l)
{
    struct td_tenant t;
    struct td_domain_join j = ask(tx, l), x;
    bool due = true;
    int64_t count = 0, oldest = 0;
    assert_ok(td_tenant_add(tx, "fabrikam.test", NULL, &l->arena, &t, NULL));
    assert_ok(td_domain_work_due(tx, t.id, corp, 1, &due, NULL));
    assert_false(due);
    assert_int_equal(td_domain_join_lease(tx, t.id, "c1", corp, 1, &l->arena, &x, NULL), TD_ENOTFOUND);
    assert_ok(lease(tx, l, "c1", &x));
    assert_int_equal(td_domain_join_made(tx, t.id, j.id, 1, &made, NULL), TD_ENOTFOUND);
    assert_int_equal(td_domain_join_failed(tx, t.id, j.id, TD_DJ_REFUSED, "", NULL), TD_ENOTFOUND);
    assert_int_equal(td_domain_join_of(tx, t.id, "e1", &l->arena, &x, NULL), TD_ENOTFOUND);
    assert_ok(td_domain_work_due(tx, NULL, NULL, 0, &due, NULL));
    assert_false(due);
    assert_ok(td_domain_work_waiting(tx, &count, &oldest, NULL));
    assert_int_equal(count, 0);
}

static void other_tenants_get_nothing(void **state)
{
    life_write(*state, foreign);
}

/* --- accounts of devices that left -------------------------------------------------------------------------------- */

static struct td_domain_removal next(struct td_tx *tx, struct life *l)
{
    struct td_domain_removal r;
    assert_ok(td_domain_removal_lease(tx, l->tenant, "c1", corp, 1, &l->arena, &r, NULL));
    return r;
}

static void removals(struct td_tx *tx, struct life *l)
{
    struct td_domain_join j;
    struct td_domain_removal r;
    struct td_connector c;
    const unsigned char code[32] = {1};
    make(tx, l);
    j = now(tx, l);
    assert_ok(td_connector_add(tx, l->tenant, "HQ-1", code, "ada", &l->arena, &c, NULL));
    assert_ok(td_sql(tx, NULL, "UPDATE connector SET id = 'c1' WHERE id = $1", "s", c.id));
    assert_ok(td_domain_removal_ask(tx, l->tenant, &j, false, NULL));
    assert_ok(td_domain_removal_ask(tx, l->tenant, &j, true, NULL)); /* overtakes the first */
    r = next(tx, l);
    assert_true(r.remove && r.attempt == 1);
    assert_string_equal(r.account_guid, made.account_guid);
    assert_int_equal(td_domain_removal_lease(tx, l->tenant, "c2", corp, 1, &l->arena, &r, NULL), TD_ENOTFOUND);
}

static void removed(struct td_tx *tx, struct life *l)
{
    struct td_domain_removal r = next(tx, l); /* its lease has run out */
    assert_int_equal(r.attempt, 2);
    assert_int_equal(td_domain_removal_done(tx, l->tenant, "c1", r.id, 1, TD_DJ_OK, "", NULL), TD_ESTATE);
    assert_ok(td_domain_removal_done(tx, l->tenant, "c1", r.id, 2, TD_DJ_NO_DC, "down", NULL));
    assert_ok(td_sql(tx, NULL, "UPDATE domain_removal SET next_at = 0 WHERE id <> $1", "s", ""));
    r = next(tx, l);
    assert_ok(td_domain_removal_done(tx, l->tenant, "c1", r.id, 3, TD_DJ_SERVICE_PASSWORD, "", NULL)); /* is mended */
    assert_int_equal(events(tx, l, "domain.removal-failed"), 0);
    assert_ok(td_sql(tx, NULL, "UPDATE domain_removal SET next_at = 0 WHERE id <> $1", "s", ""));
    r = next(tx, l);
    assert_ok(td_domain_removal_done(tx, l->tenant, "c1", r.id, 4, TD_DJ_OK, "", NULL));
    assert_ok(td_domain_removal_done(tx, l->tenant, "c1", r.id, 4, TD_DJ_OK, "", NULL)); /* told once more */
    assert_int_equal(td_domain_removal_done(tx, l->tenant, "c1", r.id, 4, TD_DJ_NO_DC, "", NULL), TD_ESTATE);
    assert_int_equal(events(tx, l, "domain.account-deleted"), 1);
    assert_int_equal(td_domain_removal_lease(tx, l->tenant, "c2", corp, 1, &l->arena, &r, NULL), TD_ENOTFOUND);
}

static void refused_removal(struct td_tx *tx, struct life *l)
{
    struct td_domain_join j = now(tx, l);
    assert_ok(td_domain_removal_ask(tx, l->tenant, &j, false, NULL));
    struct td_domain_removal r = next(tx, l);
    assert_ok(td_domain_removal_done(tx, l->tenant, "c1", r.id, 1, TD_DJ_NO_RIGHT, "", NULL));
    assert_int_equal(events(tx, l, "domain.removal-failed"), 1);
    assert_int_equal(td_domain_removal_lease(tx, l->tenant, "c2", corp, 1, &l->arena, &r, NULL), TD_ENOTFOUND);
}

static void accounts_follow_their_devices(void **state)
{
    struct life *l = *state;
    life_write(l, removals);
    l->env.now += TD_DOMAIN_LEASE;
    life_write(l, removed);
    life_write(l, refused_removal);
}

static void comes_back(struct td_tx *tx, struct life *l)
{
    struct td_domain_join j, x;
    struct td_domain_removal r;
    bool due = true;
    make(tx, l);
    j = now(tx, l);
    assert_ok(td_domain_join_confirmed(tx, l->tenant, j.id, NULL));
    assert_ok(td_domain_removal_ask(tx, l->tenant, &j, false, NULL)); /* wiped, and no connector was there */
    ask(tx, l);
    assert_ok(lease(tx, l, "c1", &x));
    assert_int_equal(td_domain_removal_lease(tx, l->tenant, "c2", corp, 1, &l->arena, &r, NULL), TD_ENOTFOUND);
    assert_ok(td_domain_work_due(tx, l->tenant, corp, 1, &due, NULL));
    assert_false(due); /* it waits for what becomes of the account */
    assert_ok(td_domain_join_made(tx, l->tenant, x.id, 1, &made, NULL));
    assert_int_equal(td_domain_removal_lease(tx, l->tenant, "c1", corp, 1, &l->arena, &r, NULL), TD_ENOTFOUND);
}

static void an_account_taken_up_again_is_not_ended(void **state)
{
    life_write(*state, comes_back);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, life_teardown)
    const struct CMUnitTest tests[] = {
        TEST(from_queued_to_confirmed),
        TEST(a_device_that_never_answers_fills_nothing),
        TEST(a_new_ask_takes_the_account_up),
        TEST(by_another_rule_the_name_is_another),
        TEST(another_takes_over),
        TEST(clock_put_back),
        TEST(a_removed_connector_lets_go),
        TEST(taken_names_are_left),
        TEST(the_only_free_name_is_found),
        TEST(a_fixed_name_is_tried_once),
        TEST(a_bad_pattern_fails_at_once),
        TEST(tried_again_until_the_time_is_over),
        TEST(what_waiting_does_not_mend_fails_at_once),
        TEST(what_is_wrong_with_one_fails_nothing),
        TEST(work_that_nobody_does_fails),
        TEST(a_blob_that_nobody_fetches_goes),
        TEST(what_the_device_refuses_is_told),
        TEST(other_tenants_get_nothing),
        TEST(accounts_follow_their_devices),
        TEST(an_account_taken_up_again_is_not_ended),
    };
    return cmocka_run_group_tests_name("store_domain_join", tests, NULL, NULL);
}
