/* policy: the items of a hybrid join: which domain, under which name, by which VPN; what becomes of them on the device.
 */
#include "codec/xml.h"
#include "policy/plan.h"
#include "policy/workload.h"
#include "unit/policy/item_text.h"

#define J(members) "{\"kind\":\"domain-join\",\"domain\":\"corp.contoso.test\"," members "}"
#define N(members) J("\"namePrefix\":\"PC-\"," members)
#define V(members) "{\"kind\":\"vpn\",\"name\":\"Contoso VPN\"," members "}"
#define S(members) V("\"servers\":[\"vpn.contoso.test\"]," members)
#define EAP "<EapHostConfig xmlns='http://www.microsoft.com/provisioning/EapHostConfig'><EapMethod/></EapHostConfig>"

static struct td_item item_of(const char *text)
{
    return item_named("hybrid", text);
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
        "{\"kind\":\"co-management\"}",
        "{\"kind\":\"co-management\",\"client\":\"a\",\"parameters\":\"/mp:b\",\"workloads\":[\"office\"]}",
        "{\"kind\":\"co-management\",\"workloads\":[]}",
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
    assert_string_equal(d->pattern, "CONTOSO-%MIX:7%");
    assert_int_equal(d->random, 7);
    assert_string_equal(d->ou, "");
    assert_string_equal(d->reuse, "own");
    item = item_of(J("\"nameTemplate\":\"N%SERIAL%\""));
    assert_string_equal(d->pattern, "N%SERIAL%");
    assert_string_equal(d->prefix, "");
    item = item_of(N("\"nameRandom\":4,\"networkAccess\":[\"a\",\"b\"]"));
    assert_string_equal(d->pattern, "PC-%MIX:4%");
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
        {"{\"kind\":\"co-management\",\"workloads\":[\"printing\"]}", "workloads"},
        {"{\"kind\":\"co-management\",\"workloads\":\"office\"}", "workloads"},
        {"{\"kind\":\"co-management\",\"parameters\":\"/mp:b\"}", "parameters"},
        {"{\"kind\":\"co-management\",\"client\":\"a\",\"parameters\":\"\\\"\"}", "parameters"},
        {"{\"kind\":\"co-management\",\"scope\":\"user\"}", "scope"},
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

/* --- packages behind one another ---------------------------------------------------------------------------------- */

#define SHA "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define MSI(n, more)                                                                                                 \
    "{\"kind\":\"msi\",\"content\":\"" SHA "\",\"productVersion\":\"1\",\"productCode\":\"{77777777-0000-4000-8000-" \
    "00000000000" n "}\"" more "}"
#define NODE(n) \
    "./Device/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/%7B77777777-0000-4000-8000-00000000000" n "%7D/"
#define RELEASE "R ./Device/Vendor/MSFT/DMClient/Provider/P/FirstSyncStatus/ServerHasFinishedProvisioning"

struct bench {
    struct td_item items[4];
    size_t count;
    struct td_desired d;
    struct td_ledger l;
    int64_t session;
};

static void bench_add(struct bench *b, const char *id, const char *json)
{
    struct td_item *item = &b->items[b->count++];
    *item = item_of(json);
    item->id = id;
}

static bool handed_out(const struct bench *b, const char *key)
{
    const struct td_row *r = td_ledger_find(&b->l, key);
    return r != NULL && r->session == b->session;
}

/* A session: what was asked of a package is answered by status ("" no answer to the query), everything else is taken.
 */
static void talk(struct bench *b, const char *const statuses[4])
{
    static const char *const asked[4] = {NODE("0") "Status", NODE("1") "Status", NODE("2") "Status",
                                         NODE("3") "Status"};
    uint64_t cmd = 2;
    bool news;
    b->session++;
    b->d = desired_of(b->items, b->count);
    td_plan_align(&b->d, &b->l);
    for (const struct td_want *w = NULL; (w = td_plan_next(&b->d, &b->l, b->session, false, w)) != NULL; cmd++)
        td_plan_hand_out(&b->l, w, b->session, 1, cmd, 0);
    for (uint64_t i = 2; i < cmd; i++)
        td_plan_status(&b->l, b->session, 1, i, 200, 0);
    for (int i = 0; i < 4; i++) {
        const char *uri = asked[i];
        if (statuses[i] != NULL && handed_out(b, td_arena_printf(&arena, "G %s", uri)))
            (void)td_plan_result(&b->l, b->session, 1, 0, uri, td_str(statuses[i]), &news);
    }
    td_plan_judge(&b->l, b->session);
    td_plan_align(&b->d, &b->l);
}

#define TALK(b, ...) talk(b, (const char *const[4]){__VA_ARGS__})
#define SENT(b, n) handed_out(b, "S " NODE(n) "DownloadInstall")

static struct bench chain(void)
{
    struct bench b = {.count = 0};
    td_ledger_init(&b.l, &arena);
    bench_add(&b, "client", MSI("2", ",\"after\":[\"vpn\"]"));
    bench_add(&b, "vpn", MSI("1", ",\"after\":[\"runtime\",\"not-assigned\"]"));
    bench_add(&b, "runtime", MSI("0", ""));
    return b;
}

static void packages_wait_for_one_another(void **state TD_UNUSED)
{
    struct bench b = chain();
    TALK(&b, "20");
    assert_true(SENT(&b, "0"));
    assert_false(SENT(&b, "1"));
    TALK(&b, "50");
    assert_false(SENT(&b, "1"));
    assert_false(handed_out(&b, RELEASE)); /* the page's lists are not complete while a package is to come */
    TALK(&b, "70");
    TALK(&b, NULL);
    assert_true(SENT(&b, "1"));
    assert_false(SENT(&b, "2"));
    TALK(&b, NULL, "70");
    TALK(&b, NULL);
    assert_true(SENT(&b, "2"));
    TALK(&b, NULL, NULL, "70");
    assert_int_equal(td_ledger_find(&b.l, RELEASE)->state, TD_ROW_DONE);
}

static void a_package_behind_a_failed_one_fails(void **state TD_UNUSED)
{
    struct bench b = chain();
    const struct td_row *row;
    TALK(&b, "20");
    TALK(&b, "60");
    assert_int_equal(td_plan_item(&b.d, &b.l, "runtime", &row), TD_ITEM_FAILED);
    assert_int_equal(td_plan_item(&b.d, &b.l, "vpn", &row), TD_ITEM_FAILED);
    assert_int_equal(row->status, TD_PLAN_BEHIND_FAILED);
    TALK(&b, "60");
    assert_int_equal(td_plan_item(&b.d, &b.l, "client", &row), TD_ITEM_FAILED);
    assert_false(SENT(&b, "1"));

    struct td_progress p = {.phase = TD_PHASE_DEVICE, .since = 0};
    enum td_way_event event;
    const struct td_progress_in in = {.desired = &b.d, .ledger = &b.l, .now = 1};
    assert_true(td_plan_progress(&in, &p, &event, &err));
    assert_int_equal(event, TD_EV_FAILED);
    assert_string_equal(err.where, "runtime"); /* the cause, not what followed from it */

    b.items[2].revision++; /* mended: everything goes on by itself */
    TALK(&b, NULL);
    assert_true(SENT(&b, "0"));
    TALK(&b, "70");
    TALK(&b, NULL);
    assert_true(SENT(&b, "1"));
}

static void a_circle_is_no_order(void **state TD_UNUSED)
{
    struct bench b = {.count = 0};
    td_ledger_init(&b.l, &arena);
    bench_add(&b, "one", MSI("0", ",\"after\":[\"two\",\"one\"]"));
    bench_add(&b, "two", MSI("1", ",\"after\":[\"one\"]"));
    TALK(&b, NULL);
    assert_true(SENT(&b, "0"));
    assert_true(SENT(&b, "1"));
}

static void a_device_that_tells_nothing_gets_all(void **state TD_UNUSED)
{
    struct bench b = {.count = 0};
    td_ledger_init(&b.l, &arena);
    bench_add(&b, "one", MSI("0", ""));
    bench_add(&b, "two", MSI("1", ",\"after\":[\"one\"]"));
    TALK(&b, NULL);
    assert_false(SENT(&b, "1"));
    td_ledger_find(&b.l, "G " NODE("0") "Status")->state = TD_ROW_ABSENT; /* 404 */
    const struct td_want *w = NULL;
    while ((w = td_plan_next(&b.d, &b.l, b.session, false, w)) != NULL && w->verb != TD_SYNC_SEQUENCE)
        ;
    assert_non_null(w); /* with the session's next message */
    assert_string_equal(w->item, "two");
}

/* --- co-management ------------------------------------------------------------------------------------------------ */

static void shares_a_device(void **state TD_UNUSED)
{
    struct bench b = {.count = 0};
    td_ledger_init(&b.l, &arena);
    bench_add(&b, "ccm", MSI("0", ",\"commandLine\":\"/quiet\""));
    bench_add(&b, "share",
              "{\"kind\":\"co-management\",\"client\":\"ccm\",\"parameters\":\"/mp:cm.test SMSSITECODE=P01\","
              "\"workloads\":[\"compliance\",\"endpoint-protection\"]}");
    b.d = desired_of(b.items, b.count);
    const struct td_want *w = want_of(&b.d, "R ./Device/Vendor/MSFT/DeviceManageability/Provider/P/ConfigInfo");
    assert_non_null(w);
    assert_string_equal(w->data, "12323"); /* 8193 + 2 + 4128 */
    w = want_of(&b.d, "A ./Device/Vendor/MSFT/EnrollmentStatusTracking/DevicePreparation/PolicyProviders/ConfigMgr/"
                      "InstallationState");
    assert_non_null(w);
    assert_int_equal(w->stage, TD_STAGE_PAGE);
    assert_string_equal(w->data, "1");
    w = want_of(&b.d, "S " NODE("0") "DownloadInstall");
    assert_non_null(strstr(w->child->next->data, "<CommandLine>/quiet CCMSETUPCMD=\"/mp:cm.test SMSSITECODE=P01\"</"));
}

static void sends_only_what_is_ours(void **state TD_UNUSED)
{
    static const char policy[] =
        "{\"kind\":\"policy\",\"settings\":[{\"policy\":\"Update/ActiveHoursEnd\",\"value\":9},"
        "{\"policy\":\"Experience/AllowCortana\",\"value\":0}]}";
    struct td_item items[6] = {
        item_of(policy),
        item_of(MSI("0", "")),
        item_of("{\"kind\":\"wifi\",\"ssid\":\"Lab\"}"),
        item_of("{\"kind\":\"co-management\",\"client\":\"ccm\",\"workloads\":[\"windows-update\"]}"),
        item_of(MSI("1", "")),
        item_of(S("\"alwaysOn\":true"))};
    struct td_item join = item_of(N("\"networkAccess\":[\"home\"]"));
    items[1].id = "ccm";
    items[5].id = "home";
    assert_int_equal(td_workload_keep(items, 3), 3); /* nobody shares it: everything is ours */
    assert_int_equal(td_workload_keep(items, 6), 3);
    assert_int_equal(items[0].as.policy.count, 1);
    assert_non_null(strstr(items[0].as.policy.settings[0].uri, "ActiveHoursEnd"));
    assert_string_equal(items[1].id, "ccm"); /* its client comes all the same */
    assert_int_equal(items[2].kind, TD_ITEM_CO_MANAGEMENT);
    struct td_item network[3] = {items[2], join, item_of(S("\"alwaysOn\":true"))};
    network[2].id = "home"; /* without it the device never reaches its domain */
    assert_int_equal(td_workload_keep(network, 3), 3);
}

static void knows_workloads(void **state TD_UNUSED)
{
    unsigned bits, all = 0;
    for (size_t i = 0; td_workload_word(i, &bits) != NULL; i++) {
        assert_int_equal(all & bits, 0);
        all |= bits;
    }
    assert_int_equal(all, TD_WORKLOAD_ALL);
    assert_int_equal(all | TD_WORKLOAD_MANAGED, 12543);
    assert_int_equal(td_workload_of("./Device/Vendor/MSFT/BitLocker/RequireDeviceEncryption"), 4128);
    assert_int_equal(td_workload_of("./Device/Vendor/MSFT/Policy/Config/DeviceLock/MinDevicePasswordLength"), 8);
    assert_int_equal(td_workload_of("./Vendor/MSFT/DMClient/Provider/P/Poll/NumberOfFirstRetries"), 0);
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
        cmocka_unit_test(packages_wait_for_one_another),
        cmocka_unit_test(a_package_behind_a_failed_one_fails),
        cmocka_unit_test(a_circle_is_no_order),
        cmocka_unit_test(a_device_that_tells_nothing_gets_all),
        cmocka_unit_test(shares_a_device),
        cmocka_unit_test(sends_only_what_is_ours),
        cmocka_unit_test(knows_workloads),
    };
    td_arena_init(&arena);
    int failed = cmocka_run_group_tests_name("hybrid", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
