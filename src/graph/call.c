/* One call: the path, who calls and whether he may, the options, the body, one transaction, the answer.
 *
 * A read is one snapshot. A write first reads (who, may he, is the entity there), then the body is read and prepared
 * outside any transaction, then all is looked at again inside the write, which may run twice: each run begins with the
 * call as it was before. */
#include "api/jobs.h"
#include "base/fault.h"
#include "graph/audit.h"
#include "graph/room.h"
#include "graph/throttle.h"
#include "store/audit.h"

#include <string.h>

struct run {
    struct td_service *svc;
    struct td_http_request *req;
    struct td_http_reply *reply;
    struct td_g_target target;
    struct td_od_query query;
    struct td_claims who;
    struct td_origin origin;
    struct td_g_call begun, call;
    td_g_fn *fn; /* of a write */
    struct td_error err;
    enum td_code told; /* what was wrong before the transaction, for after the caller is proven */
    size_t headers;    /* of the reply, before the call adds its own */
    bool proven, counted;
};

void td_g_not_offered(struct td_error *err, const char *what)
{
    (void)td_fail(err, TD_ENOTOFFERED, "", "This service does not offer %s yet", what);
}

static bool is_read(const struct td_http_request *req)
{
    return req->method == TD_GET || req->method == TD_HEAD;
}

static bool in_directory(const struct run *r)
{
    return r->target.set != NULL && (r->target.set->flags & TD_G_DIRECTORY) != 0;
}

/* The path, and what may be done there */

static enum td_code not_allowed(struct run *r, struct td_error *err)
{
    const struct td_g_set *set = r->target.set;
    bool whole = r->target.at == TD_G_AT_SET && r->req->method == TD_DELETE; /* offered nowhere (graph-api.md 0.9) */
    if ((set->flags & (TD_G_EMPTY | TD_G_NOT_WRITTEN)) != 0 && !is_read(r->req) && !whole) {
        td_g_not_offered(err, "this change");
        return TD_ENOTOFFERED;
    }
    r->call.status = 405;
    return td_fail(err, TD_EINVAL, "", "Specified HTTP method is not allowed for the request target.");
}

static td_g_fn *writer_of(const struct run *r)
{
    const struct td_g_set *set = r->target.set;
    const struct {
        enum td_g_at at;
        enum td_method method;
        td_g_fn *fn;
    } all[] = {
        {TD_G_AT_SET, TD_POST, set->create},         {TD_G_AT_SET, TD_PUT, set->put},
        {TD_G_AT_ENTITY, TD_PATCH, set->update},     {TD_G_AT_ENTITY, TD_DELETE, set->remove},
        {TD_G_AT_REFS, TD_POST, set->add_ref},       {TD_G_AT_REF, TD_DELETE, set->remove_ref},
        {TD_G_AT_REFS, TD_DELETE, set->remove_refs},
    };
    for (size_t i = 0; i < TD_COUNTOF(all); i++)
        if (all[i].at == r->target.at && all[i].method == r->req->method)
            return all[i].fn;
    return NULL;
}

static enum td_code check_action(struct run *r, struct td_error *err)
{
    const struct td_g_action *action = r->target.action;
    bool function = (action->flags & TD_G_FUNCTION) != 0;
    if ((action->flags & TD_G_NOT_OFFERED) != 0 && action->about != NULL)
        return td_fail(err, TD_ENOTOFFERED, "", "This service does not offer %s: %s", action->name, action->about);
    if ((action->flags & TD_G_NOT_OFFERED) != 0 || action->run == NULL) {
        td_g_not_offered(err, action->name);
        return TD_ENOTOFFERED;
    }
    if (function ? !is_read(r->req) : r->req->method != TD_POST)
        return not_allowed(r, err);
    r->fn = action->run;
    return TD_OK;
}

static enum td_code check_method(struct run *r, struct td_error *err)
{
    const struct td_g_target *t = &r->target;
    if (t->at == TD_G_AT_NOT_OFFERED) {
        td_g_not_offered(err, "this resource");
        return TD_ENOTOFFERED;
    }
    if (t->at == TD_G_AT_ACTION)
        return check_action(r, err);
    if (is_read(r->req)) {
        if (t->at == TD_G_AT_REF || (t->at == TD_G_AT_ENTITY && (t->set->flags & TD_G_ONE_BY_LIST) != 0)) {
            td_g_not_offered(err, "reading this by its key");
            return TD_ENOTOFFERED;
        }
        return TD_OK;
    }
    r->fn = writer_of(r);
    return r->fn != NULL ? TD_OK : not_allowed(r, err);
}

/* x/, x// and x//y: a tool looked up a key and found none (graph-api.md 0.9). What it meant to change is not x. */
static bool lacks_key(const struct run *r, const struct td_od_path *path)
{
    if (!path->empty_segment || td_fault("graph-empty-key"))
        return false;
    return r->req->method == TD_DELETE || r->req->method == TD_PATCH || r->req->method == TD_PUT ||
           (r->req->method == TD_POST && td_search(r->req->path, TD_S("//")) != SIZE_MAX);
}

static enum td_code locate(struct run *r, struct td_error *err)
{
    struct td_od_path *path = td_arena_new(r->req->arena, struct td_od_path); /* functions keep their arguments in it */
    td_try(td_od_path_parse(r->req->path, r->req->arena, path, err));
    if (lacks_key(r, path)) {
        r->call.status = 405;
        return td_remedy(err, td_fail(err, TD_EINVAL, "", "A key is empty in this path."), "name the entity by its id");
    }
    td_try(td_g_find(path, &r->target, err));
    r->begun.beta = path->count != 0 && td_ieqs(td_str(path->segments[0].name), "beta");
    r->begun.version = r->begun.beta ? "beta" : "v1.0";
    return check_method(r, err);
}

/* Who calls */

/* Does this read show what is told to the audit? */
static bool reads_told(const struct run *r)
{
    const struct td_g_set *set = r->target.set;
    if (set->told == NULL || !is_read(r->req))
        return false;
    return td_g_selected(&r->query, set->told) ||
           (r->target.prop != NULL && td_ieqs(td_str(r->target.prop->name), set->told));
}

static enum td_right right_of(const struct run *r, enum td_access *ret_access)
{
    const struct td_g_target *t = &r->target;
    *ret_access = is_read(r->req) ? TD_ACCESS_READ : TD_ACCESS_WRITE;
    if (t->at == TD_G_AT_ENTITY && r->req->method == TD_DELETE && t->set->drop != TD_RIGHT_SIGNED_IN)
        return t->set->drop;
    if (r->begun.told && !td_fault("graph-told-anyone")) {
        *ret_access = TD_ACCESS_WRITE;
        return t->set->write;
    }
    if (t->at != TD_G_AT_ACTION)
        return is_read(r->req) ? t->set->read : t->set->write;
    *ret_access = t->action->access;
    return t->action->right;
}

static enum td_code admit(struct run *r, struct td_tx *tx, struct td_error *err)
{
    enum td_access access;
    r->proven = false;
    enum td_code rc =
        td_token_check(r->svc, tx, td_http_bearer(r->req), TD_RESOURCE_GRAPH, r->req->arena, &r->who, err);
    if (rc != TD_OK && !td_fault("graph-anyone"))
        return rc;
    r->proven = true;
    enum td_right right = right_of(r, &access);
    return td_fault("graph-any-right") ? TD_OK : td_access_check(&r->who, right, access, err);
}

/* Counted once a call, however often its transactions run. */
static enum td_code throttle(struct run *r, struct td_tx *tx, struct td_error *err)
{
    struct td_g_limits limits;
    if (r->counted || r->svc->throttle == NULL)
        return TD_OK;
    td_try(td_g_limits_of(tx, r->who.tenant, &limits, err));
    r->counted = true;
    enum td_code rc = td_g_throttle_pass(r->svc, &limits, &r->who, r->req, r->reply, err);
    r->headers = r->reply->header_count;
    if (rc == TD_ELIMIT)
        r->call.status = 429;
    return rc;
}

static void name_caller(struct run *r, struct td_g_call *call)
{
    const struct td_claims *who = &r->who;
    call->who = who;
    call->tenant = who->tenant;
    call->actor = who->upn[0] != '\0' ? who->upn : who->device_only ? who->device_id : who->app_id;
    r->origin.application_id = who->app_id;
    r->origin.user_id = who->upn[0] != '\0' ? who->oid : "";
    r->origin.upn = who->upn;
    r->origin.address = r->req->peer->address;
}

/* The call as it stands at the beginning of a transaction. */
static enum td_code begin(struct run *r, struct td_tx *tx, struct td_error *err)
{
    td_buf_reset(&r->reply->body);
    r->reply->header_count = r->headers;
    r->call = r->begun;
    td_try(admit(r, tx, err));
    td_try(throttle(r, tx, err));
    name_caller(r, &r->call);
    if (r->told != TD_OK && err != NULL)
        *err = r->err;
    return r->told;
}

/* Reading */

static enum td_code read_entity(struct run *r, struct td_tx *tx, struct td_error *err)
{
    struct td_g_call *call = &r->call;
    const char *etag = td_g_etag(call, call->row);
    if (etag != NULL)
        td_reply_header(r->reply, "ETag", etag);
    return td_g_reply_one(call, tx, call->row, err);
}

static enum td_code answer_read(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct run *r = ctx;
    struct td_g_call *call = &r->call;
    const struct td_g_target *t = &r->target;
    bool entity = t->at == TD_G_AT_ENTITY || t->at == TD_G_AT_PROPERTY ||
                  (t->at == TD_G_AT_ACTION && t->key_count > td_g_places(t->set->path));
    td_try(begin(r, tx, err));
    td_try(td_g_check_options(call, t->set, err));
    if (r->begun.told && t->at != TD_G_AT_ENTITY && t->at != TD_G_AT_PROPERTY)
        return td_remedy(err, td_fail(err, TD_EINVAL, t->set->told, "this property is shown of one entity at a time"),
                         "name the entity by its id");
    td_try(td_g_walk(call, tx, t, entity, err));
    switch (t->at) {
    case TD_G_AT_SET:
        return td_g_reply_list(call, tx, t, err);
    case TD_G_AT_COUNT:
        return td_g_reply_count(call, tx, t, err);
    case TD_G_AT_REFS:
        return td_g_reply_refs(call, tx, t, err);
    case TD_G_AT_PROPERTY:
        return td_g_reply_property(call, tx, t->prop, err);
    case TD_G_AT_ACTION:
        return r->fn(call, tx, err);
    case TD_G_AT_ENTITY:
    default:
        return read_entity(r, tx, err);
    }
}

/* A read that leaves a trace. */
static enum td_code answer_told(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct run *r = ctx;
    td_tx_set_origin(tx, &r->origin);
    return answer_read(tx, r, err);
}

/* Writing */

/* Several tags may be named; weak ones are compared as texts (RFC 9110 13.1.1). */
static enum td_code check_match(struct run *r, struct td_error *err)
{
    struct td_slice asked = td_http_header(r->req, "If-Match");
    const char *etag = r->call.row != NULL ? td_g_etag(&r->call, r->call.row) : NULL;
    if (asked.n == 0 || td_eqs(asked, "*") || etag == NULL || td_search(asked, td_str(etag)) != SIZE_MAX ||
        td_fault("graph-any-etag"))
        return TD_OK;
    r->call.status = 412;
    return td_remedy(err, td_fail(err, TD_ESTATE, "If-Match", "the entity was changed since it was read"),
                     "read it again");
}

static bool by_row(const struct run *r)
{
    const struct td_g_target *t = &r->target;
    return t->at == TD_G_AT_ENTITY || (t->at == TD_G_AT_ACTION && t->key_count > td_g_places(t->set->path));
}

static enum td_code write_entity_again(struct run *r, struct td_tx *tx, const char *key, struct td_error *err)
{
    struct td_g_call *call = &r->call;
    struct td_view_row row;
    td_try(td_g_row(call, tx, r->target.set, "", key, &row, err));
    return td_g_reply_one(call, tx, &row, err);
}

static enum td_code answer_creation(struct run *r, struct td_tx *tx, bool minimal, struct td_error *err)
{
    struct td_g_call *call = &r->call;
    if (call->made_key != NULL)
        td_reply_header(r->reply, "Location",
                        td_arena_printf(call->arena, "%s/%s/%s/%s", r->req->base, call->version,
                                        td_g_fill_path(call, r->target.set->path, false), call->made_key));
    if (call->answered || call->made_key == NULL || minimal)
        return TD_OK;
    td_try(write_entity_again(r, tx, call->made_key, err));
    call->status = call->status != 0 ? call->status : 201;
    return TD_OK;
}

static enum td_code answer_change(struct run *r, struct td_tx *tx, bool minimal, bool wanted, struct td_error *err)
{
    struct td_g_call *call = &r->call;
    const struct td_g_set *set = r->target.set;
    size_t places = td_g_places(set->path);
    if (call->answered || minimal || (in_directory(r) && !wanted))
        return TD_OK;
    return write_entity_again(r, tx, places < TD_G_MAX_KEYS && call->keys[places] != NULL ? call->keys[places] : "",
                              err);
}

static enum td_code guard(struct run *r, struct td_tx *tx, struct td_error *err)
{
    const struct td_g_set *set = r->target.set;
    return r->target.at == TD_G_AT_ENTITY && set->guard != NULL ? set->guard(&r->call, tx, err) : TD_OK;
}

static enum td_code answer_write(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct run *r = ctx;
    struct td_slice wish = td_g_preference(r->req, "return");
    bool minimal = td_ieqs(wish, "minimal"), wanted = td_ieqs(wish, "representation");
    td_try(begin(r, tx, err));
    td_tx_set_origin(tx, &r->origin);
    td_try(td_g_walk(&r->call, tx, &r->target, by_row(r), err));
    td_try(check_match(r, err));
    td_try(guard(r, tx, err));
    td_try(r->fn(&r->call, tx, err));
    if (r->target.at == TD_G_AT_SET && r->req->method == TD_POST)
        return answer_creation(r, tx, minimal, err);
    if (r->target.at == TD_G_AT_ENTITY && r->req->method == TD_PATCH)
        return answer_change(r, tx, minimal, wanted, err);
    return TD_OK;
}

/* Who, may he, is it there: before anybody works on the body. */
static enum td_code look_first(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct run *r = ctx;
    td_try(begin(r, tx, err));
    return td_g_walk(&r->call, tx, &r->target, by_row(r), err);
}

static enum td_code look_again(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct run *r = ctx;
    td_try(look_first(tx, r, err));
    return guard(r, tx, err);
}

/* The id behind the last '/' or in ('...') of a reference, whatever host and version it names (3.1 step 7). */
static enum td_code read_reference(struct run *r, const struct td_json *body, struct td_error *err)
{
    const struct td_json *v = td_json_iget(body, "@odata.id");
    struct td_slice s = td_trim(td_str(v != NULL && v->type == TD_JSON_STRING ? v->str : ""));
    for (size_t at = td_find(s, '/'); at != SIZE_MAX; at = td_find(s, '/'))
        s = td_sub(s, at + 1, s.n);
    size_t open = td_search(s, TD_S("('"));
    if (open != SIZE_MAX && td_ends(s, "')"))
        s = td_sub(s, open + 2, s.n - open - 4);
    if (s.n == 0 || s.n > 256)
        return td_remedy(err, td_fail(err, TD_EINVAL, "@odata.id", "the reference is missing or names nothing"),
                         "send the address of the object");
    r->begun.ref = td_arena_text(r->req->arena, s);
    return TD_OK;
}

static enum td_code read_body(struct run *r, struct td_error *err)
{
    const struct td_g_target *t = &r->target;
    const struct td_json *tree = NULL;
    struct td_g_call *call = &r->begun;
    bool creation = t->at == TD_G_AT_SET && r->req->method == TD_POST;
    size_t max = t->at == TD_G_AT_ACTION ? t->action->max_body : t->set->max_body;
    max = max != 0 ? max : TD_G_MAX_BODY;
    if (r->req->method == TD_DELETE)
        return TD_OK;
    if (r->req->body.n > max) {
        r->call.status = 413;
        return td_remedy(err, td_fail(err, TD_ELIMIT, "body", "more than %zu octets", max), "send it in parts");
    }
    td_try(td_g_read_json(r->req->body, max, call->arena, &tree, err));
    call->body = tree;
    if (t->at == TD_G_AT_ACTION && tree->type != TD_JSON_OBJECT && tree->type != TD_JSON_NULL)
        return td_fail(err, TD_EINVAL, "body", "must be an object with the action's parameters");
    if (t->at == TD_G_AT_REFS)
        return read_reference(r, tree, err);
    if (!creation && r->req->method != TD_PATCH)
        return TD_OK;
    const struct td_g_type *type = creation ? t->set->type : td_g_row_type(t->set, r->call.row);
    return td_g_body(type, tree, creation ? TD_G_WRITE | TD_G_CREATE : TD_G_WRITE, call->arena, &call->body_type,
                     &call->body, err);
}

static enum td_code prepare(struct run *r, struct td_error *err)
{
    const struct td_g_target *t = &r->target;
    enum td_code (*fn)(struct td_g_call * call, struct td_error * err) =
        t->at == TD_G_AT_ACTION ? t->action->prepare : t->set->prepare;
    if (fn == NULL || r->req->method == TD_DELETE || t->at == TD_G_AT_REFS)
        return TD_OK;
    /* with the keys, the row and the caller that the first look found */
    struct td_g_call seen = r->call;
    seen.body = r->begun.body;
    seen.body_type = r->begun.body_type;
    enum td_code rc = fn(&seen, err);
    r->begun.prepared = seen.prepared;
    r->call.status = seen.status;
    return rc;
}

/* The answer */

#define MEDIA_TYPE(level) \
    "application/json;odata.metadata=" level ";odata.streaming=true;IEEE754Compatible=false;charset=utf-8"

static const char *media_type(const struct td_g_call *call)
{
    static const char *const types[] = {
        [TD_G_MINIMAL] = MEDIA_TYPE("minimal"),
        [TD_G_NONE] = MEDIA_TYPE("none"),
        [TD_G_FULL] = MEDIA_TYPE("full"),
    };
    return types[call->metadata];
}

static void finish(struct run *r, enum td_code rc)
{
    struct td_g_call *call = &r->call;
    struct td_http_reply *reply = r->reply;
    if (!r->proven && (rc == TD_EAUTH || rc == TD_EEXPIRED || rc == TD_EDENIED)) {
        td_graph_challenge(r->svc, r->req, reply, r->err.text);
        return;
    }
    if (rc != TD_OK) {
        td_graph_fail(r->svc, r->req, reply, in_directory(r), call->status, &r->err);
        return;
    }
    bool body = reply->body.n != 0;
    if (!body && r->target.at == TD_G_AT_SET && r->req->method == TD_POST && call->status == 0)
        call->status = 204;
    reply->status = call->status != 0 ? call->status : body ? 200 : 204;
    if (body)
        reply->content_type = r->target.at == TD_G_AT_COUNT ? "text/plain" : media_type(call);
    if (td_g_preference(r->req, "return").p != NULL && !is_read(r->req))
        td_reply_header(reply, "Preference-Applied", body ? "return=representation" : "return=minimal");
    if (call->poke)
        td_jobs_poke(r->svc->jobs);
}

static void finish_later(void *ctx, enum td_code rc)
{
    struct run *r = ctx;
    finish(r, rc);
    r->req->answered(r->req);
}

static void set_arguments(struct run *r)
{
    const struct td_od_segment *s = r->target.function;
    size_t n = s != NULL ? s->argument_count : 0;
    struct td_od_argument *list = td_arena_array(r->req->arena, struct td_od_argument, n + 1);
    for (size_t i = 0; i < n; i++)
        list[i] = s->arguments[i];
    r->begun.arguments = list;
    r->begun.argument_count = n;
}

static void set_call(struct run *r)
{
    struct td_g_call *c = &r->begun;
    c->svc = r->svc;
    c->req = r->req;
    c->arena = r->req->arena;
    c->out = &r->reply->body;
    c->set = r->target.set;
    c->action = r->target.action;
    c->query = &r->query;
    c->eventual = td_ieqs(td_http_header(r->req, "ConsistencyLevel"), "eventual");
    memcpy(c->keys, r->target.keys, sizeof(c->keys));
    set_arguments(r);
    r->told = td_od_query_parse(r->req->query, r->req->arena, &r->query, &r->err);
    c->metadata = td_g_metadata_asked(r->req, &r->query);
    c->told = reads_told(r);
}

static void write_call(struct run *r)
{
    enum td_code rc = td_store_read(r->svc->store, look_first, r, &r->err);
    if (rc == TD_OK)
        rc = read_body(r, &r->err);
    if (rc == TD_OK && r->target.set->guard != NULL)
        rc = td_store_read(r->svc->store, look_again, r, &r->err);
    if (rc == TD_EDENIED && r->proven)
        td_g_audit_denied(r->svc, &r->who, &r->origin, r->req, &r->err);
    if (rc == TD_OK)
        rc = prepare(r, &r->err);
    if (rc != TD_OK) {
        finish(r, rc);
        return;
    }
    r->req->later = r->req->answered != NULL;
    if (r->req->later)
        td_store_write_later(r->svc->store, answer_write, r, &r->err, finish_later);
    else
        finish(r, td_store_write(r->svc->store, answer_write, r, &r->err));
}

void td_graph_call(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    struct run *r = td_arena_new(req->arena, struct run);
    r->svc = ctx;
    r->req = req;
    r->reply = reply;
    r->origin.request_id = td_graph_headers(r->svc, req, reply);
    r->headers = reply->header_count;
    enum td_code rc = locate(r, &r->err);
    if (rc != TD_OK) {
        td_graph_fail(r->svc, req, reply, false, r->call.status, &r->err);
        return;
    }
    set_call(r);
    if (!is_read(req)) {
        write_call(r);
        return;
    }
    rc = r->begun.told ? td_store_write(r->svc->store, answer_told, r, &r->err)
                       : td_store_read(r->svc->store, answer_read, r, &r->err);
    if (rc == TD_EDENIED && r->proven && r->begun.told)
        td_g_audit_denied(r->svc, &r->who, &r->origin, r->req, &r->err);
    finish(r, rc);
}

const char *td_g_argument(const struct td_g_call *call, const char *name)
{
    for (size_t i = 0; i < call->argument_count; i++)
        if (td_ieqs(td_str(call->arguments[i].name), name))
            return call->arguments[i].value;
    return NULL;
}
