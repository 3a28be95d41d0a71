/* A management client written from the documents (oma-dm.md): it answers every command as its nodes say. */
#ifndef TD_TESTS_WIRE_MANAGEMENT_CLIENT_H
#define TD_TESTS_WIRE_MANAGEMENT_CLIENT_H

#include "api/configuration.h"
#include "api/content.h"
#include "api/diagnostics.h"
#include "api/management.h"
#include "base/encode.h"
#include "codec/syncml.h"
#include "crypto/digest.h"
#include "policy/plan.h"
#include "store/managed.h"
#include "store/management.h"
#include "wire/enrolment_world.h"

#define MDM "/ManagementServer/MDM.svc?mode=Maintenance&Platform=WoA"
#define TYPE "Content-Type: application/vnd.syncml.dm+xml; charset=utf-8"
#define FIRST "/Vendor/MSFT/DMClient/Provider/Touchdown/FirstSyncStatus/"
#define LOGIN(who)                                                                                                 \
    "<Alert><CmdID>90</CmdID><Data>1201</Data></Alert><Alert><CmdID>91</CmdID><Data>1224</Data><Item><Meta><Type " \
    "xmlns=\"syncml:metinf\">com.microsoft/MDM/LoginStatus</Type></Meta><Data>" who "</Data></Item></Alert>"

struct node { /* what the device under test answers for LocURIs that hold this text */
    const char *uri;
    int code;
    const char *value;
};

struct client {
    struct world *w;
    struct td_door doors[5];
    struct td_router router;
    struct installed installed;
    struct td_peer peer;
    const char *id, *way;
    const struct node *nodes;
    int session, msg;
    uint64_t max_size;
    bool silent;             /* gives no Status for commands */
    struct td_sync_msg last; /* the server's last message */
    struct td_http_reply raw;
    const char *sent; /* our last body */
    char seen[65536]; /* every command handed out, one "verb uri" a line */
};

/* Its doors; it has not enrolled yet. */
static inline struct client *begin_bare(void **state)
{
    struct world *w = *state;
    struct client *c = td_arena_new(&w->wire.arena, struct client);
    c->w = w;
    c->doors[0] = w->doors[0];
    c->doors[1] = w->doors[1];
    c->doors[2] = (struct td_door){td_management_routes, td_management_route_count, &w->wire.svc};
    c->doors[3] = (struct td_door){td_content_routes, td_content_route_count, &w->wire.svc};
    c->doors[4] = (struct td_door){td_diagnostics_routes, td_diagnostics_route_count, &w->wire.svc};
    c->router = (struct td_router){c->doors, 5};
    w->wire.router = c->router;
    return c;
}

/* registration: NULL for a device that nobody registered. */
static inline struct client *begin_as(void **state, const char *registration)
{
    struct client *c = begin_bare(state);
    struct world *w = c->w;
    const char *device = world_join(w, registration);
    c->installed = world_enrol(w, device);
    c->peer = world_peer(&c->installed);
    c->id = c->installed.cert.subject_cn;
    c->way = world_enrolment(w, c->id).way_id;
    return c;
}

static inline struct client *begin(void **state)
{
    return begin_as(state, "11111111-0000-4000-8000-000000000001");
}

static inline struct td_http_reply post(struct client *c, const char *body)
{
    c->sent = body;
    c->raw = world_call(c->w, "POST", MDM, TYPE, td_str(body), &c->peer);
    return c->raw;
}

static inline const struct node *node_of(const struct client *c, const char *uri)
{
    static const struct node usual = {"", 200, NULL};
    for (const struct node *n = c->nodes; n != NULL && n->uri != NULL; n++)
        if (strstr(uri, n->uri) != NULL)
            return n;
    return &usual;
}

static inline void answer_command(struct client *c, const struct td_sync_cmd *cmd, struct td_buf *out)
{
    const char *uri = cmd->items != NULL ? cmd->items->target : "";
    const struct node *n = node_of(c, uri);
    int code = cmd->kind == TD_SYNC_GET && n->value == NULL && n->code == 200 ? 404 : n->code;
    size_t used = strlen(c->seen);
    snprintf(c->seen + used, sizeof(c->seen) - used, "%s %s\n", cmd->name, uri);
    if (c->silent)
        return;
    td_buf_printf(out,
                  "<Status><CmdID>s%s</CmdID><MsgRef>%s</MsgRef><CmdRef>%s</CmdRef><Cmd>%s</Cmd><Data>%d</Data>"
                  "</Status>",
                  cmd->cmd_id, c->last.msg_id, cmd->cmd_id, cmd->name, code);
    if (cmd->kind == TD_SYNC_GET && n->value != NULL) {
        td_buf_printf(out,
                      "<Results><CmdID>r%s</CmdID><MsgRef>%s</MsgRef><CmdRef>%s</CmdRef><Item><Source><LocURI>"
                      "%s</LocURI></Source><Data>",
                      cmd->cmd_id, c->last.msg_id, cmd->cmd_id, uri);
        td_xml_escape(out, td_str(n->value), false);
        td_buf_adds(out, "</Data></Item></Results>");
    }
    for (const struct td_sync_cmd *child = cmd->child; child != NULL; child = child->next)
        answer_command(c, child, out);
}

static inline bool is_command(const struct td_sync_cmd *cmd)
{
    return cmd->kind != TD_SYNC_STATUS && cmd->kind != TD_SYNC_RESULTS;
}

static inline const char *message(struct client *c, const char *body, bool final)
{
    struct td_arena *a = &c->w->wire.arena;
    const char *meta = c->max_size == 0
                           ? ""
                           : td_arena_printf(a, "<Meta><MaxMsgSize xmlns=\"syncml:metinf\">%llu</MaxMsgSize></Meta>",
                                             (unsigned long long)c->max_size);
    return td_arena_printf(a,
                           "<SyncML xmlns=\"SYNCML:SYNCML1.2\"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>"
                           "<SessionID>%d</SessionID><MsgID>%d</MsgID><Target><LocURI>https://localhost:8443/x</LocURI>"
                           "</Target><Source><LocURI>imei:any</LocURI></Source>%s</SyncHdr><SyncBody>%s%s</SyncBody>"
                           "</SyncML>",
                           c->session, c->msg, meta, body, final ? "<Final/>" : "");
}

/* Takes the answer apart and checks what holds for every one of them (oma-dm.md 3, 13.4). */
static inline void take(struct client *c)
{
    struct td_error err = {0};
    const char *hdr_ref = td_arena_printf(&c->w->wire.arena, "%d", c->msg);
    if (c->raw.status != 200)
        fail_msg("%d %.*s", c->raw.status, (int)c->raw.body.n, c->raw.body.p);
    assert_string_equal(c->raw.content_type, TD_SYNCML_TYPE);
    if (td_syncml_parse(td_buf_slice(&c->raw.body), &c->w->wire.arena, &c->last, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
    assert_string_equal(c->last.target, "imei:any");
    assert_string_equal(c->last.source, "https://localhost:8443/ManagementServer/MDM.svc");
    assert_int_equal(c->last.cmds->kind, TD_SYNC_STATUS);
    assert_string_equal(c->last.cmds->cmd_ref, "0");
    assert_string_equal(c->last.cmds->msg_ref, hdr_ref);
    assert_int_equal(c->last.cmds->code, 200);
    if (c->max_size != 0)
        assert_true(c->raw.body.n <= c->max_size);
    for (const struct td_sync_cmd *a = c->last.cmds; a != NULL; a = a->next)
        for (const struct td_sync_cmd *b = a->next; b != NULL; b = b->next)
            assert_string_not_equal(a->cmd_id, b->cmd_id);
}

/* The device's next message: statuses for what came, and this. */
static inline void send_next(struct client *c, const char *extra, bool final)
{
    struct td_buf b;
    td_buf_init(&b, 1 << 20);
    if (c->msg > 0)
        td_buf_printf(&b,
                      "<Status><CmdID>s0</CmdID><MsgRef>%s</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><Data>200"
                      "</Data></Status>",
                      c->last.msg_id);
    for (const struct td_sync_cmd *cmd = c->msg > 0 ? c->last.cmds : NULL; cmd != NULL; cmd = cmd->next)
        if (is_command(cmd))
            answer_command(c, cmd, &b);
    td_buf_adds(&b, extra);
    c->msg++;
    post(c, message(c, td_arena_text(&c->w->wire.arena, td_buf_slice(&b)), final));
    td_buf_done(&b);
    take(c);
}

static inline bool has_commands(const struct client *c)
{
    for (const struct td_sync_cmd *cmd = c->last.cmds; cmd != NULL; cmd = cmd->next)
        if (is_command(cmd))
            return true;
    return false;
}

/* A whole session; how many messages it took. */
static inline int run_session(struct client *c, const char *first)
{
    c->session++;
    c->msg = 0;
    c->seen[0] = '\0';
    send_next(c, first, true);
    while (has_commands(c)) {
        assert_true(c->msg < 60);
        send_next(c, "", true);
    }
    return c->msg;
}

static inline size_t count_seen(const struct client *c, const char *text)
{
    size_t n = 0;
    for (const char *p = c->seen; (p = strstr(p, text)) != NULL; p += strlen(text))
        n++;
    return n;
}

struct adding {
    struct world *w;
    const char *name, *json, *id;
};

static inline enum td_code add_item(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct adding *add = ctx;
    struct td_json *json;
    struct td_configuration row;
    struct td_service *svc = &add->w->wire.svc;
    td_try(td_json_parse(td_str(add->json), 1 << 20, &add->w->wire.arena, &json, err));
    td_try(td_configuration_make(&svc->master, svc->env, add->w->tenant, "", add->name, json, &add->w->wire.arena, &row,
                                 err));
    add->id = row.id;
    td_try(td_configuration_add(tx, add->w->tenant, &row, "test", err));
    return td_configuration_assign(tx, add->w->tenant, row.id, "", "test", err);
}

static inline const char *give(struct client *c, const char *name, const char *json)
{
    struct adding add = {c->w, name, json, NULL};
    struct td_error err = {0};
    if (td_store_write(c->w->wire.svc.store, add_item, &add, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
    return add.id;
}

static const struct node done_nodes[] = {
    {"./Device" FIRST "IsSyncDone", 200, "true"},
    {"./Device" FIRST "WasDeviceSuccessfullyProvisioned", 200, "1"},
    {"DeviceHardwareData", 200, "AAAA"},
    {NULL, 0, NULL},
};

static const char *const policy_json = "{\"kind\":\"policy\",\"settings\":[{\"policy\":\"Experience/AllowCortana\","
                                       "\"value\":0}]}";

static inline bool asks_for(const struct client *c, enum td_sync_kind kind, const char *uri)
{
    for (const struct td_sync_cmd *cmd = c->last.cmds; cmd != NULL; cmd = cmd->next)
        if (cmd->kind == kind && cmd->items != NULL && strcmp(cmd->items->target, uri) == 0)
            return true;
    return false;
}

#endif
