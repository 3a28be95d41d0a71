/* The audit: what is kept of a change, in which order, what is left out, and what can't flood it. */
#include "codec/json.h"
#include "store/audit.h"
#include "store/tenant.h"
#include "unit/store/folder.h"

struct box {
    char dir[FOLDER_NAME];
    struct td_env_fixed env;
    struct td_store *store;
    struct td_arena arena;
    struct td_tenant t;
    struct td_error err;
};

static struct box b;

static enum td_code make_tenant(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    return td_tenant_add(tx, "contoso.test", "Contoso", &b.arena, &b.t, err);
}

static int setup(void **state TD_UNUSED)
{
    memset(&b, 0, sizeof(b));
    b.store = folder_store(b.dir, &b.env);
    td_arena_init(&b.arena);
    assert_ok(td_store_write(b.store, make_tenant, NULL, &b.err));
    return 0;
}

static int teardown(void **state TD_UNUSED)
{
    folder_gone(b.dir, b.store);
    td_arena_done(&b.arena);
    return 0;
}

static enum td_code change_profile(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    char longest[4096];
    memset(longest, 'a', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    memcpy(longest + TD_AUDIT_VALUE - 1, "\xC3\xA4", 2); /* stands across the bound */
    const struct td_origin origin = {.request_id = "0a000000-0000-4000-8000-000000000001",
                                     .application_id = "0b000000-0000-4000-8000-000000000001",
                                     .user_id = "0c000000-0000-4000-8000-000000000001",
                                     .upn = "ada@contoso.test",
                                     .address = "192.0.2.7"};
    const struct td_change changes[] = {{"locale", "de-DE", "en-US"},
                                        {"displayName", "Sales", "Sales"},
                                        {"description", NULL, NULL},
                                        {"template", NULL, longest}};
    const struct td_audit what = {.type = "profile.changed",
                                  .actor = "ada@contoso.test",
                                  .kind = "profile",
                                  .id = "p-1",
                                  .name = "Sales \"1\"",
                                  .changes = changes,
                                  .count = TD_COUNTOF(changes)};
    td_tx_set_origin(tx, &origin);
    return td_audit_tell(tx, b.t.id, &what, err);
}

static enum td_code last_event(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_event *list = NULL;
    size_t n = 0;
    td_try(td_event_list(tx, b.t.id, NULL, 0, 500, &b.arena, &list, &n, err));
    *(struct td_event *)ctx = list[n - 1];
    return TD_OK;
}

static void what_is_kept(void **state TD_UNUSED)
{
    struct td_event e = {0};
    struct td_json *d = NULL;
    assert_ok(td_store_write(b.store, change_profile, NULL, &b.err));
    assert_ok(td_store_read(b.store, last_event, &e, &b.err));
    assert_string_equal(e.type, "profile.changed");
    assert_string_equal(e.actor, "ada@contoso.test");
    assert_ok(td_json_parse(td_str(e.detail), 65536, &b.arena, &d, &b.err));
    assert_string_equal(td_json_str(d, "kind"), "profile");
    assert_string_equal(td_json_str(d, "id"), "p-1");
    assert_string_equal(td_json_str(d, "name"), "Sales \"1\"");
    const struct td_json *first = td_json_get(d, "changes")->child, *second = first->next;
    assert_string_equal(td_json_str(first, "name"), "locale");
    assert_string_equal(td_json_str(first, "before"), "de-DE");
    assert_string_equal(td_json_str(first, "after"), "en-US");
    assert_string_equal(td_json_str(second, "name"), "template"); /* equal ones are left out */
    assert_null(td_json_str(second, "before"));
    assert_int_equal(strlen(td_json_str(second, "after")), TD_AUDIT_VALUE - 1); /* no half character */
    assert_null(second->next);
}

struct row {
    int64_t directory, failed;
    const char *id, *category, *activity, *operation, *reason, *resource, *target, *name, *actor, *account, *upn, *app,
        *address, *correlation;
};

struct rows {
    struct row list[64];
    size_t count;
};

static enum td_code read_rows(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct rows *out = ctx;
    struct td_rows r;
    struct td_arena *a = &b.arena;
    td_try(td_sql_query(tx, &r, err,
                        "SELECT directory, failed, id, category, activity, operation, reason, resource, target,"
                        " target_name, actor, account, upn, application, address, correlation"
                        " FROM audit WHERE tenant = $1 AND kind <> 'tenant' ORDER BY id DESC",
                        "s", b.t.id));
    out->count = 0;
    while (td_rows_next(&r)) {
        struct row *w = &out->list[out->count++ % 64];
        *w = (struct row){
            td_col_int(&r, 0),      td_col_int(&r, 1),      td_col_text(&r, 2, a),  td_col_text(&r, 3, a),
            td_col_text(&r, 4, a),  td_col_text(&r, 5, a),  td_col_text(&r, 6, a),  td_col_text(&r, 7, a),
            td_col_text(&r, 8, a),  td_col_text(&r, 9, a),  td_col_text(&r, 10, a), td_col_text(&r, 11, a),
            td_col_text(&r, 12, a), td_col_text(&r, 13, a), td_col_text(&r, 14, a), td_col_text(&r, 15, a)};
    }
    return td_rows_done(&r, err);
}

static void what_people_look_for(void **state TD_UNUSED)
{
    struct rows all = {0};
    assert_ok(td_store_write(b.store, change_profile, NULL, &b.err));
    assert_ok(td_store_read(b.store, read_rows, &all, &b.err));
    assert_int_equal(all.count, 1);
    const struct row *r = &all.list[0];
    assert_int_equal(r->directory, 0);
    assert_int_equal(r->failed, 0);
    assert_string_equal(r->category, "Enrollment");
    assert_string_equal(r->activity, "Patch WindowsAutopilotDeploymentProfile");
    assert_string_equal(r->operation, "Patch");
    assert_string_equal(r->target, "p-1");
    assert_string_equal(r->upn, "ada@contoso.test");
    assert_string_equal(r->account, "0c000000-0000-4000-8000-000000000001");
    assert_string_equal(r->app, "0b000000-0000-4000-8000-000000000001");
    assert_string_equal(r->address, "192.0.2.7");
    assert_string_equal(r->correlation, "0a000000-0000-4000-8000-000000000001");
    assert_string_equal(r->reason, "");
}

static enum td_code by_nobody(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct td_audit what = {.type = "group.added", .actor = "command line", .kind = "group", .name = ctx};
    *(bool *)((char *)ctx + 8) = td_tx_origin(tx) == NULL;
    return td_audit_tell(tx, b.t.id, &what, err);
}

struct waiting {
    struct td_error err;
    int rc;
};

static void told(void *ctx, enum td_code rc)
{
    __atomic_store_n(&((struct waiting *)ctx)->rc, (int)rc, __ATOMIC_SEQ_CST);
}

/* Writes that share one commit do not share their origin. */
static void origins_end_with_their_function(void **state TD_UNUSED)
{
    struct waiting first = {.rc = -1};
    struct rows all = {0};
    char second[16] = "x";
    td_store_write_later(b.store, change_profile, &first, &first.err, told);
    assert_ok(td_store_write(b.store, by_nobody, second, &b.err));
    assert_true(second[8]);
    assert_ok(td_store_write(b.store, by_nobody, second, &b.err)); /* the first is done by now: they run in order */
    assert_int_equal(__atomic_load_n(&first.rc, __ATOMIC_SEQ_CST), TD_OK);
    assert_ok(td_store_read(b.store, read_rows, &all, &b.err));
    assert_string_equal(all.list[1].upn, "");
    assert_string_equal(all.list[1].correlation, "");
    assert_int_equal(all.list[1].directory, 1);
    assert_string_equal(all.list[1].activity, "Add Group");
}

static enum td_code many(struct td_tx *tx, void *ctx, struct td_error *err)
{
    char name[16];
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "%02d", *(int *)ctx + i);
        const struct td_audit what = {.type = "user.changed", .kind = "user", .name = name};
        td_try(td_audit_tell(tx, b.t.id, &what, err));
    }
    return TD_OK;
}

/* The clock stands still: positions alone order what one moment brought, within a commit and between them;
 * the newest has the least id. */
static void ids_fall(void **state TD_UNUSED)
{
    struct rows all = {0};
    for (int i = 0; i < 40; i += 20)
        assert_ok(td_store_write(b.store, many, &i, &b.err));
    assert_ok(td_store_read(b.store, read_rows, &all, &b.err));
    assert_int_equal(all.count, 40);
    for (int i = 0; i < 40; i++) {
        char guid[TD_UUID_TEXT];
        assert_int_equal(atol(all.list[i].name), i);
        assert_true(td_uuid_parse(td_str(all.list[i].id), guid));
        assert_int_equal(all.list[i].id[14], '8');
    }
}

static enum td_code deny(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_audit_denied(tx, b.t.id, ctx, "DELETE users", "no role for that", err);
}

static void denied_ones_are_bounded(void **state TD_UNUSED)
{
    struct rows all = {0};
    for (int i = 0; i < TD_AUDIT_DENIED + 5; i++)
        assert_ok(td_store_write(b.store, deny, "mallory@contoso.test", &b.err));
    assert_ok(td_store_write(b.store, deny, "eve@contoso.test", &b.err));
    assert_ok(td_store_read(b.store, read_rows, &all, &b.err));
    assert_int_equal(all.count, TD_AUDIT_DENIED + 1);
    assert_int_equal(all.list[0].failed, 1);
    assert_string_equal(all.list[0].reason, "no role for that");
    assert_string_equal(all.list[0].name, "DELETE users");
    b.env.now += 11 * TD_MINUTE;
    assert_ok(td_store_write(b.store, deny, "mallory@contoso.test", &b.err));
    assert_ok(td_store_read(b.store, read_rows, &all, &b.err));
    assert_int_equal(all.count, TD_AUDIT_DENIED + 2);
}

static void meanings(void **state TD_UNUSED)
{
    static const struct {
        const char *type, *kind, *category, *activity, *operation;
        bool directory;
    } rows[] = {
        {"registration.added", NULL, "Enrollment", "Create WindowsAutopilotDeviceIdentity", "Create", false},
        {"device.tagged", "registration", "Enrollment", "Patch WindowsAutopilotDeviceIdentity", "Patch", false},
        {"profile.removed", "profile", "Enrollment", "Delete WindowsAutopilotDeploymentProfile", "Delete", false},
        {"profile.assigned", "profile", "Enrollment", "Assign WindowsAutopilotDeploymentProfile", "Action", false},
        {"group.member-added", "group", "GroupManagement", "Add member to Group", "Assign", true},
        {"user.removed", "user", "UserManagement", "Delete User", "Delete", true},
        {"kettle.boiled", "kettle", "Other", "Act on Other", "Action", false},
        {"", "", "Other", "Act on Other", "Action", false},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_audit_meaning m;
        td_audit_meaning(rows[i].type, rows[i].kind, &m);
        assert_string_equal(m.category, rows[i].category);
        assert_string_equal(m.activity, rows[i].activity);
        assert_string_equal(m.operation, rows[i].operation);
        assert_int_equal(m.directory, rows[i].directory);
    }
}

/* Whatever an event of device management is called, its category is listed. */
static void categories(void **state TD_UNUSED)
{
    struct td_audit_meaning m;
    size_t n = 0;
    for (const char *const *c = td_audit_categories(); *c != NULL; c++)
        for (size_t i = 0; td_audit_activity(*c, i, &m); i++, n++)
            assert_string_equal(m.category, *c);
    assert_true(n > 20);
    assert_true(td_audit_activity("enrollment", 0, &m));
    assert_string_equal(m.activity, "Create WindowsAutopilotDeviceIdentity");
    assert_false(td_audit_activity("UserManagement", 0, &m));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(what_people_look_for, setup, teardown),
        cmocka_unit_test_setup_teardown(origins_end_with_their_function, setup, teardown),
        cmocka_unit_test_setup_teardown(ids_fall, setup, teardown),
        cmocka_unit_test_setup_teardown(denied_ones_are_bounded, setup, teardown),
        cmocka_unit_test(meanings),
        cmocka_unit_test(categories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
