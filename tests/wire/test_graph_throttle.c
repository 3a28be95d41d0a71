/* graph/throttle from several threads at once: as many calls pass as the limit says, no more and no fewer. */
#include "graph/throttle.h"
#include "unit/test.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(counts_are_exact)};
    return cmocka_run_group_tests_name("wire/graph_throttle", tests, NULL, NULL);
}
