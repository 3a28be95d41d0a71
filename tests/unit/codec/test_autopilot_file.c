/* AutopilotConfigurationFile.json as autopilot.md 2.4 describes it, and each way to be ignored. */
#include "codec/autopilot_file.h"
#include "unit/test.h"
#include "way/profile.h"

#include <stdlib.h>

#define ID "5f3c5a10-7a42-4a5e-9b0c-0a1b2c3d4e5f"
#define TENANT "11111111-2222-4333-8444-555555555555"
#define SERVER                                                                                        \
    "\"{\\\"ZeroTouchConfig\\\":{\\\"CloudAssignedTenantUpn\\\":\\\"\\\",\\\"ForcedEnrollment\\\":1," \
    "\\\"CloudAssignedTenantDomain\\\":\\\"contoso.test\\\"}}\""

static const struct member {
    const char *name, *value;
    bool needed;
} members[] = {
    {"Version", "2049", false},
    {"Comment_File", "\"Profile Caf\\u00e9\"", false},
    {"ZtdCorrelationId", "\"" ID "\"", true},
    {"CloudAssignedTenantId", "\"" TENANT "\"", true},
    {"CloudAssignedTenantDomain", "\"contoso.test\"", true},
    {"CloudAssignedOobeConfig", "1310", true},
    {"CloudAssignedDomainJoinMethod", "0", true},
    {"CloudAssignedForcedEnrollment", "1", true},
    {"CloudAssignedAadServerData", SERVER, true},
    {"CloudAssignedDeviceName", "\"PC-%SERIAL%\"", false},
    {"CloudAssignedLanguage", "\"de-DE\"", false},
    {"CloudAssignedRegion", "\"AT\"", false},
    {"HybridJoinSkipDCConnectivityCheck", "1", false},
    {"CloudAssignedAutopilotUpdateDisabled", "1", false},
    {"CloudAssignedAutopilotUpdateTimeout", "1800000", false},
};

/* The whole file, without one member (SIZE_MAX: with all), or with another value of it. */
static const char *file_with(size_t which, const char *value, struct td_arena *a)
{
    struct td_buf b;
    td_buf_init(&b, 8192);
    td_buf_addc(&b, '{');
    for (size_t i = 0; i < TD_COUNTOF(members); i++) {
        const char *v = i == which ? value : members[i].value;
        if (v != NULL)
            td_buf_printf(&b, "%s\r\n \"%s\": %s", b.n > 1 ? "," : "", members[i].name, v);
    }
    td_buf_adds(&b, "\r\n}\r\n");
    const char *text = td_arena_text(a, td_buf_slice(&b));
    td_buf_done(&b);
    return text;
}

static enum td_code read_it(const char *text, struct td_arena *a, struct td_autopilot_file *f, struct td_error *err)
{
    *err = (struct td_error){0};
    return td_autopilot_file_read(td_str(text), a, f, err);
}

static size_t member_at(const char *name)
{
    for (size_t i = 0; i < TD_COUNTOF(members); i++)
        if (strcmp(members[i].name, name) == 0)
            return i;
    fail_msg("no member %s", name);
    return 0;
}

static void reads_every_field(void **state TD_UNUSED)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_autopilot_file f;
    struct td_error err;
    assert_ok(read_it(file_with(SIZE_MAX, NULL, &a), &a, &f, &err));
    assert_string_equal(f.correlation_id, ID);
    assert_string_equal(f.tenant_id, TENANT);
    assert_string_equal(f.tenant_domain, "contoso.test");
    assert_string_equal(f.tenant_upn, "");
    assert_string_equal(f.comment, "Profile Caf\xc3\xa9");
    assert_string_equal(f.device_name, "PC-%SERIAL%");
    assert_string_equal(f.language, "de-DE");
    assert_string_equal(f.region, "AT");
    assert_int_equal(f.version, 2049);
    assert_int_equal(f.oobe, 1310);
    assert_int_equal(f.join_method, 0);
    assert_int_equal(f.forced, 1);
    assert_int_equal(f.skip_connectivity, 1);
    assert_int_equal(f.update_disabled, 1);
    assert_int_equal(f.update_timeout_ms, 1800000);
}

static void what_is_missing_is_named(void **state TD_UNUSED)
{
    for (size_t i = 0; i < TD_COUNTOF(members); i++) {
        TD_CLEANUP(td_arena_done) struct td_arena a = {0};
        struct td_autopilot_file f;
        struct td_error err;
        enum td_code rc = read_it(file_with(i, NULL, &a), &a, &f, &err);
        assert_int_equal(rc, members[i].needed ? TD_EINVAL : TD_OK);
        if (members[i].needed)
            assert_string_equal(err.where, members[i].name);
    }
}

static void what_is_wrong_is_named(void **state TD_UNUSED)
{
    static const struct {
        const char *name, *value;
    } wrong[] = {
        {"ZtdCorrelationId", "\"{" ID "}\""},
        {"ZtdCorrelationId", "\"profile\""},
        {"ZtdCorrelationId", "7"},
        {"CloudAssignedTenantId", "\"\""},
        {"CloudAssignedTenantDomain", "\"a\\u000ab\""},
        {"CloudAssignedTenantDomain", "\"\""},
        {"CloudAssignedOobeConfig", "\"1310\""},
        {"CloudAssignedOobeConfig", "-1"},
        {"CloudAssignedDomainJoinMethod", "2"},
        {"CloudAssignedForcedEnrollment", "true"},
        {"CloudAssignedAadServerData", "{}"},
        {"CloudAssignedAadServerData", "\"{\""},
        {"CloudAssignedAadServerData", "\"{\\\"ZeroTouchConfig\\\":{}}\""},
        {"Version", "\"2049\""},
        {"CloudAssignedDeviceName", "1"},
    };
    for (size_t i = 0; i < TD_COUNTOF(wrong); i++) {
        TD_CLEANUP(td_arena_done) struct td_arena a = {0};
        struct td_autopilot_file f;
        struct td_error err;
        const char *text = file_with(member_at(wrong[i].name), wrong[i].value, &a);
        assert_int_equal(read_it(text, &a, &f, &err), TD_EINVAL);
        assert_string_equal(err.where, wrong[i].name);
        assert_true(err.remedy[0] != '\0');
    }
}

static void only_ascii_is_read(void **state TD_UNUSED)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_autopilot_file f;
    struct td_error err;
    const char *good = file_with(SIZE_MAX, NULL, &a);
    assert_int_equal(read_it(td_arena_printf(&a, "\xEF\xBB\xBF%s", good), &a, &f, &err), TD_EFORMAT);
    assert_non_null(strstr(err.text, "EF BB BF"));
    assert_int_equal(read_it(file_with(member_at("Comment_File"), "\"Caf\xc3\xa9\"", &a), &a, &f, &err), TD_EFORMAT);
    assert_non_null(strstr(err.text, "(C3)"));
    assert_int_equal(read_it(file_with(member_at("Comment_File"), "\"Caf\xe9\"", &a), &a, &f, &err), TD_EFORMAT);
    static const char marked[] = "\xFF\xFE{\0}\0", bare[] = "{\0}\0";
    assert_int_equal(td_autopilot_file_read(td_bytes(marked, sizeof(marked) - 1), &a, &f, &err), TD_EFORMAT);
    assert_non_null(strstr(err.text, "UTF-16"));
    assert_int_equal(td_autopilot_file_read(td_bytes(bare, sizeof(bare) - 1), &a, &f, &err), TD_EFORMAT);
    assert_non_null(strstr(err.text, "UTF-16"));
}

static void what_is_no_object_is_refused(void **state TD_UNUSED)
{
    static const char *const texts[] = {"", "[]", "{", "null", "{\"Version\":1,\"Version\":2}"};
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_autopilot_file f;
    struct td_error err;
    for (size_t i = 0; i < TD_COUNTOF(texts); i++)
        assert_int_equal(read_it(texts[i], &a, &f, &err), TD_EFORMAT);
    char *big = td_arena_alloc(&a, TD_AUTOPILOT_FILE_MAX + 2);
    memset(big, ' ', TD_AUTOPILOT_FILE_MAX + 1);
    assert_int_equal(read_it(big, &a, &f, &err), TD_ELIMIT);
}

static void self_deploying_is_refused(void **state TD_UNUSED)
{
    static const char *const bits[] = {"32", "64", "128", "1374"};
    for (size_t i = 0; i < TD_COUNTOF(bits); i++) {
        TD_CLEANUP(td_arena_done) struct td_arena a = {0};
        struct td_autopilot_file f;
        struct td_error err;
        const char *text = file_with(member_at("CloudAssignedOobeConfig"), bits[i], &a);
        assert_int_equal(read_it(text, &a, &f, &err), TD_ENOTOFFERED);
        assert_string_equal(err.where, "CloudAssignedOobeConfig");
    }
}

/* The exporter's file is one that a device takes, whatever the profile is called. */
static void takes_what_is_exported(void **state TD_UNUSED)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    TD_CLEANUP(td_buf_done) struct td_buf out;
    struct td_profile p;
    struct td_autopilot_file f;
    struct td_error err;
    td_buf_init(&out, TD_AUTOPILOT_FILE_MAX);
    td_profile_defaults(false, &p);
    p.name_template = "PC-%RAND:4%";
    const struct td_profile_answer around = {.tenant_id = TENANT,
                                             .tenant_domain = "contoso.test",
                                             .tenant_name = "Contoso",
                                             .profile_id = ID,
                                             .profile_name = "B\xc3\xbcro \xf0\x9f\x98\x80 \"$(x)\"",
                                             .device_name = ""};
    assert_ok(td_profile_export(&p, &around, &out, NULL));
    assert_ok(td_autopilot_file_read(td_buf_slice(&out), &a, &f, &err));
    assert_string_equal(f.comment, "Profile B\xc3\xbcro \xf0\x9f\x98\x80 \"$(x)\"");
    assert_string_equal(f.correlation_id, ID);
    assert_string_equal(f.device_name, "PC-%RAND:4%");
    assert_int_equal(f.oobe, td_profile_oobe_bits(&p));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_field),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(only_ascii_is_read),
        cmocka_unit_test(what_is_no_object_is_refused),
        cmocka_unit_test(self_deploying_is_refused),
        cmocka_unit_test(takes_what_is_exported),
    };
    return cmocka_run_group_tests_name("codec/autopilot_file", tests, NULL, NULL);
}
