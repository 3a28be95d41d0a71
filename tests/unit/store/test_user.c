/* Users, roles, the guard, applications and their addresses, grants: what the store says and refuses. */
#include "codec/json.h"
#include "store/application.h"
#include "store/event.h"
#include "store/grant.h"
#include "store/tenant.h"
#include "store/user.h"
#include "unit/store/folder.h"

#include <stdlib.h>
#include <unistd.h>

struct box {
    char dir[FOLDER_NAME];
    struct td_env_fixed env;
    struct td_store *store;
    struct td_arena arena;
    struct td_tenant ours, theirs;
    struct td_error err;
};

static struct box b;

static enum td_code make_tenants(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    td_try(td_tenant_add(tx, "contoso.test", "Contoso", &b.arena, &b.ours, err));
    return td_tenant_add(tx, "fabrikam.test", "Fabrikam", &b.arena, &b.theirs, err);
}

static int setup(void **state TD_UNUSED)
{
    memset(&b, 0, sizeof(b));
    b.store = folder_store(b.dir, &b.env);
    td_arena_init(&b.arena);
    assert_ok(td_store_write(b.store, make_tenants, NULL, &b.err));
    return 0;
}

static int teardown(void **state TD_UNUSED)
{
    folder_gone(b.dir, b.store);
    td_arena_done(&b.arena);
    return 0;
}

static void names(void **state TD_UNUSED)
{
    static const char *const good[] = {"ada@contoso.test", "A.B-c_d+e'f@x.y.test"};
    static const char *const bad[] = {"",           "ada",        "@contoso.test", "ada@",       "ada@contoso",
                                      "a b@c.test", "a@b@c.test", "a\n@c.test",    "<a>@c.test", "a\"@c.test"};
    for (size_t i = 0; i < TD_COUNTOF(good); i++)
        assert_ok(td_upn_check(td_str(good[i]), NULL));
    for (size_t i = 0; i < TD_COUNTOF(bad); i++)
        if (td_upn_check(td_str(bad[i]), &b.err) != TD_EINVAL)
            fail_msg("\"%s\" was taken", bad[i]);
    char longest[300];
    memset(longest, 'a', sizeof(longest));
    memcpy(longest + 250, "@c.test", 8);
    assert_int_equal(td_upn_check(td_str(longest), NULL), TD_EINVAL);
}

static enum td_code users_fn(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    struct td_user u, v;
    assert_ok(td_user_add(tx, b.ours.id, "Ada@Contoso.test", NULL, "phc", "t", &b.arena, &u, err));
    assert_string_equal(u.name, "Ada");
    assert_int_equal(td_user_add(tx, b.ours.id, "ada@contoso.TEST", NULL, "phc", "t", &b.arena, &v, err), TD_EEXISTS);
    assert_int_equal(td_user_add(tx, b.ours.id, "ada@fabrikam.test", NULL, "phc", "t", &b.arena, &v, err), TD_EINVAL);
    assert_int_equal(td_user_add(tx, b.ours.id, "ada@nowhere.test", NULL, "phc", "t", &b.arena, &v, err), TD_EINVAL);
    assert_ok(td_user_find(tx, b.ours.id, td_str("ADA@contoso.test"), &b.arena, &v, err));
    assert_string_equal(v.id, u.id);
    assert_ok(td_user_find(tx, b.ours.id, td_str(u.id), &b.arena, &v, err));
    /* the other tenant sees nothing of it */
    assert_int_equal(td_user_find(tx, b.theirs.id, td_str(u.id), &b.arena, &v, err), TD_ENOTFOUND);
    assert_int_equal(td_user_enable(tx, b.theirs.id, u.id, false, "t", err), TD_ENOTFOUND);
    assert_int_equal(td_user_by_upn(tx, td_str("bob@contoso.test"), &b.arena, &v, err), TD_ENOTFOUND);
    assert_string_equal(v.tenant, b.ours.id);
    assert_int_equal(td_user_by_upn(tx, td_str("bob@nowhere.test"), &b.arena, &v, err), TD_ENOTFOUND);
    assert_null(v.tenant);
    return TD_OK;
}

static void users(void **state TD_UNUSED)
{
    assert_ok(td_store_write(b.store, users_fn, NULL, &b.err));
}

static enum td_code roles_fn(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    struct td_user u;
    const char *const *roles = NULL;
    assert_ok(td_user_add(tx, b.ours.id, "ada@contoso.test", "Ada", "phc", "t", &b.arena, &u, err));
    assert_ok(td_user_role_add(tx, b.ours.id, u.id, "intune-administrator", "t", err));
    assert_ok(td_user_role_add(tx, b.ours.id, u.id, "Intune Administrator", "t", err));
    assert_ok(td_user_role_add(tx, b.ours.id, u.id, "GlobalReader", "t", err));
    assert_int_equal(td_user_role_add(tx, b.ours.id, u.id, "Emperor", "t", err), TD_EINVAL);
    assert_ok(td_user_roles(tx, b.ours.id, u.id, &b.arena, &roles, err));
    assert_string_equal(roles[0], "Global Reader");
    assert_string_equal(roles[1], "Intune Administrator");
    assert_null(roles[2]);
    return TD_OK;
}

static void role_names(void **state TD_UNUSED)
{
    assert_ok(td_store_write(b.store, roles_fn, NULL, &b.err));
}

static enum td_code fail_once(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    return td_guard_failed(tx, b.ours.id, "Ada@contoso.test", "192.0.2.1", err);
}

static enum td_code pass(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    return td_guard_passed(tx, b.ours.id, "ada@contoso.test", err);
}

static enum td_code read_lock(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_guard_locked(tx, b.ours.id, "ada@contoso.test", ctx, err);
}

static bool is_locked(void)
{
    bool locked = false;
    assert_ok(td_store_read(b.store, read_lock, &locked, &b.err));
    return locked;
}

static void guard(void **state TD_UNUSED)
{
    static const int64_t locks[] = {60, 120, 240, 480, 960, 1920, 3600, 3600};
    for (int i = 0; i < TD_GUARD_TRIES - 1; i++)
        assert_ok(td_store_write(b.store, fail_once, NULL, &b.err));
    assert_false(is_locked());
    for (size_t i = 0; i < TD_COUNTOF(locks); i++) {
        assert_ok(td_store_write(b.store, fail_once, NULL, &b.err));
        b.env.now += (locks[i] - 1) * TD_SECOND;
        assert_true(is_locked());
        b.env.now += TD_SECOND;
        assert_false(is_locked());
    }
    assert_ok(td_store_write(b.store, pass, NULL, &b.err));
    assert_ok(td_store_write(b.store, fail_once, NULL, &b.err));
    assert_false(is_locked());
    b.env.now += TD_DAY + TD_SECOND; /* forgotten: four more do not lock */
    for (int i = 0; i < TD_GUARD_TRIES - 1; i++)
        assert_ok(td_store_write(b.store, fail_once, NULL, &b.err));
    assert_false(is_locked());
}

static void redirects(void **state TD_UNUSED)
{
    static const char *const good[] = {"https://a.test/back",    "http://localhost",      "http://localhost:1/x",
                                       "http://127.0.0.1:5000/", "com.example.app:/back", "http://localhost?x=1"};
    static const char *const bad[] = {"",
                                      "http://a.test/",
                                      "javascript:alert(1)",
                                      "data:text/html,x",
                                      "https://",
                                      "https:///x",
                                      "https://user@a.test/",
                                      "https://a.test/#x",
                                      "https://a.test/ x",
                                      "http://localhostx/",
                                      "http://localhost:/",
                                      "http://localhost:80a/",
                                      "//a.test/",
                                      "/back"};
    for (size_t i = 0; i < TD_COUNTOF(good); i++)
        if (td_redirect_check(td_str(good[i]), &b.err) != TD_OK)
            fail_msg("\"%s\" was refused", good[i]);
    for (size_t i = 0; i < TD_COUNTOF(bad); i++)
        if (td_redirect_check(td_str(bad[i]), &b.err) != TD_EINVAL)
            fail_msg("\"%s\" was taken", bad[i]);
}

static enum td_code applications_fn(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    static const char *const born[] = {"29d9ed98-a469-4536-ade2-f981bc1d605e", "38aa3b87-a06d-4817-b275-7a316988d93b",
                                       "1b730954-1685-4b74-9bfd-dac224a7b894", "14d82eec-204b-4c2f-b7e8-296a70dab67e",
                                       "d1ddf0e4-d672-4dae-b554-9d5bdfd93547", "9ba1a5c7-f17a-4de9-a1f1-6178c8d51223",
                                       "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "31359c7f-bd7e-475c-86db-fdb8c937548e"};
    struct td_application app, found;
    for (size_t i = 0; i < TD_COUNTOF(born); i++)
        assert_ok(td_application_find(tx, b.theirs.id, td_str(born[i]), &b.arena, &found, err));
    assert_ok(td_application_add(tx, b.ours.id, "Reports", false, "t", &b.arena, &app, err));
    assert_ok(td_application_find(tx, b.ours.id, td_str(app.id), &b.arena, &found, err));
    assert_int_equal(td_application_find(tx, b.theirs.id, td_str(app.id), &b.arena, &found, err), TD_ENOTFOUND);
    assert_ok(td_application_find(tx, b.ours.id, td_str(app.id), &b.arena, &found, err));
    assert_ok(td_application_redirect_add(tx, &app, "https://r.test/back", "t", err));
    assert_ok(td_application_redirect_ok(tx, b.ours.id, &found, td_str("https://r.test/back"), err));
    assert_int_equal(td_application_redirect_ok(tx, b.ours.id, &found, td_str("https://r.test/back/"), err),
                     TD_EDENIED);
    assert_int_equal(td_application_redirect_ok(tx, b.ours.id, &found, td_str("http://localhost:1/"), err), TD_EDENIED);
    assert_int_equal(td_application_role_add(tx, &app, "no/slashes", "t", err), TD_EINVAL);
    return TD_OK;
}

static void applications(void **state TD_UNUSED)
{
    assert_ok(td_store_write(b.store, applications_fn, NULL, &b.err));
}

static enum td_code changes_fn(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    static const unsigned char sum[32] = {1};
    struct td_application app;
    td_try(td_tenant_set(tx, b.ours.id, "join-users", "none", "t", err));
    td_try(td_application_add(tx, b.ours.id, "Reports \"daily\"", false, "t", &b.arena, &app, err));
    td_try(td_application_role_add(tx, &app, "Device.Read.All", "t", err));
    td_try(td_application_role_add(tx, &app, "Device.Read.All", "t", err)); /* changes nothing */
    td_try(td_application_redirect_add(tx, &app, "https://r.test/back", "t", err));
    td_try(td_application_secret_add(tx, &app, sum, td_tx_now(tx) + TD_DAY, "t", err));
    td_try(td_application_role_remove(tx, &app, "device.read.all", "t", err));
    td_try(td_application_enable(tx, &app, false, "t", err));
    return td_application_remove(tx, &app, "t", err);
}

static enum td_code user_changes_fn(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    struct td_user u = {0};
    const char *const *roles = NULL;
    td_try(td_user_add(tx, b.ours.id, "ada@contoso.test", "Ada", "phc", "t", &b.arena, &u, err));
    td_try(td_user_role_add(tx, b.ours.id, u.id, "Read Only Operator", "t", err));
    td_try(td_user_enable(tx, b.ours.id, u.id, false, "t", err));
    td_try(td_user_set_password(tx, b.ours.id, u.id, "secret phc", "t", err));
    td_try(td_user_role_remove(tx, b.ours.id, u.id, "read-only-operator", "t", err));
    assert_int_equal(td_user_role_remove(tx, b.ours.id, u.id, "read-only-operator", "t", err), TD_ENOTFOUND);
    td_try(td_user_role_add(tx, b.ours.id, u.id, "Partner Agent", "t", err));
    assert_int_equal(td_user_remove(tx, b.theirs.id, u.id, "t", err), TD_ENOTFOUND);
    td_try(td_user_remove(tx, b.ours.id, u.id, "t", err));
    td_try(td_user_roles(tx, b.ours.id, u.id, &b.arena, &roles, err));
    assert_null(roles[0]);
    assert_int_equal(td_user_find(tx, b.ours.id, td_str(u.id), &b.arena, &u, NULL), TD_ENOTFOUND);
    return TD_OK;
}

static enum td_code told_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_event *list;
    size_t n = 0;
    struct td_buf *out = ctx;
    td_try(td_event_list(tx, b.ours.id, NULL, 0, 50, &b.arena, &list, &n, err));
    for (size_t i = 0; i < n; i++) {
        struct td_json *detail = NULL;
        td_try(td_json_parse(td_str(list[i].detail), 4096, &b.arena, &detail, err));
        const struct td_json *change = td_json_get(detail, "changes")->child;
        if (strcmp(list[i].actor, "t") != 0)
            continue;
        const char *before = change != NULL ? td_json_str(change, "before") : NULL,
                   *after = change != NULL ? td_json_str(change, "after") : NULL;
        td_buf_printf(out, "%s %s=%s->%s\n", list[i].type, change != NULL ? td_json_str(change, "name") : "",
                      before != NULL ? before : "", after != NULL ? after : "");
    }
    return TD_OK;
}

/* Every change appends its event, and the event says what was changed. */
static void changes_are_told(void **state TD_UNUSED)
{
    TD_CLEANUP(td_buf_done) struct td_buf told;
    td_buf_init(&told, 4096);
    assert_ok(td_store_write(b.store, changes_fn, NULL, &b.err));
    assert_ok(td_store_read(b.store, told_fn, &told, &b.err));
    assert_slice(td_buf_slice(&told), "tenant.set join-users=all->none\n"
                                      "application.added displayName=->Reports \"daily\"\n"
                                      "application.role-added role=->Device.Read.All\n"
                                      "application.redirect-added redirect=->https://r.test/back\n"
                                      "application.secret-added until=->2030-01-03T03:04:05Z\n"
                                      "application.role-removed role=device.read.all->\n"
                                      "application.disabled accountEnabled=true->false\n"
                                      "application.removed displayName=Reports \"daily\"->\n");
}

static void user_changes_are_told(void **state TD_UNUSED)
{
    TD_CLEANUP(td_buf_done) struct td_buf told;
    td_buf_init(&told, 4096);
    assert_ok(td_store_write(b.store, user_changes_fn, NULL, &b.err));
    assert_ok(td_store_read(b.store, told_fn, &told, &b.err));
    assert_slice(td_buf_slice(&told), "user.added userPrincipalName=->ada@contoso.test\n"
                                      "user.role-added role=->Read Only Operator\n"
                                      "user.disabled accountEnabled=true->false\n"
                                      "user.password-set =->\n"
                                      "user.role-removed role=Read Only Operator->\n"
                                      "user.role-added role=->Partner Agent\n"
                                      "user.removed userPrincipalName=ada@contoso.test->\n");
}

static enum td_code grants_fn(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    struct td_grant g = {.sha256 = {1},
                         .kind = TD_GRANT_REFRESH,
                         .tenant = b.ours.id,
                         .user_id = "u",
                         .app_id = "a",
                         .device_id = "",
                         .family = "f",
                         .expires_at = td_tx_now(tx) + TD_DAY,
                         .body = "{}"};
    struct td_grant got;
    assert_ok(td_grant_add(tx, &g, err));
    assert_int_equal(td_grant_add(tx, &g, err), TD_EEXISTS);
    assert_int_equal(td_grant_find(tx, TD_GRANT_PRT, g.sha256, &b.arena, &got, err), TD_ENOTFOUND);
    assert_ok(td_grant_find(tx, TD_GRANT_REFRESH, g.sha256, &b.arena, &got, err));
    assert_int_equal(got.used_at, 0);
    assert_ok(td_grant_use(tx, &got, td_tx_now(tx) + TD_HOUR, err));
    assert_ok(td_grant_use(tx, &got, td_tx_now(tx) + 2 * TD_HOUR, err)); /* never longer again */
    assert_ok(td_grant_find(tx, TD_GRANT_REFRESH, g.sha256, &b.arena, &got, err));
    assert_int_equal(got.used_at, td_tx_now(tx));
    assert_int_equal(got.expires_at, td_tx_now(tx) + TD_HOUR);
    assert_ok(td_grant_end_family(tx, b.theirs.id, "f", err));
    assert_ok(td_grant_find(tx, TD_GRANT_REFRESH, g.sha256, &b.arena, &got, err));
    assert_ok(td_grant_end_family(tx, b.ours.id, "f", err));
    assert_int_equal(td_grant_find(tx, TD_GRANT_REFRESH, g.sha256, &b.arena, &got, err), TD_ENOTFOUND);
    assert_ok(td_nonce_burn(tx, TD_S("n-1"), td_tx_now(tx) + TD_HOUR, err));
    assert_int_equal(td_nonce_burn(tx, TD_S("n-1"), td_tx_now(tx) + TD_HOUR, err), TD_EEXISTS);
    return TD_OK;
}

static void grants(void **state TD_UNUSED)
{
    assert_ok(td_store_write(b.store, grants_fn, NULL, &b.err));
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        T(users),
        T(role_names),
        T(guard),
        cmocka_unit_test(redirects),
        T(applications),
        T(changes_are_told),
        T(user_changes_are_told),
        T(grants),
    };
    return cmocka_run_group_tests_name("user", tests, NULL, NULL);
}
