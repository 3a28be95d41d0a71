/* device/csp: every kind of node and rule by table, effects, Atomic, and what a kill leaves. */
#include "base/encode.h"
#include "crypto/cert.h"
#include "csp_world.h"
#include "device/csp/table.h"
#include "device/device.h"

#define G TD_CSP_GET
#define A TD_CSP_ADD
#define R TD_CSP_REPLACE
#define D TD_CSP_DELETE
#define X TD_CSP_EXEC
#define LIST "\xEF\x80\x80"
#define NOTFOUND TD_CSP_E_NOTFOUND
#define NOTALLOWED TD_CSP_E_NOTALLOWED
#define BADVALUE TD_CSP_E_BADVALUE

struct step {
    enum td_csp_op op;
    const char *uri, *format, *data;
    int status;
    uint32_t hresult;
    const char *want; /* of a Get that succeeds; NULL: anything */
};

static void walk(struct csp_world *w, const struct step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct step *s = &steps[i];
        struct td_csp_answer got = csp_world_do(w, s->op, s->uri, s->format, s->data);
        if (got.status != s->status || got.hresult != s->hresult)
            fail_msg("step %zu, %s: got %d 0x%08x, want %d 0x%08x", i, s->uri, got.status, got.hresult, s->status,
                     s->hresult);
        if (s->op == G && s->status == 200 && s->want != NULL)
            assert_string_equal(got.data, s->want);
    }
}

#define WALK(w, steps) walk((w), (steps), TD_COUNTOF(steps))

static void follows_the_rules_of_uris(void **state TD_UNUSED)
{
    static const struct step steps[] = {
        {G, "./DevInfo/Man", "", "", 200, 0, "Example Corp"},
        {G, "./Device/DevInfo/Man", "", "", 200, 0, "Example Corp"},
        {G, "./device/devinfo/Man", "", "", 200, 0, "Example Corp"},
        {G, "./DevInfo/man", "", "", 404, NOTFOUND, NULL},
        {G, "./DevInfo/Ma%6E", "", "", 200, 0, "Example Corp"},
        {G, "/DevInfo/Man", "", "", 400, 0, NULL},
        {G, "./DevInfo//Man", "", "", 400, 0, NULL},
        {G, "./DevInfo/./Man", "", "", 400, 0, NULL},
        {G, "./DevInfo/*", "", "", 400, 0, NULL},
        {G, "./DevInfo/", "", "", 400, 0, NULL},
        {G, "./DevInfo/M%00", "", "", 400, 0, NULL},
        {G, "", "", "", 400, 0, NULL},
        {G, "./Vendor/MSFT/NoSuchCsp/Node", "", "", 404, NOTFOUND, NULL},
        {G, "./DevInfo/Man?prop=Format", "", "", 200, 0, "chr"},
        {G, "./DevInfo/Man?prop=Name", "", "", 200, 0, "Man"},
        {G, "./DevInfo/Man?prop=Size", "", "", 200, 0, "12"},
        {G, "./DevInfo?prop=Format", "", "", 200, 0, "node"},
        {G, "./DevInfo/Man?prop=ACL", "", "", 406, 0, NULL},
        {G, "./DevInfo?list=Struct", "", "", 406, 0, NULL},
        {R, "./DevInfo/Man?prop=Name", "", "x", 405, NOTALLOWED, NULL},
    };
    struct csp_world w;
    csp_world_open(&w);
    WALK(&w, steps);
    char *long_uri = td_arena_alloc(&w.a, 1200);
    memset(long_uri, 'a', 1100);
    assert_int_equal(csp_world_do(&w, G, long_uri, "", "").status, 414);
    csp_world_close(&w);
}

static void lists_children(void **state TD_UNUSED)
{
    static const struct step steps[] = {
        {G, "./DevInfo", "", "", 200, 0, "DevId/DmV/Lang/Man/Mod"},
        {G, ".", "", "", 200, 0, "DevDetail/DevInfo/Vendor"},
        {G, "./Vendor", "", "", 200, 0, "MSFT"},
        {G, "./Device/Vendor/MSFT/WiFi/Profile", "", "", 200, 0, ""},
        {A, "./Device/Vendor/MSFT/WiFi/Profile/Corp%20Net/WlanXml", "chr", WLAN("Corp Net"), 200, 0, NULL},
        {A, "./Device/Vendor/MSFT/WiFi/Profile/Corp%20Net/WiFiCost", "int", "2", 200, 0, NULL},
        {G, "./Device/Vendor/MSFT/WiFi/Profile", "", "", 200, 0, "Corp%20Net"},
        {G, "./Device/Vendor/MSFT/WiFi/Profile/Corp%20Net", "", "", 200, 0, "WiFiCost/WlanXml"},
        {D, "./Device/Vendor/MSFT/WiFi/Profile/Corp%20Net", "", "", 200, 0, NULL},
        {D, "./Device/Vendor/MSFT/WiFi/Profile/Corp%20Net", "", "", 404, NOTFOUND, NULL},
        {G, "./Device/Vendor/MSFT/WiFi/Profile", "", "", 200, 0, ""},
        {G, "./Device/Vendor/MSFT/DMClient/Provider", "", "", 200, 0, "ExampleMDM"},
        {D, "./Device/Vendor/MSFT/DMClient/Provider", "", "", 405, NOTALLOWED, NULL},
        {R, "./Device/Vendor/MSFT/DMClient/Provider", "", "x", 405, NOTALLOWED, NULL},
    };
    struct csp_world w;
    csp_world_open(&w);
    WALK(&w, steps);
    csp_world_close(&w);
}

static void keeps_operations_and_formats_apart(void **state TD_UNUSED)
{
    static const struct step steps[] = {
        {R, "./DevInfo/Man", "chr", "x", 405, NOTALLOWED, NULL},
        {A, "./DevInfo/Man", "chr", "x", 405, NOTALLOWED, NULL},
        {D, "./DevInfo/Man", "", "", 405, NOTALLOWED, NULL},
        {X, "./DevInfo/Man", "", "", 405, NOTALLOWED, NULL},
        {G, PROVIDER "/EntDMID", "", "", 404, NOTFOUND, NULL},
        {A, PROVIDER "/EntDMID", "chr", "one", 200, 0, NULL},
        {A, PROVIDER "/EntDMID", "chr", "two", 418, TD_CSP_E_EXISTS, NULL},
        {G, PROVIDER "/EntDMID", "", "", 200, 0, "one"},
        {R, PROVIDER "/EntDMID", "", "three", 200, 0, NULL},
        {G, PROVIDER "/EntDMID", "", "", 200, 0, "three"},
        {D, PROVIDER "/EntDMID", "", "", 405, NOTALLOWED, NULL},
        {A, PROVIDER "/HelpWebsite", "int", "1", 415, BADVALUE, NULL},
        {R, "./Vendor/MSFT/DMClient/Provider/Other/EntDMID", "chr", "x", 404, NOTFOUND, NULL},
        {A, "./Vendor/MSFT/DMClient/Provider/Other/EntDMID", "chr", "x", 404, NOTFOUND, NULL},
        {R, PROVIDER "/Poll/IntervalForFirstSetOfRetries", "int", " 3 ", 200, 0, NULL},
        {G, PROVIDER "/Poll/IntervalForFirstSetOfRetries", "", "", 200, 0, "3"},
        {R, PROVIDER "/Poll/IntervalForFirstSetOfRetries", "int", "three", 500, BADVALUE, NULL},
        {R, PROVIDER "/Poll/PollOnLogin", "bool", "maybe", 500, BADVALUE, NULL},
        {R, PROVIDER "/Poll/PollOnLogin", "bool", "true", 200, 0, NULL},
        {R, PROVIDER "/SyncApplicationVersion", "chr", "4.0", 200, 0, NULL},
        {R, PROVIDER "/SyncApplicationVersion", "chr", "3.0", 200, 0, NULL},
        {R, PROVIDER "/SyncApplicationVersion", "chr", "1.0", 405, NOTALLOWED, NULL},
        {R, PROVIDER "/SyncApplicationVersion", "chr", "9.0", 500, BADVALUE, NULL},
        {R, "./Device/Vendor/MSFT/Reboot/Schedule/Single", "", "2030-01-01T00:00:00Z", 200, 0, NULL},
        {R, "./Device/Vendor/MSFT/TenantLockdown/RequireNetworkInOOBE", "bool", "true", 200, 0, NULL},
        {X, "./Device/Vendor/MSFT/RemoteWipe/doWipe", "chr", "", 405, NOTALLOWED, NULL},
        {G, "./Device/Vendor/MSFT/RemoteWipe/doWipe", "", "", 405, NOTALLOWED, NULL},
        {A, "./Device/Vendor/MSFT/Accounts/Users/help/Password", "chr", "S3cret!pw", 200, 0, NULL},
        {G, "./Device/Vendor/MSFT/Accounts/Users/help/Password", "", "", 405, NOTALLOWED, NULL},
        {A, "./Device/Vendor/MSFT/Accounts/Users/help/LocalUserGroup", "int", "3", 500, BADVALUE, NULL},
        {A, "./Device/Vendor/MSFT/EnrollmentStatusTracking/DevicePreparation/PolicyProviders/Agent/InstallationState",
         "int", "1", 200, 0, NULL},
        {G, "./Device/Vendor/MSFT/EnrollmentStatusTracking/DevicePreparation/PolicyProviders/Agent", "", "", 200, 0,
         "InstallationState/Timeout/TrackedResourceTypes"},
        {G, "./Device/Vendor/MSFT/EnrollmentStatusTracking/Setup/HasProvisioningCompleted", "", "", 200, 0, "true"},
    };
    struct csp_world w;
    csp_world_open(&w);
    WALK(&w, steps);
    csp_world_close(&w);
}

static void guards_the_users_scope(void **state TD_UNUSED)
{
#define USER_DONE "./User/Vendor/MSFT/DMClient/Provider/ExampleMDM/FirstSyncStatus/ServerHasFinishedProvisioning"
    static const struct step before[] = {
        {R, USER_DONE, "bool", "true", 405, NOTALLOWED, NULL},
        {G, USER_DONE, "", "", 405, NOTALLOWED, NULL},
        {R, "./user/Vendor/MSFT/Policy/Config/Experience/AllowCortana", "int", "0", 405, NOTALLOWED, NULL},
    };
    static const struct step after[] = {
        {R, USER_DONE, "bool", "true", 200, 0, NULL},
        {G, USER_DONE, "", "", 200, 0, "true"},
        {R, "./User/Vendor/MSFT/DevDetail", "", "", 404, NOTFOUND, NULL},
        {G, "./User/DevInfo/Man", "", "", 405, NOTALLOWED, NULL},
        {A, "./User/Vendor/MSFT/RootCATrustedCertificates/Root/AA/EncodedCertificate", "b64", "AA", 405, NOTALLOWED,
         NULL},
        {G, FIRST_SYNC "ServerHasFinishedProvisioning", "", "", 200, 0, "false"},
    };
    struct csp_world w;
    csp_world_open(&w);
    WALK(&w, before);
    td_csp_set_user(w.csp, true);
    WALK(&w, after);
    csp_world_close(&w);
}

static void freezes_the_first_sync(void **state TD_UNUSED)
{
    static const struct step steps[] = {
        {G, FIRST_SYNC "SkipDeviceStatusPage", "", "", 200, 0, "true"},
        {G, FIRST_SYNC "TimeOutUntilSyncFailure", "", "", 200, 0, "60"},
        {R, FIRST_SYNC "TimeOutUntilSyncFailure", "int", "0", 500, BADVALUE, NULL},
        {R, FIRST_SYNC "TimeOutUntilSyncFailure", "int", "1441", 500, BADVALUE, NULL},
        {R, FIRST_SYNC "BlockInStatusPage", "int", "8", 500, BADVALUE, NULL},
        {R, FIRST_SYNC "BlockInStatusPage", "bool", "true", 415, BADVALUE, NULL},
        {G, FIRST_SYNC "ExpectedPolicies", "", "", 404, NOTFOUND, NULL},
        {R, FIRST_SYNC "ExpectedPolicies", "chr", "./a" LIST "./b", 200, 0, NULL},
        {G, FIRST_SYNC "ExpectedPolicies", "", "", 200, 0, "./a" LIST "./b"},
        {A, FIRST_SYNC "ExpectedPolicies", "chr", "./c", 418, TD_CSP_E_EXISTS, NULL},
        {R, FIRST_SYNC "ServerHasFinishedProvisioning", "bool", "false", 200, 0, NULL},
        {R, FIRST_SYNC "ServerHasFinishedProvisioning", "bool", "true", 200, 0, NULL},
        {R, FIRST_SYNC "ServerHasFinishedProvisioning", "bool", "true", 200, 0, NULL},
        {R, FIRST_SYNC "ServerHasFinishedProvisioning", "bool", "false", 405, NOTALLOWED, NULL},
        {R, FIRST_SYNC "ExpectedPolicies", "chr", "./d", 405, NOTALLOWED, NULL},
        {D, FIRST_SYNC "ExpectedPolicies", "", "", 405, NOTALLOWED, NULL},
        {A, FIRST_SYNC "ExpectedMSIAppPackages", "chr", "./d;1", 405, NOTALLOWED, NULL},
        {G, FIRST_SYNC "WasDeviceSuccessfullyProvisioned", "", "", 200, 0, "2"},
        {R, FIRST_SYNC "WasDeviceSuccessfullyProvisioned", "int", "1", 200, 0, NULL},
        {R, FIRST_SYNC "WasDeviceSuccessfullyProvisioned", "int", "0", 405, NOTALLOWED, NULL},
        {R, FIRST_SYNC "IsSyncDone", "bool", "true", 200, 0, NULL},
        {R, FIRST_SYNC "IsSyncDone", "bool", "true", 405, NOTALLOWED, NULL},
        {R, FIRST_SYNC "IsSyncDone", "bool", "false", 405, NOTALLOWED, NULL},
    };
    struct csp_world w;
    csp_world_open(&w);
    WALK(&w, steps);
    csp_world_close(&w);
}

#define CONFIG "./Device/Vendor/MSFT/Policy/Config/"
#define RESULT "./Device/Vendor/MSFT/Policy/Result/"

static void takes_policies(void **state TD_UNUSED)
{
    static const struct step steps[] = {
        {G, RESULT "DeviceLock/MinDevicePasswordLength", "", "", 404, NOTFOUND, NULL},
        {R, CONFIG "DeviceLock/MinDevicePasswordLength", "int", "8", 200, 0, NULL},
        {G, CONFIG "DeviceLock/MinDevicePasswordLength", "", "", 200, 0, "8"},
        {G, RESULT "DeviceLock/MinDevicePasswordLength", "", "", 200, 0, "8"},
        {G, RESULT "DeviceLock", "", "", 200, 0, "MinDevicePasswordLength"},
        {R, RESULT "DeviceLock/MinDevicePasswordLength", "int", "9", 405, NOTALLOWED, NULL},
        {R, CONFIG "DeviceLock/MinDevicePasswordLength", "int", "3", 500, BADVALUE, NULL},
        {R, CONFIG "DeviceLock/MinDevicePasswordLength", "int", "x", 500, BADVALUE, NULL},
        {R, CONFIG "DeviceLock/NoSuchPolicy", "int", "3", 404, NOTFOUND, NULL},
        {R, CONFIG "NoSuchArea/Name", "int", "3", 404, NOTFOUND, NULL},
        {A, CONFIG "DeviceLock/MinDevicePasswordLength", "int", "8", 418, TD_CSP_E_EXISTS, NULL},
        {D, CONFIG "DeviceLock/MinDevicePasswordLength", "", "", 200, 0, NULL},
        {G, RESULT "DeviceLock/MinDevicePasswordLength", "", "", 404, NOTFOUND, NULL},
        {R, CONFIG "LocalUsersAndGroups/Configure", "chr", "<GroupConfiguration>", 500, TD_CSP_E_BADDATA, NULL},
        {R, CONFIG "ExApp~Policy~Parent/Name", "chr", "<enabled/>", 404, NOTFOUND, NULL},
        {A, "./Device/Vendor/MSFT/Policy/ConfigOperations/ADMXInstall/ExApp/Policy/file1", "chr",
         "<policyDefinitions/>", 200, 0, NULL},
        {R, CONFIG "ExApp~Policy~Parent/Name", "chr", "<enabled/>", 200, 0, NULL},
        {R, CONFIG "ExApp~Preference~Parent/Name", "chr", "<enabled/>", 404, NOTFOUND, NULL},
    };
    struct csp_world w;
    csp_world_open(&w);
    WALK(&w, steps);
    csp_world_close(&w);
}

static void moves_accounts_between_groups(void **state TD_UNUSED)
{
    struct csp_world w;
    csp_world_open(&w);
    assert_string_equal(td_csp_effect(w.csp, "account_group", &w.a), "Users");
    w.user_type = "administrator";
    assert_string_equal(td_csp_effect(w.csp, "account_group", &w.a), "Administrators");
    struct td_csp_answer got =
        csp_world_do(&w, R, CONFIG "LocalUsersAndGroups/Configure", "chr",
                     "<GroupConfiguration><accessgroup desc=\"S-1-5-32-544\"><group action=\"U\"/>"
                     "<remove member=\"AzureAD\\ada@contoso.test\"/><add member=\"AzureAD\\boss@contoso.test\"/>"
                     "</accessgroup></GroupConfiguration>");
    assert_int_equal(got.status, 200);
    assert_string_equal(td_csp_effect(w.csp, "account_group", &w.a), "Users");
    assert_string_equal(td_csp_effect(w.csp, "administrators", &w.a), "AzureAD\\boss@contoso.test");
    assert_int_equal(csp_world_do(&w, A, "./Device/Vendor/MSFT/Accounts/Users/help/LocalUserGroup", "int", "2").status,
                     200);
    assert_string_equal(td_csp_effect(w.csp, "administrators", &w.a), "help\nAzureAD\\boss@contoso.test");
    assert_string_equal(td_csp_effect(w.csp, "accounts", &w.a), "ada@contoso.test (Users)\nhelp (Administrators)");
    csp_world_close(&w);
}

static void names_the_computer(void **state TD_UNUSED)
{
    static const struct {
        const char *template;
        int status;
        const char *name; /* '#' stands for a digit */
    } rows[] = {
        {"PC-01", 200, "PC-01"},
        {"CON-%SERIAL%", 200, "CON-4711-ABCDEF"},
        {"CONTOSO-%SERIAL%", 200, "CONTOSO--ABCDEF"},
        {"KIOSK-%RAND:5%", 200, "KIOSK-#####"},
        {"%SERIAL%%RAND:4%", 200, "4711-ABCDEF####"},
        {"ABCDEFGHIJKLMNOP", 500, NULL},
        {"12345", 500, NULL},
        {"A B", 500, NULL},
        {"A_B", 500, NULL},
        {"%RAND:99%", 500, NULL},
        {"%FOO%", 500, NULL},
        {"", 500, NULL},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct csp_world w;
        csp_world_open(&w);
        struct td_csp_answer got =
            csp_world_do(&w, R, "./DevDetail/Ext/Microsoft/DNSComputerName", "chr", rows[i].template);
        assert_int_equal(got.status, rows[i].status);
        assert_int_equal(td_csp_restart_due(w.csp), rows[i].status == 200);
        assert_string_equal(td_csp_effect(w.csp, "computer_name", &w.a), "DESKTOP-A1B2C3D");
        if (rows[i].status == 200) {
            td_csp_restart(w.csp);
            const char *name = td_csp_read(w.csp, "./DevDetail/Ext/Microsoft/DNSComputerName", &w.a);
            assert_int_equal(strlen(name), strlen(rows[i].name));
            for (size_t k = 0; name[k] != '\0'; k++)
                if (rows[i].name[k] != '#')
                    assert_int_equal(name[k], rows[i].name[k]);
                else
                    assert_in_range(name[k], '0', '9');
            assert_string_equal(td_csp_effect(w.csp, "restarts", &w.a), "1");
            /* The same order again: the digits stay and no other restart comes. */
            assert_int_equal(
                csp_world_do(&w, R, "./DevDetail/Ext/Microsoft/DNSComputerName", "chr", rows[i].template).status, 200);
            assert_false(td_csp_restart_due(w.csp));
        }
        csp_world_close(&w);
    }
}

#define LICENSING "./Device/Vendor/MSFT/WindowsLicensing/"

static void changes_the_edition(void **state TD_UNUSED)
{
    static const struct step steps[] = {
        {G, LICENSING "Edition", "", "", 200, 0, "48"},
        {G, "./DevDetail/Ext/Microsoft/OSPlatform", "", "", 200, 0, "Windows 11 Pro"},
        {X, LICENSING "CheckApplicability", "chr", "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE", 200, 0, NULL},
        {X, LICENSING "CheckApplicability", "chr", "AAAAA-BBBBB-CCCCC-DDDDD-0EEEE", 500, TD_CSP_E_BADKEY, NULL},
        {X, LICENSING "UpgradeEditionWithProductKey", "chr", "AAAAA-BBBBB-CCCCC-DDDDD", 500, TD_CSP_E_BADKEY, NULL},
        {G, LICENSING "Status", "", "", 200, 0, "0"},
        {G, LICENSING "Edition", "", "", 200, 0, "48"},
        {X, LICENSING "UpgradeEditionWithProductKey", "chr", "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE", 200, 0, NULL},
        {G, LICENSING "Status", "", "", 200, 0, "3"},
        {G, LICENSING "Edition", "", "", 200, 0, "4"},
        {G, "./Vendor/MSFT/DeviceStatus/OS/Edition", "", "", 200, 0, "4"},
        {G, "./DevDetail/Ext/Microsoft/OSPlatform", "", "", 200, 0, "Windows 11 Enterprise"},
        {X, LICENSING "UpgradeEditionWithLicense", "xml", "<a/>", 405, NOTALLOWED, NULL},
        {R, LICENSING "Edition", "int", "48", 405, NOTALLOWED, NULL},
    };
    struct csp_world w;
    csp_world_open(&w);
    WALK(&w, steps);
    assert_true(td_csp_restart_due(w.csp));
    assert_string_equal(td_csp_effect(w.csp, "edition", &w.a), "Windows 11 Enterprise");
    csp_world_close(&w);
}

/* A certificate of the vectors as base64 and its thumbprint. */
static struct td_cert some_cert(struct csp_world *w, const char **ret_b64)
{
    struct td_buf pem = fixture("vectors/TEST-ONLY-ca.crt");
    struct td_slice der;
    struct td_cert cert;
    assert_ok(td_cert_from_pem(td_buf_slice(&pem), &w->a, &der, NULL));
    assert_ok(td_cert_parse(der, &w->a, &cert, NULL));
    *ret_b64 = td_b64(&w->a, der);
    td_buf_done(&pem);
    return cert;
}

static void installs_certificates(void **state TD_UNUSED)
{
    struct csp_world w;
    const char *b64;
    csp_world_open(&w);
    struct td_cert cert = some_cert(&w, &b64);
    const char *node = td_arena_printf(&w.a, "./Device/Vendor/MSFT/RootCATrustedCertificates/Root/%s", cert.sha1);
    const char *leaf = td_arena_printf(&w.a, "%s/EncodedCertificate", node);
    const char *foreign = "./Device/Vendor/MSFT/RootCATrustedCertificates/Root/"
                          "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/EncodedCertificate";
    assert_null(td_csp_effect(w.csp, "trusted_roots", &w.a));
    assert_int_equal(csp_world_do(&w, A, foreign, "b64", b64).status, 500);
    assert_int_equal(csp_world_do(&w, A, leaf, "b64", "AAAA").hresult, TD_CSP_E_BADDATA);
    assert_null(td_csp_effect(w.csp, "trusted_roots", &w.a));
    assert_int_equal(csp_world_do(&w, A, leaf, "b64", b64).status, 200);
    assert_string_equal(csp_world_do(&w, G, td_arena_printf(&w.a, "%s/IssuedTo", node), "", "").data, cert.subject);
    assert_string_equal(td_csp_effect(w.csp, "trusted_roots", &w.a), td_cert_pem(cert.der, &w.a));
    assert_true(td_csp_exists(w.csp, node, &w.a));
    assert_int_equal(csp_world_do(&w, D, node, "", "").status, 200);
    assert_null(td_csp_effect(w.csp, "trusted_roots", &w.a));
    csp_world_close(&w);
}

static void offers_wireless_networks(void **state TD_UNUSED)
{
    static const struct step steps[] = {
        {A, "./Device/Vendor/MSFT/WiFi/Profile/CorpNet/WlanXml", "chr", WLAN("Other"), 500, BADVALUE, NULL},
        {A, "./Device/Vendor/MSFT/WiFi/Profile/CorpNet/WlanXml", "chr", "<WLANProfile/>", 500, TD_CSP_E_BADDATA, NULL},
        {A, "./Device/Vendor/MSFT/WiFi/Profile/CorpNet/WlanXml", "chr", "<", 500, TD_CSP_E_BADDATA, NULL},
        {A, "./Device/Vendor/MSFT/WiFi/Profile/CorpNet/WlanXml", "chr", WLAN("CorpNet"), 200, 0, NULL},
        {A, "./Vendor/MSFT/WiFi/Profile/Guests%2F1/WlanXml", "chr", WLAN("Guests/1"), 200, 0, NULL},
    };
    struct csp_world w;
    csp_world_open(&w);
    WALK(&w, steps);
    assert_string_equal(td_csp_effect(w.csp, "wifi", &w.a), "CorpNet\nGuests/1");
    csp_world_close(&w);
}

static void takes_install_jobs(void **state TD_UNUSED)
{
    static const struct step steps[] = {
        {X, MSI_NODE "/DownloadInstall", "xml", MSI_JOB(MSI_GUID, SOME_HASH), 404, NOTFOUND, NULL},
        {A, MSI_NODE "/DownloadInstall", "", "", 200, 0, NULL},
        {X, MSI_NODE "/DownloadInstall", "xml", "<MsiInstallJob/>", 500, TD_CSP_E_BADDATA, NULL},
        {X, MSI_NODE "/DownloadInstall", "xml", MSI_JOB(MSI_GUID, "12"), 500, TD_CSP_E_BADDATA, NULL},
        {X, MSI_NODE "/DownloadInstall", "xml", MSI_JOB("{88888888-0000-4000-8000-000000000001}", SOME_HASH), 500,
         BADVALUE, NULL},
        {G, MSI_NODE "/Status", "", "", 404, NOTFOUND, NULL},
        {X, MSI_NODE "/DownloadInstall", "xml", MSI_JOB(MSI_GUID, SOME_HASH), 202, 0, NULL},
        {G, MSI_NODE "/Status", "", "", 200, 0, "10"},
        {X, MSI_NODE "/DownloadInstall", "xml", MSI_JOB(MSI_GUID, SOME_HASH), 202, 0, NULL},
        {R, MSI_NODE "/Status", "int", "70", 405, NOTALLOWED, NULL},
        {D, MSI_NODE, "", "", 200, 0, NULL},
        {G, MSI_NODE "/Status", "", "", 404, NOTFOUND, NULL},
    };
    struct csp_world w;
    csp_world_open(&w);
    WALK(&w, steps);
    size_t at = 0;
    assert_null(td_csp_each(w.csp, "@job/", &at));
    csp_world_close(&w);
}

static void rolls_back_and_survives(void **state TD_UNUSED)
{
    struct csp_world w;
    csp_world_open(&w);
    assert_ok(td_csp_save(w.csp, NULL));
    td_csp_begin(w.csp);
    assert_int_equal(csp_world_do(&w, R, CONFIG "DeviceLock/MinDevicePasswordLength", "int", "8").status, 200);
    assert_int_equal(
        csp_world_do(&w, X, LICENSING "UpgradeEditionWithProductKey", "chr", "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE").status,
        200);
    td_csp_rollback(w.csp);
    assert_int_equal(csp_world_do(&w, G, CONFIG "DeviceLock/MinDevicePasswordLength", "", "").status, 404);
    assert_string_equal(td_csp_effect(w.csp, "edition_number", &w.a), "48");
    assert_false(td_csp_restart_due(w.csp));
    td_csp_begin(w.csp);
    assert_int_equal(csp_world_do(&w, R, CONFIG "DeviceLock/MinDevicePasswordLength", "int", "8").status, 200);
    td_csp_commit(w.csp);
    csp_world_reopen(&w); /* killed before it was saved: as before */
    assert_int_equal(csp_world_do(&w, G, CONFIG "DeviceLock/MinDevicePasswordLength", "", "").status, 404);
    assert_int_equal(csp_world_do(&w, R, CONFIG "DeviceLock/MinDevicePasswordLength", "int", "9").status, 200);
    assert_ok(td_csp_save(w.csp, NULL));
    csp_world_reopen(&w);
    assert_string_equal(csp_world_do(&w, G, CONFIG "DeviceLock/MinDevicePasswordLength", "", "").data, "9");
    csp_world_close(&w);
}

static void refuses_what_is_too_much(void **state TD_UNUSED)
{
    struct csp_world w;
    struct td_csp_answer answer;
    csp_world_open(&w);
    char *big = td_alloc(TD_CSP_MAX_VALUE + 2);
    memset(big, 'a', TD_CSP_MAX_VALUE + 1);
    td_csp_run(w.csp, R, PROVIDER "/EntDMID", "chr", td_str(big), &w.a, &answer);
    assert_int_equal(answer.status, 413);
    td_csp_run(w.csp, R, PROVIDER "/EntDMID", "chr", td_bytes("a\0b", 3), &w.a, &answer);
    assert_int_equal(answer.status, 500);
    td_free(big);
    csp_world_close(&w);
    csp_world_open(&w); /* a file that is not ours is an error, not an empty tree */
    char path[128];
    struct td_csp *other = NULL;
    const struct td_csp_config config = {.dir = w.dir, .env = &w.env.env};
    (void)snprintf(path, sizeof(path), "%s/csp.json", w.dir);
    static const char *const bad[] = {"{\"nodes\":[{\"k\":\"a\"}]}", "", "[]", "{}", "{\"nodes\":[{\"k\":\"a\""};
    for (size_t i = 0; i < TD_COUNTOF(bad); i++) {
        struct td_error err = {0};
        assert_ok(td_file_write(path, td_str(bad[i]), 0600, NULL));
        assert_int_equal(td_csp_open(&config, &other, &err), TD_EFORMAT);
        assert_string_equal(err.where, "csp.json");
        assert_string_equal(err.remedy, TD_STATE_DAMAGED);
    }
    csp_world_close(&w);
}

static void forgets_when_unenrolled(void **state TD_UNUSED)
{
    static const struct step steps[] = {
        {A, "./Device/Vendor/MSFT/WiFi/Profile/CorpNet/WlanXml", "chr", WLAN("CorpNet"), 200, 0, NULL},
        {X, PROVIDER "/Unenroll", "chr", "Other", 500, BADVALUE, NULL},
        {X, PROVIDER "/Unenroll", "chr", "ExampleMDM", 200, 0, NULL},
    };
    struct csp_world w;
    csp_world_open(&w);
    WALK(&w, steps);
    assert_true(td_csp_unenrolled(w.csp));
    td_csp_forget(w.csp);
    assert_null(td_csp_effect(w.csp, "wifi", &w.a));
    assert_int_equal(csp_world_do(&w, G, PROVIDER, "", "").status, 404);
    csp_world_close(&w);
}

static const struct edge {
    const char *format, *check, *value;
    bool fits;
} edges[] = {
    {"int", "1-16", "1", true}, {"int", "1-16", "17", false}, {"int", "", "-5", true},  {"int", "", "", false},
    {"int", "", "1.5", false},  {"bool", "", "TRUE", true},   {"bool", "", "1", false}, {"chr", "a|b", "b", true},
    {"chr", "a|b", "c", false}, {"int", "0|1", "2", false},   {"chr", "", "", true},
};

static void checks_values(void **state TD_UNUSED)
{
    for (size_t i = 0; i < TD_COUNTOF(edges); i++)
        if (td_csp_fits(edges[i].format, edges[i].check, td_str(edges[i].value)) != edges[i].fits)
            fail_msg("%s against %s %s", edges[i].value, edges[i].format, edges[i].check);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_the_rules_of_uris),
        cmocka_unit_test(lists_children),
        cmocka_unit_test(keeps_operations_and_formats_apart),
        cmocka_unit_test(guards_the_users_scope),
        cmocka_unit_test(freezes_the_first_sync),
        cmocka_unit_test(takes_policies),
        cmocka_unit_test(moves_accounts_between_groups),
        cmocka_unit_test(names_the_computer),
        cmocka_unit_test(changes_the_edition),
        cmocka_unit_test(installs_certificates),
        cmocka_unit_test(offers_wireless_networks),
        cmocka_unit_test(takes_install_jobs),
        cmocka_unit_test(rolls_back_and_survives),
        cmocka_unit_test(refuses_what_is_too_much),
        cmocka_unit_test(forgets_when_unenrolled),
        cmocka_unit_test(checks_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
