/* Random filters over random rows: what the SQL finds is what the filter says of each row, in the order and the pages
 * that the same question gives in memory, and nothing of another tenant. */
#include "store/views.h"
#include "unit/store/folder.h"
#include "unit/store/view_world.h"

enum { ROUNDS = 1500, MUTATIONS = 6000, ORDERS = 150 };

static struct td_store *store;
static char dir[FOLDER_NAME];
static struct td_env_fixed env;
static struct world_random rnd = {UINT64_C(0x9E3779B97F4A7C15)};

struct subject {
    const struct td_view *view;
    const struct td_view_items *items;
    const char *tenant;
};

static const struct subject world = {&world_view, &world_items, "one"};
static const struct subject registrations = {&td_view_registrations, NULL, "one"};

static size_t pick(size_t n)
{
    return world_pick(&rnd, n);
}

static const char *text_of(void)
{
    return world_texts[pick(TD_COUNTOF(world_texts))];
}

static void add_quoted(struct td_buf *b, const char *text)
{
    td_buf_addc(b, '\'');
    for (; *text != '\0'; text++) {
        td_buf_addc(b, *text);
        if (*text == '\'')
            td_buf_addc(b, '\'');
    }
    td_buf_addc(b, '\'');
}

/* Now and then a value of the wrong kind, which both sides must refuse. */
static void add_value(struct td_buf *b, const struct td_view_column *c)
{
    static const char *const times[] = {"0001-01-01T00:00:00Z", "2001-09-09T01:46:40Z", "2033-05-18T03:33:20Z"};
    enum td_view_type type = pick(40) == 0 ? (enum td_view_type)pick(5) : c->type;
    const char *const *words = c->words != NULL ? c->words : world_words;
    size_t count = 0;
    while (words[count] != NULL)
        count++;
    if (pick(12) == 0)
        td_buf_adds(b, "null");
    else if (type == TD_V_INT)
        td_buf_addu(b, pick(10));
    else if (type == TD_V_BOOL)
        td_buf_adds(b, pick(2) != 0 ? "true" : "false");
    else if (type == TD_V_TIME)
        td_buf_adds(b, times[pick(TD_COUNTOF(times))]);
    else
        add_quoted(b, type == TD_V_ENUM ? words[pick(count)] : text_of());
}

static void add_comparison(struct td_buf *b, const struct td_view_column *c, const char *name)
{
    static const char *const ops[] = {"eq", "ne", "gt", "ge", "lt", "le"};
    static const char *const functions[] = {"startswith", "endswith", "contains"};
    bool text = c->type == TD_V_TEXT || c->type == TD_V_TEXTS;
    size_t kind = pick(text ? 12 : 6);
    if (kind >= 7) {
        td_buf_printf(b, pick(3) == 0 ? "%s(tolower(%s)," : "%s(%s,", functions[pick(3)], name);
        add_quoted(b, text_of());
        td_buf_addc(b, ')');
    } else if (kind == 5) {
        td_buf_printf(b, "%s in (", name);
        add_value(b, c);
        for (size_t n = pick(3); n > 0; n--) {
            td_buf_addc(b, ',');
            add_value(b, c);
        }
        td_buf_addc(b, ')');
    } else {
        td_buf_printf(b, "%s %s ", name, ops[pick(TD_COUNTOF(ops))]);
        add_value(b, c);
    }
}

static void add_leaf(struct td_buf *b, const struct td_view *v)
{
    const struct td_view_column *c = &v->columns[pick(v->count)];
    size_t kind = pick(20);
    while (c->name[0] == '~' || c->type == TD_V_JSON)
        c = &v->columns[pick(v->count)];
    if (c->items != NULL && kind == 0) {
        td_buf_printf(b, "%s/any()", c->name);
    } else if (c->items != NULL) {
        td_buf_printf(b, "%s/%s(i:", c->name, kind % 3 == 0 ? "all" : "any");
        add_comparison(b, c, "i");
        if (kind > 15) {
            td_buf_adds(b, kind % 2 != 0 ? " and not (" : " or (");
            add_comparison(b, c, "i");
            td_buf_addc(b, ')');
        }
        td_buf_addc(b, ')');
    } else if (v->type_column != NULL && kind == 1) {
        td_buf_printf(b, "isof('microsoft.graph.%s')", pick(2) != 0 ? "app" : "msi");
    } else if (c->type == TD_V_BOOL && kind < 10) {
        td_buf_adds(b, c->name);
    } else {
        add_comparison(b, c, c->name);
    }
}

static void add_filter(struct td_buf *b, const struct td_view *v, int depth)
{
    size_t kind = depth > 0 ? pick(6) : 0;
    if (kind < 2) {
        add_leaf(b, v);
    } else if (kind == 2) {
        td_buf_adds(b, "not (");
        add_filter(b, v, depth - 1);
        td_buf_addc(b, ')');
    } else {
        td_buf_addc(b, '(');
        add_filter(b, v, depth - 1);
        td_buf_adds(b, kind == 3 ? ") or (" : ") and (");
        add_filter(b, v, depth - 1);
        td_buf_addc(b, ')');
    }
}

struct round {
    const struct subject *of;
    struct td_view_ask ask;
    struct td_arena *arena;
    struct td_view_page page;
};

static enum td_code run(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct round *r = ctx;
    return td_view_page(tx, r->of->tenant, r->of->view, &r->ask, r->arena, &r->page, err);
}

static enum td_code ask(struct round *r, struct td_error *err)
{
    return td_store_read(store, run, r, err);
}

static bool holds_row(const struct td_view_page *p, const char *id)
{
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++)
        n += strcmp(td_view_text(&p->rows[i], "id"), id) == 0;
    assert_true(n <= 1);
    return n == 1;
}

/* Row by row, the SQL and the judge say the same; or both refuse. */
static void agree(const char *filter, const struct subject *of, struct td_arena *a, const struct td_view_page *all)
{
    struct td_error err = {0}, judged = {0};
    struct round r = {.of = of, .arena = a, .ask = {.top = TD_VIEW_MAX_TOP, .subtypes = world_subtypes}};
    bool fits = false;
    size_t count = 0;
    if (td_od_filter_parse(td_str(filter), a, &r.ask.filter, &err) != TD_OK)
        return;
    enum td_code rc = ask(&r, &err);
    if (rc != TD_OK && rc != TD_EINVAL && rc != TD_ELIMIT)
        fail_msg("%s: code %d at %s: %s", filter, rc, err.where, err.text);
    for (size_t i = 0; i < all->count; i++) {
        enum td_code judge = td_view_matches(&all->rows[i], r.ask.filter, &r.ask, of->items, &fits, &judged);
        if ((judge != TD_OK) != (rc != TD_OK) && rc != TD_ELIMIT)
            fail_msg("%s: store %d (%s), judge %d (%s)", filter, rc, err.text, judge, judged.text);
        if (rc != TD_OK)
            continue;
        if (fits != holds_row(&r.page, td_view_text(&all->rows[i], "id")))
            fail_msg("%s: row %s is %s", filter, td_view_text(&all->rows[i], "id"), fits ? "missing" : "too many");
        count += fits;
    }
    if (rc == TD_OK && count != r.page.count)
        fail_msg("%s: %zu rows, not %zu", filter, r.page.count, count);
}

static void everything(const struct subject *of, struct td_arena *a, struct td_view_page *ret)
{
    struct td_error err = {0};
    struct round r = {.of = of, .arena = a, .ask = {.top = TD_VIEW_MAX_TOP}};
    if (ask(&r, &err) != TD_OK)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < r.page.count; i++)
        assert_true(td_view_value(&r.page.rows[i], "~tenant") == NULL ||
                    strcmp(td_view_text(&r.page.rows[i], "~tenant"), of->tenant) == 0);
    assert_true(r.page.count > WORLD_ROWS / 2);
    *ret = r.page;
}

static void random_filters(const struct subject *of)
{
    TD_CLEANUP(td_arena_done) struct td_arena rows = {0};
    TD_CLEANUP(td_buf_done) struct td_buf b;
    struct td_view_page all;
    td_buf_init(&b, 65536);
    everything(of, &rows, &all);
    for (int i = 0; i < ROUNDS; i++) {
        TD_CLEANUP(td_arena_done) struct td_arena a = {0};
        td_buf_reset(&b);
        add_filter(&b, of->view, 4);
        agree(b.p, of, &a, &all);
    }
}

static void the_store_finds_what_the_filter_says(void **state TD_UNUSED)
{
    random_filters(&world);
}

static void the_same_of_registrations(void **state TD_UNUSED)
{
    random_filters(&registrations);
}

/* Filters with letters changed, taken out, put in: refused, or answered rightly. */
static void broken_texts_do_no_harm(void **state TD_UNUSED)
{
    static const char letters[] = "()',:/ $aeionr05\"\\%;-\n\xC3";
    TD_CLEANUP(td_arena_done) struct td_arena rows = {0};
    TD_CLEANUP(td_buf_done) struct td_buf b;
    struct td_view_page all;
    td_buf_init(&b, 65536);
    everything(&world, &rows, &all);
    for (int i = 0; i < MUTATIONS; i++) {
        TD_CLEANUP(td_arena_done) struct td_arena a = {0};
        td_buf_reset(&b);
        add_filter(&b, world.view, 2);
        for (size_t n = 1 + pick(3); n > 0 && b.n > 1; n--) {
            size_t at = pick(b.n), how = pick(3);
            if (how != 0)
                b.p[at] = letters[pick(sizeof(letters) - 1)];
            else
                memmove(b.p + at, b.p + at + 1, b.n-- - at);
        }
        agree(td_arena_text(&a, td_buf_slice(&b)), &world, &a, &all);
    }
}

static size_t random_order(const struct td_view *v, struct td_od_order *ret)
{
    size_t n = 1 + pick(TD_OD_MAX_ORDER);
    for (size_t i = 0; i < n; i++) {
        const struct td_view_column *c = &v->columns[pick(v->count)];
        while (c->name[0] == '~' || c->type == TD_V_JSON || c->sql == NULL || strcmp(c->name, "id") == 0)
            c = &v->columns[pick(v->count)];
        ret[i] = (struct td_od_order){c->name, pick(2) != 0};
    }
    return n;
}

/* Page by page: the store, and the same rows in memory; tokens of one side serve the other. */
static void compare_pages(struct round *r, const struct td_view_page *all)
{
    struct td_error err = {0};
    struct td_view_page mine;
    size_t seen = 0;
    do {
        if (ask(r, &err) != TD_OK ||
            td_view_page_rows(all->rows, all->count, &r->ask, r->of->items, r->arena, &mine, &err) != TD_OK)
            fail_msg("%s: %s", err.where, err.text);
        assert_int_equal(mine.count, r->page.count);
        assert_int_equal(mine.total, r->page.total);
        assert_int_equal(mine.next == NULL, r->page.next == NULL);
        for (size_t i = 0; i < mine.count; i++)
            assert_string_equal(td_view_text(&mine.rows[i], "id"), td_view_text(&r->page.rows[i], "id"));
        seen += mine.count;
        r->ask.after = pick(2) != 0 ? mine.next : r->page.next;
    } while (r->page.next != NULL);
    assert_int_equal(seen + (size_t)TD_MIN(TD_MAX(r->ask.skip, 0), mine.total), mine.total);
}

static void orders_and_pages_are_those_of_memory(void **state TD_UNUSED)
{
    static const struct subject *const subjects[] = {&world, &registrations};
    for (int i = 0; i < ORDERS; i++) {
        TD_CLEANUP(td_arena_done) struct td_arena a = {0};
        struct td_view_page all;
        struct td_od_order order[TD_OD_MAX_ORDER];
        struct round r = {.of = subjects[i % 2], .arena = &a};
        everything(r.of, &a, &all);
        r.ask = (struct td_view_ask){.order = order, .top = 1 + pick(30), .skip = (int64_t)pick(9) - 1, .count = true};
        r.ask.order_count = random_order(r.of->view, order);
        if (pick(3) == 0) {
            r.ask.search = text_of();
            r.ask.search_property = r.of == &world || pick(2) != 0 ? r.of->view->columns[1].name : NULL;
        }
        compare_pages(&r, &all);
    }
}

static enum td_code fill_registrations(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    static const char *const tenants[] = {"one", "two"};
    char id[40];
    struct world_random start = rnd;
    for (size_t t = 0; t < TD_COUNTOF(tenants); t++) {
        rnd = start;
        td_try(td_sql(tx, err, "INSERT INTO tenant(id, name, domain, created_at) VALUES ($1, $1, $1, 0)", "s",
                      tenants[t]));
        for (int i = 0; i < WORLD_ROWS; i++) {
            snprintf(id, sizeof(id), "%08x-0000-4000-8000-%012d", (unsigned)i * 2654435761U, i);
            td_try(td_sql(tx, err,
                          "INSERT INTO registration(tenant, id, way_id, device_id, serial, serial_key, manufacturer,"
                          " model, sku, family, product_key, group_tag, purchase_order, assigned_user, display_name,"
                          " warning, profile_id, profile_at, created_at, modified_at, userless) VALUES ($1, $2, '', '',"
                          " $3, $3, $4, $5, '', '', '', $6, '', $7, $8, '', $9, $10, 0, 0, $11)",
                          "sssssssssii", tenants[t], id, text_of(), text_of(), text_of(), text_of(), text_of(),
                          text_of(), pick(2) != 0 ? "p" : "", (int64_t)pick(3), (int64_t)pick(3)));
        }
    }
    return TD_OK;
}

/* Half of the rows stay noted, half are in the index. */
static enum td_code index_half(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    size_t done = 0;
    return td_view_index(tx, WORLD_ROWS, &done, err);
}

static int set_up(void **state TD_UNUSED)
{
    struct td_error err = {0};
    store = folder_store(dir, &env);
    if (td_store_write(store, world_fill, &rnd, &err) != TD_OK ||
        td_store_write(store, fill_registrations, NULL, &err) != TD_OK ||
        td_store_write(store, index_half, NULL, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
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
        cmocka_unit_test(the_store_finds_what_the_filter_says),
        cmocka_unit_test(the_same_of_registrations),
        cmocka_unit_test(broken_texts_do_no_harm),
        cmocka_unit_test(orders_and_pages_are_those_of_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
