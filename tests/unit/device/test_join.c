/* device/lookup and device/join: what the device asks and what it takes. The fake service follows docs/protocol/ztd.md
 * and join-and-tokens.md 2, 3, 10.9. */
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "unit/device/stage.h"

#define DEVICE "44444444-0000-4000-8000-000000000001"
#define TENANT "aaaaaaaa-0000-4000-8000-000000000001"

static struct stage s;
static struct td_key *ca_key;
static struct td_slice ca_der;

static struct service {
    int status;
    const char *body; /* answer instead of a certificate */
    bool bare_discovery, other_tenant, other_key, other_thumbprint, two_names, lost;
    struct td_slice csr;
    char ticket[64], lookup[128];
} svc;

static void issue(struct td_slice spki, struct td_arena *a, struct td_slice *ret)
{
    const struct td_rdn names[] = {{"CN", DEVICE}, {"O", "extra"}};
    const struct td_cert_template t = {.subject = names,
                                       .subject_count = svc.two_names ? 2 : 1,
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
    struct td_slice der, blob;
    struct td_csr csr;
    struct td_cert cert;
    TD_CLEANUP(td_key_cleanup) struct td_key *transport = NULL;
    assert_string_equal(header_of(req, "Authorization: Bearer "), "a.b.c");
    assert_string_equal(header_of(req, "Content-Type: "), "application/json");
    assert_ok(td_json_parse(req->body, 65536, a, &body, NULL));
    const struct td_json *request = td_json_get(body, "CertificateRequest"), *attrs = td_json_get(body, "attributes");
    assert_string_equal(td_json_str(request, "Type"), "pkcs10");
    assert_ok(td_b64_decode(a, td_str(td_json_str(request, "Data")), TD_B64_STD, &der));
    assert_ok(td_csr_parse(der, a, &csr, NULL));
    assert_int_equal(csr.bits, 2048);
    assert_string_equal(csr.subject_cn, "7E980AD9-B86D-4306-9425-9AC066FB014A");
    assert_ok(td_b64_decode(a, td_str(td_json_str(body, "TransportKey")), TD_B64_STD, &blob));
    assert_int_equal(blob.n, 283);
    assert_memory_equal(blob.p, "\x52\x53\x41\x31\x00\x08\x00\x00\x03\x00\x00\x00\x00\x01\x00\x00", 16);
    assert_ok(td_key_from_rsa_blob(blob, &transport, NULL));
    assert_int_equal(td_json_int(body, "JoinType", -1), 0);
    assert_string_equal(td_json_str(body, "DeviceType"), "Windows");
    assert_string_equal(td_json_str(body, "OSVersion"), "10.0.22631.2506");
    assert_string_equal(td_json_str(body, "DeviceDisplayName"), "CON-1");
    assert_string_equal(td_json_str(body, "TargetDomain"), "contoso.test");
    assert_string_equal(td_json_str(attrs, "ReuseDevice"), "true");
    assert_string_equal(td_json_str(attrs, "MSA-DDID"), "dGlja2V0LTE="); /* "ticket-1" */
    if (svc.csr.n != 0)
        assert_true(td_eq(svc.csr, csr.spki)); /* asked again: the same key */
    svc.csr = td_arena_copy(&s.arena, csr.spki);
    if (svc.lost) {
        svc.lost = false;
        return td_fail(err, TD_EUNAVAILABLE, "test", "connection lost");
    }
    if (svc.body != NULL)
        return reply_json(r, a, svc.status, svc.body);
    struct td_slice spki = csr.spki;
    if (svc.other_key)
        assert_ok(td_key_public_der(ca_key, a, &spki));
    issue(spki, a, &der);
    assert_ok(td_cert_parse(der, a, &cert, NULL));
    return reply_json(
        r, a, 200,
        td_arena_printf(
            a,
            "{\"Certificate\":{\"Thumbprint\":\"%s\",\"RawBody\":\"%s\"},\"User\":{\"Upn\":\"ada@contoso.test\"},"
            "\"MembershipChanges\":[{\"LocalSID\":\"S-1-5-32-545\",\"AddSIDs\":[\"S-1-1-0\"]},"
            "{\"LocalSID\":\"S-1-5-32-544\",\"AddSIDs\":[\"S-1-12-1-1-2-3-4\",\"S-1-12-1-5-6-7-8\"]}]}",
            svc.other_thumbprint ? "DDDD" : cert.sha1, td_b64(a, der)));
}

static const char profile[] =
    "{\"AutopilotServiceCorrelationId\":\"x\",\"ZtdRegistrationId\":\"33333333-0000-4000-8000-000000000001\","
    "\"CloudAssignedTenantId\":\"" TENANT "\",\"CloudAssignedTenantDomain\":\"contoso.test\",\"TenantDisplayName\":"
    "\"Contoso\",\"CloudAssignedOobeConfig\":1310,\"CloudAssignedDomainJoinMethod\":0,\"CloudAssignedLanguage\":"
    "\"os-default\",\"DeploymentProfileName\":\"Sales\",\"IsExplicitProfileAssignment\":true,\"DeviceTicket\":\"ticket-"
    "9\"}";

static enum td_code send(void *ctx TD_UNUSED, const struct td_net_request *req, struct td_arena *a,
                         struct td_net_response *r, struct td_error *err)
{
    s.requests++;
    if (asked(req, "POST", "https://td.test:8443/ztd/v1/lookup")) {
        struct td_json *body;
        assert_ok(td_json_parse(req->body, 65536, a, &body, NULL));
        assert_non_null(td_json_str(body, "hardwareHash"));
        return reply_json(r, a, svc.status != 0 ? svc.status : 200, svc.body != NULL ? svc.body : profile);
    }
    if (asked(req, "GET", "https://td.test:8443/contoso.test/Discover?api-version=1.9&managed=True")) {
        if (svc.bare_discovery)
            return reply_json(r, a, 200, "{}");
        return reply_json(
            r, a, 200,
            td_arena_printf(
                a,
                "{\"DeviceJoinService\":{\"JoinEndpoint\":\"https://drs.test/EnrollmentServer/device/\","
                "\"JoinResourceId\":\"urn:ms-drs:enterpriseregistration.windows.net\",\"ServiceVersion\":\"2.0\"},"
                "\"TenantInfo\":{\"TenantId\":\"%s\",\"DisplayName\":\"Contoso\"}}",
                svc.other_tenant ? "bbbbbbbb-0000-4000-8000-000000000001" : TENANT));
    }
    const char *place = svc.bare_discovery ? "https://td.test:8443/EnrollmentServer/device/?api-version=2.0"
                                           : "https://drs.test/EnrollmentServer/device/?api-version=2.0";
    assert_string_equal(req->url, place);
    return join(req, a, r, err);
}

static int begin(void **state TD_UNUSED)
{
    memset(&svc, 0, sizeof(svc));
    stage_open(&s, send);
    stage_make_ca(&s, &ca_key, &ca_der);
    stage_set(&s, "profile.domain", "contoso.test");
    stage_set(&s, "profile.tenant_id", TENANT);
    stage_set(&s, "lookup.ticket", "ticket-1");
    stage_set(&s, "device.name", "CON-1");
    td_secret_put(&s.flow.secrets.join_token, "a.b.c");
    return 0;
}

static int end(void **state TD_UNUSED)
{
    td_key_free(ca_key);
    ca_key = NULL;
    stage_close(&s);
    return 0;
}

static void joins(void **state TD_UNUSED)
{
    assert_ok(td_flow_join(&s.flow, NULL));
    assert_string_equal(td_flow_get(&s.flow, "join.device_id"), DEVICE);
    assert_string_equal(td_flow_get(&s.flow, "join.user"), "ada@contoso.test");
    assert_string_equal(td_flow_get(&s.flow, "join.administrators"), "S-1-12-1-1-2-3-4 S-1-12-1-5-6-7-8");
    struct td_slice pem;
    assert_ok(td_flow_read(&s.flow, "device.crt.pem", &s.arena, &pem, NULL));
    assert_true(td_starts(pem, "-----BEGIN CERTIFICATE-----"));
}

static void joins_without_a_discovery(void **state TD_UNUSED)
{
    svc.bare_discovery = true;
    assert_ok(td_flow_join(&s.flow, NULL));
}

static void asks_again_with_the_same_key(void **state TD_UNUSED)
{
    svc.lost = true;
    assert_int_equal(td_flow_join(&s.flow, NULL), TD_EUNAVAILABLE);
    assert_ok(td_flow_join(&s.flow, NULL)); /* the fake compares the keys of both requests */
}

static void tells_refusals(void **state TD_UNUSED)
{
    static const struct {
        int status;
        uint32_t hresult;
        enum td_code code;
    } rows[] = {{401, 0x801c0002, TD_EAUTH},
                {403, 0x801c0003, TD_EDENIED},
                {400, 0x801c0001, TD_EINVAL},
                {500, 0x801c0006, TD_EINTERNAL}};
    svc.body = "{\"ErrorType\":\"X\",\"Message\":\"Too many devices\",\"TraceId\":\"t\",\"Time\":\"02-24-2030\"}";
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_error err = {0};
        svc.status = rows[i].status;
        assert_int_equal(td_flow_join(&s.flow, &err), rows[i].code);
        assert_int_equal(err.hresult, rows[i].hresult);
        assert_string_equal(err.text, "Too many devices");
    }
    svc.status = 503;
    assert_int_equal(td_flow_join(&s.flow, NULL), TD_EUNAVAILABLE);
}

static void takes_no_strange_certificate(void **state TD_UNUSED)
{
    static const size_t faults[] = {offsetof(struct service, other_key), offsetof(struct service, other_thumbprint),
                                    offsetof(struct service, two_names), offsetof(struct service, other_tenant)};
    for (size_t i = 0; i < TD_COUNTOF(faults); i++) {
        memset(&svc, 0, sizeof(svc));
        *(bool *)((char *)&svc + faults[i]) = true;
        assert_int_not_equal(td_flow_join(&s.flow, NULL), TD_OK);
        struct td_slice pem;
        assert_int_equal(td_flow_read(&s.flow, "device.crt.pem", &s.arena, &pem, NULL), TD_ENOTFOUND);
    }
    memset(&svc, 0, sizeof(svc));
    svc.status = 200;
    svc.body = "{\"Certificate\":{\"Thumbprint\":\"x\",\"RawBody\":\"%%\"}}";
    assert_int_equal(td_flow_join(&s.flow, NULL), TD_EFORMAT);
}

static void finds_its_profile(void **state TD_UNUSED)
{
    assert_ok(td_flow_lookup(&s.flow, NULL));
    assert_string_equal(td_flow_get(&s.flow, "profile.registration_id"), "33333333-0000-4000-8000-000000000001");
    assert_string_equal(td_flow_get(&s.flow, "profile.oobe"), "1310");
    assert_string_equal(td_flow_get(&s.flow, "profile.explicit"), "1");
    assert_string_equal(td_flow_get(&s.flow, "lookup.ticket"), "ticket-9");
    assert_false(stage_said(&s, "ticket-9"));
    assert_false(s.flow.none);
}

static void keeps_no_none(void **state TD_UNUSED)
{
    struct td_error err = {0};
    svc.body = "{\"ErrorCode\":815,\"ErrorReason\":\"ZtdDeviceHasNoAssignedProfile\",\"ErrorText\":\"none\",\"Remedy\":"
               "\"assign\"}";
    assert_int_equal(td_flow_lookup(&s.flow, &err), TD_ENOTFOUND);
    assert_true(s.flow.none);
    assert_string_equal(err.remedy, "assign");
    assert_string_equal(td_flow_get(&s.flow, "profile.registration_id"), "");
    svc.body = NULL;
    assert_ok(td_flow_lookup(&s.flow, NULL));
}

/* By AutopilotMode, and where it is missing by bits 32 and 64 (autopilot.md 2.3, 2.5, 3.3). */
static void knows_the_mode(void **state TD_UNUSED)
{
    static const struct {
        int oobe;
        const char *mode; /* member of the answer */
        enum td_flow_kind want;
    } rows[] = {{1310, "", TD_FLOW_USER},
                {1310, ",\"AutopilotMode\":0", TD_FLOW_USER},
                {1310, ",\"AutopilotMode\":2", TD_FLOW_USER},
                {1406, ",\"AutopilotMode\":1", TD_FLOW_SELF_DEPLOYING},
                {1310 | 96, "", TD_FLOW_SELF_DEPLOYING},
                {1310 | 32, "", TD_FLOW_USER},
                {1310 | 64, "", TD_FLOW_USER}};
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        svc.body = td_arena_printf(&s.arena,
                                   "{\"ZtdRegistrationId\":\"r\",\"CloudAssignedTenantId\":\"t\","
                                   "\"CloudAssignedTenantDomain\":\"d\",\"CloudAssignedOobeConfig\":%d,"
                                   "\"CloudAssignedDomainJoinMethod\":0%s}",
                                   rows[i].oobe, rows[i].mode);
        assert_ok(td_flow_lookup(&s.flow, NULL));
        assert_int_equal(td_flow_kind(&s.flow), rows[i].want);
    }
    svc.body = "{\"ZtdRegistrationId\":\"r\",\"CloudAssignedTenantId\":\"t\",\"CloudAssignedTenantDomain\":\"d\","
               "\"CloudAssignedOobeConfig\":28,\"CloudAssignedDomainJoinMethod\":0,\"AutopilotMode\":7}";
    assert_int_equal(td_flow_lookup(&s.flow, NULL), TD_ENOTOFFERED);
}

/* Method 1 is the hybrid join, which wants a person (autopilot.md 3.2). */
static void finds_a_hybrid_profile(void **state TD_UNUSED)
{
#define HYBRID                                                                                          \
    "{\"ZtdRegistrationId\":\"r\",\"CloudAssignedTenantId\":\"t\",\"CloudAssignedTenantDomain\":\"d\"," \
    "\"CloudAssignedOobeConfig\":1310,\"CloudAssignedDomainJoinMethod\":1"
    svc.body = HYBRID ",\"HybridJoinSkipDCConnectivityCheck\":1}";
    assert_ok(td_flow_lookup(&s.flow, NULL));
    assert_int_equal(td_flow_kind(&s.flow), TD_FLOW_HYBRID);
    assert_false(td_flow_nobody(&s.flow));
    assert_string_equal(td_flow_get(&s.flow, "profile.skip_dc"), "1");
    svc.body = HYBRID "}";
    assert_ok(td_flow_lookup(&s.flow, NULL));
    assert_string_equal(td_flow_get(&s.flow, "profile.skip_dc"), "");
    /* what has joined the directory by itself stays what it is */
    td_state_set(s.flow.dev->state, "join.device_id", "11111111-0000-4000-8000-000000000001");
    assert_int_equal(td_flow_kind(&s.flow), TD_FLOW_USER);
    td_state_set(s.flow.dev->state, "join.device_id", NULL);
    svc.body = HYBRID ",\"AutopilotMode\":1}";
    assert_int_equal(td_flow_lookup(&s.flow, NULL), TD_ENOTOFFERED);
}

static void refuses_odd_profiles(void **state TD_UNUSED)
{
    static const char *const bad[] = {
        "[]", "{}", "{\"ZtdRegistrationId\":1}",
        "{\"ZtdRegistrationId\":\"r\",\"CloudAssignedTenantId\":\"t\",\"CloudAssignedTenantDomain\":\"d\","
        "\"CloudAssignedOobeConfig\":\"28\",\"CloudAssignedDomainJoinMethod\":0}"};
    for (size_t i = 0; i < TD_COUNTOF(bad); i++) {
        svc.body = bad[i];
        assert_int_equal(td_flow_lookup(&s.flow, NULL), TD_EFORMAT);
    }
    svc.body = "{\"ZtdRegistrationId\":\"r\",\"CloudAssignedTenantId\":\"t\",\"CloudAssignedTenantDomain\":\"d\","
               "\"CloudAssignedOobeConfig\":28,\"CloudAssignedDomainJoinMethod\":2}";
    assert_int_equal(td_flow_lookup(&s.flow, NULL), TD_ENOTOFFERED);
    svc.status = 429;
    assert_int_equal(td_flow_lookup(&s.flow, NULL), TD_EUNAVAILABLE);
}

#define STAGED(t) cmocka_unit_test_setup_teardown(t, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(joins),
        STAGED(joins_without_a_discovery),
        STAGED(asks_again_with_the_same_key),
        STAGED(tells_refusals),
        STAGED(takes_no_strange_certificate),
        STAGED(finds_its_profile),
        STAGED(keeps_no_none),
        STAGED(knows_the_mode),
        STAGED(finds_a_hybrid_profile),
        STAGED(refuses_odd_profiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
