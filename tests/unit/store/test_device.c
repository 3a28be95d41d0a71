/* store/device and store/certificate: pre-created, joined, joined again, deleted; what a deleted id may never do again.
 */
#include "store/certificate.h"
#include "store/device.h"
#include "store/tenant.h"
#include "unit/store/folder.h"

#include <stdlib.h>
#include <unistd.h>

struct box {
    char dir[FOLDER_NAME];
    struct td_env_fixed world;
    struct td_store *store;
    struct td_arena arena;
    const char *tenant, *other;
};

typedef void step_fn(struct td_tx *tx, struct box *b);

struct step {
    struct box *box;
    step_fn *fn;
};

static enum td_code call(struct td_tx *tx, void *ctx, struct td_error *err TD_UNUSED)
{
    const struct step *s = ctx;
    s->fn(tx, s->box);
    return TD_OK;
}

static void in_write(struct box *b, step_fn *fn)
{
    struct step s = {b, fn};
    struct td_error err;
    assert_ok(td_store_write(b->store, call, &s, &err));
}

static const char reg[] = "11111111-0000-4000-8000-000000000001";
static const struct td_device_precreated precreated = {
    .registration_id = reg, .serial = "SN-1", .group_tag = "KIOSK", .purchase_order = ""};

static struct td_device_joining joining(const char *id, const char *registration_id, unsigned char key)
{
    struct td_device_joining j = {.id = id,
                                  .registration_id = registration_id,
                                  .display_name = "PC1",
                                  .os = "Windows",
                                  .os_version = "10.0",
                                  .trust_type = "AzureAd",
                                  .owner_id = "u1",
                                  .owner_upn = "ada@contoso.test",
                                  .hardware_id = "h:1",
                                  .alt_security_id = "X509:1",
                                  .transport_key = TD_S("key")};
    memset(j.key_sha256, key, sizeof(j.key_sha256));
    return j;
}

static void precreates(struct td_tx *tx, struct box *b)
{
    struct td_device_row d;
    const char *id, *again;
    assert_ok(td_device_precreate(tx, b->tenant, &precreated, &b->arena, &id, NULL));
    assert_ok(td_device_precreate(tx, b->tenant, &precreated, &b->arena, &again, NULL));
    assert_string_equal(id, again);
    assert_ok(td_device_find_registration(tx, b->tenant, reg, &b->arena, &d, NULL));
    assert_string_equal(d.display_name, "SN-1");
    assert_string_equal(d.physical_ids, "[\"[ZTDID]:11111111-0000-4000-8000-000000000001\",\"[OrderId]:KIOSK\"]");
    assert_int_equal(d.joined_at, 0);
    assert_int_equal(td_device_serving(tx, b->tenant, id, &b->arena, &d, NULL), TD_ENOTFOUND);
    assert_int_equal(td_device_find(tx, b->other, id, &b->arena, &d, NULL), TD_ENOTFOUND);
    struct td_device_precreated retagged = precreated;
    retagged.group_tag = "\"quoted\"";
    assert_ok(td_device_precreate(tx, b->tenant, &retagged, &b->arena, &again, NULL));
    assert_ok(td_device_find(tx, b->tenant, id, &b->arena, &d, NULL));
    assert_true(strstr(d.physical_ids, "[OrderId]:\\\"quoted\\\"") != NULL);
}

static void a_join_takes_over_the_registered_object(struct td_tx *tx, struct box *b)
{
    struct td_device_row d;
    const char *id, *got;
    assert_ok(td_device_precreate(tx, b->tenant, &precreated, &b->arena, &id, NULL));
    struct td_device_joining j = joining("22222222-0000-4000-8000-000000000001", reg, 1);
    assert_ok(td_device_join_id(tx, b->tenant, &j, &b->arena, &got, NULL));
    assert_string_equal(got, id);
    assert_int_equal(td_device_join(tx, b->tenant, &j, NULL), TD_ESTATE); /* signed for another id */
    j.id = id;
    assert_ok(td_device_join(tx, b->tenant, &j, NULL));
    assert_ok(td_device_serving(tx, b->tenant, id, &b->arena, &d, NULL));
    assert_string_equal(d.display_name, "PC1");
    assert_string_equal(d.owner_upn, "ada@contoso.test");
    assert_slice(d.transport_key, "key");
    assert_true(strstr(d.physical_ids, "[HWID]:h:1") != NULL);
    assert_int_equal(d.joined_at, td_tx_now(tx));
    int64_t n = 0;
    assert_ok(td_device_count_of(tx, b->tenant, "u1", &n, NULL));
    assert_int_equal(n, 1);
    assert_ok(td_device_enable(tx, b->tenant, id, false, NULL));
    assert_int_equal(td_device_serving(tx, b->tenant, id, &b->arena, &d, NULL), TD_EDENIED);
    assert_int_equal(td_device_join(tx, b->tenant, &j, NULL), TD_EDENIED); /* a join does not enable */
}

static void a_deleted_id_never_comes_back(struct td_tx *tx, struct box *b)
{
    struct td_device_row d;
    const char *id;
    assert_ok(td_device_precreate(tx, b->tenant, &precreated, &b->arena, &id, NULL));
    struct td_device_joining j = joining(id, reg, 1);
    assert_ok(td_device_join(tx, b->tenant, &j, NULL));
    assert_ok(td_device_delete(tx, b->tenant, id, NULL));
    assert_int_equal(td_device_find(tx, b->tenant, id, &b->arena, &d, NULL), TD_ENOTFOUND);
    assert_int_equal(td_device_delete(tx, b->tenant, id, NULL), TD_ENOTFOUND);
    assert_int_equal(td_device_enable(tx, b->tenant, id, true, NULL), TD_ENOTFOUND);
    assert_ok(td_device_find_registration(tx, b->tenant, reg, &b->arena, &d, NULL));
    assert_string_not_equal(d.id, id);
    assert_string_equal(d.display_name, "SN-1");
    assert_true(strstr(d.physical_ids, "KIOSK") != NULL);
    assert_int_equal(td_device_join(tx, b->tenant, &j, NULL), TD_ESTATE);
    int64_t n = 1;
    assert_ok(td_device_count_of(tx, b->tenant, "u1", &n, NULL));
    assert_int_equal(n, 0);
}

static void a_repeated_join_finds_its_object(struct td_tx *tx, struct box *b)
{
    const char *got;
    struct td_device_joining j = joining("22222222-0000-4000-8000-000000000001", "", 1), other;
    assert_int_equal(td_device_join_id(tx, b->tenant, &j, &b->arena, &got, NULL), TD_ENOTFOUND);
    assert_ok(td_device_join(tx, b->tenant, &j, NULL));
    assert_ok(td_device_join_id(tx, b->tenant, &j, &b->arena, &got, NULL));
    assert_string_equal(got, j.id);
    other = joining("x", "", 2);
    assert_int_equal(td_device_join_id(tx, b->tenant, &other, &b->arena, &got, NULL), TD_ENOTFOUND);
    other = j;
    other.owner_id = "u2";
    assert_int_equal(td_device_join_id(tx, b->tenant, &other, &b->arena, &got, NULL), TD_ENOTFOUND);
    other = j;
    other.display_name = "PC2";
    assert_int_equal(td_device_join_id(tx, b->tenant, &other, &b->arena, &got, NULL), TD_ENOTFOUND);
    assert_int_equal(td_device_join_id(tx, b->other, &j, &b->arena, &got, NULL), TD_ENOTFOUND);
}

static void the_end_of_a_registration(struct td_tx *tx, struct box *b)
{
    struct td_device_row d;
    const char *id;
    assert_ok(td_device_precreate(tx, b->tenant, &precreated, &b->arena, &id, NULL));
    assert_ok(td_device_unregister(tx, b->tenant, reg, NULL));
    assert_int_equal(td_device_find(tx, b->tenant, id, &b->arena, &d, NULL), TD_ENOTFOUND);
    assert_ok(td_device_precreate(tx, b->tenant, &precreated, &b->arena, &id, NULL));
    struct td_device_joining j = joining(id, reg, 1);
    assert_ok(td_device_join(tx, b->tenant, &j, NULL));
    assert_ok(td_device_unregister(tx, b->tenant, reg, NULL));
    assert_ok(td_device_serving(tx, b->tenant, id, &b->arena, &d, NULL)); /* it stays joined */
    assert_string_equal(d.registration_id, "");
    assert_true(strstr(d.physical_ids, "ZTDID") == NULL);
    struct td_rows rows;
    assert_ok(td_sql_query(
        tx, &rows, NULL, "SELECT count(*) FROM directory_device WHERE tenant = $1 AND deleted_at = 0", "s", b->tenant));
    assert_true(td_rows_next(&rows));
    assert_int_equal(td_col_int(&rows, 0), 1);
    assert_ok(td_rows_done(&rows, NULL));
}

static struct td_cert_row certificate(unsigned char print, const char *subject, const char *serial, int64_t not_after)
{
    struct td_cert_row c = {
        .tenant = "t", .purpose = "device", .subject = subject, .serial = serial, .not_after = not_after};
    memset(c.sha256, print, sizeof(c.sha256));
    return c;
}

static void certificates_are_found_and_revoked(struct td_tx *tx, struct box *b)
{
    int64_t later = td_tx_now(tx) + TD_DAY;
    struct td_cert_row one = certificate(1, "d1", "A1", later), two = certificate(2, "d2", "A2", later), got, *list;
    struct td_cert_row old = certificate(3, "d1", "A3", td_tx_now(tx) - 1);
    size_t count;
    assert_ok(td_cert_record(tx, &one, NULL));
    assert_ok(td_cert_record(tx, &two, NULL));
    assert_ok(td_cert_record(tx, &old, NULL));
    struct td_cert_row same_serial = certificate(4, "d3", "A1", later);
    assert_int_equal(td_cert_record(tx, &same_serial, NULL), TD_EEXISTS);
    assert_ok(td_cert_find(tx, one.sha256, &b->arena, &got, NULL));
    assert_string_equal(got.subject, "d1");
    assert_memory_equal(got.sha256, one.sha256, 32);
    assert_int_equal(got.revoked_at, 0);
    assert_ok(td_cert_find_serial(tx, "device", "A2", &b->arena, &got, NULL));
    assert_string_equal(got.subject, "d2");
    assert_int_equal(td_cert_find_serial(tx, "management", "A2", &b->arena, &got, NULL), TD_ENOTFOUND);
    assert_ok(td_cert_revoke(tx, "other", "device", "d1", NULL));
    assert_ok(td_cert_revoke(tx, "t", "management", "d1", NULL));
    assert_ok(td_cert_revoked_list(tx, "device", &b->arena, &list, &count, NULL));
    assert_int_equal(count, 0);
    assert_ok(td_cert_revoke(tx, "t", "device", "d1", NULL));
    assert_ok(td_cert_revoked_list(tx, "device", &b->arena, &list, &count, NULL));
    assert_int_equal(count, 1); /* the one that ran out is not listed */
    assert_string_equal(list[0].serial, "A1");
    assert_ok(td_cert_find(tx, old.sha256, &b->arena, &got, NULL));
    assert_int_not_equal(got.revoked_at, 0);
}

static void the_first_secret_stands(struct td_tx *tx, struct box *b)
{
    struct td_slice got;
    assert_int_equal(td_secret_get(tx, "k", &b->arena, &got, NULL), TD_ENOTFOUND);
    assert_ok(td_secret_put(tx, "k", td_bytes("a\0b", 3), NULL));
    assert_int_equal(td_secret_put(tx, "k", TD_S("second"), NULL), TD_EEXISTS);
    assert_ok(td_secret_get(tx, "k", &b->arena, &got, NULL));
    assert_int_equal(got.n, 3);
    assert_memory_equal(got.p, "a\0b", 3);
}

static void add_tenants(struct td_tx *tx, struct box *b)
{
    struct td_tenant t;
    assert_ok(td_tenant_add(tx, "contoso.test", NULL, &b->arena, &t, NULL));
    b->tenant = t.id;
    assert_ok(td_tenant_add(tx, "fabrikam.test", NULL, &b->arena, &t, NULL));
    b->other = t.id;
}

static int setup(void **state)
{
    struct box *b = td_new(struct box);
    b->store = folder_store(b->dir, &b->world);
    td_arena_init(&b->arena);
    in_write(b, add_tenants);
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

#define CASE(name)                       \
    static void run_##name(void **state) \
    {                                    \
        in_write(*state, name);          \
    }
CASE(precreates)
CASE(a_join_takes_over_the_registered_object)
CASE(a_deleted_id_never_comes_back)
CASE(a_repeated_join_finds_its_object)
CASE(the_end_of_a_registration)
CASE(certificates_are_found_and_revoked)
CASE(the_first_secret_stands)

#define TEST(name) cmocka_unit_test_setup_teardown(run_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(precreates),
        TEST(a_join_takes_over_the_registered_object),
        TEST(a_deleted_id_never_comes_back),
        TEST(a_repeated_join_finds_its_object),
        TEST(the_end_of_a_registration),
        TEST(certificates_are_found_and_revoked),
        TEST(the_first_secret_stands),
    };
    return cmocka_run_group_tests_name("directory devices", tests, NULL, NULL);
}
