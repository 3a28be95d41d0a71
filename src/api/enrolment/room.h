/* Inside the enrolment door: what its files share. Nobody else includes this. */
#ifndef TD_API_ENROLMENT_ROOM_H
#define TD_API_ENROLMENT_ROOM_H

#include "api/authority.h"
#include "api/enrolment.h"
#include "api/token.h"
#include "codec/wap.h"
#include "codec/wstep.h"
#include "store/device.h"

enum {
    TD_ENROL_VERSION = 40, /* EnrollmentVersion that we offer: attestation (5.0) is a later matter (mde2.md 1.2) */
    TD_ENROL_CERT_DAYS = 365,
    TD_ENROL_RENEW_DAYS = 60, /* before the end: from then on a certificate may be renewed */
    TD_ENROL_RETRY_DAYS = 4
};

struct td_enrol { /* one SOAP request */
    struct td_service *svc;
    struct td_http_request *req;
    struct td_http_reply *reply;
    struct td_arena *a;
    const char *action; /* of the answer */
    struct td_soap soap;
    enum td_fault fault; /* said by who refuses; TD_FAULT_COUNT: follows from the error's code */
    struct td_error err;
    bool no_page; /* the tenant's status page for this device is switched off */
};

/* Whoever the header's credential proves. Texts are "" when absent. */
struct td_enrol_caller {
    const char *how; /* "token", "ticket", "password", "certificate" */
    const char *tenant, *user_id, *upn;
    const char *device_id;    /* directory device of the token */
    const char *enrolment_id; /* of the client's management certificate */
};

/* Refuses with this fault: sets it and the error, returns code. */
enum td_code td_enrol_refuse(struct td_enrol *call, enum td_fault fault, enum td_code code, const char *where,
                             const char *text);
/* The fault that call->fault, or else the error's code, stands for. */
enum td_fault td_enrol_fault_of(const struct td_enrol *call);

/* Reads the credential and proves it. The password and token in call->soap are wiped. */
enum td_code td_enrol_caller(struct td_enrol *call, struct td_enrol_caller *ret);
/* The management certificate of the connection, known and in force, and its enrolment. */
enum td_code td_enrol_certificate(struct td_enrol *call, struct td_enrolment *ret);
/* In a transaction: the caller's user is still there and enabled. */
enum td_code td_enrol_user(struct td_enrol *call, struct td_tx *tx, const struct td_enrol_caller *caller);

/* In a transaction: a device whose present join rests on a proven TPM asks by a key that its TPM certified
 * (enrolment/attested.c). *key: SHA-256 of the request's key, read once, NULL at first. */
enum td_code td_enrol_attested_key(struct td_enrol *call, struct td_tx *tx, const struct td_device_row *device,
                                   const char *tenant, struct td_slice csr, const char **key);
/* Setting userless-once: refuses the second deployment of a registration without a user; notes the first. */
enum td_code td_enrol_once(struct td_enrol *call, struct td_tx *tx, const struct td_enrol_caller *caller,
                           const struct td_device_row *device);
enum td_code td_enrol_once_note(struct td_enrol *call, struct td_tx *tx, const struct td_enrol_caller *caller,
                                const char *registration_id);

/* RequestSecurityToken: document gets the wap-provisioningdoc. */
enum td_code td_enrol_issue(struct td_enrol *call, const struct td_rst *rst, struct td_buf *document);
enum td_code td_enrol_renew(struct td_enrol *call, const struct td_rst *rst, struct td_buf *document);

/* A management certificate for the key in the request. */
struct td_enrol_cert {
    struct td_slice der;
    unsigned char sha256[32];
    const char *sha1;    /* thumbprint, upper-case hex */
    const char *serial;  /* upper-case hex */
    const char *subject; /* as Windows prints it */
    int64_t not_after;
};
enum td_code td_enrol_sign(struct td_enrol *call, struct td_slice csr, const char *enrolment_id,
                           struct td_enrol_cert *ret);

/* Secrets of a new enrolment, and the same sealed for its row. */
enum td_code td_enrol_secrets_make(const struct td_service *svc, const char *enrolment_id, struct td_arena *a,
                                   struct td_appauth *ret, struct td_slice *ret_sealed);
enum td_code td_enrol_document(struct td_enrol *call, const struct td_enrolment *e, const struct td_enrol_cert *cert,
                               const struct td_appauth *secrets, struct td_buf *out);
enum td_code td_enrol_renewal_document(struct td_enrol *call, const struct td_enrolment *e,
                                       const struct td_enrol_cert *cert, struct td_buf *out);

/* Pages (enrolment/page.c). */
td_handler td_enrol_auth_get, td_enrol_auth_post, td_enrol_terms;

#endif
