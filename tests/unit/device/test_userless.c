/* device/userless: a device without a user joins by a ticket and enrols by a token of its own. The fake service follows
 * join-and-tokens.md 3, 5, 10.7, mde2.md 4.2 and docs/protocol/attestation.md; what the TPM does stands in for itself.
 */
#include "base/file.h"
#include "codec/wstep.h"
#include "crypto/cert.h"
#include "crypto/jose.h"
#include "device/life.h"
#include "device/tokens.h"
#include "unit/device/stage.h"

#define DEVICE "44444444-0000-4000-8000-000000000001"
#define REGISTRATION "33333333-0000-4000-8000-000000000001"

static struct stage s;
static struct td_key *ca_key;
static struct td_slice ca_der;

static struct service {
    int attested, joins, refuse, lose, forbid; /* joins to be refused, lost, forbidden: so many */
    const char *purpose;
    int tokens;
    bool two_services, no_foreign;
    const char *resource;
    struct td_enrol_context context;
    const char *token;
} svc;

/* In place of the device's own (device/flow/attest.c), which needs a TPM. */
enum td_code td_flow_attest(struct td_flow *f, const char *purpose, struct td_error *err TD_UNUSED)
{
    svc.purpose = purpose;
    td_secret_put(&f->secrets.join_token, td_arena_printf(&s.arena, "ticket-%d", ++svc.attested));
    return TD_OK;
}

static void issue(struct td_slice spki, struct td_arena *a, struct td_slice *ret)
{
    const struct td_rdn name = {"CN", DEVICE};
    const struct td_cert_template t = {.subject = &name,
                                       .subject_count = 1,
                                       .spki = spki,
                                       .serial = {9},
                                       .not_before = s.world.now - TD_DAY,
                                       .not_after = s.world.now + 3650 * TD_DAY,
                                       .eku = TD_EKU_CLIENT};
    assert_ok(td_cert_issue(&t, ca_der, ca_key, a, ret, NULL));
}

static enum td_code join(const struct td_net_request *req, struct td_arena *a, struct td_net_response *r,
                         struct td_error *err)
{
    struct td_json *body;
    struct td_slice der;
    struct td_csr csr;
    struct td_cert cert;
    svc.joins++;
    assert_string_equal(header_of(req, "Authorization: Bearer "), td_arena_printf(a, "ticket-%d", svc.attested));
    if (svc.lose-- > 0)
        return td_fail(err, TD_EUNAVAILABLE, "test", "connection lost");
    if (svc.refuse-- > 0)
        return reply_json(r, a, 401, "{\"ErrorType\":\"AuthenticationError\",\"Message\":\"the ticket was used\"}");
    if (svc.forbid-- > 0)
        return reply_json(r, a, 403, "{\"ErrorType\":\"AuthorizationError\",\"Message\":\"too many devices\"}");
    assert_ok(td_json_parse(req->body, 65536, a, &body, NULL));
    const char *data = td_json_str(td_json_get(body, "CertificateRequest"), "Data");
    assert_ok(td_b64_decode(a, td_str(data), TD_B64_STD, &der));
    assert_ok(td_csr_parse(der, a, &csr, NULL));
    issue(csr.spki, a, &der);
    assert_ok(td_cert_parse(der, a, &cert, NULL));
    return reply_json(
        r, a, 200,
        td_arena_printf(a, "{\"Certificate\":{\"Thumbprint\":\"%s\",\"RawBody\":\"%s\"}}", cert.sha1, td_b64(a, der)));
}

static const char discovered[] =
    "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" "
    "xmlns:a=\"http://www.w3.org/2005/08/addressing\"><s:Header><a:Action s:mustUnderstand=\"1\">"
    "http://schemas.microsoft.com/windows/management/2012/01/enrollment/IDiscoveryService/DiscoverResponse</a:Action>"
    "</s:Header><s:Body><DiscoverResponse xmlns=\"http://schemas.microsoft.com/windows/management/2012/01/enrollment\">"
    "<DiscoverResult><AuthPolicy>Federated</AuthPolicy><EnrollmentVersion>5.0</EnrollmentVersion>"
    "<EnrollmentServiceUrl>https://td.test:8443/EnrollmentServer/Enrollment.svc</EnrollmentServiceUrl></DiscoverResult>"
    "</DiscoverResponse></s:Body></s:Envelope>";

/* Somebody at the sign-in screen (join-and-tokens.md 10.2). */
static enum td_code person(const struct td_jws *jws, struct td_arena *a, struct td_net_response *r)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *transport = NULL;
    static const unsigned char session_key[32] = {7};
    char *jwe = NULL;
    if (strcmp(td_json_str(jws->claims, "password"), "right") != 0)
        return reply_json(r, a, 400, "{\"error\":\"invalid_grant\",\"error_description\":\"AADSTS50126: wrong\"}");
    assert_ok(td_flow_key(&s.flow, "transport.key.pem", &transport, NULL));
    assert_ok(td_jwe_session_key(transport, session_key, "012345678901", a, &jwe, NULL));
    return reply_json(
        r, a, 200,
        td_arena_printf(a, "{\"token_type\":\"Bearer\",\"refresh_token\":\"1.PRT\",\"session_key_jwe\":\"%s\"}", jwe));
}

/* Signed by the key of the certificate that stands in it; names no user and carries no user's credential. */
static enum td_code token(const struct td_net_request *req, struct td_arena *a, struct td_net_response *r)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    struct td_jws jws;
    struct td_slice der;
    const char *grant = td_form_get(req->body, "grant_type", a);
    if (strcmp(grant, "srv_challenge") == 0)
        return reply_json(r, a, 200, "{\"Nonce\":\"n-1\"}");
    svc.tokens++;
    assert_string_equal(grant, "urn:ietf:params:oauth:grant-type:jwt-bearer");
    assert_ok(td_jws_decode(td_str(td_form_get(req->body, "request", a)), a, &jws, NULL));
    const struct td_json *x5c = td_json_get(jws.header, "x5c");
    assert_ok(td_b64_decode(a, td_str(x5c->child->str), TD_B64_STD, &der));
    assert_ok(td_cert_public_key(der, &key, NULL));
    assert_true(td_jws_verify(&jws, key, TD_RS256));
    if (strcmp(td_json_str(jws.claims, "grant_type"), "password") == 0)
        return person(&jws, a, r);
    assert_string_equal(td_json_str(jws.claims, "grant_type"), "device_token");
    assert_string_equal(td_json_str(jws.claims, "client_id"), "29d9ed98-a469-4536-ade2-f981bc1d605e");
    assert_string_equal(td_json_str(jws.claims, "request_nonce"), "n-1");
    assert_string_equal(td_json_str(jws.claims, "redirect_uri"), "ms-aadj-redir://auth/mdm");
    assert_string_equal(td_json_str(jws.claims, "iss"), "aad:brokerplugin");
    assert_null(td_json_str(jws.claims, "refresh_token"));
    assert_null(td_json_str(jws.claims, "username"));
    svc.resource = td_arena_strdup(&s.arena, td_json_str(jws.claims, "resource"));
    if (svc.no_foreign && td_starts(td_str(svc.resource), "5a1e"))
        return reply_json(r, a, 400, "{\"error\":\"invalid_resource\",\"error_description\":\"not known\"}");
    return reply_json(r, a, 200, "{\"token_type\":\"Bearer\",\"access_token\":\"d.e.v\"}");
}

static enum td_code enrol(const struct td_net_request *req, struct td_arena *a, struct td_net_response *r)
{
    struct td_soap soap;
    struct td_rst rst;
    assert_ok(td_soap_parse(td_arena_copy(&s.arena, req->body), &s.arena, &soap, NULL));
    assert_slice(soap.security.token, "d.e.v");
    assert_ok(td_rst_read(&soap, &s.arena, &rst, NULL));
    svc.context = rst.context;
    struct td_buf text = fixture("mde2/fault.xml");
    (void)reply(r, a, 200, "", td_buf_slice(&text));
    td_buf_done(&text);
    return TD_OK;
}

static enum td_code send(void *ctx TD_UNUSED, const struct td_net_request *req, struct td_arena *a,
                         struct td_net_response *r, struct td_error *err)
{
    s.requests++;
    if (asked(req, "GET", "/Discover?api-version=1.9"))
        return reply_json(r, a, 200, "{}");
    if (asked(req, "POST", "https://td.test:8443/EnrollmentServer/device/?api-version=2.0"))
        return join(req, a, r, err);
    if (asked(req, "POST", "/common/oauth2/token"))
        return token(req, a, r);
    if (asked(req, "POST", "/EnrollmentServer/Discovery.svc"))
        return reply(r, a, 200, "", td_str(discovered));
    if (asked(req, "GET", "/servicePrincipals/")) {
        assert_string_equal(header_of(req, "Authorization: Bearer "), "d.e.v");
        return reply_json(r, a, 200,
                          td_arena_printf(a,
                                          "{\"value\":[{\"providerName\":\"WindowsEnrollment\",\"uri\":"
                                          "\"https://td.test:8443/EnrollmentServer/Enrollment.svc\"}%s]}",
                                          svc.two_services ? ",{\"providerName\":\"WindowsEnrollment\",\"uri\":"
                                                             "\"https://other.test/Enrollment.svc\"}"
                                                           : ""));
    }
    assert_string_equal(req->url, "https://td.test:8443/EnrollmentServer/Enrollment.svc");
    return enrol(req, a, r);
}

static int begin(void **state TD_UNUSED)
{
    memset(&svc, 0, sizeof(svc));
    stage_open(&s, send);
    stage_make_ca(&s, &ca_key, &ca_der);
    stage_set(&s, "profile.domain", "contoso.test");
    stage_set(&s, "profile.tenant_id", "aaaaaaaa-0000-4000-8000-000000000001");
    stage_set(&s, "profile.registration_id", REGISTRATION);
    stage_set(&s, "profile.mode", "1");
    stage_set(&s, "device.name", "CON-1");
    return 0;
}

static int end(void **state TD_UNUSED)
{
    td_key_free(TD_TAKE(ca_key));
    stage_close(&s);
    return 0;
}

static void restart(void)
{
    td_state_close(s.dev.state);
    assert_ok(td_state_open(s.dir, &s.dev.state, NULL));
    td_secret_put(&s.flow.secrets.join_token, NULL);
}

/* Until it has joined by the profile, then by how it joined: a reset in place takes the profile away. */
static void for_whom_it_is_set_up(void **state TD_UNUSED)
{
    assert_int_equal(td_flow_kind(&s.flow), TD_FLOW_SELF_DEPLOYING);
    stage_set(&s, "profile.mode", "0");
    assert_int_equal(td_flow_kind(&s.flow), TD_FLOW_USER);
    stage_set(&s, "profile.mode", "2"); /* a technician may, and nobody did */
    assert_int_equal(td_flow_kind(&s.flow), TD_FLOW_USER);
    stage_set(&s, "profile.mode", NULL);
    assert_int_equal(td_flow_kind(&s.flow), TD_FLOW_USER);
    stage_set(&s, "end.join", "1");
    assert_int_equal(td_flow_kind(&s.flow), TD_FLOW_USER);
    stage_set(&s, "profile.mode", "1"); /* joined by a user before the profile was changed */
    assert_int_equal(td_flow_kind(&s.flow), TD_FLOW_USER);
    stage_set(&s, "profile.mode", NULL);
    stage_set(&s, "join.attested", "self-deploying");
    assert_int_equal(td_flow_kind(&s.flow), TD_FLOW_SELF_DEPLOYING);
    s.flow.technician = true;
    assert_int_equal(td_flow_kind(&s.flow), TD_FLOW_TECHNICIAN);
}

static void joins_by_its_ticket(void **state TD_UNUSED)
{
    assert_false(td_flow_skip_secure(&s.flow));
    assert_ok(td_flow_secure(&s.flow, NULL));
    assert_string_equal(svc.purpose, "self-deploying");
    assert_true(td_flow_skip_secure(&s.flow));
    assert_ok(td_flow_join_attested(&s.flow, NULL));
    assert_int_equal(svc.attested, 1);
    assert_string_equal(td_flow_get(&s.flow, "join.device_id"), DEVICE);
    assert_null(s.flow.secrets.join_token); /* good once */
    assert_true(stage_said(&s, "status   Secure your hardware (Complete)"));
    assert_true(stage_said(&s, "status   Join your organization's network (Complete)"));
    assert_false(td_prt_there(&s.flow));
    struct td_slice text;
    assert_ok(td_flow_read(&s.flow, "state.json", &s.arena, &text, NULL));
    assert_true(td_search(text, TD_S("ticket-1")) == SIZE_MAX);
    assert_true(td_search(text, TD_S("\"self-deploying\"")) != SIZE_MAX);
}

static void a_technician_says_so(void **state TD_UNUSED)
{
    s.flow.technician = true;
    assert_ok(td_flow_join_attested(&s.flow, NULL));
    assert_string_equal(svc.purpose, "pre-provisioning");
    assert_string_equal(td_flow_get(&s.flow, "join.attested"), "pre-provisioning");
}

/* The answer of the join was lost: its ticket is used, and another one does what is left. */
static void a_used_ticket_is_bought_anew(void **state TD_UNUSED)
{
    assert_ok(td_flow_secure(&s.flow, NULL));
    svc.lose = 1;
    assert_int_equal(td_flow_join_attested(&s.flow, NULL), TD_EUNAVAILABLE);
    assert_int_equal(svc.attested, 1); /* it may be good still */
    svc.refuse = 1;
    assert_ok(td_flow_join_attested(&s.flow, NULL));
    assert_int_equal(svc.attested, 2);
    assert_int_equal(svc.joins, 3);
}

static void not_without_end(void **state TD_UNUSED)
{
    struct td_error err = {0};
    svc.refuse = 100;
    assert_int_equal(td_flow_join_attested(&s.flow, &err), TD_EAUTH);
    assert_int_equal(svc.attested, 3);
    assert_int_equal(err.hresult, 0x801c03ea);
    assert_string_equal(err.text, "the ticket was used");
    assert_null(s.flow.secrets.join_token);
    assert_string_equal(td_flow_get(&s.flow, "join.attested"), ""); /* a user may join it next */
    svc.refuse = 0;
    svc.forbid = 1; /* another reason: no other ticket mends it */
    assert_int_equal(td_flow_join_attested(&s.flow, &err), TD_EDENIED);
    assert_int_equal(svc.attested, 4);
    assert_int_equal(err.hresult, 0x801c0003);
}

static void killed_before_the_join_it_proves_again(void **state TD_UNUSED)
{
    assert_ok(td_flow_secure(&s.flow, NULL));
    restart();
    assert_false(td_flow_skip_secure(&s.flow));
    assert_ok(td_flow_join_attested(&s.flow, NULL));
    assert_int_equal(svc.attested, 2);
}

/* Nobody's token, and the request says what the device is. */
static void enrols_for_nobody(void **state TD_UNUSED)
{
    for (int technician = 0; technician <= 1; technician++) {
        struct td_error err = {0};
        s.flow.technician = technician != 0;
        assert_ok(td_flow_join_attested(&s.flow, NULL));
        assert_int_equal(td_flow_enrol(&s.flow, &err), TD_EDENIED);
        assert_int_equal(err.hresult, 0x80180013); /* the fault of the document's example */
        assert_string_equal(svc.resource, "https://enrollment.manage.microsoft.com/");
        assert_int_equal(svc.context.plug_and_forget, technician ? TD_UNSET : TD_TRUE);
        assert_int_equal(svc.context.white_glove, technician ? TD_TRUE : TD_UNSET);
        assert_string_equal(svc.context.ztd_id, REGISTRATION);
        assert_string_equal(svc.context.enrollment_type, "Device");
    }
    assert_int_equal(svc.tokens, 4); /* for the directory's list and for the management, each time */
}

/* autopilot.md 6.7: nobody is there to say which management is meant. */
static void knows_one_management_alone(void **state TD_UNUSED)
{
    struct td_error err = {0};
    assert_ok(td_flow_join_attested(&s.flow, NULL));
    svc.two_services = true;
    assert_int_equal(td_flow_enrol(&s.flow, &err), TD_ENOTOFFERED);
    assert_int_equal(err.hresult, 0xc1036501);
    assert_int_equal(svc.tokens, 1);
    svc.two_services = false;
    stage_set(&s, "profile.mdm_id", "5a1e0000-1111-4222-8333-444455556666");
    stage_set(&s, "profile.mdm_url", "https://td.test:8443/EnrollmentServer/Discovery.svc");
    svc.no_foreign = true;
    err = (struct td_error){0};
    assert_int_equal(td_flow_enrol(&s.flow, &err), TD_ENOTOFFERED);
    assert_int_equal(err.hresult, 0xc1036501);
    assert_true(err.remedy[0] != '\0');
    assert_int_equal(svc.tokens, 2);
    svc.no_foreign = false; /* a service that does give one */
    assert_int_equal(td_flow_enrol(&s.flow, &err), TD_EDENIED);
    assert_string_equal(svc.resource, "5a1e0000-1111-4222-8333-444455556666");
    assert_int_equal(svc.context.plug_and_forget, TD_TRUE);
}

/* Anybody of the organization, one behind the other; the device stays nobody's. */
static void lets_people_sign_in(void **state TD_UNUSED)
{
    struct td_error err = {0};
    assert_int_equal(td_life_sign_in(&s.flow, "ada@contoso.test", &err), TD_ESTATE); /* in its box */
    assert_ok(td_flow_join_attested(&s.flow, NULL));
    stage_set(&s, "end.join", "1");
    stage_set(&s, "ready.at", "2030-01-01T00:00:00Z");
    assert_int_equal(td_life_sign_in(&s.flow, NULL, &err), TD_EINVAL); /* nobody was named, nobody was there before */
    assert_string_equal(err.where, "user");
    stage_answer(&s, "password", "wrong");
    assert_int_equal(td_life_sign_in(&s.flow, "ada@contoso.test", &err), TD_EAUTH);
    assert_string_equal(td_flow_get(&s.flow, "user.signed_in"), "");
    s.ui.answers[0].value = "right";
    static const char *const people[] = {"ada@contoso.test", "grace@contoso.test"};
    for (size_t i = 0; i < TD_COUNTOF(people); i++) {
        assert_ok(td_life_sign_in(&s.flow, people[i], NULL));
        assert_string_equal(td_flow_get(&s.flow, "user.signed_in"), people[i]);
        assert_string_equal(td_flow_get(&s.flow, "enrol.user"), "");
        assert_int_equal(td_flow_kind(&s.flow), TD_FLOW_SELF_DEPLOYING);
        const char *desktop = td_arena_printf(&s.arena, "disk/users/%s/profile/desktop.ini", people[i]);
        assert_true(td_file_exists(td_device_path(&s.dev, &s.arena, desktop)));
    }
    assert_ok(td_life_sign_in(&s.flow, NULL, NULL)); /* the last one again */
    assert_string_equal(td_flow_get(&s.flow, "user.signed_in"), "grace@contoso.test");
}

#define STAGED(t) cmocka_unit_test_setup_teardown(t, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(for_whom_it_is_set_up), STAGED(joins_by_its_ticket),
        STAGED(a_technician_says_so),  STAGED(a_used_ticket_is_bought_anew),
        STAGED(not_without_end),       STAGED(killed_before_the_join_it_proves_again),
        STAGED(enrols_for_nobody),     STAGED(knows_one_management_alone),
        STAGED(lets_people_sign_in),
    };
    return cmocka_run_group_tests_name("userless", tests, NULL, NULL);
}
