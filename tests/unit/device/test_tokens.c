/* device/tokens: primary refresh token by the device key, tokens by the session key. The fake service checks what
 * join-and-tokens.md 4 and 10.1 to 10.6 ask, in the order of 10.4. */
#include "base/file.h"
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "crypto/jose.h"
#include "device/tokens.h"
#include "unit/device/stage.h"

static struct stage s;
static struct td_slice cert_der;
static unsigned char session_key[32];

static struct service {
    bool gcm, plain, wrong_password, no_jwe, foreign_transport;
    int nonces;
    const char *resource, *grant, *user;
} svc;

static void make_certificate(void)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    struct td_slice spki;
    assert_ok(td_flow_key(&s.flow, "device.key.pem", &key, NULL));
    assert_ok(td_key_public_der(key, &s.arena, &spki));
    const struct td_rdn name = {"CN", "44444444-0000-4000-8000-000000000001"};
    const struct td_cert_template t = {.subject = &name,
                                       .subject_count = 1,
                                       .spki = spki,
                                       .serial = {1, 2, 3},
                                       .not_before = s.world.now - TD_DAY,
                                       .not_after = s.world.now + TD_DAY,
                                       .eku = TD_EKU_CLIENT};
    assert_ok(td_cert_issue(&t, (struct td_slice){NULL, 0}, key, &s.arena, &cert_der, NULL));
    assert_ok(td_flow_write(&s.flow, "device.crt.pem", td_str(td_cert_pem(cert_der, &s.arena)), NULL));
}

static enum td_code answer_prt(struct td_arena *a, struct td_net_response *r)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *transport = NULL;
    char *jwe;
    if (svc.wrong_password)
        return reply_json(r, a, 400, "{\"error\":\"invalid_grant\",\"error_description\":\"AADSTS50126: wrong\"}");
    if (svc.foreign_transport)
        assert_ok(td_key_generate(TD_KEY_RSA, &transport, NULL));
    else
        assert_ok(td_flow_key(&s.flow, "transport.key.pem", &transport, NULL));
    assert_ok(td_jwe_session_key(transport, session_key, "012345678901", a, &jwe, NULL));
    return reply_json(
        r, a, 200,
        td_arena_printf(a, "{\"token_type\":\"Bearer\",\"refresh_token\":\"1.PRT\",\"expires_in\":\"1209599\"%s%s%s}",
                        svc.no_jwe ? "" : ",\"session_key_jwe\":\"", svc.no_jwe ? "" : jwe, svc.no_jwe ? "" : "\""));
}

static enum td_code by_device_key(struct td_jws *jws, struct td_arena *a, struct td_net_response *r)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    const struct td_json *x5c = td_json_get(jws->header, "x5c");
    struct td_slice der;
    assert_int_equal(td_json_count(x5c), 1);
    assert_ok(td_b64_decode(a, td_str(x5c->child->str), TD_B64_STD, &der));
    assert_true(td_eq(der, cert_der));
    assert_ok(td_cert_public_key(der, &key, NULL));
    assert_true(td_jws_verify(jws, key, TD_RS256));
    assert_string_equal(td_json_str(jws->claims, "scope"), "openid aza ugs");
    svc.grant = td_arena_strdup(&s.arena, td_json_str(jws->claims, "grant_type"));
    if (strcmp(svc.grant, "password") == 0) {
        assert_string_equal(td_json_str(jws->claims, "client_id"), "38aa3b87-a06d-4817-b275-7a316988d93b");
        svc.user = td_arena_strdup(&s.arena, td_json_str(jws->claims, "username"));
        assert_string_equal(td_json_str(jws->claims, "password"), "correct \"horse\"");
    } else {
        assert_string_equal(td_json_str(jws->claims, "client_id"), "29d9ed98-a469-4536-ade2-f981bc1d605e");
        assert_string_equal(td_json_str(jws->claims, "refresh_token"), "1.AAA");
    }
    return answer_prt(a, r);
}

/* 10.5: kdf_ver 2, context over ctx and the payload exactly as received. */
static enum td_code by_session_key(struct td_jws *jws, struct td_arena *a, struct td_net_response *r)
{
    struct td_slice ctx;
    unsigned char context[32], key[32];
    assert_int_equal(td_json_int(jws->header, "kdf_ver", 0), 2);
    assert_ok(td_b64_decode(a, td_str(td_json_str(jws->header, "ctx")), TD_B64_STD, &ctx));
    assert_int_equal(ctx.n, 24);
    struct td_buf both;
    td_buf_init(&both, 16384);
    td_buf_add(&both, ctx);
    td_buf_add(&both, jws->payload);
    td_sha256(td_buf_slice(&both), context);
    td_buf_done(&both);
    td_kdf_sp800_108(td_bytes(session_key, 32), TD_S("AzureAD-SecureConversation"), td_bytes(context, 32), key);
    assert_true(td_jws_verify_hs256(jws, td_bytes(key, 32)));
    assert_string_equal(td_json_str(jws->claims, "refresh_token"), "1.PRT");
    assert_string_equal(td_json_str(jws->claims, "grant_type"), "refresh_token");
    assert_string_equal(td_json_str(jws->claims, "iss"), "aad:brokerplugin");
    svc.resource = td_arena_strdup(&s.arena, td_json_str(jws->claims, "resource"));
    static const char plain[] = "{\"token_type\":\"Bearer\",\"access_token\":\"t.o.k\",\"refresh_token\":\"1.R\"}";
    char *jwe;
    if (svc.plain)
        return reply_json(r, a, 200, plain);
    assert_ok(td_jwe_dir(session_key, (const unsigned char *)"abcdefghijklmnopqrstuvwx",
                         (const unsigned char *)"0123456789abcdef", td_str(plain), a, &jwe, NULL));
    return reply_json(r, a, 200, jwe);
}

static enum td_code send(void *ctx TD_UNUSED, const struct td_net_request *req, struct td_arena *a,
                         struct td_net_response *r, struct td_error *err TD_UNUSED)
{
    s.requests++;
    assert_string_equal(req->method, "POST");
    assert_string_equal(req->url, "https://td.test:8443/common/oauth2/token");
    const char *grant = td_form_get(req->body, "grant_type", a);
    if (strcmp(grant, "srv_challenge") == 0)
        return reply_json(r, a, 200, td_arena_printf(a, "{\"Nonce\":\"n-%d\"}", ++svc.nonces));
    assert_string_equal(grant, "urn:ietf:params:oauth:grant-type:jwt-bearer");
    struct td_jws jws;
    assert_ok(td_jws_decode(td_str(td_form_get(req->body, "request", a)), a, &jws, NULL));
    assert_string_equal(td_json_str(jws.claims, "request_nonce"), td_arena_printf(a, "n-%d", svc.nonces));
    return strcmp(jws.alg, "RS256") == 0 ? by_device_key(&jws, a, r) : by_session_key(&jws, a, r);
}

static int begin(void **state TD_UNUSED)
{
    memset(&svc, 0, sizeof(svc));
    for (unsigned i = 0; i < sizeof(session_key); i++)
        session_key[i] = (unsigned char)(i * 7);
    stage_open(&s, send);
    make_certificate();
    return 0;
}

static int end(void **state TD_UNUSED)
{
    stage_close(&s);
    return 0;
}

static void gets_one_by_password(void **state TD_UNUSED)
{
    assert_false(td_prt_there(&s.flow));
    assert_ok(td_prt_by_password(&s.flow, "ada@contoso.test", "correct \"horse\"", NULL));
    assert_true(td_prt_there(&s.flow));
    assert_string_equal(svc.grant, "password");
    assert_string_equal(svc.user, "ada@contoso.test");
    assert_string_equal(td_flow_get(&s.flow, "prt.token"), "1.PRT");
    struct td_slice text;
    assert_ok(td_flow_read(&s.flow, "state.json", &s.arena, &text, NULL));
    assert_true(td_search(text, TD_S("horse")) == SIZE_MAX);
    assert_true(td_search(text, td_str(td_b64(&s.arena, td_bytes(session_key, 32)))) == SIZE_MAX);
}

static void gets_tokens_by_session_key(void **state TD_UNUSED)
{
    const char *token;
    assert_ok(td_prt_by_refresh(&s.flow, "1.AAA", NULL));
    assert_ok(td_token_for(&s.flow, "https://enrollment.manage.microsoft.com/", &s.arena, &token, NULL));
    assert_string_equal(token, "t.o.k");
    assert_string_equal(svc.resource, "https://enrollment.manage.microsoft.com/");
    assert_int_equal(svc.nonces, 2); /* a nonce is good once */
    svc.plain = true;
    assert_ok(td_token_for(&s.flow, "https://graph.microsoft.com/", &s.arena, &token, NULL));
    assert_string_equal(token, "t.o.k");
}

static void survives_a_kill(void **state TD_UNUSED)
{
    const char *token;
    assert_ok(td_prt_by_refresh(&s.flow, "1.AAA", NULL));
    td_state_close(s.dev.state);
    assert_ok(td_state_open(s.dir, &s.dev.state, NULL));
    assert_ok(td_token_for(&s.flow, "https://graph.microsoft.com/", &s.arena, &token, NULL));
}

static void refuses(void **state TD_UNUSED)
{
    struct td_error err = {0};
    svc.wrong_password = true;
    assert_int_equal(td_prt_by_password(&s.flow, "ada@contoso.test", "correct \"horse\"", &err), TD_EAUTH);
    assert_string_equal(err.text, "AADSTS50126: wrong");
    assert_non_null(strstr(err.remedy, "again"));
    svc.wrong_password = false;
    svc.no_jwe = true;
    assert_int_equal(td_prt_by_refresh(&s.flow, "1.AAA", NULL), TD_EFORMAT);
    svc.no_jwe = false;
    svc.foreign_transport = true;
    assert_int_not_equal(td_prt_by_refresh(&s.flow, "1.AAA", NULL), TD_OK);
    assert_false(td_prt_there(&s.flow));
}

/* A check is nobody's sign-in: what comes for it is not kept. */
static void checks_without_keeping(void **state TD_UNUSED)
{
    assert_ok(td_password_check(&s.flow, "ada@contoso.test", "correct \"horse\"", NULL));
    assert_false(td_prt_there(&s.flow));
    svc.wrong_password = true;
    assert_int_equal(td_password_check(&s.flow, "ada@contoso.test", "correct \"horse\"", NULL), TD_EAUTH);
}

/* Behind a reset nobody is known: a name is asked, and who signs in is the user of the device. */
static void asks_who_sits_there(void **state TD_UNUSED)
{
    stage_answer(&s, "user", "grace@contoso.test");
    stage_answer(&s, "password", "correct \"horse\"");
    assert_ok(td_flow_user_sign_in(&s.flow, NULL));
    assert_true(stage_said(&s, "lock screen: other user"));
    assert_string_equal(svc.user, "grace@contoso.test");
    static const char *const keys[] = {"signin.user", "enrol.user", "user.signed_in"};
    for (size_t i = 0; i < TD_COUNTOF(keys); i++)
        assert_string_equal(td_flow_get(&s.flow, keys[i]), "grace@contoso.test");
    assert_string_equal(td_flow_get(&s.flow, "ui.inputs"), "user, password");
    assert_true(td_file_exists(td_device_path(&s.dev, &s.arena, "disk/users/grace@contoso.test/profile/desktop.ini")));
}

static void knows_who_sits_there(void **state TD_UNUSED)
{
    stage_set(&s, "signin.user", "ada@contoso.test");
    stage_set(&s, "enrol.user", "first@contoso.test");
    stage_answer(&s, "user", "grace@contoso.test"); /* nobody asks for it */
    stage_answer(&s, "password", "correct \"horse\"");
    assert_ok(td_flow_user_sign_in(&s.flow, NULL));
    assert_string_equal(svc.user, "ada@contoso.test");
    assert_string_equal(td_flow_get(&s.flow, "enrol.user"), "first@contoso.test"); /* enrolled once */
    assert_string_equal(td_flow_get(&s.flow, "ui.inputs"), "password");
}

static void a_refused_user_is_nobody(void **state TD_UNUSED)
{
    stage_answer(&s, "user", "grace@contoso.test");
    stage_answer(&s, "password", "correct \"horse\"");
    svc.wrong_password = true;
    assert_int_equal(td_flow_user_sign_in(&s.flow, NULL), TD_EAUTH);
    assert_string_equal(td_flow_get(&s.flow, "signin.user"), "");
    assert_false(td_file_exists(td_device_path(&s.dev, &s.arena, "disk/users")));
}

#define STAGED(t) cmocka_unit_test_setup_teardown(t, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(gets_one_by_password),   STAGED(gets_tokens_by_session_key),
        STAGED(survives_a_kill),        STAGED(refuses),
        STAGED(checks_without_keeping), STAGED(asks_who_sits_there),
        STAGED(knows_who_sits_there),   STAGED(a_refused_user_is_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
