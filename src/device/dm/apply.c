/* dm/apply: the server's commands, in order, each with exactly one answer (oma-dm.md 3, 5). */
#include "device/dm/client.h"

struct outcome { /* of one Item */
    int status;
    uint32_t hresult;
};

static const struct {
    enum td_sync_kind kind;
    enum td_csp_op op;
} ops[] = {
    {TD_SYNC_GET, TD_CSP_GET},       {TD_SYNC_ADD, TD_CSP_ADD},   {TD_SYNC_REPLACE, TD_CSP_REPLACE},
    {TD_SYNC_DELETE, TD_CSP_DELETE}, {TD_SYNC_EXEC, TD_CSP_EXEC},
};

static const enum td_csp_op *op_of(enum td_sync_kind kind)
{
    for (size_t i = 0; i < TD_COUNTOF(ops); i++)
        if (ops[i].kind == kind)
            return &ops[i].op;
    return NULL;
}

/* One more Status into list; original errors only once the server has asked for version 3.0 of them. */
static struct td_sync_cmd *status(struct td_dm *dm, struct td_sync_cmd **list, const struct td_sync_cmd *cmd, int code,
                                  uint32_t hresult)
{
    const char *word = td_syncml_word(cmd->kind);
    if (cmd->kind == TD_SYNC_OTHER) /* the peer's own word, which may be of any length */
        word = strlen(cmd->name) > TD_SYNCML_MAX_ID ? "Unknown" : cmd->name;
    struct td_sync_cmd *s = td_sync_status(dm->a, "", dm->server_msg_id, cmd->cmd_id, word, code);
    if (code >= 400 && td_dm_sync_version(dm) >= 3.0)
        s->original_error = hresult;
    td_sync_append(list, s);
    return s;
}

static void result(struct td_dm *dm, struct td_sync_cmd **list, const struct td_sync_cmd *cmd, const char *uri,
                   const struct td_csp_answer *answer)
{
    struct td_sync_cmd *r = td_sync_new(dm->a, TD_SYNC_RESULTS, "");
    r->msg_ref = dm->server_msg_id;
    r->cmd_ref = cmd->cmd_id;
    struct td_sync_item *item = td_sync_item(dm->a, r);
    item->source = uri;
    item->meta.format = answer->format;
    item->data = td_str(answer->data);
    item->has_data = true;
    td_sync_append(list, r);
}

/* --- objects in pieces from the server ---------------------------------------------------------------------------- */

static void forget_large(struct td_dm *dm)
{
    td_free(dm->large.target);
    td_buf_done(&dm->large.data);
    dm->large.target = NULL;
}

static void alert_no_end(struct td_dm *dm)
{
    struct td_sync_cmd *alert = td_sync_new(dm->a, TD_SYNC_ALERT, "");
    alert->code = TD_ALERT_NO_END;
    td_sync_append(&dm->pending, alert);
    forget_large(dm);
}

/* 213: wait for more; 0: *data is whole; else what is wrong. */
static int gather(struct td_dm *dm, const struct td_sync_item *item, struct td_slice *data)
{
    struct td_dm_large *large = &dm->large;
    if (large->target != NULL && strcmp(large->target, item->target) != 0)
        alert_no_end(dm);
    if (large->target == NULL && !item->more_data)
        return 0;
    if (large->target == NULL) {
        large->target = td_strdup(item->target);
        large->size = item->meta.size;
        td_buf_init(&large->data, TD_CSP_MAX_VALUE);
    }
    td_buf_add(&large->data, item->data);
    if (large->data.failed || large->size > TD_CSP_MAX_VALUE) {
        forget_large(dm);
        return 413;
    }
    if (item->more_data)
        return 213;
    bool whole = large->size == 0 || large->data.n == large->size;
    *data = td_arena_copy(dm->a, td_buf_slice(&large->data));
    forget_large(dm);
    return whole ? 0 : 424;
}

/* --- one command -------------------------------------------------------------------------------------------------- */

static struct outcome run_item(struct td_dm *dm, const struct td_sync_cmd *cmd, const struct td_sync_item *item,
                               struct td_sync_cmd **results)
{
    struct td_csp_answer answer;
    struct td_slice data = item->data;
    if (*item->target == '\0')
        return (struct outcome){412, 0};
    int gathered = cmd->kind == TD_SYNC_ADD || cmd->kind == TD_SYNC_REPLACE ? gather(dm, item, &data) : 0;
    if (gathered != 0)
        return (struct outcome){gathered, 0};
    td_csp_run(dm->csp, *op_of(cmd->kind), item->target, item->meta.format, data, dm->a, &answer);
    if (cmd->kind == TD_SYNC_GET && answer.status == 200)
        result(dm, results, cmd, item->target, &answer);
    return (struct outcome){answer.status, answer.hresult};
}

/* Runs all Items; statuses (one, or one per Item if they differ) into list, Results into results. Returns the first
 * failing status, else the last. */
static int run_plain(struct td_dm *dm, const struct td_sync_cmd *cmd, struct td_sync_cmd **list,
                     struct td_sync_cmd **results)
{
    size_t count = 0, i = 0;
    for (const struct td_sync_item *it = cmd->items; it != NULL; it = it->next)
        count++;
    if (count == 0 || (count > 1 && cmd->kind == TD_SYNC_EXEC)) {
        int code = count == 0 ? 412 : 400;
        (void)status(dm, list, cmd, code, 0);
        return code;
    }
    struct outcome *out = td_arena_array(dm->a, struct outcome, count);
    bool same = true;
    int worst = 0;
    for (const struct td_sync_item *it = cmd->items; it != NULL; it = it->next, i++) {
        out[i] = run_item(dm, cmd, it, results);
        same = same && out[i].status == out[0].status && out[i].hresult == out[0].hresult;
        worst = worst >= 400 ? worst : out[i].status;
    }
    i = 0;
    for (const struct td_sync_item *it = cmd->items; it != NULL; it = it->next, i++) {
        if (i != 0 && same)
            break;
        struct td_sync_cmd *s = status(dm, list, cmd, out[i].status, out[i].hresult);
        if (!same)
            s->target_ref = it->target;
    }
    return worst;
}

static void run_command(struct td_dm *dm, const struct td_sync_cmd *cmd, struct td_sync_cmd **list,
                        struct td_sync_cmd **results);

/* What may not stand inside an Atomic makes it fail: another Atomic, a Get, something unknown. */
static int run_atomic_child(struct td_dm *dm, const struct td_sync_cmd *cmd, struct td_sync_cmd **list)
{
    if (*cmd->cmd_id == '\0' || cmd->kind == TD_SYNC_OTHER) {
        (void)status(dm, list, cmd, 400, 0);
        return 400;
    }
    if (cmd->kind == TD_SYNC_GET || op_of(cmd->kind) == NULL) {
        (void)status(dm, list, cmd, 500, 0);
        return 500;
    }
    return run_plain(dm, cmd, list, NULL);
}

/* Carried out before the failure: 216, rolled back; after it: 215, not executed. */
static void tell_rolled_back(struct td_dm *dm, const struct td_sync_cmd *atomic, const struct td_sync_cmd *failed,
                             struct td_sync_cmd *failure, struct td_sync_cmd **list)
{
    int code = 216;
    for (const struct td_sync_cmd *c = atomic->child; c != NULL; c = c->next) {
        if (c == failed)
            td_sync_append(list, failure);
        else
            (void)status(dm, list, c, code, 0);
        code = c == failed ? 215 : code;
    }
}

static void run_atomic(struct td_dm *dm, const struct td_sync_cmd *atomic, struct td_sync_cmd **list)
{
    struct td_sync_cmd *done = NULL, *failure = NULL;
    const struct td_sync_cmd *failed = NULL;
    td_csp_begin(dm->csp);
    for (const struct td_sync_cmd *c = atomic->child; c != NULL && failed == NULL; c = c->next) {
        struct td_sync_cmd *one = NULL;
        if (run_atomic_child(dm, c, &one) >= 400)
            failed = c, failure = one;
        else
            td_sync_append(&done, one);
    }
    (void)status(dm, list, atomic, failed == NULL ? 200 : 507, 0);
    if (failed == NULL) {
        td_csp_commit(dm->csp);
        td_sync_append(list, done);
        return;
    }
    td_csp_rollback(dm->csp);
    tell_rolled_back(dm, atomic, failed, failure, list);
}

static void run_sequence(struct td_dm *dm, const struct td_sync_cmd *cmd, struct td_sync_cmd **list,
                         struct td_sync_cmd **results)
{
    (void)status(dm, list, cmd, 200, 0);
    for (const struct td_sync_cmd *c = cmd->child; c != NULL; c = c->next)
        run_command(dm, c, list, results);
}

static void take_alert(struct td_dm *dm, const struct td_sync_cmd *cmd, struct td_sync_cmd **list)
{
    dm->aborted = dm->aborted || cmd->code == TD_ALERT_ABORT;
    bool known = cmd->code == TD_ALERT_NEXT || cmd->code == TD_ALERT_ABORT || cmd->code == TD_ALERT_NO_END;
    (void)status(dm, list, cmd, known ? 200 : 406, 0);
}

static void take_status(struct td_dm *dm, const struct td_sync_cmd *cmd)
{
    if (strcmp(cmd->cmd_ref, "0") == 0) {
        dm->peer_status = cmd->code;
        dm->challenge = cmd->auth;
    } else if (strcmp(cmd->cmd, "Results") == 0 && cmd->code >= 400) {
        dm->chunk_refused = true;
    }
}

static void run_command(struct td_dm *dm, const struct td_sync_cmd *cmd, struct td_sync_cmd **list,
                        struct td_sync_cmd **results)
{
    if (cmd->kind == TD_SYNC_STATUS || cmd->kind == TD_SYNC_RESULTS) {
        if (cmd->kind == TD_SYNC_STATUS)
            take_status(dm, cmd);
        return;
    }
    dm->had_commands = true;
    if (cmd->kind == TD_SYNC_OTHER || *cmd->cmd_id == '\0' || strcmp(cmd->cmd_id, "0") == 0)
        (void)status(dm, list, cmd, 400, 0);
    else if (cmd->kind == TD_SYNC_ALERT)
        take_alert(dm, cmd, list);
    else if (cmd->kind == TD_SYNC_ATOMIC)
        run_atomic(dm, cmd, list);
    else if (cmd->kind == TD_SYNC_SEQUENCE)
        run_sequence(dm, cmd, list, results);
    else
        (void)run_plain(dm, cmd, list, results);
}

/* The rest of a value whose piece the server refused is not sent. */
static void drop_rest(struct td_dm *dm)
{
    struct td_sync_cmd *first = dm->pending;
    if (first != NULL && first->kind == TD_SYNC_RESULTS && first->items != NULL && first->items->more_data)
        dm->pending = first->next;
    dm->chunk_refused = false;
}

void td_dm_apply(struct td_dm *dm, const struct td_sync_msg *msg)
{
    struct td_sync_cmd *list = NULL, *results = NULL;
    dm->had_commands = false;
    dm->more_coming = !msg->final;
    for (const struct td_sync_cmd *c = msg->cmds; c != NULL && !td_csp_unenrolled(dm->csp); c = c->next)
        run_command(dm, c, &list, &results);
    if (dm->chunk_refused)
        drop_rest(dm);
    /* Statuses first; a value that is being sent in pieces must be at its end before another Results begins. */
    td_sync_append(&list, dm->pending);
    td_sync_append(&list, results);
    dm->pending = list;
    if (dm->more_coming) {
        struct td_sync_cmd *next = td_sync_new(dm->a, TD_SYNC_ALERT, "");
        next->code = TD_ALERT_NEXT;
        td_sync_append(&dm->pending, next);
    }
}
