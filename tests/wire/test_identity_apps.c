/* Applications that act for themselves: by secret, by a certificate's key, and every refusal (clients.md 2). */
#include "api/identity.h"
#include "base/encode.h"
#include "crypto/digest.h"
#include "store/application.h"
#include "wire/identity_check.h"

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

struct new_app {
    struct td_application app;
    const char *secret;
};

static enum td_code add_app(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct new_app *n = ctx;
    unsigned char sum[32];
    td_sha256(td_str(n->secret), sum);
    td_try(td_application_add(tx, w.tenant.id, "Reports", false, "test", &w.arena, &n->app, err));
    td_try(td_application_role_add(tx, &n->app, "Device.Read.All", "test", err));
    td_try(td_application_redirect_add(tx, &n->app, "https://reports.contoso.test/back", "test", err));
    return td_application_secret_add(tx, &n->app, sum, td_tx_now(tx) + TD_DAY, "test", err);
}

static void client_credentials(void **state TD_UNUSED)
{
    struct td_claims got;
    struct new_app n = {.secret = "s3cret/+:of the app"};
    assert_ok(td_store_write(w.svc.store, add_app, &n, NULL));
    const char *form = td_arena_printf(&w.arena,
                                       "grant_type=client_credentials&client_id=%s"
                                       "&scope=https%%3A%%2F%%2Flocalhost%%3A8443%%2F.default&client_secret=",
                                       n.app.id);
    struct wire_reply r = wire_form(&w, "/contoso.test/oauth2/v2.0/token",
                                    td_arena_printf(&w.arena, "%ss3cret%%2F%%2B%%3Aof+the+app", form));
    assert_int_equal(r.status, 200);
    const struct td_json *v = wire_json(&w, r.body), *c = claims_of(td_json_str(v, "access_token"));
    assert_null(td_json_get(v, "refresh_token"));
    /* what it was given and what it asked for, not all that .default would open to a person */
    assert_string_equal(td_json_str(v, "scope"), "Device.Read.All https://localhost:8443/.default");
    assert_null(td_json_get(v, "id_token"));
    assert_string_equal(td_json_str(c, "idtyp"), "app");
    assert_string_equal(td_json_str(c, "aud"), "https://localhost:8443");
    assert_string_equal(td_json_get(c, "roles")->child->str, "Device.Read.All");
    assert_null(td_json_get(c, "upn"));
    assert_int_equal(check_token(td_json_str(v, "access_token"), TD_RESOURCE_GRAPH, &got), TD_OK);
    assert_string_equal(got.roles[0], "Device.Read.All");
    assert_int_equal(check_token(td_json_str(v, "access_token"), TD_RESOURCE_DIRECTORY_JOIN, NULL), TD_EAUTH);
    /* by Basic, both parts percent-encoded */
    const char *basic =
        td_b64(&w.arena, td_str(td_arena_printf(&w.arena, "%s:s3cret%%2F%%2B%%3Aof+the+app", n.app.id)));
    const char *headers[] = {td_arena_printf(&w.arena, "Authorization: Basic %s", basic), NULL};
    r = wire_do(&w, "POST", td_arena_printf(&w.arena, "/%s/oauth2/v2.0/token", w.tenant.id), headers,
                "grant_type=client_credentials&scope=https://graph.microsoft.com/.default", NULL);
    assert_int_equal(r.status, 200);
    r = wire_form(&w, "/contoso.test/oauth2/v2.0/token", td_arena_printf(&w.arena, "%swrong", form));
    assert_oauth_error(&r, 401, "invalid_client", 7000215);
    r = wire_form(&w, "/contoso.test/oauth2/v2.0/token", form);
    assert_oauth_error(&r, 401, "invalid_client", 7000218);
    r = wire_form(&w, "/fabrikam.test/oauth2/v2.0/token", td_arena_printf(&w.arena, "%swrong", form));
    assert_oauth_error(&r, 400, "unauthorized_client", 700016);
    r = wire_form(&w, "/common/oauth2/v2.0/token", form);
    assert_oauth_error(&r, 400, "invalid_request", 90133);
    r = wire_form(&w, "/contoso.test/oauth2/v2.0/token", "grant_type=client_credentials&client_id=" TOOL);
    assert_oauth_error(&r, 400, "unauthorized_client", 700025);
    w.env.now += 2 * TD_DAY;
    r = wire_form(&w, "/contoso.test/oauth2/v2.0/token",
                  td_arena_printf(&w.arena, "%ss3cret%%2F%%2B%%3Aof+the+app", form));
    assert_oauth_error(&r, 401, "invalid_client", 7000222);
}

static enum td_code add_key(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_application_key_add(tx, ctx, "test", err);
}

static struct wire_reply assert_client(const struct td_key *key, bool ps, const char *header, const char *id,
                                       const char *aud, int64_t life)
{
    char *jws = NULL;
    struct td_error err = {0};
    const char *payload = td_arena_printf(
        &w.arena, "{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":\"%s\",\"jti\":\"1\",\"nbf\":%lld,\"exp\":%lld}", id, id, aud,
        (long long)(w.env.now / TD_SECOND), (long long)(w.env.now / TD_SECOND + life));
    wire_ok(td_jws_sign(key, ps ? TD_PS256 : TD_RS256, td_str(header), td_str(payload), &w.arena, &jws, &err), &err,
            "jws");
    return wire_form(&w, "/contoso.test/oauth2/v2.0/token",
                     td_arena_printf(&w.arena,
                                     "grant_type=client_credentials&scope=https://graph.microsoft.com/.default"
                                     "&client_id=%s&client_assertion=%s&client_assertion_type="
                                     "urn%%3Aietf%%3Aparams%%3Aoauth%%3Aclient-assertion-type%%3Ajwt-bearer",
                                     id, jws));
}

static void client_assertion(void **state TD_UNUSED)
{
    struct new_app n = {.secret = "unused"}, other = n;
    struct td_key *key = NULL, *foreign = NULL;
    struct td_application_key row = {.thumb = {1, 2, 3}, .thumb1 = {4, 5}, .not_after = WIRE_NOW + TD_DAY};
    assert_ok(td_store_write(w.svc.store, add_app, &n, NULL));
    assert_ok(td_store_write(w.svc.store, add_app, &other, NULL));
    assert_ok(td_key_generate(TD_KEY_RSA, &key, NULL));
    assert_ok(td_key_generate(TD_KEY_RSA, &foreign, NULL));
    assert_ok(td_key_public_der(key, &w.arena, &row.spki));
    row.tenant = w.tenant.id;
    row.application = n.app.id;
    assert_ok(td_store_write(w.svc.store, add_key, &row, NULL));
    const char *rs = td_arena_printf(&w.arena, "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"x5t\":\"%s\"}",
                                     td_b64url(&w.arena, td_bytes(row.thumb1, sizeof(row.thumb1))));
    const char *ps = td_arena_printf(&w.arena, "{\"alg\":\"PS256\",\"x5t#S256\":\"%s\"}",
                                     td_b64url(&w.arena, td_bytes(row.thumb, sizeof(row.thumb))));
    const char *id = n.app.id, *aud = WIRE_BASE "/contoso.test/oauth2/v2.0/token";
    struct wire_reply r = assert_client(key, false, rs, id, aud, 600);
    assert_int_equal(r.status, 200);
    r = assert_client(key, true, ps, id, aud, 600);
    assert_int_equal(r.status, 200);
    r = assert_client(foreign, false, rs, id, aud, 600);
    assert_oauth_error(&r, 400, "invalid_client", 700027);
    r = assert_client(key, false, rs, id, "https://login.elsewhere.test/contoso.test/oauth2/v2.0/token", 600);
    assert_oauth_error(&r, 400, "invalid_client", 700027);
    r = assert_client(key, false, rs, id, aud, -600);
    assert_oauth_error(&r, 400, "invalid_client", 700027);
    r = assert_client(key, false, rs, id, aud, 3 * 86400);
    assert_oauth_error(&r, 400, "invalid_client", 700027);
    r = assert_client(key, false, rs, other.app.id, aud, 600);
    assert_oauth_error(&r, 400, "invalid_client", 700027);
    r = assert_client(key, false, "{\"alg\":\"RS256\"}", id, aud, 600);
    assert_oauth_error(&r, 400, "invalid_client", 700027);
    w.env.now += 2 * TD_DAY; /* the certificate has ended */
    r = assert_client(key, false, rs, id, aud, 600);
    assert_oauth_error(&r, 400, "invalid_client", 700027);
    td_key_free(key);
    td_key_free(foreign);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {T(client_credentials), T(client_assertion)};
    return cmocka_run_group_tests_name("identity_apps", tests, NULL, NULL);
}
