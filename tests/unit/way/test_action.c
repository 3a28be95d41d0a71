/* way/action: the table against the documents (csp.md 10, 11, 17; autopilot.md 3.7, 3.8), the rules of asking. */
#include "unit/test.h"
#include "way/action.h"

#define RW "./Device/Vendor/MSFT/RemoteWipe/"

/* word, node, end, leaves, destroys, clears the user */
static const struct {
    const char *word, *uri;
    enum td_action_end end;
    enum td_action_leaves leaves;
    bool destroys, clears_user;
} expected[TD_ACTION_KIND_COUNT] = {
    {"sync", "", TD_END_CONTACT, TD_LEAVES_ALL, false, false},
    {"restart", "./Device/Vendor/MSFT/Reboot/RebootNow", TD_END_ANSWER, TD_LEAVES_ALL, false, false},
    {"shut-down", "", TD_END_ANSWER, TD_LEAVES_ALL, false, false},
    {"rename", "./DevDetail/Ext/Microsoft/DNSComputerName", TD_END_ANSWER, TD_LEAVES_ALL, false, false},
    {"lock", "./Device/Vendor/MSFT/RemoteLock/Lock", TD_END_ANSWER, TD_LEAVES_ALL, false, false},
    {"rotate-laps", "./Device/Vendor/MSFT/LAPS/Actions/ResetPassword", TD_END_RESULT, TD_LEAVES_ALL, false, false},
    {"diagnostics", "./Vendor/MSFT/DiagnosticLog/DiagnosticArchive/ArchiveDefinition", TD_END_RESULT, TD_LEAVES_ALL,
     false, false},
    {"reset", RW "AutomaticRedeployment/doAutomaticRedeployment", TD_END_REPORT, TD_LEAVES_ENROLMENT, true, true},
    {"local-reset", "", TD_END_NEVER, TD_LEAVES_ENROLMENT, true, false},
    {"wipe", RW "doWipe", TD_END_GONE, TD_LEAVES_BOX, true, false},
    {"wipe-keep-user-data", RW "doWipePersistUserData", TD_END_CAME_BACK, TD_LEAVES_ENROLMENT, true, false},
    {"wipe-keep-provisioning", RW "doWipePersistProvisionedData", TD_END_GONE, TD_LEAVES_BOX, true, false},
    {"protected-wipe", RW "doWipeProtected", TD_END_GONE, TD_LEAVES_BOX, true, false},
    {"cloud-wipe", RW "doWipeCloud", TD_END_GONE, TD_LEAVES_BOX, true, false},
    {"fresh-start", "./Device/Vendor/MSFT/CleanPC/CleanPCWithoutRetainingUserData", TD_END_GONE, TD_LEAVES_BOX, true,
     false},
    {"fresh-start-keep-user-data", "./Device/Vendor/MSFT/CleanPC/CleanPCRetainingUserData", TD_END_CAME_BACK,
     TD_LEAVES_ENROLMENT, true, false},
    {"retire", "./Device/Vendor/MSFT/DMClient/Provider/{provider}/Unenroll", TD_END_UNENROLLED, TD_LEAVES_UNMANAGED,
     true, false},
    {"delete", "", TD_END_AT_ONCE, TD_LEAVES_UNMANAGED, true, false},
    {"reinstall", "", TD_END_NEVER, TD_LEAVES_BOX, true, false},
    {"quick-scan", "./Device/Vendor/MSFT/Defender/Scan", TD_END_ANSWER, TD_LEAVES_ALL, false, false},
    {"full-scan", "./Device/Vendor/MSFT/Defender/Scan", TD_END_ANSWER, TD_LEAVES_ALL, false, false},
    {"update-signatures", "./Device/Vendor/MSFT/Defender/UpdateSignature", TD_END_ANSWER, TD_LEAVES_ALL, false, false},
};

static void every_row(void **state TD_UNUSED)
{
    for (int k = 0; k < TD_ACTION_KIND_COUNT; k++) {
        const struct td_action_row *row = &td_action_rows[k];
        assert_string_equal(row->word, expected[k].word);
        assert_string_equal(row->uri, expected[k].uri);
        assert_int_equal(row->end, expected[k].end);
        assert_int_equal(row->leaves, expected[k].leaves);
        assert_int_equal(row->destroys, expected[k].destroys);
        assert_int_equal(row->clears_user, expected[k].clears_user);
        assert_string_equal(row->verb, row->uri[0] == '\0' ? "" : k == TD_ACTION_RENAME ? "replace" : "exec");
        assert_true(strlen(row->about) > 20);
        const char *data = k == TD_ACTION_QUICK_SCAN ? "1" : k == TD_ACTION_FULL_SCAN ? "2" : "";
        assert_string_equal(row->data != NULL ? row->data : "", data);
        assert_int_equal(td_action_by_word(td_str(row->word)), k);
    }
}

static void words(void **state TD_UNUSED)
{
    static const struct {
        const char *word;
        int kind;
    } all[] = {{"autopilot-reset", TD_ACTION_RESET},
               {"REBOOT", TD_ACTION_RESTART},
               {"wipe-protected", TD_ACTION_WIPE_PROTECTED},
               {"remote-lock", TD_ACTION_LOCK},
               {"unenroll", TD_ACTION_RETIRE},
               {"collect-diagnostics", TD_ACTION_DIAGNOSTICS},
               {"wip", -1},
               {"", -1},
               {"wipe ", -1}};
    for (size_t i = 0; i < TD_COUNTOF(all); i++)
        assert_int_equal(td_action_by_word(td_str(all[i].word)), all[i].kind);
}

/* What is asked of which device. code TD_OK: it may be. */
static const struct {
    enum td_action_kind kind;
    struct td_action_facts facts;
    const char *parameter;
    enum td_code code;
    const char *where, *remedy; /* a part of it */
} asked[] = {
#define READY .managed = true, .joined = true, .os_version = "10.0.22631.1", .serial = "SN1", .busy_with = ""
    {TD_ACTION_RESET, {READY}, "", TD_OK, "", ""},
    {TD_ACTION_RESET, {READY, .hybrid = true}, "", TD_ESTATE, "action", "Wipe it instead"},
    {TD_ACTION_WIPE, {READY, .hybrid = true}, "", TD_OK, "", ""},
    {TD_ACTION_RESET, {.managed = true, .os_version = "", .busy_with = ""}, "", TD_ESTATE, "action", "Wipe it"},
    {TD_ACTION_WIPE, {.managed = true, .os_version = "", .busy_with = ""}, "", TD_OK, "", ""},
    {TD_ACTION_WIPE, {.os_version = "", .busy_with = ""}, "", TD_ESTATE, "action", "Enrol it"},
    {TD_ACTION_LOCAL_RESET, {READY}, "", TD_EINVAL, "action", "lock screen"},
    {TD_ACTION_REINSTALL, {READY}, "", TD_EINVAL, "action", "wipe"},
    {TD_ACTION_SHUT_DOWN, {READY}, "", TD_ENOTOFFERED, "action", "restart"},
    /* the first builds that know the node */
    {TD_ACTION_RESET,
     {.managed = true, .joined = true, .os_version = "10.0.17134.1", .busy_with = ""},
     "",
     TD_ESTATE,
     "action",
     "Update"},
    {TD_ACTION_RESET,
     {.managed = true, .joined = true, .os_version = "10.0.17763.1", .busy_with = ""},
     "",
     TD_OK,
     "",
     ""},
    {TD_ACTION_WIPE_CLOUD, {.managed = true, .os_version = "10.0.22620", .busy_with = ""}, "", TD_ESTATE, "action", ""},
    {TD_ACTION_WIPE_CLOUD, {.managed = true, .os_version = "10.0.22621", .busy_with = ""}, "", TD_OK, "", ""},
    {TD_ACTION_WIPE_CLOUD, {.managed = true, .os_version = "eleven", .busy_with = ""}, "", TD_OK, "", ""},
    /* names */
    {TD_ACTION_RENAME, {READY}, "", TD_EINVAL, "name", "15 letters"},
    {TD_ACTION_RENAME, {READY}, "PC-%RAND:4%", TD_OK, "", ""},
    {TD_ACTION_RENAME, {READY}, "%SERIAL%", TD_OK, "", ""},
    {TD_ACTION_RENAME, {READY}, "has blank", TD_EINVAL, "name", ""},
    {TD_ACTION_RENAME, {READY}, "sixteen-letters-", TD_EINVAL, "name", ""},
    {TD_ACTION_RENAME, {READY}, "12345", TD_EINVAL, "name", ""},
    /* one at a time, unless it goes further */
    {TD_ACTION_RESET,
     {.managed = true, .joined = true, .os_version = "", .busy = true, .busy_with = "wipe"},
     "",
     TD_ESTATE,
     "action",
     "cancel it"},
    {TD_ACTION_WIPE, {.managed = true, .os_version = "", .busy = true, .busy_with = "reset"}, "", TD_OK, "", ""},
    {TD_ACTION_WIPE,
     {.managed = true, .os_version = "", .busy = true, .busy_with = "cloud-wipe"},
     "",
     TD_ESTATE,
     "action",
     ""},
    {TD_ACTION_WIPE_PROTECTED,
     {.managed = true, .os_version = "", .busy = true, .busy_with = "wipe"},
     "",
     TD_OK,
     "",
     ""},
    {TD_ACTION_RETIRE,
     {.managed = true, .os_version = "", .busy = true, .busy_with = "wipe"},
     "",
     TD_ESTATE,
     "action",
     ""},
    {TD_ACTION_DELETE,
     {.managed = true, .os_version = "", .busy = true, .busy_with = "protected-wipe"},
     "",
     TD_OK,
     "",
     ""},
    {TD_ACTION_RESTART, {.managed = true, .os_version = "", .busy = true, .busy_with = "wipe"}, "", TD_OK, "", ""},
};

static void rules(void **state TD_UNUSED)
{
    for (size_t i = 0; i < TD_COUNTOF(asked); i++) {
        struct td_error err = {0};
        enum td_code rc = td_action_may(asked[i].kind, &asked[i].facts, asked[i].parameter, &err);
        if (rc != asked[i].code)
            fail_msg("row %zu (%s): %d (%s)", i, td_action_rows[asked[i].kind].word, rc, err.text);
        if (rc == TD_OK)
            continue;
        assert_string_equal(err.where, asked[i].where);
        assert_true(err.text[0] != '\0');
        if (strstr(err.remedy, asked[i].remedy) == NULL)
            fail_msg("row %zu: remedy '%s'", i, err.remedy);
    }
}

static void further(void **state TD_UNUSED)
{
    static const enum td_action_kind rising[] = {TD_ACTION_RESTART,     TD_ACTION_RESET, TD_ACTION_RETIRE,
                                                 TD_ACTION_FRESH_START, TD_ACTION_WIPE,  TD_ACTION_WIPE_PROTECTED,
                                                 TD_ACTION_DELETE};
    for (size_t i = 0; i < TD_COUNTOF(rising); i++)
        for (size_t j = 0; j < TD_COUNTOF(rising); j++)
            assert_int_equal(td_action_goes_further(rising[i], rising[j]), i > j);
}

static void reports(void **state TD_UNUSED)
{
    static const struct {
        int64_t status;
        uint32_t hresult;
        const char *word, *cause, *remedy;
    } all[] = {{0, 0, "never", NULL, NULL},
               {1, 0, "complete", NULL, NULL},
               {10, 0, "scheduled", NULL, NULL},
               {20, 0, "waiting for the restart", NULL, NULL},
               {30, 0, "failed at its start", "could not begin", "reagentc"},
               {30, 0x80070032, "failed at its start", "no recovery environment", "reagentc /enable"},
               {40, 0, "failed: power", "mains power", "Connect"},
               {50, 0x80004005, "failed in the recovery environment", "recovery environment", "wipe"},
               {-1, 0x800704C7, "", "rolled back", "protected wipe"},
               {-1, 0x800710DF, "", "battery", "mains power"},
               {77, 0, "", "could not carry it out", "log"}};
    for (size_t i = 0; i < TD_COUNTOF(all); i++) {
        struct td_error err = {0};
        assert_string_equal(td_action_report_word(all[i].status), all[i].word);
        assert_int_equal(td_action_report_failure(all[i].status, all[i].hresult, &err), TD_EUNAVAILABLE);
        assert_int_equal(err.hresult, all[i].hresult);
        assert_true(err.remedy[0] != '\0');
        if (all[i].cause == NULL)
            continue;
        assert_non_null(strstr(err.text, all[i].cause));
        assert_non_null(strstr(err.remedy, all[i].remedy));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_row), cmocka_unit_test(words), cmocka_unit_test(rules),
                                       cmocka_unit_test(further), cmocka_unit_test(reports)};
    return cmocka_run_group_tests_name("action", tests, NULL, NULL);
}
