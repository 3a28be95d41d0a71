/* connect/ad: the forest's roots as a part of blobs; from a directory made of a table. */
#include "fake_directory.h"
#include "unit/arena.h"
#include "unit/test.h"

#define PLACE "CN=Certification Authorities,CN=Public Key Services,CN=Services,CN=Configuration," FAKE_DN

static struct fake_directory f;
static struct td_ad_domain d;
static struct td_error err;

static void begin(void)
{
    fake_init(&f);
    assert_ok(td_ad_facts(&f.ldap, "10.77.2.10", &arena, &d, &err));
}

static void authority(const char *name, struct td_slice der)
{
    fake_value(&f, fake_put(&f, td_arena_printf(&f.a, "CN=%s," PLACE, name), "certificationAuthority"), "cACertificate",
               der);
}

/* DER begins with 0x30; so many octets. */
static struct td_slice der(size_t n, char fill)
{
    char *p = td_arena_alloc(&f.a, n);
    memset(p, fill, n);
    p[0] = 0x30;
    return td_bytes(p, n);
}

static size_t roots(struct td_slice ret[TD_ODJ_ROOTS_MAX])
{
    struct td_odj_part part = {0};
    bool any = true;
    size_t n = 0;
    assert_ok(td_ad_roots(&f.ldap, &d, &arena, &part, &any, &err));
    if (!any)
        return 0;
    assert_memory_equal(part.guid, td_odj_part_certificates, 16);
    assert_false(part.essential); /* who does not know it joins all the same */
    assert_ok(td_odj_roots_read(part.bytes, &arena, ret, &n, &err));
    return n;
}

static void what_the_forest_trusts(void **state TD_UNUSED)
{
    struct td_slice got[TD_ODJ_ROOTS_MAX];
    begin();
    assert_int_equal(roots(got), 0); /* not even the place is there */
    (void)fake_put(&f, PLACE, "container");
    assert_int_equal(roots(got), 0);
    authority("Place for one", TD_S("\0"));
    assert_int_equal(roots(got), 0);
    authority("First", der(900, 1));
    authority("Much too big", der(8193, 2));
    authority("Second", der(700, 3));
    assert_int_equal(roots(got), 2);
    assert_true(got[0].n == 900 && got[1].n == 700 && got[1].p[5] == 3);
    for (int i = 0; i < 20; i++)
        authority(td_arena_printf(&f.a, "More %d", i), der(1000, 4));
    assert_int_equal(roots(got), TD_ODJ_ROOTS_MAX);
    fake_done(&f);
}

static void no_more_than_a_blob_carries(void **state TD_UNUSED)
{
    struct td_slice got[TD_ODJ_ROOTS_MAX];
    begin();
    (void)fake_put(&f, PLACE, "container");
    for (int i = 0; i < 10; i++)
        authority(td_arena_printf(&f.a, "Big %d", i), der(8000, 4));
    assert_int_equal(roots(got), 3);
    fake_done(&f);
}

static void the_blob_carries_them(void **state TD_UNUSED)
{
    struct td_slice got[TD_ODJ_ROOTS_MAX];
    struct td_ad_computer c = {.name = "PC-1", .rid = 1107};
    struct td_odj_part part = {0};
    struct td_odj odj = {0};
    struct td_buf blob = {.max = TD_ODJ_MAX};
    bool any = false;
    size_t n = 0;
    begin();
    (void)fake_put(&f, PLACE, "container");
    authority("First", der(900, 1));
    assert_ok(td_ad_roots(&f.ldap, &d, &arena, &part, &any, &err));
    assert_true(any);
    d.parts = &part;
    d.part_count = 1;
    assert_ok(td_ad_blob(&d, &c, "a password", &blob, &err));
    assert_ok(td_odj_read(td_buf_slice(&blob), &arena, &odj, &err));
    assert_int_equal(odj.extra_count, 1);
    assert_ok(td_odj_roots_read(odj.extra[0].bytes, &arena, got, &n, &err));
    assert_int_equal(n, 1);
    td_buf_wipe(&blob);
    fake_done(&f);
}

static void a_directory_that_is_gone(void **state TD_UNUSED)
{
    struct td_odj_part part = {0};
    bool any = false;
    begin();
    (void)fake_put(&f, PLACE, "container");
    fake_refuse(&f, "search", FAKE_DOWN, 0, "gone");
    assert_int_not_equal(td_ad_roots(&f.ldap, &d, &arena, &part, &any, &err), TD_OK);
    assert_string_equal(err.where, "NoDc");
    fake_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_forest_trusts),
        cmocka_unit_test(no_more_than_a_blob_carries),
        cmocka_unit_test(the_blob_carries_them),
        cmocka_unit_test(a_directory_that_is_gone),
    };
    return cmocka_run_group_tests_name("connect/ad_roots", tests, arena_begin, arena_end);
}
