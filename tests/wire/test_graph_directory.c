/* Groups, directory devices and users through the administration interface (graph-api.md 1.8, 1.9, 2.1, 3.1 step 7). */
#include "graph_world.h"
#include "store/device.h"

#define GROUPS "/beta/groups"

static const char kiosk_rule[] = "(device.devicePhysicalIds -any _ -eq \\\"[OrderID]:KIOSK\\\")";

static const char *static_group(const char *name)
{
    ask(201, "POST " GROUPS,
        text("{\"displayName\":\"%s\",\"mailEnabled\":false,\"mailNickname\":\"%s\",\"securityEnabled\":true}", name,
             name));
    return gw_str("id");
}

static const char *dynamic_group(const char *name, const char *rule)
{
    ask(201, "POST " GROUPS,
        text("{\"displayName\":\"%s\",\"mailEnabled\":false,\"mailNickname\":\"n\",\"securityEnabled\":true,"
             "\"groupTypes\":[\"DynamicMembership\"],\"membershipRule\":\"%s\","
             "\"membershipRuleProcessingState\":\"On\"}",
             name, rule));
    return gw_str("id");
}

/* The directory object of a machine. */
static const char *device_of(unsigned number)
{
    askf(200, NULL,
         "GET "
         "/beta/devices?$filter=displayName eq 'SN-%04u'",
         number);
    counts(1);
    return gw_str("value/0/id");
}

static size_t members_of(const char *group)
{
    askf(200, NULL, "GET " GROUPS "/%s/members", group);
    return gw_count();
}

static void a_group_by_hand(void **state TD_UNUSED)
{
    gw_machine(1, "KIOSK");
    gw_machine(2, "");
    const char *id = static_group("Lab");
    is("@odata.context", "\"" HOST "/beta/$metadata#groups/$entity\"");
    is("groupTypes", "[]");
    is("membershipRule", "null");
    is("membershipRuleProcessingStatus", "null");
    is("securityEnabled", "true");
    get("/beta/groups?$filter=displayName eq 'Lab'");
    counts(1);
    is_text("value/0/id", id);
    askf(200, NULL,
         "GET "
         "/v1.0/groups?$filter=id eq '%s'",
         id);
    counts(1);
    is("value/0/membershipRuleProcessingStatus", "(missing)");
    get("/beta/groups?$filter=groupTypes/any(c:c eq 'DynamicMembership')");
    counts(0);
    /* any host in the reference */
    const char *device = device_of(1);
    askf(204, text("{\"@odata.id\":\"https://graph.microsoft.com/beta/directoryObjects/%s\"}", device),
         "POST " GROUPS "/%s/members/$ref", id);
    askf(400, text("{\"@odata.id\":\"https://elsewhere.test/v1.0/devices/%s\"}", device),
         "POST " GROUPS "/%s/members/$ref", id);
    is_error("Request_BadRequest");
    assert_non_null(strstr(g.body, "already exist"));
    askf(200, NULL, "GET " GROUPS "/%s/members", id);
    counts(1);
    is("value/0/@odata.type", "\"#microsoft.graph.device\"");
    is_text("value/0/deviceId", device);
    askf(200, NULL, "GET " GROUPS "/%s/transitiveMembers?$select=id", id);
    counts(1);
    askf(200, NULL,
         "GET "
         "/beta/devices/%s/memberOf",
         device);
    counts(1);
    is("value/0/displayName", "\"Lab\"");
    is("value/0/@odata.type", "\"#microsoft.graph.group\"");
    askf(204, NULL, "DELETE " GROUPS "/%s/members/%s/$ref", id, device);
    askf(404, NULL, "DELETE " GROUPS "/%s/members/%s/$ref", id, device);
    assert_int_equal(members_of(id), 0);
    askf(404, "{\"@odata.id\":\"/directoryObjects/6a1e7c2e-0000-4000-8000-00000000dead\"}",
         "POST " GROUPS "/%s/members/$ref", id);
    is_error("Request_ResourceNotFound");
    /* another name, then gone */
    askf(204, "{\"displayName\":\"Lab 2\",\"description\":\"d\"}", "PATCH " GROUPS "/%s", id);
    askf(200, NULL, "GET " GROUPS "/%s", id);
    is("displayName", "\"Lab 2\"");
    is("description", "\"d\"");
    askf(204, NULL, "DELETE " GROUPS "/%s", id);
    askf(404, NULL, "GET " GROUPS "/%s", id);
    ask(405, "DELETE " GROUPS "/", NULL);
}

static void what_a_group_needs(void **state TD_UNUSED)
{
    static const struct {
        const char *body, *says;
        int status;
    } rows[] = {
        {"{\"displayName\":\"A\"}", "mailEnabled", 400},
        {"{\"displayName\":\"A\",\"mailEnabled\":false,\"securityEnabled\":true}", "mailNickname", 400},
        {"{\"displayName\":\"\",\"mailEnabled\":false,\"securityEnabled\":true,\"mailNickname\":\"a\"}", "displayName",
         400},
        {"{\"displayName\":\"A\",\"mailEnabled\":true,\"securityEnabled\":true,\"mailNickname\":\"a\"}", "mail", 501},
        {"{\"displayName\":\"A\",\"mailEnabled\":false,\"securityEnabled\":true,\"mailNickname\":\"a\","
         "\"groupTypes\":[\"DynamicMembership\"]}",
         "membershipRule", 400},
        {"{\"displayName\":\"A\",\"mailEnabled\":false,\"securityEnabled\":true,\"mailNickname\":\"a\","
         "\"groupTypes\":[\"DynamicMembership\"],\"membershipRule\":\"device.colour -eq \\\"x\\\"\"}",
         "character 8: a device has no attribute", 400},
        {"{\"displayName\":\"A\",\"mailEnabled\":false,\"securityEnabled\":true,\"mailNickname\":\"a\","
         "\"membershipRule\":\"device.displayName -eq \\\"x\\\"\"}",
         "groupTypes", 400},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        ask(rows[i].status, "POST " GROUPS, rows[i].body);
        if (strstr(g.body, rows[i].says) == NULL)
            fail_msg("%s: %s", rows[i].body, g.body);
    }
}

static void a_group_by_rule(void **state TD_UNUSED)
{
    gw_machine(1, "KIOSK");
    gw_machine(2, "OFFICE");
    const char *id = dynamic_group("Kiosks", kiosk_rule);
    is("groupTypes", "[\"DynamicMembership\"]");
    is("membershipRuleProcessingState", "\"On\"");
    is("membershipRuleProcessingStatus/status", "\"NotStarted\"");
    gw_work();
    askf(200, NULL, "GET " GROUPS "/%s", id);
    is("membershipRuleProcessingStatus/status", "\"Succeeded\"");
    is("membershipRuleProcessingStatus/errorMessage", "null");
    get("/beta/groups?$filter=groupTypes/any(c:c eq 'DynamicMembership')");
    counts(1);
    askf(200, NULL, "GET " GROUPS "/%s/members", id);
    counts(1);
    is("value/0/displayName", "\"SN-0001\"");
    /* the tag moves devices at once */
    gw_machine(3, "KIOSK");
    assert_int_equal(members_of(id), 2);
    const char *device = device_of(2);
    askf(400, text("{\"@odata.id\":\"" HOST "/v1.0/devices/%s\"}", device), "POST " GROUPS "/%s/members/$ref", id);
    /* paused: as it is; on again: it follows */
    askf(204, "{\"membershipRuleProcessingState\":\"Paused\"}", "PATCH " GROUPS "/%s", id);
    gw_machine(4, "KIOSK");
    assert_int_equal(members_of(id), 2);
    askf(204, "{\"membershipRuleProcessingState\":\"On\"}", "PATCH " GROUPS "/%s", id);
    gw_work();
    assert_int_equal(members_of(id), 3);
    /* another rule */
    askf(204, "{\"membershipRule\":\"device.displayName -match \\\"[24]$\\\"\"}", "PATCH " GROUPS "/%s", id);
    gw_work();
    assert_int_equal(members_of(id), 2);
    /* by hand: members stay, and can be changed */
    askf(204, "{\"groupTypes\":[]}", "PATCH " GROUPS "/%s", id);
    askf(200, NULL, "GET " GROUPS "/%s", id);
    is("membershipRule", "null");
    assert_int_equal(members_of(id), 2);
    askf(204, NULL, "DELETE " GROUPS "/%s/members/%s/$ref", id, device);
    assert_int_equal(members_of(id), 1);
    askf(204, text("{\"groupTypes\":[\"DynamicMembership\"],\"membershipRule\":\"%s\"}", kiosk_rule),
         "PATCH " GROUPS "/%s", id);
    gw_work();
    assert_int_equal(members_of(id), 3);
}

static void a_rule_tried(void **state TD_UNUSED)
{
    gw_machine(1, "KIOSK");
    gw_machine(2, "");
    const char *id = dynamic_group("Kiosks", kiosk_rule), *one = device_of(1), *two = device_of(2);
    askf(200, text("{\"memberId\":\"%s\"}", one), "POST " GROUPS "/%s/evaluateDynamicMembership", id);
    is("membershipRuleEvaluationResult", "true");
    assert_non_null(strstr(gw_str("membershipRuleEvaluationDetails"), "[OrderId]:KIOSK"));
    askf(200, text("{\"memberId\":\"%s\"}", two), "POST " GROUPS "/%s/evaluateDynamicMembership", id);
    is("membershipRuleEvaluationResult", "false");
    ask(200, "POST " GROUPS "/evaluateDynamicMembership",
        text("{\"memberId\":\"%s\",\"membershipRule\":\"device.displayName -startsWith \\\"SN\\\"\"}", two));
    is("membershipRuleEvaluationResult", "true");
    ask(200, "POST " GROUPS "/evaluateDynamicMembership",
        text("{\"memberId\":\"%s\",\"membershipRule\":\"user.accountEnabled -eq true\"}", two));
    is("membershipRuleEvaluationResult", "false");
    ask(400, "POST " GROUPS "/evaluateDynamicMembership",
        text("{\"memberId\":\"%s\",\"membershipRule\":\"device.displayName\"}", two));
    ask(404, "POST " GROUPS "/evaluateDynamicMembership",
        "{\"memberId\":\"6a1e7c2e-0000-4000-8000-00000000dead\",\"membershipRule\":\"device.displayName -ne null\"}");
}

static void devices(void **state TD_UNUSED)
{
    gw_machine(1, "KIOSK");
    gw_machine(2, "SALES-1");
    const char *id = device_of(1);
    askf(200, NULL,
         "GET "
         "/beta/devices?$filter=deviceID eq '%s'",
         id);
    counts(1);
    askf(200, NULL,
         "GET "
         "/v1.0/devices?$filter=deviceId eq '%s'",
         id);
    counts(1);
    is_text("value/0/id", id);
    is("value/0/operatingSystem", "\"Windows\"");
    is("value/0/accountEnabled", "true");
    is("value/0/trustType", "\"AzureAd\"");
    is("value/0/systemLabels", "[]");
    const char *ztd = gw_str("value/0/physicalIds/0");
    assert_true(td_starts(td_str(ztd), "[ZTDID]:"));
    is("value/0/physicalIds/1", "\"[OrderId]:KIOSK\"");
    askf(200, NULL,
         "GET "
         "/beta/devices?$filter=physicalIds/any(p:p eq '%s')",
         ztd);
    counts(1);
    get("/beta/devices?$filter=physicalIds/any(p:startsWith(p,'[OrderId]:SALES'))");
    counts(1);
    is("value/0/displayName", "\"SN-0002\"");
    get("/beta/devices?$filter=deviceID eq ''");
    counts(0);
    get("/beta/devices/$count");
    assert_string_equal(g.body, "2");
    /* changes, and what follows from them */
    const char *group = dynamic_group("East", "device.extensionAttribute3 -eq \\\"east\\\"");
    const char *off = dynamic_group("Off", "device.accountEnabled -eq false");
    gw_work();
    askf(204, "{\"accountEnabled\":false,\"extensionAttributes\":{\"extensionAttribute3\":\"East\"}}",
         "PATCH /beta/devices/%s", id);
    askf(200, NULL,
         "GET "
         "/beta/devices/%s",
         id);
    is("accountEnabled", "false");
    is("extensionAttributes/extensionAttribute3", "\"East\"");
    is("extensionAttributes/extensionAttribute4", "null");
    assert_int_equal(members_of(group), 1);
    assert_int_equal(members_of(off), 1);
    askf(204, "{\"extensionAttributes\":{\"extensionAttribute3\":null}}", "PATCH /beta/devices/%s", id);
    assert_int_equal(members_of(group), 0);
    /* the object of a registration goes with it alone; an empty id is no collection */
    askf(400, NULL, "DELETE /beta/devices/%s", id);
    assert_non_null(strstr(g.body, "registration"));
    ask(405, "DELETE /beta/devices/", NULL);
    get("/beta/devices");
    counts(2);
    askf(200, NULL,
         "GET "
         "/beta/directoryObjects/%s",
         id);
    is("@odata.type", "\"#microsoft.graph.device\"");
    is("displayName", "\"SN-0001\"");
}

/* A person joins a machine that nobody registered. */
static enum td_code join_one(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_way_row way;
    struct td_device_joining j = {.id = ctx,
                                  .registration_id = "",
                                  .display_name = "LAPTOP-1",
                                  .os = "Windows",
                                  .os_version = "10.0.22631.1",
                                  .trust_type = "AzureAd",
                                  .owner_id = g.box->user_id,
                                  .owner_upn = "ada@contoso.test",
                                  .hardware_id = "",
                                  .alt_security_id = "X509:<SHA1-TP-PUBKEY>AB",
                                  .transport_key = TD_S("k")};
    td_try(td_device_join(tx, g.box->tenant, &j, err));
    td_try(td_way_add(tx, g.box->tenant, TD_WAY_DEVICE, ctx, &g.box->arena, &way, err));
    return td_group_device_moved(tx, g.box->tenant, ctx, "test", err);
}

static void a_joined_device_is_deleted(void **state TD_UNUSED)
{
    static char id[] = "6a1e7c2e-1111-4000-8000-000000000001";
    const char *laptops = dynamic_group("Laptops", "device.displayName -startsWith \\\"laptop\\\"");
    const char *lab = static_group("Lab");
    gw_work();
    assert_ok(td_store_write(g.box->svc.store, join_one, id, NULL));
    assert_int_equal(members_of(laptops), 1);
    askf(200, NULL, "GET /v1.0/users/%s/ownedDevices", g.box->user_id);
    counts(1);
    askf(200, NULL, "GET /v1.0/devices/%s/registeredOwners", id);
    is("value/0/userPrincipalName", "\"ada@contoso.test\"");
    askf(200, NULL, "GET /beta/devices/%s", id);
    is("alternativeSecurityIds/0/type", "2");
    askf(204, text("{\"@odata.id\":\"/devices/%s\"}", id), "POST " GROUPS "/%s/members/$ref", lab);
    askf(204, NULL, "DELETE /beta/devices/%s", id);
    askf(404, NULL, "GET /beta/devices/%s", id);
    assert_int_equal(members_of(laptops), 0);
    assert_int_equal(members_of(lab), 0);
}

static const char new_user[] =
    "{\"accountEnabled\":true,\"displayName\":\"Grace\",\"mailNickname\":\"grace\","
    "\"userPrincipalName\":\"grace@contoso.test\",\"department\":\"Sales\",\"otherMails\":[\"g@x.test\"],"
    "\"businessPhones\":[\"+49 1\"],\"passwordProfile\":{\"forceChangePasswordNextSignIn\":false,"
    "\"password\":\"correct horse 42\"}}";

static void users(void **state TD_UNUSED)
{
    const char *sales = dynamic_group("Sales", "user.department -eq \\\"sales\\\"");
    gw_work();
    ask(201, "POST /beta/users", new_user);
    const char *id = gw_str("id");
    is("userPrincipalName", "\"grace@contoso.test\"");
    is("businessPhones", "[\"+49 1\"]");
    is("passwordProfile", "(missing)");
    is("department", "\"Sales\""); /* every property of the document, without being asked for (1.8) */
    assert_null(strstr(g.body, "argon2"));
    assert_int_equal(members_of(sales), 1);
    is("value/0/@odata.type", "\"#microsoft.graph.user\"");
    askf(200, NULL,
         "GET "
         "/v1.0/users/%s?$select=department,otherMails,accountEnabled,passwordProfile",
         id);
    is("department", "\"Sales\"");
    is("otherMails", "[\"g@x.test\"]");
    is("accountEnabled", "true");
    askf(200, NULL, "GET /v1.0/users/%s", id);
    is("accountEnabled", "true");
    is("deviceEnrollmentLimit", "15");
    is("proxyAddresses", "[]");
    assert_null(strstr(g.body, "argon2"));
    get("/v1.0/users/GRACE@contoso.test");
    is_text("id", id);
    get("/v1.0/users?$filter=userPrincipalName eq 'grace@contoso.test'");
    counts(1);
    get("/v1.0/users/grace@contoso.test/memberOf");
    counts(1);
    ask(409, "POST /beta/users", new_user);
    ask(400, "POST /beta/users",
        "{\"accountEnabled\":true,\"displayName\":\"X\",\"mailNickname\":\"x\",\"userPrincipalName\":"
        "\"x@contoso.test\"}");
    assert_non_null(strstr(g.body, "password"));
    ask(400, "POST /beta/users",
        "{\"accountEnabled\":true,\"displayName\":\"X\",\"mailNickname\":\"x\",\"userPrincipalName\":"
        "\"x@fabrikam.test\",\"passwordProfile\":{\"password\":\"correct horse 42\"}}");
    askf(204, "{\"department\":\"Lab\",\"displayName\":\"Grace H\",\"accountEnabled\":false}", "PATCH /beta/users/%s",
         id);
    assert_int_equal(members_of(sales), 0);
    get("/v1.0/users/grace@contoso.test?$select=displayName,accountEnabled");
    is("displayName", "\"Grace H\"");
    is("accountEnabled", "false");
    const char *lab = static_group("By hand");
    askf(204, text("{\"@odata.id\":\"" HOST "/v1.0/users/%s\"}", id), "POST " GROUPS "/%s/members/$ref", lab);
    assert_int_equal(members_of(lab), 1);
    askf(204, NULL, "DELETE /v1.0/users/%s", id);
    assert_int_equal(members_of(lab), 0);
    ask(404, "GET /v1.0/users/grace@contoso.test", NULL);
    is_error("Request_ResourceNotFound");
}

struct given {
    const char *id, *role;
};

static enum td_code give(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct given *role = ctx;
    return td_user_role_add(tx, g.box->tenant, role->id, role->role, "test", err);
}

static enum td_code add_keeper(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_application *app = ctx;
    unsigned char sum[32];
    td_sha256(td_str("a keeper's secret"), sum);
    td_try(td_application_add(tx, g.box->tenant, "People", false, "test", &g.box->arena, app, err));
    td_try(td_application_role_add(tx, app, "User.ReadWrite.All", "test", err));
    return td_application_secret_add(tx, app, sum, td_tx_now(tx) + TD_DAY, "test", err);
}

static const char *keeper_of_users(void)
{
    struct td_application app;
    assert_ok(td_store_write(g.box->svc.store, add_keeper, &app, NULL));
    return gw_token_of(g.box->tenant, app.id, "a%20keeper's%20secret");
}

/* Whoever keeps users gets nobody's rights by a new password, a name, or by shutting him out; the rest of his card is
 * free, and the attempt is in the audit. */
static void nobody_becomes_administrator_by_a_password(void **state TD_UNUSED)
{
    static const char password[] = "{\"passwordProfile\":{\"password\":\"correct horse 43\"}}";
    static const char *const roles[] = {"Enrollment Technician", "Intune Administrator", "Global Administrator"};
    const char *all = g.token;
    g.token = keeper_of_users();
    ask(201, "POST /beta/users", new_user);
    const char *id = gw_str("id");
    askf(204, password, "PATCH /beta/users/%s", id);
    for (size_t i = 0; i < TD_COUNTOF(roles); i++) {
        struct given role = {.id = id, .role = roles[i]};
        assert_ok(td_store_write(g.box->svc.store, give, &role, NULL));
        askf(403, password, "PATCH /beta/users/%s", id);
        is_error("Authorization_RequestDenied");
        askf(403, "{\"accountEnabled\":false}", "PATCH /beta/users/%s", id);
        askf(403, "{\"userPrincipalName\":\"mine@contoso.test\"}", "PATCH /beta/users/%s", id);
        askf(403, NULL, "DELETE /beta/users/%s", id);
        askf(204, "{\"city\":\"Lund\"}", "PATCH /beta/users/%s", id);
    }
    g.token = all;
    get("/v1.0/auditLogs/directoryAudits?$filter=result eq 'failure'");
    counts(12);
    askf(403, password, "PATCH /beta/users/%s", id);
}

static void other_tenants_stay_apart(void **state TD_UNUSED)
{
    gw_machine(1, "");
    const char *id = static_group("Lab"), *device = device_of(1);
    const char *mine = g.token;
    g.token = g.foreign;
    askf(404, NULL, "GET " GROUPS "/%s", id);
    askf(404, NULL, "GET /beta/devices/%s", device);
    askf(404, NULL, "GET /beta/directoryObjects/%s", id);
    const char *theirs = static_group("Theirs");
    askf(404, text("{\"@odata.id\":\"/devices/%s\"}", device), "POST " GROUPS "/%s/members/$ref", theirs);
    g.token = mine;
    askf(404, NULL, "GET " GROUPS "/%s", theirs);
}

static void lists_are_asked(void **state TD_UNUSED)
{
    gw_machine(1, "KIOSK");
    for (int i = 0; i < 5; i++)
        (void)static_group(text("Lab %d", 4 - i));
    (void)dynamic_group("Kiosks", kiosk_rule);
    gw_work();
    g.extra[0] = "ConsistencyLevel: eventual";
    get("/beta/groups?$search=\"displayName:ab\"&$count=true");
    counts(5);
    is("@odata.count", "5");
    g.extra[0] = NULL;
    get("/beta/groups?$orderby=displayName desc&$top=2&$select=id,displayName");
    counts(2);
    is("value/0/displayName", "\"Lab 4\"");
    is("value/0/groupTypes", "(missing)");
    assert_true(strlen(gw_str("@odata.nextLink")) > 0);
    get("/beta/groups?$filter=startswith(displayName,'kio')&$expand=members");
    counts(1);
    is("value/0/members/0/displayName", "\"SN-0001\"");
    get("/beta/devices?$expand=memberOf");
    is("value/0/memberOf/0/displayName", "\"Kiosks\"");
    get("/v1.0/users?$filter=startswith(displayName,'A')");
    counts(1);
    const char *ada = gw_str("value/0/id");
    askf(200, NULL, "GET /v1.0/users/%s/ownedDevices", ada);
    counts(0);
    ask(400, "GET /v1.0/me", NULL);
    ask(400, "GET /beta/groups?$filter=colour eq 'red'", NULL);
}

/* A group that goes takes its assignments with it, and the registration is told. */
static void a_group_that_goes(void **state TD_UNUSED)
{
    gw_machine(1, "KIOSK");
    const char *group = dynamic_group("Kiosks", kiosk_rule);
    ask(201, "POST " PROFILES,
        "{\"@odata.type\":\"#microsoft.graph.azureADWindowsAutopilotDeploymentProfile\",\"displayName\":\"Kiosk\"}");
    const char *profile = gw_str("id");
    askf(201,
         text("{\"target\":{\"@odata.type\":\"#microsoft.graph.groupAssignmentTarget\",\"groupId\":\"%s\"}}", group),
         "POST " PROFILES "/%s/assignments", profile);
    gw_work();
    get(DEVICES "?$expand=deploymentProfile");
    is_text("value/0/deploymentProfile/id", profile);
    askf(204, NULL, "DELETE " GROUPS "/%s", group);
    gw_work();
    askf(200, NULL, "GET " PROFILES "/%s/assignments", profile);
    counts(0);
    get(DEVICES);
    is("value/0/deploymentProfileAssignmentStatus", "\"notAssigned\"");
    get("/v1.0/auditLogs/directoryAudits");
    assert_non_null(strstr(g.body, "Kiosk"));
}

/* Why a device has its profile: rule, group, priority, what lost and why (autopilot.md Z03). */
static void why_this_profile(void **state TD_UNUSED)
{
    gw_machine(1, "KIOSK");
    get(DEVICES);
    const char *id = gw_str("value/0/id");
    const char *kiosks = dynamic_group("Kiosks", kiosk_rule),
               *other = dynamic_group("Sales", "device.deviceModel -eq \\\"X\\\"");
    const char *profiles[3];
    for (int i = 0; i < 3; i++) {
        g.box->world.now += TD_SECOND;
        ask(201, "POST " PROFILES,
            text("{\"@odata.type\":\"#microsoft.graph.azureADWindowsAutopilotDeploymentProfile\",\"displayName\":\"P%"
                 "d\"}",
                 i));
        profiles[i] = gw_str("id");
        askf(201,
             i == 2
                 ? "{\"target\":{\"@odata.type\":\"#microsoft.graph.allDevicesAssignmentTarget\"}}"
                 : text("{\"target\":{\"@odata.type\":\"#microsoft.graph.groupAssignmentTarget\",\"groupId\":\"%s\"}}",
                        i == 0 ? other : kiosks),
             "POST " PROFILES "/%s/assignments", profiles[i]);
    }
    /* at once, before any spread */
    askf(200, NULL, "GET " DEVICES "/%s/explainAssignment()", id);
    is("intendedProfile/displayName", "\"P1\"");
    is("effectiveProfile", "null");
    is("candidates/0/profile", "\"P1\"");
    is("candidates/0/holds", "true");
    is("candidates/0/group", "\"Kiosks\"");
    is("memberships/0/displayName", "\"Kiosks\"");
    is("memberships/0/member", "true");
    is("memberships/0/pending", "true");
    assert_non_null(strstr(gw_str("memberships/0/why"), "holds: it is \"[OrderId]:KIOSK\""));
    is("memberships/1/displayName", "\"Sales\"");
    is("memberships/1/member", "false");
    assert_non_null(
        strstr(gw_str("memberships/1/why"), "device.deviceModel -eq \"X\" does not hold: it is \"Book 1\""));
    assert_non_null(strstr(g.body, "a profile of one of the device's groups comes first"));
    gw_work();
    askf(200, NULL, "GET " DEVICES "/%s/explainAssignment", id);
    is("memberships/0/pending", "false");
    askf(404, NULL, "GET " DEVICES "/%s/explainAssignment()", other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_group_by_hand),
        TEST(what_a_group_needs),
        TEST(a_group_by_rule),
        TEST(a_rule_tried),
        TEST(devices),
        TEST(a_joined_device_is_deleted),
        TEST(users),
        TEST(nobody_becomes_administrator_by_a_password),
        TEST(other_tenants_stay_apart),
        TEST(lists_are_asked),
        TEST(a_group_that_goes),
        TEST(why_this_profile),
    };
    return cmocka_run_group_tests_name("graph_directory", tests, NULL, NULL);
}
