/* device/signin: the code flow with PKCE through pages that it has never seen, and every way it is refused. The fake
 * service follows RFC 6749, RFC 7636 and join-and-tokens.md 6; its pages are not ours. */
#include "crypto/digest.h"
#include "crypto/jose.h"
#include "device/tokens.h"
#include "unit/device/stage.h"

#define TENANT "aaaaaaaa-0000-4000-8000-000000000001"

static struct stage s;

static struct service {
    bool form_post, wrong_state, wrong_nonce, wrong_tenant, no_refresh, leaves_https, error_page, denied;
    int busy; /* answers 503 so often first */
    int away; /* ... with its page, for a password */
    char challenge[64], state[64], nonce[64];
    int passwords; /* how many were posted */
    const char *ticket, *hint;
} svc;

static enum td_code page(struct td_net_response *r, struct td_arena *a, const char *headers, const char *html)
{
    return reply(r, a, 200, headers, td_str(html));
}

static enum td_code authorize(const struct td_net_request *req, struct td_arena *a, struct td_net_response *r)
{
    assert_string_equal(query_of(req, "response_type", a), "code");
    assert_string_equal(query_of(req, "client_id", a), "29d9ed98-a469-4536-ade2-f981bc1d605e");
    assert_string_equal(query_of(req, "redirect_uri", a), "ms-aadj-redir://auth/drs");
    assert_string_equal(query_of(req, "resource", a), "urn:ms-drs:enterpriseregistration.windows.net");
    assert_string_equal(query_of(req, "code_challenge_method", a), "S256");
    (void)snprintf(svc.challenge, sizeof(svc.challenge), "%s", query_of(req, "code_challenge", a));
    (void)snprintf(svc.state, sizeof(svc.state), "%s", query_of(req, "state", a));
    (void)snprintf(svc.nonce, sizeof(svc.nonce), "%s", query_of(req, "nonce", a));
    svc.ticket = query_of(req, "ztd_ticket", &s.arena);
    if (svc.error_page)
        return reply(r, a, 403, "", TD_S("<title>Sorry</title><p role=alert>You are not assigned</p>"));
    return reply(r, a, 302, "HTTP/1.1 302 Found\r\nLocation: ../../login?x=1\r\nSet-Cookie: sid=s-1; Secure\r\n",
                 TD_S(""));
}

/* A page of another make: a GET form for the name, then a POST form for the password. */
static enum td_code login(const struct td_net_request *req, struct td_arena *a, struct td_net_response *r)
{
    assert_string_equal(header_of(req, "Cookie: "), "sid=s-1");
    if (strcmp(req->method, "GET") == 0 && query_of(req, "loginfmt", a) == NULL)
        return page(r, a, "",
                    "<title>Contoso</title><form action=''><input type=hidden name=flow value='f&amp;1'>"
                    "<input name=loginfmt><input type=submit value=Next></form>");
    const char *wrong = "";
    if (strcmp(req->method, "POST") == 0) {
        svc.passwords++;
        if (svc.away-- > 0)
            return reply(r, a, 503, "HTTP/1.1 503\r\nRetry-After: 7\r\n",
                         TD_S("<title>Contoso</title><p role='alert'>The directory can't be asked</p><form method=post "
                              "action='/tenant/login'><input type=password name=passwd></form>"));
        assert_string_equal(td_form_get(req->body, "flow", a), "f&1");
        assert_string_equal(td_form_get(req->body, "go", a), "1");
        assert_null(td_form_get(req->body, "back", a));
        if (strcmp(td_form_get(req->body, "passwd", a), "correct horse") == 0) {
            const char *to = svc.leaves_https ? "http://evil.test/" : "/done";
            return reply(r, a, 303, td_arena_printf(a, "HTTP/1.1 303\r\nlocation: %s\r\n", to), TD_S(""));
        }
        wrong = "<p role='alert'>Wrong user name or password</p>";
    } else {
        assert_string_equal(query_of(req, "loginfmt", a), "ada@contoso.test");
        assert_string_equal(query_of(req, "flow", a), "f&1");
    }
    return page(
        r, a, "",
        td_arena_printf(a,
                        "<title>Contoso</title>%s<form method=post action='/tenant/login'><input type=hidden name=flow "
                        "value='f&amp;1'><input type=password name=passwd><button name=go value=1>Go</button>"
                        "<button name=back value=1>Back</button></form>",
                        wrong));
}

static enum td_code finish(struct td_arena *a, struct td_net_response *r)
{
    const char *state = svc.wrong_state ? "other" : svc.state;
    if (svc.denied)
        return reply(r, a, 302,
                     td_arena_printf(
                         a,
                         "Location: ms-aadj-redir://auth/drs?error=access_denied&error_description=no+way&state=%s\r\n",
                         state),
                     TD_S(""));
    if (svc.form_post)
        return page(r, a, "",
                    td_arena_printf(
                        a,
                        "<form method=post action='ms-aadj-redir://auth/drs'><input type=hidden name=code value=c-1>"
                        "<input type=hidden name=state value='%s'></form>",
                        state));
    return reply(r, a, 302, td_arena_printf(a, "Location: ms-aadj-redir://auth/drs?code=c-1&state=%s\r\n", state),
                 TD_S(""));
}

static enum td_code token(const struct td_net_request *req, struct td_arena *a, struct td_net_response *r)
{
    unsigned char sum[32];
    assert_string_equal(td_form_get(req->body, "grant_type", a), "authorization_code");
    assert_string_equal(td_form_get(req->body, "code", a), "c-1");
    assert_string_equal(td_form_get(req->body, "redirect_uri", a), "ms-aadj-redir://auth/drs");
    td_sha256(td_str(td_form_get(req->body, "code_verifier", a)), sum);
    assert_string_equal(td_b64url(a, td_bytes(sum, 32)), svc.challenge);
    const char *claims = td_arena_printf(
        a,
        "{\"tid\":\"%s\",\"nonce\":\"%s\",\"upn\":\"ada@contoso.test\",\"name\":\"Ada\","
        "\"mdm_enrollment_url\":\"https://td.test:8443/EnrollmentServer/Discovery.svc\"}",
        svc.wrong_tenant ? "bbbbbbbb-0000-4000-8000-000000000001" : TENANT, svc.wrong_nonce ? "other" : svc.nonce);
    char *id = td_jws_sign_hs256(TD_S("k"), TD_S("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"), td_str(claims), a);
    return reply_json(r, a, 200,
                      td_arena_printf(a, "{\"access_token\":\"a.b.c\",%s\"id_token\":\"%s\"}",
                                      svc.no_refresh ? "" : "\"refresh_token\":\"1.AAA\",", id));
}

static enum td_code send(void *ctx TD_UNUSED, const struct td_net_request *req, struct td_arena *a,
                         struct td_net_response *r, struct td_error *err)
{
    s.requests++;
    if (svc.busy-- > 0)
        return reply(r, a, 503, "HTTP/1.1 503\r\nRetry-After: 7\r\n", TD_S(""));
    if (asked(req, "GET", "/.well-known/openid-configuration"))
        return reply_json(r, a, 200,
                          "{\"issuer\":\"https://sts.test/t/\",\"authorization_endpoint\":\"https://sts.test/t/oauth2/"
                          "authorize\",\"token_endpoint\":\"https://sts.test/t/oauth2/token\"}");
    if (asked(req, "GET", "https://sts.test/t/oauth2/authorize?"))
        return authorize(req, a, r);
    if (asked(req, req->method, "login"))
        return login(req, a, r);
    if (asked(req, "GET", "https://sts.test/done"))
        return finish(a, r);
    if (asked(req, "POST", "https://sts.test/t/oauth2/token"))
        return token(req, a, r);
    return td_fail(err, TD_EINTERNAL, "test", "unexpected %s %s", req->method, req->url);
}

static int begin(void **state TD_UNUSED)
{
    memset(&svc, 0, sizeof(svc));
    stage_open(&s, send);
    stage_set(&s, "profile.tenant_id", TENANT);
    stage_set(&s, "lookup.ticket", "ticket-1");
    stage_answer(&s, "user", "ada@contoso.test");
    stage_answer(&s, "password", "correct horse");
    return 0;
}

static int end(void **state TD_UNUSED)
{
    stage_close(&s);
    return 0;
}

static void signs_in(void **state TD_UNUSED)
{
    struct td_error err = {0};
    const char *which;
    enum td_code rc = td_flow_sign_in(&s.flow, &err);
    if (rc != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
    assert_string_equal(s.flow.secrets.join_token, "a.b.c");
    assert_string_equal(s.flow.secrets.refresh_token, "1.AAA");
    assert_string_equal(svc.ticket, "ticket-1");
    assert_string_equal(td_flow_get(&s.flow, "signin.user"), "ada@contoso.test");
    assert_string_equal(td_flow_get(&s.flow, "signin.mdm_url"), "https://td.test:8443/EnrollmentServer/Discovery.svc");
    assert_true(stage_said(&s, "page     sign-in: Contoso"));
    assert_int_equal(td_ui_inputs(&s.ui, &s.arena, &which), 2);
    assert_string_equal(which, "user, password");
}

static void keeps_no_secret(void **state TD_UNUSED)
{
    assert_ok(td_flow_sign_in(&s.flow, NULL));
    struct td_slice text;
    assert_ok(td_flow_read(&s.flow, "state.json", &s.arena, &text, NULL));
    assert_true(td_search(text, TD_S("correct horse")) == SIZE_MAX);
    assert_true(td_search(text, TD_S("a.b.c")) == SIZE_MAX);
    assert_true(td_search(text, TD_S("1.AAA")) == SIZE_MAX);
    assert_false(stage_said(&s, "correct horse"));
}

static void takes_form_post(void **state TD_UNUSED)
{
    svc.form_post = true;
    assert_ok(td_flow_sign_in(&s.flow, NULL));
}

static void says_a_wrong_password_once(void **state TD_UNUSED)
{
    struct td_error err = {0};
    s.ui.answers[1].value = "wrong";
    assert_int_equal(td_flow_sign_in(&s.flow, &err), TD_EAUTH);
    assert_string_equal(err.text, "Wrong user name or password");
    assert_int_equal(svc.passwords, 1); /* an answer from the command line is not tried until the account locks */
    assert_null(s.flow.secrets.join_token);
}

/* Nobody has judged what was typed: it is told, and tried again with the same. */
static void tries_again_where_nobody_judges(void **state TD_UNUSED)
{
    struct td_error err = {0};
    svc.away = 1;
    assert_int_equal(td_flow_sign_in(&s.flow, &err), TD_EUNAVAILABLE);
    assert_string_equal(err.text, "The directory can't be asked");
    assert_int_equal(s.flow.retry_after, 7 * TD_SECOND);
    assert_ok(td_flow_sign_in(&s.flow, &err));
    assert_int_equal(svc.passwords, 2);
}

static int terminal_calls;

static enum td_code terminal(void *ctx TD_UNUSED, const char *prompt TD_UNUSED, bool secret, struct td_buf *out,
                             struct td_error *err TD_UNUSED)
{
    assert_true(secret);
    td_buf_adds(out, ++terminal_calls < 3 ? "wrong" : "correct horse");
    return TD_OK;
}

static void asks_again_at_a_terminal(void **state TD_UNUSED)
{
    const char *which;
    terminal_calls = 0;
    s.ui.answer_count = 1;
    s.ui.ask = terminal;
    assert_ok(td_flow_sign_in(&s.flow, NULL));
    assert_int_equal(td_ui_inputs(&s.ui, &s.arena, &which), 4); /* each typing counts */
    assert_int_equal(svc.passwords, 3);
}

static void asks_nothing_twice_when_the_service_was_away(void **state TD_UNUSED)
{
    const char *which;
    svc.busy = 1;
    assert_int_equal(td_flow_sign_in(&s.flow, NULL), TD_EUNAVAILABLE);
    assert_int_equal(s.flow.retry_after, 7 * TD_SECOND);
    assert_ok(td_flow_sign_in(&s.flow, NULL));
    assert_ok(td_flow_sign_in(&s.flow, NULL));
    assert_int_equal(td_ui_inputs(&s.ui, &s.arena, &which), 2);
}

static void waits_for_an_answer(void **state TD_UNUSED)
{
    struct td_error err = {0};
    s.ui.answer_count = 1;
    assert_int_equal(td_flow_sign_in(&s.flow, &err), TD_EINVAL);
    assert_string_equal(err.where, "password");
}

static void refuses(void **state TD_UNUSED)
{
    static const struct {
        size_t fault;
        enum td_code want;
    } rows[] = {
        {offsetof(struct service, wrong_state), TD_EAUTH},    {offsetof(struct service, wrong_nonce), TD_EAUTH},
        {offsetof(struct service, wrong_tenant), TD_EDENIED}, {offsetof(struct service, no_refresh), TD_EFORMAT},
        {offsetof(struct service, leaves_https), TD_EDENIED}, {offsetof(struct service, error_page), TD_EDENIED},
        {offsetof(struct service, denied), TD_EDENIED},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        memset(&svc, 0, sizeof(svc));
        *(bool *)((char *)&svc + rows[i].fault) = true;
        assert_int_equal(td_flow_sign_in(&s.flow, NULL), rows[i].want);
        assert_null(s.flow.secrets.join_token);
    }
}

#define STAGED(t) cmocka_unit_test_setup_teardown(t, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(signs_in),
        STAGED(keeps_no_secret),
        STAGED(takes_form_post),
        STAGED(says_a_wrong_password_once),
        STAGED(tries_again_where_nobody_judges),
        STAGED(asks_again_at_a_terminal),
        STAGED(asks_nothing_twice_when_the_service_was_away),
        STAGED(waits_for_an_answer),
        STAGED(refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
