/* store/action_batch: one action for many devices. */
#include "store/action_batch.h"
#include "unit/store/life_world.h"

static const char boss[] = "boss@contoso.test", other[] = "other@contoso.test";
static const char *const devices[] = {"mdm-1", "mdm-2", "mdm-3"};

struct deed {
    struct life *l;
    enum td_code want;
    const char *const *ids;
    size_t count;
    struct td_action_asking asking;
    const char *id, *who;
    bool flag;
    struct td_action_batch b;
    struct td_batch_refusal *refusals;
    size_t refusal_count;
    struct td_error err;
};

/* Judged here, not in the writer's thread. */
static void deed(struct deed *d, td_tx_fn *fn)
{
    enum td_code rc = td_store_write(d->l->store, fn, d, &d->err);
    if (rc != d->want)
        fail_msg("%d instead of %d: %s: %s", rc, d->want, d->err.where, d->err.text);
}

static enum td_code ask_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct deed *d = ctx;
    return td_action_batch_ask(tx, d->l->tenant, d->ids, d->count, &d->asking, &d->l->arena, &d->id, err);
}

static struct deed ask(struct life *l, enum td_action_kind kind, const char *const *ids, size_t count,
                       enum td_code want)
{
    struct deed d = {.l = l, .ids = ids, .count = count, .want = want};
    d.asking = (struct td_action_asking){.kind = kind, .actor = boss, .reason = "end of term"};
    deed(&d, ask_fn);
    return d;
}

static enum td_code work_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct deed *d = ctx;
    return td_action_batch_work(tx, 2, &d->flag, err);
}

/* Slices until nothing is due; how many did something. */
static int work(struct life *l)
{
    struct deed d = {.l = l};
    int slices = -1;
    do {
        slices++;
        deed(&d, work_fn);
    } while (d.flag);
    return slices;
}

static enum td_code find_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct deed *d = ctx;
    td_try(td_action_batch_find(tx, d->l->tenant, d->id, &d->l->arena, &d->b, err));
    return td_action_batch_refusals(tx, d->l->tenant, d->id, 10, &d->l->arena, &d->refusals, &d->refusal_count, err);
}

static struct deed look(struct life *l, const char *id)
{
    struct deed d = {.l = l, .id = id};
    deed(&d, find_fn);
    return d;
}

static enum td_code decide_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct deed *d = ctx;
    return td_action_batch_decide(tx, d->l->tenant, d->id, d->flag, d->who, err);
}

static enum td_code cancel_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct deed *d = ctx;
    return td_action_batch_cancel(tx, d->l->tenant, d->id, boss, err);
}

static void decide(struct life *l, const char *id, bool approve, const char *who, enum td_code want)
{
    struct deed d = {.l = l, .id = id, .flag = approve, .who = who, .want = want};
    deed(&d, decide_fn);
}

static void cancel(struct life *l, const char *id)
{
    struct deed d = {.l = l, .id = id};
    deed(&d, cancel_fn);
}

static enum td_code deliver_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct deed *d = ctx;
    struct td_action *rows = NULL;
    size_t count = 0;
    td_try(td_action_open_list(tx, d->l->tenant, d->id, &d->l->arena, &rows, &count, err));
    assert_int_equal(count, 1);
    return td_action_delivered(tx, d->l->tenant, rows[0].id, err);
}

static enum td_code set_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct deed *d = ctx;
    return td_tenant_set(tx, d->l->tenant, d->id, d->who, "test", err);
}

static void set(struct life *l, const char *key, const char *value)
{
    struct deed d = {.l = l, .id = key, .who = value};
    deed(&d, set_fn);
}

static void fleet(struct td_tx *tx, struct life *l)
{
    static const char *const pcs[] = {"pc-1", "qc-2", "rc-3"};
    for (size_t i = 0; i < TD_COUNTOF(pcs); i++) {
        life_join(tx, l, pcs[i], NULL);
        life_enrol(tx, l, devices[i], pcs[i], NULL);
    }
    (void)life_user(tx, l, boss);
}

static int setup(void **state)
{
    (void)life_setup(state);
    life_write(*state, fleet);
    return 0;
}

static void asks_in_slices(void **state)
{
    static const char *const list[] = {"mdm-1", "mdm-2", "mdm-none", "mdm-3"};
    struct life *l = *state;
    struct deed asked = ask(l, TD_ACTION_WIPE, list, 4, TD_OK), now = look(l, asked.id);
    assert_string_equal(td_batch_state_word(now.b.state), "asking");
    assert_int_equal(now.b.total, 4);
    assert_int_equal(now.b.to_ask, 4);
    assert_int_equal(work(l), 3); /* two slices of two, and one that finds nothing left */
    now = look(l, asked.id);
    assert_string_equal(td_batch_state_word(now.b.state), "asked");
    assert_int_equal(now.b.to_ask, 0);
    assert_int_equal(now.b.refused, 1);
    assert_int_equal(now.b.count[TD_ACT_PENDING], 3);
    assert_int_equal(now.refusal_count, 1);
    assert_string_equal(now.refusals[0].enrolment_id, "mdm-none");
    assert_true(now.refusals[0].cause[0] != '\0');
}

static void cancels_what_was_not_delivered(void **state)
{
    struct life *l = *state;
    struct deed asked = ask(l, TD_ACTION_WIPE, devices, 3, TD_OK), one = {.l = l, .id = "mdm-1"};
    struct deed slice = {.l = l};
    deed(&slice, work_fn); /* two of three are asked */
    deed(&one, deliver_fn);
    cancel(l, asked.id);
    cancel(l, asked.id);
    assert_true(work(l) >= 1);
    struct deed now = look(l, asked.id);
    assert_string_equal(td_batch_state_word(now.b.state), "cancelled");
    assert_int_equal(now.b.count[TD_ACT_ACTIVE], 1);
    assert_int_equal(now.b.count[TD_ACT_CANCELLED], 1);
    assert_int_equal(now.b.left_out, 1);
    cancel(l, asked.id);
    assert_int_equal(work(l), 0);
}

static void is_approved_as_a_whole(void **state)
{
    struct life *l = *state;
    set(l, "action-approval", "on");
    struct deed asked = ask(l, TD_ACTION_RESET, devices, 3, TD_OK);
    assert_int_equal(work(l), 0);
    assert_string_equal(td_batch_state_word(look(l, asked.id).b.state), "waiting for approval");
    decide(l, asked.id, true, boss, TD_EDENIED);
    decide(l, asked.id, true, other, TD_OK);
    decide(l, asked.id, true, other, TD_ESTATE);
    assert_true(work(l) >= 2);
    assert_int_equal(look(l, asked.id).b.count[TD_ACT_PENDING], 3);
    struct deed second = ask(l, TD_ACTION_WIPE, devices, 3, TD_OK);
    decide(l, second.id, false, other, TD_OK);
    assert_true(work(l) >= 1);
    assert_string_equal(td_batch_state_word(look(l, second.id).b.state), "cancelled");
    assert_int_equal(look(l, second.id).b.left_out, 3);
}

static void is_limited_as_a_whole(void **state)
{
    struct life *l = *state;
    set(l, "action-limit", "4");
    (void)ask(l, TD_ACTION_RESET, devices, 2, TD_OK);
    struct deed over = ask(l, TD_ACTION_WIPE, devices, 3, TD_ELIMIT);
    assert_non_null(strstr(over.err.text, "1 devices more than the safety limit of 4"));
    (void)ask(l, TD_ACTION_RESTART, devices, 3, TD_OK);
    l->env.now += 61 * TD_MINUTE;
    (void)ask(l, TD_ACTION_WIPE, devices, 3, TD_OK);
}

static void refuses_nonsense(void **state)
{
    struct life *l = *state;
    (void)ask(l, TD_ACTION_RESET, devices, 0, TD_EINVAL);
    (void)ask(l, TD_ACTION_SHUT_DOWN, devices, 3, TD_ENOTOFFERED);
    (void)ask(l, TD_ACTION_RENAME, devices, 3, TD_EINVAL);
    (void)ask(l, TD_ACTION_RESTART, devices, TD_BATCH_MAX + 1, TD_ELIMIT);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, life_teardown)
    const struct CMUnitTest tests[] = {T(asks_in_slices), T(cancels_what_was_not_delivered), T(is_approved_as_a_whole),
                                       T(is_limited_as_a_whole), T(refuses_nonsense)};
    return cmocka_run_group_tests_name("action batch", tests, NULL, NULL);
}
