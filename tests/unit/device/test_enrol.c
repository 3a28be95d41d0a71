/* device/enrol: the enrolment as a client sees it. Discovery, policies and faults are the examples of mde2.md as they
 * stand there; the certificate is issued for the request that came. */
#include "codec/wap.h"
#include "codec/wstep.h"
#include "crypto/cert.h"
#include "crypto/jose.h"
#include "unit/device/stage.h"

#define DEVICE "44444444-0000-4000-8000-000000000001"

static struct stage s;

struct authority {
    struct td_key *key;
    struct td_slice der;
};
static struct authority root, middle, stranger;

static struct service {
    bool fault, other_key, other_chain, other_hash, no_provider, no_auth, chunked_garbage, no_list;
    bool hybrid;
    char called[40];
    int lost;
    const char *terms_answer; /* query of the redirect */
    struct td_slice spki;
    int policies, certificates, graph;
} svc;

static struct td_slice issue(const char *cn, struct td_slice spki, bool ca, struct td_slice issuer,
                             const struct td_key *key)
{
    struct td_slice der;
    const struct td_rdn name = {"CN", cn};
    const struct td_cert_template t = {.subject = &name,
                                       .subject_count = 1,
                                       .spki = spki,
                                       .serial = {(unsigned char)cn[0], 1},
                                       .not_before = s.world.now - TD_DAY,
                                       .not_after = s.world.now + 300 * TD_DAY,
                                       .is_ca = ca,
                                       .eku = ca ? 0 : TD_EKU_CLIENT};
    assert_ok(td_cert_issue(&t, issuer, key, &s.arena, &der, NULL));
    return der;
}

static void make_authority(struct authority *ca, const char *cn, const struct authority *above)
{
    struct td_slice spki;
    assert_ok(td_key_generate(TD_KEY_P256, &ca->key, NULL));
    assert_ok(td_key_public_der(ca->key, &s.arena, &spki));
    ca->der = issue(cn, spki, true, above != NULL ? above->der : (struct td_slice){NULL, 0},
                    above != NULL ? above->key : ca->key);
}

static struct td_wap_cert wap_cert(struct td_slice der)
{
    struct td_cert cert;
    assert_ok(td_cert_parse(der, &s.arena, &cert, NULL));
    return (struct td_wap_cert){.hash = td_arena_strdup(&s.arena, cert.sha1), .der = der};
}

static struct td_wap_auth secret_of(const char *name)
{
    return (struct td_wap_auth){.type = "DIGEST", .name = name, .secret = "s3cret", .nonce = TD_S("0123456789abcdef")};
}

static void write_document(struct td_slice leaf, struct td_buf *out)
{
    const struct td_wap wap = {
        .root = wap_cert(root.der),
        .intermediate = wap_cert(middle.der),
        .certificate = {svc.other_hash ? "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB" : wap_cert(leaf).hash, leaf},
        .system_store = true,
        .has_container = true,
        .robo = true,
        .renew_days = 60,
        .retry_days = 4,
        .provider = "ExampleMDM",
        .name = "Example Management",
        .addr = "https://mdm.example.test/ManagementServer/MDM.svc",
        .search = "",
        .client = secret_of(""),
        .server = secret_of("dev-1"),
        .nodes = {{"UPN", "ada@contoso.test", "string"}, {"FirstSyncStatus/SkipDeviceStatusPage", "false", "boolean"}},
        .node_count = 2};
    assert_ok(td_wap_write(&wap, out, NULL));
    struct td_slice text = td_buf_slice(out);
    const char *hide = svc.no_provider ? "PROVIDER-ID" : svc.no_auth ? "AAUTHSECRET" : NULL;
    for (size_t at; hide != NULL && (at = td_search(text, td_str(hide))) != SIZE_MAX;)
        out->p[(size_t)(text.p - out->p) + at] = 'X';
}

static void check_context(const struct td_enrol_context *c)
{
    assert_string_equal(c->enrollment_type, "Device");
    assert_string_equal(c->device_type, "CIMClient_Windows");
    if (!svc.hybrid)
        assert_string_equal(c->device_id, "44444444000040008000000000000001");
    assert_int_equal(c->bootstrap_domain_join, svc.hybrid ? TD_TRUE : TD_UNSET);
    bool by_file = strcmp(td_flow_get(&s.flow, "profile.source"), "file") == 0;
    assert_string_equal(c->ztd_id, by_file ? "" : "33333333-0000-4000-8000-000000000001");
    assert_string_equal(c->offline_correlator, by_file ? "5f3c5a10-7a42-4a5e-9b0c-0a1b2c3d4e5f" : "");
    assert_string_equal(c->os_edition, "48");
    assert_string_equal(c->os_version, "10.0.22631.2506");
    assert_string_equal(c->device_name, "CON-1");
    assert_string_equal(c->request_version, "5.0");
    assert_int_equal(c->not_in_oobe, TD_FALSE);
    assert_string_equal(c->enrollment_data, svc.terms_answer != NULL ? "b1-4f7e" : "");
    assert_int_equal(c->mac_count, 1);
    assert_string_equal(c->macs[0], "00-00-5E-00-53-01");
}

static enum td_code certificate(const struct td_net_request *req, struct td_arena *a, struct td_net_response *r,
                                struct td_error *err)
{
    struct td_soap soap;
    struct td_rst rst;
    struct td_csr csr;
    struct td_slice leaf;
    svc.certificates++;
    assert_string_equal(header_of(req, "Content-Type: "), "application/soap+xml; charset=utf-8");
    assert_ok(td_soap_parse(req->body, a, &soap, NULL));
    assert_string_equal(soap.action, "http://schemas.microsoft.com/windows/pki/2009/01/enrollment/RST/wstep");
    assert_string_equal(soap.to, req->url);
    assert_true(td_starts(td_str(soap.message_id), "urn:uuid:"));
    assert_string_equal(soap.security.token_type, "urn:ietf:params:oauth:token-type:jwt");
    assert_slice(soap.security.token, "t.o.k");
    assert_ok(td_rst_read(&soap, a, &rst, NULL));
    assert_int_equal(rst.kind, TD_RST_ISSUE);
    check_context(&rst.context);
    assert_ok(td_csr_parse(rst.csr, a, &csr, NULL));
    assert_true(csr.kind == TD_KEY_RSA && csr.bits == 2048);
    if (!svc.hybrid)
        assert_string_equal(csr.subject_cn, "44444444-0000-4000-8000-0000000!44444444000040008000000000000001");
    (void)snprintf(svc.called, sizeof(svc.called), "%s", rst.context.device_id);
    if (svc.spki.n != 0)
        assert_true(td_eq(svc.spki, csr.spki));
    svc.spki = td_arena_copy(&s.arena, csr.spki);
    if (svc.lost-- > 0)
        return td_fail(err, TD_EUNAVAILABLE, "test", "connection lost");
    if (svc.fault) {
        struct td_buf text = fixture("mde2/fault.xml");
        (void)reply(r, a, 200, "", td_buf_slice(&text));
        td_buf_done(&text);
        return TD_OK;
    }
    struct td_slice spki = csr.spki;
    if (svc.other_key)
        assert_ok(td_key_public_der(stranger.key, a, &spki));
    const struct authority *issuer = svc.other_chain ? &stranger : &middle;
    leaf = issue("leaf", spki, false, issuer->der, issuer->key);
    TD_CLEANUP(td_buf_done) struct td_buf document;
    TD_CLEANUP(td_buf_done) struct td_buf envelope;
    td_buf_init(&document, 65536);
    td_buf_init(&envelope, 262144);
    write_document(leaf, &document);
    const struct td_soap head = {.action = TD_ACTION_RSTRC, .relates_to = soap.message_id};
    const struct td_rstrc answer = {.document = td_buf_slice(&document)};
    assert_ok(td_rstrc_write(&head, &answer, &envelope, NULL));
    return reply(r, a, 200, "", svc.chunked_garbage ? TD_S("<html>") : td_buf_slice(&envelope));
}

static enum td_code example(struct td_net_response *r, struct td_arena *a, const char *name)
{
    struct td_buf text = fixture(name);
    (void)reply(r, a, 200, "", td_buf_slice(&text));
    td_buf_done(&text);
    return TD_OK;
}

static enum td_code send(void *ctx TD_UNUSED, const struct td_net_request *req, struct td_arena *a,
                         struct td_net_response *r, struct td_error *err)
{
    s.requests++;
    if (asked(req, "POST", "/common/oauth2/token")) {
        const char *grant = td_form_get(req->body, "grant_type", a);
        bool challenge = strcmp(grant, "srv_challenge") == 0;
        if (svc.hybrid) { /* of the sign-in alone: no key of a device signs it */
            assert_string_equal(grant, "refresh_token");
            assert_string_equal(td_form_get(req->body, "refresh_token", a), "r.t");
            assert_string_equal(td_form_get(req->body, "resource", a), "https://enrollment.manage.microsoft.com/");
        }
        return reply_json(r, a, 200, challenge ? "{\"Nonce\":\"n\"}" : "{\"access_token\":\"t.o.k\"}");
    }
    if (asked(req, "POST", "https://enterpriseenrollment.example.test/EnrollmentServer/Discovery.svc")) {
        struct td_soap soap;
        struct td_discover d;
        assert_ok(td_soap_parse(req->body, a, &soap, NULL));
        assert_ok(td_discover_read(&soap, a, &d, NULL));
        assert_string_equal(d.email, "ada@contoso.test");
        assert_string_equal(d.device_type, "CIMClient_Windows");
        assert_int_equal(d.auth, 7);
        return example(r, a, "mde2/discover_response.xml");
    }
    if (asked(req, "POST", "https://mdm.example.test/EnrollmentServer/Policy.svc")) {
        struct td_soap soap;
        svc.policies++;
        assert_ok(td_soap_parse(req->body, a, &soap, NULL));
        assert_string_equal(soap.security.token_type, "urn:ietf:params:oauth:token-type:jwt");
        return example(r, a, "mde2/get_policies_response.xml");
    }
    if (asked(req, "GET", "https://mdm.example.test/ToU?")) {
        assert_string_equal(header_of(req, "CXH-HOST: "), "FRX");
        assert_string_equal(header_of(req, "Authorization: Bearer "), "t.o.k");
        assert_string_equal(query_of(req, "api-version", a), "1.0");
        assert_string_equal(query_of(req, "mode", a), "azureadjoin");
        const char *to = query_of(req, "redirect_uri", a);
        return reply(r, a, 302, td_arena_printf(a, "Location: %s?%s\r\n", to, svc.terms_answer), TD_S(""));
    }
    if (asked(req, "GET", "/v1.0/servicePrincipals/appId=0000000a-0000-0000-c000-000000000000/endpoints")) {
        svc.graph++;
        assert_string_equal(header_of(req, "Authorization: Bearer "), "t.o.k");
        return reply_json(r, a, 200,
                          svc.no_list
                              ? "{\"value\":[{\"providerName\":\"IWService\",\"uri\":\"https://x\"}]}"
                              : "{\"value\":[{\"providerName\":\"IWService\",\"uri\":\"https://x\"},{\"providerName\":"
                                "\"WindowsEnrollment\",\"uri\":\"https://mdm.example.test/EnrollmentServer/"
                                "Enrollment.svc\"}]}");
    }
    assert_string_equal(req->url, "https://mdm.example.test/EnrollmentServer/Enrollment.svc");
    return certificate(req, a, r, err);
}

static void make_prt(void)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *transport = NULL;
    unsigned char key[32] = {1, 2, 3};
    char *jwe;
    assert_ok(td_flow_key(&s.flow, "transport.key.pem", &transport, NULL));
    assert_ok(td_jwe_session_key(transport, key, "012345678901", &s.arena, &jwe, NULL));
    stage_set(&s, "prt.token", "1.PRT");
    stage_set(&s, "prt.session_key_jwe", jwe);
}

static int begin(void **state TD_UNUSED)
{
    static const struct td_hw_nic nic = {.medium = 14, .mac = {0, 0, 0x5e, 0, 0x53, 1}, .bus = "PCI"};
    memset(&svc, 0, sizeof(svc));
    stage_open(&s, send);
    make_authority(&root, "Root", NULL);
    make_authority(&middle, "Middle", &root);
    make_authority(&stranger, "Stranger", NULL);
    make_prt();
    stage_set(&s, "join.device_id", DEVICE);
    stage_set(&s, "profile.registration_id", "33333333-0000-4000-8000-000000000001");
    stage_set(&s, "device.name", "CON-1");
    stage_set(&s, "signin.user", "ada@contoso.test");
    stage_set(&s, "signin.mdm_url", "https://enterpriseenrollment.example.test/EnrollmentServer/Discovery.svc");
    s.flow.hw.facts.nics = &nic;
    s.flow.hw.facts.nic_count = 1;
    (void)snprintf(s.flow.hw.hw_dev_id, sizeof(s.flow.hw.hw_dev_id), "%064d", 7);
    return 0;
}

static int end(void **state TD_UNUSED)
{
    td_key_free(root.key);
    td_key_free(middle.key);
    td_key_free(stranger.key);
    stage_close(&s);
    return 0;
}

static void enrols(void **state TD_UNUSED)
{
    struct td_error err = {0};
    if (td_flow_enrol(&s.flow, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
    assert_int_equal(svc.policies, 1);
    assert_string_equal(td_flow_get(&s.flow, "enrol.provider"), "ExampleMDM");
    assert_string_equal(td_flow_get(&s.flow, "enrol.addr"), "https://mdm.example.test/ManagementServer/MDM.svc");
    assert_string_equal(td_flow_get(&s.flow, "enrol.device_id"), "44444444000040008000000000000001");
    static const char *const files[] = {"mdm.crt.pem", "mdm.key.pem", "mdm.chain.pem"};
    for (size_t i = 0; i < TD_COUNTOF(files); i++) {
        struct td_slice text;
        assert_ok(td_flow_read(&s.flow, files[i], &s.arena, &text, NULL));
        assert_true(td_starts(text, "-----BEGIN "));
    }
}

/* autopilot.md 2.5, step 9: the file's correlator stands where the registration would. */
static void tells_the_profile_of_its_file(void **state TD_UNUSED)
{
    stage_set(&s, "profile.registration_id", NULL);
    stage_set(&s, "profile.source", "file");
    stage_set(&s, "profile.id", "5f3c5a10-7a42-4a5e-9b0c-0a1b2c3d4e5f");
    assert_ok(td_flow_enrol(&s.flow, NULL));
    assert_int_equal(svc.certificates, 1);
}

/* autopilot.md 3.2, step 2: in management before it has joined anything, under a name of its own. */
static void a_hybrid_device_enrols_before_it_joins(void **state TD_UNUSED)
{
    char first[40];
    svc.hybrid = true;
    stage_set(&s, "join.device_id", NULL);
    stage_set(&s, "prt.token", NULL);
    stage_set(&s, "profile.join_method", "1");
    td_secret_put(&s.flow.secrets.refresh_token, "r.t");
    svc.lost = 1;
    assert_int_equal(td_flow_enrol(&s.flow, NULL), TD_EUNAVAILABLE);
    memcpy(first, svc.called, sizeof(first));
    assert_int_equal(strlen(first), 32);
    assert_ok(td_flow_enrol(&s.flow, NULL));
    assert_string_equal(svc.called, first);
    assert_string_equal(td_flow_get(&s.flow, "enrol.device_id"), first);
    assert_string_equal(td_flow_get(&s.flow, "join.device_id"), "");
}

static void accepts_the_terms(void **state TD_UNUSED)
{
    static const char *const refused[] = {"IsAccepted=false", "IsAccepted=true", "error=access_denied",
                                          "error=unauthorized_client&error_description=no", ""};
    stage_set(&s, "signin.mdm_terms_url", "https://mdm.example.test/ToU");
    for (size_t i = 0; i < TD_COUNTOF(refused); i++) {
        svc.terms_answer = refused[i];
        assert_int_not_equal(td_flow_enrol(&s.flow, NULL), TD_OK);
        assert_int_equal(svc.certificates, 0);
    }
    svc.terms_answer = "IsAccepted=true&OpaqueBlob=b1-4f7e&client-request-id=x"; /* of the document */
    assert_ok(td_flow_enrol(&s.flow, NULL));
    assert_int_equal(svc.certificates, 1);
}

static void finds_the_service_in_the_directory(void **state TD_UNUSED)
{
    stage_set(&s, "signin.mdm_url", NULL);
    assert_ok(td_flow_enrol(&s.flow, NULL));
    assert_int_equal(svc.graph, 1);
    assert_int_equal(svc.policies, 0); /* RequestSecurityToken at once (10.7) */
    svc.no_list = true;
    struct td_error err = {0};
    assert_int_equal(td_flow_enrol(&s.flow, &err), TD_ENOTFOUND);
    assert_int_equal(err.hresult, 0x81036501);
}

static void asks_again_with_the_same_key(void **state TD_UNUSED)
{
    svc.lost = 2;
    assert_int_equal(td_flow_enrol(&s.flow, NULL), TD_EUNAVAILABLE);
    assert_int_equal(td_flow_enrol(&s.flow, NULL), TD_EUNAVAILABLE);
    assert_ok(td_flow_enrol(&s.flow, NULL));
    assert_int_equal(svc.certificates, 3);
}

static void tells_a_fault(void **state TD_UNUSED)
{
    struct td_error err = {0};
    svc.fault = true;
    assert_int_not_equal(td_flow_enrol(&s.flow, &err), TD_OK);
    assert_int_equal(err.hresult, 0x80180013); /* DeviceCapReached of the document's example */
    assert_string_not_equal(err.remedy, "");
}

static void takes_no_strange_document(void **state TD_UNUSED)
{
    static const size_t faults[] = {
        offsetof(struct service, other_key),  offsetof(struct service, other_chain),
        offsetof(struct service, other_hash), offsetof(struct service, no_provider),
        offsetof(struct service, no_auth),    offsetof(struct service, chunked_garbage),
    };
    for (size_t i = 0; i < TD_COUNTOF(faults); i++) {
        struct td_slice text;
        memset(&svc, 0, sizeof(svc));
        *(bool *)((char *)&svc + faults[i]) = true;
        assert_int_not_equal(td_flow_enrol(&s.flow, NULL), TD_OK);
        assert_int_equal(td_flow_read(&s.flow, "mdm.crt.pem", &s.arena, &text, NULL), TD_ENOTFOUND);
        assert_string_equal(td_flow_get(&s.flow, "enrol.addr"), "");
    }
}

#define STAGED(t) cmocka_unit_test_setup_teardown(t, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(enrols),
        STAGED(tells_the_profile_of_its_file),
        STAGED(a_hybrid_device_enrols_before_it_joins),
        STAGED(accepts_the_terms),
        STAGED(finds_the_service_in_the_directory),
        STAGED(asks_again_with_the_same_key),
        STAGED(tells_a_fault),
        STAGED(takes_no_strange_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
