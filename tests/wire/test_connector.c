/* The connectors' door (docs/protocol/connector.md): registration, hello, work and what comes of it, each with what it
 * refuses. */
#include "connector_world.h"
#include "store/ad_domain.h"

/* --- who is who --------------------------------------------------------------------------------------------------- */

static void a_code_registers_one_key(void **state TD_UNUSED)
{
    struct con late = {0}, other = {0};
    con_make(&late);
    con_make(&other);
    const char *code = con_code(box->tenant, "HQ-3");
    assert_int_equal(con_call(&late, "work", "{}"), 401);
    con_refused(con_call(&late, "register", con_registration(&late, "BCDF-BCDF-BCDF-BCDF-BCDF-BCDF")), 403, "code");
    con_refused(con_call(&late, "register", con_registration(&late, "short")), 403, "code");
    con_refused(con_call(NULL, "register", con_registration(&late, code)), 401, "certificate");
    con_ok(con_call(&late, "register", con_registration(&late, code)));
    const char *id = td_json_str(con_answer(), "id");
    char *typed = td_arena_strdup(&box->arena, code); /* as people type it */
    td_lower(typed);
    con_ok(con_call(&late, "register", con_registration(&late, typed)));
    assert_string_equal(td_json_str(con_answer(), "id"), id);
    con_refused(con_call(&other, "register", con_registration(&other, code)), 403, "code");
    con_refused(con_call(&late, "register", con_registration(&late, con_code(box->tenant, "HQ-4"))), 409,
                "certificate");
    late.peer = con_peer(late.key, BOX_NOW - 400 * TD_DAY); /* names and dates mean nothing: the key does */
    con_ok(con_call(&late, "work", "{}"));
    td_key_free(late.key);
    td_key_free(other.key);
}

static void keys_have_their_kinds(void **state TD_UNUSED)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *small = NULL;
    struct con c = {0}, with_rsa = {.key = rsa, .encryption = rsa};
    const char *code = con_code(box->tenant, "HQ-3");
    assert_ok(td_key_generate(TD_KEY_RSA, &small, NULL));
    con_make(&c);
    with_rsa.peer = con_peer(rsa, BOX_NOW);
    con_refused(con_call(&with_rsa, "register", con_registration(&with_rsa, code)), 400, "certificate");
    c.encryption = small; /* 2048 bits */
    con_refused(con_call(&c, "register", con_registration(&c, code)), 400, "encryptionKey");
    c.encryption = c.key;
    con_refused(con_call(&c, "register", con_registration(&c, code)), 400, "encryptionKey");
    con_refused(con_call(&c, "register", "{\"code\":\"x\",\"encryptionKey\":\"AAAA\"}"), 400, "encryptionKey");
    con_refused(con_call(&c, "register", "{\"code\":7}"), 400, "code");
    con_refused(con_call(&c, "register", "{}"), 400, "code");
    con_refused(con_call(&c, "register", "[]"), 400, "body");
    c.encryption = rsa;
    con_ok(con_call(&c, "register", con_registration(&c, code))); /* nothing of it used up the code */
    td_key_free(c.key);
}

static enum td_code disable(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_connector_enable(tx, box->tenant, ctx, false, "ada", err);
}

static enum td_code take_away(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_connector_remove(tx, box->tenant, ctx, "ada", err);
}

static void every_call_needs_a_key_that_counts(void **state TD_UNUSED)
{
    static const char *const calls[] = {"hello", "work", "result", "sync"};
    struct con stranger = {0};
    con_make(&stranger);
    for (size_t i = 0; i < TD_COUNTOF(calls); i++) {
        con_refused(con_call(NULL, calls[i], "{}"), 401, "certificate");
        con_refused(con_call(&stranger, calls[i], "{}"), 401, "certificate");
    }
    assert_ok(td_store_write(box->svc.store, disable, (void *)(uintptr_t)one.id, NULL));
    for (size_t i = 0; i < TD_COUNTOF(calls); i++)
        con_refused(con_call(&one, calls[i], "{}"), 403, "connector");
    assert_ok(td_store_write(box->svc.store, take_away, (void *)(uintptr_t)one.id, NULL));
    for (size_t i = 0; i < TD_COUNTOF(calls); i++)
        con_refused(con_call(&one, calls[i], "{}"), 401, "certificate");
    assert_int_equal(box_ask(box, td_connector_routes, td_connector_route_count, "GET", "/connector/work", NULL,
                             TD_S(""), &two.peer),
                     405);
    td_key_free(stranger.key);
}

/* --- hello -------------------------------------------------------------------------------------------------------- */

static enum td_code want(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    const struct td_ad_domain_row row = {
        .domain = "corp.test", .sign_in = true, .sync = true, .sync_base = "OU=People", .sync_seconds = 90};
    return td_ad_domain_put(tx, box->tenant, &row, "ada", err);
}

static void hello_tells_what_is_wanted(void **state TD_UNUSED)
{
    con_hello(&one, "");
    assert_string_equal(td_json_str(con_answer(), "id"), one.id);
    const struct td_json *d = td_json_get(con_answer(), "domains")->child;
    assert_string_equal(td_json_str(d, "domain"), "corp.test");
    assert_false(td_json_bool(d, "signIn", true) || td_json_bool(d, "sync", true));
    assert_ok(td_store_write(box->svc.store, want, NULL, NULL));
    con_hello(&one, "");
    d = td_json_get(con_answer(), "domains")->child;
    assert_true(td_json_bool(d, "signIn", false) && td_json_bool(d, "sync", false));
    assert_string_equal(td_json_str(d, "syncBase"), "OU=People");
    assert_int_equal(td_json_int(d, "syncSeconds", 0), 90);
    con_hello(&foreign, ""); /* another tenant's wishes are its own */
    d = td_json_get(con_answer(), "domains")->child;
    assert_false(td_json_bool(d, "signIn", true));
}

static void hello_is_read_strictly(void **state TD_UNUSED)
{
    struct td_buf many;
    con_refused(con_call(&one, "hello", "{\"version\":\"1\"}"), 400, "domains");
    con_refused(con_call(&one, "hello", "{\"domains\":[{}]}"), 400, "domain");
    con_refused(con_call(&one, "hello", "{\"domains\":[{\"domain\":\"a b\"}]}"), 400, "domains.domain");
    con_refused(con_call(&one, "hello", "{\"domains\":[{\"domain\":\".test\"}]}"), 400, "domains.domain");
    con_refused(con_call(&one, "hello", "{\"domains\":[{\"domain\":\"\"}]}"), 400, "domains.domain");
    con_refused(con_call(&one, "hello", "{\"domains\":[{\"domain\":\"a.test\"},{\"domain\":\"A.test\"}]}"), 400,
                "domains");
    con_refused(con_call(&one, "hello", "{\"domains\":[{\"domain\":\"a.test\",\"dc\":7}]}"), 400, "dc");
    con_refused(con_call(&one, "hello", "not JSON"), 400, "body");
    con_ok(con_call(&one, "hello", "{\"domains\":[{\"domain\":\"a.test\",\"problem\":\"Odd\",\"more\":[]}],\"x\":1}"));
    td_buf_init(&many, 4096);
    td_buf_adds(&many, "{\"domains\":[");
    for (int i = 0; i <= TD_CONNECTOR_DOMAINS_MAX; i++)
        td_buf_printf(&many, "%s{\"domain\":\"d%d.test\"}", i != 0 ? "," : "", i);
    td_buf_adds(&many, "]}");
    con_refused(con_call(&one, "hello", many.p), 400, "domains");
    td_buf_done(&many);
}

/* --- work --------------------------------------------------------------------------------------------------------- */

static void work_is_leased_to_one(void **state TD_UNUSED)
{
    con_ok(con_call(&one, "work", "{}"));
    assert_int_equal(td_json_count(con_work()), 0);
    box_in_write(box, con_ask_join);
    con_ok(con_call(&foreign, "work", "{\"free\":8}")); /* it says it serves the domain, but it is another tenant's */
    assert_int_equal(td_json_count(con_work()), 0);
    const struct td_json *w = con_take(&one);
    assert_string_equal(td_json_str(w, "kind"), "join");
    assert_string_equal(td_json_str(w, "domain"), "corp.test");
    assert_string_equal(td_json_str(w, "ou"), "OU=PCs,DC=corp,DC=test");
    assert_string_equal(td_json_str(w, "reuse"), "own");
    assert_string_equal(td_json_str(w, "job"), con_job().id);
    assert_string_equal(td_json_str(w, "name"), con_job().name);
    assert_int_equal(td_json_int(w, "attempt", 0), 1);
    con_ok(con_call(&two, "work", "{}"));
    assert_int_equal(td_json_count(con_work()), 0);
    con_refused(con_call(&two, "work", "{\"free\":0}"), 400, "free");
    con_refused(con_call(&two, "work", "{\"free\":9}"), 400, "free");
    con_refused(con_call(&two, "work", "{\"free\":\"4\"}"), 400, "free");
}

static void one_with_a_problem_leaves_it_to_others(void **state TD_UNUSED)
{
    con_hello(&one, "NoDc");
    box_in_write(box, con_ask_join);
    con_ok(con_call(&one, "work", "{}"));
    assert_int_equal(td_json_count(con_work()), 0);
    (void)con_take(&two);
}

static void a_blob_is_read_and_sealed(void **state TD_UNUSED)
{
    struct td_slice plain = {0};
    box_in_write(box, con_ask_join);
    const struct td_json *w = con_take(&one);
    const char *id = td_json_str(w, "id"), *name = td_json_str(w, "name");
    const char *body = con_made(id, 1, JOB_GUID, con_blob("corp.test", name, 1104));
    con_refused(con_call(&foreign, "result", body), 409, "id");
    con_refused(con_call(&two, "result", body), 409, "id"); /* it has not got it */
    con_refused(con_call(&two, "result", con_error(id, 1, "NoOu")), 409, "id");
    con_ok(con_call(&one, "result", body));
    assert_slice(td_buf_slice(&box->reply.body), "{}");
    struct td_domain_join j = con_job();
    assert_int_equal(j.state, TD_DJS_CREATED);
    assert_string_equal(j.account_guid, JOB_GUID);
    assert_int_equal(td_search(j.sealed, TD_S("S\0e\0c\0r\0e\0t")), SIZE_MAX);
    assert_ok(td_connector_blob(&box->svc, &j, &box->arena, &plain, NULL));
    assert_string_equal(td_b64(&box->arena, plain), con_blob("corp.test", name, 1104));
    j.id = "another"; /* sealed for this job alone */
    assert_int_not_equal(td_connector_blob(&box->svc, &j, &box->arena, &plain, NULL), TD_OK);
    con_ok(con_call(&one, "result", body)); /* the answer was lost */
    con_refused(con_call(&one, "result",
                         con_made(id, 1, "44444444-0000-4000-8000-000000000009", con_blob("corp.test", name, 1104))),
                409, "attempt");
}

static void wrong_blob(const char *domain, const char *name, uint32_t rid, const char *why)
{
    box_in_write(box, con_ask_join);
    const struct td_json *w = con_take(&one);
    const char *machine = name != NULL ? name : td_json_str(w, "name");
    con_refused(con_call(&one, "result",
                         con_made(td_json_str(w, "id"), td_json_int(w, "attempt", 0), JOB_GUID,
                                  con_blob(domain, machine, rid))),
                400, "result.blob");
    struct td_domain_join j = con_job();
    assert_int_equal(j.state, TD_DJS_FAILED);
    assert_int_equal(j.sealed.n, 0);
    assert_non_null(strstr(j.detail, why));
}

static void a_blob_of_something_else_is_refused(void **state TD_UNUSED)
{
    wrong_blob("corp.test", "PC-OTHER", 1104, "another computer");
    wrong_blob("evil.test", NULL, 1104, "another domain");
    wrong_blob("corp.test", NULL, 1105, "identifiers");
}

static void results_are_read_strictly(void **state TD_UNUSED)
{
    struct td_arena *a = &box->arena;
    box_in_write(box, con_ask_join);
    const struct td_json *w = con_take(&one);
    const char *id = td_json_str(w, "id"), *blob = con_blob("corp.test", td_json_str(w, "name"), 1104);
    con_refused(con_call(&one, "result", "{}"), 400, "id");
    con_refused(con_call(&one, "result", "{\"id\":\"7\",\"attempt\":1,\"result\":{}}"), 400, "id");
    con_refused(con_call(&one, "result", td_arena_printf(a, "{\"id\":\"%s\",\"result\":{}}", id)), 400, "attempt");
    con_refused(con_call(&one, "result", td_arena_printf(a, "{\"id\":\"%s\",\"attempt\":-1,\"result\":{}}", id)), 400,
                "attempt");
    con_refused(con_call(&one, "result", td_arena_printf(a, "{\"id\":\"%s\",\"attempt\":1}", id)), 400, "result");
    con_refused(
        con_call(&one, "result", td_arena_printf(a, "{\"id\":\"%s\",\"attempt\":1,\"result\":{},\"error\":{}}", id)),
        400, "result");
    con_refused(con_call(&one, "result", td_arena_printf(a, "{\"id\":\"%s\",\"attempt\":1,\"error\":{}}", id)), 400,
                "reason");
    assert_int_equal(con_job().state, TD_DJS_CREATING); /* nobody knows whose it was */
    con_refused(con_call(&two, "result", con_error("55555555-0000-4000-8000-000000000001", 1, "NoOu")), 409, "id");
    con_refused(con_call(&one, "result", con_made(id, 2, JOB_GUID, blob)), 409, "attempt");
    con_refused(con_call(&one, "result", con_error(id, 2, "NoOu")), 409, "attempt");
    con_refused(con_call(&one, "result", con_made(id, 1, "no guid", blob)), 400, "result.accountGuid");
    assert_string_equal(con_job().failure, "Refused");
}

static void base64_that_is_none(void **state TD_UNUSED)
{
    box_in_write(box, con_ask_join);
    const char *id = td_json_str(con_take(&one), "id");
    con_refused(con_call(&one, "result", con_made(id, 1, JOB_GUID, "!")), 400, "result.blob");
    box_in_write(box, con_ask_join);
    id = td_json_str(con_take(&one), "id");
    con_refused(con_call(&one, "result", con_made(id, 1, JOB_GUID, "AAAA")), 400, "result.blob");
}

static void reasons_are_taken_by_name(void **state TD_UNUSED)
{
    box_in_write(box, con_ask_join);
    const struct td_json *w = con_take(&one);
    const char *first = td_json_str(w, "name");
    con_ok(con_call(&one, "result", con_error(td_json_str(w, "id"), 1, "NameTaken")));
    con_ok(con_call(&one, "result", con_error(td_json_str(w, "id"), 1, "NameTaken"))); /* the answer got lost */
    con_refused(con_call(&one, "result", con_error(td_json_str(w, "id"), 1, "NoRight")), 409, "attempt");
    w = con_take(&two); /* with another name, at once */
    assert_int_equal(td_json_int(w, "attempt", 0), 2);
    assert_string_not_equal(td_json_str(w, "name"), first);
    con_ok(con_call(&two, "result", con_error(td_json_str(w, "id"), 2, "Never heard of")));
    assert_int_equal(con_job().state, TD_DJS_FAILED);
    assert_string_equal(con_job().failure, "Refused");
    assert_string_equal(con_job().detail, "as told");
    box_in_write(box, con_ask_join);
    w = con_take(&one);
    con_ok(con_call(&one, "result", con_error(td_json_str(w, "id"), 1, "Ok"))); /* no error is called so */
    assert_string_equal(con_job().failure, "Refused");
}

static void accounts_are_taken_away(void **state TD_UNUSED)
{
    box_in_write(box, con_leave);
    const struct td_json *w = con_take(&one);
    const char *id = td_json_str(w, "id");
    assert_string_equal(td_json_str(w, "kind"), "delete");
    assert_string_equal(td_json_str(w, "accountGuid"), JOB_GUID);
    assert_string_equal(td_json_str(w, "name"), "PC-1");
    const char *done = td_arena_printf(&box->arena, "{\"id\":\"%s\",\"attempt\":1,\"result\":{}}", id);
    con_refused(con_call(&foreign, "result", done), 409, "id");
    con_refused(con_call(&two, "result", done), 409, "id"); /* it was leased to the other one */
    con_ok(con_call(&one, "result", done));
    con_ok(con_call(&one, "result", done)); /* the answer got lost */
    con_refused(con_call(&one, "result", con_error(id, 1, "NoRight")), 409, "attempt");
    con_ok(con_call(&two, "work", "{}"));
    assert_int_equal(td_json_count(con_work()), 0);
}

static void what_is_too_large_is_refused(void **state TD_UNUSED)
{
    struct td_slice body = {td_arena_alloc(&box->arena, (1 << 20) + 2), (1 << 20) + 1};
    assert_int_equal(
        box_ask(box, td_connector_routes, td_connector_route_count, "POST", "/connector/hello", NULL, body, &one.peer),
        413);
}

static void sync_goes_to_the_directory(void **state TD_UNUSED)
{
    static const char body[] = "{\"domain\":\"corp.test\",\"server\":\"44444444-0000-4000-8000-000000000007\",\"from\":"
                               "\"0\",\"to\":\"9\",\"full\":true,\"last\":true,\"objects\":[]}";
    assert_int_equal(con_call(&one, "sync", "{}"), 400);
    assert_int_equal(con_call(&one, "sync", body), 404); /* nobody wants its people */
    assert_ok(td_store_write(box->svc.store, want, NULL, NULL));
    con_ok(con_call(&two, "hello", "{\"domains\":[{\"domain\":\"lab.test\"}]}"));
    con_refused(con_call(&two, "sync", body), 409, "domain"); /* it serves another one */
    con_ok(con_call(&one, "sync", body));
    assert_non_null(td_json_str(con_answer(), "from"));
    assert_int_equal(con_call(&foreign, "sync", body), 404);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, con_setup, con_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_code_registers_one_key),
        TEST(keys_have_their_kinds),
        TEST(every_call_needs_a_key_that_counts),
        TEST(hello_tells_what_is_wanted),
        TEST(hello_is_read_strictly),
        TEST(work_is_leased_to_one),
        TEST(one_with_a_problem_leaves_it_to_others),
        TEST(a_blob_is_read_and_sealed),
        TEST(a_blob_of_something_else_is_refused),
        TEST(results_are_read_strictly),
        TEST(base64_that_is_none),
        TEST(reasons_are_taken_by_name),
        TEST(accounts_are_taken_away),
        TEST(what_is_too_large_is_refused),
        TEST(sync_goes_to_the_directory),
    };
    return cmocka_run_group_tests_name("connector", tests, NULL, con_end);
}
