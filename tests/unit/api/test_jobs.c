/* Work behind the answers: a thread that takes slices, woken by a poke. Nothing here waits for a clock: what does not
 * happen is a program that never ends. */
#include "api/jobs.h"
#include "unit/test.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

enum { POKERS = 4, POKES = 50, SLICES = 7 };

static atomic_int left, taken, failures, broken;
static sem_t ended, told;

/* Slices as long as something is left; the last one says so. */
static enum td_code take(struct td_service *svc TD_UNUSED, bool *ret_more, struct td_error *err TD_UNUSED)
{
    int before = atomic_load(&left);
    if (before == 0)
        return TD_OK;
    atomic_fetch_add(&taken, 1);
    *ret_more = atomic_fetch_sub(&left, 1) > 1;
    if (!*ret_more)
        (void)sem_post(&ended);
    return TD_OK;
}

static enum td_code stumble(struct td_service *svc TD_UNUSED, bool *ret_more TD_UNUSED, struct td_error *err)
{
    return atomic_load(&broken) != 0 ? td_fail(err, TD_EIO, "store", "it is away") : TD_OK;
}

static enum td_code for_ever(struct td_service *svc TD_UNUSED, bool *ret_more, struct td_error *err TD_UNUSED)
{
    *ret_more = true;
    if (atomic_fetch_add(&taken, 1) == 0)
        (void)sem_post(&ended);
    return TD_OK;
}

static void failed(const char *name, const struct td_error *err)
{
    if (strcmp(name, "job.stumble") == 0 && strcmp(err->where, "store") == 0 && atomic_fetch_add(&failures, 1) == 0)
        (void)sem_post(&told);
}

static const struct td_job list[] = {{"job.stumble", stumble}, {"job.take", take}};

static int setup(void **state TD_UNUSED)
{
    atomic_store(&left, 0);
    atomic_store(&taken, 0);
    atomic_store(&failures, 0);
    atomic_store(&broken, 0);
    return sem_init(&ended, 0, 0) + sem_init(&told, 0, 0);
}

static void one_poke_does_it_all(void **state TD_UNUSED)
{
    struct td_jobs *j = td_jobs_start(NULL, list, TD_COUNTOF(list), failed);
    assert_non_null(j);
    for (int round = 1; round <= 20; round++) {
        atomic_store(&left, SLICES);
        td_jobs_poke(j);
        assert_int_equal(sem_wait(&ended), 0);
        assert_int_equal(atomic_load(&taken), round * SLICES);
    }
    td_jobs_stop(j);
    assert_int_equal(atomic_load(&failures), 0);
}

static void *poke_often(void *jobs)
{
    for (int i = 0; i < POKES; i++)
        td_jobs_poke(jobs);
    return NULL;
}

static void many_poke_at_once(void **state TD_UNUSED)
{
    pthread_t threads[POKERS];
    struct td_jobs *j = td_jobs_start(NULL, list, TD_COUNTOF(list), failed);
    assert_non_null(j);
    atomic_store(&left, SLICES);
    for (size_t i = 0; i < POKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, poke_often, j), 0);
    for (size_t i = 0; i < POKERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(sem_wait(&ended), 0);
    td_jobs_stop(j);
    assert_int_equal(atomic_load(&taken), SLICES);
}

static void one_that_fails_stops_no_other(void **state TD_UNUSED)
{
    atomic_store(&broken, 1);
    atomic_store(&left, 1);
    struct td_jobs *j = td_jobs_start(NULL, list, TD_COUNTOF(list), failed);
    assert_non_null(j);
    assert_int_equal(sem_wait(&told), 0);
    assert_int_equal(sem_wait(&ended), 0);
    td_jobs_stop(j);
    assert_int_equal(atomic_load(&taken), 1);
}

static void ends_in_the_midst_of_slices(void **state TD_UNUSED)
{
    static const struct td_job endless[] = {{"job.endless", for_ever}};
    struct td_jobs *j = td_jobs_start(NULL, endless, 1, failed);
    assert_non_null(j);
    assert_int_equal(sem_wait(&ended), 0);
    td_jobs_stop(j);
    int at_the_end = atomic_load(&taken);
    assert_true(at_the_end >= 1);
    td_jobs_stop(NULL);
    td_jobs_poke(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_poke_does_it_all, setup),
        cmocka_unit_test_setup(many_poke_at_once, setup),
        cmocka_unit_test_setup(one_that_fails_stops_no_other, setup),
        cmocka_unit_test_setup(ends_in_the_midst_of_slices, setup),
    };
    return cmocka_run_group_tests_name("jobs", tests, NULL, NULL);
}
