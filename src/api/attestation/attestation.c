/* The door: one path, two steps, one shape of refusals (docs/protocol/attestation.md). */
#include "api/attestation/room.h"
#include "base/encode.h"
#include "base/fault.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "store/event.h"

#include <stdio.h>

enum { REFUSAL_MAX = 4096 };

enum td_code td_attestation_refuse(struct td_attestation *t, struct td_error *err, enum td_attest_reason reason,
                                   const char *field, const char *detail)
{
    enum td_code rc = td_attest_refuse(err, reason, detail);
    t->reason = reason;
    if (err != NULL)
        (void)snprintf(err->where, sizeof(err->where), "%s", field != NULL ? field : "");
    return rc;
}

enum td_code td_attestation_octets(const struct td_attestation *t, const struct td_json *value, const char *name,
                                   size_t max, struct td_slice *ret, struct td_error *err)
{
    *ret = TD_S("");
    if (value == NULL || value->type == TD_JSON_NULL)
        return TD_OK;
    if (value->type != TD_JSON_STRING)
        return td_fail(err, TD_EINVAL, name, "must be a text in base64");
    if (td_b64_decode(t->a, td_str(value->str), TD_B64_ANY, ret) != TD_OK)
        return td_remedy(err, td_fail(err, TD_EFORMAT, name, "is not base64"),
                         "Send the structure as the TPM has it, in base64.");
    return ret->n <= max ? TD_OK : td_fail(err, TD_ELIMIT, name, "has more than %zu octets", max);
}

enum td_code td_attestation_member(const struct td_attestation *t, const char *name, size_t max, struct td_slice *ret,
                                   struct td_error *err)
{
    return td_attestation_octets(t, td_json_get(t->body, name), name, max, ret, err);
}

enum td_code td_attestation_key_hash(const struct td_key *key, struct td_arena *a, const char **ret,
                                     struct td_error *err)
{
    unsigned char digest[32];
    struct td_slice spki = TD_S("");
    enum td_code rc = td_key_public_der(key, a, &spki);
    if (rc != TD_OK)
        return td_fail(err, rc, "key", "cannot be written");
    td_sha256(spki, digest);
    *ret = td_hex(a, td_bytes(digest, sizeof(digest)));
    return TD_OK;
}

enum td_code td_attestation_whose(struct td_attestation *t, struct td_tx *tx, const char *registration_id,
                                  struct td_error *err)
{
    enum td_code rc = td_registration_find(tx, t->tenant, registration_id, t->a, &t->registration, err);
    if (rc == TD_ENOTFOUND)
        return td_attestation_refuse(t, err, TD_ATT_UNKNOWN_REGISTRATION, "registrationId", NULL);
    td_try(rc);
    return td_way_find(tx, t->tenant, TD_WAY_ID, t->registration.way_id, t->a, &t->way, err);
}

/* A device that is joined, or whose deployment is past this step, does not fail by what somebody says in its name. */
static bool spoils(const struct td_way_row *way)
{
    return way->way.state[TD_M_JOIN] == TD_J_NONE && way->way.state[TD_M_ENROLMENT] == TD_E_NONE;
}

enum td_code td_attestation_tell_refusal(struct td_tx *tx, const struct td_attestation *t, const struct td_error *why,
                                         struct td_error *err)
{
    struct td_error told = *why;
    bool lately = false, crowded = false;
    const char *name = td_attest_row(t->reason)->name;
    if (t->tenant == NULL || t->reason == TD_ATT_OK)
        return TD_OK;
    td_try(td_event_lately(tx, t->tenant, t->way.id, td_way_event_word(TD_EV_FAILED), name, td_tx_now(tx) - TD_MINUTE,
                           &lately, err));
    td_try(td_event_crowded(tx, t->tenant, t->way.id, TD_EVENTS_OF_STRANGERS, &crowded, err));
    if ((lately || crowded) && !td_fault("attest-tells-always"))
        return TD_OK;
    told.hresult = td_attest_row(t->reason)->hresult;
    (void)snprintf(told.where, sizeof(told.where), "%s", name);
    if (!spoils(&t->way) && !td_fault("attest-spoils"))
        return td_way_failed_aside(tx, t->tenant, t->way.id, "attestation", &told, t->req->peer->address, err);
    return td_way_failed(tx, t->tenant, t->way.id, "attestation", &told, err);
}

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
