/* The store's engine: transactions, group commit, rollback, durability across a kill, two processes, migrations. */
#include "store/event.h"
#include "store/tenant.h"
#include "unit/store/folder.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct box {
    char dir[FOLDER_NAME];
    struct td_env_fixed env;
    struct td_store *store;
    struct td_arena arena;
};

static struct td_store *open_store(struct box *b)
{
    struct td_store *s = NULL;
    struct td_error err = {0};
    if (td_store_open(b->dir, &b->env.env, &s, &err) != TD_OK)
        fail_msg("%s", err.text);
    return s;
}

static int setup(void **state)
{
    struct box *b = td_new(struct box);
    b->store = folder_store(b->dir, &b->env);
    td_arena_init(&b->arena);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct box *b = *state;
    folder_gone(b->dir, b->store);
    td_arena_done(&b->arena);
    td_free(b);
    return 0;
}

static enum td_code append(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_event e = {.subject = "s", .type = "test", .actor = "me", .detail = ctx};
    return td_event_append(tx, "t", &e, err);
}

static enum td_code append_then_fail(struct td_tx *tx, void *ctx, struct td_error *err)
{
    td_try(append(tx, ctx, err));
    return td_fail(err, TD_EDENIED, "x", "no");
}

static enum td_code count(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err, "SELECT count(*) FROM event WHERE tenant = $1", "s", "t"));
    while (td_rows_next(&r))
        *(int64_t *)ctx = td_col_int(&r, 0);
    return td_rows_done(&r, err);
}

static int64_t events(struct td_store *s)
{
    int64_t n = -1;
    assert_ok(td_store_read(s, count, &n, NULL));
    return n;
}

static void a_failed_write_leaves_nothing(void **state)
{
    struct box *b = *state;
    struct td_error err;
    assert_ok(td_store_write(b->store, append, "{}", &err));
    assert_int_equal(td_store_write(b->store, append_then_fail, "{}", &err), TD_EDENIED);
    assert_string_equal(err.where, "x");
    assert_int_equal(events(b->store), 1);
}

static void a_read_writes_nothing(void **state)
{
    struct box *b = *state;
    td_ignore(td_store_read(b->store, append, "{}", NULL));
    assert_int_equal(events(b->store), 0);
}

struct writers {
    struct td_store *store;
    int ok;
};

static void *write_many(void *arg)
{
    struct writers *w = arg;
    for (int i = 0; i < 50; i++) {
        bool fails = i % 5 == 4;
        enum td_code rc = td_store_write(w->store, fails ? append_then_fail : append, "{}", NULL);
        w->ok += rc == (fails ? TD_EDENIED : TD_OK);
    }
    return NULL;
}

static void many_writers_share_flushes(void **state)
{
    struct box *b = *state;
    enum { THREADS = 8 };
    pthread_t t[THREADS];
    struct writers w[THREADS];
    for (int i = 0; i < THREADS; i++) {
        w[i] = (struct writers){b->store, 0};
        pthread_create(&t[i], NULL, write_many, &w[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(t[i], NULL);
        assert_int_equal(w[i].ok, 50);
    }
    assert_int_equal(events(b->store), THREADS * 40);
    struct td_store_stats stats;
    td_store_stats(b->store, &stats);
    assert_true(stats.commits < THREADS * 50);
    assert_int_equal(stats.failed, THREADS * 10);
}

struct later {
    struct td_store *store;
    struct td_error err;
    enum td_code rc;
    int64_t seen;
    sem_t told;
};

static enum td_code append_later(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    return append(tx, "{}", err);
}

static enum td_code fail_later(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    return append_then_fail(tx, "{}", err);
}

static void note(void *ctx, enum td_code rc)
{
    struct later *l = ctx;
    l->rc = rc;
    l->seen = events(l->store);
    sem_post(&l->told);
}

static enum td_code write_inside(struct td_tx *tx TD_UNUSED, void *ctx, struct td_error *err)
{
    return td_store_write(ctx, append, "{}", err);
}

static void a_write_holds_no_write(void **state)
{
    struct box *b = *state;
    struct td_error err;
    assert_int_equal(td_store_write(b->store, write_inside, b->store, &err), TD_EINTERNAL);
    assert_int_equal(events(b->store), 0);
}

static int seven_in_work(void *ctx TD_UNUSED)
{
    return 7;
}

/* Told when it is durable, also where the writer waits in vain for others to join. */
static void a_write_may_be_told_later(void **state)
{
    struct box *b = *state;
    struct later good = {.store = b->store, .rc = TD_EINTERNAL}, bad = {.store = b->store};
    sem_init(&good.told, 0, 0);
    sem_init(&bad.told, 0, 0);
    td_store_gather(b->store, seven_in_work, NULL);
    td_store_write_later(b->store, append_later, &good, &good.err, note);
    sem_wait(&good.told);
    assert_int_equal(good.rc, TD_OK);
    assert_int_equal(good.seen, 1);
    td_store_write_later(b->store, fail_later, &bad, &bad.err, note);
    sem_wait(&bad.told);
    assert_int_equal(bad.rc, TD_EDENIED);
    assert_string_equal(bad.err.where, "x");
    assert_int_equal(bad.seen, 1);
    sem_destroy(&good.told);
    sem_destroy(&bad.told);
}

/* What a write answered is there after kill -9; the child tells each answer through a pipe before it goes on. */
static void an_answered_write_survives_a_kill(void **state)
{
    struct box *b = *state;
    td_store_close(TD_TAKE(b->store));
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        struct td_store *s = NULL;
        if (td_store_open(b->dir, &b->env.env, &s, NULL) != TD_OK)
            _exit(1);
        for (;;)
            if (td_store_write(s, append, "{}", NULL) != TD_OK || write(pipes[1], "x", 1) != 1)
                _exit(1);
    }
    char answers[200];
    size_t told = 0;
    while (told < sizeof(answers)) {
        ssize_t n = read(pipes[0], answers, sizeof(answers) - told);
        assert_true(n > 0);
        told += (size_t)n;
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    close(pipes[0]);
    close(pipes[1]);
    b->store = open_store(b);
    assert_true(events(b->store) >= (int64_t)told);
}

static void two_processes_write_side_by_side(void **state)
{
    struct box *b = *state;
    pid_t child = fork();
    if (child == 0) {
        struct td_store *s = NULL;
        if (td_store_open(b->dir, &b->env.env, &s, NULL) != TD_OK)
            _exit(1);
        for (int i = 0; i < 30; i++)
            if (td_store_write(s, append, "{}", NULL) != TD_OK)
                _exit(1);
        _exit(0);
    }
    for (int i = 0; i < 30; i++)
        assert_ok(td_store_write(b->store, append, "{}", NULL));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(events(b->store), 60);
}

static enum td_code raise_version(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    return td_sql(tx, err, "INSERT INTO schema_migration(version, name, applied_at) VALUES (9999, 'future', 0)", "");
}

static void a_newer_schema_is_refused(void **state)
{
    struct box *b = *state;
    struct td_store *s = NULL;
    struct td_error err;
    assert_ok(td_store_write(b->store, raise_version, NULL, &err));
    assert_int_equal(td_store_open(b->dir, &b->env.env, &s, &err), TD_ESTATE);
    assert_int_equal(td_store_open("postgresql://x/y", &b->env.env, &s, &err), TD_ENOTOFFERED);
}

struct tenants {
    struct box *box;
    struct td_tenant made, found;
    const char *value;
};

static enum td_code use_tenants(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct tenants *t = ctx;
    struct td_arena *a = &t->box->arena;
    assert_int_equal(td_tenant_only(tx, a, &t->found, err), TD_ENOTFOUND);
    td_try(td_tenant_add(tx, "Contoso.Test", NULL, a, &t->made, err));
    td_try(td_tenant_find(tx, TD_S("CONTOSO.test"), a, &t->found, err));
    assert_string_equal(t->found.id, t->made.id);
    td_try(td_tenant_find(tx, td_str(t->made.id), a, &t->found, err));
    td_try(td_tenant_only(tx, a, &t->found, err));
    assert_int_equal(td_tenant_find(tx, TD_S("other.test"), a, &t->found, NULL), TD_ENOTFOUND);
    assert_int_equal(td_tenant_set(tx, t->made.id, "no-such", "1", "me", NULL), TD_EINVAL);
    assert_int_equal(td_tenant_set(tx, t->made.id, "hash-checksum", "refus", "me", NULL), TD_EINVAL);
    assert_int_equal(td_tenant_set(tx, t->made.id, "enrol-users", "non", "me", NULL), TD_EINVAL);
    assert_int_equal(td_tenant_set(tx, t->made.id, "password-grant", "yes", "me", NULL), TD_EINVAL);
    assert_int_equal(td_tenant_set(tx, t->made.id, "join-device-limit", "-1", "me", NULL), TD_EINVAL);
    td_try(td_tenant_set(tx, t->made.id, "password-grant", "on", "me", err));
    int64_t limit = 0;
    td_try(td_tenant_get_int(tx, t->made.id, "join-device-limit", &limit, err));
    assert_int_equal(limit, 50);
    return td_tenant_get(tx, t->made.id, "password-grant", a, &t->value, err);
}

static enum td_code add_again(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct tenants *t = ctx;
    return td_tenant_add(tx, "contoso.test", NULL, &t->box->arena, &t->found, err);
}

static enum td_code add_bad(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct tenants *t = ctx;
    static const char *const bad[] = {"", "nodot", "a..b", "-a.b", "a.b-", "a b.c", "ä.test", ".a.b"};
    for (size_t i = 0; i < TD_COUNTOF(bad); i++)
        assert_int_equal(td_tenant_add(tx, bad[i], NULL, &t->box->arena, &t->found, err), TD_EINVAL);
    return TD_OK;
}

static void tenants_and_settings(void **state)
{
    struct tenants t = {.box = *state};
    struct td_error err;
    assert_ok(td_store_write(t.box->store, use_tenants, &t, &err));
    assert_string_equal(t.value, "on");
    assert_string_equal(t.made.domain, "contoso.test");
    assert_int_equal(td_store_write(t.box->store, add_again, &t, &err), TD_EEXISTS);
    assert_ok(td_store_write(t.box->store, add_bad, &t, &err));
}

static enum td_code odd_sql(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    struct td_arena a;
    td_arena_init(&a);
    struct td_rows r;
    td_try(td_sql_query(tx, &r, err, "SELECT $2, $1, $3, $1", "sbi", NULL, td_bytes("a\0b", 3), INT64_MIN));
    assert_true(td_rows_next(&r));
    assert_null(td_col_text(&r, 1, &a));
    assert_string_equal(td_col_text0(&r, 3, &a), "");
    assert_true(td_eq(td_col_blob(&r, 0, &a), td_bytes("a\0b", 3)));
    assert_true(td_col_int(&r, 2) == INT64_MIN);
    assert_false(td_rows_next(&r));
    td_try(td_rows_done(&r, err));
    assert_int_equal(td_sql(tx, err, "SELECT $1", ""), TD_EINTERNAL);
    assert_int_equal(td_sql(tx, err, "SELECT 1", "i", (int64_t)1), TD_EINTERNAL);
    assert_int_equal(td_sql(tx, err, "SELEC", ""), TD_EINTERNAL);
    td_arena_done(&a);
    return TD_OK;
}

static void statements_bind_by_number(void **state)
{
    struct box *b = *state;
    assert_ok(td_store_read(b->store, odd_sql, NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_failed_write_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_read_writes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(many_writers_share_flushes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_write_may_be_told_later, setup, teardown),
        cmocka_unit_test_setup_teardown(a_write_holds_no_write, setup, teardown),
        cmocka_unit_test_setup_teardown(an_answered_write_survives_a_kill, setup, teardown),
        cmocka_unit_test_setup_teardown(two_processes_write_side_by_side, setup, teardown),
        cmocka_unit_test_setup_teardown(a_newer_schema_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(tenants_and_settings, setup, teardown),
        cmocka_unit_test_setup_teardown(statements_bind_by_number, setup, teardown),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
