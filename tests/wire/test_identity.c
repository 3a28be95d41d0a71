/* Sign-in in the browser: authorize pages, PKCE, grants of tools, every refusal (join-and-tokens.md 6, 10.2, 10.3). */
#include "api/identity.h"
#include "api/keyring.h"
#include "base/encode.h"
#include "crypto/digest.h"
#include "wire/identity_check.h"

#include <fcntl.h>
#include <sys/wait.h>

/* The example of RFC 7636, appendix B. */
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define PORTAL "9ba1a5c7-f17a-4de9-a1f1-6178c8d51223"
#define BROKER "29d9ed98-a469-4536-ade2-f981bc1d605e"

static struct td_door identity_door(void)
{
    return (struct td_door){td_identity_routes, td_identity_route_count, &w.svc};
}

static struct td_door door;

static int setup(void **state TD_UNUSED)
{
    door = identity_door();
    wire_open(&w, &door, 1);
    return 0;
}

static int teardown(void **state TD_UNUSED)
{
    wire_close(&w);
    return 0;
}

/* The text between two marks of a page, or NULL. */
static const char *between(const char *s, const char *from, const char *to)
{
    const char *a = strstr(s, from);
    if (a == NULL)
        return NULL;
    a += strlen(from);
    const char *b = strstr(a, to);
    return b == NULL ? NULL : td_arena_text(&w.arena, td_bytes(a, (size_t)(b - a)));
}

static const char *flow_of(const struct wire_reply *page)
{
    const char *flow = between(page->body, "name=\"flow\" value=\"", "\"");
    if (flow == NULL)
        fail_msg("status %d, no flow in: %s", page->status, page->body);
    return flow;
}

static struct wire_reply post_page(const struct wire_reply *page, const char *fields)
{
    const char *action = between(page->body, "action=\"", "\"");
    return wire_form(&w, action, td_arena_printf(&w.arena, "flow=%s&%s", flow_of(page), fields));
}

static const char *authorize_query(const char *extra)
{
    return td_arena_printf(&w.arena,
                           "/contoso.test/oauth2/v2.0/authorize?client_id=" TOOL "&response_type=code"
                           "&redirect_uri=http%%3A%%2F%%2Flocalhost%%3A40123%%2Fback&code_challenge=" CHALLENGE
                           "&code_challenge_method=S256&state=st%%20ate&nonce=n-1%s",
                           extra);
}

#define SCOPES "&scope=openid%20profile%20offline_access%20https%3A%2F%2Fgraph.microsoft.com%2F.default"

/* Through both pages to the answer. */
static struct wire_reply sign_in_at(const char *target, const char *upn, const char *password)
{
    struct wire_reply r = wire_get(&w, target);
    assert_int_equal(r.status, 200);
    r = post_page(&r, td_arena_printf(&w.arena, "username=%s", upn));
    assert_non_null(strstr(r.body, "type=\"password\""));
    return post_page(&r, td_arena_printf(&w.arena, "username=%s&password=%s", upn, password));
}

static const char *code_of(const struct wire_reply *r)
{
    const char *to = td_loopback_header(&r->raw, "Location");
    if (to == NULL)
        fail_msg("no redirect: %d %s", r->status, r->body);
    return between(to, "code=", "&");
}

static struct wire_reply redeem(const char *code, const char *verifier)
{
    return wire_form(&w, "/contoso.test/oauth2/v2.0/token?client-request-id=x",
                     td_arena_printf(&w.arena,
                                     "grant_type=authorization_code&client_id=" TOOL
                                     "&redirect_uri=http%%3A%%2F%%2Flocalhost%%3A40123%%2Fback&code=%s&code_verifier=%s"
                                     "&client_info=1&x-client-SKU=test",
                                     code, verifier));
}

static void whole_pkce_exchange(void **state TD_UNUSED)
{
    struct td_claims got;
    struct wire_reply r = sign_in_at(authorize_query(SCOPES), "Ada@Contoso.test", "correct+horse");
    assert_int_equal(r.status, 302);
    const char *to = td_loopback_header(&r.raw, "Location");
    assert_int_equal(strncmp(to, "http://localhost:40123/back?code=", 33), 0);
    assert_non_null(strstr(to, "&state=st%20ate"));
    r = redeem(code_of(&r), VERIFIER);
    assert_int_equal(r.status, 200);
    assert_int_equal(strncmp(r.body, "{\"", 2), 0);
    assert_string_equal(td_loopback_header(&r.raw, "Cache-Control"), "no-store");
    const struct td_json *v = wire_json(&w, r.body);
    assert_int_equal(td_json_get(v, "expires_in")->type, TD_JSON_INT);
    assert_int_equal(td_json_get(v, "ext_expires_in")->type, TD_JSON_INT);
    assert_string_equal(td_json_str(v, "token_type"), "Bearer");
    assert_non_null(strstr(td_json_str(v, "scope"), "offline_access"));
    assert_non_null(strchr(td_json_str(v, "refresh_token"), '.'));
    const struct td_json *id = claims_of(td_json_str(v, "id_token"));
    assert_string_equal(td_json_str(id, "aud"), TOOL);
    assert_string_equal(td_json_str(id, "nonce"), "n-1");
    assert_string_equal(td_json_str(id, "iss"), td_arena_printf(&w.arena, WIRE_BASE "/%s/v2.0", w.tenant.id));
    assert_null(td_json_str(id, "mdm_enrollment_url"));
    const struct td_json *access = claims_of(td_json_str(v, "access_token"));
    assert_string_equal(td_json_str(access, "aud"), "https://graph.microsoft.com");
    assert_string_equal(td_json_str(access, "upn"), "ada@contoso.test");
    assert_string_equal(td_json_str(access, "tid"), w.tenant.id);
    assert_string_equal(td_json_str(access, "oid"), w.ada.id);
    assert_null(td_json_get(access, "deviceid"));
    assert_int_equal(check_token(td_json_str(v, "access_token"), TD_RESOURCE_GRAPH, &got), TD_OK);
    assert_string_equal(got.upn, "ada@contoso.test");
    assert_int_equal(check_token(td_json_str(v, "access_token"), TD_RESOURCE_DIRECTORY_JOIN, NULL), TD_EAUTH);
    assert_int_equal(check_token(td_json_str(v, "id_token"), TD_RESOURCE_GRAPH, NULL), TD_EAUTH);
    struct td_slice info;
    assert_ok(td_b64_decode(&w.arena, td_str(td_json_str(v, "client_info")), TD_B64_URL | TD_B64_NOPAD, &info));
    assert_slice(info, td_arena_printf(&w.arena, "{\"uid\":\"%s\",\"utid\":\"%s\"}", w.ada.id, w.tenant.id));
}

static void pages_are_strict(void **state TD_UNUSED)
{
    struct wire_reply r = wire_get(&w, authorize_query(SCOPES "&login_hint=%3Cb%3E%22x"));
    assert_int_equal(r.status, 200);
    assert_non_null(strstr(r.body, "<h1>Contoso</h1>"));
    assert_non_null(strstr(r.body, "&lt;b&gt;&quot;x"));
    assert_null(strstr(r.body, "<b>"));
    assert_null(strstr(r.body, "<script"));
    const char *csp = td_loopback_header(&r.raw, "Content-Security-Policy");
    assert_non_null(strstr(csp, "default-src 'none'"));
    assert_non_null(strstr(csp, "form-action 'self' http://localhost:40123;"));
    assert_non_null(strstr(csp, "frame-ancestors 'none'"));
    assert_null(strstr(csp, "unsafe"));
    assert_string_equal(td_loopback_header(&r.raw, "Cache-Control"), "no-store");
}

static void foreign_forms_are_refused(void **state TD_UNUSED)
{
    static const char *const foreign[][3] = {
        {"Origin: https://evil.test", NULL}, {"Sec-Fetch-Site: cross-site", NULL}, {"Origin: null", NULL}};
    struct wire_reply page = wire_get(&w, authorize_query(SCOPES));
    const char *body =
        td_arena_printf(&w.arena, "flow=%s&username=ada@contoso.test&password=correct+horse", flow_of(&page));
    for (size_t i = 0; i < TD_COUNTOF(foreign); i++) {
        struct wire_reply r = wire_do(&w, "POST", "/contoso.test/oauth2/v2.0/authorize", foreign[i], body, NULL);
        assert_int_equal(r.status, 403);
        assert_null(td_loopback_header(&r.raw, "Location"));
    }
    struct wire_reply r =
        wire_form(&w, "/contoso.test/oauth2/v2.0/authorize", "flow=eyJ.x.y&username=ada@contoso.test");
    assert_int_equal(r.status, 400);
    w.env.now += 21 * TD_MINUTE;
    r = wire_form(&w, "/contoso.test/oauth2/v2.0/authorize", body);
    assert_int_equal(r.status, 400);
}

static void code_is_good_once(void **state TD_UNUSED)
{
    struct wire_reply r = sign_in_at(authorize_query(SCOPES), "ada@contoso.test", "correct+horse");
    const char *code = code_of(&r);
    struct wire_reply first = redeem(code, VERIFIER), second = redeem(code, VERIFIER);
    assert_int_equal(first.status, 200);
    assert_oauth_error(&second, 400, "invalid_grant", 54005);
    /* and what the first got is void */
    const char *refresh = td_json_str(wire_json(&w, first.body), "refresh_token");
    r = wire_form(&w, "/common/oauth2/v2.0/token",
                  td_arena_printf(&w.arena, "grant_type=refresh_token&client_id=" TOOL "&refresh_token=%s", refresh));
    assert_oauth_error(&r, 400, "invalid_grant", 700082);
}

static void code_refusals(void **state TD_UNUSED)
{
    struct wire_reply r = sign_in_at(authorize_query(SCOPES), "ada@contoso.test", "correct+horse");
    const char *code = code_of(&r);
    r = redeem(code, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl");
    assert_oauth_error(&r, 400, "invalid_grant", 501481);
    r = redeem(code, VERIFIER); /* burnt by the wrong try */
    assert_oauth_error(&r, 400, "invalid_grant", 54005);
    r = redeem("0.neverseen", VERIFIER);
    assert_oauth_error(&r, 400, "invalid_grant", 70008);
    r = sign_in_at(authorize_query(SCOPES), "ada@contoso.test", "correct+horse");
    code = code_of(&r);
    r = wire_form(&w, "/contoso.test/oauth2/v2.0/token",
                  td_arena_printf(&w.arena,
                                  "grant_type=authorization_code&client_id=" TOOL
                                  "&redirect_uri=http://localhost:40124/back&code=%s&code_verifier=" VERIFIER,
                                  code));
    assert_oauth_error(&r, 400, "invalid_grant", 70008);
    r = wire_form(&w, "/contoso.test/oauth2/v2.0/token",
                  td_arena_printf(&w.arena,
                                  "grant_type=authorization_code&client_id=" PORTAL
                                  "&redirect_uri=http://localhost:40123/back&code=%s&code_verifier=" VERIFIER,
                                  code));
    assert_oauth_error(&r, 400, "invalid_grant", 70008);
    w.env.now += 11 * TD_MINUTE;
    r = redeem(code, VERIFIER);
    assert_oauth_error(&r, 400, "invalid_grant", 70008);
}

/* A code asked for without a challenge is redeemed without a verifier: else who took the challenge out of the request
 * on its way could redeem it as if it had been there (RFC 9700, 2.1.1). */
static void no_challenge_no_verifier(void **state TD_UNUSED)
{
    static const char target[] = "/contoso.test/oauth2/v2.0/authorize?client_id=" BROKER "&response_type=code"
                                 "&redirect_uri=ms-aadj-redir%3A%2F%2Fauth%2Fdrs" SCOPES;
    for (int with = 0; with < 2; with++) {
        struct wire_reply r = sign_in_at(target, "ada@contoso.test", "correct+horse");
        r = wire_form(&w, "/contoso.test/oauth2/v2.0/token",
                      td_arena_printf(&w.arena,
                                      "grant_type=authorization_code&client_id=" BROKER
                                      "&redirect_uri=ms-aadj-redir://auth/drs&code=%s%s",
                                      code_of(&r), with ? "&code_verifier=" VERIFIER : ""));
        if (with)
            assert_oauth_error(&r, 400, "invalid_grant", 501481);
        else
            assert_int_equal(r.status, 200);
    }
}

/* Requests that must not lead anywhere: told to the person, no redirect. */
static void authorize_refusals_on_page(void **state TD_UNUSED)
{
    static const char *const bad[] = {
        "?client_id=" TOOL "&response_type=code&redirect_uri=https%3A%2F%2Fevil.test%2F",
        "?client_id=" TOOL "&response_type=code&redirect_uri=http%3A%2F%2Flocalhost.evil.test%2F",
        "?client_id=" TOOL "&response_type=code&redirect_uri=http%3A%2F%2Flocalhost%3A%2F",
        "?client_id=" TOOL "&response_type=code&redirect_uri=http%3A%2F%2Flocalhost%40evil.test%2F",
        "?client_id=" TOOL "&response_type=code&redirect_uri=ms-aadj-redir%3A%2F%2Fauth%2Fdrs",
        "?client_id=" TOOL "&response_type=code&redirect_uri=http%3A%2F%2Flocalhost%2F%0d%0aX%3A1",
        "?client_id=" TOOL "&response_type=code",
        "?client_id=00000000-0000-4000-8000-00000000dead&response_type=code&redirect_uri=http%3A%2F%2Flocalhost%2F",
        "?response_type=code&redirect_uri=http%3A%2F%2Flocalhost%2F",
        "?client_id=" BROKER "&response_type=code&redirect_uri=ms-aadj-redir%3A%2F%2Fauth%2Fdrs&ztd_ticket=a.b.c",
    };
    for (size_t i = 0; i < TD_COUNTOF(bad); i++) {
        struct wire_reply r = wire_get(&w, td_arena_printf(&w.arena, "/contoso.test/oauth2/v2.0/authorize%s", bad[i]));
        if (r.status != 400 || td_loopback_header(&r.raw, "Location") != NULL)
            fail_msg("%s: %d", bad[i], r.status);
    }
    struct wire_reply r = wire_get(&w, "/nobody.test/oauth2/v2.0/authorize?client_id=" TOOL
                                       "&response_type=code&redirect_uri=http%3A%2F%2Flocalhost%2F");
    assert_int_equal(r.status, 400);
}

/* The rest goes back to the client with its state. */
static void authorize_refusals_to_client(void **state TD_UNUSED)
{
    static const struct {
        const char *query, *error;
    } rows[] = {
        {"&response_type=token&code_challenge=" CHALLENGE "&code_challenge_method=S256", "unsupported_response_type"},
        {"&response_type=code", "invalid_request"},
        {"&response_type=code&code_challenge=" CHALLENGE "&code_challenge_method=plain", "invalid_request"},
        {"&response_type=code&code_challenge=short&code_challenge_method=S256", "invalid_request"},
        {"&response_type=code&response_mode=other&code_challenge=" CHALLENGE "&code_challenge_method=S256",
         "invalid_request"},
        {"&response_type=code&scope=https%3A%2F%2Fother.test%2F.default&code_challenge=" CHALLENGE
         "&code_challenge_method=S256",
         "invalid_resource"},
        {"&response_type=code&prompt=none&code_challenge=" CHALLENGE "&code_challenge_method=S256", "login_required"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct wire_reply r =
            wire_get(&w, td_arena_printf(&w.arena,
                                         "/common/oauth2/v2.0/authorize?client_id=" TOOL
                                         "&redirect_uri=http%%3A%%2F%%2F127.0.0.1%%3A9%%2F&state=s-1%s",
                                         rows[i].query));
        const char *to = td_loopback_header(&r.raw, "Location");
        assert_int_equal(r.status, 302);
        if (strstr(to, td_arena_printf(&w.arena, "http://127.0.0.1:9/?error=%s&", rows[i].error)) != to)
            fail_msg("%s: %s", rows[i].query, to);
        assert_non_null(strstr(to, "&state=s-1"));
    }
}

static void other_organization(void **state TD_UNUSED)
{
    static const char *const upns[] = {"eve@fabrikam.test", "eve@nowhere.test"};
    wire_add_user(&w, w.other.id, "eve@fabrikam.test", "Eve", "password-of-eve");
    for (size_t i = 0; i < TD_COUNTOF(upns); i++) {
        struct wire_reply page = wire_get(&w, authorize_query(SCOPES));
        struct wire_reply r =
            post_page(&page, td_arena_printf(&w.arena, "username=%s&password=password-of-eve", upns[i]));
        assert_int_equal(r.status, 200);
        assert_non_null(strstr(r.body, "belongs to another organization"));
        assert_null(td_loopback_header(&r.raw, "Location"));
    }
}

static void wrong_password_locks(void **state TD_UNUSED)
{
    for (int i = 0; i < 5; i++) {
        struct wire_reply r = sign_in_at(authorize_query(SCOPES), "ada@contoso.test", "wrong-password");
        assert_int_equal(r.status, 200);
        assert_non_null(strstr(r.body, "user name or the password is wrong"));
    }
    struct wire_reply r = sign_in_at(authorize_query(SCOPES), "ada@contoso.test", "correct+horse");
    assert_null(td_loopback_header(&r.raw, "Location"));
    assert_non_null(strstr(r.body, "Too many wrong passwords"));
    w.env.now += 61 * TD_SECOND;
    r = sign_in_at(authorize_query(SCOPES), "ada@contoso.test", "correct+horse");
    assert_int_equal(r.status, 302);
}

/* A name that nobody bears answers and locks like one that somebody does. */
static void unknown_names_look_the_same(void **state TD_UNUSED)
{
    struct td_signed_in who;
    struct td_error known = {0}, unknown = {0};
    for (int i = 0; i < 6; i++) {
        enum td_code a =
            td_sign_in(&w.svc, TD_S("ada@contoso.test"), TD_S("wrong-password"), "127.0.0.1", &w.arena, &who, &known);
        enum td_code b = td_sign_in(&w.svc, TD_S("nobody@contoso.test"), TD_S("wrong-password"), "127.0.0.1", &w.arena,
                                    &who, &unknown);
        assert_int_equal(a, b);
        assert_string_equal(known.text, unknown.text);
        assert_int_equal(a, i < 5 ? TD_EAUTH : TD_ELIMIT);
    }
}

static enum td_code disable_ada(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    return td_user_enable(tx, w.tenant.id, w.ada.id, false, "test", err);
}

static enum td_code enable_ada(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    return td_user_enable(tx, w.tenant.id, w.ada.id, true, "test", err);
}

static void disabled_user_is_refused_at_once(void **state TD_UNUSED)
{
    struct wire_reply r = sign_in_at(authorize_query(SCOPES), "ada@contoso.test", "correct+horse");
    r = redeem(code_of(&r), VERIFIER);
    const char *access = td_json_str(wire_json(&w, r.body), "access_token");
    const char *refresh = td_json_str(wire_json(&w, r.body), "refresh_token");
    assert_int_equal(check_token(access, TD_RESOURCE_GRAPH, NULL), TD_OK);
    assert_ok(td_store_write(w.svc.store, disable_ada, NULL, NULL));
    assert_int_equal(check_token(access, TD_RESOURCE_GRAPH, NULL), TD_EAUTH);
    const char *again =
        td_arena_printf(&w.arena, "grant_type=refresh_token&client_id=" TOOL "&refresh_token=%s", refresh);
    r = wire_form(&w, "/common/oauth2/v2.0/token", again);
    assert_oauth_error(&r, 400, "invalid_grant", 50057);
    r = sign_in_at(authorize_query(SCOPES), "ada@contoso.test", "correct+horse");
    assert_non_null(strstr(r.body, "disabled"));
    /* enabling brings nothing old back */
    w.env.now += 5 * TD_SECOND;
    assert_ok(td_store_write(w.svc.store, enable_ada, NULL, NULL));
    assert_int_equal(check_token(access, TD_RESOURCE_GRAPH, NULL), TD_EAUTH);
    r = wire_form(&w, "/common/oauth2/v2.0/token", again);
    assert_oauth_error(&r, 400, "invalid_grant", 700082);
}

static void form_post_and_fragment(void **state TD_UNUSED)
{
    struct wire_reply r =
        sign_in_at(authorize_query(SCOPES "&response_mode=form_post"), "ada@contoso.test", "correct+horse");
    assert_int_equal(r.status, 200);
    assert_null(td_loopback_header(&r.raw, "Location"));
    assert_non_null(strstr(r.body, "action=\"http://localhost:40123/back\""));
    assert_non_null(strstr(r.body, "name=\"state\" value=\"st ate\""));
    assert_non_null(strstr(td_loopback_header(&r.raw, "Content-Security-Policy"), "script-src 'sha256-"));
    const char *code = between(r.body, "name=\"code\" value=\"", "\"");
    r = redeem(code, VERIFIER);
    assert_int_equal(r.status, 200);
    r = sign_in_at(authorize_query(SCOPES "&response_mode=fragment"), "ada@contoso.test", "correct+horse");
    assert_non_null(strstr(td_loopback_header(&r.raw, "Location"), "http://localhost:40123/back#code="));
}

static void refresh_is_not_bound_to_a_resource(void **state TD_UNUSED)
{
    struct wire_reply r = sign_in_at(authorize_query(SCOPES), "ada@contoso.test", "correct+horse");
    r = redeem(code_of(&r), VERIFIER);
    const char *old = td_json_str(wire_json(&w, r.body), "refresh_token");
    const char *body =
        td_arena_printf(&w.arena,
                        "grant_type=refresh_token&client_id=" TOOL "&refresh_token=%s"
                        "&scope=d4ebce55-015a-49b5-a083-c84d1797ae8c%%2F.default openid offline_access profile",
                        old);
    r = wire_form(&w, "/Common/oAuth2/v2.0/Token", body);
    assert_int_equal(r.status, 200);
    const struct td_json *v = wire_json(&w, r.body);
    const struct td_json *access = claims_of(td_json_str(v, "access_token"));
    assert_string_equal(td_json_str(access, "aud"), "d4ebce55-015a-49b5-a083-c84d1797ae8c");
    assert_string_equal(td_json_str(access, "scp"), "mdm_delegation");
    assert_int_equal(check_token(td_json_str(v, "access_token"), TD_RESOURCE_MANAGEMENT, NULL), TD_OK);
    assert_string_not_equal(td_json_str(v, "refresh_token"), old);
    r = wire_form(&w, "/common/oauth2/v2.0/token", body); /* a lost answer is asked again */
    assert_int_equal(r.status, 200);
    w.env.now += 11 * TD_MINUTE;
    r = wire_form(&w, "/common/oauth2/v2.0/token", body);
    assert_oauth_error(&r, 400, "invalid_grant", 700082);
    r = wire_form(&w, "/common/oauth2/v2.0/token", /* its successors went with it */
                  td_arena_printf(&w.arena, "grant_type=refresh_token&client_id=" TOOL "&refresh_token=%s",
                                  td_json_str(v, "refresh_token")));
    assert_oauth_error(&r, 400, "invalid_grant", 700082);
}

/* Each kind of secret is good for its own grant, its own client and its own tenant alone. */
static void grants_are_not_mixed_up(void **state TD_UNUSED)
{
    struct wire_reply r = sign_in_at(authorize_query(SCOPES), "ada@contoso.test", "correct+horse");
    const char *code = code_of(&r);
    r = wire_form(&w, "/common/oauth2/v2.0/token",
                  td_arena_printf(&w.arena, "grant_type=refresh_token&client_id=" TOOL "&refresh_token=%s", code));
    assert_oauth_error(&r, 400, "invalid_grant", 700082);
    r = wire_form(&w, "/fabrikam.test/oauth2/v2.0/token",
                  td_arena_printf(&w.arena,
                                  "grant_type=authorization_code&client_id=" TOOL "&code_verifier=" VERIFIER
                                  "&redirect_uri=http://localhost:40123/back&code=%s",
                                  code));
    assert_oauth_error(&r, 400, "invalid_grant", 50020);
    r = redeem(code, VERIFIER);
    const char *refresh = td_json_str(wire_json(&w, r.body), "refresh_token");
    r = redeem(refresh, VERIFIER);
    assert_oauth_error(&r, 400, "invalid_grant", 70008);
    const char *form = td_arena_printf(&w.arena, "grant_type=refresh_token&refresh_token=%s&client_id=", refresh);
    r = wire_form(&w, "/common/oauth2/v2.0/token", td_arena_printf(&w.arena, "%s" PORTAL, form));
    assert_oauth_error(&r, 400, "invalid_grant", 700082);
    r = wire_form(&w, "/fabrikam.test/oauth2/v2.0/token", td_arena_printf(&w.arena, "%s" TOOL, form));
    assert_oauth_error(&r, 400, "invalid_grant", 50020);
    w.env.now += 91 * TD_DAY;
    r = wire_form(&w, "/common/oauth2/v2.0/token", td_arena_printf(&w.arena, "%s" TOOL, form));
    assert_oauth_error(&r, 400, "invalid_grant", 700082);
}

/* Links carry the port of the caller, so tokens do, and the port is nobody's proof (contract section 2). */
static void names_with_any_port(void **state TD_UNUSED)
{
    static const struct {
        const char *host;
        bool ours;
    } rows[] = {{"localhost:8443", true},        {"localhost", true},
                {"LocalHost:9443", true},        {"mdm.contoso.test:1", true},
                {"localhost:", false},           {"localhost:1@evil.test", false},
                {"localhost:8443x", false},      {"localhost:1234567", false},
                {"localhost.evil.test", false},  {"evil.test:8443", false},
                {"localhost:8443/path", false},  {"", false},
                {"[127.0.0.1].evil.test", false}};
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        if (td_service_is_ours(&w.svc, td_str(rows[i].host)) != rows[i].ours)
            fail_msg("%s", rows[i].host);
    static const char *const host[] = {"Host: localhost:9443", NULL};
    struct wire_reply r = sign_in_at(authorize_query(SCOPES), "ada@contoso.test", "correct+horse");
    r = wire_do(&w, "POST", "/contoso.test/oauth2/v2.0/token", host,
                td_arena_printf(&w.arena,
                                "grant_type=authorization_code&client_id=" TOOL "&code_verifier=" VERIFIER
                                "&redirect_uri=http://localhost:40123/back&code=%s",
                                code_of(&r)),
                NULL);
    const char *access = td_json_str(wire_json(&w, r.body), "access_token");
    assert_non_null(strstr(td_json_str(claims_of(access), "iss"), "https://localhost:9443/"));
    assert_int_equal(check_token(access, TD_RESOURCE_GRAPH, NULL), TD_OK);
}

static enum td_code allow_password(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct td_tenant *t = ctx;
    return td_tenant_set(tx, t->id, "password-grant", "on", "test", err);
}

#define BY_PASSWORD                                                                                  \
    "grant_type=password&client_id=1b730954-1685-4b74-9bfd-dac224a7b894&username=ada%40contoso.test" \
    "&resource=urn%3ams-drs%3aenterpriseregistration.windows.net&password="

static void password_grant(void **state TD_UNUSED)
{
    struct wire_reply r = wire_form(&w, "/common/oauth2/token", BY_PASSWORD "correct+horse");
    assert_oauth_error(&r, 400, "unauthorized_client", 53003);
    assert_ok(td_store_write(w.svc.store, allow_password, &w.tenant, NULL));
    /* no Content-Type at all, as several clients send it */
    r = wire_do(&w, "POST", "/common/oauth2/token", NULL, BY_PASSWORD "correct+horse", NULL);
    assert_int_equal(r.status, 200);
    const struct td_json *v = wire_json(&w, r.body);
    static const char *const strings[] = {"expires_in", "ext_expires_in", "expires_on", "not_before"};
    for (size_t i = 0; i < TD_COUNTOF(strings); i++)
        assert_non_null(td_json_str(v, strings[i]));
    assert_string_equal(td_json_str(v, "expires_in"), "3599");
    assert_string_equal(td_json_str(v, "resource"), "urn:ms-drs:enterpriseregistration.windows.net");
    assert_int_equal(td_json_get(v, "refresh_token_expires_in")->type, TD_JSON_INT);
    assert_string_equal(td_json_str(claims_of(td_json_str(v, "access_token")), "aud"),
                        "urn:ms-drs:enterpriseregistration.windows.net");
    assert_int_equal(check_token(td_json_str(v, "access_token"), TD_RESOURCE_DIRECTORY_JOIN, NULL), TD_OK);
    r = wire_form(&w, "/common/oauth2/token", BY_PASSWORD "wrong-password");
    assert_oauth_error(&r, 400, "invalid_grant", 50126);
    r = wire_form(&w, "/fabrikam.test/oauth2/token", BY_PASSWORD "correct+horse");
    assert_oauth_error(&r, 400, "unauthorized_client", 53003); /* that tenant has it off */
    /* and when it is on, its door does not tell which password of a foreign user is right */
    assert_ok(td_store_write(w.svc.store, allow_password, &w.other, NULL));
    r = wire_form(&w, "/fabrikam.test/oauth2/token", BY_PASSWORD "correct+horse");
    assert_oauth_error(&r, 400, "invalid_grant", 50020);
    r = wire_form(&w, "/fabrikam.test/oauth2/token", BY_PASSWORD "wrong-password");
    assert_oauth_error(&r, 400, "invalid_grant", 50020);
    for (int i = 0; i < 4; i++)
        r = wire_form(&w, "/contoso.test/oauth2/token", BY_PASSWORD "wrong-password");
    r = wire_form(&w, "/contoso.test/oauth2/token", BY_PASSWORD "correct+horse");
    assert_oauth_error(&r, 400, "invalid_grant", 50053);
}

static void device_code(void **state TD_UNUSED)
{
    struct wire_reply r = wire_form(&w, "/organizations/oauth2/v2.0/devicecode",
                                    "client_id=" TOOL "&scope=openid offline_access User.Read");
    assert_int_equal(r.status, 200);
    const struct td_json *v = wire_json(&w, r.body);
    assert_int_equal(td_json_int(v, "interval", 0), 5);
    assert_string_equal(td_json_str(v, "verification_uri"), WIRE_BASE "/devicelogin");
    const char *poll = td_arena_printf(
        &w.arena, "grant_type=urn:ietf:params:oauth:grant-type:device_code&client_id=" TOOL "&device_code=%s",
        td_json_str(v, "device_code"));
    r = wire_form(&w, "/organizations/oauth2/v2.0/token", poll);
    assert_oauth_error(&r, 400, "authorization_pending", 70016);
    r = wire_form(&w, "/organizations/oauth2/v2.0/token",
                  td_arena_printf(&w.arena, "grant_type=device_code&client_id=" PORTAL "&device_code=%s",
                                  td_json_str(v, "device_code")));
    assert_oauth_error(&r, 400, "expired_token", 70020); /* another client's */
    r = wire_form(&w, "/devicelogin", "code=BCDF-GHJK");
    assert_non_null(strstr(r.body, "not known"));
    char typed[32];
    snprintf(typed, sizeof(typed), "code=%.4s-%s", td_json_str(v, "user_code"), td_json_str(v, "user_code") + 4);
    td_lower(typed);
    struct wire_reply page = wire_form(&w, "/devicelogin", typed);
    assert_non_null(strstr(page.body, "on another device"));
    r = post_page(&page, "username=ada@contoso.test&password=correct+horse");
    assert_non_null(strstr(r.body, "You are signed in"));
    r = wire_form(&w, "/organizations/oauth2/v2.0/token", poll);
    assert_int_equal(r.status, 200);
    const struct td_json *access = claims_of(td_json_str(wire_json(&w, r.body), "access_token"));
    assert_string_equal(td_json_str(access, "upn"), "ada@contoso.test");
    assert_string_equal(td_json_str(access, "scp"), "User.Read");
    r = post_page(&page, "username=ada@contoso.test&password=correct+horse"); /* approved once */
    assert_null(strstr(r.body, "You are signed in"));
    w.env.now += 20 * TD_MINUTE;
    r = wire_form(&w, "/organizations/oauth2/v2.0/token", poll);
    assert_oauth_error(&r, 400, "expired_token", 70020);
}

/* Another make of library judges our signature. */
static void foreign_judge(void **state TD_UNUSED)
{
    char keys[128], token[128];
    struct wire_reply r = wire_get(&w, "/common/discovery/v2.0/keys");
    assert_int_equal(r.status, 200);
    snprintf(keys, sizeof(keys), "%s/keys.json", w.dir);
    snprintf(token, sizeof(token), "%s/token.jwt", w.dir);
    const struct td_json *key = td_json_get(wire_json(&w, r.body), "keys")->child;
    assert_string_equal(td_json_str(key, "kty"), "RSA");
    assert_non_null(td_json_get(key, "x5c"));
    assert_ok(td_file_write(keys, td_str(r.body), 0600, NULL));
    r = sign_in_at(authorize_query(SCOPES), "ada@contoso.test", "correct+horse");
    r = redeem(code_of(&r), VERIFIER);
    const char *jwt = td_json_str(wire_json(&w, r.body), "access_token");
    for (int broken = 0; broken < 2; broken++) {
        char *text = td_arena_strdup(&w.arena, jwt);
        char *mark = strchr(text, '.') + 5;
        *mark = (char)(broken ? (*mark == 'A' ? 'B' : 'A') : *mark);
        assert_ok(td_file_write(token, td_str(text), 0600, NULL));
        pid_t pid = fork();
        if (pid == 0) {
            int null = open("/dev/null", O_WRONLY);
            dup2(null, 1);
            dup2(null, 2);
            execlp("jose", "jose", "jws", "ver", "-i", token, "-k", keys, (char *)NULL);
            _exit(77);
        }
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WEXITSTATUS(status) == 77)
            skip(); /* the jose command is not installed */
        assert_int_equal(WEXITSTATUS(status) == 0, broken == 0);
    }
}

/* Tokens that are not ours or no longer good. */
static void bearer_refusals(void **state TD_UNUSED)
{
    struct wire_reply r = sign_in_at(authorize_query(SCOPES), "ada@contoso.test", "correct+horse");
    r = redeem(code_of(&r), VERIFIER);
    const char *jwt = td_json_str(wire_json(&w, r.body), "access_token");
    struct td_jws jws = {0};
    struct td_key *foreign = NULL;
    char *forged = NULL;
    assert_ok(td_jws_decode(td_str(jwt), &w.arena, &jws, NULL));
    assert_ok(td_key_generate(TD_KEY_RSA, &foreign, NULL));
    const char *header = td_arena_printf(&w.arena, "{\"alg\":\"RS256\",\"kid\":\"%s\"}", jws.kid);
    assert_ok(td_jws_sign(foreign, TD_RS256, td_str(header), jws.payload, &w.arena, &forged, NULL));
    assert_int_equal(check_token(forged, TD_RESOURCE_GRAPH, NULL), TD_EAUTH);
    td_key_free(foreign);
    const char *payload = td_b64url(&w.arena, jws.payload);
    const char *none = td_b64url(&w.arena, TD_S("{\"alg\":\"none\"}"));
    assert_int_equal(check_token(td_arena_printf(&w.arena, "%s.%s.", none, payload), TD_RESOURCE_GRAPH, NULL),
                     TD_EAUTH);
    assert_int_equal(check_token(td_arena_printf(&w.arena, "%s.%s.AAAA", none, payload), TD_RESOURCE_GRAPH, NULL),
                     TD_EAUTH);
    assert_int_equal(check_token("", TD_RESOURCE_GRAPH, NULL), TD_EAUTH);
    /* our key, but another issuer: foreign, and of another tenant */
    static const char *const issuers[] = {WIRE_BASE, "https://sts.elsewhere.test"};
    for (size_t i = 0; i < TD_COUNTOF(issuers); i++) {
        const char *claims = td_arena_printf(&w.arena,
                                             "{\"iss\":\"%s/%s/\",\"tid\":\"%s\",\"oid\":\"%s\",\"iat\":1893553445,"
                                             "\"exp\":1893557345,\"aud\":\"https://graph.microsoft.com\"}",
                                             issuers[i], i == 0 ? w.other.id : w.tenant.id, w.tenant.id, w.ada.id);
        assert_ok(td_token_sign(&w.svc, td_str(claims), &w.arena, &forged, NULL));
        assert_int_equal(check_token(forged, TD_RESOURCE_GRAPH, NULL), TD_EAUTH);
    }
    assert_int_equal(check_token(jwt, TD_RESOURCE_MANAGEMENT, NULL), TD_EAUTH);
    const char *bearer[] = {td_arena_printf(&w.arena, "Authorization: Bearer %s", jwt), NULL};
    r = wire_do(&w, "GET", "/oidc/userinfo", bearer, "", NULL);
    assert_int_equal(r.status, 200);
    assert_string_equal(td_json_str(wire_json(&w, r.body), "email"), "ada@contoso.test");
    w.env.now += TD_HOUR + 4 * TD_MINUTE;
    assert_int_equal(check_token(jwt, TD_RESOURCE_GRAPH, NULL), TD_OK);
    w.env.now += 2 * TD_MINUTE;
    assert_int_equal(check_token(jwt, TD_RESOURCE_GRAPH, NULL), TD_EEXPIRED);
    r = wire_do(&w, "GET", "/oidc/userinfo", bearer, "", NULL);
    assert_int_equal(r.status, 401);
}

static void tickets_and_nonces(void **state TD_UNUSED)
{
    char *ticket = NULL, *nonce = NULL;
    const struct td_json *v = NULL;
    assert_ok(td_ticket_make(&w.svc, "device", "{\"tenant\":\"t\"}", TD_HOUR, &w.arena, &ticket, NULL));
    assert_ok(td_ticket_open(&w.svc, "device", td_str(ticket), &w.arena, &v, NULL));
    assert_string_equal(td_json_str(v, "tenant"), "t");
    assert_int_equal(td_ticket_open(&w.svc, "enrol", td_str(ticket), &w.arena, &v, NULL), TD_EAUTH);
    struct wire_reply r = wire_form(&w, "/contoso.test/oauth2/v2.0/authorize",
                                    td_arena_printf(&w.arena, "flow=%s&username=ada@contoso.test", ticket));
    assert_int_equal(r.status, 400);
    ticket[strlen(ticket) - 3] ^= 1;
    assert_int_equal(td_ticket_open(&w.svc, "device", td_str(ticket), &w.arena, &v, NULL), TD_EAUTH);
    ticket[strlen(ticket) - 3] ^= 1;
    w.env.now += TD_HOUR;
    assert_int_equal(td_ticket_open(&w.svc, "device", td_str(ticket), &w.arena, &v, NULL), TD_EEXPIRED);
    assert_ok(td_nonce_make(&w.svc, &w.arena, &nonce, NULL));
    assert_ok(td_nonce_use(&w.svc, td_str(nonce), NULL));
    assert_int_equal(td_nonce_use(&w.svc, td_str(nonce), NULL), TD_ESTATE);
    assert_ok(td_nonce_make(&w.svc, &w.arena, &nonce, NULL));
    nonce[20] = nonce[20] == 'A' ? 'B' : 'A';
    assert_int_equal(td_nonce_use(&w.svc, td_str(nonce), NULL), TD_EAUTH);
    assert_ok(td_nonce_make(&w.svc, &w.arena, &nonce, NULL));
    w.env.now += 11 * TD_MINUTE;
    assert_int_equal(td_nonce_use(&w.svc, td_str(nonce), NULL), TD_EEXPIRED);
}

static void keys_survive_a_restart(void **state TD_UNUSED)
{
    struct wire_reply before = wire_get(&w, "/common/discovery/keys");
    td_keyring_close(w.svc.keyring);
    assert_ok(td_keyring_open(&w.svc, &w.svc.keyring, NULL));
    struct wire_reply after = wire_get(&w, "/contoso.test/discovery/keys");
    assert_string_equal(before.body, after.body);
}

/* A second node on the same store: same keys, one memory of nonces. */
static void two_nodes(void **state TD_UNUSED)
{
    struct td_service second = w.svc, first = w.svc;
    char *nonce = NULL, *ticket = NULL;
    const struct td_json *v = NULL;
    assert_ok(td_store_open(w.dir, &w.env.env, &second.store, NULL));
    assert_ok(td_keyring_open(&second, &second.keyring, NULL));
    assert_ok(td_nonce_make(&first, &w.arena, &nonce, NULL));
    assert_ok(td_nonce_use(&second, td_str(nonce), NULL));
    assert_int_equal(td_nonce_use(&first, td_str(nonce), NULL), TD_ESTATE);
    assert_ok(td_ticket_make(&second, "device", "{}", TD_HOUR, &w.arena, &ticket, NULL));
    assert_ok(td_ticket_open(&first, "device", td_str(ticket), &w.arena, &v, NULL));
    struct wire_reply r = sign_in_at(authorize_query(SCOPES), "ada@contoso.test", "correct+horse");
    w.svc = second;
    r = redeem(code_of(&r), VERIFIER);
    w.svc = first;
    assert_int_equal(r.status, 200);
    assert_int_equal(check_token(td_json_str(wire_json(&w, r.body), "access_token"), TD_RESOURCE_GRAPH, NULL), TD_OK);
    td_keyring_close(second.keyring);
    td_store_close(second.store);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(whole_pkce_exchange),
        T(pages_are_strict),
        T(foreign_forms_are_refused),
        T(code_is_good_once),
        T(code_refusals),
        T(no_challenge_no_verifier),
        T(grants_are_not_mixed_up),
        T(names_with_any_port),
        T(authorize_refusals_on_page),
        T(authorize_refusals_to_client),
        T(other_organization),
        T(wrong_password_locks),
        T(unknown_names_look_the_same),
        T(disabled_user_is_refused_at_once),
        T(form_post_and_fragment),
        T(refresh_is_not_bound_to_a_resource),
        T(password_grant),
        T(device_code),
        T(foreign_judge),
        T(bearer_refusals),
        T(tickets_and_nonces),
        T(keys_survive_a_restart),
        T(two_nodes),
    };
    return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
