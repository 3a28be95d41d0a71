/* device: VPNv2 and the sign-in screen: which profiles a tree takes, what is dialled, in which order and by what; and
 * what Configuration Manager's client tells. */
#include "csp_world.h"
#include "device/csp/comanage.h"
#include "device/csp/vpn.h"
#include "device/domain.h"

#include <sys/stat.h>

#define VPN "./Device/Vendor/MSFT/VPNv2/"
#define XML(servers, more) \
    "<VPNProfile>" more "<NativeProfile><Servers>" servers "</Servers></NativeProfile></VPNProfile>"
#define AGENT \
    "./Device/Vendor/MSFT/EnrollmentStatusTracking/DevicePreparation/PolicyProviders/ConfigMgr/InstallationState"

static struct csp_world w;
static struct td_device dev;
static struct td_buf said;

static void say(void *ctx TD_UNUSED, const char *line)
{
    td_buf_adds(&said, line);
    td_buf_addc(&said, '\n');
}

static int open_world(void **state TD_UNUSED)
{
    csp_world_open(&w);
    td_buf_init(&said, 1 << 16);
    td_buf_adds(&said, "");
    dev = (struct td_device){.env = &w.env.env, .dir = w.dir, .pace = 1, .say = say};
    return td_state_open(w.dir, &dev.state, NULL) == TD_OK ? 0 : -1;
}

static int close_world(void **state TD_UNUSED)
{
    td_state_close(dev.state);
    td_buf_done(&said);
    static const char *const files[] = {"state.json", "dial", "dialled"};
    for (size_t i = 0; i < TD_COUNTOF(files); i++)
        (void)unlink(td_arena_printf(&w.a, "%s/%s", w.dir, files[i]));
    csp_world_close(&w);
    return 0;
}

static int answer(enum td_csp_op op, const char *uri, const char *data)
{
    return csp_world_do(&w, op, uri, "", data).status;
}

static const char *effect(const char *word)
{
    const char *value = td_csp_effect(w.csp, word, &w.a);
    return value != NULL ? value : "-";
}

/* A program that notes what it was given and ends as it is told: 0 for servers that begin with "up". */
static const char *program(const char *text)
{
    const char *path = td_arena_printf(&w.a, "%s/dial", w.dir);
    assert_ok(td_file_write(path, td_str(text), 0700, NULL));
    return path;
}

#define BESIDE "#!/bin/sh\ncd \"${0%/*}\" || exit 1\n"
#define DIALS BESIDE "echo \"$1 by $2\" >> dialled\ncase $2 in up*) exit 0;; esac\nexit 7\n"

static const char *dialled(void)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, 1 << 16);
    td_buf_adds(&b, "");
    if (td_file_read(td_arena_printf(&w.a, "%s/dialled", w.dir), &b, NULL) != TD_OK)
        return "";
    return td_arena_text(&w.a, td_buf_slice(&b));
}

static void dial(const char *hook)
{
    struct td_error err = {0};
    assert_ok(td_csp_save(w.csp, &err));
    dev.vpn = hook;
    assert_ok(td_vpn_dial(&dev, &err));
}

static void takes_a_profile(void **state TD_UNUSED)
{
    static const char uri[] = VPN "Contoso%20VPN/ProfileXML";
    assert_string_equal(effect("vpn"), "-");
    assert_int_equal(answer(TD_CSP_ADD, uri, XML("up.test", "<AlwaysOn>true</AlwaysOn>")), 200);
    assert_int_equal(answer(TD_CSP_ADD, uri, XML("up.test", "")), 418);
    assert_string_equal(effect("vpn"), "Contoso VPN by up.test, always on");
    assert_int_equal(answer(TD_CSP_GET, VPN "Contoso%20VPN", ""), 200);
    assert_int_equal(answer(TD_CSP_ADD, VPN "Nodes/NativeProfile/Servers", "n.test"), 200);
    assert_int_equal(answer(TD_CSP_ADD, VPN "Nodes/DeviceTunnel", "true"), 200);
    assert_string_equal(effect("vpn"), "Contoso VPN by up.test, always on\nNodes by n.test, device tunnel");
    assert_int_equal(answer(TD_CSP_DELETE, VPN "Contoso%20VPN", ""), 200);
    assert_string_equal(effect("vpn"), "Nodes by n.test, device tunnel");
}

static void refuses_what_is_no_profile(void **state TD_UNUSED)
{
    static const struct {
        const char *uri, *data;
        uint32_t hresult;
    } rows[] = {
        {VPN "A/ProfileXML", "no XML", TD_CSP_E_BADDATA},
        {VPN "A/ProfileXML", "<Profile/>", TD_CSP_E_BADDATA},
        {VPN "A/ProfileXML", "<VPNProfile/>", TD_CSP_E_BADVALUE},
        {VPN "A/ProfileXML", XML("", ""), TD_CSP_E_BADVALUE},
        {"./User/Vendor/MSFT/VPNv2/A/ProfileXML", XML("a", "<DeviceTunnel>true</DeviceTunnel>"), TD_CSP_E_BADVALUE},
        {VPN "A/ProfileXML",
         "<VPNProfile><DeviceTunnel>true</DeviceTunnel><NativeProfile><Servers>a</Servers><RoutingPolicyType>"
         "ForceTunnel</RoutingPolicyType></NativeProfile></VPNProfile>",
         TD_CSP_E_BADVALUE},
    };
    td_csp_set_user(w.csp, true);
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct td_csp_answer a = csp_world_do(&w, TD_CSP_ADD, rows[i].uri, "", rows[i].data);
        assert_int_equal(a.status, 500);
        assert_int_equal(a.hresult, rows[i].hresult);
    }
    assert_string_equal(effect("vpn"), "-");
}

static void dials_in_order(void **state TD_UNUSED)
{
    assert_int_equal(answer(TD_CSP_ADD, VPN "A-hand/ProfileXML", XML("up-a", "")), 200);
    assert_int_equal(answer(TD_CSP_ADD, VPN "B-always/ProfileXML", XML("down-b", "<AlwaysOn>true</AlwaysOn>")), 200);
    assert_int_equal(answer(TD_CSP_ADD, VPN "C-tunnel/ProfileXML",
                            XML("down-c,-x, down-d;Berlin", "<DeviceTunnel>true</DeviceTunnel>")),
                     200);
    dial(program(DIALS));
    assert_string_equal(dialled(), "C-tunnel by down-c\nC-tunnel by down-d\nB-always by down-b\nA-hand by up-a\n");
    assert_string_equal(td_state_get(dev.state, "vpn.connected"), "A-hand");
    assert_string_equal(td_state_get(dev.state, "vpn.server"), "up-a");
    assert_non_null(strstr(td_arena_text(&w.a, td_buf_slice(&said)), "A-hand: connected to up-a"));
    assert_non_null(strstr(td_arena_text(&w.a, td_buf_slice(&said)), "down-c could not be dialled (7)"));
}

/* What a service names goes to the program as names, never as options. */
static void gives_the_program_no_options(void **state TD_UNUSED)
{
    assert_int_equal(answer(TD_CSP_ADD, VPN "--config/ProfileXML", XML("up-a", "")), 200);
    assert_int_equal(answer(TD_CSP_ADD, VPN "B/ProfileXML", XML("--up=/etc/shadow,up-b", "")), 200);
    dial(program(DIALS));
    assert_string_equal(dialled(), "B by up-b\n");
}

static void stops_at_the_first_that_stands(void **state TD_UNUSED)
{
    assert_int_equal(answer(TD_CSP_ADD, VPN "A/ProfileXML", XML("down-a,up-b,up-c", "")), 200);
    assert_int_equal(answer(TD_CSP_ADD, VPN "B/ProfileXML", XML("up-d", "")), 200);
    dial(program(DIALS));
    assert_string_equal(dialled(), "A by down-a\nA by up-b\n");
}

static void a_person_has_no_profile_before_the_sign_in(void **state TD_UNUSED)
{
    td_csp_set_user(w.csp, true);
    assert_int_equal(answer(TD_CSP_ADD, "./User/Vendor/MSFT/VPNv2/Mine/ProfileXML", XML("up", "")), 200);
    dial(program(DIALS));
    assert_string_equal(dialled(), "");
    assert_null(td_state_get(dev.state, "vpn.connected"));
}

static void nothing_dials_without_a_program(void **state TD_UNUSED)
{
    assert_int_equal(answer(TD_CSP_ADD, VPN "A/ProfileXML", XML("up-a", "")), 200);
    td_state_set(dev.state, "vpn.connected", "A"); /* of another day */
    dial(NULL);
    assert_null(td_state_get(dev.state, "vpn.connected"));
    assert_non_null(strstr(td_arena_text(&w.a, td_buf_slice(&said)), "no --vpn"));
    dial("/nonexistent/dial");
    assert_null(td_state_get(dev.state, "vpn.connected"));
    assert_non_null(strstr(td_arena_text(&w.a, td_buf_slice(&said)), "can't be started"));
}

/* What a run's own end leaves no time for is ended, with all that it started. */
static void a_program_that_hangs_is_ended(void **state TD_UNUSED)
{
    assert_int_equal(answer(TD_CSP_ADD, VPN "A/ProfileXML", XML("up-a", "")), 200);
    dev.deadline = td_monotonic() + TD_SECOND / 5;
    dial(program(BESIDE "sleep 300 & echo $! > dialled\nwait\n"));
    assert_null(td_state_get(dev.state, "vpn.connected"));
    assert_non_null(strstr(td_arena_text(&w.a, td_buf_slice(&said)), "did not answer in time"));
    dev.deadline = 0;
}

static void the_client_says_that_it_is_there(void **state TD_UNUSED)
{
    static const char info[] = "./Device/Vendor/MSFT/DeviceManageability/Provider/P/ConfigInfo";
    assert_string_equal(effect("co_management"), "-");
    assert_int_equal(answer(TD_CSP_ADD, AGENT, "1"), 200);
    td_csp_client_installed(w.csp, "/quiet", &w.a);
    assert_string_equal(csp_world_do(&w, TD_CSP_GET, AGENT, "", "").data, "1");
    td_csp_client_installed(w.csp, "/quiet CCMSETUPCMD=\"/mp:cm.test SMSSITECODE=P01\"", &w.a);
    assert_string_equal(csp_world_do(&w, TD_CSP_GET, AGENT, "", "").data, "3");
    assert_string_equal(effect("co_management"), "client of Configuration Manager /mp:cm.test SMSSITECODE=P01; the "
                                                 "service has no workload");
    assert_int_equal(answer(TD_CSP_REPLACE, info, "8211"), 200);
    assert_string_equal(effect("co_management"), "client of Configuration Manager /mp:cm.test SMSSITECODE=P01; the "
                                                 "service has compliance, Windows Update");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(takes_a_profile, open_world, close_world),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_profile, open_world, close_world),
        cmocka_unit_test_setup_teardown(dials_in_order, open_world, close_world),
        cmocka_unit_test_setup_teardown(gives_the_program_no_options, open_world, close_world),
        cmocka_unit_test_setup_teardown(stops_at_the_first_that_stands, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_person_has_no_profile_before_the_sign_in, open_world, close_world),
        cmocka_unit_test_setup_teardown(nothing_dials_without_a_program, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_program_that_hangs_is_ended, open_world, close_world),
        cmocka_unit_test_setup_teardown(the_client_says_that_it_is_there, open_world, close_world),
    };
    return cmocka_run_group_tests_name("vpn", tests, NULL, NULL);
}
