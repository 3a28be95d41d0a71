/* Keys shared by threads: contexts are made on first use by whoever comes first, and kept. For ThreadSanitizer. */
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "crypto/secret.h"
#include "unit/test.h"

#include <pthread.h>

enum { THREADS = 4, ROUNDS = 20 };

static struct td_key *rsa, *ec;
static struct td_slice ca;
static struct td_arena common;

static bool one_round(struct td_arena *a)
{
    const struct td_rdn subject[] = {{"CN", "leaf"}};
    struct td_cert_template t = {
        .subject = subject, .subject_count = 1, .not_before = TD_DAY, .not_after = 2 * TD_DAY, .eku = TD_EKU_CLIENT};
    struct td_slice sig = {0}, der = {0};
    unsigned char mac[32];
    td_hmac_sha256(TD_S("key"), TD_S("text"), mac);
    return td_key_sign(rsa, TD_RS256, TD_S("x"), a, &sig) == TD_OK && td_key_verify(rsa, TD_RS256, TD_S("x"), sig) &&
           td_key_sign(ec, TD_ES256, TD_S("x"), a, &sig) == TD_OK && td_key_verify(ec, TD_ES256, TD_S("x"), sig) &&
           td_key_public_der(rsa, a, &t.spki) == TD_OK && td_cert_issue(&t, ca, ec, a, &der, NULL) == TD_OK &&
           td_cert_check_chain(der, TD_S(""), ca, TD_DAY + TD_HOUR, TD_EKU_CLIENT, NULL) == TD_OK;
}

static void *work(void *failed)
{
    struct td_arena a;
    td_arena_init(&a);
    for (int i = 0; i < ROUNDS; i++)
        if (!one_round(&a))
            *(bool *)failed = true;
    td_arena_done(&a);
    return NULL;
}

static void in_all_threads(void *(*fn)(void *), bool failed[THREADS])
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fn, &failed[i]), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < THREADS; i++)
        assert_false(failed[i]);
}

static void keys_are_shared(void **state TD_UNUSED)
{
    bool failed[THREADS] = {false};
    in_all_threads(work, failed);
}

/* More threads than may hash at once: all get their turn. */
static void *hash(void *failed)
{
    const struct td_password_cost cheap = {.memory_kib = 64, .passes = 1, .lanes = 1};
    struct td_env_fixed world;
    struct td_arena a;
    char *phc = NULL;
    td_env_fixed_init(&world, 0, 1);
    td_arena_init(&a);
    for (int i = 0; i < ROUNDS; i++)
        if (td_password_hash(&world.env, TD_S("password"), &cheap, &a, &phc, NULL) != TD_OK ||
            !td_password_verify(phc, TD_S("password")))
            *(bool *)failed = true;
    td_arena_done(&a);
    return NULL;
}

static void passwords_take_their_turn(void **state TD_UNUSED)
{
    bool failed[THREADS] = {false};
    in_all_threads(hash, failed);
    in_all_threads(hash, failed);
}

static int setup(void **state TD_UNUSED)
{
    const struct td_rdn subject[] = {{"CN", "ca"}};
    struct td_cert_template t = {.subject = subject, .subject_count = 1, .not_after = 9 * TD_DAY, .is_ca = true};
    struct td_error err;
    td_arena_init(&common);
    assert_ok(td_key_generate(TD_KEY_RSA, &rsa, &err));
    assert_ok(td_key_generate(TD_KEY_P256, &ec, &err));
    assert_ok(td_key_public_der(ec, &common, &t.spki));
    return td_cert_issue(&t, TD_S(""), ec, &common, &ca, &err) == TD_OK ? 0 : -1;
}

static int teardown(void **state TD_UNUSED)
{
    td_key_free(rsa);
    td_key_free(ec);
    td_arena_done(&common);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_shared),
        cmocka_unit_test(passwords_take_their_turn),
    };
    return cmocka_run_group_tests_name("threads", tests, setup, teardown);
}
