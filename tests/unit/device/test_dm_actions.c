/* device/dm: what the service orders of the whole machine, against a scripted service: the managed local
 * administrator, resets and wipes from the order to the news afterwards. */
#include "codec/json.h"
#include "crypto/secret.h"
#include "csp_world.h"
#include "device/disk.h"
#include "device/life.h"
#include "device/reset.h"
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

/* --- archives of logs --------------------------------------------------------------------------------------------- */

#define ARCHIVE "./Vendor/MSFT/DiagnosticLog/DiagnosticArchive/"
#define SOME_ID "f1e20cb4-9789-4f6b-8f6a-766989764c6d"
#define LINK "https://mdm.example.test/content/upload/1?t=eyJ"

static void order_archive(struct dm_world *w)
{
    dm_open(w);
    assert_int_equal(run(w, TD_CSP_EXEC, ARCHIVE "ArchiveDefinition",
                         "<Collection><ID>" SOME_ID "</ID><SasUrl><![CDATA[" LINK "]]></SasUrl>"
                         "<RegistryKey>HKLM\\Software\\a&amp;b</RegistryKey></Collection>")
                         .status,
                     200);
}

static const char *archive_results(struct dm_world *w)
{
    return run(w, TD_CSP_GET, ARCHIVE "ArchiveResults", "").data;
}

static void an_archive_is_put_where_it_was_asked(void **state TD_UNUSED)
{
    struct dm_world w;
    order_archive(&w);
    w.send_status = 201;
    cycle(&w);
    assert_int_equal(w.sent_count, 1);
    assert_false(w.sent[0].by_device);
    assert_string_equal(w.sent[0].method, "PUT");
    assert_string_equal(w.sent[0].url, LINK);
    assert_non_null(strstr(w.sent[0].headers, "x-ms-blob-type: BlockBlob\n"));
    assert_memory_equal(w.sent[0].body, "PK\003\004", 4);
    assert_string_equal(archive_results(&w),
                        "<Collection HRESULT=\"0\"><ID>" SOME_ID
                        "</ID><RegistryKey HRESULT=\"0\">HKLM\\Software\\a&amp;b</RegistryKey></Collection>");
    dm_reopen(&w);
    cycle(&w); /* once */
    assert_int_equal(w.sent_count, 1);
    dm_close(&w);
}

static void an_archive_waits_for_its_service(void **state TD_UNUSED)
{
    struct dm_world w;
    order_archive(&w);
    w.send_status = 0;
    cycle(&w);
    w.send_status = 503;
    dm_reopen(&w);
    cycle(&w);
    assert_string_equal(archive_results(&w), "");
    w.send_status = 201;
    dm_reopen(&w);
    cycle(&w);
    assert_int_equal(w.sent_count, 3);
    assert_non_null(strstr(archive_results(&w), "HRESULT=\"0\""));
    dm_close(&w);
}

static void an_archive_is_given_up_in_time(void **state TD_UNUSED)
{
    struct dm_world w;
    order_archive(&w);
    w.send_status = 0;
    for (int i = 0; i < 7; i++)
        cycle(&w);
    assert_int_equal(w.sent_count, 5);
    assert_non_null(strstr(archive_results(&w), "HRESULT=\"-2147012867\""));
    dm_close(&w);
    order_archive(&w);
    w.send_status = 403; /* refused is refused */
    cycle(&w);
    cycle(&w);
    assert_int_equal(w.sent_count, 1);
    assert_non_null(strstr(archive_results(&w), "HRESULT=\"-2145844845\""));
    dm_close(&w);
}

/* --- resets and wipes --------------------------------------------------------------------------------------------- */

#define STATUS_OF(ref) \
    "<Status><CmdID>1</CmdID><MsgRef>" ref "</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><Data>200</Data></Status>"
#define EXEC(uri) "<Exec><CmdID>2</CmdID><Item><Target><LocURI>" uri "</LocURI></Target></Item></Exec>"
#define GET(id, uri) "<Get><CmdID>" id "</CmdID><Item><Target><LocURI>" uri "</LocURI></Target></Item></Get>"
#define WIPE "./Device/Vendor/MSFT/RemoteWipe/"
#define RESET WIPE "AutomaticRedeployment/"
#define BOOTSTRAP "com.microsoft/MDM/BootstrapSync"
#define ROLLED_BACK "org.touchdown:mdm.wipe.rolledback"

static void out_of_the_box(struct dm_world *w, bool recovery)
{
    struct td_hardware hw = {.recovery = recovery};
    dm_open(w);
    td_state_set(w->dev.state, "enrol.addr", "https://mdm.example.test/ManagementServer/MDM.svc");
    assert_ok(td_state_save(w->dev.state, NULL));
    assert_ok(td_disk_prepare(&w->dev, &hw, NULL));
}

/* The machine restarts: nothing but what was saved, and what was ordered is carried out before anything else. */
static bool restart(struct dm_world *w)
{
    bool did = false;
    assert_ok(td_csp_save(w->dm.csp, NULL));
    td_dm_close(&w->dm);
    assert_ok(td_life_start(&w->dev, &did, NULL));
    assert_ok(td_dm_open(&w->dev, &w->net, &w->dm, NULL));
    return did;
}

static bool fails_in_recovery(void *ctx TD_UNUSED, const char *step)
{
    return strcmp(step, "restarted") != 0;
}

/* The power fails once the machine has restarted, before anything is removed; then it starts again. */
static void cut_off(struct dm_world *w)
{
    w->dev.power = fails_in_recovery;
    assert_int_equal(td_life_start(&w->dev, NULL, NULL), TD_EUNAVAILABLE);
    w->dev.power = NULL;
    assert_ok(td_life_start(&w->dev, NULL, NULL));
}

static size_t posts_with(const struct dm_world *w, const char *text)
{
    size_t n = 0;
    for (size_t i = 0; i < w->post_count; i++)
        n += strstr(w->bodies[i], text) != NULL;
    return n;
}

static void a_reset_is_told_10_20_and_1(void **state TD_UNUSED)
{
    struct dm_world w;
    out_of_the_box(&w, true);
    const struct dm_answer script[] = {
        {.body = EXEC(RESET "doAutomaticRedeployment") GET("3", RESET "Status") "<Final/>"},
        {.body = "<Final/>"},
        {.body = GET("2", RESET "Status") "<Final/>"},
    };
    DM_SCRIPT(&w, script);
    assert_ok(td_dm_cycle(&w.dm, TD_DM_SCHEDULE, true, NULL));
    assert_int_equal(w.post_count, 4);
    assert_string_equal(dm_statuses(&w, &w.posts[1]), "0 SyncHdr 200, 2 Exec 200, 3 Get 200");
    assert_slice(dm_first(&w.posts[1], TD_SYNC_RESULTS)->items->data, "10");
    assert_slice(dm_first(&w.posts[3], TD_SYNC_RESULTS)->items->data, "20");
    assert_int_equal(posts_with(&w, BOOTSTRAP), 0);
    assert_true(restart(&w));
    const struct dm_answer after[] = {{.body = GET("2", RESET "Status") GET("3", RESET "LastError") "<Final/>"}};
    DM_SCRIPT(&w, after);
    assert_ok(td_dm_cycle(&w.dm, TD_DM_SCHEDULE, false, NULL));
    assert_non_null(strstr(w.bodies[0], BOOTSTRAP));
    assert_slice(dm_first(&w.posts[1], TD_SYNC_RESULTS)->items->data, "1");
    assert_slice(dm_first(&w.posts[1], TD_SYNC_RESULTS)->next->items->data, "0");
    w.post_count = 0;
    assert_ok(td_dm_cycle(&w.dm, TD_DM_SCHEDULE, false, NULL)); /* told once */
    assert_int_equal(posts_with(&w, BOOTSTRAP), 0);
    dm_close(&w);
}

/* A session that was cut told nothing: the next one says it again. */
static void news_are_said_until_a_session_is_whole(void **state TD_UNUSED)
{
    struct dm_world w;
    out_of_the_box(&w, true);
    DM_SCRIPT(&w, ((const struct dm_answer[]){{.body = EXEC(RESET "doAutomaticRedeployment") "<Final/>"}}));
    assert_ok(td_dm_cycle(&w.dm, TD_DM_SCHEDULE, false, NULL));
    assert_true(restart(&w));
    const struct dm_answer cut[] = {{.body = GET("2", RESET "Status") "<Final/>"}, {.status = 400, .body = ""}};
    DM_SCRIPT(&w, cut);
    assert_int_equal(td_dm_talk(&w.dm, TD_DM_USER, false, NULL), TD_EINVAL);
    dm_reopen(&w);
    DM_SCRIPT(&w, ((const struct dm_answer[]){{.body = "<Final/>"}}));
    assert_ok(td_dm_talk(&w.dm, TD_DM_USER, false, NULL));
    assert_non_null(strstr(w.bodies[0], BOOTSTRAP));
    dm_close(&w);
}

static void no_recovery_environment_is_30(void **state TD_UNUSED)
{
    struct dm_world w;
    out_of_the_box(&w, false);
    td_csp_put(w.dm.csp, PROVIDER_KEY "/SyncApplicationVersion", "chr", "3.0");
    const struct dm_answer script[] = {{.body = EXEC(RESET "doAutomaticRedeployment") GET("3", RESET "Status")
                                            GET("4", RESET "LastError") "<Final/>"}};
    DM_SCRIPT(&w, script);
    assert_ok(td_dm_cycle(&w.dm, TD_DM_SCHEDULE, false, NULL));
    assert_int_equal(w.post_count, 2);
    assert_string_equal(dm_statuses(&w, &w.posts[1]), "0 SyncHdr 200, 2 Exec 500, 3 Get 200, 4 Get 200");
    assert_non_null(strstr(w.bodies[1], "0x80070032"));
    const struct td_sync_cmd *results = dm_first(&w.posts[1], TD_SYNC_RESULTS);
    assert_slice(results->items->data, "30");
    assert_slice(results->next->items->data, "-2147024846");
    assert_false(td_life_restart_due(&w.dev, NULL));
    dm_close(&w);
}

/* The order comes into effect behind the session: what else stood in it is answered, nothing is installed. */
static void a_wipe_empties_the_device_behind_its_session(void **state TD_UNUSED)
{
    struct dm_world w;
    out_of_the_box(&w, true);
    const struct dm_answer script[] = {{.body = EXEC(WIPE "doWipe") GET("3", "./DevInfo/Man") "<Final/>"}};
    DM_SCRIPT(&w, script);
    assert_ok(td_dm_cycle(&w.dm, TD_DM_SCHEDULE, true, NULL));
    assert_int_equal(w.post_count, 2); /* no session to tell of it: nobody reads AutomaticRedeployment for a wipe */
    assert_string_equal(dm_statuses(&w, &w.posts[1]), "0 SyncHdr 200, 2 Exec 200, 3 Get 200");
    assert_non_null(td_state_get(w.dev.state, "enrol.addr"));
    assert_true(restart(&w));
    assert_null(td_state_get(w.dev.state, "enrol.addr"));
    assert_null(td_csp_value(w.dm.csp, "@provider"));
    assert_false(td_life_restart_due(&w.dev, NULL));
    dm_close(&w);
}

/* Killed between the order and its Status: the machine goes on with it, as it does after a power cut. */
static void an_order_outlives_a_kill(void **state TD_UNUSED)
{
    struct dm_world w;
    out_of_the_box(&w, true);
    const struct dm_answer script[] = {{.body = EXEC(WIPE "doWipe") "<Final/>"}, {.status = 400, .body = ""}};
    DM_SCRIPT(&w, script);
    assert_int_equal(td_dm_talk(&w.dm, TD_DM_USER, false, NULL), TD_EINVAL);
    assert_true(td_life_restart_due(&w.dev, NULL));
    assert_true(restart(&w));
    assert_null(td_state_get(w.dev.state, "enrol.addr"));
    dm_close(&w);
}

/* Ordered while the status page shows: the page gives way at once, and begins again behind the restart. */
static void the_status_page_gives_way(void **state TD_UNUSED)
{
    struct td_error err = {0};
    struct dm_world w;
    out_of_the_box(&w, true);
    td_csp_put(w.dm.csp, PROVIDER_KEY "/FirstSyncStatus/SkipDeviceStatusPage", "bool", "false");
    DM_SCRIPT(&w, ((const struct dm_answer[]){{.body = EXEC(RESET "doAutomaticRedeployment") "<Final/>"}}));
    assert_int_equal(td_dm_page(&w.dm, TD_DM_DEVICE_SETUP, &err), TD_ESTATE);
    assert_string_equal(err.where, "restart");
    assert_true(restart(&w));
    td_csp_put(w.dm.csp, PROVIDER_KEY "/FirstSyncStatus/SkipDeviceStatusPage", "bool", "false");
    td_csp_put(w.dm.csp, PROVIDER_KEY "/FirstSyncStatus/ServerHasFinishedProvisioning", "bool", "true");
    DM_SCRIPT(&w, ((const struct dm_answer[]){{.body = "<Final/>"}}));
    assert_ok(td_dm_page(&w.dm, TD_DM_DEVICE_SETUP, NULL));
    assert_non_null(strstr(w.bodies[0], BOOTSTRAP));
    assert_int_equal(posts_with(&w, BOOTSTRAP), 1);
    dm_close(&w);
}

/* The order is taken, the rest of the session is lost: the page does not wait for another one. */
static void the_status_page_gives_way_to_a_cut_session(void **state TD_UNUSED)
{
    struct td_error err = {0};
    struct dm_world w;
    out_of_the_box(&w, true);
    td_csp_put(w.dm.csp, PROVIDER_KEY "/FirstSyncStatus/SkipDeviceStatusPage", "bool", "false");
    DM_SCRIPT(&w, ((const struct dm_answer[]){{.body = EXEC(WIPE "doWipe") "<Final/>"}}));
    w.rest = (struct dm_answer){.status = -1};
    assert_int_equal(td_dm_page(&w.dm, TD_DM_DEVICE_SETUP, &err), TD_ESTATE);
    assert_string_equal(err.where, "restart");
    assert_true(restart(&w));
    assert_null(td_state_get(w.dev.state, "enrol.addr"));
    dm_close(&w);
}

static void a_second_order_is_refused(void **state TD_UNUSED)
{
    struct dm_world w;
    out_of_the_box(&w, true);
    const struct dm_answer script[] = {
        {.body = EXEC(RESET "doAutomaticRedeployment") "<Exec><CmdID>3</CmdID><Item><Target><LocURI>" WIPE
                                                       "doWipe</LocURI></Target></Item></Exec><Final/>"}};
    DM_SCRIPT(&w, script);
    assert_ok(td_dm_talk(&w.dm, TD_DM_USER, false, NULL));
    assert_string_equal(dm_statuses(&w, &w.posts[1]), "0 SyncHdr 200, 2 Exec 200, 3 Exec 500");
    enum td_action_kind kind;
    assert_true(td_life_restart_due(&w.dev, &kind));
    assert_int_equal(kind, TD_ACTION_RESET);
    dm_close(&w);
}

/* docs/protocol/device-alerts.md: cut between the restart and the point of no return. */
static void a_wipe_that_was_cut_off_is_told(void **state TD_UNUSED)
{
    struct dm_world w;
    out_of_the_box(&w, true);
    DM_SCRIPT(&w, ((const struct dm_answer[]){{.body = EXEC(WIPE "doWipe") "<Final/>"}}));
    assert_ok(td_dm_cycle(&w.dm, TD_DM_SCHEDULE, false, NULL));
    td_dm_close(&w.dm);
    cut_off(&w);
    assert_ok(td_dm_open(&w.dev, &w.net, &w.dm, NULL));
    assert_non_null(strstr(w.said, "rolled back"));
    assert_non_null(td_state_get(w.dev.state, "enrol.addr"));
    DM_SCRIPT(&w, ((const struct dm_answer[]){{.body = "<Final/>"}}));
    assert_ok(td_dm_talk(&w.dm, TD_DM_USER, false, NULL));
    const struct td_sync_cmd *c = w.posts[0].cmds;
    while (c != NULL && (c->items == NULL || strcmp(c->items->meta.type, ROLLED_BACK) != 0))
        c = c->next;
    assert_non_null(c);
    assert_int_equal(c->code, 1226);
    assert_string_equal(c->items->source, WIPE "doWipe");
    assert_string_equal(c->items->meta.format, "int");
    assert_slice(c->items->data, "-2147023673");
    w.post_count = 0;
    assert_ok(td_dm_talk(&w.dm, TD_DM_USER, false, NULL));
    assert_int_equal(posts_with(&w, ROLLED_BACK), 0);
    dm_close(&w);
}

static void unenrolment_takes_the_join_as_well(void **state TD_UNUSED)
{
    struct dm_world w;
    out_of_the_box(&w, true);
    DM_SCRIPT(&w, ((const struct dm_answer[]){{.body = "<Exec><CmdID>2</CmdID><Item><Target><LocURI>" PROVIDER
                                                       "/Unenroll</LocURI></Target>"
                                                       "<Data>ExampleMDM</Data></Item></Exec><Final/>"}}));
    assert_ok(td_dm_talk(&w.dm, TD_DM_SCHEDULE, false, NULL));
    assert_non_null(strstr(w.bodies[w.post_count - 1], "com.microsoft:mdm.unenrollment.userrequest"));
    assert_true(restart(&w));
    assert_null(td_state_get(w.dev.state, "join.device_id"));
    assert_true(td_life_is_unmanaged(&w.dev));
    dm_close(&w);
}

/* The order was taken, the goodbye was heard, then the power failed: the service knows this device no more. */
static void a_cut_unenrolment_goes_on_though_the_service_refuses(void **state TD_UNUSED)
{
    struct dm_world w;
    out_of_the_box(&w, true);
    td_csp_put(w.dm.csp, "@unenrolled", "chr", "ExampleMDM");
    assert_ok(td_csp_save(w.dm.csp, NULL));
    dm_reopen(&w);
    w.rest = (struct dm_answer){.status = 403, .body = "ended"};
    assert_ok(td_dm_talk(&w.dm, TD_DM_USER, false, NULL));
    assert_int_equal(w.post_count, 1);
    assert_non_null(strstr(w.bodies[0], "com.microsoft:mdm.unenrollment.userrequest"));
    assert_true(restart(&w));
    assert_true(td_life_is_unmanaged(&w.dev));
    dm_close(&w);
}

/* The power fails behind the order, before the session has noted why there is no management any more. */
static void a_cut_unenrolment_begins_no_new_way(void **state TD_UNUSED)
{
    struct dm_world w;
    out_of_the_box(&w, true);
    assert_ok(td_reset_schedule(&w.dev, TD_ACTION_RETIRE, "", NULL));
    assert_true(restart(&w));
    assert_true(td_life_is_unmanaged(&w.dev));
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
        cmocka_unit_test(a_reset_is_told_10_20_and_1),
        cmocka_unit_test(news_are_said_until_a_session_is_whole),
        cmocka_unit_test(no_recovery_environment_is_30),
        cmocka_unit_test(a_wipe_empties_the_device_behind_its_session),
        cmocka_unit_test(an_order_outlives_a_kill),
        cmocka_unit_test(the_status_page_gives_way),
        cmocka_unit_test(the_status_page_gives_way_to_a_cut_session),
        cmocka_unit_test(a_second_order_is_refused),
        cmocka_unit_test(a_wipe_that_was_cut_off_is_told),
        cmocka_unit_test(unenrolment_takes_the_join_as_well),
        cmocka_unit_test(a_cut_unenrolment_goes_on_though_the_service_refuses),
        cmocka_unit_test(a_cut_unenrolment_begins_no_new_way),
        cmocka_unit_test(an_archive_is_put_where_it_was_asked),
        cmocka_unit_test(an_archive_waits_for_its_service),
        cmocka_unit_test(an_archive_is_given_up_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
