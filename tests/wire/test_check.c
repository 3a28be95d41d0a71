/* The requirements of a deployment as the service knows them (row X17): each met, and each not. */
#include "api/check.h"
#include "api/configuration.h"
#include "deployed.h"
#include "fleet.h"
#include "store/attestation.h"
#include "store/connector.h"
#include "store/device.h"
#include "store/profile.h"

static struct service_box *box;
static const char *code, *setting, *serial;
static struct td_finding found;
static size_t failed;

static void look_at(struct td_tx *tx, struct service_box *b)
{
    struct td_registration r;
    struct td_way_row way;
    struct td_finding *list;
    size_t n = 0;
    assert_ok(td_registration_find_any(tx, b->tenant, serial, &b->arena, &r, NULL));
    assert_ok(td_way_find(tx, b->tenant, TD_WAY_ID, r.way_id, &b->arena, &way, NULL));
    assert_ok(td_check_device(tx, b->tenant, &way, &b->arena, &list, &n, NULL));
    failed = 0;
    found = (struct td_finding){.requirement = NULL};
    for (size_t i = 0; i < n; i++) {
        assert_true(list[i].found[0] != '\0');
        assert_true(list[i].verdict != TD_UNMET || list[i].remedy[0] != '\0');
        failed += list[i].verdict == TD_UNMET;
        if (strcmp(list[i].requirement->code, code) == 0)
            found = list[i];
    }
    assert_int_equal(td_findings_passed(list, n), failed == 0);
}

#define expect(c, v) expect_at((c), (v), __LINE__)
static void expect_at(const char *which, enum td_verdict wanted, int line)
{
    code = which;
    box_in_write(box, look_at);
    if (found.requirement == NULL || found.verdict != wanted)
        fail_msg("line %d: %s is %s: %s", line, which,
                 found.requirement != NULL ? td_verdict_word(found.verdict) : "not there", found.found);
}

static void set_it(struct td_tx *tx, struct service_box *b)
{
    struct td_slice key, value = td_cut(td_str(setting), '=', &key);
    assert_ok(
        td_tenant_set(tx, b->tenant, td_arena_text(&b->arena, key), td_arena_text(&b->arena, value), "test", NULL));
}

static void set(const char *text)
{
    setting = text;
    box_in_write(box, set_it);
}

static void add_profile(struct td_tx *tx, struct service_box *b)
{
    struct td_profile settings;
    struct td_profile_row p;
    assert_ok(td_profile_parse(TD_S("{\"deviceNameTemplate\":\"PC-%SERIAL%\"}"), &b->arena, &settings, NULL));
    assert_ok(td_profile_add(tx, b->tenant, "Everyone", &settings, "test", &b->arena, &p, NULL));
    assert_ok(td_profile_assign(tx, b->tenant, p.id, "", "test", NULL));
}

static bool with_tpm, with_key; /* of machines that are taken */

static void take(const char *name, const char *user)
{
    struct machine m = {.serial = name, .number = 7, .tpm = with_tpm, .tpm_key = with_key};
    const char *csv =
        td_arena_printf(&box->arena, "Device Serial Number,Windows Product ID,Hardware Hash,Assigned User\n%s",
                        machine_row(box, &m, user));
    serial = name;
    (void)fleet_take(box, box->tenant, csv);
}

static void a_good_device_passes(void **state)
{
    box = *state;
    box_in_write(box, add_profile);
    take("SN-0007", "ada@contoso.test");
    expect("registration", TD_PASS);
    expect("hash", TD_PASS);
    expect("identity", TD_PASS);
    expect("serial-number", TD_PASS);
    expect("os-version", TD_PASS); /* from its hash */
    expect("profile", TD_PASS);
    expect("computer-name", TD_PASS);
    assert_non_null(strstr(found.found, "PC-"));
    expect("user", TD_PASS);
    expect("directory", TD_PASS);
    expect("enrolment-allowed", TD_PASS);
    expect("management-certificate", TD_SKIP);
    assert_int_equal(failed, 0);
}

static void the_user(struct td_tx *tx, struct service_box *b)
{
    assert_ok(td_user_enable(tx, b->tenant, b->user_id, strcmp(setting, "on") == 0, "test", NULL));
}

static void who_may_not(void **state)
{
    box = *state;
    take("SN-0007", "nobody@contoso.test");
    expect("user", TD_UNMET);
    assert_non_null(strstr(found.found, "does not exist"));
    take("SN-0007", "ada@contoso.test");
    setting = "off";
    box_in_write(box, the_user);
    expect("user", TD_UNMET);
    setting = "on";
    box_in_write(box, the_user);
    expect("user", TD_PASS);
    set("enrol-users=none");
    expect("enrolment-allowed", TD_UNMET);
    set("enrol-users=registered");
    expect("enrolment-allowed", TD_PASS);
}

static void hybrid_profile(struct td_tx *tx, struct service_box *b)
{
    struct td_profile settings;
    struct td_profile_row p;
    assert_ok(td_profile_parse(TD_S("{\"joinType\":\"hybrid\"}"), &b->arena, &settings, NULL));
    assert_ok(td_profile_add(tx, b->tenant, "Domain", &settings, "test", &b->arena, &p, NULL));
    assert_ok(td_profile_assign(tx, b->tenant, p.id, "", "test", NULL));
}

static void join_item(struct td_tx *tx, struct service_box *b)
{
    struct td_json *json;
    struct td_configuration row;
    static const char body[] = "{\"kind\":\"domain-join\",\"domain\":\"corp.test\",\"namePrefix\":\"PC-\","
                               "\"nameRandom\":5}";
    assert_ok(td_json_parse(td_str(body), 4096, &b->arena, &json, NULL));
    assert_ok(td_configuration_make(&b->svc.master, b->svc.env, b->tenant, "", "corp", json, &b->arena, &row, NULL));
    assert_ok(td_configuration_add(tx, b->tenant, &row, "test", NULL));
    assert_ok(td_configuration_assign(tx, b->tenant, row.id, "", "test", NULL));
}

static const char *connector, *problem;

static void connector_says(struct td_tx *tx, struct service_box *b)
{
    const struct td_connector_domain domain = {
        .domain = "corp.test", .netbios = "", .dc = "", .site = "", .problem = problem, .detail = ""};
    assert_ok(td_connector_seen(tx, b->tenant, connector, "1", &domain, 1, NULL));
}

static void add_connector(struct td_tx *tx, struct service_box *b)
{
    const unsigned char handed[32] = {7};
    struct td_connector made;
    const struct td_connector what = {.name = "near", .version = "1", .encryption_key = TD_S("key"), .key_sha256 = {9}};
    assert_ok(td_connector_add(tx, b->tenant, "near", handed, "test", &b->arena, &made, NULL));
    assert_ok(td_connector_register(tx, handed, &what, &b->arena, &made, NULL));
    connector = made.id;
    connector_says(tx, b);
}

static void bind_elsewhere(struct td_tx *tx, struct service_box *b)
{
    const char *const domains[] = {"lab.test"};
    assert_ok(td_connector_bind(tx, b->tenant, connector, domains, 1, "test", NULL));
}

static void what_a_hybrid_device_needs(void **state)
{
    box = *state;
    box_in_write(box, hybrid_profile);
    take("SN-0007", "");
    expect("profile", TD_PASS);
    expect("domain", TD_UNMET);
    assert_non_null(strstr(found.found, "no domain-join item"));
    box_in_write(box, join_item);
    expect("domain", TD_UNMET);
    assert_non_null(strstr(found.found, "No connector"));
    problem = "";
    box_in_write(box, add_connector);
    expect("domain", TD_PASS);
    assert_non_null(strstr(found.found, "corp.test"));
    problem = "NoDc";
    box_in_write(box, connector_says);
    expect("domain", TD_UNMET);
    assert_non_null(strstr(found.found, "No domain controller answers"));
    box_in_write(box, bind_elsewhere);
    expect("domain", TD_UNMET);
    assert_non_null(strstr(found.found, "did not bind"));
    assert_non_null(strstr(found.remedy, "connector bind"));
}

static void mark_it(struct td_tx *tx, struct service_box *b)
{
    struct td_registration r;
    assert_ok(td_registration_find_any(tx, b->tenant, serial, &b->arena, &r, NULL));
    assert_ok(td_registration_remedy(tx, b->tenant, r.id, TD_REMEDY_MANUAL, "another board", NULL));
}

static void what_is_wrong(void **state)
{
    box = *state;
    take("SN-0007", "");
    expect("profile", TD_UNMET);
    expect("user", TD_PASS);
    expect("hardware", TD_PASS);
    box_in_write(box, mark_it);
    expect("hardware", TD_UNMET);
    expect("tpm", TD_WARN);
    assert_int_equal(failed, 2);
}

static const char *usage = "{\"deviceUsageType\":\"shared\"}";

static void share(struct td_tx *tx, struct service_box *b)
{
    struct td_profile settings;
    struct td_profile_row p;
    assert_ok(td_profile_parse(td_str(usage), &b->arena, &settings, NULL));
    assert_ok(td_profile_add(tx, b->tenant, "Kiosks", &settings, "test", &b->arena, &p, NULL));
    assert_ok(td_profile_assign(tx, b->tenant, p.id, "", "test", NULL));
}

static void trust_somebody(struct td_tx *tx, struct service_box *b)
{
    const struct td_ek_root root = {.sha256 = "00", .subject = "CN=Maker", .label = "", .der = TD_S("0")};
    assert_ok(td_ek_root_add(tx, b->tenant, &root, "test", NULL));
}

static enum td_assurance assurance;

static void prove_it(struct td_tx *tx, struct service_box *b)
{
    struct td_registration r;
    assert_ok(td_registration_find_any(tx, b->tenant, serial, &b->arena, &r, NULL));
    const struct td_tpm_binding binding = {.registration_id = r.id,
                                           .ek_sha256 = "ab",
                                           .assurance = assurance,
                                           .manufacturer = "",
                                           .model = "",
                                           .version = "",
                                           .pcrs = "",
                                           .baseline = ""};
    assert_ok(td_tpm_bind(tx, b->tenant, &binding, NULL));
}

static void block_it(struct td_tx *tx, struct service_box *b)
{
    const enum td_userless blocked = TD_USERLESS_BLOCKED;
    const struct td_registration_change change = {.userless = &blocked};
    struct td_registration r;
    assert_ok(td_registration_find_any(tx, b->tenant, serial, &b->arena, &r, NULL));
    assert_ok(td_registration_change(tx, b->tenant, r.id, &change, "test", NULL, NULL));
}

/* Who deploys itself has to be believed; who is not asked, has not. */
static void whom_to_believe(void **state)
{
    box = *state;
    with_tpm = with_key = false;
    take("SN-0007", "");
    expect("attestation", TD_SKIP);
    box_in_write(box, share);
    expect("attestation", TD_UNMET); /* nobody is trusted */
    box_in_write(box, trust_somebody);
    expect("attestation", TD_WARN); /* no TPM is told of */
    assurance = TD_ASSURANCE_PINNED;
    box_in_write(box, prove_it);
    expect("attestation", TD_PASS);
    set("pinned-ek=refuse");
    expect("attestation", TD_UNMET);
    assurance = TD_ASSURANCE_VIRTUAL;
    box_in_write(box, prove_it);
    expect("attestation", TD_PASS);
    set("virtual-tpm=refuse");
    expect("attestation", TD_UNMET);
    assurance = TD_ASSURANCE_HARDWARE;
    box_in_write(box, prove_it);
    expect("attestation", TD_PASS);
    box_in_write(box, block_it);
    expect("attestation", TD_PASS);
    set("userless-once=on");
    expect("attestation", TD_UNMET);
}

static void deploy_it(struct td_tx *tx, struct service_box *b)
{
    deployed_ready(tx, b, serial, true);
}

/* Deployed before the tenant asked for once: the next deployment is the second. */
static void once_counts_backwards(void **state)
{
    box = *state;
    with_tpm = with_key = true;
    take("SN-0007", "");
    box_in_write(box, share);
    box_in_write(box, deploy_it);
    expect("attestation", TD_PASS);
    set("userless-once=on");
    expect("attestation", TD_UNMET);
}

/* A technician is refused the second time; a user may still set it up. */
static void once_warns_technicians(void **state)
{
    box = *state;
    with_tpm = with_key = true;
    usage = "{\"preprovisioningAllowed\":true}";
    take("SN-0007", "");
    box_in_write(box, share);
    usage = "{\"deviceUsageType\":\"shared\"}";
    box_in_write(box, block_it);
    expect("attestation", TD_PASS);
    set("userless-once=on");
    expect("attestation", TD_WARN);
}

static void assign_somebody(struct td_tx *tx, struct service_box *b)
{
    const struct td_registration_change change = {.assigned_user = "gone@contoso.test", .any_user = true};
    struct td_registration r;
    assert_ok(td_registration_find_any(tx, b->tenant, serial, &b->arena, &r, NULL));
    assert_ok(td_registration_change(tx, b->tenant, r.id, &change, "test", NULL, NULL));
}

/* A user who is gone stops no device at which nobody signs in. */
static void nobodys(void **state)
{
    box = *state;
    with_tpm = with_key = false;
    take("SN-0007", "");
    box_in_write(box, share);
    expect("user", TD_PASS);
    assert_non_null(strstr(found.found, "deploys itself"));
    box_in_write(box, assign_somebody);
    expect("user", TD_WARN);
}

static void keys_in_hashes(void **state)
{
    box = *state;
    with_tpm = with_key = true;
    take("SN-0007", "");
    box_in_write(box, share);
    expect("attestation", TD_PASS);
    set("pinned-ek=refuse");
    expect("attestation", TD_UNMET);
    box_in_write(box, trust_somebody);
    expect("attestation", TD_PASS);
    with_tpm = with_key = false;
}

static void who_signs_in_needs_none(void **state)
{
    box = *state;
    take("SN-0007", "");
    box_in_write(box, add_profile);
    expect("attestation", TD_PASS);
    assert_non_null(strstr(found.found, "signs in"));
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, box_setup, box_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_good_device_passes),       TEST(who_may_not),     TEST(what_is_wrong),
        TEST(what_a_hybrid_device_needs), TEST(whom_to_believe), TEST(keys_in_hashes),
        TEST(who_signs_in_needs_none),    TEST(nobodys),         TEST(once_counts_backwards),
        TEST(once_warns_technicians),
    };
    return cmocka_run_group_tests_name("wire/check", tests, NULL, NULL);
}
