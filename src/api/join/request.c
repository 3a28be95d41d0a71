/* Reading a join request (join-and-tokens.md 3, 3.2), and the protocol's answers. */
#include "api/join/room.h"
#include "base/encode.h"
#include "codec/json.h"

#include <stdio.h>

static enum td_code base64_field(const struct td_json *object, const char *member, const char *field,
                                 struct td_arena *a, struct td_slice *ret, struct td_error *err)
{
    const char *text = td_json_str(object, member);
    if (text == NULL || text[0] == '\0')
        return td_fail(err, TD_EINVAL, field, "is missing");
    if (td_b64_decode(a, td_str(text), TD_B64_STD | TD_B64_SPACES | TD_B64_NOPAD, ret) != TD_OK)
        return td_fail(err, TD_EFORMAT, field, "is not base64");
    return TD_OK;
}

static enum td_code read_csr(const struct td_json *root, struct td_arena *a, struct td_csr *ret, struct td_error *err)
{
    const struct td_json *csr = td_json_get(root, "CertificateRequest");
    const char *type = td_json_str(csr, "Type");
    struct td_slice der = {0};
    struct td_error why = {0};
    if (type != NULL && !td_ieqs(td_str(type), "pkcs10"))
        return td_fail(err, TD_EINVAL, "CertificateRequest.Type", "only pkcs10 is offered");
    td_try(base64_field(csr, "Data", "CertificateRequest.Data", a, &der, err));
    enum td_code rc = td_csr_parse(der, a, ret, &why);
    if (rc != TD_OK)
        return td_fail(err, rc, "CertificateRequest.Data", "%s", why.text);
    if (ret->kind != TD_KEY_RSA && ret->kind != TD_KEY_P256)
        return td_fail(err, TD_EINVAL, "CertificateRequest.Data", "only RSA keys are offered");
    return TD_OK;
}

/* Clients that are not Windows send base64 of a JWK with its numbers in standard base64. */
static enum td_code key_from_jwk(struct td_slice text, struct td_arena *a, struct td_key **ret, struct td_error *err)
{
    struct td_json *jwk = NULL;
    struct td_slice n = {0}, e = {0};
    td_try(td_json_parse(text, TD_JOIN_MAX_BODY, a, &jwk, err));
    const char *kty = td_json_str(jwk, "kty"), *n64 = td_json_str(jwk, "n"), *e64 = td_json_str(jwk, "e");
    if (kty == NULL || strcmp(kty, "RSA") != 0 || n64 == NULL || e64 == NULL)
        return td_fail(err, TD_EINVAL, "TransportKey", "only RSA keys are offered");
    if (td_b64_decode(a, td_str(n64), TD_B64_ANY, &n) != TD_OK ||
        td_b64_decode(a, td_str(e64), TD_B64_ANY, &e) != TD_OK)
        return td_fail(err, TD_EFORMAT, "TransportKey", "its numbers are not base64");
    return td_key_from_rsa_numbers(n, e, ret, err);
}

static enum td_code read_transport_key(const struct td_json *root, struct td_arena *a, struct td_slice *ret,
                                       struct td_error *err)
{
    TD_CLEANUP(td_key_cleanup) struct td_key *key = NULL;
    struct td_slice raw = {0};
    struct td_error why = {0};
    td_try(base64_field(root, "TransportKey", "TransportKey", a, &raw, err));
    enum td_code rc =
        td_starts(td_trim(raw), "{") ? key_from_jwk(raw, a, &key, &why) : td_key_from_rsa_blob(raw, &key, &why);
    if (rc != TD_OK)
        return td_fail(err, rc, "TransportKey", "%s", why.text);
    return td_key_public_der(key, a, ret);
}

/* A text for people: bounded, no control characters. */
static enum td_code read_text(const struct td_json *root, const char *name, const char *otherwise, size_t max,
                              const char **ret, struct td_error *err)
{
    const struct td_json *v = td_json_get(root, name);
    const char *text = v == NULL || v->type == TD_JSON_NULL ? otherwise : td_json_str(root, name);
    if (text == NULL)
        return td_fail(err, TD_EINVAL, name, "is not a text");
    if (strlen(text) > max)
        return td_fail(err, TD_ELIMIT, name, "more than %zu octets", max);
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7F)
            return td_fail(err, TD_EINVAL, name, "holds a control character");
    *ret = text;
    return TD_OK;
}

static enum td_code read_join_type(const struct td_json *root, const char **ret, struct td_error *err)
{
    switch (td_json_int(root, "JoinType", 0)) {
    case 0:
    case 8:
        *ret = "AzureAd";
        return TD_OK;
    case 4:
        *ret = "Workplace";
        return TD_OK;
    case 6:
        return td_remedy(err, td_fail(err, TD_EINVAL, "JoinType", "a computer of a domain registers by PUT"),
                         "Send it to device/ with the objectGUID of its account (join-and-tokens.md 3.2).");
    default:
        return td_fail(err, TD_EINVAL, "JoinType", "0 (join), 4 (register) and 8 (join) are offered");
    }
}

/* Values of attributes are texts; what is not known is ignored. The ticket comes in base64 (3); one that was put in as
 * it is, with its dots, is taken too. */
static enum td_code read_ticket(const struct td_json *root, struct td_arena *a, struct td_slice *ret,
                                struct td_error *err)
{
    const char *text = td_json_str(td_json_iget(root, "attributes"), "MSA-DDID");
    struct td_slice plain = {0};
    *ret = td_str(text);
    if (ret->n > TD_JOIN_TICKET_MAX)
        return td_fail(err, TD_ELIMIT, "attributes.MSA-DDID", "is too long");
    if (td_find(*ret, '.') == SIZE_MAX && td_b64_decode(a, *ret, TD_B64_ANY, &plain) == TD_OK)
        *ret = plain;
    return TD_OK;
}

static enum td_code check_version(const struct td_http_request *req, struct td_error *err)
{
    struct td_slice v = td_http_query(req, "api-version");
    if (v.n != 0 && !td_eqs(v, "1.0") && !td_eqs(v, "2.0"))
        return td_fail(err, TD_EINVAL, "api-version", "1.0 and 2.0 are offered");
    return TD_OK;
}

static enum td_code read_root(const struct td_http_request *req, struct td_json **ret, struct td_error *err)
{
    td_try(check_version(req, err));
    if (td_json_parse(req->body, TD_JOIN_MAX_BODY, req->arena, ret, err) != TD_OK || (*ret)->type != TD_JSON_OBJECT)
        return td_fail(err, TD_EFORMAT, "body", "is not a JSON object");
    return TD_OK;
}

/* --- a computer of a domain --------------------------------------------------------------------------------------- */

/* S-1-5-21-1-2-3-1105.2030-01-02 03:04:05Z: without the time it would be good for ever. */
static enum td_code read_signed(struct td_join_identity *who, struct td_arena *a, struct td_error *err)
{
    struct td_slice time = td_cut(who->text, '.', &who->sid);
    char *iso = td_arena_text(a, time);
    char *blank = strchr(iso, ' ');
    if (blank != NULL)
        *blank = 'T';
    if (td_istarts(who->sid, "S-1-") && td_time_parse(td_str(iso), &who->signed_at))
        return TD_OK;
    return td_fail(err, TD_EINVAL, "ServerAdJoinData.ClientIdentity.Sid", "is not a SID, a dot and the time in UTC");
}

static enum td_code read_identity(const struct td_json *join, struct td_arena *a, struct td_join_identity *ret,
                                  struct td_error *err)
{
    const struct td_json *who = td_json_get(join, "ClientIdentity");
    const char *type = td_json_str(who, "Type"), *sid = td_json_str(who, "Sid");
    if (type != NULL && !td_ieqs(td_str(type), "sha256signed"))
        return td_fail(err, TD_EINVAL, "ServerAdJoinData.ClientIdentity.Type", "only sha256signed is offered");
    if (sid == NULL || strlen(sid) > TD_JOIN_NAME_MAX)
        return td_fail(err, TD_EINVAL, "ServerAdJoinData.ClientIdentity.Sid", "is missing or too long");
    ret->text = td_str(sid);
    td_try(read_signed(ret, a, err));
    td_try(base64_field(who, "SignedBlob", "ServerAdJoinData.ClientIdentity.SignedBlob", a, &ret->signature, err));
    return read_text(join, "TargetDomainId", "", TD_JOIN_NAME_MAX, &ret->tenant_id, err);
}

/* Members stand in ServerAdJoinData; a client that puts them beside it, as the other joins have them, is understood. */
static enum td_code read_hybrid(const struct td_json *root, const struct td_json *join, struct td_arena *a,
                                struct td_join_request *ret, struct td_join_identity *ret_who, struct td_error *err)
{
    const struct td_json *in = td_json_get(join, "TransportKey") != NULL ? join : root;
    if (td_json_int(root, "JoinType", 6) != 6)
        return td_fail(err, TD_EINVAL, "JoinType", "6 is offered here");
    ret->trust_type = "ServerAd";
    td_try(read_csr(root, a, &ret->csr, err));
    if (ret->csr.kind != TD_KEY_RSA)
        return td_fail(err, TD_EINVAL, "CertificateRequest.Data", "only RSA keys are offered");
    td_try(read_transport_key(in, a, &ret->transport_key, err));
    td_try(read_text(join, "DeviceDisplayName", "", TD_JOIN_NAME_MAX, &ret->display_name, err));
    td_try(read_text(join, "DeviceType", "Windows", TD_JOIN_OS_MAX, &ret->os, err));
    td_try(read_text(join, "OSVersion", "", TD_JOIN_OS_MAX, &ret->os_version, err));
    return read_identity(join, a, ret_who, err);
}

enum td_code td_join_parse_hybrid(const struct td_http_request *req, struct td_join_request *ret,
                                  struct td_join_identity *ret_who, struct td_error *err)
{
    struct td_json *root = NULL;
    td_try(read_root(req, &root, err));
    const struct td_json *join = td_json_get(root, "ServerAdJoinData");
    if (join == NULL || join->type != TD_JSON_OBJECT)
        return td_fail(err, TD_EINVAL, "ServerAdJoinData", "is missing");
    return read_hybrid(root, join, req->arena, ret, ret_who, err);
}

enum td_code td_join_parse(const struct td_http_request *req, struct td_join_request *ret, struct td_error *err)
{
    struct td_json *root = NULL;
    td_try(read_root(req, &root, err));
    td_try(read_join_type(root, &ret->trust_type, err));
    td_try(read_csr(root, req->arena, &ret->csr, err));
    td_try(read_transport_key(root, req->arena, &ret->transport_key, err));
    td_try(read_text(root, "DeviceDisplayName", "", TD_JOIN_NAME_MAX, &ret->display_name, err));
    td_try(read_text(root, "DeviceType", "Windows", TD_JOIN_OS_MAX, &ret->os, err));
    td_try(read_text(root, "OSVersion", "", TD_JOIN_OS_MAX, &ret->os_version, err));
    return read_ticket(root, req->arena, &ret->ticket, err);
}

/* MembershipChanges as the array of the example, not the object of its schema (3). */
static void write_members(struct td_jsonw *w, const struct td_join_answer *answer)
{
    td_jsonw_key(w, "MembershipChanges");
    td_jsonw_arr(w);
    if (answer->administrators[0] != NULL) {
        td_jsonw_obj(w);
        td_jsonw_kstr(w, "LocalSID", "S-1-5-32-544");
        td_jsonw_key(w, "AddSIDs");
        td_jsonw_arr(w);
        for (size_t i = 0; answer->administrators[i] != NULL; i++)
            td_jsonw_str(w, answer->administrators[i]);
        td_jsonw_arr_end(w);
        td_jsonw_end(w);
    }
    td_jsonw_arr_end(w);
}

void td_join_reply(const struct td_join_answer *answer, struct td_arena *a, struct td_http_reply *reply)
{
    enum { REPLY_MAX = 32768 };
    struct td_buf out;
    struct td_jsonw w;
    td_buf_init(&out, REPLY_MAX);
    td_jsonw_init(&w, &out);
    td_jsonw_obj(&w);
    td_jsonw_key(&w, "Certificate");
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "Thumbprint", answer->cert->sha1);
    td_jsonw_kstr(&w, "RawBody", td_b64(a, answer->cert->der));
    td_jsonw_end(&w);
    td_jsonw_key(&w, "User");
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "Upn", answer->upn);
    td_jsonw_end(&w);
    write_members(&w, answer);
    td_jsonw_end(&w);
    td_reply_text(reply, 200, "application/json", td_buf_slice(&out));
    td_buf_done(&out);
}

static const struct refusal {
    enum td_code code;
    int status;
    const char *type;
} refusals[] = {
    {TD_EAUTH, 401, "AuthenticationError"},
    {TD_EEXPIRED, 401, "AuthenticationError"},
    {TD_EDENIED, 403, "AuthorizationError"},
    {TD_ESTATE, 403, "AuthorizationError"},
    {TD_ENOTOFFERED, 501, "NotSupported"},
    {TD_ENOTFOUND, 404, "NotFound"},
    {TD_EUNAVAILABLE, 503, "ServiceUnavailable"},
    {TD_EINTERNAL, 500, "InternalError"},
    {TD_EIO, 500, "InternalError"},
    {TD_EINVAL, 400, "InvalidRequest"},
    {TD_EFORMAT, 400, "InvalidRequest"},
    {TD_ELIMIT, 400, "InvalidRequest"},
    {TD_EEXISTS, 400, "InvalidRequest"},
};

static const struct refusal *refusal_of(enum td_code code)
{
    for (size_t i = 0; i < TD_COUNTOF(refusals); i++)
        if (refusals[i].code == code)
            return &refusals[i];
    return &refusals[7]; /* InternalError */
}

/* 02-24-2030 17:37:01Z */
static const char *protocol_time(int64_t now, struct td_arena *a)
{
    const char *iso = td_time_arena(a, now); /* 2030-02-24T17:37:01Z */
    return td_arena_printf(a, "%.5s-%.4s %s", iso + 5, iso, iso + 11);
}

void td_join_refuse(const struct td_service *svc, const struct td_error *err, struct td_arena *a,
                    struct td_http_reply *reply)
{
    const struct refusal *r = refusal_of(err->code);
    bool ours = r->status == 500;
    struct td_buf out;
    struct td_jsonw w;
    td_buf_init(&out, 4096);
    td_jsonw_init(&w, &out);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "ErrorType", r->type);
    td_jsonw_kstr(&w, "Message",
                  ours ? "The service failed; the request may be sent again."
                       : td_arena_printf(a, "%s: %s%s%s%s", err->where, err->text,
                                         td_ends(td_str(err->text), ".") ? "" : ".", err->remedy[0] != '\0' ? " " : "",
                                         err->remedy));
    td_jsonw_kstr(&w, "TraceId", td_uuid_arena(svc->env, a));
    td_jsonw_kstr(&w, "Time", protocol_time(td_now(svc->env), a));
    td_jsonw_end(&w);
    td_reply_text(reply, r->status, "application/json; charset=utf-8", td_buf_slice(&out));
    td_buf_done(&out);
    if (r->status == 401)
        td_reply_header(reply, "WWW-Authenticate", "Bearer");
    if (r->status == 503)
        td_reply_header(reply, "Retry-After", "5");
}
