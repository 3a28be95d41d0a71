/* policy/item, policy/catalogue: what an administrator may write, and that it comes back as it was meant. */
#include "policy/catalogue.h"
#include "policy/item.h"
#include "policy/status_page.h"
#include "unit/policy/item_text.h"

#define SHA "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define GUID "{77777777-0000-4000-8000-000000000001}"

static void survives_writing(void **state TD_UNUSED)
{
    static const char *const items[] = {
        "{\"kind\":\"policy\",\"settings\":[{\"policy\":\"Experience/AllowCortana\",\"value\":0}]}",
        "{\"kind\":\"policy\",\"scope\":\"user\",\"atomic\":true,\"settings\":[{\"uri\":\"./User/Vendor/MSFT/A/B\","
        "\"value\":\"<x/>\",\"format\":\"xml\",\"operation\":\"exec\"}]}",
        "{\"kind\":\"msi\",\"content\":\"" SHA "\",\"productCode\":\"" GUID "\",\"productVersion\":\"1\","
        "\"commandLine\":\"/q\",\"track\":false}",
        "{\"kind\":\"root-certificate\",\"thumbprint\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"certificate\":"
        "\"QUJD\"}",
        "{\"kind\":\"wifi\",\"ssid\":\"Caf\xC3\xA9\",\"passphrase\":\"example-pass\",\"hidden\":true}",
        "{\"kind\":\"wifi\",\"ssid\":\"Open\"}",
        "{\"kind\":\"edition\",\"productKey\":\"AAAAA-BBBBB-CCCCC-DDDDD-EEEEE\",\"edition\":\"enterprise\"}",
        "{\"kind\":\"status-page\",\"allowContinue\":true,\"errorText\":\"Call 1234.\"}",
    };
    for (size_t i = 0; i < TD_COUNTOF(items); i++) {
        struct td_item one, two;
        if (read_item(items[i], &one) != TD_OK)
            fail_msg("%s: %s: %s", items[i], err.where, err.text);
        const char *text = written(&one, true);
        assert_ok(read_item(text, &two));
        assert_string_equal(written(&two, true), text);
    }
}

static void leaves_secrets_out(void **state TD_UNUSED)
{
    struct td_item item;
    assert_ok(read_item("{\"kind\":\"wifi\",\"ssid\":\"a\",\"passphrase\":\"sesame-sesame\"}", &item));
    assert_null(strstr(written(&item, false), "sesame"));
    assert_true(td_item_has_secret(item.kind));
    assert_ok(read_item("{\"kind\":\"edition\",\"productKey\":\"AAAAA-BBBBB-CCCCC-DDDDD-EEEEE\"}", &item));
    assert_null(strstr(written(&item, false), "AAAAA"));
}

static void refuses_by_name(void **state TD_UNUSED)
{
    static const struct {
        const char *json, *where;
    } rows[] = {
        {"{}", "kind"},
        {"{\"kind\":\"printer\"}", "kind"},
        {"{\"kind\":\"wifi\",\"ssid\":\"a\",\"pasphrase\":\"x\"}", "pasphrase"},
        {"{\"kind\":\"wifi\",\"ssid\":\"a\",\"passphrase\":\"short\"}", "passphrase"},
        {"{\"kind\":\"wifi\",\"ssid\":\"a\",\"security\":\"open\",\"passphrase\":\"long-enough\"}", "passphrase"},
        {"{\"kind\":\"wifi\",\"ssid\":\"123456789012345678901234567890123\"}", "ssid"},
        {"{\"kind\":\"wifi\",\"ssid\":\"a\",\"scope\":\"both\"}", "scope"},
        {"{\"kind\":\"policy\",\"settings\":[]}", "settings"},
        {"{\"kind\":\"policy\",\"settings\":[{\"value\":1}]}", "policy"},
        {"{\"kind\":\"policy\",\"settings\":[{\"uri\":\"/x\",\"value\":1}]}", "uri"},
        {"{\"kind\":\"policy\",\"settings\":[{\"uri\":\"./User/x\",\"value\":1}]}", "uri"},
        {"{\"kind\":\"policy\",\"settings\":[{\"policy\":\"A/B\"}]}", "value"},
        {"{\"kind\":\"policy\",\"settings\":[{\"policy\":\"A/B\",\"value\":1,\"format\":\"float\"}]}", "format"},
        {"{\"kind\":\"policy\",\"settings\":[{\"policy\":\"A/B\",\"value\":1,\"operation\":\"get\"}]}", "operation"},
        {"{\"kind\":\"policy\",\"settings\":[{\"policy\":\"DeviceLock/MinDevicePasswordLength\",\"value\":3}]}",
         "DeviceLock/MinDevicePasswordLength"},
        {"{\"kind\":\"msi\",\"content\":\"abc\",\"productCode\":\"" GUID "\",\"productVersion\":\"1\"}", "content"},
        {"{\"kind\":\"msi\",\"content\":\"" SHA "\",\"productCode\":\"x\",\"productVersion\":\"1\"}", "productCode"},
        {"{\"kind\":\"msi\",\"content\":\"" SHA "\",\"productCode\":\"" GUID "\",\"productVersion\":\"1\","
         "\"timeoutMinutes\":-1}",
         "timeoutMinutes"},
        {"{\"kind\":\"root-certificate\",\"thumbprint\":\"ab\",\"certificate\":\"QUJD\"}", "thumbprint"},
        {"{\"kind\":\"edition\",\"productKey\":\"aaaaa-bbbbb-ccccc-ddddd-eeeee\"}", "productKey"},
        {"{\"kind\":\"edition\",\"productKey\":\"AAAAA-BBBBB-CCCCC-DDDDD-EEEEE\",\"edition\":\"Vista\"}", "edition"},
        {"{\"kind\":\"status-page\",\"timeoutMinutes\":1441}", "timeoutMinutes"},
        {"{\"kind\":\"status-page\",\"show\":1}", "show"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_item item;
        if (read_item(rows[i].json, &item) == TD_OK)
            fail_msg("accepted: %s", rows[i].json);
        assert_string_equal(err.where, rows[i].where);
        assert_string_not_equal(err.text, "");
    }
}

static void knows_nodes(void **state TD_UNUSED)
{
    static const struct {
        const char *uri, *format; /* NULL: not in the table */
    } rows[] = {
        {"./Device/Vendor/MSFT/Policy/Config/Update/ActiveHoursEnd", "int"},
        {"./Vendor/MSFT/Policy/Config/Update/ActiveHoursEnd", "int"},
        {"./User/Vendor/MSFT/Policy/Config/Update/ActiveHoursEnd", NULL},
        {"./User/Vendor/MSFT/WiFi/Profile/A%20B/WlanXml", "chr"},
        {"./DevDetail/SwV", "chr"},
        {"./Device/Vendor/MSFT/DMClient/Provider/Touchdown/FirstSyncStatus/IsSyncDone", "bool"},
        {"./Device/Vendor/MSFT/WiFi/Profile/A/B/WlanXml", NULL},
        {"./Device/Vendor/MSFT/Nothing", NULL},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        const struct td_csp_node *n = td_csp_find(td_str(rows[i].uri));
        assert_int_equal(n != NULL, rows[i].format != NULL);
        if (n != NULL)
            assert_string_equal(n->format, rows[i].format);
    }
    for (size_t i = 0; i < td_csp_node_count; i++) { /* every row can be found by itself */
        const struct td_csp_node *n = &td_csp_nodes[i];
        const char *root = (n->scopes & TD_SCOPE_DEVICE) != 0 ? "./Device/" : "./User/";
        assert_ptr_equal(td_csp_find(td_str(td_arena_printf(&arena, "%s%s", root, n->path))), n);
        assert_true(n->ops != 0 && n->about[0] != '\0');
    }
}

/* autopilot.md 4.2: bits of the page, where it is shown, whom it waits for. */
static void pages_become_nodes(void **state TD_UNUSED)
{
    struct td_status_page p;
    td_status_page_defaults(true, &p); /* the type's: no page */
    assert_false(td_page_of(&p, true).show);
    p.show = 1;
    p.autopilot_only = 1;
    assert_true(td_page_of(&p, true).show);
    assert_false(td_page_of(&p, false).show);
    struct td_item_page page = td_page_of(&p, true);
    assert_true(page.allow_retry && page.show_to_every_user && !page.allow_reset && !page.allow_continue);
    assert_int_equal(page.timeout_minutes, 60);
    p.block_retry = p.allow_use = p.first_user_only = 1;
    page = td_page_of(&p, true);
    assert_true(!page.allow_retry && page.allow_continue && !page.show_to_every_user);

    struct td_item items[] = {{.id = "a", .kind = TD_ITEM_MSI, .tracked = true},
                              {.id = "b", .kind = TD_ITEM_MSI, .tracked = true},
                              {.id = "c", .kind = TD_ITEM_POLICY, .tracked = true}};
    td_page_untrack(&p, false, items, TD_COUNTOF(items), &arena);
    assert_true(items[0].tracked && items[1].tracked); /* no list: all apps block */
    p.apps = "[\"B\"]";
    p.allow_non_blocking = 0;
    td_page_untrack(&p, true, items, TD_COUNTOF(items), &arena);
    assert_true(items[0].tracked); /* a technician's page where every app fails it (E11) */
    p.allow_non_blocking = 1;
    td_page_untrack(&p, false, items, TD_COUNTOF(items), &arena);
    assert_true(!items[0].tracked && items[1].tracked && items[2].tracked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survives_writing), cmocka_unit_test(leaves_secrets_out), cmocka_unit_test(refuses_by_name),
        cmocka_unit_test(knows_nodes),      cmocka_unit_test(pages_become_nodes),
    };
    td_arena_init(&arena);
    int failed = cmocka_run_group_tests_name("item", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
