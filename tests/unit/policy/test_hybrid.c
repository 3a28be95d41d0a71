/* policy: the items of a hybrid join: which domain, under which name, by which VPN; what becomes of them on the device.
 */
#include "codec/xml.h"
#include "policy/desired.h"
#include "policy/item.h"
#include "unit/test.h"

static struct td_arena arena;
static struct td_error err;

#define ID "9a2a490f-10f6-4764-974a-43b19e722c23"
#define J(members) "{\"kind\":\"domain-join\",\"domain\":\"corp.contoso.test\"," members "}"
#define N(members) J("\"namePrefix\":\"PC-\"," members)
#define V(members) "{\"kind\":\"vpn\",\"name\":\"Contoso VPN\"," members "}"
#define S(members) V("\"servers\":[\"vpn.contoso.test\"]," members)
#define EAP "<EapHostConfig xmlns='http://www.microsoft.com/provisioning/EapHostConfig'><EapMethod/></EapHostConfig>"

static enum td_code read_item(const char *text, struct td_item *ret)
{
    struct td_json *json = NULL;
    assert_ok(td_json_parse(td_str(text), 1 << 20, &arena, &json, &err));
    return td_item_parse(json, &arena, ret, &err);
}

static struct td_item item_of(const char *text)
{
    struct td_item item = {.id = ""};
    if (read_item(text, &item) != TD_OK)
        fail_msg("%s: %s: %s", text, err.where, err.text);
    item.id = ID;
    item.name = "hybrid";
    item.revision = 1;
    return item;
}

static const char *written(const struct td_item *item, bool with_secrets)
{
    struct td_buf b;
    struct td_jsonw w;
    td_buf_init(&b, 1 << 20);
    td_jsonw_init(&w, &b);
    td_item_write(&w, item, with_secrets);
    char *text = td_arena_text(&arena, td_buf_slice(&b));
    td_buf_done(&b);
    return text;
}

static void survives_writing(void **state TD_UNUSED)
{
    static const char *const items[] = {
        J("\"namePrefix\":\"CONTOSO-\""),
        N("\"nameRandom\":4,\"organizationalUnit\":\"OU=a\\\\,b,CN=c,dc=CORP, DC=contoso,DC=test\",\"reuse\":\"any\""),
        J("\"nameTemplate\":\"N%SERIAL%\",\"networkAccess\":[\"" ID "\",\"b\"]"),
        J("\"nameTemplate\":\"FRONT-DESK\",\"oneDevice\":true,\"reuse\":\"never\""),
        S("\"alwaysOn\":true,\"routes\":[\"10.0.0.0/8\",\"fd00::/8\"],\"dnsSuffix\":\"corp.contoso.test\""),
        S("\"deviceTunnel\":true,\"trustedNetwork\":\"corp.contoso.test\",\"routes\":[\"10.1.0.0/16\"]"),
        S("\"protocol\":\"l2tp\",\"authentication\":\"mschapv2\",\"presharedKey\":\"sesame\",\"scope\":\"user\""),
        S("\"authentication\":\"eap\",\"eapXml\":\"" EAP "\""),
        V("\"profileXml\":\"<VPNProfile><NativeProfile><Servers>a</Servers></NativeProfile></VPNProfile>\""),
    };
    for (size_t i = 0; i < TD_COUNTOF(items); i++) {
        struct td_item one = item_of(items[i]), two = item_of(written(&one, true));
        assert_string_equal(written(&one, true), written(&two, true));
    }
}

static void keeps_its_secrets(void **state TD_UNUSED)
{
    struct td_item key =
        item_of(S("\"protocol\":\"l2tp\",\"authentication\":\"mschapv2\",\"presharedKey\":\"open-sesame\""));
    struct td_item whole = item_of(
        V("\"profileXml\":\"<VPNProfile><NativeProfile><L2tpPsk>open-sesame</L2tpPsk></NativeProfile></VPNProfile>\""));
    assert_true(td_item_has_secret(TD_ITEM_VPN));
    assert_null(strstr(written(&key, false), "sesame"));
    assert_null(strstr(written(&whole, false), "sesame"));
    assert_non_null(strstr(written(&key, false), "vpn.contoso.test"));
}

static void makes_a_pattern(void **state TD_UNUSED)
{
    struct td_item item = item_of(J("\"namePrefix\":\"CONTOSO-\""));
    const struct td_item_domain_join *d = &item.as.domain_join;
    assert_string_equal(d->pattern, "CONTOSO-%RAND:7%");
    assert_int_equal(d->random, 7);
    assert_string_equal(d->ou, "");
    assert_string_equal(d->reuse, "own");
    item = item_of(J("\"nameTemplate\":\"N%SERIAL%\""));
    assert_string_equal(d->pattern, "N%SERIAL%");
    assert_string_equal(d->prefix, "");
    item = item_of(N("\"nameRandom\":4,\"networkAccess\":[\"a\",\"b\"]"));
    assert_string_equal(d->pattern, "PC-%RAND:4%");
    assert_int_equal(d->network_count, 2);
    assert_string_equal(d->network[1], "b");
}

static void refuses_by_name(void **state TD_UNUSED)
{
    static const struct {
        const char *json, *where;
    } rows[] = {
        {"{\"kind\":\"domain-join\",\"namePrefix\":\"PC-\"}", "domain"},
        {"{\"kind\":\"domain-join\",\"namePrefix\":\"PC-\",\"domain\":\"CONTOSO\"}", "domain"},
        {"{\"kind\":\"domain-join\",\"namePrefix\":\"PC-\",\"domain\":\"corp..test\"}", "domain"},
        {"{\"kind\":\"domain-join\",\"namePrefix\":\"PC-\",\"domain\":\"-corp.test\"}", "domain"},
        {"{\"kind\":\"domain-join\",\"namePrefix\":\"PC-\",\"domain\":\"corp.test.\"}", "domain"},
        {N("\"organizationalUnit\":\"Devices\""), "organizationalUnit"},
        {N("\"organizationalUnit\":\"OU=a,DC=contoso,DC=test\""), "organizationalUnit"},
        {N("\"organizationalUnit\":\"OU=a,DC=corp,DC=contoso\""), "organizationalUnit"},
        {N("\"organizationalUnit\":\"DC=corp,DC=contoso,DC=test\""), "organizationalUnit"},
        {N("\"organizationalUnit\":\"OU=a,DC=corp,DC=contoso,DC=test,DC=x\""), "organizationalUnit"},
        {N("\"organizationalUnit\":\"OU=a,DC=corp,OU=b,DC=contoso,DC=test\""), "organizationalUnit"},
        {N("\"organizationalUnit\":\"OU=,DC=corp,DC=contoso,DC=test\""), "organizationalUnit"},
        {N("\"organizationalUnit\":\"OU=a,DC=corp,DC=contoso,DC=test,\""), "organizationalUnit"},
        {J("\"reuse\":\"own\""), "namePrefix"},
        {J("\"namePrefix\":\"123\""), "namePrefix"},
        {J("\"namePrefix\":\"-PC\""), "namePrefix"},
        {J("\"namePrefix\":\"PC_\""), "namePrefix"},
        {J("\"namePrefix\":\"FIFTEEN-LETTERS\""), "namePrefix"},
        {N("\"nameRandom\":13"), "nameRandom"},
        {N("\"nameRandom\":0"), "nameRandom"},
        {N("\"nameTemplate\":\"N%SERIAL%\""), "nameTemplate"},
        {J("\"nameTemplate\":\"FIXED\""), "nameTemplate"},
        {J("\"nameTemplate\":\"%RAND:4%\""), "nameTemplate"},
        {J("\"nameTemplate\":\"TOO-LONG-FOR-IT%RAND:1%\""), "nameTemplate"},
        {J("\"nameTemplate\":\"A%NAME%\""), "nameTemplate"},
        {N("\"reuse\":\"mine\""), "reuse"},
        {N("\"networkAccess\":\"a\""), "networkAccess"},
        {N("\"networkAccess\":[\"a\",\"b\",\"c\"]"), "networkAccess"},
        {N("\"networkAccess\":[\"a\",\"a\"]"), "networkAccess"},
        {N("\"networkAccess\":[\"\"]"), "networkAccess"},
        {N("\"scope\":\"user\""), "scope"},
        {N("\"ou\":\"x\""), "ou"},
        {"{\"kind\":\"vpn\",\"servers\":[\"a\"]}", "name"},
        {"{\"kind\":\"vpn\",\"name\":\"a/b\",\"servers\":[\"a\"]}", "name"},
        {V("\"protocol\":\"ikev2\""), "servers"},
        {V("\"servers\":[]"), "servers"},
        {V("\"servers\":[\"a b\"]"), "servers"},
        {V("\"servers\":[\"-x\"]"), "servers"},
        {S("\"protocol\":\"pptp\""), "protocol"},
        {S("\"protocol\":\"l2tp\""), "authentication"},
        {S("\"authentication\":\"mschapv2\""), "authentication"},
        {S("\"authentication\":\"userCertificate\""), "authentication"},
        {S("\"authentication\":\"eap\""), "eapXml"},
        {S("\"authentication\":\"eap\",\"eapXml\":\"<EapHostConfig/>\""), "eapXml"},
        {S("\"eapXml\":\"" EAP "\""), "eapXml"},
        {S("\"presharedKey\":\"x\""), "presharedKey"},
        {S("\"deviceTunnel\":true,\"alwaysOn\":false"), "alwaysOn"},
        {S("\"deviceTunnel\":true,\"scope\":\"user\""), "deviceTunnel"},
        {S("\"deviceTunnel\":true,\"authentication\":\"eap\",\"eapXml\":\"" EAP "\""), "deviceTunnel"},
        {S("\"routes\":[\"10.0.0.0\"]"), "routes"},
        {S("\"routes\":[\"10.0.0.0/33\"]"), "routes"},
        {S("\"routes\":[\"ten/8\"]"), "routes"},
        {S("\"dnsSuffix\":\"a b\""), "dnsSuffix"},
        {S("\"trustedNetwork\":\"a..b\""), "trustedNetwork"},
        {V("\"profileXml\":\"VPN\""), "profileXml"},
        {V("\"profileXml\":\"<VPNProfile/>\""), "profileXml"},
        {S("\"profileXml\":\"<VPNProfile><NativeProfile/></VPNProfile>\""), "servers"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_item item;
        err.where[0] = '\0';
        if (read_item(rows[i].json, &item) == TD_OK || strcmp(err.where, rows[i].where) != 0)
            fail_msg("%s: where is %s", rows[i].json, err.where);
        assert_true(err.text[0] != '\0');
    }
}

/* --- what a device is told ---------------------------------------------------------------------------------------- */

static struct td_desired desired_of(struct td_item *items, size_t count)
{
    struct td_desired d;
    const struct td_desired_in in = {
        .provider = "P", .user_upn = "", .computer_name = "", .setup = true, .items = items, .item_count = count};
    td_desired_make(&in, &arena, &d);
    return d;
}

static const struct td_want *want_of(const struct td_desired *d, const char *key)
{
    for (const struct td_want *w = d->wants; w != NULL; w = w->next)
        if (strcmp(w->key, key) == 0)
            return w;
    return NULL;
}

static const struct td_xml *profile(const char *text)
{
    struct td_item item = item_of(text);
    struct td_desired d = desired_of(&item, 1);
    struct td_xml *root = NULL;
    const struct td_want *atomic = want_of(&d, "A ./Device/Vendor/MSFT/VPNv2/Contoso%20VPN");
    assert_non_null(atomic);
    assert_int_equal(atomic->verb, TD_SYNC_ATOMIC);
    assert_int_equal(atomic->stage, TD_STAGE_SETTING);
    assert_string_equal(atomic->child->uri, "./Device/Vendor/MSFT/VPNv2/Contoso%20VPN/ProfileXML");
    assert_string_equal(atomic->child->format, "chr");
    assert_ok(td_xml_parse(td_str(atomic->child->data), 1 << 20, &arena, &root, &err));
    assert_true(td_xml_is(root, "", "VPNProfile"));
    return root;
}

static void writes_a_device_tunnel(void **state TD_UNUSED)
{
    const struct td_xml *x = profile(S("\"deviceTunnel\":true,\"routes\":[\"10.1.0.0/16\",\"fd00::/8\"],\"dnsSuffix\":"
                                       "\"corp.contoso.test\",\"trustedNetwork\":\"corp.contoso.test\""));
    assert_slice(td_xml_text_at(x, "AlwaysOn"), "true");
    assert_slice(td_xml_text_at(x, "DeviceTunnel"), "true");
    assert_slice(td_xml_text_at(x, "DnsSuffix"), "corp.contoso.test");
    assert_slice(td_xml_text_at(x, "TrustedNetworkDetection"), "corp.contoso.test");
    assert_slice(td_xml_text_at(x, "NativeProfile/Servers"), "vpn.contoso.test");
    assert_slice(td_xml_text_at(x, "NativeProfile/NativeProtocolType"), "IKEv2");
    assert_slice(td_xml_text_at(x, "NativeProfile/RoutingPolicyType"), "SplitTunnel");
    assert_slice(td_xml_text_at(x, "NativeProfile/DisableClassBasedDefaultRoute"), "true");
    assert_slice(td_xml_text_at(x, "NativeProfile/Authentication/MachineMethod"), "Certificate");
    assert_null(td_xml_path(x, "NativeProfile/Authentication/UserMethod"));
    const struct td_xml *second = td_xml_next(td_xml_child(x, NULL, "Route"), NULL, "Route");
    assert_slice(td_xml_text_at(second, "Address"), "fd00::");
    assert_slice(td_xml_text_at(second, "PrefixSize"), "8");
}

static void writes_what_a_person_dials(void **state TD_UNUSED)
{
    const struct td_xml *x = profile(V(
        "\"servers\":[\"a.test\",\"192.0.2.1\"],\"protocol\":\"l2tp\",\"authentication\":\"mschapv2\",\"presharedKey\":"
        "\"<&>\""));
    assert_slice(td_xml_text_at(x, "NativeProfile/Servers"), "a.test,192.0.2.1");
    assert_slice(td_xml_text_at(x, "NativeProfile/L2tpPsk"), "<&>");
    assert_slice(td_xml_text_at(x, "NativeProfile/NativeProtocolType"), "L2tp");
    assert_slice(td_xml_text_at(x, "NativeProfile/RoutingPolicyType"), "ForceTunnel");
    assert_slice(td_xml_text_at(x, "NativeProfile/Authentication/UserMethod"), "MSChapv2");
    assert_null(td_xml_path(x, "NativeProfile/Authentication/MachineMethod"));
    assert_null(td_xml_path(x, "DeviceTunnel"));
    x = profile(S("\"authentication\":\"eap\",\"eapXml\":\"" EAP "\""));
    const struct td_xml *eap = td_xml_path(x, "NativeProfile/Authentication/Eap/Configuration/EapHostConfig");
    assert_non_null(eap);
    assert_string_equal(eap->ns, "http://www.microsoft.com/provisioning/EapHostConfig");
}

static void the_page_waits_for_a_vpn(void **state TD_UNUSED)
{
    struct td_item items[3] = {item_of(S("\"alwaysOn\":true")), item_of("{\"kind\":\"wifi\",\"ssid\":\"Lab\"}"),
                               item_of(V("\"servers\":[\"b\"],\"track\":false"))};
    items[2].as.vpn.name = "untracked";
    struct td_desired d = desired_of(items, 3);
    const struct td_want *list =
        want_of(&d, "R ./Device/Vendor/MSFT/DMClient/Provider/P/FirstSyncStatus/ExpectedNetworkProfiles");
    assert_non_null(list);
    assert_string_equal(list->data, "./Device/Vendor/MSFT/VPNv2/Contoso%20VPN" TD_SYNCML_LIST
                                    "./Device/Vendor/MSFT/WiFi/Profile/Lab");
    const struct td_want *proof = want_of(&d, "G ./Device/Vendor/MSFT/VPNv2/Contoso%20VPN");
    assert_non_null(proof);
    assert_string_equal(proof->expect, ""); /* it is there; its text may hold a key */
}

static void a_changed_profile_replaces(void **state TD_UNUSED)
{
    struct td_item item = item_of(S("\"alwaysOn\":true"));
    struct td_desired d = desired_of(&item, 1);
    const struct td_want *w = want_of(&d, "A ./Device/Vendor/MSFT/VPNv2/Contoso%20VPN");
    uint64_t cmd = 2;
    const struct td_sync_cmd *first = td_want_command(w, false, &cmd, &arena), *again = NULL;
    again = td_want_command(w, true, &cmd, &arena);
    assert_int_equal(first->kind, TD_SYNC_ATOMIC);
    assert_int_equal(first->child->kind, TD_SYNC_ADD);
    assert_int_equal(again->child->kind, TD_SYNC_REPLACE);
}

static void a_domain_join_makes_no_command(void **state TD_UNUSED)
{
    struct td_item item = item_of(N("\"reuse\":\"own\""));
    struct td_desired with = desired_of(&item, 1), without = desired_of(NULL, 0);
    size_t count[2] = {0};
    for (const struct td_want *w = with.wants; w != NULL; w = w->next)
        count[0]++;
    for (const struct td_want *w = without.wants; w != NULL; w = w->next)
        count[1]++;
    assert_int_equal(count[0], count[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survives_writing),
        cmocka_unit_test(keeps_its_secrets),
        cmocka_unit_test(makes_a_pattern),
        cmocka_unit_test(refuses_by_name),
        cmocka_unit_test(writes_a_device_tunnel),
        cmocka_unit_test(writes_what_a_person_dials),
        cmocka_unit_test(the_page_waits_for_a_vpn),
        cmocka_unit_test(a_changed_profile_replaces),
        cmocka_unit_test(a_domain_join_makes_no_command),
    };
    td_arena_init(&arena);
    int failed = cmocka_run_group_tests_name("hybrid", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
