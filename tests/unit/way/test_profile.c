/* Profiles as rules: which one holds, how a device stands to it, changes with old and current names, status pages. */
#include "unit/test.h"
#include "way/attestation.h"
#include "way/os_version.h"
#include "way/profile.h"
#include "way/profile_choice.h"
#include "way/status_page.h"

static struct td_arena arena;

static struct td_json *json(const char *text)
{
    struct td_json *j = NULL;
    struct td_error err;
    if (td_json_parse(td_str(text), 1 << 16, &arena, &j, &err) != TD_OK)
        fail_msg("%s: %s", text, err.text);
    return j;
}

/* --- choice (autopilot.md 2.6) --- */

struct choice_row {
    const char *what;
    struct td_profile_offer offers[4];
    const char *device;
    int holds; /* -1: none */
    enum td_profile_verdict verdicts[4];
    enum td_profile_detail detail;
};

#define IN .member = true, .device_type = "windowsPc"
#define OUT .device_type = "windowsPc"

static const struct choice_row choices[] = {
    {"oldest of the groups",
     {{.profile_id = "b", .group_id = "g1", .created_at = 2, IN},
      {.profile_id = "a", .group_id = "g2", .created_at = 1, IN}},
     "windowsPc",
     1,
     {TD_PV_OLDER_FIRST, TD_PV_HOLDS},
     TD_PD_NONE},
    {"a group before all devices, however old",
     {{.profile_id = "a", .group_id = "", .created_at = 1, OUT},
      {.profile_id = "b", .group_id = "g", .created_at = 9, IN}},
     "windowsPc",
     1,
     {TD_PV_GROUP_FIRST, TD_PV_HOLDS},
     TD_PD_NONE},
    {"all devices where no group gives one",
     {{.profile_id = "a", .group_id = "", .created_at = 5, OUT},
      {.profile_id = "b", .group_id = "g", .created_at = 1, OUT}},
     "windowsPc",
     0,
     {TD_PV_HOLDS, TD_PV_NOT_MEMBER},
     TD_PD_NONE},
    {"an exclusion takes the profile out, not the others",
     {{.profile_id = "a", .group_id = "g", .created_at = 1, IN},
      {.profile_id = "a", .group_id = "x", .created_at = 1, .excluded = true, IN},
      {.profile_id = "b", .group_id = "g", .created_at = 2, IN}},
     "windowsPc",
     2,
     {TD_PV_EXCLUDED, TD_PV_EXCLUDES, TD_PV_HOLDS},
     TD_PD_NONE},
    {"an exclusion of a group that the device is not in",
     {{.profile_id = "a", .group_id = "", .created_at = 1, OUT},
      {.profile_id = "a", .group_id = "x", .created_at = 1, .excluded = true, OUT}},
     "windowsPc",
     0,
     {TD_PV_HOLDS, TD_PV_NOT_MEMBER},
     TD_PD_NONE},
    {"all devices without a group",
     {{.profile_id = "a", .group_id = "", .created_at = 1, OUT},
      {.profile_id = "a", .group_id = "x", .created_at = 1, .excluded = true, IN}},
     "windowsPc",
     -1,
     {TD_PV_EXCLUDED, TD_PV_EXCLUDES},
     TD_PD_NONE},
    {"made for another kind of device",
     {{.profile_id = "a", .group_id = "g", .created_at = 1, .member = true, .device_type = "holoLens"}},
     "windowsPc",
     -1,
     {TD_PV_DEVICE_TYPE},
     TD_PD_HOLOLENS},
    {"the one of its kind, though younger",
     {{.profile_id = "a", .group_id = "g", .created_at = 1, IN},
      {.profile_id = "b", .group_id = "g", .created_at = 2, .member = true, .device_type = "surfaceHub2S"}},
     "surfaceHub2S",
     1,
     {TD_PV_DEVICE_TYPE, TD_PV_HOLDS},
     TD_PD_NONE},
    {"a virtual machine is a PC",
     {{.profile_id = "a", .group_id = "g", .created_at = 1, IN}},
     "virtualMachine",
     0,
     {TD_PV_HOLDS},
     TD_PD_NONE},
    {"one profile twice",
     {{.profile_id = "a", .group_id = "g1", .created_at = 1, IN},
      {.profile_id = "a", .group_id = "g2", .created_at = 1, IN}},
     "windowsPc",
     0,
     {TD_PV_HOLDS, TD_PV_SAME},
     TD_PD_NONE},
    {"of the same moment: by id, on every run",
     {{.profile_id = "b", .group_id = "g", .created_at = 1, IN},
      {.profile_id = "a", .group_id = "g", .created_at = 1, IN}},
     "windowsPc",
     1,
     {TD_PV_OLDER_FIRST, TD_PV_HOLDS},
     TD_PD_NONE},
    {"nothing assigned", {{.profile_id = NULL}}, "windowsPc", -1, {TD_PV_HOLDS}, TD_PD_NONE},
};

static void which_profile_holds(void **state TD_UNUSED)
{
    for (size_t i = 0; i < TD_COUNTOF(choices); i++) {
        const struct choice_row *row = &choices[i];
        enum td_profile_verdict got[4];
        struct td_profile_choice choice;
        size_t n = 0;
        while (n < 4 && row->offers[n].profile_id != NULL)
            n++;
        td_profile_choose(row->offers, n, row->device, got, &choice);
        if (choice.index != (row->holds < 0 ? SIZE_MAX : (size_t)row->holds) || choice.detail != row->detail)
            fail_msg("%s: offer %zd, detail %d", row->what, (ssize_t)choice.index, choice.detail);
        for (size_t k = 0; k < n; k++)
            if (got[k] != row->verdicts[k])
                fail_msg("%s: offer %zu is \"%s\"", row->what, k, td_profile_verdict_text(got[k]));
        if (row->holds >= 0)
            assert_int_equal(choice.is_explicit, row->offers[row->holds].group_id[0] != '\0');
    }
}

static void kinds_of_device(void **state TD_UNUSED)
{
    assert_string_equal(td_device_type("Microsoft Corporation", "Surface Hub 2S"), "surfaceHub2S");
    assert_string_equal(td_device_type("Microsoft Corporation", "Surface Hub"), "surfaceHub2");
    assert_string_equal(td_device_type("Microsoft Corporation", "HoloLens 2"), "holoLens");
    assert_string_equal(td_device_type("Microsoft Corporation", "Virtual Machine"), "virtualMachine");
    assert_string_equal(td_device_type("QEMU", "anything"), "virtualMachine");
    assert_string_equal(td_device_type("Contoso", "Book 1"), "windowsPc");
    assert_true(td_device_takes("virtualMachine", "windowsPc"));
    assert_false(td_device_takes("holoLens", "windowsPc"));
}

/* --- effective and intended (graph-api.md 1.2) --- */

static void how_a_device_stands(void **state TD_UNUSED)
{
    static const struct {
        struct td_profile_stand s;
        enum td_profile_status status;
    } rows[] = {
        {{"", "", "", 0, 0, TD_PD_NONE}, TD_PS_NOT_ASSIGNED},   {{"", "", "p", 0, 3, TD_PD_NONE}, TD_PS_NOT_ASSIGNED},
        {{"", "", "", 0, 0, TD_PD_HOLOLENS}, TD_PS_FAILED},     {{"p", "", "", 1, 0, TD_PD_NONE}, TD_PS_PENDING},
        {{"p", "p", "", 1, 0, TD_PD_NONE}, TD_PS_UNKNOWN_SYNC}, {{"p", "p", "p", 1, 1, TD_PD_NONE}, TD_PS_IN_SYNC},
        {{"p", "p", "p", 2, 1, TD_PD_NONE}, TD_PS_OUT_OF_SYNC}, {{"p", "p", "q", 1, 1, TD_PD_NONE}, TD_PS_OUT_OF_SYNC},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        assert_int_equal(td_profile_status(&rows[i].s), rows[i].status);
    assert_string_equal(td_profile_status_words[TD_PS_UNKNOWN_SYNC], "assignedUnkownSyncState");
    assert_string_equal(td_profile_detail_words[TD_PD_SURFACE_HUB_2S], "surfaceHub2SProfileNotSupported");
}

/* --- changes (graph-api.md 1.3) --- */

static struct td_profile merged(const struct td_profile *stored, const char *changes)
{
    struct td_profile p;
    struct td_error err;
    if (td_profile_merge(stored, json(changes), true, &arena, &p, &err) != TD_OK)
        fail_msg("%s: %s: %s", changes, err.where, err.text);
    return p;
}

static void old_and_current_names(void **state TD_UNUSED)
{
    static const struct {
        const char *changes, *locale;
    } rows[] = {
        {"{}", "en-US"},
        {"{\"language\":\"de-DE\"}", "de-DE"},
        {"{\"locale\":\"de-DE\"}", "de-DE"},
        {"{\"language\":\"de-DE\",\"locale\":\"en-US\"}", "de-DE"}, /* the current name is stale */
        {"{\"language\":\"en-US\",\"locale\":\"de-DE\"}", "de-DE"}, /* the old one is */
        {"{\"language\":\"fr-FR\",\"locale\":\"de-DE\"}", "de-DE"}, /* both differ */
        {"{\"language\":\"\",\"locale\":\"en-US\"}", ""},
        {"{\"language\":null,\"locale\":null}", "en-US"},
    };
    struct td_profile stored;
    td_profile_defaults(true, &stored);
    stored.locale = "en-US";
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        assert_string_equal(merged(&stored, rows[i].changes).locale, rows[i].locale);
}

/* Set-AutopilotProfile: the whole object back, one old member changed, foreign members added. */
static void the_module_changes_one_old_member(void **state TD_UNUSED)
{
    struct td_profile stored, p;
    td_profile_defaults(true, &stored);
    p = merged(
        &stored,
        "{\"@odata.type\":\"#microsoft.graph.azureADWindowsAutopilotDeploymentProfile\",\"language\":\"os-default\","
        "\"locale\":\"os-default\",\"enableWhiteGlove\":true,\"preprovisioningAllowed\":false,"
        "\"hybridAzureADJoinSkipConnectivityCheck\":true,\"assignments@odata.navigationLink\":\"x\","
        "\"outOfBoxExperienceSettings\":{\"hideEULA\":true,\"userType\":\"standard\",\"deviceUsageType\":"
        "\"singleUser\",\"hideEscapeLink\":false},\"outOfBoxExperienceSetting\":{\"eulaHidden\":false,"
        "\"userType\":\"administrator\",\"deviceUsageType\":\"shared\",\"escapeLinkHidden\":true}}");
    assert_int_equal(p.preprovisioning, 1);
    assert_int_equal(p.eula_hidden, 1);
    assert_int_equal(p.user_type, TD_USER_STANDARD);
    assert_int_equal(p.usage, TD_USAGE_SHARED);
    assert_int_equal(p.escape_hidden, 1);
    assert_int_equal(p.privacy_hidden, 0);
    assert_true(td_profile_same(&p, &p));
    assert_false(td_profile_same(&p, &stored));
}

static void defaults_of_type_and_portal(void **state TD_UNUSED)
{
    struct td_profile type, portal;
    td_profile_defaults(true, &type);
    td_profile_defaults(false, &portal);
    assert_int_equal(type.user_type, TD_USER_ADMINISTRATOR);
    assert_int_equal(type.eula_hidden, 0);
    assert_string_equal(type.locale, "os-default");
    assert_string_equal(type.scope_tags, "[\"0\"]");
    assert_int_equal(portal.user_type, TD_USER_STANDARD);
    assert_int_equal(portal.eula_hidden, 1);
}

static void refused(const char *changes, const char *where)
{
    struct td_profile stored, p;
    struct td_error err = {0};
    td_profile_defaults(true, &stored);
    if (td_profile_merge(&stored, json(changes), true, &arena, &p, &err) == TD_OK || strcmp(err.where, where) != 0)
        fail_msg("%s: \"%s\"", changes, err.where);
}

static void limits_by_name(void **state TD_UNUSED)
{
    struct td_error err;
    char *name = td_arena_alloc(&arena, 1000);
    refused("{\"locale\":\"e\"}", "locale");
    refused("{\"locale\":\"en-\"}", "locale");
    refused("{\"locale\":\"en-123456789\"}", "locale");
    refused("{\"language\":\"4n\"}", "locale");
    refused("{\"deviceNameTemplate\":\"LAB-%RAND:12%\"}", "deviceNameTemplate");
    refused("{\"roleScopeTagIds\":[1]}", "roleScopeTagIds");
    refused("{\"deviceType\":\"phone\"}", "deviceType");
    assert_string_equal(merged(&(struct td_profile){.description = "",
                                                    .device_type = "windowsPc",
                                                    .name_template = "",
                                                    .locale = "",
                                                    .region = "",
                                                    .management_app = "",
                                                    .pcr_allowed = "",
                                                    .scope_tags = "[]"},
                               "{\"locale\":\"zh-Hant-TW\"}")
                            .locale,
                        "zh-Hant-TW");
    for (size_t i = 0; i < 200; i++)
        memcpy(name + 2 * i, "ü", 2); /* 200 characters in 400 octets */
    assert_ok(td_profile_name_check(name, &err));
    name[400] = 'x';
    assert_int_equal(td_profile_name_check(name, &err), TD_EINVAL);
    assert_int_equal(td_profile_name_check("", &err), TD_EINVAL);
}

/* --- measurements: our own settings, in profile files alone --- */

#define D16 "0123456789abcdef"
#define PCR0 "0:" D16 D16 D16 D16

static enum td_code pcrs(const char *file, struct td_profile *ret, struct td_error *err)
{
    return td_profile_parse(td_str(file), &arena, ret, err);
}

static void measurements_that_a_profile_wants(void **state TD_UNUSED)
{
    static const struct {
        const char *file, *where, *text;
    } bad[] = {
        {"{\"pcrPolicy\":\"any\"}", "pcrPolicy", "must be none, secureBoot, allowList or baseline"},
        {"{\"pcrPolicy\":\"allowList\"}", "pcrAllowed", "needs the values"},
        {"{\"pcrPolicy\":\"allowList\",\"pcrAllowed\":\" \"}", "pcrAllowed", "needs the values"},
        {"{\"pcrAllowed\":\"0:12\"}", "pcrAllowed", "SHA-256"},
    };
    struct td_profile p, again, merged_one;
    struct td_error err = {.text = ""};
    TD_CLEANUP(td_buf_done) struct td_buf out;
    struct td_jsonw w;
    assert_ok(pcrs("{}", &p, &err));
    assert_int_equal(p.pcr_policy, TD_PCR_NONE);
    assert_string_equal(p.pcr_allowed, "");
    for (size_t i = 0; i < TD_COUNTOF(bad); i++)
        if (pcrs(bad[i].file, &p, &err) != TD_EINVAL || strcmp(err.where, bad[i].where) != 0 ||
            strstr(err.text, bad[i].text) == NULL)
            fail_msg("%s: %s: %s", bad[i].file, err.where, err.text);
    assert_ok(pcrs("{\"pcrPolicy\":\"allowlist\",\"pcrAllowed\":\"" PCR0 "\"}", &p, &err));
    assert_int_equal(p.pcr_policy, TD_PCR_ALLOW_LIST);
    /* what is written is read again */
    td_buf_init(&out, 1 << 16);
    td_jsonw_init(&w, &out);
    td_profile_write(&p, &w);
    assert_ok(td_profile_parse(td_buf_slice(&out), &arena, &again, &err));
    assert_true(td_profile_same(&p, &again));
    assert_string_equal(again.pcr_allowed, PCR0);
    /* the interface's bodies don't reach it, and don't lose it */
    merged_one = merged(&p, "{\"pcrPolicy\":\"none\",\"pcrAllowed\":7,\"locale\":\"de-DE\"}");
    assert_int_equal(merged_one.pcr_policy, TD_PCR_ALLOW_LIST);
    assert_string_equal(merged_one.locale, "de-DE");
}

/* --- the exporter's file (graph-api.md 3.3, autopilot.md 2.4) --- */

static const struct td_profile_answer around = {.tenant_id = "8b1d0000-0000-4000-8000-000000000001",
                                                .tenant_domain = "lab.test",
                                                .profile_id = "7d1d0000-0000-4000-8000-000000000001",
                                                .profile_name = "Lab",
                                                .device_name = ""};

static void exported(const char *profile_json, const char *want)
{
    struct td_profile p;
    struct td_error err;
    TD_CLEANUP(td_buf_done) struct td_buf out;
    td_buf_init(&out, 1 << 16);
    assert_ok(td_profile_parse(td_str(profile_json), &arena, &p, &err));
    assert_ok(td_profile_export(&p, &around, &out, &err));
    assert_slice(td_buf_slice(&out), want);
}

/* Members in our order; their names, values and which of them are there are the exporter's. */
#define FILE_HEAD(oobe, method, forced)                                                                              \
    "{\"Version\":2049,\"Comment_File\":\"Profile "                                                                  \
    "Lab\",\"ZtdCorrelationId\":\"7d1d0000-0000-4000-8000-000000000001\","                                           \
    "\"CloudAssignedTenantId\":\"8b1d0000-0000-4000-8000-000000000001\",\"CloudAssignedTenantDomain\":\"lab.test\"," \
    "\"CloudAssignedOobeConfig\":" oobe ",\"CloudAssignedDomainJoinMethod\":" method                                 \
    ",\"CloudAssignedForcedEnrollment\":" forced
#define FILE_TAIL(forced)                                                                                            \
    "\"CloudAssignedAutopilotUpdateDisabled\":1,\"CloudAssignedAutopilotUpdateTimeout\":1800000,"                    \
    "\"CloudAssignedAadServerData\":\"{\\\"ZeroTouchConfig\\\":{\\\"CloudAssignedTenantDomain\\\":\\\"lab.test\\\"," \
    "\\\"CloudAssignedTenantUpn\\\":\\\"\\\",\\\"ForcedEnrollment\\\":" forced "}}\""

static void file_as_the_exporter_writes_it(void **state TD_UNUSED)
{
    exported("{\"language\":\"en-US\",\"deviceNameTemplate\":\"LAB-%RAND:5%\",\"outOfBoxExperienceSettings\":"
             "{\"hidePrivacySettings\":true,\"hideEULA\":true,\"userType\":\"standard\",\"deviceUsageType\":"
             "\"singleUser\",\"skipKeyboardSelectionPage\":true,\"hideEscapeLink\":true}}",
             FILE_HEAD("1310", "0", "1") ",\"CloudAssignedDeviceName\":\"LAB-%RAND:5%\"," FILE_TAIL(
                 "1") ",\"CloudAssignedLanguage\":\"en-US\",\"CloudAssignedRegion\":\"en-US\"}");
    exported("{\"language\":\"en-US\",\"outOfBoxExperienceSettings\":{\"hidePrivacySettings\":false,\"hideEULA\":false,"
             "\"userType\":\"administrator\",\"skipKeyboardSelectionPage\":false,\"hideEscapeLink\":false}}",
             FILE_HEAD("264", "0", "0") "," FILE_TAIL("0") "}");
    exported("{\"@odata.type\":\"#microsoft.graph.activeDirectoryWindowsAutopilotDeploymentProfile\",\"language\":\"\","
             "\"deviceNameTemplate\":\"LAB-%RAND:5%\",\"hybridAzureADJoinSkipConnectivityCheck\":true}",
             FILE_HEAD("1310", "1", "1") "," FILE_TAIL("1") ",\"HybridJoinSkipDCConnectivityCheck\":1}");
}

/* --- versions of restrictions (graph-api.md 1.4) --- */

static void versions_between_bounds(void **state TD_UNUSED)
{
    static const struct {
        const char *version, *min, *max;
        bool in;
    } rows[] = {
        {"10.0.22631.1", "", "", true},
        {"", "", "", true},
        {"10.0.22631.1", "10.0.22631", "", true},
        {"10.0.22631.1", "10.0.22631.2", "", false},
        {"10.0.9.9", "10.0.19045", "", false}, /* numbers, not texts */
        {"10.0.22631.1", "", "10.0.22631.1", true},
        {"10.0.22631.1", "", "10.0.22631", false},
        {"10.0.26100", "10.0.22631", "10.0.30000", true},
        {"unknown", "10", "", false},
        {"", "", "11", false},
    };
    struct td_error err;
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        if (td_os_version_between(td_str(rows[i].version), td_str(rows[i].min), td_str(rows[i].max)) != rows[i].in)
            fail_msg("%s between %s and %s", rows[i].version, rows[i].min, rows[i].max);
    assert_ok(td_os_version_check("osMinimumVersion", TD_S(""), &err));
    assert_ok(td_os_version_check("osMinimumVersion", TD_S("10.0.19045.5"), &err));
    assert_int_equal(td_os_version_check("osMinimumVersion", TD_S("10.0.1.2.3"), &err), TD_EINVAL);
    assert_int_equal(td_os_version_check("osMinimumVersion", TD_S("22H2"), &err), TD_EINVAL);
}

/* --- status pages (autopilot.md 4.2) --- */

static void which_status_page_holds(void **state TD_UNUSED)
{
    static const struct {
        const char *what;
        struct td_page_offer offers[3];
        const char *holds;
    } rows[] = {
        {"the device's before the user's, whatever the priority",
         {{"user", 1, false, false, true}, {"device", 2, false, true, false}},
         "device"},
        {"the highest of the device's", {{"b", 2, false, true, false}, {"a", 1, false, true, false}}, "a"},
        {"the user's where the device has none", {{"a", 1, false, false, false}, {"b", 2, false, false, true}}, "b"},
        {"an excluded device",
         {{"a", 1, false, true, false}, {"a", 1, true, true, false}, {"b", 2, false, true, false}},
         "b"},
        {"an excluded user", {{"a", 1, false, true, false}, {"a", 1, true, false, true}}, NULL},
        {"the default", {{"a", 1, false, false, false}}, NULL},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        size_t n = 0;
        while (n < 3 && rows[i].offers[n].id != NULL)
            n++;
        size_t best = td_status_page_choose(rows[i].offers, n);
        const char *got = best != SIZE_MAX ? rows[i].offers[best].id : NULL;
        if ((got == NULL) != (rows[i].holds == NULL) || (got != NULL && strcmp(got, rows[i].holds) != 0))
            fail_msg("%s: %s", rows[i].what, got != NULL ? got : "the default");
    }
}

static void status_pages_as_scripts_write_them(void **state TD_UNUSED)
{
    struct td_status_page p, type;
    struct td_error err;
    TD_CLEANUP(td_buf_done) struct td_buf out;
    struct td_jsonw w;
    td_status_page_defaults(false, &p); /* the portal's: a technician's device fails by blocking apps alone (4.2) */
    td_status_page_defaults(true, &type);
    assert_true(p.allow_non_blocking == 1 && type.allow_non_blocking == 0);
    assert_int_equal(type.show, 0);
    assert_int_equal(type.minutes, 60);
    assert_ok(
        td_status_page_merge(&type,
                             json("{\"showInstallationProgress\":\"True\",\"installProgressTimeoutInMinutes\":\"90\","
                                  "\"allowLogCollectionOnInstallFailure\":true,\"customErrorMessage\":\"Call 12\","
                                  "\"selectedMobileAppIds\":[\"A1\"],\"allowDeviceUseOnInstallFailure\":null,"
                                  "\"other\":1}"),
                             true, &arena, &p, &err));
    assert_int_equal(p.show, 1);
    assert_int_equal(p.minutes, 90);
    assert_int_equal(p.allow_logs, 1);
    assert_true(td_status_page_blocks(&p, "a1", &arena));
    assert_false(td_status_page_blocks(&p, "a2", &arena));
    assert_true(td_status_page_blocks(&type, "a2", &arena));
    assert_null(td_status_page_warning(&p));
    p.block_retry = 1;
    assert_non_null(td_status_page_warning(&p));
    td_buf_init(&out, 1 << 16);
    td_jsonw_init(&w, &out);
    td_status_page_write(&p, &w);
    assert_ok(td_status_page_parse(td_buf_slice(&out), &arena, &type, &err));
    assert_string_equal(type.apps, "[\"A1\"]");
    assert_string_equal(type.message, "Call 12");
    assert_int_equal(type.minutes, 90);
}

static void status_pages_refused_by_name(void **state TD_UNUSED)
{
    static const struct {
        const char *json, *where;
    } rows[] = {
        {"{\"showProgress\":true}", "showProgress"},
        {"{\"showInstallationProgress\":\"maybe\"}", "showInstallationProgress"},
        {"{\"installProgressTimeoutInMinutes\":-1}", "installProgressTimeoutInMinutes"},
        {"{\"installProgressTimeoutInMinutes\":1441}", "installProgressTimeoutInMinutes"},
        {"{\"selectedMobileAppIds\":\"a\"}", "selectedMobileAppIds"},
        {"{\"customErrorMessage\":1}", "customErrorMessage"},
    };
    struct td_status_page p;
    struct td_error err;
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        assert_int_equal(td_status_page_parse(td_str(rows[i].json), &arena, &p, &err), TD_EINVAL);
        assert_string_equal(err.where, rows[i].where);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_profile_holds),
        cmocka_unit_test(kinds_of_device),
        cmocka_unit_test(how_a_device_stands),
        cmocka_unit_test(old_and_current_names),
        cmocka_unit_test(the_module_changes_one_old_member),
        cmocka_unit_test(defaults_of_type_and_portal),
        cmocka_unit_test(limits_by_name),
        cmocka_unit_test(measurements_that_a_profile_wants),
        cmocka_unit_test(file_as_the_exporter_writes_it),
        cmocka_unit_test(versions_between_bounds),
        cmocka_unit_test(which_status_page_holds),
        cmocka_unit_test(status_pages_as_scripts_write_them),
        cmocka_unit_test(status_pages_refused_by_name),
    };
    td_arena_init(&arena);
    int failed = cmocka_run_group_tests_name("profile", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
