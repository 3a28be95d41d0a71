/* The archive for whoever looks for what went wrong: what must be in it, and that nothing secret is. */
#include "device/csp/store.h"
#include "device/diagnostics.h"
#include "stage.h"

static struct stage s;
static struct td_buf out;

static int begin(void **state TD_UNUSED)
{
    stage_open(&s, NULL);
    td_buf_init(&out, TD_DIAGNOSTICS_MAX);
    s.flow.hw.facts.serial = "LB-2030-0001";
    s.flow.hw.facts.product_key_id = "3305000000001";
    return 0;
}

static int end(void **state TD_UNUSED)
{
    td_buf_done(&out);
    stage_close(&s);
    return 0;
}

static void collect(void)
{
    td_buf_reset(&out);
    assert_ok(td_diagnostics_zip(&s.dev, &s.flow.hw, NULL, &out, NULL));
}

static bool holds(const char *text)
{
    return td_search(td_buf_slice(&out), td_str(text)) != SIZE_MAX;
}

/* Values that a device has at some time; each secret one begins with TOPSECRET, each that must be shown with PLAIN. */
static const char *const state_values[][2] = {
    {"prt.token", "TOPSECRET-1"},       {"prt.session_key", "TOPSECRET-2"}, {"lookup.ticket", "TOPSECRET-3"},
    {"enrol.data", "TOPSECRET-4"},      {"laps.password", "TOPSECRET-5"},   {"signin.password", "TOPSECRET-6"},
    {"answer.code", "TOPSECRET-7"},     {"whatever.is.new", "TOPSECRET-8"}, {"join.challenge", "TOPSECRET-9"},
    {"profile.name", "PLAIN-1"},        {"join.device_id", "PLAIN-2"},      {"offline.ignored", "PLAIN-3"},
    {"enrol.addr", "https://PLAIN-4/"},
};
static const char *const node_values[][2] = {
    {"Device/Vendor/MSFT/DMAcc/1/AppAuth/1/AAuthSecret", "TOPSECRET-A"},
    {"Device/Vendor/MSFT/WiFi/Profile/Staff/WlanXml", "TOPSECRET-B"},
    {"Device/Vendor/MSFT/ClientCertificateInstall/PFXCertInstall/x/PFXCertPassword", "TOPSECRET-C"},
    {"Device/Vendor/MSFT/WindowsLicensing/UpgradeEditionWithProductKey", "TOPSECRET-D"},
    {"@archive/1", "<Collection><SasUrl>TOPSECRET-E</SasUrl></Collection>"},
    {"@laps/new", "TOPSECRET-F"},
    {"Device/Vendor/MSFT/DMClient/Provider/Touchdown/EntDeviceSecret", "TOPSECRET-G"},
    {"Device/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/x/DownloadInstall", "TOPSECRET-H"},
    {"Device/Vendor/MSFT/Policy/Config/DeviceLock/MinDevicePasswordLength", "PLAIN-A"},
    {"Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera", "PLAIN-B"},
    {"Device/Vendor/MSFT/DMClient/Provider/Touchdown/SyncApplicationVersion", "PLAIN-C"},
};

static void plant(void)
{
    struct td_csp_items items = {0};
    for (size_t i = 0; i < TD_COUNTOF(state_values); i++)
        stage_set(&s, state_values[i][0], state_values[i][1]);
    for (size_t i = 0; i < TD_COUNTOF(node_values); i++)
        td_csp_items_put(&items, node_values[i][0], "chr", node_values[i][1]);
    assert_ok(td_csp_items_save(&items, td_device_path(&s.dev, &s.arena, "csp.json"), NULL));
    td_csp_items_done(&items);
    assert_ok(td_state_save(s.dev.state, NULL));
    static const char *const files[] = {"mdm.key.pem", "device.key.pem", "transport.key.pem", "anything.pem"};
    for (size_t i = 0; i < TD_COUNTOF(files); i++)
        assert_ok(td_file_write(td_device_path(&s.dev, &s.arena, files[i]), TD_S("TOPSECRET-KEY"), 0600, NULL));
}

static void nothing_secret_is_in_it(void **state TD_UNUSED)
{
    plant();
    collect();
    assert_false(holds("TOPSECRET"));
    for (size_t i = 0; i < TD_COUNTOF(state_values); i++) {
        assert_true(holds(state_values[i][0])); /* its name is told all the same */
        assert_true(strstr(state_values[i][1], "PLAIN") == NULL || holds(state_values[i][1]));
    }
    for (size_t i = 0; i < TD_COUNTOF(node_values); i++)
        assert_true(holds(node_values[i][0]));
    assert_true(holds("PLAIN-B") && holds("PLAIN-C"));
}

static void holds_what_helps(void **state TD_UNUSED)
{
    static const char *const names[] = {"contents.txt", "errors.txt", "log.txt",           "device.txt", "state.json",
                                        "nodes.json",   "hash.csv",   "requirements.json", "files.txt"};
    s.dev.log = true;
    td_device_say(&s.dev, "page", "sign-in: Contoso");
    td_device_say(&s.dev, "failed", "0x80180014; enrolment; not supported; register it");
    collect();
    assert_true(holds("events.json") && holds("tpm.json") && holds("{\"tpm\":\"none\","));
    assert_true(td_starts(td_buf_slice(&out), "PK\003\004"));
    for (size_t i = 0; i < TD_COUNTOF(names); i++)
        assert_true(holds(names[i]));
    assert_true(holds("2030-01-02T03:04:05.000000Z page     sign-in: Contoso\n"));
    assert_true(holds("Device Serial Number,Windows Product ID,Hardware Hash\r\nLB-2030-0001,3305000000001,"));
    size_t first = td_search(td_buf_slice(&out), TD_S("0x80180014"));
    struct td_slice behind = td_sub(td_buf_slice(&out), first + 1, out.n);
    assert_true(td_search(behind, TD_S("0x80180014")) != SIZE_MAX); /* in errors.txt and in log.txt */
}

static void a_broken_part_is_told(void **state TD_UNUSED)
{
    assert_ok(td_file_write(td_device_path(&s.dev, &s.arena, "csp.json"), TD_S("{rubbish"), 0600, NULL));
    collect();
    assert_true(holds("could not be collected"));
    assert_true(holds("hash.csv"));
}

static void the_log_is_bounded(void **state TD_UNUSED)
{
    TD_CLEANUP(td_buf_done) struct td_buf log;
    char line[512];
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    for (int i = 0; i < 1700; i++) /* more than three times the bound */
        td_device_log(&s.dev, line);
    const char *const files[] = {"log", "log.old"};
    for (size_t i = 0; i < TD_COUNTOF(files); i++) {
        td_buf_init(&log, TD_DEVICE_LOG_MAX + 4096);
        assert_ok(td_file_read(td_device_path(&s.dev, &s.arena, files[i]), &log, NULL));
        assert_true(log.n > 0);
        td_buf_done(&log);
    }
}

/* A log that leads out of the folder is not followed. */
static void a_link_is_not_followed(void **state TD_UNUSED)
{
    const char *to = td_device_path(&s.dev, &s.arena, "elsewhere");
    assert_ok(td_file_write(to, TD_S("mine"), 0600, NULL));
    assert_int_equal(symlink(to, td_device_path(&s.dev, &s.arena, "log")), 0);
    td_device_log(&s.dev, "line");
    TD_CLEANUP(td_buf_done) struct td_buf text;
    td_buf_init(&text, 100);
    assert_ok(td_file_read(to, &text, NULL));
    assert_slice(td_buf_slice(&text), "mine");
}

int main(void)
{
#define STAGED(t) cmocka_unit_test_setup_teardown(t, begin, end)
    const struct CMUnitTest tests[] = {
        STAGED(nothing_secret_is_in_it), STAGED(holds_what_helps),       STAGED(a_broken_part_is_told),
        STAGED(the_log_is_bounded),      STAGED(a_link_is_not_followed),
    };
    return cmocka_run_group_tests_name("device/diagnostics", tests, NULL, NULL);
}
