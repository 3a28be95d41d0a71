/* device/provision: what a technician's device does in which order, what its pages say, what is left of it when it is
 * sealed. The steps that other tests show (lookup, proof, join, enrolment, status page) and the network stand in for
 * themselves; the linker puts them in their place (meson.build). */
#include "base/file.h"
#include "device/dm.h"
#include "device/life.h"
#include "device/provision.h"
#include "net/net.h"
#include "unit/device/stage.h"

static struct stage s;

static struct service {
    char calls[512];   /* one letter each: see the stand-ins */
    const char *fails; /* that letter fails, so often */
    int times;
    enum td_code code;
    bool no_code; /* Windows has none for it */
    int leave;    /* answer to the DELETE, 0: 200 */
    char technician_code[32];
} svc;

static enum td_code called(const char *letter, struct td_error *err)
{
    size_t n = strlen(svc.calls);
    assert_true(n + 1 < sizeof(svc.calls));
    svc.calls[n] = letter[0];
    if (svc.fails == NULL || svc.fails[0] != letter[0] || svc.times-- <= 0)
        return TD_OK;
    (void)td_fail(err, svc.code, "the test", "what was to fail");
    if (err != NULL)
        err->hresult = svc.no_code ? 0 : 0x81036502;
    return td_remedy(err, svc.code, "mend the test");
}

enum td_code __wrap_td_flow_lookup(struct td_flow *f, struct td_error *err);
enum td_code __wrap_td_flow_attest(struct td_flow *f, const char *purpose, struct td_error *err);
enum td_code __wrap_td_flow_join(struct td_flow *f, struct td_error *err);
enum td_code __wrap_td_flow_enrol(struct td_flow *f, struct td_error *err);
enum td_code __wrap_td_dm_status_page(struct td_device *dev, enum td_dm_phase phase, struct td_error *err);
enum td_code __wrap_td_flow_sign_in(struct td_flow *f, struct td_error *err);
enum td_code __wrap_td_flow_pages(struct td_flow *f, struct td_error *err);
enum td_code __wrap_td_flow_last_pages(struct td_flow *f, struct td_error *err);
enum td_code __wrap_td_dm_session(struct td_device *dev, enum td_dm_reason reason, bool user, struct td_error *err);
enum td_code __wrap_td_net_new(const struct td_net_config *config, struct td_net **ret, struct td_error *err);
enum td_code __wrap_td_net_do(struct td_net *net, const struct td_net_request *req, struct td_arena *a,
                              struct td_net_response *ret, struct td_error *err);
void __wrap_td_net_free(struct td_net *net);

enum td_code __wrap_td_flow_lookup(struct td_flow *f TD_UNUSED, struct td_error *err)
{
    return called("l", err);
}

enum td_code __wrap_td_flow_attest(struct td_flow *f, const char *purpose, struct td_error *err)
{
    assert_string_equal(purpose, "pre-provisioning");
    (void)snprintf(svc.technician_code, sizeof(svc.technician_code), "%s",
                   f->secrets.technician_code != NULL ? f->secrets.technician_code : "");
    td_try(called("a", err));
    td_secret_put(&f->secrets.join_token, "ticket");
    td_state_set(f->dev->state, "provision.user", "ada@contoso.test");
    return TD_OK;
}

enum td_code __wrap_td_flow_join(struct td_flow *f, struct td_error *err)
{
    td_try(called("j", err));
    td_state_set(f->dev->state, "join.device_id", "44444444-0000-4000-8000-000000000001");
    td_state_set(f->dev->state, "join.url", "https://td.test:8443/EnrollmentServer/device/");
    assert_ok(td_flow_write(f, "device.key.pem", TD_S("key"), NULL));
    return td_flow_write(f, "device.crt.pem", TD_S("certificate"), err);
}

enum td_code __wrap_td_flow_enrol(struct td_flow *f, struct td_error *err)
{
    td_try(called("e", err));
    td_state_set(f->dev->state, "enrol.addr", "https://td.test:8443/ManagementServer/MDM.svc");
    return td_flow_write(f, "mdm.crt.pem", TD_S("certificate"), err);
}

enum td_code __wrap_td_dm_status_page(struct td_device *dev, enum td_dm_phase phase, struct td_error *err)
{
    s.world.now += 83 * TD_SECOND;
    assert_int_equal(phase, TD_DM_DEVICE_SETUP);
    td_state_set(dev->state, "page.device setup", "4");
    return called("s", err);
}

enum td_code __wrap_td_flow_sign_in(struct td_flow *f, struct td_error *err)
{
    td_secret_put(&f->secrets.join_token, "a.b.c");
    return called("u", err);
}

enum td_code __wrap_td_flow_pages(struct td_flow *f TD_UNUSED, struct td_error *err TD_UNUSED)
{
    return TD_OK;
}

enum td_code __wrap_td_flow_last_pages(struct td_flow *f TD_UNUSED, struct td_error *err TD_UNUSED)
{
    return TD_OK;
}

enum td_code __wrap_td_dm_session(struct td_device *dev TD_UNUSED, enum td_dm_reason reason TD_UNUSED,
                                  bool user TD_UNUSED, struct td_error *err)
{
    return called("c", err);
}

enum td_code __wrap_td_net_new(const struct td_net_config *config, struct td_net **ret, struct td_error *err TD_UNUSED)
{
    assert_slice(config->client_pem, "certificate"); /* the join's */
    *ret = NULL;
    return TD_OK;
}

enum td_code __wrap_td_net_do(struct td_net *net TD_UNUSED, const struct td_net_request *req, struct td_arena *a,
                              struct td_net_response *ret, struct td_error *err)
{
    assert_string_equal(req->method, "DELETE"); /* join-and-tokens.md 3.1 */
    assert_string_equal(req->url, "https://td.test:8443/EnrollmentServer/device/44444444-0000-4000-8000-000000000001"
                                  "?api-version=1.0");
    td_try(called("d", err));
    return reply(ret, a, svc.leave != 0 ? svc.leave : 200, "", TD_S(""));
}

void __wrap_td_net_free(struct td_net *net TD_UNUSED)
{
}

static int begin(void **state TD_UNUSED)
{
    memset(&svc, 0, sizeof(svc));
    stage_open(&s, NULL);
    s.dev.pace = 1000000;
    stage_set(&s, "profile.tenant", "Contoso");
    stage_set(&s, "profile.name", "sales");
    stage_set(&s, "profile.registration_id", "33333333-0000-4000-8000-000000000001");
    return 0;
}

static int end(void **state TD_UNUSED)
{
    stage_close(&s);
    return 0;
}

/* Switched off and on: only what was saved is there. */
static void restart(void)
{
    td_flow_done(&s.flow);
    td_state_close(s.dev.state);
    assert_ok(td_state_open(s.dir, &s.dev.state, NULL));
    s.flow = (struct td_flow){.dev = &s.dev, .ui = &s.ui, .net = &s.net};
    td_buf_reset(&s.lines);
    memset(svc.calls, 0, sizeof(svc.calls));
}

static bool there(const char *file)
{
    return td_file_exists(td_device_path(&s.dev, &s.arena, file));
}

static const char *kept(const char *key)
{
    return td_flow_get(&s.flow, key);
}

static void from_the_first_page_to_the_shelf(void **state TD_UNUSED)
{
    assert_false(td_provision_is_open(&s.dev));
    assert_ok(td_provision_run(&s.flow, NULL));
    assert_string_equal(svc.calls, "lajesdc");
    for (int i = 1; i <= 5; i++)
        assert_true(stage_said(&s, td_arena_printf(&s.arena, "Windows key, %d of 5", i)));
    assert_true(stage_said(&s, "organisation: Contoso"));
    assert_true(stage_said(&s, "profile: sales"));
    assert_true(stage_said(&s, "assigned user: told once the hardware is proven"));
    assert_true(stage_said(&s, "QR code 1 of "));
    assert_true(stage_said(&s, "green: Contoso, sales, for ada@contoso.test; elapsed 0:01:23"));
    assert_false(stage_said(&s, "red"));
    assert_true(there("qr.json") && there("qr.txt"));
    /* what its user makes anew is gone, what is managed stays */
    assert_string_equal(kept("provision.sealed"), "2030-01-02T03:05:28Z");
    assert_string_equal(kept("join.device_id"), "");
    assert_string_equal(kept("profile.name"), "");
    assert_string_equal(kept("page.device setup"), "");
    assert_string_not_equal(kept("enrol.addr"), "");
    assert_true(td_flow_step_done(&s.flow, "enrolment"));
    assert_false(td_flow_step_done(&s.flow, "join") || td_flow_step_done(&s.flow, "device setup"));
    assert_false(there("device.crt.pem") || there("device.key.pem"));
    assert_true(there("mdm.crt.pem"));
    assert_false(td_provision_is_open(&s.dev));
    restart();
    assert_ok(td_provision_run(&s.flow, NULL));
    assert_true(stage_said(&s, "sealed: ready for its user since 2030-01-02T03:05:28Z"));
    assert_string_equal(svc.calls, "");
}

static void refused_by_the_profile(void **state TD_UNUSED)
{
    struct td_error err = {0};
    stage_set(&s, "profile.preprovisioning", "0");
    assert_int_equal(td_provision_run(&s.flow, &err), TD_EDENIED);
    assert_int_equal(err.hresult, 0x80180005);
    assert_non_null(strstr(err.remedy, "preprovisioningAllowed"));
    assert_string_equal(svc.calls, "l"); /* before anything is sent */
    assert_true(stage_said(&s, "red: 0x80180005"));
    restart();
    stage_set(&s, "profile.preprovisioning", "1"); /* allowed since: asked again at the next start */
    assert_ok(td_provision_run(&s.flow, NULL));
}

/* A red page has code, cause, remedy, time and logs; what was done stays done behind Retry. */
static void red_then_green(void **state TD_UNUSED)
{
    struct td_error err = {0};
    svc = (struct service){.fails = "s", .times = 1, .code = TD_EIO};
    assert_int_equal(td_provision_run(&s.flow, &err), TD_EIO);
    assert_true(stage_said(&s, "red: 0x81036502 the test: what was to fail; elapsed 0:01:23"));
    assert_true(stage_said(&s, "remedy: mend the test"));
    assert_true(stage_said(&s, "buttons: Retry, Reset"));
    assert_true(there("provisioning-logs.zip"));
    assert_true(td_provision_is_open(&s.dev));
    assert_string_equal(kept("provision.sealed"), "");
    restart();
    assert_ok(td_provision_run(&s.flow, NULL));
    assert_string_equal(svc.calls, "sdc");
    assert_false(stage_said(&s, "Windows key")); /* the technician is there still */
    assert_true(stage_said(&s, "elapsed 0:02:46"));
}

/* Where Windows has no code (a wrong password at the technician's sign-in) the page has our word, as the last line. */
static void red_by_a_word(void **state TD_UNUSED)
{
    svc = (struct service){.fails = "s", .times = 1, .code = TD_EAUTH, .no_code = true};
    assert_int_equal(td_provision_run(&s.flow, NULL), TD_EAUTH);
    assert_true(stage_said(&s, "red: unauthenticated the test: what was to fail; elapsed 0:01:23"));
}

/* Cut anywhere: what was done is not done again, what was only in memory is. */
static void cut_anywhere(void **state TD_UNUSED)
{
    static const struct {
        const char *at, *first, *then;
    } rows[] = {{"l", "l", "lajesdc"}, {"a", "la", "lajesdc"}, {"j", "laj", "lajesdc"}, {"e", "laje", "esdc"},
                {"s", "lajes", "sdc"}, {"d", "lajesd", "dc"},  {"c", "lajesdc", "c"}};
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        if (i != 0) {
            assert_int_equal(end(NULL), 0);
            assert_int_equal(begin(NULL), 0);
        }
        svc = (struct service){.fails = rows[i].at, .times = 1, .code = TD_EINTERNAL};
        assert_int_equal(td_provision_run(&s.flow, NULL), TD_EINTERNAL);
        assert_string_equal(svc.calls, rows[i].first);
        assert_true(td_provision_is_open(&s.dev));
        restart();
        assert_ok(td_provision_run(&s.flow, NULL));
        assert_string_equal(svc.calls, rows[i].then);
        assert_string_not_equal(kept("provision.sealed"), "");
    }
}

/* Green is the service's word: what it does not confirm is not sealed (Z29). */
static void not_sealed_unconfirmed(void **state TD_UNUSED)
{
    struct td_error err = {0};
    svc = (struct service){.fails = "c", .times = 1, .code = TD_EDENIED};
    assert_int_equal(td_provision_run(&s.flow, &err), TD_EDENIED);
    assert_non_null(strstr(err.remedy, "does not hold the device to be complete"));
    assert_string_equal(kept("provision.sealed"), "");
    assert_false(stage_said(&s, "green"));
    assert_true(there("device.crt.pem"));
}

static void leaves_the_directory(void **state TD_UNUSED)
{
    struct td_error err = {0};
    svc.leave = 404;
    assert_int_equal(td_provision_run(&s.flow, &err), TD_EDENIED);
    assert_string_equal(err.text, "the service answers 404");
    restart();
    svc.leave = 401; /* its certificate is void: the answer of the first was lost */
    assert_ok(td_provision_run(&s.flow, NULL));
    assert_string_equal(svc.calls, "dc");
}

/* A code is asked for at every start until the device has joined, and shown with the proof. */
static void shows_the_technicians_code(void **state TD_UNUSED)
{
    stage_answer(&s, "technician-code", "ABCD-EFGH");
    svc = (struct service){.fails = "a", .times = 1, .code = TD_EDENIED};
    assert_int_equal(td_provision_run(&s.flow, NULL), TD_EDENIED);
    assert_string_equal(svc.technician_code, "ABCD-EFGH");
    restart();
    assert_ok(td_provision_run(&s.flow, NULL));
    assert_string_equal(svc.technician_code, "ABCD-EFGH");
    struct td_slice text;
    assert_ok(td_flow_read(&s.flow, "state.json", &s.arena, &text, NULL));
    assert_true(td_search(text, TD_S("ABCD")) == SIZE_MAX);
}

static void wrong_moments(void **state TD_UNUSED)
{
    static const struct {
        const char *set[3], *says;
    } rows[] = {{{"ready.at", "end.join", NULL}, "set up already"},
                {{"end.join", NULL, NULL}, "joined already"},
                {{"end.join", "provision.at", "provision.sealed"}, "its user has it"}};
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_error err = {0};
        for (size_t k = 0; k < TD_COUNTOF(rows[i].set) && rows[i].set[k] != NULL; k++)
            stage_set(&s, rows[i].set[k], "1893553445000000");
        assert_int_equal(td_provision_run(&s.flow, &err), TD_ESTATE);
        assert_non_null(strstr(err.text, rows[i].says));
        assert_non_null(strstr(err.remedy, "reset --reinstall"));
        assert_string_equal(svc.calls, "");
        stage_set(&s, "ready.at", NULL);
    }
}

/* An attested join was cut off, its answer lost; then the profile was changed, and a user joins: it is the user's. */
static void a_user_joins_behind_a_cut_proof(void **state TD_UNUSED)
{
    stage_set(&s, "profile.mode", "1");
    stage_set(&s, "join.attested", "self-deploying"); /* kept before the request, as userless.c does */
    assert_ok(td_state_save(s.dev.state, NULL));
    restart();
    stage_set(&s, "profile.mode", "0");
    assert_int_equal(td_flow_kind(&s.flow), TD_FLOW_USER);
    svc = (struct service){.fails = "e", .times = 1, .code = TD_EDENIED};
    assert_int_equal(td_flow_run(&s.flow, NULL), TD_EDENIED);
    assert_string_equal(svc.calls, "luje");
    assert_string_equal(kept("join.attested"), "");
    assert_int_equal(td_flow_kind(&s.flow), TD_FLOW_USER); /* joined, and for its user still */
}

/* --- on the shelf --- */

/* Retired there it is in its box, and not at a desktop: nobody has had it. */
static void retired_on_the_shelf(void **state TD_UNUSED)
{
    assert_ok(td_provision_run(&s.flow, NULL));
    stage_set(&s, "enrol.ended", "unenrolled by the service");
    assert_false(td_life_is_unmanaged(&s.dev));
    stage_set(&s, "provision.sealed", NULL);
    assert_true(td_life_is_unmanaged(&s.dev));
}

/* Deleted there: what its user finds says what is to be done. */
static void deleted_on_the_shelf(void **state TD_UNUSED)
{
    struct td_error err = {0};
    assert_ok(td_provision_run(&s.flow, NULL));
    restart();
    stage_set(&s, "profile.name", "sales");
    svc = (struct service){.fails = "s", .times = 1, .code = TD_EDENIED};
    if (td_flow_run(&s.flow, &err) != TD_EDENIED)
        fail_msg("%s %s", err.where, err.text);
    assert_string_equal(svc.calls, "lujs"); /* no new enrolment */
    assert_non_null(strstr(err.remedy, "reset --reinstall"));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(from_the_first_page_to_the_shelf),
        TEST(refused_by_the_profile),
        TEST(red_then_green),
        TEST(red_by_a_word),
        TEST(cut_anywhere),
        TEST(not_sealed_unconfirmed),
        TEST(leaves_the_directory),
        TEST(shows_the_technicians_code),
        TEST(wrong_moments),
        TEST(a_user_joins_behind_a_cut_proof),
        TEST(retired_on_the_shelf),
        TEST(deleted_on_the_shelf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
