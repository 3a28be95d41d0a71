/* The door of attestation against a TPM in software: what is admitted, every refusal with its reason on both sides, and
 * that a challenge is answered once (attestation.md 3.3, 4; domain-join-and-tpm.md 2, 5; docs/protocol/attestation.md).
 */
#include "api/technician.h"
#include "attest_world.h"
#include "deployed.h"
#include "store/provisioning.h"

#include <pthread.h>

static const char failed[] = "device.failed";

static void admits_a_trusted_maker(void **state)
{
    use_box(state);
    tenant_with(box->tenant, NULL);
    struct pc p = registered_pc(0, "PC-1");
    struct session s = open_session(&p);
    assert_int_equal(s.secret.n, 32);
    assert_int_equal(td_json_count(td_json_get(answer(), "pcrs")), 8);
    assert_string_equal(td_json_str(answer(), "expires"), "2030-01-02T03:09:05Z");
    assert_int_equal(finish(&p, &s), 200);
    const struct td_json *v = answer();
    assert_string_equal(td_json_str(v, "step"), "admitted");
    assert_string_equal(td_json_str(v, "sessionId"), s.id);
    assert_string_equal(td_json_str(v, "registrationId"), p.registration);
    assert_string_equal(td_json_str(v, "assurance"), "hardware");
    assert_string_equal(td_json_str(v, "joinTicketExpires"), "2030-01-02T03:14:05Z");
    assert_true(strlen(td_json_str(v, "joinTicket")) > 100);
    assert_string_equal(td_loopback_header(&box->reply, "Cache-Control"), "no-store");
    look_at(box->tenant, "PC-1");
    assert_string_equal(td_way_word(&found.way.way), "attested");
    assert_int_equal(told("device.attested", "\"assurance\":\"hardware\""), 1);
    assert_int_equal(told("device.attested", "\"tpmModel\":\"SLB9670\""), 1);
    assert_ok(found.bound_rc);
    assert_int_equal(found.bound.assurance, TD_ASSURANCE_HARDWARE);
    assert_string_equal(found.bound.manufacturer, "id:49465800");
    assert_true(strstr(found.bound.pcrs, "\"7\":") != NULL);
}

/* attestation.md 4: nothing but what its example shows; sizes in front; members that nobody knows. */
static void admits_what_the_document_shows(void **state)
{
    use_box(state);
    tenant_with(box->tenant, NULL);
    struct pc p = registered_pc(0, "PC-1");
    p.ak = soft_key(SOFT_RSA, SOFT_AK, 0);
    struct td_arena *a = &box->arena;
    const char *begin = td_arena_printf(
        a,
        "{\"step\":\"attest-begin\",\"registrationId\":\"%s\",\"ekPub\":\"%s\",\"ekCert\":\"%s\",\"akPub\":\"%s\","
        "\"akName\":\"000b\",\"serial\":\"PC-1\",\"session\":7}",
        p.registration, b64(soft_2b(soft_public(&p.ek, a), a)), b64(p.cert), b64(soft_2b(soft_public(&p.ak, a), a)));
    assert_int_equal(post("/ztd/v1/attest", NULL, begin), 200);
    struct session s = {.id = td_json_str(answer(), "sessionId")};
    assert_ok(td_hex_decode(a, td_str(td_json_str(answer(), "nonce")), &s.nonce));
    s.secret = soft_activate(&p.ek, &p.ak, member(answer(), "idObject"), member(answer(), "encSecret"), a);
    const struct lies bare = {.no_log = true, .no_values = true, .no_management = true, .no_csr = true, .sized = true};
    assert_int_equal(finish_with(&p, &s, &bare), 200);
    assert_string_equal(td_json_str(answer(), "step"), "admitted");
}

static void admits_every_kind_of_key(void **state)
{
    static const struct {
        enum soft_kind ek, ak, device;
    } kinds[] = {{SOFT_P256, SOFT_P256, SOFT_P256}, {SOFT_P384, SOFT_P256, SOFT_RSA}, {SOFT_RSA, SOFT_RSA, SOFT_P256}};
    use_box(state);
    tenant_with(box->tenant, NULL);
    for (size_t i = 0; i < TD_COUNTOF(kinds); i++) {
        struct pc p = registered_pc((int)i, td_arena_printf(&box->arena, "PC-%zu", i));
        p.ek = soft_key(kinds[i].ek, SOFT_EK, (int)i);
        if (kinds[i].ek == SOFT_P384)
            p.ek.attributes = 0x000300f2;
        p.ak = soft_key(kinds[i].ak, SOFT_AK, (int)i);
        p.device = soft_key(kinds[i].device, SOFT_PLAIN, (int)i);
        p.cert = soft_certify(&(struct soft_cert){.maker = good_maker, .key = &p.ek}, &box->arena);
        assert_non_null(attested(&p));
    }
}

/* Padded to the size of its place in the TPM; issued by an authority under the maker's, which the device brings. */
static void takes_certificates_as_makers_write_them(void **state)
{
    use_box(state);
    tenant_with(box->tenant, NULL);
    struct td_arena *a = &box->arena;
    struct pc p = registered_pc(0, "PC-1");
    char *padded = td_arena_alloc(a, p.cert.n + 300);
    memcpy(padded, p.cert.p, p.cert.n);
    memset(padded + p.cert.n, 0xff, 300);
    p.cert = td_bytes(padded, p.cert.n + 300);
    assert_non_null(attested(&p));
    struct pc q = registered_pc(1, "PC-2");
    const struct soft_key between = soft_key(SOFT_P256, SOFT_PLAIN, 8);
    struct td_slice authority = soft_certify(
        &(struct soft_cert){.maker = good_maker, .key = &between, .authority = true, .has_subject = true}, a);
    q.cert = soft_certify(&(struct soft_cert){.maker = {8, "TPM"}, .key = &q.ek}, a);
    begin_with(&q, "");
    is_refused("UntrustedManufacturer");
    assert_int_equal(begin_with(&q, td_arena_printf(a, "\"ekChain\":[\"%s\"]", b64(authority))), 200);
    /* what it brings is no anchor */
    q.cert = soft_certify(&(struct soft_cert){.maker = foreign_maker, .key = &q.ek}, a);
    begin_with(&q, td_arena_printf(a, "\"ekChain\":[\"%s\"]", b64(soft_root(foreign_maker, a))));
    is_refused("UntrustedManufacturer");
}

/* --- before a challenge --- */

struct change { /* what is wrong with it */
    const char *serial, *want, *more;
    struct soft_cert cert; /* maker.name NULL: the good one */
    uint32_t ek, ak;       /* attributes, 0: as they should be */
    uint16_t ak_name;
    bool none, of_another;
};

static void refuse_begin(const struct change *c, int number)
{
    struct pc p = registered_pc(number, c->serial);
    const struct soft_key other = soft_key(SOFT_RSA, SOFT_EK, 1);
    struct soft_cert cert = c->cert;
    if (cert.maker.name == NULL)
        cert.maker = good_maker;
    p.ek = soft_key(SOFT_RSA, SOFT_EK, 0);
    cert.key = c->of_another ? &other : &p.ek;
    p.cert = c->none ? TD_S("") : soft_certify(&cert, &box->arena);
    p.ek.attributes = c->ek != 0 ? c->ek : p.ek.attributes;
    p.ak.attributes = c->ak != 0 ? c->ak : p.ak.attributes;
    p.ak.name_alg = c->ak_name;
    begin_with(&p, c->more != NULL ? c->more : "");
    is_refused(c->want);
    look_at(box->tenant, c->serial);
    assert_int_equal(told(failed, td_arena_printf(&box->arena, "\"where\":\"%s\"", c->want)), 1);
    assert_int_equal(told(failed, "\"step\":\"attestation\""), 1);
    assert_int_equal(told("device.attested", ""), 0);
    assert_int_equal(found.bound_rc, TD_ENOTFOUND);
}

static void refuse_all(const struct change *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        refuse_begin(&list[i], (int)i);
}

static void refuses_certificates(void **state)
{
    static const struct change list[] = {
        {.serial = "C-1", .want = "UntrustedManufacturer", .cert = {.maker = {FOREIGN_MAKER, "Foreign Silicon Root"}}},
        /* another authority of the same name */
        {.serial = "C-2", .want = "UntrustedManufacturer", .cert = {.maker = {FOREIGN_MAKER, "Good Silicon Root"}}},
        {.serial = "C-3", .want = "BadEndorsementCertificate", .cert = {.self_signed = true}},
        {.serial = "C-4", .want = "BadEndorsementCertificate", .cert = {.authority = true}},
        {.serial = "C-5", .want = "BadEndorsementCertificate", .cert = {.no_usage = true}},
        {.serial = "C-6", .want = "CertificateOfAnotherKey", .of_another = true},
        {.serial = "C-7", .want = "EndorsementCertificateExpired", .cert = {.not_after = 1893553000}},
        {.serial = "C-8", .want = "EndorsementCertificateExpired", .cert = {.not_before = 1893560000}},
        {.serial = "C-9", .want = "NoEndorsementCertificate", .none = true},
    };
    use_box(state);
    tenant_with(box->tenant, NULL);
    refuse_all(list, TD_COUNTOF(list));
}

static void refuses_keys(void **state)
{
    static const struct change list[] = {
        {.serial = "K-1", .want = "BadAttestationKey", .ak = 0x00040072}, /* not restricted */
        {.serial = "K-2", .want = "BadAttestationKey", .ak = 0x00050070}, /* not fixedTPM */
        {.serial = "K-3", .want = "BadAttestationKey", .ak = 0x00050052}, /* not born in it */
        {.serial = "K-4", .want = "BadAttestationKey", .ak = 0x00050062}, /* not fixedParent */
        {.serial = "K-5", .want = "BadAttestationKey", .ak = 0x00070072}, /* may decrypt */
        {.serial = "K-6", .want = "BadAttestationKey", .ak = 0x00010072}, /* does not sign */
        {.serial = "K-7", .want = "BadAttestationKey", .ak_name = 0x000c},
        {.serial = "K-8", .want = "BadEndorsementKey", .ek = 0x000200b2}, /* not restricted */
        {.serial = "K-9", .want = "BadEndorsementKey", .ek = 0x000300b0},
        {.serial = "K-10", .want = "BadEndorsementKey", .ek = 0x000700b2}, /* signs */
        {.serial = "K-11", .want = "BadEndorsementKey", .ek = 0x000100b2}, /* no decryption */
    };
    use_box(state);
    tenant_with(box->tenant, NULL);
    refuse_all(list, TD_COUNTOF(list));
}

static void refuses_malformed_requests(void **state)
{
    use_box(state);
    tenant_with(box->tenant, NULL);
    struct pc p = registered_pc(0, "PC-1");
    const char *whole = begin_body(&p, "");
    assert_int_equal(post("/ztd/v1/attest", NULL, "[]"), 400);
    assert_int_equal(post("/ztd/v1/attest", NULL, "{\"step\":\"attest-now\"}"), 400);
    assert_string_equal(td_json_str(answer(), "field"), "step");
    assert_int_equal(post("/ztd/v1/attest", NULL, "{\"step\":\"attest-begin\",\"registrationId\":\"x\"}"), 400);
    assert_string_equal(td_json_str(answer(), "field"), "registrationId");
    assert_int_equal(begin_with(&p, "\"purpose\":\"for fun\""), 400);
    static const char *const wrong[] = {"\"ekChain\":[1]", "\"ekChain\":\"AAAA\"", "\"ekChain\":[\"%\"]"};
    for (size_t i = 0; i < TD_COUNTOF(wrong); i++) {
        assert_int_equal(begin_with(&p, wrong[i]), 400);
        assert_string_equal(td_json_str(answer(), "field"), "ekChain");
        assert_non_null(td_json_str(answer(), "remedy"));
    }
    char *cut = td_arena_strdup(&box->arena, whole);
    *strstr(cut, "\"ekPub\":\"AAE") = 'x'; /* no JSON any more */
    assert_int_equal(post("/ztd/v1/attest", NULL, cut), 400);
    /* a structure that ends too early: at every octet a refusal of the key */
    struct td_slice public = soft_public(&p.ek, &box->arena);
    for (size_t n = 0; n < public.n; n += 13) {
        post("/ztd/v1/attest", NULL,
             td_arena_printf(&box->arena,
                             "{\"step\":\"attest-begin\",\"registrationId\":\"%s\",\"ekPub\":\"%s\",\"akPub\":\"%s\"}",
                             p.registration, b64(td_sub(public, 0, n)), b64(soft_public(&p.ak, &box->arena))));
        is_refused("BadEndorsementKey");
    }
    look_at(box->tenant, "PC-1");
    assert_int_equal(told(failed, "BadEndorsementKey"), 1); /* told once a minute */
}

static void knows_whose_it_is(void **state)
{
    use_box(state);
    tenant_with(box->tenant, NULL);
    struct pc p = registered_pc(0, "PC-1"), q = registered_pc(1, "PC-2");
    char *ticket = NULL;
    const char *payload =
        td_arena_printf(&box->arena, "{\"tenant\":\"%s\",\"registration\":\"%s\"}", box->tenant, p.registration);
    assert_ok(td_ticket_make(&box->svc, "device", payload, TD_DAY, &box->arena, &ticket, NULL));
    const char *more = td_arena_printf(&box->arena, "\"ticket\":\"%s\"", ticket);
    assert_int_equal(begin_with(&p, more), 200);
    begin_with(&q, more);
    is_refused("UnknownRegistration");
    begin_with(&p, "\"ticket\":\"a.b.c\"");
    is_refused("UnknownRegistration");
    p.registration = "33333333-0000-4000-8000-000000000001";
    begin_with(&p, "");
    is_refused("UnknownRegistration");
}

static void wants_a_profile_for_it(void **state)
{
    use_box(state);
    tenant_with(box->tenant, "{\"preprovisioningAllowed\":true}");
    struct pc p = registered_pc(0, "PC-1");
    begin_with(&p, "\"purpose\":\"self-deploying\"");
    is_refused("AttestationNotWanted");
    assert_int_equal(begin_with(&p, "\"purpose\":\"pre-provisioning\""), 200);
    struct session s = open_session(&p); /* the profile decides */
    assert_int_equal(finish(&p, &s), 200);
    assert_string_equal(td_json_str(answer(), "purpose"), "pre-provisioning");
}

/* Only its user vouches for a device that joins a domain: at the bench that is not offered. */
static void wants_no_hybrid_profile(void **state)
{
    use_box(state);
    tenant_with(box->tenant, "{\"joinType\":\"hybrid\",\"preprovisioningAllowed\":true}");
    struct pc p = registered_pc(0, "PC-1");
    begin_with(&p, "\"purpose\":\"pre-provisioning\"");
    is_refused("AttestationNotWanted");
}

static void wants_pre_provisioning_allowed(void **state)
{
    use_box(state);
    tenant_with(box->tenant, NULL);
    struct pc p = registered_pc(0, "PC-1");
    begin_with(&p, "\"purpose\":\"pre-provisioning\"");
    is_refused("AttestationNotWanted");
    assert_string_equal(td_json_str(answer(), "hresult"), "0x80180005"); /* P09 */
}

static void asks_for_a_technician(void **state)
{
    use_box(state);
    tenant_with(box->tenant, "{\"preprovisioningAllowed\":true}");
    struct pc p = registered_pc(0, "PC-1");
    set("technician-proof", "companion");
    begin_with(&p, "");
    is_refused("TechnicianProofNeeded");
    assert_string_equal(td_json_str(answer(), "field"), "technicianCode");
    begin_with(&p, "\"technicianCode\":\"123456\"");
    is_refused("TechnicianProofNeeded");
    set("technician-proof", "sign-in");
    begin_with(&p, "\"technicianToken\":\"a.b.c\"");
    is_refused("TechnicianProofNeeded");
    assert_string_equal(td_json_str(answer(), "field"), "technicianToken");
    look_at(box->tenant, "PC-1");
    assert_int_equal(told(failed, "TechnicianProofNeeded"), 1);
    set("technician-proof", "presence");
    assert_int_equal(begin_with(&p, ""), 200);
}

/* --- a technician's code --- */

static const char *code_for, *code_made;

static void make_code(struct td_tx *tx, struct service_box *b)
{
    int64_t expires = 0;
    assert_ok(td_technician_code(tx, b->tenant, code_for, "admin@contoso.test", &b->arena, &code_made, &expires, NULL));
    assert_int_equal(expires, td_tx_now(tx) + TD_PROVISION_CODE_LIFE);
}

/* The member of a begin; its code is for nobody else. */
static const char *new_code(const struct pc *p)
{
    code_for = p->registration;
    box_in_write(box, make_code);
    return td_arena_printf(&box->arena, "\"technicianCode\":\"%s\"", code_made);
}

static struct pc at_the_bench(void **state)
{
    use_box(state);
    tenant_with(box->tenant, "{\"preprovisioningAllowed\":true}");
    set("technician-proof", "companion");
    return registered_pc(0, "PC-1");
}

/* The power fails, a TPM is slow, an answer is wrong: the technician's code goes on until it has admitted. */
static void a_code_lasts_until_it_admits(void **state)
{
    struct pc p = at_the_bench(state), q = registered_pc(1, "PC-2");
    const char *code = new_code(&p);
    begin_with(&q, code);
    is_refused("TechnicianProofNeeded");         /* another's */
    assert_int_equal(begin_with(&p, code), 200); /* and nothing more */
    struct session s = open_session_with(&p, code);
    box->world.now += TD_ATTEST_CHALLENGE_LIFE;
    finish(&p, &s);
    is_refused("ChallengeExpired");
    s = open_session_with(&p, code);
    finish_with(&p, &s, &(struct lies){.quote_signer = &q.ak});
    is_refused("BadQuote");
    s = open_session_with(&p, code);
    assert_int_equal(finish(&p, &s), 200);
    begin_with(&p, code);
    is_refused("TechnicianProofNeeded");
    assert_non_null(strstr(td_json_str(answer(), "remedy"), "provision-code"));
    look_at(box->tenant, "PC-1");
    assert_int_equal(told("device.attested", "\"technician\":\"code of admin@contoso.test\""), 1);
}

/* Two challenges by one code: the second answer is no admission, and is told as what it is. */
static void a_code_admits_once(void **state)
{
    struct pc p = at_the_bench(state);
    const char *code = new_code(&p);
    struct session first = open_session_with(&p, code), second = open_session_with(&p, code);
    assert_int_equal(finish(&p, &second), 200);
    finish(&p, &first);
    is_refused("TechnicianProofNeeded");
    assert_string_equal(td_json_str(answer(), "field"), "technicianCode");
    assert_null(td_json_str(answer(), "joinTicket"));
    finish(&p, &first);
    is_refused("ChallengeUsed");
    look_at(box->tenant, "PC-1");
    assert_int_equal(told("device.attested", ""), 1);
    const char *next = new_code(&p); /* whoever makes another admits once more */
    second = open_session_with(&p, next);
    assert_int_equal(finish(&p, &second), 200);
}

/* Half an hour is until the admission; another code, or too many wrong ones, end it too. */
static void a_code_ends_under_its_challenge(void **state)
{
    struct pc p = at_the_bench(state);
    const char *code = new_code(&p);
    box->world.now += TD_PROVISION_CODE_LIFE - TD_MINUTE;
    struct session s = open_session_with(&p, code);
    box->world.now += TD_MINUTE;
    finish(&p, &s);
    is_refused("TechnicianProofNeeded");
    s = open_session_with(&p, new_code(&p));
    code = new_code(&p);
    finish(&p, &s);
    is_refused("TechnicianProofNeeded");
    s = open_session_with(&p, code);
    for (int i = 0; i < TD_PROVISION_CODE_MISSES; i++) {
        begin_with(&p, "\"technicianCode\":\"XXXX-XXXX\"");
        is_refused("TechnicianProofNeeded");
    }
    finish(&p, &s);
    is_refused("TechnicianProofNeeded");
    look_at(box->tenant, "PC-1");
    assert_int_equal(told("device.attested", ""), 0);
}

static void believes_a_registered_key(void **state)
{
    use_box(state);
    tenant_with(box->tenant, NULL);
    struct pc p = pc_of(0);
    p.registration = registered_with(box->tenant, "PC-1", 1, soft_public(&p.ek, &box->arena));
    p.cert = soft_certify(&(struct soft_cert){.maker = foreign_maker, .key = &p.ek}, &box->arena);
    struct session s = open_session(&p);
    assert_int_equal(finish(&p, &s), 200);
    assert_string_equal(td_json_str(answer(), "assurance"), "pinned");
    p.cert = TD_S("");
    assert_non_null(attested(&p));
    set("pinned-ek", "refuse");
    begin_with(&p, "");
    is_refused("NoEndorsementCertificate");
    p.cert = soft_certify(&(struct soft_cert){.maker = foreign_maker, .key = &p.ek}, &box->arena);
    begin_with(&p, "");
    is_refused("UntrustedManufacturer");
    set("pinned-ek", "allow");
    p.cert = soft_certify(&(struct soft_cert){.maker = good_maker, .key = &p.ek, .self_signed = true}, &box->arena);
    begin_with(&p, ""); /* what is wrong whoever issued it stays wrong */
    is_refused("BadEndorsementCertificate");
    p.cert =
        soft_certify(&(struct soft_cert){.maker = foreign_maker, .key = &p.ek, .not_after = 1893553000}, &box->arena);
    begin_with(&p, "");
    is_refused("EndorsementCertificateExpired");
}

static void refuses_another_tpm_than_registered(void **state)
{
    use_box(state);
    tenant_with(box->tenant, NULL);
    const struct soft_key theirs = soft_key(SOFT_RSA, SOFT_EK, 1);
    struct pc p = pc_of(0);
    p.registration = registered_with(box->tenant, "PC-1", 1, soft_public(&theirs, &box->arena));
    begin_with(&p, "");
    is_refused("OtherTpm");
}

static void refuses_a_second_tpm_for_a_device(void **state)
{
    use_box(state);
    tenant_with(box->tenant, NULL);
    struct pc p = registered_pc(0, "PC-1"), q = pc_of(1);
    assert_non_null(attested(&p));
    q.registration = p.registration;
    begin_with(&q, "");
    is_refused("OtherTpm");
    assert_non_null(attested(&p)); /* the one that was proven may come again */
}

static void refuses_a_key_of_another_device(void **state)
{
    use_box(state);
    tenant_with(box->tenant, NULL);
    struct pc p = registered_pc(0, "PC-1"), q = p;
    q.registration = registered_with(box->tenant, "PC-2", 2, TD_S(""));
    struct session early = open_session(&q); /* asked before anybody had proven it */
    assert_non_null(attested(&p));
    begin_with(&q, "");
    is_refused("EndorsementKeyInUse");
    finish(&q, &early); /* the admission looks again */
    is_refused("EndorsementKeyInUse");
    tenant_with(box->other, NULL);
    q.registration = registered_with(box->other, "PC-3", 3, TD_S(""));
    begin_with(&q, "");
    is_refused("EndorsementKeyInUse");
    look_at(box->other, "PC-3");
    assert_int_equal(told(failed, "EndorsementKeyInUse"), 1);
    assert_null(strstr(td_arena_text(&box->arena, td_buf_slice(&box->reply.body)), "PC-1"));
}

static void marks_virtual_ones(void **state)
{
    use_box(state);
    tenant_with(box->tenant, NULL);
    struct pc p = registered_pc(0, "PC-1");
    p.cert = soft_certify(
        &(struct soft_cert){.maker = good_maker, .key = &p.ek, .model = "swtpm", .vendor = "id:00001014"}, &box->arena);
    struct session s = open_session(&p);
    assert_int_equal(finish(&p, &s), 200);
    assert_string_equal(td_json_str(answer(), "assurance"), "virtual");
    set("virtual-tpm", "refuse");
    begin_with(&p, "");
    is_refused("VirtualTpm");
}

static int begin_from(const struct pc *p, const char *address)
{
    const struct td_peer peer = {.address = address, .tls = true};
    return box_ask(box, td_attestation_routes, td_attestation_route_count, "POST", "/ztd/v1/attest", NULL,
                   td_str(begin_body(p, "")), &peer);
}

/* An endorsement key is no secret: others ask with it, and the device gets its challenge all the same. */
static void counts_callers_apart(void **state)
{
    use_box(state);
    tenant_with(box->tenant, NULL);
    struct pc p = registered_pc(0, "PC-1");
    for (int i = 0; i < TD_ATTEST_PER_EK; i++)
        assert_int_equal(begin_from(&p, td_arena_printf(&box->arena, "2001:db8::%d:1", i + 1)), 200);
    assert_int_equal(begin_from(&p, "2001:db8::ffff"), 429); /* one network of the other end */
    assert_int_equal(begin_from(&p, "2001:db8:0:1::1"), 200);
    for (int i = TD_ATTEST_PER_EK + 1; i < TD_ATTEST_PER_EK_ALL; i++)
        assert_int_equal(begin_from(&p, td_arena_printf(&box->arena, "192.0.2.%d", i / TD_ATTEST_PER_EK)), 200);
    assert_int_equal(begin_from(&p, "198.51.100.1"), 429);
}

static void counts_challenges(void **state)
{
    use_box(state);
    tenant_with(box->tenant, NULL);
    struct pc p = registered_pc(0, "PC-1"), q = registered_pc(1, "PC-2");
    for (int i = 0; i < TD_ATTEST_PER_EK; i++)
        assert_int_equal(begin_with(&p, ""), 200);
    begin_with(&p, "");
    is_refused("TooManyAttempts");
    box->world.now -= TD_DAY; /* the service's clock was put right: nobody waits for it to come round again */
    assert_int_equal(begin_with(&p, ""), 200);
    box->world.now += TD_DAY;
    begin_with(&p, "");
    is_refused("TooManyAttempts");
    assert_string_equal(td_json_str(answer(), "hresult"), "0x81039001");
    assert_int_equal(box->reply.status, 429);
    assert_string_equal(td_loopback_header(&box->reply, "Retry-After"), "600");
    assert_int_equal(begin_with(&q, ""), 200);
    box->world.now += TD_ATTEST_EK_MINUTES * TD_MINUTE + 1;
    assert_int_equal(begin_with(&p, ""), 200);
}

/* --- the answer --- */

static void answers_once(void **state)
{
    use_box(state);
    tenant_with(box->tenant, NULL);
    struct pc p = registered_pc(0, "PC-1");
    struct session s = open_session(&p);
    assert_int_equal(finish(&p, &s), 200);
    finish(&p, &s);
    is_refused("ChallengeUsed");
    s = open_session(&p);
    finish_with(&p, &s, &(struct lies){.proof = TD_S("00000000000000000000000000000000")});
    is_refused("ProofFailed");
    finish(&p, &s); /* the right one comes too late */
    is_refused("ChallengeUsed");
    s = open_session(&p);
    box->world.now += TD_ATTEST_CHALLENGE_LIFE;
    finish(&p, &s);
    is_refused("ChallengeExpired");
    s.id = "cccccccc-0000-4000-8000-000000000001";
    finish(&p, &s);
    is_refused("UnknownChallenge");
    s.id = "no id";
    finish(&p, &s);
    is_refused("UnknownChallenge");
    look_at(box->tenant, "PC-1");
    assert_int_equal(told("device.attested", ""), 1);
    assert_int_equal(told(failed, "ProofFailed"), 1);
    assert_int_equal(told(failed, "ChallengeExpired"), 1);
}

static void answers_in_its_own_session(void **state)
{
    use_box(state);
    tenant_with(box->tenant, NULL);
    struct pc p = registered_pc(0, "PC-1"), q = registered_pc(1, "PC-2");
    struct session s = open_session(&p), other = open_session(&q), mixed = s;
    mixed.id = other.id; /* the answer to s, sent as the answer to the other */
    finish(&p, &mixed);
    is_refused("ProofFailed");
    finish_with(&p, &s, &(struct lies){.registration = q.registration});
    is_refused("UnknownChallenge");
}

struct lie {
    const char *want;
    struct lies lies;
};

static void refuse_lie(const struct pc *p, const struct lie *l)
{
    struct session s = open_session(p);
    finish_with(p, &s, &l->lies);
    is_refused(l->want);
    finish(p, &s);
    is_refused("ChallengeUsed");
    look_at(box->tenant, "PC-1");
    assert_int_equal(told("device.attested", ""), 0);
    box->world.now += TD_ATTEST_EK_MINUTES * TD_MINUTE; /* as many challenges as it takes */
}

static void refuses_proofs_of_other_keys(void **state)
{
    use_box(state);
    tenant_with(box->tenant, NULL);
    struct pc p = registered_pc(0, "PC-1");
    const struct soft_key ak = soft_key(SOFT_P256, SOFT_AK, 1), ek = soft_key(SOFT_RSA, SOFT_EK, 1);
    struct session s = open_session(&p);
    /* on the device: neither another AK nor another TPM recovers the secret */
    assert_int_equal(soft_activate(&p.ek, &ak, s.id_object, s.enc_secret, &box->arena).n, 0);
    assert_int_equal(soft_activate(&ek, &p.ak, s.id_object, s.enc_secret, &box->arena).n, 0);
    const struct lie list[] = {
        {"ProofFailed", {.other_name = soft_name(&ak, &box->arena)}},
        {"ProofFailed", {.proof = TD_S("short")}},
        {"ProofFailed", {.proof = s.secret}},
    };
    for (size_t i = 0; i < TD_COUNTOF(list); i++)
        refuse_lie(&p, &list[i]);
}

static void refuses_quotes(void **state)
{
    use_box(state);
    tenant_with(box->tenant, NULL);
    struct pc p = registered_pc(0, "PC-1");
    const struct soft_key ak = soft_key(SOFT_P256, SOFT_AK, 1);
    const struct lie list[] = {
        {"BadQuote", {.quote = {.nonce = TD_S("another nonce, also of 32 octets")}}},
        {"BadQuote", {.quote = {.magic = 0xff544348}}},
        {"BadQuote", {.quote = {.type = 0x8017}}},
        {"BadQuote", {.quote = {.pcrs = 0x7f}}},
        {"BadQuote", {.quote = {.bank = 0x0004}}},
        {"BadQuote", {.quote_signer = &ak}},
        {"BadQuote", {.no_quote = true}},
        {"EventLogMismatch", {.quote = {.digest = TD_S("a digest of nothing, 32 octets..")}}},
    };
    for (size_t i = 0; i < TD_COUNTOF(list); i++)
        refuse_lie(&p, &list[i]);
}

/* One bit of the quote, then one bit of the log, then the values. */
static void refuses_what_was_altered(void **state)
{
    use_box(state);
    tenant_with(box->tenant, NULL);
    struct pc p = registered_pc(0, "PC-1");
    struct soft_boot other, bent = p.boot, said = p.boot, shorter = p.boot;
    soft_boot(&other, true, "firmware 2.0");
    bent.log[bent.log_n - 30] ^= 1; /* in the last digest */
    said.log[said.log_n - 2] ^= 1;  /* in the last event's data */
    shorter.log_n -= 54;            /* without the last event */
    const struct lie list[] = {
        {"EventLogMismatch", {.log = &other}},
        {"EventLogMismatch", {.log = &bent}},
        {"EventLogMismatch", {.log = &said}},
        {"EventLogMismatch", {.log = &shorter}},
        {"EventLogMismatch", {.values = &other}},
        {"EventLogMismatch", {.values = &other, .no_log = true}},
        {"EventLogMismatch", {.no_values = true, .no_log = true, .more = ",\"pcrValues\":{\"0\":\"xyz\"}"}},
        {"EventLogMismatch", {.no_log = true, .more = ",\"eventLog\":\"AAAA\""}},
    };
    for (size_t i = 0; i < TD_COUNTOF(list); i++)
        refuse_lie(&p, &list[i]);
    struct session s = open_session(&p);
    char *body = td_arena_strdup(&box->arena, finish_body(&p, &s, &(struct lies){.no_log = false}));
    char *at = strstr(body, "\"quoteSig\":\"") + strlen("\"quoteSig\":\"") + 30;
    *at = *at == 'A' ? 'B' : 'A';
    post("/ztd/v1/attest", NULL, body);
    is_refused("BadQuote");
}

static void refuses_keys_that_are_not_certified(void **state)
{
    use_box(state);
    tenant_with(box->tenant, NULL);
    struct pc p = registered_pc(0, "PC-1");
    const struct soft_key ak = soft_key(SOFT_P256, SOFT_AK, 1), other = soft_key(SOFT_RSA, SOFT_PLAIN, 1);
    struct soft_key outside = p.device, restricted = p.device, movable = p.device,
                    strange = soft_key(SOFT_P384, SOFT_PLAIN, 0);
    outside.attributes = 0x00040052;
    movable.attributes = 0x00040070;
    restricted.attributes = 0x00050072;
    const struct lie list[] = {
        {"KeyNotCertified", {.certify = {.nonce = TD_S("another nonce, also of 32 octets")}}},
        {"KeyNotCertified", {.certify = {.magic = 0x00544347}}},
        {"KeyNotCertified", {.certify = {.type = 0x8018}}},
        {"KeyNotCertified", {.certify_signer = &ak}},
        {"KeyNotCertified", {.certified = &other}},
        {"KeyNotCertified", {.key = &outside}},
        {"KeyNotCertified", {.key = &movable}},
        {"KeyNotCertified", {.key = &restricted}},
        {"KeyNotCertified", {.key = &strange}},
        {"KeyNotCertified", {.no_management = true, .more = ",\"managementKeyPub\":\"AAEA\""}},
        {"CertifiedKeyDiffers", {.csr = &other}},
        {"CertifiedKeyDiffers", {.no_csr = true, .more = ",\"csr\":\"MIIC\""}},
    };
    for (size_t i = 0; i < TD_COUNTOF(list); i++)
        refuse_lie(&p, &list[i]);
}

/* --- measurements --- */

static void wants_secure_boot(void **state)
{
    use_box(state);
    tenant_with(box->tenant, "{\"deviceUsageType\":\"shared\",\"pcrPolicy\":\"secureBoot\"}");
    struct pc p = registered_pc(0, "PC-1");
    struct session s = open_session(&p);
    finish_with(&p, &s, &(struct lies){.no_log = true});
    is_refused("MeasurementsNotWanted"); /* values alone do not tell */
    s = open_session(&p);
    finish_with(&p, &s, &(struct lies){.no_log = true, .no_values = true});
    is_refused("EventLogMismatch");
    soft_boot(&p.boot, false, "firmware 1.0");
    s = open_session(&p);
    finish(&p, &s);
    is_refused("MeasurementsNotWanted");
    soft_boot(&p.boot, true, "firmware 1.0");
    assert_non_null(attested(&p));
}

static void learns_a_baseline(void **state)
{
    use_box(state);
    tenant_with(box->tenant, "{\"deviceUsageType\":\"shared\",\"pcrPolicy\":\"baseline\"}");
    struct pc p = registered_pc(0, "PC-1");
    assert_non_null(attested(&p));
    look_at(box->tenant, "PC-1");
    assert_string_equal(found.bound.baseline, found.bound.pcrs);
    assert_non_null(attested_with(&p, &(struct lies){.quote = {.resets = 9}})); /* started again: no matter */
    soft_boot(&p.boot, true, "firmware 2.0");
    struct session s = open_session(&p);
    finish(&p, &s);
    is_refused("MeasurementsNotWanted");
    assert_non_null(strstr(td_json_str(answer(), "detail"), "0"));
}

static void tells_values_that_changed_without_a_policy(void **state)
{
    use_box(state);
    tenant_with(box->tenant, NULL);
    struct pc p = registered_pc(0, "PC-1");
    assert_non_null(attested(&p));
    soft_boot(&p.boot, false, "firmware 2.0");
    assert_non_null(attested_with(&p, &(struct lies){.quote = {.resets = 7, .pcrs = 0x0008ff}}));
    look_at(box->tenant, "PC-1");
    assert_int_equal(found.bound.resets, 7);
    assert_true(strstr(found.bound.pcrs, "\"11\":") != NULL);
    assert_int_equal(told("device.attested", "\"resetCount\":7"), 1);
}

/* --- once, whatever happens between --- */

static void take_profile_away(struct td_tx *tx, struct service_box *b)
{
    const char *after = "";
    struct td_profile_row p;
    assert_ok(td_profile_find(tx, b->tenant, "Kiosks", &b->arena, &p, NULL));
    assert_ok(td_profile_target_drop(tx, b->tenant, p.id, "", false, "test", NULL));
    assert_ok(td_profile_spread(tx, b->tenant, after, 1000, "test", &b->arena, &after, NULL));
}

/* What allows has to hold when it is used, not only when the challenge was given. */
static void what_was_allowed_has_to_be_still(void **state)
{
    use_box(state);
    tenant_with(box->tenant, NULL);
    struct pc p = registered_pc(0, "PC-1"), pinned = pc_of(1), program = registered_pc(2, "PC-3");
    pinned.registration = registered_with(box->tenant, "PC-2", 1, soft_public(&pinned.ek, &box->arena));
    pinned.cert = TD_S("");
    program.cert = soft_certify(
        &(struct soft_cert){.maker = good_maker, .key = &program.ek, .model = "swtpm", .vendor = "id:00001014"},
        &box->arena);
    struct session s = open_session(&pinned);
    set("pinned-ek", "refuse");
    finish(&pinned, &s);
    is_refused("NoEndorsementCertificate");
    s = open_session(&program);
    set("virtual-tpm", "refuse");
    finish(&program, &s);
    is_refused("VirtualTpm");
    s = open_session(&p);
    box_in_write(box, take_profile_away);
    finish(&p, &s);
    is_refused("AttestationNotWanted");
    finish(&p, &s);
    is_refused("ChallengeUsed");
}

static void goes_on_after_a_restart(void **state)
{
    use_box(state);
    tenant_with(box->tenant, NULL);
    struct pc p = registered_pc(0, "PC-1");
    struct session s = open_session(&p);
    box_stop(box);
    box_start(box);
    assert_int_equal(finish(&p, &s), 200);
    box_stop(box);
    box_start(box);
    finish(&p, &s);
    is_refused("ChallengeUsed");
}

struct rival {
    const char *body;
    int status;
};

static void *answer_at_once(void *ctx)
{
    struct rival *r = ctx;
    struct td_arena a;
    struct td_http_reply reply;
    td_arena_init(&a);
    td_reply_init(&reply);
    td_loopback(&attest_router, "POST", "/ztd/v1/attest", NULL, td_str(r->body), NULL, &a, &reply);
    r->status = reply.status;
    td_reply_done(&reply);
    td_arena_done(&a);
    return NULL;
}

static void admits_one_of_two_at_once(void **state)
{
    const struct lies truth = {.no_log = false};
    use_box(state);
    tenant_with(box->tenant, NULL);
    struct pc p = registered_pc(0, "PC-1");
    for (int round = 0; round < 5; round++) {
        struct session s = open_session(&p);
        struct rival rivals[4];
        pthread_t threads[4];
        int admitted = 0;
        for (int i = 0; i < 4; i++)
            rivals[i] = (struct rival){.body = finish_body(&p, &s, &truth)};
        for (int i = 0; i < 4; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, answer_at_once, &rivals[i]), 0);
        for (int i = 0; i < 4; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
            admitted += rivals[i].status == 200;
        }
        assert_int_equal(admitted, 1);
    }
}

static void make_ready(struct td_tx *tx, struct service_box *b)
{
    deployed_ready(tx, b, "PC-1", true);
}

/* Anybody may ask in a device's name: it is told, within bounds, and changes nothing of a device at work. */
static void tells_within_bounds(void **state)
{
    use_box(state);
    tenant_with(box->tenant, NULL);
    struct pc p = registered_pc(0, "PC-1"), other = pc_of(1);
    other.registration = p.registration;
    other.cert = TD_S("");
    box_in_write(box, make_ready);
    for (int i = 0; i < 20; i++) {
        begin_with(&other, "");
        is_refused("NoEndorsementCertificate");
        box->world.now += TD_SECOND;
    }
    look_at(box->tenant, "PC-1");
    assert_int_equal(told(failed, "NoEndorsementCertificate"), 1);
    assert_string_equal(td_way_word(&found.way.way), "ready");
    box->world.now += TD_MINUTE;
    begin_with(&other, "");
    look_at(box->tenant, "PC-1");
    assert_int_equal(told(failed, "NoEndorsementCertificate"), 2);
    box->world.now -= TD_HOUR; /* the service's clock was put right */
    begin_with(&other, "");
    look_at(box->tenant, "PC-1");
    assert_int_equal(told(failed, "NoEndorsementCertificate"), 3);
}

static void be_busy(struct td_tx *tx, struct service_box *b)
{
    const struct td_event e = {.subject = found.way.id, .type = "device.word", .actor = "test", .detail = "{}"};
    for (int i = 0; i < TD_EVENTS_OF_STRANGERS - (int)found.event_count - 1; i++)
        assert_ok(td_event_append(tx, b->tenant, &e, NULL));
}

/* Nor do refusals of many kinds fill the store. */
static void tells_no_more_than_so_many(void **state)
{
    use_box(state);
    tenant_with(box->tenant, NULL);
    struct pc p = registered_pc(0, "PC-1");
    p.cert = TD_S("");
    box_in_write(box, be_busy);
    begin_with(&p, "");
    is_refused("NoEndorsementCertificate");
    begin_with(&p, "\"purpose\":\"pre-provisioning\"");
    is_refused("AttestationNotWanted");
    look_at(box->tenant, "PC-1");
    assert_int_equal(told(failed, "NoEndorsementCertificate"), 1);
    assert_int_equal(told(failed, "AttestationNotWanted"), 0);
    box->world.now += TD_HOUR;
    begin_with(&p, "\"purpose\":\"pre-provisioning\"");
    look_at(box->tenant, "PC-1");
    assert_int_equal(told(failed, "AttestationNotWanted"), 1);
}

static void be_set_up(struct td_tx *tx, struct service_box *b)
{
    static const enum td_way_event steps[] = {TD_EV_CONTACTED, TD_EV_ATTESTED, TD_EV_JOINED, TD_EV_ENROLLED,
                                              TD_EV_DEVICE_SETUP};
    for (size_t i = 0; i < TD_COUNTOF(steps); i++)
        assert_ok(td_way_happened(tx, b->tenant, found.way.id, steps[i], "device", "{}", NULL));
}

static void a_stranger_spoils_no_deployment(void **state)
{
    use_box(state);
    tenant_with(box->tenant, NULL);
    struct pc stranger = registered_pc(0, "PC-1");
    box_in_write(box, be_set_up);
    stranger.cert = TD_S("");
    begin_with(&stranger, "");
    is_refused("NoEndorsementCertificate");
    look_at(box->tenant, "PC-1");
    assert_string_equal(td_way_word(&found.way.way), "device setup");
    assert_int_equal(told(failed, "NoEndorsementCertificate"), 1);
}

/* A ready device that attests has been in its box: nobody asked for it, so it was installed anew by hand. */
static void ends_what_a_device_in_its_box_had(void **state)
{
    use_box(state);
    tenant_with(box->tenant, NULL);
    struct pc p = registered_pc(0, "PC-1");
    box_in_write(box, make_ready);
    box_in_write(box, deployed_managed);
    struct session s = open_session(&p);
    box_in_write(box, deployed_managed); /* asking proves nothing */
    assert_int_equal(finish(&p, &s), 200);
    box_in_write(box, deployed_unmanaged);
    look_at(box->tenant, "PC-1");
    assert_int_equal(told("device.wiped", ""), 1);
    assert_string_equal(td_way_word(&found.way.way), "attested");
}

/* The protocol's page names every reason with its code. */
static void the_page_names_every_refusal(void **state TD_UNUSED)
{
    TD_CLEANUP(td_buf_done) struct td_buf page = fixture("../../docs/protocol/attestation.md");
    struct td_arena a;
    td_arena_init(&a);
    for (int i = TD_ATT_OK + 1; i < TD_ATT_COUNT; i++) {
        const struct td_attest_row *row = td_attest_row((enum td_attest_reason)i);
        const char *line = td_arena_printf(&a, "| `%s` | 0x%08x |", row->name, row->hresult);
        if (td_search(td_buf_slice(&page), td_str(line)) == SIZE_MAX)
            fail_msg("%s", line);
    }
    td_arena_done(&a);
}

/* docs/protocol/attestation.md 7 */
static void the_proof_of_the_page(void **state TD_UNUSED)
{
    unsigned char secret[32], message[66], proof[32];
    struct td_arena a;
    struct td_slice name = TD_S("");
    td_arena_init(&a);
    for (int i = 0; i < 32; i++) {
        secret[i] = (unsigned char)i;
        message[i] = (unsigned char)(32 + i);
    }
    assert_ok(td_hex_decode(&a, TD_S("000be0e531cbb263f032ac9e154cd1fec0a6ad6869758f3eb5cd68cd192f3e42c7d1"), &name));
    memcpy(message + 32, name.p, name.n);
    td_hmac_sha256(td_bytes(secret, sizeof(secret)), td_bytes(message, sizeof(message)), proof);
    assert_string_equal(td_b64(&a, td_bytes(proof, sizeof(proof))), "lVYJBCQaWZTQimTiGdE9uW+ncSosLqKCBgBbDYI7tKw=");
    td_arena_done(&a);
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
        CASE(admits_a_trusted_maker),
        CASE(admits_what_the_document_shows),
        CASE(admits_every_kind_of_key),
        CASE(takes_certificates_as_makers_write_them),
        CASE(refuses_certificates),
        CASE(refuses_keys),
        CASE(refuses_malformed_requests),
        CASE(knows_whose_it_is),
        CASE(wants_a_profile_for_it),
        CASE(wants_no_hybrid_profile),
        CASE(what_was_allowed_has_to_be_still),
        CASE(wants_pre_provisioning_allowed),
        CASE(asks_for_a_technician),
        CASE(a_code_lasts_until_it_admits),
        CASE(a_code_admits_once),
        CASE(a_code_ends_under_its_challenge),
        CASE(believes_a_registered_key),
        CASE(refuses_another_tpm_than_registered),
        CASE(refuses_a_second_tpm_for_a_device),
        CASE(refuses_a_key_of_another_device),
        CASE(marks_virtual_ones),
        CASE(counts_challenges),
        CASE(counts_callers_apart),
        CASE(answers_once),
        CASE(answers_in_its_own_session),
        CASE(refuses_proofs_of_other_keys),
        CASE(refuses_quotes),
        CASE(refuses_what_was_altered),
        CASE(refuses_keys_that_are_not_certified),
        CASE(wants_secure_boot),
        CASE(learns_a_baseline),
        CASE(tells_values_that_changed_without_a_policy),
        CASE(goes_on_after_a_restart),
        CASE(admits_one_of_two_at_once),
        CASE(tells_within_bounds),
        CASE(tells_no_more_than_so_many),
        CASE(a_stranger_spoils_no_deployment),
        CASE(ends_what_a_device_in_its_box_had),
        cmocka_unit_test(the_page_names_every_refusal),
        cmocka_unit_test(the_proof_of_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, at_the_end);
}
