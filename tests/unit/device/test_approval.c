/* A device that nobody registered shows its code and asks again until somebody says something: docs/protocol/ztd.md
 * 3.3. The service is the test. */
#include "stage.h"

static struct stage s;

static const char **answers; /* of the lookup, one by one; the last one again and again */
static int given;
static int64_t asked_at[16];

static enum td_code send_it(void *ctx TD_UNUSED, const struct td_net_request *req, struct td_arena *a,
                            struct td_net_response *ret, struct td_error *err)
{
    if (!asked(req, "POST", "/ztd/v1/lookup"))
        return td_fail(err, TD_EDENIED, "test", "only the lookup is served");
    assert_true(given < 16);
    asked_at[given] = s.world.now;
    const char *answer = answers[given];
    given++;
    if (answer == NULL)
        return td_fail(err, TD_EUNAVAILABLE, "server", "cannot be reached");
    return reply_json(ret, a, 200, answer);
}

static int begin(void **state TD_UNUSED)
{
    stage_open(&s, send_it);
    given = 0;
    td_state_set(s.dev.state, "end.first pages", "1"); /* the pages before the network are another test's */
    return 0;
}

static int end(void **state TD_UNUSED)
{
    stage_close(&s);
    return 0;
}

#define NONE                                                                             \
    "\"ErrorCode\":807,\"ErrorReason\":\"ZtdDeviceIsNotRegistered\",\"ErrorText\":\"no " \
    "registration\",\"Remedy\":\"r\""
#define PENDING(code) "{" NONE ",\"RequestState\":\"pending\",\"RequestCode\":\"" code "\",\"RetryAfter\":5}"
#define PROFILE                                                                                        \
    "{\"ZtdRegistrationId\":\"5d1d47ea-69be-4c66-9520-f93526e3deb3\",\"CloudAssignedTenantId\":\"t\"," \
    "\"CloudAssignedTenantDomain\":\"contoso.test\",\"CloudAssignedOobeConfig\":1310,"                 \
    "\"CloudAssignedDomainJoinMethod\":0,\"DeploymentProfileName\":\"Everyone\",\"TenantDisplayName\":\"Contoso\"}"

static enum td_code run(const char **list, struct td_error *err)
{
    answers = list;
    return td_flow_run(&s.flow, err);
}

static void shows_its_code_and_goes_on(void **state TD_UNUSED)
{
    static const char *list[] = {PENDING("9ZCP-C7HT"), PENDING("9ZCP-C7HT"), NULL, PENDING("K2RT-Q4WX"), PROFILE};
    struct td_error err = {0};
    assert_int_not_equal(run(list, &err), TD_OK); /* the way ends behind the lookup: nothing else is served */
    assert_int_equal(given, 5);
    assert_false(s.flow.none);
    assert_true(stage_said(&s, "tell your administrator the code 9ZCP-C7HT"));
    assert_true(stage_said(&s, "tell your administrator the code K2RT-Q4WX"));
    assert_true(stage_said(&s, "profile found: Everyone"));
    assert_int_equal(asked_at[1] - asked_at[0], 5 * TD_SECOND);
    assert_int_equal(asked_at[2] - asked_at[1], 15 * TD_SECOND);
    assert_int_equal(asked_at[3] - asked_at[2], 30 * TD_SECOND);
    assert_int_equal(asked_at[4] - asked_at[3], 30 * TD_SECOND);
}

static void without_a_code_it_ends(void **state TD_UNUSED)
{
    static const char *list[] = {"{" NONE "}"};
    struct td_error err = {0};
    assert_int_equal(run(list, &err), TD_ENOTFOUND);
    assert_true(s.flow.none);
    assert_int_equal(given, 1);
    assert_non_null(strstr(err.text, "807 ZtdDeviceIsNotRegistered"));
}

static void rejected_it_ends(void **state TD_UNUSED)
{
    static const char *list[] = {PENDING("9ZCP-C7HT"), "{" NONE ",\"RequestState\":\"rejected\"}"};
    struct td_error err = {0};
    assert_int_equal(run(list, &err), TD_ENOTFOUND);
    assert_true(s.flow.none);
    assert_int_equal(given, 2);
    assert_non_null(strstr(err.remedy, "rejected"));
}

static void its_time_is_over(void **state TD_UNUSED)
{
    static const char *list[] = {PENDING("9ZCP-C7HT"), PENDING("9ZCP-C7HT"), PENDING("9ZCP-C7HT")};
    struct td_error err = {0};
    s.dev.deadline = td_monotonic() + 20 * TD_SECOND; /* 5 and 15 s lie before it, 30 s do not */
    assert_int_equal(run(list, &err), TD_ENOTFOUND);
    assert_true(s.flow.none); /* exit 3, not 4: contract section 3 */
    assert_int_equal(given, 3);
}

static void a_code_is_no_text(void **state TD_UNUSED)
{
    static const char *list[] = {PENDING("<b>call me</b>")};
    struct td_error err = {0};
    assert_int_equal(run(list, &err), TD_ENOTFOUND);
    assert_false(stage_said(&s, "call me"));
}

int main(void)
{
#define STAGED(t) cmocka_unit_test_setup_teardown(t, begin, end)
    const struct CMUnitTest tests[] = {
        STAGED(shows_its_code_and_goes_on), STAGED(without_a_code_it_ends), STAGED(rejected_it_ends),
        STAGED(its_time_is_over),           STAGED(a_code_is_no_text),
    };
    return cmocka_run_group_tests_name("device/approval", tests, NULL, NULL);
}
