/* Requests that wait for work, and questions of the moment (docs/protocol/connector.md 2, 3): whoever asks stands on a
 * thread of its own, the test plays the connectors. Nothing here goes by the clock but patience that is over at once.
 */
#include "connector_world.h"

#include <pthread.h>

/* --- a request that may be answered later ------------------------------------------------------------------------- */

struct parked {
    struct td_http_request req;
    struct td_http_reply reply;
    struct td_arena arena;
    pthread_mutex_t lock;
    pthread_cond_t there;
    bool answered, hung_up;
};

static bool is_gone(const struct td_http_request *req)
{
    const struct parked *p = req->job;
    return p->hung_up;
}

static void on_answered(struct td_http_request *req)
{
    struct parked *p = req->job;
    (void)pthread_mutex_lock(&p->lock);
    p->answered = true;
    (void)pthread_cond_broadcast(&p->there);
    (void)pthread_mutex_unlock(&p->lock);
}

static struct parked *send_work(const struct con *c, const char *body)
{
    struct td_door door = {td_connector_routes, td_connector_route_count, &box->svc};
    struct td_router router = {&door, 1};
    struct parked *p = td_new(struct parked);
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->there, NULL);
    td_reply_init(&p->reply);
    p->req = (struct td_http_request){.method = TD_POST,
                                      .path = TD_S("/connector/work"),
                                      .host = TD_S("localhost:8443"),
                                      .base = "https://localhost:8443",
                                      .body = td_str(body),
                                      .peer = &c->peer,
                                      .arena = &p->arena,
                                      .answered = on_answered,
                                      .gone = is_gone,
                                      .job = p};
    td_router_run(&router, &p->req, &p->reply);
    if (!p->req.later)
        p->answered = true;
    return p;
}

static bool is_answered(struct parked *p)
{
    (void)pthread_mutex_lock(&p->lock);
    bool yes = p->answered;
    (void)pthread_mutex_unlock(&p->lock);
    return yes;
}

/* Waits for its answer; its list of work, in the box's arena. */
static const struct td_json *await(struct parked *p)
{
    struct td_json *j = NULL;
    (void)pthread_mutex_lock(&p->lock);
    while (!p->answered)
        (void)pthread_cond_wait(&p->there, &p->lock);
    (void)pthread_mutex_unlock(&p->lock);
    assert_int_equal(p->reply.status, 200);
    assert_ok(td_json_parse(td_buf_slice(&p->reply.body), 1 << 20, &box->arena, &j, NULL));
    return td_json_get(j, "work");
}

static void end(struct parked *p)
{
    td_reply_done(&p->reply);
    td_arena_done(&p->arena);
    (void)pthread_cond_destroy(&p->there);
    (void)pthread_mutex_destroy(&p->lock);
    td_free(p);
}

static void run_job(void)
{
    bool more = false;
    assert_ok(td_connector_job(&box->svc, &more, NULL));
}

/* --- work --------------------------------------------------------------------------------------------------------- */

static void work_comes_to_who_waits(void **state TD_UNUSED)
{
    struct parked *f = send_work(&foreign, "{}"), *p = send_work(&one, "{}");
    assert_false(is_answered(p));
    run_job();
    assert_false(is_answered(p));
    box_in_write(box, con_ask_join);
    run_job();
    assert_true(is_answered(p));
    assert_string_equal(td_json_str(await(p)->child, "kind"), "join");
    assert_false(is_answered(f)); /* of another tenant */
    td_connector_hub_stop(box->svc.connectors);
    assert_int_equal(td_json_count(await(f)), 0);
    end(p);
    end(f);
}

static void the_end_answers_all(void **state TD_UNUSED)
{
    struct parked *p = send_work(&one, "{}"), *q = send_work(&two, "{}"), *late;
    assert_int_equal(td_connector_hub_waiting(box->svc.connectors), 2);
    td_connector_hub_stop(box->svc.connectors);
    assert_int_equal(td_json_count(await(p)), 0);
    assert_int_equal(td_json_count(await(q)), 0);
    late = send_work(&one, "{}"); /* who comes behind it does not wait */
    assert_true(is_answered(late) && !late->req.later);
    assert_int_equal(td_json_count(await(late)), 0);
    assert_int_equal(td_connector_hub_waiting(box->svc.connectors), 0);
    end(p);
    end(q);
    end(late);
}

static void few_wait_for_one_connector(void **state TD_UNUSED)
{
    struct parked *p[9];
    for (int i = 0; i < 9; i++)
        p[i] = send_work(&one, "{}");
    assert_false(is_answered(p[7]));
    assert_true(is_answered(p[8]));
    assert_int_equal(p[8]->reply.status, 429);
    td_connector_hub_stop(box->svc.connectors);
    for (int i = 0; i < 9; i++)
        end(p[i]);
}

/* --- questions ---------------------------------------------------------------------------------------------------- */

struct asking {
    struct td_connector_question q;
    struct td_arena arena;
    const struct td_json *answer;
    struct td_error err;
    enum td_code rc;
    pthread_t thread;
};

static void *run_asking(void *ctx)
{
    struct asking *k = ctx;
    k->rc = td_connector_ask(&box->svc, &k->q, &k->arena, &k->answer, &k->err);
    return NULL;
}

static struct asking *ask(const char *tenant)
{
    struct asking *k = td_new(struct asking);
    k->q = (struct td_connector_question){.tenant = tenant,
                                          .domain = "corp.test",
                                          .kind = "password",
                                          .names = {"upn"},
                                          .values = {"ada@corp.test"},
                                          .secret = TD_S("Pa$$w0rd")};
    assert_int_equal(pthread_create(&k->thread, NULL, run_asking, k), 0);
    return k;
}

static void wait_for(struct asking *k)
{
    (void)pthread_join(k->thread, NULL);
}

static void end_asking(struct asking *k)
{
    td_arena_done(&k->arena);
    td_free(k);
}

static void say(const struct con *c, const char *id, const char *rest)
{
    con_ok(con_call(c, "result", td_arena_printf(&box->arena, "{\"id\":\"%s\",\"attempt\":0,%s}", id, rest)));
}

static void a_question_is_answered(void **state TD_UNUSED)
{
    struct td_slice secret = {0};
    struct parked *f = send_work(&foreign, "{}"), *p = send_work(&one, "{}");
    struct asking *k = ask(box->tenant);
    const struct td_json *w = await(p)->child;
    const char *id = td_json_str(w, "id");
    assert_string_equal(td_json_str(w, "kind"), "password");
    assert_string_equal(td_json_str(w, "upn"), "ada@corp.test");
    assert_int_equal(td_json_int(w, "attempt", 7), 0);
    assert_int_equal(td_search(td_buf_slice(&p->reply.body), TD_S("Pa$$")), SIZE_MAX);
    assert_ok(td_jwe_open(rsa, id, one.id, td_str(td_json_str(w, "secret")), &box->arena, &secret, NULL));
    assert_slice(secret, "Pa$$w0rd");
    assert_int_not_equal(td_jwe_open(rsa, id, two.id, td_str(td_json_str(w, "secret")), &box->arena, &secret, NULL),
                         TD_OK);
    const char *body = td_arena_printf(&box->arena, "{\"id\":\"%s\",\"attempt\":0,\"result\":{\"sam\":\"evil\"}}", id);
    con_refused(con_call(&foreign, "result", body), 409, "id"); /* nobody asked them */
    con_refused(con_call(&two, "result", body), 409, "id");
    say(&one, id, "\"result\":{\"sam\":\"ada\"}");
    wait_for(k);
    assert_ok(k->rc);
    assert_string_equal(td_json_str(k->answer, "sam"), "ada");
    con_refused(con_call(&one, "result", body), 409, "id"); /* it is over */
    assert_false(is_answered(f));
    td_connector_hub_stop(box->svc.connectors);
    end_asking(k);
    end(p);
    end(f);
}

static void a_person_is_refused_once(void **state TD_UNUSED)
{
    struct parked *p = send_work(&one, "{}"), *q = send_work(&two, "{}");
    struct asking *k = ask(box->tenant);
    say(&one, td_json_str(await(p)->child, "id"), "\"error\":{\"reason\":\"Locked\",\"detail\":\"\"}");
    wait_for(k);
    assert_int_equal(k->rc, TD_EDENIED);
    assert_string_equal(k->err.where, "Locked");
    assert_false(is_answered(q)); /* no second guess at another connector */
    td_connector_hub_stop(box->svc.connectors);
    end_asking(k);
    end(p);
    end(q);
}

static void what_one_cannot_do_another_does(void **state TD_UNUSED)
{
    struct parked *p = send_work(&one, "{}"), *q = send_work(&two, "{}");
    struct asking *k = ask(box->tenant);
    say(&one, td_json_str(await(p)->child, "id"), "\"error\":{\"reason\":\"NoDc\",\"detail\":\"\"}");
    say(&two, td_json_str(await(q)->child, "id"), "\"result\":{\"sam\":\"ada\"}");
    wait_for(k);
    assert_ok(k->rc);
    end_asking(k);
    end(p);
    end(q);
}

static void nobody_left_to_ask(void **state TD_UNUSED)
{
    struct parked *p = send_work(&one, "{}");
    struct asking *k = ask(box->tenant);
    say(&one, td_json_str(await(p)->child, "id"), "\"error\":{\"reason\":\"NoDc\",\"detail\":\"all of them\"}");
    wait_for(k);
    assert_int_equal(k->rc, TD_EUNAVAILABLE);
    assert_string_equal(k->err.where, "NoDc");
    end_asking(k);
    end(p);
}

static void who_is_silent_is_passed_over(void **state TD_UNUSED)
{
    td_connector_hub_patience(box->svc.connectors, 600 * TD_SECOND, 0);
    struct parked *p = send_work(&one, "{}"), *q = send_work(&two, "{}");
    struct asking *k = ask(box->tenant);
    const char *id = td_json_str(await(p)->child, "id");
    assert_string_equal(td_json_str(await(q)->child, "id"), id); /* the first one has not answered */
    say(&two, id, "\"result\":{\"sam\":\"ada\"}");
    wait_for(k);
    assert_ok(k->rc);
    end_asking(k);
    end(p);
    end(q);
}

static enum td_code nobody(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    td_try(td_connector_enable(tx, box->tenant, one.id, false, "ada", err));
    return td_connector_enable(tx, box->tenant, two.id, false, "ada", err);
}

static enum td_code disable_one(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    return td_connector_enable(tx, box->tenant, one.id, false, "ada", err);
}

/* Disabled from another process, while it waits here. */
static void a_disabled_one_gets_nothing(void **state TD_UNUSED)
{
    td_connector_hub_patience(box->svc.connectors, 50000, 0);
    struct parked *p = send_work(&one, "{}");
    assert_ok(td_store_write(box->svc.store, disable_one, NULL, NULL));
    struct asking *k = ask(box->tenant);
    wait_for(k);
    assert_string_equal(k->err.where, "NoConnector");
    assert_false(is_answered(p));
    box_in_write(box, con_ask_join);
    run_job();
    assert_true(is_answered(p));
    assert_int_equal(p->reply.status, 403);
    assert_int_equal(con_job().state, TD_DJS_QUEUED);
    end_asking(k);
    end(p);
}

/* Bound to others from another process, while it waits here. */
static void one_bound_to_others_gets_nothing(void **state TD_UNUSED)
{
    td_connector_hub_patience(box->svc.connectors, 50000, 0);
    struct parked *p = send_work(&one, "{}");
    con_bind(&one, "lab.test");
    struct asking *k = ask(box->tenant);
    wait_for(k);
    assert_string_equal(k->err.where, "NoConnector");
    box_in_write(box, con_ask_join);
    run_job();
    assert_false(is_answered(p));
    assert_int_equal(con_job().state, TD_DJS_QUEUED);
    con_bind(&one, "corp.test");
    run_job();
    assert_string_equal(td_json_str(await(p)->child, "kind"), "join");
    end_asking(k);
    end(p);
}

static void an_answer_for_others_is_refused(void **state TD_UNUSED)
{
    td_connector_hub_patience(box->svc.connectors, 600 * TD_SECOND, 600 * TD_SECOND);
    struct parked *p = send_work(&one, "{}");
    struct asking *k = ask(box->tenant);
    const char *id = td_json_str(await(p)->child, "id");
    const char *body = td_arena_printf(&box->arena, "{\"id\":\"%s\",\"attempt\":0,\"result\":{\"sam\":\"x\"}}", id);
    con_bind(&one, "lab.test");
    con_refused(con_call(&one, "result", body), 403, "domain");
    con_bind(&one, NULL);
    say(&one, id, "\"result\":{\"sam\":\"ada\"}");
    wait_for(k);
    assert_ok(k->rc);
    assert_string_equal(td_json_str(k->answer, "sam"), "ada");
    end_asking(k);
    end(p);
}

/* Killed and started again: what its dead calls were given would lie for a minute, and a question with them. */
static void who_hung_up_gets_nothing(void **state TD_UNUSED)
{
    struct parked *dead[8], *alive;
    for (size_t i = 0; i < TD_COUNTOF(dead); i++) {
        dead[i] = send_work(&one, "{}");
        dead[i]->hung_up = true;
    }
    alive = send_work(&one, "{}"); /* nor do they count */
    assert_false(is_answered(alive));
    struct asking *k = ask(box->tenant);
    const struct td_json *piece = await(alive)->child;
    assert_string_equal(td_json_str(piece, "kind"), "password");
    say(&one, td_json_str(piece, "id"), "\"result\":{}");
    wait_for(k);
    assert_ok(k->rc);
    end(alive);
    alive = send_work(&one, "{}");
    box_in_write(box, con_ask_join);
    run_job();
    assert_string_equal(td_json_str(await(alive)->child, "kind"), "join");
    for (size_t i = 0; i < TD_COUNTOF(dead); i++) {
        assert_int_equal(td_json_count(await(dead[i])), 0);
        end(dead[i]);
    }
    end(alive);
    end_asking(k);
}

static void nobody_waits(void **state TD_UNUSED)
{
    td_connector_hub_patience(box->svc.connectors, 0, 0);
    struct asking *k = ask(box->tenant);
    wait_for(k);
    assert_int_equal(k->rc, TD_EUNAVAILABLE);
    assert_string_equal(k->err.where, "NoConnector");
    end_asking(k);
    assert_ok(td_store_write(box->svc.store, nobody, NULL, NULL));
    td_connector_hub_patience(box->svc.connectors, 600 * TD_SECOND, 0);
    k = ask(box->tenant); /* none serves it: known at once */
    wait_for(k);
    assert_string_equal(k->err.where, "NoConnector");
    end_asking(k);
}

static void other_tenants_are_not_asked(void **state TD_UNUSED)
{
    td_connector_hub_patience(box->svc.connectors, 50000, 0);
    struct parked *f = send_work(&foreign, "{}");
    struct asking *k = ask(box->tenant);
    wait_for(k);
    assert_string_equal(k->err.where, "NoConnector");
    assert_false(is_answered(f));
    td_connector_hub_stop(box->svc.connectors);
    end_asking(k);
    end(f);
}

static void a_late_connector_is_asked(void **state TD_UNUSED)
{
    td_connector_hub_patience(box->svc.connectors, 600 * TD_SECOND, 600 * TD_SECOND);
    struct asking *k = ask(box->tenant); /* between two of its requests */
    struct parked *p = send_work(&one, "{}");
    say(&one, td_json_str(await(p)->child, "id"), "\"result\":{\"sam\":\"ada\"}");
    wait_for(k);
    assert_ok(k->rc);
    end_asking(k);
    end(p);
}

static void few_ask_at_once(void **state TD_UNUSED)
{
    struct td_connector_stats s;
    td_connector_hub_bound(box->svc.connectors, 1);
    struct parked *p = send_work(&one, "{}");
    struct asking *k = ask(box->tenant), *second;
    const char *id = td_json_str(await(p)->child, "id");
    second = ask(box->tenant);
    wait_for(second);
    assert_int_equal(second->rc, TD_EUNAVAILABLE);
    say(&one, id, "\"result\":{}");
    wait_for(k);
    assert_ok(k->rc);
    assert_ok(td_connector_stats(&box->svc, &s, NULL));
    assert_true(s.active == 3 && s.failing == 0 && s.asked == 1 && s.answered == 1);
    end_asking(k);
    end_asking(second);
    end(p);
}

static void the_end_ends_questions(void **state TD_UNUSED)
{
    td_connector_hub_patience(box->svc.connectors, 600 * TD_SECOND, 600 * TD_SECOND);
    struct parked *p = send_work(&one, "{}");
    struct asking *k = ask(box->tenant);
    (void)await(p);
    td_connector_hub_stop(box->svc.connectors);
    wait_for(k);
    assert_int_equal(k->rc, TD_EUNAVAILABLE);
    end_asking(k);
    end(p);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, con_setup, con_teardown)
    const struct CMUnitTest tests[] = {
        TEST(work_comes_to_who_waits),
        TEST(the_end_answers_all),
        TEST(few_wait_for_one_connector),
        TEST(a_question_is_answered),
        TEST(a_person_is_refused_once),
        TEST(what_one_cannot_do_another_does),
        TEST(nobody_left_to_ask),
        TEST(who_is_silent_is_passed_over),
        TEST(a_disabled_one_gets_nothing),
        TEST(one_bound_to_others_gets_nothing),
        TEST(an_answer_for_others_is_refused),
        TEST(who_hung_up_gets_nothing),
        TEST(nobody_waits),
        TEST(other_tenants_are_not_asked),
        TEST(a_late_connector_is_asked),
        TEST(few_ask_at_once),
        TEST(the_end_ends_questions),
    };
    return cmocka_run_group_tests_name("connector_hub", tests, NULL, con_end);
}
