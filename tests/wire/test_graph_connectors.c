/* domainJoinConnectors: how the connectors to Active Directory do, shown and taken away through the interface
 * (docs/tasks/connector.md). */
#include "graph_world.h"
#include "store/connector.h"
#include "store/domain_join.h"
#include "store/way.h"

#define CONNECTORS DM "domainJoinConnectors"
static const unsigned char code_a[32] = {1}, code_b[32] = {2};
static const char *hq;

static void fill(struct td_tx *tx, struct service_box *b)
{
    struct td_connector c, what = {.encryption_key = TD_S("RSA"), .version = "1.2", .key_sha256 = {7}};
    struct td_way_row way;
    struct td_domain_join j;
    const struct td_connector_domain d = {
        .domain = "corp.test", .netbios = "CORP", .dc = "dc1.corp.test", .site = "HQ", .problem = "", .detail = ""};
    const struct td_domain_asking asking = {"w1", "e1", "", "SN", "i", "corp.test", "", "PC-%RAND:5%", "own"};
    assert_ok(td_connector_add(tx, b->tenant, "HQ-2", code_b, "ada", &b->arena, &c, NULL)); /* its code waits */
    assert_ok(td_connector_add(tx, b->tenant, "HQ-1", code_a, "ada", &b->arena, &c, NULL));
    assert_ok(td_connector_register(tx, code_a, &what, &b->arena, &c, NULL));
    assert_ok(td_connector_seen(tx, b->tenant, c.id, "1.2", &d, 1, NULL));
    assert_ok(td_way_add(tx, b->tenant, TD_WAY_ID, "w1", &b->arena, &way, NULL));
    assert_ok(td_domain_join_ask(tx, b->tenant, &asking, &b->arena, &j, NULL));
    assert_ok(td_connector_bind(tx, b->tenant, c.id, (const char *const[]){"lab.test", "corp.test"}, 2, "ada", NULL));
    hq = c.id;
}

static void trouble(struct td_tx *tx, struct service_box *b)
{
    const struct td_connector_domain d = {
        .domain = "corp.test", .netbios = "CORP", .dc = "", .site = "", .problem = "NoDc", .detail = "none of two"};
    assert_ok(td_connector_seen(tx, b->tenant, hq, "1.2", &d, 1, NULL));
}

static void state_is(const char *want)
{
    askf(200, NULL, "GET " CONNECTORS "/%s", hq);
    is_text("state", want);
}

static void shown_with_what_they_serve(void **state TD_UNUSED)
{
    box_in_write(g.box, fill);
    get(CONNECTORS);
    counts(2);
    get(CONNECTORS "?$filter=state eq 'active'");
    counts(1);
    is_text("value/0/displayName", "HQ-1");
    is_text("value/0/id", hq);
    is_text("value/0/version", "1.2");
    is_text("value/0/lastConnectionDateTime", "2030-01-02T03:04:05Z");
    is("value/0/queuedWorkCount", "1");
    is_text("value/0/boundDomains/0", "corp.test");
    is_text("value/0/boundDomains/1", "lab.test");
    is_text("value/0/domains/0/domain", "corp.test");
    is_text("value/0/domains/0/domainController", "dc1.corp.test");
    is("value/0/domains/0/problem", "null");
    get(CONNECTORS "?$filter=displayName eq 'HQ-2'");
    is_text("value/0/state", "inactive");
    is("value/0/domains", "[]");
    is("value/0/boundDomains", "[]");
    box_in_write(g.box, trouble);
    state_is("error");
    is_text("domains/0/problem", "NoDc");
    is_text("domains/0/detail", "none of two");
    g.box->world.now += TD_CONNECTOR_STALE + TD_SECOND;
    state_is("inactive");
    ask(405, "POST " CONNECTORS, "{\"displayName\":\"x\"}");
    askf(405, "{\"displayName\":\"x\"}", "PATCH " CONNECTORS "/%s", hq);
}

static void others_see_and_take_nothing(void **state TD_UNUSED)
{
    box_in_write(g.box, fill);
    gw_call_as(g.foreign, "GET " CONNECTORS, NULL);
    assert_int_equal(g.status, 200);
    is("value", "[]");
    gw_call_as(g.foreign, text("DELETE " CONNECTORS "/%s", hq), NULL);
    assert_int_equal(g.status, 404);
    askf(204, NULL, "DELETE " CONNECTORS "/%s", hq);
    askf(404, NULL, "GET " CONNECTORS "/%s", hq);
    get("/beta/deviceManagement/auditEvents?$filter=category eq 'Enrollment'");
    counts(5); /* two added, one registered, one bound, one removed */
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(shown_with_what_they_serve), TEST(others_see_and_take_nothing)};
    return cmocka_run_group_tests_name("graph_connectors", tests, NULL, NULL);
}
