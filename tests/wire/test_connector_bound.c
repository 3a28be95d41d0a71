/* A connector that an administrator bound to domains: what it says or does about another one is refused, with domain
 * and remedy, and told in its state (docs/protocol/connector.md 1, 2). What waits is in test_connector_hub.c. */
#include "connector_world.h"
#include "store/ad_domain.h"

#define HELLO(domain) "{\"version\":\"9\",\"domains\":[{\"domain\":\"" domain "\",\"problem\":\"\"}]}"
#define BOTH "{\"version\":\"9\",\"domains\":[{\"domain\":\"corp.test\"},{\"domain\":\"Lab.Test\"}]}"

static void refused_for(int status, const char *domain)
{
    con_refused(status, 403, "domain");
    assert_non_null(strstr(td_json_str(con_answer(), "detail"), domain));
    assert_non_null(strstr(td_json_str(con_answer(), "detail"), "HQ-1"));
    assert_non_null(strstr(td_json_str(con_answer(), "remedy"), "connector bind"));
}

struct shown {
    struct td_connector c;
    struct td_connector_domain *domains;
    size_t count;
};

static enum td_code load(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct shown *s = ctx;
    td_try(td_connector_find(tx, box->tenant, one.id, &box->arena, &s->c, err));
    return td_connector_domains(tx, box->tenant, &box->arena, &s->domains, &s->count, err);
}

static struct shown look(void)
{
    struct shown s = {.count = 0};
    assert_ok(td_store_read(box->svc.store, load, &s, NULL));
    return s;
}

static enum td_connector_state state_of(const struct shown *s)
{
    return td_connector_state(&s->c, s->domains, s->count, td_now(box->svc.env));
}

/* NULL: it reports nothing of it. */
static const char *problem_of(const struct shown *s, const char *domain)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->domains[i].connector_id, one.id) == 0 && strcmp(s->domains[i].domain, domain) == 0)
            return s->domains[i].problem;
    return NULL;
}

static void hello_names_what_it_may(void **state TD_UNUSED)
{
    con_bind(&one, "corp.test");
    con_hello(&one, "");
    refused_for(con_call(&one, "hello", BOTH), "lab.test");
    struct shown s = look();
    assert_int_equal(state_of(&s), TD_CONNECTOR_FAILING);
    assert_string_equal(problem_of(&s, "lab.test"), "NotBound");
    assert_string_equal(problem_of(&s, "corp.test"), ""); /* as it said before */
    assert_string_equal(s.c.version, "9");                /* it was heard of */
    refused_for(con_call(&one, "hello", HELLO("other.test")), "other.test");
    s = look();
    assert_null(problem_of(&s, "lab.test")); /* it names that one no more */
    assert_string_equal(problem_of(&s, "other.test"), "NotBound");
    con_hello(&one, "");
    s = look();
    assert_int_equal(state_of(&s), TD_CONNECTOR_ACTIVE);
    assert_null(problem_of(&s, "other.test"));
    con_ok(con_call(&two, "hello", BOTH)); /* nobody bound that one */
    con_ok(con_call(&foreign, "hello", BOTH));
    con_bind(&one, NULL);
    con_ok(con_call(&one, "hello", BOTH));
}

static void work_of_others_is_not_given(void **state TD_UNUSED)
{
    con_bind(&one, "lab.test");
    box_in_write(box, con_ask_join);
    con_ok(con_call(&one, "work", "{}"));
    assert_int_equal(td_json_count(con_work()), 0);
    (void)con_take(&two);
}

static void a_join_of_others_is_not_taken(void **state TD_UNUSED)
{
    box_in_write(box, con_ask_join);
    const struct td_json *w = con_take(&one);
    const char *id = td_json_str(w, "id"), *name = td_json_str(w, "name");
    con_bind(&one, "lab.test");
    refused_for(con_call(&one, "result", con_made(id, 1, JOB_GUID, con_blob("corp.test", name, 1104))), "corp.test");
    refused_for(con_call(&one, "result", con_error(id, 1, "NoOu")), "corp.test");
    assert_int_equal(con_job().state, TD_DJS_CREATING);
    assert_int_equal(con_job().lease_until, 0); /* another one gets it at once */
}

static void an_end_of_others_is_not_taken(void **state TD_UNUSED)
{
    box_in_write(box, con_leave);
    const char *id = td_json_str(con_take(&one), "id");
    con_bind(&one, "lab.test");
    refused_for(
        con_call(&one, "result", td_arena_printf(&box->arena, "{\"id\":\"%s\",\"attempt\":1,\"result\":{}}", id)),
        "corp.test");
    const struct td_json *w = con_take(&two); /* at once */
    assert_string_equal(td_json_str(w, "id"), id);
    assert_int_equal(td_json_int(w, "attempt", 0), 2);
}

static enum td_code want(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    const struct td_ad_domain_row row = {.domain = "corp.test", .sync = true, .sync_base = "", .sync_seconds = 90};
    return td_ad_domain_put(tx, box->tenant, &row, "ada", err);
}

static void people_of_others_are_not_taken(void **state TD_UNUSED)
{
    static const char body[] = "{\"domain\":\"CORP.test\",\"server\":\"44444444-0000-4000-8000-000000000007\",\"from\":"
                               "\"0\",\"to\":\"9\",\"full\":true,\"last\":true,\"objects\":[]}";
    assert_ok(td_store_write(box->svc.store, want, NULL, NULL));
    con_bind(&one, "lab.test");
    refused_for(con_call(&one, "sync", body), "corp.test");
    con_bind(&one, "corp.test");
    con_hello(&one, "");
    con_ok(con_call(&one, "sync", body));
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, con_setup, con_teardown)
    const struct CMUnitTest tests[] = {
        TEST(hello_names_what_it_may),       TEST(work_of_others_is_not_given),    TEST(a_join_of_others_is_not_taken),
        TEST(an_end_of_others_is_not_taken), TEST(people_of_others_are_not_taken),
    };
    return cmocka_run_group_tests_name("connector_bound", tests, NULL, con_end);
}
