/* SyncML: from bytes. Form only, lenient where real clients differ (oma-dm.md 13), bounded everywhere. */
#include "codec/syncml.h"

struct reader {
    struct td_arena *arena;
    struct td_error *err;
    size_t commands;
};

static enum td_code text_of(struct reader *r, const struct td_xml *node, size_t max, const char **ret)
{
    struct td_slice text = td_xml_text(node);
    if (text.n > max)
        return td_fail(r->err, TD_ELIMIT, node->name, "longer than %zu octets", max);
    *ret = text.n != 0 ? td_arena_text(r->arena, text) : "";
    return TD_OK;
}

static enum td_code text_at(struct reader *r, const struct td_xml *node, const char *path, size_t max, const char **ret)
{
    return text_of(r, td_xml_path(node, path), max, ret);
}

/* Markup inside Data, which simple servers embed, becomes the text it would have been had they escaped it. */
static void serialize(struct td_xmlw *w, const struct td_xml *node)
{
    td_xmlw_open(w, node->name);
    for (const struct td_xml_attr *attr = node->attrs; attr != NULL; attr = attr->next)
        td_xmlw_attr(w, attr->name, attr->value);
    td_xmlw_text(w, td_bytes(node->text, node->text_len));
    for (const struct td_xml *c = node->child; c != NULL; c = c->next)
        serialize(w, c);
    td_xmlw_close(w);
}

static enum td_code data_of(struct reader *r, const struct td_xml *node, struct td_slice *ret)
{
    *ret = td_bytes(node->text, node->text_len);
    if (node->child == NULL)
        return TD_OK;
    TD_CLEANUP(td_buf_wipe) struct td_buf b;
    struct td_xmlw w;
    td_buf_init(&b, TD_SYNCML_MAX);
    td_xmlw_init(&w, &b);
    for (const struct td_xml *c = node->child; c != NULL; c = c->next)
        serialize(&w, c);
    td_try(td_buf_check(&b, "Data", r->err));
    *ret = td_arena_copy(r->arena, td_buf_slice(&b));
    return TD_OK;
}

static int number_of(struct td_slice text)
{
    uint64_t n = 0;
    return td_parse_u64(text, &n) && n <= 9999 ? (int)n : -1;
}

/* Type, Format and the like stand in Meta; some samples of MS-MDM put them beside it. */
static enum td_code read_meta(struct reader *r, const struct td_xml *node, struct td_sync_meta *meta)
{
    const struct td_xml *places[] = {node, td_xml_child(node, NULL, "Meta")};
    for (size_t i = 0; i < TD_COUNTOF(places); i++) {
        const struct td_xml *type = td_xml_child(places[i], NULL, "Type"), *size;
        if (type != NULL)
            td_try(text_of(r, type, 256, &meta->type));
        if (td_xml_child(places[i], NULL, "Format") != NULL)
            td_try(text_at(r, places[i], "Format", 64, &meta->format));
        if (td_xml_child(places[i], NULL, "Mark") != NULL)
            td_try(text_at(r, places[i], "Mark", 64, &meta->mark));
        size = td_xml_child(places[i], NULL, "Size");
        if (size != NULL && !td_parse_u64(td_xml_text(size), &meta->size))
            return td_fail(r->err, TD_EFORMAT, "Size", "not a number of octets");
    }
    return TD_OK;
}

static enum td_code read_auth(struct reader *r, const struct td_xml *node, struct td_sync_auth *ret)
{
    *ret = (struct td_sync_auth){"", "", "", TD_S("")};
    if (node == NULL)
        return TD_OK;
    td_try(text_at(r, node, "Meta/Type", 64, &ret->type));
    td_try(text_at(r, node, "Meta/Format", 64, &ret->format));
    td_try(text_at(r, node, "Meta/NextNonce", 1024, &ret->next_nonce));
    ret->data = td_xml_text_at(node, "Data");
    return TD_OK;
}

static enum td_code read_item(struct reader *r, const struct td_xml *node, struct td_sync_cmd *cmd)
{
    if (++r->commands > TD_SYNCML_MAX_COMMANDS)
        return td_fail(r->err, TD_ELIMIT, "Item", "more than %d commands and items", TD_SYNCML_MAX_COMMANDS);
    struct td_sync_item *item = td_sync_item(r->arena, cmd);
    item->meta = cmd->meta;
    td_try(text_at(r, node, "Target/LocURI", TD_SYNCML_MAX_URI, &item->target));
    td_try(text_at(r, node, "Source/LocURI", TD_SYNCML_MAX_URI, &item->source));
    td_try(read_meta(r, node, &item->meta));
    const struct td_xml *data = td_xml_child(node, NULL, "Data");
    item->has_data = data != NULL;
    if (data != NULL)
        td_try(data_of(r, data, &item->data));
    item->more_data = td_xml_child(node, NULL, "MoreData") != NULL;
    return TD_OK;
}

static enum td_code read_refs(struct reader *r, const struct td_xml *node, struct td_sync_cmd *cmd)
{
    td_try(text_at(r, node, "MsgRef", TD_SYNCML_MAX_ID, &cmd->msg_ref));
    td_try(text_at(r, node, "CmdRef", TD_SYNCML_MAX_ID, &cmd->cmd_ref));
    td_try(text_at(r, node, "Cmd", TD_SYNCML_MAX_ID, &cmd->cmd));
    td_try(text_at(r, node, "TargetRef", TD_SYNCML_MAX_URI, &cmd->target_ref));
    td_try(text_at(r, node, "SourceRef", TD_SYNCML_MAX_URI, &cmd->source_ref));
    if (cmd->kind != TD_SYNC_RESULTS)
        return TD_OK;
    if (cmd->msg_ref[0] == '\0')
        cmd->msg_ref = "1";
    if (cmd->cmd_ref[0] == '\0')
        cmd->cmd_ref = "1";
    return TD_OK;
}

static uint32_t original_error(const struct td_xml *data)
{
    const char *text = td_xml_attr(data, "originalerror");
    if (text == NULL)
        return 0;
    struct td_slice hex = td_trim(td_str(text));
    uint32_t value = 0;
    if (!td_istarts(hex, "0x") || hex.n > 10)
        return 0;
    for (size_t i = 2; i < hex.n; i++) {
        char c = hex.p[i];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit == 16)
            return 0;
        value = value << 4 | digit;
    }
    return value;
}

static enum td_code read_commands(struct reader *r, const struct td_xml *parent, struct td_sync_cmd **list);

static enum td_code read_command(struct reader *r, const struct td_xml *node, struct td_sync_cmd **ret)
{
    if (++r->commands > TD_SYNCML_MAX_COMMANDS)
        return td_fail(r->err, TD_ELIMIT, "SyncBody", "more than %d commands and items", TD_SYNCML_MAX_COMMANDS);
    enum td_sync_kind kind = td_syncml_kind(td_str(node->name));
    struct td_sync_cmd *cmd = td_sync_new(r->arena, kind, "");
    *ret = cmd;
    cmd->name = node->name;
    td_try(text_at(r, node, "CmdID", TD_SYNCML_MAX_ID, &cmd->cmd_id));
    td_try(read_meta(r, node, &cmd->meta));
    if (kind == TD_SYNC_STATUS || kind == TD_SYNC_RESULTS)
        td_try(read_refs(r, node, cmd));
    const struct td_xml *data = td_xml_child(node, NULL, "Data");
    cmd->code = data != NULL ? number_of(td_xml_text(data)) : -1;
    if (kind == TD_SYNC_STATUS) {
        cmd->original_error = original_error(data);
        td_try(read_auth(r, td_xml_child(node, NULL, "Chal"), &cmd->auth));
    }
    for (const struct td_xml *i = td_xml_child(node, NULL, "Item"); i != NULL; i = td_xml_next(i, NULL, "Item"))
        td_try(read_item(r, i, cmd));
    if (kind == TD_SYNC_ATOMIC || kind == TD_SYNC_SEQUENCE)
        td_try(read_commands(r, node, &cmd->child));
    return TD_OK;
}

static bool is_property(const struct td_xml *node)
{
    static const char *const names[] = {"CmdID", "Meta", "Final", "NoResp", "NoResults", "Type", "Format"};
    for (size_t i = 0; i < TD_COUNTOF(names); i++)
        if (strcmp(node->name, names[i]) == 0)
            return true;
    return false;
}

static enum td_code read_commands(struct reader *r, const struct td_xml *parent, struct td_sync_cmd **list)
{
    for (const struct td_xml *node = parent->child; node != NULL; node = node->next) {
        if (is_property(node))
            continue;
        td_try(read_command(r, node, list));
        list = &(*list)->next;
    }
    return TD_OK;
}

static enum td_code read_header(struct reader *r, const struct td_xml *hdr, struct td_sync_msg *msg)
{
    if (!td_eqs(td_xml_text_at(hdr, "VerDTD"), "1.2") || !td_eqs(td_xml_text_at(hdr, "VerProto"), "DM/1.2"))
        return td_fail(r->err, TD_EFORMAT, "VerProto", "only DM/1.2 with VerDTD 1.2 is spoken here");
    td_try(text_at(r, hdr, "SessionID", TD_SYNCML_MAX_ID, &msg->session_id));
    td_try(text_at(r, hdr, "MsgID", TD_SYNCML_MAX_ID, &msg->msg_id));
    td_try(text_at(r, hdr, "Target/LocURI", TD_SYNCML_MAX_URI, &msg->target));
    td_try(text_at(r, hdr, "Source/LocURI", TD_SYNCML_MAX_URI, &msg->source));
    td_try(text_at(r, hdr, "Source/LocName", 256, &msg->source_name));
    if (msg->session_id[0] == '\0' || msg->msg_id[0] == '\0')
        return td_fail(r->err, TD_EFORMAT, msg->session_id[0] == '\0' ? "SessionID" : "MsgID", "missing");
    td_try(read_auth(r, td_xml_child(hdr, NULL, "Cred"), &msg->cred));
    const struct td_xml *size = td_xml_path(hdr, "Meta/MaxMsgSize"), *object = td_xml_path(hdr, "Meta/MaxObjSize");
    if (size != NULL && !td_parse_u64(td_xml_text(size), &msg->max_msg_size))
        return td_fail(r->err, TD_EFORMAT, "MaxMsgSize", "not a number of octets");
    if (object != NULL && !td_parse_u64(td_xml_text(object), &msg->max_obj_size))
        return td_fail(r->err, TD_EFORMAT, "MaxObjSize", "not a number of octets");
    return TD_OK;
}

enum td_code td_syncml_parse(struct td_slice in, struct td_arena *a, struct td_sync_msg *ret, struct td_error *err)
{
    struct reader r = {.arena = a, .err = err};
    struct td_sync_msg msg = {.session_id = "", .msg_id = "", .target = "", .source = "", .source_name = ""};
    struct td_xml *root;
    td_try(td_xml_parse(in, TD_SYNCML_MAX, a, &root, err));
    if (strcmp(root->name, "SyncML") != 0)
        return td_fail(err, TD_EFORMAT, "SyncML", "the root element is another one");
    const struct td_xml *hdr = td_xml_child(root, NULL, "SyncHdr"), *body = td_xml_child(root, NULL, "SyncBody");
    if (hdr == NULL || body == NULL)
        return td_fail(err, TD_EFORMAT, hdr == NULL ? "SyncHdr" : "SyncBody", "missing");
    td_try(read_header(&r, hdr, &msg));
    td_try(read_commands(&r, body, &msg.cmds));
    msg.final = td_xml_child(body, NULL, "Final") != NULL;
    *ret = msg;
    return TD_OK;
}
