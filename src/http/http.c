#include "http/http.h"

#include "base/encode.h"
#include "codec/json.h"

#include <stdio.h>
#include <unistd.h>

struct reason {
    int status;
    const char *text;
};

const char *td_http_reason(int status)
{
    static const struct reason reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < TD_COUNTOF(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return status < 400 ? "OK" : "Error";
}

struct td_slice td_http_header(const struct td_http_request *req, const char *name)
{
    for (size_t i = 0; i < req->header_count; i++)
        if (td_ieqs(req->headers[i].name, name))
            return req->headers[i].value;
    return TD_S("");
}

bool td_http_has_header(const struct td_http_request *req, const char *name)
{
    for (size_t i = 0; i < req->header_count; i++)
        if (td_ieqs(req->headers[i].name, name))
            return true;
    return false;
}

/* The value of name in name=value&... ; names are compared decoded, the first one counts. */
static struct td_slice form_field(struct td_slice form, const char *name, struct td_arena *a)
{
    while (form.n != 0) {
        struct td_slice pair, key;
        form = td_cut(form, '&', &pair);
        struct td_slice value = td_cut(pair, '=', &key);
        bool same = td_find(key, '%') == SIZE_MAX && td_find(key, '+') == SIZE_MAX
                        ? td_eqs(key, name)
                        : td_eqs(td_pct_decode(a, key, true), name);
        if (same)
            return td_pct_decode(a, value, true);
    }
    return (struct td_slice){NULL, 0};
}

struct td_slice td_http_query(const struct td_http_request *req, const char *name)
{
    return form_field(req->query, name, req->arena);
}

struct td_slice td_http_form(const struct td_http_request *req, const char *name)
{
    struct td_slice form = req->body;
    while (form.n != 0 && (form.p[form.n - 1] == '\n' || form.p[form.n - 1] == '\r'))
        form = td_sub(form, 0, form.n - 1); /* bodies written by hand end in a line's end */
    return form_field(form, name, req->arena);
}

struct td_slice td_http_bearer(const struct td_http_request *req)
{
    struct td_slice scheme, value = td_http_header(req, "authorization");
    struct td_slice token = td_trim(td_cut(value, ' ', &scheme));
    return td_ieqs(scheme, "bearer") ? token : TD_S("");
}

struct td_slice td_http_cookie(const struct td_http_request *req, const char *name)
{
    for (size_t i = 0; i < req->header_count; i++) {
        struct td_slice rest = req->headers[i].value;
        if (!td_ieqs(req->headers[i].name, "cookie"))
            continue;
        while (rest.n != 0) {
            struct td_slice pair, key;
            rest = td_cut(rest, ';', &pair);
            struct td_slice value = td_cut(td_trim(pair), '=', &key);
            if (td_eqs(key, name))
                return value;
        }
    }
    return (struct td_slice){NULL, 0};
}

struct td_slice td_http_host_name(struct td_slice host)
{
    if (host.n != 0 && host.p[0] == '[') {
        size_t end = td_find(host, ']');
        return end == SIZE_MAX ? host : td_sub(host, 1, end - 1);
    }
    size_t colon = td_find(host, ':');
    bool bare_ipv6 = colon != SIZE_MAX && td_find(td_sub(host, colon + 1, host.n), ':') != SIZE_MAX;
    return colon == SIZE_MAX || bare_ipv6 ? host : td_sub(host, 0, colon);
}

const char *td_http_device_base(const struct td_http_request *req)
{
    return req->device_base != NULL ? req->device_base : req->base;
}

/* What stands behind the name: nothing, or ":" and digits. */
static bool port_ok(struct td_slice host, struct td_slice name)
{
    enum { LONGEST = 6 };
    struct td_slice port = td_sub(host, (size_t)(name.p - host.p) + name.n, host.n);
    if (port.n != 0 && host.p[0] == '[')
        port = td_sub(port, 1, port.n);
    bool good = port.n != 1 && port.n <= LONGEST && (port.n == 0 || port.p[0] == ':');
    for (size_t i = 1; i < port.n; i++)
        good = good && port.p[i] >= '0' && port.p[i] <= '9';
    return good;
}

bool td_http_host_in(struct td_slice host, const char *const *names)
{
    struct td_slice bare = td_http_host_name(host);
    if (host.n == 0 || !port_ok(host, bare))
        return false;
    for (; names != NULL && *names != NULL; names++)
        if (td_ieq(bare, td_http_host_name(td_str(*names))))
            return true;
    return false;
}

void td_reply_init(struct td_http_reply *reply)
{
    *reply = (struct td_http_reply){.file = -1};
    td_buf_init(&reply->body, TD_HTTP_MAX_REPLY);
}

void td_reply_done(struct td_http_reply *reply)
{
    td_buf_wipe(&reply->body);
    if (reply->file >= 0)
        (void)close(reply->file);
    reply->file = -1;
}

void td_reply_header(struct td_http_reply *reply, const char *name, const char *value)
{
    if (reply->header_count == TD_HTTP_MAX_REPLY_HEADERS)
        return;
    reply->headers[reply->header_count].name = name;
    reply->headers[reply->header_count].value = value;
    reply->header_count++;
}

void td_reply_text(struct td_http_reply *reply, int status, const char *content_type, struct td_slice body)
{
    reply->status = status;
    reply->content_type = content_type;
    td_buf_reset(&reply->body);
    td_buf_add(&reply->body, body);
}

void td_reply_redirect(struct td_http_reply *reply, int status, const char *location)
{
    td_reply_text(reply, status, NULL, TD_S(""));
    td_reply_header(reply, "Location", location);
}

int td_http_status_of(enum td_code code)
{
    static const int status[TD_CODE_COUNT] = {
        [TD_OK] = 200,           [TD_EINVAL] = 400,      [TD_EFORMAT] = 400, [TD_ELIMIT] = 413,    [TD_ENOTFOUND] = 404,
        [TD_EEXISTS] = 409,      [TD_EAUTH] = 401,       [TD_EDENIED] = 403, [TD_ESTATE] = 409,    [TD_EEXPIRED] = 401,
        [TD_EUNAVAILABLE] = 503, [TD_ENOTOFFERED] = 501, [TD_EIO] = 503,     [TD_EINTERNAL] = 500,
    };
    return (unsigned)code < TD_CODE_COUNT && status[code] != 0 ? status[code] : 500;
}

void td_reply_problem_status(struct td_http_reply *reply, int status, const struct td_error *err)
{
    struct td_jsonw w;
    bool ours = status == 500; /* why we broke is for the log, not for the caller */
    reply->status = status;
    reply->content_type = "application/problem+json";
    td_buf_reset(&reply->body);
    td_jsonw_init(&w, &reply->body);
    td_jsonw_obj(&w);
    td_jsonw_kstr(&w, "type", "about:blank");
    td_jsonw_kstr(&w, "title", td_http_reason(status));
    td_jsonw_kint(&w, "status", status);
    td_jsonw_kstr(&w, "detail", ours ? "The service failed; its log tells why." : err->text);
    if (!ours && err->where[0] != '\0')
        td_jsonw_kstr(&w, "field", err->where);
    if (!ours && err->remedy[0] != '\0')
        td_jsonw_kstr(&w, "remedy", err->remedy);
    td_jsonw_end(&w);
    if (status == 503)
        td_reply_header(reply, "Retry-After", "1");
}

void td_reply_problem(struct td_http_reply *reply, const struct td_error *err)
{
    td_reply_problem_status(reply, td_http_status_of(err->code), err);
}
