/* Management: what the device's message says (oma-dm.md 3 to 6, 13). */
#include "api/enrolment.h"
#include "api/management/room.h"
#include "base/encode.h"
#include "base/fault.h"
#include "crypto/digest.h"

void td_mgmt_tell(struct td_exchange *x, const struct td_mgmt_event *event)
{
    if (x->event_count == TD_MGMT_MAX_EVENTS)
        return;
    struct td_mgmt_event *kept = td_arena_new(x->a, struct td_mgmt_event);
    *kept = *event;
    x->events[x->event_count++] = kept;
}

void td_mgmt_note(struct td_exchange *x, const char *type, const char *detail)
{
    struct td_mgmt_event event = {.type = type, .detail = detail};
    td_mgmt_tell(x, &event);
}

void td_mgmt_report(struct td_exchange *x, const char *uri, struct td_slice value)
{
    if (uri[0] == '\0' || value.n > TD_REPORT_MAX || !td_utf8_ok(value))
        return;
    struct td_mgmt_report *r = td_arena_new(x->a, struct td_mgmt_report);
    *r = (struct td_mgmt_report){.uri = uri, .value = value};
    *x->report_tail = r;
    x->report_tail = &r->next;
}

static void answer(struct td_exchange *x, const struct td_sync_cmd *cmd, int code)
{
    if (td_fault("dm-missing-status") && cmd->kind == TD_SYNC_REPLACE)
        return;
    bool nameless = cmd->cmd_id[0] == '\0' || strcmp(cmd->cmd_id, "0") == 0;
    td_sync_append(&x->statuses, td_sync_status(x->a, "", x->msg.msg_id, nameless ? "" : cmd->cmd_id, cmd->name,
                                                nameless ? 400 : code));
}

static void take_login(struct td_exchange *x, struct td_slice data)
{
    x->m.user_active = td_eqs(td_trim(data), "user");
}

/* The end of a management that the user or we asked for: the last message of this device (oma-dm.md 10). */
static void take_unenrolment(struct td_exchange *x)
{
    x->unenrolled = true;
    x->no_commands = x->end = true;
}

/* The device phase of a status page begins; behind one that was done the device has been set up anew. */
static void take_bootstrap(struct td_exchange *x, struct td_slice data)
{
    x->m.inventory = true;
    x->bootstrap = td_ieqs(td_trim(data), "device");
}

static void take_roll_back(struct td_exchange *x, const struct td_sync_item *item)
{
    x->rolled_back = item->source[0] != '\0' ? item->source : item->target;
    x->rolled_hresult = td_mgmt_hresult(item->data);
}

/* Only packages that this device was given: what it reports unasked must not fill the store. */
static bool is_our_job(const struct td_exchange *x, const char *uri)
{
    return td_ledger_find(&x->ledger, td_arena_printf(x->a, "S %s", uri)) != NULL;
}

static void take_alert_item(struct td_exchange *x, const struct td_sync_item *item)
{
    const char *type = item->meta.type;
    if (strcmp(type, "com.microsoft/MDM/LoginStatus") == 0)
        take_login(x, item->data);
    else if (strcmp(type, "com.microsoft/MDM/BootstrapSync") == 0)
        take_bootstrap(x, item->data);
    else if (strcmp(type, "com.microsoft/MDM/OdjSync") == 0)
        x->m.inventory = x->odj = true;
    else if (strcmp(type, TD_ALERT_NO_DOMAIN) == 0)
        x->domain_trouble = td_mgmt_hresult(item->data);
    else if (strcmp(type, TD_ALERT_ROLLED_BACK) == 0)
        take_roll_back(x, item);
    else if (strcmp(type, "com.microsoft:mdm.unenrollment.userrequest") == 0)
        take_unenrolment(x);
    else if (td_search(td_str(type), TD_S("win32csp_install")) != SIZE_MAX && is_our_job(x, item->source))
        td_mgmt_report(x, item->source, td_trim(item->data));
}

static void take_alert(struct td_exchange *x, const struct td_sync_cmd *cmd)
{
    for (const struct td_sync_item *item = cmd->items; item != NULL; item = item->next)
        take_alert_item(x, item);
    if (cmd->code == TD_ALERT_ABORT)
        x->no_commands = x->end = true;
    if (cmd->code == TD_ALERT_NO_END && x->m.chunk_uri[0] != '\0') {
        x->m.chunk_uri = "";
        x->chunk_changed = true;
    }
    answer(x, cmd, 200);
}

static const char *pushed_node(const struct td_sync_item *item)
{
    const char *uri = item->source[0] != '\0' ? item->source : item->target;
    return td_starts(td_str(uri), "./DevInfo/") && td_sync_uri_ok(td_str(uri)) ? uri : NULL;
}

/* The nodes of csp.md 1; what else a device pushes is taken and forgotten. */
static bool is_kept(const char *uri)
{
    static const char *const leaves[] = {"DevId", "Man", "Mod", "DmV", "Lang"};
    for (size_t i = 0; i < TD_COUNTOF(leaves); i++)
        if (strcmp(uri + strlen("./DevInfo/"), leaves[i]) == 0)
            return true;
    return false;
}

/* Only ./DevInfo is pushed by devices, in every session; it is written down when it differs. */
static void take_replace(struct td_exchange *x, const struct td_sync_cmd *cmd)
{
    int code = cmd->items != NULL ? 200 : 412;
    struct td_buf all;
    td_buf_init(&all, TD_SYNCML_MAX);
    for (const struct td_sync_item *item = cmd->items; item != NULL; item = item->next) {
        const char *uri = pushed_node(item);
        if (uri == NULL)
            code = 405;
        td_buf_adds(&all, uri != NULL ? uri : "");
        td_buf_add(&all, item->data);
    }
    bool is_new = td_plan_told(&x->ledger, td_buf_slice(&all));
    for (const struct td_sync_item *item = is_new ? cmd->items : NULL; item != NULL; item = item->next)
        if (pushed_node(item) != NULL && is_kept(pushed_node(item)))
            td_mgmt_report(x, pushed_node(item), td_trim(item->data));
    td_buf_done(&all);
    answer(x, cmd, code);
}

static void take_value(struct td_exchange *x, const struct td_sync_cmd *cmd, const char *uri, struct td_slice value)
{
    uint64_t msg = 0, ref = 0;
    (void)td_parse_u64(td_str(cmd->msg_ref), &msg);
    (void)td_parse_u64(td_str(cmd->cmd_ref), &ref);
    bool is_new;
    const char *asked = td_plan_result(&x->ledger, x->m.session_no, msg, ref, uri, value, &is_new);
    if (asked != NULL && strcmp(asked, TD_REDEPLOYMENT "Status") == 0)
        x->redeployment = td_arena_text(x->a, td_trim(value));
    if (asked != NULL && is_new)
        td_mgmt_report(x, asked, value);
}

static void drop_chunk(struct td_exchange *x)
{
    x->m.chunk_uri = "";
    x->m.chunk = TD_S("");
    x->m.chunk_size = 0;
    x->chunk_changed = true;
}

/* oma-dm.md 6. Returns the status of the Results. */
static int take_chunk(struct td_exchange *x, const struct td_sync_cmd *cmd, const struct td_sync_item *item,
                      const char *uri)
{
    bool first = x->m.chunk_uri[0] == '\0';
    size_t have = first ? 0 : x->m.chunk.n;
    if (have + item->data.n > TD_REPORT_MAX || item->meta.size > TD_REPORT_MAX) {
        drop_chunk(x);
        return 413;
    }
    char *joined = td_arena_alloc(x->a, have + item->data.n + 1);
    if (have != 0)
        memcpy(joined, x->m.chunk.p, have);
    if (item->data.n != 0)
        memcpy(joined + have, item->data.p, item->data.n);
    x->m.chunk = td_bytes(joined, have + item->data.n);
    x->m.chunk_uri = uri;
    x->m.chunk_size = first ? item->meta.size : x->m.chunk_size;
    x->chunk_changed = true;
    if (item->more_data) {
        x->ask_next = x->no_commands = true;
        return 213;
    }
    struct td_slice whole = x->m.chunk;
    bool right = x->m.chunk_size == 0 || x->m.chunk_size == whole.n;
    drop_chunk(x);
    if (!right && !td_fault("dm-any-size"))
        return 424;
    take_value(x, cmd, uri, whole);
    return 200;
}

static const char *node_of(const struct td_exchange *x, const struct td_sync_cmd *cmd, const struct td_sync_item *item)
{
    uint64_t msg = 0, ref = 0;
    const char *texts[] = {item->source, item->target, cmd->source_ref, cmd->target_ref};
    for (size_t i = 0; i < TD_COUNTOF(texts); i++)
        if (texts[i][0] != '\0')
            return texts[i];
    const struct td_row *row = NULL;
    if (td_parse_u64(td_str(cmd->msg_ref), &msg) && td_parse_u64(td_str(cmd->cmd_ref), &ref))
        row = td_ledger_sent(&x->ledger, x->m.session_no, msg, ref);
    return row != NULL ? row->key + 2 : "";
}

static void take_results(struct td_exchange *x, const struct td_sync_cmd *cmd)
{
    int code = 0; /* whole Results need no Status */
    for (const struct td_sync_item *item = cmd->items; item != NULL; item = item->next) {
        const char *uri = node_of(x, cmd, item);
        bool goes_on = x->m.chunk_uri[0] != '\0' && strcmp(x->m.chunk_uri, uri) == 0;
        if (x->m.chunk_uri[0] != '\0' && !goes_on) {
            drop_chunk(x);
            x->no_end = true;
        }
        if (goes_on || item->more_data)
            code = take_chunk(x, cmd, item, uri);
        else
            take_value(x, cmd, uri, item->data);
    }
    if (code != 0)
        answer(x, cmd, code);
}

/* 13.2: the device wants us to prove ourselves; nothing was executed. */
static void take_challenge(struct td_exchange *x, const struct td_sync_cmd *cmd)
{
    struct td_appauth secrets;
    struct td_slice nonce = TD_S("");
    const char *user = x->enrolment.provider;
    td_plan_reopen(&x->ledger, x->m.session_no, false);
    bool again = x->m.challenged && !td_fault("dm-challenged-for-ever");
    x->m.challenged = true;
    bool md5 = strcmp(cmd->auth.type, "syncml:auth-basic") != 0;
    if (again || td_enrolment_secrets(x->svc, &x->enrolment, x->a, &secrets, NULL) != TD_OK ||
        td_b64_decode(x->a, td_str(cmd->auth.next_nonce), TD_B64_ANY, &nonce) != TD_OK) {
        x->no_commands = x->end = true;
        td_mgmt_note(x, "management.credential-refused",
                     "{\"cause\":\"the device does not accept the server's credential\","
                     "\"remedy\":\"Enrol the device again.\"}");
        return;
    }
    if (nonce.n == 0) /* no Chal: the nonce of the provisioning document holds (oma-dm.md 7) */
        nonce = secrets.server_nonce;
    char *data = md5 ? td_sync_cred_md5(td_md5, td_str(user), td_str(secrets.server_secret), nonce, x->a)
                     : td_sync_cred_basic(td_str(user), td_str(secrets.server_secret), x->a);
    x->cred = (struct td_sync_auth){md5 ? "syncml:auth-md5" : "syncml:auth-basic", "b64", "", td_str(data)};
}

static bool challenges(const struct td_sync_cmd *cmd)
{
    return cmd->kind == TD_SYNC_STATUS && strcmp(cmd->cmd_ref, "0") == 0 && (cmd->code == 401 || cmd->code == 407);
}

static void take_status(struct td_exchange *x, const struct td_sync_cmd *cmd)
{
    uint64_t msg, ref;
    if (td_parse_u64(td_str(cmd->msg_ref), &msg) && td_parse_u64(td_str(cmd->cmd_ref), &ref) && ref != 0)
        td_plan_status(&x->ledger, x->m.session_no, msg, ref, cmd->code, cmd->original_error);
}

static void take_command(struct td_exchange *x, const struct td_sync_cmd *cmd)
{
    switch (cmd->kind) {
    case TD_SYNC_STATUS:
        take_status(x, cmd);
        break;
    case TD_SYNC_RESULTS:
        take_results(x, cmd);
        break;
    case TD_SYNC_ALERT:
        take_alert(x, cmd);
        break;
    case TD_SYNC_REPLACE:
        take_replace(x, cmd);
        break;
    case TD_SYNC_OTHER:
        answer(x, cmd, 400);
        break;
    default:
        answer(x, cmd, 405);
        break;
    }
}

void td_mgmt_take(struct td_exchange *x)
{
    const struct td_sync_cmd *challenge = NULL;
    bool wants_next = false;
    for (const struct td_sync_cmd *c = x->msg.cmds; c != NULL; c = c->next) {
        if (challenges(c))
            challenge = c;
        wants_next = wants_next || (c->kind == TD_SYNC_ALERT && c->code == TD_ALERT_NEXT);
    }
    if (challenge != NULL)
        take_challenge(x, challenge);
    for (const struct td_sync_cmd *c = x->msg.cmds; c != NULL; c = c->next)
        if (challenge == NULL || (c->kind != TD_SYNC_STATUS && c->kind != TD_SYNC_RESULTS))
            take_command(x, c);
    if (x->msg.max_msg_size != 0)
        x->m.max_msg = (int64_t)TD_MIN(x->msg.max_msg_size, (uint64_t)TD_MANAGEMENT_MAX_SIZE);
    if (!x->msg.final && !wants_next && !x->end)
        x->ask_next = x->no_commands = true; /* its package goes on */
    else if (x->ask_next == false)
        td_plan_judge(&x->ledger, x->m.session_no);
}

uint32_t td_mgmt_hresult(struct td_slice text)
{
    uint64_t value = 0;
    int64_t number = 0;
    text = td_trim(text);
    if (td_istarts(text, "0x")) {
        for (size_t i = 2; i < text.n; i++) {
            static const char digits[] = "0123456789abcdef";
            char c = text.p[i] >= 'A' && text.p[i] <= 'F' ? (char)(text.p[i] | 0x20) : text.p[i];
            const char *at = c != '\0' ? strchr(digits, c) : NULL;
            if (at == NULL || text.n > 10)
                return 0;
            value = value << 4 | (uint64_t)(at - digits);
        }
        return (uint32_t)value;
    }
    if (!td_parse_i64(text, &number) || number < INT32_MIN || number > (int64_t)UINT32_MAX)
        return 0;
    return (uint32_t)number;
}
