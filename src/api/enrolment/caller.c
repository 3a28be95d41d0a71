/* Who enrols: the header's credential, not the discovery's answer, decides (mde2.md 2). */
#include "api/enrolment/room.h"
#include "base/fault.h"
#include "crypto/digest.h"
#include "store/user.h"

#include <string.h>

static enum td_code unproven(struct td_enrol *call, const char *text)
{
    return td_enrol_refuse(call, TD_FAULT_AUTHENTICATION, TD_EAUTH, "credential", text);
}

static bool has_scope(const char *scopes, const char *wanted)
{
    struct td_slice rest = td_str(scopes), one;
    while (rest.n != 0) {
        rest = td_cut(rest, ' ', &one);
        if (td_eqs(one, wanted))
            return true;
    }
    return false;
}

struct reading {
    struct td_enrol *call;
    struct td_claims claims;
    struct td_enrol_caller caller;
    struct td_peer_identity peer;
    struct td_enrolment enrolment;
};

static enum td_code check_token(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct reading *r = ctx;
    return td_token_check(r->call->svc, tx, r->call->soap.security.token, TD_RESOURCE_MANAGEMENT, r->call->a,
                          &r->claims, err);
}

/* mde2.md 2.2: a user's token carries mdm_delegation; a device's token names no user and needs no scope. */
static enum td_code by_token(struct td_enrol *call, struct td_enrol_caller *ret)
{
    struct reading r = {.call = call};
    td_try(td_store_read(call->svc->store, check_token, &r, &call->err));
    const struct td_claims *c = &r.claims;
    if (!c->device_only && c->upn[0] == '\0')
        return td_enrol_refuse(call, TD_FAULT_AUTHORIZATION, TD_EDENIED, "token",
                               "an application can't enrol a device");
    if (!c->device_only && !has_scope(c->scope, "mdm_delegation") && !td_fault("enrol-any-scope"))
        return td_enrol_refuse(call, TD_FAULT_AUTHORIZATION, TD_EDENIED, "token",
                               "the token does not carry the scope mdm_delegation");
    *ret = (struct td_enrol_caller){.how = "token",
                                    .tenant = c->tenant,
                                    .user_id = c->device_only ? "" : c->oid,
                                    .upn = c->upn,
                                    .device_id = c->device_id,
                                    .enrolment_id = ""};
    return TD_OK;
}

enum td_code td_enrol_user(struct td_enrol *call, struct td_tx *tx, const struct td_enrol_caller *caller)
{
    struct td_user user;
    if (caller->user_id[0] == '\0')
        return TD_OK;
    enum td_code rc = td_user_find(tx, caller->tenant, td_str(caller->user_id), call->a, &user, &call->err);
    if (rc == TD_ENOTFOUND || (rc == TD_OK && !user.enabled && !td_fault("enrol-disabled-user")))
        return unproven(call, "the user account is deleted or disabled");
    return rc;
}

static enum td_code check_user(struct td_tx *tx, void *ctx, struct td_error *err TD_UNUSED)
{
    struct reading *r = ctx;
    return td_enrol_user(r->call, tx, &r->caller);
}

/* The ticket that the last page of our sign-in gave to the device as wresult. */
static enum td_code by_ticket(struct td_enrol *call, struct td_enrol_caller *ret)
{
    const struct td_json *note;
    td_try(td_ticket_open(call->svc, "enrol", call->soap.security.token, call->a, &note, &call->err));
    const char *tenant = td_json_str(note, "tenant"), *user = td_json_str(note, "user"),
               *upn = td_json_str(note, "upn");
    if (tenant == NULL || user == NULL || upn == NULL)
        return unproven(call, "the ticket names no user");
    struct reading r = {.call = call};
    r.caller = (struct td_enrol_caller){
        .how = "ticket", .tenant = tenant, .user_id = user, .upn = upn, .device_id = "", .enrolment_id = ""};
    td_try(td_store_read(call->svc->store, check_user, &r, &call->err));
    *ret = r.caller;
    return TD_OK;
}

/* Of a directory's people: what another password, or some time, mends. Disabled is an authorization's matter. */
static bool another_password(const struct td_error *err)
{
    enum td_domain_reason reason = td_sign_in_reason(err);
    return reason == TD_DJ_MUST_CHANGE || reason == TD_DJ_PASSWORD_EXPIRED || reason == TD_DJ_LOCKED;
}

static enum td_code by_password(struct td_enrol *call, struct td_enrol_caller *ret)
{
    const struct td_soap_security *s = &call->soap.security;
    struct td_signed_in who;
    enum td_code rc =
        td_sign_in(call->svc, td_str(s->username), s->password, call->req->peer->address, call->a, &who, &call->err);
    if (rc == TD_ELIMIT || rc == TD_EINVAL || rc == TD_EFORMAT || (rc == TD_EDENIED && another_password(&call->err)))
        call->fault = TD_FAULT_AUTHENTICATION; /* locked for a while, or a name that can't be one */
    td_try(rc);
    *ret = (struct td_enrol_caller){.how = "password",
                                    .tenant = who.tenant,
                                    .user_id = who.user_id,
                                    .upn = who.upn,
                                    .device_id = "",
                                    .enrolment_id = ""};
    return TD_OK;
}

static enum td_code check_peer(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct reading *r = ctx;
    struct td_enrol *call = r->call;
    td_try(td_authority_peer(call->svc, tx, call->req->peer, TD_PURPOSE_MANAGEMENT, call->a, &r->peer, err));
    return td_enrolment_serving(tx, r->peer.tenant, r->peer.subject, call->a, &r->enrolment, err);
}

enum td_code td_enrol_certificate(struct td_enrol *call, struct td_enrolment *ret)
{
    struct reading r = {.call = call};
    enum td_code rc = td_store_read(call->svc->store, check_peer, &r, &call->err);
    if (rc == TD_EAUTH || rc == TD_EDENIED)
        call->fault = TD_FAULT_AUTHENTICATION; /* revoked, foreign, or of another purpose */
    td_try(rc);
    *ret = r.enrolment;
    return TD_OK;
}

/* A renewal may ask for the policy again; it shows its certificate and a name without password (mde2.md 2.6). */
static enum td_code by_certificate(struct td_enrol *call, struct td_enrol_caller *ret)
{
    struct td_enrolment e;
    td_try(td_enrol_certificate(call, &e));
    *ret = (struct td_enrol_caller){.how = "certificate",
                                    .tenant = e.tenant,
                                    .user_id = e.user_id,
                                    .upn = e.user_upn,
                                    .device_id = e.device_id,
                                    .enrolment_id = e.id};
    return TD_OK;
}

static enum td_code prove(struct td_enrol *call, struct td_enrol_caller *ret)
{
    const struct td_soap_security *s = &call->soap.security;
    if (s->has_token && strcmp(s->token_type, TD_TOKEN_JWT) == 0)
        return by_token(call, ret);
    if (s->has_token && strcmp(s->token_type, TD_TOKEN_TICKET) == 0)
        return by_ticket(call, ret);
    if (s->has_token && strcmp(s->token_type, TD_TOKEN_X509) == 0)
        return td_enrol_refuse(call, TD_FAULT_NOT_SUPPORTED, TD_ENOTOFFERED, "credential",
                               "enrolment by certificate is not offered");
    if (s->has_token)
        return td_enrol_refuse(call, TD_FAULT_INVALID_SECURITY, TD_EINVAL, "Security",
                               "the ValueType of the BinarySecurityToken is not known");
    if (s->has_username && s->password.n != 0)
        return by_password(call, ret);
    if (call->req->peer->cert.n != 0)
        return by_certificate(call, ret);
    return unproven(call, "the request carries no credential");
}

enum td_code td_enrol_caller(struct td_enrol *call, struct td_enrol_caller *ret)
{
    enum td_code rc = prove(call, ret);
    td_soap_wipe(&call->soap);
    return rc;
}
