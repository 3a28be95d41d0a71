/* codec/wap: the document's example, the order that clients rely on, and what a reader refuses. */
#include "codec/wap.h"
#include "unit/test.h"

#include <string.h>

static struct td_arena arena;

static struct td_wap load(const char *name)
{
    struct td_wap wap;
    struct td_error err;
    struct td_buf b = fixture(name);
    if (td_wap_read(td_buf_slice(&b), &arena, &wap, NULL, &err) != TD_OK)
        fail_msg("%s: %s: %s", name, err.where, err.text);
    td_buf_done(&b);
    return wap;
}

static void reads_the_documents_example(void **state TD_UNUSED)
{
    struct td_wap wap = load("mde2/wap.xml");
    assert_int_equal(strlen(wap.root.hash), 40);
    assert_true(wap.root.der.n > 100 && wap.intermediate.der.n > 100 && wap.certificate.der.n > 100);
    assert_true(wap.system_store && wap.has_container && wap.robo && !wap.renewal);
    assert_int_equal(wap.renew_days, 60);
    assert_int_equal(wap.retry_days, 4);
    assert_string_equal(wap.provider, "ExampleMDM");
    assert_string_equal(wap.addr, "https://mdm.example.test/ManagementServer/MDM.svc");
    assert_string_equal(wap.search, "Subject=CN%3D44444444-0000-4000-8000-000000000001&Stores=My%5CSystem");
    assert_string_equal(wap.client.secret, "server-secret-per-device");
    assert_string_equal(wap.server.name, "dev-7f3a");
    assert_int_equal(wap.server.nonce.n, 16);
    assert_int_equal(wap.backoff_ms, 30000);
    assert_string_equal(td_wap_node(&wap, "UPN")->value, "ada@example.test");
    assert_string_equal(td_wap_node(&wap, "Poll/IntervalForFirstSetOfRetries")->value, "3");
    assert_string_equal(td_wap_node(&wap, "FirstSyncStatus/SkipUserStatusPage")->type, "boolean");
    assert_null(td_wap_node(&wap, "Poll"));
}

static void same_cert(const struct td_wap_cert *a, const struct td_wap_cert *b)
{
    assert_string_equal(a->hash, b->hash);
    assert_true(td_eq(a->der, b->der));
}

static void same_after_write_and_read(void **state TD_UNUSED)
{
    struct td_wap wap = load("mde2/wap.xml"), got;
    struct td_buf b, b2;
    td_buf_init(&b, TD_WAP_MAX);
    td_buf_init(&b2, TD_WAP_MAX);
    assert_ok(td_wap_write(&wap, &b, NULL));
    assert_ok(td_wap_read(td_buf_slice(&b), &arena, &got, NULL, NULL));
    same_cert(&wap.root, &got.root);
    same_cert(&wap.intermediate, &got.intermediate);
    same_cert(&wap.certificate, &got.certificate);
    assert_int_equal(got.node_count, wap.node_count);
    for (size_t i = 0; i < wap.node_count; i++) {
        assert_string_equal(got.nodes[i].path, wap.nodes[i].path);
        assert_string_equal(got.nodes[i].value, wap.nodes[i].value);
        assert_string_equal(got.nodes[i].type, wap.nodes[i].type);
    }
    assert_string_equal(got.search, wap.search);
    assert_string_equal(got.server.secret, wap.server.secret);
    assert_ok(td_wap_write(&got, &b2, NULL));
    assert_true(td_eq(td_buf_slice(&b), td_buf_slice(&b2)));
    td_buf_done(&b);
    td_buf_done(&b2);
}

static void parms_at(const struct td_xml *node, int depth, const char **names, const char **values, size_t *count)
{
    for (const struct td_xml *c = node->child; c != NULL; c = c->next) {
        if (strcmp(c->name, "parm") == 0 && depth == 4 && *count < 4) {
            names[*count] = td_xml_attr(c, "name");
            values[(*count)++] = td_xml_attr(c, "value");
        } else {
            parms_at(c, depth + 1, names, values, count);
        }
    }
}

/* Clients read by position: the third parm four characteristics deep is the issued certificate (mde2.md 4.4). */
static void keeps_the_order_that_clients_read(void **state TD_UNUSED)
{
    struct td_wap wap = load("mde2/wap.xml");
    struct td_buf b;
    td_buf_init(&b, TD_WAP_MAX);
    assert_ok(td_wap_write(&wap, &b, NULL));
    struct td_xml *root;
    struct td_wap got;
    assert_ok(td_wap_read(td_buf_slice(&b), &arena, &got, &root, NULL));
    const char *names[4], *values[4];
    size_t count = 0;
    parms_at(root, 0, names, values, &count);
    assert_int_equal(count, 4);
    for (int i = 0; i < 3; i++)
        assert_string_equal(names[i], "EncodedCertificate");
    assert_string_not_equal(names[3], "EncodedCertificate");
    assert_null(strpbrk(values[2], " \r\n"));
    static const char *const order[] = {
        "CertificateStore", "Root",    "CA",       "My",   "PrivateKeyContainer", "WSTEP",
        "APPLICATION",      "APPAUTH", "DMClient", "Poll", "FirstSyncStatus"};
    size_t at = 0;
    for (size_t i = 0; i < TD_COUNTOF(order); i++) {
        char want[64];
        snprintf(want, sizeof(want), "type=\"%s\"", order[i]);
        size_t found = td_search(td_sub(td_buf_slice(&b), at, SIZE_MAX), td_str(want));
        assert_true(found != SIZE_MAX);
        at += found;
    }
    assert_true(td_search(td_buf_slice(&b), TD_S("xmlns")) == SIZE_MAX);
    td_buf_done(&b);
}

static void renewals_are_short(void **state TD_UNUSED)
{
    struct td_wap wap = load("mde2/wap_renewal.xml"), got;
    assert_true(wap.renewal && wap.has_container && wap.system_store);
    assert_string_equal(wap.provider, "ExampleMDM");
    struct td_buf b;
    td_buf_init(&b, TD_WAP_MAX);
    assert_ok(td_wap_write(&wap, &b, NULL));
    assert_ok(td_wap_read(td_buf_slice(&b), &arena, &got, NULL, NULL));
    same_cert(&wap.certificate, &got.certificate);
    assert_true(got.renewal && got.has_container && got.root.der.n == 0);
    assert_true(td_search(td_buf_slice(&b), TD_S("WSTEP")) == SIZE_MAX);
    td_buf_done(&b);
}

#define DOC(inner) "<wap-provisioningdoc version='1.1'>" inner "</wap-provisioningdoc>"
#define GROUP(type, inner) "<characteristic type='" type "'>" inner "</characteristic>"

static void refuses_what_is_wrong(void **state TD_UNUSED)
{
    static const struct {
        const char *text, *where;
    } bad[] = {
        {"<x/>", "wap-provisioningdoc"},
        {"<wap-provisioningdoc xmlns='urn:x'/>", "wap-provisioningdoc"},
        {DOC(GROUP("CertificateStore",
                   GROUP("Root", GROUP("System", GROUP("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", ""))))),
         "EncodedCertificate"},
        {DOC(GROUP("APPLICATION", "<parm name='APPID' value='w7'/><parm name='CONNRETRYFREQ' value='x'/>")),
         "CONNRETRYFREQ"},
        {DOC(GROUP("APPLICATION", GROUP("APPAUTH", "<parm name='AAUTHLEVEL' value='ROOT'/>"))), "AAUTHLEVEL"},
        {DOC(GROUP("APPLICATION", "<parm name='PROVIDER-ID' value='A'/>")
                 GROUP("DMClient", GROUP("Provider", GROUP("B", "")))),
         "DMClient"},
    };
    struct td_wap wap;
    struct td_error err;
    for (size_t i = 0; i < TD_COUNTOF(bad); i++) {
        assert_int_not_equal(td_wap_read(td_str(bad[i].text), &arena, &wap, NULL, &err), TD_OK);
        assert_string_equal(err.where, bad[i].where);
    }
    struct td_buf b;
    td_buf_init(&b, TD_WAP_MAX);
    wap = load("mde2/wap.xml");
    wap.server.secret = "";
    assert_int_equal(td_wap_write(&wap, &b, &err), TD_EINVAL);
    assert_string_equal(err.where, "APPAUTH");
    td_buf_done(&b);
}

static void names_the_certificate(void **state TD_UNUSED)
{
    assert_string_equal(td_wap_search(&arena, "CN=4a-1,OU=Touchdown", true),
                        "Subject=CN%3D4a-1%2COU%3DTouchdown&Stores=My%5CSystem");
    assert_string_equal(td_wap_search(&arena, "CN=a b", false), "Subject=CN%3Da%20b&Stores=My%5CUser");
}

static int done(void **state TD_UNUSED)
{
    td_arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_documents_example),
        cmocka_unit_test(same_after_write_and_read),
        cmocka_unit_test(keeps_the_order_that_clients_read),
        cmocka_unit_test(renewals_are_short),
        cmocka_unit_test(refuses_what_is_wrong),
        cmocka_unit_test(names_the_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, done);
}
