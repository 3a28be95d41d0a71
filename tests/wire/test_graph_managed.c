/* Managed devices, deployment events, apps and configurations as clients read them (graph-api.md 1.3, 1.5 to 1.7). */
#include "api/configuration.h"
#include "base/encode.h"
#include "managed_world.h"
#include "store/action.h"
#include "store/configuration.h"
#include "store/management.h"

#define EVENTS DM "autopilotEvents"

struct report {
    const char *enrolment, *uri, *value;
};

static enum td_code report(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct report *r = ctx;
    return td_report_put(tx, g.box->tenant, r->enrolment, r->uri, td_str(r->value), err);
}

static void a_device(void **state TD_UNUSED)
{
    gw_machine(1, "KIOSK");
    (void)enrolled(FIRST, "SN-0001");
    get("/v1.0/deviceManagement/managedDevices");
    counts(1);
    is_text("@odata.context", HOST "/v1.0/$metadata#deviceManagement/managedDevices");
    is_text("value/0/id", FIRST);
    get(MANAGED "/" FIRST);
    is_text("@odata.context", HOST "/beta/$metadata#deviceManagement/managedDevices/$entity");
    is("serialNumber", "\"SN-0001\"");
    is("manufacturer", "\"Contoso\"");
    is("model", "\"Book 1\"");
    is("deviceName", "\"DESKTOP-OLD\"");
    is("managedDeviceName", "\"ada_Windows_2030-01-02_03:05\"");
    is("operatingSystem", "\"Windows\"");
    is("osVersion", "\"10.0.22631.1\"");
    is("userPrincipalName", "\"ada@contoso.test\"");
    is_text("userId", g.box->user_id);
    is("userDisplayName", "\"Ada\"");
    is("enrolledDateTime", "\"2030-01-02T03:05:05Z\"");
    is("lastSyncDateTime", "\"2030-01-02T03:05:05Z\"");
    is("managementCertificateExpirationDate", "\"2031-01-02T03:04:05Z\"");
    is("deviceEnrollmentType", "\"windowsAzureADJoin\"");
    is("managementState", "\"managed\"");
    is("managementAgent", "\"mdm\"");
    is("complianceState", "\"unknown\"");
    is("ownerType", "\"company\"");
    is("managedDeviceOwnerType", "\"company\"");
    is("autopilotEnrolled", "true");
    is("skuNumber", "48");
    is("jailBroken", "\"Unknown\"");
    is("deviceActionResults", "[]");
    is("easActivationDateTime", "\"" NEVER "\"");
    is("notes", "null"); /* told only with $select, else as never set (1.5) */
    is("physicalMemoryInBytes", "0");
    const char *device = gw_str("azureADDeviceId");
    assert_int_equal(strlen(device), 36);
    get(MANAGED "/" FIRST "?$select=id,notes,physicalMemoryInBytes");
    is("notes", "null");
    is("physicalMemoryInBytes", "0");
    is("serialNumber", "(missing)");
    is("hardwareInformation", "(missing)");
    get(MANAGED "/" FIRST "?$select=hardwareInformation");
    is("hardwareInformation/serialNumber", "\"SN-0001\"");
    is("hardwareInformation/totalStorageSpace", "0");
    is("hardwareInformation/tpmVersion", "null");
    ask(404, "GET " MANAGED "/" SECOND, NULL);
    is_error("ResourceNotFound");
}

/* The forms of 2.1. */
static void filters(void **state TD_UNUSED)
{
    static const char *const found[] = {
        "serialNumber eq 'SN-0001'",
        "startsWith(serialNumber, 'SN-0001')",
        "startswith(serialnumber,'sn-0001')",
        "operatingSystem eq 'Windows' and contains(serialNumber,'0001')",
        "userPrincipalName eq 'Ada@contoso.test' and autopilotEnrolled eq true",
        "deviceEnrollmentType eq 'windowsAzureADJoin'",
        "managedDeviceOwnerType eq 'company'",
        "complianceState eq 'unknown' and not (serialNumber eq '')",
    };
    gw_machine(1, "");
    gw_machine(2, "");
    (void)enrolled(FIRST, "SN-0001");
    (void)enrolled(SECOND, NULL);
    for (size_t i = 0; i < TD_COUNTOF(found); i++) {
        askf(200, NULL, "GET " MANAGED "?$filter=%s", found[i]);
        if (gw_count() != 1 || strcmp(gw_str("value/0/id"), FIRST) != 0)
            fail_msg("%s: %s", found[i], g.body);
    }
    get(MANAGED "/" FIRST);
    askf(200, NULL, "GET /v1.0/deviceManagement/managedDevices?$filter=azureADDeviceId eq '%s'",
         gw_str("azureADDeviceId"));
    counts(1);
    get(MANAGED "?$filter=deviceName eq 'desktop-old'");
    counts(2);
    get(MANAGED "?$filter=serialNumber eq ''");
    counts(1);
    is("value/0/ownerType", "\"personal\"");
    is("value/0/azureADDeviceId", "null");
    is("value/0/deviceEnrollmentType", "\"userEnrollment\"");
    gw_call_as(g.foreign, "GET " MANAGED, NULL);
    assert_int_equal(g.status, 200);
    counts(0);
    gw_call_as(g.foreign, "GET " MANAGED "/" FIRST, NULL);
    assert_int_equal(g.status, 404);
}

/* What the device says moves the list; who a registered machine is, it does not decide. */
static void reports(void **state TD_UNUSED)
{
    static const struct report told[] = {{FIRST, "./DevDetail/SwV", "10.0.26100.1742"},
                                         {FIRST, "./DevDetail/Ext/Microsoft/DeviceName", "LAB-00001"},
                                         {FIRST, "./DevDetail/Ext/Microsoft/SMBIOSSerialNumber", "SN-FORGED"},
                                         {SECOND, "./DevDetail/Ext/Microsoft/SMBIOSSerialNumber", "SN-7777"},
                                         {SECOND, "./DevInfo/Man", "Fabrikam"}};
    gw_machine(1, "");
    (void)enrolled(FIRST, "SN-0001");
    (void)enrolled(SECOND, NULL);
    for (size_t i = 0; i < TD_COUNTOF(told); i++) {
        struct report r = told[i];
        commit(report, &r);
    }
    get(MANAGED "/" FIRST);
    is("deviceName", "\"LAB-00001\"");
    get("/v1.0/devices?$filter=displayName eq 'LAB-00001'"); /* the directory calls it so too */
    counts(1);
    get(MANAGED "/" FIRST);
    is("osVersion", "\"10.0.26100.1742\"");
    is("serialNumber", "\"SN-0001\"");
    get(MANAGED "?$filter=serialNumber eq 'SN-7777'");
    counts(1);
    is("value/0/manufacturer", "\"Fabrikam\"");
    get(MANAGED "/" SECOND "/users");
    counts(1);
    is_text("value/0/id", g.box->user_id);
    get(MANAGED "/" SECOND "/deviceCompliancePolicyStates");
    counts(0);
    get(MANAGED "/" SECOND "/logCollectionRequests");
    counts(0);
}

static void changes(void **state TD_UNUSED)
{
    (void)enrolled(FIRST, NULL);
    ask(200, "PATCH " MANAGED "/" FIRST,
        "{\"notes\":\"spare\",\"managedDeviceName\":\"Lobby\",\"ownerType\":\"company\"}");
    is("managedDeviceName", "\"Lobby\"");
    is("notes", "\"spare\""); /* what was sent comes back */
    is("ownerType", "\"company\"");
    is("managedDeviceOwnerType", "\"company\"");
    get(MANAGED "/" FIRST "?$select=notes");
    is("notes", "\"spare\"");
    get(MANAGED "/" FIRST);
    is("notes", "null");
    ask(200, "PATCH " MANAGED "/" FIRST, "{\"serialNumber\":\"MINE\",\"deviceCategory@odata.bind\":\"x\"}");
    get(MANAGED "/" FIRST "?$select=notes,serialNumber");
    is("notes", "\"spare\"");
    is("serialNumber", "\"\"");
    ask(204, "POST /beta/devicemanagement/manageddevices/" FIRST "/syncDevice", NULL);
    get(MANAGED "/" FIRST);
    is("deviceActionResults/0/actionName", "\"syncDevice\"");
    is("deviceActionResults/0/actionState", "\"pending\"");
}

static enum td_code synced(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_action *open = NULL;
    size_t n = 0;
    td_try(td_action_open_list(tx, g.box->tenant, ctx, &g.box->arena, &open, &n, err));
    assert_int_equal(n, 1);
    td_try(td_action_delivered(tx, g.box->tenant, open[0].id, err));
    return td_action_finish(tx, g.box->tenant, open[0].id, TD_ACT_DONE, NULL, err);
}

struct cert_of {
    unsigned char first;
    struct td_cert_row row;
};

static enum td_code find_cert(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct cert_of *c = ctx;
    unsigned char sha[32] = {c->first};
    return td_cert_find(tx, sha, &g.box->arena, &c->row, err);
}

static void ends(void **state TD_UNUSED)
{
    struct cert_of c = {.first = FIRST[35]};
    char id[] = FIRST;
    (void)enrolled(FIRST, NULL);
    ask(204, "POST " MANAGED "/" FIRST "/syncDevice", NULL);
    commit(synced, id);
    get(MANAGED "/" FIRST);
    is("deviceActionResults/0/actionState", "\"done\"");
    ask(204, "DELETE " MANAGED "/" FIRST, NULL);
    ask(404, "GET " MANAGED "/" FIRST, NULL);
    ask(404, "DELETE " MANAGED "/" FIRST, NULL);
    assert_ok(td_store_read(g.box->svc.store, find_cert, &c, NULL));
    assert_true(c.row.revoked_at != 0);
}

/* ---- deployment events ---- */

static enum td_code item_status(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const char *item = ctx;
    td_try(td_item_status_put(tx, g.box->tenant, FIRST, item, "failed", 500, 0x80070643, err));
    return td_item_status_put(tx, g.box->tenant, FIRST, "computer-name", "in effect", 200, 0, err);
}

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define MSI                                                                                                 \
    "{\"kind\":\"msi\",\"content\":\"" SHA "\",\"productCode\":\"{77777777-0000-4000-8000-000000000001}\"," \
    "\"productVersion\":\"1.2.3\",\"commandLine\":\"/quiet\"}"

static void deployment(void **state TD_UNUSED)
{
    gw_machine(1, "");
    get("/v1.0/deviceManagement/autopilotEvents");
    counts(0);
    const char *app = item("Editor", MSI);
    struct enrolling e = {.id = FIRST, .serial = "SN-0001"};
    commit(enrol, &e); /* nobody deploys it yet */
    get(EVENTS);
    counts(0);
    happen(e.way, TD_EV_SIGNED_IN, NULL);
    happen(e.way, TD_EV_ENROLLED, NULL);
    happen(e.way, TD_EV_DEVICE_SETUP, NULL);
    char id[64];
    snprintf(id, sizeof(id), "%s", app);
    commit(item_status, id);
    get(EVENTS);
    counts(1);
    is_text("@odata.context", HOST "/beta/$metadata#deviceManagement/autopilotEvents");
    is("value/0/deploymentState", "\"inProgress\"");
    is("value/0/deviceSetupStatus", "\"inProgress\"");
    is("value/0/accountSetupStatus", "\"notAttempted\"");
    is("value/0/enrollmentState", "\"enrolled\"");
    is("value/0/enrollmentType", "\"azureADJoinedWithAutopilotProfile\"");
    is("value/0/deviceSerialNumber", "\"SN-0001\"");
    is("value/0/userPrincipalName", "\"ada@contoso.test\"");
    is("value/0/deploymentEndDateTime", "\"" NEVER "\"");
    is("value/0/devicePreparationDuration", "\"PT2M\"");
    is("value/0/deviceSetupDuration", "\"PT1M\"");
    is("value/0/targetedAppCount", "1");
    happen(e.way, TD_EV_FAILED,
           "{\"step\":\"x\",\"code\":\"0x80070643\",\"where\":\"Editor\",\"cause\":\"it failed\","
           "\"remedy\":\"Try again.\"}");
    get(EVENTS "?$filter=deploymentState eq 'failure'");
    counts(1);
    is("value/0/enrollmentFailureDetails", "\"Editor: it failed (0x80070643). Try again.\"");
    askf(200, NULL, "GET " EVENTS "/%s/policyStatusDetails?$orderby=displayName desc", gw_str("value/0/id"));
    counts(2);
    is("value/0/displayName", "\"Editor\"");
    is("value/1/displayName", "\"computer-name\"");
    is("value/0/policyType", "\"application\"");
    is("value/0/complianceStatus", "\"error\"");
    is("value/0/errorCode", "-2147023293");
    is("value/0/trackedOnEnrollmentStatus", "true");
    happen(e.way, TD_EV_DEVICE_DONE, NULL);
    happen(e.way, TD_EV_ACCOUNT_SETUP, NULL);
    g.box->world.now += 20 * TD_MINUTE;
    happen(e.way, TD_EV_READY, NULL);
    get(EVENTS "?$orderby=eventDateTime desc");
    is("value/0/deploymentState", "\"successOnRetry\"");
    is("value/0/deviceSetupStatus", "\"successOnRetry\"");
    is("value/0/accountSetupStatus", "\"success\"");
    is("value/0/accountSetupDuration", "\"PT21M\"");
}

static void a_deployment_always_ends(void **state TD_UNUSED)
{
    gw_machine(1, "");
    struct enrolling e = enrolled(FIRST, "SN-0001");
    happen(e.way, TD_EV_SIGNED_IN, NULL);
    g.box->world.now += 2 * TD_DAY;
    gw_work();
    g.token = gw_token_of(g.box->tenant, g.client, g.secret); /* the old one has expired */
    get(EVENTS);
    is("value/0/deploymentState", "\"failure\"");
}

/* $search of no property: lists without a displayName say what they are searched by. */
static void searches(void **state TD_UNUSED)
{
    gw_machine(1, "");
    gw_machine(2, "");
    struct enrolling e = enrolled(FIRST, "SN-0001");
    happen(e.way, TD_EV_SIGNED_IN, NULL);
    get(MANAGED "?$search=\"n-0001\"");
    counts(1);
    get(MANAGED "?$search=\"n-0002\"");
    counts(0);
    get(EVENTS "?$search=\"ADA@\"");
    counts(1);
    get(EVENTS "?$search=\"nobody\"");
    counts(0);
    get(DM "importedDeviceIdentities?$search=\"x\"");
    counts(0);
    get(DM "importedWindowsAutopilotDeviceIdentities?$search=\"x\"");
    counts(0);
    get(DM "windowsAutopilotDeviceRequests?$search=\"x\"");
    counts(0);
    g.extra[0] = "ConsistencyLevel: eventual";
    get("/beta/domains?$search=\"contoso\"");
    counts(1);
    get("/beta/auditLogs/directoryAudits?$search=\"no such activity\"");
    counts(0);
    g.extra[0] = NULL;
}

/* The last that began stands first, without an order asked and over pages. */
static void newest_event_first(void **state TD_UNUSED)
{
    static const char *const ids[] = {FIRST, SECOND, "00000000-0000-4000-8000-0000000000e3"};
    static const char *const serials[] = {"SN-0001", "SN-0002", "SN-0003"};
    for (size_t i = 0; i < TD_COUNTOF(ids); i++) {
        gw_machine((unsigned)i + 1, "");
        struct enrolling e = enrolled(ids[i], serials[i]);
        happen(e.way, TD_EV_SIGNED_IN, NULL);
        g.box->world.now += TD_MINUTE;
    }
    get(EVENTS "?$top=2");
    counts(2);
    is("value/0/deviceSerialNumber", "\"SN-0003\"");
    is("value/1/deviceSerialNumber", "\"SN-0002\"");
    askf(200, NULL, "GET %s", gw_str("@odata.nextLink"));
    counts(1);
    is("value/0/deviceSerialNumber", "\"SN-0001\"");
}

/* ---- apps and configurations ---- */

static void names_for_ids(void **state TD_UNUSED)
{
    const char *app = item("Editor", MSI);
    get("/beta/deviceAppManagement/mobileApps");
    counts(1);
    is_text("value/0/id", app);
    is("value/0/@odata.type", "\"#microsoft.graph.windowsMobileMSI\"");
    is("value/0/displayName", "\"Editor\"");
    is("value/0/productVersion", "\"1.2.3\"");
    is("value/0/commandLine", "\"/quiet\"");
    is("value/0/publishingState", "\"published\"");
    is("value/0/isAssigned", "true");
    get("/beta/deviceAppManagement/mobileApps?$filter=(microsoft.graph.managedApp/appAvailability eq null or "
        "microsoft.graph.managedApp/appAvailability eq 'lineOfBusiness' or isAssigned eq true)&$orderby=displayName");
    counts(1);
    get("/beta/deviceAppManagement/mobileApps?$filter=DisplayName eq 'editor'");
    counts(1);
    get("/beta/deviceAppManagement/mobileApps?$filter=isof('microsoft.graph.win32LobApp')");
    counts(0);
    get("/beta/deviceAppManagement/mobileApps/microsoft.graph.windowsMobileMSI");
    counts(1);
    get("/beta/deviceAppManagement/mobileApps?$expand=categories,assignments");
    is("value/0/categories", "[]");
    is("value/0/assignments/0/target/@odata.type", "\"#microsoft.graph.allDevicesAssignmentTarget\"");
    is("value/0/assignments/0/intent", "\"required\"");
    ask(501, "POST /beta/deviceAppManagement/mobileApps", "{\"@odata.type\":\"#microsoft.graph.win32LobApp\"}");
    askf(501, NULL, "DELETE /beta/deviceAppManagement/mobileApps/%s", app);
}

static void secrets_never(void **state TD_UNUSED)
{
    (void)item("Office network", "{\"kind\":\"wifi\",\"ssid\":\"CorpNet\",\"passphrase\":\"example-pass\"}");
    (void)item("Enterprise", "{\"kind\":\"edition\",\"productKey\":\"AAAAA-BBBBB-CCCCC-DDDDD-EEEEE\","
                             "\"edition\":\"Enterprise\"}");
    (void)item("Locks", "{\"kind\":\"policy\",\"settings\":[{\"policy\":\"DeviceLock/MinDevicePasswordLength\","
                        "\"value\":8}]}");
    get("/beta/deviceManagement/deviceConfigurations?$orderby=displayName&$filter=not "
        "isof('microsoft.graph.windowsUpdateForBusinessConfiguration') and not "
        "isof('microsoft.graph.iosUpdateConfiguration')");
    counts(3);
    is("value/0/@odata.type", "\"#microsoft.graph.editionUpgradeConfiguration\"");
    is("value/0/targetEdition", "\"windows10Enterprise\"");
    is("value/1/@odata.type", "\"#microsoft.graph.windows10CustomConfiguration\"");
    is("value/1/omaSettings/0/@odata.type", "\"#microsoft.graph.omaSettingInteger\"");
    is("value/1/omaSettings/0/omaUri", "\"./Device/Vendor/MSFT/Policy/Config/DeviceLock/MinDevicePasswordLength\"");
    is("value/1/omaSettings/0/value", "8");
    is("value/2/omaSettings/0/value", "\"****\"");
    is("value/2/omaSettings/0/isEncrypted", "true");
    assert_null(strstr(g.body, "example-pass"));
    assert_null(strstr(g.body, "AAAAA"));
    askf(200, NULL, "GET /v1.0/deviceManagement/deviceConfigurations/%s/assignments", gw_str("value/0/id"));
    counts(1);
    static const char *const empty[] = {"configurationPolicies", "deviceManagementScripts", "deviceHealthScripts",
                                        "deviceCategories", "assignmentFilters"};
    for (size_t i = 0; i < TD_COUNTOF(empty); i++) {
        askf(200, NULL, "GET " DM "%s", empty[i]);
        counts(0);
    }
}

/* As a device is told: the switch of a shared PC last, the kiosk as one text. */
struct kind_of_enrolment {
    int64_t plug_and_forget, provisioning;
    bool user;
    const char *device, *run;
};

static enum td_code enrol_so(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct kind_of_enrolment *k = ctx;
    return td_sql(tx, err,
                  "UPDATE enrolment SET plug_and_forget = $3, provisioning = $4, user_id = $5, user_upn = $6"
                  " WHERE tenant = $1 AND id = $2",
                  "ssiiss", g.box->tenant, FIRST, k->plug_and_forget, k->provisioning, k->user ? g.box->user_id : "",
                  k->user ? "ada@contoso.test" : "");
}

/* By a user, by the device alone, for whomever an administrator gave it to since, by a technician for its user
 * (autopilot.md 6.4; mde2.md 4.2). */
static void how_it_was_enrolled(void **state TD_UNUSED)
{
    static const struct kind_of_enrolment kinds[] = {
        {0, 0, true, "\"windowsAzureADJoin\"", "\"azureADJoinedWithAutopilotProfile\""},
        {1, 0, false, "\"windowsAzureADJoinUsingDeviceAuth\"", "\"azureADJoinedUsingDeviceAuthWithAutopilotProfile\""},
        {1, 0, true, "\"windowsAzureADJoinUsingDeviceAuth\"", "\"azureADJoinedUsingDeviceAuthWithAutopilotProfile\""},
        {0, 0, false, "\"windowsAzureADJoinUsingDeviceAuth\"", "\"azureADJoinedUsingDeviceAuthWithAutopilotProfile\""},
        {0, 1, false, "\"windowsAzureADJoinUsingDeviceAuth\"", "\"azureADJoinedWithWhiteGlove\""},
        {0, 1, true, "\"windowsAzureADJoin\"", "\"azureADJoinedWithWhiteGlove\""}};
    gw_machine(1, "");
    struct enrolling e = {.id = FIRST, .serial = "SN-0001"};
    commit(enrol, &e);
    happen(e.way, TD_EV_ATTESTED, NULL);
    happen(e.way, TD_EV_ENROLLED, NULL);
    happen(e.way, TD_EV_DEVICE_SETUP, NULL);
    happen(e.way, TD_EV_DEVICE_DONE, NULL);
    happen(e.way, TD_EV_READY, NULL);
    for (size_t i = 0; i < TD_COUNTOF(kinds); i++) {
        struct kind_of_enrolment kind = kinds[i];
        commit(enrol_so, &kind);
        get(MANAGED "/" FIRST);
        is("deviceEnrollmentType", kind.device);
        get(EVENTS);
        counts(1);
        is("value/0/enrollmentType", kind.run);
        is("value/0/deploymentState", "\"success\"");
        is("value/0/accountSetupStatus", "\"disabled\"");
        is("value/0/accountSetupDuration", "\"PT0S\"");
    }
}

static void screens_as_settings(void **state TD_UNUSED)
{
    struct td_slice xml;
    (void)item("Hall", "{\"kind\":\"kiosk\",\"aumid\":\"Calc_8wekyb3d8bbwe!App\"}");
    (void)item("Room", "{\"kind\":\"shared-pc\",\"signInOnResume\":true}");
    get("/beta/deviceManagement/deviceConfigurations?$orderby=displayName");
    counts(2);
    is("value/0/@odata.type", "\"#microsoft.graph.windows10CustomConfiguration\"");
    is("value/0/omaSettings/0/@odata.type", "\"#microsoft.graph.omaSettingStringXml\"");
    is("value/0/omaSettings/0/omaUri", "\"./Device/Vendor/MSFT/AssignedAccess/Configuration\"");
    assert_ok(td_b64_decode(&g.box->arena, td_str(gw_str("value/0/omaSettings/0/value")), TD_B64_STD, &xml));
    assert_true(td_search(xml, TD_S("Calc_8wekyb3d8bbwe!App")) != SIZE_MAX);
    is("value/1/omaSettings/0/omaUri", "\"./Vendor/MSFT/SharedPC/AccountModel\"");
    is("value/1/omaSettings/0/value", "1");
    is("value/1/omaSettings/2/omaUri", "\"./Vendor/MSFT/SharedPC/SignInOnResume\"");
    is("value/1/omaSettings/4/omaUri", "\"./Vendor/MSFT/SharedPC/EnableSharedPCMode\"");
    is("value/1/omaSettings/4/value", "true");
}

struct in_domain {
    const char *serial, *device;
};

static enum td_code join_domain(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct in_domain *d = ctx;
    struct td_registration r;
    struct td_device_account account = {.name = "SALES-1",
                                        .domain = "corp.test",
                                        .sid = "S-1-5-21-1-2-3-1105",
                                        .guid = "5f1e0000-0000-4000-8000-00000000abcd"};
    td_try(td_registration_find_any(tx, g.box->tenant, d->serial, &g.box->arena, &r, err));
    account.registration_id = r.id;
    return td_device_hybrid(tx, g.box->tenant, &account, &g.box->arena, &d->device, err);
}

/* Hybrid: the registration's one object, told as a computer of its domain (1.3, 1.5, 1.8). */
static void a_device_of_a_domain(void **state TD_UNUSED)
{
    gw_machine(1, "");
    struct enrolling e = enrolled(FIRST, "SN-0001");
    struct in_domain d = {.serial = "SN-0001"};
    commit(join_domain, &d);
    struct joining j = {.id = d.device, .name = "SALES-1", .trust = "ServerAd"};
    commit(join, &j);
    happen(e.way, TD_EV_SIGNED_IN, NULL);
    happen(e.way, TD_EV_ENROLLED, NULL);
    get("/beta/devices");
    counts(1);
    is("value/0/trustType", "\"ServerAd\"");
    is("value/0/displayName", "\"SALES-1\"");
    is("value/0/onPremisesSyncEnabled", "true");
    is("value/0/onPremisesSecurityIdentifier", "\"S-1-5-21-1-2-3-1105\"");
    is("value/0/domainName", "\"corp.test\"");
    get(MANAGED "/" FIRST);
    is("joinType", "\"hybridAzureADJoined\"");
    is("azureADRegistered", "true");
    is_text("azureADDeviceId", d.device);
    get(EVENTS);
    is("value/0/enrollmentType", "\"offlineDomainJoined\"");
    get("/v1.0/devices?$filter=trustType eq 'ServerAd' and onPremisesSyncEnabled eq true");
    counts(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(screens_as_settings),
                                       TEST(a_device),
                                       TEST(filters),
                                       TEST(a_device_of_a_domain),
                                       TEST(reports),
                                       TEST(changes),
                                       TEST(ends),
                                       TEST(deployment),
                                       TEST(how_it_was_enrolled),
                                       TEST(names_for_ids),
                                       TEST(secrets_never),
                                       TEST(a_deployment_always_ends),
                                       TEST(newest_event_first),
                                       TEST(searches)};
    return cmocka_run_group_tests_name("graph_managed", tests, NULL, NULL);
}
