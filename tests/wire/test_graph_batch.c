/* $batch and $metadata as graph-api.md 1.1, 2.6 and 3.4 and clients.md 3 have them. */
#include "graph/batch.h"
#include "graph/metadata.h"
#include "graph_world.h"

#define PRINCIPALS "/servicePrincipals"
#define NOBODY "/servicePrincipals/00000000-0000-4000-8000-000000000000"

/* One part; more members stand in more, each led by a comma. */
static const char *part(const char *id, const char *method, const char *url, const char *more)
{
    return text("{\"id\":\"%s\",\"method\":\"%s\",\"url\":\"%s\"%s}", id, method, url, more);
}

static const char *batch_of(const char *parts)
{
    return text("{\"requests\":[%s]}", parts);
}

/* The answer to a part, as a path into the whole answer. */
static const char *answer_to(const char *id)
{
    const struct td_json *list = td_json_get(g.json, "responses");
    size_t n = td_json_count(list);
    for (size_t i = 0; i < n; i++) {
        const char *path = text("responses/%zu", i);
        if (strcmp(gw_str(text("%s/id", path)), id) == 0)
            return path;
    }
    fail_msg("no answer to %s in %.2000s", id, g.body);
    return "";
}

static void status_is(const char *id, int status)
{
    is(text("%s/status", answer_to(id)), text("%d", status));
}

static void parts_answer_for_themselves(void **state TD_UNUSED)
{
    const char *parts = text("%s,%s,%s,%s", part("SN-0001", "GET", PRINCIPALS, ""),
                             part("2", "get", "servicePrincipals?$select=id", ""), part("3", "GET", NOBODY, ""),
                             part("4", "DELETE", "/v1.0/servicePrincipals", ""));
    ask(200, "POST /beta/$batch", batch_of(parts));
    assert_int_equal(td_json_count(td_json_get(g.json, "responses")), 4);
    status_is("SN-0001", 200);
    assert_string_equal(gw_str(text("%s/body/value/0/appId", answer_to("SN-0001"))),
                        "0000000a-0000-0000-c000-000000000000");
    assert_non_null(strstr(gw_str(text("%s/headers/Content-Type", answer_to("SN-0001"))), "application/json"));
    assert_non_null(strstr(gw_str(text("%s/body/@odata.context", answer_to("2"))), "/beta/$metadata#"));
    is(text("%s/body/value/0/appId", answer_to("2")), "(missing)");
    status_is("3", 404);
    assert_string_equal(gw_str(text("%s/body/error/code", answer_to("3"))), "Request_ResourceNotFound");
    status_is("4", 405);
}

static void addresses_in_every_form(void **state TD_UNUSED)
{
    static const char *const urls[] = {
        "/servicePrincipals",
        "servicePrincipals",
        "/beta/servicePrincipals",
        "v1.0/servicePrincipals",
        "https://graph.microsoft.com/v1.0/servicePrincipals",
        "/servicePrincipals?$filter=displayName ne 'x'&$top=5",
        "/servicePrincipals?%24filter=displayName%20ne%20%27x%27",
        "/serviceprincipals/",
    };
    for (size_t i = 0; i < TD_COUNTOF(urls); i++) {
        ask(200, "POST /v1.0/$batch", batch_of(part("a", "GET", urls[i], "")));
        status_is("a", 200);
        assert_string_equal(gw_str("responses/0/body/value/0/appId"), "0000000a-0000-0000-c000-000000000000");
    }
    ask(200, "POST /v1.0/$batch", batch_of(part("a", "GET", "/servicePrincipals", "")));
    assert_non_null(strstr(gw_str("responses/0/body/@odata.context"), "/v1.0/$metadata#"));
}

static void what_is_no_json_comes_as_base64(void **state TD_UNUSED)
{
    ask(200, "POST /v1.0/$batch", batch_of(part("n", "GET", "/servicePrincipals/$count", "")));
    status_is("n", 200);
    is_text("responses/0/headers/Content-Type", "text/plain");
    is_text("responses/0/body", "MQ=="); /* "1" */
    ask(200, "POST /v1.0/$batch", batch_of(part("m", "GET", "/$metadata", "")));
    status_is("m", 200);
    assert_int_equal(strncmp(gw_str("responses/0/body"), "PD94bWwg", 8), 0); /* "<?xml " */
}

static void headers_are_the_parts_own(void **state TD_UNUSED)
{
    const char *full = ",\"headers\":{\"Accept\":\"application/json;odata.metadata=none\"}";
    const char *other = text(",\"headers\":{\"authorization\":\"Bearer %s\"}", g.foreign);
    ask(200, "POST /beta/$batch",
        batch_of(text("%s,%s,%s", part("1", "GET", PRINCIPALS, full), part("2", "GET", PRINCIPALS, ""),
                      part("3", "GET", "/organization", other))));
    is(text("%s/body/@odata.context", answer_to("1")), "(missing)");
    assert_non_null(gw_str(text("%s/body/@odata.context", answer_to("2"))));
    /* a token in a part does not count: it is the batch's tenant that answers */
    status_is("3", 200);
    assert_string_equal(gw_str(text("%s/body/value/0/id", answer_to("3"))), g.box->tenant);
    g.extra[0] = "client-request-id: 11111111-2222-4333-8444-555555555555";
    ask(200, "POST /beta/$batch", batch_of(part("1", "GET", PRINCIPALS, "")));
    assert_string_equal(gw_str("responses/0/headers/client-request-id"), "11111111-2222-4333-8444-555555555555");
    g.extra[0] = NULL;
}

static void dependencies(void **state TD_UNUSED)
{
    const char *parts = text(
        "%s,%s,%s,%s,%s", part("last", "GET", PRINCIPALS, ",\"dependsOn\":[\"good\"]"),
        part("after", "GET", PRINCIPALS, ",\"dependsOn\":[\"bad\"]"), part("bad", "GET", NOBODY, ""),
        part("later", "GET", PRINCIPALS, ",\"dependsOn\":[\"good\",\"after\"]"), part("good", "GET", PRINCIPALS, ""));
    ask(200, "POST /v1.0/$batch", batch_of(parts));
    status_is("last", 200);
    status_is("good", 200);
    status_is("bad", 404);
    status_is("after", 424);
    status_is("later", 424);
    assert_string_equal(gw_str(text("%s/body/error/code", answer_to("after"))), "FailedDependency");
}

/* Each part is a transaction of its own: what the first wrote stays although the second fails. */
static void parts_that_write(void **state TD_UNUSED)
{
    static const char group[] = ",\"headers\":{\"Content-Type\":\"application/json\"},\"body\":{\"displayName\":\"%s\","
                                "\"mailEnabled\":false,\"mailNickname\":\"%s\",\"securityEnabled\":true%s}";
    const char *parts =
        text("%s,%s,%s,%s", part("1", "POST", "/groups", text(group, "One", "one", "")),
             part("2", "POST", "/groups",
                  text(group, "Two", "two",
                       ",\"groupTypes\":[\"DynamicMembership\"],"
                       "\"membershipRule\":\"(\"")),
             part("3", "POST", "/groups",
                  ",\"body\":\"eyJkaXNwbGF5TmFtZSI6IlRocmVlIiwibWFpbEVuYWJsZWQiOmZhbHNlLCJtYWlsTmlja25hbWUiOiJ0aHJlZSIs"
                  "InNlY3VyaXR5RW5hYmxlZCI6dHJ1ZX0=\""),
             part("4", "GET", "/groups?$filter=displayName eq 'One'&$select=displayName", ",\"dependsOn\":[\"1\"]"));
    ask(200, "POST /v1.0/$batch", batch_of(parts));
    status_is("1", 201);
    status_is("2", 400);
    status_is("3", 201);
    status_is("4", 200);
    assert_string_equal(gw_str(text("%s/body/value/0/displayName", answer_to("4"))), "One");
    const char *made = gw_str(text("%s/headers/Location", answer_to("1")));
    assert_int_equal(strncmp(made, HOST "/v1.0/groups/", strlen(HOST "/v1.0/groups/")), 0);
    const char *id = gw_str(text("%s/body/id", answer_to("1")));
    get("/v1.0/groups?$select=displayName");
    assert_string_not_equal(gw_find("displayName", "Three"), "");
    assert_string_equal(gw_find("displayName", "Two"), "");
    /* 204 has no body: the ecosystem's clean-up reads id and status alone */
    ask(200, "POST /beta/$batch", batch_of(part("SN 1", "DELETE", text("/groups/%s", id), "")));
    status_is("SN 1", 204);
    is("responses/0/body", "(missing)");
    askf(404, NULL, "GET /v1.0/groups/%s", id);
}

static void faults_of_a_part(void **state TD_UNUSED)
{
    ask(200, "POST /beta/$batch",
        "{\"requests\":[{\"id\":\"1\",\"method\":\"FETCH\",\"url\":\"/groups\"},{\"id\":\"2\",\"url\":\"/groups\"},"
        "{\"id\":\"3\",\"method\":\"GET\"},{\"id\":\"4\",\"method\":\"GET\",\"url\":\"/\"},"
        "{\"id\":\"5\",\"method\":\"GET\",\"url\":\"/groups\",\"headers\":[]},"
        "{\"id\":\"6\",\"method\":\"POST\",\"url\":\"/%24batch\",\"body\":{\"requests\":[]}},"
        "{\"id\":\"7\",\"method\":\"GET\",\"url\":\"/"
        "nothing\"},{\"id\":8,\"method\":\"GET\",\"url\":\"servicePrincipals\"}]}");
    for (char id[] = "1"; id[0] < '8'; id[0]++) {
        status_is(id, 400);
        assert_string_equal(gw_str(text("%s/body/error/code", answer_to(id))), "BadRequest");
    }
    status_is("8", 200);
}

static void refused_as_a_whole(void **state TD_UNUSED)
{
    static const struct {
        const char *body, *word;
    } rows[] = {
        {"", "requests"},
        {"[]", "requests"},
        {"{\"requests\":{}}", "requests"},
        {"{\"requests\":[1]}", "requests"},
        {"{\"requests\":[{\"method\":\"GET\",\"url\":\"/groups\"}]}", "id"},
        {"{\"requests\":[{\"id\":\"\",\"method\":\"GET\",\"url\":\"/groups\"}]}", "id"},
        {"{\"requests\":[{\"id\":\"a\"},{\"id\":\"a\"}]}", "\"a\" stands twice"},
        {"{\"requests\":[{\"id\":\"a\",\"dependsOn\":[\"b\"]}]}", "depends on"},
        {"{\"requests\":[{\"id\":\"a\",\"dependsOn\":\"b\"}]}", "dependsOn"},
        {"{\"requests\":[{\"id\":\"a\",\"dependsOn\":[\"a\"]}]}", "circle"},
        {"{\"requests\":[{\"id\":\"a\",\"dependsOn\":[\"b\"]},{\"id\":\"b\",\"dependsOn\":[\"a\"]}]}", "circle"},
        {"{\"requests\":[", "json"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        ask(400, "POST /v1.0/$batch", rows[i].body);
        is_error("BadRequest");
        assert_non_null(strstr(gw_str("error/message"), rows[i].word));
    }
    const char *many = part("0", "GET", PRINCIPALS, "");
    for (int i = 1; i < 20; i++)
        many = text("%s,%s", many, part(text("%d", i), "GET", PRINCIPALS, ""));
    ask(200, "POST /v1.0/$batch", batch_of(many));
    assert_int_equal(td_json_count(td_json_get(g.json, "responses")), 20);
    ask(400, "POST /v1.0/$batch", batch_of(text("%s,%s", many, part("20", "GET", PRINCIPALS, ""))));
    assert_non_null(strstr(gw_str("error/message"), "at most 20"));
}

static void callers_are_proven_first(void **state TD_UNUSED)
{
    gw_call_as(NULL, "POST /v1.0/$batch", batch_of(part("1", "GET", PRINCIPALS, "")));
    assert_int_equal(g.status, 401);
    is_error("InvalidAuthenticationToken");
    assert_non_null(strstr(gw_header("WWW-Authenticate"), "Bearer"));
    ask(405, "GET /v1.0/$batch", NULL);
    is_error("MethodNotAllowed");
}

/* ---- $metadata ---- */

static bool valid_xml(const char *document)
{
    const char *path = box_file(g.box, "x.der", td_str(document));
    const char *judge[] = {"xmllint", "--noout", "--nonet", path, NULL};
    return run_program(judge) == 0;
}

/* Every type that is named is defined: "graph.x" in Type, BaseType, EntityType. */
static void names_are_defined(const char *document)
{
    for (const char *at = strstr(document, "graph."); at != NULL; at = strstr(at + 1, "graph.")) {
        const char *from = at + strlen("graph."), *end = strpbrk(from, "\")");
        if (at[-1] == '.' || strncmp(from, "microsoft", 9) == 0 || end == NULL)
            continue;
        const char *name = text("Name=\"%.*s\"", (int)(end - from), from);
        if (strstr(document, text("Type %s", name)) == NULL)
            fail_msg("%.*s is named, not defined", (int)(end - from), from);
    }
}

/* No type, and nothing in the container, stands twice. */
static void names_are_unique(const char *document)
{
    static const char *const heads[] = {"<EntityType ", "<ComplexType ", "<EnumType ", "<EntitySet ", "<Singleton "};
    for (size_t i = 0; i < TD_COUNTOF(heads); i++) {
        for (const char *at = strstr(document, heads[i]); at != NULL; at = strstr(at + 1, heads[i])) {
            const char *name = at + strlen(heads[i]), *end = strchr(name + strlen("Name=\""), '"');
            assert_non_null(end);
            if (strstr(end, text("%s%.*s", heads[i], (int)(end + 1 - name), name)) != NULL)
                fail_msg("%.*s stands twice", (int)(end + 1 - name), name);
        }
    }
}

static void metadata(void **state TD_UNUSED)
{
    static const char *const targets[] = {"GET /v1.0/$metadata", "GET /beta/$metadata", "GET /beta/%24metadata",
                                          "GET /v1.0/myorganization/$metadata"};
    const char *documents[TD_COUNTOF(targets)];
    for (size_t i = 0; i < TD_COUNTOF(targets); i++) {
        gw_call_as(NULL, targets[i], NULL);
        assert_int_equal(g.status, 200);
        assert_non_null(strstr(g.box->reply.content_type, "application/xml"));
        documents[i] = g.body;
        assert_true(valid_xml(g.body));
        names_are_defined(g.body);
        names_are_unique(g.body);
        assert_null(strstr(g.body, "Untyped"));
        assert_non_null(strstr(g.body, "<EntityType Name=\"servicePrincipal\" BaseType=\"graph.directoryObject\""));
        assert_non_null(strstr(g.body, "<Singleton Name=\"deviceManagement\" Type=\"graph.deviceManagement\"/>"));
        assert_non_null(
            strstr(g.body, "<EntitySet Name=\"servicePrincipals\" EntityType=\"graph.servicePrincipal\"/>"));
    }
    ask(405, "DELETE /v1.0/$metadata", NULL);
    is_error("MethodNotAllowed");
    /* a member that only beta has */
    static const char beta[] = "Name=\"deviceAndAppManagementAssignmentFilterId\"";
    assert_null(strstr(documents[0], beta));
    assert_non_null(strstr(documents[1], beta));
    assert_string_equal(documents[1], documents[2]);
    assert_string_equal(documents[0], documents[3]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* in one world */
        cmocka_unit_test(parts_answer_for_themselves),
        cmocka_unit_test(addresses_in_every_form),
        cmocka_unit_test(what_is_no_json_comes_as_base64),
        cmocka_unit_test(headers_are_the_parts_own),
        cmocka_unit_test(dependencies),
        cmocka_unit_test(parts_that_write),
        cmocka_unit_test(faults_of_a_part),
        cmocka_unit_test(refused_as_a_whole),
        cmocka_unit_test(callers_are_proven_first),
        cmocka_unit_test(metadata),
    };
    return cmocka_run_group_tests_name("wire/graph_batch", tests, gw_setup, box_teardown);
}
