/* policy: kiosk and shared PC: what an administrator may write, what the device is told, in which order, what is told
 * once more, and what takes it away again. */
#include "base/env.h"
#include "codec/xml.h"
#include "policy/plan.h"
#include "unit/policy/item_text.h"

#define KIOSK "./Device/Vendor/MSFT/AssignedAccess/Configuration"
#define SHARED "./Vendor/MSFT/SharedPC/"
#define CALCULATOR "Microsoft.WindowsCalculator_8wekyb3d8bbwe!App"
#define V4 "http://schemas.microsoft.com/AssignedAccess/2021/config"

static struct td_item item_of(const char *text)
{
    return item_named("screen", text);
}

static void survives_writing(void **state TD_UNUSED)
{
    static const char *const items[] = {
        "{\"kind\":\"kiosk\",\"aumid\":\"" CALCULATOR "\",\"breakout\":\"Ctrl+Alt+Q\",\"autologonName\":\"Hall\"}",
        "{\"kind\":\"kiosk\",\"path\":\"%ProgramFiles%\\\\Board\\\\board.exe\",\"arguments\":\"--full\","
        "\"account\":\"AzureAD\\\\ada@contoso.test\"}",
        "{\"kind\":\"kiosk\",\"url\":\"https://board.contoso.test/\",\"edgeType\":\"public-browsing\"}",
        "{\"kind\":\"kiosk\",\"taskbar\":false,\"apps\":[{\"aumid\":\"" CALCULATOR "\",\"launch\":true},"
        "{\"path\":\"C:\\\\Windows\\\\System32\\\\notepad.exe\"}]}",
        "{\"kind\":\"shared-pc\"}",
        "{\"kind\":\"shared-pc\",\"accountModel\":\"directory-and-guests\",\"deletionPolicy\":"
        "\"disk-space-and-inactivity\",\"inactiveDays\":7,\"diskLevelDeletion\":10,\"diskLevelCaching\":60,"
        "\"signInOnResume\":true,\"powerPolicies\":false,\"sleepSeconds\":0,\"maintenanceStart\":120,"
        "\"kioskAumid\":\"" CALCULATOR "\",\"kioskTile\":\"Calculate\",\"oneDriveSync\":true}",
    };
    for (size_t i = 0; i < TD_COUNTOF(items); i++) {
        struct td_item one = item_of(items[i]);
        const char *text = written(&one, true);
        struct td_item two = item_of(text);
        assert_string_equal(written(&two, true), text);
    }
}

/* Each with the member that is wrong. */
static void refuses_by_name(void **state TD_UNUSED)
{
#define K(members) "{\"kind\":\"kiosk\"," members "}"
#define APPS(list) K("\"apps\":[" list "]")
#define S(members) "{\"kind\":\"shared-pc\"," members "}"
    static const struct {
        const char *json, *where;
    } rows[] = {
        {"{\"kind\":\"kiosk\"}", "kiosk"},
        {K("\"aumid\":\"" CALCULATOR "\",\"url\":\"https://x.test/\""), "kiosk"},
        {K("\"aumid\":\"" CALCULATOR "\",\"path\":\"C:\\\\a.exe\""), "path"},
        {K("\"aumid\":\"Calculator\""), "aumid"},
        {K("\"aumid\":\"a!b!c\""), "aumid"},
        {K("\"aumid\":\"\""), "aumid"},
        {K("\"aumid\":7"), "aumid"},
        {K("\"path\":\"board.exe\""), "path"},
        {K("\"path\":\"C:\\\\board.cmd\""), "path"},
        {K("\"path\":\"C:\\\\x\\\\..\\\\board.exe\""), "path"},
        {K("\"path\":\"C:\\\\bo\\\"ard.exe\""), "path"},
        {K("\"aumid\":\"" CALCULATOR "\",\"arguments\":\"-x\""), "arguments"},
        {K("\"url\":\"ftp://x.test/\""), "url"},
        {K("\"url\":\"https://x.test/ --no-kiosk\""), "url"},
        {K("\"url\":\"https://x.test/\",\"edgeType\":\"big\""), "edgeType"},
        {K("\"url\":\"https://x.test/\",\"edgeIdleMinutes\":1441"), "edgeIdleMinutes"},
        {K("\"aumid\":\"" CALCULATOR "\",\"edgeIdleMinutes\":1"), "edgeIdleMinutes"},
        {K("\"aumid\":\"" CALCULATOR "\",\"account\":\"a\\\\b\\\\c\""), "account"},
        {K("\"aumid\":\"" CALCULATOR "\",\"account\":\"ada\",\"autologonName\":\"x\""), "autologonName"},
        {K("\"aumid\":\"" CALCULATOR "\",\"breakout\":\"Q\""), "breakout"},
        {K("\"aumid\":\"" CALCULATOR "\",\"breakout\":\"Ctrl+\""), "breakout"},
        {K("\"aumid\":\"" CALCULATOR "\",\"breakout\":\"Ctrl+Alt\""), "breakout"},
        {K("\"aumid\":\"" CALCULATOR "\",\"scope\":\"user\""), "scope"},
        {K("\"aumid\":\"" CALCULATOR "\",\"taskbar\":true"), "taskbar"},
        {APPS(""), "apps"},
        {APPS("{}"), "apps"},
        {APPS("7"), "apps"},
        {APPS("{\"aumid\":\"" CALCULATOR "\",\"tile\":1}"), "tile"},
        {APPS("{\"aumid\":\"" CALCULATOR "\"},{\"aumid\":\"" CALCULATOR "\"}"), "apps"},
        {APPS("{\"aumid\":\"A!B\",\"launch\":true},{\"aumid\":\"A!C\",\"launch\":true}"), "launch"},
        {APPS("{\"path\":\"C:\\\\a.exe\",\"arguments\":\"x\"}"), "arguments"},
        {S("\"accountModel\":\"all\""), "accountModel"},
        {S("\"accountModel\":1"), "accountModel"},
        {S("\"deletionPolicy\":\"never\""), "deletionPolicy"},
        {S("\"diskLevelDeletion\":60"), "diskLevelDeletion"},
        {S("\"diskLevelCaching\":20"), "diskLevelDeletion"},
        {S("\"diskLevelCaching\":101"), "diskLevelCaching"},
        {S("\"inactiveDays\":3"), "inactiveDays"},
        {S("\"kioskTile\":\"x\""), "kioskTile"},
        {S("\"kioskAumid\":\"x\""), "kioskAumid"},
        {S("\"scope\":\"user\""), "scope"},
        {S("\"signInOnResume\":1"), "signInOnResume"},
        {S("\"sleepMinutes\":1"), "sleepMinutes"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_item item;
        err.where[0] = '\0';
        if (read_item(rows[i].json, &item) == TD_OK || strcmp(err.where, rows[i].where) != 0)
            fail_msg("%s: where is %s", rows[i].json, err.where);
        assert_true(err.text[0] != '\0');
    }
}

/* --- one device before the planner -------------------------------------------------------------------------------- */

struct bench {
    struct td_item item;
    const struct td_item *items; /* NULL: the one above */
    struct td_desired_in in;
    struct td_desired d;
    struct td_ledger l;
    int64_t session;
};

static struct bench bench_of(const char *text)
{
    struct bench b = {.item = item_of(text), .session = 1};
    b.in = (struct td_desired_in){.provider = "P", .user_upn = "", .computer_name = "", .item_count = 1};
    td_ledger_init(&b.l, &arena);
    return b;
}

/* A session: what it hands out, by keys, one a line; all is answered by the code. */
static const char *talk(struct bench *b, int code)
{
    TD_CLEANUP(td_buf_done) struct td_buf keys;
    uint64_t cmd = 2;
    td_buf_init(&keys, 1 << 16);
    td_buf_adds(&keys, "");
    b->in.items = b->items != NULL ? b->items : &b->item;
    b->in.given_count = td_plan_given(&b->l, &arena, &b->in.given);
    td_desired_make(&b->in, &arena, &b->d);
    td_plan_align(&b->d, &b->l);
    for (const struct td_want *w = NULL; (w = td_plan_next(&b->d, &b->l, b->session, false, w)) != NULL; cmd++) {
        td_plan_hand_out(&b->l, w, b->session, 1, cmd, 0);
        if (w->verb != TD_SYNC_GET)
            td_buf_printf(&keys, "%s\n", w->key);
    }
    for (uint64_t i = 2; i < cmd; i++)
        td_plan_status(&b->l, b->session, 1, i, code, 0);
    td_plan_judge(&b->l, b->session++);
    return td_arena_text(&arena, td_buf_slice(&keys));
}

static const struct td_want *want_of(const struct bench *b, const char *key)
{
    for (const struct td_want *w = b->d.wants; w != NULL; w = w->next)
        if (strcmp(w->key, key) == 0)
            return w;
    return NULL;
}

static const struct td_xml *configuration(const char *text)
{
    struct bench b = bench_of(text);
    struct td_xml *root = NULL;
    (void)talk(&b, 200);
    const struct td_want *w = want_of(&b, "A " KIOSK);
    assert_non_null(w);
    assert_string_equal(w->format, "chr");
    assert_ok(td_xml_parse(td_str(w->data), 1 << 20, &arena, &root, &err));
    assert_true(
        td_xml_is(root, "http://schemas.microsoft.com/AssignedAccess/2017/config", "AssignedAccessConfiguration"));
    return root;
}

static const char *attr(const struct td_xml *root, const char *path, const char *name)
{
    const struct td_xml *e = td_xml_path(root, path);
    const char *value = td_xml_attr(e, name);
    assert_non_null(e);
    return value != NULL ? value : "";
}

static void writes_a_single_app(void **state TD_UNUSED)
{
    const struct td_xml *x = configuration("{\"kind\":\"kiosk\",\"aumid\":\"" CALCULATOR "\",\"breakout\":\"Ctrl+Q\"}");
    assert_string_equal(attr(x, "Profiles/Profile/KioskModeApp", "AppUserModelId"), CALCULATOR);
    assert_string_equal(attr(x, "Profiles/Profile", "Id"), "{9A2A490F-10F6-4764-974A-43B19E722C23}");
    assert_string_equal(attr(x, "Configs/Config/DefaultProfile", "Id"), "{9A2A490F-10F6-4764-974A-43B19E722C23}");
    assert_string_equal(attr(x, "Configs/Config/AutoLogonAccount", "HiddenId"),
                        "{74331115-F68A-4DF9-8D2C-52BA2CE2ADB1}");
    const struct td_xml *keys = td_xml_path(x, "Profiles/Profile/BreakoutSequence");
    assert_string_equal(keys->ns, V4);
    assert_string_equal(td_xml_attr(keys, "Key"), "Ctrl+Q");
}

static void writes_a_web_page(void **state TD_UNUSED)
{
    const struct td_xml *x =
        configuration("{\"kind\":\"kiosk\",\"url\":\"https://b.test/?a=1&b=2\",\"account\":\"hall\"}");
    const struct td_xml *app = td_xml_path(x, "Profiles/Profile/KioskModeApp");
    assert_string_equal(td_xml_attr(app, "ClassicAppPath"),
                        "%ProgramFiles(x86)%\\Microsoft\\Edge\\Application\\msedge.exe");
    assert_string_equal(app->attrs->ns, V4);
    assert_string_equal(td_xml_attr(app, "ClassicAppArguments"),
                        "--kiosk https://b.test/?a=1&b=2 --edge-kiosk-type=fullscreen --kiosk-idle-timeout-minutes=0");
    assert_true(td_eqs(td_xml_text_at(x, "Configs/Config/Account"), "hall"));
    assert_null(td_xml_path(x, "Configs/Config/AutoLogonAccount"));
}

static void writes_many_apps(void **state TD_UNUSED)
{
    const struct td_xml *x =
        configuration("{\"kind\":\"kiosk\",\"autologonName\":\"Hall\",\"apps\":[{\"aumid\":\"" CALCULATOR
                      "\"},{\"path\":\"C:\\\\Windows\\\\notepad.exe\",\"launch\":true,\"arguments\":\"a.txt\"}]}");
    const struct td_xml *second = td_xml_path(x, "Profiles/Profile/AllAppsList/AllowedApps")->child->next;
    assert_string_equal(td_xml_attr(second, "DesktopAppPath"), "C:\\Windows\\notepad.exe");
    assert_string_equal(td_xml_attr(second, "AutoLaunch"), "true");
    assert_string_equal(td_xml_attr(second, "AutoLaunchArguments"), "a.txt");
    assert_string_equal(attr(x, "Profiles/Profile/Taskbar", "ShowTaskbar"), "true");
    assert_string_equal(attr(x, "Configs/Config/AutoLogonAccount", "DisplayName"), "Hall");
    assert_true(td_eqs(td_xml_text_at(x, "Profiles/Profile/StartPins"),
                       "{\"pinnedList\":[{\"packagedAppId\":\"" CALCULATOR "\"}]}"));
}

/* --- what is told, and when --------------------------------------------------------------------------------------- */

#define SIMPLE "{\"kind\":\"kiosk\",\"aumid\":\"" CALCULATOR "\"}"

static void the_page_waits_for_a_kiosk(void **state TD_UNUSED)
{
    struct bench b = bench_of(SIMPLE);
    b.in.setup = true;
    (void)talk(&b, 200);
    const struct td_want *list =
        want_of(&b, "R ./Device/Vendor/MSFT/DMClient/Provider/P/FirstSyncStatus/ExpectedPolicies");
    assert_non_null(list);
    assert_string_equal(list->data, KIOSK);
}

static void the_switch_goes_last(void **state TD_UNUSED)
{
    struct bench b = bench_of("{\"kind\":\"shared-pc\",\"signInOnResume\":true,\"sleepSeconds\":60}");
    const char *keys = talk(&b, 200);
    assert_string_equal(keys,
                        "R " SHARED "AccountModel\nR " SHARED "DeletionPolicy\nR " SHARED "SleepTimeout\nR " SHARED
                        "SignInOnResume\nR " SHARED "EnableAccountManager\nR " SHARED "EnableSharedPCMode\n");
    assert_string_equal(want_of(&b, "R " SHARED "AccountModel")->data, "1");
    assert_string_equal(want_of(&b, "R " SHARED "EnableSharedPCMode")->data, "true");
    assert_string_equal(want_of(&b, "R " SHARED "EnableSharedPCMode")->format, "bool");
    b.item.revision = 2;
    assert_string_equal(talk(&b, 200), keys); /* a change is an action: everything again, the switch last */
}

/* autopilot.md Z35 */
static void a_ready_device_is_told_once_more(void **state TD_UNUSED)
{
    struct bench b = bench_of(SIMPLE);
    assert_string_equal(talk(&b, 200), "A " KIOSK "\n");
    assert_string_equal(talk(&b, 200), "");
    b.in.settled = true;
    assert_string_equal(talk(&b, 200), "R " KIOSK " again\n");
    assert_string_equal(want_of(&b, "R " KIOSK " again")->data, want_of(&b, "A " KIOSK)->data);
    assert_string_equal(talk(&b, 200), "");
    b.item.revision = 2; /* at work it is not done twice */
    assert_string_equal(talk(&b, 200), "A " KIOSK "\n");
    assert_string_equal(talk(&b, 200), "");
}

static void what_comes_later_is_told_once(void **state TD_UNUSED)
{
    struct bench b = bench_of(SIMPLE);
    b.in.settled = true;
    assert_string_equal(talk(&b, 200), "A " KIOSK "\n");
    assert_string_equal(talk(&b, 200), "");
}

static void goes_away_with_its_item(void **state TD_UNUSED)
{
    struct bench b = bench_of(SIMPLE);
    (void)talk(&b, 200);
    b.in.item_count = 0;
    assert_string_equal(talk(&b, 200), "D " KIOSK "\n");
    assert_string_equal(talk(&b, 200), ""); /* once */
    b.in.item_count = 1;
    assert_string_equal(talk(&b, 200), "A " KIOSK "\n"); /* and comes back */
}

static void a_lost_answer_is_asked_for_again(void **state TD_UNUSED)
{
    struct bench b = bench_of(SIMPLE);
    (void)talk(&b, 200);
    b.in.item_count = 0;
    assert_string_equal(talk(&b, 0), "D " KIOSK "\n");
    td_plan_prune(&b.d, &b.l, ""); /* what is to be taken away is not forgotten in between */
    assert_string_equal(talk(&b, 404), "D " KIOSK "\n");
    assert_string_equal(talk(&b, 200), ""); /* 404: gone as well */
}

static void what_was_refused_is_not_taken_away(void **state TD_UNUSED)
{
    struct bench b = bench_of(SIMPLE);
    (void)talk(&b, 404);
    b.in.item_count = 0;
    assert_string_equal(talk(&b, 200), "");
}

static void what_a_shared_pc_no_longer_says_goes_away(void **state TD_UNUSED)
{
    struct bench b = bench_of("{\"kind\":\"shared-pc\",\"signInOnResume\":true}");
    (void)talk(&b, 200);
    b.item = item_of("{\"kind\":\"shared-pc\"}");
    b.item.revision = 2;
    const char *keys = talk(&b, 200);
    assert_non_null(strstr(keys, "D " SHARED "SignInOnResume\n"));
    assert_null(strstr(keys, "D " SHARED "AccountModel\n"));
    b.in.item_count = 0;
    keys = talk(&b, 200);
    assert_non_null(strstr(keys, "D " SHARED "EnableSharedPCMode\n"));
    assert_non_null(strstr(keys, "D " SHARED "AccountModel\n"));
    assert_string_equal(talk(&b, 200), "");
}

/* Of two kiosks the older one holds; when it goes, the other one comes, though it never changed. */
static void another_kiosk_comes_behind(void **state TD_UNUSED)
{
    struct bench b = bench_of(SIMPLE);
    struct td_item two[2] = {b.item, item_of("{\"kind\":\"kiosk\",\"url\":\"https://b.test/\"}")};
    two[1].id = "9a2a490f-10f6-4764-974a-43b19e722c24";
    (void)talk(&b, 200);
    b.in.item_count = 2;
    b.items = two;
    assert_string_equal(talk(&b, 200), "");
    b.items = &two[1];
    b.in.item_count = 1;
    assert_string_equal(talk(&b, 200), "A " KIOSK "\n");
    assert_non_null(strstr(want_of(&b, "A " KIOSK)->data, "b.test"));
}

static void a_policy_stays(void **state TD_UNUSED)
{
    struct bench b =
        bench_of("{\"kind\":\"policy\",\"settings\":[{\"policy\":\"Experience/AllowCortana\",\"value\":0}]}");
    (void)talk(&b, 200);
    b.in.item_count = 0;
    assert_string_equal(talk(&b, 200), "");
}

static void proves_by_what_is_read_back(void **state TD_UNUSED)
{
    struct bench b = bench_of(SIMPLE);
    const struct td_row *row;
    bool news;
    (void)talk(&b, 200);
    assert_int_equal(td_plan_item(&b.d, &b.l, ID, &row), TD_ITEM_APPLIED);
    (void)talk(&b, 0);
    assert_non_null(td_plan_result(&b.l, b.session - 1, 1, 2, KIOSK, td_str(want_of(&b, "A " KIOSK)->data), &news));
    assert_int_equal(td_plan_item(&b.d, &b.l, ID, &row), TD_ITEM_IN_EFFECT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survives_writing),
        cmocka_unit_test(refuses_by_name),
        cmocka_unit_test(writes_a_single_app),
        cmocka_unit_test(writes_a_web_page),
        cmocka_unit_test(writes_many_apps),
        cmocka_unit_test(the_page_waits_for_a_kiosk),
        cmocka_unit_test(the_switch_goes_last),
        cmocka_unit_test(a_ready_device_is_told_once_more),
        cmocka_unit_test(what_comes_later_is_told_once),
        cmocka_unit_test(goes_away_with_its_item),
        cmocka_unit_test(a_lost_answer_is_asked_for_again),
        cmocka_unit_test(what_was_refused_is_not_taken_away),
        cmocka_unit_test(what_a_shared_pc_no_longer_says_goes_away),
        cmocka_unit_test(another_kiosk_comes_behind),
        cmocka_unit_test(a_policy_stays),
        cmocka_unit_test(proves_by_what_is_read_back),
    };
    td_arena_init(&arena);
    int failed = cmocka_run_group_tests_name("kiosk", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
