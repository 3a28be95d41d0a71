#include "wire/enrolment_world.h"

#include "api/keyring.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "graph/graph.h"
#include "store/certificate.h"
#include "store/device.h"

#include <string.h>

/* Making an RSA key takes longer than any test: one serves the whole program. */
static struct td_key *device_key;

int world_open(void **state)
{
    *state = NULL;
    return td_key_generate(TD_KEY_RSA, &device_key, NULL);
}

int world_close(void **state TD_UNUSED)
{
    td_key_free(device_key);
    return 0;
}

int world_setup(void **state)
{
    struct world *w = td_new(struct world);
    td_log_init(STDERR_FILENO, TD_ERROR); /* refusals are what is tested here */
    wire_open(&w->wire, w->doors, TD_COUNTOF(w->doors));
    w->doors[0] = (struct td_door){td_enrolment_routes, td_enrolment_route_count, &w->wire.svc};
    w->doors[1] = (struct td_door){td_graph_routes, td_graph_route_count, &w->wire.svc};
    w->tenant = w->wire.tenant.id;
    w->user = w->wire.ada.id;
    w->upn = w->wire.ada.upn;
    w->key = device_key;
    assert_ok(td_csr_make(w->key, "0F3B8E6C-A271!00112233445566778899AABBCCDDEEFF", "00112233445566778899AABBCCDDEEFF",
                          &w->wire.arena, &w->csr, NULL));
    *state = w;
    return 0;
}

int world_teardown(void **state)
{
    struct world *w = *state;
    wire_close(&w->wire);
    td_free(w);
    return 0;
}

struct joining {
    struct world *w;
    const char *registration, *id;
};

static enum td_code join(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct joining *j = ctx;
    struct world *w = j->w;
    struct td_way_row way;
    struct td_device_joining what = {.registration_id = j->registration != NULL ? j->registration : "",
                                     .display_name = "DESKTOP-EX0001",
                                     .os = "Windows",
                                     .os_version = "10.0.22631.2506",
                                     .trust_type = "AzureAd",
                                     .owner_id = w->user,
                                     .owner_upn = w->upn,
                                     .hardware_id = "",
                                     .alt_security_id = "X509:test"};
    td_random_fill(&w->wire.env.env, what.key_sha256, sizeof(what.key_sha256));
    if (j->registration != NULL) {
        const struct td_device_precreated pre = {j->registration, "SER1", "", ""};
        td_try(td_device_precreate(tx, w->tenant, &pre, &w->wire.arena, &what.id, err));
        td_try(td_way_add(tx, w->tenant, TD_WAY_REGISTRATION, j->registration, &w->wire.arena, &way, err));
        td_try(td_way_happened(tx, w->tenant, way.id, TD_EV_REGISTERED, "test", "{}", err));
        td_try(td_way_link(tx, w->tenant, way.id, TD_WAY_DEVICE, what.id, err));
    } else {
        what.id = td_uuid_arena(&w->wire.env.env, &w->wire.arena);
        td_try(td_way_add(tx, w->tenant, TD_WAY_DEVICE, what.id, &w->wire.arena, &way, err));
    }
    td_try(td_device_join(tx, w->tenant, &what, err));
    j->id = what.id;
    return td_way_happened(tx, w->tenant, way.id, TD_EV_JOINED, "device", "{}", err);
}

const char *world_join(struct world *w, const char *registration)
{
    struct joining j = {.w = w, .registration = registration};
    struct td_error err;
    if (td_store_write(w->wire.svc.store, join, &j, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
    return j.id;
}

struct setting {
    struct world *w;
    const char *key, *value;
};

static enum td_code set(struct td_tx *tx, void *ctx, struct td_error *err)
{
    const struct setting *s = ctx;
    return td_tenant_set(tx, s->w->tenant, s->key, s->value, "test", err);
}

void world_set(struct world *w, const char *setting, const char *value)
{
    struct setting s = {w, setting, value};
    assert_ok(td_store_write(w->wire.svc.store, set, &s, NULL));
}

static void claim(struct td_jsonw *w, const char *name, const char *value)
{
    if (value != NULL)
        td_jsonw_kstr(w, name, value);
}

const char *world_token(struct world *w, const struct token *t)
{
    struct td_buf b;
    struct td_jsonw j;
    char *token = NULL;
    int64_t made = w->wire.env.now / TD_SECOND - t->age;
    td_buf_init(&b, 8192);
    td_jsonw_init(&j, &b);
    td_jsonw_obj(&j);
    claim(&j, "iss", td_arena_printf(&w->wire.arena, "https://localhost:8443/%s/", w->tenant));
    claim(&j, "aud", t->aud != NULL ? t->aud : WORLD_AUDIENCE);
    claim(&j, "tid", w->tenant);
    claim(&j, "oid", t->no_user ? NULL : w->user);
    claim(&j, "upn", t->no_user ? NULL : w->upn);
    claim(&j, "scp", t->scp != NULL ? t->scp : t->no_user ? NULL : "user_impersonation mdm_delegation");
    claim(&j, "deviceid", t->deviceid);
    claim(&j, "idtyp", t->idtyp);
    td_jsonw_kint(&j, "iat", made);
    td_jsonw_kint(&j, "nbf", made);
    td_jsonw_kint(&j, "exp", made + 3600);
    td_jsonw_end(&j);
    assert_ok(td_token_sign(&w->wire.svc, td_buf_slice(&b), &w->wire.arena, &token, NULL));
    td_buf_done(&b);
    return token;
}

struct td_http_reply world_call(struct world *w, const char *method, const char *target, const char *header,
                                struct td_slice body, const struct td_peer *peer)
{
    const char *const headers[] = {header, NULL};
    struct td_http_reply reply, out;
    td_loopback(&w->wire.router, method, target, headers, body, peer, &w->wire.arena, &reply);
    struct td_slice text = td_arena_copy(&w->wire.arena, td_buf_slice(&reply.body));
    out = reply;
    out.content_type = reply.content_type != NULL ? td_arena_strdup(&w->wire.arena, reply.content_type) : NULL;
    td_reply_done(&reply);
    out.body = (struct td_buf){.p = (char *)(uintptr_t)text.p, .n = text.n}; /* in the arena: never freed */
    return out;
}

struct td_soap world_head(struct world *w, const char *action)
{
    return (struct td_soap){
        .action = action,
        .message_id = td_arena_printf(&w->wire.arena, "urn:uuid:%s", td_uuid_arena(&w->wire.env.env, &w->wire.arena)),
        .to = "https://an.alias.test/whatever"};
}

struct td_soap world_jwt(struct world *w, const struct token *t)
{
    struct td_soap head = world_head(w, TD_ACTION_RST);
    head.security.has_token = true;
    head.security.token_type = TD_TOKEN_JWT;
    head.security.token = td_str(world_token(w, t));
    return head;
}

struct td_soap world_post(struct world *w, const char *service, struct td_slice body, const struct td_peer *peer)
{
    struct td_soap soap;
    const char *target = td_arena_printf(&w->wire.arena, "/EnrollmentServer/%s.svc", service);
    struct td_http_reply r = world_call(w, "POST", target, "Content-Type: application/soap+xml", body, peer);
    assert_int_equal(r.status, 200);
    assert_string_equal(r.content_type, "application/soap+xml; charset=utf-8");
    assert_ok(td_soap_parse(td_buf_slice(&r.body), &w->wire.arena, &soap, NULL));
    return soap;
}

struct td_soap world_rst(struct world *w, const struct td_soap *head, const struct td_rst *rst,
                         const struct td_peer *peer)
{
    struct td_buf b;
    td_buf_init(&b, TD_SOAP_MAX);
    assert_ok(td_rst_write(head, rst, &b, NULL));
    struct td_soap soap = world_post(w, "Enrollment", td_buf_slice(&b), peer);
    assert_string_equal(soap.relates_to, head->message_id);
    assert_string_equal(soap.action, TD_ACTION_RSTRC);
    td_buf_done(&b);
    return soap;
}

void assert_fault_at(struct world *w, const struct td_soap *answer, enum td_fault want, const char *file, int line)
{
    enum td_fault got = TD_FAULT_COUNT;
    struct td_fault_text text;
    if (!td_soap_is_fault(answer, &w->wire.arena, &got, &text)) {
        print_error("no fault but %s\n", answer->body->name);
        _fail(file, line);
    }
    if (got != want) {
        print_error("fault %s/%s: %s\n", td_fault_table[got].subcode, td_fault_table[got].error_type, text.message);
        _fail(file, line);
    }
}

struct installed world_install(struct world *w, const struct td_soap *answer)
{
    struct installed i;
    struct td_rstrc r;
    struct td_fault_text text;
    enum td_fault fault;
    if (td_soap_is_fault(answer, &w->wire.arena, &fault, &text))
        fail_msg("fault %s: %s", td_fault_table[fault].subcode, text.message);
    assert_ok(td_rstrc_read(answer, &w->wire.arena, &r, NULL));
    i.document = r.document;
    assert_ok(td_wap_read(r.document, &w->wire.arena, &i.wap, NULL, NULL));
    assert_ok(td_cert_parse(i.wap.certificate.der, &w->wire.arena, &i.cert, NULL));
    assert_string_equal(i.cert.sha1, i.wap.certificate.hash);
    return i;
}

struct installed world_enrol(struct world *w, const char *device)
{
    struct td_soap head = world_jwt(w, &(struct token){.deviceid = device[0] != '\0' ? device : NULL});
    struct td_rst rst = {.csr = w->csr, .context = {.enrollment_type = "Device", .device_name = "DESKTOP-EX0001"}};
    struct td_soap answer = world_rst(w, &head, &rst, NULL);
    return world_install(w, &answer);
}

struct td_peer world_peer(const struct installed *i)
{
    struct td_peer peer = {.address = "127.0.0.1", .tls = true, .cert = i->wap.certificate.der};
    td_sha256(peer.cert, peer.cert_sha256);
    return peer;
}

struct reading {
    struct world *w;
    const char *id;
    const unsigned char *sha256;
    enum td_way_key key;
    struct td_enrolment e;
    struct td_cert_row cert;
    struct td_way_row way;
    struct td_event *events;
    size_t count;
};

static enum td_code read_enrolment(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct reading *r = ctx;
    return td_enrolment_find(tx, r->w->tenant, r->id, &r->w->wire.arena, &r->e, err);
}

static enum td_code read_cert(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct reading *r = ctx;
    return td_cert_find(tx, r->sha256, &r->w->wire.arena, &r->cert, err);
}

static enum td_code read_way(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct reading *r = ctx;
    return td_way_find(tx, r->w->tenant, r->key, r->id, &r->w->wire.arena, &r->way, err);
}

static enum td_code read_events(struct td_tx *tx, void *ctx, struct td_error *err)
{
    struct reading *r = ctx;
    return td_event_list(tx, r->w->tenant, r->id, 0, 100, &r->w->wire.arena, &r->events, &r->count, err);
}

static struct reading ask(struct world *w, td_tx_fn *fn, struct reading r)
{
    struct td_error err;
    r.w = w;
    if (td_store_read(w->wire.svc.store, fn, &r, &err) != TD_OK)
        fail_msg("%s: %s", err.where, err.text);
    return r;
}

struct td_enrolment world_enrolment(struct world *w, const char *id)
{
    return ask(w, read_enrolment, (struct reading){.id = id}).e;
}

bool world_revoked(struct world *w, const struct installed *i)
{
    return ask(w, read_cert, (struct reading){.sha256 = i->cert.sha256}).cert.revoked_at != 0;
}

const char *world_serial(struct world *w, const struct installed *i)
{
    return ask(w, read_cert, (struct reading){.sha256 = i->cert.sha256}).cert.serial;
}

struct td_way_row world_way(struct world *w, enum td_way_key key, const char *value)
{
    return ask(w, read_way, (struct reading){.key = key, .id = value}).way;
}

size_t world_events(struct world *w, const char *way, const char *type, const char **ret_detail)
{
    struct reading r = ask(w, read_events, (struct reading){.id = way});
    size_t n = 0;
    for (size_t i = 0; i < r.count; i++) {
        if (strcmp(r.events[i].type, type) != 0)
            continue;
        n++;
        if (ret_detail != NULL)
            *ret_detail = r.events[i].detail;
    }
    return n;
}
