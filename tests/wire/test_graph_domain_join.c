/* Domain join configurations and VPN items as clients see, make, change, assign and end them (graph-api.md 1.3, 1.7).
 */
#include "base/encode.h"
#include "managed_world.h"
#include "store/configuration.h"

#define CONFIGURATIONS DM "deviceConfigurations"
#define TYPE "\"@odata.type\":\"#microsoft.graph.windowsDomainJoinConfiguration\""
#define JOIN(more) "{" TYPE ",\"displayName\":\"Corp\",\"activeDirectoryDomainName\":\"corp.contoso.test\"" more "}"
#define PREFIX ",\"computerNameStaticPrefix\":\"PC-\""
#define UNIT "OU=Devices,DC=corp,DC=contoso,DC=test"

static const char *made(void)
{
    ask(201, "POST " CONFIGURATIONS,
        JOIN(PREFIX ",\"computerNameSuffixRandomCharCount\":6,\"organizationalUnit\":\"" UNIT
                    "\",\"description\":\"Branch\""));
    return td_arena_strdup(&g.box->arena, gw_str("id"));
}

static enum td_code body_of(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const char **text = ctx;
    struct td_configuration c;
    td_try(td_configuration_find(tx, g.box->tenant, *text, &g.box->arena, &c, err));
    *text = c.body;
    return TD_OK;
}

/* What is kept, of which a device's way is made. */
static const char *kept(const char *id)
{
    assert_ok(td_store_read(g.box->svc.store, body_of, &id, NULL));
    return id;
}

static void a_domain_join(void **state TD_UNUSED)
{
    const char *id = made();
    is("@odata.type", "\"#microsoft.graph.windowsDomainJoinConfiguration\"");
    is("displayName", "\"Corp\"");
    is("activeDirectoryDomainName", "\"corp.contoso.test\"");
    is("computerNameStaticPrefix", "\"PC-\"");
    is("computerNameSuffixRandomCharCount", "6");
    is("organizationalUnit", "\"" UNIT "\"");
    is("description", "\"Branch\"");
    is("version", "1");
    assert_non_null(strstr(kept(id), "\"namePrefix\":\"PC-\",\"nameRandom\":6,\"reuse\":\"own\""));
    askf(200, "{" TYPE ",\"organizationalUnit\":null,\"displayName\":\"Corp 2\"}", "PATCH " CONFIGURATIONS "/%s", id);
    is("organizationalUnit", "null");
    is("displayName", "\"Corp 2\"");
    is("computerNameSuffixRandomCharCount", "6");
    is("version", "2");
    is("description", "\"Branch\"");
    askf(200, "{\"description\":\"For the sales floor\"}", "PATCH " CONFIGURATIONS "/%s", id);
    is("description", "\"For the sales floor\"");
    askf(200, "{\"description\":null}", "PATCH " CONFIGURATIONS "/%s", id);
    is("description", "null");
    is("version", "2"); /* devices are told nothing */
    askf(200, "{\"computerNameStaticPrefix\":\"NB-\"}", "PATCH " CONFIGURATIONS "/%s", id);
    is("computerNameStaticPrefix", "\"NB-\"");
    is("computerNameSuffixRandomCharCount", "6"); /* what is not named stays */
    askf(200, "{\"computerNameStaticPrefix\":\"CONTOSO-12\"}", "PATCH " CONFIGURATIONS "/%s", id);
    is("computerNameSuffixRandomCharCount", "5"); /* what is left of fifteen */
    get(CONFIGURATIONS "?$filter=isof('microsoft.graph.windowsDomainJoinConfiguration')");
    counts(1);
    askf(204, NULL, "DELETE " CONFIGURATIONS "/%s", id);
    askf(404, NULL, "GET " CONFIGURATIONS "/%s", id);
}

static void refused_by_their_names(void **state TD_UNUSED)
{
    static const struct {
        const char *body, *name;
    } rows[] = {
        {"{" TYPE ",\"displayName\":\"x\",\"activeDirectoryDomainName\":\"CORP\"" PREFIX "}",
         "activeDirectoryDomainName"},
        {JOIN(PREFIX ",\"organizationalUnit\":\"Devices\""), "organizationalUnit"},
        {JOIN(",\"computerNameStaticPrefix\":\"123\""), "computerNameStaticPrefix"},
        {JOIN(PREFIX ",\"computerNameSuffixRandomCharCount\":13"), "computerNameSuffixRandomCharCount"},
        {JOIN(PREFIX ",\"networkAccessConfigurations@odata.bind\":[\"https://x/deviceConfigurations/none\"]"),
         "networkAccessConfigurations"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        ask(400, "POST " CONFIGURATIONS, rows[i].body);
        assert_non_null(strstr(g.body, rows[i].name));
    }
    ask(400, "POST " CONFIGURATIONS, "{" TYPE ",\"displayName\":\"x\"}");
    (void)made();
    gw_call_as(g.token, "POST " CONFIGURATIONS, JOIN(PREFIX)); /* the name is taken */
    assert_int_equal(g.status / 100, 4);
    ask(501, "POST " CONFIGURATIONS,
        "{\"@odata.type\":\"#microsoft.graph.windows10CustomConfiguration\","
        "\"displayName\":\"x\",\"omaSettings\":[]}");
}

static void networks_come_along(void **state TD_UNUSED)
{
    const char *vpn = item("Way in", "{\"kind\":\"vpn\",\"name\":\"Contoso VPN\",\"servers\":[\"vpn.contoso.test\"]}");
    const char *wifi = item("Office", "{\"kind\":\"wifi\",\"ssid\":\"CorpNet\",\"passphrase\":\"example-pass\"}");
    const char *third = item("Third", "{\"kind\":\"wifi\",\"ssid\":\"Third\"}");
    const char *lock = item("Lock", "{\"kind\":\"policy\",\"settings\":[{\"policy\":\"A/B\",\"value\":8}]}");
    ask(201, "POST " CONFIGURATIONS,
        text(JOIN(PREFIX ",\"networkAccessConfigurations@odata.bind\":[\"" HOST "/beta/deviceManagement/"
                         "deviceConfigurations('%s')\"]"),
             vpn));
    const char *id = td_arena_strdup(&g.box->arena, gw_str("id"));
    assert_non_null(strstr(kept(id), vpn));
    askf(204, text("{\"@odata.id\":\"" HOST "/beta/deviceManagement/deviceConfigurations/%s\"}", wifi),
         "POST " CONFIGURATIONS "/%s/microsoft.graph.windowsDomainJoinConfiguration/networkAccessConfigurations/$ref",
         id);
    askf(200, NULL, "GET " CONFIGURATIONS "/%s/networkAccessConfigurations", id);
    counts(2);
    is_text("value/0/id", vpn);
    is_text("value/1/id", wifi);
    askf(200, NULL, "GET " CONFIGURATIONS "/%s?$expand=networkAccessConfigurations", id);
    is_text("networkAccessConfigurations/1/id", wifi);
    askf(400, text("{\"@odata.id\":\"" HOST "/beta/deviceManagement/deviceConfigurations/%s\"}", third),
         "POST " CONFIGURATIONS "/%s/networkAccessConfigurations/$ref", id); /* at most two */
    askf(204, NULL, "DELETE " CONFIGURATIONS "/%s/networkAccessConfigurations/%s/$ref", id, vpn);
    askf(400, text("{\"@odata.id\":\"" HOST "/beta/deviceManagement/deviceConfigurations/%s\"}", lock),
         "POST " CONFIGURATIONS "/%s/networkAccessConfigurations/$ref", id); /* no network */
    askf(200, NULL, "GET " CONFIGURATIONS "/%s/networkAccessConfigurations", id);
    counts(1);
    askf(200, "{\"computerNameStaticPrefix\":\"AB-\"}", "PATCH " CONFIGURATIONS "/%s", id);
    assert_non_null(strstr(kept(id), wifi)); /* what is not named stays */
}

static void assigned_and_found(void **state TD_UNUSED)
{
    const char *id = made();
    ask(201, "POST " DM "windowsAutopilotDeploymentProfiles",
        "{\"@odata.type\":\"#microsoft.graph.activeDirectoryWindowsAutopilotDeploymentProfile\","
        "\"displayName\":\"Hybrid\",\"hybridAzureADJoinSkipConnectivityCheck\":true}");
    const char *profile = td_arena_strdup(&g.box->arena, gw_str("id"));
    askf(404, NULL, "GET " DM "windowsAutopilotDeploymentProfiles/%s/domainJoinConfiguration", profile);
    askf(201, "{\"target\":{\"@odata.type\":\"#microsoft.graph.allDevicesAssignmentTarget\"}}",
         "POST " DM "windowsAutopilotDeploymentProfiles/%s/assignments", profile);
    askf(200, "{\"assignments\":[{\"target\":{\"@odata.type\":\"#microsoft.graph.allDevicesAssignmentTarget\"}}]}",
         "POST " CONFIGURATIONS "/%s/assign", id);
    counts(1);
    is("value/0/target/@odata.type", "\"#microsoft.graph.allDevicesAssignmentTarget\"");
    askf(200, NULL, "GET " CONFIGURATIONS "/%s/assignments", id);
    counts(1);
    askf(200, NULL, "GET " DM "windowsAutopilotDeploymentProfiles/%s/domainJoinConfiguration", profile);
    is_text("id", id);
    is("activeDirectoryDomainName", "\"corp.contoso.test\"");
    askf(200, NULL, "GET " DM "windowsAutopilotDeploymentProfiles/%s?$expand=domainJoinConfiguration", profile);
    is_text("domainJoinConfiguration/id", id);
    askf(400,
         "{\"assignments\":[{\"target\":{\"@odata.type\":\"#microsoft.graph.groupAssignmentTarget\",\"groupId\":"
         "\"00000000-0000-4000-8000-000000000001\"}}]}",
         "POST " CONFIGURATIONS "/%s/assign", id);
    askf(200, "{\"assignments\":[]}", "POST " CONFIGURATIONS "/%s/assign", id);
    askf(200, NULL, "GET " CONFIGURATIONS "/%s/assignments", id);
    counts(0);
    askf(201, "{\"target\":{\"@odata.type\":\"#microsoft.graph.allDevicesAssignmentTarget\"}}",
         "POST " CONFIGURATIONS "/%s/assignments", id);
    askf(204, NULL, "DELETE " CONFIGURATIONS "/%s/assignments/%s", id, gw_str("id"));
}

static void a_vpn_as_settings(void **state TD_UNUSED)
{
    struct td_slice xml;
    (void)item("A",
               "{\"kind\":\"vpn\",\"name\":\"Contoso VPN\",\"servers\":[\"vpn.contoso.test\"],\"protocol\":\"l2tp\","
               "\"authentication\":\"mschapv2\",\"presharedKey\":\"open-sesame\"}");
    (void)item("B", "{\"kind\":\"vpn\",\"name\":\"Whole\",\"profileXml\":\"<VPNProfile><NativeProfile><Servers>a"
                    "</Servers><L2tpPsk>open-sesame</L2tpPsk></NativeProfile></VPNProfile>\"}");
    (void)item("C", "{\"kind\":\"co-management\",\"workloads\":[\"compliance\"]}");
    get(CONFIGURATIONS "?$orderby=displayName");
    counts(3);
    is("value/0/@odata.type", "\"#microsoft.graph.windows10CustomConfiguration\"");
    is("value/0/omaSettings/0/omaUri", "\"./Device/Vendor/MSFT/VPNv2/Contoso%20VPN/ProfileXML\"");
    assert_ok(td_b64_decode(&g.box->arena, td_str(gw_str("value/0/omaSettings/0/value")), TD_B64_STD, &xml));
    assert_true(td_search(xml, TD_S("vpn.contoso.test")) != SIZE_MAX);
    assert_true(td_search(xml, TD_S("sesame")) == SIZE_MAX);
    is("value/1/omaSettings/0/omaUri", "\"./Device/Vendor/MSFT/VPNv2/Whole/ProfileXML\"");
    is("value/1/omaSettings/0/value", "\"****\"");
    is("value/1/omaSettings/0/isEncrypted", "true");
    is("value/2/omaSettings/0/value", "\"8195\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(a_domain_join), TEST(refused_by_their_names), TEST(networks_come_along),
                                       TEST(assigned_and_found), TEST(a_vpn_as_settings)};
    return cmocka_run_group_tests_name("graph_domain_join", tests, NULL, NULL);
}
