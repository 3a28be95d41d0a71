/* Connectors at a real listener with one worker: whoever waits for work holds nobody up, and the end of the service
 * answers it (docs/protocol/connector.md 2). */
#include "api/connector.h"
#include "https.h"
#include "service_box.h"
#include "store/connector.h"

static struct service_box *box;
static struct td_door door;
static struct td_router router;

static void enter(struct td_tx *tx, struct service_box *b)
{
    struct td_connector c, what = {.encryption_key = TD_S("none"), .version = "1"};
    struct td_cert cert = {.der = TD_S("")};
    const unsigned char code[32] = {1};
    assert_ok(td_cert_parse(https_client_cert(), &b->arena, &cert, NULL));
    td_sha256(cert.spki, what.key_sha256);
    assert_ok(td_connector_add(tx, b->tenant, "HQ-1", code, "ada", &b->arena, &c, NULL));
    assert_ok(td_connector_register(tx, code, &what, &b->arena, &c, NULL));
}

static int start(void **state)
{
    int rc = begins(state);
    void *made = NULL;
    rc = rc != 0 ? rc : box_setup(&made);
    box = made;
    box->svc.connectors = td_connector_hub_new(box->svc.env);
    box_in_write(box, enter);
    door = (struct td_door){td_connector_routes, td_connector_route_count, &box->svc};
    router = (struct td_router){&door, 1};
    config.router = &router;
    config.workers = 1;
    served();
    return rc;
}

static int end(void **state)
{
    void *made = box;
    td_connector_hub_stop(box->svc.connectors);
    int rc = ends(state);
    td_connector_hub_free(TD_TAKE(box->svc.connectors));
    return box_teardown(&made) != 0 ? 1 : rc;
}

static const char *post(const char *call, const char *body)
{
    return td_arena_printf(&test_arena,
                           "POST /connector/%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n%s", call,
                           strlen(body), body);
}

static void who_waits_holds_nobody_up(void **state TD_UNUSED)
{
    const struct client_options with_cert = {.cert = true};
    struct client *waits = dial(&with_cert), *other = dial(&with_cert), *nobody = dial_new();
    assert_true(send_text(waits, post("work", "{\"free\":1}")));
    for (int i = 0; i < 1000 && td_connector_hub_waiting(box->svc.connectors) == 0; i++)
        assert_int_equal(ask(other, post("hello", "{\"domains\":[]}")).status, 200);
    assert_int_equal(ask(other, post("hello", "{\"domains\":[]}")).status, 200); /* by the only worker */
    assert_int_equal(ask(nobody, post("work", "{}")).status, 401);
    assert_int_equal(td_connector_hub_waiting(box->svc.connectors), 1);
    td_connector_hub_stop(box->svc.connectors);
    struct answer a = receive(waits);
    assert_int_equal(a.status, 200);
    assert_slice(a.body, "{\"work\":[]}");
    hang_up(waits);
    hang_up(other);
    hang_up(nobody);
}

/* The job of the hub and the loop take turns until it is known: the loop tells by its answers that it went on. */
static void until_nobody_waits(struct client *other)
{
    for (int i = 0; i < 1000 && td_connector_hub_waiting(box->svc.connectors) != 0; i++) {
        bool more = false;
        assert_ok(td_connector_job(&box->svc, &more, NULL));
        assert_int_equal(ask(other, post("hello", "{\"domains\":[]}")).status, 200);
    }
    assert_int_equal(td_connector_hub_waiting(box->svc.connectors), 0);
}

static void who_hung_up_waits_no_more(void **state TD_UNUSED)
{
    const struct client_options with_cert = {.cert = true};
    struct client *other = dial(&with_cert);
    for (int way = 0; way < 2; way++) {
        struct client *waits = dial(&with_cert);
        assert_true(send_text(waits, post("work", "{\"free\":1}")));
        for (int i = 0; i < 1000 && td_connector_hub_waiting(box->svc.connectors) == 0; i++)
            assert_int_equal(ask(other, post("hello", "{\"domains\":[]}")).status, 200);
        assert_int_equal(td_connector_hub_waiting(box->svc.connectors), 1);
        if (way == 0)
            reset(waits);
        else
            hang_up(waits);
        until_nobody_waits(other);
    }
    hang_up(other);
}

static void lend(void *ctx TD_UNUSED, bool waits)
{
    if (server != NULL) /* a test that failed ends it with questions under way */
        td_server_lend(server, waits);
}

/* A handler that asks a connector, as sign-ins do. */
static void post_ask(void *ctx TD_UNUSED, struct td_http_request *req, struct td_http_reply *reply)
{
    const struct td_connector_question q = {.tenant = box->tenant, .domain = "corp.test", .kind = "computer"};
    const struct td_json *answer = NULL;
    struct td_error err = {0};
    enum td_code rc = td_connector_ask(&box->svc, &q, req->arena, &answer, &err);
    td_reply_text(reply, rc == TD_OK ? 200 : 503, "text/plain", td_str(rc == TD_OK ? "asked" : err.text));
}

static const struct td_route asking[] = {{TD_POST, "/connector/ask", post_ask, 0, 100}};

static const char *question(struct client *near)
{
    struct td_json *j = NULL;
    struct answer a = ask(near, post("work", "{\"free\":1}"));
    assert_int_equal(a.status, 200);
    assert_ok(td_json_parse(a.body, 1 << 16, &test_arena, &j, NULL));
    assert_int_equal(td_json_count(td_json_get(j, "work")), 1);
    return td_json_str(td_json_get(j, "work")->child, "id");
}

/* Five sign in at once where one worker is all there is: another is lent for each, and the answers come through. */
static void who_asks_holds_nobody_up(void **state TD_UNUSED)
{
    const struct client_options with_cert = {.cert = true};
    const struct td_door doors[] = {door, {asking, 1, NULL}};
    struct client *near = dial(&with_cert), *people[5];
    router = (struct td_router){doors, 2};
    td_connector_hub_lend(box->svc.connectors, lend, NULL);
    assert_int_equal(ask(near, post("hello", "{\"domains\":[{\"domain\":\"corp.test\"}]}")).status, 200);
    for (size_t i = 0; i < TD_COUNTOF(people); i++)
        assert_true(send_text(people[i] = dial_new(), post("ask", "")));
    for (size_t i = 0; i < TD_COUNTOF(people); i++) {
        const char *result =
            td_arena_printf(&test_arena, "{\"id\":\"%s\",\"attempt\":0,\"result\":{}}", question(near));
        assert_int_equal(ask(near, post("result", result)).status, 200);
    }
    for (size_t i = 0; i < TD_COUNTOF(people); i++) {
        struct answer a = receive(people[i]);
        assert_slice(a.body, "asked");
        hang_up(people[i]);
    }
    hang_up(near);
}

/* Its connection is gone: what it would have got is not lost for ever, and nothing falls over. */
static void who_left_is_answered_all_the_same(void **state TD_UNUSED)
{
    const struct client_options with_cert = {.cert = true};
    struct client *waits = dial(&with_cert), *other = dial(&with_cert);
    assert_true(send_text(waits, post("work", "{\"free\":1}")));
    assert_int_equal(ask(other, post("hello", "{\"domains\":[]}")).status, 200);
    reset(waits);
    assert_int_equal(ask(other, post("hello", "{\"domains\":[]}")).status, 200);
    td_connector_hub_stop(box->svc.connectors);
    assert_int_equal(ask(other, post("work", "{}")).status, 200);
    hang_up(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_waits_holds_nobody_up, start, end),
        cmocka_unit_test_setup_teardown(who_asks_holds_nobody_up, start, end),
        cmocka_unit_test_setup_teardown(who_hung_up_waits_no_more, start, end),
        cmocka_unit_test_setup_teardown(who_left_is_answered_all_the_same, start, end),
    };
    return cmocka_run_group_tests_name("connector_wait", tests, https_setup, https_teardown);
}
