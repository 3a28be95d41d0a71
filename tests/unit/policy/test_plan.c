/* policy/desired, ledger, plan, progress: what is handed out when, how statuses are judged, how a phase ends. */
#include "base/env.h"
#include "policy/plan.h"
#include "unit/test.h"

static struct td_arena arena;
static struct td_error err;

#define FIRST "Vendor/MSFT/DMClient/Provider/P/FirstSyncStatus/"
#define CORTANA "./Device/Vendor/MSFT/Policy/Config/Experience/AllowCortana"

struct bench { /* one device before the planner */
    struct td_item items[8];
    struct td_desired_in in;
    struct td_desired d;
    struct td_ledger l;
    int64_t session;
    uint64_t msg;
    bool user_active;
    bool technician;
};

static struct td_item item_of(const char *id, const char *text)
{
    struct td_json *json;
    struct td_item item;
    assert_ok(td_json_parse(td_str(text), 1 << 20, &arena, &json, &err));
    assert_ok(td_item_parse(json, &arena, &item, &err));
    item.id = id;
    item.name = id;
    item.revision = 1;
    if (item.kind == TD_ITEM_MSI)
        item.as.msi.url = "https://m/content/x?t=a&b";
    return item;
}

static void plan(struct bench *b)
{
    td_desired_make(&b->in, &arena, &b->d);
    td_plan_align(&b->d, &b->l);
}

static struct bench bench_of(const char *const *items)
{
    struct bench b = {.session = 1, .msg = 1};
    b.in = (struct td_desired_in){.provider = "P", .user_upn = "ada@contoso.test", .computer_name = "", .setup = true};
    for (; items != NULL && *items != NULL; items++, b.in.item_count++)
        b.items[b.in.item_count] = item_of(td_arena_printf(&arena, "item-%zu", b.in.item_count), *items);
    td_ledger_init(&b.l, &arena);
    return b;
}

/* Hands out all that may go now; the keys, one a line. */
static const char *hand_out(struct bench *b)
{
    struct td_buf keys;
    uint64_t cmd = 2;
    b->in.items = b->items;
    plan(b);
    td_buf_init(&keys, 1 << 16);
    td_buf_adds(&keys, "");
    const struct td_want *w = NULL;
    while ((w = td_plan_next(&b->d, &b->l, b->session, b->user_active, w)) != NULL) {
        uint64_t next = cmd;
        (void)td_want_command(w, false, &next, &arena);
        td_plan_hand_out(&b->l, w, b->session, b->msg, cmd, (unsigned)(next - cmd - 1));
        cmd = next;
        td_buf_printf(&keys, "%s\n", w->key);
    }
    char *text = td_arena_text(&arena, td_buf_slice(&keys));
    td_buf_done(&keys);
    return text;
}

static void say(struct bench *b, const char *key, int code)
{
    const struct td_row *r = td_ledger_find(&b->l, key);
    assert_non_null(r);
    td_plan_status(&b->l, r->session, r->msg, r->cmd, code, 0);
}

/* Everything handed out and not answered yet gets this code; then the package is complete. */
static void say_rest(struct bench *b, int code)
{
    for (size_t i = 0; i < b->l.count; i++)
        if (b->l.rows[i].state == TD_ROW_SENT && b->l.rows[i].status == 0)
            td_plan_status(&b->l, b->session, b->msg, b->l.rows[i].cmd, code, 0);
    td_plan_judge(&b->l, b->session);
    b->msg++;
}

static void report(struct bench *b, const char *uri, const char *value)
{
    bool is_new = false;
    assert_non_null(td_plan_result(&b->l, b->session, 0, 0, uri, td_str(value), &is_new));
    assert_true(is_new);
    assert_non_null(td_plan_result(&b->l, b->session, 0, 0, uri, td_str(value), &is_new));
    assert_false(is_new);
}

static const char *const cortana[] = {
    "{\"kind\":\"policy\",\"settings\":[{\"policy\":\"Experience/AllowCortana\",\"value\":0}]}", NULL};

static void releases_behind_every_answer(void **state TD_UNUSED)
{
    struct bench b = bench_of(cortana);
    const char *keys = hand_out(&b);
    assert_non_null(strstr(keys, "R " CORTANA "\n"));
    assert_non_null(strstr(keys, "R ./Device/" FIRST "ExpectedPolicies\n"));
    assert_true(strstr(keys, "ExpectedPolicies") < strstr(keys, "AllowCortana"));
    assert_null(strstr(keys, "ServerHasFinishedProvisioning"));
    assert_string_equal(hand_out(&b), ""); /* handed out once */
    say(&b, "R " CORTANA, 500);            /* a passing error: open until a later session */
    say_rest(&b, 200);
    assert_string_equal(hand_out(&b), "");
    b.session++;
    assert_string_equal(hand_out(&b), "R " CORTANA "\n");
    say_rest(&b, 200);
    assert_non_null(strstr(hand_out(&b), "R ./Device/" FIRST "ServerHasFinishedProvisioning\n"));
}

static void judges_codes(void **state TD_UNUSED)
{
    static const struct {
        int code;
        enum td_row_state want;
    } rows[] = {
        {200, TD_ROW_DONE},   {202, TD_ROW_DONE},    {418, TD_ROW_DONE},    {404, TD_ROW_ABSENT},  {405, TD_ROW_ABSENT},
        {406, TD_ROW_ABSENT}, {500, TD_ROW_PENDING}, {503, TD_ROW_PENDING}, {215, TD_ROW_PENDING}, {0, TD_ROW_PENDING},
        {400, TD_ROW_FAILED}, {415, TD_ROW_FAILED},  {425, TD_ROW_FAILED},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct bench b = bench_of(cortana);
        (void)hand_out(&b);
        if (rows[i].code != 0)
            say(&b, "R " CORTANA, rows[i].code);
        td_plan_judge(&b.l, b.session);
        assert_int_equal(td_ledger_find(&b.l, "R " CORTANA)->state, rows[i].want);
    }
}

static void tries_a_bounded_number_of_times(void **state TD_UNUSED)
{
    struct bench b = bench_of(cortana);
    int handed = 0;
    for (int i = 0; i < 10; i++, b.session++) {
        handed += strstr(hand_out(&b), "R " CORTANA "\n") != NULL;
        td_plan_judge(&b.l, b.session);
    }
    assert_int_equal(handed, TD_PLAN_ATTEMPTS);
    assert_int_equal(td_ledger_find(&b.l, "R " CORTANA)->state, TD_ROW_FAILED);
    b.items[0].revision = 2; /* a changed item begins anew */
    assert_non_null(strstr(hand_out(&b), "R " CORTANA "\n"));
}

/* What an abandoned session left open is no attempt (oma-dm.md 3 rule 7). */
static void an_abandoned_session_costs_nothing(void **state TD_UNUSED)
{
    struct bench b = bench_of(cortana);
    for (int i = 0; i < 10; i++, b.session++) {
        assert_non_null(strstr(hand_out(&b), "R " CORTANA "\n"));
        td_plan_reopen(&b.l, b.session, false);
    }
    assert_int_equal(td_ledger_find(&b.l, "R " CORTANA)->attempts, 0);
}

static const char *const locks[] = {"{\"kind\":\"policy\",\"settings\":[{\"policy\":\"DeviceLock/"
                                    "MinDevicePasswordLength\",\"value\":8},{\"policy\":\"DeviceLock/"
                                    "DevicePasswordEnabled\",\"value\":0}]}",
                                    NULL};

/* csp.md 8: one Atomic, DevicePasswordEnabled first; a child's code tells more than 507. */
static void sends_device_lock_as_one(void **state TD_UNUSED)
{
    struct bench b = bench_of(locks);
    (void)hand_out(&b);
    const struct td_want *atomic = b.d.wants;
    while (atomic != NULL && (atomic->verb != TD_SYNC_ATOMIC || atomic->item[0] == '\0'))
        atomic = atomic->next;
    assert_non_null(atomic);
    assert_true(td_ends(td_str(atomic->child->uri), "/DevicePasswordEnabled"));
    struct td_row *r = td_ledger_find(&b.l, atomic->key);
    assert_int_equal(r->span, 2);
    td_plan_status(&b.l, r->session, r->msg, r->cmd, 507, 0);
    td_plan_status(&b.l, r->session, r->msg, r->cmd + 1, 216, 0);
    td_plan_status(&b.l, r->session, r->msg, r->cmd + 2, 415, 0x80070057);
    td_plan_judge(&b.l, b.session);
    const struct td_row *cause;
    assert_int_equal(td_plan_item(&b.d, &b.l, "item-0", &cause), TD_ITEM_FAILED);
    assert_int_equal(cause->status, 415);
    assert_int_equal(cause->original_error, 0x80070057);
}

static const char *const wlan[] = {"{\"kind\":\"wifi\",\"ssid\":\"A & B\",\"passphrase\":\"example-pass\"}", NULL};

static void proves_an_item(void **state TD_UNUSED)
{
    struct bench b = bench_of(wlan);
    const struct td_row *cause;
    static const char node[] = "./Device/Vendor/MSFT/WiFi/Profile/A%20%26%20B";
    (void)hand_out(&b);
    assert_non_null(td_ledger_find(&b.l, td_arena_printf(&arena, "A %s/WlanXml", node)));
    assert_int_equal(td_plan_item(&b.d, &b.l, "item-0", &cause), TD_ITEM_PENDING);
    say_rest(&b, 200);
    (void)hand_out(&b); /* the release */
    say_rest(&b, 200);
    assert_int_equal(td_plan_item(&b.d, &b.l, "item-0", &cause), TD_ITEM_APPLIED);
    assert_non_null(strstr(hand_out(&b), td_arena_printf(&arena, "G %s\n", node)));
    report(&b, node, "WlanXml");
    say_rest(&b, 200);
    assert_int_equal(td_plan_item(&b.d, &b.l, "item-0", &cause), TD_ITEM_IN_EFFECT);
    b.session++;
    assert_null(strstr(hand_out(&b), "WiFi")); /* proven once, asked no more */
}

static const char *const pro[] = {
    "{\"kind\":\"edition\",\"productKey\":\"AAAAA-BBBBB-CCCCC-DDDDD-EEEEE\",\"edition\":\"Enterprise\"}", NULL};

static void leaves_a_right_edition_alone(void **state TD_UNUSED)
{
    static const char uri[] = "./Vendor/MSFT/WindowsLicensing/Edition";
    for (int i = 0; i < 2; i++) {
        struct bench b = bench_of(pro);
        assert_null(strstr(hand_out(&b), "UpgradeEdition")); /* asked first */
        report(&b, uri, i == 0 ? "48" : "4");
        say_rest(&b, 200);
        assert_int_equal(strstr(hand_out(&b), "UpgradeEdition") != NULL, i == 0);
    }
}

static void writes_the_job_as_text(void **state TD_UNUSED)
{
    static const char *const msi[] = {
        "{\"kind\":\"msi\",\"content\":\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\","
        "\"productCode\":\"{77777777-0000-4000-8000-000000000001}\",\"productVersion\":\"1.2.3.0\"}",
        NULL};
    struct bench b = bench_of(msi);
    uint64_t id = 1;
    struct td_xml *job;
    (void)hand_out(&b);
    const struct td_want *w = b.d.wants;
    while (w != NULL && w->verb != TD_SYNC_SEQUENCE)
        w = w->next;
    assert_non_null(w);
    struct td_sync_cmd *cmd = td_want_command(w, false, &id, &arena);
    assert_int_equal(id, 4);
    assert_int_equal(cmd->child->kind, TD_SYNC_ADD);
    assert_false(cmd->child->items->has_data);
    assert_ok(td_xml_parse(cmd->child->next->items->data, 1 << 16, &arena, &job, &err));
    assert_slice(td_xml_text_at(job, "Product/Download/ContentURLList/ContentURL"), "https://m/content/x?t=a&b");
    assert_slice(td_xml_text_at(job, "Product/Validation/FileHash"),
                 "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08");
    assert_slice(td_xml_text_at(job, "Product/Enforcement/TimeOut"), "10");
}

static void first_writer_of_a_node_holds(void **state TD_UNUSED)
{
    static const char *const two[] = {
        "{\"kind\":\"policy\",\"settings\":[{\"policy\":\"Experience/AllowCortana\",\"value\":0}]}",
        "{\"kind\":\"policy\",\"settings\":[{\"policy\":\"Experience/AllowCortana\",\"value\":1}]}", NULL};
    struct bench b = bench_of(two);
    (void)hand_out(&b);
    int n = 0;
    for (const struct td_want *w = b.d.wants; w != NULL; w = w->next)
        if (w->verb == TD_SYNC_REPLACE && strcmp(w->uri, CORTANA) == 0) {
            assert_string_equal(w->data, "0");
            n++;
        }
    assert_int_equal(n, 1);
}

/* Walks the phases; every row: what happens, and the event that must follow (TD_EV_COUNT: none). */
static enum td_way_event step(struct bench *b, struct td_progress *p, int64_t now)
{
    struct td_progress_in in = {&b->d, &b->l, b->in.user_upn[0] != '\0', b->user_active, now, b->technician};
    enum td_way_event event = TD_EV_COUNT;
    err = (struct td_error){0};
    plan(b);
    return td_plan_progress(&in, p, &event, &err) ? event : TD_EV_COUNT;
}

static void all_answers(struct bench *b)
{
    for (int i = 0; i < 8 && *hand_out(b) != '\0'; i++)
        say_rest(b, 200);
}

static void walks_the_phases(void **state TD_UNUSED)
{
    struct bench b = bench_of(NULL);
    struct td_progress p = {0};
    b.in.items = b.items;
    assert_int_equal(step(&b, &p, 0), TD_EV_DEVICE_SETUP);
    assert_int_equal(step(&b, &p, 0), TD_EV_COUNT);
    all_answers(&b);
    assert_int_equal(step(&b, &p, 0), TD_EV_COUNT); /* released, but the device has not said that it is done */
    b.session++;
    (void)hand_out(&b);
    report(&b, b.d.device_result, "1");
    say_rest(&b, 200);
    assert_int_equal(step(&b, &p, 1), TD_EV_DEVICE_DONE);
    assert_int_equal(step(&b, &p, 2), TD_EV_COUNT); /* nobody is logged on */
    b.user_active = true;
    assert_int_equal(step(&b, &p, 3), TD_EV_ACCOUNT_SETUP);
    b.in.account = true;
    b.session++;
    (void)hand_out(&b);
    say(&b, b.d.user_release_key, 405);
    say_rest(&b, 200);
    assert_int_equal(step(&b, &p, 4), TD_EV_COUNT);
    assert_null(td_ledger_find(&b.l, b.d.user_done)); /* not asked before the release is delivered */
    b.session++;
    all_answers(&b);
    assert_int_equal(step(&b, &p, 5), TD_EV_READY);
    assert_int_equal(step(&b, &p, 6), TD_EV_COUNT);
}

static void tells_a_time_out_once(void **state TD_UNUSED)
{
    struct bench b = bench_of(NULL);
    struct td_progress p = {0};
    b.in.items = b.items;
    (void)step(&b, &p, 0);
    assert_int_equal(step(&b, &p, 60 * TD_MINUTE), TD_EV_COUNT);
    assert_int_equal(step(&b, &p, 60 * TD_MINUTE + 1), TD_EV_FAILED);
    assert_non_null(strstr(err.text, "the release was not delivered"));
    assert_string_not_equal(err.remedy, "");
    assert_int_equal(step(&b, &p, 61 * TD_MINUTE), TD_EV_COUNT);
}

static void a_device_without_user_ends_early(void **state TD_UNUSED)
{
    struct bench b = bench_of(NULL);
    struct td_progress p = {.phase = TD_PHASE_DEVICE_DONE};
    b.in.items = b.items;
    b.in.user_upn = "";
    assert_int_equal(step(&b, &p, 0), TD_EV_READY);
}

/* The technician's work ends where the device phase does, and no failure is told of a device on the shelf. */
static void a_technician_ends_early(void **state TD_UNUSED)
{
    struct bench b = bench_of(NULL);
    struct td_progress p = {.phase = TD_PHASE_DEVICE_DONE};
    b.in.items = b.items;
    b.in.user_upn = "";
    b.technician = true;
    assert_int_equal(step(&b, &p, 0), TD_EV_PROVISIONED);
    assert_int_equal(step(&b, &p, 1000 * TD_DAY), TD_EV_COUNT);
}

/* Behind it the page is told anew, what failed is asked again, and what the device has is not. */
static void its_user_begins_with_what_is_there(void **state TD_UNUSED)
{
    struct bench b = bench_of(NULL);
    b.in.items = b.items;
    plan(&b);
    all_answers(&b);
    struct td_row *kept = td_ledger_get(&b.l, "R ./Device/Vendor/MSFT/Policy/Config/Experience/AllowCortana");
    struct td_row *failed = td_ledger_get(&b.l, "R ./Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera");
    struct td_row *job =
        td_ledger_get(&b.l, "S ./Device/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/X/DownloadInstall");
    kept->state = job->state = TD_ROW_DONE;
    failed->state = TD_ROW_FAILED;
    failed->attempts = TD_PLAN_ATTEMPTS;
    struct td_row *status = td_ledger_get(&b.l, "G ./Device/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/X/Status");
    status->state = TD_ROW_DONE;
    status->value = "60";
    assert_non_null(td_ledger_find(&b.l, b.d.release_key));
    td_plan_begin_user(&b.l);
    assert_null(td_ledger_find(&b.l, b.d.release_key));
    assert_int_equal(td_ledger_find(&b.l, "R ./Device/Vendor/MSFT/Policy/Config/Experience/AllowCortana")->state,
                     TD_ROW_DONE);
    struct td_row *again = td_ledger_find(&b.l, "R ./Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera");
    assert_true(again->state == TD_ROW_PENDING && again->attempts == 0);
    assert_int_equal(
        td_ledger_find(&b.l, "S ./Device/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/X/DownloadInstall")->state,
        TD_ROW_PENDING);
}

static void ledger_survives_writing(void **state TD_UNUSED)
{
    struct bench b = bench_of(wlan);
    struct td_buf one, two;
    struct td_ledger again;
    td_buf_init(&one, 1 << 18);
    td_buf_init(&two, 1 << 18);
    (void)hand_out(&b);
    say_rest(&b, 200);
    td_ledger_get(&b.l, "G ./a")->value = "tab\there, line\nthere, %";
    td_ledger_item(&b.l, "item-0")->state = TD_ITEM_FAILED;
    td_ledger_write(&b.l, &one);
    assert_ok(td_ledger_parse(td_buf_slice(&one), &arena, &again, &err));
    assert_string_equal(td_ledger_value(&again, "./a"), "tab\there, line\nthere, %");
    assert_int_equal(td_ledger_item(&again, "item-0")->state, TD_ITEM_FAILED);
    td_ledger_write(&again, &two);
    assert_slice(td_buf_slice(&two), one.p);
    td_buf_done(&one);
    td_buf_done(&two);
    static const char *const bad[] = {"x\n", "c\ta\n", "c\ta\t1\t9\t0\t0\t0\t0\t0\t0\t0\t0\n", "i\ta\t0\t0\t0\n"};
    for (size_t i = 0; i < TD_COUNTOF(bad); i++)
        assert_int_not_equal(td_ledger_parse(td_str(bad[i]), &arena, &again, &err), TD_OK);
}

/* Two thousand settings are two rows each: a ledger too long to be kept would refuse every message of the device. */
static void many_settings_are_kept(void **state TD_UNUSED)
{
    enum { SETTINGS = 2000 };
    struct bench b = bench_of(NULL);
    struct td_ledger again;
    struct td_buf text;
    for (int i = 0; i < SETTINGS; i++) {
        const char *node =
            td_arena_printf(&arena, "./Device/Vendor/MSFT/Policy/Config/Experience/SomeLongSetting%d", i);
        assert_non_null(td_ledger_get(&b.l, td_arena_printf(&arena, "R %s", node)));
        assert_non_null(td_ledger_get(&b.l, td_arena_printf(&arena, "G %s", node)));
    }
    td_buf_init(&text, TD_LEDGER_MAX);
    td_ledger_write(&b.l, &text);
    assert_ok(td_buf_check(&text, "ledger", &err));
    assert_ok(td_ledger_parse(td_buf_slice(&text), &arena, &again, &err));
    assert_int_equal(again.count, 2 * SETTINGS);
    for (size_t i = again.count; i-- > 0;) /* in any order */
        assert_ptr_equal(td_ledger_find(&again, b.l.rows[i].key), &again.rows[i]);
    assert_null(td_ledger_find(&again, "R ./Device/nothing"));
    td_buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(releases_behind_every_answer),    cmocka_unit_test(judges_codes),
        cmocka_unit_test(tries_a_bounded_number_of_times), cmocka_unit_test(an_abandoned_session_costs_nothing),
        cmocka_unit_test(sends_device_lock_as_one),        cmocka_unit_test(proves_an_item),
        cmocka_unit_test(leaves_a_right_edition_alone),    cmocka_unit_test(writes_the_job_as_text),
        cmocka_unit_test(first_writer_of_a_node_holds),    cmocka_unit_test(walks_the_phases),
        cmocka_unit_test(tells_a_time_out_once),           cmocka_unit_test(a_device_without_user_ends_early),
        cmocka_unit_test(a_technician_ends_early),         cmocka_unit_test(its_user_begins_with_what_is_there),
        cmocka_unit_test(ledger_survives_writing),         cmocka_unit_test(many_settings_are_kept),
    };
    td_arena_init(&arena);
    int failed = cmocka_run_group_tests_name("plan", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
