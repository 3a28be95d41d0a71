/* device/show and device/ui: what is told of a device, and what is counted. */
#include "device/disk.h"
#include "device/hardware.h"
#include "device/reset.h"
#include "device/show.h"
#include "unit/device/stage.h"

static struct stage s;

static int begin(void **state TD_UNUSED)
{
    stage_open(&s, NULL);
    return 0;
}

static int end(void **state TD_UNUSED)
{
    stage_close(&s);
    return 0;
}

static const struct td_json *shown(struct td_buf *out)
{
    struct td_json *root;
    td_buf_init(out, 1 << 20);
    td_device_show_json(&s.dev, out);
    assert_ok(td_json_parse(td_trim(td_buf_slice(out)), 1 << 20, &s.arena, &root, NULL));
    return root;
}

static void tells_a_box(void **state TD_UNUSED)
{
    TD_CLEANUP(td_buf_done) struct td_buf out;
    const struct td_json *root = shown(&out);
    assert_false(td_json_bool(root, "azureAdJoined", true));
    assert_false(td_json_bool(root, "azureAdPrt", true));
    assert_null(td_json_str(root, "deviceId"));
    assert_int_equal(td_json_count(td_json_get(root, "wifi")), 0);
    assert_non_null(td_json_str(root, "computerName"));
}

static void tells_a_joined_device(void **state TD_UNUSED)
{
    TD_CLEANUP(td_buf_done) struct td_buf out;
    TD_CLEANUP(td_buf_done) struct td_buf text;
    stage_set(&s, "join.device_id", "44444444-0000-4000-8000-000000000001");
    stage_set(&s, "prt.token", "1.SECRET");
    stage_set(&s, "profile.tenant", "Contoso");
    const struct td_json *root = shown(&out);
    assert_true(td_json_bool(root, "azureAdJoined", false));
    assert_true(td_json_bool(root, "azureAdPrt", false));
    assert_string_equal(td_json_str(root, "tenantName"), "Contoso");
    td_buf_init(&text, 1 << 20);
    td_device_show(&s.dev, &text);
    assert_true(td_search(td_buf_slice(&text), TD_S("AzureAdJoined : YES")) != SIZE_MAX);
    assert_true(td_search(td_buf_slice(&text), TD_S("DomainJoined : NO")) != SIZE_MAX);
    assert_true(td_search(td_buf_slice(&text), TD_S("44444444-0000-4000-8000-000000000001")) != SIZE_MAX);
    assert_true(td_search(td_buf_slice(&text), TD_S("SECRET")) == SIZE_MAX);
    assert_true(td_search(td_buf_slice(&out), TD_S("SECRET")) == SIZE_MAX);
}

/* What it holds part by part, secrets as their SHA-256, and how far a reset is. */
static void tells_what_it_holds(void **state TD_UNUSED)
{
    TD_CLEANUP(td_buf_done) struct td_buf out;
    TD_CLEANUP(td_buf_done) struct td_buf text;
    const struct td_hardware hw = {.recovery = true};
    stage_set(&s, "prt.token", "1.SECRET");
    assert_ok(td_state_save(s.dev.state, NULL));
    assert_ok(td_disk_prepare(&s.dev, &hw, NULL));
    assert_ok(td_disk_use(&s.dev, "ada@contoso.test", NULL));
    assert_ok(td_reset_schedule(&s.dev, TD_ACTION_RESET, "", NULL));
    const struct td_json *root = shown(&out), *holds = td_json_get(root, "holds");
    const struct td_json *files = td_json_get(holds, td_part_word(TD_PART_FILES));
    assert_int_equal(strlen(td_json_str(files, "file disk/users/ada@contoso.test/files/Documents/report.txt")), 64);
    assert_int_equal(strlen(td_json_str(td_json_get(holds, td_part_word(TD_PART_PROFILES)), "state prt.token")), 64);
    assert_string_equal(td_json_str(root, "resetPending"), "reset");
    assert_int_equal(td_json_int(root, "resetStatus", 0), 10);
    td_buf_init(&text, 1 << 20);
    td_device_show(&s.dev, &text);
    assert_true(td_search(td_buf_slice(&text), TD_S("AutopilotResetStatus : 10 scheduled\n")) != SIZE_MAX);
    assert_true(td_search(td_buf_slice(&text), TD_S("user files : 2\n")) != SIZE_MAX);
    assert_true(td_search(td_buf_slice(&text), TD_S("SECRET")) == SIZE_MAX);
    assert_true(td_search(td_buf_slice(&out), TD_S("SECRET")) == SIZE_MAX);
}

static void counts_over_a_kill(void **state TD_UNUSED)
{
    char *answer;
    const char *which;
    stage_answer(&s, "language", "de-DE");
    assert_ok(td_ui_ask(&s.ui, "language", "language", false, false, &s.arena, &answer, NULL));
    assert_string_equal(answer, "de-DE");
    td_state_close(s.dev.state);
    assert_ok(td_state_open(s.dir, &s.dev.state, NULL));
    assert_ok(td_ui_confirm(&s.ui, "licence terms", "licence terms", NULL));
    assert_int_equal(td_ui_inputs(&s.ui, &s.arena, &which), 2);
    assert_string_equal(which, "language, licence terms");
}

static void gives_no_refused_answer_twice(void **state TD_UNUSED)
{
    char *answer;
    const char *which;
    struct td_error err = {0};
    stage_answer(&s, "password", "x");
    assert_int_equal(td_ui_ask(&s.ui, "password", "p", true, true, &s.arena, &answer, &err), TD_EINVAL);
    assert_int_equal(td_ui_ask(&s.ui, "user", "p", true, false, &s.arena, &answer, &err), TD_EINVAL);
    assert_string_equal(err.where, "user");
    assert_int_equal(td_ui_inputs(&s.ui, &s.arena, &which), 0);
}

#define STAGED(t) cmocka_unit_test_setup_teardown(t, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(tells_a_box),        STAGED(tells_a_joined_device),         STAGED(tells_what_it_holds),
        STAGED(counts_over_a_kill), STAGED(gives_no_refused_answer_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
