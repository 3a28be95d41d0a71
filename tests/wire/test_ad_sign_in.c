/* Sign-in of people whom a directory judges (docs/tasks/directory-sync.md): what a connector says, and what the page,
 * the token endpoint and the other doors make of it. The connector is a function of this file. */
#include "api/connector.h"
#include "api/enrolment.h"
#include "api/identity.h"
#include "codec/wstep.h"
#include "store/ad_domain.h"
#include "store/directory_sync.h"
#include "wire/identity_check.h"

#include <pthread.h>

#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define ALICE "0a000000-0000-4000-8000-000000000001"
#define PASSWORD "right-one"

static struct td_door doors[2];

static struct {
    int asked;
    const char *upn; /* that the directory knows the person by */
    const char *guid;
    enum td_domain_reason reason; /* TD_DJ_OK: by the password */
    void (*meanwhile)(void);      /* once, while it is asked */
} directory;

/* A connector with a domain of one person. */
static enum td_code answer(struct td_service *svc TD_UNUSED, const struct td_connector_question *q, struct td_arena *a,
                           const struct td_json **ret, struct td_error *err)
{
    struct td_json *v = NULL;
    directory.asked++;
    assert_string_equal(q->tenant, w.tenant.id);
    assert_string_equal(q->domain, "corp.test");
    assert_string_equal(q->kind, "password");
    assert_string_equal(q->names[0], "upn");
    assert_true(q->secret.n != 0);
    if (directory.meanwhile != NULL)
        TD_TAKE(directory.meanwhile)();
    if (directory.reason != TD_DJ_OK)
        return td_domain_refuse(err, directory.reason, NULL);
    if (!td_eqs(q->secret, PASSWORD) || !td_ieqs(td_str(q->values[0]), directory.upn))
        return td_domain_refuse(err, TD_DJ_WRONG, NULL);
    const char *text =
        td_arena_printf(a,
                        "{\"guid\":\"%s\",\"sid\":\"S-1-5-21-1-2-3-1103\",\"upn\":\"%s\",\"sam\":\"alice\","
                        "\"name\":\"Alice Example\",\"mail\":\"\"}",
                        directory.guid, directory.upn);
    td_try(td_json_parse(td_str(text), 4096, a, &v, err));
    *ret = v;
    return TD_OK;
}

static enum td_code prepare(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    const struct td_ad_domain_row row = {
        .domain = "corp.test", .sign_in = true, .sync = true, .sync_base = "", .sync_seconds = 60};
    td_try(td_ad_domain_put(tx, w.tenant.id, &row, "test", err));
    return td_tenant_set(tx, w.tenant.id, "password-grant", "on", "test", err);
}

static int setup(void **state TD_UNUSED)
{
    doors[0] = (struct td_door){td_identity_routes, td_identity_route_count, &w.svc};
    doors[1] = (struct td_door){td_enrolment_routes, td_enrolment_route_count, &w.svc};
    wire_open(&w, doors, 2);
    w.svc.ask_connector = answer;
    directory.asked = 0;
    directory.upn = "alice@corp.test";
    directory.guid = ALICE;
    directory.reason = TD_DJ_OK;
    directory.meanwhile = NULL;
    w.svc.connectors = td_connector_hub_new(w.svc.env);
    assert_ok(td_store_write(w.svc.store, prepare, NULL, NULL));
    return 0;
}

static int teardown(void **state TD_UNUSED)
{
    td_connector_hub_free(TD_TAKE(w.svc.connectors));
    wire_close(&w);
    return 0;
}

/* --- doors --- */

static struct wire_reply token(const char *upn, const char *password)
{
    return wire_form(&w, "/contoso.test/oauth2/v2.0/token",
                     td_arena_printf(&w.arena,
                                     "grant_type=password&client_id=" TOOL "&username=%s&password=%s&scope=openid "
                                     "offline_access https%%3A%%2F%%2Fgraph.microsoft.com%%2F.default",
                                     upn, password));
}

static struct wire_reply policies(const char *upn, const char *password)
{
    static const char *const headers[] = {"Content-Type: application/soap+xml; charset=utf-8", NULL};
    struct td_soap head = {.action = TD_ACTION_POLICIES,
                           .message_id = "urn:uuid:5f7d0000-0000-4000-8000-000000000001",
                           .to = "https://localhost:8443/EnrollmentServer/Policy.svc",
                           .security = {.has_username = true, .username = upn, .password = td_str(password)}};
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, TD_SOAP_MAX);
    assert_ok(td_policies_request_write(&head, &(struct td_policies_request){0}, &b, NULL));
    const char *body = td_arena_text(&w.arena, td_buf_slice(&b));
    return wire_do(&w, "POST", "/EnrollmentServer/Policy.svc", headers, body, NULL);
}

static const char *between(const char *s, const char *from, const char *to)
{
    const char *begin = strstr(s, from);
    if (begin == NULL)
        fail_msg("no %s in: %s", from, s);
    begin += strlen(from);
    return td_arena_text(&w.arena, td_bytes(begin, (size_t)(strstr(begin, to) - begin)));
}

static struct wire_reply page(const char *upn, const char *password)
{
    struct wire_reply r = wire_get(&w, "/contoso.test/oauth2/v2.0/authorize?client_id=" TOOL "&response_type=code"
                                       "&redirect_uri=http%3A%2F%2Flocalhost%3A40123%2Fback&code_challenge=" CHALLENGE
                                       "&code_challenge_method=S256&scope=openid");
    return wire_form(&w, between(r.body, "action=\"", "\""),
                     td_arena_printf(&w.arena, "flow=%s&username=%s&password=%s",
                                     between(r.body, "name=\"flow\" value=\"", "\""), upn, password));
}

static enum td_code find_alice(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_user_find(tx, w.tenant.id, TD_S("alice@corp.test"), &w.arena, ctx, err);
}

static bool alice(struct td_user *ret)
{
    return td_store_read(w.svc.store, find_alice, ret, NULL) == TD_OK;
}

/* --- what it says --- */

static void the_first_right_password_makes_the_account(void **state TD_UNUSED)
{
    struct td_user u, again;
    assert_false(alice(&u));
    struct wire_reply r = page("Alice@corp.test", PASSWORD);
    assert_int_equal(r.status, 302);
    assert_non_null(strstr(td_loopback_header(&r.raw, "Location"), "?code="));
    assert_true(alice(&u));
    assert_string_equal(u.source, "ad");
    assert_string_equal(u.ad_guid, ALICE);
    assert_string_equal(u.name, "Alice Example");
    assert_string_equal(u.phc, "");
    r = token("alice@corp.test", PASSWORD);
    assert_int_equal(r.status, 200);
    const struct td_json *claims = claims_of(td_json_str(wire_json(&w, r.body), "id_token"));
    assert_string_equal(td_json_str(claims, "oid"), u.id);
    assert_true(alice(&again));
    assert_string_equal(again.id, u.id);
    assert_int_equal(directory.asked, 2);
    /* a name that the directory does not bear makes nothing */
    r = token("nobody@corp.test", PASSWORD);
    assert_oauth_error(&r, 400, "invalid_grant", 50126);
}

static void what_a_directory_has_against_somebody(void **state TD_UNUSED)
{
    static const struct {
        enum td_domain_reason reason;
        int number;
        const char *text;
    } rows[] = {
        {TD_DJ_WRONG, 50126, "user name or the password is wrong"},
        {TD_DJ_DISABLED, 50057, "disabled"},
        {TD_DJ_MUST_CHANGE, 50055, "must be changed"},
        {TD_DJ_PASSWORD_EXPIRED, 50055, "run out"},
        {TD_DJ_ACCOUNT_EXPIRED, 50057, "run out"},
        {TD_DJ_LOCKED, 50053, "locked"},
        {TD_DJ_HOURS, 80012, "hour"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        directory.reason = rows[i].reason;
        struct wire_reply r = token("alice@corp.test", PASSWORD);
        assert_oauth_error(&r, 400, "invalid_grant", rows[i].number);
        if (strstr(r.body, rows[i].text) == NULL)
            fail_msg("%s: %s", rows[i].text, r.body);
        r = page("alice@corp.test", PASSWORD);
        assert_int_equal(r.status, 200);
        if (strstr(r.body, rows[i].text) == NULL)
            fail_msg("%s: %s", rows[i].text, r.body);
        assert_null(td_loopback_header(&r.raw, "Location"));
    }
}

/* No connector is not a wrong password: it is told so, and never counted. */
static void unreachable_is_never_wrong(void **state TD_UNUSED)
{
    static const enum td_domain_reason reasons[] = {TD_DJ_NO_CONNECTOR, TD_DJ_TIMEOUT, TD_DJ_NO_DC,
                                                    TD_DJ_SERVICE_PASSWORD, TD_DJ_REFUSED};
    for (size_t i = 0; i < 10; i++) {
        directory.reason = reasons[i % TD_COUNTOF(reasons)];
        struct wire_reply r = token("alice@corp.test", PASSWORD);
        assert_oauth_error(&r, 503, "temporarily_unavailable", 90033);
        assert_null(strstr(r.body, "is wrong"));
        assert_non_null(strstr(r.body, "Try again"));
    }
    struct wire_reply r = page("alice@corp.test", PASSWORD);
    assert_int_equal(r.status, 503); /* a device tries again by itself */
    assert_non_null(td_loopback_header(&r.raw, "Retry-After"));
    assert_null(strstr(r.body, "is wrong"));
    assert_non_null(strstr(r.body, "corp.test"));
    assert_non_null(strstr(r.body, "name=\"password\"")); /* a person as well, on the same page */
    r = wire_form(&w, "/EnrollmentServer/Auth",
                  "appru=ms-app%3A%2F%2Fwindows&username=alice@corp.test&password=" PASSWORD);
    assert_int_equal(r.status, 503); /* the enrolment's own */
    assert_non_null(td_loopback_header(&r.raw, "Retry-After"));
    assert_non_null(strstr(r.body, "name=\"password\""));
    directory.reason = TD_DJ_NO_CONNECTOR;
    r = policies("alice@corp.test", PASSWORD); /* a PC that enrols by its user's password (mde2.md 2.4) */
    assert_non_null(strstr(r.body, "EnrollmentServer"));
    assert_non_null(strstr(r.body, "NoConnector: The directory corp.test"));
    directory.reason = TD_DJ_OK;
    r = policies("alice@corp.test", PASSWORD);
    assert_null(strstr(r.body, "Fault"));
    r = token("alice@corp.test", PASSWORD);
    assert_int_equal(r.status, 200);
}

static void wrong_ones_lock_and_are_asked_no_more(void **state TD_UNUSED)
{
    for (int i = 0; i < TD_GUARD_TRIES; i++) {
        struct wire_reply r = token("alice@corp.test", "wrong");
        assert_oauth_error(&r, 400, "invalid_grant", 50126);
    }
    int asked = directory.asked;
    struct wire_reply r = token("alice@corp.test", PASSWORD);
    assert_oauth_error(&r, 400, "invalid_grant", 50053);
    assert_int_equal(directory.asked, asked);
    w.env.now += 61 * TD_SECOND;
    r = token("alice@corp.test", PASSWORD);
    assert_int_equal(r.status, 200);
}

static void empty_ones_never_go_out(void **state TD_UNUSED)
{
    struct td_signed_in who;
    struct td_error err = {0};
    static const char nul[] = {'a', '\0', 'b'};
    const struct td_slice bad[] = {{"", 0}, {nul, sizeof(nul)}, {"\xff", 1}};
    for (size_t i = 0; i < TD_COUNTOF(bad); i++)
        assert_int_equal(td_sign_in(&w.svc, TD_S("alice@corp.test"), bad[i], "127.0.0.1", &w.arena, &who, &err),
                         TD_EAUTH);
    assert_int_equal(directory.asked, 0);
}

/* Whoever was made by hand is judged by us, whatever the domain of the name: the way in when no connector runs. */
static void accounts_made_by_hand_are_ours(void **state TD_UNUSED)
{
    wire_add_user(&w, w.tenant.id, "rescue@corp.test", "Rescue", "made-by-hand");
    struct wire_reply r = token("rescue@corp.test", "made-by-hand");
    assert_int_equal(r.status, 200);
    r = token("rescue@corp.test", PASSWORD);
    assert_oauth_error(&r, 400, "invalid_grant", 50126);
    r = token("ada@contoso.test", "correct+horse");
    assert_int_equal(r.status, 200);
    assert_int_equal(directory.asked, 0);
}

static void a_namesake_has_nothing_of_the_former_one(void **state TD_UNUSED)
{
    struct wire_reply r = token("alice@corp.test", PASSWORD);
    assert_int_equal(r.status, 200);
    directory.guid = "0a000000-0000-4000-8000-000000000009";
    directory.upn = "alice@corp.test";
    struct td_user first, second;
    assert_true(alice(&first));
    r = token("alice@corp.test", PASSWORD); /* made anew there: nothing of the former one's is hers */
    assert_int_equal(r.status, 200);
    assert_true(alice(&second));
    assert_string_not_equal(first.id, second.id);
}

static enum td_code sign_in_off(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    const struct td_ad_domain_row row = {.domain = "corp.test", .sync = true, .sync_base = "", .sync_seconds = 60};
    return td_ad_domain_put(tx, w.tenant.id, &row, "test", err);
}

static void only_where_the_tenant_wants_it(void **state TD_UNUSED)
{
    struct wire_reply r = token("alice@corp.test", PASSWORD);
    assert_int_equal(r.status, 200);
    assert_ok(td_store_write(w.svc.store, sign_in_off, NULL, NULL));
    r = token("alice@corp.test", PASSWORD);
    assert_oauth_error(&r, 400, "invalid_grant", 50126);
    assert_int_equal(directory.asked, 1);
}

static void sync_says(const char *more, const char *number)
{
    struct td_json *v = NULL;
    uint64_t from = 0;
    const char *body = td_arena_printf(
        &w.arena,
        "{\"domain\":\"corp.test\",\"run\":\"%s\",\"server\":\"0d000000-0000-4000-8000-00000000000a\",\"from\":\"0\","
        "\"to\":\"%s\",\"full\":true,\"last\":true,\"objects\":[{\"kind\":\"user\",\"guid\":\"" ALICE
        "\",\"sid\":\"S-1\","
        "\"upn\":\"alice@corp.test\",\"sam\":\"alice\",\"name\":\"Alice\",\"mail\":\"\"%s}]}",
        number, number, more);
    assert_ok(td_json_parse(td_str(body), 65536, &w.arena, &v, NULL));
    assert_ok(td_directory_sync_take(w.svc.store, w.tenant.id, "one", v, &w.arena, &from, NULL));
}

/* Disabled there: every door that a token opens is shut by the next run, and stays shut for what is old. */
static void disabled_there_is_refused_everywhere(void **state TD_UNUSED)
{
    struct wire_reply r = token("alice@corp.test", PASSWORD);
    const struct td_json *v = wire_json(&w, r.body);
    const char *access = td_json_str(v, "access_token"), *refresh = td_json_str(v, "refresh_token");
    const char *again =
        td_arena_printf(&w.arena, "grant_type=refresh_token&client_id=" TOOL "&refresh_token=%s", refresh);
    assert_int_equal(check_token(access, TD_RESOURCE_GRAPH, NULL), TD_OK);
    sync_says(",\"enabled\":false", "100");
    directory.reason = TD_DJ_DISABLED;
    assert_int_equal(check_token(access, TD_RESOURCE_GRAPH, NULL), TD_EAUTH);
    r = wire_form(&w, "/common/oauth2/v2.0/token", again);
    assert_oauth_error(&r, 400, "invalid_grant", 50057);
    r = token("alice@corp.test", PASSWORD);
    assert_oauth_error(&r, 400, "invalid_grant", 50057);
    /* enabled there: a sign-in brings it back at once, before the sync tells; what is old stays void */
    w.env.now += 5 * TD_SECOND;
    directory.reason = TD_DJ_OK;
    r = token("alice@corp.test", PASSWORD);
    assert_int_equal(r.status, 200);
    r = wire_form(&w, "/common/oauth2/v2.0/token", again);
    assert_oauth_error(&r, 400, "invalid_grant", 700082);
}

/* --- many at once --- */

static enum td_code try_password(const char *upn, const char *password, struct td_error *err)
{
    TD_CLEANUP(td_arena_done) struct td_arena a = {0};
    struct td_signed_in who;
    return td_sign_in(&w.svc, td_str(upn), td_str(password), "127.0.0.1", &a, &who, err);
}

static void guess_meanwhile(void)
{
    struct td_error err = {0};
    td_connector_hub_patience(w.svc.connectors, TD_SECOND / 50, TD_SECOND / 50);
    assert_int_equal(try_password("ALICE@corp.test", "second", &err), TD_EUNAVAILABLE);
    assert_string_equal(err.where, "Timeout");
    assert_int_equal(directory.asked, 1);
    assert_int_equal(try_password("bob@corp.test", "another", &err), TD_EAUTH); /* waits for nobody */
    assert_int_equal(directory.asked, 2);
}

static void one_name_is_asked_about_once_at_a_time(void **state TD_UNUSED)
{
    directory.meanwhile = guess_meanwhile;
    assert_int_equal(try_password("alice@corp.test", "first", NULL), TD_EAUTH);
    assert_int_equal(directory.asked, 2);
    assert_ok(try_password("alice@corp.test", PASSWORD, NULL));
}

static void *guess(void *ctx)
{
    enum td_code *rc = ctx;
    *rc = try_password("alice@corp.test", "wrong", NULL);
    return NULL;
}

/* The domain's own threshold is never met by guesses that come side by side. */
static void guesses_at_once_are_counted_one_by_one(void **state TD_UNUSED)
{
    enum { MANY = 12 };
    pthread_t threads[MANY];
    enum td_code rc[MANY];
    int wrong = 0, locked = 0;
    for (int i = 0; i < MANY; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, guess, &rc[i]), 0);
    for (int i = 0; i < MANY; i++) {
        (void)pthread_join(threads[i], NULL);
        wrong += rc[i] == TD_EAUTH;
        locked += rc[i] == TD_ELIMIT;
    }
    assert_int_equal(wrong, TD_GUARD_TRIES);
    assert_int_equal(locked, MANY - TD_GUARD_TRIES);
    assert_int_equal(directory.asked, TD_GUARD_TRIES);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(the_first_right_password_makes_the_account),
        T(what_a_directory_has_against_somebody),
        T(unreachable_is_never_wrong),
        T(wrong_ones_lock_and_are_asked_no_more),
        T(empty_ones_never_go_out),
        T(accounts_made_by_hand_are_ours),
        T(a_namesake_has_nothing_of_the_former_one),
        T(only_where_the_tenant_wants_it),
        T(disabled_there_is_refused_everywhere),
        T(one_name_is_asked_about_once_at_a_time),
        T(guesses_at_once_are_counted_one_by_one),
    };
    return cmocka_run_group_tests_name("ad_sign_in", tests, NULL, NULL);
}
