/* device/reset: the power fails. A process of its own carries the action out and is killed (SIGKILL) at each step, for
 * every kind; what lies on the disk then is the old state whole or on its way forward, and the next start ends it. */
#include "device/reset/room.h"
#include "unit/device/reset_world.h"

#include <signal.h>
#include <sys/wait.h>

enum { MAX_STEPS = 400 };

struct cut {
    int left; /* steps until the power fails */
};

static bool power(void *ctx, const char *step TD_UNUSED)
{
    struct cut *c = ctx;
    if (c->left-- == 0)
        (void)raise(SIGKILL);
    return true;
}

/* Runs the machine until the power fails at its step n. False if it came to the end before. */
static bool run_and_kill(struct reset_world *w, int n)
{
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct cut c = {n};
        bool did;
        w->dev.power = power;
        w->dev.power_ctx = &c;
        td_state_close(w->dev.state);
        w->dev.state = NULL;
        if (td_state_open(w->dir, &w->dev.state, NULL) != TD_OK)
            _exit(2);
        _exit(td_reset_carry_on(&w->dev, &did, NULL) == TD_OK ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status))
        assert_int_equal(WTERMSIG(status), SIGKILL);
    else
        assert_int_equal(WEXITSTATUS(status), 0);
    return WIFSIGNALED(status);
}

static struct td_reset_journal journal(struct reset_world *w)
{
    struct td_reset_journal j = {0};
    assert_ok(td_reset_journal_read(&w->dev, &j, NULL));
    return j;
}

static void carry_on(struct reset_world *w)
{
    bool did;
    struct td_error err = {0};
    world_load(w);
    if (td_reset_carry_on(&w->dev, &did, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
}

/* Between the steps of what goes forward: what is kept is whole, what goes may be there or not, nothing has changed.
 */
static void assert_on_its_way(const struct td_disk_list *before, const struct td_disk_list *now,
                              enum td_action_kind kind, const char *when)
{
    for (size_t i = 0; i < TD_COUNTOF(things); i++) {
        const struct td_disk_item *was = world_find(before, things[i].where, things[i].name);
        const struct td_disk_item *is = world_find(now, things[i].where, things[i].name);
        if (is == NULL && thing_stays(&things[i], kind))
            fail_msg("%s, %s: %s is lost", td_action_rows[kind].word, when, things[i].name);
        if (is != NULL && strcmp(is->value, was->value) != 0)
            fail_msg("%s, %s: %s is another", td_action_rows[kind].word, when, things[i].name);
    }
}

static bool is_plain_wipe(enum td_action_kind kind)
{
    return kind == TD_ACTION_WIPE || kind == TD_ACTION_WIPE_KEEP_USER || kind == TD_ACTION_WIPE_KEEP_PROVISIONING ||
           kind == TD_ACTION_WIPE_CLOUD || kind == TD_ACTION_FRESH_START || kind == TD_ACTION_FRESH_START_KEEP_USER;
}

/* By the document: an interrupted wipe rolls back and is reported; everything else is done in the end. */
static void assert_end(struct reset_world *w, const struct td_disk_list *before, enum td_action_kind kind,
                       enum td_reset_phase at, const char *when)
{
    struct td_disk_list after = world_state(w);
    struct td_reset_news news = td_reset_news(&w->dev, &w->a);
    enum td_action_kind pending;
    bool cut = at == TD_RESET_RESTARTED || at == TD_RESET_PREPARED;
    bool managed = td_remains(kind, TD_PART_ENROLMENT) == TD_KEPT;
    assert_false(td_reset_pending(&w->dev, &pending));
    if (cut && is_plain_wipe(kind)) {
        assert_same(before, &after, when);
        assert_int_equal(news.what, TD_RESET_ROLLED_BACK);
        assert_int_equal(news.kind, kind);
        assert_string_equal(news.node, "./Device/Vendor/MSFT/RemoteWipe/x");
        assert_int_equal(news.hresult, 0x800704C7u);
    } else {
        assert_matrix(before, &after, kind, when);
        assert_int_equal(news.what, managed ? TD_RESET_CAME_BACK : TD_RESET_NOTHING);
    }
    assert_false(td_file_exists(world_path(w, "reset")));
}

/* Returns false when the action has fewer steps than n. */
static bool cut_at(enum td_action_kind kind, int n)
{
    char when[64];
    struct reset_world w;
    world_open(&w);
    struct td_disk_list before = world_state(&w);
    assert_ok(td_reset_schedule(&w.dev, kind, "./Device/Vendor/MSFT/RemoteWipe/x", NULL));
    assert_ok(td_reset_await(&w.dev, NULL));
    bool killed = run_and_kill(&w, n);
    struct td_reset_journal j = journal(&w);
    struct td_disk_list now = world_state(&w);
    (void)snprintf(when, sizeof(when), "cut at step %d", n);
    if (killed && j.phase != TD_RESET_IDLE && j.phase < TD_RESET_COMMITTED)
        assert_same(&before, &now, when);
    else
        assert_on_its_way(&before, &now, kind, when);
    td_state_sweep(w.dir);
    carry_on(&w);
    assert_end(&w, &before, kind, j.phase, when);
    world_close(&w);
    return killed;
}

static void at_every_step_of_every_action(void **state TD_UNUSED)
{
    for (size_t k = 0; k < TD_COUNTOF(reset_kinds); k++) {
        int n = 0;
        while (n < MAX_STEPS && cut_at(reset_kinds[k], n))
            n++;
        assert_true(n > 8 && n < MAX_STEPS);
    }
}

/* The power comes back for one step more each time: every kind ends, and a protected wipe or a reset never gives up. */
static void again_and_again(void **state TD_UNUSED)
{
    for (size_t k = 0; k < TD_COUNTOF(reset_kinds); k++) {
        enum td_action_kind kind = reset_kinds[k];
        struct reset_world w;
        int starts = 0;
        world_open(&w);
        struct td_disk_list before = world_state(&w);
        assert_ok(td_reset_schedule(&w.dev, kind, "./Device/Vendor/MSFT/RemoteWipe/x", NULL));
        while (starts < MAX_STEPS && run_and_kill(&w, starts))
            starts++;
        assert_true(starts >= (is_plain_wipe(kind) ? 1 : 3) && starts < MAX_STEPS);
        assert_end(&w, &before, kind, is_plain_wipe(kind) ? TD_RESET_RESTARTED : TD_RESET_COMMITTED, "often");
        world_close(&w);
    }
}

/* The roll-back itself is cut off. */
static void while_it_rolls_back(void **state TD_UNUSED)
{
    for (int n = 0, killed = 1; killed; n++) {
        struct reset_world w;
        world_open(&w);
        struct td_disk_list before = world_state(&w);
        assert_ok(td_reset_schedule(&w.dev, TD_ACTION_WIPE, "./Device/Vendor/MSFT/RemoteWipe/x", NULL));
        assert_true(run_and_kill(&w, 3)); /* prepared, not committed */
        assert_int_equal(journal(&w).phase, TD_RESET_PREPARED);
        killed = run_and_kill(&w, n);
        carry_on(&w);
        assert_end(&w, &before, TD_ACTION_WIPE, TD_RESET_PREPARED, "rolling back");
        world_close(&w);
    }
}

/* What was rolled back can be asked for again, and is carried out then. */
static void asked_again(void **state TD_UNUSED)
{
    struct reset_world w;
    world_open(&w);
    struct td_disk_list before = world_state(&w);
    assert_ok(td_reset_schedule(&w.dev, TD_ACTION_WIPE_KEEP_USER, "./Device/Vendor/MSFT/RemoteWipe/x", NULL));
    assert_true(run_and_kill(&w, 0));
    carry_on(&w);
    assert_end(&w, &before, TD_ACTION_WIPE_KEEP_USER, TD_RESET_RESTARTED, "first");
    assert_ok(td_reset_told(&w.dev, NULL));
    assert_false(td_file_exists(world_path(&w, "reset.json")));
    assert_ok(td_reset_schedule(&w.dev, TD_ACTION_WIPE_KEEP_USER, "./Device/Vendor/MSFT/RemoteWipe/x", NULL));
    carry_on(&w);
    assert_end(&w, &before, TD_ACTION_WIPE_KEEP_USER, TD_RESET_COMMITTED, "second");
    world_close(&w);
}

/* Old contents are destroyed, also when the power failed between their replacement and that. */
static void no_old_contents_are_left(void **state TD_UNUSED)
{
    for (int n = 0, killed = 1; killed; n++) {
        struct reset_world w;
        char second[80];
        TD_CLEANUP(td_buf_done) struct td_buf text;
        td_buf_init(&text, 1 << 20);
        world_open(&w);
        (void)snprintf(second, sizeof(second), "%s.second", w.dir);
        assert_int_equal(link(world_path(&w, "state.json"), second), 0);
        world_note("", second);
        assert_ok(td_reset_schedule(&w.dev, TD_ACTION_WIPE_PROTECTED, "", NULL));
        killed = run_and_kill(&w, n);
        carry_on(&w);
        assert_ok(td_file_read(second, &text, NULL));
        assert_int_equal(td_search(td_buf_slice(&text), TD_S("ada")), SIZE_MAX);
        (void)unlink(second);
        world_note(second, "");
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_every_step_of_every_action), cmocka_unit_test(again_and_again),
        cmocka_unit_test(while_it_rolls_back),           cmocka_unit_test(asked_again),
        cmocka_unit_test(no_old_contents_are_left),
    };
    return cmocka_run_group_tests_name("reset_power", tests, NULL, worlds_done);
}
