/* What all resources of the administration interface share: paths, rights, options, envelopes, metadata levels, bodies,
 * errors (graph-api.md 0, 2). The sets are the test's own (graph_things.h). */
#include "graph_things.h"
#include "graph_world.h"

#define THINGS "/beta/lab/things"

static const char first_id[] = "aaaaaaaa-0000-4000-8000-000000000001";
#define FIRST THINGS "/aaaaaaaa-0000-4000-8000-000000000001"

static void fill(struct td_tx *tx, struct service_box *b)
{
    assert_ok(
        td_sql(tx, NULL,
               "CREATE TABLE core_thing (tenant TEXT, id TEXT, name TEXT, about TEXT, level INTEGER, size INTEGER,"
               " active INTEGER, changed INTEGER, word TEXT, PRIMARY KEY (tenant, id))",
               ""));
    assert_ok(td_sql(tx, NULL,
                     "CREATE TABLE core_part (tenant TEXT, id TEXT, thing TEXT, name TEXT,"
                     " PRIMARY KEY (tenant, id))",
                     ""));
    for (int i = 1; i <= 25; i++)
        assert_ok(td_sql(tx, NULL, "INSERT INTO core_thing VALUES ($1, $2, $3, NULL, $4, $5, $6, $7, 'ready')",
                         "sssiiii", i <= 23 ? b->tenant : b->other,
                         td_arena_printf(&b->arena, "aaaaaaaa-0000-4000-8000-%012d", i),
                         i <= 23 ? td_arena_printf(&b->arena, "Thing %02d", i) : "Foreign", (int64_t)(i % 3),
                         (int64_t)i, (int64_t)(i % 2), BOX_NOW + i * 1000));
    static const char *const names[] = {"Screw", "Nut"};
    for (int i = 0; i < 2; i++)
        assert_ok(td_sql(tx, NULL, "INSERT INTO core_part VALUES ($1, $2, $3, $4)", "ssss", b->tenant,
                         td_arena_printf(&b->arena, "part-%d", i), first_id, names[i]));
}

static int setup(void **state)
{
    gw_setup(state);
    box_in_write(g.box, fill);
    things_runs = 0;
    return 0;
}

static void header(const char *line)
{
    memset(g.extra, 0, sizeof(g.extra));
    g.extra[0] = line;
}

static const char *message(void)
{
    return gw_str("error/message");
}

static void holds_not(const char *part)
{
    if (strstr(g.body, part) != NULL)
        fail_msg("%s in %.2000s", part, g.body);
}

/* Paths in the forms that callers write (0.2, 2.1; contract section 4). */
static void one_entity_in_every_form(void **state TD_UNUSED)
{
    static const char *const forms[] = {
        THINGS "/aaaaaaaa-0000-4000-8000-000000000001",
        "/v1.0/lab/things/aaaaaaaa-0000-4000-8000-000000000001",
        "/v1.0/myorganization/lab/things/aaaaaaaa-0000-4000-8000-000000000001",
        "/myorganization/lab/things/aaaaaaaa-0000-4000-8000-000000000001",
        "/BETA/LAB/Things/AAAAAAAA-0000-4000-8000-000000000001",
        THINGS "('aaaaaaaa-0000-4000-8000-000000000001')",
        THINGS "(aaaaaaaa-0000-4000-8000-000000000001)",
        THINGS "(id='aaaaaaaa-0000-4000-8000-000000000001')",
        THINGS "/id='aaaaaaaa-0000-4000-8000-000000000001'",
        THINGS "/Thing%2001",
        THINGS "(displayName='Thing%2001')",
        THINGS "/displayname=thing%2001",
        THINGS "/aaaaaaaa-0000-4000-8000-000000000001/",
        "/beta/lab/%74hings/aaaaaaaa-0000-4000-8000-000000000001",
    };
    for (size_t i = 0; i < TD_COUNTOF(forms); i++) {
        askf(200, NULL, "GET %s", forms[i]);
        is_text("id", first_id);
        assert_non_null(strstr(gw_str("@odata.context"), "$metadata#lab/things/$entity"));
    }
    get("/beta/lab/things/?$filter=displayName eq 'Thing 01'");
    counts(1);
}

static void what_is_not_there(void **state TD_UNUSED)
{
    static const struct {
        const char *call, *code;
        int status;
    } cases[] = {
        {"GET " THINGS "/nobody", "ResourceNotFound", 404},
        {"GET " THINGS "/nobody/parts", "ResourceNotFound", 404},
        {"GET " FIRST "/parts/nobody", "ResourceNotFound", 404},
        {"DELETE " THINGS "/nobody", "ResourceNotFound", 404},
        {"PATCH " THINGS "/nobody", "ResourceNotFound", 404},
        {"POST " THINGS "/nobody/touch", "ResourceNotFound", 404},
        {"POST " THINGS "/nobody/parts", "ResourceNotFound", 404},
        {"GET " THINGS "/color=red", "BadRequest", 400},
        {"GET /beta/lab/objects/o9", "Request_ResourceNotFound", 404},
        {"GET /beta/lab/empty/x", "ResourceNotFound", 404},
        {"GET /beta/lab/empty/x/$value", "ResourceNotFound", 404},
        {"GET /beta/nonsense", "BadRequest", 400},
        {"GET /beta/lab/nonsense", "BadRequest", 400},
        {"GET " FIRST "/nonsense", "BadRequest", 400},
        {"POST " FIRST "/nonsense", "BadRequest", 400},
        {"GET " THINGS "/$nonsense", "BadRequest", 400},
        {"GET " FIRST "/owner", "NotImplemented", 501},
        {"GET " FIRST "/$value", "NotImplemented", 501},
        {"GET /beta/lab", "NotImplemented", 501},
        {"GET /beta/drives/1", "NotImplemented", 501},
        {"GET /beta/lab/objects/o1/manager", "NotImplemented", 501},
        {"GET /beta/lab/objects/o1/nonsense", "BadRequest", 400},
        {"GET /beta/lab/objects/delta", "NotImplemented", 501},
        {"GET /beta/lab/objects/microsoft.graph.delta()", "NotImplemented", 501},
        {"GET /beta/lab/things/delta", "ResourceNotFound", 404},
        {"GET /beta/deviceManagement/termsAndConditions", "NotImplemented", 501},
        {"GET /beta/deviceManagement/nonsense", "BadRequest", 400},
        {"POST " FIRST "/fly", "NotImplemented", 501},
        {"POST /beta/lab/empty", "NotImplemented", 501},
        {"POST /beta/lab/objects", "NotImplemented", 501},
        {"GET /beta/lab/keyed", "NotImplemented", 501},
        {"POST /beta/lab/settings", "MethodNotAllowed", 405},
        {"PUT " FIRST, "MethodNotAllowed", 405},
        {"POST " FIRST, "MethodNotAllowed", 405},
        {"GET " FIRST "/touch", "MethodNotAllowed", 405},
        {"POST " FIRST "/getWord", "MethodNotAllowed", 405},
    };
    for (size_t i = 0; i < TD_COUNTOF(cases); i++) {
        ask(cases[i].status, cases[i].call, NULL);
        is_error(cases[i].code);
    }
    ask(400, "GET /beta/lab/nonsense", NULL);
    assert_string_equal(message(), "Resource not found for the segment 'nonsense'.");
}

/* A tool whose lookup found nothing sends the collection's address (0.9). */
static void an_empty_key_changes_nothing(void **state TD_UNUSED)
{
    static const char *const calls[] = {
        "DELETE " THINGS,
        "DELETE " THINGS "/",
        "DELETE " THINGS "//",
        "PATCH " THINGS "/",
        "DELETE " FIRST "/",
        "DELETE " THINGS "//parts/part-0/$ref",
        "PATCH " FIRST "//",
        "POST " THINGS "//clear",
        "POST " THINGS "//touch",
        "DELETE " THINGS "('')",
        "DELETE " FIRST "/parts//$ref",
    };
    for (size_t i = 0; i < TD_COUNTOF(calls); i++) {
        gw_call_as(g.token, calls[i], "{}");
        if (g.status != 405 && g.status != 404)
            fail_msg("%s: %d %s", calls[i], g.status, g.body);
    }
    get(THINGS "/$count");
    assert_string_equal(g.body, "23");
    get(FIRST "/parts");
    counts(2);
}

/* Who may (2.7) */

static enum td_code add_app(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct gw_app *n = ctx;
    unsigned char sum[32];
    td_sha256(td_str(n->secret), sum);
    td_try(td_application_add(tx, n->tenant, "Reader", false, "test", &g.box->arena, &n->app, err));
    td_try(td_application_role_add(tx, &n->app, "DeviceManagementServiceConfig.Read.All", "test", err));
    return td_application_secret_add(tx, &n->app, sum, td_tx_now(tx) + TD_DAY, "test", err);
}

static void rights_are_asked_for(void **state TD_UNUSED)
{
    struct gw_app n = {.tenant = g.box->tenant, .secret = "reader"};
    assert_ok(td_store_write(g.box->svc.store, add_app, &n, NULL));
    const char *reader = gw_token_of(n.tenant, n.app.id, n.secret);
    gw_call_as(reader, "GET " THINGS, NULL);
    assert_int_equal(g.status, 200);
    static const char *const writes[] = {"POST " THINGS,         "PATCH " FIRST,          "DELETE " FIRST,
                                         "POST " FIRST "/touch", "POST " THINGS "/clear", "POST " FIRST "/parts/$ref"};
    for (size_t i = 0; i < TD_COUNTOF(writes); i++) {
        gw_call_as(reader, writes[i], "{\"displayName\":\"x\",\"@odata.id\":\"a/b\"}");
        assert_int_equal(g.status, 403);
        is_error("Forbidden");
        assert_non_null(strstr(message(), "DeviceManagementServiceConfig.ReadWrite.All"));
    }
    gw_call_as(reader, "PATCH /beta/lab/keyed/aaaaaaaa-0000-4000-8000-000000000001", "{}");
    assert_int_equal(g.status, 403);
    is_error("Authorization_RequestDenied");
    assert_int_equal(things_runs, 0);
    get(THINGS "/$count");
    assert_string_equal(g.body, "23");
}

static void no_token_no_answer(void **state TD_UNUSED)
{
    static const char *const calls[] = {"GET " THINGS,   "GET " FIRST,           "POST " THINGS,
                                        "DELETE " FIRST, "POST " FIRST "/touch", "GET " THINGS "?$filter=("};
    for (size_t i = 0; i < TD_COUNTOF(calls); i++) {
        const char *body = td_starts(td_str(calls[i]), "GET") ? NULL : "{";
        gw_call_as(NULL, calls[i], body);
        assert_int_equal(g.status, 401);
        is_error("InvalidAuthenticationToken");
        assert_non_null(strstr(gw_header("WWW-Authenticate"), "authorization_uri=\"https://localhost:8443/"));
        gw_call_as("x.y.z", calls[i], body);
        assert_int_equal(g.status, 401);
    }
}

static void other_tenants_stay_shut(void **state TD_UNUSED)
{
    gw_call_as(g.foreign, "GET " THINGS, NULL);
    counts(2);
    holds_not("Thing 01");
    static const char *const calls[] = {"GET " FIRST,           "DELETE " FIRST,       "PATCH " FIRST,
                                        "POST " FIRST "/touch", "GET " FIRST "/parts", "GET " FIRST "/displayName"};
    for (size_t i = 0; i < TD_COUNTOF(calls); i++) {
        gw_call_as(g.foreign, calls[i], td_starts(td_str(calls[i]), "GET") ? NULL : "{\"displayName\":\"taken\"}");
        assert_int_equal(g.status, 404);
    }
    get(FIRST);
    is_text("displayName", "Thing 01");
}

/* Envelopes and pages (2.2, 2.3) */

static void lists_come_in_pages(void **state TD_UNUSED)
{
    get(THINGS "?$top=10&$count=true&$orderby=displayName%20desc&%24filter=size%20gt%202");
    counts(10);
    is("@odata.count", "21");
    assert_true(td_starts(td_str(gw_str("@odata.context")), "https://localhost:8443/beta/$metadata#lab/things"));
    is_text("value/0/displayName", "Thing 23");
    const char *next = gw_str("@odata.nextLink");
    assert_true(td_starts(td_str(next), "https://localhost:8443/beta/lab/things?"));
    assert_non_null(strstr(next, "filter=size%20gt%202"));
    askf(200, NULL, "GET %s", next);
    counts(10);
    is_text("value/0/displayName", "Thing 13");
    askf(200, NULL, "GET %s", gw_str("@odata.nextLink"));
    counts(1);
    is_text("value/0/displayName", "Thing 03");
    is("@odata.nextLink", "(missing)");
    header("Prefer: odata.maxpagesize=4");
    get(THINGS);
    counts(4);
    header(NULL);
    get(THINGS);
    counts(23);
    is("@odata.count", "(missing)");
    get(THINGS "?$top=0&$count=true");
    counts(0);
    is("@odata.count", "23");
    get(THINGS "?$skip=20");
    counts(3);
    get("/beta/lab/empty?$filter=what eq 'ever'&$select=anything&$top=5");
    counts(0);
}

/* Links carry the host as the caller called it (contract section 2). */
static void links_name_the_callers_host(void **state TD_UNUSED)
{
    header("Host: mdm.example.test:9443");
    get(THINGS "?$top=2");
    assert_true(td_starts(td_str(gw_str("@odata.nextLink")), "https://mdm.example.test:9443/beta/lab/things?"));
    assert_true(td_starts(td_str(gw_str("@odata.context")), "https://mdm.example.test:9443/beta/$metadata#"));
}

static void counts_are_plain_text(void **state TD_UNUSED)
{
    get(THINGS "/$count?$filter=active eq true");
    assert_string_equal(g.body, "12");
    assert_string_equal(g.box->reply.content_type, "text/plain");
    get(FIRST "/parts/$count");
    assert_string_equal(g.body, "2");
    get("/beta/lab/empty/$count");
    assert_string_equal(g.body, "0");
}

static void every_answer_has_its_headers(void **state TD_UNUSED)
{
    header("client-request-id: c-77");
    static const char *const calls[] = {"GET " THINGS, "GET " THINGS "/nobody", "GET /beta/nonsense",
                                        "POST " FIRST "/touch"};
    for (size_t i = 0; i < TD_COUNTOF(calls); i++) {
        gw_call_as(g.token, calls[i], NULL);
        assert_string_equal(gw_header("client-request-id"), "c-77");
        assert_int_equal(strlen(gw_header("request-id")), 36);
        assert_string_equal(gw_header("OData-Version"), "4.0");
        if (g.status >= 400) {
            is_text("error/innerError/client-request-id", "c-77");
            is_text("error/innerError/request-id", gw_header("request-id"));
        }
    }
}

/* Values (0.8, 2.3) */
static void values_have_their_forms(void **state TD_UNUSED)
{
    get(FIRST);
    is("level", "\"middle\"");
    is("marks", "null");
    is("size", "1");
    is("active", "true");
    is_text("lastModifiedDateTime", "2030-01-02T03:04:05.001000Z");
    is_text("neverDateTime", "0001-01-01T00:00:00Z");
    is("perhapsDateTime", "null");
    is("tags", "[]");
    is("state/word", "\"ready\"");
    is("state/code", "1");
    is("onlyBeta", "false");
    is("onlyOld", "(missing)");
    is("key", "(missing)");
    is("large", "(missing)");
    get("/v1.0/lab/things/aaaaaaaa-0000-4000-8000-000000000001");
    is("onlyBeta", "(missing)");
    is("onlyOld", "false");
    assert_non_null(strstr(gw_str("@odata.context"), "/v1.0/$metadata#"));
}

static void selections(void **state TD_UNUSED)
{
    get(FIRST "?$select=DISPLAYNAME, large");
    is_text("displayName", "Thing 01");
    is_text("large", "Thing 01");
    is("size", "(missing)");
    get(THINGS "?$select=id,state/word&$top=1");
    is("value/0/displayName", "(missing)");
    is("value/0/state/word", "\"ready\"");
    get(FIRST "?$select=*");
    is("size", "1");
    is("large", "(missing)");
    get(FIRST "?$select=key");
    is("key", "(missing)");
    ask(400, "GET " THINGS "?$select=id,color", NULL);
    is_error("BadRequest");
    assert_non_null(strstr(message(), "'color'"));
    ask(403, "GET " FIRST "/key", NULL);
    get(FIRST "/displayName");
    is_text("value", "Thing 01");
}

static void expansions(void **state TD_UNUSED)
{
    get(FIRST "?$expand=parts");
    assert_int_equal(td_json_count(gw_at("parts")), 2);
    is_text("parts/0/name", "Screw");
    is("parts/0/@odata.context", "(missing)");
    get(THINGS "?$expand=parts($select=name;$top=1)&$select=id&$top=2");
    is("value/0/parts", "[{\"name\":\"Screw\"}]");
    is("value/1/parts", "[]");
    askf(200, NULL, "GET %s", gw_str("value/0/parts@odata.nextLink"));
    counts(1);
    is_text("value/0/name", "Nut");
    get(THINGS "?$expand=parts&$select=id&$top=1");
    is("value/0/displayName", "(missing)");
    is("value/0/parts@odata.nextLink", "(missing)");
    ask(400, "GET " THINGS "?$expand=nothing", NULL);
    assert_non_null(strstr(message(), "'nothing'"));
    ask(400, "GET " THINGS "?$expand=parts($select=color)", NULL);
    ask(501, "GET " FIRST "?$expand=owner", NULL);
}

/* Metadata levels (2.6) */
static void metadata_levels(void **state TD_UNUSED)
{
    g.accept = "Accept: application/json;odata.metadata=full";
    get(FIRST);
    is_text("@odata.type", "#microsoft.graph.testThing");
    is_text("@odata.editLink", "lab/things('aaaaaaaa-0000-4000-8000-000000000001')");
    is_text("parts@odata.navigationLink",
            "https://localhost:8443/beta/lab/things('aaaaaaaa-0000-4000-8000-000000000001')/parts");
    is_text("parts@odata.associationLink",
            "https://localhost:8443/beta/lab/things('aaaaaaaa-0000-4000-8000-000000000001')/parts/$ref");
    is_text("lastModifiedDateTime@odata.type", "#DateTimeOffset");
    is_text("level@odata.type", "#microsoft.graph.thingLevel");
    is("displayName@odata.type", "(missing)");
    assert_non_null(strstr(g.box->reply.content_type, "odata.metadata=full"));
    askf(200, NULL, "GET %s", gw_str("parts@odata.navigationLink")); /* such links are followed */
    counts(2);
    g.accept = "Accept: application/json; odata.metadata=none";
    get(THINGS "?$top=1&$count=true");
    is("@odata.context", "(missing)");
    is("@odata.count", "23");
    assert_non_null(gw_at("@odata.nextLink"));
    holds_not("@odata.type");
    g.accept = "Accept: text/html, */*";
    get(THINGS "?$top=1&$format=application/json;odata.metadata=full");
    is_text("value/0/@odata.type", "#microsoft.graph.testThing");
    g.accept = NULL;
    get(THINGS "?$top=1");
    is("value/0/@odata.type", "(missing)");
}

static void derived_types(void **state TD_UNUSED)
{
    get("/beta/lab/objects");
    counts(3);
    is_text("value/0/@odata.type", "#microsoft.graph.servicePrincipal");
    is_text("value/0/displayName", "Service");
    is_text("value/1/@odata.type", "#microsoft.graph.endpoint");
    is_text("value/1/capability", "Enrol");
    is("value/2/@odata.type", "(missing)");
    get("/beta/lab/objects/microsoft.graph.endpoint");
    counts(1);
    get("/beta/lab/objects/microsoft.graph.endpoint/$count");
    assert_string_equal(g.body, "1");
    get("/beta/lab/objects?$filter=isof('microsoft.graph.servicePrincipal')");
    counts(1);
    get("/beta/lab/objects?$filter=not isof('microsoft.graph.endpoint')");
    counts(2);
    get("/beta/lab/objects?$select=displayName,capability");
    counts(3);
    get("/beta/lab/objects/o2/microsoft.graph.endpoint");
    ask(404, "GET /beta/lab/objects/o2/microsoft.graph.servicePrincipal", NULL);
    ask(400, "GET /beta/lab/objects/microsoft.graph.nonsense/$count", NULL);
    get("/beta/lab/settings");
    is_text("id", "o1");
    ask(204, "POST /beta/lab/settings/sync", NULL);
}

static void search_in_the_directory_needs_its_header(void **state TD_UNUSED)
{
    ask(400, "GET /beta/lab/objects?$search=\"displayName:x\"", NULL);
    assert_non_null(strstr(message(), "ConsistencyLevel"));
    ask(400, "GET /beta/lab/objects?$top=1000", NULL);
    get("/beta/lab/objects?$top=999");
}

static void wrong_questions_are_named(void **state TD_UNUSED)
{
    static const struct {
        const char *query, *named;
    } cases[] = {
        {"$filter=color eq 'red'", "color"},
        {"$filter=displayName eq", "$filter"},
        {"$filter=size eq 'x'", "size"},
        {"$orderby=color", "color"},
        {"$top=-1", "$top"},
        {"$top=x", "$top"},
        {"$skiptoken=x", "$skiptoken"},
        {"$skip=-2", "$skip"},
        {"$count=maybe", "$count"},
        {"$filter=startswith(key,'T')", "key"},
        {"$orderby=key", "key"},
        {"$filter=not (size eq 1) or contains(secretColumn,'x')", "secretColumn"},
    };
    for (size_t i = 0; i < TD_COUNTOF(cases); i++) {
        askf(400, NULL, "GET " THINGS "?%s", cases[i].query);
        is_error("BadRequest");
        if (strstr(message(), cases[i].named) == NULL)
            fail_msg("%s: %s", cases[i].query, message());
    }
}

/* Writing */

static void creates_changes_deletes(void **state TD_UNUSED)
{
    ask(201, "POST " THINGS,
        "{displayName: \"New\", \"level\":\"HIGH\", \"size\":\"7\", \"active\":\"True\","
        "\"state\":{\"word\":\"w\",\"code\":3},\"unknown\":1,\"@odata.context\":\"x\",}");
    const char *id = gw_str("id");
    assert_non_null(strstr(gw_str("@odata.context"), "#lab/things/$entity"));
    assert_string_equal(gw_header("Location"), text("https://localhost:8443/beta/lab/things/%s", id));
    is("level", "\"high\"");
    is("size", "7");
    is("active", "true");
    is("state/word", "\"w\"");
    askf(200, "{\"DisplayName\":\"Newer\",\"lastModifiedDateTime\":\"2001-01-01T00:00:00Z\"}", "PATCH " THINGS "/%s",
         id);
    is_text("displayName", "Newer");
    is_text("lastModifiedDateTime", "2030-01-02T03:04:05Z");
    header("Prefer: return=minimal");
    askf(204, "{\"displayName\":\"Newest\"}", "PATCH " THINGS "/%s", id);
    assert_string_equal(gw_header("Preference-Applied"), "return=minimal");
    ask(204, "POST " THINGS, "{\"displayName\":\"Quiet\"}");
    assert_true(gw_header("Location")[0] != '\0');
    header(NULL);
    askf(204, NULL, "DELETE " THINGS "/%s", id);
    askf(404, NULL, "GET " THINGS "/%s", id);
    ask(204, "PATCH /beta/lab/keyed/aaaaaaaa-0000-4000-8000-000000000001", "{\"displayName\":\"A\"}");
    header("Prefer: return=representation");
    ask(200, "PATCH /beta/lab/keyed/aaaaaaaa-0000-4000-8000-000000000001", "{\"displayName\":\"B\"}");
    is_text("displayName", "B");
}

static void bodies_that_are_refused(void **state TD_UNUSED)
{
    static const struct {
        const char *body, *named;
    } cases[] = {
        {"", "displayName"},
        {"{}", "displayName"},
        {"{\"displayName\":null}", "displayName"},
        {"{\"displayName\":5}", "displayName"},
        {"{\"displayName\":\"123456789012345678901\"}", "displayName"},
        {"{\"displayName\":\"x\",\"level\":\"lowest\"}", "low, middle, high"},
        {"{\"displayName\":\"x\",\"level\":9}", "level"},
        {"{\"displayName\":\"x\",\"size\":\"7 apples\"}", "size"},
        {"{\"displayName\":\"x\",\"size\":501}", "0 to 500"},
        {"{\"displayName\":\"x\",\"active\":\"yes\"}", "active"},
        {"{\"displayName\":\"x\",\"perhapsDateTime\":\"yesterday\"}", "perhapsDateTime"},
        {"{\"displayName\":\"x\",\"tenantMark\":\"x\"}", "tenantMark"},
        {"{\"displayName\":\"x\",\"octets\":\"*\"}", "octets"},
        {"{\"displayName\":\"x\",\"tags\":\"x\"}", "tags"},
        {"{\"displayName\":\"x\",\"tags\":[1]}", "tags"},
        {"{\"displayName\":\"x\",\"state\":\"x\"}", "state"},
        {"{\"displayName\":\"x\",\"state\":{\"code\":\"x\"}}", "state/code"},
        {"{\"displayName\":\"x\",\"target\":{\"groupId\":\"1\"}}", "@odata.type"},
        {"{\"displayName\":\"x\",\"@odata.type\":\"#microsoft.graph.endpoint\"}", "@odata.type"},
        {"{\"displayName\":\"x\",\"description\":\"unprepared\"}", "description"},
        {"[1]", "object"},
        {"{\"displayName\":", "json"},
    };
    for (size_t i = 0; i < TD_COUNTOF(cases); i++) {
        gw_call_as(g.token, "POST " THINGS, cases[i].body);
        if (g.status != 400 || strstr(g.body, cases[i].named) == NULL)
            fail_msg("%s: %d %s", cases[i].body, g.status, g.body);
        is_error("BadRequest");
    }
    char large[5000];
    memset(large, ' ', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    ask(413, "POST " THINGS, large);
    get(THINGS "/$count");
    assert_string_equal(g.body, "23");
}

static void etags(void **state TD_UNUSED)
{
    get(FIRST);
    const char *etag = text("If-Match: %s", gw_header("ETag"));
    assert_true(td_starts(td_str(etag), "If-Match: W/\""));
    header(etag);
    ask(200, "PATCH " FIRST, "{\"displayName\":\"Once\"}");
    ask(412, "PATCH " FIRST, "{\"displayName\":\"Twice\"}");
    is_error("PreconditionFailed");
    ask(412, "DELETE " FIRST, NULL);
    header("If-Match: *");
    ask(200, "PATCH " FIRST, "{\"displayName\":\"Any\"}");
    header(NULL);
    get(FIRST);
    is_text("displayName", "Any");
}

static void actions_and_functions(void **state TD_UNUSED)
{
    g.type = "Content-Type: text/plain";
    ask(204, "POST " FIRST "/Touch", NULL);
    ask(204, "POST " FIRST "/microsoft.graph.touch", "");
    ask(204, "POST " FIRST "/touch", "{ fail: \"False\" }");
    assert_int_equal(things_runs, 3);
    ask(400, "POST " FIRST "/touch", "{ fail: \"True\" }");
    assert_string_equal(message(), "fail: it was told to fail. Tell it otherwise.");
    ask(400, "POST " FIRST "/touch", "{ fail: 7.5 }");
    get(FIRST "/getWord(of='a b')");
    is_text("value", "Thing 01 a b");
    get(FIRST "/getWord()");
    is_text("value", "Thing 01 -");
    ask(400, "GET " FIRST "/getWord(of='x')/more", NULL);
    ask(200, "POST " THINGS "/clear", NULL);
    is_text("@odata.context", "https://localhost:8443/beta/$metadata#Collection(microsoft.graph.testThing)");
    counts(0);
    get(THINGS);
    counts(0);
}

static void nested_sets_and_references(void **state TD_UNUSED)
{
    get(FIRST "/parts");
    counts(2);
    assert_non_null(
        strstr(gw_str("@odata.context"), "$metadata#lab/things('aaaaaaaa-0000-4000-8000-000000000001')/parts"));
    get(FIRST "/parts/part-0");
    is_text("name", "Screw");
    ask(404, "GET " THINGS "/aaaaaaaa-0000-4000-8000-000000000002/parts/part-0", NULL);
    ask(201, "POST " FIRST "/parts", "{\"name\":\"Bolt\"}");
    is_text("name", "Bolt");
    static const char *const references[] = {
        "{\"@odata.id\":\"https://graph.microsoft.com/beta/directoryObjects/r1\"}",
        "{\"@odata.id\":\"https://elsewhere.test/v1.0/directoryObjects('r2')\"}",
        "{ @odata.id: \"r3\" }",
    };
    for (size_t i = 0; i < TD_COUNTOF(references); i++)
        ask(204, "POST " FIRST "/parts/$ref", references[i]);
    get(FIRST "/parts/r2");
    ask(409, "POST " FIRST "/parts/$ref", references[0]);
    is_error("Conflict");
    ask(400, "POST " FIRST "/parts/$ref", "{}");
    ask(400, "POST " FIRST "/parts/$ref", "{\"@odata.id\":\"https://graph.microsoft.com/v1.0/directoryObjects/\"}");
    get(FIRST "/parts/$ref");
    counts(6);
    assert_true(td_starts(td_str(gw_str("value/0/@odata.id")), "https://localhost:8443/beta/lab/things/"));
    ask(204, "DELETE " FIRST "/parts/r1/$ref", NULL);
    get(FIRST "/parts/$count");
    assert_string_equal(g.body, "5");
    ask(405, "DELETE " FIRST "/parts/r2", NULL);
}

#define CORE(fn) cmocka_unit_test_setup_teardown(fn, setup, box_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CORE(one_entity_in_every_form),
        CORE(what_is_not_there),
        CORE(an_empty_key_changes_nothing),
        CORE(rights_are_asked_for),
        CORE(no_token_no_answer),
        CORE(other_tenants_stay_shut),
        CORE(lists_come_in_pages),
        CORE(links_name_the_callers_host),
        CORE(counts_are_plain_text),
        CORE(every_answer_has_its_headers),
        CORE(values_have_their_forms),
        CORE(selections),
        CORE(expansions),
        CORE(metadata_levels),
        CORE(derived_types),
        CORE(search_in_the_directory_needs_its_header),
        CORE(wrong_questions_are_named),
        CORE(creates_changes_deletes),
        CORE(bodies_that_are_refused),
        CORE(etags),
        CORE(actions_and_functions),
        CORE(nested_sets_and_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
