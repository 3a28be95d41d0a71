/* Every view of the interface: each of its columns can be asked for, filtered and ordered by, and those that grow with
 * the devices give their first and later pages by an index. */
#include "store/views.h"
#include "unit/store/folder.h"

static struct td_store *store;
static char dir[FOLDER_NAME];
static struct td_env_fixed env;

/* grows: with devices, users or what they do. */
static const struct {
    const struct td_view *view;
    bool grows;
} views[] = {
    {&td_view_registrations, true},
    {&td_view_managed, true},
    {&td_view_managed_user, false},
    {&td_view_configuration_state, false},
    {&td_view_deployment, true},
    {&td_view_policy_detail, false},
    {&td_view_app, false},
    {&td_view_configuration, false},
    {&td_view_configuration_assignment, false},
    {&td_view_approval, false},
    {&td_view_log_collection, true},
    {&td_view_local_credential, true},
    {&td_view_imports, true},
    {&td_view_identifiers, true},
    {&td_view_requests, false},
    {&td_view_audit_events, true},
    {&td_view_directory_audits, true},
    {&td_view_organization, false},
    {&td_view_tpm_makers, false},
    {&td_view_domains, false},
    {&td_view_group, false},
    {&td_view_device, true},
    {&td_view_user, true},
    {&td_view_member, false},
    {&td_view_member_of, false},
    {&td_view_directory_object, false},
    {&td_view_device_owner, false},
};

struct question {
    const struct td_view *view;
    struct td_view_ask ask;
    struct td_arena *arena;
    struct td_view_page page;
    const char *plan;
};

static enum td_code run(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct question *q = ctx;
    return td_view_page(tx, "t", q->view, &q->ask, q->arena, &q->page, err);
}

static enum td_code plan(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct question *q = ctx;
    return td_view_plan(tx, "t", q->view, &q->ask, q->arena, &q->plan, err);
}

static void answered(struct question *q, const char *column, const char *what)
{
    struct td_error err = {0};
    if (td_store_read(store, run, q, &err) != TD_OK)
        fail_msg("%s/%s, %s: %s: %s", q->view->name, column, what, err.where, err.text);
}

static void ask_column(const struct td_view *v, const struct td_view_column *c)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_od_value null = {.kind = TD_OD_NULL, .text = "null"}, text = {.kind = TD_OD_TEXT, .text = "abc"};
    bool list = c->type == TD_V_TEXTS, is_text = c->type == TD_V_TEXT;
    struct td_od_expr leaf = {.op = is_text ? TD_OD_CONTAINS : TD_OD_NE, .path = c->name};
    struct td_od_expr item = {.op = TD_OD_CONTAINS, .path = "", .item = true, .values = &text, .value_count = 1};
    struct td_od_expr any = {.op = TD_OD_ANY, .path = c->name, .left = &item};
    struct td_od_order order = {c->name, false};
    struct question q = {.view = v, .arena = &a, .ask = {.top = 10, .count = true}};
    leaf.values = is_text ? &text : &null;
    leaf.value_count = 1;
    if (c->type == TD_V_JSON || c->name[0] == '~' || (list ? c->items == NULL : c->sql == NULL))
        return;
    q.ask.filter = list ? &any : &leaf;
    answered(&q, c->name, "filter");
    if (list)
        return;
    q.ask.filter = NULL;
    q.ask.order = &order;
    q.ask.order_count = 1;
    answered(&q, c->name, "order");
}

static void every_column_can_be_asked(void **state TD_UNUSED)
{
    for (size_t i = 0; i < TD_COUNTOF(views); i++)
        for (size_t c = 0; c < views[i].view->count; c++)
            ask_column(views[i].view, &views[i].view->columns[c]);
}

static void tables_are_well_made(void **state TD_UNUSED)
{
    for (size_t i = 0; i < TD_COUNTOF(views); i++) {
        const struct td_view *v = views[i].view;
        if (v->count == 0 || td_view_column_at(v, TD_S("id")) < 0)
            fail_msg("%s has no id", v->name);
        for (size_t c = 0; c < v->count; c++) {
            if (td_view_column_at(v, td_str(v->columns[c].name)) != (int)c)
                fail_msg("%s names %s twice", v->name, v->columns[c].name);
            if (v->columns[c].type == TD_V_ENUM && v->columns[c].words == NULL)
                fail_msg("%s/%s has no words", v->name, v->columns[c].name);
            if (v->columns[c].indexed && v->columns[c].fold == NULL && v->columns[c].type == TD_V_TEXT)
                fail_msg("%s/%s is said to be indexed and has nothing to compare by", v->name, v->columns[c].name);
        }
    }
}

/* Sorting or reading everything for one page would make long lists slow. */
static void long_lists_go_by_an_index(void **state TD_UNUSED)
{
    for (size_t i = 0; i < TD_COUNTOF(views); i++) {
        TD_CLEANUP(td_arena_done) struct td_arena a = {0};
        struct td_error err = {0};
        struct question q = {.view = views[i].view, .arena = &a, .ask = {.top = 10}};
        if (!views[i].grows)
            continue;
        if (td_store_read(store, plan, &q, &err) != TD_OK)
            fail_msg("%s: %s", q.view->name, err.text);
        if (strstr(q.plan, "TEMP B-TREE") != NULL || strncmp(q.plan, "SCAN", 4) == 0)
            fail_msg("%s:\n%s", q.view->name, q.plan);
    }
}

static int set_up(void **state TD_UNUSED)
{
    store = folder_store(dir, &env);
    return 0;
}

static int tear_down(void **state TD_UNUSED)
{
    folder_gone(dir, store);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_well_made),
        cmocka_unit_test(every_column_can_be_asked),
        cmocka_unit_test(long_lists_go_by_an_index),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
