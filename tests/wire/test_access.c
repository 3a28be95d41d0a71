/* Tokens for callers of the administration interface: which names stand in them, and that rights are those of the
 * moment, not those of the token (graph-api.md 2.7, 2.8). */
#include "api/access.h"
#include "api/identity.h"
#include "base/encode.h"
#include "crypto/digest.h"
#include "store/application.h"
#include "wire/identity_check.h"

static struct td_door door;

static enum td_code allow_password(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    return td_tenant_set(tx, w.tenant.id, "password-grant", "on", "test", err);
}

static int setup(void **state TD_UNUSED)
{
    door = (struct td_door){td_identity_routes, td_identity_route_count, &w.svc};
    wire_open(&w, &door, 1);
    assert_ok(td_store_write(w.svc.store, allow_password, NULL, NULL));
    return 0;
}

static int teardown(void **state TD_UNUSED)
{
    wire_close(&w);
    return 0;
}

/* scope as it stands in a form. */
static const struct td_json *token_for(const char *scope)
{
    struct wire_reply r = wire_form(&w, "/contoso.test/oauth2/v2.0/token",
                                    td_arena_printf(&w.arena,
                                                    "grant_type=password&client_id=" TOOL
                                                    "&username=ada%%40contoso.test&password=correct+horse&scope=%s",
                                                    scope));
    if (r.status != 200)
        fail_msg("%s: %d %s", scope, r.status, r.body);
    return wire_json(&w, r.body);
}

static const char *scp_of(const struct td_json *reply)
{
    return td_json_str(claims_of(td_json_str(reply, "access_token")), "scp");
}

/* The community script hands its scopes over as one string, with commas and blanks. */
static void one_string_with_commas(void **state TD_UNUSED)
{
    const struct td_json *v = token_for("Device.ReadWrite.All,+DeviceManagementManagedDevices.ReadWrite.All%2C"
                                        "DeviceManagementServiceConfig.ReadWrite.All++openid+profile,offline_access");
    assert_string_equal(scp_of(v), "Device.ReadWrite.All DeviceManagementManagedDevices.ReadWrite.All"
                                   " DeviceManagementServiceConfig.ReadWrite.All");
    assert_string_equal(td_json_str(v, "scope"),
                        "Device.ReadWrite.All DeviceManagementManagedDevices.ReadWrite.All"
                        " DeviceManagementServiceConfig.ReadWrite.All openid profile offline_access");
    assert_non_null(td_json_str(v, "refresh_token"));
    assert_non_null(td_json_str(v, "id_token"));
}

static void names_in_any_dress(void **state TD_UNUSED)
{
    const struct td_json *v = token_for("https%3A%2F%2Fgraph.microsoft.com%2Fgroup.readwrite.all");
    assert_string_equal(scp_of(v), "Group.ReadWrite.All");
    assert_string_equal(td_json_str(v, "scope"), "https://graph.microsoft.com/group.readwrite.all");
    v = token_for("Policy.Read.All"); /* not known here: harmless, told back */
    assert_string_equal(scp_of(v), "Policy.Read.All");
    v = token_for("openid+profile");
    assert_string_equal(scp_of(v), "User.Read");
}

static bool names_all(const char *list)
{
    const char *const *names = td_scope_names(&w.arena);
    for (; *names != NULL; names++)
        if (strstr(list, *names) == NULL)
            return false;
    return true;
}

/* .default is every permission there is: what the person may do with it is asked at every request. */
static void default_is_everything(void **state TD_UNUSED)
{
    const struct td_json *v = token_for("https%3A%2F%2Fgraph.microsoft.com%2F.default+offline_access");
    assert_true(names_all(scp_of(v)));
    assert_true(names_all(td_json_str(v, "scope")));
    assert_non_null(strstr(td_json_str(v, "scope"), " https://graph.microsoft.com/.default offline_access"));
    v = token_for("https%3A%2F%2Flocalhost%3A8443%2F.default"); /* our own name is Graph and management at once */
    assert_true(names_all(scp_of(v)));
    assert_int_equal(strncmp(scp_of(v), "mdm_delegation ", 15), 0);
    v = token_for("https%3A%2F%2Fenrollment.manage.microsoft.com%2F%2F.default");
    assert_string_equal(scp_of(v), "mdm_delegation");
    v = token_for("urn%3Ams-drs%3Aenterpriseregistration.windows.net%2F.default");
    assert_string_equal(scp_of(v), "user_impersonation");
    const char *form = "grant_type=password&client_id=" TOOL "&username=ada%40contoso.test&password=correct+horse"
                       "&resource=https%3A%2F%2Fgraph.microsoft.com%2F";
    struct wire_reply r = wire_form(&w, "/contoso.test/oauth2/token", form);
    assert_true(names_all(scp_of(wire_json(&w, r.body))));
}

static void scopes_are_bounded(void **state TD_UNUSED)
{
    char text[6000];
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    struct wire_reply r = wire_form(&w, "/contoso.test/oauth2/v2.0/token",
                                    td_arena_printf(&w.arena,
                                                    "grant_type=password&client_id=" TOOL
                                                    "&username=ada%%40contoso.test&password=correct+horse&scope=%s",
                                                    text));
    assert_oauth_error(&r, 400, "invalid_scope", 70011);
}

static enum td_code give_role(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_user_role_add(tx, w.tenant.id, w.ada.id, ctx, "test", err);
}

static enum td_code take_role(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_user_role_remove(tx, w.tenant.id, w.ada.id, ctx, "test", err);
}

static enum td_code access_of(const char *jwt, enum td_right right, enum td_access access)
{
    struct td_claims who = {0};
    enum td_code rc = check_token(jwt, TD_RESOURCE_GRAPH, &who);
    return rc == TD_OK ? td_access_check(&who, right, access, NULL) : rc;
}

/* A token that was given out long ago does what its person may do now. */
static void roles_hold_at_once(void **state TD_UNUSED)
{
    const char *jwt = td_json_str(token_for("https%3A%2F%2Fgraph.microsoft.com%2F.default"), "access_token");
    assert_int_equal(access_of(jwt, TD_RIGHT_PROFILE, TD_ACCESS_READ), TD_EDENIED);
    assert_ok(td_store_write(w.svc.store, give_role, "Policy and Profile Manager", NULL));
    assert_int_equal(access_of(jwt, TD_RIGHT_PROFILE, TD_ACCESS_WRITE), TD_OK);
    assert_int_equal(access_of(jwt, TD_RIGHT_WIPE, TD_ACCESS_WRITE), TD_EDENIED);
    assert_ok(td_store_write(w.svc.store, take_role, "Policy and Profile Manager", NULL));
    assert_int_equal(access_of(jwt, TD_RIGHT_PROFILE, TD_ACCESS_READ), TD_EDENIED);
    assert_ok(td_store_write(w.svc.store, give_role, "Global Administrator", NULL));
    const char *narrow = td_json_str(token_for("Group.Read.All"), "access_token");
    assert_int_equal(access_of(narrow, TD_RIGHT_GROUP, TD_ACCESS_READ), TD_OK);
    assert_int_equal(access_of(narrow, TD_RIGHT_GROUP, TD_ACCESS_WRITE), TD_EDENIED);
    assert_int_equal(access_of(narrow, TD_RIGHT_PROFILE, TD_ACCESS_READ), TD_EDENIED);
}

static enum td_code drop_ada(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    return td_user_remove(tx, w.tenant.id, w.ada.id, "test", err);
}

static void who_is_gone_is_nobody(void **state TD_UNUSED)
{
    const struct td_json *v = token_for("User.Read+offline_access");
    const char *jwt = td_json_str(v, "access_token");
    assert_int_equal(access_of(jwt, TD_RIGHT_SIGNED_IN, TD_ACCESS_READ), TD_OK);
    assert_ok(td_store_write(w.svc.store, drop_ada, NULL, NULL));
    assert_int_equal(access_of(jwt, TD_RIGHT_SIGNED_IN, TD_ACCESS_READ), TD_EAUTH);
    struct wire_reply r =
        wire_form(&w, "/contoso.test/oauth2/v2.0/token",
                  td_arena_printf(&w.arena, "grant_type=refresh_token&client_id=" TOOL "&refresh_token=%s",
                                  td_json_str(v, "refresh_token")));
    assert_oauth_error(&r, 400, "invalid_grant", 700082);
}

static enum td_code add_app(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_application *app = ctx;
    unsigned char sum[32];
    td_sha256(TD_S("s"), sum);
    td_try(td_application_add(tx, w.tenant.id, "Import", false, "test", &w.arena, app, err));
    td_try(td_application_role_add(tx, app, "DeviceManagementServiceConfig.ReadWrite.All", "test", err));
    return td_application_secret_add(tx, app, sum, td_tx_now(tx) + TD_DAY, "test", err);
}

static enum td_code take_app_role(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_application_role_remove(tx, ctx, "DeviceManagementServiceConfig.ReadWrite.All", "test", err);
}

static enum td_code disable_app(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_application_enable(tx, ctx, false, "test", err);
}

static enum td_code enable_app(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_application_enable(tx, ctx, true, "test", err);
}

static enum td_code drop_app(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_application_remove(tx, ctx, "test", err);
}

static struct wire_reply app_token(const struct td_application *app)
{
    return wire_form(&w, "/contoso.test/oauth2/v2.0/token",
                     td_arena_printf(&w.arena,
                                     "grant_type=client_credentials&client_id=%s&client_secret=s"
                                     "&scope=https%%3A%%2F%%2Fgraph.microsoft.com%%2F.default",
                                     app->id));
}

/* The same for applications: a role taken, the application disabled or removed. */
static void applications_of_the_moment(void **state TD_UNUSED)
{
    struct td_application app;
    assert_ok(td_store_write(w.svc.store, add_app, &app, NULL));
    struct wire_reply r = app_token(&app);
    const char *jwt = td_json_str(wire_json(&w, r.body), "access_token");
    assert_int_equal(access_of(jwt, TD_RIGHT_REGISTER, TD_ACCESS_WRITE), TD_OK);
    assert_int_equal(access_of(jwt, TD_RIGHT_GROUP, TD_ACCESS_READ), TD_EDENIED);
    assert_ok(td_store_write(w.svc.store, take_app_role, &app, NULL));
    assert_int_equal(access_of(jwt, TD_RIGHT_REGISTER, TD_ACCESS_WRITE), TD_EDENIED);
    assert_ok(td_store_write(w.svc.store, disable_app, &app, NULL));
    assert_int_equal(access_of(jwt, TD_RIGHT_SIGNED_IN, TD_ACCESS_READ), TD_EAUTH);
    r = app_token(&app);
    assert_oauth_error(&r, 400, "unauthorized_client", 700016);
    assert_ok(td_store_write(w.svc.store, enable_app, &app, NULL));
    assert_int_equal(app_token(&app).status, 200);
    assert_ok(td_store_write(w.svc.store, drop_app, &app, NULL));
    assert_int_equal(access_of(jwt, TD_RIGHT_SIGNED_IN, TD_ACCESS_READ), TD_EAUTH);
    r = app_token(&app);
    assert_oauth_error(&r, 400, "unauthorized_client", 700016);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(one_string_with_commas), T(names_in_any_dress),    T(default_is_everything),      T(scopes_are_bounded),
        T(roles_hold_at_once),     T(who_is_gone_is_nobody), T(applications_of_the_moment),
    };
    return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
