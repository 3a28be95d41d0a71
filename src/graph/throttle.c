#include "graph/throttle.h"

#include "base/env.h"
#include "base/fault.h"
#include "store/tenant.h"

#include <pthread.h>
#include <stdio.h>

enum { SLOTS = 512, WINDOW_S = 20, KEY = 128 };

struct counter {
    char key[KEY]; /* "tenant" or "tenant app"; "" for an empty place */
    int64_t from;
    int64_t any, writes;
};

struct td_g_throttle {
    pthread_mutex_t lock;
    struct counter slots[SLOTS];
};

struct td_g_throttle *td_g_throttle_new(void)
{
    struct td_g_throttle *t = td_new(struct td_g_throttle);
    (void)pthread_mutex_init(&t->lock, NULL);
    return t;
}

void td_g_throttle_free(struct td_g_throttle *t)
{
    if (t != NULL)
        (void)pthread_mutex_destroy(&t->lock);
    td_free(t);
}

enum td_code td_g_limits_of(struct td_tx *tx, const char *tenant, struct td_g_limits *ret, struct td_error *err)
{
    const struct {
        const char *key;
        int64_t *into;
    } rows[] = {{"graph-throttle-requests", &ret->tenant_any},
                {"graph-throttle-writes", &ret->tenant_writes},
                {"graph-throttle-app-requests", &ret->app_any},
                {"graph-throttle-app-writes", &ret->app_writes}};
    TD_CLEANUP(td_arena_done) struct td_arena a;
    const char *on = NULL;
    td_arena_init(&a);
    *ret = (struct td_g_limits){0};
    td_try(td_tenant_get(tx, tenant, "graph-throttle", &a, &on, err));
    ret->on = strcmp(on, "on") == 0;
    for (size_t i = 0; i < TD_COUNTOF(rows) && ret->on; i++)
        td_try(td_tenant_get_int(tx, tenant, rows[i].key, rows[i].into, err));
    return TD_OK;
}

/* The counter of a key, with a fresh window if its own has ended; else the one whose window began first makes room. */
static struct counter *counter_of(struct td_g_throttle *t, const char *key, int64_t now)
{
    struct counter *oldest = &t->slots[0], *c = NULL;
    for (size_t i = 0; i < SLOTS && c == NULL; i++) {
        if (strcmp(t->slots[i].key, key) == 0)
            c = &t->slots[i];
        else if (t->slots[i].from < oldest->from)
            oldest = &t->slots[i];
    }
    if (c == NULL) {
        c = oldest;
        (void)snprintf(c->key, sizeof(c->key), "%s", key);
        c->from = INT64_MIN;
    }
    if (c->from == INT64_MIN || now - c->from >= WINDOW_S * TD_SECOND || now < c->from) {
        c->from = now;
        c->any = c->writes = 0;
    }
    return c;
}

struct verdict {
    bool app;        /* the program's limit, else the tenant's */
    bool writes;     /* of writes, else of all calls */
    int64_t retry;   /* seconds; 0: passed */
    int64_t percent; /* of the limit that is nearest, this call included */
};

/* One counter against its two limits. */
static void judge(const struct counter *c, int64_t any, int64_t writes, bool write, int64_t now, struct verdict *v)
{
    const struct {
        int64_t count, limit;
        bool writes;
    } rows[] = {{c->any, any, false}, {c->writes, write ? writes : 0, true}};
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        if (rows[i].limit == 0)
            continue;
        v->percent = TD_MAX(v->percent, (rows[i].count + 1) * 100 / rows[i].limit);
        if (rows[i].count < rows[i].limit || v->retry != 0 || td_fault("throttle-never"))
            continue;
        const int64_t left = c->from + WINDOW_S * TD_SECOND - now;
        v->retry = TD_MAX((left + TD_SECOND - 1) / TD_SECOND, INT64_C(1));
        v->writes = rows[i].writes;
    }
}

static void count(struct counter *c, bool write)
{
    c->any++;
    c->writes += write;
}

static struct verdict take(struct td_g_throttle *t, const struct td_g_limits *l, const struct td_claims *who,
                           bool write, int64_t now)
{
    struct verdict v = {0};
    char key[KEY];
    (void)snprintf(key, sizeof(key), "%s %s", who->tenant, who->app_id);
    (void)pthread_mutex_lock(&t->lock);
    struct counter *app = counter_of(t, key, now);
    judge(app, l->app_any, l->app_writes, write, now, &v);
    v.app = v.retry != 0;
    struct counter *tenant = counter_of(t, who->tenant, now);
    judge(tenant, l->tenant_any, l->tenant_writes, write, now, &v);
    if (v.retry == 0) {
        count(app, write);
        count(tenant, write);
    }
    (void)pthread_mutex_unlock(&t->lock);
    return v;
}

/* A repeated sync costs nothing and a refused one stops the ecosystem's script for minutes: never refused. */
static bool is_sync(const struct td_http_request *req)
{
    static const char tail[] = "/windowsAutopilotSettings/sync";
    struct td_slice path = td_ends(req->path, "/") ? td_sub(req->path, 0, req->path.n - 1) : req->path;
    const size_t n = sizeof(tail) - 1;
    return req->method == TD_POST && path.n > n && td_ieqs(td_sub(path, path.n - n, n), tail);
}

static enum td_code refuse(const struct verdict *v, const struct td_claims *who, struct td_http_request *req,
                           struct td_http_reply *reply, struct td_error *err)
{
    struct td_arena *a = req->arena;
    td_reply_header(reply, "Retry-After", td_arena_printf(a, "%lld", (long long)v->retry));
    td_reply_header(reply, "x-ms-throttle-scope",
                    td_arena_printf(a, "%s/%s/%s/%s", v->app ? "Tenant_Application" : "Tenant",
                                    v->writes ? "Write" : "ReadWrite", who->app_id, who->tenant));
    td_reply_header(reply, "x-ms-throttle-information", v->writes ? "WriteLimitExceeded" : "RequestLimitExceeded");
    td_ignore(td_fail(err, TD_ELIMIT, "", "%s has made as many %s in %d seconds as its tenant allows",
                      v->app ? "This application" : "This tenant", v->writes ? "changes" : "requests", WINDOW_S));
    return td_remedy(err, TD_ELIMIT,
                     "try again in %lld seconds; the tenant's settings graph-throttle-... are the limits",
                     (long long)v->retry);
}

enum td_code td_g_throttle_pass(const struct td_service *svc, const struct td_g_limits *limits,
                                const struct td_claims *who, struct td_http_request *req, struct td_http_reply *reply,
                                struct td_error *err)
{
    if (svc->throttle == NULL || !limits->on || is_sync(req))
        return TD_OK;
    const bool write = req->method != TD_GET && req->method != TD_HEAD;
    struct verdict v = take(svc->throttle, limits, who, write, td_now(svc->env));
    if (v.percent >= 80)
        td_reply_header(
            reply, "x-ms-throttle-limit-percentage",
            td_arena_printf(req->arena, "%lld.%02lld", (long long)(v.percent / 100), (long long)(v.percent % 100)));
    return v.retry == 0 ? TD_OK : refuse(&v, who, req, reply, err);
}
