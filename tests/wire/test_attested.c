/* What a proven TPM opens: the join by its ticket, the token of the device, its enrolment by a certified key, once
 * where the tenant wants that; and everything that a ticket does not open (join-and-tokens.md 3, 5; autopilot.md R17).
 */
#include "attest_world.h"
#include "base/log.h"
#include "codec/wap.h"
#include "codec/wstep.h"
#include "deployed.h"
#include "store/enrolment.h"
#include "store/managed.h"
#include "store/views.h"

#define JOIN "/EnrollmentServer/device/?api-version=2.0"
#define BROKER "29d9ed98-a469-4536-ade2-f981bc1d605e"

static const char failed[] = "device.failed";

static void open_world(void **state)
{
    td_log_init(STDERR_FILENO, TD_ERROR); /* refusals are what is tested here */
    use_box(state);
    tenant_with(box->tenant, NULL);
}

/* --- join --- */

static int join_by(const char *ticket, const struct soft_key *key)
{
    struct td_arena *a = &box->arena;
    struct td_key *transport = NULL;
    struct td_slice blob = TD_S("");
    const struct soft_key second = soft_key(SOFT_RSA, SOFT_PLAIN, 11);
    const char *headers[] = {td_arena_printf(a, "Authorization: Bearer %s", ticket), "Content-Type: application/json",
                             NULL};
    assert_ok(td_key_from_public_der(soft_spki(&second, a), &transport, NULL));
    assert_ok(td_key_rsa_blob(transport, a, &blob));
    td_key_free(transport);
    return post(
        JOIN, headers,
        td_arena_printf(a,
                        "{\"CertificateRequest\":{\"Type\":\"pkcs10\",\"Data\":\"%s\"},\"TransportKey\":\"%s\","
                        "\"TargetDomain\":\"contoso.test\",\"DeviceType\":\"Windows\",\"OSVersion\":"
                        "\"10.0.22631.2506\",\"DeviceDisplayName\":\"KIOSK-1\",\"JoinType\":0,\"attributes\":{}}",
                        b64(soft_csr(key, a)), b64(blob)));
}

static struct td_slice joined_cert(void)
{
    struct td_slice der = TD_S("");
    if (box->reply.status != 200)
        fail_msg("%d %.*s", box->reply.status, TD_FMT(td_buf_slice(&box->reply.body)));
    assert_ok(td_b64_decode(&box->arena, td_str(td_json_str(td_json_get(answer(), "Certificate"), "RawBody")),
                            TD_B64_STD, &der));
    return der;
}

static void is_no_ticket(const char *what)
{
    const char *message = td_json_str(answer(), "Message");
    assert_int_equal(box->reply.status, 401);
    assert_string_equal(td_json_str(answer(), "ErrorType"), "AuthenticationError");
    if (strstr(message, what) == NULL || strstr(message, "BadJoinTicket") == NULL || strstr(message, "..") != NULL)
        fail_msg("%s", message);
    look_at(box->tenant, "PC-1");
    assert_int_equal(told(failed, "\"step\":\"join\""), 1);
    assert_true(told(failed, "BadJoinTicket") == 1);
}

static void joins_for_nobody(void **state)
{
    open_world(state);
    struct pc p = registered_pc(0, "PC-1");
    const char *waiting = found.device.id, *ticket = attested(&p);
    set("join-users", "none"); /* says who of the people may */
    assert_int_equal(join_by(ticket, &p.device), 200);
    struct td_cert c;
    struct td_slice der = joined_cert();
    assert_ok(td_cert_parse(der, &box->arena, &c, NULL));
    assert_string_equal(c.subject_cn, waiting); /* the registration's object */
    assert_slice_at(c.spki, soft_spki(&p.device, &box->arena), __FILE__, __LINE__);
    const struct td_json *sids = td_json_get(td_json_get(answer(), "MembershipChanges")->child, "AddSIDs");
    assert_int_equal(td_json_count(sids), 2); /* the two roles, no user */
    assert_string_equal(td_json_str(td_json_get(answer(), "User"), "Upn"), "");
    look_at(box->tenant, "PC-1");
    assert_string_equal(found.device.owner_id, "");
    assert_string_equal(found.device.owner_upn, "");
    assert_true(found.device.joined_at != 0);
    assert_string_equal(found.way.user_upn, "");
    assert_string_equal(td_way_word(&found.way.way), "joined");
    assert_int_equal(told("device.joined", "\"attestation\":"), 1);
}

static void a_ticket_is_good_once(void **state)
{
    open_world(state);
    struct pc p = registered_pc(0, "PC-1");
    const char *ticket = attested(&p);
    assert_int_equal(join_by(ticket, &p.device), 200);
    look_at(box->tenant, "PC-1");
    const char *certificate = found.device.alt_security_id;
    join_by(ticket, &p.device);
    is_no_ticket("used");
    assert_string_equal(found.device.alt_security_id, certificate); /* nothing was written */
    assert_string_equal(td_way_word(&found.way.way), "joined");
    for (int i = 0; i < 5; i++)
        join_by(ticket, &p.device);
    is_no_ticket("used");                                    /* told once a minute */
    assert_int_equal(join_by(attested(&p), &p.device), 200); /* its answer was lost: attest again */
}

static void a_ticket_is_for_one_key(void **state)
{
    open_world(state);
    struct pc p = registered_pc(0, "PC-1");
    const char *ticket = attested(&p);
    join_by(ticket, &p.management); /* certified too, but not for the join */
    is_no_ticket("another key");
    assert_int_equal(join_by(ticket, &p.device), 200); /* refused, not used */
}

static void a_ticket_runs_out(void **state)
{
    open_world(state);
    struct pc p = registered_pc(0, "PC-1");
    const char *ticket = attested(&p);
    box->world.now += TD_ATTEST_TICKET_LIFE + 1;
    join_by(ticket, &p.device);
    is_no_ticket("run out");
    box->world.now += TD_DAY;
    assert_int_equal(join_by(ticket, &p.device), 401);
}

static void a_newer_ticket_leaves_the_older(void **state)
{
    open_world(state);
    struct pc p = registered_pc(0, "PC-1");
    const char *first = attested(&p), *second = attested(&p);
    assert_int_equal(join_by(second, &p.device), 200);
    assert_int_equal(join_by(first, &p.device), 200); /* each was admitted, each is good once */
    join_by(second, &p.device);
    assert_int_equal(box->reply.status, 401);
}

static void deregister(struct td_tx *tx, struct service_box *b)
{
    assert_ok(td_registration_remove(tx, b->tenant, found.r.id, "test", NULL));
}

static void a_ticket_ends_with_its_registration(void **state)
{
    open_world(state);
    struct pc p = registered_pc(0, "PC-1");
    const char *ticket = attested(&p);
    struct session s = open_session(&p);
    box_in_write(box, deregister);
    assert_true(join_by(ticket, &p.device) >= 401);
    finish(&p, &s);
    assert_true(box->reply.status >= 400);
    begin_with(&p, "");
    is_refused("UnknownRegistration");
    p.registration = registered_with(box->other, "PC-1", 1, TD_S("")); /* sold: its TPM is bound no longer */
    tenant_with(box->other, NULL);
    assert_non_null(attested(&p));
}

static void disable(struct td_tx *tx, struct service_box *b)
{
    assert_ok(td_device_enable(tx, b->tenant, found.device.id, false, NULL));
}

static void a_disabled_device_stays_out(void **state)
{
    open_world(state);
    struct pc p = registered_pc(0, "PC-1");
    const char *ticket = attested(&p);
    box_in_write(box, disable);
    assert_int_equal(join_by(ticket, &p.device), 403);
}

static void make_ready(struct td_tx *tx, struct service_box *b)
{
    deployed_ready(tx, b, "PC-1", false);
}

/* A used ticket that somebody kept must not end what the device has since. */
static void an_old_ticket_ends_nothing(void **state)
{
    open_world(state);
    struct pc p = registered_pc(0, "PC-1");
    const char *ticket = attested(&p);
    assert_int_equal(join_by(ticket, &p.device), 200);
    box_in_write(box, make_ready);
    assert_int_equal(join_by(ticket, &p.device), 401);
    box_in_write(box, deployed_managed);
    look_at(box->tenant, "PC-1");
    assert_string_equal(td_way_word(&found.way.way), "ready");
}

static void is_no_user_token(void **state)
{
    open_world(state);
    struct pc p = registered_pc(0, "PC-1");
    struct session s = open_session(&p);
    assert_true(join_by(s.id, &p.device) == 401);
    char *other = NULL; /* a note of ours of another kind */
    assert_ok(td_ticket_make(&box->svc, "device", "{\"tenant\":\"x\",\"registration\":\"y\"}", TD_DAY, &box->arena,
                             &other, NULL));
    assert_int_equal(join_by(other, &p.device), 401);
}

/* --- the token of the device --- */

static const char *device_token_by(const struct soft_key *key, struct td_slice cert)
{
    struct td_arena *a = &box->arena;
    static const char *const form[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
    assert_int_equal(post("/common/oauth2/token", form, "grant_type=srv_challenge"), 200);
    const char *payload = td_arena_printf(
        a,
        "{\"client_id\":\"" BROKER "\",\"resource\":\"https://enrollment.manage.microsoft.com/\",\"request_nonce\":"
        "\"%s\",\"win_ver\":\"10.0.22631.2506\",\"grant_type\":\"device_token\",\"redirect_uri\":"
        "\"ms-aadj-redir://auth/mdm\",\"iss\":\"aad:brokerplugin\"}",
        td_json_str(answer(), "Nonce"));
    const char *body =
        td_arena_printf(a, "grant_type=urn%%3aietf%%3aparams%%3aoauth%%3agrant-type%%3ajwt-bearer&request=%s",
                        soft_jws(key, b64(cert), payload, a));
    return post("/common/oauth2/token", form, body) == 200 ? td_json_str(answer(), "access_token") : NULL;
}

static void buys_a_token_by_either_kind_of_key(void **state)
{
    open_world(state);
    for (int i = 0; i < 2; i++) {
        struct pc p = registered_pc(i, i == 0 ? "PC-1" : "PC-2");
        p.device = soft_key(i == 0 ? SOFT_RSA : SOFT_P256, SOFT_PLAIN, i);
        assert_int_equal(join_by(attested(&p), &p.device), 200);
        struct td_slice cert = joined_cert();
        assert_non_null(device_token_by(&p.device, cert));
        const struct soft_key thief = soft_key(i == 0 ? SOFT_RSA : SOFT_P256, SOFT_PLAIN, 5);
        assert_null(device_token_by(&thief, cert));
    }
}

/* --- enrolment --- */

static struct td_soap enrol_by(const char *token, const struct soft_key *key)
{
    struct td_soap head = {.action = TD_ACTION_RST, .message_id = "urn:uuid:1", .to = "https://localhost:8443"};
    const struct td_rst rst = {.csr = soft_csr(key, &box->arena),
                               .context = {.enrollment_type = "Device",
                                           .device_name = "KIOSK-1",
                                           .os_version = "10.0.22631.2506",
                                           .hw_dev_id = td_arena_printf(&box->arena, "hw-%p", (void *)key->key),
                                           .plug_and_forget = TD_TRUE}};
    static const char *const headers[] = {"Content-Type: application/soap+xml", NULL};
    struct td_buf b;
    struct td_soap soap;
    head.security.has_token = true;
    head.security.token_type = TD_TOKEN_JWT;
    head.security.token = td_str(token);
    td_buf_init(&b, TD_SOAP_MAX);
    assert_ok(td_rst_write(&head, &rst, &b, NULL));
    assert_int_equal(post("/EnrollmentServer/Enrollment.svc", headers, td_arena_text(&box->arena, td_buf_slice(&b))),
                     200);
    td_buf_done(&b);
    assert_ok(td_soap_parse(td_buf_slice(&box->reply.body), &box->arena, &soap, NULL));
    return soap;
}

static void is_enrolled(const struct td_soap *soap)
{
    enum td_fault fault;
    struct td_fault_text text;
    if (td_soap_is_fault(soap, &box->arena, &fault, &text))
        fail_msg("%s %s", td_fault_table[fault].subcode, text.reason);
}

static const char *is_fault(const struct td_soap *soap, enum td_fault want)
{
    enum td_fault fault = TD_FAULT_COUNT;
    struct td_fault_text text;
    assert_true(td_soap_is_fault(soap, &box->arena, &fault, &text));
    assert_int_equal(fault, want);
    return text.reason;
}

/* Attested, joined and with its token. */
static const char *token_of(const struct pc *p, const struct lies *l)
{
    assert_int_equal(join_by(attested_with(p, l), &p->device), 200);
    const char *token = device_token_by(&p->device, joined_cert());
    assert_non_null(token);
    return token;
}

static void enrols_by_a_certified_key(void **state)
{
    open_world(state);
    struct pc p = registered_pc(0, "PC-1");
    const struct soft_key outside = soft_key(SOFT_P256, SOFT_PLAIN, 7);
    const char *token = token_of(&p, &(struct lies){.no_log = false});
    struct td_soap soap = enrol_by(token, &outside);
    assert_non_null(strstr(is_fault(&soap, TD_FAULT_CERTIFICATE_REQUEST), "another key"));
    look_at(box->tenant, "PC-1");
    assert_int_equal(told(failed, "\"step\":\"enrolment\""), 1);
    assert_int_equal(told("device.enrolled", ""), 0);
    soap = enrol_by(token, &p.management);
    is_enrolled(&soap);
    look_at(box->tenant, "PC-1");
    assert_string_equal(td_way_word(&found.way.way), "enrolled");
    soap = enrol_by(token, &p.device); /* the join's key is certified as well */
    is_enrolled(&soap);
}

static void asks_whether_unproven_keys_will_do(void **state)
{
    open_world(state);
    struct pc p = registered_pc(0, "PC-1");
    const struct soft_key outside = soft_key(SOFT_P256, SOFT_PLAIN, 7);
    const char *token = token_of(&p, &(struct lies){.no_management = true});
    set("unproven-management-key", "refuse");
    struct td_soap soap = enrol_by(token, &outside);
    assert_non_null(strstr(is_fault(&soap, TD_FAULT_CERTIFICATE_REQUEST), "certified no key"));
    soap = enrol_by(token, &p.device);
    is_enrolled(&soap);
    set("unproven-management-key", "allow");
    soap = enrol_by(token, &outside);
    is_enrolled(&soap);
}

/* --- once --- */

static void write_unblock(struct td_tx *tx, struct service_box *b)
{
    static const enum td_userless allowed = TD_USERLESS_ALLOWED;
    assert_ok(td_registration_change(tx, b->tenant, found.r.id, &(struct td_registration_change){.userless = &allowed},
                                     "boss@contoso.test", NULL, NULL));
}

static void delete_record(struct td_tx *tx, struct service_box *b)
{
    assert_ok(td_managed_end(tx, b->tenant, found.way.enrolment_id, "", "boss@contoso.test", NULL));
}

static const char *status_word;

static void read_status(struct td_tx *tx, struct service_box *b)
{
    struct td_view_row row;
    assert_ok(td_view_one(tx, b->tenant, &td_view_registrations, found.r.id, &b->arena, &row, NULL));
    status_word = td_view_text(&row, "userlessEnrollmentStatus");
}

static const char *status_shown(void)
{
    box_in_write(box, read_status);
    return status_word;
}

static void deploys(const struct pc *p, bool refused)
{
    const char *token = token_of(p, &(struct lies){.no_log = false});
    struct td_soap soap = enrol_by(token, &p->management);
    if (refused)
        assert_non_null(strstr(is_fault(&soap, TD_FAULT_DEVICE_NOT_SUPPORTED), "once"));
    else
        is_enrolled(&soap);
    box->world.now += TD_MINUTE;
    look_at(box->tenant, "PC-1");
}

static void deploys_once_where_asked(void **state)
{
    open_world(state);
    struct pc p = registered_pc(0, "PC-1");
    deploys(&p, false);
    deploys(&p, false); /* the same TPM, the same tenant: as often as it likes */
    assert_int_equal(found.r.userless, TD_USERLESS_UNKNOWN);
    assert_string_equal(status_shown(), "unknown");
    set("userless-once", "on");
    assert_string_equal(status_shown(), "blocked");
    deploys(&p, true); /* it was deployed before, though nobody counted then */
    box_in_write(box, write_unblock);
    const char *token = token_of(&p, &(struct lies){.no_log = false});
    struct td_soap soap = enrol_by(token, &p.management);
    is_enrolled(&soap);
    soap = enrol_by(token, &p.management); /* its answer was lost */
    is_enrolled(&soap);
    look_at(box->tenant, "PC-1");
    assert_int_equal(found.r.userless, TD_USERLESS_BLOCKED);
    box->world.now += TD_MINUTE;
    deploys(&p, true);
    assert_int_equal(told(failed, "0x80180014"), 2);
    box_in_write(box, write_unblock);
    deploys(&p, false);
    deploys(&p, true);
    set("userless-once", "off");
    deploys(&p, false);
    set("userless-once", "on");
    box_in_write(box, delete_record);
    look_at(box->tenant, "PC-1");
    assert_int_equal(found.r.userless, TD_USERLESS_ALLOWED);
    deploys(&p, false);
}

static void forgets_uncounted_ones_with_their_record(void **state)
{
    open_world(state);
    struct pc p = registered_pc(0, "PC-1");
    deploys(&p, false);
    box_in_write(box, delete_record);
    set("userless-once", "on");
    deploys(&p, false);
    deploys(&p, true);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, box_setup, box_teardown)

static int at_the_end(void **state TD_UNUSED)
{
    soft_end();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(joins_for_nobody),
        CASE(a_ticket_is_good_once),
        CASE(a_ticket_is_for_one_key),
        CASE(a_ticket_runs_out),
        CASE(a_newer_ticket_leaves_the_older),
        CASE(a_ticket_ends_with_its_registration),
        CASE(a_disabled_device_stays_out),
        CASE(an_old_ticket_ends_nothing),
        CASE(is_no_user_token),
        CASE(buys_a_token_by_either_kind_of_key),
        CASE(enrols_by_a_certified_key),
        CASE(asks_whether_unproven_keys_will_do),
        CASE(deploys_once_where_asked),
        CASE(forgets_uncounted_ones_with_their_record),
    };
    return cmocka_run_group_tests(tests, NULL, at_the_end);
}
