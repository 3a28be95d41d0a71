/* Audit, roles and rights through the administration interface: who changed what, before and after; which calls a
 * role or a scope opens; the organization (graph-api.md 1.8, 2.7; autopilot.md 6.2). */
#include "api/access.h"
#include "crypto/secret.h"
#include "store/audit.h"
#include "store/tenant.h"
#include "store/user.h"
#include "wire/graph_world.h"

struct person {
    const char *upn, *role;
};

static enum td_code add_person(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct person *p = ctx;
    struct td_user u;
    char *phc = NULL;
    td_try(td_password_hash(td_tx_env(tx), TD_S("password"), &g.box->svc.password_cost, &g.box->arena, &phc, err));
    td_try(td_tenant_set(tx, g.box->tenant, "password-grant", "on", "test", err));
    td_try(td_user_add(tx, g.box->tenant, p->upn, NULL, phc, "test", &g.box->arena, &u, err));
    return p->role != NULL ? td_user_role_add(tx, g.box->tenant, u.id, p->role, "test", err) : TD_OK;
}

/* A person's token with every scope. */
static const char *person(const char *upn, const char *role)
{
    struct person p = {upn, role};
    struct td_error err = {0};
    if (td_store_write(g.box->svc.store, add_person, &p, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
    g.type = "Content-Type: application/x-www-form-urlencoded";
    gw_send("POST", "/contoso.test/oauth2/v2.0/token",
            text("grant_type=password&client_id=14d82eec-204b-4c2f-b7e8-296a70dab67e&username=%s&password=password"
                 "&scope=https%%3A%%2F%%2Fgraph.microsoft.com%%2F.default",
                 upn),
            NULL);
    g.type = NULL;
    if (g.status != 200)
        fail_msg("token of %s: %d %s", upn, g.status, g.body);
    return gw_str("access_token");
}

static void as(const char *token, int status, const char *call, const char *body)
{
    gw_call_as(token, call, body);
    if (g.status != status)
        fail_msg("%s: want %d, got %d %s", call, status, g.status, g.body);
}

#define PROFILE                                                                                               \
    "{\"@odata.type\":\"#microsoft.graph.azureADWindowsAutopilotDeploymentProfile\",\"displayName\":\"Lab\"," \
    "\"locale\":\"de-DE\"}"

static void changes_of_a_profile(void **state TD_UNUSED)
{
    const char *ada = person("grace@contoso.test", "Policy and Profile Manager");
    as(ada, 201, "POST " PROFILES, PROFILE);
    const char *id = gw_str("id");
    as(ada, 200, text("PATCH " PROFILES "/%s", id), "{\"locale\":\"en-US\"}");
    as(g.token, 204, text("DELETE " PROFILES "/%s", id), NULL);
    get("/v1.0/deviceManagement/auditEvents");
    counts(3); /* newest first */
    is_text("value/0/activityOperationType", "Delete");
    is_text("value/0/actor/auditActorType", "Application");
    is_text("value/0/actor/applicationId", g.client);
    is_text("value/0/actor/applicationDisplayName", "Lab script");
    is("value/0/actor/userPrincipalName", "null");
    is_text("value/1/activityOperationType", "Patch");
    is_text("value/1/activityType", "Patch WindowsAutopilotDeploymentProfile");
    is_text("value/1/category", "Enrollment");
    is_text("value/1/activityResult", "Success");
    is_text("value/1/actor/auditActorType", "ItPro");
    is_text("value/1/actor/userPrincipalName", "grace@contoso.test");
    is_text("value/1/resources/0/auditResourceType", "WindowsAutopilotDeploymentProfile");
    is_text("value/1/resources/0/resourceId", id);
    bool found = false;
    for (int i = 0; gw_at(text("value/1/resources/0/modifiedProperties/%d", i)) != NULL; i++) {
        const struct td_json *m = gw_at(text("value/1/resources/0/modifiedProperties/%d", i));
        if (strcmp(td_json_str(m, "displayName"), "locale") != 0)
            continue;
        found = true;
        assert_string_equal(td_json_str(m, "oldValue"), "de-DE");
        assert_string_equal(td_json_str(m, "newValue"), "en-US");
    }
    assert_true(found);
    is_text("value/2/activityOperationType", "Create");
}

/* correlationId is the request's own id; one event is read by its id. */
static void one_event(void **state TD_UNUSED)
{
    ask(201, "POST " PROFILES, PROFILE);
    const char *request = text("%s", gw_header("request-id"));
    get("/beta/deviceManagement/auditEvents");
    is_text("value/0/correlationId", request);
    is_text("value/0/resources/0/type", "WindowsAutopilotDeploymentProfile");
    const char *id = gw_str("value/0/id");
    askf(200, NULL, "GET /beta/deviceManagement/auditEvents/%s", id);
    is_text("id", id);
    ask(405, "POST /beta/deviceManagement/auditEvents", "{}");
    askf(405, NULL, "DELETE /beta/deviceManagement/auditEvents/%s", id);
    gw_call_as(g.foreign, "GET /beta/deviceManagement/auditEvents", NULL);
    counts(0);
    gw_call_as(g.foreign, text("GET /beta/deviceManagement/auditEvents/%s", id), NULL);
    assert_int_equal(g.status, 404);
}

static void questions(void **state TD_UNUSED)
{
    ask(201, "POST " PROFILES, PROFILE);
    const char *id = gw_str("id");
    g.box->world.now += TD_HOUR;
    askf(200, "{\"description\":\"x\"}", "PATCH " PROFILES "/%s", id);
    get("/beta/deviceManagement/auditEvents?$filter=category eq 'Enrollment' and activityOperationType eq 'Patch'");
    counts(1);
    get("/beta/deviceManagement/auditEvents?$filter=activityDateTime ge 2030-01-02T04:00:00Z");
    counts(1);
    get("/beta/deviceManagement/auditEvents?$filter=activityDateTime lt 2030-01-02T04:00:00Z&$count=true");
    counts(1);
    is("@odata.count", "1");
    get("/beta/deviceManagement/auditEvents?$orderby=activityDateTime&$top=1");
    is_text("value/0/activityOperationType", "Create");
    const char *next = gw_str("@odata.nextLink");
    gw_send("GET", next, NULL, g.token);
    is_text("value/0/activityOperationType", "Patch");
    askf(200, NULL, "GET /beta/deviceManagement/auditEvents?$filter=actor/applicationId eq '%s'", g.client);
    counts(2);
    get("/beta/deviceManagement/auditEvents?$filter=activityResult eq 'Failure'");
    counts(0);
    ask(400, "GET /beta/deviceManagement/auditEvents?$filter=nonsense eq 'x'", NULL);
    get("/v1.0/deviceManagement/auditEvents/getAuditCategories()");
    assert_string_not_equal(gw_value(gw_at("value/0")), "(missing)");
    get("/beta/deviceManagement/auditEvents/getAuditActivityTypes(category='Enrollment')");
    is_text("value/0", "Create WindowsAutopilotDeviceIdentity");
    ask(400, "GET /beta/deviceManagement/auditEvents/getAuditActivityTypes()", NULL);
}

static void the_directory(void **state TD_UNUSED)
{
    const char *ada = person("grace@contoso.test", "Global Administrator");
    as(ada, 201, "POST " PROFILES, PROFILE);
    get("/v1.0/auditLogs/directoryAudits?$filter=loggedByService eq 'Core Directory' and category eq 'UserManagement'");
    assert_true(gw_count() >= 2);
    is_text("value/0/activityDisplayName", "Add role to User");
    is_text("value/0/result", "success");
    is_text("value/0/operationType", "Assign");
    is_text("value/0/targetResources/0/type", "User");
    is_text("value/0/targetResources/0/userPrincipalName", "grace@contoso.test");
    is_text("value/0/targetResources/0/modifiedProperties/0/displayName", "role");
    is_text("value/0/targetResources/0/modifiedProperties/0/newValue", "Global Administrator");
    is("value/0/initiatedBy/user", "null");
    is_text("value/0/initiatedBy/app/displayName", "test");
    get("/v1.0/auditLogs/directoryAudits?$top=1");
    is_text("value/0/loggedByService", "Device Management");
    is_text("value/0/initiatedBy/user/userPrincipalName", "grace@contoso.test");
    is("value/0/initiatedBy/app", "null");
    get("/v1.0/auditLogs/directoryAudits?$filter=initiatedBy/user/userPrincipalName eq 'GRACE@contoso.test'");
    counts(1);
    get("/v1.0/auditLogs/directoryAudits?$filter=activityDisplayName eq 'Add User'");
    assert_true(gw_count() >= 1);
}

/* An import is worked off behind the answer: its actor is who posted it all the same. */
static void a_device_comes_and_goes(void **state TD_UNUSED)
{
    const char *ada = person("grace@contoso.test", "Enrollment Technician");
    as(ada, 201, "POST " IMPORTED,
       text("{\"serialNumber\":\"SN-0007\",\"groupTag\":\"KIOSK\",\"hardwareIdentifier\":\"%s\"}", gw_hash(7)));
    gw_work();
    get(IMPORTED);
    is_text("value/0/state/deviceImportStatus", "complete");
    get(DEVICES);
    counts(1);
    const char *id = gw_str("value/0/id"), *serial = gw_str("value/0/serialNumber");
    get("/beta/deviceManagement/auditEvents?$filter=activityType eq 'Create WindowsAutopilotDeviceIdentity'");
    counts(1);
    is_text("value/0/resources/0/resourceId", id);
    is_text("value/0/resources/0/displayName", serial);
    is_text("value/0/actor/userPrincipalName", "grace@contoso.test");
    is_text("value/0/actor/auditActorType", "ItPro");
    assert_non_null(strstr(gw_value(gw_at("value/0/resources/0/modifiedProperties")),
                           "{\"displayName\":\"groupTag\",\"oldValue\":null,\"newValue\":\"KIOSK\"}"));
    as(ada, 403, text("DELETE " DEVICES "/%s", id), NULL);
    askf(204, NULL, "DELETE " DEVICES "/%s", id);
    gw_work();
    get("/beta/deviceManagement/auditEvents?$filter=activityType eq 'Delete WindowsAutopilotDeviceIdentity'");
    counts(1);
    is_text("value/0/actor/applicationId", g.client);
}

/* A change that is refused is kept too, with its reason, and not without end. */
static void refused_changes(void **state TD_UNUSED)
{
    const char *eve = person("eve@contoso.test", "Read Only Operator");
    for (int i = 0; i < TD_AUDIT_DENIED + 5; i++)
        as(eve, 403, "POST " PROFILES, PROFILE);
    is_error("Forbidden");
    as(eve, 403, "DELETE " DEVICES "/0a000000-0000-4000-8000-000000000001", NULL);
    get("/beta/deviceManagement/auditEvents?$filter=activityResult eq 'Failure'&$top=100&$count=true");
    is("@odata.count", text("%d", TD_AUDIT_DENIED));
    is_text("value/0/actor/userPrincipalName", "eve@contoso.test");
    is_text("value/0/resources/0/displayName", "POST " PROFILES);
    get("/v1.0/auditLogs/directoryAudits?$filter=result eq 'failure'&$top=1");
    assert_non_null(strstr(gw_str("value/0/resultReason"), "roles"));
    get(PROFILES);
    counts(0);
}

/* What each role may do at the door itself: one call a right, for every role of the documents. */
static void roles_at_the_door(void **state TD_UNUSED)
{
    static const char *const calls[] = {
        "GET " DEVICES,                                            /* device, read */
        "POST " DM "windowsAutopilotSettings/sync",                /* device, write */
        "POST " PROFILES,                                          /* profile, write: 400 is past the right */
        "DELETE " DEVICES "/0a000000-0000-4000-8000-000000000001", /* deregister */
        "GET " DM "roleDefinitions",                               /* roles, read */
        "GET " DM "auditEvents",                                   /* audit, read */
        "GET /v1.0/auditLogs/directoryAudits",                     /* the directory's audit */
        "GET /v1.0/organization",                                  /* everybody */
        "DELETE " DM "importedDeviceIdentities/x",                 /* deregister: no technician's */
    };
    static const struct {
        const char *role, *marks; /* y: past the right, n: 403 */
    } rows[] = {
        {"Global Administrator", "yyyyyyyyy"},
        {"Intune Administrator", "yyyyyyyyy"},
        {"Policy and Profile Manager", "yyyyyynyy"},
        {"Read Only Operator", "ynnnyyyyn"},
        {"Enrollment Technician", "yynnnnnyn"},
        {"Partner Agent", "nnnnnnnyn"},
        {"Global Reader", "ynnnyyyyn"},
        {"Security Reader", "nnnnnyyyn"},
        {NULL, "nnnnnnnyn"},
    };
    for (size_t r = 0; r < TD_COUNTOF(rows); r++) {
        const char *token = person(text("p%zu@contoso.test", r), rows[r].role);
        for (size_t c = 0; c < TD_COUNTOF(calls); c++) {
            gw_call_as(token, calls[c], NULL);
            if ((g.status == 403) != (rows[r].marks[c] == 'n') || g.status == 401 || g.status >= 500)
                fail_msg("%s, %s: %d %s", rows[r].role, calls[c], g.status, g.body);
        }
    }
}

static void the_organization(void **state TD_UNUSED)
{
    get("/v1.0/Organization");
    counts(1);
    is_text("value/0/id", g.box->tenant);
    is_text("value/0/verifiedDomains/0/name", "contoso.test");
    is("value/0/verifiedDomains/0/isDefault", "true");
    is("value/0/verifiedDomains/0/isInitial", "true");
    is_text("value/0/mobileDeviceManagementAuthority", "intune");
    is("value/0/businessPhones", "[]");
    askf(200, NULL, "GET /v1.0/organization/%s?$select=displayName", g.box->tenant);
    is("verifiedDomains", "(missing)");
    get("/v1.0/domains");
    counts(1);
    is_text("value/0/id", "contoso.test");
    is("value/0/isDefault", "true");
    is("value/0/isVerified", "true");
    get("/v1.0/domains/contoso.test");
    is_text("authenticationType", "Managed");
    ask(404, "GET /v1.0/domains/fabrikam.test", NULL);
    get("/beta/deviceManagement");
    is_text("id", g.box->tenant);
}

static void roles_as_resources(void **state TD_UNUSED)
{
    const char *ada = person("grace@contoso.test", "Enrollment Technician");
    (void)person("hal@contoso.test", "Enrollment Technician");
    get("/v1.0/deviceManagement/roleDefinitions?$filter=isBuiltIn eq true");
    counts(TD_ROLE_COUNT);
    const char *at = gw_find("displayName", "Read Only Operator");
    assert_string_not_equal(at, "");
    const char *actions = gw_value(gw_at(text("%s/rolePermissions/0/resourceActions/0/allowedResourceActions", at)));
    assert_non_null(strstr(actions, "\"Microsoft.Intune_Profile_Read\""));
    assert_null(strstr(actions, "_Update\""));
    get("/beta/deviceManagement/roleAssignments?$expand=roleDefinition");
    counts(1);
    is_text("value/0/displayName", "Enrollment Technician");
    assert_int_equal(td_json_count(gw_at("value/0/members")), 2);
    is_text("value/0/roleDefinition/displayName", "Enrollment Technician");
    get("/beta/deviceManagement/roleDefinitions?$filter=displayName eq 'Enrollment Technician'");
    askf(200, NULL, "GET /beta/deviceManagement/roleDefinitions/%s/roleAssignments", gw_str("value/0/id"));
    counts(1);
    ask(501, "POST /beta/deviceManagement/roleDefinitions", "{\"displayName\":\"x\"}");
    as(ada, 200, "GET /beta/deviceManagement/getEffectivePermissions(scope='*')", NULL);
    const char *mine = gw_value(gw_at("value/0/resourceActions/0/allowedResourceActions"));
    assert_non_null(strstr(mine, "\"Microsoft.Intune_Register_Update\""));
    assert_null(strstr(mine, "\"Microsoft.Intune_Profile_Update\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(changes_of_a_profile), TEST(one_event),        TEST(questions),
        TEST(the_directory),        TEST(refused_changes),  TEST(a_device_comes_and_goes),
        TEST(roles_at_the_door),    TEST(the_organization), TEST(roles_as_resources),
    };
    return cmocka_run_group_tests_name("graph_audit", tests, NULL, NULL);
}
