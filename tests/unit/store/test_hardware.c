/* The finder of machines: the best match alone counts, and two that are equal are nobody's guess. */
#include "store/registration.h"
#include "unit/store/folder.h"

struct known {
    const char *id, *mac, *disk, *pkid, *uuid;
};

struct question {
    const struct known *known;
    size_t count;
    bool tie;
    const char *found;
};

static struct td_arena arena;

static struct td_facts facts_of(const struct known *k)
{
    struct td_facts f = {0};
    if (k->mac != NULL)
        (void)td_facts_add_mac_text(&f, &arena, td_str(k->mac));
    if (k->disk != NULL)
        (void)td_facts_add_text(&f, &arena, TD_FACT_DISK, td_str(k->disk));
    if (k->pkid != NULL)
        (void)td_facts_add_text(&f, &arena, TD_FACT_PKID, td_str(k->pkid));
    if (k->uuid != NULL)
        (void)td_facts_add_uuid(&f, &arena, td_str(k->uuid));
    return f;
}

#define MAC "00:11:22:33:44:55"
#define UUID "11223344-5566-7788-99aa-bbccddeeff01"

static enum td_code ask(struct td_tx *tx, void *ctx, struct td_error *err)
{
    static const struct known whole = {NULL, MAC, "DISK-4711", "KEY-0815", UUID};
    struct question *q = ctx;
    struct td_hardware_found found;
    for (size_t i = 0; i < q->count; i++) {
        struct td_facts f = facts_of(&q->known[i]);
        td_try(td_hardware_put(tx, "t", q->known[i].id, &f, err));
    }
    struct td_facts asked = facts_of(&whole);
    enum td_code rc = td_hardware_find(tx, &asked, &arena, &found, err);
    q->tie = found.tie;
    q->found = found.registration_id;
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static void ask_about(struct question *q)
{
    char dir[FOLDER_NAME];
    struct td_env_fixed env;
    struct td_error err = {0};
    struct td_store *store = folder_store(dir, &env);
    if (td_store_write(store, ask, q, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
    folder_gone(dir, store);
}

/* Weights: uuid 4, mac 2, disk 1, pkid 1 (docs/protocol/ztd.md 2). */
static void candidates_are_told_apart_by_the_margin(void **state TD_UNUSED)
{
    static const struct {
        const char *what;
        struct known known[3];
        size_t count;
        bool tie;
        const char *found;
    } rows[] = {
        {"alone", {{"a", MAC, NULL, "KEY-0815", NULL}}, 1, false, "a"},
        {"equal", {{"a", MAC, NULL, "KEY-0815", NULL}, {"b", MAC, NULL, "KEY-0815", NULL}}, 2, true, "a"},
        {"one apart", {{"a", MAC, NULL, "KEY-0815", NULL}, {"b", MAC, "DISK-4711", "KEY-0815", NULL}}, 2, true, "b"},
        {"two apart",
         {{"a", NULL, "DISK-4711", "KEY-0815", NULL}, {"b", MAC, "DISK-4711", "KEY-0815", NULL}},
         2,
         false,
         "b"},
        {"a third one that is weaker settles no tie",
         {{"a", MAC, "DISK-4711", NULL, NULL},
          {"b", MAC, "DISK-4711", NULL, NULL},
          {"c", NULL, NULL, "KEY-0815", UUID}},
         3,
         false,
         "c"},
        {"one fact is not enough", {{"a", MAC, NULL, NULL, NULL}}, 1, false, ""},
        {"an address on three registrations has no weight",
         {{"a", MAC, "DISK-4711", NULL, NULL}, {"b", MAC, NULL, NULL, NULL}, {"c", MAC, NULL, NULL, NULL}},
         3,
         false,
         ""},
        {"nor has a product key on three",
         {{"a", NULL, "DISK-4711", "KEY-0815", NULL},
          {"b", NULL, NULL, "KEY-0815", NULL},
          {"c", NULL, NULL, "KEY-0815", NULL}},
         3,
         false,
         ""},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct question q = {rows[i].known, rows[i].count, false, ""};
        ask_about(&q);
        if (q.tie != rows[i].tie || strcmp(q.found, rows[i].found) != 0)
            fail_msg("%s: tie %d, found \"%s\"", rows[i].what, q.tie, q.found);
    }
}

static enum td_code machine_goes_on(struct td_tx *tx, void *ctx, struct td_error *err)
{
    static const struct known before = {NULL, MAC, "DISK-4711", "KEY-0815", UUID},
                              after = {NULL, MAC, "DISK-4712", "KEY-0815", UUID};
    const char **ret = ctx;
    struct td_facts f = facts_of(&before), g = facts_of(&after);
    td_try(td_way_identity_put(tx, "t", "first", &f, err));
    td_try(td_way_identity_put(tx, "other", "foreign", &f, err));
    td_try(td_way_identity_put(tx, "t", "second", &g, err));
    td_try(td_way_identity_put(tx, "t", "second", &g, err));
    td_try(td_way_identity_find(tx, "t", &f, &arena, &ret[0], err));
    return td_way_identity_find(tx, "other", &g, &arena, &ret[1], err);
}

/* Deregistered, reset and enrolled by hand: where it showed itself last it is found, each tenant by itself. */
static void a_machine_is_on_its_last_way(void **state TD_UNUSED)
{
    char dir[FOLDER_NAME];
    struct td_env_fixed env;
    struct td_error err = {0};
    const char *found[2] = {"", ""};
    struct td_store *store = folder_store(dir, &env);
    if (td_store_write(store, machine_goes_on, found, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
    assert_string_equal(found[0], "second");
    assert_string_equal(found[1], "foreign");
    folder_gone(dir, store);
}

static enum td_code plan_of_facts(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const char **ret = ctx;
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err,
                        "EXPLAIN QUERY PLAN SELECT kind, value FROM way_identity WHERE tenant = $1 AND way_id = $2"
                        " LIMIT $3",
                        "ssi", "t", "w", (int64_t)TD_FACTS_MAX));
    while (td_rows_next(&r))
        *ret = td_col_text0(&r, 3, &arena);
    return td_rows_done(&r, err);
}

/* Not by looking at those of every other device of the tenant. */
static void facts_are_found_by_the_way(void **state TD_UNUSED)
{
    char dir[FOLDER_NAME];
    struct td_env_fixed env;
    const char *plan = "";
    struct td_store *store = folder_store(dir, &env);
    assert_ok(td_store_read(store, plan_of_facts, &plan, NULL));
    if (strstr(plan, "(tenant=? AND way_id=?)") == NULL)
        fail_msg("%s", plan);
    folder_gone(dir, store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(candidates_are_told_apart_by_the_margin),
        cmocka_unit_test(a_machine_is_on_its_last_way),
        cmocka_unit_test(facts_are_found_by_the_way),
    };
    int failed = cmocka_run_group_tests_name("store/hardware", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
