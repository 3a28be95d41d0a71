/* Inside of the join door: shared by join*.c, by nobody else. */
#ifndef TD_API_JOIN_ROOM_H
#define TD_API_JOIN_ROOM_H

#include "api/service.h"
#include "crypto/cert.h"

enum {
    TD_JOIN_MAX_BODY = 65536,
    TD_JOIN_NAME_MAX = 255, /* octets of a computer name */
    TD_JOIN_OS_MAX = 64,
    TD_JOIN_TICKET_MAX = 8192,
};

struct td_join_request { /* a join as asked, checked for form; texts never NULL */
    struct td_csr csr;
    struct td_slice transport_key; /* SubjectPublicKeyInfo */
    const char *display_name, *os, *os_version;
    const char *trust_type; /* "AzureAd" or "Workplace" */
    struct td_slice ticket; /* attribute MSA-DDID; empty if none */
};

/* TD_EINVAL, TD_EFORMAT or TD_ELIMIT with the field's name. */
enum td_code td_join_parse(const struct td_http_request *req, struct td_join_request *ret, struct td_error *err)
    TD_MUST_USE;

struct td_join_identity { /* ClientIdentity of a computer of a domain (3.2) */
    struct td_slice text; /* as signed: "S-1-5-21-... .2030-01-02 03:04:05Z" without the blank */
    struct td_slice sid;  /* its first part */
    int64_t signed_at;
    struct td_slice signature;
    const char *tenant_id; /* TargetDomainId, "" if it did not come */
};
enum td_code td_join_parse_hybrid(const struct td_http_request *req, struct td_join_request *ret,
                                  struct td_join_identity *ret_who, struct td_error *err) TD_MUST_USE;

/* The answer to a join that went well. */
struct td_join_answer {
    const struct td_cert *cert;
    const char *upn;               /* "" nobody's */
    const char *administrators[4]; /* SIDs for the local administrators, NULL-terminated; none: no change */
};
void td_join_reply(const struct td_join_answer *answer, struct td_arena *a, struct td_http_reply *reply);

/* The device's certificate: subject CN and the private extensions of join-and-tokens.md 3. */
struct td_join_subject {
    const char *device_id, *user_id, *tenant;
};
enum td_code td_join_certify(const struct td_service *svc, const struct td_join_subject *s, struct td_slice spki,
                             struct td_arena *a, struct td_slice *ret_der, struct td_error *err) TD_MUST_USE;
/* altSecurityIdentities of a certificate. */
char *td_join_alt_security_id(const struct td_cert *cert, struct td_arena *a);
/* S-1-12-1-... of an object id. */
char *td_join_sid(const char *object_id, struct td_arena *a);
/* The tenant's group that holds a directory role, as it appears among local administrators. */
char *td_join_role_sid(const char *tenant, const char *role, struct td_arena *a);

/* The error shape of this protocol, with a status per code: 401 TD_EAUTH and TD_EEXPIRED, 403 TD_EDENIED and TD_ESTATE,
 * 501 TD_ENOTOFFERED, 503 TD_EUNAVAILABLE, 500 our own faults, 400 the rest. */
void td_join_refuse(const struct td_service *svc, const struct td_error *err, struct td_arena *a,
                    struct td_http_reply *reply);

void td_join_complete(void *ctx, struct td_http_request *req, struct td_http_reply *reply);
void td_join_contract(void *ctx, struct td_http_request *req, struct td_http_reply *reply);
void td_join_discover(void *ctx, struct td_http_request *req, struct td_http_reply *reply);
void td_join_leave(void *ctx, struct td_http_request *req, struct td_http_reply *reply);
void td_join_nonce(void *ctx, struct td_http_request *req, struct td_http_reply *reply);

#endif
