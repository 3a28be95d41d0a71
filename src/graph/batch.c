#include "graph/batch.h"

#include "base/encode.h"
#include "base/fault.h"
#include "codec/json.h"
#include "codec/odata.h"
#include "graph/error.h"
#include "graph/graph.h"
#include "graph/metadata.h"

#include <stdio.h>

enum { MAX_HEADERS = 24, MAX_ID = 256, MAX_URL = 3 * TD_OD_MAX_TEXT };

enum state { WAITING, DONE };

struct part {
    const char *id;
    const struct td_json *request;
    size_t after[TD_G_BATCH_MAX]; /* parts named in dependsOn */
    size_t after_count;
    enum state state;
    int status;
};

struct batch {
    struct td_service *svc;
    struct td_http_request *req;
    const char *version; /* "v1.0" or "beta" */
    struct part parts[TD_G_BATCH_MAX];
    size_t count;
    struct td_jsonw w;
};

static enum td_code read_id(const struct td_json *request, struct td_arena *a, const char **ret, struct td_error *err)
{
    const struct td_json *id = td_json_iget(request, "id");
    if (request->type != TD_JSON_OBJECT)
        return td_fail(err, TD_EINVAL, "requests", "each request is an object");
    if (id != NULL && id->type == TD_JSON_INT)
        *ret = td_arena_printf(a, "%lld", (long long)id->num);
    else if (id != NULL && id->type == TD_JSON_STRING && id->str[0] != '\0' && strlen(id->str) <= MAX_ID)
        *ret = id->str;
    else
        return td_fail(err, TD_EINVAL, "id", "each request has an id, a text of up to %d octets", MAX_ID);
    return TD_OK;
}

/* Position of the part with that id, or the count. */
static size_t part_named(const struct batch *b, const char *id)
{
    size_t i = 0;
    while (i < b->count && strcmp(b->parts[i].id, id) != 0)
        i++;
    return i;
}

static enum td_code read_parts(struct batch *b, const struct td_json *list, struct td_error *err)
{
    if (list == NULL || list->type != TD_JSON_ARRAY)
        return td_fail(err, TD_EINVAL, "requests", "a batch is an object with a list \"requests\"");
    if (td_json_count(list) > TD_G_BATCH_MAX)
        return td_fail(err, TD_EINVAL, "requests", "%zu requests; a batch has at most %d", td_json_count(list),
                       TD_G_BATCH_MAX);
    for (const struct td_json *r = list->child; r != NULL; r = r->next) {
        const char *id = "";
        td_try(read_id(r, b->req->arena, &id, err));
        if (part_named(b, id) != b->count)
            return td_fail(err, TD_EINVAL, "id", "\"%.60s\" stands twice; ids are unique in a batch", id);
        b->parts[b->count++] = (struct part){.id = id, .request = r};
    }
    return TD_OK;
}

static enum td_code read_dependency(struct batch *b, struct part *p, const struct td_json *name, struct td_error *err)
{
    const char *id = name->type == TD_JSON_INT      ? td_arena_printf(b->req->arena, "%lld", (long long)name->num)
                     : name->type == TD_JSON_STRING ? name->str
                                                    : "";
    const size_t at = part_named(b, id);
    if (at == b->count)
        return td_fail(err, TD_EINVAL, "dependsOn", "request \"%.60s\" depends on \"%.60s\", which is not there", p->id,
                       id);
    if (p->after_count == TD_COUNTOF(p->after))
        return td_fail(err, TD_EINVAL, "dependsOn", "request \"%.60s\" names more than %d others", p->id,
                       TD_G_BATCH_MAX);
    p->after[p->after_count++] = at;
    return TD_OK;
}

static enum td_code read_dependencies(struct batch *b, struct td_error *err)
{
    for (size_t i = 0; i < b->count; i++) {
        const struct td_json *list = td_json_iget(b->parts[i].request, "dependsOn");
        if (list == NULL || list->type == TD_JSON_NULL)
            continue;
        if (list->type != TD_JSON_ARRAY)
            return td_fail(err, TD_EINVAL, "dependsOn", "is a list of ids");
        for (const struct td_json *name = list->child; name != NULL; name = name->next)
            td_try(read_dependency(b, &b->parts[i], name, err));
    }
    return TD_OK;
}

static bool is_ready(const struct batch *b, const struct part *p)
{
    bool ready = p->state == WAITING;
    for (size_t i = 0; i < p->after_count; i++)
        ready = ready && b->parts[p->after[i]].state == DONE;
    return ready;
}

/* The first part in the order of the request whose forerunners are done; NULL: none is left, or a circle. */
static struct part *next_part(struct batch *b)
{
    for (size_t i = 0; i < b->count; i++)
        if (is_ready(b, &b->parts[i]))
            return &b->parts[i];
    return NULL;
}

/* A batch that can't come to its end is refused before anything of it has run. */
static enum td_code check_order(struct batch *b, struct td_error *err)
{
    size_t left = b->count;
    for (struct part *p = next_part(b); p != NULL; p = next_part(b), left--)
        p->state = DONE;
    for (size_t i = 0; i < b->count; i++)
        b->parts[i].state = WAITING;
    if (left != 0)
        return td_fail(err, TD_EINVAL, "dependsOn", "the requests wait for each other in a circle");
    return TD_OK;
}

static enum td_code read_batch(struct batch *b, struct td_error *err)
{
    struct td_slice text;
    struct td_json *body = NULL;
    td_try(td_od_json_strict(b->req->body, TD_G_BATCH_MAX_BODY, b->req->arena, &text, err));
    td_try(td_json_parse(text, 2 * (size_t)TD_G_BATCH_MAX_BODY, b->req->arena, &body, err));
    td_try(read_parts(b, td_json_iget(body, "requests"), err));
    td_try(read_dependencies(b, err));
    return check_order(b, err);
}

static bool read_method(const struct td_json *request, enum td_method *ret)
{
    static const struct {
        const char *word;
        enum td_method method;
    } methods[] = {
        {"GET", TD_GET}, {"POST", TD_POST}, {"PUT", TD_PUT}, {"PATCH", TD_PATCH}, {"DELETE", TD_DELETE},
    };
    const struct td_json *m = td_json_iget(request, "method");
    for (size_t i = 0; i < TD_COUNTOF(methods); i++) {
        if (m != NULL && m->type == TD_JSON_STRING && td_ieqs(td_trim(td_str(m->str)), methods[i].word)) {
            *ret = methods[i].method;
            return true;
        }
    }
    return false;
}

/* "https://host/x" without its host; other texts as they are. */
static struct td_slice without_host(struct td_slice url)
{
    if (!td_istarts(url, "https://"))
        return url;
    url = td_sub(url, sizeof("https://") - 1, url.n);
    const size_t slash = td_find(url, '/');
    return slash == SIZE_MAX ? TD_S("") : td_sub(url, slash, url.n);
}

/* With or without leading slash and version, as callers write it; a version that is named counts. */
static bool read_url(const struct batch *b, const struct td_json *request, struct td_http_request *part)
{
    const struct td_json *u = td_json_iget(request, "url");
    struct td_slice url = u != NULL && u->type == TD_JSON_STRING ? td_trim(td_str(u->str)) : TD_S("");
    const char *version = b->version;
    url = without_host(url);
    if (td_starts(url, "/"))
        url = td_sub(url, 1, url.n);
    if (url.n == 0 || url.n > MAX_URL)
        return false;
    if (td_istarts(url, "v1.0/") || td_istarts(url, "beta/")) {
        version = url.p[0] == 'v' || url.p[0] == 'V' ? "v1.0" : "beta";
        url = td_sub(url, sizeof("beta/") - 1, url.n);
    }
    (void)td_cut(url, '#', &url);
    part->query = td_cut(url, '?', &url);
    part->path = td_str(td_arena_printf(part->arena, "/%s/%.*s", version, TD_FMT(url)));
    return true;
}

/* Headers that belong to the connection or to the batch are not the part's to set. */
static bool is_ours(const char *name)
{
    static const char *const ours[] = {"Authorization", "Host", "Cookie", "Content-Length", "Transfer-Encoding"};
    for (size_t i = 0; i < TD_COUNTOF(ours); i++)
        if (td_ieqs(td_str(name), ours[i]) && !td_fault("batch-foreign-token"))
            return true;
    return false;
}

static bool read_headers(const struct batch *b, const struct td_json *request, struct td_http_request *part)
{
    const struct td_json *list = td_json_iget(request, "headers");
    struct td_http_header *out = td_arena_array(part->arena, struct td_http_header, MAX_HEADERS + 2);
    const struct td_slice theirs = td_http_header(b->req, "client-request-id");
    size_t n = 0;
    part->headers = out;
    if (list != NULL && list->type != TD_JSON_OBJECT && list->type != TD_JSON_NULL)
        return false;
    for (const struct td_json *h = list != NULL ? list->child : NULL; h != NULL; h = h->next) {
        if (h->type != TD_JSON_STRING || n == MAX_HEADERS)
            return false;
        if (!is_ours(h->name))
            out[n++] = (struct td_http_header){.name = td_str(h->name), .value = td_trim(td_str(h->str))};
    }
    out[n++] = (struct td_http_header){TD_S("Authorization"), td_http_header(b->req, "Authorization")};
    part->header_count = n;
    if (theirs.n != 0 && !td_http_has_header(part, "client-request-id"))
        out[part->header_count++] = (struct td_http_header){TD_S("client-request-id"), theirs};
    return true;
}

/* JSON as it is; a text is base64 of octets, or, where it does not decode, the octets themselves. */
static void read_body(const struct td_json *request, struct td_http_request *part)
{
    const struct td_json *body = td_json_iget(request, "body");
    if (body == NULL || body->type == TD_JSON_NULL)
        return;
    if (body->type != TD_JSON_STRING) {
        TD_CLEANUP(td_buf_done) struct td_buf text;
        struct td_jsonw w;
        td_buf_init(&text, 2 * (size_t)TD_G_BATCH_MAX_BODY);
        td_jsonw_init(&w, &text);
        td_jsonw_tree(&w, body);
        part->body = td_arena_copy(part->arena, td_buf_slice(&text));
        return;
    }
    const struct td_slice text = td_trim(td_str(body->str));
    if (td_starts(text, "{") || td_starts(text, "[") ||
        td_b64_decode(part->arena, text, TD_B64_ANY, &part->body) != TD_OK)
        part->body = text;
}

static struct part *failed_forerunner(struct batch *b, const struct part *p)
{
    for (size_t i = 0; i < p->after_count; i++)
        if (b->parts[p->after[i]].status >= 400 && !td_fault("batch-runs-on"))
            return &b->parts[p->after[i]];
    return NULL;
}

/* The first segment behind the version, decoded. */
static const char *first_segment(struct td_http_request *part)
{
    struct td_od_path path;
    if (td_od_path_parse(part->path, part->arena, &path, NULL) != TD_OK || path.count < 2)
        return "";
    return path.segments[1].name;
}

static void run_part(struct batch *b, struct part *p, struct td_http_request *part, struct td_http_reply *reply)
{
    const struct part *failed = failed_forerunner(b, p);
    if (failed != NULL) {
        td_graph_error(
            b->svc, part, reply, 424, "FailedDependency",
            td_arena_printf(part->arena, "Request \"%.60s\", which this one depends on, failed.", failed->id));
        return;
    }
    if (!read_method(p->request, &part->method)) {
        td_graph_error(b->svc, part, reply, 400, "BadRequest", "method: is GET, POST, PUT, PATCH or DELETE");
        return;
    }
    if (!read_url(b, p->request, part) || !read_headers(b, p->request, part)) {
        td_graph_error(b->svc, part, reply, 400, "BadRequest",
                       "url: is a path such as \"/groups\"; headers: is an object of at most 24 texts");
        return;
    }
    read_body(p->request, part);
    const char *first = first_segment(part);
    if (td_ieqs(td_str(first), "$batch"))
        td_graph_error(b->svc, part, reply, 400, "BadRequest", "url: a batch can't stand in a batch");
    else if (td_ieqs(td_str(first), "$metadata"))
        td_graph_metadata(b->svc, part, reply);
    else
        td_graph_call(b->svc, part, reply);
}

/* Statuses and headers that a client looks for; those of the connection stay with the batch. */
static void write_headers(struct td_jsonw *w, const struct td_http_reply *reply)
{
    td_jsonw_key(w, "headers");
    td_jsonw_obj(w);
    if (reply->content_type != NULL && reply->body.n != 0)
        td_jsonw_kstr(w, "Content-Type", reply->content_type);
    for (size_t i = 0; i < reply->header_count; i++)
        td_jsonw_kstr(w, reply->headers[i].name, reply->headers[i].value);
    td_jsonw_end(w);
}

static void write_body(struct td_jsonw *w, const struct td_http_reply *reply, struct td_arena *a)
{
    const struct td_slice body = td_buf_slice(&reply->body);
    if (body.n == 0)
        return;
    td_jsonw_key(w, "body");
    if (td_istarts(td_str(reply->content_type), "application/json"))
        td_jsonw_raw(w, body);
    else
        td_jsonw_str(w, td_b64(a, body));
}

static void answer_part(struct batch *b, struct part *p)
{
    struct td_http_request part = {.method = TD_POST,
                                   .host = b->req->host,
                                   .base = b->req->base,
                                   .device_base = b->req->device_base,
                                   .peer = b->req->peer,
                                   .arena = b->req->arena};
    struct td_http_reply reply;
    td_reply_init(&reply);
    run_part(b, p, &part, &reply);
    if (reply.status == 0 || reply.body.failed ||
        b->w.out->n + 2 * reply.body.n + (64 << 10) > (size_t)TD_HTTP_MAX_REPLY)
        td_graph_error(b->svc, &part, &reply, 507, "InsufficientStorage",
                       "The answer does not fit into the batch; ask for it alone or with a smaller $top.");
    p->status = reply.status;
    p->state = DONE;
    td_jsonw_obj(&b->w);
    td_jsonw_kstr(&b->w, "id", p->id);
    td_jsonw_kint(&b->w, "status", reply.status);
    write_headers(&b->w, &reply);
    write_body(&b->w, &reply, b->req->arena);
    td_jsonw_end(&b->w);
    td_reply_done(&reply);
}

static void answer(struct batch *b, struct td_http_reply *reply)
{
    td_jsonw_init(&b->w, &reply->body);
    td_jsonw_obj(&b->w);
    td_jsonw_key(&b->w, "responses");
    td_jsonw_arr(&b->w);
    for (struct part *p = next_part(b); p != NULL; p = next_part(b))
        answer_part(b, p);
    td_jsonw_arr_end(&b->w);
    td_jsonw_end(&b->w);
    reply->status = 200;
    reply->content_type = "application/json";
}

static enum td_code prove(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct batch *b = ctx;
    struct td_claims who;
    return td_token_check(b->svc, tx, td_http_bearer(b->req), TD_RESOURCE_GRAPH, b->req->arena, &who, err);
}

/* Nobody's parts are run without a token that holds; each part looks at it again, and at its right. */
static bool is_proven(struct batch *b, struct td_http_reply *reply)
{
    struct td_error err = {0};
    enum td_code rc = td_store_read(b->svc->store, prove, b, &err);
    if (rc == TD_EAUTH || rc == TD_EEXPIRED || rc == TD_EDENIED)
        td_graph_challenge(b->svc, b->req, reply, err.text);
    else if (rc != TD_OK)
        td_graph_fail(b->svc, b->req, reply, false, 0, &err);
    return rc == TD_OK;
}

void td_graph_batch(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    struct td_error err = {0};
    struct batch *b = td_arena_new(req->arena, struct batch);
    b->svc = ctx;
    b->req = req;
    b->version = td_istarts(req->path, "/v1.0/") ? "v1.0" : "beta";
    (void)td_graph_headers(b->svc, req, reply);
    if (req->method != TD_POST) {
        td_graph_error(b->svc, req, reply, 405, "MethodNotAllowed", "A batch is sent by POST.");
        return;
    }
    if (!is_proven(b, reply))
        return;
    if (read_batch(b, &err) != TD_OK)
        td_graph_fail(b->svc, req, reply, false, 400, &err);
    else
        answer(b, reply);
}
