/* What clients read before they sign in: the equality rules of clients.md 7 and join-and-tokens.md 10.2. */
#include "api/identity.h"
#include "wire/wire.h"

static struct wire w;
static struct td_door door;

static int setup(void **state TD_UNUSED)
{
    door = (struct td_door){td_identity_routes, td_identity_route_count, &w.svc};
    wire_open(&w, &door, 1);
    return 0;
}

static int teardown(void **state TD_UNUSED)
{
    wire_close(&w);
    return 0;
}

static const struct td_json *document(const char *prefix, const char *host)
{
    const char *headers[] = {td_arena_printf(&w.arena, "Host: %s", host), NULL};
    struct wire_reply r =
        wire_do(&w, "GET", td_arena_printf(&w.arena, "%s/.well-known/openid-configuration", prefix), headers, "", NULL);
    if (r.status != 200)
        fail_msg("%s: %d %s", prefix, r.status, r.body);
    assert_int_equal(strncmp(r.body, "{\"", 2), 0);
    return wire_json(&w, r.body);
}

/* issuer is the exact prefix, on the caller's host; {id} stands for the tenant's id in the rows. */
static void issuer_and_endpoints(void **state TD_UNUSED)
{
    static const struct {
        const char *prefix, *issuer, *token;
    } rows[] = {
        {"", "", "/oauth2/v2.0/token"},
        {"/{id}", "/{id}", "/{id}/oauth2/token"},
        {"/contoso.test", "/contoso.test", "/{id}/oauth2/token"},
        {"/Contoso.Test", "/contoso.test", "/{id}/oauth2/token"},
        {"/{id}/v2.0", "/{id}/v2.0", "/{id}/oauth2/v2.0/token"},
        {"/contoso.test/v2.0", "/contoso.test/v2.0", "/{id}/oauth2/v2.0/token"},
        {"/common", "/common", "/common/oauth2/token"},
        {"/common/v2.0", "/common/v2.0", "/common/oauth2/v2.0/token"},
        {"/organizations", "/organizations", "/organizations/oauth2/token"},
        {"/organizations/v2.0", "/organizations/v2.0", "/organizations/oauth2/v2.0/token"},
        {"/adfs", "/adfs", "/common/oauth2/token"},
    };
    static const char *const hosts[] = {"localhost:8443", "mdm.contoso.test:8443"};
    for (size_t h = 0; h < TD_COUNTOF(hosts); h++) {
        for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
            const char *texts[3] = {rows[i].prefix, rows[i].issuer, rows[i].token};
            for (size_t k = 0; k < 3; k++) {
                const char *mark = strstr(texts[k], "{id}");
                if (mark != NULL)
                    texts[k] =
                        td_arena_printf(&w.arena, "%.*s%s%s", (int)(mark - texts[k]), texts[k], w.tenant.id, mark + 4);
            }
            const struct td_json *v = document(texts[0], hosts[h]);
            const char *base = td_arena_printf(&w.arena, "https://%s", hosts[h]);
            assert_string_equal(td_json_str(v, "issuer"), td_arena_printf(&w.arena, "%s%s", base, texts[1]));
            assert_string_equal(td_json_str(v, "token_endpoint"), td_arena_printf(&w.arena, "%s%s", base, texts[2]));
            /* a client makes the device endpoint by replacing the last part of the token endpoint */
            char *device = td_arena_strdup(&w.arena, td_json_str(v, "token_endpoint"));
            device[strlen(device) - 5] = '\0';
            assert_string_equal(td_json_str(v, "device_authorization_endpoint"),
                                td_arena_printf(&w.arena, "%sdevicecode", device));
        }
    }
}

static void fields(void **state TD_UNUSED)
{
    static const char *const texts[] = {"authorization_endpoint", "jwks_uri", "end_session_endpoint",
                                        "userinfo_endpoint"};
    static const struct {
        const char *list, *has;
    } lists[] = {
        {"response_types_supported", "code"},
        {"response_modes_supported", "form_post"},
        {"response_modes_supported", "query"},
        {"response_modes_supported", "fragment"},
        {"subject_types_supported", "pairwise"},
        {"id_token_signing_alg_values_supported", "RS256"},
        {"token_endpoint_auth_methods_supported", "client_secret_post"},
        {"token_endpoint_auth_methods_supported", "client_secret_basic"},
        {"token_endpoint_auth_methods_supported", "private_key_jwt"},
        {"scopes_supported", "offline_access"},
        {"claims_supported", "preferred_username"},
        {"code_challenge_methods_supported", "S256"},
        {"capabilities", "kdf_ver2"},
    };
    const struct td_json *v = document("/contoso.test/v2.0", "localhost:8443");
    for (size_t i = 0; i < TD_COUNTOF(texts); i++)
        assert_int_equal(strncmp(td_json_str(v, texts[i]), WIRE_BASE "/", sizeof(WIRE_BASE)), 0);
    for (size_t i = 0; i < TD_COUNTOF(lists); i++) {
        bool found = false;
        const struct td_json *e = td_json_get(v, lists[i].list);
        for (e = e != NULL ? e->child : NULL; e != NULL; e = e->next)
            found = found || strcmp(e->str, lists[i].has) == 0;
        if (!found)
            fail_msg("%s lacks %s", lists[i].list, lists[i].has);
    }
    struct wire_reply r = wire_get(&w, td_json_str(v, "jwks_uri") + sizeof(WIRE_BASE) - 1);
    assert_int_equal(r.status, 200);
    assert_int_equal(td_json_count(td_json_get(wire_json(&w, r.body), "keys")), 1);
}

static void unknown_tenant(void **state TD_UNUSED)
{
    struct wire_reply r = wire_get(&w, "/nobody.test/v2.0/.well-known/openid-configuration");
    assert_int_equal(r.status, 400);
    const struct td_json *v = wire_json(&w, r.body);
    assert_string_equal(td_json_str(v, "error"), "invalid_request");
    assert_int_equal(td_json_get(v, "error_codes")->child->num, 90002);
}

static void instance(void **state TD_UNUSED)
{
    struct wire_reply r =
        wire_get(&w, "/common/discovery/instance?api-version=1.1&authorization_endpoint=https%3A%2F%2Fx%2F");
    assert_int_equal(r.status, 200);
    const struct td_json *v = wire_json(&w, r.body), *m = td_json_get(v, "metadata")->child;
    assert_string_equal(td_json_str(m, "preferred_network"), "localhost:8443");
    assert_string_equal(td_json_str(m, "preferred_cache"), "localhost:8443");
    assert_string_equal(td_json_get(m, "aliases")->child->str, "localhost:8443");
    assert_string_equal(td_json_str(v, "api-version"), "1.1");
    assert_int_equal(strncmp(td_json_str(v, "tenant_discovery_endpoint"), WIRE_BASE "/", sizeof(WIRE_BASE)), 0);
}

static void realm(void **state TD_UNUSED)
{
    static const char *const asks[] = {"/common/userrealm/ada@contoso.test?api-version=1.0",
                                       "/common/userrealm/nobody%40contoso.test?api-version=1.0",
                                       "/Common/UserRealm?user=ada%40contoso.test&api-version=2.1"};
    for (size_t i = 0; i < TD_COUNTOF(asks); i++) {
        struct wire_reply r = wire_get(&w, asks[i]);
        assert_int_equal(r.status, 200);
        const struct td_json *v = wire_json(&w, r.body);
        assert_string_equal(td_json_str(v, "NameSpaceType"), "Managed");
        assert_string_equal(td_json_str(v, "account_type"), "Managed");
        assert_string_equal(td_json_str(v, "DomainName"), "contoso.test");
        assert_string_equal(td_json_str(v, "FederationBrandName"), "Contoso");
    }
    struct wire_reply r = wire_get(&w, "/common/userrealm/x@elsewhere.test");
    assert_string_equal(td_json_str(wire_json(&w, r.body), "NameSpaceType"), "Unknown");
    r = wire_get(&w, "/common/userrealm/noname");
    assert_int_equal(r.status, 400);
}

static void requests_that_ask_for_nothing(void **state TD_UNUSED)
{
    static const struct {
        const char *body, *error;
    } rows[] = {
        {"", "invalid_request"},
        {"grant_type=", "invalid_request"},
        {"grant_type=implicit", "unsupported_grant_type"},
        {"grant_type=authorization_code", "invalid_request"},
        {"grant_type=refresh_token", "invalid_request"},
        {"grant_type=urn:ietf:params:oauth:grant-type:device_code", "invalid_request"},
        {"grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer", "invalid_request"},
        {"grant_type=client_credentials", "invalid_request"},
        {"grant_type=%ff%fe", "invalid_request"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct wire_reply r = wire_form(&w, "/contoso.test/oauth2/token", rows[i].body);
        assert_int_equal(r.status, 400);
        assert_string_equal(td_json_str(wire_json(&w, r.body), "error"), rows[i].error);
    }
    struct wire_reply r = wire_get(&w, "/contoso.test/oauth2/token");
    assert_int_equal(r.status, 405);
    r = wire_get(&w, "/contoso.test/oauth2/v2.0/logout?post_logout_redirect_uri=https%3A%2F%2Fevil.test%2F");
    assert_int_equal(r.status, 200);
    assert_null(td_loopback_header(&r.raw, "Location"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(issuer_and_endpoints),
        cmocka_unit_test(fields),
        cmocka_unit_test(unknown_tenant),
        cmocka_unit_test(instance),
        cmocka_unit_test(realm),
        cmocka_unit_test(requests_that_ask_for_nothing),
    };
    return cmocka_run_group_tests_name("identity_discovery", tests, setup, teardown);
}
