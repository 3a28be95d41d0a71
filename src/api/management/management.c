#include "api/authority.h"
#include "api/jobs.h"
#include "api/management/room.h"
#include "base/fault.h"
#include "crypto/digest.h"

static const char text_type[] = "text/plain; charset=utf-8";

/* A refusal is a short text, never SyncML (oma-dm.md 13.4). */
static void refuse(struct td_http_request *req, struct td_http_reply *reply, const struct td_error *why)
{
    int status = why->code == TD_EAUTH                                 ? 401
                 : why->code == TD_EDENIED || why->code == TD_EEXPIRED ? 403
                                                                       : td_http_status_of(why->code);
    char *text = td_arena_printf(req->arena, "%s: %s.\n", why->where, why->text);
    td_reply_text(reply, status, text_type, td_str(text));
    if (why->code == TD_ESTATE) /* two messages of this device at once, again and again */
        reply->status = status = 503;
    if (status == 503)
        td_reply_header(reply, "Retry-After", "5");
}

static bool speaks_xml(const struct td_http_request *req)
{
    struct td_slice type;
    (void)td_cut(td_http_header(req, "Content-Type"), ';', &type);
    return td_ieqs(td_trim(type), TD_SYNCML_TYPE) || td_fault("dm-any-media-type");
}

char *td_mgmt_reply_label(struct td_arena *a, const struct td_enrolment *e)
{
    return td_arena_printf(a, "management-reply/%s/%s", e->tenant, e->id);
}

/* The same octets again: the answer was lost (oma-dm.md 3 rule 7). An ended session's first message is a new one. */
static bool is_repeated(const struct td_exchange *x)
{
    const struct td_managed *m = &x->m;
    if (td_fault("dm-no-replay"))
        return false;
    return m->version != 0 && m->reply.n != 0 && memcmp(m->body_hash, x->body_hash, sizeof(x->body_hash)) == 0 &&
           (m->session_open || x->msg_no != 1);
}

static enum td_code replay(struct td_exchange *x, struct td_error *err)
{
    struct td_slice stored;
    td_try(td_unseal(&x->svc->master, td_mgmt_reply_label(x->a, &x->enrolment), x->m.reply, x->a, &stored, err));
    td_buf_init(&x->out, stored.n + 1);
    td_buf_add(&x->out, stored);
    return TD_OK;
}

/* What comes with the request, and what the transaction makes of it. */
struct call {
    struct td_exchange begun, made;
    struct td_http_reply *reply;
    struct td_error err;
    struct td_error refused;
    struct td_error form; /* what is wrong with the message itself */
};

static enum td_code keep(struct td_exchange *x, struct td_tx *tx, struct td_error *err)
{
    td_try(td_seal(&x->svc->master, x->svc->env, td_mgmt_reply_label(x->a, &x->enrolment), td_buf_slice(&x->out), x->a,
                   &x->m.reply));
    if (x->ledger.changed) {
        TD_CLEANUP(td_buf_done) struct td_buf text;
        td_buf_init(&text, TD_LEDGER_MAX);
        td_ledger_write(&x->ledger, &text);
        td_try(td_buf_check(&text, "ledger", err));
        x->m.ledger = td_arena_text(x->a, td_buf_slice(&text));
    }
    return td_mgmt_store(tx, x, err);
}

/* What is told of a refusal must stay: so the write goes well, and the answer is the refusal. */
static enum td_code close_door(struct call *c, struct td_tx *tx, struct td_error *err)
{
    struct td_error why = *err;
    bool let_in = false;
    td_try(td_mgmt_refused(&c->made, tx, &why, &let_in, err));
    if (!let_in)
        c->refused = why;
    return TD_OK;
}

/* One message is one transaction: with the reads inside no second message of the device can come between, and the
 * writing connection has its pages at hand (a commit empties those of the readers). All in between is arithmetic on a
 * bounded message. Who it is comes before what it says. */
static enum td_code exchange(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct call *c = ctx;
    struct td_exchange *x = &c->made;
    td_buf_wipe(&x->out); /* it may run twice */
    *x = c->begun;
    c->refused = (struct td_error){0};
    enum td_code rc = td_mgmt_load(tx, x, err);
    if ((rc == TD_EDENIED || rc == TD_EEXPIRED) && err != NULL)
        return close_door(c, tx, err);
    td_try(rc);
    if (c->form.code != TD_OK) {
        if (err != NULL)
            *err = c->form;
        return c->form.code;
    }
    if (is_repeated(x))
        return replay(x, err);
    td_try(td_mgmt_decide(x, tx, err));
    td_try(td_mgmt_answer(x, err));
    return keep(x, tx, err);
}

static void begin(struct call *c, struct td_service *svc, struct td_http_request *req)
{
    struct td_exchange *x = &c->begun;
    x->svc = svc;
    x->req = req;
    x->a = req->arena;
    td_sha256(req->body, x->body_hash);
    if (td_syncml_parse(req->body, x->a, &x->msg, &c->form) != TD_OK)
        c->form.code = TD_EFORMAT; /* too many commands are a bad form as well: 400 */
    else if (!td_parse_u64(td_str(x->msg.msg_id), &x->msg_no))
        x->msg_no = 0;
}

static void answer(struct call *c, enum td_code rc)
{
    if (rc == TD_OK && c->refused.code != TD_OK)
        refuse(c->begun.req, c->reply, &c->refused);
    else if (rc == TD_OK)
        td_reply_text(c->reply, 200, TD_SYNCML_TYPE, td_buf_slice(&c->made.out));
    else
        refuse(c->begun.req, c->reply, &c->err);
    td_buf_wipe(&c->made.out);
    if (rc == TD_OK && c->made.account_asked)
        td_jobs_poke(c->begun.svc->jobs);
}

static void answer_later(void *ctx, enum td_code rc)
{
    struct call *c = ctx;
    answer(c, rc);
    c->begun.req->answered(c->begun.req);
}

static void serve(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    struct td_service *svc = ctx;
    struct td_error err = {0};
    if (req->peer->cert.n == 0) {
        (void)td_fail(&err, TD_EAUTH, "certificate", "a management certificate is needed here");
        refuse(req, reply, &err);
        return;
    }
    if (!speaks_xml(req)) {
        td_reply_text(reply, 415, text_type, TD_S("Content-Type: only " TD_SYNCML_TYPE " is spoken here.\n"));
        return;
    }
    if (td_authority_chain(svc, req->peer, req->arena, &err) != TD_OK) {
        refuse(req, reply, &err);
        return;
    }
    struct call *call = td_arena_new(req->arena, struct call);
    call->reply = reply;
    begin(call, svc, req);
    req->later = req->answered != NULL;
    if (req->later)
        td_store_write_later(svc->store, exchange, call, &call->err, answer_later);
    else
        answer(call, td_store_write(svc->store, exchange, call, &call->err));
}

const struct td_route td_management_routes[] = {
    {TD_POST, "/ManagementServer/MDM.svc", serve, 0, TD_SYNCML_MAX},
    {TD_POST, "/devicegatewayproxy/cimhandler.ashx", serve, 0, TD_SYNCML_MAX},
};
const size_t td_management_route_count = TD_COUNTOF(td_management_routes);
