/* way/domain_join: every reason is whole and found by its name, codes are Win32's, refused binds are told apart, names
 * follow the pattern (autopilot.md 2.2, 3.2; domain-join-and-tpm.md 1.5, 1.8). */
#include "unit/test.h"
#include "way/domain_join.h"

#include <ctype.h>
#include <string.h>

static void each_reason_has_its_row(void **state TD_UNUSED)
{
    for (int i = 0; i < TD_DJ_COUNT; i++) {
        const struct td_domain_reason_row *row = td_domain_reason_row((enum td_domain_reason)i);
        assert_int_equal(row->reason, i);
        assert_ptr_equal(td_domain_reason_by_name(row->name), row);
        assert_true(i == TD_DJ_OK || (row->hresult >= 0x80000000U && row->code != TD_OK && strlen(row->remedy) > 20));
        assert_true(strlen(row->cause) < 120 && strlen(row->remedy) < 200);
        assert_true(row->cause[strlen(row->cause) - 1] == '.');
        assert_true(strspn(row->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == strlen(row->name));
    }
    assert_null(td_domain_reason_by_name("Perhaps"));
    assert_null(td_domain_reason_by_name(NULL));
    assert_int_equal(td_domain_reason_row(TD_DJ_COUNT)->reason, TD_DJ_REFUSED);
}

/* What the page of a device says of a reason is that reason to the device, and nothing else is one. */
static void a_page_tells_one_reason(void **state TD_UNUSED)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    for (int i = TD_DJ_OK + 1; i < TD_DJ_COUNT; i++)
        assert_int_equal(td_domain_reason_told(td_domain_told((enum td_domain_reason)i, &a)), i);
    assert_string_equal(
        td_domain_told(TD_DJ_NO_OU, &a),
        "0x80072030: The organizational unit of the item does not exist. Write the unit's distinguished "
        "name as the domain has it, or leave it empty for the default container.");
    assert_int_equal(td_domain_reason_told(""), TD_DJ_OK);
    assert_int_equal(td_domain_reason_told("Call 4711."), TD_DJ_OK);
    assert_int_equal(td_domain_reason_told("0x80072030: something else"), TD_DJ_OK);
}

/* 0x80070000 and the number of Win32 that a person finds by searching. */
static void codes_are_those_of_windows(void **state TD_UNUSED)
{
    static const struct {
        const char *name;
        uint32_t win32;
    } known[] = {{"NoDc", 1355},
                 {"ServicePassword", 1326},
                 {"ServiceDisabled", 1331},
                 {"ServiceExpired", 1330},
                 {"ServiceLocked", 1909},
                 {"NoOu", 8240},
                 {"NoRight", 5},
                 {"Quota", 8557},
                 {"NameTaken", 2224},
                 {"ClockSkew", 1398},
                 {"Timeout", 1460},
                 {"BadBlob", 13},
                 {"Already", 2691},
                 {"DeviceNoDc", 1908},
                 {"NoConnector", 1908},
                 {"DeviceClock", 1398},
                 {"DeviceRefused", 1789},
                 {"NameInvalid", 123},
                 {"Wrong", 1326},
                 {"Disabled", 1331},
                 {"MustChange", 1907},
                 {"PasswordExpired", 1330},
                 {"AccountExpired", 1793},
                 {"Locked", 1909},
                 {"Hours", 1328},
                 {"Superseded", 1223},
                 {"NoSettings", 1168}};
    for (size_t i = 0; i < TD_COUNTOF(known); i++)
        assert_int_equal(td_domain_reason_by_name(known[i].name)->hresult, 0x80070000U + known[i].win32);
    assert_int_equal(td_domain_reason_by_name("Untrusted")->hresult, 0x800b0109);
    assert_int_equal(td_domain_reason_by_name("Delivered")->hresult, 0x80004005);
}

static void a_refusal_carries_all(void **state TD_UNUSED)
{
    struct td_error err;
    assert_int_equal(td_domain_refuse(&err, TD_DJ_NO_OU, "OU=Nowhere,DC=corp,DC=test"), TD_ENOTFOUND);
    assert_string_equal(err.where, "NoOu");
    assert_string_equal(err.text, "The organizational unit of the item does not exist: OU=Nowhere,DC=corp,DC=test.");
    assert_int_equal(err.hresult, 0x80072030);
    assert_non_null(strstr(err.remedy, "distinguished name"));
    assert_int_equal(td_domain_refuse(&err, TD_DJ_LOCKED, NULL), TD_EDENIED);
    assert_string_equal(err.text, "The account is locked after too many wrong passwords.");
    assert_int_equal(td_domain_refuse(NULL, TD_DJ_LOCKED, NULL), TD_EDENIED);
}

static void binds_are_told_apart(void **state TD_UNUSED)
{
    static const struct {
        uint32_t win32;
        enum td_domain_reason person, service;
    } rows[] = {{0x525, TD_DJ_WRONG, TD_DJ_SERVICE_PASSWORD},
                {0x52e, TD_DJ_WRONG, TD_DJ_SERVICE_PASSWORD},
                {0x530, TD_DJ_HOURS, TD_DJ_SERVICE_DISABLED},
                {0x531, TD_DJ_HOURS, TD_DJ_SERVICE_DISABLED},
                {0x532, TD_DJ_PASSWORD_EXPIRED, TD_DJ_SERVICE_EXPIRED},
                {0x533, TD_DJ_DISABLED, TD_DJ_SERVICE_DISABLED},
                {0x701, TD_DJ_ACCOUNT_EXPIRED, TD_DJ_SERVICE_DISABLED},
                {0x773, TD_DJ_MUST_CHANGE, TD_DJ_SERVICE_EXPIRED},
                {0x775, TD_DJ_LOCKED, TD_DJ_SERVICE_LOCKED},
                {0, TD_DJ_WRONG, TD_DJ_SERVICE_PASSWORD},
                {0x999, TD_DJ_REFUSED, TD_DJ_REFUSED}};
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        assert_int_equal(td_domain_reason_of_bind(rows[i].win32, false), rows[i].person);
        assert_int_equal(td_domain_reason_of_bind(rows[i].win32, true), rows[i].service);
    }
}

static void states_have_words(void **state TD_UNUSED)
{
    static const char *const words[] = {"queued", "creating", "created", "delivered", "confirmed", "failed"};
    assert_int_equal(TD_COUNTOF(words), TD_DJS_COUNT);
    for (int i = 0; i < TD_DJS_COUNT; i++)
        assert_string_equal(td_domain_state_word((enum td_domain_state)i), words[i]);
}

static void reuse_has_words(void **state TD_UNUSED)
{
    static const char *const words[] = {"never", "own", "any", "Own", ""};
    for (int i = 0; i < 5; i++)
        assert_int_equal(td_domain_reuse_parse(words[i]), TD_MIN(i, TD_REUSE_COUNT));
}

static void name_is(const char *pattern, const char *serial, const char *want)
{
    bool last = false;
    char name[TD_COMPUTER_NAME_MAX + 1] = "";
    struct td_env_fixed env;
    struct td_error err = {.code = TD_OK};
    td_env_fixed_init(&env, 0, 1);
    if (td_domain_computer_name(pattern, serial, &env.env, name, &last, &err) != TD_OK)
        fail_msg("%s: %s", pattern, err.text);
    assert_string_equal(name, want);
    assert_true(last);
}

static void names_without_chance(void **state TD_UNUSED)
{
    name_is("CORP-%SERIAL%", "AB 12.34", "CORP-AB1234");
    name_is("CORP-%SERIAL%", "0123456789ABCDEF", "CORP-6789ABCDEF");
    name_is("%SERIAL%", "4567-AB-", "4567-AB"); /* DNS takes no hyphen at an end */
    name_is("A%SERIAL%", "", "A");
}

static void names_by_chance(void **state TD_UNUSED)
{
    struct td_env_fixed env;
    char pattern[TD_DOMAIN_PATTERN_MAX + 1] = "", name[TD_COMPUTER_NAME_MAX + 1] = "", before[sizeof(name)] = "";
    td_env_fixed_init(&env, 0, 7);
    assert_int_equal(td_domain_pattern("PC-", 12, pattern, NULL), TD_OK);
    for (int i = 0; i < 200; i++) {
        bool last = true;
        assert_int_equal(td_domain_computer_name(pattern, "S1", &env.env, name, &last, NULL), TD_OK);
        assert_int_equal(strlen(name), 15);
        assert_memory_equal(name, "PC-", 3);
        assert_false(last);
        assert_string_not_equal(name, before);
        for (const char *c = name + 3; *c != '\0'; c++)
            assert_true(isupper((unsigned char)*c) || isdigit((unsigned char)*c));
        memcpy(before, name, sizeof(name));
    }
    assert_int_equal(td_domain_pattern("1", 1, pattern, NULL), TD_OK); /* never digits alone */
    for (int i = 0; i < 200; i++) {
        bool last = true;
        assert_int_equal(td_domain_computer_name(pattern, "S1", &env.env, name, &last, NULL), TD_OK);
        assert_true(isupper((unsigned char)name[1]));
    }
    bool last = true;
    assert_int_equal(td_domain_computer_name("C%RAND:4%", "S1", &env.env, name, &last, NULL), TD_OK);
    assert_int_equal(strlen(name), 5);
    assert_false(last);
}

static void patterns_that_no_domain_takes(void **state TD_UNUSED)
{
    static const char *const bad[] = {"",       "ABCDEFGHIJKLMNOP", "A B",         "%WHO%",           "-A",
                                      "123",    "%RAND:4%",         "A%MIX:0%",    "A%MIX:15%",       "%MIX:4%B",
                                      "A%MIX:", "A%MIX:x%",         "caf\xc3\xa9", "%SERIAL%%SERIAL%"};
    static const struct {
        const char *prefix;
        int random;
    } pairs[] = {{"", 0}, {"ABCDEFGH", 8}, {"A", -1}, {"%SERIAL%", 3}, {"12", 0}, {"A.B", 3}};
    char out[TD_DOMAIN_PATTERN_MAX + 1] = "", name[TD_COMPUTER_NAME_MAX + 1] = "";
    struct td_error err;
    struct td_env_fixed env;
    bool last = false;
    td_env_fixed_init(&env, 0, 1);
    for (size_t i = 0; i < TD_COUNTOF(bad); i++) {
        if (td_domain_pattern_check(bad[i], &err) == TD_OK)
            fail_msg("%s is taken", bad[i]);
        assert_string_equal(err.where, "NameInvalid");
    }
    for (size_t i = 0; i < TD_COUNTOF(pairs); i++)
        assert_int_equal(td_domain_pattern(pairs[i].prefix, pairs[i].random, out, &err), TD_EINVAL);
    assert_int_equal(td_domain_pattern("", 15, out, &err), TD_OK);
    assert_int_equal(td_domain_computer_name("%SERIAL%", "12345", &env.env, name, &last, &err), TD_EINVAL);
    assert_int_equal(td_domain_computer_name("%SERIAL%", "...", &env.env, name, &last, &err), TD_EINVAL);
    assert_int_equal(td_domain_computer_name("%SERIAL%", "-1-", &env.env, name, &last, &err), TD_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reason_has_its_row),
        cmocka_unit_test(a_page_tells_one_reason),
        cmocka_unit_test(codes_are_those_of_windows),
        cmocka_unit_test(a_refusal_carries_all),
        cmocka_unit_test(binds_are_told_apart),
        cmocka_unit_test(states_have_words),
        cmocka_unit_test(reuse_has_words),
        cmocka_unit_test(names_without_chance),
        cmocka_unit_test(names_by_chance),
        cmocka_unit_test(patterns_that_no_domain_takes),
    };
    return cmocka_run_group_tests_name("domain join", tests, NULL, NULL);
}
