/* device/events: the log in the ids of Windows' event log (autopilot.md 6.5), and the verdict that follows. */
#include "base/arena.h"
#include "codec/json.h"
#include "device/events.h"
#include "unit/test.h"

#define AT "2030-01-02T03:04:05.000000Z "
#define FOUND AT "step     profile found: kiosks, for Contoso\n"
#define WAITS AT "wait     lookup: the service can't be reached\n"
#define NONE(code) AT "failed   not-found; lookup; " code " Ztd: no; register it\n"
#define ATTESTATION \
    AT "failed   0x801c03ea; attestation; UntrustedManufacturer: its maker is not trusted; add its root\n"

static struct td_arena arena;

static const struct td_json *events_of(const char *log)
{
    TD_CLEANUP(td_buf_done) struct td_buf out;
    struct td_json *json = NULL;
    td_buf_init(&out, 1 << 20);
    td_events_write(td_str(log), &out);
    assert_false(out.failed);
    assert_ok(td_json_parse(td_arena_copy(&arena, td_buf_slice(&out)), 1 << 20, &arena, &json, NULL));
    return json;
}

/* "160 164 161" */
static const char *ids_of(const struct td_json *json)
{
    const char *text = "";
    const struct td_json *list = td_json_get(json, "events");
    for (const struct td_json *e = list->child; e != NULL; e = e->next)
        text =
            td_arena_printf(&arena, "%s%s%lld", text, text[0] != '\0' ? " " : "", (long long)td_json_int(e, "id", 0));
    return text;
}

static void ids_and_verdicts(void **state TD_UNUSED)
{
    static const struct {
        const char *log, *ids, *verdict;
    } rows[] = {
        {"", "", "never asked"},
        {AT "page     language: en-US\n", "", "never asked"},
        {FOUND, "160 164 161 153", "got it"},
        {AT "step     profile from AutopilotConfigurationFile.json: 1, for contoso.test\n", "163 153", "got it"},
        {WAITS, "100", "no network yet"},
        {WAITS FOUND, "100 160 164 161 153", "got it"},
        {NONE("807"), "164 807", "not registered"},
        {NONE("809"), "164 809", "its profile was deleted"},
        {NONE("815"), "164 815", "no profile is assigned"},
        {NONE("908"), "164 908", "serial number or product key of another device"},
        {NONE("807") FOUND, "164 807 160 164 161 153", "got it"}, /* registered since */
        {FOUND AT "skip     keyboard: left out by the profile\n", "160 164 161 153 109", "got it"},
        {FOUND AT "page     securing your hardware\n" ATTESTATION, "160 164 161 153 111 171 172", "got it"},
        {AT "page     red: 0x81039001 attestation: too often; elapsed 00:01\n", "171", "never asked"},
        {"rubbish\n\n" AT "\n" AT "averyveryverylongkindofline x\n", "", "never asked"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        const struct td_json *json = events_of(rows[i].log);
        if (strcmp(ids_of(json), rows[i].ids) != 0 || strcmp(td_json_str(json, "whyNoProfile"), rows[i].verdict) != 0)
            fail_msg("row %zu: %s, %s", i, ids_of(json), td_json_str(json, "whyNoProfile"));
    }
}

static void a_refused_tpm_has_its_code(void **state TD_UNUSED)
{
    const struct td_json *json = events_of(ATTESTATION), *e = td_json_get(json, "events")->child;
    assert_string_equal(td_json_str(json, "channel"),
                        "Microsoft-Windows-ModernDeployment-Diagnostics-Provider/Autopilot");
    assert_int_equal(td_json_int(e, "id", 0), 171);
    assert_string_equal(td_json_str(e, "level"), "error");
    assert_string_equal(td_json_str(e, "code"), "0x801c03ea");
    assert_string_equal(td_json_str(e, "at"), "2030-01-02T03:04:05.000000Z");
    assert_non_null(strstr(td_json_str(e, "text"), "UntrustedManufacturer"));
    assert_null(td_json_str(td_json_get(events_of(FOUND), "events")->child, "code"));
}

static void the_newest_are_kept(void **state TD_UNUSED)
{
    TD_CLEANUP(td_buf_done) struct td_buf log;
    td_buf_init(&log, 1 << 20);
    for (int i = 0; i < TD_EVENTS_MAX + 20; i++)
        td_buf_printf(&log, AT "skip     page %d: left out\n", i);
    td_buf_adds(&log, NONE("815"));
    const struct td_json *json = events_of(td_arena_text(&arena, td_buf_slice(&log)));
    const struct td_json *list = td_json_get(json, "events");
    assert_int_equal(td_json_count(list), TD_EVENTS_MAX);
    assert_non_null(strstr(td_json_str(list->child, "text"), "page 22:"));
    assert_string_equal(td_json_str(json, "whyNoProfile"), "no profile is assigned");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_and_verdicts),
        cmocka_unit_test(a_refused_tpm_has_its_code),
        cmocka_unit_test(the_newest_are_kept),
    };
    td_arena_init(&arena);
    int failed = cmocka_run_group_tests_name("events", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
