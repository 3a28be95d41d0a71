/* dm/message: our side of a session: the first package, and messages that keep below a size (oma-dm.md 2, 3.1, 6). */
#include "device/dm/client.h"

#include <stdlib.h>

static struct td_sync_cmd *alert(struct td_dm *dm, int code)
{
    struct td_sync_cmd *cmd = td_sync_new(dm->a, TD_SYNC_ALERT, "");
    cmd->code = code;
    td_sync_append(&dm->pending, cmd);
    return cmd;
}

static struct td_sync_item *event(struct td_dm *dm, int code, const char *type, const char *data)
{
    struct td_sync_item *item = td_sync_item(dm->a, alert(dm, code));
    item->meta.type = type;
    item->data = td_str(data);
    item->has_data = true;
    return item;
}

static void reports(struct td_dm *dm)
{
    size_t at = 0;
    for (const char *key; (key = td_csp_each(dm->csp, "@alert/", &at)) != NULL; dm->alerts_sent++) {
        struct td_slice uri, value = td_cut(td_str(td_csp_value(dm->csp, key)), '\n', &uri);
        struct td_sync_item *item =
            event(dm, TD_ALERT_GENERIC, "Reversed-Domain-Name:com.microsoft.mdm.win32csp_install", "");
        item->source = td_arena_text(dm->a, uri);
        item->meta.format = "int";
        item->meta.mark = "informational";
        item->data = td_arena_copy(dm->a, value);
    }
}

static void device_info(struct td_dm *dm)
{
    static const char *const nodes[] = {"./DevInfo/DevId", "./DevInfo/Man", "./DevInfo/Mod", "./DevInfo/DmV",
                                        "./DevInfo/Lang"};
    struct td_sync_cmd *cmd = td_sync_new(dm->a, TD_SYNC_REPLACE, "");
    for (size_t i = 0; i < TD_COUNTOF(nodes); i++) {
        struct td_sync_item *item = td_sync_item(dm->a, cmd);
        item->source = nodes[i];
        item->data = td_str(td_csp_read(dm->csp, nodes[i], dm->a));
        item->has_data = true;
    }
    td_sync_append(&dm->pending, cmd);
}

void td_dm_first_package(struct td_dm *dm)
{
    (void)alert(dm, TD_ALERT_CLIENT);
    (void)event(dm, TD_ALERT_EVENT, "com.microsoft/MDM/LoginStatus", dm->user_active ? "user" : "none");
    td_dm_news(dm);
    dm->alerts_sent = 0;
    reports(dm);
    device_info(dm);
}

static size_t octets_of(const struct td_sync_cmd *cmd)
{
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, (size_t)8 << 20);
    td_syncml_add(&b, cmd);
    return b.failed ? SIZE_MAX / 2 : b.n;
}

/* Largest cut at or below n that does not split a UTF-8 character. */
static size_t whole_characters(struct td_slice s, size_t n)
{
    while (n > 0 && n < s.n && ((unsigned char)s.p[n] & 0xC0) == 0x80)
        n--;
    return n;
}

/* The first piece of a value that is too long for room octets; what is left stays in cmd. NULL if not even a small
 * piece fits. Only the first piece tells the size of all (oma-dm.md 6). */
static struct td_sync_cmd *cut_piece(struct td_dm *dm, struct td_sync_cmd *cmd, size_t room)
{
    struct td_sync_cmd *piece = td_arena_new(dm->a, struct td_sync_cmd);
    struct td_sync_item *item = td_arena_new(dm->a, struct td_sync_item);
    *piece = *cmd;
    *item = *cmd->items;
    piece->next = NULL;
    piece->items = item;
    item->more_data = true;
    if (!cmd->items->more_data)
        item->meta.size = cmd->items->data.n;
    for (size_t n = TD_MIN(room, cmd->items->data.n - 1); n >= 16; n = n * 3 / 4) {
        item->data = td_sub(cmd->items->data, 0, whole_characters(cmd->items->data, n));
        if (item->data.n == 0 || octets_of(piece) > room)
            continue;
        cmd->items->data = td_sub(cmd->items->data, item->data.n, cmd->items->data.n);
        cmd->items->more_data = true; /* marks the rest as a rest; the last piece goes out without it */
        cmd->items->meta.size = 0;
        return piece;
    }
    return NULL;
}

static bool can_be_cut(const struct td_sync_cmd *cmd)
{
    return cmd->kind == TD_SYNC_RESULTS && cmd->items != NULL && cmd->items->next == NULL && cmd->items->data.n > 64;
}

struct builder {
    struct td_dm *dm;
    struct td_buf *out;
    unsigned next_id;
    bool said; /* something beside the answer to the header */
};

static void say(struct builder *b, struct td_sync_cmd *cmd)
{
    cmd->cmd_id = td_arena_printf(b->dm->a, "%u", b->next_id++);
    td_syncml_add(b->out, cmd);
}

static void keep_sent(struct td_dm *dm, struct td_sync_cmd *cmd)
{
    struct td_sync_cmd *copy = td_arena_new(dm->a, struct td_sync_cmd);
    *copy = *cmd;
    copy->next = NULL;
    td_sync_append(&dm->sent, copy);
}

static void take(struct builder *b, struct td_sync_cmd *cmd)
{
    b->dm->pending = cmd->next;
    if (cmd->items != NULL && cmd->kind == TD_SYNC_RESULTS)
        cmd->items->more_data = false;
    keep_sent(b->dm, cmd);
    say(b, cmd);
    b->said = true;
}

/* Says what fits; false if something is left for the next message. */
static bool fill(struct builder *b)
{
    struct td_dm *dm = b->dm;
    const size_t reserve = td_syncml_end_size(true) + 64;
    while (dm->pending != NULL) {
        struct td_sync_cmd *cmd = dm->pending;
        bool rest = cmd->kind == TD_SYNC_RESULTS && cmd->items != NULL && cmd->items->more_data;
        size_t room = dm->max_msg > b->out->n + reserve ? dm->max_msg - b->out->n - reserve : 0;
        if (rest)
            cmd->items->more_data = false;
        if (octets_of(cmd) + 16 <= room) {
            take(b, cmd);
            continue;
        }
        if (rest)
            cmd->items->more_data = true;
        struct td_sync_cmd *piece =
            can_be_cut(cmd) && octets_of(cmd) + 2048 > dm->max_msg ? cut_piece(dm, cmd, room) : NULL;
        if (piece == NULL && !b->said) { /* nothing makes it smaller: better too long than never */
            take(b, cmd);
            continue;
        }
        if (piece != NULL) {
            keep_sent(dm, piece);
            say(b, piece);
        }
        return false;
    }
    return true;
}

enum td_code td_dm_build(struct td_dm *dm, struct td_buf *out, struct td_error *err)
{
    struct td_sync_msg msg = {.session_id = dm->session_id,
                              .target = td_csp_value(dm->csp, "@account/URL"),
                              .source = td_state_get(dm->dev->state, "enrol.device_id"),
                              .source_name = "",
                              .max_msg_size = TD_DM_MAX_MSG,
                              .msft = td_dm_sync_version(dm) >= 3.0};
    if (msg.source == NULL)
        msg.source = "";
    msg.msg_id = td_arena_printf(dm->a, "%u", ++dm->msg_id);
    td_dm_cred(dm, &msg.cred);
    if (*msg.cred.type != '\0')
        msg.source_name = td_csp_value(dm->csp, "@auth/APPSRV/AAUTHNAME");
    dm->sent = NULL;
    td_syncml_begin(out, &msg);
    struct builder b = {dm, out, 1, false};
    if (dm->server_msg_id != NULL)
        say(&b, td_sync_status(dm->a, "", dm->server_msg_id, "0", "SyncHdr", dm->hdr_status));
    bool final = fill(&b) && !dm->more_coming;
    td_syncml_end(out, final);
    return td_buf_check(out, "message", err);
}
