/* Work of the store: given out to connectors that wait, and swept. */
#include "api/connector/room.h"
#include "api/jobs.h"
#include "base/fault.h"

enum { SWEEP = 25 };
#define SEEN_EVERY (30 * TD_SECOND) /* a connector that asks more often costs no write */

/* --- giving out --------------------------------------------------------------------------------------------------- */

struct leasing {
    const struct td_cdoor_for *who;
    struct td_arena *a;
    struct td_domain_join joins[TD_CDOOR_MAX_WORK];
    struct td_domain_removal removals[TD_CDOOR_MAX_WORK];
    int join_count, removal_count;
    const char **domains; /* of those that it asked for, what it may still serve */
    size_t domain_count;
    bool due;
};

static enum td_code look(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct leasing *l = ctx;
    return td_domain_work_due(tx, l->who->tenant, l->who->domains, l->who->domain_count, &l->due, err);
}

/* It may have been disabled or removed while it waits. */
static enum td_code check_still_there(struct td_tx *tx, const struct leasing *l, struct td_error *err)
{
    struct td_connector c = {.enabled = false};
    enum td_code rc = td_connector_find(tx, l->who->tenant, l->who->connector, l->a, &c, err);
    if (rc != TD_OK && rc != TD_ENOTFOUND)
        return rc;
    bool there = (rc == TD_OK && c.enabled) || td_fault("connector-disabled-leases");
    return there ? TD_OK
                 : td_remedy(err, td_fail(err, TD_EDENIED, "connector", "this connector is disabled or removed"),
                             "An administrator enables it with `touchdown connector enable`.");
}

/* ... or bound to others. */
static enum td_code check_still_bound(struct td_tx *tx, struct leasing *l, struct td_error *err)
{
    const struct td_cdoor_for *w = l->who;
    l->domains = td_arena_array(l->a, const char *, w->domain_count + 1);
    l->domain_count = 0;
    for (size_t i = 0; i < w->domain_count; i++) {
        enum td_code rc = td_connector_may(tx, w->tenant, w->connector, w->domains[i], err);
        if (rc == TD_OK || (rc == TD_EDENIED && td_fault("connector-unbound-leases")))
            l->domains[l->domain_count++] = w->domains[i];
        else if (rc != TD_EDENIED)
            return rc;
    }
    return TD_OK;
}

static enum td_code take(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct leasing *l = ctx;
    const struct td_cdoor_for *w = l->who;
    enum td_code rc = check_still_there(tx, l, err);
    if (rc == TD_OK)
        rc = check_still_bound(tx, l, err);
    l->join_count = l->removal_count = 0;
    while (rc == TD_OK && l->join_count < w->free) {
        rc = td_domain_join_lease(tx, w->tenant, w->connector, l->domains, l->domain_count, l->a,
                                  &l->joins[l->join_count], err);
        l->join_count += rc == TD_OK;
    }
    if (rc == TD_ENOTFOUND)
        rc = TD_OK;
    while (rc == TD_OK && l->join_count + l->removal_count < w->free) {
        rc = td_domain_removal_lease(tx, w->tenant, w->connector, l->domains, l->domain_count, l->a,
                                     &l->removals[l->removal_count], err);
        l->removal_count += rc == TD_OK;
    }
    return rc == TD_ENOTFOUND ? TD_OK : rc;
}

static void write_join(struct td_jsonw *w, const struct td_domain_join *j)
{
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "id", j->id);
    td_jsonw_kint(w, "attempt", j->attempt);
    td_jsonw_kstr(w, "kind", "join");
    td_jsonw_kstr(w, "domain", j->domain);
    td_jsonw_kstr(w, "name", j->name);
    td_jsonw_kstr(w, "ou", j->ou);
    td_jsonw_kstr(w, "reuse", j->reuse);
    td_jsonw_kstr(w, "registration", j->registration_id);
    td_jsonw_kstr(w, "job", j->id);
    td_jsonw_end(w);
}

static void write_removal(struct td_jsonw *w, const struct td_domain_removal *r)
{
    td_jsonw_obj(w);
    td_jsonw_kstr(w, "id", r->id);
    td_jsonw_kint(w, "attempt", r->attempt);
    td_jsonw_kstr(w, "kind", r->remove ? "delete" : "disable");
    td_jsonw_kstr(w, "domain", r->domain);
    td_jsonw_kstr(w, "accountGuid", r->account_guid);
    td_jsonw_kstr(w, "name", r->name);
    td_jsonw_end(w);
}

enum td_code td_cdoor_lease(struct td_service *svc, const struct td_cdoor_for *who, struct td_arena *a,
                            struct td_buf *out, int *ret_count, struct td_error *err)
{
    struct leasing *l = td_arena_new(a, struct leasing);
    struct td_jsonw w;
    l->who = who;
    l->a = a;
    *ret_count = 0;
    td_try(td_store_read(svc->store, look, l, err));
    if (!l->due)
        return TD_OK;
    td_try(td_store_write(svc->store, take, l, err));
    *ret_count = l->join_count + l->removal_count;
    if (*ret_count == 0)
        return TD_OK;
    td_jsonw_init(&w, out);
    td_jsonw_obj(&w);
    td_jsonw_key(&w, "work");
    td_jsonw_arr(&w);
    for (int i = 0; i < l->join_count; i++)
        write_join(&w, &l->joins[i]);
    for (int i = 0; i < l->removal_count; i++)
        write_removal(&w, &l->removals[i]);
    td_jsonw_arr_end(&w);
    td_jsonw_end(&w);
    return TD_OK;
}

/* --- a connector asks --------------------------------------------------------------------------------------------- */

static enum td_code seen(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct td_cdoor *c = ctx;
    return td_connector_seen(tx, c->connector.tenant, c->connector.id, NULL, NULL, 0, err);
}

static enum td_code tell_seen(struct td_cdoor *c, struct td_error *err)
{
    int64_t ago = td_now(c->svc->env) - c->connector.last_contact;
    return ago >= 0 && ago < SEEN_EVERY ? TD_OK : td_store_write(c->svc->store, seen, c, err);
}

static enum td_code read_free(const struct td_cdoor *c, int *ret, struct td_error *err)
{
    const struct td_json *v = td_json_get(c->body, "free");
    int64_t n = v == NULL ? 1 : v->type == TD_JSON_INT ? v->num : 0;
    if (n < 1 || n > TD_CDOOR_MAX_WORK)
        return td_remedy(err, td_fail(err, TD_EINVAL, "free", "must be a number from 1 to %d", TD_CDOOR_MAX_WORK),
                         "Say how many pieces of work can be begun now.");
    *ret = (int)n;
    return TD_OK;
}

/* The worker goes, the request stays: the hub answers it. */
static enum td_code park(struct td_cdoor *c, int free, struct td_error *err)
{
    struct td_connector_hub *hub = c->svc->connectors;
    struct td_hub_waiter *w = td_arena_new(c->a, struct td_hub_waiter);
    bool stopping = false;
    *w = (struct td_hub_waiter){.req = c->req,
                                .reply = c->reply,
                                .tenant = c->connector.tenant,
                                .connector = c->connector.id,
                                .domains = c->domains,
                                .domain_count = c->domain_count,
                                .encryption_key = c->connector.encryption_key,
                                .free = free};
    td_reply_header(c->reply, "Cache-Control", "no-store");
    c->req->later = true;
    struct td_jobs *jobs = c->svc->jobs; /* the request may be gone behind the next line */
    if (td_hub_park(hub, w, &stopping)) {
        td_jobs_poke(jobs);
        return TD_OK;
    }
    c->req->later = false;
    if (stopping) {
        td_hub_nothing(c->reply);
        return TD_OK;
    }
    return td_remedy(err, td_fail(err, TD_ELIMIT, "connector", "too many requests of it wait for work"),
                     "Keep at most %d open.", TD_CDOOR_MAX_PARKED);
}

enum td_code td_cdoor_work(struct td_cdoor *c, struct td_error *err)
{
    int free = 0, given = 0;
    td_try(read_free(c, &free, err));
    td_try(tell_seen(c, err));
    const struct td_cdoor_for who = {c->connector.tenant, c->connector.id, c->domains, c->domain_count, free};
    td_try(td_cdoor_lease(c->svc, &who, c->a, &c->reply->body, &given, err));
    if (given != 0)
        return TD_OK;
    if (c->req->answered != NULL && c->svc->connectors != NULL)
        return park(c, free, err);
    td_hub_nothing(c->reply);
    return TD_OK;
}

/* --- the job ------------------------------------------------------------------------------------------------------ */

/* Gives the request its work, or puts it back. An error is the store's: the connector asks again. */
static enum td_code supply(struct td_service *svc, struct td_hub_waiter *w, struct td_error *err)
{
    struct td_http_request *req = w->req;
    const struct td_cdoor_for who = {w->tenant, w->connector, w->domains, w->domain_count, w->free};
    struct td_error why = {.code = TD_OK};
    int given = 0;
    enum td_code rc = td_cdoor_lease(svc, &who, req->arena, &w->reply->body, &given, &why);
    if (rc == TD_OK && given == 0) {
        td_hub_put_back(svc->connectors, w);
        return TD_OK;
    }
    if (rc == TD_OK) {
        w->reply->status = 200;
        w->reply->content_type = "application/json";
    } else {
        td_reply_problem(w->reply, &why);
    }
    req->answered(req);
    return rc == TD_OK || rc == TD_EDENIED ? TD_OK : td_fail(err, rc, why.where, "%s", why.text);
}

struct rest {
    bool due, overdue, more;
};

static enum td_code look_around(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct rest *r = ctx;
    td_try(td_domain_work_due(tx, NULL, NULL, 0, &r->due, err));
    return td_domain_join_overdue(tx, &r->overdue, err);
}

static enum td_code sweep(struct td_tx *tx, void *ctx, struct td_error *err)
{
    TD_CLEANUP(td_arena_wipe) struct td_arena a = {0};
    struct rest *r = ctx;
    return td_domain_join_sweep(tx, SWEEP, &r->more, &a, err);
}

enum td_code td_connector_job(struct td_service *svc, bool *ret_more, struct td_error *err)
{
    struct rest r = {.due = false};
    struct td_connector_hub *hub = svc->connectors;
    int waiting = td_connector_hub_waiting(hub);
    td_try(td_store_read(svc->store, look_around, &r, err));
    if (r.overdue)
        td_try(td_store_write(svc->store, sweep, &r, err));
    if (hub != NULL)
        td_hub_expire(hub);
    for (int i = 0; r.due && i < waiting; i++) { /* each once: what has nothing goes to the end */
        struct td_hub_waiter *w = td_hub_take(hub);
        if (w == NULL)
            break;
        td_try(supply(svc, w, err));
    }
    *ret_more = r.more;
    return TD_OK;
}

/* --- figures ------------------------------------------------------------------------------------------------------ */

static enum td_code count(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_connector_stats *s = ctx;
    struct td_connector_counts c = {0};
    td_try(td_connector_counts(tx, &c, err));
    s->active = c.active;
    s->inactive = c.inactive;
    s->failing = c.failing;
    s->disabled = c.disabled;
    s->waiting = c.waiting;
    return td_domain_work_waiting(tx, &s->queued, &s->oldest_us, err);
}

enum td_code td_connector_stats(const struct td_service *svc, struct td_connector_stats *ret, struct td_error *err)
{
    *ret = (struct td_connector_stats){0};
    if (svc->connectors != NULL)
        td_hub_stats(svc->connectors, ret);
    return td_store_read(svc->store, count, ret, err);
}
