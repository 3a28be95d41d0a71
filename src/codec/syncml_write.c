/* SyncML: to bytes. Elements in the order of the DTD, default namespace without prefix (oma-dm.md 13.4). */
#include "codec/syncml.h"

#include <stdio.h>

static const char HEAD[] = "<SyncML xmlns=\"" TD_SYNCML_NS "\">";
static const char END[] = "</SyncBody></SyncML>";
static const char FINAL[] = "<Final/>";

static bool some(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static void leaf_if(struct td_xmlw *w, const char *name, const char *text)
{
    if (some(text))
        td_xmlw_leaf(w, name, text);
}

static void metinf(struct td_xmlw *w, const char *name, const char *text)
{
    if (!some(text))
        return;
    td_xmlw_open(w, name);
    td_xmlw_attr(w, "xmlns", TD_SYNCML_METINF);
    td_xmlw_text(w, td_str(text));
    td_xmlw_close(w);
}

static void metinf_number(struct td_xmlw *w, const char *name, uint64_t n)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
    if (n != 0)
        metinf(w, name, text);
}

static void write_meta(struct td_xmlw *w, const struct td_sync_meta *m)
{
    if (!some(m->format) && !some(m->type) && !some(m->mark) && m->size == 0)
        return;
    td_xmlw_open(w, "Meta");
    metinf(w, "Format", m->format);
    metinf(w, "Type", m->type);
    metinf(w, "Mark", m->mark);
    metinf_number(w, "Size", m->size);
    td_xmlw_close(w);
}

static void write_place(struct td_xmlw *w, const char *name, const char *uri, const char *loc_name)
{
    if (!some(uri))
        return;
    td_xmlw_open(w, name);
    td_xmlw_leaf(w, "LocURI", uri);
    leaf_if(w, "LocName", loc_name);
    td_xmlw_close(w);
}

static void write_auth(struct td_xmlw *w, const char *name, const struct td_sync_auth *auth, bool with_data)
{
    if (!some(auth->type))
        return;
    td_xmlw_open(w, name);
    td_xmlw_open(w, "Meta");
    metinf(w, "Format", auth->format);
    metinf(w, "Type", auth->type);
    metinf(w, "NextNonce", auth->next_nonce);
    td_xmlw_close(w);
    if (with_data)
        td_xmlw_leaf_s(w, "Data", auth->data);
    td_xmlw_close(w);
}

static void write_item(struct td_xmlw *w, const struct td_sync_item *item)
{
    td_xmlw_open(w, "Item");
    write_place(w, "Target", item->target, NULL);
    write_place(w, "Source", item->source, NULL);
    write_meta(w, &item->meta);
    if (item->has_data)
        td_xmlw_leaf_s(w, "Data", item->data);
    if (item->more_data)
        td_xmlw_leaf(w, "MoreData", "");
    td_xmlw_close(w);
}

static void write_code(struct td_xmlw *w, const struct td_sync_cmd *cmd)
{
    char code[16], hresult[16];
    (void)snprintf(code, sizeof(code), "%d", cmd->code);
    td_xmlw_open(w, "Data");
    if (cmd->original_error != 0) {
        (void)snprintf(hresult, sizeof(hresult), "0x%08x", cmd->original_error);
        td_xmlw_attr(w, "msft:originalerror", hresult);
    }
    td_xmlw_text(w, td_str(code));
    td_xmlw_close(w);
}

static void write_command(struct td_xmlw *w, const struct td_sync_cmd *cmd)
{
    bool answer = cmd->kind == TD_SYNC_STATUS || cmd->kind == TD_SYNC_RESULTS;
    if (cmd->kind == TD_SYNC_OTHER)
        return; /* only read, to be answered 400 */
    td_xmlw_open(w, td_syncml_word(cmd->kind));
    td_xmlw_leaf(w, "CmdID", cmd->cmd_id);
    if (answer) {
        td_xmlw_leaf(w, "MsgRef", cmd->msg_ref);
        td_xmlw_leaf(w, "CmdRef", cmd->cmd_ref);
        leaf_if(w, "Cmd", cmd->kind == TD_SYNC_STATUS ? cmd->cmd : "");
        write_meta(w, &cmd->meta);
        leaf_if(w, "TargetRef", cmd->target_ref);
        leaf_if(w, "SourceRef", cmd->source_ref);
    }
    if (cmd->kind == TD_SYNC_STATUS)
        write_auth(w, "Chal", &cmd->auth, false);
    if (cmd->kind == TD_SYNC_STATUS || cmd->kind == TD_SYNC_ALERT)
        write_code(w, cmd);
    if (!answer)
        write_meta(w, &cmd->meta);
    for (const struct td_sync_item *item = cmd->items; item != NULL; item = item->next)
        write_item(w, item);
    for (const struct td_sync_cmd *c = cmd->child; c != NULL; c = c->next)
        write_command(w, c);
    td_xmlw_close(w);
}

static void write_header(struct td_xmlw *w, const struct td_sync_msg *msg)
{
    td_xmlw_open(w, "SyncHdr");
    td_xmlw_leaf(w, "VerDTD", "1.2");
    td_xmlw_leaf(w, "VerProto", "DM/1.2");
    td_xmlw_leaf(w, "SessionID", msg->session_id);
    td_xmlw_leaf(w, "MsgID", msg->msg_id);
    write_place(w, "Target", msg->target, NULL);
    write_place(w, "Source", msg->source, msg->source_name);
    write_auth(w, "Cred", &msg->cred, true);
    if (msg->max_msg_size != 0 || msg->max_obj_size != 0) {
        td_xmlw_open(w, "Meta");
        metinf_number(w, "MaxMsgSize", msg->max_msg_size);
        metinf_number(w, "MaxObjSize", msg->max_obj_size);
        td_xmlw_close(w);
    }
    td_xmlw_close(w);
}

void td_syncml_begin(struct td_buf *out, const struct td_sync_msg *msg)
{
    struct td_xmlw w;
    td_buf_adds(out, HEAD);
    td_xmlw_init(&w, out);
    write_header(&w, msg);
    td_buf_adds(out, msg->msft ? "<SyncBody xmlns:msft=\"" TD_SYNCML_MSFT "\">" : "<SyncBody>");
}

void td_syncml_add(struct td_buf *out, const struct td_sync_cmd *cmd)
{
    struct td_xmlw w;
    td_xmlw_init(&w, out);
    write_command(&w, cmd);
}

void td_syncml_end(struct td_buf *out, bool final)
{
    if (final)
        td_buf_adds(out, FINAL);
    td_buf_adds(out, END);
}

size_t td_syncml_end_size(bool final)
{
    return sizeof(END) - 1 + (final ? sizeof(FINAL) - 1 : 0);
}

void td_syncml_write(struct td_buf *out, const struct td_sync_msg *msg)
{
    td_syncml_begin(out, msg);
    for (const struct td_sync_cmd *cmd = msg->cmds; cmd != NULL; cmd = cmd->next)
        td_syncml_add(out, cmd);
    td_syncml_end(out, msg->final);
}
