/* device/dm: what the service orders of the whole machine, against a scripted service: the managed local
 * administrator. */
#include "codec/json.h"
#include "crypto/secret.h"
#include "csp_world.h"
#include "dm_world.h"

#define LAPS "./Device/Vendor/MSFT/LAPS/"

static struct td_csp_answer run(struct dm_world *w, enum td_csp_op op, const char *uri, const char *data)
{
    struct td_csp_answer answer;
    td_csp_run(w->dm.csp, op, uri, "", td_str(data), &w->a, &answer);
    return answer;
}

static void keep_passwords(struct dm_world *w)
{
    dm_open(w);
    td_state_set(w->dev.state, "join.url", "https://enter.example.test/EnrollmentServer/device/");
    assert_int_equal(run(w, TD_CSP_ADD, LAPS "Policies/BackupDirectory", "1").status, 200);
}

static const char *password_of(struct dm_world *w, size_t i)
{
    struct td_json *body;
    assert_ok(td_json_parse(td_str(w->sent[i].body), 1 << 16, &w->a, &body, NULL));
    return td_json_str(body, "password");
}

static void cycle(struct dm_world *w)
{
    w->post_count = 0;
    assert_ok(td_dm_cycle(&w->dm, TD_DM_SCHEDULE, false, NULL));
}

static void a_password_goes_to_the_directory_first(void **state TD_UNUSED)
{
    struct dm_world w;
    keep_passwords(&w);
    cycle(&w);
    assert_int_equal(w.sent_count, 1);
    assert_true(w.sent[0].by_device);
    assert_string_equal(w.sent[0].method, "POST");
    assert_string_equal(w.sent[0].url, "https://enter.example.test/EnrollmentServer/device/"
                                       "44444444-0000-4000-8000-000000000001/localcredential");
    assert_non_null(strstr(w.sent[0].headers, "Content-Type: application/json"));
    assert_non_null(strstr(w.sent[0].body, "\"accountName\":\"Administrator\""));
    const char *password = password_of(&w, 0);
    assert_int_equal(strlen(password), 14);
    assert_true(td_password_verify(td_state_get(w.dev.state, "laps.hash"), td_str(password)));
    assert_null(strstr(w.said, password));
    cycle(&w); /* it is good for its time */
    assert_int_equal(w.sent_count, 1);
    w.env.now += 31 * TD_DAY;
    cycle(&w);
    assert_int_equal(w.sent_count, 2);
    assert_string_not_equal(password_of(&w, 1), password);
    assert_false(td_password_verify(td_state_get(w.dev.state, "laps.hash"), td_str(password)));
    dm_close(&w);
}

/* What the directory does not have is not made good, and is tried again until it has. */
static void an_unreachable_directory_changes_nothing(void **state TD_UNUSED)
{
    struct dm_world w;
    keep_passwords(&w);
    cycle(&w);
    const char *before = td_arena_strdup(&w.a, td_state_get(w.dev.state, "laps.hash"));
    assert_int_equal(run(&w, TD_CSP_EXEC, LAPS "Actions/ResetPassword", "").status, 200);
    w.send_status = 0;
    cycle(&w);
    assert_string_equal(td_state_get(w.dev.state, "laps.hash"), before);
    assert_string_equal(run(&w, TD_CSP_GET, LAPS "Actions/ResetPasswordStatus", "").data, "-2147012867");
    w.send_status = 503;
    dm_reopen(&w);
    cycle(&w);
    assert_string_equal(td_state_get(w.dev.state, "laps.hash"), before);
    w.send_status = 200;
    dm_reopen(&w);
    cycle(&w);
    assert_string_not_equal(td_state_get(w.dev.state, "laps.hash"), before);
    assert_string_equal(run(&w, TD_CSP_GET, LAPS "Actions/ResetPasswordStatus", "").data, "0");
    assert_int_equal(w.sent_count, 4);
    dm_close(&w);
}

static void a_refusal_is_not_repeated(void **state TD_UNUSED)
{
    struct dm_world w;
    keep_passwords(&w);
    cycle(&w);
    assert_int_equal(run(&w, TD_CSP_EXEC, LAPS "Actions/ResetPassword", "").status, 200);
    w.send_status = 403;
    cycle(&w);
    cycle(&w);
    assert_int_equal(w.sent_count, 2);
    assert_string_equal(run(&w, TD_CSP_GET, LAPS "Actions/ResetPasswordStatus", "").data, "-2145844848");
    dm_close(&w);
}

static void passwords_are_as_the_policy_says(void **state TD_UNUSED)
{
    static const struct {
        const char *complexity, *length, *only;
    } rows[] = {
        {"1", "64", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
        {"2", "8", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"},
        {"3", "9", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"},
        {"5", "64", "ABCDEFGHJKLMNPRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789!#$%*+-/<=>?@^_~"},
    };
    static const char *const must[] = {"ABCDEFGHJKLMNPRSTUVWXYZ", "abcdefghijkmnpqrstuvwxyz", "23456789", "!#$%*+-/"};
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct dm_world w;
        keep_passwords(&w);
        assert_int_equal(run(&w, TD_CSP_ADD, LAPS "Policies/PasswordComplexity", rows[i].complexity).status, 200);
        assert_int_equal(run(&w, TD_CSP_ADD, LAPS "Policies/PasswordLength", rows[i].length).status, 200);
        assert_int_equal(run(&w, TD_CSP_ADD, LAPS "Policies/AdministratorAccountName", "helper").status, 200);
        cycle(&w);
        const char *password = password_of(&w, 0);
        assert_int_equal(strlen(password), strtol(rows[i].length, NULL, 10));
        assert_int_equal(strspn(password, rows[i].only), strlen(password));
        for (long k = 0; k < TD_MIN(strtol(rows[i].complexity, NULL, 10), 3); k++)
            assert_non_null(strpbrk(password, must[k]));
        assert_string_equal(td_state_get(w.dev.state, "laps.account"), "helper");
        dm_close(&w);
    }
}

static void nothing_without_the_policy(void **state TD_UNUSED)
{
    struct dm_world w;
    dm_open(&w);
    td_state_set(w.dev.state, "join.url", "https://enter.example.test/EnrollmentServer/device/");
    cycle(&w);
    assert_int_equal(run(&w, TD_CSP_ADD, LAPS "Policies/BackupDirectory", "2").status, 200);
    cycle(&w);
    assert_int_equal(w.sent_count, 0);
    dm_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_goes_to_the_directory_first),
        cmocka_unit_test(an_unreachable_directory_changes_nothing),
        cmocka_unit_test(a_refusal_is_not_repeated),
        cmocka_unit_test(passwords_are_as_the_policy_says),
        cmocka_unit_test(nothing_without_the_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
