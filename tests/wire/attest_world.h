/* Devices with software TPMs against the doors of attestation, join, identity and enrolment: the client is written from
 * the documents (attestation.md 3, 4; docs/protocol/attestation.md), with a hook for every lie. */
#ifndef TD_TESTS_WIRE_ATTEST_WORLD_H
#define TD_TESTS_WIRE_ATTEST_WORLD_H

#include "api/attestation.h"
#include "api/enrolment.h"
#include "api/identity.h"
#include "api/join.h"
#include "base/encode.h"
#include "fleet.h"
#include "soft_tpm.h"
#include "store/device.h"
#include "store/event.h"
#include "store/profile.h"

enum { GOOD_MAKER = 9, FOREIGN_MAKER = 10 };
static const struct soft_maker good_maker = {GOOD_MAKER, "Good Silicon Root"},
                               foreign_maker = {FOREIGN_MAKER, "Foreign Silicon Root"};

struct pc { /* a machine with its TPM and the keys it wants certified */
    struct soft_key ek, ak, device, management;
    struct td_slice cert;
    struct soft_boot boot;
    const char *registration;
};

static struct service_box *box;
static struct td_door attest_doors[4];
static struct td_router attest_router;

static inline void use_box(void **state)
{
    box = *state;
    attest_doors[0] = (struct td_door){td_attestation_routes, td_attestation_route_count, &box->svc};
    attest_doors[1] = (struct td_door){td_join_routes, td_join_route_count, &box->svc};
    attest_doors[2] = (struct td_door){td_identity_routes, td_identity_route_count, &box->svc};
    attest_doors[3] = (struct td_door){td_enrolment_routes, td_enrolment_route_count, &box->svc};
    attest_router = (struct td_router){attest_doors, TD_COUNTOF(attest_doors)};
}

static inline int post(const char *target, const char *const *headers, const char *body)
{
    td_reply_done(&box->reply);
    td_loopback(&attest_router, "POST", target, headers, td_str(body), NULL, &box->arena, &box->reply);
    return box->reply.status;
}

static inline const struct td_json *answer(void)
{
    struct td_json *v = NULL;
    if (td_json_parse(td_buf_slice(&box->reply.body), 1 << 20, &box->arena, &v, NULL) != TD_OK)
        fail_msg("no JSON: %d %.*s", box->reply.status, TD_FMT(td_buf_slice(&box->reply.body)));
    return v;
}

static inline const char *b64(struct td_slice s)
{
    return td_b64(&box->arena, s);
}

/* --- the tenant's side --- */

static const char *world_profile = "{\"deviceUsageType\":\"shared\"}", *world_tenant;

static inline void fill_world(struct td_tx *tx, struct service_box *b)
{
    struct td_profile settings;
    struct td_profile_row p;
    const char *after = "";
    unsigned char digest[32];
    struct td_error err = {0};
    struct td_ek_root root = {.subject = "CN=Good Silicon Root", .label = "", .der = soft_root(good_maker, &b->arena)};
    td_sha256(root.der, digest);
    root.sha256 = td_hex(&b->arena, td_bytes(digest, sizeof(digest)));
    root.not_after = INT64_MAX;
    if (td_profile_parse(td_str(world_profile), &b->arena, &settings, &err) != TD_OK)
        fail_msg("%s %s", err.where, err.text);
    assert_ok(td_ek_root_add(tx, world_tenant, &root, "test", NULL));
    assert_ok(td_profile_add(tx, world_tenant, "Kiosks", &settings, "test", &b->arena, &p, NULL));
    assert_ok(td_profile_assign(tx, world_tenant, p.id, "", "test", NULL));
    assert_ok(td_profile_spread(tx, world_tenant, after, 1000, "test", &b->arena, &after, NULL));
}

static inline void tenant_with(const char *tenant, const char *profile)
{
    world_tenant = tenant;
    world_profile = profile != NULL ? profile : "{\"deviceUsageType\":\"shared\"}";
    box_in_write(box, fill_world);
}

struct world_setting {
    const char *key, *value;
};
static struct world_setting world_setting;

static inline void write_setting(struct td_tx *tx, struct service_box *b)
{
    assert_ok(td_tenant_set(tx, b->tenant, world_setting.key, world_setting.value, "test", NULL));
}

static inline void set(const char *key, const char *value)
{
    world_setting = (struct world_setting){key, value};
    box_in_write(box, write_setting);
}

/* --- machines --- */

static inline const char *ek_hash(const char *serial, unsigned number, struct td_slice ek)
{
    struct td_hw_facts f;
    TD_CLEANUP(td_buf_done) struct td_buf out;
    td_hw_facts_init(&f);
    f.manufacturer = "Contoso";
    f.model = "Book 1";
    f.serial = serial;
    f.os = (struct td_hw_version){10, 0, 22631, 2506};
    f.has_uuid = true;
    memcpy(f.uuid, "\x44\x33\x22\x11\x66\x55\x88\x77\x99\xAA\xBB\xCC", 12);
    f.uuid[15] = (unsigned char)number;
    f.tpm_ek = ek;
    td_buf_init(&out, TD_HW_MAX_OCTETS);
    assert_ok(td_hwhash_encode(&f, td_sha256, &out, NULL));
    return td_b64(&box->arena, td_buf_slice(&out));
}

struct world_found {
    const char *tenant, *serial;
    struct td_registration r;
    struct td_way_row way;
    struct td_device_row device;
    struct td_tpm_binding bound;
    enum td_code bound_rc;
    struct td_event *events;
    size_t event_count;
};
static struct world_found found;

static inline void find_it(struct td_tx *tx, struct service_box *b)
{
    struct td_arena *a = &b->arena;
    assert_ok(td_registration_find_any(tx, found.tenant, found.serial, a, &found.r, NULL));
    assert_ok(td_way_find(tx, found.tenant, TD_WAY_ID, found.r.way_id, a, &found.way, NULL));
    assert_ok(td_device_find_registration(tx, found.tenant, found.r.id, a, &found.device, NULL));
    found.bound_rc = td_tpm_binding_find(tx, found.tenant, found.r.id, a, &found.bound, NULL);
    assert_ok(td_event_list(tx, found.tenant, found.way.id, 0, 500, a, &found.events, &found.event_count, NULL));
}

static inline void look_at(const char *tenant, const char *serial)
{
    found = (struct world_found){.tenant = tenant, .serial = serial};
    box_in_write(box, find_it);
}

/* Events of this type whose detail holds the text. */
static inline size_t told(const char *type, const char *text)
{
    size_t n = 0;
    for (size_t i = 0; i < found.event_count; i++)
        n += strcmp(found.events[i].type, type) == 0 && strstr(found.events[i].detail, text) != NULL;
    return n;
}

/* Registered by its hash; ek empty: an older hash without the key. */
static inline const char *registered_with(const char *tenant, const char *serial, unsigned number, struct td_slice ek)
{
    const char *csv = td_arena_printf(&box->arena, "%s%s,,%s,\n", fleet_header, serial, ek_hash(serial, number, ek));
    assert_string_equal(fleet_take(box, tenant, csv), td_arena_printf(&box->arena, "1 %s 0 None\n", serial));
    look_at(tenant, serial);
    return found.r.id;
}

/* RSA EK with the good maker's certificate, P-256 AK, RSA device key, P-256 management key. */
static inline struct pc pc_of(int number)
{
    struct pc p = {.ek = soft_key(SOFT_RSA, SOFT_EK, number),
                   .ak = soft_key(SOFT_P256, SOFT_AK, number),
                   .device = soft_key(SOFT_RSA, SOFT_PLAIN, number),
                   .management = soft_key(SOFT_P256, SOFT_PLAIN, number)};
    p.cert = soft_certify(&(struct soft_cert){.maker = good_maker, .key = &p.ek}, &box->arena);
    soft_boot(&p.boot, true, "firmware 1.0");
    return p;
}

static inline struct pc registered_pc(int number, const char *serial)
{
    struct pc p = pc_of(number);
    p.registration = registered_with(box->tenant, serial, (unsigned)number + 1, TD_S(""));
    return p;
}

/* --- begin --- */

static inline const char *begin_body(const struct pc *p, const char *more)
{
    struct td_arena *a = &box->arena;
    const char *cert = p->cert.n != 0 ? td_arena_printf(a, ",\"ekCert\":\"%s\"", b64(p->cert)) : "";
    return td_arena_printf(a,
                           "{\"step\":\"attest-begin\",\"registrationId\":\"%s\",\"ekPub\":\"%s\"%s,\"akPub\":\"%s\""
                           "%s%s}",
                           p->registration, b64(soft_public(&p->ek, a)), cert, b64(soft_public(&p->ak, a)),
                           more[0] != '\0' ? "," : "", more);
}

static inline int begin_with(const struct pc *p, const char *more)
{
    return post("/ztd/v1/attest", NULL, begin_body(p, more));
}

struct session { /* a challenge as the device has it */
    const char *id;
    struct td_slice nonce, secret, id_object, enc_secret;
};

static inline struct td_slice member(const struct td_json *v, const char *name)
{
    struct td_slice out = TD_S("");
    assert_ok(td_b64_decode(&box->arena, td_str(td_json_str(v, name)), TD_B64_STD, &out));
    return out;
}

static inline struct session open_session_with(const struct pc *p, const char *more)
{
    struct session s = {.id = NULL};
    if (begin_with(p, more) != 200)
        fail_msg("%d %.*s", box->reply.status, TD_FMT(td_buf_slice(&box->reply.body)));
    const struct td_json *v = answer();
    assert_string_equal(td_json_str(v, "step"), "challenge");
    s.id = td_json_str(v, "sessionId");
    assert_ok(td_hex_decode(&box->arena, td_str(td_json_str(v, "nonce")), &s.nonce));
    assert_int_equal(s.nonce.n, 32);
    s.id_object = member(v, "idObject");
    s.enc_secret = member(v, "encSecret");
    s.secret = soft_activate(&p->ek, &p->ak, s.id_object, s.enc_secret, &box->arena);
    return s;
}

static inline struct session open_session(const struct pc *p)
{
    return open_session_with(p, "");
}

/* --- finish --- */

struct lies { /* NULL, 0 and empty: the truth */
    struct soft_word quote, certify;
    struct td_slice proof, other_name;
    const struct soft_key *quote_signer, *certify_signer, *certified, *key, *csr;
    bool no_log, no_values, no_management, no_csr, sized, no_quote;
    const struct soft_boot *log, *values;
    const char *registration, *more;
};

static inline struct td_slice or_slice(struct td_slice s, struct td_slice otherwise)
{
    return s.n != 0 ? s : otherwise;
}

static inline struct td_slice proof_of(const struct session *s, struct td_slice ak_name)
{
    struct td_buf b;
    unsigned char *mac = td_arena_alloc(&box->arena, 32);
    td_buf_init(&b, 256);
    td_buf_add(&b, s->nonce);
    td_buf_add(&b, ak_name);
    td_hmac_sha256(s->secret, td_buf_slice(&b), mac);
    td_buf_done(&b);
    return td_bytes(mac, 32);
}

static inline void add(struct td_buf *b, const char *name, struct td_slice value)
{
    td_buf_printf(b, ",\"%s\":\"%s\"", name, b64(value));
}

static inline void add_certified(struct td_buf *b, const struct pc *p, const struct session *s, const struct lies *l,
                                 const struct soft_key *key, const char *const names[3])
{
    struct td_arena *a = &box->arena;
    struct soft_word w = l->certify;
    const struct soft_key *shown = l->key != NULL ? l->key : key;
    struct td_slice public = soft_public(shown, a);
    w.type = w.type != 0 ? w.type : 0x8017;
    w.nonce = or_slice(w.nonce, s->nonce);
    w.name = or_slice(w.name, soft_name(l->certified != NULL ? l->certified : shown, a));
    w.digest = w.name;
    struct td_slice attest = soft_attest(&w, a);
    add(b, names[0], l->sized ? soft_2b(public, a) : public);
    add(b, names[1], l->sized ? soft_2b(attest, a) : attest);
    add(b, names[2], soft_sign(l->certify_signer != NULL ? l->certify_signer : &p->ak, attest, a));
}

static inline const char *finish_body(const struct pc *p, const struct session *s, const struct lies *l)
{
    static const char *const device[] = {"keyPub", "certify", "certifySig"}, *const management[] = {
                                                                                 "managementKeyPub",
                                                                                 "managementCertify",
                                                                                 "managementCertifySig"};
    struct td_arena *a = &box->arena;
    struct td_buf b;
    struct soft_word w = l->quote;
    const struct soft_boot *values = l->values != NULL ? l->values : &p->boot,
                           *log = l->log != NULL ? l->log : &p->boot;
    td_buf_init(&b, 1 << 18);
    w.type = w.type != 0 ? w.type : 0x8018;
    w.nonce = or_slice(w.nonce, s->nonce);
    w.digest = or_slice(w.digest, soft_digest(&p->boot, w.pcrs != 0 ? w.pcrs : 0xff, a));
    w.name = w.digest;
    struct td_slice attest = soft_attest(&w, a);
    td_buf_printf(&b, "{\"step\":\"attest-finish\",\"sessionId\":\"%s\"", s->id);
    add(&b, "proof", or_slice(l->proof, proof_of(s, or_slice(l->other_name, soft_name(&p->ak, a)))));
    if (!l->no_quote)
        add(&b, "quote", l->sized ? soft_2b(attest, a) : attest);
    add(&b, "quoteSig", soft_sign(l->quote_signer != NULL ? l->quote_signer : &p->ak, attest, a));
    if (!l->no_values)
        td_buf_printf(&b, ",\"pcrValues\":%s", soft_values(values, w.pcrs != 0 ? w.pcrs : 0xff, a));
    if (!l->no_log)
        add(&b, "eventLog", td_bytes(log->log, log->log_n));
    add_certified(&b, p, s, l, &p->device, device);
    if (!l->no_management)
        add_certified(&b, p, s, &(struct lies){.no_log = false}, &p->management, management);
    if (!l->no_csr)
        add(&b, "csr", soft_csr(l->csr != NULL ? l->csr : &p->device, a));
    if (l->registration != NULL)
        td_buf_printf(&b, ",\"registrationId\":\"%s\"", l->registration);
    td_buf_printf(&b, "%s}", l->more != NULL ? l->more : "");
    assert_false(b.failed);
    const char *out = td_arena_text(a, td_buf_slice(&b));
    td_buf_done(&b);
    return out;
}

static inline int finish_with(const struct pc *p, const struct session *s, const struct lies *l)
{
    return post("/ztd/v1/attest", NULL, finish_body(p, s, l));
}

static inline int finish(const struct pc *p, const struct session *s)
{
    return finish_with(p, s, &(struct lies){.no_log = false});
}

/* The whole exchange; the join ticket. */
static inline const char *attested_with(const struct pc *p, const struct lies *l)
{
    struct session s = open_session(p);
    if (finish_with(p, &s, l) != 200)
        fail_msg("%d %.*s", box->reply.status, TD_FMT(td_buf_slice(&box->reply.body)));
    assert_string_equal(td_json_str(answer(), "step"), "admitted");
    return td_json_str(answer(), "joinTicket");
}

static inline const char *attested(const struct pc *p)
{
    return attested_with(p, &(struct lies){.no_log = false});
}

#define is_refused(name) is_refused_at((name), __FILE__, __LINE__)

/* The last answer refuses with this code, and says what to do. */
static inline void is_refused_at(const char *name, const char *file, int line)
{
    const struct td_json *v = answer();
    const struct td_attest_row *row = td_attest_by_name(name);
    const char *code = td_json_str(v, "code");
    if (code == NULL || strcmp(code, name) != 0 || box->reply.status < 400) {
        print_error("wanted %s, got %d %.*s\n", name, box->reply.status, TD_FMT(td_buf_slice(&box->reply.body)));
        _fail(file, line);
    }
    assert_non_null(row);
    assert_string_equal(td_json_str(v, "hresult"), td_arena_printf(&box->arena, "0x%08x", row->hresult));
    assert_true(strlen(td_json_str(v, "detail")) > 10 && strlen(td_json_str(v, "remedy")) > 10);
    assert_string_equal(box->reply.content_type, "application/problem+json");
}

#endif
