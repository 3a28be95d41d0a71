/* Throttling as graph-api.md 2.5 has it, by a fixed clock; and from several threads at once: as many calls pass as the
 * limit says, no more and no fewer. */
#include "graph/throttle.h"
#include "graph_world.h"

#include <pthread.h>

enum { THREADS = 4, CALLS = 2000, LIMIT = 3000 };

struct caller {
    struct td_service *svc;
    pthread_t thread;
    size_t passed, refused;
};

static void *call(void *ctx)
{
    struct caller *c = ctx;
    const struct td_g_limits limits = {.on = true, .app_any = LIMIT};
    const struct td_claims who = {.tenant = "tenant", .app_id = "app"};
    struct td_arena a;
    td_arena_init(&a);
    struct td_http_request req = {.method = TD_GET, .path = TD_S("/v1.0/groups"), .arena = &a};
    for (size_t i = 0; i < CALLS; i++) {
        struct td_http_reply reply;
        td_reply_init(&reply);
        if (td_g_throttle_pass(c->svc, &limits, &who, &req, &reply, NULL) == TD_OK)
            c->passed++;
        else
            c->refused++;
        td_reply_done(&reply);
    }
    td_arena_done(&a);
    return NULL;
}

static void counts_are_exact(void **state TD_UNUSED)
{
    struct td_env_fixed world;
    struct td_service svc = {.env = &world.env, .throttle = td_g_throttle_new()};
    struct caller callers[THREADS];
    size_t passed = 0, refused = 0;
    td_env_fixed_init(&world, TD_DAY, 1);
    for (size_t i = 0; i < THREADS; i++) {
        callers[i] = (struct caller){.svc = &svc};
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
        passed += callers[i].passed;
        refused += callers[i].refused;
    }
    assert_int_equal(passed, LIMIT);
    assert_int_equal(refused, THREADS * CALLS - LIMIT);
    td_g_throttle_free(svc.throttle);
}

struct setting {
    const char *key, *value;
};

static enum td_code set(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct setting *s = ctx;
    return td_tenant_set(tx, g.box->tenant, s->key, s->value, "test", err);
}

static void tenant_setting(const char *key, const char *value)
{
    struct setting s = {key, value};
    struct td_error err = {0};
    if (td_store_write(g.box->svc.store, set, &s, &err) != TD_OK)
        fail_msg("%s", err.text);
}

static int throttled_setup(void **state)
{
    gw_setup(state);
    g.box->svc.throttle = td_g_throttle_new();
    return 0;
}

static int throttled_teardown(void **state)
{
    struct service_box *b = *state;
    td_g_throttle_free(b->svc.throttle);
    return box_teardown(state);
}

static int asked(const char *call)
{
    gw_call_as(g.token, call, NULL);
    return g.status;
}

static void calls_past_the_limit_wait(void **state TD_UNUSED)
{
    static const char call[] = "GET /v1.0/servicePrincipals";
    for (int i = 0; i < 30; i++)
        assert_int_equal(asked(call), 200); /* off at first */
    tenant_setting("graph-throttle-app-requests", "10");
    tenant_setting("graph-throttle", "on");
    for (int i = 0; i < 7; i++)
        assert_int_equal(asked(call), 200);
    assert_string_equal(gw_header("x-ms-throttle-limit-percentage"), "");
    assert_int_equal(asked(call), 200);
    assert_string_equal(gw_header("x-ms-throttle-limit-percentage"), "0.80");
    g.box->world.now += 5 * TD_SECOND;
    assert_int_equal(asked(call), 200);
    assert_int_equal(asked(call), 200);
    assert_int_equal(asked(call), 429);
    is_error("TooManyRequests");
    assert_string_equal(gw_header("Retry-After"), "15");
    assert_string_equal(gw_header("x-ms-throttle-information"), "RequestLimitExceeded");
    assert_non_null(strstr(gw_header("x-ms-throttle-scope"), g.box->tenant));
    /* another tenant's program goes on; parts of a batch are counted, the batch itself answers */
    gw_call_as(g.foreign, call, NULL);
    assert_int_equal(g.status, 200);
    ask(200, "POST /v1.0/$batch", "{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/servicePrincipals\"}]}");
    is("responses/0/status", "429");
    is_text("responses/0/headers/Retry-After", "15");
    /* refused calls are not counted: at the end of the window all is open again */
    g.box->world.now += 15 * TD_SECOND;
    assert_int_equal(asked(call), 200);
}

static void writes_have_a_limit_of_their_own(void **state TD_UNUSED)
{
    tenant_setting("graph-throttle-writes", "2");
    tenant_setting("graph-throttle", "on");
    for (int i = 0; i < 2; i++)
        askf(201,
             text("{\"displayName\":\"G%d\",\"mailEnabled\":false,\"mailNickname\":\"g%d\",\"securityEnabled\":true}",
                  i, i),
             "POST /v1.0/groups");
    ask(429, "POST /v1.0/groups",
        "{\"displayName\":\"G\",\"mailEnabled\":false,\"mailNickname\":\"g\",\"securityEnabled\":true}");
    assert_string_equal(gw_header("Retry-After"), "20");
    assert_string_equal(gw_header("x-ms-throttle-information"), "WriteLimitExceeded");
    get("/v1.0/groups");
    counts(2);
    /* never the sync: a script that is refused here stalls for minutes (graph-api.md 2.5, section 5) */
    for (int i = 0; i < 5; i++)
        ask(204, "POST /beta/deviceManagement/windowsAutopilotSettings/sync", NULL);
}

/* 600 programs and one tenant on 512 places: the windows that began first are forgotten, which refuses nobody. */
static void more_programs_than_places(void **state)
{
    struct service_box *b = *state;
    const struct td_g_limits limits = {.on = true, .app_any = 1};
    struct td_http_request req = {.method = TD_GET, .path = TD_S("/v1.0/groups"), .arena = &b->arena};
    struct td_http_reply reply;
    for (int i = 0; i < 602; i++) {
        const int app = i < 600 ? i : i == 600 ? 599 : 0; /* then the last again, then the first */
        const struct td_claims who = {.tenant = b->tenant, .app_id = td_arena_printf(&b->arena, "app-%d", app)};
        td_reply_init(&reply);
        assert_int_equal(td_g_throttle_pass(&b->svc, &limits, &who, &req, &reply, NULL), i == 600 ? TD_ELIMIT : TD_OK);
        td_reply_done(&reply);
        b->world.now++;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_exact),
        cmocka_unit_test_setup_teardown(calls_past_the_limit_wait, throttled_setup, throttled_teardown),
        cmocka_unit_test_setup_teardown(more_programs_than_places, throttled_setup, throttled_teardown),
        cmocka_unit_test_setup_teardown(writes_have_a_limit_of_their_own, throttled_setup, throttled_teardown),
    };
    return cmocka_run_group_tests_name("wire/graph_throttle", tests, NULL, NULL);
}
