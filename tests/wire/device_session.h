/* A joined device at the identity door: its keys and certificate, requests signed by them and by its session key. Each
 * test program sets device_id and registration_id, then calls open_wire and join_device. */
#ifndef TD_TESTS_WIRE_DEVICE_SESSION_H
#define TD_TESTS_WIRE_DEVICE_SESSION_H

#include "api/identity.h"
#include "base/encode.h"
#include "crypto/digest.h"
#include "crypto/jose.h"
#include "store/certificate.h"
#include "store/device.h"
#include "store/way.h"
#include "wire/wire.h"

#define DEVICE "44444444-0000-4000-8000-000000000001"
#define WINDOWS "38aa3b87-a06d-4817-b275-7a316988d93b"
#define BROKER "29d9ed98-a469-4536-ade2-f981bc1d605e"
#define PORTAL "9ba1a5c7-f17a-4de9-a1f1-6178c8d51223"
#define JWT_BEARER "grant_type=urn%%3aietf%%3aparams%%3aoauth%%3agrant-type%%3ajwt-bearer"

static struct wire w;
static struct td_door door;
static struct td_key *device_key, *transport_key;
static struct td_slice device_cert;
static const char *device_id, *registration_id; /* the latter "" unless the device is registered */

static inline enum td_code join_way(struct td_tx *tx, struct td_error *err)
{
    struct td_way_row way;
    td_try(td_way_find(tx, w.tenant.id, TD_WAY_REGISTRATION, registration_id, &w.arena, &way, err));
    td_try(td_way_link(tx, w.tenant.id, way.id, TD_WAY_DEVICE, device_id, err));
    return td_way_happened(tx, w.tenant.id, way.id, TD_EV_JOINED, w.ada.upn, "{}", err);
}

static inline enum td_code join(struct td_tx *tx, void *ctx TD_UNUSED, struct td_error *err)
{
    struct td_cert cert = {0};
    struct td_device_joining j = {.id = device_id,
                                  .registration_id = registration_id,
                                  .display_name = "DESKTOP-EX0001",
                                  .os = "Windows",
                                  .os_version = "10.0.22631.2506",
                                  .trust_type = "AzureAd",
                                  .owner_id = w.ada.id,
                                  .owner_upn = w.ada.upn,
                                  .hardware_id = "",
                                  .alt_security_id = ""};
    td_try(td_key_public_der(transport_key, &w.arena, &j.transport_key));
    td_try(td_device_join(tx, w.tenant.id, &j, err));
    td_try(td_cert_parse(device_cert, &w.arena, &cert, err));
    struct td_cert_row row = {.tenant = w.tenant.id,
                              .purpose = "device",
                              .subject = device_id,
                              .serial = cert.serial,
                              .not_after = cert.not_after};
    memcpy(row.sha256, cert.sha256, sizeof(row.sha256));
    td_try(td_cert_record(tx, &row, err));
    return registration_id[0] != '\0' ? join_way(tx, err) : TD_OK;
}

static void free_keys(void)
{
    td_key_free(TD_TAKE(device_key));
    td_key_free(TD_TAKE(transport_key));
}

/* Once for the program: they take longer than a test. */
static inline void make_keys(void)
{
    if (device_key != NULL)
        return;
    assert_ok(td_key_generate(TD_KEY_RSA, &device_key, NULL));
    assert_ok(td_key_generate(TD_KEY_RSA, &transport_key, NULL));
    (void)atexit(free_keys);
}

static inline void certify(void)
{
    const struct td_rdn subject[] = {{"CN", device_id}};
    struct td_error err = {0};
    struct td_cert_template t = {
        .subject = subject, .subject_count = 1, .not_before = WIRE_NOW - TD_DAY, .not_after = WIRE_NOW + 3650 * TD_DAY};
    make_keys();
    assert_ok(td_key_public_der(device_key, &w.arena, &t.spki));
    wire_ok(td_authority_issue(&w.svc, TD_PURPOSE_DEVICE, &t, &w.arena, &device_cert, &err), &err, "certificate");
}

static inline void open_wire(void)
{
    door = (struct td_door){td_identity_routes, td_identity_route_count, &w.svc};
    wire_open(&w, &door, 1);
}

static inline void join_device(void)
{
    struct td_error err = {0};
    certify();
    wire_ok(td_store_write(w.svc.store, join, NULL, &err), &err, "join");
}

static inline int teardown(void **state TD_UNUSED)
{
    wire_close(&w);
    return 0;
}

static inline const char *nonce(void)
{
    struct wire_reply r = wire_do(&w, "POST", "/unknown.test/oauth2/token", NULL, "grant_type=srv_challenge", NULL);
    assert_int_equal(r.status, 200);
    return td_json_str(wire_json(&w, r.body), "Nonce");
}

/* A request signed by the device's key; x5c as array or as bare string. */
static inline const char *signed_by(const struct td_key *key, const char *alg, bool array, const char *payload)
{
    char *jws = NULL;
    struct td_error err = {0};
    const char *cert = td_b64(&w.arena, device_cert);
    const char *header = td_arena_printf(&w.arena,
                                         array ? "{\"typ\":\"JWT\",\"alg\":\"%s\",\"x5c\":[\"%s\"],\"kdf_ver\":2}"
                                               : "{\"x5c\":\"%2$s\",\"alg\":\"%1$s\",\"typ\":\"JWT\"}",
                                         alg, cert);
    wire_ok(td_jws_sign(key, TD_RS256, td_str(header), td_str(payload), &w.arena, &jws, &err), &err, "jws");
    return jws;
}

static inline struct wire_reply ask(const char *request)
{
    return wire_do(
        &w, "POST", "/common/oauth2/token", NULL,
        td_arena_printf(&w.arena, JWT_BEARER "&windows_api_version=2.2&client_info=1&tgt=True&request=%s", request),
        NULL);
}

static inline const char *prt_payload(const char *n, const char *password)
{
    return td_arena_printf(&w.arena,
                           "{\"client_id\":\"" WINDOWS "\",\"request_nonce\":\"%s\",\"scope\":\"openid aza ugs\","
                           "\"group_sids\":[],\"win_ver\":\"10.0.22631.2506\",\"grant_type\":\"password\","
                           "\"username\":\"ada@contoso.test\",\"password\":\"%s\"}",
                           n, password);
}

static inline void assert_refused(const struct wire_reply *r, int number)
{
    const struct td_json *v = wire_json(&w, r->body);
    if (r->status != 400 || strcmp(td_json_str(v, "error"), "invalid_grant") != 0 ||
        td_json_get(v, "error_codes")->child->num != number)
        fail_msg("want %d, got %d %s", number, r->status, r->body);
}

struct session {
    const char *prt;
    unsigned char key[32];
};

static inline struct session get_prt(void)
{
    struct session s = {0};
    struct wire_reply r = ask(signed_by(device_key, "RS256", true, prt_payload(nonce(), "correct horse")));
    if (r.status != 200)
        fail_msg("%d %s", r.status, r.body);
    const struct td_json *v = wire_json(&w, r.body);
    s.prt = td_json_str(v, "refresh_token");
    struct td_error err = {0};
    wire_ok(td_jwe_open_session_key(transport_key, td_str(td_json_str(v, "session_key_jwe")), &w.arena, s.key, &err),
            &err, "session key");
    return s;
}

/* Signed by a key derived from the session key, version 2 mixing in the payload. */
static inline const char *signed_by_session(const struct session *s, int version, const char *payload)
{
    unsigned char ctx[24], mixed[32], key[32];
    struct td_buf b;
    memset(ctx, 0x40, sizeof(ctx));
    struct td_slice context = td_bytes(ctx, sizeof(ctx));
    td_buf_init(&b, 65536);
    td_buf_add(&b, context);
    td_buf_adds(&b, payload);
    td_sha256(td_buf_slice(&b), mixed);
    td_buf_done(&b);
    td_kdf_sp800_108(td_bytes(s->key, 32), TD_S("AzureAD-SecureConversation"),
                     version == 2 ? td_bytes(mixed, sizeof(mixed)) : context, key);
    const char *header = td_arena_printf(&w.arena, "{\"alg\":\"HS256\",\"ctx\":\"%s\"%s}", td_b64(&w.arena, context),
                                         version == 2 ? ",\"kdf_ver\":2" : "");
    return td_jws_sign_hs256(td_bytes(key, sizeof(key)), td_str(header), td_str(payload), &w.arena);
}

static inline const char *broker_payload(const struct session *s, const char *n, const char *scope, const char *more)
{
    return td_arena_printf(&w.arena,
                           "{\"client_id\":\"" PORTAL "\",\"scope\":\"%s\",\"iat\":\"1893553445\",\"exp\":1893557345,"
                           "\"grant_type\":\"refresh_token\",\"refresh_token\":\"%s\",\"request_nonce\":\"%s\","
                           "\"iss\":\"aad:brokerplugin\",\"win_ver\":\"10.0.22631.2506\","
                           "\"redirect_uri\":\"https://login.microsoftonline.com/common/oauth2/nativeclient\"%s}",
                           scope, s->prt, n, more);
}

static inline const struct td_json *open_answer(const struct session *s, const struct wire_reply *r)
{
    struct td_slice plain;
    struct td_error err = {0};
    if (r->status != 200)
        fail_msg("%d %s", r->status, r->body);
    wire_ok(td_jwe_open_dir(s->key, td_str(r->body), &w.arena, &plain, &err), &err, "answer");
    return wire_json(&w, td_arena_text(&w.arena, plain));
}

static inline const struct td_json *claims_of(const char *jwt)
{
    struct td_jws jws = {0};
    assert_ok(td_jws_decode(td_str(jwt), &w.arena, &jws, NULL));
    return jws.claims;
}

static inline int dots(const char *s)
{
    int n = 0;
    for (; *s != '\0'; s++)
        n += *s == '.';
    return n;
}

#endif
