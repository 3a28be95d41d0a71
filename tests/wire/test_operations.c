/* api/operations: health, readiness and metrics, and who may see them. */
#include "api/operations.h"
#include "store/connector.h"
#include "wire/service_box.h"

static struct service_box *box;
static struct td_operations operations;

static int start(void **state)
{
    int rc = box_setup(state);
    box = *state;
    operations.svc = &box->svc;
    operations.metrics_token = "the-token";
    return rc;
}

static int ask(const char *path, const char *address, const char *header)
{
    const struct td_door door = {td_operations_routes, td_operations_route_count, &operations};
    const struct td_router router = {&door, 1};
    const struct td_peer peer = {.address = address, .tls = true};
    td_reply_done(&box->reply);
    td_loopback(&router, "GET", path, (const char *[]){header, NULL}, TD_S(""), &peer, &box->arena, &box->reply);
    return box->reply.status;
}

static void tells_health_and_readiness(void **state TD_UNUSED)
{
    struct td_server *some = (struct td_server *)box; /* only that there is one counts */
    assert_int_equal(ask("/healthz", "192.0.2.1", NULL), 200);
    assert_int_equal(ask("/readyz", "192.0.2.1", NULL), 503);
    assert_string_equal(td_loopback_header(&box->reply, "Retry-After"), "1");
    atomic_store(&operations.server, some);
    assert_int_equal(ask("/readyz", "192.0.2.1", NULL), 200);
    atomic_store(&operations.stopping, true);
    assert_int_equal(ask("/readyz", "192.0.2.1", NULL), 503);
    atomic_store(&operations.stopping, false);
    atomic_store(&operations.server, NULL);
}

static void shows_metrics_to_few(void **state TD_UNUSED)
{
    static const struct {
        const char *address, *header;
        int status;
    } rows[] = {
        {"127.0.0.1", NULL, 200},
        {"::1", NULL, 200},
        {"192.0.2.1", NULL, 401},
        {"192.0.2.1", "Authorization: Bearer the-token", 200},
        {"192.0.2.1", "Authorization: Bearer the-toke", 401},
        {"192.0.2.1", "Authorization: Bearer", 401},
        {"192.0.2.1", "X-Forwarded-For: 127.0.0.1", 401},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        assert_int_equal(ask("/metrics", rows[i].address, rows[i].header), rows[i].status);
    operations.metrics_token = NULL;
    assert_int_equal(ask("/metrics", "192.0.2.1", "Authorization: Bearer"), 401);
    operations.metrics_token = "the-token";
}

static void add_connector(struct td_tx *tx, struct service_box *b)
{
    struct td_connector c;
    const unsigned char code[32] = {1};
    assert_ok(td_connector_add(tx, b->tenant, "HQ-1", code, "ada", &b->arena, &c, NULL));
}

static void counts_connectors(void **state TD_UNUSED)
{
    box_in_write(box, add_connector);
    assert_int_equal(ask("/metrics", "127.0.0.1", NULL), 200);
    assert_non_null(strstr(box->reply.body.p, "\ntouchdown_connectors{state=\"waiting\"} 1\n"));
    assert_non_null(strstr(box->reply.body.p, "\ntouchdown_connectors{state=\"active\"} 0\n"));
    assert_non_null(strstr(box->reply.body.p, "\ntouchdown_domain_work_queued 0\n"));
    assert_null(strstr(box->reply.body.p, "HQ-1"));
}

static void names_no_tenant(void **state TD_UNUSED)
{
    assert_int_equal(ask("/metrics", "127.0.0.1", NULL), 200);
    assert_non_null(strstr(box->reply.body.p, "\ntouchdown_store_commits_total "));
    assert_null(strstr(box->reply.body.p, "contoso"));
    assert_null(strstr(box->reply.body.p, box->tenant));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tells_health_and_readiness),
                                       cmocka_unit_test(shows_metrics_to_few), cmocka_unit_test(counts_connectors),
                                       cmocka_unit_test(names_no_tenant)};
    return cmocka_run_group_tests_name("operations", tests, start, box_teardown);
}
