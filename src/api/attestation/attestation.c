/* The door: one path, two steps, one shape of refusals (docs/protocol/attestation.md). */
#include "api/attestation/room.h"

#include <stdio.h>

enum { REFUSAL_MAX = 4096 };

/* Rates have a status of their own, and an answer that came late is no matter of credentials. */
static int status_of(enum td_attest_reason reason, enum td_code code)
{
    return reason == TD_ATT_TOO_MANY ? 429 : reason == TD_ATT_EXPIRED ? 403 : td_http_status_of(code);
}

static void answer_refusal(const struct td_attestation *t, const struct td_error *err, struct td_http_reply *reply)
{
    char code[16];
    struct td_jsonw w;
    const struct td_attest_row *row = td_attest_row(t->reason);
    int status = status_of(t->reason, err->code);
    td_buf_reset(&reply->body);
    reply->status = status;
    reply->content_type = "application/problem+json";
    (void)snprintf(code, sizeof(code), "0x%08x", (unsigned)row->hresult);
    td_jsonw_init(&w, &reply->body);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "type", "about:blank");
    td_jsonw_kstr(&w, "title", td_http_reason(status));
    td_jsonw_kint(&w, "status", status);
    td_jsonw_kstr(&w, "code", row->name);
    td_jsonw_kstr(&w, "hresult", code);
    if (err->where[0] != '\0')
        td_jsonw_kstr(&w, "field", err->where);
    td_jsonw_kstr(&w, "detail", err->text);
    td_jsonw_kstr(&w, "remedy", err->remedy);
    td_jsonw_end(&w);
    if (status == 429)
        td_reply_header(reply, "Retry-After",
                        td_arena_printf(t->a, "%d", TD_ATTEST_EK_MINUTES * (int)(TD_MINUTE / TD_SECOND)));
}

/* What a stranger calls itself, cut between characters. */
static const char *read_serial(const struct td_attestation *t, const struct td_json *body)
{
    struct td_slice s = td_str(td_json_str(body, "serial"));
    if (s.n > TD_SERIAL_MAX)
        for (s.n = TD_SERIAL_MAX; s.n != 0 && ((unsigned char)s.p[s.n] & 0xC0) == 0x80;)
            s.n--;
    return td_arena_text(t->a, s);
}

static enum td_code read_body(struct td_attestation *t, struct td_error *err)
{
    struct td_json *body = NULL;
    if (td_json_parse(t->req->body, TD_ATTESTATION_MAX_BODY, t->a, &body, err) != TD_OK || body->type != TD_JSON_OBJECT)
        return td_remedy(err, td_fail(err, TD_EFORMAT, "body", "is not a JSON object"),
                         "Send one of the two steps of docs/protocol/attestation.md.");
    t->body = body;
    t->serial = read_serial(t, body);
    return TD_OK;
}

static enum td_code take_step(struct td_attestation *t, struct td_buf *answer, struct td_error *err)
{
    td_try(read_body(t, err));
    const char *step = td_json_str(t->body, "step");
    if (step != NULL && strcmp(step, "attest-begin") == 0)
        return td_attestation_begin(t, answer, err);
    if (step != NULL && strcmp(step, "attest-finish") == 0)
        return td_attestation_finish(t, answer, err);
    return td_remedy(err, td_fail(err, TD_EINVAL, "step", "is neither attest-begin nor attest-finish"),
                     "Send one of the two steps of docs/protocol/attestation.md.");
}

static void post_attest(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    struct td_error err = {0};
    struct td_attestation *t = td_arena_new(req->arena, struct td_attestation);
    *t = (struct td_attestation){.svc = ctx, .req = req, .a = req->arena, .serial = ""};
    enum td_code rc = take_step(t, &reply->body, &err);
    if (rc == TD_OK)
        rc = td_buf_check(&reply->body, "answer", &err);
    if (rc == TD_OK) {
        reply->status = 200;
        reply->content_type = "application/json";
    } else if (t->reason != TD_ATT_OK) {
        answer_refusal(t, &err, reply);
    } else {
        td_reply_problem(reply, &err);
    }
    td_reply_header(reply, "Cache-Control", "no-store");
}

const struct td_route td_attestation_routes[] = {
    {TD_POST, "/ztd/v1/attest", post_attest, TD_ROUTE_LIMITED, TD_ATTESTATION_MAX_BODY},
};
const size_t td_attestation_route_count = TD_COUNTOF(td_attestation_routes);
