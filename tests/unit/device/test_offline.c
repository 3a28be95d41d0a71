/* A device without registration and the file on its disk (autopilot.md 2.4, 3.5). The service is the test. */
#include "codec/autopilot_file.h"
#include "device/offline.h"
#include "stage.h"

#include <sys/stat.h>

static struct stage s;

static const char **answers; /* of the lookup, one by one; the last one again and again; NULL: no answer */
static int given;

static enum td_code send_it(void *ctx TD_UNUSED, const struct td_net_request *req, struct td_arena *a,
                            struct td_net_response *ret, struct td_error *err)
{
    if (!asked(req, "POST", "/ztd/v1/lookup"))
        return td_fail(err, TD_EDENIED, "test", "only the lookup is served");
    const char *answer = answers[given];
    if (answers[given + 1] != NULL || answer == NULL)
        given++;
    return answer != NULL && answer[0] != '\0' ? reply_json(ret, a, 200, answer)
                                               : td_fail(err, TD_EUNAVAILABLE, "server", "cannot be reached");
}

#define NONE                                                                             \
    "\"ErrorCode\":807,\"ErrorReason\":\"ZtdDeviceIsNotRegistered\",\"ErrorText\":\"no " \
    "registration\",\"Remedy\":\"register it\""
#define ID "5f3c5a10-7a42-4a5e-9b0c-0a1b2c3d4e5f"
#define TENANT "11111111-2222-4333-8444-555555555555"
#define FILE_TEXT(method)                                                                                           \
    "{\"ZtdCorrelationId\":\"" ID "\",\"CloudAssignedTenantId\":\"" TENANT "\","                                    \
    "\"CloudAssignedTenantDomain\":\"contoso.test\",\"CloudAssignedOobeConfig\":1310,"                              \
    "\"CloudAssignedDomainJoinMethod\":" method ",\"CloudAssignedForcedEnrollment\":1,"                             \
    "\"CloudAssignedDeviceName\":\"OFF-%SERIAL%\",\"CloudAssignedLanguage\":\"de-DE\","                             \
    "\"CloudAssignedAadServerData\":\"{\\\"ZeroTouchConfig\\\":{\\\"CloudAssignedTenantDomain\\\":\\\"contoso.test" \
    "\\\"}}\"}"
#define PROFILE                                                                                        \
    "{\"ZtdRegistrationId\":\"5d1d47ea-69be-4c66-9520-f93526e3deb3\",\"CloudAssignedTenantId\":\"t\"," \
    "\"CloudAssignedTenantDomain\":\"contoso.test\",\"CloudAssignedOobeConfig\":28,"                   \
    "\"CloudAssignedDomainJoinMethod\":0,\"DeploymentProfileName\":\"Everyone\",\"TenantDisplayName\":\"Contoso\"}"

static const char *none[] = {"{" NONE "}", NULL};
static const char *pending[] = {"{" NONE ",\"RequestState\":\"pending\",\"RequestCode\":\"9ZCP-C7HT\"}", NULL};
static const char *rejected[] = {"{" NONE ",\"RequestState\":\"rejected\"}", NULL};
static const char *profile[] = {PROFILE, NULL};

static int begin(void **state TD_UNUSED)
{
    stage_open(&s, send_it);
    given = 0;
    td_state_set(s.dev.state, "end.first pages", "1");
    return 0;
}

static const char *file_path(void)
{
    return td_offline_path(&s.dev, &s.arena);
}

static int end(void **state TD_UNUSED)
{
    static const char *const folders[] = {"disk/Windows/Provisioning/Autopilot", "disk/Windows/Provisioning",
                                          "disk/Windows", "disk"};
    (void)unlink(file_path());
    for (size_t i = 0; i < TD_COUNTOF(folders); i++)
        (void)rmdir(td_device_path(&s.dev, &s.arena, folders[i]));
    stage_close(&s);
    return 0;
}

static void put_file(struct td_slice text)
{
    assert_ok(td_dir_make(td_device_path(&s.dev, &s.arena, "disk/Windows/Provisioning/Autopilot"), 0700, NULL));
    assert_ok(td_file_write(file_path(), text, 0600, NULL));
}

static enum td_code run(const char **list, struct td_error *err)
{
    *err = (struct td_error){0};
    answers = list;
    return td_flow_run(&s.flow, err);
}

static void goes_on_with_the_file(void **state TD_UNUSED)
{
    struct td_error err;
    put_file(TD_S(FILE_TEXT("0")));
    assert_int_not_equal(run(pending, &err), TD_OK); /* ends behind the lookup: nothing else is served */
    assert_false(s.flow.none);
    assert_true(stage_said(&s, "profile from AutopilotConfigurationFile.json: " ID ", for contoso.test"));
    assert_false(stage_said(&s, "tell your administrator the code"));
    assert_string_equal(td_flow_get(&s.flow, "profile.tenant_id"), TENANT);
    assert_string_equal(td_flow_get(&s.flow, "profile.oobe"), "1310");
    assert_string_equal(td_flow_get(&s.flow, "profile.device_name"), "OFF-%SERIAL%");
    assert_string_equal(td_flow_get(&s.flow, "profile.language"), "de-DE");
    assert_string_equal(td_flow_get(&s.flow, "profile.name"), "OfflineAutopilotprofile-" ID);
    assert_string_equal(td_flow_get(&s.flow, "profile.registration_id"), "");
    assert_true(td_offline_profile(&s.flow));
    assert_true(stage_said(&s, "licence terms: left out by the profile"));
}

static void the_service_wins(void **state TD_UNUSED)
{
    struct td_error err;
    put_file(TD_S(FILE_TEXT("0")));
    (void)run(profile, &err);
    assert_string_equal(td_flow_get(&s.flow, "profile.name"), "Everyone");
    assert_false(td_offline_profile(&s.flow));
    assert_true(
        stage_said(&s, "AutopilotConfigurationFile.json is ignored: the service has a profile for this device"));
}

static void a_profile_that_comes_later_wins(void **state TD_UNUSED)
{
    struct td_error err;
    put_file(TD_S(FILE_TEXT("0")));
    (void)run(none, &err);
    assert_true(td_offline_profile(&s.flow));
    s.flow.looked_up = false; /* a new process */
    given = 0;
    (void)run(profile, &err);
    assert_false(td_offline_profile(&s.flow));
    assert_string_equal(td_flow_get(&s.flow, "profile.id"), "");
}

static void without_an_answer_it_takes_the_file(void **state TD_UNUSED)
{
    static const char *silent[] = {"", "", "", "", "", "{" NONE "}", NULL};
    struct td_error err;
    put_file(TD_S(FILE_TEXT("0")));
    (void)run(silent, &err);
    assert_int_equal(given, 5); /* the fifth in a row, not before */
    assert_true(td_offline_profile(&s.flow));
}

static void ignored(struct td_slice text, const char *why)
{
    struct td_error err;
    put_file(text);
    given = 0;
    assert_int_equal(run(none, &err), TD_ENOTFOUND);
    assert_true(s.flow.none); /* exit 3 */
    assert_non_null(strstr(err.text, "807"));
    assert_non_null(strstr(err.text, why));
    assert_true(err.remedy[0] != '\0');
    assert_non_null(strstr(td_flow_get(&s.flow, "offline.ignored"), why));
    assert_true(stage_said(&s, why));
    assert_string_equal(td_flow_get(&s.flow, "profile.tenant_id"), "");
}

static void says_why_a_file_is_ignored(void **state TD_UNUSED)
{
    ignored(TD_S("\xEF\xBB\xBF" FILE_TEXT("0")), "EF BB BF");
    ignored(TD_S("\xFF\xFE{\0"), "UTF-16");
    ignored(TD_S(FILE_TEXT("2")), "CloudAssignedDomainJoinMethod");
    ignored(TD_S("{\"ZtdCorrelationId\":\"" ID "\"}"), "CloudAssignedTenantId is missing");
}

static void a_file_may_ask_for_a_hybrid_join(void **state TD_UNUSED)
{
    struct td_error err;
    put_file(TD_S(FILE_TEXT("1")));
    (void)run(none, &err);
    assert_true(td_offline_profile(&s.flow));
    assert_int_equal(td_flow_kind(&s.flow), TD_FLOW_HYBRID);
}

static void a_rejected_device_takes_no_file(void **state TD_UNUSED)
{
    struct td_error err;
    put_file(TD_S(FILE_TEXT("0")));
    assert_int_equal(run(rejected, &err), TD_ENOTFOUND);
    assert_true(s.flow.none);
    assert_true(stage_said(&s, "an administrator has rejected this device"));
    assert_string_equal(td_flow_get(&s.flow, "profile.tenant_id"), "");
}

static void generalize_deletes_it(void **state TD_UNUSED)
{
    struct td_error err;
    bool had = false;
    put_file(TD_S(FILE_TEXT("0")));
    (void)run(none, &err);
    assert_ok(td_offline_generalize(&s.dev, &had, &err));
    assert_true(had);
    assert_false(td_file_exists(file_path()));
    assert_string_equal(td_flow_get(&s.flow, "profile.tenant_id"), "");
    assert_ok(td_offline_generalize(&s.dev, &had, &err));
    assert_false(had);
    put_file(TD_S(FILE_TEXT("0")));
    stage_set(&s, "join.device_id", "x");
    assert_int_equal(td_offline_generalize(&s.dev, &had, &err), TD_ESTATE);
    assert_true(td_file_exists(file_path()));
}

int main(void)
{
#define STAGED(t) cmocka_unit_test_setup_teardown(t, begin, end)
    const struct CMUnitTest tests[] = {
        STAGED(goes_on_with_the_file),           STAGED(the_service_wins),
        STAGED(a_profile_that_comes_later_wins), STAGED(without_an_answer_it_takes_the_file),
        STAGED(says_why_a_file_is_ignored),      STAGED(a_rejected_device_takes_no_file),
        STAGED(generalize_deletes_it),           STAGED(a_file_may_ask_for_a_hybrid_join),
    };
    return cmocka_run_group_tests_name("device/offline", tests, NULL, NULL);
}
