/* store/enrolment: the life of a row, its certificates with it. The door's own rules are in
 * tests/wire/test_enrolment.c. */
#include "store/certificate.h"
#include "store/enrolment.h"
#include "store/event.h"
#include "store/tenant.h"
#include "store/way.h"
#include "unit/store/folder.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct box {
    char dir[FOLDER_NAME];
    struct td_env_fixed env;
    struct td_store *store;
    struct td_arena arena;
    const char *tenant;
};

static enum td_code add_tenant(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct box *b = ctx;
    struct td_tenant t;
    td_try(td_tenant_add(tx, "contoso.test", NULL, &b->arena, &t, err));
    b->tenant = t.id;
    return TD_OK;
}

static int setup(void **state)
{
    struct box *b = td_new(struct box);
    b->store = folder_store(b->dir, &b->env);
    td_arena_init(&b->arena);
    assert_ok(td_store_write(b->store, add_tenant, b, NULL));
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct box *b = *state;
    folder_gone(b->dir, b->store);
    td_arena_done(&b->arena);
    td_free(b);
    return 0;
}

struct call {
    struct box *box;
    struct td_enrolment e;
    const char *id, *tenant;
    int64_t count;
    struct td_cert_row cert;
};

static struct td_enrolment row(struct box *b, const char *id, const char *device, const char *hardware)
{
    struct td_enrolment e = {.id = id, .tenant = b->tenant, .device_id = device, .registration_id = "", .way_id = id};
    e.user_id = e.user_upn = "ada";
    e.type = "Device";
    e.provider = "Touchdown";
    e.hw_dev_id = hardware;
    e.dm_id = e.device_name = e.device_type = e.os_version = e.os_edition = e.locale = "";
    e.version = 40;
    e.in_oobe = true;
    e.secrets = TD_S("sealed\0bytes");
    memset(e.cert_sha256, id[0], sizeof(e.cert_sha256));
    e.cert_not_after = b->env.now + TD_DAY;
    return e;
}

static enum td_code add(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct call *c = ctx;
    struct td_way_row way;
    struct td_cert_row cert = {.tenant = c->e.tenant, .purpose = "management", .subject = c->e.id, .serial = c->e.id};
    memcpy(cert.sha256, c->e.cert_sha256, sizeof(cert.sha256));
    td_try(td_way_add(tx, c->e.tenant, TD_WAY_ID, c->e.way_id, &c->box->arena, &way, err));
    td_try(td_cert_record(tx, &cert, err));
    td_try(td_enrolment_add(tx, &c->e, NULL, err));
    return td_way_happened(tx, c->e.tenant, c->e.way_id, TD_EV_ENROLLED, "ada", "{}", err);
}

static void put(struct box *b, const char *id, const char *device, const char *hardware)
{
    struct call c = {.box = b, .e = row(b, id, device, hardware)};
    assert_ok(td_store_write(b->store, add, &c, NULL));
}

static enum td_code find(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct call *c = ctx;
    td_try(td_cert_find(tx, row(c->box, c->id, "", "").cert_sha256, &c->box->arena, &c->cert, err));
    return td_enrolment_find(tx, c->tenant, c->id, &c->box->arena, &c->e, err);
}

static enum td_code count(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct call *c = ctx;
    return td_enrolment_count_user(tx, c->tenant, "ada", &c->e, &c->count, err);
}

static enum td_code end(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct call *c = ctx;
    return td_enrolment_end(tx, c->tenant, c->id, err);
}

static enum td_code renew(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct call *c = ctx;
    return td_enrolment_renew(tx, c->tenant, c->id, (const unsigned char *)"0123456789abcdef0123456789abcdef", 7, err);
}

static enum td_code seen(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct call *c = ctx;
    return td_enrolment_seen(tx, c->tenant, c->id, err);
}

static struct call get(struct box *b, const char *id)
{
    struct call c = {.box = b, .id = id, .tenant = b->tenant};
    assert_ok(td_store_read(b->store, find, &c, NULL));
    return c;
}

static void keeps_what_it_is_given(void **state)
{
    struct box *b = *state;
    put(b, "a", "device-1", "hw-1");
    struct td_enrolment e = get(b, "a").e, want = row(b, "a", "device-1", "hw-1");
    assert_string_equal(e.device_id, "device-1");
    assert_string_equal(e.user_upn, "ada");
    assert_int_equal(e.version, 40);
    assert_true(e.in_oobe && !e.plug_and_forget && !e.white_glove);
    assert_memory_equal(e.cert_sha256, want.cert_sha256, 32);
    assert_int_equal(e.cert_not_after, want.cert_not_after);
    assert_true(td_eq(e.secrets, want.secrets));
    assert_int_equal(e.created_at, b->env.now);
    assert_int_equal(e.last_contact_at, 0);
    struct call other = {.box = b, .id = "a", .tenant = "another"};
    assert_int_equal(td_store_read(b->store, find, &other, NULL), TD_ENOTFOUND);
}

static void ends_with_its_certificate(void **state)
{
    struct box *b = *state;
    put(b, "a", "device-1", "");
    struct call c = {.box = b, .id = "a", .tenant = b->tenant};
    assert_ok(td_store_write(b->store, seen, &c, NULL));
    assert_int_equal(get(b, "a").e.last_contact_at, b->env.now);
    assert_ok(td_store_write(b->store, renew, &c, NULL));
    assert_int_equal(get(b, "a").e.cert_not_after, 7);
    assert_int_equal(get(b, "a").cert.revoked_at, 0);
    assert_ok(td_store_write(b->store, end, &c, NULL));
    assert_int_equal(get(b, "a").e.state, TD_ENROLMENT_ENDED);
    assert_int_equal(get(b, "a").cert.revoked_at, b->env.now);
    assert_int_equal(td_store_write(b->store, end, &c, NULL), TD_ESTATE);
    assert_int_equal(td_store_write(b->store, renew, &c, NULL), TD_ESTATE);
    c.id = "nobody";
    assert_int_equal(td_store_write(b->store, end, &c, NULL), TD_ESTATE);
}

static void counts_but_not_what_it_would_replace(void **state)
{
    struct box *b = *state;
    put(b, "a", "device-1", "hw-1");
    put(b, "b", "", "");
    put(b, "c", "device-3", "hw-3");
    static const struct {
        const char *device, *hardware;
        int64_t count;
    } cases[] = {{"", "", 3}, {"device-1", "", 2}, {"", "hw-3", 2}, {"device-1", "hw-3", 1}, {"device-9", "hw-9", 3}};
    for (size_t i = 0; i < TD_COUNTOF(cases); i++) {
        struct call c = {.box = b, .e = row(b, "x", cases[i].device, cases[i].hardware), .tenant = b->tenant};
        assert_ok(td_store_read(b->store, count, &c, NULL));
        assert_int_equal(c.count, cases[i].count);
    }
    struct call c = {.box = b, .id = "c", .e = row(b, "x", "", ""), .tenant = b->tenant};
    assert_ok(td_store_write(b->store, end, &c, NULL));
    assert_ok(td_store_read(b->store, count, &c, NULL));
    assert_int_equal(c.count, 2);
}

static void replaces_the_older(void **state)
{
    struct box *b = *state;
    put(b, "a", "device-1", "hw-1");
    put(b, "b", "device-2", "hw-2");
    put(b, "c", "device-1", "hw-2"); /* both at once */
    put(b, "d", "", "");
    put(b, "e", "", "");
    assert_int_equal(get(b, "a").e.state, TD_ENROLMENT_REPLACED);
    assert_int_equal(get(b, "b").e.state, TD_ENROLMENT_REPLACED);
    assert_true(get(b, "a").cert.revoked_at != 0 && get(b, "b").cert.revoked_at != 0);
    assert_int_equal(get(b, "c").e.state, TD_ENROLMENT_ACTIVE);
    assert_int_equal(get(b, "d").e.state, TD_ENROLMENT_ACTIVE); /* nothing known of either matches nothing */
    assert_int_equal(get(b, "e").e.state, TD_ENROLMENT_ACTIVE);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keeps_what_it_is_given),
        TEST(ends_with_its_certificate),
        TEST(counts_but_not_what_it_would_replace),
        TEST(replaces_the_older),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
