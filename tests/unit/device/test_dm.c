/* device/dm: sessions against a scripted service; messages are the examples of the document and variations of them. */
#include "base/encode.h"
#include "crypto/digest.h"
#include "csp_world.h"
#include "device/dm/msi_file.h"
#include "device/domain.h"
#include "dm_world.h"

static void talks_as_the_example_does(void **state TD_UNUSED)
{
    struct dm_world w;
    dm_open(&w);
    td_csp_put_int(w.dm.csp, "@session", 6);
    td_csp_put(w.dm.csp, PROVIDER_KEY "/SyncApplicationVersion", "chr", "3.0");
    const struct dm_answer script[] = {{.body = dm_fixture(&w, "syncml/package2.xml")},
                                       {.body = dm_fixture(&w, "syncml/package4.xml")}};
    DM_SCRIPT(&w, script);
    assert_ok(td_dm_talk(&w.dm, TD_DM_SCHEDULE, false, NULL));
    assert_int_equal(w.post_count, 2);
    assert_string_equal(w.urls[0], "https://mdm.example.test/ManagementServer/MDM.svc?mode=Machine&Platform=WoA");
    const struct td_sync_msg *one = &w.posts[0], *two = &w.posts[1];
    assert_string_equal(one->session_id, "7");
    assert_string_equal(one->msg_id, "1");
    assert_string_equal(one->source, "44444444000040008000000000000001");
    assert_string_equal(one->target, w.urls[0]);
    assert_int_equal(one->max_msg_size, 524288);
    assert_true(one->final && *one->cred.type == '\0');
    const struct td_sync_cmd *c = one->cmds;
    assert_int_equal(c->code, 1201);
    c = c->next;
    assert_int_equal(c->code, 1224);
    assert_string_equal(c->items->meta.type, "com.microsoft/MDM/LoginStatus");
    assert_slice(c->items->data, "none");
    c = c->next;
    assert_int_equal(c->kind, TD_SYNC_REPLACE);
    static const char *const info[][2] = {{"./DevInfo/DevId", "44444444000040008000000000000001"},
                                          {"./DevInfo/Man", "Example Corp"},
                                          {"./DevInfo/Mod", "Model X"},
                                          {"./DevInfo/DmV", "1.3"},
                                          {"./DevInfo/Lang", "en-US"}};
    const struct td_sync_item *item = c->items;
    for (size_t i = 0; i < TD_COUNTOF(info); i++, item = item->next) {
        assert_string_equal(item->source, info[i][0]);
        assert_slice(item->data, info[i][1]);
    }
    assert_null(c->next);
    assert_string_equal(two->msg_id, "2");
    assert_string_equal(dm_statuses(&w, two), "0 SyncHdr 200, 5 Get 200, 6 Replace 200, 7 Get 404");
    assert_non_null(strstr(w.bodies[1], "msft:originalerror=\"0x86000002\""));
    const struct td_sync_cmd *r = dm_first(two, TD_SYNC_RESULTS);
    assert_string_equal(r->cmd_ref, "5");
    assert_string_equal(r->msg_ref, "1");
    assert_string_equal(r->items->source, "./DevDetail/SwV");
    assert_slice(r->items->data, "10.0.22631.2506");
    assert_string_equal(r->items->meta.format, "chr");
    assert_null(r->next);
    dm_reopen(&w);
    assert_string_equal(td_csp_effect(w.dm.csp, "policies", &w.a), "DeviceLock/MinDevicePasswordLength=8");
    dm_close(&w);
}

static void writes_headers_by_version(void **state TD_UNUSED)
{
    struct dm_world w;
    dm_open(&w);
    DM_SCRIPT(&w, ((const struct dm_answer[]){{.body = "<Final/>"}}));
    td_csp_put_int(w.dm.csp, "@session", 62);
    assert_ok(td_dm_talk(&w.dm, TD_DM_LOGIN, true, NULL));
    assert_string_equal(w.posts[0].session_id, "63");
    assert_null(strstr(w.headers[0], "UserAgentOrigin"));
    assert_non_null(strstr(w.headers[0], "Content-Type: application/vnd.syncml.dm+xml\n"));
    assert_non_null(strstr(w.headers[0], "client-request-id: 44444444-0000-4000-8000-000000000001\n"));
    assert_non_null(strstr(w.urls[0], "mode=Maintenance"));
    assert_slice(w.posts[0].cmds->next->items->data, "user");
    td_csp_put(w.dm.csp, PROVIDER_KEY "/SyncApplicationVersion", "chr", "4.0");
    assert_ok(td_dm_talk(&w.dm, TD_DM_ENROLMENT, false, NULL));
    assert_string_equal(w.posts[1].session_id, "40"); /* 64 in hexadecimal */
    assert_non_null(strstr(w.headers[1], "UserAgentOrigin: 5\n"));
    assert_non_null(strstr(w.bodies[1], "com.microsoft/MDM/BootstrapSync"));
    dm_close(&w);
}

#define ODJ "com.microsoft/MDM/OdjSync"

/* oma-dm.md 4: as long as the device waits for its blob, beside BootstrapSync, and by no other device. */
static void says_that_it_waits_for_its_domain(void **state TD_UNUSED)
{
    struct dm_world w;
    dm_open(&w);
    DM_SCRIPT(&w, ((const struct dm_answer[]){{.body = "<Final/>"}}));
    assert_ok(td_dm_talk(&w.dm, TD_DM_ENROLMENT, false, NULL));
    assert_null(strstr(w.bodies[0], ODJ));
    td_state_set(w.dev.state, "join.device_id", NULL);
    td_state_set(w.dev.state, "profile.join_method", "1");
    assert_ok(td_dm_talk(&w.dm, TD_DM_ENROLMENT, false, NULL));
    const char *odj = strstr(w.bodies[1], ODJ);
    assert_non_null(odj);
    assert_non_null(strstr(odj, "<Data>device</Data>"));
    assert_non_null(strstr(w.bodies[1], "com.microsoft/MDM/BootstrapSync"));
    td_state_set(w.dev.state, "domain.name", "corp.test");
    assert_ok(td_dm_talk(&w.dm, TD_DM_ENROLMENT, false, NULL));
    assert_null(strstr(w.bodies[2], ODJ));
    dm_close(&w);
}

/* device-alerts.md: in one session, once that one is whole. */
static void says_what_keeps_it_from_its_domain(void **state TD_UNUSED)
{
    struct dm_world w;
    dm_open(&w);
    DM_SCRIPT(&w, ((const struct dm_answer[]){{.body = "<Final/>"}, {.body = "<Final/>"}}));
    td_state_set_int(w.dev.state, TD_DOMAIN_TROUBLE, (int64_t)UINT32_C(0x80070576));
    assert_ok(td_dm_talk(&w.dm, TD_DM_ENROLMENT, false, NULL));
    const char *said = strstr(w.bodies[0], "org.touchdown:domain.unreached");
    assert_non_null(said);
    assert_non_null(strstr(said, "<Data>-2147023498</Data>"));
    assert_ok(td_dm_talk(&w.dm, TD_DM_ENROLMENT, false, NULL));
    assert_null(strstr(w.bodies[1], "domain.unreached"));
    dm_close(&w);
}

static void answers_odd_commands(void **state TD_UNUSED)
{
    struct dm_world w;
    dm_open(&w);
    const struct dm_answer script[] = {{.body = dm_fixture(&w, "dm/odd.xml")}};
    DM_SCRIPT(&w, script);
    assert_ok(td_dm_talk(&w.dm, TD_DM_SCHEDULE, false, NULL));
    assert_int_equal(w.post_count, 2);
    assert_string_equal(
        dm_statuses(&w, &w.posts[1]),
        "0 SyncHdr 200, 40 Frobnicate 400,  Get 400, 41 Get 412, 42 Exec 400, 43 Get 200, 43 Get 404, "
        "44 Get 200, 45 Alert 406, 46 Sequence 200, 47 Get 200, 48 Delete 405, 49 Get 200, 50 Replace 405");
    size_t results = 0;
    for (const struct td_sync_cmd *c = w.posts[1].cmds; c != NULL; c = c->next) {
        results += c->kind == TD_SYNC_RESULTS;
        if (c->kind == TD_SYNC_STATUS && strcmp(c->cmd_ref, "43") == 0)
            assert_string_equal(c->target_ref, c->code == 200 ? "./DevInfo/Man" : "./DevInfo/Nothing");
        assert_int_equal(c->original_error, 0); /* version 1.0 does not carry them */
    }
    assert_int_equal(results, 5);
    dm_close(&w);
}

static void atomic_is_all_or_nothing(void **state TD_UNUSED)
{
    struct dm_world w;
    dm_open(&w);
    const struct dm_answer script[] = {{.body = dm_fixture(&w, "dm/atomic-fails.xml")},
                                       {.body = dm_fixture(&w, "dm/atomic-nested.xml")}};
    DM_SCRIPT(&w, script);
    assert_ok(td_dm_talk(&w.dm, TD_DM_SCHEDULE, false, NULL));
    assert_string_equal(dm_statuses(&w, &w.posts[1]), "0 SyncHdr 200, 20 Atomic 507, 21 Replace 216, 22 Replace 500, "
                                                      "23 Replace 215, 24 Replace 200");
    assert_string_equal(dm_statuses(&w, &w.posts[2]), "0 SyncHdr 200, 30 Atomic 507, 31 Atomic 500, 33 Atomic 507, "
                                                      "34 Get 500, 35 Atomic 200, 36 Replace 200, 37 Add 200");
    assert_null(dm_first(&w.posts[2], TD_SYNC_RESULTS));
    assert_string_equal(td_csp_effect(w.dm.csp, "policies", &w.a),
                        "DeviceLock/DevicePasswordEnabled=0\nDeviceLock/MinDevicePasswordLength=8");
    assert_string_equal(td_csp_value(w.dm.csp, PROVIDER_KEY "/HelpWebsite"), "https://help.example.test/");
    dm_close(&w);
}

static void sends_long_values_in_pieces(void **state TD_UNUSED)
{
    struct dm_world w;
    dm_open(&w);
    w.dm.max_msg = 2048;
    w.rest.body = dm_fixture(&w, "dm/more.xml");
    struct dm_answer script[20];
    script[0] = (struct dm_answer){.body = dm_fixture(&w, "dm/get-hash.xml")};
    for (size_t i = 1; i < TD_COUNTOF(script); i++)
        script[i] = w.rest;
    DM_SCRIPT(&w, script);
    w.rest.body = NULL;
    struct td_buf whole;
    td_buf_init(&whole, 1 << 20);
    uint64_t size = 0;
    assert_ok(td_dm_talk(&w.dm, TD_DM_SCHEDULE, false, NULL));
    size_t last = 0, pieces = 0;
    for (size_t i = 1; i < w.post_count && last == 0; i++) {
        assert_true(strlen(w.bodies[i]) <= 2048);
        const struct td_sync_cmd *r = dm_first(&w.posts[i], TD_SYNC_RESULTS);
        assert_non_null(r);
        assert_string_equal(r->cmd_ref, "9");
        assert_string_equal(r->items->source, "./DevDetail/Ext/DeviceHardwareData");
        if (pieces++ == 0)
            size = r->items->meta.size;
        td_buf_add(&whole, r->items->data);
        assert_true(i == 1 || r->items->meta.size == 0);
        assert_false(r->items->more_data && (w.posts[i].final || r->next != NULL));
        last = r->items->more_data ? 0 : i;
    }
    const struct td_sync_cmd *next = dm_first(&w.posts[last], TD_SYNC_RESULTS)->next;
    if (next == NULL) /* did not fit behind the last piece */
        next = dm_first(&w.posts[++last], TD_SYNC_RESULTS);
    assert_slice(next->items->data, "10.0.22631.2506");
    assert_true(w.posts[last].final);
    assert_true(pieces >= 3 && last != 0);
    assert_int_equal(whole.n, size);
    assert_string_equal(dm_statuses(&w, &w.posts[2]), "0 SyncHdr 200, 4 Alert 200");
    struct td_slice hash;
    assert_ok(td_b64_decode(&w.a, td_buf_slice(&whole), TD_B64_ANY, &hash));
    assert_true(td_starts(hash, "OA"));
    td_buf_done(&whole);
    dm_close(&w);
}

static void asks_for_the_rest_of_a_package(void **state TD_UNUSED)
{
    struct dm_world w;
    dm_open(&w);
    static const struct dm_answer script[] = {
        {.body = "<Get><CmdID>2</CmdID><Item><Target><LocURI>./DevInfo/Man</LocURI></Target></Item></Get>"},
        {.body = "<Replace><CmdID>2</CmdID><Item><Target><LocURI>./Vendor/MSFT/DMClient/Provider/ExampleMDM/HelpWebsite"
                 "</LocURI></Target><Meta><Size xmlns='syncml:metinf'>6</Size></Meta><Data>abc</Data><MoreData/></Item>"
                 "</Replace>"},
        {.body = "<Replace><CmdID>2</CmdID><Item><Target><LocURI>./Vendor/MSFT/DMClient/Provider/ExampleMDM/HelpWebsite"
                 "</LocURI></Target><Data>def</Data></Item></Replace><Final/>"},
        {.body = "<Replace><CmdID>2</CmdID><Item><Target><LocURI>./Vendor/MSFT/DMClient/Provider/ExampleMDM/HelpWebsite"
                 "</LocURI></Target><Meta><Size xmlns='syncml:metinf'>9</Size></Meta><Data>x</Data><MoreData/></Item>"
                 "</Replace>"},
        {.body = "<Replace><CmdID>2</CmdID><Item><Target><LocURI>./Vendor/MSFT/DMClient/Provider/ExampleMDM/HelpWebsite"
                 "</LocURI></Target><Data>y</Data></Item></Replace><Final/>"},
    };
    DM_SCRIPT(&w, script);
    assert_ok(td_dm_talk(&w.dm, TD_DM_SCHEDULE, false, NULL));
    assert_int_equal(w.post_count, 6);
    assert_int_equal(dm_first(&w.posts[1], TD_SYNC_ALERT)->code, 1222);
    assert_false(w.posts[1].final);
    assert_string_equal(dm_statuses(&w, &w.posts[2]), "0 SyncHdr 200, 2 Replace 213");
    assert_string_equal(dm_statuses(&w, &w.posts[3]), "0 SyncHdr 200, 2 Replace 200");
    assert_string_equal(dm_statuses(&w, &w.posts[5]), "0 SyncHdr 200, 2 Replace 424");
    assert_true(w.posts[3].final);
    assert_string_equal(td_csp_value(w.dm.csp, PROVIDER_KEY "/HelpWebsite"), "abcdef");
    dm_close(&w);
}

static void repeats_the_same_message(void **state TD_UNUSED)
{
    struct dm_world w;
    dm_open(&w);
    static const struct dm_answer script[] = {
        {.status = -1},
        {.status = 503, .retry_after = "7"},
        {.status = 429, .retry_after = "120"},
        {.status = 500},
        {.body = "<Final/>"},
    };
    DM_SCRIPT(&w, script);
    assert_ok(td_dm_talk(&w.dm, TD_DM_SCHEDULE, false, NULL));
    assert_int_equal(w.post_count, 5);
    for (size_t i = 1; i < 5; i++)
        assert_string_equal(w.bodies[i], w.bodies[0]);
    /* INITIALBACKOFFTIME of the provisioning document is 30 s and doubles; Retry-After is kept to the second. */
    static const int64_t waits[] = {30, 7, 120, 60};
    for (size_t i = 0; i < TD_COUNTOF(waits); i++)
        assert_int_equal((w.times[i + 1] - w.times[i]) / TD_SECOND, waits[i]);
    /* Somebody who asked for the session is told soon. */
    w.rest.status = -1;
    DM_SCRIPT(&w, ((const struct dm_answer[]){{.status = -1}}));
    int64_t begun = w.env.now;
    assert_int_equal(td_dm_talk(&w.dm, TD_DM_USER, false, NULL), TD_EUNAVAILABLE);
    assert_int_equal((w.env.now - begun) / TD_SECOND, 1);
    assert_int_equal(w.post_count, 2);
    dm_close(&w);
}

/* A refusal that passes, and an answer of which only a part came, or a page of somebody in between. */
static void outlives_what_passes(void **state TD_UNUSED)
{
    static const struct dm_answer rows[] = {
        {.status = 401, .body = "not now"},
        {.status = 403, .body = "not now"},
        {.body = "<SyncML xmlns=\"SYNCML:SYNCML1.2\"><SyncHdr><VerDTD>1.2</Ver"},
        {.body = "<html>sign in to the network</html>", .type = "text/html"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct dm_world w;
        dm_open(&w);
        dm_script(&w, &rows[i], 1);
        assert_ok(td_dm_talk(&w.dm, TD_DM_SCHEDULE, false, NULL));
        assert_int_equal(w.post_count, 2);
        assert_string_equal(w.bodies[1], w.bodies[0]);
        assert_int_equal((w.times[1] - w.times[0]) / TD_SECOND, 30);
        dm_close(&w);
    }
}

/* At most four characters, decimal or hexadecimal (oma-dm.md 2). */
static void session_ids_are_short(void **state TD_UNUSED)
{
    static const struct {
        const char *version, *want;
        int64_t before;
    } rows[] = {{"1.0", "9999", 9998}, {"1.0", "1", 9999}, {"3.0", "2710", 9999}, {"3.0", "1", 65535}};
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct dm_world w;
        dm_open(&w);
        td_csp_put(w.dm.csp, td_dm_provider_key(&w.dm, false, "SyncApplicationVersion", &w.a), "chr", rows[i].version);
        td_csp_put_int(w.dm.csp, "@session", rows[i].before);
        assert_ok(td_dm_talk(&w.dm, TD_DM_SCHEDULE, false, NULL));
        assert_string_equal(w.posts[0].session_id, rows[i].want);
        dm_close(&w);
    }
}

static void gives_up_with_a_cause(void **state TD_UNUSED)
{
    static const struct {
        struct dm_answer answer;
        enum td_code code;
        const char *text;
    } rows[] = {
        {{.status = -1}, TD_EUNAVAILABLE, "no answer"},
        {{.status = 403, .body = "unknown certificate.\n"}, TD_EDENIED, "refuses this device: unknown certificate"},
        {{.status = 415, .body = "x"}, TD_EINVAL, "415"},
        {{.type = "text/html"}, TD_EFORMAT, "text/html"},
        {{.body = "<SyncML xmlns='SYNCML:SYNCML1.2'/>"}, TD_EFORMAT, ""},
        {{.body = "<Alert><CmdID>2</CmdID><Data>1223</Data></Alert><Final/>"}, TD_EUNAVAILABLE, "1223"},
        {{.body = "<Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><Data>503</Data></"
                  "Status><Final/>"},
         TD_EUNAVAILABLE,
         "503"},
        {{.body = "<Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><Data>401</Data></"
                  "Status><Final/>"},
         TD_EAUTH,
         "401"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct dm_world w;
        struct td_error err = {0};
        dm_open(&w);
        w.rest = rows[i].answer;
        assert_int_equal(td_dm_talk(&w.dm, TD_DM_SCHEDULE, false, &err), rows[i].code);
        if (strstr(err.text, rows[i].text) == NULL)
            fail_msg("row %zu: %s", i, err.text);
        if (rows[i].answer.status == 403)
            assert_int_equal(err.hresult, 0x80190193);
        if (td_ends(td_str(err.text), ".") || td_ends(td_str(err.text), " ")) /* it stands inside a line */
            fail_msg("row %zu: \"%s\"", i, err.text);
        dm_close(&w);
    }
}

static void keeps_to_its_session(void **state TD_UNUSED)
{
    static const char *const fields[][2] = {{"99", "1"}, {"1", ""}};
    for (size_t i = 0; i < TD_COUNTOF(fields); i++) {
        struct dm_world w;
        dm_open(&w);
        struct td_sync_msg other = {.session_id = fields[i][0], .msg_id = fields[i][1], .source = "x"};
        w.rest.body = dm_envelope(&w, &other, "<Final/>");
        assert_int_equal(td_dm_talk(&w.dm, TD_DM_SCHEDULE, false, NULL), TD_EFORMAT);
        dm_close(&w);
    }
    struct dm_world w; /* a number that does not rise */
    dm_open(&w);
    struct td_sync_msg first = {.session_id = "1", .msg_id = "1", .source = "x"};
    w.rest.body = dm_envelope(
        &w, &first, "<Get><CmdID>2</CmdID><Item><Target><LocURI>./DevInfo/Man</LocURI></Target></Item></Get><Final/>");
    assert_int_equal(td_dm_talk(&w.dm, TD_DM_SCHEDULE, false, NULL), TD_EFORMAT);
    assert_int_equal(w.post_count, 2);
    dm_close(&w);
}

static void answers_a_challenge(void **state TD_UNUSED)
{
    struct dm_world w;
    dm_open(&w);
    const struct dm_answer script[] = {{.body = dm_fixture(&w, "dm/challenge.xml")},
                                       {.body = dm_fixture(&w, "dm/accepted.xml")}};
    DM_SCRIPT(&w, script);
    assert_ok(td_dm_talk(&w.dm, TD_DM_SCHEDULE, false, NULL));
    assert_int_equal(w.post_count, 3);
    assert_string_equal(w.posts[0].cred.type, "");
    assert_string_equal(w.posts[1].cred.type, "syncml:auth-md5");
    assert_slice(w.posts[1].cred.data, "DadrTLJVnnoRtTy+gxog1g=="); /* vector of oma-dm.md 7 */
    assert_string_equal(w.posts[1].source_name, "dev-7f3a");
    assert_string_equal(w.posts[1].msg_id, "2");
    const struct td_sync_cmd *alert = dm_first(&w.posts[1], TD_SYNC_ALERT);
    assert_int_equal(alert->code, 1201);                              /* the package again */
    assert_null(td_csp_value(w.dm.csp, PROVIDER_KEY "/HelpWebsite")); /* nothing of an unproven exchange was done */
    assert_string_equal(w.posts[2].cred.type, "");                    /* 212: good for the session */
    dm_reopen(&w);
    DM_SCRIPT(&w, ((const struct dm_answer[]){{.body = "<Final/>"}}));
    assert_ok(td_dm_talk(&w.dm, TD_DM_SCHEDULE, false, NULL));
    assert_string_equal(w.posts[0].cred.type, "syncml:auth-md5"); /* the kept nonce, at once */
    assert_string_not_equal(td_arena_text(&w.a, w.posts[0].cred.data), "DadrTLJVnnoRtTy+gxog1g==");
    dm_close(&w);
}

static void ends_when_unenrolled(void **state TD_UNUSED)
{
    struct dm_world w;
    dm_open(&w);
    static const struct dm_answer script[] = {
        {.body =
             "<Exec><CmdID>9</CmdID><Item><Target><LocURI>./Device/Vendor/MSFT/DMClient/Provider/ExampleMDM/Unenroll"
             "</LocURI></Target><Meta><Format xmlns='syncml:metinf'>chr</Format></Meta><Data>ExampleMDM</Data></Item>"
             "</Exec><Final/>"},
        {.status = -1},
    };
    DM_SCRIPT(&w, script);
    assert_ok(td_dm_talk(&w.dm, TD_DM_SCHEDULE, false, NULL));
    assert_int_equal(w.post_count, 2);
    assert_null(dm_first(&w.posts[1], TD_SYNC_STATUS)); /* the session is cut; a last package #1 says goodbye */
    assert_string_equal(w.posts[1].msg_id, "1");
    assert_int_equal(w.posts[1].cmds->next->code, 1226);
    assert_string_equal(w.posts[1].cmds->next->items->meta.type, "com.microsoft:mdm.unenrollment.userrequest");
    assert_non_null(td_state_get(w.dev.state, "enrol.ended"));
    assert_null(td_csp_value(w.dm.csp, "@provider"));
    dm_close(&w);
}

static void refuses_users_nodes_until_their_context(void **state TD_UNUSED)
{
    struct dm_world w;
    dm_open(&w);
    static const struct dm_answer script[] = {
        {.body = "<Replace><CmdID>5</CmdID><Item><Target><LocURI>./User/Vendor/MSFT/DMClient/Provider/ExampleMDM/"
                 "FirstSyncStatus/ServerHasFinishedProvisioning</LocURI></Target><Data>true</Data></Item></"
                 "Replace><Final/>"},
    };
    static const int want[] = {405, 405, 200}; /* nobody there; first session of the user; context exists */
    for (size_t i = 0; i < TD_COUNTOF(want); i++) {
        DM_SCRIPT(&w, script);
        assert_ok(td_dm_talk(&w.dm, TD_DM_SCHEDULE, i != 0, NULL));
        assert_int_equal(w.posts[1].cmds->next->code, want[i]);
        dm_reopen(&w);
    }
    dm_close(&w);
}

enum damage { WHOLE, TEXT, CUT, OTHER_PRODUCT };

static struct td_slice damaged(struct dm_world *w, enum damage damage)
{
    struct td_slice package = dm_package(w);
    char *guid = memmem(package.p, package.n, MSI_GUID, strlen(MSI_GUID));
    assert_non_null(guid);
    if (damage == OTHER_PRODUCT)
        guid[1] = '8';
    if (damage == TEXT)
        return td_str("plain text");
    return damage == CUT ? td_sub(package, 0, package.n / 2) : package;
}

static void installs_a_package(void **state TD_UNUSED)
{
    static const struct {
        const char *hash; /* NULL: the right one */
        size_t failures;
        enum damage damage;
        int status;
        uint32_t error;
        size_t fetches;
    } rows[] = {
        {NULL, 0, WHOLE, TD_MSI_DONE, 0, 1},
        {NULL, 1, WHOLE, TD_MSI_DONE, 0, 2},
        {NULL, 2, WHOLE, TD_MSI_LOAD_FAILED, 0x80072EFD, 2},
        {SOME_HASH, 0, WHOLE, TD_MSI_LOAD_FAILED, TD_CSP_E_BADHASH, 2},
        {NULL, 0, TEXT, TD_MSI_FAILED, TD_CSP_E_NOMSI, 1},
        {NULL, 0, CUT, TD_MSI_FAILED, TD_CSP_E_NOMSI, 1},
        {NULL, 0, OTHER_PRODUCT, TD_MSI_FAILED, TD_CSP_E_NOTDETECTED, 1},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        struct dm_world w;
        struct td_csp_answer answer;
        unsigned char sum[32];
        dm_open(&w);
        w.package = damaged(&w, rows[i].damage);
        w.fetch_failures = rows[i].failures;
        td_sha256(w.package, sum);
        const char *hash = rows[i].hash != NULL ? rows[i].hash : td_hex(&w.a, td_bytes(sum, 32));
        char *right = td_arena_strdup(&w.a, MSI_JOB(MSI_GUID, SOME_HASH));
        memcpy(strstr(right, SOME_HASH), hash, 64);
        td_csp_run(w.dm.csp, TD_CSP_ADD, MSI_NODE "/DownloadInstall", "", td_str(""), &w.a, &answer);
        td_csp_run(w.dm.csp, TD_CSP_EXEC, MSI_NODE "/DownloadInstall", "xml", td_str(right), &w.a, &answer);
        assert_int_equal(answer.status, 202);
        assert_ok(td_csp_save(w.dm.csp, NULL));
        dm_reopen(&w); /* killed between the order and the work */
        assert_ok(td_dm_install(&w.dm, NULL));
        dm_reopen(&w);
        assert_int_equal(atoi(td_csp_read(w.dm.csp, MSI_NODE "/Status", &w.a)), rows[i].status);
        assert_int_equal((uint32_t)atoi(td_csp_read(w.dm.csp, MSI_NODE "/LastError", &w.a)), rows[i].error);
        assert_int_equal(w.fetches, rows[i].fetches);
        bool done = rows[i].status == TD_MSI_DONE;
        assert_int_equal(td_csp_effect(w.dm.csp, "apps", &w.a) != NULL, done);
        if (done)
            assert_string_equal(td_csp_effect(w.dm.csp, "apps", &w.a), MSI_GUID " 1.2.3.0");
        /* The report is sent once, and is gone when the service has answered. */
        DM_SCRIPT(&w, ((const struct dm_answer[]){{.body = "<Final/>"}}));
        assert_ok(td_dm_install(&w.dm, NULL));
        assert_int_equal(w.fetches, rows[i].fetches);
        assert_true(td_dm_has_report(&w.dm));
        assert_ok(td_dm_talk(&w.dm, TD_DM_CSP_REASON, false, NULL));
        const struct td_sync_cmd *alert = w.posts[0].cmds->next->next;
        assert_int_equal(alert->code, 1226);
        assert_string_equal(alert->items->source, MSI_NODE "/DownloadInstall");
        assert_string_equal(alert->items->meta.type, "Reversed-Domain-Name:com.microsoft.mdm.win32csp_install");
        assert_string_equal(alert->items->meta.mark, "informational");
        assert_int_equal((uint32_t)atoi(alert->items->data.p), rows[i].error);
        dm_reopen(&w);
        assert_false(td_dm_has_report(&w.dm));
        dm_close(&w);
    }
}

/* What the package says of itself, as msiinfo prints it; and a file cut or changed anywhere is an answer, never more.
 */
static void reads_packages(void **state TD_UNUSED)
{
    struct dm_world w;
    struct td_msi_facts facts;
    dm_open(&w);
    struct td_slice package = dm_package(&w);
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/some.msi", w.dir);
    assert_ok(td_file_write(path, package, 0600, NULL));
    assert_ok(td_msi_file_read(path, &w.a, &facts, NULL));
    assert_string_equal(facts.product_code, MSI_GUID);
    assert_string_equal(facts.version, "1.2.3.0");
    assert_string_equal(facts.name, "Hello Agent");
    assert_string_equal(facts.manufacturer, "Contoso");
    for (size_t n = 0; n < package.n; n += 97) {
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(package.p, 1, n, f), n);
        assert_int_equal(fclose(f), 0);
        (void)!td_msi_file_read(path, &w.a, &facts, NULL);
    }
    char *bytes = (char *)(uintptr_t)package.p;
    for (size_t n = 24; n < 4096; n += 3) {
        char before = bytes[n];
        bytes[n] = (char)~before;
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(bytes, 1, package.n, f), package.n);
        assert_int_equal(fclose(f), 0);
        (void)!td_msi_file_read(path, &w.a, &facts, NULL);
        bytes[n] = before;
    }
    dm_close(&w);
}

static void polls_as_told(void **state TD_UNUSED)
{
    static const struct {
        int first, first_n, second, second_n, rest, rest_n;
        int64_t at[6]; /* after sessions 0, 4, 5, 12, 13, 1000 */
    } rows[] = {
        {3, 5, 15, 8, 480, 0, {3, 3, 15, 15, 480, 480}}, {3, 0, 15, 8, 480, 0, {3, 3, 3, 3, 3, 3}},
        {0, 5, 0, 8, 60, 0, {60, 60, 60, 60, 60, 60}},   {0, 0, 0, 0, 0, 0, {1440, 1440, 1440, 1440, 1440, 1440}},
        {3, 5, 15, 8, 0, 0, {3, 3, 15, 15, 1440, 1440}},
    };
    static const int64_t after[] = {0, 4, 5, 12, 13, 1000};
    struct dm_world w;
    dm_open(&w);
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        td_csp_put_int(w.dm.csp, PROVIDER_KEY "/Poll/IntervalForFirstSetOfRetries", rows[i].first);
        td_csp_put_int(w.dm.csp, PROVIDER_KEY "/Poll/NumberOfFirstRetries", rows[i].first_n);
        td_csp_put_int(w.dm.csp, PROVIDER_KEY "/Poll/IntervalForSecondSetOfRetries", rows[i].second);
        td_csp_put_int(w.dm.csp, PROVIDER_KEY "/Poll/NumberOfSecondRetries", rows[i].second_n);
        td_csp_put_int(w.dm.csp, PROVIDER_KEY "/Poll/IntervalForRemainingScheduledRetries", rows[i].rest);
        td_csp_put_int(w.dm.csp, PROVIDER_KEY "/Poll/NumberOfRemainingScheduledRetries", rows[i].rest_n);
        for (size_t k = 0; k < TD_COUNTOF(after); k++)
            assert_int_equal(td_dm_poll_minutes(&w.dm, after[k]), rows[i].at[k]);
    }
    dm_close(&w);
}

static void takes_the_provisioning_document(void **state TD_UNUSED)
{
    struct dm_world w;
    dm_open(&w);
    assert_string_equal(td_csp_value(w.dm.csp, "@provider"), "ExampleMDM");
    assert_string_equal(td_csp_read(w.dm.csp, PROVIDER "/UPN", &w.a), "ada@example.test");
    assert_string_equal(td_csp_read(w.dm.csp, FIRST_SYNC "SkipDeviceStatusPage", &w.a), "false");
    assert_string_equal(td_csp_read(w.dm.csp, PROVIDER "/Poll/PollOnLogin", &w.a), "true");
    assert_non_null(td_csp_effect(w.dm.csp, "trusted_roots", &w.a));
    assert_int_equal(td_dm_poll_minutes(&w.dm, 0), 3);
    static const char *const bad[] = {
        "<a/>",
        "<wap-provisioningdoc/>",
        "<wap-provisioningdoc><characteristic type='APPLICATION'><parm name='ADDR' "
        "value='https://x/'/></characteristic>"
        "</wap-provisioningdoc>",
        "<wap-provisioningdoc><characteristic type='APPLICATION'><parm name='PROVIDER-ID' value='P'/><parm name='ADDR' "
        "value='http://x/'/></characteristic></wap-provisioningdoc>",
        "<wap-provisioningdoc><characteristic type='APPLICATION'><parm name='PROVIDER-ID' value='P'/></characteristic>"
        "<characteristic type='DMClient'><characteristic type='Provider'><characteristic type='P'><characteristic "
        "type='Poll'><parm name='NumberOfFirstRetries' value='many' datatype='integer'/></characteristic>"
        "</characteristic></characteristic></characteristic></wap-provisioningdoc>",
    };
    for (size_t i = 0; i < TD_COUNTOF(bad); i++) {
        struct td_xml *wap;
        assert_ok(td_xml_parse(td_str(bad[i]), 65536, &w.a, &wap, NULL));
        assert_int_not_equal(td_dm_wap(&w.dm, wap, NULL), TD_OK);
    }
    dm_close(&w);
}

/* The same exchange, with the device killed after each answer in turn: whatever was applied stays, and the next session
 * ends with all of it. */
static void goes_on_after_a_kill(void **state TD_UNUSED)
{
    static const struct dm_answer script[] = {
        {.body =
             "<Replace><CmdID>2</CmdID><Item><Target><LocURI>./Device/Vendor/MSFT/Policy/Config/DeviceLock/"
             "MinDevicePasswordLength</LocURI></Target><Meta><Format xmlns='syncml:metinf'>int</Format></Meta><Data>8"
             "</Data></Item></Replace><Final/>"},
        {.body =
             "<Exec><CmdID>2</CmdID><Item><Target><LocURI>./Device/Vendor/MSFT/WindowsLicensing/"
             "UpgradeEditionWithProductKey</LocURI></Target><Data>AAAAA-BBBBB-CCCCC-DDDDD-EEEEE</Data></Item></Exec>"
             "<Final/>"},
    };
    for (size_t kill_at = 0; kill_at <= TD_COUNTOF(script); kill_at++) {
        struct dm_world w;
        dm_open(&w);
        dm_script(&w, script, kill_at);
        w.rest.status = 403; /* the exchange breaks off here for good */
        if (kill_at < TD_COUNTOF(script))
            assert_int_equal(td_dm_talk(&w.dm, TD_DM_SCHEDULE, false, NULL), TD_EDENIED);
        dm_reopen(&w);
        assert_int_equal(td_csp_effect(w.dm.csp, "policies", &w.a) != NULL, kill_at == 1);
        w.rest = (struct dm_answer){.body = NULL};
        DM_SCRIPT(&w, script);
        assert_ok(td_dm_talk(&w.dm, TD_DM_SCHEDULE, false, NULL));
        assert_string_equal(w.posts[0].session_id, kill_at < TD_COUNTOF(script) ? "2" : "1");
        dm_reopen(&w);
        assert_string_equal(td_csp_effect(w.dm.csp, "policies", &w.a), "DeviceLock/MinDevicePasswordLength=8");
        assert_string_equal(td_csp_effect(w.dm.csp, "edition", &w.a), "Windows 11 Enterprise");
        dm_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(talks_as_the_example_does),
        cmocka_unit_test(writes_headers_by_version),
        cmocka_unit_test(says_that_it_waits_for_its_domain),
        cmocka_unit_test(says_what_keeps_it_from_its_domain),
        cmocka_unit_test(answers_odd_commands),
        cmocka_unit_test(atomic_is_all_or_nothing),
        cmocka_unit_test(sends_long_values_in_pieces),
        cmocka_unit_test(asks_for_the_rest_of_a_package),
        cmocka_unit_test(repeats_the_same_message),
        cmocka_unit_test(outlives_what_passes),
        cmocka_unit_test(session_ids_are_short),
        cmocka_unit_test(gives_up_with_a_cause),
        cmocka_unit_test(keeps_to_its_session),
        cmocka_unit_test(answers_a_challenge),
        cmocka_unit_test(ends_when_unenrolled),
        cmocka_unit_test(refuses_users_nodes_until_their_context),
        cmocka_unit_test(installs_a_package),
        cmocka_unit_test(reads_packages),
        cmocka_unit_test(polls_as_told),
        cmocka_unit_test(takes_the_provisioning_document),
        cmocka_unit_test(goes_on_after_a_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
