/* The enrolment door without sockets: the documents' exchange, every credential, every refusal (mde2.md, contract 4).
 */
#include "base/encode.h"
#include "crypto/digest.h"
#include "store/action.h"
#include "store/user.h"
#include "wire/enrolment_world.h"

#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define REGISTRATION "33333333-0000-4000-8000-000000000001"
#define HARDWARE "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"

static void discovery_answers_the_example(void **state)
{
    struct world *w = *state;
    struct td_http_reply probe = world_call(w, "GET", "/EnrollmentServer/Discovery.svc", NULL, TD_S(""), NULL);
    assert_int_equal(probe.status, 200);
    assert_int_equal(probe.body.n, 0);
    struct td_buf b = fixture("mde2/discover.xml");
    struct td_discovered d;
    struct td_soap soap = world_post(w, "Discovery", td_buf_slice(&b), NULL);
    assert_string_equal(soap.action, TD_ACTION_DISCOVER_RESPONSE);
    assert_string_equal(soap.relates_to, "urn:uuid:11111111-0000-4000-8000-000000000001");
    assert_ok(td_discovered_read(&soap, &w->wire.arena, &d, NULL));
    assert_int_equal(d.auth, TD_AUTH_FEDERATED);
    assert_int_equal(d.version, 40);
    assert_string_equal(d.enrolment_url, "https://localhost:8443/EnrollmentServer/Enrollment.svc");
    assert_string_equal(d.policy_url, "https://localhost:8443/EnrollmentServer/Policy.svc");
    assert_string_equal(d.auth_url, "https://localhost:8443/EnrollmentServer/Auth");
    /* another spelling of the path, and white space before the envelope */
    struct td_slice spaced = td_str(td_arena_printf(&w->wire.arena, " \r\n%s", b.p));
    assert_int_equal(world_call(w, "POST", "/enrollmentserver/DISCOVERY.SVC", NULL, spaced, NULL).status, 200);
    td_buf_done(&b);
}

static struct td_soap discover(struct world *w, const struct td_discover *d)
{
    struct td_buf b;
    struct td_soap head = world_head(w, TD_ACTION_DISCOVER);
    td_buf_init(&b, TD_SOAP_MAX);
    assert_ok(td_discover_write(&head, d, &b, NULL));
    struct td_soap soap = world_post(w, "Discovery", td_buf_slice(&b), NULL);
    td_buf_done(&b);
    return soap;
}

static void discovery_follows_the_client(void **state)
{
    struct world *w = *state;
    struct td_discovered d;
    struct td_discover ask = {.email = "x@foreign.test", .version = 30, .auth = TD_AUTH_ON_PREMISE};
    struct td_soap soap = discover(w, &ask);
    assert_ok(td_discovered_read(&soap, &w->wire.arena, &d, NULL));
    assert_int_equal(d.auth, TD_AUTH_ON_PREMISE);
    assert_int_equal(d.version, 30);
    assert_string_equal(d.auth_url, "");
    ask = (struct td_discover){.email = "", .version = 70};
    soap = discover(w, &ask);
    assert_ok(td_discovered_read(&soap, &w->wire.arena, &d, NULL));
    assert_int_equal(d.auth, TD_AUTH_FEDERATED);
    ask = (struct td_discover){.email = "", .version = 50, .auth = TD_AUTH_CERTIFICATE};
    soap = discover(w, &ask);
    assert_fault(w, &soap, TD_FAULT_NOT_SUPPORTED);
    ask = (struct td_discover){.email = "", .version = 20};
    soap = discover(w, &ask);
    assert_fault(w, &soap, TD_FAULT_NOT_SUPPORTED);
}

static void malformed_messages_get_their_fault(void **state)
{
    struct world *w = *state;
    static const char *const services[] = {"Discovery", "Policy", "Enrollment"};
    static const char *const bad[] = {
        "",
        "no xml",
        "<x/>",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        "<s:Envelope xmlns:s='" TD_NS_SOAP "'><s:Body><x/></s:Body></s:Envelope>",
    };
    for (size_t i = 0; i < TD_COUNTOF(services); i++) {
        for (size_t k = 0; k < TD_COUNTOF(bad); k++) {
            struct td_soap soap = world_post(w, services[i], td_str(bad[k]), NULL);
            assert_fault(w, &soap, TD_FAULT_MESSAGE_FORMAT);
        }
    }
    struct td_soap soap =
        world_post(w, "Policy",
                   TD_S("<s:Envelope xmlns:s='" TD_NS_SOAP "'><s:Header><w:Security xmlns:w='" TD_NS_WSSE
                        "'><w:BinarySecurityToken>?</w:BinarySecurityToken></w:Security></s:Header>"
                        "<s:Body><x/></s:Body></s:Envelope>"),
                   NULL);
    assert_fault(w, &soap, TD_FAULT_INVALID_SECURITY);
    struct td_buf big;
    struct td_soap head = world_head(w, TD_ACTION_RST);
    char *id = td_arena_alloc(&w->wire.arena, 300);
    memset(id, 'x', 299);
    head.message_id = id;
    td_buf_init(&big, 2 << 20);
    assert_ok(td_rst_write(&head, &(struct td_rst){.csr = w->csr}, &big, NULL));
    soap = world_post(w, "Enrollment", td_buf_slice(&big), NULL);
    assert_fault(w, &soap, TD_FAULT_MESSAGE_FORMAT);
    assert_string_equal(soap.relates_to, "");
    td_buf_reset(&big);
    memset(td_buf_grow(&big, 1 << 20), ' ', 1 << 20);
    struct td_http_reply r = world_call(w, "POST", "/EnrollmentServer/Enrollment.svc", NULL, td_buf_slice(&big), NULL);
    assert_int_equal(r.status, 413);
    td_buf_done(&big);
}

static struct td_soap get_policies(struct world *w, struct td_soap head)
{
    struct td_buf b;
    td_buf_init(&b, TD_SOAP_MAX);
    assert_ok(td_policies_request_write(&head, &(struct td_policies_request){0}, &b, NULL));
    struct td_soap soap = world_post(w, "Policy", td_buf_slice(&b), NULL);
    td_buf_done(&b);
    return soap;
}

static struct td_soap with_password(struct world *w, const char *upn, const char *password)
{
    struct td_soap head = world_head(w, TD_ACTION_RST);
    head.security.has_username = true;
    head.security.username = upn;
    head.security.password = td_str(password);
    return head;
}

static void policies_for_the_proven(void **state)
{
    struct world *w = *state;
    struct td_policies p;
    struct td_soap soap = get_policies(w, world_jwt(w, &(struct token){0}));
    assert_ok(td_policies_read(&soap, &w->wire.arena, &p, NULL));
    assert_int_equal(p.key_bits, 2048);
    assert_string_equal(p.hash_oid, "2.16.840.1.101.3.4.2.1");
    assert_string_equal(p.attestation_failure, ""); /* below version 5 */
    soap = get_policies(w, with_password(w, w->upn, WORLD_PASSWORD));
    assert_ok(td_policies_read(&soap, &w->wire.arena, &p, NULL));
    soap = get_policies(w, with_password(w, w->upn, "wrong"));
    assert_fault(w, &soap, TD_FAULT_AUTHENTICATION);
    soap = get_policies(w, with_password(w, "nobody@foreign.test", "wrong"));
    assert_fault(w, &soap, TD_FAULT_AUTHENTICATION);
    soap = get_policies(w, world_head(w, TD_ACTION_POLICIES));
    assert_fault(w, &soap, TD_FAULT_AUTHENTICATION);
    struct td_soap head = world_jwt(w, &(struct token){0});
    head.security.token_type = "urn:other";
    soap = get_policies(w, head);
    assert_fault(w, &soap, TD_FAULT_INVALID_SECURITY);
    head.security.token_type = TD_TOKEN_X509;
    soap = get_policies(w, head);
    assert_fault(w, &soap, TD_FAULT_NOT_SUPPORTED);
}

/* The document's own request, with a token of ours in the place of its placeholder. */
static void enrols_by_the_example(void **state)
{
    struct world *w = *state;
    const char *device = world_join(w, REGISTRATION);
    struct td_buf b = fixture("mde2/rst.xml");
    struct td_soap head;
    struct td_rst rst;
    assert_ok(td_soap_parse(td_buf_slice(&b), &w->wire.arena, &head, NULL));
    assert_ok(td_rst_read(&head, &w->wire.arena, &rst, NULL));
    const char *jwt = td_b64(&w->wire.arena, td_str(world_token(w, &(struct token){.deviceid = device})));
    struct td_slice text = td_buf_slice(&b), mark = TD_S("ZXlKaC5leUp1LnNpZw==");
    size_t at = td_search(text, mark);
    assert_true(at != SIZE_MAX);
    const char *message = td_arena_printf(&w->wire.arena, "%.*s%s%s", (int)at, text.p, jwt, text.p + at + mark.n);
    struct td_soap answer = world_post(w, "Enrollment", td_str(message), NULL);
    assert_string_equal(answer.relates_to, "urn:uuid:11111111-0000-4000-8000-000000000003");
    struct installed i = world_install(w, &answer);
    assert_true(i.wap.system_store);
    struct td_csr csr;
    assert_ok(td_csr_parse(rst.csr, &w->wire.arena, &csr, NULL));
    assert_true(td_eq(i.cert.spki, csr.spki));
    struct td_enrolment e = world_enrolment(w, i.cert.subject_cn);
    assert_string_equal(e.device_id, device);
    assert_string_equal(e.registration_id, REGISTRATION);
    assert_string_equal(e.user_upn, w->upn);
    assert_string_equal(e.device_name, "DESKTOP-EX0001");
    assert_string_equal(e.dm_id, "44444444000040008000000000000001");
    assert_int_equal(e.version, 40);
    assert_true(e.in_oobe);
    struct td_way_row way = world_way(w, TD_WAY_REGISTRATION, REGISTRATION);
    assert_string_equal(way.enrolment_id, e.id);
    assert_string_equal(way.id, e.way_id);
    assert_int_equal(way.way.state[TD_M_ENROLMENT], 1);
    assert_int_equal(world_events(w, way.id, "device.enrolled", NULL), 1);
    td_buf_done(&b);
}

static void certificate_is_ours_and_right(void **state)
{
    struct world *w = *state;
    struct installed i = world_enrol(w, world_join(w, NULL));
    const struct td_cert *c = &i.cert;
    char id[TD_UUID_TEXT];
    assert_true(td_uuid_parse(td_str(c->subject_cn), id));
    assert_int_equal(c->subject_parts, 2);
    assert_non_null(strstr(c->subject, TD_PROVIDER));
    assert_true(c->eku == TD_EKU_CLIENT && !c->is_ca);
    assert_true(c->not_before < w->wire.env.now && c->not_after > w->wire.env.now + 364 * TD_DAY);
    struct td_csr csr;
    assert_ok(td_csr_parse(w->csr, &w->wire.arena, &csr, NULL));
    assert_true(td_eq(c->spki, csr.spki));
    for (const struct td_ext *x = c->exts; x != NULL; x = x->next)
        assert_string_not_equal(x->oid, "1.3.6.1.4.1.311.66.1.0"); /* nothing of the request but its key */
    assert_true(td_eq(i.wap.root.der, td_authority_root(w->wire.svc.authority)));
    assert_true(td_eq(i.wap.intermediate.der, td_authority_intermediate(w->wire.svc.authority, TD_PURPOSE_MANAGEMENT)));
    assert_ok(td_cert_check_chain(i.wap.certificate.der, i.wap.intermediate.der, i.wap.root.der, w->wire.env.now,
                                  TD_EKU_CLIENT, NULL));
    assert_false(world_revoked(w, &i));
    struct td_enrolment e = world_enrolment(w, c->subject_cn);
    assert_int_equal(e.cert_not_after, c->not_after);
    assert_memory_equal(e.cert_sha256, c->sha256, 32);
    assert_string_equal(world_serial(w, &i), c->serial);
}

static void write_file(struct world *w, const char *name, struct td_slice der)
{
    const char *path = td_arena_printf(&w->wire.arena, "%s/%s", w->wire.dir, name);
    assert_ok(td_file_write(path, td_str(td_cert_pem(der, &w->wire.arena)), 0600, NULL));
}

/* The foreign judge of certificate and chain. */
static void openssl_agrees(void **state)
{
    struct world *w = *state;
    struct installed i = world_enrol(w, world_join(w, NULL));
    write_file(w, "root.pem", i.wap.root.der);
    write_file(w, "ca.crt.pem", i.wap.intermediate.der);
    write_file(w, "leaf.pem", i.wap.certificate.der);
    const char *script =
        td_arena_printf(&w->wire.arena,
                        "cd %s && openssl verify -attime %lld -purpose sslclient -CAfile root.pem"
                        " -untrusted ca.crt.pem leaf.pem >/dev/null && openssl x509 -in leaf.pem -noout"
                        " -subject -nameopt RFC2253 | grep -q 'CN=%s,OU=%s$'",
                        w->wire.dir, (long long)(w->wire.env.now / TD_SECOND), i.cert.subject_cn, TD_PROVIDER);
    char *argv[] = {"sh", "-c", (char *)(uintptr_t)script, NULL};
    pid_t pid;
    int status = 0;
    if (access("/usr/bin/openssl", X_OK) != 0)
        skip();
    assert_int_equal(posix_spawnp(&pid, "sh", NULL, NULL, argv, environ), 0);
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
}

static void document_holds_what_devices_need(void **state)
{
    struct world *w = *state;
    struct installed i = world_enrol(w, world_join(w, NULL));
    struct td_enrolment e = world_enrolment(w, i.cert.subject_cn);
    struct td_appauth s;
    const struct td_wap *wap = &i.wap;
    assert_ok(td_enrolment_secrets(&w->wire.svc, &e, &w->wire.arena, &s, NULL));
    assert_string_equal(wap->server.secret, s.client_secret);
    assert_string_equal(wap->server.name, s.client_name);
    assert_string_equal(wap->client.secret, s.server_secret);
    assert_true(td_eq(wap->server.nonce, s.client_nonce) && td_eq(wap->client.nonce, s.server_nonce));
    assert_string_not_equal(s.client_secret, s.server_secret);
    assert_true(td_search(e.secrets, td_str(s.client_secret)) == SIZE_MAX);
    assert_string_equal(wap->client.type, "DIGEST");
    assert_string_equal(wap->provider, "Touchdown");
    assert_string_equal(wap->addr, "https://localhost:8443/ManagementServer/MDM.svc");
    assert_string_equal(wap->search, ""); /* the stored thumbprint decides */
    assert_true(wap->has_container && wap->robo && wap->retry_days <= wap->renew_days);
    assert_string_equal(td_wap_node(wap, "EntDMID")->value, e.id);
    assert_string_equal(td_wap_node(wap, "UPN")->value, w->upn);
    assert_string_equal(td_wap_node(wap, "Poll/NumberOfFirstRetries")->value, "5");
    assert_string_equal(td_wap_node(wap, "Poll/IntervalForFirstSetOfRetries")->value, "3");
    assert_string_equal(td_wap_node(wap, "FirstSyncStatus/SkipDeviceStatusPage")->value, "false");
    assert_string_equal(td_wap_node(wap, "FirstSyncStatus/SkipUserStatusPage")->value, "false");
}

static void kinds_of_enrolment(void **state)
{
    struct world *w = *state;
    static const struct {
        struct td_enrol_context context;
        bool no_user;
        bool system;
        const char *device_page, *user_page;
    } cases[] = {
        {{.enrollment_type = "Full"}, false, false, "false", "false"},
        {{.enrollment_type = "Device", .not_in_oobe = TD_TRUE}, false, true, "true", "true"},
        {{.enrollment_type = "Full", .ux_initiated = TD_TRUE}, false, false, "true", "true"},
        {{.enrollment_type = "Device", .plug_and_forget = TD_TRUE}, true, true, "false", "true"},
        {{.enrollment_type = ""}, false, true, "false", "false"},
    };
    for (size_t i = 0; i < TD_COUNTOF(cases); i++) {
        struct td_soap head =
            world_jwt(w, &(struct token){.deviceid = world_join(w, NULL), .no_user = cases[i].no_user});
        struct td_rst rst = {.csr = w->csr, .context = cases[i].context};
        struct td_soap answer = world_rst(w, &head, &rst, NULL);
        struct installed got = world_install(w, &answer);
        assert_int_equal(got.wap.system_store, cases[i].system);
        assert_string_equal(td_wap_node(&got.wap, "FirstSyncStatus/SkipDeviceStatusPage")->value, cases[i].device_page);
        assert_string_equal(td_wap_node(&got.wap, "FirstSyncStatus/SkipUserStatusPage")->value, cases[i].user_page);
        assert_int_equal(td_wap_node(&got.wap, "UPN") == NULL, cases[i].no_user);
    }
    struct td_soap head = world_jwt(w, &(struct token){0});
    struct td_rst rst = {.csr = w->csr, .context = {.enrollment_type = "Other"}};
    struct td_soap answer = world_rst(w, &head, &rst, NULL);
    assert_fault(w, &answer, TD_FAULT_MESSAGE_FORMAT);
}

static struct td_soap enrol_as(struct world *w, struct td_soap head, const char *hardware)
{
    struct td_rst rst = {.csr = w->csr, .context = {.hw_dev_id = hardware, .device_id = "None"}};
    return world_rst(w, &head, &rst, NULL);
}

static void tokens_that_do_not_serve(void **state)
{
    struct world *w = *state;
    const char *device = world_join(w, NULL);
    const struct {
        struct token token;
        enum td_fault fault;
    } cases[] = {
        {{.aud = WORLD_GRAPH, .deviceid = device}, TD_FAULT_AUTHENTICATION},
        {{.aud = "urn:ms-drs:enterpriseregistration.windows.net", .deviceid = device}, TD_FAULT_AUTHENTICATION},
        {{.age = 7200, .deviceid = device}, TD_FAULT_AUTHENTICATION},
        {{.age = -3600, .deviceid = device}, TD_FAULT_AUTHENTICATION},
        {{.scp = "user_impersonation", .deviceid = device}, TD_FAULT_AUTHORIZATION},
        {{.scp = "xmdm_delegation", .deviceid = device}, TD_FAULT_AUTHORIZATION},
        {{.deviceid = "99999999-0000-4000-8000-000000000001"}, TD_FAULT_AUTHENTICATION},
        {{.no_user = true}, TD_FAULT_AUTHENTICATION},
    };
    for (size_t i = 0; i < TD_COUNTOF(cases); i++) {
        struct td_soap answer = enrol_as(w, world_jwt(w, &cases[i].token), "");
        assert_fault(w, &answer, cases[i].fault);
    }
    struct td_soap head = world_jwt(w, &(struct token){.deviceid = device});
    char *broken = td_arena_text(&w->wire.arena, head.security.token);
    broken[head.security.token.n - 5] ^= 1;
    head.security.token = td_str(broken);
    struct td_soap answer = enrol_as(w, head, "");
    assert_fault(w, &answer, TD_FAULT_AUTHENTICATION);
    head.security.token = TD_S("eyJhbGciOiJub25lIn0.eyJ0aWQiOiJ4In0.");
    answer = enrol_as(w, head, "");
    assert_fault(w, &answer, TD_FAULT_AUTHENTICATION);
    assert_int_equal(world_way(w, TD_WAY_DEVICE, device).way.state[TD_M_ENROLMENT], 0);
}

static void audiences_of_management(void **state)
{
    struct world *w = *state;
    static const char *const good[] = {
        WORLD_AUDIENCE,
        "https://enrollment.manage.microsoft.com",
        "0000000a-0000-0000-c000-000000000000",
        "d4ebce55-015a-49b5-a083-c84d1797ae8c",
        "https://manage.microsoft.com/",
        "https://localhost:8443",
    };
    const char *device = world_join(w, NULL);
    for (size_t i = 0; i < TD_COUNTOF(good); i++) {
        struct td_soap answer = enrol_as(w, world_jwt(w, &(struct token){.aud = good[i], .deviceid = device}), "");
        (void)world_install(w, &answer);
    }
}

static void bad_requests_leave_an_event(void **state)
{
    struct world *w = *state;
    const char *device = world_join(w, NULL), *detail = "";
    char *cut = td_arena_text(&w->wire.arena, w->csr), *flipped = td_arena_text(&w->wire.arena, w->csr);
    flipped[w->csr.n - 1] ^= 1; /* in the self-signature */
    char *longer = td_arena_alloc(&w->wire.arena, w->csr.n + 1);
    memcpy(longer, w->csr.p, w->csr.n);
    const struct td_slice bad[] = {
        td_bytes(cut, w->csr.n - 1),
        td_bytes(flipped, w->csr.n),
        td_bytes(longer, w->csr.n + 1),
        TD_S("0"),
        td_authority_root(w->wire.svc.authority),
    };
    for (size_t i = 0; i < TD_COUNTOF(bad); i++) {
        struct td_soap head = world_jwt(w, &(struct token){.deviceid = device});
        struct td_rst rst = {.csr = bad[i]};
        struct td_soap answer = world_rst(w, &head, &rst, NULL);
        assert_fault(w, &answer, TD_FAULT_CERTIFICATE_REQUEST);
    }
    struct td_way_row way = world_way(w, TD_WAY_DEVICE, device);
    assert_int_equal(world_events(w, way.id, "device.failed", &detail), TD_COUNTOF(bad));
    assert_non_null(strstr(detail, "\"code\":\"0x80180004\""));
    assert_non_null(strstr(detail, "\"remedy\":\"Start"));
    assert_int_equal(way.way.state[TD_M_ENROLMENT], 0);
}

static void odd_requests_are_taken(void **state)
{
    struct world *w = *state;
    static const char *const files[] = {"vectors/csr-printablestring.b64", "vectors/csr-utf8string.b64"};
    for (size_t i = 0; i < TD_COUNTOF(files); i++) {
        struct td_buf b = fixture(files[i]);
        struct td_soap head = world_jwt(w, &(struct token){.deviceid = world_join(w, NULL)});
        struct td_rst rst = {0};
        assert_ok(td_b64_decode(&w->wire.arena, td_buf_slice(&b), TD_B64_STD | TD_B64_SPACES, &rst.csr));
        struct td_soap answer = world_rst(w, &head, &rst, NULL);
        (void)world_install(w, &answer);
        td_buf_done(&b);
    }
}

static void restrictions_of_the_tenant(void **state)
{
    struct world *w = *state;
    const char *plain = world_join(w, NULL), *registered = world_join(w, REGISTRATION), *detail = "";
    world_set(w, "enrol-users", "registered");
    struct td_soap answer = enrol_as(w, world_jwt(w, &(struct token){.deviceid = plain}), "");
    assert_fault(w, &answer, TD_FAULT_DEVICE_NOT_SUPPORTED);
    answer = enrol_as(w, world_jwt(w, &(struct token){0}), "");
    assert_fault(w, &answer, TD_FAULT_DEVICE_NOT_SUPPORTED);
    answer = enrol_as(w, world_jwt(w, &(struct token){.deviceid = registered}), "");
    (void)world_install(w, &answer);
    assert_int_equal(world_events(w, world_way(w, TD_WAY_DEVICE, plain).id, "device.failed", &detail), 1);
    assert_non_null(strstr(detail, "0x80180014"));
    world_set(w, "enrol-users", "none");
    answer = enrol_as(w, world_jwt(w, &(struct token){.deviceid = registered}), "");
    assert_fault(w, &answer, TD_FAULT_DEVICE_NOT_SUPPORTED);
    world_set(w, "enrol-users", "all");
    world_set(w, "enrol-os-minimum", "99.0");
    answer = enrol_as(w, world_jwt(w, &(struct token){.deviceid = registered}), "");
    assert_fault(w, &answer, TD_FAULT_DEVICE_NOT_SUPPORTED);
    world_set(w, "enrol-os-minimum", "");
    world_set(w, "enrol-device-limit", "1");
    answer = enrol_as(w, world_jwt(w, &(struct token){.deviceid = plain}), "");
    assert_fault(w, &answer, TD_FAULT_DEVICE_CAP);
    /* its own older enrolment does not count against it */
    answer = enrol_as(w, world_jwt(w, &(struct token){.deviceid = registered}), "");
    (void)world_install(w, &answer);
}

static void claims_prove_nothing(void **state)
{
    struct world *w = *state;
    const char *registered = world_join(w, REGISTRATION), *plain = world_join(w, NULL), *detail = "";
    struct td_rst rst = {.csr = w->csr, .context = {.ztd_id = "33333333-0000-4000-8000-0000000000FF"}};
    struct td_soap head = world_jwt(w, &(struct token){.deviceid = registered});
    struct td_soap answer = world_rst(w, &head, &rst, NULL);
    assert_fault(w, &answer, TD_FAULT_INVALID_ENROLLMENT_DATA);
    rst.context.ztd_id = REGISTRATION;
    head = world_jwt(w, &(struct token){.deviceid = plain});
    answer = world_rst(w, &head, &rst, NULL);
    struct installed i = world_install(w, &answer);
    struct td_enrolment e = world_enrolment(w, i.cert.subject_cn);
    assert_string_equal(e.registration_id, "");
    assert_string_equal(world_way(w, TD_WAY_REGISTRATION, REGISTRATION).enrolment_id, "");
    assert_int_equal(world_events(w, e.way_id, "device.enrolled", &detail), 1);
    assert_non_null(strstr(detail, "unprovenRegistration"));
}

static void newer_replaces_older(void **state)
{
    struct world *w = *state;
    const char *device = world_join(w, NULL), *other = world_join(w, NULL);
    struct installed first = world_enrol(w, device), second = world_enrol(w, device), alone = world_enrol(w, other);
    assert_string_not_equal(first.cert.subject_cn, second.cert.subject_cn);
    assert_int_equal(world_enrolment(w, first.cert.subject_cn).state, TD_ENROLMENT_REPLACED);
    assert_true(world_revoked(w, &first));
    assert_false(world_revoked(w, &second) || world_revoked(w, &alone));
    struct td_way_row way = world_way(w, TD_WAY_DEVICE, device);
    assert_string_equal(way.enrolment_id, second.cert.subject_cn);
    assert_int_equal(world_events(w, way.id, "enrolment.replaced", NULL), 1);
}

static void hardware_replaces_but_placeholders_never(void **state)
{
    struct world *w = *state;
    static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    struct installed i[4];
    const char *const ids[] = {zeros, zeros, HARDWARE, HARDWARE};
    for (size_t k = 0; k < 4; k++) {
        struct td_soap answer = enrol_as(w, world_jwt(w, &(struct token){.deviceid = world_join(w, NULL)}), ids[k]);
        i[k] = world_install(w, &answer);
    }
    assert_false(world_revoked(w, &i[0]) || world_revoked(w, &i[1]));
    assert_true(world_revoked(w, &i[2]));
    assert_false(world_revoked(w, &i[3]));
    struct td_enrolment old = world_enrolment(w, i[2].cert.subject_cn);
    assert_int_equal(world_events(w, old.way_id, "device.unenrolled", NULL), 1);
    assert_int_equal(world_way(w, TD_WAY_ID, old.way_id).way.state[TD_M_ENROLMENT], 0);
}

/* Settings, "enrol in device management only": no directory device at all. */
static void on_premise_by_name_and_password(void **state)
{
    struct world *w = *state;
    struct td_soap answer = enrol_as(w, with_password(w, w->upn, WORLD_PASSWORD), HARDWARE);
    struct installed first = world_install(w, &answer);
    struct td_enrolment e = world_enrolment(w, first.cert.subject_cn);
    assert_string_equal(e.device_id, "");
    assert_string_equal(e.type, "Full");
    assert_string_equal(e.hw_dev_id, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    answer = enrol_as(w, with_password(w, w->upn, WORLD_PASSWORD), HARDWARE);
    struct installed second = world_install(w, &answer);
    assert_string_equal(world_enrolment(w, second.cert.subject_cn).way_id, e.way_id); /* the same machine */
    assert_true(world_revoked(w, &first));
    for (int i = 0; i < TD_GUARD_TRIES; i++) {
        answer = enrol_as(w, with_password(w, w->upn, "wrong"), HARDWARE);
        assert_fault(w, &answer, TD_FAULT_AUTHENTICATION);
    }
    answer = enrol_as(w, with_password(w, w->upn, WORLD_PASSWORD), HARDWARE); /* locked by now */
    assert_fault(w, &answer, TD_FAULT_AUTHENTICATION);
    answer = enrol_as(w, with_password(w, w->upn, ""), HARDWARE);
    assert_fault(w, &answer, TD_FAULT_AUTHENTICATION);
    assert_false(world_revoked(w, &second));
}

struct managed_only {
    struct world *w;
    const char *way, *enrolment;
    bool wipe;
};

static enum td_code ready_and_wiped(struct td_tx *tx, void *ctx, struct td_error *err)
{
    static const enum td_way_event steps[] = {TD_EV_DEVICE_SETUP, TD_EV_DEVICE_DONE, TD_EV_READY};
    const struct managed_only *m = ctx;
    const struct td_action_asking wipe = {.kind = TD_ACTION_WIPE, .actor = "boss@contoso.test"};
    struct td_action x;
    for (size_t i = 0; i < TD_COUNTOF(steps); i++)
        td_try(td_way_happened(tx, m->w->tenant, m->way, steps[i], "device", "{}", err));
    if (!m->wipe)
        return TD_OK;
    td_try(td_action_ask(tx, m->w->tenant, m->enrolment, &wipe, &m->w->wire.arena, &x, err));
    td_try(td_action_delivered(tx, m->w->tenant, x.id, err));
    return td_action_answered(tx, m->w->tenant, x.id, 200, 0, err);
}

/* Without a join it is the enrolment that shows a machine from its box (autopilot.md 3.8): after a wipe that it
 * accepted, or installed anew by hand. One that was never ready is only tried again. */
static void enrols_from_its_box(void **state)
{
    struct world *w = *state;
    struct td_soap answer = enrol_as(w, with_password(w, w->upn, WORLD_PASSWORD), HARDWARE);
    struct td_enrolment e = world_enrolment(w, world_install(w, &answer).cert.subject_cn);
    answer = enrol_as(w, with_password(w, w->upn, WORLD_PASSWORD), HARDWARE);
    e = world_enrolment(w, world_install(w, &answer).cert.subject_cn);
    assert_int_equal(world_events(w, e.way_id, "device.wiped", NULL), 0);
    for (size_t i = 1; i <= 2; i++) {
        struct managed_only m = {w, e.way_id, e.id, i == 2};
        assert_ok(td_store_write(w->wire.svc.store, ready_and_wiped, &m, NULL));
        answer = enrol_as(w, with_password(w, w->upn, WORLD_PASSWORD), HARDWARE);
        const char *before = e.id;
        e = world_enrolment(w, world_install(w, &answer).cert.subject_cn);
        assert_int_equal(world_events(w, e.way_id, "device.wiped", NULL), i);
        assert_int_equal(world_enrolment(w, before).state, TD_ENROLMENT_ENDED);
        assert_int_equal(e.state, TD_ENROLMENT_ACTIVE);
        assert_int_equal(world_way(w, TD_WAY_ID, e.way_id).way.state[TD_M_ENROLMENT], TD_E_ENROLLED);
    }
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(discovery_answers_the_example),
        TEST(discovery_follows_the_client),
        TEST(malformed_messages_get_their_fault),
        TEST(policies_for_the_proven),
        TEST(enrols_by_the_example),
        TEST(certificate_is_ours_and_right),
        TEST(openssl_agrees),
        TEST(document_holds_what_devices_need),
        TEST(kinds_of_enrolment),
        TEST(tokens_that_do_not_serve),
        TEST(audiences_of_management),
        TEST(bad_requests_leave_an_event),
        TEST(odd_requests_are_taken),
        TEST(restrictions_of_the_tenant),
        TEST(claims_prove_nothing),
        TEST(newer_replaces_older),
        TEST(hardware_replaces_but_placeholders_never),
        TEST(on_premise_by_name_and_password),
        TEST(enrols_from_its_box),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
