/* store/life_end: nothing that was entrusted to a device outlives it, and a life ends in one go (autopilot.md 3.8, 3.9;
 * rows R14, R15, S21). */
#include "store/configuration.h"
#include "store/event.h"
#include "store/life.h"
#include "store/life_end.h"
#include "store/local_credential.h"
#include "store/management.h"
#include "unit/store/life_world.h"

static const char serial[] = "SN-END-1", admin[] = "it@contoso.test";

/* Values that stand for secrets; each is looked for in the whole file. */
#define SECRET_ENROLMENT "PLANTED-ENROLMENT-SECRETS-1a7c"
#define SECRET_REPLY "PLANTED-STORED-REPLY-9b31"
#define SECRET_CHUNK "PLANTED-HALF-VALUE-55d0"
#define SECRET_LEDGER "PLANTED-LEDGER-0f2e"
#define SECRET_REPORT "PLANTED-REPORT-77aa"
#define SECRET_SESSION "PLANTED-SESSION-KEY-c3c3"
#define SECRET_LAPS "PLANTED-LAPS-PASSWORD-4e4e"
#define SECRET_TRANSPORT "PLANTED-TRANSPORT-KEY-8d8d"
static const char *const planted[] = {SECRET_ENROLMENT, SECRET_REPLY,   SECRET_CHUNK, SECRET_LEDGER,
                                      SECRET_REPORT,    SECRET_SESSION, SECRET_LAPS,  SECRET_TRANSPORT};

static const char enr[] = "aaaaaaaa-0000-4000-8000-000000000001";
static const char *registration, *way, *device; /* of the device under test */

static void register_it(struct td_tx *tx, struct life *l)
{
    struct td_registration_new n = {
        .serial = serial, .manufacturer = "Contoso", .model = "Box", .hash = TD_S("octets")};
    struct td_import_verdict v;
    struct td_registration r;
    n.sku = n.family = n.product_key = n.group_tag = n.purchase_order = n.assigned_user = n.warning = "";
    (void)td_facts_add_tuple(&n.facts, &l->arena, td_str(n.manufacturer), td_str(n.model), td_str(serial));
    assert_ok(td_registration_add(tx, l->tenant, &n, "admin", &l->arena, &v, NULL));
    assert_ok(td_registration_find(tx, l->tenant, v.registration_id, &l->arena, &r, NULL));
    registration = r.id;
    way = r.way_id;
    device = r.device_id;
}

static void deploy(struct td_tx *tx, struct life *l)
{
    struct td_device_joining j = {.id = device,
                                  .registration_id = registration,
                                  .display_name = "PC",
                                  .os = "Windows",
                                  .os_version = "10.0",
                                  .trust_type = "AzureAd",
                                  .owner_id = life_user(tx, l, "ada@contoso.test"),
                                  .owner_upn = "ada@contoso.test",
                                  .hardware_id = "",
                                  .alt_security_id = "X509:1",
                                  .transport_key = TD_S(SECRET_TRANSPORT)};
    struct td_cert_row certs[] = {{.purpose = "device", .subject = device}, {.purpose = "management", .subject = enr}};
    struct td_enrolment e = {.id = enr, .tenant = l->tenant, .device_id = device, .registration_id = registration};
    memset(j.key_sha256, 7, sizeof(j.key_sha256));
    assert_ok(td_device_join(tx, l->tenant, &j, NULL));
    for (size_t i = 0; i < TD_COUNTOF(certs); i++) {
        memset(certs[i].sha256, (int)i + 1, sizeof(certs[i].sha256));
        certs[i].tenant = l->tenant;
        certs[i].serial = i == 0 ? "01" : "02";
        certs[i].not_after = td_tx_now(tx) + 365 * TD_DAY;
        assert_ok(td_cert_record(tx, &certs[i], NULL));
    }
    e.way_id = way;
    e.user_id = j.owner_id;
    e.user_upn = j.owner_upn;
    e.type = "Device";
    e.provider = "Touchdown";
    e.hw_dev_id = e.dm_id = e.device_name = e.device_type = e.os_edition = e.locale = "";
    e.os_version = "10.0.22631.1";
    e.version = 40;
    e.secrets = TD_S(SECRET_ENROLMENT);
    memset(e.cert_sha256, 2, sizeof(e.cert_sha256));
    e.cert_not_after = certs[1].not_after;
    assert_ok(td_enrolment_add(tx, &e, NULL, NULL));
    assert_ok(td_way_link(tx, l->tenant, way, TD_WAY_ENROLMENT, enr, NULL));
    assert_ok(td_way_happened(tx, l->tenant, way, TD_EV_JOINED, "ada@contoso.test", "{}", NULL));
    assert_ok(td_way_happened(tx, l->tenant, way, TD_EV_ENROLLED, "ada@contoso.test", "{}", NULL));
}

static void entrust(struct td_tx *tx, struct life *l)
{
    struct td_managed m;
    struct td_grant g = {
        .kind = TD_GRANT_PRT, .tenant = l->tenant, .app_id = "app", .family = "f", .device_id = device};
    const struct td_local_credential c = {
        .id = "c1", .account = "Administrator", .sid = "", .sealed = TD_S(SECRET_LAPS)};
    assert_ok(td_managed_find(tx, l->tenant, enr, &l->arena, &m, NULL));
    m.reply = TD_S(SECRET_REPLY);
    m.ledger = SECRET_LEDGER;
    m.chunk_uri = "./x";
    m.chunk_size = 100;
    m.chunk = TD_S(SECRET_CHUNK);
    assert_ok(td_managed_save(tx, l->tenant, enr, &m, true, true, NULL));
    assert_ok(td_report_put(tx, l->tenant, enr, "./x", TD_S(SECRET_REPORT), NULL));
    g.user_id = life_user(tx, l, "ada@contoso.test");
    g.expires_at = td_tx_now(tx) + TD_DAY;
    g.sealed = TD_S(SECRET_SESSION);
    memset(g.sha256, 9, sizeof(g.sha256));
    assert_ok(td_grant_add(tx, &g, NULL));
    assert_ok(td_local_credential_put(tx, l->tenant, device, &c, NULL));
}

static void deployed(struct life *l)
{
    life_write(l, register_it);
    life_write(l, deploy);
    life_write(l, entrust);
}

/* --- retiring --- */

static struct td_life_retiring wish;
static struct td_life_retired got;

static enum td_code retire(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct life *l = ctx;
    return td_life_retire(tx, l->tenant, &wish, &l->arena, &got, err);
}

static void retires(struct life *l, struct td_life_retiring w)
{
    struct td_error err = {0};
    wish = w;
    wish.key = w.key != NULL ? w.key : serial;
    wish.actor = admin;
    wish.reason = "lease is over";
    l->env.now += TD_MINUTE;
    if (td_store_write(l->store, retire, l, &err) != TD_OK)
        fail_msg("%s", err.text);
}

static void accepted(struct td_tx *tx, struct life *l)
{
    assert_ok(td_action_delivered(tx, l->tenant, got.action.id, NULL));
    assert_ok(td_action_answered(tx, l->tenant, got.action.id, 200, 0, NULL));
}

static void refused(struct td_tx *tx, struct life *l)
{
    assert_ok(td_action_delivered(tx, l->tenant, got.action.id, NULL));
    assert_ok(td_action_answered(tx, l->tenant, got.action.id, 500, 0x80004005, NULL));
}

static void in_its_box(struct td_tx *tx, struct life *l)
{
    assert_ok(td_action_in_box(tx, l->tenant, way, false, NULL));
}

static void is_gone(struct td_tx *tx, struct life *l)
{
    struct td_way_row w;
    struct td_enrolment e;
    struct td_device_row d;
    struct td_cert_row c;
    unsigned char sha[32];
    assert_ok(td_way_find(tx, l->tenant, TD_WAY_ID, way, &l->arena, &w, NULL));
    assert_string_equal(td_way_word(&w.way), "retired");
    assert_ok(td_enrolment_find(tx, l->tenant, enr, &l->arena, &e, NULL));
    assert_int_equal(e.state, TD_ENROLMENT_ENDED);
    assert_int_equal(td_device_find(tx, l->tenant, device, &l->arena, &d, NULL), TD_ENOTFOUND);
    for (int i = 1; i <= 2; i++) {
        memset(sha, i, sizeof(sha));
        assert_ok(td_cert_find(tx, sha, &l->arena, &c, NULL));
        assert_true(c.revoked_at != 0);
    }
    assert_int_equal(life_count(tx, "SELECT COUNT(*) FROM life_end WHERE way_id = $1", way), 0);
}

static void is_deregistered(struct td_tx *tx, struct life *l)
{
    struct td_registration r;
    assert_int_equal(td_registration_find(tx, l->tenant, registration, &l->arena, &r, NULL), TD_ENOTFOUND);
    assert_int_equal(life_count(tx, "SELECT COUNT(*) FROM hw_identity WHERE registration_id = $1", registration), 0);
    assert_int_equal(life_count(tx,
                                "SELECT COUNT(*) FROM directory_device WHERE registration_id = $1 AND deleted_at = 0",
                                registration),
                     0);
}

static void is_registered(struct td_tx *tx, struct life *l)
{
    struct td_registration r;
    assert_ok(td_registration_find(tx, l->tenant, registration, &l->arena, &r, NULL));
}

static void stays(struct td_tx *tx, struct life *l)
{
    struct td_enrolment e;
    assert_ok(td_enrolment_find(tx, l->tenant, enr, &l->arena, &e, NULL));
    assert_int_equal(e.state, TD_ENROLMENT_ACTIVE);
    assert_true(td_eq(e.secrets, TD_S(SECRET_ENROLMENT)));
    is_registered(tx, l);
}

static void retires_and_deregisters(void **state)
{
    struct life *l = *state;
    deployed(l);
    retires(l, (struct td_life_retiring){.deregister = true});
    assert_int_equal(got.action.state, TD_ACT_PENDING);
    assert_false(got.deregistered || got.left_directory);
    life_write(l, stays); /* it is off: nothing ends before it was told */
    life_write(l, accepted);
    life_write(l, is_gone);
    life_write(l, is_deregistered);
}

static void the_registration_stays_unless_told(void **state)
{
    struct life *l = *state;
    deployed(l);
    retires(l, (struct td_life_retiring){0});
    life_write(l, accepted);
    life_write(l, is_gone);
    life_write(l, is_registered);
}

static void wipes_first(void **state)
{
    struct life *l = *state;
    deployed(l);
    retires(l, (struct td_life_retiring){.wipe = true, .deregister = true});
    assert_int_equal(got.action.kind, TD_ACTION_WIPE);
    life_write(l, accepted);
    life_write(l, is_registered); /* accepted is not done */
    life_write(l, in_its_box);
    life_write(l, is_gone);
    life_write(l, is_deregistered);
}

static void a_lost_one_ends_at_once(void **state)
{
    struct life *l = *state;
    deployed(l);
    retires(l, (struct td_life_retiring){.now = true, .deregister = true});
    assert_true(got.deregistered && got.left_directory);
    assert_int_equal(got.action.state, TD_ACT_DONE);
    life_write(l, is_gone);
    life_write(l, is_deregistered);
}

static void told_why(struct td_tx *tx, struct life *l)
{
    assert_int_equal(life_count(tx, "SELECT COUNT(*) FROM event WHERE type = $1", "device.retirement-stopped"), 1);
    assert_int_equal(life_count(tx, "SELECT COUNT(*) FROM life_end WHERE way_id = $1", way), 0);
    stays(tx, l);
}

static void one_that_fails_stays_managed(void **state)
{
    struct life *l = *state;
    deployed(l);
    retires(l, (struct td_life_retiring){.wipe = true, .deregister = true});
    life_write(l, refused);
    life_write(l, told_why);
}

static void cancel(struct td_tx *tx, struct life *l)
{
    assert_ok(td_action_cancel(tx, l->tenant, got.action.id, admin, NULL));
}

static void one_that_is_cancelled_too(void **state)
{
    struct life *l = *state;
    deployed(l);
    retires(l, (struct td_life_retiring){.deregister = true});
    life_write(l, cancel);
    life_write(l, told_why);
}

static void approvals(struct td_tx *tx, struct life *l)
{
    assert_ok(td_tenant_set(tx, l->tenant, "action-approval", "on", "admin", NULL));
}

static void approve(struct td_tx *tx, struct life *l)
{
    assert_ok(td_action_decide(tx, l->tenant, got.action.id, true, "boss@contoso.test", NULL));
}

static void two_must_agree(void **state)
{
    struct life *l = *state;
    deployed(l);
    life_write(l, approvals);
    retires(l, (struct td_life_retiring){.now = true, .deregister = true});
    assert_int_equal(got.action.state, TD_ACT_WAITING);
    assert_false(got.deregistered || got.left_directory);
    life_write(l, stays);
    life_write(l, approve);
    life_write(l, is_gone);
    life_write(l, is_deregistered);
}

/* Never managed: there is nobody to ask. */
static void only_registered(void **state)
{
    struct life *l = *state;
    struct td_error err = {0};
    life_write(l, register_it);
    wish = (struct td_life_retiring){.key = serial, .wipe = true, .actor = admin};
    assert_int_equal(td_store_write(l->store, retire, l, &err), TD_ESTATE);
    retires(l, (struct td_life_retiring){.deregister = true});
    assert_string_equal(got.action.id, "");
    assert_true(got.deregistered);
    life_write(l, is_deregistered);
}

/* --- secrets --- */

static bool file_holds(const struct life *l, const char *name, const char *text)
{
    struct td_buf b;
    td_buf_init(&b, 1 << 28);
    bool found = td_file_read(td_arena_printf((struct td_arena *)(uintptr_t)&l->arena, "%s/%s", l->dir, name), &b,
                              NULL) == TD_OK &&
                 td_search(td_buf_slice(&b), td_str(text)) != SIZE_MAX;
    td_buf_done(&b);
    return found;
}

/* Closing brings the log into the file. */
static void reopen(struct life *l)
{
    struct td_error err = {0};
    td_store_close(l->store);
    if (td_store_open(l->dir, &l->env.env, &l->store, &err) != TD_OK)
        fail_msg("%s", err.text);
}

static void no_secret_is_left_in_the_file(void **state)
{
    struct life *l = *state;
    deployed(l);
    reopen(l);
    for (size_t i = 0; i < TD_COUNTOF(planted); i++)
        if (!file_holds(l, "store.db", planted[i]))
            fail_msg("%s was not there to begin with", planted[i]);
    retires(l, (struct td_life_retiring){0});
    life_write(l, accepted);
    reopen(l);
    for (size_t i = 0; i < TD_COUNTOF(planted); i++)
        if (file_holds(l, "store.db", planted[i]) || file_holds(l, "store.db-wal", planted[i]))
            fail_msg("%s is still in the file", planted[i]);
}

static void keep_laps(struct td_tx *tx, struct life *l)
{
    assert_ok(td_tenant_set(tx, l->tenant, "laps-after-retire", "keep", "admin", NULL));
}

static void laps_is_there(struct td_tx *tx, struct life *l)
{
    struct td_local_credential *list = NULL;
    size_t n = 0;
    assert_ok(td_local_credential_list(tx, l->tenant, device, &l->arena, &list, &n, NULL));
    assert_int_equal(n, 1);
}

static void passwords_can_be_kept(void **state)
{
    struct life *l = *state;
    deployed(l);
    life_write(l, keep_laps);
    retires(l, (struct td_life_retiring){.now = true});
    life_write(l, is_gone);
    life_write(l, laps_is_there);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, life_setup, life_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(retires_and_deregisters),
        TEST(the_registration_stays_unless_told),
        TEST(wipes_first),
        TEST(a_lost_one_ends_at_once),
        TEST(one_that_fails_stays_managed),
        TEST(one_that_is_cancelled_too),
        TEST(two_must_agree),
        TEST(only_registered),
        TEST(no_secret_is_left_in_the_file),
        TEST(passwords_can_be_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
