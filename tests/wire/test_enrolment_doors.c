/* What stands around an enrolment: renewal, the federated page, terms of use, the endpoint list (mde2.md 2, 7;
 * join-and-tokens.md 10.7). */
#include "base/encode.h"
#include "crypto/digest.h"
#include "store/certificate.h"
#include "store/user.h"
#include "wire/enrolment_world.h"

#include <string.h>

/* Renewal */

struct renewing {
    struct installed i;
    struct td_peer peer;
    struct td_key *key;
    struct td_slice csr, cms;
};

/* An enrolled device that has made a new key and signed its request by the present certificate. */
static struct renewing renewing(struct world *w)
{
    struct renewing r = {.i = world_enrol(w, world_join(w, NULL))};
    r.peer = world_peer(&r.i);
    assert_ok(td_key_generate(TD_KEY_RSA, &r.key, NULL));
    assert_ok(td_csr_make(r.key, "renewal", NULL, &w->wire.arena, &r.csr, NULL));
    assert_ok(td_cms_sign(r.csr, r.i.wap.certificate.der, w->key, &w->wire.arena, &r.cms, NULL));
    return r;
}

static struct td_soap renew(struct world *w, struct td_slice cms, const struct td_peer *peer)
{
    struct td_soap head = world_head(w, TD_ACTION_RST);
    head.security.has_username = true; /* with an empty password: mde2.md 7 */
    head.security.username = w->upn;
    struct td_rst rst = {.kind = TD_RST_RENEW, .csr = cms, .cms = true};
    return world_rst(w, &head, &rst, peer);
}

static void renews_in_its_window(void **state)
{
    struct world *w = *state;
    struct renewing r = renewing(w);
    struct td_soap answer = renew(w, r.cms, &r.peer);
    assert_fault(w, &answer, TD_FAULT_NOT_ELIGIBLE_TO_RENEW);
    w->wire.env.now += 306 * TD_DAY;
    answer = renew(w, r.cms, &r.peer);
    struct installed n = world_install(w, &answer);
    assert_true(n.wap.renewal && n.wap.has_container && n.wap.system_store);
    assert_string_equal(n.wap.provider, "Touchdown");
    assert_string_equal(n.cert.subject_cn, r.i.cert.subject_cn);
    assert_string_not_equal(n.cert.sha1, r.i.cert.sha1);
    assert_true(n.cert.not_after > r.i.cert.not_after);
    struct td_enrolment e = world_enrolment(w, n.cert.subject_cn);
    assert_int_equal(e.state, TD_ENROLMENT_ACTIVE);
    assert_int_equal(e.cert_not_after, n.cert.not_after);
    assert_memory_equal(e.cert_sha256, n.cert.sha256, 32);
    assert_int_equal(world_events(w, e.way_id, "enrolment.renewed", NULL), 1);
    /* the answer may have been lost: the old certificate still serves, and so does the new one */
    assert_false(world_revoked(w, &r.i));
    answer = renew(w, r.cms, &r.peer);
    (void)world_install(w, &answer);
    struct td_peer fresh = world_peer(&n);
    answer = renew(w, r.cms, &fresh);
    assert_fault(w, &answer, TD_FAULT_AUTHENTICATION); /* the signer is the old one */
    td_key_free(r.key);
}

static void renewal_proves_its_certificate(void **state)
{
    struct world *w = *state;
    struct renewing r = renewing(w), other = renewing(w);
    w->wire.env.now += 310 * TD_DAY;
    struct td_soap answer = renew(w, r.cms, NULL);
    assert_fault(w, &answer, TD_FAULT_AUTHENTICATION);
    answer = renew(w, r.cms, &other.peer);
    assert_fault(w, &answer, TD_FAULT_AUTHENTICATION);
    answer = renew(w, r.csr, &r.peer);
    assert_fault(w, &answer, TD_FAULT_CERTIFICATE_REQUEST);
    char *broken = td_arena_text(&w->wire.arena, r.cms);
    broken[r.cms.n - 3] ^= 1;
    answer = renew(w, td_bytes(broken, r.cms.n), &r.peer);
    assert_fault(w, &answer, TD_FAULT_CERTIFICATE_REQUEST);
    w->wire.env.now += 60 * TD_DAY;
    answer = renew(w, r.cms, &r.peer);
    assert_fault(w, &answer, TD_FAULT_NOT_ELIGIBLE_TO_RENEW);
    td_key_free(r.key);
    td_key_free(other.key);
}

static void ended_enrolments_do_not_renew(void **state)
{
    struct world *w = *state;
    const char *device = world_join(w, NULL);
    struct installed old = world_enrol(w, device);
    struct td_peer peer = world_peer(&old);
    struct td_slice cms;
    assert_ok(td_cms_sign(w->csr, old.wap.certificate.der, w->key, &w->wire.arena, &cms, NULL));
    (void)world_enrol(w, device); /* replaces it */
    w->wire.env.now += 310 * TD_DAY;
    struct td_soap answer = renew(w, cms, &peer);
    assert_fault(w, &answer, TD_FAULT_AUTHENTICATION);
}

struct recording {
    struct world *w;
    struct td_cert_row row;
};

static enum td_code record(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_cert_record(tx, &((struct recording *)ctx)->row, err);
}

/* A directory device's certificate opens no door of management (mde2.md 9.11). */
static void other_purposes_open_nothing(void **state)
{
    struct world *w = *state;
    struct td_csr csr;
    struct td_slice der, cms;
    struct td_cert cert;
    const struct td_rdn subject[] = {{"CN", "44444444-0000-4000-8000-000000000001"}};
    assert_ok(td_csr_parse(w->csr, &w->wire.arena, &csr, NULL));
    struct td_cert_template t = {.subject = subject, .subject_count = 1, .spki = csr.spki};
    t.not_before = w->wire.env.now - TD_DAY;
    t.not_after = w->wire.env.now + 30 * TD_DAY;
    assert_ok(td_authority_issue(&w->wire.svc, TD_PURPOSE_DEVICE, &t, &w->wire.arena, &der, NULL));
    assert_ok(td_cert_parse(der, &w->wire.arena, &cert, NULL));
    struct recording rec = {w, {.tenant = w->tenant, .purpose = "device", .subject = subject[0].value}};
    rec.row.serial = cert.serial;
    rec.row.not_after = cert.not_after;
    memcpy(rec.row.sha256, cert.sha256, 32);
    assert_ok(td_store_write(w->wire.svc.store, record, &rec, NULL));
    struct td_peer peer = {.address = "127.0.0.1", .tls = true, .cert = der};
    memcpy(peer.cert_sha256, cert.sha256, 32);
    assert_ok(td_cms_sign(w->csr, der, w->key, &w->wire.arena, &cms, NULL));
    struct td_soap answer = renew(w, cms, &peer);
    assert_fault(w, &answer, TD_FAULT_AUTHENTICATION);
}

static void what_is_not_offered(void **state)
{
    struct world *w = *state;
    struct installed i = world_enrol(w, world_join(w, NULL));
    struct td_peer peer = world_peer(&i);
    struct td_soap head = world_head(w, TD_ACTION_RST);
    struct td_rst rst = {.kind = TD_RST_RECOVERY, .csr = w->csr, .cms = true};
    struct td_soap answer = world_rst(w, &head, &rst, &peer);
    assert_fault(w, &answer, TD_FAULT_NOT_SUPPORTED);
    rst = (struct td_rst){.csr = w->csr}; /* an issue on nothing but the management certificate */
    answer = world_rst(w, &head, &rst, &peer);
    assert_fault(w, &answer, TD_FAULT_AUTHENTICATION);
}

/* The federated page */

#define APPRU "ms-app://windows.immersivecontrolpanel"
#define PAGE "/EnrollmentServer/Auth?appru=ms-app%3A%2F%2Fwindows.immersivecontrolpanel"
#define FORM "Content-Type: application/x-www-form-urlencoded"

static struct td_http_reply post_form(struct world *w, const char *form)
{
    return world_call(w, "POST", "/EnrollmentServer/Auth", FORM, td_str(form), NULL);
}

static bool holds(const struct td_http_reply *r, const char *text)
{
    return td_search(td_buf_slice(&r->body), td_str(text)) != SIZE_MAX;
}

static void the_page_asks_name_then_password(void **state)
{
    struct world *w = *state;
    struct td_http_reply r = world_call(w, "GET", PAGE, NULL, TD_S(""), NULL);
    assert_int_equal(r.status, 200);
    assert_true(td_istarts(td_str(r.content_type), "text/html; charset=utf-8"));
    assert_non_null(td_loopback_header(&r, "Content-Security-Policy"));
    assert_true(holds(&r, "name=\"username\"") && holds(&r, "value=\"" APPRU "\"") && !holds(&r, "type=\"password\""));
    r = world_call(w, "GET", PAGE "&login_hint=ada%40contoso.test", NULL, TD_S(""), NULL);
    assert_true(holds(&r, "type=\"password\"") && holds(&r, "ada@contoso.test") && holds(&r, "Contoso"));
    r = post_form(w, "appru=ms-app%3A%2F%2Fx&username=ada%40contoso.test");
    assert_true(holds(&r, "type=\"password\"") && !holds(&r, "wresult"));
    r = world_call(w, "GET", PAGE "&login_hint=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E", NULL, TD_S(""), NULL);
    assert_true(!holds(&r, "<script>alert"));
}

static void the_page_answers_apps_only(void **state)
{
    struct world *w = *state;
    static const char *const bad[] = {
        "",
        "appru=",
        "appru=https%3A%2F%2Fevil.test%2F",
        "appru=javascript%3Aalert(1)",
        "appru=ms-app%3A",
        "appru=ms-app%3A%2F%2Fx%22%20onload%3D%22y",
        "appru=ms-app%3A%2F%2Fx%00",
    };
    for (size_t i = 0; i < TD_COUNTOF(bad); i++) {
        const char *target = td_arena_printf(&w->wire.arena, "/EnrollmentServer/Auth?%s", bad[i]);
        assert_int_equal(world_call(w, "GET", target, NULL, TD_S(""), NULL).status, 400);
        const char *form =
            td_arena_printf(&w->wire.arena, "%s&username=ada%%40contoso.test&password=correct+horse", bad[i]);
        struct td_http_reply r = post_form(w, form);
        assert_int_equal(r.status, 400);
        assert_false(holds(&r, "wresult"));
    }
}

/* The value of wresult on the last page. */
static struct td_slice ticket_of(struct world *w, const struct td_http_reply *r)
{
    struct td_slice page = td_buf_slice(&r->body), mark = TD_S("name=\"wresult\" value=\""), value;
    size_t at = td_search(page, mark);
    assert_true(at != SIZE_MAX);
    (void)td_cut(td_sub(page, at + mark.n, page.n), '"', &value);
    return td_arena_copy(&w->wire.arena, value);
}

static struct td_slice sign_in(struct world *w)
{
    struct td_http_reply r = post_form(w, "appru=ms-app%3A%2F%2Fwindows.immersivecontrolpanel"
                                          "&username=ada%40contoso.test&password=correct+horse");
    assert_int_equal(r.status, 200);
    assert_true(holds(&r, "action=\"" APPRU "\""));
    return ticket_of(w, &r);
}

static struct td_soap enrol_by(struct world *w, struct td_slice ticket)
{
    struct td_soap head = world_head(w, TD_ACTION_RST);
    head.security.has_token = true;
    head.security.token_type = TD_TOKEN_TICKET;
    head.security.token = ticket;
    struct td_rst rst = {.csr = w->csr, .context = {.enrollment_type = "Full", .ux_initiated = TD_TRUE}};
    return world_rst(w, &head, &rst, NULL);
}

static void the_ticket_enrols(void **state)
{
    struct world *w = *state;
    struct td_soap answer = enrol_by(w, sign_in(w));
    struct installed i = world_install(w, &answer);
    struct td_enrolment e = world_enrolment(w, i.cert.subject_cn);
    assert_string_equal(e.user_upn, w->upn);
    assert_string_equal(e.type, "Full");
    assert_false(i.wap.system_store);
    const char *detail = "";
    assert_int_equal(world_events(w, e.way_id, "device.enrolled", &detail), 1);
    assert_non_null(strstr(detail, "\"credential\":\"ticket\""));
}

static enum td_code disable(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct world *w = ctx;
    return td_user_enable(tx, w->tenant, w->user, false, "test", err);
}

static void tickets_that_do_not_serve(void **state)
{
    struct world *w = *state;
    struct td_http_reply r = post_form(w, "appru=ms-app%3A%2F%2Fx&username=ada%40contoso.test&password=wrong");
    assert_true(!holds(&r, "wresult") && holds(&r, "role=\"alert\""));
    struct td_slice ticket = sign_in(w);
    char *foreign = NULL;
    const char *payload = td_arena_printf(&w->wire.arena, "{\"tenant\":\"%s\",\"user\":\"%s\",\"upn\":\"%s\"}",
                                          w->tenant, w->user, w->upn);
    assert_ok(td_ticket_make(&w->wire.svc, "device", payload, TD_HOUR, &w->wire.arena, &foreign, NULL));
    struct td_soap answer = enrol_by(w, td_str(foreign));
    assert_fault(w, &answer, TD_FAULT_AUTHENTICATION);
    answer = enrol_by(w, TD_S("opaque-enrol-ticket-1"));
    assert_fault(w, &answer, TD_FAULT_AUTHENTICATION);
    w->wire.env.now += 11 * TD_MINUTE;
    answer = enrol_by(w, ticket);
    assert_fault(w, &answer, TD_FAULT_AUTHENTICATION);
    ticket = sign_in(w);
    assert_ok(td_store_write(w->wire.svc.store, disable, w, NULL));
    answer = enrol_by(w, ticket);
    assert_fault(w, &answer, TD_FAULT_AUTHENTICATION);
}

/* Terms of use */

static const char *terms(struct world *w, const char *query, const struct token *t)
{
    const char *target = td_arena_printf(&w->wire.arena, "/EnrollmentServer/TermsOfUse?%s", query);
    const char *bearer =
        t != NULL ? td_arena_printf(&w->wire.arena, "Authorization: Bearer %s", world_token(w, t)) : "X-None: 1";
    struct td_http_reply r = world_call(w, "GET", target, bearer, TD_S(""), NULL);
    return r.status == 302 ? td_loopback_header(&r, "Location") : NULL;
}

#define TERMS "redirect_uri=ms-appx-web%3A%2F%2FExampleBroker%2FToUResponse&client-request-id=c-1"

static void terms_are_accepted_at_once(void **state)
{
    struct world *w = *state;
    const char *to = terms(w, TERMS "&api-version=1.0&mode=azureadjoin", &(struct token){0});
    assert_non_null(to);
    assert_true(td_starts(td_str(to), "ms-appx-web://ExampleBroker/ToUResponse?IsAccepted=true&OpaqueBlob="));
    assert_true(td_ends(td_str(to), "&client-request-id=c-1"));
    to = terms(w, TERMS "&api-version=2.0", &(struct token){0});
    assert_non_null(strstr(to, "?error=invalid_request&error_description="));
    to = terms(w, TERMS "&api-version=1.0", NULL);
    assert_non_null(strstr(to, "?error=unauthorized_client&error_description="));
    to = terms(w, TERMS "&api-version=1.0", &(struct token){.aud = WORLD_GRAPH});
    assert_non_null(strstr(to, "?error=unauthorized_client"));
    assert_null(terms(w, "redirect_uri=https%3A%2F%2Fevil.test&api-version=1.0", &(struct token){0}));
    assert_null(terms(w, "api-version=1.0", &(struct token){0}));
}

/* The endpoint list */

static struct td_http_reply graph(struct world *w, const char *method, const char *target, const struct token *t)
{
    const char *bearer =
        t != NULL ? td_arena_printf(&w->wire.arena, "Authorization: Bearer %s", world_token(w, t)) : "X-None: 1";
    return world_call(w, method, target, bearer, TD_S(""), NULL);
}

static void endpoints_in_every_form(void **state)
{
    struct world *w = *state;
    static const char *const forms[] = {
        "/v1.0/servicePrincipals/appId=0000000a-0000-0000-c000-000000000000/endpoints",
        "/v1.0/myorganization/servicePrincipals/appId=0000000a-0000-0000-c000-000000000000/endpoints?api-version=1",
        "/beta/servicePrincipals/appId=0000000a-0000-0000-c000-000000000000/endpoints",
        "/myorganization/servicePrincipals/appId=0000000a-0000-0000-c000-000000000000/endpoints",
        "/v1.0/servicePrincipals(appId='0000000a-0000-0000-c000-000000000000')/endpoints",
        "/v1.0/servicePrincipals/appId='0000000a-0000-0000-c000-000000000000'/endpoints/",
        "/V1.0/serviceprincipals/appid%3D0000000A-0000-0000-C000-000000000000/ENDPOINTS",
    };
    for (size_t i = 0; i < TD_COUNTOF(forms); i++) {
        struct td_http_reply r = graph(w, "GET", forms[i], &(struct token){.aud = WORLD_GRAPH});
        struct td_json *list;
        assert_int_equal(r.status, 200);
        assert_ok(td_json_parse(td_buf_slice(&r.body), 1 << 16, &w->wire.arena, &list, NULL));
        const struct td_json *first = td_json_get(list, "value")->child;
        assert_string_equal(td_json_str(first, "providerName"), "WindowsEnrollment");
        assert_string_equal(td_json_str(first, "uri"), "https://localhost:8443/EnrollmentServer/Enrollment.svc");
    }
    struct td_http_reply r = graph(w, "GET", forms[0], NULL);
    assert_int_equal(r.status, 401);
    assert_true(holds(&r, "{\"error\":{\"code\":\"InvalidAuthenticationToken\""));
    assert_non_null(td_loopback_header(&r, "WWW-Authenticate"));
    assert_int_equal(graph(w, "GET", forms[0], &(struct token){0}).status, 401); /* a token for management */
}

static void the_rest_of_graph_is_not_offered(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *method, *target;
        int status;
    } cases[] = {
        {"GET", "/v1.0/drives", 501},
        {"GET", "/beta/deviceManagement/termsAndConditions", 501},
        {"POST", "/v1.0/servicePrincipals", 501},
        {"GET", "/v1.0/nonsense", 400},
        {"GET", "/v1.0/servicePrincipals//endpoints", 404},
        {"GET", "/v1.0/servicePrincipals/appId=00000003-0000-0000-c000-000000000000/endpoints", 404},
    };
    for (size_t i = 0; i < TD_COUNTOF(cases); i++) {
        struct td_http_reply r = graph(w, cases[i].method, cases[i].target, &(struct token){.aud = WORLD_GRAPH});
        if (r.status != cases[i].status)
            fail_msg("%s %s: %d %.*s", cases[i].method, cases[i].target, r.status, TD_FMT(td_buf_slice(&r.body)));
        assert_true(holds(&r, "{\"error\":{\"code\":\"") &&
                    holds(&r, "\"innerError\":{\"date\":\"2030-01-02T03:04:05\""));
    }
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(renews_in_its_window),          TEST(renewal_proves_its_certificate),
        TEST(ended_enrolments_do_not_renew), TEST(other_purposes_open_nothing),
        TEST(what_is_not_offered),           TEST(the_page_asks_name_then_password),
        TEST(the_page_answers_apps_only),    TEST(the_ticket_enrols),
        TEST(tickets_that_do_not_serve),     TEST(terms_are_accepted_at_once),
        TEST(endpoints_in_every_form),       TEST(the_rest_of_graph_is_not_offered),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
