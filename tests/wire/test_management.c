/* The management door: sessions of oma-dm.md as a device leads them, over the real handlers and store. */
#include "store/action.h"
#include "store/group.h"
#include "wire/management_client.h"

/* Contract 4: the certificate alone opens the door; a refusal is a short text. */
static void refuses_at_the_door(void **state)
{
    struct client *c = begin(state);
    struct world *w = c->w;
    struct td_http_reply r = world_call(w, "POST", MDM, TYPE, td_str("<x/>"), NULL);
    assert_int_equal(r.status, 401);
    c->msg = 1;
    const char *good = message(c, LOGIN("none"), true);
    r = world_call(w, "POST", MDM, "Content-Type: application/vnd.syncml.dm+wbxml", td_str(good), &c->peer);
    assert_int_equal(r.status, 415);
    r = world_call(w, "POST", MDM, TYPE, td_str("<SyncML>"), &c->peer);
    assert_int_equal(r.status, 400);
    assert_int_equal(td_search(td_buf_slice(&r.body), TD_S("<SyncML")), SIZE_MAX);
    r = world_call(w, "POST", MDM, TYPE, td_str("<!DOCTYPE a [<!ENTITY b 'c'>]><SyncML>&b;</SyncML>"), &c->peer);
    assert_int_equal(r.status, 400);
    /* the same path as the ecosystem's devices know it, in another case */
    r = world_call(w, "POST", "/DeviceGatewayProxy/cimhandler.ashx?Platform=WoA", TYPE, td_str(good), &c->peer);
    assert_int_equal(r.status, 200);
    struct td_peer stranger = c->peer;
    stranger.cert = td_authority_root(w->wire.svc.authority);
    td_sha256(stranger.cert, stranger.cert_sha256);
    r = world_call(w, "POST", MDM, TYPE, td_str(good), &stranger);
    assert_true(r.status == 401 || r.status == 403);
    /* enrolled again: the old certificate opens nothing */
    struct td_peer old = c->peer;
    (void)world_enrol(w, world_enrolment(w, c->id).device_id);
    r = world_call(w, "POST", MDM, TYPE, td_str(good), &old);
    assert_int_equal(r.status, 403);
}

/* csp.md 21 and 3.3: script of the first session, release, account phase, ready. */
static void leads_a_device_to_ready(void **state)
{
    struct client *c = begin(state);
    const char *detail = "";
    (void)give(c, "cortana", policy_json);
    c->nodes = done_nodes;
    c->session = 1;
    send_next(c, LOGIN("none"), true);
    assert_true(asks_for(c, TD_SYNC_GET, "./DevDetail/Ext/DeviceHardwareData"));
    assert_true(asks_for(c, TD_SYNC_GET, "./DevDetail/SwV"));
    assert_true(asks_for(c, TD_SYNC_REPLACE, "./Device" FIRST "ExpectedPolicies"));
    assert_true(asks_for(c, TD_SYNC_REPLACE, "./Device/Vendor/MSFT/Policy/Config/Experience/AllowCortana"));
    assert_false(asks_for(c, TD_SYNC_REPLACE, "./Device" FIRST "ServerHasFinishedProvisioning"));
    assert_int_equal(world_events(c->w, c->way, "device.device-setup", NULL), 1);
    send_next(c, "", true);
    assert_true(asks_for(c, TD_SYNC_REPLACE, "./Device" FIRST "ServerHasFinishedProvisioning"));
    while (has_commands(c))
        send_next(c, "", true);
    assert_int_equal(count_seen(c, "./User/"), 0);
    assert_int_equal(world_events(c->w, c->way, "device.device-done", NULL), 1);
    assert_int_equal(world_events(c->w, c->way, "management.hash-unreadable", NULL), 1);
    assert_int_equal(world_events(c->w, c->way, "device.ready", NULL), 0);
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "./User" FIRST "ServerHasFinishedProvisioning"), 1);
    assert_int_equal(count_seen(c, "Replace ./Device" FIRST "SkipUserStatusPage"), 1);
    assert_int_equal(count_seen(c, "DeviceHardwareData"), 1);
    assert_int_equal(world_events(c->w, c->way, "device.account-setup", NULL), 1);
    assert_int_equal(world_events(c->w, c->way, "device.ready", &detail), 1);
    struct td_way_row way = world_way(c->w, TD_WAY_ENROLMENT, c->id);
    assert_string_equal(td_way_word(&way.way), "ready");
    /* an idle check-in: two messages, and no event */
    assert_int_equal(run_session(c, LOGIN("user")), 2);
    assert_int_equal(count_seen(c, "Replace"), 0);
}

/* oma-dm.md 3 rule 7. */
static void replays_the_same_octets(void **state)
{
    struct client *c = begin(state);
    c->nodes = done_nodes;
    c->session = 1;
    send_next(c, LOGIN("none"), true);
    struct td_slice first = td_buf_slice(&c->raw.body);
    struct td_http_reply again = post(c, c->sent);
    assert_true(td_eq(first, td_buf_slice(&again.body)));
    assert_int_equal(world_events(c->w, c->way, "device.device-setup", NULL), 1);
    send_next(c, "", true);
    struct td_slice second = td_buf_slice(&c->raw.body);
    again = post(c, c->sent);
    assert_true(td_eq(second, td_buf_slice(&again.body)));
    /* the same numbers with other octets begin anew, and everything open is handed out again */
    c->msg = 0;
    send_next(c, LOGIN("none") "<Alert><CmdID>7</CmdID><Data>1224</Data></Alert>", true);
    assert_true(asks_for(c, TD_SYNC_REPLACE, "./Device" FIRST "ServerHasFinishedProvisioning"));
    /* a number that fits nothing: Status, Final, end */
    c->msg = 7;
    send_next(c, "", true);
    assert_false(has_commands(c));
    assert_true(c->last.final);
}

/* 13.3: everything arrives exactly once, in messages of 2,048 octets. */
static void keeps_below_the_size(void **state)
{
    struct client *c = begin(state);
    const char *detail = "";
    (void)give(c, "cortana", policy_json);
    char *big = td_arena_alloc(&c->w->wire.arena, 4001);
    memset(big, 'x', 4000);
    (void)give(c, "big",
               td_arena_printf(&c->w->wire.arena,
                               "{\"kind\":\"policy\",\"track\":false,\"settings\":[{\"uri\":"
                               "\"./Device/Vendor/MSFT/Policy/Config/A/Big\",\"value\":\"%s\"}]}",
                               big));
    c->nodes = done_nodes;
    c->max_size = 2048;
    assert_true(run_session(c, LOGIN("none")) > 4);
    assert_int_equal(count_seen(c, "Replace ./Device/Vendor/MSFT/Policy/Config/Experience/AllowCortana\n"), 1);
    assert_int_equal(count_seen(c, "Replace ./Device" FIRST "ServerHasFinishedProvisioning\n"), 1);
    assert_int_equal(count_seen(c, "A/Big"), 0);
    assert_int_equal(world_events(c->w, c->way, "configuration.failed", &detail), 1);
    assert_non_null(strstr(detail, "\"status\":413"));
    assert_int_equal(world_events(c->w, c->way, "device.device-done", NULL), 1);
}

/* 13.3: what an empty message has room for comes, though the first one, with its statuses, has none. */
static void sends_what_fits_no_first_message(void **state)
{
    struct client *c = begin(state);
    struct td_arena *a = &c->w->wire.arena;
    const char *detail = "";
    size_t came = 0, sizes = 0;
    c->nodes = done_nodes;
    c->max_size = 2048;
    (void)run_session(c, LOGIN("none"));
    for (int n = 1000; n <= 1600; n += 40) {
        char *value = td_arena_alloc(a, (size_t)n + 1);
        memset(value, 'x', (size_t)n);
        const char *uri = td_arena_printf(a, "./Device/Vendor/MSFT/Policy/Config/A/Big%d", n);
        (void)give(c, td_arena_printf(a, "big%d", n),
                   td_arena_printf(a,
                                   "{\"kind\":\"policy\",\"track\":false,\"settings\":[{\"uri\":\"%s\","
                                   "\"value\":\"%s\"}]}",
                                   uri, value));
        (void)run_session(c, LOGIN("none"));
        came += count_seen(c, td_arena_printf(a, "%s\n", uri));
        sizes++;
        assert_int_equal(came + world_events(c->w, c->way, "configuration.failed", &detail), sizes);
    }
    assert_in_range(came, 8, sizes - 1);
}

/* csp.md 3.3, delivery of the release: 405 is not yet, 200 alone counts. */
static void waits_for_the_users_context(void **state)
{
    static const struct node not_yet[] = {
        {"./User/", 405, NULL},
        {"./Device" FIRST "WasDeviceSuccessfullyProvisioned", 200, "1"},
        {NULL, 0, NULL},
    };
    struct client *c = begin(state);
    c->nodes = not_yet;
    (void)run_session(c, LOGIN("none"));
    for (int i = 0; i < TD_PLAN_ATTEMPTS + 3; i++) {
        (void)run_session(c, LOGIN("user"));
        assert_int_equal(count_seen(c, "./User" FIRST "ServerHasFinishedProvisioning\n"), 1);
        assert_int_equal(count_seen(c, "SkipUserStatusPage"), 0);
        assert_int_equal(world_events(c->w, c->way, "device.ready", NULL), 0);
    }
    c->w->wire.env.now += 61 * TD_MINUTE;
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(world_events(c->w, c->way, "device.failed", NULL), 1);
    c->nodes = done_nodes;
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(world_events(c->w, c->way, "device.ready", NULL), 1);
    assert_int_equal(world_events(c->w, c->way, "device.failed", NULL), 1);
}

/* oma-dm.md 6. */
static void joins_large_values(void **state)
{
    static const char part[] = "<Results><CmdID>%d</CmdID><MsgRef>1</MsgRef><CmdRef>%s</CmdRef><Item><Source><LocURI>"
                               "./DevDetail/Ext/DeviceHardwareData</LocURI></Source><Meta>%s</Meta><Data>%s</Data>%s"
                               "</Item></Results>";
    struct client *c = begin(state);
    struct td_arena *a = &c->w->wire.arena;
    const char *ref = "";
    c->silent = true;
    c->session = 1;
    send_next(c, LOGIN("none"), true);
    for (const struct td_sync_cmd *cmd = c->last.cmds; cmd != NULL; cmd = cmd->next)
        if (is_command(cmd) && cmd->items != NULL && strstr(cmd->items->target, "HardwareData") != NULL)
            ref = cmd->cmd_id;
    send_next(c, td_arena_printf(a, part, 5, ref, "<Size xmlns=\"syncml:metinf\">12</Size>", "QUJDREVG", "<MoreData/>"),
              false);
    const struct td_sync_cmd *status = c->last.cmds->next;
    assert_int_equal(status->code, 213);
    assert_string_equal(status->cmd_ref, "5");
    assert_int_equal(status->next->kind, TD_SYNC_ALERT);
    assert_int_equal(status->next->code, TD_ALERT_NEXT);
    assert_null(status->next->next);
    send_next(c, td_arena_printf(a, part, 6, ref, "", "R0hJ", ""), true);
    assert_int_equal(c->last.cmds->next->code, 200);
    assert_int_equal(world_events(c->w, c->way, "management.hash-unreadable", NULL), 1);
}

static void tells_a_wrong_size(void **state)
{
    struct client *c = begin(state);
    c->session = 1;
    c->silent = true;
    send_next(c, LOGIN("none"), true);
    send_next(c,
              "<Results><CmdID>5</CmdID><MsgRef>1</MsgRef><CmdRef>3</CmdRef><Item><Source><LocURI>./A</LocURI></Source>"
              "<Meta><Size xmlns=\"syncml:metinf\">9</Size></Meta><Data>abc</Data><MoreData/></Item></Results>",
              false);
    assert_int_equal(c->last.cmds->next->code, 213);
    send_next(c,
              "<Results><CmdID>6</CmdID><MsgRef>1</MsgRef><CmdRef>3</CmdRef><Item><Source><LocURI>./A</LocURI></Source>"
              "<Data>def</Data></Item></Results>",
              true);
    assert_int_equal(c->last.cmds->next->code, 424);
}

/* 13.2: nothing was executed; once with our credential, then no more. */
static void proves_itself_once(void **state)
{
    static const char challenge[] =
        "<Status><CmdID>1</CmdID><MsgRef>%s</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><Chal><Meta><Format "
        "xmlns=\"syncml:metinf\">b64</Format><Type xmlns=\"syncml:metinf\">syncml:auth-md5</Type><NextNonce "
        "xmlns=\"syncml:metinf\">EBESExQVFhcYGRobHB0eHw==</NextNonce></Meta></Chal><Data>407</Data></Status>";
    struct client *c = begin(state);
    struct td_arena *a = &c->w->wire.arena;
    struct td_appauth secrets;
    struct td_slice nonce;
    struct td_enrolment e = world_enrolment(c->w, c->id);
    assert_ok(td_enrolment_secrets(&c->w->wire.svc, &e, a, &secrets, NULL));
    assert_ok(td_b64_decode(a, TD_S("EBESExQVFhcYGRobHB0eHw=="), TD_B64_STD, &nonce));
    c->session = c->msg = 1;
    post(c, message(c, LOGIN("none"), true));
    take(c);
    assert_string_equal(c->last.cred.type != NULL ? c->last.cred.type : "", "");
    c->msg = 2;
    post(c, message(c, td_arena_printf(a, challenge, "1"), true));
    take(c);
    assert_string_equal(c->last.cred.type, "syncml:auth-md5");
    assert_string_equal(c->last.source_name, "Touchdown");
    assert_slice(c->last.cred.data,
                 td_sync_cred_md5(td_md5, TD_S("Touchdown"), td_str(secrets.server_secret), nonce, a));
    assert_true(asks_for(c, TD_SYNC_GET, "./DevDetail/Ext/DeviceHardwareData"));
    c->msg = 3;
    post(c, message(c, td_arena_printf(a, challenge, "2"), true));
    take(c);
    assert_false(has_commands(c));
    assert_int_equal(world_events(c->w, c->way, "management.credential-refused", NULL), 1);
}

/* Words of the device that get a status of their own (oma-dm.md 2, 4, 5, 13.1). */
static void answers_each_command(void **state)
{
    struct client *c = begin(state);
    c->session = 1;
    send_next(
        c,
        "<Replace><CmdID>a-1</CmdID><Item><Source><LocURI>./DevInfo/Man</LocURI></Source><Data>Example</Data></Item>"
        "</Replace><Get><CmdID>4</CmdID><Item><Target><LocURI>./x</LocURI></Target></Item></Get><Fly><CmdID>5"
        "</CmdID></Fly><Alert><Data>1226</Data></Alert><Status><CmdID>6</CmdID><MsgRef>1</MsgRef><CmdRef>77</CmdRef>"
        "<Cmd>Status</Cmd><Data>200</Data></Status>",
        true);
    const struct {
        const char *ref, *cmd;
        int code;
    } want[] = {{"a-1", "Replace", 200}, {"4", "Get", 405}, {"5", "Fly", 400}, {"", "Alert", 400}};
    const struct td_sync_cmd *status = c->last.cmds->next;
    for (size_t i = 0; i < TD_COUNTOF(want); i++, status = status->next) {
        assert_int_equal(status->kind, TD_SYNC_STATUS);
        assert_string_equal(status->cmd_ref, want[i].ref);
        assert_string_equal(status->cmd, want[i].cmd);
        assert_int_equal(status->code, want[i].code);
    }
    assert_int_not_equal(status->kind, TD_SYNC_STATUS);
}

/* Alerts 1222 and 1223, a package that goes on, a device that never gives a Status. */
static void follows_the_devices_lead(void **state)
{
    struct client *c = begin(state);
    c->silent = true;
    c->session = 1;
    send_next(c, LOGIN("none"), false);
    assert_int_equal(count_seen(c, "Get"), 0);
    const struct td_sync_cmd *last = c->last.cmds;
    while (last->next != NULL)
        last = last->next;
    assert_int_equal(last->kind, TD_SYNC_ALERT);
    assert_int_equal(last->code, TD_ALERT_NEXT);
    send_next(c, "<Alert><CmdID>2</CmdID><Data>1222</Data></Alert>", true);
    assert_true(asks_for(c, TD_SYNC_GET, "./DevDetail/SwV"));
    send_next(c, "<Alert><CmdID>2</CmdID><Data>1223</Data></Alert>", true);
    assert_false(has_commands(c));
    for (int i = 0; i < TD_PLAN_ATTEMPTS + 1; i++)
        (void)run_session(c, LOGIN("none"));
    assert_int_equal(count_seen(c, "SyncApplicationVersion"), 0); /* tried a bounded number of times */
}

static void ends_with_the_users_wish(void **state)
{
    struct client *c = begin(state);
    c->session = 1;
    send_next(c,
              "<Alert><CmdID>2</CmdID><Data>1226</Data><Item><Meta><Type xmlns=\"syncml:metinf\">"
              "com.microsoft:mdm.unenrollment.userrequest</Type></Meta><Data>1</Data></Item></Alert>",
              true);
    assert_false(has_commands(c));
    assert_int_equal(world_enrolment(c->w, c->id).state, TD_ENROLMENT_ENDED);
    c->msg = 1;
    c->session = 2;
    assert_int_equal(post(c, message(c, LOGIN("none"), true)).status, 403);
}

static enum td_code ask_sync(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct client *c = ctx;
    struct td_action made;
    const struct td_action_asking what = {.kind = TD_ACTION_SYNC, .actor = "admin@contoso.test"};
    return td_action_ask(tx, c->w->tenant, c->id, &what, &c->w->wire.arena, &made, err);
}

static enum td_code end_management(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct client *c = ctx;
    return td_managed_end(tx, c->w->tenant, c->id, "", "admin@contoso.test", err);
}

/* graph-api.md 1.5: syncDevice and DELETE, as the device meets them. */
static void follows_the_administrator(void **state)
{
    struct client *c = begin(state);
    struct td_store *store = c->w->wire.svc.store;
    c->nodes = done_nodes;
    (void)run_session(c, LOGIN("none"));
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "SMBIOSSerialNumber"), 0);
    c->w->wire.env.now += TD_MINUTE;
    assert_ok(td_store_write(store, ask_sync, c, NULL));
    assert_int_equal(world_events(c->w, c->way, "device.action-done", NULL), 0);
    c->w->wire.env.now += TD_MINUTE;
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "SMBIOSSerialNumber"), 1);
    assert_int_equal(world_events(c->w, c->way, "device.action-done", NULL), 1);
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "SMBIOSSerialNumber"), 0);
    assert_ok(td_store_write(store, end_management, c, NULL));
    assert_true(world_revoked(c->w, &c->installed));
    assert_int_equal(world_events(c->w, c->way, "device.unenrolled", NULL), 1);
    c->session++;
    c->msg = 1;
    assert_int_equal(post(c, message(c, LOGIN("user"), true)).status, 403);
}

static struct td_slice read_reply(struct client *c)
{
    char *text = td_arena_alloc(&c->w->wire.arena, c->raw.file_length + 1);
    ssize_t n = pread(c->raw.file, text, c->raw.file_length, (off_t)c->raw.file_offset);
    close(c->raw.file);
    return td_bytes(text, n > 0 ? (size_t)n : 0);
}

struct storing {
    struct client *c;
    struct td_content content;
};

static enum td_code store_content(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct storing *s = ctx;
    return td_content_add(tx, s->c->w->tenant, &s->content, "test", err);
}

static const char *get(struct client *c, const char *target, const char *header)
{
    const char *const headers[] = {header, NULL};
    td_loopback(&c->router, "GET", target, headers, TD_S(""), NULL, &c->w->wire.arena, &c->raw);
    td_buf_done(&c->raw.body);
    return td_loopback_header(&c->raw, "Content-Range");
}

/* An MSI: job in a Sequence, its link works by itself with ranges, Status 70 proves it. */
static void installs_a_package(void **state)
{
    static const struct node working[] = {{"/Status", 200, "20"}, {NULL, 0, NULL}};
    static const struct node installed[] = {
        {"/Status", 200, "70"}, {"./Device" FIRST "WasDeviceSuccessfullyProvisioned", 200, "1"}, {NULL, 0, NULL}};
    struct client *c = begin(state);
    struct td_arena *a = &c->w->wire.arena;
    struct storing s = {.c = c};
    struct td_error err;
    const char *file = td_arena_printf(a, "%s/a.msi", c->w->wire.dir);
    assert_ok(td_file_write(file, TD_S("0123456789"), 0600, &err));
    assert_ok(td_content_import(c->w->wire.dir, file, a, &s.content, &err));
    assert_ok(td_store_write(c->w->wire.svc.store, store_content, &s, &err));
    (void)give(c, "agent",
               td_arena_printf(a,
                               "{\"kind\":\"msi\",\"content\":\"%s\",\"productCode\":"
                               "\"{77777777-0000-4000-8000-000000000001}\",\"productVersion\":\"1.2.3.0\"}",
                               s.content.sha256));
    c->nodes = working;
    c->session = 1;
    send_next(c, LOGIN("none"), true);
    const struct td_sync_cmd *sequence = c->last.cmds;
    while (sequence != NULL && sequence->kind != TD_SYNC_SEQUENCE)
        sequence = sequence->next;
    assert_non_null(sequence);
    struct td_xml *job;
    assert_ok(td_xml_parse(sequence->child->next->items->data, 1 << 16, a, &job, &err));
    assert_string_equal(td_xml_attr(job, "id"), "{77777777-0000-4000-8000-000000000001}");
    char *url = td_arena_text(a, td_xml_text_at(job, "Product/Download/ContentURLList/ContentURL"));
    assert_true(td_starts(td_str(url), WIRE_BASE "/content/"));
    while (has_commands(c))
        send_next(c, "", true);
    assert_int_equal(world_events(c->w, c->way, "configuration.in-effect", NULL), 0);
    const char *target = url + strlen(WIRE_BASE);
    assert_null(get(c, target, NULL));
    assert_int_equal(c->raw.status, 200);
    assert_slice(read_reply(c), "0123456789");
    assert_string_equal(get(c, target, "Range: bytes=4-"), "bytes 4-9/10");
    assert_int_equal(c->raw.status, 206);
    assert_slice(read_reply(c), "456789");
    assert_string_equal(get(c, target, "Range: bytes=10-"), "bytes */10");
    assert_int_equal(c->raw.status, 416);
    (void)get(c, td_arena_printf(a, "/content/%s", s.content.sha256), NULL);
    assert_int_equal(c->raw.status, 403);
    c->nodes = installed;
    (void)run_session(c, LOGIN("none"));
    assert_int_equal(count_seen(c, "Sequence"), 0);
    assert_int_equal(world_events(c->w, c->way, "configuration.in-effect", NULL), 1);
    c->w->wire.env.now += 25 * TD_HOUR;
    (void)get(c, target, NULL);
    assert_int_equal(c->raw.status, 403);
}

/* A package that fails is the deployment's failure, with item and cause; its late success recovers. */
static void tells_a_failed_package(void **state)
{
    static const struct node failed[] = {{"/Status", 200, "60"}, {NULL, 0, NULL}};
    static const struct node recovered[] = {
        {"/Status", 200, "70"}, {"./Device" FIRST "IsSyncDone", 200, "true"}, {NULL, 0, NULL}};
    struct client *c = begin(state);
    const char *detail = "";
    (void)give(c, "agent",
               "{\"kind\":\"msi\",\"content\":\"0000000000000000000000000000000000000000000000000000000000000000\","
               "\"productCode\":\"{77777777-0000-4000-8000-000000000001}\",\"productVersion\":\"1.2.3.0\"}");
    c->nodes = failed;
    (void)run_session(c, LOGIN("none"));
    assert_int_equal(world_events(c->w, c->way, "device.failed", &detail), 1);
    assert_non_null(strstr(detail, "reports 60"));
    assert_non_null(strstr(detail, "remedy"));
    c->nodes = recovered;
    (void)run_session(c, LOGIN("none"));
    assert_int_equal(world_events(c->w, c->way, "device.device-done", NULL), 1);
}

static enum td_code change_item(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct adding *add = ctx;
    struct td_json *json;
    struct td_configuration row;
    struct td_service *svc = &add->w->wire.svc;
    td_try(td_json_parse(td_str(add->json), 1 << 20, &add->w->wire.arena, &json, err));
    td_try(td_configuration_make(&svc->master, svc->env, add->w->tenant, add->id, add->name, json, &add->w->wire.arena,
                                 &row, err));
    return td_configuration_change(tx, add->w->tenant, &row, "test", err);
}

/* A device at work is asked three things and its hash; a changed item reaches it in its next session, as a Replace. */
static void brings_a_change_to_a_device_at_work(void **state)
{
    static const struct node nodes[] = {{"./Device" FIRST "WasDeviceSuccessfullyProvisioned", 200, "1"},
                                        {"WiFi/Profile/CorpNet/WlanXml", 200, NULL},
                                        {"WiFi/Profile/CorpNet", 200, "WlanXml"},
                                        {"DevDetail", 200, "x"},
                                        {NULL, 0, NULL}};
    struct client *c = begin(state);
    struct adding change = {.w = c->w, .name = "wlan"};
    change.json = "{\"kind\":\"wifi\",\"ssid\":\"CorpNet\",\"passphrase\":\"another-one\"}";
    change.id = give(c, "wlan", "{\"kind\":\"wifi\",\"ssid\":\"CorpNet\",\"passphrase\":\"open-sesame-77\"}");
    c->nodes = nodes;
    (void)run_session(c, LOGIN("none"));
    assert_int_equal(count_seen(c, "Add ./Device/Vendor/MSFT/WiFi/Profile/CorpNet/WlanXml\n"), 1);
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(world_events(c->w, c->way, "device.ready", NULL), 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(run_session(c, LOGIN("user")), 2);
        assert_int_equal(count_seen(c, "\n"), 4);
    }
    assert_int_equal(world_events(c->w, c->way, "configuration.in-effect", NULL), 1);
    assert_ok(td_store_write(c->w->wire.svc.store, change_item, &change, NULL));
    (void)run_session(c, LOGIN("user"));
    assert_int_equal(count_seen(c, "Replace ./Device/Vendor/MSFT/WiFi/Profile/CorpNet/WlanXml\n"), 1);
    assert_int_equal(count_seen(c, "Get ./Device/Vendor/MSFT/WiFi/Profile/CorpNet\n"), 1);
    assert_int_equal(world_events(c->w, c->way, "configuration.in-effect", NULL), 2);
}

/* Secrets rest sealed: neither the item's row nor the ledger nor the stored reply shows the passphrase. */
static void keeps_secrets_sealed(void **state)
{
    struct client *c = begin(state);
    struct td_buf b;
    struct td_error err;
    (void)give(c, "wlan", "{\"kind\":\"wifi\",\"ssid\":\"CorpNet\",\"passphrase\":\"open-sesame-77\"}");
    c->nodes = done_nodes;
    c->session = 1;
    send_next(c, LOGIN("none"), true);
    assert_true(td_search(td_buf_slice(&c->raw.body), TD_S("open-sesame-77")) != SIZE_MAX);
    static const char *const files[] = {"store.db", "store.db-wal"};
    for (size_t i = 0; i < TD_COUNTOF(files); i++) {
        td_buf_init(&b, 64 << 20);
        if (td_file_read(td_arena_printf(&c->w->wire.arena, "%s/%s", c->w->wire.dir, files[i]), &b, &err) == TD_OK)
            assert_int_equal(td_search(td_buf_slice(&b), TD_S("open-sesame-77")), SIZE_MAX);
        td_buf_done(&b);
    }
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        T(refuses_at_the_door),
        T(leads_a_device_to_ready),
        T(replays_the_same_octets),
        T(keeps_below_the_size),
        T(sends_what_fits_no_first_message),
        T(waits_for_the_users_context),
        T(joins_large_values),
        T(tells_a_wrong_size),
        T(proves_itself_once),
        T(answers_each_command),
        T(follows_the_devices_lead),
        T(follows_the_administrator),
        T(ends_with_the_users_wish),
        T(installs_a_package),
        T(tells_a_failed_package),
        T(keeps_secrets_sealed),
        T(brings_a_change_to_a_device_at_work),
    };
    return cmocka_run_group_tests_name("management", tests, world_open, world_close);
}
