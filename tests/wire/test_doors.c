/* Every door that takes a device's certificate, key, token or link, against everything that can end its service: the
 * next request is refused in the door's own shape, whatever was kept from the one before (autopilot.md R14, S21; issue
 * of a device's whole life). */
#include "api/content.h"
#include "api/diagnostics.h"
#include "api/enrolment.h"
#include "api/join.h"
#include "api/keyring.h"
#include "api/management.h"
#include "base/log.h"
#include "codec/wstep.h"
#include "graph/graph.h"
#include "store/action.h"
#include "store/content.h"
#include "store/directory.h"
#include "store/enrolment.h"
#include "store/life_end.h"
#include "wire/device_session.h"

#define ENROLMENT "aaaaaaaa-0000-4000-8000-000000000001"
#define NEWER "aaaaaaaa-0000-4000-8000-000000000002"
#define REGISTRATION "11111111-0000-4000-8000-000000000001"
#define ENDPOINTS "/v1.0/servicePrincipals/appId=0000000a-0000-0000-c000-000000000000/endpoints"
#define ZIP "PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

static struct td_door doors[7];
static struct td_slice management_cert, renewal;
static const char *way_id, *refresh, *upload_id;
static struct td_content content;
static struct session held;

/* --- a device that has all of it --- */

static enum td_code prepare(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    const struct td_device_precreated pre = {REGISTRATION, "SN-DOORS", "", ""};
    struct td_way_row way;
    td_try(td_device_precreate(tx, w.tenant.id, &pre, &w.arena, &device_id, err));
    td_try(td_way_add(tx, w.tenant.id, TD_WAY_REGISTRATION, REGISTRATION, &w.arena, &way, err));
    way_id = way.id;
    return td_way_happened(tx, w.tenant.id, way.id, TD_EV_REGISTERED, "test", "{}", err);
}

static void write_ok(td_tx_fn *fn, void *ctx, const char *what)
{
    struct td_error err = {0};
    wire_ok(td_store_write(w.svc.store, fn, ctx, &err), &err, what);
}

/* Close to its end, so that it may be renewed. */
static void certify_management(void)
{
    const struct td_rdn subject[] = {{"CN", ENROLMENT}};
    struct td_error err = {0};
    struct td_slice csr = {0};
    struct td_cert_template t = {
        .subject = subject, .subject_count = 1, .not_before = WIRE_NOW - TD_DAY, .not_after = WIRE_NOW + 20 * TD_DAY};
    assert_ok(td_key_public_der(device_key, &w.arena, &t.spki));
    wire_ok(td_authority_issue(&w.svc, TD_PURPOSE_MANAGEMENT, &t, &w.arena, &management_cert, &err), &err, "cert");
    assert_ok(td_csr_make(device_key, "renewal", NULL, &w.arena, &csr, NULL));
    assert_ok(td_cms_sign(csr, management_cert, device_key, &w.arena, &renewal, NULL));
}

static struct td_enrolment enrolment_row(const char *id)
{
    struct td_enrolment e = {.id = id, .tenant = w.tenant.id, .device_id = device_id, .registration_id = REGISTRATION};
    e.way_id = way_id;
    e.user_id = w.ada.id;
    e.user_upn = w.ada.upn;
    e.type = "Device";
    e.provider = "Touchdown";
    e.hw_dev_id = e.device_name = e.device_type = e.os_edition = e.locale = "";
    e.dm_id = "dm";
    e.os_version = "10.0.22631.1";
    e.version = 40;
    e.secrets = TD_S("");
    e.cert_not_after = WIRE_NOW + 20 * TD_DAY;
    return e;
}

static enum td_code enrol(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    struct td_cert cert = {0};
    struct td_enrolment e = enrolment_row(ENROLMENT);
    td_try(td_cert_parse(management_cert, &w.arena, &cert, err));
    struct td_cert_row row = {.tenant = w.tenant.id,
                              .purpose = "management",
                              .subject = ENROLMENT,
                              .serial = cert.serial,
                              .not_after = cert.not_after};
    memcpy(row.sha256, cert.sha256, 32);
    memcpy(e.cert_sha256, cert.sha256, 32);
    td_try(td_cert_record(tx, &row, err));
    td_try(td_enrolment_add(tx, &e, NULL, err));
    td_try(td_way_link(tx, w.tenant.id, way_id, TD_WAY_ENROLMENT, ENROLMENT, err));
    td_try(td_way_happened(tx, w.tenant.id, way_id, TD_EV_ENROLLED, "ada", "{}", err));
    return td_content_add(tx, w.tenant.id, &content, "test", err);
}

static enum td_code ask_archive(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    const struct td_action_asking what = {.kind = TD_ACTION_DIAGNOSTICS, .actor = "it@contoso.test"};
    struct td_action x;
    td_try(td_action_ask(tx, w.tenant.id, ENROLMENT, &what, &w.arena, &x, err));
    upload_id = x.id;
    return td_action_delivered(tx, w.tenant.id, x.id, err);
}

static void get_tokens(void)
{
    held = get_prt();
    struct wire_reply r = ask(signed_by_session(&held, 2, broker_payload(&held, nonce(), "openid", "")));
    refresh = td_json_str(open_answer(&held, &r), "refresh_token");
    assert_non_null(refresh);
}

static int setup(void **state TD_UNUSED)
{
    struct td_error err = {0};
    registration_id = REGISTRATION;
    const struct td_door all[] = {{td_identity_routes, td_identity_route_count, &w.svc},
                                  {td_join_routes, td_join_route_count, &w.svc},
                                  {td_management_routes, td_management_route_count, &w.svc},
                                  {td_enrolment_routes, td_enrolment_route_count, &w.svc},
                                  {td_graph_routes, td_graph_route_count, &w.svc},
                                  {td_content_routes, td_content_route_count, &w.svc},
                                  {td_diagnostics_routes, td_diagnostics_route_count, &w.svc}};
    memcpy(doors, all, sizeof(doors));
    wire_open(&w, doors, TD_COUNTOF(doors));
    write_ok(prepare, NULL, "registration");
    join_device();
    certify_management();
    const char *file = td_arena_printf(&w.arena, "%s/agent.msi", w.dir);
    assert_ok(td_file_write(file, TD_S("bytes of an installer"), 0600, &err));
    assert_ok(td_content_import(w.dir, file, &w.arena, &content, &err));
    write_ok(enrol, NULL, "enrolment");
    write_ok(ask_archive, NULL, "archive");
    get_tokens();
    return 0;
}

/* --- the doors: each sends the same request again and again over the same connection --- */

struct answered {
    int status;
    const char *body;
};

static struct answered of(struct wire_reply r)
{
    return (struct answered){r.status, r.body};
}

static struct td_peer peer_of(struct td_slice cert)
{
    struct td_peer p = {.address = "127.0.0.1", .tls = true, .cert = cert};
    td_sha256(cert, p.cert_sha256);
    return p;
}

static struct answered manages(void)
{
    static const char *const type[] = {"Content-Type: application/vnd.syncml.dm+xml", NULL};
    static int session = 0;
    struct td_peer peer = peer_of(management_cert);
    const char *body = td_arena_printf(
        &w.arena,
        "<SyncML xmlns=\"SYNCML:SYNCML1.2\"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>%d"
        "</SessionID><MsgID>1</MsgID><Target><LocURI>https://localhost:8443/ManagementServer/MDM.svc</LocURI></Target>"
        "<Source><LocURI>dm</LocURI></Source></SyncHdr><SyncBody><Final/></SyncBody></SyncML>",
        ++session);
    return of(wire_do(&w, "POST", "/ManagementServer/MDM.svc", type, body, &peer));
}

static struct answered soap(const struct td_soap *head, const struct td_rst *rst, const struct td_peer *peer)
{
    static const char *const type[] = {"Content-Type: application/soap+xml", NULL};
    TD_CLEANUP(td_buf_done) struct td_buf b;
    td_buf_init(&b, TD_SOAP_MAX);
    assert_ok(td_rst_write(head, rst, &b, NULL));
    return of(
        wire_do(&w, "POST", "/EnrollmentServer/Enrollment.svc", type, td_arena_text(&w.arena, td_buf_slice(&b)), peer));
}

static struct answered renews(void)
{
    struct td_peer peer = peer_of(management_cert);
    struct td_soap head = {.action = TD_ACTION_RST, .message_id = "urn:uuid:1", .to = "https://localhost:8443/"};
    head.security.has_username = true;
    head.security.username = w.ada.upn;
    const struct td_rst rst = {.kind = TD_RST_RENEW, .csr = renewal, .cms = true};
    return soap(&head, &rst, &peer);
}

/* A token of ours that names the device, as a sign-in on it gets. */
static const char *token_for(const char *audience, const char *scope)
{
    char *token = NULL;
    long long now = (long long)(WIRE_NOW / TD_SECOND);
    const char *claims = td_arena_printf(
        &w.arena,
        "{\"iss\":\"https://localhost:8443/%s/\",\"aud\":\"%s\",\"tid\":\"%s\",\"oid\":\"%s\",\"upn\":\"%s\","
        "\"scp\":\"%s\",\"deviceid\":\"%s\",\"iat\":%lld,\"nbf\":%lld,\"exp\":%lld}",
        w.tenant.id, audience, w.tenant.id, w.ada.id, w.ada.upn, scope, device_id, now, now, now + 3600);
    assert_ok(td_token_sign(&w.svc, td_str(claims), &w.arena, &token, NULL));
    return token;
}

static struct answered enrols(void)
{
    struct td_soap head = {.action = TD_ACTION_RST, .message_id = "urn:uuid:2", .to = "https://localhost:8443/"};
    struct td_slice csr = {0};
    assert_ok(td_csr_make(device_key, "enrol", NULL, &w.arena, &csr, NULL));
    head.security.has_token = true;
    head.security.token_type = TD_TOKEN_JWT;
    head.security.token = td_str(token_for("https://enrollment.manage.microsoft.com/", "mdm_delegation"));
    const struct td_rst rst = {.csr = csr, .context = {.enrollment_type = "Device", .device_name = "PC"}};
    return soap(&head, &rst, NULL);
}

static struct answered by_bearer(const char *target, const char *audience)
{
    const char *const headers[] = {
        td_arena_printf(&w.arena, "Authorization: Bearer %s", token_for(audience, "user_impersonation")), NULL};
    return of(wire_do(&w, "GET", target, headers, "", NULL));
}

static struct answered terms(void)
{
    const char *const headers[] = {
        td_arena_printf(&w.arena, "Authorization: Bearer %s",
                        token_for("https://enrollment.manage.microsoft.com/", "mdm_delegation")),
        NULL};
    struct wire_reply r =
        wire_do(&w, "GET", "/EnrollmentServer/TermsOfUse?redirect_uri=ms-appx-web%3A%2F%2Fx%2FToU&api-version=1.0",
                headers, "", NULL);
    const char *to = td_loopback_header(&r.raw, "Location");
    return (struct answered){r.status, to != NULL ? to : ""};
}

static struct answered graph(void)
{
    return by_bearer(ENDPOINTS, "https://graph.microsoft.com");
}

static struct answered joins(void)
{
    static const char body[] = "{}";
    const char *const headers[] = {
        "Content-Type: application/json",
        td_arena_printf(&w.arena, "Authorization: Bearer %s",
                        token_for("urn:ms-drs:enterpriseregistration.windows.net", "user_impersonation")),
        NULL};
    return of(wire_do(&w, "POST", "/EnrollmentServer/device/?api-version=2.0", headers, body, NULL));
}

static struct answered prt_by_password(void)
{
    return of(ask(signed_by(device_key, "RS256", true, prt_payload(nonce(), "correct horse"))));
}

static struct answered prt_by_refresh(void)
{
    return of(
        ask(signed_by(device_key, "RS256", true,
                      td_arena_printf(&w.arena,
                                      "{\"client_id\":\"" WINDOWS "\",\"request_nonce\":\"%s\",\"scope\":"
                                      "\"openid aza ugs\",\"grant_type\":\"refresh_token\",\"refresh_token\":\"%s\"}",
                                      nonce(), refresh))));
}

static struct answered device_token(void)
{
    return of(ask(signed_by(device_key, "RS256", true,
                            td_arena_printf(&w.arena,
                                            "{\"client_id\":\"" WINDOWS "\",\"request_nonce\":\"%s\",\"grant_type\":"
                                            "\"device_token\",\"resource\":\"https://graph.microsoft.com\"}",
                                            nonce()))));
}

static struct answered broker_token(void)
{
    return of(ask(signed_by_session(&held, 2, broker_payload(&held, nonce(), "openid", ""))));
}

static struct answered prt_renewal(void)
{
    return of(ask(signed_by_session(&held, 2, broker_payload(&held, nonce(), "openid aza", ""))));
}

static struct answered refreshes(void)
{
    return of(wire_form(
        &w, "/common/oauth2/token",
        td_arena_printf(&w.arena, "grant_type=refresh_token&client_id=" PORTAL "&refresh_token=%s", refresh)));
}

static struct answered backs_up(void)
{
    static const char *const type[] = {"Content-Type: application/json", NULL};
    struct td_peer peer = peer_of(device_cert);
    return of(wire_do(&w, "POST", td_arena_printf(&w.arena, "/EnrollmentServer/device/%s/localcredential", device_id),
                      type, "{\"accountName\":\"Administrator\",\"password\":\"Gx7!x\"}", &peer));
}

static struct answered leaves(void)
{
    struct td_peer peer = peer_of(device_cert);
    return of(
        wire_do(&w, "DELETE", td_arena_printf(&w.arena, "/EnrollmentServer/device/%s", device_id), NULL, "", &peer));
}

static const char *ticket(const char *kind, const char *payload)
{
    char *text = NULL;
    assert_ok(td_ticket_make(&w.svc, kind, payload, TD_HOUR, &w.arena, &text, NULL));
    return text;
}

static struct answered downloads(void)
{
    const char *payload = td_arena_printf(&w.arena, "{\"tenant\":\"%s\",\"sha256\":\"%s\",\"for\":\"" ENROLMENT "\"}",
                                          w.tenant.id, content.sha256);
    struct td_http_reply raw = {0};
    td_loopback(&w.router, "GET",
                td_arena_printf(&w.arena, "/content/%s?t=%s", content.sha256, ticket("content", payload)), NULL,
                TD_S(""), NULL, &w.arena, &raw);
    struct answered a = {raw.status, td_arena_text(&w.arena, td_buf_slice(&raw.body))};
    if (raw.file >= 0)
        close(raw.file);
    raw.file = -1;
    td_reply_done(&raw);
    return a;
}

static struct answered uploads(void)
{
    const char *payload = td_arena_printf(&w.arena, "{\"tenant\":\"%s\",\"id\":\"%s\"}", w.tenant.id, upload_id);
    const char *target = td_arena_printf(&w.arena, "/content/upload/%s?t=%s", upload_id, ticket("upload", payload));
    static const char *const headers[] = {"x-ms-blob-type: BlockBlob", NULL};
    struct td_http_reply raw = {0};
    td_loopback(&w.router, "PUT", target, headers, td_bytes(ZIP, sizeof(ZIP) - 1), NULL, &w.arena, &raw);
    struct answered a = {raw.status, td_arena_text(&w.arena, td_buf_slice(&raw.body))};
    td_reply_done(&raw);
    return a;
}

/* What a door rests on: the enrolment, the directory object, or both. */
enum { ENROLLED = 1, JOINED = 2 };

static const struct door_row {
    const char *name;
    struct answered (*send)(void);
    unsigned rests_on;
    int served;            /* status of a good answer; 0: it would change what is tested, so it is only refused */
    const char *good;      /* in a good answer, which a refusal never holds */
    int refused, refused2; /* statuses of refusals */
    const char *shape;     /* in a refusal */
} rows[] = {
    {"management session", manages, ENROLLED | JOINED, 200, "<SyncML", 401, 403, ": "},
    {"renewal", renews, ENROLLED | JOINED, 200, "RequestSecurityTokenResponseCollection", 200, 500, "Fault"},
    {"enrolment by token", enrols, JOINED, 0, "RequestSecurityTokenResponseCollection", 200, 500, "Fault"},
    {"terms of use", terms, JOINED, 302, "IsAccepted=true", 302, 302, "error=unauthorized_client"},
    {"directory by token", graph, JOINED, 200, "value", 401, 401, "\"InvalidAuthenticationToken\""},
    {"join by token", joins, JOINED, 0, "Certificate", 401, 401, "ErrorType"},
    {"primary token by password", prt_by_password, JOINED, 200, "refresh_token", 400, 400, "\"invalid_grant\""},
    {"primary token by refresh token", prt_by_refresh, JOINED, 200, "refresh_token", 400, 400, "\"invalid_grant\""},
    {"device token", device_token, JOINED, 200, "access_token", 400, 400, "\"invalid_grant\""},
    {"token by session key", broker_token, JOINED, 200, ".", 400, 400, "\"invalid_grant\""},
    {"renewal of the primary token", prt_renewal, JOINED, 200, ".", 400, 400, "\"invalid_grant\""},
    {"refresh token", refreshes, JOINED, 200, "access_token", 400, 400, "\"invalid_grant\""},
    {"local credential", backs_up, JOINED, 204, "", 401, 403, "ErrorType"},
    {"leaving", leaves, JOINED, 0, NULL, 401, 403, "ErrorType"},
    {"download", downloads, ENROLLED | JOINED, 200, "", 403, 403, "\"title\""},
    {"upload", uploads, ENROLLED | JOINED, 201, "", 403, 403, "\"title\""},
};

static void assert_served(const struct door_row *d, const char *when)
{
    struct answered a = d->send();
    if (a.status != d->served || strstr(a.body, d->good) == NULL)
        fail_msg("%s, %s: want %d, got %d %.600s", when, d->name, d->served, a.status, a.body);
}

static void assert_shut(const struct door_row *d, const char *when)
{
    struct answered a = d->send();
    bool status = a.status == d->refused || a.status == d->refused2;
    bool lets_in = d->served != 0 && d->good[0] != '\0' && d->good[1] != '\0' && strstr(a.body, d->good) != NULL;
    if (!status || lets_in || strstr(a.body, d->shape) == NULL)
        fail_msg("%s, %s: want %d or %d with %s, got %d %.600s", when, d->name, d->refused, d->refused2, d->shape,
                 a.status, a.body);
}

/* gone: what the device has lost. */
static void look_at_all(unsigned gone, const char *when)
{
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        if ((rows[i].rests_on & gone) != 0)
            assert_shut(&rows[i], when);
        else if (rows[i].served != 0)
            assert_served(&rows[i], when);
    }
}

/* --- what ends its service --- */

static enum td_code enable(struct td_tx *tx, void *ctx, struct td_error *err)
{
    return td_device_enable(tx, w.tenant.id, device_id, ctx != NULL, err);
}

static void disabled(void **state TD_UNUSED)
{
    look_at_all(0, "at first");
    write_ok(enable, NULL, "disable");
    look_at_all(ENROLLED | JOINED, "disabled");
    write_ok(enable, &w, "enable");
    look_at_all(0, "enabled again");
}

static enum td_code leave_directory(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    return td_device_remove(tx, w.tenant.id, device_id, "it@contoso.test", err);
}

static void deleted(void **state TD_UNUSED)
{
    look_at_all(0, "at first");
    write_ok(leave_directory, NULL, "delete");
    look_at_all(ENROLLED | JOINED, "deleted");
}

static enum td_code end_by(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct td_action_asking what = {.kind = *(enum td_action_kind *)ctx, .actor = "it@contoso.test"};
    struct td_action x;
    td_try(td_action_ask(tx, w.tenant.id, ENROLMENT, &what, &w.arena, &x, err));
    if (x.state == TD_ACT_DONE)
        return TD_OK;
    td_try(td_action_delivered(tx, w.tenant.id, x.id, err));
    return td_action_finish(tx, w.tenant.id, x.id, TD_ACT_DONE, NULL, err);
}

static void ends_by(enum td_action_kind kind, unsigned gone)
{
    look_at_all(0, "at first");
    w.env.now += TD_SECOND;
    write_ok(end_by, &kind, "action");
    look_at_all(gone, td_action_rows[kind].word);
}

static void retired(void **state TD_UNUSED)
{
    ends_by(TD_ACTION_RETIRE, ENROLLED | JOINED);
}

static void wiped(void **state TD_UNUSED)
{
    ends_by(TD_ACTION_WIPE, ENROLLED | JOINED);
}

/* The record of management goes, the directory keeps its own (graph-api.md 3.4). */
static void record_deleted(void **state TD_UNUSED)
{
    ends_by(TD_ACTION_DELETE, ENROLLED);
}

static enum td_code enrol_anew(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    struct td_enrolment e = enrolment_row(NEWER);
    memset(e.cert_sha256, 0x5a, sizeof(e.cert_sha256));
    td_try(td_enrolment_add(tx, &e, NULL, err));
    return td_way_link(tx, w.tenant.id, way_id, TD_WAY_ENROLMENT, NEWER, err);
}

static void replaced(void **state TD_UNUSED)
{
    look_at_all(0, "at first");
    write_ok(enrol_anew, NULL, "enrolment");
    look_at_all(ENROLLED, "replaced");
}

static enum td_code disable_user(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    return td_user_enable(tx, w.tenant.id, w.ada.id, false, "test", err);
}

/* Its user leaving ends what is the user's; the device goes on. */
static void user_disabled(void **state TD_UNUSED)
{
    static const char *const go_on[] = {"management session", "device token", "local credential", "download"};
    write_ok(disable_user, NULL, "user");
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        for (size_t k = 0; k < TD_COUNTOF(go_on); k++)
            if (strcmp(rows[i].name, go_on[k]) == 0)
                assert_served(&rows[i], "user disabled");
}

/* --- who has it next --- */

static struct answered signs_in(const char *upn)
{
    return of(ask(signed_by(device_key, "RS256", true,
                            td_arena_printf(&w.arena,
                                            "{\"client_id\":\"" WINDOWS "\",\"request_nonce\":\"%s\",\"scope\":"
                                            "\"openid aza ugs\",\"grant_type\":\"password\",\"username\":\"%s\","
                                            "\"password\":\"correct horse\"}",
                                            nonce(), upn))));
}

static enum td_code read_user(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct td_enrolment e;
    struct td_device_row d;
    td_try(td_enrolment_find(tx, w.tenant.id, ENROLMENT, &w.arena, &e, err));
    td_try(td_device_find(tx, w.tenant.id, device_id, &w.arena, &d, err));
    assert_string_equal(e.user_upn, d.owner_upn);
    *(const char **)ctx = e.user_upn;
    return TD_OK;
}

static void assert_user(const char *upn)
{
    const char *have = "";
    struct td_error err = {0};
    wire_ok(td_store_read(w.svc.store, read_user, &have, &err), &err, "user");
    assert_string_equal(have, upn);
}

/* A reset from afar takes owner and primary user away; the next one who signs in on the device is both (3.7). */
static void taken_over(void **state TD_UNUSED)
{
    enum td_action_kind reset = TD_ACTION_RESET;
    (void)wire_add_user(&w, w.tenant.id, "bob@contoso.test", "Bob", "correct horse");
    (void)wire_add_user(&w, w.tenant.id, "eve@contoso.test", "Eve", "correct horse");
    assert_int_equal(signs_in("bob@contoso.test").status, 200);
    assert_user("ada@contoso.test"); /* a mere sign-in changes nothing */
    write_ok(end_by, &reset, "reset");
    assert_user("");
    assert_int_equal(broker_token().status, 400); /* what ada had on it is void */
    assert_int_equal(refreshes().status, 400);
    assert_int_equal(signs_in("nobody@contoso.test").status, 400);
    assert_user("");
    assert_int_equal(signs_in("bob@contoso.test").status, 200);
    assert_user("bob@contoso.test");
    assert_int_equal(signs_in("eve@contoso.test").status, 200);
    assert_user("bob@contoso.test");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(disabled), T(deleted), T(retired), T(wiped), T(record_deleted), T(replaced), T(user_disabled), T(taken_over),
    };
    td_log_init(STDERR_FILENO, TD_ERROR); /* refusals are what is tested here */
    return cmocka_run_group_tests_name("doors", tests, NULL, NULL);
}
