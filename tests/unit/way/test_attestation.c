/* way/attestation: every refusal has its row, measurements are judged as the profile says, programs are told from chips
 * (attestation.md 3.3; autopilot.md 6.7). */
#include "unit/test.h"
#include "way/attestation.h"

#include <string.h>

#define H32(c) c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c
#define HEX(c) H32(c c)

static void each_reason_has_its_row(void **state)
{
    (void)state;
    for (int i = 0; i < TD_ATT_COUNT; i++) {
        const struct td_attest_row *row = td_attest_row((enum td_attest_reason)i);
        assert_int_equal(row->reason, i);
        assert_ptr_equal(td_attest_by_name(row->name), row);
        assert_true(i == TD_ATT_OK || (row->hresult >= 0x80000000U && row->code != TD_OK));
        assert_true(i == TD_ATT_OK || strlen(row->remedy) > 20);
        assert_true(strlen(row->cause) < 120 && strlen(row->remedy) < 200);
        assert_true(row->cause[strlen(row->cause) - 1] == '.');
    }
    assert_null(td_attest_by_name("Admittedly"));
    assert_null(td_attest_by_name(NULL));
}

/* What administrators search for: autopilot.md 6.7. */
static void codes_are_the_known_ones(void **state)
{
    static const struct {
        enum td_attest_reason reason;
        uint32_t hresult;
        const char *name;
    } known[] = {
        {TD_ATT_TOO_MANY, 0x81039001, "TooManyAttempts"},
        {TD_ATT_ONCE, 0x80180014, "DeployedBefore"},
        {TD_ATT_NO_CERTIFICATE, 0x80190194, "NoEndorsementCertificate"},
        {TD_ATT_UNTRUSTED, 0x801c03ea, "UntrustedManufacturer"},
        {TD_ATT_PROOF, 0x801c03ea, "ProofFailed"},
        {TD_ATT_NOT_WANTED, 0x80180005, "AttestationNotWanted"},
        {TD_ATT_BAD_AK, 0x801c0010, "BadAttestationKey"},
    };
    (void)state;
    for (size_t i = 0; i < TD_COUNTOF(known); i++) {
        assert_int_equal(td_attest_row(known[i].reason)->hresult, known[i].hresult);
        assert_string_equal(td_attest_row(known[i].reason)->name, known[i].name);
    }
}

static void a_refusal_carries_all(void **state)
{
    struct td_error err;
    (void)state;
    assert_int_equal(td_attest_refuse(&err, TD_ATT_PCR, "PCR 4 was not told"), TD_EDENIED);
    assert_string_equal(err.where, "MeasurementsNotWanted");
    assert_string_equal(err.text, "The device's measurements are not what its profile wants: PCR 4 was not told.");
    assert_int_equal(err.hresult, 0x801c03ea);
    assert_non_null(strstr(err.remedy, "tpm baseline"));
    assert_int_equal(td_attest_refuse(&err, TD_ATT_TOO_MANY, NULL), TD_ELIMIT);
    assert_string_equal(err.text, "This TPM asked for too many challenges in a short time.");
    assert_int_equal(td_attest_refuse(NULL, TD_ATT_TICKET, ""), TD_EAUTH);
}

static void programs_are_told_from_chips(void **state)
{
    static const struct {
        const char *maker, *model;
        bool program;
    } tpms[] = {
        {"id:00001014", "swtpm", true},
        {"id:00001014", "", true},
        {"id:564D5700", "VMware TPM2", true},
        {"id:51454D55", "", true},
        {"id:4D534654", "vTPM", true},
        {"id:4D534654", "", true},
        {"id:58454E00", "", true},
        {"ID:474f4f47", "", true},
        {"id:414D5A4E", "NitroTPM", true},
        {"id:58454E20", "", true},
        {"564D5700", "", true},
        {"id:494E5443", "SwTpM", true},
        {"id:494E5443", "A Virtual TPM", true},
        {"id:4D534654", "Pluton", false},
        {"id:494E5443", "CNL", false},
        {"id:49465800", "SLB9670", false},
        {"id:53544D20", "ST33HTPH", false},
        {"id:414D4400", "AMD", false},
        {"id:4E544300", "NPCT75x", false},
        {"", "", false},
    };
    (void)state;
    for (size_t i = 0; i < TD_COUNTOF(tpms); i++)
        if (td_tpm_is_virtual(tpms[i].maker, tpms[i].model) != tpms[i].program)
            fail_msg("%s %s", tpms[i].maker, tpms[i].model);
    assert_string_equal(td_assurance_word(TD_ASSURANCE_PINNED), "pinned");
    assert_string_equal(td_assurance_word((enum td_assurance)77), "none");
}

static void lists_are_checked(void **state)
{
    static const struct {
        const char *list, *why; /* NULL: good */
    } lists[] = {
        {"", NULL},
        {" \n", NULL},
        {"0:" HEX("a"), NULL},
        {"7:" HEX("A") "," HEX("0") "\n4:" HEX("1") "\n", NULL},
        {"8:" HEX("a"), "only PCRs 0 to 7"},
        {"24:" HEX("a"), "no PCR"},
        {"-1:" HEX("a"), "no PCR"},
        {"x:" HEX("a"), "no PCR"},
        {":" HEX("a"), "no PCR"},
        {"0", "no PCR"},
        {"0:", "not one of SHA-256"},
        {"0:" HEX("a") "0", "not one of SHA-256"},
        {"0:" HEX("g"), "not one of SHA-256"},
        {"0:" HEX("a") ",,", "not one of SHA-256"},
        {"0:" HEX("a") " 0:" HEX("b"), "named twice"},
        {"0: " HEX("a"), "not one of SHA-256"},
    };
    (void)state;
    for (size_t i = 0; i < TD_COUNTOF(lists); i++) {
        struct td_error err = {.text = ""};
        enum td_code rc = td_pcr_allowed_check(lists[i].list, &err);
        if ((rc == TD_OK) != (lists[i].why == NULL) || (rc != TD_OK && strstr(err.text, lists[i].why) == NULL))
            fail_msg("%s: %s", lists[i].list, err.text);
        if (rc != TD_OK)
            assert_string_equal(err.where, "pcrAllowed");
    }
}

static struct td_pcr_facts facts(void)
{
    struct td_pcr_facts f = {.known = 0xff, .log = true, .secure_boot = TD_TCG_ON};
    for (int i = 0; i < 8; i++)
        memset(f.value[i], 0x11 * i, sizeof(f.value[i]));
    return f;
}

static void refused(enum td_pcr_policy policy, const char *allowed, const struct td_pcr_facts *f, const char *why)
{
    struct td_error err = {.text = ""};
    assert_int_equal(td_pcr_judge(policy, allowed, f, &err), TD_ATT_PCR);
    if (strstr(err.text, why) == NULL)
        fail_msg("%s, not: %s", err.text, why);
    assert_int_equal(td_pcr_judge(policy, allowed, f, NULL), TD_ATT_PCR);
}

static void secure_boot_is_judged(void **state)
{
    struct td_pcr_facts f = facts();
    (void)state;
    assert_int_equal(td_pcr_judge(TD_PCR_SECURE_BOOT, "", &f, NULL), TD_ATT_OK);
    f.secure_boot = TD_TCG_OFF;
    refused(TD_PCR_SECURE_BOOT, "", &f, "it is off");
    assert_int_equal(td_pcr_judge(TD_PCR_NONE, "", &f, NULL), TD_ATT_OK);
    f.secure_boot = TD_TCG_UNTOLD;
    refused(TD_PCR_SECURE_BOOT, "", &f, "does not tell it");
    f = facts();
    f.log = false;
    refused(TD_PCR_SECURE_BOOT, "", &f, "no event log");
}

static void lists_are_judged(void **state)
{
    struct td_pcr_facts f = facts();
    (void)state;
    assert_int_equal(td_pcr_judge(TD_PCR_ALLOW_LIST, "1:" HEX("1"), &f, NULL), TD_ATT_OK);
    assert_int_equal(td_pcr_judge(TD_PCR_ALLOW_LIST, "1:" HEX("7") "," HEX("1") " 2:" HEX("2"), &f, NULL), TD_ATT_OK);
    refused(TD_PCR_ALLOW_LIST, "1:" HEX("1") " 2:" HEX("1"), &f, "PCR 2 has none");
    refused(TD_PCR_ALLOW_LIST, "", &f, "empty");
    refused(TD_PCR_ALLOW_LIST, "1:" HEX("1") " nonsense", &f, "unreadable");
    f.known = 0xfd;
    refused(TD_PCR_ALLOW_LIST, "1:" HEX("1"), &f, "PCR 1 was not told");
    refused((enum td_pcr_policy)9, "", &f, "unknown");
}

static void baselines_are_judged(void **state)
{
    struct td_pcr_facts f = facts();
    (void)state;
    assert_int_equal(td_pcr_judge(TD_PCR_BASELINE, "", &f, NULL), TD_ATT_OK); /* learns */
    f.known = 0x7f;
    refused(TD_PCR_BASELINE, "", &f, "PCR 7 was not told"); /* nothing to learn */
    f = facts();
    memcpy(f.baseline, f.value, sizeof(f.baseline));
    f.has_baseline = true;
    f.baseline_known = 0xff;
    assert_int_equal(td_pcr_judge(TD_PCR_BASELINE, "", &f, NULL), TD_ATT_OK);
    f.value[4][31] ^= 1;
    refused(TD_PCR_BASELINE, "", &f, "PCR 4 is not what was learnt");
    f.value[4][31] ^= 1;
    f.known = 0x7f;
    refused(TD_PCR_BASELINE, "", &f, "PCR 7 was not told");
    f.baseline_known = 0x7f; /* what was not learnt is not asked */
    assert_int_equal(td_pcr_judge(TD_PCR_BASELINE, "", &f, NULL), TD_ATT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reason_has_its_row), cmocka_unit_test(codes_are_the_known_ones),
        cmocka_unit_test(a_refusal_carries_all),   cmocka_unit_test(programs_are_told_from_chips),
        cmocka_unit_test(lists_are_checked),       cmocka_unit_test(secure_boot_is_judged),
        cmocka_unit_test(lists_are_judged),        cmocka_unit_test(baselines_are_judged),
    };
    return cmocka_run_group_tests_name("attestation", tests, NULL, NULL);
}
