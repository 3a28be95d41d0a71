/* Requirements of autopilot.md 8, each met and each not. The service is the test. */
#include "device/preflight.h"
#include "tpm_box.h"

static struct stage s;
static struct td_preflight p;
static struct td_finding *list;
static size_t count;

static uint32_t stopped; /* what td_net would tell; 0: an answer */
static int status;
static const char *date, *missing; /* a path that is not there */

static enum td_code send_it(void *ctx TD_UNUSED, const struct td_net_request *req, struct td_arena *a,
                            struct td_net_response *ret, struct td_error *err)
{
    assert_string_equal(req->method, "GET"); /* nothing is asked of a door */
    if (stopped != 0) {
        (void)td_fail(err, TD_EUNAVAILABLE, "server", "cannot be reached");
        err->hresult = stopped;
        return TD_EUNAVAILABLE;
    }
    bool gone = missing != NULL && asked(req, "GET", missing);
    return reply(ret, a, gone ? 404 : status, td_arena_printf(a, "HTTP/1.1 200 OK\r\nDate: %s\r\n", date), TD_S(""));
}

static int begin(void **state TD_UNUSED)
{
    static const unsigned char uuid[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    stage_open(&s, send_it);
    s.flow.hw.facts.serial = "LB-2030-0001";
    s.flow.hw.facts.manufacturer = "Example Computers";
    s.flow.hw.facts.model = "LabBook 14";
    s.flow.hw.facts.has_uuid = true;
    memcpy(s.flow.hw.facts.uuid, uuid, sizeof(uuid));
    s.flow.hw.facts.tpm_version = "TPM-Version:2.0 -Level:0";
    s.flow.hw.facts.ram = UINT64_C(16) << 30;
    s.flow.hw.facts.cpu_cores = 4;
    s.flow.hw.recovery = true;
    p = (struct td_preflight){.dev = &s.dev, .hw = &s.flow.hw, .net = &s.net};
    stopped = 0;
    status = 200;
    missing = NULL;
    date = "Wed, 02 Jan 2030 03:04:05 GMT"; /* the world: 1893553445 */
    return 0;
}

static int end(void **state TD_UNUSED)
{
    stage_close(&s);
    return 0;
}

static const struct td_finding *look(const char *code)
{
    td_preflight_run(&p, &s.arena, &list, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].requirement->code, code) == 0)
            return &list[i];
    fail_msg("no requirement %s", code);
    return NULL;
}

#define expect(code, wanted) expect_at((code), (wanted), __LINE__)
static void expect_at(const char *code, enum td_verdict wanted, int line)
{
    const struct td_finding *f = look(code);
    if (f->verdict != wanted)
        fail_msg("line %d: %s is %s: %s", line, code, td_verdict_word(f->verdict), f->found);
    assert_true(wanted == TD_PASS || wanted == TD_SKIP || f->remedy[0] != '\0');
    assert_int_equal(td_findings_passed(f, 1), wanted != TD_UNMET);
}

static void a_good_machine_passes(void **state TD_UNUSED)
{
    (void)look("os-version");
    for (size_t i = 0; i < count; i++) {
        bool no_tpm = strcmp(list[i].requirement->code, "tpm-key") == 0 && list[i].verdict == TD_SKIP;
        if (list[i].verdict != TD_PASS && !no_tpm)
            fail_msg("%s is %s: %s", list[i].requirement->code, td_verdict_word(list[i].verdict), list[i].found);
    }
    assert_true(td_findings_passed(list, count));
}

static void versions_and_editions(void **state TD_UNUSED)
{
    s.flow.hw.os_version = "10.0.14393.1";
    expect("os-version", TD_UNMET);
    s.flow.hw.os_version = "10.0.15063.0";
    expect("os-version", TD_WARN);
    s.flow.hw.os_version = "10.0.18362.1";
    expect("os-version", TD_PASS);
    s.flow.hw.edition = 101;
    expect("edition", TD_UNMET);
    s.flow.hw.edition = 4;
    expect("edition", TD_PASS);
    s.flow.hw.edition = 7777;
    expect("edition", TD_WARN);
}

/* With a certificate, without one, and one that does not answer. */
static void tpms_that_could_be_asked(void **state TD_UNUSED)
{
    struct tpm_box box = {.dir = ""};
    struct box_tpm tpms[2];
    expect("tpm-key", TD_SKIP);
    if (tpm_box_missing())
        skip();
    tpm_box_open(&box);
    for (int i = 0; i < 2; i++) {
        box_make(&box, i == 0 ? "one" : "bare", i == 0 ? "--create-ek-cert" : NULL, &tpms[i]);
        box_on(&tpms[i]);
        s.dev.tcti = tpms[i].tcti;
        expect("tpm-key", i == 0 ? TD_PASS : TD_WARN);
        assert_non_null(strstr(look("tpm-key")->found, i == 0 ? "swtpm-localca" : "no certificate"));
        td_tpm_close(s.dev.tpm);
        s.dev.tpm = NULL;
        box_off(&tpms[i]);
    }
    expect("tpm-key", TD_WARN); /* switched off */
    s.dev.tcti = NULL;
    tpm_box_close(&box);
}

static void the_machine_itself(void **state TD_UNUSED)
{
    struct td_hw_facts *f = &s.flow.hw.facts;
    f->tpm_version = "";
    expect("tpm", TD_WARN);
    f->tpm_version = "TPM-Version:1.2";
    expect("tpm", TD_WARN);
    f->ram = UINT64_C(2) << 30;
    expect("memory", TD_WARN);
    f->ram = UINT64_C(8) << 20; /* 8 GiB told in KiB */
    expect("memory", TD_PASS);
    f->cpu_cores = 1;
    expect("processors", TD_WARN);
    s.flow.hw.recovery = false;
    expect("recovery", TD_WARN);
    f->serial = "";
    expect("serial-number", TD_UNMET);
    f->serial = "To be filled by O.E.M.";
    expect("serial-number", TD_UNMET);
    f->has_uuid = false;
    expect("identity", TD_UNMET);
}

static void names_and_certificates(void **state TD_UNUSED)
{
    stage_set(&s, "profile.device_name", "PC-%SERIAL%");
    assert_non_null(strstr(look("computer-name")->found, "PC-"));
    expect("computer-name", TD_PASS);
    stage_set(&s, "profile.device_name", "12345");
    expect("computer-name", TD_UNMET);
    stage_set(&s, "join.not_after", "2030-01-01T00:00:00Z");
    expect("join-certificate", TD_UNMET);
    stage_set(&s, "join.not_after", "2030-01-20T00:00:00Z");
    expect("join-certificate", TD_WARN);
    stage_set(&s, "join.not_after", "2039-01-20T00:00:00Z");
    expect("join-certificate", TD_PASS);
    assert_ok(td_file_write(td_device_path(&s.dev, &s.arena, "mdm.crt.pem"), TD_S("rubbish"), 0600, NULL));
    expect("management-certificate", TD_UNMET);
    p.proxy = "http://proxy.test:3128";
    expect("proxy", TD_WARN);
}

static void how_far_the_network_goes(void **state TD_UNUSED)
{
    static const struct {
        uint32_t stopped;
        enum td_verdict name, connection, trust;
    } table[] = {{0x80072ee7, TD_UNMET, TD_SKIP, TD_SKIP},
                 {0x80072efd, TD_PASS, TD_UNMET, TD_SKIP},
                 {0x80072ee2, TD_PASS, TD_UNMET, TD_SKIP},
                 {0x80072f8f, TD_PASS, TD_PASS, TD_UNMET}};
    for (size_t i = 0; i < TD_COUNTOF(table); i++) {
        stopped = table[i].stopped;
        expect("name-service", table[i].name);
        expect("connection", table[i].connection);
        expect("trust", table[i].trust);
        expect("clock", TD_SKIP);
        expect("lookup", TD_SKIP);
        assert_false(td_findings_passed(list, count));
    }
    stopped = 0;
    status = 503;
    expect("service", TD_UNMET);
    expect("discovery", TD_UNMET);
    status = 405;
    expect("lookup", TD_PASS);
    missing = "/ManagementServer/MDM.svc";
    expect("management", TD_UNMET);
    expect("discovery", TD_PASS);
}

static void the_clock(void **state TD_UNUSED)
{
    date = "Wed, 02 Jan 2030 03:08:00 GMT";
    expect("clock", TD_PASS);
    date = "Wed, 02 Jan 2030 04:04:05 GMT";
    expect("clock", TD_WARN);
    assert_non_null(strstr(look("clock")->found, "60 minutes behind"));
    date = "Mon, 31 Dec 2029 03:04:05 GMT";
    expect("clock", TD_UNMET);
    date = "yesterday";
    expect("clock", TD_SKIP);
}

static void dates(void **state TD_UNUSED)
{
    static const char *const wrong[] = {"",
                                        "Sunday, 06-Nov-94 08:49:37 GMT",
                                        "Sun Nov  6 08:49:37 1994",
                                        "Sun, 06 Nox 1994 08:49:37 GMT",
                                        "Sun, 06 anF 1994 08:49:37 GMT",
                                        "Sun, 46 Nov 1994 08:49:37 GMT",
                                        "Sun, 06 Nov 1994 08:49:37 UTC"};
    int64_t at = 0;
    assert_true(td_http_date(TD_S("Sun, 06 Nov 1994 08:49:37 GMT"), &at));
    assert_int_equal(at, INT64_C(784111777) * TD_SECOND);
    for (size_t i = 0; i < TD_COUNTOF(wrong); i++)
        assert_false(td_http_date(td_str(wrong[i]), &at));
}

static void json_tells_all(void **state TD_UNUSED)
{
    TD_CLEANUP(td_buf_done) struct td_buf out;
    struct td_json *v = NULL;
    td_buf_init(&out, 65536);
    s.flow.hw.edition = 101;
    (void)look("edition");
    struct td_jsonw w;
    td_jsonw_init(&w, &out);
    td_jsonw_obj(&w);
    td_findings_write(list, count, &w);
    td_jsonw_end(&w);
    assert_ok(td_json_parse(td_buf_slice(&out), 65536, &s.arena, &v, NULL));
    assert_false(td_json_bool(v, "passed", true));
    assert_int_equal(td_json_count(td_json_get(v, "findings")), count);
}

int main(void)
{
#define STAGED(t) cmocka_unit_test_setup_teardown(t, begin, end)
    const struct CMUnitTest tests[] = {
        STAGED(a_good_machine_passes),    STAGED(tpms_that_could_be_asked), STAGED(versions_and_editions),
        STAGED(the_machine_itself),       STAGED(names_and_certificates),   STAGED(the_clock),
        STAGED(how_far_the_network_goes), cmocka_unit_test(dates),          STAGED(json_tells_all),
    };
    return cmocka_run_group_tests_name("device/preflight", tests, NULL, NULL);
}
