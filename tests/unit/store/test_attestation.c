/* store/attestation: makers, which TPM is whose, challenges answered once, join tickets used once (attestation.md 3.3).
 */
#include "store/attestation.h"
#include "store/audit.h"
#include "store/registration.h"
#include "store/repair.h"
#include "unit/store/life_world.h"

static const char reg[] = "33333333-0000-4000-8000-000000000001", other_reg[] = "33333333-0000-4000-8000-000000000002";
static const char hash_a[] = "aaaaaaaa11111111111111111111111111111111111111111111111111111111",
                  hash_b[] = "aaaaaaaa22222222222222222222222222222222222222222222222222222222";

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

static const char *another_tenant(struct td_tx *tx, struct life *l)
{
    struct td_tenant t;
    assert_ok(td_tenant_add(tx, "fabrikam.test", NULL, &l->arena, &t, NULL));
    return t.id;
}

static struct td_ek_root root(const char *sha256, const char *subject)
{
    return (struct td_ek_root){.sha256 = sha256, .subject = subject, .label = "", .der = TD_S("0"), .not_after = 5};
}

static size_t roots(struct td_tx *tx, const char *tenant, struct life *l)
{
    struct td_ek_root *list = NULL;
    size_t n = 0;
    assert_ok(td_ek_root_list(tx, tenant, &l->arena, &list, &n, NULL));
    return n;
}

static void makers(struct td_tx *tx, struct life *l)
{
    struct td_ek_root b = root(hash_b, "CN=B"), a = root(hash_a, "CN=A"), *list = NULL;
    struct td_error err;
    size_t n = 0;
    const char *foreign = another_tenant(tx, l);
    assert_ok(td_ek_root_add(tx, l->tenant, &b, "ada", NULL));
    assert_ok(td_ek_root_add(tx, l->tenant, &a, "ada", NULL));
    assert_ok(td_ek_root_add(tx, foreign, &a, "ada", NULL));
    assert_int_equal(td_ek_root_add(tx, l->tenant, &a, "ada", NULL), TD_EEXISTS);
    assert_ok(td_ek_root_list(tx, l->tenant, &l->arena, &list, &n, NULL));
    assert_int_equal(n, 2);
    assert_string_equal(list[0].sha256, hash_a);
    assert_true(td_eq(list[0].der, a.der) && list[0].not_after == 5 && list[0].added_at == td_tx_now(tx));
    assert_int_equal(td_ek_root_remove(tx, l->tenant, "aaaaaaa", "ada", &err), TD_EINVAL); /* too short */
    assert_int_equal(td_ek_root_remove(tx, l->tenant, "aaaaaaaa", "ada", &err), TD_EINVAL);
    assert_non_null(strstr(err.text, "several"));
    assert_int_equal(td_ek_root_remove(tx, l->tenant, "aaaaaaaa3", "ada", NULL), TD_ENOTFOUND);
    assert_int_equal(td_ek_root_remove(tx, l->tenant, "aaaaaaaa%", "ada", NULL), TD_EINVAL);
    assert_ok(td_ek_root_remove(tx, l->tenant, "AAAAAAAA1", "ada", NULL));
    assert_int_equal(roots(tx, l->tenant, l), 1);
    assert_int_equal(roots(tx, foreign, l), 1);
    assert_int_equal(events(tx, l, "tpm-root.added"), 2);
    assert_int_equal(events(tx, l, "tpm-root.removed"), 1);
    a.label = "line\nbreak";
    assert_int_equal(td_ek_root_add(tx, l->tenant, &a, "ada", NULL), TD_EINVAL);
    a = root(hash_a, "CN=A");
    a.der.n = 0;
    assert_int_equal(td_ek_root_add(tx, l->tenant, &a, "ada", NULL), TD_ELIMIT);
}

static void makers_are_kept(void **state)
{
    life_write(*state, makers);
}

static struct td_tpm_binding binding(const char *registration, const char *ek)
{
    return (struct td_tpm_binding){.registration_id = registration,
                                   .ek_sha256 = ek,
                                   .assurance = TD_ASSURANCE_HARDWARE,
                                   .manufacturer = "id:494E5443",
                                   .model = "M",
                                   .version = "id:1",
                                   .pcrs = "{\"0\":\"00\"}",
                                   .baseline = "",
                                   .clock = 7,
                                   .resets = 2,
                                   .firmware = INT64_MIN}; /* sixty-four bits of the TPM's */
}

static void one_tpm(struct td_tx *tx, struct life *l)
{
    struct td_tpm_binding b = binding(reg, hash_a), got = {.registration_id = NULL};
    const char *foreign = another_tenant(tx, l), *tenant = NULL, *whose = NULL;
    struct td_error err;
    assert_int_equal(td_tpm_binding_find(tx, l->tenant, reg, &l->arena, &got, NULL), TD_ENOTFOUND);
    assert_ok(td_tpm_owner(tx, hash_a, &l->arena, &tenant, &whose, NULL));
    assert_string_equal(whose, "");
    assert_ok(td_tpm_bind(tx, l->tenant, &b, NULL));
    b.clock = 9;
    b.assurance = TD_ASSURANCE_PINNED;
    b.baseline = "{\"0\":\"11\"}";
    assert_ok(td_tpm_bind(tx, l->tenant, &b, NULL));
    b.baseline = ""; /* leaves what is there */
    assert_ok(td_tpm_bind(tx, l->tenant, &b, NULL));
    assert_ok(td_tpm_binding_find(tx, l->tenant, reg, &l->arena, &got, NULL));
    assert_int_equal(got.clock, 9);
    assert_int_equal(got.assurance, TD_ASSURANCE_PINNED);
    assert_true(got.firmware == INT64_MIN);
    assert_string_equal(got.baseline, "{\"0\":\"11\"}");
    assert_ok(td_tpm_owner(tx, hash_a, &l->arena, &tenant, &whose, NULL));
    assert_string_equal(whose, reg);
    assert_string_equal(tenant, l->tenant);
    /* the same key twice: at another device, in another tenant; another key at the same device */
    b = binding(other_reg, hash_a);
    assert_int_equal(td_tpm_bind(tx, l->tenant, &b, &err), TD_ESTATE);
    assert_string_equal(err.where, td_attest_row(TD_ATT_CLONED)->name);
    b = binding(reg, hash_a);
    assert_int_equal(td_tpm_bind(tx, foreign, &b, &err), TD_ESTATE);
    assert_string_equal(err.where, td_attest_row(TD_ATT_CLONED)->name);
    b = binding(reg, hash_b);
    assert_int_equal(td_tpm_bind(tx, l->tenant, &b, &err), TD_ESTATE);
    assert_string_equal(err.where, td_attest_row(TD_ATT_OTHER_TPM)->name);
    /* forgotten, another may have it */
    assert_ok(td_tpm_unbind(tx, l->tenant, reg, NULL));
    assert_ok(td_tpm_unbind(tx, l->tenant, reg, NULL));
    b = binding(other_reg, hash_a);
    assert_ok(td_tpm_bind(tx, foreign, &b, NULL));
}

static void one_tpm_is_one_device(void **state)
{
    life_write(*state, one_tpm);
}

static void assert_baseline(struct td_tx *tx, struct life *l, const char *expected)
{
    struct td_tpm_binding got = {.baseline = NULL};
    assert_ok(td_tpm_binding_find(tx, l->tenant, reg, &l->arena, &got, NULL));
    assert_string_equal(got.baseline, expected);
}

static void baseline(struct td_tx *tx, struct life *l)
{
    struct td_tpm_binding b = binding(reg, hash_a);
    assert_int_equal(td_tpm_baseline_reset(tx, l->tenant, reg, false, NULL), TD_ENOTFOUND);
    b.baseline = "{\"0\":\"11\"}";
    assert_ok(td_tpm_bind(tx, l->tenant, &b, NULL));
    assert_ok(td_tpm_baseline_reset(tx, l->tenant, reg, true, NULL));
    assert_baseline(tx, l, "{\"0\":\"00\"}");
    assert_ok(td_tpm_baseline_reset(tx, l->tenant, reg, false, NULL));
    assert_baseline(tx, l, "");
    b.pcrs = b.baseline = "";
    assert_ok(td_tpm_bind(tx, l->tenant, &b, NULL));
    assert_int_equal(td_tpm_baseline_reset(tx, l->tenant, reg, true, NULL), TD_ENOTFOUND);
}

static void baselines_are_forgotten_and_taken(void **state)
{
    life_write(*state, baseline);
}

static struct td_challenge challenge(const char *id)
{
    struct td_challenge c = {.id = id,
                             .registration_id = reg,
                             .purpose = TD_ATTEST_PRE_PROVISIONING,
                             .ek_sha256 = hash_a,
                             .assurance = TD_ASSURANCE_VIRTUAL,
                             .manufacturer = "id:00001014",
                             .model = "swtpm",
                             .version = "",
                             .ak = TD_S("\0\1ak"),
                             .technician = "ben",
                             .expires_at = 77};
    memset(c.nonce, 'n', sizeof(c.nonce));
    memset(c.proof_sha256, 'p', sizeof(c.proof_sha256));
    return c;
}

static void asked(struct td_tx *tx, struct life *l)
{
    struct td_challenge c = challenge("c1"), got = {.id = NULL};
    const char *tenant = NULL, *foreign = another_tenant(tx, l);
    int64_t n = 0, own = 0;
    assert_int_equal(td_challenge_find(tx, "c1", &l->arena, &tenant, &got, NULL), TD_ENOTFOUND);
    assert_ok(td_challenge_add(tx, l->tenant, &c, NULL));
    c = challenge("c2");
    c.caller = "192.0.2.7";
    assert_ok(td_challenge_add(tx, foreign, &c, NULL));
    assert_ok(td_challenge_count(tx, hash_a, c.caller, td_tx_now(tx), &own, &n, NULL)); /* of all tenants */
    assert_int_equal(own, 1);
    assert_int_equal(n, 2);
    assert_ok(td_challenge_count(tx, hash_a, c.caller, td_tx_now(tx) + 1, &own, &n, NULL));
    assert_int_equal(own + n, 0);
    assert_ok(td_challenge_count(tx, hash_b, c.caller, 0, &own, &n, NULL));
    assert_int_equal(own + n, 0);
    assert_ok(td_challenge_find(tx, "c1", &l->arena, &tenant, &got, NULL));
    assert_string_equal(tenant, l->tenant);
    assert_string_equal(td_attest_purpose_word(got.purpose), "pre-provisioning");
    assert_true(td_eq(got.ak, TD_S("\0\1ak")) && got.nonce[31] == 'n' && got.proof_sha256[31] == 'p');
    assert_int_equal(got.answered_at, 0);
    /* answered once, by its own tenant */
    got.verdict = TD_ATT_QUOTE;
    assert_int_equal(td_challenge_answer(tx, foreign, &got, NULL), TD_ESTATE);
    assert_ok(td_challenge_answer(tx, l->tenant, &got, NULL));
    got.verdict = TD_ATT_OK;
    assert_int_equal(td_challenge_answer(tx, l->tenant, &got, NULL), TD_ESTATE);
    assert_ok(td_challenge_find(tx, "c1", &l->arena, &tenant, &got, NULL));
    assert_int_equal(got.verdict, TD_ATT_QUOTE);
    assert_true(got.answered_at == td_tx_now(tx));
    assert_int_equal(td_join_ticket_use(tx, l->tenant, "c1", NULL), TD_ENOTFOUND); /* a refusal is no ticket */
}

static void challenges_are_answered_once(void **state)
{
    life_write(*state, asked);
}

static void admit(struct td_tx *tx, struct life *l, const char *id, int64_t until)
{
    struct td_challenge c = challenge(id);
    assert_ok(td_challenge_add(tx, l->tenant, &c, NULL));
    assert_int_equal(td_join_ticket_use(tx, l->tenant, id, NULL), TD_ENOTFOUND); /* not yet */
    c.verdict = TD_ATT_OK;
    c.key_sha256 = id;
    c.ticket_expires_at = until;
    assert_ok(td_challenge_answer(tx, l->tenant, &c, NULL));
}

static void used(struct td_tx *tx, struct life *l)
{
    struct td_challenge got = {.id = NULL};
    const char *foreign = another_tenant(tx, l), *tenant = NULL;
    int64_t now = td_tx_now(tx);
    admit(tx, l, "t1", now);
    admit(tx, l, "t2", now - 1);
    admit(tx, l, "t3", now + 1);
    assert_int_equal(td_attested(tx, l->tenant, reg, &l->arena, &got, NULL), TD_ENOTFOUND);
    assert_int_equal(td_join_ticket_use(tx, foreign, "t1", NULL), TD_ENOTFOUND);
    assert_int_equal(td_join_ticket_use(tx, l->tenant, "t2", NULL), TD_EEXPIRED);
    assert_ok(td_join_ticket_use(tx, l->tenant, "t1", NULL));
    assert_int_equal(td_join_ticket_use(tx, l->tenant, "t1", NULL), TD_ESTATE);
    assert_ok(td_attested(tx, l->tenant, reg, &l->arena, &got, NULL));
    assert_string_equal(got.key_sha256, "t1");
    assert_ok(td_join_ticket_use(tx, l->tenant, "t3", NULL)); /* the former is forgotten */
    assert_ok(td_attested(tx, l->tenant, reg, &l->arena, &got, NULL));
    assert_string_equal(got.id, "t3");
    assert_int_equal(td_challenge_find(tx, "t1", &l->arena, &tenant, &got, NULL), TD_ENOTFOUND);
    assert_ok(td_tpm_unbind(tx, l->tenant, reg, NULL));
    assert_int_equal(td_attested(tx, l->tenant, reg, &l->arena, &got, NULL), TD_ENOTFOUND);
}

static void tickets_are_used_once(void **state)
{
    life_write(*state, used);
}

static void crowd(struct td_tx *tx, struct life *l)
{
    for (int i = 0; i < 50; i++) {
        struct td_challenge c = challenge(td_arena_printf(&l->arena, "old-%d", i));
        assert_ok(td_challenge_add(tx, l->tenant, &c, NULL));
    }
    admit(tx, l, "kept", td_tx_now(tx) + 1);
    assert_ok(td_join_ticket_use(tx, l->tenant, "kept", NULL));
    admit(tx, l, "unused", td_tx_now(tx) + 1);
}

static void later(struct td_tx *tx, struct life *l)
{
    int64_t n = 0, own = 0;
    struct td_challenge got = {.id = NULL};
    for (int i = 0; i < 5; i++) {
        struct td_challenge c = challenge(td_arena_printf(&l->arena, "new-%d", i));
        assert_ok(td_challenge_add(tx, l->tenant, &c, NULL));
    }
    assert_ok(td_challenge_count(tx, hash_a, "", 0, &own, &n, NULL));
    assert_int_equal(n, 7); /* five new ones, and those that admitted */
    assert_ok(td_attested(tx, l->tenant, reg, &l->arena, &got, NULL));
    assert_string_equal(got.id, "kept");
}

static void a_day_later(struct td_tx *tx, struct life *l)
{
    int64_t n = 0, own = 0;
    struct td_challenge c = challenge("last");
    assert_ok(td_challenge_add(tx, l->tenant, &c, NULL));
    assert_ok(td_challenge_count(tx, hash_a, "", 0, &own, &n, NULL));
    assert_int_equal(n, 2); /* this one, and what a ticket that was used grew out of */
}

static void old_challenges_go(void **state)
{
    struct life *l = *state;
    life_write(l, crowd);
    l->env.now += TD_CHALLENGE_KEPT + 1;
    life_write(l, later);
    l->env.now += TD_TICKET_KEPT;
    life_write(l, a_day_later);
}

static void fetched(struct td_tx *tx, struct life *l)
{
    struct td_slice der = TD_S("");
    int64_t at = 0;
    const char *foreign = another_tenant(tx, l);
    static const char url[] = "http://maker.test/a.cer";
    assert_int_equal(td_ek_issuer_find(tx, l->tenant, url, &l->arena, &der, &at, NULL), TD_ENOTFOUND);
    assert_ok(td_ek_issuer_keep(tx, l->tenant, url, TD_S("one"), NULL));
    assert_ok(td_ek_issuer_keep(tx, l->tenant, url, TD_S("two"), NULL));
    assert_ok(td_ek_issuer_find(tx, l->tenant, url, &l->arena, &der, &at, NULL));
    assert_true(td_eqs(der, "two") && at == td_tx_now(tx));
    assert_int_equal(td_ek_issuer_find(tx, foreign, url, &l->arena, &der, &at, NULL), TD_ENOTFOUND);
    const struct td_slice huge = {der.p, TD_EK_DER_MAX + 1};
    assert_int_equal(td_ek_issuer_keep(tx, l->tenant, url, huge, NULL), TD_ELIMIT);
    assert_ok(td_ek_issuer_keep(tx, l->tenant, url, TD_S(""), NULL)); /* asked in vain */
    assert_ok(td_ek_issuer_find(tx, l->tenant, url, &l->arena, &der, &at, NULL));
    assert_int_equal(der.n, 0);
    for (int i = 0; i < TD_EK_ISSUERS_MAX + 3; i++)
        assert_ok(td_ek_issuer_keep(tx, l->tenant, td_arena_printf(&l->arena, "http://%04d", i), TD_S("x"), NULL));
    assert_int_equal(td_ek_issuer_find(tx, l->tenant, "http://0502", &l->arena, &der, &at, NULL), TD_ENOTFOUND);
    assert_ok(td_ek_issuer_find(tx, l->tenant, "http://0000", &l->arena, &der, &at, NULL));
    for (int i = 0; i < TD_EK_ISSUERS_MAX + 3; i++) /* what strangers named goes before what was of use */
        assert_ok(td_ek_issuer_keep(tx, l->tenant, td_arena_printf(&l->arena, "http://-%04d", i), TD_S(""), NULL));
    assert_ok(td_ek_issuer_find(tx, l->tenant, "http://0000", &l->arena, &der, &at, NULL));
}

static void fetched_certificates_are_bounded(void **state)
{
    life_write(*state, fetched);
}

/* --- what else forgets it --- */

static const char *a_registration(struct td_tx *tx, struct life *l)
{
    struct td_registration_new n = {
        .serial = "SN-1", .manufacturer = "Contoso", .model = "Box", .hash = TD_S("octets")};
    struct td_import_verdict v = {.registration_id = NULL};
    n.sku = n.family = n.product_key = n.group_tag = n.purchase_order = n.assigned_user = n.warning = "";
    (void)td_facts_add_tuple(&n.facts, &l->arena, td_str(n.manufacturer), td_str(n.model), td_str(n.serial));
    (void)td_facts_add_uuid(&n.facts, &l->arena, TD_S("11111111-2222-4333-8444-555555555555"));
    assert_ok(td_registration_add(tx, l->tenant, &n, "admin", &l->arena, &v, NULL));
    return v.registration_id;
}

static bool is_bound(struct td_tx *tx, struct life *l, const char *registration)
{
    struct td_tpm_binding got = {.baseline = NULL};
    return td_tpm_binding_find(tx, l->tenant, registration, &l->arena, &got, NULL) == TD_OK;
}

static void repaired(struct td_tx *tx, struct life *l)
{
    const char *id = a_registration(tx, l);
    struct td_tpm_binding b = binding(id, hash_a);
    struct td_proposal by = {.source = "lookup", .enrolment_id = "", .serial = "SN-1", .cause = "", .remedy = ""};
    by.manufacturer = by.model = by.sku = by.family = by.product_key = "";
    (void)td_facts_add_tuple(&by.facts, &l->arena, TD_S("Contoso"), TD_S("Box"), TD_S("SN-1"));
    (void)td_facts_add_uuid(&by.facts, &l->arena, TD_S("11111111-2222-4333-8444-555555555555"));
    assert_ok(td_tpm_bind(tx, l->tenant, &b, NULL));
    assert_ok(td_repair_apply(tx, l->tenant, id, &by, "administrator", "ada", NULL)); /* the same board */
    assert_true(is_bound(tx, l, id));
    by.alternates = true;
    assert_ok(td_repair_apply(tx, l->tenant, id, &by, "administrator", "ada", NULL));
    assert_false(is_bound(tx, l, id));
}

static void another_board_has_another_tpm(void **state)
{
    life_write(*state, repaired);
}

static void deregistered(struct td_tx *tx, struct life *l)
{
    const char *id = a_registration(tx, l);
    struct td_tpm_binding b = binding(id, hash_a);
    assert_ok(td_tpm_bind(tx, l->tenant, &b, NULL));
    assert_ok(td_registration_remove(tx, l->tenant, id, "ada", NULL));
    assert_false(is_bound(tx, l, id));
}

static void a_registration_ends_with_its_tpm(void **state)
{
    life_write(*state, deregistered);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, life_setup, life_teardown)
    const struct CMUnitTest tests[] = {
        TEST(makers_are_kept),
        TEST(one_tpm_is_one_device),
        TEST(baselines_are_forgotten_and_taken),
        TEST(challenges_are_answered_once),
        TEST(tickets_are_used_once),
        TEST(old_challenges_go),
        TEST(fetched_certificates_are_bounded),
        TEST(another_board_has_another_tpm),
        TEST(a_registration_ends_with_its_tpm),
    };
    return cmocka_run_group_tests_name("attestation", tests, NULL, NULL);
}
