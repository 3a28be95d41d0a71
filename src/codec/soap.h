/* SOAP 1.2 envelopes with WS-Addressing and WS-Security, as Windows enrolment uses them (mde2.md 0, 2.6 and 5).
 *
 * One struct for both directions: the service reads requests and writes answers, the device writes requests and reads
 * answers. The reader matches by namespace and local name whatever the prefixes, takes 1.1 envelopes too (one published
 * sample has them), and reads faults in any case of letters. The writer emits 1.2. Texts live in the caller's arena.
 * Pure. */
#ifndef TD_CODEC_SOAP_H
#define TD_CODEC_SOAP_H

#include "codec/xml.h"

enum { TD_SOAP_MAX = 512 << 10 }; /* octets of an envelope that a door or a client reads */

#define TD_SOAP_TYPE "application/soap+xml; charset=utf-8"

#define TD_NS_SOAP "http://www.w3.org/2003/05/soap-envelope"
#define TD_NS_SOAP11 "http://schemas.xmlsoap.org/soap/envelope/"
#define TD_NS_ADDRESSING "http://www.w3.org/2005/08/addressing"
#define TD_NS_DIAGNOSTICS "http://schemas.microsoft.com/2004/09/ServiceModel/Diagnostics"
#define TD_NS_WSSE "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
#define TD_NS_WSU "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
#define TD_NS_ENROLMENT_PKI "http://schemas.microsoft.com/windows/pki/2009/01/enrollment"
#define TD_WSSE_BASE64 TD_NS_WSSE "#base64binary"
#define TD_WSSE_PASSWORD_TEXT \
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText"

/* ValueTypes of the credential in the header (mde2.md 2.6). */
#define TD_TOKEN_TICKET "http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentUserToken"
#define TD_TOKEN_JWT "urn:ietf:params:oauth:token-type:jwt"
#define TD_TOKEN_X509 "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"

struct td_soap_security {   /* texts are "" and slices empty when absent */
    const char *token_type; /* ValueType of the BinarySecurityToken */
    struct td_slice token;  /* its content with base64 undone: a compact JWT, or the ticket of the federated page */
    bool has_token, has_username;
    const char *username;
    struct td_slice password;      /* empty in renewals */
    const char *created, *expires; /* of the Timestamp, as written */
};

struct td_soap { /* texts are "" when absent */
    const char *action, *message_id, *relates_to, *to;
    const char *activity_id;
    struct td_soap_security security;
    const struct td_xml *body; /* first element inside Body; not set when writing */
};

enum td_code td_soap_parse(struct td_slice in, struct td_arena *a, struct td_soap *ret, struct td_error *err)
    TD_MUST_USE;
/* Overwrites password and token once they were used. */
void td_soap_wipe(struct td_soap *soap);

/* Writes <s:Envelope>, the header and <s:Body>, and leaves Body open; td_soap_end closes it. A request writes
 * MessageID, ReplyTo and To, an answer RelatesTo; header elements whose text is "" or NULL are left out. */
void td_soap_begin(struct td_xmlw *w, const struct td_soap *soap);
/* Base64 as the text of the open element. */
void td_soap_base64(struct td_xmlw *w, struct td_slice bytes);
enum td_code td_soap_end(struct td_xmlw *w, struct td_error *err) TD_MUST_USE;

/* Faults. One table: what Windows calls it, its HRESULT, why it happens and what to do. Rows with an error_type are
 * told in the fault's Detail (DeviceEnrollmentServiceError), their subcode is the class they belong to; the others have
 * no Detail, so what they have to say stands in the reason. */
enum td_fault {
    TD_FAULT_MESSAGE_FORMAT,
    TD_FAULT_AUTHENTICATION,
    TD_FAULT_AUTHORIZATION,
    TD_FAULT_CERTIFICATE_REQUEST,
    TD_FAULT_ENROLLMENT_SERVER,
    TD_FAULT_INTERNAL,
    TD_FAULT_INVALID_SECURITY,
    TD_FAULT_DEVICE_CAP,
    TD_FAULT_DEVICE_NOT_SUPPORTED,
    TD_FAULT_NOT_SUPPORTED,
    TD_FAULT_NOT_ELIGIBLE_TO_RENEW,
    TD_FAULT_IN_MAINTENANCE,
    TD_FAULT_USER_LICENSE,
    TD_FAULT_INVALID_ENROLLMENT_DATA,
    TD_FAULT_CUSTOM,
    TD_FAULT_COUNT
};

struct td_fault_row {
    const char *subcode;    /* "s:Authorization" */
    const char *error_type; /* "DeviceCapReached", or NULL */
    uint32_t hresult;
    const char *cause, *remedy;
};
extern const struct td_fault_row td_fault_table[TD_FAULT_COUNT];

struct td_fault_text {    /* what one fault says; all "" when absent */
    const char *reason;   /* s:Reason, shown to the user by CustomServerError */
    const char *message;  /* Detail/Message */
    const char *trace_id; /* Detail/TraceId: finds the event in our log */
};

/* A whole envelope with the fault; action is the operation's response action. */
enum td_code td_soap_fault(const char *action, const char *relates_to, enum td_fault fault,
                           const struct td_fault_text *text, struct td_buf *out, struct td_error *err) TD_MUST_USE;
/* True if the body is a fault: which one it is (ErrorType first, then subcode; unknown ones are
 * TD_FAULT_ENROLLMENT_SERVER). */
bool td_soap_is_fault(const struct td_soap *soap, struct td_arena *a, enum td_fault *ret,
                      struct td_fault_text *ret_text);
/* The fault as our error: hresult, cause and remedy of the table, reason of the sender. For the device's side. */
enum td_code td_fault_error(enum td_fault fault, const struct td_fault_text *text, struct td_error *err);

#endif
