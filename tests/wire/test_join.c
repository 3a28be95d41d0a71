/* Directory join over its wire: the document's requests, the certificate field by field, every refusal, un-join. Judged
 * by openssl(1) too (join-and-tokens.md 2, 3, 3.1, 10.8, 10.9). */
#include "api/join.h"
#include "base/encode.h"
#include "codec/xml.h"
#include "crypto/jose.h"
#include "deployed.h"
#include "service_box.h"
#include "store/attestation.h"
#include "store/device.h"
#include "store/event.h"
#include "store/profile.h"
#include "store/registration.h"
#include "store/way.h"

static const char drs[] = "urn:ms-drs:enterpriseregistration.windows.net";
static struct td_key *device_key, *transport_key; /* one pair for all tests: making them is slow */

static int ask(struct service_box *b, const char *method, const char *target, const char *const *headers,
               const char *body, const struct td_peer *peer)
{
    return box_ask(b, td_join_routes, td_join_route_count, method, target, headers, td_str(body), peer);
}

static const struct td_json *answer(struct service_box *b)
{
    struct td_json *v = NULL;
    struct td_error err = {0};
    if (td_json_parse(td_buf_slice(&b->reply.body), 1 << 16, &b->arena, &v, &err) != TD_OK)
        fail_msg("no JSON: %.*s", TD_FMT(td_buf_slice(&b->reply.body)));
    return v;
}

/* Tokens */

static char *claims(struct service_box *b, const char *tenant, const char *user, const char *upn, const char *aud,
                    int64_t exp)
{
    long long now = BOX_NOW / TD_SECOND;
    return td_arena_printf(
        &b->arena,
        "{\"aud\":\"%s\",\"iss\":\"https://localhost:8443/%s/\",\"iat\":%lld,\"nbf\":%lld,\"exp\":%lld,"
        "\"tid\":\"%s\",\"oid\":\"%s\",\"upn\":\"%s\",\"appid\":\"29d9ed98-a469-4536-ade2-f981bc1d605e\"}",
        aud, tenant, now, now, (long long)(exp / TD_SECOND), tenant, user, upn);
}

static const char *bearer(struct service_box *b, const char *payload)
{
    char *token = NULL;
    struct td_error err;
    assert_ok(td_token_sign(&b->svc, td_str(payload), &b->arena, &token, &err));
    return td_arena_printf(&b->arena, "Authorization: Bearer %s", token);
}

static const char *ada(struct service_box *b)
{
    return bearer(b, claims(b, b->tenant, b->user_id, "ada@contoso.test", drs, BOX_NOW + TD_HOUR));
}

/* Requests */

static char *csr64(struct service_box *b, const struct td_key *key)
{
    struct td_slice der;
    struct td_error err;
    assert_ok(td_csr_make(key, "7E980AD9-B86D-4306-9425-9AC066FB014A", NULL, &b->arena, &der, &err));
    return td_b64(&b->arena, der);
}

static char *blob64(struct service_box *b, const struct td_key *key)
{
    struct td_slice blob;
    assert_ok(td_key_rsa_blob(key, &b->arena, &blob));
    return td_b64(&b->arena, blob);
}

struct body { /* what differs from the document's example */
    const char *csr, *transport, *name, *join_type, *ticket, *more;
};

static char *body(struct service_box *b, const struct body *with)
{
    return td_arena_printf(
        &b->arena,
        "{\"CertificateRequest\":{\"Type\":\"pkcs10\",\"Data\":\"%s\"},\"TransportKey\":\"%s\","
        "\"TargetDomain\":\"elsewhere.example\",\"DeviceType\":\"Windows\",\"OSVersion\":\"10.0.22631.2506\","
        "\"DeviceDisplayName\":\"%s\",\"JoinType\":%s,\"attributes\":{\"ReuseDevice\":\"true\",\"ReturnClientSid\":"
        "\"true\"%s%s%s}%s}",
        with->csr != NULL ? with->csr : csr64(b, device_key),
        with->transport != NULL ? with->transport : blob64(b, transport_key),
        with->name != NULL ? with->name : "DESKTOP-EX0001", with->join_type != NULL ? with->join_type : "0",
        with->ticket != NULL ? ",\"MSA-DDID\":\"" : "", with->ticket != NULL ? with->ticket : "",
        with->ticket != NULL ? "\"" : "", with->more != NULL ? with->more : "");
}

static int join(struct service_box *b, const char *authorization, const struct body *with)
{
    const char *headers[] = {authorization, "Content-Type: application/json", NULL};
    return ask(b, "POST", "/EnrollmentServer/device/?api-version=2.0", headers, body(b, with), NULL);
}

static struct td_slice joined(struct service_box *b)
{
    struct td_slice der = TD_S("");
    const char *raw = td_json_str(td_json_get(answer(b), "Certificate"), "RawBody");
    assert_non_null(raw);
    assert_ok(td_b64_decode(&b->arena, td_str(raw), TD_B64_STD, &der));
    return der;
}

static const char *id_of(struct service_box *b, struct td_slice cert)
{
    struct td_cert c;
    struct td_error err;
    assert_ok(td_cert_parse(cert, &b->arena, &c, &err));
    return c.subject_cn;
}

/* Looks into the store */

struct stored {
    struct service_box *box;
    const char *tenant, *id;
    enum td_code rc;
    struct td_device_row device;
    struct td_way_row way;
    enum td_code way_rc;
    struct td_event *events;
    size_t event_count;
};

static enum td_code read_stored(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct stored *s = ctx;
    s->rc = td_device_find(tx, s->tenant, s->id, &s->box->arena, &s->device, err);
    s->way_rc = td_way_find(tx, s->tenant, TD_WAY_DEVICE, s->id, &s->box->arena, &s->way, err);
    return td_event_list(tx, s->tenant, s->way_rc == TD_OK ? s->way.id : NULL, 0, 100, &s->box->arena, &s->events,
                         &s->event_count, err);
}

static struct stored stored(struct service_box *b, const char *tenant, const char *id)
{
    struct stored s = {.box = b, .tenant = tenant, .id = id};
    struct td_error err;
    assert_ok(td_store_read(b->svc.store, read_stored, &s, &err));
    return s;
}

static bool has_event(const struct stored *s, const char *type)
{
    for (size_t i = 0; i < s->event_count; i++)
        if (strcmp(s->events[i].type, type) == 0)
            return true;
    return false;
}

static void assert_refused(struct service_box *b, int status, const char *type)
{
    assert_int_equal(b->reply.status, status);
    const struct td_json *v = answer(b);
    assert_string_equal(td_json_str(v, "ErrorType"), type);
    assert_true(strlen(td_json_str(v, "Message")) > 5);
    assert_int_equal(strlen(td_json_str(v, "TraceId")), 36);
    assert_string_equal(td_json_str(v, "Time"), "01-02-2030 03:04:05Z");
}

/* The tests */

static void answers_as_the_document(void **state)
{
    struct service_box *b = *state;
    assert_int_equal(join(b, ada(b), &(struct body){0}), 200);
    assert_string_equal(b->reply.content_type, "application/json");
    const struct td_json *v = answer(b), *change = td_json_get(v, "MembershipChanges")->child;
    assert_string_equal(td_json_str(td_json_get(v, "User"), "Upn"), "ada@contoso.test");
    assert_string_equal(td_json_str(change, "LocalSID"), "S-1-5-32-544");
    assert_int_equal(td_json_count(td_json_get(change, "AddSIDs")), 3);
    for (const struct td_json *sid = td_json_get(change, "AddSIDs")->child; sid != NULL; sid = sid->next)
        assert_true(td_starts(td_str(sid->str), "S-1-12-1-"));
    struct td_cert c;
    struct td_error err;
    struct td_slice der = joined(b);
    assert_ok(td_cert_parse(der, &b->arena, &c, &err));
    assert_string_equal(td_json_str(td_json_get(v, "Certificate"), "Thumbprint"), c.sha1);
    assert_true(td_search(td_buf_slice(&b->reply.body), TD_S("\n")) == SIZE_MAX);
}

static const struct td_ext *ext(const struct td_cert *c, const char *oid)
{
    for (const struct td_ext *e = c->exts; e != NULL; e = e->next)
        if (strcmp(e->oid, oid) == 0)
            return e;
    fail_msg("no extension %s", oid);
    return NULL;
}

static void assert_guid(struct service_box *b, const struct td_cert *c, const char *oid, const char *uuid)
{
    unsigned char octets[16];
    td_uuid_bytes(uuid, true, octets);
    const struct td_ext *e = ext(c, oid);
    assert_false(e->critical);
    assert_string_equal(td_hex(&b->arena, e->value),
                        td_arena_printf(&b->arena, "048110%s", td_hex(&b->arena, td_bytes(octets, 16))));
}

static void certifies_field_by_field(void **state)
{
    struct service_box *b = *state;
    struct td_cert c;
    struct td_error err;
    struct td_slice spki;
    char uuid[TD_UUID_TEXT];
    assert_int_equal(join(b, ada(b), &(struct body){0}), 200);
    assert_ok(td_cert_parse(joined(b), &b->arena, &c, &err));
    assert_int_equal(c.subject_parts, 1);
    assert_true(td_uuid_parse(td_str(c.subject_cn), uuid));
    assert_string_equal(uuid, c.subject_cn); /* lower case, dashes */
    assert_int_equal(uuid[14], '4');
    assert_ok(td_key_public_der(device_key, &b->arena, &spki));
    assert_true(td_eq(c.spki, spki));
    assert_int_equal((c.not_after - c.not_before) / TD_DAY, 3650);
    assert_true(c.not_before <= BOX_NOW);
    assert_false(c.is_ca);
    assert_int_equal(c.eku, TD_EKU_CLIENT);
    assert_true(strstr(c.issuer, "CN = MS-Organization-Access") != NULL);
    assert_guid(b, &c, "1.2.840.113556.1.5.284.2", c.subject_cn);
    assert_guid(b, &c, "1.2.840.113556.1.5.284.3", b->user_id);
    assert_guid(b, &c, "1.2.840.113556.1.5.284.4", b->tenant);
    assert_int_equal(ext(&c, "1.2.840.113556.1.5.284.1")->value.n, 19);
    assert_string_equal(td_hex(&b->arena, ext(&c, "1.2.840.113556.1.5.284.7")->value), "04810131");
    assert_ok(td_cert_check_chain(c.der, td_authority_intermediate(b->svc.authority, TD_PURPOSE_DEVICE),
                                  td_authority_root(b->svc.authority), BOX_NOW, TD_EKU_CLIENT, &err));
}

static void openssl_reads_and_verifies_it(void **state)
{
    struct service_box *b = *state;
    box_need_openssl();
    assert_int_equal(join(b, ada(b), &(struct body){0}), 200);
    const char *leaf = box_file(b, "a.pem", td_str(td_cert_pem(joined(b), &b->arena)));
    const char *between = box_file(
        b, "b.pem", td_str(td_cert_pem(td_authority_intermediate(b->svc.authority, TD_PURPOSE_DEVICE), &b->arena)));
    const char *root = td_arena_printf(&b->arena, "%s/ca.pem", b->dir);
    const char *verify[] = {"openssl", "verify", "-attime",    "1893553445", "-x509_strict", "-purpose", "sslclient",
                            "-CAfile", root,     "-untrusted", between,      leaf,           NULL};
    const char *text[] = {"openssl", "x509", "-in", leaf, "-noout", "-text", NULL};
    assert_int_equal(run_program(verify), 0);
    assert_int_equal(run_program(text), 0);
    verify[6] = "sslserver"; /* a device is no server */
    assert_int_not_equal(run_program(verify), 0);
}

static void keeps_the_directory_object(void **state)
{
    struct service_box *b = *state;
    struct td_slice spki;
    assert_int_equal(join(b, ada(b), &(struct body){0}), 200);
    struct stored s = stored(b, b->tenant, id_of(b, joined(b)));
    assert_ok(s.rc);
    assert_string_equal(s.device.display_name, "DESKTOP-EX0001");
    assert_string_equal(s.device.os, "Windows");
    assert_string_equal(s.device.os_version, "10.0.22631.2506");
    assert_string_equal(s.device.trust_type, "AzureAd");
    assert_string_equal(s.device.owner_upn, "ada@contoso.test");
    assert_string_equal(s.device.owner_id, b->user_id);
    assert_true(s.device.enabled);
    assert_true(td_starts(td_str(s.device.alt_security_id), "X509:<SHA1-TP-PUBKEY>"));
    assert_ok(td_key_public_der(transport_key, &b->arena, &spki));
    assert_true(td_eq(s.device.transport_key, spki));
    assert_ok(s.way_rc);
    assert_string_equal(s.way.user_upn, "ada@contoso.test");
    assert_true(has_event(&s, "device.joined"));
}

static void takes_what_clients_send(void **state)
{
    struct service_box *b = *state;
    struct td_buf vector = fixture("vectors/drs-pkcs10.b64");
    struct td_slice n, e;
    assert_ok(td_key_rsa_numbers(transport_key, &b->arena, &n, &e));
    char *jwk =
        td_arena_printf(&b->arena, "{\"kty\":\"RSA\",\"alg\":\"RS256\",\"kid\":\"k\",\"e\":\"%s\",\"n\":\"%s\"}",
                        td_b64(&b->arena, e), td_b64(&b->arena, n));
    char *one_line = td_arena_text(&b->arena, td_buf_slice(&vector));
    size_t kept = 0;
    for (size_t i = 0; one_line[i] != '\0'; i++)
        if (one_line[i] > ' ')
            one_line[kept++] = one_line[i];
    one_line[kept] = '\0';
    const struct body rows[] = {
        {.csr = one_line},
        {.transport = td_b64(&b->arena, td_str(jwk))},
        {.transport = blob64(b, device_key)}, /* the same key in both roles */
        {.join_type = "4", .name = "REGISTERED"},
        {.join_type = "8", .name = "EIGHT"},
        {.name = ""},
        {.more = ",\"AikCertificate\":\"\",\"AttestationData\":\"\",\"Unknown\":[1,{}]"},
        {.ticket = "dGlja2V0IG9mIGFub3RoZXIgc2VydmljZQ=="},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++)
        if (join(b, ada(b), &rows[i]) != 200)
            fail_msg("row %zu: %.*s", i, TD_FMT(td_buf_slice(&b->reply.body)));
    const char *headers[] = {ada(b), NULL};
    static const char *const targets[] = {"/EnrollmentServer/device", "/enrollmentserver/DEVICE/?api-version=1.0",
                                          "/EnrollmentServer/device?api-version=2.0&x=y"};
    for (size_t i = 0; i < TD_COUNTOF(targets); i++)
        assert_int_equal(ask(b, "POST", targets[i], headers, body(b, &(struct body){0}), NULL), 200);
    td_buf_done(&vector);
}

static void registered_devices_get_no_administrators(void **state)
{
    struct service_box *b = *state;
    assert_int_equal(join(b, ada(b), &(struct body){.join_type = "4"}), 200);
    assert_int_equal(td_json_count(td_json_get(answer(b), "MembershipChanges")), 0);
    assert_string_equal(stored(b, b->tenant, id_of(b, joined(b))).device.trust_type, "Workplace");
}

static char *unsigned_token(struct service_box *b, const char *payload)
{
    return td_arena_printf(&b->arena, "Authorization: Bearer %s.%s.",
                           td_b64url(&b->arena, TD_S("{\"alg\":\"none\",\"typ\":\"JWT\"}")),
                           td_b64url(&b->arena, td_str(payload)));
}

static char *foreign_token(struct service_box *b, const char *payload)
{
    char *token = NULL;
    struct td_error err;
    const char *header =
        td_arena_printf(&b->arena, "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"%s\"}", b->svc.keyring->kid);
    assert_ok(td_jws_sign(device_key, TD_RS256, td_str(header), td_str(payload), &b->arena, &token, &err));
    return td_arena_printf(&b->arena, "Authorization: Bearer %s", token);
}

static void refuses_bad_tokens(void **state)
{
    struct service_box *b = *state;
    const char *good = claims(b, b->tenant, b->user_id, "ada@contoso.test", drs, BOX_NOW + TD_HOUR);
    const char *const rows[] = {
        "X-Nothing: here",
        "Authorization: Bearer",
        "Authorization: Bearer not.a.token",
        "Authorization: Basic YTpi",
        bearer(b,
               claims(b, b->tenant, b->user_id, "ada@contoso.test", "https://graph.microsoft.com", BOX_NOW + TD_HOUR)),
        bearer(b, claims(b, b->tenant, b->user_id, "ada@contoso.test", drs, BOX_NOW - TD_HOUR)),
        bearer(b, claims(b, b->tenant, b->stranger, "bob@fabrikam.test", drs, BOX_NOW + TD_HOUR)),
        unsigned_token(b, good),
        foreign_token(b, good),
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        (void)join(b, rows[i], &(struct body){0});
        if (b->reply.status != 401)
            fail_msg("row %zu: %d", i, b->reply.status);
        assert_refused(b, 401, "AuthenticationError");
    }
    /* an unproven caller learns nothing about the request */
    (void)join(b, rows[0], &(struct body){.csr = "junk"});
    assert_refused(b, 401, "AuthenticationError");
}

static char *spoiled_csr(struct service_box *b)
{
    struct td_slice der;
    struct td_error err;
    assert_ok(td_csr_make(device_key, "x", NULL, &b->arena, &der, &err));
    ((char *)(uintptr_t)der.p)[der.n - 1] ^= 1;
    return td_b64(&b->arena, der);
}

static void refuses_bad_requests(void **state)
{
    struct service_box *b = *state;
    TD_CLEANUP(td_key_cleanup) struct td_key *ec = NULL;
    struct td_error err;
    assert_ok(td_key_generate(TD_KEY_P256, &ec, &err));
    const struct {
        struct body body;
        const char *field;
    } rows[] = {
        {{.csr = ""}, "CertificateRequest.Data"},
        {{.csr = "***"}, "CertificateRequest.Data"},
        {{.csr = "AAAA"}, "CertificateRequest.Data"},
        {{.csr = spoiled_csr(b)}, "CertificateRequest.Data"},
        {{.csr = csr64(b, ec)}, "CertificateRequest.Data"},
        {{.transport = ""}, "TransportKey"},
        {{.transport = "UlNBMQ=="}, "TransportKey"},
        {{.transport = "e30="}, "TransportKey"},
        {{.join_type = "3"}, "JoinType"},
        {{.name = "a\\u0007b"}, "DeviceDisplayName"},
        {{.more = ",\"OSBuild\":1,\"OSBuild\":2"}, "body"},
    };
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        (void)join(b, ada(b), &rows[i].body);
        assert_refused(b, 400, "InvalidRequest");
        if (strstr(td_json_str(answer(b), "Message"), rows[i].field) == NULL)
            fail_msg("row %zu: %s", i, td_json_str(answer(b), "Message"));
    }
    const char *headers[] = {ada(b), NULL};
    static const char *const junk[] = {"", "[]", "{", "null", "{\"DeviceDisplayName\":\"x\"}"};
    for (size_t i = 0; i < TD_COUNTOF(junk); i++) {
        assert_int_equal(ask(b, "POST", "/EnrollmentServer/device/", headers, junk[i], NULL), 400);
        assert_refused(b, 400, "InvalidRequest");
    }
    assert_int_equal(
        ask(b, "POST", "/EnrollmentServer/device/?api-version=3.0", headers, body(b, &(struct body){0}), NULL), 400);
    (void)join(b, ada(b), &(struct body){.join_type = "6"}); /* goes by PUT */
    assert_refused(b, 400, "InvalidRequest");
}

static void answers_501_for_what_is_to_come(void **state)
{
    struct service_box *b = *state;
    const char *headers[] = {ada(b), NULL};
    static const struct {
        const char *method, *target;
    } rows[] = {{"POST", "/EnrollmentServer/key/?api-version=1.0"}, {"POST", "/EnrollmentServer/key"}};
    for (size_t i = 0; i < TD_COUNTOF(rows); i++) {
        (void)ask(b, rows[i].method, rows[i].target, headers, "{}", NULL);
        assert_refused(b, 501, "NotSupported");
    }
}

static void nobody_may_join(struct td_tx *tx, struct service_box *b)
{
    assert_ok(td_tenant_set(tx, b->tenant, "join-users", "none", "test", NULL));
}

static void one_device_each(struct td_tx *tx, struct service_box *b)
{
    assert_ok(td_tenant_set(tx, b->tenant, "join-device-limit", "1", "test", NULL));
}

static void keeps_the_tenants_rules(void **state)
{
    struct service_box *b = *state;
    box_in_write(b, one_device_each);
    assert_int_equal(join(b, ada(b), &(struct body){.name = "FIRST"}), 200);
    assert_int_equal(join(b, ada(b), &(struct body){.name = "FIRST"}), 200); /* the same device again */
    (void)join(b, ada(b), &(struct body){.name = "SECOND"});
    assert_refused(b, 403, "AuthorizationError");
    box_in_write(b, nobody_may_join);
    (void)join(b, ada(b), &(struct body){.name = "FIRST"});
    assert_refused(b, 403, "AuthorizationError");
}

static int leave(struct service_box *b, const char *id, struct td_slice cert)
{
    struct td_peer peer = box_peer(cert);
    const char *target = td_arena_printf(&b->arena, "/EnrollmentServer/device/%s?api-version=1.0", id);
    return ask(b, "DELETE", target, NULL, "", &peer);
}

static void joins_again_under_the_same_id(void **state)
{
    struct service_box *b = *state;
    assert_int_equal(join(b, ada(b), &(struct body){0}), 200);
    struct td_slice first = joined(b);
    assert_int_equal(join(b, ada(b), &(struct body){0}), 200);
    struct td_slice second = joined(b);
    assert_false(td_eq(first, second));
    assert_string_equal(id_of(b, first), id_of(b, second));
    assert_int_equal(leave(b, id_of(b, first), first), 401); /* the older certificate is revoked */
    assert_int_equal(leave(b, id_of(b, first), second), 200);
    assert_int_equal(join(b, ada(b), &(struct body){0}), 200);
    assert_string_not_equal(id_of(b, joined(b)), id_of(b, first)); /* a deleted id never comes back */
}

static void leaves_once_by_its_own_certificate(void **state)
{
    struct service_box *b = *state;
    assert_int_equal(join(b, ada(b), &(struct body){.name = "ONE"}), 200);
    struct td_slice one = joined(b);
    assert_int_equal(join(b, ada(b), &(struct body){.name = "TWO"}), 200);
    struct td_slice two = joined(b);
    const char *id = id_of(b, one);
    assert_string_not_equal(id, id_of(b, two));
    const char *way_id = stored(b, b->tenant, id).way.id;
    assert_int_equal(ask(b, "DELETE", td_arena_printf(&b->arena, "/EnrollmentServer/device/%s", id), NULL, "", NULL),
                     401);
    assert_refused(b, 401, "AuthenticationError");
    const char *headers[] = {ada(b), NULL};
    assert_int_equal(ask(b, "DELETE", td_arena_printf(&b->arena, "/EnrollmentServer/device/%s", id), headers, "", NULL),
                     401);
    assert_int_equal(leave(b, id, two), 403);
    assert_int_equal(leave(b, "44444444-0000-4000-8000-000000000001", one), 403);
    assert_int_equal(leave(b, "not-a-guid", one), 400);
    assert_ok(stored(b, b->tenant, id).rc);
    char *upper = td_arena_strdup(&b->arena, id);
    for (char *c = upper; *c != '\0'; c++)
        if (*c >= 'a' && *c <= 'f')
            *c = (char)(*c - 32);
    assert_int_equal(leave(b, upper, one), 200);
    assert_int_equal(b->reply.body.n, 0);
    assert_int_equal(stored(b, b->tenant, id).rc, TD_ENOTFOUND);
    assert_int_equal(leave(b, id, one), 401);
    assert_refused(b, 401, "AuthenticationError");
    assert_int_equal(leave(b, id_of(b, two), two), 200); /* the other one was not touched */
    struct stored s = stored(b, b->tenant, id);
    bool told = false;
    for (size_t i = 0; i < s.event_count; i++)
        told = told || (strcmp(s.events[i].type, "device.unjoined") == 0 && strcmp(s.events[i].subject, way_id) == 0);
    assert_ok(s.way_rc);
    assert_true(told);
}

/* Registered devices */

static const char *registration_id;

static void register_device(struct td_tx *tx, struct service_box *b)
{
    const struct td_registration_new what = {.serial = "SN-0001",
                                             .manufacturer = "Contoso",
                                             .model = "Book 1",
                                             .sku = "",
                                             .family = "",
                                             .product_key = "",
                                             .group_tag = "KIOSK",
                                             .purchase_order = "",
                                             .assigned_user = "",
                                             .warning = "",
                                             .hash = TD_S("hash")};
    struct td_import_verdict verdict = {0};
    assert_ok(td_registration_add(tx, b->tenant, &what, "test", &b->arena, &verdict, NULL));
    assert_int_equal(verdict.code, TD_ZTD_OK);
    registration_id = verdict.registration_id;
}

static char *ticket(struct service_box *b, const char *kind, const char *tenant, int64_t life)
{
    char *out = NULL;
    struct td_error err;
    const char *payload =
        td_arena_printf(&b->arena, "{\"tenant\":\"%s\",\"registration\":\"%s\"}", tenant, registration_id);
    assert_ok(td_ticket_make(&b->svc, kind, payload, life, &b->arena, &out, &err));
    return out;
}

static struct td_device_row registered;
static const char *registered_way;

static void look_up_registered(struct td_tx *tx, struct service_box *b)
{
    assert_ok(td_device_find_registration(tx, b->tenant, registration_id, &b->arena, &registered, NULL));
}

static void takes_over_the_registered_object(void **state)
{
    struct service_box *b = *state;
    box_in_write(b, register_device);
    box_in_write(b, look_up_registered);
    const char *waiting = registered.id;
    char *bare = ticket(b, "device", b->tenant, TD_DAY);
    const char *proof = td_b64(&b->arena, td_str(bare)); /* as the document has it */
    assert_int_equal(join(b, ada(b), &(struct body){.ticket = proof}), 200);
    struct td_slice cert = joined(b);
    assert_string_equal(id_of(b, cert), waiting);
    struct stored s = stored(b, b->tenant, waiting);
    assert_string_equal(s.device.registration_id, registration_id);
    assert_true(strstr(s.device.physical_ids, registration_id) != NULL);
    assert_true(strstr(s.device.physical_ids, "[OrderId]:KIOSK") != NULL);
    assert_true(strstr(s.device.physical_ids, "[HWID]:h:") != NULL);
    assert_string_equal(s.way.registration_id, registration_id);
    assert_true(has_event(&s, "device.joined"));
    /* un-joined and joined once more: the registration has a new object */
    assert_int_equal(leave(b, waiting, cert), 200);
    box_in_write(b, look_up_registered);
    assert_string_not_equal(registered.id, waiting);
    assert_int_equal(join(b, ada(b), &(struct body){.ticket = bare}), 200);
    assert_string_equal(id_of(b, joined(b)), registered.id);
    s = stored(b, b->tenant, registered.id);
    assert_string_equal(s.way.registration_id, registration_id);
    assert_true(has_event(&s, "device.unjoined"));
}

static void becomes_ready(struct td_tx *tx, struct service_box *b)
{
    assert_ok(td_way_happened(tx, b->tenant, registered_way, TD_EV_SIGNED_IN, "ada@contoso.test", "{}", NULL));
    assert_ok(td_way_happened(tx, b->tenant, registered_way, TD_EV_JOINED, "ada@contoso.test", "{}", NULL));
    deployed_ready(tx, b, "SN-0001", false);
}

/* Nobody asked for a wipe: the machine was installed anew by hand (autopilot.md 3.8). The object is taken over as ever.
 */
static void notices_a_machine_installed_anew(void **state)
{
    struct service_box *b = *state;
    box_in_write(b, register_device);
    box_in_write(b, look_up_registered);
    char *proof = ticket(b, "device", b->tenant, TD_DAY);
    assert_int_equal(join(b, ada(b), &(struct body){.ticket = proof}), 200);
    assert_int_equal(join(b, ada(b), &(struct body){.ticket = proof}), 200); /* the answer was lost: nothing else */
    struct stored s = stored(b, b->tenant, registered.id);
    registered_way = s.way.id;
    assert_false(has_event(&s, "device.wiped"));
    box_in_write(b, becomes_ready);
    assert_int_equal(join(b, ada(b), &(struct body){.ticket = proof}), 200);
    assert_string_equal(id_of(b, joined(b)), registered.id);
    box_in_write(b, deployed_unmanaged);
    s = stored(b, b->tenant, registered.id);
    assert_true(has_event(&s, "device.wiped"));
    assert_string_equal(td_way_word(&s.way.way), "joined");
    assert_int_equal(s.way.way.state[TD_M_ENROLMENT], TD_E_NONE);
}

/* It never looked its profile up: the join is what shows that the wipe is done. */
static void ends_a_wipe(void **state)
{
    struct service_box *b = *state;
    box_in_write(b, register_device);
    box_in_write(b, look_up_registered);
    const char *before = registered.id;
    char *proof = ticket(b, "device", b->tenant, TD_DAY);
    assert_int_equal(join(b, ada(b), &(struct body){.ticket = proof}), 200);
    struct stored s = stored(b, b->tenant, before);
    registered_way = s.way.id;
    box_in_write(b, becomes_ready);
    box_in_write(b, deployed_wipe_accepted);
    b->world.now += TD_SECOND;
    assert_int_equal(join(b, ada(b), &(struct body){.ticket = proof}), 200);
    box_in_write(b, look_up_registered);
    assert_string_not_equal(registered.id, before);
    assert_string_equal(id_of(b, joined(b)), registered.id);
    assert_int_equal(stored(b, b->tenant, before).rc, TD_ENOTFOUND);
    box_in_write(b, deployed_unmanaged);
}

static void refuses_another_organizations_device(void **state)
{
    struct service_box *b = *state;
    box_in_write(b, register_device);
    box_in_write(b, look_up_registered);
    const char *bob = bearer(b, claims(b, b->other, b->stranger, "bob@fabrikam.test", drs, BOX_NOW + TD_HOUR));
    (void)join(b, bob, &(struct body){.ticket = ticket(b, "device", b->tenant, TD_DAY)});
    assert_refused(b, 403, "AuthorizationError");
    assert_null(strstr(td_json_str(answer(b), "Message"), "contoso"));
    struct stored s = stored(b, b->tenant, registered.id);
    assert_int_equal(s.device.joined_at, 0);
    assert_true(has_event(&s, "deployment.failed") || has_event(&s, "device.failed"));
}

static void deploy_it_alone(struct td_tx *tx, struct service_box *b)
{
    struct td_profile settings;
    struct td_profile_row p;
    const char *after = "";
    assert_ok(td_profile_parse(TD_S("{\"deviceUsageType\":\"shared\"}"), &b->arena, &settings, NULL));
    assert_ok(td_profile_add(tx, b->tenant, "Kiosks", &settings, "test", &b->arena, &p, NULL));
    assert_ok(td_profile_assign(tx, b->tenant, p.id, "", "test", NULL));
    assert_ok(td_profile_spread(tx, b->tenant, after, 1000, "test", &b->arena, &after, NULL));
}

static void prove_its_tpm(struct td_tx *tx, struct service_box *b)
{
    const struct td_tpm_binding bound = {.registration_id = registration_id,
                                         .ek_sha256 = "ab",
                                         .manufacturer = "",
                                         .model = "",
                                         .version = "",
                                         .pcrs = "",
                                         .baseline = ""};
    assert_ok(td_tpm_bind(tx, b->tenant, &bound, NULL));
}

static void forget_its_tpm(struct td_tx *tx, struct service_box *b)
{
    assert_ok(td_tpm_unbind(tx, b->tenant, registration_id, NULL));
}

/* Whoever copied its hash has its ticket; the kiosk's join is not ended by it, whoever signs in. */
static void leaves_proven_machines_to_their_tpm(void **state)
{
    struct service_box *b = *state;
    box_in_write(b, register_device);
    box_in_write(b, look_up_registered);
    box_in_write(b, deploy_it_alone);
    char *proof = ticket(b, "device", b->tenant, TD_DAY);
    assert_int_equal(join(b, ada(b), &(struct body){.ticket = proof}), 200); /* none was proven yet */
    struct td_slice cert = joined(b);
    box_in_write(b, prove_its_tpm);
    (void)join(b, ada(b), &(struct body){.ticket = proof});
    assert_refused(b, 403, "AuthorizationError");
    assert_non_null(strstr(td_json_str(answer(b), "Message"), "TPM"));
    struct stored s = stored(b, b->tenant, registered.id);
    assert_true(has_event(&s, "device.failed"));
    assert_string_equal(td_way_word(&s.way.way), "joined"); /* told, and nothing spoilt */
    assert_int_equal(leave(b, registered.id, cert), 200);   /* its certificate serves on */
    box_in_write(b, forget_its_tpm);
    assert_int_equal(join(b, ada(b), &(struct body){.ticket = proof}), 200);
}

static void refuses_spent_tickets(void **state)
{
    struct service_box *b = *state;
    box_in_write(b, register_device);
    char *old = ticket(b, "device", b->tenant, TD_HOUR);
    b->world.now = BOX_NOW + TD_HOUR - TD_MINUTE;
    assert_int_equal(join(b, ada(b), &(struct body){.ticket = old}), 200);
    b->world.now = BOX_NOW + TD_HOUR + TD_MINUTE;
    const char *fresh = bearer(b, claims(b, b->tenant, b->user_id, "ada@contoso.test", drs, BOX_NOW + 2 * TD_HOUR));
    assert_int_equal(join(b, fresh, &(struct body){.ticket = old}), 403);
    /* a ticket of another kind proves nothing: a fresh object, not the registered one */
    b->world.now = BOX_NOW;
    box_in_write(b, look_up_registered);
    assert_int_equal(join(b, ada(b), &(struct body){.ticket = ticket(b, "enrol", b->tenant, TD_DAY), .name = "OTHER"}),
                     200);
    assert_string_not_equal(id_of(b, joined(b)), registered.id);
}

/* Discovery */

static void tells_where_the_services_are(void **state)
{
    struct service_box *b = *state;
    static const char *const json[] = {"Host: mdm.example.test:8443", "Accept: application/json, text/plain, */*",
                                       NULL};
    assert_int_equal(ask(b, "GET", "/Contoso.test/discover?api-version=1.9&managed=True", json, "", NULL), 200);
    const struct td_json *v = answer(b), *service = td_json_get(v, "DeviceJoinService");
    assert_string_equal(td_json_str(service, "JoinEndpoint"), "https://mdm.example.test:8443/EnrollmentServer/device/");
    assert_string_equal(td_json_str(service, "JoinResourceId"), drs);
    assert_string_equal(td_json_str(service, "ServiceVersion"), "2.0");
    assert_string_equal(td_json_str(td_json_get(v, "KeyProvisioningService"), "ServiceVersion"), "1.0");
    assert_string_equal(
        td_json_str(td_json_get(v, "NonceService"), "Endpoint"),
        td_arena_printf(&b->arena, "https://mdm.example.test:8443/EnrollmentServer/nonce/%s/", b->tenant));
    assert_string_equal(td_json_str(td_json_get(v, "TenantInfo"), "TenantId"), b->tenant);
    assert_string_equal(td_json_str(td_json_get(td_json_get(v, "AuthenticationService"), "OAuth2"), "TokenEndpoint"),
                        td_arena_printf(&b->arena, "https://mdm.example.test:8443/%s/oauth2/token", b->tenant));
    assert_null(td_json_get(v, "WebBrowserZones"));
    assert_true(td_search(td_buf_slice(&b->reply.body), TD_S("?")) == SIZE_MAX); /* no query in any endpoint */
    assert_int_equal(ask(b, "GET", "/nobody.test/Discover", json, "", NULL), 404);
    assert_refused(b, 404, "NotFound");
}

static void tells_the_contract_in_both_forms(void **state)
{
    struct service_box *b = *state;
    static const char *const json[] = {"Accept: application/json", NULL},
                             *const xml[] = {"Accept: application/xml;q=0.9", NULL},
                             *const html[] = {"Accept: text/html", NULL};
    assert_int_equal(ask(b, "GET", "/enrollmentserver/contract?api-version=1.2", json, "", NULL), 200);
    const struct td_json *v = answer(b), *zones = td_json_get(v, "WebBrowserZones");
    assert_string_equal(td_json_get(td_json_get(zones, "Intranet"), "Endpoints")->child->str,
                        "https://localhost:8443/");
    assert_int_equal(td_json_get(zones, "Trusted")->type, TD_JSON_NULL);
    assert_null(td_json_get(v, "TenantInfo"));
    for (int i = 0; i < 2; i++) {
        struct td_xml *root = NULL;
        struct td_error err;
        assert_int_equal(ask(b, "GET", "/EnrollmentServer/contract", i == 0 ? NULL : xml, "", NULL), 200);
        assert_true(td_starts(td_str(b->reply.content_type), "application/xml"));
        assert_ok(td_xml_parse(td_buf_slice(&b->reply.body), 1 << 16, &b->arena, &root, &err));
        assert_true(td_xml_is(root, "http://schemas.datacontract.org/2004/07/Microsoft.DeviceRegistration.Entities",
                              "Discovery"));
        assert_slice(td_xml_text_at(root, "DeviceJoinService/JoinEndpoint"),
                     "https://localhost:8443/EnrollmentServer/device/");
        assert_slice(td_xml_text_at(root, "AuthenticationService/OAuth2/TokenEndpoint"),
                     "https://localhost:8443/common/oauth2/token");
        assert_slice(td_xml_text_at(root, "WebBrowserZones/Intranet/Endpoints/string"), "https://localhost:8443/");
    }
    assert_int_equal(ask(b, "GET", "/EnrollmentServer/contract?api-version=9.9", json, "", NULL), 400);
    assert_int_equal(ask(b, "GET", "/EnrollmentServer/contract", html, "", NULL), 400);
}

static void hands_out_nonces(void **state)
{
    struct service_box *b = *state;
    struct td_error err;
    static const char *const targets[] = {"/EnrollmentServer/nonce/contoso.test/?api-version=1.0",
                                          "/EnrollmentServer/nonce/nobody/"};
    for (size_t i = 0; i < TD_COUNTOF(targets); i++) {
        assert_int_equal(ask(b, "GET", targets[i], NULL, "", NULL), 200);
        const char *nonce = td_json_str(answer(b), "Value");
        assert_ok(td_nonce_use(&b->svc, td_str(nonce), &err));
        assert_int_equal(td_nonce_use(&b->svc, td_str(nonce), &err), TD_ESTATE);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, box_setup, box_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_as_the_document),
        TEST(certifies_field_by_field),
        TEST(openssl_reads_and_verifies_it),
        TEST(keeps_the_directory_object),
        TEST(takes_what_clients_send),
        TEST(registered_devices_get_no_administrators),
        TEST(refuses_bad_tokens),
        TEST(refuses_bad_requests),
        TEST(answers_501_for_what_is_to_come),
        TEST(keeps_the_tenants_rules),
        TEST(joins_again_under_the_same_id),
        TEST(leaves_once_by_its_own_certificate),
        TEST(takes_over_the_registered_object),
        TEST(notices_a_machine_installed_anew),
        TEST(ends_a_wipe),
        TEST(refuses_another_organizations_device),
        TEST(leaves_proven_machines_to_their_tpm),
        TEST(refuses_spent_tickets),
        TEST(tells_where_the_services_are),
        TEST(tells_the_contract_in_both_forms),
        TEST(hands_out_nonces),
    };
    struct td_error err;
    if (td_key_generate(TD_KEY_RSA, &device_key, &err) != TD_OK ||
        td_key_generate(TD_KEY_RSA, &transport_key, &err) != TD_OK)
        return 1;
    int failed = cmocka_run_group_tests_name("directory join", tests, NULL, NULL);
    td_key_free(device_key);
    td_key_free(transport_key);
    return failed;
}
