/* The finder of machines: the best match alone counts, and two that are equal are nobody's guess. */
#include "store/registration.h"
#include "unit/store/folder.h"

struct known {
    const char *id, *mac, *disk, *pkid;
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
    return f;
}

static enum td_code ask(struct td_tx *tx, void *ctx, struct td_error *err)
{
    static const struct known whole = {NULL, "00:11:22:33:44:55", "DISK-4711", "KEY-0815"};
    struct question *q = ctx;
    struct td_hardware_found found;
    for (size_t i = 0; i < q->count; i++) {
        struct td_facts f = facts_of(&q->known[i]);
        td_try(td_hardware_put(tx, "t", q->known[i].id, &f, err));
    }
    struct td_facts asked = facts_of(&whole);
    td_try(td_hardware_find(tx, &asked, &arena, &found, err));
    q->tie = found.tie;
    q->found = found.registration_id;
    return TD_OK;
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

/* In the order of the facts: first those that share the address, then the one that shares the disk alone. */
static void a_weaker_match_settles_no_tie(void **state TD_UNUSED)
{
    static const struct known known[] = {{"a", "00:11:22:33:44:55", NULL, "KEY-0815"},
                                         {"b", "00:11:22:33:44:55", NULL, "KEY-0815"},
                                         {"c", NULL, "DISK-4711", "KEY-0815"}};
    struct question q = {known, TD_COUNTOF(known), false, ""};
    ask_about(&q);
    assert_true(q.tie);
}

static void the_best_match_settles_it(void **state TD_UNUSED)
{
    static const struct known known[] = {{"a", "00:11:22:33:44:55", NULL, "KEY-0815"},
                                         {"b", "00:11:22:33:44:55", NULL, "KEY-0815"},
                                         {"c", "00:11:22:33:44:55", "DISK-4711", "KEY-0815"}};
    struct question q = {known, TD_COUNTOF(known), true, ""};
    ask_about(&q);
    assert_false(q.tie);
    assert_string_equal(q.found, "c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_weaker_match_settles_no_tie),
        cmocka_unit_test(the_best_match_settles_it),
    };
    int failed = cmocka_run_group_tests_name("store/hardware", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
