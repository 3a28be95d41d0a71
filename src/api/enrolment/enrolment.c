/* Discovery and policy, and how every SOAP request of the door is answered (mde2.md 0, 1, 3, 5). */
#include "api/enrolment/room.h"
#include "base/fault.h"
#include "base/log.h"
#include "way/domain_join.h"

enum { DAY_SECONDS = 24 * 60 * 60, MAX_MESSAGE_ID = 256 };

typedef enum td_code operation(struct td_enrol *call, struct td_buf *out);

/* What went wrong inside is for the log alone: the trace id leads there. A directory that can't be asked is not inside:
 * its reason says whom to turn to, as the page and the token endpoint do. */
static bool is_ours(enum td_fault fault, const struct td_error *err)
{
    return fault == TD_FAULT_INTERNAL ||
           (fault == TD_FAULT_ENROLLMENT_SERVER &&
            (td_domain_reason_by_name(err->where) == NULL || td_fault("enrol-directory-untold")));
}

static void answer_fault(struct td_enrol *call, struct td_buf *out)
{
    enum td_fault fault = td_enrol_fault_of(call);
    const struct td_fault_row *row = &td_fault_table[fault];
    const char *trace = td_uuid_arena(call->svc->env, call->a);
    const struct td_error *err = &call->err;
    td_log(is_ours(fault, err) ? TD_ERROR : TD_INFO, "enrolment.refused", "trace", trace, "fault",
           row->error_type != NULL ? row->error_type : row->subcode, "where", err->where, "cause", err->text, NULL);
    struct td_fault_text text = {.trace_id = trace};
    text.message = is_ours(fault, err)
                       ? row->cause
                       : td_arena_printf(call->a, "%s%s%s", err->where, err->where[0] != '\0' ? ": " : "", err->text);
    text.reason = td_arena_printf(call->a, "%s (trace %s)", text.message, trace);
    td_buf_reset(out);
    if (td_soap_fault(call->action, call->soap.relates_to, fault, &text, out, NULL) == TD_OK)
        td_reply_text(call->reply, 200, TD_SOAP_TYPE, td_buf_slice(out)); /* 200: mde2.md 0 */
    else
        call->reply->status = 500;
}

/* The header of the answer to this request. */
static enum td_code open_request(struct td_enrol *call)
{
    enum td_code rc = td_soap_parse(call->req->body, call->a, &call->soap, &call->err);
    call->soap.relates_to = call->soap.message_id;
    if (strlen(call->soap.relates_to) <= MAX_MESSAGE_ID)
        return rc;
    call->soap.relates_to = "";
    return td_fail(&call->err, TD_ELIMIT, "MessageID", "longer than %d octets", MAX_MESSAGE_ID);
}

static void serve(void *ctx, struct td_http_request *req, struct td_http_reply *reply, const char *action,
                  operation *run)
{
    struct td_enrol call = {.svc = ctx, .req = req, .reply = reply, .a = req->arena, .action = action};
    TD_CLEANUP(td_buf_wipe) struct td_buf out; /* may hold the device's secrets */
    td_buf_init(&out, TD_SOAP_MAX);
    call.fault = TD_FAULT_COUNT;
    enum td_code rc = open_request(&call);
    if (rc == TD_OK)
        rc = run(&call, &out);
    td_soap_wipe(&call.soap);
    if (rc == TD_OK)
        td_reply_text(reply, 200, TD_SOAP_TYPE, td_buf_slice(&out));
    else
        answer_fault(&call, &out);
}

static struct td_soap answer_head(const struct td_enrol *call)
{
    return (struct td_soap){.action = call->action,
                            .relates_to = call->soap.relates_to,
                            .activity_id = td_uuid_arena(call->svc->env, call->a)};
}

/* An e-mail address of a domain that is not ours is answered like any other: the sign-in that follows decides, and
 * nobody learns from here which domains we serve. */
static enum td_code discover(struct td_enrol *call, struct td_buf *out)
{
    struct td_discover d;
    td_try(td_discover_read(&call->soap, call->a, &d, &call->err));
    if (d.version < 30)
        return td_enrol_refuse(call, TD_FAULT_NOT_SUPPORTED, TD_ENOTOFFERED, "RequestVersion",
                               "protocol versions below 3.0 are not offered");
    unsigned wanted = d.auth != 0 ? d.auth : TD_AUTH_FEDERATED;
    if ((wanted & (TD_AUTH_FEDERATED | TD_AUTH_ON_PREMISE)) == 0)
        return td_enrol_refuse(call, TD_FAULT_NOT_SUPPORTED, TD_ENOTOFFERED, "AuthPolicies",
                               "of the policies only Federated and OnPremise are offered");
    const char *base = td_http_device_base(call->req); /* renewal shows a certificate there */
    struct td_discovered answer = {
        .auth = (wanted & TD_AUTH_FEDERATED) != 0 ? TD_AUTH_FEDERATED : TD_AUTH_ON_PREMISE,
        .version = TD_MIN(d.version, TD_ENROL_VERSION) / 10 * 10,
        .policy_url = td_arena_printf(call->a, "%s/EnrollmentServer/Policy.svc", base),
        .enrolment_url = td_arena_printf(call->a, "%s/EnrollmentServer/Enrollment.svc", base),
        .auth_url = (wanted & TD_AUTH_FEDERATED) != 0
                        ? td_arena_printf(call->a, "%s/EnrollmentServer/Auth", call->req->base)
                        : "",
    };
    struct td_soap head = answer_head(call);
    return td_discovered_write(&head, &answer, out, &call->err);
}

static enum td_code get_policies(struct td_enrol *call, struct td_buf *out)
{
    struct td_policies_request request;
    struct td_enrol_caller caller;
    td_try(td_policies_request_read(&call->soap, call->a, &request, &call->err));
    td_try(td_enrol_caller(call, &caller));
    struct td_policies answer = {
        .name = TD_PROVIDER " management",
        .validity = (int64_t)TD_ENROL_CERT_DAYS * DAY_SECONDS,
        .renewal = (int64_t)TD_ENROL_RENEW_DAYS * DAY_SECONDS,
        .key_bits = 2048,
        .hash_oid = "2.16.840.1.101.3.4.2.1",
        .providers = {"Microsoft Platform Crypto Provider", "Microsoft Software Key Storage Provider"},
        .provider_count = 2,
    };
    struct td_soap head = answer_head(call);
    return td_policies_write(&head, &answer, out, &call->err);
}

/* With milliseconds, as every published example has it. */
static const char *stamp(const struct td_enrol *call, int64_t at)
{
    return td_arena_printf(call->a, "%.19s.000Z", td_time_arena(call->a, at));
}

static enum td_code request_token(struct td_enrol *call, struct td_buf *out)
{
    struct td_rst rst;
    TD_CLEANUP(td_buf_wipe) struct td_buf document;
    td_buf_init(&document, TD_WAP_MAX);
    td_try(td_rst_read(&call->soap, call->a, &rst, &call->err));
    if (rst.kind == TD_RST_RECOVERY)
        return td_enrol_refuse(call, TD_FAULT_NOT_SUPPORTED, TD_ENOTOFFERED, "RequestType", "Recovery is not offered");
    td_try(rst.kind == TD_RST_RENEW ? td_enrol_renew(call, &rst, &document) : td_enrol_issue(call, &rst, &document));
    struct td_soap head = answer_head(call);
    int64_t now = td_now(call->svc->env);
    head.activity_id = ""; /* the certificate's answer carries none (mde2.md 4.3) */
    head.security.created = stamp(call, now - 5 * TD_MINUTE);
    head.security.expires = stamp(call, now + 5 * TD_MINUTE);
    return td_rstrc_write(&head, &(struct td_rstrc){.document = td_buf_slice(&document)}, out, &call->err);
}

static void discovery_probe(void *ctx TD_UNUSED, struct td_http_request *req TD_UNUSED, struct td_http_reply *reply)
{
    reply->status = 200;
}

static void discovery_post(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    serve(ctx, req, reply, TD_ACTION_DISCOVER_RESPONSE, discover);
}

static void policy_post(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    serve(ctx, req, reply, TD_ACTION_POLICIES_RESPONSE, get_policies);
}

static void enrollment_post(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    serve(ctx, req, reply, TD_ACTION_RSTRC, request_token);
}

enum { MAX_FORM = 16 << 10 };

const struct td_route td_enrolment_routes[] = {
    {TD_GET, "/EnrollmentServer/Discovery.svc", discovery_probe, TD_ROUTE_LIMITED, 0},
    {TD_POST, "/EnrollmentServer/Discovery.svc", discovery_post, TD_ROUTE_LIMITED, TD_SOAP_MAX},
    {TD_POST, "/EnrollmentServer/Policy.svc", policy_post, 0, TD_SOAP_MAX},
    {TD_POST, "/EnrollmentServer/Enrollment.svc", enrollment_post, 0, TD_SOAP_MAX},
    {TD_GET, "/EnrollmentServer/Auth", td_enrol_auth_get, TD_ROUTE_LIMITED, 0},
    {TD_POST, "/EnrollmentServer/Auth", td_enrol_auth_post, TD_ROUTE_LIMITED, MAX_FORM},
    {TD_GET, "/EnrollmentServer/TermsOfUse", td_enrol_terms, TD_ROUTE_LIMITED, 0},
};
const size_t td_enrolment_route_count = TD_COUNTOF(td_enrolment_routes);
