#include "graph/error.h"

#include "codec/json.h"

#include <string.h>

/* What goes into a header of ours must be visible ASCII. */
static const char *echo_of(struct td_http_request *req)
{
    struct td_slice theirs = td_sub(td_http_header(req, "client-request-id"), 0, 128);
    for (size_t i = 0; i < theirs.n; i++)
        if (theirs.p[i] <= ' ' || theirs.p[i] > '~')
            return NULL;
    return theirs.n != 0 ? td_arena_text(req->arena, theirs) : NULL;
}

static bool has_header(const struct td_http_reply *reply, const char *name)
{
    size_t i = 0;
    while (i < reply->header_count && strcmp(reply->headers[i].name, name) != 0)
        i++;
    return i < reply->header_count;
}

const char *td_graph_headers(const struct td_service *svc, struct td_http_request *req, struct td_http_reply *reply)
{
    for (size_t i = 0; i < reply->header_count; i++)
        if (strcmp(reply->headers[i].name, "request-id") == 0)
            return reply->headers[i].value;
    const char *id = td_uuid_arena(svc->env, req->arena), *theirs = echo_of(req);
    td_reply_header(reply, "request-id", id);
    td_reply_header(reply, "client-request-id", theirs != NULL ? theirs : id);
    td_reply_header(reply, "OData-Version", "4.0");
    td_reply_header(reply, "Cache-Control", "no-cache");
    return id;
}

void td_graph_error(const struct td_service *svc, struct td_http_request *req, struct td_http_reply *reply, int status,
                    const char *code, const char *message)
{
    struct td_jsonw w;
    char now[TD_TIME_TEXT];
    const char *id = td_graph_headers(svc, req, reply), *theirs = echo_of(req);
    td_buf_reset(&reply->body);
    td_jsonw_init(&w, &reply->body);
    td_jsonw_obj(&w);
    td_jsonw_key(&w, "error");
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "code", code);
    td_jsonw_kstr(&w, "message", message);
    td_jsonw_key(&w, "innerError");
    td_jsonw_obj(&w);
    td_time_text(td_now(svc->env), now);
    now[strlen(now) - 1] = '\0'; /* this member goes without Z */
    td_jsonw_kstr(&w, "date", now);
    td_jsonw_kstr(&w, "request-id", id);
    td_jsonw_kstr(&w, "client-request-id", theirs != NULL ? theirs : id);
    td_jsonw_end(&w);
    td_jsonw_end(&w);
    td_jsonw_end(&w);
    reply->status = status;
    reply->content_type = "application/json";
    if ((status == 429 || status == 503) && !has_header(reply, "Retry-After"))
        td_reply_header(reply, "Retry-After", "5");
}

void td_graph_challenge(const struct td_service *svc, struct td_http_request *req, struct td_http_reply *reply,
                        const char *message)
{
    td_reply_header(reply, "WWW-Authenticate",
                    td_arena_printf(req->arena,
                                    "Bearer realm=\"\", authorization_uri=\"%s/common/oauth2/authorize\","
                                    " client_id=\"00000003-0000-0000-c000-000000000000\"",
                                    req->base));
    td_graph_error(svc, req, reply, 401, "InvalidAuthenticationToken", message);
}

static const struct words {
    enum td_code code;
    int status;
    const char *management, *directory;
} by_code[] = {
    {TD_EINVAL, 400, "BadRequest", "Request_BadRequest"},
    {TD_EFORMAT, 400, "BadRequest", "Request_BadRequest"},
    {TD_ELIMIT, 400, "BadRequest", "Request_BadRequest"},
    {TD_ENOTFOUND, 404, "ResourceNotFound", "Request_ResourceNotFound"},
    {TD_EEXISTS, 409, "Conflict", "Conflict"},
    {TD_EDENIED, 403, "Forbidden", "Authorization_RequestDenied"},
    {TD_ESTATE, 400, "BadRequest", "Request_BadRequest"},
    {TD_EEXPIRED, 400, "BadRequest", "Request_BadRequest"},
    {TD_EUNAVAILABLE, 503, "ServiceUnavailable", "ServiceUnavailable"},
    {TD_EIO, 503, "ServiceUnavailable", "ServiceUnavailable"},
    {TD_ENOTOFFERED, 501, "NotImplemented", "NotImplemented"},
};

static const struct {
    int status;
    const char *code;
} by_status[] = {
    {404, "ResourceNotFound"},
    {405, "MethodNotAllowed"},
    {409, "Conflict"},
    {412, "PreconditionFailed"},
    {413, "RequestEntityTooLarge"},
    {422, "UnprocessableEntity"},
    {424, "FailedDependency"},
    {429, "TooManyRequests"},
    {501, "NotImplemented"},
    {503, "ServiceUnavailable"},
    {400, "BadRequest"},
    {403, "Forbidden"},
};

static const char *code_of(int status, const char *otherwise)
{
    for (size_t i = 0; i < TD_COUNTOF(by_status); i++)
        if (by_status[i].status == status)
            return by_status[i].code;
    return otherwise;
}

/* "field: reason. Remedy." */
static const char *sentence(struct td_arena *a, const struct td_error *err)
{
    const char *stop = td_ends(td_str(err->text), ".") ? "" : ".";
    const char *text = err->where[0] != '\0' ? td_arena_printf(a, "%s: %s%s", err->where, err->text, stop)
                                             : td_arena_printf(a, "%s%s", err->text, stop);
    if (err->remedy[0] == '\0')
        return text;
    char first = err->remedy[0];
    first = first >= 'a' && first <= 'z' ? (char)(first - 'a' + 'A') : first;
    return td_arena_printf(a, "%s %c%s%s", text, first, err->remedy + 1, td_ends(td_str(err->remedy), ".") ? "" : ".");
}

void td_graph_fail(const struct td_service *svc, struct td_http_request *req, struct td_http_reply *reply,
                   bool directory, int status, const struct td_error *err)
{
    static const struct words ours = {TD_EINTERNAL, 500, "InternalServerError", "InternalServerError"};
    const struct words *words = &ours;
    for (size_t i = 0; i < TD_COUNTOF(by_code); i++)
        if (by_code[i].code == err->code)
            words = &by_code[i];
    const char *code = directory ? words->directory : words->management;
    if (status != 0 && status != words->status)
        code = code_of(status, code);
    if (words == &ours || err->code == TD_EIO)
        td_graph_error(svc, req, reply, words->status, code, "The service failed; its log tells why.");
    else
        td_graph_error(svc, req, reply, status != 0 ? status : words->status, code, sentence(req->arena, err));
}
