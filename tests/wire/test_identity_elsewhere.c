/* A tenant's devices that another service manages (autopilot.md, row X07): the token that they bring it, the addresses
 * that they are told, and where their way here ends. */
#include "device_session.h"
#include "store/event.h"
#include "store/foreign_management.h"
#include "store/profile.h"
#include "store/registration.h"

#define OTHER "5a1e0000-1111-4222-8333-444455556666"

static const struct td_foreign_management other_service = {.app_id = OTHER,
                                                           .name = "Other",
                                                           .enrolment_url = "https://mdm.other.test:444/Discovery.svc",
                                                           .terms_url = "https://mdm.other.test/terms",
                                                           .compliance_url = ""};

static enum td_code hand_to_other(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    const struct td_registration_new what = {.serial = "SN-0001",
                                             .manufacturer = "Contoso",
                                             .model = "Book 1",
                                             .sku = "",
                                             .family = "",
                                             .product_key = "",
                                             .group_tag = "",
                                             .purchase_order = "",
                                             .assigned_user = "",
                                             .warning = "",
                                             .hash = TD_S("hash")};
    struct td_import_verdict verdict = {0};
    struct td_registration registration;
    struct td_profile settings;
    struct td_profile_row p;
    td_try(td_foreign_management_put(tx, w.tenant.id, &other_service, "test", err));
    td_try(td_profile_parse(TD_S("{\"managementServiceAppId\":\"" OTHER "\"}"), &w.arena, &settings, err));
    td_try(td_profile_add(tx, w.tenant.id, "Everyone", &settings, "test", &w.arena, &p, err));
    td_try(td_profile_assign(tx, w.tenant.id, p.id, "", "test", err));
    td_try(td_registration_add(tx, w.tenant.id, &what, "test", &w.arena, &verdict, err));
    td_try(td_registration_find(tx, w.tenant.id, verdict.registration_id, &w.arena, &registration, err));
    registration_id = registration.id;
    device_id = registration.device_id;
    return td_way_happened(tx, w.tenant.id, registration.way_id, TD_EV_CONTACTED, "device", "{}", err);
}

static int setup_elsewhere(void **state TD_UNUSED)
{
    struct td_error err = {0};
    open_wire();
    wire_ok(td_store_write(w.svc.store, hand_to_other, NULL, &err), &err, "registration");
    join_device();
    return 0;
}

static const struct td_json *asked_for(const struct session *s, const char *resource)
{
    const char *more = td_arena_printf(&w.arena, ",\"resource\":\"%s\"", resource);
    struct wire_reply r = ask(signed_by_session(s, 2, broker_payload(s, nonce(), "openid", more)));
    return open_answer(s, &r);
}

static enum td_code believed(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_claims claims;
    for (int k = 0; k < TD_RESOURCE_COUNT; k++)
        if (td_token_check(&w.svc, tx, td_str(ctx), (enum td_resource)k, &w.arena, &claims, err) == TD_OK)
            return TD_OK;
    return TD_EAUTH;
}

struct way {
    struct td_way_row row;
    struct td_event *events;
    size_t count;
};

static enum td_code read_way(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct way *y = ctx;
    td_try(td_way_find(tx, w.tenant.id, TD_WAY_REGISTRATION, registration_id, &w.arena, &y->row, err));
    return td_event_list(tx, w.tenant.id, y->row.id, 0, 50, &w.arena, &y->events, &y->count, err);
}

static size_t handed_over(const char **ret_word)
{
    struct way y = {.count = 0};
    size_t n = 0;
    assert_ok(td_store_read(w.svc.store, read_way, &y, NULL));
    *ret_word = td_way_word(&y.row.way);
    for (size_t i = 0; i < y.count; i++) {
        bool is = strcmp(y.events[i].type, "device.handed-over") == 0;
        n += is;
        if (is) {
            assert_string_equal(y.events[i].actor, "ada@contoso.test");
            assert_non_null(strstr(y.events[i].detail, "\"service\":\"Other\""));
        }
    }
    return n;
}

/* By its id or its address, in every form; for its tenant alone; and good for no door of ours. */
static void token_for_the_other_service(void **state TD_UNUSED)
{
    static const char *const names[] = {"https://MDM.other.test:444", "https://mdm.other.test:444/", OTHER};
    struct session s = get_prt();
    const char *word;
    const struct td_json *v = asked_for(&s, "https://graph.microsoft.com/");
    assert_int_equal(handed_over(&word), 0);
    for (size_t i = 0; i < TD_COUNTOF(names); i++) {
        v = asked_for(&s, names[i]);
        const struct td_json *c = claims_of(td_json_str(v, "access_token"));
        assert_string_equal(td_json_str(c, "aud"), names[i]);
        assert_string_equal(td_json_str(c, "scp"), "mdm_delegation");
        assert_string_equal(td_json_str(c, "deviceid"), device_id);
        assert_string_equal(td_json_str(c, "upn"), "ada@contoso.test");
        const char *token = td_json_str(v, "access_token");
        assert_int_equal(td_store_read(w.svc.store, believed, (void *)(uintptr_t)token, NULL), TD_EAUTH);
        assert_int_equal(handed_over(&word), 1);
        assert_string_equal(word, "joined");
    }
    const char *refresh = td_json_str(v, "refresh_token");
    struct wire_reply r = wire_form(&w, "/common/oauth2/v2.0/token",
                                    td_arena_printf(&w.arena,
                                                    "grant_type=refresh_token&client_id=" PORTAL "&refresh_token=%s"
                                                    "&scope=openid+https%%3A%%2F%%2Fmdm.other.test:444//.default",
                                                    refresh));
    assert_int_equal(r.status, 200);
    assert_string_equal(td_json_str(claims_of(td_json_str(wire_json(&w, r.body), "access_token")), "aud"),
                        "https://mdm.other.test:444/");
}

static enum td_code forget_other(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    struct td_profile_row p;
    td_try(td_profile_find(tx, w.tenant.id, "everyone", &w.arena, &p, err));
    p.settings.management_app = "";
    td_try(td_profile_change(tx, w.tenant.id, &p, "test", &w.arena, err));
    return td_foreign_management_remove(tx, w.tenant.id, OTHER, "test", err);
}

static void no_token_for_what_the_tenant_does_not_know(void **state TD_UNUSED)
{
    static const char *const names[] = {"https://mdm.other.test",
                                        "https://mdm.other.test:444/Discovery.svc",
                                        "https://mdm.other.test:444/terms",
                                        "http://mdm.other.test:444",
                                        "5a1e0000-1111-4222-8333-444455556667",
                                        "https://mdm.other.test:444.evil.test"};
    struct session s = get_prt();
    const char *word, *refresh = td_json_str(asked_for(&s, OTHER), "refresh_token");
    for (size_t i = 0; i < TD_COUNTOF(names); i++) {
        const char *more = td_arena_printf(&w.arena, ",\"resource\":\"%s\"", names[i]);
        struct wire_reply r = ask(signed_by_session(&s, 2, broker_payload(&s, nonce(), "openid", more)));
        assert_int_equal(r.status, 400);
        assert_non_null(strstr(r.body, "invalid_resource"));
    }
    /* a device alone, or an application, is not told of */
    struct wire_reply r = ask(signed_by(device_key, "RS256", true,
                                        td_arena_printf(&w.arena,
                                                        "{\"client_id\":\"" WINDOWS "\",\"request_nonce\":\"%s\","
                                                        "\"grant_type\":\"device_token\",\"resource\":\"" OTHER "\"}",
                                                        nonce())));
    assert_int_equal(r.status, 400);
    /* what the tenant forgets is forgotten at once, also for a refresh token that was made for it */
    struct td_error err = {0};
    wire_ok(td_store_write(w.svc.store, forget_other, NULL, &err), &err, "remove");
    r = wire_form(&w, "/common/oauth2/token",
                  td_arena_printf(&w.arena, "grant_type=refresh_token&client_id=" PORTAL "&refresh_token=%s", refresh));
    assert_int_equal(r.status, 400);
    assert_non_null(strstr(r.body, "invalid_resource"));
    assert_int_equal(handed_over(&word), 1);
}

static struct wire_reply authorize(const char *tenant)
{
    return wire_get(&w, td_arena_printf(&w.arena,
                                        "/%s/oauth2/v2.0/authorize?client_id=" BROKER "&response_type=code&state=1"
                                        "&redirect_uri=ms-aadj-redir%%3A%%2F%%2Fauth%%2Fdrs&scope=openid%%20" OTHER
                                        "%%2F.default",
                                        tenant));
}

static void known_to_its_tenant_alone(void **state TD_UNUSED)
{
    struct wire_reply r = authorize("contoso.test");
    assert_int_equal(r.status, 200);
    r = authorize("fabrikam.test");
    assert_int_equal(r.status, 302);
    assert_non_null(strstr(td_loopback_header(&r.raw, "Location"), "error=invalid_resource"));
}

static void assert_elsewhere(const struct td_json *answer)
{
    const struct td_json *id = claims_of(td_json_str(answer, "id_token"));
    assert_string_equal(td_json_str(id, "mdm_enrollment_url"), other_service.enrolment_url);
    assert_string_equal(td_json_str(id, "mdm_terms_of_use_url"), other_service.terms_url);
    assert_null(td_json_get(id, "mdm_compliance_url"));
    assert_string_equal(td_json_str(id, "tenant_display_name"), "Contoso");
}

/* Each id_token of the broker says the same (join-and-tokens.md 6): of the primary refresh token, and of what grows out
 * of it. */
static void id_tokens_name_the_other_service(void **state TD_UNUSED)
{
    struct wire_reply r = ask(signed_by(
        device_key, "RS256", true,
        td_arena_printf(&w.arena,
                        "{\"client_id\":\"" BROKER "\",\"request_nonce\":\"%s\",\"scope\":\"openid aza\","
                        "\"grant_type\":\"password\",\"username\":\"ada@contoso.test\",\"password\":\"correct horse\"}",
                        nonce())));
    assert_int_equal(r.status, 200);
    assert_elsewhere(wire_json(&w, r.body));
    struct session s = get_prt();
    r = ask(signed_by_session(&s, 2,
                              td_arena_printf(&w.arena,
                                              "{\"client_id\":\"" BROKER "\",\"scope\":\"openid\",\"grant_type\":"
                                              "\"refresh_token\",\"refresh_token\":\"%s\",\"request_nonce\":\"%s\"}",
                                              s.prt, nonce())));
    assert_elsewhere(open_answer(&s, &r));
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup_elsewhere, teardown)
    const struct CMUnitTest tests[] = {
        T(token_for_the_other_service),
        T(no_token_for_what_the_tenant_does_not_know),
        T(known_to_its_tenant_alone),
        T(id_tokens_name_the_other_service),
    };
    return cmocka_run_group_tests_name("identity_elsewhere", tests, NULL, NULL);
}
