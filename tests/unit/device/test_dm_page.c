/* device/dm/page: the status page against a scripted service: rows, release, time-out, buttons, restart, kills. */
#include "crypto/digest.h"
#include "csp_world.h"
#include "dm_world.h"

#define LIST "\xEF\x80\x80"
#define REPLACE(id, uri, format, data)                                                            \
    "<Replace><CmdID>" id "</CmdID><Item><Target><LocURI>" uri                                    \
    "</LocURI></Target><Meta><Format xmlns='syncml:metinf'>" format "</Format></Meta><Data>" data \
    "</Data></Item></Replace>"
#define ADD(id, uri, format, data)                                                                \
    "<Add><CmdID>" id "</CmdID><Item><Target><LocURI>" uri                                        \
    "</LocURI></Target><Meta><Format xmlns='syncml:metinf'>" format "</Format></Meta><Data>" data \
    "</Data></Item></Add>"
#define POLICY_URI "./Device/Vendor/MSFT/Policy/Config/DeviceLock/MinDevicePasswordLength"
#define WIFI_URI "./Vendor/MSFT/WiFi/Profile/CorpNet"
#define USER_FIRST "./User/Vendor/MSFT/DMClient/Provider/ExampleMDM/FirstSyncStatus/"
#define RELEASE(id) REPLACE(id, FIRST_SYNC "ServerHasFinishedProvisioning", "bool", "true")
#define RELEASE_USER(id) REPLACE(id, USER_FIRST "ServerHasFinishedProvisioning", "bool", "true")
#define EXPECT(id, list, data) REPLACE(id, FIRST_SYNC list, "chr", data)

/* The commands that order the package, with the hash of what a fetch brings (right) or of something else. */
static const char *order_package(struct dm_world *w, bool right)
{
    unsigned char sum[32];
    char *job = td_arena_strdup(&w->a, MSI_JOB(MSI_GUID, SOME_HASH));
    w->package = dm_package(w);
    td_sha256(w->package, sum);
    for (int i = 0; right && i < 32; i++) {
        char pair[3];
        (void)snprintf(pair, sizeof(pair), "%02x", sum[i]);
        memcpy(strstr(job, "<FileHash>") + 10 + 2 * i, pair, 2);
    }
    return td_arena_printf(
        &w->a, "%s%s]]></Data></Item></Exec></Sequence>",
        "<Sequence><CmdID>50</CmdID><Add><CmdID>51</CmdID><Item><Target><LocURI>" MSI_NODE
        "/DownloadInstall</LocURI></Target></Item></Add><Exec><CmdID>52</CmdID><Item><Target><LocURI>" MSI_NODE
        "/DownloadInstall</LocURI></Target><Meta><Format xmlns='syncml:metinf'>xml</Format>"
        "</Meta><Data><![CDATA[",
        job);
}

static const char *whole(struct dm_world *w, const char *commands)
{
    return td_arena_printf(&w->a, "%s<Final/>", commands);
}

static const char *read_node(struct dm_world *w, const char *uri)
{
    const char *value = td_csp_read(w->dm.csp, uri, &w->a);
    return value == NULL ? "" : value;
}

static void device_phase_ends_well(void **state TD_UNUSED)
{
    struct dm_world w;
    dm_open(&w);
    const char *first = td_arena_printf(
        &w.a, "%s%s<Final/>", order_package(&w, true),
        EXPECT("1", "ExpectedPolicies", POLICY_URI) EXPECT("2", "ExpectedMSIAppPackages", MSI_NODE "/Status;1")
            EXPECT("3", "ExpectedNetworkProfiles", WIFI_URI) REPLACE("4", POLICY_URI, "int", "8")
                REPLACE("5", "./DevDetail/Ext/Microsoft/DNSComputerName", "chr", "PC-%RAND:3%"));
    const struct dm_answer script[] = {
        {.body = first},
        {.body = NULL}, /* ends session 1; the package is installed, session 2 reports it */
        {.body = NULL},
        {.body = td_arena_printf(&w.a, "%s<Final/>", RELEASE("1"))}, /* session 3, 3 minutes later */
        {.body = NULL},
        {.body =
             td_arena_printf(&w.a, "%s<Final/>",
                             ADD("1", WIFI_URI "/WlanXml", "chr", "<![CDATA[" WLAN("CorpNet") "]]>"))}, /* session 4 */
        {.body = NULL},
        {.body = "<Get><CmdID>1</CmdID><Item><Target><LocURI>" FIRST_SYNC "IsSyncDone</LocURI></Target></Item></Get>"
                 "<Get><CmdID>2</CmdID><Item><Target><LocURI>" FIRST_SYNC
                 "WasDeviceSuccessfullyProvisioned</LocURI></Target></Item></Get><Final/>"},
    };
    DM_SCRIPT(&w, script);
    assert_ok(td_dm_page(&w.dm, TD_DM_DEVICE_SETUP, NULL));
    assert_int_equal(w.post_count, 9);
    const struct td_sync_cmd *r = dm_first(&w.posts[8], TD_SYNC_RESULTS);
    assert_slice(r->items->data, "true");
    assert_slice(r->next->items->data, "1");
    static const char want[] = "page     Device setup\n"
                               "app      " MSI_GUID " 1.2.3.0: installed\n"
                               "status   Security policies (Identifying)\n"
                               "status   Certificates (Identifying)\n"
                               "status   Network connections (Identifying)\n"
                               "status   Apps (Identifying)\n"
                               "status   Security policies (1 of 1)\n"
                               "status   Certificates (No setup needed)\n"
                               "status   Network connections (0 of 1)\n"
                               "status   Apps (1 of 1)\n"
                               "status   Network connections (1 of 1)\n"
                               "restart  computer name\n";
    assert_string_equal(w.said, want);
    assert_string_equal(td_csp_effect(w.dm.csp, "restarts", &w.a), "1");
    assert_true(td_starts(td_str(td_csp_effect(w.dm.csp, "computer_name", &w.a)), "PC-"));
    assert_int_equal((w.times[3] - w.times[2]) / TD_SECOND, 180);
    dm_reopen(&w); /* again: it is over */
    assert_ok(td_dm_page(&w.dm, TD_DM_DEVICE_SETUP, NULL));
    assert_int_equal(w.post_count, 9);
    assert_string_equal(read_node(&w, "./Device/Vendor/MSFT/EnrollmentStatusTracking/Setup/HasProvisioningCompleted"),
                        "true");
    dm_close(&w);
}

/* Killed after every single answer and started again: ends the same. */
static void device_phase_survives_kills(void **state TD_UNUSED)
{
    struct dm_world w;
    dm_open(&w);
    const char *bodies[] = {
        whole(&w, order_package(&w, true)),
        whole(&w, EXPECT("1", "ExpectedMSIAppPackages", MSI_NODE "/Status;1")),
        whole(&w, RELEASE("1")),
        "<Final/>",
    };
    size_t kills = 0;
    enum td_code rc = TD_EDENIED;
    for (size_t i = 0; rc != TD_OK && i < 20; i++) {
        struct dm_answer once[] = {{.body = bodies[TD_MIN(i, TD_COUNTOF(bodies) - 1)]}};
        DM_SCRIPT(&w, once);
        w.rest.status = i < 4 ? 403 : 0; /* the kill: nothing after the first answer */
        rc = td_dm_page(&w.dm, TD_DM_DEVICE_SETUP, NULL);
        kills += rc != TD_OK;
        dm_reopen(&w);
    }
    assert_ok(rc);
    assert_true(kills >= 3);
    assert_int_equal(w.fetches, 1);
    assert_string_equal(read_node(&w, MSI_NODE "/Status"), "70");
    assert_string_equal(read_node(&w, FIRST_SYNC "IsSyncDone"), "true");
    dm_close(&w);
}

static void account_phase_waits_for_the_context(void **state TD_UNUSED)
{
    struct dm_world w;
    dm_open(&w);
    td_csp_put(w.dm.csp, PROVIDER_KEY "/FirstSyncStatus/SkipUserStatusPage", "bool", "false");
    const struct dm_answer script[] = {
        {.body = RELEASE_USER("1") "<Final/>"},
        {.body = NULL},
        {.body = RELEASE_USER("1") "<Final/>"},
        {.body = NULL},
    };
    DM_SCRIPT(&w, script);
    assert_ok(td_dm_page(&w.dm, TD_DM_ACCOUNT_SETUP, NULL));
    assert_string_equal(dm_statuses(&w, &w.posts[1]), "0 SyncHdr 200, 1 Replace 405");
    assert_string_equal(dm_statuses(&w, &w.posts[3]), "0 SyncHdr 200, 1 Replace 200");
    assert_slice(w.posts[0].cmds->next->items->data, "user");
    assert_string_equal(read_node(&w, USER_FIRST "IsSyncDone"), "true");
    assert_string_equal(read_node(&w, FIRST_SYNC "IsSyncDone"), "false");
    assert_int_equal(w.post_count, 5);
    dm_close(&w);
}

static void page_that_is_skipped_holds_one_session(void **state TD_UNUSED)
{
    struct dm_world w;
    dm_open(&w);
    DM_SCRIPT(&w, ((const struct dm_answer[]){{.status = -1}, {.status = -1}, {.status = -1}, {.status = -1}}));
    assert_ok(td_dm_page(&w.dm, TD_DM_ACCOUNT_SETUP, NULL)); /* SkipUserStatusPage is true in the document */
    assert_string_equal(w.said, "status   account setup is not shown\n");
    assert_int_equal(w.post_count, 5);
    assert_ok(td_dm_page(&w.dm, TD_DM_ACCOUNT_SETUP, NULL));
    assert_int_equal(w.post_count, 5);
    dm_close(&w);
}

/* The provisioning document left the page off; the first session is the latest that can show it (csp.md 3.3). */
static void first_session_may_show_the_page(void **state TD_UNUSED)
{
    struct dm_world w;
    dm_open(&w);
    td_csp_drop(w.dm.csp, PROVIDER_KEY "/FirstSyncStatus/SkipDeviceStatusPage");
    const struct dm_answer script[] = {
        {.body = REPLACE("1", FIRST_SYNC "SkipDeviceStatusPage", "bool", "false")
             EXPECT("2", "ExpectedPolicies", POLICY_URI) "<Final/>"},
        {.body = NULL},
        {.body = REPLACE("1", POLICY_URI, "int", "8") RELEASE("2") "<Final/>"},
    };
    DM_SCRIPT(&w, script);
    assert_ok(td_dm_page(&w.dm, TD_DM_DEVICE_SETUP, NULL));
    assert_true(td_starts(td_str(w.said), "page     Device setup\n"));
    assert_non_null(strstr(w.said, "Security policies (1 of 1)"));
    assert_string_equal(read_node(&w, FIRST_SYNC "WasDeviceSuccessfullyProvisioned"), "1");
    dm_close(&w);
}

struct failure {
    const char *flags;  /* BlockInStatusPage */
    bool wrong_package; /* else the release never comes */
    enum td_code code, again;
    uint32_t hresult;
    const char *where, *remedy, *success;
};

static void fails_with_a_cause(void **state TD_UNUSED)
{
    static const struct failure rows[] = {
        {"1", false, TD_ESTATE, TD_ESTATE, 0x800705B4, "ServerHasFinishedProvisioning", "Reset PC", "0"},
        {"2", true, TD_ESTATE, TD_ESTATE, TD_CSP_E_BADHASH, "MSI/" MSI_GUID, "Try again", "2"},
        {"4", true, TD_ESTATE, TD_OK, TD_CSP_E_BADHASH, "MSI/" MSI_GUID, "Continue anyway", "0"},
        {"0", true, TD_OK, TD_OK, 0, NULL, NULL, "0"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct dm_world w;
        struct td_error err = {0};
        dm_open(&w);
        td_csp_put(w.dm.csp, PROVIDER_KEY "/FirstSyncStatus/BlockInStatusPage", "int", rows[i].flags);
        td_csp_put(w.dm.csp, PROVIDER_KEY "/FirstSyncStatus/TimeOutUntilSyncFailure", "int", "30");
        td_csp_put(w.dm.csp, PROVIDER_KEY "/FirstSyncStatus/CustomErrorText", "chr", "Call 4711.");
        const struct dm_answer script[] = {
            {.body = whole(&w, order_package(&w, false))},
            {.body = EXPECT("1", "ExpectedMSIAppPackages", MSI_NODE "/Status;1") "<Final/>"},
        };
        dm_script(&w, script, rows[i].wrong_package ? 2 : 0);
        int64_t begun = w.env.now;
        assert_int_equal(td_dm_page(&w.dm, TD_DM_DEVICE_SETUP, &err), rows[i].code);
        if (!rows[i].wrong_package)
            assert_in_range((w.env.now - begun) / TD_MINUTE, 30, 45);
        assert_string_equal(read_node(&w, FIRST_SYNC "WasDeviceSuccessfullyProvisioned"), rows[i].success);
        if (rows[i].code != TD_OK) {
            assert_int_equal(err.hresult, rows[i].hresult);
            assert_string_equal(err.where, rows[i].where);
            assert_true(!rows[i].wrong_package || strstr(err.text, "Apps: the package's SHA-256") != NULL);
            assert_non_null(strstr(err.remedy, rows[i].remedy));
            assert_non_null(strstr(w.said, "Call 4711."));
        }
        w.rest.body = NULL;
        dm_script(&w, NULL, 0);
        dm_reopen(&w);
        err = (struct td_error){0};
        assert_int_equal(td_dm_page(&w.dm, TD_DM_DEVICE_SETUP, &err), rows[i].again);
        if (rows[i].again != TD_OK) /* the same item and cause as at the first time */
            assert_string_equal(err.where, rows[i].where);
        dm_close(&w);
    }
}

static void try_again_mends(void **state TD_UNUSED)
{
    struct dm_world w;
    struct td_error err;
    dm_open(&w);
    td_csp_put(w.dm.csp, PROVIDER_KEY "/FirstSyncStatus/BlockInStatusPage", "int", "2");
    const struct dm_answer script[] = {
        {.body = whole(&w, order_package(&w, true))},
        {.body = EXPECT("1", "ExpectedMSIAppPackages", MSI_NODE "/Status;1") RELEASE("2") "<Final/>"},
    };
    DM_SCRIPT(&w, script);
    w.fetch_failures = 2;
    assert_int_equal(td_dm_page(&w.dm, TD_DM_DEVICE_SETUP, &err), TD_ESTATE);
    dm_reopen(&w);
    dm_script(&w, NULL, 0);
    assert_ok(td_dm_page(&w.dm, TD_DM_DEVICE_SETUP, &err));
    assert_string_equal(read_node(&w, FIRST_SYNC "WasDeviceSuccessfullyProvisioned"), "1");
    assert_non_null(strstr(w.said, "button: Try again"));
    dm_close(&w);
}

static void agents_are_waited_for(void **state TD_UNUSED)
{
#define AGENT "./Device/Vendor/MSFT/EnrollmentStatusTracking/DevicePreparation/PolicyProviders/Agent/InstallationState"
    static const struct {
        const char *state;
        enum td_code code;
    } rows[] = {{"3", TD_OK}, {"2", TD_OK}, {"4", TD_ESTATE}, {"1", TD_ESTATE}};
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct dm_world w;
        struct td_error err = {0};
        dm_open(&w);
        td_csp_put(w.dm.csp, PROVIDER_KEY "/FirstSyncStatus/BlockInStatusPage", "int", "1");
        const struct dm_answer script[] = {
            {.body = ADD("1", AGENT, "int", "1") RELEASE("2") "<Final/>"},
            {.body = NULL},
            {.body = td_arena_printf(&w.a, REPLACE("1", AGENT, "int", "%s") "<Final/>", rows[i].state)},
        };
        DM_SCRIPT(&w, script);
        assert_int_equal(td_dm_page(&w.dm, TD_DM_DEVICE_SETUP, &err), rows[i].code);
        assert_non_null(strstr(w.said, "Device preparation (0 of 1)"));
        dm_close(&w);
    }
}

static void service_may_force_the_end(void **state TD_UNUSED)
{
    static const struct {
        const char *success;
        enum td_code code;
    } rows[] = {{"1", TD_OK}, {"0", TD_ESTATE}};
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct dm_world w;
        dm_open(&w);
        td_csp_put(w.dm.csp, PROVIDER_KEY "/FirstSyncStatus/BlockInStatusPage", "int", "1");
        const struct dm_answer script[] = {
            {.body = td_arena_printf(&w.a,
                                     REPLACE("1", FIRST_SYNC "WasDeviceSuccessfullyProvisioned", "int", "%s")
                                         REPLACE("2", FIRST_SYNC "IsSyncDone", "bool", "true") "<Final/>",
                                     rows[i].success)}};
        DM_SCRIPT(&w, script);
        assert_int_equal(td_dm_page(&w.dm, TD_DM_DEVICE_SETUP, NULL), rows[i].code);
        dm_close(&w);
    }
}

static void ends_with_the_management(void **state TD_UNUSED)
{
    struct dm_world w;
    struct td_error err;
    dm_open(&w);
    const struct dm_answer script[] = {
        {.body = "<Exec><CmdID>1</CmdID><Item><Target><LocURI>" PROVIDER
                 "/Unenroll</LocURI></Target><Data>ExampleMDM</Data></Item></Exec><Final/>"}};
    DM_SCRIPT(&w, script);
    assert_int_equal(td_dm_page(&w.dm, TD_DM_DEVICE_SETUP, &err), TD_ESTATE);
    assert_int_equal(td_dm_page(&w.dm, TD_DM_DEVICE_SETUP, &err), TD_ESTATE);
    dm_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_phase_ends_well),
        cmocka_unit_test(device_phase_survives_kills),
        cmocka_unit_test(account_phase_waits_for_the_context),
        cmocka_unit_test(page_that_is_skipped_holds_one_session),
        cmocka_unit_test(first_session_may_show_the_page),
        cmocka_unit_test(fails_with_a_cause),
        cmocka_unit_test(try_again_mends),
        cmocka_unit_test(agents_are_waited_for),
        cmocka_unit_test(service_may_force_the_end),
        cmocka_unit_test(ends_with_the_management),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
