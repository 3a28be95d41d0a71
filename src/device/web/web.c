#include "device/web.h"

#include "base/encode.h"

enum { WEB_MAX_RETRY_SECONDS = 600 };

void td_form_add(struct td_buf *form, const char *name, const char *value)
{
    if (form->n != 0)
        td_buf_addc(form, '&');
    td_pct_add(form, td_str(name));
    td_buf_addc(form, '=');
    td_pct_add(form, td_str(value));
}

const char *td_form_get(struct td_slice form, const char *name, struct td_arena *a)
{
    while (form.n != 0) {
        struct td_slice pair, key;
        form = td_cut(form, '&', &pair);
        struct td_slice value = td_cut(pair, '=', &key);
        if (td_eqs(td_pct_decode(a, key, true), name))
            return td_arena_text(a, td_pct_decode(a, value, true));
    }
    return NULL;
}

static enum td_code send(struct td_web *w, struct td_net_request *req, struct td_net_response *ret,
                         struct td_error *err)
{
    size_t n = 0;
    while (req->headers[n] != NULL)
        n++;
    if (w->token != NULL)
        req->headers[n++] = td_arena_printf(w->arena, "Authorization: Bearer %s", w->token);
    const struct td_transport *net = w->flow->net;
    td_try(net->send(net->ctx, req, w->arena, ret, err));
    w->status = ret->status;
    if (ret->status != 429 && (ret->status < 502 || ret->status > 504))
        return TD_OK;
    uint64_t seconds;
    if (td_parse_u64(td_net_header(ret, "Retry-After"), &seconds) && seconds <= WEB_MAX_RETRY_SECONDS)
        w->flow->retry_after = (int64_t)seconds * TD_SECOND;
    return td_fail(err, TD_EUNAVAILABLE, w->what, "the service answers %d: busy", ret->status);
}

enum td_code td_web_get(struct td_web *w, const char *url, const struct td_json **ret, struct td_error *err)
{
    struct td_net_request req = {.method = "GET", .url = url, .headers = {"Accept: application/json"}};
    struct td_net_response answer;
    td_try(send(w, &req, &answer, err));
    return td_web_json(w, &answer, ret, err);
}

static enum td_code send_body(struct td_web *w, const char *method, const char *url, const char *type,
                              struct td_slice body, struct td_net_response *ret, struct td_error *err)
{
    struct td_net_request req = {.method = method, .url = url, .body = body, .has_body = true};
    req.headers[0] = td_arena_printf(w->arena, "Content-Type: %s", type);
    return send(w, &req, ret, err);
}

enum td_code td_web_post(struct td_web *w, const char *url, const char *type, struct td_slice body,
                         struct td_net_response *ret, struct td_error *err)
{
    return send_body(w, "POST", url, type, body, ret, err);
}

enum td_code td_web_put(struct td_web *w, const char *url, const char *type, struct td_slice body,
                        struct td_net_response *ret, struct td_error *err)
{
    return send_body(w, "PUT", url, type, body, ret, err);
}

/* The sentence inside an error body, whatever protocol wrote it. */
static const char *told(const struct td_json *body)
{
    static const char *const names[] = {"error_description", "detail", "Message", "message", "ErrorReason", "title"};
    for (size_t i = 0; i < TD_COUNTOF(names); i++) {
        const char *text = td_json_str(body, names[i]);
        if (text != NULL && text[0] != '\0')
            return text;
    }
    const struct td_json *odata = td_json_get(body, "error");
    if (odata != NULL && odata->type == TD_JSON_OBJECT)
        return told(odata);
    return odata != NULL && odata->type == TD_JSON_STRING ? odata->str : NULL;
}

static enum td_code code_of_status(int status)
{
    switch (status) {
    case 401:
        return TD_EAUTH;
    case 403:
        return TD_EDENIED;
    case 404:
        return TD_ENOTFOUND;
    case 501:
        return TD_ENOTOFFERED;
    default:
        return status >= 500 ? TD_EINTERNAL : TD_EINVAL;
    }
}

enum td_code td_web_json(struct td_web *w, const struct td_net_response *r, const struct td_json **ret,
                         struct td_error *err)
{
    struct td_json *body = NULL;
    bool readable = td_json_parse(r->body, 1 << 20, w->arena, &body, NULL) == TD_OK && body->type == TD_JSON_OBJECT;
    if (r->status == 200 && readable) {
        *ret = body;
        return TD_OK;
    }
    if (r->status == 200)
        return td_fail(err, TD_EFORMAT, w->what, "the answer is no JSON object");
    const char *text = readable ? told(body) : NULL;
    const char *error = readable ? td_json_str(body, "error") : NULL;
    enum td_code code = code_of_status(r->status);
    if (error != NULL && strcmp(error, "invalid_grant") == 0)
        code = TD_EAUTH;
    (void)td_fail(err, code, w->what, "%s", text != NULL ? text : "");
    if (text == NULL)
        (void)td_fail(err, code, w->what, "the service answers %d", r->status);
    const char *remedy = readable ? td_json_str(body, "remedy") : NULL;
    return remedy != NULL ? td_remedy(err, code, "%s", remedy) : code;
}

const char *td_url_origin(const char *url, struct td_arena *a)
{
    static const char scheme[] = "https://";
    struct td_slice s = td_str(url);
    if (!td_istarts(s, scheme))
        return "";
    size_t n = sizeof(scheme) - 1;
    while (n < s.n && strchr("/?#", s.p[n]) == NULL)
        n++;
    return td_arena_text(a, td_sub(s, 0, n));
}

const char *td_url_resolve(const char *base, const char *reference, struct td_arena *a)
{
    struct td_slice ref = td_str(reference), from = td_str(base);
    const char *origin = td_url_origin(base, a);
    if (td_url_origin(reference, a)[0] != '\0')
        return reference;
    size_t colon = td_find(ref, ':'), slash = td_find(ref, '/'), mark = td_find(ref, '?');
    if (origin[0] == '\0' || (colon < slash && colon < mark))
        return NULL; /* another scheme: http, javascript, the broker's own */
    if (td_starts(ref, "//"))
        return td_arena_printf(a, "https:%s", reference);
    if (td_starts(ref, "/"))
        return td_arena_printf(a, "%s%s", origin, reference);
    struct td_slice path = td_sub(from, 0, TD_MIN(td_find(from, '?'), td_find(from, '#')));
    if (ref.n == 0)
        return base;
    if (ref.p[0] == '?')
        return td_arena_printf(a, "%.*s%s", TD_FMT(path), reference);
    size_t end = path.n;
    while (end > strlen(origin) && path.p[end - 1] != '/')
        end--;
    if (end <= strlen(origin))
        return td_arena_printf(a, "%s/%s", origin, reference);
    return td_arena_printf(a, "%.*s%s", TD_FMT(td_sub(path, 0, end)), reference);
}
