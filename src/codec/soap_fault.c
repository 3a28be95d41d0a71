/* Faults of the enrolment services (mde2.md 5): the table, the writer, the reader. */
#include "codec/soap.h"

#include <stdio.h>
#include <string.h>

#define ROW(subcode, type, hresult, cause, remedy) \
    {                                              \
        subcode, type, hresult, cause, remedy      \
    }

const struct td_fault_row td_fault_table[TD_FAULT_COUNT] = {
    [TD_FAULT_MESSAGE_FORMAT] = ROW("s:MessageFormat", NULL, 0x80180001, "The request does not follow its format.",
                                    "Update the client; the reason names the element."),
    [TD_FAULT_AUTHENTICATION] = ROW("s:Authentication", NULL, 0x80180002, "The credential was not accepted.",
                                    "Sign in again with an account of this organization."),
    [TD_FAULT_AUTHORIZATION] = ROW("s:Authorization", NULL, 0x80180003, "This user may not enrol devices.",
                                   "Ask the administrator to allow enrolment for this user."),
    [TD_FAULT_CERTIFICATE_REQUEST] =
        ROW("s:CertificateRequest", NULL, 0x80180004, "The certificate request was refused.",
            "Start the enrolment again, so that the device makes a new key and request."),
    [TD_FAULT_ENROLLMENT_SERVER] =
        ROW("s:EnrollmentServer", NULL, 0x80180005, "The enrolment service failed.", "Try again in a few minutes."),
    [TD_FAULT_INTERNAL] = ROW("a:InternalServiceFault", NULL, 0x80180006, "The enrolment service met an error.",
                              "Try again; if it stays so, give the trace id to the administrator."),
    [TD_FAULT_INVALID_SECURITY] = ROW("a:InvalidSecurity", NULL, 0x80180007, "The security header can't be read.",
                                      "Update the client; the reason names the element."),
    [TD_FAULT_DEVICE_CAP] = ROW("s:Authorization", "DeviceCapReached", 0x80180013,
                                "This user has enrolled as many devices as the organization allows.",
                                "Retire a device that is no longer used, or ask for a higher limit."),
    [TD_FAULT_DEVICE_NOT_SUPPORTED] = ROW("s:Authorization", "DeviceNotSupported", 0x80180014,
                                          "The organization's enrolment restrictions refuse this device.",
                                          "Ask the administrator to register the device, to unblock it (it deployed "
                                          "without a user before) or to change the restriction."),
    [TD_FAULT_NOT_SUPPORTED] =
        ROW("s:EnrollmentServer", "NotSupported", 0x80180015, "The service does not offer what the device asked for.",
            "Enrol with another of the offered ways."),
    [TD_FAULT_NOT_ELIGIBLE_TO_RENEW] =
        ROW("s:Authorization", "NotEligibleToRenew", 0x80180016, "The certificate can't be renewed now.",
            "Wait for the renewal period, or enrol again if the certificate has ended."),
    [TD_FAULT_IN_MAINTENANCE] = ROW("s:EnrollmentServer", "InMaintenance", 0x80180017,
                                    "The enrolment service is in maintenance.", "Try again in a few minutes."),
    [TD_FAULT_USER_LICENSE] =
        ROW("s:Authorization", "UserLicense", 0x80180018, "The user's account does not include device management.",
            "Ask the administrator to enable the account for device management."),
    [TD_FAULT_INVALID_ENROLLMENT_DATA] = ROW("s:MessageFormat", "InvalidEnrollmentData", 0x80180019,
                                             "The enrolment data that the device returned is not valid.",
                                             "Start the enrolment again from its first page."),
    [TD_FAULT_CUSTOM] = ROW("s:EnrollmentServer", "CustomServerError", 0x80180032,
                            "The enrolment service gave a reason of its own.", "Follow the reason's text."),
};

/* Only with an ErrorType: the published sample of a fault that has none goes without Detail. */
static void write_detail(struct td_xmlw *w, const struct td_fault_row *row, const struct td_fault_text *text)
{
    if (row->error_type == NULL)
        return;
    td_xmlw_open(w, "s:Detail");
    td_xmlw_open(w, "DeviceEnrollmentServiceError");
    td_xmlw_attr(w, "xmlns", TD_NS_ENROLMENT_PKI);
    td_xmlw_leaf(w, "ErrorType", row->error_type);
    td_xmlw_leaf(w, "Message", text->message[0] != '\0' ? text->message : row->cause);
    td_xmlw_leaf(w, "TraceId", text->trace_id);
    td_xmlw_close(w);
    td_xmlw_close(w);
}

static void write_code(struct td_xmlw *w, const char *subcode)
{
    td_xmlw_open(w, "s:Code");
    td_xmlw_leaf(w, "s:Value", "s:Receiver");
    td_xmlw_open(w, "s:Subcode");
    td_xmlw_leaf(w, "s:Value", subcode);
    td_xmlw_close(w);
    td_xmlw_close(w);
}

static void write_reason(struct td_xmlw *w, const char *reason)
{
    td_xmlw_open(w, "s:Reason");
    td_xmlw_open(w, "s:Text");
    td_xmlw_attr(w, "xml:lang", "en-US");
    td_xmlw_text(w, td_str(reason));
    td_xmlw_close(w);
    td_xmlw_close(w);
}

static const char *or_empty(const char *s)
{
    return s != NULL ? s : "";
}

enum td_code td_soap_fault(const char *action, const char *relates_to, enum td_fault fault,
                           const struct td_fault_text *text, struct td_buf *out, struct td_error *err)
{
    const struct td_fault_row *row = &td_fault_table[fault];
    struct td_fault_text t = {or_empty(text->reason), or_empty(text->message), or_empty(text->trace_id)};
    struct td_xmlw w;
    td_xmlw_init(&w, out);
    td_soap_begin(&w, &(struct td_soap){.action = action, .relates_to = relates_to});
    td_xmlw_open(&w, "s:Fault");
    write_code(&w, row->subcode);
    write_reason(&w, t.reason[0] != '\0' ? t.reason : row->cause);
    write_detail(&w, row, &t);
    td_xmlw_close(&w);
    return td_soap_end(&w, err);
}

/* The published documents print every element of a fault in lower case. */
static const struct td_xml *child(const struct td_xml *node, const char *name)
{
    if (node == NULL)
        return NULL;
    for (const struct td_xml *c = node->child; c != NULL; c = c->next) {
        if (td_ieqs(td_str(c->name), name))
            return c;
    }
    return NULL;
}

/* "s:Authorization" against "anything:authorization". */
static bool same_local(struct td_slice subcode, const char *row)
{
    struct td_slice head, tail = td_cut(subcode, ':', &head);
    struct td_slice row_head, row_tail = td_cut(td_str(row), ':', &row_head);
    return td_ieq(tail.n != 0 ? tail : head, row_tail);
}

static enum td_fault find_fault(struct td_slice error_type, struct td_slice subcode)
{
    for (int i = 0; i < TD_FAULT_COUNT; i++) {
        if (td_fault_table[i].error_type != NULL && td_ieqs(error_type, td_fault_table[i].error_type))
            return (enum td_fault)i;
    }
    for (int i = 0; i < TD_FAULT_COUNT; i++) {
        if (td_fault_table[i].error_type == NULL && same_local(subcode, td_fault_table[i].subcode))
            return (enum td_fault)i;
    }
    return TD_FAULT_ENROLLMENT_SERVER;
}

bool td_soap_is_fault(const struct td_soap *soap, struct td_arena *a, enum td_fault *ret,
                      struct td_fault_text *ret_text)
{
    const struct td_xml *fault = soap->body;
    if (fault == NULL || !td_ieqs(td_str(fault->name), "Fault"))
        return false;
    const struct td_xml *code = child(fault, "Code"), *sub = child(child(code, "Subcode"), "Value");
    const struct td_xml *detail = child(child(fault, "Detail"), "DeviceEnrollmentServiceError");
    *ret = find_fault(td_xml_text(child(detail, "ErrorType")), td_xml_text(sub));
    ret_text->reason = td_arena_text(a, td_xml_text(child(child(fault, "Reason"), "Text")));
    ret_text->message = td_arena_text(a, td_xml_text(child(detail, "Message")));
    ret_text->trace_id = td_arena_text(a, td_xml_text(child(detail, "TraceId")));
    return true;
}

static enum td_code code_of(enum td_fault fault)
{
    switch (fault) {
    case TD_FAULT_MESSAGE_FORMAT:
    case TD_FAULT_INVALID_SECURITY:
    case TD_FAULT_INVALID_ENROLLMENT_DATA:
    case TD_FAULT_CERTIFICATE_REQUEST:
        return TD_EINVAL;
    case TD_FAULT_AUTHENTICATION:
        return TD_EAUTH;
    case TD_FAULT_ENROLLMENT_SERVER:
    case TD_FAULT_INTERNAL:
    case TD_FAULT_IN_MAINTENANCE:
        return TD_EUNAVAILABLE;
    case TD_FAULT_NOT_SUPPORTED:
        return TD_ENOTOFFERED;
    case TD_FAULT_NOT_ELIGIBLE_TO_RENEW:
        return TD_ESTATE;
    default:
        return TD_EDENIED;
    }
}

enum td_code td_fault_error(enum td_fault fault, const struct td_fault_text *text, struct td_error *err)
{
    const struct td_fault_row *row = &td_fault_table[fault];
    const char *said = or_empty(text->message)[0] != '\0' ? text->message : or_empty(text->reason);
    enum td_code code = td_fail(err, code_of(fault), row->error_type != NULL ? row->error_type : row->subcode, "%s",
                                said[0] != '\0' ? said : row->cause);
    if (err != NULL)
        err->hresult = row->hresult;
    return td_remedy(err, code, "%s", row->remedy);
}
