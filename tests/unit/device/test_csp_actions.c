/* device/csp: nodes that act on the whole machine: they take an order, tell how far it is, and promise nothing more. */
#include "csp_world.h"
#include "device/csp/table.h"
#include "way/action.h"

#define WIPE "./Device/Vendor/MSFT/RemoteWipe/"
#define RESET WIPE "AutomaticRedeployment/"
#define LAPS "./Device/Vendor/MSFT/LAPS/"
#define ARCHIVE "./Vendor/MSFT/DiagnosticLog/DiagnosticArchive/"
#define COLLECTION(id, url)                                                                        \
    "<Collection><ID>" id "</ID><SasUrl><![CDATA[" url "]]></SasUrl><FoldersFiles>%windir%\\a.log" \
    "</FoldersFiles></Collection>"
#define SOME_ID "F1E20CB4-9789-4F6B-8F6A-766989764C6D"

struct orders { /* what the machine was told, and what it answers */
    struct csp_world world;
    char kind[40], uri[160];
    int count, status;
    uint32_t hresult;
    const char *reset_status;
};

static int take_order(void *ctx, const char *kind, const char *uri, uint32_t *ret_hresult)
{
    struct orders *o = ctx;
    (void)snprintf(o->kind, sizeof(o->kind), "%s", kind);
    (void)snprintf(o->uri, sizeof(o->uri), "%s", uri);
    o->count++;
    *ret_hresult = o->hresult;
    return o->status;
}

static const char *fact(void *ctx, const char *name, struct td_arena *a)
{
    const struct orders *o = ctx;
    return strcmp(name, "reset-status") == 0 ? o->reset_status : csp_world_fact(ctx, name, a);
}

static void begin(struct orders *o)
{
    csp_world_open(&o->world);
    td_csp_close(o->world.csp);
    const struct td_csp_config config = {
        .dir = o->world.dir, .env = &o->world.env.env, .fact = fact, .order = take_order, .ctx = o};
    assert_ok(td_csp_open(&config, &o->world.csp, NULL));
    o->kind[0] = o->uri[0] = '\0';
    o->count = 0;
    o->status = 200;
    o->hresult = 0;
    o->reset_status = NULL;
}

static struct td_csp_answer run(struct orders *o, enum td_csp_op op, const char *uri, const char *data)
{
    return csp_world_do(&o->world, op, uri, "", data);
}

static void every_order_has_its_kind(void **state TD_UNUSED)
{
    static const char *const nodes[][2] = {
        {WIPE "doWipe", "wipe"},
        {WIPE "doWipeProtected", "protected-wipe"},
        {WIPE "doWipePersistProvisionedData", "wipe-keep-provisioning"},
        {WIPE "doWipePersistUserData", "wipe-keep-user-data"},
        {WIPE "doWipeCloud", "cloud-wipe"},
        {WIPE "doWipeCloudPersistProvisionedData", "wipe-keep-provisioning"},
        {WIPE "doWipeCloudPersistUserData", "wipe-keep-user-data"},
        {RESET "doAutomaticRedeployment", "reset"},
        {"./Device/Vendor/MSFT/CleanPC/CleanPCRetainingUserData", "fresh-start-keep-user-data"},
        {"./Device/Vendor/MSFT/CleanPC/CleanPCWithoutRetainingUserData", "fresh-start"},
    };
    struct orders o;
    begin(&o);
    for (size_t i = 0; i < TD_COUNTOF(nodes); i++) {
        assert_int_equal(run(&o, TD_CSP_EXEC, nodes[i][0], "").status, 200);
        assert_int_equal(o.count, (int)i + 1);
        assert_string_equal(o.kind, nodes[i][1]);
        assert_string_equal(o.uri, nodes[i][0]);
        assert_true(td_action_by_word(td_str(o.kind)) >= 0);
        assert_int_equal(run(&o, TD_CSP_GET, nodes[i][0], "").status, 405);
        assert_int_equal(run(&o, TD_CSP_REPLACE, nodes[i][0], "").status, 405);
    }
    assert_int_equal(o.count, (int)TD_COUNTOF(nodes)); /* reading and writing order nothing */
    csp_world_close(&o.world);
}

/* What the service's table executes is a node here, and means the same. */
static void the_service_and_the_device_mean_the_same(void **state TD_UNUSED)
{
    struct orders o;
    begin(&o);
    for (int kind = 0; kind < TD_ACTION_KIND_COUNT; kind++) {
        const struct td_action_row *row = &td_action_rows[kind];
        if (strstr(row->uri, "/RemoteWipe/") == NULL && strstr(row->uri, "/CleanPC/") == NULL)
            continue;
        assert_int_equal(run(&o, TD_CSP_EXEC, row->uri, "").status, 200);
        assert_string_equal(o.kind, row->word);
    }
    csp_world_close(&o.world);
}

static void a_refusal_is_told_with_its_number(void **state TD_UNUSED)
{
    struct orders o;
    begin(&o);
    o.status = 500;
    o.hresult = 0x80070032;
    struct td_csp_answer got = run(&o, TD_CSP_EXEC, RESET "doAutomaticRedeployment", "");
    assert_int_equal(got.status, 500);
    assert_int_equal(got.hresult, 0x80070032);
    csp_world_close(&o.world);
}

/* What can't be rolled back is not begun where it might have to be. */
static void no_order_inside_an_atomic(void **state TD_UNUSED)
{
    struct orders o;
    begin(&o);
    td_csp_put(o.world.csp, "@something", "chr", "1");
    td_csp_begin(o.world.csp);
    assert_int_equal(run(&o, TD_CSP_EXEC, WIPE "doWipe", "").status, 500);
    assert_int_equal(o.count, 0);
    td_csp_rollback(o.world.csp);
    assert_int_equal(run(&o, TD_CSP_EXEC, WIPE "doWipe", "").status, 200);
    assert_int_equal(o.count, 1);
    csp_world_close(&o.world);
}

static void a_machine_that_can_not_answers_405(void **state TD_UNUSED)
{
    struct csp_world w;
    csp_world_open(&w);
    assert_int_equal(csp_world_do(&w, TD_CSP_EXEC, WIPE "doWipe", "", "").status, 405);
    assert_int_equal(csp_world_do(&w, TD_CSP_EXEC, "./Device/Vendor/MSFT/RemoteLock/Lock", "", "").status, 405);
    csp_world_close(&w);
}

static void status_is_the_machines_own(void **state TD_UNUSED)
{
    struct orders o;
    begin(&o);
    assert_string_equal(run(&o, TD_CSP_GET, RESET "Status", "").data, "0");
    assert_string_equal(run(&o, TD_CSP_GET, RESET "LastError", "").data, "0");
    o.reset_status = "20";
    struct td_csp_answer got = run(&o, TD_CSP_GET, RESET "Status", "");
    assert_string_equal(got.data, "20");
    assert_string_equal(got.format, "int");
    assert_int_equal(run(&o, TD_CSP_REPLACE, RESET "Status", "1").status, 405);
    csp_world_close(&o.world);
}

static void a_password_is_reset_where_it_is_kept(void **state TD_UNUSED)
{
    struct orders o;
    begin(&o);
    assert_int_equal(run(&o, TD_CSP_EXEC, LAPS "Actions/ResetPassword", "").status, 500);
    assert_null(td_csp_value(o.world.csp, "@laps.asked"));
    assert_int_equal(run(&o, TD_CSP_ADD, LAPS "Policies/BackupDirectory", "3").status, 500);
    assert_int_equal(run(&o, TD_CSP_ADD, LAPS "Policies/BackupDirectory", "1").status, 200);
    assert_int_equal(run(&o, TD_CSP_ADD, LAPS "Policies/PasswordLength", "7").status, 500);
    assert_int_equal(run(&o, TD_CSP_ADD, LAPS "Policies/PasswordAgeDays", "30").status, 200); /* as csp.md 17 does */
    assert_int_equal(run(&o, TD_CSP_EXEC, LAPS "Actions/ResetPassword", "").status, 200);
    assert_non_null(td_csp_value(o.world.csp, "@laps.asked"));
    assert_string_equal(run(&o, TD_CSP_GET, LAPS "Actions/ResetPasswordStatus", "").data, "-2147483638");
    csp_world_close(&o.world);
}

static void an_archive_goes_nowhere_unproven(void **state TD_UNUSED)
{
    static const struct {
        const char *data;
        int status;
    } rows[] = {
        {"", 500},
        {"<Collection>", 500},
        {"<Other/>", 500},
        {COLLECTION("not-an-id", "https://x.test/up"), 500},
        {COLLECTION(SOME_ID, "http://x.test/up"), 500},
        {COLLECTION(SOME_ID, ""), 500},
        {COLLECTION(SOME_ID, "https://x.test/up?sig=a&b=c"), 200},
    };
    struct orders o;
    begin(&o);
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        assert_int_equal(run(&o, TD_CSP_EXEC, ARCHIVE "ArchiveDefinition", rows[i].data).status, rows[i].status);
        size_t at = 0;
        const char *job = td_csp_each(o.world.csp, "@archive/", &at);
        assert_int_equal(job != NULL, rows[i].status == 200);
    }
    csp_world_close(&o.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_has_its_kind),
        cmocka_unit_test(the_service_and_the_device_mean_the_same),
        cmocka_unit_test(a_refusal_is_told_with_its_number),
        cmocka_unit_test(no_order_inside_an_atomic),
        cmocka_unit_test(a_machine_that_can_not_answers_405),
        cmocka_unit_test(status_is_the_machines_own),
        cmocka_unit_test(a_password_is_reset_where_it_is_kept),
        cmocka_unit_test(an_archive_goes_nowhere_unproven),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
