/* device/csp: AssignedAccess and SharedPC: what is refused, what is in effect, what a restart costs and gives back. */
#include "csp_world.h"
#include "device/csp/kiosk.h"
#include "device/disk.h"

#define KIOSK "./Device/Vendor/MSFT/AssignedAccess/"
#define SHARED "./Vendor/MSFT/SharedPC/"
#define CONFIGURATION KIOSK "Configuration"
#define ID "{9A2A490F-10F6-4764-974A-43B19E722C23}"
#define OTHER "{9A2A490F-10F6-4764-974A-43B19E722C24}"
#define OPEN                                                                                          \
    "<AssignedAccessConfiguration xmlns=\"http://schemas.microsoft.com/AssignedAccess/2017/config\" " \
    "xmlns:rs5=\"http://schemas.microsoft.com/AssignedAccess/201810/config\" "                        \
    "xmlns:v4=\"http://schemas.microsoft.com/AssignedAccess/2021/config\">"
#define DOCUMENT(profiles, configs) \
    OPEN "<Profiles>" profiles "</Profiles><Configs>" configs "</Configs></AssignedAccessConfiguration>"
#define SINGLE(id, app) "<Profile Id=\"" id "\"><KioskModeApp " app "/></Profile>"
#define MANY(id, apps)                                            \
    "<Profile Id=\"" id "\"><AllAppsList><AllowedApps>" apps      \
    "</AllowedApps></AllAppsList><Taskbar ShowTaskbar=\"true\"/>" \
    "</Profile>"
#define FOR(who, id) "<Config>" who "<DefaultProfile Id=\"" id "\"/></Config>"
#define OWN "<AutoLogonAccount HiddenId=\"{74331115-F68A-4DF9-8D2C-52BA2CE2ADB1}\" rs5:DisplayName=\"Hall\"/>"
#define CALCULATOR "AppUserModelId=\"Calc_8wekyb3d8bbwe!App\""
#define PLAIN DOCUMENT(SINGLE(ID, CALCULATOR), FOR(OWN, ID))

static struct csp_world w;

static int open_world(void **state TD_UNUSED)
{
    csp_world_open(&w);
    return 0;
}

static int close_world(void **state TD_UNUSED)
{
    csp_world_close(&w);
    return 0;
}

static int answer(enum td_csp_op op, const char *uri, const char *data)
{
    return csp_world_do(&w, op, uri, "", data).status;
}

static const char *effect(const char *word)
{
    const char *value = td_csp_effect(w.csp, word, &w.a);
    return value != NULL ? value : "-";
}

static void signs_the_kiosk_in(void **state TD_UNUSED)
{
    assert_string_equal(effect("screen"), "sign-in screen");
    assert_int_equal(answer(TD_CSP_GET, CONFIGURATION, ""), 404);
    assert_int_equal(answer(TD_CSP_DELETE, CONFIGURATION, ""), 404);
    assert_int_equal(answer(TD_CSP_ADD, CONFIGURATION, PLAIN), 200);
    assert_int_equal(answer(TD_CSP_ADD, CONFIGURATION, PLAIN), 418);
    assert_string_equal(csp_world_do(&w, TD_CSP_GET, CONFIGURATION, "", "").data, PLAIN);
    assert_string_equal(effect("kiosk_app"), "Calc_8wekyb3d8bbwe!App");
    assert_string_equal(effect("kiosk_account"), "Hall");
    assert_string_equal(effect("autologon"), "Hall");
    assert_string_equal(effect("screen"), "kiosk: Calc_8wekyb3d8bbwe!App as Hall");
    assert_int_equal(answer(TD_CSP_DELETE, CONFIGURATION, ""), 200);
    assert_string_equal(effect("autologon"), "-");
    assert_string_equal(effect("screen"), "sign-in screen");
}

static void an_account_signs_in_by_hand(void **state TD_UNUSED)
{
    assert_int_equal(answer(TD_CSP_ADD, CONFIGURATION, PLAIN), 200);
    assert_int_equal(answer(TD_CSP_REPLACE, CONFIGURATION,
                            DOCUMENT(SINGLE(ID, "v4:ClassicAppPath=\"C:\\b.exe\" v4:ClassicAppArguments=\"-f\""),
                                     FOR("<Account>contoso\\hall</Account>", ID))),
                     200);
    assert_string_equal(effect("autologon"), "-"); /* of the one before */
    assert_string_equal(effect("screen"), "sign-in screen: contoso\\hall gets the kiosk C:\\b.exe -f");
}

static void several_apps(void **state TD_UNUSED)
{
    assert_int_equal(answer(TD_CSP_REPLACE, CONFIGURATION,
                            DOCUMENT(MANY(ID, "<App " CALCULATOR "/><App DesktopAppPath=\"C:\\n.exe\" "
                                              "rs5:AutoLaunch=\"true\" rs5:AutoLaunchArguments=\"a.txt\"/>"),
                                     FOR("<Account>ada</Account>", ID) FOR(OWN, ID))),
                     200);
    assert_string_equal(effect("kiosk_apps"), "Calc_8wekyb3d8bbwe!App\nC:\\n.exe");
    assert_string_equal(effect("screen"),
                        "kiosk: C:\\n.exe a.txt as Hall"); /* who signs in by himself has the screen */
}

static void refuses_what_is_no_configuration(void **state TD_UNUSED)
{
    static const char *const texts[] = {
        "",
        "kiosk",
        "<AssignedAccessConfiguration/>",
        OPEN "</AssignedAccessConfiguration>",
        DOCUMENT("", FOR(OWN, ID)),
        DOCUMENT(SINGLE(ID, CALCULATOR), ""),
        DOCUMENT(SINGLE("", CALCULATOR), FOR(OWN, "")),
        DOCUMENT(SINGLE("9A2A490F-10F6-4764-974A-43B19E722C23", CALCULATOR),
                 FOR(OWN, "9A2A490F-10F6-4764-974A-43B19E722C23")),
        DOCUMENT(SINGLE(ID, CALCULATOR), FOR(OWN, OTHER)),
        DOCUMENT(SINGLE(ID, ""), FOR(OWN, ID)),
        DOCUMENT(SINGLE(ID, CALCULATOR " v4:ClassicAppPath=\"C:\\b.exe\""), FOR(OWN, ID)),
        DOCUMENT(SINGLE(ID, CALCULATOR " v4:ClassicAppArguments=\"-f\""), FOR(OWN, ID)),
        DOCUMENT(SINGLE(ID, CALCULATOR) SINGLE(ID, CALCULATOR), FOR(OWN, ID)),
        DOCUMENT(SINGLE(ID, CALCULATOR) SINGLE(OTHER, CALCULATOR), FOR(OWN, ID)),
        DOCUMENT("<Profile Id=\"" ID "\"/>", FOR(OWN, ID)),
        DOCUMENT(SINGLE(ID, CALCULATOR), FOR("", ID)),
        DOCUMENT(SINGLE(ID, CALCULATOR), FOR(OWN "<Account>a</Account>", ID)),
        DOCUMENT(SINGLE(ID, CALCULATOR), FOR("<Account> </Account>", ID)),
        DOCUMENT(SINGLE(ID, CALCULATOR), FOR(OWN, ID) FOR(OWN, ID)),
        DOCUMENT(SINGLE(ID, CALCULATOR), FOR("<AutoLogonAccount HiddenId=\"" ID "\"/>", ID)),
        DOCUMENT(SINGLE(ID, CALCULATOR), FOR("<UserGroup Name=\"g\" Type=\"LocalGroup\"/>", ID)),
        DOCUMENT(MANY(ID, ""), FOR(OWN, ID)),
        DOCUMENT(MANY(ID, "<App/>"), FOR(OWN, ID)),
        DOCUMENT(MANY(ID, "<App " CALCULATOR "/><App " CALCULATOR "/>"), FOR(OWN, ID)),
        DOCUMENT(MANY(ID, "<App " CALCULATOR " rs5:AutoLaunch=\"true\"/><App DesktopAppPath=\"C:\\n.exe\" "
                          "rs5:AutoLaunch=\"1\"/>"),
                 FOR(OWN, ID)),
        DOCUMENT("<Profile Id=\"" ID "\"><AllAppsList><AllowedApps><App " CALCULATOR "/></AllowedApps></AllAppsList>"
                 "</Profile>",
                 FOR(OWN, ID)),
    };
    assert_int_equal(answer(TD_CSP_ADD, CONFIGURATION, PLAIN), 200);
    for (size_t i = 0; i < TD_COUNTOF(texts); i++) {
        struct td_csp_answer got = csp_world_do(&w, TD_CSP_REPLACE, CONFIGURATION, "chr", texts[i]);
        if (got.status != 500 || got.hresult != TD_CSP_E_BADDATA)
            fail_msg("row %zu: %d 0x%08x", i, got.status, got.hresult);
        assert_string_equal(effect("autologon"), "Hall"); /* what was in effect stays */
    }
}

/* autopilot.md Z35 */
static void a_restart_on_the_way_costs_the_autologon(void **state TD_UNUSED)
{
    assert_int_equal(answer(TD_CSP_ADD, CONFIGURATION, PLAIN), 200);
    td_csp_put(w.csp, "@page.shown", "chr", "1");
    td_csp_restart(w.csp);
    assert_string_equal(effect("autologon"), "-");
    assert_string_equal(effect("screen"), "sign-in screen: Hall gets the kiosk Calc_8wekyb3d8bbwe!App");
    td_csp_kiosk_assert(w.csp);
    assert_string_equal(effect("autologon"), "Hall");
    td_csp_restart(w.csp);
    assert_int_equal(answer(TD_CSP_REPLACE, CONFIGURATION, PLAIN), 200); /* or the service says it again */
    assert_string_equal(effect("autologon"), "Hall");
    td_csp_drop(w.csp, "@page.shown");
    td_csp_restart(w.csp); /* at work none does */
    assert_string_equal(effect("autologon"), "Hall");
    assert_int_equal(answer(TD_CSP_DELETE, CONFIGURATION, ""), 200);
    td_csp_kiosk_assert(w.csp);
    assert_string_equal(effect("autologon"), "-");
}

static void tells_its_status_when_asked_to(void **state TD_UNUSED)
{
#define MONITOR(word)                                                                                      \
    "<StatusConfiguration xmlns=\"http://schemas.microsoft.com/AssignedAccess/2018/StatusConfiguration\">" \
    "<StatusEnabled>" word "</StatusEnabled></StatusConfiguration>"
    assert_int_equal(answer(TD_CSP_ADD, CONFIGURATION, PLAIN), 200);
    assert_int_equal(answer(TD_CSP_GET, KIOSK "Status", ""), 404);
    assert_int_equal(answer(TD_CSP_ADD, KIOSK "StatusConfiguration", "<StatusConfiguration/>"), 500);
    assert_int_equal(answer(TD_CSP_ADD, KIOSK "StatusConfiguration", MONITOR("On")), 200);
    const char *told = csp_world_do(&w, TD_CSP_GET, KIOSK "Status", "", "").data;
    assert_non_null(strstr(told, "<status>1</status><profileId>" ID "</profileId>"));
    assert_int_equal(answer(TD_CSP_REPLACE, KIOSK "StatusConfiguration", MONITOR("Off")), 200);
    assert_int_equal(answer(TD_CSP_GET, KIOSK "Status", ""), 404);
    assert_int_equal(answer(TD_CSP_ADD, KIOSK "ShellLauncher", "<x/>"), 405);
}

static void the_older_node_stands_back(void **state TD_UNUSED)
{
    assert_int_equal(answer(TD_CSP_ADD, KIOSK "KioskModeApp", "{\"Account\":\"ada\"}"), 500);
    assert_int_equal(answer(TD_CSP_ADD, KIOSK "KioskModeApp", "{\"Account\":\"pc\\\\ada\",\"AUMID\":\"A!B\"}"), 200);
    assert_string_equal(effect("screen"), "sign-in screen: pc\\ada gets the kiosk A!B");
    assert_int_equal(answer(TD_CSP_ADD, CONFIGURATION, PLAIN), 200);
    assert_string_equal(effect("kiosk_account"), "Hall");
}

static void the_switch_takes_what_stands_before_it(void **state TD_UNUSED)
{
    assert_string_equal(csp_world_do(&w, TD_CSP_GET, SHARED "AccountModel", "", "").data, "0");
    assert_int_equal(answer(TD_CSP_REPLACE, SHARED "AccountModel", "3"), 500);
    assert_int_equal(answer(TD_CSP_REPLACE, SHARED "AccountModel", "1"), 200);
    assert_int_equal(answer(TD_CSP_REPLACE, SHARED "EnableAccountManager", "true"), 200);
    assert_string_equal(effect("shared_pc"), "-");
    assert_int_equal(answer(TD_CSP_REPLACE, SHARED "EnableSharedPCMode", "true"), 200);
    assert_string_equal(effect("shared_pc"), "people of the organisation");
    assert_string_equal(effect("account_deletion"), "when the disk fills");
    assert_string_equal(effect("screen"), "sign-in screen: shared PC for people of the organisation");
    assert_int_equal(answer(TD_CSP_REPLACE, SHARED "AccountModel", "2"), 200);
    assert_string_equal(effect("shared_pc"), "people of the organisation"); /* written behind it */
    assert_int_equal(answer(TD_CSP_REPLACE, SHARED "EnableSharedPCMode", "true"), 200);
    assert_string_equal(effect("shared_pc"), "people of the organisation and guests");
}

static void either_switch_holds_the_mode(void **state TD_UNUSED)
{
    assert_int_equal(answer(TD_CSP_REPLACE, SHARED "EnableSharedPCMode", "true"), 200);
    assert_string_equal(effect("shared_pc"), "guests");
    assert_string_equal(effect("account_deletion"), "never"); /* nobody does it */
    assert_int_equal(answer(TD_CSP_REPLACE, SHARED "EnableSharedPCModeWithOneDriveSync", "true"), 200);
    assert_int_equal(answer(TD_CSP_DELETE, SHARED "EnableSharedPCMode", ""), 200);
    assert_string_equal(effect("shared_pc"), "guests");
    assert_int_equal(answer(TD_CSP_REPLACE, SHARED "EnableSharedPCModeWithOneDriveSync", "false"), 200);
    assert_string_equal(effect("shared_pc"), "-");
}

/* Every reset takes it away: it is no machine's own. */
static void goes_with_the_policies(void **state TD_UNUSED)
{
    static const char *const keys[] = {"@shared", "@shared/AccountModel",
                                       "Device/Vendor/MSFT/AssignedAccess/Configuration",
                                       "Device/Vendor/MSFT/SharedPC/AccountModel"};
    for (size_t i = 0; i < TD_COUNTOF(keys); i++)
        assert_int_equal(td_disk_parts(TD_DISK_NODE, keys[i]), 1u << TD_PART_POLICIES);
    assert_int_equal(td_disk_parts(TD_DISK_NODE, "@autologon"), 1u << TD_PART_ACCOUNTS);
}

int main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)
    const struct CMUnitTest tests[] = {
        IN_WORLD(signs_the_kiosk_in),
        IN_WORLD(an_account_signs_in_by_hand),
        IN_WORLD(several_apps),
        IN_WORLD(refuses_what_is_no_configuration),
        IN_WORLD(a_restart_on_the_way_costs_the_autologon),
        IN_WORLD(tells_its_status_when_asked_to),
        IN_WORLD(the_older_node_stands_back),
        IN_WORLD(the_switch_takes_what_stands_before_it),
        IN_WORLD(either_switch_holds_the_mode),
        IN_WORLD(goes_with_the_policies),
    };
    return cmocka_run_group_tests_name("csp_kiosk", tests, NULL, NULL);
}
