/* way/match, names, profile: the rules of registration as tables. */
#include "base/env.h"
#include "unit/test.h"
#include "way/match.h"
#include "way/names.h"
#include "way/profile.h"

static struct td_arena arena;

/* "t:maker/model/serial u:uuid e:hex m:mac d:disk p:pkid", words separated by blanks. */
static struct td_facts facts(const char *text)
{
    struct td_facts f = {.count = 0};
    struct td_slice rest = td_str(text), word;
    while (rest.n != 0) {
        rest = td_cut(rest, ' ', &word);
        struct td_slice v = td_sub(word, 2, word.n), maker, model;
        switch (word.p[0]) {
        case 't':
            v = td_cut(v, '/', &maker);
            v = td_cut(v, '/', &model);
            (void)td_facts_add_tuple(&f, &arena, maker, model, v);
            break;
        case 'u':
            (void)td_facts_add_uuid(&f, &arena, v);
            break;
        case 'e':
            (void)td_facts_add_ek(&f, &arena, v);
            break;
        case 'm':
            (void)td_facts_add_mac_text(&f, &arena, v);
            break;
        default:
            (void)td_facts_add_text(&f, &arena, word.p[0] == 'd' ? TD_FACT_DISK : TD_FACT_PKID, v);
        }
    }
    return f;
}

#define U1 "u:11223344-5566-7788-99aa-bbccddeeff01"
#define U1_OTHER_ORDER "u:44332211-6655-8877-99AA-BBCCDDEEFF01"
#define U2 "u:21223344-5566-7788-99aa-bbccddeeff01"
#define E1 "e:1111111111111111111111111111111111111111111111111111111111111111"
#define E2 "e:2222222222222222222222222222222222222222222222222222222222222222"

static void matches(void **state TD_UNUSED)
{
    static const struct {
        const char *known, *asked;
        bool device, duplicate;
    } rows[] = {
        {"t:Acme/B1/S1 " U1, "t:ACME./b-1/s1 " U1_OTHER_ORDER, true, true},
        {"t:Acme/B1/S1 " U1, "t:Acme/B1/S1", false, true}, /* one fact is not enough */
        {"t:Acme/B1/S1 " U1, U1, false, false},
        {"t:Acme/B1/S1 " U1 " d:D1", "t:Acme/B1/S1 " U1 " d:D2", true, true}, /* another disk */
        {"t:Acme/B1/S1 " U1 " m:001B21000001", "t:Acme/B1/S1 " U1 " m:001B21000002", true, true},
        {"t:Acme/B1/S1 " U1 " " E1 " d:D1", "t:Acme/B1/S1 " U2 " " E2 " d:D1", false, false}, /* another mainboard */
        {"t:Acme/B1/S1 " U1 " d:D1", "t:Acme/B1/S1 " U2 " d:D1", false, false},
        {"t:Acme/B1/S1 " U1 " " E1, "t:Acme/B1/S1 " U2 " " E1, true, true}, /* UUID rewritten, same TPM */
        {"t:Acme/B1/S1 " U1 " " E1, "t:Acme/B1/S9 " U1 " " E1, true, true}, /* serial number rewritten */
        {"t:Acme/B1/S1 m:001B21000001 d:D1", "t:Acme/B1/S2 m:001B21000001 d:D1", false, false}, /* parts moved */
        {"m:001B21000001 d:D1", "m:001B21000001 d:D1", true, true},
        {"t:Acme/B1/S1 " U1, "t:Acme/B1/S2 " U1, false, false},                           /* cloned UUID alone */
        {"m:001B21000001 m:001B21000002", "m:001B21000001 m:001B21000002", false, false}, /* two of one kind */
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_facts known = facts(rows[i].known), asked = facts(rows[i].asked);
        struct td_match m = td_facts_match(&known, &asked);
        if (td_match_is_device(&m) != rows[i].device || td_match_is_duplicate(&m) != rows[i].duplicate)
            fail_msg("row %zu: %d kinds, %s", i, m.kind_count,
                     m.contradicts != NULL ? m.contradicts : "no contradiction");
    }
}

static void placeholders_weigh_nothing(void **state TD_UNUSED)
{
    static const char *const worthless[] = {
        "t:Acme/B1/To-be-filled-by-O.E.M.",
        "t:Acme/B1/Default-string",
        "t:Acme/B1/0",
        "t:Acme/B1/0123456789",
        "t:Acme/B1/",
        "t:System-manufacturer/System-Product-Name/S1",
        "u:00000000-0000-0000-0000-000000000000",
        "u:FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
        "u:03000200-0400-0500-0006-000700080009",
        "u:junk",
        "m:000000000000",
        "m:FFFFFFFFFFFF",
        "m:02004C4F4F50",
        "m:525400123456",
        "m:010203040506",
        "m:00:1B",
        "m:00-05-9A-3C-78-00",
        "d:0000",
        "d:None",
        "p:",
        "e:11",
        "e:0000000000000000000000000000000000000000000000000000000000000000",
    };
    for (size_t i = 0; i < TD_COUNTOF(worthless); i++)
        if (facts(worthless[i]).count != 0)
            fail_msg("%s weighs", worthless[i]);
    assert_true(td_fact_is_placeholder(TD_S(" to be filled by O.E.M. ")));
    assert_false(td_fact_is_placeholder(TD_S("LB-2030-0001")));
}

static void normal_forms_of_the_document(void **state TD_UNUSED)
{
    struct td_facts f = facts("u:11223344-5566-7788-99aa-bbccddeeff01 m:00-1b-44-11-3a-b7 d:s4-evnx0n/12");
    (void)td_facts_add_tuple(&f, &arena, TD_S("Contoso, Ltd."), TD_S("Book 1"), TD_S("sn-0001"));
    assert_int_equal(f.count, 4);
    assert_string_equal(f.list[0].value, "11223344-5566-7788-99aa-bbccddeeff01");
    assert_string_equal(f.list[1].value, "001B44113AB7");
    assert_string_equal(f.list[2].value, "S4EVNX0N12");
    assert_string_equal(f.list[3].value, "CONTOSOLTD|BOOK1|SN0001");
}

static void docks_and_sticks_are_left_out(void **state TD_UNUSED)
{
    static const struct td_hw_nic nics[] = {
        {14, {0, 0x1B, 0x21, 0, 0, 1}, 0, "PCI"},
        {14, {0, 0x1B, 0x21, 0, 0, 2}, 0, "USB"},
        {10, {0, 0x1B, 0x21, 0, 0, 3}, 0, "PCI"},
    };
    struct td_hw_facts hw;
    struct td_facts f = {.count = 0};
    td_hw_facts_init(&hw);
    hw.nics = nics;
    hw.nic_count = TD_COUNTOF(nics);
    td_facts_add_hash(&f, &arena, &hw);
    assert_int_equal(f.count, 1);
    assert_string_equal(f.list[0].value, "001B21000001");
}

static void names(void **state TD_UNUSED)
{
    static const struct {
        const char *template, *serial, *want; /* want NULL: refused; '#' stands for any digit */
    } rows[] = {
        {"CON-%SERIAL%", "SN-1", "CON-SN-1"},
        {"CON-%SERIAL%", "ABCDEFGHIJKLMNOP", "CON-FGHIJKLMNOP"}, /* cut from its beginning */
        {"%SERIAL%", "A B.C", "ABC"},
        {"LAB-%RAND:5%", "X", "LAB-#####"},
        {"lab-%rand:2%-%serial%", "123", "lab-##-123"},
        {"FIXED-1", "X", "FIXED-1"},
        {"%SERIAL%", "12345", NULL}, /* digits only */
        {"%RAND:5%", "X", NULL},
        {"12345", "X", NULL},
        {"A B", "X", NULL},
        {"A_B", "X", NULL},
        {"%NAME%", "X", NULL},
        {"%RAND:0%", "X", NULL},
        {"A%RAND:15%", "X", NULL},
        {"A%RAND:x%", "X", NULL},
        {"A%RAND:2", "X", NULL},
        {"%SERIAL%%SERIAL%", "X", NULL},
        {"ABCDEFGHIJKLMNOP", "X", NULL},
        {"ABCDEFGHIJKLMNO%SERIAL%", "X", NULL},
        {"%SERIAL%", "---", "---"},
        {"%SERIAL%", "...", NULL},
    };
    struct td_env_fixed env;
    struct td_error err;
    td_env_fixed_init(&env, 0, 7);
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        char got[TD_NAME_MAX + 1] = "";
        enum td_code rc = td_name_expand(td_str(rows[i].template), rows[i].serial, &env.env, got, &err);
        bool fits = rc == TD_OK && rows[i].want != NULL && strlen(got) == strlen(rows[i].want);
        for (size_t c = 0; fits && got[c] != '\0'; c++)
            fits = rows[i].want[c] == '#' ? got[c] >= '0' && got[c] <= '9' : got[c] == rows[i].want[c];
        if (fits != (rows[i].want != NULL))
            fail_msg("%s with %s: \"%s\"", rows[i].template, rows[i].serial, got);
    }
    assert_ok(td_name_check(TD_S(""), &err));
}

static struct td_profile profile(const char *json)
{
    struct td_profile p;
    struct td_error err;
    if (td_profile_parse(td_str(json), &arena, &p, &err) != TD_OK)
        fail_msg("%s: %s: %s", json, err.where, err.text);
    return p;
}

static void bits_of_the_first_pages(void **state TD_UNUSED)
{
    static const struct {
        const char *json;
        uint32_t bits;
    } rows[] = {
        {"{}", 1310}, /* 1024 + 286, autopilot.md 2.3 */
        {"{\"keyboardSelectionPageSkipped\":false}", 286},
        {"{\"outOfBoxExperienceSettings\":{\"hideEULA\":true,\"hidePrivacySettings\":true,\"userType\":\"standard\","
         "\"skipKeyboardSelectionPage\":false}}",
         286},
        {"{\"userType\":\"administrator\",\"eulaHidden\":false,\"privacySettingsHidden\":false,"
         "\"keyboardSelectionPageSkipped\":false}",
         264},
        {"{\"deviceUsageType\":\"shared\",\"keyboardSelectionPageSkipped\":false}", 286 + 96},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_profile p = profile(rows[i].json);
        assert_int_equal(td_profile_oobe_bits(&p), rows[i].bits);
    }
}

static void profiles_as_tools_write_them(void **state TD_UNUSED)
{
    struct td_profile p =
        profile("{\"@odata.type\":\"#microsoft.graph.azureADWindowsAutopilotDeploymentProfile\",\"id\":\"7d\","
                "\"displayName\":\"Lab\","
                "\"language\":\"en-US\",\"locale\":\"de-DE\",\"enableWhiteGlove\":true,\"roleScopeTagIds\":[\"0\"],"
                "\"assignments@odata.context\":\"x\",\"outOfBoxExperienceSetting\":{\"userType\":\"administrator\"},"
                "\"outOfBoxExperienceSettings\":{\"userType\":\"standard\",\"hideEscapeLink\":false}}");
    assert_string_equal(p.locale, "de-DE"); /* the current name wins */
    assert_int_equal(p.user_type, TD_USER_ADMINISTRATOR);
    assert_int_equal(p.escape_hidden, 0);
    assert_int_equal(p.preprovisioning, 1);
    assert_int_equal(p.join, TD_JOIN_DIRECTORY);
    p = profile("{\"@odata.type\":\"#microsoft.graph.activeDirectoryWindowsAutopilotDeploymentProfile\"}");
    assert_int_equal(p.join, TD_JOIN_HYBRID);

    TD_CLEANUP(td_buf_done) struct td_buf out, again;
    struct td_jsonw w;
    td_buf_init(&out, 1 << 16);
    td_buf_init(&again, 1 << 16);
    td_jsonw_init(&w, &out);
    td_profile_write(&p, &w);
    p = profile(out.p);
    td_jsonw_init(&w, &again);
    td_profile_write(&p, &w);
    assert_slice(td_buf_slice(&again), out.p);
}

static void profiles_refused_by_name(void **state TD_UNUSED)
{
    static const struct {
        const char *json, *where;
    } rows[] = {
        {"[]", "profile"},
        {"{\"hideEula\":true}", "hideEula"},
        {"{\"outOfBoxExperienceSetting\":{\"displayName\":\"x\"}}", "displayName"},
        {"{\"eulaHidden\":\"yes\"}", "eulaHidden"},
        {"{\"userType\":\"guest\"}", "userType"},
        {"{\"deviceNameTemplate\":\"A B\"}", "deviceNameTemplate"},
        {"{\"deviceType\":\"toaster\"}", "deviceType"},
        {"{\"locale\":\"en_US\"}", "locale"},
        {"{\"managementServiceAppId\":\"x\"}", "managementServiceAppId"},
        {"{\"joinType\":\"hybrid\",\"deviceUsageType\":\"shared\"}", "deviceUsageType"},
    };
    struct td_profile p;
    struct td_error err;
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        assert_int_equal(td_profile_parse(td_str(rows[i].json), &arena, &p, &err), TD_EINVAL);
        assert_string_equal(err.where, rows[i].where);
    }
}

static void file_for_existing_devices(void **state TD_UNUSED)
{
    struct td_profile p = profile("{\"deviceNameTemplate\":\"CON-%RAND:3%\",\"locale\":\"os-default\"}");
    struct td_profile_answer around = {.tenant_id = "8b1d0000-0000-4000-8000-000000000001",
                                       .tenant_domain = "contoso.test",
                                       .profile_id = "7d1d0000-0000-4000-8000-000000000001",
                                       .profile_name = "Büro \xF0\x9F\x96\xA5",
                                       .device_name = ""};
    TD_CLEANUP(td_buf_done) struct td_buf out;
    struct td_json *j;
    struct td_error err;
    td_buf_init(&out, 1 << 16);
    assert_ok(td_profile_export(&p, &around, &out, &err));
    for (size_t i = 0; i < out.n; i++)
        assert_true((unsigned char)out.p[i] < 0x80);
    assert_ok(td_json_parse(td_buf_slice(&out), 1 << 16, &arena, &j, &err));
    static const char *const needed[] = {
        "ZtdCorrelationId",          "CloudAssignedTenantId",         "CloudAssignedTenantDomain",
        "CloudAssignedOobeConfig",   "CloudAssignedDomainJoinMethod", "CloudAssignedForcedEnrollment",
        "CloudAssignedAadServerData"};
    for (size_t i = 0; i < TD_COUNTOF(needed); i++)
        assert_non_null(td_json_get(j, needed[i]));
    assert_int_equal(td_json_int(j, "Version", 0), 2049);
    assert_string_equal(td_json_str(j, "Comment_File"), "Profile Büro \xF0\x9F\x96\xA5");
    assert_string_equal(td_json_str(j, "CloudAssignedAadServerData"),
                        "{\"ZeroTouchConfig\":{\"CloudAssignedTenantDomain\":\"contoso.test\","
                        "\"CloudAssignedTenantUpn\":\"\",\"ForcedEnrollment\":1}}");
    p.usage = TD_USAGE_SHARED;
    assert_int_equal(td_profile_export(&p, &around, &out, &err), TD_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches),
        cmocka_unit_test(placeholders_weigh_nothing),
        cmocka_unit_test(normal_forms_of_the_document),
        cmocka_unit_test(docks_and_sticks_are_left_out),
        cmocka_unit_test(names),
        cmocka_unit_test(bits_of_the_first_pages),
        cmocka_unit_test(profiles_as_tools_write_them),
        cmocka_unit_test(profiles_refused_by_name),
        cmocka_unit_test(file_for_existing_devices),
    };
    td_arena_init(&arena);
    int failed = cmocka_run_group_tests_name("rules", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
