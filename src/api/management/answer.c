/* Management: the reply. Statuses first and all of them, then as many commands as fit (oma-dm.md 13.3, 13.4). */
#include "api/management/room.h"
#include "base/encode.h"
#include "base/fault.h"

/* Room that the Alerts 1225 and 1222 with CmdIDs of five digits and the end of the message take. No more: of the least
 * MaxMsgSize that clients announce, a package's job takes nearly all (oma-dm.md 13.3). */
enum { TAIL_ROOM = 136 };

struct composer {
    struct td_exchange *x;
    uint64_t cmd_id;     /* next one */
    size_t limit, empty; /* octets: of the message; of one without statuses and commands */
    size_t commands;
    bool left; /* a command did not fit beside the statuses */
};

static char *next_id(struct composer *c)
{
    uint64_t id = td_fault("dm-repeated-cmdid") ? 2 : c->cmd_id;
    c->cmd_id++;
    return td_arena_printf(c->x->a, "%llu", (unsigned long long)id);
}

/* Statuses that did not fit last time: one a line, MsgRef CmdRef Cmd Code by tabs. */
static void recall_owed(struct td_exchange *x)
{
    struct td_sync_cmd *new_ones = x->statuses;
    struct td_slice rest = td_str(x->m.owed), line, f[4];
    x->statuses = NULL;
    while (rest.n != 0) {
        uint64_t code = 0;
        rest = td_cut(rest, '\n', &line);
        for (size_t i = 0; i < TD_COUNTOF(f); i++) {
            line = td_cut(line, '\t', &f[i]);
            f[i] = td_pct_decode(x->a, f[i], false);
        }
        (void)td_parse_u64(f[3], &code);
        td_sync_append(&x->statuses, td_sync_status(x->a, "", td_arena_text(x->a, f[0]), td_arena_text(x->a, f[1]),
                                                    td_arena_text(x->a, f[2]), (int)code));
    }
    td_sync_append(&x->statuses, new_ones);
}

static void remember_owed(struct td_exchange *x, const struct td_sync_cmd *list)
{
    struct td_buf b;
    td_buf_init(&b, TD_SYNCML_MAX);
    for (const struct td_sync_cmd *s = list; s != NULL; s = s->next) {
        td_pct_add(&b, td_str(s->msg_ref));
        td_buf_addc(&b, '\t');
        td_pct_add(&b, td_str(s->cmd_ref));
        td_buf_addc(&b, '\t');
        td_pct_add(&b, td_str(s->cmd));
        td_buf_printf(&b, "\t%d\n", s->code);
    }
    x->m.owed = b.failed ? "" : td_arena_text(x->a, td_buf_slice(&b));
    td_buf_done(&b);
}

/* False if it does not fit; the message is as it was then. */
static bool put(struct composer *c, const struct td_sync_cmd *cmd)
{
    struct td_buf *out = &c->x->out;
    size_t before = out->n;
    td_syncml_add(out, cmd);
    bool fits = !out->failed && out->n + TAIL_ROOM <= c->limit;
    if (!fits) {
        out->n = before;
        out->failed = false;
    }
    return fits;
}

static void put_always(struct composer *c, const struct td_sync_cmd *cmd)
{
    td_syncml_add(&c->x->out, cmd);
}

static void put_statuses(struct composer *c)
{
    struct td_sync_cmd *s;
    recall_owed(c->x);
    for (s = c->x->statuses; s != NULL; s = s->next) {
        s->cmd_id = next_id(c);
        if (!put(c, s))
            break;
    }
    remember_owed(c->x, s);
}

static size_t size_of(const struct td_sync_cmd *cmd)
{
    struct td_buf b;
    td_buf_init(&b, TD_SYNCML_MAX);
    td_syncml_add(&b, cmd);
    size_t n = b.failed ? TD_SYNCML_MAX : b.n;
    td_buf_wipe(&b);
    return n;
}

/* Tells whether the next want may still come into this message. */
static bool put_want(struct composer *c, const struct td_want *w)
{
    struct td_exchange *x = c->x;
    const struct td_row *row = td_ledger_find(&x->ledger, w->key);
    uint64_t first = c->cmd_id, next = first;
    struct td_sync_cmd *cmd = td_want_command(w, row != NULL && row->delivered, &next, x->a);
    if (put(c, cmd)) {
        td_plan_hand_out(&x->ledger, w, x->m.session_no, x->msg_no, first, (unsigned)(next - first - 1));
        c->cmd_id = next;
        c->commands++;
        return c->commands < TD_MANAGEMENT_MAX_COMMANDS;
    }
    if (c->empty + size_of(cmd) + TAIL_ROOM <= c->limit) {
        c->left = true;
        return false; /* it goes first into the next message */
    }
    td_plan_too_big(&x->ledger, w);
    return true;
}

static void put_wants(struct composer *c)
{
    struct td_exchange *x = c->x;
    const struct td_want *w = NULL;
    do {
        w = td_plan_next(&x->desired, &x->ledger, x->m.session_no, x->m.user_active, w);
    } while (w != NULL && put_want(c, w));
}

static void put_alert(struct composer *c, int code)
{
    struct td_sync_cmd *alert = td_sync_new(c->x->a, TD_SYNC_ALERT, next_id(c));
    alert->code = code;
    put_always(c, alert);
}

static struct td_sync_msg header(const struct td_exchange *x)
{
    return (struct td_sync_msg){
        .session_id = x->msg.session_id,
        .msg_id = x->msg.msg_id,
        .target = x->msg.source,
        .source = td_arena_printf(x->a, "%s%.*s", x->req->base, TD_FMT(x->req->path)),
        .source_name = x->cred.type != NULL && x->cred.type[0] != '\0' ? x->enrolment.provider : "",
        .cred = x->cred,
    };
}

static size_t limit_of(const struct td_exchange *x)
{
    if (x->m.max_msg == 0 || td_fault("dm-past-size"))
        return TD_MANAGEMENT_MAX_SIZE;
    return (size_t)TD_MIN(TD_MAX(x->m.max_msg, TD_MANAGEMENT_MIN_SIZE), TD_MANAGEMENT_MAX_SIZE);
}

enum td_code td_mgmt_answer(struct td_exchange *x, struct td_error *err)
{
    struct composer c = {.x = x, .cmd_id = 1, .limit = limit_of(x)};
    struct td_sync_msg hdr = header(x);
    td_buf_init(&x->out, TD_MANAGEMENT_MAX_SIZE + TD_SYNCML_MAX_URI);
    td_syncml_begin(&x->out, &hdr);
    put_always(&c, td_sync_status(x->a, next_id(&c), x->msg.msg_id, "0", "SyncHdr", 200));
    c.empty = x->out.n;
    put_statuses(&c);
    bool owes = x->m.owed[0] != '\0';
    if (x->no_end)
        put_alert(&c, TD_ALERT_NO_END);
    if (!owes && !x->no_commands)
        put_wants(&c);
    if (c.left && c.commands == 0 && !td_fault("dm-first-fills")) /* what came is to be answered: then it fits */
        x->ask_next = true;
    if (x->ask_next && !x->end)
        put_alert(&c, TD_ALERT_NEXT);
    td_syncml_end(&x->out, !owes || x->end);
    /* no commands: the device does not post again (oma-dm.md 3 rule 4) */
    x->m.session_open = !x->end && (c.commands != 0 || owes || x->ask_next);
    return td_buf_check(&x->out, "answer", err);
}

enum td_code td_mgmt_farewell(struct td_exchange *x, struct td_sync_cmd *order, struct td_error *err)
{
    struct composer c = {.x = x, .cmd_id = 1, .limit = TD_MANAGEMENT_MAX_SIZE};
    struct td_sync_msg hdr = header(x);
    td_buf_init(&x->out, TD_MANAGEMENT_MAX_SIZE + TD_SYNCML_MAX_URI);
    td_syncml_begin(&x->out, &hdr);
    put_always(&c, td_sync_status(x->a, next_id(&c), x->msg.msg_id, "0", "SyncHdr", 200));
    for (const struct td_sync_cmd *s = x->msg.cmds; s != NULL; s = s->next)
        if (s->kind != TD_SYNC_STATUS && s->kind != TD_SYNC_RESULTS)
            put_always(&c, td_sync_status(x->a, next_id(&c), x->msg.msg_id, s->cmd_id, s->name, 200));
    if (order != NULL)
        put_always(&c, order);
    td_syncml_end(&x->out, true);
    return td_buf_check(&x->out, "answer", err);
}
