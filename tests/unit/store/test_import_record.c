/* Imports as rows: sent twice they are one, a finished one gives way, and what changes between a job's read and its
 * write is seen. */
#include "store/import_record.h"
#include "store/tenant.h"
#include "unit/store/folder.h"

static struct td_arena arena;
static const char *tenant;

static struct td_import_record record(const char *serial, unsigned char hash, const char *tag)
{
    return (struct td_import_record){.serial = serial,
                                     .import_id = "",
                                     .product_key = "",
                                     .group_tag = tag,
                                     .assigned_user = "",
                                     .purchase_order = "",
                                     .hardware = "T0E=",
                                     .hardware_sha256 = {hash},
                                     .actor = "test"};
}

static const char *add(struct td_tx *tx, const char *serial, unsigned char hash, const char *tag)
{
    const char *id = NULL;
    struct td_import_record r = record(serial, hash, tag);
    assert_ok(td_import_record_add(tx, tenant, &r, &arena, &id, NULL));
    return id;
}

static struct td_import_record *waiting(struct td_tx *tx, size_t max, size_t *ret_count)
{
    struct td_import_record *list = NULL;
    const char *whose = NULL;
    assert_ok(td_import_record_waiting(tx, max, &arena, &whose, &list, ret_count, NULL));
    if (*ret_count != 0)
        assert_string_equal(whose, tenant);
    return list;
}

static void finish(struct td_tx *tx, int64_t pos)
{
    const struct td_import_end end = {TD_IMPORT_COMPLETE, 0, "None", "", "r"};
    assert_ok(td_import_record_end(tx, tenant, pos, &end, NULL));
}

static enum td_code all(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    struct td_tenant t;
    size_t n = 0;
    td_try(td_tenant_add(tx, "contoso.test", "Contoso", &arena, &t, err));
    tenant = t.id;
    (void)waiting(tx, 10, &n);
    assert_int_equal(n, 0);
    const char *first = add(tx, "SN-1", 1, "A"), *second = add(tx, "SN-2", 2, "A"), *third = add(tx, "sn 1", 3, "A");
    assert_string_equal(add(tx, "sn1", 1, "B"), first); /* the same device by another spelling: brought up to date */
    assert_string_not_equal(third, first);              /* another hash: a row of its own */
    struct td_import_record *list = waiting(tx, 2, &n);
    assert_int_equal(n, 2);
    list = waiting(tx, 10, &n);
    assert_int_equal(n, 3);
    assert_string_equal(list[0].id, first);
    assert_string_equal(list[0].group_tag, "B");
    /* between the read and the write one is deleted, one ends, one is changed */
    assert_ok(td_import_record_remove(tx, tenant, third, NULL));
    finish(tx, list[1].pos);
    assert_string_equal(add(tx, "SN-1", 1, "C"), first);
    assert_ok(td_import_record_again(tx, tenant, list, n, &arena, NULL));
    assert_string_equal(list[0].group_tag, "C");
    assert_int_not_equal(list[0].pos, 0);
    assert_int_equal(list[1].pos, 0);
    assert_int_equal(list[2].pos, 0);
    /* the finished one of the same serial number goes */
    assert_string_not_equal(add(tx, "SN-2", 9, ""), second);
    assert_int_equal(td_import_record_remove(tx, tenant, second, NULL), TD_ENOTFOUND);
    assert_int_equal(td_import_record_remove(tx, "another tenant", first, NULL), TD_ENOTFOUND);
    return TD_OK;
}

static void rows_of_imports(void **state TD_UNUSED)
{
    char dir[FOLDER_NAME];
    struct td_env_fixed env;
    struct td_error err = {0};
    struct td_store *store = folder_store(dir, &env);
    if (td_store_write(store, all, NULL, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
    folder_gone(dir, store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_of_imports)};
    int failed = cmocka_run_group_tests_name("store/import_record", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
