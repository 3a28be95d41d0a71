/* People and groups of a directory through the administration interface: what tells them apart, and that they are not
 * changed here (docs/tasks/directory-sync.md). */
#include "graph_world.h"
#include "store/directory_sync.h"

#define ALICE "0a1b2c3d-0405-4607-8809-0a0b0c0d0e0f"
#define SALES "0b000000-0000-4000-8000-000000000001"

static enum td_code want_sync(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    const struct td_ad_domain_row row = {
        .domain = "corp.test", .sign_in = true, .sync = true, .sync_base = "", .sync_seconds = 60};
    return td_ad_domain_put(tx, g.box->tenant, &row, "test", err);
}

static void take_over(void)
{
    static const char body[] =
        "{\"domain\":\"corp.test\",\"run\":\"r\",\"server\":\"0d000000-0000-4000-8000-00000000000a\",\"from\":\"0\","
        "\"to\":\"9\",\"full\":true,\"last\":true,\"objects\":[{\"kind\":\"user\",\"guid\":\"" ALICE
        "\",\"sid\":\"S-1-5-21-1-2-3-1103\",\"upn\":\"alice@corp.test\",\"sam\":\"alice\",\"name\":\"Alice\",\"mail\":"
        "\"alice@mail.test\"},{\"kind\":\"group\",\"guid\":\"" SALES
        "\",\"sid\":\"S-1-5-21-1-2-3-1200\",\"sam\":\"sales\",\"name\":\"Sales\",\"members\":[\"" ALICE "\"]}]}";
    struct td_json *v = NULL;
    struct td_error err = {0};
    uint64_t from = 0;
    assert_int_equal(td_store_write(g.box->svc.store, want_sync, NULL, &err), TD_OK);
    assert_int_equal(td_json_parse(td_str(body), 65536, &g.box->arena, &v, &err), TD_OK);
    if (td_directory_sync_take(g.box->svc.store, g.box->tenant, "one", v, &g.box->arena, &from, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
}

static void what_tells_them_apart(void **state TD_UNUSED)
{
    get("/v1.0/organization");
    is("value/0/onPremisesSyncEnabled", "null");
    take_over();
    get("/v1.0/users/alice@corp.test?$select=id,mail,onPremisesSyncEnabled,onPremisesImmutableId,"
        "onPremisesSecurityIdentifier,onPremisesSamAccountName,onPremisesDomainName,onPremisesLastSyncDateTime,"
        "onPremisesUserPrincipalName");
    is("onPremisesSyncEnabled", "true");
    is("onPremisesImmutableId", "\"PSwbCgUEB0aICQoLDA0ODw==\"");
    is("onPremisesSecurityIdentifier", "\"S-1-5-21-1-2-3-1103\"");
    is("onPremisesSamAccountName", "\"alice\"");
    is("onPremisesDomainName", "\"corp.test\"");
    is("onPremisesUserPrincipalName", "\"alice@corp.test\"");
    is("mail", "\"alice@mail.test\"");
    assert_non_null(strstr(gw_str("onPremisesLastSyncDateTime"), "20"));
    const char *id = gw_str("id");
    get("/v1.0/users?$filter=onPremisesSyncEnabled eq true");
    counts(1);
    get("/v1.0/groups?$filter=onPremisesSyncEnabled eq true");
    counts(1);
    is("value/0/displayName", "\"Sales\"");
    is("value/0/onPremisesSecurityIdentifier", "\"S-1-5-21-1-2-3-1200\"");
    is("value/0/onPremisesSamAccountName", "\"sales\"");
    is("value/0/onPremisesDomainName", "\"corp.test\"");
    askf(200, NULL, "GET /v1.0/users/%s/memberOf", id);
    counts(1);
    get("/v1.0/organization");
    is("value/0/onPremisesSyncEnabled", "true");
    assert_non_null(strstr(gw_str("value/0/onPremisesLastSyncDateTime"), "20"));
    get("/v1.0/domains?$filter=id eq 'corp.test'");
    counts(1);
}

static void they_are_not_changed_here(void **state TD_UNUSED)
{
    take_over();
    get("/v1.0/users/alice@corp.test?$select=id");
    const char *user = gw_str("id");
    get("/v1.0/groups?$filter=displayName eq 'Sales'");
    const char *group = gw_str("value/0/id");
    static const char *const bodies[] = {"{\"displayName\":\"Other\"}", "{\"accountEnabled\":false}",
                                         "{\"userPrincipalName\":\"eve@corp.test\"}",
                                         "{\"passwordProfile\":{\"password\":\"a-new-password\"}}"};
    for (size_t i = 0; i < TD_COUNTOF(bodies); i++) {
        askf(400, bodies[i], "PATCH /v1.0/users/%s", user);
        is_error("Request_BadRequest");
        assert_non_null(strstr(g.body, "directory corp.test"));
    }
    askf(400, NULL, "DELETE /v1.0/users/%s", user);
    askf(400, "{\"displayName\":\"Other\"}", "PATCH /v1.0/groups/%s", group);
    askf(400, NULL, "DELETE /v1.0/groups/%s", group);
    askf(400, NULL, "DELETE /v1.0/groups/%s/members/%s/$ref", group, user);
    get("/v1.0/users/alice@corp.test");
    is("displayName", "\"Alice\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_tells_them_apart),
        TEST(they_are_not_changed_here),
    };
    return cmocka_run_group_tests_name("graph_synced", tests, NULL, NULL);
}
