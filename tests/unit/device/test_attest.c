/* device/attest: what the device proves and what it takes for an answer. The fake service follows
 * docs/protocol/attestation.md and judges by crypto/tpm.h; the TPM is swtpm. */
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "crypto/tpm.h"
#include "unit/device/tpm_box.h"

#define REGISTRATION "33333333-0000-4000-8000-000000000001"
#define SESSION "cccccccc-0000-4000-8000-000000000001"

static struct tpm_box box;
static struct box_tpm tpm;
static struct stage s;

static struct service {
    int status;              /* of the answer to finish, or to begin where at_begin; 0: it goes well */
    const char *body;        /* the answer then */
    const char *headers;     /* of it */
    bool at_begin, other_ak; /* a challenge for another TPM's key */
    int times;               /* how often it answers so; then all is well */
    int begun, finished;
    const char *drop; /* member missing in the challenge */
    char purpose[32], code[32], ticket[32];
    struct td_slice ak, secret;
    unsigned char nonce[32];
} svc;

static const char admitted[] = "{\"step\":\"admitted\",\"sessionId\":\"" SESSION "\",\"registrationId\":\"" REGISTRATION
                               "\",\"assurance\":\"virtual\",\"joinTicket\":\"ticket-9\","
                               "\"joinTicketExpires\":\"2030-01-01T00:00:00Z\"}";

static struct td_slice octets(const struct td_json *body, const char *name, struct td_arena *a)
{
    struct td_slice out = {0};
    const char *text = td_json_str(body, name);
    if (text == NULL)
        fail_msg("%s is missing", name);
    assert_ok(td_b64_decode(a, td_str(text), TD_B64_STD, &out));
    return out;
}

static struct td_tpm_name name_of(struct td_slice public_)
{
    struct td_tpm_public p;
    struct td_tpm_name n;
    assert_ok(td_tpm_public_read(public_, &p, NULL));
    assert_ok(td_tpm_name(&p, &n, NULL));
    return n;
}

static void keep_text(char *to, size_t n, const char *text)
{
    (void)snprintf(to, n, "%s", text != NULL ? text : "");
}

static void add_2b(struct td_jsonw *w, const char *name, struct td_slice value, struct td_arena *a)
{
    TD_CLEANUP(td_buf_done) struct td_buf out;
    td_buf_init(&out, 2048);
    td_tpm_2b_write(value, &out);
    if (svc.drop == NULL || strcmp(svc.drop, name) != 0)
        td_jsonw_kstr(w, name, td_b64(a, td_buf_slice(&out)));
}

static enum td_code challenge(const struct td_json *body, struct td_arena *a, struct td_net_response *r)
{
    struct td_tpm_public ek;
    struct td_tpm_credential c;
    unsigned char random[32], secret[32];
    assert_string_equal(td_json_str(body, "registrationId"), REGISTRATION);
    assert_string_equal(td_json_str(body, "serial"), "SN-1");
    keep_text(svc.purpose, sizeof(svc.purpose), td_json_str(body, "purpose"));
    keep_text(svc.code, sizeof(svc.code), td_json_str(body, "technicianCode"));
    keep_text(svc.ticket, sizeof(svc.ticket), td_json_str(body, "ticket"));
    assert_ok(td_tpm_public_read(octets(body, "ekPub", a), &ek, NULL));
    svc.ak = td_arena_copy(&s.arena, octets(body, "akPub", a));
    td_random_fill(s.dev.env, random, sizeof(random));
    td_random_fill(s.dev.env, secret, sizeof(secret));
    td_random_fill(s.dev.env, svc.nonce, sizeof(svc.nonce));
    svc.secret = td_arena_copy(&s.arena, td_bytes(secret, sizeof(secret)));
    struct td_tpm_name ak = name_of(svc.ak);
    ak.octets[5] ^= svc.other_ak;
    assert_ok(td_tpm_make_credential(&ek, &ak, svc.secret, td_bytes(random, sizeof(random)), a, &c, NULL));
    TD_CLEANUP(td_buf_done) struct td_buf out;
    struct td_jsonw w;
    td_buf_init(&out, 8192);
    td_jsonw_init(&w, &out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "step", "challenge");
    td_jsonw_kstr(&w, "sessionId", SESSION);
    add_2b(&w, "idObject", c.id_object, a);
    add_2b(&w, "encSecret", c.secret, a);
    if (svc.drop == NULL || strcmp(svc.drop, "nonce") != 0)
        td_jsonw_kstr(&w, "nonce", td_hex(a, td_bytes(svc.nonce, sizeof(svc.nonce))));
    td_jsonw_end(&w);
    return reply_json(r, a, 200, td_arena_text(a, td_buf_slice(&out)));
}

/* Signed by the AK, for this nonce. */
static struct td_tpm_attest said(const struct td_json *body, const char *what, const char *by, struct td_arena *a)
{
    struct td_tpm_public p;
    struct td_tpm_signature sig;
    struct td_tpm_attest attest;
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    struct td_slice whole = octets(body, what, a);
    assert_ok(td_tpm_public_read(svc.ak, &p, NULL));
    assert_ok(td_tpm_key(&p, &key, NULL));
    assert_ok(td_tpm_signature_read(octets(body, by, a), &sig, NULL));
    assert_ok(td_tpm_verify(key, &sig, whole, NULL));
    assert_ok(td_tpm_attest_read(whole, &attest, NULL));
    assert_true(td_eq(attest.extra, td_bytes(svc.nonce, sizeof(svc.nonce))));
    return attest;
}

static void judge_proof(const struct td_json *body, struct td_arena *a)
{
    unsigned char both[32 + TD_TPM_NAME_MAX], wanted[32];
    struct td_tpm_name ak = name_of(svc.ak);
    memcpy(both, svc.nonce, 32);
    memcpy(both + 32, ak.octets, ak.n);
    td_hmac_sha256(svc.secret, td_bytes(both, 32 + ak.n), wanted);
    assert_true(td_eq(octets(body, "proof", a), td_bytes(wanted, sizeof(wanted))));
}

static void judge_quote(const struct td_json *body, struct td_arena *a)
{
    struct td_tcg_log log;
    struct td_tpm_pcr_values replayed;
    unsigned char sum[32];
    struct td_tpm_attest quote = said(body, "quote", "quoteSig", a);
    assert_int_equal(quote.type, TD_TPM_QUOTE);
    assert_int_equal(quote.pcrs.selected, 0xff);
    assert_ok(td_tcg_log_read(octets(body, "eventLog", a), a, &log, NULL));
    td_tpm_replay(&log, &replayed);
    assert_true(td_tpm_pcr_digest(&replayed, 0xff, sum));
    assert_true(td_eq(quote.pcr_digest, td_bytes(sum, sizeof(sum))));
    for (unsigned i = 0; i < 8; i++) {
        const char *hex = td_json_str(td_json_get(body, "pcrValues"), td_arena_printf(a, "%u", i));
        assert_string_equal(hex, td_hex(a, td_bytes(replayed.value[i], 32)));
    }
}

static struct td_key *judge_key(const struct td_json *body, const char *public_, const char *what, const char *by,
                                struct td_arena *a)
{
    struct td_key *key = NULL;
    struct td_tpm_public p;
    struct td_tpm_attest certify = said(body, what, by, a);
    struct td_slice pub = octets(body, public_, a);
    struct td_tpm_name name = name_of(pub);
    assert_int_equal(certify.type, TD_TPM_CERTIFY);
    assert_true(td_eq(certify.name, td_bytes(name.octets, name.n)));
    assert_ok(td_tpm_public_read(pub, &p, NULL));
    assert_ok(td_tpm_key(&p, &key, NULL));
    return key;
}

static enum td_code judge(const struct td_json *body, struct td_arena *a, struct td_net_response *r)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *join = NULL;
    TD_CLEANUP(td_key_cleanup) struct td_key *management = NULL;
    TD_CLEANUP(td_key_cleanup) struct td_key *asked = NULL;
    struct td_csr csr;
    assert_string_equal(td_json_str(body, "sessionId"), SESSION);
    judge_proof(body, a);
    judge_quote(body, a);
    join = judge_key(body, "keyPub", "certify", "certifySig", a);
    management = judge_key(body, "managementKeyPub", "managementCertify", "managementCertifySig", a);
    assert_int_equal(td_key_kind(join), TD_KEY_RSA);
    assert_int_equal(td_key_kind(management), TD_KEY_P256);
    assert_ok(td_csr_parse(octets(body, "csr", a), a, &csr, NULL));
    assert_ok(td_key_from_public_der(csr.spki, &asked, NULL));
    assert_true(td_key_same_public(join, asked));
    return reply_json(r, a, 200, admitted);
}

static enum td_code serve(void *ctx TD_UNUSED, const struct td_net_request *req, struct td_arena *a,
                          struct td_net_response *r, struct td_error *err TD_UNUSED)
{
    struct td_json *body;
    assert_string_equal(req->url, "https://td.test:8443/ztd/v1/attest");
    assert_string_equal(req->method, "POST");
    assert_string_equal(header_of(req, "Content-Type: "), "application/json");
    assert_ok(td_json_parse(req->body, 786432, a, &body, NULL));
    const bool begins = strcmp(td_json_str(body, "step"), "attest-begin") == 0;
    if (!begins)
        assert_string_equal(td_json_str(body, "step"), "attest-finish");
    (*(begins ? &svc.begun : &svc.finished))++;
    if (svc.status != 0 && svc.at_begin == begins && svc.times-- > 0)
        return reply(r, a, svc.status, svc.headers != NULL ? svc.headers : "", td_str(svc.body));
    return begins ? challenge(body, a, r) : judge(body, a, r);
}

static int make_tpm(void **state TD_UNUSED)
{
    if (tpm_box_missing())
        return 0;
    tpm_box_open(&box);
    box_make(&box, "one", "--create-ek-cert", &tpm);
    box_on(&tpm);
    return 0;
}

static int drop_tpm(void **state TD_UNUSED)
{
    box_off(&tpm);
    tpm_box_close(&box);
    return 0;
}

static int begin(void **state TD_UNUSED)
{
    svc = (struct service){.times = 1000};
    stage_open(&s, serve);
    s.dev.tcti = tpm.tcti;
    s.flow.hw.facts.serial = "SN-1";
    td_state_set(s.dev.state, "profile.registration_id", REGISTRATION);
    if (tpm.pid != 0) { /* each device measures its own start */
        box_off(&tpm);
        box_on(&tpm);
    }
    return 0;
}

static int end(void **state TD_UNUSED)
{
    box_stage_close(&s);
    return 0;
}

static enum td_code attest(struct td_error *err)
{
    if (tpm_box_missing())
        skip();
    *err = (struct td_error){0};
    return td_flow_attest(&s.flow, "self-deploying", err);
}

static void proves_itself(void **state TD_UNUSED)
{
    struct td_error err;
    td_state_set(s.dev.state, "lookup.ticket", "ticket-1");
    assert_ok(attest(&err));
    assert_string_equal(s.flow.secrets.join_token, "ticket-9");
    assert_string_equal(svc.purpose, "self-deploying");
    assert_string_equal(svc.ticket, "ticket-1");
    assert_string_equal(svc.code, "");
    assert_non_null(strstr(s.lines.p, "page     securing your hardware\n"));
    td_secret_put(&s.flow.secrets.technician_code, "code-1");
    assert_ok(td_flow_attest(&s.flow, "pre-provisioning", &err)); /* the second time: the same start, the same keys */
    assert_string_equal(svc.purpose, "pre-provisioning");
    assert_string_equal(svc.code, "code-1");
    assert_int_equal(svc.finished, 2);
}

/* The device's own words for what the service refuses: code, cause, remedy. */
static void tells_why_it_is_refused(void **state TD_UNUSED)
{
    struct td_error err;
    svc.status = 403;
    svc.body = "{\"code\":\"UntrustedManufacturer\",\"hresult\":\"0x0\",\"detail\":\"maker X is not trusted\","
               "\"remedy\":\"add its root\"}";
    svc.at_begin = true;
    assert_int_equal(attest(&err), TD_EDENIED);
    assert_non_null(strstr(err.text, "UntrustedManufacturer"));
    assert_non_null(strstr(err.text, "maker X is not trusted"));
    assert_string_equal(err.remedy, "add its root");
    assert_true(err.hresult != 0);
    assert_int_equal(svc.begun, 1);
    assert_null(s.flow.secrets.join_token);
    svc.at_begin = false;
    svc.body = "{\"code\":\"MeasurementsNotWanted\"}"; /* one that says no more: our table does */
    assert_int_equal(attest(&err), TD_EDENIED);
    assert_true(err.remedy[0] != '\0' && err.hresult != 0);
    assert_int_equal(svc.finished, 1);
    assert_null(s.flow.secrets.join_token);
}

static void says_that_makers_are_not_asked(void **state TD_UNUSED)
{
    struct td_error err;
    svc.status = 403;
    svc.at_begin = true;
    svc.body = "{\"code\":\"NoEndorsementCertificate\",\"remedy\":\"x\"}";
    assert_int_not_equal(attest(&err), TD_OK);
    assert_non_null(strstr(err.remedy, "not offered"));
}

/* One that was used or has run out is worth another challenge; three are enough. */
static void begins_again_within_bounds(void **state TD_UNUSED)
{
    static const char *const stale[] = {"ChallengeExpired", "ChallengeUsed", "UnknownChallenge"};
    struct td_error err;
    for (size_t i = 0; i < TD_COUNTOF(stale); i++) {
        svc = (struct service){.status = 403, .times = 2};
        svc.body = td_arena_printf(&s.arena, "{\"code\":\"%s\"}", stale[i]);
        assert_ok(attest(&err));
        assert_int_equal(svc.finished, 3);
        svc.times = 1000;
        svc.finished = 0;
        assert_int_not_equal(attest(&err), TD_OK);
        assert_int_equal(svc.finished, 3);
        assert_int_equal(err.hresult, 0x81039001);
    }
}

static void is_told_that_it_asks_too_often(void **state TD_UNUSED)
{
    struct td_error err;
    svc.status = 429;
    svc.at_begin = true;
    svc.headers = "Retry-After: 600\r\n";
    svc.body = "{\"code\":\"TooManyAttempts\"}";
    assert_int_equal(attest(&err), TD_ELIMIT); /* not waited for: whoever stands there is told */
    assert_int_equal(err.hresult, 0x81039001);
    assert_int_equal(svc.begun, 1);
}

static void waits_for_a_busy_service(void **state TD_UNUSED)
{
    struct td_error err;
    svc.status = 503;
    svc.headers = "Retry-After: 7\r\n";
    svc.body = "";
    assert_int_equal(attest(&err), TD_EUNAVAILABLE);
    assert_int_equal(s.flow.retry_after, 7 * TD_SECOND);
    svc.status = 500;
    assert_int_equal(attest(&err), TD_EINTERNAL);
    assert_int_equal(err.hresult, 0x801c03ea);
}

/* A credential for an attestation key of another TPM is not opened, and nothing is answered. */
static void answers_for_itself_alone(void **state TD_UNUSED)
{
    struct td_error err;
    svc.other_ak = true;
    assert_int_equal(attest(&err), TD_EAUTH);
    assert_int_equal(err.hresult, 0x8028009f);
    assert_int_equal(svc.finished, 0);
}

static void takes_no_half_challenge(void **state TD_UNUSED)
{
    static const char *const members[] = {"idObject", "encSecret", "nonce"};
    struct td_error err;
    for (size_t i = 0; i < TD_COUNTOF(members); i++) {
        svc.drop = members[i];
        assert_int_equal(attest(&err), TD_EFORMAT);
    }
    svc = (struct service){.status = 200, .times = 1, .body = "{\"step\":\"admitted\"}"};
    assert_int_equal(attest(&err), TD_EFORMAT); /* without a ticket */
    svc = (struct service){.status = 200, .times = 1, .body = "{\"step\":\"challenge\"}"};
    assert_int_equal(attest(&err), TD_EFORMAT);
    assert_null(s.flow.secrets.join_token);
}

static void needs_a_tpm(void **state TD_UNUSED)
{
    struct td_error err = {0};
    s.dev.tcti = NULL;
    assert_int_equal(td_flow_attest(&s.flow, "self-deploying", &err), TD_ENOTOFFERED);
    assert_int_equal(err.hresult, 0x800705b4);
    assert_non_null(strstr(err.remedy, "--tpm"));
    assert_int_equal(svc.begun, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(proves_itself, begin, end),
        cmocka_unit_test_setup_teardown(tells_why_it_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(says_that_makers_are_not_asked, begin, end),
        cmocka_unit_test_setup_teardown(begins_again_within_bounds, begin, end),
        cmocka_unit_test_setup_teardown(is_told_that_it_asks_too_often, begin, end),
        cmocka_unit_test_setup_teardown(waits_for_a_busy_service, begin, end),
        cmocka_unit_test_setup_teardown(answers_for_itself_alone, begin, end),
        cmocka_unit_test_setup_teardown(takes_no_half_challenge, begin, end),
        cmocka_unit_test_setup_teardown(needs_a_tpm, begin, end),
    };
    return cmocka_run_group_tests(tests, make_tpm, drop_tpm);
}
