/* Requests signed by a device's key and by a session key: PRT, broker request, renewal, device token; and the sign-in
 * of a device under way (join-and-tokens.md 4, 5, 10.2, 10.4 to 10.8). */
#include "device_session.h"
#include "store/application.h"
#include "store/event.h"
#include "store/grant.h"

static int setup(void **state TD_UNUSED)
{
    device_id = DEVICE;
    registration_id = "";
    open_wire();
    join_device();
    return 0;
}

static void prt_by_password(void **state TD_UNUSED)
{
    struct wire_reply r = ask(signed_by(device_key, "RS256", true, prt_payload(nonce(), "correct horse")));
    assert_int_equal(r.status, 200);
    assert_int_equal(strncmp(r.body, "{\"", 2), 0);
    const struct td_json *v = wire_json(&w, r.body);
    assert_non_null(strchr(td_json_str(v, "refresh_token"), '.'));
    assert_string_equal(td_json_str(v, "expires_in"), "1209599");
    assert_int_equal(td_json_int(v, "refresh_token_expires_in", 0), 1209599);
    assert_non_null(td_json_str(v, "expires_on"));
    assert_int_equal(dots(td_json_str(v, "session_key_jwe")), 4);
    assert_null(td_json_get(v, "tgt_ad"));
    assert_null(td_json_get(v, "access_token"));
    const struct td_json *id = claims_of(td_json_str(v, "id_token"));
    assert_string_equal(td_json_str(id, "mdm_enrollment_url"), WIRE_BASE "/EnrollmentServer/Discovery.svc");
    assert_string_equal(td_json_str(id, "tenant_display_name"), "Contoso");
    assert_string_equal(td_json_str(id, "tid"), w.tenant.id);
    assert_string_equal(td_json_str(id, "upn"), "ada@contoso.test");
    r = ask(signed_by(device_key, "RS256", false, prt_payload(nonce(), "correct horse"))); /* x5c a bare string */
    assert_int_equal(r.status, 200);
}

static void broker_request(void **state TD_UNUSED)
{
    struct session s = get_prt();
    for (int version = 1; version <= 2; version++) {
        struct wire_reply r = ask(signed_by_session(
            &s, version, broker_payload(&s, nonce(), "openid", ",\"resource\":\"https://graph.microsoft.com/\"")));
        const struct td_json *v = open_answer(&s, &r);
        const struct td_json *c = claims_of(td_json_str(v, "access_token"));
        assert_string_equal(td_json_str(c, "aud"), "https://graph.microsoft.com/");
        assert_string_equal(td_json_str(c, "deviceid"), DEVICE);
        assert_string_equal(td_json_str(c, "upn"), "ada@contoso.test");
        assert_string_not_equal(td_json_str(v, "refresh_token"), s.prt);
        assert_non_null(td_json_str(v, "id_token"));
        assert_null(td_json_get(v, "session_key_jwe"));
        /* its refresh token goes on at v2 for management, and the device stays in the token */
        r = wire_form(&w, "/common/oauth2/v2.0/token",
                      td_arena_printf(&w.arena,
                                      "grant_type=refresh_token&client_id=" PORTAL "&refresh_token=%s&scope=openid "
                                      "d4ebce55-015a-49b5-a083-c84d1797ae8c/.default offline_access profile",
                                      td_json_str(v, "refresh_token")));
        assert_int_equal(r.status, 200);
        c = claims_of(td_json_str(wire_json(&w, r.body), "access_token"));
        assert_string_equal(td_json_str(c, "deviceid"), DEVICE);
        assert_string_equal(td_json_str(c, "aud"), "d4ebce55-015a-49b5-a083-c84d1797ae8c");
    }
    /* without a resource: no access token */
    struct wire_reply r = ask(signed_by_session(&s, 2, broker_payload(&s, nonce(), "openid", "")));
    const struct td_json *v = open_answer(&s, &r);
    assert_null(td_json_get(v, "access_token"));
    assert_non_null(td_json_str(v, "id_token"));
    assert_non_null(td_json_str(v, "refresh_token"));
}

static void prt_renewal(void **state TD_UNUSED)
{
    struct session s = get_prt();
    struct wire_reply r = ask(
        signed_by_session(&s, 2, broker_payload(&s, nonce(), "openid aza ugs", ",\"previous_refresh_token\":\"1.x\"")));
    assert_int_equal(dots(r.body), 4);
    assert_non_null(strstr(r.body, "..")); /* no encrypted key */
    const struct td_json *v = open_answer(&s, &r);
    assert_null(td_json_get(v, "session_key_jwe"));
    assert_string_equal(td_json_str(v, "expires_in"), "1209599");
    struct session renewed = s;
    renewed.prt = td_json_str(v, "refresh_token");
    assert_string_not_equal(renewed.prt, s.prt);
    const struct session *both[] = {&renewed, &s}; /* the old one serves for a while, under the same key */
    for (size_t i = 0; i < 2; i++) {
        r = ask(signed_by_session(both[i], 2, broker_payload(both[i], nonce(), "openid", "")));
        assert_non_null(open_answer(both[i], &r));
    }
    w.env.now += 25 * TD_HOUR;
    r = ask(signed_by_session(&s, 2, broker_payload(&s, nonce(), "openid", "")));
    assert_refused(&r, 700082);
    r = ask(signed_by_session(&renewed, 2, broker_payload(&renewed, nonce(), "openid", "")));
    assert_non_null(open_answer(&renewed, &r));
}

static void prt_by_refresh_token(void **state TD_UNUSED)
{
    struct session s = get_prt();
    struct wire_reply r = ask(signed_by_session(&s, 2, broker_payload(&s, nonce(), "openid", "")));
    const char *refresh = td_json_str(open_answer(&s, &r), "refresh_token");
    r = ask(signed_by(device_key, "RS256", true,
                      td_arena_printf(&w.arena,
                                      "{\"client_id\":\"" BROKER "\",\"request_nonce\":\"%s\",\"scope\":\"openid aza\","
                                      "\"grant_type\":\"refresh_token\",\"refresh_token\":\"%s\"}",
                                      nonce(), refresh)));
    assert_int_equal(r.status, 200);
    assert_non_null(td_json_str(wire_json(&w, r.body), "session_key_jwe"));
    /* a primary refresh token is none of these: its session key must sign */
    r = ask(signed_by(device_key, "RS256", true,
                      td_arena_printf(&w.arena,
                                      "{\"client_id\":\"" BROKER "\",\"request_nonce\":\"%s\",\"scope\":\"openid aza\","
                                      "\"grant_type\":\"refresh_token\",\"refresh_token\":\"%s\"}",
                                      nonce(), s.prt)));
    assert_refused(&r, 700082);
    r = wire_form(&w, "/common/oauth2/token",
                  td_arena_printf(&w.arena, "grant_type=refresh_token&client_id=" WINDOWS "&refresh_token=%s", s.prt));
    assert_refused(&r, 700082);
}

struct held {
    const char *app, *user, *tenant, *device, *secret;
};

static enum td_code hold(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct held *h = ctx;
    struct td_grant g = {.kind = TD_GRANT_REFRESH,
                         .tenant = h->tenant,
                         .user_id = h->user,
                         .app_id = h->app,
                         .device_id = h->device,
                         .family = h->secret,
                         .expires_at = td_tx_now(tx) + TD_DAY};
    td_sha256(td_str(h->secret), g.sha256);
    return td_grant_add(tx, &g, err);
}

static enum td_code add_public_app(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_application_add(tx, w.tenant.id, "Own tool", true, "test", &w.arena, ctx, err);
}

/* A primary refresh token grows out of the refresh token of a first-party client, of this tenant and this device (or of
 * none): out of no other. */
static void prt_by_foreign_refresh_token(void **state TD_UNUSED)
{
    struct td_application own = {0};
    struct td_user eve = wire_add_user(&w, w.other.id, "eve@fabrikam.test", "Eve", "correct horse");
    assert_ok(td_store_write(w.svc.store, add_public_app, &own, NULL));
    struct held rows[] = {{PORTAL, w.ada.id, w.tenant.id, "", "1.first"},
                          {own.id, w.ada.id, w.tenant.id, "", "1.own"},
                          {PORTAL, eve.id, w.other.id, "", "1.eve"},
                          {PORTAL, w.ada.id, w.tenant.id, "44444444-0000-4000-8000-00000000dead", "1.elsewhere"}};
    static const int numbers[] = {0, 700082, 50020, 700082};
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        assert_ok(td_store_write(w.svc.store, hold, &rows[i], NULL));
        struct wire_reply r = ask(
            signed_by(device_key, "RS256", true,
                      td_arena_printf(&w.arena,
                                      "{\"client_id\":\"" BROKER "\",\"request_nonce\":\"%s\",\"scope\":\"openid aza\","
                                      "\"grant_type\":\"refresh_token\",\"refresh_token\":\"%s\"}",
                                      nonce(), rows[i].secret)));
        if (numbers[i] != 0)
            assert_refused(&r, numbers[i]);
        else
            assert_int_equal(r.status, 200);
    }
}

static const char *device_payload(const char *n)
{
    return td_arena_printf(
        &w.arena,
        "{\"resource\":\"https://enrollment.manage.microsoft.com/\",\"client_id\":\"" BROKER
        "\",\"request_nonce\":\"%s\",\"win_ver\":\"10.0.22631.2506\",\"grant_type\":\"device_token\","
        "\"redirect_uri\":\"ms-aadj-redir://auth/mdm\",\"iss\":\"aad:brokerplugin\"}",
        n);
}

struct check {
    struct td_slice jwt;
    struct td_claims claims;
};

static enum td_code check_fn(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct check *c = ctx;
    return td_token_check(&w.svc, tx, c->jwt, TD_RESOURCE_MANAGEMENT, &w.arena, &c->claims, err);
}

static void device_token(void **state TD_UNUSED)
{
    struct wire_reply r = ask(signed_by(device_key, "RS256", false, device_payload(nonce())));
    assert_int_equal(r.status, 200);
    const struct td_json *v = wire_json(&w, r.body), *c = claims_of(td_json_str(v, "access_token"));
    assert_string_equal(td_json_str(c, "aud"), "https://enrollment.manage.microsoft.com/");
    assert_string_equal(td_json_str(c, "deviceid"), DEVICE);
    assert_string_equal(td_json_str(c, "tid"), w.tenant.id);
    assert_null(td_json_get(c, "upn"));
    assert_null(td_json_get(c, "scp"));
    assert_null(td_json_get(v, "refresh_token"));
    assert_null(td_json_get(v, "session_key_jwe"));
    struct check k = {.jwt = td_str(td_json_str(v, "access_token"))};
    assert_ok(td_store_read(w.svc.store, check_fn, &k, NULL));
    assert_true(k.claims.device_only);
    /* under the tenant's id too, and not under another's */
    const char *request = signed_by(device_key, "RS256", false, device_payload(nonce()));
    r = wire_do(&w, "POST", td_arena_printf(&w.arena, "/%s/oauth2/token", w.tenant.id), NULL,
                td_arena_printf(&w.arena, "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&request=%s", request),
                NULL);
    assert_int_equal(r.status, 200);
    request = signed_by(device_key, "RS256", false, device_payload(nonce()));
    r = wire_do(&w, "POST", "/fabrikam.test/oauth2/token", NULL,
                td_arena_printf(&w.arena, JWT_BEARER "&request=%s", request), NULL);
    assert_refused(&r, 700003);
}

static enum td_code join_again(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    struct td_device_joining j = {.id = DEVICE,
                                  .registration_id = "",
                                  .display_name = "DESKTOP-EX0001",
                                  .os = "Windows",
                                  .os_version = "10.0.22631.2506",
                                  .trust_type = "AzureAd",
                                  .owner_id = w.ada.id,
                                  .owner_upn = w.ada.upn,
                                  .hardware_id = "",
                                  .alt_security_id = ""};
    td_try(td_key_public_der(transport_key, &w.arena, &j.transport_key));
    return td_device_join(tx, w.tenant.id, &j, err);
}

/* What was given to a device before it joined again belonged to somebody else, perhaps. */
static void earlier_join(void **state TD_UNUSED)
{
    struct session s = get_prt();
    struct wire_reply r = ask(signed_by(device_key, "RS256", false, device_payload(nonce())));
    struct check k = {.jwt = td_str(td_json_str(wire_json(&w, r.body), "access_token"))};
    w.env.now += 5 * TD_SECOND;
    assert_ok(td_store_read(w.svc.store, check_fn, &k, NULL));
    assert_ok(td_store_write(w.svc.store, join_again, NULL, NULL));
    assert_int_equal(td_store_read(w.svc.store, check_fn, &k, NULL), TD_EAUTH);
    r = ask(signed_by_session(&s, 2, broker_payload(&s, nonce(), "openid", "")));
    assert_refused(&r, 700003);
}

static void refusals(void **state TD_UNUSED)
{
    const char *n = nonce();
    struct wire_reply r = ask(signed_by(device_key, "RS256", true, prt_payload(n, "correct horse")));
    assert_int_equal(r.status, 200);
    r = ask(signed_by(device_key, "RS256", true, prt_payload(n, "correct horse"))); /* the same nonce */
    assert_refused(&r, 50013);
    r = ask(signed_by(device_key, "RS256", true, prt_payload("AAAA", "correct horse")));
    assert_refused(&r, 50013);
    r = ask(signed_by(transport_key, "RS256", true, prt_payload(nonce(), "correct horse"))); /* another key */
    assert_refused(&r, 50013);
    r = ask(signed_by(device_key, "none", true, prt_payload(nonce(), "correct horse")));
    assert_refused(&r, 50013);
    r = ask(signed_by(device_key, "PS256", true, prt_payload(nonce(), "correct horse")));
    assert_refused(&r, 50013);
    r = ask(signed_by(device_key, "RS256", true, prt_payload(nonce(), "wrong-password")));
    assert_refused(&r, 50126);
    wire_add_user(&w, w.other.id, "eve@fabrikam.test", "Eve", "correct horse");
    r = ask(
        signed_by(device_key, "RS256", true,
                  td_arena_printf(&w.arena,
                                  "{\"client_id\":\"" WINDOWS "\",\"request_nonce\":\"%s\",\"grant_type\":\"password\","
                                  "\"username\":\"eve@fabrikam.test\",\"password\":\"correct horse\"}",
                                  nonce())));
    assert_refused(&r, 50020);
    r = ask(signed_by(device_key, "RS256", true,
                      td_arena_printf(&w.arena,
                                      "{\"client_id\":\"" WINDOWS "\",\"request_nonce\":\"%s\","
                                      "\"grant_type\":\"password\",\"username\":\"eve@fabrikam.test\","
                                      "\"password\":\"wrong-password\"}",
                                      nonce())));
    assert_refused(&r, 50020); /* the same: which password of hers is right is not this tenant's to learn */
    r = ask("not.a.jws");
    assert_refused(&r, 50013);
    r = ask("");
    assert_int_equal(r.status, 400);
    w.env.now += 11 * TD_MINUTE;
    r = ask(signed_by(device_key, "RS256", true, prt_payload(n, "correct horse"))); /* too old */
    assert_refused(&r, 50013);
}

static void certificates_of_other_kinds(void **state TD_UNUSED)
{
    struct td_slice ours = device_cert;
    struct td_cert_template t = {.subject = (const struct td_rdn[]){{"CN", DEVICE}},
                                 .subject_count = 1,
                                 .not_before = WIRE_NOW - TD_DAY,
                                 .not_after = WIRE_NOW + TD_DAY};
    assert_ok(td_key_public_der(device_key, &w.arena, &t.spki));
    /* issued by the management intermediate: opens no door here */
    assert_ok(td_authority_issue(&w.svc, TD_PURPOSE_MANAGEMENT, &t, &w.arena, &device_cert, NULL));
    struct wire_reply r = ask(signed_by(device_key, "RS256", true, device_payload(nonce())));
    assert_int_equal(r.status, 400);
    /* self-signed */
    assert_ok(td_cert_issue(&t, TD_S(""), device_key, &w.arena, &device_cert, NULL));
    r = ask(signed_by(device_key, "RS256", true, device_payload(nonce())));
    assert_refused(&r, 50013);
    device_cert = TD_S("no certificate");
    r = ask(signed_by(device_key, "RS256", true, device_payload(nonce())));
    assert_refused(&r, 50013);
    device_cert = ours;
}

static void session_refusals(void **state TD_UNUSED)
{
    struct session s = get_prt(), other = s;
    const char *payload = broker_payload(&s, nonce(), "openid", "");
    other.key[0] ^= 1;
    struct wire_reply r = ask(signed_by_session(&other, 2, payload));
    assert_refused(&r, 50013);
    r = ask(signed_by_session(&s, 2, payload)); /* a wrong key burns no nonce */
    assert_non_null(open_answer(&s, &r));
    r = ask(signed_by_session(&s, 2, payload));
    assert_refused(&r, 50013);
    other = s;
    other.prt = "1.unknown";
    r = ask(signed_by_session(&other, 2, broker_payload(&other, nonce(), "openid", "")));
    assert_refused(&r, 700082);
    /* version 1's key under a header that says 2, and no ctx at all */
    const char *ok = signed_by_session(&s, 1, broker_payload(&s, nonce(), "openid", ""));
    const char *rest = strchr(ok, '.');
    const char *header = td_b64url(&w.arena, TD_S("{\"alg\":\"HS256\"}"));
    r = ask(td_arena_printf(&w.arena, "%s%s", header, rest));
    assert_refused(&r, 50013);
}

static enum td_code delete_device(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    td_try(td_cert_revoke(tx, w.tenant.id, "device", DEVICE, err));
    return td_device_delete(tx, w.tenant.id, DEVICE, err);
}

static enum td_code disable_device(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_device_enable(tx, w.tenant.id, DEVICE, ctx != NULL, err);
}

/* 10.8: nothing of a deleted or disabled device works, also with the right password and a fresh nonce. */
static void deleted_or_disabled(void **state TD_UNUSED)
{
    struct session s = get_prt();
    struct wire_reply r = ask(signed_by_session(&s, 2, broker_payload(&s, nonce(), "openid", "")));
    const char *refresh = td_arena_printf(&w.arena, "grant_type=refresh_token&client_id=" PORTAL "&refresh_token=%s",
                                          td_json_str(open_answer(&s, &r), "refresh_token"));
    for (int deleted = 0; deleted < 2; deleted++) {
        int number = deleted ? 700003 : 135011;
        assert_ok(td_store_write(w.svc.store, deleted ? delete_device : disable_device, NULL, NULL));
        r = ask(signed_by(device_key, "RS256", true, prt_payload(nonce(), "correct horse")));
        assert_refused(&r, number);
        r = ask(signed_by(device_key, "RS256", true, device_payload(nonce())));
        assert_refused(&r, number);
        r = ask(signed_by_session(&s, 2, broker_payload(&s, nonce(), "openid", "")));
        assert_refused(&r, number);
        r = ask(signed_by_session(&s, 2, broker_payload(&s, nonce(), "openid aza", "")));
        assert_refused(&r, number);
        r = wire_form(&w, "/common/oauth2/token", refresh);
        assert_refused(&r, number);
        if (!deleted) {
            assert_ok(td_store_write(w.svc.store, disable_device, &w, NULL)); /* enabled again */
            r = ask(signed_by(device_key, "RS256", true, device_payload(nonce())));
            assert_int_equal(r.status, 200);
        }
    }
}

struct way {
    struct td_way_row row;
    struct td_event *events;
    size_t count;
};

static enum td_code register_device(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct way *y = ctx;
    td_try(td_way_add(tx, w.tenant.id, TD_WAY_REGISTRATION, "reg-1", &w.arena, &y->row, err));
    td_try(td_way_happened(tx, w.tenant.id, y->row.id, TD_EV_REGISTERED, "test", "{}", err));
    td_try(td_way_happened(tx, w.tenant.id, y->row.id, TD_EV_ASSIGNED, "test", "{}", err));
    return td_way_happened(tx, w.tenant.id, y->row.id, TD_EV_CONTACTED, "device", "{}", err);
}

static enum td_code read_way(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct way *y = ctx;
    td_try(td_way_find(tx, w.tenant.id, TD_WAY_REGISTRATION, "reg-1", &w.arena, &y->row, err));
    return td_event_list(tx, w.tenant.id, y->row.id, 0, 50, &w.arena, &y->events, &y->count, err);
}

static const char *field(const char *page, const char *from)
{
    const char *a = strstr(page, from);
    assert_non_null(a);
    a += strlen(from);
    return td_arena_text(&w.arena, td_bytes(a, strcspn(a, "\"")));
}

static struct wire_reply type_in(const struct wire_reply *page, const char *fields)
{
    return wire_form(&w, field(page->body, "action=\""),
                     td_arena_printf(&w.arena, "flow=%s&%s", field(page->body, "name=\"flow\" value=\""), fields));
}

/* The device's own sign-in: its ticket leads to its way, which learns the user; refusals stand in its timeline. */
static void device_under_way(void **state TD_UNUSED)
{
    struct way y = {0};
    char *ticket = NULL;
    assert_ok(td_store_write(w.svc.store, register_device, &y, NULL));
    wire_add_user(&w, w.other.id, "eve@fabrikam.test", "Eve", "correct horse");
    const char *payload = td_arena_printf(&w.arena, "{\"tenant\":\"%s\",\"registration\":\"reg-1\"}", w.tenant.id);
    assert_ok(td_ticket_make(&w.svc, "device", payload, TD_DAY, &w.arena, &ticket, NULL));
    const char *target = td_arena_printf(
        &w.arena,
        "/common/oauth2/authorize?client_id=" BROKER "&response_type=code&redirect_uri=ms-aadj-redir%%3A%%2F"
        "%%2Fauth%%2Fdrs&resource=urn%%3Ams-drs%%3Aenterpriseregistration.windows.net&amr_values=ngcmfa"
        "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
        "&state=1&ztd_ticket=%s",
        ticket);
    struct wire_reply page = wire_get(&w, target);
    assert_int_equal(page.status, 200);
    assert_non_null(strstr(page.body, "<h1>Contoso</h1>"));
    struct wire_reply r = type_in(&page, "username=eve@fabrikam.test&password=correct+horse");
    assert_non_null(strstr(r.body, "belongs to another organization"));
    r = type_in(&page, "username=ada@contoso.test&password=wrong-password");
    assert_int_equal(r.status, 200);
    r = type_in(&page, "username=ada@contoso.test&password=correct+horse");
    assert_int_equal(r.status, 302);
    const char *to = td_loopback_header(&r.raw, "Location");
    assert_int_equal(strncmp(to, "ms-aadj-redir://auth/drs?code=", 30), 0);
    assert_ok(td_store_read(w.svc.store, read_way, &y, NULL));
    assert_string_equal(y.row.user_upn, "ada@contoso.test");
    assert_string_equal(td_way_word(&y.row.way), "signed in");
    size_t refused = 0, signed_in = 0;
    for (size_t i = 0; i < y.count; i++) {
        refused += strcmp(y.events[i].type, "sign-in.refused") == 0;
        signed_in += strcmp(y.events[i].type, "device.signed-in") == 0;
        assert_null(strstr(y.events[i].detail, "horse"));
    }
    assert_int_equal(refused, 2);
    assert_int_equal(signed_in, 1);
    const char *code = td_arena_text(&w.arena, td_bytes(to + 30, strcspn(to + 30, "&")));
    r = wire_form(&w, "/common/oauth2/token",
                  td_arena_printf(&w.arena,
                                  "grant_type=authorization_code&client_id=" BROKER
                                  "&redirect_uri=ms-aadj-redir%%3A%%2F%%2Fauth%%2Fdrs&code=%s"
                                  "&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
                                  code));
    assert_int_equal(r.status, 200);
    const struct td_json *v = wire_json(&w, r.body);
    assert_string_equal(td_json_str(v, "resource"), "urn:ms-drs:enterpriseregistration.windows.net");
    assert_string_equal(td_json_str(claims_of(td_json_str(v, "id_token")), "mdm_terms_of_use_url"),
                        WIRE_BASE "/EnrollmentServer/TermsOfUse");
    /* another tenant's path refuses this device */
    const char *other = strstr(target, "/oauth2");
    r = wire_get(&w, td_arena_printf(&w.arena, "/fabrikam.test%s", other));
    assert_int_equal(r.status, 400);
    assert_non_null(strstr(r.body, "belongs to another organization"));
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(prt_by_password),
        T(broker_request),
        T(prt_renewal),
        T(prt_by_refresh_token),
        T(prt_by_foreign_refresh_token),
        T(device_token),
        T(earlier_join),
        T(refusals),
        T(certificates_of_other_kinds),
        T(session_refusals),
        T(deleted_or_disabled),
        T(device_under_way),
    };
    return cmocka_run_group_tests_name("identity_device", tests, NULL, NULL);
}
