/* job.actions: bulk actions go on by themselves, slice by slice, and accepted wipes whose devices stay away end. */
#include "api/action_job.h"
#include "deployed.h"
#include "fleet.h"
#include "store/action_batch.h"

static const struct td_job jobs[] = {{"job.actions", td_action_job}};
enum { MANY = 60 };

static void run_jobs(struct service_box *b)
{
    struct td_error err = {0};
    if (td_jobs_run(&b->svc, jobs, TD_COUNTOF(jobs), &err) != TD_OK)
        fail_msg("%s", err.text);
}

static void deploy(struct td_tx *tx, struct service_box *b)
{
    deployed_ready(tx, b, "SN-0001", true);
}

static void wipes_settle(void **state)
{
    struct service_box *b = *state;
    fleet_machine(b, 1, "T");
    box_in_write(b, deploy);
    b->world.now += TD_MINUTE;
    box_in_write(b, deployed_wipe_accepted);
    b->world.now += 23 * TD_HOUR;
    run_jobs(b);
    box_in_write(b, deployed_managed);
    b->world.now += 2 * TD_HOUR;
    run_jobs(b);
    box_in_write(b, deployed_unmanaged);
}

/* ---- many ---- */

static const char *batch_id;

static void enrol_many(struct td_tx *tx, struct service_box *b)
{
    for (int i = 0; i < MANY; i++) {
        const char *id = td_arena_printf(&b->arena, "mdm-%d", i), *way = td_arena_printf(&b->arena, "way-%d", i);
        struct td_way_row row;
        struct td_enrolment e = {
            .id = id, .tenant = b->tenant, .way_id = way, .type = "Device", .provider = "Touchdown"};
        e.device_id = e.registration_id = e.user_id = e.user_upn = e.dm_id = e.hw_dev_id = "";
        e.device_name = e.device_type = e.os_version = e.os_edition = e.locale = "";
        e.secrets = TD_S("");
        assert_ok(td_way_add(tx, b->tenant, TD_WAY_ID, way, &b->arena, &row, NULL));
        assert_ok(td_enrolment_add(tx, &e, NULL, NULL));
    }
}

static void ask_many(struct td_tx *tx, struct service_box *b)
{
    const char *ids[MANY];
    const struct td_action_asking what = {.kind = TD_ACTION_WIPE, .actor = "boss@contoso.test"};
    for (int i = 0; i < MANY; i++)
        ids[i] = td_arena_printf(&b->arena, "mdm-%d", i);
    assert_ok(td_action_batch_ask(tx, b->tenant, ids, MANY, &what, &b->arena, &batch_id, NULL));
}

static void cancel_many(struct td_tx *tx, struct service_box *b)
{
    assert_ok(td_action_batch_cancel(tx, b->tenant, batch_id, "boss@contoso.test", NULL));
}

static void assert_batch(struct td_tx *tx, struct service_box *b, const char *state, enum td_action_state of)
{
    struct td_action_batch batch;
    assert_ok(td_action_batch_find(tx, b->tenant, batch_id, &b->arena, &batch, NULL));
    assert_string_equal(td_batch_state_word(batch.state), state);
    assert_int_equal(batch.count[of], MANY);
    assert_int_equal(batch.to_ask + batch.refused + batch.left_out, 0);
}

static void all_pending(struct td_tx *tx, struct service_box *b)
{
    assert_batch(tx, b, "asked", TD_ACT_PENDING);
}

static void all_cancelled(struct td_tx *tx, struct service_box *b)
{
    assert_batch(tx, b, "cancelled", TD_ACT_CANCELLED);
}

static void bulk_goes_on(void **state)
{
    struct service_box *b = *state;
    box_in_write(b, enrol_many);
    box_in_write(b, ask_many);
    run_jobs(b);
    box_in_write(b, all_pending);
    run_jobs(b); /* nothing is left to do */
    box_in_write(b, cancel_many);
    run_jobs(b);
    box_in_write(b, all_cancelled);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, box_setup, box_teardown)
    const struct CMUnitTest tests[] = {TEST(wipes_settle), TEST(bulk_goes_on)};
    return cmocka_run_group_tests_name("action job", tests, NULL, NULL);
}
