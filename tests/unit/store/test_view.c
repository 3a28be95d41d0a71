/* Views over a store: what a question finds, in which order, how pages go on, and by which index. */
#include "store/registration.h"
#include "store/views.h"
#include "unit/store/folder.h"

#include <stdio.h>

static struct td_arena arena;
static struct td_store *store;
static char dir[FOLDER_NAME];
static struct td_env_fixed env;
static struct td_error err;

enum { MANY = 5000 };

static enum td_code add_row(struct td_tx *tx, const char *tenant, int i, const char *serial, const char *tag,
                            const char *user, struct td_error *e)
{
    char id[40];
    snprintf(id, sizeof(id), "%08x-0000-4000-8000-%012d", (unsigned)i * 2654435761U, i);
    return td_sql(tx, e,
                  "INSERT INTO registration(tenant, id, way_id, device_id, serial, serial_key, manufacturer, model,"
                  " sku, family, product_key, group_tag, purchase_order, assigned_user, display_name, warning,"
                  " profile_id, profile_at, created_at, modified_at) VALUES ($1, $2, '', '', $3, $3, 'Contoso', $4, '',"
                  " '', '', $5, '', $6, '', '', '', 0, 0, 0)",
                  "ssssss", tenant, id, serial, i % 2 != 0 ? "Book 1" : "Book 2", tag, user);
}

static enum td_code fill(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *e)
{
    static const char *const tenants[] = {"t", "other", "third"};
    static const char *const tags[] = {"SALES", "Kiosk", "lab", ""};
    char serial[32], user[32];
    for (size_t t = 0; t < TD_COUNTOF(tenants); t++) {
        td_try(
            td_sql(tx, e, "INSERT INTO tenant(id, name, domain, created_at) VALUES ($1, $1, $1, 0)", "s", tenants[t]));
        for (int i = 0; t < 2 && i < MANY; i++) {
            snprintf(serial, sizeof(serial), "SN-%05dx%c", i, "abcAB"[i % 5]);
            snprintf(user, sizeof(user), "user%d@contoso.test", i % 100);
            td_try(add_row(tx, tenants[t], i, serial, tags[i % 4], user, e));
        }
    }
    return TD_OK;
}

static enum td_code index_all(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *e)
{
    size_t done = 1;
    while (done != 0)
        td_try(td_view_index(tx, 400, &done, e));
    return TD_OK;
}

static int set_up(void **state TD_UNUSED)
{
    store = folder_store(dir, &env);
    assert_ok(td_store_write(store, fill, NULL, &err));
    assert_ok(td_store_write(store, index_all, NULL, &err));
    return 0;
}

static int tear_down(void **state TD_UNUSED)
{
    folder_gone(dir, store);
    td_arena_done(&arena);
    return 0;
}

struct question {
    const char *query;
    struct td_view_ask ask;
    struct td_view_page page;
    const char *plan;
    const char *tenant;
};

static enum td_code run_page(struct td_tx *tx, void *ctx, struct td_error *e)
{
    struct question *q = ctx;
    return td_view_page(tx, q->tenant, &td_view_registrations, &q->ask, &arena, &q->page, e);
}

static enum td_code run_plan(struct td_tx *tx, void *ctx, struct td_error *e)
{
    struct question *q = ctx;
    return td_view_plan(tx, q->tenant, &td_view_registrations, &q->ask, &arena, &q->plan, e);
}

/* The query as a caller sends it: its filter, order, search, top. */
static struct question question(const char *query)
{
    struct question q = {.query = query, .tenant = "t"};
    struct td_od_query *parsed = td_arena_new(&arena, struct td_od_query);
    if (td_od_query_parse(td_str(query), &arena, parsed, &err) != TD_OK)
        fail_msg("%s: %s: %s", query, err.where, err.text);
    q.ask = (struct td_view_ask){.filter = parsed->filter,
                                 .order = parsed->order,
                                 .order_count = parsed->order_count,
                                 .search = parsed->search,
                                 .search_property = parsed->search_property,
                                 .top = parsed->top > 0 ? (size_t)parsed->top : 100,
                                 .skip = parsed->skip,
                                 .count = parsed->count};
    return q;
}

static struct td_view_page ask(const char *query)
{
    struct question q = question(query);
    if (td_store_read(store, run_page, &q, &err) != TD_OK)
        fail_msg("%s: %s: %s", query, err.where, err.text);
    return q.page;
}

static const char *plan(const char *query)
{
    struct question q = question(query);
    if (td_store_read(store, run_plan, &q, &err) != TD_OK)
        fail_msg("%s: %s: %s", query, err.where, err.text);
    return q.plan;
}

static int64_t count_of(const char *query)
{
    return ask(query).total;
}

static void refused(const char *query, const char *where)
{
    struct question q = question(query);
    err = (struct td_error){0};
    if (td_store_read(store, run_page, &q, &err) != TD_EINVAL || strcmp(err.where, where) != 0)
        fail_msg("%s: code %d at %s: %s", query, err.code, err.where, err.text);
    assert_true(err.text[0] != '\0');
}

static void filters_find_what_they_say(void **state TD_UNUSED)
{
    static const struct {
        const char *filter;
        int64_t count;
    } rows[] = {
        {"serialNumber eq 'sn-00007XC'", 1},
        {"serialNumber eq 'SN-00007x'", 0},
        {"contains(serialNumber,'0007')", 11}, /* 00007, 00070 to 00079 */
        {"groupTag eq 'sales'", MANY / 4},
        {"groupTag eq ''", MANY / 4},
        {"groupTag ne 'SALES'", MANY / 4 * 3},
        {"groupTag in ('SALES','KIOSK')", MANY / 2},
        {"startswith(serialNumber,'sn-0000')", 10},
        {"startswith(serialNumber,'')", MANY},
        {"endswith(serialNumber,'XB')", MANY / 5 * 2},
        {"not startswith(serialNumber,'sn-0000')", MANY - 10},
        {"serialNumber gt 'sn-04997' and serialNumber le 'sn-04999z'", 3},
        {"enrollmentState eq 'notContacted'", MANY},
        {"enrollmentState ne 'NOTCONTACTED'", 0},
        {"deploymentProfileAssignmentStatus in ('notAssigned','failed')", MANY},
        {"lastContactedDateTime eq null", MANY},
        {"lastContactedDateTime eq 0001-01-01T00:00:00Z", MANY},
        {"lastContactedDateTime gt 2026-01-01T00:00:00Z", 0},
        {"displayName eq null", 0},
        {"displayName ne null", MANY},
        {"model eq 'book 1' or model eq 'book 2'", MANY},
        {"contains(userPrincipalName,'USER99@')", MANY / 100},
        {"contains(userPrincipalName,'9@')", MANY / 10},
        {"contains(groupTag,'user99@')", 0}, /* the index finds the user */
        {"contains(userPrincipalName,'%25')", 0},
        {"contains(model,'book')", MANY},
        {"tolower(serialNumber) eq 'sn-00000xa'", 1},
        {"id eq '00000000-0000-4000-8000-000000000000'", 1},
        {"id eq '00000000-0000-4000-8000-00000000000'", 0},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        const char *query = td_arena_printf(&arena, "$filter=%s&$count=true&$top=1", rows[i].filter);
        int64_t got = count_of(query);
        if (got != rows[i].count)
            fail_msg("%s: %lld rows, not %lld", rows[i].filter, (long long)got, (long long)rows[i].count);
    }
}

static void what_cannot_be_asked_is_named(void **state TD_UNUSED)
{
    refused("$filter=colour eq 'red'", "colour");
    refused("$filter=enrollmentState eq 'enroled'", "enrollmentState");
    refused("$filter=enrollmentState eq 1", "enrollmentState");
    refused("$filter=serialNumber eq 5", "serialNumber");
    refused("$filter=lastContactedDateTime gt 'yesterday'", "lastContactedDateTime");
    refused("$filter=contains(enrollmentState,'en')", "enrollmentState");
    refused("$filter=serialNumber/any(s:s eq 'x')", "serialNumber");
    refused("$filter=isof('microsoft.graph.win32LobApp')", "isof");
    refused("$orderby=colour", "colour");
    refused("$search=\"colour:red\"", "colour");
}

struct change {
    const char *sql;
};

static enum td_code change(struct td_tx *tx, void *ctx, struct td_error *e)
{
    return td_sql(tx, e, ((const struct change *)ctx)->sql, "");
}

static void changed(const char *sql)
{
    struct change c = {sql};
    assert_ok(td_store_write(store, change, &c, &err));
}

static enum td_code add_one(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *e)
{
    return add_row(tx, "t", 42, "SN-00042xc", "lab", "user42@contoso.test", e);
}

static void contains_finds_rows_that_changed_since(void **state TD_UNUSED)
{
    static const char old[] = "$filter=contains(serialNumber,'00042')&$count=true";
    static const char new[] = "$filter=contains(serialNumber,'Zebra')&$count=true";
    for (int indexed = 0; indexed < 2; indexed++) { /* by the noted rows, then by the index */
        changed("UPDATE registration SET serial = 'ZEBRA-1' WHERE tenant = 't' AND serial = 'SN-00042xb'"
                " OR tenant = 't' AND serial = 'SN-00042xc'");
        if (indexed != 0)
            assert_ok(td_store_write(store, index_all, NULL, &err));
        assert_int_equal(count_of(old), 0);
        assert_int_equal(count_of(new), 1);
        changed("UPDATE registration SET serial = 'SN-00042xc' WHERE serial = 'ZEBRA-1'");
        if (indexed != 0)
            assert_ok(td_store_write(store, index_all, NULL, &err));
        assert_int_equal(count_of(old), 1);
        assert_int_equal(count_of(new), 0);
    }
    changed("DELETE FROM registration WHERE tenant = 't' AND serial = 'SN-00042xc'");
    assert_int_equal(count_of(old), 0);
    assert_ok(td_store_write(store, index_all, NULL, &err));
    assert_int_equal(count_of(old), 0);
    assert_ok(td_store_write(store, add_one, NULL, &err));
    assert_int_equal(count_of(old), 1);
}

/* Follows a list to its end; every row once, in order, however many share a value. */
static size_t walk(const char *query, size_t top, const char *order)
{
    struct question q = question(query);
    size_t seen = 0;
    const char *last = "";
    char *here;
    q.ask.top = top;
    do {
        if (td_store_read(store, run_page, &q, &err) != TD_OK)
            fail_msg("%s: %s: %s", query, err.where, err.text);
        for (size_t i = 0; i < q.page.count; i++, seen++) {
            here = td_arena_printf(&arena, "%s %s", td_view_text(&q.page.rows[i], order),
                                   td_view_text(&q.page.rows[i], "id"));
            td_lower(here);
            if (strstr(query, "desc") != NULL ? seen != 0 && strcmp(here, last) >= 0 : strcmp(here, last) <= 0)
                fail_msg("%s: '%s' behind '%s'", query, here, last);
            last = here;
        }
        q.ask.after = q.page.next;
    } while (q.page.next != NULL);
    return seen;
}

static void pages_give_every_row_once(void **state TD_UNUSED)
{
    assert_int_equal(walk("", 999, "id"), MANY);
    assert_int_equal(walk("$orderby=groupTag", 700, "groupTag"), MANY);
    assert_int_equal(walk("$orderby=groupTag desc", 700, "groupTag"), MANY);
    assert_int_equal(walk("$orderby=model", 1000, "model"), MANY);
    assert_int_equal(walk("$orderby=manufacturer,model desc", 1000, "model"), MANY);
    assert_int_equal(walk("$orderby=id desc&$filter=groupTag eq 'lab'", 7, "id"), MANY / 4);
    assert_int_equal(walk("$filter=contains(userPrincipalName,'user17@')", 7, "id"), MANY / 100);
}

static void a_token_of_another_list_is_refused(void **state TD_UNUSED)
{
    static const char *const tokens[] = {"", "x", "W10", "WyJhIl0", "eyJhIjoxfQ", "WzEsMiwzXQ"};
    struct question q = question("$orderby=groupTag");
    assert_ok(td_store_read(store, run_page, &q, &err));
    assert_non_null(q.page.next);
    const char *next = q.page.next;
    struct question by_id = question(""), down = question("$orderby=groupTag desc");
    by_id.ask.after = down.ask.after = next;
    assert_int_equal(td_store_read(store, run_page, &by_id, &err), TD_EINVAL);
    assert_int_equal(td_store_read(store, run_page, &down, &err), TD_EINVAL);
    assert_string_equal(err.where, "$skiptoken");
    for (size_t i = 0; i < TD_COUNTOF(tokens); i++) {
        q.ask.after = tokens[i];
        assert_int_equal(td_store_read(store, run_page, &q, &err), TD_EINVAL);
    }
}

/* What is added or taken away before the mark neither repeats nor hides a row behind it. */
static void pages_stay_while_rows_change(void **state TD_UNUSED)
{
    struct question q = question("$top=10");
    assert_ok(td_store_read(store, run_page, &q, &err));
    const char *first = td_view_text(&q.page.rows[0], "id"), *last = td_view_text(&q.page.rows[9], "id");
    q.ask.after = q.page.next;
    assert_ok(td_store_read(store, run_page, &q, &err));
    const char *behind = td_view_text(&q.page.rows[0], "id");
    changed(td_arena_printf(&arena,
                            "UPDATE registration SET id = '00000000-0000-4000-8000-00000000000a'"
                            " WHERE tenant = 't' AND id = '%s'",
                            first));
    changed(td_arena_printf(&arena, "UPDATE registration SET tenant = 'third' WHERE tenant = 't' AND id = '%s'", last));
    assert_ok(td_store_read(store, run_page, &q, &err));
    assert_string_equal(td_view_text(&q.page.rows[0], "id"), behind);
    changed(td_arena_printf(&arena, "UPDATE registration SET tenant = 't' WHERE tenant = 'third' AND id = '%s'", last));
    changed(td_arena_printf(&arena,
                            "UPDATE registration SET id = '%s' WHERE tenant = 't'"
                            " AND id = '00000000-0000-4000-8000-00000000000a'",
                            first));
}

static void one_row_is_found_in_any_case(void **state TD_UNUSED)
{
    struct question q = question("$top=1");
    q.ask.equals[q.ask.equal_count++] = (struct td_view_equal){"ID", "00000000-0000-4000-8000-00000000000"
                                                                     "0"};
    assert_ok(td_store_read(store, run_page, &q, &err));
    assert_int_equal(q.page.count, 1);
    assert_string_equal(td_view_text(&q.page.rows[0], "serialNumber"), "SN-00000xa");
    assert_string_equal(td_view_text(&q.page.rows[0], "enrollmentState"), "notContacted");
    assert_string_equal(td_view_text(&q.page.rows[0], "remediationState"), "noRemediationRequired");
    assert_null(td_view_value(&q.page.rows[0], "colour"));
}

static void search_looks_where_it_should(void **state TD_UNUSED)
{
    assert_int_equal(count_of("$search=\"sn-00017\"&$count=true"), 1);
    assert_int_equal(count_of("$search=\"USER17@\"&$count=true"), MANY / 100);
    assert_int_equal(count_of("$search=\"groupTag:sales\"&$count=true"), MANY / 4);
    assert_int_equal(count_of("$search=\"groupTag:sn-00017\"&$count=true"), 0);
}

static void skip_counts_from_the_first_page(void **state TD_UNUSED)
{
    struct td_view_page all = ask("$top=20"), rest = ask("$top=10&$skip=10"), none = ask("$skip=5000");
    assert_string_equal(td_view_text(&all.rows[10], "id"), td_view_text(&rest.rows[0], "id"));
    assert_int_equal(none.count, 0);
    assert_null(none.next);
    struct question q = question("$top=1");
    q.ask.skip = TD_VIEW_MAX_SKIP + 1;
    assert_int_equal(td_store_read(store, run_page, &q, &err), TD_EINVAL);
}

/* Each way that is offered as cheap goes by an index, at any depth; none reads the whole table. */
static void offered_ways_go_by_an_index(void **state TD_UNUSED)
{
    static const struct {
        const char *query, *must, *never;
    } rows[] = {
        {"", "sqlite_autoindex_registration_1 (tenant=?)", "TEMP B-TREE"},
        {"$filter=serialNumber eq 'x'", "registration_serial_lower (tenant=? AND <expr>=?)", "TEMP B-TREE"},
        {"$filter=startswith(serialNumber,'SN-0001')", "registration_serial_lower (tenant=? AND <expr>>? AND <expr><?)",
         "SCAN r\n"},
        {"$filter=groupTag eq 'x'", "registration_tag_lower (tenant=? AND <expr>=?)", "TEMP B-TREE"},
        {"$filter=userPrincipalName eq 'x'", "registration_user_lower (tenant=? AND <expr>=?)", "TEMP B-TREE"},
        {"$filter=displayName eq 'x'", "registration_name_lower (tenant=? AND <expr>=?)", "TEMP B-TREE"},
        {"$filter=deploymentProfile/id eq 'x'", "registration_profile (tenant=? AND profile_id=?)", "TEMP B-TREE"},
        {"$orderby=serialNumber", "registration_serial_lower (tenant=?)", "TEMP B-TREE"},
        {"$orderby=groupTag desc", "registration_tag_lower (tenant=?)", "TEMP B-TREE"},
        {"$filter=contains(serialNumber,'00017')", "registration_search VIRTUAL TABLE INDEX", "SCAN r\n"},
        {"$filter=contains(serialNumber,'00017')", "SEARCH r USING INTEGER PRIMARY KEY (rowid=?)", "SCAN r\n"},
        {"$filter=contains(serialNumber,'00017') or contains(displayName,'00017')",
         "SEARCH r USING INTEGER PRIMARY KEY (rowid=?)", "SCAN r\n"},
        {"$search=\"00017\"", "SEARCH r USING INTEGER PRIMARY KEY (rowid=?)", "SCAN r\n"},
        {"$orderby=model", "sqlite_autoindex_registration_1 (tenant=? AND id=?)", "directory_device d"},
        {"$filter=contains(serialNumber,'SN-')", "sqlite_autoindex_registration_1 (tenant=?)", "TEMP B-TREE"},
        {"$filter=startswith(serialNumber,'SN-')", "sqlite_autoindex_registration_1 (tenant=?)", "TEMP B-TREE"},
        {"$orderby=serialNumber&$filter=startswith(serialNumber,'SN-')", "registration_serial_lower", "TEMP B-TREE"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        const char *how = plan(rows[i].query);
        if (strstr(how, rows[i].must) == NULL || strstr(how, rows[i].never) != NULL)
            fail_msg("%s:\n%s", rows[i].query, how);
    }
}

static void a_later_page_is_a_range_too(void **state TD_UNUSED)
{
    static const struct {
        const char *query, *must[2];
    } rows[] = {
        {"$top=5", {"sqlite_autoindex_registration_1 (tenant=? AND id>?)", ""}},
        {"$orderby=groupTag&$top=5",
         {"registration_tag_lower (tenant=? AND <expr>=? AND id>?)", "registration_tag_lower (tenant=? AND <expr>>?)"}},
        {"$orderby=groupTag desc&$top=5",
         {"registration_tag_lower (tenant=? AND <expr>=? AND id<?)", "registration_tag_lower (tenant=? AND <expr><?)"}},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct question q = question(rows[i].query);
        assert_ok(td_store_read(store, run_page, &q, &err));
        q.ask.after = q.page.next;
        assert_ok(td_store_read(store, run_plan, &q, &err));
        for (int m = 0; m < 2; m++)
            if (strstr(q.plan, rows[i].must[m]) == NULL || strstr(q.plan, "TEMP B-TREE") != NULL)
                fail_msg("%s:\n%s", rows[i].query, q.plan);
    }
}

static void nothing_of_another_tenant_is_seen(void **state TD_UNUSED)
{
    struct question q = question("$filter=contains(serialNumber,'00017')&$count=true");
    q.tenant = "nobody";
    assert_ok(td_store_read(store, run_page, &q, &err));
    assert_int_equal(q.page.total, 0);
    assert_int_equal(
        count_of("$filter=contains(serialNumber,'00017') or not contains(serialNumber,'00017')&$count=true"), MANY);
}

/* Texts of questions vary without end; the statements that always come again must stay prepared. */
static void many_shapes_of_questions_do_no_harm(void **state TD_UNUSED)
{
    for (int i = 1; i < 60; i++) {
        struct td_buf b;
        td_buf_init(&b, 16384);
        td_buf_adds(&b, "$top=1&$filter=serialNumber in ('a'");
        for (int n = 0; n < i; n++)
            td_buf_adds(&b, ",'b'");
        td_buf_adds(&b, ")");
        assert_int_equal(ask(b.p).count, 0);
        td_buf_done(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_find_what_they_say),
        cmocka_unit_test(what_cannot_be_asked_is_named),
        cmocka_unit_test(contains_finds_rows_that_changed_since),
        cmocka_unit_test(pages_give_every_row_once),
        cmocka_unit_test(a_token_of_another_list_is_refused),
        cmocka_unit_test(pages_stay_while_rows_change),
        cmocka_unit_test(one_row_is_found_in_any_case),
        cmocka_unit_test(search_looks_where_it_should),
        cmocka_unit_test(skip_counts_from_the_first_page),
        cmocka_unit_test(offered_ways_go_by_an_index),
        cmocka_unit_test(a_later_page_is_a_range_too),
        cmocka_unit_test(nothing_of_another_tenant_is_seen),
        cmocka_unit_test(many_shapes_of_questions_do_no_harm),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
