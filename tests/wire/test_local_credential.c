/* Passwords of managed local administrators: backed up by the device's own certificate alone, sealed, read with the
 * audit told (docs/protocol/local-credential.md). */
#include "api/join.h"
#include "api/local_credential.h"
#include "store/audit.h"
#include "wire/device_session.h"

static struct td_door join_door;

static int setup(void **state TD_UNUSED)
{
    device_id = DEVICE;
    registration_id = "";
    join_door = (struct td_door){td_join_routes, td_join_route_count, &w.svc};
    wire_open(&w, &join_door, 1);
    join_device();
    return 0;
}

static struct wire_reply bring_to(const char *id, const char *body, struct td_slice cert)
{
    struct td_peer peer = {.address = "127.0.0.1", .tls = true, .cert = cert};
    if (cert.n != 0)
        td_sha256(cert, peer.cert_sha256);
    const char *target = td_arena_printf(&w.arena, "/EnrollmentServer/device/%s/localcredential", id);
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    return wire_do(&w, "POST", target, headers, body, &peer);
}

static struct wire_reply bring(const char *body)
{
    return bring_to(DEVICE, body, device_cert);
}

struct reading {
    struct td_local_credential *rows;
    size_t count;
};

static enum td_code read_them(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct reading *r = ctx;
    return td_local_credential_read(tx, w.tenant.id, DEVICE, "admin@contoso.test", &w.arena, &r->rows, &r->count, err);
}

static struct reading read_all(void)
{
    struct reading r = {0};
    struct td_error err = {0};
    wire_ok(td_store_write(w.svc.store, read_them, &r, &err), &err, "read");
    return r;
}

static const char *password_of(const struct td_local_credential *c)
{
    const char *password = NULL;
    assert_ok(td_local_credential_open(&w.svc.master, w.tenant.id, DEVICE, c, &w.arena, &password, NULL));
    return password;
}

static void keeps_it_sealed(void **state TD_UNUSED)
{
    struct wire_reply r = bring("{\"accountName\":\"Administrator\",\"password\":\"Gx7!opens-it-all\","
                                "\"expirationTime\":\"2030-02-01T03:04:05Z\"}");
    assert_int_equal(r.status, 204);
    struct reading have = read_all();
    assert_int_equal(have.count, 1);
    assert_string_equal(have.rows[0].account, "Administrator");
    assert_int_equal(have.rows[0].backed_up_at, WIRE_NOW);
    assert_true(have.rows[0].expires_at > WIRE_NOW);
    assert_int_equal(td_search(have.rows[0].sealed, TD_S("opens-it-all")), SIZE_MAX);
    assert_string_equal(password_of(&have.rows[0]), "Gx7!opens-it-all");
    const char *other = NULL; /* the seal is bound to its place */
    have.rows[0].id = "0190d5f4-0000-7000-8000-000000000001";
    assert_int_not_equal(
        td_local_credential_open(&w.svc.master, w.tenant.id, DEVICE, &have.rows[0], &w.arena, &other, NULL), TD_OK);
}

static void the_newest_come_first(void **state TD_UNUSED)
{
    for (int i = 0; i < 9; i++) {
        const char *body = td_arena_printf(&w.arena, "{\"accountName\":\"lapsadmin\",\"password\":\"password-%d\"}", i);
        assert_int_equal(bring(body).status, 204);
        w.env.now += TD_MINUTE;
    }
    struct reading have = read_all();
    assert_int_equal(have.count, TD_LOCAL_CREDENTIAL_HISTORY + 1);
    assert_string_equal(password_of(&have.rows[0]), "password-8");
    assert_string_equal(password_of(&have.rows[have.count - 1]), "password-3");
}

static enum td_code count_told(struct td_tx *tx, void *ctx, struct td_error *err)
{
    int *n = ctx;
    struct td_event *list = NULL;
    size_t count = 0;
    td_try(td_event_list(tx, w.tenant.id, NULL, 0, 1000, &w.arena, &list, &count, err));
    for (size_t i = 0; i < count; i++)
        *n += strcmp(list[i].type, "local-credential.read") == 0 && strcmp(list[i].actor, "admin@contoso.test") == 0 &&
              strstr(list[i].detail, DEVICE) != NULL;
    return TD_OK;
}

static void each_reading_is_told(void **state TD_UNUSED)
{
    int told = 0;
    assert_int_equal(bring("{\"accountName\":\"a\",\"password\":\"b\"}").status, 204);
    (void)read_all();
    (void)read_all();
    assert_ok(td_store_read(w.svc.store, count_told, &told, NULL));
    assert_int_equal(told, 2);
}

static void refuses_what_is_no_password(void **state TD_UNUSED)
{
    static const char *const bodies[] = {
        "",
        "[]",
        "{\"accountName\":\"a\"}",
        "{\"password\":\"b\"}",
        "{\"accountName\":\"a\",\"password\":\"\"}",
        "{\"accountName\":7,\"password\":\"b\"}",
        "{\"accountName\":\"a\\u0007\",\"password\":\"b\"}",
        "{\"accountName\":\"a\",\"password\":\"b\",\"expirationTime\":\"soon\"}",
    };
    struct reading have = {0};
    for (size_t i = 0; i < TD_COUNTOF(bodies); i++)
        assert_int_equal(bring(bodies[i]).status, 400);
    assert_int_equal(td_store_write(w.svc.store, read_them, &have, NULL), TD_ENOTFOUND);
}

static enum td_code disable(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    return td_device_enable(tx, w.tenant.id, DEVICE, false, err);
}

static enum td_code forget(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_local_credential_forget(tx, w.tenant.id, DEVICE, ctx, err);
}

static void only_the_device_itself(void **state TD_UNUSED)
{
    static const char body[] = "{\"accountName\":\"a\",\"password\":\"b\"}";
    size_t gone = 0;
    assert_int_equal(bring_to(DEVICE, body, (struct td_slice){0}).status, 401);
    assert_int_equal(bring_to("44444444-0000-4000-8000-00000000000f", body, device_cert).status, 403);
    assert_int_equal(bring_to("no-guid", body, device_cert).status, 400);
    assert_int_equal(bring(body).status, 204);
    assert_ok(td_store_write(w.svc.store, disable, NULL, NULL));
    assert_int_equal(bring(body).status, 403);
    assert_ok(td_store_write(w.svc.store, forget, &gone, NULL));
    assert_int_equal(gone, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(keeps_it_sealed),        T(the_newest_come_first), T(each_reading_is_told), T(refuses_what_is_no_password),
        T(only_the_device_itself),
    };
    return cmocka_run_group_tests_name("local_credential", tests, NULL, NULL);
}
