/* http/router, http/http, http/loopback: which route a path finds, what the helpers read, what a reply says. */
#include "http/loopback.h"
#include "unit/test.h"

static struct td_arena arena;
static struct td_http_request seen;
static const char *seen_by;

static void note(void *ctx, struct td_http_request *req, struct td_http_reply *reply)
{
    seen = *req;
    seen_by = ctx;
    td_reply_text(reply, 200, "text/plain", TD_S("yes"));
}

static const struct td_route first[] = {
    {TD_GET, "/", note, 0, 0},
    {TD_GET | TD_POST, "/EnrollmentServer/Device/", note, 0, 100},
    {TD_DELETE, "/EnrollmentServer/device/{id}", note, 0, 0},
    {TD_GET, "/v1.0/servicePrincipals/appId={id}/endpoints", note, 0, 0},
    {TD_GET, "/v1.0/users('{id}')", note, 0, 0},
    {TD_GET, "/pki/{name}.crl", note, TD_ROUTE_PLAIN, 0},
};
static const struct td_route second[] = {
    {TD_GET, "/pki/{name}", note, 0, 0},
    {TD_GET, "/{tenant}/oauth2/v2.0/authorize", note, 0, 0},
    {TD_GET, "/portal/{rest*}", note, 0, 0},
};
static char name_first[] = "first", name_second[] = "second";
static const struct td_door doors[] = {{first, TD_COUNTOF(first), name_first},
                                       {second, TD_COUNTOF(second), name_second}};
static const struct td_router router = {doors, TD_COUNTOF(doors)};

static void finds_routes(void **state TD_UNUSED)
{
    static const struct {
        enum td_method method;
        const char *path;
        const struct td_route *route;
        int status;
    } rows[] = {
        {TD_GET, "/", &first[0], 0},
        {TD_HEAD, "/", &first[0], 0},
        {TD_POST, "/", NULL, 405},
        {TD_POST, "/enrollmentserver/DEVICE", &first[1], 0},
        {TD_POST, "/EnrollmentServer/device/", &first[1], 0},
        {TD_DELETE, "/EnrollmentServer/device/", NULL, 405},
        {TD_DELETE, "/EnrollmentServer/device/42", &first[2], 0},
        {TD_DELETE, "/EnrollmentServer/device/42/x", NULL, 404},
        {TD_GET, "/%45nrollmentServer/device", &first[1], 0},
        {TD_GET, "/v1.0/serviceprincipals/APPID=1/endpoints", &first[3], 0},
        {TD_GET, "/v1.0/servicePrincipals/appId%3D1/endpoints", &first[3], 0},
        {TD_GET, "/v1.0/servicePrincipals/appId=/endpoints", NULL, 404},
        {TD_GET, "/v1.0/users('a%27b')", &first[4], 0},
        {TD_GET, "/pki/root.crl", &first[5], 0},
        {TD_GET, "/pki/root.crt", &second[0], 0},
        {TD_GET, "/pki", NULL, 404},
        {TD_GET, "/common/oauth2/v2.0/authorize", &second[1], 0},
        {TD_GET, "//oauth2/v2.0/authorize", NULL, 404},
        {TD_GET, "/portal", &second[2], 0},
        {TD_GET, "/portal/a/b", &second[2], 0},
        {TD_GET, "/portals", NULL, 404},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        int status = 0;
        const struct td_route *got = td_router_find(&router, rows[i].method, td_str(rows[i].path), &status);
        if (got != rows[i].route || status != rows[i].status)
            fail_msg("%s: %s, %d", rows[i].path, got != NULL ? got->pattern : "none", status);
    }
}

static void runs_with_params(void **state TD_UNUSED)
{
    struct td_http_reply reply;
    td_loopback(&router, "GET", "/v1.0/users('a%27b')?$select=id", NULL, TD_S(""), NULL, &arena, &reply);
    assert_int_equal(reply.status, 200);
    assert_slice(seen.params[0], "a'b");
    assert_slice(seen.query, "$select=id");
    assert_string_equal(seen_by, "first");
    td_reply_done(&reply);
    td_loopback(&router, "GET", "/portal/a%20b/c", NULL, TD_S(""), NULL, &arena, &reply);
    assert_slice(seen.params[0], "a b/c");
    assert_string_equal(seen_by, "second");
    td_reply_done(&reply);
}

static void refuses_method_and_path(void **state TD_UNUSED)
{
    struct td_http_reply reply;
    td_loopback(&router, "PUT", "/EnrollmentServer/device", NULL, TD_S(""), NULL, &arena, &reply);
    assert_int_equal(reply.status, 405);
    assert_string_equal(td_loopback_header(&reply, "allow"), "GET, HEAD, POST");
    td_reply_done(&reply);
    td_loopback(&router, "GET", "/nothing", NULL, TD_S(""), NULL, &arena, &reply);
    assert_int_equal(reply.status, 404);
    assert_slice(td_buf_slice(&reply.body), "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
                                            "\"detail\":\"Nothing is served under this path.\",\"field\":\"path\"}");
    td_reply_done(&reply);
    td_loopback(&router, "POST", "/EnrollmentServer/device", (const char *[]){"Content-Length: 101", NULL}, TD_S(""),
                NULL, &arena, &reply);
    assert_int_equal(reply.status, 413);
    td_reply_done(&reply);
}

static void reads_fields(void **state TD_UNUSED)
{
    struct td_http_reply reply;
    const char *const headers[] = {"Authorization: bearer  abc.def ", "Cookie: a=1; b=x=y",
                                   "X-Empty:", "Host: One.Example:8443", NULL};
    td_loopback(&router, "POST", "/EnrollmentServer/device?q=a+b&q=2&e=%3D&%71x=5", headers, TD_S("f=1&g=%2b+&h\r\n"),
                NULL, &arena, &reply);
    assert_int_equal(reply.status, 200);
    assert_slice(td_http_bearer(&seen), "abc.def");
    assert_slice(td_http_cookie(&seen, "a"), "1");
    assert_slice(td_http_cookie(&seen, "b"), "x=y");
    assert_null(td_http_cookie(&seen, "c").p);
    assert_true(td_http_has_header(&seen, "x-empty"));
    assert_false(td_http_has_header(&seen, "x-none"));
    assert_slice(td_http_query(&seen, "q"), "a b");
    assert_slice(td_http_query(&seen, "e"), "=");
    assert_slice(td_http_query(&seen, "qx"), "5");
    assert_null(td_http_query(&seen, "Q").p);
    assert_slice(td_http_form(&seen, "g"), "+ ");
    assert_slice(td_http_form(&seen, "h"), "");
    assert_non_null(td_http_form(&seen, "h").p);
    assert_slice(seen.host, "one.example:8443");
    assert_string_equal(seen.base, "https://one.example:8443");
    td_reply_done(&reply);
}

static void knows_hosts(void **state TD_UNUSED)
{
    static const char *const names[] = {"localhost:8443", "mdm.example", "[::1]", NULL};
    static const struct {
        const char *host;
        bool ours;
    } rows[] = {
        {"localhost", true},
        {"LOCALHOST:1", true},
        {"mdm.example:443", true},
        {"[::1]:8443", true},
        {"::1", true},
        {"mdm.example.", false},
        {"evil.example", false},
        {"", false},
        {"[::1]", true},
        {"localhost:", false},
        {"localhost:x", false},
        {"localhost:1@evil.example", false},
        {"[::1]x", false},
        {"localhost:1234567", false},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        assert_int_equal(td_http_host_in(td_str(rows[i].host), names), rows[i].ours);
    assert_false(td_http_host_in(TD_S("localhost"), NULL));
}

static void says_problems(void **state TD_UNUSED)
{
    struct td_http_reply reply;
    struct td_error err;
    td_reply_init(&reply);
    (void)td_remedy(&err, td_fail(&err, TD_EINVAL, "name", "is \"empty\""), "Give one.");
    td_reply_problem(&reply, &err);
    assert_int_equal(reply.status, 400);
    assert_slice(td_buf_slice(&reply.body),
                 "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
                 "\"detail\":\"is \\\"empty\\\"\",\"field\":\"name\",\"remedy\":\"Give one.\"}");
    (void)td_fail(&err, TD_EINTERNAL, "secret place", "secret cause");
    td_reply_problem(&reply, &err);
    assert_int_equal(reply.status, 500);
    assert_null(strstr(reply.body.p, "secret"));
    td_reply_done(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_routes), cmocka_unit_test(runs_with_params), cmocka_unit_test(refuses_method_and_path),
        cmocka_unit_test(reads_fields), cmocka_unit_test(knows_hosts),      cmocka_unit_test(says_problems),
    };
    td_arena_init(&arena);
    int failed = cmocka_run_group_tests_name("router", tests, NULL, NULL);
    td_arena_done(&arena);
    return failed;
}
