#include "api/operations.h"

#include "api/connector.h"
#include "store/profile.h"

static void health(void *ctx TD_UNUSED, struct td_http_request *req TD_UNUSED, struct td_http_reply *reply)
{
    td_reply_text(reply, 200, "application/json", TD_S("{\"status\":\"ok\"}"));
}

static enum td_code look(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_store_generation(tx, ctx, err);
}

static void ready(void *ctx, struct td_http_request *req TD_UNUSED, struct td_http_reply *reply)
{
    struct td_operations *o = ctx;
    struct td_error err;
    int64_t generation;
    if (atomic_load(&o->stopping) || atomic_load(&o->server) == NULL) {
        (void)td_fail(&err, TD_EUNAVAILABLE, "", "The service is starting or stopping.");
        td_reply_problem(reply, &err);
        return;
    }
    if (td_store_read(o->svc->store, look, &generation, &err) != TD_OK) {
        (void)td_fail(&err, TD_EUNAVAILABLE, "", "The store does not answer.");
        td_reply_problem(reply, &err);
        return;
    }
    td_reply_text(reply, 200, "application/json", TD_S("{\"status\":\"ready\"}"));
}

struct metric {
    const char *name, *labels, *type, *help; /* help NULL: a further row of the metric above */
    uint64_t value;
};

static void write_metrics(struct td_buf *b, const struct metric *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].help != NULL)
            td_buf_printf(b, "# HELP touchdown_%s %s\n# TYPE touchdown_%s %s\n", rows[i].name, rows[i].help,
                          rows[i].name, rows[i].type);
        td_buf_printf(b, "touchdown_%s%s %llu\n", rows[i].name, rows[i].labels, (unsigned long long)rows[i].value);
    }
}

static void server_metrics(const struct td_server *server, struct td_buf *b)
{
    struct td_server_stats s;
    td_server_stats(server, &s);
    const struct metric rows[] = {
        {"connections_total", "", "counter", "Connections accepted.", s.accepted},
        {"connections_open", "", "gauge", "Connections open now.", s.open},
        {"connections_refused_total", "", "counter", "Connections refused by a limit.", s.refused},
        {"handshakes_total", "{kind=\"full\"}", "counter", "TLS handshakes.", s.handshakes_full},
        {"handshakes_total", "{kind=\"resumed\"}", "counter", NULL, s.handshakes_resumed},
        {"handshakes_total", "{kind=\"failed\"}", "counter", NULL, s.handshakes_failed},
        {"requests_total", "", "counter", "Requests read whole.", s.requests},
        {"replies_total", "{status=\"2xx\"}", "counter", "Answers by status.", s.replies[2]},
        {"replies_total", "{status=\"3xx\"}", "counter", NULL, s.replies[3]},
        {"replies_total", "{status=\"4xx\"}", "counter", NULL, s.replies[4]},
        {"replies_total", "{status=\"5xx\"}", "counter", NULL, s.replies[5]},
        {"queue_length", "", "gauge", "Requests waiting for a worker.", s.queued},
        {"queue_full_total", "", "counter", "Requests answered 503 because the queue was full.", s.queue_full},
        {"limited_total", "", "counter", "Requests answered 429.", s.limited},
        {"cut_total", "{phase=\"handshake\"}", "counter", "Connections cut by a deadline.", s.cut_handshake},
        {"cut_total", "{phase=\"body\"}", "counter", NULL, s.cut_body},
        {"cut_total", "{phase=\"work\"}", "counter", NULL, s.cut_work},
        {"cut_total", "{phase=\"send\"}", "counter", NULL, s.cut_send},
        {"cut_total", "{phase=\"idle\"}", "counter", NULL, s.cut_idle},
        {"body_octets", "", "gauge", "Octets of request bodies in memory.", s.body_octets},
    };
    write_metrics(b, rows, TD_COUNTOF(rows));
}

static enum td_code count_unassigned(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_profile_unassigned(tx, NULL, ctx, err);
}

static void store_metrics(struct td_operations *o, struct td_buf *b)
{
    struct td_store_stats s;
    int64_t unassigned = 0;
    td_ignore(td_store_read(o->svc->store, count_unassigned, &unassigned, NULL));
    td_store_stats(o->svc->store, &s);
    const struct metric rows[] = {
        {"store_commits_total", "", "counter", "Durable commits.", s.commits},
        {"store_writes_total", "", "counter", "Writes; many share one commit.", s.writes},
        {"store_writes_failed_total", "", "counter", "Writes that were refused or failed.", s.failed},
        {"store_flush_microseconds_total", "", "counter", "Time spent in commits.", s.flush_us},
        {"devices_unassigned", "", "gauge", "Registered devices that no profile holds for.", (uint64_t)unassigned},
        {"start_time_seconds", "", "gauge", "When the service began, seconds since 1970.",
         (uint64_t)(o->started / TD_SECOND)},
    };
    write_metrics(b, rows, TD_COUNTOF(rows));
}

static void connector_metrics(struct td_operations *o, struct td_buf *b)
{
    struct td_connector_stats s = {0};
    if (td_connector_stats(o->svc, &s, NULL) != TD_OK)
        return;
    const struct metric rows[] = {
        {"connectors", "{state=\"active\"}", "gauge", "Connectors to Active Directory.", (uint64_t)s.active},
        {"connectors", "{state=\"failing\"}", "gauge", NULL, (uint64_t)s.failing},
        {"connectors", "{state=\"inactive\"}", "gauge", NULL, (uint64_t)s.inactive},
        {"connectors", "{state=\"disabled\"}", "gauge", NULL, (uint64_t)s.disabled},
        {"connectors", "{state=\"waiting\"}", "gauge", NULL, (uint64_t)s.waiting},
        {"connector_requests_waiting", "", "gauge", "Requests of connectors that wait for work.", (uint64_t)s.parked},
        {"domain_work_queued", "", "gauge", "Work for connectors that waits.", (uint64_t)s.queued},
        {"domain_work_oldest_seconds", "", "gauge", "Age of the oldest of it.", (uint64_t)(s.oldest_us / TD_SECOND)},
        {"domain_questions_total", "{end=\"answered\"}", "counter", "Questions to connectors.", s.answered},
        {"domain_questions_total", "{end=\"refused\"}", "counter", NULL, s.refused},
        {"domain_questions_total", "{end=\"unanswered\"}", "counter", NULL, s.unanswered},
    };
    write_metrics(b, rows, TD_COUNTOF(rows));
}

static bool is_loopback(const char *address)
{
    return td_starts(td_str(address), "127.") || strcmp(address, "::1") == 0 ||
           td_starts(td_str(address), "::ffff:127.");
}

static void metrics(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    struct td_operations *o = ctx;
    struct td_slice token = td_http_bearer(req);
    bool shown = o->metrics_token != NULL && td_same_secret(token, td_str(o->metrics_token));
    if (!shown && !is_loopback(req->peer->address)) {
        struct td_error err;
        (void)td_fail(&err, TD_EAUTH, "authorization", "Metrics are shown on loopback or with their token.");
        td_reply_problem(reply, &err);
        td_reply_header(reply, "WWW-Authenticate", "Bearer");
        return;
    }
    reply->status = 200;
    reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
    struct td_server *server = atomic_load(&o->server);
    if (server != NULL)
        server_metrics(server, &reply->body);
    store_metrics(o, &reply->body);
    connector_metrics(o, &reply->body);
}

const struct td_route td_operations_routes[] = {
    {TD_GET, "/healthz", health, 0, 0},
    {TD_GET, "/readyz", ready, 0, 0},
    {TD_GET, "/metrics", metrics, 0, 0},
};
const size_t td_operations_route_count = TD_COUNTOF(td_operations_routes);
